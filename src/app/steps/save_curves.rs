//! The menu that saves the curves of runs.

use std::path::{Path, PathBuf};

use egui::Ui;

use crate::app::messages::{AppCommand, CommandSender, CurvesFile, Pick};
use crate::app::theme::{Theme, icons};
use crate::worker::CurvesFormat;

/// Draws a button with a menu of the formats that the curves of a run can be saved in.
pub fn save_curves_ui(ui: &mut Ui, theme: &Theme, run: &Path, sender: &mut CommandSender) {
    save_several_ui(ui, theme, &[run.to_owned()], sender);
}

/// The same for the curves of several runs in one file.
pub fn save_several_ui(ui: &mut Ui, theme: &Theme, runs: &[PathBuf], sender: &mut CommandSender) {
    let shown = ui.menu_button(format!("{} Save curves…", icons::FLOPPY_DISK), |ui| {
        ui.set_min_width(200.0);
        for format in CurvesFormat::ALL {
            let hover = match format {
                CurvesFormat::Svg => "Sharp at any size: for documents and the web",
                CurvesFormat::Png => "For programs that open no SVG, such as e-mail",
                CurvesFormat::Csv => "The values of every step and evaluation, neither smoothed nor thinned",
            };
            if ui.button(format!("{}…", format.title())).on_hover_text(hover).clicked() {
                sender.send(AppCommand::Pick(Pick::Curves(CurvesFile { runs: runs.to_vec(), format })));
            }
        }
    });
    shown
        .response
        .accessible_name("Save curves…")
        .on_hover_text("Save the loss and the metrics as a picture or a table");
    ui.add_space(theme.space.xs);
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::testing::{picture, theme, window};

    #[test]
    fn curves_are_saved_in_the_chosen_format() {
        let runs = vec![PathBuf::from("shop/runs/1"), PathBuf::from("shop/runs/2")];
        let asked = runs.clone();
        let mut harness = window(false, CommandSender::default(), move |ui, sender| {
            save_several_ui(ui, &theme(false), &runs, sender);
        });
        harness.run();
        harness.get_by_label("Save curves…").click();
        harness.run();
        picture("save-curves", &mut harness);
        harness.get_by_label("PNG picture…").click();
        harness.run();
        let file = CurvesFile { runs: asked, format: CurvesFormat::Png };
        assert_eq!(harness.state_mut().take(), [AppCommand::Pick(Pick::Curves(file))]);
    }
}
