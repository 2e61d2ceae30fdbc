//! What can be typed after `hone`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::project::{DeviceChoice, Precision};
use crate::worker::ExportFormat;

/// Fine-tune pre-trained text classifiers on your own data, on your own machine.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "hone",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command, Hone opens its window.\n\n\
                  Results go to standard output, progress to standard error. \
                  Exit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub struct Arguments {
    /// Project to open in the window: a folder with a project.ron
    pub project: Option<PathBuf>,
    /// What to do in the terminal instead
    #[command(subcommand)]
    pub command: Option<TerminalCommand>,
}

/// A command of the terminal.
#[derive(Clone, Debug, Subcommand)]
pub enum TerminalCommand {
    /// Make a project from a file of texts and labels
    #[command(
        after_help = "--replace finds words in any case, before training and before every prediction; with nothing \
                            after the =\nthey are removed. With regex: before it, FIND is a regular expression, and REPLACE \
                            can name its groups:\n--replace 'regex:(\\d+) EUR=$1 euros'. For more, such as an = in FIND:\n\
                            --set 'cleaning.patterns=[{\"find\": \"a=b\", \"replace\": \"c\", \"match_case\": true}]'"
    )]
    New(NewArguments),
    /// Fine-tune a project's model
    Train(TrainArguments),
    /// Measure a trained model on its test rows, or on another file
    Evaluate(EvaluateArguments),
    /// Label every row of a file
    Predict(PredictArguments),
    /// Save a trained model for other tools
    Export(ExportArguments),
    /// Look into a data file: columns, labels, lengths, bad rows, leakage
    Inspect(InspectArguments),
    /// List the models Hone knows, or download one
    #[command(subcommand)]
    Models(ModelsCommand),
    /// List a project's training runs
    Runs(RunsArguments),
    /// Measure how fast this machine trains
    #[command(subcommand)]
    Bench(BenchCommand),
}

/// How to read a data file; what is left out is detected.
#[derive(Clone, Debug, Default, Args)]
pub struct ReadingArguments {
    /// Field separator: one character, or comma, semicolon, tab, pipe [detected when left out]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub delimiter: Option<char>,
    /// Encoding, such as utf-8 or windows-1252 [detected when left out]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// The first line is a row already: columns are numbered [detected when left out]
    #[arg(long)]
    pub no_header: bool,
    /// Sheet of a workbook [the first that is not empty when left out]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
}

/// Columns that the split looks at.
#[derive(Clone, Debug, Default, Args)]
pub struct SplitArguments {
    /// Column of customers, documents, ...: rows with the same value stay on one side of the split
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// Column of dates: the oldest rows train, the newest are the test
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// Column that names each row's side: train, validation or test
    #[arg(long, value_name = "COLUMN")]
    pub split_column: Option<String>,
}

/// What the columns of a data file are for; what is left out is guessed.
#[derive(Clone, Debug, Default, Args)]
pub struct ColumnArguments {
    /// Column that holds the text [guessed when left out]
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    /// Column put before the text; can be given many times [guessed when --text is left out]
    #[arg(long = "title", value_name = "COLUMN")]
    pub titles: Vec<String>,
    /// Column that holds the label; given several times, columns of 0 and 1 of one label each [guessed when left out]
    #[arg(long = "label", value_name = "COLUMN")]
    pub labels: Vec<String>,
    /// Column that names each row; it is written beside the row's prediction [guessed when --text is left out]
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
}

/// `hone new`.
#[derive(Clone, Debug, Args)]
pub struct NewArguments {
    /// Folder to make the project in
    pub folder: PathBuf,
    /// File of texts and labels (CSV, TSV, JSON, Parquet, XLSX, ODS, ...), or a folder of them; given several times,
    /// the files are appended to one another
    #[arg(long, value_name = "FILE", required = true)]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
    /// Validation file, used as it is
    #[arg(long, value_name = "FILE")]
    pub validation: Option<PathBuf>,
    /// Test file, used as it is
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Model to start from: an id of `hone models list`, or a Hugging Face folder
    #[arg(long, value_name = "ID|FOLDER")]
    pub model: Option<String>,
    /// Name of the project [the folder's name when left out]
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub split: SplitArguments,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// Words to replace in every text, or regex:FIND=REPLACE; can be given many times, in order
    #[arg(long, value_name = "FIND=REPLACE")]
    pub replace: Vec<String>,
    /// A setting, such as training.epochs=3 or split.test=500rows; can be given many times
    #[arg(long = "set", value_name = "SETTING=VALUE")]
    pub settings: Vec<String>,
    /// Replace a project that is there already (its runs are kept)
    #[arg(long)]
    pub force: bool,
}

/// What computes, and how; what is left out is as the project says.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ComputeArguments {
    /// What computes: auto, cpu, cuda or metal
    #[arg(long, hide_possible_values = true, ignore_case = true)]
    pub device: Option<DeviceName>,
    /// Arithmetic of the matrix products: auto, f32 or bf16
    #[arg(long, hide_possible_values = true, ignore_case = true)]
    pub precision: Option<PrecisionName>,
}

/// A device as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceName {
    /// The processor
    Auto,
    /// The processor
    Cpu,
    /// The first NVIDIA GPU (builds with the feature cuda)
    Cuda,
    /// The Apple GPU (builds with the feature metal)
    Metal,
}

/// A precision as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrecisionName {
    /// bf16 where the processor has products of it, else f32
    Auto,
    /// 32-bit floats
    F32,
    /// Operands rounded to bf16, sums in 32-bit floats
    Bf16,
}

impl From<DeviceName> for DeviceChoice {
    fn from(name: DeviceName) -> Self {
        match name {
            DeviceName::Auto => Self::Auto,
            DeviceName::Cpu => Self::Cpu,
            DeviceName::Cuda => Self::Cuda,
            DeviceName::Metal => Self::Metal,
        }
    }
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::Auto => Self::Auto,
            PrecisionName::F32 => Self::F32,
            PrecisionName::Bf16 => Self::Bf16,
        }
    }
}

/// `hone train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArguments {
    /// Project folder
    pub project: PathBuf,
    /// A setting for this run only, such as training.epochs=3 or lr=2e-5; can be given many times
    #[arg(long = "set", value_name = "SETTING=VALUE")]
    pub settings: Vec<String>,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Only measure what the run would take on this machine: time, memory, disk
    #[arg(long)]
    pub dry_run: bool,
    /// Print the outcome as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone evaluate`.
#[derive(Clone, Debug, Args)]
pub struct EvaluateArguments {
    /// Project folder
    pub project: PathBuf,
    /// Run [the newest finished one when left out]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Labelled file with the project's columns [the run's own test rows when left out]
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Print the outcome as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone predict`.
#[derive(Clone, Debug, Args)]
pub struct PredictArguments {
    /// Project folder, or a folder with a trained model
    #[arg(value_name = "PROJECT|MODEL_FOLDER")]
    pub model: PathBuf,
    /// File of texts
    pub file: PathBuf,
    /// CSV to write: the file's columns, then the predicted label and each label's probability
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace the output file where it is there already
    #[arg(long)]
    pub force: bool,
    /// Column that holds the text [the one the model was trained on when left out]
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    /// Run of the project [the newest finished one when left out]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Print the outcome as one JSON object
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
    /// Folder to write to; must be empty or not there
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Run [the newest finished one when left out]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Print the outcome as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArgument {
    /// A Hugging Face folder that loads in transformers unchanged
    Hf,
    /// One safetensors file with the weights
    Safetensors,
    /// The test predictions as CSV
    Predictions,
}

impl From<FormatArgument> for ExportFormat {
    fn from(format: FormatArgument) -> Self {
        match format {
            FormatArgument::Hf => Self::HuggingFace,
            FormatArgument::Safetensors => Self::Safetensors,
            FormatArgument::Predictions => Self::Predictions,
        }
    }
}

/// `hone inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArguments {
    /// Data file, or folder of data; several are appended to one another
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
    #[command(flatten)]
    pub split: SplitArguments,
    #[command(flatten)]
    pub reading: ReadingArguments,
    /// CSV to write with the rows that could not be used, and why
    #[arg(long, value_name = "FILE")]
    pub bad_rows: Option<PathBuf>,
    /// Read the rows and count what is in each column, and leave the texts alone: faster for very large files
    #[arg(long)]
    pub only_read: bool,
    /// Print what was found as one JSON object
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
    /// Download a model and check it
    Fetch {
        /// Id of the model, from `hone models list`
        id: String,
    },
}

/// `hone runs`.
#[derive(Clone, Debug, Args)]
pub struct RunsArguments {
    /// Project folder
    pub project: PathBuf,
    /// Print the list as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `hone bench`.
#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// Time training steps on random tokens and print the figures as one JSON object
    Step(BenchStepArguments),
    /// Time the tokenising of a file's texts and print the figures as one JSON object
    Tokenise(BenchTokeniseArguments),
}

/// `hone bench tokenise`.
#[derive(Clone, Debug, Args)]
pub struct BenchTokeniseArguments {
    /// File of texts
    pub data: PathBuf,
    /// Column that holds the text [guessed when left out]
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,
    /// Model: an id of `hone models list`, or a Hugging Face folder
    #[arg(long, value_name = "ID|FOLDER", default_value = "minilm-l6")]
    pub model: String,
    /// Tokens kept of a text
    #[arg(long, default_value_t = 128)]
    pub len: usize,
}

/// `hone bench step`.
#[derive(Clone, Debug, Args)]
pub struct BenchStepArguments {
    /// Model: an id of `hone models list`, or a Hugging Face folder
    #[arg(long, value_name = "ID|FOLDER", default_value = "minilm-l6")]
    pub model: String,
    /// Texts in a step; they are computed in one pass, however many tokens that is
    #[arg(long, default_value_t = 32)]
    pub batch: usize,
    /// Tokens of each text
    #[arg(long, default_value_t = 64)]
    pub len: usize,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Steps to time
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub steps: u32,
}

fn delimiter(text: &str) -> Result<char, String> {
    let named = match text {
        "comma" => Some(','),
        "semicolon" => Some(';'),
        "tab" | "\\t" => Some('\t'),
        "pipe" => Some('|'),
        _ => None,
    };
    let mut letters = text.chars();
    match (named, letters.next(), letters.next()) {
        (Some(named), ..) => Ok(named),
        (None, Some(letter), None) => Ok(letter),
        _ => Err("give one character, or comma, semicolon, tab, pipe".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn separators_by_name_or_by_themselves() {
        assert_eq!(
            ["tab", "\\t", "\t", ";", "pipe"].map(|text| delimiter(text).unwrap()),
            ['\t', '\t', '\t', ';', '|']
        );
        assert!(delimiter("").is_err() && delimiter("ab").is_err());
    }
}
