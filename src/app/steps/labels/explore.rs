//! Looking through the rows: searching, filtering and ordering them, and all that is known of one.

use std::sync::Arc;

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::labels::row_detail::{RowDetail, detail_ui};
use crate::app::steps::labels::row_filters::{Listed, RowFilters, filters_ui, search_ui};
use crate::app::steps::labels::row_table::{Selection, Shown, TableView, keys, table_ui};
use crate::app::theme::icons;
use crate::app::widgets::numbers::{count, counted};
use crate::app::widgets::section;
use crate::data::{DropReason, RowQuery, RowSet};
use crate::project::RowId;
use crate::worker::{RowQuestion, RowSource, Survey};

/// Height of the table of rows.
const HEIGHT: f32 = 420.0;
/// Least width of table and detail side by side.
const WIDE: f32 = 820.0;

/// What is remembered between frames.
#[derive(Debug, Default)]
pub struct ExploreState {
    /// What was typed and chosen.
    pub filters: RowFilters,
    /// Bring the rows into sight.
    pub to_rows: bool,
    /// The row whose details are shown.
    pub selection: Selection,
    detail: RowDetail,
    /// What was last searched for.
    asked: Option<RowQuestion>,
    /// All rows were shown when the search began.
    from_all: bool,
    /// What the rows shown last were asked for.
    answered: RowQuery,
}

impl ExploreState {
    /// Shows these rows, such as those of a finding.
    pub fn show(&mut self, name: &str, rows: &[RowId]) {
        self.filters = RowFilters::listed(name, rows);
        self.to_rows = true;
    }

    /// The rows to show. What was found last stays until the answer is there.
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

    /// Other rows than before begin at the top.
    fn answer(&mut self, query: &RowQuery) {
        if self.answered != *query {
            self.answered.clone_from(query);
            self.selection.begin_anew();
        }
    }

    fn is_answered(&self, ctx: &StepContext<'_>) -> bool {
        let Some(asked) = &self.asked else { return true };
        let found = &ctx.answers.found;
        found.failed.is_some() || found.value.as_ref().is_some_and(|found| found.question == *asked)
    }
}

/// What rows that are left out are called, and why they are.
fn left_out(reason: DropReason) -> (&'static str, &'static str) {
    match reason {
        DropReason::Duplicate => ("Duplicates", "Left out: same text and label as an earlier row"),
        DropReason::EmptyText => ("Empty texts", "Left out: nothing is left of the text after cleaning"),
        DropReason::EmptyLabel => ("Empty labels", "Left out: the label field is empty"),
        DropReason::NoneOfLabels => ("No label marked", "Left out: none of the label columns holds 1"),
        DropReason::SeveralLabels => (
            "Several labels marked",
            "Left out: several of the label columns hold 1, or one holds neither 0 nor 1. Hone learns one label a text",
        ),
        DropReason::Excluded => ("Excluded by you", "Rows you left out"),
        DropReason::ExcludedLabel => ("Labels left out", "Rows of labels you left out"),
        DropReason::Conflict => ("Conflicts left out", "Left out because the text stands with another label too"),
    }
}

/// What was found, in words, with how many rows.
fn findings(source: &RowSource) -> Vec<(RowSet, &'static str, &'static str, usize)> {
    let survey: &Survey = &source.survey;
    let used = source.prepared.examples.len();
    let all = used + source.prepared.dropped.len();
    let found = [
        (RowSet::All, "All", "Used and left out", if all > used { all } else { 0 }),
        (RowSet::Relabelled, "Relabelled", "Rows whose label you changed", survey.relabelled),
        (
            RowSet::Conflicts,
            "Conflicts",
            "Same text as a row with another label: one of them is wrong",
            survey.conflicting.len(),
        ),
    ];
    let left_out = survey.left_out().map(|(reason, rows)| {
        let (name, hover) = left_out(reason);
        (RowSet::Dropped(reason), name, hover, rows.len())
    });
    let used = (RowSet::Used, "Used", "Rows that will be learnt from or measured on", used);
    [used].into_iter().chain(found.into_iter().chain(left_out).filter(|(.., rows)| *rows > 0)).collect()
}

/// Draws the rows, the ways to choose among them, and the row chosen.
pub fn explore_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    source: &RowSource,
    state: &mut ExploreState,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    state.filters.settle(source);
    if std::mem::take(&mut state.to_rows) {
        ui.scroll_to_cursor(Some(egui::Align::TOP));
    }
    let hint = "Those that will be used, and those found to be left out or in doubt. A row shows everything of itself when \
                you choose it";
    section(ui, theme, "Rows", hint, |ui| {
        let findings = findings(source);
        // A set with nothing left in it, since the last of its rows was mended, is not shown any more.
        if state.filters.set != RowSet::Listed && findings.iter().all(|(set, ..)| *set != state.filters.set) {
            state.filters.set = RowSet::Used;
        }
        ui.horizontal_wrapped(|ui| {
            if let Some(Listed { name, rows }) = &state.filters.listed {
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
            (_, Some(_)) => format!("{} shown as before", counted(rows.len() as u64, "row", "rows")),
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
            ui.label(theme.muted("No row fits. Clear a filter, or search for other words"));
            return;
        }
        rows_and_detail(ui, ctx, source, rows, state, sender);
    });
}

/// What is wrong with the pattern that is typed now.
fn bad_pattern<'a>(ctx: &StepContext<'a>, state: &ExploreState) -> Option<&'a str> {
    ctx.answers.found.failed.as_deref().filter(|_| state.asked.is_some())
}

fn rows_and_detail(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    source: &RowSource,
    shown: Shown<'_>,
    state: &mut ExploreState,
    sender: &mut CommandSender,
) {
    let rows = source.rows();
    let ExploreState { selection, detail, filters, .. } = state;
    selection.settle(&rows, shown);
    keys(ui, &rows, shown, selection);
    let view = TableView { rows: &rows, shown, column: filters.column.as_deref(), height: HEIGHT };
    let Some((_, id)) = selection.row() else {
        table_ui(ui, ctx.theme, view, &mut filters.sort, selection);
        return;
    };
    let gap = ctx.theme.space.l;
    if ui.available_width() < WIDE {
        table_ui(ui, ctx.theme, TableView { height: HEIGHT * 0.6, ..view }, &mut filters.sort, selection);
        ui.add_space(gap);
        detail_ui(ui, ctx, (source, &rows, shown), id, (detail, selection), sender);
        return;
    }
    let width = ui.available_width() * 0.56 - gap;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        ui.allocate_ui(egui::vec2(width, HEIGHT), |ui| {
            ui.vertical(|ui| table_ui(ui, ctx.theme, view, &mut filters.sort, selection));
        });
        ui.vertical(|ui| {
            // The height of the table with its head.
            let height = HEIGHT + ctx.theme.size.row;
            egui::ScrollArea::vertical()
                .id_salt("row detail")
                .max_height(height)
                .auto_shrink([false, true])
                .show(ui, |ui| detail_ui(ui, ctx, (source, &rows, shown), id, (detail, selection), sender));
        });
    });
}
