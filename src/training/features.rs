//! What the part of a network that is not trained makes of each text, kept from one epoch to the next.

use std::path::PathBuf;

use crate::data::packed;
use crate::models::TextClassifier;
use crate::ops::Array;
use crate::storage::ScratchFile;

use super::TrainError;

/// Numbers kept in memory, 1 GiB of them; the rest goes to disk.
const IN_MEMORY: usize = 1 << 28;

/// Features of texts by their row.
pub(super) struct FeatureCache {
    places: Vec<Place>,
    width: usize,
    /// Numbers in memory, and how many there may be.
    kept: usize,
    limit: usize,
    folder: PathBuf,
    scratch: Option<ScratchFile>,
}

#[derive(Clone, Debug)]
enum Place {
    Unknown,
    Memory(Box<[f32]>),
    Disk { place: u64, numbers: usize },
}

impl FeatureCache {
    /// For so many rows; what does not fit in memory goes to the disk of `folder`.
    pub fn new(rows: usize, folder: PathBuf) -> Self {
        Self::with_limit(rows, folder, IN_MEMORY)
    }

    fn with_limit(rows: usize, folder: PathBuf, limit: usize) -> Self {
        Self { places: vec![Place::Unknown; rows], width: 0, kept: 0, limit, folder, scratch: None }
    }

    /// Features of the texts at `rows` of `ids`, end to end, computed where they are not known yet; `None` when all of the
    /// network is trained.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] when the network fails or `stop` says so, [`TrainError::Storage`] when the disk is full.
    pub fn of(
        &mut self,
        model: &TextClassifier,
        ids: &[Vec<u32>],
        rows: &[usize],
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Array>, TrainError> {
        let new: Vec<usize> = rows.iter().copied().filter(|&row| matches!(self.places[row], Place::Unknown)).collect();
        if !new.is_empty() {
            let Some(features) = model.features(&packed(ids, None, &new), stop)? else { return Ok(None) };
            self.keep(ids, &new, &features)?;
        }
        self.gather(rows).map(Some)
    }

    /// Spreads the features of a batch over its texts.
    fn keep(&mut self, ids: &[Vec<u32>], rows: &[usize], features: &Array) -> Result<(), TrainError> {
        self.width = features.width();
        // One vector a text or one a token.
        let a_text = features.rows() == rows.len();
        let mut rest = features.values();
        for &row in rows {
            let vectors = if a_text { 1 } else { ids[row].len() };
            let (of_row, others) = rest.split_at(vectors * self.width);
            rest = others;
            self.places[row] = if self.kept + of_row.len() <= self.limit {
                self.kept += of_row.len();
                Place::Memory(of_row.into())
            } else {
                let scratch = match &mut self.scratch {
                    Some(scratch) => scratch,
                    empty => empty.insert(ScratchFile::create(&self.folder)?),
                };
                Place::Disk { place: scratch.append(of_row)?, numbers: of_row.len() }
            };
        }
        Ok(())
    }

    fn gather(&mut self, rows: &[usize]) -> Result<Array, TrainError> {
        let mut values = Vec::new();
        for &row in rows {
            match &self.places[row] {
                Place::Unknown => {}
                Place::Memory(of_row) => values.extend_from_slice(of_row),
                &Place::Disk { place, numbers } => {
                    let first = values.len();
                    values.resize(first + numbers, 0.0);
                    if let Some(scratch) = &mut self.scratch {
                        scratch.read(place, &mut values[first..])?;
                    }
                }
            }
        }
        Ok(Array::from_values(values.len().checked_div(self.width).unwrap_or(0), self.width, &values))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::models::LoadOptions;
    use crate::project::TrainedLayers;

    fn tiny(trained: TrainedLayers) -> TextClassifier {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let labels = vec!["bad".to_owned(), "good".to_owned()];
        TextClassifier::load(&folder, &LoadOptions { labels, trained, ..LoadOptions::default() }).unwrap().0
    }

    #[test]
    fn features_from_memory_and_from_disk_are_those_of_the_network() {
        let ids: Vec<Vec<u32>> = (1..9_u32).map(|length| (0..length).map(|at| 5 + at).collect()).collect();
        for trained in [TrainedLayers::Head, TrainedLayers::Top(1)] {
            let model = tiny(trained);
            let folder = tempfile::tempdir().unwrap();
            let mut cache = FeatureCache::with_limit(ids.len(), folder.path().to_owned(), 100);
            let mut of = |rows: &[usize]| cache.of(&model, &ids, rows, &|| false).unwrap().unwrap().to_rows();
            of(&[6, 1, 3]);
            let rows = [3, 0, 7, 6];
            let expected = model.features(&packed(&ids, None, &rows), &|| false).unwrap().unwrap().to_rows();
            for (got, expected) in of(&rows).iter().flatten().zip(expected.iter().flatten()) {
                assert!((got - expected).abs() < 1e-5, "{got} {expected}");
            }
            assert_eq!(of(&rows), of(&rows));
            assert!(cache.kept <= 100 && cache.scratch.is_some());
        }
    }

    #[test]
    fn a_network_that_is_trained_throughout_has_none() {
        let mut cache = FeatureCache::new(1, PathBuf::from("never made"));
        assert!(cache.of(&tiny(TrainedLayers::All), &[vec![5, 6]], &[0], &|| false).unwrap().is_none());
    }
}
