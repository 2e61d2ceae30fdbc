//! Memory and disk space: whether a run has enough before it begins, and waiting for space when a disk is full.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::models::ModelError;
use crate::project::Recompute;
use crate::storage::StorageError;
use crate::training::TrainError;
use crate::training::event::{Stopwatch, TrainingEvent, Voice};
use crate::training::footprint::{Footprint, available_memory};
use crate::training::memory::resident;
use crate::words::bytes;

/// The estimate of memory is on the safe side: runs took at least this share of it.
const LEAST_SHARE: f64 = 0.7;
/// Time between two checks of a full disk.
const LOOK: Duration = Duration::from_millis(250);
/// How long a run waits for space on a disk.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Room to wait for on a full disk before a small file is written, in bytes.
pub(super) const SMALL_FILE: u64 = 64 << 10;

/// Memory when the run began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Free memory and what the process used, in bytes; 0 if unknown.
    memory: u64,
    /// What the process used of it.
    used: u64,
}

impl Room {
    pub fn now() -> Self {
        Self { memory: available_memory(), used: resident() }
    }

    /// Fails if loading the network already takes more memory than there is.
    pub fn check_loading(&self, footprint: &Footprint) -> Result<(), TrainError> {
        self.check_memory(self.used + footprint.loading())
    }

    /// The run's footprint, recomputing activations if that is set, or if its longest pass of `tokens` needs it.
    pub fn recomputing(&self, footprint: Footprint, setting: Recompute, tokens: usize) -> Footprint {
        footprint.recomputing(setting, tokens, self.used, self.memory)
    }

    /// Fails if a run whose longest pass has this many tokens surely takes more memory than there is.
    pub fn check_training(&self, footprint: &Footprint, tokens: usize) -> Result<(), TrainError> {
        self.check_memory((footprint.peak_of(self.used, tokens) as f64 * LEAST_SHARE) as u64)
    }

    fn check_memory(&self, needed: u64) -> Result<(), TrainError> {
        match memory_problem(needed, self.memory) {
            Some(problem) => Err(TrainError::NoRoom(problem)),
            None => Ok(()),
        }
    }
}

/// Fails if the disk of a folder has less space than a run needs.
pub(super) fn check_disk(folder: &Path, needed: u64) -> Result<(), TrainError> {
    match free_space(folder).and_then(|free| disk_problem(needed, free)) {
        Some(problem) => Err(TrainError::NoRoom(problem)),
        None => Ok(()),
    }
}

/// Free space on the disk of a folder, in bytes; `None` if unknown.
pub(super) fn free_space(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}

/// What is wrong with the memory, and what to do; 0 bytes are an unknown amount.
pub(super) fn memory_problem(needed: u64, available: u64) -> Option<String> {
    (available > 0 && needed > available).then(|| {
        format!(
            "Not enough memory: the run needs {}, and {} is free. Lower the batch size or max length, choose a smaller \
             model, or close other programs. In a container, raise its limit.",
            bytes(needed),
            bytes(available)
        )
    })
}

/// What is wrong with the disk space, and what to do.
pub(super) fn disk_problem(needed: u64, free: u64) -> Option<String> {
    (needed > free).then(|| {
        format!(
            "Not enough disk space: the run needs up to {} in the project's folder, and {} is free. Free some space, or \
             move the project to another disk.",
            bytes(needed),
            bytes(free)
        )
    })
}

/// Writes something to `folder`. If the disk is full, or the folder was moved away, the run pauses until there is room for
/// `needed` bytes, or the folder is back, and writes again: the weights are not lost.
///
/// # Errors
/// The error of `write`: another one, or one of these if the run is stopped, or nobody mends it within an hour.
pub(super) fn with_room<T>(
    voice: &mut Voice<'_>,
    folder: &Path,
    needed: u64,
    mut write: impl FnMut() -> Result<T, TrainError>,
) -> Result<T, TrainError> {
    let (begun, stopwatch) = (Instant::now(), Stopwatch::start(voice));
    let mut has_told = false;
    loop {
        let error = match write() {
            Err(error) if is_gone(&error) || is_full_disk(&error) => error,
            other => break ended(voice, has_told, &stopwatch, other),
        };
        let is_gone = is_gone(&error);
        if !has_told {
            has_told = true;
            let until = if is_gone { "it is back".to_owned() } else { format!("{} is free", bytes(needed)) };
            voice.warn(format!("{error} Training waits until {until}. Nothing is lost so far."));
            voice.say(TrainingEvent::Paused(true));
        }
        loop {
            voice.hear();
            if voice.control.is_cancelled() || begun.elapsed() > LONGEST_WAIT {
                return ended(voice, has_told, &stopwatch, Err(error));
            }
            std::thread::sleep(LOOK);
            let is_mended =
                if is_gone { folder.is_dir() } else { free_space(folder).is_none_or(|free| free >= needed) };
            if is_mended {
                break;
            }
        }
    }
}

/// Ends the pause, which does not count as training time.
fn ended<T>(voice: &mut Voice<'_>, has_waited: bool, stopwatch: &Stopwatch, result: T) -> T {
    if has_waited {
        voice.waited += stopwatch.elapsed(voice);
        voice.say(TrainingEvent::Paused(false));
    }
    result
}

fn is_gone(error: &TrainError) -> bool {
    matches!(error, TrainError::Storage(StorageError::Gone(_)))
}

fn is_full_disk(error: &TrainError) -> bool {
    let (TrainError::Model(ModelError::Io { source, .. }) | TrainError::Storage(StorageError::Io { source, .. })) =
        error
    else {
        return false;
    };
    matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Control;

    fn full() -> TrainError {
        StorageError::Io { action: "write", path: "best".into(), source: ErrorKind::StorageFull.into() }.into()
    }

    #[test]
    fn a_full_disk_pauses_the_run_until_there_is_room() {
        let (control, folder) = (Control::default(), tempfile::tempdir().unwrap());
        let mut told = Vec::new();
        let mut on_event = |event| match event {
            TrainingEvent::Paused(paused) => told.push(paused.to_string()),
            TrainingEvent::Warning(warning) => told.push(warning),
            _ => {}
        };
        let mut voice = Voice::new(&control, &mut on_event);
        let mut tries = 0;
        let written = with_room(&mut voice, folder.path(), 1_000, || {
            tries += 1;
            if tries < 3 { Err(full()) } else { Ok(tries) }
        });
        assert_eq!(written.unwrap(), 3);
        assert!(voice.waited >= 2 * LOOK);
        assert!(told[0].contains("the disk is full") && told[0].contains("Training waits"), "{told:?}");
        assert_eq!(told[1..], ["true", "false"]);
    }

    #[test]
    fn a_stop_ends_the_wait_with_the_error() {
        let (control, folder) = (Control::default(), tempfile::tempdir().unwrap());
        control.cancel();
        let mut on_event = |_| ();
        let mut voice = Voice::new(&control, &mut on_event);
        let error = with_room(&mut voice, folder.path(), 1, || Err::<(), _>(full())).unwrap_err();
        assert!(is_full_disk(&error));
        let other = || Err::<(), _>(TrainError::NotReady("x".to_owned()));
        assert!(matches!(with_room(&mut voice, folder.path(), 1, other), Err(TrainError::NotReady(_))));
    }

    #[test]
    fn too_little_memory_or_disk_space_is_said_with_what_to_do() {
        assert_eq!(memory_problem(5, 0), None, "unknown");
        assert_eq!((memory_problem(5, 5), disk_problem(5, 5)), (None, None));
        assert!(
            memory_problem(5 << 20, 4 << 20).unwrap().contains("needs 5.0 MiB, and 4.0 MiB is free. Lower the batch")
        );
        assert!(disk_problem(182 << 20, 21 << 20).unwrap().contains("up to 182 MiB in the project's folder, and 21"));
        let folder = tempfile::tempdir().unwrap();
        check_disk(folder.path(), 1).unwrap();
        assert!(matches!(check_disk(folder.path(), u64::MAX), Err(TrainError::NoRoom(_))));
    }
}
