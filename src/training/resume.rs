//! Checkpoints of a run in progress, and how an interrupted run goes on from the newest.
//!
//! A checkpoint is written every few minutes and at every evaluation. A new best checkpoint (the model folder `best/`) replaces the
//! one before it only after a checkpoint of the same step is on the disk. So after a crash `best/` is what the newest checkpoint
//! says, or can be written again from its weights. All random numbers are named by seed, epoch and pass, so what comes next is what
//! would have come without the crash.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::evaluation::{Answer, Baseline};
use crate::project::TrainedLayers;
use crate::storage::{EvaluationPoint, RunSettings, read_predictions_of, write_predictions_to};
use crate::tasks::Draw;
use crate::words::{count, counted};

use crate::training::TrainError;
use crate::training::early_stopping::BestWatch;
use crate::training::event::TrainingEvent;
use crate::training::room::with_room;
use crate::training::step::passes_of_step;
use crate::training::trainer::{Best, Trainer};

/// The trained weights and their moments.
const WEIGHTS: &str = "trained.safetensors";
/// What the best checkpoint answers to the validation rows.
const ANSWERS: &str = "answers.parquet";
/// The rows that these are of.
const SIDE: &str = "validation";

/// Everything that a run knows between two steps, besides weights and answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct TrainingState {
    step: u64,
    passes: u64,
    epoch: f64,
    train_time: Duration,
    watch: BestWatch,
    has_stopped_improving: bool,
    best: Option<EvaluationPoint>,
    untrained: Option<Baseline>,
}

impl Trainer<'_> {
    /// Writes a checkpoint. If `is_awaited`, it is on the disk when this returns.
    ///
    /// # Errors
    /// Errors of the file system, except that a full disk is waited for.
    pub fn keep(&mut self, is_awaited: bool) -> Result<(), TrainError> {
        // An instant model takes seconds: it begins again.
        if self.settings.trained_layers == TrainedLayers::Instant {
            return Ok(());
        }
        let best = self.best.as_ref();
        let state = TrainingState {
            step: self.step,
            passes: self.passes,
            epoch: self.epoch,
            train_time: self.train_time,
            watch: self.watch.clone(),
            has_stopped_improving: self.has_stopped_improving,
            best: best.map(|best| best.point.clone()),
            untrained: self.untrained.clone(),
        };
        let answers = best.map(|best| self.data.validation.predictions(&best.answers));
        let Self { run, optimizer, keeper, labels, .. } = self;
        with_room(&mut self.voice, run.path(), self.resume_bytes, || {
            keeper.wait()?;
            let unfinished = run.begin_checkpoint(state.step)?;
            optimizer.save(&unfinished.path().join(WEIGHTS))?;
            if let Some(answers) = &answers {
                write_predictions_to(&unfinished.path().join(ANSWERS), SIDE, answers, labels)?;
            }
            unfinished.write_state(&state)?;
            run.sync_metrics()?;
            Ok(keeper.finish(unfinished, is_awaited)?)
        })
    }

    /// Goes on where the newest checkpoint of the run ends: from the first step if there is none.
    ///
    /// # Errors
    /// [`TrainError::State`], [`TrainError::NotResumed`] and [`TrainError::Storage`] if its files are damaged.
    pub fn resume(&mut self) -> Result<(), TrainError> {
        let run = self.run.clone();
        let Some(&step) = run.checkpoints()?.last() else {
            run.cut_metrics(0)?;
            self.voice.log("The run had no checkpoint yet, so it starts again from the first step.");
            return Ok(());
        };
        let state: TrainingState = run.read_checkpoint_state(step)?;
        let folder = run.checkpoint(step);
        self.optimizer.load(&folder.join(WEIGHTS))?;
        (self.step, self.passes, self.epoch, self.train_time) =
            (state.step, state.passes, state.epoch, state.train_time);
        (self.watch, self.has_stopped_improving) = (state.watch, state.has_stopped_improving);
        self.untrained = state.untrained.or(self.untrained.take());
        if let Some(point) = state.best {
            self.best = Some(Best { answers: answers(&folder)?, point });
        }
        self.mend_best()?;
        self.refill_features()?;
        let lost = run.cut_metrics(step)?;
        self.replay()?;
        let again = counted(lost, "step has", "steps have");
        self.voice.log(format!("Resumed from step {}. After it, {again} to be done again.", count(step)));
        Ok(())
    }

    /// Writes `best/` again if the crash came before it was replaced.
    fn mend_best(&mut self) -> Result<(), TrainError> {
        let Some(best) = &self.best else { return Ok(()) };
        if self.run.best_step() == Some(best.point.step) {
            return Ok(());
        }
        if best.point.step != self.step {
            let why = "its best checkpoint is missing or is of another step".to_owned();
            return Err(TrainError::NotResumed { run: self.run.id(), why });
        }
        self.save_best()
    }

    /// Computes the output of the frozen layers as the first epoch did, which later epochs read. The last digits depend on which
    /// samples are computed together.
    fn refill_features(&mut self) -> Result<(), TrainError> {
        let steps = self.steps_of_epoch(0);
        let done = steps.len().min(usize::try_from(self.step).unwrap_or(usize::MAX));
        let Some(features) = &mut self.features else { return Ok(()) };
        let control = self.voice.control;
        for (number, rows) in steps[..done].iter().enumerate() {
            self.voice.progress("Computing the frozen layers again", number, done, "steps");
            for batch in passes_of_step(&*self.task, &self.data.train.samples, rows, Draw::Epoch(0)) {
                self.voice.look()?;
                let computed = features.train.of(&self.model, &batch, &|| control.is_cancelled());
                // A stopped pass fails with an error; report the stop instead.
                self.voice.look()?;
                drop(computed?);
            }
        }
        Ok(())
    }

    /// Reports what was done before the crash, so that whoever listens knows the whole run.
    fn replay(&mut self) -> Result<(), TrainError> {
        let (steps, evaluations) = self.run.read_metrics()?;
        let mut evaluations = evaluations.into_iter().peekable();
        for step in steps {
            self.pace.trained(step.tokens, step.train_seconds);
            let now = step.step;
            self.voice.say(TrainingEvent::Step(step));
            while let Some(point) = evaluations.next_if(|point| point.step <= now) {
                self.pace.evaluations_left = self.pace.evaluations_left.saturating_sub(1);
                self.voice.say(TrainingEvent::Evaluation(Box::new(point)));
            }
        }
        Ok(())
    }
}

fn answers(folder: &Path) -> Result<Vec<Answer>, TrainError> {
    let predictions = read_predictions_of(&folder.join(ANSWERS), SIDE)?;
    Ok(predictions.into_iter().map(|prediction| prediction.answer).collect())
}

/// What is different between the settings of a run and those that it would have now, as a sentence without a full stop.
pub(super) fn difference(before: &RunSettings, now: &RunSettings) -> Option<&'static str> {
    if before.data_hash != now.data_hash || before.labels != now.labels {
        Some("the data file, or how it is cleaned, has changed since it began")
    } else if before.split_hash != now.split_hash || before.rows != now.rows {
        Some("its rows are split in another way now")
    } else if before.model_sha256 != now.model_sha256 || before.pooling != now.pooling {
        Some("the pre-trained model that it began with has changed")
    } else if before.device != now.device {
        Some("it began on another device, or with another precision")
    } else {
        None
    }
}
