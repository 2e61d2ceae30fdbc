//! How a data file is read: the detected settings, and menus to change them.

use egui::{Grid, Label, Ui};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::steps::data::choices::edit;
use crate::app::widgets::{combo, field_label};
use crate::data::{FileFormat, ImportedFile};

/// Separators to choose from.
const DELIMITERS: [(char, &str); 4] = [(',', "Comma"), (';', "Semicolon"), ('\t', "Tab"), ('|', "Vertical bar")];

/// Lines to choose the header from.
const LINES: u64 = 30;

/// Explanation of the encoding.
const ENCODING: &str = "The character encoding of the file";

/// Encodings to choose from.
const ENCODINGS: [&str; 8] =
    ["UTF-8", "windows-1252", "windows-1250", "windows-1251", "UTF-16LE", "UTF-16BE", "Shift_JIS", "GBK"];

/// Draws the reading settings of `file`, each menu `width` points wide.
pub fn reading_ui(ui: &mut Ui, ctx: &StepContext<'_>, file: &ImportedFile, width: f32, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let note = match &file.format {
        FileFormat::Delimited(_) => {
            Grid::new("how to read").num_columns(4).spacing([theme.space.xl, theme.space.xs]).show(ui, |ui| {
                field_label(ui, theme, "Separator", "The character between fields");
                let quotes = "Whether fields can be in double quotes, so that they can contain separators";
                field_label(ui, theme, "Quotes", quotes);
                field_label(ui, theme, "Encoding", ENCODING);
                field_label(ui, theme, "Header", "The line that names the columns. Lines before it are skipped");
                ui.end_row();
                delimiter(ui, ctx, file, width, sender);
                quoting(ui, ctx, file, width, sender);
                encoding(ui, ctx, file, width, sender);
                header(ui, ctx, (file, "Line"), width, sender);
                ui.end_row();
            });
            return;
        }
        FileFormat::Json { .. } => {
            field_label(ui, theme, "Encoding", ENCODING);
            encoding(ui, ctx, file, width, sender);
            "Each object is a row. Nested objects become columns such as user.name".to_owned()
        }
        FileFormat::FastText { .. } | FileFormat::Arff { .. } => {
            field_label(ui, theme, "Encoding", ENCODING);
            encoding(ui, ctx, file, width, sender);
            "Each line is a row".to_owned()
        }
        FileFormat::Workbook { sheet: now, sheets, .. } => {
            Grid::new("how to read").num_columns(2).spacing([theme.space.xl, theme.space.xs]).show(ui, |ui| {
                field_label(ui, theme, "Sheet", "The sheet to read");
                field_label(ui, theme, "Header", "The row that names the columns. Rows before it are skipped");
                ui.end_row();
                sheet(ui, ctx, now, sheets, width, sender);
                header(ui, ctx, (file, "Row"), width, sender);
                ui.end_row();
            });
            return;
        }
        FileFormat::Parquet | FileFormat::Arrow => "The file defines the columns and their types".to_owned(),
        FileFormat::DocumentFolder { .. } => "Each document is a row".to_owned(),
        FileFormat::TextFolder { .. } => "Each text file is a row. Its label is the name of its folder".to_owned(),
        FileFormat::DatasetFolder { files: 1 } => "One file of the folder was read".to_owned(),
        FileFormat::DatasetFolder { files } => format!("{files} files of the folder were read and appended"),
        FileFormat::AzureProject => "Texts and classes come from the project file".to_owned(),
    };
    ui.add(Label::new(theme.small(note)).wrap());
}

fn sheet(ui: &mut Ui, ctx: &StepContext<'_>, now: &str, sheets: &[String], width: f32, sender: &mut CommandSender) {
    combo(ui, "Sheet", now, width, |ui| {
        for sheet in sheets {
            if ui.selectable_label(sheet == now, sheet).clicked() && sheet != now {
                edit(ctx, sender, |dataset| {
                    dataset.sheet = Some(sheet.clone());
                    // Another sheet may have other columns.
                    dataset.forget_columns();
                });
            }
        }
    });
}

/// A menu of "Detect" (`None`) and fixed values. Returns whether the choice changed.
fn choice<T: Clone + PartialEq>(
    ui: &mut Ui,
    width: f32,
    name: &str,
    now: &mut Option<T>,
    detected: &str,
    options: &[(T, String)],
) -> bool {
    let shown = match now {
        None => format!("{detected} (detected)"),
        Some(value) => options.iter().find(|(option, _)| option == value).map_or(detected, |(_, text)| text).to_owned(),
    };
    let before = now.clone();
    combo(ui, name, &shown, width, |ui| {
        ui.selectable_value(now, None, "Detect");
        for (value, text) in options {
            ui.selectable_value(now, Some(value.clone()), text);
        }
    });
    *now != before
}

fn delimiter(ui: &mut Ui, ctx: &StepContext<'_>, file: &ImportedFile, width: f32, sender: &mut CommandSender) {
    let options = DELIMITERS.map(|(value, text)| (value, text.to_owned()));
    let used = file.format.delimited().map_or(',', |format| format.delimiter);
    let detected = DELIMITERS.iter().find(|(value, _)| *value == used);
    let detected = detected.map_or_else(|| used.to_string(), |(_, text)| (*text).to_owned());
    let mut chosen = ctx.project.dataset.delimiter;
    if choice(ui, width, "Separator", &mut chosen, &detected, &options) {
        edit(ctx, sender, |dataset| dataset.delimiter = chosen);
    }
}

fn quoting(ui: &mut Ui, ctx: &StepContext<'_>, file: &ImportedFile, width: f32, sender: &mut CommandSender) {
    let options = [(true, "Double quotes".to_owned()), (false, "None".to_owned())];
    let detected = if file.format.delimited().is_some_and(|format| format.quoting) { "Double quotes" } else { "None" };
    let mut chosen = ctx.project.dataset.quoting;
    if choice(ui, width, "Quotes", &mut chosen, detected, &options) {
        edit(ctx, sender, |dataset| dataset.quoting = chosen);
    }
}

fn encoding(ui: &mut Ui, ctx: &StepContext<'_>, file: &ImportedFile, width: f32, sender: &mut CommandSender) {
    let options = ENCODINGS.map(|name| (name.to_owned(), name.to_owned()));
    let mut chosen = ctx.project.dataset.encoding.clone();
    if choice(ui, width, "Encoding", &mut chosen, file.format.encoding().unwrap_or_default(), &options) {
        edit(ctx, sender, |dataset| dataset.encoding = chosen);
    }
}

/// What the header can be chosen to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    None,
    Line(u64),
}

/// A menu of the lines or rows that may be the header.
fn header(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (file, word): (&ImportedFile, &str),
    width: f32,
    sender: &mut CommandSender,
) {
    let line = |line: u64| format!("{word} {line}");
    let mut options = vec![(Header::None, "None".to_owned())];
    options.extend((1..=LINES).map(|number| (Header::Line(number), line(number))));
    let found = file.format.header_row();
    let dataset = &ctx.project.dataset;
    let mut chosen = match (dataset.header_row, dataset.header) {
        (Some(line), _) => Some(Header::Line(line)),
        (None, Some(false)) => Some(Header::None),
        (None, Some(true)) => Some(Header::Line(1)),
        (None, None) => None,
    };
    let detected = found.map_or_else(|| "None".to_owned(), line);
    if choice(ui, width, "Header", &mut chosen, &detected, &options) {
        edit(ctx, sender, |dataset| {
            dataset.header = (chosen == Some(Header::None)).then_some(false);
            dataset.header_row = match chosen {
                Some(Header::Line(line)) => Some(line),
                _ => None,
            };
            // Another line gives other columns.
            dataset.forget_columns();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use egui_kittest::kittest::Queryable;

    use crate::app::messages::AppCommand;
    use crate::app::testing::{app, picture, settle};
    use crate::storage::ThemeChoice;

    #[test]
    fn the_sheet_of_a_workbook_can_be_chosen() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let workbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables/reviews.xlsx");
        window.state_mut().as_mut().unwrap().run_command(AppCommand::OpenData(workbook));
        settle(&mut window);
        window.get_by_label_contains("4 rows  ·  6 columns");
        picture("data-workbook", &mut window);
        window.get_by_role_and_label(egui::Role::ComboBox, "Sheet").click();
        settle(&mut window);
        window.get_by_label("Other").click();
        settle(&mut window);
        settle(&mut window);
        let project = window.state().as_ref().unwrap().project().clone();
        assert_eq!(project.dataset.sheet.as_deref(), Some("Other"));
        assert_eq!((project.dataset.text_column(), project.dataset.label_column()), (Some("text"), Some("label")));
        window.get_by_label_contains("1 row  ·  2 columns");
        window.get_by_role_and_label(egui::Role::ComboBox, "Header").click();
        settle(&mut window);
        window.get_by_label("None").click();
        settle(&mut window);
        settle(&mut window);
        window.get_by_label_contains("2 rows  ·  2 columns");
        window.check_accessibility();
    }

    #[test]
    fn the_line_of_the_header_is_found_and_can_be_chosen() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let report = folder.path().join("report.csv");
        let rows: Vec<String> =
            (0..20).map(|row| format!("{row},it is number {row},{}", ["good", "bad"][row % 2])).collect();
        let rows = rows.join("\n");
        std::fs::write(&report, format!("Report of May\nid,what,mood\n{rows}")).unwrap();
        window.state_mut().as_mut().unwrap().run_command(AppCommand::OpenData(report));
        settle(&mut window);
        window.get_by_label_contains("20 rows  ·  3 columns");
        window.get_by_label("The header is line 2. Skipped 1 line ('Report of May') before it");
        window.get_by_role_and_label(egui::Role::ComboBox, "Header").click();
        settle(&mut window);
        window.get_by_label("Line 3").click();
        settle(&mut window);
        settle(&mut window);
        assert_eq!(window.state().as_ref().unwrap().project().dataset.header_row, Some(3));
        window.get_by_label_contains("19 rows  ·  3 columns");
        window.check_accessibility();
    }

    #[test]
    fn text_folders_and_json_lines_explain_how_they_are_read() {
        let (mut window, folder) = app(ThemeChoice::Dark, 2.0);
        settle(&mut window);
        for (label, text) in [("good", "Works well"), ("bad", "Broke after a day")] {
            let place = folder.path().join("texts").join(label);
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("1.txt"), text).unwrap();
        }
        let texts = folder.path().join("texts");
        window.state_mut().as_mut().unwrap().run_command(AppCommand::OpenData(texts));
        settle(&mut window);
        window.get_by_label("Each text file is a row. Its label is the name of its folder");
        picture("data-folder", &mut window);
        let lines = folder.path().join("rows.jsonl");
        std::fs::write(
            &lines,
            "{\"text\": \"Works well\", \"label\": \"good\"}\n{\"text\": \"Broke\", \"label\": \"bad\"}\n",
        )
        .unwrap();
        window.state_mut().as_mut().unwrap().run_command(AppCommand::OpenData(lines));
        settle(&mut window);
        window.get_by_role_and_label(egui::Role::ComboBox, "Encoding");
        window.get_by_label_contains("JSON lines");
    }
}
