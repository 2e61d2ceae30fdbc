//! Text classification: one label for each text.

use crate::data::{Batch, DataError, Pooling, Prepared, packed};
use crate::evaluation::{
    Answer, Baseline, Interval, LabelledTexts, ModelPredictions, Scorer, classification_baselines, macro_f1_interval,
};
use crate::models::HeadSpec;
use crate::ops::CrossEntropy;
use crate::progress::Watch;
use crate::project::{ClassWeights, OutOfRange, Project};
use crate::tasks::class_weights::class_weights;
use crate::tasks::{Draw, Encoded, Measured, Reader, Samples, TaskDefinition};

/// One label for each text.
pub(super) struct TextClassification {
    /// In class-id order.
    labels: Vec<String>,
    class_weights: ClassWeights,
    label_smoothing: f64,
    pooling: Pooling,
    /// Whether the head reads embeddings.
    reads_embeddings: bool,
    instant_baseline: bool,
}

impl TextClassification {
    pub fn new(project: &Project, prepared: &Prepared, reader: Reader) -> Self {
        let settings = project.classification().cloned().unwrap_or_default();
        Self {
            labels: prepared.labels.clone(),
            class_weights: settings.class_weights,
            label_smoothing: settings.label_smoothing,
            pooling: reader.pooling,
            reads_embeddings: reader.reads_embeddings,
            instant_baseline: settings.instant_baseline,
        }
    }

    /// The task of a trained classifier.
    pub fn trained(labels: &[String], pooling: Pooling) -> Self {
        Self {
            labels: labels.to_vec(),
            class_weights: ClassWeights::None,
            label_smoothing: 0.0,
            pooling,
            reads_embeddings: false,
            instant_baseline: false,
        }
    }
}

impl TaskDefinition for TextClassification {
    fn head(&self) -> HeadSpec {
        if self.reads_embeddings {
            HeadSpec::EmbeddingClassification { labels: self.labels.clone(), pooling: self.pooling }
        } else {
            HeadSpec::Classification { labels: self.labels.clone() }
        }
    }

    fn samples(&self, encoded: Encoded<'_>) -> Result<Samples, DataError> {
        let classes = encoded.examples.iter().map(|example| example.class().unwrap_or_default()).collect();
        Ok(Samples::of_texts(encoded.ids, classes))
    }

    fn batch(&self, samples: &Samples, rows: &[usize], _: Draw) -> Batch {
        let classes = (!samples.classes.is_empty()).then_some(samples.classes.as_slice());
        packed(&samples.ids, self.pooling, classes, rows)
    }

    fn scorer(&self, rows: usize) -> Scorer {
        Scorer::classes(&self.labels, rows)
    }

    fn interval(&self, measured: Measured<'_>) -> Option<Interval> {
        macro_f1_interval(self.labels.len(), measured.rows.labels, &predicted(measured), measured.seed)
    }

    fn baselines(&self, train: LabelledTexts<'_>, measured: Measured<'_>, watch: &mut Watch<'_>) -> Vec<Baseline> {
        let model = ModelPredictions { predicted: &predicted(measured), seed: measured.seed };
        classification_baselines(train, measured.rows, &self.labels, model, measured.instant, watch)
    }

    fn is_compared_with_instant(&self) -> bool {
        self.instant_baseline
    }

    fn loss(&self, train: &Samples) -> Result<CrossEntropy, OutOfRange> {
        let class_weights = class_weights(&self.class_weights, &self.labels, &train.classes)?;
        Ok(CrossEntropy { class_weights, label_smoothing: self.label_smoothing, divisor: None })
    }
}

/// The class ids that the model predicted.
fn predicted(measured: Measured<'_>) -> Vec<u32> {
    measured.answers.iter().filter_map(Answer::class).map(|class| class.predicted).collect()
}
