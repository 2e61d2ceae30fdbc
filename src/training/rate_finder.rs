//! The learning-rate finder: trains a few steps while the learning rate rises from far too low to far too high, and looks where the
//! loss falls and where it explodes. Smith, "Cyclical Learning Rates for Training Neural Networks" (1506.01186).

use std::time::Instant;

use crate::data::{BatchPlan, TextTokenizer};
use crate::models::ModelConfig;
use crate::progress::Control;
use crate::project::TrainedLayers;
use crate::tasks::Draw;
use crate::training::event::{TrainingEvent, Voice};
use crate::training::footprint::Footprint;
use crate::training::room::Room;
use crate::training::setup;
use crate::training::step::{OptimizerStep, longest_pass, passes_of_step};
use crate::training::{Optimizer, TrainError, TrainInputs, vocabulary};

/// The first and the last learning rate.
const RATES: [f64; 2] = [1e-7, 1.0];
/// Steps at least, whatever time they take, and at most.
const STEPS: [usize; 2] = [40, 100];
/// Steps that tell how long one takes.
const TIMED: usize = 3;
/// Seconds that the steps may take.
const SECONDS: f64 = 40.0;
/// Weight of the losses before in the smoothed loss.
const MEMORY: f64 = 0.9;
/// The search ends once the smoothed loss is so many times its least value.
const EXPLODED: f64 = 3.0;
/// The suggestion is so many times below the rate at which the loss was least: there, training is about to become unstable.
const BELOW_LEAST: f64 = 10.0;
/// The share of the loss that must be gone before a rate is suggested.
const LEAST_FALL: f64 = 0.05;

/// The loss at each learning rate.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    /// The steps, in order of their rate.
    pub points: Vec<RatePoint>,
    /// The rate to train with; `None` if the loss never fell clearly.
    pub suggested: Option<f64>,
}

/// A step of the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    /// Its learning rate.
    pub rate: f64,
    /// Its loss, in nats.
    pub loss: f64,
    /// The loss, smoothed over the steps before.
    pub smoothed: f64,
}

impl RateCurve {
    /// From the rate and loss of each step, in order of their rate.
    #[must_use]
    pub fn of(losses: &[(f64, f64)]) -> Self {
        let mut points: Vec<RatePoint> = Vec::new();
        let mut mean = 0.0;
        for (number, &(rate, loss)) in (1..).zip(losses) {
            mean = MEMORY * mean + (1.0 - MEMORY) * loss;
            let smoothed = mean / (1.0 - MEMORY.powi(number));
            points.push(RatePoint { rate, loss, smoothed });
        }
        let suggested = Self::suggest(&points);
        Self { points, suggested }
    }

    fn suggest(points: &[RatePoint]) -> Option<f64> {
        // The first steps have rates that change nothing: their losses differ by chance alone.
        let (first, others) = points.split_at(points.len() / 10 + usize::from(!points.is_empty()));
        let least = others.iter().min_by(|a, b| a.smoothed.total_cmp(&b.smoothed))?;
        let before = first.iter().map(|point| point.smoothed).sum::<f64>() / first.len() as f64;
        let fell = 1.0 - least.smoothed / before;
        let rate: f64 = format!("{:.0e}", least.rate / BELOW_LEAST).parse().ok()?;
        (fell >= LEAST_FALL).then_some(rate)
    }
}

/// Finds a learning rate for a run with these inputs. Nothing of it is kept but the token cache.
///
/// # Errors
/// As [`crate::training::train`] before its first step, [`TrainError::NotReady`] if nothing is trained by steps, and
/// [`TrainError::Cancelled`] if stopped.
pub fn find_rate(
    inputs: TrainInputs<'_>,
    control: &Control,
    on_event: &mut dyn FnMut(TrainingEvent),
) -> Result<RateCurve, TrainError> {
    let mut voice = Voice::new(control, on_event);
    let settings = &inputs.project.training;
    inputs.project.check()?;
    if settings.trained_layers == TrainedLayers::Instant {
        let why =
            "An instant model is solved for, without a learning rate. Choose another way to train in the Model step.";
        return Err(TrainError::NotReady(why.to_owned()));
    }
    setup::check_data(inputs.prepared)?;
    let room = Room::now();
    let start = vocabulary::starting_folder(inputs.project, inputs.model_folder, inputs.project_folder, &mut voice)?;
    let config = ModelConfig::read(&start.path)?;
    let max_length = settings.max_length.min(config.max_positions());
    let tokenizer = TextTokenizer::load(&start.path)?;
    config.check_tokenizer(&start.path, &tokenizer)?;
    let task = setup::task(inputs.project, inputs.prepared, (&tokenizer, &config), &mut voice)?;
    let data = setup::tokenise(&*task, &tokenizer, inputs.prepared, inputs.project_folder, max_length, &mut voice)?;
    setup::check_samples(&data)?;
    let samples = &data.train.samples;
    let plan = BatchPlan::of(settings);
    let longest = longest_pass(&plan.epoch(&samples.lengths(), 0), &samples.ids);
    let footprint = Footprint::new(&config, &task.head(), settings, task.share_read());
    let footprint = room.recomputing(footprint, settings.recompute, longest);
    room.check_training(&footprint, longest)?;
    let (model, _) = setup::load_model(&start.path, task.head(), settings, &mut voice)?;
    let model = model.recomputing(footprint.recomputes());
    let mut optimizer = Optimizer::new(model.parameters(), &settings.optimizer)?;
    let loss = task.loss(samples)?;
    let mut batches = (0..).flat_map(|epoch| {
        let batches = plan.epoch(&samples.lengths(), epoch);
        let steps: Vec<_> = batches.chunks(settings.gradient_accumulation).map(<[_]>::to_vec).collect();
        steps.into_iter().map(move |rows| (epoch, rows))
    });
    let (begun, mut total, mut passes_done) = (Instant::now(), STEPS[1], 0);
    let mut losses: Vec<(f64, f64)> = Vec::new();
    while losses.len() < total {
        voice.progress("Trying learning rates", losses.len(), total, "steps");
        voice.look()?;
        let Some((epoch, rows)) = batches.next() else { break };
        let passes = passes_of_step(&*task, samples, &rows, Draw::Epoch(epoch));
        let control = voice.control;
        let stop = || control.is_cancelled();
        let seed = settings.seed;
        let step =
            OptimizerStep { model: &model, passes: &passes, loss: &loss, seed, first_pass: passes_done, stop: &stop };
        let outcome = step.forward_backward(None, &mut || voice.look())?;
        passes_done += passes.len() as u64;
        let rate = rate_of(losses.len(), total);
        if !outcome.loss.is_finite() {
            break;
        }
        losses.push((rate, outcome.loss));
        if has_exploded(&losses) || !optimizer.step(&outcome.gradients, rate)?.is_finite() {
            break;
        }
        if losses.len() == TIMED {
            // Their rates change next to nothing, so it does not matter that later steps have another distance.
            let possible = (SECONDS * TIMED as f64 / begun.elapsed().as_secs_f64().max(1e-9)) as usize;
            total = possible.clamp(STEPS[0], STEPS[1]);
        }
    }
    Ok(RateCurve::of(&losses))
}

/// The learning rate of a step: each is the same factor above the one before.
fn rate_of(step: usize, total: usize) -> f64 {
    let [first, last] = RATES;
    first * (last / first).powf(step as f64 / (total - 1) as f64)
}

fn has_exploded(losses: &[(f64, f64)]) -> bool {
    let curve = RateCurve::of(losses);
    let least = curve.points.iter().map(|point| point.smoothed).fold(f64::INFINITY, f64::min);
    curve.points.last().is_some_and(|last| last.smoothed > EXPLODED * least)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loss of steps whose rate rises: flat, falling from 1e-5 on, least at 1e-3, and exploding.
    fn losses() -> Vec<(f64, f64)> {
        let loss = |rate: f64| match rate.log10() {
            low if low < -5.0 => 1.1,
            middle if middle < -3.0 => 1.1 - 0.4 * (middle + 5.0),
            high => 0.3 + 3.0 * (high + 3.0),
        };
        (0..100).map(|step| rate_of(step, 100)).map(|rate| (rate, loss(rate))).collect()
    }

    #[test]
    fn the_suggestion_is_below_the_rate_of_the_least_loss() {
        let curve = RateCurve::of(&losses());
        let suggested = curve.suggested.unwrap();
        assert!((5e-5..=3e-4).contains(&suggested), "{suggested}");
        assert!(curve.points.windows(2).all(|pair| pair[0].rate < pair[1].rate));
        assert!((curve.points[0].rate - 1e-7).abs() < 1e-12 && (curve.points[99].rate - 1.0).abs() < 1e-9);
        assert!((curve.points[0].smoothed - 1.1).abs() < 1e-12, "the first loss is not pulled to zero");
    }

    #[test]
    fn a_loss_that_never_falls_suggests_nothing_and_one_that_explodes_ends_the_search() {
        let flat: Vec<(f64, f64)> = (0..50).map(|step| (rate_of(step, 50), 1.0)).collect();
        assert_eq!(RateCurve::of(&flat).suggested, None);
        // A first batch that happens to be easy.
        let mut lucky = losses();
        lucky[0].1 = 0.1;
        assert!(RateCurve::of(&lucky).suggested.is_none_or(|rate| rate > 1e-6));
        assert_eq!(RateCurve::of(&[]), RateCurve { points: Vec::new(), suggested: None });
        assert!(has_exploded(&losses()) && !has_exploded(&flat));
    }
}
