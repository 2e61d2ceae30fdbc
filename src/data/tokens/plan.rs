//! Decides which rows are in which batch.

use crate::random::Rng;

/// Number of batches whose rows are sorted by length together: few enough to stay random, enough to even out steps. The
/// same as in `transformers`' `LengthGroupedSampler`.
const BATCHES_A_GROUP: usize = 50;
/// Separates the shuffles from other random numbers with the same seed.
const STREAM: u64 = 0x6261_7463_6800_0000;

/// How rows are put into batches. The same plan always gives the same batches for the same epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPlan {
    /// Rows in a batch; the last of an epoch may have fewer. 0 counts as 1.
    pub batch_size: usize,
    /// Group texts of similar length in a batch.
    pub group_by_length: bool,
    /// Seed of the shuffles.
    pub seed: u64,
}

impl BatchPlan {
    /// The batches of one epoch (0-based), as indices into `lengths` (tokens of each text). Every index is in exactly
    /// one batch.
    #[must_use]
    pub fn epoch(&self, lengths: &[usize], epoch: u32) -> Vec<Vec<usize>> {
        let size = self.batch_size.max(1);
        let mut rng = Rng::stream(self.seed, STREAM + u64::from(epoch));
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        rng.shuffle(&mut order);
        if !self.group_by_length {
            return order.chunks(size).map(<[usize]>::to_vec).collect();
        }
        let mut batches = Vec::with_capacity(lengths.len().div_ceil(size));
        for group in order.chunks_mut(size * BATCHES_A_GROUP) {
            // A stable sort keeps texts of equal length in their shuffled order.
            group.sort_by_key(|&row| lengths[row]);
            batches.extend(group.chunks(size).map(<[usize]>::to_vec));
        }
        rng.shuffle(&mut batches);
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> Vec<usize> {
        let mut rng = Rng::new(5);
        (0..1003).map(|_| 3 + rng.below(120) as usize).collect()
    }

    fn spread(batches: &[Vec<usize>], lengths: &[usize]) -> usize {
        let spread = |batch: &Vec<usize>| {
            let of = || batch.iter().map(|&row| lengths[row]);
            of().max().unwrap() - of().min().unwrap()
        };
        batches.iter().map(spread).sum()
    }

    #[test]
    fn every_row_once_and_the_same_again() {
        for group_by_length in [false, true] {
            let plan = BatchPlan { batch_size: 8, group_by_length, seed: 42 };
            let batches = plan.epoch(&lengths(), 3);
            let mut rows: Vec<usize> = batches.concat();
            rows.sort_unstable();
            assert_eq!(rows, (0..1003).collect::<Vec<_>>());
            assert_eq!(batches.len(), 1003_usize.div_ceil(8));
            assert_eq!(batches, plan.epoch(&lengths(), 3));
            assert_ne!(batches, plan.epoch(&lengths(), 4));
            assert_ne!(batches, BatchPlan { seed: 43, ..plan }.epoch(&lengths(), 3));
        }
    }

    #[test]
    fn groups_are_of_similar_length() {
        let plan = BatchPlan { batch_size: 8, group_by_length: false, seed: 1 };
        let mixed = spread(&plan.epoch(&lengths(), 0), &lengths());
        let grouped = spread(&BatchPlan { group_by_length: true, ..plan }.epoch(&lengths(), 0), &lengths());
        assert!(grouped * 10 < mixed, "{grouped} {mixed}");
    }
}
