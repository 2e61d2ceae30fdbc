//! Caches the output of the frozen layers for each sample from one epoch to the next.

use std::path::PathBuf;

use crate::data::Batch;
use crate::models::Model;
use crate::ops::Array;
use crate::storage::ScratchFile;

use crate::training::TrainError;
use crate::training::room::free_space;

/// Numbers that a cache keeps in memory (512 MiB). Further ones go to disk.
const IN_MEMORY: usize = 1 << 27;

/// Numbers that a cache keeps on disk (8 GiB). Further ones are recomputed each time.
const ON_DISK: u64 = 1 << 31;

/// Features of samples by their row.
pub(super) struct FeatureCache {
    entries: Vec<CacheEntry>,
    width: usize,
    /// Numbers in memory, and the limit.
    kept: usize,
    limit: usize,
    folder: PathBuf,
    scratch: Option<ScratchFile>,
    /// Numbers on disk.
    on_disk: u64,
    /// Whether the disk is full.
    full: bool,
    /// Bytes of the disk that stay free, for checkpoints.
    reserve: u64,
}

#[derive(Clone, Debug)]
enum CacheEntry {
    Unknown,
    Memory(Box<[f32]>),
    Disk { place: u64, numbers: usize },
}

impl FeatureCache {
    /// A cache for `rows` samples. What does not fit in memory goes to a file in `folder`.
    /// `reserve` bytes of the disk stay free.
    pub fn new(rows: usize, folder: PathBuf, reserve: u64) -> Self {
        Self { reserve, ..Self::with_limit(rows, folder, IN_MEMORY) }
    }

    fn with_limit(rows: usize, folder: PathBuf, limit: usize) -> Self {
        Self {
            entries: vec![CacheEntry::Unknown; rows],
            width: 0,
            kept: 0,
            limit,
            folder,
            scratch: None,
            on_disk: 0,
            full: false,
            reserve: 0,
        }
    }

    /// The concatenated features of the batch's samples, computed if not yet cached; `None` if everything is trained. A
    /// sample must have the same tokens and reads each time.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] if the network fails or `stop` returns true, [`TrainError::Storage`] if features on disk
    /// can no longer be read. A full disk only costs time.
    pub fn of(&mut self, model: &Model, batch: &Batch, stop: &dyn Fn() -> bool) -> Result<Option<Array>, TrainError> {
        let is_unknown = |entries: &[CacheEntry], row: usize| matches!(entries[row], CacheEntry::Unknown);
        let new = batch.only(|row| is_unknown(&self.entries, row));
        if !new.is_empty() {
            let Some(features) = model.features(&new, stop)? else { return Ok(None) };
            self.keep(&new, &features);
            if batch.rows.iter().any(|&row| is_unknown(&self.entries, row)) {
                return if new.len() == batch.len() { Ok(Some(features)) } else { Ok(model.features(batch, stop)?) };
            }
        }
        self.gather(batch).map(Some)
    }

    /// Stores the features of a batch for its samples, as far as there is room.
    fn keep(&mut self, batch: &Batch, features: &Array) {
        self.width = features.width();
        // Frozen layers below a trained one compute every token; if all are frozen, only what the head gets.
        let ends = if features.rows() == batch.total_tokens() { batch.cu_seqlens.clone() } else { batch.cu_wanted() };
        let mut rest = features.values();
        for sequences in batch.samples() {
            let row = batch.rows[sequences.start];
            let vectors = (ends[sequences.end] - ends[sequences.start]) as usize;
            let (of_row, others) = rest.split_at(vectors * self.width);
            rest = others;
            self.entries[row] = if self.kept + of_row.len() <= self.limit {
                self.kept += of_row.len();
                CacheEntry::Memory(of_row.into())
            } else {
                self.keep_on_disk(of_row)
                    .map_or(CacheEntry::Unknown, |place| CacheEntry::Disk { place, numbers: of_row.len() })
            };
        }
    }

    fn keep_on_disk(&mut self, values: &[f32]) -> Option<u64> {
        let needed = self.reserve + size_of_val(values) as u64;
        self.full |=
            self.on_disk + values.len() as u64 > ON_DISK || free_space(&self.folder).is_some_and(|free| free < needed);
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

    fn gather(&mut self, batch: &Batch) -> Result<Array, TrainError> {
        let mut values = Vec::new();
        for sequences in batch.samples() {
            match &self.entries[batch.rows[sequences.start]] {
                CacheEntry::Unknown => unreachable!("rows that are not kept are computed"),
                CacheEntry::Memory(of_row) => values.extend_from_slice(of_row),
                &CacheEntry::Disk { place, numbers } => {
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
    use crate::data::{Pooling, packed};
    use crate::models::LoadOptions;
    use crate::project::TrainedLayers;

    fn tiny(trained: TrainedLayers) -> Model {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let labels = vec!["bad".to_owned(), "good".to_owned()];
        Model::load(&folder, &LoadOptions { trained, ..LoadOptions::classifier(labels) }).unwrap().0
    }

    #[test]
    fn features_from_memory_and_disk_equal_those_of_the_network() {
        let ids: Vec<Vec<u32>> = (1..9_u32).map(|length| (0..length).map(|at| 5 + at).collect()).collect();
        for trained in [TrainedLayers::Head, TrainedLayers::Top(1)] {
            let model = tiny(trained);
            let folder = tempfile::tempdir().unwrap();
            let mut cache = FeatureCache::with_limit(ids.len(), folder.path().to_owned(), 100);
            let mut of = |rows: &[usize]| {
                cache.of(&model, &packed(&ids, Pooling::First, None, rows), &|| false).unwrap().unwrap().to_rows()
            };
            of(&[6, 1, 3]);
            let rows = [3, 0, 7, 6];
            let expected =
                model.features(&packed(&ids, Pooling::First, None, &rows), &|| false).unwrap().unwrap().to_rows();
            for (got, expected) in of(&rows).iter().flatten().zip(expected.iter().flatten()) {
                assert!((got - expected).abs() < 1e-5, "{got} {expected}");
            }
            assert_eq!(of(&rows), of(&rows));
            assert!(cache.kept <= 100 && cache.scratch.is_some());
        }
    }

    #[test]
    fn a_full_disk_only_costs_time() {
        let ids: Vec<Vec<u32>> = (1..6_u32).map(|length| (0..length).map(|at| 5 + at).collect()).collect();
        let model = tiny(TrainedLayers::Head);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut cache = FeatureCache::with_limit(ids.len(), file.join("below"), 40);
        for rows in [&[0, 1, 2][..], &[2, 4, 0], &[1, 3]] {
            let batch = packed(&ids, Pooling::First, None, rows);
            let got = cache.of(&model, &batch, &|| false).unwrap().unwrap();
            let expected = model.features(&batch, &|| false).unwrap().unwrap();
            for (got, expected) in got.values().iter().zip(expected.values()) {
                assert!((got - expected).abs() < 1e-5, "{got} {expected}");
            }
        }
        assert!(cache.full && cache.kept <= 40);
    }

    #[test]
    fn room_for_checkpoints_stays_free() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = FeatureCache { limit: 0, ..FeatureCache::new(1, folder.path().to_owned(), u64::MAX / 2) };
        let batch = packed(&[vec![5, 6]], Pooling::First, None, &[0]);
        assert!(cache.of(&tiny(TrainedLayers::Head), &batch, &|| false).unwrap().is_some());
        assert!(cache.full && cache.scratch.is_none());
    }

    #[test]
    fn a_network_without_frozen_layers_has_no_features() {
        let mut cache = FeatureCache::new(1, PathBuf::from("never made"), 0);
        assert!(
            cache
                .of(&tiny(TrainedLayers::All), &packed(&[vec![5, 6]], Pooling::First, None, &[0]), &|| false)
                .unwrap()
                .is_none()
        );
    }
}
