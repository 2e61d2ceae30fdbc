//! Finds labels that are written in several ways.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use crate::data::insight::findings::sources::Sources;
use crate::data::table::placeholders::is_placeholder;
use crate::data::targets::spelling::{folded, is_near};
use crate::data::{Finding, FindingKind, Remedy, Severity};
use crate::words::{count, listed};

/// A misspelt label has at most one row for this many of the right one.
const ROWS_OF_RIGHT: usize = 20;
/// With more labels, misspelt ones are not looked for: every pair is compared.
const MOST_COMPARED: usize = 500;

/// How the labels of a group differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Differ {
    Spelling,
    Accents,
    Number,
    Letter,
}

impl Differ {
    fn in_words(self, told: &[String]) -> String {
        let told = listed(told);
        match self {
            Self::Spelling => format!("{told} differ only in capitals, spaces or hyphens"),
            Self::Accents => format!("{told} look the same, but their accents are stored differently"),
            Self::Number => format!("{told} are the same number written differently"),
            Self::Letter => format!("{told} differ by one letter, which may be a mistake"),
        }
    }
}

/// Labels of the same meaning, as indices.
struct Group {
    differ: Differ,
    labels: Vec<usize>,
}

pub(super) fn finding(sources: &Sources<'_>) -> Option<Finding> {
    let names = &sources.prepared.labels;
    let rows: Vec<usize> = sources.prepared.counts().iter().map(|sides| sides.iter().sum()).collect();
    let groups = groups(names, &rows);
    let (mut pairs, mut rarer) = (Vec::new(), Vec::new());
    let mut told: BTreeMap<Differ, Vec<String>> = BTreeMap::new();
    for Group { differ, labels } in &groups {
        let into = *labels.iter().max_by_key(|&&label| (rows[label], std::cmp::Reverse(label)))?;
        let others = || labels.iter().copied().filter(move |&label| label != into);
        pairs.extend(others().map(|label| (names[label].clone(), names[into].clone())));
        rarer.extend(others());
        let spelt: Vec<String> =
            labels.iter().map(|&label| format!("'{}' ({})", names[label], count(rows[label]))).collect();
        told.entry(*differ).or_default().push(spelt.join(" and "));
    }
    if pairs.is_empty() {
        return None;
    }
    let found: Vec<String> = told.iter().map(|(differ, told)| differ.in_words(told)).collect();
    let only_letters = told.keys().all(|differ| *differ == Differ::Letter);
    let severity = if only_letters { Severity::Warning } else { Severity::Problem };
    let finding = Finding::new(FindingKind::LabelSpellings, severity, sources.rows_of(&rarer))
        .says(found.join("; "), "The model would learn them as different labels. Merge them if they mean the same");
    Some(Finding { count: pairs.len(), ..finding }.with([Remedy::MergeLabels(pairs)]))
}

/// Groups of labels that probably mean the same. A label is in one group at most.
fn groups(names: &[String], rows: &[usize]) -> Vec<Group> {
    let mut same: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    // Placeholders are another finding.
    for (label, name) in names.iter().enumerate().filter(|(_, name)| !is_placeholder(name)) {
        if let Some(key) = number(name).or_else(|| Some(folded(&composed(name))).filter(|key| !key.is_empty())) {
            same.entry(key).or_default().push(label);
        }
    }
    let mut groups: Vec<Group> = same
        .into_values()
        .filter(|labels| labels.len() > 1)
        .map(|labels| {
            let first = &names[labels[0]];
            let differ = if number(first).is_some() {
                Differ::Number
            } else if labels.iter().all(|&label| composed(&names[label]) == composed(first)) {
                Differ::Accents
            } else {
                Differ::Spelling
            };
            Group { differ, labels }
        })
        .collect();
    let grouped = |groups: &[Group], label: usize| groups.iter().any(|group| group.labels.contains(&label));
    if names.len() <= MOST_COMPARED {
        for wrong in 0..names.len() {
            let right = (0..names.len()).filter(|&right| is_misspelt(names, rows, wrong, right));
            let right = right.max_by_key(|&right| (rows[right], std::cmp::Reverse(right)));
            if let Some(right) = right.filter(|&right| !grouped(&groups, wrong) && !grouped(&groups, right)) {
                groups.push(Group { differ: Differ::Letter, labels: vec![wrong.min(right), wrong.max(right)] });
            }
        }
    }
    groups
}

/// A name with each accent composed with its letter.
fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// A number without zeros at the end of its fraction: `1` of `1.0`; `None` for everything else. A zero in front counts, as
/// in codes.
fn number(name: &str) -> Option<String> {
    let digits = name.strip_prefix(['-', '+']).unwrap_or(name);
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) || digits.ends_with(['.', ',']) {
        return None;
    }
    let sign = if name.starts_with('-') { "-" } else { "" };
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// Whether a rare label is a frequent one with a letter wrong.
fn is_misspelt(names: &[String], rows: &[usize], wrong: usize, right: usize) -> bool {
    let are_words = |name: &str| name.chars().all(|letter| letter.is_alphabetic() || matches!(letter, ' ' | '-' | '_'));
    rows[wrong] > 0
        && rows[wrong] * ROWS_OF_RIGHT <= rows[right]
        && are_words(&names[wrong])
        && are_words(&names[right])
        && is_near(&names[wrong].to_lowercase(), &names[right].to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(labels: &[(&str, usize)]) -> Vec<(Differ, String)> {
        let names: Vec<String> = labels.iter().map(|(name, _)| (*name).to_owned()).collect();
        let rows: Vec<usize> = labels.iter().map(|(_, rows)| *rows).collect();
        let in_words = |group: Group| {
            let names: Vec<&str> = group.labels.iter().map(|&label| labels[label].0).collect();
            (group.differ, names.join("|"))
        };
        groups(&names, &rows).into_iter().map(in_words).collect()
    }

    #[test]
    fn one_number_written_in_several_ways_is_one_group() {
        assert_eq!(
            found(&[("1", 9), ("1.0", 9), ("1.50", 9), ("1,5", 9), ("2", 9)]),
            [(Differ::Number, "1|1.0".to_owned()), (Differ::Number, "1.50|1,5".to_owned()),]
        );
        assert_eq!(found(&[("1", 9), ("01", 9), ("-1", 9), ("10", 9), ("1.", 9), ("1.2.3", 9)]), []);
    }

    #[test]
    fn accents_capitals_and_wrong_letters_are_told_apart() {
        assert_eq!(found(&[("café", 9), ("cafe\u{301}", 9)]), [(Differ::Accents, "café|cafe\u{301}".to_owned())]);
        assert_eq!(found(&[("Very bad", 9), ("very-bad", 9)]), [(Differ::Spelling, "Very bad|very-bad".to_owned())]);
        assert_eq!(found(&[("postive", 2), ("positive", 80)]), [(Differ::Letter, "postive|positive".to_owned())]);
        for other in [("negative", 2), ("positive", 2), ("postive", 9), ("positives1", 2)] {
            assert_eq!(found(&[("positive", 80), other]).len(), usize::from(other.0 == "positive"), "{other:?}");
        }
        assert_eq!(found(&[("mad", 1), ("mid", 80)]), [], "short words differ in meaning");
    }
}
