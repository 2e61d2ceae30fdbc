//! The Labels step: the label set with counts, findings, the rows, and statistics of the texts.

pub mod explore;
#[cfg(test)]
mod explore_tests;
pub mod findings;
pub mod label_change;
pub mod label_edits;
mod label_list;
pub mod label_row;
pub mod profile;
pub mod row_detail;
pub mod row_filters;
pub mod row_selection;
pub mod row_table;
mod several_rows;
#[cfg(test)]
mod several_rows_tests;
pub mod stars;

use std::sync::Arc;

use egui::Ui;

use crate::app::answers::LabelColumns;
use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::steps::labels::explore::{ExploreState, explore_ui};
use crate::app::steps::labels::findings::{FindingsState, findings_ui};
use crate::app::steps::labels::label_edits::{LabelRow, label_rows};
use crate::app::steps::labels::label_list::DRAWN;
use crate::app::steps::labels::label_row::{Editing, label_row};
use crate::app::steps::labels::profile::profile_ui;
use crate::app::steps::labels::stars::{StarsState, stars_ui};
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{
    Anchor, anchor, banner, button_if, card, empty_state, figure, heading_ui, page, page_beside, primary_button,
    running_card,
};
use crate::data::{Imported, LabelCounts};
use crate::project::{DatasetSettings, LabelSettings, Step};
use crate::words::count;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct LabelsStepState {
    set: LabelSet,
    editing: Editing,
    stars: StarsState,
    findings: FindingsState,
    pub(super) explore: ExploreState,
}

/// The label set as shown. Recomputed only when the labels or the settings change, because there may be as many labels as
/// rows.
#[derive(Debug, Default)]
struct LabelSet {
    of: Option<(Arc<LabelCounts>, LabelSettings)>,
    rows: Vec<LabelRow>,
    /// Number of included labels.
    used: usize,
    /// Rows of the largest label, included or not.
    longest: u64,
    /// Rows of the included labels: of the largest, of the smallest, and in total.
    most: u64,
    least: u64,
    all: u64,
}

impl LabelSet {
    fn refresh(&mut self, found: &Arc<LabelCounts>, settings: &LabelSettings) {
        if self.of.as_ref().is_some_and(|(of, under)| Arc::ptr_eq(of, found) && under == settings) {
            return;
        }
        let rows = label_rows(&found.rows, settings);
        let used = || rows.iter().filter(|row| !row.excluded).map(|row| row.rows);
        *self = Self {
            of: Some((Arc::clone(found), settings.clone())),
            used: used().count(),
            longest: rows.iter().map(|row| row.rows).max().unwrap_or(0),
            most: used().max().unwrap_or(0),
            least: used().min().unwrap_or(0),
            all: used().sum(),
            rows,
        };
    }
}

/// Draws the step: the labels and what was found in the rows, and the rows themselves.
pub fn labels_step_ui(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut LabelsStepState, sender: &mut CommandSender) {
    let (theme, dataset) = (ctx.theme, &ctx.project.dataset);
    let (title, purpose) = (Step::Labels.title(), Step::Labels.purpose());
    let Some(imported) = ctx.imported.filter(|_| dataset.label_columns().next().is_some()) else {
        page(ui, theme, title, purpose, |ui| no_labels(ui, ctx, sender));
        return;
    };
    let Some(source) = &ctx.answers.rows.value else {
        page(ui, theme, title, purpose, |ui| {
            label_set_ui(ui, ctx, imported, state, sender);
            if let Some(running) = ctx.preview {
                running_card(ui, theme, running, None, sender);
            }
        });
        return;
    };
    let both = &mut (state, sender);
    page_beside(
        ui,
        theme,
        (title, purpose, 0.44),
        both,
        |ui, (state, sender)| {
            label_set_ui(ui, ctx, imported, state, sender);
            anchor(ui, Anchor::Findings);
            findings_ui(ui, ctx, &mut state.findings, &mut state.explore, sender);
            profile_ui(ui, ctx, source, &mut state.explore, sender);
        },
        |ui, (state, sender), height| explore_ui(ui, ctx, source, &mut state.explore, (height, sender)),
    );
}

/// What is wrong with the labels, their mapping from stars, and the labels.
fn label_set_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    imported: &Arc<Imported>,
    state: &mut LabelsStepState,
    sender: &mut CommandSender,
) {
    let (theme, dataset) = (ctx.theme, &ctx.project.dataset);
    for issue in &ctx.facts.data_issues {
        banner(ui, theme, Tone::Danger, "This data can't be used for training yet", issue, |_| {});
    }
    let labels = ctx.answers.labels.about(&LabelColumns::of(imported, dataset));
    match labels.and_then(|labels| labels.value.as_ref()) {
        Some(found) => {
            state.set.refresh(found, ctx.project.labels());
            stars_ui(ui, ctx, found, &mut state.stars, sender);
            label_set(ui, ctx, (&state.set, kind_of(found, dataset)), &mut state.editing, sender);
        }
        None => {
            if let Some(running) = &ctx.answers.labels.running {
                running_card(ui, theme, running, None, sender);
            }
        }
    }
}

fn no_labels(ui: &mut Ui, ctx: &StepContext<'_>, sender: &mut CommandSender) {
    if let Some(running) = ctx.preview {
        running_card(ui, ctx.theme, running, None, sender);
        return;
    }
    let body = "Open a data file and choose its text and label columns. The labels will appear here.";
    empty_state(ui, ctx.theme, icons::TAG, "No labels yet", body, |ui| {
        if primary_button(ui, ctx.theme, icons::ARROW_RIGHT, "Go to Data", Ok(())).clicked() {
            sender.send(AppCommand::GoTo(Step::Data));
        }
    });
}

fn label_set(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (set, kind): (&LabelSet, &str),
    editing: &mut Editing,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    card(ui, theme, |ui| {
        ui.horizontal_wrapped(|ui| {
            heading_ui(ui, theme, "Label set");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let changed = *ctx.project.labels() != LabelSettings::default();
                let reset = button_if(ui, theme, changed, icons::ARROW_COUNTER_CLOCKWISE, "Reset labels");
                if reset.on_hover_text("Discard every rename, merge, reordering, colour and exclusion").clicked() {
                    sender.edit(Edit::Labels(LabelSettings::default()));
                }
            });
        });
        summary(ui, ctx, set, kind);
        ui.add_space(theme.space.s);
        let rows = set.rows.as_slice();
        editing.preview_ui(ui, ctx, rows, sender);
        for row in rows.iter().take(DRAWN) {
            label_row(ui, ctx, rows, row, (set.longest.max(1), set.all.max(1)), editing, sender);
        }
        if rows.len() > DRAWN {
            let more = count((rows.len() - DRAWN) as u64);
            ui.label(theme.muted(format!("and {more} more. That's a lot of labels: is this the right label column?")));
        }
    });
}

/// The type of the labels in the file.
fn kind_of(found: &LabelCounts, dataset: &DatasetSettings) -> &'static str {
    if dataset.has_column_per_label() {
        "One column each"
    } else if found.stars.is_some() {
        "Star ratings"
    } else if found.are_numbers {
        "Numbers"
    } else {
        "Names"
    }
}

fn summary(ui: &mut Ui, ctx: &StepContext<'_>, set: &LabelSet, kind: &str) {
    let theme = ctx.theme;
    let LabelSet { used, most, least, all, .. } = *set;
    let balance = if least == 0 { "–".to_owned() } else { format!("{:.1} : 1", most as f64 / least as f64) };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.xl;
        figure(ui, theme, "Labels", &count(used as u64), "Labels the model will learn");
        figure(ui, theme, "Rows with a label", &count(all), "Before cleaning");
        let hover = "Rows of the largest label per row of the smallest. If this is large, choose balanced class \
                     weights in Model, and trust macro-F1 more than accuracy";
        figure(ui, theme, "Class imbalance", &balance, hover);
        figure(ui, theme, "Type", kind, "Type of the label values. Each value is a class of its own");
    });
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::commands::UserCommand;
    use crate::app::messages::AppCommand;
    use crate::app::testing::{Window, app, hone, picture, press, settle};
    use crate::project::ColumnRole;
    use crate::storage::ThemeChoice;

    #[test]
    fn a_label_can_be_excluded_included_and_renamed() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        window.get_by_label("Exclude neutral").click();
        settle(&mut window);
        assert_eq!(hone(&mut window).prepared().unwrap().labels.len(), 3, "the change is previewed first");
        window.get_by_label_contains("Exclude neutral: ");
        window.get_by_label("Exclude").click();
        settle(&mut window);
        let app = window.state().as_ref().unwrap();
        assert_eq!(app.prepared().unwrap().labels, ["negative", "positive"]);
        window.get_by_label("Include neutral").click();
        settle(&mut window);
        window.get_by_label("Include").click();
        settle(&mut window);
        window.get_by_label("Rename neutral").click();
        settle(&mut window);
        window.get_by_label("New name").type_text("so-so");
        settle(&mut window);
        window.get_by_label_contains("Rename neutral to ");
        picture("labels-rename", &mut window);
        window.key_press(egui::Key::Enter);
        settle(&mut window);
        settle(&mut window);
        let labels = window.state().as_ref().unwrap().prepared().unwrap().labels.clone();
        assert_eq!(labels.len(), 3);
        assert!(labels[1].contains("so-so"), "{labels:?}");
    }

    #[test]
    fn a_merge_previews_its_counts_and_can_be_undone() {
        let (mut window, _folder) = app(ThemeChoice::Light, 2.0);
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        let merge = |window: &mut Window| {
            window.get_by_label("More for neutral").click();
            settle(window);
            window.get_by_label("Merge into").click();
            settle(window);
            // Bars and rows have the same name; the menu's button is the last one.
            window.get_all_by_role_and_label(egui::Role::Button, "negative").last().unwrap().click();
            settle(window);
        };
        merge(&mut window);
        window.get_by_label_contains("Merge neutral into negative: ");
        picture("labels-merge", &mut window);
        press(&mut window, egui::Modifiers::NONE, egui::Key::Escape);
        assert!(window.query_by_label_contains("Merge neutral into negative: ").is_none());
        merge(&mut window);
        window.get_by_label("Merge").click();
        settle(&mut window);
        assert_eq!(hone(&mut window).prepared().unwrap().labels, ["negative", "positive"]);
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        assert_eq!(hone(&mut window).prepared().unwrap().labels.len(), 3);
    }

    #[test]
    fn a_label_can_be_coloured() {
        let (mut window, _folder) = app(ThemeChoice::Dark, 2.0);
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        let before = hone(&mut window).prepared().unwrap();
        for (label, colour) in [("negative", "Vermilion"), ("positive", "Green")] {
            window.get_by_label(&format!("Colour of {label}")).click();
            settle(&mut window);
            window.get_by_label(colour).click();
            settle(&mut window);
        }
        let labels = hone(&mut window).project().labels().clone();
        assert_eq!(labels.colours.keys().collect::<Vec<_>>(), ["negative", "positive"]);
        assert!(
            Arc::ptr_eq(&before, &hone(&mut window).prepared().unwrap()),
            "changing colours does not prepare the rows again"
        );
        window.check_accessibility();
        picture("labels-colours", &mut window);
        window.get_by_label("Colour of negative").click();
        settle(&mut window);
        window.get_by_label("Theme colour").click();
        settle(&mut window);
        assert_eq!(hone(&mut window).project().labels().colours.len(), 1);
    }

    #[test]
    fn the_mapping_of_stars_can_be_changed_before_and_after_applying_it() {
        let (mut window, folder) = app(ThemeChoice::Light, 2.0);
        settle(&mut window);
        let mut rows = String::from("review,rating\n");
        for row in 0..120 {
            writeln!(rows, "review number {row} about {} things,{} stars", row % 7, row % 5 + 1).unwrap();
        }
        let path = folder.path().join("stars.csv");
        std::fs::write(&path, rows.replace(",1 stars", ",1 star")).unwrap();
        hone(&mut window).run_command(AppCommand::OpenData(path));
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        window.get_by_label("2 stars is neutral").click();
        settle(&mut window);
        window.get_by_label("negative: 24 rows  ·  neutral: 24 + 24 = 48 rows  ·  positive: 24 + 24 = 48 rows");
        window.get_by_label("Convert stars to sentiment").click();
        settle(&mut window);
        assert_eq!(hone(&mut window).project().labels().resolve("2 stars"), "neutral");
        window.get_by_label("Map stars to labels").click();
        settle(&mut window);
        window.get_by_label("2 stars is negative").click();
        settle(&mut window);
        picture("labels-stars-again", &mut window);
        window.get_by_label("Update labels").click();
        settle(&mut window);
        assert_eq!(hone(&mut window).project().labels().resolve("2 stars"), "negative");
        assert_eq!(hone(&mut window).prepared().unwrap().counts().len(), 3);
    }

    #[test]
    fn one_click_converts_stars_to_sentiment() {
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
        window.get_by_label("Convert stars to sentiment").click();
        settle(&mut window);
        let app = window.state().as_ref().unwrap();
        assert_eq!(app.prepared().unwrap().labels, ["negative", "neutral", "positive"]);
        window.check_accessibility();
    }

    #[test]
    fn only_the_first_labels_of_an_id_column_are_drawn() {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let mut rows = String::from("text,label\n");
        for row in 0..3_000 {
            writeln!(rows, "review number {row},{row}").unwrap();
        }
        let path = folder.path().join("ids.csv");
        std::fs::write(&path, rows).unwrap();
        window.state_mut().as_mut().unwrap().run_command(AppCommand::OpenData(path));
        settle(&mut window);
        let app = window.state_mut().as_mut().unwrap();
        let mut dataset = app.project().dataset.clone();
        dataset = dataset.with_columns(&[("text", ColumnRole::Text), ("label", ColumnRole::Label)]);
        app.run_command(AppCommand::Edit(Edit::Dataset(dataset)));
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        window.get_by_label_contains("and 2,800 more");
        window.get_by_label("Numbers");
        let names = |window: &mut Window| {
            let labels = &hone(window).state.work.answers.labels;
            (labels.of.clone().unwrap().columns, labels.value.clone().unwrap())
        };
        let (columns, counts) = names(&mut window);
        assert_eq!((columns, counts.rows.len(), counts.rows["2999"]), (vec!["label".to_owned()], 3_000, 1));
        // Labels are not counted again unless the files or the column change.
        window.get_by_label("Exclude 0").click();
        settle(&mut window);
        window.get_by_label("Exclude").click();
        settle(&mut window);
        assert!(Arc::ptr_eq(&counts, &names(&mut window).1));
        assert_eq!(window.query_all_by_label("2,999").count(), 2, "the number of labels, and of rows with one");
    }

    #[test]
    fn a_search_without_matches_says_so() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        window.set_size(egui::vec2(1280.0, 1700.0));
        settle(&mut window);
        window.state_mut().as_mut().unwrap().run_command(AppCommand::GoTo(Step::Labels));
        settle(&mut window);
        let field = window.get_by_label("Search the texts");
        field.focus();
        field.type_text("no such words anywhere");
        settle(&mut window);
        window.get_by_label_contains("No matching rows");
    }
}
