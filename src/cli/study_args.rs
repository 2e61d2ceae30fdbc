//! The arguments of studies: cross-validation, repeated seeds and searches.

use std::path::PathBuf;

use clap::Args;

use crate::cli::compute_args::ComputeArguments;
use crate::project::{FOLDS, MOST_DRAWS, MOST_SEEDS, MOST_TRIALS};

/// What all studies have in common.
#[allow(clippy::struct_excessive_bools, reason = "each is an independent switch of the command line")]
#[derive(Clone, Debug, Args)]
pub struct StudyArguments {
    /// Project folder
    pub project: PathBuf,
    /// A setting for this study only, such as training.epochs=3 or lr=2e-5; can be repeated
    #[arg(long = "set", value_name = "SETTING=VALUE", conflicts_with = "resume")]
    pub settings: Vec<String>,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Go on with the newest study of this kind that was stopped or interrupted; what is done is not done again
    #[arg(long, conflicts_with_all = ["device", "precision"])]
    pub resume: bool,
    /// Study to resume [default: the newest that was interrupted]
    #[arg(long, value_name = "ID", requires = "resume")]
    pub study: Option<String>,
    /// Show a desktop notification when it ends
    #[arg(long)]
    pub notify: bool,
    /// The Ray cluster that trains the trials
    #[arg(
        long,
        value_name = "ADDRESS",
        help = "Train the trials on the Ray cluster whose dashboard is at this address, such as http://127.0.0.1:8265. Each is a job; \
                the project, its data, the model and Hone are sent once. A trial that loses its worker is sent again. A search \
                learns from the trials that have ended, and counts those under way as the worst, to try something else"
    )]
    pub ray: Option<String>,
    /// Trials at a time on the cluster, which share the CPUs of its nodes [default: as many as fit with the CPUs of the smallest node each]
    #[arg(long, value_name = "N", requires = "ray", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_TRIALS)))]
    pub parallel: Option<u32>,
    /// Download the model first if it is not on this machine
    #[arg(long)]
    pub fetch: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone trial`, which a job of a Ray cluster runs.
#[derive(Clone, Debug, Args)]
pub struct TrialArguments {
    /// A new folder for the project and the run
    #[arg(long, value_name = "FOLDER")]
    pub place: PathBuf,
    /// The trial, as `hone search --ray` writes it
    pub task: String,
}

/// `hone cv`.
#[derive(Clone, Debug, Args)]
pub struct CrossValidateArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    /// Number of folds: each is tested once, by a model that was trained on the others
    #[arg(
        long, value_name = "N", default_value_t = 5, conflicts_with = "resume",
        value_parser = clap::value_parser!(u32).range(i64::from(*FOLDS.start())..=i64::from(*FOLDS.end()))
    )]
    pub folds: u32,
}

/// `hone seeds`.
#[derive(Clone, Debug, Args)]
pub struct SeedsArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    /// Number of seeds: the first is the project's, the others follow it
    #[arg(
        long, value_name = "N", default_value_t = 5, conflicts_with = "resume",
        value_parser = clap::value_parser!(u32).range(2..=i64::from(MOST_SEEDS))
    )]
    pub seeds: u32,
}

/// `hone learning-curve`.
#[derive(Clone, Debug, Args)]
pub struct LearningCurveArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    /// How often the rows of each part are drawn, each time with another seed: more draws make the curve less noisy
    #[arg(
        long, value_name = "N", default_value_t = 1, conflicts_with = "resume",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DRAWS))
    )]
    pub draws: u32,
}

/// `hone best`.
#[derive(Clone, Debug, Args)]
pub struct BestArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    /// Minutes that it may take
    #[arg(
        long, value_name = "N", default_value_t = 10, conflicts_with = "resume",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub minutes: u32,
    /// Number of trials at most [default: as many as there is time for]
    #[arg(
        long, value_name = "N", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_TRIALS))
    )]
    pub trials: Option<u32>,
}

/// `hone search`.
#[derive(Clone, Debug, Args)]
pub struct SearchArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    /// Settings to search: SETTING=LOW..HIGH, with :log to try each power alike, or SETTING=A|B|C; separated by commas, or
    /// repeated [default: learning rate, batch size and epochs around the project's own]
    #[arg(long, value_name = "SETTING=RANGE", value_delimiter = ',', conflicts_with = "resume")]
    pub over: Vec<String>,
    /// Number of trials; the first has the project's own settings [default: 20, or with --minutes as many as there is time for]
    #[arg(
        long, value_name = "N", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(2..=i64::from(MOST_TRIALS))
    )]
    pub trials: Option<u32>,
    /// Minutes after which no other trial begins
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub minutes: Option<u32>,
    /// Train every trial to its end. Otherwise those in the worse half after 1, 2, 4, ... epochs end there
    #[arg(long, conflicts_with = "resume")]
    pub no_halving: bool,
}

/// `hone find-lr`.
#[derive(Clone, Debug, Args)]
pub struct FindRateArguments {
    /// Project folder
    pub project: PathBuf,
    /// A setting for this search only, such as training.dropout=0.2; can be repeated
    #[arg(long = "set", value_name = "SETTING=VALUE")]
    pub settings: Vec<String>,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Download the model first if it is not on this machine
    #[arg(long)]
    pub fetch: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone studies`.
#[derive(Clone, Debug, Args)]
pub struct StudiesArguments {
    /// Project folder
    pub project: PathBuf,
    /// Show the results of this study
    #[arg(long, value_name = "ID")]
    pub study: Option<String>,
    /// Make the best trial of this search a run of the project, with its model
    #[arg(long, requires = "study")]
    pub keep: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}
