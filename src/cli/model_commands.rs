//! `hone evaluate`, `export` and `models`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use crate::cli::CliError;
use crate::cli::args::{EvaluateArguments, ExportArguments, FormatArgument, ModelsCommand};
use crate::cli::hub_search::search_hub;
use crate::cli::job_runner::JobRunner;
use crate::cli::model_choice::model_to_download;
use crate::cli::model_list::list_models;
use crate::cli::new::reading;
use crate::cli::outcome::{Scores, print_json};
use crate::cli::shell::absolute;
use crate::cli::table::{details, overall_table, scores, slices_table};
use crate::evaluation::{ClassificationDetails, Slices};
use crate::fetch::Catalogue;
use crate::models::mistaken_for_model;
use crate::project::DatasetSettings;
use crate::storage::{PROJECT_FILE, ProjectFile, RunFolder, RunOutcome, RunSummary, StopReason};
use crate::words::{count, counted, printable};
use crate::worker::{ConvertGguf, Evaluate, EvaluationReport, Export, ExportFormat, Exported, FetchModel, FindSlices};

/// Evaluates a run's best checkpoint.
pub(super) fn evaluate(arguments: &EvaluateArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let Chosen { run, finished } = find_run(&arguments.project, arguments.run.as_deref())?;
    let data = arguments.data.as_deref().map(absolute);
    let reading = reading(&[], &arguments.reading);
    if data.is_none() && reading != DatasetSettings::default() {
        let message = "--delimiter, --encoding, --header-row, --no-header and --sheet say how to read the file of --data. Add --data";
        return Err(CliError::Usage(message.to_owned()));
    }
    let mut jobs = JobRunner::begin()?;
    let report = jobs.run(Evaluate { run: run.path().to_owned(), data, reading })?;
    let slices = arguments.slices.then(|| jobs.run(FindSlices { run: run.path().to_owned() })).transpose()?;
    if arguments.json {
        return print_json(out, &EvaluateOutcome::new(&report, slices.as_deref(), finished));
    }
    let metrics = &report.metrics;
    writeln!(
        out,
        "Run {}{}, {}: {}, {}.",
        report.run,
        if finished { "" } else { " (not finished)" },
        report.data,
        counted(metrics.rows(), "row", "rows"),
        scores(metrics)
    )?;
    write!(out, "\n{}", details(metrics))?;
    if let Some(details) = &report.details {
        write!(out, "\n{}", overall_table(details))?;
    }
    if let Some(slices) = &slices {
        write!(out, "\n{}", slices_table(slices))?;
    }
    Ok(())
}

/// Output of `hone evaluate --json`.
#[derive(Serialize)]
struct EvaluateOutcome<'a> {
    run: &'a str,
    finished: bool,
    data: &'a str,
    #[serde(flatten)]
    scores: Scores<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a ClassificationDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slices: Option<&'a Slices>,
}

impl<'a> EvaluateOutcome<'a> {
    fn new(report: &'a EvaluationReport, slices: Option<&'a Slices>, finished: bool) -> Self {
        let (scores, details) = (Scores::from(&report.metrics), report.details.as_ref());
        Self { run: &report.run, finished, data: &report.data, scores, details, slices }
    }
}

/// Saves a trained model for other tools.
pub(super) fn export(arguments: &ExportArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let format = match arguments.format {
        FormatArgument::Hf if arguments.calibrated => ExportFormat::CalibratedHuggingFace,
        _ if arguments.calibrated => {
            let message = "--calibrated divides the last layer of a whole model, so it needs --format hf. After LoRA, that merges \
                           the adapter";
            return Err(CliError::Usage(message.to_owned()));
        }
        FormatArgument::Predictions if arguments.raw => ExportFormat::RawPredictions,
        format => format.into(),
    };
    let Chosen { run, finished } = find_run(&arguments.project, arguments.run.as_deref())?;
    let job = Export { run: run.path().to_owned(), format, output: absolute(&arguments.out) };
    let Exported { path, proof } = JobRunner::begin()?.run(job)?;
    if arguments.json {
        return print_json(out, &json!({ "run": run.id(), "finished": finished, "path": path, "proof": proof }));
    }
    writeln!(out, "Exported run {} to {}.\n{proof}", run.id(), path.display())?;
    Ok(())
}

/// Lists, finds and downloads models.
pub(super) fn models(command: &ModelsCommand, out: &mut dyn Write) -> Result<(), CliError> {
    let catalogue = Catalogue::bundled().map_err(|error| CliError::Failed(error.to_string()))?;
    match command {
        ModelsCommand::List { json } => list_models(catalogue, *json, out),
        ModelsCommand::Search { words, json } => search_hub(&words.join(" "), *json, out),
        ModelsCommand::Fetch { name } => {
            let mut jobs = JobRunner::begin()?;
            let model = model_to_download(&mut jobs, name)?;
            let folder = jobs.run(FetchModel { model })?;
            writeln!(out, "{}", folder.display())?;
            Ok(())
        }
        ModelsCommand::Convert { file, out: folder } => {
            let job = ConvertGguf { file: file.clone(), out: Some(absolute(folder)) };
            let folder = JobRunner::begin()?.run(job)?;
            writeln!(out, "{}", folder.display())?;
            Ok(())
        }
    }
}

/// A run with a model, and whether it finished.
pub(super) struct Chosen {
    pub run: RunFolder,
    pub finished: bool,
}

/// The run with this id, or the newest that trained to its end. Prints a note to standard error if the run did not train to
/// its end, or a newer one did not.
pub(super) fn find_run(project: &Path, id: Option<&str>) -> Result<Chosen, CliError> {
    let (folder, _) = ProjectFile::read(project)?;
    let run = RunFolder::find(&folder, id)?;
    // Its predictions are of use also without its weights.
    let trained = run.measured()?;
    let note = match (&trained.cut_off, id) {
        (Some(why), _) => Some(format!("run {} did not finish. {} {why}", run.id(), best_of(&trained.summary))),
        (None, None) => chosen_note(&folder, &run, &trained.summary)?,
        (None, Some(_)) => None,
    };
    if let Some(note) = note {
        let _ = writeln!(io::stderr(), "{}", printable(&format!("Note: {note}")));
    }
    Ok(Chosen { run, finished: trained.summary.stop_reason != StopReason::CutOff })
}

fn best_of(summary: &RunSummary) -> String {
    match summary.best_step {
        0 => "Using its best checkpoint.".to_owned(),
        step => format!("Using its best checkpoint, from step {}.", count(step)),
    }
}

/// Why this run was chosen, unless it is the newest with a model and trained to its end.
fn chosen_note(project: &Path, run: &RunFolder, summary: &RunSummary) -> Result<Option<String>, CliError> {
    let (id, best) = (run.id(), best_of(summary));
    match summary.stop_reason {
        StopReason::Stopped => {
            return Ok(Some(format!("run {id} was stopped early, and no run trained to its end. {best}")));
        }
        StopReason::Diverged => {
            return Ok(Some(format!("run {id} diverged, and no run trained to its end. {best}")));
        }
        StopReason::CutOff => return Ok(Some(format!("run {id} did not finish. {best}"))),
        StopReason::Completed | StopReason::EarlyStopping | StopReason::FellBehind => {}
    }
    let runs = RunFolder::list(project)?;
    let mut newer = runs.iter().take_while(|listing| listing.folder != *run);
    Ok(newer.find_map(|listing| {
        let newer = listing.folder.id();
        let why = match listing.folder.outcome() {
            RunOutcome::Finished(summary) if summary.stop_reason == StopReason::Stopped => "was stopped early",
            RunOutcome::Finished(summary) if summary.stop_reason == StopReason::Diverged => "diverged",
            RunOutcome::CutOff { kept: Some(_), .. } | RunOutcome::Finished(_) => "did not finish",
            RunOutcome::CutOff { kept: None, .. } | RunOutcome::UnderWay => return None,
        };
        Some(format!(
            "using run {id}, the newest that trained to its end. Run {newer} {why}; use it with --run {newer}."
        ))
    }))
}

/// The folder of a trained model: given directly, or from a project's run.
pub(super) fn model_folder(path: &Path, run: Option<&str>) -> Result<PathBuf, CliError> {
    if path.join("config.json").is_file() {
        return Ok(absolute(path));
    }
    if path.join(PROJECT_FILE).is_file() || path.file_name().is_some_and(|name| name == PROJECT_FILE) {
        let run = find_run(path, run)?.run;
        run.trained()?;
        return Ok(absolute(&run.best()));
    }
    if let Some(error) = mistaken_for_model(path) {
        return Err(CliError::Failed(error.to_string()));
    }
    Err(CliError::Failed(format!(
        "'{}' is neither a project (no project.ron) nor a model folder (no config.json). Check the path.",
        path.display()
    )))
}
