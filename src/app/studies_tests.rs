//! Studies in the window, with real trials on the sample project.

use std::time::{Duration, Instant};

use egui_kittest::kittest::{NodeT, Queryable};

use crate::app::commands::UserCommand;
use crate::app::leave_tests::until;
use crate::app::messages::{AppCommand, Edit};
use crate::app::runs_tests::with_runs;
use crate::app::shell::Leaving;
use crate::app::studies_command::StudiesCommand;
use crate::app::testing::{Window, hone, picture, settle, told};
use crate::app::view::View;
use crate::project::{SearchPlan, SearchRange, SearchStart, StudyPlan};
use crate::storage::{StopRequest, StudyFolder, StudySettings, StudyState};
use crate::worker::StudyResults;

/// The page of studies of the sample project after a short run.
fn studies() -> (Window, tempfile::TempDir) {
    let (mut window, folder) = with_runs(1);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Studies));
    settle(&mut window);
    (window, folder)
}

/// The same with one study of each kind, and learning rates that were tried.
pub(super) fn with_studies() -> (Window, tempfile::TempDir) {
    let (mut window, folder) = studies();
    begin(&mut window, StudyPlan::CrossValidation { folds: 3 });
    begin(&mut window, StudyPlan::Seeds { seeds: 3 });
    search(&mut window, &["lr=1e-4..1e-2:log", "batch_size=8|16|32", "epochs=1..3"], 8);
    hone(&mut window).run_command(AppCommand::Studies(StudiesCommand::FindRate));
    settle(&mut window);
    (window, folder)
}

fn search(window: &mut Window, over: &[&str], trials: u32) {
    let over: Vec<String> = over.iter().map(|&range| range.to_owned()).collect();
    let over = SearchRange::read_all(&over, hone(window).project()).unwrap();
    begin(
        window,
        StudyPlan::Search(SearchPlan {
            over,
            trials,
            minutes: None,
            halving: true,
            start: SearchStart::OwnSettings,
            keeps_best: false,
        }),
    );
}

fn begin(window: &mut Window, plan: StudyPlan) {
    hone(window).run_command(AppCommand::Studies(StudiesCommand::Begin(plan)));
    settle(window);
}

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).scroll_to_me();
    settle(window);
    window.get_by_label(name).click();
    settle(window);
}

/// The newest study, as the page has it.
fn newest(window: &mut Window) -> std::sync::Arc<StudyResults> {
    hone(window).state.work.answers.studies.value.as_ref().unwrap().studies[0].clone()
}

#[test]
fn a_cross_validation_begins_with_a_click_and_says_what_it_found() {
    let (mut window, _folder) = studies();
    assert_eq!(hone(&mut window).state.view, View::Studies);
    assert!(window.query_by_label("Start another study").is_none(), "there is none yet");
    click(&mut window, "Cross-validate");
    let study = newest(&mut window);
    assert_eq!((study.state, study.done().count()), (StudyState::Finished, 5));
    window.get_by_label_contains("With 95% confidence, the mean macro-F1 is between");
    window.get_by_label_contains("each predicted by a model that was not trained on it");
    picture("studies-cross-validation", &mut window);
    let top = |label: &str| window.get_by_label_contains(label).rect().top();
    assert!(top("With 95% confidence") < top("Start another study"));
    assert!(top("Start another study") < top("Cross-validate"), "what it found comes first");
    assert!(window.query_by_label("Studies of this project").is_none(), "there is nothing to choose from");
    // Its runs are not those of the project.
    assert_eq!(hone(&mut window).state.runs.len(), 1);
}

#[test]
fn the_study_that_ended_last_is_shown_and_another_can_be_chosen() {
    let (mut window, _folder) = studies();
    begin(&mut window, StudyPlan::CrossValidation { folds: 2 });
    let seeds = "Two runs of these settings differ by up to";
    for _ in 0..2 {
        begin(&mut window, StudyPlan::Seeds { seeds: 2 });
        window.get_by_label_contains(seeds);
        window.get_by_label_contains("Cross-validation, ").click();
        settle(&mut window);
        assert!(window.query_by_label_contains(seeds).is_none());
    }
}

/// The page while a study is running that does not end by itself, and the question whether to quit.
fn leaving_a_study() -> (Window, tempfile::TempDir) {
    let (mut window, folder) = studies();
    let mut training = hone(&mut window).project().training.clone();
    training.epochs = 1000;
    training.early_stopping = None;
    hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
    let plan = StudyPlan::CrossValidation { folds: 2 };
    hone(&mut window).run_command(AppCommand::Studies(StudiesCommand::Begin(plan)));
    until(&mut window, |app| app.state.work.answers.live_study.as_ref().is_some_and(|live| !live.run.steps.is_empty()));
    ask_to_quit(&mut window);
    (window, folder)
}

fn ask_to_quit(window: &mut Window) {
    hone(window).leave(Leaving::Quit);
    window.run_steps(4);
    window.get_by_label("Quit while the study is running?");
}

/// The only study of the project, which was interrupted.
fn the_interrupted_study(window: &mut Window) -> StudyFolder {
    let folder = hone(window).state.session.as_ref().unwrap().folder().to_owned();
    let [study] = StudyFolder::list(&folder).unwrap().try_into().unwrap();
    assert_eq!(study.state(), StudyState::Interrupted);
    study
}

#[test]
fn a_study_is_stopped_before_its_project_closes_and_can_go_on() {
    let (mut window, _folder) = leaving_a_study();
    window.get_by_label("Continue the study").click();
    window.run_steps(4);
    assert!(hone(&mut window).dialog.is_none() && hone(&mut window).state.work.answers.study.is_running());
    ask_to_quit(&mut window);
    picture("leaving-study", &mut window);
    window.get_by_label("Stop and quit").click();
    until(&mut window, |app| app.may_close);
    assert!(!hone(&mut window).state.work.answers.study.is_running());
    the_interrupted_study(&mut window);
}

#[test]
#[cfg(unix)]
fn a_study_goes_on_in_the_background_when_the_window_closes() {
    let (mut window, folder) = leaving_a_study();
    let (program, told) = crate::app::leave_tests::telling_program(folder.path());
    hone(&mut window).program = program;
    window.get_by_label("Run in the background").click();
    until(&mut window, |app| app.may_close && told.exists());
    let study = the_interrupted_study(&mut window);
    let expected = format!("cv\n--resume\n--study\n{}\n--notify\n{}\n", study.id(), study.project_folder().display());
    assert_eq!(std::fs::read_to_string(told).unwrap(), expected);
}

#[test]
fn a_study_of_another_process_can_be_stopped() {
    let (mut window, _folder) = studies();
    let folder = hone(&mut window).state.session.as_ref().unwrap().folder().to_owned();
    let project = hone(&mut window).project().clone();
    let settings = StudySettings::new(StudyPlan::CrossValidation { folds: 5 }, project, "ab".to_owned());
    let (study, running) = StudyFolder::create(&folder, &settings).unwrap();
    hone(&mut window).state.studies_listed_at = None;
    settle(&mut window);
    window.get_by_label("It is running in another process");
    picture("studies-elsewhere", &mut window);
    click(&mut window, "Stop the study");
    assert_eq!(told(&mut window), "The study was asked to stop");
    assert!(StopRequest::of(study.path()).is_there());
    drop(running);
}

#[test]
fn only_the_newest_studies_are_listed_until_all_are_asked_for() {
    let (mut window, _folder) = studies();
    let folder = hone(&mut window).state.session.as_ref().unwrap().folder().to_owned();
    let project = hone(&mut window).project().clone();
    let settings = StudySettings::new(StudyPlan::Seeds { seeds: 2 }, project, "ab".to_owned());
    for _ in 0..7 {
        StudyFolder::create(&folder, &settings).unwrap();
    }
    hone(&mut window).state.studies_listed_at = None;
    settle(&mut window);
    let listed = |window: &Window| window.get_all_by_label_contains("no trial has ended").count();
    assert_eq!(listed(&window), 5);
    click(&mut window, "Show all 7 studies");
    assert_eq!(listed(&window), 7);
}

#[test]
fn a_learning_curve_says_whether_more_rows_would_help() {
    let (mut window, _folder) = studies();
    click(&mut window, "Draw the curve");
    let study = newest(&mut window);
    assert_eq!((study.state, study.done().count()), (StudyState::Finished, 4));
    let says = study.curve.as_ref().unwrap().says();
    window.get_by_label(&says);
    window.get_by_label_contains("Macro-F1: ").scroll_to_me();
    settle(&mut window);
    picture("studies-learning-curve", &mut window);
}

#[test]
fn the_settings_that_a_search_found_become_those_of_the_project() {
    let (mut window, _folder) = studies();
    // The settings of the run before learn next to nothing in their one epoch.
    search(&mut window, &["lr=5e-3..1e-2:log", "epochs=2|3"], 3);
    picture("studies-search", &mut window);
    let study = newest(&mut window);
    let search = study.search.as_ref().unwrap();
    let best = study.trials.iter().find(|trial| trial.trial.number == search.best).unwrap();
    assert_eq!((study.trials.len(), best.trial.settings.len()), (3, 2));
    click(&mut window, "Use these settings");
    assert_eq!(hone(&mut window).project().training, best.project.training);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
    settle(&mut window);
    assert_ne!(hone(&mut window).project().training, best.project.training);
}

#[test]
fn the_best_model_of_a_search_becomes_a_run_once() {
    let (mut window, _folder) = studies();
    search(&mut window, &["lr=5e-3..1e-2:log"], 2);
    for when in ["now", "already"] {
        click(&mut window, "Keep its model as a run");
        assert_eq!(hone(&mut window).state.runs.len(), 2);
        let (notice, _) = hone(&mut window).notices.newest_first().next().unwrap();
        assert_eq!(notice.title, format!("The best model is a run of the project {when}"));
    }
}

#[test]
fn a_learning_rate_is_suggested_for_these_settings_only() {
    let (mut window, _folder) = studies();
    click(&mut window, "Find a learning rate");
    let curve = hone(&mut window).state.work.answers.rate.value.clone().unwrap();
    let rate = curve.suggested.unwrap();
    assert!(curve.points.len() >= 20 && rate > 1e-5 && rate < 1.0, "{rate}");
    click(&mut window, &format!("Use {rate:e}"));
    assert_eq!(hone(&mut window).project().training.optimizer.learning_rate.to_bits(), rate.to_bits());
    window.get_by_label("Find a learning rate");
}

#[test]
fn a_range_that_cannot_be_searched_is_said_before_it_begins() {
    let (mut window, _folder) = studies();
    click(&mut window, "Add a setting");
    window.get_by_label("Range 4").click();
    window.get_by_label("Range 4").type_text("no_such=1..2");
    settle(&mut window);
    window.get_by_label_contains("There is no setting 'no_such'");
    click(&mut window, "Remove range 4");
    assert!(window.query_by_label_contains("There is no setting").is_none());
}

#[test]
fn a_study_that_was_stopped_goes_on_where_it_was() {
    let (mut window, _folder) = studies();
    let mut training = hone(&mut window).project().training.clone();
    training.epochs = 5;
    training.early_stopping = None;
    hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
    settle(&mut window);
    let plan = StudyPlan::CrossValidation { folds: 2 };
    hone(&mut window).run_command(AppCommand::Studies(StudiesCommand::Begin(plan)));
    let begun = Instant::now();
    loop {
        window.step();
        let live = hone(&mut window).state.work.answers.live_study.as_ref().unwrap();
        if !live.run.evaluations.is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "no evaluation within two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
    picture("studies-running", &mut window);
    assert!(window.get_by_label("Cross-validate").accesskit_node().is_disabled(), "one at a time");
    window.get_by_label("Stop the study").click();
    settle(&mut window);
    let study = newest(&mut window);
    assert_eq!((study.state, study.done().count()), (StudyState::Interrupted, 0));
    let run = study.trials[0].run.id();
    // A study keeps the settings that it began with.
    let before = StudyFolder::find(study.folder.project_folder(), None).unwrap().read_settings().unwrap();
    assert_eq!(before.project.training.epochs, 5);
    click(&mut window, "Go on with it");
    let study = newest(&mut window);
    assert_eq!((study.state, study.done().count()), (StudyState::Finished, 2));
    assert_eq!(study.trials[0].run.id(), run, "the same run went on");
}
