//! The verdict on a run, with what would most likely help as a button.

use egui::Ui;

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::steps::remedies::remedy_edit;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{banner, button};
use crate::data::Remedy;
use crate::evaluation::{Judgement, NextStep, Verdict};
use crate::project::{ClassWeights, Step, TrainingSettings};
use crate::worker::RunResults;

/// Draws the verdict on the selected run.
pub fn verdict_ui(ui: &mut Ui, ctx: &StepContext<'_>, results: &RunResults, sender: &mut CommandSender) {
    let judgement = results.judge();
    banner(ui, ctx.theme, tone(judgement.verdict), judgement.verdict.title(), &judgement.says, |ui| {
        if let Some(next) = &judgement.next {
            next_step_button(ui, ctx, next, sender);
        }
    });
}

/// The title of what is said when a run has finished. The results are read back from disk, which takes a moment.
pub fn finished_title(judgement: Option<&Judgement>, has_diverged: bool) -> String {
    if has_diverged {
        return "Training diverged, and the best checkpoint is kept".to_owned();
    }
    let verdict = judgement.map(|judgement| format!(": {}", judgement.verdict.title().to_lowercase()));
    format!("Training finished{}", verdict.unwrap_or_default())
}

/// The colour of what is said then.
pub fn finished_tone(judgement: Option<&Judgement>, has_diverged: bool) -> Tone {
    match judgement {
        _ if has_diverged => Tone::Warning,
        Some(judgement) => tone(judgement.verdict),
        None => Tone::Success,
    }
}

/// The colour of a verdict.
pub fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Good => Tone::Success,
        Verdict::Unclear => Tone::Warning,
        Verdict::NotUseful => Tone::Danger,
    }
}

/// A button that takes the next step, unless the project's settings have it already.
pub fn next_step_button(ui: &mut Ui, ctx: &StepContext<'_>, next: &NextStep, sender: &mut CommandSender) {
    let project = ctx.project;
    let is_taken = match next {
        NextStep::BalanceLabels => {
            project.classification().is_none_or(|settings| settings.class_weights != ClassWeights::None)
        }
        NextStep::TrainLonger(epochs) => project.training.epochs >= *epochs,
        NextStep::TrainToTheEnd | NextStep::LabelMore(_) | NextStep::AnotherModel | NextStep::MoreTestRows => false,
    };
    if is_taken {
        return;
    }
    let (icon, hover, edit) = match next {
        NextStep::BalanceLabels => {
            let edit = remedy_edit(&Remedy::BalanceLabels, project);
            (icons::SCALES, "Weights the classes in the loss, so that all labels count equally", Some(edit))
        }
        NextStep::TrainToTheEnd => (icons::PLAY, "Starts a new run with the settings the project has now", None),
        NextStep::TrainLonger(epochs) => {
            let edit = Edit::Training(TrainingSettings { epochs: *epochs, ..project.training.clone() });
            (icons::ARROW_CLOCKWISE, "Sets the number of epochs and trains again", Some(edit))
        }
        NextStep::LabelMore(_) => (icons::TABLE, "Add a file with more rows of this label in Data", None),
        NextStep::AnotherModel => (icons::CUBE, "Opens the Model step", None),
        NextStep::MoreTestRows => (icons::TABLE, "Choose the size of the test set in Prepare", None),
    };
    if !button(ui, ctx.theme, icon, &next.title()).on_hover_text(hover).clicked() {
        return;
    }
    match (edit, next) {
        (Some(edit), _) => {
            sender.edit(edit);
            sender.user(UserCommand::Train);
        }
        (None, NextStep::TrainToTheEnd) => sender.user(UserCommand::Train),
        (None, NextStep::AnotherModel) => sender.send(AppCommand::GoTo(Step::Model)),
        (None, NextStep::MoreTestRows) => sender.send(AppCommand::GoTo(Step::Prepare)),
        (None, _) => sender.send(AppCommand::GoTo(Step::Data)),
    }
}
