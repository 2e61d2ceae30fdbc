//! A folder of documents opens as a table.

use std::io::Write;

use super::formats::column;
use super::*;
use hone::data::FileFormat;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn word_document(paragraphs: &[&str]) -> Vec<u8> {
    let paragraphs = paragraphs.iter().map(|text| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"));
    let xml = format!("<w:document><w:body>{}</w:body></w:document>", paragraphs.collect::<String>());
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    writer.write_all(xml.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

fn folder_of(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

fn open(folder: &TempDir, file: SourceFile) -> Result<ImportedFile, DataError> {
    watched(|watch| read_table(folder.path(), file, &DatasetSettings::default(), watch))
}

#[test]
fn a_folder_of_documents_has_a_row_for_each_one_that_can_be_read() {
    let lease = word_document(&["The Lessee pays.", "Rent is due."]);
    let folder = folder_of(&[
        ("lease.docx", &lease),
        ("~$lease.docx", b"lock"),
        ("notes.md", b"# Notes\n\ncaf\xC3\xA9\n"),
        ("2019/q1/old.TXT", b"old \x93terms\x94"),
        ("2019/q1/deeper/still/deed.docx", &lease),
        ("broken.docx", b"PK\x03\x04 no"),
        ("blank.txt", b" \n"),
        ("scan.pdf", b"%PDF-1.7"),
        ("prices.xlsx", b"no document"),
    ]);
    let file = open(&folder, SourceFile::Main).unwrap();
    assert_eq!(file.table.names, ["file", "text"]);
    let text = "The Lessee pays.\nRent is due.";
    let expected = [
        ["2019/q1/deeper/still/deed.docx", text],
        ["2019/q1/old.TXT", "old “terms”"],
        ["lease.docx", text],
        ["notes.md", "# Notes\n\ncafé"],
    ];
    assert_eq!(cells(&file), expected);
    let bad: Vec<_> = file.bad_rows.iter().map(|bad| (bad.raw.as_str(), bad.reason.as_str())).collect();
    assert_eq!((bad.len(), bad[0]), (3, ("blank.txt", "There is no text in it")));
    assert!(bad[1].0 == "broken.docx" && bad[1].1.starts_with("It is not a Word document: "), "{bad:?}");
    assert_eq!(bad[2], ("scan.pdf", "PDF files are not read. Save it as .docx or .txt"));
    assert_eq!(file.format, FileFormat::DocumentFolder { files: 7 });
}

#[test]
fn a_folder_for_each_label_is_not_a_folder_of_documents() {
    let folder = folder_of(&[("good/1.txt", b"fine"), ("bad/2.txt", b"broke"), ("README.md", b"how it was made")]);
    let file = open(&folder, SourceFile::Main).unwrap();
    assert_eq!(file.table.names, ["text", "label", "file"]);
    assert_eq!(file.format, FileFormat::TextFolder { files: 2 });
}

#[test]
fn documents_in_train_and_test_folders_keep_their_sides() {
    let folder = folder_of(&[("train/test run.txt", b"a"), ("train/b.txt", b"b"), ("test/training.txt", b"c")]);
    let texts = |file| open(&folder, file).map(|file| column(&file, "text"));
    assert_eq!(texts(SourceFile::Main).unwrap(), ["b", "a"]);
    assert_eq!(texts(SourceFile::Test).unwrap(), ["c"]);
    let error = texts(SourceFile::Validation).unwrap_err().to_string();
    assert!(error.contains("none for validation"), "{error}");
    let named = folder_of(&[("Training agreement.txt", b"a"), ("Test plan.txt", b"b"), ("will.txt", b"c")]);
    assert_eq!(column(&open(&named, SourceFile::Main).unwrap(), "text"), ["b", "a", "c"]);
}

#[test]
fn a_folder_with_nothing_that_can_be_read_is_refused() {
    let folder = folder_of(&[("scan.pdf", b"%PDF-1.7")]);
    let error = open(&folder, SourceFile::Main).unwrap_err().to_string();
    assert!(error.contains("has no files that can be read as rows") && error.contains(".docx, .txt, .md"), "{error}");
}
