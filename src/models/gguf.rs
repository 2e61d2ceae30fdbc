//! GGUF, the format of llama.cpp: one file with a model of the Llama family and its tokenizer, often quantised. It is converted
//! to a Hugging Face folder once, so that everything else works as with any other model.
//!
//! Source of names and layouts: `gguf-py` of llama.cpp.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{Device, Tensor};
use serde_json::{Map, json};

use crate::data::{GgufVocabulary, guarded};
use crate::models::ModelError;
use crate::models::model_folder::CONFIG_FILE;
use crate::models::save::write;
use crate::models::weight_files::WEIGHTS_FILE;
use crate::ops::message;
use crate::progress::{Progress, Watch};

/// Names of a layer's tensors, in GGUF and in `transformers`.
const OF_LAYERS: [(&str, &str); 9] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];
/// Names of the other tensors.
const OTHERS: [(&str, &str); 3] = [
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
];

/// Writes the model in a GGUF file as a Hugging Face folder to `out`: weights as 32-bit floats, the configuration, and the
/// tokenizer.
///
/// # Errors
/// [`ModelError::Gguf`] if the file cannot be read or holds something that Hone does not support, [`ModelError::Cancelled`], and
/// errors of writing.
pub fn convert_gguf(file: &Path, out: &Path, watch: &mut Watch<'_>) -> Result<(), ModelError> {
    let wrong = |reason: String| ModelError::Gguf { path: file.to_owned(), reason };
    let opened = File::open(file).map_err(|error| ModelError::unreadable(file.to_owned(), error))?;
    let mut reader = BufReader::new(opened);
    let read = guarded(|| Content::read(&mut reader)).unwrap_or_else(|| Err(candle_core::Error::msg("it is damaged")));
    let gguf = Gguf(read.map_err(|error| wrong(reason(&message(&error))))?);
    let config = gguf.config().map_err(wrong)?;
    let tokenizer = gguf.vocabulary().and_then(|vocabulary| vocabulary.tokenizer_json()).map_err(wrong)?;
    let tensors = gguf.tensors(&mut reader, &config, watch).map_err(|stop| match stop {
        Stop::Cancelled => ModelError::Cancelled,
        Stop::Wrong(reason) => wrong(reason),
    })?;
    watch.progress(Progress::stage("Writing the model folder"));
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let weights = safetensors::serialize(tensors, Some(metadata)).map_err(|error| wrong(error.to_string()))?;
    write(out, CONFIG_FILE, format!("{:#}\n", serde_json::Value::Object(config)).as_bytes())?;
    write(out, "tokenizer.json", tokenizer.as_bytes())?;
    write(out, "tokenizer_config.json", format!("{:#}\n", gguf.tokenizer_config()).as_bytes())?;
    write(out, WEIGHTS_FILE, &weights)
}

/// Why a file is no GGUF file that can be read, in plain words where the reader has none.
fn reason(message: &str) -> String {
    if message.contains("unknown magic") {
        "it is no GGUF file: it does not begin as one".to_owned()
    } else if message.contains("failed to fill whole buffer") || message.contains(" remaining") {
        "it ends too early, so the download may be incomplete".to_owned()
    } else {
        message.to_owned()
    }
}

/// What a file holds.
struct Gguf(Content);

/// Why the tensors were not read.
enum Stop {
    Cancelled,
    /// A part of a sentence.
    Wrong(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Wrong(reason)
    }
}

impl Gguf {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.metadata.get(key)?.to_string().ok().map(String::as_str)
    }

    fn number(&self, key: &str) -> Option<u64> {
        let value = self.0.metadata.get(key)?;
        value.to_u64().or_else(|_| value.to_u32().map(u64::from)).ok()
    }

    fn float(&self, key: &str) -> Option<f64> {
        self.0.metadata.get(key)?.to_f32().ok().map(shortest)
    }

    fn list<T>(&self, key: &str, of: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        let list = self.0.metadata.get(key).and_then(|value| value.to_vec().ok());
        list.into_iter().flatten().filter_map(of).collect()
    }

    /// The `config.json` of the model. What is missing is a part of a sentence.
    fn config(&self) -> Result<Map<String, serde_json::Value>, String> {
        let kind = self.text("general.architecture").ok_or("it does not name an architecture")?;
        let class = match kind {
            "llama" => "LlamaForCausalLM",
            "qwen2" => "Qwen2ForCausalLM",
            other => return Err(format!("it is a model of the kind \"{other}\"; Hone reads llama and qwen2")),
        };
        let needed =
            |key: &str| self.number(&format!("{kind}.{key}")).ok_or_else(|| format!("it does not say {kind}.{key}"));
        let heads = needed("attention.head_count")?;
        let hidden = needed("embedding_length")?;
        if heads == 0 || !hidden.is_multiple_of(heads) {
            return Err(format!("{kind}.embedding_length {hidden} is not divisible by {heads} heads"));
        }
        let vocabulary =
            self.0.tensor_infos.get("token_embd.weight").and_then(|tensor| tensor.shape.dims().first().copied());
        if let Some(scaling) = self.text(&format!("{kind}.rope.scaling.type")).filter(|scaling| *scaling != "none") {
            return Err(format!("it uses \"{scaling}\" position scaling, which Hone does not read from GGUF"));
        }
        if self.0.tensor_infos.contains_key("rope_freqs.weight") {
            return Err("it has its own rotary frequencies (rope_freqs.weight), which Hone does not read".to_owned());
        }
        let head_dim = self.number(&format!("{kind}.attention.key_length")).unwrap_or(hidden / heads);
        let config = json!({
            "architectures": [class],
            "model_type": kind,
            "vocab_size": vocabulary.ok_or("it has no token_embd.weight")?,
            "hidden_size": hidden,
            "num_hidden_layers": needed("block_count")?,
            "num_attention_heads": heads,
            "num_key_value_heads": self.number(&format!("{kind}.attention.head_count_kv")).unwrap_or(heads),
            "head_dim": head_dim,
            "intermediate_size": needed("feed_forward_length")?,
            "max_position_embeddings": needed("context_length")?,
            "rms_norm_eps": self.float(&format!("{kind}.attention.layer_norm_rms_epsilon")).unwrap_or(1e-6),
            "rope_theta": self.float(&format!("{kind}.rope.freq_base")).unwrap_or(10_000.0),
            "hidden_act": "silu",
            "tie_word_embeddings": !self.0.tensor_infos.contains_key("output.weight"),
            "bos_token_id": self.number("tokenizer.ggml.bos_token_id"),
            "eos_token_id": self.number("tokenizer.ggml.eos_token_id"),
            "pad_token_id": self.number("tokenizer.ggml.padding_token_id"),
            "dtype": "float32",
        });
        match config {
            serde_json::Value::Object(config) => Ok(config),
            _ => Ok(Map::new()),
        }
    }

    fn vocabulary(&self) -> Result<GgufVocabulary, String> {
        let text = |key: &str| self.text(&format!("tokenizer.ggml.{key}")).map(str::to_owned);
        let texts = |key: &str| self.list(&format!("tokenizer.ggml.{key}"), |value| value.to_string().ok().cloned());
        let adds_begin =
            self.0.metadata.get("tokenizer.ggml.add_bos_token").is_some_and(|value| value.to_bool().unwrap_or(false));
        let begin = self.number("tokenizer.ggml.bos_token_id").filter(|_| adds_begin);
        let types = self.list("tokenizer.ggml.token_type", |value| value.to_i32().ok().map(i32::unsigned_abs));
        Ok(GgufVocabulary {
            model: text("model").ok_or("it has no tokenizer")?,
            pre: text("pre"),
            tokens: texts("tokens"),
            types,
            merges: texts("merges"),
            begin: begin.and_then(|id| u32::try_from(id).ok()),
        })
    }

    fn tokenizer_config(&self) -> serde_json::Value {
        let tokens = self.list("tokenizer.ggml.tokens", |value| value.to_string().ok().cloned());
        let token = |key: &str| {
            let id = self.number(&format!("tokenizer.ggml.{key}_token_id"))?;
            tokens.get(usize::try_from(id).ok()?)
        };
        json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": token("bos"),
            "eos_token": token("eos"),
            "pad_token": token("padding"),
            "clean_up_tokenization_spaces": false,
        })
    }

    /// All tensors with the names and layouts of `transformers`.
    fn tensors(
        &self,
        reader: &mut BufReader<File>,
        config: &Map<String, serde_json::Value>,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<(String, Tensor)>, Stop> {
        let number = |key: &str| config.get(key).and_then(serde_json::Value::as_u64).unwrap_or(1) as usize;
        // Files of Llama have the rows of queries and keys in the order of interleaved pairs of columns.
        let is_interleaved = config.get("model_type").is_some_and(|kind| kind == "llama");
        let mut names: Vec<&String> = self.0.tensor_infos.keys().collect();
        names.sort();
        let mut tensors = Vec::with_capacity(names.len());
        let all = names.len();
        for (done, name) in names.into_iter().enumerate() {
            watch.progress(Progress::of("Converting the GGUF file", done, all, "tensors"));
            watch.control.look().map_err(|_| Stop::Cancelled)?;
            let said = |error: candle_core::Error| reason(&format!("tensor {name}: {}", message(&error)));
            let read = guarded(|| {
                self.0.tensor(reader, name, &Device::Cpu).and_then(|tensor| tensor.dequantize(&Device::Cpu))
            });
            let tensor = read.ok_or_else(|| format!("tensor {name} is damaged"))?.map_err(said)?;
            let upstream =
                upstream_name(name).ok_or_else(|| format!("it has a tensor {name}, which Hone does not know"))?;
            let heads = match () {
                () if !is_interleaved => None,
                () if upstream.contains("q_proj") => Some(number("num_attention_heads")),
                () if upstream.contains("k_proj") => Some(number("num_key_value_heads")),
                () => None,
            };
            let tensor = heads.map_or(Ok(tensor.clone()), |heads| halves(&tensor, heads)).map_err(said)?;
            tensors.push((upstream, tensor));
        }
        Ok(tensors)
    }
}

/// The name in `transformers` of a tensor.
fn upstream_name(name: &str) -> Option<String> {
    if let Some((_, upstream)) = OTHERS.iter().find(|(gguf, _)| *gguf == name) {
        return Some((*upstream).to_owned());
    }
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    let (part, end) = part.rsplit_once('.')?;
    let (_, upstream) = OF_LAYERS.iter().find(|(gguf, _)| *gguf == part)?;
    Some(format!("model.layers.{layer}.{upstream}.{end}"))
}

/// Rows of interleaved pairs, `[heads, pairs, 2]`, as two halves, `[heads, 2, pairs]`.
fn halves(tensor: &Tensor, heads: usize) -> candle_core::Result<Tensor> {
    let shape = tensor.dims().to_vec();
    let rest: usize = shape.iter().skip(1).product();
    let pairs = shape.first().copied().unwrap_or(0) / (2 * heads.max(1));
    tensor.reshape((heads, pairs, 2, rest))?.transpose(1, 2)?.contiguous()?.reshape(shape)
}

/// The shortest decimal number that is this float: 1e-5, not 9.999999747378752e-6.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
