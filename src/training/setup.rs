//! What must be there before the first step: rows as tokens, the model.

use std::path::Path;

use rayon::prelude::*;

use crate::data::{Example, Prepared, Side, TextTokenizer};
use crate::models::{Compute, LoadOptions, LoadReport, TextClassifier};
use crate::project::TrainingSettings;
use crate::storage::{TextKey, TokenCache};

use crate::training::TrainError;
use crate::training::event::Voice;

/// One side of the split as the network wants it.
pub(super) struct Rows<'a> {
    pub examples: Vec<&'a Example>,
    /// What the id column says of each, where one is chosen; else empty.
    pub keys: Vec<Option<&'a str>>,
    /// Vocabulary ids, `[rows][tokens]`.
    pub ids: Vec<Vec<u32>>,
    /// Class ids, `[rows]`.
    pub labels: Vec<u32>,
}

/// All sides.
pub(super) struct Dataset<'a> {
    pub train: Rows<'a>,
    pub validation: Rows<'a>,
    pub test: Rows<'a>,
}

/// Loads the model that training starts from, and says what was found.
pub(super) fn load_model(
    folder: &Path,
    labels: &[String],
    settings: &TrainingSettings,
    voice: &mut Voice<'_>,
) -> Result<TextClassifier, TrainError> {
    voice.progress("Loading the model", 0, 1, "models");
    let compute = Compute::choose(settings.device, settings.precision)?;
    voice.log(format!("Computed on: {compute}."));
    if let Some(warning) = compute.warning() {
        voice.warn(warning.to_owned());
    }
    let options = LoadOptions {
        labels: labels.to_vec(),
        seed: settings.seed,
        dropout: settings.dropout,
        trained: settings.trained_layers,
        compute,
        only_answers: false,
    };
    let (model, report) = TextClassifier::load(folder, &options)?;
    for (warning, line) in describe(&report, &model) {
        if warning { voice.warn(line) } else { voice.log(line) }
    }
    voice.progress("Loading the model", 1, 1, "models");
    voice.look()?;
    Ok(model)
}

/// The load report in sentences; true where it is worth a look.
fn describe(report: &LoadReport, model: &TextClassifier) -> Vec<(bool, String)> {
    let (count, trained) = (model.parameter_count(), model.trained_count());
    let mut lines =
        vec![(false, format!("Loaded {} tensors; {trained} of {count} parameters to train.", report.loaded.len()))];
    if trained < count {
        let what = "The rest stays as it is: it has no dropout, and is computed once for each text.";
        lines.push((false, what.to_owned()));
    }
    if report.new_head {
        lines.push((false, format!("A new classification head was made for {} labels.", model.labels().len())));
    } else {
        lines.push((false, "The model's own classification head is trained further: its labels are the same.".into()));
    }
    for (what, names) in [
        ("are missing from the weights file and start at random", &report.missing),
        ("in the weights file are not used", &report.unexpected),
    ] {
        if !names.is_empty() {
            lines.push((true, format!("{} tensors {what}: {}.", names.len(), names.join(", "))));
        }
    }
    lines
}

/// Tokenises all sides. What was tokenised before for the project in `project_folder`, and is still the same, is taken from
/// its cache.
pub(super) fn tokenise<'a>(
    prepared: &'a Prepared,
    folder: &Path,
    project_folder: &Path,
    max_length: usize,
    voice: &mut Voice<'_>,
) -> Result<Dataset<'a>, TrainError> {
    let tokenizer = TextTokenizer::load(folder)?;
    let cache = TokenCache::open(project_folder, tokenizer.fingerprint(), tokenizer.vocab_size(), max_length);
    let total = prepared.examples.len();
    let (mut done, mut new, mut keys) = (0, 0, Vec::with_capacity(total));
    let mut side = |side| {
        let examples: Vec<&Example> = prepared.side(side).collect();
        let mut ids = Vec::with_capacity(examples.len());
        for chunk in examples.chunks(TextTokenizer::TEXTS_PER_LOOK) {
            voice.progress("Tokenising", done, total, "rows");
            voice.look()?;
            let chunk_keys: Vec<TextKey> = chunk.par_iter().map(|example| TokenCache::key(&example.text)).collect();
            let known = |key: &TextKey| cache.get(key).is_some();
            let unknown = chunk.iter().zip(&chunk_keys).filter(|(_, key)| !known(key));
            let texts: Vec<&str> = unknown.map(|(example, _)| example.text.as_str()).collect();
            let mut tokenised = tokenizer.encode_batch(&texts, max_length)?.into_iter();
            let kept = chunk_keys.iter().map(|key| cache.get(key).map(<[u32]>::to_vec));
            ids.extend(kept.map(|kept| kept.or_else(|| tokenised.next()).unwrap_or_default()));
            keys.extend(chunk_keys);
            (done, new) = (done + chunk.len(), new + texts.len());
        }
        let labels = examples.iter().map(|example| example.label).collect();
        Ok::<_, TrainError>(Rows { examples, keys: prepared.side_keys(side), ids, labels })
    };
    let dataset = Dataset { train: side(Side::Train)?, validation: side(Side::Validation)?, test: side(Side::Test)? };
    voice.progress("Tokenising", total, total, "rows");
    // A project that was never saved has no folder to keep anything in.
    if new > 0 && project_folder.is_dir() {
        let sides = [&dataset.train, &dataset.validation, &dataset.test];
        let ids = sides.into_iter().flat_map(|side| &side.ids).map(Vec::as_slice);
        if let Err(error) = cache.replace(keys.into_iter().zip(ids).collect()) {
            voice.log(format!("The tokens could not be kept for the next run: {error}."));
        }
    }
    let full = dataset.train.ids.iter().filter(|ids| ids.len() >= max_length).count();
    if full > 0 {
        let rows = dataset.train.ids.len();
        voice.log(format!(
            "{full} of {rows} training texts fill all {max_length} tokens; what is beyond is cut off. A higher \
             longest text reads more of them, more slowly."
        ));
    }
    Ok(dataset)
}

/// Refuses data that training would fail on.
///
/// # Errors
/// [`TrainError::NotReady`], with what to do about it.
pub fn check_data(prepared: &Prepared) -> Result<(), TrainError> {
    if !prepared.blockers.is_empty() {
        return Err(TrainError::NotReady(prepared.blockers.join(" ")));
    }
    for (side, name) in [(Side::Train, "training"), (Side::Validation, "validation")] {
        if prepared.side(side).next().is_none() {
            let reason = format!("there are no {name} rows. Change the split in the Prepare step.");
            return Err(TrainError::NotReady(reason));
        }
    }
    Ok(())
}
