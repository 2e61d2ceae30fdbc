//! Every architecture that Hone can train, one a file.

mod bert;
mod distilbert;
mod electra;
mod gpt2;
mod llama;
mod roberta;

use crate::models::architecture::Architecture;
use crate::words::joined;

pub(super) use bert::BERT;
use distilbert::DISTILBERT;
use electra::ELECTRA;
use gpt2::GPT2;
use llama::{LLAMA, QWEN2};
use roberta::ROBERTA;

static ALL: [&Architecture; 7] = [&BERT, &ROBERTA, &DISTILBERT, &ELECTRA, &GPT2, &LLAMA, &QWEN2];

/// The architecture with this `model_type`.
pub(super) fn of(model_type: &str) -> Option<&'static Architecture> {
    ALL.into_iter().find(|architecture| architecture.has_type(model_type))
}

/// Whether Hone can train networks of this `model_type`.
#[must_use]
pub fn can_train(model_type: &str) -> bool {
    of(model_type).is_some()
}

/// Every `model_type` that Hone can train, in words.
#[must_use]
pub fn names() -> String {
    let types = ALL.iter().flat_map(|architecture| architecture.types);
    joined(&types.map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>())
}
