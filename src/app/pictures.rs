//! Pictures of every page with real data, to look at: `HONE_PICTURES=FOLDER cargo nextest run --run-ignored only pictures_of_every_page`.
//!
//! `HONE_PICTURES_TABLE=/path/to/table.csv` shows another table than the sample project, and `HONE_PICTURES_PROJECT=FOLDER` a
//! project with the runs it has. `HONE_PICTURES_SIZE=1024x640,1920x1080` draws windows of these many pixels.
//! `pictures_of_what_opens` draws in the same way the start page, dialogs, menus and how a run goes and ends.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT, Queryable};

use crate::app::commands::UserCommand;
use crate::app::live_run::LiveRun;
use crate::app::messages::{AppCommand, Edit, Pick};
use crate::app::runs_command::{NoteChange, RunsCommand};
use crate::app::runs_tests::with_runs;
use crate::app::shell::{Dialog, Discarding, Leaving, ModelUse};
use crate::app::studies_tests::with_studies;
use crate::app::testing::{Window, app, hone, picture, press, settle};
use crate::fetch::Catalogue;
use crate::project::{EvaluateEvery, ModelChoice, Step};
use crate::storage::ThemeChoice;
use crate::worker::RunChange;

/// Size of the window in pixels, unless others are wanted.
const SIZE: &str = "1280x800";

/// The app on the sample project or the table named, with a model trained on it.
pub(super) fn trained() -> (Window, tempfile::TempDir) {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    if let Some(project) = std::env::var_os("HONE_PICTURES_PROJECT").map(PathBuf::from) {
        hone(&mut window).run_command(AppCommand::OpenProject(project));
        settle(&mut window);
        return (window, folder);
    }
    if let Some(table) = std::env::var_os("HONE_PICTURES_TABLE").map(PathBuf::from) {
        hone(&mut window).run_command(AppCommand::OpenData(table));
        settle(&mut window);
    }
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
    let mut training = hone(&mut window).project().training.clone();
    (training.epochs, training.max_length) = (2, 32);
    hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
    settle(&mut window);
    hone(&mut window).run_command(AppCommand::User(UserCommand::Train));
    for _ in 0..6000 {
        window.step();
        if !hone(&mut window).state.work.answers.is_training() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    settle(&mut window);
    (window, folder)
}

/// How the window looks in a picture.
#[derive(Clone, Copy)]
struct Look {
    theme: ThemeChoice,
    zoom: f32,
    /// Size of the window in points.
    size: [f32; 2],
}

impl Look {
    /// Every one to draw.
    fn all() -> Vec<Self> {
        let sizes = std::env::var("HONE_PICTURES_SIZE").unwrap_or_else(|_| SIZE.to_owned());
        let mut looks = Vec::new();
        for size in sizes.split(',') {
            let (width, height) = size.split_once('x').unwrap();
            let pixels = [width, height].map(|side| side.parse::<f32>().unwrap());
            for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
                looks.extend([1.0, 2.0].map(|zoom| Self { theme, zoom, size: pixels.map(|side| side / zoom) }));
            }
        }
        looks
    }

    fn wear(self, window: &mut Window) {
        let app = hone(window);
        (app.state.settings.theme, app.state.settings.zoom) = (self.theme, self.zoom);
        app.apply_settings();
        self.resize(window, self.size[1]);
    }

    /// Gives the window this height in points.
    fn resize(self, window: &mut Window, height: f32) {
        window.set_size(egui::vec2(self.size[0], height));
        settle(window);
    }

    /// The end of a picture's name.
    fn name(self) -> String {
        let theme = if self.theme == ThemeChoice::Dark { "dark" } else { "light" };
        let [width, height] = self.size.map(|side| side * self.zoom);
        format!("{width}x{height}-{theme}-{}", self.zoom)
    }
}

fn make_pictures() {
    let (mut window, _folder) = trained();
    open_evaluation(&mut window);
    open_curves(&mut window);
    for look in Look::all() {
        look.wear(&mut window);
        let name = look.name();
        for &step in hone(&mut window).project().task.steps() {
            hone(&mut window).run_command(AppCommand::GoTo(step));
            look.resize(&mut window, look.size[1]);
            picture(&format!("{}-{name}", step.title()), &mut window);
            look.resize(&mut window, 2600.0);
            picture(&format!("{}-{name}-whole", step.title()), &mut window);
        }
        selected_rows(&mut window, &name, look.size);
        hone(&mut window).run_command(AppCommand::User(UserCommand::TryIt));
        look.resize(&mut window, look.size[1]);
        picture(&format!("Try-{name}"), &mut window);
    }
    picture_opened_parts(&mut window);
}

/// What a person opens on Evaluate: the slices, and all metrics and curves.
fn open_evaluation(window: &mut Window) {
    if hone(window).project().classification().is_none() {
        return;
    }
    hone(window).run_command(AppCommand::GoTo(Step::Evaluate));
    hone(window).run_command(AppCommand::CompareSlices);
    window.set_size(egui::vec2(1280.0, 3200.0));
    settle(window);
    window.get_by_label("All metrics, curves and calibration").click();
    settle(window);
}

/// What a person opens on Train: the curves of interest to those who tune the optimizer.
fn open_curves(window: &mut Window) {
    hone(window).run_command(AppCommand::GoTo(Step::Train));
    window.set_size(egui::vec2(1280.0, 3200.0));
    settle(window);
    window.get_by_label("More curves").click();
    settle(window);
}

/// What a person opens on Model and Export: the advanced settings, all ways to train with their measured time and memory, and
/// Python code.
fn picture_opened_parts(window: &mut Window) {
    let mut parts = vec![(Step::Model, "Advanced settings"), (Step::Export, "Python")];
    if hone(window).project().classification().is_some() {
        parts.push((Step::Model, "Compare ways to train"));
    }
    for (step, button) in parts {
        hone(window).run_command(AppCommand::GoTo(step));
        window.set_size(egui::vec2(1280.0, 3200.0));
        settle(window);
        window.get_by_label(button).click();
        window.run_steps(3);
        while hone(window).state.work.answers.ways.is_running() {
            window.step();
            std::thread::sleep(Duration::from_millis(20));
        }
        settle(window);
    }
    for (look, step) in Look::all().into_iter().flat_map(|look| [Step::Model, Step::Export].map(|step| (look, step))) {
        look.wear(window);
        hone(window).run_command(AppCommand::GoTo(step));
        look.resize(window, 3200.0);
        picture(&format!("{}-{}-opened", step.title(), look.name()), window);
    }
}

/// Labels with one row selected, and with several, as the window shows them and whole.
fn selected_rows(window: &mut Window, name: &str, size: [f32; 2]) {
    hone(window).run_command(AppCommand::GoTo(Step::Labels));
    window.set_size(egui::vec2(size[0], 2600.0));
    settle(window);
    window.get_by_role_and_label(Role::Table, "Rows of the data").scroll_to_me();
    settle(window);
    // The first one is the header.
    window.get_all_by_role(Role::Row).nth(3).unwrap().click();
    settle(window);
    for selected in ["row", "rows"] {
        picture(&format!("Labels-{name}-{selected}-whole"), window);
        window.set_size(egui::vec2(size[0], size[1]));
        settle(window);
        window.get_by_role_and_label(Role::Table, "Rows of the data").scroll_to_me();
        settle(window);
        picture(&format!("Labels-{name}-{selected}"), window);
        window.set_size(egui::vec2(size[0], 2600.0));
        settle(window);
        press(window, Modifiers::SHIFT, Key::ArrowDown);
        press(window, Modifiers::SHIFT, Key::ArrowDown);
    }
    press(window, Modifiers::NONE, Key::Escape);
}

/// The dialogs that a person rarely sees.
fn dialogs() -> Vec<(&'static str, Dialog)> {
    let leaving = Leaving::Quit;
    let file = "tickets-of-november.csv".to_owned();
    vec![
        ("path", Dialog::TypePath { pick: Pick::NewData, path: String::new() }),
        ("predictions", Dialog::Predictions { file, next: Discarding::Leave(leaving.clone()) }),
        ("training", Dialog::Training(leaving.clone())),
        ("study", Dialog::Study(leaving.clone())),
        ("stopping", Dialog::Stopping(leaving.clone())),
        ("unsaved", Dialog::Unsaved { leaving, why: "No space left on device".to_owned() }),
        (
            "download",
            Dialog::Download {
                entry: Cow::Borrowed(&Catalogue::bundled().unwrap().entries()[0]),
                what: ModelUse::Train,
            },
        ),
    ]
}

/// Commands that open a dialog or a window.
const OPENING: [UserCommand; 10] = [
    UserCommand::New,
    UserCommand::Rename,
    UserCommand::Duplicate,
    UserCommand::Versions,
    UserCommand::Preferences,
    UserCommand::Shortcuts,
    UserCommand::About,
    UserCommand::Notifications,
    UserCommand::Palette,
    UserCommand::Help,
];

fn picture_what_opens(window: &mut Window, name: &str) {
    for command in OPENING {
        hone(window).run_command(AppCommand::User(command));
        settle(window);
        picture(&format!("{command:?}-{name}"), window);
        if command == UserCommand::Palette {
            window.get_by_role(Role::TextInput).type_text("label");
            settle(window);
            picture(&format!("Palette-search-{name}"), window);
        }
        press(window, Modifiers::NONE, Key::Escape);
        hone(window).dialog = None;
        settle(window);
    }
    for (kind, dialog) in dialogs() {
        hone(window).dialog = Some(dialog);
        settle(window);
        picture(&format!("dialog-{kind}-{name}"), window);
    }
    hone(window).dialog = None;
    settle(window);
}

/// Draws frames until the training run says so.
fn train_until(window: &mut Window, is_so: impl Fn(&LiveRun) -> bool) {
    for _ in 0..60_000 {
        window.step();
        if hone(window).state.work.answers.live.as_ref().is_some_and(&is_so) {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The Train page while a run goes on, is stopping, and was stopped; and Evaluate of the stopped run.
fn picture_stopped_run(window: &mut Window) {
    let mut training = hone(window).project().training.clone();
    (training.epochs, training.evaluate_every, training.early_stopping) = (1_000, EvaluateEvery::Steps(20), None);
    hone(window).run_command(AppCommand::Edit(Edit::Training(training)));
    settle(window);
    hone(window).run_command(AppCommand::User(UserCommand::Train));
    train_until(window, |live| !live.steps.is_empty());
    picture("run-begun", window);
    train_until(window, |live| live.evaluations.len() > 2);
    hone(window).run_command(AppCommand::User(UserCommand::PauseResume));
    window.run_steps(30);
    draw_looks(window, "run-paused", Window::run_steps);
    for _ in 0..2 {
        hone(window).run_command(AppCommand::User(UserCommand::Stop));
    }
    settle(window);
    for (step, name) in [(Step::Train, "run-stopped"), (Step::Evaluate, "run-stopped-evaluate")] {
        hone(window).run_command(AppCommand::GoTo(step));
        draw_looks(window, name, |window, _| settle(window));
    }
}

/// Draws the page in every look. `wait` lets it come to rest.
fn draw_looks(window: &mut Window, name: &str, wait: impl Fn(&mut Window, usize)) {
    for look in Look::all() {
        let app = hone(window);
        (app.state.settings.theme, app.state.settings.zoom) = (look.theme, look.zoom);
        app.apply_settings();
        window.set_size(egui::vec2(look.size[0], look.size[1]));
        wait(window, 20);
        picture(&format!("{name}-{}", look.name()), window);
    }
}

fn make_pictures_of_what_opens() {
    let (mut window, _folder) = trained();
    for look in Look::all() {
        look.wear(&mut window);
        picture_what_opens(&mut window, &look.name());
    }
    hone(&mut window).run_command(AppCommand::User(UserCommand::StartPage));
    settle(&mut window);
    draw_looks(&mut window, "start", |window, _| settle(window));
    for look in Look::all() {
        look.wear(&mut window);
        look.resize(&mut window, 1600.0);
        picture(&format!("start-{}-whole", look.name()), &mut window);
    }
    let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    hone(&mut window).run_command(AppCommand::Edit(Edit::Model(ModelChoice::Folder(model))));
    picture_stopped_run(&mut window);
}

/// Runs and Compare, of eight runs with names, tags and a star, one of them in the bin.
fn make_pictures_of_runs() {
    let (mut window, _folder) = with_runs(8);
    let listed = hone(&mut window).state.work.answers.runs.value.clone().unwrap();
    let folders: Vec<_> = listed.records.runs.iter().map(|run| run.listing.folder.clone()).collect();
    for (place, change) in [
        (0, NoteChange::Name("eight epochs, eight times the rate".to_owned())),
        (0, NoteChange::Tag("for the report".to_owned())),
        (2, NoteChange::Name("six epochs".to_owned())),
        (2, NoteChange::Star(true)),
        (7, NoteChange::Name("baseline".to_owned())),
        (7, NoteChange::Note("The smallest rate.\nIt learns next to nothing in one epoch.".to_owned())),
    ] {
        hone(&mut window).run_command(AppCommand::Runs(RunsCommand::Say(folders[place].clone(), change)));
        settle(&mut window);
    }
    picture_compared(&mut window, 8);
    let binned = RunChange::Delete(vec![folders[3].clone()]);
    hone(&mut window).run_command(AppCommand::Runs(RunsCommand::Change(binned)));
    settle(&mut window);
    hone(&mut window).notices = crate::app::shell::Notices::default();
    draw_whole(&mut window, "runs");
    press_label(&mut window, "Show the bin");
    draw_whole(&mut window, "runs-bin");
    press_label(&mut window, "Show the bin");
    let size = crate::words::bytes(hone(&mut window).state.work.answers.runs.value.as_ref().unwrap().freeable_bytes());
    press_label(&mut window, &format!("Free {size}…"));
    draw_whole(&mut window, "runs-free");
    press_label(&mut window, "Cancel");
    for run in ["Tick run 1", "Tick run 3", "Tick run 8"] {
        press_label(&mut window, run);
    }
    draw_whole(&mut window, "runs-ticked");
    press_label(&mut window, "Tick run 3");
    press_label(&mut window, "Compare 2 runs");
    let fixed = fixed_rows(&window);
    press_label(&mut window, &fixed);
    draw_whole(&mut window, "compare");
}

/// A comparison of all runs.
fn picture_compared(window: &mut Window, runs: usize) {
    for run in 1..=runs {
        press_label(window, &format!("Tick run {run}"));
    }
    press_label(window, &format!("Compare {runs} runs"));
    draw_whole(window, "compare-all");
    press_label(window, "All runs");
    press_label(window, "Untick all");
}

/// The title of the rows that the second of two compared runs fixed.
fn fixed_rows(window: &Window) -> String {
    let mut nodes = window.query_all_by_label_contains(" fixed by run ");
    nodes.find_map(|node| node.accesskit_node().label()).unwrap()
}

/// Clicks what has this name, in a window that shows the whole page.
fn press_label(window: &mut Window, name: &str) {
    window.set_size(egui::vec2(1280.0, 3200.0));
    settle(window);
    window.get_by_label(name).click();
    settle(window);
}

/// Draws the page in every look, as the window shows it and whole.
fn draw_whole(window: &mut Window, name: &str) {
    for look in Look::all() {
        look.wear(window);
        // The size is in points of the zoom before, at first.
        look.resize(window, look.size[1]);
        picture(&format!("{name}-{}", look.name()), window);
        look.resize(window, 2600.0);
        picture(&format!("{name}-{}-whole", look.name()), window);
    }
}

/// Studies, with one of each kind and the learning rates that were tried; and one that is chosen in the list.
fn make_pictures_of_studies() {
    let (mut window, _folder) = with_studies();
    hone(&mut window).notices = crate::app::shell::Notices::default();
    draw_looks(&mut window, "studies", |window, _| settle(window));
    for look in Look::all() {
        look.wear(&mut window);
        look.resize(&mut window, 2600.0);
        picture(&format!("studies-{}-whole", look.name()), &mut window);
    }
}

mod by_hand {
    #[test]
    #[ignore = "makes pictures to look at, and checks nothing"]
    fn pictures_of_studies() {
        super::make_pictures_of_studies();
    }

    #[test]
    #[ignore = "makes pictures to look at, and checks nothing"]
    fn pictures_of_runs() {
        super::make_pictures_of_runs();
    }

    #[test]
    #[ignore = "makes pictures to look at, and checks nothing"]
    fn pictures_of_every_page() {
        super::make_pictures();
    }

    #[test]
    #[ignore = "makes pictures to look at, and checks nothing"]
    fn pictures_of_what_opens() {
        super::make_pictures_of_what_opens();
    }
}
