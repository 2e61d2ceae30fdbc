//! Names of settings: short ones, those of each task, and those similar to a wrong one.

use serde_json::Value;
use strsim::levenshtein;

use crate::project::{ColumnRole, EarlyStopping, Pattern, Project, TaskKind};

/// Short names for what is set most, and names that fields had in earlier versions.
const ALIASES: [(&str, &str); 21] = [
    ("lr", "training.optimizer.learning_rate"),
    ("learning_rate", "training.optimizer.learning_rate"),
    ("training.lr", "training.optimizer.learning_rate"),
    ("training.learning_rate", "training.optimizer.learning_rate"),
    ("training.weight_decay", "training.optimizer.weight_decay"),
    ("training.max_grad_norm", "training.optimizer.max_grad_norm"),
    ("training.patience", "training.early_stopping.patience"),
    ("epochs", "training.epochs"),
    ("batch_size", "training.batch_size"),
    ("batch_tokens", "training.batch_tokens"),
    ("max_length", "training.max_length"),
    ("warmup", "training.warmup"),
    ("seed", "training.seed"),
    ("device", "training.device"),
    ("precision", "training.precision"),
    ("early_stopping", "training.early_stopping"),
    ("class_weights", "task.class_weights"),
    ("training.class_weights", "task.class_weights"),
    ("label_smoothing", "task.label_smoothing"),
    ("training.label_smoothing", "task.label_smoothing"),
    ("labels", "task.labels"),
];

/// The field that says how the file is written, which is nobody's choice.
pub(super) const VERSION: &str = "schema_version";

/// Number of similar names an error lists.
const NEAR_NAMES: usize = 4;

/// `dataset.text_column`, `dataset.joined_columns`: the columns of one role, by a short name.
const COLUMN_SETTINGS: [(&str, ColumnRole); 9] = [
    ("dataset.text_column", ColumnRole::Text),
    ("dataset.joined_columns", ColumnRole::Joined),
    ("dataset.label_column", ColumnRole::Label),
    ("dataset.label_columns", ColumnRole::Label),
    ("dataset.group_column", ColumnRole::Group),
    ("dataset.time_column", ColumnRole::Time),
    ("dataset.id_column", ColumnRole::Id),
    ("dataset.split_column", ColumnRole::Split),
    ("dataset.ignored_columns", ColumnRole::Ignored),
];

/// The role whose columns a setting names.
pub(super) fn column_role(given: &str) -> Option<ColumnRole> {
    COLUMN_SETTINGS.iter().find(|(name, _)| *name == given).map(|(_, role)| *role)
}

/// The name of a field as it is written out, with every alias resolved.
pub(super) fn full_name(given: &str) -> String {
    let alias = |name: &str| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, name)| *name);
    match given.split_once('.') {
        Some(("labels", rest)) => format!("task.labels.{rest}"),
        _ => alias(given).unwrap_or(given).to_owned(),
    }
}

/// Where a field is in the project as data: the settings of a task are one level deeper, below the task's name.
pub(super) fn path_of(name: &str, kind: TaskKind) -> Vec<String> {
    let mut path: Vec<String> = name.split('.').map(str::to_owned).collect();
    if path[0] == "task" && path.len() > 1 {
        path.insert(1, variant(kind));
    }
    path
}

/// A task's name in data.
pub(super) fn variant(kind: TaskKind) -> String {
    format!("{kind:?}")
}

/// Another task than `kind` that has the setting.
pub(super) fn other_task(given: &str, kind: TaskKind) -> Option<TaskKind> {
    let name = full_name(given);
    let has = |task: &TaskKind| {
        let own = path_of(&name, *task);
        let is_column = column_role(given).is_some_and(|role| task.role(role).is_some());
        is_column || own[0] == "task" && own.len() > 2 && get(&to_value(&filled(*task)), &own[..3]).is_some()
    };
    TaskKind::ALL.into_iter().filter(|task| *task != kind).find(has)
}

/// A project of a task with every optional group of fields present, to know their names.
pub(super) fn filled(kind: TaskKind) -> Project {
    let mut project = Project::new(kind);
    project.training.early_stopping = Some(EarlyStopping::default());
    project.training.batch_tokens = Some(1);
    project.dataset.sheet = Some("sheet".to_owned());
    project.dataset.more = vec!["file".into()];
    project.dataset.columns = vec![("column".to_owned(), ColumnRole::Text)];
    project.split.ignored_leaks.insert("leak".to_owned());
    project.cleaning.patterns = vec![Pattern::default()];
    project
}

/// The names of settings that are most similar to a wrong one.
pub(super) fn near_names(given: &str, kind: TaskKind) -> Vec<String> {
    let mut filled = to_value(&filled(kind));
    let has = |name: &str| get(&filled, &path_of(name, kind)).is_some();
    let aliases = ALIASES.iter().filter(|(_, name)| has(name));
    let mut names: Vec<String> = aliases.map(|(alias, _)| (*alias).to_owned()).collect();
    let has_role = |role: ColumnRole| kind.role(role).is_some();
    names.extend(COLUMN_SETTINGS.iter().filter(|(_, role)| has_role(*role)).map(|(name, _)| (*name).to_owned()));
    if let Some(settings) = get(&filled, &["task".to_owned(), variant(kind)]).cloned() {
        filled["task"] = settings;
    }
    collect_names(&filled, "", &mut names);
    names.retain(|name| name != VERSION);
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    names.sort_by_cached_key(|name| levenshtein(name, given).min(levenshtein(&last(name), &last(given)) + 1));
    names.dedup();
    names.truncate(NEAR_NAMES);
    names
}

fn collect_names(value: &Value, prefix: &str, names: &mut Vec<String>) {
    for (field, value) in value.as_object().into_iter().flatten() {
        let name = if prefix.is_empty() { field.clone() } else { format!("{prefix}.{field}") };
        collect_names(value, &name, names);
        names.push(name);
    }
}

/// The value at a path, if there is one.
pub(super) fn get<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, field| value.get(field))
}

/// The project as data.
pub(super) fn to_value(project: &Project) -> Value {
    serde_json::to_value(project).unwrap_or_default()
}
