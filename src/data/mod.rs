//! Files -> `Table` -> edits applied -> cleaned -> split -> tokens -> batches.

mod batch;
mod checks;
mod clean;
mod columns;
mod dates;
mod error;
mod hashing;
mod import;
mod leakage;
mod likeness;
mod near;
mod plan;
mod prepare;
mod prepared;
mod search;
mod split;
mod table;
mod tokens;

pub use batch::PackedBatch;
pub use clean::clean;
pub use columns::guess_columns;
pub use dates::{Dates, moment_in_words, read_dates};
pub use error::DataError;
pub use hashing::{content_hash, file_sha256};
pub use import::{import, read_table};
pub use leakage::{Leak, LeakKind, LeakageReport, Remedy, Span, find_leaks};
pub use likeness::{Likeness, NearGroups, TextsKey, compare_texts};
pub use near::NEAR;
pub use plan::{BatchPlan, packed};
pub use prepare::{FindNear, prepare, prepare_with};
pub use prepared::{CleaningEffect, DropReason, Example, Prepared, Side};
pub use search::{LengthBin, filter_rows, length_histogram, word_counts};
use table::cells_of;
pub use table::{BadRow, Delimited, FileFormat, Imported, ImportedFile, JsonLayout, Table};
pub use tokens::TextTokenizer;
