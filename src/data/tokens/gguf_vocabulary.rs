//! The tokenizer that a GGUF file describes: a byte-level BPE, as a `tokenizer.json`.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

/// Token types of GGUF.
const CONTROL: u32 = 3;
const USER_DEFINED: u32 = 4;

/// How Qwen2's tokenizer splits a text into words. Source: its `tokenizer.json`.
const QWEN2_WORDS: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Llama 3's tokenizer splits a text into words. Source: its `tokenizer.json`.
const LLAMA3_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What a GGUF file says about its tokenizer, under keys that begin with `tokenizer.ggml.`.
#[derive(Clone, Debug, Default)]
pub struct GgufVocabulary {
    /// `model`: the kind of tokenizer.
    pub model: String,
    /// `pre`: how it splits texts into words; `None` in older files.
    pub pre: Option<String>,
    /// `tokens`, by id.
    pub tokens: Vec<String>,
    /// `token_type` of each token; may be empty.
    pub types: Vec<u32>,
    /// `merges`: pairs of tokens with a space between.
    pub merges: Vec<String>,
    /// The token put before every text, if there is one.
    pub begin: Option<u32>,
}

impl GgufVocabulary {
    /// The text of a `tokenizer.json`.
    ///
    /// # Errors
    /// A part of a sentence: the kind of tokenizer is not supported, or the vocabulary is damaged.
    pub fn tokenizer_json(&self) -> Result<String, String> {
        if self.model != "gpt2" {
            return Err(format!(
                "its tokenizer is of the kind \"{}\"; Hone reads byte-level BPE (\"gpt2\")",
                self.model
            ));
        }
        let pre = self.pre.as_deref().unwrap_or("default");
        let words = words(pre)?;
        let said = |error: tokenizers::Error| format!("its tokenizer is damaged ({error})");
        let mut vocabulary = Vocab::default();
        vocabulary.extend((0..).zip(&self.tokens).map(|(id, token)| (token.clone(), id)));
        let pair = |merge: &String| merge.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned()));
        let merges =
            self.merges.iter().map(|merge| pair(merge).ok_or_else(|| format!("its merge {merge:?} is no pair")));
        let merges = merges.collect::<Result<Vec<_>, _>>()?;
        let model = BPE::builder().vocab_and_merges(vocabulary, merges).ignore_merges(pre == "llama-bpe");
        let mut tokenizer = Tokenizer::new(model.build().map_err(said)?);
        tokenizer.with_pre_tokenizer(Some(words));
        if pre == "qwen2" {
            tokenizer.with_normalizer(Some(NFC)).map_err(said)?;
        }
        let added = |kind: u32| {
            let of_kind = self.tokens.iter().zip(&self.types).filter(move |(_, of)| **of == kind);
            of_kind.map(move |(token, _)| AddedToken::from(token.clone(), kind == CONTROL).normalized(false))
        };
        tokenizer.add_special_tokens(added(CONTROL).collect::<Vec<_>>()).map_err(said)?;
        tokenizer.add_tokens(added(USER_DEFINED).collect::<Vec<_>>()).map_err(said)?;
        match self.begin.and_then(|id| Some((id, self.tokens.get(id as usize)?))) {
            Some((id, token)) => {
                let template = TemplateProcessing::builder()
                    .try_single(format!("{token} $A"))
                    .and_then(|builder| builder.try_pair(format!("{token} $A {token} $B")))
                    .map_err(|error| format!("its first token cannot be put before a text ({error})"))?
                    .special_tokens(vec![(token.clone(), id)])
                    .build();
                let template =
                    template.map_err(|error| format!("its first token cannot be put before a text ({error})"))?;
                tokenizer.with_post_processor(Some(template));
            }
            None => {
                tokenizer.with_post_processor(Some(ByteLevel::default().trim_offsets(false)));
            }
        }
        tokenizer.with_decoder(Some(ByteLevel::default()));
        tokenizer.to_string(false).map_err(said)
    }
}

/// How a text is split into words.
fn words(pre: &str) -> Result<PreTokenizerWrapper, String> {
    let bytes = |splits: bool| PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, splits));
    let split = |pattern: &str| {
        let split = Split::new(SplitPattern::Regex(pattern.to_owned()), SplitDelimiterBehavior::Isolated, false);
        split.map(PreTokenizerWrapper::Split).map_err(|error| error.to_string())
    };
    let sequence = |parts: Vec<PreTokenizerWrapper>| PreTokenizerWrapper::Sequence(Sequence::new(parts));
    Ok(match pre {
        "default" | "gpt-2" => bytes(true),
        "smollm" => sequence(vec![PreTokenizerWrapper::Digits(Digits::new(true)), bytes(true)]),
        "qwen2" => sequence(vec![split(QWEN2_WORDS)?, bytes(false)]),
        "llama-bpe" => sequence(vec![split(LLAMA3_WORDS)?, bytes(false)]),
        other => return Err(format!("its tokenizer splits words in the way \"{other}\", which Hone does not know")),
    })
}
