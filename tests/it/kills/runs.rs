//! Kills training, and compares the metrics that a run states with those of its weights.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use hone::evaluation::Metrics;
use hone::storage::RunFolder;
use serde_json::Value;

use super::files;
use super::series::{Found, Series};
use crate::cli::{Place, reviews};

/// Loss, macro-F1 and accuracy.
type Figures = [f64; 3];

/// What a training that nobody kills writes.
pub struct Reference {
    /// Figures on the validation set after each step that was evaluated.
    points: BTreeMap<u64, Figures>,
    names: BTreeSet<String>,
    /// The weights of each checkpoint that was seen.
    weights: BTreeMap<u64, Vec<u8>>,
}

fn figures(scores: &Value) -> Figures {
    ["loss", "macro_f1", "accuracy"].map(|name| scores[name].as_f64().unwrap_or(f64::NAN))
}

fn differ(one: Figures, other: Figures) -> bool {
    // Rows are predicted in other batches, so the last digits may differ.
    one.iter().zip(other).any(|(one, other)| (one - other).abs() > 1e-6 || other.is_nan())
}

impl Reference {
    /// Of the only run of a project, which must have finished.
    pub fn of(place: &Place, project: &str) -> Self {
        let runs = place.json(&["runs", project, "--json"]);
        let run = &runs["runs"][0];
        assert_eq!(run["status"], "finished", "{run}");
        let folder = RunFolder::open(&place.path(run["folder"].as_str().unwrap())).unwrap();
        let points: BTreeMap<u64, Figures> = (folder.read_metrics().unwrap().1.into_iter())
            .map(|point| match point.metrics {
                Metrics::Classification(found) => (point.step, [found.loss, found.macro_average.f1, found.accuracy]),
                Metrics::LanguageModelling(_) => panic!("another task"),
            })
            .collect();
        let mut losses: Vec<f64> = points.values().map(|figures| figures[0]).collect();
        losses.sort_by(f64::total_cmp);
        assert!(losses.windows(2).all(|pair| pair[1] - pair[0] > 3e-6), "the checkpoints cannot be told apart");
        let mut names: BTreeSet<String> = files::names(&place.path(project)).into_iter().collect();
        // Written when a person changes something, and offered after a crash.
        names.insert(".project.autosave.ron".to_owned());
        let reference = Self { points, names, weights: BTreeMap::new() };
        let mut wrong = Vec::new();
        reference.compare(run, "of the run that was not killed", &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
        println!("{project}: {} checkpoints were evaluated", reference.points.len());
        reference
    }

    /// What is wrong with the metrics of a run, as `hone runs --json` prints it.
    fn compare(&self, run: &Value, when: &str, wrong: &mut Vec<String>) {
        let (step, found) = (run["best_step"].as_u64().unwrap_or(0), figures(&run["validation"]));
        match self.points.get(&step) {
            Some(&expected) if differ(expected, found) => {
                let whose = self.points.iter().find(|(_, figures)| !differ(**figures, found));
                let whose = whose.map(|(step, _)| step);
                wrong.push(format!(
                    "{when}: step {step} has {found:?} instead of {expected:?}; those are of step {whose:?}"
                ));
            }
            Some(_) => {}
            None => wrong.push(format!("{when}: step {step} was never evaluated")),
        }
        if run["steps"].as_u64() < Some(step) {
            wrong.push(format!("{when}: the best checkpoint of {} steps is of step {step}", run["steps"]));
        }
    }

    /// Checks a project whose training was killed, with commands of the terminal as the next start.
    pub fn check(&mut self, place: &Place, project: &str, had_ended: bool, before: &[String]) -> Found {
        let folder = place.path(project);
        let now = files::names(&folder);
        let mut found = Found { had_ended, had_written: now != before, ..Found::default() };
        found.left = files::temporary(&now);
        let has_run = |names: &[String]| names.iter().any(|name| name == "runs/[run]/");
        let has_status = |names: &[String]| names.iter().any(|name| name == "runs/[run]/status.ron");
        if has_run(&now) && !has_status(&now) {
            found.left.push("a run without a status".to_owned());
        }
        Series::wait_for_next_start();
        let listed = place.json(&["runs", project, "--json"]);
        let runs = listed["runs"].as_array().unwrap();
        let wrong = &mut found.wrong;
        match runs.as_slice() {
            [run] if run["best_step"].is_u64() => self.check_run(place, project, run, wrong),
            [run] if run["status"] == "cut off" => {
                let message = place.bad(1, &["evaluate", project]);
                if !message.contains("None of its runs left a model") {
                    wrong.push(message);
                }
                place.good(&["train", project, "--set", "epochs=1"]);
            }
            [] => drop(place.good(&["train", project, "--set", "epochs=1"])),
            runs => wrong.push(format!("{runs:?}")),
        }
        let after = files::names(&folder);
        // A run that was killed can be resumed, and so keeps its checkpoint.
        let is_known = |name: &&String| self.names.contains(*name) || name.starts_with("runs/[run]/checkpoints/");
        found.stayed = after.iter().filter(|name| !is_known(name)).cloned().collect();
        for run in fs::read_dir(folder.join("runs")).into_iter().flatten().flatten() {
            if !run.path().join("status.ron").exists() {
                found.stayed.push("a run without a status".to_owned());
            }
        }
        found
    }

    fn check_run(&mut self, place: &Place, project: &str, run: &Value, wrong: &mut Vec<String>) {
        let id = run["run"].as_str().unwrap();
        self.compare(run, "after the kill", wrong);
        let weights = place.path(project).join("runs").join(id).join("best/model.safetensors");
        let weights = files::content(&weights);
        let step = run["best_step"].as_u64().unwrap();
        if *self.weights.entry(step).or_insert_with(|| weights.clone()) != weights {
            wrong.push(format!("the weights of step {step} are others than in an earlier run"));
        }
        let evaluated = place.json(&["evaluate", project, "--run", id, "--json"]);
        let completed = place.json(&["runs", project, "--json"])["runs"][0].clone();
        // These are computed from the weights on disk.
        self.compare(&completed, "after `hone evaluate`", wrong);
        if completed["best_step"] != run["best_step"] || differ(figures(&completed["test"]), figures(&evaluated)) {
            wrong.push(format!("the completed run is {completed}, and not as evaluated: {evaluated}"));
        }
        let folder = RunFolder::open(&place.path(run["folder"].as_str().unwrap())).unwrap();
        for side in ["validation", "test"] {
            let predictions = folder.read_predictions(side).unwrap();
            let right = predictions.iter().filter(|prediction| !prediction.is_wrong()).count();
            let accuracy = completed[side]["accuracy"].as_f64().unwrap();
            if (right as f64 / predictions.len() as f64 - accuracy).abs() > 1e-9 {
                wrong.push(format!("{right} of {} {side} predictions are right, not {accuracy}", predictions.len()));
            }
        }
    }
}

/// A series whose place has a project `template` on short reviews and the tiny model.
pub fn series(command: &'static str) -> Series {
    let series = Series::new(command);
    let place = &series.place;
    place.write("reviews.csv", reviews(20));
    let model = ["--model", crate::cli::TINY_BERT];
    place.good(
        &[&["new", "template", "--data", "reviews.csv", "--text", "review", "--label", "mood"], &model[..]].concat(),
    );
    series
}

pub fn kill_training() {
    const TRAIN: &str = "train shop --set epochs=20 --set early_stopping=none --set training.evaluate_every=Steps(2) \
                         --set training.best_metric=Loss --set batch_size=8 --set lr=3e-3";
    let mut series = series("train");
    let words: Vec<&str> = TRAIN.split_whitespace().collect();
    let [template, shop] = ["template", "shop"].map(|name| series.place.path(name));
    let renew = || {
        let _ = fs::remove_dir_all(&shop);
        files::copy(&template, &shop);
        files::names(&shop)
    };
    renew();
    let command = &mut series.place.command(&words);
    series.measure(command, &shop);
    let mut reference = Reference::of(&series.place, "shop");
    for _ in 0..series.kills {
        let before = renew();
        let command = &mut series.place.command(&words);
        let had_ended = series.kill(command, &shop);
        let found = reference.check(&series.place, "shop", had_ended, &before);
        series.count(&found);
    }
    series.end();
}
