//! Exports a folder that loads in `transformers`, or in `peft`, as it is, with a model card.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::evaluation::{Calibration, ClassProbabilities, Reliability};
use crate::export::model_card::{self, Calibrated, Results};
use crate::export::{ExportError, ExportSource, verify};
use crate::models::{
    ADAPTER_FILE, BaseModel, DENSE_FOLDER, HeadSpec, LoadOptions, Model, ModelError, POOLING_FOLDER,
    classified_embedding, is_adapter, limit_length,
};
use crate::progress::Watch;
use crate::project::TaskKind;
use crate::storage::{MODEL_INFO_FILE, ModelFolderInfo, read_model_info, write_atomic, write_model_info};

/// Copies the best checkpoint, or merges its adapter into the base model, adds `README.md`, and verifies the result.
pub(super) fn write(source: &ExportSource<'_>, folder: &Path, watch: &mut Watch<'_>) -> Result<String, ExportError> {
    let best = source.run.best();
    if !is_adapter(&best) {
        return write_as_it_is(source, folder, watch);
    }
    merge(source, folder, watch)?;
    let info = best.join(MODEL_INFO_FILE);
    if info.is_file() {
        copy(&info, &folder.join(MODEL_INFO_FILE))?;
    }
    finish(source, None, folder, watch)
}

/// Writes the best checkpoint as a whole model with its last layer divided by `temperature`, adds `README.md`, and verifies the result.
pub(super) fn write_calibrated(
    source: &ExportSource<'_>,
    temperature: f64,
    folder: &Path,
    watch: &mut Watch<'_>,
) -> Result<String, ExportError> {
    watch.begin("Dividing the last layer by the temperature")?;
    let model = load_whole(source)?;
    model.divide_scores(temperature).map_err(ModelError::from)?;
    save_whole(source, &model, folder)?;
    if let Some(info) = read_model_info(&source.run.best())? {
        // Hone would divide by it again.
        write_model_info(folder, &ModelFolderInfo { temperature: None, ..info })?;
    }
    finish(source, Some(temperature), folder, watch)
}

/// Copies the best checkpoint as it was trained, adds `README.md`, and verifies the copy.
pub(super) fn write_as_it_is(
    source: &ExportSource<'_>,
    folder: &Path,
    watch: &mut Watch<'_>,
) -> Result<String, ExportError> {
    let best = source.run.best();
    for part in [None, Some(POOLING_FOLDER), Some(DENSE_FOLDER)] {
        let (from, to) = (best.join(part.unwrap_or_default()), folder.join(part.unwrap_or_default()));
        if !from.is_dir() {
            continue;
        }
        for file in files(&from)? {
            let name = file.file_name().unwrap_or_default();
            watch.begin(&format!("Copying {}", name.display()))?;
            copy(&file, &to.join(name))?;
        }
    }
    if is_adapter(folder) {
        name_base_as_the_hub(folder)?;
    }
    finish(source, None, folder, watch)
}

/// Names the base model of an adapter as the Hub does, if it is in the Hub's cache: its path would be of no use elsewhere.
fn name_base_as_the_hub(folder: &Path) -> Result<(), ExportError> {
    let Some(BaseModel { name, revision }) = BaseModel::read(folder).on_hub() else { return Ok(()) };
    let file = folder.join(ADAPTER_FILE);
    let text = std::fs::read(&file).map_err(ExportError::io("read", &file))?;
    let config = serde_json::from_slice::<Value>(&text).map_err(std::io::Error::from);
    let mut config = config.map_err(ExportError::io("read", &file))?;
    (config["base_model_name_or_path"], config["revision"]) = (json!(name), json!(revision));
    write_atomic(&file, |writer| writeln!(writer, "{config:#}")).map_err(ExportError::io("write", &file))
}

/// Writes the best checkpoint as a whole model, its adapter merged into the base model.
pub(super) fn merge(source: &ExportSource<'_>, folder: &Path, watch: &mut Watch<'_>) -> Result<(), ExportError> {
    watch.begin("Merging the adapter into its base model")?;
    save_whole(source, &load_whole(source)?, folder)
}

/// Loads the best checkpoint as a whole model, its adapter merged into the base model.
fn load_whole(source: &ExportSource<'_>) -> Result<Model, ExportError> {
    let (best, labels) = (source.run.best(), source.settings.labels.clone());
    let head = match source.settings.project.task.kind() {
        TaskKind::TextClassification => match classified_embedding(&best)? {
            Some(pooling) => HeadSpec::EmbeddingClassification { labels, pooling },
            None => HeadSpec::Classification { labels },
        },
        TaskKind::LanguageModelling => HeadSpec::LanguageModel,
    };
    Ok(Model::load(&best, &LoadOptions { only_answers: true, ..LoadOptions::new(head) })?.0)
}

fn save_whole(source: &ExportSource<'_>, model: &Model, folder: &Path) -> Result<(), ExportError> {
    let best = source.run.best();
    model.save_folder(&best, folder)?;
    let length = read_model_info(&best)?.map(|info| info.max_length);
    Ok(length.map_or(Ok(()), |length| limit_length(folder, length))?)
}

/// The calibration error of the run's test rows, and the temperature that its validation rows give. `None` for other tasks, and without
/// predictions for both.
fn calibration(source: &ExportSource<'_>) -> Option<(f64, Calibration)> {
    let rows = |side| {
        let predictions = source.run.read_predictions(side).ok()?;
        Some(ClassProbabilities::of(&predictions, source.settings.labels.len())).filter(|rows| !rows.is_empty())
    };
    let (test, validation) = (rows("test")?, rows("validation")?);
    Some((Reliability::of(&test).expected_error(), Calibration::of(&test, &validation)?))
}

/// Adds the model card and compares the answers. `divided_by` is the temperature that the last layer was divided by.
fn finish(
    source: &ExportSource<'_>,
    divided_by: Option<f64>,
    folder: &Path,
    watch: &mut Watch<'_>,
) -> Result<String, ExportError> {
    let mut settings = source.settings.clone();
    let info = read_model_info(folder)?;
    if let Some(info) = &info {
        // The setting may exceed the model's limit.
        settings.project.training.max_length = settings.project.training.max_length.min(info.max_length);
    }
    let on_test_rows = calibration(source);
    let temperature = divided_by.map_or_else(|| source.temperature(), |temperature| Ok(Some(temperature)))?;
    let calibrated = temperature.map(|temperature| Calibrated {
        temperature,
        is_divided: divided_by.is_some(),
        is_kept: info.is_some_and(|info| info.temperature.is_some()),
        on_test_rows: on_test_rows.as_ref(),
    });
    let card = model_card::text(&Results {
        settings: &settings,
        summary: &source.summary,
        comparison: &source.comparison,
        calibrated,
        is_adapter: is_adapter(folder),
    });
    let path = folder.join("README.md");
    write_atomic(&path, |writer| writer.write_all(card.as_bytes())).map_err(ExportError::io("write", &path))?;
    verify::same_answers(source, divided_by, folder, watch)
}

/// The files of the checkpoint in order of name; temporary and hidden ones are not part of it.
fn files(best: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let mut files = Vec::new();
    for item in std::fs::read_dir(best).map_err(ExportError::io("read", best))? {
        let path = item.map_err(ExportError::io("read", best))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<(), ExportError> {
    let mut file = std::fs::File::open(from).map_err(ExportError::io("read", from))?;
    write_atomic(to, |writer| std::io::copy(&mut file, writer).map(drop)).map_err(ExportError::io("write", to))
}
