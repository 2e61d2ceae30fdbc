//! What a person decides: plain data, saved as RON, no input or output of its own.
//!
//! Everything else in Hone is derived from a `Project` and the files it names.

mod cleaning;
mod columns;
mod dataset;
mod edits;
mod labels;
mod limits;
mod metric;
mod model;
mod split;
mod stars;
mod steps;
mod training;

pub use cleaning::{CleaningSettings, Pattern};
pub use columns::ColumnRole;
pub use dataset::{DatasetSettings, RowId, SourceFile};
pub use edits::{Edits, RowEdit};
pub use labels::LabelSettings;
pub use limits::OutOfRange;
pub use metric::MetricName;
pub use model::ModelChoice;
pub use split::{Size, SplitMethod, SplitSettings};
pub use stars::{Sentiment, StarScale};
pub use steps::{Facts, Issue, Readiness, Step, readiness};
pub use training::{
    ClassWeights, DeviceChoice, EarlyStopping, EvaluateEvery, MetricChoice, OptimizerSettings, Precision, Preset,
    ScheduleKind, TrainedLayers, TrainingSettings,
};

use serde::{Deserialize, Serialize};

/// Version of the RON schema written by this build. Raise it with a migration in `storage`.
pub const SCHEMA_VERSION: u32 = 1;

/// What the fine-tuned model is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// One label out of a closed set for each text.
    #[default]
    TextClassification,
}

/// Everything a person decides about one piece of work.
///
/// Relative paths are relative to the project's folder, so that a project can be moved with its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    /// Version of the schema the file was written with.
    pub schema_version: u32,
    /// Name shown in the title bar.
    pub name: String,
    /// What the model is for.
    pub task: Task,
    /// Files and columns.
    pub dataset: DatasetSettings,
    /// Label set: order, renames, merges, exclusions.
    pub labels: LabelSettings,
    /// Which cleaning steps run over the texts.
    pub cleaning: CleaningSettings,
    /// How rows are divided into training, validation and test.
    #[serde(default = "SplitSettings::of_earlier_files")]
    pub split: SplitSettings,
    /// The pre-trained model to start from.
    pub model: ModelChoice,
    /// Hyperparameters.
    pub training: TrainingSettings,
    /// Relabelled and excluded rows, kept beside the untouched data file.
    pub edits: Edits,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            name: "Untitled".to_owned(),
            task: Task::default(),
            dataset: DatasetSettings::default(),
            labels: LabelSettings::default(),
            cleaning: CleaningSettings::default(),
            split: SplitSettings::default(),
            model: ModelChoice::default(),
            training: TrainingSettings::default(),
            edits: Edits::default(),
        }
    }
}
