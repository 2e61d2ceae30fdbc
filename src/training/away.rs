//! Notices when the process did not run: it was stopped (Ctrl-Z, `kill -STOP`), or the machine was suspended.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a thread looks at the time.
const LOOK: Duration = Duration::from_millis(100);
/// Shorter gaps cannot be told apart from a busy machine.
const SHORTEST: Duration = Duration::from_secs(1);

/// Counts the time in which no thread of the process ran, until it is dropped.
pub(super) struct Away {
    /// `None` if that cannot be noticed on this system.
    looks: Option<Arc<Mutex<Looks>>>,
}

/// The last look at the time.
struct Looks {
    at: Instant,
    /// Processor time of the process until then.
    busy: Duration,
    away: Duration,
}

impl Away {
    /// Begins to look.
    pub fn begin() -> Self {
        let looks = busy().map(|busy| Arc::new(Mutex::new(Looks { at: Instant::now(), busy, away: Duration::ZERO })));
        let shared = looks.as_ref().map(Arc::downgrade);
        let watch = move || {
            while let Some(looks) = shared.as_ref().and_then(std::sync::Weak::upgrade) {
                look(&looks);
                drop(looks);
                thread::sleep(LOOK);
            }
        };
        // Without the thread, a gap would not be told from a long step.
        let is_watched = looks.is_some() && thread::Builder::new().name("time".to_owned()).spawn(watch).is_ok();
        Self { looks: looks.filter(|_| is_watched) }
    }

    /// The time so far.
    pub fn total(&self) -> Duration {
        self.looks.as_deref().map_or(Duration::ZERO, look)
    }
}

/// Looks at the time, and returns the time away so far.
fn look(looks: &Mutex<Looks>) -> Duration {
    let mut looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
    let (at, busy) = (Instant::now(), busy().unwrap_or(looks.busy));
    let gap = gap(at - looks.at, busy.saturating_sub(looks.busy));
    looks.away += gap;
    (looks.at, looks.busy) = (at, busy);
    looks.away
}

/// How much of the time since the last look the process did not run. It did not if the look comes much too late, although a
/// thread was due, and the other threads did nothing meanwhile: on a busy machine, they are late but do something.
fn gap(since: Duration, busy: Duration) -> Duration {
    if since >= SHORTEST && busy * 2 < since { since.saturating_sub(LOOK) } else { Duration::ZERO }
}

/// Processor time of the process so far, of all its threads.
#[cfg(unix)]
fn busy() -> Option<Duration> {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).ok().map(Duration::from)
}

#[cfg(not(unix))]
fn busy() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_look_is_a_gap_only_if_nothing_ran_meanwhile() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(gap(seconds(0.1), seconds(0.2)), Duration::ZERO, "two busy threads");
        assert_eq!(gap(seconds(0.9), Duration::ZERO), Duration::ZERO, "too short to tell");
        assert_eq!(gap(seconds(5.0), seconds(0.2)), seconds(4.9), "stopped after a tenth of a second");
        assert_eq!(gap(seconds(5.0), seconds(3.0)), Duration::ZERO, "late, but at work");
    }

    #[test]
    fn looks_add_up() {
        let now = Instant::now();
        let at = now.checked_sub(Duration::from_secs(10)).unwrap();
        let looks = Mutex::new(Looks { at, busy: busy().unwrap_or_default(), away: Duration::from_secs(3) });
        let away = look(&looks);
        assert!(away >= Duration::from_secs(12), "{away:?}");
        assert_eq!(look(&looks), away, "the next look is in time");
    }
}
