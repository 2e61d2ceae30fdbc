//! Tests of a run in the window: stopping it, its verdict, and the pages that lead to its results.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui_kittest::kittest::{NodeT, Queryable};

use crate::app::commands::UserCommand;
use crate::app::live_run::RunEnd;
use crate::app::messages::{AppCommand, Edit, LabelledOutput, Pick};
use crate::app::steps::verdict::tone;
use crate::app::testing::{Window, app, app_on, hone, picture, results, settle, told};
use crate::app::view::View;
use crate::data::Target;
use crate::evaluation::{Answer, ClassAnswer, Prediction};
use crate::project::{EvaluateEvery, ModelChoice, Step, TrainingSettings};
use crate::storage::{RunFolder, RunStatus, ThemeChoice};

/// The sample project with a small model, which trains this way.
fn sample(training: impl FnOnce(TrainingSettings) -> TrainingSettings) -> (Window, tempfile::TempDir) {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let training = training(hone(&mut window).project().training.clone());
    hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
    settle(&mut window);
    (window, folder)
}

/// Starts a run that would take long, and waits until it has made a step and `has_evaluation`.
fn start(window: &mut Window, has_evaluation: bool) {
    hone(window).run_command(AppCommand::User(UserCommand::Train));
    let begun = Instant::now();
    loop {
        window.step();
        let live = hone(window).state.work.answers.live.as_ref().unwrap();
        if !live.steps.is_empty() && (!has_evaluation || !live.evaluations.is_empty()) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "no step within two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Stops the run, and then stops it again, as fast as a person who has read the log.
fn stop_twice(window: &mut Window) {
    for _ in 0..2 {
        hone(window).run_command(AppCommand::User(UserCommand::Stop));
    }
    settle(window);
}

fn runs(folder: &tempfile::TempDir) -> usize {
    RunFolder::list(&folder.path().join("customer-reviews")).unwrap().len()
}

#[test]
fn a_second_stop_before_the_first_evaluation_discards_the_run() {
    let never = EvaluateEvery::Steps(1_000_000);
    let (mut window, folder) = sample(|now| TrainingSettings { epochs: 1_000, evaluate_every: never, ..now });
    start(&mut window, false);
    stop_twice(&mut window);
    let live = hone(&mut window).state.work.answers.live.clone().unwrap();
    assert_eq!(live.end, Some(RunEnd::Cancelled), "{live:?}");
    assert_eq!(runs(&folder), 0);
    window.get_by_label("The run was stopped");
    hone(&mut window).run_command(AppCommand::User(UserCommand::Stop));
    assert_eq!(told(&mut window), "Stop and keep the best", "there is nothing to stop");
}

#[test]
fn a_second_stop_after_an_evaluation_keeps_the_best_untested_and_the_advice_is_to_train_to_the_end() {
    let often = EvaluateEvery::Steps(2);
    let (mut window, folder) =
        sample(|now| TrainingSettings { epochs: 1_000, evaluate_every: often, early_stopping: None, ..now });
    start(&mut window, true);
    stop_twice(&mut window);
    assert_eq!(runs(&folder), 1);
    let results = hone(&mut window).state.work.answers.results.value.clone().unwrap();
    assert!(results.summary.test.is_none());
    let planned = results.settings.project.training.total_steps(results.settings.rows[0]);
    let steps = format!("You stopped after {} of {} steps", results.summary.steps, crate::words::count(planned));
    assert_eq!(window.query_all_by_label_contains(&steps).count(), 1, "on the page");
    assert!(window.query_by_label_contains("You stopped it after").is_none(), "it is said once");
    let (notice, _) = hone(&mut window).notices.newest_first().next().unwrap();
    assert!(notice.body.contains(&steps), "{}", notice.body);
    window.get_by_role_and_label(egui::Role::Button, "Train again to the end");
    assert!(window.query_by_label_contains("Label more").is_none());
    picture("train-stopped", &mut window);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// A run that is paused after its first evaluation. On a busy machine a short run ends before the window can pause it: then a
/// longer one is begun.
fn paused() -> (Window, tempfile::TempDir) {
    let often = EvaluateEvery::Steps(60);
    for epochs in [6, 24, 96] {
        let (mut window, folder) =
            sample(|now| TrainingSettings { epochs, evaluate_every: often, early_stopping: None, ..now });
        start(&mut window, true);
        hone(&mut window).run_command(AppCommand::User(UserCommand::PauseResume));
        let begun = Instant::now();
        loop {
            let live = hone(&mut window).state.work.answers.live.as_ref().unwrap();
            if live.paused {
                return (window, folder);
            }
            if !live.is_going() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "it did not pause");
            window.step();
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    panic!("every run ended before it could be paused");
}

#[test]
fn an_interrupted_run_is_resumed_from_the_train_step() {
    let (mut window, folder) = paused();
    // What a power cut would leave.
    let left = folder.path().join("left/customer-reviews");
    copy(&folder.path().join("customer-reviews"), &left);
    stop_twice(&mut window);
    drop(window);

    let mut window = app_on(Some(left.clone()), ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::GoTo(Step::Train));
    settle(&mut window);
    window.get_by_label_contains("The last run was interrupted after step ");
    picture("train-interrupted", &mut window);
    window.get_by_role_and_label(egui::Role::Button, "Resume training").click();
    settle(&mut window);
    let live = hone(&mut window).state.work.answers.live.clone().unwrap();
    assert_eq!(live.end, Some(RunEnd::Finished), "{live:?}");
    let steps: Vec<u64> = live.steps.iter().map(|step| step.step).collect();
    assert!(steps.iter().copied().eq(1..=live.start.as_ref().unwrap().total_steps), "{steps:?}");
    let runs = RunFolder::list(&left).unwrap();
    assert_eq!(runs.len(), 1);
    let RunStatus::Finished(summary) = &runs[0].status else { panic!("{runs:?}") };
    assert_eq!(summary.stop_reason, crate::storage::StopReason::Completed);
    assert!(window.query_by_label_contains("was interrupted").is_none());
}

#[test]
fn the_notification_the_start_page_and_the_results_give_one_verdict() {
    let (mut window, folder) = sample(|now| TrainingSettings { epochs: 1, ..now });
    hone(&mut window).run_command(AppCommand::User(UserCommand::Train));
    settle(&mut window);
    let judgement = hone(&mut window).state.work.answers.results.value.as_ref().unwrap().judge();
    let verdict = judgement.verdict.title();
    let (notice, _) = hone(&mut window).notices.newest_first().next().unwrap();
    let (title, tone_told) = (notice.title.clone(), notice.tone);
    assert_eq!(title, format!("Training finished: {}", verdict.to_lowercase()));
    assert_eq!(tone_told, tone(judgement.verdict));
    assert!(notice.body.contains(&judgement.says), "{}", notice.body);
    assert_eq!(hone(&mut window).notices.unread(), 0, "the page shown says so");
    assert_eq!(window.query_all_by_role(egui::Role::Alert).count(), 1, "it is read aloud once");
    picture("train-ended", &mut window);

    // A file is labelled in a low window: what was saved is scrolled into sight.
    window.set_size(egui::vec2(1024.0, 560.0));
    let input = folder.path().join("new.csv");
    std::fs::write(&input, "review\nIt broke on day two\nI love it\n").unwrap();
    hone(&mut window).run_command(AppCommand::User(UserCommand::TryIt));
    hone(&mut window).use_path(Pick::FileToLabel, input);
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::LabelRows);
    settle(&mut window);
    let how = LabelledOutput { name: "out.csv".to_owned(), least_percent: None };
    hone(&mut window).use_path(Pick::LabelledOutput(how), folder.path().join("out.csv"));
    settle(&mut window);
    window.run_steps(40);
    let saved = window.get_by_label_contains("Saved predictions for 2 rows").rect();
    assert!(saved.top() > 0.0 && saved.bottom() < 500.0, "{saved:?}");

    hone(&mut window).run_command(AppCommand::User(UserCommand::StartPage));
    settle(&mut window);
    picture("start-with-verdict", &mut window);
    window.get_by_label_contains(&format!(", Classify texts, {verdict}: "));
}

/// Scrolls the page down, with the pointer over it.
fn scroll_down(window: &mut Window) {
    window.hover_at(egui::pos2(700.0, 400.0));
    for _ in 0..20 {
        window.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: egui::vec2(0.0, -400.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: egui::Modifiers::NONE,
        });
        window.step();
    }
    window.run_steps(30);
}

#[test]
fn a_page_that_is_opened_begins_at_its_top() {
    let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).state.work.answers.results.value = Some(results());
    hone(&mut window).run_command(AppCommand::GoTo(Step::Evaluate));
    settle(&mut window);
    let top = |window: &Window| window.get_by_label(Step::Evaluate.purpose()).rect().top();
    let at_first = top(&window);
    scroll_down(&mut window);
    let below = window.query_by_label(Step::Evaluate.purpose()).map_or(f32::NEG_INFINITY, |node| node.rect().top());
    assert!(below < at_first - 100.0, "the page was scrolled: {below}, {at_first}");
    for command in [AppCommand::GoTo(Step::Evaluate), AppCommand::User(UserCommand::GoTo(Step::Evaluate))] {
        hone(&mut window).run_command(AppCommand::GoTo(Step::Train));
        settle(&mut window);
        hone(&mut window).run_command(command);
        settle(&mut window);
        assert!((top(&window) - at_first).abs() < 1.0);
        scroll_down(&mut window);
    }
}

#[test]
fn export_weights_leads_to_the_path_of_the_export_wherever_it_is_asked_for() {
    let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    window.set_size(egui::vec2(1024.0, 420.0));
    hone(&mut window).state.work.answers.results.value = Some(results());
    for from in [Step::Evaluate, Step::Export] {
        hone(&mut window).run_command(AppCommand::GoTo(from));
        settle(&mut window);
        scroll_down(&mut window);
        hone(&mut window).run_command(AppCommand::User(UserCommand::ExportWeights));
        settle(&mut window);
        window.run_steps(40);
        assert_eq!(hone(&mut window).state.view, View::Step(Step::Export));
        let field = window.get_by_label("Save to: Hugging Face folder");
        assert!(field.accesskit_node().is_focused(), "from {from:?}");
        assert!(field.rect().top() > 0.0 && field.rect().bottom() < 400.0, "{:?}", field.rect());
    }
}

/// 200 rows of which the first 20 are negative and the others are positive, with a prediction for each.
fn predictions(predicted: fn(usize) -> u32) -> Vec<Prediction> {
    let of = |(row, mut prediction): (usize, Prediction)| {
        prediction.text = format!("Review number {row}");
        prediction.target = Target::Class(if row < 20 { 0 } else { 2 });
        prediction.answer =
            Answer::Class(ClassAnswer { predicted: predicted(row), probabilities: vec![0.4, 0.2, 0.4] });
        prediction
    };
    results().test.iter().cycle().take(200).cloned().enumerate().map(of).collect()
}

/// Writes a finished run with these predictions of the test rows.
fn write_run(project: &Path, predictions: &[Prediction]) {
    let results = results();
    let (run, lock) = RunFolder::create(project).unwrap();
    let (mut settings, mut summary) = (results.settings.clone(), results.summary.clone());
    settings.project.dataset.main = Some(project.join("reviews.csv"));
    summary.run = run.id();
    run.write_settings(&settings).unwrap();
    run.write_predictions("validation", &results.validation, &settings.labels).unwrap();
    run.write_predictions("test", predictions, &settings.labels).unwrap();
    run.write_comparison(&results.comparison).unwrap();
    run.write_status(&RunStatus::Finished(summary)).unwrap();
    drop(lock);
}

#[test]
fn a_comparison_says_where_rows_and_labels_disagree_and_what_the_run_list_says() {
    let (window, folder) = app(ThemeChoice::Light, 1.0);
    drop(window);
    let project: PathBuf = folder.path().join("customer-reviews");
    let mut earlier = predictions(|_| 2);
    // Their labels were corrected since.
    for prediction in &mut earlier[..5] {
        prediction.target = Target::Class(2);
    }
    write_run(&project, &earlier);
    write_run(&project, &predictions(|row| if row < 45 { 0 } else { 2 }));
    let mut window = app_on(Some(project), ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::GoTo(Step::Evaluate));
    settle(&mut window);
    picture("evaluate-mixed", &mut window);
    let says = hone(&mut window).state.work.answers.results.value.as_ref().unwrap().difference.as_ref().unwrap().says();
    window.get_by_label(&says);
    let start = "Better at the rarer labels, but fewer rows right than run 1: 175 of 200 right, 180 of 200 before, ";
    assert!(says.starts_with(start), "{says}");
    assert!(says.contains(" before (0.481 with the labels of that time); "), "{says}");
}
