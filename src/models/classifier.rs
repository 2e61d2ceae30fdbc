//! A network with a classification head: what is trained, evaluated and exported.

use std::path::Path;

use candle_core::{Device, Tensor};

use super::ModelError;
use super::bert::{Bert, Linear};
use super::config::ModelConfig;
use super::mode::{DropoutRates, Mode, Pass};
use super::weights::{self, Fill, LoadReport, Parameter, Weights};
use crate::data::PackedBatch;
use crate::ops;

const HEAD: &str = "classifier";

/// How a model is loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Label names in class-id order. A head in the folder is kept when its labels are the same.
    pub labels: Vec<String>,
    /// Seed of the weights that are newly drawn.
    pub seed: u64,
    /// Dropout probability in every place, 0..1; `None` for the model's own.
    pub dropout: Option<f64>,
    /// Where the weights go.
    pub device: Device,
}

/// A text classifier: a network of one of the known architectures and a linear head over its pooled output.
#[derive(Clone, Debug)]
pub struct TextClassifier {
    config: ModelConfig,
    network: Network,
    head: Linear,
    rates: DropoutRates,
    labels: Vec<String>,
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug)]
enum Network {
    Bert(Bert),
}

impl TextClassifier {
    /// Loads a Hugging Face model folder by its `config.json`, weights of any float type as 32-bit.
    ///
    /// A pooler or a head that the folder does not have is newly drawn and said so in the report.
    ///
    /// # Errors
    /// [`ModelError`] when a file is missing or damaged, the architecture is not known, or a tensor of the network's body
    /// is missing or of another shape.
    pub fn load(folder: &Path, options: &LoadOptions) -> Result<(Self, LoadReport), ModelError> {
        if options.labels.is_empty() {
            return Err(ModelError::NoLabels);
        }
        let config = ModelConfig::read(folder)?;
        let bytes = weights::read_file(folder)?;
        let mut weights = Weights::open(folder, &bytes, &options.device, options.seed)?;
        let network = Network::Bert(Bert::load(&mut weights, &config)?);
        if config.label_names() != options.labels {
            weights.leave_out(&format!("{HEAD}.weight"));
            weights.leave_out(&format!("{HEAD}.bias"));
        }
        let sizes = (config.hidden_size, options.labels.len());
        let head = Linear::load(&mut weights, HEAD, sizes, Fill::Normal(config.initializer_range))?;
        let (parameters, mut report) = weights.finish()?;
        report.new_head = !report.loaded.iter().any(|name| name == "classifier.weight");
        // A head that is not there is the usual case, and told by `new_head`.
        report.missing.retain(|name| !name.starts_with(HEAD));
        let rates = DropoutRates {
            hidden: options.dropout.unwrap_or(config.hidden_dropout_prob),
            attention: options.dropout.unwrap_or(config.attention_probs_dropout_prob),
            classifier: options.dropout.or(config.classifier_dropout).unwrap_or(config.hidden_dropout_prob),
        };
        Ok((Self { config, network, head, rates, labels: options.labels.clone(), parameters }, report))
    }

    /// Logits of each text, `[texts, labels]`, 32-bit.
    ///
    /// # Errors
    /// When the batch or a text in it is empty, a text is longer than [`Self::max_positions`], a token is not in the
    /// vocabulary, or a tensor operation fails.
    pub fn forward(&self, batch: &PackedBatch, mode: Mode) -> candle_core::Result<Tensor> {
        let pass = Pass { mode, rates: self.rates };
        let pooled = self.pooled_in(batch, &pass)?;
        self.head.forward(&ops::dropout(&pooled, pass.classifier_dropout())?, &pass)
    }

    /// What the head sees of each text, `[texts, hidden]`, without dropout.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn pooled(&self, batch: &PackedBatch) -> candle_core::Result<Tensor> {
        self.pooled_in(batch, &Pass { mode: Mode::Inference, rates: self.rates })
    }

    fn pooled_in(&self, batch: &PackedBatch, pass: &Pass) -> candle_core::Result<Tensor> {
        match &self.network {
            Network::Bert(bert) => bert.forward(batch, pass),
        }
    }

    /// Every trainable tensor, in a fixed order: embeddings, layers, pooler, head.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The model's configuration, as it stands in its folder.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Longest text, in tokens.
    #[must_use]
    pub fn max_positions(&self) -> usize {
        self.config.max_position_embeddings
    }

    /// Trainable numbers in all.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.var.elem_count()).sum()
    }

    /// Label names in class-id order.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}
