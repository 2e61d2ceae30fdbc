//! Counts the words and tokens of texts.

use rayon::prelude::*;

use crate::data::{DataError, Prepared, TextTokenizer};
use crate::progress::Watch;

/// Texts tokenised between two checks of the cancel switch.
const TEXTS_PER_LOOK: usize = 4_096;

/// Number of words of each of [`Prepared::examples`]: a quick estimate of lengths.
#[must_use]
pub fn word_counts(prepared: &Prepared) -> Vec<u32> {
    prepared.examples.par_iter().map(|example| word_count(&example.text)).collect()
}

/// Words between white space.
fn word_count(text: &str) -> u32 {
    if !text.is_ascii() {
        return text.split_whitespace().count() as u32;
    }
    // Bytes are compared without branches, so many at a time.
    let is_space = |byte: u8| byte == b' ' || (b'\t'..=b'\r').contains(&byte);
    let bytes = text.as_bytes();
    let later = bytes.windows(2).map(|pair| u32::from(is_space(pair[0])) & u32::from(!is_space(pair[1]))).sum::<u32>();
    later + u32::from(bytes.first().is_some_and(|&first| !is_space(first)))
}

/// One bar of a length histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthBin {
    /// Shortest length counted here.
    pub from: usize,
    /// One more than the longest length counted here.
    pub to: usize,
    /// Number of texts with such a length.
    pub texts: usize,
}

/// A histogram with at most `bins` bars of equal width from the shortest to the longest of `lengths`; empty without
/// lengths.
#[must_use]
pub fn length_histogram(lengths: &[u32], bins: usize) -> Vec<LengthBin> {
    let (Some(&shortest), Some(&longest)) = (lengths.iter().min(), lengths.iter().max()) else { return Vec::new() };
    let (shortest, longest) = (shortest as usize, longest as usize);
    let width = (longest - shortest + 1).div_ceil(bins.max(1));
    let bars = (longest - shortest) / width + 1;
    let mut histogram: Vec<LengthBin> = (0..bars)
        .map(|bar| LengthBin { from: shortest + bar * width, to: shortest + (bar + 1) * width, texts: 0 })
        .collect();
    for &length in lengths {
        histogram[(length as usize - shortest) / width].texts += 1;
    }
    histogram
}

/// Lengths of texts in tokens of a model, counted for all rows or for a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHistogram {
    /// Bars of the histogram.
    pub histogram: Vec<LengthBin>,
    /// Number of texts in all.
    pub texts: usize,
    /// Number of tokens of each text counted, special tokens included, ascending.
    sorted: Vec<u32>,
}

impl TokenHistogram {
    /// Counts the tokens of at most `most` texts, evenly spread.
    ///
    /// # Errors
    /// [`DataError::Cancelled`], and [`DataError::Tokenise`] if the tokenizer fails on a text.
    pub fn count(
        prepared: &Prepared,
        tokenizer: &TextTokenizer,
        (most, bins): (usize, usize),
        watch: &mut Watch,
    ) -> Result<Self, DataError> {
        let places = spread(prepared.examples.len(), most);
        let mut sorted = Vec::with_capacity(places.len());
        for part in places.chunks(TEXTS_PER_LOOK) {
            watch.advance("Counting tokens", sorted.len(), places.len(), "texts")?;
            let texts: Vec<&str> = part.iter().map(|&place| prepared.examples[place].text.as_str()).collect();
            sorted.extend(tokenizer.token_lengths(&texts)?.into_iter().map(|tokens| tokens as u32));
        }
        sorted.sort_unstable();
        Ok(Self { histogram: length_histogram(&sorted, bins), texts: prepared.examples.len(), sorted })
    }

    /// Number of texts counted.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.sorted.len()
    }

    /// Number of counted texts that are longer than `limit` tokens.
    #[must_use]
    pub fn over(&self, limit: usize) -> usize {
        self.sorted.len() - self.sorted.partition_point(|&tokens| tokens as usize <= limit)
    }
}

/// At most `most` of the numbers below `all`, evenly spread, ascending.
pub(in crate::data) fn spread(all: usize, most: usize) -> Vec<usize> {
    let taken = all.min(most);
    (0..taken).map(|nth| (nth as u128 * all as u128 / taken as u128) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histogram_counts_every_text_once() {
        let histogram = length_histogram(&[1, 2, 3, 10, 10], 3);
        assert_eq!(histogram.len(), 3);
        assert_eq!(histogram[0], LengthBin { from: 1, to: 5, texts: 3 });
        assert_eq!(histogram.iter().map(|bin| bin.texts).sum::<usize>(), 5);
        assert_eq!(length_histogram(&[7], 10), [LengthBin { from: 7, to: 8, texts: 1 }]);
        assert!(length_histogram(&[], 10).is_empty());
    }

    #[test]
    fn words_of_ascii_and_other_texts_are_counted_alike() {
        let pieces = ["a", "word", " ", "  ", "\t", "\u{b}", "\r\n", "\u{1c}", "é", "\u{a0}"];
        let mut rng = crate::random::Rng::new(2);
        for _ in 0..5_000 {
            let text: String = (0..rng.below(8)).map(|_| pieces[rng.below(10) as usize]).collect();
            assert_eq!(word_count(&text) as usize, text.split_whitespace().count(), "{text:?}");
        }
    }

    #[test]
    fn a_sample_is_spread_over_all_rows() {
        assert_eq!(spread(3, 10), [0, 1, 2]);
        assert_eq!(spread(10, 4), [0, 2, 5, 7]);
        assert!(spread(0, 4).is_empty());
    }
}
