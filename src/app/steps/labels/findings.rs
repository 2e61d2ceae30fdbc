//! Problems found in the rows, each with a one-click fix.

use std::sync::Arc;

use egui::{Align, Label, Layout, RichText, Ui, vec2};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::labels::explore::ExploreState;
use crate::app::steps::remedies::remedy_button;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{Action, badge, button, running_ui, section};
use crate::data::{Finding, FindingKind, Severity};
use crate::words::{counted, lower_first};

/// Width of the column of badges.
const BADGE: f32 = 96.0;
/// Width of the column of buttons.
const BUTTONS: f32 = 330.0;

/// Narrower lists have the badges above the words and the buttons below them.
const NARROW: f32 = 720.0;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct FindingsState {
    /// The findings shown last, and the positions of those whose fix was applied.
    used: Option<(Arc<Vec<Finding>>, Vec<usize>)>,
}

impl FindingsState {
    /// Positions of the findings whose fix was applied, until the check has run again.
    fn used(&mut self, findings: &Arc<Vec<Finding>>) -> &mut Vec<usize> {
        let (_, used) = match self.used.take() {
            Some(used) if Arc::ptr_eq(&used.0, findings) => self.used.insert(used),
            _ => self.used.insert((Arc::clone(findings), Vec::new())),
        };
        used
    }
}

/// Draws the section. Rows of a finding are shown in `explore`.
pub fn findings_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut FindingsState,
    explore: &mut ExploreState,
    sender: &mut CommandSender,
) {
    let hint = "Checks the rows in use, after cleaning. You can undo every fix";
    section(ui, ctx.theme, "Findings", hint, |ui| {
        looking(ui, ctx, sender);
        let Some(findings) = ctx.findings else { return };
        if findings.is_empty() {
            nothing_found(ui, ctx.theme);
            return;
        }
        let used = state.used(findings);
        for (place, finding) in findings.iter().enumerate() {
            if place > 0 {
                ui.separator();
            }
            let mut row = Row { finding, is_used: used.contains(&place) };
            row.draw(ui, ctx, explore, sender);
            if row.is_used && !used.contains(&place) {
                used.push(place);
            }
        }
    });
}

/// The progress of the check, or a button to start it.
fn looking(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    if let Some(running) = ctx.answers.looking() {
        let stop = Action { label: "Stop checking", hover: "", command: AppCommand::StopLooking };
        running_ui(ui, ctx.theme, running, Some(stop), sender);
    } else if ctx.findings.is_none() {
        ui.horizontal(|ui| {
            ui.label(ctx.theme.muted("The rows haven't been checked"));
            if button(ui, ctx.theme, icons::MAGNIFYING_GLASS, "Find problems").clicked() {
                sender.send(AppCommand::FindProblems);
            }
        });
    }
}

fn nothing_found(ui: &mut Ui, theme: &Theme) {
    ui.horizontal_top(|ui| {
        ui.label(RichText::new(icons::CHECK_CIRCLE).color(theme.palette.success).size(theme.text.heading));
        ui.vertical(|ui| {
            ui.label(theme.strong("No problems found"));
            let sought: Vec<String> = FindingKind::DATA.iter().map(|kind| lower_first(kind.title())).collect();
            ui.add(Label::new(theme.small(format!("Checked for: {}", sought.join(", ")))).wrap());
        });
    });
}

/// One finding.
struct Row<'a> {
    finding: &'a Finding,
    /// Its fix was applied.
    is_used: bool,
}

impl Row<'_> {
    fn draw(&mut self, ui: &mut Ui, ctx: &StepContext<'_>, explore: &mut ExploreState, sender: &mut CommandSender) {
        let theme = ctx.theme;
        if ui.available_width() < NARROW {
            ui.horizontal(|ui| self.badge(ui, theme));
            self.words(ui, theme);
            ui.horizontal_wrapped(|ui| self.buttons(ui, ctx, explore, sender));
            return;
        }
        ui.horizontal_top(|ui| {
            let down = Layout::top_down(Align::Min);
            ui.allocate_ui_with_layout(vec2(BADGE, 0.0), down, |ui| {
                ui.set_min_width(BADGE);
                self.badge(ui, theme);
            });
            let width = ui.available_width() - BUTTONS - theme.space.l;
            ui.allocate_ui_with_layout(vec2(width, 0.0), down, |ui| {
                ui.set_min_width(width);
                self.words(ui, theme);
            });
            let size = vec2(ui.available_width(), theme.size.control);
            let right = Layout::right_to_left(Align::Center);
            ui.allocate_ui_with_layout(size, right, |ui| self.buttons(ui, ctx, explore, sender));
        });
    }

    fn badge(&self, ui: &mut Ui, theme: &Theme) {
        let severity = if self.is_used { Severity::Handled } else { self.finding.severity };
        let (tone, icon, word, hover) = match severity {
            Severity::Problem => (Tone::Danger, icons::X_CIRCLE, "Problem", "Something is wrong with these rows"),
            Severity::Warning => (Tone::Warning, icons::WARNING, "Warning", "This may hurt the model or its metrics"),
            Severity::Note => (Tone::Neutral, icons::INFO, "Note", "Good to know"),
            Severity::Handled => {
                (Tone::Success, icons::CHECK_CIRCLE, "Handled", "The settings take care of these rows")
            }
        };
        badge(ui, theme, tone, icon, word).on_hover_text(hover);
    }

    fn words(&self, ui: &mut Ui, theme: &Theme) {
        let (one, many) = self.finding.kind.unit();
        let rows = self.finding.rows.len();
        let found = counted(self.finding.count as u64, one, many);
        let count = if rows > self.finding.count {
            // The same rows are counted one by one where they are listed.
            format!("{found} in {}", counted(rows as u64, "row", "rows"))
        } else {
            found
        };
        ui.spacing_mut().item_spacing.y = theme.space.xs;
        // Nothing to click here: as tall as the text.
        ui.spacing_mut().interact_size.y = 0.0;
        ui.horizontal_wrapped(|ui| {
            ui.label(theme.strong(self.finding.kind.title()));
            ui.label(theme.muted(count));
        });
        ui.add(Label::new(theme.muted(self.finding.in_words()).size(theme.text.body)).wrap());
    }

    fn buttons(&mut self, ui: &mut Ui, ctx: &StepContext<'_>, explore: &mut ExploreState, sender: &mut CommandSender) {
        let (theme, kind) = (ctx.theme, self.finding.kind);
        if let Some(remedy) = self.finding.remedies.first().filter(|_| !self.is_used) {
            self.is_used = remedy_button(ui, ctx, remedy, sender);
        }
        if !self.finding.rows.is_empty() {
            let response = button(ui, theme, icons::ROWS, "Show rows");
            let name = format!("Show rows: {}", kind.title());
            if response.accessible_name(name).on_hover_text("Show these rows in the table below").clicked() {
                explore.show(kind.title(), &self.finding.rows);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::PathBuf;

    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::commands::UserCommand;
    use crate::app::messages::Edit;
    use crate::app::testing::{Window, app, hone, picture, settle};
    use crate::project::Step;
    use crate::storage::ThemeChoice;

    /// The Labels step on a file of these rows and 40 rows without problems.
    fn labels(theme: ThemeChoice, scale: f32, more: &str) -> (Window, tempfile::TempDir) {
        let (mut window, folder) = app(theme, scale);
        settle(&mut window);
        let mut rows = "text,label\n".to_owned();
        for number in 0..20 {
            let (square, seven) = (number * number, number * 7);
            writeln!(rows, "Number {number} came {square} days late and nobody answers,bad").unwrap();
            writeln!(rows, "I like the {number}th one of these {seven} a lot,good").unwrap();
        }
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, rows + more).unwrap();
        open(&mut window, path);
        (window, folder)
    }

    fn open(window: &mut Window, path: PathBuf) {
        hone(window).run_command(AppCommand::OpenData(path));
        settle(window);
        hone(window).run_command(AppCommand::GoTo(Step::Labels));
        settle(window);
    }

    const MORE: &str =
        "Write to ann@example.com about the broken lamp,good\nSame here as there,good\nSame here as there,bad\n";

    #[test]
    fn a_fix_takes_one_click_and_one_undo() {
        let (mut window, _folder) = labels(ThemeChoice::Light, 1.0, MORE);
        window.set_size(egui::vec2(1280.0, 1500.0));
        settle(&mut window);
        let project = hone(&mut window).project().clone();
        let kinds = |window: &mut Window| -> Vec<(FindingKind, Severity)> {
            let findings = hone(window).state.work.answers.findings.value.clone().unwrap();
            findings.iter().map(|finding| (finding.kind, finding.severity)).collect()
        };
        let before = kinds(&mut window);
        assert_eq!(before, [(FindingKind::Conflicts, Severity::Problem), (FindingKind::Emails, Severity::Warning)]);
        picture("labels-findings", &mut window);
        window.get_by_label("Mask e-mail addresses").click();
        settle(&mut window);
        window.get_by_label("Drop conflicts").click();
        settle(&mut window);
        assert_eq!(kinds(&mut window), [(FindingKind::Conflicts, Severity::Handled)]);
        let prepared = hone(&mut window).prepared().unwrap();
        assert!(prepared.examples.iter().any(|example| example.text.contains("[EMAIL]")));
        for _ in 0..2 {
            hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
            settle(&mut window);
        }
        assert_eq!(kinds(&mut window), before);
        assert_eq!(*hone(&mut window).project(), project);
    }

    #[test]
    fn changed_training_settings_repeat_the_check_and_it_can_be_stopped() {
        let (mut window, _folder) = labels(ThemeChoice::Light, 1.0, "");
        let has_long = |window: &mut Window| {
            let findings = hone(window).state.work.answers.findings.value.clone().unwrap();
            findings.iter().any(|finding| finding.kind == FindingKind::TooLong)
        };
        assert!(!has_long(&mut window));
        let mut training = hone(&mut window).project().training.clone();
        training.max_length = 4;
        hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
        settle(&mut window);
        assert!(has_long(&mut window));
        hone(&mut window).run_command(AppCommand::FindProblems);
        assert!(hone(&mut window).state.work.answers.looking().is_some());
        hone(&mut window).run_command(AppCommand::StopLooking);
        settle(&mut window);
        assert!(
            hone(&mut window).state.work.answers.looking().is_none() && has_long(&mut window),
            "the old findings stay"
        );
    }

    #[test]
    fn rows_of_a_finding_are_shown_in_the_table() {
        let (mut window, _folder) = labels(ThemeChoice::Dark, 1.0, MORE);
        window.set_size(egui::vec2(1280.0, 1900.0));
        settle(&mut window);
        assert!(window.query_by_label("Write to ann@example.com about the broken lamp").is_none());
        window.get_by_label("Show rows: E-mail addresses").click();
        settle(&mut window);
        window.get_by_label("Write to ann@example.com about the broken lamp");
        assert!(window.query_by_label("Same here as there").is_none(), "only the rows of the finding are shown");
        window.check_accessibility();
        picture("labels-findings-rows", &mut window);
    }

    #[test]
    fn a_clean_file_lists_what_was_checked() {
        let (window, _folder) = labels(ThemeChoice::Light, 1.0, "");
        window.get_by_label("No problems found");
    }

    mod needs_shared {
        use super::*;
        use crate::app::testing::shared;

        #[test]
        #[ignore = "needs the example data sets in ../shared/data"]
        fn findings_on_real_tweets_fit_the_window() {
            let path = shared("airline_tweets/Tweets.csv");
            let (mut window, _folder) = app(ThemeChoice::Dark, 1.0);
            settle(&mut window);
            open(&mut window, path.clone());
            let findings = hone(&mut window).state.work.answers.findings.value.clone().unwrap();
            let conflicts = &findings[0];
            assert_eq!(
                (conflicts.kind, conflicts.count),
                (FindingKind::Conflicts, 28),
                "cleaning creates one more conflict"
            );
            picture("labels-tweets", &mut window);
            for (width, height, size) in [(1280.0, 2000.0, "tall"), (640.0, 2400.0, "narrow")] {
                window.set_size(egui::vec2(width, height));
                settle(&mut window);
                picture(&format!("labels-tweets-{size}"), &mut window);
                window.check_accessibility();
                window.get_by_label("Show rows: Same text, different labels");
            }
        }
    }
}
