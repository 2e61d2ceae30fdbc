//! Packs documents into sequences of at most the max length, for language models.
//!
//! Long documents are split between words into windows that do not overlap: nothing is truncated. Short documents are
//! packed: as many as fit share a sequence. `transformers`' `run_mlm.py` offers two ways. With `group_texts` it joins
//! all texts and cuts every max length tokens, so that no padding is computed, but a token sees other texts. With
//! `line_by_line` it takes one text at a time, as a classifier will later read it, and pads. Here nothing is ever
//! padded, and the network attends within a text (`cu_seqlens`). So a sequence is full, as with `group_texts`, and each
//! text in it has its own `[CLS]` and `[SEP]`, its own positions, and sees only itself, as with `line_by_line`.

use crate::data::DataError;
use crate::data::tokens::kinds::TokenKinds;

/// One sequence to train on: whole documents, or a window of a long one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedSequence {
    /// Vocabulary ids, special tokens included.
    pub ids: Vec<u32>,
    /// Where each of its texts ends in `ids`, ascending. A text is a document, or a window of one.
    pub ends: Vec<u32>,
    /// Tokens at the beginning of each text that are not to be predicted, at least 1, if the next token is predicted; else
    /// empty.
    pub given: Vec<u32>,
}

/// Packs documents into sequences of at most `max_length` tokens, in their order. Each document is given by all its
/// token ids, special tokens included. Empty documents are left out.
///
/// # Errors
/// [`DataError::MaxLengthTooSmall`] when special tokens leave no room.
pub fn pack(documents: &[Vec<u32>], kinds: &TokenKinds, max_length: usize) -> Result<Vec<PackedSequence>, DataError> {
    let (room, special) = (room(kinds, max_length)?, kinds.special_tokens());
    let (mut sequences, mut sequence) = (Vec::new(), PackedSequence::default());
    for document in documents {
        for window in windows(kinds.own(document), kinds, room) {
            if !sequence.ids.is_empty() && sequence.ids.len() + special + window.len() > max_length {
                sequences.push(std::mem::take(&mut sequence));
            }
            add(&mut sequence, window, kinds);
        }
    }
    if !sequence.ids.is_empty() {
        sequences.push(sequence);
    }
    Ok(sequences)
}

/// Splits a held-out document into sequences of one window each, so that it is scored on its own.
///
/// # Errors
/// As [`pack`].
pub fn cut(document: &[u32], kinds: &TokenKinds, max_length: usize) -> Result<Vec<PackedSequence>, DataError> {
    let room = room(kinds, max_length)?;
    let sequences = windows(kinds.own(document), kinds, room).into_iter().map(|window| {
        let mut sequence = PackedSequence::default();
        add(&mut sequence, window, kinds);
        sequence
    });
    Ok(sequences.collect())
}

/// [`pack`] for models that predict the next token: every token of a document but the first is predicted once, and the
/// end-of-text token after it. A window of a long document begins with the last token of the one before it, which is not
/// predicted again. Documents with nothing to predict are left out.
///
/// # Errors
/// As [`pack`].
pub fn pack_stretches(
    documents: &[Vec<u32>],
    kinds: &TokenKinds,
    max_length: usize,
) -> Result<Vec<PackedSequence>, DataError> {
    let (mut sequences, mut sequence) = (Vec::new(), PackedSequence::default());
    for document in documents {
        for stretch in cut_stretches(document, kinds, max_length)? {
            if !sequence.ids.is_empty() && sequence.ids.len() + stretch.ids.len() > max_length {
                sequences.push(std::mem::take(&mut sequence));
            }
            sequence.ids.extend_from_slice(&stretch.ids);
            sequence.ends.push(sequence.ids.len() as u32);
            sequence.given.extend_from_slice(&stretch.given);
        }
    }
    if !sequence.ids.is_empty() {
        sequences.push(sequence);
    }
    Ok(sequences)
}

/// The windows of one document as [`pack_stretches`] makes them, a sequence each.
///
/// # Errors
/// As [`pack`].
pub fn cut_stretches(
    document: &[u32],
    kinds: &TokenKinds,
    max_length: usize,
) -> Result<Vec<PackedSequence>, DataError> {
    let [before, after] = kinds.around();
    // A window has a token to predict, and one before it.
    let special = before.len() + 1;
    if max_length <= special {
        return Err(DataError::MaxLengthTooSmall { max_length, special });
    }
    let (own, room) = (kinds.own(document), max_length - before.len());
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let end = if after.is_empty() { Vec::from_iter(kinds.end()) } else { after.clone() };
    let whole = [own, &end].concat();
    let (mut sequences, mut begin) = (Vec::new(), 0);
    loop {
        let window = &whole[begin..whole.len().min(begin + room)];
        let ids = [before.as_slice(), window].concat();
        let given = if begin == 0 { before.len().max(1) } else { special };
        if ids.len() > given {
            sequences.push(PackedSequence { ends: vec![ids.len() as u32], given: vec![given as u32], ids });
        }
        if begin + window.len() >= whole.len() {
            return Ok(sequences);
        }
        begin += window.len() - 1;
    }
}

/// Most tokens of a text besides the special ones.
fn room(kinds: &TokenKinds, max_length: usize) -> Result<usize, DataError> {
    let special = kinds.special_tokens();
    if max_length <= special {
        return Err(DataError::MaxLengthTooSmall { max_length, special });
    }
    Ok(max_length - special)
}

/// Splits a document's own tokens into windows of at most `room`. Only a word longer than a window is split.
fn windows<'a>(mut own: &'a [u32], kinds: &TokenKinds, room: usize) -> Vec<&'a [u32]> {
    let mut windows = Vec::new();
    while own.len() > room {
        let between = (1..=room).rev().find(|&cut| !kinds.continues(own[cut]));
        let (window, rest) = own.split_at(between.unwrap_or(room));
        windows.push(window);
        own = rest;
    }
    windows.extend(Some(own).filter(|own| !own.is_empty()));
    windows
}

/// Adds a window with its special tokens.
fn add(sequence: &mut PackedSequence, window: &[u32], kinds: &TokenKinds) {
    let [before, after] = kinds.around();
    for part in [before, window, after] {
        sequence.ids.extend_from_slice(part);
    }
    sequence.ends.push(sequence.ids.len() as u32);
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::data::tokens::kinds::tests::{tiny_kinds, word_and_piece};
    use crate::random::Rng;

    /// A document whose words have these numbers of tokens.
    fn document(words: &[usize]) -> Vec<u32> {
        static TOKENS: LazyLock<[u32; 2]> = LazyLock::new(word_and_piece);
        let words = words.iter().flat_map(|&tokens| (0..tokens).map(|at| TOKENS[usize::from(at > 0)]));
        [2].into_iter().chain(words).chain([3]).collect()
    }

    fn lengths(sequences: &[PackedSequence]) -> Vec<Vec<u32>> {
        sequences.iter().map(|sequence| sequence.ends.clone()).collect()
    }

    #[test]
    fn short_documents_share_a_sequence_and_long_ones_are_cut_between_words() {
        let (_, kinds) = tiny_kinds();
        let documents = [document(&[1, 2]), document(&[]), document(&[1]), document(&[3, 2, 1])];
        let sequences = pack(&documents, &kinds, 8).unwrap();
        assert_eq!(lengths(&sequences), [vec![5, 8], vec![8]]);
        assert_eq!(sequences[0].ids, [documents[0].as_slice(), &documents[2]].concat());
        let long = pack(&documents[3..], &kinds, 6).unwrap();
        assert_eq!(lengths(&long), [[5], [5]], "the word of two tokens is not cut");
        assert_eq!(cut(&documents[3], &kinds, 6).unwrap(), long);
        let alone: Vec<usize> = documents.iter().map(|document| cut(document, &kinds, 8).unwrap().len()).collect();
        assert_eq!(alone, [1, 0, 1, 1], "held-out documents share nothing");
    }

    #[test]
    fn only_a_word_longer_than_a_window_is_cut() {
        let (_, kinds) = tiny_kinds();
        assert_eq!(lengths(&pack(&[document(&[5, 1])], &kinds, 4).unwrap()), [[4], [4], [4]]);
        let error = pack(&[], &kinds, 2).unwrap_err().to_string();
        assert!(error.contains("Use at least 3"), "{error}");
    }

    #[test]
    fn every_token_is_predicted_once_and_windows_overlap_by_one() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let text = "the tenant shall pay the rent. ".repeat(6);
        for (name, starts) in [("tiny-gpt2", 0), ("tiny-llama", 1)] {
            let tokenizer = crate::data::TextTokenizer::load(&fixtures.join(name)).unwrap();
            let kinds = TokenKinds::of(&tokenizer);
            let end = kinds.end().unwrap();
            let texts = [text.as_str(), "good", "", "x"];
            let documents = tokenizer.encode_batch(&texts, usize::MAX).unwrap();
            for max_length in [starts + 2, 7, 16, 1000] {
                let mut predicted = Vec::new();
                for sequence in pack_stretches(&documents, &kinds, max_length).unwrap() {
                    assert!(sequence.ids.len() <= max_length && sequence.ends.len() == sequence.given.len());
                    let mut from = 0;
                    for (&to, &given) in sequence.ends.iter().zip(&sequence.given) {
                        predicted.extend_from_slice(&sequence.ids[from + given as usize..to as usize]);
                        from = to as usize;
                    }
                }
                let whole = |ids: &Vec<u32>| {
                    // Without a start token, the first token cannot be predicted.
                    let own = &kinds.own(ids)[1 - starts.min(1)..];
                    [own, &[end]].concat()
                };
                let full = documents.iter().filter(|ids| ids.len() > starts);
                assert_eq!(predicted, full.flat_map(whole).collect::<Vec<_>>(), "{name}, {max_length}");
            }
            let error = pack_stretches(&documents, &kinds, starts + 1).unwrap_err().to_string();
            assert!(error.contains(&format!("Use at least {}", starts + 2)), "{error}");
        }
    }

    #[test]
    fn no_token_is_lost_or_repeated_and_no_sequence_is_too_long() {
        let (_, kinds) = tiny_kinds();
        let mut rng = Rng::new(3);
        for max_length in [3, 7, 16, 64] {
            let mut draw = || (0..rng.below(40)).map(|_| 1 + rng.below(6) as usize).collect::<Vec<_>>();
            let documents: Vec<Vec<u32>> = (0..60).map(|_| document(&draw())).collect();
            let sequences = pack(&documents, &kinds, max_length).unwrap();
            let own = |ids: &Vec<u32>| ids.iter().copied().filter(|&id| id > 4).collect::<Vec<_>>();
            let all: Vec<u32> = documents.iter().flat_map(own).collect();
            assert_eq!(sequences.iter().flat_map(|sequence| own(&sequence.ids)).collect::<Vec<_>>(), all);
            for PackedSequence { ids, ends, .. } in &sequences {
                assert!(ids.len() <= max_length && ends.last() == Some(&(ids.len() as u32)));
                assert!(ends.iter().all(|&end| ids[end as usize - 1] == 3));
            }
            // Two consecutive sequences would not fit into one.
            assert!(sequences.windows(2).all(|pair| pair[0].ids.len() + pair[1].ends[0] as usize > max_length));
        }
    }
}
