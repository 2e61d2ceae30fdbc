//! Sends the trials of a study to a cluster, each as a job, with the packages that they need.

use std::collections::BTreeMap;

use crate::fetch::{RayCluster, RayEnvironment, RayJob, RayJobRequest, RayStatus, package_uri};
use crate::progress::{Control, Progress};
use crate::project::{DeviceChoice, StudyPlan, apply_settings};
use crate::words::counted;
use crate::worker::ray::cluster::Cluster;
use crate::worker::ray::ended_job::{STUDY, TRIAL, trial_of};
use crate::worker::ray::follower::Follower;
use crate::worker::ray::message::{SentWeights, TrialTask};
use crate::worker::ray::names::{job_id, jobs_of};
use crate::worker::ray::package::{Packages, Sources};
use crate::worker::ray::room::Share;
use crate::worker::ray::trouble::Trouble;
use crate::worker::study_trials::{NextTrial, Study};
use crate::worker::{Context, JobError, LogLevel};

/// Submits the jobs of a study.
pub(super) struct JobSender {
    pub ray: RayCluster,
    packages: Packages,
    /// What the ids of its jobs begin with.
    prefix: String,
    share: Share,
    /// Jobs at a time, at most.
    most: u32,
}

impl JobSender {
    /// Reads what the jobs of a study need, and sees how much room the cluster has.
    pub fn begin(
        study: &Study,
        context: &mut Context<'_>,
        Cluster { ray, settings }: Cluster,
    ) -> Result<Self, JobError> {
        let nodes = ray.nodes(context.control)?;
        let device = study.settings.project.training.device;
        let share = Share::of(&nodes, device, settings.parallel).ok_or_else(|| {
            let needed = if device == DeviceChoice::Cuda { "GPU" } else { "CPU" };
            JobError::Failed(format!(
                "The Ray cluster at {} has no node with a {needed} for a trial. Add one with `ray start --address`, and look at \
                 `ray status`.",
                ray.address()
            ))
        })?;
        let most = settings.parallel.unwrap_or(u32::MAX);
        let told = format!(
            "Ray {} at {}: {}, with room for {} at a time, each with {}.",
            ray.version(),
            ray.address(),
            counted(nodes.len() as u64, "node", "nodes"),
            counted(share.room_in(&nodes).min(most), "trial", "trials"),
            counted(share.cpus, "CPU", "CPUs"),
        );
        context.log(LogLevel::Info, told);
        let (project, hash) = (&study.settings.project, study.settings.data_hash.as_str());
        let program = std::env::current_exe();
        let program =
            program.map_err(|error| JobError::Failed(format!("Hone's own program file was not found: {error}.")))?;
        let (folder, model) = (study.folder.project_folder(), study.model_folder.as_path());
        let from = Sources { program: &program, folder, model };
        let packages = context.watched(|watch| Packages::of((project, hash), &from, watch))?;
        Ok(Self { ray, packages, prefix: jobs_of(&study.folder, &study.settings), share, most })
    }

    /// How many jobs there is room for at the moment. Without any, Ray keeps one until a node joins.
    pub fn room(&self, control: &Control) -> Result<usize, Trouble> {
        let nodes = self.ray.nodes(control)?;
        Ok(self.share.room_in(&nodes).clamp(1, self.most.max(1)) as usize)
    }

    /// The trial with its job: one that was begun before, or else a new one.
    pub fn submit_or_find(
        &self,
        study: &Study,
        context: &mut Context<'_>,
        NextTrial { trial, begun }: NextTrial,
    ) -> Result<Follower, Trouble> {
        let (attempt, found) = self.next_try(trial.number, 1, context.control)?;
        // The search knew less, or more, when it chose the settings of that job.
        let trial = found.as_ref().and_then(trial_of).unwrap_or(trial);
        let project = apply_settings(&study.settings.project, &trial.settings).map_err(JobError::failed)?;
        let mut follower = Follower::new(trial, project, begun);
        let title = study.title(&follower.trial);
        if found.is_some() {
            follower.follow(job_id(&self.prefix, follower.trial.number, attempt), attempt);
            context.log(LogLevel::Info, format!("{title} Its job {} is on the cluster already.", follower.job));
        } else {
            self.submit(study, context, &mut follower, attempt)?;
            context.log(LogLevel::Info, format!("{title} Sent as job {}.", follower.job));
        }
        Ok(follower)
    }

    /// Submits another job for a trial whose job is lost.
    pub fn submit_again(
        &self,
        study: &Study,
        context: &mut Context<'_>,
        follower: &mut Follower,
    ) -> Result<(), Trouble> {
        let (attempt, found) = self.next_try(follower.trial.number, follower.attempt + 1, context.control)?;
        if found.is_none() {
            return self.submit(study, context, follower, attempt);
        }
        // It was submitted, but the answer did not arrive.
        follower.follow(job_id(&self.prefix, follower.trial.number, attempt), attempt);
        Ok(())
    }

    /// The first try of a trial, from `first`, whose job has not failed, with the job if there is one.
    fn next_try(&self, trial: u32, first: u32, control: &Control) -> Result<(u32, Option<RayJob>), Trouble> {
        let mut attempt = first;
        loop {
            match self.ray.job(&job_id(&self.prefix, trial, attempt), control)? {
                Some(job) if matches!(job.status, RayStatus::Failed | RayStatus::Stopped) => attempt += 1,
                job => return Ok((attempt, job)),
            }
        }
    }

    /// Submits a job for a trial.
    fn submit(
        &self,
        study: &Study,
        context: &mut Context<'_>,
        follower: &mut Follower,
        attempt: u32,
    ) -> Result<(), Trouble> {
        self.upload(context)?;
        let weights = match (&study.settings.plan, study.best_score()?) {
            (StudyPlan::Search(search), Some(best)) if follower.trial.number != search.own_trial() => {
                SentWeights::UnlessWorseThan(best)
            }
            (StudyPlan::Search(_), _) => SentWeights::Always,
            _ => SentWeights::Never,
        };
        let task = TrialTask { trial: follower.trial.clone(), weights };
        let submission_id = job_id(&self.prefix, follower.trial.number, attempt);
        let mut uris = self.packages.packages.iter().map(|package| package_uri(&package.name));
        let variables = [("RAYON_NUM_THREADS".to_owned(), self.share.cpus.to_string())];
        let trial = serde_json::to_string(&follower.trial).unwrap_or_default(); // plain data always becomes JSON
        let about = [(TRIAL, trial), (STUDY, study.folder.id())];
        let request = RayJobRequest {
            submission_id: submission_id.clone(),
            entrypoint: self.packages.command(&format!("trial --place \"$d\" {}", task.to_word())),
            entrypoint_num_cpus: self.share.cpus,
            entrypoint_num_gpus: self.share.gpus,
            runtime_env: RayEnvironment {
                working_dir: uris.next().unwrap_or_default(),
                py_modules: uris.collect(),
                env_vars: BTreeMap::from(variables),
            },
            metadata: about.map(|(name, value)| (name.to_owned(), value)).into(),
        };
        // Not cut short by a stop: a job that nobody knows of could not be stopped.
        self.ray.submit(&request, &Control::default())?;
        follower.follow(submission_id, attempt);
        Ok(())
    }

    /// Uploads the packages that the cluster does not have, or no longer has.
    fn upload(&self, context: &mut Context<'_>) -> Result<(), Trouble> {
        let packages = &self.packages.packages;
        for (done, package) in packages.iter().enumerate() {
            if !self.ray.has_package(&package.name, context.control)? {
                context.progress(Progress::of("Sending the study to the cluster", done, packages.len(), "packages"));
                self.ray.upload_package(&package.name, package.zip()?, context.control)?;
            }
        }
        Ok(())
    }
}
