//! Caches the token ids of words: BERT's tokenizers work word by word, and most words occur again and again.

use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use foldhash::HashMap;
use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// Words that a thread keeps; then it starts with an empty cache.
const MOST: usize = 1 << 17;
/// Longest word kept, in bytes: longer ones hardly occur again.
const LONGEST: usize = 48;
/// Characters that always separate words in BERT's tokenizers, whatever is next to them.
const GAPS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Words and their token ids.
type Words = HashMap<Box<str>, Box<[u32]>>;

/// The cached words of a tokenizer.
pub(in crate::data) struct WordCache {
    /// One cache per thread, so that none waits for another.
    threads: Vec<Mutex<Words>>,
    /// Special tokens before and after a text.
    around: [Vec<u32>; 2],
}

impl WordCache {
    /// `None` for tokenizers that do not split texts as BERT does.
    pub fn of(tokenizer: &Tokenizer) -> Option<Self> {
        let is_bert = matches!(tokenizer.get_normalizer(), None | Some(NormalizerWrapper::BertNormalizer(_)))
            && matches!(tokenizer.get_pre_tokenizer(), Some(PreTokenizerWrapper::BertPreTokenizer(_)))
            && matches!(tokenizer.get_model(), ModelWrapper::WordPiece(_));
        let has_gap = |content: &str| content.contains(GAPS);
        if !is_bert || tokenizer.get_added_tokens_decoder().values().any(|token| has_gap(&token.content)) {
            return None;
        }
        let around = around(tokenizer)?;
        let threads = available_parallelism().map_or(1, usize::from);
        Some(Self { threads: (0..threads).map(|_| Mutex::default()).collect(), around })
    }

    /// Token ids of a text: at most `most` ids of its words, plus the special tokens around them.
    ///
    /// # Errors
    /// Errors of the library.
    pub fn encode(&self, tokenizer: &Tokenizer, text: &str, most: usize) -> Result<Vec<u32>, tokenizers::Error> {
        let [before, after] = &self.around;
        let mut all = before.clone();
        self.each_word(tokenizer, text, |ids| {
            all.extend_from_slice(ids);
            all.len() < before.len() + most
        })?;
        all.truncate(before.len() + most);
        all.extend_from_slice(after);
        Ok(all)
    }

    /// Number of tokens of a text, without special ones.
    ///
    /// # Errors
    /// Errors of the library.
    pub fn count(&self, tokenizer: &Tokenizer, text: &str) -> Result<usize, tokenizers::Error> {
        let mut count = 0;
        self.each_word(tokenizer, text, |ids| {
            count += ids.len();
            true
        })?;
        Ok(count)
    }

    /// Calls `take` with the ids of each word until it has enough.
    fn each_word(
        &self,
        tokenizer: &Tokenizer,
        text: &str,
        mut take: impl FnMut(&[u32]) -> bool,
    ) -> Result<(), tokenizers::Error> {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.threads.len();
        let mut words = self.threads[thread].lock().unwrap_or_else(PoisonError::into_inner);
        for word in text.split(GAPS).filter(|word| !word.is_empty()) {
            let goes_on = if let Some(ids) = words.get(word) {
                take(ids)
            } else {
                let encoding = tokenizer.encode_fast(word, false)?;
                if word.len() <= LONGEST {
                    if words.len() >= MOST {
                        words.clear();
                    }
                    words.insert(word.into(), encoding.get_ids().into());
                }
                take(encoding.get_ids())
            };
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Special tokens before and after a text; `None` if the tokenizer does not add them around it.
pub(super) fn around(tokenizer: &Tokenizer) -> Option<[Vec<u32>; 2]> {
    let ids = |special| Some(tokenizer.encode_fast("a", special).ok()?.get_ids().to_vec());
    let (word, whole) = (ids(false)?, ids(true)?);
    let begin = whole.windows(word.len().max(1)).position(|part| part == word)?;
    Some([whole[..begin].to_vec(), whole[begin + word.len()..].to_vec()])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::random::Rng;

    #[test]
    fn cached_words_give_the_same_tokens_as_the_whole_text() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert/tokenizer.json");
        let mut tokenizer = Tokenizer::from_file(file).unwrap();
        tokenizer.with_truncation(None).unwrap();
        tokenizer.with_padding(None);
        let cache = WordCache::of(&tokenizer).expect("a BERT");
        let pieces = [
            " ",
            " ",
            "\t",
            "\r\n",
            "good",
            "VERY",
            "bad",
            "ly",
            ",",
            "...",
            "-",
            "'s",
            "\u{85}",
            "\u{200B}",
            "\u{A0}",
            "é",
            "e\u{301}",
            "\u{301}",
            "中文",
            "[MASK]",
            "[SEP]",
            "[UNK",
            "]",
            "##ing",
            "👍🏽",
            "\0",
            "\u{FFFD}",
            "ﬁ",
            "Σ",
            "ΟΔΟΣ",
            "İ",
            "\u{2028}",
            "ß",
            "한국어",
        ];
        let mut rng = Rng::new(4);
        for _ in 0..3_000 {
            let text: String = (0..rng.below(14)).map(|_| pieces[rng.below(pieces.len() as u64) as usize]).collect();
            let whole = tokenizer.encode_fast(text.as_str(), true).unwrap();
            assert_eq!(cache.encode(&tokenizer, &text, usize::MAX / 2).unwrap(), whole.get_ids(), "{text:?}");
            let own = tokenizer.encode_fast(text.as_str(), false).unwrap().len();
            assert_eq!(cache.count(&tokenizer, &text).unwrap(), own, "{text:?}");
            let cut = cache.encode(&tokenizer, &text, 3).unwrap();
            assert_eq!(cut.len(), whole.len() - own.saturating_sub(3), "{text:?}");
        }
    }
}
