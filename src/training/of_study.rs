//! What a run that is a trial of a study knows of it.

use std::cell::RefCell;
use std::path::Path;

use crate::evaluation::FittedProbe;
use crate::project::Trial;
use crate::storage::EvaluationPoint;

/// The study that a run is a trial of.
#[derive(Clone, Copy)]
pub struct OfStudy<'a> {
    /// The study's folder: the run goes to `runs/<id>/` below it.
    pub folder: &'a Path,
    /// The run's place in it.
    pub trial: &'a Trial,
    /// Whether an evaluation says that other trials do better, so that this one ends early.
    pub falls_behind: &'a dyn Fn(&EvaluationPoint) -> bool,
    /// The linear probe that trials begin with.
    pub probe: &'a KeptProbe,
}

/// The linear probe that a trial began with. Most trials of a study train the same network on the same rows, and it is fitted once for
/// all of them.
#[derive(Debug, Default)]
pub struct KeptProbe(RefCell<Option<(u64, FittedProbe)>>);

impl KeptProbe {
    /// The probe that was fitted to what has this hash.
    pub(super) fn get(&self, of: u64) -> Option<FittedProbe> {
        self.0.borrow().as_ref().filter(|(kept, _)| *kept == of).map(|(_, fitted)| fitted.clone())
    }

    /// Keeps a probe in place of the one before.
    pub(super) fn keep(&self, of: u64, fitted: &FittedProbe) {
        self.0.replace(Some((of, fitted.clone())));
    }
}
