//! The details of one row, and the corrections that can be made to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Label, RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::slot::Slot;
use crate::app::steps::labels::label_list::{DRAWN, more_labels};
use crate::app::steps::labels::row_selection::{Selection, Shown};
use crate::app::steps::labels::row_table::row_name;
use crate::app::steps::review::queue::Decision;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Diff, badge, button, figure, heading_ui, icon_button};
use crate::data::{DropReason, Prepared, RowNumber, RowView};
use crate::project::{RowEdit, RowId};
use crate::words::{count, counted, listed, shortened};
use crate::worker::RowSource;

/// Most characters shown of a text, because laying out a whole book takes time.
const SHOWN: usize = 20_000;
/// Width of a column's name.
const NAME: f32 = 130.0;
/// Most characters shown of another column.
const SHOWN_CELL: usize = 2_000;

/// Results for the selected row, kept until another row is selected.
#[derive(Debug, Default)]
pub struct RowDetail {
    of: Option<(RowId, Arc<Prepared>)>,
    /// Texts had been compared by then.
    compared: bool,
    /// What cleaning changed.
    diff: Option<Diff>,
    /// Rows with the same text but another label, and near-duplicates.
    contradicting: Vec<RowId>,
    alike: Vec<RowId>,
}

impl RowDetail {
    fn refresh(&mut self, ctx: &StepContext<'_>, source: &RowSource, rows: &RowView, id: RowId, place: RowNumber) {
        let is_of = |(of, prepared): &(RowId, Arc<Prepared>)| *of == id && Arc::ptr_eq(prepared, &source.prepared);
        if self.of.as_ref().is_some_and(is_of) && self.compared == ctx.likeness.is_some() {
            return;
        }
        self.compared = ctx.likeness.is_some();
        self.of = Some((id, Arc::clone(&source.prepared)));
        let (raw, text) = (rows.raw(place).map(|(text, _)| text).unwrap_or_default(), rows.text(place));
        self.diff = (raw != text).then(|| Diff::of_beginning(&raw, &text, SHOWN));
        let others = |group: &Vec<RowId>| group.iter().copied().filter(|&other| other != id).collect();
        let of_row = |groups: &[Vec<RowId>]| groups.iter().find(|group| group.contains(&id)).map_or(Vec::new(), others);
        self.contradicting = of_row(&source.prepared.conflicts);
        self.alike = ctx.likeness.map_or(Vec::new(), |likeness| of_row(&likeness.groups));
    }
}

/// Draws the row.
pub fn detail_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (source, rows, shown): (&RowSource, &RowView<'_>, Shown<'_>),
    id: RowId,
    (detail, selection): (&mut RowDetail, &mut Selection),
    sender: &mut CommandSender,
) {
    let Some(place) = rows.place(id) else { return };
    detail.refresh(ctx, source, rows, id, place);
    let theme = ctx.theme;
    ui.spacing_mut().item_spacing.x = theme.space.s;
    head(ui, ctx, rows, shown, id, selection);
    if selection.row().is_none() {
        return;
    }
    badges(ui, ctx, rows, place, detail);
    ui.add_space(theme.space.xs);
    text_ui(ui, ctx, rows, place, detail);
    ui.add_space(theme.space.s);
    figures(ui, ctx, rows, place, sender);
    ui.add_space(theme.space.s);
    decide(ui, ctx, source, rows, id, place, sender);
    ui.add_space(theme.space.s);
    columns(ui, ctx, rows, place);
}

fn head(ui: &mut Ui, ctx: &StepContext<'_>, rows: &RowView, shown: Shown<'_>, id: RowId, selection: &mut Selection) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        heading_ui(ui, theme, format!("Row {}", row_name(rows, id)));
        let nth = selection.row().and_then(|(nth, _)| nth);
        ui.label(theme.small(match nth {
            Some(nth) => format!("{} of {}", count(nth as u64 + 1), count(shown.len() as u64)),
            None => "not in the list".to_owned(),
        }));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon_button(ui, theme, icons::X, "Close the row (Esc)").clicked() {
                selection.clear();
            }
            let next = nth.map_or(0, |nth| nth + 1);
            ui.add_enabled_ui(next < shown.len(), |ui| {
                if icon_button(ui, theme, icons::CARET_RIGHT, "Next row (Down)").clicked() {
                    selection.go(rows, shown, next);
                }
            });
            ui.add_enabled_ui(nth.is_some_and(|nth| nth > 0), |ui| {
                if icon_button(ui, theme, icons::CARET_LEFT, "Previous row (Up)").clicked() {
                    selection.go(rows, shown, nth.unwrap_or(1) - 1);
                }
            });
        });
    });
}

fn badges(ui: &mut Ui, ctx: &StepContext<'_>, rows: &RowView, place: RowNumber, detail: &RowDetail) {
    let theme = ctx.theme;
    let names = |ids: &[RowId]| listed(ids.iter().map(|&id| row_name(rows, id)));
    ui.horizontal_wrapped(|ui| {
        match (rows.example(place), rows.reason(place)) {
            (Some(example), _) => {
                let side = badge(ui, theme, Tone::Neutral, icons::SHUFFLE, example.side.in_words());
                side.on_hover_text("The split this row is in");
            }
            (None, Some(reason)) => {
                badge(ui, theme, Tone::Warning, icons::PROHIBIT, in_words(reason));
            }
            (None, None) => {}
        }
        let edit = ctx.project.edits.rows.get(&detail.of.as_ref().map(|(id, _)| *id).unwrap_or_default());
        if let Some(label) = edit.and_then(RowEdit::label) {
            badge(ui, theme, Tone::Accent, icons::TAG, &format!("relabelled as {label}"));
        }
        if edit.is_some_and(|edit| edit.kept) {
            badge(ui, theme, Tone::Success, icons::CHECK, "label kept");
        }
        if !detail.contradicting.is_empty() {
            let text = format!("conflicts with row {}", names(&detail.contradicting));
            badge(ui, theme, Tone::Warning, icons::WARNING, &text).on_hover_text("Same text, different label");
        }
        if !detail.alike.is_empty() {
            let text = format!("near-duplicate of row {}", names(&detail.alike));
            badge(ui, theme, Tone::Neutral, icons::COPY, &text);
        }
    });
}

fn in_words(reason: DropReason) -> &'static str {
    match reason {
        DropReason::Excluded => "excluded by you",
        DropReason::EmptyText => "dropped: no text left after cleaning",
        DropReason::EmptyLabel => "dropped: no label",
        DropReason::NoneOfLabels => "dropped: no label column contains 1",
        DropReason::SeveralLabels => "dropped: several labels are listed or marked, or a mark is neither 0 nor 1",
        DropReason::ExcludedLabel => "dropped: its label is excluded",
        DropReason::Duplicate => "dropped: duplicate",
        DropReason::Conflict => "dropped: the same text also has another label",
    }
}

fn text_ui(ui: &mut Ui, ctx: &StepContext<'_>, rows: &RowView, place: RowNumber, detail: &RowDetail) {
    let theme = ctx.theme;
    if let Some(diff) = &detail.diff {
        diff.ui(ui, theme);
        return;
    }
    ui.add(Label::new(shortened(&rows.text(place), SHOWN)).wrap());
    let note = match rows.reason(place) {
        Some(_) => "Shown as it is in the file",
        None => "Cleaning doesn't change this text",
    };
    ui.label(theme.small(note));
}

fn figures(ui: &mut Ui, ctx: &StepContext<'_>, rows: &RowView, place: RowNumber, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let text = rows.text(place);
    let (raw_label, label) = (rows.raw_label(place), rows.label(place));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.xl;
        let shown = if raw_label.trim().is_empty() { "none" } else { raw_label };
        figure(ui, theme, "Label in the file", shown, "");
        if rows.example(place).is_some() {
            figure(ui, theme, "Label used", label, "After renames, merges and corrections");
        }
        figure(
            ui,
            theme,
            "Words",
            &count(u64::from(rows.words(place))),
            "Separated by white space, counted after cleaning",
        );
        figure(ui, theme, "Characters", &count(text.chars().count() as u64), "");
        if let (Some(model), false) = (ctx.model_folder, text.is_empty()) {
            tokens(ui, ctx, &text, model, sender);
        }
    });
    let asked = ctx.model_folder.and_then(|model| text_tokens(ctx, &text, model));
    if let Some(error) = asked.and_then(|asked| asked.failed.as_ref()) {
        ui.add(Label::new(theme.small(format!("Tokens: {error}"))).wrap());
    }
}

/// The tokens of this text for this model; `None` if they were not requested.
fn text_tokens<'a>(ctx: &StepContext<'a>, text: &str, model: &Path) -> Option<&'a Slot<usize, (String, PathBuf)>> {
    ctx.answers.text_tokens.about(&(text.to_owned(), model.to_owned()))
}

/// The token count of the text. It is requested once; after an error only the person can retry.
fn tokens(ui: &mut Ui, ctx: &StepContext<'_>, text: &str, model: &Path, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let ask = || AppCommand::CountTextTokens(text.to_owned(), model.to_owned());
    match text_tokens(ctx, text, model) {
        Some(Slot { value: Some(tokens), .. }) => {
            let most = ctx.project.training.max_length;
            let hover = format!("Special tokens included. The model reads at most {most} (max length, set in Model)");
            let cut = tokens.saturating_sub(most);
            figure(ui, theme, "Tokens", &count(*tokens as u64), &hover);
            if cut > 0 {
                let text = format!("the last {} truncated", counted(cut as u64, "token is", "tokens are"));
                badge(ui, theme, Tone::Warning, icons::SCISSORS, &text);
            }
        }
        Some(Slot { failed: Some(error), .. }) => {
            figure(ui, theme, "Tokens", "–", error);
            if icon_button(ui, theme, icons::ARROW_CLOCKWISE, "Retry counting tokens").clicked() {
                sender.send(ask());
            }
        }
        counting => {
            figure(ui, theme, "Tokens", "…", "");
            if counting.is_none() {
                sender.send(ask());
            }
        }
    }
}

fn decide(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    source: &RowSource,
    rows: &RowView,
    id: RowId,
    place: RowNumber,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let mut decision = None;
    ui.horizontal_wrapped(|ui| {
        let now = rows.label(place);
        let text = RichText::new(format!("{}  Relabel", icons::TAG));
        ui.menu_button(text, |ui| {
            egui::ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
                let labels = &source.prepared.labels;
                for label in labels.iter().take(DRAWN).filter(|label| *label != now) {
                    if ui.button(label).clicked() {
                        decision = Some(Decision::Label(label.clone()));
                        ui.close();
                    }
                }
                more_labels(ui, theme, labels);
            });
        })
        .response
        .on_hover_text("Give this row another label. Your file isn't changed")
        .accessible_name("Relabel");
        let edit = ctx.project.edits.rows.get(&id);
        if edit.is_none_or(|edit| !edit.excluded)
            && button(ui, theme, icons::PROHIBIT, "Exclude")
                .on_hover_text("Exclude this row from training and evaluation")
                .clicked()
        {
            decision = Some(Decision::Exclude);
        }
        if edit.is_some()
            && button(ui, theme, icons::ARROW_U_UP_LEFT, "Remove correction")
                .on_hover_text("Use this row as it is in the file")
                .clicked()
        {
            sender.edit(Edit::Rows(vec![(id, None)]));
        }
    });
    if let Some(edit) = decision.and_then(|decision| decision.edit(ctx, id)) {
        sender.edit(Edit::Rows(vec![(id, Some(edit))]));
    }
}

fn columns(ui: &mut Ui, ctx: &StepContext<'_>, rows: &RowView, place: RowNumber) {
    let theme = ctx.theme;
    let Some((table, row)) = rows.at(place) else { return };
    let text = ctx.project.dataset.text_column();
    for (column, name) in table.names.iter().enumerate().filter(|(_, name)| Some(name.as_str()) != text) {
        let cell = table.cell(column, row);
        let value =
            if cell.trim().is_empty() { theme.muted("–") } else { RichText::new(shortened(cell, SHOWN_CELL)) };
        let named = NAME.min(ui.available_width() * 0.35);
        let width = ui.available_width() - named - theme.space.m;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.m;
            ui.allocate_ui(egui::vec2(named, 0.0), |ui| {
                ui.set_min_width(named);
                ui.add(Label::new(theme.small(name)).truncate());
            });
            ui.allocate_ui_with_layout(egui::vec2(width, 0.0), egui::Layout::top_down(egui::Align::Min), |ui| {
                ui.add(Label::new(value).wrap());
            });
        });
    }
}
