//! Tokens of texts, cached on disk by content, so that the next run tokenises only new texts.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use crate::storage::write_atomic;

/// Folder within a project's.
pub(super) const FOLDER: &str = "cache";
/// Largest cache read or written. Tokenising is cheaper than reading a larger file.
const MOST_BYTES: u64 = 4 << 30;
/// Caches kept per project, because people try other models and lengths.
const MOST_FILES: usize = 2;
/// Bytes of a key.
const KEY: usize = 16;

/// The first 128 bits of the SHA-256 of a text.
pub type TextKey = [u8; KEY];

/// Tokens by text, for one tokenizer and one max length.
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
    /// Reads the cache of a project's folder. If it is missing, damaged or too large, it is empty and is computed
    /// again.
    ///
    /// `tokenizer` is the fingerprint of the tokenizer, `vocabulary` the number of its tokens, `max_length` the most
    /// tokens of a text.
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
        let data = |name| tensors.tensor(name).ok().map(|tensor| tensor.data());
        let (keys, starts, ids) = (data("keys")?, data("starts")?, data("ids")?);
        let told = header.metadata().as_ref()?.get("sha256")?;
        (*told == checksum(&[keys, starts, ids])).then(|| Self {
            path: path.to_owned(),
            keys: keys.as_chunks::<KEY>().0.to_vec(),
            starts: starts.as_chunks::<8>().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect(),
            ids: ids.as_chunks::<4>().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect(),
        })
    }

    /// Whether every text can be looked up, and every token is in the vocabulary.
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

    /// Number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has no texts.
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

    /// Replaces the cache on disk by these texts, unless it would be too large. Caches of other models and lengths are
    /// removed, except the newest.
    ///
    /// # Errors
    /// Errors of the file system. The old cache is then unchanged.
    pub fn replace(self, mut texts: Vec<(TextKey, &[u32])>) -> io::Result<()> {
        let Self { path, .. } = self; // frees the memory of the old cache
        texts.sort_unstable_by_key(|(key, _)| *key);
        texts.dedup_by_key(|(key, _)| *key);
        let tokens: usize = texts.iter().map(|(_, ids)| ids.len()).sum();
        let lengths = [texts.len() * KEY, (texts.len() + 1) * 8, tokens * 4];
        if lengths.iter().sum::<usize>() as u64 > MOST_BYTES {
            return Ok(());
        }
        let mut hasher = Sha256::new();
        each_piece(&texts, |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        let shapes = [vec![texts.len(), KEY], vec![texts.len() + 1], vec![tokens]];
        let header = header(&hexadecimal(&hasher.finalize()), lengths, &shapes);
        if let Some(folder) = path.parent() {
            exclude_from_version_control(folder)?;
        }
        write_atomic(&path, |writer| {
            writer.write_all(&(header.len() as u64).to_le_bytes())?;
            writer.write_all(header.as_bytes())?;
            each_piece(&texts, |piece| writer.write_all(piece))
        })?;
        remove_older(&path);
        Ok(())
    }
}

/// Creates a cache's folder: its content can be made again, and the texts in it are not shared with the project.
///
/// # Errors
/// When the disk refuses.
pub fn exclude_from_version_control(folder: &Path) -> io::Result<()> {
    let ignore = folder.join(".gitignore");
    if ignore.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    write_atomic(&ignore, |writer| writer.write_all(b"*\n"))
}

/// The header of a safetensors file of these tensors, padded to whole words.
fn header(sha256: &str, lengths: [usize; 3], shapes: &[Vec<usize>; 3]) -> String {
    let mut entries = serde_json::Map::new();
    entries.insert("__metadata__".to_owned(), serde_json::json!({ "sha256": sha256 }));
    let mut begin = 0;
    for (nth, (name, dtype)) in [("keys", "U8"), ("starts", "U64"), ("ids", "U32")].into_iter().enumerate() {
        let end = begin + lengths[nth];
        let entry = serde_json::json!({ "dtype": dtype, "shape": shapes[nth], "data_offsets": [begin, end] });
        entries.insert(name.to_owned(), entry);
        begin = end;
    }
    let mut header = serde_json::Value::Object(entries).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    header
}

/// Calls `take` with the bytes of all tensors in order, in pieces, without copying a whole tensor.
fn each_piece(texts: &[(TextKey, &[u32])], mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    for (key, _) in texts {
        take(key)?;
    }
    let mut start = 0_u64;
    take(&start.to_le_bytes())?;
    for (_, ids) in texts {
        start += ids.len() as u64;
        take(&start.to_le_bytes())?;
    }
    let mut piece = Vec::new();
    for (_, ids) in texts {
        piece.clear();
        piece.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
        take(&piece)?;
    }
    Ok(())
}

/// Removes all caches of a folder except `newest` and the one before it. One that cannot be removed now is removed
/// later.
fn remove_older(newest: &Path) {
    let Some(entries) = newest.parent().and_then(|folder| std::fs::read_dir(folder).ok()) else { return };
    let is_cache = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path != newest && name.starts_with("tokens-") && name.ends_with(".safetensors")
    };
    let mut others: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(is_cache)
        .filter_map(|path| Some((std::fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    others.sort_unstable();
    for (_, path) in others.iter().rev().skip(MOST_FILES - 1) {
        let _ = std::fs::remove_file(path);
    }
}

fn checksum(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hexadecimal(&hasher.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
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
    fn cached_texts_are_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path());
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
    fn a_damaged_cache_or_one_of_another_vocabulary_is_ignored() {
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
    fn the_two_newest_caches_are_kept_and_ignored_by_git() {
        let folder = tempfile::tempdir().unwrap();
        let opened = |length| TokenCache::open(folder.path(), TOKENIZER, 100, length);
        for (nth, length) in [8, 16, 32].into_iter().enumerate() {
            let path = opened(length).path;
            opened(length).replace(vec![(TokenCache::key("good"), &[1, 99])]).unwrap();
            // Some file systems store times in seconds.
            let when = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 * (nth as u64 + 1));
            std::fs::File::options().write(true).open(path).unwrap().set_modified(when).unwrap();
        }
        assert_eq!([8, 16, 32].map(|length| opened(length).len()), [0, 1, 1]);
        let ignored = std::fs::read_to_string(folder.path().join(FOLDER).join(".gitignore")).unwrap();
        assert_eq!(ignored, "*\n");
        opened(16).replace(Vec::new()).unwrap();
        assert_eq!([16, 32].map(|length| opened(length).len()), [0, 1], "written again, one has no other to push out");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FOLDER), "a file in the way").unwrap();
        assert!(open(folder.path()).replace(vec![(TokenCache::key("good"), &[1])]).is_err());
    }
}
