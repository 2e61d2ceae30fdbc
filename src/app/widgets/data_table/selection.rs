//! Which rows of a table are selected.

use std::ops::Range;

/// The selected rows of a table, by their positions in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSelection {
    /// In order, apart from each other, none of them empty: selecting a million rows takes one.
    ranges: Vec<Range<usize>>,
    /// The row where a range begins that is extended with Shift.
    anchor: Option<usize>,
    /// The row the keys move from.
    cursor: Option<usize>,
    /// The table must scroll to the cursor.
    follow: bool,
    /// Which rows the positions are of.
    of: u64,
}

impl RowSelection {
    /// Number of selected rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// Whether no row is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a row is selected.
    #[must_use]
    pub fn contains(&self, row: usize) -> bool {
        self.range_of(row).is_ok()
    }

    /// The selected rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.ranges.iter().cloned().flatten()
    }

    /// The row the keys move from.
    #[must_use]
    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// Selects one row.
    pub fn only(&mut self, row: usize) {
        self.ranges = std::iter::once(row..row + 1).collect();
        (self.anchor, self.cursor) = (Some(row), Some(row));
    }

    /// Selects the rows from the anchor to this one.
    pub fn extend(&mut self, row: usize) {
        let anchor = self.anchor.unwrap_or(row);
        self.ranges = std::iter::once(anchor.min(row)..anchor.max(row) + 1).collect();
        (self.anchor, self.cursor) = (Some(anchor), Some(row));
    }

    /// Selects a row, or deselects it.
    pub fn toggle(&mut self, row: usize) {
        match self.range_of(row) {
            Ok(place) => {
                let range = self.ranges.remove(place);
                let parts = [range.start..row, row + 1..range.end];
                self.ranges.splice(place..place, parts.into_iter().filter(|part| !part.is_empty()));
            }
            Err(place) => {
                self.ranges.insert(place, row..row + 1);
                self.join();
            }
        }
        (self.anchor, self.cursor) = (Some(row), Some(row));
    }

    /// Selects all rows of a table with this many.
    pub fn all(&mut self, rows: usize) {
        self.ranges = std::iter::once(0..rows).filter(|all| !all.is_empty()).collect();
        self.anchor = Some(0);
        self.cursor = self.cursor.or(Some(0));
    }

    /// Selects these rows, which are in order.
    pub fn set(&mut self, rows: impl IntoIterator<Item = usize>, cursor: Option<usize>) {
        self.ranges = rows.into_iter().map(|row| row..row + 1).collect();
        self.join();
        (self.anchor, self.cursor) = (cursor, cursor);
    }

    /// Selects no row.
    pub fn clear(&mut self) {
        (self.ranges, self.anchor, self.cursor) = (Vec::new(), None, None);
    }

    /// Whether the same rows are selected, and the keys move from the same one.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.ranges == other.ranges && self.cursor == other.cursor
    }

    /// Lets the keys move from a row that has the focus.
    pub(super) fn point_at(&mut self, row: usize) {
        self.cursor = Some(row);
    }

    /// Asks the table to scroll to the cursor.
    pub fn follow(&mut self) {
        self.follow = true;
    }

    /// Whether the table must scroll to the cursor, once.
    pub(super) fn take_follow(&mut self) -> bool {
        std::mem::take(&mut self.follow)
    }

    /// Forgets the selection if it is of other rows. `of` is a number that differs for other rows.
    pub fn about(&mut self, of: u64) {
        if self.of != of {
            *self = Self { of, ..Self::default() };
        }
    }

    /// Forgets positions after the last row.
    pub(super) fn keep_within(&mut self, rows: usize) {
        self.ranges.retain(|range| range.start < rows);
        if let Some(last) = self.ranges.last_mut() {
            last.end = last.end.min(rows);
        }
        self.anchor = self.anchor.filter(|&row| row < rows);
        self.cursor = self.cursor.filter(|&row| row < rows);
    }

    /// The range that holds a row, or where it would be inserted.
    fn range_of(&self, row: usize) -> Result<usize, usize> {
        use std::cmp::Ordering;
        self.ranges.binary_search_by(|range| match () {
            () if range.end <= row => Ordering::Less,
            () if range.start > row => Ordering::Greater,
            () => Ordering::Equal,
        })
    }

    /// Joins ranges that touch.
    fn join(&mut self) {
        let mut joined: Vec<Range<usize>> = Vec::with_capacity(self.ranges.len());
        for range in self.ranges.drain(..) {
            match joined.last_mut().filter(|last| last.end >= range.start) {
                Some(last) => last.end = last.end.max(range.end),
                None => joined.push(range),
            }
        }
        self.ranges = joined;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(selection: &RowSelection) -> Vec<usize> {
        selection.iter().collect()
    }

    #[test]
    fn shift_extends_from_the_anchor_in_both_directions() {
        let mut selection = RowSelection::default();
        selection.only(5);
        selection.extend(8);
        assert_eq!(rows(&selection), [5, 6, 7, 8]);
        selection.extend(3);
        assert_eq!((rows(&selection), selection.cursor()), (vec![3, 4, 5], Some(3)));
    }

    #[test]
    fn toggling_splits_and_joins_ranges() {
        let mut selection = RowSelection::default();
        selection.all(6);
        selection.toggle(2);
        assert_eq!((rows(&selection), selection.len(), selection.contains(2)), (vec![0, 1, 3, 4, 5], 5, false));
        selection.toggle(2);
        assert_eq!((selection.ranges.len(), selection.len()), (1, 6));
        for row in 0..6 {
            selection.toggle(row);
        }
        assert!(selection.is_empty());
    }

    #[test]
    fn rows_that_are_gone_are_not_selected() {
        let mut selection = RowSelection::default();
        selection.set([1, 2, 7, 9], Some(9));
        selection.keep_within(8);
        assert_eq!((rows(&selection), selection.cursor()), (vec![1, 2, 7], None));
        selection.keep_within(0);
        assert!(selection.is_empty());
        selection.about(1);
        selection.only(0);
        selection.about(1);
        assert_eq!(selection.len(), 1);
        selection.about(2);
        assert!(selection.is_empty());
    }
}
