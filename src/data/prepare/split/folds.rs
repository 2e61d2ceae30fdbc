//! Divides rows into folds for cross-validation: at random, without dividing groups, or by time.

use crate::data::DataError;
use crate::data::prepare::split::grouped::Grouped;
use crate::progress::Control;

/// Groups placed between two checks of the cancel switch.
const GROUPS_PER_LOOK: usize = 4_096;

/// The fold of each row, `[rows]`, below `folds`.
///
/// The groups are placed one by one, the largest first, each in the fold that lacks its strata most, and then in the smallest fold:
/// the idea of scikit-learn's `StratifiedGroupKFold`. Rows without a group are groups of one row, so that in every fold each stratum
/// has as many rows as in any other, or one more. `stratum_of` are the strata of the rows, below `strata`, `groups` the numbers of
/// their groups, and `drawn` the numbers that decide between groups of the same size. The same arguments give the same folds.
///
/// # Errors
/// [`DataError::Cancelled`].
pub(super) fn assign(
    (stratum_of, strata): (&[u32], usize),
    groups: &[u32],
    folds: usize,
    drawn: &[u64],
    control: &Control,
) -> Result<Vec<u32>, DataError> {
    let groups = Grouped::of(stratum_of, groups);
    let mut all = vec![0.0; strata];
    for &stratum in stratum_of {
        all[stratum as usize] += 1.0;
    }
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_cached_key(|&group| {
        let rows = groups.rows(group);
        // Strata one after another, so that the smallest fold of all is the one that rows in excess go to.
        let stratum = groups.strata(group).first().map(|(stratum, _)| *stratum);
        let first = rows.iter().map(|&row| (drawn[row as usize], row)).min();
        (std::cmp::Reverse(rows.len()), stratum, first)
    });
    let mut placed = vec![vec![0.0; folds]; strata];
    let mut sizes = vec![0; folds];
    let mut fold_of = vec![0; stratum_of.len()];
    for (step, group) in order.into_iter().enumerate() {
        if step.is_multiple_of(GROUPS_PER_LOOK) {
            control.look()?;
        }
        let cost = |fold: usize| -> f64 {
            let of_stratum = |&(stratum, rows): &(u32, u32)| {
                let (stratum, rows) = (stratum as usize, f64::from(rows));
                let missing = all[stratum] / folds as f64 - placed[stratum][fold];
                rows * (rows - 2.0 * missing) / (all[stratum] * all[stratum])
            };
            groups.strata(group).iter().map(of_stratum).sum()
        };
        let lacks_most = |&a: &usize, &b: &usize| cost(a).total_cmp(&cost(b)).then(sizes[a].cmp(&sizes[b]));
        let fold = (0..folds).min_by(lacks_most).unwrap_or(0);
        sizes[fold] += groups.rows(group).len();
        for &(stratum, rows) in groups.strata(group) {
            placed[stratum as usize][fold] += f64::from(rows);
        }
        for &row in groups.rows(group) {
            fold_of[row as usize] = fold as u32;
        }
    }
    Ok(fold_of)
}

/// The part of time of each row, from 0, the oldest, to `folds`; `None` for rows without a time. Each part but the first is tested by
/// a model that learned from those before it, as in scikit-learn's `TimeSeriesSplit`.
///
/// The parts have the same number of rows, as far as rows of the same time can stay together.
pub(super) fn parts_of_time(times: &[Option<i64>], folds: usize) -> Vec<Option<u32>> {
    let mut order: Vec<(i64, usize)> =
        times.iter().enumerate().filter_map(|(row, time)| Some(((*time)?, row))).collect();
    order.sort_unstable();
    let mut parts = vec![None; times.len()];
    let mut taken = 0;
    for moment in order.chunk_by(|a, b| a.0 == b.0) {
        // A moment belongs to the part in which its middle row is.
        let middle = taken + moment.len() / 2;
        let part = middle * (folds + 1) / order.len().max(1);
        for &(_, row) in moment {
            parts[row] = Some(part.min(folds) as u32);
        }
        taken += moment.len();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    fn folds_of(labels: &[u32], strata: usize, groups: &[u32], folds: usize, seed: u64) -> Vec<u32> {
        let drawn: Vec<u64> = (0..labels.len()).map(|row| Rng::stream(seed, row as u64).next_u64()).collect();
        assign((labels, strata), groups, folds, &drawn, &Control::default()).unwrap()
    }

    #[test]
    fn folds_and_strata_differ_by_at_most_one_row() {
        for seed in 0..20 {
            let mut rng = Rng::new(seed);
            let labels: Vec<u32> = (0..1_003).map(|_| rng.below(40).min(rng.below(40)) as u32).collect();
            let alone: Vec<u32> = (0..1_003).collect();
            for folds in [2, 5, 10] {
                let found = folds_of(&labels, 40, &alone, folds, seed);
                let sizes: Vec<usize> =
                    (0..folds).map(|fold| found.iter().filter(|&&of| of as usize == fold).count()).collect();
                assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{folds} folds: {sizes:?}");
                for class in 0..40 {
                    let rows = |fold: usize| {
                        let here = labels.iter().zip(&found);
                        here.filter(|&(&label, &of)| label == class && of as usize == fold).count()
                    };
                    let rows: Vec<usize> = (0..folds).map(rows).collect();
                    assert!(rows.iter().max().unwrap() - rows.iter().min().unwrap() <= 1, "class {class}: {rows:?}");
                }
                assert_ne!(found, folds_of(&labels, 40, &alone, folds, seed + 1), "another seed draws other folds");
            }
        }
    }

    #[test]
    fn groups_stay_whole_and_folds_are_of_similar_size() {
        for seed in 0..20 {
            let mut rng = Rng::new(seed);
            let (mut labels, mut groups) = (Vec::new(), Vec::new());
            for group in 0..300 {
                for _ in 0..=rng.below(8) {
                    labels.push(rng.below(3) as u32);
                    groups.push(group);
                }
            }
            let found = folds_of(&labels, 3, &groups, 5, seed);
            let mut fold_of = vec![None; 300];
            for (&group, &fold) in groups.iter().zip(&found) {
                assert_eq!(*fold_of[group as usize].get_or_insert(fold), fold, "group {group} is in two folds");
            }
            for fold in 0..5 {
                let share = found.iter().filter(|&&of| of == fold).count() as f64 / found.len() as f64;
                assert!((share - 0.2).abs() < 0.01, "seed {seed}: {share}");
            }
        }
    }

    #[test]
    fn fewer_groups_than_folds_leave_folds_empty() {
        assert_eq!(folds_of(&[0, 0, 0], 1, &[7, 7, 7], 3, 1), [0, 0, 0]);
        assert!(folds_of(&[], 0, &[], 3, 1).is_empty());
    }

    #[test]
    fn parts_of_time_are_equal_and_never_divide_a_moment() {
        let times: Vec<Option<i64>> = (0..60).map(|row| (row != 7).then_some((row * 13) % 60)).collect();
        let parts = parts_of_time(&times, 5);
        assert_eq!(parts[7], None);
        for part in 0..=5 {
            let rows = parts.iter().filter(|&&of| of == Some(part)).count();
            assert!((9..=10).contains(&rows), "part {part}: {rows}");
        }
        let newest_of =
            |part| times.iter().zip(&parts).filter(|(_, of)| **of == Some(part)).map(|(time, _)| *time).max();
        let oldest_of =
            |part| times.iter().zip(&parts).filter(|(_, of)| **of == Some(part)).map(|(time, _)| *time).min();
        assert!((0..5).all(|part| newest_of(part) < oldest_of(part + 1)));
        // Ten rows of one moment, and two later ones.
        let moments: Vec<Option<i64>> = (0..12).map(|row| Some(i64::from(row > 9) + i64::from(row > 10))).collect();
        let parts = parts_of_time(&moments, 2);
        assert!(parts[..10].iter().all(|&part| part == parts[0]), "{parts:?}");
        assert!(parts_of_time(&[None; 3], 2).iter().all(Option::is_none));
    }
}
