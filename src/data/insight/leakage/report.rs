//! What was found and checked.

use crate::data::Finding;

/// First and last moment of some rows, in milliseconds since 1970.
pub type Span = (i64, i64);

/// The findings that are leakage, and what was checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeakageReport {
    /// The findings, those that make metrics wrong first.
    pub findings: Vec<Finding>,
    /// What was checked, in words.
    pub checked: Vec<String>,
    /// What was not, and why, in words.
    pub not_checked: Vec<String>,
    /// First and last moment of train, validation and test, where a time column is chosen.
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
