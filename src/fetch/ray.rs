//! A Ray cluster, through the job API of its dashboard:
//! <https://docs.ray.io/en/latest/cluster/running-applications/job-submission/rest.html>.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fetch::http::{AUTHORIZATION, Fault, Network, Request, Sending, Upload};
use crate::fetch::ray_error::RayError;
use crate::progress::Control;
use crate::words::{bytes, shortened};

/// The environment variable that holds the access token, as for Ray's own tools.
const TOKEN: &str = "RAY_AUTH_TOKEN";
/// Version of the job API that first places a job on any node with enough CPUs.
const OLDEST_API: u32 = 3;
/// Most bytes of an answer other than a log.
const MOST_BYTES: usize = 32 << 20;
/// Most bytes of a job's log. It holds the trained weights, in text, of a job that sends them.
const MOST_LOG_BYTES: usize = usize::MAX / 2;
/// Most nodes that are asked for.
const MOST_NODES: u32 = 10_000;
/// Most characters of what Ray says when it refuses something.
const MOST_REASON: usize = 300;

/// A running Ray cluster.
#[derive(Clone, Debug)]
pub struct RayCluster {
    /// `http://host:port`.
    address: String,
    network: Network,
    token: Option<String>,
    version: String,
}

/// A node that can run jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RayNode {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Its CPUs, in whole ones.
    pub cpus: u32,
    /// Its GPUs, in whole ones.
    pub gpus: u32,
}

/// A job to submit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RayJobRequest {
    /// Its id, which no other job of the cluster has ever had.
    pub submission_id: String,
    /// The command, for a POSIX shell.
    pub entrypoint: String,
    /// CPUs that the command needs.
    pub entrypoint_num_cpus: u32,
    /// GPUs that the command needs.
    pub entrypoint_num_gpus: u32,
    /// Packages and variables of its environment.
    pub runtime_env: RayEnvironment,
    /// What is said about the job.
    pub metadata: BTreeMap<String, String>,
}

/// The environment of a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RayEnvironment {
    /// The package that is unpacked into its working directory.
    pub working_dir: String,
    /// The packages that are unpacked into the folders that `PYTHONPATH` lists.
    pub py_modules: Vec<String>,
    /// Environment variables.
    pub env_vars: BTreeMap<String, String>,
}

/// A job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RayJob {
    /// How far it is.
    pub status: RayStatus,
    /// What Ray says about it.
    #[serde(default)]
    pub message: Option<String>,
    /// Why it failed, as a word of Ray's.
    #[serde(default)]
    pub error_type: Option<String>,
    /// The exit code of its command, if that ended by itself.
    #[serde(default)]
    pub driver_exit_code: Option<i32>,
    /// The node that it runs on, in hexadecimal.
    #[serde(default)]
    pub driver_node_id: Option<String>,
    /// What was said about it when it was submitted.
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RayStatus {
    /// It waits for a node, or its packages are being unpacked.
    Pending,
    /// Its command runs.
    Running,
    /// Somebody stopped it.
    Stopped,
    /// Its command ended with exit code 0.
    Succeeded,
    /// Its command ended with another exit code, or its node was lost.
    Failed,
}

impl RayStatus {
    /// Whether the job has ended.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Stopped | Self::Succeeded | Self::Failed)
    }
}

/// The answer to `/api/version`.
#[derive(Deserialize)]
struct Version {
    version: String,
    ray_version: String,
}

/// The answer to `/api/jobs/<id>/logs`.
#[derive(Deserialize)]
struct Log {
    logs: Option<String>,
}

/// A node as the state API lists it.
#[derive(Deserialize)]
struct ListedNode {
    node_id: String,
    state: String,
    #[serde(default)]
    resources_total: BTreeMap<String, Value>,
}

impl RayCluster {
    /// The cluster whose dashboard is at this address, such as `http://127.0.0.1:8265`, if it answers.
    ///
    /// # Errors
    /// See [`RayError`].
    pub fn connect(address: &str, control: &Control) -> Result<Self, RayError> {
        let token = std::env::var(TOKEN).ok().filter(|token| !token.trim().is_empty());
        let (address, network) = (normal_address(address)?, Network::new());
        let mut cluster = Self { address, network, token, version: String::new() };
        let version: Version = cluster.get("/api/version", "its version", control)?;
        let api: u32 = version.version.parse().map_err(|_| RayError::NotRay {
            address: cluster.address.clone(),
            reason: format!("'{}' is no version of a job API", shortened(&version.version, MOST_REASON)),
        })?;
        if api < OLDEST_API {
            let (address, version) = (cluster.address, version.ray_version);
            return Err(RayError::TooOld { address, version, api, needed: OLDEST_API });
        }
        cluster.version = version.ray_version;
        Ok(cluster)
    }

    /// The dashboard's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Version of Ray, for example "2.60.0".
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The nodes that are alive and have a CPU for jobs.
    ///
    /// # Errors
    /// See [`RayError`].
    pub fn nodes(&self, control: &Control) -> Result<Vec<RayNode>, RayError> {
        let path = format!("/api/v0/nodes?limit={MOST_NODES}");
        let answer: Value = self.get(&path, "a list of its nodes", control)?;
        let listed = answer.pointer("/data/result/result").cloned().unwrap_or_default();
        let listed: Vec<ListedNode> = serde_json::from_value(listed).map_err(|error| self.not_ray(&error))?;
        let whole = |node: &ListedNode, resource: &str| {
            node.resources_total.get(resource).and_then(Value::as_f64).unwrap_or(0.0).max(0.0) as u32
        };
        let node = |node: &ListedNode| RayNode {
            id: node.node_id.clone(),
            cpus: whole(node, "CPU"),
            gpus: whole(node, "GPU"),
        };
        let alive = listed.iter().filter(|node| node.state == "ALIVE").map(node);
        Ok(alive.filter(|node| node.cpus > 0).collect())
    }

    /// Whether the cluster has this package. Ray keeps it for some minutes then, until a job uses it.
    ///
    /// # Errors
    /// See [`RayError`].
    pub fn has_package(&self, name: &str, control: &Control) -> Result<bool, RayError> {
        let (status, body) = self.ask(&format!("/api/packages/gcs/{name}"), MOST_BYTES, control)?;
        match status {
            200 => Ok(true),
            404 => Ok(false),
            status => Err(self.refusal("a question about a package", status, &body)),
        }
    }

    /// Uploads a package, a zip file. Jobs name it as [`package_uri`].
    ///
    /// # Errors
    /// See [`RayError`].
    pub fn upload_package(&self, name: &str, zip: Vec<u8>, control: &Control) -> Result<(), RayError> {
        let what = format!("a package of {}", bytes(zip.len() as u64));
        let path = format!("/api/packages/gcs/{name}");
        let (status, body) = self.send(&path, (Sending::Put, "application/octet-stream"), zip, control)?;
        if status == 200 { Ok(()) } else { Err(self.refusal(&what, status, &body)) }
    }

    /// Submits a job. Ray starts it as soon as a node has room.
    ///
    /// # Errors
    /// See [`RayError`].
    pub fn submit(&self, job: &RayJobRequest, control: &Control) -> Result<(), RayError> {
        let body = serde_json::to_vec(job).map_err(|error| self.not_ray(&error))?;
        let (status, body) = self.send("/api/jobs/", (Sending::Post, "application/json"), body, control)?;
        if status == 200 { Ok(()) } else { Err(self.refusal("a job", status, &body)) }
    }

    /// A job; `None` if the cluster has none of this id.
    ///
    /// # Errors
    /// See [`RayError`].
    pub fn job(&self, id: &str, control: &Control) -> Result<Option<RayJob>, RayError> {
        let (status, body) = self.ask(&format!("/api/jobs/{id}"), MOST_BYTES, control)?;
        match status {
            200 => serde_json::from_slice(&body).map(Some).map_err(|error| self.not_ray(&error)),
            404 => Ok(None),
            status => Err(self.refusal("a question about a job", status, &body)),
        }
    }

    /// All that a job has printed so far. It is on the job's node, so it is lost with the node.
    ///
    /// # Errors
    /// See [`RayError`].
    pub fn log(&self, id: &str, control: &Control) -> Result<String, RayError> {
        let (status, body) = self.ask(&format!("/api/jobs/{id}/logs"), MOST_LOG_BYTES, control)?;
        if status != 200 {
            return Err(self.refusal("the log of a job", status, &body));
        }
        let log: Log = serde_json::from_slice(&body).map_err(|error| self.not_ray(&error))?;
        Ok(log.logs.unwrap_or_default())
    }

    /// Stops a job. It is not an error if it has ended.
    ///
    /// # Errors
    /// See [`RayError`].
    pub fn stop(&self, id: &str, control: &Control) -> Result<(), RayError> {
        let path = format!("/api/jobs/{id}/stop");
        let (status, body) = self.send(&path, (Sending::Post, "application/json"), Vec::new(), control)?;
        if matches!(status, 200 | 404) { Ok(()) } else { Err(self.refusal("to stop a job", status, &body)) }
    }

    fn get<T: DeserializeOwned>(&self, path: &str, what: &str, control: &Control) -> Result<T, RayError> {
        let (status, body) = self.ask(path, MOST_BYTES, control)?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|error| self.not_ray(&error)),
            404 => Err(RayError::NotRay { address: self.address.clone(), reason: format!("it has no {path}") }),
            status => Err(self.refusal(what, status, &body)),
        }
    }

    /// The status and body of the answer to a question.
    fn ask(&self, path: &str, most: usize, control: &Control) -> Result<(u16, Vec<u8>), RayError> {
        let (url, headers) = (format!("{}{path}", self.address), self.headers());
        let request = Request { url: &url, head_only: false, headers: &headers };
        let reply = self.network.send(&request, control).map_err(|fault| self.unreachable(fault))?;
        let status = reply.status;
        Ok((status, reply.bytes(most, control).map_err(|fault| self.unreachable(fault))?))
    }

    /// The status and body of the answer to what was sent.
    fn send(
        &self,
        path: &str,
        (by, content_type): (Sending, &'static str),
        body: Vec<u8>,
        control: &Control,
    ) -> Result<(u16, Vec<u8>), RayError> {
        let (url, headers) = (format!("{}{path}", self.address), self.headers());
        let upload = Upload { url: &url, by, content_type, body, headers: &headers };
        let reply = self.network.upload(upload, control).map_err(|fault| self.unreachable(fault))?;
        let status = reply.status;
        Ok((status, reply.bytes(MOST_BYTES, control).map_err(|fault| self.unreachable(fault))?))
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        self.token.iter().map(|token| (AUTHORIZATION, format!("Bearer {}", token.trim()))).collect()
    }

    fn unreachable(&self, fault: Fault) -> RayError {
        match fault {
            Fault::Cancelled => RayError::Cancelled,
            Fault::Cut(reason) | Fault::Failed(reason) => {
                RayError::Unreachable { address: self.address.clone(), reason }
            }
        }
    }

    fn not_ray(&self, error: &serde_json::Error) -> RayError {
        // What a login page says is no reason.
        let reason = if error.is_data() { error.to_string() } else { "its answer is not JSON".to_owned() };
        RayError::NotRay { address: self.address.clone(), reason }
    }

    fn refusal(&self, what: &str, status: u16, body: &[u8]) -> RayError {
        let address = self.address.clone();
        match status {
            401 | 403 => RayError::NoAccess { address, has_token: self.token.is_some() },
            300..=399 => RayError::NotRay { address, reason: format!("it redirects elsewhere (status {status})") },
            status => {
                // Ray answers with a Python traceback, whose last line is the error.
                let text = String::from_utf8_lossy(body);
                let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing more");
                let reason = match status {
                    413 => "it is too large for the cluster".to_owned(),
                    _ => shortened(last.trim(), MOST_REASON),
                };
                RayError::Refused { address, what: what.to_owned(), status, reason }
            }
        }
    }
}

/// The name of an uploaded package in a job's environment.
#[must_use]
pub fn package_uri(name: &str) -> String {
    format!("gcs://{name}")
}

/// `host:port`, or an address of HTTP, without a path.
fn normal_address(address: &str) -> Result<String, RayError> {
    let wrong = |why| RayError::Address { address: address.to_owned(), why };
    let text = address.trim().trim_end_matches('/');
    let (scheme, host) = text.split_once("://").unwrap_or(("http", text));
    match scheme {
        "http" | "https" => {}
        "ray" => return Err(wrong("ray:// is the port of Ray's client, not of its dashboard")),
        _ => return Err(wrong("it begins with neither http:// nor https://")),
    }
    if host.is_empty() || host.contains(|letter: char| letter.is_whitespace() || "/?#".contains(letter)) {
        return Err(wrong("it is not a host and a port"));
    }
    Ok(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_a_dashboard() {
        assert_eq!(normal_address("127.0.0.1:8265").unwrap(), "http://127.0.0.1:8265");
        assert_eq!(normal_address(" http://head:8265/ ").unwrap(), "http://head:8265");
        assert_eq!(normal_address("https://ray.example").unwrap(), "https://ray.example");
        for (address, why) in [
            ("ray://head:10001", "Ray's client"),
            ("ftp://head", "neither"),
            ("", "not a host"),
            ("head:8265/api", "not a host"),
        ] {
            let message = normal_address(address).unwrap_err().to_string();
            assert!(message.contains(why) && message.contains("http://127.0.0.1:8265"), "{message}");
        }
    }

    #[test]
    fn only_problems_that_may_pass_are_waited_for() {
        let refused = |status| RayError::Refused { address: "a".into(), what: "b".into(), status, reason: "c".into() };
        assert!(refused(500).may_pass() && refused(429).may_pass() && !refused(400).may_pass());
        assert!(!RayError::Cancelled.may_pass());
    }
}
