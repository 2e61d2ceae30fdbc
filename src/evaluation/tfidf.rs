//! Texts -> TF-IDF, as in scikit-learn's `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)`.
//!
//! Words and pairs are identified by a 64-bit hash instead of their text, so that a million rows fit in memory.
//! Collisions happen about once in a trillion.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::prelude::*;

/// Least number of texts a word must occur in.
const LEAST_TEXTS: u32 = 2;

/// Rows of a sparse matrix.
#[derive(Debug, Default)]
pub(super) struct SparseRows {
    /// Number of columns.
    pub features: usize,
    /// Entries of row `i` are at `starts[i]..starts[i + 1]`.
    starts: Vec<usize>,
    /// Column of each entry.
    columns: Vec<u32>,
    /// Each entry.
    values: Vec<f64>,
}

impl SparseRows {
    fn from_rows(features: usize, rows: Vec<Vec<(u32, f64)>>) -> Self {
        let mut sparse = Self { features, starts: vec![0], ..Self::default() };
        for row in rows {
            for (column, value) in row {
                sparse.columns.push(column);
                sparse.values.push(value);
            }
            sparse.starts.push(sparse.columns.len());
        }
        sparse
    }

    /// Rows of `width` numbers one after the other.
    #[cfg(test)]
    pub fn from_dense(values: &[f32], width: usize) -> Self {
        let row = |row: &[f32]| (0..).zip(row).map(|(column, &value)| (column, f64::from(value))).collect();
        Self::from_rows(width, values.chunks(width).map(row).collect())
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Entries of a row as (column, value).
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.starts[row]..self.starts[row + 1];
        self.columns[range.clone()].iter().zip(&self.values[range]).map(|(&column, &value)| (column as usize, value))
    }

    /// The same matrix with rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let mut starts = vec![0; self.features + 1];
        self.columns.iter().for_each(|&column| starts[column as usize + 1] += 1);
        for column in 0..self.features {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let (mut columns, mut values) = (vec![0; self.columns.len()], vec![0.0; self.values.len()]);
        for row in 0..self.len() {
            for (column, value) in self.row(row) {
                let at = next[column];
                (columns[at], values[at]) = (row as u32, value);
                next[column] += 1;
            }
        }
        Self { features: self.len(), starts, columns, values }
    }
}

/// The words and word pairs of the training texts with their inverse document frequency.
#[derive(Debug)]
pub(super) struct Vectorizer {
    /// Hash of a word or pair -> its column and inverse document frequency.
    terms: HashMap<u64, (u32, f64)>,
}

impl Vectorizer {
    /// Collects the words and pairs of `texts`, and keeps the `most_features` most frequent ones.
    pub fn fit(texts: &[&str], most_features: usize) -> Self {
        let mut frequency: HashMap<u64, u32> = HashMap::new();
        for part in texts.chunks(4096) {
            let counted: Vec<Vec<(u64, u32)>> = part.par_iter().map(|text| term_counts(text)).collect();
            for (term, _) in counted.into_iter().flatten() {
                *frequency.entry(term).or_default() += 1;
            }
        }
        let mut kept: Vec<(u64, u32)> = frequency.iter().map(|(&term, &texts)| (term, texts)).collect();
        if kept.iter().any(|&(_, texts)| texts >= LEAST_TEXTS) {
            kept.retain(|&(_, texts)| texts >= LEAST_TEXTS);
        }
        // The hash breaks ties, so that columns do not depend on the map's order.
        kept.sort_unstable_by_key(|&(term, texts)| (u32::MAX - texts, term));
        kept.truncate(most_features);
        let rows = texts.len() as f64;
        let rarity = |texts: u32| ((1.0 + rows) / (1.0 + f64::from(texts))).ln() + 1.0;
        let terms = kept.into_iter().zip(0..).map(|((term, texts), column)| (term, (column, rarity(texts)))).collect();
        Self { terms }
    }

    /// TF-IDF of `texts`. Each row has L2 norm 1, or 0 if no word is known.
    pub fn transform(&self, texts: &[&str]) -> SparseRows {
        let row = |text: &&str| {
            let known = term_counts(text).into_iter().filter_map(|(term, count)| {
                let &(column, rarity) = self.terms.get(&term)?;
                Some((column, (1.0 + f64::from(count).ln()) * rarity))
            });
            let mut row: Vec<(u32, f64)> = known.collect();
            row.sort_unstable_by_key(|&(column, _)| column);
            let length = row.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
            for (_, value) in &mut row {
                *value /= length;
            }
            row
        };
        SparseRows::from_rows(self.terms.len(), texts.par_iter().map(row).collect())
    }
}

/// Each word and pair of neighbouring words of a text, with its count.
fn term_counts(text: &str) -> Vec<(u64, u32)> {
    let lower = text.to_lowercase();
    let words = lower.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    let words: Vec<&str> = words.filter(|word| word.chars().nth(1).is_some()).collect();
    let pairs = words.windows(2).map(|pair| hash(&(pair[0], pair[1])));
    let mut terms: Vec<u64> = words.iter().map(hash).chain(pairs).collect();
    terms.sort_unstable();
    terms.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u32)).collect()
}

fn hash(term: &impl Hash) -> u64 {
    // No random keys, so that hashes are the same in every run.
    let mut hasher = DefaultHasher::new();
    term.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pairs_are_counted() {
        let counts: Vec<u32> =
            term_counts("A good, GOOD day_1: x good day_1").into_iter().map(|(_, count)| count).collect();
        // good x3, day_1 x2, (good, good), (good, day_1) x2, (day_1, good)
        assert_eq!((counts.len(), counts.iter().sum::<u32>()), (5, 9));
    }

    #[test]
    fn transposing_twice_changes_nothing() {
        let rows = SparseRows::from_rows(3, vec![vec![(0, 1.0), (2, 2.0)], vec![], vec![(1, 3.0), (2, 4.0)]]);
        let again = rows.transposed().transposed();
        assert_eq!((again.starts, again.columns, again.values), (rows.starts, rows.columns, rows.values));
    }
}
