//! Facts of a model, as its card writes them.

use egui::{RichText, Ui};

use crate::app::context::StepContext;
use crate::app::theme::icons;
use crate::data::Language;
use crate::fetch::Languages;
use crate::project::{PoolingChoice, TrainedLayers};
use crate::words::count;

/// Facts in a line, which breaks after a dot, never within a fact or before a dot.
pub fn facts<const N: usize>(facts: [Option<String>; N]) -> String {
    let facts: Vec<String> = facts.into_iter().flatten().map(|fact| fact.replace(' ', "\u{a0}")).collect();
    facts.join("\u{a0}\u{a0}·  ")
}

/// The languages of a model's training texts.
pub fn in_words(languages: &Languages) -> Option<String> {
    match languages {
        Languages::Only(code) => Language::of_code(code).map(|language| language.name.to_owned()),
        Languages::Several(number) => Some(format!("{number} languages")),
    }
}

/// The longest text that a model reads.
pub fn longest_in_words(tokens: u64) -> String {
    format!("up to {} tokens", count(tokens))
}

/// Says what becomes of the head of the chosen model, if the model was fine-tuned before.
pub fn earlier_head_ui(ui: &mut Ui, ctx: &StepContext<'_>) {
    let (Some(earlier), Some(prepared)) = (ctx.earlier_labels, ctx.prepared) else { return };
    let Some(task) = ctx.project.classification() else { return };
    let is_instant = ctx.project.training.trained_layers == TrainedLayers::Instant;
    let says = earlier.says("It", &prepared.labels, is_instant || task.pooling == PoolingChoice::Mean);
    ui.add_space(ctx.theme.space.xs);
    ui.horizontal_top(|ui| {
        ui.label(RichText::new(icons::INFO).color(ctx.theme.palette.accent));
        ui.add(egui::Label::new(says).wrap());
    });
}
