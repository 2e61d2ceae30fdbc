//! Rows that are nearly the same.

use std::sync::Arc;

use super::near::near_duplicates;
use super::{DataError, Example, Prepared, hashing};
use crate::progress::Watch;
use crate::project::RowId;

/// Which of some texts are nearly the same. Found once, and used for as long as the texts are these.
#[derive(Debug, PartialEq, Eq)]
pub struct NearGroups {
    texts: TextsKey,
    groups: Vec<Vec<u32>>,
}

/// Which texts were compared, whatever their labels, sides and row numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextsKey(String);

impl TextsKey {
    /// The key of the texts of some rows.
    #[must_use]
    pub fn of(examples: &[Example]) -> Self {
        Self(hashing::texts_hash(examples))
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

/// What comparing all texts of a project gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    /// Groups of rows of which each is nearly the same as another of its group, in file order.
    pub groups: Vec<Vec<RowId>>,
}

impl Likeness {
    /// The rows of the groups found among the texts of these.
    #[must_use]
    pub fn of(prepared: &Prepared, near: &NearGroups) -> Self {
        let ids = |group: &Vec<u32>| {
            let examples = group.iter().filter_map(|&place| prepared.examples.get(place as usize));
            examples.map(|example| example.id).collect()
        };
        Self { groups: near.groups.iter().map(ids).collect() }
    }

    /// Rows that are nearly the same as another.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }
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
