//! Sorting and filtering lists of runs.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use crate::storage::RunRecord;

/// What a list of runs is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The best first; those without a score last.
    Score,
    /// By name; those without one last.
    Name,
    /// By model, and what of it was trained.
    Trained,
    /// The longest training first.
    Time,
    /// The largest first.
    Disk,
}

/// Which runs are listed: those that fit all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only starred ones.
    pub star: bool,
    /// Only those with all of these tags.
    pub tags: Vec<String>,
    /// Only those with all of these words in their name, note, tags, id or model.
    pub words: String,
}

impl RunOrder {
    /// Sorts the runs. Those that are equal keep their order.
    pub fn sort(self, runs: &mut [Arc<RunRecord>]) {
        match self {
            Self::Newest => runs.sort_by_key(|run| Reverse(run.listing.number)),
            Self::Score => runs.sort_by(|one, other| descending(one.goodness(), other.goodness())),
            Self::Name => runs.sort_by_key(|run| {
                let name = run.listing.notes.name.to_lowercase();
                (name.is_empty(), name)
            }),
            Self::Trained => runs.sort_by_key(|run| run.trained_in_words()),
            Self::Time => runs.sort_by(|one, other| descending(one.train_seconds(), other.train_seconds())),
            Self::Disk => runs.sort_by_key(|run| Reverse(run.disk.total())),
        }
    }
}

fn descending(one: Option<f64>, other: Option<f64>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => other.total_cmp(&one),
        _ => other.is_some().cmp(&one.is_some()),
    }
}

impl RunFilter {
    /// Whether a run is listed.
    #[must_use]
    pub fn has(&self, run: &RunRecord) -> bool {
        let notes = &run.listing.notes;
        let text = || {
            let tags = notes.tags.iter().cloned().collect::<Vec<_>>().join(" ");
            let about = [&notes.name, &notes.note, &tags, &run.listing.folder.id(), &run.title()];
            about.map(|part| part.to_lowercase()).join(" ") + " " + &run.trained_in_words().to_lowercase()
        };
        (!self.star || notes.star)
            && self.tags.iter().all(|tag| notes.tags.contains(tag))
            && (self.words.trim().is_empty() || {
                let text = text();
                self.words.to_lowercase().split_whitespace().all(|word| text.contains(word))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{RunFolder, RunRecords, RunStatus};

    fn records() -> (tempfile::TempDir, Vec<Arc<RunRecord>>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, tag) in [("second", "a"), ("", "b"), ("First", "a")] {
            let run = RunFolder::create(folder.path()).unwrap().0;
            run.write_status(&RunStatus::Failed("It ended.".to_owned())).unwrap();
            run.change_notes(|notes| {
                notes.name = name.to_owned();
                notes.star = tag == "b";
                notes.tags.insert(tag.to_owned());
            })
            .unwrap();
        }
        let records = RunRecords::read(folder.path(), None).unwrap().runs;
        (folder, records)
    }

    fn numbers(runs: &[Arc<RunRecord>]) -> Vec<u64> {
        runs.iter().map(|run| run.listing.number).collect()
    }

    #[test]
    fn runs_are_sorted_and_those_without_a_value_come_last() {
        let (_folder, mut runs) = records();
        RunOrder::Name.sort(&mut runs);
        assert_eq!(numbers(&runs), [3, 1, 2]);
        RunOrder::Newest.sort(&mut runs);
        assert_eq!(numbers(&runs), [3, 2, 1]);
        RunOrder::Score.sort(&mut runs);
        assert_eq!(numbers(&runs), [3, 2, 1], "none has a score");
        assert_eq!(descending(Some(1.0), Some(2.0)), Ordering::Greater);
        assert_eq!(descending(Some(1.0), None), Ordering::Less);
    }

    #[test]
    fn a_filter_keeps_the_runs_that_fit_all_of_it() {
        let (_folder, runs) = records();
        let kept = |filter: &RunFilter| {
            let kept: Vec<Arc<RunRecord>> = runs.iter().filter(|run| filter.has(run)).cloned().collect();
            numbers(&kept)
        };
        let filter = RunFilter::default();
        assert_eq!(kept(&filter), [3, 2, 1]);
        assert_eq!(kept(&RunFilter { star: true, ..filter.clone() }), [2]);
        let tagged = RunFilter { tags: vec!["a".to_owned()], ..filter };
        assert_eq!(kept(&tagged), [3, 1]);
        assert_eq!(kept(&RunFilter { words: "FIRST".to_owned(), ..tagged.clone() }), [3]);
        assert_eq!(kept(&RunFilter { words: "run 2".to_owned(), ..RunFilter::default() }), [2]);
        assert!(kept(&RunFilter { star: true, ..tagged }).is_empty());
    }
}
