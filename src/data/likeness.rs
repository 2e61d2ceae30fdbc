//! Rows that are nearly the same, and what that does to the figures.

use std::collections::HashSet;

use super::near::{are_near, near_duplicates};
use super::{DataError, Prepared, Side};
use crate::progress::Watch;
use crate::project::RowId;

/// What comparing all texts of a project gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    /// Groups of rows of which each is nearly the same as another of its group, in file order.
    pub groups: Vec<Vec<RowId>>,
    /// Validation and test rows that are nearly the same as training rows.
    pub across: Vec<Across>,
}

/// Rows of one side that are nearly, but not to the letter, the same as training rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Across {
    /// Validation or test.
    pub side: Side,
    /// Its rows, and how many of them are.
    pub rows: [usize; 2],
    /// The first of them, and the training row it is like.
    pub first: [RowId; 2],
}

impl Likeness {
    /// Rows that are nearly the same as another.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// What a person should know before training, in words.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warning = |across: &Across| {
            let side = if across.side == Side::Test { "test" } else { "validation" };
            let [all, alike] = across.rows;
            let [row, trained] = across.first;
            format!(
                "{alike} of {all} {side} {} nearly the same as a training row (the first: {row} and {trained}), which makes \
                 the figures look better than they are",
                if alike == 1 { "rows is" } else { "rows are" }
            )
        };
        self.across.iter().map(warning).collect()
    }
}

/// Compares the cleaned texts of all rows.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn compare_texts(prepared: &Prepared, watch: &mut Watch) -> Result<Likeness, DataError> {
    let examples = &prepared.examples;
    let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
    let groups = near_duplicates(&texts, watch)?;
    let across = [Side::Validation, Side::Test].into_iter().filter_map(|side| {
        let mut found = Vec::new();
        for group in &groups {
            let members = || group.iter().map(|&place| &examples[place as usize]);
            let trained: HashSet<&str> =
                members().filter(|example| example.side == Side::Train).map(|example| example.text.as_str()).collect();
            let of_side = members().filter(|example| example.side == side && !trained.is_empty());
            found.extend(
                of_side.filter(|example| !trained.contains(example.text.as_str())).map(|example| (example, group)),
            );
        }
        let &(example, group) = found.iter().min_by_key(|(example, _)| (example.id.file, example.id.record))?;
        let mut trained = group.iter().map(|&place| &examples[place as usize]).filter(|row| row.side == Side::Train);
        let first_trained = trained.clone().next()?;
        // A group holds together by neighbours: the nearest kin is named, not any row of it.
        let like = trained.find(|row| are_near(&row.text, &example.text)).unwrap_or(first_trained);
        Some(Across { side, rows: [prepared.side(side).count(), found.len()], first: [example.id, like.id] })
    });
    let across = across.collect();
    let ids = |group: &Vec<u32>| group.iter().map(|&place| examples[place as usize].id).collect();
    Ok(Likeness { groups: groups.iter().map(ids).collect(), across })
}
