//! How many tokens the texts have, counted or estimated from words.

use crate::data::insight::lengths::spread;
use crate::data::{DataError, Prepared, TextTokenizer, word_counts};
use crate::progress::Watch;

/// Tokens of the texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenLengths {
    /// Tokens of each of [`Prepared::examples`], with special tokens, before truncation.
    pub tokens: Vec<usize>,
    /// The most the model reads; `None` while the model is not known.
    pub limit: Option<usize>,
    /// They are estimated from words: the model's tokenizer is not at hand.
    pub estimated: bool,
    /// So many of them are counted and the others estimated from words, by what a word of those counted takes; `None` where
    /// they are all counted or all estimated.
    pub sampled: Option<usize>,
}

impl TokenLengths {
    /// Counts tokens by a model's own tokenizer: of at most `most` texts spread evenly over all. `limit` is the most the
    /// model reads.
    ///
    /// # Errors
    /// [`DataError::Cancelled`], and [`DataError::Tokenise`] when the tokenizer refuses a text.
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

    /// A guess from words, for when the model is not on this machine: 1.3 tokens a word, and two special tokens.
    #[must_use]
    pub fn estimate(prepared: &Prepared) -> Self {
        let tokens = word_counts(prepared).into_iter().map(|words| (f64::from(words) * 1.3).ceil() as usize + 2);
        Self { tokens: tokens.collect(), limit: None, estimated: true, sampled: None }
    }
}
