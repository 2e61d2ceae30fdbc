//! The steps of the wizard and whether each can be done now.

use serde::{Deserialize, Serialize};

use crate::project::Project;

/// A step of the wizard, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Step {
    /// Load a file and choose its columns.
    #[default]
    Data,
    /// Look at the labels and the rows.
    Labels,
    /// Clean and split.
    Prepare,
    /// Choose a model and hyperparameters.
    Model,
    /// Fine-tune.
    Train,
    /// Metrics and confusion matrix.
    Evaluate,
    /// Go through misclassified rows.
    Review,
    /// Save weights, predictions and reports.
    Export,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 8] =
        [Self::Data, Self::Labels, Self::Prepare, Self::Model, Self::Train, Self::Evaluate, Self::Review, Self::Export];

    /// Name shown in the rail.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Labels => "Labels",
            Self::Prepare => "Prepare",
            Self::Model => "Model",
            Self::Train => "Train",
            Self::Evaluate => "Evaluate",
            Self::Review => "Review",
            Self::Export => "Export",
        }
    }

    /// One sentence: what a person does here.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Data => "Load a file and say which column holds the text and which the label",
            Self::Labels => "See how many rows each label has and look through the rows",
            Self::Prepare => "Clean the texts and set rows aside for validation and test",
            Self::Model => "Choose a pre-trained model and how to train it",
            Self::Train => "Fine-tune and watch it learn",
            Self::Evaluate => "See how good the model is, and where it errs",
            Self::Review => "Go through the misclassified rows and correct labels",
            Self::Export => "Save the trained model and its predictions",
        }
    }
}

/// Something in the way, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The step where it is mended.
    pub step: Step,
    /// What is wrong and what to do.
    pub message: String,
}

/// Whether a step can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can be done now.
    Ready,
    /// It cannot yet, and why.
    Blocked(Vec<Issue>),
    /// It is done; it can be done again.
    Done,
}

/// What is known about the project beyond its settings, gathered by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each looked at by itself")]
pub struct Facts {
    /// Column names of the main file, once read.
    pub columns: Option<Vec<String>>,
    /// What stands in the way of preparing the data (no text column, one label only, ...), once known.
    pub data_issues: Vec<String>,
    /// The data has been cleaned and split.
    pub prepared: bool,
    /// The chosen model is on this machine.
    pub model_available: bool,
    /// Training can bring the chosen model onto this machine: it stands in the catalogue.
    pub model_fetchable: bool,
    /// There is a finished run.
    pub has_run: bool,
    /// The newest run was exported.
    pub exported: bool,
}

/// Whether `step` can be done with what is known.
#[must_use]
pub fn readiness(project: &Project, facts: &Facts, step: Step) -> Readiness {
    let issues = blockers(project, facts, step);
    if !issues.is_empty() {
        return Readiness::Blocked(issues);
    }
    let done = match step {
        Step::Data => columns_chosen(project, facts),
        Step::Labels | Step::Prepare => facts.prepared,
        Step::Model => facts.model_available,
        Step::Train | Step::Evaluate => facts.has_run,
        Step::Review => facts.has_run && !project.edits.rows.is_empty(),
        Step::Export => facts.exported,
    };
    if done { Readiness::Done } else { Readiness::Ready }
}

fn columns_chosen(project: &Project, facts: &Facts) -> bool {
    facts.columns.as_ref().is_some_and(|columns| project.dataset.columns_chosen(columns))
}

fn blockers(project: &Project, facts: &Facts, step: Step) -> Vec<Issue> {
    let issue = |step, message: &str| Issue { step, message: message.to_owned() };
    let mut issues = Vec::new();
    if step == Step::Data {
        return issues;
    }
    if project.dataset.main.is_none() {
        return vec![issue(Step::Data, "Open a data file first")];
    }
    if facts.columns.is_some() && !columns_chosen(project, facts) {
        issues.push(issue(Step::Data, "Choose the text column and the label column"));
    }
    if step >= Step::Train {
        issues.extend(facts.data_issues.iter().map(|message| issue(Step::Labels, message)));
    }
    if step == Step::Train && !facts.model_available && !facts.model_fetchable {
        issues.push(issue(Step::Model, "Download the model, or open a model folder"));
    }
    if step > Step::Train && !facts.has_run {
        issues.push(issue(Step::Train, "Train a model first"));
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_needs_a_model_that_is_here_or_can_be_fetched() {
        let mut project = Project::default();
        project.dataset.main = Some("rows.csv".into());
        let facts = Facts { prepared: true, ..Facts::default() };
        let Readiness::Blocked(issues) = readiness(&project, &facts, Step::Train) else { panic!("not blocked") };
        assert_eq!(issues[0].step, Step::Model);
        for facts in [Facts { model_available: true, ..facts.clone() }, Facts { model_fetchable: true, ..facts }] {
            assert_eq!(readiness(&project, &facts, Step::Train), Readiness::Ready);
        }
    }
}
