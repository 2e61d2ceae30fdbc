//! Label a file: a table is read, its rows are predicted and looked at, and then written.

use std::sync::{Arc, Weak};

use egui::{Align, Label, Layout, RichText, Slider, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender, LabelledOutput, Pick};
use crate::app::spoken::set_heading;
use crate::app::tasks::rows_to_label::{RowsToLabel, rows_to_label_ui};
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{
    Action, Anchor, RowSelection, anchor, banner, button, combo, explained, field_label, primary_button, progress_ui,
    reading_ui, running_ui, section,
};
use crate::evaluation::ThresholdScore;
use crate::words::{bytes, count, counted, percent, percent_of};
use crate::worker::{
    FileToLabel, LabelledCounts, LabelledRows, ReadToLabel, RunResults, TableFormat, calibration_note,
};

/// Greatest width of a menu.
const COMBO: f32 = 224.0;
/// Frames in which a new result is scrolled into view: the page may still grow in the first.
const SCROLL_FRAMES: u8 = 3;
/// Rows shown before more are asked for.
const ROWS: usize = 10;
/// Most rows shown: after that, the saved file is the place to look.
const MOST_ROWS: usize = 200;
/// Width of the bars behind the counts.
const BAR: f32 = 220.0;
/// The confidence threshold that is suggested, in percent.
const LEAST_PERCENT: u8 = 80;

/// State kept between frames.
#[derive(Debug)]
pub struct LabelFileState {
    use_threshold: bool,
    least_percent: u8,
    least_confident_first: bool,
    shown: usize,
    format: TableFormat,
    counted: Option<Counted>,
    selection: RowSelection,
    /// The predictions that were scrolled into view, and for how many frames.
    seen: (Weak<LabelledRows>, u8),
}

impl Default for LabelFileState {
    fn default() -> Self {
        Self {
            use_threshold: false,
            least_percent: LEAST_PERCENT,
            least_confident_first: false,
            shown: ROWS,
            format: TableFormat::default(),
            counted: None,
            selection: RowSelection::default(),
            seen: (Weak::new(), 0),
        }
    }
}

/// What was counted, and for what.
#[derive(Debug)]
struct Counted {
    of: Weak<LabelledRows>,
    threshold: Option<f32>,
    counts: LabelledCounts,
    least_confident: Vec<usize>,
    /// What the threshold does to the test rows, at the temperature of the rows' probabilities; and those rows without a threshold.
    on_test_rows: [ThresholdScore; 2],
}

impl LabelFileState {
    fn least_percent(&self) -> Option<u8> {
        self.use_threshold.then_some(self.least_percent)
    }

    fn threshold(&self) -> Option<f32> {
        self.least_percent().map(|percent| f32::from(percent) / 100.0)
    }

    /// Counts the rows again if they or the threshold are others.
    fn count(&mut self, rows: &Arc<LabelledRows>, results: &RunResults) -> &Counted {
        let threshold = self.threshold();
        let same = |counted: &Counted| counted.of.as_ptr() == Arc::as_ptr(rows);
        let known = self.counted.take().filter(same);
        if known.is_none() {
            self.shown = ROWS;
        }
        let counted = match known {
            Some(counted) if counted.threshold == threshold => counted,
            known => Counted {
                of: Arc::downgrade(rows),
                threshold,
                counts: rows.counts(threshold),
                on_test_rows: [threshold.unwrap_or(0.0), 0.0]
                    .map(|least| ThresholdScore::at_temperature(&results.test, least, rows.temperature)),
                least_confident: known.map_or_else(|| rows.least_confident_first(), |counted| counted.least_confident),
            },
        };
        self.counted.insert(counted)
    }
}

/// Draws the file, its predictions, and how to save them.
pub fn label_file_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut LabelFileState,
    results: &RunResults,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let hint = "Predict a label for every row of a table, look at the result, then save it";
    section(ui, theme, "Label a file", hint, |ui| {
        let answers = ctx.answers;
        match &answers.to_label.value {
            Some(file) => file_ui(ui, ctx, file, sender),
            None => choose_ui(ui, theme, sender),
        }
        for failed in [&answers.to_label.failed, &answers.labelled.failed].into_iter().flatten() {
            banner(ui, theme, Tone::Danger, "The file could not be labelled", failed, |_| {});
        }
        if let Some(running) = &answers.to_label.running {
            running_ui(ui, theme, running, None, sender);
        } else if let Some(running) = answers.labelled.running.as_ref().or(answers.saved_labels.running.as_ref()) {
            let stop = Action { label: "Stop", hover: "Nothing is written", command: AppCommand::StopJob };
            running_ui(ui, theme, running, Some(stop), sender);
        } else if let Some(rows) = &answers.labelled.value {
            labelled_ui(ui, ctx, state, (rows, results), sender);
        } else if let Some(file) = &answers.to_label.value {
            start_ui(ui, ctx, file, &mut state.selection, sender);
        }
    });
}

fn choose_ui(ui: &mut Ui, theme: &Theme, sender: &mut CommandSender) {
    ui.horizontal_wrapped(|ui| {
        if button(ui, theme, icons::FILE_PLUS, "Choose a file…").clicked() {
            sender.send(AppCommand::Pick(Pick::FileToLabel));
        }
        ui.label(theme.small("CSV, TSV, XLSX, ODS, Parquet, JSON or any other table that Data reads"));
    });
}

/// The file, how it is read, and its text column.
fn file_ui(ui: &mut Ui, ctx: &StepContext<'_>, file: &Arc<FileToLabel>, sender: &mut CommandSender) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        ui.label(RichText::new(icons::TABLE).size(theme.text.title).color(theme.palette.text_muted));
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.set_max_width((ui.available_width() - 170.0).max(120.0));
            let path = file.asked.input.display().to_string();
            set_heading(&ui.add(Label::new(theme.heading(file.file.name())).truncate()).on_hover_text(path));
            ui.add(Label::new(theme.small(describe(file))).wrap());
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let idle = ctx.job.is_none();
            if ui.add_enabled_ui(idle, |ui| button(ui, theme, icons::FOLDER_OPEN, "Another file…")).inner.clicked() {
                sender.send(AppCommand::Pick(Pick::FileToLabel));
            }
        });
    });
    ui.add_enabled_ui(ctx.job.is_none(), |ui| {
        let width = ui.available_width().min(COMBO);
        if let Some(reading) = reading_ui(ui, theme, &file.file, &file.asked.reading) {
            let question = ReadToLabel { reading, ..file.asked.clone() };
            sender.send(AppCommand::ReadToLabel(Box::new(question)));
        }
        text_column_ui(ui, theme, file, width, sender);
    });
    for note in &file.notes {
        ui.add(Label::new(theme.small(note.as_str())).wrap());
    }
    ui.add_space(theme.space.s);
}

fn describe(file: &FileToLabel) -> String {
    let rows = counted(file.file.table.len() as u64, "row", "rows");
    let columns = counted(file.file.table.names.len() as u64, "column", "columns");
    format!("{rows}  ·  {columns}  ·  {}  ·  {}", bytes(file.file.bytes), file.file.format.name())
}

fn text_column_ui(ui: &mut Ui, theme: &Theme, file: &FileToLabel, width: f32, sender: &mut CommandSender) {
    let names = &file.file.table.names;
    let now = file.text_column().and_then(|column| names.get(column));
    field_label(ui, theme, "Text column", "The column with the texts to label");
    combo(ui, "Text column", now.map_or("Choose a column", String::as_str), width, |ui| {
        for name in names {
            if ui.selectable_label(now == Some(name), name).clicked() && now != Some(name) {
                let question = ReadToLabel { text_column: Some(name.clone()), ..file.asked.clone() };
                sender.send(AppCommand::ReadToLabel(Box::new(question)));
            }
        }
    });
}

/// The first texts, and the button that labels all of them.
fn start_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    file: &FileToLabel,
    selection: &mut RowSelection,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    if let Err(why) = &file.columns {
        let why = format!("{} Choose the text column above.", without_terminal_advice(why));
        banner(ui, theme, Tone::Warning, "Which column has the texts?", &why, |_| {});
        return;
    }
    let rows: Vec<usize> = (0..file.file.table.len().min(3)).collect();
    if rows.is_empty() {
        ui.label(theme.muted("The file has no rows"));
        return;
    }
    selection.about(std::ptr::from_ref(file) as usize as u64);
    rows_to_label_ui(ui, ctx, &mut RowsToLabel { theme, file, labelled: None, listed: &rows }, selection, sender);
    ui.add_space(theme.space.s);
    let title = format!("Label {}", counted(file.file.table.len() as u64, "row", "rows"));
    let enabled = if ctx.job.is_some() { Err("Wait until the current job has finished") } else { Ok(()) };
    if primary_button(ui, theme, icons::TAG, &title, enabled).clicked() {
        sender.send(AppCommand::LabelRows);
    }
}

/// The message without its sentences about the terminal's options.
fn without_terminal_advice(message: &str) -> String {
    message.split_inclusive(". ").filter(|sentence| !sentence.contains("--")).collect::<String>().trim().to_owned()
}

/// The counts, the threshold, the rows, and how to save them.
fn labelled_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut LabelFileState,
    (rows, results): (&Arc<LabelledRows>, &RunResults),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    scroll_to_new(ui, state, rows);
    let known = state.count(rows, results);
    let (counts, on_test_rows) = (known.counts.clone(), known.on_test_rows);
    counts_ui(ui, theme, &rows.labels, &counts);
    if let Some(temperature) = rows.temperature {
        explained(ui, theme.small(calibration_note(temperature)));
    }
    for note in rows.notes() {
        ui.add(Label::new(theme.small(note)).wrap());
    }
    ui.add_space(theme.space.s);
    threshold_ui(ui, theme, state, counts.undecided, on_test_rows);
    ui.add_space(theme.space.s);
    listed_rows_ui(ui, ctx, state, (rows, results), sender);
    ui.add_space(theme.space.s);
    save_ui(ui, ctx, state, rows, sender);
}

/// Scrolls to predictions that are new: they begin below the fold, and nothing else says that they are there.
fn scroll_to_new(ui: &Ui, state: &mut LabelFileState, rows: &Arc<LabelledRows>) {
    if state.seen.0.as_ptr() != Arc::as_ptr(rows) {
        state.seen = (Arc::downgrade(rows), 0);
    }
    if state.seen.1 < SCROLL_FRAMES {
        state.seen.1 += 1;
        ui.scroll_to_cursor(Some(Align::Min));
        ui.ctx().request_repaint();
    }
}

/// Some of the rows with their predictions, in the order that a person chooses.
fn listed_rows_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut LabelFileState,
    (rows, results): (&Arc<LabelledRows>, &RunResults),
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        ui.selectable_value(&mut state.least_confident_first, false, "First rows");
        ui.selectable_value(&mut state.least_confident_first, true, "Least confident first")
            .on_hover_text("The rows the model is least sure of: check these first");
    });
    let all = rows.answers.len();
    let most = state.shown.min(MOST_ROWS);
    let threshold = state.threshold();
    let listed: Vec<usize> = if state.least_confident_first {
        state.count(rows, results).least_confident.iter().take(most).copied().collect()
    } else {
        (0..all.min(most)).collect()
    };
    let of = Arc::as_ptr(rows) as usize as u64;
    state.selection.about(if state.least_confident_first { !of } else { of });
    let mut shown = RowsToLabel { theme, file: &rows.file, labelled: Some((rows, threshold)), listed: &listed };
    rows_to_label_ui(ui, ctx, &mut shown, &mut state.selection, sender);
    if listed.len() == state.shown && listed.len() < all && state.shown < MOST_ROWS {
        let more = format!("Show more of the {}", counted(all as u64, "row", "rows"));
        if button(ui, theme, icons::CARET_DOWN, &more).clicked() {
            state.shown += 2 * ROWS;
        }
    }
}

/// Rows and share of each label.
fn counts_ui(ui: &mut Ui, theme: &Theme, labels: &[String], counts: &LabelledCounts) {
    let all = (counts.predicted() + counts.empty) as usize;
    let mut lines: Vec<(&str, u64)> = labels.iter().map(String::as_str).zip(counts.labels.iter().copied()).collect();
    lines.extend((counts.undecided > 0).then_some(("undecided", counts.undecided)));
    lines.extend((counts.empty > 0).then_some(("no text", counts.empty)));
    let bar = BAR.min((ui.available_width() - 360.0).max(60.0));
    egui::Grid::new("predicted labels").num_columns(3).spacing([theme.space.l, theme.space.xs]).show(ui, |ui| {
        for (place, (name, rows)) in lines.into_iter().enumerate() {
            let text = if place < labels.len() { RichText::new(name) } else { theme.muted(name).italics() };
            ui.scope(|ui| {
                ui.set_max_width(220.0);
                ui.add(Label::new(text).truncate());
            });
            let share = rows as f32 / all.max(1) as f32;
            progress_ui(ui, theme, &format!("Share of {name}"), Some(share), bar);
            ui.label(format!("{}  ·  {}", count(rows), percent_of(rows as usize, all)));
            ui.end_row();
        }
    });
}

/// The confidence threshold, and what it does to these rows and to the test rows.
fn threshold_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &mut LabelFileState,
    undecided: u64,
    [above, all]: [ThresholdScore; 2],
) {
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut state.use_threshold, "Leave unsure rows undecided")
            .on_hover_text("Rows below this probability get no label, so that a person can decide");
        if state.use_threshold {
            let slider = Slider::new(&mut state.least_percent, 30..=99).suffix("%");
            ui.add(slider).accessible_name("Least confidence");
        }
    });
    if !state.use_threshold {
        return;
    }
    let least = format!("{}%", state.least_percent);
    let rows = counted(undecided, "row falls", "rows fall");
    let mut said = format!("{rows} below {least} and will be marked 'undecided'.");
    if above.rows > 0 {
        said += &on_test_rows(above, all, &least);
    }
    ui.add(Label::new(theme.muted(said)).wrap());
}

/// How good predictions above the threshold were on the test set.
fn on_test_rows(above: ThresholdScore, all: ThresholdScore, least: &str) -> String {
    let share = percent_of(above.decided, above.rows);
    match (above.accuracy(), all.accuracy()) {
        (Some(accuracy), Some(overall)) => format!(
            " On the test set, {share} of rows were at {least} or more, and {} of those were right, against {} of all rows.",
            percent(accuracy),
            percent(overall)
        ),
        _ => format!(" On the test set, no row reached {least}."),
    }
}

/// The format, the button, and what was saved.
fn save_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut LabelFileState,
    rows: &LabelledRows,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    ui.horizontal_wrapped(|ui| {
        combo(ui, "File format", state.format.title(), 150.0, |ui| {
            for format in TableFormat::ALL {
                ui.selectable_value(&mut state.format, format, format.title());
            }
        });
        if primary_button(ui, theme, icons::FLOPPY_DISK, "Save as…", Ok(())).clicked() {
            let input = rows.file.asked.input.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("{input}-labelled.{}", state.format.extension());
            let output = LabelledOutput { name, least_percent: state.least_percent() };
            sender.send(AppCommand::Pick(Pick::LabelledOutput(output)));
        }
        ui.label(theme.small("The file's columns, the label, and the probability of every label"));
    });
    if let Some(failed) = &ctx.answers.saved_labels.failed {
        banner(ui, theme, Tone::Danger, "The predictions could not be saved", failed, |_| {});
    }
    let Some(saved) = &ctx.answers.saved_labels.value else { return };
    anchor(ui, Anchor::SavedLabels);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(icons::CHECK_CIRCLE).color(theme.palette.success));
        let rows = counted(saved.counts.predicted(), "row", "rows");
        ui.label(format!("Saved predictions for {rows} to {}", saved.path.display()));
        if button(ui, theme, icons::FOLDER_OPEN, "Open the folder").clicked() {
            sender.send(AppCommand::Reveal(saved.path.clone()));
        }
    });
    if let Some(note) = saved.note() {
        ui.add(Label::new(theme.small(note)).wrap());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_about_the_terminal_is_not_shown_in_the_window() {
        let message = "a.csv has no column 'text'. Its columns: a, b. If 'a' is the text, add --text a.";
        assert_eq!(without_terminal_advice(message), "a.csv has no column 'text'. Its columns: a, b.");
    }

    #[test]
    fn the_threshold_is_explained_by_the_test_rows() {
        let above = ThresholdScore { rows: 60, decided: 45, right: 42 };
        let all = ThresholdScore { rows: 60, decided: 60, right: 50 };
        assert_eq!(
            on_test_rows(above, all, "80%"),
            " On the test set, 75% of rows were at 80% or more, and 93% of those were right, against 83% of all rows."
        );
        let none = ThresholdScore { decided: 0, right: 0, ..above };
        assert_eq!(on_test_rows(none, all, "99%"), " On the test set, no row reached 99%.");
    }
}
