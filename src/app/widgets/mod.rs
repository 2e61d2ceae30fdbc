//! Drawing functions that more than one step uses.

mod anchor;
mod axis;
mod basics;
mod combo;
mod confusion_matrix;
mod contrast;
mod curve_series;
mod curves;
mod data_table;
mod diff;
mod explained;
mod field;
mod fields;
mod headline;
mod layout;
mod legend;
mod matrix_cells;
mod metrics_table;
mod probability_bars;
mod progress;
mod reading;
mod row_list;
mod run_curves;
mod running;
mod share_plot;
mod spinner;
mod table_preview;

pub use anchor::{Anchor, anchor, is_sought, scroll_to};
pub use axis::ticks;
pub use basics::{
    badge, banner, button, button_if, card, choice_card, empty_state, field_label, figure, heading_ui, icon_button,
    page, page_beside, primary_button, section, tone_icon,
};
pub use combo::combo;
pub use confusion_matrix::{MatrixState, confusion_matrix_ui};
pub use contrast::label_colour;
pub use curve_series::{CurvesState, tokens_per_second};
pub use curves::{Along, Curves, curves_ui};
pub use data_table::{
    ColumnWidth, DataTable, RowSelection, TableAsk, TableColumn, TableRows, ask_table, data_table_ui, rows_in_use,
    tab_separated,
};
pub use diff::{Diff, diff_ui};
pub use explained::explained;
pub use field::number_field;
pub use fields::fields;
pub use headline::headline_ui;
pub use layout::{
    after_page, begin_at_top, card_grid, cards_across, columns, fill, is_narrow, is_wide, make_room, page_height,
    side_by_side,
};
#[cfg(test)]
pub use layout::{page_goes_on, page_rect, page_scroll};
pub use legend::{Entry, Sample};
pub use matrix_cells::{Cell, explain};
pub use metrics_table::{copy_metrics_ui, metrics_table_ui, scores};
pub use probability_bars::{BarShape, Chosen, probability_bars_ui};
pub use progress::progress_ui;
pub use reading::reading_ui;
pub use row_list::{RowList, row_list_ui};
pub use run_curves::{RunCurvesState, run_curves_ui, run_mark_ui};
pub use running::{Action, SlotActions, running_card, running_ui, slot_ui};
pub use share_plot::{SharePlot, dots, line, reference, share_plot_ui};
pub use spinner::{paint_spinner, spinner};
pub use table_preview::{TablePreview, table_preview_ui};
