//! What the middle of the window shows.

use crate::project::Step;

/// What is shown in the middle of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A step of the wizard.
    Step(Step),
    /// The trained model, to try.
    TryIt,
}

impl Default for View {
    fn default() -> Self {
        Self::Step(Step::Data)
    }
}

impl View {
    /// The step so many places on; `None` beyond the ends.
    #[must_use]
    pub fn step(self, by: isize) -> Option<Step> {
        let place = match self {
            Self::Step(step) => step as usize,
            Self::TryIt => Step::ALL.len(),
        };
        Step::ALL.get(place.checked_add_signed(by)?).copied()
    }
}
