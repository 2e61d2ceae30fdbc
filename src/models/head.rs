//! Heads: they score the labels, or the vocabulary, at each token that a batch reads.

use candle_core::{Result, bail};

use crate::models::ModelError;
use crate::models::config::{HiddenActivation, ModelConfig};
use crate::models::layers::{Linear, load_norm};
use crate::models::mode::Pass;
use crate::models::weights::{Fill, LoadReport, Weights};
use crate::ops::{self, Dropout, LayerNormWeights, Value, Weight};

const POOLER: &str = "bert.pooler.dense";
const CLASSIFIER: &str = "classifier";
const PREDICTIONS: &str = "cls.predictions";
const DECODER: &str = "cls.predictions.decoder";

/// Prefixes of the tensors of all heads. A file can contain a head other than the one that is loaded.
const PREFIXES: [&str; 3] = ["bert.pooler.", "classifier.", "cls."];

/// Which head a model gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadSpec {
    /// Scores each label, for text classification.
    Classification {
        /// Label names in class-id order. A head in the folder is kept if its labels are the same.
        labels: Vec<String>,
    },
    /// Scores each token of the vocabulary, for masked language modelling. A head in the folder is kept.
    MaskedLm,
}

impl HeadSpec {
    /// Label names in class-id order; empty for a head without labels.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        match self {
            Self::Classification { labels } => labels,
            Self::MaskedLm => &[],
        }
    }
}

/// A head and its weights.
#[derive(Clone, Debug)]
pub(super) enum Head {
    /// BERT's pooler, then one score a label.
    Classification { pooler: Linear, scores: Linear },
    /// BERT's transform, then one score for each token of the vocabulary.
    MaskedLm(MaskedLm),
}

#[derive(Clone, Debug)]
pub(super) struct MaskedLm {
    transform: Linear,
    activation: HiddenActivation,
    norm: LayerNormWeights,
    decoder: Linear,
    /// Whether the decoder shares the word embeddings.
    pub tied: bool,
}

impl Head {
    /// Loads the head; weights missing from the file are newly initialised. `words` are the word embeddings.
    pub fn load(
        weights: &mut Weights<'_>,
        config: &ModelConfig,
        spec: &HeadSpec,
        words: &Weight,
    ) -> std::result::Result<Self, ModelError> {
        match spec {
            HeadSpec::Classification { labels } => Self::load_classification(weights, config, labels),
            HeadSpec::MaskedLm => MaskedLm::load(weights, config, words).map(Self::MaskedLm),
        }
    }

    fn load_classification(
        weights: &mut Weights<'_>,
        config: &ModelConfig,
        labels: &[String],
    ) -> std::result::Result<Self, ModelError> {
        if labels.is_empty() {
            return Err(ModelError::NoLabels);
        }
        let (hidden, fill) = (config.hidden_size, Fill::Normal(config.initializer_range));
        // Sentence embedding models are often saved without their pooler, and masked language models always are.
        let pooler = Linear::load(weights, POOLER, (hidden, hidden), fill)?;
        if config.label_names() != labels {
            weights.leave_out(&format!("{CLASSIFIER}.weight"));
            weights.leave_out(&format!("{CLASSIFIER}.bias"));
        }
        let scores = Linear::load(weights, CLASSIFIER, (hidden, labels.len()), fill)?;
        Ok(Self::Classification { pooler, scores })
    }

    /// Scores of each read, `[reads, labels]` or `[reads, vocabulary]`, from its hidden state `[reads, hidden]`.
    pub fn scores(&self, hidden: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        match self {
            Self::Classification { scores, .. } => {
                let pooled = self.pooled(hidden, pass)?;
                let dropout = pass.classifier_dropout();
                let pooled = pass.tape.dropout(&pooled, dropout)?;
                // Rounding here would directly change the result, and with so few columns it would save no time.
                scores.forward_exactly(&mut pass.tape, &pooled)
            }
            Self::MaskedLm(head) => head.scores(hidden, pass),
        }
    }

    /// The pooled hidden state of each read, `[reads, hidden]`.
    pub fn pooled(&self, hidden: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        match self {
            Self::Classification { pooler, .. } => pooler.forward(&mut pass.tape, hidden, Some(ops::Activation::Tanh)),
            Self::MaskedLm(_) => bail!("a masked language model has no pooler"),
        }
    }

    /// Adds to the report whether the head is new. Missing weights of a new head are not listed.
    pub fn report(&self, report: &mut LoadReport) {
        let (weight, prefix) = match self {
            Self::Classification { .. } => ("classifier.weight", CLASSIFIER),
            Self::MaskedLm(_) => ("cls.predictions.transform.dense.weight", PREDICTIONS),
        };
        report.new_head = !report.loaded.iter().any(|name| name == weight);
        if report.new_head {
            report.missing.retain(|name| !name.starts_with(prefix));
        }
        report.unexpected.retain(|name| !PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    }
}

impl MaskedLm {
    fn load(weights: &mut Weights<'_>, config: &ModelConfig, words: &Weight) -> std::result::Result<Self, ModelError> {
        let (hidden, vocabulary) = (config.hidden_size, config.vocab_size);
        let fill = Fill::Normal(config.initializer_range);
        let transform = Linear::load(weights, &format!("{PREDICTIONS}.transform.dense"), (hidden, hidden), fill)?;
        let norm = load_norm(weights, &format!("{PREDICTIONS}.transform.LayerNorm"), config, Fill::Ones)?;
        let (own, own_bias) = (format!("{DECODER}.weight"), format!("{DECODER}.bias"));
        let tied = config.tie_word_embeddings || !weights.has(&own);
        // `transformers` has two names for the bias. It saves one of them, and computes with the decoder's.
        let bias = format!("{PREDICTIONS}.bias");
        let (bias, other) = if tied { (bias, own_bias) } else { (own_bias, bias) };
        if !weights.has(&bias) {
            weights.rename(&other, &bias);
        }
        let weight =
            if tied { words.clone() } else { weights.parameter(&own, &[vocabulary, hidden], Fill::Required)? };
        let bias = weights.parameter(&bias, &[vocabulary], Fill::Zeros)?;
        Ok(Self { transform, activation: config.hidden_act, norm, decoder: Linear::new(weight, bias), tied })
    }

    fn scores(&self, hidden: &Value, pass: &mut Pass<'_>) -> Result<Value> {
        let tape = &mut pass.tape;
        let inner = self.transform.forward(tape, hidden, Some(self.activation.into()))?;
        let normal = tape.layer_norm(&inner, None, &self.norm, Dropout::OFF)?;
        self.decoder.forward(tape, &normal, None)
    }
}
