//! Preparation before the first step: tokenises the samples and loads the model.

use std::path::Path;

use rayon::prelude::*;

use crate::data::{BatchPlan, Example, Prepared, Side, TextTokenizer};
use crate::evaluation::{Answer, LabelledTexts, Prediction};
use crate::models::{Compute, EarlierLabels, HeadSpec, LoadOptions, LoadReport, Model, ModelConfig, check_base};
use crate::progress::Watch;
use crate::project::{
    FewSteps, LanguageModellingSettings, NetworkKind, Objective, Preset, Project, TaskKind, TrainedLayers,
    TrainingSettings,
};
use crate::storage::{TextKey, TokenCache, read_model_info, reason};
use crate::tasks::{self, Encoded, Reader, Samples, TaskDefinition};

use crate::training::event::{TrainingEvent, Voice};
use crate::training::{ToScore, TrainError};
use crate::words::{count, counted, full_stop, listed, plural};

/// Below this learning rate, a new language model head hardly learns in a few epochs.
const LOW_RATE: f64 = 1e-4;

/// Above this learning rate, a trained language model may forget its pre-training.
const HIGH_RATE: f64 = 2e-4;

/// One split, tokenised.
pub(super) struct TokenisedSide<'a> {
    pub examples: Vec<&'a Example>,
    /// Value of the id column for each example; empty if no column is chosen.
    pub keys: Vec<Option<&'a str>>,
    /// The tokenised samples.
    pub samples: Samples,
}

impl TokenisedSide<'_> {
    /// The input for scoring.
    pub fn to_score<'r>(&'r self, task: &'r dyn TaskDefinition) -> ToScore<'r> {
        ToScore { task, samples: &self.samples, rows: self.examples.len() }
    }

    /// The rows with these answers, `[rows]`.
    pub fn predictions(&self, answers: &[Answer]) -> Vec<Prediction> {
        let of_row = |(place, (example, answer)): (usize, (&&Example, &Answer))| Prediction {
            id: example.id,
            key: self.keys.get(place).copied().flatten().map(str::to_owned),
            text: example.text.clone(),
            target: example.target,
            answer: answer.clone(),
        };
        self.examples.iter().zip(answers).enumerate().map(of_row).collect()
    }

    /// Texts and classes, for baselines.
    pub fn labelled<'r>(&'r self, texts: &'r [&'r str]) -> LabelledTexts<'r> {
        LabelledTexts { texts, labels: &self.samples.classes }
    }

    /// The texts.
    pub fn texts(&self) -> Vec<&str> {
        self.examples.iter().map(|example| example.text.as_str()).collect()
    }
}

/// All splits.
pub(super) struct Dataset<'a> {
    pub train: TokenisedSide<'a>,
    pub validation: TokenisedSide<'a>,
    pub test: TokenisedSide<'a>,
}

/// The optimizer steps of an epoch and of the whole run. Warns if they are few.
pub(super) fn planned_steps(project: &Project, data: &Dataset<'_>, voice: &mut Voice<'_>) -> (u64, u64) {
    let (per_epoch, total) = steps_of(&project.training, &data.train.samples.lengths());
    if let Some(few) = FewSteps::planned(project, per_epoch, total) {
        voice.warn(few.says());
    }
    (per_epoch, total)
}

/// The optimizer steps of an epoch and of the whole run over texts of these lengths. If batches are bounded by their tokens,
/// epochs can differ in steps: then those of an epoch are the mean, rounded up.
fn steps_of(settings: &TrainingSettings, lengths: &[usize]) -> (u64, u64) {
    if settings.trained_layers == TrainedLayers::Instant || settings.batch_tokens.is_none() {
        return (settings.steps_per_epoch(lengths.len()), settings.total_steps(lengths.len()));
    }
    let plan = BatchPlan::of(settings);
    let steps = |epoch| plan.epoch(lengths, epoch).len().div_ceil(settings.gradient_accumulation.max(1)) as u64;
    let total: u64 = (0..settings.epochs).map(steps).sum();
    (total.div_ceil(u64::from(settings.epochs.max(1))), total)
}

/// The task of a project.
pub(super) fn task(
    project: &Project,
    prepared: &Prepared,
    (tokenizer, config): (&TextTokenizer, &ModelConfig),
    voice: &mut Voice<'_>,
) -> Result<Box<dyn TaskDefinition>, TrainError> {
    let control = voice.control;
    let reader = Reader::of(project, config);
    if let Some(settings) = project.language_modelling()
        && reader.objective == Objective::NextTokens
        && settings.masked_share.to_bits() != LanguageModellingSettings::default().masked_share.to_bits()
    {
        voice.log("The model predicts each next token, so the masked share is not used.");
    }
    let mut report = |progress| voice.say(TrainingEvent::Progress(progress));
    let mut watch = Watch { control, report: &mut report };
    Ok(tasks::definition(project, prepared, tokenizer, reader, &mut watch)?)
}

/// Loads the model that training starts from, and logs the load report. Also says whether its head is new.
pub(super) fn load_model(
    folder: &Path,
    head: HeadSpec,
    settings: &TrainingSettings,
    voice: &mut Voice<'_>,
) -> Result<(Model, bool), TrainError> {
    voice.progress("Loading the model", 0, 1, "models");
    let compute = Compute::choose(settings.device, settings.precision)?;
    voice.log(format!("Training on {compute}."));
    if let Some(warning) = compute.warning() {
        voice.warn(warning.to_owned());
    }
    check_base(folder, read_model_info(folder)?.and_then(|info| info.base_sha256).as_deref())?;
    let options = LoadOptions {
        head,
        seed: settings.seed,
        dropout: settings.dropout,
        trained: settings.trained_layers,
        lora: settings.lora,
        compute,
        only_answers: false,
    };
    let (model, report) = Model::load(folder, &options)?;
    let earlier = ModelConfig::read(folder)?.earlier_labels();
    for (warning, line) in describe(&report, (&model, earlier.as_ref()), settings.trained_layers) {
        if warning { voice.warn(line) } else { voice.log(line) }
    }
    if model.trained_count() == 0 {
        let advice = "The scores of this language model are its word embeddings, so its head has nothing to train. Train all \
                      layers, the top ones, or an adapter.";
        return Err(TrainError::setting("trained layers", format!("{:?}", settings.trained_layers), advice));
    }
    let (trained, learning_rate) = (settings.trained_layers, settings.optimizer.learning_rate);
    let advice = rate_advice(model.head(), (report.new_head, trained), model.config().network_kind(), learning_rate);
    if let Some(advice) = advice {
        voice.warn(advice);
    }
    voice.progress("Loading the model", 1, 1, "models");
    voice.look()?;
    Ok((model, report.new_head))
}

/// The load report in sentences; true for a warning.
fn describe(
    report: &LoadReport,
    (model, earlier): (&Model, Option<&EarlierLabels>),
    layers: TrainedLayers,
) -> Vec<(bool, String)> {
    let (all, trained) = (model.parameter_count(), model.trained_count());
    let tensors = counted(report.loaded.len(), "tensor", "tensors");
    let which = if trained == all { "all".to_owned() } else { format!("{} of", count(trained)) };
    let mut lines = vec![(false, format!("Loaded {tensors}. Training {which} {} parameters.", count(all)))];
    if trained < all {
        let what = match layers {
            TrainedLayers::Instant => "The rest is frozen, and each text is read once.",
            TrainedLayers::Lora => "They are an adapter and the head; the model's own weights are frozen.",
            _ => "The rest is frozen: it has no dropout and is computed once per text.",
        };
        lines.push((false, what.to_owned()));
    }
    lines.push((false, describe_head(report, model, earlier)));
    for (what, names) in [
        ("missing from the weights file, so it starts from random values", &report.missing),
        ("in the weights file that this network does not use", &report.unexpected),
    ] {
        if !names.is_empty() {
            lines.push((true, format!("{} {what}: {}.", counted(names.len(), "tensor", "tensors"), listed(names))));
        }
    }
    lines
}

fn describe_head(report: &LoadReport, model: &Model, earlier: Option<&EarlierLabels>) -> String {
    if let (
        Some(earlier),
        HeadSpec::Classification { labels } | HeadSpec::EmbeddingClassification { labels, .. },
        true,
    ) = (earlier, model.head(), report.new_head)
    {
        let is_other = matches!(model.head(), HeadSpec::EmbeddingClassification { .. });
        return format!("{}.", earlier.says("The model", labels, is_other));
    }
    match (model.head(), report.new_head) {
        (HeadSpec::Classification { labels } | HeadSpec::EmbeddingClassification { labels, .. }, true) => {
            format!("Created a new classification head for {}.", counted(labels.len(), "label", "labels"))
        }
        (HeadSpec::Classification { .. } | HeadSpec::EmbeddingClassification { .. }, false) => {
            "Training continues with the model's own classification head, which has the same labels.".to_owned()
        }
        (HeadSpec::LanguageModel, true) => {
            "The model has no language model head. Created a new one that shares the word embeddings.".to_owned()
        }
        (HeadSpec::LanguageModel, false) => "Training continues with the model's own language model head.".to_owned(),
    }
}

/// A warning if the learning rate is far from what a language model's head or the trained part of a classifier needs: only now is
/// it known whether the head is new.
fn rate_advice(
    head: &HeadSpec,
    (is_new, trained): (bool, TrainedLayers),
    network: NetworkKind,
    learning_rate: f64,
) -> Option<String> {
    let usual = Preset::learning_rate_for((TaskKind::TextClassification, network), trained);
    match (head, is_new) {
        (HeadSpec::LanguageModel, true) if learning_rate < LOW_RATE => Some(format!(
            "The new language model head learns slowly at a learning rate of {learning_rate:e}. Try 2e-4 to 5e-4."
        )),
        // Adapters need a higher rate, and leave the model's own weights alone.
        (HeadSpec::LanguageModel, false) if learning_rate > HIGH_RATE && trained != TrainedLayers::Lora => {
            Some(format!(
                "A learning rate of {learning_rate:e} suits a new language model head, and this model has one. If \
             perplexity does not fall, try 5e-5."
            ))
        }
        (HeadSpec::LanguageModel, _) => None,
        // An instant model has no such rate.
        _ if learning_rate < usual / 4.0 && trained != TrainedLayers::Instant => Some(format!(
            "A learning rate of {learning_rate:e} is low for this way to train, so the model will learn slowly. About {usual:e} is \
             usual."
        )),
        _ => None,
    }
}

/// Tokenises all splits into samples of the task, using the token cache in `project_folder`.
pub(super) fn tokenise<'a>(
    task: &dyn TaskDefinition,
    tokenizer: &TextTokenizer,
    prepared: &'a Prepared,
    project_folder: &Path,
    max_length: usize,
    voice: &mut Voice<'_>,
) -> Result<Dataset<'a>, TrainError> {
    let limit = if task.truncates() { max_length } else { usize::MAX };
    let cache = TokenCache::open(project_folder, tokenizer.fingerprint(), tokenizer.vocab_size(), limit);
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
            let mut tokenised = tokenizer.encode_batch(&texts, limit)?.into_iter();
            let kept = chunk_keys.iter().map(|key| cache.get(key).map(<[u32]>::to_vec));
            ids.extend(kept.map(|kept| kept.or_else(|| tokenised.next()).unwrap_or_default()));
            keys.extend(chunk_keys);
            (done, new) = (done + chunk.len(), new + texts.len());
        }
        Ok::<_, TrainError>((examples, ids))
    };
    let sides = [side(Side::Train)?, side(Side::Validation)?, side(Side::Test)?];
    voice.progress("Tokenising", total, total, "rows");
    // A project that was never saved has no folder for a cache.
    if new > 0 && project_folder.is_dir() {
        let ids = sides.iter().flat_map(|(_, ids)| ids).map(Vec::as_slice);
        if let Err(error) = cache.replace(keys.into_iter().zip(ids).collect()) {
            voice.log(format!("The tokens could not be cached for the next run: {}.", reason(&error)));
        }
    }
    if task.truncates() {
        report_long_texts(&sides[0].1, max_length, voice);
    }
    let [train, validation, test] = sides;
    let rows = |side, (examples, ids): (Vec<&'a Example>, _)| {
        let samples = task.samples(Encoded { side, examples: &examples, ids, max_length })?;
        Ok::<_, TrainError>(TokenisedSide { examples, keys: prepared.side_keys(side), samples })
    };
    Ok(Dataset {
        train: rows(Side::Train, train)?,
        validation: rows(Side::Validation, validation)?,
        test: rows(Side::Test, test)?,
    })
}

fn report_long_texts(train: &[Vec<u32>], max_length: usize, voice: &mut Voice<'_>) {
    let full = train.iter().filter(|ids| ids.len() >= max_length).count();
    if full > 0 {
        let rows = train.len();
        voice.log(format!(
            "{} of {} {} the max length of {max_length} tokens; longer ones were truncated. Raise max length to keep \
             more, at the cost of speed.",
            count(full),
            counted(rows, "training text", "training texts"),
            plural(full, "reaches", "reach")
        ));
    }
}

/// Refuses data without anything to learn or to measure.
///
/// # Errors
/// [`TrainError::NotReady`], with what to do about it.
pub(super) fn check_samples(data: &Dataset<'_>) -> Result<(), TrainError> {
    for (rows, name) in [(&data.train, "training"), (&data.validation, "validation")] {
        if rows.samples.is_empty() {
            return Err(TrainError::NotReady(format!(
                "the model knows none of the words in the {name} texts, so there is nothing to predict. Choose a model for \
                 the language of your texts."
            )));
        }
    }
    Ok(())
}

/// Checks that the data can be used for training.
///
/// # Errors
/// [`TrainError::NotReady`], with advice.
pub fn check_data(prepared: &Prepared) -> Result<(), TrainError> {
    if !prepared.blockers.is_empty() {
        let reasons: Vec<String> = prepared.blockers.iter().map(|blocker| full_stop(blocker)).collect();
        return Err(TrainError::NotReady(reasons.join(" ")));
    }
    for (side, name) in [(Side::Train, "training"), (Side::Validation, "validation")] {
        if prepared.side(side).next().is_none() {
            let reason = format!("There are no {name} rows. Change the split in the Prepare step.");
            return Err(TrainError::NotReady(reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_the_batches_of_every_epoch() {
        let lengths: Vec<usize> = (0..200).map(|row| 5 + row % 60).collect();
        let settings = TrainingSettings { batch_tokens: Some(300), epochs: 4, ..TrainingSettings::default() };
        let plan = BatchPlan::of(&settings);
        let made: u64 = (0..4).map(|epoch| plan.epoch(&lengths, epoch).len() as u64).sum();
        assert_eq!(steps_of(&settings, &lengths), (made.div_ceil(4), made));
        assert!(made > settings.total_steps(200), "rows alone would make fewer");
        let accumulated = TrainingSettings { gradient_accumulation: 3, ..settings.clone() };
        let made: u64 = (0..4).map(|epoch| plan.epoch(&lengths, epoch).len().div_ceil(3) as u64).sum();
        assert_eq!(steps_of(&accumulated, &lengths).1, made);
        let by_rows = TrainingSettings { batch_tokens: None, ..settings };
        assert_eq!(steps_of(&by_rows, &lengths), (7, 28));
    }

    #[test]
    fn a_learning_rate_that_does_not_suit_the_language_model_head_is_warned_of() {
        let all =
            |head: &HeadSpec, is_new, rate| rate_advice(head, (is_new, TrainedLayers::All), NetworkKind::Encoder, rate);
        let advice = |is_new, rate| all(&HeadSpec::LanguageModel, is_new, rate);
        assert!(advice(true, 5e-5).is_some_and(|text| text.contains("at a learning rate of 5e-5. Try 2e-4 to 5e-4")));
        assert!(advice(false, 3e-4).is_some_and(|text| text.starts_with("A learning rate of 3e-4 suits a new")));
        assert_eq!((advice(true, 3e-4), advice(false, 5e-5)), (None, None));
        let classifier = HeadSpec::Classification { labels: vec!["good".to_owned()] };
        assert_eq!(all(&classifier, true, 5e-5), None);
        let adapter = |head, rate| rate_advice(head, (false, TrainedLayers::Lora), NetworkKind::Encoder, rate);
        assert_eq!(adapter(&HeadSpec::LanguageModel, 3e-4), None, "adapters need such a rate");
        assert_eq!((adapter(&classifier, 1e-3), adapter(&classifier, 3e-4)), (None, None));
        let slow = adapter(&classifier, 5e-5).unwrap();
        assert!(slow.starts_with("A learning rate of 5e-5 is low") && slow.ends_with("About 1e-3 is usual."), "{slow}");
        let instant = rate_advice(&classifier, (true, TrainedLayers::Instant), NetworkKind::Encoder, 1e-9);
        assert_eq!(instant, None, "it has no learning rate");
    }
}
