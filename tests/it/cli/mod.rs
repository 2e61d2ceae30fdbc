//! The terminal, through the real program.
//!
//! What the program prints is kept in these tests word for word, as inline snapshots of [`Place::terminal`], so that a
//! change of wording shows in the diff. To accept new wording, with `cargo install cargo-insta` done once:
//!
//! ```text
//! cargo insta test --test it -- cli::      # runs the tests and collects what they print now
//! cargo insta review                       # shows each difference and writes what you accept into the tests
//! ```
//!
//! Read each difference: a snapshot accepted unread tests nothing.

#![allow(clippy::too_many_lines, reason = "a test holds the whole output of its commands")]

mod adapt;
mod adapt_decoder;
mod bad_input;
mod calibrated;
mod columns;
mod compared_runs;
mod data;
mod dry_run;
mod evaluated;
#[cfg(unix)]
mod fake_ray;
mod help;
mod hub;
mod job;
mod kept_rows;
mod label;
mod old_projects;
#[cfg(unix)]
mod ray;
#[cfg(target_os = "linux")]
mod real_ray;
mod report;
mod resume;
mod run_place;
mod safety;
mod split;
mod best;
mod learning_curve;
mod studies;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
#[cfg(unix)]
use std::time::{Duration, Instant};

use regex::{Captures, Regex};
use serde_json::Value;

/// The tiny random model of the fixtures: real files, a second of training.
pub const TINY_BERT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tiny-bert");

/// A folder of one test, in which the program runs as on a fresh machine: no display, no network, empty caches.
pub struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
}

/// What the program printed and how it ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), program: env!("CARGO_BIN_EXE_hone").into() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a copy of a program from now on.
    pub fn copy_program(&mut self, program: &Path) {
        self.program = self.path("hone-copy");
        fs::copy(program, &self.program).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder.path());
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "CARGO_MANIFEST_DIR", "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT"] {
            command.env_remove(name);
        }
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_DATA_HOME", "home/data"),
            ("XDG_CACHE_HOME", "home/cache"),
        ] {
            command.env(name, self.path(folder));
        }
        command.env("HF_HUB_OFFLINE", "1").env("PIP_NO_INDEX", "1").env("COLUMNS", "100");
        command
    }

    fn hone(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap(), self.folder.path())
    }

    /// What the terminal shows of command lines: each line, its output, its progress and errors (each line after `! `)
    /// and its exit code if it failed. What differs from run to run is replaced, see [`steady`].
    ///
    /// Words may be quoted by `'`. `TINY_BERT` stands for the folder of the tiny model.
    fn terminal(&self, lines: &str) -> String {
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| self.shown(line)).collect::<Vec<_>>().join("\n")
    }

    /// As [`Self::terminal`], with every number replaced by `#`: scores of a model may differ from processor to
    /// processor.
    fn terminal_without_numbers(&self, lines: &str) -> String {
        without_numbers(&self.terminal(lines))
    }

    fn shown(&self, line: &str) -> String {
        let words = words(line.strip_prefix("hone").unwrap());
        let ended = self.hone(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!ended.err.contains("panicked"), "{line}\n{}", ended.err);
        let mut shown = format!("$ {line}\n{}", ended.out);
        // The number of lines about training steps depends on the speed of the machine.
        let told = ended.err.lines().filter(|line| !line.starts_with("Training: "));
        told.for_each(|line| shown.push_str(&format!("! {line}\n")));
        if ended.code != Some(0) {
            shown.push_str(&format!("exit code {}\n", ended.code.unwrap()));
        }
        steady(&shown)
    }

    /// As [`Self::hone`], for what must go well.
    pub fn good(&self, arguments: &[&str]) -> String {
        let ended = self.hone(arguments);
        assert_eq!(ended.code, Some(0), "hone {}\n{}{}", arguments.join(" "), ended.out, ended.err);
        ended.out
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let out = self.good(arguments);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error} in:\n{out}"))
    }

    /// As [`Self::hone`], for what must fail with that code; gives the error.
    pub fn bad(&self, code: i32, arguments: &[&str]) -> String {
        let ended = self.hone(arguments);
        assert_eq!(ended.code, Some(code), "hone {}\n{}{}", arguments.join(" "), ended.out, ended.err);
        ended.err
    }

    /// A project in `shop` on `reviews.csv` and the tiny model.
    fn project(&self) {
        self.write("reviews.csv", reviews(20));
        self.good(&[
            "new",
            "shop",
            "--data",
            "reviews.csv",
            "--text",
            "review",
            "--label",
            "mood",
            "--model",
            TINY_BERT,
        ]);
    }
}

impl Ended {
    /// Paths of the test's own folder are written `[folder]`, so that texts can be compared.
    fn from(output: Output, folder: &Path) -> Self {
        let folders = [folder.canonicalize().unwrap().display().to_string(), folder.display().to_string()];
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            folders.iter().fold(text, |text, folder| text.replace(folder.as_str(), "[folder]"))
        };
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The words of a command line.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for letter in line.trim().chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            letter => words.last_mut().unwrap().push(letter),
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).map(|word| word.replace("TINY_BERT", TINY_BERT)).collect()
}

/// Every number replaced by `#`, with the spaces before it, which align columns.
fn without_numbers(text: &str) -> String {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" *\b\d+([.,]\d+)*(e-?\d+)?%?").unwrap());
    static ALIGNED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" +(\[(time|size|device)\])").unwrap());
    let hidden = |number: &Captures| if number[0].starts_with(' ') { " #" } else { "#" };
    let line = |line: &str| {
        if line.starts_with("exit code") {
            return line.to_owned();
        }
        ALIGNED.replace_all(&NUMBER.replace_all(line, hidden), " $1").into_owned()
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Replaces what differs from run to run or from machine to machine: the model's folder, names of runs, times, speeds,
/// sizes in memory and on disk, the device that computes.
fn steady(text: &str) -> String {
    static REPLACED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let replaced = [
            (r"\d{4}-\d\d-\d\d-\d{6}-[0-9a-f]{4}", "[run]"),
            (r", \d+( min \d\d)? s left", ""),
            (r"\d+ (h|min) \d\d (min|s)\b", "[time]"),
            (r"\d+(\.\d+)? (s|ms|min|h)\b", "[time]"),
            (r"[\d,]+ tokens/s", "[speed] tokens/s"),
            (r"[\d,.]+ [MG]i?B\b", "[size]"),
            (r"\b(CPU|[\w ]*GPU), (f32|bf16)", "[device]"),
        ];
        replaced.map(|(pattern, replacement)| (Regex::new(pattern).unwrap(), replacement)).into()
    });
    let text = text.replace(TINY_BERT, "TINY_BERT");
    REPLACED.iter().fold(text, |text, (pattern, replacement)| pattern.replace_all(&text, *replacement).into_owned())
}

#[test]
fn what_differs_from_run_to_run_is_replaced() {
    let shown = format!(
        "{TINY_BERT}: run 2026-11-23-102415-06af on CPU, f32: 1.2 s at 12,345 tokens/s, 1,200 MiB; 3 min 04 s, 7 s left"
    );
    assert_eq!(steady(&shown), "TINY_BERT: run [run] on [device]: [time] at [speed] tokens/s, [size]; [time]");
    assert_eq!(words("new 'my shop' --model TINY_BERT"), ["new", "my shop", "--model", TINY_BERT]);
}

/// A CSV with three labels of `each` rows, every text its own.
pub fn reviews(each: usize) -> String {
    let openings = [("good", "I love this"), ("fair", "It is fairly okay this"), ("bad", "I hate this broken")];
    let things = ["shoe", "phone", "book", "battery", "cable"];
    let mut text = "id,review,mood\n".to_owned();
    for row in 0..each {
        for (label, opening) in openings {
            text.push_str(&format!("{row},{opening} {} after {row} days,{label}\n", things[row % things.len()]));
        }
    }
    text
}

/// Waits until a run has a checkpoint.
#[cfg(unix)]
pub fn wait_for_best(place: &Place) {
    wait_for_runs_with_best(place, 1);
}

/// Waits until that many runs have a checkpoint.
#[cfg(unix)]
pub fn wait_for_runs_with_best(place: &Place, runs: usize) {
    let began = Instant::now();
    while runs_with_best(place) < runs {
        assert!(began.elapsed() < Duration::from_mins(1), "no evaluation within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(unix)]
fn runs_with_best(place: &Place) -> usize {
    let Ok(runs) = fs::read_dir(place.path("shop/runs")) else { return 0 };
    runs.flatten().filter(|run| run.path().join("best/model.safetensors").is_file()).count()
}
