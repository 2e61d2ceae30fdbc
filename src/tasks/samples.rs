//! Tokenised samples.

/// Tokenised samples of one split, from which batches are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// Token ids, `[samples][tokens]`.
    pub ids: Vec<Vec<u32>>,
    /// Class id of each sample, `[samples]`; empty if the task has no classes.
    pub classes: Vec<u32>,
    /// Where each text of a sample ends, as positions in its tokens, `[samples]`; empty if a sample is one text.
    pub ends: Vec<Vec<u32>>,
    /// Tokens at the beginning of each text of a sample that are not to be predicted, `[samples]`; empty unless the next token
    /// is predicted.
    pub given: Vec<Vec<u32>>,
    /// Data row of each sample, `[samples]`; empty if each sample is a row.
    pub rows: Vec<usize>,
}

impl Samples {
    /// Samples that are one text and one row each. `classes` may be empty.
    #[must_use]
    pub fn of_texts(ids: Vec<Vec<u32>>, classes: Vec<u32>) -> Self {
        Self { ids, classes, ..Self::default() }
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Tokens of each sample, `[samples]`.
    #[must_use]
    pub fn lengths(&self) -> Vec<usize> {
        self.ids.iter().map(Vec::len).collect()
    }

    /// Tokens of all samples.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.ids.iter().map(|ids| ids.len() as u64).sum()
    }
}
