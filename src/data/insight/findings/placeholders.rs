//! Finds labels and texts that stand for a missing one, such as `N/A`.

use std::collections::BTreeMap;

use crate::data::insight::findings::sources::Sources;
use crate::data::table::placeholders::{is_placeholder, is_text_of_nothing};
use crate::data::{Example, Finding, FindingKind, Remedy, Severity};
use crate::project::RowId;
use crate::words::{cell_value, count, counted, listed_up_to};

/// A sign such as `-` counts as a real label if at least one row in this many has it.
const ONE_ROW_IN: usize = 10;
/// Placeholders named in a finding.
const NAMED: usize = 16;

/// Labels that stand for a missing one. `None` and `NA` may be names of classes and are not among them.
pub(super) fn labels(sources: &Sources<'_>) -> Option<Finding> {
    let names = &sources.prepared.labels;
    let rows: Vec<usize> = sources.prepared.counts().iter().map(|sides| sides.iter().sum()).collect();
    let all: usize = rows.iter().sum();
    let is_sign = |name: &str| !name.contains(char::is_alphanumeric);
    let stands_for_nothing = |&label: &usize| {
        rows[label] > 0 && is_placeholder(&names[label]) && !(is_sign(&names[label]) && rows[label] * ONE_ROW_IN > all)
    };
    let found: Vec<usize> = (0..names.len()).filter(stands_for_nothing).collect();
    if found.is_empty() {
        return None;
    }
    let told = found.iter().map(|&label| format!("'{}' ({})", names[label], count(rows[label])));
    let ids = sources.rows_of(&found);
    let labels = found.iter().map(|&label| names[label].clone()).collect();
    let remedy = (names.len() - found.len() >= 2).then_some(Remedy::ExcludeLabels(labels));
    let finding = Finding::new(FindingKind::PlaceholderLabels, Severity::Warning, ids);
    let rows = counted(finding.count, "row has", "rows have");
    let said = format!("{rows} a label that stands for a missing one: {}", listed_up_to(NAMED, told));
    Some(
        finding
            .says(said, "The model would learn it as a class. Exclude these rows, or give them a label")
            .with(remedy),
    )
}

/// Texts without content.
pub(super) fn texts(sources: &Sources<'_>) -> Option<Finding> {
    let empty: Vec<&Example> =
        sources.prepared.examples.iter().filter(|example| is_text_of_nothing(&example.text)).collect();
    if empty.is_empty() {
        return None;
    }
    let mut of_text: BTreeMap<&str, Vec<RowId>> = BTreeMap::new();
    for example in &empty {
        of_text.entry(example.text.trim()).or_default().push(example.id);
    }
    let mut of_text: Vec<(&str, Vec<RowId>)> = of_text.into_iter().collect();
    of_text.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    let told = of_text.iter().map(|(text, ids)| {
        let first = sources.imported.row_name(ids[0]);
        let more = if ids.len() > 1 { format!(" and {} more", count(ids.len() - 1)) } else { String::new() };
        format!("'{}' ({first}{more})", cell_value(text))
    });
    let rows: Vec<RowId> = empty.iter().map(|example| example.id).collect();
    let said = format!("{} no content: {}", counted(rows.len(), "text has", "texts have"), listed_up_to(NAMED, told));
    let remedy = sources.exclude(&rows);
    let meaning =
        "Such a text says nothing about its label. Exclude these rows, unless the model must handle such texts";
    Some(Finding::new(FindingKind::PlaceholderTexts, Severity::Warning, rows).says(said, meaning).with([remedy]))
}
