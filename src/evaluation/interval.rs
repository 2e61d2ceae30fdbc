//! Bootstrap confidence intervals of metrics.

use rayon::prelude::*;

use crate::evaluation::{Interval, PrecisionRecall, WordCounts, WordsAnswer};
use crate::project::MetricName;
use crate::random::Rng;

/// Fewer rows than this give no useful interval.
pub const FEWEST_ROWS: u64 = 20;

/// Number of resamples.
pub(super) const RESAMPLES: usize = 1000;

/// The 95% interval of macro-F1; `None` with fewer than [`FEWEST_ROWS`] rows. See [`bootstrap_macro_f1`].
#[must_use]
pub fn macro_f1_interval(classes: usize, truth: &[u32], predicted: &[u32], seed: u64) -> Option<Interval> {
    let (low, high) = bootstrap_macro_f1(classes, truth, predicted, RESAMPLES, seed);
    (truth.len() as u64 >= FEWEST_ROWS).then_some(Interval { metric: MetricName::MacroF1, low, high })
}

/// 95% percentile interval of macro-F1 (Efron 1979): the rows are resampled with replacement `resamples` times.
///
/// `truth` and `predicted` are class ids (below `classes`) of the same rows. As in
/// [`crate::evaluation::ClassificationMetrics::compute`], the mean is over the labels that occur in the resample. The
/// same arguments give the same interval on any number of threads. Returns (0, 0) without rows or resamples.
#[must_use]
pub fn bootstrap_macro_f1(classes: usize, truth: &[u32], predicted: &[u32], resamples: usize, seed: u64) -> (f64, f64) {
    let valid = |&(truth, predicted): &(usize, usize)| truth < classes && predicted < classes;
    let pairs: Vec<(usize, usize)> = truth
        .iter()
        .zip(predicted)
        .map(|(&truth, &predicted)| (truth as usize, predicted as usize))
        .filter(valid)
        .collect();
    let cells: Vec<usize> = pairs.into_iter().map(|(truth, predicted)| truth * classes + predicted).collect();
    if cells.is_empty() || resamples == 0 {
        return (0.0, 0.0);
    }
    bootstrap(cells.len(), resamples, seed, |drawn| {
        let mut counts = vec![0; classes * classes];
        for row in drawn {
            counts[cells[row]] += 1;
        }
        macro_f1(classes, &counts)
    })
}

/// The 95% interval of the macro-F1 of `first` less that of `second`; `None` with fewer than [`FEWEST_ROWS`] rows.
///
/// Both are predictions of the same rows, and each resample draws the same rows for both (the paired bootstrap, Efron and
/// Tibshirani 1993), so that rows that are easy or hard for both do not widen the interval.
#[must_use]
pub fn macro_f1_difference(classes: usize, truth: &[u32], [first, second]: [&[u32]; 2], seed: u64) -> Option<Interval> {
    let rows = truth.len().min(first.len()).min(second.len());
    let all_known = [truth, first, second].iter().all(|side| side.iter().all(|&class| (class as usize) < classes));
    if (rows as u64) < FEWEST_ROWS || !all_known {
        return None;
    }
    let cells = |predicted: &[u32]| -> Vec<usize> {
        truth.iter().zip(predicted).map(|(&truth, &predicted)| truth as usize * classes + predicted as usize).collect()
    };
    let (first, second) = (cells(first), cells(second));
    let (low, high) = bootstrap(rows, RESAMPLES, seed, |drawn| {
        let mut counts = [vec![0; classes * classes], vec![0; classes * classes]];
        for row in drawn {
            counts[0][first[row]] += 1;
            counts[1][second[row]] += 1;
        }
        macro_f1(classes, &counts[0]) - macro_f1(classes, &counts[1])
    });
    Some(Interval { metric: MetricName::MacroF1, low, high })
}

/// The 95% interval of the perplexity at masked tokens: the documents are drawn again with replacement, each with all
/// its predicted words, because words of one document resemble each other. `None` with fewer than [`FEWEST_ROWS`]
/// documents that have such words.
#[must_use]
pub fn perplexity_interval(documents: &[WordsAnswer], seed: u64) -> Option<Interval> {
    let counts: Vec<WordCounts> =
        documents.iter().map(|document| document.overall).filter(|counts| counts.tokens > 0).collect();
    let (low, high) = (counts.len() as u64 >= FEWEST_ROWS).then(|| {
        bootstrap(counts.len(), RESAMPLES, seed, |drawn| {
            let mut sum = WordCounts::default();
            drawn.for_each(|document| sum += counts[document]);
            sum.perplexity()
        })
    })?;
    Some(Interval { metric: MetricName::Perplexity, low, high })
}

/// The 95% interval of the perplexity of `first` less that of `second`, which are of the same documents: each resample draws the
/// same documents for both. `None` with fewer than [`FEWEST_ROWS`] documents that have words to predict.
#[must_use]
pub fn perplexity_difference([first, second]: [&[WordsAnswer]; 2], seed: u64) -> Option<Interval> {
    let both = first.iter().zip(second).map(|(first, second)| [first.overall, second.overall]);
    let both: Vec<[WordCounts; 2]> = both.filter(|[first, second]| first.tokens > 0 && second.tokens > 0).collect();
    let (low, high) = (both.len() as u64 >= FEWEST_ROWS).then(|| {
        bootstrap(both.len(), RESAMPLES, seed, |drawn| {
            let mut sums = [WordCounts::default(); 2];
            for document in drawn {
                sums[0] += both[document][0];
                sums[1] += both[document][1];
            }
            sums[0].perplexity() - sums[1].perplexity()
        })
    })?;
    Some(Interval { metric: MetricName::Perplexity, low, high })
}

/// 95% percentile interval of a score of `rows` rows: `score` gets the rows that were drawn, once for each resample.
fn bootstrap(
    rows: usize,
    resamples: usize,
    seed: u64,
    score: impl Fn(&mut dyn Iterator<Item = usize>) -> f64 + Sync,
) -> (f64, f64) {
    bootstrap_several(rows, resamples, seed, |drawn| [score(drawn)])[0]
}

/// As [`bootstrap`], of several scores of the same resamples. `score` returns as many each time.
pub(super) fn bootstrap_several<S: AsRef<[f64]> + Send>(
    rows: usize,
    resamples: usize,
    seed: u64,
    score: impl Fn(&mut dyn Iterator<Item = usize>) -> S + Sync,
) -> Vec<(f64, f64)> {
    let resample = |number: usize| {
        let mut rng = Rng::stream(seed, number as u64);
        score(&mut (0..rows).map(|_| rng.below(rows as u64) as usize))
    };
    let drawn: Vec<S> = (0..resamples).into_par_iter().map(resample).collect();
    let several = drawn.first().map_or(0, |scores| scores.as_ref().len());
    let interval = |place: usize| {
        let mut scores: Vec<f64> = drawn.iter().map(|scores| scores.as_ref()[place]).collect();
        scores.sort_by(f64::total_cmp);
        (percentile(&scores, 0.025), percentile(&scores, 0.975))
    };
    (0..several).map(interval).collect()
}

/// Macro-F1 of `[classes * classes]` counts, true label first.
pub(super) fn macro_f1(classes: usize, counts: &[u64]) -> f64 {
    let (mut sum, mut present) = (0.0, 0_u64);
    for class in 0..classes {
        let actual: u64 = counts[class * classes..(class + 1) * classes].iter().sum();
        let guessed: u64 = counts.iter().skip(class).step_by(classes).sum();
        sum += PrecisionRecall::from_counts(counts[class * classes + class], guessed, actual).f1;
        present += u64::from(actual + guessed > 0);
    }
    sum / present.max(1) as f64
}

/// Linear interpolation between the closest ranks, as in `NumPy`'s default.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (position - position.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate() {
        assert!((percentile(&[1.0, 2.0, 3.0, 4.0], 0.25) - 1.75).abs() < 1e-12);
        assert!((percentile(&[5.0], 0.975) - 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_difference_is_narrower_than_the_metrics_themselves_and_zero_for_equal_predictions() {
        let truth: Vec<u32> = (0..200).map(|row| row % 2).collect();
        let wrong_each = |every: u32| -> Vec<u32> {
            truth.iter().zip(0..).map(|(&class, row)| if row % every < 2 { 1 - class } else { class }).collect()
        };
        let (good, worse) = (wrong_each(20), wrong_each(10));
        let none = macro_f1_difference(2, &truth, [&good, &good], 1).unwrap();
        assert_eq!((none.low, none.high), (0.0, 0.0));
        let better = macro_f1_difference(2, &truth, [&good, &worse], 1).unwrap();
        let alone = macro_f1_interval(2, &truth, &good, 1).unwrap();
        // 20 of 200 rows differ: the standard error of the difference is sqrt(0.1 * 0.9 / 200) = 0.021.
        assert!((better.low - 0.058).abs() < 0.015 && (better.high - 0.142).abs() < 0.015, "{better:?}");
        assert!(better.high - better.low < 1.2 * (alone.high - alone.low), "{better:?} {alone:?}");
        let turned = macro_f1_difference(2, &truth, [&worse, &good], 1).unwrap();
        assert!((turned.low + better.high).abs() < 1e-12 && (turned.high + better.low).abs() < 1e-12, "{turned:?}");
        assert_eq!(macro_f1_difference(2, &truth[..19], [&good, &worse], 1), None, "too few rows");
        assert_eq!(macro_f1_difference(1, &truth, [&good, &worse], 1), None, "a class that is not known");
    }

    #[test]
    fn the_interval_of_perplexity_draws_whole_documents() {
        let document = |tokens: u64, loss: f64| {
            let overall = WordCounts { tokens, nats: loss * tokens as f64, words: tokens, correct: 0 };
            WordsAnswer { overall, terms: WordCounts::default() }
        };
        let alike: Vec<WordsAnswer> = (0..30).map(|_| document(7, 2.0)).collect();
        let interval = perplexity_interval(&alike, 1).unwrap();
        assert_eq!(interval.metric, MetricName::Perplexity);
        assert!((interval.low - 2.0_f64.exp()).abs() < 1e-9 && (interval.high - interval.low).abs() < 1e-9);
        let mixed: Vec<WordsAnswer> = (0..30_u8).map(|number| document(7, 1.0 + f64::from(number % 3))).collect();
        let interval = perplexity_interval(&mixed, 1).unwrap();
        // The standard error of the mean loss is sqrt(2/3)/sqrt(30) = 0.149.
        assert!((interval.low.ln() - (2.0 - 1.96 * 0.149)).abs() < 0.05, "{interval:?}");
        assert!((interval.high.ln() - (2.0 + 1.96 * 0.149)).abs() < 0.05, "{interval:?}");
        assert_eq!(perplexity_interval(&mixed, 1), Some(interval), "the same seed gives the same interval");
        let empty = [&mixed[..19], &[document(0, 0.0); 5][..]].concat();
        assert_eq!(perplexity_interval(&empty, 1), None, "documents without words to predict do not count");
    }
}
