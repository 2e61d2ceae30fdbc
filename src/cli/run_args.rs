//! Arguments of the commands about runs.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::storage::RunOrder;

/// `hone runs`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub struct RunsArguments {
    /// What to do; without it, the runs are listed
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// Project folder
    #[arg(required = true)]
    pub project: Option<PathBuf>,
    /// What the list is sorted by: newest, score, name, trained, time or disk
    #[arg(long, value_enum, value_name = "BY", default_value_t = SortArgument::Newest, hide_possible_values = true)]
    pub sort: SortArgument,
    /// Only list these: star, tag=TAG, or words of the name, note, tags or model; can be repeated
    #[arg(long, value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Print the list as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What can be done with runs.
#[derive(Clone, Debug, Subcommand)]
pub enum RunsCommand {
    /// Give a run a name, or remove it with an empty one
    Name(SaidArguments),
    /// Write a note about a run, or remove it with an empty one
    Note(SaidArguments),
    /// Star runs, so that they are found again and keep their weights
    Star(ChosenRuns),
    /// Remove the star of runs
    Unstar(ChosenRuns),
    /// Add tags to a run
    Tag(TagArguments),
    /// Remove tags of a run
    Untag(TagArguments),
    /// Ask runs that are training, in the window or in another terminal, to stop and keep their best checkpoint
    Stop(ChosenRuns),
    /// Move runs to the project's bin
    Delete(ChosenRuns),
    /// Move runs from the bin back
    Restore(ChosenRuns),
    /// List the bin, or empty it
    Bin(BinArguments),
    /// Free disk space: show what can go, and remove it with --yes
    #[command(
        after_help = "Frees the weights of runs that finished, except the best, the newest and starred ones, and checkpoints that \
                            nothing needs any more.\nMetrics and predictions stay. Adapted models keep their weights, because \
                            other projects may start from them."
    )]
    Free(FreeArguments),
}

/// Runs of a project.
#[derive(Clone, Debug, Args)]
pub struct ChosenRuns {
    /// Project folder
    pub project: PathBuf,
    /// Numbers or ids of runs, as `hone runs` lists them
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
}

/// A run, and what to say about it.
#[derive(Clone, Debug, Args)]
pub struct SaidArguments {
    /// Project folder
    pub project: PathBuf,
    /// Number or id of the run, as `hone runs` lists it
    pub run: String,
    /// The text
    pub text: String,
}

/// A run and tags.
#[derive(Clone, Debug, Args)]
pub struct TagArguments {
    /// Project folder
    pub project: PathBuf,
    /// Number or id of the run, as `hone runs` lists it
    pub run: String,
    /// The tags
    #[arg(required = true, value_name = "TAG")]
    pub tags: Vec<String>,
}

/// `hone runs bin`.
#[derive(Clone, Debug, Args)]
pub struct BinArguments {
    /// Project folder
    pub project: PathBuf,
    /// Delete the runs in the bin for good
    #[arg(long)]
    pub empty: bool,
    /// With --empty, say that you mean it
    #[arg(long, requires = "empty")]
    pub yes: bool,
}

/// `hone runs free`.
#[derive(Clone, Debug, Args)]
pub struct FreeArguments {
    /// Project folder
    pub project: PathBuf,
    /// Remove what is listed
    #[arg(long)]
    pub yes: bool,
}

/// What the list of runs is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SortArgument {
    /// The newest first
    Newest,
    /// The best first
    Score,
    /// By name
    Name,
    /// By model, and what of it was trained
    Trained,
    /// The longest training first
    Time,
    /// The largest first
    Disk,
}

impl From<SortArgument> for RunOrder {
    fn from(sort: SortArgument) -> Self {
        match sort {
            SortArgument::Newest => Self::Newest,
            SortArgument::Score => Self::Score,
            SortArgument::Name => Self::Name,
            SortArgument::Trained => Self::Trained,
            SortArgument::Time => Self::Time,
            SortArgument::Disk => Self::Disk,
        }
    }
}

/// `hone compare`.
#[derive(Clone, Debug, Args)]
pub struct CompareArguments {
    /// Project folder
    pub project: PathBuf,
    /// The first run: its number or id, as `hone runs` lists it
    #[arg(value_name = "RUN")]
    pub first: String,
    /// The run that is compared with it
    #[arg(value_name = "RUN")]
    pub second: String,
    /// Print the comparison as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArguments {
    /// Project folder
    pub project: PathBuf,
    /// Number or id of the run, as `hone runs` lists it [default: the newest that was not stopped early]
    pub run: Option<String>,
    /// File to write: .html, with pictures, or .md [default: an HTML file in the project's folder exports]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// `hone curves`.
#[derive(Clone, Debug, Args)]
pub struct CurvesArguments {
    /// Project folder
    pub project: PathBuf,
    /// Numbers or ids of runs, as `hone runs` lists them; up to 8 in a picture [default: the newest]
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// File to write: .svg or .png for a picture, .csv for the values of every step
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
}
