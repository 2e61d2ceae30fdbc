//! Try it for language modelling of decoders: the beginning of a text, and how it goes on before and after training.

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::tasks::typed_text::TypedText;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Action, banner, button_if, running_ui, section};
use crate::predictor::{Continuation, Sampling};
use crate::worker::ContinuedText;

/// The temperature of drawn tokens: below 1, so that a sample of a small model makes sense more often.
const TEMPERATURE: f32 = 0.8;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ContinuedTextState {
    typed: TypedText,
    /// Whether tokens are drawn. If not, the likeliest is taken.
    draws: bool,
    /// Samples drawn so far: the seed of the next.
    drawn: u64,
}

/// Draws the beginning of a text and its continuations.
pub fn continued_text_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ContinuedTextState,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let purpose = "Write how a text begins, and see how the model goes on. Nothing is stored or sent anywhere";
    section(ui, theme, "Beginning of a text", purpose, |ui| {
        let field = state.typed.field_ui(ui, ctx, 3, "The tenant shall pay");
        field.accessible_name("Text to continue");
        ui.horizontal_wrapped(|ui| {
            ui.radio_value(&mut state.draws, false, "Likeliest tokens")
                .on_hover_text("Always the most likely next token. The same text always goes on in the same way");
            ui.radio_value(&mut state.draws, true, "Draw tokens").on_hover_text(
                "Draws each token by its probability, among the 50 most likely ones. Both models use the same seed",
            );
        });
        let text = state.typed.text.trim().to_owned();
        let (is_running, again) = (ctx.answers.continued.is_running(), state.draws && state.drawn > 0);
        let title = if again { "Draw another continuation" } else { "Continue the text" };
        if button_if(ui, theme, !text.is_empty() && !is_running, icons::PLAY, title).clicked() {
            state.drawn += u64::from(state.draws);
            let default = Sampling::default();
            let sampling =
                if state.draws { Sampling { temperature: TEMPERATURE, seed: state.drawn, ..default } } else { default };
            sender.send(AppCommand::ContinueText { text, sampling });
        }
        ui.add_space(theme.space.s);
        answer_ui(ui, ctx, sender);
    });
}

fn answer_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let (theme, slot) = (ctx.theme, &ctx.answers.continued);
    if let Some(running) = &slot.running {
        let stop = Action { label: "Stop", hover: "", command: AppCommand::StopContinuing };
        running_ui(ui, theme, running, Some(stop), sender);
    }
    if let Some(error) = &slot.failed {
        banner(ui, theme, Tone::Danger, "The text could not be continued", error, |_| {});
        return;
    }
    match &slot.value {
        Some(continued) => continued_ui(ui, ctx, continued),
        None if slot.is_running() => {}
        None => {
            ui.label(theme.muted("The continuations appear here"));
        }
    }
}

fn continued_ui(ui: &mut Ui, ctx: &StepContext<'_>, continued: &ContinuedText) {
    let theme = ctx.theme;
    ui.columns(2, |columns| {
        columns[0].label(theme.strong("Before training"));
        if let Some(before) = &continued.before {
            continuation_ui(&mut columns[0], ctx, &continued.text, before);
        } else {
            let why = "The base model is not on this machine, or was saved without its language model head, so there is nothing \
                       to compare";
            columns[0].add(egui::Label::new(theme.muted(why)).wrap());
        }
        columns[1].label(theme.strong("After training"));
        continuation_ui(&mut columns[1], ctx, &continued.text, &continued.after);
    });
}

fn continuation_ui(ui: &mut Ui, ctx: &StepContext<'_>, text: &str, continuation: &Continuation) {
    let theme = ctx.theme;
    ui.add(egui::Label::new(format!("{text}{}", continuation.text)).wrap());
    let end = if continuation.ended { "The model ended the text here" } else { "Cut off here" };
    ui.label(theme.small(end));
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::slot::Running;
    use crate::app::testing::{Scene, window};

    fn open(scene: Scene) -> Harness<'static, (Scene, ContinuedTextState)> {
        window(false, (scene, ContinuedTextState::default()), |ui, (scene, state)| {
            scene.show(|ctx, sender| continued_text_ui(ui, ctx, state, sender));
        })
    }

    fn continued(before: Option<&str>, after: &str) -> ContinuedText {
        let of = |text: &str, ended| Continuation { text: text.to_owned(), ended };
        ContinuedText {
            text: "The tenant".to_owned(),
            sampling: Sampling::default(),
            before: before.map(|text| of(text, false)),
            after: of(after, true),
        }
    }

    #[test]
    fn a_text_is_continued_when_asked_and_drawn_again_with_another_seed() {
        let mut harness = open(Scene::trained(false));
        harness.run();
        harness.get_by_label("Text to continue").focus();
        harness.run();
        harness.get_by_label("Text to continue").type_text("The tenant ");
        harness.run();
        assert!(harness.state_mut().0.sender.take().is_empty(), "not while typing");
        harness.get_by_label("Continue the text").click();
        harness.run();
        let asked = |sampling| [AppCommand::ContinueText { text: "The tenant".to_owned(), sampling }];
        assert_eq!(harness.state_mut().0.sender.take(), asked(Sampling::default()));
        harness.get_by_label("Draw tokens").click();
        harness.run();
        for (title, seed) in [("Continue the text", 1), ("Draw another continuation", 2)] {
            harness.get_by_label(title).click();
            harness.run();
            let sampling = Sampling { temperature: TEMPERATURE, seed, ..Sampling::default() };
            assert_eq!(harness.state_mut().0.sender.take(), asked(sampling));
        }
    }

    #[test]
    fn the_continuations_before_and_after_training_are_side_by_side() {
        let mut scene = Scene::trained(false);
        scene.answers.continued.value = Some(continued(Some(" went home"), " shall pay the rent."));
        let mut harness = open(scene);
        harness.run();
        for label in ["The tenant went home", "The tenant shall pay the rent.", "Cut off here"] {
            harness.get_by_label(label);
        }
        harness.get_by_label("The model ended the text here");
        harness.state_mut().0.answers.continued.value = Some(continued(None, " pays"));
        harness.run();
        harness.get_by_label_contains("The base model is not on this machine");
    }

    #[test]
    fn a_continuation_can_be_stopped_and_an_error_is_shown() {
        let mut scene = Scene::trained(false);
        scene.answers.continued.running = Some(Running::default());
        let mut harness = open(scene);
        harness.step();
        harness.get_by_label("Stop").click();
        harness.step();
        harness.step();
        assert_eq!(harness.state_mut().0.sender.take(), [AppCommand::StopContinuing]);
        let slot = &mut harness.state_mut().0.answers.continued;
        (slot.running, slot.failed) = (None, Some("There is no text to continue.".to_owned()));
        harness.run();
        harness.get_by_label("The text could not be continued");
    }
}
