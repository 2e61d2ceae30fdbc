//! The training loop.
//!
//! Stopping: the first stop ends training. The best checkpoint so far is then evaluated on the test set, and the run
//! ends with a result ([`StopReason::Stopped`]). If there was no evaluation yet, the current weights are evaluated. A
//! second stop skips whatever is left: without any evaluation, there is nothing to keep and the run's folder is
//! removed; otherwise the result has no test scores. A stop before the first step removes the run. Another process can ask for the
//! first stop by a file in the run's folder ([`crate::storage::StopRequest`]). A run that is handed over to another process
//! ([`crate::progress::Control::hand_over`]) ends before its next step, with a checkpoint and without a result.

use std::path::Path;
use std::time::Duration;

use crate::data::BatchPlan;
use crate::evaluation::{Answer, Baseline, Guesses, Scored};
use crate::models::Model;
use crate::ops::{CrossEntropy, Gradients};
use crate::project::{EvaluateEvery, Preset, TrainedLayers, TrainingSettings};
use crate::storage::{EvaluationPoint, ModelFolderInfo, RunFolder, StepMetrics, StopReason};
use crate::tasks::{Draw, TaskDefinition};

use crate::training::checkpoint::Keeper;
use crate::training::early_stopping::BestWatch;
use crate::training::event::{Stopwatch, TrainingEvent, Voice};
use crate::training::features::FeatureCache;
use crate::training::memory::MemoryGauge;
use crate::training::of_study::OfStudy;
use crate::training::optimizer::Optimizer;
use crate::training::pace::Pace;
use crate::training::room::{SMALL_FILE, with_room};
use crate::training::schedule::Schedule;
use crate::training::setup::{Dataset, TokenisedSide};
use crate::training::step::{OptimizerStep, passes_of_step};
use crate::training::{TrainError, checkpoint, predict};

/// A run in progress.
pub(super) struct Trainer<'a> {
    pub settings: &'a TrainingSettings,
    pub task: Box<dyn TaskDefinition>,
    pub labels: &'a [String],
    pub data: Dataset<'a>,
    /// The folder the model was loaded from.
    pub source: &'a Path,
    pub model: Model,
    pub model_info: ModelFolderInfo,
    pub loss: CrossEntropy,
    pub optimizer: Optimizer,
    pub schedule: Schedule,
    pub plan: BatchPlan,
    pub run: RunFolder,
    pub voice: Voice<'a>,
    pub watch: BestWatch,
    pub best: Option<Best>,
    /// Scores before training, if the task uses them as a baseline.
    pub untrained: Option<Baseline>,
    /// What the instant baseline guesses, if the task has one.
    pub probe: Option<Probed>,
    /// Whether the head is newly initialised.
    pub has_new_head: bool,
    pub pace: Pace,
    pub total_steps: u64,
    /// Optimizer steps done.
    pub step: u64,
    /// Forward passes done; identifies the dropout masks.
    pub passes: u64,
    /// Epochs so far, fractional.
    pub epoch: f64,
    pub train_time: Duration,
    pub memory: MemoryGauge,
    /// Size of a checkpoint.
    pub checkpoint_bytes: u64,
    /// Size of a checkpoint to resume from.
    pub resume_bytes: u64,
    pub keeper: Keeper,
    /// Whether the last evaluation said that the metric no longer improves.
    pub has_stopped_improving: bool,
    /// `None` if nothing is frozen, or if batches change from epoch to epoch.
    pub features: Option<FeatureCaches>,
    /// The study that the run is a trial of.
    pub study: Option<OfStudy<'a>>,
    /// Whether the last evaluation said that other trials do better.
    pub has_fallen_behind: bool,
}

/// What a step did.
pub(super) struct Progressed {
    /// Tokens it trained on.
    pub tokens: u64,
    /// In nats.
    pub loss: f64,
    pub learning_rate: f64,
    pub grad_norm: f64,
}

/// Cached output of the frozen layers.
pub(super) struct FeatureCaches {
    pub train: FeatureCache,
    pub validation: FeatureCache,
}

impl FeatureCaches {
    /// Empty caches for all rows; what does not fit in memory goes to the disk of `folder`, of which `reserve` bytes stay free.
    pub fn of(data: &Dataset<'_>, folder: &Path, reserve: u64) -> Self {
        let cache = |rows: &TokenisedSide<'_>| FeatureCache::new(rows.samples.len(), folder.to_owned(), reserve);
        Self { train: cache(&data.train), validation: cache(&data.validation) }
    }
}

/// The best evaluation so far; its weights are in the run's `best/`.
pub(super) struct Best {
    pub point: EvaluationPoint,
    /// Its predictions on the validation set, `[rows]`.
    pub answers: Vec<Answer>,
}

/// What the instant baseline guesses.
pub(super) struct Probed {
    /// On the validation rows.
    pub validation: Guesses,
    /// On the test rows, if there are any.
    pub test: Option<Guesses>,
}

impl Trainer<'_> {
    /// Trains to the last epoch, or until the metric no longer improves.
    ///
    /// # Errors
    /// [`TrainError::Cancelled`] if stopped; [`TrainError::Diverged`], [`TrainError::Unfit`] and others if training fails.
    pub fn fit(&mut self) -> Result<StopReason, TrainError> {
        if self.settings.trained_layers == TrainedLayers::Instant {
            return self.fit_instantly();
        }
        // A resumed run has done some steps already.
        let mut done = usize::try_from(self.step).unwrap_or(usize::MAX);
        for epoch in 0..self.settings.epochs {
            let steps = self.steps_of_epoch(epoch);
            let first = done.min(steps.len());
            done -= first;
            for (index, rows) in steps.iter().enumerate().skip(first) {
                // At the last step there is nothing left to skip.
                if self.has_stopped_improving && self.step < self.total_steps {
                    self.voice.log("The metric no longer improves: stopping early.");
                    return Ok(StopReason::EarlyStopping);
                }
                if self.has_fallen_behind {
                    self.voice.log("Other trials did better after as many epochs: this one ends.");
                    return Ok(StopReason::FellBehind);
                }
                self.look_before_a_step()?;
                let stopwatch = Stopwatch::start(&self.voice);
                let learning_rate = self.schedule.rate(self.step);
                let (loss, gradients) = self.forward_backward(rows, epoch)?;
                self.check_finite("the loss", loss, (self.step + 1, learning_rate))?;
                let grad_norm = self.optimizer.step(&gradients, learning_rate)?;
                self.check_finite("the gradient", grad_norm, (self.step + 1, learning_rate))?;
                self.step += 1;
                self.epoch = f64::from(epoch) + (index + 1) as f64 / steps.len() as f64;
                self.train_time += stopwatch.elapsed(&self.voice);
                let ids = &self.data.train.samples.ids;
                let tokens = rows.iter().flatten().map(|&row| ids[row].len() as u64).sum();
                self.log(&Progressed { tokens, loss, learning_rate, grad_norm })?;
                if self.evaluation_is_due(index + 1 == steps.len()) {
                    self.evaluate()?;
                } else if self.keeper.is_due() {
                    self.keep(false)?;
                }
            }
        }
        Ok(StopReason::Completed)
    }

    /// Ends training if it is asked to stop, or to hand the run over to another process.
    fn look_before_a_step(&mut self) -> Result<(), TrainError> {
        self.voice.look()?;
        if self.voice.control.is_handed_over() {
            self.keep(true)?;
            return Err(TrainError::HandedOver);
        }
        Ok(())
    }

    /// Rows of each batch of each optimizer step of an epoch.
    pub fn steps_of_epoch(&self, epoch: u32) -> Vec<Vec<Vec<usize>>> {
        let batches = self.plan.epoch(&self.data.train.samples.lengths(), epoch);
        batches.chunks(self.settings.gradient_accumulation).map(<[_]>::to_vec).collect()
    }

    /// The step's loss and its gradient for every parameter. `rows` holds the rows of each of its batches.
    fn forward_backward(&mut self, rows: &[Vec<usize>], epoch: u32) -> Result<(f64, Gradients), TrainError> {
        let passes = passes_of_step(&*self.task, &self.data.train.samples, rows, Draw::Epoch(epoch));
        let control = self.voice.control;
        let step = OptimizerStep {
            model: &self.model,
            passes: &passes,
            loss: &self.loss,
            seed: self.settings.seed,
            first_pass: self.passes,
            stop: &|| control.is_cancelled(),
        };
        let features = self.features.as_mut().map(|kept| &mut kept.train);
        let outcome = step.forward_backward(features, &mut || self.voice.look())?;
        self.passes += passes.len() as u64;
        Ok((outcome.loss, outcome.gradients))
    }

    /// Fails if a value is not a number. The step, from 1, and its learning rate are those that led to it.
    pub fn check_finite(
        &self,
        what: &'static str,
        figure: f64,
        (step, learning_rate): (u64, f64),
    ) -> Result<(), TrainError> {
        if figure.is_finite() {
            return Ok(());
        }
        if self.step == 0 {
            return Err(TrainError::Unfit { what, folder: self.source.to_owned() });
        }
        let kept = match &self.best {
            Some(best) => {
                format!(
                    "The best checkpoint before that, from step {}, is in {}.",
                    best.point.step,
                    self.run.best().display()
                )
            }
            None => "There was no evaluation before that, so nothing was kept.".to_owned(),
        };
        let task = (self.model_info.task, self.model.config().network_kind());
        let usual = Preset::learning_rate_for(task, self.settings.trained_layers);
        // A fifth, but no more than is usual.
        let lower = (self.settings.optimizer.learning_rate / 5.0).min(usual);
        Err(TrainError::Diverged { what, step, learning_rate, lower, kept })
    }

    /// Records the step and reports it.
    pub fn log(&mut self, progressed: &Progressed) -> Result<(), TrainError> {
        let &Progressed { tokens, loss, learning_rate, grad_norm } = progressed;
        let train_seconds = self.train_time.as_secs_f64();
        let (step, epoch, memory) = (self.step, self.epoch, self.memory.read());
        let metrics = StepMetrics { step, epoch, loss, learning_rate, grad_norm, tokens, train_seconds, memory };
        let (run, steps) = (&self.run, std::slice::from_ref(&metrics));
        with_room(&mut self.voice, run.path(), SMALL_FILE, || Ok(run.append_steps(steps)?))?;
        self.voice.say(TrainingEvent::Step(metrics));
        self.pace.trained(tokens, train_seconds);
        self.voice.say(TrainingEvent::Progress(self.pace.progress(self.step, self.total_steps)));
        Ok(())
    }

    /// [`TrainError::Cancelled`] if the run was stopped, and so an earlier checkpoint is used; or else the error.
    fn stopped_or(&self, error: TrainError) -> Result<(), TrainError> {
        self.voice.control.look()?;
        Err(error)
    }

    fn evaluation_is_due(&self, epoch_ends: bool) -> bool {
        match self.settings.evaluate_every {
            EvaluateEvery::Epoch => epoch_ends,
            EvaluateEvery::Steps(steps) => self.step.is_multiple_of(u64::from(steps)) || self.step == self.total_steps,
        }
    }

    /// Evaluates the weights on the validation set and keeps them if they are the best so far.
    ///
    /// # Errors
    /// [`TrainError::Cancelled`] if stopped while there is a best checkpoint, or stopped twice.
    pub fn evaluate(&mut self) -> Result<(), TrainError> {
        let stopwatch = Stopwatch::start(&self.voice);
        let rows = &self.data.validation;
        let (voice, total, has_best) = (&mut self.voice, rows.samples.len(), self.best.is_some());
        let control = voice.control;
        let stop = || if has_best { control.is_cancelled() } else { control.is_abandoned() };
        let scored = predict::score(
            &self.model,
            rows.to_score(&*self.task),
            self.features.as_mut().map(|kept| &mut kept.validation),
            &stop,
            &mut |done| {
                voice.progress("Evaluating on the validation set", done, total, "rows");
                if has_best { voice.look() } else { voice.look_for_second_stop() }
            },
        )?;
        let Scored { metrics, answers } = scored;
        let of_step = (self.step, self.schedule.rate(self.step.saturating_sub(1)));
        self.check_finite("the validation loss", metrics.loss(), of_step)?;
        let verdict = self.watch.observe(&metrics);
        self.has_stopped_improving = verdict.stop;
        let point = EvaluationPoint { step: self.step, epoch: self.epoch, metrics, is_best: verdict.is_best };
        let run = &self.run;
        with_room(&mut self.voice, run.path(), SMALL_FILE, || Ok(run.append_evaluation(&point)?))?;
        if verdict.is_best {
            let before = self.best.replace(Best { point: point.clone(), answers });
            if let Err(error) = self.keep(true).and_then(|()| self.save_best()) {
                let had_one = before.is_some();
                self.best = before;
                return if had_one { self.stopped_or(error) } else { Err(error) };
            }
        } else {
            self.keep(false)?;
        }
        self.has_fallen_behind = self.study.is_some_and(|study| (study.falls_behind)(&point));
        self.voice.say(TrainingEvent::Evaluation(Box::new(point)));
        self.pace.evaluated(stopwatch.elapsed(&self.voice));
        Ok(())
    }

    /// Replaces the best checkpoint with the weights as they are.
    pub fn save_best(&mut self) -> Result<(), TrainError> {
        let Some(Best { point, .. }) = &self.best else { return Ok(()) };
        let (model, source, best, info) = (&self.model, self.source, self.run.best(), &self.model_info);
        let run = &self.run;
        with_room(&mut self.voice, run.path(), self.checkpoint_bytes, || {
            run.unless_gone()?;
            checkpoint::save(model, source, &best, info, point)
        })
    }
}
