//! `hone learning-curve`: would more labelled rows help?

use insta::assert_snapshot;
use serde_json::Value;

use super::{Place, reviews};

fn shop() -> Place {
    let place = Place::new();
    place.project();
    place.write("reviews.csv", reviews(120));
    place
}

#[test]
fn each_part_of_the_rows_is_trained_for_as_long_and_measured_on_the_same_rows() {
    let place = shop();
    let arguments = ["learning-curve", "shop", "--draws", "2", "--set", "epochs=2", "--set", "lr=3e-3", "--json"];
    let outcome = place.json(&arguments);
    assert_eq!((&outcome["kind"], &outcome["state"]), (&"learning_curve".into(), &"finished".into()));
    let parts = outcome["parts"].as_array().unwrap();
    let rows = |side: &str| parts.iter().map(|part| part["rows"][side].as_u64().unwrap()).collect::<Vec<_>>();
    let all = rows("train")[3];
    // Each of three labels is rounded up.
    for (found, percent) in rows("train").iter().zip([10, 25, 50, 100, 10, 25, 50, 100]) {
        assert!((all * percent / 100..=all * percent / 100 + 3).contains(found), "{:?}", rows("train"));
    }
    for side in ["validation", "test"] {
        assert!(rows(side).iter().all(|count| *count == rows(side)[0]), "{parts:?}");
    }
    let settings = |name: &str| parts.iter().map(|part| part["settings"][name].clone()).collect::<Vec<_>>();
    assert_eq!(settings("training.epochs")[..4], [Value::from("20"), "8".into(), "4".into(), Value::Null]);
    assert_eq!(parts[4]["seed"].as_u64().unwrap(), parts[0]["seed"].as_u64().unwrap() + 1);
    // With all rows it is the run that the project itself would have.
    let run = place.json(&["train", "shop", "--set", "epochs=2", "--set", "lr=3e-3", "--json"]);
    assert_eq!(run["test"]["macro_f1"], parts[3]["metrics"]["macro_f1"]);
    let curve = outcome["curve"].as_array().unwrap();
    for (point, place) in curve.iter().zip(0..) {
        let of = |draw: usize| parts[place + 4 * draw]["metrics"]["macro_f1"].as_f64().unwrap();
        let mean = point["mean"].as_f64().unwrap();
        assert!((mean - f64::midpoint(of(0), of(1))).abs() < 1e-12, "{point}");
        let [low, high] = [0, 1].map(|end| point["interval"][end].as_f64().unwrap());
        assert!(low <= mean && mean <= high, "{point}");
    }
    let forecast = &outcome["forecast"];
    if !forecast.is_null() {
        assert_eq!(forecast["rows"].as_u64(), Some(2 * all));
        let [score, change] = ["score", "change"].map(|name| forecast[name].as_f64().unwrap());
        assert!((score - change - curve[3]["mean"].as_f64().unwrap()).abs() < 1e-12, "{forecast}");
    }
}

#[test]
fn an_instant_model_has_a_curve_in_a_moment_and_the_terminal_says_what_it_means() {
    let place = shop();
    let shown = place.terminal("hone learning-curve shop --set training.trained_layers=Instant");
    let shown: Vec<&str> = shown.lines().filter(|line| !line.starts_with('!')).collect();
    let shown = super::without_numbers(&shown.join("\n"));
    assert_snapshot!(shown, @r"
    $ hone learning-curve shop --set training.trained_layers=Instant
    Learning curve [run]: # of # runs, trained in [time].

    trained on  macro-F1 # interval    runs
     # # # to # #
     # # # to # #
     # # # to # #
     # # # to # #

    There is too little left to learn to measure it.
    ");
    assert_snapshot!(place.terminal_without_numbers("hone studies shop"), @r"
    $ hone studies shop
    study                   kind            trials  state     result
    [run]  Learning curve #  finished  macro-F1 # with # rows
    ");
    let none = place.bad(1, &["learning-curve", "shop", "--resume"]);
    assert!(none.contains("No learning curve of this project was interrupted"), "{none}");
    place.bad(2, &["learning-curve", "shop", "--draws", "0"]);
}
