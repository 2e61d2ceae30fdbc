//! What is kept from one job for the next.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use crate::data::{LanguageSample, Prepared, TextTokenizer, TextsKey, TokenLengths};
use crate::fetch::FetchSettings;
use crate::predictor::Predictor;
use crate::worker::SharedData;

/// What jobs keep for the next ones.
#[derive(Default)]
pub(super) struct Cache {
    pub data: SharedData,
    /// See [`crate::worker::WorkerOptions::models`].
    pub models: Option<FetchSettings>,
    pub model: CachedModel,
    pub untrained: CachedUntrained,
    pub lengths: CachedLengths,
    pub languages: CachedLanguages,
    /// The tokenizer loaded last, and its model's folder.
    pub tokenizer: Option<(PathBuf, Arc<TextTokenizer>)>,
}

/// The token lengths of the texts counted last, and the model whose tokenizer counted them. They stay valid when labels
/// or settings change, or rows are left out.
#[derive(Default)]
pub(super) struct CachedLengths(pub Option<(TextsKey, PathBuf, Arc<TokenLengths>)>);

impl CachedLengths {
    /// The lengths of these texts, if all of them are among the texts kept.
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

/// The guessed languages of the rows that were checked last.
#[derive(Default)]
pub(super) struct CachedLanguages(pub Option<(Weak<Prepared>, Arc<LanguageSample>)>);

/// The pre-trained model that was loaded last, kept for the next text; `None` if it has no head.
#[derive(Default)]
pub(super) struct CachedUntrained(pub Option<(PathBuf, Option<Arc<Predictor>>)>);

/// The model loaded last, kept for the next text.
#[derive(Default)]
pub(super) struct CachedModel(pub Option<(PathBuf, Option<SystemTime>, Arc<Predictor>)>);

impl CachedModel {
    /// Lets go of its memory.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}
