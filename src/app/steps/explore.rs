//! Looking through the rows: how long they are, what was found in them, and each of them.

use std::borrow::Cow;
use std::sync::Arc;

use egui::{Align, ComboBox, Label, Layout, RichText, TextEdit, Ui};
use egui_extras::{Column, TableBuilder};
use egui_plot::{Bar, BarChart, Plot};

use super::super::context::{RowQuestion, StepContext};
use super::super::messages::{AppCommand, CommandSender};
use super::super::theme::icons;
use super::super::widgets::numbers::{count, counted};
use super::super::widgets::{one_line, section};
use crate::data::{DropReason, FindingKind, Imported, LengthBin, Prepared, RowColumns};
use crate::project::{RowId, SourceFile};
use crate::worker::Survey;

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
    /// Rows of a finding: of its kind the one at this place.
    Finding(FindingKind, usize),
}

/// What is remembered between frames.
#[derive(Debug, Default)]
pub struct ExploreState {
    query: String,
    label: Option<u32>,
    shown: Shown,
    /// What was last searched for.
    asked: Option<RowQuestion>,
    /// The rows are to be brought into sight.
    scroll: bool,
}

/// The rows to show.
#[derive(Clone, Copy, Debug)]
enum Rows<'a> {
    /// The first so many of `Prepared::examples`: all of them.
    All(usize),
    /// Places in `Prepared::examples`.
    Examples(&'a [usize]),
    /// Rows of the files.
    Ids(&'a [RowId]),
}

impl Rows<'_> {
    fn len(&self) -> usize {
        match self {
            Self::All(rows) => *rows,
            Self::Examples(rows) => rows.len(),
            Self::Ids(rows) => rows.len(),
        }
    }
}

impl ExploreState {
    /// Shows the rows of a finding: of its kind the one at this place.
    pub fn show_finding(&mut self, kind: FindingKind, nth: usize) {
        (self.shown, self.scroll) = (Shown::Finding(kind, nth), true);
    }

    /// The rows to show; `None` while the first search goes on. What was found last stays until the answer is there.
    fn rows<'a>(&mut self, ctx: &StepContext<'a>, shown: Data<'a>, sender: &mut CommandSender) -> Option<Rows<'a>> {
        let Data { prepared, survey, .. } = shown;
        match self.shown {
            Shown::Conflicts => return Some(Rows::Ids(&survey.conflicting)),
            Shown::Dropped(reason) => return Some(Rows::Ids(survey.dropped(reason))),
            Shown::Finding(kind, nth) => {
                let found = ctx.findings?.iter().filter(|finding| finding.kind == kind).nth(nth);
                return Some(Rows::Ids(found.map_or(&[], |finding| finding.rows.as_slice())));
            }
            Shown::Used => {}
        }
        self.label = self.label.filter(|&label| (label as usize) < prepared.labels.len());
        let query = self.query.trim().to_owned();
        if query.is_empty() && self.label.is_none() {
            self.asked = None;
            return Some(Rows::All(prepared.examples.len()));
        }
        let question = RowQuestion { prepared: Arc::clone(prepared), query, label: self.label };
        if self.asked.as_ref() != Some(&question) {
            sender.send(AppCommand::FindRows { query: question.query.clone(), label: question.label });
            self.asked = Some(question);
        }
        let found = ctx.found.filter(|found| Arc::ptr_eq(&found.question.prepared, prepared))?;
        Some(Rows::Examples(&found.rows))
    }
}

/// What is looked through.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    /// The files as read.
    pub imported: &'a Imported,
    /// The rows that will be used.
    pub prepared: &'a Arc<Prepared>,
    /// What was counted over them.
    pub survey: &'a Survey,
}

/// Draws length histogram, findings and rows.
pub fn explore_ui<'a>(
    ui: &mut Ui,
    ctx: &StepContext<'a>,
    data: Data<'a>,
    state: &mut ExploreState,
    sender: &mut CommandSender,
) {
    lengths(ui, ctx, &data.survey.lengths);
    rows_section(ui, ctx, data, state, sender);
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
            // Texts of one length would have an axis of fractions of a word.
            .include_x(0.0)
            .include_x(10.0)
            .set_margin_fraction(egui::vec2(0.01, 0.05))
            .y_axis_min_width(36.0)
            .show(ui, |plot| plot.bar_chart(chart));
        response.response.accessible_name("Histogram of text lengths");
    });
}

/// What was found, in words, with how many rows.
fn findings(survey: &Survey) -> Vec<(Shown, &'static str, &'static str, usize)> {
    let dropped = |reason| survey.dropped(reason).len();
    let conflicting = survey.conflicting.len();
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
        (
            Shown::Dropped(DropReason::NoneOfLabels),
            "No label marked",
            "None of the label columns holds 1",
            dropped(DropReason::NoneOfLabels),
        ),
        (
            Shown::Dropped(DropReason::SeveralLabels),
            "Several labels marked",
            "Several of the label columns hold 1, or one holds neither 0 nor 1. Hone learns one label a text",
            dropped(DropReason::SeveralLabels),
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

fn rows_section<'a>(
    ui: &mut Ui,
    ctx: &StepContext<'a>,
    data: Data<'a>,
    state: &mut ExploreState,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    section(ui, theme, "Rows", "Those that will be used, and those found to be left out or in doubt", |ui| {
        ui.horizontal_wrapped(|ui| {
            let used = format!("Used  {}", count(data.prepared.examples.len() as u64));
            ui.selectable_value(&mut state.shown, Shown::Used, used)
                .on_hover_text("Rows that will be learnt from or measured on");
            if let (shown @ Shown::Finding(kind, _), Some(rows)) = (state.shown, state.rows(ctx, data, sender)) {
                let text = format!("{}  {}", kind.title(), count(rows.len() as u64));
                ui.selectable_value(&mut state.shown, shown, text).on_hover_text("Rows of a finding above");
            }
            for (shown, name, explanation, rows) in findings(data.survey) {
                let text = format!("{name}  {}", count(rows as u64));
                ui.selectable_value(&mut state.shown, shown, text).on_hover_text(explanation);
            }
        });
        if std::mem::take(&mut state.scroll) {
            ui.scroll_to_cursor(Some(Align::Center));
        }
        ui.add_space(theme.space.xs);
        let rows = state.rows(ctx, data, sender);
        if state.shown == Shown::Used {
            filter_ui(ui, ctx, data.prepared, rows, state);
        }
        match rows {
            None => {}
            Some(rows) if rows.len() == 0 && state.shown == Shown::Used => {
                ui.label(theme.muted("No row has these words and this label"));
            }
            Some(rows) if rows.len() == 0 => {
                ui.label(theme.muted("No such rows any more"));
            }
            Some(rows) => table(ui, ctx, data, rows),
        }
    });
}

fn filter_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    prepared: &Prepared,
    rows: Option<Rows<'_>>,
    state: &mut ExploreState,
) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        let hint = format!("{}  Search the texts", icons::MAGNIFYING_GLASS);
        let width = 320.0_f32.min(ui.available_width() * 0.45);
        let edit = TextEdit::singleline(&mut state.query).hint_text(hint).desired_width(width);
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
        let text = rows.map_or_else(|| "Searching".to_owned(), |rows| counted(rows.len() as u64, "row", "rows"));
        ui.label(theme.small(text));
    });
    ui.add_space(theme.space.xs);
}

fn table(ui: &mut Ui, ctx: &StepContext<'_>, data: Data<'_>, rows: Rows<'_>) {
    let theme = ctx.theme;
    let prepared = data.prepared;
    let example = |place: usize| {
        let example = &prepared.examples[place];
        (example.id, prepared.labels[example.label as usize].as_str(), Cow::Borrowed(example.text.as_str()))
    };
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
                    Rows::All(_) => example(row.index()),
                    Rows::Examples(rows) => example(rows[row.index()]),
                    Rows::Ids(ids) => {
                        let id = ids[row.index()];
                        let (label, text) = raw(ctx, data.imported, id).unwrap_or_default();
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
                    let shown = RichText::new(one_line(&text, SHOWN)).color(theme.palette.text);
                    ui.add(Label::new(shown).truncate()).on_hover_text(text.as_ref());
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
fn raw<'a>(ctx: &StepContext<'_>, imported: &'a Imported, id: RowId) -> Option<(&'a str, Cow<'a, str>)> {
    let table = &imported.file(id.file)?.table;
    let row = table.records.binary_search(&id.record).ok()?;
    let columns = RowColumns::of(table, &ctx.project.dataset)?;
    Some((columns.label(row).text(), columns.text(row)))
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::super::super::testing::{app, hone, settle};
    use super::*;
    use crate::project::Step;
    use crate::storage::ThemeChoice;

    #[test]
    fn rows_are_searched_by_the_worker_and_an_old_answer_is_dropped() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        window.set_size(egui::vec2(1280.0, 1700.0));
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        let prepared = hone(&mut window).prepared().unwrap();
        let holding =
            |words: &str| prepared.examples.iter().filter(|row| row.text.to_lowercase().contains(words)).count();
        let (some, fewer) = (holding("t"), holding("terrible"));
        assert!(some > fewer && fewer > 0, "{some} {fewer}");
        let search = window.get_by_label("Search the texts");
        search.focus();
        search.type_text("Terrible");
        settle(&mut window);
        window.get_by_label(&counted(fewer as u64, "row", "rows"));

        // Two questions at once: only the newer one is answered.
        let app = hone(&mut window);
        app.run_command(AppCommand::FindRows { query: "t".to_owned(), label: None });
        app.run_command(AppCommand::FindRows { query: "terrible".to_owned(), label: Some(0) });
        while !hone(&mut window).is_idle() {
            window.step();
            let found = hone(&mut window).state.work.found.as_ref().map(|found| found.question.query.clone());
            assert_ne!(found.as_deref(), Some("t"));
        }
        let found = hone(&mut window).state.work.found.clone().unwrap();
        assert_eq!((found.question.query.as_str(), found.question.label), ("terrible", Some(0)));
        assert!(found.rows.iter().all(|&row| prepared.examples[row].label == 0));
    }
}
