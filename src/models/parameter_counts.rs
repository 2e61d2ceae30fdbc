//! How many parameters a network has, by its configuration alone.

use crate::models::adapter::Part;
use crate::models::architecture::{AttentionNames, Biases, DecoderNames, FeedForwardNames, Norms, RelativeNames};
use crate::models::architectures::network_kind;
use crate::models::config::ModelConfig;
use crate::models::relative_positions::BUCKETS;
use crate::project::{LoraSettings, NetworkKind};

/// Numbers in the parts of a network without its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterCounts {
    /// Embeddings and what follows them before the layers.
    pub embeddings: u64,
    /// Each layer.
    pub layer: u64,
    /// Numbers that the first layer does not have.
    pub missing_in_first: u64,
    /// What follows the layers.
    pub last: u64,
}

impl ParameterCounts {
    /// Numbers in the last `top` of `layers` layers.
    #[must_use]
    pub fn top(&self, top: u64, layers: u64) -> u64 {
        (top * self.layer).saturating_sub(if top == layers { self.missing_in_first } else { 0 })
    }
}

impl ModelConfig {
    /// Numbers in the parts of the network without its head.
    #[must_use]
    pub fn parameter_counts(&self) -> ParameterCounts {
        self.architecture().decoder().map_or_else(|| self.encoder_counts(), |names| self.decoder_counts(names))
    }

    /// Numbers in the whole network without a head.
    #[must_use]
    pub fn parameters_without_head(&self) -> u64 {
        let counts = self.parameter_counts();
        counts.embeddings + counts.layer * self.num_hidden_layers as u64 + counts.last
    }

    /// What it is, as far as presets differ.
    #[must_use]
    pub fn network_kind(&self) -> NetworkKind {
        network_kind(&self.model_type, self.parameters_without_head())
    }

    /// Numbers in the language model's head besides what it shares with the embeddings.
    #[must_use]
    pub fn language_head_parameters(&self) -> u64 {
        let [hidden, width, vocabulary] =
            [self.hidden_size, self.embedding_width(), self.vocab_size].map(|size| size as u64);
        let decoder = if self.tie_word_embeddings { 0 } else { vocabulary * width };
        match self.architecture().encoder_heads() {
            Some((_, masked_lm)) => {
                let biases = if masked_lm.has_biases { 2 * width } else { 0 };
                width * hidden + width + biases + vocabulary + decoder
            }
            None => decoder,
        }
    }

    /// Numbers in the head that scores `labels` labels.
    #[must_use]
    pub fn classifier_parameters(&self, labels: usize) -> u64 {
        let (hidden, labels) = (self.hidden_size as u64, labels as u64);
        let Some((classifier, _)) = self.architecture().encoder_heads() else { return labels * hidden };
        let norms = classifier.norm.map_or(0, |_| 1);
        let biases = if classifier.has_biases { (1 + norms) * hidden } else { 0 };
        (hidden + norms) * hidden + biases + labels * (hidden + 1)
    }

    /// Numbers in the head that scores `labels` labels from the mean of hidden states.
    #[must_use]
    pub fn embedding_classifier_parameters(&self, labels: usize) -> u64 {
        labels as u64 * (self.hidden_size as u64 + 1)
    }

    fn encoder_counts(&self) -> ParameterCounts {
        let [hidden, inner, width] =
            [self.hidden_size, self.intermediate_size, self.embedding_width()].map(|size| size as u64);
        let rows = (self.vocab_size + self.position_rows() + self.type_rows()) as u64;
        let projection = if width == hidden { 0 } else { (width + 1) * hidden };
        // Query, key, value, attention output and two normalisations; two matrices with an inner width.
        let layer = 4 * hidden * (hidden + 1) + 4 * hidden + 2 * hidden * inner + inner + hidden;
        let (for_all, for_layer) = self.relative_counts();
        let embeddings = (rows + 2) * width + projection + for_all;
        ParameterCounts { embeddings, layer: layer + for_layer, missing_in_first: 0, last: 0 }
    }

    /// Numbers that an encoder has for distances between tokens: for all layers, and in each.
    fn relative_counts(&self) -> (u64, u64) {
        let hidden = self.hidden_size as u64;
        match self.architecture().encoder().and_then(|names| names.relative) {
            None => (0, 0),
            Some(RelativeNames::Bias(_)) => ((BUCKETS * self.num_attention_heads) as u64, 0),
            Some(RelativeNames::Products { .. }) => {
                let rows = 2 * u64::try_from(self.span().rows).unwrap_or_default();
                let norm = if self.normalises_distances() { 2 * hidden } else { 0 };
                let own = self.products_with_distances().into_iter().filter(|&is_there| is_there).count() as u64;
                let own = if self.relative.share_att_key { 0 } else { own };
                (rows * hidden + norm, own * hidden * (hidden + 1))
            }
        }
    }

    fn decoder_counts(&self, names: &DecoderNames) -> ParameterCounts {
        let [hidden, inner] = [self.hidden_size, self.intermediate_size].map(|size| size as u64);
        let [of_queries, of_keys] = self.widths_of_heads();
        let norm = if names.norms == Norms::WithBias { 2 * hidden } else { hidden };
        let inner_layers = match names.feed_forward {
            FeedForwardNames::Plain(_) => 1,
            FeedForwardNames::Gated { .. } | FeedForwardNames::JointGated(_) => 2,
        };
        let of_attention = of_queries + 2 * of_keys;
        let of_feed_forward = inner_layers * inner + hidden;
        let biases = match names.biases {
            Biases::All => of_attention + hidden + of_feed_forward,
            Biases::Attention => of_attention,
            Biases::AsConfigured => {
                let of_attention = if self.decoder.attention_bias { of_attention + hidden } else { 0 };
                of_attention + if self.decoder.mlp_bias { of_feed_forward } else { 0 }
            }
        };
        let matrices = hidden * (of_attention + of_queries) + (inner_layers + 1) * hidden * inner;
        let embeddings = (self.vocab_size + self.position_rows()) as u64 * hidden;
        let embeddings = embeddings + names.embeddings_norm.map_or(0, |_| norm);
        let head_norms = names.head_norms.map_or(0, |_| 2 * of_queries / self.num_attention_heads as u64);
        let missing_in_first = if names.first_has_attention_norm { 0 } else { norm };
        let layer = matrices + biases + 2 * norm + head_norms;
        ParameterCounts { embeddings, layer, missing_in_first, last: norm }
    }

    /// Columns of all heads of a decoder's queries, and of its keys.
    fn widths_of_heads(&self) -> [u64; 2] {
        let heads = self.num_attention_heads;
        let width = self.decoder.head_width(self.hidden_size, heads);
        [heads * width, self.decoder.key_heads(heads) * width].map(|size| size as u64)
    }

    /// Numbers in the adapters of a layer.
    #[must_use]
    pub fn adapter_parameters(&self, lora: &LoraSettings) -> u64 {
        let adapted = self.matrices_of_layer().into_iter().filter(|(part, ..)| part.is_among(lora.matrices));
        adapted.map(|(_, inputs, outputs)| u64::from(lora.rank) * (inputs + outputs)).sum()
    }

    /// Numbers in the matrices of a layer that can have an adapter.
    #[must_use]
    pub fn numbers_in_matrices(&self) -> u64 {
        self.matrices_of_layer().into_iter().map(|(_, inputs, outputs)| inputs * outputs).sum()
    }

    /// Each matrix of a layer: its role, inputs and outputs.
    fn matrices_of_layer(&self) -> Vec<(Part, u64, u64)> {
        let [hidden, inner] = [self.hidden_size, self.intermediate_size].map(|size| size as u64);
        let output = (Part::FeedForward, inner, hidden);
        let Some(names) = self.architecture().decoder() else {
            let attention = [Part::Query, Part::Key, Part::Value, Part::AttentionOutput];
            let mut matrices: Vec<_> = attention.map(|part| (part, hidden, hidden)).into();
            matrices.extend([(Part::FeedForward, hidden, inner), output]);
            return matrices;
        };
        let [of_queries, of_keys] = self.widths_of_heads();
        let mut matrices = match names.attention {
            AttentionNames::Joint(_) => vec![(Part::Query, hidden, of_queries + 2 * of_keys)],
            AttentionNames::Each { .. } => {
                vec![(Part::Query, hidden, of_queries), (Part::Key, hidden, of_keys), (Part::Value, hidden, of_keys)]
            }
        };
        matrices.push((Part::AttentionOutput, of_queries, hidden));
        matrices.extend(match names.feed_forward {
            FeedForwardNames::Plain(_) => vec![(Part::FeedForward, hidden, inner)],
            FeedForwardNames::Gated { .. } => vec![(Part::FeedForward, hidden, inner); 2],
            FeedForwardNames::JointGated(_) => vec![(Part::FeedForward, hidden, 2 * inner)],
        });
        matrices.push(output);
        matrices
    }

    /// Numbers that a layer keeps for its backward pass for each token.
    #[must_use]
    pub fn kept_a_token(&self) -> u64 {
        let [hidden, inner] = [self.hidden_size, self.intermediate_size].map(|size| size as u64);
        // The input and output of each normalisation, and the inner states before and after the activation.
        let all = 2 * 3 * hidden + 2 * inner;
        // Queries, keys and values, and the output of attention.
        let Some(names) = self.architecture().decoder() else { return all + (3 + 1) * hidden };
        let [of_queries, of_keys] = self.widths_of_heads();
        // Both inner states and their product.
        let gated = if matches!(names.feed_forward, FeedForwardNames::Plain(_)) { 0 } else { inner };
        let head_norms = if names.head_norms.is_some() { of_queries + of_keys } else { 0 };
        all + gated + 2 * of_queries + 2 * of_keys + head_norms
    }
}
