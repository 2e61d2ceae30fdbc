//! The split: method, sizes, and the resulting row counts.

use egui::{CornerRadius, DragValue, Grid, Rect, RichText, Role, Sense, Ui, vec2};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, Edit};
use crate::app::spoken::{set_cell, set_region};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{Action, button, combo, field_label, is_narrow, number_field, running_ui, section};
use crate::data::{LeakageReport, Prepared, Side, SplitOrigin, moment_in_words};
use crate::project::{ColumnRole, DatasetSettings, Size, SourceFile, SplitMethod, SplitSettings};
use crate::words::{count, counted, percent};
use crate::worker::Survey;

/// Most labels listed.
const LABELS: usize = 200;
/// Width of a menu.
const CHOICE: f32 = 190.0;
/// Width of a size with its unit.
const SIZE: f32 = 150.0;
/// Narrowest table of counts; a narrower card lists them.
const TABLE: f32 = 420.0;
/// Width of the seed with its button.
const SEED: f32 = 250.0;

/// The split methods, each with name and explanation.
const METHODS: [(SplitMethod, &str, &str); 3] = [
    (SplitMethod::Random, "At random", "Assign rows at random, based on the seed"),
    (SplitMethod::Time, "By time", "Train on the oldest rows and test on the newest, as in real use"),
    (SplitMethod::Column, "By column", "A column says which split each row is in: train, validation or test"),
];

const NEW_SPLIT: &str = "Split all rows again, with another seed. Results of older runs are then not comparable";

/// Draws the section.
pub fn split_ui(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, survey: &Survey, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let hint = "The model learns from the training set. The validation set decides which checkpoint to keep. The test set is \
                used once, at the end, so its metrics are unbiased";
    section(ui, theme, "Split", hint, |ui| {
        let mut divide = (ctx.project.dataset.clone(), ctx.project.split.clone());
        columns(ui, ctx, &mut divide);
        if divide.0 != ctx.project.dataset || divide.1 != ctx.project.split {
            sender.edit(Edit::Divide(Box::new(divide)));
        }
        ui.add_space(theme.space.s);
        let mut settings = ctx.project.split.clone();
        sizes(ui, ctx, prepared, &mut settings);
        if settings != ctx.project.split {
            sender.edit(Edit::Split(settings));
        }
        // Comparing texts is the only slow part of preparing.
        if let Some(job) = ctx.preview.filter(|job| job.progress.stage.contains("texts")) {
            let (label, hover) = ("Stop preparing", "The rows won't be split");
            running_ui(ui, theme, job, Some(Action { label, hover, command: AppCommand::StopPreparing }), sender);
        }
        if let Some(origin) = origin_in_words(prepared.origin) {
            ui.add_space(theme.space.s);
            ui.add(egui::Label::new(theme.muted(origin)).wrap());
        }
        ui.add_space(theme.space.m);
        split_bar(ui, theme, survey.sides);
        ui.add_space(theme.space.s);
        counts_table(ui, theme, prepared, &survey.counts, survey.sides);
        if let Some(report) = ctx.leakage {
            spans(ui, theme, report);
        }
    });
}

/// What keeps the rows where they are, once a model has been trained. A warning tells of a split drawn again.
fn origin_in_words(origin: SplitOrigin) -> Option<String> {
    let SplitOrigin::Kept { joined } = origin else { return None };
    let new = match joined {
        0 => String::new(),
        joined => format!(" {} since then.", counted(joined as u64, "row has joined", "rows have joined")),
    };
    Some(format!("As in the last run: corrections and new rows move no other row, so that runs can be compared.{new}"))
}

/// A named control of a fixed width, in a row that wraps.
fn field(ui: &mut Ui, theme: &Theme, width: f32, (name, hover): (&str, &str), control: impl FnOnce(&mut Ui)) {
    let size = vec2(width, theme.size.control + theme.text.small + theme.space.m);
    let size = vec2(size.x.min(ui.max_rect().width()), size.y);
    ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.set_width(size.x);
        ui.spacing_mut().item_spacing.y = theme.space.xs;
        field_label(ui, theme, name, hover);
        ui.horizontal(control);
    });
}

/// The split method, and the group, time and split columns.
fn columns(ui: &mut Ui, ctx: &StepContext<'_>, (dataset, split): &mut (DatasetSettings, SplitSettings)) {
    let theme = ctx.theme;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme.space.xl, theme.space.s);
        field(ui, theme, CHOICE, ("Split method", "How rows are assigned to training, validation and test"), |ui| {
            let shown = METHODS.iter().find(|(method, ..)| *method == split.method).map_or("", |(_, name, _)| name);
            combo(ui, "Split method", shown, CHOICE, |ui| {
                for (method, name, hover) in METHODS {
                    ui.selectable_value(&mut split.method, method, name).on_hover_text(hover);
                }
            });
        });
        let group = match split.method {
            SplitMethod::Random => "Rows with the same value, such as one customer, stay in the same split",
            _ => "Rows with the same value, such as one customer. The report says if they are in more than one split",
        };
        column(ui, ctx, ("Group column", group), false, (ColumnRole::Group, &mut *dataset));
        let time = match split.method {
            SplitMethod::Time => "Dates: ISO 8601, day or month first, seconds since 1970, and more",
            _ => "Dates. The report says if training rows are newer than test rows",
        };
        column(ui, ctx, ("Time column", time), split.method == SplitMethod::Time, (ColumnRole::Time, &mut *dataset));
        if split.method == SplitMethod::Column {
            let hover = "Contains train, validation (valid, val, dev, eval) or test in each row";
            column(ui, ctx, ("Split column", hover), true, (ColumnRole::Split, &mut *dataset));
        }
    });
}

/// A menu to choose a column for a role, or none.
fn column(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (name, hover): (&str, &str),
    needed: bool,
    (role, dataset): (ColumnRole, &mut DatasetSettings),
) {
    let names = || ctx.imported.iter().flat_map(|imported| &imported.main.table.names);
    let before = dataset.column_of(role).map(str::to_owned);
    let mut chosen = before.clone();
    field(ui, ctx.theme, CHOICE, (name, hover), |ui| {
        let none = if needed { "Choose a column" } else { "None" };
        let shown = chosen.clone().unwrap_or_else(|| none.to_owned());
        combo(ui, name, &shown, CHOICE, |ui| {
            ui.selectable_value(&mut chosen, None, "None");
            for column in names().filter(|column| !dataset.is_learnt_from(column)) {
                ui.selectable_value(&mut chosen, Some(column.clone()), column);
            }
        });
    });
    if chosen == before {
        return;
    }
    match (chosen, before) {
        // A column has one role, so it loses its old one.
        (Some(column), _) => dataset.choose(&column, role),
        (None, Some(before)) => dataset.set_role(&before, None),
        (None, None) => {}
    }
}

/// Number of rows that a size is a share of: the rows of the main file, without those the split column assigns to the test
/// set. `sides` counts all rows of each split.
fn divided_rows(prepared: &Prepared, sides: [usize; 3], method: SplitMethod) -> usize {
    let examples = &prepared.examples;
    let up_to = |file| examples.partition_point(|example| example.id.file <= file);
    let main = up_to(SourceFile::Main);
    match method {
        SplitMethod::Random | SplitMethod::Time => main,
        // Rows of a separate test file don't belong to the main file.
        SplitMethod::Column => {
            let in_test_file = examples.len() - up_to(SourceFile::Validation);
            main - sides[Side::Test as usize].saturating_sub(in_test_file).min(main)
        }
    }
}

fn sizes(ui: &mut Ui, ctx: &StepContext<'_>, prepared: &Prepared, settings: &mut SplitSettings) {
    let theme = ctx.theme;
    let dataset = &ctx.project.dataset;
    let rows = divided_rows(prepared, ctx.survey.map_or([0; 3], |survey| survey.sides), settings.method);
    let by_column = settings.method == SplitMethod::Column;
    let random = settings.method == SplitMethod::Random;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme.space.xl, theme.space.s);
        let hover = if by_column {
            "Taken from the training rows if the column names no validation rows"
        } else {
            "Rows to evaluate on during training, as a percentage or a number of rows"
        };
        field(ui, theme, SIZE, ("Validation", hover), |ui| {
            size(ui, theme, "validation", &mut settings.validation, rows, dataset.validation.is_some());
        });
        if !by_column {
            let hover = "Rows for the final evaluation, as a percentage or a number of rows";
            field(ui, theme, SIZE, ("Test", hover), |ui| {
                size(ui, theme, "test", &mut settings.test, rows, dataset.test.is_some());
            });
        }
        if random {
            if ctx.project.classification().is_some() {
                field(ui, theme, 88.0, ("Stratified", "Keep the label proportions the same in every split"), |ui| {
                    ui.checkbox(&mut settings.stratified, "By label");
                });
            }
            let hover = "Keep near-duplicates, such as a copied review with one word changed, in the same split. Comparing \
                         many texts takes a while";
            field(ui, theme, 136.0, ("Near-duplicates", hover), |ui| {
                ui.checkbox(&mut settings.keep_near_together, "Keep together").on_hover_text(hover);
            });
        }
        if settings.method != SplitMethod::Time {
            field(ui, theme, SEED, ("Seed", "The same seed draws the same split"), |ui| {
                ui.spacing_mut().item_spacing.x = theme.space.s;
                let seed = DragValue::new(&mut settings.seed).speed(1.0);
                number_field(ui, "Seed of the split", seed).accessible_name("Seed of the split");
                if button(ui, theme, icons::SHUFFLE, "Draw a new split").on_hover_text(NEW_SPLIT).clicked() {
                    *settings = settings.drawn_again();
                }
            });
        }
    });
}

/// A size as a percentage or a number of rows.
fn size(ui: &mut Ui, theme: &Theme, side: &str, size: &mut Size, rows: usize, from_file: bool) {
    if from_file {
        ui.label(theme.muted("From a separate file"));
        return;
    }
    ui.spacing_mut().item_spacing.x = theme.space.s;
    let name = format!("Size of {side}");
    match size {
        Size::Share(share) => {
            let mut shown = *share * 100.0;
            let drag =
                DragValue::new(&mut shown).range(0.0..=90.0).clamp_existing_to_range(false).speed(0.25).max_decimals(1);
            if number_field(ui, &name, drag).accessible_name(&name).changed() {
                *share = (shown * 10.0).round() / 1000.0;
            }
        }
        Size::Rows(wanted) => {
            // A size that is too large is reported elsewhere; drawing it must not change it.
            let drag = DragValue::new(wanted).range(0..=rows as u64).clamp_existing_to_range(false).speed(1.0);
            number_field(ui, &name, drag).accessible_name(&name);
        }
    }
    let of_rows = matches!(size, Size::Rows(_));
    combo(ui, &format!("Unit of the size of {side}"), if of_rows { "rows" } else { "%" }, 64.0, |ui| {
        let share = size.share_of(rows);
        if ui.selectable_label(!of_rows, "%").on_hover_text("A percentage of the file's rows").clicked() {
            *size = Size::Share((share * 1000.0).round() / 1000.0);
        }
        if ui.selectable_label(of_rows, "rows").on_hover_text("A number of rows").clicked() {
            *size = Size::Rows((share * rows as f64).round() as u64);
        }
    });
}

/// The first and last date of each split, if known.
fn spans(ui: &mut Ui, theme: &Theme, report: &LeakageReport) {
    let span = |(name, span): (&&str, &Option<(i64, i64)>)| {
        let (first, last) = (*span)?;
        Some(format!("{name} {} to {}", moment_in_words(first), moment_in_words(last)))
    };
    let spans: Vec<String> = SIDES.iter().zip(&report.spans).filter_map(span).collect();
    if !spans.is_empty() {
        ui.add_space(theme.space.xs);
        ui.add(egui::Label::new(theme.small(spans.join("   ·   "))).wrap());
    }
}

const SIDES: [&str; 3] = ["Training", "Validation", "Test"];
/// The column and the row of sums.
const TOTAL: &str = "Total";
/// See [`TOTAL`].
const ALL: &str = "All";

fn split_bar(ui: &mut Ui, theme: &Theme, sides: [usize; 3]) {
    let all = sides.iter().sum::<usize>().max(1) as f32;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 14.0), Sense::hover());
    let mut left = rect.left();
    for (side, rows) in sides.into_iter().enumerate() {
        let width = rect.width() * rows as f32 / all;
        let part = Rect::from_min_size(egui::pos2(left, rect.top()), vec2((width - 2.0).max(0.0), rect.height()));
        ui.painter().rect_filled(part, CornerRadius::same(theme.radius.small), theme.chart(side));
        left += width;
    }
    let words: Vec<String> =
        SIDES.iter().zip(sides).map(|(name, rows)| format!("{name} {}", counted(rows as u64, "row", "rows"))).collect();
    let words = words.join(", ");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &words));
    response.on_hover_text(words);
}

fn counts_table(ui: &mut Ui, theme: &Theme, prepared: &Prepared, counts: &[[usize; 3]], sides: [usize; 3]) {
    let right = egui::Layout::right_to_left(egui::Align::Center);
    if ui.available_width() < TABLE {
        counts_list(ui, theme, prepared, counts, sides);
        return;
    }
    let (gap, names) = if is_narrow(ui) { (theme.space.s, 90.0) } else { (theme.space.xl, 280.0) };
    let width = ((ui.available_width() - 4.0 * gap) / 5.0 - 2.0).clamp(60.0, 96.0);
    let size = vec2(width, theme.text.body + theme.space.s);
    let cell = |ui: &mut Ui, label: &str, column: &str, text: RichText| {
        ui.allocate_ui_with_layout(size, right, |ui| set_cell(&ui.label(text), &format!("{label}, {column}")));
    };
    Grid::new("counts").num_columns(5).spacing([gap, theme.space.xs]).min_col_width(width).show(ui, |ui| {
        set_region(ui, Role::Table, "Rows of each label in each split");
        ui.label(theme.small("Label"));
        for (side, name) in SIDES.iter().enumerate() {
            ui.allocate_ui_with_layout(size, right, |ui| {
                ui.label(theme.small(*name));
                let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
                ui.painter().rect_filled(dot, CornerRadius::same(2), theme.chart(side));
            });
        }
        ui.allocate_ui_with_layout(size, right, |ui| ui.label(theme.small(TOTAL)));
        ui.end_row();
        for (label, rows) in prepared.labels.iter().zip(counts).take(LABELS) {
            ui.scope(|ui| {
                ui.set_max_width(names);
                ui.add(egui::Label::new(label).truncate());
            });
            for (&rows, side) in rows.iter().zip(SIDES) {
                let text = RichText::new(count(rows as u64));
                cell(ui, label, side, if rows == 0 { text.color(theme.palette.danger) } else { text });
            }
            cell(ui, label, TOTAL, RichText::new(count(rows.iter().sum::<usize>() as u64)));
            ui.end_row();
        }
        if prepared.labels.len() > LABELS {
            ui.label(theme.muted(format!("and {} more", count((prepared.labels.len() - LABELS) as u64))));
            ui.end_row();
        }
        ui.label(theme.strong(ALL));
        let all = sides.iter().sum::<usize>().max(1);
        for (rows, side) in sides.into_iter().zip(SIDES) {
            let text = theme.strong(format!("{}  ({})", count(rows as u64), percent(rows as f64 / all as f64)));
            cell(ui, ALL, side, text);
        }
        cell(ui, ALL, TOTAL, theme.strong(count(sides.iter().sum::<usize>() as u64)));
        ui.end_row();
    });
}

/// The counts where there is no room for a table: each split with its rows, and each label with those of every split.
fn counts_list(ui: &mut Ui, theme: &Theme, prepared: &Prepared, counts: &[[usize; 3]], sides: [usize; 3]) {
    let all = sides.iter().sum::<usize>().max(1);
    for ((place, name), rows) in SIDES.iter().enumerate().zip(sides) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().interact_size.y = 0.0;
            let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
            ui.painter().rect_filled(dot, CornerRadius::same(2), theme.chart(place));
            ui.label(*name);
            ui.label(theme.strong(count(rows as u64)));
            ui.label(theme.small(percent(rows as f64 / all as f64)));
        });
    }
    for (label, rows) in prepared.labels.iter().zip(counts).take(LABELS) {
        let text = format!("{label}: {}", rows.map(|rows| count(rows as u64)).join(" / "));
        ui.add(egui::Label::new(theme.small(text)).wrap());
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Window, app, hone, settle};
    use crate::project::Step;
    use crate::storage::ThemeChoice;

    /// A hundred rows to split and a test file of three hundred, opened in Prepare.
    fn with_test_file() -> (Window, tempfile::TempDir) {
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        let write = |name: &str, from: usize, rows: usize| {
            let mut text = "text,label,part\n".to_owned();
            for row in from..from + rows {
                let label = ["good", "bad"][row % 2];
                writeln!(text, "Box {row} came {} days late to street {},{label},train", row * 7, row * row).unwrap();
            }
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (main, test) = (write("main.csv", 0, 100), write("test.csv", 1000, 300));
        hone(&mut window).run_command(AppCommand::OpenData(main));
        settle(&mut window);
        let dataset = hone(&mut window).project().dataset.clone();
        let mut dataset = DatasetSettings { test: Some(test), ..dataset };
        dataset.set_columns_of(ColumnRole::Split, &[]);
        hone(&mut window).run_command(AppCommand::Edit(Edit::Dataset(dataset)));
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Prepare));
        window.set_size(egui::vec2(1280.0, 1900.0));
        settle(&mut window);
        (window, folder)
    }

    fn choose(window: &mut Window, choice: &str, value: &str) {
        window.get_by_role_and_label(egui::Role::ComboBox, choice).click();
        settle(window);
        window.get_by_role_and_label(egui::Role::Button, value).click();
        settle(window);
    }

    #[test]
    fn switching_the_unit_of_a_size_keeps_its_value() {
        let (mut window, _folder) = with_test_file();
        choose(&mut window, "Unit of the size of validation", "rows");
        assert_eq!(
            hone(&mut window).project().split.validation,
            Size::Rows(10),
            "a tenth of the main file's hundred rows"
        );
        choose(&mut window, "Unit of the size of validation", "%");
        assert_eq!(hone(&mut window).project().split.validation, Size::Share(0.1));
    }

    #[test]
    fn drawing_a_size_out_of_bounds_does_not_change_it() {
        let (mut window, _folder) = with_test_file();
        for size in [Size::Rows(5_000), Size::Share(0.95)] {
            let split = SplitSettings { validation: size, ..hone(&mut window).project().split.clone() };
            hone(&mut window).run_command(AppCommand::Edit(Edit::Split(split)));
            settle(&mut window);
            window.get_all_by_label("Size of validation").next().unwrap();
            assert_eq!(hone(&mut window).project().split.validation, size);
        }
    }

    #[test]
    fn a_column_keeps_one_role_and_text_and_label_columns_are_not_offered() {
        let (mut window, _folder) = with_test_file();
        window.get_by_role_and_label(egui::Role::ComboBox, "Group column").click();
        settle(&mut window);
        assert!(window.query_by_role_and_label(egui::Role::Button, "label").is_none());
        window.get_by_role_and_label(egui::Role::Button, "part").click();
        settle(&mut window);
        choose(&mut window, "Time column", "part");
        let dataset = hone(&mut window).project().dataset.clone();
        assert_eq!((dataset.group_column(), dataset.time_column()), (None, Some("part")));
        choose(&mut window, "Time column", "None");
        assert_eq!(hone(&mut window).project().dataset.time_column(), None);
    }
}
