//! Project files and run settings as version 1 wrote them. These types never change, so that old files can always be
//! opened.
//!
//! Parts that are unchanged since then use the current types. Before changing one of those, copy its old form here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::project::{
    self, ClassWeights, ClassificationSettings, CleaningSettings, ColumnRole, DatasetSettings, DeviceChoice,
    EarlyStopping, EditedTarget, Edits, EvaluateEvery, LabelSettings, LoraSettings, MetricName, ModelChoice,
    OptimizerSettings, Precision, Recompute, RowEdit, RowId, ScheduleKind, SplitSettings, TrainedLayers,
    TrainingSettings,
};

/// `project.ron` of version 1. Its `task` was always text classification.
#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Project {
    name: String,
    dataset: Dataset,
    labels: LabelSettings,
    cleaning: CleaningSettings,
    split: SplitSettings,
    model: ModelChoice,
    training: Training,
    edits: OldEdits,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            name: "Untitled".to_owned(),
            dataset: Dataset::default(),
            labels: LabelSettings::default(),
            cleaning: CleaningSettings::default(),
            split: SplitSettings::of_earlier_files(),
            model: ModelChoice::default(),
            training: Training::default(),
            edits: OldEdits::default(),
        }
    }
}

/// Files and columns, with a field for each role of a column.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Dataset {
    main: Option<PathBuf>,
    more: Vec<PathBuf>,
    validation: Option<PathBuf>,
    test: Option<PathBuf>,
    delimiter: Option<char>,
    quoting: Option<bool>,
    encoding: Option<String>,
    header: Option<bool>,
    sheet: Option<String>,
    text_column: String,
    label_column: String,
    joined_columns: Vec<String>,
    label_columns: Vec<String>,
    group_column: Option<String>,
    time_column: Option<String>,
    split_column: Option<String>,
    id_column: Option<String>,
    ignored_columns: BTreeSet<String>,
}

/// Hyperparameters, with two that are now settings of text classification.
#[derive(Deserialize)]
#[serde(default)]
struct Training {
    epochs: u32,
    batch_size: usize,
    max_length: usize,
    gradient_accumulation: usize,
    group_by_length: bool,
    optimizer: OptimizerSettings,
    schedule: ScheduleKind,
    warmup: f64,
    dropout: Option<f64>,
    label_smoothing: f64,
    class_weights: ClassWeights,
    evaluate_every: EvaluateEvery,
    best_metric: MetricName,
    early_stopping: Option<EarlyStopping>,
    seed: u64,
    device: DeviceChoice,
    precision: Precision,
    trained_layers: TrainedLayers,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 3,
            batch_size: 32,
            max_length: 128,
            gradient_accumulation: 1,
            group_by_length: true,
            optimizer: OptimizerSettings::default(),
            schedule: ScheduleKind::default(),
            warmup: 0.1,
            dropout: None,
            label_smoothing: 0.0,
            class_weights: ClassWeights::default(),
            evaluate_every: EvaluateEvery::default(),
            best_metric: MetricName::MacroF1,
            early_stopping: Some(EarlyStopping::default()),
            seed: 42,
            device: DeviceChoice::default(),
            precision: Precision::default(),
            trained_layers: TrainedLayers::default(),
        }
    }
}

/// `settings.ron` of a run, which is the same in both versions apart from the project.
#[derive(Deserialize, Serialize)]
pub(super) struct RunSettings<P> {
    schema_version: u32,
    pub(super) project: P,
    labels: Vec<String>,
    data_hash: String,
    split_hash: String,
    rows: [usize; 3],
    model_sha256: String,
    hone_version: String,
    #[serde(default)]
    device: String,
}

impl<P> RunSettings<P> {
    /// Converts the project within the settings.
    pub(super) fn with_project<Q>(self, project: impl FnOnce(P) -> Q) -> RunSettings<Q> {
        RunSettings {
            schema_version: self.schema_version,
            project: project(self.project),
            labels: self.labels,
            data_hash: self.data_hash,
            split_hash: self.split_hash,
            rows: self.rows,
            model_sha256: self.model_sha256,
            hone_version: self.hone_version,
            device: self.device,
        }
    }
}

impl From<Project> for project::Project {
    fn from(old: Project) -> Self {
        let (training, class_weights, label_smoothing) = old.training.split();
        let labels = old.labels;
        Self {
            schema_version: 2,
            name: old.name,
            task: project::Task::TextClassification(ClassificationSettings {
                labels,
                class_weights,
                label_smoothing,
                ..ClassificationSettings::default()
            }),
            dataset: old.dataset.into(),
            cleaning: old.cleaning,
            split: old.split,
            model: old.model,
            training,
            edits: old.edits.into(),
        }
    }
}

impl From<Dataset> for DatasetSettings {
    fn from(old: Dataset) -> Self {
        let columns = old.columns();
        Self {
            main: old.main,
            more: old.more,
            validation: old.validation,
            test: old.test,
            delimiter: old.delimiter,
            quoting: old.quoting,
            encoding: old.encoding,
            header: old.header,
            header_row: None,
            sheet: old.sheet,
            columns,
        }
    }
}

impl Dataset {
    /// The columns in use, by role. A label column was ignored if there was a column for each label.
    fn columns(&self) -> Vec<(String, ColumnRole)> {
        let chosen = |column: &String| Some(column.clone()).filter(|column| !column.is_empty());
        let label = chosen(&self.label_column).filter(|_| self.label_columns.is_empty());
        let with = |role: ColumnRole| move |column: String| (column, role);
        let mut columns: Vec<(String, ColumnRole)> = Vec::new();
        columns.extend(chosen(&self.text_column).map(with(ColumnRole::Text)));
        columns.extend(self.joined_columns.iter().cloned().map(with(ColumnRole::Joined)));
        columns.extend(self.label_columns.iter().cloned().chain(label).map(with(ColumnRole::Label)));
        for (column, role) in [
            (&self.group_column, ColumnRole::Group),
            (&self.time_column, ColumnRole::Time),
            (&self.id_column, ColumnRole::Id),
            (&self.split_column, ColumnRole::Split),
        ] {
            columns.extend(column.clone().map(with(role)));
        }
        columns.extend(self.ignored_columns.iter().cloned().map(with(ColumnRole::Ignored)));
        columns
    }
}

/// Corrections, which could change only the label.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OldEdits {
    rows: BTreeMap<RowId, OldRowEdit>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldRowEdit {
    content_hash: String,
    label: Option<String>,
    excluded: bool,
    kept: bool,
}

impl From<OldEdits> for Edits {
    fn from(old: OldEdits) -> Self {
        let rows = old.rows.into_iter().map(|(id, edit)| {
            let target = edit.label.map(EditedTarget::Class);
            (id, RowEdit { content_hash: edit.content_hash, target, excluded: edit.excluded, kept: edit.kept })
        });
        Self { rows: rows.collect() }
    }
}

impl Training {
    /// Splits into the current hyperparameters, the class weights and the label smoothing.
    fn split(self) -> (TrainingSettings, ClassWeights, f64) {
        let training = TrainingSettings {
            epochs: self.epochs,
            batch_size: self.batch_size,
            batch_tokens: None,
            max_length: self.max_length,
            gradient_accumulation: self.gradient_accumulation,
            group_by_length: self.group_by_length,
            optimizer: self.optimizer,
            schedule: self.schedule,
            warmup: self.warmup,
            dropout: self.dropout,
            evaluate_every: self.evaluate_every,
            best_metric: Some(self.best_metric).filter(|metric| *metric != MetricName::MacroF1),
            early_stopping: self.early_stopping,
            checkpoint_minutes: TrainingSettings::default().checkpoint_minutes,
            seed: self.seed,
            device: self.device,
            precision: self.precision,
            trained_layers: self.trained_layers,
            lora: LoraSettings::default(),
            recompute: Recompute::default(),
        };
        (training, self.class_weights, self.label_smoothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_version_1_keeps_its_meaning() {
        let text = include_str!("../../tests/fixtures/projects-v1/every-setting.ron");
        let project = project::Project::from(ron::from_str::<Project>(text).unwrap());
        let expected = include_str!("../../tests/fixtures/projects-v1/every-setting.v2.ron");
        assert_eq!(project, ron::from_str::<project::Project>(expected).unwrap());
        assert!(project.check().is_ok());
    }

    #[test]
    fn missing_fields_have_the_defaults_of_version_1() {
        let project = project::Project::from(ron::from_str::<Project>("(task: TextClassification)").unwrap());
        let split = SplitSettings::of_earlier_files();
        assert_eq!(project, project::Project { split, ..project::Project::default() });
    }
}
