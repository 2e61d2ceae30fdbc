//! A place for runs: naming, starring and tagging them, the bin, and freeing disk space.

use insta::assert_snapshot;
use serde_json::json;

use super::{Place, wait_for_best};

/// A project with this many runs.
fn trained(runs: usize) -> Place {
    let place = Place::new();
    place.project();
    for run in 0..runs {
        place.good(&["train", "shop", "--set", &format!("epochs={}", run + 1)]);
    }
    place
}

#[test]
fn runs_are_named_tagged_sorted_and_filtered() {
    let place = trained(2);
    assert_snapshot!(
        place.terminal(
            "
            hone runs name shop 2 'two epochs'
            hone runs note shop 2 'Twice the time. Is it worth it?'
            hone runs star shop 1
            hone runs tag shop 1 first baseline
            hone runs untag shop 1 first
            hone runs unstar shop 2
            "
        ),
        @r"
        $ hone runs name shop 2 'two epochs'
        Run 2 is now called 'two epochs'.

        $ hone runs note shop 2 'Twice the time. Is it worth it?'
        Run 2 has your note.

        $ hone runs star shop 1
        Run 1 is starred.

        $ hone runs tag shop 1 first baseline
        Run 1 has the tags 'baseline', 'first'.

        $ hone runs untag shop 1 first
        Run 1 has the tag 'baseline'.

        $ hone runs unstar shop 2
        Run 2 has no star now.
        "
    );
    assert_snapshot!(
        place.terminal_without_numbers(
            "
            hone runs shop
            hone runs shop --sort time --filter star
            hone runs shop --filter tag=baseline --filter tiny
            hone runs shop --filter tag=final
            hone runs shop --filter metric=1
            "
        ),
        @r"
        $ hone runs shop
        no  run                     name        when      trained                 time  validation macro-F1  test macro-F1     disk  tags      status
         #  [run]  two epochs  just now  tiny-bert, all layers [time] # # # KiB            finished every epoch
         #  [run]  ★           just now  tiny-bert, all layers [time] # # # KiB  baseline  finished every epoch

        $ hone runs shop --sort time --filter star
        no  run                     name  when      trained                 time  validation macro-F1  test macro-F1     disk  tags      status
         #  [run]  ★     just now  tiny-bert, all layers [time] # # # KiB  baseline  finished every epoch

        $ hone runs shop --filter tag=baseline --filter tiny
        no  run                     name  when      trained                 time  validation macro-F1  test macro-F1     disk  tags      status
         #  [run]  ★     just now  tiny-bert, all layers [time] # # # KiB  baseline  finished every epoch

        $ hone runs shop --filter tag=final
        None of the # runs fits the filter.

        $ hone runs shop --filter metric=#
        ! Error: There is no filter 'metric='. Use star, tag=TAG, or words.
        exit code 2
        "
    );
    let listed = place.json(&["runs", "shop", "--json", "--filter", "two"]);
    let run = &listed["runs"][0];
    assert_eq!(listed["runs"].as_array().unwrap().len(), 1);
    assert_eq!(
        json!([run["number"], run["name"], run["note"], run["star"], run["tags"], run["weights_freed"]]),
        json!([2, "two epochs", "Twice the time. Is it worth it?", false, [], false])
    );
    let with = &run["trained_with"];
    assert_eq!(with["settings"], json!(["Epochs: 3 → 2"]));
    assert_eq!(json!([with["model"], with["layers"], with["edits"]]), json!(["tiny-bert", "all layers", 0]));
    assert!(with["data_hash"].as_str().is_some_and(|hash| hash.len() >= 16) && with["seed"].is_u64(), "{with}");
    assert!(run["disk"]["weights"].as_u64() > Some(100_000) && run["disk"]["rest"].as_u64() > Some(0), "{run}");
    assert_eq!((&run["score"]["metric"], &run["score"]["value"]), (&json!("macro-F1"), &run["test"]["macro_f1"]));
}

#[test]
fn a_deleted_run_is_restored_and_the_bin_is_emptied_only_if_that_is_meant() {
    let place = trained(2);
    let id = place.json(&["runs", "shop", "--json"])["runs"][1]["run"].as_str().unwrap().to_owned();
    let scores = place.json(&["evaluate", "shop", "--run", &id, "--json"]);
    assert_snapshot!(
        place.terminal_without_numbers(
            "
            hone runs delete shop 1
            hone runs shop
            hone evaluate shop --run 1
            hone runs bin shop
            hone runs restore shop 2
            hone runs restore shop 1
            hone runs bin shop
            hone runs delete shop 1 2
            hone runs bin shop --empty
            hone runs bin shop --yes
            hone runs bin shop --empty --yes
            hone runs shop
            "
        ),
        @r"
        $ hone runs delete shop #
        Moved run # to the bin. To undo: hone runs restore shop #

        $ hone runs shop
        no  run                     when      trained                 time  validation macro-F1  test macro-F1     disk  status
         #  [run]  just now  tiny-bert, all layers [time] # # # KiB  finished every epoch

        # run in the bin. To see the bin: hone runs bin shop

        $ hone evaluate shop --run #
        ! Error: There is no run '#' in shop. Its runs: [run].
        exit code 1

        $ hone runs bin shop
        no  run                     when      trained                 time  validation macro-F1  test macro-F1     disk  status
         #  [run]  just now  tiny-bert, all layers [time] # # # KiB  finished every epoch

        To move a run back: hone runs restore shop RUN
        To delete all of them for good: hone runs bin shop --empty --yes

        $ hone runs restore shop #
        ! Error: There is no deleted run '#' in shop. In its bin: [run].
        exit code 1

        $ hone runs restore shop #
        Restored run #.

        $ hone runs bin shop
        The bin is empty.

        $ hone runs delete shop # #
        Moved run # to the bin. To undo: hone runs restore shop #
        Moved run # to the bin. To undo: hone runs restore shop #

        $ hone runs bin shop --empty
        ! Error: This deletes # runs for good. Add --yes to go on.
        exit code 2

        $ hone runs bin shop --yes
        ! error: the following required arguments were not provided:
        !   --empty
        ! 
        ! Usage: hone runs bin --empty --yes <PROJECT>
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone runs bin shop --empty --yes
        Deleted # runs for good, # KiB.

        $ hone runs shop
        No runs yet. Start one with: hone train shop
        "
    );
    assert_eq!(scores["run"], id.as_str());
    assert!(place.path("shop/split.parquet").exists(), "the split is the project's");
    place.good(&["train", "shop", "--set", "epochs=1"]);
}

#[test]
fn the_weights_of_runs_that_nobody_misses_are_freed() {
    let place = trained(3);
    let runs = place.json(&["runs", "shop", "--json"]);
    let best = runs["runs"].as_array().unwrap().iter().max_by(|one, other| {
        let score = |run: &serde_json::Value| run["score"]["value"].as_f64().unwrap();
        // Of equally good ones, the newer.
        (score(one), one["number"].as_u64()).partial_cmp(&(score(other), other["number"].as_u64())).unwrap()
    });
    let kept = [3, best.unwrap()["number"].as_u64().unwrap()];
    let free: Vec<u64> = (1..=3).filter(|number| !kept.contains(number)).collect();
    assert!(!free.is_empty());
    let listed = place.good(&["runs", "free", "shop"]);
    assert!(listed.contains("Metrics and predictions stay. To free ") && listed.lines().count() == 3 + free.len());
    let number = free[0].to_string();
    place.good(&["runs", "star", "shop", &number]);
    let starred = place.good(&["runs", "free", "shop"]);
    assert_eq!(starred.lines().filter(|line| line.contains("weights")).count(), free.len() - 1, "{starred}");
    place.good(&["runs", "unstar", "shop", &number]);
    let before = place.json(&["runs", "shop", "--json"])["runs"].clone();
    assert!(place.good(&["runs", "free", "shop", "--yes"]).contains("\nFreed "));
    let after = place.json(&["runs", "shop", "--json"])["runs"].clone();
    for (before, after) in before.as_array().unwrap().iter().zip(after.as_array().unwrap()) {
        let is_freed = free.contains(&after["number"].as_u64().unwrap());
        assert_eq!(after["weights_freed"], is_freed, "{after}");
        assert_eq!(after["disk"]["weights"] == 0, is_freed, "{after}");
        assert_eq!((&before["test"], &before["disk"]["rest"]), (&after["test"], &after["disk"]["rest"]));
    }
    assert!(place.good(&["runs", "free", "shop"]).starts_with("Nothing to free: "));
    let refused = place.bad(1, &["evaluate", "shop", "--run", &number]);
    assert!(refused.contains("were freed to save disk space") && refused.contains("Choose another run"), "{refused}");
    let refused = place.bad(1, &["predict", "shop", "reviews.csv", "--run", &number]);
    assert!(refused.contains("were freed to save disk space"), "{refused}");
    // What does not need the weights still works.
    place.good(&["export", "shop", "--run", &number, "--format", "predictions", "--out", "predictions.csv"]);
    place.good(&["compare", "shop", &number, "3"]);
    place.good(&["evaluate", "shop"]);
}

#[test]
#[cfg(unix)]
fn a_run_in_training_is_named_but_not_deleted() {
    let place = Place::new();
    place.project();
    let arguments = ["train", "shop", "--set", "epochs=100000", "--set", "early_stopping=none"];
    let mut process = place.command(&arguments).stdout(std::process::Stdio::null()).spawn().unwrap();
    wait_for_best(&place);
    let named = place.good(&["runs", "name", "shop", "1", "a long one"]);
    let refused = place.bad(1, &["runs", "delete", "shop", "1"]);
    let freed = place.good(&["runs", "free", "shop", "--yes"]);
    let listed = place.json(&["runs", "shop", "--json"])["runs"][0].clone();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(named, "Run 1 is now called 'a long one'.\n");
    assert!(refused.contains("is still being trained. Wait for it to end"), "{refused}");
    assert!(freed.starts_with("Nothing to free: "), "{freed}");
    assert_eq!((&listed["name"], &listed["status"]), (&json!("a long one"), &json!("training")));
    place.good(&["runs", "delete", "shop", "1"]);
    place.good(&["runs", "restore", "shop", "1"]);
    assert_eq!(place.json(&["runs", "shop", "--json"])["runs"][0]["name"], "a long one");
}

#[test]
fn wrong_runs_names_and_tags_are_refused() {
    let place = trained(1);
    let long = "x".repeat(81);
    assert_snapshot!(
        place.terminal(&format!(
            "
            hone runs name shop 7 seven
            hone runs star shop 1 7
            hone runs name shop 1 {long}
            hone runs delete nowhere 1
            hone runs star shop
            hone runs free shop
            hone runs free --help
            "
        )),
        @r"
        $ hone runs name shop 7 seven
        ! Error: There is no run '7' in shop. Its runs: [run].
        exit code 1

        $ hone runs star shop 1 7
        ! Error: There is no run '7' in shop. Its runs: [run].
        exit code 1

        $ hone runs name shop 1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        ! Error: The name has 81 characters; at most 80 are allowed. Shorten it.
        exit code 1

        $ hone runs delete nowhere 1
        ! Error: There is no project in nowhere. Choose a folder with a project.ron, or create a project with `hone new`.
        exit code 1

        $ hone runs star shop
        ! error: the following required arguments were not provided:
        !   <RUN>...
        ! 
        ! Usage: hone runs star <PROJECT> <RUN>...
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone runs free shop
        Nothing to free: the best, the newest and starred runs keep their weights.

        $ hone runs free --help
        Free disk space: show what can go, and remove it with --yes

        Usage: hone runs free [OPTIONS] <PROJECT>

        Arguments:
          <PROJECT>  Project folder

        Options:
              --yes   Remove what is listed
          -h, --help  Print help

        Frees the weights of runs that finished, except the best, the newest and starred ones, and checkpoints that nothing needs any more.
        Metrics and predictions stay. Adapted models keep their weights, because other projects may start from them.
        "
    );
    assert_eq!(place.json(&["runs", "shop", "--json"])["runs"][0]["star"], false, "all or none");
}
