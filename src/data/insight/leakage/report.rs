//! What was found and checked.

use crate::data::Finding;

/// First and last time of some rows, in milliseconds since 1970.
pub type Span = (i64, i64);

/// The findings that are leakage, and what was checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeakageReport {
    /// The findings. Those that make metrics wrong come first.
    pub findings: Vec<Finding>,
    /// What was checked, for a person to read.
    pub checked: Vec<String>,
    /// What was not checked and why, for a person to read.
    pub not_checked: Vec<String>,
    /// First and last time of train, validation and test, if a time column is chosen.
    pub spans: [Option<Span>; 3],
}

impl LeakageReport {
    /// Findings that make metrics wrong and are not ignored.
    pub fn serious(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.ignored && finding.is_problem())
    }

    /// Findings that are only worth a look and are not ignored.
    pub fn hints(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.ignored && !finding.is_problem())
    }
}
