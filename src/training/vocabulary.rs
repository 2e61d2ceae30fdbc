//! The folder that training starts from: the model's own, or a copy with the task's new words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::data::{NewWord, content_hash};
use crate::models::{CONFIG_FILE, WEIGHTS_FILE, copy_with_words, weight_paths};
use crate::project::Project;
use crate::storage::{
    FileLock, StorageError, exclude_from_version_control, remove_file, remove_folder, replace_folder,
};
use crate::training::TrainError;
use crate::training::event::Voice;

/// Where copies are, in the project's folder. They can be made again at any time.
const FOLDER: &str = "cache";
/// How the name of a copy begins. The rest depends on the model's files and on the words, so that runs with other words can
/// go on at the same time.
const NAME: &str = "model-with-new-words-";
/// Held by the process that makes or removes copies.
const LOCK: &str = "model-with-new-words.lock";
/// Time between two attempts to take the lock.
const WAIT: Duration = Duration::from_millis(50);

/// The folder that training starts from.
pub(super) struct StartingFolder {
    /// The folder.
    pub path: PathBuf,
    /// Keeps other processes from removing a copy while it is used.
    _in_use: Option<FileLock>,
}

/// The folder that training starts from. With new words, it is a copy of the model in the project's folder, which is made
/// if there is none of this model with these words. Other copies are removed, except those in use.
pub(super) fn starting_folder(
    project: &Project,
    model_folder: &Path,
    project_folder: &Path,
    voice: &mut Voice<'_>,
) -> Result<StartingFolder, TrainError> {
    let words = project.language_modelling().map_or(&[][..], |settings| &settings.new_words);
    if words.is_empty() {
        return Ok(StartingFolder { path: model_folder.to_owned(), _in_use: None });
    }
    let cache = project_folder.join(FOLDER);
    exclude_from_version_control(&cache).map_err(StorageError::io("write", &cache))?;
    let path = cache.join(format!("{NAME}{}", &content_hash(&files(model_folder), &words.join("\n"))[..16]));
    let alone = wait_for(&cache.join(LOCK), voice)?;
    let in_use = FileLock::try_share(&lock_of(&path)).ok().flatten();
    if !path.join(WEIGHTS_FILE).is_file() {
        voice.progress("Adding new words to the model", 0, words.len(), "words");
        let mut added = Vec::new();
        replace_folder::<TrainError>(&path, |unfinished| {
            added = copy_with_words(model_folder, words, unfinished)?;
            Ok(())
        })?;
        voice.log(in_words(&added));
    }
    if alone.is_some() {
        remove_unused(&cache, &path);
    }
    voice.look()?;
    Ok(StartingFolder { path, _in_use: in_use })
}

/// Waits for the lock; `None` where the disk has no locks.
fn wait_for(lock: &Path, voice: &mut Voice<'_>) -> Result<Option<FileLock>, TrainError> {
    loop {
        match FileLock::try_take(lock) {
            Ok(Some(lock)) => return Ok(Some(lock)),
            Ok(None) => {
                voice.look()?;
                std::thread::sleep(WAIT);
            }
            Err(_) => return Ok(None),
        }
    }
}

/// Removes copies that nobody uses, and what a killed process left of one. What cannot be removed only takes space.
fn remove_unused(cache: &Path, used: &Path) {
    let Ok(entries) = std::fs::read_dir(cache) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_copy = path.file_name().is_some_and(|name| {
            // What is not finished begins with a dot.
            name.to_string_lossy().trim_start_matches('.').starts_with(NAME)
        });
        if !is_copy || path == used || !path.is_dir() {
            continue;
        }
        let lock = lock_of(&path);
        if let Ok(Some(held)) = FileLock::try_take(&lock) {
            let _ = remove_folder(&path);
            drop(held);
            let _ = remove_file(&lock);
        }
    }
}

fn lock_of(copy: &Path) -> PathBuf {
    copy.with_extension("lock")
}

fn in_words(added: &[NewWord]) -> String {
    match added {
        [] => "The model's vocabulary already has every new word.".to_owned(),
        [word] => format!("Added '{}' to the model's vocabulary.", word.word),
        words => format!("Added {} words to the model's vocabulary.", words.len()),
    }
}

/// A text that changes if the model's files do.
fn files(model: &Path) -> String {
    let weights = weight_paths(model).unwrap_or_default();
    let others = [CONFIG_FILE, "tokenizer.json", "vocab.txt"].map(|name| model.join(name));
    let files = weights.into_iter().chain(others).map(|path| {
        let file = std::fs::metadata(&path).ok();
        let (bytes, changed) = (file.as_ref().map(std::fs::Metadata::len), file.and_then(|file| file.modified().ok()));
        format!("{} {bytes:?} {changed:?}\n", path.display())
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Control;
    use crate::project::TaskKind;

    fn start(place: &Path, words: &[&str]) -> StartingFolder {
        let mut project = Project::new(TaskKind::LanguageModelling);
        project.language_modelling_mut().unwrap().new_words = words.iter().map(|&word| word.to_owned()).collect();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert-mlm");
        let control = Control::default();
        starting_folder(&project, &model, place, &mut Voice::new(&control, &mut |_| {})).unwrap()
    }

    fn copies(place: &Path) -> usize {
        let entries = std::fs::read_dir(place.join(FOLDER)).unwrap().flatten();
        entries.filter(|entry| entry.path().is_dir()).count()
    }

    #[test]
    fn runs_with_the_same_words_share_a_copy_and_unused_copies_are_removed() {
        let place = tempfile::tempdir().unwrap();
        let (first, same) = (start(place.path(), &["lessee"]), start(place.path(), &["lessee"]));
        assert_eq!((&first.path, copies(place.path())), (&same.path, 1));
        let other = start(place.path(), &["tenant", "rent"]);
        assert!(first.path.is_dir() && first.path != other.path && copies(place.path()) == 2, "both are in use");
        drop((first, same));
        // What a killed process left.
        let left = place.path().join(FOLDER).join(format!(".{NAME}1.new"));
        std::fs::create_dir(&left).unwrap();
        let again = start(place.path(), &["tenant", "rent"]);
        assert_eq!((&again.path, copies(place.path())), (&other.path, 1));
        assert!(place.path().join(FOLDER).join(".gitignore").is_file());
    }

    #[test]
    fn runs_that_begin_together_each_have_a_whole_model() {
        let place = tempfile::tempdir().unwrap();
        let words = [["lessee", "fee"], ["tenant", "rent"], ["lessee", "fee"], ["charge", "month"]];
        std::thread::scope(|scope| {
            let runs = words.map(|words| {
                let place = place.path();
                scope.spawn(move || (words, start(place, &words)))
            });
            for run in runs {
                let (words, folder) = run.join().unwrap();
                let vocabulary = std::fs::read_to_string(folder.path.join("vocab.txt")).unwrap();
                assert!(vocabulary.trim_end().ends_with(&words.join("\n")), "{words:?}");
                assert!(folder.path.join(WEIGHTS_FILE).is_file() && folder.path.join(CONFIG_FILE).is_file());
            }
        });
    }
}
