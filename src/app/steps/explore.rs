//! Looking through the rows: how long they are, what was found in them, and each of them.

use std::sync::Arc;

use egui::{Align, ComboBox, Label, Layout, RichText, TextEdit, Ui};
use egui_extras::{Column, TableBuilder};
use egui_plot::{Bar, BarChart, Plot};

use super::super::context::StepContext;
use super::super::theme::icons;
use super::super::widgets::numbers::{count, counted};
use super::super::widgets::{one_line, section};
use crate::data::{DropReason, Imported, LengthBin, Prepared, filter_rows, length_histogram, word_counts};
use crate::project::{RowId, SourceFile};

/// Bars of the length histogram.
const BINS: usize = 40;
/// Height of the table of rows.
const HEIGHT: f32 = 420.0;
/// Longest text shown of a row; the whole is on hover.
const SHOWN: usize = 400;

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    /// The rows that will be used.
    #[default]
    Used,
    /// Rows left out for this reason.
    Dropped(DropReason),
    /// Rows whose text also stands with another label.
    Conflicts,
}

/// What is remembered between frames.
#[derive(Debug, Default)]
pub struct ExploreState {
    of: Option<Arc<Prepared>>,
    histogram: Vec<LengthBin>,
    query: String,
    label: Option<u32>,
    shown: Shown,
    found: Option<(String, Option<u32>, Shown, Rows)>,
}

/// The rows to show.
#[derive(Debug)]
enum Rows {
    /// Places in `Prepared::examples`.
    Examples(Vec<usize>),
    /// Rows of the files.
    Ids(Vec<RowId>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Examples(rows) => rows.len(),
            Self::Ids(rows) => rows.len(),
        }
    }
}

impl ExploreState {
    fn refresh(&mut self, prepared: &Arc<Prepared>) {
        if !self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, prepared)) {
            self.of = Some(Arc::clone(prepared));
            self.histogram = length_histogram(&word_counts(prepared), BINS);
            self.label = self.label.filter(|&label| (label as usize) < prepared.labels.len());
            self.found = None;
        }
        let current = |(query, label, shown, _): &(String, Option<u32>, Shown, Rows)| {
            *query == self.query && *label == self.label && *shown == self.shown
        };
        if !self.found.as_ref().is_some_and(current) {
            let rows = match self.shown {
                Shown::Used => Rows::Examples(filter_rows(prepared, &self.query, self.label)),
                Shown::Conflicts => Rows::Ids(prepared.conflicts.iter().flatten().copied().collect()),
                Shown::Dropped(reason) => {
                    let dropped = prepared.dropped.iter().filter(|(_, why)| *why == reason);
                    Rows::Ids(dropped.map(|(id, _)| *id).collect())
                }
            };
            self.found = Some((self.query.clone(), self.label, self.shown, rows));
        }
    }
}

/// Draws length histogram, findings and rows.
pub fn explore_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    imported: &Imported,
    prepared: &Arc<Prepared>,
    state: &mut ExploreState,
) {
    state.refresh(prepared);
    lengths(ui, ctx, &state.histogram);
    rows_section(ui, ctx, imported, prepared, state);
}

fn lengths(ui: &mut Ui, ctx: &StepContext<'_>, histogram: &[LengthBin]) {
    let theme = ctx.theme;
    let hint =
        "Words of a text, after cleaning. A word is about 1.3 tokens; texts over the longest length in Model are cut";
    section(ui, theme, "Length of the texts", hint, |ui| {
        let bars = histogram.iter().map(|bin| {
            let middle = (bin.from + bin.to - 1) as f64 / 2.0;
            let name =
                if bin.to - bin.from == 1 { bin.from.to_string() } else { format!("{} to {}", bin.from, bin.to - 1) };
            Bar::new(middle, bin.texts as f64)
                .width((bin.to - bin.from) as f64 * 0.85)
                .name(format!("{name} words: {}", counted(bin.texts as u64, "text", "texts")))
                .fill(theme.chart(0))
        });
        let chart = BarChart::new("Texts", bars.collect())
            .color(theme.chart(0))
            .element_formatter(Box::new(|bar, _| bar.name.clone()));
        let response = Plot::new("lengths")
            .height(150.0)
            .show_background(false)
            .grid_color(theme.palette.grid)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .show_crosshair(false)
            .show_x(false)
            .show_y(false)
            .include_y(0.0)
            .set_margin_fraction(egui::vec2(0.01, 0.05))
            .y_axis_min_width(36.0)
            .show(ui, |plot| plot.bar_chart(chart));
        response.response.accessible_name("Histogram of text lengths");
    });
}

/// What was found, in words, with how many rows.
fn findings(prepared: &Prepared) -> Vec<(Shown, &'static str, &'static str, usize)> {
    let dropped = |reason| prepared.dropped.iter().filter(|(_, why)| *why == reason).count();
    let conflicting = prepared.conflicts.iter().map(Vec::len).sum();
    [
        (
            Shown::Dropped(DropReason::Duplicate),
            "Duplicates",
            "Same text and label as an earlier row",
            dropped(DropReason::Duplicate),
        ),
        (Shown::Conflicts, "Conflicts", "Same text as a row with another label: one of them is wrong", conflicting),
        (
            Shown::Dropped(DropReason::EmptyText),
            "Empty texts",
            "Nothing is left of the text after cleaning",
            dropped(DropReason::EmptyText),
        ),
        (
            Shown::Dropped(DropReason::EmptyLabel),
            "Empty labels",
            "The label field is empty",
            dropped(DropReason::EmptyLabel),
        ),
        (Shown::Dropped(DropReason::Excluded), "Excluded by you", "Rows you left out", dropped(DropReason::Excluded)),
        (
            Shown::Dropped(DropReason::ExcludedLabel),
            "Labels left out",
            "Rows of labels you left out",
            dropped(DropReason::ExcludedLabel),
        ),
        (
            Shown::Dropped(DropReason::Conflict),
            "Conflicts left out",
            "Left out because the text stands with another label too",
            dropped(DropReason::Conflict),
        ),
    ]
    .into_iter()
    .filter(|(.., rows)| *rows > 0)
    .collect()
}

fn rows_section(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    imported: &Imported,
    prepared: &Arc<Prepared>,
    state: &mut ExploreState,
) {
    let theme = ctx.theme;
    section(ui, theme, "Rows", "Those that will be used, and those found to be left out or in doubt", |ui| {
        ui.horizontal_wrapped(|ui| {
            let used = format!("Used  {}", count(prepared.examples.len() as u64));
            ui.selectable_value(&mut state.shown, Shown::Used, used)
                .on_hover_text("Rows that will be learnt from or measured on");
            for (shown, name, explanation, rows) in findings(prepared) {
                let text = format!("{name}  {}", count(rows as u64));
                ui.selectable_value(&mut state.shown, shown, text).on_hover_text(explanation);
            }
        });
        ui.add_space(theme.space.xs);
        if state.shown == Shown::Used {
            filter_ui(ui, ctx, prepared, state);
        }
        state.refresh(prepared);
        let Some((_, _, _, rows)) = &state.found else { return };
        if rows.len() == 0 {
            ui.label(theme.muted("No row has these words and this label"));
            return;
        }
        table(ui, ctx, imported, prepared, rows);
    });
}

fn filter_ui(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, state: &mut ExploreState) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        let hint = format!("{}  Search the texts", icons::MAGNIFYING_GLASS);
        let edit = TextEdit::singleline(&mut state.query).hint_text(hint).desired_width(320.0);
        ui.add(edit.margin(egui::vec2(theme.space.s, 7.0))).accessible_name("Search the texts");
        let name = |label: u32| prepared.labels.get(label as usize).map_or("?", String::as_str);
        let combo = ComboBox::from_id_salt("label filter")
            .selected_text(state.label.map_or("All labels", name))
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut state.label, None, "All labels");
                for (label, name) in prepared.labels.iter().enumerate() {
                    ui.selectable_value(&mut state.label, Some(label as u32), name);
                }
            });
        combo.response.accessible_name("Show the rows of this label");
        if let Some((_, _, _, rows)) = &state.found {
            ui.label(theme.small(counted(rows.len() as u64, "row", "rows")));
        }
    });
    ui.add_space(theme.space.xs);
}

fn table(ui: &mut Ui, ctx: &StepContext<'_>, imported: &Imported, prepared: &Prepared, rows: &Rows) {
    let theme = ctx.theme;
    TableBuilder::new(ui)
        .id_salt("rows")
        .cell_layout(Layout::left_to_right(Align::Center))
        .auto_shrink([false, true])
        .max_scroll_height(HEIGHT)
        .column(Column::exact(80.0))
        .column(Column::exact(140.0).clip(true))
        .column(Column::remainder().clip(true))
        .header(theme.size.row, |mut header| {
            for name in ["Row", "Label", "Text"] {
                header.col(|ui| {
                    ui.label(theme.small(name));
                });
            }
        })
        .body(|body| {
            body.rows(theme.size.row, rows.len(), |mut row| {
                let (id, label, text) = match rows {
                    Rows::Examples(rows) => {
                        let example = &prepared.examples[rows[row.index()]];
                        let label = prepared.labels[example.label as usize].as_str();
                        (example.id, label, example.text.as_str())
                    }
                    Rows::Ids(ids) => {
                        let id = ids[row.index()];
                        let (label, text) = raw(ctx, imported, id).unwrap_or_default();
                        (id, label, text)
                    }
                };
                row.col(|ui| {
                    ui.label(theme.small(row_name(id)));
                });
                row.col(|ui| {
                    ui.add(Label::new(label).truncate());
                });
                row.col(|ui| {
                    let shown = RichText::new(one_line(text, SHOWN)).color(theme.palette.text);
                    ui.add(Label::new(shown).truncate()).on_hover_text(text);
                });
            });
        });
}

fn row_name(id: RowId) -> String {
    let record = count(id.record);
    match id.file {
        SourceFile::Main => record,
        SourceFile::Validation => format!("val {record}"),
        SourceFile::Test => format!("test {record}"),
    }
}

/// Label and text of a row as they stand in the file.
fn raw<'a>(ctx: &StepContext<'_>, imported: &'a Imported, id: RowId) -> Option<(&'a str, &'a str)> {
    let file = match id.file {
        SourceFile::Main => &imported.main,
        SourceFile::Validation => imported.validation.as_ref()?,
        SourceFile::Test => imported.test.as_ref()?,
    };
    let row = file.table.records.binary_search(&id.record).ok()?;
    let dataset = &ctx.project.dataset;
    let text = file.table.column_index(&dataset.text_column)?;
    let label = file.table.column_index(&dataset.label_column)?;
    Some((file.table.cell(label, row), file.table.cell(text, row)))
}
