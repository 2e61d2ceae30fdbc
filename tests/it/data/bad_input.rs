//! Everything that can be wrong with a file: each gives a clear message, or a row that is kept to be shown, and never a
//! panic.

use super::*;
use hone::data::GuessedRoles;

fn error(result: Result<ImportedFile, DataError>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn missing_files_folders_and_empty_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let read_path =
        |path: &Path| error(watched(|watch| read_table(path, SourceFile::Main, &DatasetSettings::default(), watch)));
    assert!(read_path(&folder.path().join("gone.csv")).contains("there is no file at"));
    assert!(read_path(folder.path()).contains("has no files that can be read as rows. Choose a file inside it"));
    assert!(error(read_with("", &DatasetSettings::default())).contains("is empty"));
    assert!(error(read_with(" \r\n\n", &DatasetSettings::default())).contains("is empty"));
    let (_folder, inside_a_file) = written("rows.csv", "a,b\n1,2\n");
    assert!(read_path(&inside_a_file.join("x.csv")).contains("there is no file at"));
    let nothing = watched(|watch| import(&Project::default(), folder.path(), watch)).unwrap_err();
    assert!(nothing.to_string().contains("no data file is chosen"));
}

#[test]
fn a_file_with_only_a_header_has_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), "text,label\n", None, None);
    let (imported, prepared) = prepared(&project, folder.path());
    assert!(imported.main.table.is_empty());
    assert_eq!(prepared.blockers, ["main.csv has a header but no rows. Choose a file with one row for each text"]);
}

#[test]
fn ragged_rows_keep_their_record_and_line() {
    let file = read("text,label\n\"two\nlines\",a\nonly one\nfine,b\nx,y,z\n");
    assert_eq!(file.table.records, [1, 3]);
    let bad: Vec<_> = file.bad_rows.iter().map(|row| (row.record, row.line, row.raw.as_str())).collect();
    assert_eq!(bad, [(2, 4, "only one"), (4, 6, "x,y,z")]);
    assert_eq!(file.bad_rows[0].reason, "1 field instead of 2: 'label' is missing");
    assert!(file.bad_rows[1].reason.starts_with("3 fields instead of 2"));
}

#[test]
fn an_unclosed_quote_loses_only_its_own_line() {
    let file = read("text,label\ngood,a\n\"never closed,b\n\"fine, too\",b\n\"again,a\nlast,b\n");
    assert_eq!(cells(&file), [["good", "a"], ["fine, too", "b"], ["last", "b"]]);
    let bad: Vec<_> = file.bad_rows.iter().map(|row| (row.record, row.line, row.raw.as_str())).collect();
    assert_eq!(bad, [(2, 3, "\"never closed,b"), (4, 5, "\"again,a")]);
    assert_eq!(file.bad_rows[0].reason, "A quotation mark is not closed");
}

#[test]
fn encodings_are_detected_or_set() {
    let text = "text,label\nTrès bon café,bien\nÀ éviter – déçu,mal\n";
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let expected = [["Très bon café", "bien"], ["À éviter – déçu", "mal"]];
    for (bytes, encoding) in [
        (latin.to_vec(), "windows-1252"),
        (utf16, "UTF-16LE"),
        (text.as_bytes().to_vec(), "UTF-8"),
        (format!("\u{FEFF}{text}").into_bytes(), "UTF-8"),
    ] {
        let file = read(bytes);
        assert_eq!((delimited(&file).encoding.as_str(), file.format.undecodable()), (encoding, 0));
        assert_eq!(file.table.names, ["text", "label"]);
        assert_eq!(cells(&file), expected);
    }
    let told = DatasetSettings { encoding: Some("iso-8859-2".to_owned()), ..DatasetSettings::default() };
    assert_eq!(read_with(b"text,label\n\xB9,a\n", &told).unwrap().table.cell(0, 0), "š");
    let unknown = DatasetSettings { encoding: Some("klingon".to_owned()), ..DatasetSettings::default() };
    assert!(error(read_with("a,b\n", &unknown)).contains("'klingon' is not an encoding"));
}

#[test]
fn bytes_that_cannot_be_decoded_are_counted_and_the_rest_kept() {
    let mut bytes = "text,label\ncafé première,a\n".as_bytes().to_vec();
    bytes.extend_from_slice(b"bro\xFFken,b\n");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dirty.csv"), bytes).unwrap();
    let mut project = project(folder.path(), "", None, None);
    project.dataset.main = Some("dirty.csv".into());
    let (imported, prepared) = prepared(&project, folder.path());
    assert_eq!(imported.main.format.undecodable(), 1);
    assert_eq!(imported.main.table.cell(0, 1), "bro\u{FFFD}ken");
    assert!(prepared.warnings.iter().any(|warning| warning.contains("1 character could not be decoded as UTF-8")));
}

#[test]
fn nul_bytes_and_mixed_line_ends_are_read() {
    let file = read("text,label\r\nn\0ul,a\rmac,b\nunix,c\r\n\r\nlast,d");
    assert_eq!(cells(&file), [["n\0ul", "a"], ["mac", "b"], ["unix", "c"], ["last", "d"]]);
    assert!(file.bad_rows.is_empty());
}

#[test]
fn delimiters_and_quoting_are_detected_or_set() {
    let file = read("text;label\n\"a; b, c\";x\nd, e;y\n");
    assert_eq!((delimited(&file).delimiter, delimited(&file).quoting), (';', true));
    assert_eq!(cells(&file), [["a; b, c", "x"], ["d, e", "y"]]);
    let glue = read("sentence\tlabel\n\" stray quote\t0\nit 's \"fine\"\t1\n\"open , and never shut\t0\n");
    assert_eq!((delimited(&glue).delimiter, delimited(&glue).quoting, glue.table.len()), ('\t', false, 3));
    assert_eq!(glue.table.cell(0, 0), "\" stray quote");
    let told = DatasetSettings { delimiter: Some('|'), quoting: Some(false), ..DatasetSettings::default() };
    assert_eq!(cells(&read_with("text|label\n\"a,b\"|x\n", &told).unwrap()), [["\"a,b\"", "x"]]);
    let letter = DatasetSettings { delimiter: Some('x'), ..DatasetSettings::default() };
    assert!(error(read_with("a,b\n", &letter)).contains("'x' cannot separate fields"));
}

#[test]
fn names_are_made_unique_and_a_missing_header_is_noticed() {
    assert_eq!(read("text,text,,label\na,b,c,d\n").table.names, ["text", "text_2", "column_3", "label"]);
    let bare = read("1,lovely thing,pos\n2,awful thing,neg\n3,nice thing,pos\n");
    assert_eq!(delimited(&bare).header_row, None);
    assert_eq!((bare.table.names.join(" "), bare.table.len()), ("column_1 column_2 column_3".to_owned(), 3));
    let told = DatasetSettings { header: Some(false), ..DatasetSettings::default() };
    assert_eq!(read_with("text,label\na,b\n", &told).unwrap().table.records, [1, 2]);
}

#[test]
fn cancelling_stops_reading() {
    let (_folder, path) = written("rows.csv", "text,label\na,b\n");
    let (control, mut report) = (Control::default(), |_| {});
    control.cancel();
    let mut watch = Watch { control: &control, report: &mut report };
    let result = read_table(&path, SourceFile::Main, &DatasetSettings::default(), &mut watch);
    assert!(matches!(result, Err(DataError::Cancelled)));
}

/// Random bytes, biased to the characters that matter, through every setting: no panic, and no row lost.
#[test]
fn random_files_never_panic_and_lose_no_row() {
    const PIECES: [&[u8]; 22] = [
        b"\"",
        b"\"\"",
        b",",
        b"\t",
        b";",
        b"|",
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b" ",
        b"\xEF\xBB\xBF",
        b"\xFF\xFE",
        b"\xE9",
        b"\xC3\xA9",
        b"\xF0\x9F\x98\x80",
        b"text",
        b"label",
        b"1",
        b"a b",
        b"<b>",
        b"&amp;",
    ];
    let mut rng = hone::random::Rng::new(2024);
    for round in 0..1000 {
        let bytes: Vec<u8> = (0..rng.below(60)).fold(Vec::new(), |mut bytes, _| {
            if rng.below(8) == 0 {
                bytes.push(rng.next_u32().to_le_bytes()[0]);
            } else {
                bytes.extend_from_slice(PIECES[rng.below(PIECES.len() as u64) as usize]);
            }
            bytes
        });
        let settings = DatasetSettings {
            delimiter: (round % 3 == 0).then_some(','),
            quoting: (round % 5 == 0).then_some(round % 2 == 0),
            header: (round % 7 == 0).then_some(round % 2 == 0),
            ..DatasetSettings::default()
        };
        let Ok(file) = read_with(&bytes, &settings) else { continue };
        let rows = file.table.len() + file.bad_rows.len();
        let mut numbers: Vec<u64> = file.table.records.clone();
        numbers.extend(file.bad_rows.iter().map(|row| row.record));
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), rows, "{bytes:?}");
        // Empty rows leave a gap, which is said.
        let has_gap = numbers.last().is_some_and(|last| *last != rows as u64);
        assert!(!has_gap || !file.parts[0].remarks.is_empty(), "{bytes:?}");
        let mut project = Project::default();
        project.dataset.set_role(&file.table.names[0], Some(ColumnRole::Text));
        let label = &file.table.names[file.table.names.len() - 1];
        project.dataset.set_columns_of(ColumnRole::Label, std::slice::from_ref(label));
        let imported = Imported {
            main: file,
            validation: None,
            test: None,
            guessed_text: None,
            guessed_label: None,
            guessed: GuessedRoles::default(),
        };
        watched(|watch| prepare(&project, &imported, watch)).unwrap();
    }
}
