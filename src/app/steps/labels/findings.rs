//! Problems found in the rows, each with a one-click fix.

use std::sync::Arc;

use egui::{Align, Label, Layout, RichText, Ui, Vec2, vec2};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::labels::explore::ExploreState;
use crate::app::steps::remedies::{remedy_button, undo_edit};
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{Action, badge, button, explained, running_ui, section};
use crate::data::{Finding, FindingKind, Remedy, Severity};
use crate::project::Project;
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
    /// What is listed. A finding keeps its place while the person is on the page, so that no row moves under the pointer.
    listed: Vec<Listed>,
    /// The findings listed last.
    of: Option<Arc<Vec<Finding>>>,
    /// The last frame in which they were drawn.
    frame: u64,
}

/// A finding in the list.
#[derive(Debug)]
struct Listed {
    finding: Finding,
    /// What was done about it in this visit.
    fix: Option<Fix>,
    /// Width of the list and height of the row, which stays as high when its words get fewer.
    size: Vec2,
}

/// A fix that was applied.
#[derive(Debug)]
struct Fix {
    remedy: Remedy,
    /// The project before.
    before: Project,
}

impl Listed {
    fn of(finding: &Finding) -> Self {
        Self { finding: finding.clone(), fix: None, size: Vec2::ZERO }
    }

    /// Whether another finding is about the same thing.
    fn is_about(&self, other: &Finding) -> bool {
        let text = |finding: &Finding| match finding.remedies.first() {
            Some(Remedy::RemoveText(text)) => Some(text.clone()),
            _ => None,
        };
        let finding = &self.finding;
        (finding.kind, &finding.column, text(finding)) == (other.kind, &other.column, text(other))
    }
}

impl FindingsState {
    /// Takes in the findings of a new check: those that are listed keep their places, and those that were fixed stay.
    fn refresh(&mut self, frame: u64, findings: Option<&Arc<Vec<Finding>>>) {
        if frame > self.frame + 1 {
            // A new visit of the page.
            *self = Self::default();
        }
        self.frame = frame;
        let Some(findings) = findings else { return };
        if self.of.as_ref().is_some_and(|known| Arc::ptr_eq(known, findings)) {
            return;
        }
        self.of = Some(Arc::clone(findings));
        let mut new: Vec<Option<&Finding>> = findings.iter().map(Some).collect();
        self.listed.retain_mut(|listed| {
            let place = new.iter().position(|finding| finding.is_some_and(|finding| listed.is_about(finding)));
            let Some(finding) = place.and_then(|place| new[place].take()) else { return listed.fix.is_some() };
            listed.finding = finding.clone();
            listed.fix = listed.fix.take().filter(|_| finding.severity == Severity::Handled);
            true
        });
        self.listed.extend(new.into_iter().flatten().map(Listed::of));
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
        state.refresh(ui.ctx().cumulative_frame_nr(), ctx.findings);
        for (place, listed) in state.listed.iter_mut().enumerate() {
            if place > 0 {
                ui.separator();
            }
            let width = ui.available_width();
            let least = if (listed.size.x - width).abs() < 0.5 { listed.size.y } else { 0.0 };
            let row = ui.vertical(|ui| {
                ui.set_min_height(least);
                Row { listed: &mut *listed }.draw(ui, ctx, explore, sender);
            });
            listed.size = vec2(width, row.response.rect.height());
        }
        // Below the list, which therefore stays in place while the rows are checked again.
        looking(ui, ctx, sender);
        if state.listed.is_empty() && ctx.findings.is_some() {
            nothing_found(ui, ctx.theme);
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
    listed: &'a mut Listed,
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
        let severity = if self.listed.fix.is_some() { Severity::Handled } else { self.listed.finding.severity };
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
        let finding = &self.listed.finding;
        let (one, many) = finding.kind.unit();
        let rows = finding.rows.len();
        let found = counted(finding.count as u64, one, many);
        let count = if rows > finding.count {
            // The same rows are counted one by one where they are listed.
            format!("{found} in {}", counted(rows as u64, "row", "rows"))
        } else {
            found
        };
        ui.spacing_mut().item_spacing.y = theme.space.xs;
        // Nothing to click here: as tall as the text.
        ui.spacing_mut().interact_size.y = 0.0;
        ui.horizontal_wrapped(|ui| {
            explained(ui, theme.strong(finding.kind.title()));
            ui.label(theme.muted(count));
        });
        let words = match self.listed.fix.as_ref().filter(|_| finding.severity != Severity::Handled) {
            Some(fix) => format!("{}. You chose: {}.", finding.found, fix.remedy.title()),
            None => finding.in_words(),
        };
        explained(ui, theme.muted(words).size(theme.text.body));
    }

    fn buttons(&mut self, ui: &mut Ui, ctx: &StepContext<'_>, explore: &mut ExploreState, sender: &mut CommandSender) {
        let (theme, kind) = (ctx.theme, self.listed.finding.kind);
        if let Some(fix) = &self.listed.fix {
            let title = fix.remedy.title();
            let undo = button(ui, theme, icons::ARROW_U_UP_LEFT, "Undo").accessible_name(format!("Undo: {title}"));
            if undo.on_hover_text(title).clicked() {
                sender.edit(undo_edit(&fix.remedy, &fix.before, ctx.project));
                self.listed.fix = None;
            }
        } else if let Some(remedy) = self.listed.finding.remedies.first()
            && remedy_button(ui, ctx, remedy, sender)
        {
            self.listed.fix = Some(Fix { remedy: remedy.clone(), before: ctx.project.clone() });
        }
        if !self.listed.finding.rows.is_empty() {
            let response = button(ui, theme, icons::ROWS, "Show rows");
            let name = format!("Show rows: {}", kind.title());
            if response.accessible_name(name).on_hover_text("Show these rows in the table below").clicked() {
                explore.show(kind.title(), &self.listed.finding.rows);
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
    fn a_fixed_finding_stays_in_its_place_and_can_be_undone_there() {
        let (mut window, _folder) = labels(ThemeChoice::Light, 1.0, MORE);
        window.set_size(egui::vec2(1280.0, 1500.0));
        settle(&mut window);
        let before = hone(&mut window).project().clone();
        let place = |window: &Window, kind: FindingKind| window.get_by_label(kind.title()).rect().top().round() as i32;
        let places = |window: &Window| [FindingKind::Conflicts, FindingKind::Emails].map(|kind| place(window, kind));
        let first = places(&window);
        for fix in ["Drop conflicts", "Mask e-mail addresses"] {
            window.get_by_label(fix).click();
            settle(&mut window);
            assert_eq!(places(&window), first, "after {fix}");
        }
        assert_eq!(window.get_all_by_label("Handled").count(), 2);
        picture("labels-findings-handled", &mut window);
        // The first fix is undone before the second.
        window.get_by_label("Undo: Drop conflicts").click();
        settle(&mut window);
        let cleaning = hone(&mut window).project().cleaning.clone();
        assert!(!cleaning.drop_conflicts && cleaning.mask_emails);
        assert_eq!(places(&window), first);
        window.get_by_label("Undo: Mask e-mail addresses").click();
        settle(&mut window);
        assert_eq!(*hone(&mut window).project(), before);
        assert_eq!(places(&window), first);
        assert!(window.query_by_label("Handled").is_none());
        // On the next visit, what is fixed is not listed any more.
        window.get_by_label("Mask e-mail addresses").click();
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Data));
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        assert!(window.query_by_label(FindingKind::Emails.title()).is_none());
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
