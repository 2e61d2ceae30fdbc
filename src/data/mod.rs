//! Files -> [`Table`] -> edits applied -> cleaned -> split -> tokens -> batches.

mod batch;
mod prepared;
mod table;

pub use batch::PackedBatch;
pub use prepared::{CleaningEffect, DropReason, Example, Prepared, Side};
pub use table::{BadRow, FileFormat, Imported, ImportedFile, Table};
