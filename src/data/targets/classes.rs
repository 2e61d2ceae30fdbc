//! Targets that are classes: the class of a row, or why it has none, and the order of the classes.

use std::collections::{BTreeSet, HashSet};

use crate::data::{DropReason, RawLabel};
use crate::project::{LabelSettings, Project};

/// How the rows of a project get their classes; for a task without classes, none does.
pub(in crate::data) struct ClassReader<'a> {
    settings: Option<&'a LabelSettings>,
    /// Names that labels have after renaming and merging.
    final_names: HashSet<&'a str>,
}

/// The class of a row.
pub(in crate::data) struct RowClass<'a> {
    /// The final name of its label; empty where it has none.
    pub label: &'a str,
    /// A person gave it this label.
    pub relabelled: bool,
    /// Why it has no class.
    pub fault: Option<DropReason>,
}

impl<'a> ClassReader<'a> {
    pub fn of(project: &'a Project) -> Self {
        let settings = project.classification().map(|classification| &classification.labels);
        let final_names = settings.iter().flat_map(|settings| settings.mapping.values()).map(String::as_str).collect();
        Self { settings, final_names }
    }

    /// The class of a row, from what its file holds and the label that a person gave it instead.
    pub fn read(&self, found: RawLabel<'a>, corrected: Option<&'a str>) -> RowClass<'a> {
        let Some(settings) = self.settings else { return RowClass { label: "", relabelled: false, fault: None } };
        let Some(corrected) = corrected.map(str::trim) else {
            let label = settings.resolve(found.text().trim()).trim();
            return RowClass { label, relabelled: false, fault: fault(settings, found, label) };
        };
        // A correction gives a final label, unless that label has been renamed since.
        let is_final = self.final_names.contains(corrected);
        let label = if is_final { corrected } else { settings.resolve(corrected) };
        RowClass { label, relabelled: true, fault: name_fault(settings, label) }
    }

    /// The classes in order, of the labels that rows have; none for a task without classes.
    pub fn ordered(&self, present: &BTreeSet<&str>) -> Vec<String> {
        self.settings.map_or_else(Vec::new, |settings| ordered(present, settings))
    }
}

/// Why a row has no class according to its label columns, if it has none. `label` is the final name of the label.
fn fault(settings: &LabelSettings, found: RawLabel<'_>, label: &str) -> Option<DropReason> {
    match found {
        RawLabel::Is(_) => name_fault(settings, label),
        RawLabel::None => Some(DropReason::NoneOfLabels),
        RawLabel::Several => Some(DropReason::SeveralLabels),
    }
}

/// Why a final label name is not a class, if it is not.
fn name_fault(settings: &LabelSettings, label: &str) -> Option<DropReason> {
    if label.is_empty() {
        Some(DropReason::EmptyLabel)
    } else {
        settings.excluded.contains(label).then_some(DropReason::ExcludedLabel)
    }
}

/// Orders the classes: the labels that a person put in order, then the others by name, or by value if all of them are
/// numbers.
fn ordered(present: &BTreeSet<&str>, settings: &LabelSettings) -> Vec<String> {
    let mut ordered: Vec<&str> = Vec::with_capacity(present.len());
    for label in settings.order.iter().map(String::as_str).filter(|label| present.contains(label)) {
        if !ordered.contains(&label) {
            ordered.push(label);
        }
    }
    let listed: HashSet<&str> = ordered.iter().copied().collect();
    let mut others: Vec<&str> = present.iter().copied().filter(|label| !listed.contains(label)).collect();
    let number = |label: &str| label.parse::<f64>().ok().filter(|value| value.is_finite());
    if present.iter().all(|label| number(label).is_some()) {
        others.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(b)));
    }
    ordered.into_iter().chain(others).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(present: &[&str], order: &[&str]) -> Vec<String> {
        let settings =
            LabelSettings { order: order.iter().map(|&label| label.to_owned()).collect(), ..LabelSettings::default() };
        ordered(&present.iter().copied().collect(), &settings)
    }

    #[test]
    fn labels_are_ordered_by_the_person_then_by_value_or_name() {
        assert_eq!(order(&["10", "9", "2.5"], &[]), ["2.5", "9", "10"]);
        assert_eq!(order(&["10", "9", "b"], &[]), ["10", "9", "b"]);
        assert_eq!(order(&["a", "b", "c"], &["c", "gone", "c"]), ["c", "a", "b"]);
    }

    #[test]
    fn a_row_without_a_usable_label_has_its_reason() {
        let settings = LabelSettings { excluded: ["spam".to_owned()].into(), ..LabelSettings::default() };
        for (found, label, reason) in [
            (RawLabel::Is("good"), "good", None),
            (RawLabel::Is(" "), "", Some(DropReason::EmptyLabel)),
            (RawLabel::Is("junk"), "spam", Some(DropReason::ExcludedLabel)),
            (RawLabel::None, "", Some(DropReason::NoneOfLabels)),
            (RawLabel::Several, "", Some(DropReason::SeveralLabels)),
        ] {
            assert_eq!(fault(&settings, found, label), reason);
        }
    }
}
