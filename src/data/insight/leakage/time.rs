//! Training rows from after the rows that are measured.

use crate::data::insight::leakage::{Leak, LeakKind, LeakRemedy, LeakageReport, Rows};
use crate::data::{Side, cells_of, moment_in_words, read_moments};
use crate::project::SourceFile;

/// First and last moment of some rows, in milliseconds since 1970.
pub type Span = (i64, i64);

/// Looks at the time column, where one is known.
pub(super) fn find(rows: Rows<'_>, report: &mut LeakageReport) {
    let table = &rows.imported.main.table;
    let Some(column) = rows.project.dataset.time_column().filter(|&column| table.column_index(column).is_some()) else {
        report.not_looked_for.push("training rows from after the test: no time column is chosen".to_owned());
        return;
    };
    report.looked_for.push("training rows from after the test".to_owned());
    let times = read_moments(&cells_of(rows.imported, &rows.prepared.examples, column)).values;
    report.spans = [Side::Train, Side::Validation, Side::Test].map(|side| {
        let of_side =
            times.iter().enumerate().filter(|&(place, _)| rows.side(place) == side).filter_map(|(_, time)| *time);
        of_side.fold(None, |span: Option<Span>, time| {
            Some(span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))))
        })
    });
    // Without test rows the figures come from validation.
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
    report.leaks.push(Leak {
        kind: LeakKind::Time { column: column.to_owned() },
        found: format!(
            "{} of {all} training rows {} later than the oldest {word} row ({})",
            found.len(),
            if found.len() == 1 { "is" } else { "are" },
            moment_in_words(oldest)
        ),
        rows: rows.ids(&found),
        meaning:
            "The model learns from a time that it is then measured on. For texts yet to come it may do worse than the \
                  figures say"
                .to_owned(),
        remedies: if measured_here { vec![LeakRemedy::SplitByTime] } else { Vec::new() },
        ignored: false,
    });
}
