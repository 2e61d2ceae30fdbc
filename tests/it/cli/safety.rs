//! What is kept from harm: the model that commands take, files that were not asked for, and the network.

use std::fs;
use std::process::Stdio;

use insta::assert_snapshot;

use super::*;

/// Trains with Ctrl-C soon after the first checkpoint.
#[cfg(unix)]
fn train_and_stop(place: &Place, runs_before: usize) {
    let arguments = ["train", "shop", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_runs_with_best(place, runs_before + 1);
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(process.wait_with_output().unwrap().status.code(), Some(3));
}

#[test]
#[cfg(unix)]
fn commands_take_the_newest_run_that_trained_to_its_end_and_say_so() {
    let place = Place::new();
    place.project();
    train_and_stop(&place, 0);
    assert_snapshot!(place.terminal_without_numbers("hone evaluate shop"), @r"
    $ hone evaluate shop
    Run [run], test set: # rows, macro-F1 #, accuracy #, loss #.

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
    ! Note: run [run] was stopped early, and no run trained to its end. Using its best checkpoint, from step #.
    ! Reading the file
    ! Finding rows: # B of # KiB
    ! Cleaning texts
    ! Comparing texts
    ! Finding near-duplicates
    ! Predicting
    ");
    place.good(&["train", "shop", "--set", "epochs=1"]);
    train_and_stop(&place, 2);
    assert_snapshot!(place.terminal_without_numbers("hone predict shop reviews.csv --out said.csv"), @r"
        $ hone predict shop reviews.csv --out said.csv
        Wrote predictions for # rows to [folder]/said.csv, with the model in [folder]/shop/runs/[run]/best.
        Every row got the label 'bad'. Check that the text column is the right one, that the texts are like those the model was trained on, and that it was trained long enough.

        predicted  rows  share
        bad # #
        fair # #
        good # #
        ! Note: using run [run], the newest that trained to its end. Run [run] was stopped early; use it with --run [run].
        ! Reading the file
        ! Finding rows: # B of # KiB
        ! Predicting
        ! Writing the file
        ");
    let runs = place.json(&["runs", "shop", "--json"]);
    let [newest, ended] = [&runs["runs"][0], &runs["runs"][1]];
    assert_eq!([newest["stop_reason"].as_str(), ended["stop_reason"].as_str()], [Some("Stopped"), Some("Completed")]);
    let exported = place.json(&["export", "shop", "--format", "hf", "--out", "model", "--json"]);
    assert_eq!(exported["run"], ended["run"]);
    let newest = newest["run"].as_str().unwrap();
    let exported = place.json(&["export", "shop", "--format", "hf", "--out", "other", "--run", newest, "--json"]);
    assert_eq!(exported["run"], newest);
}

#[test]
#[cfg(unix)]
fn outputs_replace_only_plain_files_outside_of_runs() {
    let place = Place::new();
    place.project();
    place.good(&["train", "shop", "--set", "epochs=1"]);
    std::os::unix::fs::symlink("nowhere", place.path("link.csv")).unwrap();
    let run = fs::read_dir(place.path("shop/runs")).unwrap().next().unwrap().unwrap().file_name();
    let status = format!("shop/runs/{}/status.ron", run.to_str().unwrap());
    let before = place.read(&status);
    assert_snapshot!(
        place.terminal(&format!(
            "
            hone predict shop reviews.csv --out link.csv
            hone predict shop reviews.csv --out link.csv --force
            hone predict shop reviews.csv --out /dev/null --force
            hone predict shop reviews.csv --out {status} --force
            hone export shop --format hf --out shop/runs/{run}/export
            hone inspect reviews.csv --bad-rows link.csv --only-read
            ",
            run = run.to_str().unwrap()
        )),
        @r"
        $ hone predict shop reviews.csv --out link.csv
        ! Error: 'link.csv' already exists. Choose another --out, or add --force to replace it.
        exit code 1

        $ hone predict shop reviews.csv --out link.csv --force
        ! Error: [folder]/link.csv is a link, which is not replaced. Choose another path.
        exit code 1

        $ hone predict shop reviews.csv --out /dev/null --force
        ! Error: /dev/null is a pipe or a device, which is not replaced. Choose another path.
        exit code 1

        $ hone predict shop reviews.csv --out shop/runs/[run]/status.ron --force
        ! Error: [folder]/shop/runs/[run]/status.ron is inside the run [run], whose files Hone does not change. Choose another path.
        exit code 1

        $ hone export shop --format hf --out shop/runs/[run]/export
        ! Error: [folder]/shop/runs/[run]/export is inside the run [run], whose files Hone does not change. Choose another path.
        exit code 1

        $ hone inspect reviews.csv --bad-rows link.csv --only-read
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Error: 'link.csv' already exists. Choose another name, or delete the file.
        exit code 1
        "
    );
    assert_eq!(place.read(&status), before);
    assert!(place.path("link.csv").is_symlink() && !place.path("nowhere").exists());
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_written_as_texts() {
    let place = Place::new();
    place.project();
    place.good(&["train", "shop", "--set", "epochs=1"]);
    place.write("new.csv", "review,phone\n\"=HYPERLINK(\"\"http://x\"\")\",+49 170\nfine,-5\n");
    place.good(&["predict", "shop", "new.csv", "--out", "safe.csv"]);
    place.good(&["predict", "shop", "new.csv", "--out", "raw.csv", "--raw"]);
    let cells = |name: &str| {
        let text = place.read(name);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader.records().map(|row| row.unwrap().iter().take(2).map(str::to_owned).collect::<Vec<_>>());
        rows.collect::<Vec<_>>()
    };
    assert_eq!(cells("safe.csv"), [["'=HYPERLINK(\"http://x\")", "'+49 170"], ["fine", "-5"]]);
    assert_eq!(cells("raw.csv"), [["=HYPERLINK(\"http://x\")", "+49 170"], ["fine", "-5"]]);
}

#[test]
fn nothing_is_downloaded_unless_asked() {
    let place = Place::new();
    place.write("reviews.csv", reviews(20));
    place.good(&["new", "shop", "--data", "reviews.csv", "--text", "review", "--label", "mood"]);
    assert_snapshot!(
        place.terminal(
            "
            hone train shop
            hone train shop --dry-run
            hone train shop --fetch
            "
        ),
        @r"
        $ hone train shop
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Error: The model minilm-l6 is not on this machine. Download it ([size]): in the Model step, with `hone models fetch minilm-l6`, or by adding --fetch.
        exit code 1

        $ hone train shop --dry-run
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Error: The model minilm-l6 is not on this machine. Download it ([size]): in the Model step, with `hone models fetch minilm-l6`, or by adding --fetch.
        exit code 1

        $ hone train shop --fetch
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Downloading the model MiniLM L6 ([size]).
        ! Error: MiniLM L6 is not on this machine, and HF_HUB_OFFLINE forbids downloads. Unset it, or choose a local model folder.
        exit code 1
        "
    );
}

#[test]
fn an_unknown_setting_in_a_project_is_an_error_with_the_nearest_name() {
    let place = Place::new();
    place.project();
    let text = place.read("shop/project.ron");
    place.write("shop/project.ron", text.replace("epochs: ", "epoch: "));
    assert_snapshot!(place.terminal("hone train shop --dry-run"), @r"
        $ hone train shop --dry-run
        ! Error: shop/project.ron is damaged at line 58, column 9: there is no setting 'epoch' here (did you mean 'epochs'?). Fix that line in a text editor, or open the project in Hone's window to restore its last good state.
        exit code 1
        ");
    assert!(text.contains("epochs: "));
}

#[test]
#[cfg(unix)]
fn time_in_which_the_process_is_stopped_is_no_training_time() {
    let place = Place::new();
    place.project();
    let begun = std::time::Instant::now();
    let arguments = ["train", "shop", "--json", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let process = place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_runs_with_best(&place, 1);
    let id = process.id().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, id.as_str()]).status().unwrap().success());
    signal("-STOP");
    std::thread::sleep(std::time::Duration::from_secs(5));
    signal("-CONT");
    signal("-INT");
    let ended = process.wait_with_output().unwrap();
    let elapsed = begun.elapsed().as_secs_f64();
    assert_eq!(ended.status.code(), Some(3));
    let result: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let trained = result["train_seconds"].as_f64().unwrap();
    // However slow the machine is, five seconds of the whole are no training.
    assert!(trained < elapsed - 4.5, "{trained} of {elapsed} s");
}
