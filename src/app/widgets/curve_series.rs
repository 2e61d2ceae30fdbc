//! The series behind the curves of a run, thinned while they grow.

use egui_plot::PlotPoint;

use crate::chart::{LOSS_SMOOTHING, Point, Smoother, Thinned, min_max};
use crate::export::score_names;
use crate::project::MetricName;
use crate::storage::{EvaluationPoint, StepMetrics};

/// Steps over which the speed is averaged.
const SPEED_STEPS: usize = 20;
/// The least range of a loss axis, so that a loss that hardly changes looks like one.
const LEAST_RANGE: f64 = 0.1;

/// Tokens per second over the last steps.
#[must_use]
pub fn tokens_per_second(steps: &[StepMetrics]) -> Option<f64> {
    let recent = &steps[steps.len().saturating_sub(SPEED_STEPS + 1)..];
    let (first, last) = (recent.first()?, recent.last()?);
    let seconds = last.train_seconds - first.train_seconds;
    let tokens: u64 = recent[1..].iter().map(|step| step.tokens).sum();
    (seconds > 0.0).then(|| tokens as f64 / seconds)
}

/// How a loss is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scale {
    /// As it is.
    #[default]
    Linear,
    /// By its logarithm, so that a small loss can be seen to fall too.
    Log,
}

impl Scale {
    /// The height at which a value is drawn. That of 0 on a logarithmic scale is not finite.
    #[must_use]
    pub fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
        }
    }

    /// The value that is drawn at a height.
    #[must_use]
    pub fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Log => 10_f64.powf(place),
        }
    }
}

/// The series of the steps of a run, as far as they were taken in.
#[derive(Clone, Debug)]
struct OfSteps {
    run: String,
    /// Steps taken in, and the number of the last.
    steps: usize,
    last: u64,
    smoother: Smoother,
    loss: Thinned,
    smoothed: Thinned,
    learning_rate: Thinned,
    grad_norm: Thinned,
    speed: Thinned,
    memory: Thinned,
}

impl Default for OfSteps {
    fn default() -> Self {
        Self {
            run: String::new(),
            steps: 0,
            last: 0,
            smoother: Smoother::new(LOSS_SMOOTHING),
            loss: Thinned::default(),
            smoothed: Thinned::default(),
            learning_rate: Thinned::default(),
            grad_norm: Thinned::default(),
            speed: Thinned::default(),
            memory: Thinned::default(),
        }
    }
}

impl OfSteps {
    /// Takes in the steps since the last time, or all those of another run.
    fn take_in(&mut self, run: &str, steps: &[StepMetrics]) {
        let goes_on =
            run == self.run && (self.steps == 0 || steps.get(self.steps - 1).map(|step| step.step) == Some(self.last));
        if !goes_on {
            *self = Self { run: run.to_owned(), ..Self::default() };
        }
        for place in self.steps..steps.len() {
            let (step, x) = (&steps[place], steps[place].step as f64);
            self.loss.push([x, step.loss]);
            self.smoothed.push([x, self.smoother.next(step.loss)]);
            self.learning_rate.push([x, step.learning_rate]);
            self.grad_norm.push([x, step.grad_norm]);
            if let Some(speed) = tokens_per_second(&steps[..=place]) {
                self.speed.push([x, speed]);
            }
            if step.memory > 0 {
                self.memory.push([x, step.memory as f64 / 1e9]);
            }
        }
        (self.steps, self.last) = (steps.len(), steps.last().map_or(0, |step| step.step));
    }
}

/// What is drawn, at most two points for each pixel.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Training loss, on the chosen scale.
    pub loss: Vec<PlotPoint>,
    /// The same, smoothed.
    pub smoothed: Vec<PlotPoint>,
    /// Learning rate.
    pub learning_rate: Vec<PlotPoint>,
    /// Gradient norm.
    pub grad_norm: Vec<PlotPoint>,
    /// Tokens per second.
    pub speed: Vec<PlotPoint>,
    /// Memory of the process, in gigabytes.
    pub memory: Vec<PlotPoint>,
    /// Validation loss, on the chosen scale.
    pub validation_loss: Vec<PlotPoint>,
    /// The scores of each evaluation on a scale from 0 to 1, in the order they are shown.
    pub scores: Vec<(MetricName, Vec<PlotPoint>)>,
    scale: Scale,
}

/// State kept between frames: the thinned series, which change only with the data, the width and the scale.
#[derive(Clone, Debug, Default)]
pub struct CurvesState {
    key: (String, usize, u64, usize, Scale),
    of_steps: OfSteps,
    /// What is drawn.
    pub series: Series,
    /// How losses are drawn.
    pub scale: Scale,
}

impl CurvesState {
    /// Brings the series up to date, for this many pixels of width.
    pub fn refresh(&mut self, run: &str, steps: &[StepMetrics], evaluations: &[EvaluationPoint], buckets: usize) {
        let last = steps.last().map_or(0, |step| step.step);
        let (scale, key) = (self.scale, (run.to_owned(), steps.len() + evaluations.len(), last, buckets, self.scale));
        if key == self.key {
            return;
        }
        self.key = key;
        self.of_steps.take_in(run, steps);
        let drawn = |points: Vec<Point>, scale: Scale| -> Vec<PlotPoint> {
            let placed: Vec<Point> = points.into_iter().map(|[x, y]| [x, scale.place(y)]).collect();
            min_max(&placed, buckets).into_iter().map(PlotPoint::from).collect()
        };
        let of_evaluations = |name: MetricName, scale: Scale| {
            let point = |point: &EvaluationPoint| Some([point.step as f64, point.metrics.get(name)?]);
            drawn(evaluations.iter().filter_map(point).collect(), scale)
        };
        let of_steps = &self.of_steps;
        self.series = Series {
            loss: drawn(of_steps.loss.points(), scale),
            smoothed: drawn(of_steps.smoothed.points(), scale),
            learning_rate: drawn(of_steps.learning_rate.points(), Scale::Linear),
            grad_norm: drawn(of_steps.grad_norm.points(), Scale::Linear),
            speed: drawn(of_steps.speed.points(), Scale::Linear),
            memory: drawn(of_steps.memory.points(), Scale::Linear),
            validation_loss: of_evaluations(MetricName::Loss, scale),
            scores: score_names(evaluations)
                .into_iter()
                .map(|name| (name, of_evaluations(name, Scale::Linear)))
                .collect(),
            scale,
        };
    }
}

impl Series {
    /// A range around the losses, if they are all about the same.
    #[must_use]
    pub fn least_loss_range(&self) -> Option<[f64; 2]> {
        let losses = || self.loss.iter().chain(&self.validation_loss).map(|point| self.scale.value(point.y));
        let (low, high) = (losses().fold(f64::INFINITY, f64::min), losses().fold(f64::NEG_INFINITY, f64::max));
        if self.scale == Scale::Log || !(0.0..LEAST_RANGE).contains(&(high - low)) {
            return None;
        }
        let middle = f64::midpoint(low, high);
        Some([middle - LEAST_RANGE / 2.0, middle + LEAST_RANGE / 2.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::results;

    #[test]
    fn a_loss_that_hardly_changes_is_drawn_on_an_axis_of_some_range() {
        let losses = |low, high| Series { loss: vec![[1.0, low].into(), [2.0, high].into()], ..Series::default() };
        let [low, high] = losses(1.0911, 1.0913).least_loss_range().unwrap();
        assert!((low - 1.0412).abs() < 1e-9 && (high - 1.1412).abs() < 1e-9, "{low} {high}");
        assert_eq!(losses(0.5, 1.1).least_loss_range(), None);
        assert_eq!(Series::default().least_loss_range(), None);
    }

    #[test]
    fn speed_is_averaged_over_the_last_steps() {
        let results = results();
        let speed = tokens_per_second(&results.steps).unwrap();
        let last = &results.steps[results.steps.len() - SPEED_STEPS..];
        let tokens: u64 = last.iter().map(|step| step.tokens).sum();
        assert!((speed - tokens as f64 / (0.31 * SPEED_STEPS as f64)).abs() < 1.0);
        assert_eq!(tokens_per_second(&results.steps[..1]), None);
    }

    #[test]
    fn a_series_that_grew_is_that_of_all_steps_and_another_run_begins_again() {
        let results = results();
        let (steps, evaluations) = (&results.steps, &results.evaluations);
        let of = |parts: &[usize]| {
            let mut state = CurvesState::default();
            for &part in parts {
                state.refresh("run", &steps[..part], evaluations, 300);
            }
            state
        };
        let (whole, mut grown) = (of(&[steps.len()]), of(&[1, 20, 90, steps.len()]));
        let values = |state: &CurvesState| {
            let series = [&state.series.loss, &state.series.smoothed, &state.series.speed];
            series.map(|points| points.iter().map(|point| (point.x, point.y)).collect::<Vec<_>>())
        };
        assert_eq!(values(&whole), values(&grown));
        assert_eq!(whole.series.loss.len(), steps.len());
        grown.refresh("other", &steps[..10], &[], 300);
        assert_eq!(grown.series.loss.len(), 10);
    }

    #[test]
    fn a_logarithmic_scale_draws_powers_of_ten_evenly_and_leaves_out_zero() {
        let results = results();
        let mut steps = results.steps[..4].to_vec();
        for (step, loss) in steps.iter_mut().zip([10.0, 1.0, 0.1, 0.0]) {
            step.loss = loss;
        }
        let mut state = CurvesState { scale: Scale::Log, ..CurvesState::default() };
        state.refresh("run", &steps, &[], 300);
        let heights: Vec<f64> = state.series.loss.iter().map(|point| point.y).collect();
        assert_eq!(heights, [1.0, 0.0, -1.0]);
        assert!((Scale::Log.value(-1.0) - 0.1).abs() < 1e-12);
        state.scale = Scale::Linear;
        state.refresh("run", &steps, &[], 300);
        assert_eq!(state.series.loss.len(), 4, "another scale is drawn at once");
    }
}
