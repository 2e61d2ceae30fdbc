//! Real files: the example data sets in `../shared/data`.

use super::*;
use hone::data::{DropReason, FindingKind, Severity, Side};
use hone::project::{CleaningSettings, ColumnRole};

use super::roles::{guessed, roles};
use crate::needs::shared;

fn on(main: std::path::PathBuf, text: &str, label: &str) -> Project {
    let dataset = DatasetSettings { main: Some(main), ..DatasetSettings::default() }
        .with_columns(&[(text, ColumnRole::Text), (label, ColumnRole::Label)]);
    Project { dataset, ..Project::default() }
}

#[test]
#[ignore = "needs the example data sets in ../shared/data"]
fn raw_airline_tweets_are_read_and_prepared() {
    let path = shared("airline_tweets/Tweets.csv");
    let mut project = on(path, "text", "airline_sentiment");
    let (imported, ready) = prepared(&project, Path::new(""));
    assert_eq!((imported.main.table.len(), imported.main.bad_rows.len()), (14_640, 0));
    assert_eq!(imported.main.table.names.len(), 15);
    assert_eq!(
        (imported.guessed_text.as_deref(), imported.guessed_label.as_deref()),
        (Some("text"), Some("airline_sentiment"))
    );
    assert_eq!(ready.labels, ["negative", "neutral", "positive"]);
    assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
    // The numbers in the file; cleaning makes a few more texts equal.
    project.cleaning = CleaningSettings { drop_duplicates: true, ..CleaningSettings::none() };
    let raw = prepared(&project, Path::new("")).1;
    assert_eq!(raw.conflicts.len(), 27);
    let duplicates = raw.dropped.iter().filter(|(_, reason)| *reason == DropReason::Duplicate).count();
    assert_eq!(duplicates, 14_640 - 14_422 - raw.conflicts.len());
}

#[test]
#[ignore = "needs the example data sets in ../shared/data"]
fn known_problems_of_the_raw_airline_tweets_are_found() {
    let path = shared("airline_tweets/Tweets.csv");
    let mut project = on(path, "text", "airline_sentiment");
    // The numbers in the file: cleaning makes a few more texts equal, and copies are left out before ids are compared.
    project.cleaning = CleaningSettings::none();
    let (imported, ready) = prepared(&project, Path::new(""));
    let found = super::findings::found(&project, &imported, &ready);
    let one = |kind| found.iter().find(|finding| finding.kind == kind).unwrap_or_else(|| panic!("no {kind:?}"));
    let (duplicates, conflicts) = (one(FindingKind::Duplicates), one(FindingKind::Conflicts));
    assert_eq!(conflicts.count, 27);
    assert_eq!(14_640 - (duplicates.count + conflicts.count), 14_422, "unique texts");
    let ids = one(FindingKind::RepeatedIds);
    assert_eq!(14_640 - ids.count, 14_485, "unique ids");
    assert!(ids.found.contains("'tweet_id'"), "{}", ids.found);
    for (kind, count) in [(FindingKind::Handles, 14_640), (FindingKind::MissingValues, 14_640)] {
        assert!(one(kind).count <= count && one(kind).severity == Severity::Note, "{:?}", one(kind).found);
    }
    for kind in [FindingKind::Duplicates, FindingKind::Conflicts, FindingKind::RepeatedIds] {
        one(kind).remedies[0].apply(&mut project);
    }
    let (imported, ready) = prepared(&project, Path::new(""));
    let left = super::findings::found(&project, &imported, &ready);
    let open = left.iter().filter(|finding| finding.severity != Severity::Handled).map(|finding| finding.kind);
    let open: Vec<FindingKind> = open.collect();
    assert!(!open.contains(&FindingKind::Conflicts) && !open.contains(&FindingKind::RepeatedIds), "{open:?}");
    assert!(!open.contains(&FindingKind::Duplicates), "{open:?}");
}

#[test]
#[ignore = "needs the example data sets in ../shared/data"]
fn airline_tweets_with_validation_and_test_files_are_prepared() {
    let [train, validation, test] =
        ["train", "validation", "test"].map(|name| shared(&format!("airline_tweets/{name}.csv")));
    let mut project = on(train, "text", "label");
    (project.dataset.validation, project.dataset.test) = (Some(validation), Some(test));
    let ready = prepared(&project, Path::new("")).1;
    assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
    let rows = Side::ALL.map(|side| ready.side(side).count());
    assert_eq!(rows[1..], [1_439, 1_441]);
    assert!(rows[0] > 11_500 && rows[0] <= 11_515, "{rows:?}");
    // Half of the file's entities have lost their semicolon.
    let is_escaped = |text: &str| ["&amp", "&lt", "&gt"].iter().any(|entity| text.contains(entity));
    let escaped: Vec<&str> =
        ready.examples.iter().map(|row| row.text.as_str()).filter(|text| is_escaped(text)).collect();
    assert_eq!(escaped, [""; 0]);
}

#[test]
#[ignore = "needs the example data sets in ../shared/data"]
fn sst2_is_read_without_quoting() {
    let (train, dev) = (shared("sst2/train.tsv"), shared("sst2/dev.tsv"));
    let mut project = on(train, "sentence", "label");
    project.dataset.test = Some(dev);
    let (imported, ready) = prepared(&project, Path::new(""));
    assert_eq!((imported.main.table.len(), imported.main.bad_rows.len()), (67_349, 0));
    assert_eq!(imported.test.as_ref().map(|file| file.table.len()), Some(872));
    assert_eq!((delimited(&imported.main).delimiter, imported.guessed_text.as_deref()), ('\t', Some("sentence")));
    assert_eq!((ready.labels.join(" "), ready.side(Side::Test).count()), ("0 1".to_owned(), 872));
    assert!(ready.blockers.is_empty(), "{:?}", ready.blockers);
}

#[test]
#[ignore = "needs the example data sets in ../shared/data"]
fn a_tab_separated_file_without_a_header_is_read() {
    let path = shared("vader_amazon/amazonReviewSnippets_GroundTruth.txt");
    let file = watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch)).unwrap();
    assert_eq!((file.table.len(), file.bad_rows.len(), delimited(&file).header_row), (3_708, 0, None));
}

#[test]
#[ignore = "needs the example data sets in ../shared/data"]
fn column_roles_of_real_files_are_guessed() {
    let path = shared("airline_tweets/Tweets.csv");
    let (project, imported) = guessed(&path);
    let found = roles(&project, &imported);
    let expected = [
        ("tweet_id", ColumnRole::Id),
        ("airline_sentiment", ColumnRole::Label),
        ("text", ColumnRole::Text),
        ("tweet_created", ColumnRole::Time),
    ];
    assert_eq!(found, expected.map(|(name, role)| (name.to_owned(), role)));
    for path in ["airline_tweets/train.csv", "sst2/train.tsv"] {
        let path = shared(path);
        let (project, imported) = guessed(&path);
        assert_eq!(roles(&project, &imported).len(), imported.main.table.names.len().min(2), "{}", path.display());
    }
}
