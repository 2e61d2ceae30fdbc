//! Heads: they score the labels, or the vocabulary, at each token that a batch reads.

use candle_core::{Result, bail};

use crate::data::Pooling;
use crate::models::ModelError;
use crate::models::architecture::{Architecture, ClassifierNames, LM_HEAD, MaskedLmNames, SCORE};
use crate::models::config::ModelConfig;
use crate::models::layers::{Form, Linear, load_norm_as};
use crate::models::mode::Pass;
use crate::models::sentence_folder::DENSE_LAYER;
use crate::models::weights::{Fill, LoadReport, Weights};
use crate::ops::{
    self, CrossEntropy, Dropout, Gradients, LayerNormWeights, Loss, Value, Weight, cross_entropy, rows_at_once,
};

/// Which head a model gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadSpec {
    /// Scores each label, for text classification.
    Classification {
        /// Label names in class-id order. A head in the folder is kept if its labels are the same.
        labels: Vec<String>,
    },
    /// Scores each label from a text's embedding, as `sentence-transformers` does.
    EmbeddingClassification {
        /// Label names in class-id order. A head in the folder is kept if its labels and its embeddings are the same.
        labels: Vec<String>,
        /// How the hidden states of a text become its embedding.
        pooling: Pooling,
    },
    /// Scores each token of the vocabulary: hidden ones for encoders, the next one for decoders. A head in the folder is kept.
    LanguageModel,
}

impl HeadSpec {
    /// Label names in class-id order; empty for a head without labels.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        match self {
            Self::Classification { labels } | Self::EmbeddingClassification { labels, .. } => labels,
            Self::LanguageModel => &[],
        }
    }
}

/// A head and its weights.
#[derive(Clone, Debug)]
pub(super) enum Head {
    /// A dense layer, then one score a label.
    Classification(Classifier),
    /// One score a label.
    Score(Linear),
    /// One score a label, of a text's embedding.
    Dense(Linear),
    /// A dense layer, then one score for each token of the vocabulary.
    MaskedLm(MaskedLm),
    /// One score for each token of the vocabulary.
    CausalLm {
        decoder: Linear,
        /// Whether the decoder shares the word embeddings.
        tied: bool,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Classifier {
    dense: Linear,
    activation: ops::Activation,
    norm: Option<LayerNormWeights>,
    drops_input: bool,
    scores: Linear,
}

#[derive(Clone, Debug)]
pub(super) struct MaskedLm {
    transform: Linear,
    activation: ops::Activation,
    norm: LayerNormWeights,
    decoder: Linear,
    /// Whether the decoder shares the word embeddings.
    pub tied: bool,
}

impl Head {
    /// Loads the head; weights missing from the file are newly initialised. `words` are the word embeddings.
    ///
    /// Training with adapters trains a classification head, and a new language model head except for the bias of each token.
    pub fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        spec: &HeadSpec,
        words: &Weight,
    ) -> std::result::Result<Self, ModelError> {
        match (spec, config.architecture().encoder_heads()) {
            (HeadSpec::Classification { labels }, heads) => {
                Self::load_classifier(weights, config, labels, heads.map(|(classifier, _)| classifier))
            }
            (HeadSpec::EmbeddingClassification { labels, pooling }, _) => {
                if labels.is_empty() {
                    return Err(ModelError::NoLabels);
                }
                if config.embedding_pooling() == *pooling {
                    keep_only_for(labels, config, DENSE_LAYER, weights);
                } else {
                    leave_out(DENSE_LAYER, weights);
                }
                let fill = Fill::Normal(config.initializer_range);
                let sizes = (config.hidden_size, labels.len());
                Ok(Self::Dense(Linear::load(weights, DENSE_LAYER, sizes, fill)?))
            }
            (HeadSpec::LanguageModel, Some((_, masked_lm))) => {
                MaskedLm::load(weights, config, masked_lm, words).map(Self::MaskedLm)
            }
            (HeadSpec::LanguageModel, None) => {
                weights.freeze(weights.lora().is_some());
                let own = format!("{LM_HEAD}.weight");
                let tied = config.tie_word_embeddings || !weights.has(&own);
                let shape = [config.vocab_size, config.hidden_size];
                let weight = if tied { words.clone() } else { weights.parameter(&own, &shape, Fill::Required)? };
                Ok(Self::CausalLm { decoder: Linear::without_bias(weight), tied })
            }
        }
    }

    fn load_classifier(
        weights: &mut Weights,
        config: &ModelConfig,
        labels: &[String],
        names: Option<&ClassifierNames>,
    ) -> std::result::Result<Self, ModelError> {
        if labels.is_empty() {
            return Err(ModelError::NoLabels);
        }
        let (hidden, fill) = (config.hidden_size, Fill::Normal(config.initializer_range));
        // Sentence embedding models are often saved without their pooler, and masked language models always are.
        let dense = names.map(|names| {
            let form = Form { fill, has_bias: names.has_biases, is_transposed: false };
            let dense = Linear::load_as(weights, names.dense, (hidden, hidden), form)?;
            let form = Form { fill: Fill::Ones, ..form };
            let norm = names.norm.map(|name| load_norm_as(weights, name, hidden, config, form)).transpose()?;
            Ok::<_, ModelError>((names, dense, norm))
        });
        let dense = dense.transpose()?;
        let scores = names.map_or(SCORE, |names| names.scores);
        keep_only_for(labels, config, scores, weights);
        let form = Form { fill, has_bias: dense.is_some(), is_transposed: false };
        let scores = Linear::load_as(weights, scores, (hidden, labels.len()), form)?;
        Ok(match dense {
            Some((&ClassifierNames { activation, drops_input, .. }, dense, norm)) => {
                Self::Classification(Classifier { dense, activation, norm, drops_input, scores })
            }
            None => Self::Score(scores),
        })
    }

    /// Scores of each read, `[reads, labels]` or `[reads, vocabulary]`, from its hidden state `[reads, hidden]`.
    pub fn scores(&self, hidden: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        match self {
            Self::Classification(head) => head.scores(hidden, pass),
            // Rounding here would directly change the result, and with so few columns it would save no time.
            Self::Score(scores) | Self::Dense(scores) => scores.forward_exactly(pass, hidden),
            Self::MaskedLm(head) => {
                let inner = head.inner(hidden, pass)?;
                head.decoder.forward(pass, &inner, None)
            }
            Self::CausalLm { decoder, .. } => decoder.forward(pass, hidden, None),
        }
    }

    /// [`Self::scores`] of all reads in order, handed to `take` a few at a time: those of all reads over a vocabulary take much
    /// memory. `take` gets the scores of at least one read.
    pub fn scores_in_parts(
        &self,
        hidden: &Value,
        pass: &mut Pass<'_>,
        take: &mut dyn FnMut(Value) -> Result<()>,
    ) -> Result<()> {
        let (inner, decoder) = match self {
            Self::MaskedLm(head) => (head.inner(hidden, pass)?, &head.decoder),
            Self::CausalLm { decoder, .. } => (hidden.clone(), decoder),
            Self::Classification(_) | Self::Score(_) | Self::Dense(_) => return take(self.scores(hidden, pass)?),
        };
        let rows: Vec<u32> = (0..inner.dims()?.0 as u32).collect();
        for rows in rows.chunks(rows_at_once(decoder.outputs()?)) {
            pass.tape.look()?;
            let part = pass.tape.rows(&inner, rows)?;
            take(decoder.forward(pass, &part, None)?)?;
        }
        Ok(())
    }

    /// The loss of the reads' scores for what is `wanted` of each, `[reads]`. Those over a vocabulary are not kept, and the
    /// gradients of what computes them are added to `gradients` at once.
    pub fn loss(
        &self,
        hidden: &Value,
        pass: &mut Pass<'_>,
        (wanted, settings): (&[u32], &CrossEntropy),
        gradients: &mut Gradients,
    ) -> Result<Loss> {
        match self {
            Self::MaskedLm(head) => {
                let inner = head.inner(hidden, pass)?;
                head.decoder.cross_entropy(pass, &inner, (wanted, settings), gradients)
            }
            Self::CausalLm { decoder, .. } => decoder.cross_entropy(pass, hidden, (wanted, settings), gradients),
            Self::Classification(_) | Self::Score(_) | Self::Dense(_) => {
                cross_entropy(&self.scores(hidden, pass)?, wanted, settings)
            }
        }
    }

    /// The name of the layer that scores labels; `None` for a language model.
    pub fn scores_name(&self, architecture: &Architecture) -> Option<&'static str> {
        match self {
            Self::Classification(_) => architecture.encoder_heads().map(|(classifier, _)| classifier.scores),
            Self::Score(_) => Some(SCORE),
            Self::Dense(_) => Some(DENSE_LAYER),
            Self::MaskedLm(_) | Self::CausalLm { .. } => None,
        }
    }

    /// The pooled hidden state of each read, `[reads, hidden]`.
    pub fn pooled(&self, hidden: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        match self {
            Self::Classification(head) => head.pooled(hidden, pass),
            Self::Score(_) | Self::Dense(_) => Ok(hidden.clone()),
            Self::MaskedLm(_) | Self::CausalLm { .. } => bail!("a language model has no pooler"),
        }
    }

    /// Adds to the report whether the head is new. Missing weights of a new head are not listed.
    pub fn report(&self, architecture: &Architecture, report: &mut LoadReport) {
        let weight = |layer: &str| format!("{layer}.weight");
        let (last, names) = match (self, architecture.encoder_heads()) {
            (Self::Classification(_), Some((&ClassifierNames { dense, scores, norm, .. }, _))) => {
                (weight(scores), [Some(dense), Some(scores), norm].into_iter().flatten().collect())
            }
            (Self::Dense(_), heads) => {
                if let Some((classifier, _)) = heads {
                    // A pooler, which no mean goes through.
                    let is_pooler = |name: &String| architecture.upstream_name(name).starts_with(classifier.dense);
                    report.unexpected.retain(|name| !is_pooler(name));
                }
                (weight(DENSE_LAYER), vec![DENSE_LAYER])
            }
            (Self::MaskedLm(_), Some((classifier, &MaskedLmNames { dense, norm, decoder, bias, .. }))) => {
                // A classifier may have the same dense layer.
                let last = if dense == classifier.dense { bias.to_owned() } else { weight(dense) };
                (last, vec![dense, norm, decoder, bias])
            }
            (Self::CausalLm { tied: true, .. }, _) => {
                (architecture.decoder().map_or(String::new(), |names| weight(names.words)), vec![])
            }
            (Self::CausalLm { .. }, _) => (weight(LM_HEAD), vec![LM_HEAD]),
            _ => (weight(SCORE), vec![SCORE]),
        };
        report.new_head = !report.loaded.contains(&last);
        if report.new_head {
            // A pooler is a part of the network that some files lack, so that is said.
            let is_of_head = |name: &str| {
                !name.starts_with(architecture.prefix) && names.iter().any(|of_head| name.starts_with(of_head))
            };
            report.missing.retain(|name| !is_of_head(name));
        }
        report.unexpected.retain(|name| {
            let name = architecture.upstream_name(name);
            !name.starts_with(DENSE_LAYER) && !architecture.heads.iter().any(|prefix| name.starts_with(prefix))
        });
    }
}

/// Leaves out the layer that scores labels if it was trained for others.
fn keep_only_for(labels: &[String], config: &ModelConfig, layer: &str, weights: &mut Weights) {
    if config.label_names() != labels {
        leave_out(layer, weights);
    }
}

/// Leaves out a layer of the folder.
fn leave_out(layer: &str, weights: &mut Weights) {
    weights.leave_out(&format!("{layer}.weight"));
    weights.leave_out(&format!("{layer}.bias"));
}

impl Classifier {
    fn scores(&self, hidden: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        let pooled = if self.drops_input {
            let dropout = pass.classifier_input_dropout();
            let hidden = pass.tape.dropout(hidden, dropout)?;
            self.pooled(&hidden, pass)?
        } else {
            self.pooled(hidden, pass)?
        };
        let dropout = pass.classifier_dropout();
        let pooled = pass.tape.dropout(&pooled, dropout)?;
        // Rounding here would directly change the result, and with so few columns it would save no time.
        self.scores.forward_exactly(pass, &pooled)
    }

    fn pooled(&self, hidden: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        let dense = self.dense.forward(pass, hidden, Some(self.activation))?;
        match &self.norm {
            Some(norm) => pass.tape.layer_norm(&dense, None, norm, Dropout::OFF),
            None => Ok(dense),
        }
    }
}

impl MaskedLm {
    fn load(
        weights: &mut Weights,
        config: &ModelConfig,
        names: &MaskedLmNames,
        words: &Weight,
    ) -> std::result::Result<Self, ModelError> {
        let (hidden, width, vocabulary) = (config.hidden_size, config.embedding_width(), config.vocab_size);
        let (fill, is_adapted) = (Fill::Normal(config.initializer_range), weights.lora().is_some());
        weights.freeze(is_adapted && weights.has(&format!("{}.weight", names.dense)));
        let form = Form { fill, has_bias: names.has_biases, is_transposed: false };
        let transform = Linear::load_as(weights, names.dense, (hidden, width), form)?;
        let norm = load_norm_as(weights, names.norm, width, config, Form { fill: Fill::Ones, ..form })?;
        weights.freeze(is_adapted);
        let own = format!("{}.weight", names.decoder);
        let tied = config.tie_word_embeddings || !weights.has(&own);
        // `transformers` has two names for the bias in some architectures. It saves one of them, and computes with the
        // decoder's.
        let (bias, own_bias) = (names.bias.to_owned(), format!("{}.bias", names.decoder));
        let (bias, other) = if tied { (bias, own_bias) } else { (own_bias, bias) };
        if !weights.has(&bias) {
            weights.rename(&other, &bias);
        }
        let weight =
            if tied { words.clone() } else { weights.parameter(&own, &[vocabulary, width], Fill::Required)? };
        let bias = weights.parameter(&bias, &[vocabulary], Fill::Zeros)?;
        let activation = names.activation.unwrap_or_else(|| config.hidden_act.into());
        Ok(Self { transform, activation, norm, decoder: Linear::new(weight, bias), tied })
    }

    /// What the decoder scores the vocabulary from.
    fn inner(&self, hidden: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        let inner = self.transform.forward(pass, hidden, Some(self.activation))?;
        pass.tape.layer_norm(&inner, None, &self.norm, Dropout::OFF)
    }
}
