//! Jobs that label the rows of a file with a trained model: reading the file, predicting its rows, and writing them.

use std::borrow::Cow;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{self, ImportedFile, guessed_text};
use crate::evaluation::ClassAnswer;
use crate::export::{LabelledTable, TableFormat, Written, write_labelled};
use crate::predictor::{Predictor, Probabilities};
use crate::project::{DatasetSettings, SourceFile};
use crate::storage::{ModelFolderInfo, PROJECT_FILE, RunFolder, StorageError, check_output, write_atomic, write_new};
use crate::words::{count, counted, full_stop, lower_first};
use crate::worker::other_file::{OtherFile, text_column};
use crate::worker::{Context, Job, JobError, LogLevel};

/// Reads a file whose rows are to be labelled.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadToLabel {
    /// Model folder in the Hugging Face format: a run's `best/`, or an export.
    pub model: PathBuf,
    /// The file, or a folder.
    pub input: PathBuf,
    /// How to read it; what it leaves open is read as in the project, or else detected. Its columns are not used.
    pub reading: DatasetSettings,
    /// Text column; `None` means the one that the model was trained on.
    pub text_column: Option<String>,
    /// Whether the column that looks like the text is read if the one the model was trained on is missing.
    pub may_guess: bool,
}

/// A file whose rows can be labelled.
#[derive(Clone, Debug)]
pub struct FileToLabel {
    /// What was read, and how it was asked for.
    pub asked: ReadToLabel,
    /// The file as read.
    pub file: ImportedFile,
    /// The columns that make up the text, in order; or why the file does not have them.
    pub columns: Result<Vec<usize>, String>,
    /// What a person should know before the rows are labelled, each in a sentence.
    pub notes: Vec<String>,
}

impl FileToLabel {
    /// Index of the text column.
    #[must_use]
    pub fn text_column(&self) -> Option<usize> {
        self.columns.as_ref().ok()?.last().copied()
    }

    /// The text of a row, as the model reads it before cleaning; empty if the columns are missing.
    #[must_use]
    pub fn text(&self, row: usize) -> Cow<'_, str> {
        let columns = self.columns.as_deref().unwrap_or_default();
        data::join_texts(columns.iter().map(|&column| self.file.table.cell(column, row)))
    }
}

impl Job for ReadToLabel {
    type Answer = Arc<FileToLabel>;
    const TITLE: &'static str = "Reading the file";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let info = Predictor::info_of(&self.model)?;
        let (named, own) = (self.text_column.as_deref(), project_data(&self.model));
        let text = named.unwrap_or(&info.text_column);
        let file = OtherFile { path: &self.input, part: SourceFile::Main, asked: &self.reading, own: &own };
        let imported = context.read_other(&file, |table| table.column_like(text).is_some())?;
        let is_missing = named.is_none() && imported.table.column_like(text).is_none();
        let guessed = guessed_text(&imported.table).filter(|_| self.may_guess && is_missing);
        let (columns, missing) = read_columns(&info, named.or(guessed.as_deref()), &imported);
        let guessed = guessed.map(|guess| guess_note(text, &guess));
        let notes: Vec<String> = bad_rows_note(&imported).into_iter().chain(guessed).chain(missing).collect();
        for note in &notes {
            context.log(LogLevel::Warning, note.clone());
        }
        Ok(Arc::new(FileToLabel { asked: self, file: imported, columns, notes }))
    }
}

/// Says which column is read in place of the one the model was trained on.
fn guess_note(text: &str, guess: &str) -> String {
    let trained = if text.is_empty() { String::new() } else { format!("There is no column '{text}'. ") };
    format!(
        "{trained}Hone reads the texts from '{guess}', which looks like them. If they are elsewhere, choose another column."
    )
}

/// Which records of a file could not be used.
pub(super) fn bad_rows_note(file: &ImportedFile) -> Option<String> {
    let first = file.bad_rows.first()?;
    let rows = counted(file.bad_rows.len(), "row", "rows");
    let (line, reason) = (first.line, lower_first(&first.reason));
    let message = format!("{rows} could not be read and will be skipped. The first is on line {line}: {reason}");
    Some(full_stop(&message))
}

/// The columns that the model reads, in order: those it was trained on; or why they are not there. If the text column is
/// given, a missing title column is skipped, which the second value says.
fn read_columns(
    info: &ModelFolderInfo,
    named: Option<&str>,
    file: &ImportedFile,
) -> (Result<Vec<usize>, String>, Option<String>) {
    let (text, table) = (named.unwrap_or(&info.text_column), &file.table);
    if text.is_empty() {
        let message = "The model does not say which column it was trained on. Name the text column (--text).";
        return (Err(message.to_owned()), None);
    }
    let (mut columns, mut note) = (Vec::new(), None);
    for joined in info.joined_columns.iter().filter(|joined| *joined != text) {
        let (path, has) = (file.path.display(), table.names.join(", "));
        match table.column_like(joined) {
            Some(column) => columns.push(column),
            None if named.is_some() => {
                note = Some(format!("{path} has no column '{joined}', which was prepended to the text in training."));
            }
            None => {
                let message = format!(
                    "{path} has no column '{joined}', which was prepended to the text in '{text}' in training. Its \
                     columns: {has}. Add the column (cells can be empty), or name the text column (--text) to predict without it."
                );
                return (Err(message), None);
            }
        }
    }
    match text_column(file, text) {
        Ok(column) => columns.push(column),
        Err(JobError::Failed(message)) => return (Err(message), None),
        Err(JobError::Cancelled) => return (Err("Reading the file was stopped.".to_owned()), None),
    }
    (Ok(columns), note)
}

/// Predicts the label of every row of a file.
#[derive(Clone, Debug)]
pub struct LabelRows {
    /// The file.
    pub file: Arc<FileToLabel>,
    /// Which probabilities the rows get.
    pub probabilities: Probabilities,
}

/// The rows of a file with their predictions, not written yet.
#[derive(Clone, Debug)]
pub struct LabelledRows {
    /// The file.
    pub file: Arc<FileToLabel>,
    /// Label names in class-id order.
    pub labels: Vec<String>,
    /// The prediction for each row; `None` for a row with no text left after cleaning.
    pub answers: Vec<Option<ClassAnswer>>,
    /// Number of texts that were truncated.
    pub truncated: u64,
    /// The most tokens of a text that the model read.
    pub max_length: usize,
    /// The temperature of the probabilities; `None` if they are not calibrated.
    pub temperature: Option<f64>,
}

/// Numbers of rows by their label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelledCounts {
    /// Number of rows with each label, in class-id order.
    pub labels: Vec<u64>,
    /// Number of rows below the confidence threshold.
    pub undecided: u64,
    /// Number of rows without a prediction, because no text is left after cleaning.
    pub empty: u64,
}

impl LabelledCounts {
    /// Number of rows with a prediction.
    #[must_use]
    pub fn predicted(&self) -> u64 {
        self.labels.iter().sum::<u64>() + self.undecided
    }
}

/// From so many rows on, it is odd that all of them get the same label.
const MANY_ROWS: usize = 10;

impl Job for LabelRows {
    type Answer = Arc<LabelledRows>;
    const TITLE: &'static str = "Predicting";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let Self { file, probabilities } = self;
        if let Err(message) = &file.columns {
            return Err(JobError::Failed(message.clone()));
        }
        let model = context.model(&file.asked.model)?;
        model.check_labels()?;
        let texts: Vec<Cow<'_, str>> = (0..file.file.table.len()).map(|row| file.text(row)).collect();
        let (answers, truncated) = context.classes(&model, &texts, probabilities)?;
        drop(texts);
        Ok(Arc::new(LabelledRows {
            labels: model.labels().to_vec(),
            answers,
            truncated: truncated as u64,
            max_length: model.max_length(),
            temperature: model.temperature(probabilities),
            file,
        }))
    }
}

impl LabelledRows {
    /// Counts the rows of each label with a confidence threshold.
    #[must_use]
    pub fn counts(&self, threshold: Option<f32>) -> LabelledCounts {
        let mut counts = LabelledCounts { labels: vec![0; self.labels.len()], ..LabelledCounts::default() };
        for answer in &self.answers {
            match answer {
                None => counts.empty += 1,
                Some(answer) if answer.is_decided(threshold) => counts.labels[answer.predicted as usize] += 1,
                Some(_) => counts.undecided += 1,
            }
        }
        counts
    }

    /// The rows with a prediction, the least confident first.
    #[must_use]
    pub fn least_confident_first(&self) -> Vec<usize> {
        let confidence = |row: usize| self.answers[row].as_ref().map(ClassAnswer::confidence);
        let mut rows: Vec<(usize, f32)> =
            (0..self.answers.len()).filter_map(|row| Some((row, confidence(row)?))).collect();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        rows.into_iter().map(|(row, _)| row).collect()
    }

    /// The label of all rows, if there are many and they got the same.
    #[must_use]
    pub fn only_label(&self) -> Option<&str> {
        let mut classes = self.answers.iter().flatten().map(|class| class.predicted);
        let first = classes.next()?;
        let same = self.answers.len() >= MANY_ROWS && classes.all(|class| class == first);
        same.then(|| self.labels[first as usize].as_str())
    }

    /// What a person should know about the predictions, each in a sentence.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let empty = self.answers.iter().filter(|answer| answer.is_none()).count();
        let empty = (empty > 0).then(|| {
            let rows = counted(empty, "row has", "rows have");
            format!("{rows} no text left after cleaning, and so no prediction.")
        });
        let truncated = (self.truncated > 0).then(|| {
            let texts = counted(self.truncated, "text was", "texts were");
            format!("{texts} longer than {} tokens: the model did not read the end.", count(self.max_length as u64))
        });
        let only = self.only_label().map(|label| {
            format!(
                "Every row got the label '{label}'. Check that the text column is the right one, that the texts are like those \
                 the model was trained on, and that it was trained long enough."
            )
        });
        let parts = &self.file.file.other_parts;
        let parts = (!parts.is_empty()).then(|| {
            format!(
                "These are the rows of the folder's training part. It also has rows for {}: to predict those, give their files.",
                data::parts_in_words(parts)
            )
        });
        [parts, empty, truncated, only].into_iter().flatten().collect()
    }
}

/// Writes labelled rows to a file: its columns, then the predicted label and a probability for each label.
#[derive(Clone, Debug)]
pub struct SaveLabelledRows {
    /// The rows.
    pub rows: Arc<LabelledRows>,
    /// The file to write; its name chooses the format, see [`TableFormat::of`].
    pub output: PathBuf,
    /// Whether a file with that name may be replaced.
    pub may_replace: bool,
    /// Least confidence with which a row gets its label.
    pub threshold: Option<f32>,
    /// Whether a CSV is written for programs: no byte order mark, and cells as they are, see [`crate::export::harmless`].
    pub raw: bool,
}

/// The file with predictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedPredictions {
    /// The file.
    pub path: PathBuf,
    /// Numbers of rows.
    pub counts: LabelledCounts,
    /// Number of cells that were cut, because a spreadsheet has no longer ones.
    pub cut_cells: u64,
}

impl SavedPredictions {
    /// What a person should know about the file, in a sentence.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let cells = counted(self.cut_cells, "cell was", "cells were");
        (self.cut_cells > 0).then(|| {
            format!("{cells} cut to 32,767 characters, the most a spreadsheet cell can hold. CSV and Parquet keep them whole.")
        })
    }
}

impl Job for SaveLabelledRows {
    type Answer = SavedPredictions;
    const TITLE: &'static str = "Saving the predictions";

    fn run(self, context: &mut Context<'_>) -> Result<SavedPredictions, JobError> {
        let Self { rows, output, may_replace, threshold, raw } = self;
        let asked = &rows.file.asked;
        let format = check_labelled_output(&asked.model, &asked.input, &output, may_replace)?;
        let (table, labels, answers) = (&rows.file.file.table, &rows.labels[..], &rows.answers[..]);
        let labelled = LabelledTable { table, labels, answers, threshold };
        let mut written = Written::default();
        let result = context.watched(|watch| {
            let write = |file: &mut BufWriter<&File>| {
                written = write_labelled(&labelled, (format, raw), file, watch)?;
                Ok(())
            };
            // Something may have got that name meanwhile.
            if may_replace { write_atomic(&output, write) } else { write_new(&output, write) }
        });
        if result.is_err() {
            context.control.look()?;
        }
        result.map_err(|source| StorageError::Io { action: "write", path: output.clone(), source })?;
        Ok(SavedPredictions { path: output, counts: rows.counts(threshold), cut_cells: written.cut_cells })
    }
}

/// Checks that predictions can be written to a file without harm, and returns their format.
///
/// # Errors
/// If Hone does not write that format; if the file is the input, a project, a data file of the model's project or inside a
/// run, none of which is ever overwritten; or if it exists, unless `may_replace`.
pub fn check_labelled_output(
    model: &Path,
    input: &Path,
    output: &Path,
    may_replace: bool,
) -> Result<TableFormat, JobError> {
    let format = TableFormat::of(output).map_err(|extension| {
        let name = output.display();
        JobError::Failed(format!(
            "Predictions are written as CSV, XLSX or Parquet, but '{name}' ends in .{extension}. Choose a name that ends in \
             .csv, .xlsx or .parquet."
        ))
    })?;
    refuse_precious_file(model, input, output)?;
    check_output(output, may_replace)?;
    Ok(format)
}

/// Fails if the output is a data file or a project: neither the input, nor the model's training files, nor a project is
/// ever overwritten.
fn refuse_precious_file(model: &Path, input: &Path, output: &Path) -> Result<(), JobError> {
    let same = |other: &Path| matches!((other.canonicalize(), output.canonicalize()), (Ok(a), Ok(b)) if a == b);
    let what = if same(input) {
        "the input file"
    } else if output.file_name().is_some_and(|name| name == PROJECT_FILE) {
        "a project"
    } else if project_data(model).files().any(|file| same(file)) {
        "a data file of the project"
    } else {
        return Ok(());
    };
    Err(JobError::Failed(format!("{} is {what}. Choose another output file.", output.display())))
}

/// The data of the run that a model folder belongs to; none for a model from elsewhere.
fn project_data(model: &Path) -> DatasetSettings {
    let settings = model.parent().and_then(|run| RunFolder::open(run).ok()?.read_settings().ok());
    settings.map(|settings| settings.project.dataset).unwrap_or_default()
}
