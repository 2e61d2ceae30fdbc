//! Tokens of texts, kept on disk by what the texts say: training again tokenises only what is new.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use sha2::{Digest, Sha256};

use super::write_atomic;

/// Folder within a project's.
const FOLDER: &str = "cache";
/// Longest cache read or written: tokenising costs less than what such a file takes.
const MOST_BYTES: u64 = 4 << 30;
/// Bytes of a key.
const KEY: usize = 16;

/// The first 128 bits of the SHA-256 of a text.
pub type TextKey = [u8; KEY];

/// Tokens by text, for one tokenizer and one longest length.
///
/// A safetensors file of three tensors: `keys`, `[texts, 16]` bytes in ascending order; `starts`, `[texts + 1]`; `ids`,
/// `[tokens]`, where text `i` owns `starts[i]..starts[i + 1]`.
#[derive(Debug)]
pub struct TokenCache {
    path: PathBuf,
    keys: Vec<TextKey>,
    starts: Vec<u64>,
    ids: Vec<u32>,
}

impl TokenCache {
    /// Reads the cache of a project's folder. One that is missing, damaged or too large is empty: it holds nothing that cannot
    /// be computed again.
    ///
    /// `tokenizer` is the fingerprint of the tokenizer, `vocabulary` the number of its tokens, `max_length` the most tokens
    /// of a text.
    #[must_use]
    pub fn open(folder: &Path, tokenizer: &str, vocabulary: usize, max_length: usize) -> Self {
        let name = format!("tokens-{}-{max_length}.safetensors", tokenizer.get(..16).unwrap_or(tokenizer));
        let path = folder.join(FOLDER).join(name);
        let empty = Self { path: path.clone(), keys: Vec::new(), starts: vec![0], ids: Vec::new() };
        if std::fs::metadata(&path).map_or(0, |file| file.len()) > MOST_BYTES {
            return empty;
        }
        let read = std::fs::read(&path).ok().and_then(|bytes| Self::parse(&path, &bytes));
        read.filter(|cache| cache.is_sound(vocabulary, max_length)).unwrap_or(empty)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Option<Self> {
        let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
        let tensors = SafeTensors::deserialize(bytes).ok()?;
        let data = |name| tensors.tensor(name).ok().map(|tensor| tensor.data().to_vec());
        let (keys, starts, ids) = (data("keys")?, data("starts")?, data("ids")?);
        let told = header.metadata().as_ref()?.get("sha256")?.clone();
        (told == checksum(&[&keys, &starts, &ids])).then(|| Self {
            path: path.to_owned(),
            keys: keys.as_chunks::<KEY>().0.to_vec(),
            starts: starts.as_chunks::<8>().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect(),
            ids: ids.as_chunks::<4>().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect(),
        })
    }

    /// Whether every text can be looked up, and every token is one of the vocabulary.
    fn is_sound(&self, vocabulary: usize, max_length: usize) -> bool {
        self.starts.len() == self.keys.len() + 1
            && self.starts.first() == Some(&0)
            && self.starts.last() == Some(&(self.ids.len() as u64))
            && self.starts.windows(2).all(|pair| pair[0] <= pair[1] && pair[1] - pair[0] <= max_length as u64)
            && self.keys.is_sorted()
            && self.ids.iter().all(|&id| (id as usize) < vocabulary)
    }

    /// The key of a text.
    #[must_use]
    pub fn key(text: &str) -> TextKey {
        let digest = Sha256::digest(text.as_bytes());
        let mut key = TextKey::default();
        key.copy_from_slice(&digest[..KEY]);
        key
    }

    /// Texts in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it holds no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The tokens of a text.
    #[must_use]
    pub fn get(&self, key: &TextKey) -> Option<&[u32]> {
        let place = self.keys.binary_search(key).ok()?;
        self.ids.get(self.starts[place] as usize..self.starts[place + 1] as usize)
    }

    /// Writes these texts, and no others, to disk. What would be too large is not written.
    ///
    /// # Errors
    /// When the disk refuses; what was there is untouched then.
    pub fn replace(&mut self, mut texts: Vec<(TextKey, &[u32])>) -> io::Result<()> {
        texts.sort_unstable_by_key(|(key, _)| *key);
        texts.dedup_by_key(|(key, _)| *key);
        let keys: Vec<TextKey> = texts.iter().map(|(key, _)| *key).collect();
        let ids: Vec<u32> = texts.iter().flat_map(|(_, ids)| *ids).copied().collect();
        let ends = texts.iter().scan(0, |end, (_, ids)| {
            *end += ids.len() as u64;
            Some(*end)
        });
        let starts: Vec<u64> = std::iter::once(0).chain(ends).collect();
        if (keys.len() * (KEY + 8) + 4 * ids.len()) as u64 > MOST_BYTES {
            return Ok(());
        }
        let new = Self { path: self.path.clone(), keys, starts, ids };
        new.write()?;
        *self = new;
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let keys = self.keys.as_flattened();
        let starts: Vec<u8> = self.starts.iter().flat_map(|start| start.to_le_bytes()).collect();
        let ids: Vec<u8> = self.ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let metadata = HashMap::from([("sha256".to_owned(), checksum(&[keys, &starts, &ids]))]);
        let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).map_err(io::Error::other);
        let tensors = [
            ("keys", view(Dtype::U8, vec![self.keys.len(), KEY], keys)?),
            ("starts", view(Dtype::U64, vec![self.starts.len()], &starts)?),
            ("ids", view(Dtype::U32, vec![self.ids.len()], &ids)?),
        ];
        let bytes = serialize(tensors, Some(metadata)).map_err(io::Error::other)?;
        write_atomic(&self.path, |writer| writer.write_all(&bytes))
    }
}

fn checksum(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENIZER: &str = "0123456789abcdef0123";

    fn open(folder: &Path) -> TokenCache {
        TokenCache::open(folder, TOKENIZER, 100, 8)
    }

    #[test]
    fn what_was_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = open(folder.path());
        assert!(cache.is_empty() && cache.get(&TokenCache::key("good")).is_none());
        let texts = [("good", &[1, 2, 3][..]), ("bad", &[1, 99][..]), ("good", &[1, 2, 3][..])];
        cache.replace(texts.map(|(text, ids)| (TokenCache::key(text), ids)).to_vec()).unwrap();
        let cache = open(folder.path());
        assert_eq!((cache.len(), cache.get(&TokenCache::key("good"))), (2, Some(&[1, 2, 3][..])));
        assert_eq!(cache.get(&TokenCache::key("bad")), Some(&[1, 99][..]));
        assert_eq!(cache.get(&TokenCache::key("")), None);
        assert!(TokenCache::open(folder.path(), TOKENIZER, 100, 9).is_empty(), "another length has other tokens");
        assert!(TokenCache::open(folder.path(), "other", 100, 8).is_empty());
    }

    #[test]
    fn what_is_damaged_or_of_another_vocabulary_counts_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).replace(vec![(TokenCache::key("good"), &[1, 99])]).unwrap();
        assert!(TokenCache::open(folder.path(), TOKENIZER, 99, 8).is_empty());
        let path = open(folder.path()).path;
        let whole = std::fs::read(&path).unwrap();
        for place in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x11;
            std::fs::write(&path, &bytes).unwrap();
            let cache = open(folder.path());
            assert!(cache.is_empty() || cache.get(&TokenCache::key("good")) == Some(&[1, 99]), "{place}");
        }
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(open(folder.path()).is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FOLDER), "a file in the way").unwrap();
        assert!(open(folder.path()).replace(vec![(TokenCache::key("good"), &[1])]).is_err());
    }
}
