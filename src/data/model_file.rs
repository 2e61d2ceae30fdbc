//! Reads the files of a model folder, which may come from anywhere: only plain files, and none from outside the folder.

use std::io;
use std::path::{Path, PathBuf};

/// Largest text file of a model folder, in bytes. The largest tokenizers have 35 MB.
const MOST_TEXT: u64 = 256 << 20;

/// The file called `name` of a model folder, once it is sure that it can be read: a pipe would never end, and a link could
/// lead to a file that is nobody's business and would be exported with the model.
///
/// # Errors
/// [`io::ErrorKind::NotFound`]; [`io::ErrorKind::InvalidInput`] for anything but a plain file in the folder itself or, for
/// a folder in a Hugging Face cache, among the blobs of the same model; and other errors of the file system.
pub fn model_file(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    let real = path.canonicalize()?;
    if !real.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    let home = folder.canonicalize()?;
    // `snapshots/<commit>/<file>` links to `blobs/<hash>` of the same model.
    let cache = home.parent().filter(|snapshots| snapshots.ends_with("snapshots")).and_then(Path::parent);
    let is_blob = cache.is_some_and(|model| real.starts_with(model.join("blobs")));
    if real.starts_with(&home) || is_blob {
        Ok(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link to a file outside of the model folder"))
    }
}

/// What to do if the model in a folder, or a file of it, cannot be used: a sentence without a full stop.
#[must_use]
pub fn get_model_again(path: &Path) -> &'static str {
    // The model of a run is in `runs/<id>/best`.
    let is_of_run = path.ancestors().any(|folder| {
        let runs = folder.parent().and_then(Path::parent);
        folder.ends_with("best") && runs.is_some_and(|runs| runs.ends_with("runs"))
    });
    if is_of_run { "Choose another run, or train again" } else { "Download the model again, or choose another" }
}

/// The bytes of a text file of a model folder.
///
/// # Errors
/// As [`model_file`], and [`io::ErrorKind::InvalidInput`] if it is too large to be such a file.
pub fn read_model_text(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    let path = model_file(folder, name)?;
    if path.metadata()?.len() > MOST_TEXT {
        let reason = format!("it is larger than {} MiB", MOST_TEXT >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    std::fs::read(path)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_model_of_a_run_cannot_be_downloaded_again() {
        let advice = |path| get_model_again(Path::new(path));
        let of_run = "Choose another run, or train again";
        assert_eq!(advice("shop/runs/2026-11-23-102415-06af/best"), of_run);
        assert_eq!(advice("shop/runs/2026-11-23-102415-06af/best/model.safetensors"), of_run);
        for path in ["models/minilm/config.json", "runs/minilm/config.json", "best/model.safetensors"] {
            assert_eq!(advice(path), "Download the model again, or choose another");
        }
    }

    fn refused(folder: &Path, name: &str) -> String {
        let error = read_model_text(folder, name).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        error.to_string()
    }

    #[test]
    fn only_plain_files_of_the_folder_are_read() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("model");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(place.path().join("secret"), "x").unwrap();
        std::fs::write(folder.join("config.json"), "{}").unwrap();
        symlink("config.json", folder.join("same.json")).unwrap();
        symlink("../secret", folder.join("vocab.txt")).unwrap();
        symlink("/dev/zero", folder.join("tokenizer.json")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(folder.join("merges.txt")).status().unwrap().success());
        assert_eq!(read_model_text(&folder, "config.json").unwrap(), b"{}");
        assert_eq!(read_model_text(&folder, "same.json").unwrap(), b"{}");
        assert!(refused(&folder, "vocab.txt").contains("outside of the model folder"));
        assert!(refused(&folder, "tokenizer.json").contains("not a plain file"));
        assert!(refused(&folder, "merges.txt").contains("not a plain file"));
        assert_eq!(read_model_text(&folder, "none").unwrap_err().kind(), io::ErrorKind::NotFound);
        let link = place.path().join("link");
        symlink(&folder, &link).unwrap();
        assert_eq!(read_model_text(&link, "config.json").unwrap(), b"{}", "the folder itself may be a link");
    }

    #[test]
    fn a_hugging_face_cache_may_link_to_its_own_blobs() {
        let place = tempfile::tempdir().unwrap();
        let snapshot = place.path().join("models--a--b/snapshots/c0");
        for folder in [&snapshot, &place.path().join("models--a--b/blobs"), &place.path().join("models--x--y/blobs")] {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join("feed"), "{}").unwrap();
        }
        symlink("../../blobs/feed", snapshot.join("config.json")).unwrap();
        symlink("../../../models--x--y/blobs/feed", snapshot.join("vocab.txt")).unwrap();
        assert_eq!(read_model_text(&snapshot, "config.json").unwrap(), b"{}");
        assert!(refused(&snapshot, "vocab.txt").contains("outside of the model folder"));
    }
}
