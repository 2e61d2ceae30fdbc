//! The folder that training starts from: the model's own, or a copy with the task's new words.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::data::NewWord;
use crate::models::{CONFIG_FILE, WEIGHTS_FILE, copy_with_words};
use crate::project::Project;
use crate::storage::{StorageError, replace_folder, write_atomic};
use crate::training::TrainError;
use crate::training::event::Voice;

/// The copy's location in the project's folder. It can be created again at any time.
const FOLDER: &str = "cache/model-with-new-words";
/// The file in it that records what it was made from.
const MADE_FROM: &str = "made-from.txt";

/// The folder that training starts from. If there are new words, it is a copy of the model in the project's folder,
/// created again if the model or the words have changed.
pub(super) fn starting_folder(
    project: &Project,
    model_folder: &Path,
    project_folder: &Path,
    voice: &mut Voice<'_>,
) -> Result<PathBuf, TrainError> {
    let words = project.language_modelling().map_or(&[][..], |settings| &settings.new_words);
    if words.is_empty() {
        return Ok(model_folder.to_owned());
    }
    let (folder, made_from) = (project_folder.join(FOLDER), made_from(model_folder, words));
    if std::fs::read_to_string(folder.join(MADE_FROM)).is_ok_and(|found| found == made_from) {
        return Ok(folder);
    }
    voice.progress("Adding new words to the model", 0, words.len(), "words");
    let mut added = Vec::new();
    replace_folder::<TrainError>(&folder, |unfinished| {
        added = copy_with_words(model_folder, words, unfinished)?;
        let path = unfinished.join(MADE_FROM);
        let written = write_atomic(&path, |file| file.write_all(made_from.as_bytes()));
        Ok(written.map_err(StorageError::io("write", &path))?)
    })?;
    voice.log(in_words(&added));
    voice.look()?;
    Ok(folder)
}

fn in_words(added: &[NewWord]) -> String {
    match added {
        [] => "The model's vocabulary already has every new word.".to_owned(),
        [word] => format!("Added '{}' to the model's vocabulary.", word.word),
        words => format!("Added {} words to the model's vocabulary.", words.len()),
    }
}

/// A text that changes if the model's files or the words change.
fn made_from(model: &Path, words: &[String]) -> String {
    let files = [WEIGHTS_FILE, CONFIG_FILE, "tokenizer.json", "vocab.txt"].map(|name| {
        let path = model.join(name);
        let file = std::fs::metadata(&path).ok();
        let (bytes, changed) = (file.as_ref().map(std::fs::Metadata::len), file.and_then(|file| file.modified().ok()));
        format!("{} {bytes:?} {changed:?}\n", path.display())
    });
    files.concat() + &words.join("\n")
}
