//! Pre-trained networks: a backbone and a head, their weights, and how they are loaded and saved.
//!
//! To add an architecture, add a file and a variant of `Backbone`; to add a head, add a variant of `Head`. `save.rs`
//! maps each pair to its Hugging Face class name.

mod backbone;
mod bert;
mod compute;
mod config;
mod error;
mod head;
mod layers;
mod mode;
mod model;
mod model_folder;
mod save;
mod vocabulary;
mod weights;

pub use compute::Compute;
pub use config::{HiddenActivation, ModelConfig};
pub use error::ModelError;
pub use head::HeadSpec;
pub use mode::Mode;
pub use model::{LoadOptions, Model, PassOutcome, TrainPass};
pub use model_folder::{CONFIG_FILE, mistaken_for_model};
pub use save::SavedHead;
pub use vocabulary::copy_with_words;
pub use weights::{LoadReport, Parameter, WEIGHTS_FILE, WrongShape};
