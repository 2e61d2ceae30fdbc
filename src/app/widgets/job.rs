//! A running task other than training: an export, a prediction, an evaluation.

use egui::{Align, Layout, Ui};

use crate::app::context::Job;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::numbers::duration;
use crate::app::widgets::{button, card, progress_ui};

/// A running task with its progress, time left and a stop button.
pub fn job_card(ui: &mut Ui, theme: &Theme, job: &Job, sender: &mut CommandSender) {
    card(ui, theme, |ui| {
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.label(theme.strong(&job.title));
                let left = job.progress.eta_seconds.map(|seconds| format!(", {} left", duration(seconds)));
                ui.label(theme.small(format!("{}{}", job.progress.stage, left.unwrap_or_default())));
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if button(ui, theme, icons::X, "Stop").clicked() {
                    sender.send(AppCommand::StopJob);
                }
            });
        });
        let width = ui.available_width();
        progress_ui(ui, theme, &job.title, job.progress.fraction(), width);
    });
}
