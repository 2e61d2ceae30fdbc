//! Language modelling of decoders: continued pre-training, in which the model predicts each next token of a person's own texts.
//!
//! A document is its tokens and the token that ends a text, so that the model learns where texts end. In training, documents
//! are packed into sequences; each held-out document has its own sequences. A document attends only to itself.

use crate::data::{Batch, DataError, PackedSequence, Sequence, Side, TokenKinds, cut_stretches, pack_stretches};
use crate::evaluation::{Answer, Interval, Scorer, WordsAnswer, perplexity_interval};
use crate::models::HeadSpec;
use crate::ops::CrossEntropy;
use crate::project::{Objective, OutOfRange};
use crate::tasks::terms::Terms;
use crate::tasks::{Draw, Encoded, Measured, Reads, Samples, TaskDefinition};

/// Prediction of each next token.
pub(super) struct NextTokens {
    kinds: TokenKinds,
    terms: Terms,
}

impl NextTokens {
    /// Creates the task. `terms` are the domain's.
    pub fn new(kinds: TokenKinds, terms: Terms) -> Self {
        Self { kinds, terms }
    }
}

impl TaskDefinition for NextTokens {
    fn head(&self) -> HeadSpec {
        HeadSpec::LanguageModel
    }

    fn truncates(&self) -> bool {
        false
    }

    fn samples(&self, encoded: Encoded<'_>) -> Result<Samples, DataError> {
        let Encoded { ids, side, max_length, .. } = encoded;
        let mut samples = Samples::default();
        let mut add = |row: usize, sequences: Vec<PackedSequence>| {
            for PackedSequence { ids, ends, given } in sequences {
                samples.ids.push(ids);
                samples.ends.push(ends);
                samples.given.push(given);
                samples.rows.push(row);
            }
        };
        if side == Side::Train {
            add(0, pack_stretches(&ids, &self.kinds, max_length)?);
        } else {
            for (row, document) in ids.iter().enumerate() {
                add(row, cut_stretches(document, &self.kinds, max_length)?);
            }
        }
        Ok(samples)
    }

    fn batch(&self, samples: &Samples, rows: &[usize], _: Draw) -> Batch {
        let mut batch = Batch::with_capacity(rows.len(), rows.iter().map(|&row| samples.ids[row].len()).sum());
        for &row in rows {
            let mut first = 0;
            for (&end, &given) in samples.ends[row].iter().zip(&samples.given[row]) {
                let ids = &samples.ids[row][first as usize..end as usize];
                // Each token is read at the one before it, so the hidden state of the last is not needed.
                let reads: Vec<u32> = (given - 1..ids.len() as u32 - 1).collect();
                batch.push(Sequence { ids, reads: &reads, wanted: &ids[given as usize..], row });
                first = end;
            }
        }
        batch
    }

    fn loss(&self, _: &Samples) -> Result<CrossEntropy, OutOfRange> {
        Ok(CrossEntropy { class_weights: None, label_smoothing: 0.0, divisor: None })
    }

    fn scorer(&self, rows: usize) -> Scorer {
        Scorer::words(Objective::NextTokens, rows, &self.terms.words)
    }

    fn reads(&self, samples: &Samples, batch: &Batch) -> Reads {
        let places: Vec<u32> = batch.reads.iter().map(|read| read + 1).collect();
        self.terms.reads(samples, batch, &places, &self.kinds)
    }

    fn interval(&self, measured: Measured<'_>) -> Option<Interval> {
        let documents: Vec<WordsAnswer> = measured.answers.iter().filter_map(Answer::words).copied().collect();
        perplexity_interval(&documents, measured.seed)
    }

    fn is_compared_with_untrained(&self) -> bool {
        true
    }

    fn share_read(&self) -> f64 {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::data::TextTokenizer;

    fn task(name: &str, terms: &[&str]) -> (NextTokens, TextTokenizer) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let tokenizer = TextTokenizer::load(&folder).unwrap();
        let kinds = TokenKinds::of(&tokenizer);
        let terms = Terms::new(terms.iter().map(|&term| term.to_owned()).collect(), &tokenizer, &kinds).unwrap();
        (NextTokens::new(kinds, terms), tokenizer)
    }

    fn samples((task, tokenizer): &(NextTokens, TextTokenizer), side: Side, texts: &[&str], length: usize) -> Samples {
        let ids = tokenizer.encode_batch(texts, usize::MAX).unwrap();
        task.samples(Encoded { examples: &[], ids, side, max_length: length }).unwrap()
    }

    const TEXTS: [&str; 3] = ["the tenant shall pay the rent", "", "the lessee shall pay each month, the lessee"];

    #[test]
    fn every_token_is_read_at_the_one_before_it_in_its_own_text() {
        for name in ["tiny-gpt2", "tiny-llama"] {
            let task = task(name, &[]);
            let samples = samples(&task, Side::Train, &TEXTS, 64);
            assert_eq!((samples.len(), samples.ends[0].len()), (1, 2), "{name}");
            let batch = task.0.batch(&samples, &[0], Draw::Epoch(0));
            assert_eq!((batch.len(), batch.rows.as_slice()), (2, &[0, 0][..]));
            for (&read, &wanted) in batch.reads.iter().zip(&batch.wanted) {
                assert_eq!(batch.input_ids[read as usize + 1], wanted);
            }
            // All but the first token of each text.
            assert_eq!(batch.reads.len(), batch.input_ids.len() - 2);
            let end = task.0.kinds.end().unwrap();
            assert_eq!(batch.wanted.iter().filter(|&&id| id == end).count(), 2, "each text's end is predicted");
            assert_eq!(batch, task.0.batch(&samples, &[0], Draw::Evaluation));
        }
    }

    #[test]
    fn held_out_documents_have_their_own_windows_and_terms_are_found_after_a_space_too() {
        let task = task("tiny-gpt2", &["tenant", "lessee"]);
        let windows = samples(&task, Side::Test, &TEXTS, 9);
        assert!(windows.rows.iter().filter(|&&row| row == 2).count() > 1 && !windows.rows.contains(&1));
        let whole = samples(&task, Side::Test, &TEXTS, 64);
        let batch = task.0.batch(&whole, &[0, 1], Draw::Evaluation);
        let reads = task.0.reads(&whole, &batch);
        let of = |term| {
            let begins = reads.words.iter().filter(|word| word.begins && word.term == Some(term)).count();
            (begins, reads.words.iter().filter(|word| word.term == Some(term)).count())
        };
        let tokens = |word: &str| task.1.encode_batch(&[word], 64).unwrap().concat().len();
        assert_eq!(of(0), (1, tokens(" tenant")));
        assert_eq!(of(1), (2, 2 * tokens(" lessee")));
        assert_eq!((reads.rows[0], reads.rows.last()), (0, Some(&2)));
    }
}
