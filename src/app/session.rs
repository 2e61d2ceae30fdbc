//! The open project: applies, undoes and saves edits.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crate::data::{Imported, carried_corrections};
use crate::project::{Project, Step};
use crate::storage::{
    OpenError, Opened, ProjectFile, ProjectWindow, StorageError, Version, read_split, versions, write_split,
};

use crate::app::history::{Change, History};
use crate::app::messages::Edit;
use crate::app::view::View;

/// Time without an edit before saving, so that dragging a slider writes only once.
pub(super) const SAVE_AFTER: Duration = Duration::from_millis(800);

/// Edits within this time make one version.
const VERSION_EVERY: Duration = Duration::from_mins(10);

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
    /// Grows with every change of the project.
    revision: u64,
    /// What the file on disk holds; `None` while it is damaged.
    saved: Option<Project>,
    file: ProjectFile,
    history: History,
    save_at: Option<Instant>,
    /// When a version was kept last.
    kept_at: Option<Instant>,
    window: ProjectWindow,
    saved_window: ProjectWindow,
}

impl Session {
    /// Opens a project's folder. Changes that an earlier version of Hone autosaved when it crashed are restored, and saved
    /// soon; the flag says whether there are any.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::open`].
    pub fn open(path: &Path) -> Result<(Self, bool), OpenError> {
        let opened = ProjectFile::open(path)?;
        let recovered = opened.autosave.is_some();
        let mut session = Self::of(opened);
        session.save_at = recovered.then(Instant::now);
        Ok((session, recovered))
    }

    /// Opens the last good state of a project whose file is damaged. Saving it replaces the file and keeps a copy of the
    /// damaged one.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::open_last_good`].
    pub fn open_last_good(path: &Path) -> Result<Self, OpenError> {
        let session = Self { saved: None, ..Self::of(ProjectFile::open_last_good(path)?) };
        Ok(Self { save_at: Some(Instant::now()), ..session })
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
        let window = opened.file.window();
        Self {
            project: opened.autosave.map_or_else(|| opened.project.clone(), |autosave| *autosave),
            revision: 0,
            saved: Some(opened.project),
            file: opened.file,
            history: History::default(),
            save_at: None,
            kept_at: None,
            saved_window: window.clone(),
            window,
        }
    }

    /// The project as it is now.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// A number that grows with every change of the project, to notice a change without comparing projects.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
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

    /// Whether there are changes that are not saved yet: for a moment after an edit, or because they cannot be saved.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.saved.as_ref() != Some(&self.project)
    }

    /// Whether the last changes could not be saved.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.is_dirty() && self.save_at.is_none()
    }

    /// What the person has looked at, and where they left off.
    #[must_use]
    pub fn window(&self) -> &ProjectWindow {
        &self.window
    }

    /// Notes that a step was looked at, or a decision made there.
    pub fn look_at(&mut self, step: Step) {
        self.window.looked_at.insert(step);
    }

    /// Notes which page is shown.
    pub fn show_page(&mut self, page: View) {
        match page {
            View::Step(step) => (self.window.page, self.window.try_it) = (Some(step), false),
            View::TryIt => self.window.try_it = true,
            // A place to look something up, and not where the person left off.
            View::Runs | View::Studies => {}
        }
    }

    /// Notes that something of a run was exported.
    pub fn note_export(&mut self, run: &str) {
        self.window.exported.insert(run.to_owned());
    }

    /// Forgets what was looked at, because the data are others.
    pub fn look_again(&mut self) {
        self.window.looked_at.clear();
    }

    /// Earlier states of the project, newest first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        versions(self.file.folder())
    }

    /// Keeps the present state among the versions.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::keep_version`].
    pub fn keep_version(&mut self, now: Instant) -> Result<(), StorageError> {
        self.file.keep_version(&self.project, SystemTime::now())?;
        self.kept_at = Some(now);
        Ok(())
    }

    /// What can be undone and redone.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Applies an edit that was made on `page`, and returns what it makes out of date. If the edit changes files or columns,
    /// corrections follow their rows, which needs the files as read.
    pub fn apply(&mut self, edit: Edit, imported: Option<&Imported>, page: View, now: Instant) -> Stale {
        let (title, coalesces, step) = (edit.title(imported), edit.coalesces(), edit.step());
        let mut next = self.project.clone();
        change(&mut next, edit);
        if let Some(imported) = imported.filter(|_| next.dataset != self.project.dataset) {
            next.edits = carried_corrections(imported, &self.project, &next.dataset);
        }
        if next == self.project {
            return Stale::Nothing;
        }
        let (title, page) = if next.dataset.main == self.project.dataset.main {
            (leak_title(&self.project, &next).map_or(title, str::to_owned), step.map_or(page, View::Step))
        } else {
            ("data file".to_owned(), View::Step(Step::Data))
        };
        self.history.record(Change { title, page }, coalesces, &self.project, now);
        if let View::Step(step) = page {
            self.look_at(step);
        }
        self.replace(next, now)
    }

    /// Fills in what was guessed from the data. The person did not make this change, so it cannot be undone.
    pub fn fill_in(&mut self, guess: impl FnOnce(&mut Project), now: Instant) -> Stale {
        let mut next = self.project.clone();
        guess(&mut next);
        self.replace(next, now)
    }

    /// Undoes the last edit and returns what it was.
    pub fn undo(&mut self, now: Instant) -> Option<(Change, Stale)> {
        let (change, before) = self.history.undo(&self.project)?;
        Some((change, self.replace(before, now)))
    }

    /// Redoes the last undone edit and returns what it was.
    pub fn redo(&mut self, now: Instant) -> Option<(Change, Stale)> {
        let (change, after) = self.history.redo(&self.project)?;
        Some((change, self.replace(after, now)))
    }

    fn replace(&mut self, next: Project, now: Instant) -> Stale {
        let stale = stale(&self.project, &next);
        if next != self.project {
            self.project = next;
            self.revision += 1;
            self.save_at = Some(now + SAVE_AFTER);
        }
        stale
    }

    /// Saves if there has been no edit for a while. Returns the time left until then, if any.
    ///
    /// # Errors
    /// As [`Self::save`]; it is not tried again before the next edit.
    pub fn autosave(&mut self, now: Instant) -> Result<Option<Duration>, StorageError> {
        match self.save_at {
            Some(at) if at > now => Ok(Some(at - now)),
            Some(_) => {
                self.save_at = None;
                if self.file.read_only().is_none() {
                    self.save(now)?;
                }
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Saves the project now. The state it had on disk becomes a version, if the last one is old enough.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::save`].
    pub fn save(&mut self, now: Instant) -> Result<(), StorageError> {
        self.save_at = None;
        if self.is_dirty() {
            let saved_at = self.file.saved_at();
            if self.saved.is_none() && self.file.read_only().is_none() {
                self.file.keep_damaged()?;
            }
            self.file.save(&self.project)?;
            let before = self.saved.replace(self.project.clone());
            self.keep_before(before, saved_at, now);
        }
        self.save_window()
    }

    /// Keeps what was saved before as a version. A project without data is not worth one.
    fn keep_before(&mut self, before: Option<Project>, saved_at: Option<SystemTime>, now: Instant) {
        let is_due = self.kept_at.is_none_or(|kept| now.saturating_duration_since(kept) >= VERSION_EVERY);
        if let Some(before) = before.filter(|before| is_due && before.dataset.main.is_some()) {
            // The changes are saved already. Without this version, there is one less to come back to.
            if self.file.keep_version(&before, saved_at.unwrap_or_else(SystemTime::now)).is_ok() {
                self.kept_at = Some(now);
            }
        }
    }

    /// Writes what the person has looked at, if that changed.
    fn save_window(&mut self) -> Result<(), StorageError> {
        if self.window != self.saved_window {
            self.file.save_window(&self.window)?;
            self.saved_window = self.window.clone();
        }
        Ok(())
    }

    /// Copies the project to another folder and continues there. The data files stay where they are, and so do the runs.
    ///
    /// # Errors
    /// Errors of [`ProjectFile::create`]; then nothing changes.
    pub fn duplicate(&mut self, folder: &Path) -> Result<(), StorageError> {
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
        file.save_window(&self.window)?;
        self.history.map(|state| crate::storage::with_absolute_paths(state, &old));
        self.file = file;
        self.saved = Some(project.clone());
        self.project = project;
        self.revision += 1;
        self.saved_window = self.window.clone();
        (self.save_at, self.kept_at) = (None, None);
        Ok(())
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
        Edit::ModelAndTraining(both) => (project.model, project.training) = *both,
        Edit::Training(training) => project.training = training,
        Edit::Restore(version) => *project = *version,
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
