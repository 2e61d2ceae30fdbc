//! The same text, or nearly the same, in training and where it is measured.

use std::collections::{HashMap, HashSet};

use crate::data::insight::leakage::{Leak, LeakKind, LeakRemedy, Rows};
use crate::data::prepare::likeness::surplus;
use crate::data::prepare::near::are_near;
use crate::data::{Example, NearGroups, Side};

const MEANING: &str = "The model can know such rows by heart, so the figures look better than they are for new texts";

/// Rows measured on whose text stands in training to the letter.
pub(super) fn duplicates(rows: Rows<'_>) -> Option<Leak> {
    let examples = &rows.prepared.examples;
    let mut trained: HashMap<&str, usize> = HashMap::new();
    for (place, example) in examples.iter().enumerate().filter(|(_, example)| example.side == Side::Train) {
        trained.entry(&example.text).or_insert(place);
    }
    let measured = examples.iter().enumerate().filter(|(_, example)| example.side != Side::Train);
    let found: Vec<usize> =
        measured.filter(|(_, example)| trained.contains_key(example.text.as_str())).map(|(place, _)| place).collect();
    let first = *found.first()?;
    let same_label = |place: usize| {
        trained
            .get(examples[place].text.as_str())
            .is_some_and(|&other| examples[other].target == examples[place].target)
    };
    let mut remedies = Vec::new();
    if found.iter().any(|&place| rows.is_divided(place)) {
        if !rows.project.cleaning.drop_duplicates && found.iter().any(|&place| same_label(place)) {
            remedies.push(LeakRemedy::DropDuplicates);
        }
        if rows.is_random() && !rows.project.split.keep_near_together {
            remedies.push(LeakRemedy::KeepNearTogether);
        }
    }
    remedies.push(leave_out(rows, &same_texts(examples)));
    Some(Leak {
        kind: LeakKind::Duplicates,
        found: format!(
            "{} {} to the letter the same as a training row (the first: {} and {})",
            rows.counted(&found),
            if found.len() == 1 { "is" } else { "are" },
            rows.name(first),
            rows.name(trained[examples[first].text.as_str()]),
        ),
        rows: rows.ids(&found),
        meaning: MEANING.to_owned(),
        remedies,
        ignored: false,
    })
}

/// Rows measured on that are nearly, but not to the letter, the same as a training row.
pub(super) fn near_duplicates(rows: Rows<'_>, near: &NearGroups) -> Option<Leak> {
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
            // A group holds together by neighbours: the nearest kin is named, not any row of it.
            let is_kin = |place: &&usize| are_near(&examples[**place].text, &examples[earliest].text);
            first = trained.iter().find(is_kin).or(trained.first()).map(|&kin| (earliest, kin));
        }
        found.extend(alike);
    }
    let (earliest, kin) = first?;
    found.sort_unstable();
    let mut remedies = Vec::new();
    if rows.is_random() && !rows.project.split.keep_near_together && found.iter().any(|&place| rows.is_divided(place)) {
        remedies.push(LeakRemedy::KeepNearTogether);
    }
    // Groups of one text are no matter of this finding.
    let differ = |group: &&Vec<u32>| {
        group.windows(2).any(|pair| examples[pair[0] as usize].text != examples[pair[1] as usize].text)
    };
    let mixed: Vec<Vec<u32>> = near.groups().iter().filter(differ).cloned().collect();
    remedies.push(leave_out(rows, &mixed));
    Some(Leak {
        kind: LeakKind::NearDuplicates,
        found: format!(
            "{} {} nearly the same as a training row (the first: {} and {})",
            rows.counted(&found),
            if found.len() == 1 { "is" } else { "are" },
            rows.name(earliest),
            rows.name(kin),
        ),
        rows: rows.ids(&found),
        meaning: MEANING.to_owned(),
        remedies,
        ignored: false,
    })
}

/// Groups of rows with the same text, in order of appearance.
fn same_texts(examples: &[Example]) -> Vec<Vec<u32>> {
    let mut group_of: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for (place, example) in (0_u32..).zip(examples) {
        let group = *group_of.entry(&example.text).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(place);
    }
    groups
}

/// Leaves out rows of the main file until no group of alike rows can stand on two sides. Rows that were given for the test
/// stay; of other groups the first row does. Where rows are divided by chance or by time, that goes for all groups: fewer rows
/// are divided anew.
fn leave_out(rows: Rows<'_>, groups: &[Vec<u32>]) -> LeakRemedy {
    let mut left_out = Vec::new();
    for group in groups.iter().filter(|group| group.len() > 1) {
        let members = group.iter().map(|&place| (rows.id(place as usize), rows.side(place as usize)));
        left_out.extend(surplus(members, rows.project.split.method));
    }
    left_out.sort_unstable_by_key(|id| (id.file, id.record));
    LeakRemedy::LeaveOut(left_out)
}
