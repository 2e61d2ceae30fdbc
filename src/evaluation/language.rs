//! Metrics of language modelling.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::project::Objective;

/// Counts over words to predict: masked ones, or each next one. Counts of several documents can be added.
///
/// A word may have several tokens. The loss is per token, as usual; the accuracy is per word, because people read
/// words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WordCounts {
    /// Tokens to predict.
    pub tokens: u64,
    /// Sum of their cross-entropies, in nats.
    pub nats: f64,
    /// Words to predict.
    pub words: u64,
    /// Words of which every token was predicted correctly.
    pub correct: u64,
}

impl WordCounts {
    /// Mean cross-entropy of a token, in nats; 0 without tokens.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.nats / self.tokens.max(1) as f64
    }

    /// The exponential of the loss: the number of equally likely tokens the model is undecided between.
    #[must_use]
    pub fn perplexity(&self) -> f64 {
        self.loss().exp()
    }

    /// Share of words predicted correctly; 0 without words.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.words.max(1) as f64
    }
}

impl AddAssign for WordCounts {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.nats += other.nats;
        self.words += other.words;
        self.correct += other.correct;
    }
}

/// The metrics of a language model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LanguageModelMetrics {
    /// What it predicts; masked words in runs of early versions.
    #[serde(default)]
    pub objective: Objective,
    /// Documents evaluated.
    pub documents: u64,
    /// Over all words to predict.
    pub overall: WordCounts,
    /// Over those that are domain terms.
    pub terms: WordCounts,
    /// Over each of the domain's own terms, the most telling first; empty in runs of early versions.
    #[serde(default)]
    pub by_term: Vec<TermCounts>,
}

/// How well one of the domain's own terms was predicted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TermCounts {
    /// The term.
    pub term: String,
    /// Over the words that are this term; 0 words if none was masked.
    pub counts: WordCounts,
}

impl LanguageModelMetrics {
    /// The counts of a term; `None` if it is not one of the domain's, or none was masked.
    #[must_use]
    pub fn term(&self, term: &str) -> Option<&WordCounts> {
        self.masked_terms().find(|known| known.term == term).map(|known| &known.counts)
    }

    /// The terms that were masked at least once, the most telling first.
    pub fn masked_terms(&self) -> impl Iterator<Item = &TermCounts> {
        self.by_term.iter().filter(|term| term.counts.words > 0)
    }

    /// The sum over documents, in order, so that the same documents give bit-identical results.
    #[must_use]
    pub fn of(objective: Objective, documents: &[WordsAnswer], by_term: Vec<TermCounts>) -> Self {
        let mut metrics = Self { objective, documents: documents.len() as u64, by_term, ..Self::default() };
        for document in documents {
            metrics.overall += document.overall;
            metrics.terms += document.terms;
        }
        metrics
    }
}

/// The results for the words of one document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WordsAnswer {
    /// Over all words to predict.
    pub overall: WordCounts,
    /// Over those that are domain terms.
    pub terms: WordCounts,
}
