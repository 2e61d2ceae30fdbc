//! Continues a text with a model that predicts the next token.
//!
//! The whole text is computed again for each token: what attention needs of earlier tokens is not kept. That suits the few
//! dozen tokens of a sample.

use crate::data::{Batch, Sequence, TokenKinds};
use crate::predictor::{Predictor, PredictorError};
use crate::progress::Watch;
use crate::project::{Objective, TaskKind};
use crate::random::Rng;

/// Tokens are drawn from this many of the likeliest (top-k), the default of `transformers`: the many unlikely ones add up.
const LIKELIEST: usize = 50;
/// Tokens of the text that are read, at most: each further token of the continuation takes as long as reading them.
const MOST_READ: usize = 1_024;
/// Separates the draws from other random numbers with the same seed.
const STREAM: u64 = 0x6e65_7874;

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 for the likeliest token each time; else logits are divided by it before a token is drawn, so that a higher one gives
    /// unlikely tokens more of a chance.
    pub temperature: f32,
    /// Seed of the draws.
    pub seed: u64,
    /// Most tokens.
    pub most: usize,
}

impl Default for Sampling {
    /// The likeliest tokens, 40 of them.
    fn default() -> Self {
        Self { temperature: 0.0, seed: 1, most: 40 }
    }
}

/// What follows a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Continuation {
    /// The text that follows, with the space before it.
    pub text: String,
    /// Whether the model ended the text.
    pub ended: bool,
}

impl Predictor {
    /// Continues a raw text. The same text and sampling always give the same continuation.
    ///
    /// # Errors
    /// [`PredictorError::PredictsNoNextToken`] if the model is not made for it, [`PredictorError::NothingToContinue`] for an
    /// empty text, [`PredictorError::Cancelled`], or if the tokenizer or the network fails.
    pub fn continue_text(
        &self,
        text: &str,
        sampling: Sampling,
        watch: &mut Watch<'_>,
    ) -> Result<Continuation, PredictorError> {
        let is_language_model = self.info.task == TaskKind::LanguageModelling;
        if !is_language_model || self.objective() != Objective::NextTokens {
            return Err(PredictorError::PredictsNoNextToken(self.folder.clone()));
        }
        let kinds = TokenKinds::of(&self.tokenizer);
        let cleaned = self.cleaner.clean(text);
        let own = self.tokenizer.encode_batch(&[cleaned.trim_end()], usize::MAX)?.concat();
        let mut ids = kinds.own(&own).to_vec();
        if ids.is_empty() {
            return Err(PredictorError::NothingToContinue);
        }
        let (given, mut rng) = (ids.len(), Rng::stream(sampling.seed, STREAM));
        let mut ended = false;
        while !ended && ids.len() - given < sampling.most {
            watch.advance("Continuing the text", ids.len() - given, sampling.most, "tokens")?;
            let scores = self.scores_after(&ids, &kinds, watch)?;
            let next = choose(&scores, sampling.temperature, &mut rng);
            ended = kinds.end() == Some(next);
            if !ended {
                ids.push(next);
            }
        }
        let (before, whole) = (self.tokenizer.decode(&ids[..given])?, self.tokenizer.decode(&ids)?);
        let text = whole.strip_prefix(before.as_str()).unwrap_or(&whole);
        // An incomplete character decodes to U+FFFD.
        Ok(Continuation { text: text.trim_end_matches('\u{FFFD}').to_owned(), ended })
    }

    /// Scores of the tokens that can follow the last tokens: as many as the model reads, at most [`MOST_READ`].
    fn scores_after(&self, ids: &[u32], kinds: &TokenKinds, watch: &Watch<'_>) -> Result<Vec<f32>, PredictorError> {
        let [before, _] = kinds.around();
        let room = self.model.max_positions().min(MOST_READ).saturating_sub(before.len()).max(1);
        let read = [before, &ids[ids.len().saturating_sub(room)..]].concat();
        let mut batch = Batch::default();
        batch.push(Sequence { ids: &read, reads: &[read.len() as u32 - 1], wanted: &[], row: 0 });
        let (control, mut scores) = (watch.control, Vec::new());
        let take = &mut |part: &[Vec<f32>]| scores.extend(part.concat());
        let outcome = self.model.forward_in_parts(&batch, None, &|| control.is_cancelled(), take);
        // A stopped pass fails with an error; report the stop instead.
        control.look()?;
        outcome?;
        // Some models have more scores than their tokenizer has tokens.
        scores.truncate(self.tokenizer.highest_id() as usize + 1);
        Ok(scores)
    }
}

/// The likeliest token, or one drawn from the likeliest.
fn choose(scores: &[f32], temperature: f32, rng: &mut Rng) -> u32 {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    let score = |id: u32| scores[id as usize];
    order.sort_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
    order.truncate(LIKELIEST);
    let Some(&first) = order.first() else { return 0 };
    if temperature <= 0.0 {
        return first;
    }
    let weight = |id: u32| f64::from((score(id) - score(first)) / temperature).exp();
    let mut left = rng.uniform() * order.iter().map(|&id| weight(id)).sum::<f64>();
    for &id in &order {
        left -= weight(id);
        if left < 0.0 {
            return id;
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_drawn_by_their_probabilities() {
        let mut scores = vec![-30.0; 200];
        (scores[7], scores[150]) = (2.0_f32.ln(), 0.0);
        let mut rng = Rng::new(3);
        assert_eq!(choose(&scores, 0.0, &mut rng), 7);
        let mut of = |temperature: f32| {
            let drawn: Vec<u32> = (0..6000).map(|_| choose(&scores, temperature, &mut rng)).collect();
            assert!(drawn.iter().all(|&id| id == 7 || id == 150 || id < LIKELIEST as u32));
            drawn.iter().filter(|&&id| id == 7).count() as f64 / 6000.0
        };
        assert!((of(1.0) - 2.0 / 3.0).abs() < 0.03);
        // Squared, two to one is four to one.
        assert!((of(0.5) - 0.8).abs() < 0.03);
    }
}
