//! The label set as a person wants it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Order, renames, merges and exclusions of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabelSettings {
    /// Preferred order of final label names. Labels not listed follow, sorted by name
    /// (numerically when all are numbers).
    pub order: Vec<String>,
    /// Label in the file -> label to use. Two files' labels mapped to one name are merged.
    pub mapping: BTreeMap<String, String>,
    /// Final labels whose rows are left out.
    pub excluded: BTreeSet<String>,
}

impl LabelSettings {
    /// The label to use for one found in the file.
    #[must_use]
    pub fn resolve<'a>(&'a self, raw: &'a str) -> &'a str {
        self.mapping.get(raw).map_or(raw, String::as_str)
    }

    /// Star ratings 1-5 mapped to negative (1-2), neutral (3) and positive (4-5).
    #[must_use]
    pub fn stars_to_sentiment() -> Self {
        let names = [("1", "negative"), ("2", "negative"), ("3", "neutral"), ("4", "positive"), ("5", "positive")];
        Self {
            order: ["negative", "neutral", "positive"].map(str::to_owned).to_vec(),
            mapping: names.map(|(star, name)| (star.to_owned(), name.to_owned())).into(),
            excluded: BTreeSet::new(),
        }
    }
}
