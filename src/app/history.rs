//! Undo and redo of project edits.

use std::time::{Duration, Instant};

use crate::app::view::View;
use crate::project::Project;

/// Number of edits kept.
const LIMIT: usize = 200;
/// Edits of the same kind within this time count as one, such as dragging a slider or typing a name.
const TOGETHER: Duration = Duration::from_millis(900);

/// An edit that can be undone or redone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it changed, such as "labels".
    pub title: String,
    /// The page where it shows.
    pub page: View,
}

/// Project states before and after the current one.
#[derive(Debug, Default)]
pub struct History {
    past: Vec<(Change, Project)>,
    future: Vec<(Change, Project)>,
    last: Option<(String, Instant)>,
}

impl History {
    /// Stores `before`, the state that an edit is about to change. If it `coalesces`, it merges with a recent edit of the
    /// same title.
    pub fn record(&mut self, change: Change, coalesces: bool, before: &Project, now: Instant) {
        let is_recent =
            |(last, when): &(String, Instant)| *last == change.title && now.saturating_duration_since(*when) < TOGETHER;
        let continues = coalesces && self.last.as_ref().is_some_and(is_recent);
        self.last = Some((change.title.clone(), now));
        self.future.clear();
        if continues && !self.past.is_empty() {
            return;
        }
        self.past.push((change, before.clone()));
        if self.past.len() > LIMIT {
            self.past.remove(0);
        }
    }

    /// Returns the edit and the state before it, and keeps `present` for redo.
    pub fn undo(&mut self, present: &Project) -> Option<(Change, Project)> {
        let (change, before) = self.past.pop()?;
        self.future.push((change.clone(), present.clone()));
        self.last = None;
        Some((change, before))
    }

    /// Returns the edit and the state after it, and keeps `present` for undo.
    pub fn redo(&mut self, present: &Project) -> Option<(Change, Project)> {
        let (change, after) = self.future.pop()?;
        self.past.push((change.clone(), present.clone()));
        self.last = None;
        Some((change, after))
    }

    /// Changes every stored state, for example after the project moved to another folder.
    pub fn map(&mut self, change: impl Fn(&Project) -> Project) {
        for (_, state) in self.past.iter_mut().chain(&mut self.future) {
            *state = change(state);
        }
    }

    /// Title of the edit that undo would revert.
    #[must_use]
    pub fn undo_title(&self) -> Option<&str> {
        self.past.last().map(|(change, _)| change.title.as_str())
    }

    /// Title of the edit that redo would apply.
    #[must_use]
    pub fn redo_title(&self) -> Option<&str> {
        self.future.last().map(|(change, _)| change.title.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Project {
        Project { name: name.to_owned(), ..Project::default() }
    }

    fn at(title: &str) -> Change {
        Change { title: title.to_owned(), page: View::default() }
    }

    fn state(undone: Option<(Change, Project)>) -> Option<Project> {
        undone.map(|(_, project)| project)
    }

    #[test]
    fn undo_and_redo_step_through_the_edits() {
        let mut history = History::default();
        let start = Instant::now();
        history.record(at("cleaning"), true, &named("a"), start);
        history.record(at("split"), true, &named("b"), start);
        assert_eq!(history.undo_title(), Some("split"));
        assert_eq!(state(history.undo(&named("c"))), Some(named("b")));
        assert_eq!(state(history.undo(&named("b"))), Some(named("a")));
        assert_eq!(state(history.undo(&named("a"))), None);
        assert_eq!(state(history.redo(&named("a"))), Some(named("b")));
        assert_eq!(state(history.redo(&named("b"))), Some(named("c")));
        assert_eq!(state(history.redo(&named("c"))), None);
    }

    #[test]
    fn a_dragged_slider_is_one_edit() {
        let mut history = History::default();
        let start = Instant::now();
        history.record(at("split"), true, &named("a"), start);
        history.record(at("split"), true, &named("b"), start + Duration::from_millis(100));
        history.record(at("split"), true, &named("c"), start + Duration::from_millis(200));
        assert_eq!(state(history.undo(&named("d"))), Some(named("a")));
    }

    #[test]
    fn a_new_edit_clears_redo_and_only_the_latest_edits_are_kept() {
        let mut history = History::default();
        let start = Instant::now();
        history.record(at("split"), true, &named("a"), start);
        history.undo(&named("b"));
        history.record(at("cleaning"), true, &named("a"), start);
        assert_eq!(state(history.redo(&named("c"))), None);
        for count in 0..2 * LIMIT {
            let title = if count % 2 == 0 { "labels" } else { "model" };
            history.record(at(title), true, &named("x"), start);
        }
        assert_eq!(history.past.len(), LIMIT);
    }
}
