//! Carries out commands. No other place does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui::{Context, Event, Key, Modifiers, ViewportCommand};

use crate::app::app::HoneApp;
use crate::app::commands::UserCommand;
use crate::app::context::Notice;
use crate::app::help::{Page, Topic};
use crate::app::history::Change;
use crate::app::messages::{AppCommand, Edit, Pick};
use crate::app::pick::Picked;
use crate::app::session::{Session, Stale};
use crate::app::shell::{Dialog, Discarding, Leaving, ModelUse};
use crate::app::state::entry;
use crate::app::theme::Tone;
use crate::app::view::View;
use crate::app::widgets::{Anchor, TableAsk, ask_table, begin_at_top, scroll_to};
use crate::models::gguf_of;
use crate::project::{DatasetSettings, ModelChoice, SplitMethod, SplitSettings, Step};
use crate::storage::{PROJECT_FILE, RunFolder, ThemeChoice, stored};
use crate::words::counted;

/// Title of the notification that unsaved changes were recovered.
pub(super) const RECOVERED: &str = "Unsaved changes were recovered";
/// Step by which the zoom changes.
const ZOOM_STEP: f32 = 0.1;

impl HoneApp {
    /// Carries out a command of a step or the shell.
    pub(super) fn run_command(&mut self, command: AppCommand) {
        match command {
            AppCommand::Edit(edit) => self.edit(edit),
            AppCommand::GoTo(step) => self.show(View::Step(step)),
            AppCommand::User(command) => self.run_user_command(command),
            AppCommand::Pick(pick) => self.ask_for(pick),
            AppCommand::OpenData(path) => self.open_data(&[path]),
            AppCommand::OpenFiles(paths) => self.open_data(&paths),
            AppCommand::AddFiles(paths) => self.add_data(&paths),
            AppCommand::ReadAgain => self.state.make_stale(Stale::Imported, Instant::now()),
            AppCommand::FindRows(query) => self.state.work.find_rows(*query),
            AppCommand::CountValues(column) => self.state.work.count_values(column),
            AppCommand::CountTokens(model) => self.state.work.count_tokens(model),
            AppCommand::StopCountingTokens => self.state.work.answers.tokens.stop(),
            AppCommand::CountTextTokens(text, model) => self.state.work.count_text_tokens(text, model),
            AppCommand::FindProblems => self.state.find_problems(),
            AppCommand::StopLooking => self.state.work.stop_looking(),
            AppCommand::OpenProject(path) => self.leave(Leaving::Open(path)),
            AppCommand::FetchModel(model) => self.state.work.fetch(model),
            AppCommand::StopFetch => self.state.work.answers.fetch.stop(),
            AppCommand::SearchHub(words) => self.state.work.search_hub(words),
            AppCommand::StopSearchingHub => self.state.work.answers.hub_search.stop(),
            AppCommand::ConvertModel(file) => self.state.work.convert(file),
            AppCommand::StopConverting => self.state.work.answers.converted.stop(),
            AppCommand::UseHubModel(name) => self.state.work.look_up(name),
            AppCommand::StopLookingUp => self.state.work.answers.look_up.stop(),
            AppCommand::DryRun => self.start_or_ask(ModelUse::Measure),
            AppCommand::CompareWays => {
                if let Some(session) = &self.state.session {
                    self.state.work.compare_ways(session.project(), session.folder().to_owned());
                }
            }
            AppCommand::StopComparingWays => self.state.work.answers.ways.stop(),
            AppCommand::StopDryRun => self.state.work.answers.forecast.stop(),
            AppCommand::StopPreparing => self.state.work.answers.rows.stop(),
            AppCommand::StopComparing => self.state.work.stop_comparing(),
            AppCommand::CompareAgain => self.state.compare_again(),
            AppCommand::LoadRun(run) => self.ask_before_discarding(Discarding::Load(run)),
            AppCommand::Evaluate(data) => self.state.work.evaluate(data),
            AppCommand::CheckTrainingRows => self.state.work.check_training_rows(),
            AppCommand::CompareSlices => self.state.work.compare_slices(),
            AppCommand::Export { format, output } => self.state.work.export(format, output),
            AppCommand::Resume(run) => self.ask_before_discarding(Discarding::Resume(run)),
            AppCommand::SaveReport(output) => self.state.work.save_report(output),
            AppCommand::StopJob => self.state.work.answers.stop_job(),
            AppCommand::Classify(texts) => self.state.work.classify(texts),
            AppCommand::FillBlanks(text) => self.state.work.fill_blanks(text),
            AppCommand::ContinueText { text, sampling } => self.state.work.continue_text(text, sampling),
            AppCommand::StopContinuing => self.state.work.answers.continued.stop(),
            AppCommand::FindTerms(model) => self.state.work.find_terms(model),
            AppCommand::StopFindingTerms => self.state.work.answers.terms.stop(),
            AppCommand::ReadToLabel(question) => self.ask_before_discarding(Discarding::Read(question)),
            AppCommand::LabelRows => self.state.work.label_rows(),
            AppCommand::Runs(command) => self.run_runs_command(command),
            AppCommand::Studies(command) => self.run_studies_command(command),
            AppCommand::Reveal(path) => self.reveal(&path),
            AppCommand::Notify(notice) => self.notices.push(notice),
            AppCommand::CopyRows { text, rows } => self.copy_rows(text, rows),
            AppCommand::KeepTable(table, layout) => {
                self.state.settings.tables.insert(table, layout);
                self.keep_settings();
            }
        }
    }

    fn run_user_command(&mut self, command: UserCommand) {
        if let Some(why) = command.blocked(&self.state.command_state()) {
            self.tell(Tone::Neutral, command.text().trim_end_matches('…'), why);
            return;
        }
        match command {
            UserCommand::StartPage => self.leave(Leaving::StartPage),
            UserCommand::New => self.dialog = Some(Dialog::new_project(&self.projects)),
            UserCommand::Open => self.ask_for(Pick::Project),
            UserCommand::OpenData => self.ask_for(Pick::NewData),
            UserCommand::OpenSample => self.open_sample(),
            UserCommand::Rename => self.ask_for_name(),
            UserCommand::Duplicate => self.ask_for_copy(),
            UserCommand::KeepVersion => self.keep_version(),
            UserCommand::Versions => self.show_versions(),
            UserCommand::ExportWeights => {
                self.show(View::Step(Step::Export));
                scroll_to(&self.ctx, Anchor::ExportFolder);
            }
            UserCommand::Quit => self.leave(Leaving::Quit),
            UserCommand::Undo => self.step_back(Session::undo, "Undid"),
            UserCommand::Redo => self.step_back(Session::redo, "Redid"),
            UserCommand::Cut | UserCommand::Copy | UserCommand::Paste | UserCommand::SelectAll => {
                self.in_text_field(command);
            }
            UserCommand::Preferences => self.dialog = Some(Dialog::Preferences),
            UserCommand::Train => self.ask_before_discarding(Discarding::Train),
            UserCommand::PauseResume => {
                let paused = self.state.command_state().paused;
                self.state.work.set_paused(!paused);
            }
            UserCommand::Stop => self.state.work.stop_training(),
            UserCommand::GoTo(step) => self.show(View::Step(step)),
            UserCommand::TryIt => self.show(View::TryIt),
            UserCommand::Runs => self.show(View::Runs),
            UserCommand::Studies => self.show(View::Studies),
            UserCommand::LabelFile => {
                self.show(View::TryIt);
                self.ask_for(Pick::FileToLabel);
            }
            UserCommand::NextStep => self.go_by(1),
            UserCommand::PreviousStep => self.go_by(-1),
            UserCommand::Palette => self.palette.toggle(),
            UserCommand::Notifications => {
                self.notices.mark_read();
                self.dialog = Some(Dialog::Notifications);
            }
            UserCommand::ThemeSystem => self.set_theme(ThemeChoice::System),
            UserCommand::ThemeLight => self.set_theme(ThemeChoice::Light),
            UserCommand::ThemeDark => self.set_theme(ThemeChoice::Dark),
            UserCommand::ZoomIn => self.set_zoom(self.state.settings.zoom + ZOOM_STEP),
            UserCommand::ZoomOut => self.set_zoom(self.state.settings.zoom - ZOOM_STEP),
            UserCommand::ZoomReset => self.set_zoom(1.0),
            UserCommand::Help => self.help.show(Some(Topic::Page(Page::of(self.state.view)))),
            UserCommand::HelpContents => self.help.show(None),
            UserCommand::Shortcuts => self.dialog = Some(Dialog::Shortcuts),
            UserCommand::About => self.dialog = Some(Dialog::About),
        }
    }

    fn copy_rows(&mut self, text: String, rows: usize) {
        self.ctx.copy_text(text);
        let title = format!("Copied {}", counted(rows, "row", "rows"));
        let body = "Paste them into a spreadsheet or a text".to_owned();
        self.notices.push_passing(Notice { tone: Tone::Neutral, title, body });
    }

    /// Carries out a command of the clipboard in the text field that was used last, or in the table whose rows are selected.
    fn in_text_field(&self, command: UserCommand) {
        let Some(field) = self.state.text_field else {
            match command {
                UserCommand::Copy => ask_table(&self.ctx, TableAsk::Copy),
                UserCommand::SelectAll => ask_table(&self.ctx, TableAsk::SelectAll),
                _ => {}
            }
            return;
        };
        self.ctx.memory_mut(|memory| memory.request_focus(field));
        let event = match command {
            UserCommand::Cut => Event::Cut,
            UserCommand::Copy => Event::Copy,
            // Only the system's clipboard knows the text.
            UserCommand::Paste => return self.ctx.send_viewport_cmd(ViewportCommand::RequestPaste),
            _ => select_all(),
        };
        self.ctx.input_mut(|input| input.events.push(event));
    }

    /// Goes to the step `by` places after the current page, if there is one.
    fn go_by(&mut self, by: isize) {
        if let Some(step) = self.state.view.step(self.state.steps(), by) {
            self.show(View::Step(step));
        }
    }

    /// Shows a page, from its top if another was shown.
    pub(super) fn show(&mut self, view: View) {
        if self.state.view != view {
            begin_at_top(&self.ctx);
        }
        self.state.view = view;
    }

    pub(super) fn tell(&mut self, tone: Tone, title: impl Into<String>, body: impl Into<String>) {
        self.notices.push(Notice { tone, title: title.into(), body: body.into() });
    }

    pub(super) fn edit(&mut self, edit: Edit) {
        let edit = self.state.with_settings_of_model(edit);
        let imported = self.state.work.answers.imported.value.clone();
        let (page, now) = (self.state.view, Instant::now());
        if let Some(session) = &mut self.state.session {
            let stale = session.apply(edit, imported.as_deref(), page, now);
            self.state.make_stale(stale, now);
        }
    }

    /// Undoes or redoes an edit, says which, and shows the page where it was made.
    fn step_back(&mut self, step: impl FnOnce(&mut Session, Instant) -> Option<(Change, Stale)>, done: &str) {
        let now = Instant::now();
        let Some((change, stale)) = self.state.session.as_mut().and_then(|session| step(session, now)) else { return };
        self.state.make_stale(stale, now);
        if let View::Step(step) = change.page
            && self.state.steps().contains(&step)
        {
            self.state.view = change.page;
        }
        let title = format!("{done}: {}", change.title);
        let place = match self.state.view {
            View::Step(step) => step.title(),
            View::TryIt | View::Runs | View::Studies => self.state.view.title(),
        };
        self.notices.push_passing(Notice { tone: Tone::Neutral, title, body: format!("On {place}") });
    }

    /// Opens other files as the main data, and forgets the old file's format and columns.
    pub(super) fn open_data(&mut self, paths: &[PathBuf]) {
        let Some(session) = &self.state.session else { return };
        if paths.is_empty() {
            return;
        }
        let mut files = paths.iter().map(|path| stored(session.folder(), path));
        let main = files.next();
        let old = &session.project().dataset;
        let dataset = DatasetSettings {
            main,
            more: files.collect(),
            validation: old.validation.clone(),
            test: old.test.clone(),
            ..DatasetSettings::default()
        };
        // The split by the old file's columns is forgotten too, and the leaks that were ignored there.
        let split = SplitSettings {
            method: SplitMethod::Random,
            ignored_leaks: BTreeSet::new(),
            ..session.project().split.clone()
        };
        let same = session.project().split == split;
        self.show(View::default());
        let had_table = self.state.work.answers.imported.value.is_some();
        self.state.replacing = had_table.then(|| dataset.clone());
        self.edit(if same { Edit::Dataset(dataset) } else { Edit::Divide(Box::new((dataset, split))) });
        if let Some(session) = &mut self.state.session {
            session.look_again();
        }
    }

    /// Appends files to the main one, except those that are there already.
    fn add_data(&mut self, paths: &[PathBuf]) {
        let Some(session) = &self.state.session else { return };
        let mut dataset = session.project().dataset.clone();
        if dataset.main.is_none() {
            return self.open_data(paths);
        }
        let mut twice = Vec::new();
        for path in paths.iter().map(|path| stored(session.folder(), path)) {
            if dataset.main_files().any(|file| *file == path) {
                twice.push(path.display().to_string());
            } else {
                dataset.more.push(path);
            }
        }
        if !twice.is_empty() {
            self.tell(Tone::Neutral, "Already open in this project", twice.join(", "));
        }
        self.edit(Edit::Dataset(dataset));
        self.show(View::default());
    }

    /// Trains or measures. If the model must be downloaded for that, asks first.
    pub(super) fn start_or_ask(&mut self, what: ModelUse) {
        let Some(session) = &self.state.session else { return };
        match entry(&session.project().model).filter(|_| self.state.model_folder.is_none()) {
            Some(entry) => self.dialog = Some(Dialog::Download { entry, what }),
            None => self.start(what, false),
        }
    }

    /// Trains or measures. `may_fetch`: the person agreed to download the model.
    pub(super) fn start(&mut self, what: ModelUse, may_fetch: bool) {
        let Some(session) = &self.state.session else { return };
        let (project, folder) = (session.project(), session.folder().to_owned());
        match what {
            ModelUse::Measure => self.state.work.estimate_run(project, folder, may_fetch),
            ModelUse::Train => {
                self.state.work.train(project, folder, may_fetch, None);
                self.show_training();
            }
        }
    }

    /// Goes on with an interrupted run.
    pub(super) fn resume(&mut self, run: RunFolder) {
        let Some(session) = &self.state.session else { return };
        self.state.work.train(session.project(), session.folder().to_owned(), false, Some(run));
        self.show_training();
    }

    fn show_training(&mut self) {
        self.state.view = View::Step(Step::Train);
        // What the run does is shown above everything else.
        begin_at_top(&self.ctx);
    }

    pub(super) fn autosave(&mut self, now: Instant) -> Option<Duration> {
        match self.state.session.as_mut()?.autosave(now) {
            Ok(wait) => wait,
            Err(error) => {
                self.tell(Tone::Danger, "The changes could not be saved", error.to_string());
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

    pub(super) fn keep_settings(&mut self) {
        self.apply_settings();
        if !self.keep_settings {
            return;
        }
        if let Err(error) = self.state.settings.save() {
            self.tell(Tone::Warning, "The settings could not be saved", error.to_string());
        }
    }

    fn reveal(&mut self, path: &Path) {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let url = format!("file://{}", folder.display());
        self.ctx.open_url(egui::OpenUrl::new_tab(url));
    }

    // Files and folders.

    pub(super) fn ask_for(&mut self, pick: Pick) {
        let folder = match &self.state.session {
            Some(session) => session.folder().to_owned(),
            None => self.projects.parent().unwrap_or(&self.projects).to_owned(),
        };
        let waker = self.ctx.clone();
        if let Err(error) = self.picker.ask(pick.clone(), &folder, move || waker.request_repaint()) {
            self.tell(Tone::Warning, "The file dialog could not be opened", error.to_string());
            self.dialog = Some(Dialog::TypePath { pick, path: String::new() });
        }
    }

    pub(super) fn on_picked(&mut self, picked: Picked) {
        if matches!((&picked, &self.dialog), (Picked::Paths(..), Some(Dialog::TypePath { .. }))) {
            // The system's dialog did appear in the end.
            self.dialog = None;
        }
        match picked {
            Picked::Paths(Pick::MainFile, paths) => self.open_data(&paths),
            Picked::Paths(Pick::MoreFiles, paths) => self.add_data(&paths),
            Picked::Paths(Pick::NewData, paths) => self.begin_with(paths),
            Picked::Paths(pick, paths) => {
                if let Some(path) = paths.into_iter().next() {
                    self.use_path(pick, path);
                }
            }
            Picked::Nothing => {}
            // Hone's own dialog with a text field is open already: the path is typed there.
            Picked::NoDialog(Pick::NewFolder | Pick::Duplicate) if self.dialog.is_some() => {
                self.tell(Tone::Neutral, "This system has no file dialog", "Type the folder's path");
            }
            Picked::NoDialog(pick) => self.dialog = Some(Dialog::TypePath { pick, path: String::new() }),
        }
    }

    pub(super) fn use_path(&mut self, pick: Pick, path: PathBuf) {
        match pick {
            Pick::Project => self.leave(Leaving::Open(path)),
            Pick::NewFolder => {
                if let Some(Dialog::New { parent, .. }) = &mut self.dialog {
                    *parent = path.display().to_string();
                }
            }
            Pick::NewData => self.begin_with(vec![path]),
            Pick::Duplicate => {
                if let Some(Dialog::Duplicate { folder, .. }) = &mut self.dialog {
                    *folder = path.display().to_string();
                }
            }
            Pick::ExportTo(format) => self.state.work.export(format, path),
            Pick::Report => self.state.work.save_report(path),
            Pick::Curves(file) => self.state.work.save_curves(file, path),
            Pick::EvaluateFile => self.state.work.evaluate(path),
            Pick::FileToLabel => self.ask_before_discarding(Discarding::Label(path)),
            Pick::LabelledOutput(output) => {
                let threshold = output.least_percent.map(|percent| f32::from(percent) / 100.0);
                self.state.work.save_labelled(path, threshold);
            }
            Pick::MainFile | Pick::MainFolder => self.open_data(&[path]),
            Pick::MoreFiles => self.add_data(&[path]),
            Pick::BadRows => self.state.work.save_bad_rows(path),
            Pick::ModelFile => self.state.work.convert(path),
            Pick::ModelFolder if gguf_of(&path).is_some() => {
                self.state.work.convert(gguf_of(&path).unwrap_or(path));
            }
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
        let dropped: Vec<PathBuf> =
            ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        let Some(path) = dropped.first() else { return };
        let is_project = path.join(PROJECT_FILE).is_file() || path.file_name().is_some_and(|name| name == PROJECT_FILE);
        if is_project {
            self.leave(Leaving::Open(path.clone()));
        } else if self.state.session.is_some() && gguf_of(path).is_some_and(|file| file == *path) {
            self.state.work.convert(path.clone());
            self.run_command(AppCommand::GoTo(Step::Model));
        } else if self.state.session.is_some() {
            self.open_data(&dropped);
        } else {
            self.begin_with(dropped);
        }
    }
}

/// The keys that select everything in a text field.
fn select_all() -> Event {
    Event::Key { key: Key::A, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::COMMAND }
}
