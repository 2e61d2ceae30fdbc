//! The curves of a run: loss and metrics, and folded away learning rate, gradient norm and speed.

use egui::{Align, Checkbox, CollapsingHeader, Color32, Layout, Role, Ui, WidgetInfo, vec2};
use egui_plot::{AxisHints, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, Points};

use crate::app::help::Chart;
use crate::app::spoken::set_heading;
use crate::app::theme::Theme;
use crate::app::widgets::axis::{axis_value, scaled_tick, scaled_ticks, ticks};
use crate::app::widgets::basics::question_ui;
use crate::app::widgets::curve_series::{CurvesState, Scale, Series};
use crate::app::widgets::layout::{is_narrow, page_height, row_or_column};
use crate::app::widgets::legend::{Entry, Legends, Sample, legend_ui};
use crate::export::score_names;
use crate::project::MetricName;
use crate::storage::{EvaluationPoint, StepMetrics};
use crate::words::{count, score, sentence_case};

/// Least height of the plots of loss and metrics.
const UPPER: f32 = 230.0;
/// Greatest height of these.
const HIGHEST: f32 = 440.0;
/// Share of the height of a page that they take in between.
const SHARE: f32 = 0.36;
/// Height of the plots that are folded away.
const LOWER: f32 = 120.0;

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
    state.refresh(curves.run, curves.steps, curves.evaluations, width as usize);
    let (series, scale) = (&state.series, state.scale);
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
        let range = if first && scale == Scale::Linear { Some([0.0, 1.2]) } else { series.least_loss_range() };
        let (summary, size) = (loss_summary(curves), vec2(width, height));
        let frame = Panel { title: "Loss", summary, size, legend: &of_loss, legends, range, scale };
        panel(ui, theme, curves, &frame, |plot| {
            if along == Along::Strengths {
                evaluations(plot, "Training", &series.loss, training, LineStyle::Solid);
            } else {
                plot.line(line("Training", &series.loss, faint(training)).width(1.0).allow_hover(false));
                plot.line(line("Training, smoothed", &series.smoothed, training).width(2.0));
            }
            evaluations(plot, "Validation", &series.validation_loss, validation, LineStyle::Solid);
            if let Some(best) = best {
                mark_best(plot, theme, best.step, scale.place(best.metrics.loss()));
            }
        });
        let (summary, size) = (score_summary(curves), vec2(width, height));
        let range = (curves.evaluations.len() < 2).then_some([0.0, 1.0]);
        let scale = Scale::Linear;
        let frame = Panel { title: "Validation metrics", summary, size, legend: &of_scores, legends, range, scale };
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
    let more = CollapsingHeader::new(theme.muted("More curves")).id_salt("more curves");
    more.show_unindented(ui, |ui| {
        technical_ui(ui, theme, curves, series, (width, narrow));
        let mut is_log = scale == Scale::Log;
        let tooltip = "Draws equal ratios as equal distances, so that a small loss can be seen to fall too";
        if ui.add(Checkbox::new(&mut is_log, "Logarithmic loss axis")).on_hover_text(tooltip).changed() {
            state.scale = if is_log { Scale::Log } else { Scale::Linear };
        }
    });
}

/// The curves of interest to those who tune the optimizer.
fn technical_ui(ui: &mut Ui, theme: &Theme, curves: Curves<'_>, series: &Series, (width, narrow): (f32, bool)) {
    let (first, training) = (curves.steps.len() < 2, theme.chart(0));
    let small = |title: &'static str, highest: f64| {
        let (summary, size, range) = (title.to_owned(), vec2(width, LOWER), first.then_some([0.0, highest]));
        Panel { title, summary, size, legend: &[], legends: Legends::default(), range, scale: Scale::Linear }
    };
    row_or_column(ui, narrow, |ui| {
        panel(ui, theme, curves, &small("Learning rate", 1e-4), |plot| {
            plot.line(line("Learning rate", &series.learning_rate, training).width(1.5));
        });
        panel(ui, theme, curves, &small("Gradient norm", 1.0), |plot| {
            plot.line(line("Gradient norm", &series.grad_norm, training).width(1.0));
        });
    });
    row_or_column(ui, narrow, |ui| {
        panel(ui, theme, curves, &small("Speed", 1.0), |plot| {
            plot.line(line("Tokens per second", &series.speed, training).width(1.5));
        });
        // From 0 on: what changes little should look so.
        let most = series.memory.iter().map(|point| point.y).fold(1.0, f64::max);
        let frame = Panel { range: Some([0.0, most]), ..small("Memory", 1.0) };
        panel(ui, theme, curves, &frame, |plot| {
            plot.line(line("Memory in GB", &series.memory, training).width(1.5));
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
    /// How values are drawn.
    scale: Scale,
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
            let (along, per_epoch, scale) = (curves.along, curves.steps_per_epoch, panel.scale);
            let font = theme.font(theme.text.small);
            let axis = |hints: AxisHints<'static>| {
                hints.tick_label_color(theme.palette.text_muted).tick_label_font(font.clone())
            };
            let x_axis = axis(AxisHints::new_x())
                .label(theme.small(along.axis()))
                .formatter(|mark, _| count(mark.value.max(0.0).round() as u64));
            let y_axis =
                axis(AxisHints::new_y()).formatter(move |mark, _| scaled_tick(mark, scale)).min_thickness(48.0);
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
                .y_grid_spacer(move |input| scaled_ticks(&input, scale))
                .grid_color(theme.palette.border)
                .label_formatter(move |position| hover(position, (along, scale), per_epoch));
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

fn hover(position: &HoverPosition<'_>, (along, scale): (Along, Scale), steps_per_epoch: u64) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position, .. } = position else { return None };
    let epoch = if steps_per_epoch > 0 && along == Along::Steps {
        format!(" (epoch {:.2})", position.x / steps_per_epoch as f64)
    } else {
        String::new()
    };
    let place = count(position.x.max(0.0).round() as u64);
    Some(format!("{plot_name}: {}\n{} {place}{epoch}", axis_value(scale.value(position.y)), sentence_case(along.one())))
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

fn summary(title: &str, parts: impl IntoIterator<Item = Option<String>>) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { format!("{title}: no data yet") } else { format!("{title}: {}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;

    #[test]
    fn the_tooltip_shows_step_and_epoch() {
        let position = PlotPoint::new(540.0, 0.1234);
        let near = HoverPosition::NearDataPoint { plot_name: "Validation", position, index: 0 };
        assert_eq!(
            hover(&near, (Along::Steps, Scale::Linear), 360).as_deref(),
            Some("Validation: 0.1234\nStep 540 (epoch 1.50)")
        );
        assert_eq!(hover(&HoverPosition::Elsewhere { position }, (Along::Steps, Scale::Linear), 360), None);
        assert_eq!(
            hover(&near, (Along::Strengths, Scale::Linear), 8).as_deref(),
            Some("Validation: 0.1234\nStrength 540")
        );
        let near =
            HoverPosition::NearDataPoint { plot_name: "Validation", position: PlotPoint::new(540.0, -1.0), index: 0 };
        let told = hover(&near, (Along::Steps, Scale::Log), 360).unwrap();
        assert!(told.starts_with("Validation: 0.1000\n"), "{told}");
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

    /// A run of that many steps.
    fn long(steps: u64) -> Vec<StepMetrics> {
        let first = &testing::results().steps[0];
        let step = |step: u64| {
            let noise = f64::from((step.wrapping_mul(2_654_435_761) % 1_000) as u32) / 1_000.0;
            let loss = 0.2 + noise / 4.0 + 1.0 / (1.0 + step as f64 / 1e4);
            StepMetrics { step, loss, train_seconds: step as f64 / 50.0, ..first.clone() }
        };
        (1..=steps).map(step).collect()
    }

    fn curves<'a>(steps: &'a [StepMetrics], evaluations: &'a [EvaluationPoint]) -> Curves<'a> {
        let (total_steps, steps_per_epoch) = (steps.len() as u64, 50_000);
        let (run, along, best_metric) = ("long", Along::Steps, MetricName::MacroF1);
        Curves { run, along, steps, evaluations, total_steps, steps_per_epoch, best_metric }
    }

    #[test]
    fn a_long_run_is_thinned_and_has_an_accessible_summary() {
        let theme = testing::theme(false);
        let results = testing::results();
        let steps = long(200_000);
        let mut state = CurvesState::default();
        {
            let curves = curves(&steps, &results.evaluations);
            let harness = testing::window(false, (), |ui, ()| curves_ui(ui, &theme, curves, &mut state));
            harness.get_by_label_contains("Loss: training");
        }
        assert!(state.series.loss.len() < 3_000, "{} points are drawn", state.series.loss.len());
    }

    #[test]
    fn more_curves_and_a_logarithmic_axis_are_a_click_away() {
        let theme = testing::theme(false);
        let results = testing::results();
        let state = CurvesState::default();
        let mut harness = testing::window(false, state, |ui, state| {
            curves_ui(ui, &theme, curves(&results.steps, &results.evaluations), state);
        });
        harness.run();
        harness.get_by_label("More curves").click();
        harness.run();
        assert!(harness.query_all_by_label("Speed").count() > 1, "the title and the plot");
        harness.get_by_label("Logarithmic loss axis").click();
        harness.run();
        testing::picture("curves-more", &mut harness);
        assert_eq!(harness.state().scale, Scale::Log);
    }

    mod by_hand {
        use std::time::Instant;

        use super::*;

        #[test]
        #[ignore = "a measurement"]
        #[allow(clippy::print_stdout, reason = "it prints what it measured")]
        fn frames_of_a_run_of_a_million_steps() {
            let theme = testing::theme(false);
            let results = testing::results();
            let steps = long(1_000_200);
            let state = (2, CurvesState::default());
            let mut harness = testing::window(false, state, |ui, (shown, state)| {
                curves_ui(ui, &theme, curves(&steps[..*shown], &results.evaluations), state);
            });
            harness.run();
            let mut frame = |shown: usize| {
                harness.state_mut().0 = shown;
                let begun = Instant::now();
                harness.step();
                begun.elapsed().as_secs_f64() * 1e3
            };
            let first = frame(1_000_000);
            let mut later: Vec<f64> = (1..=200).map(|more| frame(1_000_000 + more)).collect();
            later.sort_by(f64::total_cmp);
            println!(
                "a million steps: {first:.1} ms for the first frame; then, with a new step in each of 200 frames, {:.1} ms in the \
                 middle and {:.1} ms at the 99th percentile",
                later[100], later[197]
            );
        }
    }
}
