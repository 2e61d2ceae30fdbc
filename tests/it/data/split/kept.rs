//! Rows keep their places once a model has been trained: whatever else changes, no other row moves.

use super::*;
use hone::data::{DrawnSplit, SplitOrigin, content_hash, prepare_with};
use hone::project::{RowEdit, RowId, RowKey};
use hone::random::Rng;

/// A project with the rows of a file, its lines, and the split written down at its first run.
struct Trained {
    folder: tempfile::TempDir,
    project: Project,
    lines: Vec<String>,
    drawn: DrawnSplit,
}

fn read_and_prepare(project: &Project, folder: &Path, drawn: Option<&DrawnSplit>) -> (Imported, Prepared) {
    let imported = watched(|watch| import(project, folder, watch)).unwrap();
    let from = RowsToSplit { project, imported: &imported, drawn };
    let prepared = watched(|watch| prepare_with(from, &mut NearGroups::find, watch)).unwrap();
    (imported, prepared)
}

impl Trained {
    fn on(main: &str, change: impl FnOnce(&mut Project)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut project = project(folder.path(), main, None, None);
        change(&mut project);
        let (imported, prepared) = read_and_prepare(&project, folder.path(), None);
        assert_eq!((prepared.origin, prepared.blockers.len()), (SplitOrigin::First, 0), "{:?}", prepared.blockers);
        let drawn = DrawnSplit::of(&project, &imported, &prepared.examples, None);
        Self { folder, project, lines: main.lines().map(str::to_owned).collect(), drawn }
    }

    fn prepared(&self) -> Prepared {
        std::fs::write(self.folder.path().join("main.csv"), self.lines.join("\n") + "\n").unwrap();
        read_and_prepare(&self.project, self.folder.path(), Some(&self.drawn)).1
    }

    /// The side of each text.
    fn sides(&self) -> BTreeMap<String, Side> {
        sides_of(&self.prepared())
    }

    fn correct(&mut self, record: u64, edit: RowEdit) {
        let line = &self.lines[record as usize];
        let (text, label) = line.rsplit_once(',').unwrap();
        let id = RowId { file: SourceFile::Main, record };
        self.project.edits.rows.insert(id, RowEdit { content_hash: content_hash(text, label), ..edit });
    }
}

fn sides_of(prepared: &Prepared) -> BTreeMap<String, Side> {
    prepared.examples.iter().map(|example| (example.text.clone(), example.side)).collect()
}

/// Three labels, 460 rows, all different.
fn reviews() -> String {
    let mut main = "text,label\n".to_owned();
    for row in 0..460 {
        writeln!(main, "{},{}", words(row), ["good", "bad", "so-so"][row % 5 % 3]).unwrap();
    }
    main
}

fn trained() -> Trained {
    Trained::on(&reviews(), |project| project.split.test = Size::Share(0.2))
}

#[test]
fn corrections_move_no_row() {
    let mut trained = trained();
    let before = trained.sides();
    trained.correct(3, RowEdit::relabelled("bad"));
    trained.correct(4, RowEdit::relabelled("so-so"));
    trained.correct(100, RowEdit::relabelled("a fourth label"));
    assert_eq!(trained.sides(), before);
    assert_eq!(trained.prepared().labels.len(), 4);
    trained.correct(7, RowEdit { excluded: true, ..RowEdit::default() });
    let mut without = before.clone();
    without.remove(&words(6)).unwrap();
    assert_eq!(trained.sides(), without);
    trained.project.edits.rows.clear();
    assert_eq!(trained.sides(), before, "an excluded row comes back to its place");
}

#[test]
fn inserted_removed_and_shuffled_rows_move_no_other_row() {
    let mut trained = trained();
    let before = trained.sides();
    for row in 0..5 {
        trained.lines.insert(1 + row * 50, format!("{},good", words(1_000 + row)));
    }
    let ready = trained.prepared();
    assert_eq!(ready.origin, SplitOrigin::Kept { joined: 5 });
    let after = sides_of(&ready);
    assert_eq!(after.len(), 465);
    assert!(before.iter().all(|(text, side)| after[text] == *side));
    Rng::new(3).shuffle(&mut trained.lines[1..]);
    assert_eq!(trained.sides(), after, "the new rows too");
    trained.lines.retain(|line| !line.ends_with(",so-so"));
    assert!(trained.sides().iter().all(|(text, side)| after[text] == *side));
}

#[test]
fn rows_are_found_by_id_when_their_text_changes_and_by_text_without_ids() {
    let with_ids = |(row, line): (usize, &str)| if row == 0 { format!("id,{line}") } else { format!("r{row},{line}") };
    let main: Vec<String> = reviews().lines().enumerate().map(with_ids).collect();
    let mut trained =
        Trained::on(&(main.join("\n") + "\n"), |project| project.dataset.set_role("id", Some(ColumnRole::Id)));
    let by_record = |trained: &Trained| sides(&trained.prepared());
    let before = by_record(&trained);
    for row in [5, 50, 150] {
        trained.lines[row] = format!("r{row},{} corrected,good", words(row + 2_000));
    }
    assert_eq!(by_record(&trained), before);
    trained.project.dataset.set_role("id", None);
    let now = by_record(&trained);
    let moved: Vec<u64> = before.keys().copied().filter(|record| now[record] != before[record]).collect();
    assert!(moved.iter().all(|record| [5, 50, 150].contains(record)), "{moved:?}");
}

#[test]
fn groups_and_near_duplicates_stay_whole_and_in_place() {
    let customers = |row: usize| format!("c{}", row % 60);
    let mut main = "customer,text,label\n".to_owned();
    for row in 0..300 {
        writeln!(main, "{},{},{}", customers(row), words(row), ["good", "bad"][row % 2]).unwrap();
    }
    let mut trained = Trained::on(&main, |project| project.dataset.set_role("customer", Some(ColumnRole::Group)));
    let before = trained.sides();
    for row in 300..330 {
        trained.lines.insert(row - 200, format!("{},{},good", customers(row), words(row)));
    }
    Rng::new(9).shuffle(&mut trained.lines[1..]);
    let after = trained.sides();
    assert!(before.iter().all(|(text, side)| after[text] == *side));
    for row in 300..330 {
        assert_eq!(after[&words(row)], before[&words(row % 60)], "row {row} goes where its customer is");
    }

    let mut trained = Trained::on(&with_near_duplicates(), |project| project.cleaning.drop_duplicates = false);
    let before = trained.sides();
    let copies = (0..20)
        .map(|row| format!("{} and the parcel came late with {} perhaps.,good", words(row * 3), words(row * 3 + 1000)));
    trained.lines.extend(copies);
    let after = trained.sides();
    assert!(before.iter().all(|(text, side)| after[text] == *side));
    for row in 0..20 {
        let [new, old] = ["perhaps.", "indeed."]
            .map(|end| format!("{} and the parcel came late with {} {end}", words(row * 3), words(row * 3 + 1000)));
        assert_eq!(after[&new], after[&old], "{new}");
    }
}

#[test]
fn rows_split_by_time_keep_their_places_and_new_ones_go_where_their_date_is() {
    let day = |row: usize| format!("2026-{:02}-{:02}", 1 + row / 28, 1 + row % 28);
    let mut main = "date,text,label\n".to_owned();
    for row in 0..200 {
        writeln!(main, "{},{},{}", day(row), words(row), ["good", "bad"][row % 2]).unwrap();
    }
    let mut trained = Trained::on(&main, |project| {
        project.dataset.set_role("date", Some(ColumnRole::Time));
        project.split.method = SplitMethod::Time;
    });
    let before = trained.sides();
    for row in 200..230 {
        trained.lines.push(format!("{},{},good", day(row), words(row)));
    }
    trained.lines.push(format!("{},{},good", day(3), words(999)));
    let after = trained.sides();
    assert!(before.iter().all(|(text, side)| after[text] == *side), "newer rows push no test row into training");
    assert!((200..230).all(|row| after[&words(row)] == Side::Test));
    assert_eq!(after[&words(999)], Side::Train);
}

#[test]
fn only_other_settings_or_other_rows_draw_a_new_split_and_it_is_said() {
    let mut trained = trained();
    let before = trained.sides();
    assert_eq!(trained.prepared().origin, SplitOrigin::Kept { joined: 0 });
    trained.project.split = trained.project.split.drawn_again();
    let ready = trained.prepared();
    assert_eq!(ready.origin, SplitOrigin::DrawnAgain);
    let warning = "The split is not that of the last run, because its settings or the rows have changed. Results of older runs \
                   are not comparable with those of the next one";
    assert!(ready.warnings.iter().any(|said| said == warning), "{:?}", ready.warnings);
    assert_ne!(sides_of(&ready), before);
    trained.project.split.seed -= 1;
    assert_eq!(trained.sides(), before, "undone");
    trained.lines.truncate(1);
    (0..50).for_each(|row| trained.lines.push(format!("{},good", words(5_000 + row))));
    assert_eq!(trained.prepared().origin, SplitOrigin::DrawnAgain, "not one row is known");
}

#[test]
fn a_new_draw_has_the_sizes_asked_for_within_a_row_per_label() {
    for seed in 0..20 {
        let trained = Trained::on(&reviews(), |project| project.split.seed = seed);
        let ready = trained.prepared();
        for counts in ready.counts() {
            let all: usize = counts.iter().sum();
            for (rows, share) in counts.into_iter().zip([0.7, 0.1, 0.2]) {
                assert!((rows as f64 - all as f64 * share).abs() <= 1.0, "seed {seed}: {counts:?}");
            }
        }
    }
}

#[test]
fn a_project_of_an_earlier_version_keeps_its_rows_from_its_next_run_on() {
    let mut trained = Trained::on(&reviews(), |project| project.split.row_key = RowKey::Position);
    let before = trained.sides();
    let first = words(460);
    trained.lines.insert(1, format!("{first},good"));
    let after = trained.sides();
    assert!(before.iter().all(|(text, side)| after[text] == *side));
    let by_position = prepared(&trained.project, trained.folder.path()).1;
    let moved =
        sides_of(&by_position).into_iter().filter(|(text, side)| *text != first && before[text] != *side).count();
    assert!(moved > 20, "by position, one row in front moves {moved}");
}
