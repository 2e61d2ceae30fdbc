//! A server on 127.0.0.1 that answers as the dashboard of a Ray cluster does, and runs its jobs on this machine: packages are
//! unpacked, commands run in a shell, and workers are lost on demand.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// What a cluster was asked for, and what it has.
struct State {
    folder: PathBuf,
    jobs: BTreeMap<String, Job>,
    uploads: usize,
    /// CPUs of each node.
    nodes: Vec<u32>,
    /// Answers by method and path that replace the usual ones; a path ends with `*` to stand for all that begin so.
    answers: HashMap<String, (u16, String)>,
    /// Jobs with this in their id lose their worker when their log has the text.
    losses: Vec<(String, String)>,
}

struct Job {
    metadata: Value,
    child: Child,
    log: PathBuf,
    end: Option<&'static str>,
}

/// The server. Its jobs are killed when it is dropped.
pub struct FakeRay {
    state: Arc<Mutex<State>>,
    port: u16,
    _folder: tempfile::TempDir,
}

impl FakeRay {
    /// With nodes of these CPUs.
    pub fn start(nodes: &[u32]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(Mutex::new(State {
            folder: folder.path().to_owned(),
            jobs: BTreeMap::new(),
            uploads: 0,
            nodes: nodes.to_vec(),
            answers: HashMap::new(),
            losses: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let serve = move || {
            for stream in listener.incoming().flatten() {
                // A client that has gone away hears no answer.
                let _ = answer(stream, &shared);
            }
        };
        std::thread::Builder::new().name("fake-ray".to_owned()).spawn(serve).unwrap();
        Self { state, port, _folder: folder }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Answers this instead, to a method and path such as `GET /api/version`.
    pub fn answer(&self, to: &str, status: u16, body: &str) {
        self.state.lock().unwrap().answers.insert(to.to_owned(), (status, body.to_owned()));
    }

    /// Forgets all of [`Self::answer`].
    pub fn answer_as_usual(&self) {
        self.state.lock().unwrap().answers.clear();
    }

    /// The jobs with this in their ids lose their worker when their log has the text.
    pub fn lose(&self, job: &str, when: &str) {
        self.state.lock().unwrap().losses.push((job.to_owned(), when.to_owned()));
    }

    /// What is left of the ids of all jobs after the part that is the same: `trial1-try1`, ...
    pub fn jobs(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.jobs.keys().map(|id| id[id.find("trial").unwrap()..].to_owned()).collect()
    }

    /// How many of the jobs run.
    pub fn running(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state
            .jobs
            .values_mut()
            .filter_map(|job| status(job)["status"].as_str().map(|status| status == "RUNNING"))
            .filter(|runs| *runs)
            .count()
    }

    pub fn uploads(&self) -> usize {
        self.state.lock().unwrap().uploads
    }
}

impl Drop for FakeRay {
    fn drop(&mut self) {
        if let Ok(mut state) = self.state.lock() {
            state.jobs.values_mut().for_each(kill);
        }
    }
}

fn kill(job: &mut Job) {
    signal(job, Signal::SIGKILL);
    let _ = job.child.wait();
}

/// To all processes of a job, which is the first of its group.
fn signal(job: &Job, signal: Signal) {
    let _ = killpg(Pid::from_raw(i32::try_from(job.child.id()).unwrap()), signal);
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, text) = reply(&mut state.lock().unwrap(), method, path, &body);
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
}

fn reply(state: &mut State, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let asked = format!("{method} {path}");
    let given = state
        .answers
        .iter()
        .find(|(to, _)| asked == **to || to.strip_suffix('*').is_some_and(|beginning| asked.starts_with(beginning)));
    if let Some((_, (status, text))) = given {
        return (*status, text.clone());
    }
    let parts: Vec<&str> = path.split('?').next().unwrap_or_default().trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["api", "version"]) => (200, json!({ "version": "4", "ray_version": "2.60.0" }).to_string()),
        ("GET", ["api", "v0", "nodes"]) => {
            let node = |cpus: &u32| json!({ "node_id": format!("{cpus}abcdef0123"), "state": "ALIVE", "resources_total": { "CPU": f64::from(*cpus) } });
            let nodes: Vec<Value> = state.nodes.iter().map(node).collect();
            (200, json!({ "result": true, "data": { "result": { "result": nodes } } }).to_string())
        }
        ("GET", ["api", "packages", "gcs", name]) => {
            (if state.folder.join(name).exists() { 200 } else { 404 }, String::new())
        }
        ("PUT", ["api", "packages", "gcs", name]) => {
            state.uploads += 1;
            let mut zip = zip::ZipArchive::new(Cursor::new(body)).unwrap();
            zip.extract(state.folder.join(name)).unwrap();
            (200, String::new())
        }
        ("POST", ["api", "jobs"]) => submit(state, &serde_json::from_slice(body).unwrap()),
        (_, ["api", "jobs", id, rest @ ..]) => match state.jobs.get_mut(*id) {
            None => (404, format!("Job {id} does not exist")),
            Some(job) => {
                let log = fs::read_to_string(&job.log).unwrap();
                let is_lost =
                    |(name, when): &(String, String)| id.contains(name.as_str()) && log.contains(when.as_str());
                if job.end.is_none() && state.losses.iter().any(is_lost) {
                    kill(job);
                    job.end = Some("LOST");
                }
                match (method, rest) {
                    ("GET", []) => (200, status(job).to_string()),
                    ("GET", ["logs"]) if job.end == Some("LOST") => (500, "Traceback\nClientConnectorError".to_owned()),
                    ("GET", ["logs"]) => (200, json!({ "logs": log }).to_string()),
                    ("POST", ["stop"]) => {
                        signal(job, Signal::SIGTERM);
                        job.end = Some("STOPPED");
                        (200, json!({ "stopped": true }).to_string())
                    }
                    _ => (404, String::new()),
                }
            }
        },
        _ => (404, String::new()),
    }
}

fn submit(state: &mut State, request: &Value) -> (u16, String) {
    let id = request["submission_id"].as_str().unwrap();
    if state.jobs.contains_key(id) {
        return (400, format!("ValueError: Job with submission_id {id} already exists."));
    }
    let unpacked = |uri: &Value| state.folder.join(uri.as_str().unwrap().strip_prefix("gcs://").unwrap());
    let modules = request["runtime_env"]["py_modules"].as_array().unwrap();
    let path = modules.iter().map(|uri| unpacked(uri).display().to_string()).collect::<Vec<_>>().join(":");
    let working_dir = unpacked(&request["runtime_env"]["working_dir"]);
    fs::create_dir_all(&working_dir).unwrap();
    let log = state.folder.join(format!("{id}.log"));
    let output = File::create(&log).unwrap();
    let child = Command::new("sh")
        .args(["-c", request["entrypoint"].as_str().unwrap()])
        .current_dir(working_dir)
        .env("PYTHONPATH", path)
        .envs(variables(&request["runtime_env"]["env_vars"]))
        .envs(["HOME", "TMPDIR"].map(|name| (name, state.folder.as_path())))
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .process_group(0)
        .spawn()
        .unwrap();
    state.jobs.insert(id.to_owned(), Job { metadata: request["metadata"].clone(), child, log, end: None });
    (200, json!({ "submission_id": id }).to_string())
}

fn variables(given: &Value) -> Vec<(String, String)> {
    given.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn status(job: &mut Job) -> Value {
    let code = job.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-9));
    let (status, code) = match (job.end, code) {
        (Some("LOST"), _) => ("FAILED", None),
        (Some(end), _) => (end, None),
        (None, None) => ("RUNNING", None),
        (None, Some(0)) => ("SUCCEEDED", Some(0)),
        (None, Some(code)) => ("FAILED", Some(code)),
    };
    let message = (job.end == Some("LOST")).then_some("Job supervisor actor died: its node was lost.");
    json!({
        "status": status, "message": message, "driver_exit_code": code, "metadata": job.metadata, "driver_node_id": "1abcdef0123",
    })
}
