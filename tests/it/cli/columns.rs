//! Several files, joined columns, ids, and columns of one label each, in the terminal.

use insta::assert_snapshot;

use crate::cli::Place;
use hone::storage::ProjectFile;

/// Reviews with a title and an id.
fn titled(from: usize, rows: usize) -> String {
    let mut text = "review_id,title,body,mood\n".to_owned();
    for row in from..from + rows {
        let (mood, word) = [("good", "great"), ("bad", "broken"), ("fair", "okay")][row % 3];
        text += &format!("R-{row},The {word} one of {row},I found number {row} {word} on arrival,{mood}\n");
    }
    text
}

#[test]
fn several_files_are_inspected_and_made_into_one_project() {
    let place = Place::new();
    place.write("a.csv", titled(0, 30));
    place.write("b.csv", format!("{}R-9;lost\nR-9,x\n", titled(30, 30)));
    place.write("weather.csv", "city,rain\nDelft,3\n");
    assert_snapshot!(
        place.terminal(
            "
            hone inspect a.csv b.csv
            hone new shop --data a.csv --data b.csv --model TINY_BERT
            hone inspect a.csv c.csv
            hone inspect a.csv a.csv
            hone inspect a.csv weather.csv
            "
        ),
        @r"
        $ hone inspect a.csv b.csv
        file   rows  bad rows  kind
        a.csv    30         0  CSV
        b.csv    30         2  CSV

        60 rows, 3,917 bytes in total

        column     filled  distinct  role   first value
        review_id      60        60  id     R-0
        title          60        60  title  The great one of 0
        body           60        60  text   I found number 0 great on arrival
        mood           60         3  label  good
        file           60         2         a.csv

        2 rows could not be read:
          row 31 of b.csv (line 32): 1 field instead of 4: 'title' is missing
          row 32 of b.csv (line 33): 2 fields instead of 4: 'body' is missing

        label  rows  share
        bad      20  33.3%
        fair     20  33.3%
        good     20  33.3%

        Words per text: 12 to 12, median 12, 95th percentile 12.
        60 usable rows, none dropped.

        Warning: b.csv: 2 rows could not be read and will be ignored. The first is row 31 (line 32): 1 field instead of 4: 'title' is missing.

        No leakage found. Checked: duplicates across the split; near-duplicates across the split; columns that give the label away.
        Not checked: groups across the split, such as the rows of one customer: no group column is chosen; training rows newer than test rows: no time column is chosen.

        71 distinct words among 720 words in 60 texts.
        Typical words of each label (strongest first):
          bad: broken
          fair: okay
          good: great
        Languages of 60 texts: English 100.0%.
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Cleaning texts
        ! Checking the columns
        ! Detecting languages
        ! Looking for personal data
        ! Looking for repeated sentences
        ! Counting words
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage

        $ hone new shop --data a.csv --data b.csv --model TINY_BERT
        Created project shop in shop with 60 rows.
        Text: title, then body. Label: mood.
        Other columns: review_id (id).
        2 rows of [folder]/b.csv could not be read. To see them: hone inspect [folder]/b.csv
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB

        $ hone inspect a.csv c.csv
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Error: There is no file at [folder]/c.csv. Was it moved or renamed?
        exit code 1

        $ hone inspect a.csv a.csv
        ! Error: [folder]/a.csv is listed twice, so each of its rows would count twice. Remove one of the two.
        exit code 1

        $ hone inspect a.csv weather.csv
        file         rows  bad rows  kind
        a.csv          30         0  CSV
        weather.csv     1         0  CSV

        31 rows, 1,954 bytes in total

        column     filled  distinct  role   first value
        review_id      30        30         R-0
        title          30        30  title  The great one of 0
        body           30        30  text   I found number 0 great on arrival
        mood           30         3  label  good
        city            1         1         Delft
        rain            1         1         3
        file           31         2         a.csv

        Missing values: review_id 3.2% (1), title 3.2% (1), body 3.2% (1), mood 3.2% (1), city 96.8% (30), rain 96.8% (30).

        No usable rows.

        Problem: weather.csv has no column in common with a.csv: it has 'city', 'rain'. Remove the file, or rename its columns to match.
        Warning: weather.csv has no column 'title', so the text of 1 row is empty. It has: 'city', 'rain'.
        Warning: weather.csv has no column 'body', so the text of 1 row is empty. It has: 'city', 'rain'.
        Warning: weather.csv has no column 'mood', so the label of 1 row is empty. It has: 'city', 'rain'.
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Reading the file
        ! Finding rows: 10 B of 18 B
        ! Checking the columns
        ! Looking for repeated sentences
        ! Finding near-duplicates
        "
    );
    let json = place.json(&["inspect", "a.csv", "b.csv", "--json"]);
    assert_eq!((json["rows"].as_u64(), json["files"][1]["bad_rows"].as_u64()), (Some(60), Some(2)));
    assert_eq!(
        (json["bad_rows"][0]["file"].as_str(), json["bad_rows"][0]["record"].as_u64()),
        (Some("b.csv"), Some(31))
    );
    let roles: Vec<&str> =
        json["columns"].as_array().unwrap().iter().filter_map(|column| column["role"].as_str()).collect();
    assert_eq!(roles, ["id", "title", "text", "label"]);
    let (_, project) = ProjectFile::read(&place.path("shop")).unwrap();
    assert_eq!((project.dataset.more.len(), project.dataset.joined_columns().collect::<Vec<_>>()), (1, vec!["title"]));
}

#[test]
fn named_columns_are_used_and_a_column_has_one_role() {
    let place = Place::new();
    place.write("a.csv", titled(0, 30));
    assert_snapshot!(
        place.terminal(
            "
            hone new shop --data a.csv --model TINY_BERT --text body
            hone new shop --force --data a.csv --model TINY_BERT --text body --title review_id --title title
            hone new shop --force --data a.csv --model TINY_BERT --text body --id review_id
            hone new shop --force --data a.csv --model TINY_BERT --title titel
            hone new shop --force --data a.csv --model TINY_BERT --id mood --label mood
            "
        ),
        @r"
        $ hone new shop --data a.csv --model TINY_BERT --text body
        Created project shop in shop with 30 rows.
        Text: body. Label: mood.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB

        $ hone new shop --force --data a.csv --model TINY_BERT --text body --title review_id --title title
        Created project shop in shop with 30 rows.
        Text: review_id, then title, then body. Label: mood.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB

        $ hone new shop --force --data a.csv --model TINY_BERT --text body --id review_id
        Created project shop in shop with 30 rows.
        Text: body. Label: mood.
        Other columns: review_id (id).
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB

        $ hone new shop --force --data a.csv --model TINY_BERT --title titel
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Error: There is no column 'titel'. Did you mean 'title'? The columns are: review_id, title, body, mood.
        exit code 1

        $ hone new shop --force --data a.csv --model TINY_BERT --id mood --label mood
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Error: The column 'mood' cannot be both 'label' and 'id'.
        exit code 1
        "
    );
}

#[test]
fn one_hot_label_columns_are_suggested_and_used_when_named() {
    let place = Place::new();
    let mut rows = "text,good,bad\n".to_owned();
    for row in 0..40 {
        let (good, bad) = (u8::from(row % 2 == 0), u8::from(row % 2 == 1));
        rows += &format!("what came on day {row} is as it was,{good},{bad}\n");
    }
    rows += "both of them,1,1\n";
    place.write("rows.csv", rows);
    // Labels are named here, and it is the text that is not.
    place.write("codes.csv", "code,good,bad\n1,1,0\n2,0,1\n3,1,0\n");
    assert_snapshot!(
        place.terminal(
            "
            hone inspect rows.csv
            hone new shop --data rows.csv --model TINY_BERT
            hone new shop --data rows.csv --model TINY_BERT --label good --label bad
            hone inspect rows.csv --label good --label bad
            hone inspect codes.csv --label good --label bad
            "
        ),
        @r"
        $ hone inspect rows.csv
        [folder]/rows.csv: 41 rows, 1,501 bytes, UTF-8, separated by ','

        column  filled  distinct  role  first value
        text        41        41  text  what came on day 0 is as it was
        good        41         2        1
        bad         41         2        0

        These columns look like one-hot labels: good, bad. To use them, add --label good --label bad.
        ! Reading the file
        ! Finding rows: 14 B of 1.5 KiB

        $ hone new shop --data rows.csv --model TINY_BERT
        ! Reading the file
        ! Finding rows: 14 B of 1.5 KiB
        ! Error: These columns look like one-hot labels: good, bad. To use them, add --label good --label bad.
        exit code 1

        $ hone new shop --data rows.csv --model TINY_BERT --label good --label bad
        Created project shop in shop with 41 rows.
        Text: text. Labels: good, bad.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 14 B of 1.5 KiB

        $ hone inspect rows.csv --label good --label bad
        [folder]/rows.csv: 41 rows, 1,501 bytes, UTF-8, separated by ','

        column  filled  distinct  role   first value
        text        41        41  text   what came on day 0 is as it was
        good        41         2  label  1
        bad         41         2  label  0

        label  rows  share
        bad      20  50.0%
        good     20  50.0%

        Words per text: 9 to 9, median 9, 95th percentile 9.
        40 usable rows, after dropping 1 row with several labels.

        Warning: 1 row is marked in several label columns, or with something other than 1. Hone drops such rows because each text needs exactly one label. Correct them in the file, or use a single label column.

        No leakage found. Checked: duplicates across the split; near-duplicates across the split; columns that give the label away.
        Not checked: groups across the split, such as the rows of one customer: no group column is chosen; training rows newer than test rows: no time column is chosen.

        48 distinct words among 360 words in 40 texts.
        Languages of 40 texts: unsure 100.0%.
        ! Reading the file
        ! Finding rows: 14 B of 1.5 KiB
        ! Cleaning texts
        ! Checking the columns
        ! Detecting languages
        ! Looking for personal data
        ! Looking for repeated sentences
        ! Counting words
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage

        $ hone inspect codes.csv --label good --label bad
        [folder]/codes.csv: 3 rows, 32 bytes, UTF-8, separated by ','

        column  filled  distinct  role   first value
        code         3         3         1
        good         3         2  label  1
        bad          3         2  label  0

        Hone could not guess the text column. Name it with --text.
        ! Reading the file
        ! Finding rows: 14 B of 32 B
        "
    );
    let json = place.json(&["inspect", "rows.csv", "--label", "good", "--label", "bad", "--json"]);
    assert_eq!(json["label_columns"], serde_json::json!(["good", "bad"]));
    assert_eq!((json["label_column"].as_str(), json["texts"]["left_out"][0]["rows"].as_u64()), (None, Some(1)));
}

#[test]
fn titles_are_joined_to_texts_in_prediction_as_in_training() {
    let place = Place::new();
    place.write("a.csv", titled(0, 60));
    place.good(&["new", "shop", "--data", "a.csv", "--model", super::TINY_BERT, "--set", "epochs=1"]);
    place.good(&["train", "shop"]);
    place.write("new.csv", "title,body\nThe great one,I found it great\n,No title here\n");
    place.good(&["predict", "shop", "new.csv", "--out", "joined.csv"]);
    place.write("whole.csv", "id,body\n1,\"The great one\nI found it great\"\n2,No title here\n");
    place.good(&["predict", "shop", "whole.csv", "--text", "body", "--out", "whole-out.csv"]);
    let answers = |name: &str| -> Vec<Vec<String>> {
        let text = place.read(name);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let from = reader.headers().unwrap().iter().position(|column| column == "predicted").unwrap();
        reader.records().map(|row| row.unwrap().iter().skip(from).map(str::to_owned).collect()).collect()
    };
    assert_eq!(answers("joined.csv"), answers("whole-out.csv"));

    place.write("untitled.csv", "body\nI found it great\n");
    assert_snapshot!(
        place.terminal(
            "
            hone predict shop untitled.csv --out x.csv
            hone predict shop untitled.csv --text body --out x.csv
            "
        ),
        @r"
        $ hone predict shop untitled.csv --out x.csv
        ! Reading the file
        ! Finding rows: 5 B of 22 B
        ! Error: [folder]/untitled.csv has no column 'title', which was prepended to the text in 'body' in training. Its columns: body. Add the column (cells can be empty), or name the text column (--text) to predict without it.
        exit code 1

        $ hone predict shop untitled.csv --text body --out x.csv
        Wrote predictions for 1 row to [folder]/x.csv, with the model in [folder]/shop/runs/[run]/best.

        predicted  rows  share
        bad           1   100%
        fair          0     0%
        good          0     0%
        ! Reading the file
        ! Finding rows: 5 B of 22 B
        ! Warning: [folder]/untitled.csv has no column 'title', which was prepended to the text in training.
        ! Predicting
        ! Writing the file
        "
    );

    place.good(&["export", "shop", "--format", "predictions", "--out", "predictions.csv"]);
    let predictions = place.read("predictions.csv");
    assert!(predictions.starts_with("\u{feff}row,id,text,label,") && predictions.contains(",R-"), "{predictions}");
    place.good(&["export", "shop", "--format", "hf", "--out", "exported"]);
    let card = place.read("exported/README.md");
    assert!(card.contains("`body`") && card.contains("`title`"), "{card}");
    place.good(&["predict", "exported", "new.csv", "--out", "again.csv"]);
    assert_eq!(answers("again.csv"), answers("joined.csv"));
    let measured = place.json(&["evaluate", "shop", "--data", "a.csv", "--json"]);
    assert_eq!(measured["rows"].as_u64(), Some(60));
}

#[test]
fn a_project_that_adapts_a_model_needs_no_label() {
    let place = Place::new();
    place.write("a.csv", titled(0, 30));
    assert_snapshot!(
        place.terminal(
            "
            hone new terms --task adapt --data a.csv --text body --model TINY_BERT
            hone new terms --task adapt --data a.csv --text body --model TINY_BERT --force --label mood
            hone new terms --task translate --data a.csv
            "
        ),
        @r#"
        $ hone new terms --task adapt --data a.csv --text body --model TINY_BERT
        Created project terms in terms with 30 rows.
        Text: body.
        Frequent words that the model breaks into three or more pieces: arrival (30), found (30), number (30), okay (10).
        To add them to its vocabulary, train with: --set 'task.new_words=["arrival", "found", "number", "okay"]'
        Next: hone train terms
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Counting words
        ! Looking for broken words

        $ hone new terms --task adapt --data a.csv --text body --model TINY_BERT --force --label mood
        ! Reading the file
        ! Finding rows: 26 B of 1.9 KiB
        ! Error: A project with --task adapt has no labels. Remove --label.
        exit code 2

        $ hone new terms --task translate --data a.csv
        ! error: invalid value 'translate' for '--task <TASK>': use classify or adapt
        ! 
        ! For more information, try '--help'.
        exit code 2
        "#
    );
    let (_, project) = ProjectFile::read(&place.path("terms")).unwrap();
    assert!(project.language_modelling().is_some() && project.dataset.label_columns().next().is_none());
}
