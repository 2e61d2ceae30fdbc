//! The job of the worker on a node of the cluster: trains one trial of a study, and sends its run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::data::file_sha256;
use crate::project::{Project, apply_settings};
use crate::storage::{RunFolder, StepMetrics, StorageError, with_absolute_paths};
use crate::training::{self, KeptProbe, OfStudy, TrainInputs, TrainingEvent};
use crate::worker::ray::message::{TrialMessage, TrialTask};
use crate::worker::ray::package::{FileList, MODEL};
use crate::worker::training::check_compute;
use crate::worker::{Context, Job, JobError, LogLevel};

/// Time between two lines of steps: who reads them asks about once a second.
const STEPS_EVERY: Duration = Duration::from_millis(500);
/// Bytes of a file in one line.
const PIECE: usize = 3 << 20;
/// The folder of the trial's run, below that of the project.
const STUDY: &str = "studies/cluster";

/// Trains a trial on a node of a Ray cluster.
#[derive(Clone, Debug)]
pub struct RunTrial {
    /// The trial.
    pub task: TrialTask,
    /// A new folder, in which the project is put together.
    pub place: PathBuf,
    /// The folders that the job's packages were unpacked into.
    pub packages: Vec<PathBuf>,
    /// Channel for the lines to print; [`Said::Event`](crate::worker::Said::Event) announces each of them.
    pub messages: Sender<TrialMessage>,
}

impl Job for RunTrial {
    type Answer = ();
    const TITLE: &'static str = "Training the trial";

    fn run(self, context: &mut Context<'_>) -> Result<(), JobError> {
        let Self { task, place, packages, messages } = self;
        let list = FileList::read(&packages)?;
        context.watched(|watch| list.put_together(&packages, &place, watch))?;
        let project: Project = ron::from_str(&list.project).map_err(JobError::failed)?;
        let project = with_absolute_paths(&project, &place);
        check_compute(&project)?;
        let (imported, prepared) = context.read_and_prepared(&project, &place, &place)?;
        if prepared.data_hash != list.data_hash {
            let message = "The rows are not those of the study: the data changed while it was sent. Begin a new study.";
            return Err(JobError::Failed(message.to_owned()));
        }
        let project = apply_settings(&project, &task.trial.settings).map_err(JobError::failed)?;
        let prepared = context.rows_used((&project, &imported), &prepared, task.trial.rows)?;
        let study = place.join(STUDY);
        let inputs = TrainInputs {
            project: &project,
            project_folder: &place,
            prepared: &prepared,
            model_folder: &place.join(MODEL),
            resumed: None,
            // Who reads the lines compares it with other trials.
            study: Some(OfStudy {
                folder: &study,
                trial: &task.trial,
                falls_behind: &|_| false,
                probe: &KeptProbe::default(),
            }),
        };
        let control = context.control;
        let mut speaker = Speaker { context, messages, steps: Vec::new(), last: Instant::now() };
        let summary = training::train(inputs, control, &mut |event| speaker.tell(event))?;
        speaker.flush();
        let run = RunFolder::open(&study.join("runs").join(&summary.run))?;
        let with_weights = task.weights.are_sent(project.best_metric(), &summary);
        speaker.send(&run, with_weights)
    }
}

/// Turns what happens into lines.
struct Speaker<'a, 'b> {
    context: &'a mut Context<'b>,
    messages: Sender<TrialMessage>,
    steps: Vec<StepMetrics>,
    last: Instant,
}

impl Speaker<'_, '_> {
    fn tell(&mut self, event: TrainingEvent) {
        match event {
            TrainingEvent::Progress(progress) => self.context.progress(progress),
            TrainingEvent::Log(message) => self.context.log(LogLevel::Info, message),
            TrainingEvent::Warning(message) => {
                self.context.log(LogLevel::Warning, message.clone());
                self.say(TrialMessage::Warning(message));
            }
            TrainingEvent::Started { run, total_steps, steps_per_epoch, .. } => {
                // Without its settings, the run cannot be taken in, which is said when its files arrive.
                let settings = run.settings_text().unwrap_or_default();
                self.say(TrialMessage::Started { settings, total_steps, steps_per_epoch });
            }
            TrainingEvent::Step(step) => {
                self.steps.push(step);
                if self.last.elapsed() >= STEPS_EVERY {
                    self.flush();
                }
            }
            TrainingEvent::Evaluation(point) => {
                self.flush();
                self.say(TrialMessage::Evaluation(point));
            }
            TrainingEvent::Paused(_) => {}
        }
    }

    /// Sends the steps held back.
    fn flush(&mut self) {
        if !self.steps.is_empty() {
            let steps = std::mem::take(&mut self.steps);
            self.say(TrialMessage::Steps(steps));
        }
        self.last = Instant::now();
    }

    fn say(&mut self, message: TrialMessage) {
        if self.messages.send(message).is_ok() {
            self.context.announce_event();
        }
    }

    /// Sends the files of the finished run.
    fn send(&mut self, run: &RunFolder, with_weights: bool) -> Result<(), JobError> {
        self.say(TrialMessage::Sending);
        let mut sha256 = BTreeMap::new();
        for name in run.files_to_send(with_weights)? {
            let path = run.path().join(&name);
            let hash = file_sha256(&path, Some(self.context.control)).map_err(StorageError::io("read", &path))?;
            self.send_file(&name, &path)?;
            sha256.insert(name, hash.ok_or(JobError::Cancelled)?);
        }
        self.say(TrialMessage::Sent { sha256 });
        Ok(())
    }

    fn send_file(&mut self, name: &str, path: &Path) -> Result<(), JobError> {
        let mut file = File::open(path).map_err(StorageError::io("read", path))?;
        loop {
            self.context.control.look()?;
            let mut bytes = Vec::new();
            (&mut file).take(PIECE as u64).read_to_end(&mut bytes).map_err(StorageError::io("read", path))?;
            if bytes.is_empty() {
                return Ok(());
            }
            self.say(TrialMessage::piece(name, &bytes));
        }
    }
}
