//! How rows are divided into training, validation and test.

use serde::{Deserialize, Serialize};

/// Shares are of the main file's rows; a share is unused where its own file is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SplitSettings {
    /// Share of rows for validation, 0..1.
    pub validation: f64,
    /// Share of rows for the test, 0..1.
    pub test: f64,
    /// Keep each label's share the same on every side.
    pub stratified: bool,
    /// Seed of the shuffle.
    pub seed: u64,
}

impl Default for SplitSettings {
    fn default() -> Self {
        Self { validation: 0.1, test: 0.2, stratified: true, seed: 42 }
    }
}
