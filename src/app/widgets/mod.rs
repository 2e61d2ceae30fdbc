//! Drawing functions that more than one step uses.

mod anchor;
mod basics;
mod combo;
mod confusion_matrix;
mod contrast;
mod curves;
mod diff;
mod explained;
mod downsample;
mod headline;
mod metrics_table;
mod probability_bars;
mod progress;
mod reading;
mod row_list;
mod running;
mod spinner;
mod table_preview;

pub use anchor::{Anchor, anchor, scroll_to};
pub use basics::{
    badge, banner, button, card, choice_card, empty_state, field_label, figure, icon_button, is_narrow, page,
    primary_button, section, side_by_side, tone_icon,
};
pub use combo::combo;
pub use confusion_matrix::{Cell, MatrixState, confusion_matrix_ui, explain};
pub use contrast::label_colour;
pub use curves::{Curves, CurvesState, curves_ui};
pub use diff::{Diff, diff_ui};
pub use explained::explained;
pub use headline::{Headline, headline_ui};
pub use metrics_table::{metrics_table_ui, scores};
pub use probability_bars::{Chosen, probability_bars_ui};
pub use progress::progress_ui;
pub use reading::reading_ui;
pub use row_list::row_list_ui;
pub use running::{Action, SlotActions, running_card, running_ui, slot_ui};
pub use spinner::{paint_spinner, spinner};
pub use table_preview::{TablePreview, table_preview_ui};
