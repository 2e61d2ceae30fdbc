//! Lines after the last row of a table that are no rows: totals, and the end of a report.

use crate::data::import::head::skipped;
use crate::data::import::rows::RawRows;

/// The most lines after the last row.
const MOST: usize = 10;
/// First fields of a line that sums up the rows above, in lower case.
const TOTALS: [&str; 14] = [
    "total",
    "totals",
    "grand total",
    "subtotal",
    "sub-total",
    "sum",
    "average",
    "overall total",
    "summe",
    "gesamt",
    "gesamtsumme",
    "total général",
    "totale",
    "totaal",
];

/// Removes the lines after the last row, and says which. A line that sums up the rows is one of them if it also has empty
/// fields. A line of a single field is, if it comes after such a line, or if the table has a title.
pub(super) fn remove(rows: &mut RawRows, delimiter: char, has_title: bool) -> Option<String> {
    if rows.names.len() < 2 {
        return None;
    }
    let (mut good, mut bad) = (rows.records.len(), rows.bad_rows.len());
    let (mut lines, mut has_totals) = (Vec::new(), false);
    while lines.len() < MOST {
        let last_good = good.checked_sub(1).map(|at| rows.records[at]);
        let last_bad = bad.checked_sub(1).map(|at| rows.bad_rows[at].record);
        if last_bad > last_good {
            let raw = &rows.bad_rows[bad - 1].raw;
            let fields: Vec<&str> = raw.split(delimiter).map(str::trim).collect();
            let are_totals = is_total(&fields);
            if !are_totals && fields.len() > 1 {
                break;
            }
            has_totals |= are_totals;
            lines.push(raw.clone());
            bad -= 1;
        } else {
            let Some(row) = good.checked_sub(1) else { break };
            let fields: Vec<&str> = rows.columns.iter().map(|column| column.value(row).trim()).collect();
            if !is_total(&fields) {
                break;
            }
            has_totals = true;
            lines.push(fields.join(&delimiter.to_string()));
            good -= 1;
        }
    }
    // A report that is all totals is a table.
    if good == 0 || !(has_totals || has_title) {
        return None;
    }
    rows.records.truncate(good);
    rows.bad_rows.truncate(bad);
    for column in &mut rows.columns {
        *column = column.slice(0, good);
    }
    lines.reverse();
    skipped(&lines).map(|lines| format!("Skipped {lines} after the last row"))
}

/// Whether fields sum up the rows above.
fn is_total(fields: &[&str]) -> bool {
    let first = fields.iter().find(|field| !field.is_empty());
    let is_named = first.is_some_and(|first| TOTALS.contains(&first.trim_end_matches(':').to_lowercase().as_str()));
    is_named && fields.iter().any(|field| field.is_empty())
}

#[cfg(test)]
mod tests {
    use arrow_array::{Array, StringViewArray};

    use super::*;
    use crate::data::BadRow;

    /// Rows of two columns, and a bad row after them for each of `ends`.
    fn rows(cells: &[(&str, &str)], ends: &[&str]) -> RawRows {
        let column = |cells: Vec<&str>| StringViewArray::from(cells);
        let all = cells.len() as u64;
        RawRows {
            names: vec!["a".to_owned(), "b".to_owned()],
            columns: vec![
                column(cells.iter().map(|cells| cells.0).collect()),
                column(cells.iter().map(|cells| cells.1).collect()),
            ],
            records: (1..=all).collect(),
            bad_rows: (all + 1..).zip(ends).map(|(record, raw)| BadRow::new(record, record, "1 field", raw)).collect(),
            ..RawRows::default()
        }
    }

    #[test]
    fn totals_and_the_end_of_a_report_are_no_rows() {
        let mut report = rows(&[("good", "x"), ("Total:", "")], &["End of report"]);
        let said = remove(&mut report, ',', false).unwrap();
        assert_eq!(said, "Skipped 2 lines ('Total:,', 'End of report') after the last row");
        assert_eq!((report.records.len(), report.bad_rows.len(), report.columns[1].len()), (1, 0, 1));
        let mut titled = rows(&[("good", "x")], &["Printed in May"]);
        assert!(remove(&mut titled, ',', true).is_some());
    }

    #[test]
    fn rows_that_only_look_like_an_end_are_kept() {
        for (cells, ends) in [
            (&[("good", "x"), ("Total", "bad")][..], &[][..]),
            (&[("good", "x"), ("Total waste", "")], &[]),
            (&[("good", "x")], &["a field that broke"]),
            (&[("Total", "")], &[]),
            (&[("Total", ""), ("good", "x")], &[]),
        ] {
            let mut table = rows(cells, ends);
            assert_eq!(remove(&mut table, ',', false), None, "{cells:?} {ends:?}");
            assert_eq!((table.records.len(), table.bad_rows.len()), (cells.len(), ends.len()));
        }
    }
}
