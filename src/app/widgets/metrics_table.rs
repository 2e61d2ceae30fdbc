//! Precision, recall, F1 and rows of each label, with the averages below.

use std::borrow::Cow;

use egui::{Align, Layout, RichText, Role, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use crate::app::help::Term;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::spoken::{set_cell, set_region};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{button, tab_separated};
use crate::evaluation::{ClassIntervals, ClassificationMetrics, Metrics, PrecisionRecall};
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
/// Width of an interval.
const INTERVAL: f32 = 104.0;
/// Least width of a table with intervals.
const WITH_INTERVALS: f32 = 460.0;
/// The header of the intervals, with its explanation.
const F1_INTERVAL: (&str, &str) = ("F1 interval", Term::Interval.text());
/// Most labels of a table that does not scroll.
const WHOLE: usize = 12;

/// The averages below the labels, with their explanations.
fn averages(metrics: &ClassificationMetrics) -> [(&'static str, PrecisionRecall, &'static str); 3] {
    [
        ("Macro average", metrics.macro_average, Term::MacroAverage.text()),
        ("Weighted average", metrics.weighted_average, Term::WeightedAverage.text()),
        ("Micro average", metrics.confusion.micro_average(), Term::MicroAverage.text()),
    ]
}

/// The table as text for a spreadsheet, with the intervals in columns of their own.
fn copied(metrics: &ClassificationMetrics, intervals: &[ClassIntervals]) -> String {
    let line = |name: &str, [precision, recall, f1]: [f64; 3], rows: u64, intervals: Option<&ClassIntervals>| {
        let cells = [name.to_owned(), score(precision), score(recall), score(f1), rows.to_string()];
        let ends = intervals.map(|ends| [ends.precision, ends.recall, ends.f1].map(|ends| ends.map(score)));
        tab_separated(cells.into_iter().chain(ends.into_iter().flatten().flatten()).map(Cow::Owned))
    };
    let ends = ["Precision from", "Precision to", "Recall from", "Recall to", "F1 from", "F1 to"];
    let names = std::iter::once("Label").chain(COLUMNS.map(|(name, _)| name));
    let names = names.chain(ends.into_iter().filter(|_| !intervals.is_empty())).map(Cow::Borrowed);
    let labels = metrics.per_class.iter().enumerate().map(|(place, class)| {
        line(&class.label, [class.precision, class.recall, class.f1], class.support, intervals.get(place))
    });
    let averages = averages(metrics);
    let averages = averages.map(|(name, all, _)| line(name, [all.precision, all.recall, all.f1], metrics.rows, None));
    let lines = std::iter::once(tab_separated(names)).chain(labels).chain(averages);
    lines.collect::<Vec<_>>().join("\n")
}

/// Draws the button that copies the table. `intervals` are those of each label, if there are any.
pub fn copy_metrics_ui(
    ui: &mut Ui,
    theme: &Theme,
    metrics: &ClassificationMetrics,
    intervals: &[ClassIntervals],
    sender: &mut CommandSender,
) {
    let copy = button(ui, theme, icons::COPY, "Copy table");
    if copy.on_hover_text("Copy the metrics of all labels, for a spreadsheet").clicked() {
        let rows = metrics.per_class.len() + averages(metrics).len();
        sender.send(AppCommand::CopyRows { text: copied(metrics, intervals), rows });
    }
}

/// Draws the table in the available width, at most `max_height` points high; longer tables scroll. `intervals` are those of each
/// label, if there are any.
pub fn metrics_table_ui(
    ui: &mut Ui,
    theme: &Theme,
    metrics: &ClassificationMetrics,
    intervals: &[ClassIntervals],
    max_height: f32,
) {
    ui.scope(|ui| {
        set_region(ui, Role::Table, "Metrics of each label");
        table_ui(ui, theme, metrics, intervals, max_height);
    });
}

fn table_ui(
    ui: &mut Ui,
    theme: &Theme,
    metrics: &ClassificationMetrics,
    intervals: &[ClassIntervals],
    max_height: f32,
) {
    let row_height = theme.size.row;
    let classes = &metrics.per_class;
    let interval = !intervals.is_empty() && ui.available_width() >= WITH_INTERVALS;
    let others = NAME + if interval { INTERVAL } else { 0.0 };
    // A narrow table leaves more of its width to the names. No gaps between cells, so that the line above the averages is whole.
    let figure = ((ui.available_width() - others) / COLUMNS.len() as f32).clamp(44.0, 84.0);
    ui.spacing_mut().item_spacing.x = 0.0;
    let averages = averages(metrics);
    TableBuilder::new(ui)
        .id_salt("metrics table")
        .striped(false)
        .cell_layout(Layout::left_to_right(Align::Center))
        .auto_shrink([false, true])
        .max_scroll_height(if classes.len() <= WHOLE { f32::INFINITY } else { max_height })
        .column(Column::remainder().at_least(80.0).clip(true))
        .columns(Column::exact(figure), COLUMNS.len())
        .columns(Column::exact(INTERVAL), usize::from(interval))
        .header(row_height, |mut header| {
            header.col(|ui| {
                ui.label(theme.small("Label"));
            });
            for (name, explanation) in COLUMNS.into_iter().chain(interval.then_some(F1_INTERVAL)) {
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
                    figure_cells(&mut row, theme, &class.label, figures, class.support, intervals.get(index));
                    if let Some(ends) = intervals.get(index).filter(|_| interval) {
                        interval_cell(&mut row, theme, &class.label, ends);
                    }
                } else if let Some((name, figures, explanation)) = averages.get(index - classes.len()) {
                    row.set_overline(index == classes.len());
                    name_cell(&mut row, theme.strong(*name), Some(explanation));
                    figure_cells(&mut row, theme, name, *figures, metrics.rows, None);
                    if interval {
                        row.col(|_| {});
                    }
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

fn interval_cell(row: &mut TableRow<'_, '_>, theme: &Theme, name: &str, ends: &ClassIntervals) {
    row.col(|ui| {
        let text = theme.muted(range(ends.f1));
        right(ui, |ui| set_cell(&ui.label(text), &format!("{name}, 95% interval of F1")));
    });
}

/// An interval as text.
fn range([low, high]: [f64; 2]) -> String {
    format!("{}–{}", score(low), score(high))
}

/// The figures in the row with this name. Hovering over one shows its interval, if it has one.
fn figure_cells(
    row: &mut TableRow<'_, '_>,
    theme: &Theme,
    name: &str,
    figures: PrecisionRecall,
    rows: u64,
    intervals: Option<&ClassIntervals>,
) {
    let ends = intervals.map(|ends| [ends.precision, ends.recall, ends.f1]);
    let figures = [
        RichText::new(score(figures.precision)),
        RichText::new(score(figures.recall)),
        theme.strong(score(figures.f1)),
        theme.muted(count(rows)),
    ];
    for (place, (text, (column, _))) in figures.into_iter().zip(COLUMNS).enumerate() {
        row.col(|ui| {
            let label = right(ui, |ui| ui.label(text));
            set_cell(&label, &format!("{name}, {column}"));
            if let Some(&ends) = ends.as_ref().and_then(|ends| ends.get(place)) {
                label.on_hover_text(format!("95% interval {}", range(ends)));
            }
        });
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
    fn the_copied_table_has_a_line_for_every_label_and_average() {
        let results = testing::results();
        let metrics = results.summary.validation.classification().unwrap();
        let text = copied(metrics, &[]);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(lines[0], ["Label", "Precision", "Recall", "F1", "Rows"]);
        let first = &metrics.per_class[0];
        let cells = [score(first.precision), score(first.recall), score(first.f1), first.support.to_string()];
        assert_eq!((lines[1][0], &lines[1][1..]), (first.label.as_str(), &cells.each_ref().map(String::as_str)[..]));
        assert_eq!(lines.len(), metrics.per_class.len() + 4);
        assert_eq!(lines[lines.len() - 2][0], "Weighted average");
        assert_eq!(lines[lines.len() - 1][..2], ["Micro average", &score(metrics.accuracy)]);
        let intervals = &results.validation_details.as_ref().unwrap().class_intervals;
        let text = copied(metrics, intervals);
        let first: Vec<&str> = text.lines().nth(1).unwrap().split('\t').collect();
        assert_eq!((first.len(), first[10]), (11, score(intervals[0].f1[1]).as_str()));
        assert!(text.lines().next().unwrap().ends_with("F1 to"));
    }

    #[test]
    fn every_label_with_its_interval_and_all_averages_are_shown() {
        let theme = testing::theme(false);
        let results = testing::results();
        let metrics = results.summary.validation.classification().unwrap();
        let intervals = &results.validation_details.as_ref().unwrap().class_intervals;
        let harness = testing::window(false, (), |ui, ()| metrics_table_ui(ui, &theme, metrics, intervals, 400.0));
        for label in &results.settings.labels {
            harness.get_by_label(label);
        }
        harness.get_by_label("Macro average");
        harness.get_by_label("Weighted average");
        harness.get_by_label("Micro average");
        harness.get_by_label(&range(intervals[0].f1));
        assert!(harness.query_all_by_label(&score(metrics.macro_average.f1)).next().is_some());
    }
}
