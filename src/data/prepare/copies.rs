//! Texts that are exactly the same.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;
use rayon::prelude::*;

/// Groups of more than one place with the same text, each in order, in order of appearance.
pub(in crate::data) fn same_texts(texts: &[&str]) -> Vec<Vec<u32>> {
    let hasher = FixedState::default();
    let mut hashed: Vec<(u64, u32)> =
        texts.par_iter().zip(0..texts.len() as u32).map(|(text, place)| (hasher.hash_one(text), place)).collect();
    hashed.par_sort_unstable();
    let mut groups = Vec::new();
    for same_hash in hashed.chunk_by(|a, b| a.0 == b.0).filter(|places| places.len() > 1) {
        let mut rest: Vec<u32> = same_hash.iter().map(|&(_, place)| place).collect();
        // All the same, unless two texts have the same hash by chance.
        while let Some(&first) = rest.first() {
            let text = texts[first as usize];
            let (same, others) = rest.into_iter().partition(|&place| texts[place as usize] == text);
            groups.push(same);
            rest = others;
        }
    }
    groups.retain(|group: &Vec<u32>| group.len() > 1);
    groups.sort_unstable();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_grouped_in_order_of_appearance() {
        assert_eq!(same_texts(&["b", "a", "", "a", "c", "b", "", "a"]), [vec![0, 5], vec![1, 3, 7], vec![2, 6]]);
        assert!(same_texts(&["a", "b"]).is_empty() && same_texts(&[]).is_empty());
    }
}
