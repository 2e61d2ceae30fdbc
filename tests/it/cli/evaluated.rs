//! What `hone evaluate` says beyond the headline: all metrics, curves, calibration and slices.

use std::fmt::Write;

use insta::assert_snapshot;
use serde_json::Value;

use crate::cli::{Place, TINY_BERT};

/// Reviews with stars, and the shop they were written in. In the shop "odd", half of the stars are wrong.
fn stars() -> String {
    let mut file = "review,stars,shop\n".to_owned();
    for row in 0..420 {
        let star = row % 3;
        let is_odd = row % 7 == 0;
        let text = ["I hate it, broken after", "It is okay so far on day", "I love this shoe after"][star];
        let said = if is_odd && row % 2 == 0 { (star + 1) % 3 } else { star };
        let shop = if is_odd { "odd" } else { ["north", "south"][row % 2] };
        writeln!(file, "{text} {row},{},{shop}", 2 * said + 1).unwrap();
    }
    file
}

/// A trained project on these, `shop`, whose model finds some of the wrong stars.
pub fn trained() -> Place {
    let place = Place::new();
    place.write("stars.csv", stars());
    let model = format!("--model={TINY_BERT}");
    let new = ["new", "shop", "--data", "stars.csv", "--text", "review", "--label", "stars", &model];
    let settings = ["--set", "training.trained_layers=Instant", "--set", "split.test=200rows"];
    let also = ["--set", "split.keep_near_together=false", "--set", "cleaning.drop_duplicates=false"];
    place.good(&[&new[..], &settings, &also].concat());
    place.good(&["train", "shop"]);
    place
}

/// A number of JSON.
pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn evaluate_gives_all_metrics_with_their_intervals_and_the_slices() {
    let place = trained();
    let evaluated = place.json(&["evaluate", "shop", "--slices", "--json"]);
    assert_eq!(evaluated["micro_f1"], evaluated["accuracy"]);
    let details = &evaluated["details"];
    for (metric, same) in [("accuracy", "accuracy"), ("macro_f1", "macro_f1"), ("cohens_kappa", "cohens_kappa")] {
        let (value, [low, high]) = (
            &details["overall"][metric]["value"],
            [0, 1].map(|end| number(&details["overall"][metric]["interval_95"][end])),
        );
        assert_eq!(value, &evaluated[same]);
        assert!(low <= number(value) && number(value) <= high, "{metric}: {low} {high}");
    }
    // Stars are an order: 1, 3 and 5 are steps of a scale.
    assert!(number(&details["overall"]["mean_absolute_error"]["value"]) > 0.0);
    assert_eq!(details["class_intervals"].as_array().unwrap().len(), 3);
    for curves in details["curves"].as_array().unwrap() {
        assert!((0.5..=1.0).contains(&number(&curves["roc_auc"])), "{curves}");
        assert_eq!(curves["roc"][0], serde_json::json!([0.0, 0.0]));
    }
    let calibration = &details["calibration"];
    assert!(number(&calibration["temperature"]) > 0.0 && number(&calibration["fitted_on"]) > 20.0);
    let rows = details["reliability"]["bins"].as_array().unwrap().iter().filter_map(|bin| bin["rows"].as_u64());
    assert_eq!(Some(rows.sum::<u64>()), evaluated["rows"].as_u64());
    assert_eq!(details["coverage"].as_array().unwrap().last().unwrap()["coverage"], 1.0);

    let worst = &evaluated["slices"]["slices"][0];
    assert_eq!((worst["by"].as_str(), worst["name"].as_str()), (Some("shop"), Some("odd")), "{worst}");
    assert_eq!(worst["is_worse"], true);
    assert!(number(&worst["difference"][1]) < 0.0 && number(&worst["accuracy"]) < number(&worst["accuracy_elsewhere"]));

    place.good(&["export", "shop", "--format", "hf", "--out", "exported"]);
    let card = place.read("exported/README.md");
    let temperature = format!("{:.3} (fitted on the", number(&calibration["temperature"]));
    assert!(card.contains(&temperature), "{temperature} in {card}");

    let shown = place.terminal_without_numbers("hone evaluate shop --slices");
    for said in ["Balanced accuracy", "Matthews correlation", "Quadratic kappa", "With the temperature", "shop: odd"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn slices_are_those_of_the_runs_own_rows() {
    let place = Place::new();
    assert_snapshot!(place.terminal("hone evaluate shop --slices --data stars.csv"), @r"
    $ hone evaluate shop --slices --data stars.csv
    ! error: the argument '--slices' cannot be used with '--data <FILE>'
    ! 
    ! Usage: hone evaluate --slices <PROJECT>
    ! 
    ! For more information, try '--help'.
    exit code 2
    ");
}

#[test]
fn slices_of_rows_that_have_changed_are_refused() {
    let place = trained();
    place.write("stars.csv", stars().replace("I love this shoe", "I love these shoes"));
    let bad = place.bad(1, &["evaluate", "shop", "--slices"]);
    assert!(bad.contains("has changed since this run"), "{bad}");
}
