//! Adds whole words to a tokenizer.
//!
//! `WordPiece` takes the longest piece of its vocabulary that a word begins with, so a word that is in the vocabulary
//! is one token, and longer words that begin with it have it as their first piece ("appellants": "appellant", "##s").
//! So new words go where the old ones are: into `model.vocab` of `tokenizer.json`, and to the end of `vocab.txt`, whose
//! line numbers are the ids. Both of `transformers`' tokenizers, the fast one and the slow one, then load the folder as
//! it is and agree. The alternative, `added_tokens`, would need four files to agree, and would not help with words that
//! begin with a new one.

use std::collections::HashSet;
use std::path::Path;
use std::str::FromStr;

use tokenizers::{ModelWrapper, NormalizedString, Normalizer, Tokenizer};

use crate::data::tokens::TextTokenizer;
use crate::data::{DataError, read_model_text};

/// A word that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWord {
    /// The word, as it is in the vocabulary.
    pub word: String,
    /// Its id.
    pub id: u32,
    /// The tokens it was split into before.
    pub pieces: Vec<u32>,
}

/// The files of a tokenizer with added words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrownVocabulary {
    /// The words that were added, in the order of their ids, which are consecutive.
    pub words: Vec<NewWord>,
    /// `tokenizer.json`; `None` if the folder has none.
    pub tokenizer: Option<String>,
    /// `vocab.txt`; `None` if the folder has none.
    pub vocabulary: Option<String>,
}

/// Adds words to the tokenizer of a model folder, which is not changed. Words that are one token already, and repeated
/// words, are skipped.
///
/// # Errors
/// Errors of loading the tokenizer, and [`DataError::NewWords`] if the vocabulary is not a `WordPiece` vocabulary, or
/// an entry is not a single word.
pub fn add_words(folder: &Path, words: &[String]) -> Result<GrownVocabulary, DataError> {
    let old = TextTokenizer::load(folder)?;
    let text = |name: &str| String::from_utf8(read_model_text(folder, name).ok()?).ok();
    let (whole, vocabulary) = (text("tokenizer.json"), text("vocab.txt"));
    let lines = vocabulary.as_ref().map_or(0, |text| text.lines().count());
    let mut next = old.tokens().len().max(lines) as u32;
    let (mut added, mut seen) = (Vec::new(), HashSet::new());
    for word in words {
        let (word, pieces) = entry(&old.tokenizer, word)?;
        if pieces.len() > 1 && seen.insert(word.clone()) {
            added.push(NewWord { word, id: next, pieces });
            next += 1;
        }
    }
    let tokenizer = match &whole {
        Some(text) => Some(grown(text, &added)?),
        None => None,
    };
    let vocabulary = vocabulary.map(|text| appended(&text, &old, &added));
    Ok(GrownVocabulary { words: added, tokenizer, vocabulary })
}

/// The word as it is added to the vocabulary, and the tokens it is split into so far.
fn entry(tokenizer: &Tokenizer, word: &str) -> Result<(String, Vec<u32>), DataError> {
    let refused = |reason: String| DataError::NewWords(format!("'{word}' {reason}"));
    let ModelWrapper::WordPiece(model) = tokenizer.get_model() else {
        return Err(DataError::NewWords("its tokenizer is not WordPiece. Choose a BERT model".to_owned()));
    };
    let mut normal = NormalizedString::from(word.trim());
    if let Some(normalizer) = tokenizer.get_normalizer() {
        normalizer.normalize(&mut normal).map_err(|error| refused(format!("cannot be read ({error})")))?;
    }
    let normal = normal.get().trim().to_owned();
    let encoding = tokenizer.encode(word, false).map_err(|error| refused(format!("cannot be read ({error})")))?;
    let one = encoding.get_word_ids().iter().all(|id| id.is_some() && *id == encoding.get_word_ids()[0]);
    if encoding.is_empty() || !one {
        return Err(refused(
            "is not one word. Use words of letters and digits, without spaces or punctuation".to_owned(),
        ));
    }
    if normal.chars().count() > model.max_input_chars_per_word {
        return Err(refused(format!("is longer than {} characters", model.max_input_chars_per_word)));
    }
    if encoding.get_ids().iter().any(|&id| Some(id) == tokenizer.token_to_id(&model.unk_token)) {
        return Err(refused(
            "has characters that the model does not know, so its embedding cannot be initialised".to_owned(),
        ));
    }
    Ok((normal, encoding.get_ids().to_vec()))
}

/// `tokenizer.json` with the added words.
fn grown(text: &str, added: &[NewWord]) -> Result<String, DataError> {
    let failed = |error: tokenizers::Error| DataError::NewWords(error.to_string());
    let mut file: serde_json::Value = serde_json::from_str(text).map_err(|error| failed(error.into()))?;
    if let Some(vocabulary) = file["model"]["vocab"].as_object_mut() {
        vocabulary.extend(added.iter().map(|new| (new.word.clone(), new.id.into())));
    }
    // Through the library, so that the file has its usual order.
    let tokenizer = Tokenizer::from_str(&file.to_string()).map_err(failed)?;
    // Padding settings stay in the file.
    let mut plain = tokenizer.clone();
    plain.with_padding(None);
    for new in added {
        let encoding = plain.encode_fast(new.word.as_str(), false).map_err(failed)?;
        if encoding.get_ids() != [new.id] {
            return Err(DataError::NewWords(format!("the tokenizer still breaks '{}' into pieces", new.word)));
        }
    }
    tokenizer.to_string(true).map_err(failed)
}

/// `vocab.txt` with the added words. Tokens that only the tokenizer had get their lines too, so that ids are line
/// numbers.
fn appended(text: &str, old: &TextTokenizer, added: &[NewWord]) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let tokens = old.tokens();
    let between = tokens.get(lines.len()..).unwrap_or_default();
    lines.extend(between.iter().map(String::as_str));
    lines.extend(added.iter().map(|new| new.word.as_str()));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn tiny() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    /// A folder with these files.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn new_words_are_one_token_with_either_file_and_other_texts_keep_theirs() {
        let old = TextTokenizer::load(&tiny()).unwrap();
        let before = old.encode_batch(&["Lessees good appellant, the Appellants"], 64).unwrap();
        let grown = add_words(&tiny(), &words(&["Lessee", "appellant", "good", "appellant"])).unwrap();
        let added: Vec<_> = grown.words.iter().map(|new| (new.word.as_str(), new.id)).collect();
        assert_eq!(added, [("lessee", 316), ("appellant", 317)]);
        assert_eq!(
            grown.words[0].pieces,
            old.encode_batch(&["lessee"], 64).unwrap()[0][1..][..grown.words[0].pieces.len()]
        );
        let whole = folder(&[("tokenizer.json", grown.tokenizer.as_ref().unwrap())]);
        let plain = folder(&[("vocab.txt", grown.vocabulary.as_ref().unwrap())]);
        let texts = ["Lessees good appellant, the Appellants", "no new word here"];
        let [whole, plain] =
            [whole, plain].map(|folder| TextTokenizer::load(folder.path()).unwrap().encode_batch(&texts, 64).unwrap());
        assert_eq!(whole, plain);
        assert_ne!(whole[0], before[0]);
        assert_eq!(whole[0].iter().filter(|&&id| id == 317).count(), 2, "the plural begins with the new word");
        assert_eq!(whole[1], old.encode_batch(&texts[1..], 64).unwrap()[0]);
    }

    #[test]
    fn padding_settings_stay_in_the_file() {
        use tokenizers::{PaddingParams, PaddingStrategy};
        let mut library = Tokenizer::from_file(tiny().join("tokenizer.json")).unwrap();
        library.with_padding(Some(PaddingParams { strategy: PaddingStrategy::Fixed(16), ..PaddingParams::default() }));
        let folder = folder(&[("tokenizer.json", &library.to_string(false).unwrap())]);
        let grown = add_words(folder.path(), &words(&["lessee"])).unwrap();
        let library = Tokenizer::from_str(&grown.tokenizer.unwrap()).unwrap();
        let encoding = library.encode_fast("lessee", false).unwrap();
        assert_eq!((encoding.get_ids()[0], encoding.len()), (316, 16));
    }

    #[test]
    fn new_ids_follow_tokens_that_were_added_before() {
        let mut library = Tokenizer::from_file(tiny().join("tokenizer.json")).unwrap();
        library.add_tokens([tokenizers::AddedToken::from("<name>", false)]).unwrap();
        let vocabulary = std::fs::read_to_string(tiny().join("vocab.txt")).unwrap();
        let folder = folder(&[("tokenizer.json", &library.to_string(false).unwrap()), ("vocab.txt", &vocabulary)]);
        let grown = add_words(folder.path(), &words(&["lessee"])).unwrap();
        assert_eq!(grown.words[0].id, 317);
        let vocabulary = grown.vocabulary.unwrap();
        let lines: Vec<&str> = vocabulary.lines().collect();
        assert_eq!((lines[316], lines[317], lines.len()), ("<name>", "lessee", 318));
    }

    #[test]
    fn an_entry_that_is_not_a_single_word_is_refused() {
        let refused = |word: &str| add_words(&tiny(), &words(&[word])).unwrap_err().to_string();
        for word in ["res judicata", "sub-section", "", " "] {
            assert!(refused(word).contains(&format!("'{word}' is not one word")), "{word}");
        }
        assert!(refused(&"a".repeat(101)).contains("is longer than 100 characters"));
        assert!(refused("☃").contains("characters that the model does not know"));
        let error = add_words(folder(&[]).path(), &[]).unwrap_err();
        assert!(matches!(error, DataError::NoTokenizer(_)));
    }

    #[test]
    fn a_vocabulary_without_word_pieces_is_refused() {
        let mut library = Tokenizer::from_file(tiny().join("tokenizer.json")).unwrap();
        library.with_model(tokenizers::models::bpe::BPE::default());
        let folder = folder(&[("tokenizer.json", &library.to_string(false).unwrap())]);
        let error = add_words(folder.path(), &words(&["lessee"])).unwrap_err().to_string();
        assert!(error.contains("not WordPiece"), "{error}");
    }
}
