//! Kills the window while it opens a project, imports its data and trains.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hone::project::{EvaluateEvery, MetricName, Project};

use super::files;
use super::runs::Reference;
use super::series::Series;
use crate::cli::Place;
use crate::window::{Display, sample};

const PROJECT: &str = "customer-reviews";
const ROWS: usize = 400;

/// Opens the project and starts training by keyboard, until the moment comes or `is_over`. Then kills the window.
fn open_train_and_kill(place: &Place, display: &Display, moment: Duration, is_over: &dyn Fn() -> bool) {
    let mut command = place.command(&[PROJECT]);
    let began = Instant::now();
    let mut window = command.env("DISPLAY", &display.name).stderr(Stdio::null()).spawn().unwrap();
    let mut has_focus = false;
    while began.elapsed() < moment && !is_over() {
        if has_focus && !place.path(PROJECT).join("runs").exists() {
            display.press("ctrl+Return");
        } else if let Some(id) =
            display.xdotool(&["search", "--onlyvisible", "--name", "Hone"]).filter(|id| !id.is_empty())
            && !has_focus
        {
            display.xdotool(&["windowfocus", id.lines().next().unwrap()]);
            has_focus = true;
        }
        std::thread::sleep(Duration::from_millis(20).min(moment.saturating_sub(began.elapsed())));
    }
    assert!(window.try_wait().unwrap().is_none(), "the window closed by itself");
    window.kill().unwrap();
    window.wait().unwrap();
}

/// Whether the only run has finished. Nothing is repaired by looking.
fn has_finished(project: &Path) -> bool {
    let runs = fs::read_dir(project.join("runs")).into_iter().flatten().flatten();
    runs.filter_map(|run| fs::read_to_string(run.path().join("status.ron")).ok())
        .any(|text| text.starts_with("Finished"))
}

/// The sample project in `folder` with few rows and many evaluations.
fn template(folder: &Path) {
    let project = sample(folder);
    let rows = fs::read_to_string(project.join("reviews.csv")).unwrap();
    let rows: Vec<&str> = rows.lines().take(ROWS + 1).collect();
    fs::write(project.join("reviews.csv"), rows.join("\n") + "\n").unwrap();
    let project = project.join("project.ron");
    let mut changed: Project = ron::from_str(&fs::read_to_string(&project).unwrap()).unwrap();
    changed.training.epochs = 1;
    changed.training.evaluate_every = EvaluateEvery::Steps(2);
    changed.training.best_metric = Some(MetricName::Loss);
    changed.training.early_stopping = None;
    fs::write(project, ron::to_string(&changed).unwrap()).unwrap();
}

pub fn kill_windows() {
    let display = Display::start();
    let mut series = Series::new("window");
    let [templates, project] = ["templates", PROJECT].map(|name| series.place.path(name));
    fs::create_dir(&templates).unwrap();
    template(&templates);
    let renew = || {
        let _ = fs::remove_dir_all(&project);
        files::copy(&templates.join(PROJECT), &project);
        files::names(&project)
    };
    renew();
    let began = Instant::now();
    open_train_and_kill(&series.place, &display, Duration::from_mins(5), &|| has_finished(&project));
    series.takes(began.elapsed() + Duration::from_millis(500));
    let mut reference = Reference::of(&series.place, PROJECT);
    // The caches there are the graphics driver's.
    let config = series.place.path("home/config");
    let usual = files::names(&config);
    for _ in 0..series.kills {
        let before = renew();
        let moment = series.moment();
        open_train_and_kill(&series.place, &display, moment, &|| false);
        let left = files::temporary(&files::names(&config));
        let had_ended = has_finished(&project);
        let mut found = reference.check(&series.place, PROJECT, had_ended, &before);
        found.left.extend(left);
        series.count(&found);
    }
    // The next start of the window, with what all the kills left in the person's folders.
    renew();
    open_train_and_kill(&series.place, &display, Duration::from_mins(5), &|| has_finished(&project));
    assert_eq!(files::names(&config), usual);
    series.end();
}
