//! Usage errors, settings, and the list of models.

use insta::assert_snapshot;

use crate::cli::{Place, reviews};

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    assert_snapshot!(
        Place::new().terminal(
            "
            hone new shop
            hone train
            hone predict shop a.csv
            hone export shop --format pdf --out a
            hone inspect
            hone inspect a.csv --delimiter ab
            hone trian
            hone trian shop --json
            hone nowhere
            "
        ),
        @""
    );
}

#[test]
fn settings_are_checked_before_anything_is_done() {
    let place = Place::new();
    place.project();
    assert_snapshot!(
        place.terminal(
            "
            hone train shop --set training.epoch=3
            hone train shop --set epochs
            hone train shop --set training.epochs=many
            hone train shop --set training.schedule=zigzag
            hone train shop --set colour=red
            hone train shop --set training.epochs=0
            hone train shop --set lr=-1
            hone train shop --set training.dropout=1
            hone train shop --set split.test=2
            hone new other --data reviews.csv --set training.epochs=0
            hone new other --data reviews.csv --set lr=-1
            "
        ),
        @""
    );
    assert!(!place.path("shop/runs").exists() && !place.path("other").exists());
}

#[test]
#[cfg(unix)]
fn the_suggested_next_command_is_quoted_for_the_shell() {
    let place = Place::new();
    place.write("reviews.csv", reviews(5));
    assert_snapshot!(
        place.terminal(
            "
            hone new 'my shop' --data reviews.csv --text review --label mood
            hone runs 'my shop'
            "
        ),
        @""
    );
}

#[test]
fn models_are_listed_and_an_unknown_one_is_an_error() {
    let place = Place::new();
    assert_snapshot!(
        place.terminal(
            "
            hone models list
            hone models fetch gpt-9
            "
        ),
        @""
    );
    let list = place.json(&["models", "list", "--json"]);
    let model = list["models"].as_array().unwrap().iter().find(|model| model["id"] == "minilm-l6").unwrap();
    assert_eq!((model["architecture"].as_str(), model["folder"].as_str()), (Some("bert"), None));
}

#[test]
fn without_a_network_every_source_tried_is_named() {
    assert_snapshot!(Place::new().terminal("hone models fetch minilm-l6"), @"");
}

#[test]
#[cfg(all(unix, not(target_os = "macos")))]
fn without_a_display_the_sample_is_trained_in_the_terminal() {
    let place = Place::new();
    // With no model and no network it fails here, but it must begin and say what is missing.
    assert_snapshot!(place.terminal("hone"), @"");
    assert!(place.path("home/data/hone/customer-reviews/reviews.csv").is_file());
    place.project();
    assert_snapshot!(place.terminal("hone shop"), @"");
}
