//! Finds leakage before training: whatever would make a model's metrics look better than they are.
//!
//! The window, the terminal and a run's log use the same findings.

mod across;
mod giveaway;
mod groups;
mod time;

use rayon::prelude::*;

use crate::data::{DataError, Finding, Imported, NearGroups, Prepared, Remedy, Side};
use crate::progress::{Progress, Watch};
use crate::project::{ColumnRole, Project, RowId, SourceFile, SplitMethod};
use crate::words::{count, joined, plural};

pub use time::Span;

/// The findings that are leakage, and what was checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeakageReport {
    /// The findings, those that make metrics wrong first.
    pub findings: Vec<Finding>,
    /// What was checked, in words.
    pub checked: Vec<String>,
    /// What was not, and why, in words.
    pub not_checked: Vec<String>,
    /// First and last moment of train, validation and test, where a time column is chosen.
    pub spans: [Option<Span>; 3],
}

impl LeakageReport {
    /// Findings that make metrics wrong and are not ignored.
    pub fn serious(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.ignored && finding.is_problem())
    }

    /// Findings that are only worth a look and are not ignored.
    pub fn hints(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.ignored && !finding.is_problem())
    }
}

/// Prepared rows with their sides of the split: what the checks look at.
#[derive(Clone, Copy)]
struct SplitRows<'a> {
    project: &'a Project,
    imported: &'a Imported,
    prepared: &'a Prepared,
}

/// Checks prepared rows for all kinds of leakage. `near` are the near-duplicates among their texts.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn find_leaks(
    project: &Project,
    imported: &Imported,
    prepared: &Prepared,
    near: &NearGroups,
    watch: &mut Watch,
) -> Result<LeakageReport, DataError> {
    let rows = SplitRows { project, imported, prepared };
    let mut report =
        LeakageReport { checked: vec!["duplicates across the split".to_owned()], ..LeakageReport::default() };
    if prepared.examples.is_empty() {
        return Ok(report);
    }
    look(watch, 0)?;
    report.findings.extend(across::duplicates(rows));
    report.checked.push("near-duplicates across the split".to_owned());
    report.findings.extend(across::near_duplicates(rows, near));
    look(watch, 1)?;
    groups::find(rows, &mut report);
    look(watch, 2)?;
    time::find(rows, &mut report);
    look(watch, 3)?;
    if !prepared.labels.is_empty() {
        report.checked.push("columns that give the label away".to_owned());
    }
    let names: Vec<&String> = imported.main.table.names.iter().filter(|name| !is_special(project, name)).collect();
    let giveaways: Vec<Option<Finding>> = names.into_par_iter().map(|name| giveaway::find(rows, name)).collect();
    report.findings.extend(giveaways.into_iter().flatten());
    report.findings.sort_by_key(|finding| finding.severity);
    for finding in &mut report.findings {
        let key = finding.key();
        finding.ignored = project.split.ignored_leaks.contains(&key);
        if finding.ignored {
            finding.remedies = vec![Remedy::StopIgnoring(key)];
        } else {
            finding.remedies.push(Remedy::Ignore(key));
        }
    }
    look(watch, 4)?;
    Ok(report)
}

fn look(watch: &mut Watch, done: u64) -> Result<(), DataError> {
    if watch.is_cancelled() {
        return Err(DataError::Cancelled);
    }
    let stage = "Checking for leakage".to_owned();
    watch.progress(Progress { stage, done, total: Some(4), unit: "", eta_seconds: None });
    Ok(())
}

/// Whether a column is the text, the label or the split itself.
fn is_special(project: &Project, name: &str) -> bool {
    let dataset = &project.dataset;
    [ColumnRole::Text, ColumnRole::Label, ColumnRole::Split].into_iter().any(|role| dataset.has_role(name, role))
}

impl SplitRows<'_> {
    fn side(&self, place: usize) -> Side {
        self.prepared.examples[place].side
    }

    fn id(&self, place: usize) -> RowId {
        self.prepared.examples[place].id
    }

    /// The row as the person knows it.
    fn name(&self, place: usize) -> String {
        self.imported.row_name(self.id(place))
    }

    fn ids(&self, places: &[usize]) -> Vec<RowId> {
        places.iter().map(|&place| self.id(place)).collect()
    }

    fn exclude(&self, rows: &[RowId]) -> Remedy {
        Remedy::exclude_rows(self.imported, &self.project.dataset, rows)
    }

    /// Whether a row comes from the main file, so that another split can move it.
    fn is_divided(&self, place: usize) -> bool {
        self.id(place).file == SourceFile::Main
    }

    fn is_random(&self) -> bool {
        self.project.split.method == SplitMethod::Random
    }

    /// "12 of 80 validation rows and 1 of 160 test rows" of some rows that are not training rows.
    fn counted(&self, places: &[usize]) -> String {
        let of_side = |(side, word): (Side, &str)| {
            let found = places.iter().filter(|&&place| self.side(place) == side).count();
            let all = self.prepared.side(side).count();
            let rows = plural(all, "row", "rows");
            (found > 0).then(|| format!("{} of {} {word} {rows}", count(found), count(all)))
        };
        let sides = [(Side::Validation, "validation"), (Side::Test, "test")];
        joined(&sides.into_iter().filter_map(of_side).collect::<Vec<_>>())
    }
}
