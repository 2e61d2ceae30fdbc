//! A short summary of what a training run will do.

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::state::entry;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{banner, button};
use crate::project::{
    ClassWeights, EarlyStopping, EvaluateEvery, FewSteps, IMBALANCE, MetricName, Preset, TaskKind, TrainedLayers,
    TrainingSettings, are_imbalanced,
};
use crate::words::{bytes, count, counted, upper_first};

/// What balanced class weights do.
const BALANCED: &str = "rare labels get a higher weight, so that all labels count equally.";

/// Summary of the run to come: epochs, rows, steps, evaluation and early stopping.
#[must_use]
pub fn plan_summary(ctx: &StepContext<'_>) -> String {
    let settings = &ctx.project.training;
    let sides = ctx.survey.map(|survey| survey.sides);
    let most = entry(&ctx.project.model).and_then(|entry| entry.longest);
    let mut sentences: Vec<String> = download(ctx).into_iter().collect();
    if settings.trained_layers == TrainedLayers::Instant {
        let longest = tokens_read(settings.max_length, most);
        sentences.push(format!(
            "The model reads each text once, up to {} (about {} words), and a logistic regression learns the labels from the \
             embeddings. The validation set chooses the regularisation.",
            counted(longest as u64, "token", "tokens"),
            words(longest)
        ));
        return sentences.join(" ");
    }
    let measured = ctx.answers.forecast.about(ctx.project).and_then(|forecast| forecast.value.as_ref());
    let steps = measured.map(|outcome| outcome.steps);
    sentences.push(passes(ctx.project.task.kind(), settings, sides.map(|[train, ..]| train), steps));
    sentences.push(layers(settings.trained_layers));
    if ctx.project.task.kind() == TaskKind::TextClassification {
        sentences.push(truncation(settings.max_length, most));
    }
    let metric = ctx.project.best_metric();
    sentences.push(measuring(settings, metric, sides.map(|[_, validation, _]| validation)));
    if let Some(stopping) = settings.early_stopping.as_ref().filter(|stopping| can_stop_early(settings, stopping)) {
        let times = counted(u64::from(stopping.patience), "evaluation", "evaluations");
        let metric = metric.in_a_sentence();
        sentences.push(format!("Training stops early if {metric} has not improved in {times} in a row."));
    }
    match ctx.project.classification().map(|task| &task.class_weights) {
        None | Some(ClassWeights::None) => {}
        Some(ClassWeights::Auto) => {
            let trained = ctx.survey.iter().flat_map(|survey| &survey.counts).map(|[train, ..]| *train);
            if are_imbalanced(trained) {
                sentences.push(format!("One label has over {IMBALANCE} times as many rows as another: {BALANCED}"));
            }
        }
        Some(ClassWeights::Balanced) => sentences.push(upper_first(BALANCED)),
        Some(ClassWeights::ByHand(_)) => sentences.push("Labels have the weights you set.".to_owned()),
    }
    sentences.join(" ")
}

/// Warns if the planned steps are so few that the model may learn nothing, with what helps as buttons.
pub fn few_steps_ui(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    let Some(survey) = ctx.survey else { return };
    let (project, task) = (ctx.project, ctx.project.task.kind());
    let [rows, ..] = survey.sides;
    let Some(few) = FewSteps::of(project, rows) else { return };
    let balanced = Preset::Balanced.apply((task, ctx.network), &project.training);
    let balanced_is_enough = balanced.total_steps(rows) >= FewSteps::ENOUGH;
    banner(ui, ctx.theme, Tone::Warning, "The model may learn too little", &few.says(), |ui| {
        if let Some(epochs) = few.epochs
            && button(ui, ctx.theme, icons::ARROW_CLOCKWISE, &format!("Set {epochs} epochs")).clicked()
        {
            sender.edit(Edit::Training(TrainingSettings { epochs, ..project.training.clone() }));
        }
        if balanced_is_enough && button(ui, ctx.theme, icons::GAUGE, "Use the Balanced preset").clicked() {
            sender.edit(Edit::Training(balanced.clone()));
        }
    });
}

/// What is trained of the model.
fn layers(trained: TrainedLayers) -> String {
    match trained {
        TrainedLayers::All => "All layers of the model are trained.".to_owned(),
        TrainedLayers::Top(layers) => {
            let layers = if layers == 1 { "top layer".to_owned() } else { format!("top {layers} layers") };
            format!("Only the head and the {layers} of the model are trained, which is faster.")
        }
        TrainedLayers::Lora => {
            "An adapter (LoRA) and the head are trained, and the model's own weights stay as they are.".to_owned()
        }
        TrainedLayers::Instant => "Nothing of the model itself is trained.".to_owned(),
        TrainedLayers::Head => {
            "Only the head is trained, which is fastest and usually needs about 20 epochs.".to_owned()
        }
    }
}

/// How many tokens of a text are read at most. `most` is what the model can read, if that is known.
fn tokens_read(max_length: usize, most: Option<u64>) -> usize {
    most.map_or(max_length, |most| max_length.min(most as usize))
}

/// Which texts are truncated, and whether that is because of the model rather than max length.
fn truncation(max_length: usize, most: Option<u64>) -> String {
    let read = tokens_read(max_length, most);
    let tokens = counted(read as u64, "token", "tokens");
    let truncated = format!("Texts longer than {tokens} (about {} words) are truncated.", words(read));
    if read < max_length { format!("{truncated} The model reads at most {tokens}.") } else { truncated }
}

/// Words in so many tokens of English, rounded: about three words in four tokens.
fn words(tokens: usize) -> String {
    let words = tokens * 3 / 4;
    count(if words >= 100 { words / 10 * 10 } else { words })
}

/// Whether there are more evaluations than may pass without improvement, so that early stopping can make a difference.
fn can_stop_early(settings: &TrainingSettings, stopping: &EarlyStopping) -> bool {
    matches!(settings.evaluate_every, EvaluateEvery::Steps(_)) || settings.epochs > stopping.patience + 1
}

/// The download that comes first, if the model is not on this machine.
fn download(ctx: &StepContext<'_>) -> Option<String> {
    let entry = entry(&ctx.project.model).filter(|_| ctx.facts.model_fetchable && ctx.model_folder.is_none())?;
    let size = entry.bytes().map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
    Some(format!("{}{size} must be downloaded first. You'll be asked. Your data stays on this machine.", entry.name))
}

/// `steps` are those that a dry run counted.
fn passes(kind: TaskKind, settings: &TrainingSettings, rows: Option<usize>, steps: Option<u64>) -> String {
    let passes = counted(u64::from(settings.epochs), "epoch", "epochs");
    let texts = rows.map(|rows| counted(rows as u64, "training text", "training texts"));
    let texts = texts.unwrap_or_else(|| "the training set".to_owned());
    let (batch, tokens) = (settings.batch_size, settings.batch_tokens);
    let tokens = tokens.map(|tokens| format!(" and {} tokens", count(tokens))).unwrap_or_default();
    match (kind, rows) {
        // How many sequences there will be is known once the texts are tokenised.
        (TaskKind::LanguageModelling, _) => {
            let length = counted(settings.max_length as u64, "token", "tokens");
            format!(
                "{passes} over {texts}, packed into sequences of up to {length}, in batches of {batch} sequences{tokens}."
            )
        }
        (TaskKind::TextClassification, Some(rows)) if settings.counts_tokens() => {
            let steps = match steps {
                Some(steps) => format!("{} steps", count(steps)),
                // Short texts fill a batch by their number, long ones by their tokens.
                None => format!("{} steps or more", count(settings.total_steps(rows))),
            };
            format!("{passes} over {texts}, in batches of up to {batch} texts{tokens}: {steps}.")
        }
        (TaskKind::TextClassification, Some(rows)) => {
            format!("{passes} over {texts}, in batches of {batch}: {} steps.", count(settings.total_steps(rows)))
        }
        (TaskKind::TextClassification, None) => format!("{passes} over {texts}, in batches of {batch}."),
    }
}

fn measuring(settings: &TrainingSettings, metric: MetricName, rows: Option<usize>) -> String {
    let when = match settings.evaluate_every {
        EvaluateEvery::Epoch => "After each epoch".to_owned(),
        EvaluateEvery::Steps(steps) => format!("Every {}", counted(u64::from(steps), "step", "steps")),
    };
    let rows = rows.map_or_else(
        || "the validation set".to_owned(),
        |rows| counted(rows as u64, "validation text", "validation texts"),
    );
    format!(
        "{when}, the model is evaluated on {rows}, and the checkpoint with the best {} is kept.",
        metric.in_a_sentence()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_names_what_is_trained_and_stops_early_only_if_it_can() {
        assert_eq!(
            layers(TrainedLayers::Top(1)),
            "Only the head and the top layer of the model are trained, which is faster."
        );
        assert_eq!([words(64), words(512)], ["48", "380"]);
        let stopping = EarlyStopping { patience: 2, ..EarlyStopping::default() };
        let of = |epochs, evaluate_every| TrainingSettings { epochs, evaluate_every, ..TrainingSettings::default() };
        assert!(!can_stop_early(&of(3, EvaluateEvery::Epoch), &stopping), "it could only stop at the end");
        assert!(can_stop_early(&of(4, EvaluateEvery::Epoch), &stopping));
        assert!(can_stop_early(&of(1, EvaluateEvery::Steps(10)), &stopping));
    }

    #[test]
    fn the_plan_says_where_texts_are_truncated() {
        let at_max_length = "Texts longer than 128 tokens (about 96 words) are truncated.";
        assert_eq!(truncation(128, None), at_max_length);
        assert_eq!(truncation(128, Some(512)), at_max_length);
        assert_eq!(
            truncation(1024, Some(512)),
            "Texts longer than 512 tokens (about 380 words) are truncated. The model reads at most 512 tokens."
        );
    }

    #[test]
    fn the_plan_names_epochs_batches_and_steps() {
        let settings = TrainingSettings::default();
        assert_eq!(
            passes(TaskKind::TextClassification, &settings, Some(11_515), None),
            "3 epochs over 11,515 training texts, in batches of 32: 1,080 steps."
        );
        assert_eq!(
            passes(TaskKind::TextClassification, &TrainingSettings { epochs: 1, ..settings.clone() }, None, None),
            "1 epoch over the training set, in batches of 32."
        );
        let by_tokens = TrainingSettings { batch_size: 16, batch_tokens: Some(1024), ..settings.clone() };
        let of = |steps| passes(TaskKind::TextClassification, &by_tokens, Some(320), steps);
        let start = "3 epochs over 320 training texts, in batches of up to 16 texts and 1,024 tokens: ";
        assert_eq!(of(None), format!("{start}60 steps or more."));
        assert_eq!(of(Some(75)), format!("{start}75 steps."));
        // A document becomes many sequences, so the number of steps does not follow from that of the documents.
        assert_eq!(
            passes(TaskKind::LanguageModelling, &settings, Some(90), None),
            "3 epochs over 90 training texts, packed into sequences of up to 128 tokens, in batches of 32 sequences."
        );
    }
}
