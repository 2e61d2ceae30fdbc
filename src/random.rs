//! Seeded, counter-based random numbers: the same seed gives the same numbers on every machine and any number of
//! threads.
//!
//! Sources: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011);
//! bounded integers after Lemire 1805.10941; the 32-bit mixer `lowbias32` of C. Wellons' "Prospecting for Hash
//! Functions".

/// A generator of one stream of numbers.
///
/// Streams of one seed with different numbers do not overlap: the stream is half of the counter.
#[derive(Clone, Debug, PartialEq)]
pub struct Rng {
    key: [u32; 2],
    stream: u64,
    block: u64,
    words: [u32; 4],
    /// Words of `words` that were already returned.
    used: usize,
    /// Second half of the last Box-Muller pair.
    spare_normal: Option<f64>,
}

impl Rng {
    /// Stream 0 of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::stream(seed, 0)
    }

    /// Stream `stream` of `seed`.
    #[must_use]
    pub fn stream(seed: u64, stream: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], stream, block: 0, words: [0; 4], used: 4, spare_normal: None }
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == self.words.len() {
            let [low, high] = [self.block, self.stream];
            self.words = philox4x32([low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32], self.key);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        let word = self.words[self.used];
        self.used += 1;
        word
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * SCALE
    }

    /// A whole number in `0..bound`, each equally likely; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Lemire: the high half of a product is uniform once the few biased low halves are rejected.
        let reject_under = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= reject_under {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number from the normal distribution of mean 0 and variance 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        // 1 - uniform lies in (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare_normal = Some(radius * sine);
        radius * cosine
    }

    /// Shuffles `items`, every order equally likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

/// 32 random bits for element `index` of the mask named by `key`: stateless, so any thread can draw any element, and
/// made of 32-bit products, shifts and exclusive-ors only, so that a loop over `index` vectorises.
///
/// Good enough for dropout masks, not for statistics. Make `key` with [`mask_key`].
#[inline]
#[must_use]
pub const fn mask_bits(key: u64, index: u32) -> u32 {
    mix32(mix32(index ^ key as u32).wrapping_add((key >> 32) as u32))
}

/// The key of one mask, from the run's seed, the step, and the place in the network (each place has its own `site`).
#[must_use]
pub const fn mask_key(seed: u64, step: u64, site: u64) -> u64 {
    let words = philox4x32(
        [step as u32, (step >> 32) as u32, site as u32, (site >> 32) as u32],
        // A different key than that of `Rng::new(seed)`, so that masks and shuffles never share numbers.
        [seed as u32 ^ 0x6d61_736b, (seed >> 32) as u32],
    );
    words[0] as u64 | (words[1] as u64) << 32
}

/// The key of row `row` of the mask named by `key`, so that rows of any number and length never share an index.
///
/// Source: the output mix of `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014).
#[inline]
#[must_use]
pub const fn mask_row_key(key: u64, row: u64) -> u64 {
    let mut x = key.wrapping_add(row.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// `lowbias32`: a bijection of 32 bits with an avalanche bias of 0.17.
#[inline]
const fn mix32(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Ten rounds of Philox on four 32-bit words.
const fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let mut round = 0;
    while round < 10 {
        let first = 0xd251_1f53_u64 * counter[0] as u64;
        let second = 0xcd9e_8d57_u64 * counter[2] as u64;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
        round += 1;
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_answers() {
        // Known answers of the authors' Random123 library.
        assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox4x32([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let answer = [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1];
        assert_eq!(philox4x32(pi, [0xa409_3822, 0x299f_31d0]), answer);
    }

    #[test]
    fn the_same_seed_repeats_and_streams_differ() {
        let draw = |mut rng: Rng| (0..100).map(|_| rng.next_u64()).collect::<Vec<_>>();
        assert_eq!(draw(Rng::new(7)), draw(Rng::stream(7, 0)));
        assert_ne!(draw(Rng::new(7)), draw(Rng::new(8)));
        assert_ne!(draw(Rng::stream(7, 1)), draw(Rng::stream(7, 2)));
    }

    #[test]
    fn a_copy_continues_where_the_original_was() {
        let mut rng = Rng::new(1);
        rng.normal();
        rng.next_u32();
        let mut copy = rng.clone();
        assert_eq!((rng.normal(), rng.next_u64()), (copy.normal(), copy.next_u64()));
    }

    #[test]
    fn uniform_has_its_moments() {
        let mut rng = Rng::new(3);
        let draws: Vec<f64> = (0..100_000).map(|_| rng.uniform()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        let (mean, variance) = moments(&draws);
        assert!((mean - 0.5).abs() < 0.005 && (variance - 1.0 / 12.0).abs() < 0.002, "{mean} {variance}");
    }

    #[test]
    fn normal_has_its_moments_and_tails() {
        let mut rng = Rng::new(4);
        let draws: Vec<f64> = (0..100_000).map(|_| rng.normal()).collect();
        let (mean, variance) = moments(&draws);
        assert!(mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        let beyond_two = draws.iter().filter(|draw| draw.abs() > 2.0).count() as f64 / draws.len() as f64;
        assert!((beyond_two - 0.0455).abs() < 0.003, "{beyond_two}");
    }

    #[test]
    fn below_is_even_and_in_range() {
        let mut rng = Rng::new(5);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 400), "{counts:?}");
        assert_eq!((rng.below(0), rng.below(1)), (0, 0));
    }

    #[test]
    fn shuffle_keeps_every_item_and_reaches_every_place() {
        let mut rng = Rng::new(6);
        let mut places = [[0_u32; 5]; 5];
        for _ in 0..10_000 {
            let mut items = [0, 1, 2, 3, 4];
            rng.shuffle(&mut items);
            for (place, item) in items.into_iter().enumerate() {
                places[item][place] += 1;
            }
        }
        assert!(places.iter().flatten().all(|count| count.abs_diff(2_000) < 200), "{places:?}");
        rng.shuffle::<u8>(&mut []);
    }

    #[test]
    fn mask_bits_are_even_and_independent_of_neighbours() {
        let key = mask_key(42, 1, 0);
        let count = 200_000_u32;
        let mut ones = [0_u32; 32];
        let (mut dropped, mut pairs, mut other_key) = (0_u32, 0_u32, 0_u32);
        let drop = |key, index| mask_bits(key, index) < u32::MAX / 10;
        for index in 0..count {
            let bits = mask_bits(key, index);
            for (bit, ones) in ones.iter_mut().enumerate() {
                *ones += bits >> bit & 1;
            }
            dropped += u32::from(drop(key, index));
            pairs += u32::from(drop(key, index) && drop(key, index + 1));
            other_key += u32::from(drop(key, index) && drop(mask_key(42, 2, 0), index));
        }
        assert!(ones.iter().all(|ones| ones.abs_diff(count / 2) < 1_200), "{ones:?}");
        assert!(dropped.abs_diff(count / 10) < 700, "{dropped}");
        assert!(pairs.abs_diff(count / 100) < 250, "{pairs}");
        assert!(other_key.abs_diff(count / 100) < 250, "{other_key}");
    }

    #[test]
    fn mask_keys_differ_by_each_part() {
        let keys = [mask_key(1, 1, 1), mask_key(2, 1, 1), mask_key(1, 2, 1), mask_key(1, 1, 2)];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key));
        }
    }

    fn moments(draws: &[f64]) -> (f64, f64) {
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        (mean, variance)
    }
}
