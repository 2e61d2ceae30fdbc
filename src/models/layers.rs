//! Layers shared by all architectures, each loaded and computed in one place.

use candle_core::{Result, bail};

use crate::models::ModelError;
use crate::models::adapter::{self, Adapter, Part};
use crate::models::config::{HiddenActivation, ModelConfig};
use crate::models::mode::Pass;
use crate::models::weights::{Fill, Weights};
use crate::ops::{self, CrossEntropy, Gradients, LayerNormWeights, LinearWeights, Loss, Value, Weight};

/// A linear layer: `y = x Wᵀ + b`, plus what its adapter adds.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    weights: LinearWeights,
    adapter: Option<Adapter>,
}

/// How a linear layer or a normalisation is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// How its weight is initialised if it is missing.
    pub fill: Fill,
    /// Whether it has a bias.
    pub has_bias: bool,
    /// Whether the file has its weight as `[in, out]`; of linear layers.
    pub is_transposed: bool,
}

impl Form {
    /// A layer with a bias, stored as `[out, in]`, that must be in the file.
    pub const REQUIRED: Self = Self { fill: Fill::Required, has_bias: true, is_transposed: false };
}

impl Linear {
    /// Loads the layer with this Hugging Face name, with a bias. `sizes` are (inputs, outputs).
    pub fn load(
        weights: &mut Weights,
        name: &str,
        sizes: (usize, usize),
        fill: Fill,
    ) -> std::result::Result<Self, ModelError> {
        Self::load_as(weights, name, sizes, Form { fill, has_bias: true, is_transposed: false })
    }

    /// [`Self::load`], in another form.
    pub fn load_as(
        weights: &mut Weights,
        name: &str,
        (inputs, outputs): (usize, usize),
        form: Form,
    ) -> std::result::Result<Self, ModelError> {
        let fill = if form.fill == Fill::Required { Fill::Required } else { Fill::Zeros };
        weights.transpose(form.is_transposed);
        let weight = weights.parameter(&format!("{name}.weight"), &[outputs, inputs], form.fill);
        weights.transpose(false);
        let weight = weight?;
        let bias = form.has_bias.then(|| weights.parameter(&format!("{name}.bias"), &[outputs], fill)).transpose()?;
        Ok(Self { weights: LinearWeights { weight, bias }, adapter: None })
    }

    /// [`Self::load_as`] of a layer of the backbone, with an adapter if the network is trained with those.
    pub fn load_part(
        weights: &mut Weights,
        part: Part,
        name: &str,
        sizes: (usize, usize),
        form: Form,
    ) -> std::result::Result<Self, ModelError> {
        weights.set_in_layer(true);
        let layer = Self::load_as(weights, name, sizes, form);
        weights.set_in_layer(false);
        Ok(Self { adapter: Adapter::new(weights, part, name, sizes)?, ..layer? })
    }

    /// A layer without a bias from weights that are already loaded.
    pub fn without_bias(weight: Weight) -> Self {
        Self { weights: LinearWeights { weight, bias: None }, adapter: None }
    }

    /// A layer from weights that are already loaded, such as an output layer tied to the word embeddings.
    pub fn new(weight: Weight, bias: Weight) -> Self {
        Self { weights: LinearWeights { weight, bias: Some(bias) }, adapter: None }
    }

    /// `activation(x Wᵀ + b)`, `[rows, outputs]`.
    pub fn forward(&self, pass: &mut Pass<'_>, x: &Value, activation: Option<ops::Activation>) -> Result<Value> {
        if self.adapter.is_none() {
            return pass.tape.linear(x, &[&self.weights], activation);
        }
        let y = Self::forward_joint(&[self], pass, x)?;
        activation.map_or_else(|| Ok(y.clone()), |activation| pass.tape.activation(&y, activation))
    }

    /// [`Self::forward`] in f32, whatever the precision of the other layers.
    pub fn forward_exactly(&self, pass: &mut Pass<'_>, x: &Value) -> Result<Value> {
        pass.tape.linear_exactly(x, &self.weights)
    }

    /// Numbers of its output.
    pub fn outputs(&self) -> Result<usize> {
        self.weights.weight.tensor().dim(0)
    }

    /// The cross-entropy of the layer's outputs, without keeping them; the gradients of the layer are added at once. It has no
    /// adapter.
    pub fn cross_entropy(
        &self,
        pass: &mut Pass<'_>,
        x: &Value,
        (wanted, settings): (&[u32], &CrossEntropy),
        gradients: &mut Gradients,
    ) -> Result<Loss> {
        if self.adapter.is_some() {
            bail!("the layer that scores a vocabulary has an adapter");
        }
        pass.tape.linear_cross_entropy(x, &self.weights, wanted, settings, gradients)
    }

    /// The concatenated outputs of several layers for the same input, `[rows, sum of outputs]`.
    pub fn forward_joint(layers: &[&Self], pass: &mut Pass<'_>, x: &Value) -> Result<Value> {
        let weights: Vec<&LinearWeights> = layers.iter().map(|layer| &layer.weights).collect();
        let y = pass.tape.linear(x, &weights, None)?;
        let (mut adapters, mut column) = (Vec::new(), 0);
        for layer in layers {
            adapters.extend(layer.adapter.as_ref().map(|adapter| (adapter, column)));
            column += layer.outputs()?;
        }
        adapter::apply(&adapters, pass, x, y)
    }
}

/// Loads the layer normalisation of `width` numbers with this Hugging Face name. `fill` applies to its weight:
/// [`Fill::Ones`] or [`Fill::Required`].
pub(super) fn load_norm(
    weights: &mut Weights,
    name: &str,
    width: usize,
    config: &ModelConfig,
    fill: Fill,
) -> std::result::Result<LayerNormWeights, ModelError> {
    load_norm_as(weights, name, width, config, Form { fill, has_bias: true, is_transposed: false })
}

/// [`load_norm`], with or without a bias.
pub(super) fn load_norm_as(
    weights: &mut Weights,
    name: &str,
    width: usize,
    config: &ModelConfig,
    form: Form,
) -> std::result::Result<LayerNormWeights, ModelError> {
    let fill = if form.fill == Fill::Required { Fill::Required } else { Fill::Zeros };
    let weight = weights.parameter(&format!("{name}.weight"), &[width], form.fill)?;
    let bias = if form.has_bias {
        weights.parameter(&format!("{name}.bias"), &[width], fill)?
    } else {
        weights.zeros(width)?
    };
    Ok(LayerNormWeights { weight, bias, epsilon: config.layer_norm_eps })
}

impl From<HiddenActivation> for ops::Activation {
    fn from(activation: HiddenActivation) -> Self {
        match activation {
            HiddenActivation::Gelu => Self::Gelu,
            HiddenActivation::GeluNew => Self::GeluTanh,
            HiddenActivation::Relu => Self::Relu,
            HiddenActivation::Silu => Self::Silu,
        }
    }
}
