//! Commands that steps send to the app. Steps change nothing themselves.

use std::path::PathBuf;

use crate::data::{Imported, RowQuery};
use crate::fetch::HubName;
use crate::predictor::Sampling;
use crate::project::{
    CleaningSettings, DatasetSettings, LabelSettings, ModelChoice, Pattern, Project, RowEdit, RowId, SplitSettings,
    Step, Task, TrainingSettings,
};
use crate::storage::{RunFolder, TableLayout};
use crate::worker::{CurvesFormat, ExportFormat, ReadToLabel};

use crate::app::commands::UserCommand;
use crate::app::context::Notice;
use crate::app::runs_command::RunsCommand;
use crate::app::studies_command::StudiesCommand;
use crate::words::counted;

/// A change of the project. It is applied in one place, undone as a whole and saved automatically.
///
/// Send the whole new value of the part that changed: `Edit::Cleaning(CleaningSettings { .. })`.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A new name for the project.
    Name(String),
    /// The files, how to read them, and the columns.
    Dataset(DatasetSettings),
    /// Settings of the task.
    Task(Task),
    /// Order, renames, merges and exclusions of labels.
    Labels(LabelSettings),
    /// Cleaning switches and patterns.
    Cleaning(CleaningSettings),
    /// The find-and-replace patterns of the cleaning, as they are typed.
    Patterns(Vec<Pattern>),
    /// Sizes, stratification, seed.
    Split(SplitSettings),
    /// The split together with the columns it uses, as one edit.
    Divide(Box<(DatasetSettings, SplitSettings)>),
    /// The pre-trained model.
    Model(ModelChoice),
    /// The pre-trained model, with the hyperparameters that suit it, as one edit.
    ModelAndTraining(Box<(ModelChoice, TrainingSettings)>),
    /// Hyperparameters.
    Training(TrainingSettings),
    /// Corrections of rows; `None` removes a correction.
    Rows(Vec<(RowId, Option<RowEdit>)>),
    /// The project as it was in an earlier version.
    Restore(Box<Project>),
}

impl Edit {
    /// What the edit changes, for the title of "Undo". The files as read give a row its name.
    #[must_use]
    pub fn title(&self, imported: Option<&Imported>) -> String {
        let title = match self {
            Self::Name(_) => "project name",
            Self::Dataset(_) => "data settings",
            Self::Task(_) => "task settings",
            Self::Labels(_) => "labels",
            Self::Cleaning(_) => "cleaning",
            Self::Patterns(_) => "patterns",
            Self::Split(_) | Self::Divide(_) => "split",
            Self::Model(_) | Self::ModelAndTraining(_) => "model",
            Self::Training(_) => "training settings",
            Self::Rows(rows) => return rows_title(rows, imported),
            Self::Restore(_) => "restored version",
        };
        title.to_owned()
    }

    /// The step where the change shows; `None` if that is the page where it was made.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Dataset(_) => Some(Step::Data),
            Self::Labels(_) => Some(Step::Labels),
            Self::Cleaning(_) | Self::Patterns(_) | Self::Split(_) | Self::Divide(_) => Some(Step::Prepare),
            Self::Task(_) | Self::Model(_) | Self::ModelAndTraining(_) | Self::Training(_) => Some(Step::Model),
            Self::Name(_) | Self::Rows(_) | Self::Restore(_) => None,
        }
    }

    /// Whether several in quick succession are undone together: typing a name, dragging a slider. Decisions are undone
    /// one by one.
    #[must_use]
    pub fn coalesces(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Patterns(_) | Self::Split(_) | Self::Training(_) | Self::Task(_))
    }
}

/// "correction of row 742", or of how many rows.
fn rows_title(rows: &[(RowId, Option<RowEdit>)], imported: Option<&Imported>) -> String {
    let only = match rows {
        [(id, _)] => imported.map(|imported| imported.row_name(*id)),
        _ => None,
    };
    let what = only.unwrap_or_else(|| counted(rows.len(), "row", "rows"));
    format!("correction of {what}")
}

/// Which file or folder to ask the person for, and what to use it for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The main data file, or several that make one table.
    MainFile,
    /// Files to append to the main one.
    MoreFiles,
    /// A folder as the main file.
    MainFolder,
    /// A separate validation file.
    ValidationFile,
    /// A separate test file.
    TestFile,
    /// Where to write the rows that could not be read.
    BadRows,
    /// A project to open.
    Project,
    /// Data files to start a new project with.
    NewData,
    /// Where to write a copy of the project.
    Duplicate,
    /// Where to create a new project.
    NewFolder,
    /// A local Hugging Face folder to start from.
    ModelFolder,
    /// A GGUF file to turn into a model folder.
    ModelFile,
    /// Where to export to.
    ExportTo(ExportFormat),
    /// Where to write a report on the shown run.
    Report,
    /// Where to save the curves of runs.
    Curves(CurvesFile),
    /// A labelled file to evaluate the model on.
    EvaluateFile,
    /// A file whose rows are to be labelled.
    FileToLabel,
    /// Where to write labelled rows.
    LabelledOutput(LabelledOutput),
}

/// Curves to save, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurvesFile {
    /// Folders of the runs.
    pub runs: Vec<PathBuf>,
    /// What to write.
    pub format: CurvesFormat,
}

/// How labelled rows are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledOutput {
    /// The name to suggest.
    pub name: String,
    /// Least confidence, in percent, with which a row gets its label.
    pub least_percent: Option<u8>,
}

/// A command of a step.
#[allow(clippy::large_enum_variant, reason = "a few at a time, none of them kept")]
#[derive(Clone, Debug, PartialEq)]
pub enum AppCommand {
    /// Change the project.
    Edit(Edit),
    /// Show a step.
    GoTo(Step),
    /// Run a command of the menus (train, pause, stop, undo, save, ...).
    User(UserCommand),
    /// Ask for a file or folder and use it.
    Pick(Pick),
    /// Use this as the main data file, and guess its columns.
    OpenData(PathBuf),
    /// Use these together as the main data.
    OpenFiles(Vec<PathBuf>),
    /// Append these to the main data file.
    AddFiles(Vec<PathBuf>),
    /// Read the data files again, since they have changed.
    ReadAgain,
    /// Search the prepared rows; the answer comes in `Answers::found`.
    FindRows(Box<RowQuery>),
    /// Count a column's values; the answer comes in `Answers::values`.
    CountValues(String),
    /// Count the texts' tokens for the model in this folder; the answer comes in `Answers::tokens`.
    CountTokens(PathBuf),
    /// Stop counting tokens.
    StopCountingTokens,
    /// Count a text's tokens for the model in this folder; the answer comes in `Answers::text_tokens`.
    CountTextTokens(String, PathBuf),
    /// Find problems of the rows; the answer comes in `Answers::findings`.
    FindProblems,
    /// Stop finding problems.
    StopLooking,
    /// Open the project in this folder (or this `project.ron`).
    OpenProject(PathBuf),
    /// Download a model of the catalogue or of the Hugging Face Hub.
    FetchModel(ModelChoice),
    /// Stop the download.
    StopFetch,
    /// Search the Hugging Face Hub for these words; the answer comes in `Answers::hub_search`.
    SearchHub(String),
    /// Stop the search.
    StopSearchingHub,
    /// Turn a GGUF file into a model folder, and choose it.
    ConvertModel(PathBuf),
    /// Stop the conversion.
    StopConverting,
    /// Look a model of the Hub up, and choose it as it is now.
    UseHubModel(HubName),
    /// Stop looking it up.
    StopLookingUp,
    /// Estimate the time, memory and disk space of a run.
    DryRun,
    /// Stop the estimate.
    StopDryRun,
    /// Estimate a run for each way to train.
    CompareWays,
    /// Stop these estimates.
    StopComparingWays,
    /// Stop preparing the rows.
    StopPreparing,
    /// Stop comparing texts and looking for leakage.
    StopComparing,
    /// Compare the texts after all.
    CompareAgain,
    /// Show a finished run of this project.
    LoadRun(PathBuf),
    /// Evaluate the shown run on another labelled file.
    Evaluate(PathBuf),
    /// Look for training rows that the shown run gets wrong; the answer comes in `Answers::training_mistakes`.
    CheckTrainingRows,
    /// Compare the slices of the shown run's rows; the answer comes in `Answers::slices`.
    CompareSlices,
    /// Export the shown run's model.
    Export {
        /// The format.
        format: ExportFormat,
        /// The folder or file to write. It must not exist, or be an empty folder.
        output: PathBuf,
    },
    /// Write a report on the shown run to this file.
    SaveReport(PathBuf),
    /// Go on with this interrupted run.
    Resume(RunFolder),
    /// Stop the export, prediction, check or evaluation that is running.
    StopJob,
    /// Predict the labels of texts with the shown run's model; the answer comes in `Answers::classify`.
    Classify(Vec<String>),
    /// Fill the blanks of a text with the shown run's model; the answer comes in `Answers::blanks`.
    FillBlanks(String),
    /// Continue a text with the shown run's model; the answer comes in `Answers::continued`.
    ContinueText {
        /// The text.
        text: String,
        /// How tokens are chosen.
        sampling: Sampling,
    },
    /// Stop continuing the text.
    StopContinuing,
    /// Find the terms of the texts, for the model in this folder; the answer comes in `Answers::terms`.
    FindTerms(PathBuf),
    /// Stop finding terms.
    StopFindingTerms,
    /// Read a file whose rows are to be labelled; the answer comes in `Answers::to_label`.
    ReadToLabel(Box<ReadToLabel>),
    /// Predict the label of every row of that file with the shown run's model; the answer comes in `Answers::labelled`.
    LabelRows,
    /// Do something with studies.
    Studies(StudiesCommand),
    /// Do something with runs.
    Runs(RunsCommand),
    /// Show a file or folder in the system's file manager.
    Reveal(PathBuf),
    /// Put rows of a table on the clipboard.
    CopyRows {
        /// The text to copy.
        text: String,
        /// How many rows it has.
        rows: usize,
    },
    /// Keep the columns of a table as the person arranged them.
    KeepTable(String, TableLayout),
    /// Show a message that stays in the notifications.
    Notify(Notice),
}

/// Collects the commands of a step; the app carries them out after the frame is drawn.
#[derive(Debug, Default)]
pub struct CommandSender {
    queue: Vec<AppCommand>,
}

impl CommandSender {
    /// Sends a command.
    pub fn send(&mut self, command: AppCommand) {
        self.queue.push(command);
    }

    /// Sends an edit of the project.
    pub fn edit(&mut self, edit: Edit) {
        self.send(AppCommand::Edit(edit));
    }

    /// Sends a command of the menus.
    pub fn user(&mut self, command: UserCommand) {
        self.send(AppCommand::User(command));
    }

    /// Removes and returns the commands, in order.
    pub fn take(&mut self) -> Vec<AppCommand> {
        std::mem::take(&mut self.queue)
    }
}
