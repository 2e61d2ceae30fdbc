//! The worker: one thread that runs one long operation at a time and answers in events.

mod comparing;
mod dataset;
mod findings;
mod jobs;
mod labelling;
mod profile;
mod protocol;
mod reporter;
mod runs;
mod survey;
#[allow(clippy::module_inception, reason = "the room is named after the one thing in it")]
mod worker;

pub use dataset::SharedData;
pub use profile::{ColumnFill, Profile, RowSource};
pub use protocol::{
    Answer, Command, DryRun, EvaluationReport, Event, ExportFormat, JobId, LogLevel, LogLine, RunResults, RunStart,
    StepBench, StepFigures,
};
pub use survey::Survey;
pub use worker::{Worker, WorkerOptions};
