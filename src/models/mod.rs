//! Pre-trained networks: which there are, how they come onto this machine, how they are loaded.

mod bert;
mod catalogue;
mod classifier;
mod compute;
mod config;
mod download;
mod error;
mod fetch;
mod hub;
mod mode;
mod network;
mod places;
mod python_package;
mod save;
mod weights;

pub use catalogue::{Catalogue, CatalogueEntry, CatalogueError, ModelFile, Source};
pub use classifier::{Learnt, LoadOptions, TextClassifier, TrainPass};
pub use compute::Compute;
pub use config::{Activation, CONFIG_FILE, ModelConfig};
pub use error::ModelError;
pub use fetch::{FetchError, FetchSettings, SourceFailure, fetch, fetch_with, locate, locate_with};
pub use mode::Mode;
pub use network::bytes_transferred;
pub use places::{Endpoints, Places};
pub use weights::{LoadReport, Parameter, WEIGHTS_FILE, WrongShape};
