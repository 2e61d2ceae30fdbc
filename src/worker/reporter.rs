//! Reports a job's progress, but not too often.

use std::time::{Duration, Instant};

use crate::progress::Progress;
use crate::worker::pending::{Said, Ticket};

/// At most 20 reports a second: enough for the eye, and few enough not to pile up while the window is hidden.
pub(super) const INTERVAL: Duration = Duration::from_millis(50);

/// Decides when the next report is due.
#[derive(Default)]
pub(super) struct Throttle(Option<Instant>);

impl Throttle {
    pub fn is_due(&self) -> bool {
        self.0.is_none_or(|last| last.elapsed() >= INTERVAL)
    }

    pub fn restart(&mut self) {
        self.0 = Some(Instant::now());
    }
}

/// Reports a job's progress.
pub(super) struct Reporter<'a> {
    ticket: &'a Ticket,
    stage: String,
    throttle: Throttle,
}

impl<'a> Reporter<'a> {
    pub fn new(ticket: &'a Ticket) -> Self {
        Self { ticket, stage: String::new(), throttle: Throttle::default() }
    }

    /// Reports progress, unless the same stage was reported a moment ago. A new stage and the end of a stage are always
    /// reported.
    pub fn progress(&mut self, progress: Progress) {
        let complete = progress.total == Some(progress.done);
        let new_stage = self.stage != progress.stage;
        if !(self.throttle.is_due() || new_stage || complete) {
            return;
        }
        if new_stage {
            self.stage.clone_from(&progress.stage);
        }
        self.throttle.restart();
        self.ticket.say(Said::Progress(progress));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn progress_is_thinned_but_the_end_of_a_stage_and_new_stages_arrive() {
        let (ticket, said) = Ticket::new(Arc::new(|| ()));
        let mut reporter = Reporter::new(&ticket);
        for done in 0..=1000 {
            reporter.progress(Progress { stage: "Reading".into(), done, total: Some(1000), ..Progress::default() });
        }
        reporter.progress(Progress { stage: "Cleaning".into(), ..Progress::default() });
        let said: Vec<_> = said.try_iter().map(|said| format!("{said:?}")).collect();
        assert!((3..10).contains(&said.len()), "{} reports", said.len());
        let last_two = &said[said.len() - 2..];
        assert!(last_two[0].contains("done: 1000") && last_two[1].contains("Cleaning"), "{last_two:?}");
    }
}
