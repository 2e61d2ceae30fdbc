//! What the desktop tells a person who looks at something else: that training has ended, with what.

use egui::{Context, UserAttentionType, ViewportCommand};

use crate::notification;

/// News for the desktop, until the end of the frame.
#[derive(Debug, Default)]
pub struct DesktopNews(Option<(String, String)>);

impl DesktopNews {
    /// Something that took long has ended.
    pub fn ended(&mut self, title: &str, body: &str) {
        self.0 = Some((title.to_owned(), body.to_owned()));
    }

    /// Tells it by `show`, which gets a title and a text, unless the person sees the window anyway.
    pub fn tell(&mut self, ctx: &Context, show: impl FnOnce(String, String)) {
        let Some((title, body)) = self.0.take() else { return };
        // A system that does not say whether the window has the focus is not bothered.
        if ctx.input(|input| input.viewport().focused) == Some(false) {
            ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Informational));
            show(title, body);
        }
    }
}

/// Shows a desktop notification from another thread: some desktops take seconds to answer.
pub fn show(title: String, body: String) {
    let notify = move || notification::show(&title, &body);
    drop(std::thread::Builder::new().name("notification".to_owned()).spawn(notify));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands to the window, and what the desktop shows, in a frame in which training has ended.
    fn told(focused: Option<bool>) -> (Vec<ViewportCommand>, Vec<String>) {
        let ctx = Context::default();
        let mut input = egui::RawInput::default();
        input.viewports.entry(egui::ViewportId::ROOT).or_default().focused = focused;
        let mut news = DesktopNews::default();
        news.ended("Training finished", "Macro-F1 0.79");
        let mut shown = Vec::new();
        let mut output = ctx.run_ui(input, |ui| {
            news.tell(ui.ctx(), |title, body| shown.extend([title, body]));
            news.tell(ui.ctx(), |_, _| panic!("it is told once"));
        });
        output.textures_delta.clear();
        let commands = output.viewport_output.into_values().flat_map(|viewport| viewport.commands);
        let calls = commands.filter(|command| matches!(command, ViewportCommand::RequestUserAttention(_)));
        (calls.collect(), shown)
    }

    #[test]
    fn only_a_person_who_looks_elsewhere_is_called() {
        let called = ViewportCommand::RequestUserAttention(UserAttentionType::Informational);
        let shown = ["Training finished", "Macro-F1 0.79"].map(str::to_owned).to_vec();
        assert_eq!(told(Some(false)), (vec![called], shown));
        assert_eq!(told(Some(true)), (Vec::new(), Vec::new()));
        assert_eq!(told(None), (Vec::new(), Vec::new()));
    }
}
