//! Fingerprints of files, of rows, of the data and of the split.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::data::Example;
use crate::progress::Control;

/// SHA-256 of a row's original text and label, as they are in the file: 64 lower-case hexadecimal digits.
#[must_use]
pub fn content_hash(text: &str, label: &str) -> String {
    let mut hasher = Sha256::new();
    add(&mut hasher, text);
    add(&mut hasher, label);
    hexadecimal(&hasher.finalize())
}

/// SHA-256 of a file; `None` when cancelled.
///
/// # Errors
/// Errors of the file system.
pub fn file_sha256(path: &Path, control: Option<&Control>) -> io::Result<Option<String>> {
    hash_of(File::open(path)?, Sha256::new(), control)
}

/// SHA-1 that git has for a file as a blob: of its kind and length, and then of its bytes. `None` when cancelled. It is what
/// the Hugging Face Hub states for files that are not large.
///
/// # Errors
/// Errors of the file system.
pub fn file_git_sha1(path: &Path, control: Option<&Control>) -> io::Result<Option<String>> {
    let file = File::open(path)?;
    let hasher = blob_hasher(file.metadata()?.len());
    hash_of(file, hasher, control)
}

/// [`file_git_sha1`] of bytes.
#[must_use]
pub fn git_sha1(bytes: &[u8]) -> String {
    hexadecimal(&blob_hasher(bytes.len() as u64).chain_update(bytes).finalize())
}

fn blob_hasher(bytes: u64) -> Sha1 {
    Sha1::new_with_prefix(format!("blob {bytes}\0"))
}

fn hash_of(mut file: File, mut hasher: impl Digest, control: Option<&Control>) -> io::Result<Option<String>> {
    let mut piece = vec![0; 1 << 20];
    loop {
        if control.is_some_and(Control::is_cancelled) {
            return Ok(None);
        }
        match file.read(&mut piece)? {
            0 => return Ok(Some(hexadecimal(&hasher.finalize()))),
            length => hasher.update(&piece[..length]),
        }
    }
}

/// SHA-256 over the (id, cleaned text, label name) of every example, in order.
pub(in crate::data) fn data_hash(examples: &[Example], labels: &[String]) -> String {
    let mut hasher = Sha256::new();
    for example in examples {
        add(&mut hasher, &example.id.to_string());
        add(&mut hasher, &example.text);
        add(&mut hasher, example.class().and_then(|class| labels.get(class as usize)).map_or("", String::as_str));
    }
    hexadecimal(&hasher.finalize())
}

/// The first 128 bits of the SHA-256 of a text.
pub(in crate::data) fn text_hash(text: &str) -> u128 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(16).fold(0, |hash, &byte| hash << 8 | u128::from(byte))
}

/// SHA-256 over the (id, side) of every example, in order.
pub(in crate::data) fn split_hash(examples: &[Example]) -> String {
    let mut hasher = Sha256::new();
    for example in examples {
        add(&mut hasher, &example.id.to_string());
        add(&mut hasher, example.side.name());
    }
    hexadecimal(&hasher.finalize())
}

/// The length goes first, so that ("ab", "c") and ("a", "bc") differ.
fn add(hasher: &mut Sha256, part: &str) {
    hasher.update((part.len() as u64).to_le_bytes());
    hasher.update(part.as_bytes());
}

pub(in crate::data) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_file_is_that_of_its_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let control = Control::default();
        assert_eq!(file_sha256(file.path(), Some(&control)).unwrap().as_deref(), Some(known));
        // printf abc | git hash-object --stdin
        let blob = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
        assert_eq!(file_git_sha1(file.path(), Some(&control)).unwrap().as_deref(), Some(blob));
        assert_eq!(git_sha1(b"abc"), blob);
        control.cancel();
        assert_eq!(file_sha256(file.path(), Some(&control)).unwrap(), None);
    }

    #[test]
    fn content_hash_distinguishes_text_and_label() {
        assert_ne!(content_hash("ab", "c"), content_hash("a", "bc"));
        assert_eq!(content_hash("a", "b"), content_hash("a", "b"));
        assert_eq!(content_hash("", "").len(), 64);
    }
}
