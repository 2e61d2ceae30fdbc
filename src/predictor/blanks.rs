//! Fills blanks in a text with the words that a masked language model expects.

use regex::Regex;

use crate::data::{Batch, DataError, Sequence, TokenKinds};
use crate::models::Mode;
use crate::predictor::{Predictor, PredictorError};

/// A blank as typed: two or more underscores, or BERT's mask token.
const BLANK: &str = r"_{2,}|\[MASK\]";

/// A word that fits in a blank.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// The word.
    pub word: String,
    /// Its probability, among all tokens of the vocabulary.
    pub probability: f32,
}

impl Predictor {
    /// The `most` most likely words for each blank in a raw text, most likely first. A blank is two or more
    /// underscores. Blanks too far from the first one for the model to read are ignored.
    ///
    /// # Errors
    /// If the model is not a masked language model, or the tokenizer or the network fails.
    pub fn fill_blanks(&self, text: &str, most: usize) -> Result<Vec<Vec<Guess>>, PredictorError> {
        let kinds = TokenKinds::of(&self.tokenizer);
        let mask = kinds.mask().ok_or(DataError::NoMaskToken)?;
        let ids = self.mask_blanks(text, (mask, &kinds))?;
        let reads: Vec<u32> = (0..).zip(&ids).filter(|(_, id)| **id == mask).map(|(at, _)| at).collect();
        if reads.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::default();
        batch.push(Sequence { ids: &ids, reads: &reads, wanted: &[], row: 0 });
        let scores = self.model.forward(&batch, Mode::Inference)?;
        Ok(scores.iter().map(|scores| self.guesses(scores, &kinds, most)).collect())
    }

    /// The tokens of a text with its blanks masked, limited to what the model reads around the first blank.
    fn mask_blanks(&self, text: &str, (mask_id, kinds): (u32, &TokenKinds)) -> Result<Vec<u32>, PredictorError> {
        let mask = self.tokenizer.token(mask_id).unwrap_or_default();
        // Cleaning could remove a blank, so only the text between blanks is cleaned.
        let parts: Vec<String> = match Regex::new(BLANK) {
            Ok(blank) => blank.split(text).map(|part| self.cleaner.clean(part)).collect(),
            Err(_) => vec![self.cleaner.clean(text)],
        };
        let masked = parts.join(&format!(" {mask} "));
        let ids = self.tokenizer.encode_batch(&[masked.as_str()], usize::MAX)?.concat();
        let (own, [before, after]) = (kinds.own(&ids), kinds.around());
        let room = self.model.max_positions() - kinds.special_tokens();
        let first = own.iter().position(|&id| id == mask_id).unwrap_or(0);
        let from = first.saturating_sub(room / 2).min(own.len().saturating_sub(room));
        let window = &own[from..own.len().min(from + room)];
        Ok([before.as_slice(), window, after].concat())
    }

    fn guesses(&self, scores: &[f32], kinds: &TokenKinds, most: usize) -> Vec<Guess> {
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponential = |score: f32| f64::from(score - highest).exp();
        let total: f64 = scores.iter().map(|&score| exponential(score)).sum();
        let is_word = |id: &u32| kinds.can_be_masked(*id) && !kinds.continues(*id);
        let mut order: Vec<u32> = (0..scores.len() as u32).filter(is_word).collect();
        order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
        let guess = |id: u32| {
            let token = self.tokenizer.token(id)?;
            let word = token.trim_start_matches(['▁', 'Ġ']).to_owned();
            let probability = (exponential(scores[id as usize]) / total) as f32;
            word.chars().any(char::is_alphanumeric).then_some(Guess { word, probability })
        };
        order.into_iter().filter_map(guess).take(most).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::models::{HeadSpec, LoadOptions, Model};
    use crate::project::TaskKind;
    use crate::storage::ModelFolderInfo;

    fn tiny() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")
    }

    /// The fixture with a new language model head.
    fn predictor() -> Predictor {
        let folder = tempfile::tempdir().unwrap();
        let model = Model::load(&tiny(), &LoadOptions::new(HeadSpec::LanguageModel)).unwrap().0;
        model.save_folder(&tiny(), folder.path()).unwrap();
        let info = ModelFolderInfo { task: TaskKind::LanguageModelling, max_length: 64, ..ModelFolderInfo::default() };
        Predictor::load_with(folder.path(), info).unwrap()
    }

    #[test]
    fn each_blank_gets_its_most_likely_words() {
        let predictor = predictor();
        let filled = predictor.fill_blanks("the charger is ____ and [MASK]", 5).unwrap();
        assert_eq!(filled.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5]);
        for guesses in &filled {
            assert!(guesses.windows(2).all(|pair| pair[0].probability >= pair[1].probability), "{guesses:?}");
            assert!(guesses.iter().all(|guess| guess.probability > 0.0 && !guess.word.starts_with("##")));
            assert!(guesses.iter().map(|guess| guess.probability).sum::<f32>() <= 1.0);
        }
        assert!(predictor.fill_blanks("no blank in _ here", 5).unwrap().is_empty());
    }

    #[test]
    fn the_words_with_the_highest_scores_are_returned() {
        let predictor = predictor();
        let kinds = TokenKinds::of(&predictor.tokenizer);
        let ids = predictor.mask_blanks("good ___", (4, &kinds)).unwrap();
        assert_eq!((ids[0], ids[ids.len() - 2], ids[ids.len() - 1]), (2, 4, 3));
        let mut scores = vec![0.0; predictor.tokenizer.vocab_size()];
        let [word, piece, special] = ["good", "##ing", "[SEP]"].map(|token| predictor.tokenizer.id(token).unwrap());
        (scores[word as usize], scores[piece as usize], scores[special as usize]) = (5.0, 6.0, 7.0);
        let guesses = predictor.guesses(&scores, &kinds, 1);
        let rest = (scores.len() - 3) as f64;
        let expected = 5.0_f64.exp() / (5.0_f64.exp() + 6.0_f64.exp() + 7.0_f64.exp() + rest);
        assert_eq!(guesses[0].word, "good");
        assert!((f64::from(guesses[0].probability) - expected).abs() < 1e-6);
    }

    #[test]
    fn a_long_text_is_read_around_its_first_blank() {
        let predictor = predictor();
        let kinds = TokenKinds::of(&predictor.tokenizer);
        let long = "good ".repeat(300);
        let filled = predictor.fill_blanks(&format!("{long} ___ {long} ___"), 3).unwrap();
        assert_eq!(filled.len(), 1, "the second blank is too far away");
        let ids = predictor.mask_blanks(&format!("{long} ___"), (4, &kinds)).unwrap();
        assert_eq!(ids.len(), predictor.model.max_positions());
    }
}
