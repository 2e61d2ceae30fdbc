//! Finds training rows that are newer than test rows.

use crate::data::insight::leakage::report::{LeakageReport, Span};
use crate::data::insight::leakage::split_rows::SplitRows;
use crate::data::{Finding, FindingKind, Remedy, Severity, Side, cells_of, moment_in_words, read_moments};
use crate::project::SourceFile;
use crate::words::{count, plural};

/// Checks the time column, if one is chosen.
pub(super) fn find(rows: SplitRows<'_>, report: &mut LeakageReport) {
    let table = &rows.imported.main.table;
    let Some(column) = rows.project.dataset.time_column().filter(|&column| table.column_index(column).is_some()) else {
        report.not_checked.push("training rows newer than test rows: no time column is chosen".to_owned());
        return;
    };
    report.checked.push("training rows newer than test rows".to_owned());
    let times = read_moments(&cells_of(rows.imported, &rows.prepared.examples, column)).values;
    report.spans = Side::ALL.map(|side| {
        let of_side =
            times.iter().enumerate().filter(|&(place, _)| rows.side(place) == side).filter_map(|(_, time)| *time);
        of_side.fold(None, |span: Option<Span>, time| {
            Some(span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))))
        })
    });
    // Without test rows, metrics come from the validation set.
    let [_, validation, test] = report.spans;
    let (measured, word) = if test.is_some() { (Side::Test, "test") } else { (Side::Validation, "validation") };
    let Some((oldest, _)) = test.or(validation) else { return };
    let is_later = |place: &usize| rows.side(*place) == Side::Train && times[*place].is_some_and(|time| time > oldest);
    let found: Vec<usize> = (0..times.len()).filter(is_later).collect();
    if found.is_empty() {
        return;
    }
    let measured_here = rows.prepared.side(measured).any(|example| example.id.file == SourceFile::Main);
    let all = rows.prepared.side(Side::Train).count();
    let says = format!(
        "{} of {} training rows {} newer than the oldest {word} row ({})",
        count(found.len()),
        count(all),
        plural(found.len(), "is", "are"),
        moment_in_words(oldest)
    );
    // Texts may not change over time, so this is only worth a look.
    let finding = Finding::new(FindingKind::SplitTimes, Severity::Note, rows.ids(&found));
    let meaning = "The model learns from the same period it is tested on, so it may do worse on future texts than the metrics suggest";
    let finding = finding.says(says, meaning).with(measured_here.then_some(Remedy::SplitByTime));
    report.findings.push(Finding { column: Some(column.to_owned()), ..finding });
}
