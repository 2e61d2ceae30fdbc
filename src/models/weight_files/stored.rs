//! Where a tensor is in the files of a model.

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::DType;

use crate::models::weight_files::layout::Layout;

/// Where a tensor is.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub file: Arc<PathBuf>,
    pub place: Place,
    /// Type of the numbers; if it is none of candle's, its name.
    pub dtype: Result<DType, String>,
    pub shape: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    /// One after the other from this byte of the file on.
    From(u64),
    /// In an entry of the file, which is a zip archive.
    Entry { name: String, layout: Layout },
}

impl Stored {
    /// How many numbers it has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}
