//! What a screen reader hears: every control of every page has a name, and every page is read as its snapshot says.

use std::fmt::Write;

use egui::Role;
use egui::accesskit::{Live, Toggled};
use egui_kittest::Node;
use egui_kittest::kittest::NodeT;
use regex::Regex;

use crate::app::messages::AppCommand;
use crate::app::testing::{Window, app, app_on, hone, results, settle};
use crate::app::view::View;
use crate::project::Step;
use crate::storage::ThemeChoice;

/// Parts that a person can act on.
const CONTROLS: [Role; 9] = [
    Role::Button,
    Role::CheckBox,
    Role::RadioButton,
    Role::ComboBox,
    Role::TextInput,
    Role::SpinButton,
    Role::Slider,
    Role::Tab,
    Role::MenuItem,
];

#[test]
fn every_control_of_every_page_has_a_name() {
    let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    for step in Step::ALL {
        hone(&mut window).run_command(AppCommand::GoTo(step));
        settle(&mut window);
        let nameless: Vec<_> = window
            .root()
            .children_recursive()
            .filter(|node| CONTROLS.contains(&node.accesskit_node().role()))
            .filter(|node| node.accesskit_node().label().is_none_or(|name| !name.chars().any(char::is_alphanumeric)))
            .map(|node| format!("{:?} at {:?}", node.accesskit_node().role(), node.rect()))
            .collect();
        assert!(nameless.is_empty(), "{step:?}: {nameless:#?}");
    }
}

/// A text on one line.
fn on_one_line(text: &str) -> String {
    text.trim().replace('\n', " / ").replace('\u{a0}', " ")
}

/// One line for a node: its role, name, value and state. `None` for a node that only groups others.
fn heard(node: &Node<'_>) -> Option<String> {
    let node = node.accesskit_node();
    let [name, value, hint] =
        [node.label(), node.value(), node.description()].map(|text| text.map(|text| on_one_line(&text)));
    let mut line = format!("{:?}", node.role());
    // A label's text is its value.
    for text in [&name, &value].into_iter().flatten().filter(|text| !text.is_empty()) {
        write!(line, " {text:?}").unwrap();
    }
    if let Some(number) = node.numeric_value() {
        write!(line, " ={number}").unwrap();
    }
    if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
        write!(line, " ({hint})").unwrap();
    }
    let states = [
        (node.toggled() == Some(Toggled::True), "on"),
        (node.toggled() == Some(Toggled::False), "off"),
        (node.is_selected() == Some(true), "selected"),
        (node.is_disabled(), "disabled"),
        (node.is_focused(), "focused"),
        (node.live() != Live::Off, "live"),
    ];
    for (_, state) in states.iter().filter(|(is, _)| *is) {
        write!(line, " [{state}]").unwrap();
    }
    let groups = matches!(node.role(), Role::GenericContainer | Role::Unknown | Role::ScrollView | Role::ScrollBar);
    (!groups || name.is_some() || value.is_some()).then_some(line)
}

/// The nodes below a node in reading order, a line each, indented by depth.
fn read(node: &Node<'_>, depth: usize, lines: &mut String) {
    for child in node.children().filter(|child| !child.accesskit_node().is_hidden()) {
        let line = heard(&child);
        if let Some(line) = &line {
            writeln!(lines, "{:1$}{line}", "", depth * 2).unwrap();
        }
        read(&child, depth + usize::from(line.is_some()), lines);
    }
}

/// What differs between machines and runs: folders, times, sizes and the device.
fn steady(lines: &str, folder: &std::path::Path) -> String {
    let lines = lines.replace(&folder.display().to_string(), "[folder]");
    let lines = lines.replace(env!("CARGO_MANIFEST_DIR"), "[repository]");
    let changing = [
        (r"CPU, [a-z0-9 ,-]+", "[device]"),
        (r"\b[0-9.]+ (KiB|MiB|GiB)\b", "[size]"),
        (r"\b[0-9.]+ (s|ms|min|h)( [0-9]+ (s|min))?\b", "[time]"),
        (r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?", "[date]"),
    ];
    changing
        .iter()
        .fold(lines, |lines, (pattern, word)| Regex::new(pattern).unwrap().replace_all(&lines, *word).into_owned())
}

fn snapshot(name: &str, window: &Window, folder: &std::path::Path) {
    let mut lines = String::new();
    read(&window.root(), 0, &mut lines);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/screen_reader"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, steady(&lines, folder)));
}

mod needs_model {
    use super::*;

    #[test]
    #[ignore = "needs the pre-trained model: what it costs and where texts are cut off is said on the pages"]
    fn every_page_is_read_as_its_snapshot_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut start = app_on(None, ThemeChoice::Light, 1.0);
        settle(&mut start);
        snapshot("start", &start, folder.path());
        let (mut window, folder) = app(ThemeChoice::Light, 1.0);
        settle(&mut window);
        hone(&mut window).state.work.answers.results.value = Some(results());
        for view in View::ALL {
            hone(&mut window).state.view = view;
            settle(&mut window);
            let name = view.title().to_lowercase().replace(' ', "_");
            snapshot(&name, &window, folder.path());
        }
    }
}
