//! The studies that can begin, each with its question.

use std::ops::RangeInclusive;

use egui::{Checkbox, DragValue, Label, Response, TextEdit, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::studies::blocked::why_not;
use crate::app::studies_command::StudiesCommand;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{
    button, card, card_grid, cards_across, fill, heading_ui, icon_button, number_field, primary_button,
};
use crate::project::{
    FOLDS, MOST_DRAWS, MOST_SEEDS, MOST_TRIALS, Project, SearchPlan, SearchRange, SearchStart, StudyPlan,
};
use crate::words::duration;

/// Least width of a card.
const LEAST: f32 = 300.0;
/// Longest search, in minutes.
const MOST_MINUTES: u32 = 10_000;

/// What a kind of study says about itself.
struct Kind {
    name: &'static str,
    question: &'static str,
    /// What its button says.
    begin: &'static str,
}

const BEST: Kind = Kind {
    name: "The best model in the time",
    question: "What can I have soon? An instant model first, then as much training as fits on this machine, then other settings. The \
               best becomes a run. You can stop at any moment, and keep the best so far",
    begin: "Find the best model",
};

const CROSS_VALIDATION: Kind = Kind {
    name: "Cross-validation",
    question: "How good is the model on rows that it has not seen? Every row is tested once, by a model that learned from the others",
    begin: "Cross-validate",
};

const LEARNING_CURVE: Kind = Kind {
    name: "Learning curve",
    question: "Would more labelled rows help? The model learns from 10, 25, 50 and 100% of the training rows, and the curve is drawn \
               further",
    begin: "Draw the curve",
};

const SEARCH: Kind = Kind {
    name: "Search settings",
    question: "Which settings are best? Trials are compared on the validation rows, and the best is tested once, at the end",
    begin: "Search",
};

const SEEDS: Kind = Kind {
    name: "Repeated seeds",
    question: "How much is luck? The same settings are trained from other random numbers, so that you know which gains to believe",
    begin: "Repeat",
};

/// What a person chose for the next studies.
#[derive(Debug)]
pub struct Plans {
    folds: u32,
    seeds: u32,
    /// Draws of a learning curve.
    draws: u32,
    trials: u32,
    /// Minutes in which the best model is to be found.
    best_in: u32,
    /// Minutes of a search; 0 for no limit.
    minutes: u32,
    halving: bool,
    /// The ranges to search as they are typed, and the project that they were guessed for.
    over: Vec<String>,
    guessed_for: Option<Project>,
}

impl Default for Plans {
    fn default() -> Self {
        Self {
            best_in: 10,
            folds: 5,
            seeds: 5,
            draws: 1,
            trials: 20,
            minutes: 0,
            halving: true,
            over: Vec::new(),
            guessed_for: None,
        }
    }
}

impl Plans {
    /// Guesses what to search, again after another model or another way to train was chosen.
    fn guess(&mut self, project: &Project) {
        let is_same = self.guessed_for.as_ref().is_some_and(|of| {
            of.model == project.model && of.training.trained_layers == project.training.trained_layers
        });
        if !is_same {
            self.over = SearchRange::usual(project).iter().map(|range| range.with(&range.in_words())).collect();
            self.guessed_for = Some(project.clone());
        }
    }

    fn best_ui(&mut self, ui: &mut Ui) -> StudyPlan {
        number(ui, ["Minutes", "Minutes for the best model"], &mut self.best_in, 1..=MOST_MINUTES);
        StudyPlan::Search(SearchPlan::best_in(self.best_in))
    }

    fn cross_validation_ui(&mut self, ui: &mut Ui) -> StudyPlan {
        number(ui, ["Folds"; 2], &mut self.folds, FOLDS);
        StudyPlan::CrossValidation { folds: self.folds }
    }

    fn learning_curve_ui(&mut self, ui: &mut Ui) -> StudyPlan {
        let hint = "How often the rows of each part are drawn: more make the curve less noisy";
        number(ui, ["Draws"; 2], &mut self.draws, 1..=MOST_DRAWS).on_hover_text(hint);
        StudyPlan::LearningCurve { draws: self.draws }
    }

    fn seeds_ui(&mut self, ui: &mut Ui) -> StudyPlan {
        number(ui, ["Seeds"; 2], &mut self.seeds, 2..=MOST_SEEDS);
        StudyPlan::Seeds { seeds: self.seeds }
    }

    /// The error says which range cannot be searched.
    fn search_ui(&mut self, ui: &mut Ui, ctx: &StepContext<'_>) -> Result<StudyPlan, String> {
        ranges(ui, ctx.theme, &mut self.over);
        ui.horizontal_wrapped(|ui| {
            labelled(ui, ["Trials"; 2], DragValue::new(&mut self.trials).range(2..=MOST_TRIALS));
            let field = DragValue::new(&mut self.minutes).range(0..=MOST_MINUTES);
            let field =
                field.custom_formatter(|minutes, _| if minutes < 1.0 { "any".to_owned() } else { minutes.to_string() });
            labelled(ui, ["Minutes"; 2], field)
                .on_hover_text("After so many minutes no other trial begins; 0 for no limit");
        });
        ui.add(Checkbox::new(&mut self.halving, "End trials early that fall behind"))
            .on_hover_text("A trial in the worse half after 1, 2, 4, ... epochs ends there");
        let plan = self.search(ctx.project);
        if let Err(why) = &plan {
            ui.add(Label::new(ctx.theme.small(why)).wrap());
        }
        plan
    }

    fn search(&self, project: &Project) -> Result<StudyPlan, String> {
        let typed: Vec<String> = self.over.iter().filter(|range| !range.trim().is_empty()).cloned().collect();
        if typed.is_empty() {
            return Err("Add a setting to search".to_owned());
        }
        let over = SearchRange::read_all(&typed, project).map_err(|error| error.to_string())?;
        let minutes = Some(self.minutes).filter(|minutes| *minutes > 0);
        let (trials, halving, start) = (self.trials, self.halving, SearchStart::OwnSettings);
        Ok(StudyPlan::Search(SearchPlan { over, trials, minutes, halving, start, keeps_best: false }))
    }
}

/// Draws a card for each kind of study.
pub fn begin_ui(ui: &mut Ui, ctx: &StepContext<'_>, plans: &mut Plans, sender: &mut CommandSender) {
    plans.guess(ctx.project);
    let across = cards_across(ui, ctx.theme.space.m, LEAST, 3);
    card_grid(ui, ctx.theme, "kinds of studies", (across, 5), |ui, place, spare| {
        card(ui, ctx.theme, |ui| {
            match place {
                0 => kind_ui(ui, ctx, &BEST, sender, |ui| Ok(plans.best_ui(ui))),
                1 => kind_ui(ui, ctx, &CROSS_VALIDATION, sender, |ui| Ok(plans.cross_validation_ui(ui))),
                2 => kind_ui(ui, ctx, &LEARNING_CURVE, sender, |ui| Ok(plans.learning_curve_ui(ui))),
                3 => kind_ui(ui, ctx, &SEARCH, sender, |ui| plans.search_ui(ui, ctx)),
                _ => kind_ui(ui, ctx, &SEEDS, sender, |ui| Ok(plans.seeds_ui(ui))),
            }
            fill(ui, spare);
        });
    });
}

/// A kind of study: its question, what `choose` asks for, how long it takes, and the button that begins it.
fn kind_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    kind: &Kind,
    sender: &mut CommandSender,
    choose: impl FnOnce(&mut Ui) -> Result<StudyPlan, String>,
) {
    let theme = ctx.theme;
    heading_ui(ui, theme, kind.name);
    ui.add(Label::new(theme.muted(kind.question)).wrap());
    ui.add_space(theme.space.s);
    let plan = choose(ui);
    if let Ok(plan) = &plan {
        time_ui(ui, ctx, plan);
    }
    ui.add_space(theme.space.s);
    let wrong = plan.as_ref().err().map(String::as_str);
    let enabled = why_not(ctx).or(wrong).map_or(Ok(()), Err);
    let clicked = primary_button(ui, theme, icons::PLAY, kind.begin, enabled).clicked();
    if let Some(plan) = plan.ok().filter(|_| clicked) {
        sender.send(AppCommand::Studies(StudiesCommand::Begin(plan)));
    }
}

/// About how long the trials take, from the newest run. Those of a search differ too much, and parts of a learning curve take as many
/// steps as all rows do.
fn time_ui(ui: &mut Ui, ctx: &StepContext<'_>, plan: &StudyPlan) {
    let newest = ctx.results.map(|results| results.summary.train_seconds);
    if let Some(seconds) = newest.filter(|seconds| *seconds > 0.0 && !matches!(plan, StudyPlan::Search(_))) {
        let whole = duration(seconds * f64::from(plan.trials()));
        ui.label(ctx.theme.small(format!("About {whole}, if each takes as long as the run shown")));
    }
}

/// A number to choose, in its own row.
fn number(ui: &mut Ui, names: [&str; 2], value: &mut u32, range: RangeInclusive<u32>) -> Response {
    ui.horizontal_wrapped(|ui| labelled(ui, names, DragValue::new(value).range(range))).inner
}

/// A field after its label, with a name that no other field of the page has.
fn labelled(ui: &mut Ui, [label, name]: [&str; 2], field: DragValue<'_>) -> Response {
    ui.label(label);
    number_field(ui, name, field.speed(0.1)).accessible_name(name)
}

/// A field for each range to search.
fn ranges(ui: &mut Ui, theme: &Theme, over: &mut Vec<String>) {
    let mut removed = None;
    // Measured once: a row that is too wide would make the card wider, and so the next row.
    let width = (ui.available_width() - theme.size.control - 3.0 * theme.space.m).max(80.0);
    for (place, range) in over.iter_mut().enumerate() {
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(range).desired_width(width).hint_text("lr=1e-5..1e-4:log");
            ui.add(field).accessible_name(format!("Range {}", place + 1)).on_hover_text(
                "A setting with its range, such as lr=1e-5..1e-4:log, or choices, such as batch_size=8|16|32",
            );
            if icon_button(ui, theme, icons::X, &format!("Remove range {}", place + 1)).clicked() {
                removed = Some(place);
            }
        });
    }
    if let Some(place) = removed {
        over.remove(place);
    }
    if button(ui, theme, icons::PLUS, "Add a setting").clicked() {
        over.push(String::new());
    }
}
