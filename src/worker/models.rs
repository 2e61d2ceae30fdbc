//! The job that downloads a model, and how other jobs find models.

use std::path::{Path, PathBuf};

use crate::fetch::{self, Catalogue};
use crate::project::ModelChoice;
use crate::worker::{Context, Job, JobError, LogLevel};

/// Downloads a model of the catalogue. The answer is its folder.
#[derive(Clone, Debug)]
pub struct FetchModel {
    /// Catalogue id.
    pub id: String,
}

impl Job for FetchModel {
    type Answer = PathBuf;
    const TITLE: &'static str = "Downloading the model";

    fn run(self, context: &mut Context<'_>) -> Result<PathBuf, JobError> {
        let catalogue = Catalogue::bundled().map_err(JobError::failed)?;
        let Some(entry) = catalogue.get(&self.id) else {
            let known: Vec<&str> = catalogue.entries().iter().map(|entry| entry.id.as_str()).collect();
            let (id, known) = (self.id, known.join(", "));
            return Err(JobError::Failed(format!("There is no model '{id}' in the catalogue. It has: {known}.")));
        };
        Ok(context.watched(|watch| fetch::fetch(entry, watch))?)
    }
}

impl Context<'_> {
    /// The model's folder; a model of the catalogue that is not on this machine is downloaded.
    pub(super) fn find_model(&mut self, choice: &ModelChoice, folder: &Path) -> Result<PathBuf, JobError> {
        if let Some(found) = fetch::locate(choice, folder)? {
            return Ok(found);
        }
        let id = match choice {
            ModelChoice::Catalogue(id) => id,
            ModelChoice::Folder(path) => {
                let message = format!("There is no model in {}. Choose another one in the Model step.", path.display());
                return Err(JobError::Failed(message));
            }
        };
        let catalogue = Catalogue::bundled().map_err(JobError::failed)?;
        let Some(entry) = catalogue.get(id) else {
            let message = format!("There is no model '{id}' in the catalogue. Choose another one in the Model step.");
            return Err(JobError::Failed(message));
        };
        self.log(LogLevel::Info, format!("Downloading the model {}.", entry.name));
        Ok(self.watched(|watch| fetch::fetch(entry, watch))?)
    }
}

/// The folder of a model that must be on this machine already.
pub(super) fn local_model(model: &ModelChoice) -> Result<PathBuf, JobError> {
    let found = fetch::locate(model, Path::new(".")).map_err(JobError::failed)?;
    found.ok_or_else(|| {
        JobError::Failed(match model {
            ModelChoice::Catalogue(id) => {
                format!(
                    "The model {id} is not on this machine. Download it with `hone models fetch {id}`, or choose a model folder."
                )
            }
            ModelChoice::Folder(path) => format!("There is no model in {}.", path.display()),
        })
    })
}
