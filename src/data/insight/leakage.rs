//! Finds leakage before training: whatever would make a model's metrics look better than they are.
//!
//! The window, the terminal and a run's log use the same findings.

mod across;
mod giveaway;
mod groups;
mod ratings;
mod report;
mod split_rows;
mod time;

use rayon::prelude::*;

use crate::data::{DataError, Finding, Imported, NearGroups, Prepared, Remedy};
use crate::progress::Watch;
use crate::project::Project;
use split_rows::SplitRows;

pub use report::{LeakageReport, Span};

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
    let mut advance = |done| watch.advance("Checking for leakage", done, 4, "");
    advance(0)?;
    report.findings.extend(across::duplicates(rows));
    report.checked.push("near-duplicates across the split".to_owned());
    report.findings.extend(across::near_duplicates(rows, near));
    advance(1)?;
    groups::find(rows, &mut report);
    advance(2)?;
    time::find(rows, &mut report);
    advance(3)?;
    if !prepared.labels.is_empty() {
        report.checked.push("columns that give the label away".to_owned());
    }
    let names: Vec<&String> = imported.main.table.names.iter().filter(|name| !rows.is_special(name)).collect();
    let giveaways: Vec<Option<Finding>> = names.into_par_iter().map(|name| giveaway::find(rows, name)).collect();
    report.findings.extend(giveaways.into_iter().flatten());
    report.findings.extend(giveaway::find_rating(rows));
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
    advance(4)?;
    Ok(report)
}
