//! Texts in another language than the others.
//!
//! The language of a short text is guessed by its letters, and the guess is wrong now and then: a text counts as foreign
//! only when few of its words are among those that many texts of the main language have.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::super::languages::{Language, language_of};
use super::super::{DataError, Example};
use super::words::{counted, grouped, listed};
use super::{Finding, FindingKind, ROWS_PER_LOOK, Remedy, Severity, Sources, look};
use crate::progress::Watch;
use crate::project::RowId;

/// Letters a text needs for its language to be told: shorter ones are guessed wrongly too often.
const LETTERS: usize = 30;
/// The main language is that of at least this share of the texts whose language can be told, in tenths.
const TENTHS_OF_MAIN: usize = 6;
/// A word is usual when one in so many texts of the main language has it, and at least [`LEAST_TEXTS`].
const ONE_TEXT_IN: usize = 200;
/// See [`ONE_TEXT_IN`].
const LEAST_TEXTS: usize = 2;
/// Texts of the main language whose words are counted: more tell nothing new.
const COUNTED: usize = 20_000;
/// At most so many of ten words of a foreign text are usual in the main language.
const TENTHS_USUAL: usize = 3;

/// Texts in another language than the main one, where both can be told.
pub(super) fn finding(sources: &Sources<'_>, watch: &mut Watch) -> Result<Option<Finding>, DataError> {
    let examples = &sources.prepared.examples;
    let mut languages: Vec<Option<Language>> = Vec::with_capacity(examples.len());
    for part in examples.chunks(ROWS_PER_LOOK) {
        look(watch, "Telling languages apart", languages.len(), examples.len())?;
        languages.par_extend(part.par_iter().map(|example| told(&example.text)));
    }
    let Some(main) = main_language(&languages) else { return Ok(None) };
    let usual = usual_words(examples, &languages, main);
    let is_foreign = |(example, language): &(&Example, &Option<Language>)| {
        language.is_some_and(|language| language != main) && !is_of(&example.text, &usual)
    };
    let foreign: Vec<(RowId, Language)> = examples
        .par_iter()
        .zip(&languages)
        .filter(is_foreign)
        .filter_map(|(example, language)| Some((example.id, (*language)?)))
        .collect();
    Ok((!foreign.is_empty()).then(|| describe(sources, main, &foreign)))
}

/// The language of a text, if it is long enough. What is no language (addresses, `@names`, `#tags`) is not looked at.
fn told(text: &str) -> Option<Language> {
    let is_word = |word: &&str| !word.starts_with(['@', '#', '&', '[']) && !word.contains("://");
    let words: Vec<&str> = text.split_whitespace().filter(is_word).collect();
    let words = words.join(" ");
    let letters = words.chars().filter(|letter| letter.is_alphabetic()).count();
    if letters < LETTERS { None } else { language_of(&words) }
}

/// The language of most texts whose language can be told.
fn main_language(languages: &[Option<Language>]) -> Option<Language> {
    let mut texts: BTreeMap<Language, usize> = BTreeMap::new();
    languages.iter().flatten().for_each(|language| *texts.entry(*language).or_default() += 1);
    let told: usize = texts.values().sum();
    let (main, most) = texts.into_iter().max_by_key(|(_, texts)| *texts)?;
    (most * 10 >= told * TENTHS_OF_MAIN).then_some(main)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Words that many texts of the main language have.
fn usual_words(examples: &[Example], languages: &[Option<Language>], main: Language) -> HashSet<String> {
    let of_main = || examples.iter().zip(languages).filter(|(_, language)| **language == Some(main)).take(COUNTED);
    let mut texts: HashMap<String, usize> = HashMap::new();
    for (example, _) in of_main() {
        let each: HashSet<String> = words(&example.text).collect();
        each.into_iter().for_each(|word| *texts.entry(word).or_default() += 1);
    }
    let least = LEAST_TEXTS.max(of_main().count() / ONE_TEXT_IN);
    texts.into_iter().filter(|(_, texts)| *texts >= least).map(|(word, _)| word).collect()
}

/// Whether a text has many of these words.
fn is_of(text: &str, usual: &HashSet<String>) -> bool {
    let (mut all, mut known) = (0, 0);
    for word in words(text) {
        all += 1;
        known += usize::from(usual.contains(&word));
    }
    known * 10 > all * TENTHS_USUAL
}

fn describe(sources: &Sources<'_>, main: Language, foreign: &[(RowId, Language)]) -> Finding {
    let mut texts: BTreeMap<Language, usize> = BTreeMap::new();
    foreign.iter().for_each(|(_, language)| *texts.entry(*language).or_default() += 1);
    let mut others: Vec<(Language, usize)> = texts.into_iter().collect();
    others.sort_by_key(|(language, texts)| (std::cmp::Reverse(*texts), *language));
    let names: Vec<String> =
        others.iter().map(|(other, texts)| format!("{} ({})", other.name, grouped(*texts))).collect();
    let rows: Vec<RowId> = foreign.iter().map(|(id, _)| *id).collect();
    Finding {
        kind: FindingKind::OtherLanguage,
        severity: Severity::Warning,
        count: rows.len(),
        message: format!(
            "{} not in {}, as most are, but in: {}. From a few texts of a language little is learnt: leave them out, \
             unless the model has to read such texts",
            counted(rows.len(), "text seems", "texts seem"),
            main.name,
            listed(&names)
        ),
        remedy: Remedy::new(format!("Leave out {}", counted(rows.len(), "text", "texts")), sources.leaving_out(&rows)),
        rows,
    }
}
