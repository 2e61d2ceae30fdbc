//! The answers of the workers about the open project.

use std::path::PathBuf;
use std::sync::Arc;

use crate::data::{DomainTerms, Finding, Imported, LabelCounts, LeakageReport, Likeness, Prepared, TokenHistogram};
use crate::evaluation::{Prediction, Slices};
use crate::fetch::{HubListing, HubName, LookedUp};
use crate::project::{DatasetSettings, ModelChoice, Project};
use crate::storage::RunFolder;
use crate::worker::{
    Classified, ContinuedText, DryRun, EvaluationReport, ExportFormat, Exported, FileToLabel, FilledBlanks, FoundRows,
    KeptBest, LabelledRows, ListedRuns, ListedStudies, Profile, RateCurve, RowSource, RunResults, RunsComparison,
    SavedPredictions, SavedRows, StudyResults, WayEstimate,
};

use crate::app::live_run::LiveRun;
use crate::app::live_study::LiveStudy;
use crate::app::slot::{Running, Slot};

/// A slot for each kind of request to the workers.
#[derive(Debug, Default)]
pub struct Answers {
    /// The files as read.
    pub imported: Slot<Arc<Imported>>,
    /// The prepared rows. While they are prepared again, these are the old ones.
    pub rows: Slot<RowSource>,
    /// The near-duplicates among the rows.
    pub likeness: Slot<Arc<Likeness>>,
    /// The leakage report.
    pub leakage: Slot<Arc<LeakageReport>>,
    /// Problems of the rows.
    pub findings: Slot<Arc<Vec<Finding>>>,
    /// The profile of the rows.
    pub profile: Slot<Arc<Profile>>,
    /// The labels in the files.
    pub labels: Slot<Arc<LabelCounts>, LabelColumns>,
    /// The rows found by the last search.
    pub found: Slot<FoundRows>,
    /// The most frequent values of a column, with their numbers of rows.
    pub values: Slot<Vec<(String, usize)>, String>,
    /// The lengths of the texts in tokens, for the model in a folder.
    pub tokens: Slot<Arc<TokenHistogram>, PathBuf>,
    /// Number of tokens of one cleaned text, for the model in a folder.
    pub text_tokens: Slot<usize, (String, PathBuf)>,
    /// The file that the unreadable rows were written to.
    pub saved_rows: Slot<SavedRows>,
    /// The folder of a downloaded model.
    pub fetch: Slot<PathBuf, ModelChoice>,
    /// The model folder that a GGUF file was turned into.
    pub converted: Slot<PathBuf, PathBuf>,
    /// Models of the Hugging Face Hub, for words.
    pub hub_search: Slot<Vec<HubListing>, String>,
    /// The model of the Hub that is to be used, by its name.
    pub look_up: Slot<LookedUp, HubName>,
    /// The estimated time, memory and disk space of a run with these settings.
    pub forecast: Slot<Box<DryRun>, Project>,
    /// The same for each way to train, with these settings, whatever is trained.
    pub ways: Slot<Vec<WayEstimate>, Project>,
    /// The current run, or the last one.
    pub live: Option<LiveRun>,
    /// The project's runs.
    pub runs: Slot<Arc<ListedRuns>>,
    /// What became of the last change of runs.
    pub run_change: Slot<String>,
    /// The run that the best trial of a search has become.
    pub kept: Slot<KeptBest>,
    /// The learning rates that were tried, for these settings.
    pub rate: Slot<Arc<RateCurve>, Project>,
    /// The project's studies.
    pub studies: Slot<Arc<ListedStudies>>,
    /// The study that is running, or the last one.
    pub study: Slot<Arc<StudyResults>>,
    /// How far the study that is running is.
    pub live_study: Option<LiveStudy>,
    /// Runs beside each other.
    pub compared: Slot<Arc<RunsComparison>, Vec<PathBuf>>,
    /// The run whose results are shown.
    pub results: Slot<Arc<RunResults>>,
    /// The shown run's metrics on another file.
    pub evaluated: Slot<Arc<EvaluationReport>>,
    /// The training rows that the run in a folder gets wrong.
    pub training_mistakes: Slot<Arc<Vec<Prediction>>, PathBuf>,
    /// The slices of the rows of the run in a folder.
    pub slices: Slot<Arc<Slices>, PathBuf>,
    /// The file whose rows are to be labelled with the shown run's model.
    pub to_label: Slot<Arc<FileToLabel>>,
    /// Its rows with their predictions.
    pub labelled: Slot<Arc<LabelledRows>>,
    /// The file that they were written to.
    pub saved_labels: Slot<SavedPredictions>,
    /// The report on the shown run.
    pub report: Slot<PathBuf>,
    /// The file that curves were saved to.
    pub saved_curves: Slot<PathBuf>,
    /// The export of the shown run's model.
    pub exported: Slot<Exported, ExportFormat>,
    /// The shown run's predictions for typed texts.
    pub classify: Slot<Classified>,
    /// Words for the blanks of a typed text.
    pub blanks: Slot<FilledBlanks>,
    /// What follows a typed text.
    pub continued: Slot<ContinuedText>,
    /// Terms of the texts, for the model in a folder.
    pub terms: Slot<Arc<DomainTerms>, PathBuf>,
    /// What was written since the project was opened, oldest first: (what, where, proof).
    pub exports: Vec<(String, PathBuf, String)>,
}

/// Identifies the labels of some files in some columns.
#[derive(Clone, Debug)]
pub struct LabelColumns {
    /// The files.
    pub imported: Arc<Imported>,
    /// The columns the labels are in.
    pub columns: Vec<String>,
}

impl PartialEq for LabelColumns {
    fn eq(&self, other: &Self) -> bool {
        // Imported files never change, so equal files are the same allocation.
        Arc::ptr_eq(&self.imported, &other.imported) && self.columns == other.columns
    }
}

impl LabelColumns {
    /// The chosen label columns.
    #[must_use]
    pub fn of(imported: &Arc<Imported>, dataset: &DatasetSettings) -> Self {
        let columns = dataset.label_columns().map(str::to_owned).collect();
        Self { imported: Arc::clone(imported), columns }
    }

    /// Whether none is chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

impl Answers {
    /// The prepared rows.
    #[must_use]
    pub fn prepared(&self) -> Option<&Arc<Prepared>> {
        self.rows.value.as_ref().map(|rows| &rows.prepared)
    }

    /// Reading or preparing, if either is running.
    #[must_use]
    pub fn preview(&self) -> Option<&Running> {
        self.imported.running.as_ref().or(self.rows.running.as_ref())
    }

    /// Finding near-duplicates or problems, if either is running.
    #[must_use]
    pub fn looking(&self) -> Option<&Running> {
        self.likeness.running.as_ref().or(self.findings.running.as_ref())
    }

    /// The evaluation, check, prediction, export or report that is running.
    #[must_use]
    pub fn job(&self) -> Option<&Running> {
        let labels = self.labelled.running.as_ref().or(self.saved_labels.running.as_ref());
        let checked = self.evaluated.running.as_ref().or(self.training_mistakes.running.as_ref());
        checked
            .or(self.slices.running.as_ref())
            .or(labels)
            .or(self.exported.running.as_ref())
            .or(self.report.running.as_ref())
    }

    /// Stops it.
    pub fn stop_job(&mut self) {
        self.evaluated.stop();
        self.training_mistakes.stop();
        self.slices.stop();
        self.labelled.stop();
        self.saved_labels.stop();
        self.exported.stop();
        self.report.stop();
    }

    /// Whether a run is training.
    #[must_use]
    pub fn is_training(&self) -> bool {
        self.live.as_ref().is_some_and(LiveRun::is_going)
    }

    /// Whether it is this run that is training here.
    #[must_use]
    pub fn is_running(&self, run: &RunFolder) -> bool {
        let live = self.live.as_ref().filter(|live| live.is_going());
        live.and_then(|live| live.start.as_ref()).is_some_and(|start| start.folder == run.path())
    }

    /// Whether a run is training or a study is running: both write to the project's folder for a long time.
    #[must_use]
    pub fn is_training_or_studying(&self) -> bool {
        self.is_training() || self.study.is_running()
    }

    /// Forgets the run shown, which was deleted, and everything that its model answered.
    pub fn forget_run(&mut self) {
        self.results.clear();
        self.evaluated.clear();
        self.training_mistakes.clear();
        self.classify.clear();
        self.blanks.clear();
        self.continued.clear();
        self.forget_file_to_label();
    }

    /// Forgets the prepared rows and everything about them, but not the imported files.
    pub fn forget_rows(&mut self) {
        self.rows.clear();
        self.forget_what_rows_said();
    }

    /// Forgets answers about other rows than the current ones.
    pub fn forget_what_rows_said(&mut self) {
        self.likeness.clear();
        self.leakage.clear();
        self.findings.clear();
        self.profile.clear();
        self.found.clear();
        self.values.clear();
        self.tokens.clear();
        self.text_tokens.clear();
        self.terms.clear();
    }

    /// Name of the file whose rows were labelled, if the result is not saved to a file.
    #[must_use]
    pub fn unsaved_predictions(&self) -> Option<String> {
        let rows = self.labelled.value.as_ref().filter(|_| self.saved_labels.value.is_none())?;
        Some(rows.file.file.name())
    }

    /// Forgets the file whose rows were to be labelled, and what was predicted for them.
    pub fn forget_file_to_label(&mut self) {
        self.to_label.clear();
        self.forget_predictions();
    }

    /// Forgets what was predicted for the rows of the file.
    pub fn forget_predictions(&mut self) {
        self.labelled.clear();
        self.saved_labels.clear();
    }

    /// Whether any job is running.
    #[cfg(test)]
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let data = [
            self.imported.is_running(),
            self.rows.is_running(),
            self.likeness.is_running(),
            self.leakage.is_running(),
            self.findings.is_running(),
            self.profile.is_running(),
            self.labels.is_running(),
            self.found.is_running(),
            self.values.is_running(),
            self.tokens.is_running(),
            self.text_tokens.is_running(),
            self.saved_rows.is_running(),
        ];
        let model = [
            self.fetch.is_running(),
            self.converted.is_running(),
            self.hub_search.is_running(),
            self.look_up.is_running(),
            self.forecast.is_running(),
            self.ways.is_running(),
            self.is_training(),
            self.results.is_running(),
            self.runs.is_running(),
            self.rate.is_running(),
            self.kept.is_running(),
            self.studies.is_running(),
            self.study.is_running(),
            self.run_change.is_running(),
            self.compared.is_running(),
            self.job().is_some(),
            self.saved_curves.is_running(),
            self.classify.is_running(),
            self.blanks.is_running(),
            self.continued.is_running(),
            self.to_label.is_running(),
            self.terms.is_running(),
        ];
        data.into_iter().chain(model).any(|is_running| is_running)
    }
}
