//! Finds words that are much more frequent in these texts than in general text, and those that the model's tokenizer
//! splits into pieces.
//!
//! Frequencies in general text are estimated from the model's vocabulary, see `general_words.rs`.
//!
//! Measure: the log-likelihood ratio (Rayson and Garside, "Comparing Corpora using Frequency Profiling", 2000), so that
//! rare words do not stand out by chance.

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use crate::data::insight::general_words::{Zipf, agreement, ranks};
use crate::data::{DataError, Imported, Prepared, TextTokenizer, cells_of};
use crate::progress::Watch;

/// A term occurs at least this often, and in at least this many documents.
const OFTEN: u32 = 5;
const DOCUMENTS: u32 = 3;
/// A term is at least this many times as frequent as in general text.
const TIMES: f64 = 8.0;
/// This many of a language's most frequent words are its grammar, and never terms.
const GRAMMAR: u32 = 200;
/// A new word for the vocabulary is split into at least this many pieces so far.
const PIECES: usize = 3;
/// A term has at least this many letters.
const LETTERS: usize = 3;
/// At least this share of a new word's occurrences are in lower case: names are capitalised.
const LOWER: f64 = 0.5;
/// The same limit for a term: "Court" is a term, "Bombay" is not.
const SOMETIMES_LOWER: f64 = 0.02;
/// Above this share of capitalised words, capitals do not mark names: German capitalises nouns, some files all words.
const CAPITALS: f64 = 0.25;
/// Documents counted between two checks of the cancel switch.
const TEXTS_PER_LOOK: usize = 1_024;

/// A word of the domain.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainTerm {
    /// The word, in lower case.
    pub word: String,
    /// Number of occurrences.
    pub count: u32,
    /// Number of documents it is in.
    pub documents: u32,
    /// About how many times as frequent as in general text it is; `None` if unknown.
    pub times: Option<f64>,
    /// Number of tokens it is split into.
    pub pieces: usize,
}

/// The words of a domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainTerms {
    /// Number of words in the texts.
    pub words: u64,
    /// How well the order of the model's vocabulary agrees with the texts (Spearman's rank correlation); `None` if the
    /// vocabulary is not in order of frequency, so that only the pieces show which words are terms.
    pub agreement: Option<f64>,
    /// Words that are much more frequent here than in general text, the most characteristic first.
    pub terms: Vec<DomainTerm>,
    /// The terms that should be added to the vocabulary, if it is one that can grow, the most frequent first: split into three or more pieces, and
    /// not names, judging by capitals.
    pub new_words: Vec<DomainTerm>,
    /// Whether the vocabulary cannot grow, because it is not a `WordPiece` vocabulary.
    pub is_fixed: bool,
}

/// Finds at most `most` terms and as many new words in the texts. Texts of the same group, such as the parts of one
/// contract, count as one document.
///
/// # Errors
/// [`DataError::Cancelled`], and [`DataError::Tokenise`] if the tokenizer fails on a word.
pub fn domain_terms(
    texts: &[&str],
    groups: Option<&[u32]>,
    tokenizer: &TextTokenizer,
    most: usize,
    watch: &mut Watch,
) -> Result<DomainTerms, DataError> {
    let documents = documents(texts, groups);
    let counts = count(&documents, watch)?;
    let words = counts.values().map(|count| u64::from(count.all)).sum();
    let lower: u64 = counts.values().map(|count| u64::from(count.lower)).sum();
    let capitals_tell = (words - lower) as f64 <= CAPITALS * words as f64;
    let ranks = ranks(tokenizer);
    // Sorted, since sums of floating-point numbers must not depend on the order of a hash map.
    let mut known: Vec<(u32, u32)> =
        counts.iter().filter_map(|(word, count)| Some((*ranks.get(word)?, count.all))).collect();
    known.sort_unstable();
    let agreement = agreement(&known);
    let zipf = agreement.map(|_| Zipf::of(&known, &ranks));
    let mut found = Vec::new();
    // Sorted, since ties must not depend on the order of a hash map.
    let mut sorted: Vec<(&String, &Count)> = counts.iter().collect();
    sorted.sort_unstable_by_key(|(word, _)| *word);
    for (word, count) in sorted {
        let is_name = capitals_tell && f64::from(count.lower) < SOMETIMES_LOWER * f64::from(count.all);
        if count.all < OFTEN || count.documents < DOCUMENTS || is_name || !is_plain(word) {
            continue;
        }
        let expected = zipf.as_ref().map(|zipf| zipf.expected(word));
        let times = expected.map(|expected| f64::from(count.all) / expected);
        let is_common = zipf.is_some() && ranks.get(word).is_some_and(|&rank| rank <= GRAMMAR);
        if is_common || times.is_some_and(|times| times < TIMES) {
            continue;
        }
        let term = DomainTerm { word: word.clone(), count: count.all, documents: count.documents, times, pieces: 0 };
        found.push((expected.map_or(f64::from(count.all), |expected| evidence(count.all, expected)), term));
    }
    count_pieces(&mut found, tokenizer)?;
    if zipf.is_none() {
        found.retain(|(_, term)| term.pieces > 1);
    }
    let debris = debris(&documents, &found, &counts, &ranks, watch)?;
    found.retain(|(_, term)| !debris.contains(&term.word));
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let is_new = |term: &&DomainTerm| {
        let count = &counts[&term.word];
        term.pieces >= PIECES && (!capitals_tell || f64::from(count.lower) >= LOWER * f64::from(count.all))
    };
    let terms: Vec<DomainTerm> = found.into_iter().map(|(_, term)| term).collect();
    let is_fixed = !tokenizer.can_grow();
    let mut new_words: Vec<DomainTerm> = terms.iter().filter(|term| !is_fixed && is_new(term)).cloned().collect();
    new_words.sort_by_key(|term| std::cmp::Reverse(term.count));
    new_words.truncate(most);
    let terms = terms.into_iter().take(most).collect();
    Ok(DomainTerms { words, agreement, terms, new_words, is_fixed })
}

/// [`domain_terms`] of a project's rows. Rows with the same value in `group` count as one document.
///
/// # Errors
/// As [`domain_terms`].
pub fn project_terms(
    (imported, prepared): (&Imported, &Prepared),
    group: Option<&str>,
    tokenizer: &TextTokenizer,
    most: usize,
    watch: &mut Watch,
) -> Result<DomainTerms, DataError> {
    let texts: Vec<&str> = prepared.examples.iter().map(|example| example.text.as_str()).collect();
    let groups = group.map(|column| {
        let mut known: HashMap<&str, u32> = HashMap::default();
        let cells = cells_of(imported, &prepared.examples, column).into_iter();
        let number = |cell| {
            let next = known.len() as u32;
            *known.entry(cell).or_insert(next)
        };
        cells.map(number).collect::<Vec<u32>>()
    });
    domain_terms(&texts, groups.as_deref(), tokenizer, most, watch)
}

/// Whether a word has only letters, and at least three: numbers and signs are not terms.
fn is_plain(word: &str) -> bool {
    word.chars().count() >= LETTERS && word.chars().all(char::is_alphabetic)
}

/// The texts of each document.
fn documents<'a>(texts: &[&'a str], groups: Option<&[u32]>) -> Vec<Vec<&'a str>> {
    let Some(groups) = groups else { return texts.iter().map(|&text| vec![text]).collect() };
    let mut by_group: Vec<(u32, &str)> = groups.iter().copied().zip(texts.iter().copied()).collect();
    by_group.sort_by_key(|&(group, _)| group);
    by_group.chunk_by(|a, b| a.0 == b.0).map(|texts| texts.iter().map(|&(_, text)| text).collect()).collect()
}

/// How often a word occurs.
#[derive(Clone, Debug, Default)]
struct Count {
    all: u32,
    /// Occurrences in lower case.
    lower: u32,
    documents: u32,
    /// 1-based number of the last document it occurred in.
    seen: usize,
}

type Counts = HashMap<String, Count>;

fn count(documents: &[Vec<&str>], watch: &mut Watch) -> Result<Counts, DataError> {
    let mut counts = Counts::default();
    for part in parts("Counting words", documents, watch) {
        let parts: Vec<Counts> = part?.par_chunks(TEXTS_PER_LOOK.div_ceil(16)).map(count_chunk).collect();
        for (word, more) in parts.into_iter().flatten() {
            let count = counts.entry(word).or_default();
            count.all += more.all;
            count.lower += more.lower;
            count.documents += more.documents;
        }
    }
    Ok(counts)
}

fn count_chunk(documents: &[Vec<&str>]) -> Counts {
    let mut counts = Counts::default();
    for (number, texts) in (1..).zip(documents) {
        for word in texts.iter().flat_map(|text| text.unicode_words()) {
            let lower = word.to_lowercase();
            let is_lower = lower == word;
            let count = counts.entry(lower).or_default();
            count.all += 1;
            count.lower += u32::from(is_lower);
            count.documents += u32::from(count.seen != number);
            count.seen = number;
        }
    }
    counts
}

/// The documents in portions, with a check of the cancel switch before each.
fn parts<'a>(
    stage: &'static str,
    documents: &'a [Vec<&'a str>],
    watch: &mut Watch,
) -> impl Iterator<Item = Result<&'a [Vec<&'a str>], DataError>> {
    documents.chunks(TEXTS_PER_LOOK).enumerate().map(move |(part, chunk)| {
        watch.advance(stage, part * TEXTS_PER_LOOK, documents.len(), "documents")?;
        Ok(chunk)
    })
}

/// The log-likelihood ratio of a count that is higher than expected.
fn evidence(count: u32, expected: f64) -> f64 {
    let count = f64::from(count);
    2.0 * (count * (count / expected).ln() - (count - expected))
}

fn count_pieces(found: &mut [(f64, DomainTerm)], tokenizer: &TextTokenizer) -> Result<(), DataError> {
    let words: Vec<&str> = found.iter().map(|(_, term)| term.word.as_str()).collect();
    let lengths = tokenizer.token_lengths(&words)?;
    for ((_, term), length) in found.iter_mut().zip(lengths) {
        term.pieces = length - tokenizer.special_tokens();
    }
    Ok(())
}

/// Fragments of words left by scanning and line breaks ("constitu tion"): words missing from the vocabulary that mostly
/// form a word together with the one before or after them.
fn debris(
    documents: &[Vec<&str>],
    found: &[(f64, DomainTerm)],
    counts: &Counts,
    ranks: &HashMap<String, u32>,
    watch: &mut Watch,
) -> Result<HashSet<String>, DataError> {
    let unknown: HashMap<&str, u32> = found
        .iter()
        .filter(|(_, term)| !ranks.contains_key(&term.word))
        .map(|(_, term)| (term.word.as_str(), term.count))
        .collect();
    let mut halves: HashMap<&str, u32> = HashMap::default();
    for part in parts("Looking for broken words", documents, watch) {
        let parts = part?.par_iter().map(|texts| {
            let mut halves: HashMap<&str, u32> = HashMap::default();
            for text in texts {
                let words: Vec<String> = text.unicode_words().map(str::to_lowercase).collect();
                for (place, word) in words.iter().enumerate() {
                    let Some((&word, &count)) = unknown.get_key_value(word.as_str()) else { continue };
                    let is_word = |joined: String| {
                        ranks.contains_key(&joined) || counts.get(&joined).is_some_and(|whole| whole.all >= count / 2)
                    };
                    let before = place.checked_sub(1).is_some_and(|before| is_word(format!("{}{word}", words[before])));
                    let after = || words.get(place + 1).is_some_and(|after| is_word(format!("{word}{after}")));
                    if before || after() {
                        *halves.entry(word).or_default() += 1;
                    }
                }
            }
            halves
        });
        for (word, times) in parts.collect::<Vec<_>>().into_iter().flatten() {
            *halves.entry(word).or_default() += times;
        }
    }
    Ok(unknown
        .iter()
        .filter(|(word, count)| halves.get(*word).is_some_and(|half| half * 2 > **count))
        .map(|(word, _)| (*word).to_owned())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::insight::general_words::share;
    use crate::progress::Control;
    use crate::random::Rng;

    const SYLLABLES: [&str; 12] = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe"];

    /// The `rank`-th word of a made-up language.
    fn word(rank: usize) -> String {
        [rank % 12, rank / 12 % 12, rank / 144 % 12, rank / 1728].iter().map(|&part| SYLLABLES[part]).collect()
    }

    /// A tokenizer whose vocabulary has these words, in this order.
    fn tokenizer(words: impl Iterator<Item = String>) -> TextTokenizer {
        let folder = tempfile::tempdir().unwrap();
        let mut vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n".to_owned();
        for letter in 'a'..='z' {
            vocabulary += &[letter.to_string(), "\n##".into(), letter.to_string(), "\n".into()].concat();
        }
        for word in words {
            vocabulary += &(word + "\n");
        }
        std::fs::write(folder.path().join("vocab.txt"), vocabulary).unwrap();
        TextTokenizer::load(folder.path()).unwrap()
    }

    /// Texts whose words follow Zipf's law, each with `more` at its end.
    fn texts(count: usize, more: impl Fn(usize) -> String) -> Vec<String> {
        let mut rng = Rng::new(9);
        let shares: Vec<f64> = (1..=2_000).map(share).collect();
        let total: f64 = shares.iter().sum();
        let mut draw = || {
            let mut left = rng.uniform() * total;
            word(
                shares
                    .iter()
                    .position(|share| {
                        left -= share;
                        left < 0.0
                    })
                    .unwrap_or(1_999),
            )
        };
        (0..count).map(|text| (0..200).map(|_| draw()).chain([more(text)]).collect::<Vec<_>>().join(" ")).collect()
    }

    fn found(texts: &[String], groups: Option<&[u32]>, tokenizer: &TextTokenizer) -> DomainTerms {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (control, mut report) = (Control::default(), |_| {});
        domain_terms(&texts, groups, tokenizer, 20, &mut Watch { control: &control, report: &mut report }).unwrap()
    }

    fn words(terms: &[DomainTerm]) -> Vec<&str> {
        terms.iter().map(|term| term.word.as_str()).collect()
    }

    #[test]
    fn terms_are_words_more_frequent_than_their_rank_suggests() {
        let tokenizer = tokenizer((0..2_000).map(word));
        let rare = word(1_500);
        let found = found(&texts(60, |_| format!("the lessee {rare} {rare} Bombay 1961")), None, &tokenizer);
        assert!(found.agreement.is_some_and(|agreement| agreement > 0.8), "{:?}", found.agreement);
        assert_eq!(words(&found.terms), [rare.as_str(), "lessee", "the"]);
        let lessee = &found.terms[1];
        assert_eq!((lessee.count, lessee.documents, lessee.pieces), (60, 60, 6));
        let expected = 60.0 / (found.words as f64 * share(2_000) / (1..=2_000).map(share).sum::<f64>());
        assert!((lessee.times.unwrap() / expected - 1.0).abs() < 0.15, "{:?} {expected}", lessee.times);
        assert_eq!(words(&found.new_words), ["lessee", "the"]);
    }

    #[test]
    fn names_numbers_and_halves_of_words_are_not_new_words() {
        let tokenizer = tokenizer((0..2_000).map(word).chain(["constitution".to_owned()]));
        let more = |text: usize| {
            let half = if text.is_multiple_of(3) { "constitution" } else { "constitu tion" };
            format!("estoppel {half} Setalvad Supra supra 12ab {}", if text < 2 { "detenu detenu detenu" } else { "" })
        };
        let found = found(&texts(60, more), None, &tokenizer);
        assert_eq!(words(&found.new_words), ["supra", "estoppel"]);
        let names = ["constitu", "tion", "setalvad", "12ab", "detenu"];
        assert!(names.iter().all(|name| !words(&found.terms).contains(name)), "{:?}", words(&found.terms));
    }

    #[test]
    fn texts_of_one_group_are_one_document() {
        let tokenizer = tokenizer((0..2_000).map(word));
        let texts = texts(60, |text| format!("lessee {}", if text < 20 { "niantic" } else { "lessor" }));
        let groups: Vec<u32> = (0..60).map(|text| if text < 20 { 7 } else { text % 5 }).collect();
        assert!(words(&found(&texts, None, &tokenizer).new_words).contains(&"niantic"));
        let found = found(&texts, Some(&groups), &tokenizer);
        assert_eq!(words(&found.new_words), ["lessee", "lessor"]);
        assert_eq!(found.new_words[0].documents, 6);
    }

    #[test]
    fn a_vocabulary_in_another_order_is_not_taken_for_frequencies() {
        let mut shuffled: Vec<usize> = (0..2_000).collect();
        Rng::new(2).shuffle(&mut shuffled);
        let tokenizer = tokenizer(shuffled.into_iter().map(word));
        let found = found(&texts(60, |_| "lessee lessee tort".to_owned()), None, &tokenizer);
        assert_eq!(found.agreement, None);
        assert_eq!(words(&found.terms), ["lessee", "tort"]);
        assert!(found.terms.iter().all(|term| term.times.is_none()));
    }

    #[test]
    fn capitals_do_not_mark_names_where_every_noun_has_one() {
        let tokenizer = tokenizer((0..2_000).map(word));
        let capitals: Vec<String> = texts(60, |_| "Mietvertrag".to_owned())
            .iter()
            .map(|text| {
                let words = text.split(' ').enumerate();
                words
                    .map(|(at, word)| {
                        if at % 3 == 0 {
                            format!("{}{}", word[..1].to_uppercase(), &word[1..])
                        } else {
                            word.to_owned()
                        }
                    })
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(words(&found(&capitals, None, &tokenizer).new_words), ["mietvertrag"]);
    }

    #[test]
    fn without_texts_there_are_no_terms() {
        let tokenizer = tokenizer((0..2_000).map(word));
        assert_eq!(found(&[], None, &tokenizer), DomainTerms::default());
        assert!(found(&[String::new()], Some(&[0]), &tokenizer).terms.is_empty());
    }

    #[test]
    fn the_log_likelihood_ratio_agrees_with_the_paper() {
        // By hand: 30 where 10 are expected.
        let by_hand = 2.0 * (30.0 * 3.0_f64.ln() - 20.0);
        assert!((evidence(30, 10.0) - by_hand).abs() < 1e-12 && (by_hand - 25.917).abs() < 1e-3);
    }
}
