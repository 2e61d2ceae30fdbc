//! A correction of a row goes for every exact copy of its text.

use std::collections::HashMap;

use crate::data::DropReason;
use crate::data::prepare::row::Row;
use crate::project::{Project, SourceFile};

/// Applies the corrections of single rows to the copies of these rows: rows with the same cleaned text that a person
/// has not corrected themselves.
///
/// A new label goes for all of them. Excluding the first of several copies with one label leaves out the others too if
/// duplicates are dropped, where all of them count as one row; otherwise the next would take its place.
pub(super) fn correct_copies(project: &Project, rows: &mut [Row]) {
    if !rows.iter().any(|row| row.edited) {
        return;
    }
    relabel_copies(rows);
    if project.cleaning.drop_duplicates {
        exclude_copies(rows);
    }
}

fn relabel_copies(rows: &mut [Row]) {
    // `None` if a person gave copies of one text different labels.
    let mut corrected: HashMap<&str, Option<usize>> = HashMap::new();
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.edited && row.relabelled) {
        let differs = |&mut known: &mut Option<usize>| known.is_none_or(|known| rows[known].label != row.label);
        let entry = corrected.entry(row.text.as_str());
        entry.and_modify(|known| *known = known.filter(|_| !differs(known))).or_insert(Some(place));
    }
    let source = |row: &Row| corrected.get(row.text.as_str()).copied().flatten();
    let copies = rows.iter().enumerate().filter(|(_, row)| !row.edited && row.dropped.is_none());
    let found: Vec<(usize, usize)> = copies.filter_map(|(place, row)| Some((place, source(row)?))).collect();
    for (place, source) in found {
        let (label, dropped) = (rows[source].label, rows[source].dropped);
        let is_excluded = dropped == Some(DropReason::Excluded);
        if rows[place].label != label {
            (rows[place].label, rows[place].relabelled) = (label, true);
            rows[place].dropped = dropped.filter(|_| !is_excluded);
        }
    }
}

fn exclude_copies(rows: &mut [Row]) {
    // The first copy of each text and label of the main file, and whether a person excluded it.
    let mut first: HashMap<(&str, &str), bool> = HashMap::new();
    let mut copies = Vec::new();
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.id.file == SourceFile::Main) {
        let is_excluded = row.dropped == Some(DropReason::Excluded);
        if row.dropped.is_some() && !is_excluded {
            continue;
        }
        let first_is_excluded = *first.entry((&row.text, row.label)).or_insert(is_excluded);
        if first_is_excluded && !row.edited {
            copies.push(place);
        }
    }
    for place in copies {
        rows[place].dropped = Some(DropReason::Duplicate);
    }
}
