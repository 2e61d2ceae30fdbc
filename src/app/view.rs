//! Which page the middle of the window shows.

use crate::project::Step;

/// The page in the middle of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A step of the wizard.
    Step(Step),
    /// The page to try the trained model.
    TryIt,
}

impl Default for View {
    fn default() -> Self {
        Self::Step(Step::Data)
    }
}

impl View {
    /// The step `by` places after this page; `None` before the first and after the last.
    #[must_use]
    pub fn step(self, by: isize) -> Option<Step> {
        let place = match self {
            Self::Step(step) => step as usize,
            Self::TryIt => Step::ALL.len(),
        };
        Step::ALL.get(place.checked_add_signed(by)?).copied()
    }
}
