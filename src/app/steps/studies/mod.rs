//! Studies: several runs that answer one question.

mod begin;
mod blocked;
mod coordinates;
mod curve;
mod rate;
mod results;
mod table;

use std::sync::Arc;

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
use crate::app::widgets::{badge, banner, button, card, heading_ui, page, primary_button, progress_ui, section};
use crate::storage::StudyState;
use crate::words::lower_first;
use crate::worker::StudyResults;

const PURPOSE: &str = "Several runs that answer one question: how good is the model, would more rows help, how much is luck, which settings are best";

/// Studies that are listed before a person asks for all.
const LISTED: usize = 5;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct StudiesState {
    plans: Plans,
    /// Id of the study whose results are shown.
    shown: Option<String>,
    /// Id of the study that is running or has just ended. It is shown next.
    ending: Option<String>,
    lists_all: bool,
}

/// Draws the page: what there is first, and then what else can begin.
pub fn studies_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut StudiesState, sender: &mut CommandSender) {
    let theme = ctx.theme;
    page(ui, theme, View::Studies.title(), PURPOSE, |ui| {
        let live = ctx.answers.live_study.as_ref();
        if let Some(live) = live {
            state.ending = live.results.as_ref().map(|results| results.folder.id()).or(state.ending.take());
            live_ui(ui, ctx, live, sender);
        } else if let Some(why) = &ctx.answers.study.failed {
            banner(ui, theme, Tone::Danger, "The study ended early, and keeps what is done", why, |_| {});
        }
        let has_others = others_ui(ui, ctx, state, sender);
        if live.is_none() && !has_others {
            rate_ui(ui, ctx, sender);
            begin_ui(ui, ctx, &mut state.plans, sender);
            return;
        }
        ui.add_space(theme.space.s);
        heading_ui(ui, theme, "Start another study");
        ui.add_space(theme.space.xs);
        begin_ui(ui, ctx, &mut state.plans, sender);
        rate_ui(ui, ctx, sender);
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
        heading_ui(ui, theme, name);
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

/// The studies of the project that are not running here, and the results of the one that was chosen. Returns whether there are any.
fn others_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut StudiesState, sender: &mut CommandSender) -> bool {
    let theme = ctx.theme;
    let slot = &ctx.answers.studies;
    if let Some(why) = &slot.failed {
        banner(ui, theme, Tone::Danger, "The studies could not be listed", why, |_| {});
    }
    let Some(listed) = &slot.value else { return false };
    // The one that is running is shown above.
    let live = ctx.answers.live_study.as_ref().and_then(|live| live.results.as_ref());
    let is_live = |study: &StudyResults| live.is_some_and(|live| live.folder == study.folder);
    let studies: Vec<_> = listed.studies.iter().filter(|study| !is_live(study)).collect();
    for (study, why) in &listed.unreadable {
        banner(ui, theme, Tone::Warning, &format!("The study {} cannot be read", study.id()), why, |_| {});
    }
    let Some(newest) = studies.first() else { return false };
    let known = |id: &String| studies.iter().any(|study| study.folder.id() == *id);
    if state.ending.as_ref().is_some_and(known) {
        state.shown = state.ending.take();
    } else if !state.shown.as_ref().is_some_and(known) {
        state.shown = Some(newest.folder.id());
    }
    if studies.len() > 1 {
        list_ui(ui, ctx, state, &studies);
    }
    if let Some(shown) = studies.iter().find(|study| Some(study.folder.id()) == state.shown) {
        section(ui, theme, &title(shown), "", |ui| shown_ui(ui, ctx, shown, sender));
    }
    true
}

/// The studies to choose from.
fn list_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut StudiesState, studies: &[&Arc<StudyResults>]) {
    let theme = ctx.theme;
    section(ui, theme, "Studies of this project", "The newest first. Choose one to see what it found", |ui| {
        let listed = if state.lists_all { studies.len() } else { LISTED };
        for study in studies.iter().take(listed) {
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
        let all = format!("Show all {} studies", studies.len());
        if studies.len() > listed && button(ui, theme, icons::CARET_DOWN, &all).clicked() {
            state.lists_all = true;
        }
    });
}

/// What the chosen study found.
fn shown_ui(ui: &mut Ui, ctx: &StepContext<'_>, study: &StudyResults, sender: &mut CommandSender) {
    match study.state {
        StudyState::Finished => {}
        StudyState::UnderWay => {
            let body = "It goes on when this window closes. Stopped, it keeps what is done and can go on later";
            banner(ui, ctx.theme, Tone::Neutral, "It is running in another process", body, |ui| {
                if button(ui, ctx.theme, icons::STOP, "Stop the study").clicked() {
                    sender.send(AppCommand::Studies(StudiesCommand::StopElsewhere(study.folder.clone())));
                }
            });
        }
        StudyState::Interrupted => {
            let body = "What is done is kept, and not done again";
            banner(ui, ctx.theme, Tone::Warning, "It was stopped before its end", body, |ui| {
                let enabled = why_not(ctx).map_or(Ok(()), Err);
                if primary_button(ui, ctx.theme, icons::PLAY, "Go on with it", enabled).clicked() {
                    sender.send(AppCommand::Studies(StudiesCommand::Resume(study.folder.clone())));
                }
            });
        }
    }
    results_ui(ui, ctx, study, sender);
}

fn state_badge(ui: &mut Ui, ctx: &StepContext<'_>, study: &StudyResults) {
    let (tone, icon, text) = match study.state {
        StudyState::Finished => return,
        StudyState::UnderWay => (Tone::Neutral, icons::PLAY, "running in another process"),
        StudyState::Interrupted => (Tone::Warning, icons::PAUSE, "stopped"),
    };
    badge(ui, ctx.theme, tone, icon, text);
}
