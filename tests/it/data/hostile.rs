//! Files that are damaged, too large or malicious: each gives a clear error, or rows with the bad ones listed.

use std::io::Write;

use super::*;

/// The expected result of reading a file.
enum Outcome {
    /// Good rows and bad ones.
    Rows(usize, usize),
    /// An error with this text.
    Refused(&'static str),
}
use Outcome::{Refused, Rows};

/// The most memory the process may have used afterwards, if it runs only this test.
const MOST_MEMORY_KB: u64 = 3 << 20;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables").join(name)).unwrap()
}

pub fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// An ODS workbook with one sheet with these rows.
fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\">\
         <office:body><office:spreadsheet><table:table table:name=\"a\">{rows}</table:table></office:spreadsheet>\
         </office:body></office:document-content>"
    );
    let kind = b"application/vnd.oasis.opendocument.spreadsheet";
    zipped(&[("mimetype", kind), ("content.xml", content.as_bytes())])
}

fn cell(attributes: &str, text: &str) -> String {
    format!("<table:table-cell office:value-type=\"string\" {attributes}><text:p>{text}</text:p></table:table-cell>")
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn texts() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let rows = b"text,label\nfine,good\n".as_slice();
    let table = |more: &[u8]| joined(&[rows, more]);
    let big = "x".repeat(8 << 20);
    vec![
        ("ragged.csv", table(b"one\na,b,c\nd,e\n"), Rows(2, 2)),
        ("field-of-8-mib.csv", table(format!("\"{big}\",bad\nok,good\n").as_bytes()), Rows(3, 0)),
        ("line-of-8-mib.csv", table(format!("{big}\nok,good\n").as_bytes()), Rows(2, 1)),
        ("nul-bytes.csv", table(b"a\0b,bad\n\0,good\n"), Rows(3, 0)),
        ("all-nul.csv", vec![0; 5_000], Refused("is a binary file")),
        ("latin-1.csv", table(b"caf\xE9 cr\xE8me,good\n"), Rows(2, 0)),
        ("mixed-line-ends.csv", table(b"a,x\r\nb,y\rc,z\n\r\n\r\rd,w"), Rows(5, 0)),
        ("only-cr.csv", b"text,label\rfine,good\rbad,poor\r".to_vec(), Rows(2, 0)),
        ("broken-utf8.csv", table("café,good\nnaïve,bad\n\u{1F642},good\n".as_bytes()), Rows(4, 0)),
        ("overlong-utf8.csv", table(b"caf\xC3\xA9 \xC0\x80 na\xC3\xAFve,good\n"), Rows(2, 0)),
        ("half-utf16.csv", joined(&[b"\xFF\xFE", b"t\0,\0l\0\n\0a\0,\0b\0\n\0c"]), Rows(1, 1)),
        ("utf16-without-mark.csv", b"t\0e\0x\0t\0,\0l\0\n\0a\0,\0b\0\n\0".to_vec(), Rows(1, 0)),
        ("empty.csv", Vec::new(), Refused("is empty")),
        ("only-a-mark.csv", b"\xEF\xBB\xBF".to_vec(), Refused("is empty")),
        ("only-lines.csv", b"\n\r\n \n\t\n".to_vec(), Refused("is empty")),
        ("only-a-header.csv", b"text,label\n".to_vec(), Rows(0, 0)),
        ("unclosed-at-the-start.csv", table(b"\"a, b\",good\n\"never closed,bad\nfine,good\n"), Rows(3, 1)),
        (
            "unclosed-on-every-line.csv",
            table(("\"c, d\",e\n".to_owned() + &"\"a,b\n".repeat(20_000)).as_bytes()),
            Rows(2, 20_000),
        ),
        ("quotes-alone.csv", vec![b'"'; 2_000_001], Rows(0, 0)),
        ("separators-alone.csv", vec![b','; 1_000_000], Refused("is empty")),
        ("same-names.csv", b"a,a,a_2,\n1,2,3,4\n".to_vec(), Rows(1, 0)),
        ("formulas.csv", table(b"=cmd|' /C calc'!A0,good\n@SUM(1),bad\n"), Rows(3, 0)),
        ("directions.csv", table("\u{202E}txet\u{202C} \u{200B}\u{FEFF},good\n".as_bytes()), Rows(2, 0)),
        ("gzip.csv", b"\x1F\x8B\x08\0\0\0\0\0\0\0".to_vec(), Refused("a gzip archive")),
        ("document.csv", b"%PDF-1.7\n%\xE2\xE3".to_vec(), Refused("a PDF")),
        ("picture.csv", b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR".to_vec(), Refused("a picture")),
    ]
}

fn json() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let deep = |open: &str| open.repeat(200_000).into_bytes();
    let line = b"{\"text\": \"a\", \"label\": \"b\"}\n".as_slice();
    let names: Vec<String> = (0..5_000).map(|name| format!("{{\"field {name}\": 1}}\n")).collect();
    vec![
        ("deep-lists.json", deep("["), Refused("recursion limit")),
        ("deep-objects.json", deep("{\"a\":"), Refused("could not be read as JSON")),
        ("deep-line.jsonl", joined(&[line, &deep("{\"a\":["), b"\n", line]), Rows(2, 1)),
        ("surrogates.jsonl", joined(&[line, b"{\"text\": \"\\ud800\", \"label\": \"b\"}\n"]), Rows(2, 0)),
        ("not-json-between.jsonl", joined(&[line, b"nonsense\n", line]), Rows(2, 1)),
        ("cut-off.json", b"[{\"text\": \"a\", \"label\": \"b\"}, {\"text\": \"c".to_vec(), Rows(1, 1)),
        ("huge-number.jsonl", joined(&[line, b"{\"text\": 1e999999, \"label\": \"b\"}\n"]), Rows(1, 1)),
        ("same-keys.jsonl", joined(&[line, b"{\"text\": \"a\", \"text\": \"c\", \"label\": \"b\"}\n"]), Rows(2, 0)),
        ("a-field-a-row.jsonl", names.concat().into_bytes(), Refused("more than 4096 different fields")),
    ]
}

fn columns_and_workbooks() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let half = |name: &str| {
        let bytes = fixture(name);
        bytes[..bytes.len() / 2].to_vec()
    };
    let xlsx_parts =
        [("xl/workbook.xml", b"<workbook/>".as_slice()), ("xl/worksheets/sheet1.xml", &vec![b' '; 80 << 20])];
    let header = format!("<table:table-row>{}{}</table:table-row>", cell("", "text"), cell("", "label"));
    let wide = cell("table:number-columns-repeated=\"16384\"", &"long text ".repeat(10_000));
    let many =
        format!("<table:table-row table:number-rows-repeated=\"1048576\">{}</table:table-row>", cell("", "text"));
    let spaces = cell("", "<text:s text:c=\"4000000000\"/>");
    let footer = joined(&[b"PAR1", &[0; 64], &u32::MAX.to_le_bytes(), b"PAR1"]);
    vec![
        ("cut-off.parquet", half("reviews.parquet"), Refused("as a Parquet file")),
        ("only-marks.parquet", b"PAR1PAR1".to_vec(), Refused("as a Parquet file")),
        ("huge-footer.parquet", footer, Refused("as a Parquet file")),
        ("cut-off.feather", half("reviews.feather"), Refused("as an Arrow file")),
        (
            "huge-message.arrow",
            joined(&[&[0xFF; 4], &0x7FFF_FFF0_u32.to_le_bytes(), &[0; 64]]),
            Refused("after the end of the file"),
        ),
        ("cut-off.xlsx", half("reviews.xlsx"), Refused("as a workbook")),
        ("bomb.xlsx", zipped(&xlsx_parts), Refused("unpacks to more than")),
        ("archive.xlsx", zipped(&[("notes.txt", b"no workbook")]), Refused("a ZIP archive")),
        ("cut-off.xls", half("reviews.xls"), Refused("as a workbook")),
        ("only-a-mark.xls", joined(&[b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", &[0; 600]]), Refused("as a workbook")),
        (
            "wide.ods",
            ods(&format!("{header}<table:table-row>{wide}{wide}</table:table-row>")),
            Refused("cells take more than"),
        ),
        (
            "tall.ods",
            ods(&format!("{header}{}", many.replace("text<", &format!("{}<", "y".repeat(4_000))))),
            Refused("cells take more than"),
        ),
        (
            "spaces.ods",
            ods(&format!("{header}<table:table-row>{spaces}</table:table-row>")),
            Refused("cells take more than"),
        ),
    ]
}

#[test]
fn hostile_files_are_refused_or_read_with_their_bad_rows_listed() {
    let files: Vec<_> = texts().into_iter().chain(json()).chain(columns_and_workbooks()).collect();
    assert!(files.len() >= 40, "{}", files.len());
    for (name, bytes, outcome) in files {
        let (_folder, path) = written(name, bytes);
        let result = watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch));
        match (outcome, result) {
            (Rows(good, bad), Ok(file)) => {
                assert_eq!((file.table.len(), file.bad_rows.len()), (good, bad), "{name}: {:?}", file.bad_rows.first());
                assert!(file.bad_rows.iter().all(|row| row.record > 0 && !row.reason.is_empty()), "{name}");
            }
            (Refused(says), Err(error)) => {
                let message = error.to_string();
                assert!(message.contains(says) && message.contains(name), "{name}: {message}");
            }
            (Rows(..), Err(error)) => panic!("{name} was refused: {error}"),
            (Refused(says), Ok(file)) => panic!("{name} gave {} rows, not '{says}'", file.table.len()),
        }
    }
    if let Some(peak) = peak_memory_kb() {
        assert!(peak < MOST_MEMORY_KB, "{peak} KB");
    }
}

/// Largest resident memory of this process so far, if the operating system reports it.
fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_field_of_two_gigabytes_is_refused_before_it_is_read() {
    let (_folder, path) = written("huge.csv", "text,label\n\"");
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // A sparse file takes no space on the disk.
    file.set_len((2 << 30) + 64).unwrap();
    let error = watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch)).unwrap_err();
    assert!(matches!(error, DataError::TooLarge { .. }) && error.to_string().contains("huge.csv"), "{error}");
    assert!(peak_memory_kb().is_none_or(|peak| peak < 1 << 20), "a part of it was read");
}

/// Writes a Parquet file of one column.
fn parquet(
    values: impl Iterator<Item = arrow_array::ArrayRef>,
    kind: arrow_schema::DataType,
) -> (TempDir, std::path::PathBuf) {
    let (folder, path) = written("bomb.parquet", "");
    let schema = std::sync::Arc::new(arrow_schema::Schema::new(vec![arrow_schema::Field::new("text", kind, true)]));
    let compression = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default());
    let properties = parquet::file::properties::WriterProperties::builder().set_compression(compression).build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, schema.clone(), Some(properties)).unwrap();
    for column in values {
        writer.write(&arrow_array::RecordBatch::try_new(schema.clone(), vec![column]).unwrap()).unwrap();
    }
    writer.close().unwrap();
    (folder, path)
}

#[test]
fn a_small_parquet_file_cannot_fill_the_memory() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, ListArray, StringArray};

    let part = 100_000;
    let text = "the same text again ".repeat(60);
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&text, part / 10)));
    let empty: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>; part]));
    let item = Arc::new(arrow_schema::Field::new_list_field(arrow_schema::DataType::Utf8, true));
    let offsets = arrow_buffer::OffsetBuffer::from_lengths([part]);
    let list: ArrayRef = Arc::new(ListArray::new(Arc::clone(&item), offsets, Arc::clone(&empty), None));
    let string = arrow_schema::DataType::Utf8;
    for (what, column, parts, kind) in [
        ("one text in a dictionary, 500,000 times", texts, 50, string.clone()),
        ("40 million cells without a text", empty, 400, string),
        ("400 rows with 100,000 items each", list, 400, arrow_schema::DataType::List(item)),
    ] {
        let (_folder, path) = parquet(std::iter::repeat_n(column, parts), kind);
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size < 2 << 20, "{what}: {size}");
        let error =
            watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch)).unwrap_err();
        assert!(matches!(error, DataError::TooManyCells { .. }), "{what}: {error}");
        assert!(error.to_string().contains("would take more than 512 MiB of memory"), "{what}: {error}");
        assert!(peak_memory_kb().is_none_or(|peak| peak < 1 << 20), "{what}: {:?}", peak_memory_kb());
    }
}

#[test]
fn a_parquet_file_whose_metadata_lies_about_a_list_is_refused_before_it_is_decoded() {
    let (_folder, path) = written("lies.parquet", "");
    // A list of two thousand million booleans, which the decoder would count one by one.
    let metadata = [0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07, 0];
    let length = (metadata.len() as u32).to_le_bytes();
    std::fs::write(&path, [b"PAR1", &metadata[..], &length, b"PAR1"].concat()).unwrap();
    let error = watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch)).unwrap_err();
    assert!(matches!(error, DataError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("its metadata has a list of 2147483647 elements in 1 byte"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_to_nowhere_devices_and_folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| watched(|watch| read_table(path, SourceFile::Main, &DatasetSettings::default(), watch));
    let dangling = folder.path().join("dangling.csv");
    std::os::unix::fs::symlink("nowhere.csv", &dangling).unwrap();
    assert!(matches!(read(&dangling), Err(DataError::NotFound(path)) if path == dangling));
    let turning = folder.path().join("turning.csv");
    std::os::unix::fs::symlink("turning.csv", &turning).unwrap();
    assert!(read(&turning).unwrap_err().to_string().contains("turning.csv"));
    assert!(
        read(Path::new("/dev/zero")).unwrap_err().to_string().contains("is not a plain file but a pipe or a device")
    );
    let pipe = folder.path().join("pipe.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(matches!(read(&pipe), Err(DataError::NotPlain(path)) if path == pipe));
    assert!(read(folder.path()).is_err());
}
