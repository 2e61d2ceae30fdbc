//! Files -> `Table` -> edits applied -> cleaned -> split -> tokens -> batches.

mod error;
mod words;
mod import;
mod table;
mod prepare;
mod insight;
mod tokens;

pub use error::DataError;
pub use import::imported::{FilePart, Imported, ImportedFile};
pub use import::{import, read_table};
pub use insight::findings::{Change, Finding, FindingKind, Remedy, Severity, Sources, TokenLengths, find};
pub use insight::languages::{FileLanguages, Language, LanguageGuess, count_languages, language_of};
pub use insight::leakage::{Leak, LeakKind, LeakRemedy, LeakageReport, Span, find_leaks};
pub use insight::lengths::{LengthBin, TokenHistogram, length_histogram, word_counts};
pub use insight::terms::{Term, Terms, top_terms};
pub use insight::timeline::{Period, Timeline, Unit, timelines};
pub use prepare::clean::{Cleaner, PatternError, check_pattern};
pub use prepare::corrections::carried_corrections;
pub use prepare::likeness::{Likeness, NearGroups, TextsKey, compare_texts};
pub use prepare::near::NEAR;
pub use prepare::prepared::{CleaningEffect, CleaningPart, DropReason, Example, Prepared, Side};
pub use prepare::{FindNear, prepare, prepare_with};
use table::cells_of;
pub use table::guess::GuessedRoles;
pub use table::hashing::{content_hash, file_sha256};
pub use table::label_counts::{LabelCounts, count_labels};
pub use table::moments::{Moments, column_of_dates, moment_in_words, read_moments};
pub use table::row_columns::{RawLabel, RowColumns, join_texts};
pub use table::rows::{Place, Rows};
pub use table::search::{RowQuery, RowSet, Sort, SortBy, Within, find_rows, frequent_values};
pub use table::summary::{ColumnSummary, summarise_columns};
pub use table::{BadRow, Delimited, FileFormat, JsonLayout, Table};
pub use tokens::TextTokenizer;
pub use tokens::batch::{Batch, Sequence, packed};
pub use tokens::plan::BatchPlan;
