//! Rows of one group and near-duplicates stay together.

use super::*;

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
    // These have no customer, so each is its own group.
    for _ in 0..10 {
        writeln!(text, ",{},good", words(row)).unwrap();
        row += 1;
    }
    text
}

#[test]
fn rows_of_one_customer_are_in_one_split_for_every_seed() {
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
fn a_label_in_too_few_groups_stays_in_training_with_a_warning() {
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
            let word = format!("No {side} row has the label 'odd': its rows are in too few groups");
            assert!(ready.warnings.iter().any(|warning| warning.contains(&word)), "{:?}", ready.warnings);
        }
    }
}

#[test]
fn near_duplicates_are_in_one_split_when_kept_together() {
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
fn groups_joined_by_near_duplicates_stay_together() {
    // Near-duplicates join customers: the customers of both texts are on the same side.
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
fn when_near_duplicates_leave_no_validation_rows_the_error_says_so() {
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
    let told = ready.blockers.iter().any(|blocker| blocker.contains("The split keeps near-duplicates together"));
    assert!(told, "{:?}", ready.blockers);
    project.split.keep_near_together = false;
    let (_, ready) = prepared(&project, folder.path());
    assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
}
