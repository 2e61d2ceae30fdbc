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
            hone predict shop
            hone export shop --format pdf --out a
            hone inspect
            hone inspect a.csv --delimiter ab
            hone trian
            hone trian shop --json
            hone nowhere
            "
        ),
        @r"
        $ hone new shop
        ! error: the following required arguments were not provided:
        !   --data <FILE>
        ! 
        ! Usage: hone new --data <FILE> <FOLDER>
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone train
        ! error: the following required arguments were not provided:
        !   <PROJECT>
        ! 
        ! Usage: hone train <PROJECT>
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone predict shop
        ! error: the following required arguments were not provided:
        !   <FILE>
        ! 
        ! Usage: hone predict <PROJECT|MODEL_FOLDER> <FILE>
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone export shop --format pdf --out a
        ! error: invalid value 'pdf' for '--format <FORMAT>'
        !   [possible values: hf, adapter, safetensors, predictions]
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone inspect
        ! error: the following required arguments were not provided:
        !   <FILE>...
        ! 
        ! Usage: hone inspect <FILE>...
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone inspect a.csv --delimiter ab
        ! error: invalid value 'ab' for '--delimiter <CHAR>': use one character, or comma, semicolon, tab, pipe
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone trian
        ! Error: There is neither a project nor a command 'trian'. Did you mean 'train'? See hone --help.
        exit code 2

        $ hone trian shop --json
        ! Error: There is neither a project nor a command 'trian'. Did you mean 'train'? See hone --help.
        exit code 2

        $ hone nowhere
        ! Error: There is neither a project nor a command 'nowhere'. See hone --help.
        exit code 2
        "
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
        @r"
        $ hone train shop --set training.epoch=3
        ! Error: There is no setting 'training.epoch'. Did you mean training.epochs, epochs, training.device, training.lora?
        exit code 2

        $ hone train shop --set epochs
        ! Error: 'epochs' has no value. Write NAME=VALUE, for example training.epochs=3.
        exit code 2

        $ hone train shop --set training.epochs=many
        ! Error: 'many' is not valid for training.epochs: it must be a whole number, 0 or more.
        exit code 2

        $ hone train shop --set training.schedule=zigzag
        ! Error: 'zigzag' is not valid for training.schedule: it must be one of `Linear`, `Cosine`, `Constant`.
        exit code 2

        $ hone train shop --set colour=red
        ! Error: There is no setting 'colour'. Did you mean lr, training.lr, warmup, dataset.columns?
        exit code 2

        $ hone train shop --set training.epochs=0
        ! Error: The setting epochs cannot be 0. Use at least 1.
        exit code 2

        $ hone train shop --set lr=-1
        ! Error: The setting learning rate cannot be -1. Use a number above 0; 2e-5 to 1e-4 is usual.
        exit code 2

        $ hone train shop --set training.dropout=1
        ! Error: The setting dropout cannot be 1. Use 0 or more, and less than 1; 0.1 is usual.
        exit code 2

        $ hone train shop --set split.test=2
        ! Error: The setting test share cannot be 2. Use a share of the rows, such as 0.2 or 20%, or a number of rows, such as 500rows. The shares for validation and test must add up to less than 1.
        exit code 2

        $ hone new other --data reviews.csv --set training.epochs=0
        ! Error: The setting epochs cannot be 0. Use at least 1.
        exit code 2

        $ hone new other --data reviews.csv --set lr=-1
        ! Error: The setting learning rate cannot be -1. Use a number above 0; 2e-5 to 1e-4 is usual.
        exit code 2
        "
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
        @r"
        $ hone new 'my shop' --data reviews.csv --text review --label mood
        Created project my shop in my shop with 15 rows.
        Text: review. Label: mood.
        Next: hone train 'my shop'
        ! Reading the file
        ! Finding rows: 15 B of 670 B

        $ hone runs 'my shop'
        No runs yet. Start one with: hone train 'my shop'
        "
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
        @r"
        $ hone models list
        group            id                       language       tokens  parameters  download  licence       on this machine
        Small and fast   minilm-l6                English           512      22.7 M  [size]  Apache-2.0    no
        Small and fast   bge-small-en             English           512      33.4 M   [size]  MIT           no
        Small and fast   distilbert-base-uncased  English           512      66.4 M         -  Apache-2.0    no
        Small and fast   legal-bert-small         English           512      34.8 M         -  CC-BY-SA-4.0  no
        Larger           bert-base-uncased        English           512     109.5 M   [size]  Apache-2.0    no
        Larger           roberta-base             English           512     124.1 M         -  MIT           no
        Larger           all-mpnet-base-v2        English           512     108.9 M         -  Apache-2.0    no
        Other languages  multilingual-e5-small    100 languages     512     117.5 M         -  MIT           no
        Other languages  xlm-roberta-base         100 languages     512     277.5 M         -  MIT           no
        Other languages  bert-base-german-cased   German            512     108.5 M         -  MIT           no
        Other languages  camembert-base           French            512     110.0 M         -  MIT           no
        Long texts       modernbert-base          English         8,192     149.0 M         -  Apache-2.0    no
        Long texts       modernbert-large         English         8,192     394.8 M         -  Apache-2.0    no
        GPT              gpt2                     English         1,024     124.4 M         -  MIT           no
        GPT              smollm2-135m             English         8,192     134.5 M         -  Apache-2.0    no
        GPT              qwen3-0.6b               119 languages  32,768     596.0 M         -  Apache-2.0    no

        tokens: the longest text that a model reads. Where the download is -, its size is known once you fetch the model.

        $ hone models fetch gpt-9
        ! Error: 'gpt-9' is neither a known model (hone models list) nor a folder. HF_HUB_OFFLINE forbids asking the Hugging Face Hub. Unset it and start Hone again, or choose a model that is on this machine.
        exit code 1
        "
    );
    let list = place.json(&["models", "list", "--json"]);
    let model = list["models"].as_array().unwrap().iter().find(|model| model["id"] == "minilm-l6").unwrap();
    assert_eq!((model["architecture"].as_str(), model["folder"].as_str()), (Some("bert"), None));
}

#[test]
fn without_a_network_every_source_tried_is_named() {
    assert_snapshot!(Place::new().terminal("hone models fetch minilm-l6"), @r"
        $ hone models fetch minilm-l6
        ! Error: MiniLM L6 is not on this machine, and HF_HUB_OFFLINE forbids downloads. Unset it, or choose a local model folder.
        exit code 1
        ");
}

#[test]
#[cfg(all(unix, not(target_os = "macos")))]
fn without_a_display_the_sample_is_trained_in_the_terminal() {
    let place = Place::new();
    // With no model and no network it fails here, but it must begin and say what is missing.
    assert_snapshot!(place.terminal("hone"), @r"
        $ hone
        No display found, so Hone will train its sample project in the terminal: [folder]/home/data/hone/customer-reviews

        ! Reading the file
        ! Finding rows: 66 B of 128 KiB
        ! Cleaning texts
        ! Warning: 3 texts occur with different labels. Correct the labels in Labels, or drop these rows in Prepare.
        ! Downloading the model MiniLM L6 ([size]).
        ! Error: MiniLM L6 is not on this machine, and HF_HUB_OFFLINE forbids downloads. Unset it, or choose a local model folder.
        exit code 1
        ");
    assert!(place.path("home/data/hone/customer-reviews/reviews.csv").is_file());
    place.project();
    assert_snapshot!(place.terminal("hone shop"), @r"
        $ hone shop
        ! Error: There is no display to open a window on. To train in the terminal, run: hone train shop.
        exit code 1
        ");
}
