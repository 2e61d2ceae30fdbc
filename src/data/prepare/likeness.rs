//! Near-duplicates among the rows of a project.

use std::sync::Arc;

use rayon::prelude::*;

use crate::data::prepare::near::near_duplicates;
use crate::data::{DataError, Example, Prepared, Side, table::hashing};
use crate::progress::Watch;
use crate::project::{RowId, SourceFile, SplitMethod};

/// The near-duplicates among some texts. Found once, and used as long as the texts stay the same.
#[derive(Debug, PartialEq, Eq)]
pub struct NearGroups {
    texts: TextsKey,
    groups: Vec<Vec<u32>>,
}

/// Which texts were compared, in their order, whatever their labels, sides and row numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextsKey(Arc<[u128]>);

impl TextsKey {
    /// The key of the texts of some rows.
    #[must_use]
    pub fn of(examples: &[Example]) -> Self {
        Self(examples.par_iter().map(|example| hashing::text_hash(&example.text)).collect::<Vec<_>>().into())
    }

    /// The positions of these texts among others, if the others contain all of them in the same order.
    #[must_use]
    pub fn places_among(&self, others: &Self) -> Option<Vec<u32>> {
        let mut rest = others.0.iter().zip(0..);
        self.0.iter().map(|hash| rest.find(|(other, _)| *other == hash).map(|(_, place)| place)).collect()
    }
}

impl NearGroups {
    /// Compares the cleaned texts of all rows.
    ///
    /// # Errors
    /// [`DataError::Cancelled`].
    pub fn find(examples: &[Example], watch: &mut Watch) -> Result<Arc<Self>, DataError> {
        let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
        let groups = near_duplicates(&texts, watch)?;
        Ok(Arc::new(Self { texts: TextsKey::of(examples), groups }))
    }

    /// The same of some of the texts it was found among; `None` where others are among them. Only groups that lost a text
    /// are compared again: what is left may have held together by it.
    ///
    /// # Errors
    /// [`DataError::Cancelled`].
    pub fn narrowed(
        &self,
        examples: &[Example],
        key: &TextsKey,
        watch: &mut Watch,
    ) -> Result<Option<Arc<Self>>, DataError> {
        let Some(places) = key.places_among(&self.texts) else { return Ok(None) };
        let mut new_places = vec![None; self.texts.0.len()];
        for (new, &old) in (0_u32..).zip(&places) {
            new_places[old as usize] = Some(new);
        }
        let (mut groups, mut torn) = (Vec::new(), Vec::new());
        for group in &self.groups {
            let left: Vec<u32> = group.iter().filter_map(|&old| new_places[old as usize]).collect();
            if left.len() == group.len() {
                groups.push(left);
            } else if left.len() > 1 {
                torn.extend(left);
            }
        }
        if !torn.is_empty() {
            torn.sort_unstable();
            let texts: Vec<&str> = torn.iter().map(|&place| examples[place as usize].text.as_str()).collect();
            let found = near_duplicates(&texts, watch)?;
            groups.extend(found.iter().map(|group| group.iter().map(|&nth| torn[nth as usize]).collect::<Vec<_>>()));
        }
        groups.sort_unstable();
        Ok(Some(Arc::new(Self { texts: key.clone(), groups })))
    }

    /// The texts it was found among.
    #[must_use]
    pub fn key(&self) -> &TextsKey {
        &self.texts
    }

    /// Places in the list of rows, group by group, in order.
    #[must_use]
    pub fn groups(&self) -> &[Vec<u32>] {
        &self.groups
    }
}

/// The near-duplicates among the rows of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    /// Groups of rows in which each is a near-duplicate of another, in file order.
    pub groups: Vec<Vec<RowId>>,
    /// The side of each row of each group.
    pub sides: Vec<Vec<Side>>,
}

impl Likeness {
    /// Turns groups of texts into groups of rows.
    #[must_use]
    pub fn of(prepared: &Prepared, near: &NearGroups) -> Self {
        let rows = |group: &Vec<u32>| {
            let examples = group.iter().filter_map(|&place| prepared.examples.get(place as usize));
            examples.map(|example| (example.id, example.side)).unzip()
        };
        let (groups, sides) = near.groups.iter().map(rows).unzip();
        Self { groups, sides }
    }

    /// The rows of one of the groups that can be excluded under this split method.
    pub fn surplus_of(&self, group: usize, method: SplitMethod) -> impl Iterator<Item = RowId> {
        let (ids, sides) = (self.groups.get(group), self.sides.get(group));
        surplus(ids.into_iter().flatten().copied().zip(sides.into_iter().flatten().copied()), method)
    }

    /// The rows of all groups that can be excluded.
    #[must_use]
    pub fn surplus(&self, method: SplitMethod) -> Vec<RowId> {
        (0..self.groups.len()).flat_map(|group| self.surplus_of(group, method)).collect()
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
