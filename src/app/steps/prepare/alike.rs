//! Near-duplicates: how many, which, and excluding all but one row of each group.

use egui::{CollapsingHeader, Ui};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::steps::prepare::comparing::{comparing_ui, row};
use crate::app::steps::remedies::remedy_edit;
use crate::app::theme::icons;
use crate::app::widgets::{button, section};
use crate::data::{Likeness, NEAR, Prepared, Remedy};
use crate::words::{count, counted, percent};

/// Most groups shown; the rest are counted.
const GROUPS: usize = 50;
/// Most rows shown of a group.
const ROWS: usize = 10;

/// Draws the section; nothing while the data is being prepared.
pub fn alike_ui(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let hint = "Texts that differ by a word or so. They count twice in training, and when they end up in different splits \
                they make the metrics look too good";
    section(ui, theme, "Near-duplicates", hint, |ui| {
        let Some(likeness) = ctx.likeness else {
            comparing_ui(ui, ctx, sender);
            return;
        };
        if likeness.groups.is_empty() {
            ui.label(theme.muted("No near-duplicates found"));
            return;
        }
        let rows = counted(likeness.rows() as u64, "row", "rows");
        let groups = counted(likeness.groups.len() as u64, "group", "groups");
        let share = percent(NEAR);
        let kinship =
            format!("{rows} in {groups}: each shares at least {share} of its letter sequences with another row");
        ui.label(theme.strong(kinship));
        list(ui, ctx, prepared, likeness);
        ui.add_space(theme.space.s);
        let surplus = likeness.surplus(ctx.project.split.method);
        let text = format!("Exclude {}", counted(surplus.len() as u64, "of these rows", "of these rows"));
        let why = "Keep one row per group. Rows that a file or the split column puts in the test set are always kept. You can \
             undo this";
        if !surplus.is_empty()
            && button(ui, theme, icons::X, &text).on_hover_text(why).clicked()
            && let Some(imported) = ctx.imported
        {
            let remedy = Remedy::exclude_rows(imported, &ctx.project.dataset, &surplus);
            sender.edit(remedy_edit(&remedy, ctx.project));
        }
    });
}

fn list(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, likeness: &Likeness) {
    let theme = ctx.theme;
    CollapsingHeader::new("Show near-duplicates").id_salt("alike").show(ui, |ui| {
        for (place, group) in likeness.groups.iter().take(GROUPS).enumerate() {
            if place > 0 {
                ui.separator();
            }
            group.iter().take(ROWS).for_each(|&id| row(ui, ctx, prepared, id));
            if group.len() > ROWS {
                ui.label(theme.small(format!("And {} more", count((group.len() - ROWS) as u64))));
            }
        }
        if likeness.groups.len() > GROUPS {
            let more = counted((likeness.groups.len() - GROUPS) as u64, "group", "groups");
            ui.label(theme.small(format!("And {more} more")));
        }
    });
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use egui_kittest::kittest::Queryable;

    use crate::app::messages::AppCommand;
    use crate::app::testing::{app, picture, settle};
    use crate::project::Step;
    use crate::storage::ThemeChoice;

    #[test]
    fn labels_and_prepare_name_the_same_number_of_near_duplicates() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        window.set_size(egui::vec2(1280.0, 4000.0));
        for (step, said) in [(Step::Labels, "18 texts differ from another"), (Step::Prepare, "18 rows in 9 groups")] {
            window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(step));
            settle(&mut window);
            window.get_by_label_contains(said);
        }
    }

    #[test]
    fn near_duplicates_are_shown_and_can_be_excluded_and_restored() {
        let (mut window, folder) = app(ThemeChoice::Dark, 1.0);
        settle(&mut window);
        let mut rows = "text,label\n".to_owned();
        for number in 0..20 {
            let (square, seven) = (number * number, number * 7);
            writeln!(rows, "Number {number} came {square} days late and nobody answers,bad").unwrap();
            writeln!(rows, "I like the {number}th one of these {seven} a lot,good").unwrap();
        }
        rows += "The parcel arrived on Monday and everything in it was just as it was described,good\n";
        rows += "The parcel arrived on Friday and everything in it was just as it was described,good\n";
        let path = folder.path().join("reviews.csv");
        std::fs::write(&path, rows).unwrap();
        let app = window.state_mut().as_mut().unwrap();
        app.run_command(AppCommand::OpenData(path));
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Prepare));
        window.set_size(egui::vec2(1280.0, 1900.0));
        settle(&mut window);
        let before = window.state().as_ref().unwrap().prepared().unwrap().examples.len();
        window.get_by_label_contains("each shares at least 80% of its letter sequences");
        window.get_by_label("Show near-duplicates").click();
        settle(&mut window);
        window.get_by_label_contains("The parcel arrived on Friday");
        picture("prepare-alike", &mut window);
        window.get_by_label_contains("of these rows").click();
        settle(&mut window);
        let project = window.state().as_ref().unwrap().project().clone();
        let left_out = project.edits.corrections();
        assert!(left_out > 0);
        let after = window.state().as_ref().unwrap().prepared().unwrap().examples.len();
        assert_eq!(after, before - left_out);
        window.get_by_label("No near-duplicates found");
        window.state_mut().as_mut().unwrap().run_command(AppCommand::User(crate::app::commands::UserCommand::Undo));
        settle(&mut window);
        assert_eq!(window.state().as_ref().unwrap().project().edits.corrections(), 0);
    }
}
