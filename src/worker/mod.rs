//! The worker: one thread that runs one long operation at a time and answers in events.

mod protocol;

pub use protocol::{
    Answer, Command, EvaluationReport, Event, ExportFormat, JobId, LogLevel, LogLine, RunResults, RunStart,
};
