//! Several files appended as one table.

use super::*;
use hone::data::{DropReason, FileFormat, content_hash};
use hone::project::{ColumnRole, RowEdit, RowId};

/// A folder with these files.
fn folder_of(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

fn of_files(main: &str, more: &[&str]) -> Project {
    let dataset = DatasetSettings {
        main: Some(main.into()),
        more: more.iter().map(Into::into).collect(),
        ..DatasetSettings::default()
    }
    .with_columns(&[("text", ColumnRole::Text), ("label", ColumnRole::Label)]);
    Project { dataset, ..Project::default() }
}

fn imported(project: &Project, folder: &Path) -> Result<Imported, DataError> {
    watched(|watch| import(project, folder, watch))
}

const JANUARY: &str = "text,label,shop\nfine,good,Delft\nlost,bad,Gouda\nbroken in two\nnever again,bad,Delft\n";
const MARCH: &str = "label;text;country\ngood;works well;NL\nbad;torn;BE;what\nbad;too late;NL\n";

#[test]
fn files_of_different_kinds_and_columns_become_one_table() {
    let lines = "{\"label\": \"good\", \"text\": \"lovely\", \"user\": {\"name\": \"a\"}}\n";
    let folder = folder_of(&[("january.csv", JANUARY), ("march.csv", MARCH), ("may.jsonl", lines)]);
    let workbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables/reviews.parquet");
    std::fs::copy(&workbook, folder.path().join("june.parquet")).unwrap();
    let project = of_files("january.csv", &["march.csv", "may.jsonl", "june.parquet"]);
    let main = imported(&project, folder.path()).unwrap().main;
    let of_workbook = ["stars", "day"];
    assert_eq!(main.table.names[..5], ["text", "label", "shop", "country", "user.name"]);
    assert!(of_workbook.iter().all(|name| main.table.names.iter().any(|column| column == name)));
    assert_eq!(main.table.names.last().unwrap(), "file");
    // January has 4 records, one of them bad; March 3, of which the second is bad.
    assert_eq!(main.table.records, [1, 2, 4, 5, 7, 8, 9, 10, 11, 12]);
    let rows = cells(&main);
    assert_eq!(rows[0][..5], ["fine", "good", "Delft", "", ""]);
    assert_eq!(rows[3][..5], ["works well", "good", "", "NL", ""]);
    assert_eq!(rows[5][..5], ["lovely", "good", "", "", "a"]);
    let files: Vec<&str> = rows.iter().map(|row| *row.last().unwrap()).collect();
    let january = ["january.csv"; 3];
    assert_eq!(files[..3], january);
    assert_eq!(files[3..6], ["march.csv", "march.csv", "may.jsonl"]);
    assert!(arrow_array::Array::is_null(&main.table.columns[2], 3), "a column that a file lacks is null");
    let formats: Vec<&str> = main.parts.iter().map(|part| part.format.name()).collect();
    assert_eq!(formats, ["CSV", "CSV", "JSON lines", "Parquet"]);
    assert_eq!(
        (main.name().as_str(), main.bytes),
        ("january.csv and 3 more", main.parts.iter().map(|part| part.bytes).sum())
    );
    assert!(matches!(main.format, FileFormat::Delimited(_)));
}

#[test]
fn bad_rows_and_messages_name_the_file_and_its_own_row() {
    let folder = folder_of(&[("january.csv", JANUARY), ("march.csv", MARCH)]);
    let project = of_files("january.csv", &["march.csv"]);
    let (files, ready) = prepared(&project, folder.path());
    let main = &files.main;
    assert_eq!(main.bad_rows.iter().map(|bad| bad.record).collect::<Vec<_>>(), [3, 6]);
    let (path, row) = main.place(6);
    assert_eq!((path.file_name().unwrap().to_str(), row, main.bad_rows[1].line), (Some("march.csv"), 2, 3));
    assert_eq!(
        (main.row_name(4), main.row_name(7)),
        ("row 4 of january.csv".to_owned(), "row 3 of march.csv".to_owned())
    );
    assert_eq!(main.bad_rows_of(1).count(), 1);
    let starts: Vec<&str> = ready.warnings.iter().filter_map(|warning| warning.split(": ").next()).collect();
    assert_eq!(starts[..2], ["january.csv", "march.csv"]);
    assert!(ready.warnings[1].contains("The first is row 2 (line 3)"), "{}", ready.warnings[1]);

    let output = folder.path().join("bad.csv");
    assert_eq!(hone::export::write_bad_rows(&files, &output, false).unwrap(), 2);
    let saved = std::fs::read_to_string(output).unwrap();
    assert!(saved.lines().nth(2).unwrap().contains("march.csv,2,3,"), "{saved}");
}

#[test]
fn a_single_file_has_no_file_column_and_keeps_its_rows() {
    let folder = folder_of(&[("january.csv", JANUARY)]);
    let main = imported(&of_files("january.csv", &[]), folder.path()).unwrap().main;
    assert_eq!((main.table.names.len(), main.parts.len(), main.is_several()), (3, 1, false));
    assert_eq!((main.row_name(4), main.place(4).1), ("row 4".to_owned(), 4));
}

#[test]
fn files_with_the_same_name_are_distinguished_by_folder() {
    let rows = "text,label,file\na,b,c\n";
    let folder = folder_of(&[("2025/may/rows.csv", rows), ("2026/may/rows.csv", rows), ("other.csv", rows)]);
    let project = of_files("2025/may/rows.csv", &["2026/may/rows.csv", "other.csv"]);
    let main = imported(&project, folder.path()).unwrap().main;
    assert_eq!(main.table.names, ["text", "label", "file", "file_2"]);
    let files: Vec<&str> = cells(&main).iter().map(|row| row[3]).collect();
    assert_eq!(files, ["2025/may/rows.csv", "2026/may/rows.csv", "other.csv"]);
}

#[test]
fn missing_repeated_and_unrelated_files_are_reported() {
    let folder = folder_of(&[("january.csv", JANUARY), ("weather.csv", "city,rain\nDelft,3\n")]);
    let error = |more: &[&str]| imported(&of_files("january.csv", more), folder.path()).unwrap_err().to_string();
    assert!(error(&["gone.csv"]).contains("there is no file at") && error(&["gone.csv"]).contains("gone.csv"));
    assert!(error(&["january.csv"]).contains("is listed twice"), "{}", error(&["january.csv"]));
    let (_, ready) = prepared(&of_files("january.csv", &["weather.csv"]), folder.path());
    let blocker = "weather.csv has no column in common with january.csv: it has 'city', 'rain'";
    assert!(ready.blockers[0].starts_with(blocker), "{:?}", ready.blockers);
}

#[test]
fn a_file_without_the_label_is_warned_about() {
    let more = "text,shop\nno label here,Delft\n";
    let good = balanced(&["a", "b"], 30);
    let folder = folder_of(&[("rows.csv", &good), ("unlabelled.csv", more)]);
    let (_, ready) = prepared(&of_files("rows.csv", &["unlabelled.csv"]), folder.path());
    assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
    let warning = "unlabelled.csv has no column 'label', so the label of 1 row is empty";
    assert!(ready.warnings.iter().any(|given| given.starts_with(warning)), "{:?}", ready.warnings);
    assert_eq!(ready.dropped.iter().filter(|row| row.1 == DropReason::EmptyLabel).count(), 1);
}

#[test]
fn corrections_of_rows_in_a_later_file_hold_until_the_row_changes() {
    let (first, second) = (balanced(&["a", "b"], 20), "text,label\nthis is odd,a\n");
    let folder = folder_of(&[("first.csv", &first), ("second.csv", second)]);
    let mut project = of_files("first.csv", &["second.csv"]);
    let id = RowId { file: SourceFile::Main, record: 41 };
    let content_hash = content_hash("this is odd", "a");
    project.edits.rows.insert(id, RowEdit { content_hash, ..RowEdit::relabelled("b") });
    let corrected = |project: &Project| {
        let (_, ready) = prepared(project, folder.path());
        let row = ready.examples.iter().find(|example| example.id == id).map(|example| example.relabelled);
        (row, ready.stale_edits.len())
    };
    assert_eq!(corrected(&project), (Some(true), 0));
    // One more row in the first file moves those of the second, and the correction with them.
    std::fs::write(folder.path().join("first.csv"), format!("{first}one more,a\n")).unwrap();
    assert_eq!(corrected(&project), (Some(false), 0), "the row at the old place is another one");
    let (_, ready) = prepared(&project, folder.path());
    let to = RowId { record: 42, ..id };
    assert_eq!(ready.moved_edits, [(id, to)]);
    assert!(ready.examples.iter().find(|example| example.id == to).unwrap().relabelled);
    project.edits.follow(&ready.moved_edits);
    assert_eq!(prepared(&project, folder.path()).1.data_hash, ready.data_hash, "written down, it is the same data");

    // Of two equal rows the first is as good as the other, and a row with other content is not the one.
    std::fs::write(folder.path().join("second.csv"), format!("{second}x,b\nthis is odd,a\n")).unwrap();
    assert_eq!(prepared(&project, folder.path()).1.stale_edits, []);
    std::fs::write(folder.path().join("first.csv"), &first).unwrap();
    let (_, ready) = prepared(&project, folder.path());
    assert_eq!((ready.stale_edits, ready.moved_edits), (vec![], vec![(to, id)]));
    std::fs::write(folder.path().join("second.csv"), "text,label\nthis is odder,a\n").unwrap();
    assert_eq!(prepared(&project, folder.path()).1.stale_edits, [to]);
}

#[test]
fn corrections_follow_their_rows_when_an_earlier_file_is_removed() {
    let texts = |name: &str| balanced(&["a", "b"], 10).replace("text ", &format!("{name} "));
    let folder = folder_of(&[("1.csv", &texts("one")), ("2.csv", &texts("two")), ("3.csv", &texts("three"))]);
    let mut project = of_files("1.csv", &["2.csv", "3.csv"]);
    let (files, ready) = prepared(&project, folder.path());
    let columns = hone::data::RowColumns::of(&files.main.table, &project.dataset).unwrap();
    for row in [4, 25, 47] {
        let edit = RowEdit { content_hash: columns.hash(row), excluded: true, ..RowEdit::default() };
        project.edits.rows.insert(ready.examples[row].id, edit);
    }
    let gone_before = RowEdit { content_hash: "of another day".to_owned(), excluded: true, ..RowEdit::default() };
    project.edits.rows.insert(RowId { file: SourceFile::Main, record: 60 }, gone_before);
    let mut after = project.dataset.clone();
    after.main = Some(after.more.remove(0));
    project.edits = hone::data::carried_corrections(&files, &project, &after);
    project.dataset = after;
    let records: Vec<u64> = project.edits.rows.keys().map(|id| id.record).collect();
    assert_eq!(records, [6, 28, 40]);
    let (_, ready) = prepared(&project, folder.path());
    assert_eq!((ready.stale_edits.len(), ready.moved_edits.len()), (1, 0));
    assert_eq!(ready.dropped.iter().filter(|row| row.1 == DropReason::Excluded).count(), 2);
}

#[test]
fn a_changed_file_changes_the_hash_of_all() {
    let folder = folder_of(&[("a.csv", "text,label\nx,a\n"), ("b.csv", "text,label\ny,b\n")]);
    let project = of_files("a.csv", &["b.csv"]);
    let hash = || prepared(&project, folder.path()).1.data_hash;
    let before = hash();
    std::fs::write(folder.path().join("b.csv"), "text,label\nz,b\n").unwrap();
    assert_ne!(hash(), before);
}
