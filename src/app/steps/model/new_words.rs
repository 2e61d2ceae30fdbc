//! New words for the model: terms of these texts that its tokenizer breaks into pieces.

use egui::{Checkbox, Grid, ScrollArea, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{Action, banner, button, running_ui, section};
use crate::data::{DomainTerm, DomainTerms};
use crate::project::{LanguageModellingSettings, Task, TrainedLayers, TrainingSettings};
use crate::words::count;

/// New words proposed.
const PROPOSED: usize = 10;
/// Terms listed.
const TERMS: usize = 30;

/// Draws the words that are added, and those proposed.
pub fn new_words_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    settings: &LanguageModellingSettings,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let purpose = "Frequent terms that the model's tokenizer breaks into three or more pieces. Add them to its vocabulary, \
                   and the model learns each as a whole word";
    section(ui, theme, "New words", purpose, |ui| {
        let Some(folder) = ctx.model_folder else {
            ui.label(theme.muted("Download the model first: the words depend on its vocabulary"));
            return;
        };
        let slot = ctx.answers.terms.about(&folder.to_owned());
        if let Some(error) = slot.and_then(|slot| slot.failed.as_deref()) {
            banner(ui, theme, Tone::Danger, "The terms could not be found", error, |_| {});
        }
        let found = slot.and_then(|slot| slot.value.as_deref());
        if let Some(running) = slot.and_then(|slot| slot.running.as_ref()) {
            let stop = Action { label: "Stop searching", hover: "", command: AppCommand::StopFindingTerms };
            running_ui(ui, theme, running, Some(stop), sender);
        } else {
            let text = if found.is_some() { "Search again" } else { "Find new words" };
            let find = ui.add_enabled_ui(ctx.prepared.is_some(), |ui| button(ui, theme, icons::MAGNIFYING_GLASS, text));
            if find.inner.clicked() {
                sender.send(AppCommand::FindTerms(folder.to_owned()));
            }
        }
        needs_all_layers(ui, ctx, settings, sender);
        words_ui(ui, ctx, settings, found, sender);
        if let Some(found) = found {
            terms_ui(ui, ctx, found);
        }
    });
}

/// Warns if the words would not be trained.
fn needs_all_layers(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    settings: &LanguageModellingSettings,
    sender: &mut CommandSender,
) {
    let training = &ctx.project.training;
    if settings.new_words.is_empty() || training.trained_layers == TrainedLayers::All {
        return;
    }
    let text = "Only training all layers teaches the model new words";
    banner(ui, ctx.theme, Tone::Warning, "The new words need all layers", text, |ui| {
        if ui.button("Train all layers").clicked() {
            let all = TrainingSettings { trained_layers: TrainedLayers::All, ..training.clone() };
            let of = (ctx.project.task.kind(), ctx.network);
            sender.edit(Edit::Training(all.with_usual_rate(of, training.trained_layers)));
        }
    });
}

/// A row for each word that is added or proposed.
fn words_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    settings: &LanguageModellingSettings,
    found: Option<&DomainTerms>,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let proposed = found.map_or(&[][..], |found| &found.new_words[..found.new_words.len().min(PROPOSED)]);
    let term = |word: &String| found.and_then(|found| found.new_words.iter().find(|term| term.word == *word));
    let mut rows: Vec<(&str, Option<&DomainTerm>)> =
        settings.new_words.iter().map(|word| (word.as_str(), term(word))).collect();
    let others = proposed.iter().filter(|term| !settings.new_words.contains(&term.word));
    rows.extend(others.map(|term| (term.word.as_str(), Some(term))));
    if rows.is_empty() {
        if let Some(found) = found {
            ui.label(theme.muted(if found.is_fixed {
                "Words can be added to models with a WordPiece vocabulary only, such as BERT"
            } else {
                "No frequent word is missing from the model's vocabulary"
            }));
        }
        return;
    }
    let mut words = settings.new_words.clone();
    let sideways = ScrollArea::horizontal().id_salt("new words sideways").auto_shrink([false, true]);
    sideways.show(ui, |ui| {
        Grid::new("new words").num_columns(4).spacing([theme.space.xl, theme.space.xs]).show(ui, |ui| {
            for head in ["Add", "Occurrences", "Documents", "Pieces now"] {
                ui.label(theme.small(head));
            }
            ui.end_row();
            for (word, term) in rows {
                let mut added = settings.new_words.iter().any(|known| known == word);
                if ui.add(Checkbox::new(&mut added, word)).changed() {
                    words.retain(|known| known != word);
                    words.extend(added.then(|| word.to_owned()));
                }
                let cell = |number: Option<u64>| number.map(count).unwrap_or_default();
                ui.label(cell(term.map(|term| u64::from(term.count))));
                ui.label(cell(term.map(|term| u64::from(term.documents))));
                ui.label(cell(term.map(|term| term.pieces as u64)));
                ui.end_row();
            }
        });
    });
    if proposed.iter().any(|term| !words.contains(&term.word)) {
        let text = match proposed.len() {
            1 => "Add the proposed word".to_owned(),
            all => format!("Add all {all} proposed words"),
        };
        if button(ui, theme, icons::PLUS, &text).clicked() {
            let missing = proposed.iter().map(|term| term.word.clone()).filter(|word| !words.contains(word));
            words.extend(missing.collect::<Vec<_>>());
        }
    }
    if words != settings.new_words {
        sender.edit(Edit::Task(Task::LanguageModelling(LanguageModellingSettings {
            new_words: words,
            ..settings.clone()
        })));
    }
}

/// The domain terms with their counts.
fn terms_ui(ui: &mut Ui, ctx: &StepContext<'_>, found: &DomainTerms) {
    let theme = ctx.theme;
    egui::CollapsingHeader::new("Terms of these texts").id_salt("domain terms").show(ui, |ui| {
        ui.add(egui::Label::new(theme.muted(explanation(found))).wrap());
        let sideways = ScrollArea::horizontal().id_salt("terms sideways").auto_shrink([false, true]);
        sideways.show(ui, |ui| {
            Grid::new("domain terms").num_columns(4).spacing([theme.space.xl, theme.space.xs]).show(ui, |ui| {
                for head in ["Term", "Occurrences", "Documents", "Times more frequent"] {
                    ui.label(theme.small(head));
                }
                ui.end_row();
                for term in found.terms.iter().take(TERMS) {
                    ui.label(&term.word);
                    ui.label(count(u64::from(term.count)));
                    ui.label(count(u64::from(term.documents)));
                    ui.label(term.times.map(|times| format!("{times:.0}")).unwrap_or_default());
                    ui.end_row();
                }
            });
        });
    });
}

fn explanation(found: &DomainTerms) -> &'static str {
    if found.agreement.is_some() {
        "Words that are much more frequent here than in general text, as estimated from the model's vocabulary. Their \
         accuracy is reported separately"
    } else {
        "The model's vocabulary is not in order of frequency, so these are the most frequent words that it breaks into \
         pieces. Their accuracy is reported separately"
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, window};
    use crate::project::TaskKind;

    fn term(word: &str, count: u32) -> DomainTerm {
        DomainTerm { word: word.to_owned(), count, documents: 3, times: Some(20.0), pieces: 3 }
    }

    fn open(found: Option<DomainTerms>, new_words: &[&str]) -> Harness<'static, Scene> {
        let mut scene = Scene::prepared(false);
        let folder = std::path::PathBuf::from("model");
        scene.model_folder = Some(folder.clone());
        scene.project.task = Task::new(TaskKind::LanguageModelling);
        scene.project.language_modelling_mut().unwrap().new_words =
            new_words.iter().map(|&word| word.to_owned()).collect();
        scene.answers.terms.of = Some(folder);
        scene.answers.terms.value = found.map(Arc::new);
        window(false, scene, |ui, scene| {
            scene.show(|ctx, sender| {
                let settings = ctx.project.language_modelling().unwrap().clone();
                new_words_ui(ui, ctx, &settings, sender);
            });
        })
    }

    fn words_of(commands: &[AppCommand]) -> Vec<String> {
        match commands {
            [AppCommand::Edit(Edit::Task(Task::LanguageModelling(settings)))] => settings.new_words.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_are_looked_for_when_asked() {
        let mut harness = open(None, &[]);
        harness.run();
        harness.get_by_label("Find new words").click();
        harness.run();
        assert!(matches!(harness.state_mut().sender.take().as_slice(), [AppCommand::FindTerms(_)]));
    }

    #[test]
    fn new_words_with_frozen_layers_are_warned_of() {
        let mut harness = open(None, &["lakhs"]);
        harness.run();
        assert!(harness.query_by_label("The new words need all layers").is_none());
        harness.state_mut().project.training.trained_layers = TrainedLayers::Lora;
        harness.run();
        harness.get_by_label("The new words need all layers");
        harness.get_by_label("Train all layers").click();
        harness.run();
        let taken = harness.state_mut().sender.take();
        let [AppCommand::Edit(Edit::Training(settings))] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!(settings.trained_layers, TrainedLayers::All);
    }

    #[test]
    fn proposed_words_are_added_and_removed() {
        let terms = vec![term("proviso", 200), term("affidavit", 101)];
        let (words, agreement) = (1_000, Some(0.4));
        let found = DomainTerms { words, agreement, terms: terms.clone(), new_words: terms, is_fixed: false };
        let mut harness = open(Some(found), &["lakhs"]);
        harness.run();
        harness.get_by_label("affidavit").click();
        harness.run();
        assert_eq!(words_of(&harness.state_mut().sender.take()), ["lakhs", "affidavit"]);
        harness.get_by_label("lakhs").click();
        harness.run();
        assert!(words_of(&harness.state_mut().sender.take()).is_empty());
        harness.get_by_label("Add all 2 proposed words").click();
        harness.run();
        assert_eq!(words_of(&harness.state_mut().sender.take()), ["lakhs", "proviso", "affidavit"]);
    }
}
