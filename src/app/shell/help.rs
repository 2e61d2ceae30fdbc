//! Help pages: shortcuts, about, notifications.

use std::time::Duration;

use egui::{Grid, ScrollArea, Ui};

use crate::app::commands::{Menu, UserCommand};
use crate::app::shell::Notices;
use crate::app::shortcuts::in_words;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::banner;
use crate::words::counted;

/// Width of the column of keys.
const KEYS: f32 = 180.0;

/// Height of the scroll area, so that the dialog's heading and buttons stay in the window.
fn height(ui: &Ui) -> f32 {
    440.0_f32.min(ui.ctx().content_rect().height() - 220.0)
}

/// Lists all keyboard shortcuts, from the command table.
pub(super) fn shortcuts_ui(ui: &mut Ui, theme: &Theme) {
    ScrollArea::vertical().max_height(height(ui)).auto_shrink([false, true]).show(ui, |ui| {
        for menu in Menu::ALL {
            let commands = UserCommand::ALL.into_iter().filter(|command| command.menu() == menu);
            let rows: Vec<_> = commands.filter(|command| !command.shortcuts().is_empty()).collect();
            if rows.is_empty() {
                continue;
            }
            ui.label(theme.small(menu.title()));
            let keys = KEYS.min((ui.available_width() - theme.space.xl) / 2.0);
            Grid::new(menu.title()).num_columns(2).min_col_width(keys).spacing([theme.space.xl, 0.0]).show(ui, |ui| {
                for command in rows {
                    let shortcuts = command.shortcuts();
                    let keys: Vec<String> = shortcuts.iter().map(|keys| in_words(ui.ctx(), *keys)).collect();
                    ui.label(theme.strong(keys.join("  or  ")));
                    ui.label(command.text()).on_hover_text(command.tooltip());
                    ui.end_row();
                }
            });
            ui.add_space(theme.space.s);
        }
        ui.label(theme.small("Everywhere: Tab and Shift+Tab move between controls; Space or Enter presses them"));
    });
}

/// Version, licences and where Hone keeps its files.
pub(super) fn about_ui(ui: &mut Ui, theme: &Theme) {
    ui.label(format!("Version {}", env!("CARGO_PKG_VERSION")));
    ui.label(env!("CARGO_PKG_DESCRIPTION"));
    ui.add_space(theme.space.s);
    let licence = concat!("Licence: ", env!("CARGO_PKG_LICENSE"), ". Fonts: Inter (OFL 1.1), Phosphor Icons (MIT).");
    ui.add(egui::Label::new(theme.muted(licence)).wrap());
    ui.add_space(theme.space.s);
    for (what, folder) in
        [("Settings", crate::storage::config_folder()), ("Downloaded models", crate::storage::cache_folder())]
    {
        if let Some(folder) = folder {
            let text = format!("{what}: {}", folder.display());
            ui.add(egui::Label::new(theme.small(text)).wrap().selectable(true));
        }
    }
}

/// Notifications since Hone started, newest first.
pub(super) fn notifications_ui(ui: &mut Ui, theme: &Theme, notices: &Notices) {
    if notices.len() == 0 {
        ui.label(theme.muted(format!("{}  No notifications yet", icons::BELL)));
        return;
    }
    ScrollArea::vertical().max_height(height(ui)).auto_shrink([false, true]).show(ui, |ui| {
        for (notice, ago) in notices.newest_first() {
            banner(ui, theme, notice.tone, &notice.title, &notice.body, |ui| {
                ui.label(theme.small(how_long(ago)));
            });
        }
    });
}

/// "6 minutes ago".
fn how_long(ago: Duration) -> String {
    let minutes = ago.as_secs() / 60;
    match minutes {
        0 => "Just now".to_owned(),
        1..60 => format!("{} ago", counted(minutes, "minute", "minutes")),
        _ => format!("{} ago", counted(minutes / 60, "hour", "hours")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_one_unit() {
        let told = [5, 70, 357, 4000, 90_000].map(|seconds| how_long(Duration::from_secs(seconds)));
        assert_eq!(told, ["Just now", "1 minute ago", "5 minutes ago", "1 hour ago", "25 hours ago"]);
    }
}
