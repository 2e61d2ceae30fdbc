//! What a person does with studies, as their page asks for it.

use crate::project::StudyPlan;
use crate::storage::StudyFolder;

/// Something that a person does with studies.
#[derive(Clone, Debug, PartialEq)]
pub enum StudiesCommand {
    /// Try learning rates; the answer comes in `Answers::rate`.
    FindRate,
    /// Stop trying them.
    StopRate,
    /// Begin a study with the project's settings.
    Begin(StudyPlan),
    /// Go on with a study that was stopped or interrupted.
    Resume(StudyFolder),
    /// Stop the study that is running; it keeps what is done.
    Stop,
    /// Ask the process that runs a study to stop it; it keeps what is done.
    StopElsewhere(StudyFolder),
    /// Make the best trial of a search a run of the project.
    Keep(StudyFolder),
    /// Use these settings, written as `name=value`, in the project.
    Use(Vec<String>),
}
