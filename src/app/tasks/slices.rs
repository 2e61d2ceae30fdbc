//! Where a classifier does worse: the slices of the evaluated rows that stand out.

use egui::{Label, Ui};

use crate::app::messages::{AppCommand, CommandSender};
use crate::app::tasks::OfferedSlices;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{Action, SlotActions, button_if, section, slot_ui};
use crate::evaluation::{Slice, Slices};
use crate::words::{count, counted, percent};

/// Most slices that are listed.
const LISTED: usize = 8;

/// Draws the offer to compare slices, how far that is, or those in which the model does worse. Selecting one puts its place into
/// `selected`. Returns the slices once they are known.
pub(super) fn slices_ui<'a>(
    ui: &mut Ui,
    theme: &Theme,
    offered: OfferedSlices<'a>,
    selected: &mut Option<usize>,
    sender: &mut CommandSender,
) -> Option<&'a Slices> {
    let hint = "Parts of these rows in which fewer predictions are right, by more than chance";
    section(ui, theme, "Where it does worse", hint, |ui| {
        if let Some(slot) = offered.slot {
            let stop = Action { label: "Stop", hover: "", command: AppCommand::StopJob };
            let actions = SlotActions { title: "Comparing slices", stop, again: AppCommand::CompareSlices };
            if slot_ui(ui, theme, slot, actions, sender) {
                return None;
            }
            if let Some(slices) = &slot.value {
                listed_ui(ui, theme, slices, selected);
                return Some(&**slices);
            }
        }
        ui.horizontal_wrapped(|ui| {
            let hover = "Compares the rows by length, language, every other column of the data, and what Hone found in the texts";
            let compare = button_if(ui, theme, offered.can_start, icons::MAGNIFYING_GLASS, "Compare slices");
            if compare.on_hover_text(hover).clicked() {
                sender.send(AppCommand::CompareSlices);
            }
        });
        None
    })
}

fn listed_ui(ui: &mut Ui, theme: &Theme, slices: &Slices, selected: &mut Option<usize>) {
    let worse = slices.worse().count();
    for (place, slice) in slices.worse().enumerate().take(LISTED) {
        let is_selected = *selected == Some(place);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.m;
            let name = slice_name(slice);
            let chosen = ui.selectable_label(is_selected, theme.strong(&name));
            if chosen.on_hover_text("Show the mistakes in this slice below").clicked() {
                *selected = (!is_selected).then_some(place);
            }
            ui.add(Label::new(theme.muted(slice_sentence(slice))).wrap());
        });
    }
    ui.add(Label::new(theme.small(summary(slices.slices.len(), worse, slices.too_small))).wrap());
}

/// What the rows of a slice have in common.
pub(super) fn slice_name(slice: &Slice) -> String {
    format!("{}: {}", slice.by, slice.name)
}

fn slice_sentence(slice: &Slice) -> String {
    let [low, high] = slice.difference.map(|end| format!("{:.0}", 100.0 * end.abs()));
    format!(
        "{} right of {}, {} elsewhere: {high} to {low} points less",
        percent(slice.accuracy),
        counted(slice.rows.len(), "row", "rows"),
        percent(slice.accuracy_elsewhere)
    )
}

fn summary(compared: usize, worse: usize, too_small: usize) -> String {
    let found = match worse {
        0 => format!("None of {} is worse by more than chance.", counted(compared, "slice", "slices")),
        worse if worse > LISTED => format!("The {LISTED} worst of {} are shown.", count(worse)),
        worse => {
            format!(
                "{} of {} found worse. Intervals are corrected for that number.",
                count(worse),
                counted(compared, "slice", "slices")
            )
        }
    };
    if too_small == 0 {
        return found;
    }
    format!("{found} {} too small to compare.", counted(too_small, "other was", "others were"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::slot::Slot;
    use crate::app::testing;

    fn slices() -> Slices {
        let slice = |name: &str, accuracy, difference, is_worse| Slice {
            by: "airline".to_owned(),
            name: name.to_owned(),
            rows: (0..120).collect(),
            accuracy,
            accuracy_elsewhere: 0.81,
            macro_f1: 0.6,
            log_loss: 0.7,
            difference,
            is_worse,
        };
        Slices {
            slices: vec![slice("United", 0.6, [-0.31, -0.08], true), slice("Delta", 0.83, [-0.05, 0.09], false)],
            too_small: 3,
        }
    }

    #[test]
    fn slices_are_asked_for_and_a_worse_one_can_be_selected() {
        type Shown = (Option<Slot<Arc<Slices>, PathBuf>>, Option<usize>, CommandSender);
        let theme = testing::theme(false);
        let state: Shown = (None, None, CommandSender::default());
        let mut harness = testing::window(false, state, move |ui, (slot, selected, sender): &mut Shown| {
            let offered = OfferedSlices { slot: slot.as_ref(), can_start: true };
            slices_ui(ui, &theme, offered, selected, sender);
        });
        harness.run();
        harness.get_by_label("Compare slices").click();
        harness.run();
        assert_eq!(harness.state_mut().2.take(), [AppCommand::CompareSlices]);
        harness.state_mut().0 = Some(Slot { value: Some(Arc::new(slices())), ..Slot::default() });
        harness.run();
        assert!(harness.query_by_label("airline: Delta").is_none(), "only those that are worse are listed");
        harness.get_by_label("60% right of 120 rows, 81% elsewhere: 8 to 31 points less");
        harness.get_by_label("airline: United").click();
        harness.run();
        assert_eq!(harness.state().1, Some(0));
        harness.get_by_label("airline: United").click();
        harness.run();
        assert_eq!(harness.state().1, None, "a second click selects all rows again");
    }

    #[test]
    fn the_summary_says_how_many_slices_were_looked_at() {
        assert_eq!(
            summary(23, 1, 2),
            "1 of 23 slices found worse. Intervals are corrected for that number. 2 others were too small to compare."
        );
        assert_eq!(summary(1, 0, 0), "None of 1 slice is worse by more than chance.");
        assert_eq!(summary(60, 12, 0), "The 8 worst of 12 are shown.");
    }
}
