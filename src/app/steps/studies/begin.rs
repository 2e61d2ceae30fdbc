//! The studies that can begin, each with its question.

use egui::{Checkbox, DragValue, Label, TextEdit, Ui};

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
                0 => best(ui, ctx, plans, sender),
                1 => cross_validation(ui, ctx, plans, sender),
                2 => learning_curve(ui, ctx, plans, sender),
                3 => search(ui, ctx, plans, sender),
                _ => seeds(ui, ctx, plans, sender),
            }
            fill(ui, spare);
        });
    });
}

/// The question of a study, below its name.
fn question(ui: &mut Ui, theme: &Theme, name: &str, question: &str) {
    heading_ui(ui, theme, name);
    ui.add(Label::new(theme.muted(question)).wrap());
    ui.add_space(theme.space.s);
}

fn begin_button(ui: &mut Ui, ctx: &StepContext<'_>, name: &str, plan: Result<StudyPlan, String>) -> Option<StudyPlan> {
    let blocked = why_not(ctx).map(str::to_owned).or_else(|| plan.as_ref().err().cloned());
    let enabled = blocked.as_deref().map_or(Ok(()), Err);
    ui.add_space(ctx.theme.space.s);
    let clicked = primary_button(ui, ctx.theme, icons::PLAY, name, enabled).clicked();
    plan.ok().filter(|_| clicked)
}

/// About how long so many trials take, from the newest run.
fn time_ui(ui: &mut Ui, ctx: &StepContext<'_>, trials: u32) {
    let newest = ctx.results.map(|results| results.summary.train_seconds);
    if let Some(seconds) = newest.filter(|seconds| *seconds > 0.0) {
        let whole = duration(seconds * f64::from(trials));
        ui.label(ctx.theme.small(format!("About {whole}, if each takes as long as the run shown")));
    }
}

fn best(ui: &mut Ui, ctx: &StepContext<'_>, plans: &mut Plans, sender: &mut CommandSender) {
    let theme = ctx.theme;
    question(
        ui,
        theme,
        "The best model in the time",
        "What can I have soon? An instant model first, then as much training as fits on this machine, then other settings. The best \
         becomes a run. You can stop at any moment, and keep the best so far",
    );
    ui.horizontal_wrapped(|ui| {
        ui.label("Minutes");
        let field = DragValue::new(&mut plans.best_in).range(1..=MOST_MINUTES).speed(0.1);
        number_field(ui, "minutes for the best", field).accessible_name("Minutes for the best model");
    });
    let plan = Ok(StudyPlan::Search(SearchPlan::best_in(plans.best_in)));
    if let Some(plan) = begin_button(ui, ctx, "Find the best model", plan) {
        sender.send(AppCommand::Studies(StudiesCommand::Begin(plan)));
    }
}

fn cross_validation(ui: &mut Ui, ctx: &StepContext<'_>, plans: &mut Plans, sender: &mut CommandSender) {
    let theme = ctx.theme;
    question(
        ui,
        theme,
        "Cross-validation",
        "How good is the model on rows that it has not seen? Every row is tested once, by a model that learned from the others",
    );
    ui.horizontal_wrapped(|ui| {
        ui.label("Folds");
        let field = DragValue::new(&mut plans.folds).range(FOLDS).speed(0.05);
        number_field(ui, "folds", field).accessible_name("Folds");
    });
    time_ui(ui, ctx, plans.folds);
    let plan = Ok(StudyPlan::CrossValidation { folds: plans.folds });
    if let Some(plan) = begin_button(ui, ctx, "Cross-validate", plan) {
        sender.send(AppCommand::Studies(StudiesCommand::Begin(plan)));
    }
}

fn search(ui: &mut Ui, ctx: &StepContext<'_>, plans: &mut Plans, sender: &mut CommandSender) {
    let theme = ctx.theme;
    question(
        ui,
        theme,
        "Search settings",
        "Which settings are best? Trials are compared on the validation rows, and the best is tested once, at the end",
    );
    ranges(ui, theme, &mut plans.over);
    ui.horizontal_wrapped(|ui| {
        ui.label("Trials");
        let field = DragValue::new(&mut plans.trials).range(2..=MOST_TRIALS).speed(0.1);
        number_field(ui, "trials", field).accessible_name("Trials");
        ui.label("Minutes");
        let field = DragValue::new(&mut plans.minutes).range(0..=MOST_MINUTES).speed(0.2);
        let field =
            field.custom_formatter(|minutes, _| if minutes < 1.0 { "any".to_owned() } else { minutes.to_string() });
        number_field(ui, "minutes", field)
            .accessible_name("Minutes")
            .on_hover_text("After so many minutes no other trial begins; 0 for no limit");
    });
    ui.add(Checkbox::new(&mut plans.halving, "End trials early that fall behind"))
        .on_hover_text("A trial in the worse half after 1, 2, 4, ... epochs ends there");
    let plan = plans.search(ctx.project);
    if let Err(why) = &plan {
        ui.add(Label::new(theme.small(why)).wrap());
    }
    if let Some(plan) = begin_button(ui, ctx, "Search", plan) {
        sender.send(AppCommand::Studies(StudiesCommand::Begin(plan)));
    }
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

fn learning_curve(ui: &mut Ui, ctx: &StepContext<'_>, plans: &mut Plans, sender: &mut CommandSender) {
    let theme = ctx.theme;
    question(
        ui,
        theme,
        "Learning curve",
        "Would more labelled rows help? The model learns from 10, 25, 50 and 100% of the training rows, and the curve is drawn further",
    );
    ui.horizontal_wrapped(|ui| {
        ui.label("Draws");
        let field = DragValue::new(&mut plans.draws).range(1..=MOST_DRAWS).speed(0.05);
        number_field(ui, "draws", field)
            .accessible_name("Draws")
            .on_hover_text("How often the rows of each part are drawn: more make the curve less noisy");
    });
    let plan = StudyPlan::LearningCurve { draws: plans.draws };
    // A part takes as many steps as all rows do.
    time_ui(ui, ctx, plan.trials());
    if let Some(plan) = begin_button(ui, ctx, "Draw the curve", Ok(plan)) {
        sender.send(AppCommand::Studies(StudiesCommand::Begin(plan)));
    }
}

fn seeds(ui: &mut Ui, ctx: &StepContext<'_>, plans: &mut Plans, sender: &mut CommandSender) {
    let theme = ctx.theme;
    question(
        ui,
        theme,
        "Repeated seeds",
        "How much is luck? The same settings are trained from other random numbers, so that you know which gains to believe",
    );
    ui.horizontal_wrapped(|ui| {
        ui.label("Seeds");
        let field = DragValue::new(&mut plans.seeds).range(2..=MOST_SEEDS).speed(0.05);
        number_field(ui, "seeds", field).accessible_name("Seeds");
    });
    time_ui(ui, ctx, plans.seeds);
    if let Some(plan) = begin_button(ui, ctx, "Repeat", Ok(StudyPlan::Seeds { seeds: plans.seeds })) {
        sender.send(AppCommand::Studies(StudiesCommand::Begin(plan)));
    }
}
