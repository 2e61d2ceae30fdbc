//! Measures how much the window slows down training and the other way round: trains the sample project with and without
//! the window's frames, in turn.
//!
//! `cargo nextest run --release --run-ignored only --no-capture training_beside_the_window`
//!
//! `HONE_FRAMES=FOLDER` measures another project than the sample; it is copied first.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use egui::Context;

use crate::app::app::{HoneApp, Start};
use crate::app::commands::UserCommand;
use crate::app::frame_times::{SIZE, frame};
use crate::app::messages::AppCommand;
use crate::storage::{ProjectFile, RunSummary};
use crate::worker::{Train, Worker};

/// Pairs of runs.
const ROUNDS: usize = 2;
/// The frame rate of the screen.
const BETWEEN_FRAMES: Duration = Duration::from_millis(16);

/// When the next frame is due, as in eframe's event loop.
#[derive(Default)]
struct Schedule {
    next: Mutex<Option<Instant>>,
    changed: Condvar,
}

impl Schedule {
    fn ask(&self, at: Instant) {
        let mut next = self.next.lock().unwrap();
        *next = Some(next.map_or(at, |next| next.min(at)));
        self.changed.notify_one();
    }

    /// Waits until a frame is due, at most half a second.
    fn wait(&self) {
        let mut next = self.next.lock().unwrap();
        let longest = Instant::now() + Duration::from_millis(500);
        loop {
            let (now, due) = (Instant::now(), next.unwrap_or(longest).min(longest));
            if due <= now {
                *next = None;
                return;
            }
            next = self.changed.wait_timeout(next, due - now).unwrap().0;
        }
    }
}

fn copy_of_project(to: &Path) -> PathBuf {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("projects/customer-reviews");
    let from = std::env::var_os("HONE_FRAMES").map_or(sample, PathBuf::from);
    let folder = to.join("project");
    std::fs::create_dir(&folder).unwrap();
    for file in std::fs::read_dir(from).unwrap().flatten().filter(|file| file.path().is_file()) {
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    let mut opened = ProjectFile::open(&folder).unwrap();
    opened.project.training.epochs = 1;
    opened.file.save(&opened.project).unwrap();
    folder
}

fn in_the_terminal() -> RunSummary {
    let place = tempfile::tempdir().unwrap();
    let folder = copy_of_project(place.path());
    let project = ProjectFile::read(&folder).unwrap().1;
    let worker = Worker::spawn(|| ()).unwrap();
    let (events, _told) = crossbeam_channel::unbounded();
    let mut pending = worker.submit(Train { project, folder, may_fetch: false, resumed: None, events });
    loop {
        if let Some(answer) = pending.wait(Duration::from_secs(1)) {
            return answer.unwrap().summary.clone();
        }
    }
}

/// The run, and the time of each frame during it.
fn in_the_window() -> (RunSummary, Vec<Duration>) {
    let place = tempfile::tempdir().unwrap();
    let project = Some(copy_of_project(place.path()));
    let ctx = Context::default();
    let schedule = Arc::new(Schedule::default());
    let asked = Arc::clone(&schedule);
    ctx.set_request_repaint_callback(move |info| asked.ask(Instant::now() + info.delay));
    let mut app = HoneApp::new(&ctx, Start { project, ..Start::default() }).unwrap();
    let mut times = Vec::new();
    let mut began = false;
    loop {
        schedule.wait();
        let begun = Instant::now();
        let (took, _) = frame(&ctx, &mut app, SIZE, Vec::new());
        let is_training =
            app.state.work.answers.live.as_ref().is_some_and(|live| live.is_going() && live.start.is_some());
        if is_training {
            times.push(took);
        }
        if let Some(results) = app.state.work.answers.results.value.clone().filter(|_| began) {
            return (results.summary.clone(), times);
        }
        assert!(!began || !app.is_idle(), "the run ended without results");
        if !began && app.is_idle() && app.state.work.answers.rows.value.is_some() {
            began = true;
            app.run_command(AppCommand::User(UserCommand::Train));
        }
        std::thread::sleep(BETWEEN_FRAMES.saturating_sub(begun.elapsed()));
    }
}

fn measure() {
    let (mut terminal, mut window, mut frames) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        terminal.push(in_the_terminal().tokens_per_second);
        let (summary, times) = in_the_window();
        window.push(summary.tokens_per_second);
        frames.extend(times);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    frames.sort_unstable();
    assert!(!frames.is_empty(), "no frame was drawn while a model was trained");
    let at = |share: f64| frames[((frames.len() - 1) as f64 * share) as usize];
    println!("terminal {terminal:.0?} tokens/s, window {window:.0?} tokens/s");
    println!("the window costs {:.1}% of the speed", 100.0 * (1.0 - mean(&window) / mean(&terminal)));
    println!("{} frames: median {:.2?}, p99 {:.2?}, worst {:.2?}", frames.len(), at(0.5), at(0.99), at(1.0));
    assert!(at(0.99) < Duration::from_millis(16), "frames are too slow while a model is trained");
}

mod by_hand {
    #[test]
    #[ignore = "a measurement: run it alone, in release, on a quiet machine"]
    fn training_beside_the_window() {
        super::measure();
    }
}
