//! How rows are divided: groups and near-duplicates whole, by time, as a column says, sizes as shares and as rows.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::*;
use hone::data::Side;
use hone::project::{ColumnRole, Size, SplitMethod, SplitSettings};

const SIDES: [Side; 3] = [Side::Train, Side::Validation, Side::Test];

/// The sides of all rows of the main file, by record number.
fn sides(prepared: &Prepared) -> BTreeMap<u64, Side> {
    let main = prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main);
    main.map(|example| (example.id.record, example.side)).collect()
}

fn rows(prepared: &Prepared) -> [usize; 3] {
    SIDES.map(|side| prepared.side(side).count())
}

/// Reads a project's file once and prepares it with each of some changes.
fn prepared_with(project: &Project, folder: &Path, changes: &[&dyn Fn(&mut Project)]) -> Vec<Prepared> {
    let imported = watched(|watch| import(project, folder, watch)).unwrap();
    let with = |change: &&dyn Fn(&mut Project)| {
        let mut project = project.clone();
        change(&mut project);
        watched(|watch| prepare(&project, &imported, watch)).unwrap()
    };
    changes.iter().map(with).collect()
}

/// Six words that differ in every text.
fn words(row: usize) -> String {
    let word = |place: usize| {
        let letters = (row * 7 + place * 13).to_string().into_bytes();
        letters.iter().map(|digit| char::from(b'a' + (digit - b'0') * 2)).collect::<String>() + &"xyz"[place % 3..]
    };
    (0..6).map(|place| format!("{}{place}", word(place * 31 + row))).collect::<Vec<_>>().join(" ")
}

/// Reviews of customers who write one to nine of them, with two common labels and a rare one.
fn by_customers() -> String {
    let mut text = "customer,text,label\n".to_owned();
    let mut row = 0;
    for customer in 0..120 {
        for _ in 0..=(customer * 7) % 9 {
            let label = if row % 29 == 0 { "rare" } else { ["good", "bad"][(row / 3) % 2] };
            writeln!(text, "customer {customer},{},{label}", words(row)).unwrap();
            row += 1;
        }
    }
    // Nobody is known of these: each is a group of its own.
    for _ in 0..10 {
        writeln!(text, ",{},good", words(row)).unwrap();
        row += 1;
    }
    text
}

#[test]
fn rows_of_a_customer_stay_on_one_side_over_many_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &by_customers(), None, None);
    project.dataset.set_role("customer", Some(ColumnRole::Group));
    let imported = watched(|watch| import(&project, folder.path(), watch)).unwrap();
    let table = &imported.main.table;
    let column = table.column_index("customer").unwrap();
    let mut divisions = Vec::new();
    for seed in 0..40 {
        project.split.seed = seed;
        let ready = watched(|watch| prepare(&project, &imported, watch)).unwrap();
        assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
        let mut side_of = BTreeMap::new();
        for example in &ready.examples {
            let customer = table.cell(column, example.row);
            if !customer.is_empty() {
                assert_eq!(*side_of.entry(customer).or_insert(example.side), example.side, "seed {seed}: {customer}");
            }
        }
        let total = ready.examples.len() as f64;
        for (found, share) in rows(&ready).into_iter().zip([0.7, 0.1, 0.2]) {
            assert!((found as f64 / total - share).abs() < 0.02, "seed {seed}: {:?} of {total}", rows(&ready));
        }
        for (label, counts) in ready.labels.iter().zip(ready.counts()) {
            assert!(counts.iter().all(|&rows| rows > 0), "seed {seed}: {label} {counts:?}");
        }
        assert!(ready.warnings.iter().any(|warning| warning.contains("10 rows have no 'customer'")));
        divisions.push(ready.split_hash);
    }
    let again = watched(|watch| prepare(&project, &imported, watch)).unwrap();
    assert_eq!(again.split_hash, divisions[39], "the same seed divides alike");
    divisions.sort();
    divisions.dedup();
    assert_eq!(divisions.len(), 40, "another seed divides otherwise");
}

#[test]
fn a_label_in_too_few_groups_is_learnt_and_told() {
    let mut main = "customer,text,label\n".to_owned();
    for row in 0..60 {
        writeln!(main, "c{row},{},{}", words(row), ["good", "bad"][row % 2]).unwrap();
    }
    for row in 60..66 {
        writeln!(main, "one and the same,{},odd", words(row)).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("customer", Some(ColumnRole::Group));
    for seed in 0..10 {
        project.split.seed = seed;
        let ready = prepared(&project, folder.path()).1;
        assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
        assert_eq!(ready.counts()[2], [6, 0, 0]);
        for side in ["validation", "test"] {
            let word = format!("No {side} row has the label 'odd': its rows are in too few groups that stay together");
            assert!(ready.warnings.iter().any(|warning| warning.contains(&word)), "{:?}", ready.warnings);
        }
    }
}

/// Texts of which every third is the one before with a word changed.
fn with_near_duplicates() -> String {
    let mut text = "text,label\n".to_owned();
    for row in 0..300 {
        let label = ["good", "bad"][(row / 3) % 2];
        let (kin, end) = if row % 3 == 2 { (row - 1, "really!") } else { (row, "indeed.") };
        writeln!(text, "{} and the parcel came late with {} {end},{label}", words(kin), words(kin + 1000)).unwrap();
    }
    // Too short to be compared, and the same to the letter; kept, as duplicates are not left out below.
    text + &"ok,good\n".repeat(8)
}

#[test]
fn near_duplicates_are_never_on_two_sides_where_they_are_kept_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &with_near_duplicates(), None, None);
    project.cleaning.drop_duplicates = false;
    let mut apart_without = 0;
    for seed in 0..25 {
        project.split.seed = seed;
        let together = |project: &mut Project| project.split.keep_near_together = true;
        let alone = |project: &mut Project| project.split.keep_near_together = false;
        let ready = prepared_with(&project, folder.path(), &[&together, &alone]);
        let apart = |prepared: &Prepared| {
            let sides = sides(prepared);
            let pairs = (1..=100).filter(|group| sides[&(group * 3 - 1)] != sides[&(group * 3)]).count();
            let copies = (301..308).filter(|row| sides[row] != sides[&308]).count();
            pairs + copies
        };
        assert_eq!(apart(&ready[0]), 0, "seed {seed}");
        assert!(ready[0].near.is_some() && ready[1].near.is_none());
        apart_without += apart(&ready[1]);
        let total = ready[0].examples.len() as f64;
        for (found, share) in rows(&ready[0]).into_iter().zip([0.7, 0.1, 0.2]) {
            assert!((found as f64 / total - share).abs() < 0.03, "{:?} of {total}", rows(&ready[0]));
        }
    }
    assert!(apart_without > 500, "{apart_without}");
}

#[test]
fn groups_and_near_duplicates_are_kept_together_at_once() {
    // The near-duplicates join customers: whoever wrote one of a pair goes with whoever wrote the other.
    let mut main = "customer,text,label\n".to_owned();
    for pair in 0..60 {
        for copy in 0..2 {
            let text = format!("{} came with {}", words(pair), words(pair + 500));
            let (customer, label) = (pair * 2 + copy, ["good", "bad"][pair % 2]);
            writeln!(main, "c{customer},{text}{},{label}", ["", "!!"][copy]).unwrap();
            writeln!(main, "c{customer},{},{label}", words(pair * 2 + copy + 2000)).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("customer", Some(ColumnRole::Group));
    project.cleaning.drop_duplicates = false;
    for seed in 0..10 {
        project.split.seed = seed;
        let sides = sides(&prepared(&project, folder.path()).1);
        for pair in 0..60 {
            let four: Vec<Side> = (1..=4).map(|row| sides[&(pair * 4 + row)]).collect();
            assert!(four.iter().all(|side| *side == four[0]), "seed {seed}, pair {pair}: {four:?}");
        }
    }
}

#[test]
fn the_split_of_files_without_groups_is_the_one_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &balanced(&["a", "b"], 50), None, None);
    let earlier = |project: &mut Project| project.split = SplitSettings::of_earlier_files();
    let ready = prepared_with(&project, folder.path(), &[&|_| (), &earlier]);
    assert_eq!(ready[0].split_hash, ready[1].split_hash);
    assert_eq!(&ready[0].split_hash[..16], "1a707e8dd3a933f3");
}

#[test]
fn by_time_the_oldest_train_and_the_newest_are_the_test() {
    let mut main = "text,label,written\n".to_owned();
    for row in 0..200_usize {
        // Days in no order, two rows each, the day before the month.
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
    let [train, validation, test] = SIDES.map(bounds);
    assert!(train.1 < validation.0 && validation.1 < test.0, "{train:?} {validation:?} {test:?}");
    assert_eq!(rows(&ready), [142, 20, 40], "the two without a date train");
    assert!(
        ready.warnings.iter().any(|warning| warning
            == "2 rows have no date in 'written' that can be read: they are learnt from. The first is row 201: 'some day'"),
        "{:?}",
        ready.warnings
    );
    // Other settings of chance change nothing.
    project.split.seed = 9;
    assert_eq!(prepared(&project, folder.path()).1.split_hash, ready.split_hash);
}

#[test]
fn rows_of_one_day_stay_together_and_what_days_cannot_give_is_told() {
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
    let word = "Test has 30 rows where about 15 were asked for: rows of the same time stay together";
    assert_eq!(half.warnings, [word]);
    let two = by_time(2, &|_| ());
    assert_eq!(rows(&two), [30, 30, 0]);
    assert!(
        two.warnings.iter().any(|warning| warning.contains("has too few different dates to give test rows of its own"))
    );
    let one = by_time(1, &|_| ());
    assert!(
        one.blockers.iter().any(|blocker| blocker.contains("There are no rows for validation")),
        "{:?}",
        one.blockers
    );
}

#[test]
fn days_and_months_that_cannot_be_told_apart_are_told() {
    let mut main = "text,label,written\n".to_owned();
    for row in 0..48_usize {
        writeln!(main, "{},{},{}/{}/2024", words(row), ["a", "b"][row % 2], 1 + row % 12, 1 + row % 4).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("written", Some(ColumnRole::Time));
    project.split.method = SplitMethod::Time;
    let warnings = prepared(&project, folder.path()).1.warnings;
    let word = "Days and months cannot be told apart in 'written': '1/1/2024' is read as month, day, year";
    assert!(warnings.iter().any(|warning| warning == word), "{warnings:?}");
}

#[test]
fn a_label_that_only_later_times_have_cannot_be_learnt() {
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
    assert!(
        blockers[0].contains(
            "The label 'new' is in test (row 97, 4 rows in all) but not in the training rows. Split at random"
        )
    );
}

/// Rows whose sides a column names.
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
fn a_column_names_the_sides_in_any_case() {
    let ready = by_column(&with_sides(&["train", "TRAIN", " Dev ", "Test", "test"]), |_| ());
    assert!(ready.blockers.is_empty() && ready.warnings.is_empty(), "{:?} {:?}", ready.blockers, ready.warnings);
    assert_eq!(rows(&ready), [40, 20, 40]);
    let sides = sides(&ready);
    assert_eq!((sides[&1], sides[&41], sides[&61]), (Side::Train, Side::Validation, Side::Test));
}

#[test]
fn values_that_name_no_side_and_empty_ones_are_named_with_their_row() {
    let main = with_sides(&["train", "dev", "test"]) + "one,a,tset\ntwo,b,\nthree,a,later\nfour,b,\n";
    let ready = by_column(&main, |_| ());
    assert_eq!(
        ready.blockers,
        [
            "'tset' in the split column 'part' of main.csv names no side (row 61; 2 such rows in all). Known are train, validation \
             (valid, val, dev, eval) and test, in any case. Change the value in the file, exclude the rows, or split another way \
             in Prepare",
            "The split column 'part' of main.csv is empty in row 62 (2 such rows in all). Fill it in in the file, exclude the \
             rows, or split another way in Prepare",
        ]
    );
}

#[test]
fn validation_is_taken_from_training_where_the_column_names_none() {
    let main = with_sides(&["train", "train", "train", "train", "test"]);
    let ready = by_column(&main, |_| ());
    assert_eq!(rows(&ready), [72, 8, 20]);
    assert!(sides(&ready).iter().all(|(&row, &side)| (row > 80) == (side == Side::Test)));
    let word = "'part' names no validation rows: 8 of its 80 training rows, taken by chance, are validation";
    assert_eq!(ready.warnings, [word]);
    let of_rows = by_column(&main, |project| {
        // The test is as the column says, whatever its size would be otherwise.
        (project.split.validation, project.split.test) = (Size::Rows(10), Size::Rows(33));
    });
    assert_eq!(rows(&of_rows), [70, 10, 20]);
    let all = by_column(&main, |project| project.split.validation = Size::Rows(500));
    assert_eq!(
        all.blockers,
        [
            "There are no rows for validation, which decides when training is best. Its size (500 rows) takes all of the 80 training \
             rows there are, or more. Lower it in Prepare, or give a validation file"
        ]
    );
    let none = by_column(&main, |project| project.split.validation = Size::NONE);
    assert!(none.blockers[0].contains("There are no rows for validation"), "{:?}", none.blockers);
}

#[test]
fn columns_that_are_not_there_or_not_chosen_are_named() {
    let main = with_sides(&["train", "dev", "test"]);
    let none = by_column(&main, |project| project.dataset.set_columns_of(ColumnRole::Split, &[]));
    assert_eq!(none.blockers.len(), 1, "{:?}", none.blockers);
    assert!(none.blockers[0].contains("no split column is chosen. Choose one in Prepare, or split at random"));
    assert_eq!(none.examples.len(), 60, "the rows can be looked at meanwhile");
    let wrong = by_column(&main, |project| project.dataset.set_role("side", Some(ColumnRole::Split)));
    assert!(wrong.blockers[0].contains("main.csv has no column 'side' for the split. It has: 'text', 'label', 'part'"));
    let time = by_column(&main, |project| project.split.method = SplitMethod::Time);
    assert!(
        time.blockers[0].contains("The data is split by time, and no time column is chosen"),
        "{:?}",
        time.blockers
    );
    let group = by_column(&main, |project| {
        project.split.method = SplitMethod::Random;
        project.dataset.set_role("customer", Some(ColumnRole::Group));
    });
    assert!(group.blockers[0].contains("main.csv has no column 'customer' for the group"), "{:?}", group.blockers);
}

#[test]
fn sizes_as_rows_are_exact_and_labels_keep_their_shares() {
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
    // A share of one, a number of the other.
    (project.split.validation, project.split.test) = (Size::Share(0.25), Size::Rows(1));
    assert_eq!(rows(&prepared(&project, folder.path()).1), [251, 84, 1]);
    (project.split.validation, project.split.test) = (Size::Rows(200), Size::Rows(136));
    let blockers = prepared(&project, folder.path()).1.blockers;
    assert_eq!(
        blockers,
        [
            "The sizes of validation (200 rows) and test (136 rows) leave nothing for training of 336 rows. Each must be at least 0, \
          and both together less than all"
        ]
    );
}

#[test]
fn sides_with_files_of_their_own_are_left_alone() {
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

/// Rows of so many labels each, all texts different.
fn of_labels(labels: usize, rows: usize) -> String {
    let mut main = "text,label\n".to_owned();
    for row in 0..labels * rows {
        writeln!(main, "{},l{}", words(row), row % labels).unwrap();
    }
    main
}

#[test]
fn why_a_side_is_larger_than_asked_for_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &of_labels(30, 4), None, None);
    project.split.keep_near_together = false;
    let ready = prepared(&project, folder.path()).1;
    let word = "Validation has 30 rows where about 12 were asked for: each label is divided for itself, with at least one row on \
                every side";
    assert!(ready.blockers.is_empty() && ready.warnings.iter().any(|warning| warning == word), "{:?}", ready.warnings);
    project.split.stratified = false;
    assert!(prepared(&project, folder.path()).1.warnings.iter().all(|warning| !warning.contains("asked for")));
    // Three customers of forty rows each.
    let mut main = "customer,text,label\n".to_owned();
    (0..120).for_each(|row| writeln!(main, "c{},{},{}", row % 3, words(row), ["a", "b"][row % 2]).unwrap());
    let mut project = super::project(folder.path(), &main, None, None);
    project.dataset.set_role("customer", Some(ColumnRole::Group));
    project.split.stratified = false;
    let warnings = prepared(&project, folder.path()).1.warnings;
    let told = |warning: &String| warning.ends_with("were asked for: rows that stay together are not divided");
    assert!(warnings.iter().any(told), "{warnings:?}");
}

#[test]
fn a_column_of_other_things_than_labels_is_told_in_seconds() {
    let mut main = "text,label\n".to_owned();
    for row in 0..50_000 {
        let text = if row % 10_000 == 0 { "one and the same".to_owned() } else { words(row) };
        writeln!(main, "{text},l{row}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &main, None, None);
    let begun = std::time::Instant::now();
    let ready = prepared(&project, folder.path()).1;
    assert_eq!(
        ready.blockers,
        [
            "'label' has 50000 different values in 50000 rows, so it does not look like a label column. Choose another one"
        ]
    );
    // Half as many labels as rows are divided, and those of too few rows named.
    let pairs = super::project(folder.path(), &of_labels(10_000, 2), None, None);
    let blockers = prepared(&pairs, folder.path()).1.blockers;
    assert!(blockers[0].starts_with("Too few rows to divide: 'l0' (2 rows), "), "{blockers:?}");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn copies_that_leave_nothing_to_set_aside_are_named_as_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let words = "the lamp came on time and it works as well as the one before, which was from the same shop";
    let rows: Vec<String> = (0..40).map(|row| format!("{words} {row},{}\n", ["good", "bad"][row % 2])).collect();
    let rows = rows.concat();
    let mut project = project(
        folder.path(),
        &format!("text,label\n\"{words}\",good\n{}", rows.replace(", which", " which")),
        None,
        None,
    );
    project.split.keep_near_together = true;
    let (_, ready) = prepared(&project, folder.path());
    let told =
        ready.blockers.iter().any(|blocker| blocker.contains("In Prepare rows nearly the same are kept together"));
    assert!(told, "{:?}", ready.blockers);
    project.split.keep_near_together = false;
    let (_, ready) = prepared(&project, folder.path());
    assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
}
