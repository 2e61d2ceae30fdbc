//! The jobs that look models up and download them, and how other jobs find models.

use std::path::{Path, PathBuf};

use crate::data::file_sha256;
use crate::fetch::{self, FetchError, FetchSettings, HubListing, HubName, LookedUp, ModelFolders, entry_of};
use crate::models::{CONFIG_FILE, convert_gguf};
use crate::progress::{Cancelled, Progress};
use crate::project::{HubModel, ModelChoice};
use crate::storage::{StorageError, check_new_folder, create_folder, folder_name, replace_folder};
use crate::words::bytes;
use crate::worker::{Context, Job, JobError, LogLevel};

/// Downloads a model of the catalogue or of the Hugging Face Hub. The answer is its folder.
#[derive(Clone, Debug)]
pub struct FetchModel {
    /// The model.
    pub model: ModelChoice,
}

impl Job for FetchModel {
    type Answer = PathBuf;
    const TITLE: &'static str = "Downloading the model";

    fn run(self, context: &mut Context<'_>) -> Result<PathBuf, JobError> {
        match (entry_of(&self.model)?, &self.model) {
            (Some(entry), _) => {
                let settings = context.fetch_settings()?;
                Ok(context.watched(|watch| fetch::fetch(&entry, &settings, watch))?)
            }
            (None, choice) => context.local_model(choice),
        }
    }
}

/// Looks a model of the Hugging Face Hub up, and pins it to its commit and to the hashes of its files. Without the Hub, the
/// model is looked up in its cache on this machine.
#[derive(Clone, Debug)]
pub struct LookUpModel {
    /// Its name.
    pub name: HubName,
}

impl Job for LookUpModel {
    type Answer = LookedUp;
    const TITLE: &'static str = "Looking the model up";

    fn run(self, context: &mut Context<'_>) -> Result<LookedUp, JobError> {
        let settings = context.fetch_settings()?;
        Ok(context.watched(|watch| fetch::look_up(&self.name, &settings, watch))?)
    }
}

/// Searches the Hugging Face Hub for models.
#[derive(Clone, Debug)]
pub struct SearchHub {
    /// Words, or a model's full name or address.
    pub words: String,
}

impl Job for SearchHub {
    type Answer = Vec<HubListing>;
    const TITLE: &'static str = "Searching the Hugging Face Hub";

    fn run(self, context: &mut Context<'_>) -> Result<Vec<HubListing>, JobError> {
        let settings = context.fetch_settings()?;
        Ok(context.watched(|watch| fetch::search(&self.words, &settings, watch))?)
    }
}

/// Turns a GGUF file into a model folder. The answer is the folder.
#[derive(Clone, Debug)]
pub struct ConvertGguf {
    /// The file.
    pub file: PathBuf,
    /// The folder to write to; `None` is one among Hone's own models, by the file's name and hash, which is written whole or not
    /// at all.
    pub out: Option<PathBuf>,
}

/// Folder of converted models, among Hone's own.
const CONVERTED: &str = "converted";

impl Job for ConvertGguf {
    type Answer = PathBuf;
    const TITLE: &'static str = "Converting the GGUF file";

    fn run(self, context: &mut Context<'_>) -> Result<PathBuf, JobError> {
        let Self { file, out } = self;
        if let Some(out) = out {
            check_new_folder(&out)?;
            context
                .watched(|watch| create_folder(&out, |new| convert_gguf(&file, new, watch).map_err(JobError::from)))?;
            return Ok(out);
        }
        let own = context.model_folders().ok_or(FetchError::NoCacheFolder)?.own.join(CONVERTED);
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let reading = format!("Reading {}", file.file_name().unwrap_or_default().to_string_lossy());
        context.watched(|watch| {
            watch.progress(Progress::stage(&reading));
            let hash = file_sha256(&file, Some(watch.control)).map_err(StorageError::io("read", &file))?;
            let hash = hash.ok_or(Cancelled)?;
            let folder = own.join(folder_name(&format!("{name}-{}", hash.get(..8).unwrap_or(&hash))));
            // The same file was converted before.
            if !folder.join(CONFIG_FILE).is_file() {
                replace_folder(&folder, |new| convert_gguf(&file, new, watch).map_err(JobError::from))?;
            }
            Ok(folder)
        })
    }
}

impl Context<'_> {
    /// Where models are looked for, downloaded from and kept.
    fn fetch_settings(&self) -> Result<FetchSettings, FetchError> {
        self.cache.models.clone().map_or_else(FetchSettings::from_environment, Ok)
    }

    fn model_folders(&self) -> Option<ModelFolders> {
        let given = self.cache.models.as_ref().map(|models| models.folders.clone());
        given.or_else(ModelFolders::from_environment)
    }

    /// The folder of a model if it is on this machine; `folder` is the project's.
    pub(super) fn locate(&self, choice: &ModelChoice, folder: &Path) -> Result<Option<PathBuf>, FetchError> {
        fetch::locate(choice, folder, self.model_folders().as_ref())
    }

    /// The model's folder, with its files compared with their hashes. A model that is not on this machine, or damaged, is
    /// downloaded if `may_fetch`.
    pub(super) fn find_model(
        &mut self,
        choice: &ModelChoice,
        folder: &Path,
        may_fetch: bool,
    ) -> Result<PathBuf, JobError> {
        let folders = self.model_folders();
        let (found, damaged) = self.watched(|watch| fetch::locate_checked(choice, folder, folders.as_ref(), watch))?;
        if let Some(found) = found {
            return Ok(found);
        }
        let Some(entry) = entry_of(choice)? else { return Err(not_here(choice)) };
        let size = entry.bytes().map_or_else(String::new, |size| format!(" ({})", bytes(size)));
        if !may_fetch {
            let name = name_of(choice);
            let why = damaged.first().map_or_else(|| format!("The model {name} is not on this machine"), Clone::clone);
            let message = format!(
                "{why}. Download it{size}: in the Model step, with `hone models fetch {name}`, or by adding --fetch."
            );
            return Err(JobError::Failed(message));
        }
        for damaged in damaged {
            self.log(LogLevel::Warning, format!("{damaged}, so it is downloaded again."));
        }
        self.log(LogLevel::Info, format!("Downloading the model {}{size}.", entry.name));
        let settings = self.fetch_settings()?;
        Ok(self.watched(|watch| fetch::fetch(&entry, &settings, watch))?)
    }

    /// The folder of a model that must be on this machine already.
    pub(super) fn local_model(&self, model: &ModelChoice) -> Result<PathBuf, JobError> {
        self.locate(model, Path::new("."))?.ok_or_else(|| not_here(model))
    }
}

/// The name with which `hone models fetch` downloads the model as it is pinned.
fn name_of(model: &ModelChoice) -> String {
    match model {
        ModelChoice::Catalogue(id) => id.clone(),
        ModelChoice::Hub(HubModel { repo, commit, .. }) => format!("{repo}@{commit}"),
        ModelChoice::Folder(path) => path.display().to_string(),
    }
}

fn not_here(model: &ModelChoice) -> JobError {
    let name = name_of(model);
    JobError::Failed(match model {
        ModelChoice::Folder(_) => format!("There is no model in {name}. Choose another one in the Model step."),
        ModelChoice::Catalogue(_) | ModelChoice::Hub(_) => format!(
            "The model {name} is not on this machine. Download it with `hone models fetch {name}`, or choose a model folder."
        ),
    })
}
