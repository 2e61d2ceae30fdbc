//! Kinds of tokens: special ones, those that continue a word, and those that masking can put in place of another.

use tokenizers::ModelWrapper;

use crate::data::tokens::TextTokenizer;
use crate::data::tokens::word_cache::around;
use crate::random::Rng;

/// Names of the mask token, in BERT and `RoBERTa`.
const MASKS: [&str; 2] = ["[MASK]", "<mask>"];

/// Marks of tokens that begin a word, in vocabularies that do not mark tokens that continue one: `SentencePiece`,
/// byte-level BPE.
const BEGINS: [char; 2] = ['▁', 'Ġ'];

/// The kinds of tokens of one tokenizer, for masking.
#[derive(Clone, Debug)]
pub struct TokenKinds {
    mask: Option<u32>,
    /// Whether a token is never masked: special tokens and the unknown token.
    fixed: Vec<bool>,
    /// Whether a token continues the word before it.
    continues: Vec<bool>,
    /// Tokens that masking can put in place of another.
    drawable: Vec<u32>,
    /// Special tokens before and after a text.
    around: [Vec<u32>; 2],
    /// Ends a text.
    end: Option<u32>,
}

/// Whether a token is punctuation or a line break alone, in byte-level BPE: no word goes on with it.
fn is_punctuation(token: &str) -> bool {
    !token.is_empty() && token.chars().all(|sign| sign.is_ascii_punctuation() || sign == 'Ċ')
}

impl TokenKinds {
    /// The kinds of a tokenizer's tokens.
    #[must_use]
    pub fn of(tokenizer: &TextTokenizer) -> Self {
        let library = &tokenizer.tokenizer;
        let mask = MASKS.iter().find_map(|mask| library.token_to_id(mask));
        let unknown = match library.get_model() {
            ModelWrapper::WordPiece(model) => library.token_to_id(&model.unk_token),
            ModelWrapper::BPE(model) => model.unk_token.as_ref().and_then(|token| library.token_to_id(token)),
            ModelWrapper::Unigram(_) | ModelWrapper::WordLevel(_) => library.token_to_id("<unk>"),
        };
        let tokens = tokenizer.tokens();
        let count = tokens.len();
        let mut fixed = vec![false; count];
        let special = library.get_added_tokens_decoder();
        let special = special.iter().filter(|(_, token)| token.special).map(|(&id, _)| id);
        let around = around(library).unwrap_or_default();
        for id in special.chain(around.concat()).chain(unknown).chain(mask).chain(tokenizer.end) {
            if let Some(fixed) = fixed.get_mut(id as usize) {
                *fixed = true;
            }
        }
        let is_drawable = |id: &u32| {
            let token = &tokens[*id as usize];
            // BERT's vocabularies have unused entries.
            !fixed[*id as usize] && !token.is_empty() && !token.starts_with("[unused")
        };
        let drawable = (0..count as u32).filter(is_drawable).collect();
        let continues = match library.get_model() {
            ModelWrapper::WordPiece(model) => {
                tokens.iter().map(|token| token.starts_with(&model.continuing_subword_prefix)).collect()
            }
            _ if tokens.iter().any(|token| token.starts_with(BEGINS)) => {
                let continues =
                    |(token, fixed): (&String, &bool)| !fixed && !token.starts_with(BEGINS) && !is_punctuation(token);
                tokens.iter().zip(&fixed).map(continues).collect()
            }
            // Without marks, each token counts as a word.
            _ => Vec::new(),
        };
        Self { mask, fixed, continues, drawable, around, end: tokenizer.end }
    }

    /// The mask token; `None` for tokenizers of models that predict the next token.
    #[must_use]
    pub fn mask(&self) -> Option<u32> {
        self.mask
    }

    /// The token that ends a text for models that predict the next token; `None` if the tokenizer has none.
    #[must_use]
    pub fn end(&self) -> Option<u32> {
        self.end
    }

    /// Special tokens added to every text.
    #[must_use]
    pub fn special_tokens(&self) -> usize {
        self.around.iter().map(Vec::len).sum()
    }

    /// Special tokens before and after a text.
    #[must_use]
    pub fn around(&self) -> &[Vec<u32>; 2] {
        &self.around
    }

    /// A text's own tokens, without the special ones around it.
    #[must_use]
    pub fn own<'a>(&self, ids: &'a [u32]) -> &'a [u32] {
        let [before, after] = &self.around;
        let own = ids.strip_prefix(before.as_slice()).unwrap_or(ids);
        own.strip_suffix(after.as_slice()).unwrap_or(own)
    }

    /// The words among `ids` that can be masked, each from its first token to the one after its last: not special
    /// tokens, and not unknown words.
    #[must_use]
    pub fn words(&self, ids: &[u32]) -> Vec<(usize, usize)> {
        let mut words: Vec<(usize, usize)> = Vec::new();
        for (place, &id) in ids.iter().enumerate() {
            match words.last_mut() {
                _ if !self.can_be_masked(id) => {}
                Some((_, end)) if *end == place && self.continues(id) => *end = place + 1,
                _ => words.push((place, place + 1)),
            }
        }
        words
    }

    /// Whether a token continues the word before it.
    #[must_use]
    pub fn continues(&self, id: u32) -> bool {
        self.continues.get(id as usize).is_some_and(|&continues| continues)
    }

    /// Whether a token can be masked: not if it is special or the unknown token.
    #[must_use]
    pub fn can_be_masked(&self, id: u32) -> bool {
        self.fixed.get(id as usize).is_some_and(|&fixed| !fixed)
    }

    /// A random token. All that are not special are equally likely.
    pub(super) fn draw(&self, rng: &mut Rng, otherwise: u32) -> u32 {
        let place = rng.below(self.drawable.len() as u64) as usize;
        self.drawable.get(place).copied().unwrap_or(otherwise)
    }
}

impl TextTokenizer {
    /// The vocabulary by id, added tokens included; an empty string if an id has no token.
    pub(in crate::data) fn tokens(&self) -> Vec<String> {
        let mut by_id: Vec<(u32, String)> =
            self.tokenizer.get_vocab(true).into_iter().map(|(token, id)| (id, token)).collect();
        by_id.sort_unstable();
        let mut tokens = Vec::with_capacity(by_id.len());
        for (id, token) in by_id {
            tokens.resize(id as usize, String::new());
            tokens.push(token);
        }
        tokens
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use tokenizers::Tokenizer;

    use super::*;

    pub fn tiny() -> TextTokenizer {
        TextTokenizer::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert")).unwrap()
    }

    pub fn tiny_kinds() -> (TextTokenizer, TokenKinds) {
        let tokenizer = tiny();
        let kinds = TokenKinds::of(&tokenizer);
        (tokenizer, kinds)
    }

    /// A token that begins a word, and one that continues it.
    pub fn word_and_piece() -> [u32; 2] {
        ["good", "##ing"].map(|token| tiny().id(token).unwrap())
    }

    #[test]
    fn words_are_the_same_as_in_the_library() {
        let (tokenizer, kinds) = tiny_kinds();
        let encoding = tokenizer.tokenizer.encode("Unbelievably good-ish ☃ [MASK] charger", true).unwrap();
        let words = encoding.get_word_ids();
        let mut expected: Vec<(usize, usize)> = Vec::new();
        for (place, id) in encoding.get_ids().iter().enumerate().filter(|(_, id)| **id > 4) {
            match expected.last_mut() {
                Some((_, end)) if *end == place && words[place] == words[place - 1] => *end += 1,
                _ => expected.push((place, place + 1)),
            }
            assert!(*id > 4);
        }
        assert_eq!(kinds.words(encoding.get_ids()), expected);
        assert!(expected.iter().any(|(from, to)| to - from > 2), "a word of several pieces");
        assert_eq!(kinds.own(encoding.get_ids()).len() + 2, encoding.len());
    }

    #[test]
    fn words_are_recognised_by_marks_at_their_beginning_too() {
        use tokenizers::models::bpe::BPE;
        let vocabulary = ["[UNK]", "[MASK]", "Ġlow", "er", "Ġ", "s"];
        let of = |vocabulary: [&str; 6]| {
            let mut next = 0..;
            let vocabulary = vocabulary.map(|token| (token.to_owned(), next.next().unwrap()));
            let model = BPE::builder().vocab_and_merges(vocabulary, Vec::new()).build().unwrap();
            TokenKinds::of(&TextTokenizer { tokenizer: Tokenizer::new(model), words: None, ..tiny() })
        };
        assert_eq!(of(vocabulary).words(&[2, 3, 5, 1, 2, 4, 3]), [(0, 3), (4, 5), (5, 7)]);
        let plain = of(["[UNK]", "[MASK]", "low", "er", "x", "s"]);
        assert_eq!(plain.words(&[2, 3, 5]), [(0, 1), (1, 2), (2, 3)], "without marks each token is a word");
    }

    #[test]
    fn special_and_unknown_tokens_are_neither_masked_nor_drawn() {
        let (tokenizer, kinds) = tiny_kinds();
        assert_eq!((kinds.mask(), kinds.special_tokens()), (Some(4), 2));
        assert!((0..=4).all(|id| !kinds.can_be_masked(id)) && (5..316).all(|id| kinds.can_be_masked(id)));
        assert!(!kinds.can_be_masked(316), "a token that the vocabulary does not have");
        let mut rng = Rng::new(1);
        let mut drawn = vec![0_u32; tokenizer.vocab_size()];
        (0..200_000).for_each(|_| drawn[kinds.draw(&mut rng, 0) as usize] += 1);
        assert_eq!(drawn[..5], [0; 5]);
        assert!(drawn[5..].iter().all(|&times| times.abs_diff(200_000 / 311) < 150), "{drawn:?}");
    }

    #[test]
    fn decoders_have_an_end_of_text_and_no_mask() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let of = |name: &str| {
            let tokenizer = TextTokenizer::load(&fixtures.join(name)).unwrap();
            (TokenKinds::of(&tokenizer), tokenizer)
        };
        for (name, end, special) in [("tiny-gpt2", 0, 0), ("tiny-llama", 1, 1)] {
            let (kinds, tokenizer) = of(name);
            assert_eq!((kinds.mask(), kinds.end(), kinds.special_tokens()), (None, Some(end), special), "{name}");
            assert!(!kinds.can_be_masked(end));
            let ids = tokenizer.encode_batch(&["the rent, please"], 64).unwrap().concat();
            let words: Vec<String> =
                kinds.words(&ids).iter().map(|&(from, to)| tokenizer.decode(&ids[from..to]).unwrap()).collect();
            assert_eq!(words, ["the", " rent", ",", " please"], "punctuation is a separate word");
        }
        assert_eq!(tiny_kinds().1.end(), None);
    }
}
