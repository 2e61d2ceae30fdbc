//! Checking the training rows: those that the model gets wrong although it has learned from them.

use egui::{Label, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::review::queue::Queue;
use crate::app::theme::icons;
use crate::app::widgets::{Action, SlotActions, button, slot_ui};
use crate::words::counted;
use crate::worker::RunResults;

/// Draws the offer to check the training rows, how far that is, and what the corrections so far will change.
pub fn training_rows_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    queue: &Queue,
    results: &RunResults,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    if queue.teaches_nothing() {
        let said = "All corrections so far are in validation and test rows. They make the score right, but the model learns only \
                    from training rows, so training again would hardly change it.";
        ui.add(Label::new(theme.muted(said)).wrap());
    }
    let slot = ctx.answers.training_mistakes.about(&results.folder);
    if let Some(slot) = slot {
        let stop = Action { label: "Stop", hover: "", command: AppCommand::StopJob };
        let actions = SlotActions { title: "Checking the training rows", stop, again: AppCommand::CheckTrainingRows };
        if slot_ui(ui, theme, slot, actions, sender) {
            return;
        }
        if let Some(mistakes) = &slot.value {
            if mistakes.is_empty() {
                ui.add(Label::new(theme.small("The model agrees with the labels of all training rows")).wrap());
            }
            return;
        }
    }
    ui.horizontal_wrapped(|ui| {
        let rows = counted(results.settings.rows[0] as u64, "training row", "training rows");
        let hover = "Predicts the labels of the rows the model was trained on. Where it still disagrees, the label is often wrong";
        if button(ui, theme, icons::MAGNIFYING_GLASS, &format!("Check {rows} too")).on_hover_text(hover).clicked() {
            sender.send(AppCommand::CheckTrainingRows);
        }
        ui.label(theme.small("Wrong labels there hold the model back the most"));
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use crate::app::messages::AppCommand;
    use crate::app::pictures::trained;
    use crate::app::testing::{hone, picture, settle};
    use crate::project::Step;

    #[test]
    fn training_rows_that_the_model_gets_wrong_come_into_the_queue() {
        let (mut window, _folder) = trained();
        hone(&mut window).run_command(AppCommand::GoTo(Step::Review));
        settle(&mut window);
        assert!(window.query_all_by_label_contains(" + ").all(|node| !format!("{node:?}").contains("training rows")));
        let results = hone(&mut window).state.work.answers.results.value.clone().unwrap();
        let offer = format!("Check {} training rows too", results.settings.rows[0]);
        window.get_by_label(&offer).click();
        settle(&mut window);
        let mistakes = hone(&mut window).state.work.answers.training_mistakes.value.clone().unwrap();
        assert!(!mistakes.is_empty() && mistakes.iter().all(crate::evaluation::Prediction::is_wrong));
        let tested: Vec<_> = results.validation.iter().chain(&results.test).map(|row| row.id).collect();
        assert!(mistakes.iter().all(|row| !tested.contains(&row.id)), "only rows the model was trained on");
        window.get_by_label_contains(&format!(" + {} training rows", mistakes.len()));
        assert!(window.query_by_label(&offer).is_none());
        picture("review-training-rows", &mut window);
        window.check_accessibility();
    }
}
