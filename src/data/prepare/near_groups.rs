//! The near-duplicates among some texts.

use std::sync::Arc;

use rayon::prelude::*;

use crate::data::prepare::near::near_duplicates;
use crate::data::{DataError, Example, table::hashing};
use crate::progress::Watch;

/// The near-duplicates among some texts. They can be used as long as the texts stay the same.
#[derive(Debug, PartialEq, Eq)]
pub struct NearGroups {
    texts: TextsKey,
    groups: Vec<Vec<u32>>,
}

/// Identifies the texts that were compared and their order, regardless of labels, sides and row numbers.
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

    /// The near-duplicates among some of the same texts; `None` if there are other texts too. Only groups that lost a
    /// text are compared again: it may have linked the others.
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

    /// The texts that were compared.
    #[must_use]
    pub fn key(&self) -> &TextsKey {
        &self.texts
    }

    /// Indices into the list of rows, group by group, in order.
    #[must_use]
    pub fn groups(&self) -> &[Vec<u32>] {
        &self.groups
    }
}
