//! How much memory the process has taken.

/// Largest resident memory of this process so far, bytes; 0 where the system does not say.
///
/// On Linux it is the kernel's own high-water mark. Elsewhere it is what is resident now: call it when much is.
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

/// Resident memory of this process now, bytes; 0 where the system does not say.
pub(super) fn resident() -> u64 {
    let Ok(own) = sysinfo::get_current_pid() else { return 0 };
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[own]), false);
    system.process(own).map_or(0, sysinfo::Process::memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_a_plausible_size() {
        let megabyte = 1 << 20;
        assert!((megabyte..1 << 40).contains(&peak_memory()));
        assert!((megabyte..1 << 40).contains(&resident()));
        if cfg!(target_os = "linux") {
            assert!(high_water_mark().is_some_and(|peak| peak >= megabyte));
        }
    }
}
