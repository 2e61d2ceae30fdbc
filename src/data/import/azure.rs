//! Projects of Azure AI Language's custom text classification: a JSON file that names the texts' files and their
//! classes.
//!
//! Source of the schema: Microsoft Learn, "Accepted custom text classification data formats".

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::data::import::decode;
use crate::data::import::rows::{NamedRows, RawRows};
use crate::data::{BadRow, DataError};
use crate::progress::Watch;

/// The largest text that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;

#[derive(Deserialize)]
struct AzureProject {
    metadata: Option<Metadata>,
    assets: Assets,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    project_kind: Option<String>,
}

#[derive(Deserialize)]
struct Assets {
    documents: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    location: String,
    language: Option<String>,
    dataset: Option<String>,
    class: Option<Class>,
    classes: Option<Vec<Class>>,
}

#[derive(Deserialize)]
struct Class {
    category: String,
}

/// Reads the rows of such a project; `None` if the file is another kind of JSON.
///
/// # Errors
/// [`DataError::Damaged`] if a text can have several labels, and [`DataError::Cancelled`].
pub(super) fn read(path: &Path, text: &str, watch: &mut Watch) -> Result<Option<RawRows>, DataError> {
    let head: String = text.chars().take(100_000).collect();
    if !head.contains("\"assets\"") && !text.contains("\"documents\"") {
        return Ok(None);
    }
    let Ok(project) = serde_json::from_str::<AzureProject>(text) else { return Ok(None) };
    let kind = project.metadata.and_then(|metadata| metadata.project_kind).unwrap_or_default();
    if kind.contains("Multi") {
        return Err(DataError::Damaged {
            path: path.to_owned(),
            kind: "an Azure project",
            reason: "its texts can have several labels each, and Hone trains with one label per text".to_owned(),
            advice: "Choose a project of kind CustomSingleLabelClassification",
        });
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut rows = NamedRows::default();
    for (record, document) in (1..).zip(project.assets.documents) {
        watch.look()?;
        match text_of(folder, &document.location) {
            Ok(text) => {
                rows.set("text", Some(text));
                let class = document.class.or_else(|| document.classes.and_then(|classes| classes.into_iter().next()));
                rows.set("label", class.map(|class| class.category));
                rows.set("location", Some(document.location));
                rows.set("language", document.language);
                rows.set("dataset", document.dataset);
                rows.end_row(record);
            }
            Err(reason) => rows.bad_rows.push(BadRow::new(record, record, reason, &document.location)),
        }
    }
    rows.finish(path).map(Some)
}

/// The text of a document, or why there is none.
fn text_of(folder: &Path, location: &str) -> Result<String, String> {
    let relative = PathBuf::from(location.replace('\\', "/"));
    if relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(format!("'{location}' is not in the folder of the project"));
    }
    let mut bytes = Vec::new();
    File::open(folder.join(&relative))
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("'{location}' could not be read: {error}"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("'{location}' is longer than {} MiB", MOST_BYTES >> 20));
    }
    let decoded = decode::decode(bytes.into(), None).map_err(|error| error.to_string())?;
    if decoded.is_binary() { Err(format!("'{location}' is not a text file")) } else { Ok(decoded.text().into_owned()) }
}
