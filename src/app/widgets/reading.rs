//! How a data file is read: the detected settings, and menus to change them.

use egui::{Label, Ui};

use crate::app::theme::Theme;
use crate::app::widgets::{combo, fields};
use crate::data::{FileFormat, ImportedFile};
use crate::project::DatasetSettings;

/// Separators to choose from.
const DELIMITERS: [(char, &str); 4] = [(',', "Comma"), (';', "Semicolon"), ('\t', "Tab"), ('|', "Vertical bar")];

/// Lines to choose the header from.
const LINES: u64 = 30;

/// Explanation of the encoding.
const ENCODING: &str = "The character encoding of the file";

/// Encodings to choose from.
const ENCODINGS: [&str; 8] =
    ["UTF-8", "windows-1252", "windows-1250", "windows-1251", "UTF-16LE", "UTF-16BE", "Shift_JIS", "GBK"];

/// Draws the settings with which `file` was read. Returns other settings if one was changed.
/// Another sheet or header may have other columns, so that those chosen are then forgotten.
pub fn reading_ui(
    ui: &mut Ui,
    theme: &Theme,
    file: &ImportedFile,
    settings: &DatasetSettings,
) -> Option<DatasetSettings> {
    let mut menus = Menus { theme, file, settings: settings.clone() };
    menus.ui(ui);
    (menus.settings != *settings).then_some(menus.settings)
}

/// The menus, and the settings as they are chosen.
struct Menus<'a> {
    theme: &'a Theme,
    file: &'a ImportedFile,
    settings: DatasetSettings,
}

impl Menus<'_> {
    fn ui(&mut self, ui: &mut Ui) {
        let file = self.file;
        let note = match &file.format {
            FileFormat::Delimited(_) => return self.delimited(ui),
            FileFormat::Workbook { sheet, sheets, .. } => return self.workbook(ui, sheet, sheets),
            FileFormat::Json { .. } => {
                self.encoding_with_label(ui);
                "Each object is a row. Nested objects become columns such as user.name".to_owned()
            }
            FileFormat::FastText { .. } | FileFormat::Arff { .. } => {
                self.encoding_with_label(ui);
                "Each line is a row".to_owned()
            }
            FileFormat::Parquet | FileFormat::Arrow => "The file defines the columns and their types".to_owned(),
            FileFormat::DocumentFolder { .. } => "Each document is a row".to_owned(),
            FileFormat::TextFolder { .. } => "Each text file is a row. Its label is the name of its folder".to_owned(),
            FileFormat::DatasetFolder { files: 1 } => "One file of the folder was read".to_owned(),
            FileFormat::DatasetFolder { files } => format!("{files} files of the folder were read and appended"),
            FileFormat::AzureProject => "Texts and classes come from the project file".to_owned(),
        };
        ui.add(Label::new(self.theme.small(note)).wrap());
    }

    fn delimited(&mut self, ui: &mut Ui) {
        let quotes = "Whether fields can be in double quotes, so that they can contain separators";
        let names = [
            ("Separator", "The character between fields"),
            ("Quotes", quotes),
            ("Encoding", ENCODING),
            ("Header", "The line that names the columns. Lines before it are skipped"),
        ];
        fields(ui, self.theme, &names, |ui, place, width| match place {
            0 => self.delimiter(ui, width),
            1 => self.quoting(ui, width),
            2 => self.encoding(ui, width),
            _ => self.header(ui, "Line", width),
        });
    }

    fn workbook(&mut self, ui: &mut Ui, sheet: &str, sheets: &[String]) {
        let names =
            [("Sheet", "The sheet to read"), ("Header", "The row that names the columns. Rows before it are skipped")];
        fields(ui, self.theme, &names, |ui, place, width| match place {
            0 => self.sheet(ui, sheet, sheets, width),
            _ => self.header(ui, "Row", width),
        });
    }

    fn sheet(&mut self, ui: &mut Ui, now: &str, sheets: &[String], width: f32) {
        combo(ui, "Sheet", now, width, |ui| {
            for sheet in sheets {
                if ui.selectable_label(sheet == now, sheet).clicked() && sheet != now {
                    self.settings.sheet = Some(sheet.clone());
                    self.settings.forget_columns();
                }
            }
        });
    }

    fn delimiter(&mut self, ui: &mut Ui, width: f32) {
        let options = DELIMITERS.map(|(value, text)| (value, text.to_owned()));
        let used = self.file.format.delimited().map_or(',', |format| format.delimiter);
        let detected = DELIMITERS.iter().find(|(value, _)| *value == used);
        let detected = detected.map_or_else(|| used.to_string(), |(_, text)| (*text).to_owned());
        choice(ui, width, "Separator", &mut self.settings.delimiter, &detected, &options);
    }

    fn quoting(&mut self, ui: &mut Ui, width: f32) {
        let options = [(true, "Double quotes".to_owned()), (false, "None".to_owned())];
        let quotes = self.file.format.delimited().is_some_and(|format| format.quoting);
        let detected = if quotes { "Double quotes" } else { "None" };
        choice(ui, width, "Quotes", &mut self.settings.quoting, detected, &options);
    }

    fn encoding_with_label(&mut self, ui: &mut Ui) {
        fields(ui, self.theme, &[("Encoding", ENCODING)], |ui, _, width| self.encoding(ui, width));
    }

    fn encoding(&mut self, ui: &mut Ui, width: f32) {
        let options = ENCODINGS.map(|name| (name.to_owned(), name.to_owned()));
        let detected = self.file.format.encoding().unwrap_or_default();
        choice(ui, width, "Encoding", &mut self.settings.encoding, detected, &options);
    }

    /// A menu of the lines or rows that may be the header.
    fn header(&mut self, ui: &mut Ui, word: &str, width: f32) {
        let line = |line: u64| format!("{word} {line}");
        let mut options = vec![(Header::None, "None".to_owned())];
        options.extend((1..=LINES).map(|number| (Header::Line(number), line(number))));
        let mut chosen = match (self.settings.header_row, self.settings.header) {
            (Some(line), _) => Some(Header::Line(line)),
            (None, Some(false)) => Some(Header::None),
            (None, Some(true)) => Some(Header::Line(1)),
            (None, None) => None,
        };
        let detected = self.file.format.header_row().map_or_else(|| "None".to_owned(), line);
        if choice(ui, width, "Header", &mut chosen, &detected, &options) {
            self.settings.header = (chosen == Some(Header::None)).then_some(false);
            self.settings.header_row = match chosen {
                Some(Header::Line(line)) => Some(line),
                _ => None,
            };
            self.settings.forget_columns();
        }
    }
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

/// What the header can be chosen to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    None,
    Line(u64),
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
