//! Which page the middle of the window shows.

use crate::project::Step;

/// The page in the middle of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A step of the wizard.
    Step(Step),
    /// The page to try the trained model.
    TryIt,
    /// All runs of the project.
    Runs,
    /// Studies: several runs that answer one question.
    Studies,
}

impl Default for View {
    fn default() -> Self {
        Self::Step(Step::Data)
    }
}

impl View {
    /// All pages.
    pub const ALL: [Self; Step::ALL.len() + 3] = {
        let mut all = [Self::TryIt; Step::ALL.len() + 3];
        let mut place = 0;
        while place < Step::ALL.len() {
            all[place] = Self::Step(Step::ALL[place]);
            place += 1;
        }
        all[place] = Self::Runs;
        all[place + 1] = Self::Studies;
        all
    };

    /// Title of the page.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Step(step) => step.title(),
            Self::TryIt => "Try it",
            Self::Runs => "Runs",
            Self::Studies => "Studies",
        }
    }

    /// The step `by` places after this page, among the steps of a task; `None` before the first and after the last.
    #[must_use]
    pub fn step(self, steps: &[Step], by: isize) -> Option<Step> {
        let place = match self {
            Self::Step(step) => steps.iter().position(|other| *other == step)?,
            Self::TryIt => steps.len(),
            Self::Runs | Self::Studies => return None,
        };
        steps.get(place.checked_add_signed(by)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::TaskKind;

    #[test]
    fn the_next_step_is_the_next_of_the_task() {
        let next = |kind: TaskKind, step| View::Step(step).step(kind.steps(), 1);
        assert_eq!(next(TaskKind::TextClassification, Step::Data), Some(Step::Labels));
        assert_eq!(next(TaskKind::LanguageModelling, Step::Data), Some(Step::Prepare));
        assert_eq!(next(TaskKind::LanguageModelling, Step::Evaluate), Some(Step::Export));
        assert_eq!(next(TaskKind::LanguageModelling, Step::Export), None);
        let steps = TaskKind::LanguageModelling.steps();
        assert_eq!(View::TryIt.step(steps, -1), Some(Step::Export));
        assert_eq!(View::Step(Step::Data).step(steps, -1), None);
    }
}
