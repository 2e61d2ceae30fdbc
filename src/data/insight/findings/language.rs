//! Finds texts in another language than most.
//!
//! The language of a short text is guessed from its letters, and the guess is sometimes wrong even where it seems sure.
//! So a text counts as foreign only if few of its words are common in texts of the main language. If hardly any of many
//! words are, it counts as foreign even where the guess is unsure.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use crate::data::insight::findings::sources::Sources;
use crate::data::{Example, Finding, FindingKind, Language, LanguageGuess, Severity};
use crate::project::RowId;
use crate::words::{count, counted, listed, plural};

/// At least this share, in tenths, of the texts with a sure guess are in the main language.
const TENTHS_OF_MAIN: usize = 6;
/// A word is common if one in this many texts of the main language has it, and at least [`LEAST_TEXTS`].
const ONE_TEXT_IN: usize = 200;
/// See [`ONE_TEXT_IN`].
const LEAST_TEXTS: usize = 2;
/// Texts of the main language whose words are counted; more would add nothing new.
const COUNTED: usize = 20_000;
/// At most this many of ten words of a foreign text are common in the main language.
const TENTHS_USUAL: usize = 3;
/// If the guess is unsure, at most one word in this many is common, of at least [`MANY_WORDS`].
const ONE_USUAL_IN: usize = 10;
/// See [`ONE_USUAL_IN`].
const MANY_WORDS: usize = 8;

/// Sampled texts in another language than the main one, if both are known.
pub(super) fn finding(sources: &Sources<'_>) -> Option<Finding> {
    let sample = sources.languages;
    let examples: Vec<&Example> = sample.places.iter().map(|&place| &sources.prepared.examples[place]).collect();
    let guesses = &sample.guesses;
    let main = main_language(guesses)?;
    let usual = usual_words(&examples, guesses, main);
    let foreign = |(example, guess): (&&Example, &Option<LanguageGuess>)| {
        let guess = guess.filter(|guess| guess.language != main)?;
        let language = guess.is_sure.then_some(guess.language);
        is_foreign(&example.text, guess.is_sure, &usual).then_some((example.id, language))
    };
    let foreign: Vec<(RowId, Option<Language>)> = examples.par_iter().zip(guesses).filter_map(foreign).collect();
    (!foreign.is_empty()).then(|| describe(sources, main, &foreign))
}

/// The language of most texts whose language is sure.
fn main_language(guesses: &[Option<LanguageGuess>]) -> Option<Language> {
    let mut texts: BTreeMap<Language, usize> = BTreeMap::new();
    let sure = guesses.iter().flatten().filter(|guess| guess.is_sure);
    sure.for_each(|guess| *texts.entry(guess.language).or_default() += 1);
    let told: usize = texts.values().sum();
    let (main, most) = texts.into_iter().max_by_key(|(_, texts)| *texts)?;
    (most * 10 >= told * TENTHS_OF_MAIN).then_some(main)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Words that are common in the main language.
fn usual_words(examples: &[&Example], guesses: &[Option<LanguageGuess>], main: Language) -> HashSet<String> {
    let is_main = |guess: &Option<LanguageGuess>| guess.is_some_and(|guess| guess.is_sure && guess.language == main);
    let of_main = || examples.iter().zip(guesses).filter(|(_, guess)| is_main(guess)).take(COUNTED);
    let mut texts: HashMap<String, usize> = HashMap::new();
    for (example, _) in of_main() {
        let mut each: Vec<String> = words(&example.text).collect();
        each.sort_unstable();
        each.dedup();
        for word in each {
            *texts.entry(word).or_default() += 1;
        }
    }
    let least = LEAST_TEXTS.max(of_main().count() / ONE_TEXT_IN);
    texts.into_iter().filter(|(_, texts)| *texts >= least).map(|(word, _)| word).collect()
}

/// Whether a text whose letters suggest another language also has other words.
fn is_foreign(text: &str, is_sure: bool, usual: &HashSet<String>) -> bool {
    let (mut all, mut known) = (0, 0);
    for word in words(text) {
        all += 1;
        known += usize::from(usual.contains(&word));
    }
    if is_sure { known * 10 <= all * TENTHS_USUAL } else { all >= MANY_WORDS && known * ONE_USUAL_IN <= all }
}

/// `foreign` are the rows, each with its language if the guess is sure.
fn describe(sources: &Sources<'_>, main: Language, foreign: &[(RowId, Option<Language>)]) -> Finding {
    let mut texts: BTreeMap<Option<Language>, usize> = BTreeMap::new();
    for (_, language) in foreign {
        *texts.entry(*language).or_default() += 1;
    }
    let mut others: Vec<(Option<Language>, usize)> = texts.into_iter().collect();
    others.sort_by_key(|(language, texts)| (language.is_none(), std::cmp::Reverse(*texts), *language));
    let name =
        |language: Option<Language>| language.map_or("a language that is hard to identify", |language| language.name);
    let names: Vec<String> =
        others.iter().map(|(other, texts)| format!("{} ({})", name(*other), count(*texts))).collect();
    let rows: Vec<RowId> = foreign.iter().map(|(id, _)| *id).collect();
    let (sampled, all) = (sources.languages.places.len(), sources.prepared.examples.len());
    let texts = if sampled < all {
        format!("In a sample of {}, {}", counted(sampled, "text", "texts"), count(rows.len()))
    } else {
        counted(rows.len(), "text", "texts")
    };
    let found =
        format!("{texts} {} not in {}, but in: {}", plural(rows.len(), "seems", "seem"), main.name, listed(&names));
    let mut meaning =
        "A model learns little from a few texts in a language. Exclude them, unless the model must handle such \
                       texts"
            .to_owned();
    if sampled < all {
        let about = count((rows.len() as f64 * all as f64 / sampled as f64).round() as u64);
        meaning = format!("{meaning}. All {} texts may contain about {about} of them", count(all));
    }
    let remedy = sources.exclude(&rows);
    Finding::new(FindingKind::OtherLanguage, Severity::Warning, rows).says(found, meaning).with([remedy])
}
