//! Command-line arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::compute_args::ComputeArguments;
use crate::cli::run_args::{CompareArguments, CurvesArguments, ReportArguments, RunsArguments};
use crate::cli::study_args::{
    BestArguments, CrossValidateArguments, FindRateArguments, LearningCurveArguments, SearchArguments, SeedsArguments,
    StudiesArguments, TrialArguments,
};
use crate::cli::values::{delimiter, share, task, temperature};
use crate::project::TaskKind;
use crate::worker::ExportFormat;

/// Fine-tune pre-trained language models on your own data, on your own machine.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "hone",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command, Hone opens its window.\n\n\
                  Results go to standard output, progress to standard error. \
                  Exit codes: 0 done, 1 failed, 2 wrong usage, \
                  3 training stopped early, by you or because it diverged."
)]
pub struct Arguments {
    /// Project to open in the window: a folder with a project.ron
    pub project: Option<PathBuf>,
    /// Command to run in the terminal
    #[command(subcommand)]
    pub command: Option<TerminalCommand>,
}

/// A terminal command.
#[derive(Clone, Debug, Subcommand)]
pub enum TerminalCommand {
    /// Create a project from a file of texts, or a folder of documents
    #[command(
        after_help = "--replace ignores case, and applies before training and before every prediction. With nothing \
                            after the =,\nthe words are removed. If FIND starts with regex:, it is a regular expression, and \
                            REPLACE can use its groups:\n--replace 'regex:(\\d+) EUR=$1 euros'. For more, such as an = in FIND:\n\
                            --set 'cleaning.patterns=[{\"find\": \"a=b\", \"replace\": \"c\", \"match_case\": true}]'"
    )]
    New(NewArguments),
    /// Fine-tune a project's model
    Train(TrainArguments),
    /// Evaluate a trained model on its test set or on another file
    Evaluate(EvaluateArguments),
    /// Predict a label for every row of a file
    Predict(PredictArguments),
    /// Continue a text with a language model such as GPT-2, before and after training
    Continue(ContinueArguments),
    /// Save a trained model for other tools
    Export(ExportArguments),
    /// Inspect a data file: columns, labels, lengths, bad rows, leakage
    Inspect(InspectArguments),
    /// List models, search the Hugging Face Hub, or download a model
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Find a learning rate: train a few steps with rising rates, and look where the loss falls
    FindLr(FindRateArguments),
    /// Cross-validate: train and test on k folds of the rows, and say how much the metrics vary
    Cv(CrossValidateArguments),
    /// Train the same settings with several seeds, and say how much results vary by chance
    Seeds(SeedsArguments),
    /// Train on 10, 25, 50 and 100% of the training rows, and say whether more labelled rows would help
    LearningCurve(LearningCurveArguments),
    /// Search for better settings: trials on the validation rows, then the best once on the test rows
    #[command(
        after_help = "Example: hone search shop --minutes 30 --over 'lr=1e-5..1e-4:log,batch_size=8|16|32,epochs=2..6'"
    )]
    Search(SearchArguments),
    /// Find the best model in some minutes: an instant one, then as much training as fits, then other settings
    #[command(
        after_help = "The best becomes a run of the project. Ctrl-C stops at any moment, and keeps the best so far."
    )]
    Best(BestArguments),
    /// Train one trial of a study on a node of a Ray cluster
    #[command(hide = true)]
    Trial(TrialArguments),
    /// List a project's studies: cross-validations, repeated seeds, learning curves and searches
    Studies(StudiesArguments),
    /// List a project's training runs; name, star, tag, delete and restore them, free their disk space
    Runs(RunsArguments),
    /// Compare two runs of a project on the same rows
    Compare(CompareArguments),
    /// Write a report on a run for other people: one HTML file, or Markdown
    Report(ReportArguments),
    /// Save the learning curves of runs as SVG, PNG or CSV
    Curves(CurvesArguments),
    /// Measure how fast this machine trains
    #[command(subcommand)]
    Bench(BenchCommand),
}

/// How to read a data file. Anything not given is detected.
#[derive(Clone, Debug, Default, Args)]
pub struct ReadingArguments {
    /// Field separator: one character, or comma, semicolon, tab, pipe [default: detected]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<char>,
    /// Encoding, such as utf-8 or windows-1252 [default: detected]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// The file has no header line; columns are numbered [default: detected]
    #[arg(long)]
    pub no_header: bool,
    /// Line of a text file, or row of a sheet, that names the columns [default: detected]
    #[arg(long, value_name = "N", conflicts_with = "no_header", value_parser = clap::value_parser!(u64).range(1..))]
    pub header_row: Option<u64>,
    /// Sheet of a workbook [default: the first one that is not empty]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
}

/// What the model is trained for.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct TaskArgument {
    /// classify: predict a label for each text. adapt: continue a model's pre-training on your own texts, without
    /// labels
    #[arg(long = "task", value_name = "TASK", value_parser = task, default_value = "classify")]
    pub kind: TaskKind,
}

/// Columns used by the split.
#[derive(Clone, Debug, Default, Args)]
pub struct SplitArguments {
    /// Column of customers, documents, ...: rows with the same value stay in the same split
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// Column of dates: train on the oldest rows, test on the newest
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// Column that says which split each row is in: train, validation or test
    #[arg(long, value_name = "COLUMN")]
    pub split_column: Option<String>,
}

/// Column roles. Anything not given is guessed.
#[derive(Clone, Debug, Default, Args)]
pub struct ColumnArguments {
    /// Text column [default: guessed]
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    /// Column to prepend to the text; can be repeated [default: guessed, unless --text is given]
    #[arg(long = "title", value_name = "COLUMN")]
    pub titles: Vec<String>,
    /// Label column; repeat it for one-hot label columns of 0 and 1 [default: guessed]
    #[arg(long = "label", value_name = "COLUMN")]
    pub labels: Vec<String>,
    /// Column of row ids, copied to the predictions [default: guessed, unless --text is given]
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
}

/// `hone new`.
#[derive(Clone, Debug, Args)]
pub struct NewArguments {
    /// Folder to create the project in
    pub folder: PathBuf,
    /// File of texts (CSV, TSV, JSON, Parquet, XLSX, ODS, ...), or a folder of such files or of documents (.docx, .txt,
    /// .md); repeat it to append files
    #[arg(long, value_name = "FILE", required = true)]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub task: TaskArgument,
    #[command(flatten)]
    pub columns: ColumnArguments,
    /// Separate file to use as the validation set
    #[arg(long, value_name = "FILE")]
    pub validation: Option<PathBuf>,
    /// Separate file to use as the test set
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Pre-trained model: an id from `hone models list`, a Hugging Face folder, a project with --task adapt, or owner/name or
    /// owner/name@revision of the Hugging Face Hub. If several match, an id comes first, then a folder, then a model of the Hub
    #[arg(long, value_name = "ID|FOLDER|NAME")]
    pub model: Option<String>,
    /// Name of the project [default: the folder's name]
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub split: SplitArguments,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Replace words in every text, or regex:FIND=REPLACE; can be repeated, applied in order
    #[arg(long, value_name = "FIND=REPLACE")]
    pub replace: Vec<String>,
    /// A setting, such as training.epochs=3 or split.test=500rows; can be repeated
    #[arg(long = "set", value_name = "SETTING=VALUE")]
    pub settings: Vec<String>,
    /// Replace an existing project (its runs are kept)
    #[arg(long)]
    pub force: bool,
}

/// The options of measuring instead of training.
#[derive(Clone, Debug, Args)]
pub struct DryRunArguments {
    /// Only measure the time, memory and disk space the run needs on this machine
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run, measure every way to train: all layers, the top ones, an adapter, the head, instant
    #[arg(long, requires = "dry_run")]
    pub each_way: bool,
}

/// `hone train`.
#[allow(clippy::struct_excessive_bools, reason = "each is an independent switch of the command line")]
#[derive(Clone, Debug, Args)]
pub struct TrainArguments {
    /// Project folder
    pub project: PathBuf,
    /// A setting for this run only, such as training.epochs=3 or lr=2e-5; can be repeated
    #[arg(long = "set", value_name = "SETTING=VALUE", conflicts_with = "resume")]
    pub settings: Vec<String>,
    #[command(flatten)]
    pub compute: ComputeArguments,
    #[command(flatten)]
    pub measure: DryRunArguments,
    /// Go on with a run that was interrupted, with the settings that it began with
    #[arg(long, conflicts_with_all = ["device", "precision", "dry_run"])]
    pub resume: bool,
    /// Run to resume [default: the newest that was interrupted]
    #[arg(long, value_name = "ID", requires = "resume")]
    pub run: Option<String>,
    /// Show a desktop notification when it ends
    #[arg(long, conflicts_with = "dry_run")]
    pub notify: bool,
    /// Download the model first if it is not on this machine
    #[arg(long)]
    pub fetch: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone evaluate`.
#[derive(Clone, Debug, Args)]
pub struct EvaluateArguments {
    /// Project folder
    pub project: PathBuf,
    /// Run to use [default: the newest that was not stopped early]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Labelled file with the project's columns [default: the run's test set]
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Also find where the model does worse: slices of the test set by length, language, column and finding
    #[arg(long, conflicts_with = "data")]
    pub slices: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone predict`.
#[derive(Clone, Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent switch of the command line")]
pub struct PredictArguments {
    /// Project folder, or trained model folder
    #[arg(value_name = "PROJECT|MODEL_FOLDER")]
    pub model: PathBuf,
    /// File of texts
    pub file: PathBuf,
    /// CSV, XLSX or Parquet file to write: the file's columns, the predicted label, and the probability of each label
    /// [default: only show the counts and the first rows]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Least probability, such as 0.8, with which a row gets its label; below it, the row is 'undecided' [default: none]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub threshold: Option<f32>,
    /// Give the probabilities of the network itself, not calibrated by the model's temperature; the labels are the same
    #[arg(long)]
    pub uncalibrated: bool,
    /// Replace the output file if it exists
    #[arg(long)]
    pub force: bool,
    /// Text column [default: the one the model was trained on]
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Run to use [default: the newest that was not stopped early]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Write a CSV for programs, not for Excel: without a byte order mark, and with cells that begin with = + - @ as they are
    #[arg(long)]
    pub raw: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArguments {
    /// Project folder
    pub project: PathBuf,
    /// What to write
    #[arg(long, value_enum)]
    pub format: FormatArgument,
    /// Folder to write to; must be empty or not exist
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Run to use [default: the newest that was not stopped early]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// With --format hf: divide the last layer by the model's temperature, so that every program gets calibrated probabilities
    #[arg(long)]
    pub calibrated: bool,
    /// Write cells of predictions as they are, also those that begin with = + - @ and that a spreadsheet would run as formulas
    #[arg(long)]
    pub raw: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArgument {
    /// Hugging Face folder that loads unchanged in transformers or sentence-transformers
    Hf,
    /// Only the LoRA adapter and its head, as a folder that loads unchanged in peft
    Adapter,
    /// Weights as one safetensors file
    Safetensors,
    /// Predictions on the test set, as CSV
    Predictions,
}

impl From<FormatArgument> for ExportFormat {
    fn from(format: FormatArgument) -> Self {
        match format {
            FormatArgument::Hf => Self::HuggingFace,
            FormatArgument::Adapter => Self::Adapter,
            FormatArgument::Safetensors => Self::Safetensors,
            FormatArgument::Predictions => Self::Predictions,
        }
    }
}

/// `hone inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArguments {
    /// Data file or folder; further files are appended
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub task: TaskArgument,
    #[command(flatten)]
    pub columns: ColumnArguments,
    #[command(flatten)]
    pub split: SplitArguments,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Write the rows that could not be read to this CSV file, with reasons
    #[arg(long, value_name = "FILE")]
    pub bad_rows: Option<PathBuf>,
    /// Only read the rows and summarise the columns, without analysing the texts: faster for very large files
    #[arg(long)]
    pub only_read: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone models`.
#[derive(Clone, Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models Hone knows
    List {
        /// Print the list as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Search the Hugging Face Hub for models, and say which Hone can train
    Search {
        /// Part of a model's name; or owner/name, or the address of its page, for that one
        #[arg(required = true)]
        words: Vec<String>,
        /// Print the list as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Download a model and check it
    Fetch {
        /// Id of the model, from `hone models list`; or owner/name or owner/name@revision of the Hugging Face Hub. If both
        /// match, the id comes first
        name: String,
    },
    /// Turn a GGUF file of the Llama family into a model folder to train
    Convert {
        /// The GGUF file
        file: PathBuf,
        /// The new model folder
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
}

/// `hone bench`.
#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// Time training steps on random tokens and print the result as one JSON object
    Step(BenchStepArguments),
    /// Time tokenising the texts of a file and print the result as one JSON object
    Tokenise(BenchTokeniseArguments),
}

/// `hone bench tokenise`.
#[derive(Clone, Debug, Args)]
pub struct BenchTokeniseArguments {
    /// File of texts
    pub data: PathBuf,
    /// Text column [default: guessed]
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    /// Model: an id from `hone models list`, a Hugging Face folder, or owner/name of the Hugging Face Hub
    #[arg(long, value_name = "ID|FOLDER|NAME", default_value = "minilm-l6")]
    pub model: String,
    /// Max length in tokens
    #[arg(long, default_value_t = 128)]
    pub len: usize,
}

/// `hone continue`.
#[derive(Clone, Debug, Args)]
pub struct ContinueArguments {
    /// Project folder, or trained model folder
    #[arg(value_name = "PROJECT|MODEL_FOLDER")]
    pub model: PathBuf,
    /// How the text begins
    pub text: String,
    /// Most tokens to add
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub tokens: u32,
    /// 0 always picks the likeliest token; a higher value, such as 0.8, gives more varied texts
    #[arg(long, default_value_t = 0.0, value_parser = temperature)]
    pub temperature: f32,
    /// Seed of the draws, if the temperature is above 0
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Run to use [default: the newest that was not stopped early]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone bench step`.
#[derive(Clone, Debug, Args)]
pub struct BenchStepArguments {
    /// Model: an id from `hone models list`, a Hugging Face folder, or owner/name of the Hugging Face Hub
    #[arg(long, value_name = "ID|FOLDER|NAME", default_value = "minilm-l6")]
    pub model: String,
    /// classify: a classifier of 3 labels. adapt: a language model that predicts 15% of the tokens, masked, or each next one
    #[arg(long, value_name = "TASK", value_parser = task, default_value = "classify")]
    pub task: TaskKind,
    /// Train only an adapter of the default rank (LoRA) and the head
    #[arg(long)]
    pub lora: bool,
    /// Compute activations again in the backward pass instead of keeping them
    #[arg(long)]
    pub recompute: bool,
    /// Texts per step, computed as one batch
    #[arg(long, default_value_t = 32)]
    pub batch: usize,
    /// Tokens per text
    #[arg(long, default_value_t = 64)]
    pub len: usize,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Number of steps to time
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub steps: u32,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Arguments::command().debug_assert();
    }
}
