//! The job that predicts typed texts, and what predicting needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::ImportedFile;
use crate::evaluation::ClassAnswer;
use crate::models::weight_paths;
use crate::predictor::{Answers, Predictor};
use crate::worker::label_file::bad_rows_note;
use crate::worker::{Context, Job, JobError, LogLevel};

impl Context<'_> {
    /// The model in `folder`, kept from before if the folder's weights are still the same file.
    pub(super) fn model(&mut self, folder: &Path) -> Result<Arc<Predictor>, JobError> {
        let changed = |path: PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let stamp = weight_paths(folder).ok().and_then(|paths| paths.into_iter().filter_map(changed).max());
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
    ) -> Result<(Vec<Option<ClassAnswer>>, usize), JobError> {
        let Answers { answers, truncated } = self.watched(|watch| model.answer(texts, watch))?;
        let classes = answers.into_iter().map(|answer| answer.and_then(|answer| answer.class().cloned())).collect();
        Ok((classes, truncated))
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
        let (answers, _) = context.classes(&model, &self.texts)?;
        let probabilities = answers.into_iter().map(|class| class.map(|class| class.probabilities).unwrap_or_default());
        Ok(Classified { texts: self.texts, labels: model.labels().to_vec(), probabilities: probabilities.collect() })
    }
}
