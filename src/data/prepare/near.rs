//! Finds near-duplicates: copied reviews with another name, the same tweet with an additional word.
//!
//! Texts are compared by the share of letter sequences they have in common (the Jaccard index of their 5-letter shingles).
//! Candidate pairs come from one-permutation `MinHash` with optimal densification (Shrivastava, 1703.04664) and banding
//! (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3); pairs with several bands in common are then
//! compared in full, unless a bit for each shingle shows that they have too little in common. A group is a chain of
//! neighbours: its first and its last text may have less in common.

use rayon::prelude::*;

use crate::data::DataError;
use crate::progress::Watch;

/// Two texts with at least this share of their shingles in common are near-duplicates.
pub const NEAR: f64 = 0.8;

/// Letters in a shingle.
const SHINGLE: usize = 5;
/// Numbers in a signature.
const BINS: usize = 96;
/// Numbers in a band: texts at the limit have a band in common with probability 0.8^3 = 0.51, so one of 32 almost
/// surely.
const ROWS_OF_BAND: usize = 3;
/// Bands in a signature.
const BANDS: usize = BINS / ROWS_OF_BAND;
/// Bands that two texts must have in common to be compared in full. Near-duplicates at the limit have 16 in common on
/// average, and fewer than 4 of 32 with a probability of one in a million; other texts of a bucket mostly have one or two.
const FEWEST_BANDS: u32 = 4;
/// Words of 64 bits for the bits of a text's shingles: texts of a few hundred letters leave most bits clear.
const WORDS: usize = 8;
/// Texts of a bucket that later ones are compared with, so that a crowded bucket takes no quadratic time.
const LEADERS: usize = 8;
/// Buckets compared at a time by one core.
const BUCKETS_AT_ONCE: usize = 1_024;
/// Texts of a bucket fetched from memory at a time.
const MEMBERS_AT_ONCE: usize = 32;
/// Texts signed between two checks of the cancel switch.
const TEXTS_PER_LOOK: usize = 16_384;

/// Groups of texts in which each is a near-duplicate or an exact copy of another, in order of appearance. Texts of
/// fewer than five letters and digits are ignored.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn near_duplicates(texts: &[&str], watch: &mut Watch) -> Result<Vec<Vec<u32>>, DataError> {
    let (mut signed, mut sketches) = (Vec::with_capacity(texts.len()), Vec::with_capacity(texts.len()));
    for chunk in texts.chunks(TEXTS_PER_LOOK) {
        watch.advance("Comparing texts", signed.len(), texts.len(), "")?;
        let (bands, more): (Vec<Bands>, Vec<Sketch>) = chunk.par_iter().map(|text| sign(text)).unzip();
        signed.extend(bands);
        sketches.extend(more);
    }
    let mut groups = DisjointSets::new(texts.len());
    for band in 0..BANDS {
        watch.advance("Finding near-duplicates", band, BANDS, "")?;
        let mut keys: Vec<u64> = signed
            .par_iter()
            .enumerate()
            .filter(|(_, bands)| bands.0[band] != NOTHING)
            .map(|(text, bands)| u64::from(bands.0[band]) << 32 | text as u64)
            .collect();
        keys.par_sort_unstable();
        let buckets: Vec<&[u64]> = keys.chunk_by(|a, b| a >> 32 == b >> 32).filter(|bucket| bucket.len() > 1).collect();
        let comparer = || Comparer::new(texts, &signed, &sketches, &groups);
        let some = buckets.par_chunks(BUCKETS_AT_ONCE);
        let pairs: Vec<Vec<(u32, u32)>> = some.map_init(comparer, Comparer::pairs_of).collect();
        for (a, b) in pairs.into_iter().flatten() {
            groups.unite(a, b);
        }
    }
    Ok(groups.listed())
}

/// Whether two texts are near-duplicates.
pub(in crate::data) fn are_near(a: &str, b: &str) -> bool {
    jaccard(&sorted_shingles(a), &sorted_shingles(b)) >= NEAR
}

/// A text of a bucket.
#[derive(Clone, Copy)]
struct Member {
    text: u32,
    root: u32,
    bands: Bands,
}

/// Compares the texts of buckets.
struct Comparer<'a> {
    texts: &'a [&'a str],
    signed: &'a [Bands],
    sketches: &'a [Sketch],
    groups: &'a DisjointSets,
    /// The texts of a bucket that later ones are compared with, each with its shingles once they are needed.
    leaders: Vec<(Member, Option<Vec<u32>>)>,
    shingles: Vec<u32>,
}

impl<'a> Comparer<'a> {
    fn new(texts: &'a [&'a str], signed: &'a [Bands], sketches: &'a [Sketch], groups: &'a DisjointSets) -> Self {
        Self { texts, signed, sketches, groups, leaders: Vec::new(), shingles: Vec::new() }
    }

    /// The pairs of some buckets that are near-duplicates and are not known to be yet.
    fn pairs_of(&mut self, buckets: &[&[u64]]) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        let mut members = Vec::with_capacity(MEMBERS_AT_ONCE);
        for bucket in buckets {
            self.leaders.clear();
            for some in bucket.chunks(MEMBERS_AT_ONCE) {
                members.clear();
                // They are all over the memory: fetching them together is several times as fast as one after another.
                members.extend(some.iter().map(|&key| self.member(key as u32)));
                pairs.extend(members.iter().filter_map(|member| Some((self.near_leader(member)?, member.text))));
            }
        }
        pairs
    }

    fn member(&self, text: u32) -> Member {
        Member { text, root: self.groups.root(text), bands: self.signed[text as usize] }
    }

    /// The leader that a text is a near-duplicate of, if that is not known yet. Without one it becomes a leader itself.
    fn near_leader(&mut self, member: &Member) -> Option<u32> {
        if self.leaders.iter().any(|(leader, _)| leader.root == member.root) {
            return None;
        }
        self.shingles.clear();
        let Self { texts, sketches, leaders, shingles, .. } = self;
        let b = texts[member.text as usize];
        let mut is_near = |(leader, known): &mut (Member, Option<Vec<u32>>)| {
            let in_common = leader.bands.in_common(&member.bands);
            if in_common < FEWEST_BANDS || sketches[leader.text as usize].must_differ(&sketches[member.text as usize]) {
                return false;
            }
            let a = texts[leader.text as usize];
            if in_common == BANDS as u32 && a == b {
                return true;
            }
            if shingles.is_empty() {
                shingles_of(b, shingles);
            }
            jaccard(known.get_or_insert_with(|| sorted_shingles(a)), shingles) >= NEAR
        };
        let found = leaders.iter_mut().find_map(|leader| is_near(leader).then_some(leader.0.text));
        if found.is_none() && leaders.len() < LEADERS {
            leaders.push((*member, None));
        }
        found
    }
}

fn sorted_shingles(text: &str) -> Vec<u32> {
    let mut shingles = Vec::new();
    shingles_of(text, &mut shingles);
    shingles
}

/// Hashes of a text's shingles, sorted, each once.
fn shingles_of(text: &str, shingles: &mut Vec<u32>) {
    shingles.clear();
    each_shingle(text, |shingle| shingles.push(shingle));
    shingles.sort_unstable();
    shingles.dedup();
}

/// Calls `take` with the hash of each shingle of a text. Letters and digits count in lower case, everything between
/// them as one space.
///
/// The hash is a rolling one (cyclic polynomials; Cohen, "Recursive hashing functions for n-grams", 1997).
fn each_shingle(text: &str, mut take: impl FnMut(u32)) {
    let mut window = [0_u64; SHINGLE];
    let (mut hash, mut count) = (0_u64, 0);
    let mut letter = |letter: char| {
        let new = mix(u64::from(letter) + 1);
        let old = std::mem::replace(&mut window[count % SHINGLE], new);
        hash = hash.rotate_left(1) ^ old.rotate_left(SHINGLE as u32) ^ new;
        count += 1;
        if count >= SHINGLE {
            take((hash >> 32) as u32);
        }
    };
    let mut space = true;
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            letter(character.to_ascii_lowercase());
            space = false;
        } else if !character.is_ascii() && character.is_alphanumeric() {
            character.to_lowercase().for_each(&mut letter);
            space = false;
        } else if !space {
            letter(' ');
            space = true;
        }
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, 2014).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// The Jaccard index of two sorted lists: shingles in common over all shingles.
fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    // At best, the larger list contains all of the smaller one.
    if (a.len().min(b.len()) as f64) < NEAR * a.len().max(b.len()) as f64 {
        return 0.0;
    }
    let (mut left, mut right, mut common) = (0, 0, 0);
    while left < a.len() && right < b.len() {
        let (x, y) = (a[left], b[right]);
        common += usize::from(x == y);
        left += usize::from(x <= y);
        right += usize::from(y <= x);
    }
    common as f64 / (a.len() + b.len() - common).max(1) as f64
}

/// Band of a text without shingles.
const NOTHING: u32 = u32::MAX;

/// A text's signature, one number for each band. It does not straddle more lines of the cache than it needs.
#[derive(Clone, Copy)]
#[repr(align(128))]
struct Bands([u32; BANDS]);

impl Bands {
    fn in_common(&self, other: &Self) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| u32::from(a == b)).sum()
    }
}

/// Which shingles a text has, roughly.
struct Sketch {
    /// A bit for each shingle; different ones may have the same.
    bits: [u64; WORDS],
    /// Shingles, repeated ones too.
    shingles: u32,
}

impl Sketch {
    /// Whether the bits alone show that two texts are no near-duplicates.
    fn must_differ(&self, other: &Self) -> bool {
        let pairs = || self.bits.iter().zip(&other.bits);
        // Each bit that only one text has is at least one shingle that only this text has.
        let only_here: u32 = pairs().map(|(a, b)| (a & !b).count_ones()).sum();
        let only_there: u32 = pairs().map(|(a, b)| (b & !a).count_ones()).sum();
        let at_best = |shingles: u32, lost: u32, added: u32| f64::from(shingles - lost) / f64::from(shingles + added);
        at_best(self.shingles, only_here, only_there) < NEAR || at_best(other.shingles, only_there, only_here) < NEAR
    }
}

fn sign(text: &str) -> (Bands, Sketch) {
    let mut sketch = Sketch { bits: [0; WORDS], shingles: 0 };
    let mut bins = [u32::MAX; BINS];
    each_shingle(text, |shingle| {
        let hash = mix(u64::from(shingle));
        let bin = (((hash >> 32) * BINS as u64) >> 32) as usize;
        bins[bin] = bins[bin].min(hash as u32 >> 1);
        sketch.bits[shingle as usize / 64 % WORDS] |= 1 << (shingle % 64);
        sketch.shingles += 1;
    });
    (Bands(bands(bins)), sketch)
}

/// One number for each band of the smallest hashes of a text's bins.
fn bands(mut bins: [u32; BINS]) -> [u32; BANDS] {
    let mut bands = [NOTHING; BANDS];
    if bins.iter().all(|&value| value == u32::MAX) {
        return bands;
    }
    let filled = bins;
    for (bin, value) in bins.iter_mut().enumerate() {
        let mut attempt = 0_u64;
        // An empty bin copies the number of a full one, in an order that depends only on the bin.
        while *value == u32::MAX {
            let other = mix((bin as u64) << 32 | attempt) % BINS as u64;
            *value = filled[other as usize];
            attempt += 1;
        }
    }
    for (band, rows) in bands.iter_mut().zip(bins.as_chunks::<ROWS_OF_BAND>().0) {
        let hash = rows.iter().fold(0_u64, |hash, &value| mix(hash ^ u64::from(value)));
        *band = (hash as u32) >> 1;
    }
    bands
}

/// Disjoint sets of texts, united pair by pair.
pub(in crate::data) struct DisjointSets(Vec<u32>);

impl DisjointSets {
    pub(in crate::data) fn new(count: usize) -> Self {
        Self((0..count as u32).collect())
    }

    fn root(&self, mut text: u32) -> u32 {
        while self.0[text as usize] != text {
            text = self.0[text as usize];
        }
        text
    }

    pub(in crate::data) fn unite(&mut self, a: u32, b: u32) {
        let (root_a, root_b) = (self.root(a), self.root(b));
        let first = root_a.min(root_b);
        // Also of the texts themselves, so that paths to a root stay short.
        for text in [root_a, root_b, a, b] {
            self.0[text as usize] = first;
        }
    }

    /// The number of each text's set, which is its first text; `None` if every text is alone.
    pub(in crate::data) fn numbers(mut self) -> Option<Vec<u32>> {
        self.flatten();
        let joined = (0..).zip(&self.0).any(|(text, &root)| text != root);
        joined.then_some(self.0)
    }

    fn flatten(&mut self) {
        for text in 0..self.0.len() as u32 {
            // A root never comes after its texts, so earlier entries are final.
            self.0[text as usize] = self.0[self.0[text as usize] as usize];
        }
    }

    /// Sets of more than one text, each in order.
    fn listed(mut self) -> Vec<Vec<u32>> {
        self.flatten();
        let mut sizes = vec![0_u32; self.0.len()];
        self.0.iter().for_each(|&root| sizes[root as usize] += 1);
        let mut place = vec![u32::MAX; self.0.len()];
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for (text, &root) in (0_u32..).zip(&self.0) {
            if sizes[root as usize] < 2 {
                continue;
            }
            if place[root as usize] == u32::MAX {
                place[root as usize] = groups.len() as u32;
                groups.push(Vec::with_capacity(sizes[root as usize] as usize));
            }
            groups[place[root as usize] as usize].push(text);
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Control;
    use crate::random::Rng;

    fn groups(texts: &[&str]) -> Vec<Vec<u32>> {
        let (control, mut report) = (Control::default(), |_| {});
        near_duplicates(texts, &mut Watch { control: &control, report: &mut report }).unwrap()
    }

    #[test]
    fn a_long_text_with_a_changed_word_is_a_near_duplicate_and_another_text_is_not() {
        let texts = [
            "The shoes arrived on Monday and they fit very well, I would buy them again at any time.",
            "Delivery was late and the box was damaged, nobody answered my mails for two weeks.",
            "The shoes arrived on Friday and they fit very well, I would buy them again at any time!",
            "ok",
            "ok",
            "Delivery was early and the box was fine, somebody answered my mail within two days.",
            "THE SHOES ARRIVED ON MONDAY AND THEY FIT VERY WELL; I WOULD BUY THEM AGAIN AT ANY TIME",
        ];
        assert_eq!(groups(&texts), [vec![0, 2, 6]]);
        assert!(groups(&[]).is_empty());
        assert!(groups(&["", "", "?!"]).is_empty());
    }

    /// Texts of random words, with copies of some of them in which words are changed.
    fn planted(count: usize, seed: u64) -> Vec<String> {
        let mut rng = Rng::new(seed);
        let word = |rng: &mut Rng| -> String {
            let letters = 3 + rng.below(6);
            (0..letters).map(|_| char::from(b'a' + rng.below(26) as u8)).collect()
        };
        let vocabulary: Vec<String> = (0..800).map(|_| word(&mut rng)).collect();
        let mut texts: Vec<String> = Vec::with_capacity(count);
        for number in 0..count {
            let mut words: Vec<String> = if number % 3 == 2 {
                texts[number - 1].split(' ').map(str::to_owned).collect()
            } else {
                (0..12 + rng.below(30)).map(|_| vocabulary[rng.below(800) as usize].clone()).collect()
            };
            if number % 3 == 2 {
                for _ in 0..=rng.below(3) {
                    let place = rng.below(words.len() as u64) as usize;
                    words[place] = word(&mut rng);
                }
            }
            texts.push(words.join(" "));
        }
        texts
    }

    #[test]
    fn nearly_all_near_duplicates_are_found_and_nothing_else() {
        let texts = planted(900, 5);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let sets: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| {
                let mut shingles = Vec::new();
                shingles_of(text, &mut shingles);
                shingles
            })
            .collect();
        let mut found = vec![usize::MAX; texts.len()];
        for (number, group) in groups(&texts).iter().enumerate() {
            for &text in group {
                found[text as usize] = number;
            }
        }
        let (mut alike, mut seen) = (0_u32, 0_u32);
        for a in 0..texts.len() {
            for b in a + 1..texts.len() {
                let together = found[a] != usize::MAX && found[a] == found[b];
                if jaccard(&sets[a], &sets[b]) >= NEAR {
                    alike += 1;
                    seen += u32::from(together);
                } else {
                    assert!(!together, "{} / {}", texts[a], texts[b]);
                }
            }
        }
        assert!(alike > 50, "{alike}");
        assert!(f64::from(seen) >= 0.99 * f64::from(alike), "{seen} of {alike}");
    }

    #[test]
    fn bits_rule_out_no_near_duplicates() {
        let texts = planted(300, 8);
        let sketches: Vec<Sketch> = texts.iter().map(|text| sign(text).1).collect();
        let (mut ruled_out, mut near) = (0, 0);
        for a in 0..texts.len() {
            for b in 0..a {
                let differ = sketches[a].must_differ(&sketches[b]);
                near += u32::from(are_near(&texts[a], &texts[b]));
                ruled_out += u32::from(differ);
                assert!(!differ || !are_near(&texts[a], &texts[b]), "{} / {}", texts[a], texts[b]);
            }
        }
        assert!(near > 15 && ruled_out > 40_000, "{near} {ruled_out}");
    }

    #[test]
    fn many_copies_do_not_take_quadratic_time() {
        let texts: Vec<String> =
            (0..20_000).map(|number| format!("{} {number}", "the same words again ".repeat(8))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(groups(&texts)[0].len(), texts.len());
    }

    #[test]
    fn finding_near_duplicates_can_be_cancelled() {
        let (control, mut report) = (Control::default(), |_| {});
        control.cancel();
        let stopped = near_duplicates(&["a"], &mut Watch { control: &control, report: &mut report });
        assert!(matches!(stopped, Err(DataError::Cancelled)));
    }
}
