//! Names as the card writes them.

use std::path::Path;

use crate::storage::RunSettings;

pub(super) fn data_name(settings: &RunSettings) -> String {
    settings.project.dataset.main.as_deref().map(file_name).unwrap_or_default()
}

pub(in crate::export) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
