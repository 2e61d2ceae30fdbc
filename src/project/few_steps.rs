//! How many optimizer steps a run has, and whether they are so few that the model may learn nothing.

use crate::project::{PROBE_STRENGTHS, Project, TaskKind, TrainedLayers, TrainingSettings};
use crate::words::{count, counted};

/// Most epochs that are proposed: more go over the same few rows too often.
const MOST_EPOCHS: u32 = 10;

impl TrainingSettings {
    /// Optimizer steps of an epoch over `rows` training rows.
    #[must_use]
    pub fn steps_per_epoch(&self, rows: usize) -> u64 {
        if self.trained_layers == TrainedLayers::Instant {
            return PROBE_STRENGTHS.len() as u64;
        }
        rows.div_ceil(self.batch_size.max(1)).div_ceil(self.gradient_accumulation.max(1)) as u64
    }

    /// Optimizer steps of a whole run over `rows` training rows.
    #[must_use]
    pub fn total_steps(&self, rows: usize) -> u64 {
        let epochs = if self.trained_layers == TrainedLayers::Instant { 1 } else { self.epochs };
        self.steps_per_epoch(rows) * u64::from(epochs)
    }
}

/// A run with few optimizer steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FewSteps {
    /// The steps planned.
    pub steps: u64,
    /// The fewest epochs that give enough steps; `None` if those would be too many.
    pub epochs: Option<u32>,
    /// The steps of that many epochs.
    then: u64,
}

impl FewSteps {
    /// Steps from which a model usually learns its labels. It is a rule of thumb: runs of 55 steps have been seen to predict one
    /// label for every row, where the 140 steps of the sample project learn all of its labels.
    pub const ENOUGH: u64 = 100;

    /// Whether a run over `rows` training rows has few steps. `None` for language modelling, whose head is trained before,
    /// and where nothing is trained step by step.
    #[must_use]
    pub fn of(project: &Project, rows: usize) -> Option<Self> {
        let settings = &project.training;
        let (steps, per_epoch) = (settings.total_steps(rows), settings.steps_per_epoch(rows));
        let has_enough = steps >= Self::ENOUGH || settings.trained_layers == TrainedLayers::Instant;
        if project.task.kind() != TaskKind::TextClassification || steps == 0 || has_enough {
            return None;
        }
        let epochs = Self::ENOUGH.div_ceil(per_epoch) as u32;
        Some(Self { steps, epochs: (epochs <= MOST_EPOCHS).then_some(epochs), then: per_epoch * u64::from(epochs) })
    }

    /// What is wrong and what helps, in sentences.
    #[must_use]
    pub fn says(&self) -> String {
        let steps = counted(self.steps, "optimizer step is", "optimizer steps are");
        let help = match self.epochs {
            Some(epochs) => format!("{epochs} epochs give {} steps.", count(self.then)),
            None => "More rows, more epochs or a smaller batch size give more steps.".to_owned(),
        };
        format!(
            "Only {steps} planned. As a rule of thumb, a model needs {} or more to learn its labels; with fewer, it often \
             predicts the same label for every row. {help}",
            Self::ENOUGH
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Preset;

    #[test]
    fn steps_are_counted_as_in_the_trainer() {
        let settings = TrainingSettings::default();
        assert_eq!(settings.total_steps(11_515), 1080);
        let accumulated = TrainingSettings { gradient_accumulation: 4, ..settings };
        assert_eq!(accumulated.total_steps(11_515), 270);
    }

    #[test]
    fn one_quick_epoch_over_few_rows_has_few_steps() {
        let task = TaskKind::TextClassification;
        let mut project = Project::new(task);
        assert_eq!(FewSteps::of(&project, 1_734), None, "three epochs are enough");
        project.training = Preset::Quick.apply(task, &project.training);
        let few = FewSteps::of(&project, 1_734).unwrap();
        assert_eq!((few.steps, few.epochs), (55, Some(2)));
        assert!(few.says().starts_with("Only 55 optimizer steps are planned. As a rule of thumb, "), "{}", few.says());
        assert!(few.says().ends_with(" 2 epochs give 110 steps."), "{}", few.says());
        let tiny = FewSteps::of(&project, 20).unwrap();
        assert_eq!((tiny.steps, tiny.epochs), (1, None));
        assert!(tiny.says().starts_with("Only 1 optimizer step is planned."), "{}", tiny.says());
        let language = Project::new(TaskKind::LanguageModelling);
        assert_eq!(FewSteps::of(&language, 20), None);
    }
}
