//! A plot of one share against another, both from 0 to 1.

use egui::{Color32, Role, Sense, Ui, WidgetInfo, vec2};
use egui_plot::{AxisHints, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotBounds, PlotPoints, PlotUi, Points};

use crate::app::theme::Theme;
use crate::app::widgets::axis::{tick, ticks};
use crate::app::widgets::legend::{Entry, Legends, legend_ui};
use crate::words::score;

/// Least height of a plot, without its legend.
const HEIGHT: f32 = 240.0;

/// What a plot of shares shows.
pub struct SharePlot<'a> {
    /// Its name, which no other plot of the page has.
    pub name: &'static str,
    /// Titles of the axes.
    pub axes: [&'static str; 2],
    /// The range of the vertical axis.
    pub range: [f64; 2],
    /// The series that have a name.
    pub legend: &'a [Entry],
    /// How much higher than usual the plot is, so that its card is as high as its neighbour.
    pub spare: f32,
    /// The summary for screen readers.
    pub summary: String,
}

/// Draws the plot in the available width: the legend, and below it what `draw` adds.
pub fn share_plot_ui<'a>(ui: &mut Ui, theme: &Theme, plot: &SharePlot<'_>, draw: impl FnOnce(&mut PlotUi<'a>) + 'a) {
    let width = ui.available_width();
    if !plot.legend.is_empty() {
        legend_ui(ui, theme, plot.legend, Legends::below(ui, theme, width, plot.legend));
    }
    let font = theme.font(theme.text.small);
    let axis = |hints: AxisHints<'static>| {
        hints.tick_label_color(theme.palette.text_muted).tick_label_font(font.clone()).formatter(|mark, _| tick(mark))
    };
    let [x_axis, y_axis] = plot.axes;
    let [low, high] = plot.range;
    // A little room, so that lines along an edge are whole.
    let room = [0.02, 0.03 * (high - low)];
    let bounds = PlotBounds::from_min_max([-room[0], low - room[1]], [1.0 + room[0], high + room[1]]);
    let titles = plot.axes;
    let response = Plot::new(plot.name)
        .width(width)
        .height(HEIGHT + plot.spare)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_crosshair(false)
        .set_margin_fraction(vec2(0.0, 0.0))
        .custom_x_axes(vec![axis(AxisHints::new_x()).label(theme.small(x_axis))])
        .custom_y_axes(vec![axis(AxisHints::new_y()).label(theme.small(y_axis)).min_thickness(40.0)])
        .x_grid_spacer(|input| ticks(&input, 5.0, 0.0))
        .y_grid_spacer(|input| ticks(&input, 4.0, 0.0))
        .grid_color(theme.palette.border)
        .label_formatter(move |position| hover(position, titles))
        .sense(Sense::hover())
        .show(ui, move |plot| {
            plot.set_plot_bounds(bounds);
            draw(plot);
        })
        .response;
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &plot.summary));
}

fn hover(position: &HoverPosition<'_>, [x_axis, y_axis]: [&str; 2]) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position, .. } = position else { return None };
    let name = if plot_name.is_empty() { String::new() } else { format!("{plot_name}\n") };
    Some(format!("{name}{y_axis} {}\n{x_axis} {}", score(position.y), score(position.x)))
}

/// A line through some points.
pub fn line<'a>(name: &str, points: impl IntoIterator<Item = [f64; 2]>, color: Color32, width: f32) -> Line<'a> {
    // Stairs have points above each other, of which a band would make a blur.
    Line::new(name, PlotPoints::from_iter(points)).color(color).width(width).allow_band(false)
}

/// A dashed line to compare with, which does not answer to the mouse.
pub fn reference<'a>(theme: &Theme, ends: [[f64; 2]; 2]) -> Line<'a> {
    let style = LineStyle::dashed_loose();
    line("", ends, theme.palette.text_muted, 1.0).style(style).allow_hover(false)
}

/// Points of some size.
pub fn dots<'a>(name: &str, points: impl IntoIterator<Item = [f64; 2]>, color: Color32, radius: f32) -> Points<'a> {
    Points::new(name, PlotPoints::from_iter(points)).color(color).radius(radius).shape(MarkerShape::Circle)
}
