//! The Labels step: the label set with counts, lengths, what was found in the rows, and the rows themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{Button, CornerRadius, Rect, RichText, TextEdit, Ui, vec2};

use super::super::context::StepContext;
use super::super::messages::{AppCommand, CommandSender, Edit};
use super::super::theme::{Tone, icons};
use super::super::widgets::numbers::{count, counted, percent_fine};
use super::super::widgets::{banner, button, card, empty_state, figure, icon_button, page, primary_button, waiting_ui};
use super::explore::{ExploreState, explore_ui};
use super::label_edits::{LabelRow, are_stars, label_rows, rename, reorder, set_excluded};
use super::profile::profile_ui;
use crate::data::Imported;
use crate::project::{LabelSettings, Step};

/// Greatest width of a label's name.
const NAME: f32 = 180.0;
/// Width of what stands to the right of a bar.
const FIGURES: f32 = 266.0;
/// Most labels that are drawn: more means that the column holds something else.
const DRAWN: usize = 200;

/// What the step remembers between frames.
#[derive(Debug, Default)]
pub struct LabelsStepState {
    found: Found,
    rows: Vec<LabelRow>,
    rows_of: Option<LabelSettings>,
    renaming: Option<(String, String)>,
    pub(super) explore: ExploreState,
}

/// Labels in the file with their rows, counted once for a file and column.
#[derive(Debug, Default)]
struct Found {
    of: Option<(Arc<Imported>, String)>,
    labels: BTreeMap<String, u64>,
}

impl Found {
    /// Whether the labels were counted anew.
    fn refresh(&mut self, imported: &Arc<Imported>, column: &str) -> bool {
        let same = |(of, name): &(Arc<Imported>, String)| Arc::ptr_eq(of, imported) && name == column;
        if self.of.as_ref().is_some_and(same) {
            return false;
        }
        self.of = Some((Arc::clone(imported), column.to_owned()));
        self.labels.clear();
        for file in [Some(&imported.main), imported.validation.as_ref(), imported.test.as_ref()].into_iter().flatten() {
            let Some(index) = file.table.column_index(column) else { continue };
            for row in 0..file.table.len() {
                let label = file.table.cell(index, row).trim();
                match self.labels.get_mut(label) {
                    Some(rows) => *rows += 1,
                    None if label.is_empty() => {}
                    None => _ = self.labels.insert(label.to_owned(), 1),
                }
            }
        }
        true
    }
}

/// Draws the step.
pub fn labels_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut LabelsStepState, sender: &mut CommandSender) {
    let theme = ctx.theme;
    page(ui, theme, Step::Labels.title(), Step::Labels.purpose(), |ui| {
        let dataset = &ctx.project.dataset;
        let Some(imported) = ctx.imported.filter(|_| !dataset.label_column.is_empty()) else {
            no_labels(ui, ctx, sender);
            return;
        };
        let counted_anew = state.found.refresh(imported, &dataset.label_column);
        if counted_anew || state.rows_of.as_ref() != Some(&ctx.project.labels) {
            state.rows = label_rows(&state.found.labels, &ctx.project.labels);
            state.rows_of = Some(ctx.project.labels.clone());
        }
        for issue in &ctx.facts.data_issues {
            banner(ui, theme, Tone::Danger, "This data cannot be trained on yet", issue, |_| {});
        }
        stars(ui, ctx, &state.found.labels, sender);
        label_set(ui, ctx, &state.rows, &mut state.renaming, sender);
        let Some(source) = &ctx.inspection.source else {
            if ctx.preview.is_some() {
                waiting_ui(ui, theme, "Preparing the rows", ctx.preview.map(|job| &job.progress));
            }
            return;
        };
        explore_ui(ui, ctx, source, &mut state.explore, sender);
        profile_ui(ui, ctx, source, &mut state.explore, sender);
        if primary_button(ui, theme, icons::ARROW_RIGHT, "Continue to Prepare", Ok(())).clicked() {
            sender.send(AppCommand::GoTo(Step::Prepare));
        }
    });
}

fn no_labels(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    if ctx.preview.is_some() {
        waiting_ui(ui, ctx.theme, "Reading the data", ctx.preview.map(|job| &job.progress));
        return;
    }
    let body = "Open a data file and choose its text and label columns: the labels and their rows appear here.";
    empty_state(ui, ctx.theme, icons::TAG, "No labels yet", body, |ui| {
        if primary_button(ui, ctx.theme, icons::ARROW_RIGHT, "Go to Data", Ok(())).clicked() {
            sender.send(AppCommand::GoTo(Step::Data));
        }
    });
}

fn stars(ui: &mut Ui, ctx: &StepContext<'_>, found: &BTreeMap<String, u64>, sender: &mut CommandSender) {
    if !are_stars(found) || !ctx.project.labels.mapping.is_empty() {
        return;
    }
    let body = "1 and 2 become negative, 3 neutral, 4 and 5 positive";
    banner(ui, ctx.theme, Tone::Accent, "These look like star ratings", body, |ui| {
        if button(ui, ctx.theme, icons::STAR, "Turn stars into sentiment").clicked() {
            sender.edit(Edit::Labels(LabelSettings::stars_to_sentiment()));
        }
    });
}

fn label_set(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    rows: &[LabelRow],
    renaming: &mut Option<(String, String)>,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    card(ui, theme, |ui| {
        ui.horizontal(|ui| {
            ui.label(theme.heading("Label set"));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let changed = ctx.project.labels != LabelSettings::default();
                let reset = ui
                    .add_enabled_ui(changed, |ui| button(ui, theme, icons::ARROW_COUNTER_CLOCKWISE, "As in the file"));
                if reset.inner.on_hover_text("Forget every rename, merge, order and exclusion").clicked() {
                    sender.edit(Edit::Labels(LabelSettings::default()));
                }
            });
        });
        summary(ui, ctx, rows);
        ui.add_space(theme.space.s);
        let most = rows.iter().map(|row| row.rows).max().unwrap_or(1).max(1);
        let all: u64 = rows.iter().filter(|row| !row.excluded).map(|row| row.rows).sum();
        for row in rows.iter().take(DRAWN) {
            label_row(ui, ctx, rows, row, (most, all.max(1)), renaming, sender);
        }
        if rows.len() > DRAWN {
            let more = count((rows.len() - DRAWN) as u64);
            ui.label(theme.muted(format!("and {more} more. So many labels: is this the right label column?")));
        }
    });
}

fn summary(ui: &mut Ui, ctx: &StepContext<'_>, rows: &[LabelRow]) {
    let theme = ctx.theme;
    let used = || rows.iter().filter(|row| !row.excluded);
    let most = used().map(|row| row.rows).max().unwrap_or(0);
    let least = used().map(|row| row.rows).min().unwrap_or(0);
    let balance = if least == 0 { "–".to_owned() } else { format!("{:.1} : 1", most as f64 / least as f64) };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.xxl;
        figure(ui, theme, "Labels", &count(used().count() as u64), "Labels that will be learnt");
        figure(ui, theme, "Rows with a label", &count(used().map(|row| row.rows).sum()), "Before cleaning");
        let hover = "Rows of the largest label for one of the smallest. When this is large, choose balanced class \
                     weights in Model, and trust macro-F1 more than accuracy";
        figure(ui, theme, "Largest to smallest", &balance, hover);
    });
}

fn label_row(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    rows: &[LabelRow],
    row: &LabelRow,
    (most, all): (u64, u64),
    renaming: &mut Option<(String, String)>,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let settings = &ctx.project.labels;
    ui.horizontal(|ui| {
        ui.set_min_height(theme.size.row);
        name_ui(ui, ctx, rows, row, renaming, sender);
        let width = ui.available_width() - FIGURES;
        if width > 40.0 {
            bar(ui, ctx, row, width, most);
        }
        let share = if row.excluded { "left out".to_owned() } else { percent_fine(row.rows as f64 / all as f64) };
        cell(ui, ctx, 56.0, egui::Align::RIGHT, |ui| ui.label(theme.strong(count(row.rows))));
        cell(ui, ctx, 64.0, egui::Align::RIGHT, |ui| ui.label(theme.muted(share)));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            more_menu(ui, ctx, rows, row, sender);
            let (icon, word) = if row.excluded { (icons::EYE_SLASH, "Use") } else { (icons::EYE, "Leave out") };
            if icon_button(ui, theme, icon, &format!("{word} {}", row.name)).clicked() {
                sender.edit(Edit::Labels(set_excluded(settings, &row.name, !row.excluded)));
            }
            if icon_button(ui, theme, icons::PENCIL_SIMPLE, &format!("Rename {}", row.name)).clicked() {
                *renaming = Some((row.name.clone(), row.name.clone()));
            }
        });
    });
}

/// A piece of a row with a width of its own.
fn cell<R>(ui: &mut Ui, ctx: &StepContext<'_>, width: f32, to: egui::Align, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let layout = match to {
        egui::Align::RIGHT => egui::Layout::right_to_left(egui::Align::Center),
        _ => egui::Layout::left_to_right(egui::Align::Center),
    };
    ui.allocate_ui_with_layout(vec2(width, ctx.theme.size.row), layout, |ui| {
        ui.set_min_width(width);
        contents(ui)
    })
    .inner
}

fn name_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    rows: &[LabelRow],
    row: &LabelRow,
    renaming: &mut Option<(String, String)>,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    if let Some((from, to)) = renaming.as_mut().filter(|(from, _)| *from == row.name) {
        let response = ui.add(TextEdit::singleline(to).desired_width(NAME - 16.0)).accessible_name("New name");
        if response.lost_focus() {
            let entered = ui.input(|input| !input.key_pressed(egui::Key::Escape));
            if entered {
                sender.edit(Edit::Labels(rename(&ctx.project.labels, rows, from, to)));
            }
            *renaming = None;
        } else {
            response.request_focus();
        }
        return;
    }
    let ink = if row.excluded { theme.palette.text_muted } else { theme.palette.text };
    let merged = row.sources.len() > 1 || row.sources.iter().any(|(source, _)| *source != row.name);
    let text = if merged { format!("{}  {}", row.name, icons::GIT_MERGE) } else { row.name.clone() };
    let label = egui::Label::new(RichText::new(text).color(ink)).truncate();
    let width = NAME.min(ui.available_width() * 0.35);
    let response = cell(ui, ctx, width, egui::Align::LEFT, |ui| ui.add(label));
    if merged {
        let sources: Vec<String> =
            row.sources.iter().map(|(source, rows)| format!("{source}: {}", counted(*rows, "row", "rows"))).collect();
        response.on_hover_text(format!("In the file:\n{}", sources.join("\n")));
    }
}

fn bar(ui: &mut Ui, ctx: &StepContext<'_>, row: &LabelRow, width: f32, most: u64) {
    let theme = ctx.theme;
    let (rect, response) = ui.allocate_exact_size(vec2(width, theme.size.row), egui::Sense::hover());
    let length = (width * row.rows as f32 / most as f32).max(2.0);
    let bar = Rect::from_min_size(rect.left_center() - vec2(0.0, 5.0), vec2(length, 10.0));
    let fill = if row.excluded { theme.palette.border_strong } else { theme.chart(0) };
    ui.painter().rect_filled(bar, CornerRadius::same(theme.radius.small), fill);
    let name = format!("{}: {}", row.name, counted(row.rows, "row", "rows"));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    response.on_hover_text(name);
}

fn more_menu(ui: &mut Ui, ctx: &StepContext<'_>, rows: &[LabelRow], row: &LabelRow, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let settings = &ctx.project.labels;
    let dots = RichText::new(icons::DOTS_THREE).color(theme.palette.text_muted);
    let menu = Button::new(dots).frame_when_inactive(false).min_size(vec2(26.0, 26.0));
    let (response, _) = egui::containers::menu::MenuButton::from_button(menu).ui(ui, |ui| {
        for (text, by) in [("Move up", -1), ("Move down", 1)] {
            if ui.add_enabled(!row.excluded, Button::new(text)).clicked() {
                sender.edit(Edit::Labels(reorder(settings, rows, &row.name, by)));
                ui.close();
            }
        }
        ui.menu_button("Merge into", |ui| {
            for other in rows.iter().filter(|other| other.name != row.name).take(DRAWN) {
                if ui.button(&other.name).clicked() {
                    sender.edit(Edit::Labels(rename(settings, rows, &row.name, &other.name)));
                    ui.close();
                }
            }
        });
    });
    response.accessible_name(format!("More for {}", row.name));
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use egui_kittest::kittest::Queryable;

    use super::super::super::messages::AppCommand;
    use super::super::super::testing::{app, picture, settle};
    use super::*;
    use crate::storage::ThemeChoice;

    #[test]
    fn a_label_is_left_out_renamed_and_merged() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        window.get_by_label("Leave out neutral").click();
        settle(&mut window);
        let app = window.state().as_ref().unwrap();
        assert_eq!(app.prepared().unwrap().labels, ["negative", "positive"]);
        window.get_by_label("Use neutral").click();
        settle(&mut window);
        window.get_by_label("Rename neutral").click();
        settle(&mut window);
        window.get_by_label("New name").type_text("so-so");
        settle(&mut window);
        window.key_press(egui::Key::Enter);
        settle(&mut window);
        settle(&mut window);
        let labels = window.state().as_ref().unwrap().prepared().unwrap().labels.clone();
        assert_eq!(labels.len(), 3);
        assert!(labels[1].contains("so-so"), "{labels:?}");
    }

    #[test]
    fn stars_become_sentiment_in_one_click() {
        let (mut window, folder) = app(ThemeChoice::Dark, 2.0);
        settle(&mut window);
        let mut rows = String::from("review,stars\n");
        for row in 0..120 {
            writeln!(rows, "review number {row} about {} things,{}", row % 7, row % 5 + 1).unwrap();
        }
        let path = folder.path().join("stars.csv");
        std::fs::write(&path, rows).unwrap();
        let app = window.state_mut().as_mut().unwrap();
        app.run_command(AppCommand::OpenData(path));
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        picture("labels-stars", &mut window);
        window.get_by_label("Turn stars into sentiment").click();
        settle(&mut window);
        let app = window.state().as_ref().unwrap();
        assert_eq!(app.prepared().unwrap().labels, ["negative", "neutral", "positive"]);
        window.check_accessibility();
    }

    #[test]
    fn a_column_of_ids_is_drawn_in_part() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let mut rows = String::from("text,label\n");
        for row in 0..3_000 {
            writeln!(rows, "review number {row},id {row}").unwrap();
        }
        let path = folder.path().join("ids.csv");
        std::fs::write(&path, rows).unwrap();
        window.state_mut().as_mut().unwrap().run_command(AppCommand::OpenData(path));
        settle(&mut window);
        let app = window.state_mut().as_mut().unwrap();
        let mut dataset = app.project().dataset.clone();
        (dataset.text_column, dataset.label_column) = ("text".to_owned(), "label".to_owned());
        app.run_command(AppCommand::Edit(Edit::Dataset(dataset)));
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        window.get_by_label_contains("and 2,800 more");
    }

    #[test]
    fn rows_are_searched() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        window.set_size(egui::vec2(1280.0, 1700.0));
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        let field = window.get_by_label("Search the texts");
        field.focus();
        field.type_text("no such words anywhere");
        settle(&mut window);
        window.get_by_label_contains("No row fits");
    }
}
