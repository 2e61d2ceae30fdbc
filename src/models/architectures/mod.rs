//! Every architecture that Hone can train, one a file.

mod bert;
mod distilbert;
mod electra;
mod gpt2;
mod llama;
mod modernbert;
mod roberta;

use crate::models::architecture::Architecture;
use crate::words::joined;

pub(super) use bert::BERT;
use distilbert::DISTILBERT;
use electra::ELECTRA;
use gpt2::GPT2;
use llama::{LLAMA, QWEN2, QWEN3};
use modernbert::MODERNBERT;
use roberta::ROBERTA;

static ALL: [&Architecture; 9] =
    [&BERT, &ROBERTA, &DISTILBERT, &ELECTRA, &MODERNBERT, &GPT2, &LLAMA, &QWEN2, &QWEN3];

/// The architecture with this `model_type`.
pub(super) fn of(model_type: &str) -> Option<&'static Architecture> {
    ALL.into_iter().find(|architecture| architecture.has_type(model_type))
}

/// Every `model_type`, in words.
pub(super) fn names() -> String {
    let types = ALL.iter().flat_map(|architecture| architecture.types);
    joined(&types.map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>())
}
