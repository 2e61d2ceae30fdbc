//! Estimates how frequent words are in general text, from the vocabulary of a model.
//!
//! No list of general frequencies is needed: `WordPiece` vocabularies are in order of frequency in the text the model
//! was pre-trained on (for BERT: Wikipedia and books), and by Zipf's law a word's share is about one over its rank. For
//! BERT's English vocabulary the estimate is good to a factor of two: over three sets of texts the shares of known
//! words add up to 1.00 to 1.43 times what the law gives (tweets 1.00, court judgments 1.06, terms of service 1.43),
//! and the ranks of words in the texts agree with those in the vocabulary (Spearman's correlation .39, .41, .30, with
//! 1,000 to 3,800 words). The scale is estimated from the texts, so a vocabulary that is shared with other languages
//! does no harm. A word that the vocabulary does not have counts as its rarest. Where the ranks do not agree, the
//! vocabulary is in another order: then the domain's words are simply the most frequent of those that the tokenizer
//! splits.

use foldhash::HashMap;

use crate::data::TextTokenizer;

/// Shift of the ranks in Zipf's law (Mandelbrot's).
const SHIFT: f64 = 0.7;
/// The least agreement of the ranks that counts.
const AGREEMENT: f64 = 0.15;
const KNOWN: usize = 100;
/// Only the ranks of words that occur at least this often are compared.
const OFTEN: u32 = 5;

/// The 1-based rank of each whole word among the whole words of the vocabulary.
pub(super) fn ranks(tokenizer: &TextTokenizer) -> HashMap<String, u32> {
    let tokens = tokenizer.tokens();
    // Vocabularies mark either the pieces that continue a word, or those that begin one.
    let has = |mark: &str| tokens.iter().filter(|token| token.starts_with(mark)).count() * 10 >= tokens.len();
    let begin = ["▁", "Ġ"].into_iter().find(|mark| has(mark));
    let mut ranks = HashMap::default();
    for token in &tokens {
        let word = begin.map_or(Some(token.as_str()), |mark| token.strip_prefix(mark)).unwrap_or_default();
        // Single letters are at the beginning, in alphabetical order.
        if word.chars().nth(1).is_some() && word.chars().all(char::is_alphabetic) {
            let next = ranks.len() as u32 + 1;
            ranks.entry(word.to_lowercase()).or_insert(next);
        }
    }
    ranks
}

/// Spearman's correlation of the ranks of known words with their counts; `None` if it is too low for a vocabulary in
/// order of frequency.
pub(super) fn agreement(known: &[(u32, u32)]) -> Option<f64> {
    let often: Vec<&(u32, u32)> = known.iter().filter(|(_, count)| *count >= OFTEN).collect();
    if often.len() < KNOWN {
        return None;
    }
    let ranks = places(often.iter().map(|(rank, _)| -f64::from(*rank)));
    let correlation = correlation(&ranks, &places(often.iter().map(|(_, count)| f64::from(*count))));
    // By chance, the correlation is about one over the square root of the number of words.
    let least = AGREEMENT.max(4.0 / (often.len() as f64).sqrt());
    (correlation >= least).then_some(correlation)
}

/// The rank of each value in ascending order; equal values share the mean of their ranks.
fn places(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<(usize, f64)> = values.enumerate().collect();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut places = vec![0.0; sorted.len()];
    let mut begin = 0;
    for equal in sorted.chunk_by(|a, b| a.1.total_cmp(&b.1).is_eq()) {
        let middle = begin as f64 + (equal.len() - 1) as f64 / 2.0;
        for &(value, _) in equal {
            places[value] = middle;
        }
        begin += equal.len();
    }
    places
}

/// Pearson's correlation.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt().max(f64::MIN_POSITIVE)
}

/// How often words would occur here if these were general texts.
pub(super) struct Zipf<'a> {
    ranks: &'a HashMap<String, u32>,
    /// About how often a word of rank 1 would occur.
    scale: f64,
}

impl<'a> Zipf<'a> {
    /// Chooses the scale so that the known words, given by rank and count here, are together as frequent as in general
    /// text.
    pub fn of(known: &[(u32, u32)], ranks: &'a HashMap<String, u32>) -> Self {
        let occurrences: f64 = known.iter().map(|&(_, count)| f64::from(count)).sum();
        let shares: f64 = known.iter().map(|&(rank, _)| share(rank)).sum();
        Self { ranks, scale: occurrences / shares.max(f64::MIN_POSITIVE) }
    }

    /// The expected number of occurrences of a word.
    pub fn expected(&self, word: &str) -> f64 {
        let rarest = self.ranks.len() as u32;
        self.scale * share(self.ranks.get(word).copied().unwrap_or(rarest))
    }
}

/// Unscaled share of a word with this rank.
pub(super) fn share(rank: u32) -> f64 {
    1.0 / (f64::from(rank) + SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_the_mean_of_their_ranks() {
        assert_eq!(places([3.0, 1.0, 3.0, 2.0].into_iter()), [2.5, 0.0, 2.5, 1.0]);
        assert!((correlation(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]) - 1.0).abs() < 1e-12);
        assert!(correlation(&[1.0, 1.0], &[2.0, 4.0]).abs() < 1e-12);
    }
}
