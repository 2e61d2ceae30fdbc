//! `hone inspect` and `hone new`.

use std::path::Path;

use insta::{assert_json_snapshot, assert_snapshot};

use crate::cli::{Place, TINY_BERT, reviews};
use hone::project::{ModelChoice, ScheduleKind};
use hone::storage::ProjectFile;

/// A file as people have them: ragged rows, duplicates, a conflict, empty fields, HTML, line breaks in fields.
const MESSY: &str = "\
id;review;stars
1;I <b>love</b> these shoes;5
2;\"The box was broken; the phone
was not\";3
3;Never again;1
4;Never again;1
5;Never again;2
6;   ;4
7;Great;5;who knows
8;Good value;
9;<br/>;5
10;\"A unicode smile \u{263a}\";5
";

#[test]
fn inspect_describes_a_messy_file() {
    let place = Place::new();
    place.write("messy.csv", MESSY);
    assert_snapshot!(place.terminal("hone inspect messy.csv --text review --label stars"), @"");
    let json = place.json(&["inspect", "messy.csv", "--text", "review", "--label", "stars", "--json"]);
    assert_json_snapshot!("inspect_json", json);
}

#[test]
fn inspect_reports_problems_of_the_rows_and_their_remedies() {
    let place = Place::new();
    let mut rows = reviews(20);
    rows.push_str("20,Ask ann@example.com for the missing part of it,good\n20,Ask ann@example.com for the missing part of it,bad\n");
    place.write("reviews.csv", rows);
    assert_snapshot!(place.terminal("hone inspect reviews.csv --text review --label mood"), @"");
    let json = place.json(&["inspect", "reviews.csv", "--text", "review", "--label", "mood", "--json"]);
    let findings = json["texts"]["findings"].as_array().unwrap();
    let conflicts = &findings[0];
    assert_eq!((conflicts["kind"].as_str(), conflicts["count"].as_u64()), (Some("conflicts"), Some(1)));
    assert_eq!(conflicts["rows"], serde_json::json!(["main:61", "main:62"]));
    assert_eq!(
        (conflicts["severity"].as_str(), conflicts["remedies"][0]["title"].as_str()),
        (Some("problem"), Some("Drop conflicts"))
    );
    assert!(findings.iter().any(|finding| finding["kind"] == "emails" && finding["count"] == 2), "{findings:?}");
}

#[test]
fn find_and_replace_patterns_are_stored_in_a_new_project() {
    let place = Place::new();
    place.write("reviews.csv", reviews(20));
    assert_snapshot!(
        place.terminal(
            r#"
            hone new shop --data reviews.csv --model TINY_BERT --replace 'I love this=Great' --replace 'regex:after (\d+) days=#$1'
            hone new other --data reviews.csv --replace love
            hone new other --data reviews.csv --replace =x
            hone new other --data reviews.csv --replace 'regex:(=x'
            hone train shop --set 'cleaning.patterns=[{"find": "(", "regex": true}]'
            "#
        ),
        @""
    );
    let (_, project) = ProjectFile::read(&place.path("shop")).unwrap();
    let patterns = &project.cleaning.patterns;
    assert_eq!(
        (patterns[0].find.as_str(), patterns[0].replace.as_str(), patterns[0].regex),
        ("I love this", "Great", false)
    );
    assert_eq!(
        (patterns[1].find.as_str(), patterns[1].replace.as_str(), patterns[1].regex),
        (r"after (\d+) days", "#$1", true)
    );
}

#[test]
fn unreadable_rows_are_saved_for_repair() {
    let place = Place::new();
    place.write("messy.csv", MESSY);
    place.write("texts/good/1.txt", "Works");
    assert_snapshot!(
        place.terminal(
            "
            hone inspect messy.csv --only-read --bad-rows bad.csv
            hone inspect messy.csv --only-read --bad-rows bad.csv
            hone inspect texts --bad-rows texts/new.csv
            "
        ),
        @""
    );
    assert_snapshot!(place.read("bad.csv"), @"");
}

#[test]
fn a_workbook_is_inspected_and_one_of_its_sheets_made_into_a_project() {
    let place = Place::new();
    let workbook = format!("{}/tests/fixtures/tables/reviews.xlsx", env!("CARGO_MANIFEST_DIR"));
    place.write("reviews.xlsx", std::fs::read(workbook).unwrap());
    assert_snapshot!(
        place.terminal(
            "
            hone inspect reviews.xlsx
            hone inspect reviews.xlsx --sheet March
            hone new shop --data reviews.xlsx --sheet Other --model TINY_BERT
            "
        ),
        @""
    );
    let json = place.json(&["inspect", "reviews.xlsx", "--sheet", "Other", "--json"]);
    assert_eq!(
        (json["format"].as_str(), json["sheet"].as_str(), json["rows"].as_u64()),
        (Some("workbook"), Some("Other"), Some(1))
    );
    let (_, project) = ProjectFile::read(&place.path("shop")).unwrap();
    assert_eq!((project.dataset.sheet.as_deref(), project.dataset.text_column()), (Some("Other"), Some("text")));
}

#[test]
fn inspect_guesses_columns_delimiter_and_encoding() {
    let place = Place::new();
    let mut latin = "Bewertung\tLabel\n".to_owned();
    for days in 1..9 {
        latin.push_str(&format!("Sch\u{f6}ne Gr\u{fc}\u{df}e aus K\u{f6}ln, nach {days} Tagen noch alles gut\tgut\n"));
        latin.push_str(&format!("Das war f\u{fc}r mich nach {days} Tagen leider schon kaputt\tschlecht\n"));
    }
    let bytes: Vec<u8> = latin.chars().map(|letter| u32::from(letter) as u8).collect();
    place.write("latin.tsv", bytes);
    let json = place.json(&["inspect", "latin.tsv", "--json"]);
    assert_eq!((json["encoding"].as_str(), json["delimiter"].as_str()), (Some("windows-1252"), Some("\t")));
    assert_eq!((json["label_column"].as_str(), json["text_column"].as_str()), (Some("Label"), Some("Bewertung")));
    assert_eq!(json["undecodable_characters"], 0);
    assert!(json["columns"][0]["first_value"].as_str().unwrap().starts_with("Sch\u{f6}ne Gr\u{fc}\u{df}e"));
}

#[test]
fn a_new_project_keeps_its_settings_and_paths_inside_its_folder_relative() {
    let place = Place::new();
    place.write("shop/reviews.csv", reviews(5));
    place.write("test.csv", reviews(2));
    assert_snapshot!(
        place.terminal(
            "
            hone new shop --data shop/reviews.csv --text review --label mood --test test.csv --model TINY_BERT --delimiter comma --set training.schedule=cosine --set lr=2e-5
            hone new shop --data shop/reviews.csv --text review --label mood
            "
        ),
        @""
    );
    let (_, project) = ProjectFile::read(&place.path("shop")).unwrap();
    assert_eq!(project.dataset.main.as_deref(), Some(Path::new("reviews.csv")));
    assert!(project.dataset.test.as_ref().is_some_and(|test| test.is_absolute() && test.ends_with("test.csv")));
    assert_eq!(project.dataset.delimiter, Some(','));
    assert_eq!(project.model, ModelChoice::Folder(TINY_BERT.into()));
    assert_eq!(project.training.schedule, ScheduleKind::Cosine);
    assert_eq!(project.training.optimizer.learning_rate.to_string(), "0.00002");
    place.good(&["new", "shop", "--data", "shop/reviews.csv", "--force", "--name", "Second"]);
    assert_eq!(ProjectFile::read(&place.path("shop")).unwrap().1.name, "Second");
}
