//! What must be there before the first step: settings that can be used, rows as tokens, the model.

use std::path::Path;

use crate::data::{Example, Prepared, Side, TextTokenizer};
use crate::models::{LoadOptions, LoadReport, TextClassifier};
use crate::project::{EvaluateEvery, TrainingSettings};

use super::TrainError;
use super::event::Voice;

/// Texts tokenised between two looks at the stop switch.
const TOKENISE_TEXTS: usize = 2048;

/// One side of the split as the network wants it.
pub(super) struct Rows<'a> {
    pub examples: Vec<&'a Example>,
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

/// Refuses settings that cannot mean anything.
pub(super) fn check(settings: &TrainingSettings) -> Result<(), TrainError> {
    let optimizer = &settings.optimizer;
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let share = |value: f64| (0.0..1.0).contains(&value);
    let checks: [(bool, &'static str, String, &str); 14] = [
        (settings.epochs > 0, "epochs", settings.epochs.to_string(), "Give at least 1."),
        (settings.batch_size > 0, "batch size", settings.batch_size.to_string(), "Give at least 1; 16 or 32 is usual."),
        (settings.max_length >= 3, "longest text", settings.max_length.to_string(), "Give at least 3 tokens."),
        (
            settings.gradient_accumulation > 0,
            "gradient accumulation",
            settings.gradient_accumulation.to_string(),
            "Give at least 1, which does not accumulate.",
        ),
        (
            positive(optimizer.learning_rate),
            "learning rate",
            optimizer.learning_rate.to_string(),
            "Give a number above 0; 2e-5 to 5e-5 is usual.",
        ),
        (
            optimizer.weight_decay.is_finite() && optimizer.weight_decay >= 0.0,
            "weight decay",
            optimizer.weight_decay.to_string(),
            "Give 0 or more; 0.01 is usual.",
        ),
        (share(optimizer.beta1), "beta 1", optimizer.beta1.to_string(), "Give 0 to 1; 0.9 is usual."),
        (share(optimizer.beta2), "beta 2", optimizer.beta2.to_string(), "Give 0 to 1; 0.999 is usual."),
        (
            positive(optimizer.epsilon),
            "epsilon",
            optimizer.epsilon.to_string(),
            "Give a number above 0; 1e-8 is usual.",
        ),
        (
            optimizer.max_grad_norm.is_finite() && optimizer.max_grad_norm >= 0.0,
            "gradient clipping",
            optimizer.max_grad_norm.to_string(),
            "Give 0, which does not clip, or more; 1 is usual.",
        ),
        (
            (0.0..=1.0).contains(&settings.warmup),
            "warm-up",
            settings.warmup.to_string(),
            "Give a share of the steps, 0 to 1; 0.1 is usual.",
        ),
        (
            settings.dropout.is_none_or(share),
            "dropout",
            settings.dropout.unwrap_or_default().to_string(),
            "Give 0 to 1; 0.1 is usual.",
        ),
        (share(settings.label_smoothing), "label smoothing", settings.label_smoothing.to_string(), "Give 0 to 1."),
        (
            settings.evaluate_every != EvaluateEvery::Steps(0),
            "steps between evaluations",
            "0".to_owned(),
            "Give at least 1, or evaluate after each epoch.",
        ),
    ];
    match checks.into_iter().find(|(good, ..)| !good) {
        Some((_, setting, value, advice)) => Err(TrainError::setting(setting, value, advice)),
        None => Ok(()),
    }
}

/// Loads the model that training starts from, and says what was found.
pub(super) fn load_model(
    folder: &Path,
    labels: &[String],
    settings: &TrainingSettings,
    voice: &mut Voice<'_>,
) -> Result<TextClassifier, TrainError> {
    voice.progress("Loading the model", 0, 1, "models");
    let options = LoadOptions {
        labels: labels.to_vec(),
        seed: settings.seed,
        dropout: settings.dropout,
        trained: settings.trained_layers,
        ..LoadOptions::default()
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

/// Tokenises all sides.
pub(super) fn tokenise<'a>(
    prepared: &'a Prepared,
    folder: &Path,
    max_length: usize,
    voice: &mut Voice<'_>,
) -> Result<Dataset<'a>, TrainError> {
    let tokenizer = TextTokenizer::load(folder)?;
    let total = prepared.examples.len();
    let mut done = 0;
    let mut side = |side| {
        let examples: Vec<&Example> = prepared.side(side).collect();
        let mut ids = Vec::with_capacity(examples.len());
        for chunk in examples.chunks(TOKENISE_TEXTS) {
            voice.progress("Tokenising", done, total, "rows");
            voice.look()?;
            let texts: Vec<&str> = chunk.iter().map(|example| example.text.as_str()).collect();
            ids.extend(tokenizer.encode_batch(&texts, max_length)?);
            done += chunk.len();
        }
        let labels = examples.iter().map(|example| example.label).collect();
        Ok::<_, TrainError>(Rows { examples, ids, labels })
    };
    let dataset = Dataset { train: side(Side::Train)?, validation: side(Side::Validation)?, test: side(Side::Test)? };
    voice.progress("Tokenising", total, total, "rows");
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
pub(super) fn check_data(prepared: &Prepared) -> Result<(), TrainError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_out_of_range_is_named() {
        type Change = fn(&mut TrainingSettings);
        let cases: [(&str, Change); 17] = [
            ("epochs", |s| s.epochs = 0),
            ("batch size", |s| s.batch_size = 0),
            ("longest text", |s| s.max_length = 2),
            ("gradient accumulation", |s| s.gradient_accumulation = 0),
            ("learning rate", |s| s.optimizer.learning_rate = 0.0),
            ("learning rate", |s| s.optimizer.learning_rate = f64::NAN),
            ("weight decay", |s| s.optimizer.weight_decay = -0.1),
            ("beta 1", |s| s.optimizer.beta1 = 1.0),
            ("beta 2", |s| s.optimizer.beta2 = -0.1),
            ("epsilon", |s| s.optimizer.epsilon = 0.0),
            ("gradient clipping", |s| s.optimizer.max_grad_norm = -1.0),
            ("warm-up", |s| s.warmup = 1.1),
            ("dropout", |s| s.dropout = Some(1.0)),
            ("label smoothing", |s| s.label_smoothing = 1.0),
            ("label smoothing", |s| s.label_smoothing = f64::NAN),
            ("steps between evaluations", |s| s.evaluate_every = EvaluateEvery::Steps(0)),
            ("gradient clipping", |s| s.optimizer.max_grad_norm = f64::INFINITY),
        ];
        assert!(check(&TrainingSettings::default()).is_ok());
        for (name, change) in cases {
            let mut settings = TrainingSettings::default();
            change(&mut settings);
            let message = check(&settings).unwrap_err().to_string();
            assert!(message.contains(&format!("The setting {name} cannot be")), "{name}: {message}");
            assert!(message.contains("Give"), "{message}");
        }
    }
}
