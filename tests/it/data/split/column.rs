//! A column says which rows are for training, validation and test.

use super::*;

/// Rows with a column that gives their sides.
fn with_sides(names: &[&str]) -> String {
    let mut main = "text,label,part\n".to_owned();
    for row in 0..names.len() * 20 {
        writeln!(main, "{},{},{}", words(row), ["a", "b"][row % 2], names[row / 20]).unwrap();
    }
    main
}

fn by_column(main: &str, change: impl Fn(&mut Project)) -> Prepared {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), main, None, None);
    project.dataset.set_role("part", Some(ColumnRole::Split));
    project.split.method = SplitMethod::Column;
    change(&mut project);
    prepared(&project, folder.path()).1
}

#[test]
fn names_in_the_split_column_are_read_in_any_case() {
    let ready = by_column(&with_sides(&["train", "TRAIN", " Dev ", "Test", "test"]), |_| ());
    assert!(ready.blockers.is_empty() && ready.warnings.is_empty(), "{:?} {:?}", ready.blockers, ready.warnings);
    assert_eq!(rows(&ready), [40, 20, 40]);
    let sides = sides(&ready);
    assert_eq!((sides[&1], sides[&41], sides[&61]), (Side::Train, Side::Validation, Side::Test));
}

#[test]
fn unknown_and_empty_values_in_the_split_column_are_reported_with_their_row() {
    let main = with_sides(&["train", "dev", "test"]) + "one,a,tset\ntwo,b,\nthree,a,later\nfour,b,\n";
    let ready = by_column(&main, |_| ());
    assert_eq!(
        ready.blockers,
        [
            "'tset' in the split column 'part' of main.csv is not the name of a split (row 61; 2 such rows in all). Use train, \
             validation (valid, val, dev, eval) and test, in upper or lower case. Change the value in the file, exclude the rows, \
             or choose another split method in Prepare",
            "The split column 'part' of main.csv is empty in row 62 (2 such rows in all). Fill it in, exclude the rows, or choose \
             another split method in Prepare",
        ]
    );
}

#[test]
fn validation_rows_are_drawn_from_training_when_the_column_names_none() {
    let main = with_sides(&["train", "train", "train", "train", "test"]);
    let ready = by_column(&main, |_| ());
    assert_eq!(rows(&ready), [72, 8, 20]);
    assert!(sides(&ready).iter().all(|(&row, &side)| (row > 80) == (side == Side::Test)));
    let word = "'part' has no validation rows: 8 of its 80 training rows, chosen at random, are used for validation";
    assert_eq!(ready.warnings, [word]);
    let of_rows = by_column(&main, |project| {
        // The test set is what the column says, whatever size is set.
        (project.split.validation, project.split.test) = (Size::Rows(10), Size::Rows(33));
    });
    assert_eq!(rows(&of_rows), [70, 10, 20]);
    let all = by_column(&main, |project| project.split.validation = Size::Rows(500));
    assert_eq!(
        all.blockers,
        [
            "There are no validation rows. They are needed to choose the best checkpoint. The requested size (500 rows) leaves \
             none of the 80 training rows for training. Decrease it in Prepare, or add a validation file"
        ]
    );
    let none = by_column(&main, |project| project.split.validation = Size::NONE);
    assert!(none.blockers[0].contains("There are no validation rows"), "{:?}", none.blockers);
}

#[test]
fn missing_columns_are_reported() {
    let main = with_sides(&["train", "dev", "test"]);
    let none = by_column(&main, |project| project.dataset.set_columns_of(ColumnRole::Split, &[]));
    assert_eq!(none.blockers.len(), 1, "{:?}", none.blockers);
    assert!(none.blockers[0].contains("no split column is chosen. Choose one in Prepare, or split at random"));
    assert_eq!(none.examples.len(), 60, "the rows can be looked at meanwhile");
    let wrong = by_column(&main, |project| project.dataset.set_role("side", Some(ColumnRole::Split)));
    assert!(wrong.blockers[0].contains("main.csv has no column 'side' for the split. It has: 'text', 'label', 'part'"));
    let time = by_column(&main, |project| project.split.method = SplitMethod::Time);
    assert!(
        time.blockers[0].contains("The data is split by time, but no time column is chosen"),
        "{:?}",
        time.blockers
    );
    let group = by_column(&main, |project| {
        project.split.method = SplitMethod::Random;
        project.dataset.set_role("customer", Some(ColumnRole::Group));
    });
    assert!(group.blockers[0].contains("main.csv has no column 'customer' for the group"), "{:?}", group.blockers);
}
