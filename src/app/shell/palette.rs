//! The search over everything: commands, settings, labels, runs, files and projects.

use egui::{Align, Align2, Key, Label, Modal, Response, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};

use crate::app::commands::CommandState;
use crate::app::messages::CommandSender;
use crate::app::shell::dialogs::dialog_frame;
use crate::app::shell::search::{Hit, Searched, search};
use crate::app::theme::Theme;

/// Width of the column that says what kind of thing a hit is.
const KIND: f32 = 76.0;
/// Hits drawn at most.
const DRAWN: usize = 60;

/// The search, open or not.
#[derive(Debug, Default)]
pub struct CommandPalette {
    open: bool,
    just_opened: bool,
    query: String,
    selected: usize,
}

impl CommandPalette {
    /// Opens it, or closes it when it is open.
    pub fn toggle(&mut self) {
        *self = Self { open: !self.open, just_opened: true, ..Self::default() };
    }

    /// Draws it when it is open.
    pub fn ui(
        &mut self,
        ui: &Ui,
        theme: &Theme,
        state: &CommandState<'_>,
        searched: &Searched<'_>,
        sender: &mut CommandSender,
    ) {
        if !self.open {
            return;
        }
        let mut found = search(&self.query, searched);
        found.truncate(DRAWN);
        let before = self.selected;
        self.take_keys(ui, found.len());
        let moved = self.selected != before;
        let confirmed = ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Enter));
        let mut chosen = confirmed.then(|| found.get(self.selected)).flatten();
        // It keeps its place and its size while hits come and go.
        let room = ui.ctx().content_rect().size();
        let (width, height) = (620.0_f32.min(room.x - 4.0 * theme.space.xl), 400.0_f32.min(room.y - 200.0));
        let id = egui::Id::unique("palette");
        let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, vec2(0.0, (room.y * 0.12).min(96.0)));
        let response = Modal::new(id).area(area).frame(dialog_frame(theme, theme.space.m)).show(ui.ctx(), |ui| {
            ui.set_width(width);
            self.query_ui(ui, theme);
            ui.add_space(theme.space.xs);
            ui.allocate_ui(vec2(width, height), |ui| {
                ui.set_min_height(height);
                if found.is_empty() {
                    ui.label(theme.muted(format!("Nothing is called “{}”", self.query.trim())));
                }
                ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    for (place, hit) in found.iter().enumerate() {
                        let selected = place == self.selected;
                        let response = row_ui(ui, theme, hit, state, selected);
                        if selected && moved {
                            response.scroll_to_me(Some(Align::Center));
                        }
                        if response.clicked() {
                            chosen = Some(hit);
                        }
                    }
                });
            });
        });
        if response.should_close() {
            self.open = false;
        }
        if let Some(hit) = chosen.filter(|hit| hit.blocked(state).is_none()) {
            self.open = false;
            hit.go(ui.ctx(), sender);
        }
    }

    fn query_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let hint = "Search everything: settings, labels, runs, files and projects";
        let edit = TextEdit::singleline(&mut self.query).id_salt("query").hint_text(hint).desired_width(f32::INFINITY);
        let edit = ui.add(edit.margin(vec2(theme.space.m, theme.space.s))).accessible_name("Search everything");
        if std::mem::take(&mut self.just_opened) {
            edit.request_focus();
        }
        if edit.changed() {
            self.selected = 0;
        }
    }

    fn take_keys(&mut self, ui: &Ui, count: usize) {
        let none = egui::Modifiers::NONE;
        let (down, up) = ui.input_mut(|input| {
            (input.count_and_consume_key(none, Key::ArrowDown), input.count_and_consume_key(none, Key::ArrowUp))
        });
        self.selected = (self.selected + down).saturating_sub(up).min(count.saturating_sub(1));
    }
}

fn row_ui(ui: &mut Ui, theme: &Theme, hit: &Hit<'_>, state: &CommandState<'_>, selected: bool) -> Response {
    let blocked = hit.blocked(state);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme.size.control), Sense::click());
    let title = hit.title(state);
    response.widget_info(|| WidgetInfo::selected(Role::MenuItem, blocked.is_none(), selected, &title));
    let fill = match (selected, response.hovered()) {
        (true, _) => theme.palette.accent_soft,
        (_, true) => theme.palette.hover,
        _ => theme.palette.card,
    };
    ui.painter().rect_filled(rect, f32::from(theme.radius.medium), fill);
    let inside = rect.shrink2(vec2(theme.space.s, 0.0));
    let cell = |ui: &mut Ui, rect: egui::Rect, to: egui::Layout, text: egui::RichText| {
        let mut cell = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(to));
        cell.add(Label::new(text).selectable(false).truncate().sense(Sense::empty()));
    };
    let left = egui::Layout::left_to_right(Align::Center);
    let (kind, rest) = inside.split_left_right_at_x(inside.left() + KIND);
    let (name, detail) = rest.split_left_right_at_fraction(0.62);
    cell(ui, kind, left, theme.small(hit.kind()));
    let ink = if blocked.is_some() { theme.palette.text_faint } else { theme.palette.text };
    cell(ui, name, left, egui::RichText::new(title).color(ink));
    let detail_text = blocked.unwrap_or_else(|| hit.detail(ui.ctx()));
    cell(ui, detail, egui::Layout::right_to_left(Align::Center), theme.small(detail_text));
    response.on_hover_text(hit.explanation())
}
