//! Tests of opening and closing projects.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::app::app::HoneApp;
use crate::app::commands::UserCommand;
use crate::app::help::{Chart, Topic};
use crate::app::messages::{AppCommand, Edit, Pick};
use crate::app::shell::{Dialog, Discarding, HelpWindow, Leaving, ModelUse};
use crate::app::testing::{Window, app, app_on, hone, picture, press, settle};
use crate::fetch::Catalogue;
use crate::project::{ModelChoice, Step, TaskKind};
use crate::storage::{ProjectFile, RunStatus, ThemeChoice};

pub(super) fn until(window: &mut Window, done: impl Fn(&HoneApp) -> bool) {
    let begun = Instant::now();
    while !done(hone(window)) {
        window.step();
        assert!(begun.elapsed() < Duration::from_mins(1), "waited a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn quitting_right_after_an_edit_saves_it_without_a_question() {
    let (mut window, folder) = app(ThemeChoice::Light, 2.0);
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::Edit(Edit::Name("Mine".to_owned())));
    hone(&mut window).leave(Leaving::Quit);
    settle(&mut window);
    assert!(hone(&mut window).dialog.is_none() && hone(&mut window).may_close);
    window.get_by_label("All changes saved");
    let saved = ProjectFile::read(&folder.path().join("customer-reviews")).unwrap().1;
    assert_eq!(saved.name, "Mine");
}

#[test]
fn changes_that_cannot_be_saved_are_not_lost_without_a_question() {
    let (mut first, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut first);
    let mut second = app_on(Some(folder.path().join("customer-reviews")), ThemeChoice::Light, 2.0);
    settle(&mut second);
    hone(&mut second).run_command(AppCommand::Edit(Edit::Name("Mine".to_owned())));
    settle(&mut second);
    hone(&mut second).run_command(AppCommand::User(UserCommand::StartPage));
    settle(&mut second);
    second.get_by_label("Your last changes can't be saved");
    picture("unsaved", &mut second);
    second.get_by_label("Save a copy…").click();
    settle(&mut second);
    picture("duplicate", &mut second);
    second.get_by_role_and_label(egui::Role::Button, "Duplicate").click();
    settle(&mut second);
    let copy = folder.path().join("Mine copy");
    assert_eq!(hone(&mut second).state.session.as_ref().unwrap().folder(), copy);
    assert_eq!(ProjectFile::read(&copy).unwrap().1.name, "Mine copy");
    hone(&mut second).run_command(AppCommand::User(UserCommand::StartPage));
    settle(&mut second);
    second.get_by_label("Welcome to Hone");
}

#[test]
fn a_run_is_stopped_before_its_project_closes() {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let mut training = hone(&mut window).project().training.clone();
    training.epochs = 1000;
    hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
    let model = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
    hone(&mut window).run_command(AppCommand::User(UserCommand::Train));
    until(&mut window, |app| app.state.work.answers.live.as_ref().is_some_and(|live| !live.steps.is_empty()));

    // The help about a chart leaves the buttons of the run free.
    hone(&mut window).run_command(AppCommand::GoTo(Step::Train));
    for [width, height] in [[1024.0, 640.0], [1280.0, 800.0], [1920.0, 1080.0]] {
        window.set_size(egui::vec2(width, height));
        hone(&mut window).help = HelpWindow::default();
        window.ctx.memory_mut(egui::Memory::reset_areas);
        window.run_steps(4);
        hone(&mut window).help.show(Some(Topic::Chart(Chart::ALL[0])));
        window.run_steps(4);
        picture(&format!("help-over-run-{width}"), &mut window);
        let help = window.get_by_role_and_label(egui::Role::Window, "Help").rect();
        for name in ["Pause", "Stop and keep the best"] {
            let button = window.get_by_label(name).rect();
            assert!(!help.intersects(button), "{name} at {button:?} is under the help at {help:?}");
        }
    }
    window.key_press(Key::Escape);
    window.run_steps(4);

    let ask = |window: &mut Window| {
        hone(window).leave(Leaving::Quit);
        window.run_steps(4);
        window.get_by_label("Quit while training is running?");
    };
    ask(&mut window);
    window.key_press(Key::Enter);
    window.run_steps(4);
    assert!(hone(&mut window).dialog.is_none() && hone(&mut window).state.work.answers.is_training());
    ask(&mut window);
    window.key_press(Key::Escape);
    window.run_steps(4);
    assert!(hone(&mut window).dialog.is_none() && hone(&mut window).state.work.answers.is_training());

    ask(&mut window);
    window.get_by_label("Stop and quit").click();
    until(&mut window, |app| app.may_close);
    assert!(!hone(&mut window).state.work.answers.is_training());
    let runs = crate::storage::RunFolder::list(&folder.path().join("customer-reviews")).unwrap();
    assert!(runs.iter().all(|run| !matches!(run.status, RunStatus::Running)), "no run is left unfinished");
}

/// A program that writes its arguments, each on a line, to the file that is returned too.
#[cfg(unix)]
pub(super) fn telling_program(folder: &Path) -> (PathBuf, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let (told, program) = (folder.join("told"), folder.join("program"));
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}.part'\nmv '{0}.part' '{0}'\n", told.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (program, told)
}

#[test]
#[cfg(unix)]
fn a_run_goes_on_in_the_background_when_its_project_closes() {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let (program, told) = telling_program(folder.path());
    let begin = |window: &mut Window| {
        let mut training = hone(window).project().training.clone();
        training.epochs = 1000;
        hone(window).run_command(AppCommand::Edit(Edit::Training(training)));
        let model = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        hone(window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
        hone(window).run_command(AppCommand::User(UserCommand::Train));
        until(window, |app| app.state.work.answers.live.as_ref().is_some_and(|live| !live.steps.is_empty()));
        hone(window).leave(Leaving::Quit);
        window.run_steps(4);
    };

    // Without the program, the window stays open and says why.
    begin(&mut window);
    picture("leaving-training", &mut window);
    hone(&mut window).program = folder.path().join("none");
    window.get_by_label("Run in the background").click();
    until(&mut window, |app| !app.state.work.answers.is_training());
    settle(&mut window);
    assert!(hone(&mut window).dialog.is_none() && !hone(&mut window).may_close);
    window.get_by_label_contains("Training could not continue in the background");
    window.get_by_label_contains("none could not be started: ");
    assert!(hone(&mut window).state.interrupted.is_some(), "it can be resumed");

    begin(&mut window);
    hone(&mut window).program = program;
    window.get_by_label("Run in the background").click();
    until(&mut window, |app| app.may_close);
    until(&mut window, |_| told.exists());
    let project = folder.path().join("customer-reviews");
    let run = crate::storage::RunFolder::find_interrupted(&project, None).unwrap();
    let expected = format!("train\n--resume\n--run\n{}\n--notify\n{}\n", run.id(), project.display());
    assert_eq!(std::fs::read_to_string(told).unwrap(), expected);
}

#[test]
fn enter_confirms_and_escape_cancels_every_dialog() {
    let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::Edit(Edit::Name("Mine".to_owned())));
    for dialog in [
        Dialog::Unsaved { leaving: Leaving::Quit, why: "The disk is full".to_owned() },
        Dialog::Training(Leaving::Quit),
        Dialog::Study(Leaving::Quit),
        Dialog::Predictions { file: "new.csv".to_owned(), next: Discarding::Leave(Leaving::Quit) },
        Dialog::Damaged { path: PathBuf::new(), message: String::new() },
        Dialog::new_project(&PathBuf::from("somewhere")),
        Dialog::Rename { name: "Reviews".to_owned() },
        Dialog::Versions(Vec::new()),
        Dialog::Duplicate { folder: "somewhere".to_owned(), error: None },
        Dialog::TypePath { pick: Pick::Project, path: "somewhere".to_owned() },
        Dialog::Download { entry: Cow::Borrowed(&Catalogue::bundled().unwrap().entries()[0]), what: ModelUse::Train },
        Dialog::Shortcuts,
        Dialog::About,
        Dialog::Notifications,
    ] {
        hone(&mut window).dialog = Some(dialog.clone());
        window.run_steps(3);
        assert!(window.ctx.memory(egui::Memory::focused).is_some(), "{dialog:?} has the focus");
        window.key_press(Key::Escape);
        window.run_steps(3);
        assert_eq!(hone(&mut window).dialog, None, "{dialog:?}");
    }
    assert!(!hone(&mut window).may_close);
    let unsaved = Dialog::Unsaved { leaving: Leaving::Quit, why: "The disk is full".to_owned() };
    hone(&mut window).dialog = Some(unsaved.clone());
    window.run_steps(3);
    window.key_press(Key::Tab);
    window.run_steps(3);
    window.key_press(Key::Tab);
    window.run_steps(3);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(hone(&mut window).dialog.is_none() && !hone(&mut window).may_close, "the third button is Cancel");
    hone(&mut window).dialog = Some(unsaved);
    window.run_steps(3);
    press(&mut window, Modifiers::NONE, Key::Enter);
    let dialog = hone(&mut window).dialog.clone();
    assert!(matches!(dialog, Some(Dialog::Duplicate { .. })), "the first saves a copy: {dialog:?}");
}

#[test]
fn enter_in_a_field_confirms_and_on_a_button_clicks_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _sample) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).dialog = Some(Dialog::new_project(folder.path()));
    window.run_steps(3);
    window.get_by_role_and_label(egui::Role::TextInput, "Name").type_text("Tickets");
    window.run_steps(3);
    window.get_by_label("Cancel").focus();
    window.run_steps(3);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(hone(&mut window).dialog.is_none() && !folder.path().join("Tickets").exists());
    hone(&mut window).dialog = Some(Dialog::new_project(folder.path()));
    window.run_steps(3);
    window.get_by_role_and_label(egui::Role::TextInput, "Name").type_text("Tickets");
    window.run_steps(3);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(folder.path().join("Tickets/project.ron").is_file());
}

#[test]
fn a_model_that_is_missing_is_downloaded_only_after_a_question() {
    for (theme, scale) in [(ThemeChoice::Light, 1.0), (ThemeChoice::Dark, 2.0)] {
        let (mut window, _folder) = app(theme, scale);
        settle(&mut window);
        let id = ModelChoice::Catalogue("minilm-l6".to_owned());
        hone(&mut window).run_command(AppCommand::Edit(Edit::Model(id)));
        settle(&mut window);
        for (command, button) in [
            (AppCommand::User(UserCommand::Train), "Download 87.3 MiB and train"),
            (AppCommand::DryRun, "Download 87.3 MiB and measure"),
        ] {
            hone(&mut window).state.model_folder = None;
            hone(&mut window).run_command(command);
            window.run_steps(3);
            window.get_by_label("Download MiniLM L6?");
            window.get_by_label(button);
            picture(&format!("download-{scale}"), &mut window);
            window.key_press(Key::Escape);
            window.run_steps(3);
            let answers = &hone(&mut window).state.work.answers;
            assert!(!answers.is_training() && !answers.forecast.is_running() && !answers.fetch.is_running());
        }
    }
}

#[test]
fn a_second_window_opens_the_project_read_only() {
    let (mut first, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut first);
    let mut second = app_on(Some(folder.path().join("customer-reviews")), ThemeChoice::Light, 2.0);
    settle(&mut second);
    second.get_by_label("Opened read-only");
    picture("second-window", &mut second);
    press(&mut second, Modifiers::COMMAND, Key::S);
    second.get_by_label("The version could not be saved");
}

#[test]
fn a_damaged_project_offers_its_last_good_state() {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::Edit(Edit::Name("Rescued".to_owned())));
    hone(&mut window).autosave(Instant::now() + Duration::from_secs(5));
    drop(window);
    let path = folder.path().join("customer-reviews");
    std::fs::write(path.join("project.ron"), "(name: \"half").unwrap();
    let mut window = app_on(Some(path.clone()), ThemeChoice::Light, 2.0);
    settle(&mut window);
    picture("damaged", &mut window);
    window.get_by_label("Restore the last good state").click();
    settle(&mut window);
    assert_eq!(hone(&mut window).project().name, "Rescued");
    hone(&mut window).leave(Leaving::Quit);
    assert!(hone(&mut window).may_close);
    assert_eq!(ProjectFile::read(&path).unwrap().1.name, "Rescued");
    assert!(path.join("project.damaged.ron").is_file());
}

#[test]
fn opening_a_folder_without_a_project_shows_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = app_on(Some(folder.path().to_owned()), ThemeChoice::Light, 2.0);
    settle(&mut window);
    window.get_by_label("The project could not be opened");
    window.get_by_label("Welcome to Hone");
    picture("welcome", &mut window);
}

#[test]
fn opening_a_folder_without_a_project_keeps_the_open_project_and_its_edits() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _sample) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::Edit(Edit::Name("Mine".to_owned())));
    hone(&mut window).leave(Leaving::Open(folder.path().to_owned()));
    assert!(hone(&mut window).dialog.is_none(), "nothing is asked, because no project closes");
    let session = hone(&mut window).state.session.as_ref().unwrap();
    assert_eq!((session.project().name.as_str(), session.is_dirty()), ("Mine", true));
    settle(&mut window);
    window.get_by_label("The project could not be opened");
}

#[test]
fn a_new_project_is_created_and_asks_for_data() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _sample) = app(ThemeChoice::Light, 2.0);
    settle(&mut window);
    let parent = folder.path().display().to_string();
    let task = TaskKind::TextClassification;
    hone(&mut window).dialog = Some(Dialog::New { task, name: "Tickets".to_owned(), parent, error: None });
    settle(&mut window);
    window.check_accessibility();
    picture("new-project", &mut window);
    window.get_by_label("Create").click();
    settle(&mut window);
    assert!(folder.path().join("Tickets/project.ron").is_file());
    window.get_by_label("Open a table of texts and labels");
    picture("empty-project", &mut window);
}

#[test]
fn a_new_project_asks_first_what_the_model_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _sample) = app(ThemeChoice::Light, 2.0);
    settle(&mut window);
    let mut dialog = Dialog::new_project(folder.path());
    if let Dialog::New { name, .. } = &mut dialog {
        *name = "Contracts".to_owned();
    }
    hone(&mut window).dialog = Some(dialog);
    settle(&mut window);
    window.get_by_label(TaskKind::LanguageModelling.title()).click();
    settle(&mut window);
    window.get_by_label("Create").click();
    settle(&mut window);
    let project = hone(&mut window).state.session.as_ref().unwrap().project().clone();
    assert_eq!(project.task.kind(), TaskKind::LanguageModelling);
    window.get_by_label("Open your texts");
    assert!(window.query_by_label_contains("Labels,").is_none(), "the rail has no steps for labels");

    let texts = folder.path().join("texts.csv");
    let rows: Vec<String> = (0..40).map(|row| format!("clause number {row} of the lease,2026-03-{row}")).collect();
    std::fs::write(&texts, format!("text,note\n{}\n", rows.join("\n"))).unwrap();
    hone(&mut window).run_command(crate::app::messages::AppCommand::OpenData(texts));
    settle(&mut window);
    assert!(window.query_all_by_label("Text column").next().is_some());
    assert!(window.query_all_by_label("Label column").next().is_none(), "there are no labels to choose");
    let prepared = hone(&mut window).prepared().unwrap();
    assert_eq!(prepared.warnings, [""; 0], "no test set is wanted, so none is missed");
}
