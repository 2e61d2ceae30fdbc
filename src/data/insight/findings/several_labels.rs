//! Finds rows with several labels in one cell.

use std::collections::{HashMap, HashSet};

use crate::data::insight::findings::sources::Sources;
use crate::data::table::label_list::joined_labels;
use crate::data::{DropReason, Finding, FindingKind, Severity};
use crate::project::RowId;
use crate::words::{cell_value, counted, plural};

/// Rows whose cell lists several labels, which are dropped, and labels that are others joined by a sign.
pub(super) fn finding(sources: &Sources<'_>) -> Option<Finding> {
    let (listed, joined) = (listed(sources), joined(sources));
    let mut said = Vec::new();
    if let Some((first, _)) = listed.first() {
        let rows = counted(listed.len(), "row lists", "rows list");
        let dropped = plural(listed.len(), "it is dropped", "they are dropped");
        said.push(format!("{rows} several labels, such as '{}', so {dropped}", cell_value(first)));
    }
    if let Some(&first) = joined.first() {
        let name = &sources.prepared.labels[first];
        let labels = counted(joined.len(), "label seems", "labels seem");
        said.push(format!("{labels} to be several labels in one cell, such as '{name}'"));
    }
    if said.is_empty() {
        return None;
    }
    let rows: Vec<RowId> = listed.iter().map(|(_, id)| *id).chain(sources.rows_of(&joined)).collect();
    let meaning = "Hone trains on one label for each text. Keep the most important label of each row in the file";
    Some(Finding::new(FindingKind::SeveralLabels, Severity::Warning, rows).says(said.join("; "), meaning))
}

/// The cells with lists of several labels, with their rows.
fn listed<'a>(sources: &Sources<'a>) -> Vec<(&'a str, RowId)> {
    let dataset = &sources.project.dataset;
    let Some(column) = dataset.label_column() else { return Vec::new() };
    let cell = |id: &RowId| {
        let table = &sources.imported.file(id.file)?.table;
        let row = table.records.binary_search(&id.record).ok()?;
        Some((table.cell(table.column_index(column)?, row), *id))
    };
    let dropped = sources.prepared.dropped.iter().filter(|(_, why)| *why == DropReason::SeveralLabels);
    dropped.filter_map(|(id, _)| cell(id)).collect()
}

/// Labels made of others. A part counts as a label if it is one by itself, or a part of two such labels.
fn joined(sources: &Sources<'_>) -> Vec<usize> {
    let names = &sources.prepared.labels;
    let mut times: HashMap<&str, usize> = names.iter().map(|name| (name.as_str(), 2)).collect();
    let anything = |_: &str| true;
    for part in names.iter().filter_map(|name| joined_labels(name, anything)).flatten() {
        *times.entry(part).or_default() += 1;
    }
    let is_known = |part: &str| times.get(part).is_some_and(|times| *times >= 2);
    let alone: HashSet<&str> = names.iter().map(String::as_str).collect();
    let is_joined =
        |name: &str| joined_labels(name, is_known).is_some_and(|parts| parts.iter().any(|part| alone.contains(part)));
    (0..names.len()).filter(|&label| is_joined(&names[label])).collect()
}
