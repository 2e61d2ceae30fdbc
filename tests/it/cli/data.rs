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
    assert_snapshot!(place.terminal("hone inspect messy.csv --text review --label stars"), @r"
        $ hone inspect messy.csv --text review --label stars
        [folder]/messy.csv: 9 rows, 217 bytes, UTF-8, separated by ';'

        column  filled  distinct  role   first value
        id           9         9         1
        review       8         6  text   I <b>love</b> these shoes
        stars        8         5  label  5

        Missing values: review 11.1% (1), stars 11.1% (1).

        1 row could not be read:
          row 7 (line 9): 4 fields instead of 3: does a field contain the separator without quotation marks?

        label  rows  share
        5         2  40.0%
        1         1  20.0%
        2         1  20.0%
        3         1  20.0%

        Words per text: 2 to 8, median 4, 95th percentile 8.
        5 usable rows, after dropping 2 empty texts, 1 empty label and 1 duplicate.

        Findings:
          Same text, different labels (problem): 1 text occurs with different labels. At least one label per text is wrong. Correct the labels, or drop all of these rows.
            Drop conflicts: --set cleaning.drop_conflicts=true
          Empty texts (handled): 2 rows have no text, 1 of them because cleaning removed everything. They are dropped.
          Exact duplicates (handled): 1 row has the same text and label as an earlier row. It is dropped.
          Missing labels (handled): 1 row has no label. It is dropped: training needs a label in every row.
          Rare labels (warning): Fewer than 10 training rows: '1' (1), '2' (1), '3' (1), '5' (1). A model can barely learn such labels, and their metrics are unreliable. Merge them with another label, add rows, or exclude them.
        Problem: Too few rows to split: '1' (1 row), '2' (1 row), '3' (1 row), '5' (2 rows). Each label needs at least 3, one each for training, validation and test. Add rows, merge the label with another, or exclude it in Labels.
        Problem: There are no validation rows. They are needed to choose the best checkpoint. Increase the size of the validation set in Prepare, or add a validation file.
        Warning: messy.csv: 1 row could not be read and will be ignored. The first is row 7 (line 9): 4 fields instead of 3: does a field contain the separator without quotation marks?

        No leakage found. Checked: duplicates across the split; near-duplicates across the split; columns that give the label away.
        Not checked: groups across the split, such as the rows of one customer: no group column is chosen; training rows newer than test rows: no time column is chosen.

        15 distinct words among 19 words in 5 texts.
        Languages of 5 texts: unsure 100.0%.
        ! Reading the file
        ! Finding rows: 16 B of 217 B
        ! Cleaning texts
        ! Checking the columns
        ! Detecting languages
        ! Looking for personal data
        ! Looking for repeated sentences
        ! Counting words
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ");
    let json = place.json(&["inspect", "messy.csv", "--text", "review", "--label", "stars", "--json"]);
    assert_json_snapshot!("inspect_json", json);
}

#[test]
fn inspect_reports_problems_of_the_rows_and_their_remedies() {
    let place = Place::new();
    let mut rows = reviews(20);
    rows.push_str("20,Ask ann@example.com for the missing part of it,good\n20,Ask ann@example.com for the missing part of it,bad\n");
    place.write("reviews.csv", rows);
    assert_snapshot!(place.terminal("hone inspect reviews.csv --text review --label mood"), @r"
        $ hone inspect reviews.csv --text review --label mood
        [folder]/reviews.csv: 62 rows, 2,804 bytes, UTF-8, separated by ','

        column  filled  distinct  role   first value
        id          62        21         0
        review      62        61  text   I love this shoe after 0 days
        mood        62         3  label  good

        label  rows  share
        bad      21  33.9%
        good     21  33.9%
        fair     20  32.3%

        Words per text: 7 to 9, median 8, 95th percentile 9.
        62 usable rows, none dropped.

        Findings:
          Same text, different labels (problem): 1 text occurs with different labels. At least one label per text is wrong. Correct the labels, or drop all of these rows.
            Drop conflicts: --set cleaning.drop_conflicts=true
          E-mail addresses (warning): 2 texts contain an e-mail address. The model may memorise it, and anyone who gets the model may extract it. Mask it as [EMAIL].
            Mask e-mail addresses: --set cleaning.mask_emails=true
          Near-duplicates (warning): 4 texts differ from another by only a word or two (2 groups). They count more than once, and metrics look too good if a group is in both the training and the test set. Keep one row per group.

        No leakage found. Checked: duplicates across the split; near-duplicates across the split; columns that give the label away.
        Not checked: groups across the split, such as the rows of one customer: no group column is chosen; training rows newer than test rows: no time column is chosen.

        44 distinct words among 498 words in 62 texts.
        Typical words of each label (strongest first):
          bad: broken, hate
          fair: fairly, is, okay, it
          good: love
        Languages of 62 texts: English 22.6%, unsure 77.4%.
        ! Reading the file
        ! Finding rows: 15 B of 2.7 KiB
        ! Cleaning texts
        ! Checking the columns
        ! Detecting languages
        ! Looking for personal data
        ! Looking for repeated sentences
        ! Counting words
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ");
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
        @r#"
        $ hone new shop --data reviews.csv --model TINY_BERT --replace 'I love this=Great' --replace 'regex:after (\d+) days=#$1'
        Created project shop in shop with 60 rows.
        Text: review. Label: mood.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB

        $ hone new other --data reviews.csv --replace love
        ! Error: 'love' is not in the form FIND=REPLACE, such as colour=color.
        exit code 2

        $ hone new other --data reviews.csv --replace =x
        ! Error: Pattern 1 ('') cannot be used: there is nothing to find. Type what to find, or remove the pattern.
        exit code 2

        $ hone new other --data reviews.csv --replace 'regex:(=x'
        ! Error: Pattern 1 ('(') cannot be used (character 1): unclosed group. Correct it, or turn off "Regular expression" to find the text literally.
        exit code 2

        $ hone train shop --set 'cleaning.patterns=[{"find": "(", "regex": true}]'
        ! Reading the file
        ! Finding rows: 15 B of 2.6 KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Error: Hone cannot train on this data yet. Pattern 1 ('(') cannot be used (character 1): unclosed group. Correct it, or turn off "Regular expression" to find the text literally (in Prepare).
        exit code 1
        "#
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
        @r"
        $ hone inspect messy.csv --only-read --bad-rows bad.csv
        [folder]/messy.csv: 9 rows, 217 bytes, UTF-8, separated by ';'

        column  filled  distinct  role  first value
        id           9         9  id    1
        review       8         6  text  I <b>love</b> these shoes
        stars        8         5        5

        Missing values: review 11.1% (1), stars 11.1% (1).

        1 row could not be read:
          row 7 (line 9): 4 fields instead of 3: does a field contain the separator without quotation marks?

        Hone could not guess the label column. Name it with --label.
        ! Reading the file
        ! Finding rows: 16 B of 217 B

        $ hone inspect messy.csv --only-read --bad-rows bad.csv
        ! Reading the file
        ! Finding rows: 16 B of 217 B
        ! Error: 'bad.csv' already exists. Choose another name, or delete the file.
        exit code 1

        $ hone inspect texts --bad-rows texts/new.csv
        ! Error: [folder]/texts/new.csv is a data file of the project. Choose another name.
        exit code 1
        "
    );
    let saved = place.read("bad.csv").replace(place.folder.path().to_str().unwrap(), "[folder]");
    let saved = saved.strip_prefix('\u{feff}').expect("a byte order mark, for Excel");
    assert_snapshot!(saved, @r"
        file,row,line,reason,raw
        [folder]/messy.csv,7,9,4 fields instead of 3: does a field contain the separator without quotation marks?,7;Great;5;who knows
        ");
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
        @r"
        $ hone inspect reviews.xlsx
        [folder]/reviews.xlsx: 4 rows, 6,038 bytes, sheet 'Reviews' (of 3)
        1 cell in 'formula' holds an error such as #N/A, which counts as empty.

        column    filled  distinct  role     first value
        text           4         4  text     Works well
        label          4         3  label    good
        stars          4         4           5
        day            4         4  time     2026-03-01
        formula        0         0  ignored
        column_5       1         1           unnamed

        Missing values: formula 100.0% (4), column_5 75.0% (3).

        label  rows  share
        good      2  50.0%
        bad       1  25.0%
        fair      1  25.0%

        Words per text: 2 to 6, median 3, 95th percentile 6.
        4 usable rows, none dropped.

        Findings:
          Missing values in other columns (note): These columns are empty in some rows: 'column_5' (3, 75%). Training reads only the text and the label, so there is nothing to do unless you want metrics by such a column.
          Rare labels (warning): Fewer than 10 training rows: 'bad' (1), 'fair' (1), 'good' (1). A model can barely learn such labels, and their metrics are unreliable. Merge them with another label, add rows, or exclude them.
        Problem: Too few rows to split: 'bad' (1 row), 'fair' (1 row), 'good' (2 rows). Each label needs at least 3, one each for training, validation and test. Add rows, merge the label with another, or exclude it in Labels.
        Problem: There are no validation rows. They are needed to choose the best checkpoint. Increase the size of the validation set in Prepare, or add a validation file.

        No leakage found. Checked: duplicates across the split; near-duplicates across the split; training rows newer than test rows; columns that give the label away.
        Not checked: groups across the split, such as the rows of one customer: no group column is chosen.

        13 distinct words among 13 words in 4 texts.
        Languages of 4 texts: unsure 100.0%.
        Dates in day: 2026-03-01 to 2026-03-04 (all but 2: 2026-03-02 to 2026-03-03).
        ! Reading the file
        ! Cleaning texts
        ! Checking the columns
        ! Detecting languages
        ! Looking for personal data
        ! Looking for repeated sentences
        ! Counting words
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage

        $ hone inspect reviews.xlsx --sheet March
        ! Reading the file
        ! Error: [folder]/reviews.xlsx has no sheet 'March'. Its sheets are: Cover, Reviews, Other. Choose one of them.
        exit code 1

        $ hone new shop --data reviews.xlsx --sheet Other --model TINY_BERT
        Created project shop in shop with 1 row.
        Text: text. Label: label.
        Next: hone train shop
        ! Reading the file
        "
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
        @r"
        $ hone new shop --data shop/reviews.csv --text review --label mood --test test.csv --model TINY_BERT --delimiter comma --set training.schedule=cosine --set lr=2e-5
        Created project shop in shop with 15 rows.
        Text: review. Label: mood.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: 15 B of 670 B
        ! Reading the file
        ! Finding rows: 15 B of 274 B

        $ hone new shop --data shop/reviews.csv --text review --label mood
        ! Error: The folder shop already holds a project. Choose another folder, or open that project (`hone new --force` replaces it).
        exit code 1
        "
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
