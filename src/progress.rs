//! Progress, pausing and stopping of long work, for all rooms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::words;

/// How far a piece of work has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What is being done, for example "Reading rows".
    pub stage: String,
    /// Units done.
    pub done: u64,
    /// Units in all; `None` while unknown.
    pub total: Option<u64>,
    /// What is counted, for example "rows" or "bytes".
    pub unit: &'static str,
    /// Seconds left, once they can be estimated.
    pub eta_seconds: Option<f64>,
}

impl Progress {
    /// A stage that counts what is done, out of a known total.
    #[must_use]
    pub fn of(stage: &str, done: usize, total: usize, unit: &'static str) -> Self {
        Self { stage: stage.to_owned(), done: done as u64, total: Some(total as u64), unit, eta_seconds: None }
    }

    /// A stage that counts nothing.
    #[must_use]
    pub fn stage(stage: &str) -> Self {
        Self { stage: stage.to_owned(), ..Self::default() }
    }

    /// Share done, 0..=1, if the total is known.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a share for a progress bar")]
    pub fn fraction(&self) -> Option<f32> {
        let total = self.total.filter(|&total| total > 0)?;
        Some((self.done as f32 / total as f32).clamp(0.0, 1.0))
    }

    /// How much is done, in words: `1,200 of 14,640 rows`, `43.0 MiB of 86.7 MiB`.
    #[must_use]
    pub fn amount(&self) -> String {
        let size = |units: u64| if self.unit == "bytes" { words::bytes(units) } else { words::count(units) };
        let of_total = self.total.map(|total| format!(" of {}", size(total))).unwrap_or_default();
        let unit = if self.unit == "bytes" { "" } else { self.unit };
        format!("{}{of_total} {unit}", size(self.done)).trim_end().to_owned()
    }

    /// The time left, in words: `41 s left`.
    #[must_use]
    pub fn time_left(&self) -> Option<String> {
        self.eta_seconds.filter(|left| left.is_finite()).map(|left| format!("{} left", words::duration(left)))
    }
}

/// The work was asked to stop. Each room's error type has this case, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

/// Stop and pause switches of one job, shared between the worker and its owner.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    abandoned: AtomicBool,
    paused: AtomicBool,
    requested: AtomicBool,
    handed_over: AtomicBool,
}

impl Control {
    /// Asks the job to stop at its next check. Some jobs save their result so far before they end (training keeps its
    /// best checkpoint); a second call asks them to skip whatever takes time.
    pub fn cancel(&self) {
        if self.cancelled.swap(true, Ordering::AcqRel) {
            self.abandoned.store(true, Ordering::Release);
        }
    }

    /// Asks the job to stop and to skip whatever takes time: the same as two calls of [`Control::cancel`].
    pub fn abandon(&self) {
        self.cancel();
        self.cancel();
    }

    /// Asks the job to pause, or to continue.
    pub fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    /// Asks the job to stop for somebody else than its owner, such as another process. However often it is called, what takes time is
    /// not skipped: the first [`Control::cancel`] of the owner means the same.
    pub fn request_stop(&self) {
        self.requested.store(true, Ordering::Release);
    }

    /// Asks a run or study to end with a checkpoint from which another process goes on. A paused one continues for that. Other jobs
    /// do not look at it.
    pub fn hand_over(&self) {
        self.handed_over.store(true, Ordering::Release);
        self.set_paused(false);
    }

    /// Whether another process is to go on.
    #[must_use]
    pub fn is_handed_over(&self) -> bool {
        self.handed_over.load(Ordering::Acquire)
    }

    /// Whether the job should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire) || self.requested.load(Ordering::Acquire)
    }

    /// For long loops: ends the work with `?` once the job should stop.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn look(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// [`Self::look`] for work whose result is kept: only a second stop ends it.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn look_for_second_stop(&self) -> Result<(), Cancelled> {
        if self.is_abandoned() { Err(Cancelled) } else { Ok(()) }
    }

    /// Whether the job was asked a second time to stop.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Whether the job should pause.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// Waits while paused; returns early if cancelled. Checks every 50 ms.
    pub fn wait_while_paused(&self) {
        while self.is_paused() && !self.is_cancelled() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Lets a long function report progress and know when to stop.
pub struct Watch<'a> {
    /// Stop and pause switches.
    pub control: &'a Control,
    /// Receives every report; the worker passes only some of them on.
    pub report: &'a mut dyn FnMut(Progress),
}

impl Watch<'_> {
    /// Reports progress.
    pub fn progress(&mut self, progress: Progress) {
        (self.report)(progress);
    }

    /// [`Control::look`].
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn look(&self) -> Result<(), Cancelled> {
        self.control.look()
    }

    /// [`Self::look`], and reports how much of a known total is done.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn advance(&mut self, stage: &str, done: usize, total: usize, unit: &'static str) -> Result<(), Cancelled> {
        self.look()?;
        self.progress(Progress::of(stage, done, total, unit));
        Ok(())
    }

    /// [`Self::look`], and reports a stage that counts nothing.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn begin(&mut self, stage: &str) -> Result<(), Cancelled> {
        self.look()?;
        self.progress(Progress::stage(stage));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_in_words() {
        let bytes = Progress { done: 45_000_000, total: Some(90_868_376), unit: "bytes", ..Progress::default() };
        assert_eq!((bytes.amount().as_str(), bytes.time_left()), ("42.9 MiB of 86.7 MiB", None));
        let rows = Progress { done: 12_000, unit: "rows", eta_seconds: Some(61.0), ..Progress::default() };
        assert_eq!((rows.amount().as_str(), rows.time_left().as_deref()), ("12,000 rows", Some("1 min 01 s left")));
        let parts = Progress { done: 1, total: Some(4), eta_seconds: Some(f64::NAN), ..Progress::default() };
        assert_eq!((parts.amount().as_str(), parts.time_left()), ("1 of 4", None));
    }

    #[test]
    fn stopped_work_reports_nothing_more() {
        let (control, mut told) = (Control::default(), Vec::new());
        let mut report = |progress| told.push(progress);
        let mut watch = Watch { control: &control, report: &mut report };
        assert_eq!(watch.advance("Reading rows", 1, 2, "rows"), Ok(()));
        assert_eq!(watch.begin("Splitting"), Ok(()));
        control.cancel();
        assert_eq!(watch.advance("Splitting", 1, 2, "rows"), Err(Cancelled));
        assert_eq!((watch.begin("Cleaning"), watch.look()), (Err(Cancelled), Err(Cancelled)));
        assert_eq!(control.look_for_second_stop(), Ok(()));
        control.cancel();
        assert_eq!(control.look_for_second_stop(), Err(Cancelled));
        assert_eq!(told, [Progress::of("Reading rows", 1, 2, "rows"), Progress::stage("Splitting")]);
    }
}
