//! `hone inspect` and `hone new`.

use std::path::Path;

use super::{Place, TINY_BERT, reviews};
use hone::project::{ModelChoice, ScheduleKind, Size, SplitMethod};
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
fn inspect_says_what_is_in_a_file() {
    let place = Place::new();
    place.write("messy.csv", MESSY);
    insta::assert_snapshot!("inspect", place.good(&["inspect", "messy.csv", "--text", "review", "--label", "stars"]));
    let json = place.json(&["inspect", "messy.csv", "--text", "review", "--label", "stars", "--json"]);
    insta::assert_json_snapshot!("inspect_json", json);
}

#[test]
fn inspect_tells_what_is_wrong_with_the_rows_and_what_to_do() {
    let place = Place::new();
    let mut rows = reviews(20);
    rows.push_str("20,Ask ann@example.com for the missing part of it,good\n20,Ask ann@example.com for the missing part of it,bad\n");
    place.write("reviews.csv", rows);
    let arguments = ["inspect", "reviews.csv", "--text", "review", "--label", "mood"];
    let out = place.good(&arguments);
    let found = "Same text, different labels (problem): 1 text has more than one label.";
    assert!(out.contains(found) && out.contains("    Drop conflicts: --set cleaning.drop_conflicts=true"), "{out}");
    let json = place.json(&[&arguments[..], &["--json"]].concat());
    let findings = json["texts"]["findings"].as_array().unwrap();
    let conflicts = &findings[0];
    assert_eq!((conflicts["kind"].as_str(), conflicts["count"].as_u64()), (Some("conflicts"), Some(1)));
    assert_eq!(conflicts["rows"], serde_json::json!(["main:61", "main:62"]));
    assert_eq!(
        (conflicts["severity"].as_str(), conflicts["remedies"][0]["title"].as_str()),
        (Some("problem"), Some("Drop conflicts"))
    );
    assert!(findings.iter().any(|finding| finding["kind"] == "emails" && finding["count"] == 2), "{findings:?}");
    let warnings = json["texts"]["warnings"].to_string();
    assert!(!warnings.contains("more than one label"), "it is said once: {warnings}");
}

#[test]
fn words_are_replaced_as_new_is_told() {
    let place = Place::new();
    place.write("reviews.csv", reviews(20));
    let new = ["new", "shop", "--data", "reviews.csv", "--text", "review", "--label", "mood", "--model", TINY_BERT];
    let replaced: Vec<&str> = new
        .iter()
        .copied()
        .chain(["--replace", "I love this=Great", "--replace", r"regex:after (\d+) days=#$1"])
        .collect();
    place.good(&replaced);
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
    for (given, said) in [
        ("love", "'love' is not in the form FIND=REPLACE"),
        ("=x", "there is nothing to find"),
        ("regex:(=x", "Pattern 1 ('(') cannot be used (character 1): unclosed group"),
    ] {
        let wrong: Vec<&str> = new.iter().copied().chain(["--force", "--replace", given]).collect();
        let error = place.bad(2, &wrong);
        assert!(error.contains(said), "{given}: {error}");
    }
    let wrong = r#"cleaning.patterns=[{"find": "(", "regex": true}]"#;
    let error = place.bad(1, &["train", "shop", "--set", wrong]);
    assert!(error.contains("Pattern 1 ('(') cannot be used"), "{error}");
}

#[test]
fn rows_that_cannot_be_used_are_saved_to_be_mended() {
    let place = Place::new();
    place.write("messy.csv", MESSY);
    let arguments = ["inspect", "messy.csv", "--only-read", "--bad-rows", "bad.csv"];
    let out = place.good(&arguments);
    assert!(!out.contains("rows to use"), "the texts are left alone: {out}");
    let saved = place.read("bad.csv");
    let lines: Vec<&str> = saved.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, "file,row,line,reason,raw"));
    assert!(lines[1].contains(",7,9,4 fields instead of 3") && lines[1].ends_with("7;Great;5;who knows"), "{saved}");
    assert!(place.bad(1, &arguments).contains("bad.csv already exists"));
    assert_eq!(place.read("bad.csv"), saved);
    std::fs::create_dir_all(place.path("texts/good")).unwrap();
    place.write("texts/good/1.txt", "Works");
    let inside = place.bad(1, &["inspect", "texts", "--bad-rows", "texts/new.csv"]);
    assert!(inside.contains("is a data file of the project"), "{inside}");
}

#[test]
fn a_workbook_is_inspected_and_a_project_made_of_one_of_its_sheets() {
    let place = Place::new();
    let workbook = format!("{}/tests/fixtures/tables/reviews.xlsx", env!("CARGO_MANIFEST_DIR"));
    let out = place.good(&["inspect", &workbook]);
    assert!(out.contains("4 rows") && out.contains("sheet 'Reviews' of 3"), "{out}");
    let json = place.json(&["inspect", &workbook, "--sheet", "Other", "--json"]);
    assert_eq!(
        (json["format"].as_str(), json["sheet"].as_str(), json["rows"].as_u64()),
        (Some("workbook"), Some("Other"), Some(1))
    );
    assert!(
        place.bad(1, &["inspect", &workbook, "--sheet", "March"]).contains("Its sheets are: Cover, Reviews, Other")
    );
    place.good(&["new", "shop", "--data", &workbook, "--sheet", "Other", "--model", TINY_BERT]);
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
fn a_new_project_keeps_its_files_relative_and_its_settings() {
    let place = Place::new();
    place.write("shop/reviews.csv", reviews(5));
    place.write("test.csv", reviews(2));
    let out = place.good(&[
        "new",
        "shop",
        "--data",
        "shop/reviews.csv",
        "--text",
        "review",
        "--label",
        "mood",
        "--test",
        "test.csv",
        "--model",
        TINY_BERT,
        "--delimiter",
        "comma",
        "--set",
        "training.schedule=cosine",
        "--set",
        "lr=2e-5",
    ]);
    assert_eq!(out, "Created project shop in shop with 15 rows.\nText: review. Label: mood.\nNext: hone train shop\n");
    let (_, project) = ProjectFile::read(&place.path("shop")).unwrap();
    assert_eq!(project.dataset.main.as_deref(), Some(Path::new("reviews.csv")));
    assert!(project.dataset.test.as_ref().is_some_and(|test| test.is_absolute() && test.ends_with("test.csv")));
    assert_eq!(project.dataset.delimiter, Some(','));
    assert_eq!(project.model, ModelChoice::Folder(TINY_BERT.into()));
    assert_eq!(project.training.schedule, ScheduleKind::Cosine);
    assert_eq!(project.training.optimizer.learning_rate.to_string(), "0.00002");

    let again = ["new", "shop", "--data", "shop/reviews.csv", "--text", "review", "--label", "mood"];
    assert!(place.bad(1, &again).contains("already holds a project"));
    let forced: Vec<&str> = again.iter().copied().chain(["--force", "--name", "Second"]).collect();
    place.good(&forced);
    assert_eq!(ProjectFile::read(&place.path("shop")).unwrap().1.name, "Second");
}

/// Tickets of customers, with the time, a side, and a column that gives the label away.
fn tickets() -> String {
    let mut text = "id,customer,written,part,reason,ticket,mood\n".to_owned();
    for row in 0..120 {
        let (customer, day) = (row / 4, 1 + (row * 11) % 28);
        let mood = if row % 4 == 0 { "calm" } else { ["calm", "angry"][customer % 2] };
        let reason = if mood == "angry" { ["late", "broken"][row % 2] } else { "" };
        let part = ["train", "train", "train", "dev", "test"][row % 5];
        let number = row * row * 7 + 1000;
        text += &format!(
            "{row},c{customer},{day}/2/2024,{part},{reason},Ticket {number} says box {row} came to street {} with {} parts,{mood}\n",
            number * 3,
            row * 17
        );
    }
    text
}

#[test]
fn the_split_of_a_new_project_is_chosen_by_columns_and_sizes() {
    let place = Place::new();
    place.write("tickets.csv", tickets());
    let made = |name: &str, more: &[&str]| {
        let common = ["new", name, "--data", "tickets.csv", "--text", "ticket", "--label", "mood"];
        let out = place.good(&[&common[..], more].concat());
        (out, ProjectFile::read(&place.path(name)).unwrap().1)
    };
    let (out, project) = made("plain", &[]);
    assert!(!out.contains("Split:") && project.split.keep_near_together);
    let (out, project) = made("grouped", &["--group", "customer", "--set", "split.test=30rows"]);
    assert!(out.contains("\nSplit: at random, keeping rows with the same customer together.\n"), "{out}");
    assert_eq!((project.dataset.group_column(), project.split.test), (Some("customer"), Size::Rows(30)));
    let (out, project) = made("timed", &["--time", "written", "--set", "split.validation=15%"]);
    assert!(out.contains("\nSplit: by time (written).\n"), "{out}");
    assert_eq!((project.split.method, project.split.validation), (SplitMethod::Time, Size::Share(0.15)));
    let (out, project) = made("given", &["--split-column", "part", "--time", "written"]);
    assert!(out.contains("\nSplit: by column part.\n"), "{out}");
    assert_eq!(project.split.method, SplitMethod::Column);
    // The time is known without dividing by it.
    let (_, project) = made("known", &["--time", "written", "--set", "split.method=random"]);
    assert_eq!((project.split.method, project.dataset.time_column()), (SplitMethod::Random, Some("written")));
    let wrong = ["new", "wrong", "--data", "tickets.csv", "--text", "ticket", "--label", "mood", "--group", "custmer"];
    assert!(place.bad(1, &wrong).contains("There is no column 'custmer'. Did you mean 'customer'?"));
    let common = ["new", "wrong", "--data", "tickets.csv", "--text", "ticket"];
    for (more, twice) in [
        (["--label", "mood", "--split-column", "mood"], "'mood' cannot be both 'split' and 'label'"),
        (["--label", "mood", "--group", "ticket"], "'ticket' cannot be both 'group' and 'text'"),
        (["--time", "written", "--group", "written"], "'written' cannot be both 'group' and 'time'"),
    ] {
        let err = place.bad(1, &[&common[..], &more].concat());
        assert!(err.contains(twice), "{err}");
    }
    assert!(!place.path("wrong").exists());
}

#[test]
fn inspect_reports_leakage_and_its_remedies() {
    let place = Place::new();
    place.write("tickets.csv", tickets());
    let common = ["inspect", "tickets.csv", "--text", "ticket", "--label", "mood"];
    insta::assert_snapshot!("leakage", place.good(&common).split_once("\nLeakage").unwrap().1);
    let json = place.json(&[&common[..], &["--json"]].concat());
    let findings = json["texts"]["leakage"]["findings"].as_array().unwrap();
    let of_kind = |kind: &str| findings.iter().find(|finding| finding["kind"] == kind).unwrap();
    assert_eq!(of_kind("giveaway")["column"], "reason");
    assert_eq!(of_kind("split_groups")["remedies"][0]["settings"][1], "dataset.group_column=customer");
    assert!(of_kind("split_groups")["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
    let out =
        place.good(&[&common[..], &["--group", "customer", "--time", "written", "--split-column", "part"]].concat());
    assert!(out.contains("(problem): ") && out.contains("share their 'customer' with training rows"), "{out}");
    assert!(out.contains("newer than the oldest test row (2024-02-"), "{out}");
    assert!(out.contains("Split by time: --set split.method=time"), "{out}");
    let out = place.good(&[&common[..], &["--time", "written"]].concat());
    assert!(!out.split_once("\nLeakage").unwrap().1.contains("(problem): "), "{out}");
    assert!(place.bad(1, &[&common[..], &["--time", "when"]].concat()).contains("There is no column 'when'"));
}

#[test]
fn training_reports_leakage_before_it_begins() {
    let place = Place::new();
    place.write("tickets.csv", tickets());
    let common = ["new", "shop", "--data", "tickets.csv", "--text", "ticket", "--label", "mood", "--model", TINY_BERT];
    place.good(&[&common[..], &["--group", "customer", "--split-column", "part", "--set", "epochs=1"]].concat());
    let err = place.hone(&["train", "shop"]).err;
    assert!(err.contains("share their 'customer' with training rows"), "{err}");
    assert!(err.contains("The column 'reason' alone predicts"), "{err}");
    let ignored = ["train", "shop", "--set", "split.ignored_leaks=[\"group:customer\", \"giveaway:reason\"]"];
    let err = place.hone(&ignored).err;
    assert!(!err.contains("'customer'") && !err.contains("'reason'"), "{err}");
}
