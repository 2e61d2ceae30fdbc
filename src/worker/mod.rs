//! The worker: one thread that runs one job at a time. Each [`Job`](crate::worker::Job) has its own type of answer.

mod bench;
mod best_in;
mod cache;
mod compare;
mod comparing;
mod completing;
mod curves;
mod data;
mod dataset;
mod error;
mod evaluate;
mod export;
mod findings;
mod job;
mod keep_trial;
mod label_file;
mod language;
mod models;
mod other_file;
mod pending;
mod predict;
mod profile;
mod project_runs;
mod ray;
mod reading;
mod recent;
mod report;
mod reporter;
mod rows;
mod run_events;
mod runs;
mod scoring;
mod slices;
mod study;
mod study_here;
mod study_results;
mod study_search;
mod study_trials;
mod survey;
mod titles;
mod tokens;
mod training;
#[allow(clippy::module_inception, reason = "the room is named after the one thing in it")]
mod worker;

pub use crate::export::{CurvesFormat, ExportFormat, Exported, MOST_DRAWN, ReportFormat, TableFormat};
pub use crate::predictor::Probabilities;
pub use crate::training::{DryRun, RateCurve, RatePoint, StepBench, StepFigures};

pub use bench::{BenchStep, BenchTokenise, StepTimes, TokeniseTimes};
pub use compare::{
    CompareRuns, ComparedRun, MOST_COMPARED, PairedDifference, RunCurves, RunsComparison, different_settings,
};
pub use curves::SaveCurves;
pub use data::{CompareTexts, FindLeaks, Import, Prepare, RowSource, SaveBadRows, SavedRows};
pub use dataset::SharedData;
pub use error::JobError;
pub use evaluate::{CheckTrainingRows, Evaluate, EvaluationReport};
pub use export::Export;
pub use findings::FindProblems;
pub use job::{Context, Job};
pub use keep_trial::{KeepBest, KeptBest};
pub use label_file::{
    FileToLabel, LabelRows, LabelledCounts, LabelledRows, ReadToLabel, SaveLabelledRows, SavedPredictions,
    check_labelled_output,
};
pub use language::{ContinueText, ContinuedText, FillBlanks, FilledBlanks, FindTerms};
pub use models::{ConvertGguf, FetchModel, LookUpModel, SearchHub};
pub use pending::{LogLevel, LogLine, Pending, Said};
pub use predict::{Classified, Classify, calibration_note};
pub use profile::{ColumnFill, Profile, ProfileRows};
pub use project_runs::{ChangeRuns, ListRuns, ListedRuns, RunChange};
pub use ray::{ClusterSettings, RunTrial, TrialMessage, TrialTask};
pub use recent::ReadRecent;
pub use report::SaveReport;
pub use rows::{CountLabels, CountValues, FindRows, FoundRows, RowQuestion};
pub use run_events::{RunEvent, RunStart};
pub use runs::{LoadRun, RunResults};
pub use slices::FindSlices;
pub use study::RunStudy;
pub use study_results::{ListStudies, ListedStudies, LoadStudy, OutOfFold, SearchResults, StudyResults};
pub use study_trials::StudyEvent;
pub use survey::Survey;
pub use tokens::{CountTextTokens, CountTokens};
pub use training::{CompareWays, EstimateRun, FindRate, Train, WayEstimate};
pub use worker::{BACKGROUND, Worker, WorkerOptions};
