//! How many tokens the texts have, counted or estimated from words.

use crate::data::insight::lengths::spread;
use crate::data::{DataError, Prepared, TextTokenizer, word_counts};
use crate::progress::Watch;

/// Tokens of the texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenLengths {
    /// Number of tokens of each of [`Prepared::examples`] before truncation, special tokens included.
    pub tokens: Vec<usize>,
    /// The most tokens that the model reads; `None` if the model is not known.
    pub limit: Option<usize>,
    /// Whether they are estimated from words, because the model's tokenizer is not available.
    pub estimated: bool,
    /// How many of the texts are counted, if the others are estimated from their words by the tokens per word of those
    /// counted; `None` if all are counted or all estimated.
    pub sampled: Option<usize>,
}

impl TokenLengths {
    /// Counts tokens with a model's own tokenizer, in at most `most` texts, evenly spread. `limit` is the most tokens
    /// that the model reads.
    ///
    /// # Errors
    /// [`DataError::Cancelled`], and [`DataError::Tokenise`] if the tokenizer fails on a text.
    pub fn count(
        prepared: &Prepared,
        tokenizer: &TextTokenizer,
        (limit, most): (usize, usize),
        watch: &mut Watch,
    ) -> Result<Self, DataError> {
        let places = spread(prepared.examples.len(), most);
        let mut counted = Vec::with_capacity(places.len());
        for part in places.chunks(TextTokenizer::TEXTS_PER_LOOK) {
            watch.advance("Counting tokens", counted.len(), places.len(), "rows")?;
            let texts: Vec<&str> = part.iter().map(|&place| prepared.examples[place].text.as_str()).collect();
            counted.extend(tokenizer.token_lengths(&texts)?);
        }
        if counted.len() == prepared.examples.len() {
            return Ok(Self { tokens: counted, limit: Some(limit), ..Self::default() });
        }
        let words = word_counts(prepared);
        let special = tokenizer.special_tokens();
        let read: f64 = places.iter().map(|&place| f64::from(words[place])).sum();
        let a_word = counted.iter().map(|tokens| tokens.saturating_sub(special) as f64).sum::<f64>() / read.max(1.0);
        let mut tokens: Vec<usize> =
            words.into_iter().map(|words| (f64::from(words) * a_word).ceil() as usize + special).collect();
        let sampled = Some(counted.len());
        for (place, length) in places.into_iter().zip(counted) {
            tokens[place] = length;
        }
        Ok(Self { tokens, limit: Some(limit), estimated: false, sampled })
    }

    /// Estimates tokens from words, if the model is not on this machine: 1.3 tokens per word, and two special tokens.
    #[must_use]
    pub fn estimate(prepared: &Prepared) -> Self {
        let tokens = word_counts(prepared).into_iter().map(|words| (f64::from(words) * 1.3).ceil() as usize + 2);
        Self { tokens: tokens.collect(), limit: None, estimated: true, sampled: None }
    }
}
