//! The leakage report: what would make the metrics look too good, and how to fix it.

use egui::{CollapsingHeader, Label, RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::steps::prepare::comparing::{comparing_ui, rows_ui};
use crate::app::steps::remedies::remedy_button;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{banner, section};
use crate::data::{Finding, LeakageReport, Prepared};
use crate::words::count;

/// Draws the section.
pub fn leakage_ui(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let hint =
        "Anything that lets the model see the answers in advance, which makes its metrics look better than they are";
    section(ui, theme, "Leakage", hint, |ui| {
        let Some(report) = ctx.leakage else {
            comparing_ui(ui, ctx, sender);
            return;
        };
        if ctx.survey.is_none_or(|survey| survey.sides[1] + survey.sides[2] == 0) {
            ui.label(theme.muted("The rows aren't split yet"));
            return;
        }
        let (ignored, open): (Vec<&Finding>, Vec<&Finding>) =
            report.findings.iter().partition(|finding| finding.ignored);
        if open.is_empty() {
            ui.horizontal(|ui| {
                ui.label(RichText::new(icons::CHECK_CIRCLE).color(theme.ink(Tone::Success)).size(theme.text.heading));
                ui.label(theme.strong(if ignored.is_empty() { "No leakage found" } else { "No other leakage found" }));
            });
        }
        for finding in open {
            finding_ui(ui, ctx, prepared, finding, sender);
        }
        for finding in ignored {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme.muted(format!("{}  {}: ignored by you", icons::EYE_SLASH, finding.title())));
                remedies(ui, ctx, finding, sender);
            });
        }
        checked(ui, ctx, report);
    });
}

fn finding_ui(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, finding: &Finding, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let (tone, title) = if finding.is_problem() {
        (Tone::Warning, finding.title())
    } else {
        (Tone::Neutral, format!("Worth a look: {}", finding.title()))
    };
    banner(ui, theme, tone, &title, &finding.in_words(), |ui| {
        remedies(ui, ctx, finding, sender);
    });
    ui.add_space(-theme.space.s);
    ui.push_id(finding.key(), |ui| {
        let rows = if finding.rows.len() == 1 {
            "row".to_owned()
        } else {
            format!("{} rows", count(finding.rows.len() as u64))
        };
        let header = CollapsingHeader::new(theme.small(format!("Show the {rows}"))).id_salt("rows");
        header.show(ui, |ui| rows_ui(ui, ctx, prepared, &finding.rows));
    });
    ui.add_space(theme.space.s);
}

fn remedies(ui: &mut Ui, ctx: &StepContext<'_>, finding: &Finding, sender: &mut CommandSender) {
    for remedy in &finding.remedies {
        remedy_button(ui, ctx, remedy, sender);
    }
}

fn checked(ui: &mut Ui, ctx: &StepContext<'_>, report: &LeakageReport) {
    let theme = ctx.theme;
    let mut line = |text: String| ui.add(Label::new(theme.small(text)).wrap());
    line(format!("Checked: {}", report.checked.join("; ")));
    if !report.not_checked.is_empty() {
        line(format!("Not checked: {}", report.not_checked.join("; ")));
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use egui_kittest::kittest::Queryable;

    use crate::app::commands::UserCommand;
    use crate::app::messages::{AppCommand, Edit};
    use crate::app::slot::Running;
    use crate::app::testing::{Window, app, hone, picture, settle};
    use crate::project::{ColumnRole, SplitMethod, Step};
    use crate::storage::ThemeChoice;

    /// Customer tickets with dates and a column that gives the label away, opened in Prepare.
    fn tickets(theme: ThemeChoice, scale: f32) -> (Window, tempfile::TempDir) {
        let (mut window, folder) = app(theme, scale);
        settle(&mut window);
        let mut rows = "customer,written,reason,ticket,mood\n".to_owned();
        for row in 0..160 {
            let (customer, day, number) = (row / 4, 1 + (row * 11) % 28, row * row * 7 + 1000);
            let mood = if row % 4 == 0 { "calm" } else { ["calm", "angry"][customer % 2] };
            let reason = if mood == "angry" { ["late", "broken"][row % 2] } else { "" };
            let ticket =
                format!("Ticket {number} says box {row} came to street {} with {} parts", number * 3, row * 17);
            writeln!(rows, "c{customer},{day}/2/2024,{reason},{ticket},{mood}").unwrap();
        }
        let path = folder.path().join("tickets.csv");
        std::fs::write(&path, rows).unwrap();
        hone(&mut window).run_command(AppCommand::OpenData(path));
        settle(&mut window);
        // Remove the guessed roles, so that the report suggests them.
        let mut dataset = hone(&mut window).project().dataset.clone();
        dataset.set_columns_of(ColumnRole::Group, &[]);
        dataset.set_columns_of(ColumnRole::Time, &[]);
        hone(&mut window).run_command(AppCommand::Edit(Edit::Dataset(dataset)));
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Prepare));
        window.set_size(egui::vec2(1280.0, 1900.0));
        settle(&mut window);
        (window, folder)
    }

    fn click(window: &mut Window, label: &str) {
        window.get_by_label(label).click();
        settle(window);
    }

    fn open_choice(window: &mut Window, label: &str) {
        window.get_by_role_and_label(egui::Role::ComboBox, label).click();
        settle(window);
    }

    fn undo(window: &mut Window) {
        hone(window).run_command(AppCommand::User(UserCommand::Undo));
        settle(window);
    }

    #[test]
    fn leakage_findings_can_be_fixed_with_a_click_and_undone() {
        for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
            let (mut window, _folder) = tickets(theme, 1.0);
            window.get_by_label("Worth a look: The same 'customer' across the split");
            assert!(window.query_by_label_contains("Not checked: groups").is_none());
            window.get_by_label_contains("the same 'customer' across the split, as its name suggests a group");
            window.get_by_label("Worth a look: 'reason' gives the label away");
            picture(&format!("leakage-{theme:?}").to_lowercase(), &mut window);
            window.check_accessibility();
            let before = hone(&mut window).prepared().unwrap();
            click(&mut window, "Keep rows with the same 'customer' together");
            assert_eq!(hone(&mut window).project().dataset.group_column(), Some("customer"));
            assert!(window.query_by_label("Worth a look: The same 'customer' across the split").is_none());
            undo(&mut window);
            assert_eq!(hone(&mut window).project().dataset.group_column(), None);
            assert_eq!(hone(&mut window).prepared().unwrap().split_hash, before.split_hash);
        }
    }

    #[test]
    fn an_ignored_finding_stays_listed_and_can_be_reported_again() {
        let (mut window, _folder) = tickets(ThemeChoice::Light, 1.0);
        click(&mut window, "Keep rows with the same 'customer' together");
        click(&mut window, "Ignore");
        window.get_by_label_contains("'reason' gives the label away: ignored by you");
        window.get_by_label("No other leakage found");
        picture("leakage-ignored", &mut window);
        click(&mut window, "Stop ignoring");
        window.get_by_label("Worth a look: 'reason' gives the label away");
    }

    #[test]
    fn rows_can_be_split_by_a_time_column() {
        let (mut window, _folder) = tickets(ThemeChoice::Dark, 1.0);
        open_choice(&mut window, "Split method");
        click(&mut window, "By time");
        window.get_by_label_contains("no time column is chosen. Choose one in Prepare");
        assert!(window.query_all_by_label("The rows aren't split yet").count() > 0);
        picture("split-blocked", &mut window);
        open_choice(&mut window, "Time column");
        click(&mut window, "written");
        let project = hone(&mut window).project().clone();
        assert_eq!((project.split.method, project.dataset.time_column()), (SplitMethod::Time, Some("written")));
        window.get_by_label_contains("Training 2024-02-01 to 2024-02-");
        picture("split-time", &mut window);
        window.check_accessibility();
    }

    #[test]
    fn comparing_texts_can_be_stopped_and_resumed() {
        let (mut window, _folder) = tickets(ThemeChoice::Light, 1.0);
        // With so few rows the work may finish before it is stopped.
        for _ in 0..200 {
            hone(&mut window).state.prepare();
            // This must not stop the preparing.
            hone(&mut window).run_command(AppCommand::StopComparing);
            hone(&mut window).run_command(AppCommand::StopPreparing);
            settle(&mut window);
            if hone(&mut window).prepared().is_none() {
                break;
            }
        }
        window.get_by_label("Preparing was stopped");
        picture("prepare-stopped", &mut window);
        click(&mut window, "Prepare again");
        assert!(hone(&mut window).prepared().is_some());

        for _ in 0..200 {
            hone(&mut window).state.compare_again();
            hone(&mut window).run_command(AppCommand::StopComparing);
            settle(&mut window);
            if hone(&mut window).state.work.answers.leakage.value.is_none() {
                break;
            }
        }
        assert!(window.query_all_by_label_contains("was stopped").count() > 0);
        picture("leakage-stopped", &mut window);
        window.get_all_by_label("Resume").next().unwrap().click();
        settle(&mut window);
        window.get_by_label("Worth a look: 'reason' gives the label away");
    }

    #[test]
    fn each_stage_of_the_comparison_is_named_and_can_be_stopped() {
        let (mut window, _folder) = tickets(ThemeChoice::Light, 1.0);
        let app = hone(&mut window);
        let prepared = app.prepared().unwrap();
        // Stopping the comparison does not stop the preparing.
        app.state.prepare();
        app.run_command(AppCommand::StopComparing);
        settle(&mut window);
        assert!(hone(&mut window).prepared().is_some() && hone(&mut window).state.work.answers.leakage.value.is_some());

        let app = hone(&mut window);
        let likeness = app.state.work.answers.likeness.value.clone();
        app.state.work.compare(prepared);
        let answers = &mut app.state.work.answers;
        assert!(answers.likeness.is_running());
        answers.likeness.abandon();
        answers.likeness.value = likeness;
        answers.leakage.running = Some(Running::default());
        window.step();
        assert!(window.query_all_by_label("Stop the leakage check").count() > 0);
        assert!(window.query_all_by_label("Compare texts").count() == 0);

        let leakage = &mut hone(&mut window).state.work.answers.leakage;
        leakage.clear();
        leakage.failed = Some("the machine has no memory left".to_owned());
        settle(&mut window);
        window.get_by_label("Checking for leakage failed");
        window.get_by_label("the machine has no memory left");
        click(&mut window, "Try again");
        window.get_by_label("Worth a look: 'reason' gives the label away");
    }

    #[test]
    fn split_and_leakage_fit_at_200_percent() {
        let (mut window, _folder) = tickets(ThemeChoice::Light, 1.0);
        hone(&mut window).state.settings.zoom = 2.0;
        hone(&mut window).apply_settings();
        settle(&mut window);
        for (place, heading) in ["Split", "Leakage"].into_iter().enumerate() {
            window.get_by_label(heading).scroll_to_me();
            settle(&mut window);
            picture(&format!("leakage-twice-{place}"), &mut window);
        }
        window.get_by_label("Keep rows with the same 'customer' together");
    }
}
