//! A run says how good it is, and whether it is better than the run before.

use serde_json::Value;

use super::{Place, reviews};
use hone::storage::ProjectFile;

/// Trains, and gives the outcome as data.
fn trained(place: &Place, more: &[&str]) -> Value {
    let ended = place.hone(&[&["train", "shop", "--json", "--set", "epochs=1"], more].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

#[test]
fn a_second_run_is_compared_with_the_first_on_the_rows_that_both_have() {
    let place = Place::new();
    place.project();
    place.write("reviews.csv", reviews(120));
    let first = trained(&place, &[]);
    assert_eq!(first["compared_with_the_run_before"], Value::Null);
    assert!(["good", "unclear", "not useful"].contains(&first["verdict"].as_str().unwrap()), "{first}");
    assert!(first["reason"].as_str().unwrap().len() > 20, "{first}");

    let again = trained(&place, &[]);
    let difference = &again["compared_with_the_run_before"];
    assert_eq!(difference["rows"], first["rows"]["test"], "{difference}");
    assert_eq!(difference["same_test_rows"], true);
    assert_eq!(
        [&difference["run"], &difference["fixed"], &difference["broken"]],
        [1, 0, 0].map(Value::from).each_ref()
    );

    let mut opened = ProjectFile::open(&place.path("shop")).unwrap();
    opened.project.split = opened.project.split.drawn_again();
    opened.file.save(&opened.project).unwrap();
    drop(opened);
    let redrawn = trained(&place, &[]);
    let difference = &redrawn["compared_with_the_run_before"];
    assert_eq!(
        (&difference["run"], &difference["same_test_rows"]),
        (&Value::from(2), &Value::from(false)),
        "{difference}"
    );
    let said = place.hone(&["train", "shop", "--set", "epochs=1"]).out;
    assert!(said.contains("\nVerdict: ") && said.contains(" run 3") && said.contains("on the same "), "{said}");
}

#[test]
fn two_runs_are_compared_row_by_row_and_by_their_settings() {
    let place = Place::new();
    place.project();
    place.write("reviews.csv", reviews(120));
    let run = |more: &[&str]| trained(&place, more)["run"].as_str().unwrap().to_owned();
    let (first, second) = (run(&["--set", "lr=1e-9"]), run(&["--set", "lr=3e-3"]));
    let compared = place.json(&["compare", "shop", &first, &second, "--json"]);
    let (fixed, broken) = (compared["fixed"].as_array().unwrap(), compared["broken"].as_array().unwrap());
    assert!(fixed.len() > broken.len(), "{compared}");
    let rows = compared["rows"].as_f64().unwrap();
    let difference = (compared["accuracy"][1].as_f64().unwrap() - compared["accuracy"][0].as_f64().unwrap()) * rows;
    assert!((difference - (fixed.len() as f64 - broken.len() as f64)).abs() < 1e-6, "{compared}");
    assert!(compared["mcnemar_p"].as_f64().unwrap() < 0.05 && compared["interval"][0].as_f64().unwrap() > 0.0);
    assert_eq!(compared["settings"], serde_json::json!(["Learning rate: 1e-9 → 0.003"]));
    let other_way = place.json(&["compare", "shop", &second, &first, "--json"]);
    assert_eq!((&other_way["fixed"], &other_way["broken"]), (&compared["broken"], &compared["fixed"]));
    let said = place.good(&["compare", "shop", &first, &second]);
    assert!(said.contains("Better than run 1: ") && said.contains("McNemar's exact test"), "{said}");
    assert!(said.contains("1 setting differs:\n  Learning rate: 1e-9 → 0.003"), "{said}");
    let same = place.good(&["compare", "shop", &first, &first]);
    assert!(same.contains("Their settings are the same."), "{same}");
    let unknown = place.bad(1, &["compare", "shop", &first, "2026-01-01-000000-0000"]);
    assert!(unknown.contains("no run '2026-01-01-000000-0000'"), "{unknown}");
}

#[test]
fn two_adapted_models_are_compared_document_by_document() {
    let place = Place::new();
    super::adapt::write_contracts(&place, 60);
    let mut new = vec!["new", "legal", "--task", "adapt", "--data", "contracts", "--model", super::TINY_BERT];
    for setting in ["training.batch_size=4", "training.max_length=32", "split.keep_near_together=false"] {
        new.extend(["--set", setting]);
    }
    new.extend(["--set", "split.validation=0.5"]);
    place.good(&new);
    place.good(&["train", "legal", "--set", "epochs=1", "--set", "lr=1e-9"]);
    place.good(&["train", "legal", "--set", "epochs=6", "--set", "lr=3e-3"]);
    let compared = place.json(&["compare", "legal", "1", "2", "--json"]);
    assert!(compared["documents"].as_u64() >= Some(20) && compared["same_tokens"] == true, "{compared}");
    let [before, after] = [0, 1].map(|run| compared["perplexity"][run].as_f64().unwrap());
    assert!(after < before && (compared["difference"].as_f64().unwrap() - (after - before)).abs() < 1e-9, "{compared}");
    assert!(compared["interval"][1].as_f64().unwrap() < 0.0, "{compared}");
    let said = place.good(&["compare", "legal", "1", "2"]);
    assert!(said.contains("Better than run 1: perplexity ") && said.contains("lower is better."), "{said}");
    assert!(place.good(&["compare", "legal", "2", "1"]).contains("Worse than run 2: perplexity "));
}
