//! A text that a person types, sent to the model when typing pauses.

use egui::{Response, TextEdit, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::worker::RunResults;

/// Seconds without typing before the text is sent.
const QUIET: f64 = 0.25;

/// The text, and what was last asked of it.
#[derive(Debug, Default)]
pub(super) struct TypedText {
    pub text: String,
    /// When the text last changed, in seconds of the window's clock.
    pub changed: Option<f64>,
    /// The last request: the run and the text.
    asked: Option<(String, String)>,
}

impl TypedText {
    /// Draws the field.
    pub fn field_ui(&mut self, ui: &mut Ui, ctx: &StepContext<'_>, rows: usize, hint: &'static str) -> Response {
        let edit = TextEdit::multiline(&mut self.text)
            .id_salt("text")
            .desired_rows(rows)
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::same(ctx.theme.space.s as i8));
        let field = ui.add(edit.hint_text(hint));
        if field.changed() {
            self.changed = Some(ui.input(|input| input.time));
        }
        field
    }

    /// Sends the text once typing pauses, and again when another run is selected.
    pub fn ask(
        &mut self,
        ui: &Ui,
        results: &RunResults,
        sender: &mut CommandSender,
        command: impl FnOnce(String) -> AppCommand,
    ) {
        let text = self.text.trim();
        let question = (results.summary.run.clone(), text.to_owned());
        if text.is_empty() || self.asked.as_ref() == Some(&question) {
            return;
        }
        let quiet = self.changed.map_or(QUIET, |changed| ui.input(|input| input.time) - changed);
        if quiet < QUIET {
            ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(QUIET - quiet));
            return;
        }
        sender.send(command(text.to_owned()));
        self.asked = Some(question);
    }
}
