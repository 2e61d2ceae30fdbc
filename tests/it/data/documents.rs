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
    assert_eq!((bad.len(), bad[0]), (3, ("blank.txt", "'blank.txt': There is no text in it")));
    assert!(bad[1].1.starts_with("'broken.docx': It is not a Word document: "), "{bad:?}");
    assert_eq!(bad[2], ("scan.pdf", "'scan.pdf': PDF files are not read. Save it as .docx or .txt"));
    assert_eq!(file.format, FileFormat::DocumentFolder { files: 7 });
    let path = folder.path().join("prices.xlsx");
    let expected = format!(
        "Passed over 1 file with rows: 'prices.xlsx'. To use one of them, choose it instead of the folder: --data {} --text \
         COLUMN",
        path.display()
    );
    assert_eq!(file.parts[0].remarks, [expected]);
}

#[test]
fn a_folder_for_each_label_is_not_a_folder_of_documents() {
    let folder = folder_of(&[("good/1.txt", b"fine"), ("bad/2.txt", b"broke"), ("README.md", b"how it was made")]);
    let file = open(&folder, SourceFile::Main).unwrap();
    assert_eq!(file.table.names, ["text", "label", "file"]);
    assert_eq!(file.format, FileFormat::TextFolder { files: 2 });
}

#[test]
fn a_downloaded_dataset_is_not_a_folder_of_documents() {
    let about: [(&str, &[u8]); 3] = [("README.md", b"# Reviews"), ("LICENSE", b"MIT"), ("LICENSE.txt", b"MIT")];
    let rows = b"{\"text\": \"a\"}\n".as_slice();
    let data = [("data/test.jsonl", rows), ("data/train.jsonl", rows), ("dataset_infos.json", b"{}")];
    let folder = folder_of(&[&about[..], &data[..]].concat());
    let error = open(&folder, SourceFile::Main).unwrap_err().to_string();
    let train = folder.path().join("data/train.jsonl");
    assert!(error.contains("holds no documents but 2 files with rows"), "{error}");
    assert!(error.ends_with(&format!("--data {} --text COLUMN", train.display())), "{error}");
    // With a real document, only what is about the data is left out.
    std::fs::write(folder.path().join("report.txt"), "a report").unwrap();
    let file = open(&folder, SourceFile::Main).unwrap();
    assert_eq!(column(&file, "file"), ["report.txt"]);
    let said = &file.parts[0].remarks[0];
    assert!(said.starts_with("Passed over 2 files with rows: 'data/test.jsonl', 'data/train.jsonl'. To use"), "{said}");
    // Without files of rows, a README is a document like any other.
    let file = open(&folder_of(&about), SourceFile::Main).unwrap();
    assert_eq!(column(&file, "file"), ["LICENSE.txt", "README.md"]);
    assert!(file.parts[0].remarks.is_empty());
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
fn a_folder_without_a_document_that_can_be_read_says_why() {
    let message = |files: &[(&str, &[u8])]| open(&folder_of(files), SourceFile::Main).unwrap_err().to_string();
    let error = message(&[("scan.pdf", b"%PDF-1.7"), ("will.docx", b"no")]);
    assert!(error.contains("none of the 2 documents in"), "{error}");
    assert!(error.ends_with("could be read. 'scan.pdf': PDF files are not read. Save it as .docx or .txt"), "{error}");
    let error = message(&[("blank.txt", b" ")]);
    assert!(error.contains("none of the documents in") && error.ends_with("'blank.txt': There is no text in it"));
    let error = message(&[("prices.bin", b"no document")]);
    assert!(error.contains("has no files that can be read as rows") && error.contains(".docx, .txt, .md"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_between_folders_give_no_document_twice() {
    use std::os::unix::fs::symlink;

    let files: [(&str, &[u8]); 6] = [
        ("a/deed.txt", b"deed"),
        ("b/lease.txt", b"lease"),
        ("notes.txt", b"notes"),
        ("terms.txt", b"terms"),
        ("trust.txt", b"trust"),
        ("will.txt", b"will"),
    ];
    let folder = folder_of(&files);
    let outside = folder_of(&[("more/claim.txt", b"claim")]);
    for place in ["", "a", "b"] {
        for number in 0..9 {
            symlink(folder.path(), folder.path().join(place).join(format!("again{number}"))).unwrap();
        }
    }
    symlink(folder.path().join("b"), folder.path().join("a/also b")).unwrap();
    symlink(outside.path(), folder.path().join("outside")).unwrap();
    let file = open(&folder, SourceFile::Main).unwrap();
    let expected = ["a/deed.txt", "b/lease.txt", "notes.txt", "outside/more/claim.txt", "terms.txt", "trust.txt"];
    assert_eq!(column(&file, "file"), [&expected[..], &["will.txt"]].concat());
}
