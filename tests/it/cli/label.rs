//! Labelling files: formats, previews, thresholds.

use insta::assert_snapshot;

use super::Place;

/// A place with a trained project in `shop`.
fn trained() -> Place {
    let place = Place::new();
    place.project();
    place.good(&["train", "shop", "--set", "epochs=1"]);
    place
}

const NEW: &str = "id;review\n1;I love this phone, schön\n2;=1+1\n3;\n";

#[test]
fn without_an_output_the_counts_and_the_first_rows_are_shown() {
    let place = trained();
    place.write("new.csv", "review\nI love this phone\n  \n\"I hate it, broken\"\n");
    assert_snapshot!(place.terminal_without_numbers("hone predict shop new.csv --threshold 1"), @r"
        $ hone predict shop new.csv --threshold #
        Predicted # rows with the model in [folder]/shop/runs/[run]/best. Add --out FILE to write them.

        predicted    rows  share
        bad # #
        fair # #
        good # #
        (undecided) # #

        row  predicted    probability  text
         #  (undecided) #  I love this phone
         #  (undecided) #  I hate it, broken
        ! Reading the file
        ! Finding rows: # B of # B
        ! Predicting
        ");
    assert_snapshot!(
        place.terminal(
            "
            hone predict shop new.csv --raw
            hone predict shop new.csv --threshold 80
            hone predict shop new.csv --out new.ods
            "
        ),
        @r"
        $ hone predict shop new.csv --raw
        ! Error: --force and --raw say how to write the file of --out. Add --out.
        exit code 2

        $ hone predict shop new.csv --threshold 80
        ! error: invalid value '80' for '--threshold <SHARE>': use a number from 0 to 1, such as 0.8
        ! 
        ! For more information, try '--help'.
        exit code 2

        $ hone predict shop new.csv --out new.ods
        ! Error: Predictions are written as CSV, XLSX or Parquet, but '[folder]/new.ods' ends in .ods. Choose a name that ends in .csv, .xlsx or .parquet.
        exit code 1
        "
    );
}

#[test]
fn predictions_are_written_as_csv_xlsx_and_parquet_with_the_same_rows() {
    let place = trained();
    place.write("new.csv", NEW);
    let mut labels = Vec::new();
    for name in ["out.csv", "out.xlsx", "out.parquet"] {
        let saved = place.json(&["predict", "shop", "new.csv", "--out", name, "--json"]);
        assert_eq!((&saved["rows"], &saved["empty"], &saved["undecided"]), (&2.into(), &1.into(), &0.into()), "{name}");
        let counts = saved["labels"].as_object().unwrap();
        assert_eq!(counts.values().map(|rows| rows.as_u64().unwrap()).sum::<u64>(), 2);
        // Read again by the same code that reads any table.
        let again = place.json(&["predict", "shop", name, "--json"]);
        assert_eq!((&again["rows"], &again["empty"], &again["labels"]), (&2.into(), &1.into(), &saved["labels"]));
        let seen = place.json(&["inspect", name, "--text", "review", "--label", "predicted", "--json"]);
        labels.push(seen["labels"].clone());
        assert_eq!(seen["rows"], 3, "{name}: {seen}");
    }
    assert!(labels.iter().all(|found| *found == labels[0]), "{labels:?}");
    let csv = std::fs::read(place.path("out.csv")).unwrap();
    assert!(csv.starts_with("\u{feff}id,review,predicted,".as_bytes()));
    assert!(String::from_utf8(csv).unwrap().contains("2,'=1+1,"));
}

#[test]
fn rows_below_the_threshold_are_undecided_and_keep_their_best_guess() {
    let place = trained();
    place.write("new.csv", NEW);
    let saved = place.json(&["predict", "shop", "new.csv", "--out", "out.csv", "--threshold", "1.0", "--json"]);
    assert_eq!((&saved["undecided"], &saved["rows"]), (&2.into(), &2.into()));
    let text = place.read("out.csv");
    assert!(text.lines().next().unwrap().contains("review,predicted,best_guess,probability_bad"), "{text}");
    assert_eq!(text.matches(",undecided,").count(), 2, "{text}");
}

#[test]
fn a_sheet_a_header_row_and_an_encoding_can_be_named() {
    let place = trained();
    place.write("bare.csv", b"I love it, sch\xF6n|1\nbroken|2\n");
    let read = ["--delimiter", "pipe", "--encoding", "windows-1252", "--no-header", "--text", "column_1"];
    let saved = place.json(&[&["predict", "shop", "bare.csv", "--out", "a.xlsx", "--json"], &read[..]].concat());
    assert_eq!(saved["rows"], 2);
    let sheet = ["--sheet", "Predictions", "--header-row", "1", "--text", "column_1"];
    let saved = place.json(&[&["predict", "shop", "a.xlsx", "--out", "b.csv", "--json"], &sheet[..]].concat());
    assert_eq!(saved["rows"], 2);
    assert!(place.read("b.csv").contains("\"I love it, schön\",1,"));
    let bad = place.bad(1, &["predict", "shop", "a.xlsx", "--sheet", "May", "--out", "c.csv"]);
    assert!(bad.contains("May") && bad.contains("Predictions"), "{bad}");
}
