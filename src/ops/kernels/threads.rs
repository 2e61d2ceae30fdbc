//! How many threads candle's own element-wise operations use.

/// Keeps candle's element-wise operations on the calling thread. Call this first in `main`.
///
/// candle 0.11 runs those over 65,536 elements on its own pool, whose threads wait for each other by spinning
/// (`candle-core/src/utils.rs`, `BarrierPool`). If another program needs the same cores, or if training runs at a lower
/// priority than the window, they spin while the thread they wait for cannot run, and training becomes many times
/// slower. Everything that matters runs on the worker's own pool, whose threads sleep between steps and yield within a
/// step ([`crate::ops::kernels::keep_awake`]).
///
/// Does nothing if the variable is set already, or if another thread is running, which is too late.
pub fn keep_candle_on_one_thread() {
    const VARIABLE: &str = "CANDLE_NUM_THREADS";
    if std::env::var_os(VARIABLE).is_some() || !is_only_thread() {
        return;
    }
    // SAFETY: no other thread is running, so none can be reading the environment meanwhile.
    unsafe { std::env::set_var(VARIABLE, "1") };
}

/// Whether this thread is the only one of the process, as far as the system reports. Except on Linux, the caller
/// is trusted to be at the beginning of `main`.
fn is_only_thread() -> bool {
    std::fs::read_dir("/proc/self/task").map_or(cfg!(not(target_os = "linux")), |tasks| tasks.count() == 1)
}
