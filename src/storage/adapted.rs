//! Models adapted to a person's own texts, to start other projects from.

use std::path::{Path, PathBuf};

use crate::project::TaskKind;
use crate::storage::{ProjectFile, RunFolder};

/// A model that a project adapted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdaptedModel {
    /// Name of the project.
    pub name: String,
    /// The best checkpoint of its newest run that trained to its end, or else of another with a model: a Hugging Face folder.
    pub folder: PathBuf,
}

/// The adapted models of some projects, in their order. Projects of other tasks, without a trained model, or that cannot be
/// read, have none.
#[must_use]
pub fn adapted_models(projects: &[PathBuf]) -> Vec<AdaptedModel> {
    projects.iter().filter_map(|project| adapted_model(project)).collect()
}

/// The adapted model of a project, if it has one.
#[must_use]
pub fn adapted_model(project: &Path) -> Option<AdaptedModel> {
    let (folder, project) = ProjectFile::read(project).ok()?;
    if project.task.kind() != TaskKind::LanguageModelling {
        return None;
    }
    let run = RunFolder::find(&folder, None).ok()?;
    run.trained().ok()?;
    Some(AdaptedModel { name: project.name, folder: run.best() })
}
