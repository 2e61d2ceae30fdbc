//! Whether Hone can train a model of the Hub, by the names of its files and what the Hub says of its configuration.

use crate::data::SENTENCE_PIECE;
use crate::fetch::hub_answer::ModelAnswer;
use crate::fetch::hub_files::{has_tokenizer, weights_of};
use crate::models::{ADAPTER_FILE, CONFIG_FILE, OTHER_WEIGHTS, architecture_names, can_train};

/// Tags that the Hub gives to models with quantised weights.
const QUANTISED_TAGS: [&str; 6] = ["4-bit", "8-bit", "gptq", "awq", "bitsandbytes", "compressed-tensors"];

/// Why Hone cannot train a model of the Hub, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrainable {
    /// Another architecture.
    #[error("its architecture is {0}, which Hone cannot train yet. Choose a model of one of these: {known}", known = architecture_names())]
    Architecture(String),
    /// An adapter.
    #[error("it holds an adapter, which is only a part of a model. {}", match .0 {
        Some(base) => format!("Choose its base model, {base}"),
        None => "Choose its base model".to_owned(),
    })]
    Adapter(Option<String>),
    /// Quantised weights.
    #[error("its weights are quantised, and training needs the original ones. Choose the model it was made from")]
    Quantised,
    /// Only GGUF files.
    #[error(
        "it only has GGUF files. Choose the model they were made from; or download one and turn it into a model folder with \
         `hone models convert FILE --out FOLDER`"
    )]
    OnlyGguf,
    /// No configuration.
    #[error("it has no config.json, so it is not a model in the format of transformers. Choose another model")]
    NoConfig,
    /// Weights in a format that Hone does not read.
    #[error("its weights are not in model.safetensors or pytorch_model.bin{}. Choose another model, or convert it with transformers",
        .0.map(|file| format!(", but in {file}")).unwrap_or_default())]
    Weights(Option<&'static str>),
    /// A tokenizer that must be converted first.
    #[error(
        "its tokenizer is only there as {0}, which must be converted first. Download the model with `hf download OWNER/NAME \
         --local-dir FOLDER`, convert it with `python -c \"from transformers import AutoTokenizer; \
         AutoTokenizer.from_pretrained('FOLDER').save_pretrained('FOLDER')\"`, and choose that folder"
    )]
    SentencePiece(&'static str),
    /// No tokenizer.
    #[error("it has no tokenizer.json, vocab.txt, or vocab.json with merges.txt. Choose another model")]
    NoTokenizer,
    /// A configuration under which Hone computes otherwise.
    #[error("{0}. Choose another model")]
    Config(String),
}

impl Untrainable {
    /// The reason in a few words, for a row of a table.
    #[must_use]
    pub fn in_short(&self) -> String {
        match self {
            Self::Architecture(architecture) => format!("Hone can't train {architecture} models yet"),
            Self::Adapter(_) => "An adapter, not a whole model".to_owned(),
            Self::Quantised => "Quantised weights".to_owned(),
            Self::OnlyGguf => "GGUF files only".to_owned(),
            Self::NoConfig => "No config.json".to_owned(),
            Self::Weights(_) => "No weights in a format Hone reads".to_owned(),
            Self::SentencePiece(_) => "Tokenizer must be converted first".to_owned(),
            Self::NoTokenizer => "No tokenizer".to_owned(),
            Self::Config(_) => "Unsupported configuration".to_owned(),
        }
    }
}

/// Whether Hone can train a model, as far as the Hub's answer tells.
pub(super) fn check(answer: &ModelAnswer) -> Result<(), Untrainable> {
    let has = |name: &str| answer.has_file(name);
    let ends = |end: &str| answer.siblings.iter().any(|file| file.path.to_ascii_lowercase().ends_with(end));
    if has(ADAPTER_FILE) && weights_of(has).is_none() {
        return Err(Untrainable::Adapter(answer.base_model()));
    }
    if !has(CONFIG_FILE) {
        return Err(if ends(".gguf") { Untrainable::OnlyGguf } else { Untrainable::NoConfig });
    }
    if let Some(architecture) = answer.architecture().filter(|architecture| !can_train(architecture)) {
        return Err(Untrainable::Architecture(architecture.to_owned()));
    }
    if answer.has_quantization() || answer.tags.iter().any(|tag| QUANTISED_TAGS.contains(&tag.as_str())) {
        return Err(Untrainable::Quantised);
    }
    if weights_of(has).is_none() {
        return Err(match OTHER_WEIGHTS.into_iter().find(|file| has(file)) {
            None if ends(".gguf") => Untrainable::OnlyGguf,
            other => Untrainable::Weights(other),
        });
    }
    if !has_tokenizer(has) {
        let sentence_piece = SENTENCE_PIECE.into_iter().find(|file| has(file));
        return Err(sentence_piece.map_or(Untrainable::NoTokenizer, Untrainable::SentencePiece));
    }
    Ok(())
}
