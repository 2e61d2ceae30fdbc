//! Runs a study's trials as jobs of a Ray cluster, as many at a time as it has room for.

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::fetch::{RayError, RayJob, RayStatus};
use crate::progress::Control;
use crate::project::{StudyPlan, Trial};
use crate::storage::{EvaluationPoint, RunStatus, StopReason};
use crate::words::{counted, full_stop, lower_first};
use crate::worker::ray::cluster::Cluster;
use crate::worker::ray::ended_job::{ended_by_itself, found_no_node, reason_of};
use crate::worker::ray::follower::{Follower, News, TrialEnd};
use crate::worker::ray::sender::JobSender;
use crate::worker::ray::trouble::Trouble;
use crate::worker::study_here::look_between_trials;
use crate::worker::study_search;
use crate::worker::study_trials::{Study, StudyEvent};
use crate::worker::{Context, JobError, LogLevel, RunEvent};

/// Time between two looks at the jobs.
const LOOK: Duration = Duration::from_secs(1);
/// How often a wait checks whether it was cancelled.
const STEP: Duration = Duration::from_millis(50);
/// Time between two looks at the cluster's nodes, which come and go.
const ROOM: Duration = Duration::from_secs(10);
/// How long the cluster may not answer before the study ends; its jobs go on.
const AWAY: Duration = Duration::from_mins(5);
/// How often a trial that lost its worker is sent again.
const MOST_LOST: u32 = 3;
/// Digits of a node's id that are shown.
const NODE_DIGITS: usize = 8;

/// The jobs of a study.
struct StudyJobs<'a> {
    sender: JobSender,
    under_way: Vec<Follower>,
    /// How many jobs there is room for, and when that was asked.
    room: Option<(usize, Instant)>,
    /// Why no other trial begins.
    failure: Option<String>,
    /// Since when the cluster does not answer.
    away: Option<Instant>,
    events: &'a Sender<StudyEvent>,
}

/// What a look at all jobs found.
enum Turn {
    /// No trial is left.
    Done,
    /// A trial ended, so that there is room for another.
    Ended,
    /// All of them go on.
    Waiting,
}

/// Runs all trials that have no result on a cluster.
///
/// Those that a killed process began are found by the ids of their jobs. A cancelled study stops its jobs.
pub(in crate::worker) fn run_on_cluster(
    study: &mut Study,
    context: &mut Context<'_>,
    cluster: Cluster,
    events: &Sender<StudyEvent>,
) -> Result<(), JobError> {
    let sender = JobSender::begin(study, context, cluster)?;
    let mut jobs = StudyJobs { sender, under_way: Vec::new(), room: None, failure: None, away: None, events };
    let outcome = jobs.run(study, context);
    if outcome == Err(JobError::Cancelled) {
        jobs.stop_all(context);
    }
    outcome
}

impl StudyJobs<'_> {
    fn run(&mut self, study: &mut Study, context: &mut Context<'_>) -> Result<(), JobError> {
        loop {
            match self.turn(study, context) {
                Ok(Turn::Done) => break,
                Ok(Turn::Ended) => self.away = None,
                Ok(Turn::Waiting) => {
                    self.away = None;
                    pause(context.control)?;
                }
                Err(Trouble::Here(error)) => return Err(error),
                Err(Trouble::Ray(error)) => {
                    self.wait_out(error, context)?;
                    pause(context.control)?;
                }
            }
        }
        match self.failure.take() {
            Some(why) => Err(JobError::Failed(why)),
            None => Ok(()),
        }
    }

    /// Submits what there is room for, and looks at every job once.
    fn turn(&mut self, study: &mut Study, context: &mut Context<'_>) -> Result<Turn, Trouble> {
        look_between_trials(study, context)?;
        if self.room.is_none_or(|(_, asked)| asked.elapsed() >= ROOM) {
            self.room = Some((self.sender.room(context.control)?, Instant::now()));
        }
        let room = self.room.map_or(1, |(room, _)| room);
        while self.failure.is_none() && self.under_way.len() < room {
            let trials: Vec<Trial> = self.under_way.iter().map(|follower| follower.trial.clone()).collect();
            let Some(next) = study.next(&trials)? else { break };
            let follower = self.sender.submit_or_find(study, context, next)?;
            self.under_way.push(follower);
        }
        if self.under_way.is_empty() {
            return Ok(Turn::Done);
        }
        let mut turn = Turn::Waiting;
        let mut place = 0;
        while place < self.under_way.len() {
            if self.look_at(place, study, context)? {
                self.under_way.remove(place);
                turn = Turn::Ended;
            } else {
                place += 1;
            }
        }
        Ok(turn)
    }

    /// Goes on for a while, because the cluster may answer again.
    fn wait_out(&mut self, error: RayError, context: &Context<'_>) -> Result<(), JobError> {
        let since = *self.away.get_or_insert_with(|| {
            context.log(LogLevel::Warning, format!("{} Hone keeps trying.", full_stop(&error.to_string())));
            Instant::now()
        });
        if since.elapsed() < AWAY { Ok(()) } else { Err(error.into()) }
    }

    /// Takes in what is new about a job. Returns whether its trial has ended.
    fn look_at(&mut self, place: usize, study: &mut Study, context: &mut Context<'_>) -> Result<bool, Trouble> {
        let Some(job) = self.sender.ray.job(&self.under_way[place].job, context.control)? else {
            return self.send_again(place, study, context, ("the cluster no longer knows its job", true));
        };
        let has_ended = job.status.has_ended();
        self.tell_node(place, study, context, &job);
        if job.status != RayStatus::Pending && (has_ended || self.under_way[place].is_log_due()) {
            match self.sender.ray.log(&self.under_way[place].job, context.control) {
                Ok(log) => self.take_in(place, &log, study, context)?,
                // The node of the log does not answer, and may be lost.
                Err(error @ RayError::Refused { .. }) if error.may_pass() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let title = study.settings.plan.trial_title(self.under_way[place].trial.number);
        match self.under_way[place].end.clone() {
            Some(TrialEnd::Sent) => self.finish(place, study, context),
            Some(TrialEnd::Failed(why)) => self.fail(place, study, context, &why),
            Some(TrialEnd::Damaged) => {
                self.send_again(place, study, context, ("its results did not arrive whole", true))
            }
            None if !has_ended => Ok(false),
            None if self.under_way[place].is_behind => self.end_behind(place, study, context),
            None if job.status == RayStatus::Stopped => {
                let job = &self.under_way[place].job;
                self.failure.get_or_insert(format!("{title}: its job {job} was stopped on the cluster."));
                Ok(true)
            }
            None if ended_by_itself(&job) => {
                let said = self.under_way[place].last_lines();
                let why = format!(
                    "Hone could not run on its node, which must have the same kind of system as this machine. It said: {said}"
                );
                self.fail(place, study, context, &why)
            }
            // A job that found no node in time had no worker to lose.
            None => self.send_again(place, study, context, (&reason_of(&job), !found_no_node(&job))),
        }
    }

    /// Says which node a trial runs on, once that is known.
    fn tell_node(&mut self, place: usize, study: &Study, context: &Context<'_>, job: &RayJob) {
        let follower = &mut self.under_way[place];
        if let (None, Some(node)) = (&follower.node, &job.driver_node_id) {
            let title = study.settings.plan.trial_title(follower.trial.number);
            let short = node.get(..NODE_DIGITS).unwrap_or(node);
            context.log(LogLevel::Info, format!("{title}: on node {short} (try {}).", follower.attempt));
            follower.node = Some(node.clone());
        }
    }

    /// Takes in the log of a job, and stops the job if other trials do better.
    fn take_in(
        &mut self,
        place: usize,
        log: &str,
        study: &mut Study,
        context: &mut Context<'_>,
    ) -> Result<(), Trouble> {
        let follower = &mut self.under_way[place];
        let number = follower.trial.number;
        let mut news = Vec::new();
        follower.take_in(log, &study.folder, &mut |new| news.push(new))?;
        let mut evaluations: Vec<EvaluationPoint> = Vec::new();
        for new in news {
            match new {
                News::Warning(message) if study.said.insert(message.clone()) => {
                    context.log(LogLevel::Warning, message);
                }
                News::Warning(_) => {}
                News::Run(event) => {
                    if let RunEvent::Evaluation(point) = &event {
                        evaluations.push(EvaluationPoint::clone(point));
                    }
                    tell(context, self.events, StudyEvent::Run(number, event));
                }
            }
        }
        // The trial with the project's own settings is compared with the best at the end.
        let own = study_search::own_trial(&study.settings);
        if follower.is_behind || follower.end.is_some() || number <= own || evaluations.is_empty() {
            return Ok(());
        }
        let (others, metric) = (study.evaluations_of_others()?, study.settings.project.best_metric());
        if follower.is_left_behind(metric, &evaluations, (&others, study.best_score()?)) {
            let title = study.settings.plan.trial_title(number);
            context.log(LogLevel::Info, format!("{title}: others did better after as many epochs, so it ends."));
            follower.is_behind = true;
            self.sender.ray.stop(&follower.job, context.control)?;
        }
        Ok(())
    }

    /// Takes in the run of a trial that is finished.
    fn finish(&mut self, place: usize, study: &Study, context: &mut Context<'_>) -> Result<bool, Trouble> {
        self.under_way[place].finish()?;
        study.keep_weights()?;
        self.tell_results(place, study, context)
    }

    /// Ends a trial that was stopped because others did better, with what it had reached.
    fn end_behind(&mut self, place: usize, study: &Study, context: &mut Context<'_>) -> Result<bool, Trouble> {
        if let Some(run) = self.under_way[place].run() {
            run.write_status(&RunStatus::Finished(run.summary_so_far(StopReason::FellBehind)))?;
        }
        self.tell_results(place, study, context)
    }

    fn tell_results(&self, place: usize, study: &Study, context: &Context<'_>) -> Result<bool, Trouble> {
        let title = study.settings.plan.trial_title(self.under_way[place].trial.number);
        context.log(LogLevel::Info, format!("{title}: done."));
        tell(context, self.events, StudyEvent::Results(study.results()?));
        Ok(true)
    }

    /// Ends a trial that failed by itself. A search goes on, and other studies only wait for the trials under way.
    fn fail(&mut self, place: usize, study: &Study, context: &mut Context<'_>, why: &str) -> Result<bool, Trouble> {
        let follower = &self.under_way[place];
        let title = study.settings.plan.trial_title(follower.trial.number);
        if let Some(run) = follower.run() {
            run.write_status(&RunStatus::Failed(why.to_owned()))?;
        }
        if follower.run().is_some() && matches!(study.settings.plan, StudyPlan::Search(_)) {
            context.log(LogLevel::Warning, format!("{title} failed. {why}"));
            tell(context, self.events, StudyEvent::Results(study.results()?));
        } else {
            self.failure.get_or_insert(format!("{title}: {why}"));
        }
        Ok(true)
    }

    /// Submits another job for a trial whose job ended without a result, which counts if it lost its worker.
    fn send_again(
        &mut self,
        place: usize,
        study: &Study,
        context: &mut Context<'_>,
        (why, counts): (&str, bool),
    ) -> Result<bool, Trouble> {
        let follower = &mut self.under_way[place];
        let title = study.settings.plan.trial_title(follower.trial.number);
        let lost = follower.lost + u32::from(counts);
        if lost > MOST_LOST {
            self.failure.get_or_insert(format!(
                "{title} lost its worker {lost} times, the last time because {}. Look at the cluster with `ray status`, and go on \
                 with the study then.",
                lower_first(why)
            ));
            return Ok(true);
        }
        self.sender.submit_again(study, context, follower)?;
        follower.lost = lost;
        let what = if counts { "lost its worker" } else { "did not begin" };
        let message = format!("{title} {what}: {}. It is sent again as job {}.", lower_first(why), follower.job);
        context.log(LogLevel::Warning, message);
        Ok(false)
    }

    /// Stops all jobs. What cannot be stopped goes on, and is found when the study does.
    fn stop_all(&self, context: &Context<'_>) {
        if !self.under_way.is_empty() {
            let jobs = counted(self.under_way.len() as u64, "job", "jobs");
            context.log(LogLevel::Info, format!("Stopping {jobs} on the cluster."));
        }
        // The switch of the study says stop already.
        let control = Control::default();
        for follower in &self.under_way {
            if let Err(error) = self.sender.ray.stop(&follower.job, &control) {
                context.log(LogLevel::Warning, full_stop(&error.to_string()));
            }
        }
    }
}

fn tell(context: &Context<'_>, events: &Sender<StudyEvent>, event: StudyEvent) {
    // It is not an error if the owner no longer listens.
    if events.send(event).is_ok() {
        context.announce_event();
    }
}

/// Waits until the next look.
fn pause(control: &Control) -> Result<(), JobError> {
    let since = Instant::now();
    while since.elapsed() < LOOK {
        control.look()?;
        std::thread::sleep(STEP);
    }
    Ok(())
}
