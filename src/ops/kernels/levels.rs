//! Runs code at every instruction level of this machine, for tests.

use std::cell::Cell;

use crate::ops::kernels::SimdLevel;

thread_local! {
    static LEVEL: Cell<Option<SimdLevel>> = const { Cell::new(None) };
}

/// The instruction level chosen for kernels on this thread, if any.
pub(super) fn of_this_thread() -> Option<SimdLevel> {
    LEVEL.get()
}

/// The instruction levels of this machine.
pub fn all() -> Vec<SimdLevel> {
    let all = [SimdLevel::Baseline, SimdLevel::Avx2, SimdLevel::Avx512, SimdLevel::Avx512Bf16, SimdLevel::Amx];
    all.into_iter().filter(|&level| level <= SimdLevel::of_processor()).collect()
}

/// Runs `f` in a pool of two threads whose kernels run at `level`.
pub fn at<T: Send>(level: SimdLevel, f: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).start_handler(move |_| LEVEL.set(Some(level)));
    pool.build().unwrap().install(f)
}

#[test]
fn kernels_run_at_the_level_that_is_chosen() {
    for level in all() {
        assert_eq!(at(level, crate::ops::kernels::simd_level), level);
    }
    assert_eq!(crate::ops::kernels::simd_level(), SimdLevel::of_processor());
}
