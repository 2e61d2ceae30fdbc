//! Tests of the start page, the footer, and what a person left behind.

use std::path::{Path, PathBuf};

use egui::Role;
use egui_kittest::kittest::{NodeT, Queryable};

use crate::app::app::Start;
use crate::app::commands::UserCommand;
use crate::app::messages::{AppCommand, Edit};
use crate::app::testing::{Window, app, app_from, drop_file, hone, picture, results, settle, told};
use crate::app::view::View;
use crate::project::{CleaningSettings, Step};
use crate::storage::{AppSettings, ProjectFile, ThemeChoice};

/// The program, started without a project named, by a person with these recent projects. New projects go to `projects`.
fn started(projects: &Path, recent: &[PathBuf], open: Option<PathBuf>, scale: f32) -> Window {
    let settings = AppSettings { theme: ThemeChoice::Light, recent: recent.to_vec(), open, ..AppSettings::default() };
    let start = Start { projects: projects.to_owned(), settings, ..Start::default() };
    let mut window = app_from(start, scale);
    settle(&mut window);
    window
}

/// Two projects: the sample, and one of the same data.
fn two_projects(folder: &Path) -> [PathBuf; 2] {
    let sample = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("projects/customer-reviews");
    ["shop", "tickets"].map(|name| {
        let place = folder.join(name);
        std::fs::create_dir(&place).unwrap();
        for file in ["project.ron", "reviews.csv"] {
            std::fs::copy(sample.join(file), place.join(file)).unwrap();
        }
        place
    })
}

fn view(window: &mut Window) -> View {
    hone(window).state.view
}

fn click(window: &mut Window, label: &str) {
    window.get_by_role_and_label(Role::Button, label).click();
    settle(window);
}

#[test]
fn the_program_starts_with_a_page_that_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    for (scale, name) in [(1.0, "start"), (2.0, "start-2")] {
        let mut window = started(folder.path(), &[], None, scale);
        assert!(hone(&mut window).state.session.is_none());
        for label in ["Open data…", "Open project…", "Open sample project"] {
            window.get_by_role_and_label(Role::Button, label);
        }
        assert!(window.query_by_label("Recent projects").is_none());
        window.check_accessibility();
        picture(name, &mut window);
    }
}

#[test]
fn recent_projects_are_cards_with_name_task_and_result_and_open_with_a_click() {
    let folder = tempfile::tempdir().unwrap();
    let projects = two_projects(folder.path());
    let recent = [&projects[..], &[folder.path().join("gone")]].concat();
    let mut window = started(folder.path(), &recent, None, 1.0);
    picture("start-recent", &mut window);
    let [data, project] = ["Your data", "A project"].map(|title| window.get_by_label(title).rect().left());
    let cards = window.get_all_by_label_contains("Customer reviews (sample), Classify texts, Not trained yet");
    let cards: Vec<f32> = cards.map(|card| card.rect().left()).collect();
    assert_eq!(cards.len(), 2, "the one that is gone is not shown");
    assert!((cards[1] - cards[0] - (project - data)).abs() < 1.0, "they line up with the ways to begin");
    let card = window.get_all_by_label_contains(", Classify texts, Not trained yet").next();
    card.unwrap().click();
    settle(&mut window);
    assert_eq!(hone(&mut window).state.session.as_ref().unwrap().folder(), projects[0]);
    hone(&mut window).run_command(AppCommand::User(UserCommand::StartPage));
    settle(&mut window);
    window.get_by_label("Welcome to Hone");
    assert!(!ProjectFile::is_open(&projects[0]), "closing a project lets another window open it");
}

#[test]
fn a_file_dropped_on_the_start_page_begins_a_project_that_saves_itself() {
    let folder = tempfile::tempdir().unwrap();
    let data = two_projects(folder.path())[0].join("reviews.csv");
    let home = folder.path().join("documents/Hone");
    let mut window = started(&home, &[], None, 1.0);
    for place in ["reviews", "reviews 2"] {
        drop_file(&mut window, data.clone());
        settle(&mut window);
        assert_eq!(view(&mut window), View::Step(Step::Data));
        assert_eq!(hone(&mut window).project().dataset.text_column(), Some("review"));
        hone(&mut window).run_command(AppCommand::User(UserCommand::StartPage));
        settle(&mut window);
        let saved = ProjectFile::read(&home.join(place)).unwrap().1;
        assert_eq!((saved.name.as_str(), saved.dataset.main), ("reviews", Some(data.clone())));
    }
}

#[test]
fn a_project_left_open_by_a_crash_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let [shop, tickets] = two_projects(folder.path());
    let mut window = started(folder.path(), &[], Some(shop.clone()), 1.0);
    assert_eq!(told(&mut window), "Your project is back");
    assert_eq!(hone(&mut window).state.settings.open, Some(shop.clone()));
    let mut second = started(folder.path(), &[], Some(shop), 1.0);
    assert!(hone(&mut second).state.session.is_none(), "it is open in the other window");
    hone(&mut window).run_command(AppCommand::OpenProject(tickets));
    hone(&mut window).run_command(AppCommand::User(UserCommand::Quit));
    assert_eq!(hone(&mut window).state.settings.open, None);
}

#[test]
fn a_tick_says_that_a_person_looked_and_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let [shop, _] = two_projects(folder.path());
    let mut window = started(folder.path(), std::slice::from_ref(&shop), None, 1.0);
    hone(&mut window).run_command(AppCommand::OpenProject(shop.clone()));
    settle(&mut window);
    for label in ["Data, done", "Labels, ready", "Prepare, ready", "Model, ready"] {
        window.get_by_role_and_label(Role::Tab, label);
    }
    hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
    settle(&mut window);
    window.get_by_role_and_label(Role::Tab, "Labels, done");
    let cleaning = CleaningSettings { mask_urls: true, ..CleaningSettings::default() };
    hone(&mut window).run_command(AppCommand::Edit(Edit::Cleaning(cleaning)));
    settle(&mut window);
    window.get_by_role_and_label(Role::Tab, "Prepare, done");
    hone(&mut window).run_command(AppCommand::User(UserCommand::Quit));
    drop(window);

    let mut window = started(folder.path(), &[], Some(shop.clone()), 1.0);
    assert_eq!(view(&mut window), View::Step(Step::Labels), "the page is remembered");
    for label in ["Data, done", "Labels, done", "Prepare, done", "Model, ready"] {
        window.get_by_role_and_label(Role::Tab, label);
    }
    hone(&mut window).run_command(AppCommand::OpenData(shop.join("reviews.csv")));
    let other = folder.path().join("other.csv");
    std::fs::copy(shop.join("reviews.csv"), &other).unwrap();
    hone(&mut window).run_command(AppCommand::OpenData(other));
    settle(&mut window);
    window.get_by_role_and_label(Role::Tab, "Labels, ready");
}

#[test]
fn the_footer_leads_from_the_data_to_the_trained_model() {
    let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    for step in [Step::Labels, Step::Prepare, Step::Model, Step::Train] {
        click(&mut window, &format!("Continue to {}", step.title()));
        assert_eq!(view(&mut window), View::Step(step));
        picture(&format!("footer-{}", step.title().to_lowercase()), &mut window);
    }
    hone(&mut window).state.work.answers.results.value = Some(results());
    settle(&mut window);
    for step in [Step::Evaluate, Step::Review, Step::Export] {
        click(&mut window, &format!("Continue to {}", step.title()));
        assert_eq!(view(&mut window), View::Step(step));
    }
    click(&mut window, "Try the model");
    assert_eq!(view(&mut window), View::TryIt);
    hone(&mut window).run_command(AppCommand::GoTo(Step::Evaluate));
    settle(&mut window);
    let run = results();
    let wrong = run.test.iter().filter(|row| row.is_wrong()).count();
    window.get_by_role_and_label(Role::Button, &format!("{wrong} mistakes")).click();
    settle(&mut window);
    assert_eq!(view(&mut window), View::Step(Step::Review));
}

#[test]
fn the_footer_stays_in_sight_and_a_problem_there_leads_to_its_place() {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let table = folder.path().join("rows.csv");
    // The same text with different labels is a problem.
    let rows: Vec<String> = (0..60)
        .flat_map(|row| {
            let text = format!("text number {row} about the parcel of customer {row}");
            [format!("{text},good"), format!("{text},{}", if row < 8 { "bad" } else { "good" })]
        })
        .chain((0..30).map(|row| format!("a complaint about order {row} that never came,bad")))
        .collect();
    std::fs::write(&table, format!("text,label\n{}\n", rows.join("\n"))).unwrap();
    hone(&mut window).run_command(AppCommand::OpenData(table));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::GoTo(Step::Labels));
    window.set_size(egui::vec2(1024.0, 640.0));
    settle(&mut window);
    let at = |window: &Window| window.get_by_label("Continue to Prepare").rect();
    let place = at(&window);
    assert!(window.ctx.content_rect().contains_rect(place));
    let heading = |window: &Window| window.get_by_label("Findings").rect().top();
    let before = heading(&window);
    {
        let mut buttons = window.get_all_by_role(Role::Button);
        let is_problem = |label: Option<String>| label.is_some_and(|label| label.contains(" problem"));
        buttons.rfind(|button| is_problem(button.accesskit_node().label())).unwrap().click();
    }
    settle(&mut window);
    window.run_steps(30);
    picture("footer-problem", &mut window);
    assert!(heading(&window) < before && heading(&window) > 0.0, "{} after {before}", heading(&window));
    assert_eq!(at(&window), place, "the footer does not scroll");
}

#[test]
fn earlier_versions_are_listed_and_restored() {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::User(UserCommand::KeepVersion));
    let cleaning = CleaningSettings { mask_urls: true, ..CleaningSettings::default() };
    hone(&mut window).run_command(AppCommand::Edit(Edit::Cleaning(cleaning.clone())));
    hone(&mut window).run_command(AppCommand::User(UserCommand::KeepVersion));
    hone(&mut window).run_command(AppCommand::User(UserCommand::Versions));
    settle(&mut window);
    window.get_by_label("Mask urls: off → on");
    window.get_by_label("The oldest version kept");
    picture("versions", &mut window);
    window.get_all_by_label("Restore").next_back().unwrap().click();
    settle(&mut window);
    assert_ne!(hone(&mut window).project().cleaning, cleaning);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Undo));
    assert_eq!(hone(&mut window).project().cleaning, cleaning);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Quit));
    let saved = ProjectFile::read(&folder.path().join("customer-reviews")).unwrap().1;
    assert_eq!(saved.cleaning, cleaning);
}

#[test]
fn a_project_is_renamed_and_listed_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let [shop, _] = two_projects(folder.path());
    let mut window = started(folder.path(), &[shop], None, 1.0);
    window.get_by_label_contains(", Classify texts, Not trained yet").click();
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Rename));
    settle(&mut window);
    picture("rename", &mut window);
    // The old name is selected.
    window.event(egui::Event::Text("Reviews of spring".to_owned()));
    settle(&mut window);
    click(&mut window, "Rename");
    assert_eq!(hone(&mut window).project().name, "Reviews of spring");
    assert!(hone(&mut window).title.starts_with("Reviews of spring"));
    hone(&mut window).run_command(AppCommand::User(UserCommand::StartPage));
    settle(&mut window);
    window.get_by_label_contains("Reviews of spring, ");
}
