//! What a training will do, in a sentence.

use crate::app::context::StepContext;
use crate::app::state::entry;
use crate::app::widgets::numbers::{bytes, count, counted};
use crate::project::{ClassWeights, EvaluateEvery, MetricChoice, TrainingSettings};

/// What will happen when Train is pressed: passes, rows, steps, when it measures and when it stops.
#[must_use]
pub fn plan_summary(ctx: &StepContext<'_>) -> String {
    let settings = &ctx.project.training;
    let sides = ctx.survey.map(|survey| survey.sides);
    let mut sentences: Vec<String> = download(ctx).into_iter().collect();
    sentences.push(passes(settings, sides.map(|[train, ..]| train)));
    sentences.push(measuring(settings, sides.map(|[_, validation, _]| validation)));
    if let Some(stopping) = &settings.early_stopping {
        let times = counted(u64::from(stopping.patience), "time", "times");
        sentences
            .push(format!("It stops early when {} has not improved {times} in a row.", metric(settings.best_metric)));
    }
    match &settings.class_weights {
        ClassWeights::None => {}
        ClassWeights::Balanced => {
            sentences.push("Rare labels count for more, so that all labels weigh the same.".to_owned());
        }
        ClassWeights::ByHand(_) => sentences.push("Labels are weighted as you set them.".to_owned()),
    }
    sentences.join(" ")
}

/// What goes over the network first, where the model is not on this machine.
fn download(ctx: &StepContext<'_>) -> Option<String> {
    let entry = entry(&ctx.project.model).filter(|_| ctx.facts.model_fetchable && ctx.model_folder.is_none())?;
    let size = entry.bytes().map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
    Some(format!("{}{size} is downloaded first; your data stays on this machine.", entry.name))
}

fn passes(settings: &TrainingSettings, rows: Option<usize>) -> String {
    let passes = counted(u64::from(settings.epochs), "pass", "passes");
    let Some(rows) = rows else {
        return format!("{passes} over the training texts, {} at a time.", settings.batch_size);
    };
    let steps = count(total_steps(settings, rows));
    let texts = counted(rows as u64, "text", "texts");
    format!("{passes} over {texts}, {} at a time: {steps} steps.", settings.batch_size)
}

fn measuring(settings: &TrainingSettings, rows: Option<usize>) -> String {
    let when = match settings.evaluate_every {
        EvaluateEvery::Epoch => "After each pass".to_owned(),
        EvaluateEvery::Steps(steps) => format!("Every {}", counted(u64::from(steps), "step", "steps")),
    };
    let rows = rows.map_or_else(
        || "the validation texts".to_owned(),
        |rows| counted(rows as u64, "validation text", "validation texts"),
    );
    format!("{when} it is measured on {rows}, and the weights with the best {} are kept.", metric(settings.best_metric))
}

/// A metric's name within a sentence.
#[must_use]
pub fn metric(choice: MetricChoice) -> &'static str {
    match choice {
        MetricChoice::MacroF1 => "macro-F1",
        MetricChoice::Accuracy => "accuracy",
        MetricChoice::Loss => "loss",
    }
}

/// Optimizer steps of a whole run over `rows` training rows.
#[must_use]
pub fn total_steps(settings: &TrainingSettings, rows: usize) -> u64 {
    let batches = rows.div_ceil(settings.batch_size.max(1));
    let per_epoch = batches.div_ceil(settings.gradient_accumulation.max(1));
    per_epoch as u64 * u64::from(settings.epochs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_as_the_trainer_does() {
        let settings = TrainingSettings::default();
        assert_eq!(total_steps(&settings, 11_515), 1080);
        let accumulated = TrainingSettings { gradient_accumulation: 4, ..settings };
        assert_eq!(total_steps(&accumulated, 11_515), 270);
    }

    #[test]
    fn the_plan_is_said_in_plain_words() {
        let settings = TrainingSettings::default();
        assert_eq!(passes(&settings, Some(11_515)), "3 passes over 11,515 texts, 32 at a time: 1,080 steps.");
        assert_eq!(
            passes(&TrainingSettings { epochs: 1, ..settings }, None),
            "1 pass over the training texts, 32 at a time."
        );
    }
}
