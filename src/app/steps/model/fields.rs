//! The rows that hyperparameters are shown in: name, control and explanation.

use std::ops::RangeInclusive;

use egui::{ComboBox, DragValue, Response, Ui, UiBuilder, vec2};

use crate::app::help::Term;
use crate::app::sought;
use crate::app::theme::Theme;
use crate::app::widgets::{explained, number_field};

const NAME_WIDTH: f32 = 170.0;
const CONTROL_WIDTH: f32 = 200.0;
const NUMBER_WIDTH: f32 = 96.0;
/// Narrowest explanation beside its control.
const EXPLANATION: f32 = 180.0;

/// A heading above some settings.
pub fn group(ui: &mut Ui, theme: &Theme, name: &str) {
    ui.add_space(theme.space.m);
    ui.label(theme.strong(name));
}

/// Name, control and explanation of one setting. The name also names the control to screen readers.
pub fn row(ui: &mut Ui, theme: &Theme, name: &str, explanation: &str, control: impl FnOnce(&mut Ui)) {
    let narrow = ui.available_width() < NAME_WIDTH + CONTROL_WIDTH + EXPLANATION;
    let height = theme.size.control;
    let shown = ui.horizontal(|ui| {
        let name_width = if narrow { (ui.available_width() * 0.42).min(NAME_WIDTH) } else { NAME_WIDTH };
        let control_width = CONTROL_WIDTH.min(ui.available_width() - name_width - theme.space.s);
        let label = ui.allocate_ui(vec2(name_width, height), |ui| {
            ui.set_width(name_width);
            let label = ui.add(egui::Label::new(name).wrap());
            match Term::titled(name.trim()) {
                Some(term) => label.on_hover_text(term.text()),
                None => label,
            }
        });
        ui.allocate_ui(vec2(control_width, height), |ui| {
            ui.set_width(control_width);
            ui.spacing_mut().interact_size.x = NUMBER_WIDTH.min(control_width);
            // What stands above must not change the ids of the controls, or they would lose the focus.
            let id = ui.make_persistent_id(("setting", name, explanation.is_empty()));
            ui.scope_builder(UiBuilder::new().scope_id(id), |ui| ui.label_inputs_by(label.inner.id, control));
        });
        if !narrow {
            explained(ui, theme.small(explanation));
        }
    });
    if sought::sought(ui.ctx()) == Some(name) {
        shown.response.scroll_to_me(Some(egui::Align::Center));
        sought::is_shown(ui.ctx());
    }
    if narrow && !explanation.is_empty() {
        ui.add(egui::Label::new(theme.small(explanation)).wrap());
    }
}

/// A list to choose one value from.
pub fn choose<T: Copy + PartialEq>(ui: &mut Ui, salt: &str, value: &mut T, choices: &[(T, &str)]) {
    let shown = choices.iter().find(|(choice, _)| choice == value).map_or("", |(_, name)| name);
    let width = ui.available_width().min(CONTROL_WIDTH) - 12.0;
    ComboBox::from_id_salt(salt).width(width).truncate().selected_text(shown).show_ui(ui, |ui| {
        for (choice, name) in choices {
            ui.selectable_value(value, *choice, *name);
        }
    });
}

/// The number field of a row.
pub fn number(ui: &mut Ui, field: DragValue<'_>) -> Response {
    number_field(ui, "value", field)
}

/// A number without trailing zeros.
pub fn decimal(ui: &mut Ui, value: &mut f64, range: RangeInclusive<f64>, speed: f64) -> Response {
    number(ui, DragValue::new(value).range(range).speed(speed).custom_formatter(|value, _| trimmed(value)))
}

/// At most five decimals, and no zeros at the end.
fn trimmed(value: f64) -> String {
    format!("{value:.5}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A share shown as a percentage.
pub fn share(ui: &mut Ui, value: &mut f64, most: f64) {
    let mut percent = *value * 100.0;
    if decimal(ui, &mut percent, 0.0..=most * 100.0, 0.2).changed() {
        *value = percent / 100.0;
    }
    ui.label("%");
}

/// A small number, written and read as `5e-5`.
pub fn scientific(ui: &mut Ui, value: &mut f64, range: RangeInclusive<f64>) {
    let speed = *value * 0.01;
    let drag = DragValue::new(value).range(range).speed(speed);
    number(ui, drag.custom_formatter(|value, _| in_scientific(value)).custom_parser(|text| text.trim().parse().ok()));
}

/// `5e-5`, `2.5e-5`.
fn in_scientific(value: f64) -> String {
    let short = format!("{value:.2e}");
    match short.split_once('e') {
        Some((mantissa, exponent)) => format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.')),
        None => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates_are_shown_in_scientific_notation() {
        assert_eq!(in_scientific(5e-5), "5e-5");
        assert_eq!(in_scientific(2.5e-5), "2.5e-5");
        assert_eq!(in_scientific(1e-8), "1e-8");
        assert_eq!(
            (trimmed(0.01), trimmed(1.0), trimmed(0.0), trimmed(0.999)),
            ("0.01".into(), "1".into(), "0".into(), "0.999".into())
        );
    }
}
