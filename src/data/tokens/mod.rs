//! Turns texts into token ids with the model's own tokenizer.

pub mod batch;
pub mod documents;
pub mod from_parts;
pub mod gguf_vocabulary;
mod growth;
pub mod kinds;
pub mod masking;
pub mod new_words;
pub mod plan;
pub mod word_cache;

use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use tokenizers::{ModelWrapper, PostProcessor, Tokenizer, TruncationDirection};

use crate::data::tokens::from_parts::{bad, read};
use crate::data::tokens::word_cache::WordCache;
use crate::data::{DataError, read_model_text, table::hashing};

/// The tokenizer of a model folder.
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    /// Cache of tokenised words, if the tokenizer works word by word.
    words: Option<WordCache>,
    /// Special tokens added to every text.
    special: usize,
    /// SHA-256 of the files it was loaded from.
    fingerprint: String,
    /// Highest id of a token.
    highest_id: u32,
    /// The token that ends a text, if the folder names one.
    end: Option<u32>,
}

/// Ids of tokens, at most: tables have a row for each id.
const MOST_IDS: u32 = 1 << 24;

impl TextTokenizer {
    /// Texts to tokenise at a time, between two checks of the cancel switch.
    pub const TEXTS_PER_LOOK: usize = 2048;

    /// Loads `tokenizer.json`; if there is none, builds BERT's tokenizer from `vocab.txt`, or a byte-level BPE from
    /// `vocab.json` and `merges.txt`.
    ///
    /// Padding and truncation settings in the file are ignored: batches are packed, and the run sets the max length.
    ///
    /// # Errors
    /// [`DataError::NoTokenizer`] when the folder has none of these files, [`DataError::OnlySentencePiece`] when its
    /// vocabulary must be converted first, [`DataError::BadTokenizer`] when it is damaged.
    pub fn load(folder: &Path) -> Result<Self, DataError> {
        let whole = folder.join("tokenizer.json");
        let mut tokenizer = if let Some(json) = read(folder, "tokenizer.json")? {
            growth::check(&json).map_err(|reason| DataError::BadTokenizer { path: whole.clone(), reason })?;
            Tokenizer::from_bytes(json).map_err(|error| bad(&whole, &*error))?
        } else {
            from_parts::tokenizer(folder)?
        };
        tokenizer.with_truncation(None).map_err(|error| bad(&whole, &*error))?;
        tokenizer.with_padding(None);
        let highest_id = tokenizer.get_vocab(true).into_values().max().unwrap_or_default();
        if highest_id >= MOST_IDS {
            let reason = format!("it has a token with the id {highest_id}; the highest can be {}", MOST_IDS - 1);
            return Err(DataError::BadTokenizer { path: whole, reason });
        }
        let special = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        let mut hasher = Sha256::new();
        for name in ["tokenizer.json", "vocab.txt", "tokenizer_config.json", "vocab.json", "merges.txt"] {
            // Missing files make no difference, nor do unreadable ones: they were not needed.
            hasher.update(read_model_text(folder, name).unwrap_or_default());
            hasher.update([0]);
        }
        let words = WordCache::of(&tokenizer);
        let end = end_of_text(folder, &tokenizer);
        let fingerprint = hashing::hexadecimal(&hasher.finalize());
        Ok(Self { tokenizer, words, special, fingerprint, highest_id, end })
    }

    /// Token ids of each text, special tokens included, in the order given and in parallel on the current rayon pool.
    ///
    /// A text over `max_length` tokens loses its end, but keeps the final special token. Nothing is padded.
    ///
    /// # Errors
    /// [`DataError::MaxLengthTooSmall`] when no token of the text would be left, [`DataError::Tokenise`] when the
    /// tokenizer refuses a text.
    pub fn encode_batch(&self, texts: &[&str], max_length: usize) -> Result<Vec<Vec<u32>>, DataError> {
        if max_length <= self.special {
            return Err(DataError::MaxLengthTooSmall { max_length, special: self.special });
        }
        texts.par_iter().enumerate().map(|(index, text)| self.encode(index, text, max_length)).collect()
    }

    fn encode(&self, index: usize, text: &str, max_length: usize) -> Result<Vec<u32>, DataError> {
        let refused = |error: tokenizers::Error| DataError::Tokenise { index: index + 1, reason: error.to_string() };
        if let Some(words) = &self.words {
            return words.encode(&self.tokenizer, text, max_length - self.special).map_err(refused);
        }
        let mut encoding = self.tokenizer.encode_fast(text, false).map_err(refused)?;
        encoding.truncate(max_length - self.special, 0, TruncationDirection::Right);
        let encoding = self.tokenizer.post_process(encoding, None, true).map_err(refused)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Number of tokens of each text before truncation, special tokens included, for histograms and to count truncated
    /// texts.
    ///
    /// # Errors
    /// [`DataError::Tokenise`] when the tokenizer refuses a text.
    pub fn token_lengths(&self, texts: &[&str]) -> Result<Vec<usize>, DataError> {
        let length = |(index, &text): (usize, &&str)| {
            let refused =
                |error: tokenizers::Error| DataError::Tokenise { index: index + 1, reason: error.to_string() };
            let own = match &self.words {
                Some(words) => words.count(&self.tokenizer, text),
                None => self.tokenizer.encode_fast(text, false).map(|encoding| encoding.len()),
            };
            Ok(own.map_err(refused)? + self.special)
        };
        texts.par_iter().enumerate().map(length).collect()
    }

    /// Number of tokens of one text before truncation, special tokens included.
    ///
    /// # Errors
    /// [`DataError::Tokenise`] when the tokenizer refuses the text.
    pub fn token_count(&self, text: &str) -> Result<usize, DataError> {
        Ok(self.token_lengths(&[text])?[0])
    }

    /// Number of tokens in the vocabulary, added ones included.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The highest id of a token.
    #[must_use]
    pub fn highest_id(&self) -> u32 {
        self.highest_id
    }

    /// The token with this id.
    #[must_use]
    pub fn token(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    /// The id of a token.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// Whether words can be added to its vocabulary.
    #[must_use]
    pub fn can_grow(&self) -> bool {
        matches!(self.tokenizer.get_model(), ModelWrapper::WordPiece(_))
    }

    /// The text of some tokens, without special ones. Bytes that are no character, such as the half of one that the last token
    /// begins, become the replacement character.
    ///
    /// # Errors
    /// [`DataError::Tokenise`] when the tokenizer refuses them.
    pub fn decode(&self, ids: &[u32]) -> Result<String, DataError> {
        let refused = |error: tokenizers::Error| DataError::Tokenise { index: 1, reason: error.to_string() };
        self.tokenizer.decode(ids, true).map_err(refused)
    }

    /// SHA-256 of its files: tokenizers with the same fingerprint give the same tokens for every text.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Special tokens added to every text.
    #[must_use]
    pub fn special_tokens(&self) -> usize {
        self.special
    }
}

/// The token that ends a text, as the folder's files name it: those of the tokenizer first, then the model's.
fn end_of_text(folder: &Path, tokenizer: &Tokenizer) -> Option<u32> {
    let json = |file: &str| serde_json::from_slice::<serde_json::Value>(&read_model_text(folder, file).ok()?).ok();
    let named = |file: &str| {
        let json = json(file)?;
        let token = json.get("eos_token")?;
        // Either the token, or an object with its properties.
        tokenizer.token_to_id(token.as_str().or_else(|| token.get("content")?.as_str())?)
    };
    let by_id = || {
        let json = json("config.json")?;
        let ids = json.get("eos_token_id")?;
        // Either one, or a list.
        let id = u32::try_from(ids.as_u64().or_else(|| ids.get(0)?.as_u64())?).ok()?;
        tokenizer.id_to_token(id).map(|_| id)
    };
    named("tokenizer_config.json").or_else(|| named("special_tokens_map.json")).or_else(by_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCABULARY: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\n##ly\nvery\n,\n";

    fn folder(vocabulary: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        crate::storage::write_atomic(&folder.path().join("vocab.txt"), |file| {
            std::io::Write::write_all(file, vocabulary.as_bytes())
        })
        .unwrap();
        folder
    }

    #[test]
    fn a_vocabulary_alone_is_enough() {
        let folder = folder(VOCABULARY);
        let tokenizer = TextTokenizer::load(folder.path()).unwrap();
        let ids = tokenizer.encode_batch(&["Very, badly good", "strange", ""], 16).unwrap();
        assert_eq!(ids, [vec![2, 8, 9, 6, 7, 5, 3], vec![2, 1, 3], vec![2, 3]]);
        assert_eq!(tokenizer.vocab_size(), 10);
        assert_eq!(tokenizer.token_count("Very, badly good").unwrap(), 7);
    }

    #[test]
    fn a_long_text_keeps_its_final_token() {
        let folder = folder(VOCABULARY);
        let tokenizer = TextTokenizer::load(folder.path()).unwrap();
        assert_eq!(tokenizer.encode_batch(&["good very bad good"], 4).unwrap(), [[2, 5, 8, 3]]);
        let error = tokenizer.encode_batch(&["good"], 2).unwrap_err();
        assert!(error.to_string().contains("Use at least 3"), "{error}");
    }

    #[test]
    fn errors_say_what_is_wrong_with_the_folder() {
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(TextTokenizer::load(empty.path()), Err(DataError::NoTokenizer(_))));
        let strange = folder("a\nb\n[UNK]\n");
        let error = TextTokenizer::load(strange.path()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("[SEP]"), "{error}");
        let damaged = folder(VOCABULARY);
        crate::storage::write_atomic(&damaged.path().join("tokenizer.json"), |file| {
            std::io::Write::write_all(file, b"{\"version\"")
        })
        .unwrap();
        assert!(matches!(TextTokenizer::load(damaged.path()), Err(DataError::BadTokenizer { .. })));
    }
}
