//! The person's own find-and-replace patterns: listed, added, changed, moved, turned off and removed.

use egui::{Button, Label, RichText, TextEdit, Ui, vec2};

use crate::app::context::StepContext;
use crate::app::messages::{CommandSender, Edit};
use crate::app::theme::{Theme, icons};
use crate::app::widgets::numbers::counted;
use crate::app::widgets::{button, field_label, icon_button, one_line};
use crate::data::{CleaningEffect, CleaningPart, Prepared, check_pattern};
use crate::project::Pattern;

/// Width of what stands to the right of a pattern.
const BESIDE: f32 = 176.0;
/// Characters shown of one side of a pattern.
const SHOWN: usize = 60;

/// What is remembered between frames.
#[derive(Debug, Default)]
pub struct PatternsState {
    draft: Option<Draft>,
}

/// A pattern that is being typed. It is used as soon as it is right.
#[derive(Debug)]
struct Draft {
    /// Its place in the list; one past the end until it is right for the first time.
    place: usize,
    pattern: Pattern,
    /// Why it is not used.
    error: Option<String>,
    /// It stands in the list.
    is_listed: bool,
}

impl PatternsState {
    /// Follows what happened to the list elsewhere: undone, redone.
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
    let side = |text: &str| {
        let short = one_line(text, SHOWN);
        if text.chars().nth(SHOWN).is_some() { format!("{short}…") } else { short }
    };
    let find = side(&pattern.find);
    if pattern.replace.is_empty() {
        return format!("“{find}” removed");
    }
    format!("“{find}” to “{}”", side(&pattern.replace))
}

/// Draws the list. `looked_at` is the part of the cleaning whose changes are shown beside it.
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
    let hint = "Your own patterns, in this order: after the steps above have repaired and masked the texts, and before white \
                space is collapsed";
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

/// What a row of the list is drawn with.
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
            if ui.checkbox(&mut on, "").accessible_name(name).on_hover_text("Whether it runs").changed() {
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
                if icon_button(ui, theme, icons::PENCIL_SIMPLE, &format!("Change pattern {number}")).clicked() {
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
            error_ui(ui, theme, &sentence(&fault.to_string()));
        }
    }

    /// How many rows it changes; a click shows some.
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
        if response.on_hover_text("Rows it changes, or would change. Click to see some").clicked() {
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

    /// Each of these is a decision of its own, to be undone by itself.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Pattern>)) {
        let mut settings = self.ctx.project.cleaning.clone();
        change(&mut settings.patterns);
        self.sender.edit(Edit::Cleaning(settings));
    }
}

/// What a pattern does, once it was looked at.
fn effect(prepared: &Prepared, place: usize) -> Option<&CleaningEffect> {
    prepared.cleaning.iter().find(|effect| effect.part == CleaningPart::Pattern(place))
}

/// The fields of the pattern that is being typed.
fn editor(ui: &mut Ui, ctx: &StepContext<'_>, state: &mut PatternsState, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let Some(draft) = &mut state.draft else { return };
    let before = draft.pattern.clone();
    let margin = vec2(theme.space.s, 7.0);
    let mut is_done = false;
    egui::Frame::group(ui.style()).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = theme.space.xs;
        field_label(ui, theme, "Find", "White space stands for any white space, a line break too");
        // Once it is used it is drawn in the list: the same field goes on being typed in.
        let id = egui::Id::unique(("pattern", draft.place));
        let find = TextEdit::singleline(&mut draft.pattern.find);
        let find = find.id(id.with("find")).desired_width(f32::INFINITY).margin(margin);
        let response = ui.add(find).accessible_name("What to find");
        if !draft.is_listed && draft.pattern == Pattern::default() && ui.memory(|memory| memory.focused().is_none()) {
            response.request_focus();
        }
        let hover =
            "Nothing, to remove what is found. With a regular expression $1 stands for what its first group found";
        field_label(ui, theme, "Replace with", hover);
        let replace = TextEdit::singleline(&mut draft.pattern.replace)
            .id(id.with("replace"))
            .desired_width(f32::INFINITY)
            .margin(margin);
        ui.add(replace.hint_text("nothing: it is removed")).accessible_name("What to put in");
        ui.horizontal(|ui| {
            let hover = "As in Rust's regex: \\d+ finds a number, ^ the beginning of a text, (?m)^ that of a line. \
                         Look-around and back-references are left out, so that no pattern can take for ever";
            ui.checkbox(&mut draft.pattern.regex, "Regular expression").on_hover_text(hover);
            ui.checkbox(&mut draft.pattern.match_case, "Match capitals");
        });
        if draft.pattern != before {
            commit(ctx, draft, sender);
        }
        if let Some(error) = &draft.error {
            error_ui(ui, theme, error);
        }
        let (icon, text, hover) = if draft.is_listed && draft.error.is_none() {
            (icons::CHECK, "Done", "It is used already: what it changes is shown beside it")
        } else {
            (icons::X, "Cancel", "It is not used until it is right")
        };
        is_done = button(ui, theme, icon, text).on_hover_text(hover).clicked();
    });
    if is_done {
        state.draft = None;
    }
}

/// Uses the pattern as far as it is right.
fn commit(ctx: &StepContext<'_>, draft: &mut Draft, sender: &mut CommandSender) {
    if let Err(error) = check_pattern(&draft.pattern, draft.place + 1) {
        let is_begun = draft.is_listed || !draft.pattern.find.is_empty();
        draft.error = is_begun.then(|| sentence(&error.to_string()));
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

fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
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
    fn a_pattern_is_used_as_it_is_typed_and_undone_as_one() {
        let (mut window, _folder) = prepare(ThemeChoice::Light);
        assert!(has(&mut window, "delivery"));
        window.get_by_label("Add a pattern").click();
        settle(&mut window);
        assert_eq!(patterns(&mut window), [], "there is nothing to find yet");
        type_into(&mut window, "What to find", "delivery");
        assert_eq!(patterns(&mut window), [one("delivery", "")]);
        assert!(!has(&mut window, "delivery"));
        type_into(&mut window, "What to put in", "shipping");
        assert!(has(&mut window, "shipping"));
        window.get_by_label_contains("Pattern 1 changes");
        picture("prepare-pattern", &mut window);
        window.check_accessibility();
        window.get_by_label("Done").click();
        settle(&mut window);
        assert!(window.query_by_label("What to find").is_none());
        // Typed slowly, it may take a step or two to take all of it back.
        for _ in 0..20 {
            if !patterns(&mut window).is_empty() {
                hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
                settle(&mut window);
            }
        }
        assert!(has(&mut window, "delivery"));
    }

    #[test]
    fn the_field_stays_the_one_that_is_typed_in() {
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
    fn a_wrong_expression_is_told_and_not_used() {
        let (mut window, _folder) = prepare(ThemeChoice::Dark);
        window.get_by_label("Add a pattern").click();
        settle(&mut window);
        window.get_by_label("Regular expression").click();
        settle(&mut window);
        type_into(&mut window, "What to find", "(");
        window.get_by_label_contains("(character 1): unclosed group");
        assert_eq!(patterns(&mut window), []);
        picture("prepare-pattern-wrong", &mut window);
        type_into(&mut window, "What to find", "great)");
        assert_eq!(patterns(&mut window), [("(great)".to_owned(), String::new(), true, true)]);
        assert!(window.query_by_label_contains("unclosed group").is_none());
    }

    #[test]
    fn patterns_are_turned_off_moved_and_removed() {
        let (mut window, _folder) = prepare(ThemeChoice::Light);
        let mut settings = hone(&mut window).project().cleaning.clone();
        let pattern =
            |find: &str, replace: &str| Pattern { find: find.into(), replace: replace.into(), ..Pattern::default() };
        settings.patterns =
            vec![pattern("great", "qgrand"), pattern("qgrand", "qhuge"), Pattern { regex: true, ..pattern("(", "") }];
        hone(&mut window).run_command(AppCommand::Edit(Edit::Cleaning(settings)));
        settle(&mut window);
        assert!(has(&mut window, "qhuge") && !has(&mut window, "great"));
        window.get_by_label_contains("Pattern 3 ('(') cannot be used (character 1): unclosed group. Correct it, or turn its regular expression off to find it as it stands. You find it");
        window.get_by_label("Use pattern 3").click();
        settle(&mut window);
        assert!(
            window.query_by_label_contains("You find it among").is_none(),
            "what is off keeps nobody from training"
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
        window.get_by_label("Change pattern 1").click();
        settle(&mut window);
        type_into(&mut window, "What to find", "est");
        assert_eq!(patterns(&mut window)[0], one("qgrandest", "qhuge"));
        hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
        settle(&mut window);
        assert_eq!(patterns(&mut window)[0], one("qgrand", "qhuge"), "the fields follow");
        type_into(&mut window, "What to find", "iose");
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
            window.get_by_label("Change pattern 1").click();
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
