//! Notifications: shown briefly in a corner, and kept so that they can be read again.

use std::time::{Duration, Instant};

use egui::{Align2, Area, CornerRadius, Frame, Id, Margin, Order, RichText, Stroke, Ui, vec2};

use crate::app::context::Notice;
use crate::app::shell::footer::footer_height;
use crate::app::spoken::set_alert;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{icon_button, tone_icon};

/// How long a notification is shown: longer the more it matters. All of them stay in the list.
fn shown_for(tone: Tone) -> Duration {
    Duration::from_secs(match tone {
        Tone::Neutral | Tone::Accent | Tone::Success => 6,
        Tone::Warning => 30,
        Tone::Danger => 60,
    })
}

/// Between two frames further apart, nobody was looking, such as while the window was hidden.
const LONGEST_FRAME: Duration = Duration::from_secs(1);
/// Greatest width of a notification.
const WIDTH: f32 = 360.0;
/// Below this height of the window, a notification is one line and a short text, so that the page can still be read.
const LOW: f32 = 520.0;
/// Notifications kept.
const LIMIT: usize = 100;
/// Notifications shown at the same time.
const AT_ONCE: usize = 3;

/// All notifications since Hone started, oldest first.
#[derive(Debug, Default)]
pub struct Notices {
    all: Vec<Entry>,
    /// When they were last drawn in the corner.
    drawn: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    notice: Notice,
    at: Instant,
    /// For how long it has been shown.
    shown: Duration,
    dismissed: bool,
    read: bool,
    /// Whether the next notification of this kind takes its place.
    is_passing: bool,
}

impl Notices {
    /// Adds a notification.
    pub fn push(&mut self, notice: Notice) {
        self.add(notice, false);
    }

    /// Adds a notification that the next one of this kind replaces, such as each step of undoing.
    pub fn push_passing(&mut self, notice: Notice) {
        self.all.pop_if(|last| last.is_passing);
        self.add(notice, true);
    }

    /// Adds a notification of what the page shown says itself: to the list alone.
    pub fn push_seen(&mut self, notice: Notice) {
        self.push(notice);
        if let Some(last) = self.all.last_mut() {
            (last.read, last.dismissed) = (true, true);
        }
    }

    fn add(&mut self, notice: Notice, is_passing: bool) {
        self.all.push(Entry {
            notice,
            at: Instant::now(),
            shown: Duration::ZERO,
            dismissed: false,
            read: false,
            is_passing,
        });
        if self.all.len() > LIMIT {
            self.all.remove(0);
        }
    }

    /// All notifications, newest first, each with its age.
    pub fn newest_first(&self) -> impl Iterator<Item = (&Notice, Duration)> {
        self.all.iter().rev().map(|entry| (&entry.notice, entry.at.elapsed()))
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// How many the person has not seen in the list.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.all.iter().filter(|entry| !entry.read).count()
    }

    /// Marks all as read.
    pub fn mark_read(&mut self) {
        for entry in &mut self.all {
            (entry.read, entry.dismissed) = (true, true);
        }
    }

    /// Draws the current notifications in the lower right corner, above the footer.
    pub fn toasts_ui(&mut self, ui: &Ui, theme: &Theme) {
        for entry in &mut self.all {
            entry.dismissed |= entry.shown > shown_for(entry.notice.tone);
        }
        let window = ui.ctx().content_rect();
        let low = window.height() < LOW;
        let at_once = if low { 1 } else { AT_ONCE };
        let shown: Vec<usize> =
            (0..self.all.len()).rev().filter(|&place| !self.all[place].dismissed).take(at_once).collect();
        if shown.is_empty() {
            return;
        }
        let offset = vec2(-theme.space.l, -theme.size.bar - footer_height(theme) - theme.space.s);
        let area = Area::new(Id::unique("toasts")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, offset);
        let drawn = area.show(ui.ctx(), |ui| {
            ui.set_width(if low { WIDTH.min(window.width() * 0.5) } else { WIDTH });
            for &place in shown.iter().rev() {
                let entry = &mut self.all[place];
                let dismissed = toast_ui(ui, theme, &entry.notice, low);
                entry.dismissed |= dismissed;
                entry.read |= dismissed;
            }
        });
        // Time stands still while someone reads with the pointer on them.
        if !drawn.response.contains_pointer() {
            let passed = self.drawn.map_or(Duration::ZERO, |at| at.elapsed().min(LONGEST_FRAME));
            for &place in &shown {
                self.all[place].shown += passed;
            }
        }
        self.drawn = Some(Instant::now());
        ui.ctx().request_repaint_after(Duration::from_millis(500));
    }
}

/// Draws one, whole or in two short lines; returns whether it was dismissed.
fn toast_ui(ui: &mut Ui, theme: &Theme, notice: &Notice, low: bool) -> bool {
    let margin = if low { theme.space.s } else { theme.space.m };
    Frame::new()
        .fill(theme.palette.card)
        .stroke(Stroke::new(1.0, theme.palette.border_strong))
        .corner_radius(CornerRadius::same(theme.radius.large))
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin::same(margin as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            set_alert(ui, notice.tone == Tone::Danger);
            ui.horizontal_top(|ui| {
                ui.label(RichText::new(tone_icon(notice.tone)).color(theme.ink(notice.tone)).size(theme.text.heading));
                let width = ui.available_width() - theme.size.control;
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing.y = if low { 0.0 } else { theme.space.xs };
                    let texts = [theme.strong(&notice.title), theme.muted(&notice.body)];
                    for text in texts.into_iter().filter(|text| !text.is_empty()) {
                        let text = egui::Label::new(text);
                        // What is cut off shows on hover, and in the list.
                        ui.add(if low { text.truncate() } else { text.wrap() });
                    }
                });
                icon_button(ui, theme, icons::X, "Dismiss").clicked()
            })
            .inner
        })
        .inner
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{app, hone, picture, settle};
    use crate::storage::ThemeChoice;

    #[test]
    fn in_a_low_window_a_notification_is_two_lines_that_leave_the_page_in_sight() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        window.set_size(vec2(640.0, 400.0));
        settle(&mut window);
        let body =
            "The file has 12 columns, and none of them is called text. Rename one of them, or choose another file";
        for title in ["The first file", "The second file could not be opened"] {
            let notice = Notice { tone: Tone::Danger, title: title.to_owned(), body: body.to_owned() };
            hone(&mut window).notices.push(notice);
        }
        settle(&mut window);
        picture("toast-low", &mut window);
        assert!(window.query_by_label("The first file").is_none(), "one at a time");
        let [title, body] = ["The second file could not be opened", body].map(|text| window.get_by_label(text).rect());
        assert!(body.bottom() - title.top() < 40.0, "{title:?} {body:?}");
        assert!(title.left() > 320.0, "{title:?}");
    }

    fn notice(title: &str, tone: Tone) -> Notice {
        Notice { tone, title: title.to_owned(), body: String::new() }
    }

    #[test]
    fn notifications_are_unread_until_the_list_is_opened() {
        let mut notices = Notices::default();
        notices.push(notice("Exported", Tone::Success));
        notices.push(notice("No room", Tone::Danger));
        assert_eq!((notices.unread(), notices.len()), (2, 2));
        notices.mark_read();
        assert_eq!((notices.unread(), notices.len()), (0, 2));
    }

    #[test]
    fn the_more_a_notification_matters_the_longer_it_is_shown() {
        let tones = [Tone::Success, Tone::Warning, Tone::Danger].map(shown_for);
        assert!(tones.is_sorted() && tones[0] < tones[2]);
    }
}
