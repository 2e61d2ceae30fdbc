//! The table of rows to label: their numbers and texts, and once they are labelled, the label and how sure the model is.

use std::borrow::Cow;

use egui::{Label, RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::theme::Theme;
use crate::app::widgets::{ColumnWidth, DataTable, RowSelection, TableColumn, TableRows, data_table_ui};
use crate::evaluation::ClassAnswer;
use crate::words::{count, one_line, percent};
use crate::worker::{FileToLabel, LabelledRows};

/// Characters of a text in its row.
const TEXT: usize = 300;
/// Characters of a text in the accessible name of its row.
const NAMED: usize = 120;

/// The rows of a file to label, with their predictions if there are any.
pub(super) struct RowsToLabel<'a> {
    /// Colours and text styles.
    pub theme: &'a Theme,
    /// The file.
    pub file: &'a FileToLabel,
    /// Its predictions, and the confidence below which a row gets no label.
    pub labelled: Option<(&'a LabelledRows, Option<f32>)>,
    /// The rows shown, in order.
    pub listed: &'a [usize],
}

impl RowsToLabel<'_> {
    fn answer(&self, row: usize) -> Option<&ClassAnswer> {
        self.labelled.and_then(|(rows, _)| rows.answers[self.listed[row]].as_ref())
    }

    /// The label of a row, and whether the model is sure enough of it.
    fn label(&self, row: usize) -> (Cow<'_, str>, bool) {
        let Some((rows, threshold)) = self.labelled else { return (Cow::Borrowed(""), false) };
        let Some(answer) = self.answer(row) else { return (Cow::Borrowed("no text"), false) };
        let label = rows.labels[answer.predicted as usize].as_str();
        if answer.is_decided(threshold) {
            (Cow::Borrowed(label), true)
        } else {
            (Cow::Owned(format!("undecided ({label}?)")), false)
        }
    }

    fn confidence(&self, row: usize) -> String {
        self.answer(row).map(|answer| percent(f64::from(answer.confidence()))).unwrap_or_default()
    }
}

/// The columns of the rows to label. Before they are labelled, only the first two are there.
const COLUMNS: [&str; 4] = ["Row", "Text", "Label", "Confidence"];

impl TableRows for RowsToLabel<'_> {
    fn name(&self, row: usize) -> String {
        let place = self.listed[row];
        let number = count(self.file.file.table.records[place]);
        let text = one_line(&self.file.text(place), NAMED);
        match self.labelled {
            Some(_) => format!("Row {number}, {}: {text}", self.label(row).0),
            None => format!("Row {number}: {text}"),
        }
    }

    fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        match column {
            0 => Cow::Owned(self.file.file.table.records[self.listed[row]].to_string()),
            1 => self.file.text(self.listed[row]),
            2 => self.label(row).0,
            _ => Cow::Owned(self.confidence(row)),
        }
    }

    fn header_ui(&mut self, ui: &mut Ui, column: usize) {
        ui.add(Label::new(self.theme.small(COLUMNS[column])).truncate());
    }

    fn cell_ui(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let text = match column {
            0 => self.theme.small(count(self.file.file.table.records[self.listed[row]])),
            1 => RichText::new(one_line(&self.file.text(self.listed[row]), TEXT)),
            2 => match self.label(row) {
                (label, true) => RichText::new(label),
                (label, false) => self.theme.muted(label).italics(),
            },
            _ => self.theme.muted(self.confidence(row)),
        };
        ui.add(Label::new(text).truncate());
    }
}

/// Draws a few rows: number, text, and the prediction if there is one.
pub(super) fn rows_to_label_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    rows: &mut RowsToLabel<'_>,
    selection: &mut RowSelection,
    sender: &mut CommandSender,
) {
    let column = |place: usize, key, width| TableColumn::new(key, COLUMNS[place], width);
    let mut columns = vec![
        column(0, "#row", ColumnWidth::Points(84.0)).pinned(),
        column(1, "#text", ColumnWidth::Rest(160.0)).pinned(),
    ];
    if rows.labelled.is_some() {
        columns.push(column(2, "#label", ColumnWidth::Points(176.0)));
        columns.push(column(3, "#confidence", ColumnWidth::Points(100.0)));
    }
    let table = DataTable {
        name: "Rows to label",
        key: "label file",
        columns: &columns,
        rows: rows.listed.len(),
        height: f32::INFINITY,
        layouts: ctx.tables,
        scroll_to: None,
    };
    data_table_ui(ui, ctx.theme, &table, rows, selection, sender);
}
