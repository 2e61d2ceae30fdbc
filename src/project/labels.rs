//! Changes to the label set.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Order, renames, merges and exclusions of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelSettings {
    /// Preferred order of final label names. Labels not listed follow, sorted by name
    /// (numerically when all are numbers).
    pub order: Vec<String>,
    /// Label in the file -> label to use. Labels mapped to the same name are merged.
    pub mapping: BTreeMap<String, String>,
    /// Final labels whose rows are excluded.
    pub excluded: BTreeSet<String>,
    /// Colours of final labels, as red, green and blue; other labels use those of the theme.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub colours: BTreeMap<String, [u8; 3]>,
}

impl LabelSettings {
    /// No changes: the labels as they are in the file.
    #[must_use]
    pub const fn none() -> Self {
        Self { order: Vec::new(), mapping: BTreeMap::new(), excluded: BTreeSet::new(), colours: BTreeMap::new() }
    }

    /// The label to use for a label found in the file.
    #[must_use]
    pub fn resolve<'a>(&'a self, raw: &'a str) -> &'a str {
        self.mapping.get(raw).map_or(raw, String::as_str)
    }

    /// Renames a label. If it is excluded, it stays excluded.
    ///
    /// If a label with the new name exists, use [`LabelSettings::merge`].
    pub fn rename(&mut self, from: &str, to: &str) {
        let excluded = self.excluded.contains(from);
        self.merge(from, to);
        if excluded {
            self.excluded.insert(to.to_owned());
        }
    }

    /// Merges one label into another, which keeps its position, its colour and its exclusion.
    ///
    /// Earlier names still map to `into`, because corrections store the name a label had when they were made.
    pub fn merge(&mut self, from: &str, into: &str) {
        if from == into {
            return;
        }
        for name in self.mapping.values_mut().filter(|name| *name == from) {
            into.clone_into(name);
        }
        // If the file has a label called `from` that is mapped to something else, it keeps its mapping.
        self.mapping.entry(from.to_owned()).or_insert_with(|| into.to_owned());
        self.mapping.retain(|source, name| source != name);
        let taken = self.order.iter().any(|name| name == into);
        self.order.retain(|name| !(taken && name == from));
        for name in self.order.iter_mut().filter(|name| *name == from) {
            into.clone_into(name);
        }
        if let Some(colour) = self.colours.remove(from) {
            self.colours.entry(into.to_owned()).or_insert(colour);
        }
        self.excluded.remove(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(order: &[&str], mapping: &[(&str, &str)]) -> LabelSettings {
        LabelSettings {
            order: order.iter().map(|&name| name.to_owned()).collect(),
            mapping: mapping.iter().map(|&(source, name)| (source.to_owned(), name.to_owned())).collect(),
            ..LabelSettings::default()
        }
    }

    #[test]
    fn a_merged_label_loses_its_position_and_earlier_names_map_to_the_other() {
        let mut labels = settings(&["Bad", "bad", "good"], &[("1", "Bad")]);
        labels.merge("Bad", "bad");
        assert_eq!(labels.order, ["bad", "good"]);
        assert_eq!((labels.resolve("1"), labels.resolve("Bad"), labels.resolve("bad")), ("bad", "bad", "bad"));
        let once = labels.clone();
        labels.merge("Bad", "bad");
        assert_eq!(labels, once, "merging twice changes nothing more");
        labels.merge("bad", "bad");
        assert_eq!(labels, once);
    }

    #[test]
    fn a_renamed_label_keeps_its_place_its_colour_and_its_exclusion() {
        let mut labels = settings(&["ok", "bad"], &[]);
        labels.colours.insert("ok".to_owned(), [1, 2, 3]);
        labels.excluded.insert("ok".to_owned());
        labels.rename("ok", "neutral");
        assert_eq!((labels.resolve("ok"), labels.order.as_slice()), ("neutral", &["neutral".into(), "bad".into()][..]));
        assert_eq!(labels.colours, [("neutral".to_owned(), [1, 2, 3])].into());
        assert!(labels.excluded.contains("neutral") && !labels.excluded.contains("ok"));
        labels.rename("neutral", "ok");
        assert!(labels.excluded.contains("ok") && labels.resolve("ok") == "ok");
        labels.merge("ok", "bad");
        assert!(labels.excluded.is_empty(), "the label merged into decides");
    }

    #[test]
    fn a_label_that_is_already_mapped_keeps_its_mapping() {
        let mut labels = settings(&[], &[("a", "x"), ("b", "a")]);
        labels.rename("a", "c");
        assert_eq!((labels.resolve("a"), labels.resolve("b")), ("x", "c"));
    }
}
