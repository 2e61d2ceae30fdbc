//! `hone train --resume`: runs that were killed go on.

use std::process::Stdio;

use insta::assert_snapshot;

use super::{Place, wait_for_best};

#[test]
fn without_an_interrupted_run_there_is_nothing_to_resume() {
    let place = Place::new();
    place.project();
    assert_snapshot!(
        place.terminal(
            "
            hone train shop --resume
            hone train shop --resume --set epochs=3
            hone train shop --run 2026-01-01-000000-0000
            "
        ),
        @r"
        $ hone train shop --resume
        ! Error: No run of this project was interrupted, so there is nothing to resume. Leave out --resume.
        exit code 1

        $ hone train shop --resume --set epochs=3
        ! error: the argument '--resume' cannot be used with '--set <SETTING=VALUE>'
        ! 
        ! Usage: hone train --resume <PROJECT>
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone train shop --run [run]
        ! error: the following required arguments were not provided:
        !   --resume
        ! 
        ! Usage: hone train --resume --run <ID> <PROJECT>
        ! 
        ! For more information, try '--help'.
        exit code 2
        "
    );
}

#[test]
#[cfg(unix)]
fn a_killed_run_goes_on_with_the_settings_that_it_began_with() {
    let place = Place::new();
    place.project();
    let arguments = ["train", "shop", "--set", "epochs=100", "--set", "early_stopping=none", "--set", "lr=1e-4"];
    let mut process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_best(&place);
    process.kill().unwrap();
    process.wait().unwrap();
    let before = place.json(&["runs", "shop", "--json"])["runs"][0].clone();
    assert_eq!(before["status"], "cut off");
    let after = before["resumes_after"].as_u64().unwrap();
    assert!(after > 0 && after <= before["steps"].as_u64().unwrap(), "{before}");
    assert_snapshot!(place.terminal_without_numbers("hone runs shop"), @r"
    $ hone runs shop
    no  run                     when      trained                 time  validation macro-F1  test macro-F1     disk  status
     #  [run]  just now  tiny-bert, all layers [time] #              - # KiB  not finished, checkpoint of step # kept: Hone quit or crashed during training.

    The newest run was interrupted after step #. To go on from step #: hone train shop --resume
    ");
    // Evaluating what it had so far is no reason not to go on.
    place.good(&["evaluate", "shop"]);
    let outcome = place.json(&["train", "shop", "--resume", "--json"]);
    assert_eq!((&outcome["run"], &outcome["stop_reason"]), (&before["run"], &"Completed".into()));
    assert_eq!(outcome["epochs"], 100.0);
    let listed = place.json(&["runs", "shop", "--json"]);
    assert_eq!(listed["runs"].as_array().unwrap().len(), 1);
    assert_eq!(listed["runs"][0]["resumes_after"], serde_json::Value::Null);
    assert!(!place.path("shop/runs").join(before["run"].as_str().unwrap()).join("checkpoints").exists());
}

#[test]
#[cfg(unix)]
fn a_run_is_not_resumed_once_its_data_have_changed() {
    let place = Place::new();
    place.project();
    let arguments = ["train", "shop", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let mut process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_best(&place);
    process.kill().unwrap();
    process.wait().unwrap();
    let reviews = place.read("reviews.csv");
    place.write("reviews.csv", format!("{reviews}99,I hate this broken lamp,bad\n"));
    let refused = place.bad(1, &["train", "shop", "--resume"]);
    assert!(refused.contains("The data file or the split has changed since this run"), "{refused}");
    place.write("reviews.csv", reviews);
    // Nothing was lost meanwhile.
    assert!(place.json(&["runs", "shop", "--json"])["runs"][0]["resumes_after"].as_u64() > Some(0));
}

/// A process that does not outlive the test.
#[cfg(unix)]
struct Killed(std::process::Child);

#[cfg(unix)]
impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

#[test]
#[cfg(unix)]
fn a_run_of_another_terminal_is_asked_to_stop_and_keeps_its_best_checkpoint() {
    let place = Place::new();
    place.project();
    let arguments = ["train", "shop", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut process = Killed(process);
    wait_for_best(&place);
    assert_snapshot!(place.terminal("hone runs stop shop 1\nhone runs stop shop 7"), @r"
    $ hone runs stop shop 1
    Run 1 ends soon, and keeps its best checkpoint if it has one.

    $ hone runs stop shop 7
    ! Error: There is no run '7' in shop. Its runs: [run].
    exit code 1
    ");
    assert_eq!(process.0.wait().unwrap().code(), Some(3), "it was stopped early");
    let run = place.json(&["runs", "shop", "--json"])["runs"][0].clone();
    assert_eq!(run["status"], "finished", "{run}");
    let late = place.bad(1, &["runs", "stop", "shop", "1"]);
    assert!(late.contains("is not running now, so there is nothing to stop"), "{late}");
}
