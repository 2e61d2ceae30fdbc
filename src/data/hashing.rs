//! Fingerprints of rows, of the data and of the split.

use sha2::{Digest, Sha256};

use super::{Example, Side};

/// SHA-256 of a row's original text and label, as they stand in the file: 64 lower-case hexadecimal digits.
#[must_use]
pub fn content_hash(text: &str, label: &str) -> String {
    let mut hasher = Sha256::new();
    add(&mut hasher, text);
    add(&mut hasher, label);
    hexadecimal(&hasher.finalize())
}

/// SHA-256 over the (id, cleaned text, label name) of every example, in order.
pub(super) fn data_hash(examples: &[Example], labels: &[String]) -> String {
    let mut hasher = Sha256::new();
    for example in examples {
        add(&mut hasher, &example.id.to_string());
        add(&mut hasher, &example.text);
        add(&mut hasher, labels.get(example.label as usize).map_or("", String::as_str));
    }
    hexadecimal(&hasher.finalize())
}

/// SHA-256 over the (id, side) of every example, in order.
pub(super) fn split_hash(examples: &[Example]) -> String {
    let mut hasher = Sha256::new();
    for example in examples {
        add(&mut hasher, &example.id.to_string());
        let side = match example.side {
            Side::Train => "train",
            Side::Validation => "validation",
            Side::Test => "test",
        };
        add(&mut hasher, side);
    }
    hexadecimal(&hasher.finalize())
}

/// The length goes first, so that ("ab", "c") and ("a", "bc") differ.
fn add(hasher: &mut Sha256, part: &str) {
    hasher.update((part.len() as u64).to_le_bytes());
    hasher.update(part.as_bytes());
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
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
    fn content_hash_tells_text_from_label() {
        assert_ne!(content_hash("ab", "c"), content_hash("a", "bc"));
        assert_eq!(content_hash("a", "b"), content_hash("a", "b"));
        assert_eq!(content_hash("", "").len(), 64);
    }
}
