//! Project files, runs, caches and settings: the only room that writes files.

mod adapted;
mod atomic;
mod bin;
mod checkpoint;
mod disk_use;
mod drawn_split;
mod error;
mod folder;
mod freeing;
mod kept_trial;
mod leftovers;
mod listing;
mod lock;
mod migrations;
mod model_info;
mod output;
mod partial;
mod pieces;
mod paths;
mod prediction_columns;
mod predictions;
mod project_file;
mod project_text;
mod project_window;
mod recent;
mod ron_file;
mod run;
mod run_folder;
mod run_metrics;
mod run_notes;
mod run_order;
mod run_outcome;
mod run_record;
mod run_version_1;
mod sample;
mod scratch_file;
mod sent_run;
mod settings;
mod stop_request;
mod study_folder;
mod token_cache;
mod version_1;
mod versions;

pub use adapted::{AdaptedModel, adapted_model, adapted_models};
pub use atomic::{write_atomic, write_new};
pub use bin::empty_bin;
pub use checkpoint::{Retention, UnfinishedCheckpoint};
pub use disk_use::DiskUse;
pub use drawn_split::{SPLIT_FILE, read_split, write_split};
pub use error::{OpenError, StorageError, advice, reason};
pub use folder::{needs_recovery, recover_folder, replace_folder};
pub use freeing::{FreePolicy, Freeable, RunPart};
pub use leftovers::remove_leftovers;
pub use listing::files_below;
pub use lock::FileLock;
pub use model_info::{MODEL_INFO_FILE, ModelFolderInfo, read_model_info, write_model_info};
pub use output::{check_new_folder, check_output, create_file, create_folder, free_path};
pub use partial::{PART, PartialFile, link_or_copy, remove_file, remove_folder};
pub use paths::{
    cache_folder, config_folder, data_folder, folder_name, free_folder, hub_cache_folder, hugging_face_home,
    own_models_folder, projects_folder, resolve, stored, with_absolute_paths, with_stored_paths,
};
pub use pieces::join_pieces;
pub use predictions::{read_predictions_of, write_predictions_to};
pub use project_file::{Opened, PROJECT_FILE, ProjectFile};
pub use project_window::ProjectWindow;
pub use recent::{RecentProject, recent_projects};
pub use run::{
    EvaluationPoint, KeptFrom, RUN_SCHEMA_VERSION, RunComparison, RunNotes, RunSettings, RunStatus, RunSummary,
    StepMetrics, StopReason,
};
pub use run_folder::{RunFolder, RunListing};
pub use run_notes::{LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG};
pub use run_order::{RunFilter, RunOrder};
pub use run_outcome::{Interruption, RunOutcome, TrainedRun, write_checkpoint_point};
pub use run_record::{RunRecord, RunRecords, chosen_settings};
pub use sample::{is_sample, sample_project};
pub use scratch_file::ScratchFile;
pub use settings::{AppSettings, TableLayout, TableLayouts, ThemeChoice, WindowPlace};
pub use stop_request::StopRequest;
pub use study_folder::{StudyFolder, StudyPredictions, StudySettings, StudyState, TrialRun};
pub use token_cache::{TextKey, TokenCache, exclude_from_version_control};
pub use versions::{Version, versions};
