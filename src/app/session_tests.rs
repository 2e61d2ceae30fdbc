//! Tests of the open project.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::app::messages::Edit;
use crate::app::session::{SAVE_AFTER, Session, Stale};
use crate::app::view::View;
use crate::project::{CleaningSettings, ColumnRole, DatasetSettings, Project, SplitSettings, Step};
use crate::storage::ProjectFile;

impl Session {
    /// Applies an edit made on the first page.
    fn make(&mut self, edit: Edit, now: Instant) -> Stale {
        self.apply(edit, None, View::default(), now)
    }

    /// An edit of the name, saved as soon as it is due.
    fn rename(&mut self, name: &str, now: Instant) {
        self.make(Edit::Name(name.to_owned()), now);
        assert_eq!(self.autosave(now + SAVE_AFTER).unwrap(), None);
    }
}

/// Name of the project on disk.
fn on_disk(folder: &Path) -> String {
    ProjectFile::read(folder).unwrap().1.name
}

fn session(folder: &Path) -> Session {
    Session::create(folder, Project::default()).unwrap()
}

#[test]
fn edits_return_what_they_make_out_of_date_and_can_be_undone() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let now = Instant::now();
    assert!(!session.is_dirty());
    let dataset = DatasetSettings { main: Some("a.csv".into()), ..DatasetSettings::default() };
    assert_eq!(session.make(Edit::Dataset(dataset.clone()), now), Stale::Imported);
    let columns = dataset.with_columns(&[("text", ColumnRole::Text)]);
    assert_eq!(session.make(Edit::Dataset(columns), now + Duration::from_secs(2)), Stale::Prepared);
    let cleaning = CleaningSettings { mask_urls: true, ..CleaningSettings::default() };
    assert_eq!(session.make(Edit::Cleaning(cleaning), now), Stale::Prepared);
    assert_eq!(session.make(Edit::Name("b".into()), now), Stale::Nothing);
    assert!(session.is_dirty());
    assert_eq!(session.undo(now).unwrap().1, Stale::Nothing);
    assert_eq!(session.undo(now).unwrap().1, Stale::Prepared);
    assert_eq!(session.undo(now).unwrap().1, Stale::Prepared);
    assert_eq!(session.undo(now).unwrap().1, Stale::Imported);
    assert!(!session.is_dirty());
    assert_eq!(session.redo(now).unwrap().1, Stale::Imported);
    let headless = DatasetSettings { header: Some(false), ..session.project().dataset.clone() };
    assert_eq!(session.make(Edit::Dataset(headless), now), Stale::Imported);
}

#[test]
fn ignoring_a_leak_makes_only_the_report_out_of_date() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let now = Instant::now();
    let split = SplitSettings { ignored_leaks: ["near".to_owned()].into(), ..SplitSettings::default() };
    let ignore = Edit::Divide(Box::new((session.project().dataset.clone(), split.clone())));
    assert_eq!(session.make(ignore, now), Stale::Leaks);
    assert_eq!(session.history().undo_title(), Some("ignoring a leak"));
    let seeded = Edit::Split(SplitSettings { seed: 7, ..split });
    assert_eq!(session.make(seeded, now), Stale::Prepared);
    assert_eq!(session.history().undo_title(), Some("split"));
    session.undo(now);
    assert_eq!(session.undo(now).unwrap().1, Stale::Leaks);
}

#[test]
fn every_edit_is_saved_after_a_moment_without_asking() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let now = Instant::now();
    session.make(Edit::Name("Reviews".into()), now);
    assert!(session.autosave(now).unwrap().is_some() && session.is_dirty() && !session.is_unsaved());
    assert_eq!(on_disk(folder.path()), "Untitled", "dragging a slider writes once, at its end");
    assert_eq!(session.autosave(now + SAVE_AFTER).unwrap(), None);
    assert!(!session.is_dirty());
    assert_eq!(on_disk(folder.path()), "Reviews");
    session.undo(now + Duration::from_secs(6)).unwrap();
    session.autosave(now + Duration::from_secs(20)).unwrap();
    assert_eq!(on_disk(folder.path()), "Untitled", "an undone edit is undone on disk too");
}

#[test]
fn the_state_before_a_burst_of_edits_becomes_a_version() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let (now, minutes) = (Instant::now(), |minutes: u64| Duration::from_mins(minutes));
    let names = |session: &Session| -> Vec<String> {
        session.versions().into_iter().map(|version| version.project.name).collect()
    };
    session.rename("without data", now);
    assert_eq!(names(&session), [""; 0], "a project without data is not worth a version");
    let dataset = DatasetSettings { main: Some("a.csv".into()), ..DatasetSettings::default() };
    session.make(Edit::Dataset(dataset), now);
    session.rename("a", now);
    for (minute, name) in [(1, "b"), (2, "c"), (15, "d"), (16, "e")] {
        // The file's time tells versions apart.
        std::thread::sleep(Duration::from_millis(20));
        session.rename(name, now + minutes(minute));
    }
    assert_eq!(names(&session), ["c", "a"]);
    session.keep_version(now + minutes(17)).unwrap();
    session.keep_version(now + minutes(18)).unwrap();
    assert_eq!(names(&session), ["e", "c", "a"], "a state is kept once");
    let oldest = session.versions().pop().unwrap().project;
    session.make(Edit::Restore(Box::new(oldest)), now + minutes(19));
    assert_eq!((session.project().name.as_str(), session.history().undo_title()), ("a", Some("restored version")));
    session.undo(now + minutes(20)).unwrap();
    assert_eq!(session.project().name, "e");
}

#[test]
fn what_was_looked_at_is_remembered_until_the_data_are_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = session(folder.path());
    let now = Instant::now();
    first.show_page(View::Step(Step::Prepare));
    first.apply(Edit::Split(SplitSettings { seed: 7, ..SplitSettings::default() }), None, View::TryIt, now);
    first.look_at(Step::Labels);
    first.save(now).unwrap();
    drop(first);
    let (mut again, _) = Session::open(folder.path()).unwrap();
    assert_eq!(again.window().page, Some(Step::Prepare));
    assert_eq!(again.window().looked_at, [Step::Labels, Step::Prepare].into());
    again.show_page(View::TryIt);
    again.note_export("2026-11-23-1024");
    again.save(now).unwrap();
    drop(again);
    let (mut again, _) = Session::open(folder.path()).unwrap();
    assert!(again.window().try_it && again.window().exported.contains("2026-11-23-1024"));
    again.show_page(View::Step(Step::Data));
    assert!(!again.window().try_it);
    again.look_again();
    assert_eq!(again.window().looked_at, [].into());
}

#[test]
fn undo_tells_what_was_undone_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let now = Instant::now();
    let id = crate::project::RowId { file: crate::project::SourceFile::Main, record: 742 };
    let rows = vec![(id, Some(crate::project::RowEdit::relabelled("good")))];
    session.apply(Edit::Rows(rows), None, View::Step(Step::Review), now);
    session.apply(
        Edit::Cleaning(CleaningSettings { mask_urls: true, ..CleaningSettings::default() }),
        None,
        View::TryIt,
        now,
    );
    let dataset = DatasetSettings { main: Some("b.csv".into()), ..DatasetSettings::default() };
    let divide = Edit::Divide(Box::new((dataset, SplitSettings { seed: 7, ..SplitSettings::default() })));
    session.apply(divide, None, View::TryIt, now);
    let undone = |session: &mut Session| {
        let (change, _) = session.undo(now).unwrap();
        (change.title, change.page)
    };
    assert_eq!(undone(&mut session), ("data file".to_owned(), View::Step(Step::Data)));
    assert_eq!(undone(&mut session), ("cleaning".to_owned(), View::Step(Step::Prepare)));
    assert_eq!(undone(&mut session), ("correction of 1 row".to_owned(), View::Step(Step::Review)));
    assert!(session.undo(now).is_none());
}

#[test]
fn decisions_about_rows_are_undone_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let now = Instant::now();
    for record in 1..=3 {
        let id = crate::project::RowId { file: crate::project::SourceFile::Main, record };
        let edit = crate::project::RowEdit { excluded: true, ..Default::default() };
        session.make(Edit::Rows([(id, Some(edit))].into()), now);
    }
    session.undo(now);
    assert_eq!(session.project().edits.rows.len(), 2);
}

#[test]
fn a_duplicate_keeps_the_undo_history_and_leaves_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let mut session = session(&old);
    let now = Instant::now();
    let dataset = DatasetSettings { main: Some("a.csv".into()), ..DatasetSettings::default() };
    session.make(Edit::Dataset(dataset), now);
    session.make(Edit::Dataset(DatasetSettings::default()), now);
    session.look_at(Step::Labels);
    session.duplicate(&new).unwrap();
    session.undo(now).unwrap();
    assert_eq!(session.project().dataset.main, Some(old.join("a.csv")));
    session.rename("Mine", now);
    drop(session);
    assert_eq!((on_disk(&old).as_str(), on_disk(&new).as_str()), ("Untitled", "Mine"));
    assert!(Session::open(&new).unwrap().0.window().looked_at.contains(&Step::Labels));
}

#[test]
fn duplicating_is_done_completely_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("deep/new"));
    let mut session = session(&old);
    session.make(Edit::Name("Reviews".into()), Instant::now());
    let too_long = new.join("x".repeat(300));
    session.duplicate(&too_long).unwrap_err();
    assert!(!folder.path().join("deep").exists(), "no folder is left half made");
    assert!(session.folder() == old && session.is_dirty() && session.project().name == "Reviews");
    session.duplicate(&new).unwrap();
    assert!(session.folder() == new && !session.is_dirty());
}

#[test]
fn an_edit_that_changes_nothing_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    session.make(Edit::Split(SplitSettings::default()), Instant::now());
    assert_eq!(session.history().undo_title(), None);
}

#[test]
fn changes_that_an_earlier_version_left_unsaved_are_restored_and_saved() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = session(folder.path());
    let now = Instant::now();
    let dataset = DatasetSettings { main: Some("a.csv".into()), ..DatasetSettings::default() };
    first.make(Edit::Dataset(dataset), now);
    first.rename("Before", now);
    drop(first);
    let file = folder.path().join(crate::storage::PROJECT_FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(folder.path().join(".project.autosave.ron"), text.replace("Before", "Unsaved")).unwrap();
    let (mut reopened, recovered) = Session::open(folder.path()).unwrap();
    assert!(recovered && reopened.is_dirty() && reopened.project().name == "Unsaved");
    reopened.autosave(Instant::now()).unwrap();
    assert_eq!(on_disk(folder.path()), "Unsaved");
    assert_eq!(reopened.versions()[0].project.name, "Before", "what was saved is not lost");
    drop(reopened);
    assert!(!Session::open(folder.path()).unwrap().1);
}

#[test]
fn a_damaged_file_is_kept_when_the_project_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = session(folder.path());
    first.rename("Reviews", Instant::now());
    drop(first);
    let file = folder.path().join(crate::storage::PROJECT_FILE);
    std::fs::write(&file, "(name: \"half").unwrap();
    let mut restored = Session::open_last_good(folder.path()).unwrap();
    assert!(restored.is_dirty() && restored.project().name == "Reviews");
    restored.autosave(Instant::now()).unwrap();
    assert!(!restored.is_dirty());
    drop(restored);
    assert_eq!(Session::open(folder.path()).unwrap().0.project().name, "Reviews");
    assert_eq!(std::fs::read_to_string(folder.path().join("project.damaged.ron")).unwrap(), "(name: \"half");
}

#[test]
fn a_second_window_changes_nothing_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let first = session(folder.path());
    let (mut second, _) = Session::open(folder.path()).unwrap();
    let now = Instant::now();
    second.look_at(Step::Labels);
    second.save(now).unwrap();
    second.make(Edit::Name("Second".into()), now);
    assert_eq!(second.autosave(now + SAVE_AFTER).unwrap(), None, "nothing is tried, so nothing is told");
    assert!(second.is_unsaved() && second.save(now).is_err());
    assert_eq!((on_disk(folder.path()).as_str(), second.versions().len()), ("Untitled", 0));
    second.duplicate(&folder.path().join("copy")).unwrap();
    assert!(!second.is_dirty());
    drop((first, second));
    assert_eq!(Session::open(folder.path()).unwrap().0.window().looked_at, [].into());
}

#[test]
fn a_duplicate_keeps_finding_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let dataset = DatasetSettings { main: Some("a.csv".into()), ..DatasetSettings::default() };
    session.make(Edit::Dataset(dataset), Instant::now());
    let elsewhere = folder.path().join("copies/second");
    session.duplicate(&elsewhere).unwrap();
    assert_eq!(session.folder(), elsewhere);
    assert_eq!(session.project().name, "second");
    assert_eq!(session.project().dataset.main.as_deref(), Some(folder.path().join("a.csv").as_path()));
    let taken = session.duplicate(folder.path()).unwrap_err().to_string();
    assert!(taken.contains("already holds a project"), "{taken}");
}
