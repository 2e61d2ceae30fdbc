//! Findings about the texts of rows.

use std::collections::{HashMap, HashSet};

use crate::data::DropReason;
use crate::data::insight::findings::words::{counted, grouped, percent, they_are};
use crate::data::insight::findings::{Change, Finding, FindingKind, Remedy, Severity, Sources};
use crate::project::{RowId, SourceFile};

/// At most one text in so many may be longer than what is read.
const TOO_LONG_IN: usize = 100;
/// The length to read is rounded up to a multiple of this.
const LENGTH_STEP: usize = 8;

pub(super) fn findings(sources: &Sources<'_>) -> Vec<Finding> {
    let found = [
        conflicts(sources),
        duplicates(sources),
        near_duplicates(sources),
        too_long(sources),
        without_text(sources),
        without_label(sources),
    ];
    found.into_iter().flatten().collect()
}

fn dropped(sources: &Sources<'_>, reason: DropReason) -> Vec<RowId> {
    sources.prepared.dropped.iter().filter(|(_, why)| *why == reason).map(|(id, _)| *id).collect()
}

fn conflicts(sources: &Sources<'_>) -> Option<Finding> {
    let left_out = sources.project.cleaning.drop_conflicts;
    let groups = &sources.prepared.conflicts;
    let of_main = |group: &&Vec<RowId>| group.iter().any(|id| id.file == SourceFile::Main);
    let handled = left_out && groups.iter().all(|group| of_main(&group));
    // Where conflicts are left out, those of the main file are done with.
    let open: Vec<&Vec<RowId>> = groups.iter().filter(|group| handled || !left_out || !of_main(group)).collect();
    if open.is_empty() {
        return None;
    }
    let rows: Vec<RowId> = open.iter().copied().flatten().copied().collect();
    let texts = counted(open.len(), "text stands", "texts stand");
    let (severity, what_to_do, remedy) = if handled {
        (Severity::Handled, format!("{} left out", they_are(open.len())), None)
    } else {
        let what_to_do =
            "At least one label of each is wrong, and none is learnt. Correct them, or leave all of them out";
        let remedy = if open.iter().any(of_main) {
            Remedy::new("Leave out conflicts", Change::TurnOn("drop_conflicts"))
        } else {
            Remedy::new(format!("Leave out {}", counted(rows.len(), "row", "rows")), sources.leaving_out(&rows))
        };
        (Severity::Problem, what_to_do.to_owned(), Some(remedy))
    };
    Some(Finding {
        kind: FindingKind::Conflicts,
        severity,
        count: open.len(),
        rows,
        message: format!("{texts} with more than one label. {what_to_do}"),
        remedy,
    })
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
    let left_out = format!("{} left out", they_are(rows.len()));
    let what_to_do = if handled {
        &left_out
    } else {
        "Such copies count more than once, and flatter the figures where they stand in training and in test: leave them out"
    };
    Some(Finding {
        kind: FindingKind::Duplicates,
        severity: if handled { Severity::Handled } else { Severity::Warning },
        count: rows.len(),
        message: format!(
            "{} the same text and label as an earlier row. {what_to_do}",
            counted(rows.len(), "row has", "rows have")
        ),
        rows,
        remedy: (!handled).then(|| Remedy::new("Leave out duplicates", Change::TurnOn("drop_duplicates"))),
    })
}

fn near_duplicates(sources: &Sources<'_>) -> Option<Finding> {
    let texts: HashMap<RowId, &str> =
        sources.prepared.examples.iter().map(|example| (example.id, example.text.as_str())).collect();
    let text = |id: &RowId| texts.get(id).copied().unwrap_or_default();
    // Copies to the letter are another finding.
    let differ = |group: &[RowId]| group.iter().any(|id| text(id) != text(&group[0]));
    let likeness = sources.likeness;
    let groups: Vec<usize> = (0..likeness.groups.len()).filter(|&at| differ(&likeness.groups[at])).collect();
    if groups.is_empty() {
        return None;
    }
    let rows: Vec<RowId> = groups.iter().flat_map(|&at| &likeness.groups[at]).copied().collect();
    let method = sources.project.split.method;
    let surplus: Vec<RowId> = groups.iter().flat_map(|&at| likeness.surplus_of(at, method)).collect();
    let title = format!("Leave out {}", counted(surplus.len(), "row", "rows"));
    Some(Finding {
        kind: FindingKind::NearDuplicates,
        severity: Severity::Warning,
        count: rows.len(),
        message: format!(
            "{} from another by a word or two, in {}. They count more than once, and flatter the figures where they \
             stand on two sides of the split: keep one of each group",
            counted(rows.len(), "text differs", "texts differ"),
            counted(groups.len(), "group", "groups")
        ),
        rows,
        remedy: (!surplus.is_empty()).then(|| Remedy::new(title, sources.leaving_out(&surplus))),
    })
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
        emptied => format!(", {} of them because nothing is left after cleaning", grouped(emptied)),
    };
    Some(Finding {
        kind: FindingKind::EmptyText,
        severity: Severity::Handled,
        count: rows.len(),
        message: format!(
            "{} no text{by_cleaning}. {} left out",
            counted(rows.len(), "row has", "rows have"),
            they_are(rows.len())
        ),
        rows,
        remedy: None,
    })
}

fn without_label(sources: &Sources<'_>) -> Option<Finding> {
    let rows = dropped(sources, DropReason::EmptyLabel);
    (!rows.is_empty()).then(|| Finding {
        kind: FindingKind::MissingLabel,
        severity: Severity::Handled,
        count: rows.len(),
        message: format!(
            "{} no label. {} left out; what is to be learnt from needs a label in the file",
            counted(rows.len(), "row has", "rows have"),
            they_are(rows.len())
        ),
        rows,
        remedy: None,
    })
}

fn too_long(sources: &Sources<'_>) -> Option<Finding> {
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
    let estimated = match lengths.sampled {
        Some(counted) => format!(" ({} texts were counted, the others are estimated from words)", grouped(counted)),
        None if lengths.estimated => " (an estimate from words, until the model is on this machine)".to_owned(),
        None => String::new(),
    };
    let (what_to_do, remedy) = if enough > read {
        let share = if enough == limit { "is the most this model reads" } else { "reads 99% of them whole" };
        let remedy = Remedy::new(format!("Read up to {enough} tokens"), Change::ReadTokens(enough));
        (format!("A longest text of {enough} {share}, more slowly"), Some(remedy))
    } else {
        ("That is the most this model reads: shorten the texts, or choose another model".to_owned(), None)
    };
    Some(Finding {
        kind: FindingKind::TooLong,
        severity: Severity::Warning,
        count: long.len(),
        message: format!(
            "{} ({}) {about}more than {read} tokens{estimated}, the longest {about}{}; what is beyond is not read. {what_to_do}",
            counted(long.len(), "text", "texts"),
            percent(long.len(), examples.len()),
            grouped(long[0].0)
        ),
        rows: long.into_iter().map(|(_, id)| id).collect(),
        remedy,
    })
}

/// The length that all texts but one in [`TOO_LONG_IN`] keep within.
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
