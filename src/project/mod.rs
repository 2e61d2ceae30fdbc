//! A project's settings as plain data, saved as RON. This module does no input or output.
//!
//! Everything else follows from a [`Project`](crate::project::Project) and its data files.

mod changes;
mod cleaning;
mod column_role;
mod columns;
mod dataset;
mod edits;
mod few_steps;
mod labels;
mod limits;
mod metric;
mod model;
mod prepared_from;
mod presets;
mod search_range;
mod setting;
mod setting_arguments;
mod split;
mod stars;
mod steps;
mod study;
mod task;
mod trained;
mod training;

pub use changes::{DifferentSetting, changes, differing};
pub use cleaning::{CleaningSettings, Pattern};
pub use column_role::ColumnRole;
pub use dataset::{DatasetSettings, RowId, SourceFile};
pub use edits::{EditedTarget, Edits, RowEdit};
pub use few_steps::FewSteps;
pub use labels::LabelSettings;
pub use limits::OutOfRange;
pub use metric::MetricName;
pub use model::{HubModel, ModelChoice, ModelFile, NetworkKind};
pub use prepared_from::PreparedFrom;
pub use presets::Preset;
pub use search_range::{SearchRange, SearchRangeError, SearchValues};
pub use setting::{SettingError, apply_settings, setting_value};
pub use setting_arguments::setting_arguments;
pub use split::{RowKey, Size, SplitMethod, SplitSettings};
pub use stars::{Sentiment, StarScale, label_ranks};
pub use steps::{Facts, Issue, Readiness, Step, readiness};
pub use study::{
    FOLDS, MOST_DRAWS, MOST_SEEDS, MOST_TRIALS, PARTS, RowsUsed, SearchPlan, SearchStart, StudyPlan, Trial,
};
pub use task::{ClassificationSettings, LanguageModellingSettings, Objective, PoolingChoice, RoleRule, Task, TaskKind};
pub use training::{
    ClassWeights, DeviceChoice, EarlyStopping, EvaluateEvery, IMBALANCE, LoraMatrices, LoraSettings, OptimizerSettings,
    PROBE_STRENGTHS, Precision, Recompute, ScheduleKind, TrainedLayers, TrainingSettings, are_imbalanced,
};

use serde::{Deserialize, Serialize};

/// Version of the RON schema written by this build. Raise it with a migration in `storage`.
pub const SCHEMA_VERSION: u32 = 2;

/// All settings for training one model.
///
/// Relative paths are relative to the project's folder, so that a project can be moved with its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Project {
    /// Version of the schema the file was written in.
    pub schema_version: u32,
    /// Its name, shown in the title bar.
    pub name: String,
    /// The task, with its own settings.
    pub task: Task,
    /// The data files and the roles of their columns.
    pub dataset: DatasetSettings,
    /// Which cleaning steps are applied to the texts.
    pub cleaning: CleaningSettings,
    /// How rows are split into training, validation and test sets.
    #[serde(default = "SplitSettings::of_earlier_files")]
    pub split: SplitSettings,
    /// The pre-trained model to start from.
    pub model: ModelChoice,
    /// Hyperparameters.
    pub training: TrainingSettings,
    /// Relabelled and excluded rows. The data file itself is never changed.
    pub edits: Edits,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            name: "Untitled".to_owned(),
            task: Task::default(),
            dataset: DatasetSettings::default(),
            cleaning: CleaningSettings::default(),
            split: SplitSettings::default(),
            model: ModelChoice::default(),
            training: TrainingSettings::default(),
            edits: Edits::default(),
        }
    }
}
