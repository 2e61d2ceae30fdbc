//! Every architecture that Hone can train, one a file.

mod bert;
mod deberta;
mod distilbert;
mod electra;
mod gpt2;
mod llama;
mod modernbert;
mod mpnet;
mod roberta;

use crate::models::architecture::{Architecture, Network};
use crate::project::NetworkKind;
use crate::words::joined;

pub(super) use bert::BERT;
use deberta::DEBERTA;
use distilbert::DISTILBERT;
use electra::ELECTRA;
use gpt2::GPT2;
use llama::{LLAMA, QWEN2, QWEN3};
use modernbert::MODERNBERT;
use mpnet::MPNET;
use roberta::ROBERTA;

static ALL: [&Architecture; 11] =
    [&BERT, &ROBERTA, &DISTILBERT, &ELECTRA, &MPNET, &DEBERTA, &MODERNBERT, &GPT2, &LLAMA, &QWEN2, &QWEN3];

/// The architecture with this `model_type`.
pub(super) fn of(model_type: &str) -> Option<&'static Architecture> {
    ALL.into_iter().find(|architecture| architecture.has_type(model_type))
}

/// Whether Hone can train networks of this `model_type`.
#[must_use]
pub fn can_train(model_type: &str) -> bool {
    of(model_type).is_some()
}

/// The kind of a network of this `model_type` with so many parameters; a type that Hone does not know counts as an encoder.
#[must_use]
pub fn network_kind(model_type: &str, parameters: u64) -> NetworkKind {
    match of(model_type).map(|architecture| &architecture.network) {
        Some(Network::Decoder(_)) => NetworkKind::Decoder,
        _ => NetworkKind::of_encoder(parameters),
    }
}

/// Every `model_type` that Hone can train, in words.
#[must_use]
pub fn names() -> String {
    let types = ALL.iter().flat_map(|architecture| architecture.types);
    joined(&types.map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpt_and_its_family_are_decoders() {
        for model_type in ["gpt2", "llama", "mistral", "qwen2", "qwen3"] {
            assert_eq!(network_kind(model_type, 4_000_000), NetworkKind::Decoder, "{model_type}");
        }
        for model_type in ["bert", "modernbert", "deberta-v2", "t5"] {
            assert_eq!(network_kind(model_type, 110_000_000), NetworkKind::Encoder, "{model_type}");
            assert_eq!(network_kind(model_type, 22_700_000), NetworkKind::SmallEncoder, "{model_type}");
        }
    }

    #[test]
    fn tensors_with_a_row_for_each_token_are_known() {
        let cases = [
            ("bert", "embeddings.word_embeddings.weight", true),
            ("bert", "cls.predictions.bias", true),
            ("bert", "bert.embeddings.position_embeddings.weight", false),
            ("modernbert", "model.embeddings.tok_embeddings.weight", true),
            ("modernbert", "decoder.bias", true),
            ("modernbert", "layers.0.mlp.Wi.weight", false),
            ("mpnet", "lm_head.decoder.weight", true),
            ("mpnet", "mpnet.encoder.relative_attention_bias.weight", false),
            ("deberta-v2", "deberta.embeddings.word_embeddings.weight", true),
            ("deberta-v2", "deberta.encoder.rel_embeddings.weight", false),
            ("qwen3", "lm_head.weight", true),
        ];
        for (model_type, name, expected) in cases {
            assert_eq!(of(model_type).unwrap().is_by_token(name), expected, "{model_type}: {name}");
        }
    }
}
