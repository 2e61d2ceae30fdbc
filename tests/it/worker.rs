//! The worker through its front door: jobs in, answers out.

mod patterns;
mod sparing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use hone::data::{Imported, Prepared, RowQuery};
use hone::project::{ColumnRole, ModelChoice, Project, TrainingSettings};
use hone::storage::{RunFolder, RunStatus, StopReason};
use hone::worker::{
    Classified, Classify, CompareTexts, CountLabels, CountTextTokens, CountTokens, CountValues, Evaluate, Export,
    ExportFormat, FetchModel, FindLeaks, FindRows, Import, Job, JobError, LoadRun, LogLine, Pending, PredictFile,
    Prepare, ProfileRows, RowSource, RunEvent, RunResults, Said, SavedPredictions, SharedData, Train, Worker,
    WorkerOptions,
};

use crate::training::{project, tiny_bert, write_reviews};

const PATIENCE: Duration = Duration::from_mins(1);

fn worker() -> Worker {
    Worker::spawn(|| ()).unwrap()
}

/// The job's answer.
fn ask<J: Job>(worker: &Worker, job: J) -> Result<J::Answer, JobError> {
    worker.submit(job).wait(PATIENCE).expect("an answer")
}

/// Why the job failed.
fn refused<J: Job>(worker: &Worker, job: J) -> String {
    match ask(worker, job) {
        Err(JobError::Failed(message)) => message,
        Err(JobError::Cancelled) => panic!("it was cancelled"),
        Ok(_) => panic!("{} must fail", J::TITLE),
    }
}

fn project_with(file: &str) -> Project {
    let mut project = project();
    project.dataset.main = Some(PathBuf::from(file));
    project
}

fn import(worker: &Worker, project: &Project, folder: &Path) -> Arc<Imported> {
    ask(worker, Import { project: project.clone(), folder: folder.to_owned() }).unwrap()
}

fn prepare_job(project: &Project, imported: &Arc<Imported>) -> Prepare {
    Prepare { project: Arc::new(project.clone()), imported: Arc::clone(imported) }
}

fn prepare(worker: &Worker, project: &Project, imported: &Arc<Imported>) -> Arc<Prepared> {
    ask(worker, prepare_job(project, imported)).unwrap().prepared
}

fn train_job(project: &Project, folder: &Path) -> (Train, Receiver<RunEvent>) {
    let (events, told) = crossbeam_channel::unbounded();
    (Train { project: project.clone(), folder: folder.to_owned(), events }, told)
}

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

/// Which of two workers that share their data compared texts, by what they say on the way.
fn compares<J: Job>(worker: &Worker, job: J) -> (bool, J::Answer) {
    says(worker, job, "Comparing texts")
}

/// Whether a job comes through a stage, and its answer.
fn says<J: Job>(worker: &Worker, job: J, stage: &str) -> (bool, J::Answer) {
    let mut pending = worker.submit(job);
    let answer = pending.wait(PATIENCE).expect("an answer").unwrap();
    let said = pending.said().any(|said| matches!(said, Said::Progress(progress) if progress.stage == stage));
    (said, answer)
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
        // The texts are the same both times: what the first split found is known to the second.
        assert_eq!(compared, together);
        assert_eq!(rows.prepared.near.is_some(), together);
        assert!(!compares(&window, CompareTexts { prepared: Arc::clone(&rows.prepared) }).0);
        let RowSource { project: prepared_as, prepared, .. } = rows;
        assert!(!compares(&window, FindLeaks { project: prepared_as, imported, prepared }).0);
        assert!(!compares(&training, train_job(&project, folder.path()).0).0);
    }
}

#[test]
fn an_error_is_a_message_and_the_next_job_works() {
    let folder = tempfile::tempdir().unwrap();
    let worker = worker();
    let missing = Import { project: project_with("none.csv"), folder: folder.path().to_owned() };
    let message = refused(&worker, missing);
    assert!(message.contains("none.csv"), "{message}");
    write_reviews(folder.path(), 60);
    import(&worker, &project_with("reviews.csv"), folder.path());
}

#[test]
fn jobs_run_in_the_order_they_were_submitted() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let (worker, project) = (worker(), project_with("reviews.csv"));
    let job = || Import { project: project.clone(), folder: folder.path().to_owned() };
    let (mut first, mut second) = (worker.submit(job()), worker.submit(job()));
    assert!(second.wait(PATIENCE).unwrap().is_ok());
    assert!(first.answer().expect("it came first").is_ok());
    assert!(first.answer().is_none() && second.answer().is_none(), "each is answered once");
}

/// A folder with reviews, a project on the tiny model, and a worker.
struct Bench {
    folder: tempfile::TempDir,
    project: Project,
    worker: Worker,
}

impl Bench {
    fn new(change: impl FnOnce(&mut TrainingSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_reviews(folder.path(), 120);
        let mut project = project();
        change(&mut project.training);
        Self { folder, project, worker: worker() }
    }

    fn start(&self) -> Run {
        let (job, events) = train_job(&self.project, self.folder.path());
        Run { pending: self.worker.submit(job), events }
    }

    fn train(&self) -> Arc<RunResults> {
        self.start().finish()
    }

    fn ask<J: Job>(&self, job: J) -> J::Answer {
        ask(&self.worker, job).unwrap()
    }

    fn refused<J: Job>(&self, job: J) -> String {
        refused(&self.worker, job)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A run under way.
struct Run {
    pending: Pending<Arc<RunResults>>,
    events: Receiver<RunEvent>,
}

impl Run {
    /// Waits for an event; others before it are passed over.
    fn wait_for(&self, wanted: impl Fn(&RunEvent) -> bool) {
        while !wanted(&self.events.recv_timeout(PATIENCE).expect("an event")) {}
    }

    fn finish(&mut self) -> Arc<RunResults> {
        self.pending.wait(PATIENCE).expect("an answer").expect("the run must end with a result")
    }
}

#[test]
fn training_tells_in_order_and_leaves_a_run_that_can_be_read_again() {
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

    let report = bench.ask(Evaluate { run: results.folder.clone(), data: None });
    assert_eq!(Some(&report.metrics), results.summary.test.as_ref());
    assert_eq!(report.predictions, results.test);
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
fn a_run_is_paused_resumed_and_stopped_within_a_second() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let soon = |begun: Instant| assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let mut run = bench.start();
    run.wait_for(|event| matches!(event, RunEvent::Steps(_)));

    let begun = Instant::now();
    run.pending.set_paused(true);
    run.wait_for(|event| matches!(event, RunEvent::Paused(true)));
    soon(begun);
    assert!(run.events.recv_timeout(Duration::from_millis(200)).is_err(), "nothing happens while it waits");

    let begun = Instant::now();
    run.pending.set_paused(false);
    run.wait_for(|event| matches!(event, RunEvent::Paused(false)));
    run.wait_for(|event| matches!(event, RunEvent::Steps(_)));
    soon(begun);

    run.pending.cancel();
    assert!(run.pending.said().any(|said| said == Said::Log(LogLine::info("Stopping"))), "at once");
    let results = run.finish();
    assert_eq!(results.summary.stop_reason, StopReason::Stopped);
    assert!(results.summary.test.is_some());
}

#[test]
fn cancelling_a_queued_job_leaves_the_one_under_way_alone() {
    let bench = Bench::new(|_| ());
    let mut training = bench.start();
    training.wait_for(|event| matches!(event, RunEvent::Started(_)));
    let mut queued = bench.worker.submit(Classify { model: tiny_bert(), texts: vec!["good".to_owned()] });
    queued.cancel();
    assert_eq!(queued.answer(), Some(Err(JobError::Cancelled)), "at once");
    assert_ne!(training.finish().summary.stop_reason, StopReason::Stopped);
}

#[test]
fn a_stop_while_paused_ends_the_run() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let mut run = bench.start();
    run.wait_for(|event| matches!(event, RunEvent::Evaluation(_)));
    run.pending.set_paused(true);
    run.wait_for(|event| matches!(event, RunEvent::Paused(true)));
    run.pending.cancel();
    run.finish();
}

#[test]
fn a_stop_before_the_first_step_is_cancelled_and_leaves_no_run() {
    let bench = Bench::new(|_| ());
    let mut run = bench.start();
    run.pending.cancel();
    assert!(matches!(run.pending.wait(PATIENCE), Some(Err(JobError::Cancelled))));
    assert!(RunFolder::list(bench.folder.path()).unwrap().is_empty());
    bench.train();
}

#[test]
fn data_that_changed_on_disk_is_read_again() {
    let bench = Bench::new(|training| training.epochs = 1);
    let first = bench.train();
    let second = bench.train();
    assert_eq!(first.settings.data_hash, second.settings.data_hash);
    write_reviews(bench.folder.path(), 200);
    let third = bench.train();
    assert_eq!((first.settings.rows, third.settings.rows), ([84, 12, 24], [140, 20, 40]));
    let message = bench.refused(Evaluate { run: first.folder.clone(), data: None });
    assert!(message.contains("has changed since this run"), "{message}");
}

#[test]
fn a_file_appended_to_the_main_one_is_looked_at_too() {
    let mut bench = Bench::new(|training| training.epochs = 1);
    let more = bench.path("more.csv");
    std::fs::write(&more, "text,label\na very good extra row,good\n").unwrap();
    bench.project.dataset.more = vec!["more.csv".into()];
    let first = bench.train();
    assert_eq!(first.settings.rows.iter().sum::<usize>(), 121);
    let message = bench.refused(PredictFile {
        model: first.folder.join("best"),
        input: bench.path("reviews.csv"),
        text_column: None,
        output: more.clone(),
    });
    assert!(message.contains("is a data file of the project"), "{message}");
    bench.ask(Evaluate { run: first.folder.clone(), data: None });
    std::fs::write(&more, "text,label\na very good extra row,good\na very bad extra row,bad\n").unwrap();
    assert_eq!(bench.train().settings.rows.iter().sum::<usize>(), 122);
    let message = bench.refused(Evaluate { run: first.folder.clone(), data: None });
    assert!(message.contains("has changed since this run"), "{message}");
}

#[test]
fn what_one_worker_has_read_the_other_trains_on() {
    let mut bench = Bench::new(|training| training.epochs = 1);
    let data = SharedData::default();
    let spawn = || Worker::spawn_with(WorkerOptions::default(), data.clone(), || ()).unwrap();
    let preview = spawn();
    bench.worker = spawn();
    // The window reads before the columns are chosen.
    let mut unread = bench.project.clone();
    unread.dataset.set_columns_of(ColumnRole::Text, &[]);
    let imported = import(&preview, &unread, bench.folder.path());
    let prepared = prepare(&preview, &bench.project, &imported);

    // As if nothing had been written: whoever reads the file now finds nothing in it.
    let path = bench.path("reviews.csv");
    let before = std::fs::metadata(&path).unwrap();
    std::fs::write(&path, vec![b'x'; before.len() as usize]).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let results = bench.train();
    assert_eq!(results.settings.data_hash, prepared.data_hash);
}

#[test]
fn another_file_is_measured_by_the_runs_own_columns_and_labels() {
    let bench = Bench::new(|training| training.epochs = 1);
    let results = bench.train();
    let other = bench.path("other.csv");
    let evaluate = || Evaluate { run: results.folder.clone(), data: Some(other.clone()) };
    std::fs::write(&other, "label,text\ngood,this is great\nbad,this is bad\n,no label\ngood,\n").unwrap();
    let report = bench.ask(evaluate());
    assert_eq!((report.metrics.rows(), report.predictions.len()), (2, 2));
    assert_eq!(report.predictions[1].id.record, 2);

    std::fs::write(&other, "label,text\ngood,this is great\nfine,this is fine\n").unwrap();
    let message = bench.refused(evaluate());
    assert!(message.contains("Row 2") && message.contains("'fine'") && message.contains("bad, good"), "{message}");
    std::fs::write(&other, "stars,text\n5,this is great\n1,this is bad\n").unwrap();
    let message = bench.refused(evaluate());
    assert!(message.contains("no column 'label'") && message.contains("stars, text"), "{message}");
    std::fs::write(&other, "label,text\n,this is great\n,this is bad\n").unwrap();
    assert!(bench.refused(evaluate()).contains("has no row with a text and a label"));
}

#[test]
fn texts_and_files_are_labelled_as_the_run_cleaned_them() {
    let bench = Bench::new(|_| ());
    let best = bench.train().folder.join("best");
    let texts = ["the <b>phone</b> is great", "the phone is great", "<p> </p>"].map(str::to_owned).to_vec();
    let Classified { labels, probabilities, .. } = bench.ask(Classify { model: best.clone(), texts });
    assert_eq!(labels, ["bad", "good"]);
    assert_eq!(probabilities[0], probabilities[1], "tags are cleaned away");
    assert!((probabilities[0].iter().sum::<f32>() - 1.0).abs() < 1e-6 && probabilities[2].is_empty());

    let (input, output) = (bench.path("new.csv"), bench.path("out/labelled.csv"));
    std::fs::write(&input, "id,predicted,text\n1,x,\"the phone, is great\"\n2,y,<br>\n3,z,bad\n").unwrap();
    let predict = |input: &Path, column: Option<&str>, output: &Path| PredictFile {
        model: best.clone(),
        input: input.to_owned(),
        text_column: column.map(str::to_owned),
        output: output.to_owned(),
    };
    let saved = bench.ask(predict(&input, None, &output));
    assert_eq!(saved, SavedPredictions { path: output.clone(), rows: 2, empty: 1 });
    let written = std::fs::read_to_string(&output).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines[0], "id,predicted,text,predicted_2,probability_bad,probability_good");
    assert!(lines[1].starts_with("1,x,\"the phone, is great\",") && lines[1].split(',').count() == 7, "{written}");
    assert_eq!((lines[2], lines.len()), ("2,y,<br>,,,", 4));

    let message = bench.refused(predict(&input, None, &input));
    assert!(message.contains("is the file to be labelled"), "{message}");
    let message = bench.refused(predict(&input, None, &bench.path("project.ron")));
    assert!(message.contains("is the place of a project"), "{message}");
    let learnt_from = bench.path("reviews.csv");
    let before = std::fs::read(&learnt_from).unwrap();
    let message = bench.refused(predict(&input, None, &learnt_from));
    assert!(message.contains("is a data file of the project"), "{message}");
    assert_eq!(std::fs::read(&learnt_from).unwrap(), before);
    let message = bench.refused(predict(&input, Some("review"), &output));
    assert!(message.contains("no column 'review'") && message.contains("id, predicted, text"), "{message}");
    let message = bench.refused(predict(&bench.path("none.csv"), None, &output));
    assert!(message.contains("There is no file at"), "{message}");
}

#[test]
fn what_is_not_there_is_named() {
    let mut bench = Bench::new(|_| ());
    let message = bench.refused(FetchModel { id: "bart-huge".into() });
    assert!(message.contains("'bart-huge'") && message.contains("minilm-l6"), "{message}");
    let message = bench.refused(LoadRun { run: bench.path("runs/none") });
    assert!(message.contains("Could not open the run"), "{message}");
    let texts = vec!["a text".to_owned()];
    let message = bench.refused(Classify { model: bench.path("none"), texts: texts.clone() });
    assert!(message.contains("none"), "{message}");
    // Not made by Hone: its own labels, no cleaning, but it was trained, so it answers.
    assert_eq!(bench.ask(Classify { model: tiny_bert(), texts }).labels, ["negative", "neutral", "positive"]);

    bench.project.model = ModelChoice::Folder(bench.path("no-model"));
    let message = bench.refused(train_job(&bench.project, bench.folder.path()).0);
    assert!(message.contains("no-model"), "{message}");
}

#[test]
fn a_run_that_failed_or_was_cut_off_says_so_when_it_is_opened() {
    let bench = Bench::new(|_| ());
    let run = RunFolder::create(bench.folder.path()).unwrap();
    let load = || LoadRun { run: run.path().to_owned() };
    run.write_status(&RunStatus::Running).unwrap();
    assert!(bench.refused(load()).contains("Hone ended while it trained"));
    run.write_status(&RunStatus::Failed("The disk is full.".into())).unwrap();
    assert!(bench.refused(load()).contains("The disk is full."));
}

#[test]
fn a_run_whose_owner_is_gone_is_abandoned_and_the_next_job_answered() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let stale = bench.start();
    stale.wait_for(|event| matches!(event, RunEvent::Started(_)));
    let mut fresh = bench.worker.submit(Classify { model: tiny_bert(), texts: vec!["good".to_owned()] });
    drop(stale);
    assert!(fresh.wait(PATIENCE).expect("an answer").is_ok());
}

#[test]
fn a_run_is_exported_and_proven() {
    let bench = Bench::new(|training| training.epochs = 1);
    let run = bench.train().folder.clone();
    let export = || {
        let (run, output) = (run.clone(), bench.path("export"));
        ask(&bench.worker, Export { run, format: ExportFormat::HuggingFace, output })
    };
    let exported = export().expect("the export must be made");
    assert!(exported.path.join("model.safetensors").is_file() && !exported.proof.is_empty());
    let Err(JobError::Failed(message)) = export() else { panic!("nothing is written over") };
    assert!(message.contains("is not empty"), "{message}");
}

#[test]
fn rows_are_searched_and_described() {
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
