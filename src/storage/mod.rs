//! Project files, runs, caches and settings: the only room that writes files.

mod atomic;
mod run;

pub use atomic::write_atomic;
pub use run::{
    EvaluationPoint, RUN_SCHEMA_VERSION, RunSettings, RunStatus, RunSummary, StepMetrics, StopReason,
};
