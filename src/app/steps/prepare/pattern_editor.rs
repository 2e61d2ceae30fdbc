//! The person's own find-and-replace patterns: list, add, edit, move, turn off and remove.

use egui::{Button, Label, RichText, TextEdit, Ui, vec2};

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{button, field_label, icon_button};
use crate::data::{CleaningEffect, CleaningPart, Prepared, check_pattern};
use crate::project::Pattern;
use crate::words::{counted, one_line, shortened, upper_first};

/// Width of the buttons to the right of a pattern.
const BESIDE: f32 = 176.0;
/// Most characters shown of each half of a pattern.
const SHOWN: usize = 60;

/// State kept between frames.
#[derive(Debug, Default)]
pub struct PatternsState {
    draft: Option<Draft>,
}

/// A pattern being edited. It is applied as soon as it is valid.
#[derive(Debug)]
struct Draft {
    /// Its position in the list; one past the end until it is valid for the first time.
    place: usize,
    pattern: Pattern,
    /// Why it is not valid.
    error: Option<String>,
    /// It is in the list.
    is_listed: bool,
}

impl PatternsState {
    /// Follows changes to the list from elsewhere, such as undo and redo.
    fn follow(&mut self, patterns: &[Pattern]) {
        let Some(draft) = &mut self.draft else { return };
        match patterns.get(draft.place) {
            Some(pattern) if draft.is_listed && draft.error.is_none() => draft.pattern.clone_from(pattern),
            None if draft.is_listed || draft.place > patterns.len() => self.draft = None,
            _ => {}
        }
    }
}

/// `“Sent from my phone” removed`, `“colour” to “color”`.
pub fn pattern_name(pattern: &Pattern) -> String {
    let side = |text: &str| one_line(&shortened(text, SHOWN), SHOWN);
    let find = side(&pattern.find);
    if pattern.replace.is_empty() {
        return format!("“{find}” removed");
    }
    format!("“{find}” to “{}”", side(&pattern.replace))
}

/// Draws the list. `looked_at` is the cleaning step whose changes are shown next to it.
pub fn patterns_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    prepared: &Prepared,
    state: &mut PatternsState,
    looked_at: &mut Option<CleaningPart>,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let patterns = &ctx.project.cleaning.patterns;
    state.follow(patterns);
    ui.add_space(theme.space.m);
    ui.spacing_mut().item_spacing.y = theme.space.xs;
    ui.label(theme.strong("Find and replace"));
    let hint = "Your own patterns, applied in this order, after the repairs and masks above and before white space is \
                collapsed";
    ui.add(Label::new(theme.small(hint)).wrap());
    for (place, pattern) in patterns.iter().enumerate() {
        ui.push_id(("pattern", place), |ui| {
            let mut list = List { ctx, prepared, state: &mut *state, looked_at: &mut *looked_at, sender: &mut *sender };
            list.row(ui, place, pattern);
        });
    }
    let is_new = state.draft.as_ref().is_some_and(|draft| draft.place == patterns.len());
    if is_new {
        ui.push_id("new pattern", |ui| editor(ui, ctx, state, sender));
    } else if button(ui, theme, icons::PLUS, "Add a pattern").clicked() {
        let draft = Draft { place: patterns.len(), pattern: Pattern::default(), error: None, is_listed: false };
        state.draft = Some(draft);
        *looked_at = Some(CleaningPart::Pattern(patterns.len()));
    }
}

/// Everything a row of the list needs to draw itself.
struct List<'a, 'c> {
    ctx: &'a StepContext<'c>,
    prepared: &'a Prepared,
    state: &'a mut PatternsState,
    looked_at: &'a mut Option<CleaningPart>,
    sender: &'a mut CommandSender,
}

impl List<'_, '_> {
    fn row(&mut self, ui: &mut Ui, place: usize, pattern: &Pattern) {
        let theme = self.ctx.theme;
        let number = place + 1;
        ui.horizontal(|ui| {
            ui.set_min_height(theme.size.row);
            let mut on = pattern.enabled;
            let name = format!("Use pattern {number}");
            if ui.checkbox(&mut on, "").accessible_name(name).on_hover_text("Turn this pattern on or off").changed() {
                self.change(|patterns| patterns[place].enabled = on);
            }
            let text = pattern_name(pattern);
            let ink = if on { theme.palette.text } else { theme.palette.text_muted };
            let width = (ui.available_width() - BESIDE).max(60.0);
            ui.allocate_ui(vec2(width, theme.size.row), |ui| {
                ui.set_min_width(width);
                ui.add(Label::new(RichText::new(&text).color(ink)).truncate()).on_hover_text(&text);
            });
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                self.menu(ui, place);
                if icon_button(ui, theme, icons::PENCIL_SIMPLE, &format!("Edit pattern {number}")).clicked() {
                    let draft = Draft { place, pattern: pattern.clone(), error: None, is_listed: true };
                    self.state.draft = Some(draft);
                    *self.looked_at = Some(CleaningPart::Pattern(place));
                }
                self.rows(ui, place);
            });
        });
        let edited = self.state.draft.as_ref().is_some_and(|draft| draft.place == place);
        if edited {
            editor(ui, self.ctx, self.state, self.sender);
        } else if let Some(fault) = self.prepared.pattern_faults.iter().find(|fault| fault.number == number) {
            error_ui(ui, theme, &upper_first(&fault.to_string()));
        }
    }

    /// Number of rows it changes; a click shows examples.
    fn rows(&mut self, ui: &mut Ui, place: usize) {
        let theme = self.ctx.theme;
        if self.ctx.preview.is_some() {
            ui.label(theme.small("…"));
            return;
        }
        let Some(effect) = effect(self.prepared, place) else { return };
        let text = counted(effect.rows as u64, "row", "rows");
        if effect.samples.is_empty() {
            ui.add_space(theme.space.s);
            ui.label(theme.small(text));
            return;
        }
        let part = Some(CleaningPart::Pattern(place));
        let response = ui.selectable_label(*self.looked_at == part, RichText::new(text).size(theme.text.small));
        let response = response.accessible_name(format!("Show what changes: pattern {}", place + 1));
        if response.on_hover_text("Rows this changes, or would change if turned on. Click for examples").clicked() {
            *self.looked_at = part;
        }
    }

    fn menu(&mut self, ui: &mut Ui, place: usize) {
        let theme = self.ctx.theme;
        let last = self.ctx.project.cleaning.patterns.len() - 1;
        let dots = RichText::new(icons::DOTS_THREE).color(theme.palette.text_muted);
        let menu = Button::new(dots).frame_when_inactive(false).min_size(vec2(26.0, 26.0));
        let (response, _) = egui::containers::menu::MenuButton::from_button(menu).ui(ui, |ui| {
            let swap = |list: &mut Self, ui: &Ui, other: usize| {
                list.change(|patterns| patterns.swap(place, other));
                (list.state.draft, *list.looked_at) = (None, Some(CleaningPart::Pattern(other)));
                ui.close();
            };
            if ui.add_enabled(place > 0, Button::new("Move up")).clicked() {
                swap(self, ui, place - 1);
            }
            if ui.add_enabled(place < last, Button::new("Move down")).clicked() {
                swap(self, ui, place + 1);
            }
            if ui.button("Remove").clicked() {
                self.change(|patterns| _ = patterns.remove(place));
                (self.state.draft, *self.looked_at) = (None, None);
                ui.close();
            }
        });
        response.accessible_name(format!("More for pattern {}", place + 1));
    }

    /// Applies a change that is undone on its own.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Pattern>)) {
        let mut settings = self.ctx.project.cleaning.clone();
        change(&mut settings.patterns);
        self.sender.edit(Edit::Cleaning(settings));
    }
}

/// The effect of a pattern, once it is known.
fn effect(prepared: &Prepared, place: usize) -> Option<&CleaningEffect> {
    prepared.cleaning.iter().find(|effect| effect.part == CleaningPart::Pattern(place))
}

/// The fields of the pattern being edited.
fn editor(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut PatternsState, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let Some(draft) = &mut state.draft else { return };
    let before = draft.pattern.clone();
    let margin = vec2(theme.space.s, 7.0);
    let mut is_done = false;
    egui::Frame::group(ui.style()).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = theme.space.xs;
        field_label(ui, theme, "Find", "White space matches any white space, including line breaks");
        // A new pattern moves into the list once it is valid; a fixed id keeps the focus in the same field.
        let id = egui::Id::unique(("pattern", draft.place));
        let find = TextEdit::singleline(&mut draft.pattern.find);
        let find = find.id(id.with("find")).desired_width(f32::INFINITY).margin(margin);
        let response = ui.add(find).accessible_name("Text to find");
        if !draft.is_listed && draft.pattern == Pattern::default() && ui.memory(|memory| memory.focused().is_none()) {
            response.request_focus();
        }
        let hover = "Leave empty to remove the match. In a regular expression, $1 is the match of the first group";
        field_label(ui, theme, "Replace with", hover);
        let replace = TextEdit::singleline(&mut draft.pattern.replace)
            .id(id.with("replace"))
            .desired_width(f32::INFINITY)
            .margin(margin);
        ui.add(replace.hint_text("leave empty to remove")).accessible_name("Replacement");
        ui.horizontal(|ui| {
            let hover = "Rust regex syntax: \\d+ finds a number, ^ the start of the text, (?m)^ the start of a line. \
                         Look-around and back-references aren't supported, so that no pattern can run forever";
            ui.checkbox(&mut draft.pattern.regex, "Regular expression").on_hover_text(hover);
            ui.checkbox(&mut draft.pattern.match_case, "Match case");
        });
        if draft.pattern != before {
            commit(ctx, draft, sender);
        }
        if let Some(error) = &draft.error {
            error_ui(ui, theme, error);
        }
        let (icon, text, hover) = if draft.is_listed && draft.error.is_none() {
            (icons::CHECK, "Done", "The pattern is already applied, and its changes are shown next to the list")
        } else {
            (icons::X, "Cancel", "Discard this. The pattern isn't valid yet")
        };
        is_done = button(ui, theme, icon, text).on_hover_text(hover).clicked();
    });
    if is_done {
        state.draft = None;
    }
}

/// Applies the pattern if it is valid.
fn commit(ctx: &StepContext<'_>, draft: &mut Draft, sender: &mut CommandSender) {
    if let Err(error) = check_pattern(&draft.pattern, draft.place + 1) {
        let is_begun = draft.is_listed || !draft.pattern.find.is_empty();
        draft.error = is_begun.then(|| upper_first(&error.to_string()));
        return;
    }
    let mut patterns = ctx.project.cleaning.patterns.clone();
    match patterns.get_mut(draft.place) {
        Some(pattern) => pattern.clone_from(&draft.pattern),
        None => patterns.push(draft.pattern.clone()),
    }
    (draft.error, draft.is_listed) = (None, true);
    sender.edit(Edit::Patterns(patterns));
}

fn error_ui(ui: &mut Ui, theme: &Theme, error: &str) {
    let text = RichText::new(format!("{}  {error}", icons::X_CIRCLE)).color(theme.palette.danger);
    ui.add(Label::new(text.size(theme.text.small)).wrap());
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::app::commands::UserCommand;
    use crate::app::messages::AppCommand;
    use crate::app::testing::{Window, app, hone, picture, settle};
    use crate::project::Step;
    use crate::storage::ThemeChoice;

    /// The Prepare step of the sample project.
    fn prepare(theme: ThemeChoice) -> (Window, tempfile::TempDir) {
        let (mut window, folder) = app(theme, 1.0);
        window.set_size(egui::vec2(1280.0, 1500.0));
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::GoTo(Step::Prepare));
        settle(&mut window);
        (window, folder)
    }

    fn type_into(window: &mut Window, field: &str, text: &str) {
        window.get_by_label(field).focus();
        settle(window);
        window.get_by_label(field).type_text(text);
        settle(window);
    }

    fn patterns(window: &mut Window) -> Vec<(String, String, bool, bool)> {
        let patterns = hone(window).project().cleaning.patterns.clone();
        patterns.into_iter().map(|one| (one.find, one.replace, one.regex, one.enabled)).collect()
    }

    fn has(window: &mut Window, text: &str) -> bool {
        hone(window).prepared().unwrap().examples.iter().any(|example| example.text.contains(text))
    }

    fn one(find: &str, replace: &str) -> (String, String, bool, bool) {
        (find.to_owned(), replace.to_owned(), false, true)
    }

    #[test]
    fn a_pattern_applies_while_it_is_typed_and_can_be_undone() {
        let (mut window, _folder) = prepare(ThemeChoice::Light);
        assert!(has(&mut window, "delivery"));
        window.get_by_label("Add a pattern").click();
        settle(&mut window);
        assert_eq!(patterns(&mut window), [], "an empty pattern is not applied");
        type_into(&mut window, "Text to find", "delivery");
        assert_eq!(patterns(&mut window), [one("delivery", "")]);
        assert!(!has(&mut window, "delivery"));
        type_into(&mut window, "Replacement", "shipping");
        assert!(has(&mut window, "shipping"));
        window.get_by_label_contains("Pattern 1 changes");
        picture("prepare-pattern", &mut window);
        window.check_accessibility();
        window.get_by_label("Done").click();
        settle(&mut window);
        assert!(window.query_by_label("Text to find").is_none());
        // Slow typing may need more than one undo.
        for _ in 0..20 {
            if !patterns(&mut window).is_empty() {
                hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
                settle(&mut window);
            }
        }
        assert!(has(&mut window, "delivery"));
    }

    #[test]
    fn typing_keeps_the_focus_in_the_same_field() {
        let (mut window, _folder) = prepare(ThemeChoice::Light);
        window.get_by_label("Add a pattern").click();
        settle(&mut window);
        for letters in ["d", "eli", "very"] {
            window.event(egui::Event::Text(letters.to_owned()));
            settle(&mut window);
        }
        assert_eq!(patterns(&mut window), [one("delivery", "")]);
    }

    #[test]
    fn an_invalid_expression_shows_an_error_and_is_not_applied() {
        let (mut window, _folder) = prepare(ThemeChoice::Dark);
        window.get_by_label("Add a pattern").click();
        settle(&mut window);
        window.get_by_label("Regular expression").click();
        settle(&mut window);
        type_into(&mut window, "Text to find", "(");
        window.get_by_label_contains("(character 1): unclosed group");
        assert_eq!(patterns(&mut window), []);
        picture("prepare-pattern-wrong", &mut window);
        type_into(&mut window, "Text to find", "great)");
        assert_eq!(patterns(&mut window), [("(great)".to_owned(), String::new(), true, true)]);
        assert!(window.query_by_label_contains("unclosed group").is_none());
    }

    #[test]
    fn patterns_can_be_turned_off_moved_and_removed() {
        let (mut window, _folder) = prepare(ThemeChoice::Light);
        let mut settings = hone(&mut window).project().cleaning.clone();
        let pattern =
            |find: &str, replace: &str| Pattern { find: find.into(), replace: replace.into(), ..Pattern::default() };
        settings.patterns =
            vec![pattern("great", "qgrand"), pattern("qgrand", "qhuge"), Pattern { regex: true, ..pattern("(", "") }];
        hone(&mut window).run_command(AppCommand::Edit(Edit::Cleaning(settings)));
        settle(&mut window);
        assert!(has(&mut window, "qhuge") && !has(&mut window, "great"));
        window.get_by_label_contains("Pattern 3 ('(') cannot be used (character 1): unclosed group. Correct it, or turn off \"Regular expression\" to find the text literally (in Prepare)");
        window.get_by_label("Use pattern 3").click();
        settle(&mut window);
        assert!(
            window.query_by_label_contains("literally (in Prepare)").is_none(),
            "an invalid pattern that is off does not block training"
        );
        window.get_by_label("Show what changes: pattern 2").click();
        settle(&mut window);
        window.get_by_label_contains("Pattern 2 changes");
        picture("prepare-patterns", &mut window);
        window.get_by_label("More for pattern 2").click();
        settle(&mut window);
        window.get_by_label("Move up").click();
        settle(&mut window);
        assert!(has(&mut window, "qgrand") && !has(&mut window, "qhuge"));
        window.get_by_label("More for pattern 3").click();
        settle(&mut window);
        window.get_by_label("Remove").click();
        settle(&mut window);
        assert_eq!(patterns(&mut window), [one("qgrand", "qhuge"), one("great", "qgrand")]);
        window.get_by_label("Use pattern 2").click();
        settle(&mut window);
        assert!(has(&mut window, "great"));
        window.get_by_label("Edit pattern 1").click();
        settle(&mut window);
        type_into(&mut window, "Text to find", "est");
        assert_eq!(patterns(&mut window)[0], one("qgrandest", "qhuge"));
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        assert_eq!(patterns(&mut window)[0], one("qgrand", "qhuge"), "the fields follow");
        type_into(&mut window, "Text to find", "iose");
        assert_eq!(patterns(&mut window)[0], one("qgrandiose", "qhuge"));
    }

    mod needs_shared {
        use super::*;
        use crate::app::testing::shared;

        #[test]
        #[ignore = "needs the example data sets in ../shared/data"]
        fn patterns_on_real_tweets_fit_the_window() {
            let path = shared("airline_tweets/Tweets.csv");
            let (mut window, _folder) = prepare(ThemeChoice::Light);
            hone(&mut window).run_command(AppCommand::OpenData(path.clone()));
            settle(&mut window);
            let mut settings = hone(&mut window).project().cleaning.clone();
            let pattern = |find: &str, replace: &str| Pattern {
                find: find.into(),
                replace: replace.into(),
                ..Pattern::default()
            };
            let airline = r"@(united|usairways|americanair|southwestair|jetblue|virginamerica)\b";
            settings.patterns = vec![
                Pattern { regex: true, ..pattern(airline, "the airline") },
                pattern("Cancelled Flightled", "cancelled"),
            ];
            hone(&mut window).run_command(AppCommand::Edit(Edit::Cleaning(settings)));
            hone(&mut window).run_command(AppCommand::GoTo(Step::Prepare));
            settle(&mut window);
            assert!(has(&mut window, "the airline") && !has(&mut window, "@united"));
            window.get_by_label("Edit pattern 1").click();
            settle(&mut window);
            window.get_by_label_contains("Pattern 1 changes 14,");
            picture("prepare-tweets", &mut window);
            window.set_size(egui::vec2(640.0, 2400.0));
            settle(&mut window);
            picture("prepare-tweets-narrow", &mut window);
            window.check_accessibility();
        }
    }
}
