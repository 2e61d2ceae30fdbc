//! Values of tools that label texts, and conversations: lists of objects that hold a text or a label.

use serde_json::Value;

use crate::data::import::rows::NamedRows;
use crate::words::counted;

/// Names of who speaks in a conversation, each with the column of what it says.
const SPEAKERS: [(&str, &str); 6] = [
    ("user", "user"),
    ("human", "user"),
    ("assistant", "assistant"),
    ("gpt", "assistant"),
    ("system", "system"),
    ("developer", "system"),
];

/// Sets a list in the row being gathered, if it is a conversation or the labels of a tool.
pub(super) fn set(rows: &mut NamedRows, name: &str, items: &[Value]) -> bool {
    set_conversation(rows, name, items) || set_annotations(rows, name, items)
}

/// A list of messages, each with who says what: the user's messages are the text to answer, and the last answer is what
/// a model would be trained to say. Earlier answers are part of neither.
fn set_conversation(rows: &mut NamedRows, name: &str, items: &[Value]) -> bool {
    let message = |item: &Value| {
        let (speaker, said) = match (item.get("role"), item.get("content")) {
            (Some(role), Some(content)) => (role, content),
            _ => (item.get("from")?, item.get("value")?),
        };
        let (_, column) = SPEAKERS.iter().find(|(known, _)| speaker.as_str() == Some(known))?;
        Some((*column, text_of(said)?))
    };
    let Some(messages) = items.iter().map(message).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty()) else {
        return false;
    };
    for speaker in ["system", "user", "assistant"] {
        let said: Vec<&str> = messages.iter().filter(|(by, _)| *by == speaker).map(|(_, said)| said.as_str()).collect();
        let value =
            if speaker == "assistant" { said.last().map(|said| (*said).to_owned()) } else { Some(said.join("\n\n")) };
        rows.set(&format!("{name}.{speaker}"), value.filter(|value| !value.is_empty()));
    }
    rows.remark(&format!(
        "'{name}' holds conversations: '{name}.user' is what the user wrote, '{name}.assistant' the last answer"
    ));
    true
}

/// The text of a message, which may have several parts.
fn text_of(said: &Value) -> Option<String> {
    match said {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            Some(texts.join("\n"))
        }
        _ => None,
    }
}

/// The annotations of a task as Label Studio exports them: what was chosen becomes a column of the field's name.
fn set_annotations(rows: &mut NamedRows, name: &str, items: &[Value]) -> bool {
    let is_of_tool = |item: &Value| item.get("result").is_some_and(Value::is_array);
    if !matches!(name, "annotations" | "completions") || items.is_empty() || !items.iter().all(is_of_tool) {
        return false;
    }
    let is_kept = |item: &&Value| item.get("was_cancelled") != Some(&Value::Bool(true));
    let results = items.iter().filter(is_kept).filter_map(|item| item.get("result")?.as_array()).flatten();
    let mut chosen: Vec<(&str, Vec<Value>)> = Vec::new();
    for result in results {
        let (Some(field), Some(choices)) = (
            result.get("from_name").and_then(Value::as_str),
            result.get("value").and_then(|value| value.get("choices")?.as_array()),
        ) else {
            continue;
        };
        let place = chosen.iter().position(|(known, _)| *known == field).unwrap_or_else(|| {
            chosen.push((field, Vec::new()));
            chosen.len() - 1
        });
        // Two people who chose the same agree on one label.
        for choice in choices {
            if !chosen[place].1.contains(choice) {
                chosen[place].1.push(choice.clone());
            }
        }
    }
    for (field, choices) in chosen {
        let value = match choices.as_slice() {
            [Value::String(one)] => one.clone(),
            _ => Value::Array(choices).to_string(),
        };
        rows.set(field, Some(value));
    }
    rows.remark("The labels are those that people chose in Label Studio");
    true
}

/// Ends the current row, or leaves it out if it is a task that people rejected or ignored in Prodigy.
pub(super) fn end_row(rows: &mut NamedRows, record: u64) {
    let is_of_prodigy = ["_task_hash", "_input_hash"].into_iter().any(|name| rows.value(name).is_some());
    if is_of_prodigy && matches!(rows.value("answer"), Some("reject" | "ignore")) {
        rows.not_accepted += 1;
        rows.drop_row();
    } else {
        rows.end_row(record);
    }
}

/// Adds what a person should know about the columns of a tool.
pub(super) fn remark(rows: &mut NamedRows) {
    if rows.not_accepted > 0 {
        let left_out = counted(rows.not_accepted, "row", "rows");
        rows.remark(&format!("Left out {left_out} that people rejected or ignored in Prodigy, as 'answer' says"));
    }
}
