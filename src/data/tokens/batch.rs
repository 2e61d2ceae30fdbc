//! A batch for a network, without padding: sequences of tokens, and the tokens whose hidden states the head reads.

use serde::{Deserialize, Serialize};

/// Tokenised sequences packed end to end.
///
/// Sequence `i` has tokens `cu_seqlens[i]..cu_seqlens[i + 1]`. A head reads the hidden states of some tokens only and
/// scores a closed set at each: the classes at the first token of a text, or the vocabulary at each masked token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Vocabulary ids of all tokens, `[tokens]`.
    pub input_ids: Vec<u32>,
    /// Cumulative lengths, `[sequences + 1]`, from 0 to the number of tokens.
    pub cu_seqlens: Vec<u32>,
    /// Which part of the input each token belongs to, `[tokens]`; empty when all belong to the first part.
    pub token_types: Vec<u32>,
    /// Tokens whose hidden states the head reads, as positions in `input_ids`, `[reads]`, ascending.
    pub reads: Vec<u32>,
    /// Whether the head gets the mean of the reads of each sequence instead of each of them.
    pub averages: bool,
    /// The right class or token id for each thing that the head gets, `[reads]`, or `[sequences]` if it gets means; empty if
    /// unknown.
    pub wanted: Vec<u32>,
    /// Sample each sequence belongs to, `[sequences]`. A sample can have several sequences, next to each other.
    pub rows: Vec<usize>,
}

/// How the hidden states of a text's tokens become one that stands for the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pooling {
    /// That of the first token. In an encoder every token sees the whole text, and the first is a special token.
    #[default]
    First,
    /// That of the last token: a decoder's tokens see only what is before them.
    Last,
    /// The mean of all, as in most sentence embedding models (Reimers and Gurevych, 1908.10084).
    Mean,
}

/// One sequence to add to a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a> {
    /// Vocabulary ids.
    pub ids: &'a [u32],
    /// Positions in `ids` that the head reads, ascending.
    pub reads: &'a [u32],
    /// The right class or token id at each read; empty if unknown.
    pub wanted: &'a [u32],
    /// The sample it belongs to.
    pub row: usize,
}

impl Batch {
    /// An empty batch with room for some sequences and tokens.
    #[must_use]
    pub fn with_capacity(sequences: usize, tokens: usize) -> Self {
        Self {
            input_ids: Vec::with_capacity(tokens),
            cu_seqlens: Vec::with_capacity(sequences + 1),
            rows: Vec::with_capacity(sequences),
            ..Self::default()
        }
    }

    /// Number of sequences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the batch has no sequences.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of tokens.
    #[must_use]
    pub fn total_tokens(&self) -> usize {
        self.input_ids.len()
    }

    /// Adds a sequence.
    pub fn push(&mut self, sequence: Sequence<'_>) {
        if self.cu_seqlens.is_empty() {
            self.cu_seqlens.push(0);
        }
        let first = self.input_ids.len() as u32;
        self.input_ids.extend_from_slice(sequence.ids);
        self.cu_seqlens.push(self.input_ids.len() as u32);
        self.reads.extend(sequence.reads.iter().map(|read| first + read));
        self.wanted.extend_from_slice(sequence.wanted);
        self.rows.push(sequence.row);
    }

    /// Adds a text, with its class if known. All texts of a batch must be pooled alike.
    pub fn push_text(&mut self, ids: &[u32], pooling: Pooling, class: Option<u32>, row: usize) {
        let last = ids.len().saturating_sub(1) as u32;
        let reads = match pooling {
            Pooling::First => 0..=0,
            Pooling::Last => last..=last,
            Pooling::Mean => 0..=last,
        };
        self.averages = pooling == Pooling::Mean;
        self.push(Sequence { ids, reads: &reads.collect::<Vec<_>>(), wanted: class.as_slice(), row });
    }

    /// Cumulative numbers of reads: before each sequence, and in all, `[sequences + 1]`.
    #[must_use]
    pub fn cu_reads(&self) -> Vec<u32> {
        self.cu_seqlens.iter().map(|&end| self.reads.partition_point(|&read| read < end) as u32).collect()
    }

    /// Cumulative numbers of what the head gets: before each sequence, and in all, `[sequences + 1]`.
    #[must_use]
    pub fn cu_wanted(&self) -> Vec<u32> {
        if self.averages { (0..=self.len() as u32).collect() } else { self.cu_reads() }
    }

    /// The range of sequences of each sample, in order.
    pub fn samples(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut first = 0;
        self.rows.chunk_by(|row, next| row == next).map(move |sequences| {
            let range = first..first + sequences.len();
            first = range.end;
            range
        })
    }

    /// The sequences of the samples that `keep` accepts, in the same order.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut kept = Self { averages: self.averages, ..Self::default() };
        let range = |ends: &[u32]| ends[0] as usize..ends[1] as usize;
        let (cu_reads, cu_wanted) = (self.cu_reads(), self.cu_wanted());
        let ends = self.cu_seqlens.windows(2).zip(cu_reads.windows(2)).zip(cu_wanted.windows(2));
        for (((ends, reads), wanted), &row) in ends.zip(&self.rows).filter(|(_, row)| keep(**row)) {
            let tokens = range(ends);
            let positions: Vec<u32> = self.reads[range(reads)].iter().map(|read| read - ends[0]).collect();
            let (ids, wanted) = (&self.input_ids[tokens.clone()], self.wanted.get(range(wanted)).unwrap_or_default());
            kept.push(Sequence { ids, reads: &positions, wanted, row });
            kept.token_types.extend_from_slice(self.token_types.get(tokens).unwrap_or_default());
        }
        kept
    }
}

/// Packs the texts at `rows` of `ids` (token ids of every text) end to end, with their classes if known.
///
/// # Panics
/// When a row is not in `ids` or `classes`: rows come from a [`crate::data::BatchPlan`] over the same list.
#[must_use]
pub fn packed(ids: &[Vec<u32>], pooling: Pooling, classes: Option<&[u32]>, rows: &[usize]) -> Batch {
    let mut batch = Batch::with_capacity(rows.len(), rows.iter().map(|&row| ids[row].len()).sum());
    for &row in rows {
        batch.push_text(&ids[row], pooling, classes.map(|classes| classes[row]), row);
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_packed_in_the_order_asked_for_and_read_at_one_token() {
        let batch = packed(&[vec![1, 2], vec![3], vec![4, 5, 6]], Pooling::First, Some(&[0, 1, 2]), &[2, 0]);
        assert_eq!(batch.input_ids, [4, 5, 6, 1, 2]);
        assert_eq!(batch.cu_seqlens, [0, 3, 5]);
        assert_eq!((batch.reads, batch.wanted), (vec![0, 3], vec![2, 0]));
        assert_eq!(batch.rows, [2, 0]);
        let last = packed(&[vec![1, 2], vec![3], vec![4, 5, 6]], Pooling::Last, None, &[2, 0]);
        assert_eq!(last.reads, [2, 4]);
        assert!(packed(&[], Pooling::First, None, &[]).is_empty());
        let mean = packed(&[vec![1, 2], vec![3], vec![4, 5, 6]], Pooling::Mean, Some(&[0, 1, 2]), &[2, 0]);
        assert_eq!((&mean.reads[..], &mean.wanted[..]), (&[0, 1, 2, 3, 4][..], &[2, 0][..]));
        assert_eq!((mean.cu_reads(), mean.cu_wanted()), (vec![0, 3, 5], vec![0, 1, 2]));
        assert_eq!(mean.only(|row| row == 0), packed(&[vec![1, 2]], Pooling::Mean, Some(&[0]), &[0]));
    }

    #[test]
    fn the_sequences_of_some_samples_keep_their_reads_and_token_types() {
        let mut batch = Batch::default();
        batch.push(Sequence { ids: &[7, 8, 9], reads: &[0, 2], wanted: &[70, 90], row: 4 });
        batch.push(Sequence { ids: &[1, 2], reads: &[], wanted: &[], row: 5 });
        batch.push(Sequence { ids: &[3, 4], reads: &[1], wanted: &[40], row: 6 });
        batch.push(Sequence { ids: &[5], reads: &[0], wanted: &[50], row: 6 });
        batch.token_types = vec![0, 0, 1, 0, 1, 0, 1, 0];
        assert_eq!(batch.cu_reads(), [0, 2, 2, 3, 4]);
        let expected = Batch {
            input_ids: vec![3, 4, 5],
            cu_seqlens: vec![0, 2, 3],
            token_types: vec![0, 1, 0],
            reads: vec![1, 2],
            averages: false,
            wanted: vec![40, 50],
            rows: vec![6, 6],
        };
        assert_eq!(batch.only(|row| row == 6), expected);
        assert_eq!(batch.only(|_| true), batch);
        assert!(batch.only(|_| false).is_empty());
        assert_eq!(batch.samples().collect::<Vec<_>>(), [0..1, 1..2, 2..4]);
    }
}
