//! The page shown while no project is open: open data, a project or the sample, and the recent projects.

use egui::{Label, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo};

use crate::app::commands::UserCommand;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::verdict::tone;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{button, card, card_grid, columns, heading_ui, page, primary_button, tone_icon};
use crate::evaluation::Metrics;
use crate::storage::RecentProject;
use crate::words::{ago, of_hundred, perplexity, upper_first};

/// Narrowest card.
const CARD: f32 = 240.0;
/// Most cards side by side.
const COLUMNS: usize = 3;

/// A way to begin.
struct Way {
    icon: &'static str,
    title: &'static str,
    body: &'static str,
    command: UserCommand,
}

const WAYS: [Way; 3] = [
    Way {
        icon: icons::TABLE,
        title: "Your data",
        body: "A table with a column of texts and a column of labels: Excel, CSV, JSON, Parquet and more. \
               Hone never changes your files",
        command: UserCommand::OpenData,
    },
    Way {
        icon: icons::FOLDER_OPEN,
        title: "A project",
        body: "Go on with a project you have on this machine",
        command: UserCommand::Open,
    },
    Way {
        icon: icons::FLASK,
        title: "The sample",
        body: "798 made-up shop reviews, ready to train. See in two minutes what Hone does",
        command: UserCommand::OpenSample,
    },
];

/// What a person gets in the end.
const OUTCOMES: [(&str, &str); 3] = [
    (icons::TARGET, "How good the model is: so many of 100 right, on rows it has never seen"),
    (icons::LIST_CHECKS, "The rows it gets wrong, to correct and train again"),
    (icons::PACKAGE, "A model that labels new texts on this machine, and opens in other tools"),
];

/// Draws the page.
pub fn start_page_ui(ui: &mut Ui, theme: &Theme, recent: &[RecentProject], sender: &mut CommandSender) {
    let purpose = "Train a language model to label your texts. Your data never leaves this machine";
    page(ui, theme, "Welcome to Hone", purpose, |ui| {
        ways_ui(ui, theme, sender);
        ui.horizontal_wrapped(|ui| {
            ui.label(theme.small("Drop a file or a project folder anywhere to begin. For other tasks:"));
            let link = ui.link(RichText::new(UserCommand::New.text()).size(theme.text.small));
            let link = link.on_hover_text(UserCommand::New.tooltip());
            if link.clicked() {
                sender.user(UserCommand::New);
            }
        });
        ui.add_space(theme.space.l);
        if !recent.is_empty() {
            heading_ui(ui, theme, "Recent projects");
            ui.add_space(theme.space.xs);
            recent_ui(ui, theme, recent, sender);
            ui.add_space(theme.space.l);
        }
        heading_ui(ui, theme, "What you get");
        ui.spacing_mut().interact_size.y = 0.0;
        for (icon, text) in OUTCOMES {
            ui.horizontal(|ui| {
                ui.label(RichText::new(icon).color(theme.palette.accent).size(theme.text.heading));
                ui.add(Label::new(text).wrap());
            });
        }
    });
}

/// How many cards fit side by side.
fn cards_beside(ui: &Ui) -> usize {
    ((ui.available_width() / CARD) as usize).clamp(1, COLUMNS)
}

fn ways_ui(ui: &mut Ui, theme: &Theme, sender: &mut CommandSender) {
    let count = cards_beside(ui);
    // Two and one below them would look like a gap.
    let count = if count == COLUMNS { count } else { 1 };
    card_grid(ui, theme, "ways", (count, WAYS.len()), |ui, place, spare| {
        card(ui, theme, |ui| way_ui(ui, theme, &WAYS[place], (place == 0, spare), sender));
    });
}

/// A card with a way to begin. `spare` is added above its button, so that the buttons of a row are at the same height.
fn way_ui(ui: &mut Ui, theme: &Theme, way: &Way, (is_first, spare): (bool, f32), sender: &mut CommandSender) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(way.icon).color(theme.palette.accent).size(theme.text.title));
        heading_ui(ui, theme, way.title);
    });
    ui.add(Label::new(theme.muted(way.body)).wrap());
    ui.add_space(theme.space.s + spare);
    let text = way.command.text();
    let response = if is_first { primary_button(ui, theme, "", text, Ok(())) } else { button(ui, theme, "", text) };
    if response.on_hover_text(way.command.tooltip()).clicked() {
        sender.user(way.command);
    }
}

fn recent_ui(ui: &mut Ui, theme: &Theme, recent: &[RecentProject], sender: &mut CommandSender) {
    // They line up with the ways to begin.
    let (count, gap) = (cards_beside(ui), theme.space.m);
    let width = (ui.available_width() - gap * (count as f32 - 1.0)) / count as f32;
    for (place, row) in recent.chunks(count).enumerate() {
        ui.push_id(place, |ui| {
            columns(ui, gap, &vec![width; row.len()], |ui, place| {
                let project = &row[place];
                if project_card(ui, theme, project).clicked() {
                    sender.send(AppCommand::OpenProject(project.folder.clone()));
                }
            });
        });
        ui.add_space(gap - theme.space.s);
    }
}

/// A card that opens its project.
fn project_card(ui: &mut Ui, theme: &Theme, project: &RecentProject) -> Response {
    let (result, tone) = result(project);
    let when = upper_first(&ago(project.used_at));
    let response = ui
        .scope_builder(UiBuilder::new().sense(Sense::click()), |ui| {
            let palette = &theme.palette;
            let response = ui.response();
            let (fill, stroke) = match (response.is_pointer_button_down_on(), response.hovered()) {
                (true, _) => (palette.pressed, palette.border_strong),
                (_, true) => (palette.hover, palette.border_strong),
                _ => (palette.card, palette.border),
            };
            let frame = egui::Frame::new()
                .fill(fill)
                .stroke(Stroke::new(1.0, stroke))
                .corner_radius(theme.radius.large)
                .inner_margin(theme.space.m);
            frame.show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = theme.space.xs;
                let line = |ui: &mut Ui, text: RichText| ui.add(Label::new(text).truncate().selectable(false));
                line(ui, theme.strong(&project.name));
                line(ui, theme.small(project.task.title()));
                ui.add_space(theme.space.xs);
                ui.horizontal(|ui| {
                    ui.spacing_mut().interact_size.y = 0.0;
                    if let Some(tone) = tone {
                        line(ui, RichText::new(tone_icon(tone)).color(theme.ink(tone)));
                    }
                    line(ui, RichText::new(&result));
                });
                line(ui, theme.small(when.as_str()));
            });
        })
        .response;
    if response.has_focus() {
        let ring = Stroke::new(2.0, theme.palette.accent);
        ui.painter().rect_stroke(response.rect, f32::from(theme.radius.large), ring, StrokeKind::Inside);
    }
    let name = format!("{}, {}, {result}, {when}", project.name, project.task.title());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    response.on_hover_text(project.folder.display().to_string())
}

/// The result of a project's newest run in a few words, with the colour of the verdict on it.
fn result(project: &RecentProject) -> (String, Option<Tone>) {
    match (project.metrics.as_ref().and_then(result_in_words), project.verdict) {
        (None, _) => ("Not trained yet".to_owned(), None),
        (Some(result), None) => (upper_first(&result), None),
        (Some(result), Some(verdict)) => (format!("{}: {result}", verdict.title()), Some(tone(verdict))),
    }
}

/// The result of a run in a few words; `None` for a run that measured nothing.
fn result_in_words(metrics: &Metrics) -> Option<String> {
    if metrics.rows() == 0 {
        return None;
    }
    Some(match metrics {
        Metrics::Classification(metrics) => format!("{} right", of_hundred(metrics.accuracy)),
        Metrics::LanguageModelling(metrics) => format!("perplexity {}", perplexity(metrics.overall.perplexity())),
    })
}
