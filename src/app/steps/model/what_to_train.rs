//! Which part of the network is trained: everything, the top layers, adapters, or the head.

use egui::{DragValue, Ui};

use crate::app::steps::model::fields::{choose, decimal, group, number, row, share};
use crate::app::theme::Theme;
use crate::project::{
    LoraMatrices, LoraSettings, NetworkKind, PoolingChoice, TaskKind, TrainedLayers, TrainingSettings,
};

/// Epochs that a head alone usually needs.
const HEAD_EPOCHS: u32 = 20;

/// Draws the choice and its settings.
pub fn what_to_train(ui: &mut Ui, theme: &Theme, settings: &mut TrainingSettings, of: (TaskKind, NetworkKind)) {
    group(ui, theme, "What to train");
    let now = settings.trained_layers;
    let choices: Vec<_> = now.choices(of.0).into_iter().map(|choice| (choice, title(choice))).collect();
    row(ui, theme, "Trained part", explanation(now), |ui| {
        choose(ui, "trained layers", &mut settings.trained_layers, &choices);
    });
    match &mut settings.trained_layers {
        TrainedLayers::Head => {
            let hint = "The head alone usually needs about 20 epochs";
            row(ui, theme, "", hint, |ui| {
                if settings.epochs < HEAD_EPOCHS && ui.button("Set 20 epochs").clicked() {
                    settings.epochs = HEAD_EPOCHS;
                }
            });
        }
        TrainedLayers::Top(top) => {
            row(ui, theme, "Top layers", "Number of layers to train below the head", |ui| {
                number(ui, DragValue::new(top).range(1..=48).speed(0.05));
            });
        }
        TrainedLayers::Lora => lora(ui, theme, &mut settings.lora),
        TrainedLayers::All | TrainedLayers::Instant => {}
    }
    if settings.trained_layers != now {
        *settings = training(settings, settings.trained_layers, now, of);
    }
}

/// The settings with another choice of what is trained, whose usual learning rate replaces that of the choice before.
pub fn training(
    settings: &TrainingSettings,
    trained_layers: TrainedLayers,
    before: TrainedLayers,
    of: (TaskKind, NetworkKind),
) -> TrainingSettings {
    TrainingSettings { trained_layers, ..settings.clone() }.with_usual_rate(of, before)
}

/// The name of a choice.
pub fn title(trained: TrainedLayers) -> &'static str {
    match trained {
        TrainedLayers::All => "All layers",
        TrainedLayers::Top(_) => "Top layers and head",
        TrainedLayers::Lora => "Adapter (LoRA) and head",
        TrainedLayers::Head => "Head only",
        TrainedLayers::Instant => "None (Instant)",
    }
}

fn explanation(trained: TrainedLayers) -> &'static str {
    match trained {
        TrainedLayers::All => "Learns most, and takes most time and memory",
        TrainedLayers::Top(_) => {
            "Faster, but learns less. The frozen layers are computed once per text, without dropout"
        }
        TrainedLayers::Lora => {
            "Trains a small add-on and leaves the model's own weights unchanged: less memory and small checkpoints. Best for large \
             models"
        }
        TrainedLayers::Instant => {
            "Reads each text once and fits a logistic regression on the embeddings. Seconds instead of minutes: a first result"
        }
        TrainedLayers::Head => "Fast, but learns least. The layers are computed once per text, without dropout",
    }
}

fn lora(ui: &mut Ui, theme: &Theme, lora: &mut LoraSettings) {
    row(ui, theme, "Rank", "Size of the adapter. 8 is usual; 16 or 32 can learn more and need more memory", |ui| {
        number(ui, DragValue::new(&mut lora.rank).range(1..=256).speed(0.05));
    });
    row(
        ui,
        theme,
        "Alpha",
        "The adapter's effect is multiplied by alpha / rank. Once or twice the rank is usual",
        |ui| {
            decimal(ui, &mut lora.alpha, 0.1..=1024.0, 0.1);
        },
    );
    row(ui, theme, "Adapter dropout", "Share of the adapter's inputs dropped at random in training", |ui| {
        share(ui, &mut lora.dropout, 0.9);
    });
    let choices = [
        (LoraMatrices::QueryValue, "Queries and values"),
        (LoraMatrices::Attention, "Attention"),
        (LoraMatrices::All, "Attention and feed-forward"),
    ];
    let explanation = match lora.matrices {
        LoraMatrices::QueryValue => "Two of the four matrices of attention: smallest",
        LoraMatrices::Attention => "All four matrices of attention: a good start",
        LoraMatrices::All => "Every matrix of each layer: learns most, and takes more time",
    };
    row(ui, theme, "Matrices", explanation, |ui| choose(ui, "adapter matrices", &mut lora.matrices, &choices));
}

/// Draws the choice of how a classifier pools texts.
pub fn pooling(ui: &mut Ui, theme: &Theme, pooling: &mut PoolingChoice) {
    let choices = [
        (PoolingChoice::Auto, "Auto"),
        (PoolingChoice::Token, "First or last token"),
        (PoolingChoice::Mean, "Mean of all tokens"),
    ];
    let explanation = "How a text becomes one list of numbers for the head. Auto takes the mean where it is more accurate: for sentence \
                       embedding models, unless only top layers are trained";
    row(ui, theme, "Pooling", explanation, |ui| choose(ui, "pooling", pooling, &choices));
}
