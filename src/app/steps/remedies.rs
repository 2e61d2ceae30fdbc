//! Buttons for what can be done about a finding.

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::theme::icons;
use crate::app::widgets::button;
use crate::data::Remedy;
use crate::project::{LabelSettings, Project};
use crate::words::shortened;

/// Longest title of a button, in characters.
const TITLE: usize = 48;

/// Draws a button that applies the remedy. Returns whether it was clicked.
pub fn remedy_button(ui: &mut Ui, ctx: &StepContext<'_>, remedy: &Remedy, sender: &mut CommandSender) -> bool {
    let title = remedy.title();
    let response = button(ui, ctx.theme, icon(remedy), &shortened(&title, TITLE));
    let clicked = response.on_hover_text(explanation(remedy, &title)).clicked();
    if clicked {
        sender.edit(remedy_edit(remedy, ctx.project));
    }
    clicked
}

/// The edit that a remedy makes.
pub fn remedy_edit(remedy: &Remedy, project: &Project) -> Edit {
    let mut next = project.clone();
    remedy.apply(&mut next);
    match remedy {
        Remedy::ExcludeRows(rows) => {
            let edit = |(id, _): &(_, _)| (*id, next.edits.rows.get(id).cloned());
            Edit::Rows(rows.iter().map(edit).collect())
        }
        Remedy::TurnOn(_) | Remedy::RemoveText(_) => Edit::Cleaning(next.cleaning),
        Remedy::MergeLabels(_) | Remedy::ExcludeLabels(_) => Edit::Labels(next.labels().clone()),
        Remedy::BalanceLabels => Edit::Task(next.task),
        Remedy::SetMaxLength(_) => Edit::Training(next.training),
        Remedy::KeepNearTogether
        | Remedy::SplitByGroup(_)
        | Remedy::SplitByTime
        | Remedy::StopPrepending(_)
        | Remedy::Ignore(_)
        | Remedy::StopIgnoring(_) => Edit::Divide(Box::new((next.dataset, next.split))),
    }
}

/// The edit that undoes a remedy, whatever was changed after it. `before` is the project before the remedy.
pub fn undo_edit(remedy: &Remedy, before: &Project, now: &Project) -> Edit {
    let mut next = now.clone();
    match remedy {
        Remedy::ExcludeRows(rows) => {
            Edit::Rows(rows.iter().map(|(id, _)| (*id, before.edits.rows.get(id).cloned())).collect())
        }
        Remedy::TurnOn(field) => {
            let was_on = before.cleaning.clone().switch_mut(field).is_some_and(|on| *on);
            if let Some(on) = next.cleaning.switch_mut(field) {
                *on = was_on;
            }
            Edit::Cleaning(next.cleaning)
        }
        Remedy::RemoveText(text) => {
            let patterns = &before.cleaning.patterns;
            next.cleaning.patterns.retain(|pattern| pattern.find != *text || patterns.contains(pattern));
            Edit::Cleaning(next.cleaning)
        }
        Remedy::MergeLabels(_) | Remedy::ExcludeLabels(_) => {
            let mut after = before.clone();
            remedy.apply(&mut after);
            Edit::Labels(without(before.labels(), after.labels(), now.labels()))
        }
        Remedy::BalanceLabels => {
            if let (Some(next), Some(before)) = (next.classification_mut(), before.classification()) {
                next.class_weights = before.class_weights.clone();
            }
            Edit::Task(next.task)
        }
        Remedy::SetMaxLength(_) => {
            next.training.max_length = before.training.max_length;
            Edit::Training(next.training)
        }
        Remedy::KeepNearTogether
        | Remedy::SplitByGroup(_)
        | Remedy::SplitByTime
        | Remedy::StopPrepending(_)
        | Remedy::Ignore(_)
        | Remedy::StopIgnoring(_) => Edit::Divide(Box::new((before.dataset.clone(), before.split.clone()))),
    }
}

/// The labels as they are now, without the change from `before` to `after`.
fn without(before: &LabelSettings, after: &LabelSettings, now: &LabelSettings) -> LabelSettings {
    let mut next = now.clone();
    for (from, into) in &after.mapping {
        match before.mapping.get(from) {
            Some(was) if was == into => {}
            Some(was) => _ = next.mapping.insert(from.clone(), was.clone()),
            None => _ = next.mapping.remove(from),
        }
    }
    next.excluded.retain(|label| before.excluded.contains(label) || !after.excluded.contains(label));
    if now.order == after.order {
        next.order.clone_from(&before.order);
    }
    next
}

fn icon(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::ExcludeRows(_) | Remedy::ExcludeLabels(_) | Remedy::StopPrepending(_) | Remedy::Ignore(_) => {
            icons::EYE_SLASH
        }
        Remedy::TurnOn(_) | Remedy::RemoveText(_) => icons::BROOM,
        Remedy::MergeLabels(_) => icons::GIT_MERGE,
        Remedy::BalanceLabels => icons::SCALES,
        Remedy::SetMaxLength(_) => icons::TEXT_AA,
        Remedy::KeepNearTogether | Remedy::SplitByGroup(_) => icons::ARROWS_MERGE,
        Remedy::SplitByTime => icons::CLOCK,
        Remedy::StopIgnoring(_) => icons::EYE,
    }
}

/// What the button does, for its tooltip. `title` is the button's whole title.
fn explanation(remedy: &Remedy, title: &str) -> String {
    let why = match remedy {
        Remedy::TurnOn("drop_duplicates") => "Keeps the first row of each text and label",
        Remedy::ExcludeRows(_) => {
            "Rows that a separate file or the split column puts in the test set are never excluded"
        }
        Remedy::KeepNearTogether => "Splits at random, with near-duplicates in the same split",
        Remedy::SplitByGroup(_) => "Splits at random, with such rows in the same split",
        Remedy::SplitByTime => "Trains on the oldest rows and tests on the newest",
        Remedy::StopPrepending(_) => "Stop prepending this column to the text",
        Remedy::Ignore(_) => "Ignore this. It won't be reported again",
        Remedy::StopIgnoring(_) => "Report this again",
        _ => title,
    };
    format!("{why}. You can undo it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(project: &mut Project, edit: Edit) {
        match edit {
            Edit::Labels(labels) => *project.labels_mut().unwrap() = labels,
            Edit::Cleaning(cleaning) => project.cleaning = cleaning,
            Edit::Training(training) => project.training = training,
            Edit::Task(task) => project.task = task,
            Edit::Rows(rows) => {
                for (id, edit) in rows {
                    match edit {
                        Some(edit) => _ = project.edits.rows.insert(id, edit),
                        None => _ = project.edits.rows.remove(&id),
                    }
                }
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_remedy_is_undone_alone_in_whatever_order() {
        let remedies = [
            Remedy::ExcludeRows(vec![("main:3".parse().unwrap(), "hash".to_owned())]),
            Remedy::TurnOn("mask_emails"),
            Remedy::TurnOn("drop_conflicts"),
            Remedy::RemoveText("Sent from here".to_owned()),
            Remedy::RemoveText("Kind regards".to_owned()),
            Remedy::MergeLabels(vec![("Bad".to_owned(), "bad".to_owned())]),
            Remedy::ExcludeLabels(vec!["rare".to_owned()]),
            Remedy::BalanceLabels,
            Remedy::SetMaxLength(200),
        ];
        let mut project = Project::default();
        let mut befores = Vec::new();
        for remedy in &remedies {
            befores.push(project.clone());
            let edit = remedy_edit(remedy, &project);
            made(&mut project, edit);
        }
        for (place, (remedy, before)) in remedies.iter().zip(&befores).enumerate() {
            let edit = undo_edit(remedy, before, &project);
            made(&mut project, edit);
            let mut expected = Project::default();
            remedies[place + 1..].iter().for_each(|remedy| remedy.apply(&mut expected));
            assert_eq!(project, expected, "without {remedy:?}");
        }
    }
}
