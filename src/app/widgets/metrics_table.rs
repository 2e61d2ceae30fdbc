//! Precision, recall, F1 and rows of each label, with the averages below.

use std::borrow::Cow;

use egui::{Align, Layout, RichText, Role, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use crate::app::help::Term;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::spoken::{set_cell, set_region};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{button, tab_separated};
use crate::evaluation::{ClassificationMetrics, Metrics, PrecisionRecall};
use crate::project::MetricName;
use crate::words::{count, score};

/// The headline metrics in a sentence: `macro-F1 0.812, accuracy 0.840, loss 0.421`.
#[must_use]
pub fn scores(metrics: &Metrics) -> String {
    let named = |(name, value): (MetricName, f64)| format!("{} {}", name.in_a_sentence(), score(value));
    metrics.figures().into_iter().map(named).collect::<Vec<_>>().join(", ")
}

/// Headers with their explanations.
const COLUMNS: [(&str, &str); 4] = [
    ("Precision", Term::Precision.text()),
    ("Recall", Term::Recall.text()),
    ("F1", Term::F1.text()),
    ("Rows", "Number of evaluated rows with this label. With few rows, the other metrics are uncertain."),
];

/// Width that the names get before the figures take more than they need: that of "Weighted average".
const NAME: f32 = 132.0;
/// Most labels of a table that does not scroll.
const WHOLE: usize = 12;

/// The table as text for a spreadsheet.
fn copied(metrics: &ClassificationMetrics) -> String {
    let line = |name: &str, [precision, recall, f1]: [f64; 3], rows: u64| {
        let cells = [name.to_owned(), score(precision), score(recall), score(f1), rows.to_string()];
        tab_separated(cells.into_iter().map(Cow::Owned))
    };
    let names = std::iter::once("Label").chain(COLUMNS.map(|(name, _)| name)).map(Cow::Borrowed);
    let labels = metrics
        .per_class
        .iter()
        .map(|class| line(&class.label, [class.precision, class.recall, class.f1], class.support));
    let averages = [("Macro average", metrics.macro_average), ("Weighted average", metrics.weighted_average)];
    let averages = averages.map(|(name, all)| line(name, [all.precision, all.recall, all.f1], metrics.rows));
    let lines = std::iter::once(tab_separated(names)).chain(labels).chain(averages);
    lines.collect::<Vec<_>>().join("\n")
}

/// Draws the button that copies the table.
pub fn copy_metrics_ui(ui: &mut Ui, theme: &Theme, metrics: &ClassificationMetrics, sender: &mut CommandSender) {
    let copy = button(ui, theme, icons::COPY, "Copy table");
    if copy.on_hover_text("Copy the metrics of all labels, for a spreadsheet").clicked() {
        let rows = metrics.per_class.len() + 2;
        sender.send(AppCommand::CopyRows { text: copied(metrics), rows });
    }
}

/// Draws the table in the available width, at most `max_height` points high; longer tables scroll.
pub fn metrics_table_ui(ui: &mut Ui, theme: &Theme, metrics: &ClassificationMetrics, max_height: f32) {
    ui.scope(|ui| {
        set_region(ui, Role::Table, "Metrics of each label");
        table_ui(ui, theme, metrics, max_height);
    });
}

fn table_ui(ui: &mut Ui, theme: &Theme, metrics: &ClassificationMetrics, max_height: f32) {
    let row_height = theme.size.row;
    let classes = &metrics.per_class;
    // A narrow table leaves more of its width to the names. No gaps between cells, so that the line above the averages is whole.
    let figure = ((ui.available_width() - NAME) / COLUMNS.len() as f32).clamp(44.0, 84.0);
    ui.spacing_mut().item_spacing.x = 0.0;
    let averages = [
        ("Macro average", metrics.macro_average, Term::MacroAverage.text()),
        ("Weighted average", metrics.weighted_average, Term::WeightedAverage.text()),
    ];
    TableBuilder::new(ui)
        .id_salt("metrics table")
        .striped(false)
        .cell_layout(Layout::left_to_right(Align::Center))
        .auto_shrink([false, true])
        .max_scroll_height(if classes.len() <= WHOLE { f32::INFINITY } else { max_height })
        .column(Column::remainder().at_least(80.0).clip(true))
        .columns(Column::exact(figure), COLUMNS.len())
        .header(row_height, |mut header| {
            header.col(|ui| {
                ui.label(theme.small("Label"));
            });
            for (name, explanation) in COLUMNS {
                header.col(|ui| {
                    right(ui, |ui| ui.label(theme.small(name)).on_hover_text(explanation));
                });
            }
        })
        .body(|body| {
            body.rows(row_height, classes.len() + averages.len(), |mut row| {
                let index = row.index();
                if let Some(class) = classes.get(index) {
                    let figures = PrecisionRecall { precision: class.precision, recall: class.recall, f1: class.f1 };
                    name_cell(&mut row, RichText::new(&class.label), None);
                    figure_cells(&mut row, theme, &class.label, figures, class.support);
                } else if let Some((name, figures, explanation)) = averages.get(index - classes.len()) {
                    row.set_overline(index == classes.len());
                    name_cell(&mut row, theme.strong(*name), Some(explanation));
                    figure_cells(&mut row, theme, name, *figures, metrics.rows);
                }
            });
        });
}

fn name_cell(row: &mut TableRow<'_, '_>, name: RichText, explanation: Option<&str>) {
    row.col(|ui| {
        let label = ui.add(egui::Label::new(name).truncate().sense(Sense::hover()));
        if let Some(explanation) = explanation {
            label.on_hover_text(explanation);
        }
    });
}

/// The figures in the row with this name.
fn figure_cells(row: &mut TableRow<'_, '_>, theme: &Theme, name: &str, figures: PrecisionRecall, rows: u64) {
    let figures = [
        RichText::new(score(figures.precision)),
        RichText::new(score(figures.recall)),
        theme.strong(score(figures.f1)),
        theme.muted(count(rows)),
    ];
    for (text, (column, _)) in figures.into_iter().zip(COLUMNS) {
        row.col(|ui| right(ui, |ui| set_cell(&ui.label(text), &format!("{name}, {column}"))));
    }
}

fn right<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.with_layout(Layout::right_to_left(Align::Center), add).inner
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;

    #[test]
    fn the_copied_table_has_a_line_for_every_label_and_both_averages() {
        let results = testing::results();
        let metrics = results.summary.validation.classification().unwrap();
        let text = copied(metrics);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(lines[0], ["Label", "Precision", "Recall", "F1", "Rows"]);
        let first = &metrics.per_class[0];
        let cells = [score(first.precision), score(first.recall), score(first.f1), first.support.to_string()];
        assert_eq!((lines[1][0], &lines[1][1..]), (first.label.as_str(), &cells.each_ref().map(String::as_str)[..]));
        assert_eq!(lines.len(), metrics.per_class.len() + 3);
        assert_eq!(lines[lines.len() - 1][0], "Weighted average");
    }

    #[test]
    fn every_label_and_both_averages_are_shown() {
        let theme = testing::theme(false);
        let results = testing::results();
        let metrics = results.summary.validation.classification().unwrap();
        let harness = testing::window(false, (), |ui, ()| metrics_table_ui(ui, &theme, metrics, 400.0));
        for label in &results.settings.labels {
            harness.get_by_label(label);
        }
        harness.get_by_label("Macro average");
        harness.get_by_label("Weighted average");
        assert!(harness.query_all_by_label(&score(metrics.macro_average.f1)).next().is_some());
    }
}
