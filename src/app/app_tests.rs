//! Tests of the whole window.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use crate::app::messages::{AppCommand, Edit};
use crate::app::shell::{Dialog, Leaving};
use crate::app::testing::{Window, app, hone, picture, press, results, settle, told};
use crate::app::view::View;
use crate::project::{CleaningSettings, Step};
use crate::storage::ThemeChoice;

#[test]
fn the_sample_project_opens_ready_to_train() {
    for (name, theme) in [("light", ThemeChoice::Light), ("dark", ThemeChoice::Dark)] {
        let (mut window, _folder) = app(theme, 2.0);
        settle(&mut window);
        window.get_by_label("Data, done");
        window.get_by_label("Prepare, ready");
        for step in Step::ALL {
            let row = window.get_all_by_role(egui::Role::Tab).nth(step as usize).unwrap();
            row.click();
            settle(&mut window);
            window.check_accessibility();
            let tall = matches!(step, Step::Data | Step::Labels | Step::Prepare) && theme == ThemeChoice::Light;
            picture(&format!("step-{}-{}-{name}", step as usize + 1, step.title().to_lowercase()), &mut window);
            if tall {
                window.set_size(egui::vec2(1280.0, 1700.0));
                settle(&mut window);
                picture(&format!("tall-{}", step.title().to_lowercase()), &mut window);
                window.set_size(egui::vec2(1280.0, 800.0));
            }
        }
    }
}

/// Controls and texts that extend beyond the right edge of the window.
fn cut_off(window: &Window) -> Vec<String> {
    use egui::Role;
    use egui_kittest::kittest::NodeT;
    let controls = [
        Role::Button,
        Role::CheckBox,
        Role::ComboBox,
        Role::TextInput,
        Role::RadioButton,
        Role::SpinButton,
        Role::Label,
    ];
    let right = window.ctx.content_rect().right();
    let nodes = window.root().children_recursive();
    nodes
        .filter(|node| controls.contains(&node.accesskit_node().role()) && node.rect().right() > right)
        .map(|node| format!("{:?} {:?} at {:?}", node.accesskit_node().label(), node.value(), node.rect()))
        .collect()
}

#[test]
fn everything_fits_at_twice_and_at_four_fifths_the_size() {
    // The dark theme differs only in its colours, so only pictures need it.
    let themes: &[_] = match std::env::var_os("HONE_PICTURES") {
        Some(_) => &[ThemeChoice::Light, ThemeChoice::Dark],
        None => &[ThemeChoice::Light],
    };
    for &theme in themes {
        let (mut window, _folder) = app(theme, 1.0);
        settle(&mut window);
        hone(&mut window).state.work.answers.results.value = Some(results());
        if let Some(table) = std::env::var_os("HONE_PICTURES_TABLE") {
            hone(&mut window).run_command(AppCommand::OpenData(table.into()));
            settle(&mut window);
        }
        for zoom in [0.8, 1.0, 2.0] {
            hone(&mut window).state.settings.zoom = zoom;
            hone(&mut window).apply_settings();
            for view in View::ALL {
                hone(&mut window).state.view = view;
                settle(&mut window);
                let name = format!("{theme:?}-{zoom}-{view:?}").to_lowercase();
                picture(&name.replace(['(', ')'], ""), &mut window);
                let cut = cut_off(&window);
                if zoom > 1.5 {
                    window.set_size(egui::vec2(640.0, 1600.0));
                    settle(&mut window);
                    picture(&format!("tall-{name}").replace(['(', ')'], ""), &mut window);
                    window.set_size(egui::vec2(640.0, 400.0));
                }
                // The table of the file scrolls sideways.
                assert!(cut.is_empty() || view == View::Step(Step::Data), "{view:?} at {zoom}: {cut:#?}");
            }
        }
    }
}

#[test]
fn dialogs_fit_at_twice_the_size() {
    let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    hone(&mut window).state.settings.zoom = 2.0;
    hone(&mut window).apply_settings();
    for dialog in [
        Dialog::new_project(std::path::Path::new("/home/someone/documents")),
        Dialog::Rename { name: "Reviews".to_owned() },
        Dialog::Duplicate { folder: String::new(), error: Some("There is a project already".to_owned()) },
        Dialog::Unsaved { leaving: Leaving::Quit, why: "The disk is full".to_owned() },
        Dialog::Versions(Vec::new()),
        Dialog::Training(Leaving::Quit),
        Dialog::Study(Leaving::Quit),
        Dialog::Shortcuts,
        Dialog::About,
        Dialog::Notifications,
    ] {
        let name = format!("{dialog:?}").to_lowercase();
        hone(&mut window).dialog = Some(dialog);
        settle(&mut window);
        picture(&format!("dialog-{}", name.split([' ', '(']).next().unwrap()), &mut window);
        let inside = window.ctx.content_rect();
        let buttons: Vec<_> = ["Close", "Cancel", "Continue training", "Continue the study"]
            .into_iter()
            .filter_map(|name| window.query_by_role_and_label(egui::Role::Button, name))
            .map(|button| button.rect())
            .collect();
        assert!(!buttons.is_empty() && buttons.iter().all(|rect| inside.contains_rect(*rect)), "{name} {buttons:?}");
    }
}

#[test]
fn every_part_of_the_shell_answers_the_keyboard() {
    let (mut window, _folder) = app(ThemeChoice::Dark, 2.0);
    settle(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::Num3);
    assert_eq!(hone(&mut window).state.view, View::Step(Step::Prepare));
    press(&mut window, Modifiers::COMMAND, Key::PageUp);
    assert_eq!(hone(&mut window).state.view, View::Step(Step::Labels));
    press(&mut window, Modifiers::COMMAND, Key::K);
    window.get_by_label("Search everything").type_text("go to mod");
    settle(&mut window);
    picture("palette", &mut window);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(hone(&mut window).state.view, View::Step(Step::Model));
    press(&mut window, Modifiers::COMMAND, Key::Slash);
    assert!(window.query_by_label_contains("Everywhere: Tab").is_some());
    picture("shortcuts", &mut window);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label_contains("Everywhere: Tab").is_none());
    window.get_by_label("File").click();
    settle(&mut window);
    picture("menu", &mut window);
}

#[test]
fn undo_says_what_it_undid_and_shows_where() {
    let (mut window, folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    let off = CleaningSettings { strip_html: false, ..CleaningSettings::default() };
    hone(&mut window).run_command(AppCommand::Edit(Edit::Cleaning(off.clone())));
    let mut training = hone(&mut window).project().training.clone();
    training.epochs += 1;
    hone(&mut window).run_command(AppCommand::Edit(Edit::Training(training)));
    settle(&mut window);
    for (label, page) in [("Undid: training settings", Step::Model), ("Undid: cleaning", Step::Prepare)] {
        press(&mut window, Modifiers::COMMAND, Key::Z);
        assert_eq!(told(&mut window), label);
        assert_eq!(hone(&mut window).state.view, View::Step(page));
    }
    assert_eq!(hone(&mut window).notices.len(), 1, "one notice for all steps of undoing");
    hone(&mut window).state.view = View::Step(Step::Train);
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(told(&mut window), "Redid: cleaning");
    assert_eq!(hone(&mut window).state.view, View::Step(Step::Prepare));
    assert_eq!(hone(&mut window).project().cleaning, off);
    hone(&mut window).autosave(std::time::Instant::now() + std::time::Duration::from_secs(5));
    let saved = crate::storage::ProjectFile::read(&folder.path().join("customer-reviews")).unwrap().1;
    assert_eq!(saved.cleaning, off);
}

mod needs_renderer {
    use super::*;
    use crate::app::testing::snapshot_app;

    fn looks_as_accepted(name: &str, theme: ThemeChoice, step: Step) {
        let (mut window, _folder) = app(theme, 1.0);
        settle(&mut window);
        hone(&mut window).state.view = View::Step(step);
        settle(&mut window);
        snapshot_app(name, &mut window);
    }

    #[test]
    #[ignore = "needs a renderer (Debian package mesa-vulkan-drivers)"]
    fn the_labels_step_looks_like_its_accepted_picture() {
        looks_as_accepted("labels-dark", ThemeChoice::Dark, Step::Labels);
    }

    #[test]
    #[ignore = "needs a renderer (Debian package mesa-vulkan-drivers)"]
    fn the_prepare_step_looks_like_its_accepted_picture() {
        looks_as_accepted("prepare-light", ThemeChoice::Light, Step::Prepare);
    }
}
