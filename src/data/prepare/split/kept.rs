//! Continues a split that was drawn before: known rows stay where they were, and new rows join them.

use crate::data::Side;
use crate::random::Rng;

/// The sides of all rows. `known` are those of the rows that were there when the split was drawn.
///
/// A new row goes where its group is, if any row of the group is known: where most of them are, and to training if two
/// sides have as many. The others are placed one by one by `drawn`, their numbers in the order of the draw, so that none
/// depends on another. `groups` numbers the rows that stay together; without it every row is by itself.
pub(super) fn assign(known: &[Option<Side>], groups: Option<&[u32]>, drawn: &[u64], shares: [f64; 3]) -> Vec<Side> {
    // Rows that the sizes leave no side for.
    let known = |row: usize| known[row].filter(|&side| shares[side as usize] > 0.0);
    let Some(groups) = groups else {
        return (0..drawn.len()).map(|row| known(row).unwrap_or_else(|| by_number(drawn[row], shares))).collect();
    };
    let numbers = groups.iter().max().map_or(0, |&last| last as usize + 1);
    let mut rows = vec![[0_u32; 3]; numbers];
    // Of each group the number of rows and the smallest number drawn.
    let mut first = vec![(0, u64::MAX); numbers];
    for (row, &group) in groups.iter().enumerate() {
        let group = group as usize;
        first[group] = (first[group].0 + 1, first[group].1.min(drawn[row]));
        if let Some(side) = known(row) {
            rows[group][side as usize] += 1;
        }
    }
    let side_of = |group: u32| {
        let rows = rows[group as usize];
        // Of equal ones the last is taken, which is training.
        Side::ALL.into_iter().rev().filter(|&side| rows[side as usize] > 0).max_by_key(|&side| rows[side as usize])
    };
    let new = |group: u32| match first[group as usize] {
        (1, drawn) => by_number(drawn, shares),
        // The smallest of several numbers is too small to be compared with a share.
        (_, smallest) => by_number(Rng::new(smallest).next_u64(), shares),
    };
    let place = |row: usize| known(row).or_else(|| side_of(groups[row])).unwrap_or_else(|| new(groups[row]));
    (0..drawn.len()).map(place).collect()
}

/// Where a number puts a row: the smallest are for testing, as in a new draw.
fn by_number(drawn: u64, shares: [f64; 3]) -> Side {
    let [_, validation, test] = shares;
    let place = (drawn >> 11) as f64 / (1_u64 << 53) as f64;
    if place < test {
        Side::Test
    } else if place < test + validation {
        Side::Validation
    } else {
        Side::Train
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: [f64; 3] = [0.7, 0.1, 0.2];

    #[test]
    fn known_rows_stay_and_new_ones_go_with_their_group() {
        use Side::{Test, Train, Validation};
        let known = [Some(Test), None, Some(Train), Some(Validation), None, Some(Train), Some(Test), Some(Test), None];
        let groups = [0, 0, 1, 2, 2, 3, 3, 3, 3];
        let sides = assign(&known, Some(&groups), &[u64::MAX; 9], SHARES);
        assert_eq!(sides, [Test, Test, Train, Validation, Validation, Train, Test, Test, Test]);
        // As many on two sides: training, so that nothing that was trained on is tested.
        assert_eq!(assign(&[Some(Test), Some(Train), None], Some(&[0; 3]), &[0; 3], SHARES)[2], Train);
        // A side that is no longer wanted.
        assert_eq!(assign(&[Some(Test)], None, &[u64::MAX], [0.9, 0.1, 0.0]), [Train]);
    }

    #[test]
    fn new_rows_are_placed_by_share_and_do_not_depend_on_each_other() {
        let drawn: Vec<u64> = (0..20_000).map(|row| Rng::stream(7, row).next_u64()).collect();
        let shares_of = |sides: &[Side]| {
            for (side, share) in Side::ALL.into_iter().zip(SHARES) {
                let found = sides.iter().filter(|&&of| of == side).count() as f64 / 20_000.0;
                assert!((found - share).abs() < 0.02, "{side:?}: {found}");
            }
        };
        let sides = assign(&vec![None; drawn.len()], None, &drawn, SHARES);
        shares_of(&sides);
        let fewer = assign(&vec![None; 500], None, &drawn[19_500..], SHARES);
        assert_eq!(fewer, sides[19_500..]);
        // A group is placed as one.
        let groups: Vec<u32> = (0..20_000).map(|row| row / 4).collect();
        let together = assign(&vec![None; drawn.len()], Some(&groups), &drawn, SHARES);
        shares_of(&together);
        assert!(together.chunks(4).all(|group| group.iter().all(|side| *side == group[0])));
    }
}
