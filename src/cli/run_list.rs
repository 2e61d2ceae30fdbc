//! `hone runs`: the list of a project's runs.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::cli::outcome::print_json;
use crate::cli::run_args::RunsArguments;
use crate::cli::run_entry::RunEntry;
use crate::cli::table::{metric, table};
use crate::cli::train::ending;
use crate::cli::{CliError, shell_word};
use crate::evaluation::Metrics;
use crate::project::{MetricName, TaskKind};
use crate::storage::{
    FreePolicy, Interruption, ProjectFile, RunFilter, RunNotes, RunOrder, RunOutcome, RunRecord, RunRecords,
};
use crate::words::{ago, bytes, count, counted, duration_fine, joined, shortened};

/// Longest name shown, in characters.
const NAME: usize = 32;

/// Lists a project's runs.
pub(super) fn list_runs(arguments: &RunsArguments, project: &Path, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, settings) = ProjectFile::read(project)?;
    let filter = filter(&arguments.filter)?;
    let records = RunRecords::read(&folder, None)?;
    let mut runs: Vec<Arc<RunRecord>> = records.runs.iter().filter(|run| filter.has(run)).cloned().collect();
    RunOrder::from(arguments.sort).sort(&mut runs);
    if arguments.json {
        let runs: Vec<_> = runs.iter().map(|run| RunEntry::new(run)).collect();
        return print_json(out, &json!({ "runs": runs, "in_bin": records.bin.len() }));
    }
    let word = shell_word(project);
    if records.runs.is_empty() {
        writeln!(out, "No runs yet. Start one with: hone train {word}")?;
    } else if runs.is_empty() {
        writeln!(out, "None of the {} fits the filter.", counted(records.runs.len(), "run", "runs"))?;
    } else {
        write!(out, "{}", runs_table(&runs, settings.task.kind()))?;
    }
    hints(&records, &word, out)
}

/// What can be done next.
fn hints(records: &RunRecords, project: &str, out: &mut dyn Write) -> Result<(), CliError> {
    let newest = records.runs.first().and_then(|run| run.interruption.as_ref());
    if let Some(Interruption { steps, resumes_after, .. }) = newest {
        let (steps, from) = (count(*steps), resumed_from(*resumes_after));
        writeln!(
            out,
            "\nThe newest run was interrupted after step {steps}. To go on {from}: hone train {project} --resume"
        )?;
    }
    let freeable: u64 = FreePolicy::default().freeable(records).iter().map(|part| part.bytes).sum();
    if freeable > 0 {
        let (all, some) = (bytes(records.disk().total()), bytes(freeable));
        writeln!(out, "\nThe runs take {all}. To see which {some} of it can be freed: hone runs free {project}")?;
    }
    if !records.bin.is_empty() {
        let runs = counted(records.bin.len(), "run", "runs");
        writeln!(out, "\n{runs} in the bin. To see the bin: hone runs bin {project}")?;
    }
    Ok(())
}

/// The filter that a person typed.
fn filter(parts: &[String]) -> Result<RunFilter, CliError> {
    let mut filter = RunFilter::default();
    for part in parts {
        match part.split_once('=') {
            None if part == "star" => filter.star = true,
            None => filter.words = format!("{} {part}", filter.words),
            Some(("tag", tag)) => filter.tags.push(tag.to_owned()),
            Some((name, _)) => {
                let message = format!("There is no filter '{name}='. Use star, tag=TAG, or words");
                return Err(CliError::Usage(message));
            }
        }
    }
    Ok(filter)
}

/// A table of runs. Names and tags have a column if any run has some.
pub(super) fn runs_table(runs: &[Arc<RunRecord>], task: TaskKind) -> String {
    let first = listed_metric(runs, task);
    let has = |said: fn(&RunNotes) -> bool| runs.iter().any(|run| said(&run.listing.notes));
    let (has_names, has_tags) =
        (has(|notes| notes.star || !notes.name.is_empty()), has(|notes| !notes.tags.is_empty()));
    let [validation, test] = ["validation", "test"].map(|rows| format!(">{rows} {}", first.in_a_sentence()));
    let rows: Vec<Vec<String>> = runs.iter().map(|run| row(run, first, has_names, has_tags)).collect();
    let mut head = vec![">no", "run"];
    head.extend(has_names.then_some("name"));
    head.extend(["when", "trained", ">time", &validation, &test, ">disk"]);
    head.extend(has_tags.then_some("tags"));
    head.push("status");
    table(&head, &rows)
}

fn row(run: &RunRecord, first: MetricName, has_names: bool, has_tags: bool) -> Vec<String> {
    let none = || String::from("-");
    let summary = run.summary();
    let measured = summary.map(|summary| &summary.validation).filter(|validation| validation.rows() > 0);
    let test = summary.and_then(|summary| summary.test.as_ref());
    let value = |metrics: Option<&Metrics>| {
        metrics.and_then(|metrics| metrics.get(first)).map_or_else(none, |value| metric(first, value))
    };
    let notes = &run.listing.notes;
    let mut cells = vec![run.listing.number.to_string(), run.listing.folder.id()];
    let star = if notes.star { "★ " } else { "" };
    cells.extend(has_names.then(|| format!("{star}{}", shortened(&notes.name, NAME)).trim().to_owned()));
    cells.extend([
        ago(run.began_at),
        run.trained_in_words(),
        run.train_seconds().map_or_else(none, duration_fine),
        value(measured),
        value(test),
        // It grows and shrinks all the time while the run is training.
        if run.is_under_way() { none() } else { bytes(run.disk.total()) },
    ]);
    cells.extend(has_tags.then(|| joined(&notes.tags.iter().cloned().collect::<Vec<_>>())));
    cells.push(status(run));
    cells
}

fn status(run: &RunRecord) -> String {
    let status = match &run.outcome {
        RunOutcome::Finished(summary) => ending(summary.stop_reason).to_owned(),
        RunOutcome::UnderWay => "training now".to_owned(),
        RunOutcome::CutOff { why, kept } => {
            let kept =
                kept.as_ref().map_or_else(String::new, |kept| format!(", checkpoint of step {} kept", kept.best_step));
            format!("not finished{kept}: {}", shortened(why, 60))
        }
    };
    if run.has_freed_weights { format!("{status}, weights freed") } else { status }
}

/// Where an interrupted run goes on.
fn resumed_from(step: u64) -> String {
    if step == 0 { "from the beginning".to_owned() } else { format!("from step {}", count(step)) }
}

/// The metric that the list shows: the first one of the newest run that has any, or else of the project's task.
fn listed_metric(runs: &[Arc<RunRecord>], task: TaskKind) -> MetricName {
    let newest = runs.iter().max_by_key(|run| (run.summary().is_some(), run.listing.number));
    let figures = newest.and_then(|run| run.summary()).map(|summary| summary.validation.figures());
    match figures.as_deref() {
        Some(&[(first, _), ..]) => first,
        _ => match task {
            TaskKind::TextClassification => MetricName::MacroF1,
            TaskKind::LanguageModelling => MetricName::Perplexity,
        },
    }
}
