//! How many optimizer steps a run has, and whether they are so few that the model may learn nothing.

use crate::project::{PROBE_STRENGTHS, Project, TaskKind, TrainedLayers, TrainingSettings};
use crate::words::{count, counted};

/// Most epochs that are proposed: more go over the same few rows too often.
const MOST_EPOCHS: u32 = 10;

impl TrainingSettings {
    /// Optimizer steps of an epoch over `rows` training rows. If batches are bounded by their tokens too, these are the fewest:
    /// how many there are is known once the texts are tokenised.
    #[must_use]
    pub fn steps_per_epoch(&self, rows: usize) -> u64 {
        self.steps_of(rows, self.batch_size)
    }

    /// Optimizer steps of a whole run over `rows` training rows; see [`Self::steps_per_epoch`].
    #[must_use]
    pub fn total_steps(&self, rows: usize) -> u64 {
        self.steps_per_epoch(rows) * self.passes()
    }

    /// Whether the number of steps depends on the lengths of the texts.
    #[must_use]
    pub fn counts_tokens(&self) -> bool {
        self.fewest_rows() < self.batch_size
    }

    /// Epochs, as far as they have steps.
    fn passes(&self) -> u64 {
        u64::from(self.epochs_trained().unwrap_or(1))
    }

    /// Epochs of training; `None` for an instant model, which has none.
    #[must_use]
    pub fn epochs_trained(&self) -> Option<u32> {
        (self.trained_layers != TrainedLayers::Instant).then_some(self.epochs)
    }

    /// The fewest rows of a full batch: if all texts are as long as they may be.
    fn fewest_rows(&self) -> usize {
        let by_tokens = self.batch_tokens.map_or(usize::MAX, |tokens| tokens / self.max_length.max(1));
        self.batch_size.min(by_tokens).max(1)
    }

    fn steps_of(&self, rows: usize, batch: usize) -> u64 {
        if self.trained_layers == TrainedLayers::Instant {
            return PROBE_STRENGTHS.len() as u64;
        }
        rows.div_ceil(batch.max(1)).div_ceil(self.gradient_accumulation.max(1)) as u64
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

    /// Whether a run over `rows` training rows has few steps, even if all texts are long. `None` for language modelling, whose
    /// head is trained before, and where nothing is trained step by step.
    #[must_use]
    pub fn of(project: &Project, rows: usize) -> Option<Self> {
        let settings = &project.training;
        let per_epoch = settings.steps_of(rows, settings.fewest_rows());
        Self::planned(project, per_epoch, per_epoch * settings.passes())
    }

    /// Whether these steps of an epoch and of a run are few; see [`Self::of`].
    #[must_use]
    pub fn planned(project: &Project, per_epoch: u64, steps: u64) -> Option<Self> {
        let settings = &project.training;
        let has_enough = steps >= Self::ENOUGH || settings.trained_layers == TrainedLayers::Instant;
        if project.task.kind() != TaskKind::TextClassification || steps == 0 || has_enough {
            return None;
        }
        let epochs = Self::ENOUGH.div_ceil(per_epoch.max(1)) as u32;
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
    use crate::project::{NetworkKind, Preset};

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
        project.training = Preset::Quick.apply((task, NetworkKind::Encoder), &project.training);
        let few = FewSteps::of(&project, 1_734).unwrap();
        assert_eq!((few.steps, few.epochs), (55, Some(2)));
        assert!(few.says().starts_with("Only 55 optimizer steps are planned. As a rule of thumb, "), "{}", few.says());
        assert!(few.says().ends_with(" 2 epochs give 110 steps."), "{}", few.says());
        let tiny = FewSteps::of(&project, 20).unwrap();
        assert_eq!((tiny.steps, tiny.epochs), (1, None));
        assert!(tiny.says().starts_with("Only 1 optimizer step is planned."), "{}", tiny.says());
        // Ten texts of 100 tokens are a batch, or more if they are shorter: then there may be fewer steps.
        let by_tokens = TrainingSettings { batch_tokens: Some(1000), max_length: 100, ..TrainingSettings::default() };
        assert!(by_tokens.counts_tokens() && !TrainingSettings::default().counts_tokens());
        assert_eq!((by_tokens.steps_per_epoch(320), by_tokens.total_steps(320)), (10, 30));
        project.training = by_tokens;
        assert_eq!(FewSteps::of(&project, 334), None, "there may be 34 steps in an epoch");
        assert_eq!(FewSteps::of(&project, 320).map(|few| few.steps), Some(96));
        assert_eq!(FewSteps::planned(&project, 12, 36).map(|few| few.steps), Some(36));
        let language = Project::new(TaskKind::LanguageModelling);
        assert_eq!(FewSteps::of(&language, 20), None);
    }
}
