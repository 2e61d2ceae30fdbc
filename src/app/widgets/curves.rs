//! The curves of a run: loss, score, learning rate and gradient norm.

use egui::{Color32, Role, Ui, WidgetInfo, vec2};
use egui_plot::{Corner, HoverPosition, Legend, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, Points};

use super::downsample::{Point, min_max, smooth};
use super::numbers::{count, score};
use crate::app::theme::Theme;
use crate::project::MetricChoice;
use crate::storage::{EvaluationPoint, StepMetrics};

/// Share of the past in the smoothed training loss.
const SMOOTHING: f64 = 0.9;
/// Height of the plots of loss and score.
const UPPER: f32 = 230.0;
/// Height of the plots of learning rate and gradient norm.
const LOWER: f32 = 120.0;

/// What the curves remember between frames: the thinned series, made anew only when figures or width change.
#[derive(Clone, Debug, Default)]
pub struct CurvesState {
    key: (usize, u64, usize),
    series: Series,
}

#[derive(Clone, Debug, Default)]
struct Series {
    loss: Vec<PlotPoint>,
    smoothed: Vec<PlotPoint>,
    learning_rate: Vec<PlotPoint>,
    grad_norm: Vec<PlotPoint>,
    validation_loss: Vec<PlotPoint>,
    macro_f1: Vec<PlotPoint>,
    accuracy: Vec<PlotPoint>,
}

/// The figures to draw.
#[derive(Clone, Copy)]
pub struct Curves<'a> {
    /// Figures of every step.
    pub steps: &'a [StepMetrics],
    /// Evaluations on validation.
    pub evaluations: &'a [EvaluationPoint],
    /// Steps planned: the right end of the axis while a run is going.
    pub total_steps: u64,
    /// Steps an epoch, to tell the epoch of a step.
    pub steps_per_epoch: u64,
    /// What decides which evaluation is best.
    pub best_metric: MetricChoice,
}

/// Draws four plots, two and two: loss and score above, learning rate and gradient norm below.
pub fn curves_ui(ui: &mut Ui, theme: &Theme, curves: Curves<'_>, state: &mut CurvesState) {
    let gap = theme.space.m;
    let width = ((ui.available_width() - gap) / 2.0).max(160.0);
    state.refresh(curves, width as usize);
    let series = &state.series;
    let best = curves.evaluations.iter().rev().find(|point| point.is_best);
    ui.spacing_mut().item_spacing.x = gap;
    ui.horizontal_top(|ui| {
        panel(ui, theme, curves, "Loss", vec2(width, UPPER), Some(loss_summary(curves)), |plot| {
            plot.line(line("Training", &series.loss, faint(theme.chart(0))).width(1.0).allow_hover(false));
            plot.line(line("Training, smoothed", &series.smoothed, theme.chart(0)).width(2.0));
            evaluations(plot, "Validation", &series.validation_loss, theme.chart(1), LineStyle::Solid);
            if let Some(best) = best {
                mark_best(plot, theme, best.step, best.metrics.loss);
            }
        });
        panel(ui, theme, curves, "Score on validation", vec2(width, UPPER), Some(score_summary(curves)), |plot| {
            evaluations(plot, "Macro-F1", &series.macro_f1, theme.chart(1), LineStyle::Solid);
            evaluations(plot, "Accuracy", &series.accuracy, theme.chart(2), LineStyle::dashed_dense());
            if let Some(best) = best {
                let value = match curves.best_metric {
                    MetricChoice::Accuracy => best.metrics.accuracy,
                    MetricChoice::MacroF1 | MetricChoice::Loss => best.metrics.macro_average.f1,
                };
                mark_best(plot, theme, best.step, value);
            }
        });
    });
    ui.add_space(gap);
    ui.horizontal_top(|ui| {
        panel(ui, theme, curves, "Learning rate", vec2(width, LOWER), None, |plot| {
            plot.line(line("Learning rate", &series.learning_rate, theme.chart(0)).width(1.5));
        });
        panel(ui, theme, curves, "Gradient norm", vec2(width, LOWER), None, |plot| {
            plot.line(line("Gradient norm", &series.grad_norm, theme.chart(0)).width(1.0));
        });
    });
}

impl CurvesState {
    fn refresh(&mut self, curves: Curves<'_>, buckets: usize) {
        let last = curves.steps.last().map_or(0, |step| step.step);
        let key = (curves.steps.len() + curves.evaluations.len(), last, buckets);
        if key == self.key {
            return;
        }
        self.key = key;
        let of_steps = |value: fn(&StepMetrics) -> f64| -> Vec<Point> {
            curves.steps.iter().map(|step| [step.step as f64, value(step)]).collect()
        };
        let of_evaluations = |value: fn(&EvaluationPoint) -> f64| -> Vec<PlotPoint> {
            let points: Vec<Point> = curves.evaluations.iter().map(|point| [point.step as f64, value(point)]).collect();
            plot_points(&min_max(&points, buckets))
        };
        let loss = of_steps(|step| step.loss);
        self.series = Series {
            smoothed: plot_points(&min_max(&smooth(&loss, SMOOTHING), buckets)),
            loss: plot_points(&min_max(&loss, buckets)),
            learning_rate: plot_points(&min_max(&of_steps(|step| step.learning_rate), buckets)),
            grad_norm: plot_points(&min_max(&of_steps(|step| step.grad_norm), buckets)),
            validation_loss: of_evaluations(|point| point.metrics.loss),
            macro_f1: of_evaluations(|point| point.metrics.macro_average.f1),
            accuracy: of_evaluations(|point| point.metrics.accuracy),
        };
    }
}

fn plot_points(points: &[Point]) -> Vec<PlotPoint> {
    points.iter().map(|&point| point.into()).collect()
}

/// A titled plot over the steps. `summary` is read to people who do not see the curves; with it goes a legend.
fn panel<'a>(
    ui: &mut Ui,
    theme: &Theme,
    curves: Curves<'a>,
    title: &str,
    size: egui::Vec2,
    summary: Option<String>,
    draw: impl FnOnce(&mut egui_plot::PlotUi<'a>) + 'a,
) {
    ui.allocate_ui(size + vec2(0.0, 24.0), |ui| {
        ui.vertical(|ui| {
            ui.label(egui::RichText::new(title).strong().color(theme.palette.text));
            let per_epoch = curves.steps_per_epoch;
            let mut plot = Plot::new(("curve", title))
                .width(size.x)
                .height(size.y)
                .allow_scroll(false)
                .allow_drag(false)
                .allow_boxed_zoom(true)
                .show_crosshair(false)
                .set_margin_fraction(vec2(0.01, 0.08))
                .include_x(0.0)
                .include_x(curves.total_steps.max(1) as f64)
                .x_axis_label("Step")
                .x_axis_formatter(|mark, _| count(mark.value.max(0.0).round() as u64))
                .y_axis_formatter(|mark, range| axis_number(mark.value, range))
                .y_axis_min_width(44.0)
                .grid_color(theme.palette.grid)
                .label_formatter(move |position| hover(position, per_epoch));
            if summary.is_some() {
                let legend = Legend::default().position(Corner::RightTop).follow_insertion_order(true);
                plot = plot.legend(legend.text_style(egui::TextStyle::Small));
            }
            let response = plot.show(ui, draw).response;
            let name = summary.unwrap_or_else(|| title.to_owned());
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        });
    });
}

fn line<'a>(name: &str, points: &'a [PlotPoint], color: Color32) -> Line<'a> {
    Line::new(name, PlotPoints::Borrowed(points)).color(color)
}

fn evaluations<'a>(plot: &mut egui_plot::PlotUi<'a>, name: &str, points: &'a [PlotPoint], color: Color32, style: LineStyle) {
    plot.line(line(name, points, color).width(1.5).style(style).allow_hover(false));
    plot.points(Points::new(name, PlotPoints::Borrowed(points)).color(color).radius(3.5).shape(MarkerShape::Circle));
}

fn mark_best(plot: &mut egui_plot::PlotUi<'_>, theme: &Theme, step: u64, value: f64) {
    let star = Points::new("Best, kept", vec![[step as f64, value]]).shape(MarkerShape::Asterisk);
    plot.points(star.radius(8.0).color(theme.palette.text));
}

fn faint(color: Color32) -> Color32 {
    color.gamma_multiply(0.35)
}

fn hover(position: &HoverPosition<'_>, steps_per_epoch: u64) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position, .. } = position else { return None };
    let epoch = if steps_per_epoch > 0 {
        format!(" (epoch {:.2})", position.x / steps_per_epoch as f64)
    } else {
        String::new()
    };
    Some(format!("{plot_name}: {}\nStep {}{epoch}", axis_value(position.y), count(position.x.max(0.0).round() as u64)))
}

/// A figure with as many digits as it needs, a learning rate in scientific notation.
fn axis_value(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.2e}") } else { format!("{value:.4}") }
}

fn axis_number(value: f64, range: &std::ops::RangeInclusive<f64>) -> String {
    let span = range.end() - range.start();
    if value == 0.0 {
        "0".to_owned()
    } else if span < 1e-2 {
        format!("{value:.0e}")
    } else if span < 0.1 {
        format!("{value:.3}")
    } else if span < 2.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1}")
    }
}

fn loss_summary(curves: Curves<'_>) -> String {
    let training = curves.steps.last().map(|step| format!("training {} at step {}", score(step.loss), count(step.step)));
    let validation = curves.evaluations.last().map(|point| format!("validation {}", score(point.metrics.loss)));
    summary("Loss", [training, validation])
}

fn score_summary(curves: Curves<'_>) -> String {
    let last = curves.evaluations.last();
    let f1 = last.map(|point| format!("macro-F1 {}", score(point.metrics.macro_average.f1)));
    let accuracy = last.map(|point| format!("accuracy {}", score(point.metrics.accuracy)));
    summary("Score on validation", [f1, accuracy])
}

fn summary(title: &str, parts: [Option<String>; 2]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { format!("{title}: nothing yet") } else { format!("{title}: {}", parts.join(", ")) }
}
