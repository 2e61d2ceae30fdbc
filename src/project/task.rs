//! The tasks a model can be trained for, with their columns, steps and metrics.

use serde::{Deserialize, Serialize};

use crate::project::{ClassWeights, ColumnRole, LabelSettings, MetricName, Project, Size, Step, TrainingSettings};

/// The task a model is trained for, with its own settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Task {
    /// One label out of a closed set for each text.
    TextClassification(ClassificationSettings),
    /// Continued pre-training: the model predicts masked words, or each next token, of unlabelled text.
    LanguageModelling(LanguageModellingSettings),
}

/// A task without its settings, used as a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TaskKind {
    /// See [`Task::TextClassification`].
    #[default]
    TextClassification,
    /// See [`Task::LanguageModelling`].
    LanguageModelling,
}

/// Settings of text classification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassificationSettings {
    /// Order, renames, merges and exclusions of labels.
    pub labels: LabelSettings,
    /// How labels are weighted in the loss.
    pub class_weights: ClassWeights,
    /// Share of the probability spread evenly over all labels, 0..1.
    pub label_smoothing: f64,
    /// How the hidden states of a text become one that the head reads.
    pub pooling: PoolingChoice,
    /// Whether a trained model is compared with an instant one, which takes some time.
    pub instant_baseline: bool,
}

impl Default for ClassificationSettings {
    fn default() -> Self {
        Self {
            labels: LabelSettings::default(),
            class_weights: ClassWeights::default(),
            label_smoothing: 0.0,
            pooling: PoolingChoice::default(),
            instant_baseline: true,
        }
    }
}

/// How the hidden states of a text's tokens become one that a classifier's head reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolingChoice {
    /// The mean where that is more accurate: if the model is a sentence embedding model that takes it, unless only the top layers
    /// are trained. Otherwise the token. For [`crate::project::TrainedLayers::Instant`] as the model's folder says, or else the mean.
    #[default]
    Auto,
    /// The first token's or, of models such as GPT, the last one's.
    Token,
    /// The mean of all.
    Mean,
}

/// What a language model learns to predict, which depends on its architecture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Objective {
    /// Masked words, from the words before and after them: encoders such as BERT.
    #[default]
    MaskedWords,
    /// Each token from those before it: decoders such as GPT.
    NextTokens,
}

/// Settings of language modelling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageModellingSettings {
    /// Share of the words that are masked and predicted, 0..1; of [`Objective::MaskedWords`] only.
    pub masked_share: f64,
    /// Words added to the tokenizer's vocabulary before training.
    pub new_words: Vec<String>,
}

/// How many columns of a role a task needs and may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleRule {
    /// The role.
    pub role: ColumnRole,
    /// Fewest columns; 0 if the role is optional.
    pub least: usize,
    /// Most columns; `usize::MAX` if there is no limit.
    pub most: usize,
}

impl Default for Task {
    fn default() -> Self {
        Self::new(TaskKind::default())
    }
}

impl Default for LanguageModellingSettings {
    fn default() -> Self {
        Self { masked_share: 0.15, new_words: Vec::new() }
    }
}

impl Task {
    /// The task with default settings.
    #[must_use]
    pub fn new(kind: TaskKind) -> Self {
        match kind {
            TaskKind::TextClassification => Self::TextClassification(ClassificationSettings::default()),
            TaskKind::LanguageModelling => Self::LanguageModelling(LanguageModellingSettings::default()),
        }
    }

    /// The task without its settings.
    #[must_use]
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::TextClassification(_) => TaskKind::TextClassification,
            Self::LanguageModelling(_) => TaskKind::LanguageModelling,
        }
    }

    /// See [`TaskKind::roles`].
    #[must_use]
    pub fn roles(&self) -> &'static [RoleRule] {
        self.kind().roles()
    }

    /// See [`TaskKind::steps`].
    #[must_use]
    pub fn steps(&self) -> &'static [Step] {
        self.kind().steps()
    }

    /// See [`TaskKind::metrics`].
    #[must_use]
    pub fn metrics(&self) -> &'static [MetricName] {
        self.kind().metrics()
    }
}

impl TaskKind {
    /// All tasks, in the order a new project offers them.
    pub const ALL: [Self; 2] = [Self::TextClassification, Self::LanguageModelling];

    /// Its name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::TextClassification => "Classify texts",
            Self::LanguageModelling => "Adapt a model to your own texts",
        }
    }

    /// What the task does, in a sentence.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::TextClassification => "Trains a model to give each text one label, from rows you have labelled",
            Self::LanguageModelling => {
                "Continues a model's pre-training on unlabelled texts, so that it learns the terms of your field"
            }
        }
    }

    /// The name used in the terminal: `--task classify`.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::TextClassification => "classify",
            Self::LanguageModelling => "adapt",
        }
    }

    /// The column roles of the task, most important first, with the number of columns each needs and may have.
    #[must_use]
    pub fn roles(self) -> &'static [RoleRule] {
        match self {
            Self::TextClassification => &CLASSIFICATION_ROLES,
            Self::LanguageModelling => &LANGUAGE_MODELLING_ROLES,
        }
    }

    /// The rule for one role; `None` if the task has no such columns.
    #[must_use]
    pub fn role(self, role: ColumnRole) -> Option<&'static RoleRule> {
        self.roles().iter().find(|rule| rule.role == role)
    }

    /// The steps of the wizard, in order.
    #[must_use]
    pub fn steps(self) -> &'static [Step] {
        match self {
            Self::TextClassification => &Step::ALL,
            Self::LanguageModelling => {
                &[Step::Data, Step::Prepare, Step::Model, Step::Train, Step::Evaluate, Step::Export]
            }
        }
    }

    /// Whether a new project sets a test set aside. Adapting a model compares before and after on the validation set alone.
    #[must_use]
    pub fn sets_a_test_set_aside(self) -> bool {
        match self {
            Self::TextClassification => true,
            Self::LanguageModelling => false,
        }
    }

    /// The metrics a run is scored with; the first is the default for choosing the best checkpoint.
    #[must_use]
    pub fn metrics(self) -> &'static [MetricName] {
        match self {
            Self::TextClassification => &[MetricName::MacroF1, MetricName::Accuracy, MetricName::Loss],
            Self::LanguageModelling => &[MetricName::Loss, MetricName::Perplexity, MetricName::MaskedAccuracy],
        }
    }
}

const CLASSIFICATION_ROLES: [RoleRule; 8] = [
    RoleRule::needed(ColumnRole::Text, 1),
    RoleRule::optional(ColumnRole::Joined, usize::MAX),
    // One label column, or several one-hot columns.
    RoleRule::needed(ColumnRole::Label, usize::MAX),
    RoleRule::optional(ColumnRole::Group, 1),
    RoleRule::optional(ColumnRole::Time, 1),
    RoleRule::optional(ColumnRole::Id, 1),
    RoleRule::optional(ColumnRole::Split, 1),
    RoleRule::optional(ColumnRole::Ignored, usize::MAX),
];

const LANGUAGE_MODELLING_ROLES: [RoleRule; 7] = [
    RoleRule::needed(ColumnRole::Text, 1),
    RoleRule::optional(ColumnRole::Joined, usize::MAX),
    RoleRule::optional(ColumnRole::Group, 1),
    RoleRule::optional(ColumnRole::Time, 1),
    RoleRule::optional(ColumnRole::Id, 1),
    RoleRule::optional(ColumnRole::Split, 1),
    RoleRule::optional(ColumnRole::Ignored, usize::MAX),
];

impl RoleRule {
    const fn needed(role: ColumnRole, most: usize) -> Self {
        Self { role, least: 1, most }
    }

    const fn optional(role: ColumnRole, most: usize) -> Self {
        Self { role, least: 0, most }
    }

    /// Whether the task needs such a column.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.least > 0
    }
}

/// The label settings of a task without labels.
static NO_LABELS: LabelSettings = LabelSettings::none();

impl Project {
    /// An untitled project for a task, with its default hyperparameters. Language modelling holds out a validation set
    /// alone: nothing else is measured.
    #[must_use]
    pub fn new(kind: TaskKind) -> Self {
        let mut project = Self { task: Task::new(kind), training: TrainingSettings::of_task(kind), ..Self::default() };
        if !kind.sets_a_test_set_aside() {
            project.split.test = Size::NONE;
        }
        project
    }

    /// The settings of text classification, if that is the task.
    #[must_use]
    pub fn classification(&self) -> Option<&ClassificationSettings> {
        match &self.task {
            Task::TextClassification(settings) => Some(settings),
            Task::LanguageModelling(_) => None,
        }
    }

    /// Whether the projects differ at most in what is trained and its learning rate. Asked in every frame, so nothing large is
    /// copied.
    #[must_use]
    pub fn is_same_whatever_is_trained(&self, other: &Self) -> bool {
        let Self { schema_version, name, task, dataset, cleaning, split, model, training, edits } = self;
        let mut training = training.clone();
        training.trained_layers = other.training.trained_layers;
        training.optimizer.learning_rate = other.training.optimizer.learning_rate;
        training == other.training
            && (schema_version, name, task, model) == (&other.schema_version, &other.name, &other.task, &other.model)
            && (dataset, cleaning, split, edits) == (&other.dataset, &other.cleaning, &other.split, &other.edits)
    }

    /// Mutable [`Self::classification`].
    pub fn classification_mut(&mut self) -> Option<&mut ClassificationSettings> {
        match &mut self.task {
            Task::TextClassification(settings) => Some(settings),
            Task::LanguageModelling(_) => None,
        }
    }

    /// The settings of language modelling, if that is the task.
    #[must_use]
    pub fn language_modelling(&self) -> Option<&LanguageModellingSettings> {
        match &self.task {
            Task::LanguageModelling(settings) => Some(settings),
            Task::TextClassification(_) => None,
        }
    }

    /// Mutable [`Self::language_modelling`].
    pub fn language_modelling_mut(&mut self) -> Option<&mut LanguageModellingSettings> {
        match &mut self.task {
            Task::LanguageModelling(settings) => Some(settings),
            Task::TextClassification(_) => None,
        }
    }

    /// The label settings; empty if the task has no labels.
    #[must_use]
    pub fn labels(&self) -> &LabelSettings {
        self.classification().map_or(&NO_LABELS, |settings| &settings.labels)
    }

    /// Mutable [`Self::labels`]; `None` if the task has no labels.
    pub fn labels_mut(&mut self) -> Option<&mut LabelSettings> {
        self.classification_mut().map(|settings| &mut settings.labels)
    }

    /// The metric that decides which checkpoint is best: the chosen one, or the task's first.
    #[must_use]
    pub fn best_metric(&self) -> MetricName {
        self.training.best_metric.unwrap_or(self.task.metrics()[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_was_written() {
        for kind in TaskKind::ALL {
            let task = Task::new(kind);
            assert_eq!(task.kind(), kind);
            let text = ron::to_string(&task).unwrap();
            assert_eq!(ron::from_str::<Task>(&text).unwrap(), task, "{text}");
            let json = serde_json::to_string(&task).unwrap();
            assert_eq!(serde_json::from_str::<Task>(&json).unwrap(), task, "{json}");
        }
        let partial: Task = ron::from_str("LanguageModelling((new_words: [\"lien\"]))").unwrap();
        let Task::LanguageModelling(settings) = partial else { panic!("another task") };
        assert!(settings.masked_share > 0.1 && settings.new_words.len() == 1);
    }

    #[test]
    fn language_modelling_has_no_labels_and_no_steps_for_them() {
        let kind = TaskKind::LanguageModelling;
        assert!(kind.role(ColumnRole::Label).is_none());
        assert!(kind.steps().iter().all(|step| !matches!(step, Step::Labels | Step::Review)));
        assert_eq!(kind.steps().len() + 2, Step::ALL.len());
        let mut project = Project::new(kind);
        assert_eq!((project.split.validation, project.split.test), (Size::Share(0.1), Size::NONE));
        assert!(project.classification().is_none() && project.classification_mut().is_none());
        assert!(project.labels_mut().is_none());
        assert_eq!(project.labels(), &LabelSettings::default());
        project.language_modelling_mut().unwrap().new_words = vec!["lien".to_owned()];
        assert_eq!(project.language_modelling().unwrap().new_words, ["lien"]);
    }

    #[test]
    fn classification_needs_a_text_and_a_label() {
        let kind = TaskKind::TextClassification;
        let needed: Vec<ColumnRole> =
            kind.roles().iter().filter(|rule| rule.is_needed()).map(|rule| rule.role).collect();
        assert_eq!(needed, [ColumnRole::Text, ColumnRole::Label]);
        assert!(ColumnRole::ALL.iter().all(|role| kind.role(*role).is_some()));
        let mut project = Project::default();
        project.labels_mut().unwrap().order = vec!["good".to_owned()];
        assert_eq!(project.labels().order, project.classification().unwrap().labels.order);
        assert!(project.language_modelling().is_none() && project.language_modelling_mut().is_none());
    }

    #[test]
    fn the_best_metric_is_the_chosen_one_or_the_first_of_the_task() {
        let mut project = Project::default();
        assert_eq!(project.best_metric(), MetricName::MacroF1);
        assert_eq!(Project::new(TaskKind::LanguageModelling).best_metric(), MetricName::Loss);
        project.training.best_metric = Some(MetricName::Accuracy);
        assert_eq!(project.best_metric(), MetricName::Accuracy);
    }
}
