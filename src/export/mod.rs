//! Exports trained models, each of which is read again and compared before it counts as done; and reports and curves of runs.

mod adapter_code;
mod bad_rows;
mod curves;
mod error;
mod hugging_face;
mod labelled;
mod model_card;
mod predictions;
mod report;
mod safetensors_file;
mod sentence_code;
mod spreadsheet;
mod verify;

use std::path::{Path, PathBuf};

use crate::evaluation::{FEWEST_ROWS, Prediction};
use crate::models::{WEIGHTS_FILE, is_adapter, is_adapter_of_adapter};
use crate::progress::Watch;
use crate::project::TaskKind;
use crate::storage::{
    RunComparison, RunFolder, RunSettings, RunSummary, StorageError, check_new_folder, create_file, create_folder,
    remove_leftovers,
};
use crate::training::temperature_of;

pub use adapter_code::adapter_code;
pub use bad_rows::write_bad_rows;
pub use curves::{CurvesFormat, CurvesOfRun, MOST_DRAWN, score_names, write_curves};
pub use error::ExportError;
pub use labelled::{LabelledTable, TableFormat, Written, write_labelled};
pub use report::{ReportFormat, ReportOf, RowsOfReport, write_report};
pub use sentence_code::sentence_code;
pub use spreadsheet::harmless;

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A folder that loads in `transformers` or `sentence-transformers` as it is, with a model card. An adapter is merged into its base model.
    HuggingFace,
    /// The same of a classifier, with its last layer divided by the model's temperature, so that its probabilities are calibrated in any
    /// program.
    CalibratedHuggingFace,
    /// The adapter alone, as a folder that loads in `peft` as it is, with a model card.
    Adapter,
    /// One safetensors file with the upstream tensor names.
    Safetensors,
    /// The test predictions as CSV, for a spreadsheet too, see [`harmless`].
    Predictions,
    /// The test predictions as CSV, with every cell as it is.
    RawPredictions,
}

/// An export that was written and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The folder, or the file.
    pub path: PathBuf,
    /// What was compared, and how much it differs.
    pub proof: String,
}

/// What an export is made from.
struct ExportSource<'a> {
    run: &'a RunFolder,
    settings: RunSettings,
    summary: RunSummary,
    /// Empty if the run has none.
    comparison: RunComparison,
}

/// Writes a run's best model, or its predictions, to `output`, then reads them again and compares.
///
/// `output` must not exist, or be an empty folder. For one file it may name the file, or the folder to put it in.
/// An export that failed, differs or was cancelled is removed.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    run: &RunFolder,
    format: ExportFormat,
    output: &Path,
    watch: &mut Watch<'_>,
) -> Result<Exported, ExportError> {
    let source = ExportSource::read(run, format)?;
    let output = &free_output(output)?;
    match format {
        ExportFormat::HuggingFace => into_folder(output, |folder| hugging_face::write(&source, folder, watch)),
        ExportFormat::CalibratedHuggingFace => {
            let temperature = source.temperature_to_divide_by()?;
            into_folder(output, |folder| hugging_face::write_calibrated(&source, temperature, folder, watch))
        }
        ExportFormat::Adapter if !is_adapter(&run.best()) => Err(ExportError::NoAdapter(run.id())),
        ExportFormat::Adapter if is_adapter_of_adapter(&run.best()) => Err(ExportError::AdapterOfAdapter(run.id())),
        ExportFormat::Adapter => into_folder(output, |folder| hugging_face::write_as_it_is(&source, folder, watch)),
        ExportFormat::Safetensors => {
            into_file(output, "safetensors", WEIGHTS_FILE, |file| safetensors_file::write(&source, file, watch))
        }
        ExportFormat::Predictions | ExportFormat::RawPredictions => {
            let raw = format != ExportFormat::Predictions;
            into_file(output, "csv", "predictions.csv", |file| predictions::write(&source, raw, file, watch))
        }
    }
}

impl<'a> ExportSource<'a> {
    fn read(run: &'a RunFolder, format: ExportFormat) -> Result<Self, ExportError> {
        let needs_weights = !matches!(format, ExportFormat::Predictions | ExportFormat::RawPredictions);
        let summary = if needs_weights { run.trained()? } else { run.measured()? }.summary;
        // A run that ended early has none; the card can do without.
        let comparison = run.read_comparison().unwrap_or_default();
        Ok(Self { run, settings: run.read_settings()?, summary, comparison })
    }

    /// The temperature of its model, see [`temperature_of`].
    fn temperature(&self) -> Result<Option<f64>, ExportError> {
        Ok(temperature_of(self.run, self.settings.labels.len())?)
    }

    /// The same, or the reason why there is none.
    fn temperature_to_divide_by(&self) -> Result<f64, ExportError> {
        let why = match self.settings.project.task.kind() {
            TaskKind::TextClassification => {
                format!("one is fitted on at least {FEWEST_ROWS} validation rows, with a mistake among them")
            }
            TaskKind::LanguageModelling => "only a classifier has one".to_owned(),
        };
        self.temperature()?.ok_or_else(|| ExportError::NoTemperature { run: self.run.id(), why })
    }

    /// The run's predictions on the test set, or on the validation set if there are no test rows.
    fn predictions(&self) -> Result<(&'static str, Vec<Prediction>), ExportError> {
        for side in ["test", "validation"] {
            let predictions = self.run.read_predictions(side)?;
            if !predictions.is_empty() {
                return Ok((side, predictions));
            }
        }
        Ok(("test", Vec::new()))
    }
}

/// The output, outside of any run, without what a killed process left there. A link to a folder stands for the folder.
fn free_output(output: &Path) -> Result<PathBuf, ExportError> {
    let output = if output.is_symlink() {
        output.canonicalize().map_err(ExportError::io("write", output))?
    } else {
        output.to_owned()
    };
    if let Some(run) = RunFolder::around(&output) {
        return Err(StorageError::InsideRun { path: output, run: run.id() }.into());
    }
    output.parent().into_iter().for_each(remove_leftovers);
    remove_leftovers(&output);
    Ok(output)
}

/// Runs `write` on a new folder, which becomes `output` only if everything succeeds.
fn into_folder(
    output: &Path,
    write: impl FnOnce(&Path) -> Result<String, ExportError>,
) -> Result<Exported, ExportError> {
    check_new_folder(output)?;
    let mut proof = String::new();
    let created = create_folder(output, |unfinished| {
        proof = write(unfinished)?;
        Ok::<_, ExportError>(())
    });
    // What appeared there meanwhile is the likely reason.
    created.or_else(|error| Ok::<(), ExportError>(check_new_folder(output)?).and(Err(error)))?;
    Ok(Exported { path: output.to_owned(), proof })
}

/// Runs `write` on a file called `name` in a temporary folder. The file gets its final name only if everything succeeds.
fn into_file(
    output: &Path,
    ending: &str,
    name: &str,
    write: impl FnOnce(&Path) -> Result<String, ExportError>,
) -> Result<Exported, ExportError> {
    let names_file = output.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending)) && !output.is_dir();
    let file = if names_file { output.to_owned() } else { output.join(name) };
    if names_file && output.symlink_metadata().is_ok() {
        return Err(StorageError::OutputExists(file).into());
    }
    let exported = if names_file {
        let proof = create_file(&file, name, write)?;
        Exported { path: file, proof }
    } else {
        // The folder appears together with its file.
        Exported { path: file, ..into_folder(output, |folder| write(&folder.join(name)))? }
    };
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(_: &Path) -> Result<String, ExportError> {
        Err(ExportError::Cancelled)
    }

    #[test]
    fn a_folder_that_is_not_empty_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine"), "").unwrap();
        let error = into_folder(folder.path(), fails).unwrap_err();
        assert!(matches!(error, ExportError::Storage(StorageError::NotEmpty(_))));
        let error = into_folder(&folder.path().join("mine"), fails).unwrap_err();
        assert!(matches!(error, ExportError::Storage(StorageError::OutputExists(_))), "{error}");
        let error = into_file(folder.path(), "csv", "a.csv", fails).unwrap_err();
        assert!(matches!(error, ExportError::Storage(StorageError::NotEmpty(_))));
        let file = folder.path().join("a.csv");
        std::fs::write(&file, "").unwrap();
        let error = into_file(&file, "csv", "a.csv", fails).unwrap_err();
        assert!(matches!(error, ExportError::Storage(StorageError::OutputExists(_))), "{error}");
        assert!(file.exists());
    }

    #[test]
    fn a_failed_export_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let half = |folder: &Path| {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join("half"), "").unwrap();
            fails(folder)
        };
        let (there, new) = (folder.path().join("there"), folder.path().join("new"));
        std::fs::create_dir(&there).unwrap();
        into_folder(&there, half).unwrap_err();
        into_folder(&new, half).unwrap_err();
        assert!(there.is_dir() && check_new_folder(&there).is_ok() && !new.exists());
        let half = |file: &Path| {
            assert!(!new.exists(), "the folder appears with its file");
            std::fs::write(file, "").unwrap();
            fails(file)
        };
        into_file(&there, "csv", "a.csv", half).unwrap_err();
        into_file(&new, "csv", "a.csv", half).unwrap_err();
        into_file(&folder.path().join("b.CSV"), "csv", "a.csv", half).unwrap_err();
        assert!(
            there.is_dir()
                && check_new_folder(&there).is_ok()
                && !new.exists()
                && !folder.path().join("b.CSV").exists()
        );
    }

    #[test]
    fn a_folder_or_file_that_appears_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (out, file) = (folder.path().join("out"), folder.path().join("a.csv"));
        let error = into_folder(&out, |_| {
            std::fs::create_dir(&out).unwrap();
            std::fs::write(out.join("mine"), "precious").unwrap();
            Ok(String::new())
        });
        assert!(matches!(error, Err(ExportError::Storage(StorageError::NotEmpty(_)))), "{error:?}");
        let error = into_file(&file, "csv", "a.csv", |ours| {
            std::fs::write(ours, "ours").unwrap();
            std::fs::write(&file, "precious").unwrap();
            Ok(String::new())
        });
        assert!(error.unwrap_err().to_string().contains("a.csv"));
        assert_eq!(std::fs::read(out.join("mine")).unwrap(), b"precious");
        assert_eq!(std::fs::read(&file).unwrap(), b"precious");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stands_for_its_folder_and_must_lead_somewhere() {
        let folder = tempfile::tempdir().unwrap();
        let (there, link) = (folder.path().join("there"), folder.path().join("link"));
        std::os::unix::fs::symlink(&there, &link).unwrap();
        assert!(matches!(free_output(&link), Err(ExportError::Io { .. })));
        std::fs::create_dir(&there).unwrap();
        let out = free_output(&link).unwrap();
        into_folder(&out, |new| {
            std::fs::write(new.join("file"), "x").map(|()| String::new()).map_err(|_| ExportError::Cancelled)
        })
        .unwrap();
        assert!(link.is_symlink() && there.join("file").is_file());
    }
}
