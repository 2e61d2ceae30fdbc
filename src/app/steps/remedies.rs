//! Buttons for what can be done about a finding.

use egui::Ui;

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::theme::icons;
use crate::app::widgets::button;
use crate::data::Remedy;
use crate::project::Project;
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
