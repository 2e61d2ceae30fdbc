//! Finds duplicates and near-duplicates of training rows in the validation and test sets.

use std::collections::HashSet;

use crate::data::insight::leakage::split_rows::SplitRows;
use crate::data::prepare::copies::same_texts;
use crate::data::prepare::likeness::surplus;
use crate::data::prepare::near::are_near;
use crate::data::{Finding, FindingKind, NearGroups, Remedy, Severity, Side};
use crate::words::plural;

const MEANING: &str =
    "The model may have memorised such rows, so the metrics look better than they will be on new texts";

/// Validation and test rows with exactly the same text as a training row.
pub(super) fn duplicates(rows: SplitRows<'_>) -> Option<Finding> {
    let examples = &rows.prepared.examples;
    let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
    let copies = same_texts(&texts);
    // Each with the first training row that has its text.
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for group in &copies {
        let members = || group.iter().map(|&place| place as usize);
        let Some(trained) = members().find(|&place| rows.side(place) == Side::Train) else { continue };
        pairs.extend(members().filter(|&place| rows.side(place) != Side::Train).map(|place| (place, trained)));
    }
    pairs.sort_unstable();
    let &(first, its_copy) = pairs.first()?;
    let found: Vec<usize> = pairs.iter().map(|&(place, _)| place).collect();
    let same_label = |&(place, trained): &(usize, usize)| examples[trained].target == examples[place].target;
    let mut remedies = Vec::new();
    if found.iter().any(|&place| rows.is_divided(place)) {
        if !rows.project.cleaning.drop_duplicates && pairs.iter().any(same_label) {
            remedies.push(Remedy::TurnOn("drop_duplicates"));
        }
        if rows.is_random() && !rows.project.split.keep_near_together {
            remedies.push(Remedy::KeepNearTogether);
        }
    }
    remedies.push(exclude_copies(rows, &copies));
    let texts = format!(
        "{} {} exactly the same text as a training row (the first: {} and {})",
        rows.counted(&found),
        plural(found.len(), "has", "have"),
        rows.name(first),
        rows.name(its_copy),
    );
    let finding = Finding::new(FindingKind::SplitDuplicates, Severity::Problem, rows.ids(&found));
    Some(finding.says(texts, MEANING).with(remedies))
}

/// Validation and test rows that are near-duplicates, but not exact copies, of a training row.
pub(super) fn near_duplicates(rows: SplitRows<'_>, near: &NearGroups) -> Option<Finding> {
    let examples = &rows.prepared.examples;
    let (mut found, mut first) = (Vec::new(), None);
    for group in near.groups() {
        let members = || group.iter().map(|&place| place as usize).filter(|&place| place < examples.len());
        let trained: Vec<usize> = members().filter(|&place| rows.side(place) == Side::Train).collect();
        let texts: HashSet<&str> = trained.iter().map(|&place| examples[place].text.as_str()).collect();
        let measured = members().filter(|&place| rows.side(place) != Side::Train && !trained.is_empty());
        let alike: Vec<usize> = measured.filter(|&place| !texts.contains(examples[place].text.as_str())).collect();
        let Some(&earliest) = alike.first() else { continue };
        if first.is_none_or(|(place, _)| earliest < place) {
            // A group is a chain of neighbours, so a row that is really near is named, not any row of the group.
            let is_kin = |place: &&usize| are_near(&examples[**place].text, &examples[earliest].text);
            first = trained.iter().find(is_kin).or(trained.first()).map(|&kin| (earliest, kin));
        }
        found.extend(alike);
    }
    let (earliest, kin) = first?;
    found.sort_unstable();
    let mut remedies = Vec::new();
    if rows.is_random() && !rows.project.split.keep_near_together && found.iter().any(|&place| rows.is_divided(place)) {
        remedies.push(Remedy::KeepNearTogether);
    }
    // Groups of exact copies are reported by the other finding.
    let differ = |group: &&Vec<u32>| {
        group.windows(2).any(|pair| examples[pair[0] as usize].text != examples[pair[1] as usize].text)
    };
    let mixed: Vec<Vec<u32>> = near.groups().iter().filter(differ).cloned().collect();
    remedies.push(exclude_copies(rows, &mixed));
    let texts = format!(
        "{} {} of a training row (the first: {} and {})",
        rows.counted(&found),
        plural(found.len(), "is a near-duplicate", "are near-duplicates"),
        rows.name(earliest),
        rows.name(kin),
    );
    let finding = Finding::new(FindingKind::SplitNearDuplicates, Severity::Problem, rows.ids(&found));
    Some(finding.says(texts, MEANING).with(remedies))
}

/// Excludes rows of the main file until no group can be on both sides of the split. Rows that were given as test rows stay;
/// of other groups the first row stays. With a random split or a split by time this covers all groups, because the remaining
/// rows are split again.
fn exclude_copies(rows: SplitRows<'_>, groups: &[Vec<u32>]) -> Remedy {
    let mut excluded = Vec::new();
    for group in groups.iter().filter(|group| group.len() > 1) {
        let members = group.iter().map(|&place| (rows.id(place as usize), rows.side(place as usize)));
        excluded.extend(surplus(members, rows.project.split.method));
    }
    excluded.sort_unstable_by_key(|id| (id.file, id.record));
    rows.exclude(&excluded)
}
