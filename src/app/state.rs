//! The state of the window: the open project, the work on it, and what follows from both.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::fetch::{CatalogueEntry, entry_of, locate, network_of};
use crate::models::{EarlierLabels, ModelConfig};
use crate::project::{DatasetSettings, Facts, ModelChoice, NetworkKind, Readiness, Step, changes, readiness};
use crate::storage::{AdaptedModel, AppSettings, Interruption, RecentProject, RunListing, with_absolute_paths};

use crate::app::commands::CommandState;
use crate::app::context::StepContext;
use crate::app::live_run::LiveRun;
use crate::app::messages::Edit;
use crate::app::session::{Session, Stale};
use crate::app::shell::Searched;
use crate::app::theme::Theme;
use crate::app::view::View;
use crate::app::work::Work;

/// Time without an edit before the data is read or prepared again.
const REFRESH_AFTER: Duration = Duration::from_millis(150);

/// What was last compared with the run shown, to compare again only after a change.
#[derive(PartialEq)]
struct Compared {
    /// See [`Session::revision`].
    revision: u64,
    run: String,
    /// Hash of the rows, if they are up to date.
    rows: Option<String>,
}

/// The state of the window, apart from its appearance.
pub struct AppState {
    /// The open project; `None` on the start page.
    pub session: Option<Session>,
    /// The workers and their answers.
    pub work: Work,
    /// The kind of the chosen model's network.
    pub network: NetworkKind,
    /// The labels that the chosen model was fine-tuned for, if it is on this machine.
    pub earlier_labels: Option<EarlierLabels>,
    /// Facts about the project other than its settings.
    pub facts: Facts,
    /// The chosen model's folder, if it is on this machine.
    pub model_folder: Option<PathBuf>,
    /// The project's runs, newest first.
    pub runs: Vec<RunListing>,
    /// The newest run, if it was interrupted.
    pub interrupted: Option<Interruption>,
    /// Adapted models of recent projects.
    pub adapted: Vec<AdaptedModel>,
    /// The page in the middle of the window.
    pub view: View,
    /// Theme, zoom, recent projects.
    pub settings: AppSettings,
    /// The text field that was used last, if it is on the page.
    pub text_field: Option<egui::Id>,
    /// Rows are selected in a table of the page.
    pub rows_in_use: bool,
    /// Why training cannot start, for a person to read; kept for the command table.
    train_blocked: Option<String>,
    /// What has changed since the run shown.
    changed_since_run: Vec<String>,
    compared_with_run: Option<Compared>,
    stale: Option<(Stale, Instant)>,
    /// When the runs were last asked for.
    pub(super) listed_at: Option<Instant>,
    /// When the studies were last asked for.
    pub(super) studies_listed_at: Option<Instant>,
    /// The newest finished run is shown as soon as the runs are known.
    pub(super) shows_newest: bool,
    /// The files that are being opened in place of a table.
    pub replacing: Option<DatasetSettings>,
}

impl AppState {
    /// The state without a project.
    #[must_use]
    pub fn new(work: Work, settings: AppSettings) -> Self {
        Self {
            session: None,
            work,
            network: NetworkKind::default(),
            earlier_labels: None,
            facts: Facts::default(),
            model_folder: None,
            runs: Vec::new(),
            interrupted: None,
            adapted: Vec::new(),
            view: View::Step(Step::Data),
            settings,
            text_field: None,
            rows_in_use: false,
            train_blocked: None,
            changed_since_run: Vec::new(),
            compared_with_run: None,
            stale: None,
            listed_at: None,
            studies_listed_at: None,
            shows_newest: false,
            replacing: None,
        }
    }

    /// Shows another project, or none. Work on the old one is abandoned.
    pub fn set_session(&mut self, session: Option<Session>) {
        self.work.forget_project();
        self.session = session;
        (self.stale, self.replacing, self.compared_with_run) = (None, None, None);
        self.changed_since_run.clear();
        self.runs.clear();
        (self.interrupted, self.shows_newest) = (None, true);
        self.view = self.first_page();
        self.refresh_model();
        self.refresh_runs();
        self.refresh_recent();
        if let Some(session) = &self.session
            && session.project().dataset.main.is_some()
        {
            self.work.import(session.project(), session.folder().to_owned());
        }
        self.refresh_facts();
    }

    /// Where the person left off in the project. A new project begins with its data.
    fn first_page(&self) -> View {
        let Some(window) = self.session.as_ref().map(Session::window) else { return View::default() };
        if window.try_it {
            return View::TryIt;
        }
        window.page.filter(|page| self.steps().contains(page)).map_or_else(View::default, View::Step)
    }

    /// Notes what the person sees: a step is looked at once it shows something.
    pub fn note_page(&mut self) {
        let Some(session) = &mut self.session else { return };
        session.show_page(self.view);
        let View::Step(step) = self.view else { return };
        if readiness(session.project(), &self.facts, step) == Readiness::Done {
            session.look_at(step);
        }
    }

    /// Looks for the recent projects. Those that were found before stay until then.
    pub fn refresh_recent(&mut self) {
        self.work.read_recent(self.settings.recent.clone());
    }

    /// Recent projects that can be opened, the last one first.
    #[must_use]
    pub fn recent(&self) -> &[RecentProject] {
        self.work.recent.value.as_deref().unwrap_or_default()
    }

    /// Notes what an edit made out of date. It is updated once there has been no edit for a while.
    pub fn make_stale(&mut self, stale: Stale, now: Instant) {
        self.refresh_model();
        if stale == Stale::Nothing {
            return;
        }
        let stale = self.stale.map_or(stale, |(already, _)| already.max(stale));
        self.stale = Some((stale, now + REFRESH_AFTER));
    }

    /// Updates what is out of date, if there has been no edit for a while. Returns the time left until then, if any.
    pub fn renew(&mut self, now: Instant) -> Option<Duration> {
        let (stale, at) = self.stale?;
        if at > now {
            return Some(at - now);
        }
        self.stale = None;
        let session = self.session.as_ref()?;
        if stale == Stale::Imported && session.project().dataset.main.is_some() {
            self.work.import(session.project(), session.folder().to_owned());
        } else if stale == Stale::Imported {
            self.work.forget_data();
        } else if stale <= Stale::Findings {
            self.work.ignore_leaks(session.project());
            if stale == Stale::Findings {
                self.find_problems();
            }
        } else {
            self.prepare();
        }
        None
    }

    /// Finds problems of the prepared rows.
    pub fn find_problems(&mut self) {
        if let Some(session) = &self.session {
            self.work.find_problems(session.project(), session.folder().to_owned());
        }
    }

    /// Whether nothing is being read, prepared or waited for.
    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.stale.is_none() && !self.work.answers.is_busy() && !self.work.recent.is_running()
    }

    /// Prepares the data again, if its columns are chosen.
    pub fn prepare(&mut self) {
        let Some(session) = &self.session else { return };
        let project = session.project();
        self.work.count_labels(&project.dataset);
        let imported = self.work.answers.imported.value.as_ref();
        if imported.is_some_and(|imported| project.columns_chosen(&imported.main.table.names)) {
            self.work.prepare(project, session.folder());
        } else {
            self.work.answers.forget_rows();
        }
    }

    /// Continues what the person has stopped: preparing, or comparing texts.
    pub fn compare_again(&mut self) {
        match self.work.answers.prepared().cloned() {
            Some(prepared) => self.work.compare(prepared),
            None => self.prepare(),
        }
    }

    /// Looks for the chosen model on this machine.
    pub fn refresh_model(&mut self) {
        // A catalogue that cannot be read is reported where the model is chosen.
        let folders = self.work.models().map(|models| &models.folders);
        let located = self.session.as_ref().map(|session| locate(&session.project().model, session.folder(), folders));
        self.model_folder = located.and_then(Result::ok).flatten();
        let network = self.session.as_ref().map(|session| network_of(&session.project().model, session.folder()));
        self.network = network.unwrap_or_default();
        // A model that cannot be read is reported where it is used.
        let config = self.model_folder.as_deref().and_then(|folder| ModelConfig::read(folder).ok());
        self.earlier_labels = config.and_then(|config| config.earlier_labels());
    }

    /// An edit that chooses a model, with the hyperparameters that suit its kind of network; any other edit as it is.
    #[must_use]
    pub fn with_settings_of_model(&self, edit: Edit) -> Edit {
        let (Edit::Model(model), Some(session)) = (&edit, &self.session) else { return edit };
        let (project, kind) = (session.project(), network_of(model, session.folder()));
        let training = project.training.moved(project.task.kind(), self.network, kind);
        if training == project.training {
            return edit;
        }
        Edit::ModelAndTraining(Box::new((model.clone(), training)))
    }

    /// Updates the facts about the project.
    pub fn refresh_facts(&mut self) {
        let answers = &self.work.answers;
        let mut data_issues: Vec<String> = answers.rows.failed.iter().cloned().collect();
        if answers.rows.stopped {
            data_issues.push("Preparing was stopped, so the rows are not split".to_owned());
        }
        if let Some(prepared) = answers.prepared() {
            data_issues.extend(prepared.blockers.iter().cloned());
        }
        data_issues.extend(answers.imported.failed.iter().cloned());
        self.facts = Facts {
            columns: answers.imported.value.as_ref().map(|imported| imported.main.table.names.clone()),
            prepared: answers.prepared().is_some() && data_issues.is_empty(),
            data_issues,
            model_available: self.model_folder.is_some(),
            model_fetchable: self.session.as_ref().is_some_and(|session| entry(&session.project().model).is_some()),
            has_run: answers.results.value.is_some(),
            exported: self.is_exported(),
        };
        self.train_blocked = self.why_not_train();
        self.note_changes_since_run();
    }

    /// Whether something of the run shown was exported.
    fn is_exported(&self) -> bool {
        let (session, results) = (self.session.as_ref(), self.work.answers.results.value.as_ref());
        session.zip(results).is_some_and(|(session, results)| session.window().exported.contains(&results.summary.run))
    }

    /// Compares the project with the run shown, if either has changed since they were compared.
    fn note_changes_since_run(&mut self) {
        let answers = &self.work.answers;
        let rows = answers.prepared().filter(|_| self.is_settled()).map(|prepared| prepared.data_hash.as_str());
        let now = self.session.as_ref().zip(answers.results.value.as_ref()).map(|(session, results)| Compared {
            revision: session.revision(),
            run: results.summary.run.clone(),
            rows: rows.map(str::to_owned),
        });
        if now != self.compared_with_run {
            self.changed_since_run = self.changes_since_run().unwrap_or_default();
            self.compared_with_run = now;
        }
    }

    /// Whether the rows are those of the project's settings.
    fn is_settled(&self) -> bool {
        self.stale.is_none() && self.work.answers.preview().is_none()
    }

    /// What has changed since the run shown, a line for each setting; `None` without a run.
    fn changes_since_run(&self) -> Option<Vec<String>> {
        let session = self.session.as_ref()?;
        let run = &self.work.answers.results.value.as_ref()?.settings;
        let mut changed = changes(&run.project, &with_absolute_paths(session.project(), session.folder()));
        let prepared = self.work.answers.prepared().filter(|_| self.is_settled() && changed.is_empty());
        if prepared.is_some_and(|prepared| prepared.data_hash != run.data_hash) {
            changed.push("Data: the rows of the files".to_owned());
        }
        Some(changed)
    }

    fn why_not_train(&self) -> Option<String> {
        let Some(session) = &self.session else { return Some("Open a project first".to_owned()) };
        match readiness(session.project(), &self.facts, Step::Train) {
            Readiness::Blocked(issues) => issues.into_iter().next().map(|issue| issue.message),
            Readiness::Ready | Readiness::Done if self.work.answers.prepared().is_none() => {
                Some("The data is still being prepared".to_owned())
            }
            _ if self.work.answers.study.is_running() => Some("A study is running. See Studies".to_owned()),
            Readiness::Ready | Readiness::Done => None,
        }
    }

    /// The steps of the project's task.
    #[must_use]
    pub fn steps(&self) -> &'static [Step] {
        let Some(session) = &self.session else { return &Step::ALL };
        session.project().task.steps()
    }

    /// The facts that decide which commands are enabled.
    #[must_use]
    pub fn command_state(&self) -> CommandState<'_> {
        let history = self.session.as_ref().map(Session::history);
        let live = self.work.answers.live.as_ref();
        CommandState {
            has_project: self.session.is_some(),
            steps: self.steps(),
            undo: history.and_then(crate::app::history::History::undo_title),
            redo: history.and_then(crate::app::history::History::redo_title),
            training: self.work.answers.is_training(),
            paused: live.is_some_and(|live| live.paused),
            stopping: live.is_some_and(LiveRun::is_stopping),
            next_stop: live.and_then(LiveRun::next_stop),
            train_blocked: self.train_blocked.as_deref(),
            has_run: self.work.answers.results.value.is_some(),
            view: self.view,
            theme: self.settings.theme,
            text_field: self.text_field.is_some(),
            rows: self.rows_in_use,
        }
    }

    /// What the search over everything finds.
    #[must_use]
    pub fn searched(&self) -> Searched<'_> {
        Searched {
            project: self.session.as_ref().map(|session| (session.project(), session.folder())),
            labels: self.work.answers.prepared().map_or(&[], |prepared| &prepared.labels),
            runs: &self.runs,
            recent: &self.settings.recent,
        }
    }

    /// What a step can read, if a project is open.
    #[must_use]
    pub fn step_context<'a>(&'a self, theme: &'a Theme) -> Option<StepContext<'a>> {
        let session = self.session.as_ref()?;
        let of = (session.project(), session.folder());
        Some(StepContext {
            model_folder: self.model_folder.as_deref(),
            models: self.work.models(),
            train_blocked: self.train_blocked.as_deref(),
            network: self.network,
            earlier_labels: self.earlier_labels.as_ref(),
            changed_since_run: &self.changed_since_run,
            tables: &self.settings.tables,
            runs: &self.runs,
            interrupted: self.interrupted.as_ref(),
            adapted: &self.adapted,
            looked_at: &session.window().looked_at,
            ..StepContext::new(theme, of, &self.facts, &self.work.answers)
        })
    }
}

/// What is known of a model that can be downloaded.
#[must_use]
pub fn entry(choice: &ModelChoice) -> Option<Cow<'static, CatalogueEntry>> {
    entry_of(choice).ok().flatten()
}
