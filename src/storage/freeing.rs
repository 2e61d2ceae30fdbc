//! Which parts of a project's runs a person can do without, to free disk space.

use std::collections::BTreeSet;

use crate::project::TaskKind;
use crate::storage::{RunFolder, RunRecords, StorageError};

/// Which runs keep their weights when a person frees disk space. Starred runs always do, and so do interrupted runs, runs in training,
/// and adapted models, which other projects may start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreePolicy {
    /// The so many best by their score.
    pub best: usize,
    /// The so many newest that finished.
    pub newest: usize,
}

impl Default for FreePolicy {
    fn default() -> Self {
        Self { best: 1, newest: 1 }
    }
}

/// A part of a run that can be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunPart {
    /// The checkpoints of a run that needs none any more.
    Checkpoints,
    /// The weights of its best checkpoint. Its metrics and predictions stay.
    Weights,
}

impl RunPart {
    /// What it is, in a word.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Checkpoints => "checkpoints",
            Self::Weights => "weights",
        }
    }
}

/// Something that can be freed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeable {
    /// The run.
    pub run: RunFolder,
    /// Its number.
    pub number: u64,
    /// The part of it.
    pub part: RunPart,
    /// How many bytes it takes.
    pub bytes: u64,
}

impl Freeable {
    /// Removes it from the disk.
    ///
    /// # Errors
    /// [`StorageError::UnderWay`]; errors of the file system.
    pub fn free(&self) -> Result<(), StorageError> {
        match self.part {
            RunPart::Checkpoints => self.run.free_checkpoints(),
            RunPart::Weights => self.run.free_weights(),
        }
    }
}

/// What the policy needs to know of a run.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    is_finished: bool,
    is_starred: bool,
    may_lose_weights: bool,
    /// Higher is better.
    goodness: Option<f64>,
}

impl FreePolicy {
    /// What a person can do without, the newest run first.
    #[must_use]
    pub fn freeable(self, records: &RunRecords) -> Vec<Freeable> {
        let best = records.best().and_then(|run| run.score()).map(|(name, _)| name);
        let candidates = records.runs.iter().map(|run| Candidate {
            is_finished: run.is_finished(),
            is_starred: run.listing.notes.star,
            may_lose_weights: run
                .settings
                .as_ref()
                .is_some_and(|settings| settings.project.task.kind() == TaskKind::TextClassification),
            goodness: run.goodness().filter(|_| run.score().map(|(name, _)| name) == best),
        });
        let candidates: Vec<Candidate> = candidates.collect();
        let parts = self.parts(&candidates).into_iter().map(|(place, part)| {
            let run = &records.runs[place];
            let bytes = match part {
                RunPart::Checkpoints => run.disk.checkpoints,
                RunPart::Weights => run.disk.weights,
            };
            Freeable { run: run.listing.folder.clone(), number: run.listing.number, part, bytes }
        });
        parts.filter(|part| part.bytes > 0).collect()
    }

    /// The parts that can go, of runs that are listed newest first.
    fn parts(self, runs: &[Candidate]) -> Vec<(usize, RunPart)> {
        let places = || (0..runs.len()).filter(|&place| runs[place].is_finished);
        let mut by_score: Vec<usize> = places().filter(|&place| runs[place].goodness.is_some()).collect();
        let goodness = |place: usize| runs[place].goodness.unwrap_or(f64::NEG_INFINITY);
        by_score.sort_by(|&one, &other| goodness(other).total_cmp(&goodness(one)));
        let kept: BTreeSet<usize> = by_score.into_iter().take(self.best).chain(places().take(self.newest)).collect();
        let mut parts = Vec::new();
        for place in places() {
            parts.push((place, RunPart::Checkpoints));
            if runs[place].may_lose_weights && !runs[place].is_starred && !kept.contains(&place) {
                parts.push((place, RunPart::Weights));
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run as a word: its score in hundredths, and after it `*` for a star, `…` for one that has not finished, `a` for an
    /// adapted model.
    fn candidate(word: &str) -> Candidate {
        let score: String = word.chars().filter(char::is_ascii_digit).collect();
        Candidate {
            is_finished: !word.contains('…'),
            is_starred: word.contains('*'),
            may_lose_weights: !word.contains('a'),
            goodness: score.parse().ok(),
        }
    }

    #[test]
    fn the_policy_keeps_what_a_person_may_want_again() {
        // Runs from the newest to the oldest, and those that lose their weights.
        let table: [(FreePolicy, &[&str], &[usize]); 8] = [
            (FreePolicy::default(), &[], &[]),
            (FreePolicy::default(), &["80"], &[]),
            (FreePolicy::default(), &["80", "90", "70"], &[2]),
            (FreePolicy::default(), &["80", "70*", "90", "60"], &[3]),
            (FreePolicy::default(), &["95…", "80", "90", "60…", "50"], &[4]),
            (FreePolicy::default(), &["90", "90", ""], &[1, 2]),
            (FreePolicy { best: 2, newest: 2 }, &["10", "20", "30", "40", "50"], &[2]),
            (FreePolicy::default(), &["20a", "30a", "10a"], &[]),
        ];
        for (policy, words, expected) in table {
            let runs: Vec<Candidate> = words.iter().map(|word| candidate(word)).collect();
            let parts = policy.parts(&runs);
            let places = |part: RunPart| -> Vec<usize> {
                parts.iter().filter(|(_, of)| *of == part).map(|(place, _)| *place).collect()
            };
            assert_eq!(places(RunPart::Weights), expected, "{words:?}");
            let finished: Vec<usize> = (0..runs.len()).filter(|&place| runs[place].is_finished).collect();
            assert_eq!(places(RunPart::Checkpoints), finished, "{words:?}");
        }
    }

    #[test]
    fn what_is_freed_is_no_longer_on_the_disk_and_is_not_found_as_a_model() {
        let folder = tempfile::tempdir().unwrap();
        for right in [30, 36, 33] {
            let run = super::super::run_record::tests::finished(folder.path(), right);
            std::fs::create_dir(run.best()).unwrap();
            std::fs::write(run.best().join("model.safetensors"), "weights").unwrap();
        }
        let read = || RunRecords::read(folder.path(), None).unwrap();
        let freeable = FreePolicy::default().freeable(&read());
        let parts: Vec<_> = freeable.iter().map(|one| (one.number, one.part, one.bytes)).collect();
        assert_eq!(parts, [(1, RunPart::Weights, 7)]);
        freeable[0].free().unwrap();
        assert!(FreePolicy::default().freeable(&read()).is_empty());
        let freed = &freeable[0].run;
        let message = freed.trained().unwrap_err().to_string();
        assert!(message.contains("were freed to save disk space") && message.contains("still there"), "{message}");
        assert!(freed.measured().is_ok() && read().runs[2].has_freed_weights);
        for newer in read().runs.iter().take(2) {
            newer.listing.folder.clone().delete().unwrap();
        }
        let message = RunFolder::find(folder.path(), None).unwrap_err().to_string();
        assert!(message.contains("None of its runs left a model"), "{message}");
    }
}
