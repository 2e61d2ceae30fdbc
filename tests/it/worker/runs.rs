//! Training runs, and the data they read.

use hone::worker::{Evaluate, LoadRun, ReadToLabel, RunEvent, Said};

use super::*;

#[test]
fn training_sends_events_in_order_and_its_run_can_be_loaded() {
    let bench = Bench::new(|_| ());
    let mut run = bench.start();
    let results = run.finish();
    let mut kinds = Vec::new();
    for event in run.events.try_iter() {
        match event {
            RunEvent::Started(start) => {
                assert_eq!((start.total_steps, start.steps_per_epoch, start.device.as_str()), (12, 6, "CPU, f32"));
                kinds.push("started");
            }
            RunEvent::Steps(steps) => {
                assert!(!steps.is_empty());
                kinds.push("steps");
            }
            RunEvent::Evaluation(point) => {
                assert_eq!(point.metrics.rows(), 12);
                kinds.push("evaluation");
            }
            RunEvent::Paused(_) => panic!("nobody paused it"),
            RunEvent::Advice(_) => panic!("a good run"),
        }
    }
    assert_eq!(run.pending.said().filter(|said| *said == Said::Event).count(), kinds.len(), "each is announced");
    kinds.dedup();
    assert_eq!(kinds, ["started", "steps", "evaluation", "steps", "evaluation"]);
    assert_eq!((results.steps.len(), results.evaluations.len()), (12, 2));
    assert_eq!((results.validation.len(), results.test.len()), (12, 24));
    assert_eq!(results.summary.stop_reason, StopReason::Completed);

    let again = bench.ask(LoadRun { run: results.folder.clone() });
    assert_eq!((&again.summary, &again.test, &again.steps), (&results.summary, &results.test, &results.steps));
    assert_eq!(again.comparison, results.comparison);

    let report = bench.ask(Evaluate { run: results.folder.clone(), data: None, reading: DatasetSettings::default() });
    assert_eq!(Some(&report.metrics), results.summary.test.as_ref());
    assert_eq!(report.predictions, results.test);
}

#[test]
fn rows_of_another_file_without_a_text_are_skipped_whatever_their_label() {
    let bench = Bench::new(|training| training.epochs = 1);
    let run = bench.train().folder.clone();
    let other = bench.path("other.csv");
    std::fs::write(&other, "text,label\na very good day,good\n,unheard of\na bad day,\n").unwrap();
    let report =
        bench.ask(Evaluate { run: run.clone(), data: Some(other.clone()), reading: DatasetSettings::default() });
    assert_eq!(report.predictions.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(), ["a very good day"]);
    std::fs::write(&other, "text,label\na very good day,good\na day,unheard of\n").unwrap();
    let message = bench.refused(Evaluate { run, data: Some(other), reading: DatasetSettings::default() });
    assert!(message.contains("the model was not trained on: 'unheard of' (1 row, the first: row 2)"), "{message}");
}

#[test]
fn the_same_settings_give_the_same_losses_through_the_worker() {
    let losses = || {
        let results = Bench::new(|_| ()).train();
        results.steps.iter().map(|step| step.loss.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(losses(), losses());
}

#[test]
fn changed_data_is_read_again() {
    let bench = Bench::new(|training| training.epochs = 1);
    let first = bench.train();
    let second = bench.train();
    assert_eq!(first.settings.data_hash, second.settings.data_hash);
    write_reviews(bench.folder.path(), 200);
    let third = bench.train();
    // New rows are placed one by one, so that none moves another: by share only on average.
    assert_eq!((first.settings.rows, third.settings.rows), ([84, 12, 24], [143, 20, 37]));
    let message =
        bench.refused(Evaluate { run: first.folder.clone(), data: None, reading: DatasetSettings::default() });
    assert!(message.contains("has changed since this run"), "{message}");
}

#[test]
fn changes_of_an_appended_file_are_noticed() {
    let mut bench = Bench::new(|training| training.epochs = 1);
    let more = bench.path("more.csv");
    std::fs::write(&more, "text,label\na very good extra row,good\n").unwrap();
    bench.project.dataset.more = vec!["more.csv".into()];
    let first = bench.train();
    assert_eq!(first.settings.rows.iter().sum::<usize>(), 121);
    let read = ReadToLabel {
        model: first.folder.join("best"),
        input: bench.path("reviews.csv"),
        reading: DatasetSettings::default(),
        text_column: None,
        may_guess: false,
    };
    let message = bench.label(read, &more).unwrap_err();
    assert!(message.contains("is a data file of the project"), "{message}");
    bench.ask(Evaluate { run: first.folder.clone(), data: None, reading: DatasetSettings::default() });
    std::fs::write(&more, "text,label\na very good extra row,good\na very bad extra row,bad\n").unwrap();
    assert_eq!(bench.train().settings.rows.iter().sum::<usize>(), 122);
    let message =
        bench.refused(Evaluate { run: first.folder.clone(), data: None, reading: DatasetSettings::default() });
    assert!(message.contains("has changed since this run"), "{message}");
}

#[test]
fn workers_share_the_data_they_have_read() {
    let mut bench = Bench::new(|training| training.epochs = 1);
    let data = SharedData::default();
    let spawn = || Worker::spawn_with(WorkerOptions::default(), data.clone(), || ()).unwrap();
    let preview = spawn();
    bench.worker = spawn();
    // The window reads the files before the columns are chosen.
    let mut unread = bench.project.clone();
    unread.dataset.set_columns_of(ColumnRole::Text, &[]);
    let imported = import(&preview, &unread, bench.folder.path());
    let prepared = prepare(&preview, &bench.project, &imported);

    // Empties the file, so that reading it again would give nothing.
    let path = bench.path("reviews.csv");
    let before = std::fs::metadata(&path).unwrap();
    std::fs::write(&path, vec![b'x'; before.len() as usize]).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let results = bench.train();
    assert_eq!(results.settings.data_hash, prepared.data_hash);
}

#[test]
fn opening_a_failed_or_interrupted_run_says_what_happened() {
    let bench = Bench::new(|_| ());
    let run = RunFolder::create(bench.folder.path()).unwrap().0;
    let load = || LoadRun { run: run.path().to_owned() };
    run.write_status(&RunStatus::Running).unwrap();
    assert!(bench.refused(load()).contains("Hone quit or crashed during training"));
    run.write_status(&RunStatus::Failed("The disk is full.".into())).unwrap();
    assert!(bench.refused(load()).contains("The disk is full."));
}
