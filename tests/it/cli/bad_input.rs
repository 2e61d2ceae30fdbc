//! Every kind of bad input, as a person sees it at the terminal.

use std::fs;

use insta::assert_snapshot;

use crate::cli::{Place, TINY_BERT, reviews};

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
        @r"
        $ hone inspect absent.csv
        ! Error: There is no file at [folder]/absent.csv. Was it moved or renamed?
        exit code 1

        $ hone inspect folder
        ! Error: [folder]/folder holds no documents but 1 file with rows. Choose one of them instead of the folder: --data [folder]/folder/inside.csv --text COLUMN.
        exit code 1

        $ hone inspect empty.csv
        ! Error: [folder]/empty.csv is empty. Choose a file with a header line and one row for each text.
        exit code 1

        $ hone inspect blank.csv
        ! Reading the file
        ! Error: [folder]/blank.csv is empty. Choose a file with a header line and one row for each text.
        exit code 1

        $ hone inspect picture.csv
        ! Error: [folder]/picture.csv is a picture, not a text file. Choose a table of rows: CSV, TSV, JSON, Parquet or a workbook.
        exit code 1

        $ hone inspect noise.csv
        ! Reading the file
        ! Error: [folder]/noise.csv is a binary file, not a text file. Choose a table of rows: CSV, TSV, JSON, Parquet or a workbook.
        exit code 1

        $ hone inspect folder/inside.csv --encoding klingon
        ! Reading the file
        ! Error: 'klingon' is not an encoding. Use a name such as utf-8, windows-1252 or shift_jis, or none to detect it.
        exit code 1

        $ hone new shop --data absent.csv --text a --label b
        ! Error: There is no file at [folder]/absent.csv. Was it moved or renamed?
        exit code 1

        $ hone new shop --data folder --text a --label b
        ! Error: [folder]/folder holds no documents but 1 file with rows. Choose one of them instead of the folder: --data [folder]/folder/inside.csv --text COLUMN.
        exit code 1

        $ hone new shop --data empty.csv --text a --label b
        ! Error: [folder]/empty.csv is empty. Choose a file with a header line and one row for each text.
        exit code 1
        "
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
        @r"
        $ hone new shop --data data.csv --text reveiw --label mood --model TINY_BERT
        ! Reading the file
        ! Finding rows: 15 B of 402 B
        ! Error: There is no column 'reveiw'. Did you mean 'review'? The columns are: id, review, mood.
        exit code 1

        $ hone new shop --data data.csv --text review --label stars --model TINY_BERT
        ! Reading the file
        ! Finding rows: 15 B of 402 B
        ! Error: There is no column 'stars'. The columns are: id, review, mood.
        exit code 1

        $ hone new shop --data data.csv --text review --label mood --model bert-huge
        ! Error: 'bert-huge' is neither a known model (hone models list) nor a folder. HF_HUB_OFFLINE forbids asking the Hugging Face Hub. Unset it and start Hone again, or choose a model that is on this machine.
        exit code 1

        $ hone new shop --data data.csv --text review --label mood --model home
        ! Error: 'home' is neither a known model (hone models list) nor a folder. HF_HUB_OFFLINE forbids asking the Hugging Face Hub. Unset it and start Hone again, or choose a model that is on this machine.
        exit code 1
        "
    );
}

#[test]
fn data_that_cannot_be_trained_on() {
    let one_label = "review,mood\nI like it,good\nI like it more,good\nI like it most,good\n";
    assert_snapshot!(training(one_label, ""), @r"
        $ hone new shop --data data.csv --text review --label mood --model TINY_BERT
        Created project shop in shop with 3 rows.
        Text: review. Label: mood.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 12 B of 67 B

        $ hone train shop --set epochs=1
        ! Reading the file
        ! Finding rows: 12 B of 67 B
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Error: Hone cannot train on this data yet. There is only one label: all 3 rows are 'good'. At least two are needed. Choose a label column other than 'mood', or check the merged and excluded labels.
        exit code 1
        ");
    let rare = format!("{}999,a single one of its kind,unique\n", reviews(20));
    assert_snapshot!(training(&rare, ""), @r"
        $ hone new shop --data data.csv --text review --label mood --model TINY_BERT
        Created project shop in shop with 61 rows.
        Text: review. Label: mood.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 15 B of 2.7 KiB

        $ hone train shop --set epochs=1
        ! Reading the file
        ! Finding rows: 15 B of 2.7 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Error: Hone cannot train on this data yet. Too few rows to split: 'unique' (1 row). Each label needs at least 3, one each for training, validation and test. Add rows, merge the label with another, or exclude it in Labels.
        exit code 1
        ");
    assert_snapshot!(training(&reviews(20), " --test strange.csv"), @r"
        $ hone new shop --data data.csv --text review --label mood --model TINY_BERT --test strange.csv
        Created project shop in shop with 60 rows.
        Text: review. Label: mood.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Reading the file
        ! Finding rows: 12 B of 31 B

        $ hone train shop --set epochs=1
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Reading the file
        ! Finding rows: 12 B of 31 B
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Error: Hone cannot train on this data yet. The label 'splendid' in strange.csv (1 row, the first: row 1) is not in the training set, so the model can never predict it. Correct it, merge it with another label, or exclude it in Labels.
        exit code 1
        ");
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
    assert_snapshot!(place.terminal(train), @r"
        $ hone train other --set epochs=1
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ! Loading the model
        ! Training on [device].
        ! Error: The weights file [folder]/model/model.safetensors is damaged or incomplete (it has 63230 bytes instead of 126460). Download the model again, or choose another.
        exit code 1
        ");
    place.write("model/model.safetensors", b"not weights at all");
    assert_snapshot!(place.terminal(train), @r"
        $ hone train other --set epochs=1
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ! Loading the model
        ! Training on [device].
        ! Error: The weights file [folder]/model/model.safetensors is damaged or incomplete (it does not begin like a safetensors file). Download the model again, or choose another.
        exit code 1
        ");
    fs::remove_file(place.path("model/model.safetensors")).unwrap();
    assert_snapshot!(place.terminal(train), @r"
        $ hone train other --set epochs=1
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ! Loading the model
        ! Training on [device].
        ! Error: The model folder [folder]/model has no model.safetensors. It must hold config.json, model.safetensors and tokenizer.json. Download the model again, or choose another.
        exit code 1
        ");
}

#[test]
fn projects_that_cannot_be_opened() {
    let place = Place::new();
    place.project();
    let text = place.read("shop/project.ron");
    let train = "hone train shop --set epochs=1";

    place.write("shop/project.ron", "(schema_version: 70, name: \"From tomorrow\")");
    assert_snapshot!(place.terminal(train), @r"
        $ hone train shop --set epochs=1
        ! Error: shop/project.ron was written by a newer version of Hone (project format 70; this version reads up to 2). Update Hone to open it; nothing was changed.
        exit code 1
        ");
    place.write("shop/project.ron", text.replace("warmup: 0.1", "warmup: 0,1"));
    assert_snapshot!(place.terminal(train), @r"
        $ hone train shop --set epochs=1
        ! Error: shop/project.ron is damaged at line 72, column 19: the name of a setting was expected, not '1'. Fix that line in a text editor, or open the project in Hone's window to restore its last good state.
        exit code 1
        ");
    place.write("shop/project.ron", &text);
    place.write("shop/project.ron", &text[..200]);
    assert_snapshot!(place.terminal(train), @r"
        $ hone train shop --set epochs=1
        ! Error: shop/project.ron is damaged at line 10, column 23: Unexpected end of RON. Fix that line in a text editor, or open the project in Hone's window to restore its last good state.
        exit code 1
        ");
    assert_snapshot!(
        place.terminal(
            "
            hone train nowhere
            hone runs nowhere
            hone predict home reviews.csv --out a.csv
            hone predict home reviews.csv --out a.ods
            "
        ),
        @r"
        $ hone train nowhere
        ! Error: There is no project in nowhere. Choose a folder with a project.ron, or create a project with `hone new`.
        exit code 1

        $ hone runs nowhere
        ! Error: There is no project in nowhere. Choose a folder with a project.ron, or create a project with `hone new`.
        exit code 1

        $ hone predict home reviews.csv --out a.csv
        ! Error: 'home' is neither a project (no project.ron) nor a model folder (no config.json). Check the path.
        exit code 1

        $ hone predict home reviews.csv --out a.ods
        ! Error: 'home' is neither a project (no project.ron) nor a model folder (no config.json). Check the path.
        exit code 1
        "
    );
}

#[test]
fn places_that_cannot_be_written() {
    let place = Place::new();
    place.write("reviews.csv", reviews(3));
    place.write("file", "in the way");
    assert_snapshot!(place.terminal("hone new file/shop --data reviews.csv --text review --label mood"), @r"
        $ hone new file/shop --data reviews.csv --text review --label mood
        ! Reading the file
        ! Finding rows: 15 B of 402 B
        ! Error: Could not create file/shop: a part of the path is a file, not a folder. Choose another path.
        exit code 1
        ");

    place.project();
    place.write("shop/runs", "in the way");
    assert_snapshot!(place.terminal("hone train shop --set epochs=1"), @r"
        $ hone train shop --set epochs=1
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ! Loading the model
        ! Training on [device].
        ! Loaded 39 tensors. Training all 30,531 parameters.
        ! The model was fine-tuned for 3 other labels (negative, neutral, positive): it keeps what it knows of language, and learns your labels from scratch.
        ! Warning: The model reads at most 64 tokens: longer texts are truncated.
        ! Tokenising
        ! Warning: Only 2 optimizer steps are planned. As a rule of thumb, a model needs 100 or more to learn its labels; with fewer, it often predicts the same label for every row. More rows, more epochs or a smaller batch size give more steps.
        ! Error: Could not create shop/runs: a file with that name already exists. Rename or delete it, or choose another path.
        exit code 1
        ");
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
        @r"
        $ hone evaluate shop
        ! Error: There is no run with a model in shop. It has no runs yet: train first, with `hone train` or the Train step.
        exit code 1

        $ hone export shop --format hf --out a --run x
        ! Error: There is no run 'x' in shop. It has no runs yet: train first, with `hone train` or the Train step.
        exit code 1

        $ hone runs shop
        No runs yet. Start one with: hone train shop
        "
    );
}

#[test]
fn a_file_that_makes_a_decoder_panic_is_an_error_of_the_file() {
    let place = Place::new();
    place.write("data.parquet", include_bytes!("../../fixtures/tables/contradicts-itself.parquet"));
    let said = place.bad(1, &["inspect", "data.parquet"]);
    assert!(
        said.contains("data.parquet could not be read as a Parquet file: its contents contradict each other"),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}
