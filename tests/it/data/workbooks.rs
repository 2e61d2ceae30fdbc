//! Which sheet of a workbook is read, and what is said about its sheets and cells.

use hone::data::FileFormat;

use super::hostile::zipped;
use super::*;

/// A sheet: its name, its state and its rows.
type SheetOf<'a> = (&'a str, &'a str, &'a [String]);

/// An XLSX workbook with texts in its cells, which are separated by `|`.
fn workbook(sheets: &[SheetOf<'_>]) -> Vec<u8> {
    let (mut list, mut targets, mut parts) = (String::new(), String::new(), Vec::new());
    for (number, (name, state, rows)) in (1..).zip(sheets) {
        list += &format!("<sheet name=\"{name}\" sheetId=\"{number}\" state=\"{state}\" r:id=\"r{number}\"/>");
        targets += &format!(
            "<Relationship Id=\"r{number}\" Target=\"worksheets/sheet{number}.xml\" Type=\"http://x/relationships/worksheet\"/>"
        );
        let mut body = String::new();
        for (row, cells) in (1..).zip(*rows) {
            body += &format!("<row r=\"{row}\">");
            for (column, cell) in ('A'..).zip(cells.split('|')).filter(|(_, cell)| !cell.is_empty()) {
                body += &format!("<c r=\"{column}{row}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>");
            }
            body += "</row>";
        }
        let xml = format!("<worksheet><sheetData>{body}</sheetData></worksheet>");
        parts.push((format!("xl/worksheets/sheet{number}.xml"), xml));
    }
    parts.push(("xl/workbook.xml".to_owned(), format!("<workbook xmlns:r=\"r\"><sheets>{list}</sheets></workbook>")));
    parts.push(("xl/_rels/workbook.xml.rels".to_owned(), format!("<Relationships>{targets}</Relationships>")));
    let root = "<Relationships><Relationship Id=\"r1\" Target=\"xl/workbook.xml\" \
                Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\"/></Relationships>";
    parts.push(("_rels/.rels".to_owned(), root.to_owned()));
    let entries: Vec<(&str, &[u8])> = parts.iter().map(|(name, xml)| (name.as_str(), xml.as_bytes())).collect();
    zipped(&entries)
}

fn read_book(sheets: &[SheetOf<'_>], asked: Option<&str>) -> ImportedFile {
    let (_folder, path) = written("a.xlsx", workbook(sheets));
    let settings = DatasetSettings { sheet: asked.map(str::to_owned), ..DatasetSettings::default() };
    watched(|watch| read_table(&path, SourceFile::Main, &settings, watch)).unwrap()
}

fn sheet_of(file: &ImportedFile) -> &str {
    match &file.format {
        FileFormat::Workbook { sheet, .. } => sheet,
        other => panic!("{other:?}"),
    }
}

/// A header and so many rows of a text and a label.
fn answers(rows: usize) -> Vec<String> {
    let rows = (0..rows).map(|row| format!("It is the answer {row}|{}", ["good", "bad"][row % 2]));
    std::iter::once("text|label".to_owned()).chain(rows).collect()
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

#[test]
fn hidden_sheets_are_read_only_if_asked_for_or_alone() {
    let (lists, rows) = (lines(&["choices", "good", "bad"]), answers(12));
    let sheets: [SheetOf<'_>; 2] = [("lists", "hidden", &lists), ("Answers", "visible", &rows)];
    let file = read_book(&sheets, None);
    assert_eq!((sheet_of(&file), file.table.len()), ("Answers", 12));
    assert_eq!(file.parts[0].remarks, [""; 0]);
    assert_eq!(read_book(&sheets, Some("lists")).table.len(), 2);
    assert_eq!(sheet_of(&read_book(&[("lists", "veryHidden", &lists)], None)), "lists");
}

#[test]
fn a_cover_before_a_large_sheet_is_skipped_and_named() {
    let (cover, rows) = (lines(&["Report of April|", "Made by|the shop", "On|a Monday"]), answers(40));
    let file = read_book(&[("Cover", "visible", &cover), ("April", "visible", &rows)], None);
    assert_eq!((sheet_of(&file), file.table.len()), ("April", 40));
    let remark = &file.parts[0].remarks[0];
    assert!(remark.starts_with("The sheet 'April' was read. 'Cover' comes before it, but has only 2 rows"), "{remark}");
    let few = answers(19);
    let file = read_book(&[("Cover", "visible", &cover), ("April", "visible", &few)], None);
    assert_eq!(sheet_of(&file), "Cover", "the second sheet is not ten times as large");
}

#[test]
fn the_header_of_a_sheet_is_searched_for_or_chosen() {
    let mut rows = lines(&["Report of April", "Made by the shop"]);
    rows.extend(answers(30));
    let sheets: [SheetOf<'_>; 1] = [("April", "visible", &rows)];
    let file = read_book(&sheets, None);
    assert_eq!((file.table.names.join(" "), file.table.len()), ("text label".to_owned(), 30));
    let remark = &file.parts[0].remarks[0];
    assert!(
        remark.starts_with("The header is row 3. Skipped 2 rows before it ('Report of April', 'Made by the shop')"),
        "{remark}"
    );
    assert_eq!((file.format.header_row(), file.parts[0].has_found_header()), (Some(3), true));
    let (_folder, path) = written("a.xlsx", workbook(&sheets));
    let chosen = |row| {
        let settings = DatasetSettings { header_row: Some(row), ..DatasetSettings::default() };
        watched(|watch| read_table(&path, SourceFile::Main, &settings, watch))
    };
    let second = chosen(2).unwrap();
    assert_eq!((second.table.names.join(" "), second.table.len()), ("Made by the shop column_2".to_owned(), 31));
    let error = chosen(90).unwrap_err().to_string();
    assert!(error.contains("cannot have its header on line 90: that row of the sheet has no values"), "{error}");
}

#[test]
fn other_sheets_with_the_same_columns_are_named() {
    let (april, may) = (answers(12), answers(30));
    let other = lines(&["text|label|day", "a|b|c"]);
    let sheets: [SheetOf<'_>; 4] = [
        ("April", "visible", &april),
        ("May", "visible", &may),
        ("June", "hidden", &may),
        ("Notes", "visible", &other),
    ];
    let file = read_book(&sheets, None);
    assert_eq!((sheet_of(&file), file.table.len()), ("April", 12));
    let [remark] = file.parts[0].remarks.as_slice() else { panic!("{:?}", file.parts[0].remarks) };
    assert!(
        remark.starts_with("Only the sheet 'April' was read. 1 other sheet has the same columns: 'May'."),
        "{remark}"
    );
}

#[test]
fn a_page_or_an_xml_spreadsheet_is_read_whatever_its_name() {
    let page = "<html><body><table><tr><th>text</th><th>label</th></tr><tr><td>It works</td><td>good</td></tr></table>";
    for name in ["a.xls", "a.csv", "a.html"] {
        let (_folder, path) = written(name, page);
        let file = watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch)).unwrap();
        assert_eq!((cells(&file), file.format.name()), (vec![vec!["It works", "good"]], "workbook"), "{name}");
    }
    let (_folder, path) = written("export.csv", "<!doctype html><title>Log in</title><form></form>");
    let error = watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch)).unwrap_err();
    assert!(error.to_string().contains("is a web page (HTML) without a table, not a text file. It may be"), "{error}");
}

#[test]
fn a_file_that_was_never_downloaded_is_named_so() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 90868376\n";
    let refused = |path: &Path| {
        let read = watched(|watch| read_table(path, SourceFile::Main, &DatasetSettings::default(), watch));
        let error = read.unwrap_err().to_string();
        assert!(error.contains("is a Git LFS pointer and not the file itself"), "{error}");
    };
    let (_folder, path) = written("train.csv", pointer);
    refused(&path);
    let (folder, path) = written("train.parquet", pointer);
    refused(&path);
    refused(folder.path());
}
