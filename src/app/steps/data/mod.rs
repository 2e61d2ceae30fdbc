//! The Data step: the files, how they are read, column roles, and rows that could not be read.

mod choices;
pub mod columns;
pub mod files;
pub use std::path::PathBuf;
use std::sync::Arc;

use egui::{CollapsingHeader, Label, RichText, TextEdit, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Pick};
use crate::app::steps::data::choices::edit;
use crate::app::steps::data::columns::columns_card;
use crate::app::steps::data::files::{file_card, named_files_ui};
use crate::app::tasks::wanted_data;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    Anchor, RowSelection, TablePreview, anchor, banner, button, card, empty_state, heading_ui, page, page_beside,
    primary_button, running_card, table_preview_ui,
};
use crate::data::Imported;
use crate::project::Step;
use crate::words::{count, counted};

/// Most bad rows shown; the rest are counted.
const BAD_ROWS_SHOWN: usize = 200;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct DataStepState {
    path: String,
    /// A long list of columns is shown whole.
    all_columns: bool,
    /// The selected rows of the preview.
    preview: RowSelection,
}

/// Draws the step: the file and its columns, and its rows.
pub fn data_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut DataStepState, sender: &mut CommandSender) {
    let (title, purpose) = (Step::Data.title(), Step::Data.purpose());
    let Some(imported) = ctx.imported.filter(|_| ctx.project.dataset.main.is_some()) else {
        page(ui, ctx.theme, title, purpose, |ui| no_table(ui, ctx, state, sender));
        return;
    };
    page_beside(
        ui,
        ctx.theme,
        (title, purpose, 0.5),
        &mut (state, sender),
        |ui, (state, sender)| {
            file_card(ui, ctx, imported, sender);
            anchor(ui, Anchor::BadRows);
            bad_rows(ui, ctx, imported, sender);
            anchor(ui, Anchor::Columns);
            columns_card(ui, ctx, imported, &mut state.all_columns, sender);
        },
        |ui, (state, sender), height| preview_card(ui, ctx, imported, (height, &mut state.preview), sender),
    );
}

/// What is shown while there is no table: where to get one, why it could not be read, or how far reading is.
fn no_table(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut DataStepState, sender: &mut CommandSender) {
    if ctx.project.dataset.main.is_none() {
        nothing_yet(ui, ctx, state, sender);
    } else if let Some(error) = &ctx.answers.imported.failed {
        banner(ui, ctx.theme, Tone::Danger, "The data could not be read", error, |_| {});
        named_files_ui(ui, ctx, sender);
        choose_file(ui, ctx, state, sender);
    } else if let Some(running) = ctx.preview {
        running_card(ui, ctx.theme, running, None, sender);
    }
}

fn nothing_yet(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut DataStepState, sender: &mut CommandSender) {
    let (title, files) = wanted_data(ctx.project.task.kind());
    let body = format!("{files}. Drop it onto this window, or browse. Hone never changes your files.");
    empty_state(ui, ctx.theme, icons::TABLE, title, &body, |ui| {
        if primary_button(ui, ctx.theme, icons::FOLDER_OPEN, "Browse…", Ok(())).clicked() {
            sender.send(AppCommand::Pick(Pick::MainFile));
        }
        if button(ui, ctx.theme, icons::FOLDER_OPEN, "Open a folder…").clicked() {
            sender.send(AppCommand::Pick(Pick::MainFolder));
        }
        ui.add_space(ctx.theme.space.m);
        ui.label(ctx.theme.small("or type its path"));
        let width = 420.0_f32.min(ui.available_width());
        path_field(ui, ctx, state, width, sender);
    });
}

fn choose_file(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut DataStepState, sender: &mut CommandSender) {
    card(ui, ctx.theme, |ui| {
        heading_ui(ui, ctx.theme, "Open another file");
        ui.horizontal_wrapped(|ui| {
            if button(ui, ctx.theme, icons::FOLDER_OPEN, "Browse…").clicked() {
                sender.send(AppCommand::Pick(Pick::MainFile));
            }
            if button(ui, ctx.theme, icons::FOLDER_OPEN, "Open a folder…").clicked() {
                sender.send(AppCommand::Pick(Pick::MainFolder));
            }
            let width = 420.0_f32.min(ui.available_width());
            path_field(ui, ctx, state, width, sender);
        });
    });
}

fn path_field(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut DataStepState, width: f32, sender: &mut CommandSender) {
    let edit =
        TextEdit::singleline(&mut state.path).id_salt("path").hint_text("/path/to/reviews.csv").desired_width(width);
    let margin = egui::vec2(ctx.theme.space.s, 7.0);
    let response = ui.add(edit.margin(margin)).accessible_name("Path of the data file");
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if entered && !state.path.trim().is_empty() {
        sender.send(AppCommand::OpenData(PathBuf::from(state.path.trim())));
        state.path.clear();
    }
}

fn bad_rows(ui: &mut Ui, ctx: &StepContext<'_>, imported: &Imported, sender: &mut CommandSender) {
    let theme = ctx.theme;
    for (file, place) in imported.files().flat_map(|file| (0..file.parts.len()).map(move |place| (file, place))) {
        let part = &file.parts[place];
        if part.format.undecodable() > 0 {
            let title = counted(part.format.undecodable(), "character", "characters");
            let title = format!("{title} in {} could not be decoded", part.name);
            let body = "They show as \u{FFFD}. If texts look wrong, choose another encoding above";
            banner(ui, theme, Tone::Warning, &title, body, |_| {});
        }
        if part.bad_rows == 0 {
            continue;
        }
        let rows = counted(part.bad_rows as u64, "row", "rows");
        let title = format!("{rows} of {} could not be read", part.name);
        banner(ui, theme, Tone::Warning, &title, "Hone skips them and uses the rest", |ui| {
            if button(ui, theme, icons::FLOPPY_DISK, "Save bad rows…")
                .on_hover_text("Save them as CSV, each with its file and the reason")
                .clicked()
            {
                sender.send(AppCommand::Pick(Pick::BadRows));
            }
            CollapsingHeader::new("Show bad rows").id_salt(&part.path).show(ui, |ui| {
                for bad in file.bad_rows_of(place).take(BAD_ROWS_SHOWN) {
                    let row = file.place(bad.record).1;
                    let place = format!("Row {}, line {}", count(row), count(bad.line));
                    ui.label(theme.strong(format!("{place}: {}", bad.reason)));
                    ui.add(Label::new(RichText::new(&bad.raw).monospace()).wrap().selectable(true));
                    ui.add_space(theme.space.s);
                }
                if part.bad_rows > BAD_ROWS_SHOWN {
                    ui.label(theme.small(format!("And {} more", part.bad_rows - BAD_ROWS_SHOWN)));
                }
            });
        });
    }
}

fn preview_card(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    imported: &Arc<Imported>,
    (height, selection): (f32, &mut RowSelection),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    selection.about(Arc::as_ptr(imported) as usize as u64);
    card(ui, theme, |ui| {
        let top = ui.cursor().top();
        heading_ui(ui, theme, "Preview");
        let used = ui.cursor().top() - top + theme.size.row + 2.0 * theme.space.l + theme.space.xl;
        let height = (height - used).max(240.0);
        let preview = TablePreview { dataset: &ctx.project.dataset, height, layouts: ctx.tables };
        let chosen = table_preview_ui(ui, theme, &imported.main.table, preview, selection, sender);
        if let Some((role, column)) = chosen {
            edit(ctx, sender, |dataset| dataset.set_role(&column, role));
        }
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use egui_kittest::kittest::{NodeT, Queryable};

    use super::*;
    use crate::app::testing::{app, hone, picture, press, settle, told};
    use crate::storage::ThemeChoice;

    fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn opening_another_file_guesses_its_separator_and_columns() {
        let (mut window, folder) = app(ThemeChoice::Light, 2.0);
        settle(&mut window);
        let rows =
            "stars;review_body\n1;\"Broke after a day; never again\"\n5;Lovely\n3;It is fine\nlost\n4;Good value\n";
        let path = write(folder.path(), "export.csv", rows.as_bytes());
        window.state_mut().as_mut().unwrap().run_command(AppCommand::OpenData(path));
        settle(&mut window);
        window.get_by_label("export.csv");
        let project = window.state().as_ref().unwrap().project().clone();
        assert_eq!(
            (project.dataset.text_column(), project.dataset.label_column()),
            (Some("review_body"), Some("stars"))
        );
        window.get_by_label("1 row of export.csv could not be read");
        window.get_by_label("Show bad rows").click();
        settle(&mut window);
        picture("data-bad-rows", &mut window);
    }

    #[test]
    fn a_file_that_cannot_be_read_replaces_no_table() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let before = window.state().as_ref().unwrap().project().clone();
        let missing = folder.path().join("nothing.csv");
        window.state_mut().as_mut().unwrap().run_command(AppCommand::OpenData(missing));
        settle(&mut window);
        settle(&mut window);
        assert_eq!(*window.state().as_ref().unwrap().project(), before);
        window.get_by_label("reviews.csv");
        window.get_by_label("The file could not be opened");
        assert!(window.query_all_by_label_contains("Your table is unchanged").next().is_some());
    }

    #[test]
    fn a_missing_file_shows_an_error_and_another_path_can_be_typed() {
        let (mut window, folder) = app(ThemeChoice::Dark, 2.0);
        settle(&mut window);
        std::fs::remove_file(folder.path().join("customer-reviews/reviews.csv")).unwrap();
        window.state_mut().as_mut().unwrap().run_command(AppCommand::ReadAgain);
        settle(&mut window);
        window.get_by_label("The data could not be read");
        window.get_by_label("Data, ready");
        window.check_accessibility();
        picture("data-missing-file", &mut window);
        let path = write(folder.path(), "second.csv", b"text,label\ngood one,yes\nbad one,no\n");
        let field = window.get_by_label("Path of the data file");
        field.focus();
        field.type_text(&path.display().to_string());
        window.key_press(egui::Key::Enter);
        settle(&mut window);
        settle(&mut window);
        window.get_by_label("second.csv");
    }

    #[test]
    fn rows_of_the_preview_are_copied_and_its_columns_chosen() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        window.set_size(egui::vec2(1600.0, 1000.0));
        settle(&mut window);
        window.get_by_role_and_label(egui::Role::Table, "Preview of the rows");
        window.get_by_label("Column review, text");
        window.get_by_label("Choose columns").click();
        settle(&mut window);
        let text = window.get_by_role_and_label(egui::Role::CheckBox, "review");
        assert!(text.accesskit_node().is_disabled(), "the text stays");
        window.get_by_role_and_label(egui::Role::CheckBox, "shop").click();
        settle(&mut window);
        press(&mut window, egui::Modifiers::NONE, egui::Key::Escape);
        assert!(window.query_by_label("Column shop").is_none());
        window.get_by_label_contains("Row 2: ").click();
        settle(&mut window);
        press(&mut window, egui::Modifiers::SHIFT, egui::Key::ArrowDown);
        window.event(egui::Event::Copy);
        settle(&mut window);
        assert_eq!(told(&mut window), "Copied 2 rows");
        let shown = &hone(&mut window).state.settings.tables["preview"].shown;
        assert_eq!(*shown, [("shop".to_owned(), false)].into());
    }

    #[test]
    fn the_separator_can_be_changed() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        window.get_by_role_and_label(egui::Role::ComboBox, "Separator").click();
        settle(&mut window);
        window.get_by_label("Tab").click();
        settle(&mut window);
        let app = window.state().as_ref().unwrap();
        assert_eq!(app.project().dataset.delimiter, Some('\t'));
        window.get_by_label("Data, ready");
    }
}
