//! Files -> `Table` -> edits applied -> cleaned -> split -> tokens -> batches.

mod batch;
mod checks;
mod clean;
mod columns;
mod decode;
mod dialect;
mod error;
mod hashing;
mod import;
mod plan;
mod prepare;
mod prepared;
mod records;
mod search;
mod split;
mod table;
mod tokens;
mod western;

pub use batch::PackedBatch;
pub use clean::clean;
pub use columns::guess_columns;
pub use error::DataError;
pub use hashing::{content_hash, file_sha256};
pub use import::{import, read_table};
pub use plan::{BatchPlan, packed};
pub use prepare::prepare;
pub use prepared::{CleaningEffect, DropReason, Example, Prepared, Side};
pub use search::{LengthBin, filter_rows, length_histogram, word_counts};
pub use table::{BadRow, FileFormat, Imported, ImportedFile, Table};
pub use tokens::TextTokenizer;
