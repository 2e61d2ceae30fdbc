//! Estimates how long a run will still take.

use std::time::Duration;

use crate::progress::Progress;

/// A forward pass takes about a third of forward plus backward: the guess before the first evaluation.
const EVALUATION_SHARE: f64 = 1.0 / 3.0;

/// Steps before there is an estimate. The first one also sets up the device and its memory, so that it does not count.
const STEADY: u64 = 5;

/// Estimates the time left from the tokens left, because steps differ in length.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub total_tokens: u64,
    pub validation_tokens: u64,
    pub evaluations_left: u64,
    steps: u64,
    tokens: u64,
    seconds: f64,
    /// Tokens and seconds after the first step.
    first: (u64, f64),
    evaluation_seconds: Option<f64>,
}

impl Pace {
    pub fn new(total_tokens: u64, validation_tokens: u64, evaluations: u64) -> Self {
        Self {
            total_tokens,
            validation_tokens,
            evaluations_left: evaluations,
            steps: 0,
            tokens: 0,
            seconds: 0.0,
            first: (0, 0.0),
            evaluation_seconds: None,
        }
    }

    /// Counts a step: its tokens, and the seconds of training so far.
    pub fn trained(&mut self, tokens: u64, seconds: f64) {
        self.steps += 1;
        self.tokens += tokens;
        self.seconds = seconds;
        if self.steps == 1 {
            self.first = (self.tokens, seconds);
        }
    }

    /// Counts an evaluation.
    pub fn evaluated(&mut self, took: Duration) {
        self.evaluations_left = self.evaluations_left.saturating_sub(1);
        self.evaluation_seconds = Some(took.as_secs_f64());
    }

    /// Tokens trained on so far.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    pub fn progress(&self, step: u64, total_steps: u64) -> Progress {
        Progress {
            stage: "Training".to_owned(),
            done: step,
            total: Some(total_steps),
            unit: "steps",
            eta_seconds: self.seconds_left(),
        }
    }

    fn seconds_left(&self) -> Option<f64> {
        let (tokens, seconds) = (self.tokens - self.first.0, self.seconds - self.first.1);
        if self.steps < STEADY || tokens == 0 {
            return None;
        }
        let per_token = seconds / tokens as f64;
        let guess = self.validation_tokens as f64 * per_token * EVALUATION_SHARE;
        let evaluation = self.evaluation_seconds.unwrap_or(guess);
        let training = self.total_tokens.saturating_sub(self.tokens) as f64 * per_token;
        Some(training + evaluation * self.evaluations_left as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_counts_tokens_and_evaluations() {
        let mut pace = Pace::new(1000, 300, 2);
        assert_eq!(pace.progress(0, 10).eta_seconds, None);
        // The first step is slow, and counts for nothing.
        for (step, seconds) in (1..).zip([40.0, 42.0, 44.0, 46.0, 48.0]) {
            assert_eq!(pace.progress(step, 10).eta_seconds, None, "not steady after {step} steps");
            pace.trained(20, seconds);
        }
        let left = pace.seconds_left().unwrap();
        assert!((left - (90.0 + 2.0 * 10.0)).abs() < 1e-9, "{left}");
        pace.evaluated(Duration::from_secs(4));
        assert!(pace.seconds_left().is_some_and(|left| (left - (90.0 + 4.0)).abs() < 1e-9));
        pace.trained(900, 138.0);
        pace.evaluated(Duration::from_secs(4));
        assert_eq!(pace.progress(10, 10).eta_seconds, Some(0.0));
    }
}
