//! Finds problems of a project's rows that do not depend on the split.
//!
//! The checks look at the rows that will be used, as they are after cleaning, so a finding disappears once its remedy
//! is applied.

mod boilerplate;
mod columns;
mod labels;
mod language;
mod placeholders;
mod privacy;
mod rows;
mod several_labels;
mod sources;
mod spellings;
mod unknown_language;

use crate::data::{DataError, Finding};
use crate::progress::Watch;

pub use sources::{Checks, Sources};

/// Finds everything in [`FindingKind::DATA`](crate::data::FindingKind::DATA). The most serious findings come first, and
/// of equally serious ones the most frequent.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn find(sources: &Sources<'_>, watch: &mut Watch) -> Result<Vec<Finding>, DataError> {
    let mut found = Vec::new();
    if sources.checks != Checks::Rows {
        found.extend(labels::findings(sources));
        found.extend(rows::near_duplicates(sources));
    }
    if sources.checks != Checks::Split {
        found.extend(rows::findings(sources));
        watch.begin("Checking the columns")?;
        found.extend(columns::findings(sources));
        found.extend(privacy::findings(sources, watch)?);
        found.extend(language::finding(sources));
        found.extend(unknown_language::finding(sources));
        found.extend(placeholders::texts(sources));
        found.extend(boilerplate::findings(sources, watch)?);
    }
    sort_findings(&mut found);
    Ok(found)
}

/// Puts the most serious findings first, and of equally serious ones the most frequent.
pub fn sort_findings(found: &mut [Finding]) {
    found.sort_by_key(|finding| (finding.severity, std::cmp::Reverse(finding.count), finding.kind));
}
