//! The table of rows. Only visible rows are laid out, however many there are.

use egui::{Align, Button, Key, Label, Layout, Modifiers, RichText, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use crate::app::theme::{Theme, icons};
use crate::data::{RowNumber, RowView, Sort, SortBy};
use crate::project::{RowId, SourceFile};
use crate::words::{count, one_line};

/// Narrowest letter in points, to lay out no more letters than fit.
const LETTER: f32 = 3.0;
/// Width of a row number, and of a row number with its file.
const NUMBER: f32 = 84.0;
/// See [`NUMBER`].
const OF_FILE: f32 = 132.0;
/// Narrowest table that shows the word count.
const ROOMY: f32 = 600.0;

/// The rows to show.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// The first places, up to this count: all rows in use.
    All(usize),
    /// These places.
    Places(&'a [RowNumber]),
}

impl Shown<'_> {
    /// Number of rows shown.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::All(rows) => rows,
            Self::Places(places) => places.len(),
        }
    }

    /// The row at position `nth` of the list.
    #[must_use]
    pub fn get(self, nth: usize) -> Option<RowNumber> {
        match self {
            Self::All(rows) => (nth < rows).then_some(nth as RowNumber),
            Self::Places(places) => places.get(nth).copied(),
        }
    }
}

/// The selected row, and whether the table must scroll to it.
#[derive(Debug, Default)]
pub struct Selection {
    /// Its position in the list, if it is there, and its id.
    row: Option<(Option<usize>, RowId)>,
    follow: bool,
    /// The rows changed: scroll to the first one, or to the selected one.
    anew: bool,
}

impl Selection {
    /// Position in the list, if it is there, and id of the selected row.
    #[must_use]
    pub fn row(&self) -> Option<(Option<usize>, RowId)> {
        self.row
    }

    /// Tells the table that its rows changed.
    pub fn begin_anew(&mut self) {
        self.anew = true;
    }

    /// Selects no row.
    pub fn clear(&mut self) {
        self.row = None;
    }

    /// Selects the row at position `nth` of the list and scrolls to it.
    pub fn go(&mut self, rows: &RowView, shown: Shown<'_>, nth: usize) {
        if let Some(id) = shown.get(nth).and_then(|place| rows.id(place)) {
            self.row = Some((Some(nth), id));
            self.follow = true;
        }
    }

    /// Finds the selected row after the list changed, or deselects it if it is gone.
    pub fn settle(&mut self, rows: &RowView, shown: Shown<'_>) {
        let Some((nth, id)) = self.row else { return };
        let id_at = |nth: usize| shown.get(nth).and_then(|place| rows.id(place));
        if nth.is_some_and(|nth| id_at(nth) == Some(id)) {
            return;
        }
        self.row = rows.place(id).map(|place| {
            let nth = match shown {
                Shown::All(all) => Some(place as usize).filter(|&nth| nth < all),
                Shown::Places(places) => places.iter().position(|&other| other == place),
            };
            (nth, id)
        });
    }
}

/// What the table shows.
#[derive(Clone, Copy)]
pub struct TableView<'a> {
    /// All rows.
    pub rows: &'a RowView<'a>,
    /// The rows shown, in order.
    pub shown: Shown<'a>,
    /// A column of the file shown next to the text.
    pub column: Option<&'a str>,
    /// Height of the rows.
    pub height: f32,
}

/// Handles the keys of the table, unless a text field or button has the focus or a dialog is open.
pub fn keys(ui: &Ui, rows: &RowView, shown: Shown<'_>, selection: &mut Selection) {
    let elsewhere = ui.memory(|memory| memory.focused().is_some() || memory.top_modal_layer().is_some());
    let Some((nth, _)) = selection.row() else { return };
    if elsewhere || !ui.is_enabled() {
        return;
    }
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let last = shown.len().saturating_sub(1);
    let at = nth.unwrap_or(0);
    if pressed(Key::ArrowDown) {
        selection.go(rows, shown, nth.map_or(0, |nth| (nth + 1).min(last)));
    } else if pressed(Key::ArrowUp) {
        selection.go(rows, shown, at.saturating_sub(1));
    } else if pressed(Key::PageDown) {
        selection.go(rows, shown, (at + 12).min(last));
    } else if pressed(Key::PageUp) {
        selection.go(rows, shown, at.saturating_sub(12));
    } else if pressed(Key::Home) {
        selection.go(rows, shown, 0);
    } else if pressed(Key::End) {
        selection.go(rows, shown, last);
    } else if pressed(Key::Escape) {
        selection.clear();
    }
}

/// Draws the table. A click on a column header sorts; a click on a row selects it.
pub fn table_ui(ui: &mut Ui, theme: &Theme, view: TableView<'_>, sort: &mut Sort, selection: &mut Selection) {
    let roomy = ui.available_width() >= ROOMY;
    let mut builder = TableBuilder::new(ui)
        .id_salt("rows")
        // Rows react to clicks; Tab stops only at each row's number, not at each cell.
        .sense(Sense::CLICK)
        .cell_layout(Layout::left_to_right(Align::Center))
        .auto_shrink([false, true])
        .max_scroll_height(view.height)
        .resizable(true)
        .column(Column::exact(if view.rows.imported.main.is_several() { OF_FILE } else { NUMBER }).clip(true))
        .column(Column::initial(if roomy { 130.0 } else { 100.0 }).at_least(48.0).clip(true));
    let mut heads = vec![("Row".to_owned(), SortBy::File), ("Label".to_owned(), SortBy::Label)];
    if let Some(column) = view.column {
        builder = builder.column(Column::initial(if roomy { 130.0 } else { 100.0 }).at_least(48.0).clip(true));
        heads.push((column.to_owned(), SortBy::Column(column.to_owned())));
    }
    if roomy {
        builder = builder.column(Column::exact(66.0).resizable(false));
        heads.push(("Words".to_owned(), SortBy::Length));
    }
    heads.push(("Text".to_owned(), SortBy::Text));
    builder = builder.column(Column::remainder().clip(true));
    let (follow, anew) = (std::mem::take(&mut selection.follow), std::mem::take(&mut selection.anew));
    match selection.row {
        Some((Some(nth), _)) if follow || anew => builder = builder.scroll_to_row(nth, None),
        _ if anew => builder = builder.scroll_to_row(0, Some(Align::TOP)),
        _ => {}
    }
    builder
        .header(theme.size.row, |mut header| {
            for (name, by) in heads {
                header.col(|ui| head_ui(ui, theme, &name, by, sort));
            }
        })
        .body(|body| {
            body.rows(theme.size.row, view.shown.len(), |mut row| {
                let nth = row.index();
                let Some(place) = view.shown.get(nth) else { return };
                row_ui(&mut row, theme, view, place, roomy, selection);
            });
        });
}

/// A column header. Clicks cycle through ascending, descending and unsorted.
fn head_ui(ui: &mut Ui, theme: &Theme, name: &str, by: SortBy, sort: &mut Sort) {
    let chosen = sort.by == by && (by != SortBy::File || sort.descending);
    let icon = match (chosen, sort.descending) {
        (false, _) => "",
        (true, false) => icons::ARROW_UP,
        (true, true) => icons::ARROW_DOWN,
    };
    let text = format!("{} {icon}", one_line(name, 40));
    let response = ui
        .add(Button::new(theme.small(text)).frame(false).truncate())
        .on_hover_text(format!("Sort by {}", if by == SortBy::File { "position in the file" } else { name }))
        .accessible_name(format!("Sort by {name}"));
    if response.clicked() {
        *sort = match (sort.by == by, sort.descending) {
            (true, false) => Sort { by, descending: true },
            (true, true) => Sort::default(),
            (false, _) => Sort { by, descending: false },
        };
    }
}

fn row_ui(
    row: &mut TableRow<'_, '_>,
    theme: &Theme,
    view: TableView<'_>,
    place: RowNumber,
    roomy: bool,
    selection: &mut Selection,
) {
    let (rows, nth) = (view.rows, row.index());
    let Some(id) = rows.id(place) else { return };
    let (label, text) = (rows.label(place), rows.text(place));
    let selected = selection.row.is_some_and(|(_, chosen)| chosen == id);
    row.set_selected(selected);
    let mut clicked = false;
    row.col(|ui| {
        let number = row_name(rows, id);
        let name = format!("Row {number}, {label}: {}", one_line(&text, 120));
        let response = ui.add(Button::new(theme.small(&number)).frame(false).truncate());
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, &name));
        clicked |= response.clicked();
    });
    let left_out = rows.reason(place).is_some();
    let ink = if left_out { theme.palette.text_muted } else { theme.palette.text };
    let cell = |ui: &mut Ui, text: &str| {
        let letters = (ui.available_width().max(0.0) / LETTER) as usize;
        let label = Label::new(RichText::new(one_line(text, letters)).color(ink)).selectable(false).truncate();
        // The details of a row show all of it; a tooltip would cover the next rows.
        ui.add(label.show_tooltip_when_elided(false));
    };
    row.col(|ui| cell(ui, label));
    if let Some(column) = view.column {
        let value = rows.at(place).and_then(|(table, row)| Some(table.cell(table.column_index(column)?, row)));
        row.col(|ui| cell(ui, value.unwrap_or_default()));
    }
    if roomy {
        row.col(|ui| {
            ui.label(theme.small(count(u64::from(rows.words(place)))));
        });
    }
    row.col(|ui| cell(ui, &text));
    if row.response().clicked() || clicked {
        selection.row = Some((Some(nth), id));
        // Below the table, the details leave less room for it.
        selection.follow = true;
    }
}

/// Short name of a row: `12`, or `3 of march.csv` when there are several files.
#[must_use]
pub fn row_name(rows: &RowView, id: RowId) -> String {
    let record = count(id.record);
    let main = &rows.imported.main;
    match id.file {
        // Without the word "row", which the caller writes.
        SourceFile::Main if main.is_several() => main.row_name(id.record).trim_start_matches("row ").to_owned(),
        SourceFile::Main => record,
        SourceFile::Validation => format!("val {record}"),
        SourceFile::Test => format!("test {record}"),
    }
}
