//! egui's style, made from the tokens.

use egui::style::{ScrollStyle, Selection, TextCursorStyle, WidgetVisuals, Widgets};
use egui::{CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Vec2, Visuals};

use crate::app::theme::Theme;
use crate::app::theme::fonts::{definitions, strong_family};
use crate::app::theme::scripts::plain_emoji;
use crate::app::theme::visual_order::VisualOrder;

impl Theme {
    /// Applies this theme and its fonts to egui.
    pub fn install(ctx: &egui::Context, themes: &[Self; 2]) {
        ctx.set_fonts(definitions());
        ctx.set_font_providers(vec![plain_emoji()]);
        ctx.add_plugin(VisualOrder);
        for theme in themes {
            let of = if theme.dark { egui::Theme::Dark } else { egui::Theme::Light };
            ctx.set_style_of(of, style(theme));
        }
    }
}

/// The style of a theme.
fn style(theme: &Theme) -> Style {
    let mut style = Style { visuals: visuals(theme), ..Style::default() };
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(theme.text.small)),
        (TextStyle::Body, FontId::proportional(theme.text.body)),
        (TextStyle::Button, FontId::proportional(theme.text.button)),
        (TextStyle::Monospace, FontId::new(theme.text.mono, FontFamily::Monospace)),
        (TextStyle::Heading, FontId::new(theme.text.heading, strong_family())),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::splat(theme.space.s);
    spacing.button_padding = Vec2::new(theme.space.m, theme.space.xs);
    spacing.interact_size = Vec2::new(theme.size.control, theme.size.control);
    spacing.menu_margin = margin(theme.space.xs);
    spacing.window_margin = margin(theme.space.l);
    spacing.combo_width = 160.0;
    spacing.icon_width = 16.0;
    spacing.icon_width_inner = 9.0;
    spacing.icon_spacing = theme.space.s;
    spacing.slider_width = 200.0;
    spacing.tooltip_width = 360.0;
    spacing.scroll = ScrollStyle::thin();
    style.animation_time = 0.12;
    style.interaction.tooltip_delay = 0.35;
    style.interaction.selectable_labels = false;
    style
}

fn margin(points: f32) -> Margin {
    Margin::same(points as i8)
}

fn visuals(theme: &Theme) -> Visuals {
    let palette = &theme.palette;
    let radius = CornerRadius::same(theme.radius.medium);
    let shadow = Shadow { offset: [0, 6], blur: 20, spread: 0, color: palette.shadow };
    Visuals {
        widgets: widgets(theme),
        selection: Selection { bg_fill: palette.accent_soft, stroke: Stroke::new(1.0, palette.accent) },
        hyperlink_color: palette.accent,
        weak_text_color: Some(palette.text_muted),
        faint_bg_color: palette.sunken,
        extreme_bg_color: palette.sunken,
        text_edit_bg_color: Some(palette.sunken),
        code_bg_color: palette.hover,
        warn_fg_color: palette.warning,
        error_fg_color: palette.danger,
        window_corner_radius: CornerRadius::same(theme.radius.large),
        window_shadow: shadow,
        window_fill: palette.card,
        window_stroke: Stroke::new(1.0, palette.border),
        menu_corner_radius: radius,
        panel_fill: palette.panel,
        popup_shadow: shadow,
        text_cursor: TextCursorStyle { stroke: Stroke::new(2.0, palette.accent), ..TextCursorStyle::default() },
        slider_trailing_fill: true,
        handle_shape: egui::style::HandleShape::Circle,
        indent_has_left_vline: false,
        interact_cursor: Some(egui::CursorIcon::PointingHand),
        ..if theme.dark { Visuals::dark() } else { Visuals::light() }
    }
}

fn widgets(theme: &Theme) -> Widgets {
    let palette = &theme.palette;
    let make = |fill, weak_fill, outline, ink| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: weak_fill,
        bg_stroke: Stroke::new(1.0, outline),
        fg_stroke: Stroke::new(1.0, ink),
        corner_radius: CornerRadius::same(theme.radius.medium),
        expansion: 0.0,
    };
    Widgets {
        noninteractive: make(palette.panel, palette.panel, palette.border, palette.text),
        inactive: make(palette.hover, palette.card, palette.border_strong, palette.text),
        hovered: make(palette.pressed, palette.hover, palette.border_strong, palette.text),
        // Also used for the focused widget, so its outline has the accent colour.
        active: make(palette.pressed, palette.hover, palette.accent, palette.text),
        open: make(palette.hover, palette.hover, palette.border_strong, palette.text),
    }
}
