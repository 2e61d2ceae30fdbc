//! Keeps corrections with their rows when columns get other roles, or a file is removed or grows.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::data::{Imported, RowColumns, Table};
use crate::project::{DatasetSettings, Edits, LabelSettings, Project, RowEdit, RowId, SourceFile};

/// A project's corrections after its dataset settings change from `before` to `after`. `imported` are the rows as read
/// with `before`.
///
/// Corrections of a removed main file are removed too, and those of the files after it follow their rows. Corrections
/// stay valid when the text or label column changes; but a changed label is kept only if the new column has that label
/// too.
#[must_use]
pub fn carried_corrections(imported: &Imported, before: &Project, after: &DatasetSettings) -> Edits {
    let old = &before.dataset;
    if let Some(edits) = without_removed_files(imported, old, after, &before.edits) {
        return edits;
    }
    let same_content = old.read_columns().eq(after.read_columns())
        && old.label_columns().eq(after.label_columns())
        && old.has_column_per_label() == after.has_column_per_label();
    if before.edits.rows.is_empty() || same_content || old.as_read() != after.as_read() {
        return before.edits.clone();
    }
    rehashed(imported, before, after)
}

fn rehashed(imported: &Imported, before: &Project, after: &DatasetSettings) -> Edits {
    let old = &before.dataset;
    let same_labels = old.label_columns().eq(after.label_columns());
    let known = if same_labels { BTreeSet::new() } else { labels_found(imported, before, after) };
    let tables = SourceFile::ALL.map(|file| {
        let table = &imported.file(file)?.table;
        Some((table, RowColumns::of_any(table, old), RowColumns::of_any(table, after)))
    });
    let rehash = |(id, edit): (&RowId, &RowEdit)| -> Option<(RowId, String)> {
        let (table, old, new) = tables[id.file as usize].as_ref()?;
        let row = row_of(table, *id)?;
        let stays = edit.label().is_none_or(|label| same_labels || known.contains(label.trim()));
        (stays && old.hash(row) == edit.content_hash).then(|| (*id, new.hash(row)))
    };
    let mut edits = before.edits.clone();
    let hashes: Vec<(RowId, String)> = edits.rows.par_iter().filter_map(rehash).collect();
    for (id, hash) in hashes {
        edits.rows.entry(id).or_default().content_hash = hash;
    }
    edits
}

/// The labels given by corrections that also exist with these settings.
fn labels_found(imported: &Imported, project: &Project, after: &DatasetSettings) -> BTreeSet<String> {
    let mut open: BTreeSet<&str> = project.edits.rows.values().filter_map(|edit| Some(edit.label()?.trim())).collect();
    let mut found = BTreeSet::new();
    let labels: &LabelSettings = project.labels();
    for file in imported.files() {
        let columns = RowColumns::of_any(&file.table, after);
        for row in 0..file.table.len() {
            if open.is_empty() {
                return found;
            }
            let label = columns.label(row).text().trim();
            for label in [label, labels.resolve(label).trim()] {
                if let Some(label) = open.take(label) {
                    found.insert(label.to_owned());
                }
            }
        }
    }
    found
}

/// The corrections without those of removed main files; `None` if the change was another one.
fn without_removed_files(
    imported: &Imported,
    before: &DatasetSettings,
    after: &DatasetSettings,
    edits: &Edits,
) -> Option<Edits> {
    let parts = &imported.main.parts;
    let mut left = after.main_files().peekable();
    let stays: Vec<bool> = before.main_files().map(|file| left.next_if_eq(&file).is_some()).collect();
    let is_removal = left.peek().is_none() && stays.contains(&true) && stays.contains(&false);
    // The rows read last may still be those of other files. Then corrections are matched by the content of their rows.
    let are_these = before.main_files().map(|file| file.file_name()).eq(parts.iter().map(|part| part.path.file_name()));
    if !is_removal || !are_these {
        return None;
    }
    // Where each file's records begin once the others are removed.
    let mut begins = Vec::with_capacity(parts.len());
    let mut begin = 0;
    for (place, part) in parts.iter().enumerate() {
        begins.push(stays[place].then_some(begin));
        let end = parts.get(place + 1).map_or(part.before, |next| next.before);
        begin += if stays[place] { end - part.before } else { 0 };
    }
    let follow = |(id, edit): (&RowId, &RowEdit)| {
        if id.file != SourceFile::Main {
            return Some((*id, edit.clone()));
        }
        let place = parts.iter().rposition(|part| part.before < id.record)?;
        let record = id.record - parts[place].before + begins[place]?;
        Some((RowId { record, ..*id }, edit.clone()))
    };
    Some(Edits { rows: edits.rows.iter().filter_map(follow).collect() })
}

/// Corrections of main rows that have moved, from where to where: the row is no longer in its place, and a row without a
/// correction has the same content. Rows with the same content are as good as each other, so they are taken in order.
#[must_use]
pub(in crate::data) fn moved_corrections(imported: &Imported, project: &Project) -> Vec<(RowId, RowId)> {
    let table = &imported.main.table;
    let Some(columns) = RowColumns::of(table, &project.dataset) else { return Vec::new() };
    let holds = |id: RowId, edit: &RowEdit| row_of(table, id).is_some_and(|row| columns.hash(row) == edit.content_hash);
    let of_main = project.edits.rows.par_iter().filter(|(id, _)| id.file == SourceFile::Main);
    let lost: Vec<(RowId, &str)> =
        of_main.filter(|(id, edit)| !holds(**id, edit)).map(|(id, edit)| (*id, edit.content_hash.as_str())).collect();
    if lost.is_empty() {
        return Vec::new();
    }
    // The lost corrections of each content, the first one last.
    let mut wanted: HashMap<&str, Vec<RowId>> = HashMap::with_capacity(lost.len());
    for &(id, hash) in lost.iter().rev() {
        wanted.entry(hash).or_default().push(id);
    }
    let candidate = |(row, &record): (usize, &u64)| -> Option<(RowId, String)> {
        let (to, hash) = (RowId { file: SourceFile::Main, record }, columns.hash(row));
        let has_its_own = project.edits.rows.get(&to).is_some_and(|edit| edit.content_hash == hash);
        (wanted.contains_key(hash.as_str()) && !has_its_own).then_some((to, hash))
    };
    let places: Vec<(RowId, String)> = table.records.par_iter().enumerate().filter_map(candidate).collect();
    let pair = |(to, hash): (RowId, String)| Some((wanted.get_mut(hash.as_str())?.pop()?, to));
    let mut found: Vec<(RowId, RowId)> = places.into_iter().filter_map(pair).collect();
    found.sort_unstable();
    found
}

fn row_of(table: &Table, id: RowId) -> Option<usize> {
    table.records.binary_search(&id.record).ok()
}
