//! Basic widgets of every step: pages, cards, buttons, badges, banners, empty states.

use egui::{
    Align, Button, CornerRadius, Frame, Layout, Margin, Rect, Response, RichText, Role, Sense, Stroke, Ui, UiBuilder,
    Vec2, WidgetInfo, vec2,
};

use crate::app::help::{self, Chart, Topic};
use crate::app::spoken::set_heading;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::explained::{explain_terms, explained, hover_text};
use crate::app::widgets::layout::{after_page, is_narrow, is_wide, make_room, page_height, page_scroll};

/// The page of a step: title, one sentence if there is room for it, and its contents, which scroll together.
pub fn page<R>(ui: &mut Ui, theme: &Theme, title: &str, purpose: &str, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let margin = page_margin(ui, theme);
    page_scroll(ui, ("page", title), |ui| {
        Frame::NONE
            .inner_margin(Margin::same(margin as i8))
            .show(ui, |ui| {
                page_title(ui, theme, title, purpose);
                contents(ui)
            })
            .inner
    })
}

fn page_title(ui: &mut Ui, theme: &Theme, title: &str, purpose: &str) {
    set_heading(&ui.label(theme.title(title)));
    if !purpose.is_empty() {
        ui.add_space(-theme.space.xs);
        ui.add(egui::Label::new(theme.muted(purpose)).wrap());
    }
    ui.add_space(theme.space.m);
}

fn page_margin(ui: &Ui, theme: &Theme) -> f32 {
    if is_narrow(ui) { theme.space.m } else { theme.space.xl }
}

/// A page of two parts. In a wide window they stand side by side: the first scrolls, and the second, a list or a table, fills
/// the height. Otherwise the second comes after the first, and is as high as the page that can be seen. `share` is the share
/// of the width that the first part gets.
pub fn page_beside<S>(
    ui: &mut Ui,
    theme: &Theme,
    (title, purpose, share): (&str, &str, f32),
    state: &mut S,
    first: impl FnOnce(&mut Ui, &mut S),
    second: impl FnOnce(&mut Ui, &mut S, f32),
) {
    let margin = page_margin(ui, theme);
    if !is_wide(ui, theme) {
        page(ui, theme, title, purpose, |ui| {
            first(ui, state);
            let height = (page_height(ui) - margin - theme.space.l).clamp(LOWEST, HIGHEST);
            after_page(ui, |ui| second(ui, state, height));
        });
        return;
    }
    let all = ui.available_rect_before_wrap();
    let middle = all.left() + all.width() * share;
    // The scroll bar of the first part is beside the second, not on its edge.
    let (left, right) = (all.with_max_x(middle - theme.space.s), all.with_min_x(middle));
    ui.scope_builder(UiBuilder::new().max_rect(left), |ui| page(ui, theme, title, purpose, |ui| first(ui, state)));
    let right = Rect::from_min_max(right.min + vec2(0.0, margin), right.max - vec2(margin, margin));
    ui.scope_builder(UiBuilder::new().max_rect(right), |ui| second(ui, state, right.height()));
}

/// The least height of a list or a table that is the second part of a page.
const LOWEST: f32 = 360.0;
/// The greatest height of one that comes after the first part.
const HIGHEST: f32 = 1_600.0;

/// A card: a bordered box around things that belong together. It takes the full width.
pub fn card<R>(ui: &mut Ui, theme: &Theme, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let inner = Frame::new()
        .fill(theme.palette.card)
        .stroke(Stroke::new(1.0, theme.palette.border))
        .corner_radius(CornerRadius::same(theme.radius.large))
        .inner_margin(Margin::same(theme.space.l as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            contents(ui)
        })
        .inner;
    ui.add_space(theme.space.s);
    inner
}

/// A card with a heading and an explanation below it. A heading that the help explains has a small "?" beside it.
pub fn section<R>(ui: &mut Ui, theme: &Theme, heading: &str, hint: &str, contents: impl FnOnce(&mut Ui) -> R) -> R {
    card(ui, theme, |ui| {
        // The name of a column, or the like, can follow the title.
        let chart = Chart::titled(heading.split(':').next().unwrap_or(heading));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme.space.xs;
            heading_ui(ui, theme, heading);
            if let Some(chart) = chart {
                question_ui(ui, theme, chart);
            }
        });
        if !hint.is_empty() {
            ui.add_space(-theme.space.xs);
            ui.scope(|ui| {
                ui.set_max_width(theme.size.reading.min(ui.available_width()));
                explained(ui, theme.small(hint));
            });
        }
        ui.add_space(theme.space.xs);
        contents(ui)
    })
}

/// The heading of a card or a section. A screen reader can jump from one to the next.
pub fn heading_ui(ui: &mut Ui, theme: &Theme, text: impl Into<String>) -> Response {
    let response = ui.label(theme.heading(text));
    set_heading(&response);
    response
}

/// A small "?" that explains a chart on hover, and opens the help about it.
pub fn question_ui(ui: &mut Ui, theme: &Theme, chart: Chart) {
    let icon = RichText::new(icons::QUESTION).size(theme.text.body).color(theme.palette.text_faint);
    let response = ui.add(Button::new(icon).frame_when_inactive(false).min_size(Vec2::splat(theme.text.heading)));
    let response = response.accessible_name(format!("What am I looking at? {}", chart.title()));
    if response.on_hover_text(chart.text()).clicked() {
        help::ask_for(ui.ctx(), Topic::Chart(chart));
    }
}

fn with_icon<'a>(icon: &str, text: &str) -> Button<'a> {
    if icon.is_empty() {
        Button::new(text.to_owned())
    } else {
        Button::new((RichText::new(icon.to_owned()), text.to_owned()))
    }
}

/// A button; `icon` may be empty. Its accessible name is `text`.
pub fn button(ui: &mut Ui, theme: &Theme, icon: &str, text: &str) -> Response {
    let size = Vec2::new(0.0, theme.size.control);
    ui.add(with_icon(icon, text).min_size(size)).accessible_name(text)
}

/// A button that may be disabled. It wraps with the others of its row.
pub fn button_if(ui: &mut Ui, theme: &Theme, enabled: bool, icon: &str, text: &str) -> Response {
    let size = Vec2::new(0.0, theme.size.control);
    ui.add_enabled(enabled, with_icon(icon, text).min_size(size)).accessible_name(text)
}

/// The primary button of a page. Pass `Err(why)` to disable it; the reason shows on hover.
pub fn primary_button(ui: &mut Ui, theme: &Theme, icon: &str, text: &str, enabled: Result<(), &str>) -> Response {
    let palette = &theme.palette;
    let size = Vec2::new(0.0, theme.size.control + 2.0);
    let font = egui::TextStyle::Button.resolve(ui.style());
    let shown = ui.painter().layout_no_wrap(format!("{icon} {text}"), font, palette.text);
    make_room(ui, shown.size().x + 2.0 * theme.space.l + theme.space.s);
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        for (widget, fill) in [
            (&mut widgets.inactive, palette.accent),
            (&mut widgets.hovered, palette.accent_hover),
            (&mut widgets.active, palette.accent_hover),
        ] {
            widget.weak_bg_fill = fill;
            widget.fg_stroke.color = palette.on_accent;
            widget.bg_stroke = Stroke::new(1.0, fill);
        }
        // The focus is shown by a second ring, because the background already has the accent colour.
        widgets.active.bg_stroke = Stroke::new(2.0, palette.text);
        ui.spacing_mut().button_padding.x = theme.space.l;
        let response = ui.add_enabled(enabled.is_ok(), with_icon(icon, text).min_size(size)).accessible_name(text);
        match enabled {
            Ok(()) => response,
            Err(why) => response.on_disabled_hover_text(why),
        }
    })
    .inner
}

/// A button with only an icon; `name` is its tooltip and accessible name.
pub fn icon_button(ui: &mut Ui, theme: &Theme, icon: &str, name: &str) -> Response {
    let size = Vec2::splat(theme.size.control - 4.0);
    let label = RichText::new(icon).color(theme.palette.text_muted);
    ui.add(Button::new(label).frame_when_inactive(false).min_size(size)).accessible_name(name).on_hover_text(name)
}

/// A small label on a tinted background, with an icon so that it does not rely on colour alone. A long one wraps.
pub fn badge(ui: &mut Ui, theme: &Theme, tone: Tone, icon: &str, text: &str) -> Response {
    let ink = theme.ink(tone);
    let padding = vec2(theme.space.s, 2.0);
    let room = if ui.layout().main_wrap() { ui.max_rect().width() } else { ui.available_width() };
    let shown = if icon.is_empty() { text.to_owned() } else { format!("{icon} {text}") };
    let galley = ui.painter().layout(shown, theme.font(theme.text.small), ink, (room - 2.0 * padding.x).max(40.0));
    let (rect, response) = ui.allocate_exact_size(galley.size() + 2.0 * padding, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    if ui.is_rect_visible(rect) {
        ui.painter().rect_filled(rect, CornerRadius::same(theme.radius.small), theme.ground(tone));
        ui.painter().galley(rect.min + padding, galley, ink);
    }
    response
}

/// Icon of a tone.
#[must_use]
pub fn tone_icon(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral | Tone::Accent => icons::INFO,
        Tone::Success => icons::CHECK_CIRCLE,
        Tone::Warning => icons::WARNING,
        Tone::Danger => icons::X_CIRCLE,
    }
}

/// A full-width message: what happened, why, and what to do next. `actions` draws its buttons.
pub fn banner(ui: &mut Ui, theme: &Theme, tone: Tone, title: &str, body: &str, actions: impl FnOnce(&mut Ui)) {
    Frame::new()
        .fill(theme.ground(tone))
        .corner_radius(CornerRadius::same(theme.radius.medium))
        .inner_margin(Margin::symmetric(theme.space.m as i8, theme.space.m as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                ui.label(RichText::new(tone_icon(tone)).color(theme.ink(tone)).size(theme.text.heading));
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = theme.space.xs;
                    explained(ui, theme.strong(title));
                    if !body.is_empty() {
                        explained(ui, RichText::new(body).color(theme.palette.text));
                    }
                    banner_actions(ui, theme, actions);
                });
            });
        });
    ui.add_space(theme.space.s);
}

/// The buttons of a banner, apart from its text. They take no space if there are none.
fn banner_actions(ui: &mut Ui, theme: &Theme, actions: impl FnOnce(&mut Ui)) {
    let place = ui.cursor().min + vec2(0.0, theme.space.xs);
    let row = Rect::from_min_size(place, vec2(ui.available_width(), 0.0));
    let layout = Layout::left_to_right(Align::Center).with_main_wrap(true);
    let mut row = ui.new_child(UiBuilder::new().max_rect(row).layout(layout));
    row.spacing_mut().interact_size.y = 0.0;
    actions(&mut row);
    if row.min_rect().height() > 0.0 {
        ui.allocate_rect(row.min_rect(), Sense::hover());
    }
}

/// An empty state: what will appear here and what to do. `actions` draws the buttons.
pub fn empty_state(ui: &mut Ui, theme: &Theme, icon: &str, title: &str, body: &str, actions: impl FnOnce(&mut Ui)) {
    card(ui, theme, |ui| {
        ui.add_space(theme.space.xxl);
        ui.vertical_centered(|ui| {
            ui.label(RichText::new(icon).size(theme.text.display).color(theme.palette.text_faint));
            ui.add_space(theme.space.s);
            heading_ui(ui, theme, title);
            let size = egui::vec2(460.0_f32.min(ui.available_width()), 0.0);
            ui.allocate_ui_with_layout(size, Layout::top_down(Align::Center), |ui| {
                ui.add(egui::Label::new(theme.muted(body)).wrap());
            });
            ui.add_space(theme.space.m);
            actions(ui);
        });
        ui.add_space(theme.space.xxl);
    });
}

/// The widths of [`figure`] are multiples of this.
const FIGURE_STEP: f32 = 24.0;

/// A value with its name above it. Values in a row line up.
pub fn figure(ui: &mut Ui, theme: &Theme, name: &str, value: &str, hover: &str) -> Response {
    let hover = hover_text(name, hover);
    let said = format!("{name}: {value}");
    let (name, value) = (theme.small(name), theme.strong(value).size(theme.text.heading + 3.0));
    let size_of = |text: &RichText| {
        let text = egui::WidgetText::from(text.clone());
        text.into_galley(ui, Some(egui::TextWrapMode::Extend), f32::INFINITY, egui::FontSelection::Default).size()
    };
    let (above, below) = (size_of(&name), size_of(&value));
    // The size is set in advance, so that a row wraps between two values; and in steps, so that those that follow do not
    // move with every digit.
    let width = ((above.x.max(below.x) / FIGURE_STEP).ceil() * FIGURE_STEP).min(ui.max_rect().width());
    let size = Vec2::new(width, above.y + 2.0 + below.y);
    let response = ui
        .allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.set_min_width(width);
            ui.add(egui::Label::new(name).extend());
            ui.add(egui::Label::new(value).truncate());
        })
        .response
        .accessible_name(&said);
    if hover.is_empty() { explain_terms(response, &said) } else { response.on_hover_text(hover) }
}

/// The label above a field, with an explanation on hover, and that of the glossary.
pub fn field_label(ui: &mut Ui, theme: &Theme, text: &str, hover: &str) -> Response {
    let response = ui.label(theme.small(text));
    let hover = hover_text(text, hover);
    if hover.is_empty() { response } else { response.on_hover_text(hover) }
}

/// A card that is marked when it is chosen. `contents` adds the points by which the card is lower than its neighbours.
pub fn choice_card<R>(ui: &mut Ui, theme: &Theme, chosen: bool, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let palette = &theme.palette;
    let (fill, stroke) = if chosen {
        (palette.accent_soft, Stroke::new(1.0, palette.accent))
    } else {
        (palette.card, Stroke::new(1.0, palette.border))
    };
    let inner = Frame::new()
        .fill(fill)
        .stroke(stroke)
        .corner_radius(CornerRadius::same(theme.radius.large))
        .inner_margin(Margin::same(theme.space.m as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.vertical(contents).inner
        })
        .inner;
    ui.add_space(theme.space.s);
    inner
}
