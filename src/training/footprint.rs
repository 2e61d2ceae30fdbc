//! Estimates the memory and disk space of training from the sizes of the network.

use crate::models::{Compute, HeadSpec, ModelConfig, ParameterCounts};
use crate::ops::rows_at_once;
use crate::project::{Recompute, TrainedLayers, TrainingSettings};

use crate::training::memory::{memory_left_by_limits, resident};

/// Bytes of a number.
const NUMBER: u64 = 4;

/// Buffers are at most a quarter larger than requested, and up to a quarter more than is in use is kept.
const SLACK: f64 = 1.35;

/// Everything else: the baseline fitted in each run, and memory that the allocator keeps. (The program, the rows and
/// their tokens are part of the resident memory.) A head-only run on 543 texts took 122 MB more than the rest of the
/// estimate.
const OVERHEAD: u64 = 192 << 20;

/// The sizes that memory and disk space depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Footprint {
    /// Numbers in the network.
    parameters: u64,
    /// Those of them that are kept in bf16.
    in_bf16: u64,
    /// Numbers that are kept packed in bf16 besides: frozen matrices, and what scores a vocabulary, for both directions.
    packed: u64,
    /// Bytes of the network that answers, for the test rows and the instant baseline: in bf16, matrices are kept packed too.
    answering: u64,
    /// Numbers that are trained.
    trained: u64,
    /// Numbers in a checkpoint.
    saved: u64,
    /// Numbers per token that are kept for the backward pass or are gradients in flight.
    a_token: u64,
    /// The same if activations are recomputed.
    recomputed_a_token: u64,
    /// Whether they are, and whether they can be.
    recomputes: bool,
    can_recompute: bool,
    /// Share of the tokens that the head reads, and the numbers kept for each read.
    share_read: f64,
    a_read: u64,
    /// Scores of each read, which are computed for some reads at a time.
    scores: u64,
}

impl Footprint {
    /// For a model with this head, which reads the share `share_read` of the tokens.
    pub fn new(config: &ModelConfig, head: &HeadSpec, settings: &TrainingSettings, share_read: f64) -> Self {
        let [hidden, inner, layers] =
            [config.hidden_size, config.intermediate_size, config.num_hidden_layers].map(|size| size as u64);
        let counts = config.parameter_counts();
        let ParameterCounts { embeddings, last, .. } = counts;
        let is_language_model = *head == HeadSpec::LanguageModel;
        let (head, scores) = head_sizes(config, head);
        let network = embeddings + counts.top(layers, layers) + last + head;
        let (trained, adapter) = match settings.trained_layers {
            TrainedLayers::Lora => (TrainedLayers::Lora, layers * config.adapter_parameters(&settings.lora)),
            trained => (trained, 0),
        };
        let parameters = network + adapter;
        let (trained_layers, trained) = match trained.frozen(config.num_hidden_layers) {
            None => (layers, parameters),
            // A language model's head stays as it is, unless it is new.
            Some(_) if adapter > 0 => (layers, adapter + if is_language_model { 0 } else { head }),
            Some(frozen) => {
                let top = layers - frozen as u64;
                (top, counts.top(top, layers) + head + if top > 0 { last } else { 0 })
            }
        };
        let kept = config.kept_a_token();
        // In the backward pass, three of the widest gradients are in memory at once.
        let in_flight = 2 * hidden + 3 * inner.max(3 * hidden);
        let a_token = in_flight + trained_layers * kept;
        // The input of each layer, and all that one of them keeps.
        let recomputed_a_token = in_flight + trained_layers * hidden + kept;
        let saved = if adapter > 0 { trained } else { parameters };
        let compute = Compute::choose(settings.device, settings.precision).unwrap_or_default();
        let (is_on_cpu, in_bf16) = (compute.device().is_cpu(), compute.multiplies_in_bf16());
        let in_matrices = layers * config.numbers_in_matrices();
        let frozen_matrices = (layers - trained_layers.min(layers)) * config.numbers_in_matrices();
        let scorers = if is_language_model { 2 * scores * config.embedding_width() as u64 } else { 0 };
        Self {
            parameters,
            in_bf16: if in_bf16 && adapter > 0 { in_matrices } else { 0 },
            packed: if in_bf16 { frozen_matrices + scorers } else { 0 },
            answering: NUMBER * network + if in_bf16 { NUMBER / 2 * in_matrices } else { 0 },
            trained,
            saved,
            a_token,
            recomputed_a_token,
            recomputes: false,
            can_recompute: config.can_recompute() && is_on_cpu,
            share_read,
            a_read: 6 * hidden,
            scores,
        }
    }

    /// For a run that recomputes activations if the setting says so: [`Recompute::Auto`] if its longest pass has `tokens` and
    /// does not fit in `available` bytes otherwise, of which the process already uses `used`.
    pub fn recomputing(self, setting: Recompute, tokens: usize, used: u64, available: u64) -> Self {
        let is_too_much = || available > 0 && self.peak_of(used, tokens) > available;
        let recomputes = match setting {
            Recompute::Auto => is_too_much(),
            Recompute::Always => true,
            Recompute::Never => false,
        };
        Self { recomputes: recomputes && self.can_recompute, ..self }
    }

    /// Whether activations are recomputed.
    pub fn recomputes(&self) -> bool {
        self.recomputes
    }

    /// Peak memory of the process in bytes, if its longest pass has this many tokens.
    pub fn peak(&self, tokens: usize) -> u64 {
        self.peak_of(resident(), tokens)
    }

    /// [`Self::peak`] of a process that uses `used` bytes before it loads the network.
    pub fn peak_of(&self, used: u64, tokens: usize) -> u64 {
        let a_token = if self.recomputes { self.recomputed_a_token } else { self.a_token };
        let reads = (self.share_read * tokens as f64).ceil() as u64;
        // The head's scores, their gradient, and the gradient packed for two matrix products.
        let scores = 3 * self.scores * reads.min(rows_at_once(self.scores as usize) as u64);
        let activations = a_token.saturating_mul(tokens as u64) + self.a_read * reads + scores;
        let training = self.parameters + 3 * self.trained + (activations as f64 * SLACK) as u64;
        // Two moments and a gradient for each number that is trained.
        used + OVERHEAD + self.answering.max(NUMBER * training + NUMBER / 2 * self.packed - NUMBER / 2 * self.in_bf16)
    }

    /// Bytes of memory to load the network. The file is read piece by piece.
    pub fn loading(&self) -> u64 {
        NUMBER * self.parameters - NUMBER / 2 * self.in_bf16
    }

    /// Bytes of a checkpoint.
    pub fn checkpoint(&self) -> u64 {
        NUMBER * self.saved
    }

    /// Bytes of a checkpoint to resume from: the weights that are trained, and two moments of each.
    pub fn resuming(&self) -> u64 {
        3 * NUMBER * self.trained
    }

    /// Bytes that a run writes: the best checkpoint and the one to resume from, and the next of each until it replaces the last.
    pub fn disk(&self) -> u64 {
        2 * (self.checkpoint() + self.resuming())
    }
}

/// Free memory plus what the process already uses, in bytes, as far as the limits of a container allow; 0 if unknown.
pub(super) fn available_memory() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    system.refresh_memory();
    let free = match system.available_memory() {
        0 => return 0,
        free => memory_left_by_limits().map_or(free, |left| left.min(free)),
    };
    free + resident()
}

/// (Scalar parameters of the head, scores it computes at each read.)
fn head_sizes(config: &ModelConfig, head: &HeadSpec) -> (u64, u64) {
    match head {
        HeadSpec::Classification { labels } => (config.classifier_parameters(labels.len()), labels.len() as u64),
        HeadSpec::EmbeddingClassification { labels, .. } => {
            (config.embedding_classifier_parameters(labels.len()), labels.len() as u64)
        }
        HeadSpec::LanguageModel => (config.language_head_parameters(), config.vocab_size as u64),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::models::{LoadOptions, Model, Parameter};
    use crate::project::{DeviceChoice, LoraMatrices, LoraSettings, Precision};

    #[test]
    fn parameters_are_counted_as_the_model_has_them() {
        let networks = std::fs::read_dir(fixture("networks")).unwrap().map(|entry| entry.unwrap().path());
        for folder in networks.chain(["tiny-bert", "tiny-bert-mlm"].map(fixture)) {
            let name = folder.file_name().unwrap().to_string_lossy();
            let is_language_model = name.ends_with("-language") || name.ends_with("-mlm");
            let head = if is_language_model { HeadSpec::LanguageModel } else { three_labels() };
            let lora = |matrices| (TrainedLayers::Lora, LoraSettings { rank: 3, matrices, ..LoraSettings::default() });
            let adapters = [LoraMatrices::QueryValue, LoraMatrices::Attention, LoraMatrices::All].map(lora);
            let layers = [TrainedLayers::All, TrainedLayers::Top(1), TrainedLayers::Head];
            let ways = layers.map(|trained| (trained, LoraSettings::default())).into_iter().chain(adapters);
            for (trained, lora) in ways {
                for precision in [Precision::F32, Precision::Bf16] {
                    let compute = Compute::choose(DeviceChoice::Cpu, precision).unwrap();
                    let options = LoadOptions { trained, lora, compute, ..LoadOptions::new(head.clone()) };
                    let (model, _) = Model::load(&folder, &options).unwrap();
                    let settings =
                        TrainingSettings { trained_layers: trained, lora, precision, ..TrainingSettings::default() };
                    let footprint = Footprint::new(model.config(), model.head(), &settings, 0.0);
                    let what = format!("{name}: {trained:?}, {lora:?}, {precision:?}");
                    assert_eq!(footprint.parameters, model.parameter_count() as u64, "{what}");
                    assert_eq!(footprint.trained, model.trained_count() as u64, "{what}");
                    assert_eq!(footprint.loading(), bytes(&model), "{what}");
                }
            }
        }
    }

    fn bytes(model: &Model) -> u64 {
        let sizes =
            model.parameters().iter().map(|Parameter { var, .. }| var.elem_count() * var.dtype().size_in_bytes());
        sizes.sum::<usize>() as u64
    }

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
    }

    fn three_labels() -> HeadSpec {
        HeadSpec::Classification { labels: ["a", "b", "c"].map(str::to_owned).to_vec() }
    }

    #[test]
    fn longer_passes_need_more_memory_and_frozen_layers_less() {
        let config = ModelConfig::read(&fixture("tiny-bert")).unwrap();
        let of = |trained_layers| {
            let settings = TrainingSettings { trained_layers, ..TrainingSettings::default() };
            Footprint::new(&config, &three_labels(), &settings, 0.0)
        };
        assert!(of(TrainedLayers::All).a_token > of(TrainedLayers::Top(1)).a_token);
        assert!(of(TrainedLayers::Top(1)).a_token > of(TrainedLayers::Head).a_token);
        let tokens_more = of(TrainedLayers::All).peak(1 << 20) - of(TrainedLayers::All).peak(1 << 10);
        // A million tokens keep at least two hidden states of 32 numbers in each of two layers.
        assert!(tokens_more > (1 << 20) * 4 * 32 * 4, "{tokens_more}");
    }

    #[test]
    fn activations_are_recomputed_if_there_is_too_little_memory_otherwise() {
        let config = ModelConfig::read(&fixture("tiny-bert")).unwrap();
        let footprint = Footprint::new(&config, &three_labels(), &TrainingSettings::default(), 0.0);
        let tokens = 1 << 20;
        let (needed, of) =
            (footprint.peak_of(0, tokens), |setting, free| footprint.recomputing(setting, tokens, 0, free));
        let cases = [
            (Recompute::Auto, needed, false),
            (Recompute::Auto, needed - 1, true),
            (Recompute::Auto, 0, false),
            (Recompute::Always, needed, true),
            (Recompute::Never, needed - 1, false),
        ];
        for (setting, free, expected) in cases {
            assert_eq!(of(setting, free).recomputes(), expected, "{setting:?} with {free}");
        }
        assert!(of(Recompute::Always, 0).peak_of(0, tokens) < needed);
    }

    #[test]
    fn a_language_model_needs_memory_for_the_scores_of_some_reads() {
        let config = ModelConfig::read(&fixture("tiny-bert-mlm")).unwrap();
        let settings = TrainingSettings::default();
        let peak =
            |share: f64, tokens| Footprint::new(&config, &HeadSpec::LanguageModel, &settings, share).peak_of(0, tokens);
        let of_scores = |reads: usize| (reads * 2 * config.vocab_size) as u64 * NUMBER;
        let few = 1 << 12;
        assert!(peak(0.25, few) - peak(0.0, few) > of_scores(few / 4), "scores and their gradient");
        let many = 1 << 24;
        assert!(peak(0.25, many) - peak(0.0, many) < of_scores(many / 4), "not those of all reads at once");
    }

    #[test]
    fn the_free_memory_of_this_machine_is_known() {
        assert!(available_memory() > resident());
    }
}
