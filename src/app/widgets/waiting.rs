//! The card shown while something is being prepared.

use egui::{ProgressBar, Ui};

use crate::app::theme::Theme;
use crate::app::widgets::card;
use crate::app::widgets::numbers::{count, duration};
use crate::app::widgets::spinner::spinner;
use crate::progress::Progress;

/// A card with the current task, its progress and the time left.
pub fn waiting_ui(ui: &mut Ui, theme: &Theme, title: &str, progress: Option<&Progress>) {
    card(ui, theme, |ui| {
        ui.horizontal(|ui| {
            spinner(ui, theme.text.heading, theme.palette.accent, title);
            ui.label(theme.heading(title));
        });
        let Some(progress) = progress else { return };
        if let Some(fraction) = progress.fraction() {
            let bar = ProgressBar::new(fraction).desired_height(6.0).fill(theme.palette.accent);
            ui.add(bar).accessible_name(title);
        }
        ui.label(theme.small(describe(progress)));
    });
}

fn describe(progress: &Progress) -> String {
    let mut text = progress.stage.clone();
    if progress.done > 0 {
        let total = progress.total.map(|total| format!(" of {}", count(total))).unwrap_or_default();
        text = format!("{text}  {}{total} {}", count(progress.done), progress.unit);
    }
    if let Some(seconds) = progress.eta_seconds {
        text = format!("{text}  ·  {} left", duration(seconds));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_shows_what_is_known() {
        let mut progress = Progress { stage: "Reading".to_owned(), unit: "rows", ..Progress::default() };
        assert_eq!(describe(&progress), "Reading");
        progress.done = 1_200;
        assert_eq!(describe(&progress), "Reading  1,200 rows");
        progress.total = Some(14_640);
        progress.eta_seconds = Some(3.0);
        assert_eq!(describe(&progress), "Reading  1,200 of 14,640 rows  ·  3 s left");
    }
}
