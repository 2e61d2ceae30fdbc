//! What a run trains, in a few words.

use std::path::Path;

use crate::project::{ModelChoice, Project, TrainedLayers};
use crate::words::{counted, shortened};

/// Longest name of a model, in characters.
const LONGEST: usize = 40;

impl ModelChoice {
    /// Its name: the id of the catalogue, `owner/name` of the Hub, or the folder's name. A model that a project trained has that
    /// project's name.
    #[must_use]
    pub fn name(&self) -> String {
        let name = match self {
            Self::Catalogue(id) => id.clone(),
            Self::Hub(model) => model.repo.clone(),
            Self::Folder(folder) => {
                // `<project>/runs/<id>/best`
                let is_run = folder.ends_with("best") && folder.iter().rev().nth(2).is_some_and(|name| name == "runs");
                let named = if is_run { folder.ancestors().nth(3) } else { Some(folder.as_path()) };
                let name = named.and_then(Path::file_name).unwrap_or(folder.as_os_str());
                name.to_string_lossy().into_owned()
            }
        };
        shortened(&name, LONGEST)
    }
}

impl TrainedLayers {
    /// What is trained, to follow the name of a model: "all layers".
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::All => "all layers".to_owned(),
            Self::Top(layers) => format!("top {}", counted(layers, "layer", "layers")),
            Self::Head => "head only".to_owned(),
            Self::Lora => "adapter (LoRA)".to_owned(),
            Self::Instant => "Instant".to_owned(),
        }
    }
}

impl Project {
    /// Its model, and what of it is trained: "minilm-l6, all layers".
    #[must_use]
    pub fn trained_in_words(&self) -> String {
        format!("{}, {}", self.model.name(), self.training.trained_layers.in_words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_so_that_it_can_be_recognised() {
        let name = |folder: &str| ModelChoice::Folder(folder.into()).name();
        assert_eq!(name("/models/legal-bert"), "legal-bert");
        assert_eq!(name("/home/ann/Hone/contracts/runs/2026-11-23-102415-06af/best"), "contracts");
        assert_eq!(name("best"), "best");
        let mut project = Project::default();
        assert_eq!(project.trained_in_words(), "minilm-l6, all layers");
        project.training.trained_layers = TrainedLayers::Top(2);
        assert_eq!(project.trained_in_words(), "minilm-l6, top 2 layers");
    }
}
