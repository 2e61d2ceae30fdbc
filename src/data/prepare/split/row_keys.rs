//! Identifies the rows of the main file, so that a split can be kept when the file changes.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::data::{Example, Imported, RowColumns, table::hashing};
use crate::project::{Project, SourceFile};
use crate::random::Rng;

/// What identifies a row: its text as it is in the file, and its id if no other row has it. Labels don't count, since
/// they are corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowKeys {
    /// The first 64 bits of the SHA-256 of the text.
    pub content: u64,
    /// The same of the id; `None` without an id column, for an empty id, and for one that several rows have.
    pub id: Option<u64>,
}

impl RowKeys {
    /// The keys of the main file's examples, which come first. Empty if a column is missing.
    pub(in crate::data) fn of(project: &Project, imported: &Imported, examples: &[Example]) -> Vec<Self> {
        let Some(columns) = RowColumns::of(&imported.main.table, &project.dataset) else { return Vec::new() };
        let main = examples.partition_point(|example| example.id.file == SourceFile::Main);
        let keys = examples[..main].par_iter().map(|example| Self {
            content: key_of(&columns.text(example.row)),
            id: columns.id(example.row).map(key_of),
        });
        let mut keys: Vec<Self> = keys.collect();
        let mut times: HashMap<u64, u32> = HashMap::new();
        keys.iter().filter_map(|keys| keys.id).for_each(|id| *times.entry(id).or_default() += 1);
        for keys in &mut keys {
            keys.id = keys.id.filter(|id| times.get(id) == Some(&1));
        }
        keys
    }

    /// The row's place in the order in which a seed draws rows: any number, each equally likely.
    pub(super) fn drawn(self, seed: u64) -> u64 {
        Rng::stream(seed, self.id.unwrap_or(self.content)).next_u64()
    }
}

fn key_of(text: &str) -> u64 {
    (hashing::text_hash(text) >> 64) as u64
}
