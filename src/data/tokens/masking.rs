//! Whole-word masking: which words of a sequence a masked language model has to predict.
//!
//! As in BERT's "Whole Word Masking" models (Devlin et al., 1810.04805), all pieces of a chosen word are masked. Every
//! word is equally likely to be chosen: the number of words is their share, rounded up or down at random, as in
//! fairseq. BERT's own script fills a budget of *tokens* and skips words that do not fit, so that long words, such as a
//! domain's terms, would be masked less often. A chosen word becomes mask tokens in 80% of cases, random tokens in 10%
//! and stays as it is in 10%; one draw decides for all its pieces (as in `SpanBERT`, 1907.10529), so that none of them
//! reveals the others.

use std::sync::Arc;

use crate::data::DataError;
use crate::data::tokens::kinds::TokenKinds;
use crate::random::{Rng, mask_key, mask_row_key};

/// Share of the chosen words that become mask tokens, and share that become mask or random tokens.
const MASKED: f64 = 0.8;
const MASKED_OR_RANDOM: f64 = 0.9;
/// Separate the masks of training and of evaluation from other random numbers with the same seed.
const TRAINING: u64 = 0x6d6c_6d00;
const EVALUATION: u64 = 0x6d6c_6d01;

/// A sequence with some of its words masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// Token ids as the model sees them, as many as in the sequence.
    pub ids: Vec<u32>,
    /// Positions to predict, ascending.
    pub reads: Vec<u32>,
    /// The right token at each position.
    pub wanted: Vec<u32>,
}

/// Chooses the words to mask.
#[derive(Clone, Debug)]
pub struct Masking {
    /// Share of the words, 0..1.
    share: f64,
    seed: u64,
    kinds: Arc<TokenKinds>,
    mask: u32,
}

impl Masking {
    /// Masks `share` of the words of each sequence, and at least one.
    ///
    /// # Errors
    /// [`DataError::NoMaskToken`] if the tokenizer has no mask token.
    pub fn new(share: f64, seed: u64, kinds: Arc<TokenKinds>) -> Result<Self, DataError> {
        let mask = kinds.mask().ok_or(DataError::NoMaskToken)?;
        Ok(Self { share, seed, kinds, mask })
    }

    /// The masks of a sequence in an epoch (0-based). `number` is the sequence's place among all; the same numbers give
    /// the same masks, in any order and on any number of threads.
    #[must_use]
    pub fn draw(&self, ids: &[u32], epoch: u32, number: usize) -> Masked {
        let key = mask_key(self.seed, u64::from(epoch), TRAINING);
        self.hide(ids, Rng::new(mask_row_key(key, number as u64)), true)
    }

    /// The masks of a held-out sequence, the same in every epoch. Every chosen word becomes mask tokens, so that
    /// accuracy measures prediction, not copying.
    #[must_use]
    pub fn fixed(&self, ids: &[u32], number: usize) -> Masked {
        let key = mask_key(self.seed, 0, EVALUATION);
        self.hide(ids, Rng::new(mask_row_key(key, number as u64)), false)
    }

    fn hide(&self, ids: &[u32], mut rng: Rng, vary: bool) -> Masked {
        let words = self.kinds.words(ids);
        let mut masked = Masked { ids: ids.to_vec(), ..Masked::default() };
        let mut chosen = self.choose(words.len(), &mut rng);
        chosen.sort_unstable();
        for (from, to) in chosen.into_iter().map(|word| words[word]) {
            let draw = if vary { rng.uniform() } else { 0.0 };
            for (place, &id) in ids.iter().enumerate().take(to).skip(from) {
                masked.reads.push(place as u32);
                masked.wanted.push(id);
                if draw < MASKED {
                    masked.ids[place] = self.mask;
                } else if draw < MASKED_OR_RANDOM {
                    masked.ids[place] = self.kinds.draw(&mut rng, self.mask);
                }
            }
        }
        masked
    }

    /// Chooses some of `words` words, all equally likely.
    fn choose(&self, words: usize, rng: &mut Rng) -> Vec<usize> {
        let wanted = (self.share * words as f64 + rng.uniform()).floor() as usize;
        let wanted = wanted.max(1).min(words);
        // The first part of a shuffle (Fisher and Yates).
        let mut order: Vec<usize> = (0..words).collect();
        for place in 0..wanted {
            let other = place + rng.below((words - place) as u64) as usize;
            order.swap(place, other);
        }
        order.truncate(wanted);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TextTokenizer;
    use crate::data::tokens::documents::pack;
    use crate::data::tokens::kinds::tests::{tiny_kinds, word_and_piece};

    /// Sequences of random words, some with several pieces, some unknown.
    fn sequences((tokenizer, kinds): &(TextTokenizer, TokenKinds), count: usize, max_length: usize) -> Vec<Vec<u32>> {
        let mut rng = Rng::new(1);
        let words = ["good", "goodness", "very", "batteries", "charger,", "x1", "☃", "unbelievably", "the", "quality."];
        let texts: Vec<String> = (0..count)
            .map(|_| {
                let length = 1 + rng.below(3 * max_length as u64);
                (0..length).map(|_| words[rng.below(words.len() as u64) as usize]).collect::<Vec<_>>().join(" ")
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let documents = tokenizer.encode_batch(&texts, usize::MAX).unwrap();
        pack(&documents, kinds, max_length).unwrap().into_iter().map(|sequence| sequence.ids).collect()
    }

    fn masking(tiny: &(TextTokenizer, TokenKinds)) -> Masking {
        Masking::new(0.15, 7, Arc::new(tiny.1.clone())).unwrap()
    }

    #[test]
    fn the_shares_are_those_of_bert() {
        let tiny = tiny_kinds();
        let (sequences, masking) = (sequences(&tiny, 400, 48), masking(&tiny));
        let [mut words, mut chosen, mut long, mut long_chosen] = [0_usize; 4];
        let [mut masks, mut kept, mut random] = [0_usize; 3];
        for epoch in 0..5 {
            for (number, ids) in sequences.iter().enumerate() {
                let masked = masking.draw(ids, epoch, number);
                for (from, to) in tiny.1.words(ids) {
                    let hidden = usize::from(masked.reads.contains(&(from as u32)));
                    (words, chosen) = (words + 1, chosen + hidden);
                    if to - from >= 3 {
                        (long, long_chosen) = (long + 1, long_chosen + hidden);
                    }
                }
                for (&place, &wanted) in masked.reads.iter().zip(&masked.wanted) {
                    match masked.ids[place as usize] {
                        4 => masks += 1,
                        id if id == wanted => kept += 1,
                        _ => random += 1,
                    }
                }
            }
        }
        assert!(words > 50_000 && long > 10_000, "{words} {long}");
        let share = |part: usize, all: usize| part as f64 / all as f64;
        let tokens = masks + kept + random;
        assert!((share(chosen, words) - 0.15).abs() < 0.004, "{}", share(chosen, words));
        assert!((share(long_chosen, long) - 0.15).abs() < 0.01, "{}", share(long_chosen, long));
        assert!((share(masks, tokens) - 0.8).abs() < 0.015, "{}", share(masks, tokens));
        assert!((share(random, tokens) - 0.1).abs() < 0.012, "{}", share(random, tokens));
        assert!((share(kept, tokens) - 0.1).abs() < 0.012, "{}", share(kept, tokens));
    }

    #[test]
    fn whole_words_are_chosen_and_never_special_tokens() {
        let tiny = tiny_kinds();
        let (sequences, masking) = (sequences(&tiny, 200, 32), masking(&tiny));
        for (number, ids) in sequences.iter().enumerate() {
            let (masked, words) = (masking.draw(ids, 0, number), tiny.1.words(ids));
            let hidden = |place: usize| masked.reads.contains(&(place as u32));
            assert!(words.is_empty() || !masked.reads.is_empty(), "at least one word is masked");
            assert!(words.iter().all(|&(from, to)| (from..to).all(|place| hidden(place) == hidden(from))));
            assert!(masked.wanted.iter().all(|&wanted| wanted > 4), "no special or unknown token is masked");
            for (place, (&seen, &id)) in masked.ids.iter().zip(ids).enumerate() {
                assert!(hidden(place) || seen == id, "only masked words change");
                assert!(!hidden(place) || seen >= 4, "a random token is never a special one");
            }
        }
    }

    #[test]
    fn training_masks_change_with_each_number_and_evaluation_masks_never() {
        let tiny = tiny_kinds();
        let (sequences, masking) = (sequences(&tiny, 20, 48), masking(&tiny));
        let all = |draw: &dyn Fn(usize, &[u32]) -> Masked| -> Vec<Masked> {
            sequences.iter().enumerate().map(|(number, ids)| draw(number, ids)).collect()
        };
        let of = |epoch, shift| all(&|number, ids| masking.draw(ids, epoch, number + shift));
        assert_eq!(of(0, 0), of(0, 0));
        assert_ne!(of(0, 0), of(1, 0));
        assert_ne!(of(0, 0), of(0, 1));
        let other = Masking::new(0.15, 8, Arc::clone(&masking.kinds)).unwrap();
        assert_ne!(of(0, 0), all(&|number, ids| other.draw(ids, 0, number)));
        let fixed = all(&|number, ids| masking.fixed(ids, number));
        assert_ne!(fixed, of(0, 0));
        assert!(fixed.iter().all(|masked| masked.reads.iter().all(|&place| masked.ids[place as usize] == 4)));
    }

    #[test]
    fn a_tokenizer_without_a_mask_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("vocab.txt"), "[UNK]\n[CLS]\n[SEP]\ngood\n").unwrap();
        let kinds = TokenKinds::of(&TextTokenizer::load(folder.path()).unwrap());
        let error = Masking::new(0.15, 1, Arc::new(kinds)).map(drop).unwrap_err().to_string();
        assert!(error.contains("no [MASK] token") && error.contains("Choose a BERT or a GPT model"), "{error}");
    }

    #[test]
    fn the_only_word_of_a_sequence_is_masked_and_a_sequence_without_words_is_unchanged() {
        let masking = masking(&tiny_kinds());
        let [word, piece] = word_and_piece();
        let masked = masking.fixed(&[2, word, piece, 3], 0);
        assert_eq!((masked.ids, masked.reads, masked.wanted), (vec![2, 4, 4, 3], vec![1, 2], vec![word, piece]));
        let none = masking.draw(&[2, 1, 3], 0, 0);
        assert!(none.reads.is_empty() && none.ids == [2, 1, 3]);
    }
}
