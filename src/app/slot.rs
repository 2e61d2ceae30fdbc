//! A slot for one answer of a worker: the answer, and the state of the newest request.

use crate::progress::Progress;
use crate::worker::{Job, JobError, Pending, Said, Worker};

/// A slot for the answer to a request that can be repeated; only the newest one counts.
///
/// `K` is what the request is about, if it can be about different things.
#[derive(Debug)]
pub struct Slot<T, K = ()> {
    /// What the newest request is about.
    pub of: Option<K>,
    /// The newest answer. It stays while the request is repeated, and if that fails or is stopped.
    pub value: Option<T>,
    /// The job of the newest request.
    pub running: Option<Running>,
    /// Why the newest request failed.
    pub failed: Option<String>,
    /// Whether the person stopped the job of the newest request.
    pub stopped: bool,
    pub(in crate::app) pending: Option<Pending<T>>,
}

/// A running job, for the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    /// What it does, for example "Exporting".
    pub title: &'static str,
    /// Its progress.
    pub progress: Progress,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The answer is in the slot.
    Answered,
    /// It failed; the slot has the reason too.
    Failed {
        /// What failed, for example "Exporting failed".
        title: String,
        /// What happened, why, and what to do next.
        message: String,
    },
    /// The person stopped it.
    Stopped,
}

impl<T, K> Default for Slot<T, K> {
    fn default() -> Self {
        Self { of: None, value: None, running: None, failed: None, stopped: false, pending: None }
    }
}

impl<T: Send + 'static> Slot<T> {
    /// Makes or repeats the request. The job of an older request is abandoned.
    pub fn ask(&mut self, worker: &Worker, job: impl Job<Answer = T>) {
        self.begin(worker, job);
    }
}

impl<T: Send + 'static, K: PartialEq> Slot<T, K> {
    /// Makes a request about something. The job of an older request is abandoned; an older answer stays if it is about
    /// the same.
    pub fn ask_about(&mut self, of: K, worker: &Worker, job: impl Job<Answer = T>) {
        if self.of.as_ref() != Some(&of) {
            self.value = None;
        }
        self.of = Some(of);
        self.begin(worker, job);
    }

    /// The slot, if its newest request is about this.
    #[must_use]
    pub fn about(&self, of: &K) -> Option<&Self> {
        (self.of.as_ref() == Some(of)).then_some(self)
    }
}

impl<T, K> Slot<T, K> {
    fn begin<J: Job<Answer = T>>(&mut self, worker: &Worker, job: J) {
        self.running = Some(Running { title: J::TITLE, progress: Progress::default() });
        (self.failed, self.stopped) = (None, false);
        self.pending = Some(worker.submit(job));
    }

    /// Whether a job is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Asks the job to stop; the slot shows it once the job has stopped.
    pub fn stop(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.cancel();
        }
    }

    /// Asks the job to end so that another process goes on; the slot shows it once the job has ended.
    pub fn hand_over(&self) {
        if let Some(pending) = &self.pending {
            pending.hand_over();
        }
    }

    /// Abandons the job, and keeps an older answer.
    pub fn abandon(&mut self) {
        (self.running, self.pending) = (None, None);
    }

    /// Forgets the request and the answer, and abandons the job.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Handles the job's messages and its answer. Returns once how the job ended.
    pub fn poll(&mut self) -> Option<Ended> {
        let (pending, running) = (self.pending.as_mut()?, self.running.get_or_insert_default());
        let answer = pending.answer();
        for said in pending.said() {
            if let Said::Progress(progress) = said {
                running.progress = progress;
            }
        }
        let answer = answer?;
        let title = running.title;
        self.abandon();
        Some(match answer {
            Ok(value) => {
                self.value = Some(value);
                Ended::Answered
            }
            Err(JobError::Cancelled) => {
                self.stopped = true;
                Ended::Stopped
            }
            Err(JobError::Failed(message)) => {
                self.failed = Some(message.clone());
                Ended::Failed { title: format!("{title} failed"), message }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::worker::Context;

    /// Answers with a text, or fails with it, once the channel gets a message.
    struct Say(Result<&'static str, &'static str>, crossbeam_channel::Receiver<()>);

    impl Job for Say {
        type Answer = &'static str;
        const TITLE: &'static str = "Saying";

        fn run(self, _: &mut Context<'_>) -> Result<&'static str, JobError> {
            let _ = self.1.recv();
            self.0.map_err(|why| JobError::Failed(why.to_owned()))
        }
    }

    /// A job that answers at once.
    fn say(answer: Result<&'static str, &'static str>) -> Say {
        Say(answer, crossbeam_channel::bounded(0).1)
    }

    fn end<K>(slot: &mut Slot<&'static str, K>) -> Ended {
        let begun = Instant::now();
        loop {
            if let Some(ended) = slot.poll() {
                return ended;
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "no answer");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn worker() -> Worker {
        Worker::spawn(|| ()).unwrap()
    }

    #[test]
    fn only_the_newest_request_is_answered() {
        let (worker, mut slot) = (worker(), Slot::default());
        let (go, gate) = crossbeam_channel::bounded(1);
        slot.ask(&worker, Say(Ok("old"), gate));
        slot.ask(&worker, say(Ok("new")));
        go.send(()).unwrap();
        assert_eq!(slot.running, Some(Running { title: "Saying", progress: Progress::default() }));
        assert_eq!(end(&mut slot), Ended::Answered);
        assert_eq!((slot.value, slot.is_running(), slot.poll()), (Some("new"), false, None));
    }

    #[test]
    fn a_failure_keeps_the_last_answer_and_asking_again_clears_it() {
        let (worker, mut slot) = (worker(), Slot::default());
        slot.ask(&worker, say(Ok("first")));
        end(&mut slot);
        slot.ask(&worker, say(Err("no memory left")));
        let failed = Ended::Failed { title: "Saying failed".into(), message: "no memory left".into() };
        assert_eq!(end(&mut slot), failed);
        assert_eq!((slot.value, slot.failed.as_deref()), (Some("first"), Some("no memory left")));
        slot.ask(&worker, say(Ok("second")));
        assert_eq!((slot.value, slot.failed.as_deref()), (Some("first"), None), "while it is asked again");
        end(&mut slot);
        assert_eq!(slot.value, Some("second"));
    }

    #[test]
    fn a_stopped_job_is_reported_and_can_be_repeated() {
        let (worker, mut slot) = (worker(), Slot::default());
        let (go, gate) = crossbeam_channel::bounded::<()>(0);
        let mut first = worker.submit(Say(Ok("busy"), gate));
        slot.ask(&worker, say(Ok("queued")));
        slot.stop();
        assert_eq!(end(&mut slot), Ended::Stopped, "at once, though another job is under way");
        assert!(slot.stopped && !slot.is_running() && slot.value.is_none() && slot.failed.is_none());
        slot.ask(&worker, say(Ok("again")));
        assert!(!slot.stopped && slot.is_running());
        drop(go);
        assert_eq!(first.wait(Duration::from_secs(5)), Some(Ok("busy")));
        assert_eq!(end(&mut slot), Ended::Answered);
    }

    #[test]
    fn an_answer_about_something_else_is_forgotten() {
        let (worker, mut slot) = (worker(), Slot::<_, u8>::default());
        slot.ask_about(1, &worker, say(Ok("of one")));
        end(&mut slot);
        slot.ask_about(1, &worker, say(Err("not this time")));
        end(&mut slot);
        assert_eq!(slot.about(&1).and_then(|slot| slot.value), Some("of one"));
        slot.ask_about(2, &worker, say(Err("not of two")));
        assert!(slot.value.is_none() && slot.about(&1).is_none());
        end(&mut slot);
        assert_eq!(slot.about(&2).and_then(|slot| slot.failed.as_deref()), Some("not of two"));
    }
}
