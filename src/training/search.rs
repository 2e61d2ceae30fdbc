//! Which settings a search tries next: the tree-structured Parzen estimator of Bergstra et al., "Algorithms for Hyper-Parameter
//! Optimization" (NIPS 2011), and successive halving after Jamieson and Talwalkar 1502.07943.

use std::convert::Infallible;

use rand::TryRng;
use tpe::{TpeOptimizer, TpeOptimizerBuilder};

use crate::project::{MetricName, SearchRange, SearchValues};
use crate::random::Rng;
use crate::storage::EvaluationPoint;

/// Trials with random settings before the first that learns from others.
const RANDOM_TRIALS: usize = 8;
/// How often a setting is drawn at random all the same: otherwise a search can stay with the wrong one of a few choices.
const EXPLORES: f64 = 0.15;
/// The share of the trials that count as good.
const GOOD: f64 = 0.1;
/// Other trials that must have come as far before one ends early.
const FEWEST_TO_COMPARE: usize = 3;

/// What a trial of a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// Where its settings are on the axis of each range; `None` outside of it.
    pub places: Vec<Option<f64>>,
    /// Its score: lower is better. Infinite if training failed.
    pub score: f64,
}

/// The settings of trial `number`, as `name=value`, after what earlier ones found. The same arguments give the same settings.
#[must_use]
pub fn propose(over: &[SearchRange], tried: &[Tried], (seed, number): (u64, u32)) -> Vec<String> {
    let mut random = Numbers(Rng::stream(seed, u64::from(number)));
    let place = |(index, range): (usize, &SearchRange)| {
        let [low, high] = range.axis();
        let is_random = tried.len() < RANDOM_TRIALS || random.0.uniform() < EXPLORES;
        let suggested = if is_random { None } else { suggest(range, tried, index, &mut random) };
        let place = suggested.unwrap_or_else(|| low + (high - low) * random.0.uniform());
        range.with(&range.value_at(place))
    };
    over.iter().enumerate().map(place).collect()
}

/// A place on the axis of one range where good trials are more frequent than others.
fn suggest(range: &SearchRange, tried: &[Tried], index: usize, random: &mut Numbers) -> Option<f64> {
    let [low, high] = range.axis();
    let (estimator, axis) = match &range.values {
        SearchValues::Choices(choices) => (tpe::histogram_estimator(), tpe::categorical_range(choices.len()).ok()?),
        SearchValues::Between { .. } => (tpe::parzen_estimator(), tpe::range(low, high).ok()?),
    };
    let mut builder = TpeOptimizerBuilder::new();
    builder.gamma(GOOD);
    let mut optimizer: TpeOptimizer = builder.build(estimator, axis).ok()?;
    let worst = tried.iter().map(|trial| trial.score).filter(|score| score.is_finite()).fold(0.0, f64::max);
    for trial in tried {
        // A place at the very end of the axis is outside of it for the estimator.
        let inside = |place: f64| place.clamp(low, high - (high - low) * 1e-9);
        let score = if trial.score.is_finite() { trial.score } else { worst };
        if let Some(place) = trial.places[index] {
            optimizer.tell(inside(place), score).ok()?;
        }
    }
    optimizer.ask(random).ok()
}

/// Whether a trial is in the worse half of those that came as far: it ends after 1, 2, 4, ... epochs then. `others` are the
/// evaluations of the other trials.
#[must_use]
pub fn falls_behind(metric: MetricName, point: &EvaluationPoint, others: &[Vec<EvaluationPoint>]) -> bool {
    let epoch = point.epoch.round();
    let is_rung = (point.epoch - epoch).abs() < 1e-6 && (epoch as u64).is_power_of_two();
    let Some(value) = point.metrics.get(metric).filter(|_| is_rung) else { return false };
    let at_rung = |trial: &Vec<EvaluationPoint>| {
        let reached = trial.iter().find(|other| (other.epoch - epoch).abs() < 1e-6)?;
        reached.metrics.get(metric)
    };
    let mut reached: Vec<f64> = others.iter().filter_map(at_rung).collect();
    if reached.len() < FEWEST_TO_COMPARE {
        return false;
    }
    reached.sort_by(f64::total_cmp);
    let median = f64::midpoint(reached[(reached.len() - 1) / 2], reached[reached.len() / 2]);
    if metric.higher_is_better() { value < median } else { value > median }
}

/// The project's random numbers, as the library of the estimator takes them.
struct Numbers(Rng);

impl TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.next_u64().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{ClassificationMetrics, Metrics, PrecisionRecall};
    use crate::project::Project;

    fn ranges() -> Vec<SearchRange> {
        let texts = ["lr=1e-6..1e-2:log", "batch_size=8|16|32", "training.dropout=0..0.5"].map(str::to_owned);
        SearchRange::read_all(&texts, &Project::default()).unwrap()
    }

    /// Best at a rate of 1e-4 and a batch size of 16.
    fn score(ranges: &[SearchRange], settings: &[String]) -> Tried {
        let value = |index: usize| settings[index].split_once('=').unwrap().1;
        let places = ranges.iter().enumerate().map(|(index, range)| range.place_of(value(index))).collect();
        let rate: f64 = value(0).parse().unwrap();
        let score = (rate.log10() + 4.0).powi(2) + if value(1) == "16" { 0.0 } else { 0.5 };
        Tried { places, score }
    }

    #[test]
    fn a_search_does_better_than_chance() {
        let ranges = ranges();
        let best = |learns: bool, seed: u64| {
            let mut tried: Vec<Tried> = Vec::new();
            for number in 1..=25 {
                let known = if learns { tried.as_slice() } else { &[] };
                let settings = propose(&ranges, known, (seed, number));
                tried.push(score(&ranges, &settings));
            }
            tried.iter().map(|trial| trial.score).fold(f64::INFINITY, f64::min)
        };
        let median = |learns| {
            let mut found: Vec<f64> = (0..21).map(|seed| best(learns, seed)).collect();
            found.sort_by(f64::total_cmp);
            found[10]
        };
        let (searched, drawn) = (median(true), median(false));
        assert!(searched < 0.6 * drawn, "{searched} {drawn}");
    }

    #[test]
    fn proposals_are_the_same_again_and_inside_their_ranges() {
        let ranges = ranges();
        let mut tried: Vec<Tried> = Vec::new();
        for number in 1..=12 {
            let settings = propose(&ranges, &tried, (3, number));
            assert_eq!(settings, propose(&ranges, &tried, (3, number)));
            let next = score(&ranges, &settings);
            assert!(next.places.iter().all(Option::is_some), "{settings:?}");
            // A trial that failed, and one whose settings are outside the ranges, do not stop the search.
            let score = if number % 4 == 0 { f64::INFINITY } else { next.score };
            let places = if number == 3 { vec![None; 3] } else { next.places };
            tried.push(Tried { places, score });
        }
    }

    #[test]
    fn a_trial_ends_early_in_the_worse_half_of_those_that_came_as_far() {
        let point = |epoch: f64, f1: f64| {
            let macro_average = PrecisionRecall { precision: f1, recall: f1, f1 };
            let metrics = ClassificationMetrics { macro_average, loss: 1.0 - f1, ..Default::default() };
            EvaluationPoint { step: 1, epoch, metrics: Metrics::Classification(metrics), is_best: true }
        };
        let others: Vec<Vec<EvaluationPoint>> =
            [0.5, 0.6, 0.7].iter().map(|f1| vec![point(1.0, *f1), point(2.0, f1 + 0.1)]).collect();
        let behind = |epoch, f1| falls_behind(MetricName::MacroF1, &point(epoch, f1), &others);
        assert!(behind(1.0, 0.59) && !behind(1.0, 0.6) && !behind(1.0, 0.9));
        assert!(behind(2.0, 0.65) && !behind(2.0, 0.75));
        assert!(!behind(1.5, 0.1) && !behind(3.0, 0.1), "only after 1, 2, 4, ... epochs");
        assert!(!behind(4.0, 0.1), "nobody came as far");
        assert!(!falls_behind(MetricName::MacroF1, &point(1.0, 0.1), &others[..2]), "too few to compare");
        assert!(falls_behind(MetricName::Loss, &point(1.0, 0.5), &others), "a lower loss is better");
    }
}
