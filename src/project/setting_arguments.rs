//! The settings that lead from one project to another, as they are typed: `training.epochs=5`.

use serde_json::Value;

use crate::project::Project;

/// Fields that have no effect on what a run learns.
const IRRELEVANT: [&str; 3] = ["schema_version", "edits", "split.ignored_leaks"];

/// The settings with which [`apply_settings`](crate::project::apply_settings) makes `after` of `before`, a project of the same task,
/// but for corrections of rows.
#[must_use]
pub fn setting_arguments(before: &Project, after: &Project) -> Vec<String> {
    let as_data = |project: &Project| serde_json::to_value(project).unwrap_or_default();
    let mut found = Vec::new();
    walk("", &as_data(before), &as_data(after), &mut found);
    found
}

fn walk(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    if before == after || IRRELEVANT.contains(&path) {
        return;
    }
    if let (Some(old), Some(new)) = (before.as_object(), after.as_object())
        // The names in a map that was empty are those of labels and the like, which may have dots.
        && !old.is_empty()
        && !is_choice(old.keys())
    {
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let is_task = path == "task" && name.starts_with(char::is_uppercase);
            let deeper = match path {
                "" => name.clone(),
                _ if is_task => path.to_owned(),
                path => format!("{path}.{name}"),
            };
            let of = |fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or(Value::Null);
            walk(&deeper, &of(old), &of(new), found);
        }
        return;
    }
    let value = match after {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    found.push(format!("{path}={value}"));
}

/// Whether these are the fields of one of several choices with a value, `{"Top": 2}`, other than the task.
fn is_choice<'a>(mut names: impl ExactSizeIterator<Item = &'a String>) -> bool {
    let is_one = names.len() == 1;
    let is_task = |name: &str| name == "TextClassification" || name == "LanguageModelling";
    is_one && names.next().is_some_and(|name| name.starts_with(char::is_uppercase) && !is_task(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{TaskKind, apply_settings};

    #[test]
    fn applying_the_settings_again_gives_the_same_project() {
        for (kind, settings) in [
            (
                TaskKind::TextClassification,
                &[
                    "training.epochs=5",
                    "lr=2e-5",
                    "training.trained_layers=Top(2)",
                    "training.evaluate_every=Steps(100)",
                    "training.early_stopping=none",
                    "training.batch_tokens=2048",
                    "training.dropout=0.2",
                    "class_weights={\"ByHand\": {\"so.so\": 2.5}}",
                    "labels.mapping.1=negative, or worse",
                    "cleaning.mask_urls=false",
                    "cleaning.patterns=[{\"find\": \"a=b\", \"replace\": \"c\", \"match_case\": true}]",
                    "split.test=500rows",
                    "split.keep_near_together=false",
                    "dataset.delimiter=;",
                    "dataset.sheet=March",
                ][..],
            ),
            (TaskKind::LanguageModelling, &["task.masked_share=0.2", "task.new_words=[\"proviso\"]", "epochs=9"][..]),
        ] {
            let usual = Project::new(kind);
            let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
            let chosen = apply_settings(&usual, &settings).unwrap();
            let found = setting_arguments(&usual, &chosen);
            assert_eq!(apply_settings(&usual, &found).unwrap(), chosen, "{found:?}");
            assert!(found.contains(&format!("training.epochs={}", chosen.training.epochs)), "{found:?}");
        }
        assert!(setting_arguments(&Project::default(), &Project::default()).is_empty());
    }

    #[test]
    fn a_default_that_is_a_choice_can_become_another() {
        let mut before = Project::default();
        before.training.trained_layers = crate::project::TrainedLayers::Top(2);
        let after = Project::default();
        let found = setting_arguments(&before, &after);
        assert_eq!(apply_settings(&before, &found).unwrap(), after, "{found:?}");
    }
}
