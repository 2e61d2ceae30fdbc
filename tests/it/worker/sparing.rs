//! Work that is not done twice or needlessly.

use super::*;
use hone::data::Checks;
use hone::project::{ColumnRole, Pattern, RowEdit};
use hone::worker::{CompareTexts, EstimateRun, FindProblems};

#[test]
fn correcting_a_row_does_not_count_tokens_again() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 120);
    let (worker, mut project) = (worker(), project());
    let imported = import(&worker, &project, folder.path());
    let columns = hone::data::RowColumns::of(&imported.main.table, &project.dataset).unwrap();
    let edit = |row: usize| RowEdit { content_hash: columns.hash(row), ..RowEdit::default() };
    let first = prepare(&worker, &project, &imported);
    let counted = |project: &Project| {
        let prepared = prepare(&worker, project, &imported);
        let likeness = ask(&worker, CompareTexts { prepared: Arc::clone(&prepared) }).unwrap();
        let (project, folder) = (project.clone(), folder.path().to_owned());
        let imported = Arc::clone(&imported);
        let job = FindProblems { checks: Checks::All, project, folder, imported, prepared, likeness };
        let (counted, _) = says(&worker, job, "Counting tokens");
        counted
    };
    assert!(counted(&project));
    let target = RowEdit::relabelled(if first.examples[3].class() == Some(0) { "good" } else { "bad" }).target;
    project.edits.rows.insert(first.examples[3].id, RowEdit { target, ..edit(first.examples[3].row) });
    assert!(!counted(&project), "another label");
    project.edits.rows.insert(first.examples[5].id, RowEdit { excluded: true, ..edit(first.examples[5].row) });
    assert!(!counted(&project), "a row less");
    project.cleaning.patterns.push(Pattern { find: "e".to_owned(), ..Pattern::default() });
    assert!(counted(&project), "other texts");
}

#[test]
fn bad_data_is_refused_before_the_model_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let mut project = project();
    project.dataset.set_role("mood", Some(ColumnRole::Label));
    project.model = ModelChoice::Catalogue("one-of-no-catalogue".to_owned());
    let worker = worker();
    let estimate = EstimateRun { project: project.clone(), folder: folder.path().to_owned(), may_fetch: false };
    let messages = [refused(&worker, train_job(&project, folder.path()).0), refused(&worker, estimate)];
    assert!(messages.iter().all(|message| message.contains("no column 'mood'")), "{messages:?}");
    assert!(!folder.path().join("runs").exists());
}
