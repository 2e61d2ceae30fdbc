//! Pre-trained networks: which there are, how they come onto this machine, how they are loaded.

mod catalogue;
mod download;
mod fetch;
mod hub;
mod network;
mod places;
mod python_package;

pub use catalogue::{Catalogue, CatalogueEntry, CatalogueError, ModelFile, Source};
pub use fetch::{FetchError, FetchSettings, SourceFailure, fetch, fetch_with, locate, locate_with};
pub use network::bytes_transferred;
pub use places::{Endpoints, Places};
