//! Pre-trained networks: a backbone and a head, their weights, and how they are loaded and saved.
//!
//! A new architecture is a file and a variant of `Backbone`, a new head a variant of `Head`; `save.rs` has the one table of
//! the class names that Hugging Face gives their pairs.

mod backbone;
mod bert;
mod compute;
mod config;
mod error;
mod head;
mod layers;
mod mode;
mod model;
mod save;
mod vocabulary;
mod weights;

pub use compute::Compute;
pub use config::{CONFIG_FILE, HiddenActivation, ModelConfig};
pub use error::ModelError;
pub use head::HeadSpec;
pub use mode::Mode;
pub use model::{LoadOptions, Model, PassOutcome, TrainPass};
pub use save::SavedHead;
pub use vocabulary::copy_with_words;
pub use weights::{LoadReport, Parameter, WEIGHTS_FILE, WrongShape};
