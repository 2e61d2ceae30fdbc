//! Pre-trained networks: their layers, their weights, and how they are loaded and saved.

mod bert;
mod classifier;
mod compute;
mod config;
mod error;
mod mode;
mod save;
mod weights;

pub use classifier::{Learnt, LoadOptions, TextClassifier, TrainPass};
pub use compute::Compute;
pub use config::{Activation, CONFIG_FILE, ModelConfig};
pub use error::ModelError;
pub use mode::Mode;
pub use weights::{LoadReport, Parameter, WEIGHTS_FILE, WrongShape};
