//! The language a text is written in, by whatlang's letter trigrams.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::data::insight::lengths::spread;
use crate::data::{DataError, Prepared};
use crate::progress::{Progress, Watch};
use crate::project::SourceFile;

/// Texts looked at between two looks at the cancel switch.
const TEXTS_PER_LOOK: usize = 1_024;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language {
    /// ISO 639-3 code, for example `eng`.
    pub code: &'static str,
    /// Name in English.
    pub name: &'static str,
}

/// Letters a text needs for its language to be told: shorter ones are guessed wrongly too often.
const LETTERS: usize = 30;
/// The same where one language alone is written in such letters.
const LETTERS_OF_ONE: usize = 10;
/// Least confidence, 0..1, of a guess that is counted.
const LIKELY: f64 = 0.5;

/// What the letters of a text say of its language. Whoever tells of languages goes by this, so that one text is not given
/// two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanguageGuess {
    /// The language.
    pub language: Language,
    /// Rather this one than any other.
    pub is_likely: bool,
    /// Hardly any other.
    pub is_sure: bool,
}

impl LanguageGuess {
    /// A guess at the language of a text, if it is long enough. What is no language (addresses, `@names`, `#tags`) is not
    /// looked at.
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

/// The language of a text; `None` where the text is too short or too mixed to be sure of.
#[must_use]
pub fn language_of(text: &str) -> Option<Language> {
    LanguageGuess::of(text).filter(|guess| guess.is_likely).map(|guess| guess.language)
}

/// Languages of one file's texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLanguages {
    /// The file.
    pub file: SourceFile,
    /// Texts looked at, spread evenly over the file.
    pub texts: usize,
    /// Texts of each language, the most frequent first.
    pub languages: Vec<(Language, usize)>,
}

impl FileLanguages {
    /// Texts too short or too mixed to be sure of.
    #[must_use]
    pub fn unsure(&self) -> usize {
        self.texts - self.languages.iter().map(|(_, texts)| texts).sum::<usize>()
    }
}

/// Counts the languages of the used texts, of at most `most` of each file.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn count_languages(prepared: &Prepared, most: usize, watch: &mut Watch) -> Result<Vec<FileLanguages>, DataError> {
    let mut files = Vec::new();
    let mut rest = prepared.examples.as_slice();
    while let Some(first) = rest.first() {
        let file = first.id.file;
        // Examples stand in the order of their files.
        let (of_file, others) = rest.split_at(rest.partition_point(|example| example.id.file <= file));
        rest = others;
        let places = spread(of_file.len(), most);
        let all = places.len();
        let mut counts: BTreeMap<Language, usize> = BTreeMap::new();
        for (part, places) in places.chunks(TEXTS_PER_LOOK).enumerate() {
            if watch.is_cancelled() {
                return Err(DataError::Cancelled);
            }
            watch.progress(Progress {
                stage: "Telling languages".to_owned(),
                done: (part * TEXTS_PER_LOOK) as u64,
                total: Some(all as u64),
                unit: "texts",
                eta_seconds: None,
            });
            let found: Vec<Option<Language>> =
                places.par_iter().map(|&place| language_of(&of_file[place].text)).collect();
            for language in found.into_iter().flatten() {
                *counts.entry(language).or_default() += 1;
            }
        }
        let mut languages: Vec<(Language, usize)> = counts.into_iter().collect();
        languages.sort_by_key(|&(_, texts)| std::cmp::Reverse(texts));
        files.push(FileLanguages { file, texts: all, languages });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart_and_short_texts_are_left_open() {
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
