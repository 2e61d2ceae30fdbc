//! Changes to the label set.

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
    /// Final labels whose rows are excluded.
    pub excluded: BTreeSet<String>,
    /// Colours of final labels, as red, green and blue; other labels use those of the theme.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub colours: BTreeMap<String, [u8; 3]>,
}

impl LabelSettings {
    /// Nothing chosen: the labels of the file, as they are.
    #[must_use]
    pub const fn none() -> Self {
        Self { order: Vec::new(), mapping: BTreeMap::new(), excluded: BTreeSet::new(), colours: BTreeMap::new() }
    }

    /// The label to use for one found in the file.
    #[must_use]
    pub fn resolve<'a>(&'a self, raw: &'a str) -> &'a str {
        self.mapping.get(raw).map_or(raw, String::as_str)
    }
}
