//! Any model of the Hugging Face Hub: searched for by words, or looked up by name and pinned to its commit, with the size and
//! the hash of every file that Hone needs.
//!
//! The questions are those of `HfApi.list_models` and `HfApi.model_info` in `huggingface_hub`.

use std::cmp::Reverse;
use std::fmt::Write;
use std::path::Path;

use crate::data::git_sha1;
use crate::fetch::file_hash::is_hex;
use crate::fetch::hub_answer::{ModelAnswer, Sibling};
use crate::fetch::hub_api::HubApi;
use crate::fetch::hub_error::HubError;
use crate::fetch::hub_files::{Weights, small_files, weights_of};
use crate::fetch::hub_name::HubName;
use crate::fetch::untrainable::{self, Untrainable};
use crate::fetch::{FetchSettings, hub_cache};
use crate::models::{CONFIG_FILE, ModelConfig, ModelError, parts_of_index};
use crate::progress::{Progress, Watch};
use crate::project::{HubModel, ModelFile};

/// Models that a search shows.
const MOST_FOUND: usize = 20;
/// Longest text to search for, in characters.
const LONGEST_SEARCH: usize = 200;
/// What a search asks about each model.
const ASKED: [&str; 7] = ["config", "downloads", "gated", "cardData", "tags", "siblings", "safetensors"];

/// A model as a search shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubListing {
    /// Its name.
    pub name: HubName,
    /// `model_type` of its `config.json`, if the Hub says it.
    pub architecture: Option<String>,
    /// Numbers in its weights, if the Hub knows.
    pub parameters: Option<u64>,
    /// About how many bytes a download has, if the Hub knows.
    pub bytes: Option<u64>,
    /// The licence that its card names.
    pub licence: Option<String>,
    /// Downloads in the last 30 days.
    pub downloads: Option<u64>,
    /// Whether its authors ask people to accept their terms first.
    pub gated: bool,
    /// Why Hone cannot train it, as far as the Hub tells.
    pub untrainable: Option<Untrainable>,
}

/// Models with these words in their names: those that Hone can train first, and the most downloaded first among them. The
/// address or the full name of a model finds that one.
///
/// # Errors
/// See [`HubError`].
pub fn search(words: &str, settings: &FetchSettings, watch: &mut Watch<'_>) -> Result<Vec<HubListing>, HubError> {
    let words: String = words.trim().chars().take(LONGEST_SEARCH).collect();
    let api = HubApi::new(&settings.endpoints, watch.control)?;
    watch.progress(Progress::stage("Asking the Hugging Face Hub"));
    if words.contains('/') {
        let name = HubName::parse(&words)?;
        return Ok(vec![listing(&name, &info(&api, &name)?)]);
    }
    let asked = ASKED.map(|property| format!("&expand={property}")).concat();
    let question = format!("/models?search={}&sort=downloads&limit={MOST_FOUND}{asked}", encoded(&words));
    let answers: Vec<ModelAnswer> = api.ask(&question, None)?;
    // What cannot be a name cannot be looked up either.
    let named = answers.iter().filter_map(|answer| Some(listing(&HubName::parse(&answer.id).ok()?, answer)));
    let mut found: Vec<HubListing> = named.take(MOST_FOUND).collect();
    found.sort_by_key(|listing| (listing.untrainable.is_some(), Reverse(listing.downloads)));
    Ok(found)
}

/// A model that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedUp {
    /// The model, pinned.
    pub model: HubModel,
    /// Why the model is the one on this machine instead of what the Hub has now, in a sentence without a full stop.
    pub note: Option<String>,
}

/// Looks a model up: its commit, and the files that Hone needs, with their sizes and hashes. Reads its configuration, so that
/// a model that Hone cannot train is refused before anything large is downloaded.
///
/// If the Hub may not be asked, or does not answer, the model that its cache on this machine has is used.
///
/// # Errors
/// See [`HubError`].
pub fn look_up(name: &HubName, settings: &FetchSettings, watch: &mut Watch<'_>) -> Result<LookedUp, HubError> {
    let error = match ask(name, settings, watch) {
        Ok(model) => return Ok(LookedUp { model, note: None }),
        Err(error @ (HubError::Offline | HubError::Network(_) | HubError::RateLimited { .. })) => error,
        Err(other) => return Err(other),
    };
    let Some(model) = hub_cache::pin(name, &settings.folders, watch)? else { return Err(error) };
    let why = match error {
        HubError::Offline => "HF_HUB_OFFLINE is set",
        HubError::RateLimited { .. } => "The Hugging Face Hub refuses further requests for now",
        _ => "The Hugging Face Hub could not be reached",
    };
    let short = model.commit.get(..8).unwrap_or(&model.commit);
    let note = format!("{why}, so {name} is used as it is on this machine, at commit {short}");
    Ok(LookedUp { model, note: Some(note) })
}

fn ask(name: &HubName, settings: &FetchSettings, watch: &mut Watch<'_>) -> Result<HubModel, HubError> {
    let api = HubApi::new(&settings.endpoints, watch.control)?;
    watch.progress(Progress::stage("Asking the Hugging Face Hub"));
    let answer = info(&api, name)?;
    let name = current_name(name, &answer, &api)?;
    let untrainable = |why| HubError::Untrainable { repo: name.repo().to_owned(), why };
    untrainable::check(&answer).map_err(untrainable)?;
    let has_not = |what: &str| HubError::NotAHub { host: api.host(), reason: format!("it states no {what}") };
    let commit = answer.sha.clone().filter(|commit| is_commit(commit)).ok_or_else(|| has_not("commit"))?;
    let repository = Repository { api: &api, name: &name, commit: &commit, answer: &answer };
    let json = serde_json::from_slice(&repository.read(CONFIG_FILE)?)
        .map_err(|error| untrainable(Untrainable::Config(format!("its config.json is not valid JSON ({error})"))))?;
    let config = ModelConfig::from_json(json, Path::new(CONFIG_FILE)).map_err(|error| untrainable(refused(error)))?;
    Ok(HubModel {
        repo: name.repo().to_owned(),
        commit: commit.clone(),
        architecture: config.model_type.clone(),
        licence: answer.licence(),
        parameters: config.parameters_without_head(),
        files: repository.needed_files()?,
    })
}

fn info(api: &HubApi<'_>, name: &HubName) -> Result<ModelAnswer, HubError> {
    let (repo, revision) = (name.repo(), name.revision().replace('/', "%2F"));
    api.ask(&format!("/models/{repo}/revision/{revision}?blobs=true"), Some(name))
}

/// The name that the Hub has for the model: it may have been renamed, or given an owner.
fn current_name(name: &HubName, answer: &ModelAnswer, api: &HubApi<'_>) -> Result<HubName, HubError> {
    let current = HubName::parse(&answer.id)
        .map_err(|error| HubError::NotAHub { host: api.host(), reason: error.to_string() })?;
    Ok(name.renamed(current.repo()))
}

fn listing(name: &HubName, answer: &ModelAnswer) -> HubListing {
    let sizes = match weights_of(|file| answer.has_file(file)) {
        Some(Weights::File(file)) => answer.file(file).and_then(|file| file.described().bytes),
        _ => None,
    };
    let repo = HubName::parse(&answer.id).map_or_else(|_| name.repo().to_owned(), |name| name.repo().to_owned());
    HubListing {
        name: name.renamed(&repo),
        architecture: answer.architecture().map(str::to_owned),
        parameters: answer.parameters(),
        bytes: sizes.or_else(|| answer.weight_bytes()),
        licence: answer.licence(),
        downloads: answer.downloads,
        gated: answer.is_gated(),
        untrainable: untrainable::check(answer).err(),
    }
}

/// A model at a commit.
struct Repository<'a> {
    api: &'a HubApi<'a>,
    name: &'a HubName,
    commit: &'a str,
    answer: &'a ModelAnswer,
}

impl Repository<'_> {
    /// A small file, compared with the hash that the Hub states.
    fn read(&self, path: &str) -> Result<Vec<u8>, HubError> {
        let bytes = self.api.file(self.name, self.commit, path)?;
        let stated = self.described(path)?;
        // A large file is kept elsewhere; it is compared when it is downloaded.
        match &stated.git_sha1 {
            Some(expected) if git_sha1(&bytes) != *expected => Err(HubError::NotAHub {
                host: self.api.host(),
                reason: format!("what it sends as {path} does not have the hash that it states"),
            }),
            _ => Ok(bytes),
        }
    }

    /// The files that Hone needs.
    fn needed_files(&self) -> Result<Vec<ModelFile>, HubError> {
        let has = |file: &str| self.answer.has_file(file);
        let mut paths: Vec<String> = small_files(has).map(str::to_owned).collect();
        match weights_of(has) {
            Some(Weights::File(file)) => paths.push(file.to_owned()),
            Some(Weights::Index(index)) => {
                let parts = parts_of_index(&self.read(&index)?).map_err(|reason| HubError::Untrainable {
                    repo: self.name.repo().to_owned(),
                    why: Untrainable::Config(format!("{index} is damaged: {reason}")),
                })?;
                paths.push(index);
                paths.extend(parts);
            }
            None => {}
        }
        paths.iter().map(|path| self.described(path)).collect()
    }

    /// A file with its size and its hash, both of which the Hub must state.
    fn described(&self, path: &str) -> Result<ModelFile, HubError> {
        let wrong = |reason: String| HubError::NotAHub { host: self.api.host(), reason };
        let file = self
            .answer
            .file(path)
            .ok_or_else(|| wrong(format!("the model's index names {path}, which it does not have")))?;
        let described = Sibling::described(file);
        let is_hash = |hash: &Option<String>, digits| hash.as_ref().is_some_and(|hash| is_hex(hash, digits));
        let has_hash = is_hash(&described.sha256, 64) || is_hash(&described.git_sha1, 40);
        if described.bytes.is_none() || !has_hash {
            return Err(wrong(format!("it states no size and hash of {path}")));
        }
        Ok(described)
    }
}

/// Why a configuration was refused, without the path of a file that is not there.
fn refused(error: ModelError) -> Untrainable {
    match error {
        ModelError::UnsupportedArchitecture { model_type, .. } => Untrainable::Architecture(model_type),
        ModelError::Config { reason, .. } if reason.starts_with("quantization_config") => Untrainable::Quantised,
        ModelError::Config { reason, .. } => Untrainable::Config(format!("its config.json cannot be used: {reason}")),
        other => Untrainable::Config(other.to_string()),
    }
}

fn is_commit(text: &str) -> bool {
    is_hex(text, 40)
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_encoded_for_an_address() {
        assert_eq!(encoded("bert-base ü&x=1"), "bert-base%20%C3%BC%26x%3D1");
    }
}
