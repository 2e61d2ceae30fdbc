//! Keeps threads awake between kernels.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::Yield;

/// Looks for work between two offers of the core to other programs.
const LOOKS: u32 = 128;

/// How long a thread looks for work in vain before it gives up: longer than any pause between two kernels.
///
/// A thread may begin to look while it waits inside another task, because rayon lets waiting threads run whatever comes. If that
/// task is one that `work` waits for, nobody would ever go on; so no thread looks forever.
const PATIENCE: Duration = Duration::from_millis(20);

/// Runs `work` with the other threads of the current rayon pool awake.
///
/// A forward or backward pass runs hundreds of kernels of less than a millisecond each. rayon's threads fall asleep soon
/// after each one, and waking a thread takes the system nearly as long as the kernel. Here the threads look for the next
/// kernel instead, and yield the core to other programs now and then. After a long pause they fall asleep all the same.
/// Outside a pool, or in a pool of one thread, this only runs `work`.
pub fn keep_awake<T>(work: impl FnOnce() -> T) -> T {
    let Some(own) = rayon::current_thread_index() else { return work() };
    if rayon::current_num_threads() < 2 {
        return work();
    }
    let done = AtomicBool::new(false);
    rayon::in_place_scope(|scope| {
        scope.spawn_broadcast(|_, context| {
            if context.index() != own {
                look_for_work_until(&done);
            }
        });
        // Also when `work` panics: the scope waits for all threads.
        let _done = SetWhenDropped(&done);
        work()
    })
}

fn look_for_work_until(done: &AtomicBool) {
    let (mut looks, mut idle_since) = (0_u32, Instant::now());
    while !done.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(Yield::Executed) {
            (looks, idle_since) = (0, Instant::now());
            continue;
        }
        std::hint::spin_loop();
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(LOOKS) {
            if idle_since.elapsed() > PATIENCE {
                return;
            }
            std::thread::yield_now();
        }
    }
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use rayon::prelude::*;

    use super::*;

    #[test]
    fn work_runs_in_pools_of_any_size_and_outside_a_pool() {
        let round = |round: u64| (0..1_000_u64).into_par_iter().sum::<u64>() + round;
        let sum = || keep_awake(|| (0..200_u64).map(round).sum::<u64>());
        let expected: u64 = 200 * 499_500 + 199 * 100;
        assert_eq!(sum(), expected);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for _ in 0..20 {
                assert_eq!(pool.install(sum), expected, "{threads}");
                assert_eq!(pool.install(|| keep_awake(sum)), expected, "nested, {threads}");
            }
        }
    }

    #[test]
    fn a_thread_that_begins_to_look_inside_a_task_goes_on_with_it() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let [taken, waits, ended] = std::array::from_fn(|_| AtomicBool::new(false));
        let begun = Instant::now();
        let until = |flag: &AtomicBool, wait: &dyn Fn()| {
            while !flag.load(Ordering::Acquire) {
                assert!(begun.elapsed() < Duration::from_mins(1), "the threads wait for each other");
                wait();
            }
        };
        let set = |flag: &AtomicBool| flag.store(true, Ordering::Release);
        pool.install(|| {
            rayon::in_place_scope(|scope| {
                // The other thread waits for the second half, which this one takes. Meanwhile it begins to look for work.
                scope.spawn(|_| {
                    set(&taken);
                    let second = || {
                        set(&waits);
                        std::thread::sleep(2 * PATIENCE);
                    };
                    rayon::join(|| until(&waits, &std::hint::spin_loop), second);
                    set(&ended);
                });
                until(&taken, &std::hint::spin_loop);
                keep_awake(|| {
                    until(&waits, &|| {
                        let _ = rayon::yield_now();
                    });
                    until(&ended, &std::hint::spin_loop);
                });
            });
        });
    }

    #[test]
    fn a_panic_propagates_and_the_pool_keeps_working() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
            pool.install(|| keep_awake(|| panic!("in a kernel")));
        }));
        assert!(panicked.is_err());
        assert_eq!(pool.install(|| keep_awake(|| 7)), 7);
    }
}
