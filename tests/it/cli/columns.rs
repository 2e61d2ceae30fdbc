//! Several files, joined columns, ids, and columns of one label each, in the terminal.

use super::{Place, TINY_BERT};
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
fn several_files_are_inspected_and_made_a_project_of() {
    let place = Place::new();
    place.write("a.csv", titled(0, 30));
    place.write("b.csv", format!("{}R-9;lost\nR-9,x\n", titled(30, 30)));
    let out = place.good(&["inspect", "a.csv", "b.csv"]);
    insta::assert_snapshot!("inspect_several", out);
    let json = place.json(&["inspect", "a.csv", "b.csv", "--json"]);
    assert_eq!((json["rows"].as_u64(), json["files"][1]["bad_rows"].as_u64()), (Some(60), Some(2)));
    assert_eq!(
        (json["bad_rows"][0]["file"].as_str(), json["bad_rows"][0]["record"].as_u64()),
        (Some("b.csv"), Some(31))
    );
    let roles: Vec<&str> =
        json["columns"].as_array().unwrap().iter().filter_map(|column| column["role"].as_str()).collect();
    assert_eq!(roles, ["id", "before the text", "text", "label"]);

    let out = place.good(&["new", "shop", "--data", "a.csv", "--data", "b.csv", "--model", TINY_BERT]);
    assert!(
        out.contains("with 60 rows.\nText: title, then body. Label: mood.\nOther columns: id review_id.\n"),
        "{out}"
    );
    assert!(out.contains("2 rows of [folder]/b.csv could not be read"), "{out}");
    let (_, project) = ProjectFile::read(&place.path("shop")).unwrap();
    assert_eq!((project.dataset.more.len(), project.dataset.joined_columns().collect::<Vec<_>>()), (1, vec!["title"]));

    assert!(place.bad(1, &["inspect", "a.csv", "c.csv"]).contains("There is no file at [folder]/c.csv"));
    assert!(place.bad(1, &["inspect", "a.csv", "a.csv"]).contains("a.csv is twice among the data files"));
    assert!(place.bad(2, &["inspect"]).contains("<FILE>"));
    place.write("weather.csv", "city,rain\nDelft,3\n");
    let out = place.good(&["inspect", "a.csv", "weather.csv"]);
    assert!(out.contains("Problem: weather.csv has no column in common with a.csv"), "{out}");
}

#[test]
fn columns_asked_for_are_used_and_one_cannot_be_two_things() {
    let place = Place::new();
    place.write("a.csv", titled(0, 30));
    let new = |more: &[&str]| {
        let arguments = ["new", "shop", "--force", "--data", "a.csv", "--model", TINY_BERT];
        [&arguments, more].concat().iter().map(|&word| word.to_owned()).collect::<Vec<String>>()
    };
    let good = |more: &[&str]| {
        let arguments = new(more);
        place.good(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let bad = |more: &[&str]| {
        let arguments = new(more);
        place.bad(1, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(good(&["--text", "body"]).contains("Text: body. Label: mood.\nNext:"), "a text named is the text alone");
    let out = good(&["--text", "body", "--title", "review_id", "--title", "title"]);
    assert!(out.contains("Text: review_id, then title, then body."), "{out}");
    assert!(good(&["--text", "body", "--id", "review_id"]).contains("Other columns: id review_id."));
    assert!(bad(&["--title", "titel"]).contains("There is no column 'titel'. Did you mean 'title'?"));
    assert!(bad(&["--id", "mood", "--label", "mood"]).contains("'mood' cannot be both 'label' and 'id'"));
}

#[test]
fn columns_of_one_label_each_are_told_and_used_when_named() {
    let place = Place::new();
    let mut rows = "text,good,bad\n".to_owned();
    for row in 0..40 {
        let (good, bad) = (u8::from(row % 2 == 0), u8::from(row % 2 == 1));
        rows += &format!("what came on day {row} is as it was,{good},{bad}\n");
    }
    rows += "both of them,1,1\n";
    place.write("rows.csv", rows);
    let hint = "These columns look like one-hot labels: good, bad. To use them, add --label good --label bad.";
    assert!(place.good(&["inspect", "rows.csv"]).contains(hint));
    let new = ["new", "shop", "--data", "rows.csv", "--model", TINY_BERT];
    assert!(place.bad(1, &new).contains(hint));
    let out = place.good(&[&new[..], &["--label", "good", "--label", "bad"]].concat());
    assert!(out.contains("Label: good, bad."), "{out}");
    let out = place.good(&["inspect", "rows.csv", "--label", "good", "--label", "bad"]);
    assert!(out.contains("40 rows to use, after dropping 1 row with several labels marked.\n"), "{out}");
    let labels = ["inspect", "rows.csv", "--label", "good", "--label", "bad", "--json"];
    let json = place.json(&labels);
    assert_eq!(json["label_columns"], serde_json::json!(["good", "bad"]));
    assert_eq!((json["label_column"].as_str(), json["texts"]["left_out"][0]["rows"].as_u64()), (None, Some(1)));
    // Labels are named, and it is the text that is not.
    place.write("codes.csv", "code,good,bad\n1,1,0\n2,0,1\n3,1,0\n");
    let no_text = place.good(&["inspect", "codes.csv", "--label", "good", "--label", "bad"]);
    assert!(no_text.contains("\nHone could not guess the text column. Name it with --text.\n"), "{no_text}");
    assert!(out.contains("Hone learns one label a text"), "{out}");
}

#[test]
fn a_model_reads_the_title_of_a_file_before_its_text_as_it_learnt_to() {
    let place = Place::new();
    place.write("a.csv", titled(0, 60));
    place.good(&["new", "shop", "--data", "a.csv", "--model", TINY_BERT, "--set", "epochs=1"]);
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
    let error = place.bad(1, &["predict", "shop", "untitled.csv", "--out", "x.csv"]);
    assert!(error.contains("has no column 'title', which was prepended to the text in 'body' in training"), "{error}");
    assert!(error.contains("or name the text column to do without it"), "{error}");
    let ended = place.hone(&["predict", "shop", "untitled.csv", "--text", "body", "--out", "x.csv"]);
    assert!(ended.code == Some(0) && ended.err.contains("has no column 'title'"), "{}", ended.err);

    place.good(&["export", "shop", "--format", "predictions", "--out", "predictions.csv"]);
    let predictions = place.read("predictions.csv");
    assert!(predictions.starts_with("row,id,text,label,") && predictions.contains(",R-"), "{predictions}");
    place.good(&["export", "shop", "--format", "hf", "--out", "exported"]);
    assert!(place.read("exported/README.md").contains("the column `body`, with `title` put before the text"));
    place.good(&["predict", "exported", "new.csv", "--out", "again.csv"]);
    assert_eq!(answers("again.csv"), answers("joined.csv"));
    let measured = place.json(&["evaluate", "shop", "--data", "a.csv", "--json"]);
    assert_eq!(measured["rows"].as_u64(), Some(60));
}

#[test]
fn a_project_that_adapts_a_model_needs_no_label() {
    let place = Place::new();
    place.write("a.csv", titled(0, 30));
    let new = ["new", "terms", "--task", "adapt", "--data", "a.csv", "--text", "body", "--model", TINY_BERT];
    let out = place.good(&new);
    assert!(out.contains("Text: body.\n") && !out.contains("Label"), "{out}");
    let (_, project) = ProjectFile::read(&place.path("terms")).unwrap();
    assert!(project.language_modelling().is_some() && project.dataset.label_columns().next().is_none());
    let error = place.bad(2, &[&new[..], &["--force", "--label", "mood"]].concat());
    assert!(error.contains("has no labels"), "{error}");
    let error = place.bad(2, &["new", "terms", "--task", "translate", "--data", "a.csv"]);
    assert!(error.contains("give classify or adapt"), "{error}");
}
