//! What a step can read while it draws.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{Finding, Imported, LeakageReport, Likeness, Prepared};
use crate::fetch::FetchSettings;
use crate::models::EarlierLabels;
use crate::project::{Facts, NetworkKind, Project, Step};
use crate::storage::{AdaptedModel, Interruption, RunListing, TableLayouts};
use crate::worker::{EvaluationReport, ListedRuns, RunResults, Survey};

use crate::app::answers::Answers;
use crate::app::live_run::LiveRun;
use crate::app::slot::Running;
use crate::app::theme::{Theme, Tone};

/// Read access to everything a step shows. Drawing changes nothing here.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// Colours, spacing, text styles.
    pub theme: &'a Theme,
    /// The project's settings.
    pub project: &'a Project,
    /// The project's folder, against which its relative paths are resolved.
    pub folder: &'a Path,
    /// Facts about the project other than its settings.
    pub facts: &'a Facts,
    /// The steps the person has looked at, or made decisions in.
    pub looked_at: &'a BTreeSet<Step>,
    /// The answers of the workers.
    pub answers: &'a Answers,
    /// The files as read, once they have been.
    pub imported: Option<&'a Arc<Imported>>,
    /// The prepared data, once there is some. While `preview` is running, this is the old data.
    pub prepared: Option<&'a Arc<Prepared>>,
    /// Counts over `prepared`; present whenever that is.
    pub survey: Option<&'a Arc<Survey>>,
    /// Near-duplicates among the rows, once they have been found.
    pub likeness: Option<&'a Likeness>,
    /// The leakage report, once there is one.
    pub leakage: Option<&'a LeakageReport>,
    /// Problems of the rows, once they have been checked.
    pub findings: Option<&'a Arc<Vec<Finding>>>,
    /// Reading or preparing, if either is running.
    pub preview: Option<&'a Running>,
    /// The chosen model's folder, if it is on this machine.
    pub model_folder: Option<&'a Path>,
    /// The kind of its network.
    pub network: NetworkKind,
    /// The labels that it was fine-tuned for, if it was.
    pub earlier_labels: Option<&'a EarlierLabels>,
    /// Where models are looked for and downloaded from; `None` if the system has no home folder.
    pub models: Option<&'a FetchSettings>,
    /// Why training cannot start, for a person to read; `None` if it can.
    pub train_blocked: Option<&'a str>,
    /// The current run, or the last one since the project was opened.
    pub live: Option<&'a LiveRun>,
    /// The columns of the tables, as the person arranged them.
    pub tables: &'a TableLayouts,
    /// The project's runs, newest first.
    pub runs: &'a [RunListing],
    /// The project's runs with all that is known of them, once they were listed.
    pub listed: Option<&'a Arc<ListedRuns>>,
    /// The newest run, if it was interrupted.
    pub interrupted: Option<&'a Interruption>,
    /// Adapted models of recent projects.
    pub adapted: &'a [AdaptedModel],
    /// The run whose results are shown, once there is one.
    pub results: Option<&'a Arc<RunResults>>,
    /// What has changed since the run shown, a line for each setting.
    pub changed_since_run: &'a [String],
    /// Metrics of the shown run on another file.
    pub evaluated: Option<&'a Arc<EvaluationReport>>,
    /// The export, prediction or evaluation that is running.
    pub job: Option<&'a Running>,
    /// What was written since the project was opened, oldest first: (what, where, proof).
    pub exports: &'a [(String, PathBuf, String)],
}

impl<'a> StepContext<'a> {
    /// The context of a project without a known model or runs.
    #[must_use]
    pub fn new(
        theme: &'a Theme,
        (project, folder): (&'a Project, &'a Path),
        facts: &'a Facts,
        answers: &'a Answers,
    ) -> Self {
        Self {
            theme,
            project,
            folder,
            facts,
            looked_at: const { &BTreeSet::new() },
            answers,
            imported: answers.imported.value.as_ref(),
            prepared: answers.prepared(),
            survey: answers.rows.value.as_ref().map(|rows| &rows.survey),
            likeness: answers.likeness.value.as_deref(),
            leakage: answers.leakage.value.as_deref(),
            findings: answers.findings.value.as_ref(),
            preview: answers.preview(),
            model_folder: None,
            network: NetworkKind::default(),
            earlier_labels: None,
            models: None,
            train_blocked: None,
            live: answers.live.as_ref(),
            tables: const { &TableLayouts::new() },
            runs: &[],
            listed: answers.runs.value.as_ref(),
            interrupted: None,
            adapted: &[],
            results: answers.results.value.as_ref(),
            changed_since_run: &[],
            evaluated: answers.evaluated.value.as_ref(),
            job: answers.job(),
            exports: &answers.exports,
        }
    }
}

/// A message for the person, kept in the notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How serious it is.
    pub tone: Tone,
    /// What happened, in a few words.
    pub title: String,
    /// Why, and what to do next.
    pub body: String,
}
