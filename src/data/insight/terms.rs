//! Finds the words that are characteristic of each label.
//!
//! Measure: log-odds ratio with an informative Dirichlet prior, as a z-score (Monroe, Colaresi and Quinn, "Fightin'
//! Words: Lexical Feature Selection and Evaluation for Identifying the Content of Political Conflict", Political
//! Analysis 16(4), 2008, equations 16, 20 and 22): a label's words against those of all other labels, drawn towards the
//! words of all texts, so that neither rare words nor words that are common everywhere get a high score by chance.

use foldhash::HashMap;
use rayon::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use crate::data::insight::lengths::spread;
use crate::data::{DataError, Prepared};
use crate::progress::Watch;

/// Weight of the prior in words.
const PRIOR: f64 = 1_000.0;
/// The least z-score of a term: 95% of chance results are below it in absolute value.
const SURE: f64 = 1.96;
/// A term occurs at least this often.
const OFTEN: u32 = 3;
/// Texts counted between two checks of the cancel switch.
const TEXTS_PER_LOOK: usize = 32_768;

/// A word that is characteristic of a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The word, in lower case.
    pub word: String,
    /// Its z-score.
    pub score: f64,
    /// Number of occurrences in texts with the label, and in all others.
    pub count: [u32; 2],
}

/// The characteristic words of each label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Number of texts counted.
    pub texts: usize,
    /// Number of different words in them.
    pub vocabulary: usize,
    /// Number of words in them.
    pub words: u64,
    /// The terms of each label, the strongest first.
    pub labels: Vec<Vec<Term>>,
}

/// Occurrences of words by class id.
type Counts = HashMap<String, HashMap<u32, u32>>;

/// Counts the words of at most `most` texts, evenly spread, and finds at most `terms` words for each label.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn top_terms(prepared: &Prepared, most: usize, terms: usize, watch: &mut Watch) -> Result<Terms, DataError> {
    let places = spread(prepared.examples.len(), most);
    let mut counts = Counts::default();
    for (part, chunk) in places.chunks(TEXTS_PER_LOOK).enumerate() {
        watch.advance("Counting words", part * TEXTS_PER_LOOK, places.len(), "texts")?;
        let parts = chunk.par_iter().fold(Counts::default, |counts, &place| count(prepared, place, counts));
        add(&mut counts, parts.reduce(Counts::default, merged));
    }
    let labels = prepared.labels.len();
    let mut of_label = vec![0_u64; labels.max(1)];
    // Sorted, since sums of floating-point numbers and ties must not depend on the order of a hash map.
    let mut words: Vec<(String, Vec<(u32, u32)>)> =
        counts.into_iter().map(|(word, labels)| (word, labels.into_iter().collect())).collect();
    words.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    for &(label, times) in words.iter().flat_map(|(_, labels)| labels) {
        of_label[label as usize] += u64::from(times);
    }
    let all: u64 = of_label.iter().sum();
    let mut found: Vec<Vec<Term>> = vec![Vec::new(); labels.max(1)];
    for (word, times) in &words {
        let total: u32 = times.iter().map(|(_, times)| times).sum();
        for &(label, inside) in times.iter().filter(|(_, inside)| *inside >= OFTEN) {
            let outside = total - inside;
            let inside_of = of_label[label as usize];
            let score = z_score([inside, outside], [inside_of, all - inside_of]);
            if score >= SURE && is_telling(word) {
                found[label as usize].push(Term { word: word.clone(), score, count: [inside, outside] });
            }
        }
    }
    for label in &mut found {
        label.sort_by(|a, b| b.score.total_cmp(&a.score));
        label.truncate(terms);
    }
    found.truncate(labels);
    Ok(Terms { texts: places.len(), vocabulary: words.len(), words: all, labels: found })
}

/// Adds the words of a text.
fn count(prepared: &Prepared, place: usize, mut counts: Counts) -> Counts {
    let example = &prepared.examples[place];
    // Without labels, all texts count as those of one.
    let Some(class) = example.class().or_else(|| prepared.labels.is_empty().then_some(0)) else { return counts };
    for word in example.text.to_lowercase().unicode_words() {
        let labels = match counts.get_mut(word) {
            Some(labels) => labels,
            None => counts.entry(word.to_owned()).or_default(),
        };
        *labels.entry(class).or_default() += 1;
    }
    counts
}

fn merged(a: Counts, b: Counts) -> Counts {
    let (mut larger, smaller) = if a.len() < b.len() { (b, a) } else { (a, b) };
    add(&mut larger, smaller);
    larger
}

#[allow(clippy::iter_over_hash_type, reason = "sums of whole numbers are the same in any order")]
fn add(counts: &mut Counts, more: Counts) {
    for (word, labels) in more {
        let kept = counts.entry(word).or_default();
        for (label, times) in labels {
            *kept.entry(label).or_default() += times;
        }
    }
}

/// Whether a word tells a person something: single letters and numbers do not.
fn is_telling(word: &str) -> bool {
    word.chars().nth(1).is_some() && word.chars().any(char::is_alphabetic) || word.chars().any(is_ideographic)
}

/// A character that is a word by itself.
fn is_ideographic(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// The z-score of a word being more frequent in one group of texts than in another: its occurrences in both, and the
/// words of both.
fn z_score(count: [u32; 2], words: [u64; 2]) -> f64 {
    let share = f64::from(count[0] + count[1]) / (words[0] + words[1]).max(1) as f64;
    let prior = PRIOR * share;
    let log_odds = |side: usize| {
        let inside = f64::from(count[side]) + prior;
        (inside / (words[side] as f64 + PRIOR - inside).max(f64::MIN_POSITIVE)).ln()
    };
    let variance = 1.0 / (f64::from(count[0]) + prior) + 1.0 / (f64::from(count[1]) + prior);
    (log_odds(0) - log_odds(1)) / variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_agrees_with_the_paper() {
        // By hand: 30 of 1,000 words against 5 of 1,000; the prior is 17.5 of 1,000 words.
        let delta = (47.5_f64 / 1952.5).ln() - (22.5_f64 / 1977.5).ln();
        let expected = delta / (1.0 / 47.5 + 1.0 / 22.5_f64).sqrt();
        assert!((z_score([30, 5], [1_000, 1_000]) - expected).abs() < 1e-12);
        assert!((expected - 2.969).abs() < 1e-3, "{expected}");
        assert!(z_score([30, 30], [1_000, 1_000]).abs() < 1e-12);
        assert!((z_score([5, 30], [1_000, 1_000]) + expected).abs() < 1e-12);
    }

    #[test]
    fn single_letters_and_numbers_are_not_terms() {
        let telling: Vec<&str> =
            ["late", "a", "12", "4th", "我", "don't"].into_iter().filter(|w| is_telling(w)).collect();
        assert_eq!(telling, ["late", "4th", "我", "don't"]);
    }
}
