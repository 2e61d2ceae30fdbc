//! `--set training.epochs=3`: sets any field of a project by its path, checked by the project's own types.

use serde_json::{Map, Value};

use crate::project::{EarlyStopping, OutOfRange, Pattern, Project, Size};

/// Short names for common settings.
const ALIASES: [(&str, &str); 15] = [
    ("lr", "training.optimizer.learning_rate"),
    ("learning_rate", "training.optimizer.learning_rate"),
    ("training.lr", "training.optimizer.learning_rate"),
    ("training.learning_rate", "training.optimizer.learning_rate"),
    ("training.weight_decay", "training.optimizer.weight_decay"),
    ("training.max_grad_norm", "training.optimizer.max_grad_norm"),
    ("training.patience", "training.early_stopping.patience"),
    ("epochs", "training.epochs"),
    ("batch_size", "training.batch_size"),
    ("max_length", "training.max_length"),
    ("warmup", "training.warmup"),
    ("seed", "training.seed"),
    ("device", "training.device"),
    ("precision", "training.precision"),
    ("early_stopping", "training.early_stopping"),
];

/// Number of similar names an error lists.
const NEAR_NAMES: usize = 4;

/// A setting that cannot be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// It has no `=`.
    #[error("'{0}' is not a setting. Write it as NAME=VALUE, for example training.epochs=3.")]
    NoValue(String),
    /// There is no such field.
    #[error("There is no setting '{name}'. Did you mean {}?", near.join(", "))]
    Unknown {
        /// The name given.
        name: String,
        /// Similar names.
        near: Vec<String>,
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
/// The first setting that cannot be applied, or [`SettingError::OutOfRange`] if the settings make a valid project invalid.
pub fn apply(project: &Project, settings: &[String]) -> Result<Project, SettingError> {
    let applied = settings.iter().try_fold(project.clone(), |project, setting| apply_one(&project, setting))?;
    match applied.check() {
        Err(error) if project.check().is_ok() => Err(error.into()),
        _ => Ok(applied),
    }
}

fn apply_one(project: &Project, setting: &str) -> Result<Project, SettingError> {
    let (given, text) = setting.split_once('=').ok_or_else(|| SettingError::NoValue(setting.to_owned()))?;
    let (given, text) = (given.trim(), text.trim());
    let name = ALIASES.iter().find(|(alias, _)| *alias == given).map_or(given, |(_, name)| name);
    let path: Vec<&str> = name.split('.').collect();
    let now = to_value(project);
    let known = get(&to_value(&filled()), &path).is_some() || get(&now, &path).is_some();
    let mut reason = None;
    for candidate in candidates(text) {
        let mut changed = now.clone();
        if !set(&mut changed, &path, candidate.clone()) {
            break;
        }
        match serde_json::from_value::<Project>(changed) {
            // Unknown names are dropped when the project is read, so the value is missing afterwards. Unused settings
            // are not written, so a missing value is fine for an empty one.
            Ok(project) => {
                let written = to_value(&project);
                let kept = get(&written, &path);
                if kept.map_or(known && is_nothing(&candidate), |kept| same(kept, &candidate)) {
                    return Ok(project);
                }
                if candidate.is_array() {
                    reason.get_or_insert_with(|| "it contains an unknown name".to_owned());
                }
            }
            Err(error) => {
                reason.get_or_insert_with(|| in_words(&error.to_string()));
            }
        }
    }
    Err(match reason {
        Some(reason) if known => SettingError::BadValue { name: name.to_owned(), value: text.to_owned(), reason },
        _ => SettingError::Unknown { name: given.to_owned(), near: near_names(given) },
    })
}

/// What a field's type accepts, in plain words.
fn in_words(error: &str) -> String {
    let Some((_, expected)) = error.rsplit_once("expected ") else { return error.to_owned() };
    let words = match expected {
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
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
    if matches!(text.to_ascii_lowercase().as_str(), "none" | "null") {
        candidates.push(Value::Null);
    }
    candidates.extend(serde_json::from_str::<Value>(text).ok());
    candidates.push(Value::String(text.to_owned()));
    if let Some((variant, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let inner = candidates_of_inner(inner);
        candidates.push(Value::Object(Map::from_iter([(pascal_case(variant), inner)])));
    }
    candidates.push(Value::String(pascal_case(text)));
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
fn set(value: &mut Value, path: &[&str], new: Value) -> bool {
    let Some((field, rest)) = path.split_first() else {
        *value = new;
        return true;
    };
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let Some(fields) = value.as_object_mut() else { return false };
    set(fields.entry(*field).or_insert(Value::Null), rest, new)
}

fn get<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, field| value.get(field))
}

/// Equal, but for 5 and 5.0, and for the fields that a group's defaults add.
fn same(kept: &Value, given: &Value) -> bool {
    match (kept, given) {
        (Value::Number(kept), Value::Number(given)) => kept.as_f64() == given.as_f64(),
        (Value::Array(kept), Value::Array(given)) => {
            kept.len() == given.len() && kept.iter().zip(given).all(|(kept, given)| same(kept, given))
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

fn to_value(project: &Project) -> Value {
    serde_json::to_value(project).unwrap_or_default()
}

/// A project in which every optional group of fields is there, to know its names.
fn filled() -> Project {
    let mut project = Project::default();
    project.training.early_stopping = Some(EarlyStopping::default());
    let column = || "column".to_owned();
    let dataset = &mut project.dataset;
    dataset.sheet = Some(column());
    dataset.more = vec![column().into()];
    (dataset.joined_columns, dataset.label_columns) = (vec![column()], vec![column()]);
    for optional in
        [&mut dataset.group_column, &mut dataset.time_column, &mut dataset.split_column, &mut dataset.id_column]
    {
        *optional = Some(column());
    }
    dataset.ignored_columns.insert(column());
    project.cleaning.patterns = vec![Pattern::default()];
    project
}

fn near_names(given: &str) -> Vec<String> {
    let mut names = ALIASES.map(|(alias, _)| alias.to_owned()).to_vec();
    collect_names(&to_value(&filled()), "", &mut names);
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    names.sort_by_cached_key(|name| distance(name, given).min(distance(&last(name), &last(given)) + 1));
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

/// Levenshtein's edit distance, in characters.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{ClassWeights, EvaluateEvery, MetricChoice, ModelChoice, ScheduleKind, SplitMethod};

    fn applied(settings: &[&str]) -> Result<Project, SettingError> {
        apply(&Project::default(), &settings.iter().map(|&setting| setting.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn any_field_by_its_path() {
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
        assert_eq!((training.best_metric, training.dropout), (MetricChoice::MacroF1, Some(0.2)));
        assert_eq!(training.evaluate_every, EvaluateEvery::Steps(100));
        assert_eq!(training.class_weights, ClassWeights::ByHand([("good".to_owned(), 2.0)].into()));
        assert!(project.cleaning.mask_urls);
        assert_eq!(project.dataset.encoding.as_deref(), Some("1252"));
        assert_eq!(project.dataset.delimiter, Some(';'));
        assert_eq!(project.model, ModelChoice::Folder("/models/a".into()));
        assert_eq!(project.labels.resolve("1"), "negative");
        assert_eq!(project.name, "none such");
    }

    #[test]
    fn an_optional_setting_can_be_cleared_and_set_again() {
        let project =
            applied(&["training.early_stopping=none", "dataset.encoding=none", "training.class_weights=none"]);
        let project = project.unwrap();
        assert_eq!((project.training.early_stopping, project.dataset.encoding), (None, None));
        assert_eq!(project.training.class_weights, ClassWeights::None);
        let project =
            applied(&["dataset.joined_columns=[\"a\"]", "dataset.id_column=b", "dataset.group_column=c"]).unwrap();
        assert_eq!((project.dataset.joined_columns.len(), project.dataset.id_column.as_deref()), (1, Some("b")));
        let none = ["dataset.joined_columns=[]", "dataset.group_column=none", "dataset.sheet=none"].map(str::to_owned);
        let project = apply(&project, &none).unwrap();
        assert_eq!((project.dataset.joined_columns.len(), project.dataset.group_column), (0, None));
        let project = applied(&["early_stopping=none", "training.patience=7"]).unwrap();
        assert_eq!(project.training.early_stopping, Some(EarlyStopping { patience: 7, min_delta: 0.0 }));
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
        assert_eq!(project.dataset.group_column.as_deref(), Some("customer"));
        let none = applied(&["dataset.group_column=customer", "dataset.group_column=none"]).unwrap();
        assert_eq!(none.dataset.group_column, None);
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
            message(r#"cleaning.patterns=[{"fnd": "a"}]"#).ends_with("cleaning.patterns: it contains an unknown name.")
        );
        assert!(message("cleaning.patterns=3").contains("is not valid for cleaning.patterns: it must be"));
    }

    #[test]
    fn a_wrong_name_lists_near_ones() {
        let message = |setting| applied(&[setting]).unwrap_err().to_string();
        assert!(message("training.epoch=3").contains("training.epochs"), "{}", message("training.epoch=3"));
        assert!(message("learningrate=3").contains("learning_rate"));
        assert!(message("training.epochs.more=3").contains("no setting 'training.epochs.more'"));
        assert!(message("colour=red").starts_with("There is no setting 'colour'. Did you mean "));
        assert!(message("training.epochs").contains("Write it as NAME=VALUE"));
    }

    #[test]
    fn a_wrong_value_says_what_is_expected() {
        let message = |setting| applied(&[setting]).unwrap_err().to_string();
        assert_eq!(
            message("training.epochs=many"),
            "'many' is not valid for training.epochs: it must be a whole number from 0 to 4294967295."
        );
        assert!(message("training.epochs=-1").contains("a whole number from 0"));
        assert!(message("training.epochs=2.5").contains("a whole number from 0"));
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
        assert_eq!(error.to_string(), "The setting epochs cannot be 0. Give at least 1.");
        assert!(matches!(applied(&["split.test=1.5"]), Err(SettingError::OutOfRange(_))));
        let mut project = Project::default();
        project.training.epochs = 0;
        assert!(
            apply(&project, &["seed=7".to_owned()]).is_ok(),
            "a project that was already invalid does not block a valid setting"
        );
    }
}
