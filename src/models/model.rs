//! A network with a head, to be trained, evaluated and exported.

use std::path::Path;
use std::time::{Duration, Instant};

use candle_core::{DType, Result, Tensor, bail};

use crate::data::{Batch, Pooling};
use crate::models::ModelError;
use crate::models::backbone::Backbone;
use crate::models::compute::Compute;
use crate::models::config::ModelConfig;
use crate::models::head::{Head, HeadSpec};
use crate::models::mode::{DropoutRates, Mode, Pass};
use crate::models::sentence_folder::DENSE_LAYER;
use crate::models::weights::{LoadReport, Parameter, Weights};
use crate::ops::{Array, Backend, CrossEntropy, Gradients, keep_awake, matrix_speed};
use crate::project::{LoraSettings, TrainedLayers};

/// Options for loading a model.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The head.
    pub head: HeadSpec,
    /// Seed for newly initialised weights.
    pub seed: u64,
    /// Dropout probability, 0..1; `None` keeps the model's defaults.
    pub dropout: Option<f64>,
    /// The layers to train; the rest is frozen and has no dropout.
    pub trained: TrainedLayers,
    /// The adapters of [`TrainedLayers::Lora`].
    pub lora: LoraSettings,
    /// Device and precision.
    pub compute: Compute,
    /// Inference only: everything is frozen, and values that depend only on the weights are cached.
    pub only_answers: bool,
}

impl LoadOptions {
    /// Trains everything, on the CPU in f32, with the model's default dropout.
    #[must_use]
    pub fn new(head: HeadSpec) -> Self {
        Self {
            head,
            seed: 0,
            dropout: None,
            trained: TrainedLayers::All,
            lora: LoraSettings::default(),
            compute: Compute::default(),
            only_answers: false,
        }
    }

    /// [`Self::new`] for a classifier with these labels, in class-id order.
    #[must_use]
    pub fn classifier(labels: Vec<String>) -> Self {
        Self::new(HeadSpec::Classification { labels })
    }
}

/// A network with a head that scores labels or vocabulary tokens at the tokens a batch reads.
#[derive(Clone, Debug)]
pub struct Model {
    config: ModelConfig,
    backbone: Backbone,
    head: Head,
    spec: HeadSpec,
    rates: DropoutRates,
    parameters: Vec<Parameter>,
    trained: TrainedLayers,
    /// The adapters of [`TrainedLayers::Lora`].
    lora: LoraSettings,
    compute: Compute,
    backend: Backend,
    recompute: bool,
}

/// One forward and backward pass over a batch.
#[derive(Clone, Copy)]
pub struct TrainPass<'a> {
    /// Sequences with the target of each read.
    pub batch: &'a Batch,
    /// [`Model::features`] of the batch, if already known.
    pub features: Option<&'a Array>,
    /// Seed and step of the dropout masks.
    pub mode: Mode,
    /// How losses are weighted and summed.
    pub loss: &'a CrossEntropy,
    /// The pass ends with an error soon after this returns true.
    pub stop: &'a dyn Fn() -> bool,
}

/// Loss and times of a [`TrainPass`].
#[derive(Clone, Copy, Debug)]
pub struct PassOutcome {
    /// The batch's contribution to the loss, in nats.
    pub loss: f64,
    /// Time of the forward pass.
    pub forward: Duration,
    /// Time of the backward pass.
    pub backward: Duration,
}

impl Model {
    /// Loads a Hugging Face model folder by its `config.json`. Weights become 32-bit floats, except that LoRA training in bf16 keeps
    /// frozen matrices of layers in bf16. An adapter in the folder is merged into its base model.
    ///
    /// If the folder lacks the head or parts of it, they are newly initialised and reported.
    ///
    /// # Errors
    /// [`ModelError`] if a file is missing or damaged, the architecture is unknown, a classifier has no labels, or a
    /// tensor of the backbone is missing or has the wrong shape.
    pub fn load(folder: &Path, options: &LoadOptions) -> std::result::Result<(Self, LoadReport), ModelError> {
        let config = ModelConfig::read(folder)?;
        let mut weights = Weights::of(folder, config.architecture(), options.compute.device(), options.seed)?;
        if options.only_answers {
            weights.freeze_all();
        }
        if options.trained == TrainedLayers::Lora {
            weights.train_adapters(options.lora);
            if options.compute.multiplies_in_bf16() {
                weights.keep_layers_in_bf16();
            }
        }
        // New weights depend on their position among the parameters, so the order must not change.
        let backbone = Backbone::load(&mut weights, &config, options.trained)?;
        let head = Head::load(&mut weights, &config, &options.head, backbone.word_embeddings())?;
        let (parameters, mut report) = weights.finish()?;
        head.report(config.architecture(), &mut report);
        let rates = DropoutRates {
            embedding: options.dropout.or(config.decoder.embedding_dropout).unwrap_or(config.hidden_dropout_prob),
            hidden: options.dropout.unwrap_or(config.hidden_dropout_prob),
            attention: options.dropout.unwrap_or(config.attention_probs_dropout_prob),
            classifier: options.dropout.or(config.classifier_dropout).unwrap_or(config.hidden_dropout_prob),
        };
        let backend = options.compute.backend();
        let (spec, compute) = (options.head.clone(), options.compute.clone());
        Ok((
            Self {
                config,
                backbone,
                head,
                spec,
                rates,
                parameters,
                trained: options.trained,
                lora: options.lora,
                compute,
                backend,
                recompute: false,
            },
            report,
        ))
    }

    /// The same network with another backend. One loaded for LoRA training in bf16 works only with bf16 kernels.
    #[must_use]
    pub fn with_backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// The same network, which in training keeps only the input of each layer and computes the rest again in the backward pass.
    /// On a GPU, or if [`ModelConfig::can_recompute`] says no, it still keeps everything.
    #[must_use]
    pub fn recomputing(self, recompute: bool) -> Self {
        Self { recompute, ..self }
    }

    /// Device and precision of the model.
    #[must_use]
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// Floating-point operations per second of a large matrix product, with the model's device and precision.
    ///
    /// # Errors
    /// If the product fails.
    pub fn matrix_speed(&self) -> Result<f64> {
        matrix_speed(self.backend, self.compute.device())
    }

    /// Logits at each read, `[reads][labels]` or `[reads][vocabulary]`.
    ///
    /// # Errors
    /// If the batch or one of its sequences is empty, a sequence is longer than [`Self::max_positions`], the batch
    /// reads no token, a token is not in the vocabulary, or a tensor operation fails.
    pub fn forward(&self, batch: &Batch, mode: Mode) -> Result<Vec<Vec<f32>>> {
        self.awake(|| {
            let mut pass = Pass::new(self.backend, mode, self.rates, &|| false);
            let hidden = self.backbone.hidden_states(batch, None, &mut pass)?;
            self.head.scores(&hidden, &mut pass)?.to_rows()
        })
    }

    /// [`Self::forward`] for evaluation, which hands the logits to `take` a few reads at a time, in order: all of them over a
    /// vocabulary take much memory. It ends with an error soon after `stop` returns true. `features` are the
    /// [`Self::features`] of the batch, if already known.
    ///
    /// # Errors
    /// As [`Self::forward`], and if it is stopped.
    pub fn forward_in_parts(
        &self,
        batch: &Batch,
        features: Option<Array>,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(&[Vec<f32>]),
    ) -> Result<()> {
        self.awake(|| {
            let mut pass = Pass::new(self.backend, Mode::Inference, self.rates, stop);
            let hidden = self.backbone.hidden_states(batch, features, &mut pass)?;
            self.head.scores_in_parts(&hidden, &mut pass, &mut |scores| {
                take(&scores.to_rows()?);
                Ok(())
            })
        })
    }

    /// Forward and backward pass. Adds the gradient of the batch's loss to `gradients`, indexed by position in
    /// [`Self::parameters`].
    ///
    /// # Errors
    /// As [`Self::forward`], if the targets do not fit, and if it is stopped. `gradients` are then invalid.
    pub fn train_pass(&self, pass: &TrainPass<'_>, gradients: &mut Gradients) -> Result<PassOutcome> {
        self.awake(|| self.train_pass_awake(pass, gradients))
    }

    /// Runs `work` while keeping the kernels' threads awake.
    fn awake<T>(&self, work: impl FnOnce() -> T) -> T {
        if matches!(self.backend, Backend::Kernels(_)) { keep_awake(work) } else { work() }
    }

    fn train_pass_awake(&self, pass: &TrainPass<'_>, gradients: &mut Gradients) -> Result<PassOutcome> {
        let &TrainPass { batch, features, mode, loss, stop } = pass;
        let begun = Instant::now();
        let mut pass = Pass { recompute: self.recompute, ..Pass::new(self.backend, mode, self.rates, stop) };
        let hidden = self.backbone.hidden_states(batch, features.cloned(), &mut pass)?;
        let loss = self.head.loss(&hidden, &mut pass, (&batch.wanted, loss), gradients)?;
        drop(hidden);
        let (value, forward) = (loss.value()?, begun.elapsed());
        let parameters: Vec<Tensor> = match self.backend {
            Backend::Kernels(_) => Vec::new(),
            Backend::Composed => self.parameters.iter().map(|parameter| parameter.var.as_tensor().clone()).collect(),
        };
        pass.tape.backward(loss, &parameters, gradients)?;
        Ok(PassOutcome { loss: value, forward, backward: begun.elapsed().saturating_sub(forward) })
    }

    /// Output of the frozen layers for a batch, to be cached for the next epoch: `[tokens, hidden]`, or `[reads,
    /// hidden]` if only the head is trained. `None` if everything is trained.
    ///
    /// # Errors
    /// As [`Self::forward`], and if it is stopped.
    pub fn features(&self, batch: &Batch, stop: &dyn Fn() -> bool) -> Result<Option<Array>> {
        self.backbone.features(batch, self.backend, stop)
    }

    /// The pooled hidden state of each read, `[reads][hidden]`, without dropout.
    ///
    /// # Errors
    /// As [`Self::forward`], and if the head has no pooler.
    pub fn pooled(&self, batch: &Batch) -> Result<Vec<Vec<f32>>> {
        let mut pass = Pass::new(self.backend, Mode::Inference, self.rates, &|| false);
        let hidden = self.backbone.hidden_states(batch, None, &mut pass)?;
        self.head.pooled(&hidden, &mut pass)?.to_rows()
    }

    /// The embedding of each text of a batch that averages: the mean of its hidden states, `[texts, hidden]`, without dropout.
    ///
    /// # Errors
    /// As [`Self::forward`], and if it is stopped.
    pub fn embeddings(&self, batch: &Batch, stop: &dyn Fn() -> bool) -> Result<Array> {
        self.awake(|| {
            let mut pass = Pass::new(self.backend, Mode::Inference, self.rates, stop);
            self.backbone.hidden_states(batch, None, &mut pass)?.to_array()
        })
    }

    /// Whether [`Self::recomputing`] was set.
    #[must_use]
    pub fn recomputes(&self) -> bool {
        self.recompute
    }

    /// What is trained.
    #[must_use]
    pub fn trained_layers(&self) -> TrainedLayers {
        self.trained
    }

    /// The adapters that are trained, if the network is trained with those.
    #[must_use]
    pub fn lora(&self) -> Option<&LoraSettings> {
        Some(&self.lora).filter(|_| self.trained == TrainedLayers::Lora)
    }

    pub(super) fn parts(&self) -> (&Backbone, &Head) {
        (&self.backbone, &self.head)
    }

    /// Every tensor, trained or frozen, in a fixed order: embeddings, layers, head.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The configuration of the model's folder.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Sets the layer that scores the labels from embeddings: its weights, `[labels * hidden]`, label by label,
    /// and its biases, `[labels]`.
    ///
    /// # Errors
    /// If the model has no such head, or the numbers do not fit.
    pub fn set_embedding_scores(&self, weights: &[f32], bias: &[f32]) -> Result<()> {
        for (end, values) in [("weight", weights), ("bias", bias)] {
            let name = format!("{DENSE_LAYER}.{end}");
            let Some(parameter) = self.parameters.iter().find(|parameter| parameter.name == name) else {
                bail!("the model has no {name}");
            };
            let var = &parameter.var;
            var.set(&Tensor::from_slice(values, var.shape(), var.device())?)?;
        }
        Ok(())
    }

    /// Divides the logits of a classifier by `temperature`: the weights and the biases of the layer that scores the labels.
    ///
    /// # Errors
    /// If it is a language model, whose last layer may be its word embeddings too.
    pub fn divide_scores(&self, temperature: f64) -> Result<()> {
        let Some(layer) = self.head.scores_name(self.config.architecture()) else {
            bail!("a language model has no layer that scores labels");
        };
        let names = ["weight", "bias"].map(|end| format!("{layer}.{end}"));
        for Parameter { var, .. } in self.parameters.iter().filter(|parameter| names.contains(&parameter.name)) {
            // In double precision, so that a quotient is rounded once.
            let divided = (var.as_tensor().to_dtype(DType::F64)? / temperature)?;
            var.set(&divided.to_dtype(var.dtype())?)?;
        }
        Ok(())
    }

    /// How it pools texts: as the head was trained, or as the architecture does.
    #[must_use]
    pub fn pooling(&self) -> Pooling {
        match self.spec {
            HeadSpec::EmbeddingClassification { pooling, .. } => pooling,
            HeadSpec::Classification { .. } | HeadSpec::LanguageModel => self.config.pooling(),
        }
    }

    /// How it pools texts into embeddings: as the head was trained, or as its folder says.
    #[must_use]
    pub fn embedding_pooling(&self) -> Pooling {
        match self.spec {
            HeadSpec::EmbeddingClassification { pooling, .. } => pooling,
            HeadSpec::Classification { .. } | HeadSpec::LanguageModel => self.config.embedding_pooling(),
        }
    }

    /// Most tokens of a sequence.
    #[must_use]
    pub fn max_positions(&self) -> usize {
        self.config.max_positions()
    }

    /// Number of parameters (scalars).
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.var.elem_count()).sum()
    }

    /// Number of trained parameters (scalars).
    #[must_use]
    pub fn trained_count(&self) -> usize {
        let trained = self.parameters.iter().filter(|parameter| parameter.trained);
        trained.map(|parameter| parameter.var.elem_count()).sum()
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &HeadSpec {
        &self.spec
    }

    /// Label names in class-id order; empty for a head without labels.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        self.spec.labels()
    }
}
