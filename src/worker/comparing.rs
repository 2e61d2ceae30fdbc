//! Shares near-duplicates between workers: comparing a million texts takes up to a minute, and the window, training and
//! the split all need the result.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::data::{DataError, Example, NearGroups, TextsKey};
use crate::progress::{Progress, Watch};

/// Number of comparisons kept, so that undoing an edit does not compare again.
const KEPT: usize = 2;
/// How often a job that waits for another worker's comparison checks whether it is finished.
const LOOK: Duration = Duration::from_millis(100);

/// Finished and running comparisons, shared by the workers.
#[derive(Clone, Default)]
pub(super) struct Comparisons(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Comparisons of all texts, the newest last.
    made: VecDeque<Arc<NearGroups>>,
    /// Results for some of these texts, after rows were left out, the newest last. They are kept separately so that
    /// they do not replace the comparisons they were derived from.
    narrowed: VecDeque<Arc<NearGroups>>,
    under_way: Vec<(TextsKey, Progress)>,
}

impl Comparisons {
    /// Forgets all finished comparisons.
    pub fn forget(&self) {
        let mut state = self.lock();
        (state.made, state.narrowed) = (VecDeque::new(), VecDeque::new());
    }

    /// The near-duplicates among the rows' texts: from an earlier comparison, from one that another worker is running,
    /// or compared now.
    ///
    /// # Errors
    /// [`DataError::Cancelled`] if this watch is cancelled; another waiting job then compares itself.
    pub fn near_groups(&self, examples: &[Example], watch: &mut Watch) -> Result<Arc<NearGroups>, DataError> {
        let key = TextsKey::of(examples);
        let mut state = self.lock();
        loop {
            if let Some(near) = state.made.iter().chain(&state.narrowed).find(|near| *near.key() == key) {
                return Ok(Arc::clone(near));
            }
            let Some((_, progress)) = state.under_way.iter().find(|(of, _)| *of == key) else { break };
            let progress = progress.clone();
            drop(state);
            watch.progress(progress);
            watch.look()?;
            let waited = self.0.changed.wait_timeout(self.lock(), LOOK);
            state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
        let made: Vec<Arc<NearGroups>> = state.made.iter().rev().cloned().collect();
        state.under_way.push((key.clone(), Progress::default()));
        drop(state);
        let under_way = UnderWay { comparisons: self, key };
        let control = watch.control;
        let mut report = |progress: Progress| {
            under_way.tell(&progress);
            watch.progress(progress);
        };
        let mut watch = Watch { control, report: &mut report };
        // Leaving rows out does not change how alike the others are.
        for wider in made {
            if let Some(near) = wider.narrowed(examples, &under_way.key, &mut watch)? {
                keep(&mut self.lock().narrowed, &near);
                return Ok(near);
            }
        }
        let near = NearGroups::find(examples, &mut watch)?;
        keep(&mut self.lock().made, &near);
        Ok(near)
    }

    /// The lock is never held while texts are compared.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(all: &mut VecDeque<Arc<NearGroups>>, near: &Arc<NearGroups>) {
    all.push_back(Arc::clone(near));
    if all.len() > KEPT {
        all.pop_front();
    }
}

/// Marks a comparison as running until it is dropped, however it ends.
struct UnderWay<'a> {
    comparisons: &'a Comparisons,
    key: TextsKey,
}

impl UnderWay<'_> {
    fn tell(&self, progress: &Progress) {
        for (_, told) in self.comparisons.lock().under_way.iter_mut().filter(|(key, _)| *key == self.key) {
            told.clone_from(progress);
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.comparisons.lock().under_way.retain(|(key, _)| *key != self.key);
        self.comparisons.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;
    use crate::data::{Side, Target};
    use crate::progress::Control;
    use crate::project::RowId;

    fn examples(texts: &[&str]) -> Vec<Example> {
        let example = |text: &&str| Example {
            id: RowId::default(),
            row: 0,
            text: (*text).to_owned(),
            target: Target::Class(0),
            side: Side::Train,
            relabelled: false,
        };
        texts.iter().map(example).collect()
    }

    /// Compares, and counts in `begun` how often a comparison began.
    fn compare(comparisons: &Comparisons, examples: &[Example], begun: &AtomicUsize) -> Arc<NearGroups> {
        let mut report = |progress: Progress| {
            begun.fetch_add(usize::from(progress.stage == "Comparing texts"), Ordering::Relaxed);
        };
        let control = Control::default();
        comparisons.near_groups(examples, &mut Watch { control: &control, report: &mut report }).unwrap()
    }

    #[test]
    fn the_same_texts_are_compared_only_once() {
        let (comparisons, begun) = (Comparisons::default(), AtomicUsize::new(0));
        let texts = examples(&["one text of some length here", "one text of some length here!", "another"]);
        let first = compare(&comparisons, &texts, &begun);
        assert_eq!(first.groups(), [vec![0, 1]]);
        assert!(Arc::ptr_eq(&first, &compare(&comparisons.clone(), &texts, &begun)));
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        compare(&comparisons, &examples(&["quite another text than those"]), &begun);
        compare(&comparisons, &texts, &begun);
        assert_eq!(begun.load(Ordering::Relaxed), 2, "the one before is kept too");
    }

    #[test]
    fn leaving_rows_out_and_back_in_does_not_compare_again() {
        let (comparisons, begun) = (Comparisons::default(), AtomicUsize::new(0));
        // The second is a near-duplicate of the first and the third, which are not near-duplicates of each other.
        let long = "the quick brown fox jumps over the lazy dog while the cat sleeps all day in the sun";
        let (before, after) = (format!("in may we saw {long}"), format!("{long} and saw it"));
        let all = examples(&[&before, long, &after, "other words stand here", "other words stand here!", "alone"]);
        assert_eq!(compare(&comparisons, &all, &begun).groups(), [vec![0, 1, 2], vec![3, 4]]);
        let without = |left_out: &[usize]| -> Vec<Example> {
            let kept = |(place, example): (usize, &Example)| (!left_out.contains(&place)).then(|| example.clone());
            all.iter().enumerate().filter_map(kept).collect()
        };
        let cases: [(&[usize], &[&[u32]]); 4] = [
            (&[5], &[&[0, 1, 2], &[3, 4]]),
            (&[0, 5], &[&[0, 1], &[2, 3]]),
            (&[3], &[&[0, 1, 2]]),
            (&[], &[&[0, 1, 2], &[3, 4]]),
        ];
        for (left_out, groups) in cases {
            let rows = without(left_out);
            assert_eq!(compare(&comparisons, &rows, &begun).groups(), groups, "without {left_out:?}");
        }
        // Only the group that lost a text was compared again.
        assert_eq!(begun.load(Ordering::Relaxed), 2);
        let torn = without(&[1]);
        let found = compare(&comparisons, &torn, &begun);
        let anew = compare(&Comparisons::default(), &torn, &AtomicUsize::new(0));
        assert_eq!(found.groups(), anew.groups(), "what held them together is gone");
        assert_eq!(found.groups(), [[2, 3]]);
    }

    #[test]
    fn a_second_comparison_waits_for_the_first_and_can_be_stopped() {
        let comparisons = Comparisons::default();
        let texts = examples(&["one text of some length here", "one text of some length here!"]);
        let (arrived, waits) = crossbeam_channel::bounded(1);
        let released = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let first = std::thread::Builder::new()
                .spawn_scoped(scope, || {
                    let mut report = |_| {
                        // Delays the comparison until the other job waits.
                        let _ = arrived.try_send(());
                        while !released.load(Ordering::Acquire) {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                    };
                    let control = Control::default();
                    comparisons.near_groups(&texts, &mut Watch { control: &control, report: &mut report }).unwrap()
                })
                .unwrap();
            waits.recv_timeout(Duration::from_secs(5)).unwrap();
            let stopped = Control::default();
            let mut report = |_| stopped.cancel();
            let second = comparisons.near_groups(&texts, &mut Watch { control: &stopped, report: &mut report });
            assert!(matches!(second, Err(DataError::Cancelled)), "it waited, and stopped waiting");
            let begun = AtomicUsize::new(0);
            let control = Control::default();
            let mut report = |_| {
                released.store(true, Ordering::Release);
                begun.fetch_add(1, Ordering::Relaxed);
            };
            let third = comparisons.near_groups(&texts, &mut Watch { control: &control, report: &mut report }).unwrap();
            assert!(Arc::ptr_eq(&first.join().unwrap(), &third), "the first one's answer");
            assert!(begun.load(Ordering::Relaxed) > 0, "its progress was told");
        });
    }

    #[test]
    fn a_comparison_that_was_stopped_is_made_again() {
        let comparisons = Comparisons::default();
        let texts = examples(&["one text of some length here"]);
        let (control, mut report) = (Control::default(), |_| {});
        control.cancel();
        let stopped = comparisons.near_groups(&texts, &mut Watch { control: &control, report: &mut report });
        assert!(matches!(stopped, Err(DataError::Cancelled)));
        let begun = AtomicUsize::new(0);
        assert!(compare(&comparisons, &texts, &begun).groups().is_empty());
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }
}
