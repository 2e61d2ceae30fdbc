//! Every kind of bad input, as a person sees it at the terminal.

use std::fs;

use insta::assert_snapshot;

use crate::cli::{Place, TINY_BERT, reviews};
use hone::storage::ProjectFile;

/// Makes a project of `content` and trains it.
fn training(content: &str, more: &str) -> String {
    let place = Place::new();
    place.write("data.csv", content);
    place.write("strange.csv", "review,mood\nI love it,splendid\n");
    place.terminal(&format!(
        "
        hone new shop --data data.csv --text review --label mood --model TINY_BERT{more}
        hone train shop --set epochs=1
        "
    ))
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
    assert_snapshot!(
        place.terminal(
            "
            hone inspect absent.csv
            hone inspect folder
            hone inspect empty.csv
            hone inspect blank.csv
            hone inspect picture.csv
            hone inspect noise.csv
            hone inspect folder/inside.csv --encoding klingon
            hone new shop --data absent.csv --text a --label b
            hone new shop --data folder --text a --label b
            hone new shop --data empty.csv --text a --label b
            "
        ),
        @""
    );
    assert!(!place.path("shop").exists(), "nothing is made for a file that cannot be read");
}

#[test]
fn columns_and_models_that_do_not_exist() {
    let place = Place::new();
    place.write("data.csv", reviews(3));
    assert_snapshot!(
        place.terminal(
            "
            hone new shop --data data.csv --text reveiw --label mood --model TINY_BERT
            hone new shop --data data.csv --text review --label stars --model TINY_BERT
            hone new shop --data data.csv --text review --label mood --model bert-huge
            hone new shop --data data.csv --text review --label mood --model home
            "
        ),
        @""
    );
}

#[test]
fn data_that_cannot_be_trained_on() {
    let one_label = "review,mood\nI like it,good\nI like it more,good\nI like it most,good\n";
    assert_snapshot!(training(one_label, ""), @"");
    let rare = format!("{}999,a single one of its kind,unique\n", reviews(20));
    assert_snapshot!(training(&rare, ""), @"");
    assert_snapshot!(training(&reviews(20), " --test strange.csv"), @"");
}

#[test]
fn weights_that_cannot_be_used() {
    let place = Place::new();
    place.project();
    for file in fs::read_dir(TINY_BERT).unwrap().map(|file| file.unwrap()) {
        place.write(&format!("model/{}", file.file_name().to_string_lossy()), fs::read(file.path()).unwrap());
    }
    let weights = fs::read(place.path("model/model.safetensors")).unwrap();
    place.good(&["new", "other", "--data", "reviews.csv", "--text", "review", "--label", "mood", "--model", "model"]);
    let train = "hone train other --set epochs=1";
    place.write("model/model.safetensors", &weights[..weights.len() / 2]);
    assert_snapshot!(place.terminal(train), @"");
    place.write("model/model.safetensors", b"not weights at all");
    assert_snapshot!(place.terminal(train), @"");
    fs::remove_file(place.path("model/model.safetensors")).unwrap();
    assert_snapshot!(place.terminal(train), @"");
}

#[test]
fn projects_that_cannot_be_opened() {
    let place = Place::new();
    place.project();
    let text = place.read("shop/project.ron");
    let train = "hone train shop --set epochs=1";

    place.write("shop/project.ron", "(schema_version: 70, name: \"From tomorrow\")");
    assert_snapshot!(place.terminal(train), @"");
    place.write("shop/project.ron", text.replace("warmup: 0.1", "warmup: 0,1"));
    assert_snapshot!(place.terminal(train), @"");
    place.write("shop/project.ron", &text);
    let file = ProjectFile::open(&place.path("shop")).unwrap();
    file.file.autosave(&file.project).unwrap();
    place.write("shop/project.ron", &text[..200]);
    assert_snapshot!(place.terminal(train), @"");
    assert_snapshot!(
        place.terminal(
            "
            hone train nowhere
            hone runs nowhere
            hone predict home reviews.csv --out a.csv
            hone predict home reviews.csv --out a.xlsx
            "
        ),
        @""
    );
}

#[test]
fn places_that_cannot_be_written() {
    let place = Place::new();
    place.write("reviews.csv", reviews(3));
    place.write("file", "in the way");
    assert_snapshot!(place.terminal("hone new file/shop --data reviews.csv --text review --label mood"), @"");

    place.project();
    place.write("shop/runs", "in the way");
    assert_snapshot!(place.terminal("hone train shop --set epochs=1"), @"");
}

#[test]
fn runs_that_do_not_exist() {
    let place = Place::new();
    place.project();
    assert_snapshot!(
        place.terminal(
            "
            hone evaluate shop
            hone export shop --format hf --out a --run x
            hone runs shop
            "
        ),
        @""
    );
}
