//! What the window does with studies: it runs them, and lists those of the project.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::app::app::HoneApp;
use crate::app::context::Notice;
use crate::app::live_study::LiveStudy;
use crate::app::messages::Edit;
use crate::app::slot::Ended;
use crate::app::state::AppState;
use crate::app::studies_command::StudiesCommand;
use crate::app::theme::Tone;
use crate::app::view::View;
use crate::app::widgets::begin_at_top;
use crate::app::work::Work;
use crate::project::{Project, StudyPlan, apply_settings};
use crate::storage::StudyFolder;
use crate::worker::{FindRate, KeepBest, ListStudies, RunStudy};

/// How often the studies are listed again while a person looks at them, so that those of the terminal appear.
const LISTED_EVERY: Duration = Duration::from_secs(3);

impl Work {
    /// Runs a study, or goes on with one, unless something is training.
    pub fn run_study(&mut self, project: &Project, folder: &Path, plan: StudyPlan, resumed: Option<StudyFolder>) {
        if self.answers.is_training_or_studying() {
            return;
        }
        let (events, told) = crossbeam_channel::unbounded();
        let (project, folder) = (project.clone(), folder.to_owned());
        let job = RunStudy { project, folder, plan, may_fetch: false, resumed, cluster: None, events };
        self.answers.study.ask(&self.heavy, job);
        self.answers.live_study = Some(LiveStudy::new(told));
    }

    /// Tries learning rates, unless something is training.
    pub fn find_rate(&mut self, project: &Project, folder: &Path) {
        if !self.answers.is_training_or_studying() {
            let job = FindRate { project: project.clone(), folder: folder.to_owned(), may_fetch: false };
            self.answers.rate.ask_about(project.clone(), &self.heavy, job);
        }
    }

    /// Stops the study; its finished trials stay, and it can go on later.
    pub fn stop_study(&mut self) {
        if let Some(live) = &mut self.answers.live_study {
            live.stopping = true;
            live.handed_over = false;
        }
        self.answers.study.stop();
    }

    /// Lists the project's studies.
    pub fn list_studies(&mut self, folder: &Path) {
        if !self.answers.studies.is_running() {
            let before = self.answers.studies.value.clone();
            self.answers.studies.ask(&self.runs, ListStudies { folder: folder.to_owned(), before });
        }
    }
}

impl AppState {
    /// Lists the studies again if a while has passed and someone looks at them. Returns the time left until then.
    pub fn poll_studies(&mut self, now: Instant) -> Option<Duration> {
        if self.view != View::Studies {
            self.studies_listed_at = None;
            return None;
        }
        let left =
            self.studies_listed_at.map_or(Duration::ZERO, |at| (at + LISTED_EVERY).saturating_duration_since(now));
        if left.is_zero()
            && let Some(session) = &self.session
        {
            self.studies_listed_at = Some(now);
            self.work.list_studies(session.folder());
        }
        Some(left.max(Duration::from_millis(100)))
    }
}

impl HoneApp {
    /// Carries out what a person does with studies.
    pub(super) fn run_studies_command(&mut self, command: StudiesCommand) {
        let Some(session) = &self.state.session else { return };
        let (project, folder) = (session.project(), session.folder());
        let work = &mut self.state.work;
        if matches!(command, StudiesCommand::Begin(_) | StudiesCommand::Resume(_)) {
            // The one that is running is at the top of the page, and the button that began it may be far below.
            begin_at_top(&self.ctx);
        }
        match command {
            StudiesCommand::FindRate => work.find_rate(project, folder),
            StudiesCommand::StopRate => work.answers.rate.stop(),
            StudiesCommand::Begin(plan) => work.run_study(project, folder, plan, None),
            StudiesCommand::Resume(study) => match study.read_settings() {
                Ok(settings) => work.run_study(project, folder, settings.plan, Some(study)),
                Err(error) => self.tell(Tone::Danger, "The study cannot go on", error.to_string()),
            },
            StudiesCommand::Stop => work.stop_study(),
            StudiesCommand::StopElsewhere(study) => match study.ask_to_stop() {
                Ok(()) => {
                    let body = "It ends soon, and keeps what is done";
                    self.tell(Tone::Neutral, "The study was asked to stop", body);
                }
                Err(error) => self.tell(Tone::Danger, "The study could not be stopped", error.to_string()),
            },
            StudiesCommand::Keep(study) => work.answers.kept.ask(&work.heavy, KeepBest { study }),
            StudiesCommand::Use(settings) => match apply_settings(project, &settings) {
                Ok(changed) => self.edit_training(changed),
                Err(error) => self.tell(Tone::Danger, "These settings cannot be used", error.to_string()),
            },
        }
    }

    /// Changes the settings of training and of the task to those of another project.
    fn edit_training(&mut self, changed: Project) {
        let Some(project) = self.state.session.as_ref().map(|session| session.project().clone()) else { return };
        if changed.task != project.task {
            self.edit(Edit::Task(changed.task));
        }
        if changed.training != project.training {
            self.edit(Edit::Training(changed.training));
        }
        let title = "The project uses these settings now. Train a run with them".to_owned();
        self.notices.push_passing(Notice { tone: Tone::Success, title, body: String::new() });
    }

    /// Handles what the worker says about studies.
    pub(super) fn take_in_studies(&mut self) {
        let answers = &mut self.state.work.answers;
        if let Some(live) = &mut answers.live_study {
            live.take_in();
        }
        answers.rate.poll();
        answers.studies.poll();
        let kept = answers.kept.poll();
        let is_known = answers.kept.value.as_ref().is_some_and(|kept| kept.is_known);
        let ended = answers.study.poll();
        if let Some(ended) = ended {
            let live = answers.live_study.take();
            let is_handed_over = live.as_ref().is_some_and(|live| live.handed_over);
            let results = live.and_then(|live| live.results);
            if is_handed_over {
                self.go_on_with_study(&ended, results.as_deref());
            }
            let title = results.map_or("Study", |results| results.settings.plan.title());
            if ended == Ended::Answered {
                self.news.ended(&format!("{title} finished"), "Studies shows what it found");
            }
            if ended == Ended::Answered && self.state.view != View::Studies {
                let body = "Studies shows what it found".to_owned();
                self.tell(Tone::Success, format!("{title} finished"), body);
            }
            self.state.studies_listed_at = None;
            // The study may have kept its best model as one.
            self.state.refresh_runs();
        }
        match kept {
            Some(Ended::Answered) => {
                self.state.refresh_runs();
                let when = if is_known { "already" } else { "now" };
                let body = "Evaluate it, review its mistakes or export it like any other run".to_owned();
                self.tell(Tone::Success, format!("The best model is a run of the project {when}"), body);
            }
            Some(Ended::Failed { title, message }) => self.tell(Tone::Danger, title, message),
            Some(Ended::Stopped) | None => {}
        }
    }
}
