//! Language modelling of encoders: continued pre-training, in which the model predicts masked words in a person's own texts.
//!
//! In training, documents are packed into sequences, and each epoch masks different words. Each held-out document is
//! split into its own windows, with the same words masked every time, so that scores can be compared.

use std::sync::Arc;

use crate::data::{Batch, DataError, Masking, PackedSequence, Sequence, Side, TokenKinds, cut, pack};
use crate::evaluation::{Answer, Interval, Scorer, WordsAnswer, perplexity_interval};
use crate::models::HeadSpec;
use crate::ops::CrossEntropy;
use crate::project::{LanguageModellingSettings, Objective, OutOfRange};
use crate::tasks::terms::Terms;
use crate::tasks::{Draw, Encoded, Measured, Reads, Samples, TaskDefinition};

/// Prediction of masked words.
pub(super) struct MaskedWords {
    masked_share: f64,
    masking: Masking,
    kinds: Arc<TokenKinds>,
    terms: Terms,
}

impl MaskedWords {
    /// Creates the task. `terms` are the domain's.
    ///
    /// # Errors
    /// [`DataError::NoMaskToken`] if the tokenizer has no mask token.
    pub fn new(
        settings: &LanguageModellingSettings,
        seed: u64,
        kinds: Arc<TokenKinds>,
        terms: Terms,
    ) -> Result<Self, DataError> {
        let masked_share = settings.masked_share;
        Ok(Self { masked_share, masking: Masking::new(masked_share, seed, Arc::clone(&kinds))?, terms, kinds })
    }
}

impl TaskDefinition for MaskedWords {
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
            for PackedSequence { ids, ends, .. } in sequences {
                // A sequence of unknown words has nothing to predict.
                if ids.iter().any(|&id| self.kinds.can_be_masked(id)) {
                    samples.ids.push(ids);
                    samples.ends.push(ends);
                    samples.rows.push(row);
                }
            }
        };
        if side == Side::Train {
            add(0, pack(&ids, &self.kinds, max_length)?);
        } else {
            for (row, document) in ids.iter().enumerate() {
                add(row, cut(document, &self.kinds, max_length)?);
            }
        }
        Ok(samples)
    }

    fn batch(&self, samples: &Samples, rows: &[usize], draw: Draw) -> Batch {
        let mut batch = Batch::with_capacity(rows.len(), rows.iter().map(|&row| samples.ids[row].len()).sum());
        for &row in rows {
            let masked = match draw {
                Draw::Epoch(epoch) => self.masking.draw(&samples.ids[row], epoch, row),
                Draw::Evaluation => self.masking.fixed(&samples.ids[row], row),
            };
            let (mut first, mut first_read) = (0, 0);
            for &end in &samples.ends[row] {
                let last_read = masked.reads.partition_point(|&read| read < end);
                let reads: Vec<u32> = masked.reads[first_read..last_read].iter().map(|read| read - first).collect();
                let ids = &masked.ids[first as usize..end as usize];
                batch.push(Sequence { ids, reads: &reads, wanted: &masked.wanted[first_read..last_read], row });
                (first, first_read) = (end, last_read);
            }
        }
        batch
    }

    fn loss(&self, _: &Samples) -> Result<CrossEntropy, OutOfRange> {
        Ok(CrossEntropy { class_weights: None, label_smoothing: 0.0, divisor: None })
    }

    fn redraws(&self) -> bool {
        true
    }

    fn scorer(&self, rows: usize) -> Scorer {
        Scorer::words(Objective::MaskedWords, rows, &self.terms.words)
    }

    fn reads(&self, samples: &Samples, batch: &Batch) -> Reads {
        self.terms.reads(samples, batch, &batch.reads, &self.kinds)
    }

    fn interval(&self, measured: Measured<'_>) -> Option<Interval> {
        let documents: Vec<WordsAnswer> = measured.answers.iter().filter_map(Answer::words).copied().collect();
        perplexity_interval(&documents, measured.seed)
    }

    fn is_compared_with_untrained(&self) -> bool {
        true
    }

    fn share_read(&self) -> f64 {
        self.masked_share
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;
    use crate::data::TextTokenizer;

    fn task(terms: &[&str]) -> MaskedWords {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let tokenizer = TextTokenizer::load(&folder).unwrap();
        let kinds = Arc::new(TokenKinds::of(&tokenizer));
        let terms = terms.iter().map(|&term| term.to_owned()).collect();
        let terms = Terms::new(terms, &tokenizer, &kinds).unwrap();
        MaskedWords::new(&LanguageModellingSettings::default(), 1, kinds, terms).unwrap()
    }

    fn documents(texts: &[&str]) -> Vec<Vec<u32>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        TextTokenizer::load(&folder).unwrap().encode_batch(texts, usize::MAX).unwrap()
    }

    fn samples(task: &MaskedWords, side: Side, texts: &[&str], max_length: usize) -> Samples {
        task.samples(Encoded { examples: &[], ids: documents(texts), side, max_length }).unwrap()
    }

    const TEXTS: [&str; 4] =
        ["good charger, very good", "☃", "the battery is bad", "unbelievably good quality and good"];

    #[test]
    fn training_documents_share_sequences_and_held_out_documents_do_not() {
        let task = task(&[]);
        let training = samples(&task, Side::Train, &TEXTS, 64);
        assert_eq!((training.len(), training.ends[0].len()), (1, 4));
        let held_out = samples(&task, Side::Validation, &TEXTS, 64);
        assert_eq!(held_out.rows, [0, 2, 3], "a document of unknown words has nothing to predict");
        let windows = samples(&task, Side::Test, &TEXTS[3..], 6);
        assert!(windows.len() > 1 && windows.rows.iter().all(|&row| row == 0), "{windows:?}");
    }

    #[test]
    fn each_text_of_a_batch_is_a_sequence_with_its_own_masks() {
        let task = task(&[]);
        let samples = samples(&task, Side::Train, &TEXTS, 64);
        let batch = task.batch(&samples, &[0], Draw::Epoch(0));
        assert_eq!((batch.len(), batch.rows.as_slice()), (4, &[0; 4][..]));
        assert_eq!(batch.total_tokens(), samples.ids[0].len());
        let original = |read: &u32| samples.ids[0][*read as usize];
        assert_eq!(batch.reads.iter().map(original).collect::<Vec<_>>(), batch.wanted);
        assert!(!batch.reads.is_empty() && batch == task.batch(&samples, &[0], Draw::Epoch(0)));
        let drawn: HashSet<Vec<u32>> =
            (0..20).map(|epoch| task.batch(&samples, &[0], Draw::Epoch(epoch)).reads).collect();
        assert!(drawn.len() > 5, "each epoch masks different words");
        let evaluated = task.batch(&samples, &[0], Draw::Evaluation);
        assert!(evaluated.reads.iter().all(|&read| evaluated.input_ids[read as usize] == 4), "[MASK] hides each word");
    }

    #[test]
    fn reads_belong_to_documents_and_words_and_some_words_are_terms() {
        let task = task(&["charger", "unbelievably"]);
        let samples = samples(&task, Side::Test, &TEXTS, 64);
        let mut batch = task.batch(&samples, &[1, 2], Draw::Evaluation);
        // As if these words had been drawn: "battery" of the one document; "unbelievably", and "good" twice, of the
        // other.
        let start = batch.cu_seqlens[1];
        let words = task.kinds.words(&samples.ids[2]);
        let chosen = [words[0], words[1], words[4]];
        let of_second = chosen.iter().flat_map(|&(from, to)| from as u32..to as u32);
        let wanted: Vec<u32> = of_second.clone().map(|place| samples.ids[2][place as usize]).collect();
        batch.reads = [2].into_iter().chain(of_second.map(|place| place + start)).collect();
        batch.wanted = [samples.ids[1][2]].into_iter().chain(wanted).collect();
        let reads = task.reads(&samples, &batch);
        let pieces = words[0].1 - words[0].0;
        assert!(pieces > 1, "a word of several pieces");
        assert_eq!(reads.rows, [vec![2], vec![3; batch.reads.len() - 1]].concat());
        let begins: Vec<usize> = (0..reads.words.len()).filter(|&read| reads.words[read].begins).collect();
        assert_eq!(begins[..3], [0, 1, 1 + pieces]);
        let terms: Vec<usize> = (0..reads.words.len()).filter(|&read| reads.words[read].term == Some(1)).collect();
        assert_eq!(terms, (1..=pieces).collect::<Vec<_>>());
        assert_eq!(reads.words.iter().filter(|word| word.term.is_some()).count(), pieces, "no other term was masked");
    }
}
