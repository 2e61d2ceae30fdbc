//! Which columns of a table are shown, how wide they are, and the menu that changes that.

use std::borrow::Cow;
use std::collections::BTreeMap;

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Button, Checkbox, Id, PopupCloseBehavior, Rangef, RichText, ScrollArea, Stroke, Ui};
use egui_table::TableState;

use crate::app::theme::{Theme, icons};
use crate::storage::TableLayout;
use crate::words::one_line;

/// Narrowest column in points.
const NARROWEST: f32 = 40.0;
/// Widest column in points.
const WIDEST: f32 = 2_000.0;
/// Most columns of a table whose layout is kept, of those that other files have.
const KEPT: usize = 500;
/// Height of the list of columns.
const LIST: f32 = 320.0;
/// Characters of a column's name in the list.
const NAME: usize = 48;

/// Width of a column until the person changes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColumnWidth {
    /// This many points.
    Points(f32),
    /// What the other columns leave, and at least this many points.
    Rest(f32),
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct TableColumn<'a> {
    /// What its layout is kept under: the name of a column of the file, or a word after "#".
    pub key: Cow<'a, str>,
    /// Its name.
    pub title: Cow<'a, str>,
    /// Its width until the person changes it.
    pub width: ColumnWidth,
    /// Whether it is shown until the person chooses otherwise.
    pub shown: bool,
    /// It is always shown.
    pub pinned: bool,
}

impl<'a> TableColumn<'a> {
    /// A column that is shown, and can be hidden.
    #[must_use]
    pub fn new(key: &'a str, title: &'a str, width: ColumnWidth) -> Self {
        Self { key: Cow::Borrowed(key), title: Cow::Borrowed(title), width, shown: true, pinned: false }
    }

    /// The same column, always shown.
    #[must_use]
    pub fn pinned(self) -> Self {
        Self { pinned: true, ..self }
    }

    /// The same column, shown by default or not.
    #[must_use]
    pub fn shown(self, shown: bool) -> Self {
        Self { shown, ..self }
    }

    fn is_shown(&self, layout: &TableLayout) -> bool {
        self.pinned || layout.shown.get(self.key.as_ref()).copied().unwrap_or(self.shown)
    }

    pub(super) fn id(&self) -> Id {
        Id::unique(("column of a table", self.key.as_ref()))
    }
}

/// The columns as they are shown in a frame.
#[derive(Clone, Debug)]
pub(super) struct Arranged {
    /// Indices of the columns shown.
    pub visible: Vec<usize>,
    /// Their widths.
    pub widths: Vec<f32>,
}

/// Widths that the person is changing, until they are kept.
type Changing = BTreeMap<String, f32>;

impl Arranged {
    /// Arranges the columns in `room` points. The first columns are always in front.
    pub fn of(columns: &[TableColumn<'_>], layout: &TableLayout, changing: &Changing, room: f32) -> Self {
        let visible: Vec<usize> = (0..columns.len()).filter(|&column| columns[column].is_shown(layout)).collect();
        let chosen =
            |column: &TableColumn<'_>| changing.get(column.key.as_ref()).or(layout.widths.get(column.key.as_ref()));
        let set = |column: &TableColumn<'_>| match (chosen(column), column.width) {
            (Some(&width), _) | (None, ColumnWidth::Points(width)) => Some(width.clamp(NARROWEST, WIDEST)),
            (None, ColumnWidth::Rest(_)) => None,
        };
        let shown = || visible.iter().map(|&column| &columns[column]);
        let used: f32 = shown().filter_map(set).sum();
        let open = shown().filter(|column| set(column).is_none()).count().max(1) as f32;
        // Rounded down, because half a point too much would make the table scroll sideways.
        let rest = ((room - used) / open).floor();
        let width = |column: &TableColumn<'_>| match column.width {
            ColumnWidth::Rest(least) => set(column).unwrap_or(rest.max(least)),
            ColumnWidth::Points(_) => set(column).unwrap_or(NARROWEST),
        };
        let widths = shown().map(width).collect();
        Self { visible, widths }
    }

    pub fn total(&self) -> f32 {
        self.widths.iter().sum()
    }

    /// The columns for egui. Their widths are put into its memory, where it looks for them.
    pub fn tell(&self, ui: &Ui, id: Id, columns: &[TableColumn<'_>]) -> Vec<egui_table::Column> {
        let mut state = TableState::load(ui.ctx(), id).unwrap_or_default();
        let shown = self.visible.iter().map(|&column| columns[column].id()).zip(self.widths.iter().copied());
        let made = shown.map(|(column, width)| {
            state.col_widths.insert(column, width);
            egui_table::Column::new(width).range(Rangef::new(NARROWEST, WIDEST)).id(column)
        });
        let made = made.collect();
        state.store(ui.ctx(), id);
        made
    }

    /// The columns whose width the person changed in this frame.
    fn changed<'a>(&self, ui: &Ui, id: Id, columns: &'a [TableColumn<'_>]) -> Vec<(&'a str, f32)> {
        let Some(state) = TableState::load(ui.ctx(), id) else { return Vec::new() };
        let shown = self.visible.iter().map(|&column| &columns[column]).zip(&self.widths);
        let changed = shown.filter_map(|(column, before)| {
            let width = *state.col_widths.get(&column.id())?;
            ((width - before).abs() > 0.05).then_some((column.key.as_ref(), width))
        });
        changed.collect()
    }
}

/// The widths being changed in the table with this id.
pub(super) fn changing(ui: &Ui, id: Id) -> Changing {
    ui.data(|data| data.get_temp(id.with("changing"))).unwrap_or_default()
}

/// Notes the widths changed in this frame. Returns the layout to keep once the pointer lets go. The ids are those of the table
/// and of its widths in egui's memory.
pub(super) fn note_widths(
    ui: &Ui,
    (id, widths): (Id, Id),
    (arranged, columns): (&Arranged, &[TableColumn<'_>]),
    layout: &TableLayout,
) -> Option<TableLayout> {
    let mut all = changing(ui, id);
    all.extend(arranged.changed(ui, widths, columns).into_iter().map(|(key, width)| (key.to_owned(), width)));
    if all.is_empty() {
        return None;
    }
    let held = ui.input(|input| input.pointer.any_down());
    let kept = (!held).then(|| {
        let mut next = layout.clone();
        next.widths.append(&mut all);
        within_bounds(next, columns)
    });
    ui.data_mut(|data| data.insert_temp(id.with("changing"), all));
    // The other columns make room in the next frame.
    ui.ctx().request_repaint();
    kept
}

/// Forgets columns of other files when there are too many.
fn within_bounds(mut layout: TableLayout, columns: &[TableColumn<'_>]) -> TableLayout {
    let is_here = |key: &str| columns.iter().any(|column| column.key == key);
    if layout.widths.len() > KEPT {
        layout.widths.retain(|key, _| is_here(key));
    }
    if layout.shown.len() > KEPT {
        layout.shown.retain(|key, _| is_here(key));
    }
    layout
}

/// A small button with the menu of the columns. Returns the layout chosen there.
pub(super) fn chooser_ui(
    ui: &mut Ui,
    theme: &Theme,
    columns: &[TableColumn<'_>],
    layout: &TableLayout,
) -> Option<TableLayout> {
    let icon = RichText::new(icons::COLUMNS).size(theme.text.body).color(theme.palette.text_muted);
    let button = Button::new(icon).frame_when_inactive(false).min_size(egui::Vec2::splat(theme.size.control - 8.0));
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    ui.spacing_mut().button_padding = egui::Vec2::splat(2.0);
    let (response, menu) =
        MenuButton::from_button(button).config(config).ui(ui, |ui| list_ui(ui, theme, columns, layout));
    response.accessible_name("Choose columns").on_hover_text("Choose columns");
    menu.and_then(|menu| menu.inner)
}

/// The list of columns with a tick for each one that is shown.
pub(super) fn list_ui(
    ui: &mut Ui,
    theme: &Theme,
    columns: &[TableColumn<'_>],
    layout: &TableLayout,
) -> Option<TableLayout> {
    let mut next = layout.clone();
    ui.set_min_width(180.0);
    ui.label(theme.small("Columns"));
    ScrollArea::vertical().max_height(LIST).show(ui, |ui| {
        // A menu draws its buttons without an outline, and so would an empty box have none.
        ui.visuals_mut().widgets.inactive.bg_stroke = Stroke::new(1.0, theme.palette.border_strong);
        ui.visuals_mut().widgets.hovered.bg_stroke = Stroke::new(1.0, theme.palette.text_muted);
        for column in columns {
            let mut shown = column.is_shown(layout);
            let tick = Checkbox::new(&mut shown, one_line(&column.title, NAME));
            if ui.add_enabled(!column.pinned, tick).on_disabled_hover_text("This column is always shown").changed() {
                next.shown.insert(column.key.clone().into_owned(), shown);
            }
        }
    });
    ui.separator();
    let hides = columns.iter().any(|column| !column.is_shown(layout));
    if ui.add_enabled(hides, Button::new("Show all columns")).clicked() {
        next.shown.extend(columns.iter().map(|column| (column.key.clone().into_owned(), true)));
    }
    let has_widths = columns.iter().any(|column| layout.widths.contains_key(column.key.as_ref()));
    if ui.add_enabled(has_widths, Button::new("Reset widths")).clicked() {
        next.widths.retain(|key, _| columns.iter().all(|column| column.key != key.as_str()));
    }
    (next != *layout).then(|| within_bounds(next, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> [TableColumn<'static>; 3] {
        [
            TableColumn::new("#row", "Row", ColumnWidth::Points(60.0)).pinned(),
            TableColumn::new("shop", "shop", ColumnWidth::Points(100.0)),
            TableColumn::new("review", "review", ColumnWidth::Rest(200.0)),
        ]
    }

    #[test]
    fn the_text_gets_the_room_that_the_other_columns_leave() {
        let (mut layout, none) = (TableLayout::default(), Changing::new());
        let arranged = Arranged::of(&columns(), &layout, &none, 700.4);
        assert_eq!(arranged.widths, [60.0, 100.0, 540.0]);
        assert_eq!(Arranged::of(&columns(), &layout, &none, 300.0).widths, [60.0, 100.0, 200.0]);
        layout.widths = [("review".to_owned(), 333.0), ("shop".to_owned(), 1.0)].into();
        assert_eq!(Arranged::of(&columns(), &layout, &none, 700.0).widths, [60.0, NARROWEST, 333.0]);
    }

    #[test]
    fn a_pinned_column_cannot_be_hidden() {
        let shown = [("#row".to_owned(), false), ("shop".to_owned(), false)].into();
        let layout = TableLayout { shown, ..TableLayout::default() };
        assert_eq!(Arranged::of(&columns(), &layout, &Changing::new(), 700.0).visible, [0, 2]);
    }
}
