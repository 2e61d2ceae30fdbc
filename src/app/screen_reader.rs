//! What a screen reader hears: the roles, names and states of everything on each page, kept as text.
//!
//! `INSTA_UPDATE=always cargo nextest run screen_reader` writes the texts anew: read what has changed before keeping it.

use egui::Role;
use egui::accesskit::Toggled;
use egui_kittest::Node;
use egui_kittest::kittest::NodeT;

use crate::app::messages::AppCommand;
use crate::app::testing::{Window, app, hone, settle};
use crate::project::Step;
use crate::storage::ThemeChoice;

/// One line for each part, indented by its depth. Parts that only group others are left out.
fn heard(node: &Node<'_>, depth: usize, lines: &mut Vec<String>) {
    let part = node.accesskit_node();
    let name = part.label().or_else(|| node.value()).unwrap_or_default();
    let groups = matches!(part.role(), Role::GenericContainer | Role::Unknown | Role::Pane | Role::ScrollView);
    let is_heard = !groups || !name.is_empty();
    if is_heard {
        let mut line = format!("{}{:?} {:?}", "  ".repeat(depth), part.role(), stable(&name));
        match part.toggled() {
            Some(Toggled::True) => line.push_str(" on"),
            Some(Toggled::False) => line.push_str(" off"),
            _ => {}
        }
        if part.is_disabled() {
            line.push_str(" disabled");
        }
        lines.push(line);
    }
    for child in node.children() {
        heard(&child, depth + usize::from(is_heard), lines);
    }
}

/// Without the amounts that differ between machines.
fn stable(text: &str) -> String {
    let is_amount = text.contains("iB") || text.contains("CPU");
    if is_amount { "(of this machine)".to_owned() } else { text.chars().take(120).collect() }
}

fn page(window: &mut Window, step: Step) -> String {
    hone(window).run_command(AppCommand::GoTo(step));
    settle(window);
    let mut lines = Vec::new();
    heard(&window.root(), 0, &mut lines);
    lines.join("\n")
}

#[test]
fn every_page_reads_as_accepted() {
    let (mut window, _folder) = app(ThemeChoice::Light, 1.0);
    settle(&mut window);
    for step in Step::ALL {
        let text = page(&mut window, step);
        insta::with_settings!({ snapshot_path => "../../tests/snapshots/pages", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(step.title(), text);
        });
    }
}

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
