//! The help window: contents, search, and one topic at a time. It stays open beside the page.

use egui::text::{LayoutJob, TextFormat};
use egui::{Context, FontId, Key, Label, Modifiers, ScrollArea, TextEdit, Ui, Window};

use crate::app::help::{self, Page, Part, Topic};
use crate::app::shell::dialogs::dialog_frame;
use crate::app::theme::{Theme, icons, strong_family};
use crate::app::widgets::{button, heading_ui, icon_button};

/// Size of the window.
const SIZE: [f32; 2] = [420.0, 560.0];
/// Most of the height of the screen that it takes at first.
const SHARE: f32 = 0.5;

/// The help window, open or not.
#[derive(Debug, Default)]
pub struct HelpWindow {
    open: bool,
    /// What is shown, and what was shown before it; empty shows the contents.
    visited: Vec<Topic>,
    query: String,
    /// Whether the search field gets the focus in the next frame.
    focus: bool,
}

impl HelpWindow {
    /// Opens the window at a topic, or at its contents.
    pub fn show(&mut self, topic: Option<Topic>) {
        self.open = true;
        self.focus = true;
        self.query.clear();
        match topic {
            Some(topic) => self.go(topic),
            None => self.visited.clear(),
        }
    }

    fn go(&mut self, topic: Topic) {
        self.query.clear();
        if self.visited.last() != Some(&topic) {
            self.visited.push(topic);
        }
    }

    /// Draws it if it is open, or if any widget asked for a topic.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme) {
        if let Some(topic) = help::asked_for(ctx) {
            self.show(Some(topic));
        }
        if !self.open {
            return;
        }
        let screen = ctx.content_rect();
        let size = egui::vec2(SIZE[0].min(screen.width() - 32.0), SIZE[1].min(screen.height() * SHARE));
        // In the corner where the fewest buttons are: what controls a run is at the top of the page.
        let place = screen.right_bottom() - egui::vec2(24.0, 96.0);
        let mut open = true;
        Window::new("Help")
            .open(&mut open)
            .collapsible(false)
            .default_size(size)
            .default_pos(place)
            .pivot(egui::Align2::RIGHT_BOTTOM)
            .min_width(280.0)
            .frame(dialog_frame(theme, theme.space.m))
            .show(ctx, |ui| self.contents_ui(ui, theme));
        if ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            open = false;
        }
        self.open = open;
    }

    fn contents_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        ui.horizontal(|ui| {
            let back =
                ui.add_enabled_ui(!self.visited.is_empty(), |ui| icon_button(ui, theme, icons::ARROW_LEFT, "Back"));
            if back.inner.clicked() {
                self.visited.pop();
                self.query.clear();
            }
            if button(ui, theme, "", "Contents").clicked() {
                self.visited.clear();
                self.query.clear();
            }
            let field = TextEdit::singleline(&mut self.query).hint_text("Search the help");
            let margin = egui::vec2(theme.space.s, 6.0);
            let field = ui.add(field.desired_width(ui.available_width() - 2.0 * margin.x).margin(margin));
            let field = field.accessible_name("Search the help");
            if std::mem::take(&mut self.focus) {
                field.request_focus();
            }
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if let Some(first) = help::search(&self.query).first().filter(|_| entered && !self.query.trim().is_empty())
            {
                self.go(*first);
            }
        });
        ui.add_space(theme.space.s);
        let shown = (self.visited.last().copied(), self.query.clone());
        ScrollArea::vertical().id_salt(shown).auto_shrink([false, false]).show(ui, |ui| {
            let query = self.query.trim().to_owned();
            match self.visited.last().copied() {
                _ if !query.is_empty() => self.found_ui(ui, theme, &query),
                Some(topic) => {
                    if let Some(other) = topic_ui(ui, theme, topic) {
                        self.go(other);
                    }
                }
                None => self.list_ui(ui, theme),
            }
        });
    }

    fn found_ui(&mut self, ui: &mut Ui, theme: &Theme, query: &str) {
        let found = help::search(query);
        if found.is_empty() {
            ui.label(theme.muted("Nothing found. Try another word"));
        }
        for topic in found {
            ui.horizontal_wrapped(|ui| {
                if ui.link(topic.title()).clicked() {
                    self.go(topic);
                }
                ui.label(theme.small(topic.kind()));
            });
        }
    }

    /// All topics, by kind.
    fn list_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let mut kind = "";
        for topic in help::topics() {
            if topic.kind() != kind {
                kind = topic.kind();
                ui.add_space(theme.space.s);
                ui.label(theme.strong(if kind == "Page" { "Pages" } else { kind }));
            }
            if ui.link(topic.title()).clicked() {
                self.go(topic);
            }
        }
    }
}

/// One topic. Returns the one whose link was clicked.
fn topic_ui(ui: &mut Ui, theme: &Theme, topic: Topic) -> Option<Topic> {
    if matches!(topic, Topic::Chart(_)) {
        ui.label(theme.small(topic.kind()));
    }
    heading_ui(ui, theme, topic.title());
    ui.add_space(theme.space.xs);
    match topic {
        Topic::Page(page) => {
            page_ui(ui, theme, page);
            None
        }
        Topic::Chart(_) | Topic::Term(_) => {
            ui.add(Label::new(topic.text()).wrap().selectable(true));
            see_also(ui, theme, topic)
        }
    }
}

/// Links to the other terms that an explanation uses.
fn see_also(ui: &mut Ui, theme: &Theme, topic: Topic) -> Option<Topic> {
    let others = help::terms_in(topic.text()).into_iter().map(Topic::Term).filter(|other| *other != topic);
    let others: Vec<Topic> = others.collect();
    if others.is_empty() {
        return None;
    }
    ui.add_space(theme.space.s);
    ui.horizontal_wrapped(|ui| {
        ui.label(theme.small("See also"));
        others
            .into_iter()
            .fold(None, |chosen, other| if ui.link(other.title()).clicked() { Some(other) } else { chosen })
    })
    .inner
}

fn page_ui(ui: &mut Ui, theme: &Theme, page: Page) {
    for part in page.parts() {
        match part {
            Part::Heading(text) => {
                ui.add_space(theme.space.s);
                ui.label(theme.strong(text));
            }
            Part::Item(text) => {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = theme.space.s;
                    ui.label("•");
                    ui.add(Label::new(emphasised(theme, text)).wrap());
                });
            }
            Part::Paragraph(text) => {
                ui.add(Label::new(emphasised(theme, text)).wrap());
            }
        }
    }
}

/// A text with the parts between asterisks, or between backticks, emphasised.
fn emphasised(theme: &Theme, text: &str) -> LayoutJob {
    let mut job = LayoutJob::default();
    let plain = theme.font(theme.text.body);
    let strong = FontId::new(theme.text.body, strong_family());
    for (place, part) in text.split(['*', '`']).enumerate() {
        let font = if place % 2 == 0 { plain.clone() } else { strong.clone() };
        job.append(part, 0.0, TextFormat::simple(font, theme.palette.text));
    }
    job
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::help::Term;
    use crate::app::testing::{app, hone, picture, press, settle, theme};
    use crate::storage::ThemeChoice;

    #[test]
    fn f1_opens_the_page_of_the_step_and_escape_closes_it() {
        for (name, choice) in [("light", ThemeChoice::Light), ("dark", ThemeChoice::Dark)] {
            let (mut window, _folder) = app(choice, 1.0);
            settle(&mut window);
            press(&mut window, Modifiers::NONE, Key::F1);
            window.get_by_label("Open the table you want to learn from, and say what each column is.");
            picture(&format!("help-page-{name}"), &mut window);
            window.get_by_label("Search the help").type_text("warm");
            settle(&mut window);
            picture(&format!("help-search-{name}"), &mut window);
            window.get_by_label("Warm-up").click();
            settle(&mut window);
            window.get_by_label(Term::WarmUp.text());
            window.check_accessibility();
            press(&mut window, Modifiers::NONE, Key::Escape);
            assert!(window.query_by_label(Term::WarmUp.text()).is_none());
        }
    }

    #[test]
    fn the_contents_list_every_topic_and_back_returns_to_them() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        hone(&mut window).help.show(None);
        settle(&mut window);
        picture("help-contents", &mut window);
        window.get_by_label("Getting started").click();
        settle(&mut window);
        window.get_by_label("Does my data leave this computer?");
        window.get_by_label("Back").click();
        settle(&mut window);
        window.get_by_label("Getting started");
    }

    #[test]
    fn the_help_fits_into_a_small_window_at_twice_the_size() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        hone(&mut window).state.settings.zoom = 2.0;
        hone(&mut window).apply_settings();
        hone(&mut window).help.show(Some(Topic::Page(Page::Start)));
        settle(&mut window);
        picture("help-large", &mut window);
        let inside = window.ctx.content_rect();
        for name in ["Search the help", "Contents", "Getting started"] {
            let rect = window.get_by_label(name).rect();
            assert!(inside.contains_rect(rect), "{name} at {rect:?} in {inside:?}");
        }
    }

    #[test]
    fn an_explanation_leads_to_the_terms_it_uses() {
        let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        hone(&mut window).help.show(Some(Topic::Term(Term::MacroF1)));
        settle(&mut window);
        picture("help-see-also", &mut window);
        window.get_by_label("F1").click();
        settle(&mut window);
        window.get_by_label(Term::F1.text());
        window.get_by_label("Back").click();
        settle(&mut window);
        window.get_by_label(Term::MacroF1.text());
    }

    #[test]
    fn emphasis_marks_are_not_shown() {
        let job = emphasised(&theme(false), "Press *Start training*, or run `hone train`.");
        assert_eq!(job.text, "Press Start training, or run hone train.");
    }
}
