//! What a screen reader hears is tidied in one place, after every frame: icons are letters that no voice can read, and a hint
//! that repeats a name is noise.

use egui::accesskit::{Live, Node, Role, TreeUpdate};
use egui::{Context, FullOutput, Plugin};

/// Tidies the names of all nodes before they go to the screen reader.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spoken;

impl Plugin for Spoken {
    fn debug_name(&self) -> &'static str {
        "spoken"
    }

    fn output_hook(&mut self, _ctx: &Context, output: &mut FullOutput) {
        if let Some(update) = &mut output.platform_output.accesskit_update {
            tidy(update);
        }
    }
}

fn tidy(update: &mut TreeUpdate) {
    for (_, node) in &mut update.nodes {
        // Where only an icon stands, the words beside it say the same.
        if node.role() == Role::Label && !is_said(node.label()) && !is_said(node.value()) {
            node.set_hidden();
            continue;
        }
        if let Some(name) = node.label().and_then(without_icons) {
            node.set_label(name);
        }
        // What is typed into a field is left as it is.
        if node.role() == Role::Label
            && let Some(text) = node.value().and_then(without_icons)
        {
            node.set_value(text);
        }
        if node.description().is_some() && node.description() == node.label() {
            node.clear_description();
        }
        // A plot has a name, but no role.
        if node.role() == Role::Unknown && is_said(node.label()) {
            node.set_role(Role::Image);
        }
    }
}

/// Whether there is anything to read aloud.
fn is_said(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.chars().any(|letter| !is_icon(letter) && !letter.is_whitespace()))
}

/// A text without its icons; `None` if it has none.
fn without_icons(text: &str) -> Option<String> {
    text.contains(is_icon).then(|| text.replace(is_icon, "").trim().to_owned())
}

/// Icon fonts use the letters for private use, which mean nothing elsewhere.
fn is_icon(letter: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&letter)
}

/// Makes a node a heading, so that a person can jump from one to the next.
pub fn set_heading(response: &egui::Response) {
    response.ctx.accesskit_node_builder(response.id, |node: &mut Node| take_text_as_name(node, Role::Heading));
}

/// Makes a label a cell of a table. A screen reader says `headers`, the row's and the column's, after it.
pub fn set_cell(response: &egui::Response, headers: &str) {
    response.ctx.accesskit_node_builder(response.id, |node: &mut Node| {
        take_text_as_name(node, Role::Cell);
        node.set_description(headers);
    });
}

/// Gives a node another role than that of a label. The text of a label is its value, that of any other node its name.
fn take_text_as_name(node: &mut Node, role: Role) {
    node.set_role(role);
    if let Some(text) = node.value().map(str::to_owned) {
        node.set_label(text);
        node.clear_value();
    }
}

/// Gives a part of the window a name.
pub fn set_region(ui: &egui::Ui, role: Role, name: &str) {
    ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
        node.set_role(role);
        node.set_label(name);
    });
}

/// Lets a screen reader read what `ui` draws aloud as soon as it is shown. If it is urgent, that interrupts what it is reading.
pub fn set_alert(ui: &egui::Ui, urgent: bool) {
    ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
        node.set_role(Role::Alert);
        node.set_live(if urgent { Live::Assertive } else { Live::Polite });
    });
}

#[cfg(test)]
mod tests {
    use egui::accesskit::{NodeId, TreeId};

    use super::*;

    fn tidied(node: Node) -> Node {
        let mut update =
            TreeUpdate { nodes: vec![(NodeId(1), node)], tree: None, tree_id: TreeId::ROOT, focus: NodeId(1) };
        tidy(&mut update);
        update.nodes.pop().unwrap().1
    }

    #[test]
    fn an_icon_alone_is_not_read_and_one_before_a_text_is_left_out() {
        let mut icon = Node::new(Role::Label);
        icon.set_value("\u{e184}");
        assert!(tidied(icon).is_hidden());
        let mut label = Node::new(Role::Label);
        label.set_value("\u{e184} Good");
        let label = tidied(label);
        assert_eq!((label.value(), label.is_hidden()), (Some("Good"), false));
    }

    #[test]
    fn a_hint_that_repeats_the_name_is_left_out_and_what_is_typed_is_left_alone() {
        let mut button = Node::new(Role::Button);
        button.set_label("Rename");
        button.set_description("Rename");
        assert_eq!(tidied(button).description(), None);
        let mut field = Node::new(Role::TextInput);
        field.set_value("\u{e184}");
        assert_eq!(tidied(field).value(), Some("\u{e184}"));
    }
}
