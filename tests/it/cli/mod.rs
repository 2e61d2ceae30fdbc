//! The terminal, through the real program.

mod adapt;
mod bad_input;
mod columns;
mod data;
mod job;
mod old_projects;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The tiny random model of the fixtures: real files, a second of training.
const TINY_BERT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tiny-bert");

/// A folder of one test, in which the program runs as on a fresh machine: no display, no network, empty caches.
struct Place {
    folder: tempfile::TempDir,
}

/// What the program printed and how it ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hone"));
        command.args(arguments).current_dir(self.folder.path());
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "CARGO_MANIFEST_DIR", "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT"] {
            command.env_remove(name);
        }
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_DATA_HOME", "home/data"),
            ("XDG_CACHE_HOME", "home/cache"),
        ] {
            command.env(name, self.path(folder));
        }
        command.env("HF_HUB_OFFLINE", "1").env("PIP_NO_INDEX", "1").env("COLUMNS", "100");
        command
    }

    fn hone(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap(), self.folder.path())
    }

    /// As [`Self::hone`], for what must go well.
    fn good(&self, arguments: &[&str]) -> String {
        let ended = self.hone(arguments);
        assert_eq!(ended.code, Some(0), "hone {}\n{}{}", arguments.join(" "), ended.out, ended.err);
        ended.out
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let out = self.good(arguments);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error} in:\n{out}"))
    }

    /// As [`Self::hone`], for what must fail with that code; gives the error's text.
    fn bad(&self, code: i32, arguments: &[&str]) -> String {
        let ended = self.hone(arguments);
        assert_eq!(ended.code, Some(code), "hone {}\n{}{}", arguments.join(" "), ended.out, ended.err);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        let error = ended.err.lines().skip_while(|line| !line.to_lowercase().starts_with("error:"));
        error.collect::<Vec<_>>().join("\n")
    }

    /// A project in `shop` on `reviews.csv` and the tiny model.
    fn project(&self) {
        self.write("reviews.csv", reviews(20));
        self.good(&[
            "new",
            "shop",
            "--data",
            "reviews.csv",
            "--text",
            "review",
            "--label",
            "mood",
            "--model",
            TINY_BERT,
        ]);
    }
}

impl Ended {
    /// Paths of the test's own folder are written `[folder]`, so that texts can be compared.
    fn from(output: Output, folder: &Path) -> Self {
        let folders = [folder.canonicalize().unwrap().display().to_string(), folder.display().to_string()];
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            folders.iter().fold(text, |text, folder| text.replace(folder.as_str(), "[folder]"))
        };
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A CSV with three labels of `each` rows, every text its own.
fn reviews(each: usize) -> String {
    let openings = [("good", "I love this"), ("fair", "It is fairly okay this"), ("bad", "I hate this broken")];
    let things = ["shoe", "phone", "book", "battery", "cable"];
    let mut text = "id,review,mood\n".to_owned();
    for row in 0..each {
        for (label, opening) in openings {
            text.push_str(&format!("{row},{opening} {} after {row} days,{label}\n", things[row % things.len()]));
        }
    }
    text
}
