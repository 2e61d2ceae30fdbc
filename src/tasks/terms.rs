//! The domain's own terms among predicted words, which language models are scored on separately.

use std::collections::HashMap;

use crate::data::{Batch, DataError, TextTokenizer, TokenKinds, domain_terms};
use crate::evaluation::ScoredWord;
use crate::progress::Watch;
use crate::tasks::{Reads, Samples};

/// Number of domain terms that are scored separately.
pub const SCORED_TERMS: usize = 200;

/// The domain's own terms.
pub(super) struct Terms {
    pub words: Vec<String>,
    /// The number of each term by its tokens.
    by_tokens: HashMap<Vec<u32>, u32>,
}

impl Terms {
    /// The terms of `training_texts`.
    ///
    /// # Errors
    /// [`DataError::Cancelled`], and if the tokenizer fails on a word.
    pub fn find(
        training_texts: &[&str],
        tokenizer: &TextTokenizer,
        kinds: &TokenKinds,
        watch: &mut Watch<'_>,
    ) -> Result<Self, DataError> {
        let found = domain_terms(training_texts, None, tokenizer, SCORED_TERMS, watch)?;
        Self::new(found.terms.into_iter().map(|term| term.word).collect(), tokenizer, kinds)
    }

    /// These terms, the most telling first.
    ///
    /// # Errors
    /// If the tokenizer fails on a word.
    pub fn new(words: Vec<String>, tokenizer: &TextTokenizer, kinds: &TokenKinds) -> Result<Self, DataError> {
        // Some tokenizers have other tokens for words after a space.
        let after_space: Vec<String> = words.iter().map(|word| format!(" {word}")).collect();
        let texts: Vec<&str> = words.iter().chain(&after_space).map(String::as_str).collect();
        let ids = tokenizer.encode_batch(&texts, usize::MAX)?;
        // If two terms have the same tokens, the more telling one wins.
        let numbered = ids.iter().enumerate().rev();
        let numbered = numbered.map(|(place, ids)| (kinds.own(ids).to_vec(), (place % words.len().max(1)) as u32));
        Ok(Self { by_tokens: numbered.collect(), words })
    }

    /// The rows and words of a batch's reads. `places` is where each wanted token is, as a position in the batch.
    pub fn reads(&self, samples: &Samples, batch: &Batch, places: &[u32], kinds: &TokenKinds) -> Reads {
        let cu_reads = batch.cu_reads();
        let of_sequence =
            |(ends, &sample): (&[u32], &usize)| std::iter::repeat_n(samples.rows[sample], (ends[1] - ends[0]) as usize);
        let rows = cu_reads.windows(2).zip(&batch.rows).flat_map(of_sequence).collect();
        let mut words = vec![ScoredWord::default(); batch.reads.len()];
        let mut begin = 0;
        while begin < words.len() {
            let goes_on = |&read: &usize| places[read] == places[read - 1] + 1 && kinds.continues(batch.wanted[read]);
            let end = (begin + 1..words.len()).find(|read| !goes_on(read)).unwrap_or(words.len());
            let term = self.by_tokens.get(&batch.wanted[begin..end]).copied();
            words[begin..end].fill(ScoredWord { begins: false, term });
            words[begin].begins = true;
            begin = end;
        }
        Reads { rows, words }
    }
}
