//! The figures of a run while it is training.

use egui::Ui;

use crate::app::help::Term;
use crate::app::live_run::LiveRun;
use crate::app::steps::run_end::is_instant;
use crate::app::theme::Theme;
use crate::app::widgets::{figure, tokens_per_second};
use crate::words::{count, duration, score};

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
