//! What a run that is a trial of a study knows of it.

use std::path::Path;

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
}
