//! Every supported file format, in files written by the usual programs.

use super::*;
use hone::data::FileFormat;

const TEXTS: [&str; 4] = ["Works well", "Broke after a day, \"never\" again", "Fine\nso far", "Très bon 👍"];
const LABELS: [&str; 4] = ["good", "bad", "fair", "good"];

fn table(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables").join(name)
}

fn read_path_with(path: &Path, settings: &DatasetSettings) -> Result<ImportedFile, DataError> {
    watched(|watch| read_table(path, SourceFile::Main, settings, watch))
}

fn read_path(path: &Path) -> Result<ImportedFile, DataError> {
    read_path_with(path, &DatasetSettings::default())
}

pub fn column(file: &ImportedFile, name: &str) -> Vec<String> {
    let column = file.table.column_index(name).unwrap_or_else(|| panic!("no {name} in {:?}", file.table.names));
    (0..file.table.len()).map(|row| file.table.cell(column, row).to_owned()).collect()
}

fn refused(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let (_folder, path) = written(name, bytes);
    read_path(&path).map(|file| format!("{file:?}")).unwrap_err().to_string()
}

#[test]
fn columns_of_pandas_files_and_of_old_and_new_workbooks_are_read() {
    for name in ["reviews.parquet", "reviews.feather", "reviews.xlsx", "reviews.ods", "reviews.xls"] {
        let file = read_path(&table(name)).unwrap();
        assert_eq!(column(&file, "text"), TEXTS, "{name}");
        assert_eq!(column(&file, "label"), LABELS, "{name}");
        assert_eq!(column(&file, "stars"), ["5", "1", "3", "4"], "{name}");
        assert_eq!((file.table.records.as_slice(), file.bad_rows.len()), (&[1, 2, 3, 4][..], 0), "{name}");
        if name != "reviews.xls" {
            assert_eq!(column(&file, "day")[0], "2026-03-01", "{name}");
        }
        assert_eq!(file.bytes, std::fs::metadata(table(name)).unwrap().len(), "{name}");
    }
}

#[test]
fn class_numbers_become_class_names() {
    let file = read_path(&table("classes.parquet")).unwrap();
    assert_eq!((column(&file, "label"), file.format), (LABELS.map(str::to_owned).to_vec(), FileFormat::Parquet));
}

#[test]
fn a_dataset_folder_gives_each_split_its_rows() {
    let side = |file| {
        let settings = DatasetSettings::default();
        let read = watched(|watch| read_table(&table("dataset"), file, &settings, watch)).unwrap();
        (column(&read, "text"), column(&read, "label"), read.format)
    };
    let (texts, labels, format) = side(SourceFile::Main);
    assert_eq!(
        (texts, labels),
        (
            TEXTS[..3].iter().map(|&text| text.to_owned()).collect(),
            LABELS[..3].iter().map(|&label| label.to_owned()).collect()
        )
    );
    assert_eq!(format, FileFormat::DatasetFolder { files: 1 });
    assert_eq!(side(SourceFile::Test).0, TEXTS[3..]);
    let read =
        watched(|watch| read_table(&table("dataset"), SourceFile::Validation, &DatasetSettings::default(), watch));
    let error = read.unwrap_err().to_string();
    assert!(error.contains("has files for other splits, but none for validation"), "{error}");
}

#[test]
fn the_first_sheet_with_cells_or_the_named_sheet_is_read() {
    let file = read_path(&table("reviews.xlsx")).unwrap();
    let sheets = ["Cover", "Reviews", "Other"].map(str::to_owned).to_vec();
    assert_eq!(file.format, FileFormat::Workbook { sheet: "Reviews".to_owned(), sheets, header_row: Some(1) });
    assert_eq!(file.table.names, ["text", "label", "stars", "day", "formula", "column_5"]);
    assert_eq!(column(&file, "column_5"), ["", "unnamed", "", ""]);
    assert_eq!(column(&file, "formula"), [""; 4], "an error is no value");
    let sheet = |name: &str| DatasetSettings { sheet: Some(name.to_owned()), ..DatasetSettings::default() };
    let other = read_path_with(&table("reviews.xlsx"), &sheet("Other")).unwrap();
    assert_eq!(cells(&other), [["From the other sheet", "good"]]);
    let without = DatasetSettings { header: Some(false), ..sheet("Other") };
    let other = read_path_with(&table("reviews.xlsx"), &without).unwrap();
    assert_eq!((other.table.names[0].as_str(), other.table.len()), ("column_1", 2));
    let error = read_path_with(&table("reviews.xlsx"), &sheet("March")).unwrap_err().to_string();
    assert!(error.contains("no sheet 'March'. Its sheets are: Cover, Reviews, Other"), "{error}");
}

#[test]
fn json_lines_and_lists_of_objects_are_read() {
    let lines = "{\"text\": \"Works\", \"user\": {\"name\": \"Ann\", \"age\": 31}, \"label\": \"good\"}\n\n\
                 {\"label\": \"bad\", \"text\": \"Broke\\n\", \"tags\": [1, \"x\"]}\n\
                 {\"text\": \"cut off\n[1]\n{\"text\": null, \"label\": true}\n";
    let document = "{\"made\": 2026, \"data\": [\n{\"text\": \"Works\", \"user\": {\"name\": \"Ann\", \"age\": 31}, \
                    \"label\": \"good\"},\n{\"label\": \"bad\", \"text\": \"Broke\\n\", \"tags\": [1, \"x\"]}]}";
    let list = &document[document.find('[').unwrap()..document.len() - 1];
    for (name, text) in [("rows.jsonl", lines), ("rows.txt", lines), ("rows.json", document), ("rows.json", list)] {
        let (_folder, path) = written(name, text);
        let file = read_path(&path).unwrap();
        assert_eq!(column(&file, "text")[..2], ["Works", "Broke\n"], "{name}");
        assert_eq!(column(&file, "label")[..2], ["good", "bad"], "{name}");
        assert_eq!(column(&file, "user.name")[..2], ["Ann", ""], "{name}");
        assert_eq!(column(&file, "user.age")[0], "31");
        assert_eq!(column(&file, "tags")[1], "[1,\"x\"]");
        assert_eq!(file.table.names[0], "text", "columns stand in the file's order");
    }
    let (_folder, path) = written("rows.jsonl", lines);
    let file = read_path(&path).unwrap();
    assert_eq!(
        (file.table.records.as_slice(), &column(&file, "label")[2..]),
        (&[1, 2, 5][..], &["true".to_owned()][..])
    );
    let bad: Vec<_> = file.bad_rows.iter().map(|row| (row.record, row.line, row.raw.as_str())).collect();
    assert_eq!(bad, [(3, 4, "{\"text\": \"cut off"), (4, 5, "[1]")]);
    assert!(file.bad_rows[0].reason.starts_with("Not JSON: "), "{}", file.bad_rows[0].reason);
    assert_eq!(file.bad_rows[1].reason, "A list instead of an object");
}

#[test]
fn a_json_document_on_one_line_is_not_json_lines() {
    for text in [
        "{\"data\":[{\"a\":\"1\"},{\"a\":\"2\"}]}\n",
        "{\"results\":2,\"items\":null,\"data\":{\"rows\":[{\"a\":1},{\"a\":2}]}}",
        "[{\"a\":1},{\"a\":2}]\n",
    ] {
        let (_folder, path) = written("rows.json", text);
        assert_eq!(cells(&read_path(&path).unwrap()), [["1"], ["2"]], "{text}");
    }
}

#[test]
fn json_with_values_as_field_names_is_refused() {
    use std::fmt::Write;
    let mut lines = String::new();
    for number in 0..5_000 {
        writeln!(lines, "{{\"texts\": {{\"user{number}\": \"fine\"}}}}").unwrap();
    }
    let message = refused("rows.jsonl", lines);
    assert!(message.contains("more than 4096 different fields"), "{message}");
}

#[test]
fn a_folder_of_texts_per_split_and_label_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["train/pos/1.txt", "train/neg/2.txt", "train/list.txt", "test/pos/3.txt"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    let side = |file| {
        let read = watched(|watch| read_table(folder.path(), file, &DatasetSettings::default(), watch)).unwrap();
        (column(&read, "text"), column(&read, "label"))
    };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    assert_eq!(side(SourceFile::Main), (words(&["train/neg/2.txt", "train/pos/1.txt"]), words(&["neg", "pos"])));
    assert_eq!(side(SourceFile::Test), (words(&["test/pos/3.txt"]), words(&["pos"])));
}

#[test]
fn a_truncated_json_list_keeps_its_complete_rows() {
    let (_folder, path) = written("rows.json", "[{\"a\": 1},\n7,\n{\"a\": 2},\n{\"a\": ");
    let file = read_path(&path).unwrap();
    assert_eq!((cells(&file), file.table.records.as_slice()), (vec![vec!["1"], vec!["2"]], &[1, 3][..]));
    assert_eq!(file.bad_rows[0].reason, "A number instead of an object");
    let last = &file.bad_rows[1];
    assert!(last.reason.contains("Damaged from here on") && last.line == 4, "{last:?}");
}

#[test]
fn a_folder_of_texts_per_label_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("good/1.txt", "Works well\n".as_bytes()),
        ("good/2.txt", b"caf\xE9"),
        ("bad/1.txt", b"Broke"),
        ("bad/picture.txt", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 1, 1]),
        ("bad/.hidden.txt", b"no"),
        ("notes.txt", b"not a row"),
        ("bad/data.bin", b"no"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let file = read_path(folder.path()).unwrap();
    assert_eq!(
        cells(&file),
        [["Broke", "bad", "bad/1.txt"], ["Works well", "good", "good/1.txt"], ["café", "good", "good/2.txt"]]
    );
    assert_eq!(
        (file.bad_rows[0].raw.as_str(), file.bad_rows[0].reason.as_str()),
        ("bad/picture.txt", "'bad/picture.txt': It is not text")
    );
    assert_eq!(file.format, FileFormat::TextFolder { files: 4 });
}

#[test]
fn an_azure_project_is_read_with_its_texts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "Works well").unwrap();
    std::fs::write(folder.path().join("b.txt"), "Broke").unwrap();
    let document = |place: &str, class: &str| {
        format!(
            "{{\"location\": \"{place}\", \"language\": \"en-us\", \"dataset\": \"Train\", \"class\": {{\"category\": \"{class}\"}}}}"
        )
    };
    let documents =
        [document("a.txt", "good"), document("b.txt", "bad"), document("c.txt", "bad"), document("../x.txt", "bad")];
    let project = |kind: &str| {
        format!(
            "{{\"metadata\": {{\"projectKind\": \"{kind}\"}}, \"assets\": {{\"documents\": [{}]}}}}",
            documents.join(",")
        )
    };
    let path = folder.path().join("project.json");
    std::fs::write(&path, project("CustomSingleLabelClassification")).unwrap();
    let file = read_path(&path).unwrap();
    assert_eq!(
        (column(&file, "text"), column(&file, "label")),
        (vec!["Works well".into(), "Broke".into()], vec!["good".into(), "bad".into()])
    );
    assert_eq!(file.format, FileFormat::AzureProject);
    assert!(file.bad_rows[0].reason.contains("'c.txt' could not be read"), "{:?}", file.bad_rows);
    assert_eq!(file.bad_rows[1].reason, "'../x.txt' is not in the folder of the project");
    std::fs::write(&path, project("CustomMultiLabelClassification")).unwrap();
    let error = read_path(&path).unwrap_err().to_string();
    assert!(error.contains("several labels each") && error.contains("CustomSingleLabelClassification"), "{error}");
}

#[test]
fn damaged_files_of_every_kind_say_what_to_do() {
    let cut = |name: &str| {
        let bytes = std::fs::read(table(name)).unwrap();
        bytes[..bytes.len() / 2].to_vec()
    };
    for (name, bytes, what) in [
        ("a.parquet", cut("reviews.parquet"), "could not be read as a Parquet file"),
        ("a.feather", cut("reviews.feather"), "could not be read as an Arrow file"),
        ("a.xlsx", cut("reviews.xlsx"), "could not be read as a workbook"),
        ("a.ods", cut("reviews.ods"), "could not be read as a workbook"),
        ("a.xlsx", b"PK\x03\x04rest".to_vec(), "could not be read as a workbook"),
        ("a.json", b"{\"a\": 1, \"b\": [1, 2]}".to_vec(), "it contains no list of objects"),
        ("a.json", b"[{\"a\"".to_vec(), "could not be read as JSON"),
        ("a.json", "[".repeat(100_000).into_bytes(), "could not be read as JSON"),
    ] {
        let message = refused(name, bytes);
        assert!(message.contains(what), "{name}: {message}");
    }
    let deep = format!("{{\"text\": {}1{}}}\n{{\"text\": \"fine\"}}\n", "[".repeat(10_000), "]".repeat(10_000));
    let (_folder, path) = written("deep.jsonl", deep);
    let file = read_path(&path).unwrap();
    assert_eq!((cells(&file), file.bad_rows.len()), (vec![vec!["fine"]], 1));
}

#[test]
fn every_byte_flipped_is_an_error_or_rows_and_never_a_panic() {
    for name in ["reviews.parquet", "classes.parquet", "reviews.feather", "reviews.xlsx", "reviews.ods", "reviews.xls"]
    {
        let bytes = std::fs::read(table(name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        for place in (0..bytes.len()).step_by(1 + bytes.len() / 60) {
            let mut bytes = bytes.clone();
            bytes[place] ^= 0x5A;
            std::fs::write(&path, &bytes).unwrap();
            if let Err(error) = read_path(&path) {
                assert!(error.to_string().contains(name), "{error}");
            }
        }
    }
}

#[test]
fn impossible_sizes_in_a_file_are_not_trusted() {
    let mut book = std::fs::read(table("reviews.xls")).unwrap();
    // A cell with a text: type, length, row, column.
    let cell = book.windows(4).position(|bytes| bytes == [0xFD, 0x00, 0x0A, 0x00]).unwrap();
    book[cell + 6..cell + 8].fill(0xFF);
    let message = refused("book.xls", book);
    assert!(message.contains("a cell is in column 65536, but an XLS sheet has 256"), "{message}");
    let stream = std::fs::read(table("dataset/train/data-00000-of-00001.arrow")).unwrap();
    // The length of the first message's metadata.
    let mut message = stream.clone();
    message[4..8].copy_from_slice(&0x7FFF_FFF0_u32.to_le_bytes());
    assert!(refused("a.arrow", message).contains("a message ends after the end of the file"));
    assert!(refused("a.arrow", &stream[..stream.len() - 200]).contains("could not be read as an Arrow file"));
}

#[test]
fn a_workbook_that_unpacks_to_too_many_bytes_is_refused() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.xlsx");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let zeros = vec![b' '; 16 << 20];
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("xl/sharedStrings.xml", options).unwrap();
    for _ in 0..6 {
        archive.write_all(&zeros).unwrap();
    }
    archive.finish().unwrap();
    let error = read_path(&path).unwrap_err().to_string();
    assert!(error.contains("unpacks to more than 64 MiB"), "{error}");
}
