//! Decides which rows are in which batch.

use crate::project::TrainingSettings;
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
    /// Most tokens in a batch. A longer text gets its own batch.
    pub batch_tokens: Option<usize>,
    /// Group texts of similar length in a batch.
    pub group_by_length: bool,
    /// Seed of the shuffles.
    pub seed: u64,
}

impl BatchPlan {
    /// The plan of these settings.
    #[must_use]
    pub fn of(settings: &TrainingSettings) -> Self {
        let &TrainingSettings { batch_size, batch_tokens, group_by_length, seed, .. } = settings;
        Self { batch_size, batch_tokens, group_by_length, seed }
    }

    /// The batches of one epoch (0-based), as indices into `lengths` (tokens of each text). Every index is in exactly
    /// one batch.
    #[must_use]
    pub fn epoch(&self, lengths: &[usize], epoch: u32) -> Vec<Vec<usize>> {
        let size = self.batch_size.max(1);
        let mut rng = Rng::stream(self.seed, STREAM + u64::from(epoch));
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        rng.shuffle(&mut order);
        if !self.group_by_length {
            return self.cut(&order, lengths);
        }
        for group in order.chunks_mut(size * BATCHES_A_GROUP) {
            // A stable sort keeps texts of equal length in their shuffled order.
            group.sort_by_key(|&row| lengths[row]);
        }
        let mut batches = self.cut(&order, lengths);
        rng.shuffle(&mut batches);
        batches
    }

    /// Cuts rows into batches, in their order: each has as many as fit.
    fn cut(&self, order: &[usize], lengths: &[usize]) -> Vec<Vec<usize>> {
        let (size, most) = (self.batch_size.max(1), self.batch_tokens.unwrap_or(usize::MAX));
        let mut batches: Vec<Vec<usize>> = Vec::with_capacity(order.len().div_ceil(size));
        let mut tokens = 0;
        for &row in order {
            let fits = |batch: &&mut Vec<usize>| batch.len() < size && lengths[row] <= most.saturating_sub(tokens);
            if let Some(batch) = batches.last_mut().filter(fits) {
                batch.push(row);
            } else {
                batches.push(vec![row]);
                tokens = 0;
            }
            tokens += lengths[row];
        }
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
            let plan = BatchPlan { batch_size: 8, batch_tokens: None, group_by_length, seed: 42 };
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
        let plan = BatchPlan { batch_size: 8, batch_tokens: None, group_by_length: false, seed: 1 };
        let mixed = spread(&plan.epoch(&lengths(), 0), &lengths());
        let grouped = spread(&BatchPlan { group_by_length: true, ..plan }.epoch(&lengths(), 0), &lengths());
        assert!(grouped * 10 < mixed, "{grouped} {mixed}");
    }

    #[test]
    fn batches_hold_at_most_as_many_tokens_as_they_may() {
        let lengths = [lengths(), vec![500]].concat();
        for group_by_length in [false, true] {
            let plan = BatchPlan { batch_size: 16, batch_tokens: Some(400), group_by_length, seed: 42 };
            let batches = plan.epoch(&lengths, 0);
            let tokens = |batch: &Vec<usize>| batch.iter().map(|&row| lengths[row]).sum::<usize>();
            let mut rows: Vec<usize> = batches.concat();
            rows.sort_unstable();
            assert_eq!(rows, (0..1004).collect::<Vec<_>>());
            assert!(batches.iter().all(|batch| batch.len() <= 16 && (tokens(batch) <= 400 || *batch == [1003])));
            assert!(batches.contains(&vec![1003]), "a text that is too long gets its own batch");
            // A batch ends because the next text does not fit: on average they are nearly full.
            assert!(batches.len() * 400 < lengths.iter().sum::<usize>() * 3 / 2, "{}", batches.len());
            assert_eq!(batches, plan.epoch(&lengths, 0));
            assert_ne!(batches, plan.epoch(&lengths, 1));
        }
        let plan = BatchPlan { batch_size: 16, batch_tokens: Some(400), group_by_length: true, seed: 1 };
        let mixed = BatchPlan { group_by_length: false, ..plan };
        assert!(spread(&plan.epoch(&lengths, 0), &lengths) * 5 < spread(&mixed.epoch(&lengths, 0), &lengths));
    }
}
