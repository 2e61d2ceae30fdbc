//! What a screen reader hears: every control of every page has a name.

use egui::Role;
use egui_kittest::kittest::NodeT;

use crate::app::messages::AppCommand;
use crate::app::testing::{app, hone, settle};
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
