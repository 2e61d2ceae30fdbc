//! Pre-trained networks: a backbone and a head, their weights, and how they are loaded and saved.
//!
//! To add an architecture that computes like another, add a file to `architectures`; one that computes otherwise is a variant
//! of `Backbone` too. To add a head, add a variant of `Head`.

mod adapter;
mod adapter_files;
mod architecture;
mod architectures;
mod backbone;
mod compute;
mod config;
mod decoder;
mod decoder_config;
mod earlier_head;
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
mod pooling;
mod relative_config;
mod relative_positions;
mod save;
mod save_adapter;
mod sentence_folder;
mod sentence_modules;
mod scope;
mod vocabulary;
mod weight_files;
mod weights;

pub use adapter_files::{check_base, is_adapter, is_adapter_of_adapter, weight_paths, weights_sha256};
pub use architectures::{can_train, names as architecture_names, network_kind};
pub use compute::Compute;
pub use config::{HiddenActivation, ModelConfig};
pub use decoder_config::{DecoderConfig, LocalLayers, Rope};
pub use earlier_head::EarlierLabels;
pub use error::ModelError;
pub use gguf::convert_gguf;
pub use head::HeadSpec;
pub use mode::Mode;
pub use model::{LoadOptions, Model, PassOutcome, TrainPass};
pub use model_folder::{ADAPTER_FILE, BaseModel, CONFIG_FILE, gguf_of, mistaken_for_model};
pub use parameter_counts::ParameterCounts;
pub use relative_config::{OneOrMore, RelativeConfig};
pub use save::{SavedHead, TOKENIZER_FILES};
pub use sentence_folder::{DENSE_FOLDER, MODULES_FILE, POOLING_FOLDER, classified_embedding};
pub use sentence_modules::limit_length;
pub use vocabulary::copy_with_words;
pub use weight_files::{INDEX_END, OTHER_WEIGHTS, WEIGHT_FILES, WEIGHTS_FILE, parts_of_index};
pub use weights::{LoadReport, Parameter, WrongShape};
