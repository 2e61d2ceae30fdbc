//! A series of kills of one command, and what came of them.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hone::random::Rng;

use super::files;
use crate::cli::Place;

/// What is younger may be about to be locked by its process, and is left alone. A person starts no faster.
const UNTIL_NEXT_START: Duration = Duration::from_millis(200);

pub struct Series {
    command: &'static str,
    pub place: Place,
    pub kills: usize,
    random: Rng,
    /// How long the command takes, and how long of that it writes.
    usual: Duration,
    writing: Duration,
    begun: usize,
    before: usize,
    middle: usize,
    after: usize,
    left: usize,
    stayed: Vec<String>,
    wrong: Vec<String>,
}

/// What was found after a kill and after the next start.
#[derive(Default)]
pub struct Found {
    /// Whether the command had ended before the kill.
    pub had_ended: bool,
    /// Whether it had written anything.
    pub had_written: bool,
    /// Temporary files and folders right after the kill.
    pub left: Vec<String>,
    /// The same after the next start, and whatever else a command that was never killed does not leave.
    pub stayed: Vec<String>,
    /// Figures of another checkpoint, half an output, and everything else that is wrong.
    pub wrong: Vec<String>,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Waits until something appears in a folder, or the process ends.
fn wait_for_a_file(process: &mut Child, folder: &Path, before: &[String]) {
    while files::names(folder) == before && process.try_wait().unwrap().is_none() {
        sleep(Duration::from_micros(500));
    }
}

impl Series {
    pub fn new(command: &'static str) -> Self {
        let program = std::env::var_os("HONE_KILLS_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_hone").into());
        let mut place = Place::new();
        // A build meanwhile must not replace the program.
        place.copy_program(program.as_ref());
        Self {
            command,
            place,
            kills: number("HONE_KILLS", 60) as usize,
            random: Rng::new(number("HONE_KILLS_SEED", 12)),
            usual: Duration::ZERO,
            writing: Duration::ZERO,
            begun: 0,
            before: 0,
            middle: 0,
            after: 0,
            left: 0,
            stayed: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Says how long the command takes when nobody kills it.
    pub fn takes(&mut self, usual: Duration) {
        self.usual = self.usual.max(usual);
    }

    /// Runs the command to its end, which must be good, and remembers how long that took, and how long it wrote in `folder`.
    pub fn measure(&mut self, command: &mut Command, folder: &Path) -> Duration {
        let (began, before) = (Instant::now(), files::names(folder));
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for_a_file(&mut process, folder, &before);
        let wrote = Instant::now();
        assert!(process.wait().unwrap().success(), "{command:?} failed");
        let took = began.elapsed();
        self.takes(took);
        self.writing = self.writing.max(wrote.elapsed());
        took
    }

    /// Whether as many processes were killed as were to be.
    pub fn is_over(&self) -> bool {
        self.begun >= self.kills
    }

    /// Whether a person gives up after a kill: a third of the time.
    pub fn gives_up(&mut self) -> bool {
        self.random.below(3) == 0
    }

    /// Starts the command and kills it at a random moment of a duration. Returns whether it had ended before.
    pub fn kill_within(&mut self, command: &mut Command, usual: Duration) -> bool {
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.begun += 1;
        sleep(usual.mul_f64(self.random.uniform()));
        let had_ended = process.try_wait().unwrap().is_some();
        process.kill().unwrap();
        process.wait().unwrap();
        had_ended
    }

    /// A random moment of the usual duration.
    pub fn moment(&mut self) -> Duration {
        self.usual.mul_f64(self.random.uniform())
    }

    /// Starts the command and kills it at a random moment: of its whole duration, or, every second time, of the time in which
    /// it writes in `folder`, which may be short. Returns whether it had ended before.
    pub fn kill(&mut self, command: &mut Command, folder: &Path) -> bool {
        let (before, moment) = (files::names(folder), self.moment());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.begun += 1;
        if self.begun.is_multiple_of(2) {
            wait_for_a_file(&mut process, folder, &before);
            sleep(self.writing.mul_f64(self.random.uniform()));
        } else {
            sleep(moment);
        }
        let had_ended = process.try_wait().unwrap().is_some();
        process.kill().unwrap();
        process.wait().unwrap();
        had_ended
    }

    pub fn wait_for_next_start() {
        sleep(UNTIL_NEXT_START);
    }

    pub fn count(&mut self, found: &Found) {
        let landed = match (found.had_ended, found.had_written) {
            (true, _) => &mut self.after,
            (false, false) => &mut self.before,
            (false, true) => &mut self.middle,
        };
        *landed += 1;
        self.left += usize::from(!found.left.is_empty());
        self.stayed.extend((!found.stayed.is_empty()).then(|| found.stayed.join(", ")));
        self.wrong.extend((!found.wrong.is_empty()).then(|| found.wrong.join("; ")));
    }

    pub fn found_wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Prints the line, and fails if anything was wrong.
    pub fn end(self) {
        let Self { command, kills, usual, before, middle, after, left, stayed, wrong, .. } = self;
        println!(
            "{command}: {kills} kills within {:.1} s: {before} before it wrote anything, {middle} in the middle, {after} after \
             the end; {left} left something, {} still after the next start; {} wrong",
            usual.as_secs_f64(),
            stayed.len(),
            wrong.len()
        );
        assert!(stayed.is_empty() && wrong.is_empty(), "{command} left {stayed:#?}\nwrong: {wrong:#?}");
    }
}
