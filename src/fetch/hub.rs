//! Downloads from the Hugging Face Hub into the cache shared with Hugging Face's own tools:
//! `blobs/<etag>`, `snapshots/<commit>/<file>` linking to them, `refs/<branch>` naming the commit.

use std::path::{Path, PathBuf};

use crate::fetch::FetchSettings;
use crate::fetch::address::join_url;
use crate::fetch::catalogue::CatalogueEntry;
use crate::fetch::download::{Download, DownloadMeter, download, send_patiently};
use crate::fetch::file_hash::{FileHash, is_hex};
use crate::fetch::http::{Fault, Network, Request};
use crate::fetch::hub_api::{headers, refusal};
use crate::fetch::hub_error::HubError;
use crate::fetch::hub_name::HubName;
use crate::project::ModelFile;
use crate::storage::{link_or_copy, remove_file, write_atomic};

/// Redirects followed when asking about a file; renamed repositories need one.
const MAX_REDIRECTS: usize = 5;

/// Largest file whose size the catalogue does not know: such files are small texts.
const MAX_UNKNOWN_FILE: u64 = 64 << 20;

/// What the Hub says about a file.
struct HubFile {
    commit: String,
    etag: String,
    size: Option<u64>,
    /// Where the file is, after redirects within the Hub.
    url: String,
}

/// Downloads every file of `entry` into the shared cache.
///
/// Returns the folder of the snapshot.
pub(super) fn fetch(
    entry: &CatalogueEntry,
    repo: &str,
    revision: Option<&str>,
    settings: &FetchSettings,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<PathBuf, Fault> {
    let mut commit: Option<String> = None;
    meter.begin(entry.bytes());
    for file in &entry.files {
        // Once the commit behind a branch is known, the other files are taken from the same commit.
        let at = commit.as_deref().or(revision);
        let found = fetch_file(file, repo, at, settings, network, meter)?;
        commit.get_or_insert(found);
    }
    let commit = commit.ok_or_else(|| Fault::Failed("the catalogue lists no files for it".to_owned()))?;
    if revision.is_none() {
        let reference = settings.folders.main_reference(repo);
        write_atomic(&reference, |writer| std::io::Write::write_all(writer, commit.as_bytes()))
            .map_err(|error| Fault::disk("writing", &reference, &error))?;
    }
    Ok(settings.folders.snapshot_folder(repo, &commit))
}

/// Downloads one file into the cache and returns its commit.
fn fetch_file(
    file: &ModelFile,
    repo: &str,
    revision: Option<&str>,
    settings: &FetchSettings,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<String, Fault> {
    let revision = revision.unwrap_or("main").replace('/', "%2F");
    let url = format!("{}/{repo}/resolve/{revision}/{}", settings.endpoints.hub, file.path);
    let headers = headers(&settings.endpoints);
    let found = ask(&url, (repo, &file.path), settings, network, meter)?;
    let folder = settings.folders.repo_folder(repo);
    let blob = folder.join("blobs").join(&found.etag);
    // The catalogue's hash decides. Without one: the Hub names large files by their hash.
    let stated = is_sha256(&found.etag).then_some(FileHash::Sha256(&found.etag));
    let hash = FileHash::of(file).or(stated);
    let present = blob.is_file() && hash.is_none_or(|hash| hash.matches(&blob));
    if present {
        meter.advance(found.size.unwrap_or(0));
    } else {
        remove_file(&blob).map_err(|error| Fault::disk("removing", &blob, &error))?;
        let wanted = Download {
            url: &found.url,
            name: &file.path,
            headers: &headers,
            target: &blob,
            // The catalogue's word bounds the download; the Hub only fills in what the catalogue does not know.
            bytes: file.bytes.or(found.size),
            most: file.bytes.unwrap_or(MAX_UNKNOWN_FILE),
            hash,
        };
        download(&wanted, network, meter)?;
    }
    let link = settings.folders.snapshot_folder(repo, &found.commit).join(&file.path);
    let up = "../".repeat(2 + file.path.matches('/').count());
    let relative = Path::new(&up).join("blobs").join(&found.etag);
    link_or_copy(&blob, &relative, &link).map_err(|error| Fault::disk("writing", &link, &error))?;
    Ok(found.commit)
}

/// Asks for a file's commit, etag and size, as `huggingface_hub` does: the first answer carries them, so
/// only redirects within the Hub (renamed repositories) are followed.
fn ask(
    url: &str,
    (repo, name): (&str, &str),
    settings: &FetchSettings,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<HubFile, Fault> {
    let (mut url, headers) = (url.to_owned(), headers(&settings.endpoints));
    for _ in 0..MAX_REDIRECTS {
        let request = Request { url: &url, head_only: true, headers: &headers };
        let reply = send_patiently(&request, network, meter.control())?;
        // Two slashes begin the name of another server.
        let is_within = |location: &&str| location.starts_with('/') && !location.starts_with("//");
        if let Some(location) = reply.header("location").filter(is_within) {
            url = join_url(&url, location);
            continue;
        }
        if !matches!(reply.status, 200..=399) {
            let of_hub = HubName::parse(repo).ok().and_then(|repo| refusal(&reply, &settings.endpoints, Some(&repo)));
            return Err(match of_hub {
                Some(refused) if !matches!(refused, HubError::NoSuchModel { .. }) => Fault::Failed(refused.to_string()),
                _ => reply.refusal(name),
            });
        }
        let linked = reply.header("x-linked-etag");
        let etag = linked.or_else(|| reply.header("etag")).map(clean_etag);
        let size = reply.header(if linked.is_some() { "x-linked-size" } else { "content-length" });
        return match (reply.header("x-repo-commit"), etag) {
            (Some(commit), Some(etag)) if is_plain(commit) && is_plain(&etag) => {
                Ok(HubFile { commit: commit.to_owned(), etag, size: size.and_then(|size| size.parse().ok()), url })
            }
            _ => Err(Fault::Failed(format!(
                "the answer for {name} is not from a Hugging Face Hub: it has no commit and etag"
            ))),
        };
    }
    Err(Fault::Failed(format!("{name} was redirected more than {MAX_REDIRECTS} times")))
}

fn clean_etag(etag: &str) -> String {
    etag.trim_start_matches("W/").trim_matches('"').to_owned()
}

/// Commit and etag become file names, so other characters are refused.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_sha256(etag: &str) -> bool {
    is_hex(etag, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_lose_their_quotes() {
        assert_eq!(clean_etag("\"abc\""), "abc");
        assert_eq!(clean_etag("W/\"abc\""), "abc");
    }

    #[test]
    fn names_that_leave_the_cache_are_refused() {
        assert!(is_plain("1110a243fdf4706b3f48f1d95db1a4f5529b4d41"));
        assert!(!is_plain("../../x") && !is_plain("a/b") && !is_plain(""));
    }
}
