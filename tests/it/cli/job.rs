//! The main job in the terminal: train, look, predict, export.

use std::fs;
use std::process::Stdio;

use insta::assert_snapshot;

#[cfg(unix)]
use crate::cli::wait_for_best;
use crate::cli::{Place, TINY_BERT, reviews, steady, without_numbers};

#[test]
fn from_reviews_to_an_exported_model() {
    let place = Place::new();
    place.project();
    let train = ["train", "shop", "--json", "--set", "epochs=2", "--set", "lr=1e-3", "--set", "batch_size=8"];
    let outcome = place.json(&train);
    let run = outcome["run"].as_str().unwrap();
    assert!(place.path("shop/runs").join(run).join("best/model.safetensors").is_file());
    assert_eq!(outcome["steps"], 12, "42 training rows in batches of 8, two epochs");
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
    assert_snapshot!(
        place.terminal_without_numbers(&format!(
            "
            hone evaluate shop --run {run} --data reviews.csv
            hone runs shop
            "
        )),
        @r"
        $ hone evaluate shop --run [run] --data reviews.csv
        Run [run], [folder]/reviews.csv: # rows, macro-F1 #, accuracy #, loss #.

        label             precision  recall     F1  rows
        bad # # # #
        fair # # # #
        good # # # #
        macro average # # # #
        weighted average # # # #
        micro average # # # #

        true \ predicted  bad  fair  good
        bad # # #
        fair # # #
        good # # #

        metric                   value # interval
        Accuracy # # to #
        Balanced accuracy # # to #
        Matthews correlation #  -# to #
        Cohen's kappa #  -# to #
        Macro ROC AUC #
        Macro average precision #
        Log loss # # to #
        Brier score # # to #
        Calibration error #
        ! Reading the file
        ! Finding rows: # B of # KiB
        ! Predicting

        $ hone runs shop
        no  run                     when      trained                 time  validation macro-F1  test macro-F1     disk  status
         #  [run]  just now  tiny-bert, all layers [time] # # # KiB  finished every epoch
        "
    );

    place.write("new.csv", "review,more\nI love this phone,1\n  ,2\n\"I hate it, broken\",3\n");
    let predicted = place.json(&["predict", "shop", "new.csv", "--out", "labelled.csv", "--json"]);
    assert_eq!((&predicted["rows"], &predicted["empty"]), (&2.into(), &1.into()));
    let labelled = place.read("labelled.csv");
    assert_eq!(
        labelled.lines().next(),
        Some("\u{feff}review,more,predicted,probability_bad,probability_fair,probability_good")
    );
    assert_eq!(labelled.lines().count(), 4);

    let exported = place.json(&["export", "shop", "--format", "hf", "--out", "exported", "--json"]);
    assert!(!exported["proof"].as_str().unwrap().is_empty());
    place.good(&["predict", "exported", "new.csv", "--out", "again.csv"]);
    assert_eq!(place.read("again.csv"), labelled);
    assert_snapshot!(
        place.terminal_without_numbers(
            "
            hone export shop --format hf --out exported
            hone export shop --format hf --out exported-again
            hone export shop --format safetensors --out weights
            hone export shop --format predictions --out predictions.csv
            hone predict exported new.csv --out again.csv
            hone predict exported new.csv --out again.csv --force
            hone predict shop new.csv --text body --out x.csv
            "
        ),
        @r"
        $ hone export shop --format hf --out exported
        ! Error: The folder [folder]/exported is not empty. Choose a new or an empty folder, so that nothing is overwritten.
        exit code 1

        $ hone export shop --format hf --out exported-again
        Exported run [run] to [folder]/exported-again.
        Reopened and compared with the trained model on # test rows: the answers are identical
        ! Copying config.json
        ! Copying hone.ron
        ! Copying model.safetensors
        ! Copying tokenizer.json
        ! Copying tokenizer_config.json
        ! Copying vocab.txt
        ! Reopening the export
        ! Comparing the export with the model

        $ hone export shop --format safetensors --out weights
        Exported run [run] to [folder]/weights/model.safetensors.
        Reopened and compared with the trained model on # test rows: the answers are identical
        ! Writing the weights
        ! Reopening the export
        ! Comparing the export with the model

        $ hone export shop --format predictions --out predictions.csv
        Exported run [run] to [folder]/predictions.csv.
        Read back and compared with the test set: # rows, # of them correct
        ! Writing the predictions
        ! Comparing the predictions

        $ hone predict exported new.csv --out again.csv
        ! Error: 'again.csv' already exists. Choose another --out, or add --force to replace it.
        exit code 1

        $ hone predict exported new.csv --out again.csv --force
        Wrote predictions for # rows to [folder]/again.csv, with the model in [folder]/exported.
        # row has no text left after cleaning, and so no prediction.

        predicted  rows  share
        bad # #
        fair # #
        good # #
        (no text) # #
        ! Reading the file
        ! Finding rows: # B of # B
        ! Predicting
        ! Writing the file

        $ hone predict shop new.csv --text body --out x.csv
        ! Reading the file
        ! Finding rows: # B of # B
        ! Error: [folder]/new.csv has no column 'body'. Its columns: review, more. If 'review' is the text, add --text review.
        exit code 1
        "
    );
}

#[test]
fn device_and_precision_follow_the_settings_and_are_recorded() {
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
    // What was measured in bf16 is measured so again.
    let again = place.json(&["evaluate", "shop", "--json"]);
    assert_eq!(again["loss"], bf16["test"]["loss"]);
    assert_snapshot!(place.terminal("hone train shop --device abacus"), @r"
        $ hone train shop --device abacus
        ! error: invalid value 'abacus' for '--device <DEVICE>'
        !   [possible values: auto, cpu, cuda, metal]
        ! 
        ! For more information, try '--help'.
        exit code 2
        ");
    if cfg!(not(feature = "cuda")) {
        assert_snapshot!(place.terminal("hone train shop --device cuda"), @r"
            $ hone train shop --device cuda
            ! Error: The NVIDIA GPU cannot be used: this build of Hone supports only the CPU. On a machine with an NVIDIA GPU and its CUDA toolkit, build it with `cargo build --release --features cuda`. Or set the device to Auto.
            exit code 1
            ");
        assert_eq!(fs::read_dir(place.path("shop/runs")).unwrap().count(), 2, "no run was begun");
    }
}

#[test]
fn patterns_of_a_model_are_applied_to_the_texts_it_classifies() {
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
fn bench_times_a_training_step() {
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
    assert_snapshot!(
        place.terminal(
            "
            hone bench step --model TINY_BERT --batch 1000000000 --len 64
            hone bench step --model TINY_BERT --batch 2 --len 65
            "
        ),
        @r"
        $ hone bench step --model TINY_BERT --batch 1000000000 --len 64
        ! Error: The setting batch size cannot be 1000000000. 1000000000 texts of 64 tokens in one batch need about [size], but only [size] is free. Use fewer or shorter texts.
        exit code 1

        $ hone bench step --model TINY_BERT --batch 2 --len 65
        ! Error: The setting length cannot be 65. Use 1 to 64, the most that the model reads.
        exit code 1
        "
    );
}

#[test]
fn training_shows_progress_and_results() {
    let place = Place::new();
    place.project();
    assert_snapshot!(place.terminal_without_numbers("hone train shop --set epochs=1"), @r"
        $ hone train shop --set epochs=#
        Run [run]: # steps, # epochs in [time] ([speed] tokens/s); finished every epoch; best checkpoint at step #.

        On # test rows: macro-F1 #, accuracy #, loss #.
        Majority baseline (always the most frequent label): macro-F1 #, accuracy #, loss #.
        TF-IDF baseline (with logistic regression): macro-F1 #, accuracy #, loss #.
        Instant baseline (the model before training, with logistic regression on at most # rows): macro-F1 #, accuracy #, loss #.
        Verdict: unclear. # rows are too few to tell; # or more are needed.
        What would most likely help: label more rows, or choose a larger test set.

        label             precision  recall     F1  rows
        bad # # # #
        fair # # # #
        good # # # #
        macro average # # # #
        weighted average # # # #
        micro average # # # #

        true \ predicted  bad  fair  good
        bad # # #
        fair # # #
        good # # #

        The trained model is in shop/runs/[run]/best.
        ! Reading the file
        ! Finding rows: # B of # KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ! Loading the model
        ! Training on [device].
        ! Loaded # tensors. Training all # parameters.
        ! The model was fine-tuned for # other labels (negative, neutral, positive): it keeps what it knows of language, and learns your labels from scratch.
        ! Warning: The model reads at most # tokens: longer texts are truncated.
        ! Tokenising
        ! Warning: Only # optimizer steps are planned. As a rule of thumb, a model needs # or more to learn its labels; with fewer, it often predicts the same label for every row. More rows, more epochs or a smaller batch size give more steps.
        ! Run [run]: # training, # validation and # test rows; # steps; [device]
        ! Evaluating on the validation set
        ! Epoch #, step #: validation macro-F1 #, accuracy #, loss # (best so far)
        ! Evaluating on the test set
        ! Fitting the instant baseline
        ! Evaluating the instant baseline
        ! Fitting the TF-IDF baseline
        ");
}

#[test]
fn validation_and_test_files_are_used_as_they_are() {
    let place = Place::new();
    place.write("train.csv", reviews(10));
    place.write("rest.csv", reviews(20).replace("love", "like").replace("hate", "dislike"));
    let files = ["--data", "train.csv", "--validation", "rest.csv", "--test", "rest.csv"];
    let columns = ["--text", "review", "--label", "mood", "--model", TINY_BERT];
    place.good(&["new", "shop"].into_iter().chain(files).chain(columns).collect::<Vec<_>>());
    let outcome = place.json(&["train", "shop", "--set", "epochs=1", "--json"]);
    assert_eq!(outcome["rows"], serde_json::json!({ "train": 30, "validation": 60, "test": 60 }));
}

#[test]
fn a_project_that_moved_keeps_its_runs() {
    let place = Place::new();
    place.write("shop/data/reviews.csv", reviews(20));
    let columns = ["--text", "review", "--label", "mood", "--model", TINY_BERT];
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
    assert_snapshot!(
        place.terminal("hone predict moved moved/data/reviews.csv --out moved/data/reviews.csv --force"),
        @r"
        $ hone predict moved moved/data/reviews.csv --out moved/data/reviews.csv --force
        ! Error: [folder]/moved/data/reviews.csv is the input file. Choose another output file.
        exit code 1
        "
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_training_and_keeps_the_best_checkpoint() {
    let place = Place::new();
    place.project();
    let arguments = ["train", "shop", "--json", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let process = place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_best(&place);
    let id = process.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = process.wait_with_output().unwrap();
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), outcome["stop_reason"].as_str()), (Some(3), Some("Stopped")));
    assert_eq!(outcome["next_step"], "Train again to the end");
    assert!(outcome["reason"].as_str().unwrap().contains(". You stopped after "), "{outcome}");
    let progress = String::from_utf8(output.stderr).unwrap();
    assert_snapshot!(progress.lines().find(|line| line.contains("Ctrl-C")).unwrap(), @"Stopping cleanly. Press Ctrl-C again to quit now.");
    place.good(&["evaluate", "shop"]);
}

#[test]
#[cfg(unix)]
fn kill_during_training_keeps_the_last_checkpoint() {
    let place = Place::new();
    place.project();
    let arguments = ["train", "shop", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let mut process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_best(&place);
    assert_snapshot!(
        place.terminal(
            "
            hone runs shop
            hone evaluate shop
            hone export shop --format hf --out early
            "
        ),
        @r"
        $ hone runs shop
        no  run                     when      trained                 time  validation macro-F1  test macro-F1  disk  status
         1  [run]  just now  tiny-bert, all layers  [time]                    -              -     -  training now

        $ hone evaluate shop
        ! Error: The run [run] is still being trained. Wait for it to end, or stop it, and try again.
        exit code 1

        $ hone export shop --format hf --out early
        ! Error: The run [run] is still being trained. Wait for it to end, or stop it, and try again.
        exit code 1
        "
    );
    let run = place.json(&["runs", "shop", "--json"])["runs"][0]["run"].as_str().unwrap().to_owned();
    process.kill().unwrap();
    process.wait().unwrap();

    assert_snapshot!(
        place.terminal_without_numbers(
            "
            hone evaluate shop
            hone runs shop
            hone export shop --format predictions --out said
            hone export shop --format safetensors --out weights
            "
        ),
        @r"
        $ hone evaluate shop
        Run [run] (not finished), test set: # rows, macro-F1 #, accuracy #, loss #.

        label             precision  recall     F1  rows
        bad # # # #
        fair # # # #
        good # # # #
        macro average # # # #
        weighted average # # # #
        micro average # # # #

        true \ predicted  bad  fair  good
        bad # # #
        fair # # #
        good # # #

        metric                   value # interval
        Accuracy #
        Balanced accuracy #
        Matthews correlation #
        Cohen's kappa #
        Macro ROC AUC #
        Macro average precision #
        Log loss #
        Brier score #
        Calibration error #
        ! Note: run [run] did not finish. Using its best checkpoint, from step #. Hone quit or crashed during training.
        ! Reading the file
        ! Finding rows: # B of # KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Predicting
        ! Fitting the TF-IDF baseline
        ! Run [run] now has its predictions, interval and baselines.

        $ hone runs shop
        no  run                     when      trained                 time  validation macro-F1  test macro-F1     disk  status
         #  [run]  just now  tiny-bert, all layers [time] # # # KiB  interrupted

        The newest run was interrupted after step #. To go on from step #: hone train shop --resume

        $ hone export shop --format predictions --out said
        Exported run [run] to [folder]/said/predictions.csv.
        Read back and compared with the test set: # rows, # of them correct
        ! Note: run [run] did not finish. Using its best checkpoint, from step #.
        ! Writing the predictions
        ! Comparing the predictions

        $ hone export shop --format safetensors --out weights
        Exported run [run] to [folder]/weights/model.safetensors.
        Reopened and compared with the trained model on # test rows: the answers are identical
        ! Note: run [run] did not finish. Using its best checkpoint, from step #.
        ! Writing the weights
        ! Reopening the export
        ! Comparing the export with the model
        "
    );
    let listed = place.json(&["runs", "shop", "--json"])["runs"][0].clone();
    assert_eq!((listed["status"].as_str(), listed["stop_reason"].as_str()), (Some("cut off"), Some("CutOff")));
    assert!(listed["best_step"].as_u64() > Some(0) && listed["validation"]["rows"] == 6, "{listed}");
    let evaluated = place.json(&["evaluate", "shop", "--run", &run, "--json"]);
    assert_eq!((&evaluated["finished"], &evaluated["rows"]), (&false.into(), &12.into()));
    place.good(&["export", "shop", "--run", &run, "--format", "hf", "--out", "exported"]);
    let card = place.read("exported/README.md");
    let ending = card.lines().find(|line| line.contains("ended")).unwrap();
    assert_snapshot!(without_numbers(&steady(ending)), @"# optimizer steps (# epochs) in [time], ended early because of an error or a crash; the weights are those of step #.");
    place.good(&["predict", "shop", "reviews.csv", "--out", "labelled.csv"]);

    let finished = place.json(&["train", "shop", "--set", "epochs=1", "--json"]);
    let evaluated = place.json(&["evaluate", "shop", "--json"]);
    assert_eq!((&evaluated["run"], &evaluated["finished"]), (&finished["run"], &true.into()));
    let listed = place.json(&["runs", "shop", "--json"])["runs"][0].clone();
    for name in ["run", "steps", "epochs", "train_seconds", "peak_memory_mb", "stop_reason", "best_step", "test"] {
        assert_eq!(listed[name], finished[name], "{name}");
    }
}
