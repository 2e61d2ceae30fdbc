//! The role of each column: guessed by Hone, shown and changed here.

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, Label, Rect, RichText, Ui, vec2};

use crate::app::context::StepContext;
use crate::app::messages::CommandSender;
use crate::app::steps::data::choices::edit;
use crate::app::theme::{Tone, icons};
use crate::app::widgets::{banner, button, card, combo, fields, heading_ui};
use crate::data::{DropReason, Imported};
use crate::project::ColumnRole;
use crate::words::{counted, one_line};

/// Width of a role menu.
const ROLE_COMBO: f32 = 216.0;
/// Narrower lists show no example value.
const NARROW: f32 = 460.0;
/// Between the cells of a role.
const GAP: f32 = 12.0;
/// Columns listed at first.
const LISTED: usize = 12;
/// Rows searched for an example value of a column.
const LOOKED_AT: usize = 50;
/// Most characters shown of a value.
const SHOWN: usize = 200;

/// Draws the columns and their roles. `all` is whether a long list is shown whole.
pub fn columns_card(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    imported: &Imported,
    all: &mut bool,
    sender: &mut CommandSender,
) {
    label_columns_question(ui, ctx, imported, sender);
    let theme = ctx.theme;
    card(ui, theme, |ui| {
        ui.horizontal(|ui| {
            heading_ui(ui, theme, "Columns");
            let guessed = imported.with_guesses(ctx.project.task.kind(), &ctx.project.dataset);
            if guessed != ctx.project.dataset {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let hint = "Give columns that have no role yet the role Hone guessed";
                    if button(ui, theme, icons::SPARKLE, "Use guessed roles").on_hover_text(hint).clicked() {
                        edit(ctx, sender, |dataset| *dataset = guessed);
                    }
                });
            }
        });
        let has_labels = ctx.project.task.kind().role(ColumnRole::Label).is_some();
        let names =
            [("Text column", ColumnRole::Text.explanation()), ("Label column", ColumnRole::Label.explanation())];
        fields(ui, theme, &names[..if has_labels { 2 } else { 1 }], |ui, place, width| match place {
            0 => text_choice(ui, ctx, imported, width, sender),
            _ => label_choice(ui, ctx, imported, width, sender),
        });
        notes(ui, ctx);
        ui.add_space(theme.space.s);
        role_list(ui, ctx, imported, all, sender);
    });
}

fn text_choice(ui: &mut Ui, ctx: &StepContext<'_>, imported: &Imported, width: f32, sender: &mut CommandSender) {
    let now = ctx.project.dataset.text_column();
    let shown = now.unwrap_or("Choose a column");
    combo(ui, "Text column", shown, width, |ui| {
        for column in &imported.main.table.names {
            let text = guess_named(column, imported.guessed_text.as_ref() == Some(column));
            if ui.selectable_label(now == Some(column.as_str()), text).clicked() {
                edit(ctx, sender, |dataset| dataset.set_role(column, Some(ColumnRole::Text)));
            }
        }
    });
}

fn label_choice(ui: &mut Ui, ctx: &StepContext<'_>, imported: &Imported, width: f32, sender: &mut CommandSender) {
    let dataset = &ctx.project.dataset;
    let now: Vec<&str> = dataset.label_columns().collect();
    let shown = if now.is_empty() { "Choose a column".to_owned() } else { now.join(", ") };
    combo(ui, "Label column", &shown, width, |ui| {
        let several = &imported.guessed.label_columns;
        if !several.is_empty() && ui.selectable_label(now == *several, several.join(", ")).clicked() {
            edit(ctx, sender, |dataset| dataset.set_label_columns(several));
        }
        for column in &imported.main.table.names {
            let text = guess_named(column, imported.guessed_label.as_ref() == Some(column));
            if ui.selectable_label(dataset.label_column() == Some(column.as_str()), text).clicked() {
                edit(ctx, sender, |dataset| dataset.set_role(column, Some(ColumnRole::Label)));
            }
        }
    });
}

fn guess_named(name: &str, guessed: bool) -> String {
    if guessed { format!("{name} (guessed)") } else { name.to_owned() }
}

/// Asks whether columns of 0 and 1 are one-hot labels.
fn label_columns_question(ui: &mut Ui, ctx: &StepContext<'_>, imported: &Imported, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let columns = &imported.guessed.label_columns;
    let dataset = &ctx.project.dataset;
    if !columns.is_empty() && dataset.label_columns().next().is_none() {
        let title = "These columns look like one-hot labels. Use them as the label?";
        let body = format!(
            "{} contain only 0 and 1, with a single 1 per row. The name of that column becomes the row's label",
            columns.join(", ")
        );
        banner(ui, theme, Tone::Accent, title, &body, |ui| {
            if button(ui, theme, icons::TAG, "Use as label").clicked() {
                edit(ctx, sender, |dataset| dataset.set_label_columns(columns));
            }
        });
    }
    let Some(survey) = ctx.survey.filter(|_| dataset.has_column_per_label()) else { return };
    let several = survey.dropped(DropReason::SeveralLabels).len() as u64;
    let none = survey.dropped(DropReason::NoneOfLabels).len() as u64;
    if several > 0 {
        let rows = counted(several, "row is", "rows are");
        let title = format!("{rows} dropped: several label columns are marked");
        let body = "Hone trains on one label per text and won't guess which. The Labels step lists these rows";
        banner(ui, theme, Tone::Warning, &title, body, |_| {});
    }
    if none > 0 {
        let rows = counted(none, "row is", "rows are");
        let title = format!("{rows} dropped: no label column is marked");
        banner(ui, theme, Tone::Warning, &title, "The Labels step lists these rows", |_| {});
    }
}

/// Says which columns the model reads, if more than one, and warns when a column has two roles.
fn notes(ui: &mut Ui, ctx: &StepContext<'_>) {
    let theme = ctx.theme;
    let dataset = &ctx.project.dataset;
    let read: Vec<&str> = dataset.read_columns().collect();
    if read.len() > 1 {
        let joined = read[..read.len() - 1].join(", then ");
        let text = format!("The model reads {joined}, then {}", read[read.len() - 1]);
        ui.add(Label::new(theme.small(text)).wrap());
    }
    let is_both = |column: &&str| dataset.label_columns().any(|label| label == *column);
    if read.iter().any(is_both) {
        let text = format!("{}  The text and the label are the same column", icons::WARNING);
        ui.label(RichText::new(text).color(theme.palette.warning));
    }
}

/// The columns with their roles. Only visible rows are laid out. A long list shows its first columns until the person asks for
/// all of them, so that it does not scroll within the page.
fn role_list(ui: &mut Ui, ctx: &StepContext<'_>, imported: &Imported, all: &mut bool, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let table = &imported.main.table;
    ui.separator();
    let widths = RoleWidths::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.m;
        cell(ui, ctx, widths.name, |ui| ui.label(theme.small("Column")));
        cell(ui, ctx, widths.role, |ui| ui.label(theme.small("Role")));
        if widths.example {
            ui.label(theme.small("Example value"));
        }
    });
    let height = theme.size.control + 2.0;
    let shown = if *all { table.names.len() } else { table.names.len().min(LISTED) };
    for column in 0..shown {
        if ui.is_rect_visible(Rect::from_min_size(ui.cursor().min, vec2(1.0, height))) {
            role_row(ui, ctx, imported, (column, &widths, height), sender);
        } else {
            ui.allocate_space(vec2(ui.available_width(), height));
        }
    }
    let more = table.names.len() - shown;
    if more > 0 && button(ui, theme, icons::CARET_DOWN, &format!("Show all {} columns", table.names.len())).clicked() {
        *all = true;
    }
}

/// The widths of the cells of a role.
struct RoleWidths {
    name: f32,
    role: f32,
    example: bool,
}

impl RoleWidths {
    fn of(ui: &Ui) -> Self {
        let all = ui.available_width();
        if all < NARROW {
            let role = (all * 0.66).min(ROLE_COMBO);
            return Self { name: all - role - GAP, role, example: false };
        }
        Self { name: (all * 0.28).clamp(96.0, 220.0), role: ROLE_COMBO, example: true }
    }
}

fn role_row(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    imported: &Imported,
    (column, widths, height): (usize, &RoleWidths, f32),
    sender: &mut CommandSender,
) {
    let (theme, table) = (ctx.theme, &imported.main.table);
    let name = &table.names[column];
    ui.horizontal(|ui| {
        ui.set_min_height(height);
        ui.spacing_mut().item_spacing.x = theme.space.m;
        let ink = match ctx.project.dataset.role_of(name) {
            None | Some(ColumnRole::Ignored) => theme.palette.text_muted,
            Some(_) => theme.palette.text,
        };
        let label = Label::new(RichText::new(name).color(ink)).truncate();
        cell(ui, ctx, widths.name, |ui| ui.add(label));
        cell(ui, ctx, widths.role, |ui| role_choice(ui, ctx, imported, (name, widths.role), sender));
        if widths.example {
            let rows = 0..table.len().min(LOOKED_AT);
            let value = rows.map(|row| table.cell(column, row)).find(|value| !value.trim().is_empty());
            let value = value.map_or_else(|| "–".to_owned(), |value| one_line(value, SHOWN));
            ui.add(Label::new(theme.small(value)).truncate());
        }
    });
}

fn cell<R>(ui: &mut Ui, ctx: &StepContext<'_>, width: f32, contents: impl FnOnce(&mut Ui) -> R) {
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(egui::vec2(width, ctx.theme.size.row), layout, |ui| {
        ui.set_min_width(width);
        contents(ui)
    });
}

fn role_choice(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    imported: &Imported,
    (name, width): (&str, f32),
    sender: &mut CommandSender,
) {
    let now = ctx.project.dataset.role_of(name);
    let guess = if imported.guessed_text.as_deref() == Some(name) {
        Some(ColumnRole::Text)
    } else if imported.guessed_label.as_deref() == Some(name) {
        Some(ColumnRole::Label)
    } else {
        imported.guessed.of(name)
    };
    let titled = |role: Option<ColumnRole>| {
        let title = role.map_or("No role", ColumnRole::title);
        guess_named(title, role.is_some() && role == guess)
    };
    let shown = match (now, guess) {
        (None, Some(guess)) => format!("No role ({}?)", guess.title().to_lowercase()),
        _ => titled(now),
    };
    // All roles with what they are for, without scrolling.
    ui.spacing_mut().combo_height = 420.0;
    combo(ui, &format!("Role of {name}"), &shown, width, |ui| {
        for role in std::iter::once(None).chain(ctx.project.task.roles().iter().map(|rule| Some(rule.role))) {
            let entry = egui::Button::selectable(now == role, role_words(ctx, &titled(role), role));
            if ui.add(entry).accessible_name(titled(role)).clicked() && now != role {
                edit(ctx, sender, |dataset| dataset.set_role(name, role));
            }
        }
    });
}

/// A role in the menu: its title, and below it what it is for.
fn role_words(ctx: &StepContext<'_>, title: &str, role: Option<ColumnRole>) -> LayoutJob {
    let theme = ctx.theme;
    let mut job = LayoutJob::default();
    let line = |job: &mut LayoutJob, text: &str, size: f32, ink: Color32| {
        job.append(text, 0.0, TextFormat::simple(theme.font(size), ink));
    };
    line(&mut job, title, theme.text.body, theme.palette.text);
    line(&mut job, "\n", theme.text.body, theme.palette.text);
    let explanation = role.map_or("This column isn't used", ColumnRole::explanation);
    line(&mut job, explanation, theme.text.small, theme.palette.text_muted);
    job
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use egui_kittest::kittest::Queryable;

    use crate::app::commands::UserCommand;
    use crate::app::messages::AppCommand;
    use crate::app::testing::{Window, app, hone, picture, settle};
    use crate::project::DatasetSettings;
    use crate::storage::ThemeChoice;

    fn open(window: &mut Window, folder: &std::path::Path, rows: &str) {
        let path = folder.join("rows.csv");
        std::fs::write(&path, rows).unwrap();
        settle(window);
        hone(window).run_command(AppCommand::OpenData(path));
        settle(window);
    }

    fn dataset(window: &mut Window) -> DatasetSettings {
        hone(window).project().dataset.clone()
    }

    #[test]
    fn column_roles_are_guessed_and_can_be_changed() {
        let (mut window, folder) = app(ThemeChoice::Light, 2.0);
        window.set_size(egui::vec2(1280.0, 1100.0));
        let mut rows = "review_id,customer_id,created_at,title,body,stars,fold\n".to_owned();
        for row in 0..60 {
            let fold = ["train", "train", "test"][row % 3];
            let (customer, stars) = (row % 11, row % 5 + 1);
            writeln!(rows, "R-{row},C-{customer},2026-03-{:02},Title {row},What came on day {row} is as it was described,{stars},{fold}", row % 28 + 1).unwrap();
        }
        open(&mut window, folder.path(), &rows);
        let found = dataset(&mut window);
        assert_eq!((found.text_column(), found.label_column()), (Some("body"), Some("stars")));
        assert!(found.joined_columns().eq(["title"]));
        assert_eq!((found.group_column(), found.time_column()), (Some("customer_id"), Some("created_at")));
        assert_eq!((found.id_column(), found.split_column()), (Some("review_id"), Some("fold")));
        assert_eq!(
            hone(&mut window).prepared().unwrap().examples[0].text.split_whitespace().take(3).collect::<Vec<_>>(),
            ["Title", "0", "What"]
        );
        window.get_by_label("The model reads title, then body");
        window.check_accessibility();
        picture("data-roles", &mut window);

        window.get_by_role_and_label(egui::Role::ComboBox, "Role of title").click();
        settle(&mut window);
        picture("data-roles-menu", &mut window);
        window.get_by_label("No role").click();
        settle(&mut window);
        assert_eq!(dataset(&mut window).joined_columns().count(), 0);
        assert!(hone(&mut window).prepared().unwrap().examples[0].text.starts_with("What came"));
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        assert!(dataset(&mut window).joined_columns().eq(["title"]));
    }

    #[test]
    fn corrections_survive_when_the_model_reads_another_column() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let example = hone(&mut window).prepared().unwrap().examples[3].clone();
        let imported = hone(&mut window).state.work.answers.imported.value.clone().unwrap();
        let columns = crate::data::RowColumns::of(&imported.main.table, &dataset(&mut window)).unwrap();
        let row = crate::project::RowEdit {
            content_hash: columns.hash(example.row),
            ..crate::project::RowEdit::relabelled("neutral")
        };
        let edit = crate::app::Edit::Rows(vec![(example.id, Some(row))]);
        hone(&mut window).run_command(AppCommand::Edit(edit));
        settle(&mut window);
        let corrected = |window: &mut Window| {
            let prepared = hone(window).prepared().unwrap();
            assert_eq!(prepared.stale_edits, []);
            prepared.examples.iter().filter(|example| example.relabelled).map(|example| example.id).collect::<Vec<_>>()
        };
        let other = imported.main.table.names.iter().find(|name| dataset(&mut window).role_of(name).is_none()).unwrap();
        window.get_by_role_and_label(egui::Role::ComboBox, &format!("Role of {other}")).click();
        settle(&mut window);
        window.get_by_label("Title").click();
        settle(&mut window);
        assert!(dataset(&mut window).joined_columns().eq([other.as_str()]));
        assert_eq!(corrected(&mut window), [example.id]);
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        assert_eq!(dataset(&mut window).joined_columns().count(), 0, "one undo reverts both");
        assert_eq!(corrected(&mut window), [example.id]);
    }

    #[test]
    fn a_saved_project_keeps_its_columns_until_guessed_roles_are_used() {
        let (mut window, _folder) = app(ThemeChoice::Dark, 2.0);
        settle(&mut window);
        assert_eq!(dataset(&mut window).id_column(), None);
        let prepared = hone(&mut window).prepared().unwrap();
        picture("data-guesses", &mut window);
        window.get_by_label("Use guessed roles").click();
        settle(&mut window);
        let found = dataset(&mut window);
        assert_eq!((found.id_column(), found.time_column()), (Some("order_id"), Some("date")));
        assert!(window.query_by_label("Use guessed roles").is_none());
        let again = hone(&mut window).prepared().unwrap();
        assert_eq!((prepared.data_hash.as_str(), again.keys.len()), (again.data_hash.as_str(), again.examples.len()));
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        assert_eq!(dataset(&mut window).id_column(), None);
    }

    #[test]
    fn hone_asks_before_using_one_hot_label_columns() {
        let (mut window, folder) = app(ThemeChoice::Dark, 2.0);
        window.set_size(egui::vec2(1280.0, 1000.0));
        let mut rows = "text,positive,neutral,negative\n".to_owned();
        for row in 0..90 {
            let marks = match (row, row % 3) {
                (7, _) => "1,1,0",
                (8, _) => "0,0,0",
                (_, 0) => "1,0,0",
                (_, 1) => "0,1,0",
                _ => "0,0,1",
            };
            writeln!(rows, "text number {row} says this,{marks}").unwrap();
        }
        open(&mut window, folder.path(), &rows);
        window.get_by_label("These columns look like one-hot labels. Use them as the label?");
        picture("data-label-columns-asked", &mut window);
        window.get_by_label("Use as label").click();
        settle(&mut window);
        assert!(dataset(&mut window).label_columns().eq(["positive", "neutral", "negative"]));
        window.get_by_label("1 row is dropped: several label columns are marked");
        window.get_by_label("1 row is dropped: no label column is marked");
        let prepared = hone(&mut window).prepared().unwrap();
        assert_eq!((prepared.labels.len(), prepared.examples.len()), (3, 88));
        window.check_accessibility();
        picture("data-label-columns", &mut window);
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        window.get_by_label("Use as label");
    }
}
