//! The table of a study's runs.

use egui::{Grid, RichText, ScrollArea, Ui};

use crate::app::theme::{Theme, icons};

/// A table; rows that stand out are marked as the best.
pub fn table_ui(ui: &mut Ui, theme: &Theme, key: &str, head: &[&str], rows: &[(Vec<String>, bool)]) {
    ScrollArea::horizontal().id_salt(key).show(ui, |ui| {
        Grid::new(key).striped(true).spacing([theme.space.l, theme.space.s]).show(ui, |ui| {
            for title in head {
                ui.label(theme.small(*title));
            }
            ui.end_row();
            for (cells, stands_out) in rows {
                for (place, cell) in cells.iter().enumerate() {
                    let text = RichText::new(cell).color(theme.palette.text);
                    if *stands_out && place == 0 {
                        ui.label(text.strong()).on_hover_text("Best");
                    } else {
                        ui.label(if *stands_out { text.strong() } else { text });
                    }
                }
                if *stands_out {
                    ui.label(RichText::new(icons::TROPHY).color(theme.palette.success)).on_hover_text("Best");
                }
                ui.end_row();
            }
        });
    });
}
