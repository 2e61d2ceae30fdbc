//! Files imported, prepared, compared and searched.

use hone::data::RowQuery;
use hone::worker::RowSource;

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
    assert!(!worker.is_busy());
}

/// Which of two workers that share their data compared texts, by what they say on the way.
fn compares(worker: &Worker, job: JobId) -> (bool, Answer) {
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
        let boxed = || Box::new(project.clone());
        let job = window.send(Command::Prepare { project: boxed(), imported: Arc::clone(&imported) });
        let (compared, answer) = compares(&window, job);
        // The texts are the same both times: what the first split found is known to the second.
        assert_eq!(compared, together);
        let Answer::Prepared(prepared) = answer else { panic!("{answer:?}") };
        assert_eq!(prepared.near.is_some(), together);
        let job = window.send(Command::CompareTexts { prepared: Arc::clone(&prepared) });
        let (compared, answer) = compares(&window, job);
        assert!(!compared && matches!(answer, Answer::TextsCompared(_)), "{answer:?}");
        let job = window.send(Command::FindLeaks { project: boxed(), imported, prepared });
        let (compared, answer) = compares(&window, job);
        assert!(!compared && matches!(answer, Answer::LeaksFound(_)), "{answer:?}");
        let job = training.send(Command::Train { project: boxed(), folder: folder.path().to_owned() });
        let (compared, answer) = compares(&training, job);
        assert!(!compared && matches!(answer, Answer::RunFinished(_)), "{answer:?}");
    }
}

#[test]
fn after_an_error_the_next_job_works() {
    let folder = tempfile::tempdir().unwrap();
    let worker = worker();
    let missing = Command::Import { project: Box::new(project_with("none.csv")), folder: folder.path().to_owned() };
    let job = worker.send(missing);
    let answer = final_answer(&worker, job);
    assert!(matches!(&answer, Answer::Failed { message } if message.contains("none.csv")), "{answer:?}");
    write_reviews(folder.path(), 60);
    import(&worker, &project_with("reviews.csv"), folder.path());
}

#[test]
fn rows_are_searched_counted_and_profiled() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let (worker, project) = (worker(), project_with("reviews.csv"));
    let imported = import(&worker, &project, folder.path());
    let job = worker.send(Command::Prepare { project: Box::new(project.clone()), imported: Arc::clone(&imported) });
    let mut survey = None;
    let prepared = loop {
        match worker.events().recv_timeout(PATIENCE).unwrap().answer {
            Answer::Surveyed(counted) => survey = Some(counted),
            Answer::Prepared(prepared) => break prepared,
            other => assert!(!other.is_final(), "{other:?} of {job}"),
        }
    };
    let source = RowSource {
        project: Arc::new(project),
        imported,
        prepared: Arc::clone(&prepared),
        survey: survey.expect("the survey comes before the rows"),
    };
    let ask = |command| final_answer(&worker, worker.send(command));
    let find = |words: &str, regex| {
        let query = RowQuery { words: words.to_owned(), regex, ..RowQuery::default() };
        Command::FindRows { source: source.clone(), query }
    };
    let count = Command::CountLabels {
        dataset: Box::new(source.project.dataset.clone()),
        imported: Arc::clone(&source.imported),
    };
    let Answer::LabelsCounted(labels) = ask(count) else { panic!("labels must be counted") };
    assert_eq!((labels.rows.len(), labels.rows.values().sum::<u64>()), (2, 60));
    let Answer::RowsFound(rows) = ask(find("GREAT", false)) else { panic!("rows must be found") };
    let holding = |words: &str| (0..).zip(&prepared.examples).filter(|(_, row)| row.text.contains(words)).count();
    assert!(!rows.is_empty() && rows.len() == holding("great"), "{rows:?}");
    assert!(matches!(ask(find("great|(", true)), Answer::BadPattern(why) if why.starts_with("A bracket (")));
    let Answer::ValuesCounted(values) = ask(Command::CountValues { source: source.clone(), column: "label".into() })
    else {
        panic!("values must be counted")
    };
    assert_eq!(values.iter().map(|(_, rows)| rows).sum::<usize>(), 60);
    let Answer::Profiled(profile) = ask(Command::Profile { source: source.clone() }) else {
        panic!("a profile must be made")
    };
    assert_eq!((profile.terms.labels.len(), profile.columns.len()), (2, source.imported.main.table.names.len()));
    let count = |model| Command::CountTokens { prepared: Arc::clone(&prepared), model };
    let Answer::TokensCounted(lengths) = ask(count(tiny_bert())) else { panic!("tokens must be counted") };
    assert_eq!(lengths.counted(), 60);
    let text = Command::CountTextTokens { text: prepared.examples[0].text.clone(), model: tiny_bert() };
    assert!(matches!(ask(text), Answer::TextTokens(tokens) if tokens > 2));
    let Answer::Failed { message } = ask(count(folder.path().to_owned())) else { panic!("there is no tokenizer") };
    assert!(message.contains("no tokenizer.json or vocab.txt"), "{message}");
}
