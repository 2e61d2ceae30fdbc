//! The job that predicts typed texts, and what predicting needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::ImportedFile;
use crate::evaluation::ClassAnswer;
use crate::models::weight_paths;
use crate::predictor::{Answers, Predictor, Probabilities};
use crate::storage::MODEL_INFO_FILE;
use crate::worker::label_file::bad_rows_note;
use crate::worker::{Context, Job, JobError, LogLevel};

impl Context<'_> {
    /// The model in `folder`, kept from before if the folder's weights and its `hone.ron` are still the same files.
    pub(super) fn model(&mut self, folder: &Path) -> Result<Arc<Predictor>, JobError> {
        let changed = |path: PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let files = weight_paths(folder).ok().map(|paths| paths.into_iter().chain([folder.join(MODEL_INFO_FILE)]));
        let stamp = files.and_then(|files| files.filter_map(changed).max());
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
        if let Some(note) = bad_rows_note(file) {
            self.log(LogLevel::Warning, note);
        }
    }

    /// The predicted classes of raw texts, `None` for a text with nothing left after cleaning; and how many texts were
    /// truncated.
    pub(super) fn classes<T: AsRef<str> + Sync>(
        &mut self,
        model: &Predictor,
        texts: &[T],
        probabilities: Probabilities,
    ) -> Result<(Vec<Option<ClassAnswer>>, usize), JobError> {
        let Answers { answers, truncated } = self.watched(|watch| model.answer(texts, probabilities, watch))?;
        let classes = answers.into_iter().map(|answer| answer.and_then(|answer| answer.class().cloned())).collect();
        Ok((classes, truncated))
    }
}

/// Says that probabilities are calibrated, in a sentence.
#[must_use]
pub fn calibration_note(temperature: f64) -> String {
    format!(
        "Probabilities are calibrated with the temperature {temperature:.2}, which was fitted on the validation rows."
    )
}

/// Predicts the labels of texts typed by a person, with calibrated probabilities.
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
    /// The prediction for each text; `None` for a text with nothing left after cleaning.
    pub answers: Vec<Option<ClassAnswer>>,
    /// The temperature of the probabilities; `None` if they are not calibrated.
    pub temperature: Option<f64>,
}

impl Job for Classify {
    type Answer = Classified;
    const TITLE: &'static str = "Predicting";

    fn run(self, context: &mut Context<'_>) -> Result<Classified, JobError> {
        let (model, probabilities) = (context.model(&self.model)?, Probabilities::Calibrated);
        let (answers, _) = context.classes(&model, &self.texts, probabilities)?;
        let temperature = model.temperature(probabilities);
        Ok(Classified { texts: self.texts, labels: model.labels().to_vec(), answers, temperature })
    }
}
