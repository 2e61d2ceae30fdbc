//! Evaluate for text classification: the headline, the confusion matrix with the rows behind it, and the metrics per label.

use egui::Ui;

use crate::app::messages::{AppCommand, CommandSender};
use crate::app::tasks::EvaluatedRows;
use crate::app::tasks::evaluation_details::{DetailsState, details_ui};
use crate::app::tasks::slices::{slice_name, slices_ui};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{
    Cell, MatrixState, RowList, after_page, button, columns, confusion_matrix_ui, copy_metrics_ui, explain, fill,
    headline_ui, is_narrow, metrics_table_ui, page_height, row_list_ui, section, side_by_side,
};
use crate::evaluation::{ClassificationDetails, ClassificationMetrics, ConfusionMatrix, Headline, Prediction, Slice};
use crate::project::Step;
use crate::words::counted;

/// Greatest height of a confusion matrix or a table of metrics that scrolls.
const TALLEST: f32 = 480.0;
/// Least height of a list of rows that scrolls.
const LEAST: f32 = 240.0;

/// What the listed rows depend on: run, rows, selected cell, selected slice.
type ListedFor = (String, String, Option<Cell>, Option<(String, String)>);

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ClassificationState {
    matrix: MatrixState,
    /// Indices of the listed rows in the predictions shown; recomputed when the selection changes.
    pub listed: Vec<usize>,
    listed_for: Option<ListedFor>,
    /// Place of the selected slice among those that are compared.
    slice: Option<usize>,
    /// Place of the selected row in `listed`.
    pub selected: Option<usize>,
    details: DetailsState,
}

/// Draws the metrics and predictions.
pub fn classification_ui(
    ui: &mut Ui,
    theme: &Theme,
    shown: &EvaluatedRows<'_>,
    metrics: &ClassificationMetrics,
    state: &mut ClassificationState,
    sender: &mut CommandSender,
) {
    state.forget_cell_of_another_matrix(shown, metrics.confusion.labels.len());
    let interval = shown.comparison.and_then(|comparison| comparison.interval);
    let baselines = shown.comparison.map(|comparison| comparison.baselines.as_slice()).unwrap_or_default();
    let headline = Headline::of(metrics, interval, baselines, &shown.rows);
    section(ui, theme, "How good is it?", "", |ui| headline_ui(ui, theme, headline));
    matrix_and_metrics(ui, theme, state, metrics, shown.details, sender);
    if let Some(details) = shown.details {
        details_ui(ui, theme, &mut state.details, details, shown.predictions);
    }
    let chosen = (state.matrix.selected, state.slice);
    let slices = shown.slices.and_then(|offered| slices_ui(ui, theme, offered, &mut state.slice, sender));
    // A cell and a slice are not selected at the same time: the newer one counts.
    if chosen.0.is_some() && state.slice.is_some() && state.slice != chosen.1 {
        state.matrix.selected = None;
    } else if state.matrix.selected.is_some() {
        state.slice = None;
    }
    let slice = state.slice.and_then(|place| slices?.slices.get(place));
    state.refresh(shown, slice);
    rows_card(ui, theme, state, shown, (&metrics.confusion, slice), sender);
}

impl ClassificationState {
    /// Selects no cell if the run, the rows or the labels are no longer those in which one was selected.
    fn forget_cell_of_another_matrix(&mut self, shown: &EvaluatedRows<'_>, labels: usize) {
        let is_other = self.listed_for.as_ref().is_some_and(|(run, rows, ..)| run != shown.run || *rows != shown.rows);
        let is_outside = self.matrix.selected.is_some_and(|(truth, predicted)| truth.max(predicted) >= labels);
        if is_other || is_outside {
            self.matrix.selected = None;
            self.slice = None;
        }
    }

    /// Lists the rows of the selected cell, or the mistakes in the selected slice, or all mistakes, most confident first.
    fn refresh(&mut self, shown: &EvaluatedRows<'_>, slice: Option<&Slice>) {
        let named = slice.map(|slice| (slice.by.clone(), slice.name.clone()));
        let key = (shown.run.to_owned(), shown.rows.clone(), self.matrix.selected, named);
        if self.listed_for.as_ref() == Some(&key) {
            return;
        }
        self.listed_for = Some(key);
        self.selected = None;
        let is_in_slice = |place: usize| slice.is_none_or(|slice| slice.rows.binary_search(&place).is_ok());
        let wanted = |place: usize, prediction: &Prediction| match self.matrix.selected {
            Some((truth, predicted)) => {
                prediction.label() == u32::try_from(truth).ok()
                    && prediction.predicted() == u32::try_from(predicted).ok()
            }
            None => prediction.is_wrong() && is_in_slice(place),
        };
        let rows = shown.predictions.iter().enumerate().filter(|(place, prediction)| wanted(*place, prediction));
        self.listed = rows.map(|(place, _)| place).collect();
        let sure = |place: &usize| shown.predictions[*place].confidence();
        self.listed.sort_by(|a, b| sure(b).total_cmp(&sure(a)));
    }
}

fn matrix_and_metrics(
    ui: &mut Ui,
    theme: &Theme,
    state: &mut ClassificationState,
    metrics: &ClassificationMetrics,
    details: Option<&ClassificationDetails>,
    sender: &mut CommandSender,
) {
    let intervals = details.map(|details| details.class_intervals.as_slice()).unwrap_or_default();
    let matrix = |ui: &mut Ui, state: &mut ClassificationState, spare: f32| {
        section(ui, theme, "Confusion matrix", "Click a cell to see its rows", |ui| {
            let before = state.matrix.selected;
            let clicked = confusion_matrix_ui(ui, theme, &metrics.confusion, &mut state.matrix, TALLEST);
            if clicked.is_some() && clicked == before {
                state.matrix.selected = None;
            }
            fill(ui, spare);
        });
    };
    side_by_side(ui, theme, ("matrix and metrics", 0.5), state, matrix, |ui, _, spare| {
        section(ui, theme, "Metrics per label", "Hover over a name to see what it means", |ui| {
            metrics_table_ui(ui, theme, metrics, intervals, TALLEST);
            ui.add_space(theme.space.xs);
            copy_metrics_ui(ui, theme, metrics, intervals, sender);
            fill(ui, spare);
        });
    });
}

fn rows_card(
    ui: &mut Ui,
    theme: &Theme,
    state: &mut ClassificationState,
    shown: &EvaluatedRows<'_>,
    (confusion, slice): (&ConfusionMatrix, Option<&Slice>),
    sender: &mut CommandSender,
) {
    let rows = state.listed.len() as u64;
    let (heading, hint) = if let Some(cell) = state.matrix.selected {
        (counted(rows, "row", "rows"), explain(confusion, cell))
    } else {
        let heading = counted(rows, "misclassified row", "misclassified rows");
        let of_slice = slice.map(|slice| format!("{}. ", slice_name(slice))).unwrap_or_default();
        (heading, format!("{of_slice}Most confident mistakes first"))
    };
    section(ui, theme, &heading, &hint, |ui| {
        let has_cell = state.matrix.selected.is_some();
        if (has_cell || slice.is_some()) && button(ui, theme, icons::X, "Show all mistakes").clicked() {
            (state.matrix.selected, state.slice) = (None, None);
        }
        if state.listed.is_empty() {
            let none = if has_cell { "No rows in this cell" } else { "No mistakes on these rows" };
            ui.label(theme.muted(none));
            return;
        }
        if shown.can_be_reviewed && button(ui, theme, icons::LIST_CHECKS, "Review mistakes").clicked() {
            sender.send(AppCommand::GoTo(Step::Review));
        }
        let height = RowList::height_of(state.listed.len()).min((page_height(ui) * 0.6).max(LEAST));
        let ClassificationState { listed, selected, .. } = state;
        let narrow = is_narrow(ui);
        let room = ui.available_width() - theme.space.l;
        let widths = if narrow { vec![room + theme.space.l] } else { vec![room / 2.0; 2] };
        columns(ui, theme.space.l, &widths, |ui, place| {
            if place == 0 {
                let (labels, predictions) = (shown.labels, shown.predictions);
                let list = RowList { labels, predictions, rows: listed, decided: &|_| None, height };
                after_page(ui, |ui| row_list_ui(ui, theme, list, selected));
            }
            if place == 1 || narrow {
                let row = selected.and_then(|place| listed.get(place)).and_then(|&row| shown.predictions.get(row));
                text_ui(ui, theme, row, height);
            }
        });
    });
}

/// The whole text of a row.
fn text_ui(ui: &mut Ui, theme: &Theme, row: Option<&Prediction>, height: f32) {
    let Some(prediction) = row else {
        ui.label(theme.muted("Select a row to read all of it"));
        return;
    };
    let area = egui::ScrollArea::vertical().id_salt("row text").max_height(height).min_scrolled_height(height);
    area.auto_shrink([false, true]).show(ui, |ui| {
        ui.add(egui::Label::new(&prediction.text).wrap().selectable(true));
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing;
    use crate::data::Target;
    use crate::evaluation::{Answer, ClassAnswer, Metrics};

    /// One row of each label, all predicted correctly.
    struct Run {
        id: &'static str,
        labels: Vec<String>,
        metrics: Metrics,
        predictions: Vec<Prediction>,
    }

    impl Run {
        fn of(id: &'static str, labels: &[&str]) -> Self {
            let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
            let classes: Vec<u32> = (0..).take(labels.len()).collect();
            let metrics = Metrics::Classification(ClassificationMetrics::compute(&labels, &classes, &classes, 0.1));
            let prediction = |&class: &u32| {
                let probabilities = classes.iter().map(|&other| if other == class { 0.9 } else { 0.05 }).collect();
                Prediction {
                    id: format!("main:{}", class + 1).parse().unwrap(),
                    key: None,
                    text: format!("text {class}"),
                    target: Target::Class(class),
                    answer: Answer::Class(ClassAnswer { predicted: class, probabilities }),
                }
            };
            let predictions = classes.iter().map(prediction).collect();
            Self { id, labels, metrics, predictions }
        }
    }

    #[test]
    fn a_selected_cell_is_forgotten_when_a_run_with_fewer_labels_is_shown() {
        let theme = testing::theme(false);
        let three = Run::of("2026-11-23-1024", &["negative", "neutral", "positive"]);
        let merged = Run::of("2026-11-23-1130", &["negative", "positive"]);
        let state = (three, ClassificationState::default());
        let mut harness = testing::window(false, state, |ui, (run, state)| {
            let shown = EvaluatedRows {
                metrics: &run.metrics,
                details: None,
                slices: None,
                predictions: &run.predictions,
                labels: &run.labels,
                comparison: None,
                rows: "test rows".to_owned(),
                run: run.id,
                can_be_reviewed: false,
            };
            let Some(metrics) = run.metrics.classification() else { return };
            classification_ui(ui, &theme, &shown, metrics, state, &mut CommandSender::default());
        });
        harness.set_size(egui::vec2(1280.0, 1400.0));
        harness.run();
        harness.get_by_label("True positive, predicted positive: 1 row").click();
        harness.run();
        assert_eq!(harness.state().1.matrix.selected, Some((2, 2)));
        assert_eq!(harness.state().1.listed, [2]);
        harness.state_mut().0 = merged;
        harness.run();
        assert_eq!(harness.state().1.matrix.selected, None);
        harness.get_by_label("No mistakes on these rows");
    }
}
