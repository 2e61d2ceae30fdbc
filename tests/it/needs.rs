//! What some tests need besides this repository.
//!
//! Such a test is in a module named after its need ([`NEEDS`]) and marked `#[ignore]`, so that it is counted as ignored,
//! never as passed, where the need is not met. `tests/run` finds out which needs are met and runs those tests too; a test
//! that is run without what it needs fails. Tests in a module `by_hand`, such as measurements, are only run by hand.

use std::fs;
use std::path::{Path, PathBuf};

use hone::fetch::{ModelFolders, locate};
use hone::models::Compute;
use hone::project::{DeviceChoice, ModelChoice};

/// Modules of tests that are ignored unless someone asks for them; `tests/run` knows them by the same names.
const NEEDS: [&str; 9] = [
    "needs_display",
    "needs_fonts",
    "needs_gpu",
    "needs_model",
    "needs_peer",
    "needs_ray",
    "needs_renderer",
    "needs_shared",
    "by_hand",
];

/// A file of the example data sets, in the folder `shared/data` beside the repository.
pub fn shared(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    assert!(path.exists(), "this test needs the example data sets: {} does not exist", path.display());
    path
}

/// The folder of MiniLM-L6 in the cache of models.
pub fn minilm() -> PathBuf {
    let choice = ModelChoice::Catalogue("minilm-l6".to_owned());
    let folders = ModelFolders::from_environment();
    locate(&choice, Path::new("."), folders.as_ref())
        .unwrap()
        .expect("this test needs a model: run `hone models fetch minilm-l6` first")
}

/// The program `ray` of an installed Ray.
pub fn ray() -> PathBuf {
    let given = std::env::var_os("HONE_TEST_RAY").map(PathBuf::from);
    let on_path = || {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).map(|folder| folder.join("ray")).find(|path| path.is_file())
    };
    let found = given.filter(|path| path.is_file()).or_else(on_path);
    found
        .expect("this test needs Ray: `pip install 'ray[default]'`, and `ray` on the PATH or its file in HONE_TEST_RAY")
}

/// The GPU that this build can use and this machine has.
pub fn gpu() -> DeviceChoice {
    let is_gpu = |device: &DeviceChoice| matches!(device, DeviceChoice::Cuda | DeviceChoice::Metal);
    let found = Compute::devices().iter().copied().find(is_gpu);
    found.expect("this test needs a GPU, and a build with the feature `cuda` or `metal`")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What is wrong with the tests of a file: ignored outside a module of [`NEEDS`], or in one and not ignored.
fn misplaced(path: &Path, text: &str) -> Vec<String> {
    let file = path.file_stem().unwrap().to_string_lossy();
    // Modules around the line, each with its indentation.
    let mut modules: Vec<(usize, &str)> = vec![(0, &file)];
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let (indent, code) = (line.len() - line.trim_start().len(), line.trim());
        if let Some(name) = code.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
            modules.push((indent, name));
        } else if code == "}" && modules.len() > 1 && modules.last().is_some_and(|module| module.0 == indent) {
            modules.pop();
        } else if code == "#[test]" {
            let is_ignored = lines.get(at + 1).is_some_and(|next| next.trim().starts_with("#[ignore = "));
            if is_ignored != modules.iter().any(|(_, name)| NEEDS.contains(name)) {
                found.push(format!("{}:{}", path.display(), at + 1));
            }
        }
    }
    found
}

#[test]
fn ignored_tests_are_in_a_module_named_after_their_need_and_no_others_are() {
    let (root, mut files) = (Path::new(env!("CARGO_MANIFEST_DIR")), Vec::new());
    rust_files(&root.join("src"), &mut files);
    rust_files(&root.join("tests"), &mut files);
    let wrong: Vec<String> =
        files.iter().flat_map(|path| misplaced(path, &fs::read_to_string(path).unwrap())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let script = fs::read_to_string(root.join("tests/run")).unwrap();
    for need in NEEDS {
        let name = need.trim_start_matches("needs_");
        assert!(script.contains(&format!("    {name})")) || script.contains(need), "tests/run does not know '{need}'");
    }
}

#[test]
fn the_check_of_ignored_tests_sees_both_mistakes() {
    let path = Path::new("some.rs");
    let test = |attribute: &str| format!("#[test]\n{attribute}fn works() {{\n}}\n");
    let (plain, ignored) = (test(""), test("#[ignore = \"needs a model\"]\n"));
    assert!(misplaced(path, &plain).is_empty());
    assert_eq!(misplaced(path, &ignored), ["some.rs:1"]);
    assert!(misplaced(Path::new("needs_model.rs"), &ignored).is_empty());
    assert!(misplaced(path, &format!("mod needs_model {{\n{ignored}}}\n")).is_empty());
    assert_eq!(misplaced(path, &format!("mod needs_model {{\n{plain}}}\n")), ["some.rs:2"]);
    assert_eq!(misplaced(path, &format!("mod needs_model {{\n}}\n{ignored}")), ["some.rs:3"]);
}
