//! Tokenizers of model folders without a `tokenizer.json`: built from the vocabulary, as `transformers` does.

use std::path::Path;

use tokenizers::models::bpe::BPE;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{AddedToken, Tokenizer};

use crate::data::{DataError, is_lfs_pointer, read_model_text};

/// Names of vocabularies that only the `SentencePiece` library reads.
pub const SENTENCE_PIECE: [&str; 4] = ["sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model"];

/// The tokenizer of a folder without a `tokenizer.json`.
pub(super) fn tokenizer(folder: &Path) -> Result<Tokenizer, DataError> {
    if read(folder, "vocab.txt")?.is_some() {
        return bert_tokenizer(folder, &folder.join("vocab.txt"));
    }
    if read(folder, "vocab.json")?.is_some() && read(folder, "merges.txt")?.is_some() {
        return byte_level_bpe(folder);
    }
    match SENTENCE_PIECE.into_iter().find(|file| folder.join(file).exists()) {
        Some(file) => Err(DataError::OnlySentencePiece { folder: folder.to_owned(), file }),
        None => Err(DataError::NoTokenizer(folder.to_owned())),
    }
}

/// The bytes of a file, if the folder has it.
pub(super) fn read(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, DataError> {
    match read_model_text(folder, name) {
        Ok(bytes) if is_lfs_pointer(&bytes) => Err(DataError::LfsPointer(folder.join(name))),
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DataError::BadTokenizer { path: folder.join(name), reason: error.to_string() }),
    }
}

pub(super) fn bad(path: &Path, error: &(dyn std::error::Error + Send + Sync)) -> DataError {
    DataError::BadTokenizer { path: path.to_owned(), reason: error.to_string() }
}

/// BERT's tokenizer from its vocabulary alone, as `transformers`' `BertTokenizerFast` builds it.
fn bert_tokenizer(folder: &Path, vocabulary: &Path) -> Result<Tokenizer, DataError> {
    let vocabulary_path = vocabulary.to_string_lossy();
    let model = WordPiece::from_file(&vocabulary_path).build().map_err(|error| bad(vocabulary, &*error))?;
    let mut tokenizer = Tokenizer::new(model);
    let id = |tokenizer: &Tokenizer, token: &str| {
        tokenizer.token_to_id(token).map(|id| (token.to_owned(), id)).ok_or_else(|| DataError::BadTokenizer {
            path: vocabulary.to_owned(),
            reason: format!("the vocabulary has no {token} token, so it is not BERT's"),
        })
    };
    let (separator, class) = (id(&tokenizer, "[SEP]")?, id(&tokenizer, "[CLS]")?);
    // As in `transformers`.
    let lowercase = setting(folder, "do_lower_case").unwrap_or(true);
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    let special = special.into_iter().filter(|token| tokenizer.token_to_id(token).is_some());
    let special: Vec<AddedToken> = special.map(|token| AddedToken::from(token, true)).collect();
    tokenizer.add_special_tokens(special).map_err(|error| bad(vocabulary, &*error))?;
    tokenizer
        .with_normalizer(Some(BertNormalizer::new(true, true, None, lowercase)))
        .map_err(|error| bad(vocabulary, &*error))?
        .with_pre_tokenizer(Some(BertPreTokenizer))
        .with_post_processor(Some(BertProcessing::new(separator, class)));
    Ok(tokenizer)
}

/// The tokenizer of `RoBERTa` or GPT-2: pairs of bytes that follow each other often are merged (Sennrich et al., 1508.07909).
fn byte_level_bpe(folder: &Path) -> Result<Tokenizer, DataError> {
    let (vocabulary, merges) = (folder.join("vocab.json"), folder.join("merges.txt"));
    let model = BPE::from_file(&vocabulary.to_string_lossy(), &merges.to_string_lossy()).build();
    let mut tokenizer = Tokenizer::new(model.map_err(|error| bad(&vocabulary, &*error))?);
    let prefix = setting(folder, "add_prefix_space").unwrap_or(false);
    let mask = AddedToken::from("<mask>", true).lstrip(true);
    let special = ["<s>", "<pad>", "</s>", "<unk>", "<|endoftext|>"].map(|token| AddedToken::from(token, true));
    let special = special.into_iter().chain([mask]).filter(|token| tokenizer.token_to_id(&token.content).is_some());
    let special: Vec<AddedToken> = special.collect();
    tokenizer.add_special_tokens(special).map_err(|error| bad(&vocabulary, &*error))?;
    tokenizer.with_pre_tokenizer(Some(ByteLevel::default().add_prefix_space(prefix)));
    let id = |token: &str| tokenizer.token_to_id(token).map(|id| (token.to_owned(), id));
    // GPT-2 puts nothing around a text.
    match (id("</s>"), id("<s>")) {
        (Some(separator), Some(class)) => {
            tokenizer.with_post_processor(Some(RobertaProcessing::new(separator, class).add_prefix_space(prefix)))
        }
        _ => tokenizer.with_post_processor(Some(ByteLevel::default().trim_offsets(false))),
    };
    Ok(tokenizer)
}

/// A switch of `tokenizer_config.json`, if it is there.
fn setting(folder: &Path, key: &str) -> Option<bool> {
    let bytes = read_model_text(folder, "tokenizer_config.json").ok()?;
    serde_json::from_slice::<serde_json::Value>(&bytes).ok()?.get(key)?.as_bool()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde::Deserialize;

    use super::*;
    use crate::data::TextTokenizer;

    /// What `tests/peers/make_tiny_tokenizers.py` wrote.
    #[derive(Deserialize)]
    struct Case {
        text: String,
        ids: Vec<u32>,
    }

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers").join(name)
    }

    #[test]
    fn tokens_are_those_of_transformers() {
        for name in ["roberta", "gpt2", "xlm-roberta"] {
            let tokenizer = TextTokenizer::load(&fixture(name)).unwrap();
            let cases = std::fs::read(fixture(name).join("expected.json")).unwrap();
            let cases: Vec<Case> = serde_json::from_slice(&cases).unwrap();
            assert!(cases.len() >= 10);
            for Case { text, ids } in cases {
                assert_eq!(tokenizer.encode_batch(&[&text], 512).unwrap(), [ids], "{name}: {text:?}");
            }
        }
    }

    #[test]
    fn special_tokens_are_those_of_the_model() {
        let special = |name: &str| TextTokenizer::load(&fixture(name)).unwrap().special_tokens();
        assert_eq!(["roberta", "gpt2", "xlm-roberta"].map(special), [2, 0, 2]);
    }

    #[test]
    fn a_sentence_piece_vocabulary_alone_says_how_to_convert_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sentencepiece.bpe.model"), "x").unwrap();
        let message = TextTokenizer::load(folder.path()).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("only there as sentencepiece.bpe.model"), "{message}");
        let command = format!("AutoTokenizer.from_pretrained(r'{}')", folder.path().display());
        assert!(message.contains(&command), "{message}");
    }

    #[test]
    fn a_damaged_vocabulary_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("vocab.json"), "{").unwrap();
        std::fs::write(folder.path().join("merges.txt"), "a b\n").unwrap();
        let message = TextTokenizer::load(folder.path()).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("vocab.json"), "{message}");
        std::fs::write(folder.path().join("vocab.json"), "{\"a\": 0}").unwrap();
        let message = TextTokenizer::load(folder.path()).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("could not be loaded"), "{message}");
    }
}
