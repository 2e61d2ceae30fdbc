//! The worker thread and its thread pool, which survive panics of jobs.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::{io, thread};

use crossbeam_channel::Sender;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::fetch::FetchSettings;
use crate::ops;
use crate::worker::cache::Cache;
use crate::worker::pending::{Ticket, Wake};
use crate::worker::{Context, Job, JobError, Pending, SharedData};

/// Stack size: `backward()` is recursive, with a stack frame for each operation.
const STACK_BYTES: usize = 64 << 20;

/// The environment variable of a process that works in the background: [`WorkerOptions::background_priority`].
pub const BACKGROUND: &str = "HONE_BACKGROUND";

/// Options of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Gives way to other threads, so that the window stays responsive while all cores compute. On Linux
    /// the computing threads get a nice value of 10; elsewhere nothing changes.
    pub background_priority: bool,
    /// Where models are looked for, downloaded from and kept; `None`: where the environment says.
    pub models: Option<FetchSettings>,
}

/// One thread that runs one job at a time, in order.
///
/// Dropping it abandons its jobs ([`crate::progress::Control::abandon`]) and waits for the thread.
pub struct Worker {
    /// `None` only while it is dropped: closing the channel ends the thread.
    queue: Option<Sender<Work>>,
    outstanding: Outstanding,
    wake: Wake,
    thread: Option<JoinHandle<()>>,
}

/// A job, with the channel to its owner.
type Work = Box<dyn FnOnce(&mut Shop) + Send>;

/// The state of the worker thread.
struct Shop {
    pool: ThreadPool,
    cache: Cache,
    outstanding: Outstanding,
}

/// Jobs submitted and not yet answered.
#[derive(Clone, Default)]
struct Outstanding(Arc<Mutex<Vec<Arc<Ticket>>>>);

impl Outstanding {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Ticket>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, ticket: &Arc<Ticket>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, ticket));
    }
}

impl Worker {
    /// Starts the thread and its pool with one computing thread per core. `wake` is called after every message of a
    /// job, on a thread of the worker; it must not block.
    ///
    /// # Errors
    /// If the operating system cannot start the threads.
    pub fn spawn(wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        Self::spawn_with(WorkerOptions::default(), SharedData::default(), wake)
    }

    /// As [`Worker::spawn`], with options, and with data shared with other workers.
    ///
    /// # Errors
    /// If the operating system cannot start the threads.
    pub fn spawn_with(
        options: WorkerOptions,
        data: SharedData,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let pool = computing_pool(options.background_priority)?;
        let (queue, jobs) = crossbeam_channel::unbounded::<Work>();
        let outstanding = Outstanding::default();
        let cache = Cache { data, models: options.models, ..Cache::default() };
        let mut shop = Shop { pool, cache, outstanding: outstanding.clone() };
        let thread = thread::Builder::new()
            .name("hone-worker".into())
            .stack_size(STACK_BYTES)
            .spawn(move || jobs.iter().for_each(|work| work(&mut shop)))?;
        Ok(Self { queue: Some(queue), outstanding, wake: Arc::new(wake), thread: Some(thread) })
    }

    /// Queues a job.
    pub fn submit<J: Job>(&self, job: J) -> Pending<J::Answer> {
        let (ticket, said) = Ticket::new(Arc::clone(&self.wake));
        let (answer, answers) = crossbeam_channel::bounded(1);
        let pending = Pending::new(Arc::clone(&ticket), said, answers);
        self.outstanding.lock().push(Arc::clone(&ticket));
        let work: Work = Box::new(move |shop| {
            let result = ticket.claim().then(|| shop.run(job, &ticket));
            shop.outstanding.remove(&ticket);
            // A withdrawn job has been answered already. It is not an error if the owner is gone.
            if result.is_some_and(|result| answer.send(result).is_ok()) {
                ticket.wake();
            }
        });
        if let Some(queue) = &self.queue {
            // If the thread has ended, the work is dropped with its channel, which counts as a failure.
            let _ = queue.send(work);
        }
        pending
    }
}

impl Worker {
    /// Forgets, after the jobs queued so far, what this worker keeps for the next jobs, but not the data that it shares with
    /// others, and gives free memory back to the system.
    pub fn forget(&self) {
        let work: Work = Box::new(|shop| {
            let Cache { data, models, .. } = std::mem::take(&mut shop.cache);
            shop.cache = Cache { data, models, ..Cache::default() };
            ops::trim_memory();
        });
        if let Some(queue) = &self.queue {
            // A thread that has ended keeps nothing.
            let _ = queue.send(work);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        for ticket in self.outstanding.lock().iter() {
            ticket.control.abandon();
        }
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic outside a job cannot be reported to anyone.
            let _ = thread.join();
        }
    }
}

impl Shop {
    fn run<J: Job>(&mut self, job: J, ticket: &Ticket) -> Result<J::Answer, JobError> {
        ticket.control.look()?;
        let (pool, mut context) = (&self.pool, Context::new(ticket, &mut self.cache));
        let result = catch_unwind(AssertUnwindSafe(|| pool.install(|| job.run(&mut context))));
        // Returns the memory of a job's activations to the operating system.
        ops::release_memory();
        result.unwrap_or_else(|panic| {
            // After a panic the cache may be inconsistent. Only the data is safe: entries never change.
            self.cache = Cache { data: self.cache.data.clone(), ..Cache::default() };
            Err(JobError::Failed(panic_message(J::TITLE, panic.as_ref())))
        })
    }
}

fn panic_message(title: &str, panic: &(dyn Any + Send)) -> String {
    let cause = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given");
    format!(
        "{title} stopped because of a bug in Hone: {cause}. Your data and finished runs are safe. Please try again, and \
         report it from Help if it happens again."
    )
}

/// The thread pool in which jobs run. It is separate from rayon's global one to set the priority and stack of its
/// threads.
fn computing_pool(background_priority: bool) -> io::Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .thread_name(|index| format!("hone-compute-{index}"))
        .stack_size(STACK_BYTES)
        .start_handler(move |_| {
            if background_priority {
                lower_priority();
            }
        })
        .build()
        .map_err(io::Error::other)
}

/// On Linux a nice value applies to a thread, elsewhere to the whole process, including the window.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // If it fails, the window just shares the cores with equal priority.
    let _ = rustix::process::setpriority_process(None, 10);
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::worker::{LogLine, Said};

    const SOON: Duration = Duration::from_mins(1);

    /// A job that does what a test wants.
    struct Do<F>(F);

    impl<A, F> Job for Do<F>
    where
        A: Send + 'static,
        F: FnOnce(&mut Context<'_>) -> Result<A, JobError> + Send + 'static,
    {
        type Answer = A;
        const TITLE: &'static str = "Testing";

        fn run(self, context: &mut Context<'_>) -> Result<A, JobError> {
            (self.0)(context)
        }
    }

    fn job<A, F: FnOnce(&mut Context<'_>) -> Result<A, JobError>>(work: F) -> Do<F> {
        Do(work)
    }

    /// Works until told to stop.
    fn endless(context: &mut Context<'_>) -> Result<(), JobError> {
        while !context.control.is_cancelled() {
            thread::sleep(Duration::from_millis(5));
        }
        Err(JobError::Cancelled)
    }

    fn worker() -> Worker {
        Worker::spawn(|| ()).unwrap()
    }

    /// Waits until the job has begun.
    fn begin<T>(pending: &Pending<T>) {
        let begun = Instant::now();
        while pending.said().next().is_none() {
            assert!(begun.elapsed() < SOON, "it never began");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_panic_is_answered_once_and_the_next_job_works() {
        let worker = worker();
        let mut pending = worker.submit(job::<(), _>(|_| panic!("row {} has no label", 12)));
        let Some(Err(JobError::Failed(message))) = pending.wait(SOON) else { panic!("a panic is a failure") };
        assert_eq!(
            message,
            "Testing stopped because of a bug in Hone: row 12 has no label. Your data and finished runs are safe. Please \
             try again, and report it from Help if it happens again."
        );
        assert_eq!(pending.wait(Duration::from_millis(10)), None, "it is answered once");
        assert_eq!(worker.submit(job(|_| Ok(7))).wait(SOON), Some(Ok(7)));
        assert!(worker.outstanding.lock().is_empty());
    }

    #[test]
    fn a_panic_on_another_thread_of_the_pool_is_answered_too() {
        let panics = job(|_| {
            rayon::join(|| (), || panic!("in a kernel"));
            Ok(())
        });
        let answer = worker().submit(panics).wait(SOON);
        assert!(
            matches!(&answer, Some(Err(JobError::Failed(message))) if message.contains("in a kernel")),
            "{answer:?}"
        );
    }

    #[test]
    fn jobs_run_in_the_pool_with_a_large_stack() {
        fn deep(levels: usize) -> usize {
            let frame = std::hint::black_box([levels; 512]);
            if levels == 0 { 0 } else { 1 + deep(levels - 1) + frame[0] - levels }
        }
        let worker = worker();
        let mut pending = worker.submit(job(|_| {
            assert!(thread::current().name().is_some_and(|name| name.starts_with("hone-compute-")));
            Ok(deep(5_000))
        }));
        assert_eq!(pending.wait(SOON), Some(Ok(5_000)));
    }

    #[test]
    fn cancel_is_acknowledged_at_once_and_stops_only_that_job() {
        let worker = worker();
        let mut first = worker.submit(job(|context| {
            context.log(crate::worker::LogLevel::Info, "Begun");
            endless(context)
        }));
        let mut second = worker.submit(job(|_| Ok(2)));
        begin(&first);
        let asked = Instant::now();
        first.cancel();
        assert_eq!(first.said().collect::<Vec<_>>(), [Said::Log(LogLine::info("Stopping"))]);
        assert_eq!(first.wait(SOON), Some(Err(JobError::Cancelled)));
        assert!(asked.elapsed() < Duration::from_secs(1));
        assert_eq!(second.wait(SOON), Some(Ok(2)));
    }

    #[test]
    fn a_queued_job_is_cancelled_at_once_and_never_begins() {
        let worker = worker();
        let mut first = worker.submit(job(|context| {
            context.log(crate::worker::LogLevel::Info, "Begun");
            endless(context)
        }));
        let mut queued = worker.submit(job::<(), _>(|_| panic!("it must not begin")));
        begin(&first);
        queued.cancel();
        queued.cancel();
        assert_eq!(queued.answer(), Some(Err(JobError::Cancelled)), "while the first one is still under way");
        assert_eq!((queued.answer(), queued.said().count()), (None, 0));
        first.cancel();
        assert_eq!(first.wait(SOON), Some(Err(JobError::Cancelled)));
        assert_eq!(worker.submit(job(|_| Ok(3))).wait(SOON), Some(Ok(3)));
    }

    #[test]
    fn cancelling_twice_abandons_the_job() {
        let worker = worker();
        let mut pending = worker.submit(job(|context| {
            context.log(crate::worker::LogLevel::Info, "Begun");
            while !context.control.is_abandoned() {
                thread::sleep(Duration::from_millis(5));
            }
            Ok("what was there")
        }));
        begin(&pending);
        pending.cancel();
        assert_eq!(pending.wait(Duration::from_millis(30)), None, "it winds up");
        pending.cancel();
        assert_eq!(pending.wait(SOON), Some(Ok("what was there")));
        let log: Vec<_> = pending.said().collect();
        assert_eq!(log, ["Stopping", "Stopping now"].map(|line| Said::Log(LogLine::info(line))));
    }

    #[test]
    fn dropping_the_worker_or_the_handle_abandons_the_job() {
        let abandoned = || {
            job(|context| {
                while !context.control.is_abandoned() {
                    thread::sleep(Duration::from_millis(5));
                }
                Ok(())
            })
        };
        let begun = Instant::now();
        let first = worker();
        drop(first.submit(abandoned()));
        assert_eq!(first.submit(job(|_| Ok(1))).wait(SOON), Some(Ok(1)));
        let mut pending = first.submit(abandoned());
        drop(first);
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert!(pending.wait(SOON).is_some(), "it is answered even then");
    }

    #[test]
    fn a_job_whose_worker_has_ended_is_answered_as_failed() {
        let mut worker = worker();
        worker.queue = None;
        let answer = worker.submit(job(|_| Ok(()))).wait(SOON);
        assert!(matches!(&answer, Some(Err(JobError::Failed(why))) if why.contains("start Hone again")), "{answer:?}");
    }

    #[test]
    fn every_message_wakes_the_owner_and_a_pause_reaches_the_job() {
        let woken = Arc::new(AtomicU64::new(0));
        let worker =
            Worker::spawn_with(WorkerOptions { background_priority: true, models: None }, SharedData::default(), {
                let woken = Arc::clone(&woken);
                move || {
                    woken.fetch_add(1, Ordering::Relaxed);
                }
            })
            .unwrap();
        let mut pending = worker.submit(job(|context| {
            while !context.control.is_paused() {
                thread::sleep(Duration::from_millis(5));
            }
            context.log(crate::worker::LogLevel::Info, "Paused");
            context.control.wait_while_paused();
            context.log(crate::worker::LogLevel::Info, "Going on");
            Ok(())
        }));
        pending.set_paused(true);
        begin(&pending);
        assert_eq!(pending.answer(), None);
        pending.set_paused(false);
        assert_eq!(pending.wait(SOON), Some(Ok(())));
        assert_eq!(pending.said().collect::<Vec<_>>(), [Said::Log(LogLine::info("Going on"))]);
        drop(worker); // the last wake-up follows the answer
        assert_eq!(woken.load(Ordering::Relaxed), 3);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn background_priority_applies_to_the_computing_threads_only() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let pool = computing_pool(true).unwrap();
        assert_eq!(pool.install(nice), before.max(10));
        assert_eq!(nice(), before);
    }
}
