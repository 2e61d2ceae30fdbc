//! What a person has looked at in a project, and where they left off.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::project::Step;

/// The window's file in the project's folder.
pub(super) const WINDOW_FILE: &str = ".window.ron";

/// How the window showed a project last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectWindow {
    /// The steps the person has looked at, or made decisions of, since the data file was chosen.
    pub looked_at: BTreeSet<Step>,
    /// The step that was shown last.
    pub page: Option<Step>,
    /// Whether Try it was shown after that step.
    pub try_it: bool,
    /// The runs whose model or predictions were exported.
    pub exported: BTreeSet<String>,
}
