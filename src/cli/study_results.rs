//! What a study found, as text and as JSON.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::cli::CliError;
use crate::cli::outcome::{Scores, print_json};
use crate::cli::shell::shell_word as path_word;
use crate::cli::table::{metric, table};
use crate::evaluation::{CurvePoint, Forecast, LearningCurve, Spread};
use crate::project::{MetricName, StudyPlan, setting_value};
use crate::storage::{RunSummary, StopReason, StudyState, TrialRun};
use crate::words::{count, counted, duration_fine, score, shell_word, signed_score, upper_first};
use crate::worker::{SearchResults, StudyResults};

/// Prints a study's results.
pub(super) fn show(results: &StudyResults, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    if json { print_json(out, &as_json(results)) } else { print(results, out) }
}

/// Its state in a word.
pub(super) fn state(state: StudyState) -> &'static str {
    match state {
        StudyState::UnderWay => "running",
        StudyState::Interrupted => "interrupted",
        StudyState::Finished => "finished",
    }
}

/// What it found, in a few words.
pub(super) fn headline(results: &StudyResults) -> String {
    match (&results.search, results.spreads.first()) {
        (Some(search), _) => format!(
            "best validation {} {}, trial {}",
            search.metric.in_a_sentence(),
            metric(search.metric, search.score),
            search.best
        ),
        (None, Some(spread)) => in_words(spread),
        (None, None) => results.curve.as_ref().map_or_else(String::new, curve_in_words),
    }
}

fn print(results: &StudyResults, out: &mut dyn Write) -> Result<(), CliError> {
    let plan = &results.settings.plan;
    let done: Vec<&TrialRun> = results.done().collect();
    let seconds: f64 = done.iter().filter_map(|trial| Some(trial.summary.as_ref()?.train_seconds)).sum();
    let trials = match plan {
        StudyPlan::CrossValidation { folds } => format!("{} of {}", done.len(), counted(*folds, "fold", "folds")),
        StudyPlan::Seeds { seeds } => format!("{} of {}", done.len(), counted(*seeds, "seed", "seeds")),
        StudyPlan::Search(_) => counted(results.trials.len(), "trial", "trials"),
        StudyPlan::LearningCurve { .. } => format!("{} of {}", done.len(), counted(plan.trials(), "run", "runs")),
    };
    let took = duration_fine(seconds);
    writeln!(out, "{} {}: {trials}, trained in {took}.\n", plan.title(), results.folder.id())?;
    match (&results.search, &results.curve) {
        (Some(search), _) => print_search(results, search, out),
        (None, Some(curve)) => print_curve(curve, out),
        (None, None) => print_spreads(results, &done, out),
    }
}

/// `macro-F1 0.742 with 2,000 rows`.
fn curve_in_words(curve: &LearningCurve) -> String {
    let last = curve.points.last();
    last.map_or_else(String::new, |point| {
        let name = curve.metric.in_a_sentence();
        format!("{name} {} with {}", metric(curve.metric, point.mean), counted(point.rows, "row", "rows"))
    })
}

fn print_curve(curve: &LearningCurve, out: &mut dyn Write) -> Result<(), CliError> {
    let digits = |value| metric(curve.metric, value);
    let row = |point: &CurvePoint| {
        let interval =
            point.interval.map_or_else(String::new, |(low, high)| format!("{} to {}", digits(low), digits(high)));
        vec![count(point.rows), digits(point.mean), interval, count(point.scores.len())]
    };
    let name = format!(">{}", curve.metric.in_a_sentence());
    let rows: Vec<Vec<String>> = curve.points.iter().map(row).collect();
    writeln!(out, "{}", table(&[">trained on", &name, "95% interval", ">runs"], &rows))?;
    let says = curve.says();
    if !says.is_empty() {
        writeln!(out, "{says}")?;
    }
    Ok(())
}

fn print_spreads(results: &StudyResults, done: &[&TrialRun], out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{}", trial_table(results, done))?;
    for spread in &results.spreads {
        writeln!(out, "{}.", upper_first(&in_words(spread)))?;
    }
    match (&results.settings.plan, results.spreads.first()) {
        (StudyPlan::Seeds { .. }, Some(spread)) if spread.values.len() > 1 => writeln!(
            out,
            "\nTwo runs of these settings differ by up to {} in {} by chance alone, in 95 of 100 pairs: a smaller gain says little.",
            metric(spread.metric, spread.luck()),
            spread.metric.in_a_sentence()
        )?,
        _ => {}
    }
    if let Some(pooled) = &results.out_of_fold {
        let (name, value) = pooled.metrics.figures()[0];
        let interval = pooled.interval.map_or_else(String::new, |interval| {
            format!(" (95% interval {} to {})", metric(name, interval.low), metric(name, interval.high))
        });
        writeln!(
            out,
            "\nAll {} together, each predicted by a model that was not trained on it: {} {}{interval}.\nThe answers are in {}.",
            counted(pooled.metrics.rows(), "row", "rows"),
            name.in_a_sentence(),
            metric(name, value),
            results.folder.predictions_path().display()
        )?;
    }
    Ok(())
}

/// `macro-F1 0.742 on average (standard deviation 0.013, 95% interval 0.718 to 0.766)`.
fn in_words(spread: &Spread) -> String {
    let digits = |value| metric(spread.metric, value);
    let mean = format!("{} {} on average", spread.metric.in_a_sentence(), digits(spread.mean));
    match spread.interval {
        Some((low, high)) => {
            let sd = digits(spread.sd);
            format!("{mean} (standard deviation {sd}, 95% interval {} to {})", digits(low), digits(high))
        }
        None => mean,
    }
}

fn trial_table(results: &StudyResults, done: &[&TrialRun]) -> String {
    let names: Vec<MetricName> = results.spreads.iter().map(|spread| spread.metric).collect();
    let of_seeds = matches!(results.settings.plan, StudyPlan::Seeds { .. });
    let heads: Vec<String> = [if of_seeds { ">seed" } else { ">fold" }, ">trained on", ">tested on"]
        .into_iter()
        .map(str::to_owned)
        .chain(names.iter().map(|name| format!(">{}", name.in_a_sentence())))
        .chain(["run".to_owned()])
        .collect();
    let row = |trial: &&TrialRun| -> Vec<String> {
        let number = if of_seeds { trial.project.training.seed } else { u64::from(trial.trial.number) };
        let tested = if trial.rows[2] > 0 { trial.rows[2] } else { trial.rows[1] };
        let measured = trial.summary.as_ref().map(RunSummary::measured);
        let value = |name: &MetricName| {
            measured.and_then(|metrics| metrics.get(*name)).map_or_else(String::new, |value| metric(*name, value))
        };
        [count(number), count(trial.rows[0]), count(tested)]
            .into_iter()
            .chain(names.iter().map(value))
            .chain([trial.run.id()])
            .collect()
    };
    table(&heads.iter().map(String::as_str).collect::<Vec<_>>(), &done.iter().map(row).collect::<Vec<_>>())
}

fn print_search(results: &StudyResults, search: &SearchResults, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{}", search_table(results, search))?;
    let Some(best) = results.trials.iter().find(|trial| trial.trial.number == search.best) else { return Ok(()) };
    let value = metric(search.metric, search.score);
    let name = search.metric.in_a_sentence();
    if best.trial.settings.is_empty() {
        writeln!(out, "No trial did better than the project's own settings (validation {name} {value}).")?;
        return Ok(());
    }
    writeln!(out, "Best: trial {}, validation {name} {value}, with {}.", search.best, best.trial.settings.join(", "))?;
    if let Some(gain) = &search.gain {
        let [now, before] = gain.macro_f1.map(score);
        let interval = gain.interval.map_or_else(String::new, |interval| {
            let [low, high] = [interval.low, interval.high].map(signed_score);
            format!("; the difference is {low} to {high} (95% interval)")
        });
        writeln!(
            out,
            "On the {} that no trial has seen: macro-F1 {now}, and {before} with the project's own settings{interval}. {} fixed, {} \
             broken.",
            counted(gain.rows, "test row", "test rows"),
            counted(gain.fixed.len(), "row", "rows"),
            count(gain.broken.len())
        )?;
    }
    let sets: Vec<String> = best.trial.settings.iter().map(|set| format!("--set {}", shell_word(set))).collect();
    let project = path_word(results.folder.project_folder());
    writeln!(out, "Train with them: hone train {project} {}", sets.join(" "))?;
    Ok(())
}

/// The trials, the best first.
fn search_table(results: &StudyResults, search: &SearchResults) -> String {
    let StudyPlan::Search(plan) = &results.settings.plan else { return String::new() };
    let score_of = |trial: &TrialRun| trial.summary.as_ref().and_then(|summary| summary.validation.get(search.metric));
    let mut trials: Vec<&TrialRun> = results.trials.iter().collect();
    let worst = if search.metric.higher_is_better() { f64::NEG_INFINITY } else { f64::INFINITY };
    trials.sort_by(|a, b| {
        let [a, b] = [a, b].map(|trial| score_of(trial).unwrap_or(worst));
        if search.metric.higher_is_better() { b.total_cmp(&a) } else { a.total_cmp(&b) }
    });
    let head: Vec<String> = std::iter::once(">trial".to_owned())
        .chain(plan.over.iter().map(|range| format!(">{}", range.setting)))
        .chain([format!(">validation {}", search.metric.in_a_sentence()), ">epochs".to_owned(), "ended".to_owned()])
        .collect();
    let row = |trial: &&TrialRun| -> Vec<String> {
        let setting = |name: &str| setting_value(&trial.project, name).unwrap_or_default();
        let summary = trial.summary.as_ref();
        let ended = match (summary.map(|summary| summary.stop_reason), &trial.failed) {
            (Some(StopReason::FellBehind), _) => "early, behind the others",
            (Some(StopReason::EarlyStopping), _) => "early, no improvement",
            (Some(_), _) => "at its end",
            (None, Some(_)) => "failed",
            (None, None) => "not yet",
        };
        std::iter::once(trial.trial.number.to_string())
            .chain(plan.over.iter().map(|range| setting(&range.setting)))
            .chain([
                score_of(trial).map_or_else(String::new, |value| metric(search.metric, value)),
                summary.map_or_else(String::new, |summary| format!("{:.1}", summary.epochs)),
                ended.to_owned(),
            ])
            .collect()
    };
    table(&head.iter().map(String::as_str).collect::<Vec<_>>(), &trials.iter().map(row).collect::<Vec<_>>())
}

/// Scripts rely on these names.
pub(super) fn as_json(results: &StudyResults) -> Value {
    let plan = &results.settings.plan;
    let trials: Vec<Value> = results.trials.iter().map(|trial| trial_json(results, trial)).collect();
    let (kind, name) = match plan {
        StudyPlan::CrossValidation { .. } => ("cross_validation", "folds"),
        StudyPlan::Seeds { .. } => ("seeds", "seeds"),
        StudyPlan::Search(_) => ("search", "trials"),
        StudyPlan::LearningCurve { .. } => ("learning_curve", "parts"),
    };
    let mut object = Map::new();
    object.insert("study".to_owned(), results.folder.id().into());
    object.insert("folder".to_owned(), results.folder.path().display().to_string().into());
    object.insert("kind".to_owned(), kind.into());
    object.insert("state".to_owned(), state(results.state).into());
    object.insert("planned".to_owned(), plan.trials().into());
    object.insert(name.to_owned(), trials.into());
    if let Some(search) = &results.search {
        object.insert("metric".to_owned(), name_of(search.metric).into());
        let best = results.trials.iter().find(|trial| trial.trial.number == search.best);
        object.insert("best".to_owned(), best.map(|trial| trial_json(results, trial)).unwrap_or_default());
        object.insert("gain".to_owned(), search.gain.as_ref().map(gain_json).unwrap_or_default());
    } else if let Some(curve) = &results.curve {
        object.insert("metric".to_owned(), name_of(curve.metric).into());
        object.insert("curve".to_owned(), curve.points.iter().map(point_json).collect());
        object.insert("forecast".to_owned(), curve.forecast.as_ref().map(forecast_json).unwrap_or_default());
    } else {
        object.insert("metrics".to_owned(), results.spreads.iter().map(spread_json).collect::<Map<_, _>>().into());
    }
    if let Some(pooled) = &results.out_of_fold {
        let interval = pooled.interval.map(|interval| [interval.low, interval.high]);
        let metrics = serde_json::to_value(Scores::from(&pooled.metrics)).unwrap_or_default();
        object.insert("out_of_fold".to_owned(), json!({ "metrics": metrics, "interval": interval }));
    }
    object.into()
}

fn point_json(point: &CurvePoint) -> Value {
    let interval = point.interval.map(|(low, high)| [low, high]);
    json!({ "rows": point.rows, "mean": point.mean, "interval": interval, "scores": point.scores })
}

fn forecast_json(forecast: &Forecast) -> Value {
    let interval = forecast.interval.map(|(low, high)| [low, high]);
    json!({ "rows": forecast.rows, "score": forecast.score, "change": forecast.change, "interval": interval })
}

/// The best settings compared with the project's own, on the test rows.
fn gain_json(gain: &crate::evaluation::RunDifference) -> Value {
    json!({
        "test_rows": gain.rows,
        "macro_f1": gain.macro_f1[0],
        "macro_f1_of_own_settings": gain.macro_f1[1],
        "difference": gain.macro_f1[0] - gain.macro_f1[1],
        "interval": gain.interval.map(|interval| [interval.low, interval.high]),
        "mcnemar_p": gain.chance(),
        "fixed": gain.fixed.len(),
        "broken": gain.broken.len(),
    })
}

fn name_of(metric: MetricName) -> String {
    metric.in_a_sentence().to_lowercase().replace(['-', ' '], "_")
}

fn spread_json(spread: &Spread) -> (String, Value) {
    let interval = spread.interval.map(|(low, high)| [low, high]);
    let value = json!({ "mean": spread.mean, "sd": spread.sd, "interval": interval, "values": spread.values });
    (name_of(spread.metric), value)
}

fn trial_json(results: &StudyResults, trial: &TrialRun) -> Value {
    let [train, validation, test] = trial.rows;
    let summary = trial.summary.as_ref();
    let setting = |set: &String| {
        let (name, value) = set.split_once('=')?;
        Some((name.to_owned(), value.into()))
    };
    let score = results.search.as_ref().and_then(|search| summary?.validation.get(search.metric));
    json!({
        "number": trial.trial.number,
        "run": trial.run.id(),
        "settings": trial.trial.settings.iter().filter_map(setting).collect::<Map<String, Value>>(),
        "score": score,
        "seed": trial.project.training.seed,
        "rows": { "train": train, "validation": validation, "test": test },
        "seconds": summary.map(|summary| summary.train_seconds),
        "epochs": summary.map(|summary| summary.epochs),
        "stop_reason": summary.map(|summary| format!("{:?}", summary.stop_reason)),
        "error": trial.failed,
        "metrics": summary.map(|summary| serde_json::to_value(Scores::from(summary.measured())).unwrap_or_default()),
    })
}
