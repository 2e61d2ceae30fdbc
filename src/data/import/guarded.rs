//! Runs decoders of other crates, which panic on some damaged files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Decoders at work.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// What `read` returns, or `None` if it panics.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    AT_WORK.fetch_add(1, Ordering::Relaxed);
    let result = catch_unwind(AssertUnwindSafe(read));
    AT_WORK.fetch_sub(1, Ordering::Relaxed);
    result.ok()
}

/// Keeps panics quiet while decoders are at work: such a panic is reported as an error of the file, and the place in the code
/// says nothing to the person. Call it once, at the start of the program.
pub fn keep_panics_of_decoders_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if AT_WORK.load(Ordering::Relaxed) == 0 {
            usual(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_result_and_the_next_reader_works() {
        assert_eq!(guarded(|| -> u32 { panic!("damaged") }), None);
        assert_eq!(guarded(|| AT_WORK.load(Ordering::Relaxed) > 0), Some(true));
    }
}
