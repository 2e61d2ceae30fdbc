//! Kills training, resumes it, and compares what it leaves with what a run leaves that was never killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::files;
use super::runs;
use super::series::{Found, Series};
use crate::cli::Place;

/// What is trained, with the options that say so.
const WAYS: [(&str, &str); 7] = [
    ("all", ""),
    ("top", "--set training.trained_layers=Top(1)"),
    ("head", "--set training.trained_layers=Head"),
    ("adapter", "--set training.trained_layers=Lora"),
    ("mean", "--set task.pooling=Mean"),
    ("instant", "--set training.trained_layers=Instant"),
    ("adapt", ""),
];

/// [`left_in`] the only run of a project.
fn left(project: &Path) -> BTreeMap<String, Vec<u8>> {
    let runs: Vec<_> =
        fs::read_dir(project.join("runs")).unwrap().flatten().filter(|run| run.path().is_dir()).collect();
    let [run] = runs.as_slice() else { panic!("one run, not {}", runs.len()) };
    left_in(&run.path())
}

/// The files that a finished run leaves, without times.
pub fn left_in(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = files::tree(run);
    for name in ["settings.ron", "status.ron", ".number"] {
        assert!(found.remove(name).is_some(), "{name}");
    }
    let metrics = found.get_mut("metrics.jsonl").unwrap();
    let without_time = |line: &[u8]| {
        let mut line: Value = serde_json::from_slice(line).unwrap();
        if let Some(step) = line.get_mut("step").and_then(Value::as_object_mut) {
            step.remove("train_seconds");
            step.remove("memory");
        }
        line.to_string() + "\n"
    };
    let lines = metrics.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    *metrics = lines.map(without_time).collect::<String>().into_bytes();
    found
}

/// Whether the project's run has ended, or else the words that go on with it.
fn next(place: &Place, project: &str, train: &str) -> Option<String> {
    let listed = place.json(&["runs", project, "--json"]);
    match listed["runs"].as_array().unwrap().first().map(|run| run["status"].as_str().unwrap().to_owned()) {
        None => Some(train.to_owned()),
        Some(status) if status == "finished" => None,
        Some(_) => Some(format!("train {project} --resume")),
    }
}

/// A way to train, how long that takes, and what it leaves.
struct Case {
    way: &'static str,
    train: String,
    takes: Duration,
    left: BTreeMap<String, Vec<u8>>,
}

/// Kills a run, and what resumes it, until a person gives up killing. Then the run goes on to its end.
fn kill_in_a_row(series: &mut Series, case: &Case) {
    let (template, project) = (series.place.path(&format!("template-{}", case.way)), series.place.path(case.way));
    let _ = fs::remove_dir_all(&project);
    files::copy(&template, &project);
    let mut kills = 0;
    while let Some(words) = next(&series.place, case.way, &case.train) {
        let before = files::names(&project);
        let command = &mut series.place.command(&words.split_whitespace().collect::<Vec<_>>());
        let had_ended = series.kill_within(command, case.takes);
        let had_written = files::names(&project) != before;
        series.count(&Found { had_ended, had_written, ..Found::default() });
        kills += 1;
        Series::wait_for_next_start();
        if series.gives_up() {
            break;
        }
    }
    if let Some(words) = next(&series.place, case.way, &case.train) {
        series.place.good(&words.split_whitespace().collect::<Vec<_>>());
    }
    let now = left(&project);
    let names: BTreeSet<&String> = now.keys().chain(case.left.keys()).collect();
    let different: Vec<&String> = names.into_iter().filter(|name| now.get(*name) != case.left.get(*name)).collect();
    if !different.is_empty() {
        series.found_wrong(format!("{}: {different:?} after {kills} kills", case.way));
    }
}

pub fn kill_and_resume() {
    let mut series = runs::series("resume");
    let mut cases = Vec::new();
    for (way, options) in WAYS {
        let template = format!("template-{way}");
        let data = match way {
            "adapt" => "--task adapt --data reviews.csv --text review --set split.keep_near_together=false",
            _ => "--data reviews.csv --text review --label mood",
        };
        let new = format!("new {template} {data} --model {} {options}", crate::cli::TINY_BERT);
        series.place.good(&new.split_whitespace().collect::<Vec<_>>());
        let train = format!(
            "train {way} --set epochs=20 --set early_stopping=none --set training.evaluate_every=Steps(5) --set batch_size=8 \
             --set lr=3e-3 --set training.checkpoint_minutes=0"
        );
        files::copy(&series.place.path(&template), &series.place.path(way));
        let project = series.place.path(way);
        let command = &mut series.place.command(&train.split_whitespace().collect::<Vec<_>>());
        let takes = series.measure(command, &project);
        cases.push(Case { way, train, takes, left: left(&project) });
    }
    for case in cases.iter().cycle() {
        if series.is_over() {
            break;
        }
        kill_in_a_row(&mut series, case);
    }
    series.end();
}
