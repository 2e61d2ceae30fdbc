//! Runs in the window, with real runs of the sample project.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;

use crate::app::commands::UserCommand;
use crate::app::messages::{AppCommand, Edit};
use crate::app::testing::{Window, app, app_on, hone, picture, settle, told};
use crate::app::view::View;
use crate::project::{ModelChoice, Step};
use crate::storage::{RunFolder, StopRequest, ThemeChoice};

/// The sample project with this many runs of growing length, on the page of runs.
pub(super) fn with_runs(runs: u32) -> (Window, tempfile::TempDir) {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
    for run in 0..runs {
        let mut training = hone(&mut window).project().training.clone();
        (training.epochs, training.max_length) = (run + 1, 32);
        training.optimizer.learning_rate = 1e-3 * f64::from(run + 1);
        hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
        settle(&mut window);
        hone(&mut window).run_command(AppCommand::User(UserCommand::Train));
        settle(&mut window);
    }
    hone(&mut window).run_command(AppCommand::User(UserCommand::Runs));
    settle(&mut window);
    (window, folder)
}

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).scroll_to_me();
    settle(window);
    window.get_by_label(name).click();
    settle(window);
}

fn project(window: &mut Window) -> std::path::PathBuf {
    hone(window).state.session.as_ref().unwrap().folder().to_owned()
}

#[test]
fn runs_are_listed_starred_named_deleted_and_restored() {
    let (mut window, _folder) = with_runs(2);
    picture("runs-two", &mut window);
    let project = project(&mut window);
    let newest = || RunFolder::list(&project).unwrap().remove(0);
    click(&mut window, "Star run 2");
    assert!(newest().notes.star);
    window.get_by_role_and_label(Role::TextInput, "Name of the run").click();
    window.get_by_role_and_label(Role::TextInput, "Name of the run").type_text("two epochs");
    settle(&mut window);
    window.key_press(egui::Key::Enter);
    settle(&mut window);
    assert_eq!(newest().notes.name, "two epochs");

    let shown = hone(&mut window).state.work.answers.results.value.as_ref().unwrap().summary.run.clone();
    assert_eq!(shown, newest().folder.id());
    click(&mut window, "Delete");
    assert_eq!(told(&mut window), "Moved 1 run to the bin");
    assert_eq!(newest().number, 1);
    let shown = hone(&mut window).state.work.answers.results.value.as_ref().unwrap().summary.run.clone();
    assert_eq!(shown, newest().folder.id(), "a deleted run is no longer shown");
    click(&mut window, "Show the bin");
    picture("runs-bin", &mut window);
    click(&mut window, "Restore");
    assert_eq!((newest().number, newest().notes.name.as_str()), (2, "two epochs"));
}

#[test]
fn the_bin_is_emptied_only_after_a_question() {
    let (mut window, _folder) = with_runs(1);
    let project = project(&mut window);
    click(&mut window, "Delete");
    assert!(RunFolder::list(&project).unwrap().is_empty());
    assert!(hone(&mut window).state.work.answers.results.value.is_none());
    click(&mut window, "Show the bin");
    click(&mut window, "Empty the bin…");
    window.get_by_label("Delete 1 run for good?");
    click(&mut window, "Cancel");
    assert_eq!(RunFolder::list_bin(&project).unwrap().len(), 1);
    click(&mut window, "Empty the bin…");
    click(&mut window, "Delete 1 run");
    assert!(RunFolder::list_bin(&project).unwrap().is_empty());
    window.get_by_label("No runs yet");
}

#[test]
fn ticked_runs_are_compared_and_their_rows_opened_in_review() {
    let (mut window, _folder) = with_runs(3);
    click(&mut window, "Tick run 1");
    window.get_by_label("Tick another run to compare it with");
    click(&mut window, "Tick run 3");
    click(&mut window, "Compare 2 runs");
    picture("compare-two", &mut window);
    window.get_by_label_contains("Run 3 against Run 1");
    window.get_by_label("Learning rate");
    let compared = hone(&mut window).state.work.answers.compared.value.clone().unwrap();
    assert_eq!(compared.runs.iter().map(|run| run.listing.number).collect::<Vec<_>>(), [1, 3]);
    let crate::worker::PairedDifference::Classes(difference) = compared.differences[0].clone().unwrap() else {
        panic!("they are classifiers")
    };
    assert!(!difference.fixed.is_empty(), "the first run has learned next to nothing");
    let title = format!("{} fixed by run 3", crate::words::counted(difference.fixed.len(), "row", "rows"));
    click(&mut window, &title);
    click(&mut window, "Review them as mistakes of run 1");
    assert_eq!(hone(&mut window).state.view, View::Step(Step::Review));
    window.get_by_label_contains("chosen in Runs");
    let shown = hone(&mut window).state.work.answers.results.value.as_ref().unwrap().summary.run.clone();
    assert_eq!(shown, compared.runs[0].listing.folder.id(), "the run that has them wrong");
    click(&mut window, "Show all mistakes");
    assert!(window.query_by_label_contains("chosen in Runs").is_none());
    hone(&mut window).run_command(AppCommand::User(UserCommand::Runs));
    settle(&mut window);
    click(&mut window, "All runs");
    window.get_by_label("Tick run 2");
}

#[test]
fn a_run_of_another_process_appears_by_itself() {
    let (mut window, _folder) = with_runs(1);
    let project = project(&mut window);
    let (run, training) = RunFolder::create(&project).unwrap();
    run.write_status(&crate::storage::RunStatus::Running).unwrap();
    let begun = std::time::Instant::now();
    while window.query_by_label("Tick run 2").is_none() {
        assert!(begun.elapsed().as_secs() < 20, "it did not appear");
        std::thread::sleep(std::time::Duration::from_millis(50));
        window.step();
    }
    assert!(window.query_all_by_label_contains("Getting ready").next().is_some());
    drop(training);
}

#[test]
fn a_run_in_the_background_is_told_of_and_can_be_stopped() {
    let (mut first, _folder) = with_runs(1);
    let project = project(&mut first);
    drop(first);
    let (run, training) = RunFolder::create(&project).unwrap();
    run.write_status(&crate::storage::RunStatus::Running).unwrap();
    let mut window = app_on(Some(project), ThemeChoice::Dark, 1.0);
    settle(&mut window);
    assert_eq!(told(&mut window), "Run 2 is training in another process");
    hone(&mut window).run_command(AppCommand::User(UserCommand::Runs));
    settle(&mut window);
    picture("runs-background", &mut window);
    click(&mut window, "Stop and keep the best");
    assert_eq!(told(&mut window), "The run was asked to stop");
    assert!(StopRequest::of(run.path()).is_there());
    drop(training);
}

#[test]
fn weights_are_freed_after_they_were_listed_and_the_run_says_so() {
    let (mut window, _folder) = with_runs(3);
    let listed = hone(&mut window).state.work.answers.runs.value.clone().unwrap();
    assert!(!listed.freeable.is_empty());
    let size = crate::words::bytes(listed.freeable_bytes());
    click(&mut window, &format!("Free {size}…"));
    picture("runs-free", &mut window);
    window.get_by_label_contains(&format!("Run {}: weights", listed.freeable[0].number));
    click(&mut window, &format!("Free {size}"));
    assert!(told(&mut window).starts_with(&format!("Freed {size} of run ")));
    assert!(listed.freeable[0].run.has_freed_weights());
    hone(&mut window).run_command(AppCommand::LoadRun(listed.freeable[0].run.path().to_owned()));
    hone(&mut window).run_command(AppCommand::GoTo(Step::Evaluate));
    settle(&mut window);
    window.get_by_label("Weights freed");
}
