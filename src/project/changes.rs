//! What differs between two states of a project, in words.

use serde_json::Value;

use crate::project::Project;
use crate::words::{counted, shortened, upper_first};

/// Longest value that is written out, in characters.
const LONGEST: usize = 40;

/// Fields that change nothing about what a run learns.
const IRRELEVANT: [&str; 7] = [
    "schema_version",
    "name",
    "training.device",
    "training.precision",
    "training.recompute",
    "split.ignored_leaks",
    "task.instant_baseline",
];

/// Fields whose name alone says too little.
const TITLES: [(&str, &str); 25] = [
    ("training.precision", "Number format"),
    ("dataset.main", "Data file"),
    ("dataset.more", "More data files"),
    ("dataset.validation", "Validation file"),
    ("dataset.test", "Test file"),
    ("dataset.columns", "Columns"),
    ("dataset.encoding", "Encoding of the file"),
    ("dataset.delimiter", "Separator"),
    ("split.method", "How the rows are split"),
    ("split.validation", "Share of the rows for validation"),
    ("split.test", "Share of the rows for testing"),
    ("split.seed", "Seed of the split"),
    ("training.seed", "Seed of training"),
    ("training.batch_tokens", "Tokens in a batch"),
    ("training.max_length", "Max length"),
    ("training.trained_layers", "Trained layers"),
    ("training.lora.rank", "Rank of the adapter"),
    ("training.lora.alpha", "Alpha of the adapter"),
    ("training.lora.dropout", "Dropout of the adapter"),
    ("training.lora.matrices", "Matrices with an adapter"),
    ("training.optimizer.max_grad_norm", "Gradient clipping"),
    ("training.early_stopping.patience", "Patience"),
    ("training.checkpoint_minutes", "Minutes between checkpoints"),
    ("task.labels", "Labels"),
    ("cleaning.patterns", "Patterns"),
];

/// What differs, a line for each setting: "Epochs: 1 → 3". Paths of both must be absolute, or both relative to the same folder.
#[must_use]
pub fn changes(before: &Project, after: &Project) -> Vec<String> {
    let mut found = Vec::new();
    if before.task != after.task || before.dataset != after.dataset || before.model != after.model {
        compare(["task", "dataset", "model"], before, after, &mut found);
    }
    if before.cleaning != after.cleaning || before.split != after.split || before.training != after.training {
        compare(["cleaning", "split", "training"], before, after, &mut found);
    }
    let corrected = after.edits.corrected_since(&before.edits).len();
    if corrected > 0 {
        found.push(format!("Corrections: {} changed", counted(corrected, "row", "rows")));
    }
    found
}

/// A setting that is not the same in several projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferentSetting {
    /// Its name on screen.
    pub title: String,
    /// Its value in each project; `None` where it does not fit on a line.
    pub values: Vec<Option<String>>,
}

/// The settings that are not the same in all of several projects. Paths of all must be absolute, or all relative to the same
/// folder.
#[must_use]
pub fn differing(projects: &[&Project]) -> Vec<DifferentSetting> {
    let as_data: Vec<Value> =
        projects.iter().map(|project| serde_json::to_value(project).unwrap_or_default()).collect();
    let mut found = Vec::new();
    for part in ["task", "dataset", "model", "cleaning", "split", "training"] {
        walk(part, &as_data.iter().map(|project| &project[part]).collect::<Vec<_>>(), &mut found);
    }
    let corrections: Vec<usize> = projects.iter().map(|project| project.edits.corrections()).collect();
    let has_others = projects.windows(2).any(|pair| !pair[1].edits.corrected_since(&pair[0].edits).is_empty());
    if has_others {
        // As many rows, but not the same ones or not the same corrections.
        let tells = corrections.iter().any(|rows| *rows != corrections[0]);
        let values = corrections.iter().map(|rows| tells.then(|| counted(*rows, "row", "rows"))).collect();
        found.push(DifferentSetting { title: "Corrections".to_owned(), values });
    }
    found
}

fn compare<const N: usize>(parts: [&str; N], before: &Project, after: &Project, found: &mut Vec<String>) {
    let as_data = |project: &Project| serde_json::to_value(project).unwrap_or_default();
    let (before, after) = (as_data(before), as_data(after));
    let mut different = Vec::new();
    for part in parts {
        walk(part, &[&before[part], &after[part]], &mut different);
    }
    found.extend(different.into_iter().map(|DifferentSetting { title, values }| match values.as_slice() {
        [Some(old), Some(new)] => format!("{title}: {old} → {new}"),
        _ => format!("{title}: changed"),
    }));
}

/// Compares values field by field.
fn walk(path: &str, values: &[&Value], found: &mut Vec<DifferentSetting>) {
    if values.iter().all(|value| *value == values[0]) || IRRELEVANT.contains(&path) {
        return;
    }
    let is_whole = path == "task.labels" || path != "task" && values.iter().any(|value| is_choice(value));
    let objects: Option<Vec<_>> = values.iter().map(|value| value.as_object()).collect();
    if let (Some(objects), false) = (objects, is_whole) {
        let mut names: Vec<&String> = objects.iter().flat_map(|fields| fields.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            // A task's settings are one level deeper, below its name.
            let is_variant = path == "task" && name.starts_with(char::is_uppercase);
            let deeper = if is_variant { path.to_owned() } else { format!("{path}.{name}") };
            let inner: Vec<&Value> = objects.iter().map(|fields| fields.get(name).unwrap_or(&Value::Null)).collect();
            walk(&deeper, &inner, found);
        }
        return;
    }
    found.push(DifferentSetting { title: title(path), values: words(values) });
}

/// The values in words. Files of the same name in several folders are told apart by their folders.
fn words(values: &[&Value]) -> Vec<Option<String>> {
    let short: Vec<Option<String>> = values.iter().map(|value| in_words(value)).collect();
    let whole = |place: usize| {
        let text = values[place].as_str()?;
        let is_alike = |other: usize| short[other] == short[place] && values[other] != values[place];
        (0..values.len()).any(is_alike).then(|| text.to_owned())
    };
    (0..values.len()).map(|place| whole(place).or_else(|| short[place].clone())).collect()
}

/// Whether this is one of several choices, with a value: `{"Steps": 50}`.
fn is_choice(value: &Value) -> bool {
    let fields = value.as_object().filter(|fields| fields.len() == 1);
    fields.and_then(|fields| fields.keys().next()).is_some_and(|name| name.starts_with(char::is_uppercase))
}

fn title(path: &str) -> String {
    let known = TITLES.iter().find(|(field, _)| *field == path).map(|(_, title)| (*title).to_owned());
    known.unwrap_or_else(|| upper_first(&path.rsplit('.').next().unwrap_or(path).replace('_', " ")))
}

/// A value that fits on a line; `None` if it does not.
fn in_words(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("none".to_owned()),
        Value::Bool(true) => Some("on".to_owned()),
        Value::Bool(false) => Some("off".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => {
            let last = text.rsplit(['/', '\\']).next().unwrap_or(text);
            Some(shortened(last, LONGEST))
        }
        Value::Object(fields) if fields.contains_key("Hub") => {
            let part = |name: &str| fields["Hub"].get(name)?.as_str();
            let commit = part("commit")?;
            Some(format!("{} at {}", shortened(part("repo")?, LONGEST), commit.get(..8).unwrap_or(commit)))
        }
        Value::Object(fields) if is_choice(value) => {
            let (name, value) = fields.iter().next()?;
            Some(format!("{} {}", name.to_lowercase(), in_words(value)?))
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{ClassWeights, HubModel, ModelChoice, RowEdit, RowId, TaskKind};

    fn changed(change: impl FnOnce(&mut Project)) -> Vec<String> {
        let before = Project::new(TaskKind::TextClassification);
        let mut after = before.clone();
        change(&mut after);
        changes(&before, &after)
    }

    #[test]
    fn settings_are_named_with_both_values() {
        assert_eq!(changed(|_| {}), Vec::<String>::new());
        let irrelevant = changed(|project| project.classification_mut().unwrap().instant_baseline = false);
        assert_eq!(irrelevant, Vec::<String>::new());
        let epochs = Project::default().training.epochs;
        assert_eq!(changed(|project| project.training.epochs = 7), [format!("Epochs: {epochs} → 7")]);
        let said = changed(|project| {
            project.classification_mut().unwrap().class_weights = ClassWeights::Balanced;
            project.dataset.main = Some("/data/reviews.csv".into());
            project.model = ModelChoice::Folder("/models/mine".into());
            project.training.optimizer.learning_rate = 0.5;
        });
        assert!(said.contains(&"Class weights: Auto → Balanced".to_owned()), "{said:?}");
        assert!(said.contains(&"Data file: none → reviews.csv".to_owned()), "{said:?}");
        assert!(said.iter().any(|line| line.starts_with("Learning rate: ") && line.ends_with("→ 0.5")), "{said:?}");
        assert!(said.iter().any(|line| line.starts_with("Model: ") && line.ends_with("folder mine")), "{said:?}");
        assert_eq!(said.len(), 4, "{said:?}");
    }

    #[test]
    fn a_model_of_the_hub_is_named_with_its_commit() {
        let commit = "0123456789".repeat(4);
        let (repo, architecture) = ("owner/name".to_owned(), "bert".to_owned());
        let model = HubModel { repo, commit, architecture, licence: None, parameters: 1, files: Vec::new() };
        let said = changed(|project| project.model = ModelChoice::Hub(model));
        assert_eq!(said, ["Model: catalogue minilm-l6 → owner/name at 01234567"]);
    }

    #[test]
    fn files_of_the_same_name_are_told_apart_by_their_folders() {
        let at = |path: &str| {
            let mut project = Project::default();
            project.dataset.main = Some(path.into());
            project
        };
        let said = changes(&at("/march/reviews.csv"), &at("/april/reviews.csv"));
        assert_eq!(said, ["Data file: /march/reviews.csv → /april/reviews.csv"]);
    }

    #[test]
    fn several_projects_are_compared_setting_by_setting() {
        let with = |epochs: u32, file: &str| {
            let mut project = Project::default();
            project.training.epochs = epochs;
            project.dataset.main = Some(file.into());
            project
        };
        let mut corrected = with(4, "/march/reviews.csv");
        let edit = RowEdit { excluded: true, ..RowEdit::default() };
        corrected.edits.rows.insert(RowId::default(), edit);
        let projects = [with(3, "/march/reviews.csv"), with(3, "/april/reviews.csv"), corrected];
        let found = differing(&projects.iter().collect::<Vec<_>>());
        let found: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|setting| {
                (setting.title.as_str(), setting.values.iter().map(|value| value.as_deref().unwrap()).collect())
            })
            .collect();
        let expected = [
            ("Data file", vec!["/march/reviews.csv", "/april/reviews.csv", "/march/reviews.csv"]),
            ("Epochs", vec!["3", "3", "4"]),
            ("Corrections", vec!["0 rows", "0 rows", "1 row"]),
        ];
        assert_eq!(found, expected);
        assert!(differing(&[&projects[0], &projects[0]]).is_empty());
    }

    #[test]
    fn what_changes_no_result_is_not_named() {
        let said = changed(|project| {
            project.name = "Other".to_owned();
            project.split.ignored_leaks.insert("leak".to_owned());
        });
        assert_eq!(said, Vec::<String>::new());
    }

    #[test]
    fn corrections_are_counted_and_lists_are_named() {
        let said = changed(|project| {
            for record in 1..=3 {
                let id = RowId { record, ..RowId::default() };
                let edit = RowEdit { excluded: true, ..RowEdit::default() };
                project.edits.rows.insert(id, edit);
            }
            let kept = RowEdit { kept: true, ..RowEdit::default() };
            project.edits.rows.insert(RowId { record: 9, ..RowId::default() }, kept);
            project.classification_mut().unwrap().labels.excluded.insert("spam".to_owned());
        });
        assert_eq!(said, ["Labels: changed", "Corrections: 3 rows changed"]);
    }
}
