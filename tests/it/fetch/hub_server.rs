//! Models as the Hugging Face Hub has them, on a server on this machine: the routes of its API, and its files.

use std::path::Path;

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::server::{Resource, Server};

/// The commit of every model.
pub const COMMIT: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";

/// A model on the Hub.
#[derive(Clone)]
pub struct HubRepo {
    pub name: String,
    /// Path and content; those that end in `.safetensors` or `.bin` are large files of the Hub.
    pub files: Vec<(String, Vec<u8>)>,
    /// What the API says besides the names of the files.
    pub facts: Value,
}

impl HubRepo {
    /// A model with the files of a folder.
    pub fn of(name: &str, folder: &Path) -> Self {
        let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
            .collect();
        files.sort();
        let config = files.iter().find(|(path, _)| path == "config.json").map(|(_, bytes)| bytes);
        let config: Value = config.map_or(Value::Null, |bytes| serde_json::from_slice(bytes).unwrap());
        let facts = json!({
            "downloads": 1_234_567, "gated": false, "cardData": {"license": "apache-2.0"}, "tags": ["transformers"],
            "config": {"model_type": config["model_type"], "architectures": config["architectures"]},
        });
        Self { name: name.to_owned(), files, facts }
    }

    /// The tiny model of the fixtures.
    pub fn tiny(name: &str) -> Self {
        Self::of(name, &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert"))
    }

    /// A model with files of these names, each with a few bytes in it.
    pub fn with_names(name: &str, model_type: &str, names: &[&str]) -> Self {
        let content = |name: &&str| match *name {
            "config.json" => json!({"model_type": model_type}).to_string().into_bytes(),
            other => format!("content of {other}").into_bytes(),
        };
        let files = names.iter().map(|name| ((*name).to_owned(), content(name))).collect();
        let facts = json!({"downloads": 7, "config": {"model_type": model_type}, "tags": ["license:mit"]});
        Self { name: name.to_owned(), files, facts }
    }

    /// Changes what the API says.
    pub fn saying(mut self, fact: &str, value: impl Into<Value>) -> Self {
        self.facts[fact] = value.into();
        self
    }

    /// Adds a file.
    pub fn with(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.retain(|(known, _)| known != path);
        self.files.push((path.to_owned(), bytes.into()));
        self
    }

    /// Where the API describes the model at its branch `main`.
    pub fn api(&self) -> String {
        format!("/api/models/{}/revision/main", self.name)
    }

    /// Where a file is.
    pub fn path_of(&self, file: &str) -> String {
        format!("/{}/resolve/{COMMIT}/{file}", self.name)
    }

    /// The API's answer about the model, with sizes and hashes.
    pub fn info(&self) -> Value {
        let file = |(path, bytes): &(String, Vec<u8>)| {
            let mut file = json!({"rfilename": path, "size": bytes.len(), "blobId": git_sha1(bytes)});
            if is_large(path) {
                file["lfs"] = json!({"sha256": sha256(bytes), "size": bytes.len(), "pointerSize": 130});
            }
            file
        };
        self.answer(&self.files.iter().map(file).collect::<Vec<_>>())
    }

    fn answer(&self, siblings: &[Value]) -> Value {
        let mut answer =
            json!({"_id": "1", "id": self.name, "modelId": self.name, "sha": COMMIT, "siblings": siblings});
        for (fact, value) in self.facts.as_object().unwrap() {
            answer[fact] = value.clone();
        }
        answer
    }

    /// Puts the model on a server: the API's answer at `main` and at the commit, and every file.
    pub fn publish(&self, server: &Server) {
        let json = || json_resource(&self.info());
        server.put(&self.api(), json());
        server.put(&format!("/api/models/{}/revision/{COMMIT}", self.name), json());
        for (path, body) in &self.files {
            let etag = if is_large(path) { sha256(body) } else { git_sha1(body) };
            let headers =
                vec![("X-Repo-Commit".to_owned(), COMMIT.to_owned()), ("ETag".to_owned(), format!("\"{etag}\""))];
            server.put(&self.path_of(path), Resource { body: body.clone(), headers, ..Resource::default() });
        }
    }
}

/// Makes these models the answer to every search.
pub fn publish_search(server: &Server, repos: &[HubRepo]) {
    let names = |repo: &HubRepo| {
        let siblings = repo.files.iter().map(|(path, _)| json!({"rfilename": path}));
        repo.answer(&siblings.collect::<Vec<_>>())
    };
    server.put("/api/models", json_resource(&repos.iter().map(names).collect()));
}

/// An answer in JSON.
pub fn json_resource(value: &Value) -> Resource {
    let headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
    Resource { body: value.to_string().into_bytes(), headers, ..Resource::default() }
}

/// A refusal as the Hub gives it.
pub fn refusal(status: u16, code: &str, message: &str) -> Resource {
    let headers = [("X-Error-Code", code), ("X-Error-Message", message)];
    let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Resource { status, headers, body: json!({"error": message}).to_string().into_bytes(), ..Resource::default() }
}

fn is_large(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "safetensors" || end == "bin")
}

pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

pub fn git_sha1(bytes: &[u8]) -> String {
    hexadecimal(&Sha1::new_with_prefix(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
