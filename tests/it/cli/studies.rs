//! `hone cv`, `hone seeds`, `hone search` and `hone studies`: several runs that answer one question.

use std::collections::BTreeSet;
use std::process::Stdio;
#[cfg(unix)]
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::Value;

use super::{Place, reviews};
use hone::storage::{RunFolder, StopRequest, StudyFolder, StudyPredictions, StudyState};

fn shop(rows: usize) -> Place {
    let place = Place::new();
    place.project();
    place.write("reviews.csv", reviews(rows));
    place
}

fn values(outcome: &Value) -> Vec<f64> {
    let values = outcome["metrics"]["loss"]["values"].as_array().unwrap();
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn every_row_is_tested_once_by_a_model_that_did_not_learn_from_it() {
    let place = shop(60);
    let outcome = place.json(&["cv", "shop", "--folds", "3", "--set", "epochs=1", "--json"]);
    assert_eq!((&outcome["kind"], &outcome["state"]), (&"cross_validation".into(), &"finished".into()));
    let folds = outcome["folds"].as_array().unwrap();
    let rows = |side: &str| folds.iter().map(|fold| fold["rows"][side].as_u64().unwrap()).sum::<u64>();
    assert_eq!((folds.len(), rows("test")), (3, outcome["out_of_fold"]["metrics"]["rows"].as_u64().unwrap()));
    assert!(rows("validation") > 0, "each fold has rows that choose the checkpoint: {folds:?}");
    // Each fold trains, validates and tests on all rows of the project.
    assert_eq!(rows("train") + rows("validation") + rows("test"), 3 * rows("test"));
    let spread = &outcome["metrics"]["loss"];
    let mean = values(&outcome).iter().sum::<f64>() / 3.0;
    assert!((spread["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{spread}");
    let [low, high] = [0, 1].map(|end| spread["interval"][end].as_f64().unwrap());
    assert!(low < mean && mean < high, "{spread}");
    let folder = place.path("shop/studies").join(outcome["study"].as_str().unwrap());
    let study = StudyFolder::find(&place.path("shop"), None).unwrap();
    let tested = study.read_predictions(StudyPredictions::OutOfFold).unwrap();
    let ids: BTreeSet<String> = tested.iter().map(|row| row.id.to_string()).collect();
    assert_eq!((ids.len() as u64, tested.len() as u64), (rows("test"), rows("test")), "no row twice");
    // Weights of the folds are not kept, and they are no runs of the project.
    let run = folder.join("runs").join(folds[0]["run"].as_str().unwrap());
    assert!(run.join("predictions.parquet").exists() && !run.join("best").exists());
    assert!(place.json(&["runs", "shop", "--json"])["runs"].as_array().unwrap().is_empty());
}

#[test]
fn the_terminal_says_what_a_study_found() {
    let place = shop(60);
    let shown = place.terminal_without_numbers(
        "
        hone cv shop --folds 2 --set epochs=1
        hone seeds shop --seeds 2 --set epochs=1
        hone studies shop
        ",
    );
    assert_snapshot!(shown, @r"
    $ hone cv shop --folds # --set epochs=#
    Cross-validation [run]: # of # folds, trained in [time].

    fold  trained on  tested on  macro-F1  accuracy    loss  run
     # # # # # #  [run]
     # # # # # #  [run]

    Macro-F1 # on average (standard deviation #, # interval # to #).
    Accuracy # on average (standard deviation #, # interval # to #).
    Loss # on average (standard deviation #, # interval # to #).

    All # rows together, each predicted by a model that was not trained on it: macro-F1 # (# interval # to #).
    The answers are in shop/studies/[run]/predictions.parquet.
    ! Reading the file
    ! Finding rows: # B of # KiB
    ! Cleaning texts
    ! Comparing texts
    ! Finding near-duplicates
    ! Checking for leakage
    ! Fold # of #.
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
    ! Fold # of #.
    ! Loading the model
    ! Tokenising
    ! Run [run]: # training, # validation and # test rows; # steps; [device]
    ! Evaluating on the validation set
    ! Epoch #, step #: validation macro-F1 #, accuracy #, loss # (best so far)
    ! Evaluating on the test set

    $ hone seeds shop --seeds # --set epochs=#
    Repeated seeds [run]: # of # seeds, trained in [time].

    seed  trained on  tested on  macro-F1  accuracy    loss  run
     # # # # # #  [run]
     # # # # # #  [run]

    Macro-F1 # on average (standard deviation #, # interval # to #).
    Accuracy # on average (standard deviation #, # interval # to #).
    Loss # on average (standard deviation #, # interval # to #).

    Two runs of these settings differ by up to # in macro-F1 by chance alone, in # of # pairs: a smaller gain says little.
    ! Reading the file
    ! Finding rows: # B of # KiB
    ! Cleaning texts
    ! Comparing texts
    ! Finding near-duplicates
    ! Checking for leakage
    ! Seed # of #.
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
    ! Seed # of #.
    ! Loading the model
    ! Tokenising
    ! Run [run]: # training, # validation and # test rows; # steps; [device]
    ! Evaluating on the validation set
    ! Epoch #, step #: validation macro-F1 #, accuracy #, loss # (best so far)
    ! Evaluating on the test set

    $ hone studies shop
    study                   kind              trials  state     result
    [run]  Repeated seeds #  finished  macro-F1 # on average (standard deviation #, # interval # to #)
    [run]  Cross-validation #  finished  macro-F1 # on average (standard deviation #, # interval # to #)
    ");
}

#[test]
fn what_cannot_be_divided_or_resumed_is_said() {
    let place = shop(60);
    assert_snapshot!(
        place.terminal(
            "
            hone cv shop --folds 1
            hone cv shop --resume
            hone seeds shop --resume --study x
            hone studies shop
            hone studies shop --study x
            hone cv shop --set no_such=1
            hone seeds shop --seeds 2 --set lr=1e9 --set epochs=5
            hone search shop --over lr=1e-4
            hone search shop --over lr=1e-4..1e-3:log,lr=1..2
            hone search shop --set training.trained_layers=Instant
            hone search shop --resume
            "
        ),
        @r"
        $ hone cv shop --folds 1
        ! error: invalid value '1' for '--folds <N>': 1 is not in 2..=50
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone cv shop --resume
        ! Error: No cross-validation of this project was interrupted, so there is nothing to resume. Leave out --resume.
        exit code 1

        $ hone seeds shop --resume --study x
        ! Error: There is no study 'x' in shop. Begin one with `hone cv`, `hone seeds`, `hone learning-curve` or `hone search`.
        exit code 1

        $ hone studies shop
        No studies yet. Begin one with `hone cv`, `hone seeds`, `hone learning-curve` or `hone search`.

        $ hone studies shop --study x
        ! Error: There is no study 'x' in shop. Begin one with `hone cv`, `hone seeds`, `hone learning-curve` or `hone search`.
        exit code 1

        $ hone cv shop --set no_such=1
        ! Error: There is no setting 'no_such'. Did you mean epochs, warmup, seed, device?
        exit code 2

        $ hone seeds shop --seeds 2 --set lr=1e9 --set epochs=5
        ! Reading the file
        ! Finding rows: 15 B of 8.0 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ! Seed 1 of 2.
        ! Loading the model
        ! Training on [device].
        ! Loaded 39 tensors. Training all 30,531 parameters.
        ! The model was fine-tuned for 3 other labels (negative, neutral, positive): it keeps what it knows of language, and learns your labels from scratch.
        ! Warning: The model reads at most 64 tokens: longer texts are truncated.
        ! Tokenising
        ! Warning: Only 20 optimizer steps are planned. As a rule of thumb, a model needs 100 or more to learn its labels; with fewer, it often predicts the same label for every row. More rows, more epochs or a smaller batch size give more steps.
        ! Run [run]: 126 training, 18 validation and 36 test rows; 20 steps; [device]
        ! The study [run] keeps what is done. Go on with it: add --resume.
        ! Error: Seed 1 of 2: Training diverged: the loss was not a number at step 4, at a learning rate of 9.4e8. Lower the learning rate, for example to 1e-4, keep gradient clipping on, and train again. There was no evaluation before that, so nothing was kept.
        exit code 1

        $ hone search shop --over lr=1e-4
        ! Error: 'lr=1e-4' is not a range to search. Write a setting with its lowest and highest value, such as lr=1e-5..1e-4:log, or with its choices, such as batch_size=8|16|32.
        exit code 2

        $ hone search shop --over lr=1e-4..1e-3:log,lr=1..2
        ! Error: 'lr' is searched twice. Give each setting one range.
        exit code 2

        $ hone search shop --set training.trained_layers=Instant
        ! Error: An instant model has no learning rate, batches or epochs to search. Say what to search with --over.
        exit code 2

        $ hone search shop --resume
        ! Error: No search of this project was interrupted, so there is nothing to resume. Leave out --resume.
        exit code 1
        "
    );
    let few = shop(10).bad(1, &["cv", "shop", "--folds", "50"]);
    assert!(few.contains("of 50 would have no rows to test on. Choose fewer folds"), "{few}");
}

#[test]
fn seeds_train_the_same_rows_from_other_random_numbers() {
    let place = shop(60);
    let outcome = place.json(&["seeds", "shop", "--seeds", "3", "--set", "epochs=1", "--set", "seed=7", "--json"]);
    let seeds = outcome["seeds"].as_array().unwrap();
    let of = |name: &str| seeds.iter().map(|seed| seed[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("seed"), [7, 8, 9].map(Value::from));
    assert!(of("rows").iter().all(|rows| *rows == seeds[0]["rows"]));
    let losses = values(&outcome);
    assert!((losses[0] - losses[1]).abs() > 0.0, "{losses:?}");
    // The first is what a run of the project itself would be.
    let run = place.json(&["train", "shop", "--set", "epochs=1", "--set", "seed=7", "--json"]);
    assert_eq!(run["test"]["loss"].as_f64(), Some(losses[0]));
}

#[test]
#[cfg(unix)]
fn a_study_that_another_process_stops_can_go_on() {
    let place = shop(60);
    let endless = ["cv", "shop", "--folds", "2", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let mut process = place.command(&endless).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let studies = || StudyFolder::list(&place.path("shop")).unwrap();
    let begun = Instant::now();
    while studies().first().is_none_or(|study| study.trials().unwrap().is_empty()) {
        assert!(begun.elapsed() < Duration::from_mins(1) && process.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    studies()[0].ask_to_stop().unwrap();
    assert!(!process.wait().unwrap().success(), "it was stopped");
    assert_eq!(studies()[0].state(), StudyState::Interrupted);
    assert!(!StopRequest::of(studies()[0].path()).is_there(), "it was heard");
    // A request that nobody heard does not stop the next process.
    std::fs::write(studies()[0].path().join(".stop"), "").unwrap();
    let mut process =
        place.command(&["cv", "shop", "--resume"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert!(process.try_wait().unwrap().is_none(), "it goes on");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
#[cfg(unix)]
fn a_killed_study_does_not_do_again_what_is_done() {
    let place = shop(60);
    let arguments = ["cv", "shop", "--folds", "3", "--set", "epochs=40", "--set", "early_stopping=none"];
    let undisturbed = place.json(&[&arguments[..], &["--json"]].concat());
    let mut process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let newest = || place.json(&["studies", "shop", "--json"])["studies"][0].clone();
    // Until its first fold is done and the second has begun.
    while newest()["study"] == undisturbed["study"] || newest()["folds"].as_array().unwrap().len() < 2 {
        assert!(begun.elapsed() < Duration::from_mins(2) && process.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let before = newest();
    assert_eq!(before["state"], "interrupted");
    let resumed = place.json(&["cv", "shop", "--resume", "--json"]);
    assert_eq!((&resumed["study"], &resumed["state"]), (&before["study"], &"finished".into()));
    let runs = |outcome: &Value, most: usize| -> Vec<Value> {
        outcome["folds"].as_array().unwrap().iter().take(most).map(|fold| fold["run"].clone()).collect()
    };
    assert_eq!(runs(&resumed, 1), runs(&before, 1), "the first fold is the one that was done");
    assert_eq!(runs(&resumed, 2).len(), 2);
    assert_eq!(resumed["metrics"], undisturbed["metrics"], "as if nobody had killed it");
    assert_eq!(resumed["out_of_fold"], undisturbed["out_of_fold"]);
    let nothing = place.bad(1, &["cv", "shop", "--resume"]);
    assert!(nothing.contains("No cross-validation of this project was interrupted"), "{nothing}");
}

/// A short search of the learning rate.
const SEARCH: [&str; 8] =
    ["search", "shop", "--over", "lr=1e-5..1e-2:log,batch_size=4|8", "--trials", "6", "--set", "epochs=4"];

#[test]
fn a_search_tries_settings_on_the_validation_rows_and_tests_once() {
    let place = shop(120);
    let outcome = place.json(&[&SEARCH[..], &["--json"]].concat());
    let trials = outcome["trials"].as_array().unwrap();
    assert_eq!((trials.len(), &outcome["state"], &outcome["metric"]), (6, &"finished".into(), &"macro_f1".into()));
    assert_eq!(trials[0]["settings"], serde_json::json!({}), "the first has the project's own settings");
    for trial in &trials[1..] {
        let rate: f64 = trial["settings"]["lr"].as_str().unwrap().parse().unwrap();
        let batch = trial["settings"]["batch_size"].as_str().unwrap();
        assert!((1e-5..=1e-2).contains(&rate) && ["4", "8"].contains(&batch), "{trial}");
        assert_eq!(trial["rows"]["test"], 0, "no trial sees test rows: {trial}");
    }
    let scores: Vec<f64> = trials.iter().map(|trial| trial["score"].as_f64().unwrap()).collect();
    let best = scores.iter().copied().fold(0.0, f64::max);
    assert_eq!(outcome["best"]["score"].as_f64(), Some(best), "{scores:?}");
    // Only the best keeps its weights, and a run of these settings has the same result.
    let folder = place.path("shop/studies").join(outcome["study"].as_str().unwrap());
    for trial in trials {
        let run = RunFolder::open(&folder.join("runs").join(trial["run"].as_str().unwrap())).unwrap();
        assert_eq!(run.best().exists(), trial["number"] == outcome["best"]["number"], "{trial}");
    }
    let settings = outcome["best"]["settings"].as_object().unwrap();
    let mut train = ["train", "shop", "--json", "--set", "epochs=4"].map(str::to_owned).to_vec();
    for (name, value) in settings {
        train.extend(["--set".to_owned(), format!("{name}={}", value.as_str().unwrap())]);
    }
    let run = place.json(&train.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(outcome["best"]["stop_reason"], "Completed");
    assert_eq!(run["validation"]["macro_f1"], outcome["best"]["score"]);
    let gain = &outcome["gain"];
    assert_eq!((&run["test"]["macro_f1"], &run["rows"]["test"]), (&gain["macro_f1"], &gain["test_rows"]));
    // Trials end early when others did better after as many epochs.
    let reasons: BTreeSet<&str> = trials.iter().map(|trial| trial["stop_reason"].as_str().unwrap()).collect();
    assert!(reasons.contains("FellBehind"), "{reasons:?}");
    let again = place.json(&[&SEARCH[..], &["--json"]].concat());
    let tried = |outcome: &Value| -> Vec<Value> {
        outcome["trials"].as_array().unwrap().iter().map(|trial| trial["settings"].clone()).collect()
    };
    assert_eq!(tried(&again), tried(&outcome), "the same search again tries the same");
}

#[test]
fn the_terminal_says_what_a_search_found_and_trials_that_fail_do_not_end_it() {
    let place = shop(120);
    let shown = place.terminal("hone search shop --over 'lr=1e-9|1e30|3e-3' --trials 5 --set epochs=2 --no-halving");
    let shown: Vec<&str> = shown.lines().filter(|line| !line.starts_with('!')).collect();
    let shown = super::without_numbers(&shown.join("\n"));
    assert!(shown.contains("failed") && shown.contains("Train with them: hone train"), "{shown}");
    assert_snapshot!(place.terminal_without_numbers("hone studies shop"), @r"
    $ hone studies shop
    study                   kind    trials  state     result
    [run]  Search #  finished  best validation macro-F1 #, trial #
    ");
}

#[test]
#[cfg(unix)]
fn a_killed_search_goes_on_as_if_nobody_had_killed_it() {
    let place = shop(120);
    let arguments = [&SEARCH[..], &["--no-halving"]].concat();
    let undisturbed = place.json(&[&arguments[..], &["--json"]].concat());
    let mut process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let newest = || place.json(&["studies", "shop", "--json"])["studies"][0].clone();
    while newest()["study"] == undisturbed["study"] || newest()["trials"].as_array().unwrap().len() < 3 {
        assert!(begun.elapsed() < Duration::from_mins(2) && process.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let resumed = place.json(&["search", "shop", "--resume", "--json"]);
    let found = |outcome: &Value| -> Vec<Value> {
        let trials = outcome["trials"].as_array().unwrap();
        trials.iter().map(|trial| serde_json::json!([trial["number"], trial["settings"], trial["score"]])).collect()
    };
    assert_eq!(found(&resumed), found(&undisturbed));
    assert_eq!(resumed["gain"], undisturbed["gain"]);
}
