//! What the Hub's API says of a model. The names are those of the API (`ModelInfo` in `huggingface_hub`); only what Hone uses
//! is read, and anything may be missing but the name.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::project::ModelFile;

/// Longest architecture, licence and base model.
const LONGEST_NAME: usize = 100;

/// A model in the API's answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelAnswer {
    /// `owner/name`.
    pub id: String,
    /// The commit.
    #[serde(default)]
    pub sha: Option<String>,
    #[serde(default, deserialize_with = "unless_null")]
    pub siblings: Vec<Sibling>,
    /// `false`, `"auto"` or `"manual"`.
    #[serde(default)]
    gated: Value,
    /// The header of the model's card, as its authors wrote it.
    #[serde(default)]
    card_data: Value,
    #[serde(default, deserialize_with = "unless_null")]
    pub tags: Vec<String>,
    /// Parts of `config.json`.
    #[serde(default)]
    config: Value,
    /// Downloads in the last 30 days.
    #[serde(default)]
    pub downloads: Option<u64>,
    #[serde(default)]
    safetensors: Option<SafetensorsAnswer>,
}

/// A file of the repository.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sibling {
    #[serde(rename = "rfilename")]
    pub path: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    blob_id: Option<String>,
    #[serde(default)]
    lfs: Option<LfsAnswer>,
}

#[derive(Clone, Debug, Deserialize)]
struct LfsAnswer {
    sha256: String,
    size: u64,
}

/// What the Hub read from the headers of safetensors files.
#[derive(Clone, Debug, Deserialize)]
struct SafetensorsAnswer {
    /// Numbers of each type.
    #[serde(default)]
    parameters: BTreeMap<String, u64>,
}

fn unless_null<'a, D: Deserializer<'a>, T: Deserialize<'a> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl ModelAnswer {
    pub fn has_file(&self, path: &str) -> bool {
        self.siblings.iter().any(|file| file.path == path)
    }

    pub fn file(&self, path: &str) -> Option<&Sibling> {
        self.siblings.iter().find(|file| file.path == path)
    }

    /// `model_type` of `config.json`.
    pub fn architecture(&self) -> Option<&str> {
        self.config.get("model_type")?.as_str().filter(|name| is_plain(name))
    }

    pub fn has_quantization(&self) -> bool {
        self.config.get("quantization_config").is_some_and(|value| !value.is_null())
    }

    pub fn is_gated(&self) -> bool {
        self.gated.as_str().is_some() || self.gated == Value::Bool(true)
    }

    /// The licence of the model's card, or of its tags, which the Hub derives from that.
    pub fn licence(&self) -> Option<String> {
        let card = first_text(self.card_data.get("license"));
        let named = first_text(self.card_data.get("license_name"));
        let tag = self.tags.iter().find_map(|tag| tag.strip_prefix("license:")).filter(|tag| is_plain(tag));
        match card.or(tag.map(str::to_owned))? {
            other if other == "other" => Some(named.unwrap_or(other)),
            licence => Some(licence),
        }
    }

    /// The model that this one was made from.
    pub fn base_model(&self) -> Option<String> {
        first_text(self.card_data.get("base_model"))
    }

    /// Numbers in the weights, if they are in safetensors files.
    pub fn parameters(&self) -> Option<u64> {
        let counts = &self.safetensors.as_ref()?.parameters;
        (!counts.is_empty()).then(|| counts.values().sum())
    }

    /// Bytes of the weights, if they are in safetensors files.
    pub fn weight_bytes(&self) -> Option<u64> {
        let counts = &self.safetensors.as_ref()?.parameters;
        let bytes = counts.iter().map(|(kind, count)| count.checked_mul(bytes_of_type(kind)?));
        bytes.sum::<Option<u64>>().filter(|_| !counts.is_empty())
    }
}

impl Sibling {
    /// The file with its size and the hash that the Hub states: SHA-256 of a large one, git's of any other.
    pub fn described(&self) -> ModelFile {
        let lfs = self.lfs.as_ref();
        ModelFile {
            path: self.path.clone(),
            bytes: lfs.map(|lfs| lfs.size).or(self.size),
            sha256: lfs.map(|lfs| lfs.sha256.to_ascii_lowercase()),
            git_sha1: if lfs.is_some() { None } else { self.blob_id.as_ref().map(|blob| blob.to_ascii_lowercase()) },
        }
    }
}

/// Bytes of a number of this type, as safetensors names it.
fn bytes_of_type(kind: &str) -> Option<u64> {
    Some(match kind {
        "F64" | "I64" | "U64" => 8,
        "F32" | "I32" | "U32" => 4,
        "F16" | "BF16" | "I16" | "U16" => 2,
        "I8" | "U8" | "BOOL" => 1,
        kind if kind.starts_with("F8_") => 1,
        _ => return None,
    })
}

/// A text, or the first of several.
fn first_text(value: Option<&Value>) -> Option<String> {
    let value = value?;
    let text = value.as_str().or_else(|| value.as_array()?.first()?.as_str())?.trim();
    is_plain(text).then(|| text.to_owned())
}

/// Whether a text that anybody may have written is a short name, fit for a terminal and for the header of a model card.
fn is_plain(text: &str) -> bool {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "-_./+ ".contains(letter);
    !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(is_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str) -> ModelAnswer {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn everything_but_the_name_may_be_missing() {
        let bare = answer(r#"{"id": "a/b", "siblings": null, "tags": null, "config": null, "cardData": null}"#);
        assert_eq!(
            (bare.architecture(), bare.licence(), bare.parameters(), bare.weight_bytes()),
            (None, None, None, None)
        );
        assert!(!bare.is_gated() && !bare.has_file("config.json") && !bare.has_quantization());
    }

    #[test]
    fn licence_and_gate_are_read_from_all_their_forms() {
        assert_eq!(answer(r#"{"id": "a", "cardData": {"license": ["mit", "x"]}}"#).licence().as_deref(), Some("mit"));
        assert_eq!(answer(r#"{"id": "a", "tags": ["en", "license:cc0-1.0"]}"#).licence().as_deref(), Some("cc0-1.0"));
        let own = answer(r#"{"id": "a", "gated": "manual", "cardData": {"license": "other", "license_name": "own"}}"#);
        assert_eq!((own.licence().as_deref(), own.is_gated()), (Some("own"), true));
        assert!(!answer(r#"{"id": "a", "gated": false}"#).is_gated());
    }

    #[test]
    fn what_is_no_name_is_not_shown() {
        for text in [r"mit\nbase_model: x", r"\u001b[2J", "a: b", ""] {
            let json =
                format!(r#"{{"id": "a", "cardData": {{"license": "{text}"}}, "config": {{"model_type": "{text}"}}}}"#);
            let said = answer(&json);
            assert_eq!((said.licence(), said.architecture()), (None, None), "{text}");
        }
    }

    #[test]
    fn sizes_follow_from_the_types_of_the_weights() {
        let known = answer(r#"{"id": "a", "safetensors": {"parameters": {"F32": 10, "F16": 4}, "total": 14}}"#);
        assert_eq!((known.parameters(), known.weight_bytes()), (Some(14), Some(48)));
        let unknown = answer(r#"{"id": "a", "safetensors": {"parameters": {"Q4": 10}}}"#);
        assert_eq!((unknown.parameters(), unknown.weight_bytes()), (Some(10), None));
    }
}
