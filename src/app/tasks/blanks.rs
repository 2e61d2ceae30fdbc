//! Try it for language modelling of encoders: a sentence with a blank, and the likeliest words before and after training.

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::tasks::typed_text::TypedText;
use crate::app::theme::Tone;
use crate::app::widgets::{BarShape, Chosen, banner, probability_bars_ui, section};
use crate::predictor::Guess;
use crate::worker::{FilledBlanks, RunResults};

/// State kept between frames.
#[derive(Debug, Default)]
pub struct BlanksState {
    typed: TypedText,
}

/// Draws the sentence and the words for its blanks.
pub fn blanks_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut BlanksState,
    results: &RunResults,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let purpose = "Write ___ where a word is missing, and see which words the model expects. Nothing is stored or sent \
                   anywhere";
    section(ui, theme, "Sentence", purpose, |ui| {
        let field = state.typed.field_ui(ui, ctx, 3, "The tenant shall pay the ___ each month");
        field.accessible_name("Sentence with a blank");
        state.typed.ask(ui, results, sender, AppCommand::FillBlanks);
        ui.add_space(theme.space.s);
        answer_ui(ui, ctx, state);
    });
}

fn answer_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &BlanksState) {
    let theme = ctx.theme;
    if let Some(error) = &ctx.answers.blanks.failed {
        banner(ui, theme, Tone::Danger, "The blanks could not be filled", error, |_| {});
        return;
    }
    let text = state.typed.text.trim();
    let Some(filled) = ctx.answers.blanks.value.as_ref().filter(|_| !text.is_empty()) else {
        ui.label(theme.muted("The most likely words appear here as you type"));
        return;
    };
    // The last answer stays, faded, until the new one arrives, so that nothing jumps.
    ui.scope(|ui| {
        if filled.text != text {
            ui.set_opacity(0.5);
        }
        filled_ui(ui, ctx, filled);
    });
}

fn filled_ui(ui: &mut Ui, ctx: &StepContext<'_>, filled: &FilledBlanks) {
    let theme = ctx.theme;
    if filled.after.is_empty() {
        ui.label(theme.muted("The sentence has no blank. Write ___ where a word is missing"));
        return;
    }
    for (number, after) in filled.after.iter().enumerate() {
        if filled.after.len() > 1 {
            ui.label(theme.strong(format!("Blank {}", number + 1)));
        }
        ui.columns(2, |columns| {
            columns[0].label(theme.strong("Before training"));
            if let Some(before) = &filled.before {
                guesses_ui(&mut columns[0], ctx, before.get(number).map_or(&[], Vec::as_slice));
            } else {
                let why = "The base model is not on this machine, or was saved without its language model head, so \
                           there is nothing to compare";
                columns[0].add(egui::Label::new(theme.muted(why)).wrap());
            }
            columns[1].label(theme.strong("After training"));
            guesses_ui(&mut columns[1], ctx, after);
        });
    }
}

fn guesses_ui(ui: &mut Ui, ctx: &StepContext<'_>, guesses: &[Guess]) {
    let words: Vec<String> = guesses.iter().map(|guess| guess.word.clone()).collect();
    let probabilities: Vec<f32> = guesses.iter().map(|guess| guess.probability).collect();
    let none = Chosen { predicted: u32::MAX, truth: None };
    probability_bars_ui(ui, ctx.theme, &words, &probabilities, none, (false, BarShape::Below));
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, window};

    fn open(scene: Scene) -> Harness<'static, (Scene, BlanksState)> {
        window(false, (scene, BlanksState::default()), |ui, (scene, state)| {
            let results = scene.answers.results.value.clone();
            scene.show(|ctx, sender| {
                let results = results.as_deref().expect("a run");
                blanks_ui(ui, ctx, state, results, sender);
            });
        })
    }

    fn guess(word: &str, probability: f32) -> Guess {
        Guess { word: word.to_owned(), probability }
    }

    #[test]
    fn a_sentence_is_sent_once_after_a_pause() {
        let mut harness = open(Scene::trained(false));
        harness.run();
        harness.get_by_label("Sentence with a blank").focus();
        harness.run();
        harness.get_by_label("Sentence with a blank").type_text("pay the ___");
        harness.run();
        for _ in 0..40 {
            harness.step();
        }
        let asked = harness.state_mut().0.sender.take();
        assert_eq!(asked, [AppCommand::FillBlanks("pay the ___".to_owned())]);
    }

    #[test]
    fn the_words_before_and_after_training_are_side_by_side() {
        let mut scene = Scene::trained(false);
        scene.answers.blanks.value = Some(FilledBlanks {
            text: "pay the ___".to_owned(),
            before: Some(vec![vec![guess("price", 0.25)]]),
            after: vec![vec![guess("rent", 0.75), guess("fee", 0.125)]],
        });
        let mut harness = open(scene);
        harness.state_mut().1.typed.text = "pay the ___".to_owned();
        harness.run();
        for label in ["price: 25.0%", "rent: 75.0%", "fee: 12.5%"] {
            harness.get_by_label(label);
        }
        if let Some(filled) = &mut harness.state_mut().0.answers.blanks.value {
            filled.before = None;
        }
        harness.run();
        assert!(harness.query_by_label_contains("saved without its language model head").is_some());
        harness.state_mut().0.answers.blanks.value =
            Some(FilledBlanks { text: "pay".to_owned(), ..FilledBlanks::default() });
        harness.run();
        assert!(harness.query_by_label_contains("The sentence has no blank").is_some());
    }
}
