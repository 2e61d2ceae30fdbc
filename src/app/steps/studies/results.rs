//! What a study found.

use egui::{Label, Ui};

use crate::app::context::StepContext;
use crate::app::messages::{AppCommand, CommandSender};
use crate::app::steps::studies::coordinates::coordinates_ui;
use crate::app::steps::studies::curve::curve_ui;
use crate::app::steps::studies::table::table_ui;
use crate::app::studies_command::StudiesCommand;
use crate::app::theme::{Theme, icons};
use crate::app::widgets::{button_if, figure, primary_button};
use crate::evaluation::{LearningCurve, Spread};
use crate::project::{MetricName, StudyPlan, setting_value};
use crate::storage::{StopReason, StudyState, TrialRun};
use crate::words::{ago, count, counted, duration_fine, score, signed_score};
use crate::worker::{SearchResults, StudyResults};

/// What a study is called in the list.
#[must_use]
pub fn title(study: &StudyResults) -> String {
    let begun = study.trials.iter().find_map(|trial| Some(trial.summary.as_ref()?.started_at));
    let when = begun.map_or_else(String::new, |at| format!(", {}", ago(at)));
    format!("{}{when}", study.settings.plan.title())
}

/// What it found, in a few words.
#[must_use]
pub fn headline(study: &StudyResults) -> String {
    match (&study.search, study.spreads.first()) {
        (Some(search), _) => {
            let trials = counted(study.trials.len(), "trial", "trials");
            format!("{trials}, best validation {} {}", search.metric.in_a_sentence(), score(search.score))
        }
        (None, Some(spread)) => format!("{} {}", spread.metric.in_a_sentence(), plus_minus(spread)),
        (None, None) => study.curve.as_ref().and_then(of_curve).unwrap_or_else(|| "no trial has ended".to_owned()),
    }
}

/// The score with all training rows.
fn of_curve(curve: &LearningCurve) -> Option<String> {
    let last = curve.points.last()?;
    let name = curve.metric.in_a_sentence();
    Some(format!("{name} {} with {}", score(last.mean), counted(last.rows, "row", "rows")))
}

/// The mean and the standard deviation.
fn plus_minus(spread: &Spread) -> String {
    format!("{} ± {}", score(spread.mean), score(spread.sd))
}

/// Draws what a study found so far.
pub fn results_ui(ui: &mut Ui, ctx: &StepContext<'_>, study: &StudyResults, sender: &mut CommandSender) {
    match (&study.search, &study.curve) {
        (Some(search), _) => search_ui(ui, ctx, study, search, sender),
        (None, Some(curve)) => curve_ui(ui, ctx.theme, curve, &study.folder.id()),
        (None, None) if study.spreads.is_empty() => {
            ui.label(ctx.theme.muted("No trial has ended yet"));
        }
        (None, None) => spreads_ui(ui, ctx.theme, study),
    }
}

fn spreads_ui(ui: &mut Ui, theme: &Theme, study: &StudyResults) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.xl;
        for spread in &study.spreads {
            let hover =
                format!("{}: the mean of all trials, and their standard deviation", spread.metric.explanation());
            figure(ui, theme, spread.metric.title(), &plus_minus(spread), &hover);
        }
    });
    ui.add_space(theme.space.s);
    for sentence in sentences(study) {
        ui.add(Label::new(sentence).wrap());
    }
    ui.add_space(theme.space.s);
    let of_seeds = matches!(study.settings.plan, StudyPlan::Seeds { .. });
    let names: Vec<MetricName> = study.spreads.iter().map(|spread| spread.metric).collect();
    let head: Vec<&str> = [if of_seeds { "Seed" } else { "Fold" }, "Trained on", "Tested on"]
        .into_iter()
        .chain(names.iter().map(|name| name.title()))
        .chain(["Time"])
        .collect();
    let row = |trial: &TrialRun| -> Vec<String> {
        let number = if of_seeds { trial.project.training.seed } else { u64::from(trial.trial.number) };
        let tested = if trial.rows[2] > 0 { trial.rows[2] } else { trial.rows[1] };
        let summary = trial.summary.as_ref();
        let value = |name: &MetricName| {
            summary.and_then(|summary| summary.measured().get(*name)).map_or_else(String::new, score)
        };
        let seconds = summary.map_or_else(String::new, |summary| duration_fine(summary.train_seconds));
        [count(number), count(trial.rows[0]), count(tested)]
            .into_iter()
            .chain(names.iter().map(value))
            .chain([seconds])
            .collect()
    };
    let rows: Vec<(Vec<String>, bool)> = study.done().map(|trial| (row(trial), false)).collect();
    table_ui(ui, theme, &study.folder.id(), &head, &rows);
}

/// What the spread means.
fn sentences(study: &StudyResults) -> Vec<String> {
    let Some(spread) = study.spreads.first() else { return Vec::new() };
    let name = spread.metric.in_a_sentence();
    let mut said = Vec::new();
    if let Some((low, high)) = spread.interval {
        said.push(format!("With 95% confidence, the mean {name} is between {} and {}.", score(low), score(high)));
    }
    match &study.settings.plan {
        StudyPlan::Seeds { .. } if spread.values.len() > 1 => said.push(format!(
            "Two runs of these settings differ by up to {} by chance alone, in 95 of 100 pairs: a smaller gain says little.",
            score(spread.luck())
        )),
        _ => {}
    }
    if let Some(pooled) = &study.out_of_fold {
        let (name, value) = pooled.metrics.figures()[0];
        let interval = pooled.interval.map_or_else(String::new, |interval| {
            format!(", 95% interval {} to {}", score(interval.low), score(interval.high))
        });
        said.push(format!(
            "All {} together, each predicted by a model that was not trained on it: {} {}{interval}.",
            counted(pooled.metrics.rows(), "row", "rows"),
            name.in_a_sentence(),
            score(value)
        ));
    }
    said
}

fn search_ui(
    ui: &mut Ui,
    ctx: &StepContext<'_>,
    study: &StudyResults,
    search: &SearchResults,
    sender: &mut CommandSender,
) {
    let theme = ctx.theme;
    let Some(best) = study.trials.iter().find(|trial| trial.trial.number == search.best) else { return };
    let StudyPlan::Search(plan) = &study.settings.plan else { return };
    let own = study.trials.iter().find(|trial| trial.trial.number == plan.own_trial());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme.space.xl;
        let name = format!("Best validation {}", search.metric.in_a_sentence());
        figure(ui, theme, &name, &score(search.score), search.metric.explanation());
        if let Some(value) = own.and_then(|trial| trial.summary.as_ref()?.validation.get(search.metric)) {
            figure(ui, theme, "Own settings", &score(value), "The same with the project's own settings");
        }
        figure(ui, theme, "Trials", &count(study.trials.len()), "Trials that have begun");
    });
    ui.add_space(theme.space.s);
    if best.trial.settings.is_empty() {
        ui.add(Label::new("No trial did better than the project's own settings.").wrap());
    } else {
        let text = format!("Trial {} did best, with {}.", search.best, best.trial.settings.join(", "));
        ui.add(Label::new(text).wrap());
        gain_ui(ui, search);
        ui.add_space(theme.space.xs);
        if primary_button(ui, theme, icons::CHECK, "Use these settings", Ok(())).clicked() {
            sender.send(AppCommand::Studies(StudiesCommand::Use(best.trial.settings.clone())));
        }
    }
    keep_ui(ui, ctx, study, sender);
    ui.add_space(theme.space.m);
    coordinates_ui(ui, theme, study, search);
    ui.add_space(theme.space.m);
    trials_ui(ui, theme, study, search);
}

/// Offers to make the best trial a run, unless the study did so itself.
fn keep_ui(ui: &mut Ui, ctx: &StepContext<'_>, study: &StudyResults, sender: &mut CommandSender) {
    let theme = ctx.theme;
    let StudyPlan::Search(plan) = &study.settings.plan else { return };
    if study.state != StudyState::Finished {
        return;
    }
    if plan.keeps_best {
        ui.label(theme.muted("Its model is a run of the project: Runs lists it, named after this study"));
        return;
    }
    ui.add_space(theme.space.xs);
    let hint = "Its model can then be evaluated, reviewed and exported like any other, without training again";
    let is_free = !ctx.answers.kept.is_running();
    let keep = button_if(ui, theme, is_free, icons::PLUS, "Keep its model as a run");
    if keep.on_hover_text(hint).clicked() {
        sender.send(AppCommand::Studies(StudiesCommand::Keep(study.folder.clone())));
    }
}

/// What the best settings gained on rows that no trial has seen.
fn gain_ui(ui: &mut Ui, search: &SearchResults) {
    let Some(gain) = &search.gain else {
        return;
    };
    let [now, before] = gain.macro_f1.map(score);
    let interval = gain.interval.map_or_else(String::new, |interval| {
        let [low, high] = [interval.low, interval.high].map(signed_score);
        format!("; the difference is {low} to {high} (95% interval)")
    });
    let text = format!(
        "On {} that no trial has seen: macro-F1 {now}, and {before} with the project's own settings{interval}. {} fixed, {} broken.",
        counted(gain.rows, "test row", "test rows"),
        counted(gain.fixed.len(), "row", "rows"),
        count(gain.broken.len())
    );
    ui.add(Label::new(text).wrap());
}

/// The trials, the best first.
fn trials_ui(ui: &mut Ui, theme: &Theme, study: &StudyResults, search: &SearchResults) {
    let StudyPlan::Search(plan) = &study.settings.plan else { return };
    let value = |trial: &TrialRun| trial.summary.as_ref().and_then(|summary| summary.validation.get(search.metric));
    let sign = if search.metric.higher_is_better() { -1.0 } else { 1.0 };
    let mut trials: Vec<&TrialRun> = study.trials.iter().collect();
    let order = |trial: &TrialRun| value(trial).map_or(f64::INFINITY, |value| sign * value);
    trials.sort_by(|a, b| order(a).total_cmp(&order(b)));
    let of_metric = format!("Validation {}", search.metric.in_a_sentence());
    let head: Vec<&str> = ["Trial"]
        .into_iter()
        .chain(plan.over.iter().map(|range| range.setting.as_str()))
        .chain([of_metric.as_str(), "Epochs", "Ended"])
        .collect();
    let row = |trial: &&TrialRun| {
        let summary = trial.summary.as_ref();
        let ended = match (summary.map(|summary| summary.stop_reason), &trial.failed) {
            (Some(StopReason::FellBehind), _) => "early, behind the others",
            (Some(StopReason::EarlyStopping), _) => "early, no improvement",
            (Some(StopReason::Diverged), _) => "diverged",
            (Some(_), _) => "at its end",
            (None, Some(_)) => "failed",
            (None, None) => "not yet",
        };
        let cells = std::iter::once(trial.trial.number.to_string())
            .chain(plan.over.iter().map(|range| setting_value(&trial.project, &range.setting).unwrap_or_default()))
            .chain([
                value(trial).map_or_else(String::new, score),
                summary.map_or_else(String::new, |summary| format!("{:.1}", summary.epochs)),
                ended.to_owned(),
            ]);
        (cells.collect(), trial.trial.number == search.best)
    };
    let rows: Vec<(Vec<String>, bool)> = trials.iter().map(row).collect();
    table_ui(ui, theme, &study.folder.id(), &head, &rows);
}
