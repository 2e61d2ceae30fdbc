//! Rows keep their places from a project's first run on, through the terminal.

use std::collections::BTreeSet;

use super::{Place, reviews};
use hone::data::content_hash;
use hone::project::{Project, RowEdit, RowId, SourceFile};
use hone::storage::{ProjectFile, RunFolder};

fn change(place: &Place, change: impl FnOnce(&mut Project)) {
    let opened = ProjectFile::open(&place.path("shop")).unwrap();
    let mut project = opened.project;
    change(&mut project);
    opened.file.save(&project).unwrap();
}

/// Trains, and gives what was logged and the texts that the run was tested on.
fn trained(place: &Place) -> (String, BTreeSet<String>) {
    let ended = place.hone(&["train", "shop", "--set", "epochs=1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let run = &RunFolder::list(&place.path("shop")).unwrap()[0].folder;
    let tested = run.read_predictions("test").unwrap().into_iter().map(|row| row.text).collect();
    (ended.err, tested)
}

#[test]
fn corrections_and_new_rows_leave_the_test_rows_where_they_are_until_a_new_split_is_drawn() {
    let place = Place::new();
    place.project();
    assert!(!place.path("shop/split.parquet").exists());
    let (_, first) = trained(&place);
    assert!(place.path("shop/split.parquet").exists() && first.len() > 5);

    let rows = reviews(20);
    let line = |record: usize| rows.lines().nth(record).unwrap().split_once(',').unwrap().1.split_once(',').unwrap();
    change(&place, |project| {
        for record in [1, 2, 3] {
            let (text, label) = line(record);
            let other = ["good", "fair"].into_iter().find(|other| *other != label);
            let edit = RowEdit { content_hash: content_hash(text, label), ..RowEdit::relabelled(other.unwrap()) };
            project.edits.rows.insert(RowId { file: SourceFile::Main, record: record as u64 }, edit);
        }
    });
    let (told, second) = trained(&place);
    assert!(!told.contains("Results of older runs"), "{told}");
    assert_eq!(second, first);

    let new: Vec<String> =
        (0..5).map(|row| format!("n{row},a new review number {row} with new words,{}", line(1).1)).collect();
    let (head, rest) = rows.split_once('\n').unwrap();
    place.write("reviews.csv", format!("{head}\n{}\n{rest}", new.join("\n")));
    let (told, third) = trained(&place);
    assert!(
        told.contains("5 new rows have joined the split of the last run. The others stay where they were."),
        "{told}"
    );
    let new_ones = |text: &String| text.starts_with("a new review");
    assert_eq!(third.into_iter().filter(|text| !new_ones(text)).collect::<BTreeSet<_>>(), first);

    change(&place, |project| project.split = project.split.drawn_again());
    let (told, fourth) = trained(&place);
    assert!(told.contains("Results of older runs are not comparable with those of the next one."), "{told}");
    assert_ne!(fourth.into_iter().filter(|text| !new_ones(text)).collect::<BTreeSet<_>>(), first);
    let (told, _) = trained(&place);
    assert!(!told.contains("Results of older runs"), "{told}");
}

#[test]
fn a_damaged_split_stops_training_and_says_what_to_do() {
    let place = Place::new();
    place.project();
    trained(&place);
    place.write("shop/split.parquet", "nothing");
    let error = place.bad(1, &["train", "shop"]);
    assert!(
        error.contains("split.parquet is damaged (") && error.contains("Delete it to draw a new split."),
        "{error}"
    );
    std::fs::remove_file(place.path("shop/split.parquet")).unwrap();
    trained(&place);
}
