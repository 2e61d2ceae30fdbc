//! Hyperparameters, with the defaults of the literature.
//!
//! Sources: Devlin et al. 1810.04805 (ranges), Mosbach et al. 2006.04884 and Zhang et al. 2006.05987 (bias correction,
//! warm-up), Loshchilov & Hutter 1711.05101 (decoupled decay), Gururangan et al. 2004.10964 (continued pre-training, at
//! 5e-4).

use serde::{Deserialize, Serialize};

use crate::project::{MetricName, TaskKind};

/// Hyperparameters: everything the trainer needs besides the data and the model. The defaults are those of text
/// classification; see [`Self::of_task`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingSettings {
    /// Passes over the training set.
    pub epochs: u32,
    /// Rows in a batch.
    pub batch_size: usize,
    /// Most tokens of a text, including special tokens; longer texts are truncated at the end.
    pub max_length: usize,
    /// Batches whose gradients are summed before each optimizer step.
    pub gradient_accumulation: usize,
    /// Whether a batch groups texts of similar length, which needs less padding.
    pub group_by_length: bool,
    /// `AdamW` and the learning rate.
    pub optimizer: OptimizerSettings,
    /// How the learning rate changes over the run.
    pub schedule: ScheduleKind,
    /// Share of steps over which the learning rate rises from 0, 0..1.
    pub warmup: f64,
    /// Dropout probability of hidden states and attention; `None` keeps the model's default.
    pub dropout: Option<f64>,
    /// When to evaluate on the validation set.
    pub evaluate_every: EvaluateEvery,
    /// The metric that chooses the best checkpoint; `None` is the first of the task's metrics. See
    /// [`crate::project::Project::best_metric`].
    pub best_metric: Option<MetricName>,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStopping>,
    /// Seed of the new head, the shuffling and the dropout.
    pub seed: u64,
    /// The device that trains.
    pub device: DeviceChoice,
    /// Number format of the matrix products.
    pub precision: Precision,
    /// Which part of the network is trained.
    pub trained_layers: TrainedLayers,
}

/// `AdamW`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OptimizerSettings {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decoupled weight decay, on matrices only.
    pub weight_decay: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub epsilon: f64,
    /// Largest global L2 norm of the gradient; 0 does not clip.
    pub max_grad_norm: f64,
}

/// How the learning rate changes after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScheduleKind {
    /// Falls linearly to 0 at the last step.
    #[default]
    Linear,
    /// Falls along half a cosine to 0 at the last step.
    Cosine,
    /// Stays at the peak.
    Constant,
}

/// How much each label counts in the loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ClassWeights {
    /// Every row counts the same.
    #[default]
    None,
    /// rows / (labels x rows of the label), as in scikit-learn's `balanced`.
    Balanced,
    /// By label name; other labels have weight 1.
    ByHand(std::collections::BTreeMap<String, f64>),
}

/// When to evaluate on the validation set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvaluateEvery {
    /// After each epoch.
    #[default]
    Epoch,
    /// After this many optimizer steps, and after the last.
    Steps(u32),
}

/// Stops training when the metric has not improved for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlyStopping {
    /// Evaluations in a row without improvement before the run stops.
    pub patience: u32,
    /// Smallest change that counts as an improvement.
    pub min_delta: f64,
}

/// Number format of the matrix products; everything else is 32-bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// The fastest that is accurate on this machine.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// Operands rounded to bf16, sums in 32-bit floats: faster on CPUs with AVX-512 BF16. Other CPUs round in the same
    /// way, but more slowly than f32.
    Bf16,
}

/// The device that trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// The CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
    /// The Apple GPU.
    Metal,
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "automatic device",
            Self::Cpu => "CPU",
            Self::Cuda => "NVIDIA GPU",
            Self::Metal => "Apple GPU",
        })
    }
}

/// Which part of a network is trained. The rest is frozen: it has no dropout and is computed once per text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrainedLayers {
    /// Everything.
    #[default]
    All,
    /// The head and this many layers below it.
    Top(u32),
    /// The pooler and the classification head.
    Head,
}

impl TrainedLayers {
    /// How many of `layers` layers are frozen, from the bottom, in addition to the embeddings; `None` if everything is
    /// trained.
    #[must_use]
    pub fn frozen(self, layers: usize) -> Option<usize> {
        match self {
            Self::All => None,
            Self::Top(top) => Some(layers.saturating_sub(top as usize)),
            Self::Head => Some(layers),
        }
    }
}

/// A named set of hyperparameters, with values for each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// One epoch, short texts: a first look.
    Quick,
    /// The task's defaults.
    Balanced,
    /// More epochs at a lower learning rate, with early stopping.
    Thorough,
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        Self { learning_rate: 5e-5, weight_decay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, max_grad_norm: 1.0 }
    }
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 2, min_delta: 0.0 }
    }
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            epochs: 3,
            batch_size: 32,
            max_length: 128,
            gradient_accumulation: 1,
            group_by_length: true,
            optimizer: OptimizerSettings::default(),
            schedule: ScheduleKind::default(),
            warmup: 0.1,
            dropout: None,
            evaluate_every: EvaluateEvery::default(),
            best_metric: None,
            early_stopping: Some(EarlyStopping::default()),
            seed: 42,
            device: DeviceChoice::default(),
            precision: Precision::default(),
            trained_layers: TrainedLayers::default(),
        }
    }
}

impl TrainingSettings {
    /// The defaults of a task: [`Preset::Balanced`].
    #[must_use]
    pub fn of_task(task: TaskKind) -> Self {
        Preset::Balanced.apply(task, &Self::default())
    }
}

impl Preset {
    /// The presets in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Balanced, Self::Thorough];

    /// The settings of this preset for a task; the metric, `seed`, `device` and `precision` keep their current values.
    ///
    /// The learning rates of language modelling suit a model that gets a new language model head, as the default model
    /// and all other sentence embedding models do. Which model is trained is not known here: training warns if the
    /// model has a head already, which wants a lower rate.
    #[must_use]
    pub fn apply(self, task: TaskKind, now: &TrainingSettings) -> TrainingSettings {
        let (epochs, max_length, learning_rate, patience) = match (task, self) {
            (TaskKind::TextClassification, Self::Quick) => (1, 64, 5e-5, 2),
            (TaskKind::TextClassification, Self::Balanced) => (3, 128, 5e-5, 2),
            (TaskKind::TextClassification, Self::Thorough) => (8, 256, 3e-5, 3),
            (TaskKind::LanguageModelling, Self::Quick) => (1, 64, 3e-4, 2),
            (TaskKind::LanguageModelling, Self::Balanced) => (5, 128, 3e-4, 2),
            (TaskKind::LanguageModelling, Self::Thorough) => (15, 256, 2e-4, 3),
        };
        TrainingSettings {
            epochs,
            max_length,
            optimizer: OptimizerSettings { learning_rate, ..OptimizerSettings::default() },
            early_stopping: Some(EarlyStopping { patience, min_delta: 0.0 }),
            best_metric: now.best_metric,
            seed: now.seed,
            device: now.device,
            precision: now.precision,
            ..TrainingSettings::default()
        }
    }

    /// The preset that has these settings, if any.
    #[must_use]
    pub fn of(task: TaskKind, settings: &TrainingSettings) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.apply(task, settings) == *settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_a_task_are_its_balanced_preset() {
        assert_eq!(TrainingSettings::of_task(TaskKind::TextClassification), TrainingSettings::default());
        let adapting = TrainingSettings::of_task(TaskKind::LanguageModelling);
        assert_eq!((adapting.epochs, adapting.optimizer.learning_rate.to_bits()), (5, 3e-4_f64.to_bits()));
        for task in TaskKind::ALL {
            assert_eq!(Preset::of(task, &TrainingSettings::of_task(task)), Some(Preset::Balanced));
            assert!(Preset::ALL.iter().all(|preset| preset.apply(task, &adapting).check().is_ok()));
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
