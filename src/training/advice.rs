//! What the curves of a run show, in words, with the setting to change.
//!
//! Everything here is a function of plain data. The thresholds were chosen on 17 real runs of a small model, `MiniLM`, on 100 to 2,000
//! tweets, 500 film reviews and 800 product reviews, at the usual learning rate, ten or more times that and a twentieth of it (to
//! repeat that, see `tests/it/training/advice.rs`). A threshold keeps its distance from what runs at the usual rate did, because a
//! false alarm costs trust.

use crate::evaluation::Metrics;
use crate::project::{ClassWeights, MetricName, NetworkKind, Preset, TrainedLayers, TrainingSettings, are_imbalanced};
use crate::storage::{EvaluationPoint, RunSettings, StepMetrics};
use crate::words::{count, counted, quoted, rate, score};

/// Parts into which a run is divided to average its loss: single batches differ too much.
const PARTS: usize = 20;
/// Steps of such a part at least.
const SHORTEST: usize = 4;
/// A classifier whose training loss is higher than guessing gives by this factor is pushed about rather than trained. At the usual
/// rate, the highest part of all runs reached 0.68 of what guessing gives; at ten times that, with 500 rows and more, 1.09, 1.79 and
/// 3.64 of it.
const WORSE_THAN_GUESSING: f64 = 1.25;
/// As bad as guessing, if an earlier part was better by [`FELL_BACK`].
const AS_BAD_AS_GUESSING: f64 = 0.95;
const FELL_BACK: f64 = 0.8;
/// A language model's loss falls slowly and evenly. If it is this much above its lowest part, it rises.
const ROSE: f64 = 1.15;
/// A loss this much above where it began, or above guessing, grows without limit rather than jumps.
const GROWS: f64 = 3.0;
/// Part of the usual learning rate below which a rate may be too low. Above it, other causes are more likely.
const LOW_RATE: f64 = 0.25;
/// At a low rate that learns enough, the validation loss or the training loss falls by more than this from the first evaluation, or
/// the first part, to the last. At a twentieth of the usual rate, it was 15% and 12% at most.
const VALIDATION_FALLS: f64 = 0.15;
const TRAINING_FALLS: f64 = 0.5;
/// A model overfits when the validation loss was this much above its lowest at two evaluations in a row ...
const VALIDATION_ROSE: f64 = 1.1;
/// ... while the training loss fell to this much of what it was.
const TRAINING_FELL: f64 = 0.9;
/// Evaluations in a row without any improvement after which a run has stopped improving.
const PLATEAU: usize = 3;
/// What counts as no improvement of a loss.
const SAME_LOSS: f64 = 0.99;
/// Part of the highest rate below which losses stand still in any case, because the schedule is at its end.
const SCHEDULE_ENDS: f64 = 0.2;
/// Validation rows of a label below which no prediction of it may be chance.
const ENOUGH_ROWS: u64 = 5;

/// What the curves show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AdviceKind {
    /// The training loss grows far beyond where it began.
    Diverging,
    /// The training loss jumps.
    RateTooHigh,
    /// The loss falls slowly, at a low learning rate.
    RateTooLow,
    /// The validation loss rises while the training loss falls.
    Overfitting,
    /// Nothing improves.
    Plateau,
    /// A label that the validation set has is never predicted.
    NeverPredicted,
}

impl AdviceKind {
    /// Its name as a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Diverging => "Training is diverging",
            Self::RateTooHigh => "The learning rate looks too high",
            Self::RateTooLow => "The learning rate looks too low",
            Self::Overfitting => "The model is overfitting",
            Self::Plateau => "The run no longer improves",
            Self::NeverPredicted => "A label is never predicted",
        }
    }
}

/// Something that the curves show, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What they show.
    pub kind: AdviceKind,
    /// What was seen and what to do, in sentences.
    pub says: String,
    /// The setting to change, by the name it has on its page.
    pub setting: &'static str,
}

/// What is known of a run besides its curves.
#[derive(Clone, Debug, PartialEq)]
pub struct AdvisedRun {
    /// Its hyperparameters.
    pub training: TrainingSettings,
    /// The metric that chooses the best checkpoint.
    pub metric: MetricName,
    /// Planned number of optimizer steps.
    pub total_steps: u64,
    /// The usual learning rate for what is trained.
    pub usual_rate: f64,
    /// Labels of a classifier; 0 of a language model.
    pub labels: usize,
    /// How a classifier weights them in the loss.
    pub class_weights: ClassWeights,
}

impl AdvisedRun {
    /// The run with these settings, on a network of this kind.
    #[must_use]
    pub fn of(settings: &RunSettings, total_steps: u64, network: NetworkKind) -> Self {
        let (project, training) = (&settings.project, &settings.project.training);
        Self {
            training: training.clone(),
            metric: project.best_metric(),
            total_steps,
            usual_rate: Preset::learning_rate_for((project.task.kind(), network), training.trained_layers),
            labels: settings.labels.len(),
            class_weights: project.classification().map_or(ClassWeights::None, |task| task.class_weights.clone()),
        }
    }

    /// The loss of guessing every label as often; `None` of a language model.
    fn guessing(&self) -> Option<f64> {
        (self.labels > 1).then(|| (self.labels as f64).ln())
    }
}

/// What the steps and evaluations of a run so far show, the gravest first. Nothing for an instant model, which has no learning rate
/// and no epochs.
#[must_use]
pub fn advise(run: &AdvisedRun, steps: &[StepMetrics], evaluations: &[EvaluationPoint]) -> Vec<Advice> {
    if run.training.trained_layers == TrainedLayers::Instant {
        return Vec::new();
    }
    let parts = parts(steps);
    let too_high = too_high(run, &parts);
    // A run that is pushed about does all kinds of things besides.
    if too_high.is_some() {
        return too_high.into_iter().collect();
    }
    let found = [
        too_low(run, &parts, steps, evaluations),
        // A run that overfits no longer improves either.
        overfitting(run, steps, evaluations).or_else(|| plateau(run, steps, evaluations)),
        never_predicted(run, evaluations),
    ];
    found.into_iter().flatten().collect()
}

/// The mean training loss of each part of a run, the last ending at the last step.
fn parts(steps: &[StepMetrics]) -> Vec<f64> {
    let length = (steps.len() / PARTS).max(SHORTEST);
    steps[steps.len() % length..].chunks(length).map(mean_loss).collect()
}

fn mean_loss(steps: &[StepMetrics]) -> f64 {
    steps.iter().map(|step| step.loss).sum::<f64>() / steps.len().max(1) as f64
}

fn lowest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}

fn too_high(run: &AdvisedRun, parts: &[f64]) -> Option<Advice> {
    let (&now, before) = parts.split_last()?;
    let (&first, low) = (before.first()?, lowest(before.iter().copied()));
    let (kind, seen) = match run.guessing() {
        Some(guess) if now > GROWS * guess => (AdviceKind::Diverging, beyond_guessing(now, guess)),
        Some(guess) if now > WORSE_THAN_GUESSING * guess => (AdviceKind::RateTooHigh, beyond_guessing(now, guess)),
        Some(guess) if now > AS_BAD_AS_GUESSING * guess && low < FELL_BACK * now => {
            let seen = format!("The training loss rose from {} to {}, as bad as guessing.", score(low), score(now));
            (AdviceKind::RateTooHigh, seen)
        }
        None if now > GROWS * first => {
            (AdviceKind::Diverging, format!("The training loss grew from {} to {}.", score(first), score(now)))
        }
        None if now > ROSE * low => {
            (AdviceKind::RateTooHigh, format!("The training loss rose from {} to {}.", score(low), score(now)))
        }
        _ => return None,
    };
    let (current, usual) = (run.training.optimizer.learning_rate, run.usual_rate);
    let lower = if current > usual { usual } else { current / 3.0 };
    let clipping = if run.training.optimizer.max_grad_norm > 0.0 { "" } else { " Turn gradient clipping on, too." };
    let advice = format!("Stop, and lower the learning rate from {} to {}.{clipping}", rate(current), rate(lower));
    Some(Advice { kind, says: format!("{seen} {advice}"), setting: "Learning rate" })
}

fn beyond_guessing(now: f64, guess: f64) -> String {
    format!("The training loss is {}, and guessing would give {}.", score(now), score(guess))
}

fn too_low(run: &AdvisedRun, parts: &[f64], steps: &[StepMetrics], evaluations: &[EvaluationPoint]) -> Option<Advice> {
    let (current, usual) = (run.training.optimizer.learning_rate, run.usual_rate);
    let (first, last) = (evaluations.first()?, evaluations.last()?);
    let is_early = 2 * steps.last()?.step < run.total_steps;
    if is_early || evaluations.len() < 2 || current >= LOW_RATE * usual {
        return None;
    }
    let fall = |from: f64, to: f64| 1.0 - to / from;
    let (before, now) = (first.metrics.loss(), last.metrics.loss());
    let training = parts.first().zip(parts.last()).map_or(0.0, |(&first, &last)| fall(first, last));
    let falls = fall(before, now);
    if falls >= VALIDATION_FALLS || training >= TRAINING_FALLS {
        return None;
    }
    let how = if falls > 0.0 { "falls slowly" } else { "does not fall" };
    let says = format!(
        "The validation loss {how}: it was {} and is {}. Raise the learning rate from {} to {}, which is usual for what you train.",
        score(before),
        score(now),
        rate(current),
        rate(usual)
    );
    Some(Advice { kind: AdviceKind::RateTooLow, says, setting: "Learning rate" })
}

/// The mean training loss of the steps after one step and up to another.
fn loss_between(steps: &[StepMetrics], after: u64, until: u64) -> f64 {
    let begin = steps.partition_point(|step| step.step <= after);
    let end = steps.partition_point(|step| step.step <= until);
    mean_loss(&steps[begin.min(end)..end])
}

/// The metric that chooses the best checkpoint, so that higher is better.
fn value(run: &AdvisedRun, metrics: &Metrics) -> f64 {
    let value = metrics.get(run.metric).unwrap_or(f64::NAN);
    if run.metric.higher_is_better() { value } else { -value }
}

fn overfitting(run: &AdvisedRun, steps: &[StepMetrics], evaluations: &[EvaluationPoint]) -> Option<Advice> {
    let loss = |point: &EvaluationPoint| point.metrics.loss();
    let (place, best) = evaluations.iter().enumerate().min_by(|a, b| loss(a.1).total_cmp(&loss(b.1)))?;
    let [.., before, last] = &evaluations[place + 1..] else { return None };
    let has_risen = [before, last].iter().all(|point| loss(point) > VALIDATION_ROSE * loss(best));
    // A loss may rise while the metric still improves: the model becomes more certain, of mistakes too.
    let highest = evaluations.iter().map(|point| value(run, &point.metrics)).fold(f64::NEG_INFINITY, f64::max);
    let still_improves = value(run, &last.metrics) >= highest;
    let then = loss_between(steps, place.checked_sub(1).map_or(0, |place| evaluations[place].step), best.step);
    let now = loss_between(steps, before.step, last.step);
    if !has_risen || still_improves || now > TRAINING_FELL * then {
        return None;
    }
    let (advice, setting) = match run.training.early_stopping {
        None => ("Turn early stopping on, or train for fewer epochs.", "Early stopping"),
        Some(_) => ("Train for fewer epochs, add rows, or raise the dropout.", "Epochs"),
    };
    let says = format!(
        "The validation loss rose from {} at step {} to {}, while the training loss fell from {} to {}. The best checkpoint is \
         kept in any case. {advice}",
        score(loss(best)),
        count(best.step),
        score(loss(last)),
        score(then),
        score(now)
    );
    Some(Advice { kind: AdviceKind::Overfitting, says, setting })
}

fn plateau(run: &AdvisedRun, steps: &[StepMetrics], evaluations: &[EvaluationPoint]) -> Option<Advice> {
    let (earlier, recent) = evaluations.split_at_checked(evaluations.len().checked_sub(PLATEAU)?)?;
    let (begin, step) = (earlier.last()?, steps.last()?);
    let ends_soon = step.step as f64 > 0.9 * run.total_steps as f64
        || step.learning_rate < SCHEDULE_ENDS * run.training.optimizer.learning_rate;
    let best = |points: &[EvaluationPoint]| {
        points.iter().map(|point| value(run, &point.metrics)).fold(f64::NEG_INFINITY, f64::max)
    };
    let least = |points: &[EvaluationPoint]| lowest(points.iter().map(|point| point.metrics.loss()));
    let [first, .., before, last] = recent else { return None };
    let trains = loss_between(steps, before.step, last.step)
        < (2.0 * SAME_LOSS - 1.0) * loss_between(steps, begin.step, first.step);
    if ends_soon || trains || best(recent) > best(earlier) || least(recent) < SAME_LOSS * least(earlier) {
        return None;
    }
    let says = format!(
        "Neither the losses nor the {} improved at the last {PLATEAU} evaluations. Stop and keep the best checkpoint, and turn early \
         stopping on, which does that by itself.",
        run.metric.in_a_sentence()
    );
    Some(Advice { kind: AdviceKind::Plateau, says, setting: "Early stopping" })
}

/// The labels that no validation row was predicted as, although enough rows have them, with their rows.
fn unpredicted(point: &EvaluationPoint) -> Vec<(String, u64)> {
    let Some(metrics) = point.metrics.classification() else { return Vec::new() };
    let confusion = &metrics.confusion;
    let predicted = |label: usize| confusion.counts.iter().map(|row| row[label]).sum::<u64>();
    let rows = |label: usize| confusion.counts[label].iter().sum::<u64>();
    let is_missing = |label: &usize| predicted(*label) == 0 && rows(*label) >= ENOUGH_ROWS;
    let missing = (0..confusion.counts.len()).filter(is_missing);
    missing.map(|label| (confusion.labels[label].clone(), rows(label))).collect()
}

fn never_predicted(run: &AdvisedRun, evaluations: &[EvaluationPoint]) -> Option<Advice> {
    // Early in training, one evaluation without a label is usual.
    let [.., before, last] = evaluations else { return None };
    let before = unpredicted(before);
    let missing: Vec<(String, u64)> = unpredicted(last).into_iter().filter(|label| before.contains(label)).collect();
    let (names, rows): (Vec<String>, Vec<u64>) = missing.into_iter().unzip();
    if names.is_empty() {
        return None;
    }
    let is_weighted = match &run.class_weights {
        ClassWeights::None => false,
        ClassWeights::Auto => {
            let counts = last.metrics.classification().map(|metrics| &metrics.confusion.counts);
            are_imbalanced(counts.into_iter().flatten().map(|row| row.iter().sum::<u64>() as usize))
        }
        ClassWeights::Balanced | ClassWeights::ByHand(_) => true,
    };
    let (advice, setting) = if is_weighted {
        ("Add rows with it, or merge it with another label. More epochs may help too.", "Epochs")
    } else {
        ("Set the class weights to balanced, so that rare labels count as much as frequent ones.", "Class weights")
    };
    let says = format!(
        "No validation row was predicted {} at the last two evaluations, although {} it. {advice}",
        quoted(&names),
        counted(rows.iter().sum::<u64>(), "row has", "rows have")
    );
    Some(Advice { kind: AdviceKind::NeverPredicted, says, setting })
}
