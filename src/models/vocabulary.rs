//! Adds new words to a model: makes a copy of its folder with a larger tokenizer, embeddings and decoder.
//!
//! The embedding of a new word starts as the mean of its pieces' embeddings, and so does its decoder bias. Training
//! then adjusts them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde_json::json;

use crate::data::{NewWord, add_words};
use crate::models::architecture::Architecture;
use crate::models::config::read_json;
use crate::models::model_folder::CONFIG_FILE;
use crate::models::save::{copy_tokenizer, write};
use crate::models::weight_files::{WEIGHTS_FILE, WeightFiles};
use crate::models::weights::is_constant;
use crate::models::{ModelConfig, ModelError, is_adapter};

/// Writes the model in `source` with `words` added to its vocabulary to `out`, as a folder that `transformers` loads
/// unchanged. Skips words that are already a single token. Returns the added words.
///
/// # Errors
/// [`ModelError`] if a file in `source` cannot be read or one in `out` cannot be written, and [`ModelError::Data`] if a
/// word cannot be added.
pub fn copy_with_words(source: &Path, words: &[String], out: &Path) -> Result<Vec<NewWord>, ModelError> {
    // Errors about the model name its folder, not the copy.
    let config = ModelConfig::read(source)?;
    if is_adapter(source) {
        return Err(ModelError::WordsForAdapter(source.to_owned()));
    }
    let (architecture, old) = (config.architecture(), config.vocab_size);
    let grown = add_words(source, words)?;
    if let Some(first) = grown.words.first().filter(|first| first.id as usize > old) {
        let tokens = first.id as usize;
        return Err(ModelError::Vocabulary { folder: source.to_owned(), tokens, embeddings: old });
    }
    let mut config = read_json(source)?;
    let size = grown.words.last().map_or(0, |word| word.id as usize + 1).max(old);
    config["vocab_size"] = json!(size);
    let weights = grown_weights(&WeightFiles::open(source)?, architecture, old, &grown.words)?;
    write(out, CONFIG_FILE, format!("{config:#}\n").as_bytes())?;
    write(out, WEIGHTS_FILE, &weights)?;
    copy_tokenizer(source, out)?;
    for (name, text) in [("tokenizer.json", grown.tokenizer), ("vocab.txt", grown.vocabulary)] {
        if let Some(text) = text {
            write(out, name, text.as_bytes())?;
        }
    }
    Ok(grown.words)
}

/// A weights file with a row added for each new word in every tensor that has one row per token. `old` is the previous
/// vocabulary size.
fn grown_weights(
    files: &WeightFiles,
    architecture: &Architecture,
    old: usize,
    words: &[NewWord],
) -> Result<Vec<u8>, ModelError> {
    let mut tensors = Vec::new();
    for name in files.names().filter(|name| !is_constant(name)) {
        let mut tensor = files.tensor(name)?;
        if !words.is_empty() && architecture.is_by_token(name) {
            if tensor.dims().first() != Some(&old) {
                let problems = format!("{name} has the shape {:?}, but vocab_size is {old}", tensor.dims());
                return Err(ModelError::Incomplete { path: files.path().to_owned(), problems });
            }
            tensor = with_rows(&tensor, words)?;
        }
        tensors.push((name, tensor));
    }
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(tensors, Some(metadata))
        .map_err(|error| ModelError::Damaged { path: files.path().to_owned(), reason: error.to_string() })
}

/// The tensor with the mean of each new word's pieces in its row. Unused rows are filled before the tensor grows.
fn with_rows(tensor: &Tensor, words: &[NewWord]) -> candle_core::Result<Tensor> {
    let means = words.iter().map(|word| {
        let pieces = Tensor::new(word.pieces.as_slice(), &Device::Cpu)?;
        tensor.index_select(&pieces, 0)?.to_dtype(DType::F32)?.mean_keepdim(0)?.to_dtype(tensor.dtype())
    });
    let mut parts = means.collect::<candle_core::Result<Vec<Tensor>>>()?;
    let rows = tensor.dim(0)?;
    let (from, to) = (words[0].id as usize, words[0].id as usize + words.len());
    parts.insert(0, tensor.narrow(0, 0, from.min(rows))?);
    if to < rows {
        parts.push(tensor.narrow(0, to, rows - to)?);
    }
    Tensor::cat(&parts, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TextTokenizer;

    /// Writes a BERT of 8 tokens and 2 hidden numbers, with `extra` tensors; its embedding's row `i` is `[i, 10 i]`.
    fn model(rows: usize, dtype: DType, extra: &[(&str, Vec<f32>, Vec<usize>)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let embedding = (0..rows).flat_map(|row| [row as f32, 10.0 * row as f32]).collect();
        let mut tensors = vec![("embeddings.word_embeddings.weight", embedding, vec![rows, 2])];
        tensors.extend(extra.iter().cloned());
        let tensors = tensors.into_iter().map(|(name, values, shape)| {
            (name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap())
        });
        let bytes = safetensors::serialize(tensors, None).unwrap();
        std::fs::write(folder.path().join(WEIGHTS_FILE), bytes).unwrap();
        let config = json!({
            "model_type": "bert", "vocab_size": rows, "hidden_size": 2, "num_hidden_layers": 1, "num_attention_heads": 1,
            "intermediate_size": 2, "max_position_embeddings": 8, "kept": true,
        });
        std::fs::write(folder.path().join(CONFIG_FILE), config.to_string()).unwrap();
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nles\n##see\n##or\n";
        std::fs::write(folder.path().join("vocab.txt"), vocabulary).unwrap();
        std::fs::write(folder.path().join("tokenizer_config.json"), "{\"do_lower_case\": true}").unwrap();
        folder
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    fn tensor(folder: &Path, name: &str) -> (Vec<usize>, DType, Vec<f32>) {
        let tensor = WeightFiles::open(folder).unwrap().tensor(name).unwrap();
        let dtype = tensor.dtype();
        let values = tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        (tensor.dims().to_vec(), dtype, values)
    }

    #[test]
    fn a_new_word_starts_as_the_mean_of_its_pieces() {
        let bias = ("cls.predictions.bias", (0..8).map(|id| id as f32).collect(), vec![8]);
        let other = ("embeddings.position_embeddings.weight", vec![1.0; 16], vec![8, 2]);
        for dtype in [DType::F32, DType::F16, DType::BF16] {
            let (source, out) = (model(8, dtype, &[bias.clone(), other.clone()]), tempfile::tempdir().unwrap());
            let added = copy_with_words(source.path(), &words(&["Lessee", "lesor", "les"]), out.path()).unwrap();
            assert_eq!(added.iter().map(|word| word.id).collect::<Vec<_>>(), [8, 9]);
            let (shape, kept, values) = tensor(out.path(), "embeddings.word_embeddings.weight");
            assert_eq!((shape, kept, &values[16..]), (vec![10, 2], dtype, &[5.5, 55.0, 6.0, 60.0][..]));
            assert_eq!(values[..16], tensor(source.path(), "embeddings.word_embeddings.weight").2);
            assert_eq!(tensor(out.path(), "cls.predictions.bias").2[7..], [7.0, 5.5, 6.0]);
            assert_eq!(tensor(out.path(), "embeddings.position_embeddings.weight").0, [8, 2]);
            let config = read_json(out.path()).unwrap();
            assert_eq!((&config["vocab_size"], &config["kept"]), (&json!(10), &json!(true)));
            let tokenizer = TextTokenizer::load(out.path()).unwrap();
            assert_eq!(tokenizer.encode_batch(&["lessee LESOR"], 8).unwrap(), [[2, 8, 9, 3]]);
        }
    }

    #[test]
    fn unused_rows_are_filled_before_the_embedding_grows() {
        let (source, out) = (model(9, DType::F32, &[]), tempfile::tempdir().unwrap());
        copy_with_words(source.path(), &words(&["lessee"]), out.path()).unwrap();
        let (shape, _, values) = tensor(out.path(), "embeddings.word_embeddings.weight");
        assert_eq!((shape, &values[16..]), (vec![9, 2], &[5.5, 55.0][..]));
        let (source, out) = (model(12, DType::F32, &[]), tempfile::tempdir().unwrap());
        copy_with_words(source.path(), &words(&["lessee"]), out.path()).unwrap();
        let (shape, _, values) = tensor(out.path(), "embeddings.word_embeddings.weight");
        assert_eq!((shape, &values[16..]), (vec![12, 2], &[5.5, 55.0, 9.0, 90.0, 10.0, 100.0, 11.0, 110.0][..]));
        assert_eq!(read_json(out.path()).unwrap()["vocab_size"], json!(12));
    }

    #[test]
    fn without_new_words_every_tensor_stays() {
        let (source, out) = (model(8, DType::F32, &[]), tempfile::tempdir().unwrap());
        assert!(copy_with_words(source.path(), &words(&["les"]), out.path()).unwrap().is_empty());
        let name = "embeddings.word_embeddings.weight";
        assert_eq!(tensor(out.path(), name), tensor(source.path(), name));
    }

    #[test]
    fn errors_about_the_model_name_its_folder() {
        let out = tempfile::tempdir().unwrap();
        let message = |change: fn(&mut serde_json::Value)| {
            let source = model(8, DType::F32, &[]);
            let mut config = read_json(source.path()).unwrap();
            change(&mut config);
            std::fs::write(source.path().join(CONFIG_FILE), config.to_string()).unwrap();
            let message = copy_with_words(source.path(), &words(&["lessee"]), out.path()).unwrap_err().to_string();
            assert!(message.contains(&source.path().display().to_string()), "{message}");
            message
        };
        assert!(message(|config| config["model_type"] = json!("t5")).contains("of type \"t5\""));
        assert!(
            message(|config| config["vocab_size"] = json!(6))
                .contains("needs embeddings for 8 tokens: the weights have 6")
        );
        assert!(
            message(|config| config["vocab_size"] = json!(9)).contains("has the shape [8, 2], but vocab_size is 9")
        );
        assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0, "nothing was written");
    }

    #[test]
    fn an_invalid_word_and_a_folder_without_weights_are_rejected() {
        let (source, out) = (model(8, DType::F32, &[]), tempfile::tempdir().unwrap());
        let error = copy_with_words(source.path(), &words(&["les see"]), out.path()).unwrap_err().to_string();
        assert!(error.contains("'les see' is not one word"), "{error}");
        assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0, "nothing was written");
        std::fs::remove_file(source.path().join(WEIGHTS_FILE)).unwrap();
        let error = copy_with_words(source.path(), &words(&["lessee"]), out.path()).unwrap_err();
        assert!(matches!(error, ModelError::MissingFile { .. }), "{error}");
    }
}
