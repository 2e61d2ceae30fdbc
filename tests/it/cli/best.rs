//! `hone best`: the best model in some minutes, and the model of a search as a run.

use serde_json::Value;
#[cfg(unix)]
use std::process::{Command, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

use super::{Place, reviews};
use hone::evaluation::Prediction;
use hone::storage::{RunFolder, StudyFolder, StudyPredictions};

/// Settings with which the small model of the tests learns something.
const SETTINGS: [&str; 4] = ["--set", "lr=3e-3", "--set", "epochs=3"];

fn shop() -> Place {
    let place = Place::new();
    place.project();
    place.write("reviews.csv", reviews(120));
    place
}

fn runs(place: &Place) -> Vec<Value> {
    place.json(&["runs", "shop", "--json"])["runs"].as_array().unwrap().clone()
}

#[test]
fn an_instant_model_comes_first_then_what_fits_then_others_and_the_best_is_a_run() {
    let place = shop();
    let outcome = place.json(&[&["best", "shop", "--trials", "4", "--json"], &SETTINGS[..]].concat());
    let trials = outcome["trials"].as_array().unwrap();
    assert_eq!((trials.len(), &outcome["state"]), (4, &"finished".into()));
    assert_eq!(trials[0]["settings"]["training.trained_layers"], "Instant");
    assert_eq!(trials[1]["settings"], serde_json::json!({}), "the project's own settings fit in ten minutes");
    assert!(trials[2]["settings"]["lr"].is_string() && trials[3]["settings"]["lr"].is_string(), "{trials:?}");
    assert!(trials.iter().all(|trial| trial["rows"]["test"] == 0), "no trial sees the test rows");
    let runs = runs(&place);
    assert_eq!(runs.len(), 1, "the best is the only run of the project");
    let best = &outcome["best"];
    assert_eq!(runs[0]["validation"]["macro_f1"], best["score"]);
    let evaluated = place.json(&["evaluate", "shop", "--json"]);
    assert_eq!(evaluated["macro_f1"], outcome["gain"]["macro_f1"], "measured on the test rows");
    assert_eq!(runs[0]["test"]["macro_f1"], outcome["gain"]["macro_f1"]);
    place.json(&["export", "shop", "--format", "hf", "--out", "model", "--json"]);
}

#[test]
fn the_best_trial_of_a_search_becomes_a_run_when_it_is_asked_for() {
    let place = shop();
    let search = ["search", "shop", "--over", "lr=1e-3..1e-2:log", "--trials", "2", "--json"];
    let outcome = place.json(&[&search[..], &SETTINGS[..]].concat());
    assert!(runs(&place).is_empty());
    let study = outcome["study"].as_str().unwrap();
    let kept = place.json(&["studies", "shop", "--study", study, "--keep", "--json"]);
    let runs = runs(&place);
    assert_eq!((runs.len(), &runs[0]["run"]), (1, &kept["run"]));
    assert_eq!(runs[0]["validation"]["macro_f1"], outcome["best"]["score"]);
    // Its answers are those of a run that was trained with these settings.
    let mut train = vec!["train".to_owned(), "shop".to_owned(), "--json".to_owned()];
    train.extend(SETTINGS.map(str::to_owned));
    for (name, value) in outcome["best"]["settings"].as_object().unwrap() {
        train.extend(["--set".to_owned(), format!("{name}={}", value.as_str().unwrap())]);
    }
    let trained = place.json(&train.iter().map(String::as_str).collect::<Vec<_>>());
    for metric in ["macro_f1", "accuracy", "loss"] {
        let [kept, trained] = [&runs[0], &trained].map(|run| run["test"][metric].as_f64().unwrap());
        assert!((kept - trained).abs() < 1e-6, "{metric}: {kept} {trained}");
    }
    let seeds = place.json(&["seeds", "shop", "--seeds", "2", "--set", "epochs=1", "--json"]);
    let refused = place.bad(1, &["studies", "shop", "--study", seeds["study"].as_str().unwrap(), "--keep"]);
    assert!(refused.contains("Only the best trial of a search can become a run"), "{refused}");
    place.good(&["runs", "delete", "shop", kept["run"].as_str().unwrap()]);
    std::fs::remove_dir_all(
        place.path(&format!("shop/studies/{study}/runs/{}/best", outcome["best"]["run"].as_str().unwrap())),
    )
    .unwrap();
    let gone = place.bad(1, &["studies", "shop", "--study", study, "--keep"]);
    assert!(gone.contains("Train a run with its settings"), "{gone}");
}

/// A finished search of two trials, and the folder of its best.
fn searched(place: &Place) -> (StudyFolder, RunFolder) {
    let search = ["search", "shop", "--over", "lr=1e-3..1e-2:log", "--trials", "2", "--json"];
    let outcome = place.json(&[&search[..], &SETTINGS[..]].concat());
    let study = StudyFolder::find(&place.path("shop"), outcome["study"].as_str()).unwrap();
    let best = study.path().join("runs").join(outcome["best"]["run"].as_str().unwrap());
    (study, RunFolder::open(&best).unwrap())
}

/// The run that the best trial of a study becomes.
fn keep(place: &Place, study: &StudyFolder) -> RunFolder {
    let kept = place.json(&["studies", "shop", "--study", &study.id(), "--keep", "--json"]);
    RunFolder::open(&place.path("shop/runs").join(kept["run"].as_str().unwrap())).unwrap()
}

#[test]
fn what_is_known_of_the_best_trial_is_not_computed_again() {
    let place = shop();
    let (study, best) = searched(&place);
    let results = |run: &RunFolder| {
        let summary = run.trained().unwrap().summary;
        let [validation, test] = ["validation", "test"].map(|side| run.read_predictions(side).unwrap());
        (summary.validation, summary.test, validation, test, run.read_comparison().unwrap())
    };
    let remove = |run: RunFolder| place.good(&["runs", "delete", "shop", &run.id()]);
    let run = keep(&place, &study);
    let known = results(&run);
    let evaluated = place.json(&["evaluate", "shop", "--json"]);
    let test = &runs(&place)[0]["test"];
    for metric in ["macro_f1", "accuracy", "loss"] {
        assert_eq!(test[metric], evaluated[metric], "{metric}");
    }
    assert_eq!(known.3, study.read_predictions(StudyPredictions::BestTrial).unwrap());
    remove(run);
    // An earlier version did not write the metrics down: the model is evaluated, with the same results.
    let end = study.path().join("end.ron");
    let written = std::fs::read_to_string(&end).unwrap();
    std::fs::write(&end, "(ended_at: 1)").unwrap();
    let run = keep(&place, &study);
    assert_eq!(results(&run), known);
    remove(run);
    std::fs::write(&end, written).unwrap();
    // Marked answers, which a model that answers again would not give.
    let labels = best.read_settings().unwrap().labels;
    let marked = |mut answers: Vec<Prediction>| {
        answers[0].text.push_str(" (known)");
        answers
    };
    let validation = marked(best.read_predictions("validation").unwrap());
    let test = marked(study.read_predictions(StudyPredictions::BestTrial).unwrap());
    best.write_predictions("validation", &validation, &labels).unwrap();
    study.write_predictions(StudyPredictions::BestTrial, &test, &labels).unwrap();
    let (.., of_validation, of_test, _) = results(&keep(&place, &study));
    assert_eq!((of_validation, of_test), (validation, test));
}

#[test]
fn a_trial_that_is_a_run_already_is_not_kept_again_and_a_better_one_is() {
    let place = shop();
    let (study, _) = searched(&place);
    let first = keep(&place, &study);
    let id = study.id();
    let arguments = ["studies", "shop", "--study", &id, "--keep"];
    let said = place.good(&arguments);
    assert!(
        said.contains(&format!("The best model is run {} already: it was kept before. It is in", first.id())),
        "{said}"
    );
    let json = [&arguments[..], &["--json"]].concat();
    assert_eq!(place.json(&json)["is_new"], false);
    assert_eq!(runs(&place).len(), 1);
    // As if the search had gone on after it was kept, and found a better trial.
    let mut settings = first.read_settings().unwrap();
    settings.kept_from.as_mut().unwrap().trial = 77;
    first.write_settings(&settings).unwrap();
    let kept = place.json(&json);
    assert_eq!((&kept["is_new"], &kept["better_than"]), (&true.into(), &first.id().into()));
    assert_eq!(runs(&place).len(), 2);
    // One in the bin is no run of the project.
    place.good(&["runs", "delete", "shop", kept["run"].as_str().unwrap()]);
    let said = place.good(&arguments);
    let better = format!("now. It is better than run {}, which was kept before.", first.id());
    assert!(said.contains(&better), "{said}");
}

#[test]
fn the_best_trial_is_not_kept_if_other_rows_are_validation_rows_now() {
    let place = Place::new();
    place.project();
    // The split of these rows stays when more are added, and is not the one that is drawn for all of them.
    place.good(&["train", "shop", "--set", "epochs=1"]);
    place.write("reviews.csv", reviews(120));
    let (study, _) = searched(&place);
    std::fs::remove_file(place.path("shop/split.parquet")).unwrap();
    let refused = place.bad(1, &["studies", "shop", "--study", &study.id(), "--keep"]);
    assert!(refused.contains("or the split has changed since the search. Train a run"), "{refused}");
}

/// Stops `hone best` once three trials have ended; gives their study.
#[cfg(unix)]
fn stopped(place: &Place, arguments: &[&str]) -> Value {
    let mut process = place.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let newest = || place.json(&["studies", "shop", "--json"])["studies"][0].clone();
    let done = |study: &Value| {
        study["trials"].as_array().map_or(0, |trials| trials.iter().filter(|trial| !trial["metrics"].is_null()).count())
    };
    while done(&newest()) < 3 {
        assert!(begun.elapsed() < Duration::from_mins(2) && process.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert!(!process.wait().unwrap().success());
    newest()
}

#[test]
#[cfg(unix)]
fn a_stop_keeps_the_best_so_far() {
    let place = shop();
    stopped(&place, &[&["best", "shop"], &SETTINGS[..]].concat());
    let kept = runs(&place);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0]["validation"]["macro_f1"].as_f64().unwrap() > 0.0 && kept[0]["test"].is_null());
    // It is not measured on the test rows yet.
    let evaluated = place.json(&["evaluate", "shop", "--json"]);
    assert_eq!(runs(&place)[0]["test"]["macro_f1"], evaluated["macro_f1"]);
}

#[test]
#[cfg(unix)]
fn a_study_that_goes_on_keeps_its_best_once() {
    let place = shop();
    let before = stopped(&place, &[&["best", "shop", "--trials", "12"], &SETTINGS[..]].concat());
    let kept = runs(&place);
    let resumed = place.hone(&["best", "shop", "--resume", "--json"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.err);
    let after: Value = serde_json::from_str(&resumed.out).unwrap();
    assert_eq!((&after["study"], &after["state"]), (&before["study"], &"finished".into()));
    let now = runs(&place);
    let id = |run: &Value| run["run"].as_str().unwrap().to_owned();
    // Which trial is the best depends on the processor's last digits.
    let said = if before["best"]["number"] == after["best"]["number"] {
        assert_eq!(now.len(), 1);
        format!("The best model is run {} already: it was kept before.", id(&kept[0]))
    } else {
        assert_eq!((now.len(), &now[1]["run"]), (2, &kept[0]["run"]));
        format!(
            "The best model is run {} now. It is better than run {}, which was kept before.",
            id(&now[0]),
            id(&kept[0])
        )
    };
    assert!(resumed.err.contains(&said), "{said}\n{}", resumed.err);
    assert_eq!(now[0]["validation"]["macro_f1"], after["best"]["score"]);
    assert_eq!(now[0]["test"]["macro_f1"], after["gain"]["macro_f1"], "measured on the test rows since");
}
