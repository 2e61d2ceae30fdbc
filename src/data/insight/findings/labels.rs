//! Finds problems of the label set.

use crate::data::insight::findings::sources::Sources;
use crate::data::insight::findings::{placeholders, several_labels, spellings};
use crate::data::targets::label_checks::{FEW_ROWS, are_labels, imbalance_advice};
use crate::data::{Example, Finding, FindingKind, Remedy, Severity, Side};
use crate::project::{ClassWeights, are_imbalanced};
use crate::words::{count, counted, listed};

/// A label this many times as frequent as another is reported.
const UNEQUAL: usize = 3;

/// Finds problems of the label set. Finds nothing if the column does not contain labels: the person has to choose
/// another one first, and every value of an ID column would be a finding.
pub(super) fn findings(sources: &Sources<'_>) -> Vec<Finding> {
    let mut rows = vec![0; sources.prepared.labels.len()];
    sources.main().filter_map(Example::class).for_each(|class| rows[class as usize] += 1);
    let found = rows.iter().filter(|&&rows| rows > 0).count();
    let several = several_labels::finding(sources);
    if found < 2 || !are_labels(found, rows.iter().sum()) {
        return several.into_iter().collect();
    }
    [spellings::finding(sources), placeholders::labels(sources), rare(sources), imbalance(sources), several]
        .into_iter()
        .flatten()
        .collect()
}

/// Training rows of each label.
fn trained(sources: &Sources<'_>) -> Vec<usize> {
    sources.prepared.counts().iter().map(|sides| sides[Side::Train as usize]).collect()
}

fn rare(sources: &Sources<'_>) -> Option<Finding> {
    let trained = trained(sources);
    let rare: Vec<usize> = (0..trained.len()).filter(|&label| trained[label] < FEW_ROWS).collect();
    if rare.is_empty() {
        return None;
    }
    let names = &sources.prepared.labels;
    let told = rare.iter().map(|&label| format!("'{}' ({})", names[label], count(trained[label])));
    let labels = rare.iter().map(|&label| names[label].clone()).collect();
    // At least two labels must remain.
    let remedy = (names.len() - rare.len() >= 2).then_some(Remedy::ExcludeLabels(labels));
    let finding = Finding::new(FindingKind::RareLabels, Severity::Warning, sources.rows_of(&rare)).says(
        format!("Fewer than {FEW_ROWS} training rows: {}", listed(told)),
        "A model can barely learn such labels, and their metrics are unreliable. Merge them with another label, add rows, or \
         exclude them",
    );
    Some(Finding { count: rare.len(), ..finding }.with(remedy))
}

fn imbalance(sources: &Sources<'_>) -> Option<Finding> {
    let weights = &sources.project.classification()?.class_weights;
    if matches!(weights, ClassWeights::Balanced | ClassWeights::ByHand(_)) {
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
    let is_strong = are_imbalanced([most, least]);
    let severity = if is_strong { Severity::Warning } else { Severity::Note };
    let is_weighted = is_strong && *weights == ClassWeights::Auto;
    let advice = imbalance_advice(if is_weighted { weights } else { &ClassWeights::None });
    let remedy = (!is_weighted).then_some(Remedy::BalanceLabels);
    let finding = Finding::new(FindingKind::Imbalance, severity, sources.rows_of(&[rare])).says(
        format!(
            "'{}' has {}, '{}' only {}",
            names[frequent],
            counted(most, "training row", "training rows"),
            names[rare],
            count(least)
        ),
        advice,
    );
    Some(Finding { count: names.len(), ..finding }.with(remedy))
}
