//! Splits: by groups, near-duplicates, time or a column, with sizes as shares or as rows.

mod column;
mod folds;
mod groups;
mod kept;
mod time;

use std::collections::BTreeMap;
use std::fmt::Write;

use super::*;
use hone::data::{NearGroups, RowsToSplit, Side, split_again};
use hone::project::{ColumnRole, Size, SplitMethod, SplitSettings};

/// The sides of all rows of the main file, by record number.
fn sides(prepared: &Prepared) -> BTreeMap<u64, Side> {
    let main = prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main);
    main.map(|example| (example.id.record, example.side)).collect()
}

fn rows(prepared: &Prepared) -> [usize; 3] {
    Side::ALL.map(|side| prepared.side(side).count())
}

/// Reads a project's file once and prepares it with each of some changes.
fn prepared_with(project: &Project, folder: &Path, changes: &[&dyn Fn(&mut Project)]) -> Vec<Prepared> {
    let imported = watched(|watch| import(project, folder, watch)).unwrap();
    let first = watched(|watch| prepare(project, &imported, watch)).unwrap();
    let with = |change: &&dyn Fn(&mut Project)| {
        let mut changed = project.clone();
        change(&mut changed);
        let prepared = watched(|watch| prepare(&changed, &imported, watch)).unwrap();
        // Splitting prepared rows again gives the same result as preparing them with these settings.
        if (Project { split: project.split.clone(), ..changed.clone() }) == *project {
            let (first, find_near) = (first.clone(), &mut NearGroups::find);
            let again = watched(|watch| {
                let from = RowsToSplit { project: &changed, imported: &imported, drawn: None };
                split_again(from, first, find_near, watch)
            })
            .unwrap();
            assert_eq!(format!("{again:?}"), format!("{prepared:?}"));
        }
        prepared
    };
    changes.iter().map(with).collect()
}

/// Six words, different in every text.
fn words(row: usize) -> String {
    let word = |place: usize| {
        let letters = (row * 7 + place * 13).to_string().into_bytes();
        letters.iter().map(|digit| char::from(b'a' + (digit - b'0') * 2)).collect::<String>() + &"xyz"[place % 3..]
    };
    (0..6).map(|place| format!("{}{place}", word(place * 31 + row))).collect::<Vec<_>>().join(" ")
}

/// Texts. Every third is a copy of the one before with a word changed.
fn with_near_duplicates() -> String {
    let mut text = "text,label\n".to_owned();
    for row in 0..300 {
        let label = ["good", "bad"][(row / 3) % 2];
        let (kin, end) = if row % 3 == 2 { (row - 1, "really!") } else { (row, "indeed.") };
        writeln!(text, "{} and the parcel came late with {} {end},{label}", words(kin), words(kin + 1000)).unwrap();
    }
    // Too short to be compared, but equal; they are kept, because duplicates are not dropped below.
    text + &"ok,good\n".repeat(8)
}

#[test]
fn older_projects_keep_their_split() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &balanced(&["a", "b"], 50), None, None);
    let earlier = |project: &mut Project| project.split = SplitSettings::of_earlier_files();
    let ready = prepared_with(&project, folder.path(), &[&|_| (), &earlier]);
    assert_ne!(ready[0].split_hash, ready[1].split_hash);
    assert_eq!(&ready[1].split_hash[..16], "1a707e8dd3a933f3");
}

#[test]
fn sizes_in_rows_are_exact_and_stratified() {
    let folder = tempfile::tempdir().unwrap();
    let mut main = balanced(&["a", "b", "c"], 101);
    (0..33).for_each(|row| writeln!(main, "{},d", words(row)).unwrap());
    let mut project = project(folder.path(), &main, None, None);
    (project.split.validation, project.split.test) = (Size::Rows(50), Size::Rows(77));
    let ready = prepared(&project, folder.path()).1;
    assert_eq!(rows(&ready), [336 - 127, 50, 77]);
    assert!(ready.counts()[..3].iter().all(|label| (14..=16).contains(&label[1]) && (22..=24).contains(&label[2])));
    project.split.stratified = false;
    assert_eq!(rows(&prepared(&project, folder.path()).1), [336 - 127, 50, 77]);
    // A share for one side, a number of rows for the other.
    (project.split.validation, project.split.test) = (Size::Share(0.25), Size::Rows(1));
    assert_eq!(rows(&prepared(&project, folder.path()).1), [251, 84, 1]);
    (project.split.validation, project.split.test) = (Size::Rows(200), Size::Rows(136));
    let blockers = prepared(&project, folder.path()).1.blockers;
    assert_eq!(
        blockers,
        ["The sizes of validation (200 rows) and test (136 rows) leave none of 336 rows for training. Reduce them in \
             Prepare"]
    );
}

#[test]
fn validation_and_test_files_are_used_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let main = with_near_duplicates();
    let mut project =
        project(folder.path(), &main, None, Some("text,label\nQuite another text,good\nAnd one more,bad\n"));
    project.split.keep_near_together = true;
    let ready = prepared(&project, folder.path()).1;
    assert_eq!(ready.side(Side::Test).count(), 2);
    assert!(ready.side(Side::Test).all(|example| example.id.file == SourceFile::Test));
    let validation = ready.side(Side::Validation).count();
    assert!((28..=33).contains(&validation), "{validation}");
}

/// This many rows of each label, all texts different.
fn of_labels(labels: usize, rows: usize) -> String {
    let mut main = "text,label\n".to_owned();
    for row in 0..labels * rows {
        writeln!(main, "{},l{}", words(row), row % labels).unwrap();
    }
    main
}

#[test]
fn a_warning_says_why_a_split_is_larger_than_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &of_labels(30, 4), None, None);
    project.split.keep_near_together = false;
    let ready = prepared(&project, folder.path()).1;
    let word = "Validation has 30 rows, but about 12 were requested: each label is split separately, with at least one row in \
                every split";
    assert!(ready.blockers.is_empty() && ready.warnings.iter().any(|warning| warning == word), "{:?}", ready.warnings);
    project.split.stratified = false;
    assert!(prepared(&project, folder.path()).1.warnings.iter().all(|warning| !warning.contains("were requested")));
    // Three customers of forty rows each.
    let mut main = "customer,text,label\n".to_owned();
    (0..120).for_each(|row| writeln!(main, "c{},{},{}", row % 3, words(row), ["a", "b"][row % 2]).unwrap());
    let mut project = super::project(folder.path(), &main, None, None);
    project.dataset.set_role("customer", Some(ColumnRole::Group));
    project.split.stratified = false;
    let warnings = prepared(&project, folder.path()).1.warnings;
    let told = |warning: &String| warning.ends_with("were requested: rows that stay together are never split up");
    assert!(warnings.iter().any(told), "{warnings:?}");
}

#[test]
fn a_label_column_with_as_many_values_as_rows_is_refused() {
    let mut main = "text,label\n".to_owned();
    for row in 0..50_000 {
        let text = if row % 10_000 == 0 { "one and the same".to_owned() } else { words(row) };
        writeln!(main, "{text},l{row}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &main, None, None);
    let ready = prepared(&project, folder.path()).1;
    assert_eq!(
        ready.blockers,
        [
            "'label' has 50,000 different values in 50,000 rows, so it does not look like a label column. Choose another one"
        ]
    );
    // With half as many labels as rows they are split, and labels with too few rows are named.
    let pairs = super::project(folder.path(), &of_labels(10_000, 2), None, None);
    let blockers = prepared(&pairs, folder.path()).1.blockers;
    assert!(blockers[0].starts_with("Too few rows to split: 'l0' (2 rows), "), "{blockers:?}");
}
