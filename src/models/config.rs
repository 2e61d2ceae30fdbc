//! `config.json` of a Hugging Face model folder.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::data::{DataError, TextTokenizer, is_lfs_pointer, read_model_text};
use crate::models::ModelError;
use crate::models::adapter_files;
use crate::models::architecture::{Architecture, DecoderNames, EncoderNames, FeedForwardNames, FirstPosition, Network};
use crate::models::architectures;
use crate::models::decoder_config::{self, DecoderConfig};
use crate::models::model_folder::{self, CONFIG_FILE};
use crate::models::relative_config::RelativeConfig;
use crate::models::sentence_folder::Embedding;
use crate::project::Objective;

/// Most layers, and most attention heads of a layer. The largest BERT models have 48 and 64.
const MOST_LAYERS_OR_HEADS: usize = 1_024;
/// Most numbers of a hidden state.
const MOST_WIDTH: usize = 1 << 20;
/// Most tokens and positions.
const MOST_ROWS: usize = 1 << 24;

/// The keys of `config.json` that define a network, with the names that BERT has for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Type of network: `bert`, for example.
    pub model_type: String,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Encoder layers.
    pub num_hidden_layers: usize,
    /// Attention heads per layer.
    pub num_attention_heads: usize,
    /// Inner width of the feed-forward part.
    pub intermediate_size: usize,
    /// Activation function of the feed-forward part.
    #[serde(default)]
    pub hidden_act: HiddenActivation,
    /// Dropout of hidden states.
    #[serde(default = "tenth")]
    pub hidden_dropout_prob: f64,
    /// Dropout of attention probabilities.
    #[serde(default = "tenth")]
    pub attention_probs_dropout_prob: f64,
    /// Dropout before the classification head; `None` uses `hidden_dropout_prob`.
    #[serde(default)]
    pub classifier_dropout: Option<f64>,
    /// Rows of the position embedding; see [`Self::max_positions`].
    pub max_position_embeddings: usize,
    /// Rows of the token type embedding.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Width of the embeddings, where it differs from that of the layers.
    #[serde(default)]
    pub embedding_size: Option<usize>,
    /// Id of the token that fills short texts in a padded batch.
    #[serde(default)]
    pub pad_token_id: Option<usize>,
    /// Standard deviation of newly initialised weights.
    #[serde(default = "fiftieth")]
    pub initializer_range: f64,
    /// Added to the variance in layer normalisations.
    #[serde(default = "tiny")]
    pub layer_norm_eps: f64,
    /// Whether an output layer over the vocabulary shares the word embeddings.
    #[serde(default = "yes")]
    pub tie_word_embeddings: bool,
    /// Keys that only decoders have.
    #[serde(flatten)]
    pub decoder: DecoderConfig,
    /// Keys that only networks with relative positions have.
    #[serde(flatten)]
    pub relative: RelativeConfig,
    /// What a classifier reads, where it is not always the same: `cls` or `mean`.
    #[serde(default)]
    pub classifier_pooling: Option<String>,
    /// Label names by class id as text.
    #[serde(default)]
    pub id2label: BTreeMap<String, String>,
    /// The class of `transformers` that the folder was saved from; see [`Self::saved_head`].
    #[serde(default)]
    pub architectures: Option<Vec<String>>,
    /// What a classification head was trained for: `single_label_classification`, `multi_label_classification` or
    /// `regression`.
    #[serde(default)]
    pub problem_type: Option<String>,
    /// What the folder says about embeddings of texts, which is in files of `sentence-transformers`.
    #[serde(skip)]
    pub(super) embedding: Embedding,
}

/// An activation function, by its Hugging Face name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenActivation {
    /// The exact GELU.
    #[default]
    Gelu,
    /// GELU approximated with tanh.
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// Rectified linear unit.
    Relu,
    /// The sigmoid-weighted linear unit.
    #[serde(alias = "swish")]
    Silu,
}

fn tenth() -> f64 {
    0.1
}

fn fiftieth() -> f64 {
    0.02
}

fn tiny() -> f64 {
    1e-12
}

fn two() -> usize {
    2
}

fn yes() -> bool {
    true
}

impl ModelConfig {
    /// Reads and checks `config.json` of a model folder.
    ///
    /// # Errors
    /// If the file is missing, unreadable or not JSON, if the network has another type, or if its sizes make no sense.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let config = Self::from_json(read_json(folder)?, &folder.join(CONFIG_FILE))?;
        Ok(Self { embedding: Embedding::read(&adapter_files::described_in(folder)?)?, ..config })
    }

    /// Checks the content of a `config.json`; `path` is its name in messages.
    ///
    /// # Errors
    /// If the network has another type, or if its sizes make no sense.
    pub fn from_json(json: Value, path: &Path) -> Result<Self, ModelError> {
        let wrong = |reason: String| ModelError::Config { path: path.to_owned(), reason };
        let Some(model_type) = json.get("model_type").and_then(Value::as_str) else {
            return Err(wrong("it does not name a model_type".to_owned()));
        };
        let Some(architecture) = architectures::of(model_type) else {
            return Err(ModelError::UnsupportedArchitecture {
                path: path.to_owned(),
                model_type: model_type.to_owned(),
            });
        };
        refuse_unsupported(&json, architecture).map_err(wrong)?;
        if matches!(architecture.network, Network::Decoder(_)) {
            decoder_config::refuse_unsupported(&json).map_err(wrong)?;
        }
        let config: Self = serde_json::from_value(with_usual_keys(json, architecture))
            .map_err(|error| wrong(with_own_keys(error.to_string(), architecture)))?;
        config.check().map_err(wrong)?;
        Ok(config)
    }

    /// The architecture of the network.
    ///
    /// A configuration that was read has one; any other counts as BERT.
    pub(super) fn architecture(&self) -> &'static Architecture {
        architectures::of(&self.model_type).unwrap_or(&architectures::BERT)
    }

    /// Width of the embeddings.
    #[must_use]
    pub fn embedding_width(&self) -> usize {
        match self.architecture().encoder() {
            Some(EncoderNames { projection: Some(_), .. }) => self.embedding_size.unwrap_or(self.hidden_size),
            _ => self.hidden_size,
        }
    }

    /// Rows of the embeddings of token types; 0 if the network has none.
    #[must_use]
    pub fn type_rows(&self) -> usize {
        let has_types = self.architecture().encoder().is_some_and(|names| names.has_types);
        if has_types { self.type_vocab_size } else { 0 }
    }

    /// Rows of the position embedding; 0 if positions turn queries and keys instead.
    #[must_use]
    pub fn position_rows(&self) -> usize {
        match self.architecture().decoder() {
            Some(DecoderNames { positions: None, .. }) => 0,
            None if !self.embeds_positions() => 0,
            _ => self.max_position_embeddings,
        }
    }

    /// Whether training can recompute activations: not if layers share what distances add to their scores.
    #[must_use]
    pub fn can_recompute(&self) -> bool {
        self.architecture().encoder().is_none_or(|names| names.relative.is_none())
    }

    /// What a language model of this architecture predicts.
    #[must_use]
    pub fn objective(&self) -> Objective {
        match self.architecture().network {
            Network::Encoder { .. } | Network::PreNormEncoder { .. } => Objective::MaskedWords,
            Network::Decoder(_) => Objective::NextTokens,
        }
    }

    /// The row of the position embedding that the first token of a text has.
    pub(super) fn first_position(&self) -> usize {
        match self.architecture().encoder().map(|names| names.first_position) {
            Some(FirstPosition::AfterPadding) => self.pad_token_id.unwrap_or(1).saturating_add(1),
            _ => 0,
        }
    }

    /// Most tokens of a sequence.
    #[must_use]
    pub fn max_positions(&self) -> usize {
        self.max_position_embeddings.saturating_sub(self.first_position())
    }

    /// Label names in class-id order; empty if there are none or some are missing.
    #[must_use]
    pub fn label_names(&self) -> Vec<String> {
        let names: Vec<String> = (0..).map_while(|id: usize| self.id2label.get(&id.to_string()).cloned()).collect();
        if names.len() == self.id2label.len() { names } else { Vec::new() }
    }

    /// Refuses the tokenizer of the model's `folder` if it has tokens without an embedding.
    ///
    /// # Errors
    /// [`ModelError::Vocabulary`].
    pub fn check_tokenizer(&self, folder: &Path, tokenizer: &TextTokenizer) -> Result<(), ModelError> {
        let (tokens, embeddings) = (tokenizer.highest_id() as usize + 1, self.vocab_size);
        if tokens > embeddings {
            return Err(ModelError::Vocabulary { folder: folder.to_owned(), tokens, embeddings });
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("embedding_size", self.embedding_width()),
            ("type_vocab_size", self.type_vocab_size),
        ];
        let may_miss_types = matches!(self.architecture().encoder(), Some(EncoderNames { relative: Some(_), .. }));
        let sized = if may_miss_types { &sizes[..sizes.len() - 1] } else { &sizes };
        if let Some((name, _)) = sized.iter().find(|(_, size)| *size == 0) {
            return Err(format!("{} is 0", self.architecture().own_key(name)));
        }
        // So that no size overflows or takes all memory before it is compared with the weights.
        let most = |name: &str| match name {
            "num_hidden_layers" | "num_attention_heads" => MOST_LAYERS_OR_HEADS,
            "hidden_size" | "intermediate_size" | "embedding_size" => MOST_WIDTH,
            _ => MOST_ROWS,
        };
        if let Some((name, size)) = sizes.iter().find(|(name, size)| *size > most(name)) {
            let own = self.architecture().own_key(name);
            return Err(format!("{own} is {size}, and Hone reads models up to {}", most(name)));
        }
        let has_own_width = self.decoder.head_dim.is_some() && self.architecture().decoder().is_some();
        if !has_own_width && !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
            let own = self.architecture().own_key("hidden_size");
            return Err(format!("{own} {hidden} is not divisible by {heads} attention heads"));
        }
        if self.max_positions() == 0 {
            let (rows, padding) = (self.max_position_embeddings, self.first_position() - 1);
            return Err(format!("max_position_embeddings {rows} leaves no position after pad_token_id {padding}"));
        }
        match self.architecture().network {
            Network::Encoder { .. } => self.check_distances()?,
            Network::PreNormEncoder { .. } => {
                self.decoder.check(self.hidden_size, self.num_attention_heads)?;
                self.check_scopes()?;
                if let Some(other) =
                    self.classifier_pooling.as_deref().filter(|pooling| !["cls", "mean"].contains(pooling))
                {
                    return Err(format!("classifier_pooling \"{other}\" is not supported"));
                }
            }
            Network::Decoder(_) => self.decoder.check(self.hidden_size, self.num_attention_heads)?,
        }
        let dropouts =
            [Some(self.hidden_dropout_prob), Some(self.attention_probs_dropout_prob), self.classifier_dropout];
        if dropouts.into_iter().flatten().any(|dropout| !(0.0..1.0).contains(&dropout)) {
            return Err("a dropout probability is not between 0 and 1".to_owned());
        }
        Ok(())
    }
}

/// Refuses values under which the network computes otherwise than Hone does.
fn refuse_unsupported(config: &Value, architecture: &Architecture) -> Result<(), String> {
    let is_same = |value: &Value, usual: &Value| match (value.as_f64(), usual.as_f64()) {
        (Some(value), Some(usual)) => (value - usual).abs() < f64::EPSILON,
        _ => value == usual,
    };
    let differs = |key: &str, usual: &Value| config.get(key).filter(|value| !value.is_null() && !is_same(value, usual));
    // The only values that Hone supports.
    let usual = [
        ("position_embedding_type", json!("absolute")),
        ("is_decoder", json!(false)),
        ("add_cross_attention", json!(false)),
        ("pruned_heads", json!({})),
    ];
    let only = serde_json::from_str::<Map<String, Value>>(architecture.only).unwrap_or_default();
    for (key, usual) in
        usual.iter().map(|(key, usual)| (*key, usual)).chain(only.iter().map(|(key, usual)| (key.as_str(), usual)))
    {
        if let Some(value) = differs(key, usual) {
            return Err(format!("{key} {value} is not supported"));
        }
    }
    if config.get("quantization_config").is_some_and(|value| !value.is_null()) {
        let original = "the weights are quantised, and training needs the original ones";
        return Err(format!("quantization_config is not supported: {original}"));
    }
    Ok(())
}

/// The configuration with BERT's names of the keys, and what `transformers` assumes where one is missing.
fn with_usual_keys(mut config: Value, architecture: &Architecture) -> Value {
    let Some(keys) = config.as_object_mut() else { return config };
    // Nothing is the same as no key, and some early conversions write -1 for it.
    let is_no_id = |value: &Value| value.as_i64().is_some_and(|id| id < 0);
    keys.retain(|key, value| !(value.is_null() || key == "pad_token_id" && is_no_id(value)));
    // Labels may be numbers.
    for name in keys.get_mut("id2label").and_then(Value::as_object_mut).into_iter().flat_map(|names| names.values_mut())
    {
        if name.is_number() {
            *name = Value::String(name.to_string());
        }
    }
    for (own, usual) in architecture.keys {
        if let Some(value) = keys.remove(*own) {
            keys.insert((*usual).to_owned(), value);
        }
    }
    if let Ok(Value::Object(defaults)) = serde_json::from_str(architecture.defaults) {
        for (key, value) in defaults {
            keys.entry(key).or_insert(value);
        }
    }
    if matches!(architecture.decoder(), Some(DecoderNames { feed_forward: FeedForwardNames::Plain(_), .. }))
        && let Some(hidden) = keys.get("hidden_size").and_then(Value::as_u64)
    {
        keys.entry("intermediate_size").or_insert(json!(hidden.saturating_mul(4)));
    }
    config
}

/// A message about a configuration with BERT's names, with the names that the file has.
fn with_own_keys(message: String, architecture: &Architecture) -> String {
    let renamed =
        |message: String, (own, usual): &(&str, &str)| message.replace(&format!("`{usual}`"), &format!("`{own}`"));
    architecture.keys.iter().fold(message, renamed)
}

/// All of `config.json`, including the keys that Hone does not use.
pub(super) fn read_json(folder: &Path) -> Result<Value, ModelError> {
    let folder = &adapter_files::described_in(folder)?;
    let path = folder.join(CONFIG_FILE);
    let bytes = match read_model_text(folder, CONFIG_FILE) {
        Ok(bytes) => bytes,
        // Or the path is a file, not a folder.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(model_folder::without(folder, CONFIG_FILE));
        }
        Err(error) => return Err(ModelError::unreadable(path, error)),
    };
    if is_lfs_pointer(&bytes) {
        return Err(DataError::LfsPointer(path).into());
    }
    let json = serde_json::from_slice(&bytes);
    json.map_err(|error| ModelError::Config { path, reason: format!("it is not valid JSON ({error})") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ModelConfig, ModelError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(CONFIG_FILE), json).unwrap();
        ModelConfig::read(folder.path())
    }

    const SMALL: &str = r#"{"model_type": "bert", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 4, "max_position_embeddings": 16, "hidden_act": "gelu_new",
        "id2label": {"1": "bad", "0": "good"}, "unknown": [1]}"#;

    #[test]
    fn a_small_config_is_read_with_upstream_defaults() {
        let config = read(SMALL).unwrap();
        assert_eq!(config.hidden_act, HiddenActivation::GeluNew);
        assert_eq!((config.hidden_dropout_prob, config.type_vocab_size, config.layer_norm_eps), (0.1, 2, 1e-12));
        assert_eq!(config.label_names(), ["good", "bad"]);
        let gap = SMALL.replace("\"1\": \"bad\"", "\"2\": \"bad\"");
        assert!(read(&gap).unwrap().label_names().is_empty());
    }

    #[test]
    fn values_that_an_architecture_does_not_have_are_refused_by_name() {
        let cases = [
            ("modernbert", "\"norm_bias\": true", "norm_bias true"),
            ("modernbert", "\"classifier_bias\": true", "classifier_bias true"),
            ("modernbert", "\"classifier_activation\": \"silu\"", "classifier_activation \"silu\""),
            ("modernbert", "\"decoder_bias\": false", "decoder_bias false"),
            ("modernbert", "\"classifier_pooling\": \"max\"", "classifier_pooling \"max\""),
            ("modernbert", "\"layer_types\": [\"chunked_attention\"]", "layer_types \"chunked_attention\""),
            ("mpnet", "\"relative_attention_num_buckets\": 64", "relative_attention_num_buckets 64"),
            ("mpnet", "\"pad_token_id\": 0", "pad_token_id 0"),
            ("deberta-v2", "\"conv_kernel_size\": 3", "conv_kernel_size 3"),
            ("deberta-v2", "\"pooler_dropout\": 0.1", "pooler_dropout 0.1"),
            ("deberta-v2", "\"legacy\": false", "legacy false"),
            ("deberta-v2", "\"relative_attention\": false", "relative_attention false"),
            ("qwen3", "\"use_sliding_window\": true", "use_sliding_window true"),
        ];
        for (model_type, key, part) in cases {
            let json = SMALL.replace("\"bert\"", &format!("\"{model_type}\", {key}"));
            let error = read(&json).unwrap_err().to_string();
            assert!(error.contains(&format!("{part} is not supported")), "{error}");
        }
        // A number is the same with and without a point.
        let same = SMALL.replace(
            "\"bert\"",
            "\"deberta-v2\", \"pooler_dropout\": 0.0, \"relative_attention\": true, \"pos_att_type\": \"c2p\"",
        );
        read(&same).unwrap();
    }

    #[test]
    fn an_invalid_config_says_what_is_wrong() {
        let cases = [
            ("{", "not valid JSON"),
            ("[]", "does not name a model_type"),
            (r#"{"model_type": "t5"}"#, "type \"t5\""),
            (r#"{"model_type": "bert"}"#, "missing field `vocab_size`"),
        ];
        for (json, part) in cases {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains(CONFIG_FILE), "{error}");
        }
        let changes = [
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 3", "hidden_size 8 is not divisible by 3"),
            ("\"vocab_size\": 9", "\"vocab_size\": 0", "vocab_size is 0"),
            ("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 1000000", "num_hidden_layers is 1000000, and Hone"),
            ("\"hidden_size\": 8", "\"hidden_size\": 9223372036854775808", "hidden_size is 9223372036854775808, and"),
            ("gelu_new", "mish", "unknown variant `mish`"),
            ("\"unknown\"", "\"position_embedding_type\": \"relative_key\", \"unknown\"", "\"relative_key\" is not"),
            ("\"unknown\"", "\"hidden_dropout_prob\": 1.5, \"unknown\"", "dropout probability"),
        ];
        for (from, to, part) in changes {
            let error = read(&SMALL.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
