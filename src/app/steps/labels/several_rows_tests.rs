//! Several rows selected in the Labels step, in a real window, and the columns of their table.

use egui::{Event, Key, Modifiers, Role};
use egui_kittest::kittest::Queryable;

use crate::app::app::Start;
use crate::app::commands::UserCommand;
use crate::app::messages::AppCommand;
use crate::app::testing::{Window, app, app_from, hone, picture, press, settle, told};
use crate::project::{RowId, Step};
use crate::storage::ThemeChoice;

fn labels_step() -> (Window, tempfile::TempDir) {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    window.set_size(egui::vec2(1600.0, 1000.0));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
    settle(&mut window);
    (window, folder)
}

/// Clicks the row with this number among the rows used.
fn click(window: &mut Window, nth: usize, modifiers: Modifiers) -> RowId {
    let id = hone(window).prepared().unwrap().examples[nth].id;
    window.get_by_label_contains(&format!("Row {}, ", id.record)).click_modifiers(modifiers);
    settle(window);
    id
}

#[test]
fn several_rows_are_relabelled_and_excluded_in_one_step_of_undo() {
    let (mut window, _folder) = labels_step();
    let before = hone(&mut window).prepared().unwrap();
    let ids: Vec<RowId> = (1..=6).map(|nth| before.examples[nth].id).collect();
    click(&mut window, 1, Modifiers::NONE);
    click(&mut window, 6, Modifiers::SHIFT);
    window.get_by_label("6 rows selected");
    picture("labels-several", &mut window);
    window.check_accessibility();
    let label = before.labels[0].clone();
    let others = (1..=6).filter(|&nth| before.label_of(&before.examples[nth]) != label).count();
    assert!(others > 1, "the sample has rows to relabel");
    window.get_by_label(&format!("Relabel as {label}")).click();
    settle(&mut window);
    settle(&mut window);
    assert_eq!(hone(&mut window).project().edits.rows.len(), others);
    let after = hone(&mut window).prepared().unwrap();
    let labels_after = |id: &RowId| after.examples.iter().find(|row| row.id == *id).map(|row| after.label_of(row));
    assert!(ids.iter().all(|id| labels_after(id) == Some(label.as_str())));
    window.get_by_label("6 rows selected");
    let undo = AppCommand::User(UserCommand::Undo);
    hone(&mut window).run_command(undo.clone());
    settle(&mut window);
    assert!(hone(&mut window).project().edits.rows.is_empty(), "one undo brings all of them back");

    window.get_by_label("Exclude").click();
    settle(&mut window);
    settle(&mut window);
    assert_eq!(hone(&mut window).project().edits.rows.values().filter(|edit| edit.excluded).count(), 6);
    window.get_by_label("6 not in the list");
    window.get_by_label("Remove corrections").click();
    settle(&mut window);
    settle(&mut window);
    assert!(hone(&mut window).project().edits.rows.is_empty());
    window.get_by_label("6 rows selected");
    assert!(window.query_by_label("6 not in the list").is_none());
    hone(&mut window).run_command(undo);
    settle(&mut window);
    assert_eq!(hone(&mut window).project().edits.rows.len(), 6);
}

#[test]
fn a_range_is_selected_by_key_and_copied_from_the_edit_menu() {
    let (mut window, _folder) = labels_step();
    let first = click(&mut window, 0, Modifiers::NONE);
    press(&mut window, Modifiers::SHIFT, Key::ArrowDown);
    press(&mut window, Modifiers::SHIFT, Key::ArrowDown);
    window.get_by_label("3 rows selected");
    hone(&mut window).run_command(AppCommand::User(UserCommand::Copy));
    window.step();
    let copied = |window: &Window| {
        window.output().platform_output.commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
    };
    window.step();
    let text = copied(&window).or_else(|| {
        window.step();
        copied(&window)
    });
    let text = text.expect("the rows are on the clipboard");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines.len()), ("Row\tLabel\tWords\tText", 4));
    assert!(lines[1].starts_with(&format!("{}\t", first.record)), "{}", lines[1]);
    assert_eq!(told(&mut window), "Copied 3 rows");
    hone(&mut window).run_command(AppCommand::User(UserCommand::SelectAll));
    settle(&mut window);
    let all = hone(&mut window).prepared().unwrap().examples.len();
    window.get_by_label(&format!("{} selected", crate::words::counted(all, "row", "rows")));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label_contains(" selected").is_none());
    window.event(Event::Copy);
    settle(&mut window);
    assert_eq!(told(&mut window), "Copied 3 rows", "without a selection nothing is copied");
}

#[test]
fn the_columns_that_were_chosen_are_shown_at_the_next_start() {
    let (mut window, folder) = labels_step();
    let header = |window: &Window, name: &str| window.query_by_role_and_label(Role::ColumnHeader, name).is_some();
    assert!(header(&window, "Words") && !header(&window, "shop"));
    window.get_by_label("Choose columns").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::CheckBox, "shop").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::CheckBox, "Words").scroll_to_me();
    settle(&mut window);
    window.get_by_role_and_label(Role::CheckBox, "Words").click();
    settle(&mut window);
    picture("labels-columns", &mut window);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(header(&window, "shop") && !header(&window, "Words"));
    window.get_by_label("Sort by shop").click();
    settle(&mut window);
    let settings = hone(&mut window).state.settings.clone();
    let project = Some(folder.path().join("customer-reviews"));
    drop(window);
    let mut again = app_from(Start { project, settings, ..Start::default() }, 1.0);
    again.set_size(egui::vec2(1600.0, 1000.0));
    settle(&mut again);
    hone(&mut again).run_command(AppCommand::GoTo(Step::Labels));
    settle(&mut again);
    assert!(header(&again, "shop") && !header(&again, "Words"));
}
