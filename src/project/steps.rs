//! The steps of the wizard, and whether each can be done now.

use serde::{Deserialize, Serialize};

use crate::project::{ModelChoice, Project};

/// A step of the wizard, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Step {
    /// Open the data and choose its columns.
    #[default]
    Data,
    /// Explore the labels and the rows.
    Labels,
    /// Clean and split the rows.
    Prepare,
    /// Choose a model and hyperparameters.
    Model,
    /// Fine-tune.
    Train,
    /// Look at the metrics.
    Evaluate,
    /// Review misclassified rows.
    Review,
    /// Save weights, predictions and reports.
    Export,
}

impl Step {
    /// All steps, in order. [`crate::project::TaskKind::steps`] gives those of a task.
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

    /// What a person does in this step, in a sentence.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Data => "Open a data file and choose its columns",
            Self::Labels => "See how many rows each label has, and explore the rows",
            Self::Prepare => "Clean the texts and split the rows into training, validation and test sets",
            Self::Model => "Choose a pre-trained model and how to train it",
            Self::Train => "Fine-tune the model and follow its progress",
            Self::Evaluate => "See how good the model is, and where it makes mistakes",
            Self::Review => "Go through misclassified rows and correct their labels",
            Self::Export => "Save the trained model and its predictions",
        }
    }
}

/// Something that blocks a step, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The step where it can be fixed.
    pub step: Step,
    /// What is wrong and what to do.
    pub message: String,
}

/// Whether a step can be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can be done now.
    Ready,
    /// It cannot be done yet, and why.
    Blocked(Vec<Issue>),
    /// It is done, and can be done again.
    Done,
}

/// Facts about the project beyond its settings, gathered by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Facts {
    /// Column names of the main file, once read.
    pub columns: Option<Vec<String>>,
    /// What blocks preparing the data (no text column, only one label, ...), once known.
    pub data_issues: Vec<String>,
    /// The data has been cleaned and split.
    pub prepared: bool,
    /// The chosen model is on this machine.
    pub model_available: bool,
    /// Hone can download the chosen model, once the person agrees: it is in the catalogue.
    pub model_fetchable: bool,
    /// There is a finished run.
    pub has_run: bool,
    /// The run shown was exported.
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
    facts.columns.as_ref().is_some_and(|columns| project.columns_chosen(columns))
}

impl Project {
    /// Tells the person which columns the task needs: "Choose a text column and a label column".
    #[must_use]
    pub fn column_advice(&self) -> String {
        let needed = self.task.roles().iter().filter(|rule| rule.is_needed());
        let columns: Vec<String> =
            needed.map(|rule| format!("a {} column", rule.role.title().to_lowercase())).collect();
        format!("Choose {}", columns.join(" and "))
    }

    /// Tells the person what to do about a model that is not on this machine and that Hone cannot download.
    #[must_use]
    pub fn model_advice(&self) -> &'static str {
        match self.model {
            ModelChoice::Folder(_) => "The model's folder was not found. Open it again, or choose another model",
            ModelChoice::Catalogue(_) | ModelChoice::Hub(_) => "Download the model, or open a model folder",
        }
    }
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
        issues.push(issue(Step::Data, &project.column_advice()));
    }
    if step >= Step::Train {
        // Most are about labels. A task without labels has only the Data step for them.
        let step = if project.task.steps().contains(&Step::Labels) { Step::Labels } else { Step::Data };
        issues.extend(facts.data_issues.iter().map(|message| issue(step, message)));
    }
    if step == Step::Train && !facts.model_available && !facts.model_fetchable {
        issues.push(issue(Step::Model, project.model_advice()));
    }
    if step > Step::Train && !facts.has_run {
        issues.push(issue(Step::Train, "Train a model first"));
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{ColumnRole, DatasetSettings, TaskKind};

    #[test]
    fn a_task_asks_for_its_columns_in_the_step_where_they_are_chosen() {
        let columns = vec!["body".to_owned(), "mood".to_owned()];
        let facts = Facts { columns: Some(columns), data_issues: vec!["Too few rows".to_owned()], ..Facts::default() };
        let dataset = DatasetSettings { main: Some("rows.csv".into()), ..DatasetSettings::default() };
        for (kind, message, step) in [
            (TaskKind::TextClassification, "Choose a text column and a label column", Step::Labels),
            (TaskKind::LanguageModelling, "Choose a text column", Step::Data),
        ] {
            let mut project = Project { dataset: dataset.clone(), ..Project::new(kind) };
            assert_eq!(readiness(&project, &facts, Step::Data), Readiness::Ready);
            let Readiness::Blocked(issues) = readiness(&project, &facts, Step::Train) else { panic!("not blocked") };
            let expected = [(Step::Data, message), (step, "Too few rows")];
            let said: Vec<(Step, &str)> = issues.iter().map(|issue| (issue.step, issue.message.as_str())).collect();
            assert_eq!(said[..2], expected);
            project.dataset.set_role("body", Some(ColumnRole::Text));
            let done = if kind == TaskKind::LanguageModelling { Readiness::Done } else { Readiness::Ready };
            assert_eq!(readiness(&project, &facts, Step::Data), done);
        }
    }

    #[test]
    fn training_needs_a_model_that_is_local_or_can_be_downloaded() {
        let mut project = Project::default();
        project.dataset.main = Some("rows.csv".into());
        let facts = Facts { prepared: true, ..Facts::default() };
        let Readiness::Blocked(issues) = readiness(&project, &facts, Step::Train) else { panic!("not blocked") };
        assert_eq!(issues[0].step, Step::Model);
        assert_eq!(issues[0].message, "Download the model, or open a model folder");
        let folder = Project { model: ModelChoice::Folder("/models/gone".into()), ..project.clone() };
        let Readiness::Blocked(issues) = readiness(&folder, &facts, Step::Train) else { panic!("not blocked") };
        assert_eq!(issues[0].message, "The model's folder was not found. Open it again, or choose another model");
        for facts in [Facts { model_available: true, ..facts.clone() }, Facts { model_fetchable: true, ..facts }] {
            assert_eq!(readiness(&project, &facts, Step::Train), Readiness::Ready);
        }
    }
}
