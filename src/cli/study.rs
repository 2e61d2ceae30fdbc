//! `hone cv`, `hone seeds`, `hone learning-curve`, `hone search` and `hone studies`.

use std::io::Write;
use std::mem::discriminant;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::cli::CliError;
use crate::cli::job_runner::JobRunner;
use crate::cli::outcome::print_json;
use crate::cli::study_args::{
    BestArguments, CrossValidateArguments, LearningCurveArguments, SearchArguments, SeedsArguments, StudiesArguments,
    StudyArguments,
};
use crate::cli::study_results::{as_json, headline, show, state};
use crate::cli::table::table;
use crate::cli::values::with_settings;
use crate::notification;
use crate::project::{MOST_TRIALS, Project, SearchPlan, SearchRange, SearchStart, StudyPlan};
use crate::storage::{ProjectFile, RunFolder, StorageError, StudyFolder, StudyState};
use crate::worker::{ClusterSettings, KeepBest, KeptBest, LoadStudy, RunStudy, StudyEvent, StudyResults};

/// Trials of a search without a budget.
const TRIALS: u32 = 20;

/// `hone cv`.
pub(super) fn cross_validate(arguments: &CrossValidateArguments, out: &mut dyn Write) -> Result<(), CliError> {
    run(&arguments.study, |_| Ok(StudyPlan::CrossValidation { folds: arguments.folds }), out)
}

/// `hone seeds`.
pub(super) fn seeds(arguments: &SeedsArguments, out: &mut dyn Write) -> Result<(), CliError> {
    run(&arguments.study, |_| Ok(StudyPlan::Seeds { seeds: arguments.seeds }), out)
}

/// `hone learning-curve`.
pub(super) fn learning_curve(arguments: &LearningCurveArguments, out: &mut dyn Write) -> Result<(), CliError> {
    run(&arguments.study, |_| Ok(StudyPlan::LearningCurve { draws: arguments.draws }), out)
}

/// `hone search`.
pub(super) fn search(arguments: &SearchArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let plan = |project: &Project| {
        let over = if arguments.over.is_empty() {
            SearchRange::usual(project)
        } else {
            SearchRange::read_all(&arguments.over, project).map_err(|error| CliError::Usage(error.to_string()))?
        };
        // A search that goes on has its own ranges.
        if over.is_empty() && !arguments.study.resume {
            let message =
                "An instant model has no learning rate, batches or epochs to search. Say what to search with --over.";
            return Err(CliError::Usage(message.to_owned()));
        }
        let usual = if arguments.minutes.is_some() { MOST_TRIALS } else { TRIALS };
        let trials = arguments.trials.unwrap_or(usual);
        let (minutes, halving) = (arguments.minutes, !arguments.no_halving);
        let start = SearchStart::OwnSettings;
        Ok(StudyPlan::Search(SearchPlan { over, trials, minutes, halving, start, keeps_best: false }))
    };
    run(&arguments.study, plan, out)
}

/// `hone best`.
pub(super) fn best(arguments: &BestArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let plan = |_: &Project| {
        let trials = arguments.trials.unwrap_or(MOST_TRIALS);
        Ok(StudyPlan::Search(SearchPlan { trials, ..SearchPlan::best_in(arguments.minutes) }))
    };
    run(&arguments.study, plan, out)
}

/// Runs a study, or goes on with one, and prints what it found.
fn run(
    arguments: &StudyArguments,
    plan: impl FnOnce(&Project) -> Result<StudyPlan, CliError>,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let outcome = run_or_resume(arguments, plan, out);
    if let (true, Err(error)) = (arguments.notify, &outcome) {
        notification::show("The study ended", &error.to_string());
    }
    outcome
}

fn run_or_resume(
    arguments: &StudyArguments,
    plan: impl FnOnce(&Project) -> Result<StudyPlan, CliError>,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let (folder, project) = ProjectFile::read(&arguments.project)?;
    let mut jobs = JobRunner::begin()?;
    let mut project = with_settings(&project, &arguments.settings, &folder)?;
    let training = &mut project.training;
    training.device = arguments.compute.device.map_or(training.device, Into::into);
    training.precision = arguments.compute.precision.map_or(training.precision, Into::into);
    let plan = plan(&project)?;
    let id = arguments.study.as_deref();
    let resumed = arguments.resume.then(|| interrupted(&mut jobs, &folder, &plan, id)).transpose()?;
    let (events, told) = crossbeam_channel::unbounded();
    let cluster = arguments.ray.clone().map(|address| ClusterSettings { address, parallel: arguments.parallel });
    let is_elsewhere = cluster.is_some();
    let job = RunStudy { project, folder, plan, may_fetch: arguments.fetch, resumed, cluster, events };
    let mut begun: Option<Arc<StudyResults>> = None;
    let ended = jobs.run_with(job, |screen| {
        for event in told.try_iter().take(1) {
            match event {
                StudyEvent::Run(number, event) if is_elsewhere => {
                    let title = begun.as_ref().map(|begun| begun.settings.plan.trial_title(number));
                    screen.event_of(&title.unwrap_or_default(), &event);
                }
                StudyEvent::Run(_, event) => screen.run_event(&event),
                StudyEvent::Started(results) => begun = Some(results),
                // The log tells which trial begins, and the run's events how it goes.
                StudyEvent::Trial(_) | StudyEvent::Results(_) => {}
            }
        }
    });
    if let (Err(CliError::Stopped | CliError::Failed(_)), Some(begun)) = (&ended, &begun) {
        let study = begun.folder.id();
        jobs.say(&format!("The study {study} keeps what is done. Go on with it: add --resume."));
    }
    let results = ended?;
    if arguments.notify {
        notification::show(&format!("{} finished", results.settings.plan.title()), &headline(&results));
    }
    show(&results, arguments.json, out)
}

/// The study with this id, or the newest one with this kind of plan that was interrupted.
fn interrupted(
    jobs: &mut JobRunner,
    folder: &Path,
    plan: &StudyPlan,
    id: Option<&str>,
) -> Result<StudyFolder, CliError> {
    let studies = match id {
        Some(id) => vec![StudyFolder::find(folder, Some(id))?],
        None => StudyFolder::list(folder)?,
    };
    let is_asked_for = |results: &StudyResults| {
        is_of_same_kind(&results.settings.plan, plan) && results.state == StudyState::Interrupted
    };
    for study in studies {
        // One that cannot be read is not the one to go on with.
        if let Ok(results) = jobs.run(LoadStudy { study: study.clone() })
            && is_asked_for(&results)
        {
            return Ok(study);
        }
    }
    let kind = plan.title().to_lowercase();
    let what = match id {
        Some(id) => format!("Study {id} is not an interrupted {kind}"),
        None => format!("No {kind} of this project was interrupted"),
    };
    Err(StorageError::NothingToResume(what).into())
}

fn is_of_same_kind(one: &StudyPlan, other: &StudyPlan) -> bool {
    match (one, other) {
        (StudyPlan::Search(one), StudyPlan::Search(other)) => one.keeps_best == other.keeps_best,
        _ => discriminant(one) == discriminant(other),
    }
}

/// Says which run the best trial of a search is.
fn say_kept(kept: &KeptBest, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    let run = &kept.run;
    if json {
        let better_than = kept.better_than.as_ref().map(RunFolder::id);
        let object =
            json!({ "run": run.id(), "folder": run.path(), "is_new": !kept.is_known, "better_than": better_than });
        return print_json(out, &object);
    }
    Ok(writeln!(out, "{} It is in {}.", kept.in_words("The best model"), run.path().display())?)
}

/// A study, and what could be read of it.
type Loaded = (StudyFolder, Result<Arc<StudyResults>, CliError>);

/// `hone studies`.
pub(super) fn list(arguments: &StudiesArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, _) = ProjectFile::read(&arguments.project)?;
    let mut jobs = JobRunner::begin()?;
    if let Some(id) = &arguments.study {
        let study = StudyFolder::find(&folder, Some(id))?;
        if arguments.keep {
            let kept = jobs.run(KeepBest { study })?;
            return say_kept(&kept, arguments.json, out);
        }
        let results = jobs.run(LoadStudy { study })?;
        return show(&results, arguments.json, out);
    }
    let studies = StudyFolder::list(&folder)?;
    let loaded: Vec<Loaded> = studies.into_iter().map(|study| (study.clone(), jobs.run(LoadStudy { study }))).collect();
    if arguments.json {
        let entry = |(study, results): &Loaded| match results {
            Ok(results) => as_json(results),
            Err(error) => json!({ "study": study.id(), "error": error.to_string() }),
        };
        return print_json(out, &json!({ "studies": loaded.iter().map(entry).collect::<Vec<_>>() }));
    }
    if loaded.is_empty() {
        writeln!(
            out,
            "No studies yet. Begin one with `hone cv`, `hone seeds`, `hone learning-curve` or `hone search`."
        )?;
        return Ok(());
    }
    let row = |(study, results): &Loaded| {
        let found = match results {
            Ok(results) => [
                results.settings.plan.title().to_owned(),
                results.done().count().to_string(),
                state(results.state).to_owned(),
                headline(results),
            ],
            Err(error) => [String::new(), String::new(), "cannot be read".to_owned(), error.to_string()],
        };
        std::iter::once(study.id()).chain(found).collect()
    };
    let rows: Vec<Vec<String>> = loaded.iter().map(row).collect();
    write!(out, "{}", table(&["study", "kind", ">trials", "state", "result"], &rows))?;
    Ok(())
}
