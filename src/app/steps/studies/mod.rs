//! Studies: several runs that answer one question.

mod begin;
mod blocked;
mod coordinates;
mod curve;
mod rate;
mod results;
mod table;

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::live_study::LiveStudy;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::studies::begin::{Plans, begin_ui};
use crate::app::steps::studies::blocked::why_not;
use crate::app::steps::studies::rate::rate_ui;
use crate::app::steps::studies::results::{headline, results_ui, title};
use crate::app::studies_command::StudiesCommand;
use crate::app::theme::{Tone, icons};
use crate::app::view::View;
use crate::app::widgets::{badge, banner, button, card, page, progress_ui, section};
use crate::storage::StudyState;
use crate::words::lower_first;
use crate::worker::StudyResults;

const PURPOSE: &str = "Several runs that answer one question: how good is the model, would more rows help, how much is luck, which settings are best";

/// State kept between frames.
#[derive(Debug, Default)]
pub struct StudiesState {
    plans: Plans,
    /// Id of the study whose results are shown.
    shown: Option<String>,
}

/// Draws the page.
pub fn studies_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut StudiesState, sender: &mut CommandSender) {
    page(ui, ctx.theme, View::Studies.title(), PURPOSE, |ui| {
        if let Some(live) = &ctx.answers.live_study {
            live_ui(ui, ctx, live, sender);
        } else {
            if let Some(why) = &ctx.answers.study.failed {
                banner(ui, ctx.theme, Tone::Danger, "The study ended early, and keeps what is done", why, |_| {});
            }
            rate_ui(ui, ctx, sender);
            begin_ui(ui, ctx, &mut state.plans, sender);
        }
        list_ui(ui, ctx, state, sender);
    });
}

/// The study that is running: how far it is, and what it found so far.
fn live_ui(ui: &mut Ui, ctx: &StepContext<'_>, live: &LiveStudy, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let running = ctx.answers.study.running.as_ref();
    card(ui, theme, |ui| {
        let name = match &live.results {
            Some(results) if live.trial > 0 => {
                let plan = &results.settings.plan;
                format!("{}: {}", plan.title(), lower_first(&plan.trial_title(live.trial)))
            }
            Some(results) => results.settings.plan.title().to_owned(),
            None => "Getting ready".to_owned(),
        };
        crate::app::widgets::heading_ui(ui, theme, name);
        let stage = match running {
            _ if live.stopping => "Stopping".to_owned(),
            Some(running) if !running.progress.stage.is_empty() => running.progress.stage.clone(),
            _ => "Getting ready".to_owned(),
        };
        ui.horizontal_wrapped(|ui| {
            let share = live.run.share_done().or_else(|| running.and_then(|running| running.progress.fraction()));
            progress_ui(ui, theme, "This trial", share, 220.0);
            ui.label(theme.muted(stage));
            if let Some(point) = live.run.evaluations.last() {
                let (metric, value) = point.metrics.figures()[0];
                let score = crate::words::score(value);
                ui.label(theme.muted(format!("validation {} {score} so far", metric.in_a_sentence())));
            }
        });
        ui.add_space(theme.space.s);
        ui.horizontal_wrapped(|ui| {
            if !live.stopping && button(ui, theme, icons::STOP, "Stop the study").clicked() {
                sender.send(AppCommand::Studies(StudiesCommand::Stop));
            }
            ui.label(theme.small("What is done is kept, and it can go on later"));
        });
    });
    if let Some(results) = &live.results
        && results.done().next().is_some()
    {
        section(ui, theme, "So far", "", |ui| results_ui(ui, ctx, results, sender));
    }
}

/// The studies of the project, and the results of the one that was chosen.
fn list_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut StudiesState, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let slot = &ctx.answers.studies;
    if let Some(why) = &slot.failed {
        banner(ui, theme, Tone::Danger, "The studies could not be listed", why, |_| {});
    }
    let Some(listed) = &slot.value else { return };
    // The one that is running is shown above.
    let live = ctx.answers.live_study.as_ref().and_then(|live| live.results.as_ref());
    let is_live = |study: &StudyResults| live.is_some_and(|live| live.folder == study.folder);
    let studies: Vec<_> = listed.studies.iter().filter(|study| !is_live(study)).collect();
    for (study, why) in &listed.unreadable {
        banner(ui, theme, Tone::Warning, &format!("The study {} cannot be read", study.id()), why, |_| {});
    }
    if studies.is_empty() {
        return;
    }
    let known = |id: &String| studies.iter().any(|study| study.folder.id() == *id);
    if !state.shown.as_ref().is_some_and(known) {
        state.shown = Some(studies[0].folder.id());
    }
    section(ui, theme, "Studies of this project", "The newest first. Choose one to see what it found", |ui| {
        for study in &studies {
            let id = study.folder.id();
            let is_shown = state.shown.as_ref() == Some(&id);
            ui.horizontal_wrapped(|ui| {
                if ui.selectable_label(is_shown, title(study)).clicked() {
                    state.shown = Some(id);
                }
                state_badge(ui, ctx, study);
                ui.label(theme.muted(headline(study)));
            });
        }
    });
    let Some(shown) = studies.iter().find(|study| Some(study.folder.id()) == state.shown) else { return };
    section(ui, theme, shown.settings.plan.title(), "", |ui| {
        if shown.state == StudyState::Interrupted {
            let body = "What is done is kept, and not done again";
            banner(ui, theme, Tone::Warning, "It was stopped before its end", body, |ui| {
                let enabled = why_not(ctx).map_or(Ok(()), Err);
                if crate::app::widgets::primary_button(ui, theme, icons::PLAY, "Go on with it", enabled).clicked() {
                    sender.send(AppCommand::Studies(StudiesCommand::Resume(shown.folder.clone())));
                }
            });
        }
        results_ui(ui, ctx, shown, sender);
    });
}

fn state_badge(ui: &mut Ui, ctx: &StepContext<'_>, study: &StudyResults) {
    let (tone, icon, text) = match study.state {
        StudyState::Finished => return,
        StudyState::UnderWay => (Tone::Neutral, icons::PLAY, "running elsewhere"),
        StudyState::Interrupted => (Tone::Warning, icons::PAUSE, "stopped"),
    };
    badge(ui, ctx.theme, tone, icon, text);
}
