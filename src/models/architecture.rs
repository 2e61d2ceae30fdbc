//! What tells architectures apart that compute alike: the keys of `config.json`, the names of tensors, and the classes of
//! `transformers`. Each architecture is described in its own file.

use crate::ops::Activation;
use crate::project::TaskKind;

/// The classification head of every decoder.
pub(super) const SCORE: &str = "score";
/// The language model's head of every decoder.
pub(super) const LM_HEAD: &str = "lm_head";

/// One architecture.
#[derive(Debug)]
pub(super) struct Architecture {
    /// Each `model_type` of `config.json` that it has, with the beginning of the names of its classes in `transformers`.
    pub types: &'static [(&'static str, &'static str)],
    /// Keys of `config.json` that other architectures call by another name: (the name here, BERT's name).
    pub keys: &'static [(&'static str, &'static str)],
    /// What the names of all tensors without a head begin with. A file of a network that never had a head may leave it out.
    pub prefix: &'static str,
    /// What follows the prefix, so that names without it are recognised.
    pub parts: &'static [&'static str],
    /// The end of the name of its language model's class.
    pub language_class: &'static str,
    /// What `transformers` assumes where `config.json` has no such key, if it differs from BERT's: JSON with BERT's names.
    pub defaults: &'static str,
    /// Keys of `config.json` of which only one value is supported: JSON with the names here.
    pub only: &'static str,
    /// How it computes, and the names of its tensors.
    pub network: Network,
    /// What the tensors of all heads begin with. A file can hold a head other than the one that is loaded.
    pub heads: &'static [&'static str],
}

/// How a network computes, and the names of its tensors.
#[derive(Debug)]
pub(super) enum Network {
    /// Every token sees the whole text; the first one stands for it.
    Encoder {
        /// Embeddings and layers.
        names: EncoderNames,
        /// The classification head.
        classifier: ClassifierNames,
        /// The masked language model's head.
        masked_lm: MaskedLmNames,
    },
    /// The same, with layers that normalise before their parts, as those of decoders do.
    PreNormEncoder {
        /// Embeddings and layers.
        names: DecoderNames,
        /// The classification head.
        classifier: ClassifierNames,
        /// The masked language model's head.
        masked_lm: MaskedLmNames,
    },
    /// Every token sees those before it; the last one stands for the text.
    Decoder(DecoderNames),
}

/// Names of the tensors of a decoder, or of an encoder built like one, and what it has. The heads of decoders are called
/// `score` and `lm_head` everywhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct DecoderNames {
    pub words: &'static str,
    /// The position embedding; `None`: positions turn queries and keys.
    pub positions: Option<&'static str>,
    /// The normalisation of the embeddings.
    pub embeddings_norm: Option<&'static str>,
    /// The layers; after it, the number of a layer. The names below follow the number.
    pub layers: &'static str,
    /// What tokens see.
    pub sees: Sees,
    pub attention_norm: &'static str,
    /// Whether the first layer has it too.
    pub first_has_attention_norm: bool,
    pub attention: AttentionNames,
    /// The normalisations of each head of the queries and of the keys, before their positions.
    pub head_norms: Option<HeadNormNames>,
    pub attention_output: &'static str,
    pub feed_forward_norm: &'static str,
    pub feed_forward: FeedForwardNames,
    pub feed_forward_output: &'static str,
    /// The normalisation after the last layer.
    pub last_norm: &'static str,
    /// How it normalises.
    pub norms: Norms,
    /// Which linear layers have biases.
    pub biases: Biases,
    /// Whether the file has the weights of linear layers as `[in, out]`.
    pub transposed: bool,
}

/// What the tokens of a text see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sees {
    /// Those before them.
    Before,
    /// The whole text, or in some layers their neighbours.
    Whole,
}

/// How a network normalises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Norms {
    /// By mean and variance, with a bias.
    WithBias,
    /// By mean and variance, without a bias.
    WithoutBias,
    /// By the root mean square.
    RootMeanSquare,
}

/// The linear layers that make queries, keys and values.
#[derive(Clone, Copy, Debug)]
pub(super) enum AttentionNames {
    /// One layer for all.
    Joint(&'static str),
    /// One each.
    Each { query: &'static str, key: &'static str, value: &'static str },
}

/// The normalisations of each head, by the root mean square.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadNormNames {
    pub query: &'static str,
    pub key: &'static str,
}

/// The first linear layers of the feed-forward part.
#[derive(Clone, Copy, Debug)]
pub(super) enum FeedForwardNames {
    /// One, with an activation.
    Plain(&'static str),
    /// The activation of one times the other.
    Gated { gate: &'static str, up: &'static str },
    /// The same, of one layer for both.
    JointGated(&'static str),
}

/// Which linear layers of a decoder have biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Biases {
    /// All.
    All,
    /// Queries, keys and values.
    Attention,
    /// Those that `config.json` says.
    AsConfigured,
}

/// Names of an encoder's tensors, and what it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncoderNames {
    /// The embeddings.
    pub embeddings: &'static str,
    /// Whether tokens have an embedding of their type (first or second text).
    pub has_types: bool,
    /// Where the positions of a text begin.
    pub first_position: FirstPosition,
    /// The linear layer from the embeddings' width to the layers', where these can differ.
    pub projection: Option<&'static str>,
    /// What it has for the distances between tokens.
    pub relative: Option<RelativeNames>,
    /// The layers; after it, the number of a layer. The names below follow the number.
    pub layers: &'static str,
    pub query: &'static str,
    pub key: &'static str,
    pub value: &'static str,
    pub attention_output: &'static str,
    pub attention_norm: &'static str,
    pub intermediate: &'static str,
    pub output: &'static str,
    pub output_norm: &'static str,
}

/// What an encoder has for the distances between tokens.
#[derive(Clone, Copy, Debug)]
pub(super) enum RelativeNames {
    /// A number for each kind of distance and head.
    Bias(&'static str),
    /// Embeddings of distances, with which queries and keys are multiplied.
    Products {
        table: &'static str,
        /// Their normalisation, where `config.json` says that there is one.
        norm: &'static str,
        /// The layers that make keys and queries of them, where these are not those of tokens; after the number of a layer.
        key: &'static str,
        query: &'static str,
    },
}

/// Which row of the position embedding the first token of a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstPosition {
    /// The first.
    Zero,
    /// The one after the padding token's id: fairseq numbers positions so.
    AfterPadding,
}

impl EncoderNames {
    /// BERT's names; [`Self::layers`] is to be set.
    pub const fn of_bert(embeddings: &'static str) -> Self {
        Self {
            embeddings,
            has_types: true,
            first_position: FirstPosition::Zero,
            projection: None,
            relative: None,
            layers: "",
            query: "attention.self.query",
            key: "attention.self.key",
            value: "attention.self.value",
            attention_output: "attention.output.dense",
            attention_norm: "attention.output.LayerNorm",
            intermediate: "intermediate.dense",
            output: "output.dense",
            output_norm: "output.LayerNorm",
        }
    }
}

/// Tensor names of an architecture's classification head: a dense layer, and one that scores each label.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassifierNames {
    pub dense: &'static str,
    /// What follows the dense layer.
    pub activation: Activation,
    /// The normalisation after that.
    pub norm: Option<&'static str>,
    /// Whether the dense layer and the normalisation have biases.
    pub has_biases: bool,
    /// Whether there is dropout before the dense layer too.
    pub drops_input: bool,
    pub scores: &'static str,
}

/// Tensor names of an architecture's masked language modelling head: a dense layer, a normalisation, and the decoder.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaskedLmNames {
    pub dense: &'static str,
    /// What follows the dense layer; `None`: what the layers use.
    pub activation: Option<Activation>,
    pub norm: &'static str,
    /// Whether the dense layer and the normalisation have biases.
    pub has_biases: bool,
    pub decoder: &'static str,
    /// The decoder's bias, if the decoder shares the word embeddings.
    pub bias: &'static str,
}

impl Architecture {
    /// The name that this architecture has for a key of BERT's.
    pub fn own_key<'a>(&self, usual: &'a str) -> &'a str {
        self.keys.iter().find(|(_, key)| *key == usual).map_or(usual, |(own, _)| *own)
    }

    /// The Hugging Face name of a tensor: with the network's prefix and the current names of normalisation weights.
    pub fn upstream_name(&self, name: &str) -> String {
        let name = match name.strip_suffix(".gamma") {
            Some(stem) => format!("{stem}.weight"),
            None => name.strip_suffix(".beta").map_or(name.to_owned(), |stem| format!("{stem}.bias")),
        };
        let is_bare = self.parts.iter().any(|part| name.starts_with(part));
        if is_bare { format!("{}{name}", self.prefix) } else { name }
    }

    /// The name of a tensor in a network without a head, which has no prefix: the opposite of [`Self::upstream_name`].
    pub fn bare_name<'n>(&self, name: &'n str) -> &'n str {
        name.strip_prefix(self.prefix).unwrap_or(name)
    }

    /// The class of `transformers` for a network of this type without a head.
    pub fn bare_class(&self, model_type: &str) -> Option<String> {
        self.class_prefix(model_type).map(|prefix| format!("{prefix}Model"))
    }

    /// Its names, if its layers normalise after their parts.
    pub fn encoder(&self) -> Option<&EncoderNames> {
        match &self.network {
            Network::Encoder { names, .. } => Some(names),
            Network::PreNormEncoder { .. } | Network::Decoder(_) => None,
        }
    }

    /// Its names, if its layers normalise before their parts.
    pub fn decoder(&self) -> Option<&DecoderNames> {
        match &self.network {
            Network::PreNormEncoder { names, .. } | Network::Decoder(names) => Some(names),
            Network::Encoder { .. } => None,
        }
    }

    /// Its heads; `None` if they are those of all decoders.
    pub fn encoder_heads(&self) -> Option<(&ClassifierNames, &MaskedLmNames)> {
        match &self.network {
            Network::Encoder { classifier, masked_lm, .. } | Network::PreNormEncoder { classifier, masked_lm, .. } => {
                Some((classifier, masked_lm))
            }
            Network::Decoder(_) => None,
        }
    }

    /// Whether a tensor of the file has a row or a number for each token.
    pub fn is_by_token(&self, in_file: &str) -> bool {
        let name = self.upstream_name(in_file);
        let is_of = |layer: &str, end: &str| name.strip_prefix(layer) == Some(end);
        let is_word = match &self.network {
            Network::Encoder { names, .. } => is_of(names.embeddings, ".word_embeddings.weight"),
            Network::PreNormEncoder { names, .. } | Network::Decoder(names) => is_of(names.words, ".weight"),
        };
        is_word
            || match self.encoder_heads() {
                Some((_, MaskedLmNames { decoder, bias, .. })) => {
                    is_of(decoder, ".weight") || is_of(decoder, ".bias") || name == *bias
                }
                None => is_of(LM_HEAD, ".weight"),
            }
    }

    /// The class of `transformers` for a network of this type with the head of a task.
    pub fn class(&self, model_type: &str, task: TaskKind) -> Option<String> {
        let end = match task {
            TaskKind::TextClassification => "ForSequenceClassification",
            TaskKind::LanguageModelling => self.language_class,
        };
        self.class_prefix(model_type).map(|prefix| format!("{prefix}{end}"))
    }

    /// Whether it has networks of this type.
    pub fn has_type(&self, model_type: &str) -> bool {
        self.class_prefix(model_type).is_some()
    }

    fn class_prefix(&self, model_type: &str) -> Option<&'static str> {
        self.types.iter().find(|(name, _)| *name == model_type).map(|(_, prefix)| *prefix)
    }
}
