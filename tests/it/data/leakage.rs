//! Planted leakage is found and reported, and each remedy resolves the finding it is offered for.

use std::fmt::Write;

use super::*;
use hone::data::{Finding, FindingKind, LeakageReport, NearGroups, Remedy, Side, find_leaks};
use hone::project::{ColumnRole, Size, SplitMethod, SplitSettings};

/// Prepares a project and finds leakage.
fn look(project: &Project, folder: &Path) -> (Imported, Prepared, LeakageReport) {
    let (imported, prepared) = prepared(project, folder);
    let near = watched(|watch| NearGroups::find(&prepared.examples, watch)).unwrap();
    let report = watched(|watch| find_leaks(project, &imported, &prepared, &near, watch)).unwrap();
    (imported, prepared, report)
}

fn leak<'a>(report: &'a LeakageReport, key: &str) -> Option<&'a Finding> {
    report.findings.iter().find(|finding| finding.key() == key)
}

fn applied(remedy: &Remedy, project: &Project) -> Project {
    let mut project = project.clone();
    remedy.apply(&mut project);
    project
}

/// The rows that a remedy excludes.
fn excluded(remedy: &Remedy) -> Option<Vec<hone::project::RowId>> {
    let Remedy::ExcludeRows(rows) = remedy else { return None };
    Some(rows.iter().map(|(id, _)| *id).collect())
}

/// Applies each remedy of a finding and checks again: the finding must be gone, or ignored.
fn every_remedy_mends(project: &Project, folder: &Path, kind: &str) -> Vec<Remedy> {
    let (.., report) = look(project, folder);
    let found = leak(&report, kind).unwrap_or_else(|| panic!("{kind} is not among {:?}", report.findings));
    for remedy in &found.remedies {
        let mended = applied(remedy, project);
        assert_ne!(mended, *project, "{remedy:?}");
        let (.., after) = look(&mended, folder);
        match (remedy, leak(&after, kind)) {
            (Remedy::Ignore(_), Some(left)) => {
                assert!(left.ignored && matches!(left.remedies[..], [Remedy::StopIgnoring(_)]));
                assert!(after.serious().chain(after.hints()).all(|other| other.key() != kind));
                assert_eq!(applied(&left.remedies[0], &mended), *project);
            }
            (_, left) => assert_eq!(left, None, "{remedy:?} did not help"),
        }
    }
    found.remedies.clone()
}

/// A column that the model reads is a problem, and its remedy makes it a note.
fn every_remedy_mends_but_hint(project: &Project, folder: &Path) -> Vec<Remedy> {
    let (.., report) = look(project, folder);
    let found = leak(&report, "giveaway:stars").unwrap();
    assert!(found.is_problem() && found.meaning.contains("it is given the answer"), "{}", found.meaning);
    let (.., after) = look(&applied(&found.remedies[0], project), folder);
    assert!(!leak(&after, "giveaway:stars").unwrap().is_problem());
    found.remedies.clone()
}

fn text(row: usize) -> String {
    let word =
        |place: usize| format!("{}{}", ["blue", "warm", "late", "soft", "loud"][(row + place) % 5], row * 31 + place);
    (0..8).map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn without_leakage_the_report_says_what_was_checked() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &balanced(&["a", "b"], 60), None, None);
    let report = look(&project, folder.path()).2;
    assert_eq!(report.findings, []);
    assert_eq!(
        report.checked,
        ["duplicates across the split", "near-duplicates across the split", "columns that give the label away"]
    );
    assert_eq!(report.not_checked.len(), 2);
    assert_eq!(report.spans, [None; 3]);
}

#[test]
fn duplicates_across_splits_are_reported() {
    let mut main = "text,label\n".to_owned();
    for row in 0..90 {
        writeln!(main, "{},{}", text(row / 3), ["a", "b"][(row / 3) % 2]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.cleaning.drop_duplicates = false;
    // New projects keep exact copies together; those of earlier versions did not.
    project.split = SplitSettings::of_earlier_files();
    let remedies = every_remedy_mends(&project, folder.path(), "duplicates");
    assert!(
        matches!(
            &remedies[..],
            [Remedy::TurnOn("drop_duplicates"), Remedy::KeepNearTogether, Remedy::ExcludeRows(rows), Remedy::Ignore(_)] if !rows.is_empty()
        ),
        "{remedies:?}"
    );
    let report = look(&project, folder.path()).2;
    let leak = leak(&report, "duplicates").unwrap();
    assert!(
        leak.is_problem()
            && leak.found.contains("validation rows and ")
            && leak.found.contains("test rows have exactly the same text")
    );
    assert_eq!(leak.rows.iter().filter(|row| row.record > 90).count(), 0);
}

#[test]
fn duplicates_and_near_duplicates_of_a_test_file_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let main = "text,label\nThe parcel arrived on Monday and everything in it was just as described,good\n\
                It broke after a day and nobody answers my letters,bad\n\
                The parcel arrived on Friday and everything in it was just as described,good\nNever again,bad\n\
                Something else altogether about a lamp,good\n";
    let test = "text,label\nThe parcel arrived on Tuesday and everything in it was just as described,good\n\
                It broke after a day and nobody answers my letters,bad\nQuite another text about something else,bad\n";
    let validation = "text,label\nGood value for the money they ask,good\nPoor value for the price,bad\n";
    let project = project(folder.path(), main, Some(validation), Some(test));
    let (_, prepared, report) = look(&project, folder.path());
    let likeness = watched(|watch| hone::data::compare_texts(&prepared, watch)).unwrap();
    let ids: Vec<Vec<String>> =
        likeness.groups.iter().map(|group| group.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(ids, [vec!["main:1", "main:3", "test:1"]], "an exact copy is no near-duplicate");
    assert_eq!(likeness.rows(), 3);
    let found: Vec<&str> = report.findings.iter().map(|leak| leak.found.as_str()).collect();
    // An exact copy is reported once.
    assert_eq!(
        found,
        [
            "1 of 3 test rows has exactly the same text as a training row (the first: row 2 of test.csv and row 2)",
            "1 of 3 test rows is a near-duplicate of a training row (the first: row 1 of test.csv and row 1)",
        ]
    );
    // Another split cannot move the rows of a test file, so training rows must be excluded.
    let rows = |records: &[u64]| {
        Some(records.iter().map(|&record| hone::project::RowId { file: SourceFile::Main, record }).collect())
    };
    assert_eq!(excluded(&every_remedy_mends(&project, folder.path(), "duplicates")[0]), rows(&[2]));
    assert_eq!(excluded(&every_remedy_mends(&project, folder.path(), "near-duplicates")[0]), rows(&[1, 3]));
}

#[test]
fn near_duplicates_across_splits_are_reported() {
    let mut main = "text,label\n".to_owned();
    for row in 0..120 {
        writeln!(main, "{}{},{}", text(row / 2), ["", " indeed"][row % 2], ["a", "b"][(row / 2) % 2]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    assert_eq!(look(&project, folder.path()).2.findings, [], "kept together by default");
    project.split.keep_near_together = false;
    let remedies = every_remedy_mends(&project, folder.path(), "near-duplicates");
    assert!(
        matches!(&remedies[..], [Remedy::KeepNearTogether, Remedy::ExcludeRows(_), Remedy::Ignore(_)]),
        "{remedies:?}"
    );
}

/// Rows of customers, four each, who mostly say the same.
fn of_customers(column: &str) -> String {
    let mut main = format!("{column},text,label,date\n");
    for row in 0..160 {
        let customer = row / 4;
        let label = if row % 4 == 3 { row % 2 } else { customer % 2 };
        let day = (row * 7) % 160;
        writeln!(main, "c{customer},{},{},2024-{:02}-{:02}", text(row), ["a", "b"][label], 1 + day / 28, 1 + day % 28)
            .unwrap();
    }
    main
}

#[test]
fn customers_in_two_splits_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &of_customers("customer_id"), None, None);
    let remedies = every_remedy_mends(&project, folder.path(), "group:customer_id");
    assert!(matches!(&remedies[..], [Remedy::SplitByGroup(column), Remedy::Ignore(_)] if column == "customer_id"));
    let report = look(&project, folder.path()).2;
    let hint = leak(&report, "group:customer_id").unwrap();
    assert!(!hint.is_problem() && report.serious().count() == 0);
    assert!(hint.found.contains("share their 'customer_id' with training rows"), "{}", hint.found);
    assert!(hint.meaning.contains("the same label 75% of the time, two random rows 53%"), "{}", hint.meaning);

    // The column is chosen, but the split does not use it.
    project.dataset.set_role("customer_id", Some(ColumnRole::Group));
    assert_eq!(look(&project, folder.path()).2.findings, []);
    project.dataset.set_role("date", Some(ColumnRole::Time));
    project.split.method = SplitMethod::Time;
    let remedies = every_remedy_mends(&project, folder.path(), "group:customer_id");
    assert!(matches!(&remedies[..], [Remedy::SplitByGroup(_), Remedy::Ignore(_)]), "{remedies:?}");
    assert!(leak(&look(&project, folder.path()).2, "group:customer_id").unwrap().is_problem());
}

#[test]
fn customers_of_a_test_file_in_training_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let main = of_customers("customer");
    let test = format!("customer,text,label\nc3,{},a\nc99,{},b\nc5,{},b\n", text(900), text(901), text(902));
    let validation = format!("customer,text,label\nc98,{},a\nc97,{},b\n", text(910), text(911));
    let mut project = project(folder.path(), &main, Some(&validation), Some(&test));
    project.dataset.set_role("customer", Some(ColumnRole::Group));
    let remedies = every_remedy_mends(&project, folder.path(), "group:customer");
    let rows = excluded(&remedies[0]).unwrap();
    assert_eq!(rows.iter().map(|row| row.record).collect::<Vec<_>>(), [13, 14, 15, 16, 21, 22, 23, 24]);
}

#[test]
fn rows_assigned_to_the_test_stay_and_their_near_duplicates_are_excluded() {
    let mut main = "text,label,part\n".to_owned();
    for row in 0..90 {
        let part = ["train", "train", "test", "dev"][row % 4];
        writeln!(main, "{}{},{},{part}", text(row / 3), ["", "", " indeed"][row % 3], ["a", "b"][(row / 3) % 2])
            .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    project.dataset.set_role("part", Some(ColumnRole::Split));
    project.split.method = SplitMethod::Column;
    project.cleaning.drop_duplicates = false;
    for kind in ["duplicates", "near-duplicates"] {
        let remedies = every_remedy_mends(&project, folder.path(), kind);
        let rows = remedies.iter().find_map(excluded).unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| (row.record - 1) % 4 != 2), "{rows:?}");
    }
}

#[test]
fn columns_that_do_not_look_like_groups_are_not_suggested() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = project(folder.path(), &of_customers("shelf"), None, None);
    assert_eq!(look(&shelf, folder.path()).2.findings, []);
    let mut main = "customer,text,label\n".to_owned();
    for row in 0..100 {
        writeln!(main, "c{row},{},{}", text(row), ["a", "b"][row % 2]).unwrap();
    }
    let alone = project(folder.path(), &main, None, None);
    assert_eq!(look(&alone, folder.path()).2.findings, []);
}

#[test]
fn training_rows_later_than_the_test_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &of_customers("shelf"), None, None);
    project.dataset.set_role("date", Some(ColumnRole::Time));
    let remedies = every_remedy_mends(&project, folder.path(), "time");
    assert!(matches!(&remedies[..], [Remedy::SplitByTime, Remedy::Ignore(_)]), "{remedies:?}");
    let (imported, prepared, report) = look(&project, folder.path());
    let leak = leak(&report, "time").unwrap();
    let [_, _, test] = report.spans;
    let oldest = hone::data::moment_in_words(test.unwrap().0);
    assert!(leak.found.ends_with(&format!("newer than the oldest test row ({oldest})")), "{}", leak.found);
    // Counted once more, by comparing the dates as texts.
    let column = imported.main.table.column_index("date").unwrap();
    let dates = |side| prepared.side(side).map(|example| imported.main.table.cell(column, example.row));
    let oldest = dates(Side::Test).min().unwrap();
    assert_eq!(leak.rows.len(), dates(Side::Train).filter(|&date| date > oldest).count());
    project.split.test = Size::NONE;
    assert!(look(&project, folder.path()).2.findings[0].found.contains("the oldest validation row"));
}

#[test]
fn the_order_of_day_and_month_is_decided_from_all_files() {
    let mut main = "text,label,written\n".to_owned();
    for row in 0..144 {
        writeln!(main, "{},{},{}/{}/2023", text(row), ["a", "b"][row % 2], 1 + row % 12, 1 + row / 12).unwrap();
    }
    // Nothing in the main file shows whether day or month comes first.
    let test = format!("text,label,written\n{},a,25/2/2024\n{},b,26/2/2024\n", text(900), text(901));
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, Some(&test));
    project.dataset.set_role("written", Some(ColumnRole::Time));
    project.split.method = SplitMethod::Time;
    let (_, prepared, report) = look(&project, folder.path());
    assert!(prepared.blockers.is_empty(), "{:?}", prepared.blockers);
    let [Some(train), Some(validation), Some(test)] = report.spans else { panic!("{:?}", report.spans) };
    assert!(train.1 < validation.0 && validation.1 < test.0, "{:?}", report.spans);
    assert!(
        prepared.warnings.iter().all(|warning| !warning.contains("cannot be told apart")),
        "{:?}",
        prepared.warnings
    );
    assert_eq!(leak(&report, "time"), None);
}

#[test]
fn rows_of_several_files_are_named_by_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut project =
        project(folder.path(), &balanced(&["a", "b"], 20), None, Some("text,label\nThe same thing,a\nOther,b\n"));
    std::fs::write(folder.path().join("march.csv"), "text,label\nThe same thing,a\nNo other thing at all,b\n").unwrap();
    project.dataset.more.push("march.csv".into());
    let report = look(&project, folder.path()).2;
    let found = &leak(&report, "duplicates").unwrap().found;
    assert!(found.ends_with("(the first: row 1 of test.csv and row 1 of march.csv)"), "{found}");
}

#[test]
fn a_column_that_the_model_reads_is_not_suggested_for_grouping() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &of_customers("customer_id"), None, None);
    project.dataset.set_role("customer_id", Some(ColumnRole::Joined));
    let (.., report) = look(&project, folder.path());
    assert_eq!(leak(&report, "group:customer_id"), None);
    assert_eq!(applied(&Remedy::SplitByGroup("customer_id".to_owned()), &project), project);
}

#[test]
fn a_column_that_reveals_the_label_is_reported() {
    let mut main = "id,text,label,reason,stars,shop\n".to_owned();
    for row in 0..300 {
        let label = ["bad", "bad", "good", "fair"][row % 4];
        let reason = if label == "bad" { ["late", "broken", "rude"][row % 3] } else { "" };
        let stars = match label {
            "bad" => 1 + row % 2,
            "fair" => 3,
            _ => 4 + row % 2,
        };
        writeln!(main, "{row},{},{label},{reason},{stars},shop {}", text(row), row % 7).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), &main, None, None);
    let report = look(&project, folder.path()).2;
    let kinds: Vec<String> = report.findings.iter().map(Finding::key).collect();
    assert_eq!(kinds, ["giveaway:reason", "giveaway:stars"]);
    assert!(!report.findings.iter().any(Finding::is_problem), "the model reads only the text");
    assert_eq!(
        report.findings[0].found,
        "The column 'reason' alone predicts 'bad' with 100.0% accuracy; without it, 50.0% is possible. Of 50 rows with 'late', 50 \
         are 'bad'"
    );
    assert_eq!(report.findings[0].rows.len(), 150);
    assert!(
        report.findings[1]
            .found
            .starts_with("The column 'stars' alone predicts the label with 100.0% accuracy; without it, 50.0%")
    );
    every_remedy_mends(&project, folder.path(), "giveaway:stars");
    assert_eq!((report.findings[1].kind, report.findings[1].column.as_deref()), (FindingKind::Giveaway, Some("stars")));
    // Prepended to the text, it is a problem.
    let mut told = project.clone();
    told.dataset.set_role("stars", Some(ColumnRole::Joined));
    let remedies = every_remedy_mends_but_hint(&told, folder.path());
    assert_eq!(remedies[0], Remedy::StopPrepending("stars".to_owned()));
    // The split column is not checked.
    project.dataset.set_role("stars", Some(ColumnRole::Split));
    assert_eq!(look(&project, folder.path()).2.findings.len(), 1);
}

#[test]
fn looking_for_leakage_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &balanced(&["a", "b"], 20), None, None);
    let (imported, prepared) = prepared(&project, folder.path());
    let near = watched(|watch| NearGroups::find(&prepared.examples, watch)).unwrap();
    let (control, mut report) = (Control::default(), |_| {});
    control.cancel();
    let result =
        find_leaks(&project, &imported, &prepared, &near, &mut Watch { control: &control, report: &mut report });
    assert!(matches!(result, Err(DataError::Cancelled)));
}
