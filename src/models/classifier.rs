//! A network with a classification head: what is trained, evaluated and exported.

use std::path::Path;
use std::time::{Duration, Instant};

use candle_core::{Result, Tensor};

use crate::data::PackedBatch;
use crate::models::ModelError;
use crate::models::bert::{Bert, load_linear};
use crate::models::compute::Compute;
use crate::models::config::ModelConfig;
use crate::models::mode::{DropoutRates, Mode, Pass};
use crate::models::weights::{self, Fill, LoadReport, Parameter, Weights};
use crate::ops::{
    Array, Backend, CrossEntropy, Gradients, LinearWeights, Value, cross_entropy, keep_awake, matrix_speed,
};
use crate::project::TrainedLayers;

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
    /// What is trained; the rest stays as it is and has no dropout.
    pub trained: TrainedLayers,
    /// Where the weights go, and the arithmetic there.
    pub compute: Compute,
    /// The model is to answer, not to be trained: then nothing is trained, and what is made of the weights once is kept.
    pub only_answers: bool,
}

impl Default for LoadOptions {
    /// Everything is trained, in main memory, in 32 bits, with the model's own dropout.
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            seed: 0,
            dropout: None,
            trained: TrainedLayers::All,
            compute: Compute::default(),
            only_answers: false,
        }
    }
}

/// A text classifier: a network of one of the known architectures and a linear head over its pooled output.
#[derive(Clone, Debug)]
pub struct TextClassifier {
    config: ModelConfig,
    network: Network,
    head: LinearWeights,
    rates: DropoutRates,
    labels: Vec<String>,
    parameters: Vec<Parameter>,
    compute: Compute,
    backend: Backend,
}

/// A batch to learn from, and how.
#[derive(Clone, Copy)]
pub struct TrainPass<'a> {
    /// Texts with their labels.
    pub batch: &'a PackedBatch,
    /// [`TextClassifier::features`] of the batch, where they are known already.
    pub features: Option<&'a Array>,
    /// Names the dropout masks.
    pub mode: Mode,
    /// How the rows' losses are weighed and summed.
    pub loss: &'a CrossEntropy,
    /// Ends the pass with an error soon after it says so.
    pub stop: &'a dyn Fn() -> bool,
}

/// What became of a [`TrainPass`].
#[derive(Clone, Copy, Debug)]
pub struct Learnt {
    /// The batch's part of the loss, in nats.
    pub loss: f64,
    /// Time of the forward pass.
    pub forward: Duration,
    /// Time of the backward pass.
    pub backward: Duration,
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
    pub fn load(folder: &Path, options: &LoadOptions) -> std::result::Result<(Self, LoadReport), ModelError> {
        if options.labels.is_empty() {
            return Err(ModelError::NoLabels);
        }
        let config = ModelConfig::read(folder)?;
        let bytes = weights::read_file(folder)?;
        let mut weights = Weights::open(folder, &bytes, options.compute.device(), options.seed)?;
        if options.only_answers {
            weights.keep_all();
        }
        let network = Network::Bert(Bert::load(&mut weights, &config, options.trained)?);
        if config.label_names() != options.labels {
            weights.leave_out(&format!("{HEAD}.weight"));
            weights.leave_out(&format!("{HEAD}.bias"));
        }
        let sizes = (config.hidden_size, options.labels.len());
        let head = load_linear(&mut weights, HEAD, sizes, Fill::Normal(config.initializer_range))?;
        let (parameters, mut report) = weights.finish()?;
        report.new_head = !report.loaded.iter().any(|name| name == "classifier.weight");
        // A head that is not there is the usual case, and told by `new_head`.
        report.missing.retain(|name| !name.starts_with(HEAD));
        let rates = DropoutRates {
            hidden: options.dropout.unwrap_or(config.hidden_dropout_prob),
            attention: options.dropout.unwrap_or(config.attention_probs_dropout_prob),
            classifier: options.dropout.or(config.classifier_dropout).unwrap_or(config.hidden_dropout_prob),
        };
        let backend = options.compute.backend();
        let labels = options.labels.clone();
        let compute = options.compute.clone();
        Ok((Self { config, network, head, rates, labels, parameters, compute, backend }, report))
    }

    /// The same network, computed in another way.
    #[must_use]
    pub fn with_backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// What it was loaded to be computed on, and with which arithmetic.
    #[must_use]
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// Floating-point operations a second of a large matrix product where and as this network computes.
    ///
    /// # Errors
    /// When the product fails.
    pub fn matrix_speed(&self) -> Result<f64> {
        matrix_speed(self.backend, self.compute.device())
    }

    /// Logits of each text, `[texts][labels]`.
    ///
    /// # Errors
    /// When the batch or a text in it is empty, a text is longer than [`Self::max_positions`], a token is not in the
    /// vocabulary, or a tensor operation fails.
    pub fn forward(&self, batch: &PackedBatch, mode: Mode) -> Result<Vec<Vec<f32>>> {
        self.forward_unless(batch, None, mode, &|| false)
    }

    /// [`Self::forward`] that ends with an error soon after `stop` says so; `features` are [`Self::features`] of the batch,
    /// where they are known already.
    ///
    /// # Errors
    /// As [`Self::forward`], and when it is stopped.
    pub fn forward_unless(
        &self,
        batch: &PackedBatch,
        features: Option<Array>,
        mode: Mode,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Vec<f32>>> {
        self.awake(|| {
            let mut pass = Pass::new(self.backend, mode, self.rates, stop);
            self.logits(batch, features, &mut pass)?.to_rows()
        })
    }

    /// Learns from a batch: adds the gradient of its loss to `gradients`, each parameter's under its place among
    /// [`Self::parameters`].
    ///
    /// # Errors
    /// As [`Self::forward`], when the labels do not fit, and when it is stopped; `gradients` are then of no use.
    pub fn train_pass(&self, pass: &TrainPass<'_>, gradients: &mut Gradients) -> Result<Learnt> {
        self.awake(|| self.train_pass_awake(pass, gradients))
    }

    /// Keeps the threads awake where they compute.
    fn awake<T>(&self, work: impl FnOnce() -> T) -> T {
        if matches!(self.backend, Backend::Kernels(_)) { keep_awake(work) } else { work() }
    }

    fn train_pass_awake(&self, pass: &TrainPass<'_>, gradients: &mut Gradients) -> Result<Learnt> {
        let &TrainPass { batch, features, mode, loss, stop } = pass;
        let begun = Instant::now();
        let mut pass = Pass::new(self.backend, mode, self.rates, stop);
        let logits = self.logits(batch, features.cloned(), &mut pass)?;
        let loss = cross_entropy(&logits, &batch.labels, loss)?;
        let (value, forward) = (loss.value()?, begun.elapsed());
        let parameters: Vec<Tensor> = match self.backend {
            Backend::Kernels(_) => Vec::new(),
            Backend::Composed => self.parameters.iter().map(|parameter| parameter.var.as_tensor().clone()).collect(),
        };
        pass.tape.backward(loss, &parameters, gradients)?;
        Ok(Learnt { loss: value, forward, backward: begun.elapsed().saturating_sub(forward) })
    }

    /// What the part of the network that is not trained makes of a batch, to be kept for the next epoch: `[tokens,
    /// hidden]`, or `[texts, hidden]` when only the head is trained. `None` when everything is trained.
    ///
    /// # Errors
    /// As [`Self::forward`], and when it is stopped.
    pub fn features(&self, batch: &PackedBatch, stop: &dyn Fn() -> bool) -> Result<Option<Array>> {
        match &self.network {
            Network::Bert(bert) => bert.features(batch, self.backend, stop),
        }
    }

    /// What the head sees of each text, `[texts][hidden]`, without dropout.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn pooled(&self, batch: &PackedBatch) -> Result<Vec<Vec<f32>>> {
        let mut pass = Pass::new(self.backend, Mode::Inference, self.rates, &|| false);
        self.pooled_in(batch, None, &mut pass)?.to_rows()
    }

    fn logits(&self, batch: &PackedBatch, features: Option<Array>, pass: &mut Pass<'_>) -> Result<Value> {
        let pooled = self.pooled_in(batch, features, pass)?;
        let dropout = pass.classifier_dropout();
        let pooled = pass.tape.dropout(&pooled, dropout)?;
        pass.tape.linear_exactly(&pooled, &self.head)
    }

    fn pooled_in(&self, batch: &PackedBatch, features: Option<Array>, pass: &mut Pass<'_>) -> Result<Value> {
        match &self.network {
            Network::Bert(bert) => bert.forward(batch, features, pass),
        }
    }

    /// Every tensor, trained or not, in a fixed order: embeddings, layers, pooler, head.
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

    /// Numbers in all.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.var.elem_count()).sum()
    }

    /// Numbers that are trained.
    #[must_use]
    pub fn trained_count(&self) -> usize {
        let trained = self.parameters.iter().filter(|parameter| parameter.trained);
        trained.map(|parameter| parameter.var.elem_count()).sum()
    }

    /// Label names in class-id order.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}
