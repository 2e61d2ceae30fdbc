//! Baselines: the scores of simple methods on the same rows.

use crate::evaluation::logistic::LogisticRegression;
use crate::evaluation::minimise::Limits;
use crate::evaluation::tfidf::Vectorizer;
use crate::evaluation::{Baseline, BaselineName, ClassificationMetrics, Metrics, argmax, macro_f1_difference};
use crate::progress::{Progress, Watch};

/// Training rows the TF-IDF baseline is fitted on.
const MOST_ROWS: usize = 100_000;
/// Weights of the TF-IDF baseline (words times labels): bounds its memory to about 400 MB.
const MOST_WEIGHTS: usize = 2_000_000;
/// scikit-learn's `tol`, and the `max_iter` people use.
const LIMITS: Limits = Limits { tolerance: 1e-4, iterations: 1_000 };
/// Probability used in the loss for a label without training rows.
const LEAST_PROBABILITY: f64 = 1e-12;

/// The baselines of text classification: the most frequent label, then TF-IDF unless the watch is cancelled first, then the
/// instant model if its guesses are known. Each is compared row by row with `model`.
///
/// See [`majority_baseline`] and [`tfidf_baseline`].
#[must_use]
pub fn classification_baselines(
    train: LabelledTexts,
    measured: LabelledTexts,
    labels: &[String],
    model: ModelPredictions,
    instant: Option<&Guesses>,
    watch: &mut Watch,
) -> Vec<Baseline> {
    let majority = majority_baseline(labels, train.labels, measured.labels);
    let tfidf = tfidf_baseline(train, measured, labels, watch);
    let compared = |name, guesses: Guesses| {
        let both = [model.predicted, guesses.predicted.as_slice()];
        let difference = macro_f1_difference(labels.len(), measured.labels, both, model.seed);
        Baseline { name, metrics: Metrics::Classification(guesses.metrics), difference }
    };
    let majority = compared(BaselineName::MajorityClass, majority);
    let tfidf = tfidf.map(|guesses| compared(BaselineName::TfIdf, guesses));
    let instant = instant.map(|guesses| compared(BaselineName::Instant, guesses.clone()));
    std::iter::once(majority).chain(tfidf).chain(instant).collect()
}

/// The predictions that baselines are compared with.
#[derive(Clone, Copy, Debug)]
pub struct ModelPredictions<'a> {
    /// A class id for each measured row; empty if there is no model to compare with.
    pub predicted: &'a [u32],
    /// Seed of the resamples.
    pub seed: u64,
}

/// What a baseline predicts, and how well.
#[derive(Clone, Debug, PartialEq)]
pub struct Guesses {
    /// A class id for each measured row.
    pub predicted: Vec<u32>,
    /// Their metrics.
    pub metrics: ClassificationMetrics,
}

/// Scores always predicting the most frequent training label (the first one in a tie).
///
/// `train` and `truth` are class ids. The loss is that of predicting the label shares of the training set, with one row
/// added per label so that a label without training rows has a finite loss.
#[must_use]
pub fn majority_baseline(labels: &[String], train: &[u32], truth: &[u32]) -> Guesses {
    let mut rows = vec![1.0_f64; labels.len()];
    for &label in train {
        if let Some(rows) = rows.get_mut(label as usize) {
            *rows += 1.0;
        }
    }
    let total: f64 = rows.iter().sum();
    let most = argmax(&rows);
    let losses = truth.iter().filter_map(|&label| rows.get(label as usize)).map(|rows| (total / rows).ln());
    let loss = losses.sum::<f64>() / truth.len().max(1) as f64;
    Guesses::of(labels, truth, vec![most; truth.len()], loss)
}

impl Guesses {
    /// Scores the class id `predicted` for each row against its `truth`. `loss` is the mean cross-entropy in nats.
    #[must_use]
    pub fn of(labels: &[String], truth: &[u32], predicted: Vec<u32>, loss: f64) -> Self {
        let metrics = ClassificationMetrics::compute(labels, truth, &predicted, loss);
        Self { predicted, metrics }
    }
}

/// Texts and their class ids, of the same length.
#[derive(Clone, Copy, Debug)]
pub struct LabelledTexts<'a> {
    /// The texts.
    pub texts: &'a [&'a str],
    /// Their class ids.
    pub labels: &'a [u32],
}

/// Scores TF-IDF of words and word pairs with logistic regression, a fast classical method.
///
/// The same as scikit-learn's `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)` before
/// `LogisticRegression(class_weight="balanced", max_iter=1000)`, for labels that have training rows. Above 100,000
/// training rows, every n-th is used. It takes seconds, in parallel on the current rayon pool, and always gives the
/// same result. `None` if the watch is cancelled.
#[must_use]
pub fn tfidf_baseline(
    train: LabelledTexts,
    test: LabelledTexts,
    labels: &[String],
    watch: &mut Watch,
) -> Option<Guesses> {
    let stride = train.texts.len().div_ceil(MOST_ROWS).max(1);
    let texts: Vec<&str> = train.texts.iter().copied().step_by(stride).collect();
    let chosen: Vec<u32> = train.labels.iter().copied().step_by(stride).collect();
    // Only labels with training rows: the score of any other label would be unconstrained.
    let present: Vec<u32> = (0..labels.len() as u32).filter(|label| chosen.contains(label)).collect();
    let known: Vec<(&str, u32)> = texts
        .into_iter()
        .zip(&chosen)
        .filter_map(|(text, label)| Some((text, present.binary_search(label).ok()? as u32)))
        .collect();
    if present.len() < 2 {
        return Some(majority_baseline(labels, train.labels, test.labels));
    }
    let (texts, classes): (Vec<&str>, Vec<u32>) = known.into_iter().unzip();
    let vectorizer = Vectorizer::fit(&texts, MOST_WEIGHTS / present.len());
    let rows = vectorizer.transform(&texts);
    let go_on = |iteration: usize| {
        watch.progress(Progress {
            stage: "Fitting the TF-IDF baseline".to_owned(),
            done: iteration as u64,
            total: None,
            unit: "iterations",
            eta_seconds: None,
        });
        watch.look().is_ok()
    };
    let model = LogisticRegression::fit(&rows, &classes, present.len(), &LIMITS, go_on)?;
    let probabilities = model.probabilities(&vectorizer.transform(test.texts));
    let (mut predicted, mut loss) = (Vec::with_capacity(test.labels.len()), 0.0);
    for (row, truth) in probabilities.chunks(present.len()).zip(test.labels) {
        predicted.push(present[argmax(row) as usize]);
        let probability = present.binary_search(truth).map_or(0.0, |class| row[class]);
        loss -= probability.max(LEAST_PROBABILITY).ln();
    }
    let loss = loss / test.labels.len().max(1) as f64;
    Some(Guesses::of(labels, test.labels, predicted, loss))
}
