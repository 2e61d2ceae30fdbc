//! Finds problems of single rows and their texts.

use std::collections::HashSet;

use crate::data::insight::findings::sources::Sources;
use crate::data::{DropReason, Finding, FindingKind, Remedy, Severity};
use crate::project::{RowId, SourceFile};
use crate::words::{count, counted, percent_of, plural};

/// At most one text in this many may be truncated without a finding.
const TOO_LONG_IN: usize = 100;
/// The suggested max length is a multiple of this.
const LENGTH_STEP: usize = 8;

pub(super) fn findings(sources: &Sources<'_>) -> Vec<Finding> {
    let found = [conflicts(sources), duplicates(sources), without_text(sources), without_label(sources)];
    found.into_iter().flatten().collect()
}

fn dropped(sources: &Sources<'_>, reason: DropReason) -> Vec<RowId> {
    sources.prepared.dropped.iter().filter(|(_, why)| *why == reason).map(|(id, _)| *id).collect()
}

fn conflicts(sources: &Sources<'_>) -> Option<Finding> {
    let drops = sources.project.cleaning.drop_conflicts;
    let groups = &sources.prepared.conflicts;
    let of_main = |group: &&Vec<RowId>| group.iter().any(|id| id.file == SourceFile::Main);
    let handled = drops && groups.iter().all(|group| of_main(&group));
    // If conflicts are dropped, those of the main file are resolved.
    let open: Vec<&Vec<RowId>> = groups.iter().filter(|group| handled || !drops || !of_main(group)).collect();
    if open.is_empty() {
        return None;
    }
    let rows: Vec<RowId> = open.iter().copied().flatten().copied().collect();
    let found = format!("{} with different labels", counted(open.len(), "text occurs", "texts occur"));
    let (severity, meaning, remedy) = if handled {
        (Severity::Handled, are_dropped(open.len()), None)
    } else {
        let remedy = if open.iter().any(of_main) { Remedy::TurnOn("drop_conflicts") } else { sources.exclude(&rows) };
        let meaning = "At least one label per text is wrong. Correct the labels, or drop all of these rows";
        (Severity::Problem, meaning.to_owned(), Some(remedy))
    };
    let finding = Finding::new(FindingKind::Conflicts, severity, rows).says(found, meaning);
    Some(Finding { count: open.len(), ..finding }.with(remedy))
}

fn are_dropped(count: usize) -> String {
    format!("{} dropped", plural(count, "It is", "They are"))
}

fn duplicates(sources: &Sources<'_>) -> Option<Finding> {
    let handled = sources.project.cleaning.drop_duplicates;
    let rows = if handled {
        dropped(sources, DropReason::Duplicate)
    } else {
        let mut seen = HashSet::new();
        sources.main().filter(|row| !seen.insert((row.text.as_str(), row.target))).map(|row| row.id).collect()
    };
    if rows.is_empty() {
        return None;
    }
    let found = format!("{} the same text and label as an earlier row", counted(rows.len(), "row has", "rows have"));
    let meaning = if handled {
        are_dropped(rows.len())
    } else {
        "Copies count more than once, and metrics look too good if one copy is in the training set and another in the test set. \
         Drop them"
        .to_owned()
    };
    let severity = if handled { Severity::Handled } else { Severity::Warning };
    let remedy = (!handled).then_some(Remedy::TurnOn("drop_duplicates"));
    Some(Finding::new(FindingKind::Duplicates, severity, rows).says(found, meaning).with(remedy))
}

pub(super) fn near_duplicates(sources: &Sources<'_>) -> Option<Finding> {
    let likeness = sources.likeness;
    if likeness.groups.is_empty() {
        return None;
    }
    let rows: Vec<RowId> = likeness.groups.iter().flatten().copied().collect();
    let surplus = likeness.surplus(sources.project.split.method);
    let found = format!(
        "{} from another by only a word or two ({})",
        counted(rows.len(), "text differs", "texts differ"),
        counted(likeness.groups.len(), "group", "groups")
    );
    let meaning = "They count more than once, and metrics look too good if a group is in both the training and the test set. \
                   Keep one row per group";
    let remedy = (!surplus.is_empty()).then(|| sources.exclude(&surplus));
    Some(Finding::new(FindingKind::NearDuplicates, Severity::Warning, rows).says(found, meaning).with(remedy))
}

fn without_text(sources: &Sources<'_>) -> Option<Finding> {
    let rows = dropped(sources, DropReason::EmptyText);
    if rows.is_empty() {
        return None;
    }
    let had_text = |id: &&RowId| {
        let file = sources.imported.file(id.file);
        let row = file.and_then(|file| file.table.records.binary_search(&id.record).ok());
        let text = row.and_then(|row| Some(sources.columns(id.file)?.text(row)));
        text.is_some_and(|text| !text.trim().is_empty())
    };
    let emptied = rows.iter().filter(had_text).count();
    let by_cleaning = match emptied {
        0 => String::new(),
        emptied => format!(", {} of them because cleaning removed everything", count(emptied)),
    };
    let found = format!("{} no text{by_cleaning}", counted(rows.len(), "row has", "rows have"));
    let meaning = are_dropped(rows.len());
    Some(Finding::new(FindingKind::EmptyText, Severity::Handled, rows).says(found, meaning))
}

fn without_label(sources: &Sources<'_>) -> Option<Finding> {
    let rows = dropped(sources, DropReason::EmptyLabel);
    if rows.is_empty() {
        return None;
    }
    let found = format!("{} no label", counted(rows.len(), "row has", "rows have"));
    let meaning = format!("{}: training needs a label in every row", are_dropped(rows.len()));
    Some(Finding::new(FindingKind::MissingLabel, Severity::Handled, rows).says(found, meaning))
}

pub(super) fn too_long(sources: &Sources<'_>) -> Option<Finding> {
    let (lengths, asked) = (sources.lengths, sources.project.training.max_length);
    let limit = lengths.limit.unwrap_or(usize::MAX);
    let read = asked.min(limit);
    let examples = &sources.prepared.examples;
    let mut long: Vec<(usize, RowId)> = lengths
        .tokens
        .iter()
        .zip(examples)
        .filter(|&(&tokens, _)| tokens > read)
        .map(|(&tokens, example)| (tokens, example.id))
        .collect();
    if long.len() * TOO_LONG_IN <= examples.len() {
        return None;
    }
    long.sort_by_key(|&(tokens, id)| (std::cmp::Reverse(tokens), id));
    let enough = most_texts(&lengths.tokens).next_multiple_of(LENGTH_STEP).min(limit);
    let about = if lengths.estimated || lengths.sampled.is_some() { "about " } else { "" };
    let how = match lengths.sampled {
        Some(counted) => {
            format!(" (counted in a sample of {} texts, estimated from words in the others)", count(counted))
        }
        None if lengths.estimated => " (estimated from words until the model is on this machine)".to_owned(),
        None => String::new(),
    };
    let found = format!(
        "{} ({}) {} truncated to {read} tokens{how}; the longest has {about}{}",
        counted(long.len(), "text", "texts"),
        percent_of(long.len(), examples.len()),
        plural(long.len(), "is", "are"),
        count(long[0].0)
    );
    let (meaning, remedy) = if enough > read {
        let share = if enough == limit { "is the most this model reads" } else { "keeps 99% of texts whole" };
        (format!("A max length of {enough} {share}, at the cost of speed"), Some(Remedy::SetMaxLength(enough)))
    } else {
        ("This model reads no more: shorten the texts, or choose another model".to_owned(), None)
    };
    let rows = long.into_iter().map(|(_, id)| id).collect();
    Some(Finding::new(FindingKind::TooLong, Severity::Warning, rows).says(found, meaning).with(remedy))
}

/// The length that at most one text in [`TOO_LONG_IN`] exceeds.
fn most_texts(tokens: &[usize]) -> usize {
    let mut sorted = tokens.to_vec();
    sorted.sort_unstable();
    let beyond = sorted.len() / TOO_LONG_IN;
    sorted.get(sorted.len().saturating_sub(1 + beyond)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_in_a_hundred_may_be_longer() {
        let mut tokens: Vec<usize> = (1..=200).collect();
        assert_eq!(most_texts(&tokens), 198);
        tokens.truncate(50);
        assert_eq!((most_texts(&tokens), most_texts(&[])), (50, 0));
    }
}
