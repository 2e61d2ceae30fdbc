//! One description of every model that can be downloaded, so that those of the catalogue and those of the Hub are found, checked
//! and downloaded in the same way.

use std::borrow::Cow;
use std::path::{Component, Path};

use crate::fetch::FetchError;
use crate::fetch::catalogue::{Catalogue, CatalogueEntry, Source};
use crate::fetch::file_hash::{FileHash, is_hex};
use crate::fetch::folders::folder_name;
use crate::fetch::hub_name::HubName;
use crate::fetch::suggestions::Languages;
use crate::models::{ModelConfig, network_kind};
use crate::project::{HubModel, ModelChoice, NetworkKind};

/// Where the model can be downloaded from, and its files; `None` for a folder, which is not downloaded.
///
/// # Errors
/// [`FetchError::UnknownModel`] if the catalogue has no such model, [`FetchError::BadPin`] if the project's description of a
/// model of the Hub is damaged: a project file can come from anybody.
pub fn entry_of(choice: &ModelChoice) -> Result<Option<Cow<'static, CatalogueEntry>>, FetchError> {
    match choice {
        ModelChoice::Folder(_) => Ok(None),
        ModelChoice::Catalogue(id) => {
            let catalogue = Catalogue::bundled()?;
            let entry = catalogue
                .get(id)
                .ok_or_else(|| FetchError::UnknownModel { id: id.to_owned(), known: catalogue.known_ids() })?;
            Ok(Some(Cow::Borrowed(entry)))
        }
        ModelChoice::Hub(model) => {
            check(model).map_err(|reason| FetchError::BadPin { repo: model.repo.clone(), reason })?;
            Ok(Some(Cow::Owned(entry_of_hub(model))))
        }
    }
}

/// The kind of a model's network. A folder is relative to the project's folder; one without a model counts as an encoder.
#[must_use]
pub fn network_of(choice: &ModelChoice, project_folder: &Path) -> NetworkKind {
    match choice {
        ModelChoice::Folder(folder) => ModelConfig::read(&project_folder.join(folder))
            .map_or_else(|_| NetworkKind::default(), |config| config.network_kind()),
        ModelChoice::Catalogue(_) | ModelChoice::Hub(_) => {
            let entry = entry_of(choice).ok().flatten();
            entry.map_or_else(NetworkKind::default, |entry| network_kind(&entry.architecture, entry.parameters))
        }
    }
}

fn entry_of_hub(model: &HubModel) -> CatalogueEntry {
    let short = model.commit.get(..8).unwrap_or(&model.commit);
    let suggested = Catalogue::bundled().ok().and_then(|catalogue| catalogue.suggestion_of(&model.repo));
    let language = suggested.and_then(|suggested| match &suggested.languages {
        Languages::Only(code) => Some(code.clone()),
        Languages::Several(_) => None,
    });
    CatalogueEntry {
        id: folder_name(&model.repo),
        name: model.repo.clone(),
        architecture: model.architecture.clone(),
        parameters: model.parameters,
        licence: model.licence.clone().unwrap_or_else(|| "unknown".to_owned()),
        language,
        longest: suggested.map(|suggested| suggested.longest),
        group: suggested.map_or_else(Default::default, |suggested| suggested.group),
        description: format!("{} from the Hugging Face Hub, pinned to commit {short}", model.architecture),
        files: model.files.clone(),
        sources: vec![Source::Hub { repo: model.repo.clone(), revision: Some(model.commit.clone()) }],
        exact: true,
    }
}

/// Its names become paths and addresses, so they must be plain.
fn check(model: &HubModel) -> Result<(), String> {
    HubName::parse(&model.repo)
        .ok()
        .filter(|name| name.repo() == model.repo)
        .ok_or_else(|| format!("'{}' is not a model name", model.repo))?;
    if !is_hex(&model.commit, 40) {
        return Err(format!("'{}' is not a commit", model.commit));
    }
    if model.files.is_empty() {
        return Err("it has no files".to_owned());
    }
    for file in &model.files {
        let is_plain = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
        if file.path.is_empty() || !is_plain || file.path.contains(['\\', ':', '?', '#', '%']) {
            return Err(format!("'{}' is not the path of a file in the model's folder", file.path));
        }
        if FileHash::of(file).is_none() || file.bytes.is_none() {
            return Err(format!("{} has no size or no hash", file.path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::ModelFile;

    fn model() -> HubModel {
        let file = |path: &str| ModelFile {
            path: path.to_owned(),
            bytes: Some(3),
            sha256: None,
            git_sha1: Some("a".repeat(40)),
        };
        HubModel {
            repo: "owner/name".to_owned(),
            commit: "0123456789".repeat(4),
            architecture: "bert".to_owned(),
            licence: None,
            parameters: 5,
            files: vec![file("config.json"), file("1_Pooling/config.json")],
        }
    }

    #[test]
    fn a_model_of_the_hub_is_described_like_one_of_the_catalogue() {
        let entry = entry_of(&ModelChoice::Hub(model())).unwrap().unwrap();
        assert_eq!((entry.name.as_str(), entry.bytes(), entry.licence.as_str()), ("owner/name", Some(6), "unknown"));
        assert_eq!(entry.sources[0].describe(), "Hugging Face Hub, owner/name at 01234567");
        assert!(matches!(entry_of(&ModelChoice::default()).unwrap(), Some(Cow::Borrowed(_))));
        assert!(entry_of(&ModelChoice::Folder("a".into())).unwrap().is_none());
    }

    #[test]
    fn the_kind_of_a_network_is_known_before_it_is_downloaded() {
        let kind = |choice: &ModelChoice| network_of(choice, Path::new("."));
        assert_eq!(kind(&ModelChoice::default()), NetworkKind::OF_DEFAULT_MODEL);
        let of_hub = |architecture: &str, parameters| {
            let architecture = architecture.to_owned();
            kind(&ModelChoice::Hub(HubModel { architecture, parameters, ..model() }))
        };
        let found = [("bert", 33_000_000), ("bert", 110_000_000), ("gpt2", 5_000_000)].map(|(a, n)| of_hub(a, n));
        assert_eq!(found, [NetworkKind::SmallEncoder, NetworkKind::Encoder, NetworkKind::Decoder]);
        assert_eq!(kind(&ModelChoice::Folder("none".into())), NetworkKind::Encoder);
    }

    #[test]
    fn a_pin_that_leaves_the_cache_is_refused() {
        type Change = fn(&mut HubModel);
        let cases: [(Change, &str); 8] = [
            (|model| model.repo = "../../up".to_owned(), "is not a model name"),
            (|model| model.repo = "https://huggingface.co/a/b".to_owned(), "is not a model name"),
            (|model| model.commit = "../../../etc".to_owned(), "is not a commit"),
            (|model| model.files[0].path = "../config.json".to_owned(), "is not the path of a file"),
            (|model| model.files[0].path = "/etc/passwd".to_owned(), "is not the path of a file"),
            (|model| model.files[0].path = "..\\x".to_owned(), "is not the path of a file"),
            (|model| model.files[0].git_sha1 = None, "no size or no hash"),
            (|model| model.files.clear(), "no files"),
        ];
        for (change, reason) in cases {
            let mut changed = model();
            change(&mut changed);
            let error = entry_of(&ModelChoice::Hub(changed)).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("Choose it again"), "{error}");
        }
    }
}
