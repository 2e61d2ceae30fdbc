//! JSON documents whose rows are not a list of objects at the top: the layouts of pandas, lists of lists, and lists that
//! lie deeper.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::data::BadRow;
use crate::data::import::header::{Layout, SAMPLE};
use crate::data::import::json_node::Node;
use crate::data::import::json_values::set;
use crate::data::import::names::unique_names;
use crate::data::import::rows::NamedRows;

/// A larger document is not searched: it is held in memory as a tree.
const MOST_BYTES: usize = 256 << 20;
/// Objects within objects that are searched for a list.
const MOST_LEVELS: usize = 8;

/// The rows of a document that is no list of objects; `None` if it has none.
pub(super) fn read(text: &str) -> Option<NamedRows> {
    if text.len() > MOST_BYTES {
        return None;
    }
    let document: Node = serde_json::from_str(text).ok()?;
    let bytes = text.len() as u64;
    split(&document, bytes)
        .or_else(|| by_column(&document, bytes))
        .or_else(|| by_row(&document, bytes))
        .or_else(|| lists(&document, None, bytes))
        .or_else(|| deeper(&document, bytes))
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Rows of a document of this many bytes.
fn new_rows(bytes: u64, remark: String) -> NamedRows {
    let mut rows = NamedRows::of_file(bytes);
    rows.remarks.push(remark);
    rows
}

/// `{"columns": [...], "data": [[...], ...]}`, as pandas writes with `orient="split"`.
fn split(document: &Node, bytes: u64) -> Option<NamedRows> {
    let columns = document.get("columns")?.as_list()?;
    let names: Vec<String> = columns.iter().map(|name| field(name).unwrap_or_default()).collect();
    lists(document.get("data")?, Some(names), bytes)
}

/// The fields of an object, with its name.
type NamedFields<'a> = (&'a str, &'a [(String, Node)]);

/// The fields of the objects in an object, if there is nothing else in it.
fn maps(document: &Node) -> Option<Vec<NamedFields<'_>>> {
    let maps: Option<Vec<_>> =
        document.as_map()?.iter().map(|(name, value)| Some((name.as_str(), value.as_map()?))).collect();
    maps.filter(|maps| !maps.is_empty() && maps.iter().all(|(_, fields)| !fields.is_empty()))
}

/// `{"text": {"0": "a", "1": "b"}, ...}`, as pandas writes by default.
fn by_column(document: &Node, bytes: u64) -> Option<NamedRows> {
    let columns = maps(document)?;
    if columns.iter().any(|(name, _)| is_number(name)) || !columns[0].1.iter().all(|(index, _)| is_number(index)) {
        return None;
    }
    let mut rows = new_rows(bytes, "The document has an object for each column".to_owned());
    let of_index = |values: &'_ [(String, Node)]| -> HashMap<String, usize> {
        values.iter().enumerate().map(|(at, (index, _))| (index.clone(), at)).collect()
    };
    let places: Vec<HashMap<String, usize>> = columns.iter().map(|(_, values)| of_index(values)).collect();
    // A column may lack rows that another has.
    let mut seen = HashSet::new();
    let indices = columns.iter().flat_map(|(_, values)| values.iter()).filter(|(index, _)| seen.insert(index));
    for (record, (index, _)) in (1..).zip(indices) {
        for ((name, values), places) in columns.iter().zip(&places) {
            let value = places.get(index).map_or(Value::Null, |&at| values[at].1.to_value());
            set(&mut rows, name, value, 1);
        }
        rows.end_row(record);
    }
    Some(rows)
}

/// `{"0": {"text": "a", ...}, "1": ...}`, as pandas writes with `orient="index"`; also with other keys, if there are
/// more of them than fields.
fn by_row(document: &Node, bytes: u64) -> Option<NamedRows> {
    let objects = maps(document)?;
    let fields = objects[0].1;
    let are_same =
        objects.iter().all(|(_, other)| other.iter().map(|field| &field.0).eq(fields.iter().map(|field| &field.0)));
    if !are_same || !(objects.iter().all(|(name, _)| is_number(name)) || objects.len() > fields.len()) {
        return None;
    }
    let mut rows = new_rows(bytes, "The document has a named object for each row".to_owned());
    for (record, (key, fields)) in (1..).zip(&objects) {
        if !is_number(key) {
            rows.set("key", Some((*key).to_owned()));
        }
        for (name, value) in *fields {
            set(&mut rows, name, value.to_value(), 1);
        }
        rows.end_row(record);
    }
    Some(rows)
}

/// A list of lists, each of which is a row. Without names, the first may be the header.
fn lists(document: &Node, names: Option<Vec<String>>, bytes: u64) -> Option<NamedRows> {
    let items: Option<Vec<&[Node]>> = document.as_list()?.iter().map(Node::as_list).collect();
    let items = items.filter(|items| !items.is_empty())?;
    let (names, first) = names.map_or_else(|| names_of(&items), |names| (names, 0));
    let names = unique_names(names.iter().map(String::as_str));
    let mut rows = new_rows(bytes, "The document has a list for each row".to_owned());
    for (record, item) in (1..).zip(&items[first.min(items.len())..]) {
        if item.len() > names.len() {
            let reason = format!("{} values instead of {}", item.len(), names.len());
            let raw = Value::Array(item.iter().map(Node::to_value).collect()).to_string();
            rows.bad_rows.push(BadRow::new(record, record, reason, &raw));
            continue;
        }
        for (name, value) in names.iter().zip(*item) {
            set(&mut rows, name, value.to_value(), 1);
        }
        rows.end_row(record);
    }
    Some(rows)
}

/// The names of columns, and the index of the first row.
fn names_of(items: &[&[Node]]) -> (Vec<String>, usize) {
    let fields = |item: &&[Node]| -> Vec<String> {
        item.iter().map(|value| field(value).unwrap_or_default().trim().to_owned()).collect()
    };
    let sample: Vec<Vec<String>> = items.iter().take(SAMPLE).map(fields).filter(|fields| !fields.is_empty()).collect();
    let layout = Layout::find(&sample);
    // Nothing comes before the names of a list.
    if layout.before > 0 || layout.under > 0 {
        (vec![String::new(); layout.width], 0)
    } else {
        (layout.names.clone(), layout.first())
    }
}

/// A value as the text of a field.
fn field(value: &Node) -> Option<String> {
    match value {
        Node::Leaf(Value::Null) => None,
        Node::Leaf(Value::String(text)) => Some(text.clone()),
        other => Some(other.to_value().to_string()),
    }
}

/// The longest list of objects anywhere in the document.
fn deeper(document: &Node, bytes: u64) -> Option<NamedRows> {
    let mut best: Option<(usize, String, &[Node])> = None;
    search(document, "", 0, &mut best);
    let (_, path, items) = best?;
    let mut rows = new_rows(bytes, format!("The rows are the list '{path}' of the document"));
    for (record, item) in (1..).zip(items) {
        if let Some(fields) = item.as_map() {
            for (name, value) in fields {
                set(&mut rows, name, value.to_value(), 1);
            }
            rows.end_row(record);
        } else {
            let raw = item.to_value().to_string();
            rows.bad_rows.push(BadRow::new(record, record, "Not an object", &raw));
        }
    }
    Some(rows)
}

/// Finds the list with the most objects, and the names on the way to it.
fn search<'a>(node: &'a Node, path: &str, level: usize, best: &mut Option<(usize, String, &'a [Node])>) {
    if level > MOST_LEVELS {
        return;
    }
    match node {
        Node::Map(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                search(value, &path, level + 1, best);
            }
        }
        Node::List(items) => {
            let objects = items.iter().filter(|item| item.as_map().is_some_and(|fields| !fields.is_empty())).count();
            if objects * 2 > items.len() && best.as_ref().is_none_or(|(most, ..)| objects > *most) {
                *best = Some((objects, path.to_owned(), items));
            }
        }
        Node::Leaf(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow_array::Array;

    use super::*;

    /// The columns of a document, each `name: values`, and the first remark.
    fn columns(text: &str) -> (Vec<String>, String) {
        let rows = read(text).unwrap().finish(Path::new("rows.json")).unwrap();
        let values = |column: &arrow_array::StringViewArray| {
            (0..column.len())
                .map(|row| if column.is_null(row) { "-" } else { column.value(row) }.to_owned())
                .collect::<Vec<_>>()
        };
        let told =
            rows.names.iter().zip(&rows.columns).map(|(name, column)| format!("{name}: {}", values(column).join(" ")));
        (told.collect(), rows.remarks[0].clone())
    }

    #[test]
    fn the_layouts_of_pandas_are_read_in_their_order() {
        for text in [
            r#"{"text": {"0": "a", "1": "b", "10": "c"}, "mood": {"0": 1, "1": null, "10": 3}}"#,
            r#"{"0": {"text": "a", "mood": 1}, "1": {"text": "b", "mood": null}, "10": {"text": "c", "mood": 3}}"#,
            r#"{"columns": ["text", "mood"], "index": [0, 1, 10], "data": [["a", 1], ["b", null], ["c", 3]]}"#,
            r#"[["text", "mood"], ["a", 1], ["b", null], ["c", 3]]"#,
        ] {
            assert_eq!(columns(text).0, ["text: a b c", "mood: 1 - 3"], "{text}");
        }
    }

    #[test]
    fn columns_that_lack_rows_lose_none_of_another() {
        let text = r#"{"text": {"0": "a", "2": "c"}, "mood": {"0": 1, "1": 2, "2": 3}}"#;
        assert_eq!(columns(text).0, ["text: a c -", "mood: 1 3 2"]);
    }

    #[test]
    fn a_small_document_cannot_describe_more_cells_than_fit_into_memory() {
        let item = |at: usize| format!("{{\"{}\": 1}}", at % 4_000);
        let items: Vec<String> = (0..9_000).map(item).collect();
        let rows = read(&format!("{{\"feed\": {{\"entry\": [{}]}}}}", items.join(","))).unwrap();
        let error = rows.finish(Path::new("rows.json")).unwrap_err().to_string();
        assert!(error.contains("more than 512 MiB of memory"), "{error}");
    }

    #[test]
    fn the_longest_list_of_objects_is_found_wherever_it_lies() {
        let text = r#"{"feed": {"links": [{"a": 1}], "entry": [{"t": {"label": "x"}}, {"t": {"label": "y"}}]}, "n": [1, 2, 3]}"#;
        let (columns, remark) = columns(text);
        assert_eq!(
            (columns[0].as_str(), remark.as_str()),
            ("t.label: x y", "The rows are the list 'feed.entry' of the document")
        );
    }

    #[test]
    fn documents_without_rows_are_none() {
        for text in ["{}", "[]", "1", "{\"a\": 1}", "{\"a\": {\"b\": 1}, \"c\": 2}", "{\"a\": [1, 2]}", "not json"] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
