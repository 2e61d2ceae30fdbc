//! Near-duplicates among the rows of a project.

use std::sync::Arc;

use crate::data::{DataError, NearGroups, Prepared, Side};
use crate::progress::Watch;
use crate::project::{RowId, SourceFile, SplitMethod};

/// The near-duplicates among the rows of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    /// Groups of rows in which each is a near-duplicate of another, in file order.
    pub groups: Vec<Vec<RowId>>,
    /// The side of each row of each group.
    pub sides: Vec<Vec<Side>>,
}

impl Likeness {
    /// Turns groups of texts into groups of rows. Groups of identical texts are excluded: with the same label they are
    /// duplicates, with different labels conflicts, and both are separate findings.
    #[must_use]
    pub fn of(prepared: &Prepared, near: &NearGroups) -> Self {
        let rows = |group: &Vec<u32>| {
            let examples = group.iter().filter_map(|&place| prepared.examples.get(place as usize));
            examples.map(|example| (example.id, example.side)).unzip()
        };
        let text = |place: u32| prepared.examples.get(place as usize).map(|example| example.text.as_str());
        let differ = |group: &&Vec<u32>| group.iter().any(|&place| text(place) != text(group[0]));
        let (groups, sides) = near.groups().iter().filter(differ).map(rows).unzip();
        Self { groups, sides }
    }

    /// The rows of all groups that can be excluded.
    #[must_use]
    pub fn surplus(&self, method: SplitMethod) -> Vec<RowId> {
        let groups = self.groups.iter().zip(&self.sides);
        groups.flat_map(|(ids, sides)| surplus(ids.iter().copied().zip(sides.iter().copied()), method)).collect()
    }

    /// Number of rows that are near-duplicates of another row.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }
}

/// Rows of a group that can be excluded so that one row is left: all rows of the main file but the first. If a row of
/// the group was given as a test or validation row, by a file or by the split column, that one stays and all others go.
pub(in crate::data) fn surplus(
    group: impl Iterator<Item = (RowId, Side)> + Clone,
    method: SplitMethod,
) -> impl Iterator<Item = RowId> {
    let given = move |&(id, side): &(RowId, Side)| {
        id.file != SourceFile::Main || (method == SplitMethod::Column && side == Side::Test)
    };
    let kept = usize::from(!group.clone().any(|row| given(&row)));
    group.filter(move |row| !given(row)).skip(kept).map(|(id, _)| id)
}

/// Compares the cleaned texts of all rows, unless the split has done so.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn compare_texts(prepared: &Prepared, watch: &mut Watch) -> Result<Likeness, DataError> {
    let near = match &prepared.near {
        Some(near) => Arc::clone(near),
        None => NearGroups::find(&prepared.examples, watch)?,
    };
    Ok(Likeness::of(prepared, &near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_test_rows_are_kept_and_their_near_duplicates_excluded() {
        let row = |file, record| RowId { file, record };
        let likeness = Likeness {
            groups: vec![
                vec![row(SourceFile::Main, 1), row(SourceFile::Main, 4)],
                vec![row(SourceFile::Main, 2), row(SourceFile::Main, 3), row(SourceFile::Test, 1)],
            ],
            sides: vec![vec![Side::Train, Side::Test], vec![Side::Train, Side::Validation, Side::Test]],
        };
        let records = |method| likeness.surplus(method).into_iter().map(|id| id.record).collect::<Vec<_>>();
        assert_eq!(records(SplitMethod::Random), [4, 2, 3]);
        assert_eq!(records(SplitMethod::Column), [1, 2, 3], "the column says that row 4 is for the test");
    }
}
