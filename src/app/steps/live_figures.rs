//! The figures of a run while it is training.

use egui::Ui;

use crate::app::help::Term;
use crate::app::live_run::LiveRun;
use crate::app::steps::run_end::is_instant;
use crate::app::theme::Theme;
use crate::app::widgets::figure;
use crate::storage::StepMetrics;
use crate::words::{count, duration, score};

/// Steps over which the speed is averaged.
const SPEED_STEPS: usize = 20;

/// Draws them in a row.
pub fn live_figures(ui: &mut Ui, theme: &Theme, live: &LiveRun) {
    let last = live.steps.last();
    let instant = live.start.as_ref().is_some_and(|start| is_instant(&start.settings));
    if let Some(start) = live.start.as_ref().filter(|_| !instant) {
        let done = last.map_or(0, |step| step.step);
        let steps = format!("{} of {}", count(done), count(start.total_steps));
        figure(ui, theme, "Step", &steps, "");
    }
    if let Some(step) = last {
        if !instant {
            figure(ui, theme, "Epoch", &format!("{:.2}", step.epoch), "");
        }
        figure(ui, theme, "Training loss", &score(step.loss), Term::Loss.text());
    }
    let figures = live.evaluations.last().map(|point| point.metrics.figures());
    if let Some(&(name, value)) = figures.as_deref().and_then(<[_]>::first) {
        figure(ui, theme, name.title(), &score(value), "On the validation set, at the last evaluation");
    }
    if let Some(speed) = tokens_per_second(&live.steps) {
        let speed = format!("{} tokens/s", count(speed as u64));
        figure(ui, theme, "Speed", &speed, "Training tokens per second, without padding");
    }
    let eta = live.progress.as_ref().and_then(|progress| progress.eta_seconds);
    let eta = if live.paused { "paused".to_owned() } else { eta.map_or_else(|| "estimating".to_owned(), duration) };
    figure(ui, theme, "Time left", &eta, "At the current speed. The run may end sooner if it stops early");
    if let Some(start) = &live.start {
        figure(ui, theme, "Device", &start.device, "");
    }
}

/// Tokens per second over the last steps.
fn tokens_per_second(steps: &[StepMetrics]) -> Option<f64> {
    let recent = &steps[steps.len().saturating_sub(SPEED_STEPS + 1)..];
    let (first, last) = (recent.first()?, recent.last()?);
    let seconds = last.train_seconds - first.train_seconds;
    let tokens: u64 = recent[1..].iter().map(|step| step.tokens).sum();
    (seconds > 0.0).then(|| tokens as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::results;

    #[test]
    fn speed_is_averaged_over_the_last_steps() {
        let results = results();
        let speed = tokens_per_second(&results.steps).unwrap();
        let last = &results.steps[results.steps.len() - SPEED_STEPS..];
        let tokens: u64 = last.iter().map(|step| step.tokens).sum();
        assert!((speed - tokens as f64 / (0.31 * SPEED_STEPS as f64)).abs() < 1.0);
        assert_eq!(tokens_per_second(&results.steps[..1]), None);
    }
}
