//! Help, usage errors and the list of models.

use super::Place;

#[test]
fn help_of_everything() {
    let place = Place::new();
    let commands: [&[&str]; 11] = [
        &[],
        &["new"],
        &["train"],
        &["evaluate"],
        &["predict"],
        &["export"],
        &["inspect"],
        &["models"],
        &["models", "list"],
        &["models", "fetch"],
        &["runs"],
    ];
    let mut all = String::new();
    for command in commands {
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        all.push_str(&format!("$ hone {}\n{}\n", arguments.join(" "), place.good(&arguments)));
    }
    insta::assert_snapshot!("help", all);
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let place = Place::new();
    assert!(place.bad(2, &["new", "shop"]).contains("--data <FILE>"));
    assert!(place.bad(2, &["train"]).contains("<PROJECT>"));
    assert!(place.bad(2, &["predict", "shop", "a.csv"]).contains("--out <FILE>"));
    assert!(
        place.bad(2, &["export", "shop", "--format", "pdf", "--out", "a"]).contains("hf, safetensors, predictions")
    );
    assert!(place.bad(2, &["inspect", "a.csv", "--delimiter", "ab"]).contains("give one character"));
    let mistyped = "Error: There is neither a project nor a command 'trian'. Did you mean 'train'? See hone --help.";
    assert_eq!(place.bad(2, &["trian"]), mistyped);
    assert_eq!(place.bad(2, &["trian", "shop", "--json"]), mistyped);
    assert!(!place.bad(2, &["nowhere"]).contains("Did you mean"));
}

#[test]
fn settings_are_checked_before_anything_is_done() {
    let place = Place::new();
    place.project();
    let error = |setting| place.bad(2, &["train", "shop", "--set", setting]);
    insta::assert_snapshot!(
        "settings",
        ["training.epoch=3", "epochs", "training.epochs=many", "training.schedule=zigzag", "colour=red",]
            .map(error)
            .join("\n")
    );
    for (setting, range) in [
        ("training.epochs=0", "Give at least 1."),
        ("lr=-1", "Give a number above 0"),
        ("training.dropout=1", "Give 0 or more, and less than 1"),
        ("split.test=2", "Give a share of the rows"),
    ] {
        assert!(error(setting).contains(range), "{setting}: {}", error(setting));
        let new = ["new", "other", "--data", "reviews.csv", "--set", setting];
        assert!(place.bad(2, &new).contains(range), "{setting}");
    }
    assert!(!place.path("shop/runs").exists() && !place.path("other").exists());
}

#[test]
#[cfg(unix)]
fn a_command_line_to_type_next_can_be_typed() {
    let place = Place::new();
    place.write("reviews.csv", super::reviews(5));
    let out = place.good(&["new", "my shop", "--data", "reviews.csv", "--text", "review", "--label", "mood"]);
    assert!(out.ends_with("Next: hone train 'my shop'\n"), "{out}");
    assert!(place.good(&["runs", "my shop"]).ends_with("hone train 'my shop'\n"));
}

#[test]
fn models_are_listed_and_an_unknown_one_is_named() {
    let place = Place::new();
    assert!(place.good(&["models", "list"]).contains("minilm-l6"));
    let list = place.json(&["models", "list", "--json"]);
    let model = list["models"].as_array().unwrap().iter().find(|model| model["id"] == "minilm-l6").unwrap();
    assert_eq!((model["architecture"].as_str(), model["folder"].as_str()), (Some("bert"), None));
    let error = place.bad(1, &["models", "fetch", "gpt-9"]);
    assert!(error.contains("no model 'gpt-9'") && error.contains("minilm-l6"), "{error}");
}

#[test]
fn no_network_is_told_with_every_source_tried() {
    let error = Place::new().bad(1, &["models", "fetch", "minilm-l6"]);
    assert!(error.contains("HF_HUB_OFFLINE"), "{error}");
}

#[test]
#[cfg(all(unix, not(target_os = "macos")))]
fn with_no_display_the_sample_is_trained_in_the_terminal() {
    let place = Place::new();
    // With no model and no network it cannot end well here, but it must begin and say what is missing.
    let ended = place.hone(&[]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("No display found") && ended.out.contains("home/data/hone/customer-reviews"),
        "{}",
        ended.out
    );
    assert!(ended.err.contains("HF_HUB_OFFLINE"), "{}", ended.err);
    assert!(place.path("home/data/hone/customer-reviews/reviews.csv").is_file());
    place.project();
    assert!(
        place
            .bad(1, &["shop"])
            .contains("no display to open a window on. To train in the terminal, run: hone train shop")
    );
}
