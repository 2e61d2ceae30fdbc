//! What the part of a network that is not trained makes of each text, kept from one epoch to the next.

use std::path::PathBuf;

use crate::data::packed;
use crate::models::TextClassifier;
use crate::ops::Array;
use crate::storage::ScratchFile;

use crate::training::TrainError;

/// Numbers kept in memory by one cache, 512 MiB of them; more go to disk.
const IN_MEMORY: usize = 1 << 27;

/// Numbers kept on disk by one cache, 8 GiB of them; more are computed anew each time.
const ON_DISK: u64 = 1 << 31;

/// Features of texts by their row.
pub(super) struct FeatureCache {
    places: Vec<Place>,
    width: usize,
    /// Numbers in memory, and how many there may be.
    kept: usize,
    limit: usize,
    folder: PathBuf,
    scratch: Option<ScratchFile>,
    /// Numbers on disk.
    on_disk: u64,
    /// Whether the disk takes no more.
    full: bool,
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
        Self {
            places: vec![Place::Unknown; rows],
            width: 0,
            kept: 0,
            limit,
            folder,
            scratch: None,
            on_disk: 0,
            full: false,
        }
    }

    /// Features of the texts at `rows` of `ids`, end to end, computed where they are not known yet; `None` when all of the
    /// network is trained.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] when the network fails or `stop` says so, [`TrainError::Storage`] when what was kept on disk
    /// can no longer be read. A disk that takes no more costs time alone.
    pub fn of(
        &mut self,
        model: &TextClassifier,
        ids: &[Vec<u32>],
        rows: &[usize],
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Array>, TrainError> {
        let compute = |rows: &[usize]| model.features(&packed(ids, None, rows), stop);
        let unknown = |places: &[Place]| -> Vec<usize> {
            rows.iter().copied().filter(|&row| matches!(places[row], Place::Unknown)).collect()
        };
        let new = unknown(&self.places);
        if !new.is_empty() {
            let Some(features) = compute(&new)? else { return Ok(None) };
            self.keep(ids, &new, &features);
            if !unknown(&self.places).is_empty() {
                return if new.len() == rows.len() { Ok(Some(features)) } else { Ok(compute(rows)?) };
            }
        }
        self.gather(rows).map(Some)
    }

    /// Spreads the features of a batch over its texts, as far as there is room.
    fn keep(&mut self, ids: &[Vec<u32>], rows: &[usize], features: &Array) {
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
                self.keep_on_disk(of_row).map_or(Place::Unknown, |place| Place::Disk { place, numbers: of_row.len() })
            };
        }
    }

    fn keep_on_disk(&mut self, values: &[f32]) -> Option<u64> {
        self.full |= self.on_disk + values.len() as u64 > ON_DISK;
        if self.full {
            return None;
        }
        let scratch = match self.scratch.take() {
            Some(scratch) => Ok(scratch),
            None => ScratchFile::create(&self.folder),
        };
        let place = scratch.and_then(|mut scratch| {
            let place = scratch.append(values);
            self.scratch = Some(scratch);
            place
        });
        self.full = place.is_err();
        self.on_disk += values.len() as u64;
        place.ok()
    }

    fn gather(&mut self, rows: &[usize]) -> Result<Array, TrainError> {
        let mut values = Vec::new();
        for &row in rows {
            match &self.places[row] {
                Place::Unknown => unreachable!("rows that are not kept are computed"),
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
    fn a_disk_that_takes_nothing_costs_time_alone() {
        let ids: Vec<Vec<u32>> = (1..6_u32).map(|length| (0..length).map(|at| 5 + at).collect()).collect();
        let model = tiny(TrainedLayers::Head);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut cache = FeatureCache::with_limit(ids.len(), file.join("below"), 40);
        for rows in [&[0, 1, 2][..], &[2, 4, 0], &[1, 3]] {
            let got = cache.of(&model, &ids, rows, &|| false).unwrap().unwrap();
            let expected = model.features(&packed(&ids, None, rows), &|| false).unwrap().unwrap();
            for (got, expected) in got.values().iter().zip(expected.values()) {
                assert!((got - expected).abs() < 1e-5, "{got} {expected}");
            }
        }
        assert!(cache.full && cache.kept <= 40);
    }

    #[test]
    fn a_network_that_is_trained_throughout_has_none() {
        let mut cache = FeatureCache::new(1, PathBuf::from("never made"));
        assert!(cache.of(&tiny(TrainedLayers::All), &[vec![5, 6]], &[0], &|| false).unwrap().is_none());
    }
}
