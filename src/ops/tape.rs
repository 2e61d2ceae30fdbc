//! The record of a forward pass, from which the backward pass is computed.
//!
//! On the CPU a value is an [`Array`] and every op writes down what its derivative needs; [`Tape::backward`] goes
//! through the record from its end, passes each gradient on without copying it, and frees each activation after its
//! use. candle's own backward pass fills every gradient with zeros first and adds to it, and keeps all of them until
//! the end: that costs as much as the kernels. On other devices, and to check the kernels, the ops are composed of
//! candle's differentiable operations and candle records them.

use std::sync::{Arc, OnceLock};

use candle_core::{Device, Result, Tensor, Var, bail};

use crate::ops::activation::Activation;
use crate::ops::array::Array;
use crate::ops::cross_entropy::{Loss, LossKind};
use crate::ops::gradients::{Gradients, add_to};
use crate::ops::kernels::MatrixPrecision;
use crate::ops::kernels::bf16::Panels;
use crate::ops::{
    activation, add, attention, dropout, embedding, gate, head_norm, layer_norm, linear, low_rank, mean, recompute,
    rms_norm, rotary, rows,
};

/// Who computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Hone's kernels, on 32-bit floats in main memory. Linear layers multiply in this precision.
    Kernels(MatrixPrecision),
    /// candle's operations, on any device and of any float type.
    Composed,
}

impl Default for Backend {
    fn default() -> Self {
        Self::Kernels(MatrixPrecision::F32)
    }
}

/// A matrix of a forward pass, `[rows, width]`.
#[derive(Clone, Debug)]
pub enum Value {
    /// In main memory.
    Host(HostValue),
    /// Where candle has it.
    Composed(Tensor),
}

/// A matrix in main memory, and its place in the record.
#[derive(Clone, Debug)]
pub struct HostValue {
    pub(super) array: Array,
    /// An activation not yet applied: the next linear layer applies it while packing the numbers, which saves writing and reading
    /// them once more.
    pub(super) pending: Option<Activation>,
    /// `None` where no gradient is wanted.
    pub(super) node: Option<Node>,
}

/// A value's number in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(usize);

impl Value {
    /// Rows and columns.
    ///
    /// # Errors
    /// When a composed tensor has other than two dimensions.
    pub fn dims(&self) -> Result<(usize, usize)> {
        match self {
            Self::Host(value) => Ok((value.array.rows(), value.array.width())),
            Self::Composed(tensor) => tensor.dims2(),
        }
    }

    /// Each row as a vector, `[rows][width]`.
    ///
    /// # Errors
    /// When it cannot be copied from its device.
    pub fn to_rows(&self) -> Result<Vec<Vec<f32>>> {
        match self {
            Self::Host(_) => Ok(self.host()?.array.to_rows()),
            Self::Composed(tensor) => tensor.to_dtype(candle_core::DType::F32)?.to_vec2(),
        }
    }

    /// The numbers in main memory.
    ///
    /// # Errors
    /// When they cannot be copied from their device.
    pub fn to_array(&self) -> Result<Array> {
        match self {
            Self::Host(_) => Ok(self.host()?.array),
            Self::Composed(_) => {
                let (rows, width) = self.dims()?;
                Ok(Array::from_values(rows, width, &self.to_rows()?.concat()))
            }
        }
    }

    /// The numbers, with what was pending applied to them.
    pub(super) fn host(&self) -> Result<HostValue> {
        let value = self.host_as_it_is()?;
        Ok(match value.pending {
            Some(activation) => {
                let array = activation::apply(&value.array, activation);
                HostValue { array, pending: None, node: value.node }
            }
            None => value.clone(),
        })
    }

    /// [`Self::host`] of a value that nobody else needs.
    pub(super) fn into_host(self) -> Result<HostValue> {
        match self {
            Self::Host(value) if value.pending.is_none() => Ok(value),
            other => other.host(),
        }
    }

    /// The numbers, and the pending operation.
    pub(super) fn host_as_it_is(&self) -> Result<&HostValue> {
        match self {
            Self::Host(value) => Ok(value),
            Self::Composed(_) => bail!("a value of candle's came to a kernel"),
        }
    }

    pub(super) fn composed(&self) -> Result<&Tensor> {
        match self {
            Self::Composed(tensor) => Ok(tensor),
            Self::Host(_) => bail!("a value in main memory came to an operation of candle's"),
        }
    }
}

/// A tensor of the network as the ops take it.
#[derive(Clone, Debug)]
pub struct Weight {
    tensor: Tensor,
    /// Its number among the trained tensors; `None` if it is frozen.
    number: Option<usize>,
    /// If it is frozen and of 32-bit floats, the right operand of `x Wᵀ` in bf16, once it was needed.
    packed: Arc<OnceLock<Arc<Panels>>>,
}

impl Weight {
    /// The tensor of that number among the trained ones; without a number it gets no gradient, and its values must stay
    /// as they are. A frozen matrix of a linear layer may be stored in bf16 if products are computed in bf16.
    #[must_use]
    pub fn new(tensor: Tensor, number: Option<usize>) -> Self {
        Self { tensor, number, packed: Arc::default() }
    }

    /// The packed values. They are cached if the weight is frozen.
    pub(super) fn packed(&self, pack: impl FnOnce() -> Panels) -> Arc<Panels> {
        if self.is_trained() { Arc::new(pack()) } else { Arc::clone(self.packed.get_or_init(|| Arc::new(pack()))) }
    }

    /// The values.
    #[must_use]
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    pub(super) fn number(&self) -> Option<usize> {
        self.number
    }

    pub(super) fn is_trained(&self) -> bool {
        self.number.is_some()
    }
}

/// The record of one forward pass.
pub struct Tape<'a> {
    backend: Backend,
    training: bool,
    /// Asked between ops whether to go on.
    stop: &'a dyn Fn() -> bool,
    records: Vec<Record>,
    nodes: usize,
}

#[derive(Debug)]
struct Record {
    op: Op,
    output: Node,
}

/// What the derivative of each kind of op needs.
#[derive(Debug)]
pub(super) enum Op {
    Activation(activation::Record),
    Add(add::Record),
    Attention(attention::Record),
    Dropout(dropout::Record),
    Embedding(embedding::Record),
    Gate(gate::Record),
    HeadNorm(head_norm::Record),
    LayerNorm(layer_norm::Record),
    Linear(linear::Record),
    LowRank(low_rank::Record),
    Mean(mean::Record),
    Recompute(recompute::Record),
    RmsNorm(rms_norm::Record),
    Rotary(rotary::Record),
    Rows(rows::Record),
}

impl Op {
    fn backward(self, gradient: Array, flow: &mut Flow<'_>) -> Result<()> {
        match self {
            Self::Activation(record) => record.backward(gradient, flow),
            Self::Add(record) => record.backward(gradient, flow),
            Self::Attention(record) => record.backward(&gradient, flow),
            Self::Dropout(record) => record.backward(gradient, flow),
            Self::Embedding(record) => return record.backward(&gradient, flow),
            Self::Gate(record) => record.backward(&gradient, flow),
            Self::HeadNorm(record) => return record.backward(gradient, flow),
            Self::LayerNorm(record) => return record.backward(gradient, flow),
            Self::Linear(record) => return record.backward(gradient, flow),
            Self::LowRank(record) => return record.backward(gradient, flow),
            Self::Mean(record) => record.backward(&gradient, flow),
            Self::Recompute(record) => return record.backward(gradient, flow),
            Self::RmsNorm(record) => return record.backward(gradient, flow),
            Self::Rotary(record) => record.backward(gradient, flow),
            Self::Rows(record) => record.backward(&gradient, flow),
        }
        Ok(())
    }
}

impl<'a> Tape<'a> {
    /// For answers only: nothing is recorded.
    #[must_use]
    pub fn inference(backend: Backend) -> Self {
        Self { backend, training: false, stop: &|| false, records: Vec::new(), nodes: 0 }
    }

    /// Records what [`Tape::backward`] needs.
    #[must_use]
    pub fn training(backend: Backend) -> Self {
        Self { training: true, ..Self::inference(backend) }
    }

    /// Ends with an error soon after `stop` says so, between two ops.
    #[must_use]
    pub fn stopping_when(self, stop: &'a dyn Fn() -> bool) -> Self {
        Self { stop, ..self }
    }

    /// Fails if the pass was stopped.
    ///
    /// # Errors
    /// When [`Tape::stopping_when`]'s function says so.
    pub fn look(&self) -> Result<()> {
        if (self.stop)() {
            bail!("stopped in the middle of a pass");
        }
        Ok(())
    }

    /// Whether Hone's kernels compute.
    #[must_use]
    pub fn uses_kernels(&self) -> bool {
        matches!(self.backend, Backend::Kernels(_))
    }

    /// This tape, in whose place an empty one is left.
    pub(super) fn take(&mut self) -> Self {
        let empty = self.without_record();
        std::mem::replace(self, empty)
    }

    /// An empty tape that computes and stops as this one does, and records nothing.
    pub(super) fn without_record(&self) -> Self {
        Self::inference(self.backend).stopping_when(self.stop)
    }

    pub(super) fn backend(&self) -> Backend {
        self.backend
    }

    pub(super) fn is_training(&self) -> bool {
        self.training
    }

    /// Of the linear layers' products.
    pub(super) fn precision(&self) -> MatrixPrecision {
        match self.backend {
            Backend::Kernels(precision) => precision,
            Backend::Composed => MatrixPrecision::F32,
        }
    }

    /// A matrix that is given, not computed: features that were kept, for example. It gets no gradient.
    ///
    /// # Errors
    /// When it cannot be moved to the device.
    pub fn constant(&self, array: Array, like: &Weight) -> Result<Value> {
        match self.backend {
            Backend::Kernels(_) => Ok(Value::Host(HostValue { array, pending: None, node: None })),
            Backend::Composed => {
                let tensor = Tensor::from_slice(array.values(), (array.rows(), array.width()), like.tensor.device())?;
                Ok(Value::Composed(tensor.to_dtype(like.tensor.dtype())?))
            }
        }
    }

    /// A matrix that takes part in the backward pass though no op made it.
    ///
    /// # Errors
    /// When it cannot be moved to the device.
    pub fn variable(&mut self, array: Array, device: &Device) -> Result<Value> {
        match self.backend {
            Backend::Kernels(_) => Ok(self.leaf(array).0),
            Backend::Composed => {
                let tensor = Tensor::from_slice(array.values(), (array.rows(), array.width()), device)?;
                Ok(Value::Composed(Var::from_tensor(&tensor)?.as_tensor().clone()))
            }
        }
    }

    /// Adds the gradients of `loss` to `gradients`: each trained tensor's under its number in `trained`.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn backward(self, loss: Loss, trained: &[Tensor], gradients: &mut Gradients) -> Result<()> {
        match loss.0 {
            LossKind::Host { scored: Some(node), gradient, .. } => {
                self.run_backward(node, gradient, gradients).map(drop)
            }
            LossKind::Host { scored: None, .. } => Ok(()),
            LossKind::Composed { from, .. } => add_composed(&from, trained, gradients),
        }
    }

    /// Adds the gradients of trained tensors for a value whose gradient is given, the vector-Jacobian product: each
    /// under its number in `trained`, which candle's operations need and kernels do not.
    ///
    /// # Errors
    /// When the shapes differ, or a tensor operation fails.
    pub fn pull_back(
        self,
        value: &Value,
        gradient: &Array,
        trained: &[Tensor],
        gradients: &mut Gradients,
    ) -> Result<()> {
        let (given, of_value) = ((gradient.rows(), gradient.width()), value.dims()?);
        if given != of_value {
            bail!("a gradient of shape {given:?} for a value of shape {of_value:?}");
        }
        match value {
            Value::Host(HostValue { node: Some(node), .. }) => {
                self.run_backward(*node, gradient.clone(), gradients).map(drop)
            }
            Value::Host(_) => Ok(()),
            Value::Composed(tensor) => {
                let gradient = Tensor::from_slice(gradient.values(), of_value, tensor.device())?;
                let sum = (tensor * gradient.to_dtype(tensor.dtype())?)?.sum_all()?;
                add_composed(&sum, trained, gradients)
            }
        }
    }

    /// Walks back from a value whose gradient is given. What is left are the gradients of values that no op made.
    pub(super) fn run_backward(
        self,
        output: Node,
        gradient: Array,
        gradients: &mut Gradients,
    ) -> Result<Vec<Option<Array>>> {
        let stop = self.stop;
        let mut flow = Flow { values: vec![None; self.nodes], gradients, stop };
        flow.values[output.0] = Some(gradient);
        for record in self.records.into_iter().rev() {
            if stop() {
                bail!("stopped in the middle of a pass");
            }
            if let Some(gradient) = flow.values[record.output.0].take() {
                record.op.backward(gradient, &mut flow)?;
            }
        }
        Ok(flow.values)
    }

    /// Whether an op with these inputs must be recorded.
    pub(super) fn records(&self, inputs: &[Option<Node>], weights: &[&Weight]) -> bool {
        self.training && (inputs.iter().any(Option::is_some) || weights.iter().any(|weight| weight.is_trained()))
    }

    /// A value that `op` made, if there is something to record.
    pub(super) fn made(&mut self, array: Array, op: Option<Op>) -> Value {
        self.made_before(None, array, op)
    }

    /// As [`Tape::made`], where `pending` is yet to be applied to the numbers.
    pub(super) fn made_before(&mut self, pending: Option<Activation>, array: Array, op: Option<Op>) -> Value {
        let node = op.map(|op| {
            let output = Node(self.nodes);
            self.nodes += 1;
            self.records.push(Record { op, output });
            output
        });
        Value::Host(HostValue { array, pending, node })
    }

    /// A weight as candle's differentiable operations take it: linked to its gradient only where one is wanted.
    pub(super) fn composed(&self, weight: &Weight) -> Tensor {
        if self.training && weight.is_trained() { weight.tensor.clone() } else { weight.tensor.detach() }
    }

    /// A matrix in main memory that gets a gradient though no op made it, and where that is found.
    pub(super) fn leaf(&mut self, array: Array) -> (Value, usize) {
        let node = Node(self.nodes);
        self.nodes += 1;
        (Value::Host(HostValue { array, pending: None, node: Some(node) }), node.0)
    }
}

/// Adds candle's gradients of a scalar.
fn add_composed(scalar: &Tensor, trained: &[Tensor], gradients: &mut Gradients) -> Result<()> {
    let mut all = scalar.backward()?;
    for (number, tensor) in trained.iter().enumerate() {
        if let Some(gradient) = all.remove(tensor) {
            gradients.add_device(number, &gradient)?;
        }
    }
    Ok(())
}

/// Gradients on their way back.
pub(super) struct Flow<'a> {
    values: Vec<Option<Array>>,
    pub(super) gradients: &'a mut Gradients,
    /// Asked between ops whether to go on.
    pub(super) stop: &'a dyn Fn() -> bool,
}

impl Flow<'_> {
    /// Adds the gradient of a value.
    pub(super) fn add(&mut self, node: Option<Node>, gradient: Array) {
        let Some(Node(place)) = node else { return };
        match &mut self.values[place] {
            Some(sum) => add_to(sum.values_mut(), gradient.values()),
            empty => *empty = Some(gradient),
        }
    }

    /// Adds to the gradient of a value: `write(out, accumulate)` writes every number of `out`, or adds to it.
    pub(super) fn add_with(
        &mut self,
        node: Option<Node>,
        (rows, width): (usize, usize),
        write: impl FnOnce(&mut [f32], bool),
    ) {
        let Some(Node(place)) = node else { return };
        match &mut self.values[place] {
            Some(sum) => write(sum.values_mut(), true),
            empty => *empty = Some(Array::written(rows, width, |out| write(out, false))),
        }
    }
}
