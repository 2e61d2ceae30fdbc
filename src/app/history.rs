//! Undo and redo of project edits.

use std::time::{Duration, Instant};

use crate::project::Project;

/// Number of edits kept.
const LIMIT: usize = 200;
/// Edits of the same kind within this time count as one, such as dragging a slider or typing a name.
const TOGETHER: Duration = Duration::from_millis(900);

/// Project states before and after the current one.
#[derive(Debug, Default)]
pub struct History {
    past: Vec<(&'static str, Project)>,
    future: Vec<(&'static str, Project)>,
    last: Option<(&'static str, Instant)>,
}

impl History {
    /// Stores `before`, the state that an edit called `title` is about to change. If it `coalesces`, it merges with a
    /// recent edit of the same title.
    pub fn record(&mut self, title: &'static str, coalesces: bool, before: &Project, now: Instant) {
        let continues = coalesces
            && self.last.is_some_and(|(last, when)| last == title && now.saturating_duration_since(when) < TOGETHER);
        self.last = Some((title, now));
        self.future.clear();
        if continues && !self.past.is_empty() {
            return;
        }
        self.past.push((title, before.clone()));
        if self.past.len() > LIMIT {
            self.past.remove(0);
        }
    }

    /// Returns the previous state and keeps `present` for redo.
    pub fn undo(&mut self, present: &Project) -> Option<Project> {
        let (title, before) = self.past.pop()?;
        self.future.push((title, present.clone()));
        self.last = None;
        Some(before)
    }

    /// Returns the next state and keeps `present` for undo.
    pub fn redo(&mut self, present: &Project) -> Option<Project> {
        let (title, after) = self.future.pop()?;
        self.past.push((title, present.clone()));
        self.last = None;
        Some(after)
    }

    /// Changes every stored state, for example after the project moved to another folder.
    pub fn map(&mut self, change: impl Fn(&Project) -> Project) {
        for (_, state) in self.past.iter_mut().chain(&mut self.future) {
            *state = change(state);
        }
    }

    /// Title of the edit that undo would revert.
    #[must_use]
    pub fn undo_title(&self) -> Option<&'static str> {
        self.past.last().map(|(title, _)| *title)
    }

    /// Title of the edit that redo would apply.
    #[must_use]
    pub fn redo_title(&self) -> Option<&'static str> {
        self.future.last().map(|(title, _)| *title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Project {
        Project { name: name.to_owned(), ..Project::default() }
    }

    #[test]
    fn undo_and_redo_step_through_the_edits() {
        let mut history = History::default();
        let start = Instant::now();
        history.record("cleaning", true, &named("a"), start);
        history.record("split", true, &named("b"), start);
        assert_eq!(history.undo_title(), Some("split"));
        assert_eq!(history.undo(&named("c")), Some(named("b")));
        assert_eq!(history.undo(&named("b")), Some(named("a")));
        assert_eq!(history.undo(&named("a")), None);
        assert_eq!(history.redo(&named("a")), Some(named("b")));
        assert_eq!(history.redo(&named("b")), Some(named("c")));
        assert_eq!(history.redo(&named("c")), None);
    }

    #[test]
    fn a_dragged_slider_is_one_edit() {
        let mut history = History::default();
        let start = Instant::now();
        history.record("split", true, &named("a"), start);
        history.record("split", true, &named("b"), start + Duration::from_millis(100));
        history.record("split", true, &named("c"), start + Duration::from_millis(200));
        assert_eq!(history.undo(&named("d")), Some(named("a")));
    }

    #[test]
    fn a_new_edit_clears_redo_and_only_the_latest_edits_are_kept() {
        let mut history = History::default();
        let start = Instant::now();
        history.record("split", true, &named("a"), start);
        history.undo(&named("b"));
        history.record("cleaning", true, &named("a"), start);
        assert_eq!(history.redo(&named("c")), None);
        for count in 0..2 * LIMIT {
            let title = if count % 2 == 0 { "labels" } else { "model" };
            history.record(title, true, &named("x"), start);
        }
        assert_eq!(history.past.len(), LIMIT);
    }
}
