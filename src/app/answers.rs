//! Everything asked of the workers about the open project, and answered.

use std::path::PathBuf;
use std::sync::Arc;

use crate::data::{DomainTerms, Finding, Imported, LabelCounts, LeakageReport, Likeness, Prepared, TokenHistogram};
use crate::project::{DatasetSettings, Project};
use crate::worker::{
    Classified, DryRun, EvaluationReport, ExportFormat, Exported, FilledBlanks, FoundRows, Profile, RowSource,
    RunResults, SavedPredictions, SavedRows,
};

use crate::app::live_run::LiveRun;
use crate::app::slot::{Running, Slot};

/// A slot for each thing that can be asked of the workers.
#[derive(Debug, Default)]
pub struct Answers {
    /// The files as read.
    pub imported: Slot<Arc<Imported>>,
    /// The rows, prepared. While they are prepared again it is the old ones.
    pub rows: Slot<RowSource>,
    /// Which rows are near-duplicates.
    pub likeness: Slot<Arc<Likeness>>,
    /// What would make the metrics look better than they are.
    pub leakage: Slot<Arc<LeakageReport>>,
    /// What is wrong with the rows.
    pub findings: Slot<Arc<Vec<Finding>>>,
    /// More about the rows.
    pub profile: Slot<Arc<Profile>>,
    /// Labels of the files as read.
    pub labels: Slot<Arc<LabelCounts>, LabelColumns>,
    /// The rows searched for last.
    pub found: Slot<FoundRows>,
    /// The most frequent values of a column, with their rows.
    pub values: Slot<Vec<(String, usize)>, String>,
    /// Lengths in tokens of the model in a folder.
    pub tokens: Slot<Arc<TokenHistogram>, PathBuf>,
    /// Tokens of one text, cleaned, for the model in a folder.
    pub text_tokens: Slot<usize, (String, PathBuf)>,
    /// Rows written that could not be read.
    pub saved_rows: Slot<SavedRows>,
    /// A model of the catalogue being downloaded.
    pub fetch: Slot<PathBuf, String>,
    /// What a run with these settings will take.
    pub forecast: Slot<Box<DryRun>, Project>,
    /// The run under way, or the last one.
    pub live: Option<LiveRun>,
    /// The run whose results are shown.
    pub results: Slot<Arc<RunResults>>,
    /// Its metrics on another file.
    pub evaluated: Slot<Arc<EvaluationReport>>,
    /// Its predictions for a file.
    pub predicted: Slot<SavedPredictions>,
    /// Its model, exported.
    pub exported: Slot<Exported, ExportFormat>,
    /// Its predictions for typed texts.
    pub classify: Slot<Classified>,
    /// Words for the blanks of a typed text.
    pub blanks: Slot<FilledBlanks>,
    /// Terms of the texts, for the model in a folder.
    pub terms: Slot<Arc<DomainTerms>, PathBuf>,
    /// What was written since the project was opened, oldest first: (what, where, proof).
    pub exports: Vec<(String, PathBuf, String)>,
    /// The newest run was exported since the project was opened.
    pub is_exported: bool,
}

/// The labels of some files in some columns.
#[derive(Clone, Debug)]
pub struct LabelColumns {
    /// The files.
    pub imported: Arc<Imported>,
    /// The columns the labels are in.
    pub columns: Vec<String>,
}

impl PartialEq for LabelColumns {
    fn eq(&self, other: &Self) -> bool {
        // Files once read never change: the same rows are the same allocation.
        Arc::ptr_eq(&self.imported, &other.imported) && self.columns == other.columns
    }
}

impl LabelColumns {
    /// The label columns chosen.
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

    /// Reading or preparing under way.
    #[must_use]
    pub fn preview(&self) -> Option<&Running> {
        self.imported.running.as_ref().or(self.rows.running.as_ref())
    }

    /// Finding near-duplicates, and then problems, under way.
    #[must_use]
    pub fn looking(&self) -> Option<&Running> {
        self.likeness.running.as_ref().or(self.findings.running.as_ref())
    }

    /// An evaluation, prediction or export under way.
    #[must_use]
    pub fn job(&self) -> Option<&Running> {
        self.evaluated.running.as_ref().or(self.predicted.running.as_ref()).or(self.exported.running.as_ref())
    }

    /// Whether a run is going.
    #[must_use]
    pub fn is_training(&self) -> bool {
        self.live.as_ref().is_some_and(LiveRun::is_going)
    }

    /// Forgets the rows prepared and what was said of them. What is in the files stays as it is.
    pub fn forget_rows(&mut self) {
        self.rows.clear();
        self.forget_what_rows_said();
    }

    /// Forgets what was said of other rows than those that are there now.
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

    /// Whether any answer is awaited.
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
            self.forecast.is_running(),
            self.is_training(),
            self.results.is_running(),
            self.job().is_some(),
            self.classify.is_running(),
            self.blanks.is_running(),
            self.terms.is_running(),
        ];
        data.into_iter().chain(model).any(|is_running| is_running)
    }
}
