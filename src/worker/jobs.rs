//! What each command does: a few lines each, over the other rooms.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::data::{self, DataError, Imported, Prepared, TextTokenizer, TokenHistogram};
use crate::export::{self, ExportError, ExportFormat, Exported};
use crate::fetch::{self, Catalogue, FetchError};
use crate::models::{Compute, LoadOptions, Model, ModelError};
use crate::predictor::PredictorError;
use crate::progress::{Control, Watch};
use crate::project::{DatasetSettings, DeviceChoice, ModelChoice, Precision, Project};
use crate::storage::{RunFolder, StorageError};
use crate::training::{self, StepBench, TrainError};

use crate::worker::dataset::SharedData;
use crate::worker::findings::{self, KeptLengths};
use crate::worker::labelling::KeptModel;
use crate::worker::reporter::Reporter;
use crate::worker::{Answer, Command, LogLevel, Profile, Survey, labelling, runs, survey};

/// What a job is given.
pub(super) struct Context<'a> {
    /// Stop and pause switches.
    pub control: &'a Control,
    /// Where it speaks.
    pub reporter: &'a mut Reporter,
    /// What earlier jobs left.
    pub kept: &'a mut Kept,
}

/// Most texts whose tokens are counted: some ten seconds' work on two cores.
pub(super) const COUNTED: usize = 200_000;
/// Most values of a column that are offered.
const VALUES: usize = 50;

/// What is kept from one job for the next.
#[derive(Default)]
pub(super) struct Kept {
    pub data: SharedData,
    pub model: KeptModel,
    pub lengths: KeptLengths,
    /// The tokenizer read last, and the model's folder.
    pub tokenizer: Option<(PathBuf, Arc<TextTokenizer>)>,
}

/// Why a job ended without an answer of its own.
#[derive(Debug)]
pub(super) enum JobError {
    /// It was told to stop.
    Cancelled,
    /// What happened, why, and what to do next.
    Failed(String),
}

impl JobError {
    /// An error as a sentence: the other rooms' begin small where they can stand inside another.
    pub fn failed(error: impl std::error::Error) -> Self {
        Self::sentence(error.to_string())
    }

    fn sentence(message: String) -> Self {
        let first_word = message.split(' ').next().unwrap_or_default();
        if !first_word.chars().all(char::is_alphabetic) {
            return Self::Failed(message);
        }
        let mut rest = message.chars();
        Self::Failed(rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect())
    }
}

impl From<DataError> for JobError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Cancelled => Self::Cancelled,
            other => Self::failed(other),
        }
    }
}

impl From<FetchError> for JobError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Cancelled => Self::Cancelled,
            other => Self::failed(other),
        }
    }
}

impl From<ExportError> for JobError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Cancelled => Self::Cancelled,
            other => Self::failed(other),
        }
    }
}

impl From<PredictorError> for JobError {
    fn from(error: PredictorError) -> Self {
        match error {
            PredictorError::Cancelled => Self::Cancelled,
            other => Self::failed(other),
        }
    }
}

impl From<TrainError> for JobError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Cancelled => Self::Cancelled,
            other => Self::failed(other),
        }
    }
}

impl From<StorageError> for JobError {
    fn from(error: StorageError) -> Self {
        Self::failed(error)
    }
}

impl From<ModelError> for JobError {
    fn from(error: ModelError) -> Self {
        Self::failed(error)
    }
}

impl Context<'_> {
    /// Runs a long function of another room with this job's switches and voice.
    pub fn watched<T>(&mut self, work: impl FnOnce(&mut Watch<'_>) -> T) -> T {
        let reporter = &mut *self.reporter;
        work(&mut Watch { control: self.control, report: &mut |progress| reporter.progress(progress) })
    }
}

impl Context<'_> {
    /// The tokenizer of a model, kept from before if it is of the same folder.
    pub fn tokenizer(&mut self, folder: &Path) -> Result<Arc<TextTokenizer>, JobError> {
        if let Some((_, tokenizer)) = self.kept.tokenizer.as_ref().filter(|(kept, _)| kept == folder) {
            return Ok(Arc::clone(tokenizer));
        }
        let tokenizer = Arc::new(TextTokenizer::load(folder)?);
        self.kept.tokenizer = Some((folder.to_owned(), Arc::clone(&tokenizer)));
        Ok(tokenizer)
    }
}

/// A person's data file is never written over.
fn refuse_data_file(imported: &Imported, output: &Path) -> Result<(), JobError> {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut parts = imported.files().flat_map(|file| &file.parts);
    if parts.any(|part| real(output).starts_with(real(&part.path))) {
        let message = format!("{} is a data file of the project. Choose another name.", output.display());
        return Err(JobError::Failed(message));
    }
    Ok(())
}

/// Runs a command to its final answer.
pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<Answer, JobError> {
    match command {
        Command::Import { project, folder } => context.import(&project, &folder).map(Answer::Imported),
        Command::Prepare { project, imported } => prepare(context, &project, &imported),
        Command::SaveBadRows { imported, output } => {
            refuse_data_file(&imported, &output)?;
            let rows = export::write_bad_rows(&imported, &output).map_err(JobError::failed)?;
            Ok(Answer::BadRowsSaved { path: output, rows })
        }
        Command::CompareTexts { prepared } => Ok(Answer::TextsCompared(Arc::new(context.likeness(&prepared)?))),
        Command::CountLabels { dataset, imported } => {
            let counts = data::count_labels(&imported, &dataset, context.control)?;
            Ok(Answer::LabelsCounted(Arc::new(counts)))
        }
        Command::FindLeaks { project, imported, prepared } => {
            Ok(Answer::LeaksFound(Arc::new(context.leaks(&project, &imported, &prepared)?)))
        }
        Command::FindProblems { project, folder, imported, prepared, likeness } => {
            findings::find_problems(context, (&project, &folder), &imported, &prepared, &likeness)
        }
        Command::FindRows { source, query } => match data::find_rows(&source.rows(), &query, context.control) {
            Ok(found) => Ok(Answer::RowsFound(found)),
            Err(DataError::BadPattern(why)) => Ok(Answer::BadPattern(why)),
            Err(error) => Err(error.into()),
        },
        Command::CountValues { source, column } => {
            Ok(Answer::ValuesCounted(data::frequent_values(&source.rows(), &column, VALUES)))
        }
        Command::Profile { source } => {
            let profile = context.watched(|watch| Profile::of(&source.rows(), watch))?;
            Ok(Answer::Profiled(Arc::new(profile)))
        }
        Command::CountTokens { prepared, model } => count_tokens(context, &prepared, &model),
        Command::CountTextTokens { text, model } => {
            Ok(Answer::TextTokens(context.tokenizer(&model)?.token_count(&text)?))
        }
        Command::FetchModel { id } => fetch_model(context, id),
        Command::Train { project, folder } => runs::train(context, &project, &folder),
        Command::Evaluate { run, data } => runs::evaluate(context, &run, data.as_deref()),
        Command::LoadRun { run } => runs::load(&run).map(|results| Answer::RunLoaded(Arc::new(results))),
        Command::PredictFile { model, input, text_column, output } => {
            labelling::predict_file(context, &model, &input, text_column.as_deref(), &output)
        }
        Command::Classify { model, texts } => labelling::classify(context, &model, &texts),
        Command::Export { run, format, output } => export(context, &run, format, &output),
        Command::DryRun { project, folder } => runs::dry_run(context, &project, &folder),
        Command::BenchStep { model, bench, device, precision } => {
            bench_step(context, &model, bench, (device, precision))
        }
        Command::BenchTokenise { model, file, text_column, max_length } => {
            bench_tokenise(context, &model, &file, text_column, max_length)
        }
    }
}

fn prepare(context: &mut Context<'_>, project: &Project, imported: &Arc<Imported>) -> Result<Answer, JobError> {
    let prepared = context.prepare(project, imported)?;
    context.reporter.send(Answer::Surveyed(Arc::new(Survey::of(&prepared))));
    Ok(Answer::Prepared(context.kept.data.keep_prepared(project, imported, prepared)))
}

fn count_tokens(context: &mut Context<'_>, prepared: &Prepared, model: &Path) -> Result<Answer, JobError> {
    let tokenizer = context.tokenizer(model)?;
    let most = (COUNTED, survey::BINS);
    let lengths = context.watched(|watch| TokenHistogram::count(prepared, &tokenizer, most, watch))?;
    Ok(Answer::TokensCounted(Arc::new(lengths)))
}

fn fetch_model(context: &mut Context<'_>, id: String) -> Result<Answer, JobError> {
    let catalogue = Catalogue::bundled().map_err(JobError::failed)?;
    let Some(entry) = catalogue.get(&id) else {
        let known: Vec<&str> = catalogue.entries().iter().map(|entry| entry.id.as_str()).collect();
        let known = known.join(", ");
        return Err(JobError::Failed(format!("There is no model '{id}' in the catalogue. It has: {known}.")));
    };
    let folder = context.watched(|watch| fetch::fetch(entry, watch))?;
    Ok(Answer::ModelReady { id, folder })
}

fn export(context: &mut Context<'_>, run: &Path, format: ExportFormat, output: &Path) -> Result<Answer, JobError> {
    let run = RunFolder::open(run)?;
    let Exported { path, proof } = context.watched(|watch| export::export(&run, format, output, watch))?;
    Ok(Answer::Exported { path, proof })
}

/// The folder of a model that is to be timed.
fn local_model(model: &ModelChoice) -> Result<PathBuf, JobError> {
    let found = fetch::locate(model, Path::new(".")).map_err(JobError::failed)?;
    found.ok_or_else(|| {
        JobError::Failed(match model {
            ModelChoice::Catalogue(id) => {
                format!(
                    "The model {id} is not on this machine. Download it with `hone models fetch {id}`, or give a folder."
                )
            }
            ModelChoice::Folder(path) => format!("There is no model in {}.", path.display()),
        })
    })
}

fn bench_step(
    context: &mut Context<'_>,
    model: &ModelChoice,
    bench: StepBench,
    (device, precision): (DeviceChoice, Precision),
) -> Result<Answer, JobError> {
    let folder = local_model(model)?;
    let labels = ["first", "second", "third"].map(str::to_owned).to_vec();
    let compute = Compute::choose(device, precision)?;
    let name = compute.to_string();
    if let Some(warning) = compute.warning() {
        context.reporter.log(LogLevel::Warning, warning);
    }
    let (model, _) = Model::load(&folder, &LoadOptions { compute, ..LoadOptions::classifier(labels) })?;
    let figures = context.watched(|watch| training::bench_step(&model, bench, watch))?;
    Ok(Answer::StepTimed { figures, device: name })
}

/// Tokenises a file's texts as training does, and takes the time.
fn bench_tokenise(
    context: &mut Context<'_>,
    model: &ModelChoice,
    file: &Path,
    text_column: Option<String>,
    max_length: usize,
) -> Result<Answer, JobError> {
    let tokenizer = TextTokenizer::load(&local_model(model)?)?;
    let dataset = DatasetSettings { main: Some(file.to_owned()), ..DatasetSettings::default() };
    let project = Project { dataset, ..Project::default() };
    let imported = context.watched(|watch| data::import(&project, Path::new("."), watch))?;
    let table = &imported.main.table;
    let Some(name) = text_column.or_else(|| imported.guessed_text.clone()) else {
        return Err(JobError::Failed(format!("No column of {} stands out as the text. Name it.", file.display())));
    };
    let column = runs::column(table, &name, file)?;
    let texts: Vec<&str> = (0..table.len()).map(|row| table.cell(column, row)).collect();
    let begun = Instant::now();
    let mut tokens = 0;
    for chunk in texts.chunks(TextTokenizer::TEXTS_PER_LOOK) {
        tokens += tokenizer.encode_batch(chunk, max_length)?.iter().map(Vec::len).sum::<usize>();
    }
    Ok(Answer::TokensTimed { rows: texts.len(), tokens, seconds: begun.elapsed().as_secs_f64() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_begin_as_sentences_but_names_stay_as_they_are() {
        let message = |error: &str| match JobError::sentence(error.to_owned()) {
            JobError::Failed(message) => message,
            JobError::Cancelled => unreachable!(),
        };
        assert_eq!(message("there is no file"), "There is no file");
        assert_eq!(message("reviews.csv is empty"), "reviews.csv is empty");
        assert_eq!(message("'x' is not an encoding"), "'x' is not an encoding");
        assert_eq!(message(""), "");
    }
}
