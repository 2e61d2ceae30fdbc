//! What is kept from one job for the next.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use crate::data::{LanguageSample, Prepared, TextTokenizer, TextsKey, TokenLengths};
use crate::predictor::Predictor;
use crate::worker::SharedData;

/// What is kept from one job for the next.
#[derive(Default)]
pub(super) struct Cache {
    pub data: SharedData,
    pub model: CachedModel,
    pub untrained: CachedUntrained,
    pub lengths: CachedLengths,
    pub languages: CachedLanguages,
    /// The tokenizer read last, and the model's folder.
    pub tokenizer: Option<(PathBuf, Arc<TextTokenizer>)>,
}

/// Token lengths of the last texts looked at, and the model they are of: other labels, other settings and rows left out
/// change none of them.
#[derive(Default)]
pub(super) struct CachedLengths(pub Option<(TextsKey, PathBuf, Arc<TokenLengths>)>);

impl CachedLengths {
    /// Those of these texts, if all of them are among the texts kept.
    pub fn of(&self, key: &TextsKey, model: &Path) -> Option<Arc<TokenLengths>> {
        let (texts, _, lengths) = self.0.as_ref().filter(|(_, of, _)| of == model)?;
        if texts == key {
            return Some(Arc::clone(lengths));
        }
        let places = key.places_among(texts)?;
        let tokens = places.into_iter().map(|place| lengths.tokens[place as usize]).collect();
        Some(Arc::new(TokenLengths { tokens, ..**lengths }))
    }
}

/// The guessed languages of the last rows looked at.
#[derive(Default)]
pub(super) struct CachedLanguages(pub Option<(Weak<Prepared>, Arc<LanguageSample>)>);

/// The model before training that was loaded last, for the next text typed; `None` for one without a head.
#[derive(Default)]
pub(super) struct CachedUntrained(pub Option<(PathBuf, Option<Arc<Predictor>>)>);

/// The last model loaded, for the next text typed.
#[derive(Default)]
pub(super) struct CachedModel(pub Option<(PathBuf, Option<SystemTime>, Arc<Predictor>)>);

impl CachedModel {
    /// Lets go of its memory.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}
