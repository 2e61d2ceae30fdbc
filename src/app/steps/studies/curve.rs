//! A learning curve: the score over the training rows, and where twice as many would lead.

use egui::{Label, Role, Ui, WidgetInfo};
use egui_plot::{AxisHints, GridInput, GridMark, Line, LineStyle, Plot, PlotPoints, Points};

use crate::app::steps::studies::table::table_ui;
use crate::app::theme::Theme;
use crate::evaluation::{CurvePoint, LearningCurve};
use crate::words::{count, score};

/// Height of the curve.
const HEIGHT: f32 = 220.0;

/// Draws what the curve says, the curve, and its figures.
pub fn curve_ui(ui: &mut Ui, theme: &Theme, curve: &LearningCurve, id: &str) {
    let says = curve.says();
    if !says.is_empty() {
        ui.add(Label::new(&says).wrap());
        ui.add_space(theme.space.s);
    }
    if curve.points.len() > 1 {
        plot_ui(ui, theme, curve, id);
        ui.add_space(theme.space.s);
    }
    let row = |point: &CurvePoint| {
        let interval =
            point.interval.map_or_else(String::new, |(low, high)| format!("{} to {}", score(low), score(high)));
        (vec![count(point.rows), score(point.mean), interval, count(point.scores.len())], false)
    };
    let rows: Vec<(Vec<String>, bool)> = curve.points.iter().map(row).collect();
    table_ui(ui, theme, id, &["Trained on", curve.metric.title(), "95% interval", "Runs"], &rows);
}

/// The rows are on a logarithmic axis, where a power law bends least.
fn plot_ui(ui: &mut Ui, theme: &Theme, curve: &LearningCurve, id: &str) {
    let at = |rows: usize| (rows.max(1) as f64).log10();
    let means: Vec<[f64; 2]> = curve.points.iter().map(|point| [at(point.rows), point.mean]).collect();
    let mut known: Vec<usize> = curve.points.iter().map(|point| point.rows).collect();
    known.extend(curve.forecast.map(|forecast| forecast.rows));
    let marked = known.clone();
    let marks = move |_: GridInput| -> Vec<GridMark> {
        known.iter().map(|&rows| GridMark { value: at(rows), step_size: 1.0 }).collect()
    };
    let name = move |mark: GridMark, _: &std::ops::RangeInclusive<f64>| {
        let rows = marked.iter().find(|&&rows| (at(rows) - mark.value).abs() < 1e-9);
        rows.map_or_else(String::new, |&rows| count(rows))
    };
    let font = theme.font(theme.text.small);
    let axis =
        |hints: AxisHints<'static>| hints.tick_label_color(theme.palette.text_muted).tick_label_font(font.clone());
    let (ink, faint) = (theme.palette.accent, theme.palette.text_muted);
    let response = Plot::new(("learning curve", id))
        .height(HEIGHT)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .show_grid([false, true])
        .x_grid_spacer(marks)
        .custom_x_axes(vec![axis(AxisHints::new_x()).label(theme.small("Training rows")).formatter(name)])
        .custom_y_axes(vec![axis(AxisHints::new_y()).label(theme.small(curve.metric.title())).min_thickness(48.0)])
        .show(ui, |plot| {
            for point in &curve.points {
                if let Some((low, high)) = point.interval {
                    let bar = vec![[at(point.rows), low], [at(point.rows), high]];
                    plot.line(Line::new("95% interval", PlotPoints::from(bar)).color(faint).width(1.5));
                }
            }
            if let (Some(forecast), Some(last)) = (&curve.forecast, curve.points.last()) {
                let further = vec![[at(last.rows), last.mean], [at(forecast.rows), forecast.score]];
                let line = Line::new("Forecast", PlotPoints::from(further)).color(ink).width(2.0);
                plot.line(line.style(LineStyle::dashed_dense()));
            }
            plot.line(Line::new(curve.metric.title(), PlotPoints::from(means.clone())).color(ink).width(2.0));
            plot.points(Points::new(curve.metric.title(), PlotPoints::from(means)).color(ink).radius(4.0));
        })
        .response;
    let list = curve.points.iter().map(|point| format!("{} with {} rows", score(point.mean), count(point.rows)));
    let summary = format!("{}: {}", curve.metric.title(), list.collect::<Vec<_>>().join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &summary));
}
