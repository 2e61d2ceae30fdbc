//! Splits rows at random without dividing groups.
//!
//! Groups are placed one by one, the largest first, each where it leaves the strata's shares nearest to what is wanted:
//! the idea of scikit-learn's `StratifiedGroupKFold`, for sides of different sizes.

use crate::data::prepare::split::random::{Order, take_in_order, wanted};
use crate::data::{DataError, Side};
use crate::progress::Control;
use crate::random::Rng;

/// Groups or strata processed between two checks of the cancel switch.
const STEPS_PER_LOOK: usize = 4_096;

/// Divides rows among the sides; rows of a group go together.
///
/// `stratum_of` are the strata of the rows and `groups` the numbers of their groups, both in file order. Every stratum
/// gets rows on every side whose share is above 0, where enough groups have rows of it. If rows are taken by number,
/// those without a group make up for what the groups leave too large or too small, and sides of which `totals` tells
/// the rows get so many. The same arguments give the same sides.
///
/// # Errors
/// [`DataError::Cancelled`].
pub(super) fn assign(
    (stratum_of, strata): (&[u32], usize),
    groups: &[u32],
    shares: [f64; 3],
    totals: [Option<usize>; 3],
    order: Order<'_>,
    control: &Control,
) -> Result<Vec<Side>, DataError> {
    let groups = Grouped::of(stratum_of, groups);
    let mut plan = Plan::new(&groups, strata, shares);
    for (step, group) in groups.in_order(order).into_iter().enumerate() {
        if step.is_multiple_of(STEPS_PER_LOOK) {
            control.look()?;
        }
        let best = plan.nearest(&groups, group);
        plan.place(&groups, group, best);
    }
    if let Order::Drawn(drawn) = order {
        plan.place_single_rows(&groups, totals, drawn);
    }
    plan.fill_gaps(&groups, control)?;
    let mut sides = vec![Side::Train; stratum_of.len()];
    for group in 0..groups.len() {
        for &row in groups.rows(group) {
            sides[row as usize] = Side::ALL[plan.side_of[group]];
        }
    }
    Ok(sides)
}

/// Rows and strata, group by group.
pub(super) struct Grouped {
    /// Rows of all groups, one group after another.
    rows: Vec<u32>,
    /// Where each group begins in `rows`; one more at the end.
    starts: Vec<usize>,
    /// Rows of each stratum of each group, one group after another: (stratum, rows).
    strata: Vec<(u32, u32)>,
    /// Where each group begins in `strata`; one more at the end.
    stratum_starts: Vec<usize>,
}

impl Grouped {
    pub(super) fn of(stratum_of: &[u32], groups: &[u32]) -> Self {
        let mut rows: Vec<u32> = (0..stratum_of.len() as u32).collect();
        rows.sort_by_key(|&row| groups[row as usize]);
        let (mut starts, mut strata, mut stratum_starts) = (vec![0], Vec::new(), vec![0]);
        let mut of_group: Vec<u32> = Vec::new();
        for group in rows.chunk_by(|&a, &b| groups[a as usize] == groups[b as usize]) {
            starts.push(starts.last().copied().unwrap_or(0) + group.len());
            of_group.clear();
            of_group.extend(group.iter().map(|&row| stratum_of[row as usize]));
            of_group.sort_unstable();
            strata.extend(of_group.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u32)));
            stratum_starts.push(strata.len());
        }
        Self { rows, starts, strata, stratum_starts }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The groups to place one by one, the largest first. If rows are taken by number, groups of a single row are not
    /// among them.
    fn in_order(&self, order: Order<'_>) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..self.len()).collect();
        match order {
            Order::Shuffled(seed) => Rng::stream(seed, u64::from(u32::MAX)).shuffle(&mut groups),
            Order::Drawn(drawn) => {
                groups.retain(|&group| self.rows(group).len() > 1);
                groups.sort_by_cached_key(|&group| self.rows(group).iter().map(|&row| drawn[row as usize]).min());
            }
        }
        groups.sort_by_key(|&group| std::cmp::Reverse(self.rows(group).len()));
        groups
    }

    /// Rows of each stratum of a group.
    pub(super) fn strata(&self, group: usize) -> &[(u32, u32)] {
        &self.strata[self.stratum_starts[group]..self.stratum_starts[group + 1]]
    }

    /// The groups with rows of each class, in order. Searching all groups for every class would take quadratic time.
    fn by_stratum(&self, strata: usize) -> Vec<Vec<u32>> {
        let mut with_stratum = vec![Vec::new(); strata];
        for group in 0..self.len() {
            for &(stratum, _) in self.strata(group) {
                with_stratum[stratum as usize].push(group as u32);
            }
        }
        with_stratum
    }

    pub(super) fn rows(&self, group: usize) -> &[u32] {
        &self.rows[self.starts[group]..self.starts[group + 1]]
    }
}

/// The assignment so far.
struct Plan {
    shares: [f64; 3],
    /// Rows of each stratum.
    all: Vec<f64>,
    /// Rows of each stratum on each side.
    placed: Vec<[f64; 3]>,
    /// Groups with rows of each stratum on each side.
    holders: Vec<[usize; 3]>,
    side_of: Vec<usize>,
}

impl Plan {
    fn new(groups: &Grouped, strata: usize, shares: [f64; 3]) -> Self {
        let mut all = vec![0.0; strata];
        for &(stratum, rows) in &groups.strata {
            all[stratum as usize] += f64::from(rows);
        }
        let (placed, holders) = (vec![[0.0; 3]; strata], vec![[0; 3]; strata]);
        Self { shares, all, placed, holders, side_of: vec![0; groups.len()] }
    }

    /// The side that lacks the group's strata most: where it leaves the smallest sum of squared distances from the rows
    /// wanted, every stratum counting the same.
    fn nearest(&self, groups: &Grouped, group: usize) -> usize {
        let cost = |side: usize| -> f64 {
            let of_stratum = |&(stratum, rows): &(u32, u32)| {
                let (stratum, rows) = (stratum as usize, f64::from(rows));
                let missing = self.shares[side] * self.all[stratum] - self.placed[stratum][side];
                rows * (rows - 2.0 * missing) / (self.all[stratum] * self.all[stratum])
            };
            groups.strata(group).iter().map(of_stratum).sum()
        };
        let open = (0..3).filter(|&side| self.shares[side] > 0.0);
        open.min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(0)
    }

    fn place(&mut self, groups: &Grouped, group: usize, side: usize) {
        self.side_of[group] = side;
        for &(stratum, rows) in groups.strata(group) {
            self.placed[stratum as usize][side] += f64::from(rows);
            self.holders[stratum as usize][side] += 1;
        }
    }

    /// Places the rows without a group, so that each stratum has what is wanted of it, as far as the groups allow.
    fn place_single_rows(&mut self, groups: &Grouped, totals: [Option<usize>; 3], drawn: &[u64]) {
        let mut single = vec![Vec::new(); self.all.len()];
        let mut alone = Vec::new();
        for group in (0..groups.len()).filter(|&group| groups.rows(group).len() == 1) {
            let (row, (stratum, _)) = (groups.rows(group)[0] as usize, groups.strata(group)[0]);
            single[stratum as usize].push(row);
            alone.push((row, group));
        }
        let all: Vec<usize> = self.all.iter().map(|&rows| rows as usize).collect();
        let mut sides = vec![Side::Train; drawn.len()];
        for ((rows, wanted), placed) in single.iter().zip(wanted(&all, self.shares, totals)).zip(&self.placed) {
            let mut left = [0, 1, 2].map(|side| wanted[side].saturating_sub(placed[side] as usize));
            // Where a group was too large for a side, the others have less.
            while left.iter().sum::<usize>() > rows.len() {
                let largest = (0..3).max_by_key(|&side| left[side]).unwrap_or(0);
                left[largest] -= 1;
            }
            take_in_order(rows.clone(), left, drawn, &mut sides);
        }
        for (row, group) in alone {
            self.place(groups, group, sides[row] as usize);
        }
    }

    /// Moves a group to each side without rows of a class: the smallest that can be spared. A class that is not trained
    /// cannot be evaluated either, so training gets a group even if its old side then lacks a class.
    fn fill_gaps(&mut self, groups: &Grouped, control: &Control) -> Result<(), DataError> {
        let with_stratum = groups.by_stratum(self.all.len());
        let shares = self.shares;
        for side in [0, 2, 1].into_iter().filter(|&side| shares[side] > 0.0) {
            for (stratum, candidates) in with_stratum.iter().enumerate() {
                if stratum.is_multiple_of(STEPS_PER_LOOK) {
                    control.look()?;
                }
                // One group alone cannot be on two sides.
                let enough = if side == 0 { 1 } else { 2 };
                if candidates.len() < enough || self.holders[stratum][side] > 0 {
                    continue;
                }
                let can_spare = |group: usize| self.can_spare(groups, group);
                let candidates = candidates.iter().map(|&group| group as usize);
                let spared = candidates.filter(|&group| side == 0 || can_spare(group));
                if let Some(group) = spared.min_by_key(|&group| (!can_spare(group), groups.rows(group).len())) {
                    let from = self.side_of[group];
                    for &(stratum, rows) in groups.strata(group) {
                        self.placed[stratum as usize][from] -= f64::from(rows);
                        self.holders[stratum as usize][from] -= 1;
                    }
                    self.place(groups, group, side);
                }
            }
        }
        Ok(())
    }

    /// Whether the group's side keeps rows of every class without it.
    fn can_spare(&self, groups: &Grouped, group: usize) -> bool {
        let from = self.side_of[group];
        groups.strata(group).iter().all(|&(stratum, _)| self.holders[stratum as usize][from] > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: [f64; 3] = [0.7, 0.1, 0.2];

    /// A seed, and whether rows are taken by number.
    type Draw = (u64, bool);

    fn assign(labels: &[u32], classes: usize, groups: &[u32], shares: [f64; 3], (seed, by_number): Draw) -> Vec<Side> {
        let drawn: Vec<u64> = (0..labels.len()).map(|row| Rng::stream(seed, row as u64).next_u64()).collect();
        let order = if by_number { Order::Drawn(&drawn) } else { Order::Shuffled(seed) };
        super::assign((labels, classes), groups, shares, [None; 3], order, &Control::default()).unwrap()
    }

    fn draws(seeds: u64) -> impl Iterator<Item = Draw> {
        (0..seeds).flat_map(|seed| [(seed, false), (seed, true)])
    }

    /// Rows in groups of 1 to 12, each with mostly one of four classes.
    fn rows(seed: u64) -> (Vec<u32>, Vec<u32>) {
        let mut rng = Rng::new(seed);
        let (mut labels, mut groups) = (Vec::new(), Vec::new());
        for group in 0..400 {
            let lean = rng.below(4) as u32;
            for _ in 0..=rng.below(12) {
                labels.push(if rng.below(3) == 0 { rng.below(4) as u32 } else { lean });
                groups.push(group);
            }
        }
        Rng::new(seed).shuffle(&mut groups);
        (labels, groups)
    }

    #[test]
    fn groups_stay_whole_and_shares_are_near_over_many_seeds() {
        for (seed, by_number) in draws(30) {
            let (labels, groups) = rows(seed);
            let sides = assign(&labels, 4, &groups, SHARES, (seed, by_number));
            assert_eq!(sides, assign(&labels, 4, &groups, SHARES, (seed, by_number)));
            assert_ne!(sides, assign(&labels, 4, &groups, SHARES, (seed + 1, by_number)));
            let mut side_of = vec![None; 400];
            for (&group, &side) in groups.iter().zip(&sides) {
                assert_eq!(*side_of[group as usize].get_or_insert(side), side, "group {group} is on two sides");
            }
            for class in 0..4 {
                let all = labels.iter().filter(|&&label| label == class).count() as f64;
                for (share, side) in SHARES.into_iter().zip(Side::ALL) {
                    let here = labels.iter().zip(&sides).filter(|&(&label, &of)| label == class && of == side).count();
                    let found = here as f64 / all;
                    assert!((found - share).abs() < 0.02, "seed {seed}, class {class}: {found} instead of {share}");
                }
            }
        }
    }

    #[test]
    fn every_class_is_on_every_side_if_it_has_enough_groups() {
        for draw in draws(50) {
            // Twenty groups of a common class; a rare one in three groups, one of them large and mixed.
            let mut labels: Vec<u32> = (0..200).map(|_| 0).collect();
            let mut groups: Vec<u32> = (0..200).map(|row| row / 10).collect();
            labels.extend([1, 1, 1, 1, 0, 1]);
            groups.extend([20, 20, 20, 21, 21, 22]);
            let sides = assign(&labels, 2, &groups, SHARES, draw);
            for side in Side::ALL {
                assert!(labels.iter().zip(&sides).any(|(&label, &of)| label == 1 && of == side), "{draw:?} {side:?}");
            }
            // In two groups it cannot be on three sides: it is in training and test.
            labels.truncate(205);
            groups.truncate(205);
            let sides = assign(&labels, 2, &groups, SHARES, draw);
            let has = |side| labels.iter().zip(&sides).any(|(&label, &of)| label == 1 && of == side);
            assert!(has(Side::Train), "{draw:?}");
        }
    }

    #[test]
    fn a_single_group_goes_to_the_largest_side() {
        assert_eq!(assign(&[0, 1, 0], 2, &[5, 5, 5], SHARES, (1, true)), [Side::Train; 3]);
        assert!(assign(&[], 0, &[], SHARES, (1, true)).is_empty());
        let sides = assign(&[0; 40], 1, &(0..40).collect::<Vec<_>>(), [0.8, 0.0, 0.2], (1, false));
        assert!(!sides.contains(&Side::Validation));
        assert_eq!(sides.iter().filter(|&&side| side == Side::Test).count(), 8);
    }

    #[test]
    fn rows_without_a_group_make_up_for_groups() {
        // 1,000 rows of two classes, every tenth the twin of the row before it.
        let labels: Vec<u32> = (0..1_000).map(|row| u32::from(row % 4 == 0)).collect();
        let groups: Vec<u32> = (0..1_000).map(|row| if row % 10 == 9 { row - 1 } else { row }).collect();
        for seed in 0..20 {
            let sides = assign(&labels, 2, &groups, SHARES, (seed, true));
            for class in 0..2 {
                let rows = |side| labels.iter().zip(&sides).filter(|&(&of, &on)| of == class && on == side).count();
                let wanted = if class == 1 { [175, 25, 50] } else { [525, 75, 150] };
                assert_eq!(Side::ALL.map(rows), wanted, "seed {seed}, class {class}");
            }
        }
    }

    #[test]
    fn many_labels_do_not_take_quadratic_time_and_it_can_be_stopped() {
        // Two rows of each label, and a group of three of them: many gaps to fill.
        let labels: Vec<u32> = (0..100_000).map(|row| row / 2).collect();
        let groups: Vec<u32> = (0..100_000).map(|row| if row % 40_000 == 0 { 0 } else { row }).collect();
        let begun = std::time::Instant::now();
        let sides = assign(&labels, 50_000, &groups, SHARES, (1, false));
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
        assert!(labels.chunks(2).zip(sides.chunks(2)).all(|(_, sides)| sides.contains(&Side::Train)));
        let control = Control::default();
        control.cancel();
        let stopped = super::assign((&labels, 50_000), &groups, SHARES, [None; 3], Order::Shuffled(1), &control);
        assert!(matches!(stopped, Err(DataError::Cancelled)));
    }
}
