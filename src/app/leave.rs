//! Opening and closing projects, and the questions to ask first.

use std::path::{Path, PathBuf};
use std::time::Instant;

use egui::{Context, ViewportCommand};

use crate::project::{Project, Step, TaskKind, changes};
use crate::storage::{OpenError, PROJECT_FILE, ProjectFile, free_folder, is_sample, sample_project};

use crate::app::act::RECOVERED;
use crate::app::app::HoneApp;
use crate::app::messages::Edit;
use crate::app::session::Session;
use crate::app::shell::{Dialog, DialogAnswer, Discarding, Leaving, ModelUse, VersionRow};
use crate::app::steps::StepStates;
use crate::app::theme::Tone;
use crate::app::view::View;
use crate::app::window_place::place_of;
use crate::words::ago;

impl HoneApp {
    /// Opens the project given on the command line, or else the one that was open when Hone crashed. Otherwise the start page
    /// is shown.
    pub(super) fn open_first(&mut self, named: Option<PathBuf>) {
        if let Some(path) = named {
            self.open(&path);
            return;
        }
        let is_left = |folder: &PathBuf| folder.join(PROJECT_FILE).is_file() && !ProjectFile::is_open(folder);
        match self.state.settings.open.take().filter(is_left) {
            Some(folder) => {
                self.open(&folder);
                let body = "This project was open when Hone closed unexpectedly. Its changes are saved";
                self.tell(Tone::Neutral, "Your project is back", body);
            }
            None => self.state.set_session(None),
        }
    }

    pub(super) fn open_sample(&mut self) {
        match sample_project() {
            Ok(folder) => self.leave(Leaving::Open(folder)),
            Err(error) => self.tell(Tone::Danger, "The sample project could not be opened", error.to_string()),
        }
    }

    /// Starts a new project with data files, or opens the project among them.
    pub(super) fn begin_with(&mut self, paths: Vec<PathBuf>) {
        if !paths.is_empty() {
            self.leave(Leaving::NewData(paths));
        }
    }

    fn open(&mut self, path: &Path) {
        match Session::open(path) {
            Ok((session, recovered)) => {
                self.show_session(session);
                if recovered {
                    let body = "Hone closed before they were saved. They are saved now; File > History has the \
                                project without them";
                    self.tell(Tone::Neutral, RECOVERED, body);
                }
            }
            Err(OpenError::Damaged { last_good: Some(_), path: ref file, .. }) => {
                let message = Session::open(path).err().map(|error| error.to_string()).unwrap_or_default();
                let folder = file.parent().unwrap_or(file).to_owned();
                self.dialog = Some(Dialog::Damaged { path: folder, message });
            }
            Err(error) => self.tell_not_opened(path, &error),
        }
    }

    fn tell_not_opened(&mut self, path: &Path, error: &OpenError) {
        self.state.settings.forget(path);
        self.state.refresh_recent();
        self.tell(Tone::Danger, "The project could not be opened", error.to_string());
    }

    fn show_session(&mut self, session: Session) {
        if let Some(why) = session.read_only() {
            let body = format!("{why}. To make changes, duplicate the project first (File > Duplicate project)");
            self.tell(Tone::Warning, "Opened read-only", body);
        }
        let is_new_sample = is_sample(session.folder()) && session.window().page.is_none();
        let may_reopen = session.read_only().is_none();
        self.state.settings.remember(session.folder());
        self.state.settings.open = may_reopen.then(|| session.folder().to_owned());
        self.states = StepStates::default();
        self.state.set_session(Some(session));
        if is_new_sample {
            // All its settings are made.
            self.state.view = View::Step(Step::Train);
        }
        self.keep_settings();
    }

    /// Closes the open project, after asking about running training, a running study and changes that cannot be saved.
    pub(super) fn leave(&mut self, leaving: Leaving) {
        // Checked before anything is asked or stopped: picking a folder without a project must not close the open one.
        if let Leaving::Open(path) = &leaving
            && let Err(error) = ProjectFile::read(path)
            && !matches!(error, OpenError::Damaged { .. })
        {
            self.dialog = None;
            self.tell_not_opened(path, &error);
            return;
        }
        let answers = &self.state.work.answers;
        if answers.is_training_or_studying() {
            self.dialog = Some(if answers.is_training() { Dialog::Training(leaving) } else { Dialog::Study(leaving) });
            return;
        }
        if let Some(file) = self.state.work.answers.unsaved_predictions() {
            self.dialog = Some(Dialog::Predictions { file, next: Discarding::Leave(leaving) });
            return;
        }
        match self.save_now() {
            Ok(()) => self.go(leaving),
            Err(why) => self.dialog = Some(Dialog::Unsaved { leaving, why }),
        }
    }

    /// Does what discards the predictions for a file, after asking if they are not saved.
    pub(super) fn ask_before_discarding(&mut self, next: Discarding) {
        match self.state.work.answers.unsaved_predictions() {
            Some(file) => self.dialog = Some(Dialog::Predictions { file, next }),
            None => self.discarding(next),
        }
    }

    fn discarding(&mut self, next: Discarding) {
        match next {
            Discarding::Leave(leaving) => self.leave(leaving),
            Discarding::Label(path) => self.state.work.read_file_to_label(path),
            Discarding::Read(question) => self.state.work.read_to_label(*question),
            Discarding::Load(run) => self.state.work.load_run(run),
            Discarding::Train => self.start_or_ask(ModelUse::Train),
            Discarding::Resume(run) => self.resume(run),
        }
    }

    /// Saves what an edit of the last second left unsaved. The error says why that is not possible.
    fn save_now(&mut self) -> Result<(), String> {
        let Some(session) = &mut self.state.session else { return Ok(()) };
        let saved = session.save(Instant::now());
        // What is lost besides the project, such as its page, is not worth a question.
        if session.is_dirty() { saved.map_err(|error| error.to_string()) } else { Ok(()) }
    }

    fn go(&mut self, leaving: Leaving) {
        match leaving {
            Leaving::Quit => {
                self.may_close = true;
                self.forget_open();
                self.ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Leaving::StartPage => self.close_project(),
            Leaving::Open(path) => {
                // Release the old project's lock first, in case the same project is opened again.
                self.state.set_session(None);
                self.open(&path);
            }
            Leaving::NewData(paths) => self.create_with(&paths),
            Leaving::Create { task, folder, name } => {
                self.create(&folder, Project { name, ..Project::new(task) });
            }
        }
    }

    fn close_project(&mut self) {
        self.state.set_session(None);
        self.states = StepStates::default();
        self.forget_open();
    }

    /// Notes that no project is open, so that none is opened again at the next start.
    fn forget_open(&mut self) {
        self.state.settings.open = None;
        self.note_window();
        self.keep_settings();
    }

    /// Notes where the window is, for the next start.
    fn note_window(&mut self) {
        let zoom = self.ctx.zoom_factor();
        let place = self.ctx.input(|input| place_of(input.viewport(), zoom));
        // A test, or a system that does not tell, has none.
        self.state.settings.window = place.or(self.state.settings.window);
    }

    /// Creates a project and opens it. Returns whether that worked.
    fn create(&mut self, folder: &Path, project: Project) -> bool {
        let created = Session::create(folder, project);
        let worked = created.is_ok();
        match created {
            Ok(session) => {
                self.dialog = None;
                self.show_session(session);
            }
            Err(error) => self.show_dialog_error(error.to_string()),
        }
        worked
    }

    /// Creates a project for data files, named after the first.
    fn create_with(&mut self, paths: &[PathBuf]) {
        let stem = paths.first().and_then(|path| path.file_stem()).unwrap_or_default();
        let name = stem.to_string_lossy().into_owned();
        let folder = free_folder(&self.projects, &name);
        if self.create(&folder, Project { name, ..Project::new(TaskKind::default()) }) {
            self.open_data(paths);
        }
    }

    fn show_dialog_error(&mut self, message: String) {
        match &mut self.dialog {
            Some(Dialog::New { error, .. } | Dialog::Duplicate { error, .. }) => *error = Some(message),
            _ => self.tell(Tone::Danger, "The project could not be created", message),
        }
    }

    pub(super) fn guard_closing(&mut self, ctx: &Context) {
        if !ctx.input(|input| input.viewport().close_requested()) || self.may_close {
            return;
        }
        let answers = &self.state.work.answers;
        if answers.is_training_or_studying() || answers.unsaved_predictions().is_some() || self.save_now().is_err() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            // All questions are answered: the window closes once the run or study has stopped.
            if !matches!(self.dialog, Some(Dialog::Stopping(Leaving::Quit) | Dialog::HandingOver(Leaving::Quit))) {
                self.leave(Leaving::Quit);
            }
        } else {
            self.forget_open();
        }
    }

    /// Leaves once the run or study has stopped: until then it writes to the project's folder.
    pub(super) fn leave_when_stopped(&mut self) {
        if let Some(Dialog::Stopping(leaving) | Dialog::HandingOver(leaving)) = &self.dialog
            && !self.state.work.answers.is_training_or_studying()
        {
            let leaving = leaving.clone();
            self.dialog = None;
            self.leave(leaving);
        }
    }

    pub(super) fn on_answer(&mut self, answer: DialogAnswer) {
        match answer {
            DialogAnswer::Create { task, folder, name } => self.leave(Leaving::Create { task, folder, name }),
            DialogAnswer::Rename(name) => self.edit(Edit::Name(name)),
            DialogAnswer::Restore(version) => self.restore(*version),
            DialogAnswer::Duplicate(folder) => self.duplicate(&folder),
            DialogAnswer::AskForCopy => self.ask_for_copy(),
            DialogAnswer::Path(pick, path) => self.use_path(pick, path),
            DialogAnswer::Download(what) => self.start(what, true),
            DialogAnswer::StopAndLeave(leaving) => {
                let work = &mut self.state.work;
                if work.answers.is_training() {
                    work.end_training();
                } else {
                    work.stop_study();
                }
                self.dialog = Some(Dialog::Stopping(leaving));
            }
            DialogAnswer::HandOverAndLeave(leaving) => {
                self.state.work.hand_over();
                self.dialog = Some(Dialog::HandingOver(leaving));
            }
            DialogAnswer::DiscardAndLeave(leaving) => self.go(leaving),
            DialogAnswer::ShowPredictions => self.state.view = View::TryIt,
            DialogAnswer::DiscardPredictions(next) => {
                self.state.work.answers.forget_predictions();
                self.discarding(next);
            }
            DialogAnswer::RestoreLastGood(path) => match Session::open_last_good(&path) {
                Ok(session) => self.show_session(session),
                Err(error) => self.tell(Tone::Danger, "The project could not be restored", error.to_string()),
            },
        }
    }

    // The project as a whole.

    pub(super) fn ask_for_name(&mut self) {
        let Some(session) = &self.state.session else { return };
        self.dialog = Some(Dialog::Rename { name: session.project().name.clone() });
    }

    pub(super) fn ask_for_copy(&mut self) {
        let Some(session) = &self.state.session else { return };
        // The sample is in a hidden folder, where nobody looks for a copy.
        let beside = session.folder().parent().filter(|_| !is_sample(session.folder()));
        let folder = free_folder(beside.unwrap_or(&self.projects), &format!("{} copy", session.project().name));
        self.dialog = Some(Dialog::Duplicate { folder: folder.display().to_string(), error: None });
    }

    fn duplicate(&mut self, folder: &Path) {
        let Some(session) = &mut self.state.session else { return };
        match session.duplicate(folder) {
            Ok(()) => {
                self.dialog = None;
                self.state.settings.remember(folder);
                self.state.settings.open = Some(folder.to_owned());
                self.state.refresh_runs();
                self.state.refresh_recent();
                self.keep_settings();
            }
            Err(error) => self.show_dialog_error(error.to_string()),
        }
    }

    pub(super) fn keep_version(&mut self) {
        let Some(session) = &mut self.state.session else { return };
        match session.keep_version(Instant::now()) {
            Ok(()) => {
                let body = "Hone saves every change by itself. To come back to this state, use File > History";
                self.tell(Tone::Success, "This version is saved", body);
            }
            Err(error) => self.tell(Tone::Danger, "The version could not be saved", error.to_string()),
        }
    }

    pub(super) fn show_versions(&mut self) {
        let Some(session) = &self.state.session else { return };
        let versions = session.versions();
        let differences = |place: usize| {
            let (version, before) = (&versions.get(place)?.project, &versions.get(place + 1)?.project);
            let name = (version.name != before.name).then(|| format!("Name: {}", version.name));
            Some(name.into_iter().chain(changes(before, version)).collect())
        };
        let differences: Vec<_> = (0..versions.len()).map(differences).collect();
        let rows = versions.into_iter().zip(differences);
        let rows =
            rows.map(|(version, changes)| VersionRow { saved_at: version.saved_at, changes, project: version.project });
        self.dialog = Some(Dialog::Versions(rows.collect()));
    }

    fn restore(&mut self, version: VersionRow) {
        self.edit(Edit::Restore(Box::new(version.project)));
        let title = format!("Restored the version of {}", ago(version.saved_at));
        self.tell(Tone::Success, title, "Undo brings back what you had");
    }
}
