//! All hyperparameters, each explained in one line.

use std::collections::BTreeMap;

use egui::{Checkbox, DragValue, Ui};

use crate::app::steps::model::fields::{choose, decimal, group, number, row, scientific, share};
use crate::app::steps::model::what_to_train::{pooling, what_to_train};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::button;
use crate::models::Compute;
use crate::project::{
    ClassWeights, DeviceChoice, EarlyStopping, EvaluateEvery, MetricName, NetworkKind, OptimizerSettings, Precision,
    Preset, Recompute, ScheduleKind, Task, TaskKind, TrainedLayers, TrainingSettings,
};

/// Draws every setting. `labels` are the labels that can get a weight.
pub fn hyperparameters_ui(
    ui: &mut Ui,
    theme: &Theme,
    settings: &mut TrainingSettings,
    task: &mut Task,
    (network, labels): (NetworkKind, &[String]),
) {
    if settings.trained_layers == TrainedLayers::Instant {
        instant(ui, theme, settings, task, (network, labels));
        return;
    }
    batches(ui, theme, settings, task.kind());
    what_to_train(ui, theme, settings, (task.kind(), network));
    if let Task::TextClassification(own) = task {
        pooling(ui, theme, &mut own.pooling);
    }
    optimizer(ui, theme, settings, (task.kind(), network));
    regularisation(ui, theme, settings);
    if let Task::TextClassification(own) = task {
        label_smoothing(ui, theme, &mut own.label_smoothing);
        class_weights(ui, theme, &mut own.class_weights, labels);
    }
    measuring(ui, theme, settings, task.metrics());
    if let Task::TextClassification(own) = task {
        let hint = "Compare the result with a logistic regression on the untrained model. Takes about as long as reading all texts \
                    once";
        row(ui, theme, "Instant baseline", hint, |ui| {
            ui.add(Checkbox::without_text(&mut own.instant_baseline));
        });
    }
    computing(ui, theme, settings);
    recompute(ui, theme, settings);
    seed(ui, theme, settings, "The same seed and settings give bit-identical losses on the same machine");
}

/// Draws what an instant model depends on.
fn instant(
    ui: &mut Ui,
    theme: &Theme,
    settings: &mut TrainingSettings,
    task: &mut Task,
    (network, labels): (NetworkKind, &[String]),
) {
    ui.add(egui::Label::new(theme.muted("Instant has no epochs, batches or learning rate")).wrap());
    what_to_train(ui, theme, settings, (task.kind(), network));
    max_length(ui, theme, settings, task.kind());
    if let Task::TextClassification(own) = task {
        class_weights(ui, theme, &mut own.class_weights, labels);
    }
    best_metric(ui, theme, settings, task.metrics());
    computing(ui, theme, settings);
    seed(ui, theme, settings, "Draws the samples of the 95% intervals. The model itself is the same with every seed");
}

fn seed(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings, explanation: &str) {
    group(ui, theme, "Reproducibility");
    row(ui, theme, "Seed", explanation, |ui| {
        number(ui, DragValue::new(&mut settings.seed).speed(1.0));
    });
}

fn batches(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings, task: TaskKind) {
    group(ui, theme, "Epochs and batches");
    row(ui, theme, "Epochs", "Number of passes over the training set", |ui| {
        number(ui, DragValue::new(&mut settings.epochs).range(1..=100).speed(0.05));
    });
    row(ui, theme, "Batch size", "Texts per step. A larger batch is more stable and needs more memory", |ui| {
        number(ui, DragValue::new(&mut settings.batch_size).range(1..=512).speed(0.2).suffix(" texts"))
            .accessible_name("Batch size");
    });
    let hint = "Limits the tokens of a batch, so that batches of long texts hold fewer texts and need less memory";
    row(ui, theme, "Tokens in a batch", hint, |ui| {
        let mut bounded = settings.batch_tokens.is_some();
        if ui.checkbox(&mut bounded, "Limit").changed() {
            settings.batch_tokens = bounded.then(|| settings.batch_size * settings.max_length);
        }
        if let Some(tokens) = &mut settings.batch_tokens {
            number(ui, DragValue::new(tokens).range(64..=65_536).speed(8.0).suffix(" tokens"))
                .accessible_name("Tokens in a batch");
        }
    });
    max_length(ui, theme, settings, task);
    row(
        ui,
        theme,
        "Gradient accumulation",
        "Batches to add up before each step: a larger effective batch in the same memory",
        |ui| {
            number(ui, DragValue::new(&mut settings.gradient_accumulation).range(1..=64).speed(0.05));
        },
    );
    row(ui, theme, "Group by length", "Batch texts of similar length together: less padding, so faster", |ui| {
        ui.add(Checkbox::without_text(&mut settings.group_by_length));
    });
}

fn max_length(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings, task: TaskKind) {
    let explanation = match task {
        TaskKind::TextClassification => "Longer texts are truncated at the end. A word is about 1.3 tokens",
        TaskKind::LanguageModelling => "Longer texts are split into windows. A word is about 1.3 tokens",
    };
    row(ui, theme, "Max length", explanation, |ui| {
        number(ui, DragValue::new(&mut settings.max_length).range(8..=8192).speed(1.0).suffix(" tokens"))
            .accessible_name("Max length");
    });
}

fn computing(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings) {
    group(ui, theme, "Device");
    let name = |device| match device {
        DeviceChoice::Auto => "Auto",
        DeviceChoice::Cpu => "CPU",
        DeviceChoice::Cuda => "NVIDIA GPU",
        DeviceChoice::Metal => "Apple GPU",
    };
    // A project from another machine may name a device this one lacks. List it, so that it can be changed.
    let missing = (!Compute::devices().contains(&settings.device)).then_some(settings.device);
    let devices: Vec<(DeviceChoice, &str)> =
        Compute::devices().iter().copied().chain(missing).map(|device| (device, name(device))).collect();
    let explanation = match (missing, devices.len()) {
        (Some(_), _) => {
            "The chosen device isn't available in this build or on this machine. Choose another one to train"
        }
        (None, 2) if cfg!(any(feature = "cuda", feature = "metal")) => "No GPU found that this build can use",
        (None, 2) => "This build runs on the CPU only. Training on a GPU needs a build with CUDA or Metal",
        (None, _) => "Auto uses the CPU. You can choose the GPU instead",
    };
    row(ui, theme, "Device", explanation, |ui| choose(ui, "device", &mut settings.device, &devices));
    let precisions = [(Precision::Auto, "Auto"), (Precision::F32, "f32"), (Precision::Bf16, "bf16")];
    let is_gpu = matches!(settings.device, DeviceChoice::Cuda | DeviceChoice::Metal);
    let explanation = match (settings.precision, Compute::bf16_is_fast()) {
        (Precision::Bf16, _) if is_gpu => "GPUs support f32 only. Choose Auto or f32 to train",
        _ if is_gpu => "GPUs support f32 only",
        (_, true) => {
            "bf16 computes with coarser numbers. It is faster on this CPU, with the same results for nearly all data"
        }
        (Precision::Bf16, false) => "bf16 is slower than f32 on this CPU, but rounds in the same way as on others",
        (_, false) => {
            "f32 is fastest on this CPU. bf16 is faster on Intel CPUs with AMX and AMD CPUs with AVX-512 BF16"
        }
    };
    row(ui, theme, "Number format", explanation, |ui| choose(ui, "precision", &mut settings.precision, &precisions));
}

fn recompute(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings) {
    let choices = [(Recompute::Auto, "Auto"), (Recompute::Always, "Always"), (Recompute::Never, "Never")];
    let explanation = "Computes some values twice instead of keeping them: less memory, more time. Auto does this when memory is short";
    row(ui, theme, "Recompute activations", explanation, |ui| {
        choose(ui, "recompute", &mut settings.recompute, &choices);
    });
}

fn optimizer(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings, of: (TaskKind, NetworkKind)) {
    group(ui, theme, "Optimizer (AdamW)");
    let usual = Preset::learning_rate_for(of, settings.trained_layers);
    let optimizer = &mut settings.optimizer;
    let explanation = match of {
        (TaskKind::LanguageModelling, NetworkKind::Encoder | NetworkKind::SmallEncoder) => {
            format!(
                "How far the model moves at each step. {usual:e} suits a model that gets a new head, and 5e-5 one such as BERT base"
            )
        }
        _ => format!("How far the model moves at each step. About {usual:e} is usual for what you train"),
    };
    row(ui, theme, "Learning rate", &explanation, |ui| {
        scientific(ui, &mut optimizer.learning_rate, 1e-7..=1e-2);
    });
    let kinds = [
        (ScheduleKind::Linear, "Linear decay"),
        (ScheduleKind::Cosine, "Cosine decay"),
        (ScheduleKind::Constant, "Constant"),
    ];
    row(ui, theme, "Schedule", "How the learning rate changes after warm-up", |ui| {
        choose(ui, "schedule", &mut settings.schedule, &kinds);
    });
    row(ui, theme, "Warm-up", "Share of steps in which the learning rate rises from 0", |ui| {
        share(ui, &mut settings.warmup, 1.0);
    });
    row(ui, theme, "Weight decay", "Shrinks weights towards 0 to reduce overfitting", |ui| {
        decimal(ui, &mut optimizer.weight_decay, 0.0..=1.0, 0.001);
    });
    row(ui, theme, "Gradient clipping", "Largest gradient norm allowed; 0 turns clipping off", |ui| {
        decimal(ui, &mut optimizer.max_grad_norm, 0.0..=100.0, 0.01);
    });
    row(ui, theme, "Beta 1", "Decay rate of the running mean of gradients", |ui| {
        decimal(ui, &mut optimizer.beta1, 0.0..=0.9999, 0.001);
    });
    row(ui, theme, "Beta 2", "Decay rate of the running mean of squared gradients", |ui| {
        decimal(ui, &mut optimizer.beta2, 0.0..=0.99999, 0.0001);
    });
    row(ui, theme, "Epsilon", "Small constant that avoids division by zero", |ui| {
        scientific(ui, &mut optimizer.epsilon, 1e-12..=1e-3);
    });
    let default = OptimizerSettings { learning_rate: usual, ..OptimizerSettings::default() };
    if *optimizer != default {
        row(ui, theme, "", "", |ui| {
            if ui.button("Reset optimizer").clicked() {
                *optimizer = default;
            }
        });
    }
}

fn regularisation(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings) {
    group(ui, theme, "Regularisation");
    row(
        ui,
        theme,
        "Dropout",
        "Share of activations dropped at random in training. Untick to use the model's own",
        |ui| {
            let mut own = settings.dropout.is_some();
            if ui.checkbox(&mut own, "Set").changed() {
                settings.dropout = own.then_some(0.1);
            }
            if let Some(dropout) = &mut settings.dropout {
                share(ui, dropout, 0.9);
            }
        },
    );
}

fn label_smoothing(ui: &mut Ui, theme: &Theme, smoothing: &mut f64) {
    row(
        ui,
        theme,
        "Label smoothing",
        "Share of probability moved to the other labels. Helps when labels are noisy",
        |ui| share(ui, smoothing, 0.5),
    );
}

/// The kind of class weights, without the weights themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WeightKind {
    Auto,
    None,
    Balanced,
    ByHand,
}

fn class_weights(ui: &mut Ui, theme: &Theme, weights: &mut ClassWeights, labels: &[String]) {
    let mut kind = match weights {
        ClassWeights::Auto => WeightKind::Auto,
        ClassWeights::None => WeightKind::None,
        ClassWeights::Balanced => WeightKind::Balanced,
        ClassWeights::ByHand(_) => WeightKind::ByHand,
    };
    let before = kind;
    let kinds = [
        (WeightKind::Auto, "Automatic"),
        (WeightKind::None, "None"),
        (WeightKind::Balanced, "Balanced"),
        (WeightKind::ByHand, "By hand"),
    ];
    row(
        ui,
        theme,
        "Class weights",
        "How much an error on each label costs. Balanced gives rare labels a higher weight, so that all labels count equally. \
         Automatic does so if one label has ten times as many rows as another",
        |ui| {
            choose(ui, "class weights", &mut kind, &kinds);
        },
    );
    if kind != before {
        *weights = match kind {
            WeightKind::Auto => ClassWeights::Auto,
            WeightKind::None => ClassWeights::None,
            WeightKind::Balanced => ClassWeights::Balanced,
            WeightKind::ByHand => ClassWeights::ByHand(BTreeMap::new()),
        };
    }
    if let ClassWeights::ByHand(by_label) = weights {
        for label in labels {
            let mut weight = by_label.get(label).copied().unwrap_or(1.0);
            row(ui, theme, &format!("    {label}"), "1 is the default weight", |ui| {
                if decimal(ui, &mut weight, 0.01..=100.0, 0.01).changed() {
                    by_label.insert(label.clone(), weight);
                }
            });
        }
        let known = |name: &String| labels.contains(name);
        let gone: Vec<String> = by_label.keys().filter(|name| !labels.is_empty() && !known(name)).cloned().collect();
        for name in gone {
            row(ui, theme, &format!("    {name}"), "This label no longer exists", |ui| {
                if button(ui, theme, icons::TRASH, &format!("Remove the weight of {name}")).clicked() {
                    by_label.remove(&name);
                }
            });
        }
        if labels.is_empty() {
            ui.label(theme.small("Prepare the data first to see its labels"));
        }
    }
}

fn best_metric(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings, metrics: &[MetricName]) {
    let choices: Vec<(MetricName, &str)> = metrics.iter().map(|metric| (*metric, metric.title())).collect();
    row(ui, theme, "Best checkpoint by", "The validation metric that decides which checkpoint to keep", |ui| {
        let before = settings.best_metric.unwrap_or(metrics[0]);
        let mut metric = before;
        choose(ui, "best metric", &mut metric, &choices);
        if metric != before {
            settings.best_metric = Some(metric);
        }
    });
}

fn measuring(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings, metrics: &[MetricName]) {
    group(ui, theme, "Evaluation and early stopping");
    row(ui, theme, "Evaluate every", "How often to evaluate on the validation set", |ui| {
        let mut by_steps = matches!(settings.evaluate_every, EvaluateEvery::Steps(_));
        choose(ui, "evaluate every", &mut by_steps, &[(false, "Epoch"), (true, "Some steps")]);
        match (&mut settings.evaluate_every, by_steps) {
            (EvaluateEvery::Steps(steps), true) => {
                number(ui, DragValue::new(steps).range(1..=100_000).speed(1.0).suffix(" steps"))
                    .accessible_name("Evaluate every");
            }
            (every, true) => *every = EvaluateEvery::Steps(100),
            (every, false) => *every = EvaluateEvery::Epoch,
        }
    });
    best_metric(ui, theme, settings, metrics);
    row(ui, theme, "Early stopping", "Stop when that metric has not improved for a while", |ui| {
        let mut on = settings.early_stopping.is_some();
        if ui.add(Checkbox::without_text(&mut on)).changed() {
            settings.early_stopping = on.then(EarlyStopping::default);
        }
    });
    let hint = "From the newest checkpoint, training resumes after a crash. There is one at each evaluation besides";
    row(ui, theme, "Checkpoint every", hint, |ui| {
        number(ui, DragValue::new(&mut settings.checkpoint_minutes).range(0..=1_440).speed(0.1).suffix(" min"));
    });
    if let Some(stopping) = &mut settings.early_stopping {
        row(ui, theme, "    Patience", "Evaluations in a row without improvement before it stops", |ui| {
            number(ui, DragValue::new(&mut stopping.patience).range(1..=100).speed(0.05));
        });
        row(ui, theme, "    Minimum improvement", "Smaller changes don't count as an improvement", |ui| {
            decimal(ui, &mut stopping.min_delta, 0.0..=1.0, 0.0005);
        });
    }
}

#[cfg(test)]
mod tests {
    use egui::{Event, Key, Modifiers, Role, vec2};
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::messages::{AppCommand, Edit};
    use crate::app::testing::{self, app, hone, press, settle};
    use crate::project::{ClassificationSettings, Step};
    use crate::storage::ThemeChoice;

    #[test]
    fn a_number_typed_key_by_key_is_taken_whole_when_it_leaves_a_preset() {
        for leave in [Key::Enter, Key::Tab] {
            let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
            settle(&mut window);
            let quick = Preset::Quick.apply(
                (TaskKind::TextClassification, NetworkKind::Encoder),
                &hone(&mut window).project().training.clone(),
            );
            hone(&mut window).run_command(AppCommand::Edit(Edit::Training(quick)));
            hone(&mut window).run_command(AppCommand::GoTo(Step::Model));
            window.set_size(vec2(1280.0, 2600.0));
            settle(&mut window);
            window.get_by_label("Advanced settings").click();
            settle(&mut window);
            window.get_by_role_and_label(Role::SpinButton, "Max length").click();
            settle(&mut window);
            press(&mut window, Modifiers::COMMAND, Key::A);
            for digit in ["1", "2", "8"] {
                window.event(Event::Text(digit.to_owned()));
                settle(&mut window);
                assert_eq!(hone(&mut window).project().training.max_length, 64, "{digit} was taken while typing");
            }
            press(&mut window, Modifiers::NONE, leave);
            assert_eq!(hone(&mut window).project().training.max_length, 128, "after {leave:?}");
            window.get_by_label("Custom settings (no preset)");
        }
    }

    #[test]
    fn every_label_can_get_a_manual_weight() {
        let theme = testing::theme(false);
        let labels = ["negative", "positive"].map(str::to_owned);
        let class_weights = ClassWeights::ByHand(BTreeMap::new());
        let task =
            Task::TextClassification(ClassificationSettings { class_weights, ..ClassificationSettings::default() });
        let harness = testing::window(false, (TrainingSettings::default(), task.clone()), |ui, (settings, task)| {
            hyperparameters_ui(ui, &theme, settings, task, (NetworkKind::Encoder, &labels));
        });
        harness.get_by_label("    negative");
        harness.get_by_label("    positive");
        assert_eq!(harness.state().1, task);
    }

    #[test]
    fn instant_shows_only_the_settings_it_uses() {
        let theme = testing::theme(false);
        let instant = TrainingSettings { trained_layers: TrainedLayers::Instant, ..TrainingSettings::default() };
        let state = (instant.clone(), Task::new(TaskKind::TextClassification));
        let harness = testing::window(false, state, |ui, (settings, task)| {
            hyperparameters_ui(ui, &theme, settings, task, (NetworkKind::Encoder, &[]));
        });
        for used in ["Trained part", "Max length", "Class weights", "Best checkpoint by", "Device", "Seed"] {
            assert!(harness.query_all_by_label(used).next().is_some(), "{used} is not shown");
        }
        for unused in ["Epochs", "Batch size", "Learning rate", "Dropout", "Pooling", "Recompute activations"] {
            assert!(harness.query_by_label(unused).is_none(), "{unused} is shown");
        }
        harness.get_by_label("Instant has no epochs, batches or learning rate");
        assert_eq!(harness.state().0, instant);
    }

    #[test]
    fn drawing_does_not_change_the_settings() {
        let theme = testing::theme(true);
        let before = TrainingSettings { dropout: Some(0.2), warmup: 0.06, ..TrainingSettings::default() };
        for kind in TaskKind::ALL {
            let before = (before.clone(), Task::new(kind));
            let mut harness = testing::window(true, before.clone(), |ui, (settings, task)| {
                hyperparameters_ui(ui, &theme, settings, task, (NetworkKind::Encoder, &[]));
            });
            harness.run();
            assert_eq!(*harness.state(), before);
        }
    }
}
