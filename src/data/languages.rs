//! The language a text is written in, by whatlang's letter trigrams.

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language {
    /// ISO 639-3 code, for example `eng`.
    pub code: &'static str,
    /// Name in English.
    pub name: &'static str,
}

/// The language of a text; `None` where the text is too short or too mixed to be sure of.
#[must_use]
pub fn language_of(text: &str) -> Option<Language> {
    let info = whatlang::detect(text).filter(whatlang::Info::is_reliable)?;
    Some(Language { code: info.lang().code(), name: info.lang().eng_name() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart_and_short_texts_are_left_open() {
        let code = |text| language_of(text).map(|language| language.code);
        assert_eq!(code("The parcel arrived on Monday and everything in it was just as described"), Some("eng"));
        assert_eq!(code("Das Paket kam am Montag an und alles darin war genau so wie beschrieben"), Some("deu"));
        assert_eq!(code("Great"), None);
        assert_eq!(code("12345 !!"), None);
    }
}
