//! Gives memory that is free in this process back to the system.

/// Gives free memory back to the system, which other programs can use then. The allocator of Linux keeps it otherwise, and
/// elsewhere this does nothing. It takes some milliseconds per gigabyte.
pub fn trim_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
