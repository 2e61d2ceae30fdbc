//! The best model in some minutes: what fits in them on this machine.

use std::path::Path;

use crate::fetch::network_of;
use crate::project::{
    Project, SearchPlan, SearchRange, SearchStart, SearchValues, TaskKind, TrainedLayers, TrainingSettings,
};
use crate::words::{counted, duration, upper_first};
use crate::worker::training::estimate;
use crate::worker::{Context, JobError, LogLevel};

/// How much of the time one run may take, so that there is time for others.
const SHARE: f64 = 0.4;

/// The project with settings of which a run fits in the plan's minutes, and a search around these.
///
/// It begins with an instant model if the task has one. The project's own settings come next, with fewer epochs, or fewer layers, if the
/// whole would take too long here. Where not even one epoch of the fastest way fits, the instant model is all there is.
///
/// # Errors
/// As [`estimate`]; if nothing fits in the time.
pub(super) fn sized(
    context: &mut Context<'_>,
    (project, folder): (&Project, &Path),
    may_fetch: bool,
    plan: &SearchPlan,
) -> Result<(Project, SearchPlan), JobError> {
    let minutes = plan.minutes.unwrap_or(1).max(1);
    let available = SHARE * 60.0 * f64::from(minutes);
    let has_instant = project.task.kind() == TaskKind::TextClassification;
    let start = if has_instant { SearchStart::Instant } else { SearchStart::OwnSettings };
    let ways = ways(project, folder);
    let estimates = estimate(context, (project, folder), may_fetch, ways.clone())?;
    let mut fastest = f64::INFINITY;
    for (training, (_, outcome)) in ways.into_iter().zip(estimates) {
        // One that has no room in memory, or is not possible with this model, is none to choose.
        let Ok(run) = outcome else { continue };
        let Some(time) = run.time.filter(|_| run.problems().is_empty()) else { continue };
        let epoch = time.whole / f64::from(training.epochs.max(1));
        fastest = fastest.min(epoch);
        let epochs = ((available / epoch) as u32).min(training.epochs);
        if epochs > 0 {
            let is_cut = epochs < training.epochs;
            let project = Project { training: TrainingSettings { epochs, ..training }, ..project.clone() };
            let over = ranges(&project, is_cut);
            let way = upper_first(&project.training.trained_layers.in_words());
            context.log(
                LogLevel::Info,
                format!(
                    "{way}, {}: about {} on this machine.",
                    counted(epochs, "epoch", "epochs"),
                    duration(epoch * f64::from(epochs))
                ),
            );
            return Ok((project, SearchPlan { over, start, ..plan.clone() }));
        }
    }
    if has_instant {
        let message = "The time is too short to fine-tune on this machine: an instant model is made.";
        context.log(LogLevel::Warning, message);
        let training = TrainingSettings { trained_layers: TrainedLayers::Instant, ..project.training.clone() };
        let project = Project { training, ..project.clone() };
        return Ok((project, SearchPlan { trials: 1, start: SearchStart::OwnSettings, ..plan.clone() }));
    }
    let needed =
        if fastest.is_finite() { format!(" One epoch takes about {}.", duration(fastest)) } else { String::new() };
    Err(JobError::Failed(format!(
        "Nothing can be trained in {minutes} min on this machine.{needed} Allow more minutes."
    )))
}

/// The ways to train that are tried, in order: the project's, and faster ones.
fn ways(project: &Project, folder: &Path) -> Vec<TrainingSettings> {
    let now = &project.training;
    let of = (project.task.kind(), network_of(&project.model, folder));
    let own = if now.trained_layers == TrainedLayers::Instant {
        TrainingSettings { trained_layers: TrainedLayers::All, ..now.clone() }
            .with_usual_rate(of, TrainedLayers::Instant)
    } else {
        now.clone()
    };
    let possible = now.trained_layers.choices(project.task.kind());
    let faster = [TrainedLayers::Top(2), TrainedLayers::Head].into_iter().filter(|way| possible.contains(way));
    let faster: Vec<TrainingSettings> = faster
        .filter(|way| *way != own.trained_layers)
        .map(|trained_layers| {
            TrainingSettings { trained_layers, ..own.clone() }.with_usual_rate(of, own.trained_layers)
        })
        .collect();
    std::iter::once(own).chain(faster).collect()
}

/// What is searched: as usual, but no more epochs than fit in the time.
fn ranges(project: &Project, is_cut: bool) -> Vec<SearchRange> {
    let mut ranges = SearchRange::usual(project);
    for range in &mut ranges {
        if range.setting == "epochs"
            && is_cut
            && let SearchValues::Between { high, .. } = &mut range.values
        {
            *high = f64::from(project.training.epochs);
        }
    }
    ranges.retain(|range| !matches!(range.values, SearchValues::Between { low, high, .. } if low >= high));
    ranges
}
