//! Named sets of hyperparameters.

use serde::{Deserialize, Serialize};

use crate::project::{EarlyStopping, OptimizerSettings, TaskKind, TrainedLayers, TrainingSettings};

/// A named set of hyperparameters, with values for each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// No training loop: a logistic regression on the frozen model's embeddings. See [`TrainedLayers::Instant`].
    Instant,
    /// One epoch, short texts: a first look.
    Quick,
    /// The task's defaults.
    Balanced,
    /// More epochs at a lower learning rate, with early stopping.
    Thorough,
}

impl TrainingSettings {
    /// The defaults of a task: [`Preset::Balanced`].
    #[must_use]
    pub fn of_task(task: TaskKind) -> Self {
        Preset::Balanced.apply(task, &Self::default())
    }
}

impl Preset {
    /// The presets of a task, in the order they are shown.
    #[must_use]
    pub fn of_task(task: TaskKind) -> &'static [Self] {
        const ALL: [Preset; 4] = [Preset::Instant, Preset::Quick, Preset::Balanced, Preset::Thorough];
        match task {
            TaskKind::TextClassification => &ALL,
            // There are no labels to learn from embeddings.
            TaskKind::LanguageModelling => &ALL[1..],
        }
    }

    /// The settings of this preset for a task; the metric, `seed`, `device` and `precision` keep their current values.
    ///
    /// The learning rates of language modelling suit a model that gets a new language model head, as the default model
    /// and all other sentence embedding models do. Which model is trained is not known here: training warns if the
    /// model has a head already, which wants a lower rate.
    #[must_use]
    pub fn apply(self, task: TaskKind, now: &TrainingSettings) -> TrainingSettings {
        let (epochs, max_length, learning_rate, patience) = match (task, self) {
            (TaskKind::TextClassification, Self::Instant) => (1, 128, 5e-5, 0),
            (TaskKind::TextClassification, Self::Quick) => (1, 64, 5e-5, 2),
            (TaskKind::TextClassification, Self::Balanced) => (3, 128, 5e-5, 2),
            (TaskKind::TextClassification, Self::Thorough) => (8, 256, 3e-5, 3),
            (TaskKind::LanguageModelling, Self::Instant | Self::Quick) => (1, 64, 3e-4, 2),
            (TaskKind::LanguageModelling, Self::Balanced) => (5, 128, 3e-4, 2),
            (TaskKind::LanguageModelling, Self::Thorough) => (15, 256, 2e-4, 3),
        };
        TrainingSettings {
            epochs,
            max_length,
            optimizer: OptimizerSettings { learning_rate, ..OptimizerSettings::default() },
            early_stopping: (patience > 0).then_some(EarlyStopping { patience, min_delta: 0.0 }),
            trained_layers: match (task, self) {
                (TaskKind::TextClassification, Self::Instant) => TrainedLayers::Instant,
                _ => TrainedLayers::All,
            },
            best_metric: now.best_metric,
            seed: now.seed,
            device: now.device,
            precision: now.precision,
            recompute: now.recompute,
            ..TrainingSettings::default()
        }
    }

    /// The learning rate of the balanced preset for what is trained: 2e-4 for the small matrices of an adapter, which move
    /// further than whole ones.
    #[must_use]
    pub fn learning_rate_for(task: TaskKind, trained: TrainedLayers) -> f64 {
        match trained {
            TrainedLayers::Lora => 2e-4,
            _ => TrainingSettings::of_task(task).optimizer.learning_rate,
        }
    }

    /// The preset that has these settings, if any.
    #[must_use]
    pub fn of(task: TaskKind, settings: &TrainingSettings) -> Option<Self> {
        Self::of_task(task).iter().copied().find(|preset| preset.apply(task, settings) == *settings)
    }
}

impl TrainedLayers {
    /// What can be trained for a task, this choice among it, from the most to the least.
    #[must_use]
    pub fn choices(self, task: TaskKind) -> Vec<Self> {
        let top = if matches!(self, Self::Top(_)) { self } else { Self::Top(2) };
        let mut choices = vec![Self::All, top, Self::Lora, Self::Head];
        // Without labels, there is nothing to solve for.
        choices.extend((task == TaskKind::TextClassification).then_some(Self::Instant));
        choices
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Precision;

    #[test]
    fn the_defaults_of_a_task_are_its_balanced_preset() {
        assert_eq!(TrainingSettings::of_task(TaskKind::TextClassification), TrainingSettings::default());
        let adapting = TrainingSettings::of_task(TaskKind::LanguageModelling);
        assert_eq!((adapting.epochs, adapting.optimizer.learning_rate.to_bits()), (5, 3e-4_f64.to_bits()));
        for task in TaskKind::ALL {
            assert_eq!(Preset::of(task, &TrainingSettings::of_task(task)), Some(Preset::Balanced));
            assert!(Preset::of_task(task).iter().all(|preset| preset.apply(task, &adapting).check().is_ok()));
        }
        assert_eq!(Preset::of(TaskKind::LanguageModelling, &TrainingSettings::default()), None);
    }

    #[test]
    fn a_preset_keeps_the_seed_and_what_computes() {
        let now = TrainingSettings { seed: 7, precision: Precision::F32, epochs: 50, ..TrainingSettings::default() };
        let quick = Preset::Quick.apply(TaskKind::LanguageModelling, &now);
        assert_eq!((quick.seed, quick.precision, quick.epochs), (7, Precision::F32, 1));
        assert_eq!(Preset::of(TaskKind::LanguageModelling, &quick), Some(Preset::Quick));
    }
}
