//! The learning rate over a run: warm-up, then decay.

use std::f64::consts::PI;

use crate::project::{ScheduleKind, TrainingSettings};

/// The learning rate of every optimizer step.
///
/// The same as `get_linear_schedule_with_warmup`, `get_cosine_schedule_with_warmup` (half a wave) and
/// `get_constant_schedule_with_warmup` in Hugging Face `transformers`: with a warm-up, the first step's rate is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    kind: ScheduleKind,
    peak: f64,
    warmup_steps: u64,
    total_steps: u64,
}

impl Schedule {
    /// The schedule of a run with `total_steps` optimizer steps. The warm-up is rounded up to whole steps, as in
    /// `transformers`' Trainer.
    #[must_use]
    pub fn new(settings: &TrainingSettings, total_steps: u64) -> Self {
        let warmup_steps = (settings.warmup.clamp(0.0, 1.0) * total_steps as f64).ceil() as u64;
        Self { kind: settings.schedule, peak: settings.optimizer.learning_rate, warmup_steps, total_steps }
    }

    /// Learning rate of the step after `done` steps.
    #[must_use]
    pub fn rate(&self, done: u64) -> f64 {
        self.peak * self.share(done)
    }

    /// Share of the peak, 0..=1.
    fn share(&self, done: u64) -> f64 {
        if done < self.warmup_steps {
            return done as f64 / self.warmup_steps as f64;
        }
        let falling = self.total_steps.saturating_sub(self.warmup_steps).max(1) as f64;
        match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Linear => self.total_steps.saturating_sub(done) as f64 / falling,
            ScheduleKind::Cosine => {
                let progress = (done - self.warmup_steps) as f64 / falling;
                (0.5 * (1.0 + (PI * progress).cos())).max(0.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: ScheduleKind, warmup: f64) -> Vec<f64> {
        let settings = TrainingSettings { schedule, warmup, ..TrainingSettings::default() };
        let schedule = Schedule::new(&settings, 10);
        (0..=10).map(|done| schedule.rate(done) / 5e-5).collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }

    /// The expected values were printed by transformers 5.23: `scheduler.get_last_lr()` before each step, lr 1.
    #[test]
    fn linear_equals_transformers() {
        let expected = [0.0, 0.5, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0];
        assert_close(&rates(ScheduleKind::Linear, 0.2), &expected);
    }

    #[test]
    fn cosine_equals_transformers() {
        let expected = [
            0.0,
            0.333_333_333_333_333_3,
            0.666_666_666_666_666_6,
            1.0,
            0.950_484_433_951_209_5,
            0.811_744_900_929_366_8,
            0.611_260_466_978_157_2,
            0.388_739_533_021_842_9,
            0.188_255_099_070_633_2,
            0.049_515_566_048_790_43,
            0.0,
        ];
        assert_close(&rates(ScheduleKind::Cosine, 0.3), &expected);
    }

    #[test]
    fn constant_stays_at_the_peak() {
        let expected = [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        assert_close(&rates(ScheduleKind::Constant, 0.1), &expected);
    }

    #[test]
    fn a_warm_up_is_rounded_up_to_whole_steps() {
        assert_close(&rates(ScheduleKind::Linear, 0.01)[..2], &[0.0, 1.0]);
        assert_close(&rates(ScheduleKind::Linear, 0.0)[..2], &[1.0, 0.9]);
        assert_close(&rates(ScheduleKind::Linear, 1.0)[9..], &[0.9, 0.0]);
    }

    #[test]
    fn a_run_without_steps_has_a_rate() {
        let shares = |schedule| {
            let schedule = Schedule::new(&TrainingSettings { schedule, ..TrainingSettings::default() }, 0);
            [schedule.share(0), schedule.share(5)]
        };
        assert_close(&shares(ScheduleKind::Linear), &[0.0, 0.0]);
        assert_close(&shares(ScheduleKind::Cosine), &[1.0, 0.0]);
        assert_close(&shares(ScheduleKind::Constant), &[1.0, 1.0]);
    }
}
