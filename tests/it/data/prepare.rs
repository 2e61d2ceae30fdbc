//! Edits, labels, cleaning, duplicates, the split, and what blocks training.

use super::*;
use hone::data::{CleaningPart, DropReason, Side, content_hash};
use hone::project::{ColumnRole, RowEdit, RowId};

fn id(file: SourceFile, record: u64) -> RowId {
    RowId { file, record }
}

fn blockers(main: &str, validation: Option<&str>, test: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    prepared(&project(folder.path(), main, validation, test), folder.path()).1.blockers
}

#[test]
fn a_balanced_file_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &balanced(&["b", "a"], 50), None, None);
    let (imported, ready) = prepared(&project, folder.path());
    assert_eq!((imported.guessed_text.as_deref(), imported.guessed_label.as_deref()), (Some("text"), Some("label")));
    assert_eq!((ready.blockers.len(), ready.warnings.len()), (0, 0), "{:?}", ready.warnings);
    assert_eq!(ready.labels, ["a", "b"]);
    assert_eq!(ready.counts(), [[35, 5, 10], [35, 5, 10]]);
    let again = prepared(&project, folder.path()).1;
    assert_eq!((&again.data_hash, &again.split_hash), (&ready.data_hash, &ready.split_hash));
    let mut other = project.clone();
    other.split.seed = 7;
    let other = prepared(&other, folder.path()).1;
    assert_eq!(other.data_hash, ready.data_hash);
    assert_ne!(other.split_hash, ready.split_hash);
}

#[test]
fn a_missing_column_is_reported_with_the_existing_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &balanced(&["a", "b"], 5), None, Some("review,label\nx,a\n"));
    let messages = prepared(&project, folder.path()).1.blockers;
    assert_eq!(
        messages,
        [
            "test.csv has no column 'text' for the text. It has: 'review', 'label'. Choose another column, or another file"
        ]
    );
    project.dataset.set_columns_of(ColumnRole::Text, &[]);
    assert_eq!(
        prepared(&project, folder.path()).1.blockers,
        ["No text column is chosen. Choose one of: 'text', 'label'"]
    );
    project.dataset.set_columns_of(ColumnRole::Text, &["label".to_owned()]);
    assert!(prepared(&project, folder.path()).1.blockers[0].contains("Choose two different columns"));
}

#[test]
fn a_single_label_is_refused() {
    let messages = blockers(&balanced(&["only"], 5), None, None);
    assert!(messages[0].contains("all 5 rows are 'only'. At least two are needed"), "{messages:?}");
}

#[test]
fn a_label_with_too_few_rows_for_every_split_is_refused() {
    let main = format!("{}rare one,rare\nrare two,rare\n", balanced(&["a", "b"], 20));
    let messages = blockers(&main, None, None);
    assert!(
        messages[0]
            .contains("'rare' (2 rows). Each label needs at least 3, one each for training, validation and test")
    );
    let side = balanced(&["a", "b"], 5);
    assert!(blockers(&main, Some(&side), None).is_empty(), "two rows are enough for two sides");
    assert!(blockers(&main, Some(&side), Some(&side)).is_empty());
}

#[test]
fn a_label_only_in_the_test_file_is_refused() {
    let test = "text,label\nfine,a\nodd,c\nodder,c\n";
    let messages = blockers(&balanced(&["a", "b"], 20), None, Some(test));
    assert!(messages[0].contains("The label 'c' in test.csv (2 rows, the first: row 2) is not in the training set"));
    assert!(messages[0].contains("Correct it, merge it"));
}

#[test]
fn an_unstratified_split_may_lose_a_label_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &balanced(&["a", "b"], 30), None, None);
    project.split.stratified = false;
    let (imported, ready) = prepared(&project, folder.path());
    assert_eq!((ready.blockers.len(), ready.side(Side::Train).count()), (0, 42));
    // A label with three rows, hardly any of them in training: with some seed there is none.
    let rare = format!("{}r one,rare\nr two,rare\nr three,rare\n", balanced(&["a", "b"], 30));
    std::fs::write(folder.path().join("main.csv"), rare).unwrap();
    drop(imported);
    (project.split.validation, project.split.test) = (0.4.into(), 0.4.into());
    let said = (0..50).any(|seed| {
        project.split.seed = seed;
        let blockers = prepared(&project, folder.path()).1.blockers;
        blockers.iter().any(|message| message.contains("Turn on the stratified split"))
    });
    assert!(said);
}

#[test]
fn split_sizes_that_leave_no_rows_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &balanced(&["a", "b"], 20), None, None);
    (project.split.validation, project.split.test) = (0.5.into(), 0.5.into());
    assert!(prepared(&project, folder.path()).1.blockers[0].contains("leave none of"));
    (project.split.validation, project.split.test) = (0.0.into(), 0.0.into());
    let ready = prepared(&project, folder.path()).1;
    assert!(ready.blockers[0].contains("There are no validation rows"));
    assert!(ready.warnings.iter().any(|warning| warning.contains("There are no test rows")));
    let messages = blockers(&balanced(&["a", "b"], 20), Some("text,label\n"), Some("text,label\n ,a\n"));
    assert!(messages[0].contains("validation.csv has a header but no rows"), "{messages:?}");
    assert!(messages[1].contains("test.csv has no usable rows: 1 without text"), "{messages:?}");
}

#[test]
fn empty_texts_and_labels_are_dropped_with_the_reason() {
    let main = format!("{}<p>&nbsp;</p>,a\nno label, \n", balanced(&["a", "b"], 20));
    let folder = tempfile::tempdir().unwrap();
    let ready = prepared(&project(folder.path(), &main, None, None), folder.path()).1;
    let main = SourceFile::Main;
    assert_eq!(ready.dropped, [(id(main, 41), DropReason::EmptyText), (id(main, 42), DropReason::EmptyLabel)]);
}

#[test]
fn duplicates_and_conflicts_are_dropped() {
    let main = format!("{}same,a\nsame ,a\n<b>same</b>,b\n", balanced(&["a", "b"], 20));
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, Some("text,label\nsame,a\nsame,a\ntext 1 of a,a\n"));
    let ready = prepared(&project, folder.path()).1;
    let file = SourceFile::Main;
    assert_eq!(ready.conflicts, [vec![id(file, 41), id(file, 42), id(file, 43)]]);
    assert_eq!(ready.dropped, [(id(file, 42), DropReason::Duplicate)]);
    assert_eq!(ready.side(Side::Test).count(), 3, "a given test file is used as it is");
    assert!(ready.log_warnings.iter().any(|warning| warning.contains("1 text occurs with different labels")));
    project.cleaning.drop_conflicts = true;
    let ready = prepared(&project, folder.path()).1;
    assert_eq!(ready.dropped.len(), 3);
    assert!(ready.dropped.iter().all(|(_, reason)| *reason == DropReason::Conflict));
    let effect = |switch| ready.cleaning.iter().find(|effect| effect.part == CleaningPart::Switch(switch)).unwrap();
    assert_eq!((effect("drop_duplicates").rows, effect("drop_conflicts").rows), (0, 3));
    assert_eq!(effect("strip_html").samples, [(id(file, 43), "<b>same</b>".to_owned(), "same".to_owned())]);
    assert_eq!(effect("collapse_whitespace").rows, 1);
}

#[test]
fn labels_are_merged_excluded_and_ordered_and_stale_edits_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &balanced(&["1", "2", "10", "3"], 10), None, None);
    assert_eq!(prepared(&project, folder.path()).1.labels, ["1", "2", "3", "10"]);
    let labels = project.labels_mut().unwrap();
    labels.mapping = [("1".to_owned(), "low".to_owned()), ("2".to_owned(), "low".to_owned())].into();
    labels.excluded = ["3".to_owned()].into();
    labels.order = vec!["low".to_owned()];
    let edit = |hash: &str, label: Option<&str>, excluded| RowEdit {
        content_hash: hash.to_owned(),
        target: label.and_then(|label| RowEdit::relabelled(label).target),
        excluded,
        kept: false,
    };
    let main = SourceFile::Main;
    project.edits.rows = [
        (id(main, 1), edit(&content_hash("text 0 of 1", "1"), Some("10"), false)),
        (id(main, 2), edit(&content_hash("text 0 of 2", "2"), None, true)),
        (id(main, 3), edit("another row", Some("low"), false)),
        (id(main, 999), edit("gone", None, true)),
    ]
    .into();
    let ready = prepared(&project, folder.path()).1;
    assert_eq!(ready.labels, ["low", "10"]);
    let totals: Vec<usize> = ready.counts().iter().map(|sides| sides.iter().sum()).collect();
    assert_eq!(totals, [18, 11]);
    assert_eq!(ready.stale_edits, [id(main, 3), id(main, 999)]);
    assert!(ready.examples[0].relabelled && ready.label_of(&ready.examples[0]) == "10");
    assert_eq!(ready.dropped[0], (id(main, 2), DropReason::Excluded));
    assert!(ready.warnings.iter().any(|warning| warning.contains("because the file or the label column has changed")));
}

#[test]
fn cancelling_stops_preparation() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &balanced(&["a", "b"], 5), None, None);
    let imported = watched(|watch| import(&project, folder.path(), watch)).unwrap();
    let (control, mut report) = (Control::default(), |_| {});
    control.cancel();
    let result = prepare(&project, &imported, &mut Watch { control: &control, report: &mut report });
    assert!(matches!(result, Err(DataError::Cancelled)));
}

/// The label and the reason of each row of a file with corrections, by record; 1 is the first row.
fn with_corrections(main: &str, corrections: &[(u64, RowEdit)], drop_duplicates: bool) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), main, None, None);
    project.cleaning.drop_duplicates = drop_duplicates;
    for (record, edit) in corrections {
        let (text, label) = main.lines().nth(*record as usize).unwrap().split_once(',').unwrap();
        let id = RowId { file: SourceFile::Main, record: *record };
        project.edits.rows.insert(id, RowEdit { content_hash: content_hash(text, label), ..edit.clone() });
    }
    let ready = prepared(&project, folder.path()).1;
    let mut rows: Vec<(RowId, String)> = ready.dropped.iter().map(|(id, why)| (*id, format!("{why:?}"))).collect();
    rows.extend(ready.examples.iter().map(|example| (example.id, ready.label_of(example).to_owned())));
    rows.sort();
    rows.into_iter().map(|(_, what)| what).collect()
}

#[test]
fn a_correction_goes_for_every_exact_copy() {
    let main = "text,label\nfine,good\npoor,bad\nfine,good\n fine ,bad\nso so,good\n";
    let excluded = || RowEdit { excluded: true, ..RowEdit::default() };
    // The twin that was left out neither comes back nor makes a conflict, and a row with another label follows too.
    assert_eq!(
        with_corrections(main, &[(1, RowEdit::relabelled("mixed"))], true),
        ["mixed", "bad", "Duplicate", "Duplicate", "good"]
    );
    assert_eq!(
        with_corrections(main, &[(3, RowEdit::relabelled("mixed"))], false),
        ["mixed", "bad", "mixed", "mixed", "good"]
    );
    // Each copy that a person decided on keeps that decision.
    let kept = RowEdit { kept: true, ..RowEdit::default() };
    assert_eq!(
        with_corrections(main, &[(1, RowEdit::relabelled("mixed")), (4, kept)], false),
        ["mixed", "bad", "mixed", "bad", "good"]
    );
    let two = [(1, RowEdit::relabelled("mixed")), (3, RowEdit::relabelled("bad"))];
    assert_eq!(with_corrections(main, &two, false), ["mixed", "bad", "bad", "bad", "good"]);
    // An excluded row is not replaced by its copy, unless copies count.
    let expected = ["Excluded", "bad", "Duplicate", "bad", "good"];
    assert_eq!(with_corrections(main, &[(1, excluded())], true), expected);
    let expected = ["Excluded", "bad", "good", "bad", "good"];
    assert_eq!(with_corrections(main, &[(1, excluded())], false), expected);
    // Excluding a copy that is left out anyway does not exclude the row that is used.
    assert_eq!(with_corrections(main, &[(3, excluded())], true), ["good", "bad", "Excluded", "bad", "good"]);
}
