//! Try it for text classification: a text with its probabilities, or a whole file.

use egui::{Align, Layout, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::tasks::label_file::{LabelFileState, label_file_ui};
use crate::app::tasks::typed_text::TypedText;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    BarShape, Chosen, banner, button, button_if, explained, probability_bars_ui, section, spinner,
};
use crate::evaluation::{ClassAnswer, Prediction};
use crate::worker::{RunResults, calibration_note};

/// State kept between frames.
#[derive(Debug, Default)]
pub struct ClassifyTextState {
    typed: TypedText,
    /// Index of the next example among the test rows.
    example: usize,
    file: LabelFileState,
}

/// Draws the text with its prediction, and what classifies a file.
pub fn classify_text_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ClassifyTextState,
    results: &RunResults,
    sender: &mut CommandSender,
) {
    text_section(ui, ctx, state, results, sender);
    label_file_ui(ui, ctx, &mut state.file, results, sender);
}

fn text_section(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut ClassifyTextState,
    results: &RunResults,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    section(
        ui,
        theme,
        "Text",
        "Cleaned in the same way as the training texts. Nothing is stored or sent anywhere",
        |ui| {
            let field = state.typed.field_ui(ui, ctx, 4, "Write or paste a text like those in your data");
            field.accessible_name("Text to classify");
            ui.horizontal(|ui| {
                if button(ui, theme, icons::SHUFFLE, "Show an example")
                    .on_hover_text("Fill in a row from the test set")
                    .clicked()
                {
                    state.next_example(results);
                }
                let some = !state.typed.text.is_empty();
                if button_if(ui, theme, some, icons::X, "Clear").clicked() {
                    state.typed.text.clear();
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ctx.answers.classify.is_running() {
                        ui.label(theme.small("Predicting…"));
                        spinner(ui, ctx.theme.text.body, ctx.theme.palette.accent, "Predicting…");
                    }
                });
            });
            state.typed.ask(ui, results, sender, |text| AppCommand::Classify(vec![text]));
            ui.add_space(theme.space.s);
            answer(ui, ctx, state);
        },
    );
}

impl ClassifyTextState {
    fn next_example(&mut self, results: &RunResults) {
        let rows: &[Prediction] = if results.test.is_empty() { &results.validation } else { &results.test };
        if let Some(row) = rows.get(self.example % rows.len().max(1)) {
            self.typed.text.clone_from(&row.text);
            self.example += 1;
            self.typed.changed = None;
        }
    }
}

fn answer(ui: &mut Ui, ctx: &StepContext<'_>, state: &ClassifyTextState) {
    let theme = ctx.theme;
    if let Some(error) = &ctx.answers.classify.failed {
        banner(ui, theme, Tone::Danger, "The text could not be classified", error, |_| {});
        return;
    }
    let text = state.typed.text.trim();
    if text.is_empty() {
        ui.label(theme.muted("Label probabilities appear here as you type"));
        return;
    }
    let Some(classify) = &ctx.answers.classify.value else { return };
    let Some(answer) = classify.answers.first() else { return };
    let Some(ClassAnswer { predicted, probabilities }) = answer else {
        ui.label(theme.muted("No text is left after cleaning, so there is nothing to classify"));
        return;
    };
    // The last answer stays, faded, until the new one arrives, so that nothing jumps.
    let current = classify.texts.first().is_some_and(|answered| answered == text);
    ui.scope(|ui| {
        if !current {
            ui.set_opacity(0.5);
        }
        let chosen = Chosen { predicted: *predicted, truth: None };
        probability_bars_ui(ui, theme, &classify.labels, probabilities, chosen, (false, BarShape::Below));
        if let Some(temperature) = classify.temperature {
            explained(ui, theme.small(calibration_note(temperature)));
        }
    });
}

#[cfg(test)]
pub(super) mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, picture, window};
    use crate::app::view::View;
    use crate::app::widgets::page;
    use crate::worker::Classified;

    /// The page with everything on it, labelling a file included.
    pub(in crate::app::tasks) fn open(scene: Scene, dark: bool) -> Harness<'static, (Scene, ClassifyTextState)> {
        window(dark, (scene, ClassifyTextState::default()), |ui, (scene, state)| {
            let results = scene.answers.results.value.clone();
            scene.show(|ctx, sender| {
                page(ui, ctx.theme, View::TryIt.title(), "Type a text and see what the trained model predicts", |ui| {
                    classify_text_ui(ui, ctx, state, results.as_deref().expect("a run"), sender);
                });
            });
        })
    }

    #[test]
    fn a_typed_text_is_sent_once_after_a_pause() {
        let mut harness = open(Scene::trained(false), false);
        harness.run();
        harness.get_by_label("Text to classify").focus();
        harness.run();
        harness.get_by_label("Text to classify").type_text("The strap broke");
        harness.step();
        assert_eq!(harness.state_mut().0.sender.take(), []);
        harness.run();
        for _ in 0..30 {
            harness.step();
        }
        let asked = harness.state_mut().0.sender.take();
        assert_eq!(asked, [AppCommand::Classify(vec!["The strap broke".to_owned()])]);
        for _ in 0..30 {
            harness.step();
        }
        assert_eq!(harness.state_mut().0.sender.take(), []);
    }

    #[test]
    fn the_prediction_is_shown_as_bars() {
        for dark in [false, true] {
            let mut scene = Scene::trained(dark);
            let row = scene.answers.results.value.as_ref().unwrap().test[3].clone();
            scene.answers.classify.value = Some(Classified {
                texts: vec![row.text.clone()],
                labels: scene.answers.results.value.as_ref().unwrap().settings.labels.clone(),
                answers: vec![row.answer.class().cloned()],
                temperature: Some(1.234),
            });
            let mut harness = open(scene, dark);
            harness.state_mut().1.typed.text = row.text.clone();
            harness.run();
            picture(if dark { "try-dark" } else { "try-light" }, &mut harness);
            assert!(harness.query_by_label_contains("predicted").is_some());
            harness.get_by_label_contains("Probabilities are calibrated with the temperature 1.23");
        }
    }
}
