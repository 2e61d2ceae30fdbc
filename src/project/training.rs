//! Hyperparameters, with the defaults of the literature.
//!
//! Sources: Devlin et al. 1810.04805 (ranges), Mosbach et al. 2006.04884 and Zhang et al. 2006.05987 (bias correction,
//! warm-up), Loshchilov & Hutter 1711.05101 (decoupled decay), Gururangan et al. 2004.10964 (continued pre-training, at
//! 5e-4), Hu et al. 2106.09685 (low-rank adaptation).

use serde::{Deserialize, Serialize};

use crate::project::MetricName;

/// Hyperparameters: everything the trainer needs besides the data and the model. The defaults are those of text
/// classification; see [`Self::of_task`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSettings {
    /// Passes over the training set.
    pub epochs: u32,
    /// Rows in a batch.
    pub batch_size: usize,
    /// Most tokens in a batch, beside [`Self::batch_size`]; `None` does not bound them. A longer text gets its own batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_tokens: Option<usize>,
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
    /// Minutes between two checkpoints, from which the run resumes after a crash; 0 writes one after each step. There is one at each
    /// evaluation besides.
    pub checkpoint_minutes: u32,
    /// Seed of the new head, the shuffling and the dropout.
    pub seed: u64,
    /// The device that trains.
    pub device: DeviceChoice,
    /// Number format of the matrix products.
    pub precision: Precision,
    /// Which part of the network is trained.
    pub trained_layers: TrainedLayers,
    /// The adapter that is trained with [`TrainedLayers::Lora`].
    pub lora: LoraSettings,
    /// Whether the backward pass computes activations again instead of keeping them.
    pub recompute: Recompute,
}

/// `AdamW`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

/// Rows of the most frequent label for each row of the rarest from which labels are called imbalanced.
pub const IMBALANCE: usize = 10;

/// Whether labels with these numbers of rows are imbalanced: the most frequent has [`IMBALANCE`] times as many as the rarest that
/// has any.
#[must_use]
pub fn are_imbalanced(rows: impl IntoIterator<Item = usize>) -> bool {
    let (mut most, mut least) = (0, usize::MAX);
    for rows in rows.into_iter().filter(|&rows| rows > 0) {
        (most, least) = (most.max(rows), least.min(rows));
    }
    most >= least.saturating_mul(IMBALANCE)
}

/// How much each label counts in the loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ClassWeights {
    /// Balanced if the training rows' labels are imbalanced, otherwise none.
    #[default]
    Auto,
    /// Every row counts the same.
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
#[serde(default, deny_unknown_fields)]
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
    /// A low-rank adapter in every layer, and the head. See [`LoraSettings`].
    Lora,
    /// The head alone, without a training loop: a logistic regression on the embeddings of the texts, solved exactly for each
    /// of [`PROBE_STRENGTHS`].
    Instant,
}

/// The inverse strengths of the penalty that [`TrainedLayers::Instant`] tries, from the strongest penalty on. The validation set
/// chooses.
pub const PROBE_STRENGTHS: [f64; 8] = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];

/// Whether the backward pass computes the activations of each layer again instead of keeping them (Chen et al., 1604.06174):
/// less memory, and the time of one more forward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recompute {
    /// If there is not enough memory otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Low-rank adaptation: a frozen matrix `W` of `[out, in]` computes `W x + alpha / rank * B A x`, of which only `A`, `[rank,
/// in]`, and `B`, `[out, rank]`, are trained (Hu et al., 2106.09685).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoraSettings {
    /// Rows of `A`, columns of `B`.
    pub rank: u32,
    /// The adapter's output counts `alpha / rank` times.
    pub alpha: f64,
    /// Dropout probability of the adapter's input.
    pub dropout: f64,
    /// Which matrices of each layer get an adapter.
    pub matrices: LoraMatrices,
}

/// Which matrices of each layer get a low-rank adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoraMatrices {
    /// Those of queries and values, as in the paper. Where a network computes queries, keys and values with one matrix, it is
    /// that one.
    QueryValue,
    /// The four of attention: queries, keys, values and output.
    #[default]
    Attention,
    /// Those of attention and of the feed-forward part.
    All,
}

impl LoraMatrices {
    /// The matrices, for a sentence.
    #[must_use]
    pub fn in_a_sentence(self) -> &'static str {
        match self {
            Self::QueryValue => "queries and values",
            Self::Attention => "attention",
            Self::All => "attention and feed-forward",
        }
    }
}

impl TrainedLayers {
    /// How many of `layers` layers no gradient reaches, from the bottom, in addition to the embeddings; `None` if everything
    /// is trained.
    #[must_use]
    pub fn frozen(self, layers: usize) -> Option<usize> {
        match self {
            Self::All => None,
            Self::Top(top) => Some(layers.saturating_sub(top as usize)),
            Self::Head | Self::Instant => Some(layers),
            // Gradients pass through all layers to their adapters.
            Self::Lora => Some(0),
        }
    }
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        Self { learning_rate: 5e-5, weight_decay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, max_grad_norm: 1.0 }
    }
}

impl Default for LoraSettings {
    fn default() -> Self {
        Self { rank: 8, alpha: 16.0, dropout: 0.0, matrices: LoraMatrices::default() }
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
            batch_tokens: None,
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
            checkpoint_minutes: 5,
            seed: 42,
            device: DeviceChoice::default(),
            precision: Precision::default(),
            trained_layers: TrainedLayers::default(),
            lora: LoraSettings::default(),
            recompute: Recompute::default(),
        }
    }
}
