//! Jobs that predict with a trained model: the rows of a file, or typed texts.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{self, ImportedFile, Table};
use crate::evaluation::ClassAnswer;
use crate::export::harmless;
use crate::predictor::{Answers, Predictor};
use crate::project::{DatasetSettings, SourceFile};
use crate::storage::{ModelFolderInfo, PROJECT_FILE, RunFolder, StorageError, check_output, write_atomic, write_new};
use crate::words::{count, counted, full_stop, lower_first};

use crate::worker::other_file::{OtherFile, text_column};
use crate::worker::{Context, Job, JobError, LogLevel};

impl Context<'_> {
    /// The model in `folder`, kept from before if the folder's weights are still the same file.
    pub(super) fn model(&mut self, folder: &Path) -> Result<Arc<Predictor>, JobError> {
        let stamp = std::fs::metadata(folder.join("model.safetensors")).and_then(|file| file.modified()).ok();
        if let Some((cached_folder, cached_stamp, model)) = &self.cache.model.0
            && cached_folder == folder
            && *cached_stamp == stamp
            && stamp.is_some()
        {
            return Ok(Arc::clone(model));
        }
        self.cache.model.forget();
        let model = Arc::new(Predictor::load(folder)?);
        self.cache.model.0 = Some((folder.to_owned(), stamp, Arc::clone(&model)));
        Ok(model)
    }

    /// Logs which records of a file could not be used.
    pub(super) fn log_bad_rows(&self, file: &ImportedFile) {
        if let Some(first) = file.bad_rows.first() {
            let rows = counted(file.bad_rows.len(), "row", "rows");
            let (line, reason) = (first.line, lower_first(&first.reason));
            let message =
                format!("{rows} could not be read and will be skipped. The first is on line {line}: {reason}");
            self.log(LogLevel::Warning, full_stop(&message));
        }
    }
}

/// Predicts the labels of texts typed by a person.
#[derive(Clone, Debug)]
pub struct Classify {
    /// Model folder in the Hugging Face format.
    pub model: PathBuf,
    /// The texts; they are cleaned as the training texts were.
    pub texts: Vec<String>,
}

/// Predictions for some texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Classified {
    /// The texts.
    pub texts: Vec<String>,
    /// Label names in class-id order.
    pub labels: Vec<String>,
    /// Probabilities, `[texts][labels]`; empty for a text with nothing left after cleaning.
    pub probabilities: Vec<Vec<f32>>,
}

impl Job for Classify {
    type Answer = Classified;
    const TITLE: &'static str = "Predicting";

    fn run(self, context: &mut Context<'_>) -> Result<Classified, JobError> {
        let model = context.model(&self.model)?;
        let (answers, _) = classes(context, &model, &self.texts)?;
        let probabilities = answers.into_iter().map(|class| class.map(|class| class.probabilities).unwrap_or_default());
        Ok(Classified { texts: self.texts, labels: model.labels().to_vec(), probabilities: probabilities.collect() })
    }
}

/// The predicted classes of raw texts, `None` for a text with nothing left after cleaning; and how many texts were
/// truncated.
fn classes<T: AsRef<str> + Sync>(
    context: &mut Context<'_>,
    model: &Predictor,
    texts: &[T],
) -> Result<(Vec<Option<ClassAnswer>>, usize), JobError> {
    let Answers { answers, truncated } = context.watched(|watch| model.answer(texts, watch))?;
    let classes = answers.into_iter().map(|answer| answer.and_then(|answer| answer.class().cloned())).collect();
    Ok((classes, truncated))
}

/// Predicts the label of every row of a file and writes a CSV.
#[derive(Clone, Debug)]
pub struct PredictFile {
    /// Model folder in the Hugging Face format: a run's `best/`, or an export.
    pub model: PathBuf,
    /// File with a text column.
    pub input: PathBuf,
    /// How to read the file; what it leaves open is read as in the project, or else detected. Its columns are not used.
    pub reading: DatasetSettings,
    /// Text column; `None` means the one that the model was trained on.
    pub text_column: Option<String>,
    /// CSV file to write: the input's columns, then `predicted` and a `probability_<label>` for each label.
    pub output: PathBuf,
    /// Whether a file with that name may be replaced.
    pub may_replace: bool,
    /// Whether cells that a spreadsheet would run as formulas are written as they are, see [`harmless`].
    pub raw: bool,
}

/// The file with predictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedPredictions {
    /// The file.
    pub path: PathBuf,
    /// Number of rows with a prediction.
    pub rows: u64,
    /// Number of rows without a prediction, because their text is empty.
    pub empty: u64,
    /// Number of texts that were truncated.
    pub truncated: u64,
    /// The most tokens of a text that the model read.
    pub max_length: usize,
    /// The label, if all of many rows got the same.
    pub only_label: Option<String>,
    /// Parts of the folder whose rows are not among these, if it has several.
    pub other_parts: Vec<SourceFile>,
}

/// From so many rows on, it is odd that all of them get the same label.
const MANY_ROWS: usize = 10;

impl SavedPredictions {
    /// What a person should know about the predictions, each in a sentence.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let empty = (self.empty > 0).then(|| {
            let rows = counted(self.empty, "row has", "rows have");
            format!("{rows} no text left after cleaning, and so no prediction.")
        });
        let truncated = (self.truncated > 0).then(|| {
            let texts = counted(self.truncated, "text was", "texts were");
            format!("{texts} longer than {} tokens: the model did not read the end.", count(self.max_length as u64))
        });
        let only = self.only_label.as_ref().map(|label| {
            format!(
                "Every row got the label '{label}'. Check that the text column is the right one, that the texts are like those \
                 the model was trained on, and that it was trained long enough."
            )
        });
        let parts = (!self.other_parts.is_empty()).then(|| {
            format!(
                "These are the rows of the folder's training part. It also has rows for {}: to predict those, give their files.",
                data::parts_in_words(&self.other_parts)
            )
        });
        [parts, empty, truncated, only].into_iter().flatten().collect()
    }
}

impl Job for PredictFile {
    type Answer = SavedPredictions;
    const TITLE: &'static str = "Predicting";

    fn run(self, context: &mut Context<'_>) -> Result<SavedPredictions, JobError> {
        let Self { model: folder, input, reading, text_column, output, may_replace, raw } = self;
        refuse_precious_file(&folder, &input, &output)?;
        check_output(&output, may_replace)?;
        let model = context.model(&folder)?;
        model.check_labels()?;
        let (named, own) = (text_column.as_deref(), project_data(&folder));
        let text = named.unwrap_or(&model.info().text_column);
        let file = OtherFile { path: &input, part: SourceFile::Main, asked: &reading, own: &own };
        let imported = context.read_other(&file, |table| table.column_like(text).is_some())?;
        context.log_bad_rows(&imported);
        let table = &imported.table;
        let columns = read_columns(context, model.info(), named, &imported)?;
        let text = |row| data::join_texts(columns.iter().map(|&column| table.cell(column, row)));
        let texts: Vec<Cow<'_, str>> = (0..table.len()).map(text).collect();
        let (answers, truncated) = classes(context, &model, &texts)?;
        let labels = model.labels();
        let write = |file: &mut BufWriter<&File>| write_predictions(file, table, labels, &answers, raw);
        // Something may have got that name meanwhile.
        let written = if may_replace { write_atomic(&output, write) } else { write_new(&output, write) };
        written.map_err(|source| StorageError::Io { action: "write", path: output.clone(), source })?;
        let empty = answers.iter().filter(|answer| answer.is_none()).count();
        Ok(SavedPredictions {
            path: output,
            rows: (table.len() - empty) as u64,
            empty: empty as u64,
            truncated: truncated as u64,
            max_length: model.max_length(),
            other_parts: imported.other_parts.clone(),
            only_label: only_class(&answers).map(|class| labels[class as usize].clone()),
        })
    }
}

/// The class of all rows, if there are many and they got the same.
fn only_class(answers: &[Option<ClassAnswer>]) -> Option<u32> {
    let mut classes = answers.iter().flatten().map(|class| class.predicted);
    let first = classes.next()?;
    (answers.len() >= MANY_ROWS && classes.all(|class| class == first)).then_some(first)
}

/// The columns that the model reads, in order: those it was trained on. If the text column is given, a missing title
/// column is left out; otherwise a missing column is an error.
fn read_columns(
    context: &mut Context<'_>,
    info: &ModelFolderInfo,
    named: Option<&str>,
    file: &ImportedFile,
) -> Result<Vec<usize>, JobError> {
    let (text, table) = (named.unwrap_or(&info.text_column), &file.table);
    if text.is_empty() {
        let message = "The model does not say which column it was trained on. Name the text column (--text).";
        return Err(JobError::Failed(message.to_owned()));
    }
    let mut columns = Vec::new();
    for joined in info.joined_columns.iter().filter(|joined| *joined != text) {
        let (path, has) = (file.path.display(), table.names.join(", "));
        match table.column_like(joined) {
            Some(column) => columns.push(column),
            None if named.is_some() => {
                let message = format!("{path} has no column '{joined}', which was prepended to the text in training.");
                context.log(LogLevel::Warning, message);
            }
            None => {
                return Err(JobError::Failed(format!(
                    "{path} has no column '{joined}', which was prepended to the text in '{text}' in training. Its \
                     columns: {has}. Add the column (cells can be empty), or name the text column (--text) to predict without it."
                )));
            }
        }
    }
    columns.push(text_column(file, text)?);
    Ok(columns)
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

/// Writes the input's columns, then `predicted` and a probability for each label.
fn write_predictions(
    file: impl io::Write,
    table: &Table,
    labels: &[String],
    answers: &[Option<ClassAnswer>],
    raw: bool,
) -> io::Result<()> {
    let written = |cell: &str| if raw { cell.to_owned() } else { harmless(cell).into_owned() };
    let mut names = table.names.clone();
    let wanted =
        std::iter::once("predicted".to_owned()).chain(labels.iter().map(|label| format!("probability_{label}")));
    for name in wanted {
        let free = free_name(&names, name);
        names.push(free);
    }
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(names.iter().map(|name| written(name)))?;
    for (row, answer) in answers.iter().enumerate() {
        let mut record: Vec<String> = (0..table.columns.len()).map(|column| written(table.cell(column, row))).collect();
        match answer {
            None => record.resize(names.len(), String::new()),
            Some(class) => {
                record.push(written(&labels[class.predicted as usize]));
                record.extend(class.probabilities.iter().map(|probability| format!("{probability:.6}")));
            }
        }
        writer.write_record(&record)?;
    }
    writer.flush()
}

/// The name, with a number if the input already has such a column (in a file with earlier predictions).
fn free_name(names: &[String], name: String) -> String {
    if !names.contains(&name) {
        return name;
    }
    // One more number than there are names, so one is free.
    let mut numbered = (2..names.len() + 3).map(|number| format!("{name}_{number}"));
    numbered.find(|free| !names.contains(free)).unwrap_or(name)
}
