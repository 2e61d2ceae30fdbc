//! The worker through its front door: commands in, events out.

mod patterns;
mod sparing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hone::data::{Imported, Prepared, RowQuery};
use hone::project::{ColumnRole, ModelChoice, Project, TrainingSettings};
use hone::storage::{RunFolder, RunStatus, StopReason};
use hone::worker::{Answer, Command, ExportFormat, JobId, RowSource, RunResults, SharedData, Worker, WorkerOptions};

use crate::training::{project, tiny_bert, write_reviews};

const PATIENCE: Duration = Duration::from_mins(1);

fn worker() -> Worker {
    Worker::spawn(|| ()).unwrap()
}

/// The job's final answer; answers of other jobs in between are a mistake.
fn final_answer(worker: &Worker, job: JobId) -> Answer {
    loop {
        let event = worker.events().recv_timeout(PATIENCE).expect("an answer");
        assert_eq!(event.job, job);
        if event.answer.is_final() {
            return event.answer;
        }
    }
}

fn project_with(file: &str) -> Project {
    let mut project = project();
    project.dataset.main = Some(PathBuf::from(file));
    project
}

fn import(worker: &Worker, project: &Project, folder: &Path) -> Arc<Imported> {
    let (project, folder) = (Box::new(project.clone()), folder.to_owned());
    let job = worker.send(Command::Import { project, folder });
    match final_answer(worker, job) {
        Answer::Imported(imported) => imported,
        other => panic!("{other:?}"),
    }
}

fn prepare(worker: &Worker, project: &Project, imported: &Arc<Imported>) -> Arc<Prepared> {
    let job = worker.send(Command::Prepare { project: Box::new(project.clone()), imported: Arc::clone(imported) });
    match final_answer(worker, job) {
        Answer::Prepared(prepared) => prepared,
        other => panic!("{other:?}"),
    }
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
    assert!(!worker.is_busy());
}

/// Which of two workers that share their data compared texts, by what they say on the way.
fn compares(worker: &Worker, job: JobId) -> (bool, Answer) {
    says(worker, job, "Comparing texts")
}

/// Whether a job comes through a stage, and its final answer.
fn says(worker: &Worker, job: JobId, stage: &str) -> (bool, Answer) {
    let mut said = false;
    loop {
        let event = worker.events().recv_timeout(PATIENCE).expect("an answer");
        assert_eq!(event.job, job);
        match event.answer {
            Answer::Progress(progress) => said |= progress.stage == stage,
            answer if answer.is_final() => return (said, answer),
            _ => {}
        }
    }
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
fn an_error_is_a_message_and_the_next_job_works() {
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
fn jobs_are_told_apart_by_rising_ids() {
    let folder = tempfile::tempdir().unwrap();
    write_reviews(folder.path(), 60);
    let (worker, project) = (worker(), project_with("reviews.csv"));
    let command = || Command::Import { project: Box::new(project.clone()), folder: folder.path().to_owned() };
    let (first, second) = (worker.send(command()), worker.send(command()));
    assert!(first < second);
    let ids: Vec<JobId> = std::iter::from_fn(|| worker.events().recv_timeout(PATIENCE).ok())
        .filter(|event| event.answer.is_final())
        .map(|event| event.job)
        .take(2)
        .collect();
    assert_eq!(ids, [first, second]);
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

    fn start(&self) -> JobId {
        let (project, folder) = (Box::new(self.project.clone()), self.folder.path().to_owned());
        self.worker.send(Command::Train { project, folder })
    }

    fn train(&self) -> Arc<RunResults> {
        let job = self.start();
        match final_answer(&self.worker, job) {
            Answer::RunFinished(results) => results,
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, command: Command) -> Answer {
        final_answer(&self.worker, self.worker.send(command))
    }

    fn refused(&self, command: Command) -> String {
        match self.ask(command) {
            Answer::Failed { message } => message,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for an answer; others before it are passed over.
    fn wait_for(&self, wanted: impl Fn(&Answer) -> bool) -> Answer {
        loop {
            let answer = self.worker.events().recv_timeout(PATIENCE).expect("an answer").answer;
            if wanted(&answer) {
                return answer;
            }
            assert!(!answer.is_final(), "{answer:?}");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[test]
fn training_answers_in_order_and_leaves_a_run_that_can_be_read_again() {
    let bench = Bench::new(|_| ());
    let job = bench.start();
    let mut kinds = Vec::new();
    let results = loop {
        let event = bench.worker.events().recv_timeout(PATIENCE).unwrap();
        assert_eq!(event.job, job);
        match event.answer {
            Answer::RunStarted(start) => {
                assert_eq!((start.total_steps, start.steps_per_epoch, start.device.as_str()), (12, 6, "CPU, f32"));
                kinds.push("started");
            }
            Answer::Steps(steps) => {
                assert!(!steps.is_empty());
                kinds.push("steps");
            }
            Answer::Evaluation(point) => {
                assert_eq!(point.metrics.rows(), 12);
                kinds.push("evaluation");
            }
            Answer::RunFinished(results) => break results,
            other => assert!(!other.is_final(), "{other:?}"),
        }
    };
    kinds.dedup();
    assert_eq!(kinds, ["started", "steps", "evaluation", "steps", "evaluation"]);
    assert_eq!((results.steps.len(), results.evaluations.len()), (12, 2));
    assert_eq!((results.validation.len(), results.test.len()), (12, 24));
    assert_eq!(results.summary.stop_reason, StopReason::Completed);
    assert!(!bench.worker.is_busy());

    let Answer::RunLoaded(again) = bench.ask(Command::LoadRun { run: results.folder.clone() }) else { panic!() };
    assert_eq!((&again.summary, &again.test, &again.steps), (&results.summary, &results.test, &results.steps));
    assert_eq!(again.comparison, results.comparison);

    let evaluate = |data| Command::Evaluate { run: results.folder.clone(), data };
    let Answer::Evaluated(report) = bench.ask(evaluate(None)) else { panic!() };
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
    let job = bench.start();
    bench.wait_for(|answer| matches!(answer, Answer::Steps(_)));

    let begun = Instant::now();
    bench.worker.set_paused(job, true);
    bench.wait_for(|answer| matches!(answer, Answer::Paused(true)));
    soon(begun);
    assert!(bench.worker.events().recv_timeout(Duration::from_millis(200)).is_err(), "nothing happens while it waits");

    let begun = Instant::now();
    bench.worker.set_paused(job, false);
    bench.wait_for(|answer| matches!(answer, Answer::Paused(false)));
    bench.wait_for(|answer| matches!(answer, Answer::Steps(_)));
    soon(begun);

    let begun = Instant::now();
    bench.worker.cancel_all();
    bench.wait_for(|answer| matches!(answer, Answer::Log(line) if line.message == "Stopping"));
    soon(begun);
    let Answer::RunFinished(results) = bench.wait_for(Answer::is_final) else {
        panic!("the run must end with a result")
    };
    assert_eq!(results.summary.stop_reason, StopReason::Stopped);
    assert!(results.summary.test.is_some());
}

#[test]
fn a_stop_meant_for_a_queued_job_leaves_the_one_under_way_alone() {
    let bench = Bench::new(|_| ());
    let training = bench.start();
    let queued = bench.worker.send(Command::Classify { model: tiny_bert(), texts: vec!["good".to_owned()] });
    bench.worker.cancel(queued);
    let finals = (0..2).map(|_| {
        loop {
            let event = bench.worker.events().recv_timeout(PATIENCE).unwrap();
            if event.answer.is_final() {
                break (event.job, event.answer);
            }
        }
    });
    let finals: Vec<_> = finals.collect();
    assert!(matches!(&finals[0], (job, Answer::RunFinished(results))
        if *job == training && results.summary.stop_reason != StopReason::Stopped));
    assert!(matches!(&finals[1], (job, Answer::Cancelled) if *job == queued));
}

#[test]
fn a_stop_while_paused_ends_the_run() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let job = bench.start();
    bench.wait_for(|answer| matches!(answer, Answer::Evaluation(_)));
    bench.worker.set_paused(job, true);
    bench.wait_for(|answer| matches!(answer, Answer::Paused(true)));
    bench.worker.cancel_all();
    assert!(matches!(bench.wait_for(Answer::is_final), Answer::RunFinished(_)));
}

#[test]
fn a_stop_before_the_first_step_is_cancelled_and_leaves_no_run() {
    let bench = Bench::new(|_| ());
    bench.start();
    bench.worker.cancel_all();
    assert!(matches!(bench.wait_for(Answer::is_final), Answer::Cancelled));
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
    let message = bench.refused(Command::Evaluate { run: first.folder.clone(), data: None });
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
    let message = bench.refused(Command::PredictFile {
        model: first.folder.join("best"),
        input: bench.path("reviews.csv"),
        text_column: None,
        output: more.clone(),
    });
    assert!(message.contains("is a data file of the project"), "{message}");
    let Answer::Evaluated(_) = bench.ask(Command::Evaluate { run: first.folder.clone(), data: None }) else { panic!() };
    std::fs::write(&more, "text,label\na very good extra row,good\na very bad extra row,bad\n").unwrap();
    assert_eq!(bench.train().settings.rows.iter().sum::<usize>(), 122);
    let message = bench.refused(Command::Evaluate { run: first.folder.clone(), data: None });
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
    let evaluate = || Command::Evaluate { run: results.folder.clone(), data: Some(other.clone()) };
    std::fs::write(&other, "label,text\ngood,this is great\nbad,this is bad\n,no label\ngood,\n").unwrap();
    let Answer::Evaluated(report) = bench.ask(evaluate()) else { panic!() };
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
    let Answer::Classified { labels, probabilities } = bench.ask(Command::Classify { model: best.clone(), texts })
    else {
        panic!()
    };
    assert_eq!(labels, ["bad", "good"]);
    assert_eq!(probabilities[0], probabilities[1], "tags are cleaned away");
    assert!((probabilities[0].iter().sum::<f32>() - 1.0).abs() < 1e-6 && probabilities[2].is_empty());

    let (input, output) = (bench.path("new.csv"), bench.path("out/labelled.csv"));
    std::fs::write(&input, "id,predicted,text\n1,x,\"the phone, is great\"\n2,y,<br>\n3,z,bad\n").unwrap();
    let predict = |input: &Path, column: Option<&str>, output: &Path| Command::PredictFile {
        model: best.clone(),
        input: input.to_owned(),
        text_column: column.map(str::to_owned),
        output: output.to_owned(),
    };
    let Answer::PredictionsWritten { path, rows, empty } = bench.ask(predict(&input, None, &output)) else { panic!() };
    assert_eq!((path, rows, empty), (output.clone(), 2, 1));
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
    let message = bench.refused(Command::FetchModel { id: "bart-huge".into() });
    assert!(message.contains("'bart-huge'") && message.contains("minilm-l6"), "{message}");
    let message = bench.refused(Command::LoadRun { run: bench.path("runs/none") });
    assert!(message.contains("Could not open the run"), "{message}");
    let texts = vec!["a text".to_owned()];
    let message = bench.refused(Command::Classify { model: bench.path("none"), texts: texts.clone() });
    assert!(message.contains("none"), "{message}");
    // Not made by Hone: its own labels, no cleaning, but it was trained, so it answers.
    let Answer::Classified { labels, .. } = bench.ask(Command::Classify { model: tiny_bert(), texts }) else {
        panic!()
    };
    assert_eq!(labels, ["negative", "neutral", "positive"]);

    bench.project.model = ModelChoice::Folder(bench.path("no-model"));
    let (project, folder) = (Box::new(bench.project.clone()), bench.folder.path().to_owned());
    let message = bench.refused(Command::Train { project, folder });
    assert!(message.contains("no-model"), "{message}");
}

#[test]
fn a_run_that_failed_or_was_cut_off_says_so_when_it_is_opened() {
    let bench = Bench::new(|_| ());
    let run = RunFolder::create(bench.folder.path()).unwrap();
    let load = || Command::LoadRun { run: run.path().to_owned() };
    run.write_status(&RunStatus::Running).unwrap();
    assert!(bench.refused(load()).contains("Hone ended while it trained"));
    run.write_status(&RunStatus::Failed("The disk is full.".into())).unwrap();
    assert!(bench.refused(load()).contains("The disk is full."));
}

/// A second window on the same project shows its own events only: ids of another worker's jobs may be equal, but each
/// has its own channel. A late event of an older job of the same worker is told by its id.
#[test]
fn events_of_a_stale_job_are_told_by_their_id() {
    let bench = Bench::new(|training| training.epochs = 10_000);
    let stale = bench.start();
    bench.wait_for(|answer| matches!(answer, Answer::RunStarted(_)));
    let fresh = bench.worker.send(Command::Classify { model: tiny_bert(), texts: vec!["good".to_owned()] });
    bench.worker.cancel(stale);
    let mut finals = Vec::new();
    while finals.len() < 2 {
        let event = bench.worker.events().recv_timeout(PATIENCE).unwrap();
        assert!(event.job == stale && finals.is_empty() || event.job == fresh, "{event:?}");
        if event.answer.is_final() {
            finals.push(event.job);
        }
    }
    assert_eq!(finals, [stale, fresh]);
}

#[test]
fn a_run_is_exported_and_proven() {
    let bench = Bench::new(|training| training.epochs = 1);
    let run = bench.train().folder.clone();
    let export = || {
        let (run, output) = (run.clone(), bench.path("export"));
        bench.ask(Command::Export { run, format: ExportFormat::HuggingFace, output })
    };
    let Answer::Exported { path, proof } = export() else { panic!("the export must be made") };
    assert!(path.join("model.safetensors").is_file() && !proof.is_empty());
    let Answer::Failed { message } = export() else { panic!("nothing is written over") };
    assert!(message.contains("is not empty"), "{message}");
}

#[test]
fn rows_are_searched_and_described() {
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
