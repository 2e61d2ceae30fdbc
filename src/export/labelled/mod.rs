//! Tables with predictions: the columns of a file, and what a model says of each row, as CSV, XLSX or Parquet.

mod csv_file;
mod number;
mod parquet_file;
mod table;
mod xlsx_file;

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use crate::progress::Watch;

pub use table::{LabelledTable, Written};

/// A file format for tables with predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values in UTF-8.
    #[default]
    Csv,
    /// An Excel workbook with one sheet.
    Xlsx,
    /// Apache Parquet.
    Parquet,
}

/// File extensions of formats that tables with predictions are not written in.
const OTHER_TABLES: [&str; 12] =
    ["tsv", "tab", "xlsm", "xlsb", "xls", "ods", "arrow", "feather", "json", "jsonl", "ndjson", "arff"];

impl TableFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Xlsx, Self::Parquet];

    /// Its name in menus.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "Excel (XLSX)",
            Self::Parquet => "Parquet",
        }
    }

    /// Its file extension.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }

    /// The format that a file's name asks for; CSV if it names none.
    ///
    /// # Errors
    /// The extension, if it is that of a table format Hone does not write.
    pub fn of(path: &Path) -> Result<Self, String> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let extension = extension.unwrap_or_default();
        if OTHER_TABLES.contains(&extension.as_str()) {
            return Err(extension);
        }
        Ok(Self::ALL.into_iter().find(|format| format.extension() == extension).unwrap_or_default())
    }
}

/// Writes a table with predictions. `raw` writes a CSV for programs: without a byte order mark, and with cells that a
/// spreadsheet would run as formulas as they are.
///
/// # Errors
/// Errors of the file system, if the table is too large for the format, and when the watch is cancelled.
pub fn write_labelled(
    labelled: &LabelledTable<'_>,
    (format, raw): (TableFormat, bool),
    file: &mut BufWriter<&File>,
    watch: &mut Watch<'_>,
) -> io::Result<Written> {
    match format {
        TableFormat::Csv => csv_file::write(labelled, raw, file, watch),
        TableFormat::Xlsx => xlsx_file::write(labelled, file, watch),
        TableFormat::Parquet => parquet_file::write(labelled, file, watch),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::table::Added;
    use super::*;
    use crate::data::{ImportedFile, Table, read_table};
    use crate::evaluation::ClassAnswer;
    use crate::progress::Control;
    use crate::project::{DatasetSettings, SourceFile};

    fn reviews() -> Table {
        let text: &[&str] = &["=1+1", "schön & <gut>\n\u{1}_x0041_", "", "日本語 😀"];
        Table::of_cells(&[("text", text), ("id", &["007", "8", "9", "10"]), ("price", &["1.50", "2", "", "-3"])])
    }

    fn answers() -> Vec<Option<ClassAnswer>> {
        let answer = |predicted, good: f32| ClassAnswer { predicted, probabilities: vec![1.0 - good, good] };
        vec![Some(answer(1, 0.9)), Some(answer(0, 0.4)), None, Some(answer(1, 0.55))]
    }

    fn labels() -> Vec<String> {
        ["bad", "good"].map(str::to_owned).to_vec()
    }

    fn write(table: &Table, format: TableFormat, threshold: Option<f32>, raw: bool) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("labelled.{}", format.extension()));
        let (labels, answers) = (labels(), answers());
        let answers = answers.into_iter().cycle().take(table.len()).collect::<Vec<_>>();
        let labelled = LabelledTable { table, labels: &labels, answers: &answers, threshold };
        let control = Control::default();
        let mut watch = Watch { control: &control, report: &mut |_| {} };
        crate::storage::write_atomic(&path, |file| {
            write_labelled(&labelled, (format, raw), file, &mut watch).map(drop)
        })
        .unwrap();
        (folder, path)
    }

    fn read(path: &Path) -> ImportedFile {
        let control = Control::default();
        let mut watch = Watch { control: &control, report: &mut |_| {} };
        read_table(path, SourceFile::Main, &DatasetSettings::default(), &mut watch).unwrap()
    }

    #[test]
    fn the_name_chooses_the_format_and_other_tables_are_refused() {
        let of = |name: &str| TableFormat::of(Path::new(name));
        assert_eq!(["a.csv", "a.XLSX", "a.parquet", "a.out", "a"].map(|name| of(name).unwrap()), {
            use TableFormat::{Csv, Parquet, Xlsx};
            [Csv, Xlsx, Parquet, Csv, Csv]
        });
        assert_eq!((of("a.ods"), of("b.tsv")), (Err("ods".to_owned()), Err("tsv".to_owned())));
    }

    #[test]
    fn every_format_is_read_back_with_the_same_cells() {
        let table = reviews();
        for format in TableFormat::ALL {
            let (_folder, path) = write(&table, format, Some(0.7), true);
            let read = read(&path);
            let back = &read.table;
            let names = ["text", "id", "price", "predicted", "best_guess", "probability_bad", "probability_good"];
            assert_eq!(back.names, names, "{format:?}");
            let column = |column: usize| (0..back.len()).map(|row| back.cell(column, row)).collect::<Vec<_>>();
            assert_eq!(column(1), ["007", "8", "9", "10"], "{format:?}");
            assert_eq!(column(0)[0], "=1+1", "{format:?}");
            assert_eq!(column(0)[3], "日本語 😀", "{format:?}");
            assert_eq!(column(3), ["good", "undecided", "", "undecided"], "{format:?}");
            assert_eq!(column(4), ["good", "bad", "", "good"], "{format:?}");
            let price = |row: usize| column(2)[row].parse::<f32>().ok();
            assert_eq!([price(0), price(1), price(2), price(3)], [Some(1.5), Some(2.0), None, Some(-3.0)]);
            let good: Vec<_> = column(6).iter().map(|cell| cell.parse::<f32>().ok()).collect();
            let close = |value: Option<f32>, wanted: f32| value.is_some_and(|value| (value - wanted).abs() < 1e-6);
            assert!(
                close(good[0], 0.9) && close(good[1], 0.4) && good[2].is_none() && close(good[3], 0.55),
                "{good:?}"
            );
        }
    }

    #[test]
    fn a_csv_opens_in_excel_with_its_letters_and_without_formulas_unless_it_is_raw() {
        let (_folder, path) = write(&reviews(), TableFormat::Csv, None, false);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("\u{feff}text,id,price,predicted,probability_bad,"), "{text}");
        assert!(text.contains("'=1+1,007,1.50,good,0.100000,0.900000\n"), "{text}");
        let (_folder, path) = write(&reviews(), TableFormat::Csv, None, true);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("text,id") && text.contains("\n=1+1,007"), "{text}");
    }

    #[test]
    fn a_workbook_has_texts_as_texts_and_cuts_only_what_a_cell_cannot_hold() {
        let long = "é".repeat(40_000);
        let table = Table::of_cells(&[("text", &["=1+1", &long, "_x0041_\u{1}", "\"<&>"])]);
        let (_folder, path) = write(&table, TableFormat::Xlsx, None, false);
        let back = read(&path).table;
        assert_eq!(back.cell(0, 0), "=1+1");
        assert_eq!(back.cell(0, 1).chars().count(), 32_767);
        assert_eq!(back.cell(0, 3), "\"<&>");
    }

    #[test]
    fn a_stopped_export_leaves_no_file() {
        let (table, labels, answers) = (reviews(), labels(), answers());
        let labelled = LabelledTable { table: &table, labels: &labels, answers: &answers, threshold: None };
        let control = Control::default();
        control.cancel();
        let mut watch = Watch { control: &control, report: &mut |_| {} };
        let folder = tempfile::tempdir().unwrap();
        for format in TableFormat::ALL {
            let path = folder.path().join("out");
            let written = crate::storage::write_atomic(&path, |file| {
                write_labelled(&labelled, (format, false), file, &mut watch).map(drop)
            });
            assert!(written.is_err(), "{format:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_label_called_undecided_is_not_confused_with_undecided_rows() {
        let (table, answers) = (reviews(), answers());
        let labels = ["undecided", "good"].map(str::to_owned);
        let labelled = LabelledTable { table: &table, labels: &labels, answers: &answers, threshold: Some(0.95) };
        assert_eq!(labelled.undecided(), "undecided_2");
        assert_eq!(labelled.added(1, "undecided_2")[..2], [Added::Text("undecided_2"), Added::Text("undecided")]);
    }
}
