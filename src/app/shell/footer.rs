//! The footer of every page: what is still open there, and the way on. It never scrolls away.

use egui::{Align, AtomExt as _, Button, Layout, RichText, Ui, vec2};

use crate::app::commands::UserCommand;
use crate::app::context::StepContext;
use crate::app::live_run::LiveRun;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::theme::{Theme, Tone, icons};
use crate::app::view::View;
use crate::app::widgets::{Anchor, primary_button, scroll_to, tone_icon};
use crate::data::Severity;
use crate::project::{Readiness, Step, readiness};
use crate::words::counted;

/// Below this width, only the first of the open points is shown.
const NARROW: f32 = 620.0;
/// Below this width, the way on does not name the page, so that there is room for what is open.
const SHORT: f32 = 420.0;

/// Something that is open on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Open {
    tone: Tone,
    text: String,
    to: Target,
}

/// Where an open point leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// A place on this page.
    Here(Anchor),
    /// Another step.
    Step(Step),
    /// It says all there is.
    Nowhere,
}

/// The way on from a page. The reason is for a person to read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// To another page.
    Page(View, Result<(), String>),
    /// Training.
    Train(Result<(), String>),
}

/// Height of the footer.
#[must_use]
pub fn footer_height(theme: &Theme) -> f32 {
    theme.size.control + 2.0 * theme.space.s + 2.0
}

/// Draws the footer of a page.
pub fn footer_ui(ui: &mut Ui, ctx: &StepContext<'_>, view: View, sender: &mut CommandSender) {
    let theme = ctx.theme;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if let Some(next) = next(ctx, view) {
            next_ui(ui, theme, &next, sender);
        }
        let size = vec2(ui.available_width(), ui.available_height());
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = theme.space.m;
            let most = if ui.available_width() < NARROW { 1 } else { usize::MAX };
            for open in open(ctx, view).iter().take(most) {
                open_ui(ui, theme, open, sender);
            }
        });
    });
}

fn next_ui(ui: &mut Ui, theme: &Theme, next: &Next, sender: &mut CommandSender) {
    let is_short = ui.available_width() < SHORT;
    let (icon, text, enabled) = match next {
        Next::Page(View::Step(_), enabled) if is_short => (icons::ARROW_RIGHT, "Continue".to_owned(), enabled),
        Next::Page(View::Step(step), enabled) => (icons::ARROW_RIGHT, format!("Continue to {}", step.title()), enabled),
        Next::Page(View::TryIt, enabled) => (icons::CHAT_TEXT, "Try the model".to_owned(), enabled),
        Next::Page(View::Studies, enabled) => (icons::FLASK, "Go to Studies".to_owned(), enabled),
        Next::Page(View::Runs, enabled) => (icons::STACK, "See all runs".to_owned(), enabled),
        Next::Train(enabled) => (icons::PLAY, UserCommand::Train.text().to_owned(), enabled),
    };
    let enabled = enabled.as_ref().copied().map_err(String::as_str);
    if !primary_button(ui, theme, icon, &text, enabled).clicked() {
        return;
    }
    match next {
        Next::Page(View::Step(step), _) => sender.send(AppCommand::GoTo(*step)),
        Next::Page(View::TryIt, _) => sender.user(UserCommand::TryIt),
        Next::Page(View::Studies, _) => sender.user(UserCommand::Studies),
        Next::Page(View::Runs, _) => sender.user(UserCommand::Runs),
        Next::Train(_) => sender.user(UserCommand::Train),
    }
}

fn open_ui(ui: &mut Ui, theme: &Theme, open: &Open, sender: &mut CommandSender) {
    let icon = RichText::new(tone_icon(open.tone)).color(theme.ink(open.tone));
    if open.to == Target::Nowhere {
        ui.label(icon);
        ui.add(egui::Label::new(theme.muted(&open.text)).truncate());
        return;
    }
    // Without a mark, the icon would be cut off instead of the text.
    let text = open.text.as_str().atom_shrink(true);
    let button = Button::new((icon, text)).frame_when_inactive(false).truncate();
    if !ui.add(button).accessible_name(&open.text).clicked() {
        return;
    }
    match open.to {
        Target::Here(anchor) => scroll_to(ui.ctx(), anchor),
        Target::Step(step) => sender.send(AppCommand::GoTo(step)),
        Target::Nowhere => {}
    }
}

/// The way on from a page; `None` where there is none yet.
fn next(ctx: &StepContext<'_>, view: View) -> Option<Next> {
    let ready = ctx.train_blocked.map_or(Ok(()), |why| Err(why.to_owned()));
    let step = match view {
        View::Step(Step::Train) if ctx.live.is_some_and(LiveRun::is_going) => {
            return Some(Next::Page(View::Step(Step::Evaluate), Err("Training is still running".to_owned())));
        }
        View::Step(Step::Train) if ctx.results.is_none() => return Some(Next::Train(ready)),
        View::Step(Step::Export) => return ctx.results.map(|_| Next::Page(View::TryIt, Ok(()))),
        View::TryIt => return ctx.results.map(|_| Next::Page(View::Step(Step::Export), Ok(()))),
        View::Runs | View::Studies if ctx.results.is_none() => {
            return Some(Next::Page(View::Step(Step::Train), Ok(())));
        }
        View::Runs | View::Studies => return Some(Next::Page(View::Step(Step::Evaluate), Ok(()))),
        View::Step(step) => step,
    };
    let next = view.step(ctx.project.task.steps(), 1)?;
    let blocked = match readiness(ctx.project, ctx.facts, next) {
        Readiness::Blocked(issues) if step == Step::Data => issues.into_iter().next().map(|issue| issue.message),
        Readiness::Blocked(_) | Readiness::Ready | Readiness::Done => None,
    };
    Some(Next::Page(View::Step(next), blocked.map_or(Ok(()), Err)))
}

/// What is open on a page, the most serious first.
fn open(ctx: &StepContext<'_>, view: View) -> Vec<Open> {
    match view {
        View::Step(Step::Data) => open_in_data(ctx),
        View::Step(Step::Labels) => open_in_labels(ctx),
        View::Step(Step::Prepare) => open_in_prepare(ctx),
        View::Step(Step::Model) => open_in_model(ctx),
        View::Step(Step::Train) => open_in_train(ctx),
        View::Step(Step::Evaluate) => mistakes(ctx).into_iter().collect(),
        View::Step(Step::Review | Step::Export) | View::TryIt | View::Runs | View::Studies => Vec::new(),
    }
}

fn open_in_data(ctx: &StepContext<'_>) -> Vec<Open> {
    let Some(imported) = ctx.imported else { return Vec::new() };
    let mut open = Vec::new();
    if !ctx.project.columns_chosen(&imported.main.table.names) {
        let to = Target::Here(Anchor::Columns);
        open.push(Open { tone: Tone::Danger, text: ctx.project.column_advice(), to });
    }
    let parts = imported.files().flat_map(|file| &file.parts);
    let bad: u64 = parts.map(|part| part.bad_rows as u64).sum();
    if bad > 0 {
        let text = format!("{} could not be read", counted(bad, "row", "rows"));
        open.push(Open { tone: Tone::Warning, text, to: Target::Here(Anchor::BadRows) });
    }
    open
}

fn open_in_labels(ctx: &StepContext<'_>) -> Vec<Open> {
    let of = |severity| {
        let findings = ctx.findings.into_iter().flat_map(|findings| findings.iter());
        findings.filter(|finding| finding.severity == severity && !finding.ignored).count()
    };
    let problems = of(Severity::Problem) + ctx.facts.data_issues.len();
    problems_and_warnings(problems, of(Severity::Warning), Anchor::Findings)
}

fn open_in_prepare(ctx: &StepContext<'_>) -> Vec<Open> {
    let leaks = ctx.leakage.map_or(0, |report| report.serious().count());
    let warnings = ctx.prepared.map_or(0, |prepared| prepared.warnings.len());
    problems_and_warnings(leaks + ctx.facts.data_issues.len(), warnings, Anchor::Leakage)
}

fn problems_and_warnings(problems: usize, warnings: usize, anchor: Anchor) -> Vec<Open> {
    [(Tone::Danger, problems, "problem", "problems"), (Tone::Warning, warnings, "warning", "warnings")]
        .into_iter()
        .filter(|(_, count, ..)| *count > 0)
        .map(|(tone, count, one, many)| Open { tone, text: counted(count, one, many), to: Target::Here(anchor) })
        .collect()
}

fn open_in_model(ctx: &StepContext<'_>) -> Vec<Open> {
    let (tone, text) = match (ctx.facts.model_available, ctx.facts.model_fetchable) {
        (true, _) => return Vec::new(),
        (false, true) => (Tone::Neutral, "This model is downloaded before training. You'll be asked first"),
        (false, false) => (Tone::Danger, ctx.project.model_advice()),
    };
    vec![Open { tone, text: text.to_owned(), to: Target::Here(Anchor::Models) }]
}

/// What keeps training from starting.
fn open_in_train(ctx: &StepContext<'_>) -> Vec<Open> {
    match readiness(ctx.project, ctx.facts, Step::Train) {
        Readiness::Blocked(issues) => {
            let open = |issue: crate::project::Issue| Open {
                tone: Tone::Danger,
                text: issue.message,
                to: Target::Step(issue.step),
            };
            issues.into_iter().map(open).collect()
        }
        Readiness::Ready | Readiness::Done => {
            let waiting = ctx.train_blocked.filter(|_| !ctx.live.is_some_and(LiveRun::is_going));
            let open = |why: &str| Open { tone: Tone::Neutral, text: why.to_owned(), to: Target::Nowhere };
            waiting.map(open).into_iter().collect()
        }
    }
}

/// The rows the shown run got wrong.
fn mistakes(ctx: &StepContext<'_>) -> Option<Open> {
    let metrics = ctx.results?.measured().classification()?;
    let right: u64 = (0..metrics.confusion.counts.len()).map(|class| metrics.confusion.counts[class][class]).sum();
    let wrong = metrics.rows.saturating_sub(right);
    let text = counted(wrong, "mistake", "mistakes");
    (wrong > 0).then_some(Open { tone: Tone::Neutral, text, to: Target::Step(Step::Review) })
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{Scene, picture, sized_window};
    use crate::project::Facts;

    /// The footer of a page, `width` points wide.
    fn footer(scene: Scene, view: View, width: f32) -> Harness<'static, Scene> {
        let mut harness = sized_window([width, 48.0], 1.0, false, scene, move |ui, scene| {
            scene.show(|ctx, sender| footer_ui(ui, ctx, view, sender));
        });
        harness.run();
        harness
    }

    #[test]
    fn the_first_run_starts_from_the_footer() {
        let mut harness = footer(Scene::prepared(false), View::Step(Step::Train), 900.0);
        harness.get_by_label("Start training").click();
        harness.run();
        assert_eq!(harness.state_mut().sender.take(), [AppCommand::User(UserCommand::Train)]);
        let mut harness = footer(Scene::trained(false), View::Step(Step::Train), 900.0);
        harness.get_by_label("Continue to Evaluate").click();
        harness.run();
        assert_eq!(harness.state_mut().sender.take(), [AppCommand::GoTo(Step::Evaluate)]);
    }

    #[test]
    fn what_blocks_training_leads_to_the_step_that_fixes_it() {
        let mut scene = Scene::prepared(false);
        scene.facts = Facts { model_available: false, ..scene.facts };
        let mut harness = footer(scene, View::Step(Step::Train), 900.0);
        harness.get_by_label("Download the model, or open a model folder").click();
        harness.run();
        assert_eq!(harness.state_mut().sender.take(), [AppCommand::GoTo(Step::Model)]);
    }

    #[test]
    fn a_page_without_its_columns_says_so_and_does_not_lead_on() {
        let mut scene = Scene::prepared(false);
        scene.answers.imported.value = Some(crate::app::testing::imported());
        scene.project.dataset.columns.clear();
        let mut harness = footer(scene, View::Step(Step::Data), 900.0);
        harness.get_by_label("Choose a text column and a label column");
        harness.get_by_label("Continue to Labels").click();
        harness.run();
        assert_eq!(harness.state_mut().sender.take(), []);
    }

    #[test]
    fn a_narrow_footer_keeps_its_button_whole() {
        let mut scene = Scene::prepared(false);
        scene.facts.model_available = false;
        for width in [348.0, 700.0] {
            let mut harness = footer(scene, View::Step(Step::Model), width);
            picture(&format!("footer-{width}"), &mut harness);
            let button = harness.get_by_label_contains("Continue").rect();
            let text = harness.get_by_label_contains("model").rect();
            assert!(button.right() <= width && text.right() <= button.left() && text.left() >= 0.0, "{text} {button}");
            scene = harness.into_state();
        }
    }
}
