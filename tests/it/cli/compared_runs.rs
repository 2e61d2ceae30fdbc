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
