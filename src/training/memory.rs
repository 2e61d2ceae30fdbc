//! How much memory the process uses.

use std::time::{Duration, Instant};

/// Peak resident memory of this process so far, in bytes; 0 if unknown.
///
/// On Linux, this is the kernel's high-water mark. Elsewhere, it is the current resident memory, so call it while
/// memory is in use.
#[must_use]
pub fn peak_memory() -> u64 {
    high_water_mark().unwrap_or_else(resident)
}

/// `VmHWM` of `/proc/self/status`, in KiB there.
fn high_water_mark() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Current resident memory of this process, in bytes; 0 if unknown.
pub(super) fn resident() -> u64 {
    let Ok(own) = sysinfo::get_current_pid() else { return 0 };
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[own]), false);
    system.process(own).map_or(0, sysinfo::Process::memory)
}

/// Time between two measurements of a [`MemoryGauge`]: a step of a small model takes less time than they do.
const GAUGED_EVERY: Duration = Duration::from_secs(1);

/// Measures the memory now and then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MemoryGauge {
    last: Option<(Instant, u64)>,
}

impl MemoryGauge {
    /// Resident memory of this process in bytes, at most a second old; 0 if unknown.
    pub fn read(&mut self) -> u64 {
        match self.last {
            Some((when, bytes)) if when.elapsed() < GAUGED_EVERY => bytes,
            _ => {
                let bytes = resident();
                self.last = Some((Instant::now(), bytes));
                bytes
            }
        }
    }
}

/// What the limits on this process and its container leave of the memory, in bytes; `None` if there are none.
pub(super) fn memory_left_by_limits() -> Option<u64> {
    let own = sysinfo::get_current_pid().ok()?;
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[own]), false);
    let limits = system.process(own)?.cgroup_limits()?;
    // Free memory counts files that were read as used; the system gives their memory back when a process needs it.
    Some(limits.free_memory.max(limits.total_memory.saturating_sub(limits.rss)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_memory_is_counted_and_the_peak_remains() {
        const SIZE: u64 = 256 << 20;
        let before = resident();
        let used = std::hint::black_box(vec![1_u8; SIZE as usize]);
        let with = resident();
        assert!(with > before + SIZE / 2, "{before} {with}");
        drop(used);
        assert!(resident() < with);
        if cfg!(target_os = "linux") {
            // The kernel updates its counters in batches.
            let peak = high_water_mark().unwrap();
            assert!(peak > before + SIZE / 2, "{before} {with} {peak}");
            assert!(peak_memory() >= peak);
        }
    }
}
