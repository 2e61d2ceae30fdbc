//! Training while the disk fails: real system calls of the real program fail (see `failing_writes.c`, which these tests build with
//! the C compiler that Rust links with).
//!
//! ```text
//! cargo test --test it -- --ignored --nocapture faults::by_hand
//! ```
//!
//! `HONE_FAULTS_PROGRAM` is another program than the one just built.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::cli::{Place, TINY_BERT, reviews};
use crate::kills::files;
use crate::kills::resuming::left_in;

/// Errors of Linux.
const INPUT_OUTPUT: i32 = 5;
const NO_SPACE: i32 = 28;

/// How writes fail, from a call on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The call fails, and those after it succeed.
    Once,
    /// The disk is broken: all calls fail, until the program has ended.
    Broken,
    /// The disk is full: all calls fail, until the program says that it waits, or has ended.
    Full,
}

/// How a run with a fault went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// To its end, in spite of the fault.
    Done,
    /// It waited for space, and then went on to its end.
    Waited,
    /// It failed, and was resumed.
    Resumed,
    /// It failed before its first checkpoint, and another was begun.
    BegunAgain,
}

/// A project of which the same run is trained again and again.
struct Bench {
    place: Place,
    shim: PathBuf,
    /// What a run without faults leaves.
    undisturbed: BTreeMap<String, Vec<u8>>,
    /// The calls of such a run: name and path.
    calls: Vec<String>,
}

/// What a program printed to standard error, how it ended, and whether it waited.
struct Ended {
    status: ExitStatus,
    said: String,
    waited: bool,
}

impl Bench {
    fn new() -> Self {
        let mut place = Place::new();
        let program = std::env::var_os("HONE_FAULTS_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_hone").into());
        // A build meanwhile must not replace the program.
        place.copy_program(program.as_ref());
        let shim = build(&place);
        place.write("template/reviews.csv", reviews(20));
        let new = "new template --data template/reviews.csv --text review --label mood --model TINY_BERT";
        place.good(&words(&new.replace("TINY_BERT", TINY_BERT)));
        let mut bench = Self { place, shim, undisturbed: BTreeMap::new(), calls: Vec::new() };
        bench.renew();
        let ended = bench.train(Fault::Once, 0);
        assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
        bench.undisturbed = bench.left();
        bench.calls = bench.journal();
        bench
    }

    /// The project as it was before any run.
    fn renew(&self) {
        let project = self.place.path("shop");
        let _ = fs::remove_dir_all(&project);
        files::copy(&self.place.path("template"), &project);
    }

    /// Trains with a fault of a call; none fails if it is 0. Many small steps, each with a checkpoint, and evaluations. In 32 bits,
    /// because the rounding of bf16 decides how often there is a new best checkpoint.
    fn train(&self, fault: Fault, call: usize) -> Ended {
        const TRAIN: &str = "train shop --set epochs=3 --set early_stopping=none --set training.evaluate_every=Steps(4) \
                             --set batch_size=8 --set lr=3e-3 --set training.checkpoint_minutes=0 \
                             --set precision=f32";
        let [journal, still] = ["faults.log", "faults.still"].map(|name| self.place.path(name));
        let _ = fs::remove_file(&journal);
        let mut command = self.place.command(&words(TRAIN));
        let error = if fault == Fault::Full { NO_SPACE } else { INPUT_OUTPUT };
        command.env("LD_PRELOAD", &self.shim).env("FAULTS_LOG", &journal);
        command.env("FAULTS_FOLDER", self.place.path("").canonicalize().unwrap());
        command.env("FAULTS_AT", call.to_string()).env("FAULTS_ERRNO", error.to_string());
        if fault != Fault::Once {
            fs::write(&still, "").unwrap();
            command.env("FAULTS_WHILE", &still);
        }
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut said, mut waited) = (String::new(), false);
        for line in BufReader::new(process.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            // It may say so twice: a checkpoint that another thread was writing meanwhile is looked at later.
            if fault == Fault::Full && !waited && line.contains("Training waits until") {
                waited = true;
                fs::remove_file(&still).unwrap();
            }
            said += &format!("{line}\n");
        }
        let status = process.wait().unwrap();
        let _ = fs::remove_file(&still);
        Ended { status, said, waited }
    }

    /// The calls of the last training that change files, in order.
    fn journal(&self) -> Vec<String> {
        let folder = self.place.path("").canonicalize().unwrap();
        let text = self.place.read("faults.log").replace(&format!("{}/", folder.display()), "");
        text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }

    /// The newest run, as `hone runs --json` lists it.
    fn newest(&self) -> Option<Value> {
        let listed = self.place.json(&["runs", "shop", "--json"]);
        listed["runs"].as_array().unwrap().first().cloned()
    }

    /// The files of the newest run, which has finished. Training goes on without the mark that it is under way.
    fn left(&self) -> BTreeMap<String, Vec<u8>> {
        let run = self.newest().unwrap();
        let mut left = left_in(&self.place.path(run["folder"].as_str().unwrap()));
        left.remove(".training.lock");
        left
    }

    /// Trains with a fault, and what a person does after it. Fails if anything was lost, or not told.
    fn check(&self, fault: Fault, call: usize) -> Course {
        self.renew();
        let ended = self.train(fault, call);
        let what = || format!("{fault:?} of call {call}, {:?}:\n{}", self.journal().get(call - 1), ended.said);
        for raw in ["panicked", "os error", "bug in Hone"] {
            assert!(!ended.said.contains(raw), "{}", what());
        }
        let course = match ended.status.code() {
            Some(0) if ended.waited => Course::Waited,
            Some(0) => Course::Done,
            Some(1) => {
                let last = ended.said.lines().last().unwrap();
                let advice = if fault == Fault::Full { "Free some space" } else { "Check that the disk is connected" };
                assert!(last.starts_with("Error: Could not ") && last.contains(advice), "{}", what());
                self.go_on()
            }
            _ => panic!("{}, {}", ended.status, what()),
        };
        let (now, before) = (self.left(), &self.undisturbed);
        let mut names: Vec<&String> = now.keys().chain(before.keys()).collect();
        names.retain(|name| now.get(*name) != before.get(*name));
        assert!(names.is_empty(), "{names:?} differ after {course:?}, {}", what());
        for file in ["project.ron", "reviews.csv"] {
            let [now, before] = ["shop", "template"].map(|folder| fs::read(self.place.path(folder).join(file)));
            assert_eq!(now.unwrap(), before.unwrap(), "{file}, {}", what());
        }
        course
    }

    /// Resumes the run that failed, or trains again if it had no checkpoint yet.
    fn go_on(&self) -> Course {
        // A person starts no faster.
        std::thread::sleep(std::time::Duration::from_millis(150));
        if self.newest().is_some_and(|run| run["resumes_after"].is_u64()) {
            self.place.good(&["train", "shop", "--resume"]);
            return Course::Resumed;
        }
        assert_eq!(self.train(Fault::Once, 0).status.code(), Some(0));
        Course::BegunAgain
    }

    /// The number of the call, from 1, of the `nth` one that has a name and a path that ends so.
    fn call(&self, name: &str, end: &str, nth: usize) -> usize {
        let mut found = (1..).zip(&self.calls).filter(|(_, call)| call.starts_with(name) && call.ends_with(end));
        found.nth(nth).unwrap_or_else(|| panic!("no {name} of {end} in {:#?}", self.calls)).0
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Compiles the part that makes calls fail.
fn build(place: &Place) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/faults/failing_writes.c");
    let shim = place.path("failing_writes.so");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(&source).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    shim
}

#[test]
fn every_kind_of_write_of_a_run_may_fail_and_nothing_is_lost() {
    let bench = Bench::new();
    assert!(bench.calls.len() > 300, "{} calls", bench.calls.len());
    let state = bench.call("open", "/state.ron", 2);
    assert_eq!(bench.check(Fault::Once, bench.call("mkdir", "shop/runs", 0)), Course::BegunAgain);
    assert_eq!(bench.check(Fault::Broken, bench.call("rename", "/settings.ron", 0)), Course::BegunAgain);
    assert_eq!(bench.check(Fault::Once, bench.call("rename", "/best", 0)), Course::Resumed);
    assert_eq!(bench.check(Fault::Broken, state), Course::Resumed);
    assert_eq!(bench.check(Fault::Once, bench.call("rename", "/predictions.parquet", 1)), Course::Resumed);
    assert_eq!(bench.check(Fault::Once, bench.call("rename", "/status.ron", 1)), Course::Resumed);
}

#[test]
fn a_full_disk_pauses_a_run_which_goes_on_when_there_is_space() {
    let bench = Bench::new();
    for (name, end, nth) in [
        ("write", "/metrics.jsonl", 3),
        ("fdatasync", "/metrics.jsonl", 4),
        ("open", "/state.ron", 2),
        ("rename", "/best", 1),
        ("rename", "/predictions.parquet", 0),
        ("rename", "/figures.ron", 0),
        ("rename", "/status.ron", 1),
    ] {
        assert_eq!(bench.check(Fault::Full, bench.call(name, end, nth)), Course::Waited, "{name} {end}");
    }
}

mod by_hand {
    use super::*;

    /// Trains once for each of the first calls.
    fn each_call_may_fail(fault: Fault) {
        const CALLS: usize = 300;
        let bench = Bench::new();
        assert!(bench.calls.len() >= CALLS, "{} calls", bench.calls.len());
        let courses: Vec<Course> = (1..=CALLS).map(|call| bench.check(fault, call)).collect();
        let of = |course| courses.iter().filter(|found| **found == course).count();
        let [done, waited] = [Course::Done, Course::Waited].map(of);
        let [resumed, again] = [Course::Resumed, Course::BegunAgain].map(of);
        println!(
            "{fault:?}: {CALLS} runs: {done} went on in spite of it, {waited} waited for space, {resumed} failed and were resumed, \
             {again} failed before the first checkpoint and were begun again; all ended with the same bytes"
        );
    }

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn each_of_the_first_300_writes_of_a_run_may_fail_once() {
        each_call_may_fail(Fault::Once);
    }

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn the_disk_may_break_at_each_of_the_first_300_writes_of_a_run() {
        each_call_may_fail(Fault::Broken);
    }

    #[test]
    #[ignore = "takes minutes: see the module's documentation"]
    fn the_disk_may_be_full_at_each_of_the_first_300_writes_of_a_run() {
        each_call_may_fail(Fault::Full);
    }
}
