//! `hone cv`, `hone seeds` and `hone search` with `--ray`: trials as jobs of a Ray cluster.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::fake_ray::FakeRay;
use super::{Place, reviews};
use hone::storage::{RunFolder, RunStatus, StudyFolder};

const SOON: Duration = Duration::from_mins(3);

pub fn shop(rows: usize) -> Place {
    let place = Place::new();
    place.project();
    place.write("reviews.csv", reviews(rows));
    place
}

/// What a study found, without the names of its runs and what depends on the clock.
pub fn figures(outcome: &Value) -> Value {
    let mut figures = outcome.clone();
    let of_this_run = ["study", "folder", "run", "seconds"];
    let mut forget =
        |value: &mut Value| value.as_object_mut().unwrap().retain(|name, _| !of_this_run.contains(&name.as_str()));
    forget(&mut figures);
    for kind in ["folds", "seeds", "trials"] {
        figures.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten().for_each(&mut forget);
    }
    figures.get_mut("best").into_iter().for_each(forget);
    figures
}

pub fn wait_until(process: &mut Child, is_done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_done() {
        assert!(begun.elapsed() < SOON && process.try_wait().unwrap().is_none(), "it ended, or takes too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn folds_on_a_cluster_are_those_of_this_machine_although_a_worker_is_lost() {
    let (place, ray) = (shop(60), FakeRay::start(&[1, 1]));
    let arguments = ["cv", "shop", "--folds", "3", "--set", "epochs=2", "--set", "precision=f32", "--json"];
    let here = place.json(&arguments);
    ray.lose("trial2-try1", "\"Evaluation\"");
    let ended = place.hone(&[&arguments[..], &["--ray", &ray.address()]].concat());
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    let there: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(figures(&there), figures(&here), "bit for bit");
    assert_eq!(ray.jobs(), ["trial1-try1", "trial2-try1", "trial2-try2", "trial3-try1"]);
    for told in [
        "Ray 2.60.0 at http://127.0.0.1:",
        "2 nodes, with room for 2 trials at a time, each with 1 CPU.",
        "Fold 2 of 3: on node 1abcdef0 (try 1).",
        "Warning: Fold 2 of 3 lost its worker: job supervisor actor died: its node was lost. It is sent again as job",
        "Fold 2 of 3: on node 1abcdef0 (try 2).",
        "Fold 3 of 3: Epoch 1.00, step",
    ] {
        assert!(ended.err.contains(told), "{told}\n{}", ended.err);
    }
    // The same rows of the study: each trial once, each a run like those of this machine.
    let studies = StudyFolder::list(&place.path("shop")).unwrap();
    let [there, here] = [&studies[0], &studies[1]].map(|study| study.trials().unwrap());
    let runs = RunFolder::list(studies[0].path()).unwrap();
    assert_eq!((there.len(), runs.len()), (3, 3), "none twice");
    for (there, here) in there.iter().zip(&here) {
        let settings = |run: &RunFolder| run.read_settings().unwrap();
        assert_eq!(settings(&there.run), settings(&here.run));
        let losses = |run: &RunFolder| run.read_metrics().unwrap().0.iter().map(|step| step.loss).collect::<Vec<_>>();
        assert_eq!(losses(&there.run), losses(&here.run));
        assert_eq!(there.run.read_comparison().unwrap(), here.run.read_comparison().unwrap());
        assert!(!there.run.best().exists());
    }
    // What the cluster has is not sent again.
    let uploads = ray.uploads();
    place.good(&["cv", "shop", "--folds", "2", "--set", "epochs=2", "--set", "precision=f32", "--ray", &ray.address()]);
    assert_eq!(ray.uploads(), uploads);
}

#[test]
fn a_search_on_a_cluster_finds_what_it_finds_here_if_trials_come_one_after_another() {
    let (place, ray) = (shop(60), FakeRay::start(&[2]));
    let over = "lr=1e-9|1e30|3e-3";
    let arguments = ["search", "shop", "--over", over, "--trials", "6", "--set", "epochs=2", "--no-halving", "--json"];
    let here = place.json(&arguments);
    let there = place.json(&[&arguments[..], &["--ray", &ray.address()]].concat());
    assert_eq!(figures(&there), figures(&here));
    assert!(here["trials"].as_array().unwrap().iter().any(|trial| !trial["error"].is_null()), "one failed: {here}");
    assert_eq!(ray.jobs().len(), 6);
    let study = StudyFolder::find(&place.path("shop"), there["study"].as_str()).unwrap();
    for trial in study.trials().unwrap() {
        let is_best = there["best"]["number"] == trial.trial.number;
        assert_eq!(trial.run.best().join("model.safetensors").exists(), is_best, "{}", trial.trial.number);
    }
}

#[test]
fn a_killed_study_finds_its_jobs_again_and_a_stopped_one_stops_them() {
    let (place, ray) = (shop(60), FakeRay::start(&[1, 1]));
    let address = ray.address();
    let settings = ["--set", "epochs=12", "--set", "early_stopping=none"];
    let arguments = [&["cv", "shop", "--folds", "3", "--ray", &address][..], &settings].concat();
    let mut process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(&mut process, || ray.running() == 2);
    process.kill().unwrap();
    process.wait().unwrap();
    let resumed = place.json(&["cv", "shop", "--resume", "--ray", &address, "--json"]);
    assert_eq!(resumed["state"], "finished");
    assert_eq!(ray.jobs(), ["trial1-try1", "trial2-try1", "trial3-try1"], "none was begun twice");
    let study = StudyFolder::find(&place.path("shop"), None).unwrap();
    assert_eq!(RunFolder::list(study.path()).unwrap().len(), 3);

    let arguments = [&["seeds", "shop", "--seeds", "2", "--ray", &address][..], &settings].concat();
    let mut process = place.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = || {
        let study = StudyFolder::find(&place.path("shop"), None).unwrap();
        // A run that has just begun has no status yet.
        let is_running = |run: &RunFolder| run.read_status().is_ok_and(|status| status == RunStatus::Running);
        study.trials().unwrap().iter().filter(|trial| is_running(&trial.run)).count()
    };
    wait_until(&mut process, || begun() == 2);
    kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), Signal::SIGINT).unwrap();
    let ended = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("Stopping 2 jobs on the cluster.") && told.contains("add --resume"), "{told}");
    let since = Instant::now();
    while ray.running() > 0 {
        assert!(since.elapsed() < Duration::from_secs(10), "they were told to stop");
        std::thread::sleep(Duration::from_millis(20));
    }
    let resumed = place.json(&["seeds", "shop", "--resume", "--ray", &address, "--json"]);
    assert_eq!((&resumed["state"], resumed["seeds"].as_array().unwrap().len()), (&"finished".into(), 2));
    let jobs = ray.jobs();
    assert_eq!(jobs.iter().filter(|job| job.ends_with("try2")).count(), 2, "{jobs:?}");
}

#[test]
fn a_cluster_that_does_not_answer_for_a_while_is_waited_for() {
    let (place, ray) = (shop(40), FakeRay::start(&[1]));
    let study = ["seeds", "shop", "--seeds", "2", "--set", "epochs=2", "--ray", &ray.address()];
    let mut process = place.command(&study).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(&mut process, || ray.running() == 1);
    ray.answer("GET /api/jobs/*", 503, "Service Unavailable");
    std::thread::sleep(Duration::from_secs(3));
    ray.answer_as_usual();
    let ended = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{told}");
    assert!(told.contains("(status 503): Service Unavailable. Hone keeps trying."), "{told}");
    assert_eq!(ray.jobs(), ["trial1-try1", "trial2-try1"]);
}

#[test]
fn a_trial_that_loses_every_worker_ends_the_study_and_one_that_cannot_train_is_not_sent_again() {
    let (place, ray) = (shop(40), FakeRay::start(&[1]));
    ray.lose("trial2", "\"Started\"");
    let study = ["seeds", "shop", "--seeds", "2", "--set", "epochs=2", "--ray"];
    let told = place.bad(1, &[&study[..], &[&ray.address()]].concat());
    assert!(told.contains("Seed 2 of 2 lost its worker 4 times") && told.contains("`ray status`"), "{told}");
    assert!(told.contains("add --resume"), "{told}");
    assert_eq!(ray.jobs(), ["trial1-try1", "trial2-try1", "trial2-try2", "trial2-try3", "trial2-try4"]);

    let ray = FakeRay::start(&[1]);
    let study = ["seeds", "shop", "--seeds", "2", "--set", "lr=1e9", "--set", "epochs=5", "--ray"];
    let told = place.bad(1, &[&study[..], &[&ray.address()]].concat());
    assert!(told.contains("Seed 1 of 2: Training diverged") && told.contains("Lower the learning rate"), "{told}");
    assert_eq!(ray.jobs(), ["trial1-try1"]);
}

#[test]
fn what_is_wrong_with_a_cluster_is_said() {
    let place = shop(40);
    let study = |address: &str| place.bad(1, &["cv", "shop", "--folds", "2", "--set", "epochs=1", "--ray", address]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = study(&nobody.to_string());
    assert!(told.contains("cannot be reached") && told.contains("`ray status`"), "{told}");
    let told = study("ray://127.0.0.1:10001");
    assert!(told.contains("the port of Ray's client") && told.contains("http://127.0.0.1:8265"), "{told}");
    let version = "GET /api/version";
    for (to, status, body, says) in [
        (version, 200, "<html>Log in</html>", "did not answer as a Ray cluster does: its answer is not JSON"),
        (version, 404, "", "it has no /api/version"),
        (version, 302, "", "redirects elsewhere"),
        (version, 200, r#"{"version": "2", "ray_version": "2.1.0"}"#, "runs Ray 2.1.0, which cannot place jobs"),
        (version, 401, "Unauthorized", "asks for an access token. Set RAY_AUTH_TOKEN"),
        ("GET /api/v0/nodes*", 200, r#"{"data": {"result": {"result": []}}}"#, "no node with a CPU"),
        ("PUT *", 413, "", "refuses a package of"),
        (
            "POST /api/jobs/",
            400,
            "Traceback\nValueError: no such thing",
            "refuses a job (status 400): ValueError: no such thing",
        ),
    ] {
        let ray = FakeRay::start(&[1]);
        ray.answer(to, status, body);
        let told = study(&ray.address());
        assert!(told.contains(says), "{says}\n{told}");
        assert!(ray.jobs().is_empty());
    }
    let ray = FakeRay::start(&[1]);
    ray.answer(version, 403, "Forbidden");
    let mut command = place.command(&["cv", "shop", "--ray", &ray.address()]);
    let told = String::from_utf8(command.env("RAY_AUTH_TOKEN", "wrong").output().unwrap().stderr).unwrap();
    assert!(told.contains("does not accept your access token"), "{told}");
    let told = place.bad(2, &["cv", "shop", "--parallel", "2"]);
    assert!(told.contains("--ray <ADDRESS>"), "{told}");
    let told = place.bad(2, &["trial", "--place", "x", "y"]);
    assert!(told.contains("no trial as `hone search --ray` writes it"), "{told}");
}

#[test]
fn a_node_on_which_hone_cannot_run_is_said() {
    let (place, ray) = (shop(40), FakeRay::start(&[1]));
    // As if the packages were gone from the node: the command finds no program.
    ray.answer("PUT *", 200, "");
    let told = place.bad(1, &["cv", "shop", "--folds", "2", "--set", "epochs=1", "--ray", &ray.address()]);
    assert!(told.contains("Hone could not run on its node") && told.contains("same kind of system"), "{told}");
}
