//! The worker thread: one job at a time, each answered exactly once, also when it panics.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::{io, thread};

use crossbeam_channel::{Receiver, Sender};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::ops;
use crate::progress::Control;

use crate::worker::SharedData;
use crate::worker::jobs::{self, Context, JobError, Kept};
use crate::worker::reporter::{Outlet, Reporter};
use crate::worker::{Answer, Command, Event, JobId, LogLevel};

/// `backward()` walks the graph recursively, a frame for each operation.
const STACK_BYTES: usize = 64 << 20;

/// How much of the machine the worker takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Give way to other threads, so that a window's frames stay smooth while all cores compute. On Linux
    /// the computing threads get a nice value of 10; elsewhere nothing changes.
    pub background_priority: bool,
}

/// One thread that runs one long operation at a time and answers in events.
///
/// Dropping it stops what is under way ([`Control::abandon`]) and waits for the thread.
pub struct Worker {
    /// `None` only while being dropped: the closed channel ends the thread.
    queue: Option<Sender<Job>>,
    outstanding: Outstanding,
    outlet: Outlet,
    events: Receiver<Event>,
    last_job: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

/// What a job does.
type Work = Box<dyn FnOnce(&mut Context<'_>) -> Result<Answer, JobError> + Send>;

struct Job {
    id: JobId,
    control: Arc<Control>,
    work: Work,
}

/// Jobs sent and not yet answered; the first is the one under way. A final answer is sent, and its job removed,
/// under this lock: nothing is said in a job's name after its final answer.
#[derive(Clone, Default)]
struct Outstanding(Arc<Mutex<Jobs>>);

type Jobs = VecDeque<(JobId, Arc<Control>)>;

impl Outstanding {
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// Starts the thread and its pool of one computing thread a core. `wake` is called after every event, from
    /// the worker's threads; it must not block.
    ///
    /// # Errors
    /// When the system refuses threads.
    pub fn spawn(wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        Self::spawn_with(WorkerOptions::default(), SharedData::default(), wake)
    }

    /// [`Worker::spawn`] with options, and data shared with other workers.
    ///
    /// # Errors
    /// When the system refuses threads.
    pub fn spawn_with(
        options: WorkerOptions,
        data: SharedData,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let pool = computing_pool(options)?;
        let (queue, jobs) = crossbeam_channel::unbounded::<Job>();
        let (sender, events) = crossbeam_channel::unbounded();
        let outlet = Outlet { events: sender, wake: Arc::new(wake) };
        let outstanding = Outstanding::default();
        let thread = thread::Builder::new().name("hone-worker".into()).stack_size(STACK_BYTES).spawn({
            let (outlet, outstanding) = (outlet.clone(), outstanding.clone());
            move || run_jobs(&jobs, &pool, &outlet, &outstanding, data)
        })?;
        Ok(Self { queue: Some(queue), outstanding, outlet, events, last_job: AtomicU64::new(0), thread: Some(thread) })
    }

    /// Queues an operation. Its events carry the id given back.
    pub fn send(&self, command: Command) -> JobId {
        self.submit(Box::new(move |context| jobs::run(command, context)))
    }

    /// Everything the worker says, in order.
    #[must_use]
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Makes a job wait, or go on; one that is queued will wait when its turn comes. Training answers with
    /// [`Answer::Paused`] when it does. A job that is over is left alone.
    pub fn set_paused(&self, job: JobId, paused: bool) {
        for (_, control) in self.outstanding.lock().iter().filter(|(id, _)| *id == job) {
            control.set_paused(paused);
        }
    }

    /// Asks a job to stop, under way or queued, and says so in its log at once. Training keeps its best checkpoint and
    /// still ends with a result; asked again, it drops what would take longer. A job that is over is left alone.
    pub fn cancel(&self, job: JobId) {
        self.stop(|id| id == job);
    }

    /// Asks every job to stop as [`Worker::cancel`] does.
    pub fn cancel_all(&self) {
        self.stop(|_| true);
    }

    fn stop(&self, which: impl Fn(JobId) -> bool) {
        for (place, (job, control)) in self.outstanding.lock().iter().enumerate().filter(|(_, (job, _))| which(*job)) {
            let message = if control.is_cancelled() { "Stopping at once" } else { "Stopping" };
            control.cancel();
            // One that has not begun has nothing to wind up.
            if place == 0 {
                self.outlet.log(*job, LogLevel::Info, message);
            }
        }
    }

    /// Whether a job is under way or queued.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.outstanding.lock().is_empty()
    }

    fn submit(&self, work: Work) -> JobId {
        let id = self.last_job.fetch_add(1, Ordering::Relaxed) + 1;
        let control = Arc::new(Control::default());
        self.outstanding.lock().push_back((id, Arc::clone(&control)));
        let sent = self.queue.as_ref().is_some_and(|queue| queue.send(Job { id, control, work }).is_ok());
        if !sent {
            let message = "The worker thread has ended. Save the project and start Hone again.".to_owned();
            finish(id, Answer::Failed { message }, &mut Reporter::new(id, self.outlet.clone()), &self.outstanding);
        }
        id
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        for (_, control) in self.outstanding.lock().iter() {
            control.abandon();
        }
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic outside a job has no one left to be told to.
            let _ = thread.join();
        }
    }
}

/// A pool of its own, so that its threads' priority and stack are ours to choose. Jobs run inside it.
fn computing_pool(options: WorkerOptions) -> io::Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .thread_name(|index| format!("hone-compute-{index}"))
        .stack_size(STACK_BYTES)
        .start_handler(move |_| {
            if options.background_priority {
                lower_priority();
            }
        })
        .build()
        .map_err(io::Error::other)
}

/// On Linux a nice value belongs to a thread, elsewhere to the whole process, window included.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // Refused at worst: then the window shares the cores as an equal.
    let _ = rustix::process::setpriority_process(None, 10);
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

/// The thread: jobs in order until the queue is closed.
fn run_jobs(queue: &Receiver<Job>, pool: &ThreadPool, outlet: &Outlet, outstanding: &Outstanding, data: SharedData) {
    let mut kept = Kept { data, ..Kept::default() };
    for Job { id, control, work } in queue {
        let mut reporter = Reporter::new(id, outlet.clone());
        let answer = if control.is_cancelled() {
            Answer::Cancelled
        } else {
            let mut context = Context { control: &control, reporter: &mut reporter, kept: &mut kept };
            match catch_unwind(AssertUnwindSafe(|| pool.install(|| work(&mut context)))) {
                Ok(Ok(answer)) => answer,
                Ok(Err(JobError::Cancelled)) => Answer::Cancelled,
                Ok(Err(JobError::Failed(message))) => Answer::Failed { message },
                Err(panic) => {
                    // What a job kept for the next may be half changed. Data is kept whole or not at all.
                    kept = Kept { data: kept.data, ..Kept::default() };
                    Answer::Failed { message: panic_message(panic.as_ref()) }
                }
            }
        };
        // What a job needed for its activations the rest of the machine may have back.
        ops::release_memory();
        finish(id, answer, &mut reporter, outstanding);
    }
}

fn finish(id: JobId, answer: Answer, reporter: &mut Reporter, outstanding: &Outstanding) {
    let mut jobs = outstanding.lock();
    jobs.retain(|(job, _)| *job != id);
    reporter.send(answer);
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let cause = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given");
    format!(
        "Hone met an error of its own and stopped this job: {cause}. Your data and finished runs are untouched. \
         Try again; if it happens again, report this message."
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn worker() -> Worker {
        Worker::spawn(|| ()).unwrap()
    }

    /// Everything a job says, up to its final answer.
    fn answers(worker: &Worker, job: JobId) -> Vec<Answer> {
        let mut answers = Vec::new();
        loop {
            let event = worker.events().recv_timeout(SOON).expect("an answer");
            assert_eq!(event.job, job);
            let last = event.answer.is_final();
            answers.push(event.answer);
            if last {
                return answers;
            }
        }
    }

    fn done() -> Answer {
        Answer::Classified { labels: Vec::new(), probabilities: Vec::new() }
    }

    /// Works until told to stop.
    fn endless(context: &mut Context<'_>) -> Result<Answer, JobError> {
        while !context.control.is_cancelled() {
            thread::sleep(Duration::from_millis(5));
        }
        Err(JobError::Cancelled)
    }

    #[test]
    fn a_panic_is_answered_and_the_next_job_works() {
        let worker = worker();
        let job = worker.submit(Box::new(|_| panic!("row {} has no label", 12)));
        let answers_of_panic = answers(&worker, job);
        let Some(Answer::Failed { message }) = answers_of_panic.last() else { panic!("{answers_of_panic:?}") };
        assert!(message.contains("row 12 has no label") && message.contains("Try again"), "{message}");
        assert_eq!(answers_of_panic.len(), 1);

        let next = worker.submit(Box::new(|_| Ok(done())));
        assert!(next > job);
        assert!(matches!(answers(&worker, next)[..], [Answer::Classified { .. }]));
        assert!(!worker.is_busy());
    }

    #[test]
    fn a_panic_on_another_thread_of_the_pool_is_answered_too() {
        let worker = worker();
        let job = worker.submit(Box::new(|_| {
            rayon::join(|| (), || panic!("in a kernel"));
            Ok(done())
        }));
        assert!(matches!(&answers(&worker, job)[..], [Answer::Failed { message }] if message.contains("in a kernel")));
    }

    #[test]
    fn jobs_run_in_the_pool_with_a_large_stack() {
        fn deep(levels: usize) -> usize {
            let frame = std::hint::black_box([levels; 512]);
            if levels == 0 { 0 } else { 1 + deep(levels - 1) + frame[0] - levels }
        }
        let worker = worker();
        let job = worker.submit(Box::new(|_| {
            assert!(thread::current().name().is_some_and(|name| name.starts_with("hone-compute-")));
            assert_eq!(deep(5_000), 5_000);
            Ok(done())
        }));
        assert!(matches!(answers(&worker, job)[..], [Answer::Classified { .. }]));
    }

    #[test]
    fn cancel_is_acknowledged_at_once_and_stops_only_the_job_under_way() {
        let worker = worker();
        let first = worker.submit(Box::new(endless));
        let second = worker.submit(Box::new(|_| Ok(done())));
        let asked = Instant::now();
        worker.cancel(first);
        assert!(
            matches!(&answers(&worker, first)[..], [Answer::Log(line), Answer::Cancelled] if line.message == "Stopping")
        );
        assert!(asked.elapsed() < Duration::from_secs(1));
        assert!(matches!(answers(&worker, second)[..], [Answer::Classified { .. }]));
    }

    #[test]
    fn cancel_all_drops_the_queue_and_answers_each_job_once() {
        let worker = worker();
        let jobs: Vec<_> = (0..3).map(|_| worker.submit(Box::new(endless))).collect();
        worker.cancel_all();
        for job in jobs {
            let answers = answers(&worker, job);
            assert!(matches!(answers.last(), Some(Answer::Cancelled)));
        }
        assert!(!worker.is_busy() && worker.events().is_empty());
    }

    #[test]
    fn dropping_the_worker_abandons_what_is_under_way() {
        let worker = worker();
        worker.submit(Box::new(|context: &mut Context<'_>| {
            while !context.control.is_abandoned() {
                thread::sleep(Duration::from_millis(5));
            }
            Err(JobError::Cancelled)
        }));
        let begun = Instant::now();
        drop(worker);
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn every_event_wakes_and_a_pause_reaches_the_job() {
        let woken = Arc::new(AtomicU64::new(0));
        let worker = Worker::spawn_with(WorkerOptions { background_priority: true }, SharedData::default(), {
            let woken = Arc::clone(&woken);
            move || {
                woken.fetch_add(1, Ordering::Relaxed);
            }
        })
        .unwrap();
        let job = worker.submit(Box::new(|context: &mut Context<'_>| {
            while !context.control.is_paused() {
                thread::sleep(Duration::from_millis(5));
            }
            context.reporter.send(Answer::Paused(true));
            context.control.wait_while_paused();
            context.reporter.send(Answer::Paused(false));
            Ok(done())
        }));
        worker.set_paused(job, true);
        assert!(matches!(worker.events().recv_timeout(SOON).unwrap().answer, Answer::Paused(true)));
        worker.set_paused(job, false);
        assert_eq!(answers(&worker, job).len(), 2);
        drop(worker); // the last wake-up follows the last event
        assert_eq!(woken.load(Ordering::Relaxed), 3);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn background_priority_is_of_the_computing_threads_only() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let pool = computing_pool(WorkerOptions { background_priority: true }).unwrap();
        assert_eq!(pool.install(nice), before.max(10));
        assert_eq!(nice(), before);
    }
}
