//! Kills exports and predictions, whose outputs must be whole or absent.

use std::collections::BTreeMap;
use std::fs;

use super::files;
use super::runs;
use super::series::{Found, Series};
use crate::cli::reviews;

/// The folder of outputs.
const MADE: &str = "made";

/// A command that writes an output.
struct Case {
    words: Vec<String>,
    /// What is in the folder of outputs before.
    before: BTreeMap<String, Vec<u8>>,
    /// What is there after the command.
    after: BTreeMap<String, Vec<u8>>,
}

/// Runs each command to its end, and says what it wrote.
fn cases(series: &mut Series, lines: &[&str], old: &[(&str, &str)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for line in lines {
        let before: BTreeMap<_, _> = old
            .iter()
            .filter(|_| line.contains("--force"))
            .map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()))
            .collect();
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        put(series, &before);
        let mut command = series.place.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let made = series.place.path(MADE);
        series.measure(&mut command, &made);
        cases.push(Case { words, before, after: files::tree(&series.place.path(MADE)) });
    }
    cases
}

/// Makes the folder of outputs hold only these files.
fn put(series: &Series, content: &BTreeMap<String, Vec<u8>>) {
    let made = series.place.path(MADE);
    let _ = fs::remove_dir_all(&made);
    fs::create_dir(&made).unwrap();
    for (name, content) in content {
        series.place.write(&format!("{MADE}/{name}"), content);
    }
}

fn kill(mut series: Series, cases: &[Case]) {
    let (made, project) = (series.place.path(MADE), series.place.path("template"));
    let untouched = files::tree(&project);
    for nth in 0..series.kills {
        let case = &cases[nth % cases.len()];
        let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        put(&series, &case.before);
        let mut command = series.place.command(&words);
        let had_ended = series.kill(&mut command, &made);
        let mut found = Found { had_ended, ..Found::default() };
        let mut now = files::tree(&made);
        found.had_written = now != case.before;
        found.left = files::temporary(&now.keys().cloned().collect::<Vec<_>>());
        now.retain(|name, _| !files::is_temporary(name));
        let is_whole = now == case.after;
        let is_empty = now.keys().all(|name| name.ends_with('/')) && case.before.is_empty();
        if is_empty && !now.is_empty() && found.left.is_empty() {
            found.left.push("an empty folder".to_owned());
        }
        if !is_whole && now != case.before && !is_empty {
            found.wrong.push(format!("{words:?} left a part of its output: {:?}", now.keys()));
        }
        Series::wait_for_next_start();
        let is_refused = is_whole && !words.contains(&"--force");
        if is_refused {
            let message = series.place.bad(1, &words);
            found
                .wrong
                .extend((!message.contains("already exists") && !message.contains("not empty")).then_some(message));
        } else {
            series.place.good(&words);
        }
        let now = files::tree(&made);
        found.stayed = now.keys().filter(|name| !case.after.contains_key(*name)).cloned().collect();
        if now.iter().any(|(name, content)| case.after.get(name).is_some_and(|expected| expected != content)) {
            found.wrong.push(format!("{words:?} wrote something else after a kill"));
        }
        if files::tree(&project) != untouched {
            found.wrong.push(format!("{words:?} changed the project"));
        }
        series.count(&found);
    }
    series.end();
}

pub fn kill_exports() {
    let mut series = runs::series("export");
    series.place.good(&["train", "template", "--set", "epochs=2"]);
    let lines = [
        "export template --format hf --out made/hf",
        "export template --format safetensors --out made/weights",
        "export template --format predictions --out made/said",
        "export template --format predictions --out made/said.csv",
        "export template --format hf --out made/new/hf",
    ];
    let cases = cases(&mut series, &lines, &[]);
    kill(series, &cases);
}

pub fn kill_predictions() {
    let mut series = runs::series("predict");
    series.place.good(&["train", "template", "--set", "epochs=2"]);
    series.place.write("many.csv", reviews(500));
    let lines =
        ["predict template many.csv --out made/said.csv", "predict template many.csv --out made/said.csv --force"];
    let cases = cases(&mut series, &lines, &[("said.csv", "what was there before\n")]);
    kill(series, &cases);
}
