//! Notifications: shown briefly in a corner, and kept so that they can be read again.

use std::time::{Duration, Instant};

use egui::{Align2, Area, CornerRadius, Frame, Id, Margin, Order, RichText, Stroke, Ui, vec2};

use crate::app::context::Notice;
use crate::app::shell::footer::footer_height;
use crate::app::theme::{Theme, Tone, icons};
use crate::app::widgets::{icon_button, tone_icon};

/// How long a success or a piece of information is shown. Warnings and errors stay until dismissed.
const SHOWN: Duration = Duration::from_secs(6);
/// Notifications kept.
const LIMIT: usize = 100;
/// Notifications shown at the same time.
const AT_ONCE: usize = 3;

/// All notifications since Hone started, oldest first.
#[derive(Debug, Default)]
pub struct Notices {
    all: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    notice: Notice,
    at: Instant,
    dismissed: bool,
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

    fn add(&mut self, notice: Notice, is_passing: bool) {
        self.all.push(Entry { notice, at: Instant::now(), dismissed: false, is_passing });
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

    /// Draws the current notifications in the lower right corner, above the footer.
    pub fn toasts_ui(&mut self, ui: &Ui, theme: &Theme) {
        let stays = |tone| matches!(tone, Tone::Danger | Tone::Warning);
        for entry in &mut self.all {
            entry.dismissed |= !stays(entry.notice.tone) && entry.at.elapsed() > SHOWN;
        }
        let shown: Vec<usize> =
            (0..self.all.len()).rev().filter(|&place| !self.all[place].dismissed).take(AT_ONCE).collect();
        if shown.is_empty() {
            return;
        }
        let offset = vec2(-theme.space.l, -theme.size.bar - footer_height(theme) - theme.space.s);
        Area::new(Id::unique("toasts")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, offset).show(
            ui.ctx(),
            |ui| {
                ui.set_width(360.0);
                for &place in shown.iter().rev() {
                    let entry = &mut self.all[place];
                    entry.dismissed |= toast_ui(ui, theme, &entry.notice);
                }
            },
        );
        ui.ctx().request_repaint_after(Duration::from_millis(500));
    }
}

/// Draws one; returns whether it was dismissed.
fn toast_ui(ui: &mut Ui, theme: &Theme, notice: &Notice) -> bool {
    Frame::new()
        .fill(theme.palette.card)
        .stroke(Stroke::new(1.0, theme.palette.border_strong))
        .corner_radius(CornerRadius::same(theme.radius.large))
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin::same(theme.space.m as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                ui.label(RichText::new(tone_icon(notice.tone)).color(theme.ink(notice.tone)).size(theme.text.heading));
                let width = ui.available_width() - theme.size.control;
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing.y = theme.space.xs;
                    ui.add(egui::Label::new(theme.strong(&notice.title)).wrap());
                    if !notice.body.is_empty() {
                        ui.add(egui::Label::new(theme.muted(&notice.body)).wrap());
                    }
                });
                icon_button(ui, theme, icons::X, "Dismiss").clicked()
            })
            .inner
        })
        .inner
}
