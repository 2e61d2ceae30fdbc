//! The main job in the terminal: train, look, predict, export.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Place, TINY_BERT, reviews};

#[test]
fn from_reviews_to_an_exported_model() {
    let place = Place::new();
    place.project();
    let train = ["train", "shop", "--json", "--set", "epochs=2", "--set", "lr=1e-3", "--set", "batch_size=8"];
    let outcome = place.json(&train);
    let run = outcome["run"].as_str().unwrap();
    assert!(place.path("shop/runs").join(run).join("best/model.safetensors").is_file());
    assert_eq!(outcome["steps"], 12, "42 training rows in batches of 8, for 2 epochs");
    assert_eq!((&outcome["epochs"], outcome["stop_reason"].as_str()), (&2.0.into(), Some("Completed")));
    assert_eq!(outcome["rows"], serde_json::json!({ "train": 42, "validation": 6, "test": 12 }));
    for number in ["train_seconds", "tokens_per_second", "peak_memory_mb", "best_step"] {
        assert!(outcome[number].as_f64().unwrap() > 0.0, "{number}");
    }
    for side in ["validation", "test", "majority_baseline"] {
        assert!((0.0..=1.0).contains(&outcome[side]["accuracy"].as_f64().unwrap()), "{side}");
        assert!((0.0..=1.0).contains(&outcome[side]["macro_f1"].as_f64().unwrap()), "{side}");
    }
    assert_eq!(outcome["test"]["per_class"][0]["support"], 4);
    assert_eq!(outcome["test"]["confusion"]["counts"].as_array().unwrap().len(), 3);
    assert!(outcome["device"].as_str().is_some_and(|device| !device.is_empty()));

    let evaluated = place.json(&["evaluate", "shop", "--json"]);
    assert_eq!((&evaluated["run"], &evaluated["accuracy"]), (&outcome["run"], &outcome["test"]["accuracy"]));
    assert_eq!(evaluated["confusion"], outcome["test"]["confusion"]);
    let human = place.good(&["evaluate", "shop", "--run", run, "--data", "reviews.csv"]);
    assert!(human.contains("60 rows, macro-F1") && human.contains("true \\ predicted"), "{human}");
    assert!(place.good(&["runs", "shop"]).contains(run));

    place.write("new.csv", "review,more\nI love this phone,1\n  ,2\n\"I hate it, broken\",3\n");
    let predicted = place.json(&["predict", "shop", "new.csv", "--out", "labelled.csv", "--json"]);
    assert_eq!((&predicted["rows"], &predicted["empty"]), (&2.into(), &1.into()));
    let labelled = place.read("labelled.csv");
    assert_eq!(
        labelled.lines().next(),
        Some("review,more,predicted,probability_bad,probability_fair,probability_good")
    );
    assert_eq!(labelled.lines().count(), 4);

    let exported = place.json(&["export", "shop", "--format", "hf", "--out", "exported", "--json"]);
    assert!(!exported["proof"].as_str().unwrap().is_empty());
    place.good(&["predict", "exported", "new.csv", "--out", "again.csv"]);
    assert_eq!(place.read("again.csv"), labelled);
    let error = place.bad(1, &["export", "shop", "--format", "hf", "--out", "exported"]);
    assert!(error.contains("exported"), "{error}");
    place.good(&["export", "shop", "--format", "safetensors", "--out", "weights"]);
    let error = place.bad(1, &["predict", "exported", "new.csv", "--out", "again.csv"]);
    assert!(error.contains("again.csv already exists") && error.contains("--force"), "{error}");
    place.good(&["predict", "exported", "new.csv", "--out", "again.csv", "--force"]);
    let error = place.bad(1, &["predict", "shop", "new.csv", "--text", "body", "--out", "x.csv"]);
    assert!(error.contains("body"), "{error}");
}

#[test]
fn device_and_precision_are_chosen_and_told() {
    let place = Place::new();
    place.project();
    let train = |more: &[&str]| place.json(&[&["train", "shop", "--json", "--set", "epochs=1"], more].concat());
    let (f32, bf16) = (train(&["--precision", "F32"]), train(&["--set", "precision=bf16", "--device", "cpu"]));
    assert_eq!((&f32["device"], &bf16["device"]), (&"CPU, f32".into(), &"CPU, bf16".into()));
    // The same run within rounding, and not the same bits: it was rounded.
    let loss = |outcome: &serde_json::Value| outcome["validation"]["loss"].as_f64().unwrap();
    assert!((loss(&f32) - loss(&bf16)).abs() < 0.02 && f32["validation"] != bf16["validation"], "{f32} {bf16}");
    let runs = place.json(&["runs", "shop", "--json"]);
    let devices: Vec<_> = runs["runs"].as_array().unwrap().iter().map(|run| run["device"].clone()).collect();
    assert_eq!(devices, ["CPU, bf16", "CPU, f32"], "the newest first");
    assert!(place.good(&["runs", "shop"]).contains("device"));
    // What was measured in bf16 is measured so again.
    let again = place.json(&["evaluate", "shop", "--json"]);
    assert_eq!(again["loss"], bf16["test"]["loss"]);
    place.bad(2, &["train", "shop", "--device", "abacus"]);
    if cfg!(not(feature = "cuda")) {
        let error = place.bad(1, &["train", "shop", "--device", "cuda"]);
        assert!(error.contains("NVIDIA") && error.contains("--features cuda"), "{error}");
        assert_eq!(fs::read_dir(place.path("shop/runs")).unwrap().count(), 2, "no run was begun");
    }
}

#[test]
fn a_models_patterns_are_applied_to_what_it_labels() {
    let place = Place::new();
    place.write("reviews.csv", reviews(20));
    let new = ["new", "shop", "--data", "reviews.csv", "--text", "review", "--label", "mood", "--model", TINY_BERT];
    place.good(&[&new[..], &["--replace", r"regex:gad(get|jet)s?=phone"]].concat());
    place.good(&["train", "shop", "--set", "epochs=1"]);
    place.write("new.csv", "review\nI love this Gadget\nI love this phone\nI love this book\n");
    place.good(&["predict", "shop", "new.csv", "--out", "out.csv"]);
    let out = place.read("out.csv");
    let answers: Vec<&str> = out.lines().filter_map(|line| Some(line.split_once(',')?.1)).collect();
    assert_eq!(answers[1], answers[2], "{out}");
    assert_ne!(answers[2], answers[3], "{out}");
}

#[test]
fn a_dry_run_tells_what_a_run_takes_and_leaves_nothing() {
    let place = Place::new();
    place.project();
    let settings = ["--json", "--set", "epochs=2", "--set", "batch_size=8"];
    let told = place.json(&[&["train", "shop", "--dry-run"][..], &settings].concat());
    assert!(!place.path("shop/runs").exists(), "nothing is written");
    assert!(told["total_seconds"].as_f64().unwrap() > told["train_seconds"].as_f64().unwrap());
    assert!(told["tokens_per_second"].as_f64().unwrap() > 0.0 && told["smaller"].is_null());
    let outcome = place.json(&[&["train", "shop"][..], &settings].concat());
    assert_eq!(told["steps"], outcome["steps"]);
    let (told_memory, peak) = (told["memory_bytes"].as_f64().unwrap(), outcome["peak_memory_mb"].as_f64().unwrap());
    // The tiny model needs next to nothing: this is the process itself, and holds the units.
    assert!(told_memory > 0.7e6 * peak && told_memory < 10e6 * peak, "{told_memory} {peak}");
    let human = place.good(&["train", "shop", "--dry-run", "--set", "training.trained_layers=head"]);
    assert!(human.contains("tokens/s") && human.contains("Memory: up to") && human.contains("Disk: up to"), "{human}");
}

#[test]
fn a_step_is_timed() {
    let place = Place::new();
    let bench =
        |length: &'static str| ["bench", "step", "--model", TINY_BERT, "--batch", "2", "--len", length, "--steps", "2"];
    let figures = place.json(&bench("8"));
    let figure = |name: &str| figures[name].as_f64().unwrap();
    let parts = figure("forward_ms") + figure("backward_ms") + figure("optimizer_ms");
    assert!(parts > 0.0 && figure("ms_per_step") > 0.0 && figure("peak_rss_mb") > 1.0, "{figures}");
    assert!((figure("tokens_per_second") * figure("ms_per_step") - 16e3).abs() < 1.0, "{figures}");
    assert!(figure("gemm_limit_gflops") > figure("gflops"), "{figures}");
    for precision in ["f32", "bf16"] {
        let figures = place.json(&[&bench("8")[..], &["--device", "cpu", "--precision", precision]].concat());
        assert_eq!(figures["device"], format!("CPU, {precision}"));
    }
    let huge = ["bench", "step", "--model", TINY_BERT, "--batch", "1000000000", "--len", "64"];
    let error = place.bad(1, &huge);
    assert!(error.contains("1000000000 texts of 64 tokens") && error.contains("GB are free"), "{error}");
    let error = place.bad(1, &bench("65"));
    assert!(error.contains("65") && error.contains("1 to 64"), "{error}");
}

#[test]
fn results_for_people() {
    let place = Place::new();
    place.project();
    let ended = place.hone(&["train", "shop", "--set", "epochs=1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for expected in ["1.00 epochs", "12 test rows: macro-F1", "most frequent label", "weighted average", "best"] {
        assert!(ended.out.contains(expected), "{expected} in {}", ended.out);
    }
    assert!(ended.err.contains("42 training, 6 validation and 12 test rows"), "{}", ended.err);
    assert!(ended.err.contains("validation macro-F1"), "{}", ended.err);
}

#[test]
fn given_files_are_used_as_they_are() {
    let place = Place::new();
    place.write("train.csv", reviews(10));
    place.write("rest.csv", reviews(20).replace("love", "like").replace("hate", "dislike"));
    let files = ["--data", "train.csv", "--validation", "rest.csv", "--test", "rest.csv"];
    let columns = ["--text", "review", "--label", "mood", "--model", super::TINY_BERT];
    place.good(&["new", "shop"].into_iter().chain(files).chain(columns).collect::<Vec<_>>());
    let outcome = place.json(&["train", "shop", "--set", "epochs=1", "--json"]);
    assert_eq!(outcome["rows"], serde_json::json!({ "train": 30, "validation": 60, "test": 60 }));
}

#[test]
fn a_project_that_moved_keeps_its_runs() {
    let place = Place::new();
    place.write("shop/data/reviews.csv", reviews(20));
    let columns = ["--text", "review", "--label", "mood", "--model", super::TINY_BERT];
    place.good(&["new", "shop", "--data", "shop/data/reviews.csv"].into_iter().chain(columns).collect::<Vec<_>>());
    let outcome = place.json(&["train", "shop", "--set", "epochs=1", "--json"]);
    let settings = format!("moved/runs/{}/settings.ron", outcome["run"].as_str().unwrap());
    fs::rename(place.path("shop"), place.path("moved")).unwrap();
    let stored = place.read(&settings);
    assert!(stored.contains("main: Some(\"data/reviews.csv\")"), "{stored}");
    let evaluated = place.json(&["evaluate", "moved", "--json"]);
    assert_eq!(evaluated["confusion"], outcome["test"]["confusion"]);

    // As runs were written at first: every path whole.
    let whole = place.path("moved/data/reviews.csv");
    place.write(&settings, stored.replace("\"data/reviews.csv\"", &format!("{whole:?}")));
    place.good(&["evaluate", "moved"]);
    let error =
        place.bad(1, &["predict", "moved", "moved/data/reviews.csv", "--out", "moved/data/reviews.csv", "--force"]);
    assert!(error.contains("reviews.csv is"), "{error}");
}

#[test]
#[cfg(unix)]
fn interrupting_keeps_the_best_so_far() {
    let place = Place::new();
    place.project();
    let arguments = ["train", "shop", "--json", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let process = place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_best(&place);
    let id = process.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = process.wait_with_output().unwrap();
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), outcome["stop_reason"].as_str()), (Some(0), Some("Stopped")));
    assert!(String::from_utf8(output.stderr).unwrap().contains("Press Ctrl-C again to quit now"));
    place.good(&["evaluate", "shop"]);
}

#[test]
#[cfg(unix)]
fn a_run_that_was_killed_leaves_a_model_to_use() {
    let place = Place::new();
    place.project();
    let arguments = ["train", "shop", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let mut process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_best(&place);
    assert!(place.good(&["runs", "shop"]).contains("training now"));
    let early = place.bad(1, &["evaluate", "shop"]);
    assert!(early.contains("still being trained"), "{early}");
    let run = place.json(&["runs", "shop", "--json"])["runs"][0]["run"].as_str().unwrap().to_owned();
    let early = place.bad(1, &["export", "shop", "--run", &run, "--format", "hf", "--out", "early"]);
    assert!(early.contains("still being trained"), "{early}");
    process.kill().unwrap();
    process.wait().unwrap();

    let ended = place.hone(&["evaluate", "shop"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.out.contains("(not finished)") && ended.err.contains("did not finish. Using its best checkpoint"),
        "{}",
        ended.err
    );
    assert!(place.good(&["runs", "shop"]).contains("not finished, checkpoint of step"));
    let listed = place.json(&["runs", "shop", "--json"])["runs"][0].clone();
    assert_eq!((listed["status"].as_str(), listed["stop_reason"].as_str()), (Some("cut off"), Some("CutOff")));
    assert!(listed["best_step"].as_u64() > Some(0) && listed["validation"]["rows"] == 6, "{listed}");
    let evaluated = place.json(&["evaluate", "shop", "--run", &run, "--json"]);
    assert_eq!((&evaluated["finished"], &evaluated["rows"]), (&false.into(), &12.into()));
    place.good(&["export", "shop", "--run", &run, "--format", "hf", "--out", "exported"]);
    assert!(place.read("exported/README.md").contains("ended before its time"));
    place.good(&["export", "shop", "--format", "safetensors", "--out", "weights"]);
    let error = place.bad(1, &["export", "shop", "--format", "predictions", "--out", "said"]);
    assert!(error.contains("ended too early"), "{error}");
    place.good(&["predict", "shop", "reviews.csv", "--out", "labelled.csv"]);

    let finished = place.json(&["train", "shop", "--set", "epochs=1", "--json"]);
    let evaluated = place.json(&["evaluate", "shop", "--json"]);
    assert_eq!((&evaluated["run"], &evaluated["finished"]), (&finished["run"], &true.into()));
    let listed = place.json(&["runs", "shop", "--json"])["runs"][0].clone();
    for name in ["run", "steps", "epochs", "train_seconds", "peak_memory_mb", "stop_reason", "best_step", "test"] {
        assert_eq!(listed[name], finished[name], "{name}");
    }
}

#[cfg(unix)]
fn wait_for_best(place: &Place) {
    let began = Instant::now();
    while !any_best(place) {
        assert!(began.elapsed() < Duration::from_mins(1), "no evaluation within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(unix)]
fn any_best(place: &Place) -> bool {
    let Ok(runs) = fs::read_dir(place.path("shop/runs")) else { return false };
    runs.flatten().any(|run| run.path().join("best/model.safetensors").is_file())
}
