//! Texts in another language than the others.
//!
//! The language of a short text is guessed by its letters, and the guess is wrong now and then, even where it seems sure: a
//! text counts as foreign only when few of its words are among those that many texts of the main language have. Where
//! hardly any of many words is, it counts as foreign however unsure the guess.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use crate::data::insight::findings::words::{counted, grouped, listed};
use crate::data::insight::findings::{Finding, FindingKind, ROWS_PER_LOOK, Remedy, Severity, Sources, look};
use crate::data::{DataError, Example, Language, LanguageGuess};
use crate::progress::Watch;
use crate::project::RowId;

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
/// At most one in so many of them where the guess is unsure, of at least [`MANY_WORDS`].
const ONE_USUAL_IN: usize = 10;
/// See [`ONE_USUAL_IN`].
const MANY_WORDS: usize = 8;

/// Texts in another language than the main one, where both can be told.
pub(super) fn finding(sources: &Sources<'_>, watch: &mut Watch) -> Result<Option<Finding>, DataError> {
    let examples = &sources.prepared.examples;
    let mut guesses: Vec<Option<LanguageGuess>> = Vec::with_capacity(examples.len());
    for part in examples.chunks(ROWS_PER_LOOK) {
        look(watch, "Telling languages apart", guesses.len(), examples.len())?;
        guesses.par_extend(part.par_iter().map(|example| LanguageGuess::of(&example.text)));
    }
    let Some(main) = main_language(&guesses) else { return Ok(None) };
    let usual = usual_words(examples, &guesses, main);
    let foreign = |(example, guess): (&Example, &Option<LanguageGuess>)| {
        let guess = guess.filter(|guess| guess.language != main)?;
        let language = guess.is_sure.then_some(guess.language);
        is_foreign(&example.text, guess.is_sure, &usual).then_some((example.id, language))
    };
    let foreign: Vec<(RowId, Option<Language>)> = examples.par_iter().zip(&guesses).filter_map(foreign).collect();
    Ok((!foreign.is_empty()).then(|| describe(sources, main, &foreign)))
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

/// Words that many texts of the main language have.
fn usual_words(examples: &[Example], guesses: &[Option<LanguageGuess>], main: Language) -> HashSet<String> {
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

/// Whether a text whose letters are those of another language has other words too.
fn is_foreign(text: &str, is_sure: bool, usual: &HashSet<String>) -> bool {
    let (mut all, mut known) = (0, 0);
    for word in words(text) {
        all += 1;
        known += usize::from(usual.contains(&word));
    }
    if is_sure { known * 10 <= all * TENTHS_USUAL } else { all >= MANY_WORDS && known * ONE_USUAL_IN <= all }
}

/// `foreign`: each with its language, where the guess is sure.
fn describe(sources: &Sources<'_>, main: Language, foreign: &[(RowId, Option<Language>)]) -> Finding {
    let mut texts: BTreeMap<Option<Language>, usize> = BTreeMap::new();
    for (_, language) in foreign {
        *texts.entry(*language).or_default() += 1;
    }
    let mut others: Vec<(Option<Language>, usize)> = texts.into_iter().collect();
    others.sort_by_key(|(language, texts)| (language.is_none(), std::cmp::Reverse(*texts), *language));
    let name = |language: Option<Language>| language.map_or("a language hard to tell", |language| language.name);
    let names: Vec<String> =
        others.iter().map(|(other, texts)| format!("{} ({})", name(*other), grouped(*texts))).collect();
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
        remedy: Some(Remedy::new(
            format!("Leave out {}", counted(rows.len(), "text", "texts")),
            sources.leaving_out(&rows),
        )),
        rows,
    }
}
