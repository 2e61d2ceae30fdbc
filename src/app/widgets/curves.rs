//! The curves of a run: loss, metrics, learning rate and gradient norm.

use egui::{Align, CollapsingHeader, Color32, Layout, Role, Ui, WidgetInfo, vec2};
use egui_plot::{
    AxisHints, GridInput, GridMark, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, Points,
};

use crate::app::help::Chart;
use crate::app::spoken::set_heading;
use crate::app::theme::Theme;
use crate::app::widgets::basics::question_ui;
use crate::app::widgets::downsample::{Point, min_max, smooth};
use crate::app::widgets::layout::{is_narrow, page_height, row_or_column};
use crate::app::widgets::legend::{Entry, Legends, Sample, legend_ui};
use crate::project::MetricName;
use crate::storage::{EvaluationPoint, StepMetrics};
use crate::words::{count, score, sentence_case};

/// Weight of the past in the smoothed training loss.
const SMOOTHING: f64 = 0.9;
/// Least height of the plots of loss and metrics.
const UPPER: f32 = 230.0;
/// Greatest height of these.
const HIGHEST: f32 = 440.0;
/// Share of the height of a page that they take in between.
const SHARE: f32 = 0.36;
/// Height of the plots of learning rate and gradient norm.
const LOWER: f32 = 120.0;
/// The least range of a loss axis, so that a loss that hardly changes looks like one.
const LEAST_RANGE: f64 = 0.1;

/// State kept between frames: the thinned series, recomputed only when the data or the width changes.
#[derive(Clone, Debug, Default)]
pub struct CurvesState {
    key: (String, usize, u64, usize),
    series: Series,
}

#[derive(Clone, Debug, Default)]
struct Series {
    loss: Vec<PlotPoint>,
    smoothed: Vec<PlotPoint>,
    learning_rate: Vec<PlotPoint>,
    grad_norm: Vec<PlotPoint>,
    validation_loss: Vec<PlotPoint>,
    /// The scores of each evaluation on a scale from 0 to 1, in the order they are shown.
    scores: Vec<(MetricName, Vec<PlotPoint>)>,
}

/// What a run goes through, from left to right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// The steps of the optimizer.
    Steps,
    /// The strengths of regularisation that an Instant run fits one after the other, the strongest first.
    Strengths,
}

impl Along {
    /// The title of the axis.
    fn axis(self) -> &'static str {
        match self {
            Self::Steps => "Step",
            Self::Strengths => "Regularisation, from strong to weak",
        }
    }

    /// One of them.
    fn one(self) -> &'static str {
        match self {
            Self::Steps => "step",
            Self::Strengths => "strength",
        }
    }
}

/// The data to draw.
#[derive(Clone, Copy)]
pub struct Curves<'a> {
    /// Id of the run.
    pub run: &'a str,
    /// What it goes through.
    pub along: Along,
    /// Metrics of every step.
    pub steps: &'a [StepMetrics],
    /// Evaluations on the validation set.
    pub evaluations: &'a [EvaluationPoint],
    /// Planned steps: the right end of the axis during training.
    pub total_steps: u64,
    /// Steps per epoch, to convert steps to epochs.
    pub steps_per_epoch: u64,
    /// The metric that decides which evaluation is best.
    pub best_metric: MetricName,
}

/// Draws the plots of loss and metrics, side by side if there is enough width, and folded away those of the optimizer.
pub fn curves_ui(ui: &mut Ui, theme: &Theme, curves: Curves<'_>, state: &mut CurvesState) {
    // Two legends beside each other must not read as one.
    let gap = theme.space.xl;
    let narrow = is_narrow(ui);
    let width = if narrow { ui.available_width() } else { (ui.available_width() - gap) / 2.0 };
    let height = (page_height(ui) * SHARE).clamp(UPPER, HIGHEST);
    state.refresh(curves, width as usize);
    let series = &state.series;
    let first = curves.steps.len() < 2;
    let best = curves.evaluations.iter().rev().find(|point| point.is_best);
    let (training, validation, second) = (theme.chart(0), theme.chart(1), theme.chart(2));
    let star = best.map(|_| ("Best, kept", theme.palette.text, Sample::Star));
    let looks = [(validation, Sample::Points, LineStyle::Solid), (second, Sample::Dashes, LineStyle::dashed_dense())];
    let along = curves.along;
    let of_training: &[Entry] = match along {
        Along::Steps => &[("Training", faint(training), Sample::Line), ("Smoothed", training, Sample::Thick)],
        Along::Strengths => &[("Training", training, Sample::Points)],
    };
    let of_validation = ("Validation", validation, Sample::Points);
    let of_loss: Vec<Entry> = of_training.iter().copied().chain([of_validation]).chain(star).collect();
    let of_scores =
        series.scores.iter().zip(looks).map(|((name, _), (color, sample, _))| (name.title(), color, sample));
    let of_scores: Vec<Entry> = of_scores.chain(star).collect();
    let legends = Legends::new(ui, theme, width, [("Loss", &of_loss), ("Validation metrics", &of_scores)]);
    ui.spacing_mut().item_spacing.x = gap;
    row_or_column(ui, narrow, |ui| {
        let range = if first { Some([0.0, 1.2]) } else { series.least_loss_range() };
        let (summary, size) = (loss_summary(curves), vec2(width, height));
        let frame = Panel { title: "Loss", summary, size, legend: &of_loss, legends, range };
        panel(ui, theme, curves, &frame, |plot| {
            if along == Along::Strengths {
                evaluations(plot, "Training", &series.loss, training, LineStyle::Solid);
            } else {
                plot.line(line("Training", &series.loss, faint(training)).width(1.0).allow_hover(false));
                plot.line(line("Training, smoothed", &series.smoothed, training).width(2.0));
            }
            evaluations(plot, "Validation", &series.validation_loss, validation, LineStyle::Solid);
            if let Some(best) = best {
                mark_best(plot, theme, best.step, best.metrics.loss());
            }
        });
        let (summary, size) = (score_summary(curves), vec2(width, height));
        let range = (curves.evaluations.len() < 2).then_some([0.0, 1.0]);
        let frame = Panel { title: "Validation metrics", summary, size, legend: &of_scores, legends, range };
        panel(ui, theme, curves, &frame, |plot| {
            for ((name, points), (color, _, style)) in series.scores.iter().zip(looks) {
                evaluations(plot, name.title(), points, color, style);
            }
            // A run chosen by its loss has its star on the first score.
            let shown = series.scores.iter().map(|(name, _)| *name);
            let starred = shown.clone().find(|name| *name == curves.best_metric).or_else(|| shown.clone().next());
            if let (Some(best), Some(name)) = (best, starred) {
                mark_best(plot, theme, best.step, best.metrics.get(name).unwrap_or_default());
            }
        });
    });
    if along == Along::Strengths {
        return;
    }
    ui.add_space(theme.space.s);
    // Seldom of use to anyone, so they are folded away.
    let more = CollapsingHeader::new(theme.muted("Learning rate and gradient norm")).id_salt("more curves");
    more.show_unindented(ui, |ui| technical_ui(ui, theme, curves, series, (width, narrow)));
}

/// The curves of interest to those who tune the optimizer.
fn technical_ui(ui: &mut Ui, theme: &Theme, curves: Curves<'_>, series: &Series, (width, narrow): (f32, bool)) {
    let (first, training) = (curves.steps.len() < 2, theme.chart(0));
    row_or_column(ui, narrow, |ui| {
        let small = |title: &'static str| {
            let range = first.then_some(if title == "Learning rate" { [0.0, 1e-4] } else { [0.0, 1.0] });
            let (summary, size) = (title.to_owned(), vec2(width, LOWER));
            Panel { title, summary, size, legend: &[], legends: Legends::default(), range }
        };
        panel(ui, theme, curves, &small("Learning rate"), |plot| {
            plot.line(line("Learning rate", &series.learning_rate, training).width(1.5));
        });
        panel(ui, theme, curves, &small("Gradient norm"), |plot| {
            plot.line(line("Gradient norm", &series.grad_norm, training).width(1.0));
        });
    });
}

/// The frame of a plot.
struct Panel<'a> {
    title: &'static str,
    /// The summary for screen readers.
    summary: String,
    size: egui::Vec2,
    legend: &'a [Entry],
    legends: Legends,
    /// A range that is always shown.
    range: Option<[f64; 2]>,
}

impl CurvesState {
    fn refresh(&mut self, curves: Curves<'_>, buckets: usize) {
        let last = curves.steps.last().map_or(0, |step| step.step);
        let key = (curves.run.to_owned(), curves.steps.len() + curves.evaluations.len(), last, buckets);
        if key == self.key {
            return;
        }
        self.key = key;
        let of_steps = |value: fn(&StepMetrics) -> f64| -> Vec<Point> {
            curves.steps.iter().map(|step| [step.step as f64, value(step)]).collect()
        };
        let of_evaluations = |name: MetricName| -> Vec<PlotPoint> {
            let point = |point: &EvaluationPoint| Some([point.step as f64, point.metrics.get(name)?]);
            let points: Vec<Point> = curves.evaluations.iter().filter_map(point).collect();
            plot_points(&min_max(&points, buckets))
        };
        let scores = score_names(curves.evaluations);
        let loss = of_steps(|step| step.loss);
        self.series = Series {
            smoothed: plot_points(&min_max(&smooth(&loss, SMOOTHING), buckets)),
            loss: plot_points(&min_max(&loss, buckets)),
            learning_rate: plot_points(&min_max(&of_steps(|step| step.learning_rate), buckets)),
            grad_norm: plot_points(&min_max(&of_steps(|step| step.grad_norm), buckets)),
            validation_loss: of_evaluations(MetricName::Loss),
            scores: scores.into_iter().map(|name| (name, of_evaluations(name))).collect(),
        };
    }
}

impl Series {
    /// A range around the losses, if they are all about the same.
    fn least_loss_range(&self) -> Option<[f64; 2]> {
        let losses = || self.loss.iter().chain(&self.validation_loss).map(|point| point.y);
        let (low, high) = (losses().fold(f64::INFINITY, f64::min), losses().fold(f64::NEG_INFINITY, f64::max));
        let middle = f64::midpoint(low, high);
        (0.0..LEAST_RANGE).contains(&(high - low)).then_some([middle - LEAST_RANGE / 2.0, middle + LEAST_RANGE / 2.0])
    }
}

fn plot_points(points: &[Point]) -> Vec<PlotPoint> {
    points.iter().map(|&point| point.into()).collect()
}

/// A titled plot over the steps.
fn panel<'a>(
    ui: &mut Ui,
    theme: &Theme,
    curves: Curves<'a>,
    panel: &Panel<'_>,
    draw: impl FnOnce(&mut egui_plot::PlotUi<'a>) + 'a,
) {
    let size = panel.size;
    ui.allocate_ui(vec2(size.x, 0.0), |ui| {
        ui.vertical(|ui| {
            ui.set_width(size.x);
            head(ui, theme, panel);
            let (along, per_epoch) = (curves.along, curves.steps_per_epoch);
            let font = theme.font(theme.text.small);
            let axis = |hints: AxisHints<'static>| {
                hints.tick_label_color(theme.palette.text_muted).tick_label_font(font.clone())
            };
            let x_axis = axis(AxisHints::new_x())
                .label(theme.small(along.axis()))
                .formatter(|mark, _| count(mark.value.max(0.0).round() as u64));
            let y_axis = axis(AxisHints::new_y()).formatter(|mark, _| tick(mark)).min_thickness(48.0);
            // Dragging and scrolling move the page. Drag with the right button to zoom; double-click to reset.
            let mut plot = Plot::new(("curve", panel.title))
                .width(size.x)
                .height(size.y)
                .allow_scroll(false)
                .allow_drag(false)
                .show_crosshair(false)
                .set_margin_fraction(vec2(0.01, 0.08))
                .include_x(0.0)
                .include_x(curves.total_steps.max(1) as f64)
                .custom_x_axes(vec![x_axis])
                .custom_y_axes(vec![y_axis])
                .x_grid_spacer(|input| ticks(&input, 6.0, 1.0))
                .y_grid_spacer(|input| ticks(&input, 4.0, 0.0))
                .grid_color(theme.palette.border)
                .label_formatter(move |position| hover(position, along, per_epoch));
            for value in panel.range.into_iter().flatten() {
                plot = plot.include_y(value);
            }
            let response = plot.show(ui, draw).response;
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &panel.summary));
        });
    });
}

/// The title of a plot, and its legend: beside the title, or below it if they do not fit.
fn head(ui: &mut Ui, theme: &Theme, panel: &Panel<'_>) {
    ui.horizontal(|ui| {
        ui.set_width(panel.size.x);
        ui.scope(|ui| title(ui, theme, panel.title));
        if panel.legends.is_beside() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                legend_ui(ui, theme, panel.legend, panel.legends);
            });
        }
    });
    if !panel.legends.is_beside() {
        legend_ui(ui, theme, panel.legend, panel.legends);
    }
}

/// The title of a plot, and what the help says about it.
fn title(ui: &mut Ui, theme: &Theme, title: &str) {
    ui.spacing_mut().item_spacing.x = theme.space.xs;
    set_heading(&ui.label(theme.strong(title)));
    if let Some(chart) = Chart::titled(title) {
        question_ui(ui, theme, chart);
    }
}

/// Grid marks at 1, 2 or 5 times a power of ten, about `wanted` of them, at least `smallest` apart.
pub fn ticks(input: &GridInput, wanted: f64, smallest: f64) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let raw = ((high - low) / wanted).max(smallest);
    if !raw.is_finite() || raw <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|&step| step >= raw * 0.999);
    let step = step.unwrap_or(10.0 * power);
    // A little slack: 0.6 / 0.05 is 11.999….
    let first = (low / step - 1e-6).ceil() as i64;
    let last = ((high / step + 1e-6).floor() as i64).min(first + 50);
    (first..=last).map(|index| GridMark { value: index as f64 * step, step_size: step }).collect()
}

/// Numbers below this have a power of ten where they need many decimals.
const SCIENTIFIC: f64 = 1e-2;

/// The number at a tick, with as many decimals as the tick distance needs.
pub fn tick(mark: GridMark) -> String {
    let step = mark.step_size.abs();
    if mark.value.abs() < step / 2.0 {
        return "0".to_owned();
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    if decimals > 3 && mark.value.abs() < SCIENTIFIC {
        let digits = (mark.value.abs().log10().floor() - step.log10().floor()).max(0.0) as usize;
        return format!("{:.*e}", digits, mark.value);
    }
    format!("{:.*}", decimals, mark.value)
}

fn line<'a>(name: &str, points: &'a [PlotPoint], color: Color32) -> Line<'a> {
    Line::new(name, PlotPoints::Borrowed(points)).color(color)
}

fn evaluations<'a>(
    plot: &mut egui_plot::PlotUi<'a>,
    name: &str,
    points: &'a [PlotPoint],
    color: Color32,
    style: LineStyle,
) {
    plot.line(line(name, points, color).width(1.5).style(style).allow_hover(false));
    plot.points(Points::new(name, PlotPoints::Borrowed(points)).color(color).radius(3.5).shape(MarkerShape::Circle));
}

fn mark_best(plot: &mut egui_plot::PlotUi<'_>, theme: &Theme, step: u64, value: f64) {
    let star = Points::new("Best, kept", vec![[step as f64, value]]).shape(MarkerShape::Asterisk);
    plot.points(star.radius(7.0).color(theme.palette.text));
}

fn faint(color: Color32) -> Color32 {
    color.gamma_multiply(0.35)
}

fn hover(position: &HoverPosition<'_>, along: Along, steps_per_epoch: u64) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position, .. } = position else { return None };
    let epoch = if steps_per_epoch > 0 && along == Along::Steps {
        format!(" (epoch {:.2})", position.x / steps_per_epoch as f64)
    } else {
        String::new()
    };
    let place = count(position.x.max(0.0).round() as u64);
    Some(format!("{plot_name}: {}\n{} {place}{epoch}", axis_value(position.y), sentence_case(along.one())))
}

/// A number with four decimals, or in scientific notation if it is small.
fn axis_value(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.2e}") } else { format!("{value:.4}") }
}

fn loss_summary(curves: Curves<'_>) -> String {
    let one = curves.along.one();
    let training = curves.steps.last();
    let training = training.map(|step| format!("training {} at {one} {}", score(step.loss), count(step.step)));
    let validation = curves.evaluations.last().map(|point| format!("validation {}", score(point.metrics.loss())));
    summary("Loss", [training, validation])
}

fn score_summary(curves: Curves<'_>) -> String {
    let last = curves.evaluations.last();
    let of = |name: MetricName| {
        last.and_then(|point| point.metrics.get(name)).map(|value| format!("{} {}", name.in_a_sentence(), score(value)))
    };
    summary("Validation metrics", score_names(curves.evaluations).into_iter().map(of))
}

/// The scores to plot beside the loss: those on a scale from 0 to 1.
fn score_names(evaluations: &[EvaluationPoint]) -> Vec<MetricName> {
    let figures = evaluations.last().map(|point| point.metrics.figures()).unwrap_or_default();
    figures.into_iter().map(|(name, _)| name).filter(|name| name.is_share()).collect()
}

fn summary(title: &str, parts: impl IntoIterator<Item = Option<String>>) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { format!("{title}: no data yet") } else { format!("{title}: {}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;

    fn marks(low: f64, high: f64, smallest: f64) -> Vec<String> {
        let input = GridInput { bounds: (low, high), base_step_size: 1.0 };
        ticks(&input, 4.0, smallest).into_iter().map(tick).collect()
    }

    #[test]
    fn ticks_are_round_numbers_with_enough_decimals() {
        assert_eq!(marks(0.0, 2.1, 0.0), ["0", "1", "2"].map(str::to_owned));
        assert_eq!(marks(0.51, 0.6, 0.0), ["0.55", "0.60"].map(str::to_owned));
        assert_eq!(marks(0.0, 5e-5, 0.0), ["0", "2e-5", "4e-5"].map(str::to_owned));
        assert_eq!(marks(1.0911, 1.0914, 0.0), ["1.0911", "1.0912", "1.0913", "1.0914"].map(str::to_owned));
        assert_eq!(marks(1.09115, 1.09125, 0.0)[0], "1.09115");
        assert_eq!(marks(0.0, 3.0, 1.0), ["0", "1", "2", "3"].map(str::to_owned));
        assert!(marks(1.0, 1.0, 0.0).is_empty());
    }

    #[test]
    fn a_loss_that_hardly_changes_is_drawn_on_an_axis_of_some_range() {
        let losses = |low, high| Series { loss: vec![[1.0, low].into(), [2.0, high].into()], ..Series::default() };
        let [low, high] = losses(1.0911, 1.0913).least_loss_range().unwrap();
        assert!((low - 1.0412).abs() < 1e-9 && (high - 1.1412).abs() < 1e-9, "{low} {high}");
        assert_eq!(losses(0.5, 1.1).least_loss_range(), None);
        assert_eq!(Series::default().least_loss_range(), None);
    }

    #[test]
    fn the_tooltip_shows_step_and_epoch() {
        let position = PlotPoint::new(540.0, 0.1234);
        let near = HoverPosition::NearDataPoint { plot_name: "Validation", position, index: 0 };
        assert_eq!(hover(&near, Along::Steps, 360).as_deref(), Some("Validation: 0.1234\nStep 540 (epoch 1.50)"));
        assert_eq!(hover(&HoverPosition::Elsewhere { position }, Along::Steps, 360), None);
        assert_eq!(hover(&near, Along::Strengths, 8).as_deref(), Some("Validation: 0.1234\nStrength 540"));
    }

    #[test]
    fn axes_have_a_range_before_the_second_point() {
        let theme = testing::theme(false);
        let results = testing::results();
        let curves = Curves {
            run: "new",
            along: Along::Steps,
            steps: &results.steps[..1],
            evaluations: &[],
            total_steps: 30,
            steps_per_epoch: 10,
            best_metric: MetricName::MacroF1,
        };
        let mut state = CurvesState::default();
        let mut harness = testing::window(false, (), |ui, ()| curves_ui(ui, &theme, curves, &mut state));
        testing::picture("curves-first-step", &mut harness);
        harness.get_by_label_contains("Validation metrics: no data yet");
    }

    #[test]
    fn a_long_run_is_thinned_and_has_an_accessible_summary() {
        let theme = testing::theme(false);
        let results = testing::results();
        let first = results.steps[0].clone();
        let steps: Vec<StepMetrics> = (1..=200_000).map(|step| StepMetrics { step, ..first.clone() }).collect();
        let curves = Curves {
            run: "long",
            along: Along::Steps,
            steps: &steps,
            evaluations: &results.evaluations,
            total_steps: 200_000,
            steps_per_epoch: 50_000,
            best_metric: MetricName::MacroF1,
        };
        let mut state = CurvesState::default();
        {
            let harness = testing::window(false, (), |ui, ()| curves_ui(ui, &theme, curves, &mut state));
            harness.get_by_label_contains("Loss: training");
        }
        let thinned = state.series.loss.len();
        state.refresh(Curves { run: "other", ..curves }, state.key.3);
        assert_eq!(state.key.0, "other", "another run with the same number of steps is redrawn");
        assert_eq!(thinned, state.series.loss.len());
        assert!(state.series.loss.len() < 3_000, "{} points are drawn", state.series.loss.len());
    }
}
