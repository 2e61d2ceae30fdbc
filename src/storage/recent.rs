//! Recent projects, with what a person recognises them by.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::evaluation::{Metrics, Verdict};
use crate::project::TaskKind;
use crate::storage::{PROJECT_FILE, ProjectFile, RunFolder, RunStatus};

/// A recent project.
#[derive(Clone, Debug, PartialEq)]
pub struct RecentProject {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// What its model is for.
    pub task: TaskKind,
    /// When it was changed or trained last, in seconds since 1970.
    pub used_at: u64,
    /// The metrics of its newest finished run.
    pub metrics: Option<Metrics>,
    /// The verdict on that run; `None` also if its files cannot be read.
    pub verdict: Option<Verdict>,
}

/// Those of `folders` that hold a project which can be read, in their order.
#[must_use]
pub fn recent_projects(folders: &[PathBuf]) -> Vec<RecentProject> {
    folders.iter().filter_map(|folder| recent_project(folder)).collect()
}

fn recent_project(folder: &Path) -> Option<RecentProject> {
    let (_, project) = ProjectFile::read(folder).ok()?;
    let runs = RunFolder::list(folder).unwrap_or_default();
    let finished = runs.into_iter().find_map(|run| match run.status {
        RunStatus::Finished(summary) => Some((run.folder, summary)),
        RunStatus::Running | RunStatus::Failed(_) => None,
    });
    let verdict = finished.as_ref().and_then(|(run, summary)| {
        let settings = run.read_settings().ok()?;
        Some(summary.judge(&settings.project, &run.read_comparison().ok()?).verdict)
    });
    let summary = finished.map(|(_, summary)| summary);
    let changed = std::fs::metadata(folder.join(PROJECT_FILE)).and_then(|file| file.modified()).ok();
    let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
    Some(RecentProject {
        folder: folder.to_owned(),
        name: project.name,
        task: project.task.kind(),
        used_at: changed.max(summary.as_ref().map_or(0, |summary| summary.started_at)),
        metrics: summary.map(|summary| summary.test.unwrap_or(summary.validation)),
        verdict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    #[test]
    fn projects_that_cannot_be_read_are_not_listed() {
        let place = tempfile::tempdir().unwrap();
        let folders = ["good", "damaged", "gone"].map(|name| place.path().join(name));
        for folder in &folders[..2] {
            let project = Project { name: "Tickets".to_owned(), ..Project::new(TaskKind::LanguageModelling) };
            drop(ProjectFile::create(folder, &project, false).unwrap());
        }
        std::fs::write(folders[1].join(PROJECT_FILE), "(name: \"half").unwrap();
        let found = recent_projects(&folders);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].task), ("Tickets", TaskKind::LanguageModelling));
        assert!(found[0].metrics.is_none() && found[0].used_at > 1_700_000_000);
    }
}
