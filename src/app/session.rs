//! The open project: applies, undoes and saves edits.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::data::{Imported, carried_corrections};
use crate::project::Project;
use crate::storage::{OpenError, Opened, ProjectFile, StorageError, read_split, write_split};

use crate::app::history::History;
use crate::app::messages::Edit;

/// Time without an edit before autosaving, so that dragging a slider writes only once.
const AUTOSAVE_AFTER: Duration = Duration::from_millis(800);

/// How much of the derived data an edit makes out of date. Each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stale {
    /// Nothing of the data.
    Nothing,
    /// Which leaks are ignored.
    Leaks,
    /// The findings about the prepared data.
    Findings,
    /// The prepared data.
    Prepared,
    /// The files must be read again.
    Imported,
}

/// The open project.
#[derive(Debug)]
pub struct Session {
    project: Project,
    saved: Project,
    file: ProjectFile,
    history: History,
    autosave_at: Option<Instant>,
    /// Whether the file on disk is damaged and the project was restored from the autosave beside it, which is the only
    /// copy until the project is saved.
    restored: bool,
}

impl Session {
    /// Opens a project's folder. Autosaved changes that were never saved are restored as unsaved changes; the flag says
    /// whether there are any.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::open`].
    pub fn open(path: &Path) -> Result<(Self, bool), OpenError> {
        let opened = ProjectFile::open(path)?;
        let recovered = opened.autosave.is_some();
        Ok((Self::of(opened), recovered))
    }

    /// Opens the last autosave of a project whose file is damaged.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::open_autosave`].
    pub fn open_autosave(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { restored: true, ..Self::of(ProjectFile::open_autosave(path)?) })
    }

    /// Creates a project in a folder.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::create`].
    pub fn create(folder: &Path, project: Project) -> Result<Self, StorageError> {
        let file = ProjectFile::create(folder, &project, false)?;
        Ok(Self::of(Opened { file, project, autosave: None }))
    }

    fn of(opened: Opened) -> Self {
        let project = opened.autosave.map_or_else(|| opened.project.clone(), |autosave| *autosave);
        Self {
            project,
            saved: opened.project,
            file: opened.file,
            history: History::default(),
            autosave_at: None,
            restored: false,
        }
    }

    /// The project as it is now.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The project's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.file.folder()
    }

    /// Why it cannot be saved here, if it cannot.
    #[must_use]
    pub fn read_only(&self) -> Option<&str> {
        self.file.read_only()
    }

    /// Whether there are unsaved changes.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.restored || self.project != self.saved
    }

    /// Whether it was restored from an autosave and not saved since, so that the file on disk is still damaged.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        self.restored
    }

    /// What can be undone and redone.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Applies an edit and returns what it makes out of date. If the edit changes files or columns, corrections follow
    /// their rows, which needs the files as read.
    pub fn apply(&mut self, edit: Edit, imported: Option<&Imported>, now: Instant) -> Stale {
        let (title, coalesces) = (edit.title(), edit.coalesces());
        let mut next = self.project.clone();
        change(&mut next, edit);
        if let Some(imported) = imported.filter(|_| next.dataset != self.project.dataset) {
            next.edits = carried_corrections(imported, &self.project, &next.dataset);
        }
        if next == self.project {
            return Stale::Nothing;
        }
        let title = leak_title(&self.project, &next).unwrap_or(title);
        self.history.record(title, coalesces, &self.project, now);
        self.replace(next, now)
    }

    /// Fills in what was guessed from the data. The person did not make this change, so it cannot be undone.
    pub fn fill_in(&mut self, guess: impl FnOnce(&mut Project), now: Instant) -> Stale {
        let mut next = self.project.clone();
        guess(&mut next);
        self.replace(next, now)
    }

    /// Undoes the last edit.
    pub fn undo(&mut self, now: Instant) -> Stale {
        match self.history.undo(&self.project) {
            Some(before) => self.replace(before, now),
            None => Stale::Nothing,
        }
    }

    /// Redoes the last undone edit.
    pub fn redo(&mut self, now: Instant) -> Stale {
        match self.history.redo(&self.project) {
            Some(after) => self.replace(after, now),
            None => Stale::Nothing,
        }
    }

    fn replace(&mut self, next: Project, now: Instant) -> Stale {
        let stale = stale(&self.project, &next);
        if next != self.project {
            self.project = next;
            self.autosave_at = Some(now + AUTOSAVE_AFTER);
        }
        stale
    }

    /// Writes the autosave if there has been no edit for a while. Returns the time left until then, if any.
    ///
    /// # Errors
    /// Errors of the file system; it is not tried again before the next edit.
    pub fn autosave(&mut self, now: Instant) -> Result<Option<Duration>, StorageError> {
        match self.autosave_at {
            Some(at) if at > now => Ok(Some(at - now)),
            Some(_) => {
                self.autosave_at = None;
                if self.file.read_only().is_none() {
                    // Undone edits must not reappear as "unsaved changes" after a crash.
                    if self.is_dirty() { self.file.autosave(&self.project)? } else { self.file.discard_autosave()? }
                }
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Saves the project.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::save`].
    pub fn save(&mut self) -> Result<(), StorageError> {
        self.file.save(&self.project)?;
        self.saved = self.project.clone();
        self.autosave_at = None;
        self.restored = false;
        Ok(())
    }

    /// Saves the project to another folder and continues there. The data files stay where they are, and so do the runs.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::create`]; then nothing changes.
    pub fn save_as(&mut self, folder: &Path) -> Result<(), StorageError> {
        let old = self.file.folder().to_owned();
        let mut project = crate::storage::with_absolute_paths(&self.project, &old);
        if let Some(name) = folder.file_name() {
            project.name = name.to_string_lossy().into_owned();
        }
        let split = read_split(&old)?;
        let file = ProjectFile::create(folder, &project, false)?;
        if let Some(split) = split {
            write_split(folder, &split)?;
        }
        self.history.map(|state| crate::storage::with_absolute_paths(state, &old));
        // The changes are saved in the new folder. If the old autosave cannot be removed, it is offered there once
        // more, which does not matter here.
        let _ = self.drop_autosave();
        self.file = file;
        self.saved = project.clone();
        self.project = project;
        self.autosave_at = None;
        self.restored = false;
        Ok(())
    }

    /// Discards the unsaved changes, on disk too, as the person asked. A restored autosave stays on disk.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn discard_changes(&mut self) -> Result<(), StorageError> {
        self.autosave_at = None;
        self.project = self.saved.clone();
        self.drop_autosave()
    }

    /// Resets the autosave to what it was when the project was opened, without the changes made since.
    fn drop_autosave(&self) -> Result<(), StorageError> {
        if self.file.read_only().is_some() {
            return Ok(());
        }
        // Beside a damaged file the autosave is the only copy, so it is removed only after the next save.
        if self.restored { self.file.autosave(&self.saved) } else { self.file.discard_autosave() }
    }
}

fn change(project: &mut Project, edit: Edit) {
    match edit {
        Edit::Name(name) => project.name = name,
        Edit::Dataset(dataset) => project.dataset = dataset,
        Edit::Task(task) => project.task = task,
        Edit::Labels(labels) => {
            if let Some(old) = project.labels_mut() {
                *old = labels;
            }
        }
        Edit::Cleaning(cleaning) => project.cleaning = cleaning,
        Edit::Patterns(patterns) => project.cleaning.patterns = patterns,
        Edit::Split(split) => project.split = split,
        Edit::Divide(divide) => (project.dataset, project.split) = *divide,
        Edit::Model(model) => project.model = model,
        Edit::Training(training) => project.training = training,
        Edit::Rows(rows) => {
            for (id, row) in rows {
                match row {
                    Some(row) => project.edits.rows.insert(id, row),
                    None => project.edits.rows.remove(&id),
                };
            }
        }
    }
}

/// The title of an edit that only ignores a leak, or stops ignoring one.
fn leak_title(before: &Project, after: &Project) -> Option<&'static str> {
    let (old, new) = (&before.split.ignored_leaks, &after.split.ignored_leaks);
    let same_split =
        before.split.without_ignored_leaks() == after.split.without_ignored_leaks() && before.dataset == after.dataset;
    let title = if new.len() > old.len() { "ignoring a leak" } else { "reporting a leak again" };
    (old != new && same_split).then_some(title)
}

fn stale(before: &Project, after: &Project) -> Stale {
    let (old, new) = (&before.dataset, &after.dataset);
    if old.as_read() != new.as_read() {
        return Stale::Imported;
    }
    if before.prepared_from() != after.prepared_from() {
        return Stale::Prepared;
    }
    let class_weights = |project: &Project| project.classification().map(|settings| settings.class_weights.clone());
    let same_findings = before.model == after.model
        && before.training.max_length == after.training.max_length
        && class_weights(before) == class_weights(after);
    let same_leaks = before.split == after.split;
    match (same_findings, same_leaks) {
        (false, _) => Stale::Findings,
        (true, false) => Stale::Leaks,
        (true, true) => Stale::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{CleaningSettings, ColumnRole, DatasetSettings, SplitSettings};

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
        assert_eq!(session.apply(Edit::Dataset(dataset.clone()), None, now), Stale::Imported);
        let columns = dataset.with_columns(&[("text", ColumnRole::Text)]);
        assert_eq!(session.apply(Edit::Dataset(columns), None, now + Duration::from_secs(2)), Stale::Prepared);
        let cleaning = CleaningSettings { mask_urls: true, ..CleaningSettings::default() };
        assert_eq!(session.apply(Edit::Cleaning(cleaning), None, now), Stale::Prepared);
        assert_eq!(session.apply(Edit::Name("b".into()), None, now), Stale::Nothing);
        assert!(session.is_dirty());
        assert_eq!(session.undo(now), Stale::Nothing);
        assert_eq!(session.undo(now), Stale::Prepared);
        assert_eq!(session.undo(now), Stale::Prepared);
        assert_eq!(session.undo(now), Stale::Imported);
        assert!(!session.is_dirty());
        assert_eq!(session.redo(now), Stale::Imported);
        let headless = DatasetSettings { header: Some(false), ..session.project().dataset.clone() };
        assert_eq!(session.apply(Edit::Dataset(headless), None, now), Stale::Imported);
    }

    #[test]
    fn ignoring_a_leak_makes_only_the_report_out_of_date() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        let now = Instant::now();
        let split = SplitSettings { ignored_leaks: ["near".to_owned()].into(), ..SplitSettings::default() };
        let ignore = Edit::Divide(Box::new((session.project().dataset.clone(), split.clone())));
        assert_eq!(session.apply(ignore, None, now), Stale::Leaks);
        assert_eq!(session.history().undo_title(), Some("ignoring a leak"));
        let seeded = Edit::Split(SplitSettings { seed: 7, ..split });
        assert_eq!(session.apply(seeded, None, now), Stale::Prepared);
        assert_eq!(session.history().undo_title(), Some("split"));
        session.undo(now);
        assert_eq!(session.undo(now), Stale::Leaks);
    }

    #[test]
    fn undone_edits_do_not_come_back_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        let now = Instant::now();
        session.apply(Edit::Name("b".into()), None, now);
        session.autosave(now + Duration::from_secs(5)).unwrap();
        session.undo(now + Duration::from_secs(6));
        session.autosave(now + Duration::from_secs(20)).unwrap();
        drop(session);
        assert_eq!(ProjectFile::open(folder.path()).unwrap().autosave, None);
    }

    #[test]
    fn decisions_about_rows_are_undone_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        let now = Instant::now();
        for record in 1..=3 {
            let id = crate::project::RowId { file: crate::project::SourceFile::Main, record };
            let edit = crate::project::RowEdit { excluded: true, ..Default::default() };
            session.apply(Edit::Rows([(id, Some(edit))].into()), None, now);
        }
        session.undo(now);
        assert_eq!(session.project().edits.rows.len(), 2);
    }

    #[test]
    fn save_as_keeps_the_undo_history() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let mut session = session(&old);
        let now = Instant::now();
        let dataset = DatasetSettings { main: Some("a.csv".into()), ..DatasetSettings::default() };
        session.apply(Edit::Dataset(dataset), None, now);
        session.apply(Edit::Dataset(DatasetSettings::default()), None, now);
        session.autosave(now + Duration::from_secs(5)).unwrap();
        session.save_as(&new).unwrap();
        session.undo(now);
        assert_eq!(session.project().dataset.main, Some(old.join("a.csv")));
        assert_eq!(ProjectFile::open(&old).unwrap().autosave, None);
    }

    #[test]
    fn save_as_is_done_completely_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("deep/new"));
        let mut session = session(&old);
        session.apply(Edit::Name("Reviews".into()), None, Instant::now());
        let too_long = new.join("x".repeat(300));
        session.save_as(&too_long).unwrap_err();
        assert!(!folder.path().join("deep").exists(), "no folder is left half made");
        assert!(session.folder() == old && session.is_dirty() && session.project().name == "Reviews");

        // A folder in place of the old autosave does not harm the copy.
        std::fs::create_dir(old.join(".project.autosave.ron")).unwrap();
        session.save_as(&new).unwrap();
        assert!(session.folder() == new && !session.is_dirty());
    }

    #[test]
    fn an_edit_that_changes_nothing_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        session.apply(Edit::Split(SplitSettings::default()), None, Instant::now());
        assert_eq!(session.history().undo_title(), None);
    }

    #[test]
    fn unsaved_changes_come_back_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        let now = Instant::now();
        session.apply(Edit::Name("Reviews".into()), None, now);
        assert!(session.autosave(now).unwrap().is_some());
        assert_eq!(session.autosave(now + AUTOSAVE_AFTER).unwrap(), None);
        drop(session);
        let (reopened, recovered) = Session::open(folder.path()).unwrap();
        assert!(recovered && reopened.is_dirty());
        assert_eq!(reopened.project().name, "Reviews");
    }

    #[test]
    fn discarded_changes_do_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        let now = Instant::now();
        session.apply(Edit::Name("Reviews".into()), None, now);
        session.autosave(now + AUTOSAVE_AFTER).unwrap();
        session.discard_changes().unwrap();
        drop(session);
        let (reopened, recovered) = Session::open(folder.path()).unwrap();
        assert!(!recovered);
        assert_eq!(reopened.project().name, "Untitled");
    }

    #[test]
    fn a_restored_autosave_is_kept_when_leaving_without_saving() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = session(folder.path());
        let now = Instant::now();
        first.apply(Edit::Name("Reviews".into()), None, now);
        first.autosave(now + AUTOSAVE_AFTER).unwrap();
        drop(first);
        std::fs::write(folder.path().join(crate::storage::PROJECT_FILE), "(name: \"half").unwrap();

        let restore = || Session::open_autosave(folder.path()).unwrap();
        let mut restored = restore();
        assert!(restored.is_dirty(), "there is something to save");
        restored.apply(Edit::Name("Second thoughts".into()), None, now);
        restored.autosave(now + AUTOSAVE_AFTER).unwrap();
        restored.discard_changes().unwrap();
        drop(restored);

        let mut again = restore();
        assert_eq!(again.project().name, "Reviews", "the changes since are gone, what was restored is not");
        let elsewhere = tempfile::tempdir().unwrap();
        again.save_as(&elsewhere.path().join("copy")).unwrap();
        assert!(!again.is_dirty());
        drop(again);

        let mut again = restore();
        assert_eq!(again.project().name, "Reviews", "a copy elsewhere does not cost it either");
        again.save().unwrap();
        assert!(!again.is_dirty());
        drop(again);
        assert_eq!(Session::open(folder.path()).unwrap().0.project().name, "Reviews");
    }

    #[test]
    fn save_as_keeps_finding_the_data() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path());
        let dataset = DatasetSettings { main: Some("a.csv".into()), ..DatasetSettings::default() };
        session.apply(Edit::Dataset(dataset), None, Instant::now());
        let elsewhere = folder.path().join("copies/second");
        session.save_as(&elsewhere).unwrap();
        assert_eq!(session.folder(), elsewhere);
        assert_eq!(session.project().name, "second");
        assert_eq!(session.project().dataset.main.as_deref(), Some(folder.path().join("a.csv").as_path()));
        let taken = session.save_as(folder.path()).unwrap_err().to_string();
        assert!(taken.contains("already holds a project"), "{taken}");
    }
}
