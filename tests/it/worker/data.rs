//! Reading, preparing, comparing and searching data.

use hone::data::RowQuery;
use hone::worker::{
    CompareTexts, CountLabels, CountTextTokens, CountTokens, CountValues, FindLeaks, FindRows, Import, ProfileRows,
    RowSource,
};

use super::*;

#[test]
fn a_file_is_imported_and_prepared() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let (worker, project) = (worker(), project_with("reviews.csv"));
    let imported = import(&worker, &project, folder.path());
    assert_eq!(imported.main.table.len(), 60);
    let prepared = prepare(&worker, &project, &imported);
    assert_eq!(prepared.labels, ["bad", "good"]);
    assert_eq!(prepared.examples.len(), 60);
}

/// Which of two workers with shared data compared texts, judging by their progress messages.
fn compares<J: Job>(worker: &Worker, job: J) -> (bool, J::Answer) {
    says(worker, job, "Comparing texts")
}

#[test]
fn texts_are_compared_once_for_the_split_the_window_and_training() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 120);
    let data = SharedData::default();
    let [window, training] =
        [(); 2].map(|()| Worker::spawn_with(WorkerOptions::default(), data.clone(), || ()).unwrap());
    for together in [true, false] {
        let mut project = project();
        project.training.epochs = 1;
        project.split.keep_near_together = together;
        let imported = import(&window, &project, folder.path());
        let (compared, rows) = compares(&window, prepare_job(&project, &imported));
        // The texts are the same both times, so the second split uses what the first found.
        assert_eq!(compared, together);
        assert_eq!(rows.prepared.near.is_some(), together);
        assert!(!compares(&window, CompareTexts { prepared: Arc::clone(&rows.prepared) }).0);
        let RowSource { project: prepared_as, prepared, .. } = rows;
        assert!(!compares(&window, FindLeaks { project: prepared_as, imported, prepared }).0);
        assert!(!compares(&training, train_job(&project, folder.path()).0).0);
    }
}

#[test]
fn after_an_error_the_next_job_works() {
    let folder = tempfile::tempdir().unwrap();
    let worker = worker();
    let missing = Import { project: project_with("none.csv"), folder: folder.path().to_owned() };
    let message = refused(&worker, missing);
    assert!(message.contains("none.csv"), "{message}");
    write_reviews(folder.path(), 60);
    import(&worker, &project_with("reviews.csv"), folder.path());
}

#[test]
fn rows_are_searched_counted_and_profiled() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let (worker, project) = (worker(), project_with("reviews.csv"));
    let imported = import(&worker, &project, folder.path());
    let source = ask(&worker, prepare_job(&project, &imported)).unwrap();
    let prepared = Arc::clone(&source.prepared);
    assert_eq!(source.survey.words.len(), prepared.examples.len());
    let find = |words: &str, regex| {
        let query = RowQuery { words: words.to_owned(), regex, ..RowQuery::default() };
        FindRows { source: source.clone(), query }
    };
    let dataset = Box::new(source.project.dataset.clone());
    let labels = ask(&worker, CountLabels { dataset, imported: Arc::clone(&source.imported) }).unwrap();
    assert_eq!((labels.rows.len(), labels.rows.values().sum::<u64>()), (2, 60));
    let found = ask(&worker, find("GREAT", false)).unwrap();
    assert_eq!(found.question.query.words, "GREAT");
    let holding = |words: &str| (0..).zip(&prepared.examples).filter(|(_, row)| row.text.contains(words)).count();
    assert!(!found.rows.is_empty() && found.rows.len() == holding("great"), "{found:?}");
    let message = refused(&worker, find("great|(", true));
    assert!(message.starts_with("A bracket ("), "{message}");
    let values = ask(&worker, CountValues { source: source.clone(), column: "label".into() }).unwrap();
    assert_eq!(values.iter().map(|(_, rows)| rows).sum::<usize>(), 60);
    let profile = ask(&worker, ProfileRows { source: source.clone() }).unwrap();
    assert_eq!((profile.terms.labels.len(), profile.columns.len()), (2, source.imported.main.table.names.len()));
    let count = |model| CountTokens { prepared: Arc::clone(&prepared), model };
    assert_eq!(ask(&worker, count(tiny_bert())).unwrap().counted(), 60);
    let text = CountTextTokens { text: prepared.examples[0].text.clone(), model: tiny_bert() };
    assert!(ask(&worker, text).unwrap() > 2);
    let message = refused(&worker, count(folder.path().to_owned()));
    assert!(message.contains("no tokenizer.json or vocab.txt"), "{message}");
}
