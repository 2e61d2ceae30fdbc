//! Findings about the label set.

use std::collections::BTreeMap;

use crate::data::insight::findings::words::{counted, grouped, listed, listed_of};
use crate::data::insight::findings::{Change, Finding, FindingKind, Remedy, Severity, Sources};
use crate::data::prepare::checks::{FEW_ROWS, IMBALANCE, are_labels};
use crate::data::{Example, Side};
use crate::project::{ClassWeights, RowId};

/// A label this many times as frequent as another is worth a word.
const UNEQUAL: usize = 3;

/// Nothing is said of the labels of a column that does not hold any: another has to be chosen first, and of a column of ids
/// each value would be a finding.
pub(super) fn findings(sources: &Sources<'_>) -> Vec<Finding> {
    let mut rows = vec![0; sources.prepared.labels.len()];
    sources.main().filter_map(Example::class).for_each(|class| rows[class as usize] += 1);
    let found = rows.iter().filter(|&&rows| rows > 0).count();
    if found < 2 || !are_labels(found, rows.iter().sum()) {
        return Vec::new();
    }
    [spellings(sources), rare(sources), imbalance(sources)].into_iter().flatten().collect()
}

/// Training rows of each label.
fn trained(sources: &Sources<'_>) -> Vec<usize> {
    sources.prepared.counts().iter().map(|sides| sides[Side::Train as usize]).collect()
}

/// Rows of these labels.
fn rows_of(sources: &Sources<'_>, labels: &[usize]) -> Vec<RowId> {
    let mut is_one = vec![false; sources.prepared.labels.len()];
    for &label in labels {
        is_one[label] = true;
    }
    let rows =
        sources.prepared.examples.iter().filter(|example| example.class().is_some_and(|class| is_one[class as usize]));
    rows.map(|example| example.id).collect()
}

/// A label without what people spell in several ways; nothing of numbers, whose signs matter, and of signs.
fn folded(label: &str) -> String {
    if !label.contains(char::is_alphabetic) {
        return String::new();
    }
    label.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

fn spellings(sources: &Sources<'_>) -> Option<Finding> {
    let names = &sources.prepared.labels;
    let rows: Vec<usize> = sources.prepared.counts().iter().map(|sides| sides.iter().sum()).collect();
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (label, name) in names.iter().enumerate() {
        groups.entry(folded(name)).or_default().push(label);
    }
    groups.retain(|folded, labels| labels.len() > 1 && !folded.is_empty());
    let (mut pairs, mut rarer, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for labels in groups.values() {
        let into = *labels.iter().max_by_key(|&&label| (rows[label], std::cmp::Reverse(label)))?;
        let others = || labels.iter().copied().filter(move |&label| label != into);
        pairs.extend(others().map(|label| (names[label].clone(), names[into].clone())));
        rarer.extend(others());
        let spelt: Vec<String> =
            labels.iter().map(|&label| format!("'{}' ({})", names[label], grouped(rows[label]))).collect();
        told.push(spelt.join(" and "));
    }
    if pairs.is_empty() {
        return None;
    }
    let title = match pairs.as_slice() {
        [(from, into)] => format!("Merge '{from}' into '{into}'"),
        pairs => format!("Merge {} spellings", pairs.len()),
    };
    Some(Finding {
        kind: FindingKind::LabelSpellings,
        severity: Severity::Problem,
        count: pairs.len(),
        rows: rows_of(sources, &rarer),
        message: format!(
            "{} differ only in capitals, spaces or hyphens, and would be learnt as different labels. Merge them if they \
             mean the same",
            listed(&told)
        ),
        remedy: Some(Remedy::new(title, Change::MergeLabels(pairs))),
    })
}

fn rare(sources: &Sources<'_>) -> Option<Finding> {
    let trained = trained(sources);
    let rare: Vec<usize> = (0..trained.len()).filter(|&label| trained[label] < FEW_ROWS).collect();
    if rare.is_empty() {
        return None;
    }
    let names = &sources.prepared.labels;
    let told = rare.iter().map(|&label| format!("'{}' ({})", names[label], grouped(trained[label])));
    let title = match rare.as_slice() {
        [label] => format!("Leave out '{}'", names[*label]),
        labels => format!("Leave out {} labels", labels.len()),
    };
    let labels = rare.iter().map(|&label| names[label].clone()).collect();
    // At least two labels are needed.
    let remedy = (names.len() - rare.len() >= 2).then(|| Remedy::new(title, Change::LeaveOutLabels(labels)));
    Some(Finding {
        kind: FindingKind::RareLabels,
        severity: Severity::Warning,
        count: rare.len(),
        rows: rows_of(sources, &rare),
        message: format!(
            "Fewer than {FEW_ROWS} training rows: {}. A model hardly learns such labels, and their figures are unsure. \
             Merge them with another label in the label set, add rows, or leave them out",
            listed_of(told)
        ),
        remedy,
    })
}

fn imbalance(sources: &Sources<'_>) -> Option<Finding> {
    if sources.project.classification().is_none_or(|settings| settings.class_weights != ClassWeights::None) {
        return None;
    }
    let trained = trained(sources);
    let used = || trained.iter().copied().enumerate().filter(|&(_, rows)| rows > 0);
    let (frequent, most) = used().max_by_key(|&(label, rows)| (rows, std::cmp::Reverse(label)))?;
    let (rare, least) = used().min_by_key(|&(label, rows)| (rows, label))?;
    if most < least * UNEQUAL {
        return None;
    }
    let names = &sources.prepared.labels;
    Some(Finding {
        kind: FindingKind::Imbalance,
        severity: if most >= least * IMBALANCE { Severity::Warning } else { Severity::Note },
        count: names.len(),
        rows: rows_of(sources, &[rare]),
        message: format!(
            "'{}' has {}, '{}' {}. A model leans to what it sees most: look at macro-F1 rather than accuracy, and try \
             balanced class weights",
            names[frequent],
            counted(most, "training row", "training rows"),
            names[rare],
            grouped(least)
        ),
        remedy: Some(Remedy::new("Balance the class weights", Change::BalanceLabels)),
    })
}
