//! Files as people have them: the cases in `../shared/cases/real-files`, one test each, through the real program. What is
//! right for each case is written in `expected.md` beside them.

mod sheets;
mod texts;

use std::path::Path;

use serde_json::Value;

use crate::cli::Place;

/// A file or folder of a case.
fn case(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/real-files").join(path);
    assert!(path.exists(), "this test needs the cases of real files: {} does not exist", path.display());
    path.display().to_string()
}

/// What `hone inspect --json` says about a file of a case.
fn inspected(path: &str) -> Value {
    Place::new().json(&["inspect", &case(path), "--json"])
}

/// What `hone inspect` prints about a file of a case.
fn printed(path: &str) -> String {
    Place::new().good(&["inspect", &case(path)])
}

/// The columns a file was read into.
fn columns(inspected: &Value) -> Vec<&str> {
    inspected["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect()
}

/// The labels with their rows, sorted by name.
fn labels(inspected: &Value) -> Vec<(&str, u64)> {
    let labels = inspected["texts"]["labels"].as_array().unwrap();
    let mut labels: Vec<(&str, u64)> =
        labels.iter().map(|label| (label["label"].as_str().unwrap(), label["rows"].as_u64().unwrap())).collect();
    labels.sort_unstable();
    labels
}

/// The finding of a kind, such as `label_spellings`, among those about the rows and those about leakage.
fn finding<'a>(inspected: &'a Value, kind: &str) -> &'a Value {
    let lists = [&inspected["texts"]["findings"], &inspected["texts"]["leakage"]["findings"]];
    let mut all = lists.into_iter().filter_map(Value::as_array).flatten();
    all.find(|finding| finding["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {inspected:#}"))
}

/// The remarks about how a file was read, as one text.
fn remarks(inspected: &Value) -> String {
    let remarks = inspected["remarks"].as_array().into_iter().flatten();
    remarks.map(|remark| remark.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Checks the rows and columns a file was read into, and its guessed text and label.
fn assert_read(inspected: &Value, rows: u64, text: &str, label: &str) {
    assert_eq!((inspected["rows"].as_u64(), &inspected["bad_rows"]), (Some(rows), &Value::Array(vec![])));
    assert_eq!((inspected["text_column"].as_str(), inspected["label_column"].as_str()), (Some(text), Some(label)));
}
