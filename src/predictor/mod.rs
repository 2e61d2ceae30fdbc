//! A trained model in memory with everything that belongs to it: tokenizer, cleaning, max length and precision.
//!
//! Try it, `hone predict`, evaluation on a file and the verification of exports all use this one type, so they get the
//! same label for the same text. Only what answers people calibrates its probabilities, see [`crate::predictor::Probabilities`].

mod blanks;
mod continuing;
mod error;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::data::{Cleaner, Side, TextTokenizer, packed};
use crate::evaluation::{Answer, Scored};
use crate::models::{
    Compute, HeadSpec, LoadOptions, Mode, Model, ModelConfig, SavedHead, check_base, classified_embedding,
};
use crate::progress::{Cancelled, Watch};
use crate::project::{CleaningSettings, Objective, Precision, Project, TaskKind};
use crate::storage::{MODEL_INFO_FILE, ModelFolderInfo, read_model_info};
use crate::tasks::{self, Encoded, Samples};
use crate::training::{self, ToScore};

pub use blanks::Guess;
pub use continuing::{Continuation, Sampling};
pub use error::PredictorError;

/// Max length if the model folder doesn't specify one; enough for most texts.
const DEFAULT_LENGTH: usize = 128;
/// Texts per batch when computing logits: few enough to stop within a second.
const LOGITS_BATCH: usize = 8;

/// What a model predicts for some texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// The answer for each text, in order; `None` for a text with nothing left after cleaning.
    pub answers: Vec<Option<Answer>>,
    /// Number of texts that were longer than [`Predictor::max_length`], so that their end was not read.
    pub truncated: usize,
}

/// Which probabilities the answers of a classifier have. Its labels are the same with both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probabilities {
    /// For people: at the temperature that is kept with the model, if there is one.
    Calibrated,
    /// Those of the network, which evaluation measures and runs save.
    Uncalibrated,
}

/// A trained model that predicts texts.
pub struct Predictor {
    folder: PathBuf,
    model: Model,
    tokenizer: TextTokenizer,
    cleaner: Cleaner,
    info: ModelFolderInfo,
}

impl Predictor {
    /// Loads the model in `folder`, to be used as its `hone.ron` says. For a model that was not made by Hone, the task
    /// and the labels are those of `config.json`; it gets uncleaned texts, a max length of 128 tokens and 32-bit
    /// precision.
    ///
    /// # Errors
    /// [`PredictorError`] if a file is missing or damaged, the architecture is unknown, the model has no trained head,
    /// or one that predicts neither one label for each text nor words.
    pub fn load(folder: &Path) -> Result<Self, PredictorError> {
        Self::load_with(folder, read_info(folder)?)
    }

    /// How the classifier in `folder` was trained and must be used, without loading its weights.
    ///
    /// # Errors
    /// [`PredictorError::NoLabels`] if the model predicts something else than labels, or if a file is missing or damaged.
    pub fn info_of(folder: &Path) -> Result<ModelFolderInfo, PredictorError> {
        let info = read_info(folder)?;
        match info.task {
            TaskKind::TextClassification => Ok(info),
            TaskKind::LanguageModelling => Err(PredictorError::NoLabels(folder.to_owned())),
        }
    }

    /// Loads the model in `folder` with the settings in `info`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with(folder: &Path, info: ModelFolderInfo) -> Result<Self, PredictorError> {
        let cleaner = Cleaner::new(&info.cleaning)
            .map_err(|error| PredictorError::Cleaning { file: folder.join(MODEL_INFO_FILE), error })?;
        let no_head = || PredictorError::NoHead { folder: folder.to_owned(), task: info.task };
        let head = match info.task {
            TaskKind::TextClassification if info.labels.is_empty() => return Err(no_head()),
            TaskKind::TextClassification => match (classified_embedding(folder)?, info.labels.clone()) {
                (Some(pooling), labels) => HeadSpec::EmbeddingClassification { labels, pooling },
                (None, labels) => HeadSpec::Classification { labels },
            },
            TaskKind::LanguageModelling => HeadSpec::LanguageModel,
        };
        check_base(folder, info.base_sha256.as_deref())?;
        let compute = Compute::for_prediction(info.precision);
        let (model, report) =
            Model::load(folder, &LoadOptions { compute, only_answers: true, ..LoadOptions::new(head) })?;
        if report.new_head {
            return Err(no_head());
        }
        let tokenizer = TextTokenizer::load(folder)?;
        model.config().check_tokenizer(folder, &tokenizer)?;
        Ok(Self { folder: folder.to_owned(), model, tokenizer, cleaner, info })
    }

    /// The folder it was loaded from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How it was trained and must be used.
    #[must_use]
    pub fn info(&self) -> &ModelFolderInfo {
        &self.info
    }

    /// What it predicts if it is a language model.
    #[must_use]
    pub fn objective(&self) -> Objective {
        self.model.config().objective()
    }

    /// Label names in class-id order.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.info.labels
    }

    /// The temperature of these probabilities; `None` if they are those of the network.
    #[must_use]
    pub fn temperature(&self, probabilities: Probabilities) -> Option<f64> {
        self.info.temperature.filter(|_| probabilities == Probabilities::Calibrated)
    }

    /// Predicts raw texts.
    ///
    /// # Errors
    /// [`PredictorError::NoLabels`] if the model is not a classifier, [`PredictorError::Cancelled`], or if the
    /// tokenizer or the network fails.
    pub fn answer<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        probabilities: Probabilities,
        watch: &mut Watch<'_>,
    ) -> Result<Answers, PredictorError> {
        let control = watch.control;
        let clean = |text: &T| control.look().map(|()| self.cleaner.clean(text.as_ref()));
        let cleaned: Vec<String> = texts.par_iter().map(clean).collect::<Result<_, Cancelled>>()?;
        let full: Vec<usize> = (0..cleaned.len()).filter(|&text| !cleaned[text].trim().is_empty()).collect();
        let read: Vec<&str> = full.iter().map(|&text| cleaned[text].as_str()).collect();
        let ids = self.encode(&read)?;
        let truncated = self.count_truncated(&read, &ids)?;
        let scored = self.scored(&Samples::of_texts(ids, Vec::new()), watch)?;
        let temperature = self.temperature(probabilities);
        let mut answers = vec![None; texts.len()];
        for (text, answer) in full.into_iter().zip(scored.answers) {
            answers[text] = Some(match temperature {
                Some(temperature) => answer.at_temperature(temperature),
                None => answer,
            });
        }
        Ok(Answers { answers, truncated })
    }

    /// How many texts have more tokens than were read.
    fn count_truncated(&self, texts: &[&str], ids: &[Vec<u32>]) -> Result<usize, PredictorError> {
        let most = self.max_length();
        let full: Vec<&str> =
            texts.iter().zip(ids).filter(|(_, ids)| ids.len() >= most).map(|(text, _)| *text).collect();
        Ok(self.tokenizer.token_lengths(&full)?.into_iter().filter(|&length| length > most).count())
    }

    /// Scores cleaned texts against their class ids, with uncalibrated probabilities.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn score(&self, texts: &[&str], labels: &[u32], watch: &mut Watch<'_>) -> Result<Scored, PredictorError> {
        let ids = self.encode(texts)?;
        self.scored(&Samples::of_texts(ids, labels.to_vec()), watch)
    }

    /// Scores how well an adapted model predicts words of cleaned texts, as in the run of `project`. Terms that are typical of
    /// `training_texts` are also scored apart.
    ///
    /// # Errors
    /// [`PredictorError::NoKnownWords`] if there is nothing to predict, [`PredictorError::Cancelled`], or when the tokenizer
    /// or the network fails.
    pub fn score_words(
        &self,
        project: &Project,
        training_texts: &[&str],
        texts: &[&str],
        watch: &mut Watch<'_>,
    ) -> Result<Scored, PredictorError> {
        let task = tasks::language_model(project, training_texts, (&self.tokenizer, self.objective()), watch)?;
        let ids = self.tokenizer.encode_batch(texts, usize::MAX)?;
        let samples = task.samples(Encoded { side: Side::Test, examples: &[], ids, max_length: self.max_length() })?;
        if samples.is_empty() {
            return Err(PredictorError::NoKnownWords);
        }
        Ok(training::predict(&self.model, ToScore { task: &*task, samples: &samples, rows: texts.len() }, watch)?)
    }

    /// Whether the model predicts labels.
    ///
    /// # Errors
    /// [`PredictorError::NoLabels`] if it predicts something else.
    pub fn check_labels(&self) -> Result<(), PredictorError> {
        match self.info.task {
            TaskKind::TextClassification => Ok(()),
            TaskKind::LanguageModelling => Err(PredictorError::NoLabels(self.folder.clone())),
        }
    }

    fn scored(&self, samples: &Samples, watch: &mut Watch<'_>) -> Result<Scored, PredictorError> {
        self.check_labels()?;
        let task = tasks::classifier(&self.info.labels, self.model.pooling());
        let what = ToScore { task: &*task, samples, rows: samples.len() };
        Ok(training::predict(&self.model, what, watch)?)
    }

    /// Logits of cleaned texts, `[texts][labels]` or `[texts][vocabulary]`, which an export must
    /// reproduce. `look` is called before every few texts; its error ends the work.
    ///
    /// # Errors
    /// [`PredictorError::Cancelled`] when `look` says so, or an error if the tokenizer or the network fails.
    pub fn logits(
        &self,
        texts: &[&str],
        mut look: impl FnMut() -> Result<(), Cancelled>,
    ) -> Result<Vec<Vec<f32>>, PredictorError> {
        let ids = self.encode(texts)?;
        let rows: Vec<usize> = (0..ids.len()).collect();
        let mut logits = Vec::with_capacity(rows.len());
        for batch in rows.chunks(LOGITS_BATCH) {
            look()?;
            logits.extend(self.model.forward(&packed(&ids, self.model.pooling(), None, batch), Mode::Inference)?);
        }
        Ok(logits)
    }

    /// Tokens of cleaned texts.
    fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>, PredictorError> {
        Ok(self.tokenizer.encode_batch(texts, self.max_length())?)
    }

    /// The most tokens of a text that the model reads.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.info.max_length.min(self.model.max_positions())
    }
}

fn read_info(folder: &Path) -> Result<ModelFolderInfo, PredictorError> {
    match read_model_info(folder)? {
        Some(info) => Ok(info),
        None => info_from_config(folder),
    }
}

/// The settings for a model that was not made by Hone, from its `config.json`.
fn info_from_config(folder: &Path) -> Result<ModelFolderInfo, PredictorError> {
    let config = ModelConfig::read(folder)?;
    let (labels, folder) = (config.label_names(), folder.to_owned());
    let task = match config.saved_head() {
        SavedHead::Of(task) => task,
        SavedHead::Unknown => TaskKind::TextClassification,
        SavedHead::Missing if classified_embedding(&folder)?.is_some() => TaskKind::TextClassification,
        SavedHead::Missing => return Err(PredictorError::NoHead { folder, task: TaskKind::TextClassification }),
        SavedHead::Other(class) => return Err(PredictorError::OtherHead { folder, class }),
    };
    if task == TaskKind::TextClassification {
        match config.problem_type.as_deref() {
            // `transformers` takes a head with one output for regression.
            Some("regression") => return Err(PredictorError::NotOneLabel { folder, answer: "a number" }),
            Some("multi_label_classification") => {
                return Err(PredictorError::NotOneLabel { folder, answer: "any number of labels" });
            }
            _ if labels.len() == 1 => return Err(PredictorError::NotOneLabel { folder, answer: "a number" }),
            _ if labels.is_empty() && config.saved_head() != SavedHead::Unknown => {
                return Err(PredictorError::NoLabelNames(folder));
            }
            _ => {}
        }
    }
    Ok(ModelFolderInfo {
        task,
        labels: if task == TaskKind::TextClassification { labels } else { Vec::new() },
        cleaning: CleaningSettings::none(),
        max_length: DEFAULT_LENGTH,
        precision: Precision::F32,
        ..ModelFolderInfo::default()
    })
}
