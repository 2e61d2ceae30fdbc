//! `training.epochs=3`: sets any field of a project by its path, checked against the project's own types.

mod names;

use serde_json::{Map, Value};

use crate::project::setting::names::{
    VERSION, column_role, filled, full_name, get, near_names, other_task, path_of, to_value, variant,
};
use crate::project::{ColumnRole, OutOfRange, Project, Size, Task, TaskKind};

/// A setting that cannot be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// It has no `=`.
    #[error("'{0}' has no value. Write NAME=VALUE, for example training.epochs=3.")]
    NoValue(String),
    /// There is no such field.
    #[error("There is no setting '{name}'. Did you mean {}?", near.join(", "))]
    Unknown {
        /// The name given.
        name: String,
        /// Similar names.
        near: Vec<String>,
    },
    /// Another task has it.
    #[error("'{name}' is a setting of projects with --task {}. This project has --task {}.", task.keyword(), own.keyword())]
    OtherTask {
        /// The name given.
        name: String,
        /// The task that has it.
        task: TaskKind,
        /// The project's task.
        own: TaskKind,
    },
    /// The field cannot hold the value.
    #[error("'{value}' is not valid for {name}: {reason}.")]
    BadValue {
        /// The field's path.
        name: String,
        /// The value given.
        value: String,
        /// What the field accepts.
        reason: String,
    },
    /// The number is out of range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

/// Applies settings in order.
///
/// # Errors
/// The first setting that cannot be applied, or [`SettingError::OutOfRange`] if the settings make a valid project
/// invalid.
pub fn apply_settings(project: &Project, settings: &[String]) -> Result<Project, SettingError> {
    let applied = settings.iter().try_fold(project.clone(), |project, setting| apply_one(&project, setting))?;
    match applied.check() {
        Err(error) if project.check().is_ok() => Err(error.into()),
        _ => Ok(applied),
    }
}

/// The value of a setting, as [`apply_settings`] takes it; `None` if the project has no such setting, or it holds others.
#[must_use]
pub fn setting_value(project: &Project, name: &str) -> Option<String> {
    let path = path_of(&full_name(name.trim()), project.task.kind());
    match get(&to_value(project), &path)? {
        Value::String(text) => Some(text.clone()),
        number @ (Value::Number(_) | Value::Bool(_)) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn apply_one(project: &Project, setting: &str) -> Result<Project, SettingError> {
    let (given, text) = setting.split_once('=').ok_or_else(|| SettingError::NoValue(setting.to_owned()))?;
    let (given, text) = (given.trim(), text.trim());
    if let Some(role) = column_role(given) {
        return with_columns(project, role, given, text);
    }
    let name = full_name(given);
    let kind = project.task.kind();
    let path = path_of(&name, kind);
    if path[0] == VERSION {
        return Err(unknown(given, kind));
    }
    let now = to_value(project);
    let known = get(&to_value(&filled(kind)), &path).is_some() || get(&now, &path).is_some();
    let mut reason = None;
    for candidate in candidates(text) {
        let mut changed = now.clone();
        if !set(&mut changed, &path, candidate.clone()) {
            break;
        }
        match serde_json::from_value::<Project>(changed) {
            // Unused settings are not written, so an empty value may be missing afterwards.
            Ok(project) => {
                let written = to_value(&project);
                let kept = get(&written, &path);
                if kept.map_or(known && is_nothing(&candidate), |kept| same(kept, &candidate)) {
                    return Ok(project);
                }
            }
            Err(error) => {
                reason.get_or_insert_with(|| in_words(&error.to_string()));
            }
        }
    }
    Err(match reason {
        Some(reason) if known => SettingError::BadValue { name, value: text.to_owned(), reason },
        _ => unknown(given, kind),
    })
}

/// That a project of this task has no such setting.
fn unknown(given: &str, kind: TaskKind) -> SettingError {
    let name = given.to_owned();
    match other_task(given, kind) {
        Some(task) => SettingError::OtherTask { name, task, own: kind },
        None => SettingError::Unknown { name, near: near_names(given, kind) },
    }
}

/// Gives a role to the columns named in `text`: `none`, a name, or a list of names if several columns can have it.
fn with_columns(project: &Project, role: ColumnRole, given: &str, text: &str) -> Result<Project, SettingError> {
    let kind = project.task.kind();
    let Some(rule) = kind.role(role) else {
        return Err(unknown(given, kind));
    };
    let columns: Vec<String> = match text {
        "none" | "null" | "" => Vec::new(),
        list if list.starts_with('[') => serde_json::from_str(list).unwrap_or_else(|_| vec![list.to_owned()]),
        name => vec![name.to_owned()],
    };
    if columns.len() > rule.most {
        let (name, value) = (given.to_owned(), text.to_owned());
        return Err(SettingError::BadValue { name, value, reason: "it must be the name of one column".to_owned() });
    }
    let mut project = project.clone();
    project.dataset.set_columns_of(role, &columns);
    Ok(project)
}

/// What a field's type accepts, in plain words.
fn in_words(error: &str) -> String {
    if let Some(name) = error.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        return format!("it contains an unknown name, '{name}'");
    }
    let Some((_, expected)) = error.rsplit_once("expected ") else { return error.to_owned() };
    let words = match expected {
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        group if group.starts_with("struct ") => "the name of one of its settings after a dot",
        other => other,
    };
    format!("it must be {words}")
}

/// The possible meanings of a text, most likely first. The first that fits the field's type is used.
fn candidates(text: &str) -> Vec<Value> {
    let mut candidates = Vec::new();
    if matches!(text.to_ascii_lowercase().as_str(), "none" | "null" | "off") {
        candidates.push(Value::Null);
    }
    candidates.extend(serde_json::from_str::<Value>(text).ok());
    candidates.push(Value::String(text.to_owned()));
    if let Some((variant, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let inner = candidates_of_inner(inner);
        candidates.push(Value::Object(Map::from_iter([(pascal_case(variant), inner)])));
    }
    candidates.push(Value::String(pascal_case(text)));
    // A task by its name alone has default settings.
    let task = TaskKind::ALL.into_iter().find(|kind| variant(*kind) == pascal_case(text) || kind.keyword() == text);
    candidates.extend(task.and_then(|kind| serde_json::to_value(Task::new(kind)).ok()));
    // In the form sizes are written in, so that the value is recognised afterwards.
    candidates.extend(text.parse::<Size>().ok().and_then(|size| serde_json::to_value(size).ok()));
    candidates
}

fn candidates_of_inner(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// `macro_f1` -> `MacroF1`, so that variants can be typed in lower case.
fn pascal_case(text: &str) -> String {
    let upper_first = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    text.split(['_', '-', ' ']).filter_map(upper_first).collect()
}

/// Sets the value at `path`. Returns `false` if part of the path is not a group of fields.
fn set(value: &mut Value, path: &[String], new: Value) -> bool {
    let Some((field, rest)) = path.split_first() else {
        *value = new;
        return true;
    };
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let Some(fields) = value.as_object_mut() else { return false };
    set(fields.entry(field.as_str()).or_insert(Value::Null), rest, new)
}

/// Equal, treating 5 and 5.0 as the same, and ignoring fields that a group's defaults add.
fn same(kept: &Value, given: &Value) -> bool {
    match (kept, given) {
        (Value::Number(kept), Value::Number(given)) => kept.as_f64() == given.as_f64(),
        (Value::Array(kept), Value::Array(given)) => {
            // A set is written in sorted order.
            kept.len() == given.len() && given.iter().all(|given| kept.iter().any(|kept| same(kept, given)))
        }
        (Value::Object(kept), Value::Object(given)) => {
            given.iter().all(|(name, value)| kept.get(name).is_some_and(|kept| same(kept, value)))
        }
        _ => kept == given,
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{
        ClassWeights, EarlyStopping, EvaluateEvery, MetricName, ModelChoice, ScheduleKind, SplitMethod,
    };

    fn applied(settings: &[&str]) -> Result<Project, SettingError> {
        apply_settings(&Project::default(), &settings.iter().map(|&setting| setting.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn settings_of_another_task_and_of_the_file_are_refused() {
        let message =
            |kind, setting: &str| apply_settings(&Project::new(kind), &[setting.to_owned()]).unwrap_err().to_string();
        let (classify, adapt) = (TaskKind::TextClassification, TaskKind::LanguageModelling);
        for setting in
            ["class_weights=balanced", "labels.order=[]", "task.label_smoothing=0.1", "dataset.label_column=a"]
        {
            let expected = "is a setting of projects with --task classify. This project has --task adapt.";
            assert!(message(adapt, setting).contains(expected), "{setting}");
        }
        assert_eq!(
            message(classify, "task.masked_share=0.2"),
            "'task.masked_share' is a setting of projects with --task adapt. This project has --task classify."
        );
        for kind in TaskKind::ALL {
            let message = message(kind, "schema_version=1");
            assert!(message.starts_with("There is no setting 'schema_version'."), "{message}");
            assert_eq!(message.matches("schema_version").count(), 1, "{message}");
        }
        // What is similar is a setting of this task.
        let near = message(adapt, "class_weight=balanced");
        assert!(!near.contains("class_weights"), "{near}");
    }

    #[test]
    fn any_field_can_be_set_by_its_path() {
        let project = applied(&[
            "training.epochs=5",
            "lr=2e-5",
            "training.schedule=cosine",
            "training.best_metric = macro_f1",
            "training.evaluate_every=Steps(100)",
            "training.class_weights={\"ByHand\": {\"good\": 2}}",
            "training.dropout=0.2",
            "training.optimizer.max_grad_norm=2",
            "cleaning.mask_urls=true",
            "dataset.encoding=1252",
            "dataset.delimiter=;",
            "model=Folder(/models/a)",
            "labels.mapping.1=negative",
            "name=none such",
        ])
        .unwrap();
        let training = &project.training;
        assert_eq!((training.epochs, training.schedule), (5, ScheduleKind::Cosine));
        assert_eq!((training.optimizer.learning_rate, training.optimizer.max_grad_norm), (2e-5, 2.0));
        assert_eq!((training.best_metric, training.dropout), (Some(MetricName::MacroF1), Some(0.2)));
        assert_eq!(training.evaluate_every, EvaluateEvery::Steps(100));
        assert_eq!(
            project.classification().unwrap().class_weights,
            ClassWeights::ByHand([("good".to_owned(), 2.0)].into())
        );
        assert!(project.cleaning.mask_urls);
        assert_eq!(project.dataset.encoding.as_deref(), Some("1252"));
        assert_eq!(project.dataset.delimiter, Some(';'));
        assert_eq!(project.model, ModelChoice::Folder("/models/a".into()));
        assert_eq!(project.labels().resolve("1"), "negative");
        assert_eq!(project.name, "none such");
    }

    #[test]
    fn an_optional_setting_can_be_cleared_and_set_again() {
        let project =
            applied(&["training.early_stopping=none", "dataset.encoding=none", "training.class_weights=none"]);
        let project = project.unwrap();
        assert_eq!(project.classification().unwrap().class_weights, ClassWeights::None);
        assert_eq!((project.training.early_stopping, project.dataset.encoding), (None, None));
        let project =
            applied(&["dataset.joined_columns=[\"a\"]", "dataset.id_column=b", "dataset.group_column=c"]).unwrap();
        assert_eq!((project.dataset.joined_columns().count(), project.dataset.id_column()), (1, Some("b")));
        let none = ["dataset.joined_columns=[]", "dataset.group_column=none", "dataset.sheet=none"].map(str::to_owned);
        let project = apply_settings(&project, &none).unwrap();
        assert_eq!((project.dataset.joined_columns().count(), project.dataset.group_column()), (0, None));
        let project = applied(&["early_stopping=none", "training.patience=7"]).unwrap();
        assert_eq!(project.training.early_stopping, Some(EarlyStopping { patience: 7, min_delta: 0.0 }));
    }

    #[test]
    fn columns_are_chosen_by_role() {
        let project = applied(&[
            "dataset.text_column=body",
            r#"dataset.label_columns=["good", "bad"]"#,
            r#"dataset.columns=[["body", "Text"], ["mood", "Label"]]"#,
            "dataset.ignored_columns=notes",
        ])
        .unwrap();
        let expected = [("body", ColumnRole::Text), ("mood", ColumnRole::Label), ("notes", ColumnRole::Ignored)];
        assert_eq!(project.dataset, crate::project::DatasetSettings::default().with_columns(&expected));
        let several = applied(&[r#"dataset.label_columns=["good", "bad"]"#]).unwrap();
        assert!(several.dataset.has_column_per_label());
        let message = |settings: &[&str]| applied(settings).unwrap_err().to_string();
        assert!(message(&[r#"dataset.text_column=["a", "b"]"#]).ends_with("it must be the name of one column."));
        assert!(message(&["task=adapt", "dataset.label_column=mood"]).contains("is a setting of projects with --task"));
        assert!(message(&[r#"dataset.columns=[["a", "Colour"]]"#]).contains("is not valid for dataset.columns"));
    }

    #[test]
    fn task_settings_are_also_found_by_their_old_names() {
        let project = applied(&["task.label_smoothing=0.1", "task.class_weights=balanced"]).unwrap();
        let settings = project.classification().unwrap().clone();
        assert_eq!((settings.label_smoothing, settings.class_weights), (0.1, ClassWeights::Balanced));
        let earlier = applied(&["training.label_smoothing=0.1", "training.class_weights=balanced"]).unwrap();
        assert_eq!(earlier, project);
        let labels = applied(&[r#"labels.order=["b", "a"]"#, r#"task.labels.excluded=["c"]"#]).unwrap();
        assert_eq!((labels.labels().order.len(), labels.labels().excluded.len()), (2, 1));
        let message = |setting| applied(&[setting]).unwrap_err().to_string();
        assert!(message("task.label_smooting=0.1").contains("task.label_smoothing"));
        assert!(message("training.label_smoothing=many").contains("is not valid for task.label_smoothing"));
    }

    #[test]
    fn a_task_is_chosen_by_name_and_has_its_own_settings() {
        let adapt = applied(&["task=adapt", "task.masked_share=0.2", r#"task.new_words=["lien"]"#]).unwrap();
        let settings = adapt.language_modelling().unwrap();
        assert_eq!((settings.masked_share, settings.new_words.len()), (0.2, 1));
        assert_eq!(applied(&["task=language_modelling"]).unwrap().task, Task::new(TaskKind::LanguageModelling));
        let message = |settings: &[&str]| applied(settings).unwrap_err().to_string();
        assert!(message(&["task.masked_share=0.2"]).starts_with("'task.masked_share' is a setting of projects with"));
        assert!(message(&["task=adapt", "class_weights=balanced"]).starts_with("'class_weights' is a setting of"));
        assert!(message(&["task=adapt", "training.best_metric=accuracy"]).contains("best metric cannot be accuracy"));
        assert!(message(&["task=translate"]).contains("is not valid for task:"));
    }

    #[test]
    fn sizes_are_shares_or_rows() {
        let size = |text: &str| applied(&[&format!("split.test={text}")]).map(|project| project.split.test);
        for (text, read) in [
            ("0.25", Size::Share(0.25)),
            ("25%", Size::Share(0.25)),
            ("0", Size::NONE),
            ("500rows", Size::Rows(500)),
            ("500 rows", Size::Rows(500)),
            ("1row", Size::Rows(1)),
        ] {
            assert_eq!(size(text).unwrap(), read, "{text}");
        }
        assert!(size("20").unwrap_err().to_string().contains("such as 0.2 or 20%, or a number of rows"));
        assert!(
            size("lots")
                .unwrap_err()
                .to_string()
                .ends_with("it must be a share such as 0.2, or a number of rows such as 500rows.")
        );
        let project =
            applied(&["split.method=time", "dataset.time_column=date", "dataset.group_column=customer"]).unwrap();
        assert_eq!(project.split.method, SplitMethod::Time);
        assert_eq!(project.dataset.group_column(), Some("customer"));
        let none = applied(&["dataset.group_column=customer", "dataset.group_column=none"]).unwrap();
        assert_eq!(none.dataset.group_column(), None);
        assert!(applied(&["dataset.time_colum=date"]).unwrap_err().to_string().contains("dataset.time_column"));
    }

    #[test]
    fn patterns_are_given_as_a_list() {
        let project =
            applied(&[r#"cleaning.patterns=[{"find": "a=b", "replace": "c"}, {"find": "d", "regex": true}]"#]);
        let patterns = project.unwrap().cleaning.patterns;
        let found: Vec<(&str, &str, bool)> =
            patterns.iter().map(|one| (one.find.as_str(), one.replace.as_str(), one.regex)).collect();
        assert_eq!(found, [("a=b", "c", false), ("d", "", true)]);
        let message = |setting| applied(&[setting]).unwrap_err().to_string();
        assert!(
            message(r#"cleaning.patterns=[{"fnd": "a"}]"#)
                .ends_with("cleaning.patterns: it contains an unknown name, 'fnd'.")
        );
        assert!(message("cleaning.patterns=3").contains("is not valid for cleaning.patterns: it must be"));
    }

    #[test]
    fn a_wrong_name_lists_similar_ones() {
        let message = |setting| applied(&[setting]).unwrap_err().to_string();
        assert!(message("training.epoch=3").contains("training.epochs"), "{}", message("training.epoch=3"));
        assert!(message("learningrate=3").contains("learning_rate"));
        assert!(message("training.epochs.more=3").contains("no setting 'training.epochs.more'"));
        assert!(message("colour=red").starts_with("There is no setting 'colour'. Did you mean "));
        assert!(message("training.epochs").contains("Write NAME=VALUE"));
    }

    #[test]
    fn a_wrong_value_says_what_is_expected() {
        let message = |setting| applied(&[setting]).unwrap_err().to_string();
        assert_eq!(
            message("training.epochs=many"),
            "'many' is not valid for training.epochs: it must be a whole number, 0 or more."
        );
        assert!(message("training.epochs=-1").contains("a whole number, 0 or more"));
        assert!(message("training.epochs=2.5").contains("a whole number, 0 or more"));
        assert!(message("lr=fast").ends_with("training.optimizer.learning_rate: it must be a number."));
        assert!(message("cleaning.mask_urls=3").ends_with("it must be true or false."));
        assert!(message("training.schedule=zigzag").contains("it must be one of `Linear`, `Cosine`, `Constant`"));
        assert!(
            message("training=3").contains("is not valid for training: it must be the name of one of its settings")
        );
    }

    #[test]
    fn an_out_of_range_value_is_refused_unless_the_project_was_already_invalid() {
        let error = applied(&["training.epochs=0"]).unwrap_err();
        assert_eq!(error.to_string(), "The setting epochs cannot be 0. Use at least 1.");
        assert!(matches!(applied(&["split.test=1.5"]), Err(SettingError::OutOfRange(_))));
        let mut project = Project::default();
        project.training.epochs = 0;
        assert!(
            apply_settings(&project, &["seed=7".to_owned()]).is_ok(),
            "a project that was already invalid does not block a valid setting"
        );
    }
}
