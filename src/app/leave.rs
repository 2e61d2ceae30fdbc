//! Opening and closing projects, and the questions to ask first.

use std::path::{Path, PathBuf};

use egui::{Context, ViewportCommand};

use crate::project::Project;
use crate::storage::{OpenError, PROJECT_FILE, ProjectFile, sample_project};

use crate::app::act::RECOVERED;
use crate::app::app::HoneApp;
use crate::app::session::Session;
use crate::app::shell::{Dialog, DialogAnswer, Leaving};
use crate::app::steps::StepStates;
use crate::app::theme::Tone;

impl HoneApp {
    /// Opens the project given on the command line, or else the last one, or else the sample.
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

    pub(super) fn open_sample(&mut self) {
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
                    let body = "Hone closed before they were saved. Save to keep them, or close the project without \
                                saving to discard them";
                    self.tell(Tone::Warning, RECOVERED, body);
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
            let body = format!("{why}. To make changes, save a copy of the project first (File > Save as)");
            self.tell(Tone::Warning, "Opened read-only", body);
        }
        self.state.settings.remember(session.folder());
        self.states = StepStates::default();
        self.state.set_session(Some(session));
        self.keep_settings();
    }

    /// Closes the open project, after asking about running training and unsaved changes.
    pub(super) fn leave(&mut self, leaving: Leaving) {
        // Checked before anything is asked or stopped: picking a folder without a project must not close the open one.
        if let Leaving::Open(path) = &leaving
            && let Err(error) = ProjectFile::read(path)
            && !matches!(error, OpenError::Damaged { .. })
        {
            self.dialog = None;
            self.state.settings.forget(path);
            self.tell(Tone::Danger, "The project could not be opened", error.to_string());
            return;
        }
        if self.state.work.answers.is_training() {
            self.dialog = Some(Dialog::Training(leaving));
            return;
        }
        match &self.state.session {
            Some(session) if session.is_dirty() => {
                self.dialog = Some(Dialog::Unsaved { leaving, restored: session.is_restored() });
            }
            _ => self.go(leaving),
        }
    }

    fn go(&mut self, leaving: Leaving) {
        match leaving {
            Leaving::Quit => {
                self.may_close = true;
                self.ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Leaving::Open(path) => {
                // Release the old project's lock first, in case the same project is opened again.
                self.state.set_session(None);
                self.open(&path);
            }
            Leaving::Create { task, folder, name } => {
                let project = Project { name, ..Project::new(task) };
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
            _ => self.tell(Tone::Danger, "The project could not be created", message),
        }
    }

    pub(super) fn guard_closing(&mut self, ctx: &Context) {
        if !ctx.input(|input| input.viewport().close_requested()) || self.may_close {
            return;
        }
        let dirty = self.state.session.as_ref().is_some_and(Session::is_dirty);
        if self.state.work.answers.is_training() || dirty {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            // All questions are answered: the window closes once the run has stopped.
            if !matches!(self.dialog, Some(Dialog::Stopping(Leaving::Quit))) {
                self.leave(Leaving::Quit);
            }
        }
    }

    /// Leaves once the run has stopped: until then it writes to the project's folder.
    pub(super) fn leave_when_stopped(&mut self) {
        if let Some(Dialog::Stopping(leaving)) = &self.dialog
            && !self.state.work.answers.is_training()
        {
            let leaving = leaving.clone();
            self.dialog = None;
            self.leave(leaving);
        }
    }

    pub(super) fn on_answer(&mut self, answer: DialogAnswer) {
        match answer {
            DialogAnswer::Create { task, folder, name } => self.leave(Leaving::Create { task, folder, name }),
            DialogAnswer::SaveAs(folder) => self.save_as(&folder),
            DialogAnswer::Path(pick, path) => self.use_path(pick, path),
            DialogAnswer::Download(what) => self.start(what, true),
            DialogAnswer::StopAndLeave(leaving) => {
                self.state.work.end_training();
                self.dialog = Some(Dialog::Stopping(leaving));
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

    pub(super) fn save_as(&mut self, folder: &Path) {
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
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use egui::{Key, Modifiers};
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::commands::UserCommand;
    use crate::app::messages::{AppCommand, Edit, Pick};
    use crate::app::shell::ModelUse;
    use crate::app::testing::{Window, app, app_on, hone, picture, press, settle};
    use crate::fetch::Catalogue;
    use crate::project::{ModelChoice, TaskKind};
    use crate::storage::{RunStatus, ThemeChoice};

    fn until(window: &mut Window, done: impl Fn(&HoneApp) -> bool) {
        let begun = Instant::now();
        while !done(hone(window)) {
            window.step();
            assert!(begun.elapsed() < Duration::from_mins(1), "waited a minute");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn quitting_with_unsaved_changes_asks_and_saves() {
        let (mut window, folder) = app(ThemeChoice::Light, 2.0);
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::Edit(Edit::Name("Mine".to_owned())));
        hone(&mut window).leave(Leaving::Quit);
        settle(&mut window);
        picture("unsaved", &mut window);
        window.get_by_label("Save").click();
        settle(&mut window);
        assert!(hone(&mut window).may_close);
        let saved = crate::storage::ProjectFile::read(&folder.path().join("customer-reviews")).unwrap().1;
        assert_eq!(saved.name, "Mine");
    }

    #[test]
    fn a_run_is_stopped_before_its_project_closes() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let mut training = hone(&mut window).project().training.clone();
        training.epochs = 1000;
        hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
        let model = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
        press(&mut window, Modifiers::COMMAND, Key::S);
        hone(&mut window).run_command(AppCommand::User(UserCommand::Train));
        until(&mut window, |app| app.state.work.answers.live.as_ref().is_some_and(|live| !live.steps.is_empty()));

        let ask = |window: &mut Window| {
            hone(window).leave(Leaving::Quit);
            window.run_steps(4);
            window.get_by_label("Quit while training is running?");
        };
        ask(&mut window);
        window.key_press(Key::Enter);
        window.run_steps(4);
        assert!(hone(&mut window).dialog.is_none() && hone(&mut window).state.work.answers.is_training());
        ask(&mut window);
        window.key_press(Key::Escape);
        window.run_steps(4);
        assert!(hone(&mut window).dialog.is_none() && hone(&mut window).state.work.answers.is_training());

        ask(&mut window);
        window.get_by_label("Stop and quit").click();
        until(&mut window, |app| app.may_close);
        assert!(!hone(&mut window).state.work.answers.is_training());
        let runs = crate::storage::RunFolder::list(&folder.path().join("customer-reviews")).unwrap();
        assert!(runs.iter().all(|run| !matches!(run.status, RunStatus::Running)), "no run is left unfinished");
    }

    #[test]
    fn enter_confirms_and_escape_cancels_every_dialog() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::Edit(Edit::Name("Mine".to_owned())));
        for dialog in [
            Dialog::Unsaved { leaving: Leaving::Quit, restored: false },
            Dialog::Training(Leaving::Quit),
            Dialog::Stopping(Leaving::Quit),
            Dialog::Damaged { path: PathBuf::new(), message: String::new() },
            Dialog::new_project(&PathBuf::from("somewhere")),
            Dialog::SaveAs { folder: "somewhere".to_owned(), error: None },
            Dialog::TypePath { pick: Pick::Project, path: "somewhere".to_owned() },
            Dialog::Download { entry: &Catalogue::bundled().unwrap().entries()[0], what: ModelUse::Train },
            Dialog::Shortcuts,
            Dialog::About,
            Dialog::Notifications,
        ] {
            hone(&mut window).dialog = Some(dialog.clone());
            window.run_steps(3);
            assert!(window.ctx.memory(egui::Memory::focused).is_some(), "{dialog:?} has the focus");
            window.key_press(Key::Escape);
            window.run_steps(3);
            assert_eq!(hone(&mut window).dialog, None, "{dialog:?}");
        }
        assert!(!hone(&mut window).may_close);
        hone(&mut window).leave(Leaving::Quit);
        window.run_steps(3);
        window.key_press(Key::Tab);
        window.run_steps(3);
        window.key_press(Key::Tab);
        window.run_steps(3);
        press(&mut window, Modifiers::NONE, Key::Enter);
        assert!(
            hone(&mut window).dialog.is_none() && !hone(&mut window).may_close,
            "the second button after Save is Cancel"
        );
        hone(&mut window).leave(Leaving::Quit);
        window.run_steps(3);
        press(&mut window, Modifiers::NONE, Key::Enter);
        assert!(hone(&mut window).may_close && !hone(&mut window).state.session.as_ref().unwrap().is_dirty());
    }

    #[test]
    fn enter_in_a_field_confirms_and_on_a_button_clicks_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _sample) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        hone(&mut window).dialog = Some(Dialog::new_project(folder.path()));
        window.run_steps(3);
        window.get_by_role_and_label(egui::Role::TextInput, "Name").type_text("Tickets");
        window.run_steps(3);
        window.get_by_label("Cancel").focus();
        window.run_steps(3);
        press(&mut window, Modifiers::NONE, Key::Enter);
        assert!(hone(&mut window).dialog.is_none() && !folder.path().join("Tickets").exists());
        hone(&mut window).dialog = Some(Dialog::new_project(folder.path()));
        window.run_steps(3);
        window.get_by_role_and_label(egui::Role::TextInput, "Name").type_text("Tickets");
        window.run_steps(3);
        press(&mut window, Modifiers::NONE, Key::Enter);
        assert!(folder.path().join("Tickets/project.ron").is_file());
    }

    #[test]
    fn a_model_that_is_missing_is_downloaded_only_after_a_question() {
        for (theme, scale) in [(ThemeChoice::Light, 1.0), (ThemeChoice::Dark, 2.0)] {
            let (mut window, _folder) = app(theme, scale);
            settle(&mut window);
            let id = ModelChoice::Catalogue("minilm-l6".to_owned());
            hone(&mut window).run_command(AppCommand::Edit(Edit::Model(id)));
            settle(&mut window);
            for (command, button) in [
                (AppCommand::User(UserCommand::Train), "Download 87.3 MiB and train"),
                (AppCommand::DryRun, "Download 87.3 MiB and measure"),
            ] {
                hone(&mut window).state.model_folder = None;
                hone(&mut window).run_command(command);
                window.run_steps(3);
                window.get_by_label("Download MiniLM L6?");
                window.get_by_label(button);
                picture(&format!("download-{scale}"), &mut window);
                window.key_press(Key::Escape);
                window.run_steps(3);
                let answers = &hone(&mut window).state.work.answers;
                assert!(!answers.is_training() && !answers.forecast.is_running() && !answers.fetch.is_running());
            }
        }
    }

    #[test]
    fn a_second_window_opens_the_project_read_only() {
        let (mut first, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut first);
        let mut second = app_on(Some(folder.path().join("customer-reviews")), ThemeChoice::Light, 2.0);
        settle(&mut second);
        second.get_by_label("Opened read-only");
        picture("second-window", &mut second);
        press(&mut second, Modifiers::COMMAND, Key::S);
        second.get_by_label("The project could not be saved");
    }

    #[test]
    fn a_damaged_project_offers_its_autosave() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::Edit(Edit::Name("Rescued".to_owned())));
        hone(&mut window).autosave(Instant::now() + Duration::from_secs(5));
        drop(window);
        let path = folder.path().join("customer-reviews");
        std::fs::write(path.join("project.ron"), "(name: \"half").unwrap();
        let mut window = app_on(Some(path.clone()), ThemeChoice::Light, 2.0);
        settle(&mut window);
        picture("damaged", &mut window);
        window.get_by_label("Open the last autosave").click();
        settle(&mut window);
        assert_eq!(hone(&mut window).project().name, "Rescued");
        hone(&mut window).leave(Leaving::Quit);
        settle(&mut window);
        window.get_by_label("Don't save").click();
        settle(&mut window);
        drop(window);
        let mut window = app_on(Some(path), ThemeChoice::Light, 1.0);
        settle(&mut window);
        assert!(window.query_by_label("Open the last autosave").is_some(), "the autosave is offered again");
    }

    #[test]
    fn opening_a_folder_without_a_project_shows_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut window = app_on(Some(folder.path().to_owned()), ThemeChoice::Light, 2.0);
        settle(&mut window);
        window.get_by_label("The project could not be opened");
        window.get_by_label("Welcome to Hone");
        picture("welcome", &mut window);
    }

    #[test]
    fn opening_a_folder_without_a_project_keeps_the_open_project_and_its_edits() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _sample) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let session = hone(&mut window).state.session.as_mut().unwrap();
        session.apply(crate::app::Edit::Name("Mine".to_owned()), None, std::time::Instant::now());
        hone(&mut window).leave(Leaving::Open(folder.path().to_owned()));
        assert!(hone(&mut window).dialog.is_none(), "nothing is asked, because no project closes");
        let session = hone(&mut window).state.session.as_ref().unwrap();
        assert_eq!((session.project().name.as_str(), session.is_dirty()), ("Mine", true));
        settle(&mut window);
        window.get_by_label("The project could not be opened");
    }

    #[test]
    fn a_new_project_is_created_and_asks_for_data() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _sample) = app(ThemeChoice::Light, 2.0);
        settle(&mut window);
        let parent = folder.path().display().to_string();
        let task = TaskKind::TextClassification;
        hone(&mut window).dialog = Some(Dialog::New { task, name: "Tickets".to_owned(), parent, error: None });
        settle(&mut window);
        window.check_accessibility();
        picture("new-project", &mut window);
        window.get_by_label("Create").click();
        settle(&mut window);
        assert!(folder.path().join("Tickets/project.ron").is_file());
        window.get_by_label("Open a table of texts and labels");
        picture("empty-project", &mut window);
    }

    #[test]
    fn a_new_project_asks_first_what_the_model_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _sample) = app(ThemeChoice::Light, 2.0);
        settle(&mut window);
        let mut dialog = Dialog::new_project(folder.path());
        if let Dialog::New { name, .. } = &mut dialog {
            *name = "Contracts".to_owned();
        }
        hone(&mut window).dialog = Some(dialog);
        settle(&mut window);
        window.get_by_label(TaskKind::LanguageModelling.title()).click();
        settle(&mut window);
        window.get_by_label("Create").click();
        settle(&mut window);
        let project = hone(&mut window).state.session.as_ref().unwrap().project().clone();
        assert_eq!(project.task.kind(), TaskKind::LanguageModelling);
        window.get_by_label("Open your texts");
        assert!(window.query_by_label_contains("Labels,").is_none(), "the rail has no steps for labels");

        let texts = folder.path().join("texts.csv");
        let rows: Vec<String> = (0..40).map(|row| format!("clause number {row} of the lease,2026-03-{row}")).collect();
        std::fs::write(&texts, format!("text,note\n{}\n", rows.join("\n"))).unwrap();
        hone(&mut window).run_command(crate::app::messages::AppCommand::OpenData(texts));
        settle(&mut window);
        assert!(window.query_all_by_label("Text column").next().is_some());
        assert!(window.query_all_by_label("Label column").next().is_none(), "there are no labels to choose");
        let prepared = hone(&mut window).prepared().unwrap();
        assert_eq!(prepared.warnings, [""; 0], "no test set is wanted, so none is missed");
    }
}
