//! Finds texts in a language that the chosen model was not trained on.

use std::collections::BTreeMap;

use crate::data::insight::findings::sources::Sources;
use crate::data::{Finding, FindingKind, Language, Severity};
use crate::project::RowId;
use crate::words::{listed, percent_of};

/// One text in this many may be in another language.
const ONE_TEXT_IN: usize = 5;
/// Texts whose language is sure.
const FEWEST: usize = 10;

pub(super) fn finding(sources: &Sources<'_>) -> Option<Finding> {
    let (sample, known) = (sources.languages, sources.model_language?);
    let sure: Vec<(RowId, Language)> = sample
        .places
        .iter()
        .zip(&sample.guesses)
        .filter_map(|(&place, guess)| {
            let guess = guess.filter(|guess| guess.is_sure)?;
            Some((sources.prepared.examples[place].id, guess.language))
        })
        .collect();
    let foreign = || sure.iter().filter(|(_, language)| *language != known);
    if sure.len() < FEWEST || foreign().count() * ONE_TEXT_IN < sure.len() {
        return None;
    }
    let mut texts: BTreeMap<Language, usize> = BTreeMap::new();
    foreign().for_each(|(_, language)| *texts.entry(*language).or_default() += 1);
    let mut languages: Vec<(Language, usize)> = texts.into_iter().collect();
    languages.sort_by_key(|(language, texts)| (std::cmp::Reverse(*texts), *language));
    let shares =
        languages.iter().map(|(language, texts)| format!("{} ({})", language.name, percent_of(*texts, sure.len())));
    let said = format!("The texts are in {}, but the chosen model was trained on {} texts", listed(shares), known.name);
    let meaning = "It knows few of their words and learns little from them. Choose a model for the language, or a multilingual one";
    let rows = foreign().map(|(id, _)| *id).collect();
    Some(Finding::new(FindingKind::UnknownLanguage, Severity::Warning, rows).says(said, meaning))
}
