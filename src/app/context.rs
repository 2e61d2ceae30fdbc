//! What a step may read while it draws.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{Finding, Imported, LeakageReport, Likeness, Prepared};
use crate::project::{Facts, Project};
use crate::storage::{AdaptedModel, RunListing};
use crate::worker::{EvaluationReport, RunResults, Survey};

use crate::app::answers::Answers;
use crate::app::live_run::LiveRun;
use crate::app::slot::Running;
use crate::app::theme::{Theme, Tone};

/// Read access to everything a step shows. Drawing changes nothing here.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// Colours, distances, text styles.
    pub theme: &'a Theme,
    /// What the person has decided.
    pub project: &'a Project,
    /// The project's folder, against which its relative paths are resolved.
    pub folder: &'a Path,
    /// What is known about the project beyond its settings.
    pub facts: &'a Facts,
    /// What was asked of the workers, and answered.
    pub answers: &'a Answers,
    /// The files as read, once they are.
    pub imported: Option<&'a Arc<Imported>>,
    /// The data as it will be learnt from, once it is known. While `preview` is under way it is the old one.
    pub prepared: Option<&'a Arc<Prepared>>,
    /// What was counted over `prepared`; there whenever that is.
    pub survey: Option<&'a Arc<Survey>>,
    /// Near-duplicates among the rows, once they were found.
    pub likeness: Option<&'a Likeness>,
    /// What would make metrics look better than they are, once that was looked for.
    pub leakage: Option<&'a LeakageReport>,
    /// What is wrong with the rows, once it was looked for.
    pub findings: Option<&'a Arc<Vec<Finding>>>,
    /// Reading or preparing under way.
    pub preview: Option<&'a Running>,
    /// The chosen model's folder, when it is on this machine.
    pub model_folder: Option<&'a Path>,
    /// Why training cannot start, in words; `None` when it can.
    pub train_blocked: Option<&'a str>,
    /// The run under way, or the last one since the project was opened.
    pub live: Option<&'a LiveRun>,
    /// The project's runs, newest first.
    pub runs: &'a [RunListing],
    /// Models that recent projects adapted.
    pub adapted: &'a [AdaptedModel],
    /// The run whose results are shown, once there is one.
    pub results: Option<&'a Arc<RunResults>>,
    /// Metrics of the shown run on another file.
    pub evaluated: Option<&'a Arc<EvaluationReport>>,
    /// An export, prediction or evaluation under way.
    pub job: Option<&'a Running>,
    /// What was written since the project was opened, oldest first: (what, where, proof).
    pub exports: &'a [(String, PathBuf, String)],
}

impl<'a> StepContext<'a> {
    /// The context of a project whose model and runs nothing is known of.
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
            answers,
            imported: answers.imported.value.as_ref(),
            prepared: answers.prepared(),
            survey: answers.rows.value.as_ref().map(|rows| &rows.survey),
            likeness: answers.likeness.value.as_deref(),
            leakage: answers.leakage.value.as_deref(),
            findings: answers.findings.value.as_ref(),
            preview: answers.preview(),
            model_folder: None,
            train_blocked: None,
            live: answers.live.as_ref(),
            runs: &[],
            adapted: &[],
            results: answers.results.value.as_ref(),
            evaluated: answers.evaluated.value.as_ref(),
            job: answers.job(),
            exports: &answers.exports,
        }
    }
}

/// Something told to the person, kept in the notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How serious it is.
    pub tone: Tone,
    /// What happened, in a few words.
    pub title: String,
    /// Why, and what to do next.
    pub body: String,
}
