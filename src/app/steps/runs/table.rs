//! The table of runs.

use std::borrow::Cow;
use std::collections::BTreeSet;

use egui::{Button, Checkbox, Color32, Label, Mesh, Pos2, RichText, Shape, Ui, Vec2};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::runs_command::{NoteChange, RunsCommand};
use crate::app::steps::runs::rows::{Arrangement, Line};
use crate::app::steps::runs::state::RunsState;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{ColumnWidth, DataTable, TableColumn, TableRows, data_table_ui};
use crate::project::MetricName;
use crate::storage::{RunOrder, RunOutcome, RunRecord, StopReason};
use crate::words::{ago, bytes, count, counted, duration_fine, joined, score};
use crate::worker::ListedRuns;

/// Narrowest table that shows all columns.
const ROOMY: f32 = 900.0;

/// What is in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Run,
    Name,
    Score,
    When,
    Trained,
    Time,
    Disk,
    Tags,
    State,
}

const CONTENTS: [Content; 9] = [
    Content::Run,
    Content::Name,
    Content::Score,
    Content::Trained,
    Content::When,
    Content::Time,
    Content::Disk,
    Content::Tags,
    Content::State,
];

impl Content {
    fn title(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Name => "Name",
            Self::Score => "Score",
            Self::When => "When",
            Self::Trained => "Trained",
            Self::Time => "Time",
            Self::Disk => "Disk",
            Self::Tags => "Tags",
            Self::State => "State",
        }
    }

    /// What a click on its header sorts by.
    fn order(self) -> Option<RunOrder> {
        Some(match self {
            Self::Run | Self::When => RunOrder::Newest,
            Self::Name => RunOrder::Name,
            Self::Score => RunOrder::Score,
            Self::Trained => RunOrder::Trained,
            Self::Time => RunOrder::Time,
            Self::Disk => RunOrder::Disk,
            Self::Tags | Self::State => return None,
        })
    }

    fn column(self, roomy: bool) -> TableColumn<'static> {
        let (key, width) = match self {
            Self::Run => ("#run", ColumnWidth::Points(118.0)),
            Self::Name => ("#name", ColumnWidth::Rest(100.0)),
            Self::Score => ("#score", ColumnWidth::Points(106.0)),
            Self::When => ("#when", ColumnWidth::Points(88.0)),
            Self::Trained => ("#trained", ColumnWidth::Points(146.0)),
            Self::Time => ("#time", ColumnWidth::Points(78.0)),
            Self::Disk => ("#disk", ColumnWidth::Points(84.0)),
            Self::Tags => ("#tags", ColumnWidth::Points(120.0)),
            Self::State => ("#state", ColumnWidth::Points(190.0)),
        };
        let column = TableColumn::new(key, self.title(), width);
        match self {
            Self::Run => column.pinned(),
            Self::Disk | Self::Tags | Self::State => column.shown(roomy),
            _ => column,
        }
    }
}

/// How a run ended, or what it is doing, in a few words.
#[must_use]
pub fn state_of(run: &RunRecord) -> String {
    let state = match &run.outcome {
        RunOutcome::Finished(summary) => match summary.stop_reason {
            StopReason::Completed => "Every epoch done".to_owned(),
            StopReason::EarlyStopping => "No further improvement".to_owned(),
            StopReason::FellBehind => "Behind other trials".to_owned(),
            StopReason::Diverged => "Diverged".to_owned(),
            StopReason::Stopped => "Stopped by you".to_owned(),
            StopReason::CutOff => "Interrupted".to_owned(),
        },
        RunOutcome::UnderWay => match &run.latest {
            Some(step) => format!("Training, step {}", count(step.step)),
            None => "Getting ready".to_owned(),
        },
        RunOutcome::CutOff { .. } if run.interruption.is_some() => "Interrupted".to_owned(),
        RunOutcome::CutOff { .. } => "Failed".to_owned(),
    };
    if run.has_freed_weights { format!("{state}, weights freed") } else { state }
}

/// Paints a filled star with five points.
fn paint_star(ui: &Ui, middle: Pos2, radius: f32, color: Color32) {
    let corner = |nth: u8| {
        let way = Vec2::angled((f32::from(nth) / 10.0 - 0.25) * std::f32::consts::TAU);
        middle + way * if nth.is_multiple_of(2) { radius } else { radius * 0.5 }
    };
    // A star is not convex, so it is made of triangles.
    let mut star = Mesh::default();
    star.colored_vertex(middle, color);
    (0..10).for_each(|nth| star.colored_vertex(corner(nth), color));
    (0..10).for_each(|nth| star.add_triangle(0, 1 + nth, 1 + (nth + 1) % 10));
    ui.painter().add(Shape::mesh(star));
}

/// The lines, for the table that draws them.
struct RunLines<'a> {
    theme: &'a Theme,
    lines: &'a [Line],
    arrangement: &'a mut Arrangement,
    ticked: &'a mut BTreeSet<String>,
    /// The best run.
    best: Option<&'a RunRecord>,
    metric: Option<MetricName>,
    asked: Vec<RunsCommand>,
}

impl RunLines<'_> {
    fn cell(&self, row: usize, content: Content) -> String {
        let run = match &self.lines[row] {
            Line::Group(name, runs) => {
                return match content {
                    Content::Run => counted(*runs, "run", "runs"),
                    Content::Name => name.clone(),
                    _ => String::new(),
                };
            }
            Line::Run(run) => run,
        };
        match content {
            Content::Run => run.listing.number.to_string(),
            Content::Name => run.listing.notes.name.clone(),
            Content::Score => match run.score() {
                // Another metric says which it is.
                Some((name, value)) if Some(name) != self.metric => format!("{} {}", name.title(), score(value)),
                Some((_, value)) => score(value),
                None => String::new(),
            },
            Content::When => ago(run.began_at),
            Content::Trained => run.trained_in_words(),
            Content::Time => run.train_seconds().map_or_else(String::new, duration_fine),
            Content::Disk => bytes(run.disk.total()),
            Content::Tags => joined(&run.listing.notes.tags.iter().cloned().collect::<Vec<_>>()),
            Content::State => state_of(run),
        }
    }

    fn run_cell(&mut self, ui: &mut Ui, run: &RunRecord) {
        let (id, number, theme) = (run.listing.folder.id(), run.listing.number, self.theme);
        let mut ticked = self.ticked.contains(&id);
        let tick = ui.add(Checkbox::without_text(&mut ticked)).accessible_name(format!("Tick run {number}"));
        if tick.on_hover_text("Tick runs to compare or delete them together").changed() {
            if ticked {
                self.ticked.insert(id);
            } else {
                self.ticked.remove(&id);
            }
        }
        let starred = run.listing.notes.star;
        let name = if starred { format!("Remove the star of run {number}") } else { format!("Star run {number}") };
        // A star that is set is filled, one that is not is an outline.
        let outline = RichText::new(icons::STAR).color(theme.palette.text_faint);
        let star = ui.add(Button::new(outline).frame_when_inactive(false)).accessible_name(&name).on_hover_text(name);
        if starred {
            paint_star(ui, star.rect.center(), theme.text.body * 0.56, theme.palette.warning);
        }
        if star.clicked() {
            self.asked.push(RunsCommand::Say(run.listing.folder.clone(), NoteChange::Star(!starred)));
        }
        ui.label(RichText::new(number.to_string()).color(theme.palette.text));
    }

    fn score_cell(&self, ui: &mut Ui, row: usize, run: &RunRecord) {
        let theme = self.theme;
        let is_best = self.best.is_some_and(|best| best.listing.folder == run.listing.folder);
        let text = self.cell(row, Content::Score);
        if text.is_empty() {
            ui.add(Label::new(theme.small(state_of(run))).truncate().selectable(false));
        } else if is_best {
            ui.label(theme.strong(text));
            ui.label(RichText::new(icons::TROPHY).color(theme.palette.success)).on_hover_text("The best score");
            ui.label(theme.small("best"));
        } else {
            ui.label(RichText::new(text).color(theme.palette.text));
        }
    }
}

impl TableRows for RunLines<'_> {
    fn name(&self, row: usize) -> String {
        match &self.lines[row] {
            Line::Group(name, runs) => format!("{name}: {}", counted(*runs, "run", "runs")),
            Line::Run(run) => {
                let about = [self.cell(row, Content::Name), self.cell(row, Content::Score), state_of(run)];
                let about: Vec<String> = about.into_iter().filter(|part| !part.is_empty()).collect();
                format!("Run {}: {}", run.listing.number, about.join(", "))
            }
        }
    }

    fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        Cow::Owned(self.cell(row, CONTENTS[column]))
    }

    fn header_ui(&mut self, ui: &mut Ui, column: usize) {
        let content = CONTENTS[column];
        let title = match (content, self.metric) {
            (Content::Score, Some(metric)) => metric.title(),
            _ => content.title(),
        };
        let Some(order) = content.order() else {
            ui.label(self.theme.small(title));
            return;
        };
        let arrangement = &mut *self.arrangement;
        let chosen = arrangement.order == order && content != Content::When;
        let icon = match (chosen, arrangement.reversed) {
            (false, _) => "",
            (true, false) => icons::ARROW_DOWN,
            (true, true) => icons::ARROW_UP,
        };
        ui.spacing_mut().button_padding.x = 0.0;
        let text = self.theme.small(format!("{title} {icon}"));
        let response = ui.add(Button::new(text).frame(false).truncate());
        let response = response.accessible_name(format!("Sort by {title}"));
        if response.on_hover_text(format!("Sort by {title}. Click again for the other way round")).clicked() {
            arrangement.reversed = arrangement.order == order && !arrangement.reversed;
            arrangement.order = order;
        }
    }

    fn cell_ui(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let (content, lines, theme) = (CONTENTS[column], self.lines, self.theme);
        ui.spacing_mut().item_spacing.x = theme.space.xs;
        match (&lines[row], content) {
            (Line::Group(..), Content::Run) => {
                ui.label(theme.small(self.cell(row, content)));
            }
            (Line::Group(..), _) => {
                ui.add(Label::new(theme.strong(self.cell(row, content))).selectable(false).truncate());
            }
            (Line::Run(run), Content::Run) => self.run_cell(ui, run),
            (Line::Run(run), Content::Score) => self.score_cell(ui, row, run),
            (Line::Run(run), Content::Name) => {
                let name = self.cell(row, content);
                // One without a name is told apart by its settings.
                let text = if name.is_empty() {
                    theme.small(run.chosen_settings.join(", "))
                } else {
                    RichText::new(name).color(theme.palette.text)
                };
                ui.add(Label::new(text).selectable(false).truncate());
            }
            (Line::Run(_), _) => {
                ui.add(Label::new(theme.small(self.cell(row, content))).selectable(false).truncate());
            }
        }
    }
}

/// Draws the table, at most `height` points high. A click on a run shows its details.
pub fn table_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    state: &mut RunsState,
    (lines, listed, height): (&[Line], &ListedRuns, f32),
    sender: &mut CommandSender,
) {
    let roomy = ui.available_width() >= ROOMY;
    let columns = CONTENTS.map(|content| content.column(roomy));
    let table = DataTable {
        name: "Runs",
        key: "runs",
        columns: &columns,
        rows: lines.len(),
        height,
        layouts: ctx.tables,
        scroll_to: None,
    };
    let best = listed.records.best().map(AsRef::as_ref).filter(|_| listed.records.runs.len() > 1);
    let metric = listed.records.best().and_then(|run| run.score()).map(|(name, _)| name);
    let mut rows = RunLines {
        theme: ctx.theme,
        lines,
        arrangement: &mut state.arrangement,
        ticked: &mut state.ticked,
        best,
        metric,
        asked: Vec::new(),
    };
    let changed = data_table_ui(ui, ctx.theme, &table, &mut rows, &mut state.selection, sender);
    for command in rows.asked {
        sender.send(AppCommand::Runs(command));
    }
    if changed && let Some(run) = state.selection.cursor().and_then(|row| lines.get(row)).and_then(Line::run) {
        state.shown = Some(run.listing.folder.id());
    }
}
