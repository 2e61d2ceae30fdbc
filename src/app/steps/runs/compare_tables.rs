//! The tables of a comparison: metrics and settings, a column for each run.

use egui::{Grid, Label, RichText, Ui};

use crate::app::theme::{Theme, icons};
use crate::app::widgets::run_mark_ui;
use crate::project::MetricName;
use crate::words::score;
use crate::worker::{ComparedRun, RunsComparison};

/// Least width of a column: eight of them fit in a window of 1280 points.
const COLUMN: f32 = 84.0;
/// Width of the names of rows.
const NAME: f32 = 170.0;

/// What a run is called in a comparison.
#[must_use]
pub fn name_of(run: &ComparedRun) -> String {
    let (number, name) = (run.listing.number, &run.listing.notes.name);
    if name.is_empty() { format!("Run {number}") } else { format!("{number}: {name}") }
}

/// Draws a table with a column for each run. `rows` gives the title of a row and its cells, each with whether it stands out.
fn table(ui: &mut Ui, theme: &Theme, key: &str, comparison: &RunsComparison, rows: &[(String, Vec<(String, bool)>)]) {
    let width = ((ui.available_width() - NAME) / comparison.runs.len() as f32 - theme.space.m).max(COLUMN);
    egui::ScrollArea::horizontal().id_salt(key).show(ui, |ui| {
        Grid::new(key).striped(true).spacing([theme.space.m, theme.space.s]).show(ui, |ui| {
            ui.allocate_ui(egui::vec2(NAME, 0.0), |ui| ui.set_width(NAME));
            for (index, run) in comparison.runs.iter().enumerate() {
                ui.horizontal(|ui| {
                    ui.set_width(width);
                    run_mark_ui(ui, theme, index);
                    ui.add(Label::new(theme.strong(name_of(run))).truncate());
                });
            }
            ui.end_row();
            for (title, cells) in rows {
                ui.add(Label::new(theme.small(title)).wrap());
                for (text, stands_out) in cells {
                    let ink = RichText::new(text).color(theme.palette.text);
                    ui.horizontal(|ui| {
                        ui.set_width(width);
                        ui.add(Label::new(if *stands_out { ink.strong() } else { ink }).truncate());
                        if *stands_out {
                            ui.label(RichText::new(icons::TROPHY).color(theme.palette.success)).on_hover_text("Best");
                        }
                    });
                }
                ui.end_row();
            }
        });
    });
}

/// Draws the metrics of all runs, with the best of each marked.
pub fn metrics_ui(ui: &mut Ui, theme: &Theme, comparison: &RunsComparison) {
    let names: Vec<MetricName> = comparison.runs[0].measured().figures().into_iter().map(|(name, _)| name).collect();
    let mut rows: Vec<(String, Vec<(String, bool)>)> = Vec::new();
    for name in names {
        let values: Vec<Option<f64>> = comparison.runs.iter().map(|run| run.measured().get(name)).collect();
        let good = |value: f64| if name.higher_is_better() { value } else { -value };
        let best = values.iter().flatten().map(|value| good(*value)).fold(f64::NEG_INFINITY, f64::max);
        // If all are equal, none stands out.
        let differs = values.iter().flatten().any(|value| good(*value) < best);
        let cell = |value: &Option<f64>| match value {
            Some(value) => (score(*value), differs && good(*value) >= best),
            None => ("–".to_owned(), false),
        };
        rows.push((name.title().to_owned(), values.iter().map(cell).collect()));
    }
    let time = |run: &ComparedRun| (crate::words::duration_fine(run.summary.train_seconds), false);
    rows.push(("Training time".to_owned(), comparison.runs.iter().map(time).collect()));
    table(ui, theme, "metrics of runs", comparison, &rows);
}

/// Draws the settings and data that differ.
pub fn settings_ui(ui: &mut Ui, theme: &Theme, comparison: &RunsComparison) {
    if comparison.settings.is_empty() {
        let same = "Nothing: they have the same settings and data. What differs between them is luck";
        ui.add(Label::new(theme.muted(same)).wrap());
        return;
    }
    let rows: Vec<(String, Vec<(String, bool)>)> = comparison
        .settings
        .iter()
        .map(|setting| {
            let cell = |value: &Option<String>| (value.clone().unwrap_or_else(|| "other".to_owned()), false);
            (setting.title.clone(), setting.values.iter().map(cell).collect())
        })
        .collect();
    table(ui, theme, "settings of runs", comparison, &rows);
}
