//! Workbooks, Parquet files, given splits, files for a trained model, and models that cannot be used.

use std::fs;
use std::path::Path;

use crate::cli::{Place, TINY_BERT};

/// A place with a project in `shop`, made with these arguments and trained for an epoch.
fn trained(data: &str, more: &[&str]) -> Place {
    let place = Place::new();
    place.write("data.csv", data);
    place.good(&[&["new", "shop", "--data", "data.csv", "--model", TINY_BERT], more].concat());
    place.good(&["train", "shop", "--set", "epochs=1"]);
    place
}

/// Rows of a text and a label with a separator, every text its own.
fn rows(separator: char) -> String {
    let openings = [("good", "I love this"), ("fair", "It is fairly okay this"), ("bad", "I hate this broken")];
    let mut text = format!("comment{separator}label\n");
    for row in 0..20 {
        for (label, opening) in openings {
            text += &format!("{opening} shoe after {row} days{separator}{label}\n");
        }
    }
    text
}

#[test]
fn a_file_is_read_with_the_settings_of_the_project_only_where_they_fit() {
    let place = trained(&rows('~'), &["--delimiter", "~", "--encoding", "windows-1252"]);
    let predicted = |name: &str, bytes: &[u8], more: &[&str]| {
        place.write(name, bytes);
        place.good(&[&["predict", "shop", name, "--out", "out.csv", "--force"], more].concat());
        place.read("out.csv").lines().nth(1).unwrap().split(',').next().unwrap().to_owned()
    };
    assert_eq!(predicted("like.csv", b"comment~day\nsch\xF6n~1\n", &[]), "schön");
    assert_eq!(predicted("utf8.csv", "comment~day\nschön~1\n".as_bytes(), &[]), "schön");
    assert_eq!(predicted("comma.csv", "comment,day\nschön,1\n".as_bytes(), &[]), "schön");
    assert_eq!(predicted("told.csv", b"comment|day\nsch\xF6n|1\n", &["--delimiter", "pipe"]), "schön");
    assert_eq!(predicted("bare.csv", b"fine~1\n", &["--no-header", "--text", "column_1"]), "fine");
}

#[test]
fn evaluation_reads_a_file_as_it_is_told_and_under_names_with_other_capitals() {
    let place = trained(&rows(','), &[]);
    let swapped = |line: &str| line.split_once(',').map(|(text, label)| format!("{label}^{text}\n"));
    let swapped: String = rows(',').lines().skip(1).filter_map(swapped).collect();
    place.write("like.csv", format!("Label ^ COMMENT\n{swapped}"));
    let told = place.json(&["evaluate", "shop", "--data", "like.csv", "--delimiter", "^", "--json"]);
    assert_eq!(told["rows"], 60);
    let bad = place.bad(2, &["evaluate", "shop", "--sheet", "May"]);
    assert!(bad.contains("say how to read the file of --data. Add --data"), "{bad}");
}

#[test]
fn texts_that_are_too_long_and_a_single_answer_are_said() {
    let place = trained(&rows(','), &[]);
    let long = "very ".repeat(90);
    place.write("long.csv", format!("comment\n{long}\n{long}\nshort\n"));
    let told = place.json(&["predict", "shop", "long.csv", "--out", "out.csv", "--json"]);
    let single = &serde_json::Value::Null;
    assert_eq!((&told["rows"], &told["truncated"], &told["only_label"]), (&3.into(), &2.into(), single));
    place.write("same.csv", format!("comment\n{}", "the same text\n".repeat(12)));
    let said = place.good(&["predict", "shop", "same.csv", "--out", "same-out.csv"]);
    assert!(said.contains("Every row got the label '"), "{said}");
    let said = place.good(&["predict", "shop", "long.csv", "--out", "long-out.csv"]);
    assert!(said.contains("2 texts were longer than 64 tokens: the model did not read the end."), "{said}");
}

#[test]
fn a_split_column_is_used_if_every_row_is_in_a_split_and_otherwise_it_is_said() {
    let place = Place::new();
    let write = |names: &[&str]| {
        let part = |at: usize| if at == 0 { "part" } else { names[at % names.len()] };
        let lines = rows(',');
        let lines: Vec<String> = lines.lines().enumerate().map(|(at, line)| format!("{line},{}\n", part(at))).collect();
        place.write("data.csv", lines.concat());
    };
    for half in ["", "unused"] {
        write(&["train", "test", half]);
        let said = place.good(&["new", "half", "--data", "data.csv", "--model", TINY_BERT, "--force"]);
        assert!(said.contains("'part' seems to give the split, but is not used. Some rows are in no split"), "{said}");
        assert!(!said.contains("part (split)"), "{said}");
    }
    // The validation rows are then drawn from those for training.
    write(&["train", "test"]);
    let said = place.good(&["new", "shop", "--data", "data.csv", "--model", TINY_BERT]);
    assert!(said.contains("part (split)") && !said.contains("is not used"), "{said}");
    let rows = place.json(&["train", "shop", "--set", "epochs=1", "--json"])["rows"].clone();
    assert!(["train", "validation", "test"].iter().all(|side| rows[side].as_u64() > Some(0)), "{rows}");
}

#[test]
fn the_folder_above_a_model_leads_to_it() {
    let place = Place::new();
    place.write("a.csv", "text\nfine\n");
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        let bytes = fs::read(Path::new(TINY_BERT).join(file)).unwrap();
        place.write(&format!("models--a--b/snapshots/c0/{file}"), bytes);
    }
    place.write("data.csv", rows(','));
    let bad = place.bad(1, &["new", "shop", "--data", "data.csv", "--model", "models--a--b"]);
    assert!(bad.contains("Choose [folder]/models--a--b/snapshots/c0 instead."), "{bad}");
    let bad = place.bad(1, &["predict", "models--a--b", "a.csv", "--text", "text", "--out", "b.csv"]);
    assert!(bad.contains("Choose models--a--b/snapshots/c0 instead."), "{bad}");
}

mod needs_shared {
    use serde_json::Value;

    use crate::cli::{Place, TINY_BERT};
    use crate::real_files::{assert_read, case, columns, inspected, labels, printed, remarks};

    const THREE: [(&str, u64); 3] = [("negative", 24), ("neutral", 24), ("positive", 24)];

    /// A project in `shop` on a file of a case, trained for an epoch.
    fn trained_on(data: &str, more: &[&str]) -> Place {
        let place = Place::new();
        place.good(&[&["new", "shop", "--data", &case(data), "--model", TINY_BERT], more].concat());
        place.good(&["train", "shop", "--set", "epochs=1"]);
        place
    }

    /// The error of predicting with a model of a case.
    fn refused(model: &str) -> String {
        let place = Place::new();
        place.write("a.csv", "text\nIt arrived on Monday\n");
        place.bad(1, &["predict", &case(model), "a.csv", "--text", "text", "--out", "b.csv"])
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn the_table_of_a_page_under_another_name_is_read() {
        let found = inspected("html-named-xls/report.xls");
        assert_read(&found, 72, "comment", "label");
        assert_eq!((columns(&found), labels(&found)), (vec!["id", "comment", "label"], THREE.to_vec()));
        assert_eq!(remarks(&found), "The file is a web page (HTML)");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn rows_of_merged_labels_have_their_label() {
        let found = inspected("merged-labels/codebook.xlsx");
        assert_read(&found, 72, "comment", "label");
        assert_eq!(labels(&found), THREE);
        assert_eq!(remarks(&found), "69 cells in 'label' got the value of the merged cell they are part of");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn formulas_without_values_are_said_and_no_other_column_is_the_label() {
        let found = inspected("formulas-never-calculated/never-calculated.xlsx");
        assert_eq!(
            (&found["rows"], &found["text_column"], &found["label_column"]),
            (&72.into(), &"comment".into(), &Value::Null)
        );
        let said = remarks(&found);
        assert!(
            said.starts_with("72 formulas in 'label' have no calculated value") && said.contains("save it"),
            "{said}"
        );
        let place = Place::new();
        let bad = place.bad(1, &["new", "shop", "--data", &case("formulas-never-calculated/never-calculated.xlsx")]);
        assert!(bad.contains("'label' seems to be the label, but its formulas have no calculated values"), "{bad}");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn the_visible_sheet_is_read_and_its_hidden_rows_are_said() {
        let found = inspected("hidden-first-sheet/answers.xlsx");
        assert_read(&found, 72, "comment", "label");
        assert_eq!((&found["sheet"], labels(&found)), (&"Answers".into(), THREE.to_vec()));
        let said = remarks(&found);
        assert!(said.starts_with("18 rows and the column 'old label' are hidden in the workbook"), "{said}");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn dates_among_labels_are_said() {
        let said = remarks(&inspected("labels-as-dates/coded.xlsx"));
        assert!(
            said.starts_with("48 of 72 values in ") && said.contains("are dates") && said.contains("3-5"),
            "{said}"
        );
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn times_in_named_zones_are_read() {
        let found = inspected("parquet-utc/utc.parquet");
        assert_eq!((&found["rows"], &found["bad_rows"]), (&72.into(), &Value::Array(vec![])));
        let times = found["columns"].as_array().unwrap().iter().filter(|column| {
            column["first_value"].as_str().is_some_and(|value| value.starts_with("202") && value.ends_with('Z'))
        });
        assert!(times.count() > 0, "{found:#}");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn the_parts_of_a_dataset_folder_are_its_split() {
        let data = case("hub-dataset-folder");
        let place = Place::new();
        let created = place.good(&["new", "shop", "--data", &data, "--model", TINY_BERT]);
        assert!(
            created.contains("Split: by the folder's own files, with 48 training, 12 validation and 12 test rows."),
            "{created}"
        );
        assert!(printed("hub-dataset-folder").contains("Split: by the folder's own files"));
        let run = place.json(&["train", "shop", "--set", "epochs=1", "--json"]);
        assert_eq!(run["rows"], serde_json::json!({ "train": 48, "validation": 12, "test": 12 }));
        let said = place.good(&["predict", "shop", &data, "--out", "out.csv"]);
        assert!(said.contains("Wrote predictions for 48 rows"), "{said}");
        assert!(said.contains("the folder's training part. It also has rows for validation and test"), "{said}");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn a_column_that_names_the_parts_is_the_split() {
        let data = case("split-column/export.csv");
        let place = Place::new();
        let created = place.good(&["new", "shop", "--data", &data, "--model", TINY_BERT]);
        assert!(created.contains("Other columns: set (split).\nSplit: by column set."), "{created}");
        let run = place.json(&["train", "shop", "--set", "epochs=1", "--json"]);
        let rows = ["train", "validation", "test"].map(|part| run["rows"][part].as_u64().unwrap());
        let text = std::fs::read_to_string(&data).unwrap();
        let named = ["Training", "dev", "holdout"].map(|part| text.matches(&format!(",{part}")).count() as u64);
        assert_eq!(rows, named);
        let random = place.good(&["new", "other", "--data", &data, "--text", "comment", "--label", "label"]);
        assert!(random.contains("'set' seems to give the split, but is not used. To use it, add --split-column set."));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn predict_reads_a_file_as_the_project_does_or_as_it_is_told() {
        let data = case("predict-odd-separator/tilde.csv");
        let place = trained_on("predict-odd-separator/tilde.csv", &["--delimiter", "~"]);
        let predict = |model: &str, more: &[&str]| {
            place.json(&[&["predict", model, &data, "--out", "out.csv", "--force", "--json"], more].concat())
        };
        assert_eq!(predict("shop", &[])["rows"], 72);
        place.good(&["export", "shop", "--format", "hf", "--out", "exported"]);
        assert_eq!(predict("exported", &["--delimiter", "~"])["rows"], 72);
        let bad = place.bad(1, &["predict", "exported", &data, "--out", "none.csv"]);
        assert!(bad.contains("name their separator (--delimiter)"), "{bad}");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn predict_takes_a_name_with_other_capitals_and_names_the_column_that_looks_like_the_text() {
        let place = trained_on("predict-other-name/train.csv", &[]);
        let predict = |file: &str| ["predict", "shop", file, "--out", "out.csv"].map(str::to_owned);
        let of = |file: &str| predict(&case(&format!("predict-other-name/{file}")));
        let bad = place.bad(1, &of("other-name.csv").each_ref().map(String::as_str));
        assert!(bad.contains("no column 'comment'") && bad.contains("add --text 'Review Text'"), "{bad}");
        assert!(place.good(&of("case-name.csv").each_ref().map(String::as_str)).contains("Wrote predictions for "));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn all_unknown_labels_are_named_at_once() {
        let place = trained_on("evaluate-other-spelling/train.csv", &[]);
        let evaluate = |file: &str| {
            place.bad(1, &["evaluate", "shop", "--data", &case(&format!("evaluate-other-spelling/{file}"))])
        };
        let bad = evaluate("test.csv");
        assert!(bad.contains("1 label that the model was not trained on: 'Positive' ("), "{bad}");
        assert!(bad.contains(". 'Positive' looks like 'positive'."), "{bad}");
        let bad = evaluate("valid.csv");
        assert!(bad.contains("'mixed' (") && !bad.contains("looks like"), "{bad}");
        let files = ["train", "valid", "test"].map(|name| case(&format!("evaluate-other-spelling/{name}.csv")));
        let [train, valid, test] = files.each_ref().map(String::as_str);
        place.good(&["new", "three", "--data", train, "--validation", valid, "--test", test, "--model", TINY_BERT]);
        let bad = place.bad(1, &["train", "three"]);
        assert!(
            bad.contains("The label 'mixed' in valid.csv (") && bad.contains("The label 'Positive' in test.csv ("),
            "{bad}"
        );
        assert!(bad.contains("It looks like 'positive'."), "{bad}");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn models_that_cannot_be_used_are_refused_by_what_they_are() {
        for (model, said) in [
            ("vocabulary-too-large", "needs embeddings for 319 tokens: the weights have 316"),
            ("regression-head", "gives a number for each text, not one label"),
            ("no-label-names", "does not name its labels"),
            ("adapter-only", "holds an adapter (adapter_config.json)"),
        ] {
            let bad = refused(model);
            assert!(bad.contains(said) && !bad.contains("backtrace"), "{model}: {bad}");
        }
        let place = Place::new();
        place.write("a.csv", "text,label\na,x\nb,y\n");
        let bad = place.bad(1, &["new", "shop", "--data", "a.csv", "--model", &case("adapter-only")]);
        assert!(bad.contains("its base model, example/base"), "{bad}");
    }
}
