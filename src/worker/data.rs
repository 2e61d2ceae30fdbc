//! Jobs that read and prepare a project's data.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{Imported, LeakageReport, Likeness, Prepared, RowView};
use crate::export;
use crate::project::Project;
use crate::worker::{Context, Job, JobError, Survey};

/// Reads the project's files.
#[derive(Clone, Debug)]
pub struct Import {
    /// The settings with the files and how to read them.
    pub project: Project,
    /// The project's folder, against which relative paths are resolved.
    pub folder: PathBuf,
}

impl Job for Import {
    type Answer = Arc<Imported>;
    const TITLE: &'static str = "Reading the data";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        context.import(&self.project, &self.folder)
    }
}

/// Prepares rows: applies edits, cleans, labels and splits.
#[derive(Clone, Debug)]
pub struct Prepare {
    /// Settings.
    pub project: Arc<Project>,
    /// The files as read.
    pub imported: Arc<Imported>,
    /// The project's folder, with the split of its last run; `None` outside a project.
    pub folder: Option<PathBuf>,
}

/// A consistent set of rows as read, as prepared, and counted.
#[derive(Clone, Debug)]
pub struct RowSource {
    /// The settings they were prepared with, with the row edits moved to where their rows are now.
    pub project: Arc<Project>,
    /// The files as read.
    pub imported: Arc<Imported>,
    /// The rows that will be used.
    pub prepared: Arc<Prepared>,
    /// Counts over the rows.
    pub survey: Arc<Survey>,
}

impl RowSource {
    /// The rows in one numbered list.
    #[must_use]
    pub fn rows(&self) -> RowView<'_> {
        RowView::new(&self.imported, &self.prepared, &self.survey.words, &self.project)
    }
}

impl Job for Prepare {
    type Answer = RowSource;
    const TITLE: &'static str = "Preparing the rows";

    fn run(self, context: &mut Context<'_>) -> Result<RowSource, JobError> {
        let Self { mut project, imported, folder } = self;
        let prepared = context.prepare(&project, &imported, folder.as_deref())?;
        let survey = Arc::new(Survey::of(&prepared));
        if !prepared.moved_edits.is_empty() {
            Arc::make_mut(&mut project).edits.follow(&prepared.moved_edits);
        }
        Ok(RowSource { project, imported, prepared, survey })
    }
}

/// Finds near-duplicate texts.
#[derive(Clone, Debug)]
pub struct CompareTexts {
    /// The rows.
    pub prepared: Arc<Prepared>,
}

impl Job for CompareTexts {
    type Answer = Arc<Likeness>;
    const TITLE: &'static str = "Finding near-duplicates";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        Ok(Arc::new(context.likeness(&self.prepared)?))
    }
}

/// Finds leakage.
#[derive(Clone, Debug)]
pub struct FindLeaks {
    /// Settings.
    pub project: Arc<Project>,
    /// The files as read.
    pub imported: Arc<Imported>,
    /// The rows, prepared with these settings.
    pub prepared: Arc<Prepared>,
}

impl Job for FindLeaks {
    type Answer = Arc<LeakageReport>;
    const TITLE: &'static str = "Checking for leakage";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        Ok(Arc::new(context.leaks(&self.project, &self.imported, &self.prepared)?))
    }
}

/// Writes the unreadable rows to a CSV file.
#[derive(Clone, Debug)]
pub struct SaveBadRows {
    /// The files as read.
    pub imported: Arc<Imported>,
    /// The file to write.
    pub output: PathBuf,
    /// Whether a file with that name may be replaced.
    pub may_replace: bool,
}

/// The file with the unreadable rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRows {
    /// The file.
    pub path: PathBuf,
    /// Number of rows in it.
    pub rows: u64,
}

impl Job for SaveBadRows {
    type Answer = SavedRows;
    const TITLE: &'static str = "Saving the unreadable rows";

    fn run(self, _: &mut Context<'_>) -> Result<SavedRows, JobError> {
        let Self { imported, output, may_replace } = self;
        refuse_data_file(&imported, &output)?;
        let rows = export::write_bad_rows(&imported, &output, may_replace).map_err(JobError::failed)?;
        Ok(SavedRows { path: output, rows })
    }
}

/// Fails if the output is one of the data files, which are never overwritten.
fn refuse_data_file(imported: &Imported, output: &Path) -> Result<(), JobError> {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut parts = imported.files().flat_map(|file| &file.parts);
    if parts.any(|part| real(output).starts_with(real(&part.path))) {
        let message = format!("{} is a data file of the project. Choose another name.", output.display());
        return Err(JobError::Failed(message));
    }
    Ok(())
}
