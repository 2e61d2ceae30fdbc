//! The job that downloads a model, and how other jobs find models.

use std::path::{Path, PathBuf};

use crate::fetch::{self, Catalogue};
use crate::project::ModelChoice;
use crate::words::bytes;
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
    /// The model's folder, with its files compared with the catalogue's hashes. A model of the catalogue that is not on this
    /// machine, or damaged, is downloaded if `may_fetch`.
    pub(super) fn find_model(
        &mut self,
        choice: &ModelChoice,
        folder: &Path,
        may_fetch: bool,
    ) -> Result<PathBuf, JobError> {
        let (found, damaged) = self.watched(|watch| fetch::locate_checked(choice, folder, watch))?;
        if let Some(found) = found {
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
        let size = entry.bytes().map_or_else(String::new, |size| format!(" ({})", bytes(size)));
        if !may_fetch {
            let why = damaged.first().map_or_else(|| format!("The model {id} is not on this machine"), Clone::clone);
            let message = format!(
                "{why}. Download it{size}: in the Model step, with `hone models fetch {id}`, or by adding --fetch."
            );
            return Err(JobError::Failed(message));
        }
        for damaged in damaged {
            self.log(LogLevel::Warning, format!("{damaged}, so it is downloaded again."));
        }
        self.log(LogLevel::Info, format!("Downloading the model {}{size}.", entry.name));
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
