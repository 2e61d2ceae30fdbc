//! The data files: listed, added and removed.

use egui::{Label, RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit, Pick};
use crate::app::spoken::set_heading;
use crate::app::steps::data::choices::edit;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{banner, button, card, fields, heading_ui, icon_button, is_narrow, reading_ui};
use crate::data::{FilePart, Imported, ImportedFile};
use crate::project::{DatasetSettings, RowId, SourceFile};
use crate::words::{bytes, count, counted};

/// Width of the buttons next to the file name.
const BUTTONS: f32 = 248.0;

/// Draws the data files, how they are read, and the separate validation and test files.
pub fn file_card(ui: &mut Ui, ctx: &StepContext<'_>, imported: &Imported, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let file = &imported.main;
    card(ui, theme, |ui| {
        let narrow = is_narrow(ui);
        ui.horizontal(|ui| {
            let icon = match file.format.delimited() {
                _ if file.is_several() => icons::FILES,
                Some(_) => icons::FILE_CSV,
                None => icons::TABLE,
            };
            ui.label(RichText::new(icon).size(theme.text.title).color(theme.palette.text_muted));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let buttons = if narrow { 0.0 } else { BUTTONS };
                ui.set_max_width((ui.available_width() - buttons).max(120.0));
                let (name, hover) = if file.is_several() {
                    let paths: Vec<String> = file.parts.iter().map(|part| part.path.display().to_string()).collect();
                    (format!("{} files, one table", file.parts.len()), paths.join("\n"))
                } else {
                    (file.name(), file.path.display().to_string())
                };
                set_heading(&ui.add(Label::new(theme.heading(name)).truncate()).on_hover_text(hover));
                ui.add(Label::new(theme.small(describe(file))).wrap());
            });
            if !narrow {
                let right = egui::Layout::right_to_left(egui::Align::Center);
                ui.with_layout(right, |ui| file_buttons(ui, ctx, sender));
            }
        });
        if narrow {
            ui.horizontal_wrapped(|ui| {
                file_buttons(ui, ctx, sender);
                if !file.is_several() {
                    add_button(ui, ctx, sender);
                }
            });
        }
        ui.add_space(theme.space.xs);
        if file.is_several() {
            for (place, part) in file.parts.iter().enumerate() {
                part_row(ui, ctx, (place, part), sender);
            }
        }
        if file.is_several() || !narrow {
            add_button(ui, ctx, sender);
        }
        ui.add_space(theme.space.m);
        if let Some(settings) = reading_ui(ui, theme, file, &ctx.project.dataset) {
            sender.edit(Edit::Dataset(settings));
        }
        let names = [
            ("Validation file", "Use a separate file as the validation set"),
            ("Test file", "Use a separate file as the test set"),
        ];
        fields(ui, theme, &names, |ui, place, _| match place {
            0 => other_file(ui, ctx, imported.validation.as_ref(), Pick::ValidationFile, sender),
            _ => other_file(ui, ctx, imported.test.as_ref(), Pick::TestFile, sender),
        });
    });
    for part in file.parts.iter().filter(|part| !part.remarks.is_empty()) {
        let title = format!("How {} was read", part.name);
        banner(ui, theme, Tone::Neutral, &title, &part.remarks.join(". "), |_| {});
    }
    for stranger in file.strangers() {
        let title = format!("{} has no columns in common with {}", stranger.name, file.parts[0].name);
        let body =
            format!("Its columns are {}. Remove the file, or rename its columns to match", stranger.names.join(", "));
        banner(ui, theme, Tone::Danger, &title, &body, |_| {});
    }
}

fn file_buttons(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    if button(ui, ctx.theme, icons::FOLDER_OPEN, "Replace…").clicked() {
        sender.send(AppCommand::Pick(Pick::MainFile));
    }
    if button(ui, ctx.theme, icons::ARROWS_CLOCKWISE, "Reload").clicked() {
        sender.send(AppCommand::ReadAgain);
    }
}

fn add_button(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let hint = "Append the rows of another file. Columns are matched by name";
    if button(ui, ctx.theme, icons::FILE_PLUS, "Add another file…").on_hover_text(hint).clicked() {
        sender.send(AppCommand::Pick(Pick::MoreFiles));
    }
}

/// One of several files, with its rows, columns and format.
fn part_row(ui: &mut Ui, ctx: &StepContext<'_>, (place, part): (usize, &FilePart), sender: &mut CommandSender) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        if icon_button(ui, theme, icons::X, &format!("Remove {}", part.name)).clicked() {
            edit(ctx, sender, |dataset| remove(dataset, place));
        }
        let rows = counted(part.rows as u64, "row", "rows");
        let columns = counted(part.names.len() as u64, "column", "columns");
        let facts = format!("{rows}  ·  {columns}  ·  {}", part.format.name());
        let name = (ui.available_width() * 0.5).min(320.0);
        ui.allocate_ui_with_layout(
            egui::vec2(name, theme.size.row),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_min_width(name);
                let hover = part.path.display().to_string();
                ui.add(Label::new(&part.name).truncate()).on_hover_text(hover);
            },
        );
        ui.add(Label::new(theme.small(facts)).truncate()).on_hover_text(part.names.join(", "));
        let dataset = &ctx.project.dataset;
        let lacks: Vec<&str> = dataset.used_columns().map(|(_, name)| name).filter(|name| !part.has(name)).collect();
        if !lacks.is_empty() {
            let text = format!("{}  missing {}", icons::WARNING, lacks.join(", "));
            let label = Label::new(RichText::new(text).size(theme.text.small).color(theme.palette.warning)).truncate();
            ui.add(label).on_hover_text("These fields are empty in every row of this file");
        }
    });
}

/// The data files of a project that could not be read, so that the faulty one can be removed.
pub fn named_files_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let dataset = &ctx.project.dataset;
    if dataset.more.is_empty() {
        return;
    }
    card(ui, theme, |ui| {
        heading_ui(ui, theme, "Data files");
        for (place, path) in dataset.main_files().enumerate() {
            ui.horizontal(|ui| {
                if icon_button(ui, theme, icons::X, &format!("Remove {}", path.display())).clicked() {
                    edit(ctx, sender, |dataset| remove(dataset, place));
                }
                ui.add(Label::new(path.display().to_string()).truncate());
            });
        }
        if button(ui, theme, icons::ARROWS_CLOCKWISE, "Reload").clicked() {
            sender.send(AppCommand::ReadAgain);
        }
    });
}

/// Removes one of the main files; if it was the first, the next one takes its place.
fn remove(dataset: &mut DatasetSettings, place: usize) {
    if place > 0 {
        dataset.more.remove(place - 1);
    } else if !dataset.more.is_empty() {
        dataset.main = Some(dataset.more.remove(0));
    }
}

/// Name of a row on screen: "Row 12", with its file if that is not the only main file.
#[must_use]
pub fn row_name(ctx: &StepContext<'_>, id: RowId) -> String {
    let record = count(id.record);
    let main = ctx.imported.map(|imported| &imported.main).filter(|main| main.is_several());
    match (id.file, main) {
        (SourceFile::Main, Some(main)) => format!("R{}", &main.row_name(id.record)[1..]),
        (SourceFile::Main, None) => format!("Row {record}"),
        (SourceFile::Validation, _) => format!("Row {record} of the validation file"),
        (SourceFile::Test, _) => format!("Row {record} of the test file"),
    }
}

fn describe(file: &ImportedFile) -> String {
    let rows = counted(file.table.len() as u64, "row", "rows");
    let columns = counted(file.table.names.len() as u64, "column", "columns");
    let mut kinds: Vec<&str> = file.parts.iter().map(|part| part.format.name()).collect();
    kinds.dedup();
    format!("{rows}  ·  {columns}  ·  {}  ·  {}", bytes(file.bytes), kinds.join(", "))
}

fn other_file(ui: &mut Ui, ctx: &StepContext<'_>, file: Option<&ImportedFile>, pick: Pick, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let (name, validation) = if pick == Pick::ValidationFile { ("validation", true) } else { ("test", false) };
    ui.horizontal(|ui| {
        if let Some(file) = file {
            ui.add(Label::new(file.name()).truncate()).on_hover_text(describe(file));
            if icon_button(ui, theme, icons::X, &format!("Remove the {name} file")).clicked() {
                edit(ctx, sender, |dataset| {
                    *(if validation { &mut dataset.validation } else { &mut dataset.test }) = None;
                });
            }
        } else {
            ui.label(theme.muted("Split from the main file"));
            if icon_button(ui, theme, icons::FOLDER_OPEN, &format!("Open a {name} file…")).clicked() {
                sender.send(AppCommand::Pick(pick));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::commands::UserCommand;
    use crate::app::testing::{Window, app, drop_file, hone, picture, settle};
    use crate::storage::ThemeChoice;

    #[test]
    fn files_can_be_added_and_removed_and_undo_restores_them() {
        let (mut window, folder) = app(ThemeChoice::Light, 2.0);
        settle(&mut window);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let march = write("march.csv", "review,sentiment,order_id\nnice and warm,positive,HN-9\nbroke,negative\n");
        let april = write("april.jsonl", "{\"review\": \"so so\", \"sentiment\": \"neutral\", \"country\": \"NL\"}\n");
        let before = hone(&mut window).state.work.answers.imported.value.clone().unwrap().main.table.len();
        hone(&mut window).run_command(AppCommand::AddFiles(vec![march, april]));
        settle(&mut window);
        window.get_by_label("3 files, one table");
        window.get_by_label("1 row of march.csv could not be read");
        let imported = hone(&mut window).state.work.answers.imported.value.clone().unwrap();
        assert_eq!(imported.main.table.len(), before + 2);
        assert!(imported.main.table.names.iter().any(|name| name == "file"));
        assert!(hone(&mut window).prepared().unwrap().blockers.is_empty());
        window.check_accessibility();
        picture("data-several-files", &mut window);

        window.get_by_label("Remove april.jsonl").click();
        settle(&mut window);
        window.get_by_label("2 files, one table");
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        window.get_by_label("3 files, one table");
        window.get_by_label("Remove reviews.csv").click();
        settle(&mut window);
        let dataset = hone(&mut window).project().dataset.clone();
        assert!(dataset.main.unwrap().ends_with("march.csv") && dataset.more.len() == 1);
    }

    #[test]
    fn corrections_follow_their_rows_when_a_file_is_removed_or_grows() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let path = folder.path().join("march.csv");
        let march = "review,sentiment\nnice and warm,positive\nbroke on day two,negative\n";
        std::fs::write(&path, march).unwrap();
        hone(&mut window).run_command(AppCommand::AddFiles(vec![path.clone()]));
        settle(&mut window);
        let (last, content_hash) = {
            let imported = hone(&mut window).state.work.answers.imported.value.clone().unwrap();
            let table = &imported.main.table;
            let columns = crate::data::RowColumns::of(table, &hone(&mut window).project().dataset).unwrap();
            (*table.records.last().unwrap(), columns.hash(table.len() - 1))
        };
        let id = |record| RowId { file: SourceFile::Main, record };
        let row = crate::project::RowEdit { content_hash, ..crate::project::RowEdit::relabelled("neutral") };
        let edit = crate::app::Edit::Rows(vec![(id(last), Some(row))]);
        hone(&mut window).run_command(AppCommand::Edit(edit));
        settle(&mut window);
        let corrected = |window: &mut Window| {
            let prepared = hone(window).prepared().unwrap();
            let relabelled = prepared.examples.iter().filter(|example| example.relabelled).map(|example| example.id);
            assert_eq!(prepared.stale_edits, []);
            let edits: Vec<RowId> = hone(window).project().edits.rows.keys().copied().collect();
            assert_eq!(relabelled.collect::<Vec<_>>(), edits, "every stored correction was applied");
            edits
        };
        std::fs::write(&path, march.replace("nice", "came late,negative\nnice")).unwrap();
        hone(&mut window).run_command(AppCommand::ReadAgain);
        settle(&mut window);
        assert_eq!(corrected(&mut window), [id(last + 1)]);
        window.get_by_label("Remove reviews.csv").click();
        settle(&mut window);
        assert_eq!(corrected(&mut window), [id(3)]);
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        assert_eq!(corrected(&mut window), [id(last + 1)]);
    }

    #[test]
    fn a_missing_file_or_one_without_common_columns_can_be_removed() {
        let (mut window, folder) = app(ThemeChoice::Dark, 2.0);
        settle(&mut window);
        let other = folder.path().join("weather.csv");
        std::fs::write(&other, "city,rain\nDelft,3\nGouda,1\n").unwrap();
        hone(&mut window).run_command(AppCommand::AddFiles(vec![other.clone()]));
        settle(&mut window);
        window.get_by_label("weather.csv has no columns in common with reviews.csv");
        window.get_by_label_contains("missing review, sentiment");
        assert!(hone(&mut window).prepared().unwrap().blockers[0].contains("weather.csv"));
        picture("data-stranger", &mut window);
        std::fs::remove_file(&other).unwrap();
        hone(&mut window).run_command(AppCommand::ReadAgain);
        settle(&mut window);
        window.get_by_label("The data could not be read");
        picture("data-file-gone", &mut window);
        window.get_by_label(&format!("Remove {}", other.display())).click();
        settle(&mut window);
        window.get_by_label("reviews.csv");
        assert!(hone(&mut window).prepared().unwrap().blockers.is_empty());
    }

    #[test]
    fn files_dropped_together_become_one_table() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        for (name, label) in [("a.csv", "yes"), ("b.csv", "no")] {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("text,label\nsome words here,{label}\n")).unwrap();
            drop_file(&mut window, path);
        }
        settle(&mut window);
        window.get_by_label("2 files, one table");
        let imported = hone(&mut window).state.work.answers.imported.value.clone().unwrap();
        assert_eq!((imported.main.table.len(), imported.guessed_label.as_deref()), (2, Some("label")));

        // A file that is already open is not added twice.
        let path = folder.path().join("b.csv");
        hone(&mut window).run_command(AppCommand::AddFiles(vec![path]));
        settle(&mut window);
        window.get_by_label("2 files, one table");
    }
}
