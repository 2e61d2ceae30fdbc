//! Which files of a repository make a model that Hone can train: no second copies of the weights for other frameworks.

use crate::models::{CONFIG_FILE, INDEX_END, TOKENIZER_FILES, WEIGHT_FILES};

/// Files of sentence-transformers that say how the network's output becomes one vector.
const POOLING_FILES: [&str; 2] = ["modules.json", "1_Pooling/config.json"];

/// The weights of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Weights {
    /// In one file.
    File(&'static str),
    /// In several, which this index names.
    Index(String),
}

/// The weights that are read: safetensors before `PyTorch`'s format, one file before several.
pub(super) fn weights_of(has: impl Fn(&str) -> bool) -> Option<Weights> {
    WEIGHT_FILES.into_iter().find_map(|file| {
        let index = format!("{file}{INDEX_END}");
        let parts = has(&index).then_some(Weights::Index(index));
        if has(file) { Some(Weights::File(file)) } else { parts }
    })
}

/// Whether there is a tokenizer that Hone can load.
pub(super) fn has_tokenizer(has: impl Fn(&str) -> bool) -> bool {
    has("tokenizer.json") || has("vocab.txt") || (has("vocab.json") && has("merges.txt"))
}

/// The needed files besides the weights.
pub(super) fn small_files(has: impl Fn(&str) -> bool) -> impl Iterator<Item = &'static str> {
    [CONFIG_FILE].into_iter().chain(TOKENIZER_FILES).chain(POOLING_FILES).filter(move |file| has(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_copy_of_the_weights_is_chosen() {
        let of = |names: &[&str]| weights_of(|name| names.contains(&name));
        let both = ["pytorch_model.bin", "model.safetensors", "tf_model.h5", "onnx/model.onnx"];
        assert_eq!(of(&both), Some(Weights::File("model.safetensors")));
        let parts = ["model.safetensors.index.json", "model-00001-of-00002.safetensors", "pytorch_model.bin"];
        assert_eq!(of(&parts), Some(Weights::Index("model.safetensors.index.json".to_owned())));
        assert_eq!(of(&["pytorch_model.bin", "flax_model.msgpack"]), Some(Weights::File("pytorch_model.bin")));
        let old_parts = ["pytorch_model.bin.index.json"];
        assert_eq!(of(&old_parts), Some(Weights::Index("pytorch_model.bin.index.json".to_owned())));
        assert_eq!(of(&["tf_model.h5", "onnx/model.onnx", "model.fp16.safetensors"]), None);
    }

    #[test]
    fn only_what_hone_reads_is_chosen() {
        let names = ["config.json", "README.md", "vocab.txt", "1_Pooling/config.json", "rust_model.ot", "modules.json"];
        let chosen: Vec<&str> = small_files(|name| names.contains(&name)).collect();
        assert_eq!(chosen, ["config.json", "vocab.txt", "modules.json", "1_Pooling/config.json"]);
        assert!(has_tokenizer(|name| name == "vocab.txt"));
        assert!(!has_tokenizer(|name| name == "vocab.json"));
    }
}
