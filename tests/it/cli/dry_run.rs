//! `hone train --dry-run`.

use insta::assert_snapshot;

use super::*;

#[test]
fn every_way_to_train_is_measured_side_by_side() {
    let place = Place::new();
    place.project();
    let ways = place.json(&["train", "shop", "--dry-run", "--each-way", "--json", "--set", "task.pooling=Mean"]);
    let ways = ways["ways"].as_array().unwrap();
    let names: Vec<&str> = ways.iter().map(|way| way["trained_layers"].as_str().unwrap()).collect();
    assert_eq!(names, ["All", "Top(2)", "Lora", "Head", "Instant"]);
    for way in ways {
        assert!(way["needs"]["total_seconds"].as_f64().unwrap() > 0.0, "{way}");
    }
    let table = place.terminal("hone train shop --dry-run --each-way");
    assert!(table.contains("trained_layers") && table.contains("Top(2)"), "{table}");
    assert!(!table.contains("learning rate"), "each way has its usual rate: {table}");
    assert!(!place.path("shop/runs").exists(), "nothing is written");
    assert!(place.terminal("hone train shop --each-way").contains("--dry-run"));
}

#[test]
fn a_dry_run_predicts_time_and_memory_and_writes_nothing() {
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
    assert_snapshot!(place.terminal("hone train shop --dry-run --set training.trained_layers=head"), @r"
        $ hone train shop --dry-run --set training.trained_layers=head
        About [time] in total, of which [time] is training: 6 steps at [speed] tokens/s. It takes less time if it stops early.
        Memory: up to [size]; [size] free.
        Disk: up to 266 KiB; [size] free.
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Tokenising
        ! Warning: Only 6 optimizer steps are planned. As a rule of thumb, a model needs 100 or more to learn its labels; with fewer, it often predicts the same label for every row. More rows, more epochs or a smaller batch size give more steps.
        ! Loading the model
        ! Training on [device].
        ! Loaded 39 tensors. Training 1,155 of 30,531 parameters.
        ! The rest is frozen: it has no dropout and is computed once per text.
        ! The model was fine-tuned for 3 other labels (negative, neutral, positive): it keeps what it knows of language, and learns your labels from scratch.
        ! Trying a few steps
        ! Trying a fit
        ");
}
