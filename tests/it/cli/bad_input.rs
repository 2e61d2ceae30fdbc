//! Every kind of bad input, as a person sees it at the terminal.

use std::fs;

use super::{Place, TINY_BERT, reviews};
use hone::storage::ProjectFile;

/// Makes a project of `content` and trains it; gives the error.
fn failed_training(content: &str, extra: &[&str]) -> String {
    let place = Place::new();
    place.write("data.csv", content);
    let new = ["new", "shop", "--data", "data.csv", "--text", "review", "--label", "mood", "--model", TINY_BERT];
    place.good(&new.iter().copied().chain(extra.iter().copied()).collect::<Vec<_>>());
    place.bad(1, &["train", "shop", "--set", "epochs=1"])
}

#[test]
fn files_that_cannot_be_read() {
    let place = Place::new();
    place.write("empty.csv", "");
    place.write("blank.csv", " \n\n");
    place.write("folder/inside.csv", "a,b\n");
    place.write("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0");
    // What a multiplicative generator gives is noise enough, as encrypted and packed files are.
    let noise = (0..2_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8);
    place.write("noise.csv", noise.collect::<Vec<u8>>());
    let error = place.bad(1, &["inspect", "noise.csv"]);
    assert_eq!(
        error,
        "Error: [folder]/noise.csv is a binary file, not a text file. Choose a table of rows: CSV, TSV, JSON, Parquet or a workbook."
    );
    let errors =
        ["absent.csv", "folder", "empty.csv", "blank.csv", "picture.csv"].map(|file| place.bad(1, &["inspect", file]));
    insta::assert_snapshot!("unreadable", errors.join("\n"));
    for file in ["absent.csv", "folder", "empty.csv"] {
        let error = place.bad(1, &["new", "shop", "--data", file, "--text", "a", "--label", "b"]);
        assert!(error.contains(file), "{error}");
    }
    assert!(!place.path("shop").exists(), "nothing is made for a file that cannot be read");
    assert!(place.bad(1, &["inspect", "folder/inside.csv", "--encoding", "klingon"]).contains("klingon"));
}

#[test]
fn columns_and_models_that_are_not_there() {
    let place = Place::new();
    place.write("data.csv", reviews(3));
    let new = |extra: [&str; 6]| {
        let arguments: Vec<&str> = ["new", "shop", "--data", "data.csv"].into_iter().chain(extra).collect();
        place.bad(1, &arguments)
    };
    assert_eq!(
        new(["--text", "reveiw", "--label", "mood", "--model", TINY_BERT]),
        "Error: There is no column 'reveiw'. Did you mean 'review'? The columns are: id, review, mood."
    );
    assert!(new(["--text", "review", "--label", "stars", "--model", TINY_BERT]).contains("no column 'stars'"));
    let error = new(["--text", "review", "--label", "mood", "--model", "bert-huge"]);
    assert!(error.contains("neither a known model nor a folder") && error.contains("minilm-l6"), "{error}");
    let error = new(["--text", "review", "--label", "mood", "--model", "home"]);
    assert!(error.contains("bert-huge") || error.contains("home"), "{error}");
}

#[test]
fn data_that_cannot_be_learnt_from() {
    let one_label = "review,mood\nI like it,good\nI like it more,good\nI like it most,good\n".to_owned();
    let error = failed_training(&one_label, &[]);
    assert!(error.contains("label"), "{error}");

    let rare = format!("{}999,a single one of its kind,unique\n", reviews(20));
    let error = failed_training(&rare, &[]);
    assert!(error.contains("unique"), "{error}");

    let place = Place::new();
    place.write("strange.csv", "review,mood\nI love it,splendid\n");
    let strange = place.path("strange.csv");
    let error = failed_training(&reviews(20), &["--test", strange.to_str().unwrap()]);
    assert!(error.contains("splendid"), "{error}");
}

#[test]
fn weights_that_cannot_be_used() {
    let place = Place::new();
    place.project();
    for file in fs::read_dir(TINY_BERT).unwrap().map(|file| file.unwrap()) {
        place.write(&format!("model/{}", file.file_name().to_string_lossy()), fs::read(file.path()).unwrap());
    }
    let weights = fs::read(place.path("model/model.safetensors")).unwrap();
    let new = ["new", "other", "--data", "reviews.csv", "--text", "review", "--label", "mood", "--model", "model"];
    place.good(&new);
    for (content, what) in [(&weights[..weights.len() / 2], "truncated"), (&b"not weights at all"[..], "corrupt")] {
        place.write("model/model.safetensors", content);
        let error = place.bad(1, &["train", "other", "--set", "epochs=1"]);
        assert!(error.contains("model.safetensors"), "{what}: {error}");
    }
    fs::remove_file(place.path("model/model.safetensors")).unwrap();
    let error = place.bad(1, &["train", "other", "--set", "epochs=1"]);
    assert!(error.contains("model"), "{error}");
}

#[test]
fn projects_that_cannot_be_opened() {
    let place = Place::new();
    place.project();
    let text = place.read("shop/project.ron");
    let train = ["train", "shop", "--set", "epochs=1"];

    place.write("shop/project.ron", "(schema_version: 7, name: \"From tomorrow\")");
    let newer = place.bad(1, &train);
    place.write("shop/project.ron", text.replace("warmup: 0.1", "warmup: 0,1"));
    let damaged = place.bad(1, &train);
    place.write("shop/project.ron", &text);
    let file = ProjectFile::open(&place.path("shop")).unwrap();
    file.file.autosave(&file.project).unwrap();
    place.write("shop/project.ron", &text[..200]);
    let rescued = place.bad(1, &train);
    insta::assert_snapshot!("projects", [newer, damaged, rescued].join("\n"));

    assert!(place.bad(1, &["train", "nowhere"]).contains("There is no project in nowhere"));
    assert!(place.bad(1, &["runs", "nowhere"]).contains("hone new"));
    assert!(place.bad(1, &["predict", "home", "reviews.csv", "--out", "a.csv"]).contains("no config.json"));
    let message = place.bad(1, &["predict", "home", "reviews.csv", "--out", "a.xlsx"]);
    assert!(message.contains("written as CSV") && message.contains("a.xlsx"), "{message}");
}

#[test]
fn places_that_cannot_be_written() {
    let place = Place::new();
    place.write("reviews.csv", reviews(3));
    place.write("file", "in the way");
    let new = ["new", "file/shop", "--data", "reviews.csv", "--text", "review", "--label", "mood"];
    let error = place.bad(1, &new);
    assert!(error.contains("a part of the path is a file"), "{error}");

    place.project();
    place.write("shop/runs", "in the way");
    let error = place.bad(1, &["train", "shop", "--set", "epochs=1"]);
    assert!(error.contains("shop/runs"), "{error}");
}

#[test]
fn runs_that_are_not_there() {
    let place = Place::new();
    place.project();
    let none = place.bad(1, &["evaluate", "shop"]);
    assert!(none.contains("no runs yet"), "{none}");
    assert!(place.bad(1, &["export", "shop", "--format", "hf", "--out", "a", "--run", "x"]).contains("no run 'x'"));
    assert!(place.good(&["runs", "shop"]).contains("hone train shop"));
}
