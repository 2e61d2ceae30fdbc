//! A person's files, through the public interface of the storage room.

use std::fs;
use std::path::Path;

use hone::data::Target;
use hone::evaluation::{
    Answer, Baseline, BaselineName, ClassAnswer, ClassificationMetrics, Interval, LanguageModelMetrics, Metrics,
    Prediction, TermCounts, WordCounts, WordsAnswer,
};
use hone::project::{EvaluateEvery, MetricName, ModelChoice, Objective, Project, RowEdit, RowId, SourceFile};
use hone::storage::{
    EvaluationPoint, OpenError, ProjectFile, RUN_SCHEMA_VERSION, RunComparison, RunFolder, RunSettings, RunStatus,
    RunSummary, StepMetrics, StopReason, StorageError, write_atomic,
};

fn full_project(folder: &Path) -> Project {
    let mut project = Project { name: "Shop \"A\" – ü".to_owned(), ..Project::default() };
    project.dataset.main = Some(folder.join("reviews.csv"));
    project.dataset.delimiter = Some('\t');
    project.model = ModelChoice::Folder(folder.join("model"));
    project.training.evaluate_every = EvaluateEvery::Steps(50);
    project.training.early_stopping = None;
    let id = RowId { file: SourceFile::Main, record: 12 };
    let edit = RowEdit::relabelled("good");
    project.edits.rows.insert(id, edit);
    project
}

/// Leaves unsaved changes beside a project, as an earlier version of Hone did when it crashed.
fn leave_unsaved(folder: &Path, project: &Project) {
    let elsewhere = tempfile::tempdir().unwrap();
    drop(ProjectFile::create(elsewhere.path(), project, true).unwrap());
    fs::copy(elsewhere.path().join("project.ron"), folder.join(".project.autosave.ron")).unwrap();
}

#[test]
fn a_project_is_saved_with_relative_paths() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("shop");
    let project = full_project(&folder);
    drop(ProjectFile::create(&folder, &project, false).unwrap());
    let text = fs::read_to_string(folder.join("project.ron")).unwrap();
    assert!(text.contains("Some(\"reviews.csv\")") && text.contains("\"main:12\""), "{text}");

    let opened = ProjectFile::open(&folder.join("project.ron")).unwrap();
    assert_eq!(opened.project.dataset.main.as_deref(), Some(Path::new("reviews.csv")));
    assert_eq!(opened.project.training, project.training);
    assert_eq!(opened.project.edits, project.edits);
    assert_eq!((opened.autosave, opened.file.read_only()), (None, None));
    assert!(matches!(
        ProjectFile::create(&folder, &project, false),
        Err(StorageError::ProjectExists(existing)) if existing == folder
    ));
}

#[test]
fn unsaved_changes_of_an_earlier_version_are_offered_and_gone_after_a_save() {
    let temp = tempfile::tempdir().unwrap();
    let mut project = Project::default();
    let file = ProjectFile::create(temp.path(), &project, false).unwrap();
    project.name = "Changed".to_owned();
    leave_unsaved(temp.path(), &project);
    drop(file);

    let opened = ProjectFile::open(temp.path()).unwrap();
    assert_eq!(opened.project.name, "Untitled");
    assert_eq!(opened.autosave.as_deref(), Some(&project));
    opened.file.save(&project).unwrap();
    drop(opened);
    assert!(ProjectFile::open(temp.path()).unwrap().autosave.is_none());
}

#[test]
fn a_damaged_project_says_where_and_offers_its_last_good_state() {
    let temp = tempfile::tempdir().unwrap();
    let project = Project { name: "Good".to_owned(), ..Project::default() };
    let file = ProjectFile::create(temp.path(), &project, false).unwrap();
    let path = temp.path().join("project.ron");
    let text = fs::read_to_string(&path).unwrap();

    fs::write(&path, text.replace("epochs: 3", "epochs: many")).unwrap();
    let OpenError::Damaged { last_good, .. } = ProjectFile::open(temp.path()).unwrap_err() else { panic!() };
    assert_eq!(last_good.as_deref(), Some(&project), "what was saved last is offered where nothing is newer");
    fs::remove_file(temp.path().join(".project.last.ron")).unwrap();
    let error = ProjectFile::open(temp.path()).unwrap_err();
    let line = 1 + text.lines().position(|line| line.contains("epochs: 3")).unwrap();
    assert!(error.to_string().contains(&format!("damaged at line {line}, column")), "{error}");
    assert!(error.to_string().contains("from a backup"), "{error}");

    leave_unsaved(temp.path(), &project);
    drop(file);
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let OpenError::Damaged { last_good, .. } = ProjectFile::open(temp.path()).unwrap_err() else { panic!() };
    assert_eq!(last_good.as_deref(), Some(&project));
    let opened = ProjectFile::open_last_good(temp.path()).unwrap();
    opened.file.save(&opened.project).unwrap();
    drop(opened);
    assert_eq!(ProjectFile::open(temp.path()).unwrap().project, project);

    fs::write(&path, b"(name: \"\n \xff\")").unwrap();
    assert!(ProjectFile::open(temp.path()).unwrap_err().to_string().contains("line 2, column 2"));
    fs::write(&path, "").unwrap();
    assert!(ProjectFile::open(temp.path()).unwrap_err().to_string().contains("the file is empty"));
}

#[test]
fn a_newer_project_is_not_touched() {
    let temp = tempfile::tempdir().unwrap();
    let text = "(schema_version: 9, name: \"Tomorrow\", task: TextClassification, hologram: Some(Deep(3)))";
    fs::write(temp.path().join("project.ron"), text).unwrap();
    let error = ProjectFile::open(temp.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 9, .. }));
    assert!(error.to_string().contains("Update Hone"), "{error}");
    assert_eq!(fs::read_to_string(temp.path().join("project.ron")).unwrap(), text);
}

#[test]
fn missing_and_unwritable_project_folders_are_errors() {
    let temp = tempfile::tempdir().unwrap();
    assert!(matches!(ProjectFile::open(temp.path()), Err(OpenError::NoProject(_))));
    assert!(matches!(ProjectFile::open(&temp.path().join("absent")), Err(OpenError::NoProject(_))));
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    let error = ProjectFile::create(&file.join("shop"), &Project::default(), false).unwrap_err();
    assert!(error.to_string().contains("a part of the path is a file"), "{error}");
}

#[test]
fn a_project_that_cannot_be_created_leaves_no_files() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("shop");
    // Blocks the second file that is written.
    fs::create_dir_all(folder.join(".project.last.ron")).unwrap();
    fs::write(folder.join("mine.csv"), "text\n").unwrap();
    let error = ProjectFile::create(&folder, &Project::default(), false).unwrap_err().to_string();
    assert!(error.starts_with("Could not write") && error.contains(".project.last.ron"), "{error}");
    let mut left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".project.last.ron", "mine.csv"]);
    fs::remove_dir(folder.join(".project.last.ron")).unwrap();
    ProjectFile::create(&folder, &Project::default(), false).unwrap();
}

#[test]
fn a_second_window_opens_the_project_read_only() {
    let temp = tempfile::tempdir().unwrap();
    let first = ProjectFile::create(temp.path(), &Project::default(), false).unwrap();
    let second = ProjectFile::open(temp.path()).unwrap();
    assert_eq!(second.file.read_only(), Some("The project is open in another window of Hone"));
    let error = second.file.save(&second.project).unwrap_err();
    assert!(error.to_string().contains("another window of Hone. Save a copy to keep your changes"), "{error}");
    assert!(second.file.keep_version(&second.project, std::time::SystemTime::now()).is_err());
    let changed = Project { name: "Changed".to_owned(), ..Project::default() };
    leave_unsaved(temp.path(), &changed);
    let third = ProjectFile::open(temp.path()).unwrap();
    assert_eq!(third.autosave, None, "the first window is alive: its unsaved changes are no crash's");
    drop((first, second, third));
    assert!(ProjectFile::open(temp.path()).unwrap().file.read_only().is_none());
}

#[test]
fn a_failed_write_leaves_the_old_file() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a.txt");
    fs::write(&path, "old").unwrap();
    let failed = write_atomic(&path, |file| {
        std::io::Write::write_all(file, b"half of the ne")?;
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert_eq!(failed.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
}

fn step(step: u64) -> StepMetrics {
    StepMetrics {
        step,
        epoch: 0.1 + step as f64,
        loss: 1.0 / 3.0,
        learning_rate: 5e-5,
        grad_norm: 1.5,
        tokens: 900,
        train_seconds: 0.25,
        memory: 0,
    }
}

fn no_rows() -> Metrics {
    Metrics::Classification(ClassificationMetrics::default())
}

fn evaluation(step: u64) -> EvaluationPoint {
    EvaluationPoint { step, epoch: 1.0, metrics: no_rows(), is_best: true }
}

#[test]
fn metrics_survive_a_crash_in_the_middle_of_a_line() {
    let temp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(temp.path()).unwrap().0;
    assert_eq!(run.read_metrics().unwrap(), (vec![], vec![]));
    run.append_steps(&[step(1), step(2)]).unwrap();
    run.append_evaluation(&evaluation(2)).unwrap();
    let path = run.path().join("metrics.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"step\":{\"step\":1,") && text.contains("\n{\"evaluation\":{"), "{text}");

    fs::write(&path, format!("{text}{{\"step\":{{\"step\":3,\"lo")).unwrap();
    assert_eq!(run.read_metrics().unwrap(), (vec![step(1), step(2)], vec![evaluation(2)]));
    run.append_steps(&[step(3)]).unwrap();
    assert_eq!(run.read_metrics().unwrap(), (vec![step(1), step(2), step(3)], vec![evaluation(2)]));

    fs::write(&path, "{\"step\":{}}\n").unwrap();
    assert!(run.read_metrics().unwrap_err().to_string().contains("line 1: missing field"));
}

fn summary(run: &RunFolder) -> RunSummary {
    RunSummary {
        run: run.id(),
        started_at: 1_795_429_799,
        steps: 100,
        epochs: 3.0,
        train_seconds: 12.5,
        tokens_per_second: 4_000.0,
        peak_memory: 1 << 30,
        device: "CPU, f32".to_owned(),
        stop_reason: StopReason::EarlyStopping,
        best_step: 66,
        validation: no_rows(),
        test: Some(no_rows()),
    }
}

#[test]
fn runs_are_listed_newest_first_and_found() {
    let temp = tempfile::tempdir().unwrap();
    assert!(RunFolder::list(temp.path()).unwrap().is_empty());
    let message = RunFolder::find(temp.path(), None).unwrap_err().to_string();
    assert!(message.contains("no runs yet"), "{message}");

    let runs: Vec<RunFolder> = (0..3).map(|_| RunFolder::create(temp.path()).unwrap().0).collect();
    let message = RunFolder::find(temp.path(), None).unwrap_err().to_string();
    assert!(message.contains("no runs yet"), "a folder without files is not a run: {message}");
    runs[0].write_status(&RunStatus::Finished(summary(&runs[0]))).unwrap();
    runs[1].write_status(&RunStatus::Running).unwrap();
    fs::write(runs[2].path().join("status.ron"), "Finis").unwrap();

    let listed = RunFolder::list(temp.path()).unwrap();
    assert_eq!(listed.iter().map(|run| &run.folder).collect::<Vec<_>>(), runs.iter().rev().collect::<Vec<_>>());
    assert!(matches!(&listed[0].status, RunStatus::Failed(why) if why.contains("damaged")));
    assert_eq!(listed[2].status, RunStatus::Finished(summary(&runs[0])));
    assert_eq!(RunFolder::find(temp.path(), None).unwrap(), runs[0]);
    assert_eq!(RunFolder::find(temp.path(), Some(&runs[1].id())).unwrap(), runs[1]);
    let message = RunFolder::find(temp.path(), Some("nonsense")).unwrap_err().to_string();
    assert!(message.contains("no run 'nonsense'") && message.contains(&runs[0].id()), "{message}");
    assert!(RunFolder::open(&temp.path().join("runs/absent")).is_err());
    assert!(RunFolder::open(&runs[2].path().join("status.ron")).is_err());
}

#[test]
fn run_settings_are_read_back_and_newer_ones_refused() {
    let temp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(temp.path()).unwrap().0;
    let mut settings = RunSettings {
        schema_version: RUN_SCHEMA_VERSION,
        project: full_project(temp.path()),
        labels: vec!["good".into(), "bad".into()],
        data_hash: "ab".into(),
        split_hash: "cd".into(),
        rows: [80, 10, 10],
        model_sha256: "ef".into(),
        hone_version: "0.1.0".into(),
        device: "CPU, f32".into(),
        pooling: None,
        trial: None,
        kept_from: None,
    };
    run.write_settings(&settings).unwrap();
    assert_eq!(run.read_settings().unwrap(), settings);
    settings.schema_version = RUN_SCHEMA_VERSION + 1;
    run.write_settings(&settings).unwrap();
    let message = run.read_settings().unwrap_err().to_string();
    assert!(message.contains("was written by a newer version of Hone (run format 3 of Hone 0.1.0;"), "{message}");
    assert!(message.ends_with("Update Hone to read it; nothing was changed."), "{message}");
}

fn prediction(record: u64, label: Option<u32>, probabilities: [f32; 2]) -> Prediction {
    Prediction {
        id: RowId { file: SourceFile::Test, record },
        key: record.is_multiple_of(3).then(|| format!("HN-{record}")),
        text: format!("text {record}, \"quoted\"\nüber"),
        target: label.map_or(Target::None, Target::Class),
        answer: Answer::Class(ClassAnswer {
            predicted: u32::from(probabilities[1] > probabilities[0]),
            probabilities: probabilities.to_vec(),
        }),
    }
}

#[test]
fn predictions_of_validation_and_test_are_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(temp.path()).unwrap().0;
    let labels = ["not good".to_owned(), "good".to_owned()];
    let validation: Vec<Prediction> =
        (1..2_500).map(|record| prediction(record, Some((record % 2) as u32), [0.25, 0.75])).collect();
    let test = [prediction(1, Some(1), [0.1, 0.9]), prediction(2, None, [0.6, 0.4])];
    assert!(run.read_predictions("test").unwrap().is_empty());
    run.write_predictions("test", &[], &labels).unwrap();
    run.write_predictions("validation", &validation, &labels).unwrap();
    run.write_predictions("test", &test[..1], &labels).unwrap();
    run.write_predictions("test", &test, &labels).unwrap();
    assert_eq!(run.read_predictions("validation").unwrap(), validation);
    assert_eq!(run.read_predictions("test").unwrap(), test);

    let wrong = run.write_predictions("test", &[prediction(1, Some(7), [0.1, 0.9])], &labels);
    assert!(wrong.unwrap_err().to_string().contains("no label with class id 7"));
    assert!(run.write_predictions("test", &test, &labels[..1]).is_err());
    assert_eq!(run.read_predictions("test").unwrap(), test);
    fs::write(run.predictions_path(), "PAR1 not really").unwrap();
    let message = run.read_predictions("test").unwrap_err().to_string();
    assert!(message.contains("damaged") && message.contains("Evaluate the run again"), "{message}");
}

fn masked(record: u64) -> Prediction {
    let overall = WordCounts { tokens: record, nats: 1.0 / record as f64, words: 3, correct: 2 };
    let terms = WordCounts { tokens: 1, nats: 0.1, words: 1, correct: 0 };
    Prediction {
        id: RowId { file: SourceFile::Main, record },
        key: None,
        text: format!("document {record}"),
        target: Target::None,
        answer: Answer::Words(WordsAnswer { overall, terms }),
    }
}

#[test]
fn masked_word_predictions_are_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(temp.path()).unwrap().0;
    let validation: Vec<Prediction> = (1..100).map(masked).collect();
    run.write_predictions("validation", &validation, &[]).unwrap();
    run.write_predictions("test", &validation[..2], &[]).unwrap();
    assert_eq!(run.read_predictions("validation").unwrap(), validation);
    assert_eq!(run.read_predictions("test").unwrap(), validation[..2]);
    let wrong = run.write_predictions("test", &validation, &["good".to_owned()]).unwrap_err().to_string();
    assert!(wrong.contains("row main:1 has no predicted label"), "{wrong}");
    let wrong = run.write_predictions("test", &[prediction(1, None, [0.1, 0.9])], &[]).unwrap_err().to_string();
    assert!(wrong.contains("row test:1 has no predicted words"), "{wrong}");
}

#[test]
fn metrics_and_baselines_of_both_tasks_are_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(temp.path()).unwrap().0;
    let classes = RunComparison {
        interval: Some(Interval { metric: MetricName::MacroF1, low: 0.1, high: 0.7 }),
        baselines: vec![Baseline::alone(BaselineName::MajorityClass, no_rows())],
    };
    let overall = WordCounts { tokens: 10, nats: 25.0, words: 8, correct: 4 };
    let by_term = vec![TermCounts { term: "lien".to_owned(), counts: overall }];
    let objective = Objective::NextTokens;
    let metrics =
        Metrics::LanguageModelling(LanguageModelMetrics { objective, documents: 3, overall, terms: overall, by_term });
    let words =
        RunComparison { interval: None, baselines: vec![Baseline::alone(BaselineName::Untrained, metrics.clone())] };
    for comparison in [classes, words] {
        run.write_comparison(&comparison).unwrap();
        assert_eq!(run.read_comparison().unwrap(), comparison);
    }
    let point = EvaluationPoint { step: 7, epoch: 1.0, metrics: metrics.clone(), is_best: false };
    run.append_evaluation(&point).unwrap();
    assert_eq!(run.read_metrics().unwrap().1, [point]);
    let finished = RunStatus::Finished(RunSummary { validation: metrics, test: None, ..summary(&run) });
    run.write_status(&finished).unwrap();
    assert_eq!(run.read_status().unwrap(), finished);
}

#[test]
fn run_files_of_version_1_are_read() {
    let temp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(temp.path()).unwrap().0;
    let (ron, json) = version_1_metrics();
    let metrics = |accuracy| Metrics::Classification(ClassificationMetrics { accuracy, ..version_1() });
    fs::write(
        run.path().join("status.ron"),
        format!(
            "Finished((run: \"r\", started_at: 5, steps: 30, epochs: 3.0, train_seconds: 2.5, tokens_per_second: 80.0, \
             peak_memory: 9, stop_reason: Stopped, best_step: 20, validation: {ron}, test: Some({ron})))"
        ),
    )
    .unwrap();
    let RunStatus::Finished(summary) = run.read_status().unwrap() else { panic!("it is finished") };
    assert_eq!((summary.steps, summary.stop_reason, summary.device.as_str()), (30, StopReason::Stopped, ""));
    assert_eq!((summary.measured(), &summary.validation), (&metrics(0.75), &metrics(0.75)));

    let figures = run.path().join("figures.ron");
    fs::write(&figures, format!("(macro_f1_interval: (0.25, 0.5), majority_baseline: {ron})")).unwrap();
    let comparison = run.read_comparison().unwrap();
    assert_eq!(comparison.interval, Some(Interval { metric: MetricName::MacroF1, low: 0.25, high: 0.5 }));
    assert_eq!(comparison.baseline(BaselineName::MajorityClass), Some(&metrics(0.75)));
    assert_eq!(comparison.baseline(BaselineName::TfIdf), None);
    let few_rows = ron.replace("rows:24", "rows:4");
    let text = format!("(macro_f1_interval: (0.25, 0.5), majority_baseline: {few_rows}, tfidf_baseline: Some({ron}))");
    fs::write(&figures, text).unwrap();
    let comparison = run.read_comparison().unwrap();
    assert_eq!((comparison.interval, comparison.baselines.len()), (None, 2));
    fs::write(&figures, "(macro_f1_interval: (0.25, 0.5),\n majority_baseline: (rows: many))").unwrap();
    let message = run.read_comparison().unwrap_err().to_string();
    assert!(message.contains("line 2, column") && !message.contains("baselines"), "it is read as version 1: {message}");

    let line = format!("{{\"evaluation\":{{\"step\":10,\"epoch\":1.0,\"metrics\":{json},\"is_best\":true}}}}");
    fs::write(run.path().join("metrics.jsonl"), format!("{line}\n{}", &line[..line.len() - 20])).unwrap();
    let (_, evaluations) = run.read_metrics().unwrap();
    assert_eq!(evaluations, [EvaluationPoint { step: 10, epoch: 1.0, metrics: metrics(0.75), is_best: true }]);
}

/// Metrics as version 1 wrote them, in RON and in JSON.
fn version_1_metrics() -> (String, String) {
    let metrics = version_1();
    (ron::to_string(&metrics).unwrap(), serde_json::to_string(&metrics).unwrap())
}

fn version_1() -> ClassificationMetrics {
    ClassificationMetrics { rows: 24, accuracy: 0.75, loss: 1.0 / 3.0, ..ClassificationMetrics::default() }
}

#[test]
fn a_run_that_cannot_be_created_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("runs"), "a file in place of the folder").unwrap();
    assert!(RunFolder::create(temp.path()).is_err());
    let message = RunFolder::list(temp.path()).unwrap_err().to_string();
    assert!(message.contains("a part of the path is a file"), "{message}");
}
