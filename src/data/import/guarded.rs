//! Runs decoders of other crates, which panic on some damaged files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Decoders at work.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// What `read` returns, or `None` if it panics.
pub(super) fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    AT_WORK.fetch_add(1, Ordering::Relaxed);
    let result = catch_unwind(AssertUnwindSafe(read));
    AT_WORK.fetch_sub(1, Ordering::Relaxed);
    result.ok()
}

/// Whether a panic now is probably that of a decoder on a damaged file, which is reported as an error of the file. The place in
/// the code that panics says nothing to the person.
#[must_use]
pub fn decoders_are_at_work() -> bool {
    AT_WORK.load(Ordering::Relaxed) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_result_and_the_next_reader_works() {
        assert_eq!(guarded(|| -> u32 { panic!("damaged") }), None);
        assert_eq!(guarded(|| (1, decoders_are_at_work())), Some((1, true)));
    }
}
