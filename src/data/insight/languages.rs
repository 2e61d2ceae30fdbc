//! Guesses the language of a text from its letter trigrams, with whatlang.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::data::insight::lengths::spread;
use crate::data::{DataError, Prepared};
use crate::progress::Watch;
use crate::project::SourceFile;

/// Texts between two checks of the cancel switch.
const TEXTS_PER_LOOK: usize = 1_024;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language {
    /// ISO 639-3 code, for example `eng`.
    pub code: &'static str,
    /// Name in English.
    pub name: &'static str,
}

impl Language {
    /// The language with an ISO 639-3 code; `None` if Hone cannot recognise it.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        let lang = whatlang::Lang::from_code(code)?;
        Some(Self { code: lang.code(), name: lang.eng_name() })
    }
}

/// A text needs this many letters: guesses for shorter ones are wrong too often.
const LETTERS: usize = 30;
/// The same limit if only one language uses the script.
const LETTERS_OF_ONE: usize = 10;
/// The least confidence, 0..1, of a guess that counts.
const LIKELY: f64 = 0.5;

/// A guess at the language of a text. Everything that reports languages uses the same guess, so that no text has two
/// languages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanguageGuess {
    /// The language.
    pub language: Language,
    /// Whether this language is more probable than all others together.
    pub is_likely: bool,
    /// Whether the guess is almost certain.
    pub is_sure: bool,
}

impl LanguageGuess {
    /// Guesses the language of a text, if it is long enough. Addresses, `@names` and `#tags` are ignored.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let is_word = |word: &&str| !word.starts_with(['@', '#', '&', '[']) && !word.contains("://");
        let words: Vec<&str> = text.split_whitespace().filter(is_word).collect();
        let words = words.join(" ");
        let letters = words.chars().filter(|letter| letter.is_alphabetic()).count();
        if letters < LETTERS_OF_ONE {
            return None;
        }
        let info = whatlang::detect(&words)?;
        let least = if info.script().langs().len() == 1 { LETTERS_OF_ONE } else { LETTERS };
        (letters >= least).then(|| Self {
            language: Language { code: info.lang().code(), name: info.lang().eng_name() },
            is_likely: info.confidence() >= LIKELY,
            is_sure: info.is_reliable(),
        })
    }
}

/// The language of a text; `None` if the text is too short or too mixed.
#[must_use]
pub fn language_of(text: &str) -> Option<Language> {
    LanguageGuess::of(text).filter(|guess| guess.is_likely).map(|guess| guess.language)
}

/// The languages of the texts in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLanguages {
    /// The file.
    pub file: SourceFile,
    /// Number of texts sampled, evenly spread over the file.
    pub texts: usize,
    /// Number of texts in each language, the most frequent first.
    pub languages: Vec<(Language, usize)>,
}

impl FileLanguages {
    /// Number of texts that are too short or too mixed for a guess.
    #[must_use]
    pub fn unsure(&self) -> usize {
        self.texts - self.languages.iter().map(|(_, texts)| texts).sum::<usize>()
    }
}

/// Guesses at the languages of the used texts, or of a sample of them. Everything that reports languages uses the same
/// guesses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LanguageSample {
    /// Indices into [`Prepared::examples`], ascending.
    pub places: Vec<usize>,
    /// The guess for each of them; `None` if the text is too short.
    pub guesses: Vec<Option<LanguageGuess>>,
}

impl LanguageSample {
    /// The most texts of a file to sample: guessing takes 40 µs per text, and more texts hardly change the shares.
    pub const MOST: usize = 20_000;

    /// Guesses the languages of at most `most` texts of each file, spread evenly over the file.
    ///
    /// # Errors
    /// [`DataError::Cancelled`].
    pub fn of(prepared: &Prepared, most: usize, watch: &mut Watch) -> Result<Self, DataError> {
        let examples = &prepared.examples;
        let mut places = Vec::new();
        let mut begin = 0;
        while let Some(first) = examples.get(begin) {
            // Examples are in the order of their files.
            let end = examples.partition_point(|example| example.id.file <= first.id.file);
            places.extend(spread(end - begin, most).into_iter().map(|place| begin + place));
            begin = end;
        }
        let mut guesses = Vec::with_capacity(places.len());
        for part in places.chunks(TEXTS_PER_LOOK) {
            watch.advance("Detecting languages", guesses.len(), places.len(), "texts")?;
            guesses.par_extend(part.par_iter().map(|&place| LanguageGuess::of(&examples[place].text)));
        }
        Ok(Self { places, guesses })
    }

    /// The languages of each file.
    #[must_use]
    pub fn of_files(&self, prepared: &Prepared) -> Vec<FileLanguages> {
        let sampled: Vec<(SourceFile, Option<Language>)> = self
            .places
            .iter()
            .zip(&self.guesses)
            .map(|(&place, guess)| {
                let likely = guess.filter(|guess| guess.is_likely);
                (prepared.examples[place].id.file, likely.map(|guess| guess.language))
            })
            .collect();
        let of_file = |texts: &[(SourceFile, Option<Language>)]| {
            let mut counts: BTreeMap<Language, usize> = BTreeMap::new();
            texts.iter().filter_map(|(_, language)| *language).for_each(|found| *counts.entry(found).or_default() += 1);
            let mut languages: Vec<(Language, usize)> = counts.into_iter().collect();
            languages.sort_by_key(|&(_, texts)| std::cmp::Reverse(texts));
            FileLanguages { file: texts[0].0, texts: texts.len(), languages }
        };
        sampled.chunk_by(|a, b| a.0 == b.0).map(of_file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_recognised_and_short_texts_are_left_open() {
        let code = |text| language_of(text).map(|language| language.code);
        assert_eq!(code("The delivery was late again and nobody answered the phone for two days"), Some("eng"));
        assert_eq!(code("Die Lieferung kam schon wieder zu spät und niemand ging ans Telefon"), Some("deu"));
        assert_eq!(code("La livraison était encore en retard et personne ne répondait au téléphone"), Some("fra"));
        assert_eq!(code("Η παράδοση άργησε πάλι και κανείς δεν απαντούσε στο τηλέφωνο"), Some("ell"));
        assert_eq!(code("また配達が遅れて、二日間誰も電話に出なかった"), Some("jpn"));
        assert_eq!(code("ok"), None);
        assert_eq!(code("12345 !!"), None);
        assert_eq!(code("Die Lieferung kam"), None, "too short");
        assert_eq!(
            code("@die_lieferung_kam_schon_wieder #viel_zu_spaet https://example.com/und-niemand-ging ok"),
            None
        );
        let french = language_of("La livraison était encore en retard et personne ne répondait");
        assert_eq!(french.map(|language| language.name), Some("French"));
    }
}
