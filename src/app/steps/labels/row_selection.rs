//! The selected rows of the Labels step. They stay selected while the list changes around them.

use std::collections::BTreeSet;

use egui::{Key, Modifiers, Ui};

use crate::app::widgets::RowSelection;
use crate::data::{RowNumber, RowView};
use crate::project::RowId;

/// Most rows that can be changed at once.
pub const MOST_AT_ONCE: usize = 10_000;

/// Tells one list of rows from another.
type Stamp = (usize, usize, usize);

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

/// The selected rows.
#[derive(Debug, Default)]
pub struct Selection {
    /// The row whose details are shown, or the last one of several: its position in the list, if it is there, and its id.
    row: Option<(Option<usize>, RowId)>,
    /// The positions of the selected rows that are in the list.
    picked: RowSelection,
    /// The selected rows if they are several, but not too many. Some may have left the list.
    ids: Vec<RowId>,
    /// The list that the positions are of.
    of: Option<Stamp>,
    /// The rows changed: scroll to the first one, or to the selected one.
    new_rows: bool,
}

impl Selection {
    /// Position in the list, if it is there, and id of the selected row.
    #[must_use]
    pub fn row(&self) -> Option<(Option<usize>, RowId)> {
        self.row
    }

    /// Number of selected rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len().max(self.picked.len()).max(usize::from(self.row.is_some()))
    }

    /// The selected rows; `None` if they are too many to change at once.
    #[must_use]
    pub fn ids(&self) -> Option<&[RowId]> {
        (self.picked.len() <= MOST_AT_ONCE).then_some(self.ids.as_slice())
    }

    /// Number of selected rows that are not in the list.
    #[must_use]
    pub fn elsewhere(&self) -> usize {
        self.ids.len().saturating_sub(self.picked.len())
    }

    /// Positions of the selected rows in the list, for the table to change.
    pub fn picked_mut(&mut self) -> &mut RowSelection {
        &mut self.picked
    }

    /// Tells the table that its rows changed.
    pub fn note_new_rows(&mut self) {
        self.new_rows = true;
    }

    /// Whether the rows changed since the table was drawn.
    pub fn take_new_rows(&mut self) -> bool {
        std::mem::take(&mut self.new_rows)
    }

    /// Selects no row.
    pub fn clear(&mut self) {
        self.row = None;
        self.picked.clear();
        self.ids.clear();
    }

    /// Selects the row at position `nth` of the list and scrolls to it.
    pub fn go(&mut self, rows: &RowView, shown: Shown<'_>, nth: usize) {
        if shown.get(nth).is_some() {
            self.picked.only(nth);
            self.picked.follow();
            self.take(rows, shown);
        }
    }

    /// Handles the keys while the selected row is not in the list; otherwise the table does.
    pub fn keys(&mut self, ui: &Ui, rows: &RowView, shown: Shown<'_>) {
        let elsewhere = ui.memory(|memory| memory.focused().is_some() || memory.top_modal_layer().is_some());
        if self.row.is_none() || !self.picked.is_empty() || elsewhere || !ui.is_enabled() {
            return;
        }
        let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if pressed(Key::ArrowDown) {
            self.go(rows, shown, 0);
        } else if pressed(Key::Escape) {
            self.clear();
        }
    }

    /// Takes over the positions that a person selected in the table.
    pub fn take(&mut self, rows: &RowView, shown: Shown<'_>) {
        let id = |nth: usize| shown.get(nth).and_then(|place| rows.id(place));
        let several = self.picked.len() > 1;
        let few = several && self.picked.len() <= MOST_AT_ONCE;
        self.ids = if few { self.picked.iter().filter_map(id).collect() } else { Vec::new() };
        let cursor = self.picked.cursor().filter(|&nth| self.picked.contains(nth));
        let nth = cursor.or_else(|| self.picked.iter().next());
        self.row = nth.and_then(|nth| Some((Some(nth), id(nth)?)));
        self.of = Some(stamp(rows, shown));
    }

    /// Finds the selected rows after the list changed, or deselects them if they are gone.
    pub fn settle(&mut self, rows: &RowView, shown: Shown<'_>) {
        let Some((nth, id)) = self.row else { return };
        let is_here = |nth: usize| shown.get(nth).and_then(|place| rows.id(place)) == Some(id);
        let now = stamp(rows, shown);
        if self.of == Some(now) && nth.is_none_or(is_here) {
            return;
        }
        self.of = Some(now);
        self.ids.retain(|&id| rows.place(id).is_some());
        let places: BTreeSet<RowNumber> = self.ids.iter().chain([&id]).filter_map(|&id| rows.place(id)).collect();
        let positions = positions(shown, &places);
        let of_row = rows.place(id).map(|place| positions.iter().copied().find(|&nth| shown.get(nth) == Some(place)));
        self.row = of_row.map(|nth| (nth, id));
        if self.row.is_none() {
            return self.clear();
        }
        self.picked.set(positions, of_row.flatten());
        if self.ids.len() < 2 {
            self.ids.clear();
        }
    }
}

fn stamp(rows: &RowView, shown: Shown<'_>) -> Stamp {
    let list = match shown {
        Shown::All(_) => 0,
        Shown::Places(places) => places.as_ptr() as usize,
    };
    (std::ptr::from_ref(rows.prepared) as usize, list, shown.len())
}

/// Where these rows are in the list.
fn positions(shown: Shown<'_>, wanted: &BTreeSet<RowNumber>) -> Vec<usize> {
    let mut positions: Vec<usize> = match shown {
        Shown::All(all) => wanted.iter().map(|&place| place as usize).filter(|&nth| nth < all).collect(),
        Shown::Places(places) => {
            places.iter().enumerate().filter(|(_, place)| wanted.contains(place)).map(|(nth, _)| nth).collect()
        }
    };
    positions.sort_unstable();
    positions
}
