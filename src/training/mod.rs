//! Fine-tuning: the loop, the optimizer, the schedule, early stopping, checkpoints, prediction.

mod away;
mod bench;
mod checkpoint;
mod dry_run;
mod early_stopping;
mod error;
mod event;
mod features;
mod footprint;
mod instant;
mod memory;
mod optimizer;
mod pace;
mod predict;
mod probe;
mod resume;
mod room;
mod run;
mod schedule;
mod setup;
mod step;
mod trainer;
mod vocabulary;

pub use bench::{StepBench, StepFigures, bench_step};
pub use dry_run::{DryRun, RunTime, SmallerRun, dry_run};
pub use early_stopping::{BestWatch, Verdict};
pub use error::TrainError;
pub use event::TrainingEvent;
pub use optimizer::Optimizer;
pub use predict::{ToScore, predict};
pub use run::{TrainInputs, train};
pub use schedule::Schedule;
pub use setup::check_data;
