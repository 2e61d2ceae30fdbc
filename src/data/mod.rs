//! Files -> `Table` -> edits applied -> cleaned -> split -> tokens -> batches.

mod batch;
mod checks;
mod clean;
mod columns;
mod error;
mod findings;
mod hashing;
mod import;
mod languages;
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
pub use clean::{Cleaner, PatternError, check_pattern};
pub use columns::guess_columns;
pub use error::DataError;
pub use findings::{Change, Finding, FindingKind, Remedy, Severity, Sources, TokenLengths, find};
pub use hashing::{content_hash, file_sha256};
pub use import::{import, read_table};
pub use languages::{Language, language_of};
pub use likeness::{Across, Likeness, compare_texts};
pub use near::NEAR;
pub use plan::{BatchPlan, packed};
pub use prepare::prepare;
pub use prepared::{CleaningEffect, CleaningPart, DropReason, Example, Prepared, Side};
pub use search::{LengthBin, filter_rows, length_histogram, word_counts};
pub use table::{BadRow, Delimited, FileFormat, Imported, ImportedFile, JsonLayout, Table};
pub use tokens::TextTokenizer;
