//! What the app does when it is asked to: the one place where commands are carried out.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui::{Context, ViewportCommand};

use crate::project::{DatasetSettings, ModelChoice, Project};
use crate::storage::{OpenError, PROJECT_FILE, ProjectFile, ThemeChoice, sample_project, stored};
use crate::worker::ExportFormat;

use super::app::HoneApp;
use super::commands::UserCommand;
use super::context::Notice;
use super::messages::{AppCommand, Edit, Pick};
use super::pick::Picked;
use super::session::{Session, Stale};
use super::shell::{Dialog, DialogAnswer, Leaving};
use super::steps::{StepStates, View};
use super::theme::Tone;
use super::work::Outcome;

/// Zoom grows and shrinks by this.
const ZOOM_STEP: f32 = 0.1;

impl HoneApp {
    /// Carries out what a step or the shell asked for.
    pub(super) fn run_command(&mut self, command: AppCommand) {
        match command {
            AppCommand::Edit(edit) => self.edit(edit),
            AppCommand::GoTo(step) => self.state.view = View::Step(step),
            AppCommand::User(command) => self.run_user_command(command),
            AppCommand::Pick(pick) => self.ask_for(pick),
            AppCommand::OpenData(path) => self.open_data(&path),
            AppCommand::ReadAgain => self.state.make_stale(Stale::Imported, Instant::now()),
            AppCommand::OpenProject(path) => self.leave(Leaving::Open(path)),
            AppCommand::FetchModel(id) => self.state.work.fetch(id),
            AppCommand::StopFetch => self.state.work.stop_fetch(),
            AppCommand::LoadRun(run) => self.state.work.load_run(run),
            AppCommand::Evaluate(data) => self.state.work.evaluate(data),
            AppCommand::Export { format, output } => self.state.work.export(format, output),
            AppCommand::StopJob => self.state.work.stop_job(),
            AppCommand::Classify(texts) => self.state.work.classify(texts),
            AppCommand::PredictFile { input, output } => self.state.work.predict(input, output),
            AppCommand::Reveal(path) => self.reveal(&path),
            AppCommand::Notify(notice) => self.notices.push(notice),
        }
    }

    fn run_user_command(&mut self, command: UserCommand) {
        if let Some(why) = command.blocked(&self.state.command_state()) {
            self.tell(Tone::Neutral, command.text().trim_end_matches('…'), why);
            return;
        }
        match command {
            UserCommand::New => self.dialog = Some(Dialog::new_project(&projects_folder())),
            UserCommand::Open => self.ask_for(Pick::Project),
            UserCommand::OpenSample => self.open_sample(),
            UserCommand::Save => self.save(),
            UserCommand::SaveAs => self.dialog = Some(Dialog::SaveAs { folder: String::new(), error: None }),
            UserCommand::ExportWeights => self.ask_for(Pick::ExportTo(ExportFormat::HuggingFace)),
            UserCommand::Quit => self.leave(Leaving::Quit),
            UserCommand::Undo => self.change(Session::undo),
            UserCommand::Redo => self.change(Session::redo),
            UserCommand::Train => self.train(),
            UserCommand::PauseResume => {
                let paused = self.state.command_state().paused;
                self.state.work.set_paused(!paused);
            }
            UserCommand::Stop => self.state.work.stop_training(),
            UserCommand::GoTo(step) => self.state.view = View::Step(step),
            UserCommand::TryIt => self.state.view = View::TryIt,
            UserCommand::NextStep => self.state.view = self.state.view.step(1).map_or(self.state.view, View::Step),
            UserCommand::PreviousStep => self.state.view = self.state.view.step(-1).map_or(self.state.view, View::Step),
            UserCommand::Palette => self.palette.toggle(),
            UserCommand::Notifications => self.dialog = Some(Dialog::Notifications),
            UserCommand::ThemeSystem => self.set_theme(ThemeChoice::System),
            UserCommand::ThemeLight => self.set_theme(ThemeChoice::Light),
            UserCommand::ThemeDark => self.set_theme(ThemeChoice::Dark),
            UserCommand::ZoomIn => self.set_zoom(self.state.settings.zoom + ZOOM_STEP),
            UserCommand::ZoomOut => self.set_zoom(self.state.settings.zoom - ZOOM_STEP),
            UserCommand::ZoomReset => self.set_zoom(1.0),
            UserCommand::Shortcuts => self.dialog = Some(Dialog::Shortcuts),
            UserCommand::About => self.dialog = Some(Dialog::About),
        }
    }

    fn tell(&mut self, tone: Tone, title: impl Into<String>, body: impl Into<String>) {
        self.notices.push(Notice { tone, title: title.into(), body: body.into() });
    }

    fn edit(&mut self, edit: Edit) {
        self.change(|session, now| session.apply(edit, now));
    }

    fn change(&mut self, change: impl FnOnce(&mut Session, Instant) -> Stale) {
        let now = Instant::now();
        if let Some(session) = &mut self.state.session {
            let stale = change(session, now);
            self.state.make_stale(stale, now);
        }
    }

    /// Takes another file as the main one: what was said of the old file's form and columns is forgotten.
    fn open_data(&mut self, path: &Path) {
        let Some(session) = &self.state.session else { return };
        let main = Some(stored(session.folder(), path));
        let old = &session.project().dataset;
        let dataset = DatasetSettings {
            main,
            validation: old.validation.clone(),
            test: old.test.clone(),
            ..DatasetSettings::default()
        };
        self.edit(Edit::Dataset(dataset));
        self.state.view = View::default();
    }

    fn train(&mut self) {
        let Some(session) = &self.state.session else { return };
        self.state.work.train(session.project(), session.folder().to_owned());
        self.state.view = View::Step(crate::project::Step::Train);
    }

    fn save(&mut self) {
        let Some(session) = &mut self.state.session else { return };
        if let Err(error) = session.save() {
            self.tell(Tone::Danger, "The project could not be saved", error.to_string());
        }
    }

    pub(super) fn autosave(&mut self, now: Instant) -> Option<Duration> {
        match self.state.session.as_mut()?.autosave(now) {
            Ok(wait) => wait,
            Err(error) => {
                self.tell(Tone::Danger, "The changes could not be autosaved", error.to_string());
                None
            }
        }
    }

    fn set_theme(&mut self, theme: ThemeChoice) {
        self.state.settings.theme = theme;
        self.keep_settings();
    }

    fn set_zoom(&mut self, zoom: f32) {
        self.state.settings.zoom = ((zoom * 10.0).round() / 10.0).clamp(0.8, 2.0);
        self.keep_settings();
    }

    fn keep_settings(&mut self) {
        self.apply_settings();
        if !self.keep_settings {
            return;
        }
        if let Err(error) = self.state.settings.save() {
            self.tell(Tone::Warning, "The settings could not be kept", error.to_string());
        }
    }

    fn reveal(&mut self, path: &Path) {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let url = format!("file://{}", folder.display());
        self.ctx.open_url(egui::OpenUrl::new_tab(url));
    }

    // Opening, leaving, closing.

    /// Opens the project named when Hone was started, or the last one, or the sample.
    pub(super) fn open_first(&mut self, named: Option<PathBuf>) {
        if let Some(path) = named {
            self.open(&path);
            return;
        }
        let last = self.state.settings.recent.first().filter(|folder| folder.join(PROJECT_FILE).is_file()).cloned();
        match last.or_else(|| sample_project().ok()) {
            Some(folder) => self.open(&folder),
            None => self.state.set_session(None),
        }
    }

    fn open_sample(&mut self) {
        match sample_project() {
            Ok(folder) => self.leave(Leaving::Open(folder)),
            Err(error) => self.tell(Tone::Danger, "The sample project could not be opened", error.to_string()),
        }
    }

    fn open(&mut self, path: &Path) {
        match Session::open(path) {
            Ok((session, recovered)) => {
                self.show_session(session);
                if recovered {
                    let body = "Hone ended without saving them. They are here again: save to keep them, or undo by \
                                closing the project without saving";
                    self.tell(Tone::Warning, "Unsaved changes were recovered", body);
                }
            }
            Err(OpenError::Damaged { autosave: Some(_), path: ref file, .. }) => {
                let message = Session::open(path).err().map(|error| error.to_string()).unwrap_or_default();
                let folder = file.parent().unwrap_or(file).to_owned();
                self.dialog = Some(Dialog::Damaged { path: folder, message });
            }
            Err(error) => {
                self.state.settings.forget(path);
                self.tell(Tone::Danger, "The project could not be opened", error.to_string());
            }
        }
    }

    fn show_session(&mut self, session: Session) {
        if let Some(why) = session.read_only() {
            let body = format!("{why}. You can look at it; to keep changes, save it under another name");
            self.tell(Tone::Warning, "Opened for reading only", body);
        }
        self.state.settings.remember(session.folder());
        self.states = StepStates::default();
        self.state.set_session(Some(session));
        self.keep_settings();
    }

    /// Leaves the open project, after asking what must be asked.
    pub(super) fn leave(&mut self, leaving: Leaving) {
        // Looked at before anything is asked or stopped: a folder without a project must not cost the one that is open.
        if let Leaving::Open(path) = &leaving
            && let Err(error) = ProjectFile::read(path)
            && !matches!(error, OpenError::Damaged { .. })
        {
            self.dialog = None;
            self.state.settings.forget(path);
            self.tell(Tone::Danger, "The project could not be opened", error.to_string());
            return;
        }
        if self.state.work.is_training() {
            self.dialog = Some(Dialog::Training(leaving));
        } else if self.state.session.as_ref().is_some_and(Session::is_dirty) {
            self.dialog = Some(Dialog::Unsaved(leaving));
        } else {
            self.go(leaving);
        }
    }

    fn go(&mut self, leaving: Leaving) {
        match leaving {
            Leaving::Quit => {
                self.may_close = true;
                self.ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Leaving::Open(path) => {
                // The old project's lock must be free, should it be the same one.
                self.state.set_session(None);
                self.open(&path);
            }
            Leaving::Create { folder, name } => {
                let project = Project { name, ..Project::default() };
                match Session::create(&folder, project) {
                    Ok(session) => {
                        self.dialog = None;
                        self.show_session(session);
                    }
                    Err(error) => self.show_dialog_error(error.to_string()),
                }
            }
        }
    }

    fn show_dialog_error(&mut self, message: String) {
        match &mut self.dialog {
            Some(Dialog::New { error, .. } | Dialog::SaveAs { error, .. }) => *error = Some(message),
            _ => self.tell(Tone::Danger, "The project could not be made", message),
        }
    }

    pub(super) fn guard_closing(&mut self, ctx: &Context) {
        if !ctx.input(|input| input.viewport().close_requested()) || self.may_close {
            return;
        }
        let dirty = self.state.session.as_ref().is_some_and(Session::is_dirty);
        if self.state.work.is_training() || dirty {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.leave(Leaving::Quit);
        }
    }

    pub(super) fn on_answer(&mut self, answer: DialogAnswer) {
        match answer {
            DialogAnswer::Create { folder, name } => self.leave(Leaving::Create { folder, name }),
            DialogAnswer::SaveAs(folder) => self.save_as(&folder),
            DialogAnswer::Path(pick, path) => self.use_path(pick, path),
            DialogAnswer::StopAndLeave(leaving) => {
                self.state.work.forget_project();
                self.leave(leaving);
            }
            DialogAnswer::SaveAndLeave(leaving) => {
                self.save();
                if !self.state.session.as_ref().is_some_and(Session::is_dirty) {
                    self.go(leaving);
                }
            }
            DialogAnswer::DiscardAndLeave(leaving) => {
                let discarded = self.state.session.as_mut().map(Session::discard_changes);
                if let Some(Err(error)) = discarded {
                    self.tell(Tone::Warning, "The autosave could not be removed", error.to_string());
                }
                self.go(leaving);
            }
            DialogAnswer::OpenAutosave(path) => match Session::open_autosave(&path) {
                Ok(session) => self.show_session(session),
                Err(error) => self.tell(Tone::Danger, "The autosave could not be opened", error.to_string()),
            },
        }
    }

    fn save_as(&mut self, folder: &Path) {
        let Some(session) = &mut self.state.session else { return };
        match session.save_as(folder) {
            Ok(()) => {
                self.dialog = None;
                self.state.settings.remember(folder);
                self.state.refresh_runs();
                self.keep_settings();
            }
            Err(error) => self.show_dialog_error(error.to_string()),
        }
    }

    // Files and folders.

    fn ask_for(&mut self, pick: Pick) {
        let folder = match &self.state.session {
            Some(session) => session.folder().to_owned(),
            None => projects_folder(),
        };
        let waker = self.ctx.clone();
        if let Err(error) = self.picker.ask(pick.clone(), &folder, move || waker.request_repaint()) {
            self.tell(Tone::Warning, "The system's file dialog could not be shown", error.to_string());
            self.dialog = Some(Dialog::TypePath { pick, path: String::new() });
        }
    }

    pub(super) fn on_picked(&mut self, picked: Picked) {
        match picked {
            Picked::Path(pick, path) => self.use_path(pick, path),
            Picked::Nothing => {}
            // A dialog of ours with a text field is open already: the path is typed there.
            Picked::NoDialog(Pick::NewFolder | Pick::SaveAs) if self.dialog.is_some() => {
                self.tell(Tone::Neutral, "This system has no file dialog", "Type the folder's path");
            }
            Picked::NoDialog(pick) => self.dialog = Some(Dialog::TypePath { pick, path: String::new() }),
        }
    }

    fn use_path(&mut self, pick: Pick, path: PathBuf) {
        match pick {
            Pick::Project => self.leave(Leaving::Open(path)),
            Pick::NewFolder => {
                if let Some(Dialog::New { parent, .. }) = &mut self.dialog {
                    *parent = path.display().to_string();
                }
            }
            Pick::SaveAs => {
                if let Some(Dialog::SaveAs { folder, .. }) = &mut self.dialog {
                    *folder = path.display().to_string();
                }
            }
            Pick::ExportTo(format) => self.state.work.export(format, path),
            Pick::EvaluateFile => self.state.work.evaluate(path),
            Pick::PredictFile => self.ask_for(Pick::PredictOutput { input: path }),
            Pick::PredictOutput { input } => self.state.work.predict(input, path),
            Pick::MainFile => self.open_data(&path),
            Pick::ValidationFile | Pick::TestFile | Pick::ModelFolder => self.use_path_in_project(&pick, &path),
        }
    }

    fn use_path_in_project(&mut self, pick: &Pick, path: &Path) {
        let Some(session) = &self.state.session else { return };
        let path = stored(session.folder(), path);
        let mut dataset = session.project().dataset.clone();
        match pick {
            Pick::ValidationFile => dataset.validation = Some(path),
            Pick::TestFile => dataset.test = Some(path),
            _ => {
                self.edit(Edit::Model(ModelChoice::Folder(path)));
                return;
            }
        }
        self.edit(Edit::Dataset(dataset));
    }

    pub(super) fn take_dropped_files(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        let Some(path) = dropped else { return };
        let is_project = path.join(PROJECT_FILE).is_file() || path.file_name().is_some_and(|name| name == PROJECT_FILE);
        if is_project {
            self.leave(Leaving::Open(path));
        } else if self.state.session.is_some() {
            self.open_data(&path);
        } else {
            self.tell(Tone::Neutral, "Make a project first", "Then drop the file again to open it there");
        }
    }

    // What the workers answered.

    pub(super) fn on_outcome(&mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Imported => self.guess_columns(now),
            Outcome::ModelReady => self.state.refresh_model(),
            Outcome::RunFinished => {
                self.state.refresh_runs();
                let macro_f1 = self.state.work.results.as_ref().map(|results| {
                    let summary = &results.summary;
                    summary.test.as_ref().unwrap_or(&summary.validation).macro_average.f1
                });
                let body =
                    macro_f1.map_or_else(String::new, |f1| format!("Macro-F1 {f1:.3}. Evaluate shows where it errs"));
                self.tell(Tone::Success, "Training finished", body);
            }
            Outcome::Written(body) => self.tell(Tone::Success, "Written", body),
            Outcome::Failed(title, body) => {
                self.state.refresh_runs();
                self.tell(Tone::Danger, title, body);
            }
        }
    }

    /// Takes the guessed columns where none are chosen, then prepares.
    fn guess_columns(&mut self, now: Instant) {
        let Some(imported) = self.state.work.imported.clone() else { return };
        if let Some(session) = &mut self.state.session {
            session.fill_in(
                |project| {
                    let dataset = &mut project.dataset;
                    for (column, guess) in [
                        (&mut dataset.text_column, &imported.guessed_text),
                        (&mut dataset.label_column, &imported.guessed_label),
                    ] {
                        if let (true, Some(guess)) = (column.is_empty(), guess) {
                            column.clone_from(guess);
                        }
                    }
                },
                now,
            );
        }
        self.state.prepare();
    }
}

/// Where new projects are made, unless another place is named.
fn projects_folder() -> PathBuf {
    directories::UserDirs::new()
        .map(|dirs| dirs.document_dir().unwrap_or(dirs.home_dir()).to_owned())
        .unwrap_or_default()
}
