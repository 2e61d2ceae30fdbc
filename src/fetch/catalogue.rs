//! The models Hone offers: their names and sizes, their sources, and the hashes of their files.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::fetch::suggestions::{Languages, ModelGroup, SuggestedModel};
use crate::project::ModelFile;

/// Why a catalogue cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogueError {
    /// The text is not a catalogue.
    #[error("the model catalogue cannot be read: {0}")]
    Syntax(String),
    /// Two entries have the same id.
    #[error("the model catalogue names \"{0}\" twice")]
    TwiceNamed(String),
}

/// All models on offer, in display order.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Vec<CatalogueEntry>,
    suggested: Vec<SuggestedModel>,
}

/// A model that the catalogue offers.
#[derive(Clone, Copy, Debug)]
pub enum Offer<'a> {
    /// Its files are known.
    Pinned(&'a CatalogueEntry),
    /// Its files are looked up when it is chosen.
    Suggested(&'a SuggestedModel),
}

/// One pre-trained model: of the catalogue, or described like one of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CatalogueEntry {
    /// Short name used in projects and in the terminal.
    pub id: String,
    /// Display name.
    pub name: String,
    /// `model_type` of its `config.json`.
    pub architecture: String,
    /// Parameters of the encoder, without a classification head.
    pub parameters: u64,
    /// SPDX name of the licence of the weights.
    pub licence: String,
    /// ISO 639-3 code of the language of its training texts, if they are in one.
    #[serde(default)]
    pub language: Option<String>,
    /// Most tokens it reads of a text, if known.
    #[serde(default)]
    pub longest: Option<u64>,
    /// What it is good for, in a word.
    #[serde(default)]
    pub group: ModelGroup,
    /// One sentence: what it is good for.
    pub description: String,
    /// The files a model folder must have.
    pub files: Vec<ModelFile>,
    /// Where to download the files, tried in this order.
    pub sources: Vec<Source>,
    /// Whether every file must be that of the pinned commit, as a person chose it. Otherwise another commit with the same weights
    /// will do, if it is on this machine already.
    #[serde(skip)]
    pub exact: bool,
}

/// A place that has a model's files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Source {
    /// The Hugging Face Hub.
    Hub {
        /// `owner/name`.
        repo: String,
        /// Commit; `None` follows `main`, whose files may change.
        #[serde(default)]
        revision: Option<String>,
    },
    /// A Python package whose wheel carries the files.
    PythonPackage {
        /// Name of the package.
        name: String,
        /// Exact version.
        version: String,
        /// Folder of the files inside the wheel.
        folder: String,
        /// SHA-256 of the wheel, if known.
        #[serde(default)]
        sha256: Option<String>,
        /// Size of the wheel, if known.
        #[serde(default)]
        bytes: Option<u64>,
    },
}

impl Catalogue {
    /// The catalogue built into the program.
    ///
    /// # Errors
    /// If the built-in text is damaged, which a test rules out.
    pub fn bundled() -> Result<&'static Self, CatalogueError> {
        static BUNDLED: OnceLock<Result<Catalogue, CatalogueError>> = OnceLock::new();
        BUNDLED
            .get_or_init(|| {
                let known = Self::parse(include_str!("../../assets/catalogue.ron"))?;
                known.with_suggestions(include_str!("../../assets/suggested_models.ron"))
            })
            .as_ref()
            .map_err(CatalogueError::clone)
    }

    /// Reads a catalogue of models whose files are known.
    ///
    /// # Errors
    /// When the text is not RON of this shape, or names an id twice.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        Self { entries: read(text)?, suggested: Vec::new() }.checked()
    }

    /// The catalogue with suggested models.
    ///
    /// # Errors
    /// When the text is not RON of this shape, or names an id twice.
    pub fn with_suggestions(self, text: &str) -> Result<Self, CatalogueError> {
        Self { suggested: read(text)?, ..self }.checked()
    }

    fn checked(self) -> Result<Self, CatalogueError> {
        let ids: Vec<&str> = self.offered().map(Offer::id).collect();
        let twice = ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id));
        match twice {
            Some((_, id)) => Err(CatalogueError::TwiceNamed((*id).to_owned())),
            None => Ok(self),
        }
    }

    /// The models whose files are known, in display order.
    #[must_use]
    pub fn entries(&self) -> &[CatalogueEntry] {
        &self.entries
    }

    /// The model with this id, if its files are known.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&CatalogueEntry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The suggested models, in display order.
    #[must_use]
    pub fn suggested(&self) -> &[SuggestedModel] {
        &self.suggested
    }

    /// The suggested model with this id.
    #[must_use]
    pub fn suggestion(&self, id: &str) -> Option<&SuggestedModel> {
        self.suggested.iter().find(|model| model.id == id)
    }

    /// The suggested model with this name on the Hub.
    #[must_use]
    pub fn suggestion_of(&self, repo: &str) -> Option<&SuggestedModel> {
        self.suggested.iter().find(|model| model.repo.eq_ignore_ascii_case(repo))
    }

    /// All models of a group, in display order.
    pub fn offers(&self, group: ModelGroup) -> impl Iterator<Item = Offer<'_>> {
        self.offered().filter(move |offer| offer.group() == group)
    }

    fn offered(&self) -> impl Iterator<Item = Offer<'_>> {
        self.entries.iter().map(Offer::Pinned).chain(self.suggested.iter().map(Offer::Suggested))
    }

    /// The ids of all models, in display order, for messages.
    #[must_use]
    pub fn known_ids(&self) -> String {
        let ids = ModelGroup::ALL.into_iter().flat_map(|group| self.offers(group)).map(Offer::id);
        ids.collect::<Vec<_>>().join(", ")
    }
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<Vec<T>, CatalogueError> {
    ron::from_str(text).map_err(|error| CatalogueError::Syntax(error.to_string()))
}

impl<'a> Offer<'a> {
    /// Its id.
    #[must_use]
    pub fn id(self) -> &'a str {
        match self {
            Self::Pinned(entry) => &entry.id,
            Self::Suggested(model) => &model.id,
        }
    }

    /// Its group.
    #[must_use]
    pub fn group(self) -> ModelGroup {
        match self {
            Self::Pinned(entry) => entry.group,
            Self::Suggested(model) => model.group,
        }
    }

    /// The languages of its training texts, if known.
    #[must_use]
    pub fn languages(self) -> Option<Languages> {
        match self {
            Self::Pinned(entry) => entry.language.clone().map(Languages::Only),
            Self::Suggested(model) => Some(model.languages.clone()),
        }
    }
}

impl CatalogueEntry {
    /// Bytes of all files; `None` if the size of one is not known.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl Source {
    /// The source in words, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Hub { repo, revision: Some(revision) } => {
                format!("Hugging Face Hub, {repo} at {}", revision.get(..8).unwrap_or(revision))
            }
            Self::Hub { repo, revision: None } => format!("Hugging Face Hub, {repo} (not pinned)"),
            Self::PythonPackage { name, version, .. } => format!("Python package {name} {version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_catalogue_is_valid() {
        let catalogue = Catalogue::bundled().unwrap();
        assert!(catalogue.get("minilm-l6").is_some());
        for entry in catalogue.entries() {
            assert!(!entry.sources.is_empty(), "{} has no source", entry.id);
            for needed in ["config.json", "model.safetensors", "tokenizer.json"] {
                assert!(entry.files.iter().any(|file| file.path == needed), "{} lacks {needed}", entry.id);
            }
            for hash in entry.files.iter().filter_map(|file| file.sha256.as_deref()) {
                let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                assert!(is_hash, "{}: {hash} is no SHA-256", entry.id);
            }
        }
    }

    #[test]
    fn every_file_that_is_downloaded_has_a_size_and_a_hash() {
        for entry in Catalogue::bundled().unwrap().entries() {
            for file in &entry.files {
                assert!(file.bytes.is_some() && file.sha256.is_some(), "{} of {}", file.path, entry.id);
            }
            let is_pinned = |source: &Source| match source {
                Source::Hub { revision, .. } => revision.is_some(),
                Source::PythonPackage { sha256, bytes, .. } => sha256.is_some() && bytes.is_some(),
            };
            assert!(entry.sources.iter().all(is_pinned), "{}", entry.id);
        }
        let default = Catalogue::bundled().unwrap().get("minilm-l6").unwrap();
        assert_eq!((default.bytes(), default.sources.len()), (Some(91_567_395), 2));
    }

    #[test]
    fn unknown_sizes_stay_unknown() {
        let mut entry = Catalogue::bundled().unwrap().entries()[0].clone();
        entry.files.iter_mut().for_each(|file| file.bytes = None);
        assert_eq!(entry.bytes(), None);
        let source = Source::Hub { repo: "a/b".to_owned(), revision: None };
        assert!(source.describe().ends_with("(not pinned)"));
    }

    #[test]
    fn a_damaged_catalogue_is_reported_with_its_line() {
        let error = Catalogue::parse("[(id: 1)]").unwrap_err().to_string();
        assert!(error.contains("1:"), "{error}");
    }

    #[test]
    fn a_repeated_id_is_refused() {
        let one = r#"(id: "a", name: "A", architecture: "bert", parameters: 3,
            licence: "MIT", description: "", files: [], sources: [])"#;
        let error = Catalogue::parse(&format!("[{one}, {one}]")).unwrap_err();
        assert!(matches!(error, CatalogueError::TwiceNamed(id) if id == "a"));
    }
}
