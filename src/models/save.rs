//! Saves a model as a Hugging Face folder that `transformers` loads unchanged.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use candle_core::DType;
use serde_json::{Map, Value, json};

use crate::data::read_model_text;
use crate::models::adapter_files::{ADAPTER_WEIGHTS, PREFIX};
use crate::models::config::{ModelConfig, read_json};
use crate::models::head::{Head, MaskedLm};
use crate::models::model::Model;
use crate::models::model_folder::{ADAPTER_FILE, CONFIG_FILE};
use crate::models::save_adapter::adapter_config;
use crate::models::sentence_folder::DENSE_FOLDER;
use crate::models::sentence_modules::configurations;
use crate::models::weight_files::WEIGHTS_FILE;
use crate::models::{ModelError, Parameter};
use crate::project::{LoraSettings, TaskKind};
use crate::storage::write_atomic;

/// Tokenizer files; which of them a folder has depends on the model.
pub const TOKENIZER_FILES: [&str; 7] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
];

impl Model {
    /// Writes `config.json`, `model.safetensors` and the tokenizer's files to `out`; `source` is the folder the model
    /// was loaded from. Configuration keys that Hone does not use are kept.
    ///
    /// Of a model that is trained with adapters, only those and the head are written, as `peft` does: the folder names
    /// `source` as its base model.
    ///
    /// # Errors
    /// [`ModelError`] if a file in `source` cannot be read or one in `out` cannot be written.
    pub fn save_folder(&self, source: &Path, out: &Path) -> Result<(), ModelError> {
        let mut config = read_json(source)?;
        if let Some(keys) = config.as_object_mut() {
            self.describe(keys);
        }
        write(out, CONFIG_FILE, format!("{config:#}\n").as_bytes())?;
        match (self.lora(), self.parts().1) {
            (Some(lora), _) => self.save_adapter(lora, source, out)?,
            (None, Head::Dense(_)) => {
                let name = |parameter: &Parameter| of_dense(parameter).is_none().then(|| parameter.name.clone());
                self.save_weights(WEIGHTS_FILE, name, out)?;
                self.save_modules(out)?;
            }
            (None, _) => self.save_weights(WEIGHTS_FILE, |parameter| Some(parameter.name.clone()), out)?,
        }
        copy_tokenizer(source, out)
    }

    fn save_adapter(&self, lora: &LoraSettings, source: &Path, out: &Path) -> Result<(), ModelError> {
        let task = match self.parts().1 {
            Head::Classification(_) | Head::Score(_) => Some("SEQ_CLS"),
            Head::Dense(_) => Some("FEATURE_EXTRACTION"),
            Head::CausalLm { .. } => Some("CAUSAL_LM"),
            Head::MaskedLm(_) => None,
        };
        // A head on embeddings is a module that follows a network without a head.
        let follows = matches!(self.parts().1, Head::Dense(_));
        let architecture = self.config().architecture();
        let name = |parameter: &Parameter| match (follows, of_dense(parameter)) {
            (false, _) => Some(parameter.name.clone()),
            (true, Some(_)) => None,
            (true, None) => Some(architecture.bare_name(&parameter.name).to_owned()),
        };
        let named = |parameter: &Parameter| Some(Parameter { name: name(parameter)?, ..parameter.clone() });
        let parameters: Vec<Parameter> = self.parameters().iter().filter_map(named).collect();
        let config = adapter_config(lora, task, source, &parameters);
        write(out, ADAPTER_FILE, format!("{config:#}\n").as_bytes())?;
        let in_file = |parameter: &Parameter| name(parameter).map(|name| format!("{PREFIX}{name}"));
        self.save_weights(ADAPTER_WEIGHTS, |parameter| in_file(parameter).filter(|_| parameter.trained), out)?;
        if follows { self.save_modules(out) } else { Ok(()) }
    }

    /// Writes the modules that follow the network, as `sentence-transformers` does.
    fn save_modules(&self, out: &Path) -> Result<(), ModelError> {
        let sizes = (self.config().hidden_size, self.labels().len());
        let configurations = configurations(sizes, self.config().max_positions(), self.pooling());
        for (file, configuration) in configurations {
            write(out, &file, format!("{configuration:#}\n").as_bytes())?;
        }
        self.save_weights(WEIGHTS_FILE, of_dense, &out.join(DENSE_FOLDER))
    }

    /// Writes the parameters that have a name.
    fn save_weights(
        &self,
        file: &str,
        name: impl Fn(&Parameter) -> Option<String>,
        out: &Path,
    ) -> Result<(), ModelError> {
        let as_in_file = |parameter: &Parameter| {
            let tensor = parameter.var.as_tensor();
            let tensor = if parameter.transposed { tensor.t()?.contiguous()? } else { tensor.clone() };
            tensor.to_dtype(DType::F32)
        };
        let named = self.parameters().iter().filter_map(|parameter| Some((name(parameter)?, parameter)));
        let tensors = named.map(|(name, parameter)| Ok((name, as_in_file(parameter)?)));
        let tensors = tensors.collect::<candle_core::Result<Vec<_>>>()?;
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let bytes = safetensors::serialize(tensors, Some(metadata)).map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            ModelError::Io { action: "write", path: out.join(file), source }
        })?;
        write(out, file, &bytes)
    }
}

/// The name of a parameter of a head on embeddings in the folder of that module; `None` for those of the network.
fn of_dense(parameter: &Parameter) -> Option<String> {
    parameter.name.strip_prefix(DENSE_FOLDER)?.strip_prefix('.').map(str::to_owned)
}

/// Copies the tokenizer files that a folder has.
pub(super) fn copy_tokenizer(source: &Path, out: &Path) -> Result<(), ModelError> {
    for file in TOKENIZER_FILES {
        match read_model_text(source, file) {
            Ok(bytes) => write(out, file, &bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ModelError::unreadable(source.join(file), error)),
        }
    }
    Ok(())
}

/// Keys of `config.json` that only a classifier has.
const CLASSIFIER_KEYS: [&str; 4] = ["num_labels", "id2label", "label2id", "problem_type"];

/// The task of a head.
fn task_of(head: &Head) -> TaskKind {
    match head {
        Head::Classification(_) | Head::Score(_) | Head::Dense(_) => TaskKind::TextClassification,
        Head::MaskedLm(_) | Head::CausalLm { .. } => TaskKind::LanguageModelling,
    }
}

/// The head that a model folder was saved with, according to its `config.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedHead {
    /// The head of a task.
    Of(TaskKind),
    /// No head.
    Missing,
    /// A head that Hone does not support, with its Hugging Face class.
    Other(String),
    /// The configuration does not name a class.
    Unknown,
}

impl ModelConfig {
    /// The head that the folder was saved with, by the first of its `architectures`.
    #[must_use]
    pub fn saved_head(&self) -> SavedHead {
        let Some(class) = self.architectures.as_deref().and_then(<[String]>::first) else { return SavedHead::Unknown };
        let (architecture, model_type) = (self.architecture(), self.model_type.as_str());
        if architecture.bare_class(model_type).as_ref() == Some(class) {
            return SavedHead::Missing;
        }
        let is_class = |&task: &TaskKind| architecture.class(model_type, task).as_ref() == Some(class);
        match TaskKind::ALL.into_iter().find(is_class) {
            Some(task) => SavedHead::Of(task),
            None => SavedHead::Other(class.clone()),
        }
    }
}

impl Model {
    /// Sets the keys that identify the network and the head to `transformers`.
    fn describe(&self, config: &mut Map<String, Value>) {
        let (architecture, head) = (self.config().architecture(), self.parts().1);
        let model_type = &self.config().model_type;
        let class = match head {
            Head::Dense(_) => architecture.bare_class(model_type),
            _ => architecture.class(model_type, task_of(head)),
        };
        config.insert("architectures".into(), json!(class.as_slice()));
        match head {
            Head::Classification(_) | Head::Score(_) | Head::Dense(_) => {
                let labels = self.labels();
                let names = labels.iter().enumerate().map(|(id, label)| (id.to_string(), json!(label)));
                let ids = labels.iter().enumerate().map(|(id, label)| (label.clone(), json!(id)));
                config.insert("num_labels".into(), json!(labels.len()));
                config.insert("id2label".into(), Value::Object(names.collect()));
                config.insert("label2id".into(), Value::Object(ids.collect()));
                config.insert("problem_type".into(), json!("single_label_classification"));
            }
            Head::MaskedLm(MaskedLm { tied, .. }) | Head::CausalLm { tied, .. } => {
                for key in CLASSIFIER_KEYS {
                    config.remove(key);
                }
                config.insert("tie_word_embeddings".into(), json!(tied));
            }
        }
        // The weights are always written as 32-bit floats.
        for key in ["dtype", "torch_dtype"] {
            if let Some(dtype) = config.get_mut(key) {
                *dtype = json!("float32");
            }
        }
    }
}

/// Writes a file of a model folder.
pub(super) fn write(folder: &Path, file: &str, bytes: &[u8]) -> Result<(), ModelError> {
    let path = folder.join(file);
    write_atomic(&path, |writer| writer.write_all(bytes)).map_err(|source| ModelError::Io {
        action: "write",
        path,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_a_folder_tells_its_head() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let config = ModelConfig::read(&folder).unwrap();
        assert_eq!(config.saved_head(), SavedHead::Of(TaskKind::TextClassification));
        let of = |architectures: Option<&[&str]>| {
            let names = architectures.map(|names| names.iter().map(|&name| name.to_owned()).collect());
            ModelConfig { architectures: names, ..config.clone() }.saved_head()
        };
        assert_eq!(of(Some(&["BertForMaskedLM"])), SavedHead::Of(TaskKind::LanguageModelling));
        assert_eq!(of(Some(&["BertModel"])), SavedHead::Missing);
        let other = "BertForQuestionAnswering";
        assert_eq!(of(Some(&[other])), SavedHead::Other(other.to_owned()));
        assert_eq!([of(None), of(Some(&[]))], [SavedHead::Unknown, SavedHead::Unknown]);
    }
}
