//! What near-duplicates and leakage show in common: how far looking for them is, and a row.

use egui::{Label, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::data::files::row_name;
use crate::app::theme::icons;
use crate::app::widgets::{Action, SlotActions, after_page, button, slot_ui};
use crate::data::{Example, Prepared};
use crate::project::RowId;
use crate::words::one_line;

/// Fewer rows than this are shown without scrolling.
const SCROLLED: usize = 12;
/// Characters shown of a text.
const LENGTH: usize = 400;

/// How far finding near-duplicates, and then leakage, is, with a way to stop it or to go on.
pub fn comparing_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let actions = |title, label, hover| SlotActions {
        title,
        stop: Action { label, hover, command: AppCommand::StopComparing },
        again: AppCommand::CompareAgain,
    };
    let why = "Near-duplicates and leakage won't be checked";
    let compare = actions("Finding near-duplicates", "Stop comparing", why);
    let check = actions("Checking for leakage", "Stop the leakage check", "There will be no leakage report");
    if slot_ui(ui, ctx.theme, &ctx.answers.likeness, compare, sender)
        || slot_ui(ui, ctx.theme, &ctx.answers.leakage, check, sender)
    {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        if ctx.preview.is_some() {
            ui.label(ctx.theme.muted("The rows are being prepared"));
        } else if button(ui, ctx.theme, icons::ARROWS_CLOCKWISE, "Compare texts").clicked() {
            sender.send(AppCommand::CompareAgain);
        }
    });
}

/// A row with its label and split, and the beginning of its text.
pub fn row(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, id: RowId) {
    let Some(example) = example(prepared, id) else { return };
    ui.add(Label::new(heading(ctx, prepared, example)).wrap());
    ui.add(Label::new(one_line(&example.text, LENGTH)).wrap());
}

/// All rows of a list. More than a few scroll; only those that can be seen are laid out.
pub fn rows_ui(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, rows: &[RowId]) {
    let height = ctx.theme.text.small + ctx.theme.text.body + 4.0 * ctx.theme.space.s;
    let line = |ui: &mut Ui, id: RowId| {
        ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
            ui.vertical(|ui| {
                ui.set_min_height(height);
                let Some(example) = example(prepared, id) else { return };
                ui.add(Label::new(heading(ctx, prepared, example)).truncate());
                ui.add(Label::new(one_line(&example.text, LENGTH)).truncate());
            });
        });
    };
    if rows.len() < SCROLLED {
        for &id in rows {
            line(ui, id);
        }
        return;
    }
    let area = egui::ScrollArea::vertical().id_salt("rows").max_height(height * SCROLLED as f32);
    after_page(ui, |ui| {
        area.auto_shrink([false, true]).show_rows(ui, height, rows.len(), |ui, shown| {
            for &id in rows.get(shown).unwrap_or_default() {
                line(ui, id);
            }
        });
    });
}

/// Where a row is, its label and its split.
fn heading(ctx: &StepContext<'_>, prepared: &Prepared, example: &Example) -> egui::RichText {
    let side = example.side.in_words();
    let label = prepared.label_of(example);
    let label = if label.is_empty() { String::new() } else { format!("  ·  {label}") };
    ctx.theme.small(format!("{}{label}  ·  {side}", row_name(ctx, example.id)))
}

fn example(prepared: &Prepared, id: RowId) -> Option<&Example> {
    let key = |id: RowId| (id.file, id.record);
    let place = prepared.examples.binary_search_by_key(&key(id), |example| key(example.id)).ok()?;
    prepared.examples.get(place)
}
