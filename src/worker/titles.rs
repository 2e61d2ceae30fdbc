//! What runs are called.

use crate::storage::{RunFolder, RunListing, RunSettings, StudyFolder};
use crate::worker::JobError;

/// A run's number and notes; `None` if it is not among the runs of its project, as the trials of a study are not.
pub(super) fn listing_of(run: &RunFolder) -> Result<Option<RunListing>, JobError> {
    Ok(RunFolder::list(run.project_folder())?.into_iter().find(|listing| listing.folder.id() == run.id()))
}

/// A run's number, or its place in its study: "Run 3", "Search 2026-11-23-101530-ab12: trial 3 of 20".
pub(super) fn title(run: &RunFolder, listing: Option<&RunListing>, settings: Option<&RunSettings>) -> String {
    let trial = settings.and_then(|settings| settings.trial.as_ref());
    match (listing, trial, StudyFolder::of_trial(run)) {
        (Some(listing), ..) => format!("Run {}", listing.number),
        (None, Some(trial), Some(study)) => match study.read_settings() {
            Ok(settings) => settings.plan.trial_title_in(&study.id(), trial.number),
            // What the study asked is lost.
            Err(_) => format!("Trial {} of the study {}", trial.number, study.id()),
        },
        _ => format!("Run {}", run.id()),
    }
}
