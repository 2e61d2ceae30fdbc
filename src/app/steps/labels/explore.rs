//! The row browser: search, filters, sorting, and the details of one row.

use std::sync::Arc;

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::labels::row_detail::{RowDetail, detail_ui};
use crate::app::steps::labels::row_filters::{ListedRows, RowFilters, filters_ui, search_ui};
use crate::app::steps::labels::row_selection::{Selection, Shown};
use crate::app::steps::labels::row_table::{RowTableColumns, TableView, table_ui};
use crate::app::steps::labels::several_rows::several_rows_ui;
use crate::app::theme::icons;
use crate::app::widgets::{columns, is_wide, section};
use crate::data::{DropReason, RowQuery, RowSet, RowView};
use crate::project::RowId;
use crate::words::{count, counted};
use crate::worker::{RowQuestion, RowSource, Survey};

/// Least height of the table of rows, and of the details of a row.
const LEAST: f32 = 180.0;
/// Narrowest width that shows the table and the details side by side.
const WIDE: f32 = 820.0;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ExploreState {
    /// The filters.
    pub filters: RowFilters,
    /// Scroll to the rows.
    pub to_rows: bool,
    /// The row whose details are shown.
    pub selection: Selection,
    detail: RowDetail,
    columns: RowTableColumns,
    /// The last search.
    asked: Option<RowQuestion>,
    /// All rows were shown when the search started.
    from_all: bool,
    /// The query whose rows were shown last.
    answered: RowQuery,
}

impl ExploreState {
    /// Shows these rows, for example those of a finding.
    pub fn show(&mut self, name: &str, rows: &[RowId]) {
        self.filters = RowFilters::listed(name, rows);
        self.to_rows = true;
    }

    /// The rows to show. The last result stays until the new one arrives.
    fn rows<'a>(&mut self, ctx: &StepContext<'a>, source: &RowSource, sender: &mut CommandSender) -> Shown<'a> {
        let all = Shown::All(source.prepared.examples.len());
        let query = self.filters.query();
        if query == RowQuery::default() {
            self.asked = None;
            self.from_all = true;
            self.answer(&query);
            return all;
        }
        let question = RowQuestion { prepared: Arc::clone(&source.prepared), query };
        if self.asked.as_ref() != Some(&question) {
            sender.send(AppCommand::FindRows(Box::new(question.query.clone())));
            self.asked = Some(question);
        }
        let found = ctx.answers.found.value.as_ref();
        let found = found.filter(|found| Arc::ptr_eq(&found.question.prepared, &source.prepared));
        self.from_all &= found.map(|found| &found.question) != self.asked.as_ref();
        let Some(found) = found.filter(|_| !self.from_all) else { return all };
        self.answer(&found.question.query);
        Shown::Places(&found.rows)
    }

    /// Scrolls to the top when the rows changed.
    fn answer(&mut self, query: &RowQuery) {
        if self.answered != *query {
            self.answered.clone_from(query);
            self.selection.note_new_rows();
        }
    }

    fn is_answered(&self, ctx: &StepContext<'_>) -> bool {
        let Some(asked) = &self.asked else { return true };
        let found = &ctx.answers.found;
        found.failed.is_some() || found.value.as_ref().is_some_and(|found| found.question == *asked)
    }
}

/// Name and explanation of a group of dropped rows.
fn left_out(reason: DropReason) -> (&'static str, &'static str) {
    match reason {
        DropReason::Duplicate => ("Duplicates", "Dropped: same text and label as an earlier row"),
        DropReason::EmptyText => ("Empty texts", "Dropped: no text is left after cleaning"),
        DropReason::EmptyLabel => ("Empty labels", "Dropped: the label is empty"),
        DropReason::NoneOfLabels => ("No label marked", "Dropped: no label column contains 1"),
        DropReason::SeveralLabels => (
            "Several labels",
            "Dropped: several labels are listed or marked, or a mark is neither 0 nor 1. Hone trains on one label per text",
        ),
        DropReason::Excluded => ("Excluded by you", "Rows you excluded"),
        DropReason::ExcludedLabel => ("Excluded labels", "Rows of labels you excluded"),
        DropReason::Conflict => ("Dropped conflicts", "Dropped: the same text also has another label"),
    }
}

/// The sets of rows that can be shown, with name, explanation and number of rows.
fn findings(source: &RowSource) -> Vec<(RowSet, &'static str, &'static str, usize)> {
    let survey: &Survey = &source.survey;
    let used = source.prepared.examples.len();
    let all = used + source.prepared.dropped.len();
    let found = [
        (RowSet::All, "All", "Used and dropped rows", if all > used { all } else { 0 }),
        (RowSet::Relabelled, "Relabelled", "Rows whose label you changed", survey.relabelled),
        (
            RowSet::Conflicts,
            "Conflicts",
            "Same text, different label: at least one label is wrong",
            survey.conflicting.len(),
        ),
    ];
    let left_out = survey.left_out().map(|(reason, rows)| {
        let (name, hover) = left_out(reason);
        (RowSet::Dropped(reason), name, hover, rows.len())
    });
    let used = (RowSet::Used, "Used", "Rows used for training, validation or testing", used);
    [used].into_iter().chain(found.into_iter().chain(left_out).filter(|(.., rows)| *rows > 0)).collect()
}

/// Draws the filters, the rows, and the details of the selected row, in a card as high as `height` if there are many rows.
pub fn explore_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    source: &RowSource,
    state: &mut ExploreState,
    (height, sender): (f32, &mut CommandSender),
) {
    let theme = ctx.theme;
    let top = ui.cursor().top();
    state.filters.settle(source);
    if std::mem::take(&mut state.to_rows) && !is_wide(ui, theme) {
        ui.scroll_to_cursor(Some(egui::Align::TOP));
    }
    let hint = "Search and filter all rows, even dropped ones. Select one to see its details, or several with Shift or \
                Ctrl to correct them at once";
    section(ui, theme, "Rows", hint, |ui| {
        let findings = findings(source);
        // A set disappears once the last of its rows has been fixed.
        if state.filters.set != RowSet::Listed && findings.iter().all(|(set, ..)| *set != state.filters.set) {
            state.filters.set = RowSet::Used;
        }
        ui.horizontal_wrapped(|ui| {
            if let Some(ListedRows { name, rows }) = &state.filters.listed {
                let text = format!("{name}  {}", count(rows.len() as u64));
                ui.selectable_value(&mut state.filters.set, RowSet::Listed, text)
                    .on_hover_text("Rows of a finding above");
            }
            for (set, name, hover, rows) in findings {
                let text = format!("{name}  {}", count(rows as u64));
                ui.selectable_value(&mut state.filters.set, set, text).on_hover_text(hover);
            }
        });
        ui.add_space(theme.space.xs);
        let rows = state.rows(ctx, source, sender);
        let answered = state.is_answered(ctx);
        let error = bad_pattern(ctx, state);
        let shown = match (answered, error) {
            (_, Some(_)) => format!("Still showing {}", counted(rows.len() as u64, "row", "rows")),
            (true, _) => counted(rows.len() as u64, "row", "rows"),
            (false, _) => "Searching".to_owned(),
        };
        search_ui(ui, ctx, source, &mut state.filters, &shown);
        if let Some(error) = error {
            ui.horizontal(|ui| {
                ui.label(RichText::new(icons::WARNING).color(theme.palette.danger));
                ui.add(egui::Label::new(RichText::new(error).color(theme.palette.danger)).wrap());
            });
        }
        filters_ui(ui, ctx, source, &mut state.filters, sender);
        ui.add_space(theme.space.xs);
        if rows.len() == 0 {
            ui.label(theme.muted("No matching rows. Clear the filters or search for other words"));
            return;
        }
        let left = top + height - ui.cursor().top() - theme.size.row - 2.0 * theme.space.l;
        rows_and_detail(ui, ctx, source, (rows, left.max(LEAST)), state, sender);
    });
}

/// Why the typed pattern is not valid, if it is not.
fn bad_pattern<'a>(ctx: &StepContext<'a>, state: &ExploreState) -> Option<&'a str> {
    ctx.answers.found.failed.as_deref().filter(|_| state.asked.is_some())
}

fn rows_and_detail(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    source: &RowSource,
    (shown, height): (Shown<'_>, f32),
    state: &mut ExploreState,
    sender: &mut CommandSender,
) {
    let rows = source.rows();
    let ExploreState { selection, detail, filters, columns: known, .. } = state;
    selection.settle(&rows, shown);
    selection.keys(ui, &rows, shown);
    let (gap, width) = (ctx.theme.space.l, ui.available_width());
    let chosen = selection.row().map(|(_, id)| id);
    let beside = width >= WIDE && chosen.is_some();
    let below = chosen.is_some() && !beside;
    let table = if beside { width * 0.56 - gap } else { width };
    let widths = if beside { vec![table, width - gap - table] } else { vec![table] };
    let height = if below { (height * 0.4).max(LEAST) } else { height };
    let column = filters.column.clone();
    let view = TableView { rows: &rows, shown, column: column.as_deref(), height };
    columns(ui, gap, &widths, |ui, place| {
        if place == 0 {
            let view = (view, &source.imported, &mut *known);
            table_ui(ui, ctx, view, (&mut filters.sort, &mut *selection), sender);
        } else if let Some(id) = chosen {
            // As high as the table with its header, also where the page goes on below the window.
            let most = height + ctx.theme.size.row;
            let area = egui::ScrollArea::vertical().id_salt("row detail").max_height(most).min_scrolled_height(most);
            area.auto_shrink([false, true])
                .show(ui, |ui| chosen_ui(ui, ctx, (source, &rows, shown), id, (&mut *detail, &mut *selection), sender));
        }
    });
    if let Some(id) = chosen.filter(|_| below) {
        ui.add_space(gap);
        chosen_ui(ui, ctx, (source, &rows, shown), id, (detail, selection), sender);
    }
}

/// Draws the details of the selected row, or what can be done with several.
fn chosen_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (source, rows, shown): (&RowSource, &RowView<'_>, Shown<'_>),
    id: RowId,
    (detail, selection): (&mut RowDetail, &mut Selection),
    sender: &mut CommandSender,
) {
    if selection.len() > 1 {
        several_rows_ui(ui, ctx, (source, rows), selection, sender);
    } else {
        detail_ui(ui, ctx, (source, rows, shown), id, (detail, selection), sender);
    }
}
