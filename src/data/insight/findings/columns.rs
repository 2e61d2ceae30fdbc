//! Findings about the other columns of the main file.

use rayon::prelude::*;

use crate::data::insight::findings::sources::Sources;
use crate::data::prepare::copies::same_texts;
use crate::data::{Example, Finding, FindingKind, Severity, Table};
use crate::project::{ColumnRole, RowId};
use crate::words::{count, counted, listed, percent_of};

/// Last words of the name of a column of ids.
const ID_WORDS: [&str; 4] = ["id", "uuid", "guid", "uid"];
/// First words of the name of an id column that does not identify rows: a person writes more than one review.
const IDS_OF_OTHERS: [&str; 18] = [
    "user",
    "customer",
    "author",
    "reviewer",
    "worker",
    "annotator",
    "product",
    "item",
    "store",
    "shop",
    "category",
    "session",
    "thread",
    "conversation",
    "parent",
    "reply",
    "group",
    "account",
];
/// At least this share of the values of an id column are different, in tenths.
const TENTHS_DIFFERENT: usize = 9;

pub(super) fn findings(sources: &Sources<'_>) -> Vec<Finding> {
    [repeated_ids(sources), missing_values(sources)].into_iter().flatten().collect()
}

/// Columns of the main file other than the text, the label and ignored ones.
fn others<'a>(sources: &Sources<'a>) -> impl Iterator<Item = usize> + use<'a> {
    let (table, dataset) = (&sources.imported.main.table, &sources.project.dataset);
    (0..table.names.len()).filter(|&column| {
        let name = &table.names[column];
        !dataset.is_learnt_from(name) && !dataset.has_role(name, ColumnRole::Ignored)
    })
}

/// Whether a column is named like one that identifies rows: `id`, `tweet_id`, `reviewId`.
fn names_ids(name: &str) -> bool {
    let mut words: Vec<String> = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (was_lower && letter.is_uppercase()) {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    let is = |word: Option<&String>, known: &[&str]| word.is_some_and(|word| known.contains(&word.as_str()));
    is(words.last(), &ID_WORDS) && !is(words.first(), &IDS_OF_OTHERS)
}

/// Used rows that repeat the id of an earlier used row, and these rows together with the earlier ones, group by group.
fn repeats(sources: &Sources<'_>, table: &Table, column: usize) -> Option<(Vec<RowId>, Vec<RowId>)> {
    let filled: Vec<(RowId, &str)> = sources
        .main()
        .map(|example| (example.id, table.cell(column, example.row).trim()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let values: Vec<&str> = filled.iter().map(|&(_, value)| value).collect();
    let mut groups = same_texts(&values);
    let copies: usize = groups.iter().map(|group| group.len() - 1).sum();
    if groups.is_empty() || (filled.len() - copies) * 10 < filled.len() * TENTHS_DIFFERENT {
        return None;
    }
    // Those that repeat first come first.
    groups.sort_unstable_by_key(|group| group[1]);
    let rows = |group: &[u32]| group.iter().map(|&place| filled[place as usize].0).collect::<Vec<RowId>>();
    let later = groups.iter().flat_map(|group| rows(&group[1..])).collect();
    Some((later, groups.iter().flat_map(|group| rows(group)).collect()))
}

fn repeated_ids(sources: &Sources<'_>) -> Option<Finding> {
    let (table, dataset) = (&sources.imported.main.table, &sources.project.dataset);
    // In a column with another role, values repeat by nature.
    let is_for_other = |name: &String| {
        [ColumnRole::Group, ColumnRole::Time, ColumnRole::Split].into_iter().any(|role| dataset.has_role(name, role))
    };
    let is_id = |name: &String| names_ids(name) && !is_for_other(name);
    let mut ids = others(sources).filter(|&column| is_id(&table.names[column]));
    let (column, (later, rows)) = ids.find_map(|column| Some((column, repeats(sources, table, column)?)))?;
    let name = &table.names[column];
    let found = format!(
        "{} of '{name}', which looks like an ID",
        counted(later.len(), "row repeats a value", "rows repeat a value")
    );
    let meaning = "The file may contain the same thing more than once. Keep only the first row of each, unless the repeats are \
                   intended";
    let finding = Finding::new(FindingKind::RepeatedIds, Severity::Warning, rows).says(found, meaning);
    Some(Finding { count: later.len(), column: Some(name.clone()), ..finding }.with([sources.exclude(&later)]))
}

fn missing_values(sources: &Sources<'_>) -> Option<Finding> {
    let table = &sources.imported.main.table;
    let is_gap = |column: usize, row: usize| table.cell(column, row).trim().is_empty();
    let others: Vec<usize> = others(sources).collect();
    let used: Vec<&Example> = sources.main().collect();
    let gaps_of = |&column: &usize| used.iter().filter(|example| is_gap(column, example.row)).count();
    let gaps: Vec<usize> = others.par_iter().map(gaps_of).collect();
    let mut columns: Vec<(usize, &str)> = gaps
        .iter()
        .zip(&others)
        .filter(|(gaps, _)| **gaps > 0)
        .map(|(gaps, &column)| (*gaps, table.names[column].as_str()))
        .collect();
    if columns.is_empty() {
        return None;
    }
    columns.sort_by_key(|(gaps, _)| std::cmp::Reverse(*gaps));
    let told: Vec<String> = columns
        .iter()
        .map(|(gaps, name)| format!("'{name}' ({}, {})", count(*gaps), percent_of(*gaps, used.len())))
        .collect();
    let has_gap = |example: &&&Example| others.iter().any(|&column| is_gap(column, example.row));
    let rows: Vec<RowId> = used.iter().filter(has_gap).map(|example| example.id).collect();
    let read = if sources.project.classification().is_some() { "the text and the label" } else { "the text" };
    let meaning =
        format!("Training reads only {read}, so there is nothing to do unless you want metrics by such a column");
    let finding = Finding::new(FindingKind::MissingValues, Severity::Note, rows);
    Some(finding.says(format!("These columns are empty in some rows: {}", listed(&told)), meaning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ids() {
        for name in ["id", "ID", "tweet_id", "reviewId", "Review ID", "uuid", "order-id"] {
            assert!(names_ids(name), "{name}");
        }
        for name in ["", "idea", "paid", "user_id", "productId", "identity", "id_type", "void"] {
            assert!(!names_ids(name), "{name}");
        }
    }
}
