//! The rail of steps, each with its state.

use egui::{Align2, CornerRadius, FontId, Rect, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::project::{Readiness, Step, readiness};

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::live_run::LiveRun;
use crate::app::messages::CommandSender;
use crate::app::shortcuts::in_words;
use crate::app::theme::{Theme, icons, strong_family};
use crate::app::view::View;
use crate::app::widgets::paint_spinner;
use crate::words::upper_first;

/// Most changes since the run that are named on hover.
const CHANGES: usize = 6;

/// Least height of a row.
const LEAST: f32 = 26.0;
/// Between two rows.
const GAP: f32 = 2.0;

/// One row of the rail.
struct Row<'a> {
    icon: &'a str,
    title: &'a str,
    state: State,
    selected: bool,
    height: f32,
    /// It was selected in this frame, so that it is to be seen.
    is_new: bool,
}

/// A step's state as the rail shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Blocked,
    Done,
    /// The result is of other settings, data or corrections than the project has now.
    OutOfDate,
    Busy,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::Done => "done",
            Self::OutOfDate => "out of date",
            Self::Busy => "running",
        }
    }
}

/// Height of a row, so that all of them fit in `room` points if they can.
fn row_height(theme: &Theme, rows: usize, room: f32) -> f32 {
    let others = 2.0 * theme.space.xl + 4.0 * GAP;
    ((room - others) / rows as f32 - GAP).clamp(LEAST, theme.size.control + theme.space.xs).floor()
}

/// Whether another page is shown than in the last frame. It may be asked several times in a frame.
fn is_other(ui: &Ui, view: View) -> bool {
    let (id, frame) = (ui.scope_id().with("page"), ui.ctx().cumulative_frame_nr());
    ui.data_mut(|data| {
        let since: &mut Option<(View, u64)> = data.get_temp_mut_or(id, None);
        if since.is_none_or(|(shown, _)| shown != view) {
            *since = Some((view, frame));
        }
        since.is_some_and(|(_, since)| since == frame)
    })
}

/// Draws the project's name and the steps, in `room` points if they fit.
pub fn rail_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    (unsaved, room): (bool, f32),
    view: View,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let (steps, is_new) = (ctx.project.task.steps(), is_other(ui, view));
    let height = row_height(theme, steps.len() + 3, room);
    ui.spacing_mut().item_spacing.y = GAP;
    ui.add_space(theme.space.xs);
    if ui.available_width() > theme.size.rail_narrow {
        project_name(ui, ctx, unsaved, sender);
    }
    ui.add_space(theme.space.s);
    for &step in steps {
        let readiness = readiness(ctx.project, ctx.facts, step);
        let row = Row {
            icon: icon(step),
            title: step.title(),
            state: state(ctx, step, &readiness),
            selected: view == View::Step(step),
            height,
            is_new,
        };
        let command = UserCommand::GoTo(step);
        let response = row_ui(ui, theme, &row).on_hover_ui(|ui| {
            ui.label(theme.strong(step.title()));
            explain(ui, ctx, step, row.state, &readiness);
            shortcut(ui, theme, command);
        });
        if response.clicked() {
            sender.user(command);
        }
    }
    ui.add_space(theme.space.s);
    ui.separator();
    ui.add_space(theme.space.s);
    runs(ui, ctx, (view, height, is_new), sender);
    studies(ui, ctx, (view, height, is_new), sender);
    try_it(ui, ctx, (view, height, is_new), sender);
}

/// The project's name; a click renames it. `unsaved`: the last changes could not be saved.
fn project_name(ui: &mut Ui, ctx: &StepContext<'_>, unsaved: bool, sender: &mut CommandSender) {
    let theme = ctx.theme;
    ui.horizontal(|ui| {
        ui.add_space(theme.space.s);
        let name = if unsaved { format!("{} •", ctx.project.name) } else { ctx.project.name.clone() };
        let saved = if unsaved { "The last changes are not saved" } else { "Every change is saved" };
        let label = egui::Label::new(theme.strong(name)).truncate().sense(Sense::click());
        let hover = format!("{saved}\n{}\nClick to rename the project", ctx.folder.display());
        if ui.add(label).on_hover_text(hover).clicked() {
            sender.user(UserCommand::Rename);
        }
    });
}

fn try_it(ui: &mut Ui, ctx: &StepContext<'_>, (view, height, is_new): (View, f32, bool), sender: &mut CommandSender) {
    let state = if ctx.results.is_some() { State::Ready } else { State::Blocked };
    let selected = view == View::TryIt;
    let row = Row { icon: icons::CHAT_TEXT, title: View::TryIt.title(), state, selected, height, is_new };
    let response = row_ui(ui, ctx.theme, &row).on_hover_ui(|ui| {
        ui.label(UserCommand::TryIt.tooltip());
        if state == State::Blocked {
            ui.label(ctx.theme.small("Train a model first"));
        }
        shortcut(ui, ctx.theme, UserCommand::TryIt);
    });
    if response.clicked() {
        sender.user(UserCommand::TryIt);
    }
}

fn runs(ui: &mut Ui, ctx: &StepContext<'_>, (view, height, is_new): (View, f32, bool), sender: &mut CommandSender) {
    let state = if ctx.runs.is_empty() { State::Blocked } else { State::Ready };
    let selected = view == View::Runs;
    let row = Row { icon: icons::STACK, title: View::Runs.title(), state, selected, height, is_new };
    let response = row_ui(ui, ctx.theme, &row).on_hover_ui(|ui| {
        ui.label(UserCommand::Runs.tooltip());
        shortcut(ui, ctx.theme, UserCommand::Runs);
    });
    if response.clicked() {
        sender.user(UserCommand::Runs);
    }
}

fn studies(ui: &mut Ui, ctx: &StepContext<'_>, (view, height, is_new): (View, f32, bool), sender: &mut CommandSender) {
    let state = if ctx.prepared.is_some() { State::Ready } else { State::Blocked };
    let selected = view == View::Studies;
    let row = Row { icon: icons::FLASK, title: View::Studies.title(), state, selected, height, is_new };
    let response = row_ui(ui, ctx.theme, &row).on_hover_ui(|ui| {
        ui.label(UserCommand::Studies.tooltip());
        shortcut(ui, ctx.theme, UserCommand::Studies);
    });
    if response.clicked() {
        sender.user(UserCommand::Studies);
    }
}

fn icon(step: Step) -> &'static str {
    match step {
        Step::Data => icons::TABLE,
        Step::Labels => icons::TAG,
        Step::Prepare => icons::BROOM,
        Step::Model => icons::CUBE,
        Step::Train => icons::CHART_LINE_UP,
        Step::Evaluate => icons::TARGET,
        Step::Review => icons::LIST_CHECKS,
        Step::Export => icons::EXPORT,
    }
}

/// A tick says that the person looked at the step or decided something there, and not that it could be skipped.
fn state(ctx: &StepContext<'_>, step: Step, readiness: &Readiness) -> State {
    let training = ctx.live.is_some_and(LiveRun::is_going);
    let reading = ctx.preview.is_some();
    let is_made = matches!(step, Step::Train | Step::Export);
    match readiness {
        _ if step == Step::Train && training => State::Busy,
        _ if step == Step::Data && reading && ctx.imported.is_none() => State::Busy,
        Readiness::Blocked(_) => State::Blocked,
        Readiness::Done if step >= Step::Train && !ctx.changed_since_run.is_empty() => State::OutOfDate,
        Readiness::Done if is_made || ctx.looked_at.contains(&step) => State::Done,
        Readiness::Ready | Readiness::Done => State::Ready,
    }
}

fn explain(ui: &mut Ui, ctx: &StepContext<'_>, step: Step, state: State, readiness: &Readiness) {
    let theme = ctx.theme;
    ui.label(step.purpose());
    if let Readiness::Blocked(issues) = readiness {
        for issue in issues {
            ui.label(theme.small(format!("{}: {}", issue.step.title(), issue.message)));
        }
        return;
    }
    ui.label(theme.small(upper_first(state.word())));
    if state == State::OutOfDate {
        for change in ctx.changed_since_run.iter().take(CHANGES) {
            ui.label(theme.small(change));
        }
    }
}

fn shortcut(ui: &mut Ui, theme: &Theme, command: UserCommand) {
    if let Some(shortcut) = command.shortcuts().first() {
        let text = in_words(ui.ctx(), *shortcut);
        ui.label(theme.small(text));
    }
}

/// Paints a row by hand, so that icons, titles and states line up in columns.
fn row_ui(ui: &mut Ui, theme: &Theme, row: &Row<'_>) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), row.height), Sense::click());
    if row.selected && row.is_new {
        response.scroll_to_me(None);
    }
    let name = format!("{}, {}", row.title, row.state.word());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, row.selected, &name));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let palette = &theme.palette;
    let fill = match (row.selected, response.is_pointer_button_down_on(), response.hovered()) {
        (true, ..) => palette.accent_soft,
        (_, true, _) => palette.pressed,
        (_, _, true) => palette.hover,
        _ => palette.rail,
    };
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(theme.radius.medium), fill);
    if response.has_focus() {
        let stroke = Stroke::new(1.5, palette.accent);
        painter.rect_stroke(rect, CornerRadius::same(theme.radius.medium), stroke, egui::StrokeKind::Inside);
    }
    let (icon_ink, ink) = match (row.selected, row.state) {
        (true, _) => (palette.accent, palette.accent),
        (_, State::Blocked) => (palette.text_faint, palette.text_muted),
        _ => (palette.text_muted, palette.text),
    };
    let family = if row.selected { strong_family() } else { egui::FontFamily::Proportional };
    let middle = rect.center().y;
    let icon_font = FontId::proportional(theme.text.heading);
    painter.text(pos2(rect.left() + 18.0, middle), Align2::CENTER_CENTER, row.icon, icon_font, icon_ink);
    if rect.width() < theme.size.rail_narrow {
        return response;
    }
    let font = FontId::new(theme.text.body, family);
    painter.text(pos2(rect.left() + 36.0, middle), Align2::LEFT_CENTER, row.title, font, ink);
    state_mark(ui, theme, row.state, Rect::from_center_size(pos2(rect.right() - 16.0, middle), Vec2::splat(14.0)));
    response
}

fn state_mark(ui: &Ui, theme: &Theme, state: State, rect: Rect) {
    let (mark, ink) = match state {
        State::Ready => return,
        State::Blocked => (icons::LOCK_SIMPLE, theme.palette.text_faint),
        State::Done => (icons::CHECK, theme.palette.success),
        State::OutOfDate => (icons::CHECK_CIRCLE, theme.palette.text_muted),
        State::Busy => {
            paint_spinner(ui, rect, theme.palette.accent);
            return;
        }
    };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, mark, FontId::proportional(theme.text.small), ink);
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::messages::AppCommand;
    use crate::app::testing::{Scene, app, hone, picture, settle, sized_window};
    use crate::storage::ThemeChoice;

    #[test]
    fn the_page_shown_is_in_sight_in_the_rail_of_a_low_window() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        for (width, height) in [(640.0, 400.0), (400.0, 300.0)] {
            window.set_size(vec2(width, height));
            settle(&mut window);
            for step in [Step::Data, Step::Export] {
                hone(&mut window).run_command(AppCommand::GoTo(step));
                settle(&mut window);
                window.run_steps(30);
                let bar = hone(&mut window).themes[0].size.bar;
                let steps = window.ctx.content_rect().shrink2(vec2(0.0, bar));
                let name = if step == Step::Export { "Export, blocked" } else { "Data, done" };
                let row = window.get_by_role_and_label(Role::Tab, name).rect();
                assert!(steps.contains_rect(row), "{name} at {row:?} is not in {steps:?}");
            }
        }
    }

    #[test]
    fn review_has_a_tick_once_it_was_opened() {
        for (opened, word) in [(false, "ready"), (true, "done")] {
            let mut scene = Scene::trained(false);
            let edit = crate::project::RowEdit::relabelled("neutral");
            scene.project.edits.rows.insert("main:3".parse().unwrap(), edit);
            let mut harness = sized_window([208.0, 420.0], 1.0, false, scene, move |ui, scene| {
                let looked_at = opened.then_some(Step::Review).into_iter().collect();
                scene.show(|ctx, sender| {
                    rail_ui(
                        ui,
                        &StepContext { looked_at: &looked_at, ..*ctx },
                        (false, 420.0),
                        View::default(),
                        sender,
                    );
                });
            });
            harness.run();
            harness.get_by_role_and_label(Role::Tab, &format!("Review, {word}"));
        }
    }

    #[test]
    fn a_result_of_other_settings_is_out_of_date() {
        for (changes, state) in [(vec![], "done"), (vec!["Epochs: 1 → 3".to_owned()], "out of date")] {
            let mut harness = sized_window([208.0, 420.0], 2.0, false, Scene::trained(false), move |ui, scene| {
                let looked_at = [Step::Evaluate].into();
                scene.show(|ctx, sender| {
                    let ctx = StepContext { changed_since_run: &changes, looked_at: &looked_at, ..*ctx };
                    rail_ui(ui, &ctx, (false, 420.0), View::default(), sender);
                });
            });
            harness.run();
            picture(&format!("rail-{state}"), &mut harness);
            for step in ["Train", "Evaluate"] {
                harness.get_by_role_and_label(Role::Tab, &format!("{step}, {state}"));
            }
            harness.get_by_role_and_label(Role::Tab, "Labels, ready");
        }
    }
}
