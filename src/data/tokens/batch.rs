//! Batches without padding.

/// Tokenised texts packed end to end.
///
/// Text `i` owns tokens `cu_seqlens[i]..cu_seqlens[i + 1]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedBatch {
    /// Vocabulary ids of all tokens, `[total_tokens]`.
    pub input_ids: Vec<u32>,
    /// Cumulative lengths, `[texts + 1]`, beginning with 0 and ending with `total_tokens`.
    pub cu_seqlens: Vec<u32>,
    /// Class ids, `[texts]`; empty when unknown.
    pub labels: Vec<u32>,
    /// Index of each text in the list the batch was drawn from, `[texts]`.
    pub rows: Vec<usize>,
}

impl PackedBatch {
    /// Number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cu_seqlens.len().saturating_sub(1)
    }

    /// Whether the batch holds no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of tokens.
    #[must_use]
    pub fn total_tokens(&self) -> usize {
        self.input_ids.len()
    }

    /// Adds a text's tokens.
    pub fn push(&mut self, ids: &[u32], label: Option<u32>, row: usize) {
        if self.cu_seqlens.is_empty() {
            self.cu_seqlens.push(0);
        }
        self.input_ids.extend_from_slice(ids);
        self.cu_seqlens.push(u32::try_from(self.input_ids.len()).unwrap_or(u32::MAX));
        self.labels.extend(label);
        self.rows.push(row);
    }
}
