//! Folds of a cross-validation: every row is tested once, and what belongs together stays together.

use std::collections::BTreeSet;

use super::*;
use hone::data::{DataError, rows_used};
use hone::project::RowsUsed;

/// The rows of every fold of a project.
fn folds_of(project: &Project, folder: &Path, of: u32) -> Vec<Prepared> {
    let (imported, ready) = prepared(project, folder);
    assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
    let from = RowsToSplit { project, imported: &imported, drawn: None };
    let fold = |number| rows_used(from, &ready, RowsUsed::Fold { number, of }, &Control::default()).unwrap();
    (0..of).map(fold).collect()
}

fn main_records(prepared: &Prepared, side: Side) -> BTreeSet<u64> {
    let main = prepared.side(side).filter(|example| example.id.file == SourceFile::Main);
    main.map(|example| example.id.record).collect()
}

/// Each row is tested in one fold, and trains or validates in the others.
fn assert_each_row_once(folds: &[Prepared], rows: usize) {
    let tested: Vec<u64> = folds.iter().flat_map(|fold| main_records(fold, Side::Test)).collect();
    assert_eq!((tested.len(), tested.iter().collect::<BTreeSet<_>>().len()), (rows, rows));
    let hashes: BTreeSet<&str> = folds.iter().map(|fold| fold.split_hash.as_str()).collect();
    assert_eq!(hashes.len(), folds.len());
}

#[test]
fn near_duplicates_are_in_one_fold_and_labels_alike_in_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &with_near_duplicates(), None, None);
    project.cleaning.drop_duplicates = false;
    let folds = folds_of(&project, folder.path(), 5);
    assert_each_row_once(&folds, 308);
    for fold in &folds {
        let sides = sides(fold);
        assert!((3..=300).step_by(3).all(|row| sides[&row] == sides[&(row - 1)]), "twins are on one side");
        assert!((301..308).all(|row| sides[&row] == sides[&301]), "and so are equal texts");
        for counts in fold.counts() {
            let share = |side: usize| counts[side] as f64 / counts.iter().sum::<usize>() as f64;
            assert!((share(2) - 0.2).abs() < 0.03 && (share(1) - 0.1).abs() < 0.03, "{counts:?}");
        }
        assert_eq!(rows(fold).iter().sum::<usize>(), 308);
    }
}

#[test]
fn rows_of_a_customer_are_in_one_fold() {
    let mut main = "customer,text,label\n".to_owned();
    for row in 0..200_usize {
        writeln!(main, "c{},{},{}", row / 4, words(row), ["a", "b"][row % 2]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("customer", Some(ColumnRole::Group));
    let folds = folds_of(&project, folder.path(), 4);
    assert_each_row_once(&folds, 200);
    for fold in &folds {
        let sides = sides(fold);
        assert!((1..=200).all(|row| sides[&row] == sides[&((row - 1) / 4 * 4 + 1)]));
    }
}

#[test]
fn folds_by_time_learn_only_from_earlier_rows() {
    let mut main = "text,label,written\n".to_owned();
    for row in 0..240_usize {
        let day = (row * 37) % 120;
        writeln!(main, "{},{},2024-{:02}-{:02}", words(row), ["a", "b"][row % 2], 1 + day / 28, 1 + day % 28).unwrap();
    }
    main += "no date,a,\n";
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("written", Some(ColumnRole::Time));
    project.split.method = SplitMethod::Time;
    let folds = folds_of(&project, folder.path(), 5);
    let day = |record: u64| if record == 241 { None } else { Some(((record as usize - 1) * 37) % 120) };
    let mut tested = BTreeSet::new();
    for (number, fold) in folds.iter().enumerate() {
        let days = |side| main_records(fold, side).into_iter().filter_map(day).collect::<BTreeSet<_>>();
        let [train, validation, test] = Side::ALL.map(days);
        assert!(train.last() < validation.first() && validation.last() < test.first(), "fold {number}");
        assert!(main_records(fold, Side::Train).contains(&241), "a row without a date trains");
        assert!(tested.is_disjoint(&main_records(fold, Side::Test)));
        tested.extend(main_records(fold, Side::Test));
        assert_eq!(rows(fold)[2], 40);
        assert_eq!(rows(fold)[0] + rows(fold)[1], 40 * (number + 1) + 1, "later rows are left out");
    }
}

#[test]
fn test_rows_that_a_person_set_aside_are_left_out() {
    let rows_of = |names: &[&str]| {
        let mut main = "text,label,part\n".to_owned();
        for row in 0..names.len() * 20 {
            writeln!(main, "{},{},{}", words(row), ["a", "b"][row % 2], names[row / 20]).unwrap();
        }
        main
    };
    let folder = tempfile::tempdir().unwrap();
    let mut by_column = project(folder.path(), &rows_of(&["train", "train", "dev", "test"]), None, None);
    by_column.dataset.set_role("part", Some(ColumnRole::Split));
    by_column.split.method = SplitMethod::Column;
    let folds = folds_of(&by_column, folder.path(), 3);
    assert_each_row_once(&folds, 60);
    assert!(folds.iter().all(|fold| sides(fold).keys().all(|&row| row <= 60)));

    // Separate files: validation rows choose in every fold, and test rows are never seen.
    let more = |from: usize| {
        let mut text = "text,label\n".to_owned();
        for row in from..from + 10 {
            writeln!(text, "{},{}", words(row), ["a", "b"][row % 2]).unwrap();
        }
        text
    };
    let folder = tempfile::tempdir().unwrap();
    let (main, validation, test) = (more(0) + &more(100)["text,label\n".len()..], more(300), more(400));
    let mut project = project(folder.path(), &main, Some(&validation), Some(&test));
    project.dataset.set_role("text", Some(ColumnRole::Text));
    let folds = folds_of(&project, folder.path(), 4);
    assert_each_row_once(&folds, 20);
    for fold in &folds {
        assert_eq!(rows(fold), [15, 10, 5]);
        assert!(fold.side(Side::Validation).all(|example| example.id.file == SourceFile::Validation));
        assert!(fold.examples.iter().all(|example| example.id.file != SourceFile::Test));
    }
}

#[test]
fn ids_stay_with_their_rows_and_a_search_never_sees_test_rows() {
    let mut main = "id,text,label\n".to_owned();
    (0..50).for_each(|row| writeln!(main, "id {row},{},{}", words(row), ["a", "b"][row % 2]).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("id", Some(ColumnRole::Id));
    let (imported, ready) = prepared(&project, folder.path());
    let from = RowsToSplit { project: &project, imported: &imported, drawn: None };
    let used = |rows| rows_used(from, &ready, rows, &Control::default()).unwrap();
    let without = used(RowsUsed::WithoutTest);
    assert_eq!(rows(&without), [rows(&ready)[0], rows(&ready)[1], 0]);
    for part in [without, used(RowsUsed::Fold { number: 1, of: 3 })] {
        let keys = part.examples.iter().zip(&part.keys);
        assert!(keys.into_iter().all(|(row, key)| key.as_deref() == Some(&*format!("id {}", row.id.record - 1))));
        assert_eq!((part.examples.len(), &part.data_hash), (part.keys.len(), &ready.data_hash));
    }
    assert_eq!(used(RowsUsed::All).split_hash, ready.split_hash);
}

#[test]
fn a_fold_without_rows_is_said() {
    let main = "text,label\none lamp of mine,a\ntwo lamps of mine,b\nthree other things,a\n";
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), main, None, None);
    let (imported, ready) = prepared(&project, folder.path());
    let from = RowsToSplit { project: &project, imported: &imported, drawn: None };
    let fold = |number| rows_used(from, &ready, RowsUsed::Fold { number, of: 5 }, &Control::default());
    let error = (0..5).find_map(|number| fold(number).err()).unwrap();
    assert!(matches!(error, DataError::TooFewForFolds { folds: 5, .. }), "{error}");
    assert!(error.to_string().contains("would have no rows to test on. Choose fewer folds"), "{error}");
}

#[test]
fn a_smaller_part_is_within_a_larger_one_and_keeps_labels_and_groups() {
    let mut main = "customer,text,label\n".to_owned();
    for row in 0..400_usize {
        writeln!(main, "c{},{},{}", row / 4, words(row), ["a", "a", "a", "b"][row % 4]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("customer", Some(ColumnRole::Group));
    let (imported, ready) = prepared(&project, folder.path());
    let part = |percent, draw| {
        let from = RowsToSplit { project: &project, imported: &imported, drawn: None };
        rows_used(from, &ready, RowsUsed::Part { percent, draw }, &Control::default()).unwrap()
    };
    let all = main_records(&ready, Side::Train);
    let mut before = BTreeSet::new();
    for percent in [10, 25, 50] {
        let part = part(percent, 0);
        let train = main_records(&part, Side::Train);
        assert!(before.is_subset(&train) && train.is_subset(&all));
        for (of_part, of_all) in part.counts().iter().zip(ready.counts()) {
            assert_eq!(of_part[0], (of_all[0] * percent as usize).div_ceil(100), "each label keeps its share");
        }
        let customers: BTreeSet<u64> = train.iter().map(|record| (record - 1) / 4).collect();
        assert!(customers.len() <= train.len().div_ceil(4) + 1, "whole customers, but for the last");
        for side in [Side::Validation, Side::Test] {
            assert_eq!(main_records(&part, side), main_records(&ready, side));
        }
        assert_ne!(part.split_hash, ready.split_hash);
        before = train;
    }
    assert_eq!(main_records(&part(100, 0), Side::Train), all);
    assert_ne!(main_records(&part(50, 1), Side::Train), before, "another draw");
    assert_eq!(main_records(&part(50, 0), Side::Train), before, "the same draw");
}
