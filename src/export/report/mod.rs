//! A report on a run: one file that a person can mail, as HTML with pictures inside, or as Markdown with tables.
//!
//! What it says is a [`Document`]; two writers turn that into text. The numbers are those of the run's files, as everywhere else.

mod document;
mod headline;
mod html;
mod labels;
mod language;
mod markdown;
mod probabilities;
mod repeating;
mod rows;
mod slices;
mod source;
mod training;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::chart::Palette;
use crate::evaluation::Metrics;
use crate::export::ExportError;
use crate::export::report::document::{Document, Section};
use crate::storage::{check_output, write_atomic, write_new};

pub use source::{ReportOf, RowsOfReport};

/// A file that a report is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// One page with its pictures, for a browser and for printing.
    Html,
    /// Text with tables in place of pictures, for a repository or a wiki.
    Markdown,
}

impl ReportFormat {
    /// The format that a file's name asks for, if it does.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_string_lossy().to_lowercase().as_str() {
            "html" | "htm" => Some(Self::Html),
            "md" | "markdown" => Some(Self::Markdown),
            _ => None,
        }
    }
}

/// What the report says, for a manager first and for an analyst then.
fn document(of: &ReportOf<'_>) -> Document {
    let mut sections = vec![headline::section(of), headline::what_was_trained(of)];
    match of.metrics() {
        Metrics::Classification(metrics) => {
            sections.extend(labels::sections(of, metrics));
            sections.extend(of.slices.as_ref().map(|slices| slices::section(of, slices)));
            sections.extend(of.details.map(|details| probabilities::section(of, details)));
        }
        Metrics::LanguageModelling(metrics) => sections.extend(language::sections(of, metrics)),
    }
    sections.push(training::section(of));
    sections.extend([rows::section(of), rows::settings(of), repeating::section(of)]);
    sections.retain(|section: &Section| !section.blocks.is_empty());
    Document {
        title: of.settings.project.name.clone(),
        subtitle: headline::subtitle(of),
        sections,
        footer: format!("Made with Hone {}.", env!("CARGO_PKG_VERSION")),
    }
}

/// Writes a report on a run.
///
/// # Errors
/// [`ExportError::NoPredictions`] if the run has none; [`ExportError::Storage`] if the output is inside a run, or something that must
/// not be replaced; [`ExportError::Io`].
pub fn write_report(
    of: &ReportOf<'_>,
    format: ReportFormat,
    (output, may_replace): (&Path, bool),
) -> Result<(), ExportError> {
    check_output(output, may_replace)?;
    if of.predictions.is_empty() {
        return Err(ExportError::NoPredictions(of.summary.run.clone()));
    }
    let document = document(of);
    let text = match format {
        ReportFormat::Html => html::text(&document, &Palette::pair()?),
        ReportFormat::Markdown => markdown::text(&document),
    };
    let write = |file: &mut BufWriter<&File>| file.write_all(text.as_bytes());
    let written = if may_replace { write_atomic(output, write) } else { write_new(output, write) };
    written.map_err(ExportError::io("write", output))
}
