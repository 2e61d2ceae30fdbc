//! The job that looks for parts of a run's rows on which the model does worse.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{
    Checks, Example, Finding, FindingKind, Imported, Prepared, Side, cells_of, groups_by_column, groups_by_language,
    groups_by_length,
};
use crate::evaluation::{FEWEST_ROWS, Prediction, Slices, Tested};
use crate::project::{Project, RowId, TaskKind};
use crate::storage::RunFolder;
use crate::words::one_line;
use crate::worker::findings::FindProblems;
use crate::worker::scoring::own_rows;
use crate::worker::{Context, Job, JobError};

/// Compares the parts of a run's test rows, or of its validation rows if it has no test set: by length, by language, by every column of
/// the data that is neither text nor label, and by what Hone found in the texts.
#[derive(Clone, Debug)]
pub struct FindSlices {
    /// The run's folder.
    pub run: PathBuf,
}

impl Job for FindSlices {
    type Answer = Arc<Slices>;
    const TITLE: &'static str = "Comparing slices";

    fn run(self, context: &mut Context<'_>) -> Result<Self::Answer, JobError> {
        let run = RunFolder::open(&self.run)?;
        let measured = run.measured()?;
        let settings = run.read_settings()?;
        if settings.project.task.kind() != TaskKind::TextClassification {
            return Err(JobError::Failed("Only text classification has slices to compare.".to_owned()));
        }
        let side = if measured.summary.test.is_some() { Side::Test } else { Side::Validation };
        let predictions = run.read_predictions(side.name())?;
        if predictions.is_empty() {
            let message = format!("The run {} has no predictions yet. Evaluate it first.", run.id());
            return Err(JobError::Failed(message));
        }
        own_rows(context, &run, &settings)?;
        // Kept from the line above, and not read again.
        let (imported, prepared) = context.read_and_prepared(&settings.project, Path::new(""), run.project_folder())?;
        let examples = examples_of(&predictions, &prepared)?;
        let mut groups = groups_of(&settings.project, &imported, &examples);
        groups.extend(found_groups(context, &settings.project, (&imported, &prepared), &examples)?);
        Ok(Arc::new(Slices::of(Tested { labels: &settings.labels, predictions: &predictions }, groups)))
    }
}

/// What sets rows apart, what they have in common, and their places.
type Group = (String, String, Vec<usize>);

/// The rows of the predictions, in their order.
fn examples_of(predictions: &[Prediction], prepared: &Prepared) -> Result<Vec<Example>, JobError> {
    let known: HashMap<RowId, &Example> = prepared.examples.iter().map(|example| (example.id, example)).collect();
    let example = |prediction: &Prediction| known.get(&prediction.id).map(|&example| example.clone());
    let examples: Option<Vec<Example>> = predictions.iter().map(example).collect();
    let message = "The run's predictions are for other rows than its data has. Evaluate the run again.";
    examples.ok_or_else(|| JobError::Failed(message.to_owned()))
}

/// Groups by length, language and column.
fn groups_of(project: &Project, imported: &Imported, examples: &[Example]) -> Vec<Group> {
    let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
    let mut groups = groups_by_length(&texts);
    groups.extend(groups_by_language(&texts));
    for column in imported.main.table.names.iter().filter(|column| !project.dataset.is_learnt_from(column)) {
        groups.extend(groups_by_column(column, &cells_of(imported, examples, column), FEWEST_ROWS as usize));
    }
    groups.into_iter().map(|group| (group.by, group.name, group.rows)).collect()
}

/// Groups by what was found in the texts, such as @names or truncated texts.
fn found_groups(
    context: &mut Context<'_>,
    project: &Project,
    (imported, prepared): (&Arc<Imported>, &Arc<Prepared>),
    examples: &[Example],
) -> Result<Vec<Group>, JobError> {
    let job = FindProblems {
        checks: Checks::Texts,
        project: project.clone(),
        folder: PathBuf::new(),
        imported: Arc::clone(imported),
        prepared: Arc::clone(prepared),
        likeness: Arc::default(),
    };
    let findings = job.run(context)?;
    let places: HashMap<RowId, usize> =
        examples.iter().enumerate().map(|(place, example)| (example.id, place)).collect();
    let group = |finding: &Finding| {
        let mut rows: Vec<usize> = finding.rows.iter().filter_map(|id| places.get(id).copied()).collect();
        rows.sort_unstable();
        rows.dedup();
        // There can be several repeated sentences: each says which one it is.
        let name =
            if finding.kind == FindingKind::Boilerplate { one_line(&finding.found, 60) } else { finding.title() };
        ("Finding".to_owned(), name, rows)
    };
    Ok(findings.iter().map(group).collect())
}
