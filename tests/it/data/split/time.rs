//! The oldest rows are for training, the newest for the test.

use super::*;

#[test]
fn split_by_time_trains_on_the_oldest_rows_and_tests_on_the_newest() {
    let mut main = "text,label,written\n".to_owned();
    for row in 0..200_usize {
        // Unordered dates, two rows each, the day before the month.
        let day = (row / 2 * 37) % 100;
        let (day, month) = (1 + day % 28, 1 + day / 28);
        writeln!(main, "{},{},{day:02}/{month:02}/2024 10:00", words(row), ["a", "b"][row % 2]).unwrap();
    }
    main += "no date at all,a,some day\nnone either,b,\n";
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("written", Some(ColumnRole::Time));
    project.split.method = SplitMethod::Time;
    let (imported, ready) = prepared(&project, folder.path());
    assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
    let column = imported.main.table.column_index("written").unwrap();
    let bounds = |side: Side| {
        let dates = ready.side(side).map(|example| imported.main.table.cell(column, example.row));
        let sortable = dates.filter(|date| date.len() > 10).map(|date| (date[3..5].to_owned(), date[..2].to_owned()));
        let dates: Vec<_> = sortable.collect();
        (dates.iter().min().unwrap().clone(), dates.iter().max().unwrap().clone())
    };
    let [train, validation, test] = Side::ALL.map(bounds);
    assert!(train.1 < validation.0 && validation.1 < test.0, "{train:?} {validation:?} {test:?}");
    assert_eq!(rows(&ready), [142, 20, 40], "the two without a date train");
    assert!(
        ready.warnings.iter().any(|warning| warning
            == "2 rows have no readable date in 'written' and go to the training set. The first is row 201: 'some day'"),
        "{:?}",
        ready.warnings
    );
    // Seed and stratification make no difference.
    project.split.seed = 9;
    assert_eq!(prepared(&project, folder.path()).1.split_hash, ready.split_hash);
}

#[test]
fn rows_of_one_day_stay_together_and_a_warning_names_the_sizes() {
    let day = |row: usize| format!("2024-01-{:02}", 1 + row / 30);
    let main = |days: usize| {
        let mut main = "text,label,written\n".to_owned();
        for row in 0..days * 30 {
            writeln!(main, "{},{},{}", words(row), ["a", "b"][row % 2], day(row)).unwrap();
        }
        main
    };
    let folder = tempfile::tempdir().unwrap();
    let by_time = |days: usize, change: &dyn Fn(&mut Project)| {
        let mut project = project(folder.path(), &main(days), None, None);
        project.dataset.set_role("written", Some(ColumnRole::Time));
        project.split.method = SplitMethod::Time;
        change(&mut project);
        prepared(&project, folder.path()).1
    };
    assert_eq!(rows(&by_time(10, &|_| ())), [210, 30, 60]);
    assert_eq!(rows(&by_time(10, &|project| project.split.test = Size::Rows(31))), [240, 30, 30]);
    let half = by_time(10, &|project| project.split.test = Size::Rows(15));
    let word = "Test has 30 rows, but about 15 were requested: rows with the same date stay together";
    assert_eq!(half.warnings, [word]);
    let two = by_time(2, &|_| ());
    assert_eq!(rows(&two), [30, 30, 0]);
    assert!(two.warnings.iter().any(|warning| warning.contains("has too few different dates for a test set")));
    let one = by_time(1, &|_| ());
    assert!(one.blockers.iter().any(|blocker| blocker.contains("There are no validation rows")), "{:?}", one.blockers);
}

#[test]
fn ambiguous_days_and_months_give_a_warning() {
    let mut main = "text,label,written\n".to_owned();
    for row in 0..48_usize {
        writeln!(main, "{},{},{}/{}/2024", words(row), ["a", "b"][row % 2], 1 + row % 12, 1 + row % 4).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("written", Some(ColumnRole::Time));
    project.split.method = SplitMethod::Time;
    let warnings = prepared(&project, folder.path()).1.warnings;
    let word = "Days and months are ambiguous in 'written': '1/1/2024' is read as month, day, year";
    assert!(warnings.iter().any(|warning| warning == word), "{warnings:?}");
}

#[test]
fn a_label_only_in_the_newest_rows_blocks_training() {
    let mut main = "text,label,written\n".to_owned();
    for row in 0..100_usize {
        let label = if row > 95 { "new" } else { ["a", "b"][row % 2] };
        writeln!(main, "{},{label},2024-01-01 10:{:02}:{:02}", words(row), row / 60, row % 60).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("written", Some(ColumnRole::Time));
    project.split.method = SplitMethod::Time;
    let blockers = prepared(&project, folder.path()).1.blockers;
    assert!(blockers[0].contains(
        "The label 'new' is in the test set (4 rows, the first: row 97) but not in the training set. Split at random"
    ));
}
