//! Files -> `Table` -> edits applied -> cleaned -> split -> tokens -> batches.

mod batch;
mod checks;
mod clean;
mod columns;
mod error;
mod guess;
mod hashing;
mod import;
mod imported;
mod likeness;
mod near;
mod plan;
mod prepare;
mod prepared;
mod row_columns;
mod search;
mod split;
mod table;
mod tokens;

pub use batch::PackedBatch;
pub use clean::clean;
pub use error::DataError;
pub use guess::GuessedRoles;
pub use hashing::{content_hash, file_sha256};
pub use import::{import, read_table};
pub use imported::{FilePart, Imported, ImportedFile};
pub use likeness::{Across, Likeness, compare_texts};
pub use near::NEAR;
pub use plan::{BatchPlan, packed};
pub use prepare::prepare;
pub use prepared::{CleaningEffect, DropReason, Example, Prepared, Side};
pub use row_columns::{RawLabel, RowColumns, join_texts};
pub use search::{LengthBin, filter_rows, length_histogram, word_counts};
pub use table::{BadRow, Delimited, FileFormat, JsonLayout, Table};
pub use tokens::TextTokenizer;
