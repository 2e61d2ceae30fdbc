//! The menu bar, drawn from the command table.

use egui::containers::menu::{MenuConfig, menu_style};
use egui::{
    Button, Color32, Key, MenuBar, Modifiers, Popup, Response, RichText, Role, Stroke, Style, Ui, WidgetInfo, vec2,
};

use crate::app::commands::{CommandState, Menu, UserCommand};
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::shortcuts::in_words;
use crate::app::theme::{Theme, icons};
use crate::storage::RecentProject;
use crate::words::shortened_left;

/// Width of the button of the command palette.
const COMMANDS: f32 = 170.0;

/// Draws the menu bar.
pub fn menu_bar_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &CommandState<'_>,
    recent: &[RecentProject],
    sender: &mut CommandSender,
) {
    let config = MenuConfig::new().style(style(theme, vec2(theme.space.s, theme.space.xs)));
    MenuBar::new().style(style(theme, vec2(theme.space.s, 2.0))).config(config).ui(ui, |ui| {
        let titles = Menu::ALL.map(|menu| {
            let shown = ui.menu_button(menu.title(), |ui| {
                ui.set_min_width(260.0);
                menu_ui(ui, theme, menu, state, recent, sender);
            });
            shown.response
        });
        open_by_key(ui, &titles);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let keys = UserCommand::Palette.shortcuts();
            let hint = keys.first().map(|keys| in_words(ui.ctx(), *keys)).unwrap_or_default();
            // In a narrow window the icon says it alone.
            let button = if ui.available_width() < COMMANDS {
                Button::new(theme.small(icons::MAGNIFYING_GLASS))
            } else {
                let text = theme.small(format!("{}  Search", icons::MAGNIFYING_GLASS));
                Button::new(text).shortcut_text(theme.small(hint))
            };
            let button = button.frame_when_inactive(false);
            let response = ui.add(button).accessible_name("Open the search");
            if response.on_hover_text(UserCommand::Palette.tooltip()).clicked() {
                sender.user(UserCommand::Palette);
            }
        });
    });
}

/// Menus without frames, but with a ring around what has the focus.
fn style(theme: &Theme, padding: egui::Vec2) -> impl Fn(&mut Style) + Send + Sync + 'static + use<> {
    let ring = Stroke::new(2.0, theme.palette.accent);
    move |style: &mut Style| {
        menu_style(style);
        style.spacing.button_padding = padding;
        style.visuals.widgets.active.bg_stroke = ring;
    }
}

/// F10 opens the first menu, Alt and the first letter of a menu's name opens that menu, and the arrows move between them.
fn open_by_key(ui: &Ui, titles: &[Response]) {
    let ctx = ui.ctx();
    // The menu left by an arrow key takes the focus back in the frame after.
    let opened = ui.make_persistent_id("opened by key");
    if let Some(place) = ctx.data_mut(|data| data.remove_temp::<usize>(opened)) {
        titles[place].request_focus();
    }
    let popup = |place: usize| Popup::default_response_id(&titles[place]);
    let open = (0..titles.len()).find(|&place| Popup::is_id_open(ctx, popup(place)));
    let named = ctx.input_mut(|input| {
        if input.consume_key(Modifiers::NONE, Key::F10) {
            return Some(0);
        }
        // On a Mac, Alt and a letter is another letter.
        let is_letter = |menu: &Menu, input: &mut egui::InputState| input.consume_key(Modifiers::ALT, menu.letter());
        Menu::ALL.iter().position(|menu| !cfg!(target_os = "macos") && is_letter(menu, input))
    });
    let beside = open.filter(|&place| titles[place].has_focus()).and_then(|place| {
        let by = ctx.input_mut(|input| {
            let mut pressed = |key| usize::from(input.consume_key(Modifiers::NONE, key));
            pressed(Key::ArrowRight) + (titles.len() - 1) * pressed(Key::ArrowLeft)
        });
        (by > 0).then_some((place + by) % titles.len())
    });
    let Some(wanted) = named.or(beside) else { return };
    if named.is_some() && open == Some(wanted) {
        Popup::close_all(ctx);
        return;
    }
    Popup::open_id(ctx, popup(wanted));
    titles[wanted].request_focus();
    ctx.data_mut(|data| data.insert_temp(opened, wanted));
    ctx.request_repaint();
}

fn menu_ui(
    ui: &mut Ui,
    theme: &Theme,
    menu: Menu,
    state: &CommandState<'_>,
    recent: &[RecentProject],
    sender: &mut CommandSender,
) {
    for command in UserCommand::ALL.into_iter().filter(|command| command.menu() == menu) {
        if command.begins_group() {
            ui.separator();
        }
        if entry_ui(ui, theme, command, state).clicked() {
            sender.user(command);
            ui.close();
        }
        if command == UserCommand::Open {
            recent_ui(ui, theme, recent, sender);
        }
    }
}

/// The column of ticks in front of every entry.
fn tick(theme: &Theme, is_on: bool) -> RichText {
    RichText::new(icons::CHECK).color(if is_on { theme.palette.accent } else { Color32::TRANSPARENT })
}

fn entry_ui(ui: &mut Ui, theme: &Theme, command: UserCommand, state: &CommandState<'_>) -> Response {
    let blocked = command.blocked(state);
    let is_on = command.is_on(state);
    let title = command.title(state);
    let mut button = Button::new((tick(theme, is_on == Some(true)), title.clone()));
    if let Some(shortcut) = command.shortcuts().first() {
        button = button.shortcut_text(in_words(ui.ctx(), *shortcut));
    }
    let response = ui.add_enabled(blocked.is_none(), button);
    let enabled = blocked.is_none();
    response.widget_info(|| match is_on {
        Some(is_on) => WidgetInfo::selected(Role::MenuItemRadio, enabled, is_on, &title),
        None => WidgetInfo::labeled(Role::MenuItem, enabled, &title),
    });
    response.on_hover_text(command.tooltip()).on_disabled_hover_text(blocked.unwrap_or_default())
}

fn recent_ui(ui: &mut Ui, theme: &Theme, recent: &[RecentProject], sender: &mut CommandSender) {
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button((tick(theme, false), "Open recent"), |ui| {
            for RecentProject { folder, name, .. } in recent {
                let button = Button::new(name).right_text(theme.small(short(folder)));
                if ui.add(button).on_hover_text(folder.display().to_string()).clicked() {
                    sender.send(AppCommand::OpenProject(folder.clone()));
                    ui.close();
                }
            }
        });
    });
}

/// The parent of a project's folder, shortened from the left.
fn short(folder: &std::path::Path) -> String {
    let parent = folder.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
    shortened_left(&parent, 36)
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{app, picture, press, settle};
    use crate::storage::ThemeChoice;

    #[test]
    fn long_paths_are_shortened_from_the_left() {
        assert_eq!(short(std::path::Path::new("/home/a/project")), "/home/a");
        let long = short(std::path::Path::new("/home/somebody/with/a/very/long/path/to/their/projects/project"));
        assert!(long.starts_with('…') && long.ends_with("/projects"));
        assert_eq!(long.chars().count(), 36);
    }

    #[test]
    fn menus_open_and_close_by_key() {
        let (mut window, _folder) = app(ThemeChoice::Dark, 2.0);
        settle(&mut window);
        press(&mut window, Modifiers::ALT, Key::V);
        window.get_by_label("Zoom in");
        picture("menu-view", &mut window);
        press(&mut window, Modifiers::NONE, Key::ArrowRight);
        window.get_by_label("About Hone");
        assert!(window.query_by_label("Zoom in").is_none(), "only one menu is open");
        press(&mut window, Modifiers::NONE, Key::Escape);
        assert!(window.query_by_label("About Hone").is_none());
        press(&mut window, Modifiers::NONE, Key::F10);
        window.get_by_label("Duplicate project…");
        press(&mut window, Modifiers::NONE, Key::ArrowDown);
        press(&mut window, Modifiers::NONE, Key::F10);
        assert!(window.query_by_label("Duplicate project…").is_none());
    }

    #[test]
    fn the_theme_in_use_is_ticked() {
        let (mut window, _folder) = app(ThemeChoice::Dark, 1.0);
        settle(&mut window);
        press(&mut window, Modifiers::ALT, Key::V);
        let ticked = |name| {
            use egui_kittest::kittest::NodeT;
            let entry = window.get_by_role_and_label(Role::MenuItemRadio, name);
            entry.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
        };
        assert!(ticked("Theme: dark") && !ticked("Theme: light"));
    }
}
