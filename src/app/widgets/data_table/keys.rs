//! The keys of a table: moving, selecting and copying.

use egui::{Event, Id, Key, Modifiers, Ui};

use crate::app::context::Notice;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::theme::Tone;
use crate::app::widgets::data_table::columns::Arranged;
use crate::app::widgets::data_table::copy::{MOST_COPIED, TableAsk, asked, copied};
use crate::app::widgets::data_table::draw::row_id;
use crate::app::widgets::data_table::selection::RowSelection;
use crate::app::widgets::data_table::table::{DataTable, Place, TableRows};
use crate::words::count;

/// Handles the keys, if they are for this table, and the Edit menu. Returns whether to copy the selected rows.
pub(super) fn take(ui: &Ui, id: Id, (rows, place): (usize, Place), selection: &mut RowSelection) -> bool {
    let open = ui.memory(|memory| memory.top_modal_layer().is_some());
    if open || !ui.is_enabled() {
        return false;
    }
    let asked = asked(ui.ctx()).filter(|_| !selection.is_empty());
    if asked == Some(TableAsk::SelectAll) {
        selection.all(rows);
    }
    let copy = asked == Some(TableAsk::Copy);
    if !has_keys(ui, id, selection) || rows == 0 {
        return copy;
    }
    if consume(ui, Modifiers::COMMAND, Key::A) {
        selection.all(rows);
    }
    // In whole rows that can be seen, without the header.
    let page = ((place.area.height() / place.row) as usize).saturating_sub(2).max(1);
    move_cursor(ui, id, (rows, page), selection);
    if !selection.is_empty() && consume(ui, Modifiers::NONE, Key::Escape) {
        let cursor = selection.cursor();
        selection.clear();
        // The keys still move from a row that has the focus.
        if let Some(row) = cursor.filter(|&row| ui.memory(|memory| memory.has_focus(row_id(id, row)))) {
            selection.point_at(row);
        }
    }
    copy || (!selection.is_empty() && take_copy(ui))
}

/// A row has the focus, or nothing has it and rows are selected.
fn has_keys(ui: &Ui, id: Id, selection: &RowSelection) -> bool {
    match ui.memory(egui::Memory::focused) {
        Some(focused) => selection.cursor().is_some_and(|row| focused == row_id(id, row)),
        None => !selection.is_empty(),
    }
}

fn consume(ui: &Ui, modifiers: Modifiers, key: Key) -> bool {
    ui.input_mut(|input| input.consume_key(modifiers, key))
}

fn move_cursor(ui: &Ui, id: Id, (rows, page): (usize, usize), selection: &mut RowSelection) {
    let (last, at) = (rows - 1, selection.cursor());
    let to = |key| match key {
        Key::ArrowDown => at.map_or(0, |at| at + 1),
        Key::ArrowUp => at.unwrap_or(0).saturating_sub(1),
        Key::PageDown => at.unwrap_or(0) + page,
        Key::PageUp => at.unwrap_or(0).saturating_sub(page),
        Key::Home => 0,
        _ => last,
    };
    let keys = [Key::ArrowDown, Key::ArrowUp, Key::PageDown, Key::PageUp, Key::Home, Key::End];
    let extends = keys.into_iter().find(|&key| consume(ui, Modifiers::SHIFT, key));
    let moves = extends.is_none().then(|| keys.into_iter().find(|&key| consume(ui, Modifiers::NONE, key))).flatten();
    let had_focus = at.is_some_and(|at| ui.memory(|memory| memory.has_focus(row_id(id, at))));
    let row = match (extends, moves) {
        (Some(key), _) => {
            let row = to(key).min(last);
            selection.extend(row);
            row
        }
        (None, Some(key)) => {
            let row = to(key).min(last);
            selection.only(row);
            row
        }
        (None, None) => return,
    };
    selection.follow();
    if had_focus {
        ui.memory_mut(|memory| memory.request_focus(row_id(id, row)));
    }
}

/// Whether the keys that copy were pressed.
fn take_copy(ui: &Ui) -> bool {
    ui.input_mut(|input| {
        let before = input.events.len();
        input.events.retain(|event| *event != Event::Copy);
        input.events.len() < before
    })
}

/// Puts the selected rows on the clipboard, unless they are too many.
pub(super) fn copy(
    ui: &Ui,
    rows: &dyn TableRows,
    (table, arranged): (&DataTable<'_>, &Arranged),
    selection: &RowSelection,
    sender: &mut CommandSender,
) {
    if selection.len() > MOST_COPIED {
        let title = format!("{} rows are too many to copy", count(selection.len()));
        let body = format!("Select at most {} rows, or use the file itself", count(MOST_COPIED));
        sender.send(AppCommand::Notify(Notice { tone: Tone::Warning, title, body }));
    } else if !selection.is_empty() {
        let text = copied(rows, table.columns, &arranged.visible, selection);
        sender.send(AppCommand::CopyRows { text, rows: selection.len() });
    }
    ui.ctx().request_repaint();
}
