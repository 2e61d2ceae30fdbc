//! The legends of plots side by side: all beside their titles, or all below them in as many lines, so that the plots are level.

use std::sync::Arc;

use egui::{Color32, Galley, Sense, Shape, Stroke, Ui, WidgetInfo, vec2};

use crate::app::help::Term;
use crate::app::theme::Theme;

/// Width of the sample of a series.
const SAMPLE: f32 = 18.0;
/// Width of the question mark after a title, and least room between a title and its legend.
const AFTER_TITLE: f32 = 56.0;

/// How a series is drawn in the legend: by shape as well as colour.
#[derive(Clone, Copy)]
pub enum Sample {
    /// A thin line.
    Line,
    /// A thick line.
    Thick,
    /// A line with points.
    Points,
    /// A dashed line.
    Dashes,
    /// A star.
    Star,
}

/// A series in a legend: its name, its colour and how it is drawn.
pub type Entry = (&'static str, Color32, Sample);

/// Where the legends of plots side by side go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Legends {
    /// Lines of the longest legend below its title; 0 if all are beside their titles.
    lines: usize,
    /// Width of a plot.
    width: f32,
}

impl Legends {
    /// The place of the legends of plots that are `width` wide, each with its title.
    #[must_use]
    pub fn new(ui: &Ui, theme: &Theme, width: f32, plots: [(&str, &[Entry]); 2]) -> Self {
        let fits_beside = |(title, entries): (&str, &[Entry])| {
            let font = theme.font(theme.text.body);
            let title = ui.painter().layout_no_wrap(title.to_owned(), font, theme.palette.text).size().x;
            let legend: f32 = entries.iter().map(|entry| entry_width(ui, theme, *entry) + theme.space.m).sum();
            title + AFTER_TITLE + legend <= width
        };
        let lines = if plots.into_iter().all(fits_beside) {
            0
        } else {
            plots.into_iter().map(|(_, entries)| lines(ui, theme, width, entries).len()).max().unwrap_or(0)
        };
        Self { lines, width }
    }

    /// The place of the legend of a plot that is alone, below its title.
    #[must_use]
    pub fn below(ui: &Ui, theme: &Theme, width: f32, entries: &[Entry]) -> Self {
        Self { lines: lines(ui, theme, width, entries).len(), width }
    }

    /// Whether the legends are beside their titles.
    #[must_use]
    pub fn is_beside(self) -> bool {
        self.lines == 0
    }
}

/// Draws a legend: in a line from the right beside its title, or below the title.
pub fn legend_ui(ui: &mut Ui, theme: &Theme, entries: &[Entry], legends: Legends) {
    ui.spacing_mut().item_spacing.x = theme.space.m;
    if legends.is_beside() {
        entries.iter().rev().for_each(|entry| entry_ui(ui, theme, *entry));
        return;
    }
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.spacing_mut().item_spacing = vec2(theme.space.m, theme.space.xs);
        let drawn = lines(ui, theme, legends.width, entries);
        for line in &drawn {
            ui.horizontal(|ui| line.iter().for_each(|entry| entry_ui(ui, theme, *entry)));
        }
        for _ in drawn.len()..legends.lines {
            ui.allocate_exact_size(vec2(0.0, galley(ui, theme, "–").size().y), Sense::empty());
        }
    });
}

/// The entries of each line, if a line is `width` wide.
fn lines(ui: &Ui, theme: &Theme, width: f32, entries: &[Entry]) -> Vec<Vec<Entry>> {
    let (mut lines, mut room): (Vec<Vec<Entry>>, f32) = (Vec::new(), 0.0);
    for &entry in entries {
        let needed = entry_width(ui, theme, entry);
        if let Some(line) = lines.last_mut().filter(|_| needed <= room) {
            line.push(entry);
        } else {
            lines.push(vec![entry]);
            room = width;
        }
        room -= needed + theme.space.m;
    }
    lines
}

fn entry_width(ui: &Ui, theme: &Theme, (name, ..): Entry) -> f32 {
    SAMPLE + theme.space.s + galley(ui, theme, name).size().x
}

fn galley(ui: &Ui, theme: &Theme, name: &str) -> Arc<Galley> {
    ui.painter().layout_no_wrap(name.to_owned(), theme.font(theme.text.small), theme.palette.text_muted)
}

/// A series in the legend: how it is drawn, and its name.
fn entry_ui(ui: &mut Ui, theme: &Theme, (name, color, sample): Entry) {
    let galley = galley(ui, theme, name);
    let size = vec2(SAMPLE + theme.space.s + galley.size().x, galley.size().y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, name));
    if let Some(term) = Term::titled(name) {
        response.on_hover_text(term.text());
    }
    ui.painter().galley(rect.min + vec2(SAMPLE + theme.space.s, 0.0), galley, theme.palette.text_muted);
    sample_ui(ui, egui::Rect::from_min_size(rect.min, vec2(SAMPLE, rect.height())), color, sample);
}

fn sample_ui(ui: &Ui, rect: egui::Rect, color: Color32, sample: Sample) {
    let ends = [rect.left_center(), rect.right_center()];
    let painter = ui.painter();
    match sample {
        Sample::Line => drop(painter.line_segment(ends, Stroke::new(1.0, color))),
        Sample::Thick => drop(painter.line_segment(ends, Stroke::new(2.5, color))),
        Sample::Points => {
            painter.line_segment(ends, Stroke::new(1.5, color));
            painter.circle_filled(rect.center(), 3.5, color);
        }
        Sample::Dashes => painter.extend(Shape::dashed_line(&ends, Stroke::new(1.5, color), 4.0, 3.0)),
        Sample::Star => {
            for turn in 0..3_u8 {
                let arm = 6.0 * egui::Vec2::angled(f32::from(turn) * std::f32::consts::PI / 3.0 + 0.52);
                painter.line_segment([rect.center() - arm, rect.center() + arm], Stroke::new(1.5, color));
            }
        }
    }
}
