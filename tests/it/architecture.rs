//! The rules of the architecture, checked by reading the source: which room may use which, and which may write files.

mod circles;

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms in the order data flows through them; a room may use those before it.
const ROOMS: [&str; 20] = [
    "words",
    "glossary",
    "progress",
    "notification",
    "random",
    "chart",
    "project",
    "data",
    "ops",
    "models",
    "evaluation",
    "storage",
    "fetch",
    "tasks",
    "training",
    "predictor",
    "export",
    "worker",
    "cli",
    "app",
];

/// Intended exceptions from this order, each with its reason:
///
/// `models` writes the folders it saves through `storage`, the only room that writes files.
const ALLOWED: [(&str, &str); 1] = [("models", "storage")];

/// Longest file, in lines.
const FILE_LINES: usize = 500;

/// Calls that write to the disk.
const WRITERS: [&str; 14] = [
    "fs::write",
    "fs::create_dir",
    "fs::remove_",
    "fs::rename",
    "fs::copy",
    "fs::hard_link",
    "fs::set_permissions",
    "File::create",
    "File::options",
    "OpenOptions",
    "NamedTempFile",
    "tempfile(",
    "tempdir(",
    "set_len(",
];

/// Calls that go through all rows of a project: work for the worker, not for the thread that draws.
const ROW_WALKERS: [&str; 12] = [
    "frequent_values(",
    "top_terms(",
    "LanguageSample::of(",
    "column_of_dates(",
    "word_counts(",
    "length_histogram(",
    "examples.iter(",
    "examples.par_iter(",
    "dropped.iter(",
    "conflicts.iter(",
    ".side(Side",
    ".counts()",
];

struct Source {
    room: String,
    path: PathBuf,
    /// Lines of code outside `#[cfg(test)]` modules and comments.
    code: Vec<(usize, String)>,
    lines: usize,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let for_tests: Vec<PathBuf> = files.iter().flat_map(|path| modules_for_tests(path)).collect();
    files.iter().filter(|path| !for_tests.contains(path)).map(|path| read(path)).collect()
}

/// Files that a file declares for tests only: `#[cfg(test)]` and then `mod name;`.
fn modules_for_tests(path: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines.windows(2).filter(|pair| pair[0].trim() == "#[cfg(test)]");
    let names = pairs.filter_map(|pair| pair[1].rsplit_once("mod ")?.1.strip_suffix(';'));
    names.map(|name| path.with_file_name(format!("{name}.rs"))).collect()
}

fn read(path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let path = path.strip_prefix(root()).unwrap().to_owned();
    let room = path.components().nth(1).unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
    let mut code = Vec::new();
    let mut in_tests = false;
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        // A test module is at the end of its file.
        in_tests |= line.starts_with("#[cfg(test)]") && lines.get(index + 1).is_some_and(|next| next.ends_with('{'));
        let line = line.split("//").next().unwrap_or_default();
        if !in_tests && !line.trim().is_empty() {
            code.push((index + 1, line.to_owned()));
        }
    }
    Source { room, path, code, lines: lines.len() }
}

/// Violations, one per line of code.
fn complaints(sources: &[Source], mut wrong: impl FnMut(&Source, &str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in &source.code {
            if let Some(complaint) = wrong(source, line) {
                found.push(format!("{}:{number}: {complaint}: {}", source.path.display(), line.trim()));
            }
        }
    }
    found
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Whether the line has `name` at the beginning of a path, such as `egui::` or `use egui`.
fn uses_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        let starts = before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_' && letter != ':');
        starts
            && (after.starts_with("::") || line.trim_start().starts_with("use ") && after.starts_with([';', ' ', ',']))
    })
}

/// Whether the line has `text`, and not as the end of a longer name.
fn starts_a_word(line: &str, text: &str) -> bool {
    let ends_word = |at: usize| line[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    line.match_indices(text).any(|(at, _)| !ends_word(at))
}

fn uses_any(line: &str, names: &[&str]) -> Option<String> {
    names.iter().find(|name| uses_crate(line, name)).map(|name| format!("{name} has no business here"))
}

/// Iterators of the standard library are not inlined across codegen units without this, which no test of results would notice.
#[test]
fn release_builds_inline_the_standard_library_into_the_kernels() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let profile = manifest.split("[profile.release]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap();
    let setting = |name: &str| profile.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix("= "));
    assert_ne!(setting("lto "), Some("\"off\""), "the kernels have several codegen units");
    assert!(setting("lto ").is_some(), "say it in the profile, with the reason");
}

#[test]
fn every_room_is_known_and_declared_in_order() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let expected: Vec<&str> = ROOMS.into_iter().filter(|room| declared.contains(room)).collect();
    assert_eq!(declared, expected, "lib.rs declares the rooms in the order of this test, and no others");
}

#[test]
fn rooms_use_only_rooms_before_them() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    assert_none(&complaints(&sources(), |source, line| {
        let own = place(&source.room)?;
        let used = line.match_indices("crate::").filter_map(|(at, _)| {
            let rest = &line[at + "crate::".len()..];
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            // This check would not see the rooms in `crate::{a, b}`.
            let whole = if rest.starts_with('{') { Some(usize::MAX) } else { place(&rest[..end]) };
            whole.map(|used| (used, &rest[..end]))
        });
        let mut wrong = used.filter(|(used, room)| *used > own && !ALLOWED.contains(&(source.room.as_str(), room)));
        wrong.next().map(|(_, room)| format!("'{}' may not use '{room}'", source.room))
    }));
}

#[test]
fn plain_data_stays_plain() {
    let project: Vec<Source> = sources().into_iter().filter(|source| source.room == "project").collect();
    assert_none(&complaints(&project, |_, line| {
        let own = line.contains("crate::") && !line.contains("crate::project") && !line.contains("crate::words");
        own.then(|| "project uses nothing of ours but words".to_owned())
            .or_else(|| uses_any(line, &["std::fs", "std::io", "std::net"]))
    }));
}

#[test]
fn egui_lives_in_app_only() {
    let window = ["egui", "eframe", "egui_extras", "egui_plot", "egui_table", "rfd"];
    assert_none(&complaints(&sources(), |source, line| {
        (source.room != "app").then(|| uses_any(line, &window)).flatten()
    }));
}

#[test]
fn candle_stays_in_the_engine() {
    let candle = ["candle_core", "candle_nn", "candle_transformers"];
    assert_none(&complaints(&sources(), |source, line| {
        let plain = ["words", "progress", "notification", "random", "project", "storage", "cli", "app", "main"];
        plain.contains(&source.room.as_str()).then(|| uses_any(line, &candle)).flatten()
    }));
}

#[test]
fn only_storage_writes_files() {
    assert_none(&complaints(&sources(), |source, line| {
        let writer = WRITERS.iter().find(|writer| starts_a_word(line, writer))?;
        (source.room != "storage").then(|| format!("{writer} belongs in storage"))
    }));
}

#[test]
fn the_window_does_not_go_through_all_rows() {
    assert_none(&complaints(&sources(), |source, line| {
        let walker = ROW_WALKERS.iter().find(|walker| line.contains(*walker))?;
        (source.room == "app").then(|| format!("{walker} belongs in the worker: see worker::Survey"))
    }));
}

#[test]
fn files_are_short_enough_to_read() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.lines > FILE_LINES)
        .map(|source| format!("{} has {} lines; at most {FILE_LINES}", source.path.display(), source.lines))
        .collect();
    assert_none(&long);
}

/// Whether the file above declares this one as a module.
fn is_declared(path: &Path) -> bool {
    let path = if path.ends_with("mod.rs") { path.parent().unwrap() } else { path };
    let (folder, name) = (path.parent().unwrap(), path.file_stem().unwrap().to_string_lossy());
    let above = [folder.join("mod.rs"), folder.join("lib.rs"), folder.join("main.rs"), folder.with_extension("rs")];
    let declares = |line: &str| line.split("//").next().unwrap_or_default().trim().ends_with(&format!("mod {name};"));
    name == "lib"
        || name == "main"
        || above.iter().filter_map(|file| fs::read_to_string(file).ok()).any(|text| text.lines().any(declares))
}

#[test]
fn every_file_is_part_of_the_program() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    rust_files(&root().join("tests/it"), &mut files);
    let stray = files.iter().filter(|path| !is_declared(path));
    assert_none(&stray.map(|path| format!("{} is declared nowhere", path.display())).collect::<Vec<_>>());
}

#[test]
fn unsafe_code_is_in_kernels_only() {
    let unsafe_use =
        |line: &str| line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl");
    assert_none(&complaints(&sources(), |source, line| {
        let kernels = source.path.starts_with("src/ops/kernels");
        (!kernels && unsafe_use(line)).then(|| "unsafe belongs in ops/kernels".to_owned())
    }));
}

#[test]
fn the_search_for_crate_uses_finds_them() {
    assert!(uses_crate("use egui::Ui;", "egui") && uses_crate("    let a = egui::vec2(1.0);", "egui"));
    assert!(uses_crate("use eframe;", "eframe") && !uses_crate("use egui_plot::Plot;", "egui"));
    assert!(!uses_crate("let text = \"the egui window\";", "egui") && !uses_crate("my_egui::thing()", "egui"));
}
