//! How much memory and disk training needs, from the sizes of the network.

use crate::models::ModelConfig;
use crate::project::TrainedLayers;

use crate::training::memory::resident;

/// Bytes of a number.
const NUMBER: u64 = 4;

/// Buffers are a quarter larger than asked for at most, and a quarter more than is in use is kept.
const SLACK: f64 = 1.35;

/// The process itself: the program, the rows and their tokens are in what is resident already; this is for the rest, the
/// baseline that is fitted beside the run and memory the allocator keeps. A head-only run on 543 texts took 122 MB more
/// than all else here adds up to.
const OVERHEAD: u64 = 192 << 20;

/// What training a network of some size needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Footprint {
    /// Numbers in the network.
    parameters: u64,
    /// Numbers that are trained.
    trained: u64,
    /// Numbers kept for the backward pass, and gradients on their way, a token.
    a_token: u64,
}

impl Footprint {
    pub fn new(config: &ModelConfig, labels: usize, trained: TrainedLayers) -> Self {
        let [hidden, inner, layers] =
            [config.hidden_size, config.intermediate_size, config.num_hidden_layers].map(|size| size as u64);
        let tables = [config.vocab_size, config.max_position_embeddings, config.type_vocab_size];
        let embeddings = (tables.into_iter().sum::<usize>() as u64 + 2) * hidden;
        // Query, key, value, attention output and two normalisations; two matrices with an inner width.
        let layer = 4 * hidden * (hidden + 1) + 4 * hidden + 2 * hidden * inner + inner + hidden;
        let head = hidden * (hidden + 1) + labels as u64 * (hidden + 1);
        let parameters = embeddings + layers * layer + head;
        let (trained_layers, trained) = match trained.frozen(config.num_hidden_layers) {
            None => (layers, parameters),
            Some(frozen) => {
                let top = layers - frozen as u64;
                (top, top * layer + head)
            }
        };
        // A layer keeps the queries, keys and values, what attention mixed, and for each normalisation its input and
        // output; and the inner states before and after the activation.
        let kept = (3 + 1 + 2 * 3) * hidden + 2 * inner;
        // On the way back three of the widest gradients are in memory at once.
        let a_token = 2 * hidden + trained_layers * kept + 3 * inner.max(3 * hidden);
        Self { parameters, trained, a_token }
    }

    /// Most memory of the process, bytes, when its longest pass has so many tokens.
    pub fn peak(&self, tokens: usize) -> u64 {
        // The file's bytes and the tensors made of them are in memory together once; later two moments and a gradient.
        let loading = 2 * self.parameters;
        let training = self.parameters + 3 * self.trained + (self.a_token as f64 * tokens as f64 * SLACK) as u64;
        resident() + OVERHEAD + NUMBER * loading.max(training)
    }

    /// What a run writes, bytes: the best checkpoint, and for a moment the next one beside it.
    pub fn disk(&self) -> u64 {
        2 * NUMBER * self.parameters
    }
}

/// Memory that is free, and what the process has already, bytes; 0 where the system does not say.
pub(super) fn available_memory() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    system.refresh_memory();
    match system.available_memory() {
        0 => 0,
        free => free + resident(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::models::{LoadOptions, TextClassifier};

    #[test]
    fn parameters_are_counted_as_the_network_has_them() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let labels = ["a", "b", "c"].map(str::to_owned).to_vec();
        for trained in [TrainedLayers::All, TrainedLayers::Top(1), TrainedLayers::Head] {
            let options = LoadOptions { labels: labels.clone(), trained, ..LoadOptions::default() };
            let (model, _) = TextClassifier::load(&folder, &options).unwrap();
            let footprint = Footprint::new(model.config(), labels.len(), trained);
            assert_eq!(footprint.parameters, model.parameter_count() as u64);
            assert_eq!(footprint.trained, model.trained_count() as u64, "{trained:?}");
        }
    }

    #[test]
    fn longer_passes_need_more_and_frozen_layers_less() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let config = ModelConfig::read(&folder).unwrap();
        let of = |trained| Footprint::new(&config, 3, trained);
        assert!(of(TrainedLayers::All).a_token > of(TrainedLayers::Top(1)).a_token);
        assert!(of(TrainedLayers::Top(1)).a_token > of(TrainedLayers::Head).a_token);
        assert!(of(TrainedLayers::All).peak(1 << 20) > of(TrainedLayers::All).peak(1 << 10) + (1 << 20));
        assert!(available_memory() > 1 << 20);
    }
}
