//! Splits rows at random, stratified by largest remainder if wanted.

use std::collections::BinaryHeap;

use crate::data::Side;
use crate::random::Rng;

/// The order in which rows are taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order<'a> {
    /// Shuffled by position with this seed, as in projects of earlier versions.
    Shuffled(u64),
    /// By these numbers, one for each row, which follow the rows when others come and go.
    Drawn(&'a [u64]),
}

/// Divides rows among the sides.
///
/// `stratum_of` are the strata of the rows, in file order. With `stratified`, each stratum is split by `shares` (train,
/// validation, test) with the largest remainder, and has at least one row on every side whose share is above 0,
/// where it has enough rows. Sides of which `totals` tells the rows get exactly so many, where there are enough.
/// The same arguments give the same sides.
pub(super) fn assign(
    stratum_of: &[u32],
    strata: usize,
    shares: [f64; 3],
    totals: [Option<usize>; 3],
    stratified: bool,
    order: Order<'_>,
) -> Vec<Side> {
    let groups = if stratified {
        let mut groups = vec![Vec::new(); strata];
        for (row, &stratum) in stratum_of.iter().enumerate() {
            groups[stratum as usize].push(row);
        }
        groups
    } else {
        vec![(0..stratum_of.len()).collect()]
    };
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let wanted = wanted(&sizes, shares, totals);
    let mut sides = vec![Side::Train; stratum_of.len()];
    for ((stratum, mut rows), wanted) in groups.into_iter().enumerate().zip(wanted) {
        match order {
            Order::Shuffled(seed) => {
                Rng::stream(seed, stratum as u64).shuffle(&mut rows);
                let mut rows = rows.into_iter();
                for (side, count) in Side::ALL.into_iter().zip(wanted) {
                    rows.by_ref().take(count).for_each(|row| sides[row] = side);
                }
            }
            Order::Drawn(drawn) => take_in_order(rows, wanted, drawn, &mut sides),
        }
    }
    sides
}

/// The rows of each stratum wanted on each side: by shares, and then so that sides of which `totals` tells the rows get
/// them.
pub(super) fn wanted(strata: &[usize], shares: [f64; 3], totals: [Option<usize>; 3]) -> Vec<[usize; 3]> {
    let mut counts: Vec<[usize; 3]> = strata.iter().map(|&rows| apportion(rows, shares)).collect();
    for (side, total) in totals.into_iter().enumerate().skip(1) {
        if let Some(total) = total {
            settle(&mut counts, side, total, shares[side]);
        }
    }
    counts
}

/// Gives each side its rows in the order of their numbers. Training comes last, so that few rows change sides when
/// there is one more or one less.
pub(super) fn take_in_order(mut rows: Vec<usize>, wanted: [usize; 3], drawn: &[u64], sides: &mut [Side]) {
    rows.sort_by_key(|&row| (drawn[row], row));
    let mut rows = rows.into_iter();
    for side in [Side::Test, Side::Validation, Side::Train] {
        rows.by_ref().take(wanted[side as usize]).for_each(|row| sides[row] = side);
    }
}

/// Divides `rows` by `shares`: whole parts first, the rest to the largest remainders (ties to the earlier side).
/// A side with a share gets at least one row if there are enough for every such side.
fn apportion(rows: usize, shares: [f64; 3]) -> [usize; 3] {
    let exact = shares.map(|share| share * rows as f64);
    // Floating-point shares such as 0.1 are slightly off: 0.1 * 30 must count as 3.
    let mut counts = exact.map(|part| (part + 1e-9).floor() as usize);
    let mut by_remainder = [0, 1, 2];
    by_remainder.sort_by(|&a: &usize, &b| {
        let remainder = |side: usize| exact[side] - counts[side] as f64;
        remainder(b).total_cmp(&remainder(a)).then(a.cmp(&b))
    });
    let left = rows.saturating_sub(counts.iter().sum());
    for &side in by_remainder.iter().filter(|&&side| shares[side] > 0.0).cycle().take(left.min(rows)) {
        counts[side] += 1;
    }
    let wanted = shares.iter().filter(|&&share| share > 0.0).count();
    if rows < wanted {
        return counts;
    }
    loop {
        let Some(empty) = (0..3).find(|&side| shares[side] > 0.0 && counts[side] == 0) else { return counts };
        let Some(largest) = (0..3).rev().max_by_key(|&side| counts[side]) else { return counts };
        counts[largest] -= 1;
        counts[empty] += 1;
    }
}

/// Moves rows between training and one side until that side has `total` of them, each from the stratum that is farthest
/// from its share. No stratum loses its last row of a side.
fn settle(counts: &mut [[usize; 3]], side: usize, total: usize, share: f64) {
    let train = 0;
    let now: usize = counts.iter().map(|stratum| stratum[side]).sum();
    let lacks = now < total;
    let (from, to) = if lacks { (train, side) } else { (side, train) };
    // The farthest comes first: of those that lack most the first stratum, of those that have too much the last.
    let entry = |number: usize, stratum: &[usize; 3]| {
        let surplus = in_order(stratum[side] as f64 - share * stratum.iter().sum::<usize>() as f64);
        if lacks { (!surplus, usize::MAX - number) } else { (surplus, number) }
    };
    let movable = counts.iter().enumerate().filter(|(_, stratum)| stratum[from] > 1);
    let mut farthest: BinaryHeap<(u64, usize)> = movable.map(|(number, stratum)| entry(number, stratum)).collect();
    for _ in 0..now.abs_diff(total) {
        let Some((_, place)) = farthest.pop() else { return };
        let number = if lacks { usize::MAX - place } else { place };
        let stratum = &mut counts[number];
        stratum[from] -= 1;
        stratum[to] += 1;
        if stratum[from] > 1 {
            farthest.push(entry(number, stratum));
        }
    }
}

/// An integer with the same order as the float.
fn in_order(number: f64) -> u64 {
    let bits = number.to_bits();
    if number.is_sign_negative() { !bits } else { bits | 1 << 63 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: [f64; 3] = [0.7, 0.1, 0.2];
    const ANY: [Option<usize>; 3] = [None; 3];

    #[test]
    fn rows_are_apportioned_by_largest_remainder() {
        assert_eq!(apportion(100, [0.7, 0.1, 0.2]), [70, 10, 20]);
        assert_eq!(apportion(30, [0.7, 0.1, 0.2]), [21, 3, 6]);
        assert_eq!(apportion(11, [0.7, 0.1, 0.2]), [8, 1, 2]);
        assert_eq!(apportion(14, [0.7, 0.1, 0.2]), [10, 1, 3]);
        assert_eq!(apportion(3, [0.7, 0.1, 0.2]), [1, 1, 1]);
        assert_eq!(apportion(4, [0.9, 0.0, 0.1]), [3, 0, 1]);
        assert_eq!(apportion(2, [0.7, 0.1, 0.2]).iter().sum::<usize>(), 2);
        assert_eq!(apportion(0, [0.7, 0.1, 0.2]), [0, 0, 0]);
    }

    #[test]
    fn every_row_is_assigned_for_any_shares() {
        for rows in 0..60 {
            for validation in 0..10 {
                for test in 0..(10 - validation) {
                    let (v, t) = (f64::from(validation) / 10.0, f64::from(test) / 10.0);
                    let counts = apportion(rows, [1.0 - v - t, v, t]);
                    assert_eq!(counts.iter().sum::<usize>(), rows);
                    assert!(counts[1] == 0 || validation > 0);
                }
            }
        }
    }

    #[test]
    fn the_split_is_seeded_and_stratified() {
        let labels: Vec<u32> = (0..1000).map(|row| u32::from(row % 10 == 0)).collect();
        let first = assign(&labels, 2, [0.7, 0.1, 0.2], ANY, true, Order::Shuffled(1));
        assert_eq!(first, assign(&labels, 2, [0.7, 0.1, 0.2], ANY, true, Order::Shuffled(1)));
        assert_ne!(first, assign(&labels, 2, [0.7, 0.1, 0.2], ANY, true, Order::Shuffled(2)));
        let rare_tests = labels.iter().zip(&first).filter(|&(&label, &side)| label == 1 && side == Side::Test).count();
        assert_eq!(rare_tests, 20);
    }

    #[test]
    fn few_drawn_rows_change_sides_when_one_goes() {
        let labels: Vec<u32> = (0..1000).map(|row| u32::from(row % 10 == 0)).collect();
        let drawn: Vec<u64> = (0..1000).map(|row| Rng::stream(5, row).next_u64()).collect();
        let all = assign(&labels, 2, SHARES, ANY, true, Order::Drawn(&drawn));
        assert_eq!(Side::ALL.map(|side| all.iter().filter(|&&of| of == side).count()), [700, 100, 200]);
        for gone in [0, 333, 999] {
            let without = |row: &usize| *row != gone;
            let rows: Vec<usize> = (0..1000).filter(without).collect();
            let (labels, drawn): (Vec<u32>, Vec<u64>) = rows.iter().map(|&row| (labels[row], drawn[row])).unzip();
            let fewer = assign(&labels, 2, SHARES, ANY, true, Order::Drawn(&drawn));
            let moved = rows.iter().zip(&fewer).filter(|&(&row, &side)| all[row] != side).count();
            assert!(moved <= 2, "{moved} rows changed sides without row {gone}");
        }
    }

    #[test]
    fn a_side_given_by_its_number_of_rows_has_them_and_every_class() {
        let labels: Vec<u32> = (0..997).map(|row| if row % 2 == 0 { 0 } else { 1 + row % 89 }).collect();
        for (validation, test) in [(100, 200), (90, 333), (1, 500), (300, 91)] {
            let shares = [0.0, f64::from(validation) / 997.0, f64::from(test) / 997.0];
            let shares = [1.0 - shares[1] - shares[2], shares[1], shares[2]];
            let totals = [None, Some(validation as usize), Some(test as usize)];
            let sides = assign(&labels, 90, shares, totals, true, Order::Shuffled(3));
            let rows = |side: Side| sides.iter().filter(|&&of| of == side).count();
            // Every class keeps its row on a side, even if fewer rows are requested than there are classes.
            assert_eq!(rows(Side::Test), (test as usize).max(90), "{validation} {test}");
            assert_eq!(rows(Side::Validation), (validation as usize).max(90), "{validation} {test}");
        }
    }

    #[test]
    fn rows_are_moved_one_by_one_from_the_class_farthest_from_its_share() {
        let mut rng = Rng::new(7);
        for round in 0..300 {
            let classes = 1 + rng.below(12);
            let before: Vec<[usize; 3]> = (0..classes).map(|_| [0, 1, 2].map(|_| rng.below(9) as usize)).collect();
            let (side, total, share) = (1 + round % 2, rng.below(60) as usize, rng.below(50) as f64 / 100.0);
            let mut found = before.clone();
            settle(&mut found, side, total, share);
            // The same, looking through all classes for every row.
            let mut wanted = before.clone();
            let rows = |counts: &[[usize; 3]]| counts.iter().map(|class| class[side]).sum::<usize>();
            let surplus = |class: &[usize; 3]| class[side] as f64 - share * class.iter().sum::<usize>() as f64;
            while rows(&wanted) != total {
                let lacks = rows(&wanted) < total;
                let (from, to) = if lacks { (0, side) } else { (side, 0) };
                let movable = wanted.iter_mut().filter(|class| class[from] > 1);
                let order = |a: &&mut [usize; 3], b: &&mut [usize; 3]| surplus(a).total_cmp(&surplus(b));
                let Some(class) = (if lacks { movable.min_by(order) } else { movable.max_by(order) }) else { break };
                class[from] -= 1;
                class[to] += 1;
            }
            assert_eq!(found, wanted, "{before:?} {side} {total} {share}");
        }
    }

    #[test]
    fn many_labels_do_not_take_quadratic_time() {
        let labels: Vec<u32> = (0..400_000).map(|row| row % 100_000).collect();
        let begun = std::time::Instant::now();
        let totals = [None, Some(110_000), Some(110_000)];
        let sides = assign(&labels, 100_000, [0.45, 0.275, 0.275], totals, true, Order::Shuffled(1));
        assert_eq!(sides.iter().filter(|&&side| side == Side::Test).count(), 110_000);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
