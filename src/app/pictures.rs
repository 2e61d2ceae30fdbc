//! Pictures of every page with real data, to look at: `HONE_PICTURES=FOLDER cargo nextest run --run-ignored only pictures_of_every_page`.
//!
//! `HONE_PICTURES_TABLE=/path/to/table.csv` shows another table than the sample project, and `HONE_PICTURES_PROJECT=FOLDER` a
//! project with the runs it has. `HONE_PICTURES_SIZE=1920x1080` draws a window of this many points instead of the usual ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable;

use crate::app::commands::UserCommand;
use crate::app::messages::{AppCommand, Edit};
use crate::app::testing::{Window, app, hone, picture, press, settle};
use crate::project::{ModelChoice, Step};
use crate::storage::ThemeChoice;

/// Sizes of the text, each with the window's size in points that 1280 x 800 pixels then have.
const ZOOMS: [(f32, [f32; 2]); 2] = [(1.0, [1280.0, 800.0]), (2.0, [640.0, 400.0])];

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

/// The sizes of the text and the window to draw.
fn sizes() -> Vec<(f32, [f32; 2])> {
    let Ok(size) = std::env::var("HONE_PICTURES_SIZE") else { return ZOOMS.to_vec() };
    let (width, height) = size.split_once('x').unwrap();
    let points = [width, height].map(|side| side.parse().unwrap());
    vec![(1.0, points)]
}

fn make_pictures() {
    let (mut window, _folder) = trained();
    for (name, theme) in [("light", ThemeChoice::Light), ("dark", ThemeChoice::Dark)] {
        for (zoom, size) in sizes() {
            hone(&mut window).state.settings.theme = theme;
            hone(&mut window).state.settings.zoom = zoom;
            hone(&mut window).apply_settings();
            for &step in hone(&mut window).project().task.steps() {
                hone(&mut window).run_command(AppCommand::GoTo(step));
                window.set_size(egui::vec2(size[0], size[1]));
                settle(&mut window);
                picture(&format!("{}-{name}-{zoom}", step.title()), &mut window);
                window.set_size(egui::vec2(size[0], 2600.0));
                settle(&mut window);
                picture(&format!("{}-{name}-{zoom}-whole", step.title()), &mut window);
            }
            selected_rows(&mut window, &format!("{name}-{zoom}"), size);
            hone(&mut window).run_command(AppCommand::User(UserCommand::TryIt));
            window.set_size(egui::vec2(size[0], size[1]));
            settle(&mut window);
            picture(&format!("Try-{name}-{zoom}"), &mut window);
        }
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

mod by_hand {
    #[test]
    #[ignore = "makes pictures to look at, and checks nothing"]
    fn pictures_of_every_page() {
        super::make_pictures();
    }
}
