//! Text classification: one label for each text, read at its first token.

use crate::data::{Batch, Example, Prepared, packed};
use crate::models::HeadSpec;
use crate::ops::CrossEntropy;
use crate::project::{ClassWeights, OutOfRange, Project};
use crate::tasks::class_weights::class_weights;
use crate::tasks::{Draw, Samples, TaskDefinition};

/// One label for each text.
pub(super) struct TextClassification {
    /// In class-id order.
    labels: Vec<String>,
    class_weights: ClassWeights,
    label_smoothing: f64,
}

impl TextClassification {
    pub fn new(project: &Project, prepared: &Prepared) -> Self {
        Self {
            labels: prepared.labels.clone(),
            class_weights: project.training.class_weights.clone(),
            label_smoothing: project.training.label_smoothing,
        }
    }
}

impl TaskDefinition for TextClassification {
    fn head(&self) -> HeadSpec {
        HeadSpec::Classification { labels: self.labels.clone() }
    }

    fn samples(&self, examples: &[&Example], ids: Vec<Vec<u32>>, _: usize) -> Samples {
        Samples { ids, classes: examples.iter().map(|example| example.label).collect() }
    }

    fn batch(&self, samples: &Samples, rows: &[usize], _: Draw) -> Batch {
        packed(&samples.ids, Some(&samples.classes), rows)
    }

    fn loss(&self, train: &Samples) -> Result<CrossEntropy, OutOfRange> {
        let class_weights = class_weights(&self.class_weights, &self.labels, &train.classes)?;
        Ok(CrossEntropy { class_weights, label_smoothing: self.label_smoothing, divisor: None })
    }
}
