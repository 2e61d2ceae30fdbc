//! Pre-trained networks: a backbone and a head, their weights, and how they are loaded and saved.
//!
//! To add an architecture that computes like another, add a file to `architectures`; one that computes otherwise is a variant
//! of `Backbone` too. To add a head, add a variant of `Head`.

mod architecture;
mod architectures;
mod backbone;
mod compute;
mod config;
mod decoder;
mod decoder_config;
mod distances;
mod encoder;
mod error;
mod gguf;
mod head;
mod layers;
mod mode;
mod model;
mod model_folder;
mod parameter_counts;
mod relative_config;
mod relative_positions;
mod save;
mod scope;
mod vocabulary;
mod weight_files;
mod weights;

pub use compute::Compute;
pub use config::{HiddenActivation, ModelConfig};
pub use decoder_config::{DecoderConfig, LocalLayers, Rope};
pub use error::ModelError;
pub use gguf::convert_gguf;
pub use head::HeadSpec;
pub use mode::Mode;
pub use model::{LoadOptions, Model, PassOutcome, TrainPass};
pub use model_folder::{CONFIG_FILE, mistaken_for_model};
pub use parameter_counts::ParameterCounts;
pub use relative_config::{OneOrMore, RelativeConfig};
pub use save::SavedHead;
pub use vocabulary::copy_with_words;
pub use weight_files::{WEIGHTS_FILE, weight_paths};
pub use weights::{LoadReport, Parameter, WrongShape};
