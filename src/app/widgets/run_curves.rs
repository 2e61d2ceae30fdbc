//! The curves of several runs over each other.

use egui::{Color32, Role, Sense, Ui, WidgetInfo, vec2};
use egui_plot::{AxisHints, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, Points};

use crate::app::theme::Theme;
use crate::app::widgets::axis::{tick, ticks};
use crate::app::widgets::layout::{is_narrow, make_room, row_or_column};
use crate::chart::{LOSS_SMOOTHING, Point, Smoother, min_max};
use crate::export::CurvesOfRun;
use crate::project::MetricName;
use crate::storage::EvaluationPoint;
use crate::words::{joined, score};

/// Height of a plot.
const HEIGHT: f32 = 240.0;

/// State kept between frames: the thinned series, recomputed only for other runs or another width.
#[derive(Clone, Debug, Default)]
pub struct RunCurvesState {
    key: (Vec<String>, usize),
    series: Vec<Series>,
}

#[derive(Clone, Debug, Default)]
struct Series {
    training: Vec<PlotPoint>,
    validation: Vec<PlotPoint>,
    metric: Vec<PlotPoint>,
}

/// The colour and shape of the `index`-th run: told apart by both.
#[must_use]
pub fn run_mark(theme: &Theme, index: usize) -> (Color32, MarkerShape) {
    const SHAPES: [MarkerShape; 8] = [
        MarkerShape::Circle,
        MarkerShape::Square,
        MarkerShape::Diamond,
        MarkerShape::Up,
        MarkerShape::Cross,
        MarkerShape::Down,
        MarkerShape::Plus,
        MarkerShape::Asterisk,
    ];
    (theme.chart(index), SHAPES[index % SHAPES.len()])
}

/// Draws the mark of a run as it is in the plots.
pub fn run_mark_ui(ui: &mut Ui, theme: &Theme, index: usize) {
    let (color, shape) = run_mark(theme, index);
    let (rect, _) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::hover());
    let (middle, arm) = (rect.center(), 5.0);
    let across = |way: &egui::Vec2| {
        egui::Shape::line_segment([middle - arm * *way, middle + arm * *way], egui::Stroke::new(2.0, color))
    };
    let lines = |ways: &[egui::Vec2]| -> Vec<egui::Shape> { ways.iter().map(across).collect() };
    let polygon = |ways: &[egui::Vec2]| {
        let points = ways.iter().map(|way| middle + arm * *way).collect();
        egui::Shape::convex_polygon(points, color, egui::Stroke::NONE)
    };
    let shapes: Vec<egui::Shape> = match shape {
        MarkerShape::Circle => vec![egui::Shape::circle_filled(middle, arm, color)],
        MarkerShape::Square => {
            vec![polygon(&[vec2(-0.9, -0.9), vec2(0.9, -0.9), vec2(0.9, 0.9), vec2(-0.9, 0.9)])]
        }
        MarkerShape::Diamond => {
            vec![polygon(&[vec2(0.0, -1.0), vec2(1.0, 0.0), vec2(0.0, 1.0), vec2(-1.0, 0.0)])]
        }
        MarkerShape::Up => vec![polygon(&[vec2(0.0, -1.0), vec2(1.0, 0.8), vec2(-1.0, 0.8)])],
        MarkerShape::Down => vec![polygon(&[vec2(0.0, 1.0), vec2(-1.0, -0.8), vec2(1.0, -0.8)])],
        MarkerShape::Cross => lines(&[vec2(0.8, 0.8), vec2(0.8, -0.8)]),
        MarkerShape::Plus => lines(&[vec2(1.0, 0.0), vec2(0.0, 1.0)]),
        _ => lines(&[vec2(1.0, 0.0), vec2(0.5, 0.87), vec2(-0.5, 0.87)]),
    };
    ui.painter().extend(shapes);
}

/// Draws training and validation loss, and the main metric on the validation set, of all runs.
pub fn run_curves_ui(
    ui: &mut Ui,
    theme: &Theme,
    runs: &[CurvesOfRun<'_>],
    metric: MetricName,
    state: &mut RunCurvesState,
) {
    let gap = theme.space.xl;
    let narrow = is_narrow(ui);
    let width = if narrow { ui.available_width() } else { (ui.available_width() - gap) / 2.0 };
    state.refresh(runs, metric, width as usize);
    let series = &state.series;
    legend_ui(ui, theme, runs);
    ui.spacing_mut().item_spacing.x = gap;
    row_or_column(ui, narrow, |ui| {
        let last = |run: &CurvesOfRun<'_>| run.evaluations.last().map(|point| point.metrics.loss());
        let said = summary("Loss on the validation set", runs, last);
        panel(ui, theme, ("Loss: line for training, marks for validation", &said), width, |plot| {
            for (index, (run, series)) in runs.iter().zip(series).enumerate() {
                let (color, shape) = run_mark(theme, index);
                let line = Line::new(run.name.clone(), PlotPoints::Borrowed(&series.training));
                plot.line(line.color(color.gamma_multiply(0.6)).width(1.2).allow_hover(false));
                marked(plot, &run.name, &series.validation, (color, shape));
            }
        });
        let last = |run: &CurvesOfRun<'_>| run.evaluations.last().and_then(|point| point.metrics.get(metric));
        let said = summary(&format!("{} on the validation set", metric.title()), runs, last);
        let title = format!("{} on the validation set", metric.title());
        panel(ui, theme, (&title, &said), width, |plot| {
            for (index, (run, series)) in runs.iter().zip(series).enumerate() {
                marked(plot, &run.name, &series.metric, run_mark(theme, index));
            }
        });
    });
}

/// Which mark is of which run.
fn legend_ui(ui: &mut Ui, theme: &Theme, runs: &[CurvesOfRun<'_>]) {
    ui.horizontal_wrapped(|ui| {
        for (index, run) in runs.iter().enumerate() {
            let name = theme.small(&run.name);
            let font = theme.font(theme.text.small);
            let width = ui.painter().layout_no_wrap(run.name.clone(), font, theme.palette.text).size().x;
            // The mark and its space.
            make_room(ui, (width + 30.0).min(ui.max_rect().width()));
            run_mark_ui(ui, theme, index);
            ui.label(name);
            ui.add_space(theme.space.s);
        }
    });
    ui.add_space(theme.space.xs);
}

fn marked<'a>(
    plot: &mut egui_plot::PlotUi<'a>,
    name: &str,
    points: &'a [PlotPoint],
    (color, shape): (Color32, MarkerShape),
) {
    let line = Line::new(name, PlotPoints::Borrowed(points)).color(color).width(1.5).style(LineStyle::Solid);
    plot.line(line.allow_hover(false));
    plot.points(Points::new(name, PlotPoints::Borrowed(points)).color(color).radius(4.5).shape(shape));
}

fn summary(title: &str, runs: &[CurvesOfRun<'_>], last: impl Fn(&CurvesOfRun<'_>) -> Option<f64>) -> String {
    let ends = runs.iter().filter_map(|run| Some(format!("{} ends at {}", run.name, score(last(run)?))));
    format!("{title}: {}", joined(&ends.collect::<Vec<_>>()))
}

fn panel<'a>(
    ui: &mut Ui,
    theme: &Theme,
    (title, summary): (&str, &str),
    width: f32,
    draw: impl FnOnce(&mut egui_plot::PlotUi<'a>) + 'a,
) {
    ui.allocate_ui(vec2(width, 0.0), |ui| {
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.add(egui::Label::new(theme.strong(title)).wrap());
            let font = theme.font(theme.text.small);
            let axis = |hints: AxisHints<'static>| {
                hints.tick_label_color(theme.palette.text_muted).tick_label_font(font.clone())
            };
            let x_axis = axis(AxisHints::new_x()).label(theme.small("Epoch")).formatter(|mark, _| tick(mark));
            let y_axis = axis(AxisHints::new_y()).formatter(|mark, _| tick(mark)).min_thickness(48.0);
            // As in the curves of one run: the right button zooms, a double click shows all.
            let plot = Plot::new(("curves of runs", title))
                .width(width)
                .height(HEIGHT)
                .allow_scroll(false)
                .allow_drag(false)
                .show_crosshair(false)
                .set_margin_fraction(vec2(0.02, 0.08))
                .include_x(0.0)
                .custom_x_axes(vec![x_axis])
                .custom_y_axes(vec![y_axis])
                .x_grid_spacer(|input| ticks(&input, 6.0, 0.0))
                .y_grid_spacer(|input| ticks(&input, 4.0, 0.0))
                .grid_color(theme.palette.border)
                .label_formatter(hover);
            let response = plot.show(ui, draw).response;
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary));
        });
    });
}

fn hover(position: &HoverPosition<'_>) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position, .. } = position else { return None };
    Some(format!("{plot_name}: {}\nEpoch {:.2}", score(position.y), position.x))
}

impl RunCurvesState {
    fn refresh(&mut self, runs: &[CurvesOfRun<'_>], metric: MetricName, buckets: usize) {
        let key = (runs.iter().map(|run| run.name.clone()).collect(), buckets);
        if key == self.key {
            return;
        }
        self.key = key;
        let thin = |points: &[Point]| min_max(points, buckets).into_iter().map(PlotPoint::from).collect();
        let series = |run: &CurvesOfRun<'_>| {
            let mut smoother = Smoother::new(LOSS_SMOOTHING);
            let loss: Vec<Point> = run.steps.iter().map(|step| [step.epoch, smoother.next(step.loss)]).collect();
            let of = |value: &dyn Fn(&EvaluationPoint) -> Option<f64>| {
                let points: Vec<Point> =
                    run.evaluations.iter().filter_map(|point| Some([point.epoch, value(point)?])).collect();
                thin(&points)
            };
            Series {
                training: thin(&loss),
                validation: of(&|point| Some(point.metrics.loss())),
                metric: of(&|point| point.metrics.get(metric)),
            }
        };
        self.series = runs.iter().map(series).collect();
    }
}
