//! A change to the label set, previewed with its row counts.

use egui::{CornerRadius, Frame, Key, Label, Margin, RichText, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::steps::labels::label_edits::{LabelRow, rename, set_excluded};
use crate::app::theme::icons;
use crate::app::widgets::button;
use crate::project::LabelSettings;
use crate::words::{count, counted};

/// A change to the label set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelChange {
    /// Rename a label. If the name is taken, the two are merged.
    Rename {
        /// The label.
        from: String,
        /// Its new name.
        to: String,
    },
    /// Exclude a label's rows.
    LeaveOut(String),
    /// Include them again.
    Use(String),
}

impl LabelChange {
    /// The settings after the change.
    #[must_use]
    pub fn apply(&self, settings: &LabelSettings, rows: &[LabelRow]) -> LabelSettings {
        match self {
            Self::Rename { from, to } => rename(settings, rows, from, to),
            Self::LeaveOut(name) => set_excluded(settings, name, true),
            Self::Use(name) => set_excluded(settings, name, false),
        }
    }

    /// A sentence with the row counts after the change; `None` if it changes nothing.
    #[must_use]
    pub fn preview(&self, rows: &[LabelRow]) -> Option<String> {
        let row = |name: &str| rows.iter().find(|row| row.name == name);
        let used: u64 = rows.iter().filter(|row| !row.excluded).map(|row| row.rows).sum();
        match self {
            Self::Rename { from, to } => {
                let (to, from) = (to.trim(), row(from)?);
                if to.is_empty() || to == from.name {
                    return None;
                }
                let Some(other) = row(to) else {
                    return Some(format!("Rename {} to {to}: {}", from.name, counted(from.rows, "row", "rows")));
                };
                let sum = counted(other.rows + from.rows, "row", "rows");
                let sum = format!("{} + {} = {sum}", count(other.rows), count(from.rows));
                let left_out = if other.excluded { ", all excluded because you excluded " } else { "" };
                let of = if other.excluded { other.name.as_str() } else { "" };
                Some(format!("Merge {} into {}: {sum}{left_out}{of}", from.name, other.name))
            }
            Self::LeaveOut(name) => {
                let rows = row(name)?.rows;
                let left = counted(used.saturating_sub(rows), "row left", "rows left");
                Some(format!("Exclude {name}: {} − {} = {left}", count(used), count(rows)))
            }
            Self::Use(name) => {
                let rows = row(name)?.rows;
                let all = counted(used + rows, "row", "rows");
                Some(format!("Include {name}: {} + {} = {all}", count(used), count(rows)))
            }
        }
    }

    /// Text of the button that applies it.
    fn verb(&self, rows: &[LabelRow]) -> &'static str {
        match self {
            Self::Rename { to, .. } if rows.iter().any(|row| row.name == to.trim()) => "Merge",
            Self::Rename { .. } => "Rename",
            Self::LeaveOut(_) => "Exclude",
            Self::Use(_) => "Include",
        }
    }
}

/// The change being previewed, until it is applied or cancelled.
#[derive(Debug, Default)]
pub struct PendingChange {
    change: Option<LabelChange>,
    /// Its button has been focused.
    focused: bool,
}

impl PendingChange {
    /// Previews a change, unless it changes nothing.
    pub fn ask(&mut self, change: LabelChange, rows: &[LabelRow]) {
        *self = Self { change: change.preview(rows).is_some().then_some(change), focused: false };
    }

    /// Cancels the change.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Draws the preview, with buttons to apply and to cancel.
    pub fn ui(&mut self, ui: &mut Ui, ctx: &StepContext<'_>, rows: &[LabelRow], sender: &mut CommandSender) {
        let Some(change) = self.change.clone() else { return };
        let Some(preview) = change.preview(rows) else { return self.clear() };
        let (mut done, mut dropped) = (false, ui.input(|input| input.key_pressed(Key::Escape)));
        preview_ui(ui, ctx, &preview, |ui| {
            let apply = button(ui, ctx.theme, icons::CHECK, change.verb(rows));
            if !self.focused {
                apply.request_focus();
                self.focused = true;
            }
            done = apply.on_hover_text("You can undo this").clicked();
            dropped |= button(ui, ctx.theme, icons::X, "Cancel").clicked();
        });
        if done {
            sender.edit(Edit::Labels(change.apply(ctx.project.labels(), rows)));
        }
        if done || dropped {
            self.clear();
        }
    }
}

/// Draws a preview: a sentence on a tinted background, and buttons.
pub fn preview_ui(ui: &mut Ui, ctx: &StepContext<'_>, text: &str, actions: impl FnOnce(&mut Ui)) {
    let theme = ctx.theme;
    Frame::new()
        .fill(theme.palette.accent_soft)
        .corner_radius(CornerRadius::same(theme.radius.medium))
        .inner_margin(Margin::same(theme.space.s as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                ui.add(Label::new(RichText::new(text).color(theme.palette.text)).wrap());
                actions(ui);
            });
        });
    ui.add_space(theme.space.xs);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<LabelRow> {
        let row = |name: &str, rows, excluded| LabelRow {
            name: name.to_owned(),
            rows,
            sources: vec![(name.to_owned(), rows)],
            excluded,
        };
        vec![row("negative", 9_178, false), row("neutral", 3_099, false), row("spam", 1, true)]
    }

    #[test]
    fn every_preview_shows_the_row_counts() {
        let rename =
            |from: &str, to: &str| LabelChange::Rename { from: from.to_owned(), to: to.to_owned() }.preview(&rows());
        assert_eq!(
            rename("neutral", "negative").as_deref(),
            Some("Merge neutral into negative: 9,178 + 3,099 = 12,277 rows")
        );
        assert_eq!(rename("spam", " so-so ").as_deref(), Some("Rename spam to so-so: 1 row"));
        let into = rename("neutral", "spam").unwrap();
        assert_eq!(into, "Merge neutral into spam: 1 + 3,099 = 3,100 rows, all excluded because you excluded spam");
        for nothing in [rename("neutral", " "), rename("neutral", "neutral "), rename("gone", "negative")] {
            assert_eq!(nothing, None);
        }
        let leave = LabelChange::LeaveOut("neutral".to_owned()).preview(&rows());
        assert_eq!(leave.as_deref(), Some("Exclude neutral: 12,277 − 3,099 = 9,178 rows left"));
        let again = LabelChange::Use("spam".to_owned()).preview(&rows());
        assert_eq!(again.as_deref(), Some("Include spam: 12,277 + 1 = 12,278 rows"));
    }

    #[test]
    fn applying_a_change_matches_its_preview() {
        let settings = LabelSettings::default();
        let left_out = LabelChange::LeaveOut("neutral".to_owned()).apply(&settings, &rows());
        assert!(left_out.excluded.contains("neutral"));
        assert_eq!(LabelChange::Use("neutral".to_owned()).apply(&left_out, &rows()), settings);
        let merge = LabelChange::Rename { from: "neutral".to_owned(), to: "negative".to_owned() };
        assert_eq!(merge.apply(&settings, &rows()).resolve("neutral"), "negative");
    }
}
