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
        @""
    );
    let json = place.json(&["inspect", "a.csv", "b.csv", "--json"]);
    assert_eq!((json["rows"].as_u64(), json["files"][1]["bad_rows"].as_u64()), (Some(60), Some(2)));
    assert_eq!(
        (json["bad_rows"][0]["file"].as_str(), json["bad_rows"][0]["record"].as_u64()),
        (Some("b.csv"), Some(31))
    );
    let roles: Vec<&str> =
        json["columns"].as_array().unwrap().iter().filter_map(|column| column["role"].as_str()).collect();
    assert_eq!(roles, ["id", "before the text", "text", "label"]);
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
        @""
    );
}

#[test]
fn columns_of_one_label_each_are_suggested_and_used_when_named() {
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
        @""
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
        @""
    );

    place.good(&["export", "shop", "--format", "predictions", "--out", "predictions.csv"]);
    let predictions = place.read("predictions.csv");
    assert!(predictions.starts_with("row,id,text,label,") && predictions.contains(",R-"), "{predictions}");
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
        @""
    );
    let (_, project) = ProjectFile::read(&place.path("terms")).unwrap();
    assert!(project.language_modelling().is_some() && project.dataset.label_columns().next().is_none());
}
