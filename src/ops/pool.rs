//! Memory for activations and gradients, reused from step to step.
//!
//! A training step asks for the same hundreds of megabytes as the one before it. Given back to the system in between,
//! every page would have to be mapped and cleared again, which takes about as long as the arithmetic on it.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Numbers in the smallest buffer.
const SMALLEST: usize = 1024;

/// A reused buffer may be this many times larger than requested.
const SLACK: usize = 4;

static POOL: Mutex<Pool> = Mutex::new(Pool { free: BTreeMap::new(), free_numbers: 0, used: 0, most_used: 0 });

struct Pool {
    /// Unused buffers by size.
    free: BTreeMap<usize, Vec<Vec<f32>>>,
    /// Numbers in `free`.
    free_numbers: usize,
    /// Numbers in buffers that are in use.
    used: usize,
    /// The maximum of `used` since memory was last released.
    most_used: usize,
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Releases the unused memory to the system. Call it when training or prediction ends.
pub fn release_memory() {
    let mut pool = pool();
    pool.free = BTreeMap::new();
    pool.free_numbers = 0;
    pool.most_used = pool.used;
}

/// A buffer that returns to the pool when dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    /// At least `length` numbers.
    values: Vec<f32>,
    length: usize,
}

impl Buffer {
    /// `length` numbers of any value: the caller must write each before it is read. (In debug builds they are NaN, so
    /// that a forgotten one shows.)
    pub(super) fn take(length: usize) -> Self {
        let class = size_class(length);
        let mut pool = pool();
        let kept = pool.free.range_mut(class..=class * SLACK).find_map(|(_, buffers)| buffers.pop());
        if let Some(kept) = &kept {
            pool.free_numbers -= kept.len();
        }
        pool.used += kept.as_ref().map_or(class, Vec::len);
        pool.most_used = pool.most_used.max(pool.used);
        drop(pool);
        let mut values = kept.unwrap_or_else(|| vec![0.0; class]);
        if cfg!(debug_assertions) {
            values.fill(f32::NAN);
        }
        Self { values, length }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        let mut pool = pool();
        pool.used -= values.len();
        // Steps of many different sizes must not accumulate buffers: a quarter more than the maximum in use is enough.
        if pool.used + pool.free_numbers + values.len() <= pool.most_used + pool.most_used / 4 {
            pool.free_numbers += values.len();
            pool.free.entry(values.len()).or_default().push(values);
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.length]
    }
}

/// `length` rounded up by at most a quarter, so that steps of similar sizes share buffers.
fn size_class(length: usize) -> usize {
    let length = length.max(SMALLEST);
    let grain = (length / 8).next_power_of_two();
    length.next_multiple_of(grain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_waste_little_and_are_large_enough() {
        for length in (1..200_000).step_by(37) {
            let class = size_class(length);
            assert!(class >= length && (length < SMALLEST || class <= length + length / 4), "{length} {class}");
            assert_eq!(size_class(class), class, "{length}");
        }
    }

    #[test]
    fn new_and_reused_buffers_have_their_length() {
        let buffer = Buffer::take(100_000);
        assert_eq!(buffer.len(), 100_000);
        drop(buffer);
        assert_eq!(Buffer::take(99_000).len(), 99_000);
        assert!(Buffer::take(0).is_empty());
    }
}
