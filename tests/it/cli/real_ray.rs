//! Studies on a real Ray cluster: a head without CPUs and two workers, all on this machine.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// How long a node may take to start.
const START: Duration = Duration::from_mins(2);

/// A cluster. All its processes are killed when it is dropped.
struct RealRay {
    program: PathBuf,
    /// Ray's sockets need a short path.
    folder: tempfile::TempDir,
    dashboard: u16,
    gcs: u16,
    nodes: Vec<Node>,
}

/// A node: `ray start --block`, with the processes that it began.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        // The children first, while it is known whose they are.
        let processes = descendants(self.0.id());
        for process in processes.iter().chain([&self.0.id()]) {
            let _ = kill(Pid::from_raw(i32::try_from(*process).unwrap()), Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}

/// The processes below one, and below those.
fn descendants(of: u32) -> Vec<u32> {
    let parent = |process: u32| -> Option<u32> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name before it may have any letters.
        text.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let all: Vec<(u32, u32)> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|process| Some((process, parent(process)?)))
        .collect();
    let mut found = vec![of];
    let mut place = 0;
    while place < found.len() {
        let above = found[place];
        found.extend(all.iter().filter(|(_, parent)| *parent == above).map(|(process, _)| *process));
        place += 1;
    }
    found.split_off(1)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl RealRay {
    fn start(workers: usize) -> Self {
        let program = crate::needs::ray();
        let folder = tempfile::Builder::new().prefix("hray").tempdir_in("/tmp").unwrap();
        let mut ray = Self { program, folder, dashboard: free_port(), gcs: free_port(), nodes: Vec::new() };
        let temporary = ray.folder.path().display().to_string();
        let [port, dashboard] = [ray.gcs, ray.dashboard].map(|port| port.to_string());
        ray.add(&[
            "--head",
            "--num-cpus=0",
            "--port",
            &port,
            "--dashboard-host=127.0.0.1",
            "--dashboard-port",
            &dashboard,
            "--temp-dir",
            &temporary,
            &format!("--ray-client-server-port={}", free_port()),
        ]);
        ray.wait_for(|ray| ray.get("/api/version").is_some());
        for worker in 1..=workers {
            let address = format!("127.0.0.1:{}", ray.gcs);
            ray.add(&["--address", &address, "--num-cpus=1"]);
            ray.wait_for(|ray| ray.alive() == worker + 1);
        }
        ray
    }

    fn add(&mut self, arguments: &[&str]) {
        let mut command = Command::new(&self.program);
        command.args(["start", "--block", "--disable-usage-stats", "--node-ip-address=127.0.0.1"]);
        command.args(["--object-store-memory=100000000", "--min-worker-port=0", "--max-worker-port=0"]);
        for port in ["dashboard-agent-listen", "dashboard-agent-grpc", "runtime-env-agent", "metrics-export"] {
            command.arg(format!("--{port}-port={}", free_port()));
        }
        command.env_remove("RAY_ADDRESS").env("TMPDIR", self.folder.path());
        let child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.nodes.push(Node(child.unwrap()));
    }

    fn wait_for(&mut self, is_ready: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_ready(self) {
            let has_ended = self.nodes.iter_mut().any(|node| node.0.try_wait().unwrap().is_some());
            assert!(!has_ended && begun.elapsed() < START, "Ray does not start");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.dashboard)
    }

    fn get(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.dashboard)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()
    }

    fn alive(&self) -> usize {
        let Some(listed) = self.get("/api/v0/nodes") else { return 0 };
        let nodes = listed["data"]["result"]["result"].as_array().map(Vec::as_slice).unwrap_or_default();
        nodes.iter().filter(|node| node["state"] == "ALIVE").count()
    }

    /// Id, status, start and end in seconds, and node of each job, by the start.
    fn jobs(&self) -> Vec<(String, String, [f64; 2], String)> {
        let listed = self.get("/api/jobs/").unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seconds = |value: &Value| value.as_f64().unwrap_or(f64::NAN) / 1e3;
        let job = |job: &Value| {
            let id = text(&job["submission_id"]);
            let id = id[id.find("trial").unwrap_or(0)..].to_owned();
            let times = [seconds(&job["start_time"]), seconds(&job["end_time"])];
            (id, text(&job["status"]), times, text(&job["driver_node_id"]).chars().take(8).collect())
        };
        let mut jobs: Vec<_> = listed.as_array().unwrap().iter().map(job).collect();
        jobs.sort_by(|one, other| one.2[0].total_cmp(&other.2[0]));
        jobs
    }
}

mod needs_ray {
    use std::collections::BTreeSet;
    use std::fs::File;

    use super::*;
    use crate::cli::ray::{figures, shop, wait_until};
    use hone::storage::{RunFolder, StudyFolder};

    #[test]
    #[ignore = "needs Ray"]
    fn a_search_over_two_workers_loses_no_trial_and_does_none_twice_when_one_is_killed() {
        let (place, mut ray) = (shop(120), RealRay::start(2));
        let address = ray.address();
        let arguments = ["search", "shop", "--over", "lr=1e-5..1e-2:log,batch_size=4|8", "--trials", "6"];
        let settings = ["--set", "epochs=12", "--set", "early_stopping=none", "--json", "--ray", &address];
        let [out, told] = ["out", "told"].map(|name| place.path(name));
        let begun = Instant::now();
        let mut process = place
            .command(&[&arguments[..], &settings].concat())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&told).unwrap())
            .spawn()
            .unwrap();
        // Both workers train, and at least one trial is done.
        let steps = || -> Vec<bool> {
            let Ok(study) = StudyFolder::find(&place.path("shop"), None) else { return Vec::new() };
            let trials = study.trials().unwrap();
            trials
                .iter()
                .filter(|trial| trial.summary.is_none())
                .map(|trial| trial.run.latest_step().is_some())
                .collect()
        };
        wait_until(&mut process, || steps() == [true, true]);
        drop(ray.nodes.pop());
        println!("{:6.1} s: a worker is killed", begun.elapsed().as_secs_f64());
        let status = process.wait().unwrap();
        let told = fs::read_to_string(told).unwrap();
        println!("{:6.1} s: the search ends\n{told}", begun.elapsed().as_secs_f64());
        assert!(status.success());
        let first = ray.jobs()[0].2[0];
        for (id, status, [start, end], node) in ray.jobs() {
            println!("{id} {status:9} on {node} from {:5.1} s to {:5.1} s", start - first, end - first);
        }
        let outcome: Value = serde_json::from_str(&fs::read_to_string(out).unwrap()).unwrap();
        let trials = outcome["trials"].as_array().unwrap();
        let numbers: Vec<u64> = trials.iter().map(|trial| trial["number"].as_u64().unwrap()).collect();
        assert_eq!((numbers, &outcome["state"]), ((1..=6).collect(), &"finished".into()));
        assert!(
            trials.iter().all(|trial| trial["score"].is_f64() && trial["epochs"].as_f64().unwrap() >= 1.0),
            "{outcome}"
        );
        assert!(!outcome["gain"].is_null());
        let study = StudyFolder::find(&place.path("shop"), None).unwrap();
        assert_eq!(RunFolder::list(study.path()).unwrap().len(), 6, "none twice");
        let again: Vec<&str> = told.lines().filter(|line| line.contains("It is sent again")).collect();
        assert_eq!(again.len(), 1, "{told}");
        let jobs: Vec<String> = ray.jobs().into_iter().map(|job| job.0).collect();
        let unique: BTreeSet<&String> = jobs.iter().collect();
        assert_eq!((jobs.len(), unique.len()), (7, 7), "six trials and one more try: {jobs:?}");
        let lost: Vec<_> = ray.jobs().into_iter().filter(|job| job.1 == "FAILED").collect();
        assert_eq!(lost.len(), 1);
        assert!(jobs.contains(&lost[0].0.replace("try1", "try2")), "{jobs:?}");
    }

    #[test]
    #[ignore = "needs Ray"]
    fn folds_on_ray_are_those_of_this_machine() {
        let (place, ray) = (shop(60), RealRay::start(2));
        let arguments = ["cv", "shop", "--folds", "3", "--set", "epochs=2", "--json"];
        let here = place.json(&arguments);
        let there = place.json(&[&arguments[..], &["--ray", &ray.address()]].concat());
        assert_eq!(figures(&there), figures(&here), "figure by figure");
        assert_eq!(ray.jobs().len(), 3);
    }
}
