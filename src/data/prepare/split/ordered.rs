//! Splits rows by time: the oldest for training, then validation, the newest for the test.

use crate::data::Side;

/// Divides rows by time; rows of the same time stay on one side.
///
/// `times` are the rows' times in file order; rows without a time are training rows. `wanted` are the numbers of
/// validation and test rows. As rows of the same time are not divided, the nearest possible numbers are taken, and at
/// least one time.
pub(super) fn assign(times: &[Option<i64>], wanted: [usize; 2]) -> Vec<Side> {
    let mut order: Vec<(i64, usize)> =
        times.iter().enumerate().filter_map(|(row, time)| Some(((*time)?, row))).collect();
    order.sort_unstable();
    let mut sides = vec![Side::Train; times.len()];
    let mut moments: Vec<&[(i64, usize)]> = order.chunk_by(|a, b| a.0 == b.0).collect();
    let [validation, test] = wanted;
    for (side, wanted, kept) in [(Side::Test, test, 1 + usize::from(validation > 0)), (Side::Validation, validation, 1)]
    {
        let mut taken = 0;
        while moments.len() > kept {
            let Some(rows) = moments.last().map(|moment| moment.len()) else { break };
            // A time is taken if at least half of its rows are wanted: otherwise the side is nearer to its size without
            // it.
            let fits = 2 * taken + rows <= 2 * wanted;
            if wanted == 0 || !(fits || taken == 0) {
                break;
            }
            for &(_, row) in moments.pop().into_iter().flatten() {
                sides[row] = side;
            }
            taken += rows;
        }
    }
    sides
}

/// The sides of rows of which some are known: new ones go where their time belongs, by the earliest known time of each
/// side.
pub(super) fn join(times: &[Option<i64>], known: &[Option<Side>]) -> Vec<Side> {
    let begins = |side: Side| {
        let of_side = times.iter().zip(known).filter(|(_, known)| **known == Some(side));
        of_side.filter_map(|(time, _)| *time).min()
    };
    let [validation, test] = [Side::Validation, Side::Test].map(begins);
    let is_after = |time: &Option<i64>, begin: Option<i64>| time.zip(begin).is_some_and(|(time, begin)| time >= begin);
    let new = |time: &Option<i64>| match (is_after(time, validation), is_after(time, test)) {
        (_, true) => Side::Test,
        (true, false) => Side::Validation,
        (false, false) => Side::Train,
    };
    times.iter().zip(known).map(|(time, known)| known.unwrap_or_else(|| new(time))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sides: &[Side]) -> [usize; 3] {
        Side::ALL.map(|side| sides.iter().filter(|&&of| of == side).count())
    }

    #[test]
    fn the_newest_rows_are_test_rows_and_rows_without_a_time_are_training_rows() {
        let mut times: Vec<Option<i64>> = (0..100).map(|row| Some((row * 37) % 100)).collect();
        times[3] = None;
        let sides = assign(&times, [10, 20]);
        assert_eq!(counts(&sides), [70, 10, 20]);
        assert_eq!(sides[3], Side::Train);
        let bounds = |side: Side| {
            let of =
                times.iter().zip(&sides).filter(|&(time, &of)| time.is_some() && of == side).map(|(time, _)| *time);
            (of.clone().min().unwrap(), of.max().unwrap())
        };
        assert!(bounds(Side::Train).1 < bounds(Side::Validation).0);
        assert!(bounds(Side::Validation).1 < bounds(Side::Test).0);
    }

    #[test]
    fn rows_of_one_moment_stay_together() {
        // Ten days of ten rows; 15 test rows are nearest to one day or two.
        let times: Vec<Option<i64>> = (0..100).map(|row| Some(row / 10)).collect();
        assert_eq!(counts(&assign(&times, [10, 15])), [70, 10, 20]);
        assert_eq!(counts(&assign(&times, [10, 14])), [80, 10, 10]);
        assert_eq!(counts(&assign(&times, [3, 3])), [80, 10, 10], "a day each, though it is more than asked for");
        assert_eq!(counts(&assign(&times, [0, 20])), [80, 0, 20]);
        let two_days: Vec<Option<i64>> = (0..20).map(|row| Some(row / 10)).collect();
        assert_eq!(counts(&assign(&two_days, [5, 5])), [10, 10, 0], "one for training, one for validation");
        assert_eq!(counts(&assign(&[Some(1); 9], [3, 3])), [9, 0, 0]);
        assert_eq!(counts(&assign(&[None; 9], [3, 3])), [9, 0, 0]);
    }

    #[test]
    fn new_rows_join_the_side_of_their_time() {
        use Side::{Test, Train, Validation};
        let times = [Some(1), Some(5), Some(6), Some(9), None, Some(2), Some(5), Some(8), Some(100), Some(9)];
        let known = [Some(Train), Some(Validation), Some(Validation), Some(Test), Some(Train)];
        let known: Vec<Option<Side>> = known.into_iter().chain([None; 5]).collect();
        let sides = join(&times, &known);
        assert_eq!(sides, [Train, Validation, Validation, Test, Train, Train, Validation, Validation, Test, Test]);
        assert_eq!(join(&[Some(7), None], &[None, None]), [Train, Train]);
    }
}
