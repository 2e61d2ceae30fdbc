//! What is in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Every file below a folder with its content, and every folder, whose name ends in `/`. Links are read as what they lead to.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    collect(folder, "", &mut |name, path| {
        let content = if path.is_dir() { Vec::new() } else { content(path) };
        found.insert(name, content);
    });
    found
}

/// The bytes of a file. The header of safetensors is sorted, since its metadata are written in any order.
pub fn content(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap_or_default();
    if path.extension().is_none_or(|ending| ending != "safetensors") {
        return bytes;
    }
    let sorted = || {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (header, data) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
        let header: serde_json::Value = serde_json::from_slice(header).ok()?;
        Some([header.to_string().as_bytes(), data].concat())
    };
    sorted().unwrap_or(bytes.clone())
}

/// The names of [`tree`], with the id of a run replaced.
pub fn names(folder: &Path) -> Vec<String> {
    static RUN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\d-\d{6}-[0-9a-f]{4}").unwrap());
    let mut found = Vec::new();
    collect(folder, "", &mut |name, _| found.push(RUN.replace(&name, "[run]").into_owned()));
    found
}

fn collect(folder: &Path, before: &str, take: &mut dyn FnMut(String, &Path)) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), format!("{before}{}", entry.file_name().to_string_lossy()));
        if path.is_dir() {
            take(format!("{name}/"), &path);
            collect(&path, &format!("{name}/"), take);
        } else {
            take(name, &path);
        }
    }
}

/// Whether it is a temporary file or folder, or in one.
pub fn is_temporary(name: &str) -> bool {
    name.split('/').any(|part| {
        part.starts_with(".hone-") || [".new", ".old", ".tmp", ".part"].iter().any(|end| part.ends_with(end))
    })
}

/// Those of the names that are temporary.
pub fn temporary(names: &[String]) -> Vec<String> {
    names.iter().filter(|name| is_temporary(name)).cloned().collect()
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}
