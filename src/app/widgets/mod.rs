//! Drawing functions that more than one step uses.

mod basics;

pub use basics::{
    badge, banner, button, card, empty_state, field_label, figure, icon_button, page, primary_button, section,
    toggle_row,
};
