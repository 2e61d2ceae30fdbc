//! The real window on a virtual display, used by keyboard only from the sample project to a trained model.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hone::project::{ModelChoice, Project};
use hone::storage::{RunFolder, RunOutcome, RunStatus, StopReason};

/// Ends a process of the test when it is dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Stops what trains the run when it is dropped.
struct Stopped<'a>(&'a RunFolder);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.ask_to_stop();
    }
}

pub struct Display {
    pub name: String,
    _server: Guard,
}

impl Display {
    /// Starts a virtual display.
    pub fn start() -> Self {
        // Without -noreset, Xvfb restarts whenever its last client (xdotool) disconnects, and refuses connections meanwhile.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs Xvfb, xdotool and ImageMagick (Debian packages xvfb, xdotool, imagemagick)");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { name: format!(":{}", number.trim()), _server: Guard(server) }
    }

    pub fn xdotool(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", &self.name).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    pub fn press(&self, keys: &str) {
        assert!(self.xdotool(&["key", "--clearmodifiers", keys]).is_some(), "xdotool could not press {keys}");
        std::thread::sleep(Duration::from_millis(400));
    }

    /// Number of different colours on the screen.
    fn colours(&self, picture: &Path) -> usize {
        let taken = Command::new("import").args(["-window", "root"]).arg(picture).env("DISPLAY", &self.name).status();
        assert!(taken.unwrap().success(), "no picture of the screen");
        let count = Command::new("identify").args(["-format", "%k"]).arg(picture).output().unwrap();
        String::from_utf8_lossy(&count.stdout).trim().parse().unwrap()
    }
}

/// The sample project with a tiny model, so that training it takes seconds.
pub fn sample(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project_folder = folder.join("customer-reviews");
    std::fs::create_dir(&project_folder).unwrap();
    let source = root.join("projects/customer-reviews");
    std::fs::copy(source.join("reviews.csv"), project_folder.join("reviews.csv")).unwrap();
    std::fs::copy(source.join("project.ron"), project_folder.join("project.ron")).unwrap();
    change(&project_folder, |project| project.model = ModelChoice::Folder(root.join("tests/fixtures/tiny-bert")));
    project_folder
}

/// Changes the file of a project.
fn change(folder: &Path, change: impl FnOnce(&mut Project)) {
    let file = folder.join("project.ron");
    let mut project: Project = ron::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    change(&mut project);
    std::fs::write(file, ron::to_string(&project).unwrap()).unwrap();
}

/// Opens the window of the project, and gives it the focus.
fn open(display: &Display, project: &Path, home: &Path) -> Guard {
    let window = Guard(
        Command::new(env!("CARGO_BIN_EXE_hone"))
            .arg(project)
            .env("DISPLAY", &display.name)
            .env_remove("WAYLAND_DISPLAY")
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("data"))
            .spawn()
            .unwrap(),
    );
    let id = wait_for("the window", 60, || {
        display.xdotool(&["search", "--onlyvisible", "--name", "Hone"]).filter(|id| !id.is_empty())
    });
    // There is no window manager to set the focus.
    display.xdotool(&["windowfocus", id.lines().next().unwrap()]);
    window
}

fn wait_for<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(seconds), "waited {seconds} s for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

mod needs_display {
    use super::*;

    #[test]
    #[ignore = "needs Xvfb, xdotool and ImageMagick (Debian packages xvfb, xdotool, imagemagick)"]
    fn the_sample_project_is_trained_by_keyboard_alone() {
        let display = Display::start();
        let home = tempfile::tempdir().unwrap();
        let project = sample(home.path());
        let mut window = open(&display, &project, home.path());
        let picture = home.path().join("screen.png");
        for step in 1..=5 {
            display.press(&format!("ctrl+{step}"));
            let colours = display.colours(&picture);
            assert!(colours > 50, "step {step} shows {colours} colours");
        }
        let summary = wait_for("a trained model", 300, || {
            if RunFolder::list(&project).unwrap().is_empty() {
                display.press("ctrl+Return");
            }
            let run = RunFolder::list(&project).unwrap().into_iter().next()?;
            // The first file is written a moment after the folder is created.
            run.folder.path().join("status.ron").exists().then_some(())?;
            match run.folder.read_status().ok()? {
                RunStatus::Finished(summary) => Some(summary),
                RunStatus::Failed(message) => panic!("training failed: {message}"),
                RunStatus::Running => None,
            }
        });
        assert!(summary.steps > 0 && summary.test.is_some());
        for step in 6..=8 {
            display.press(&format!("ctrl+{step}"));
            assert!(display.colours(&picture) > 50);
        }
        assert!(window.0.try_wait().unwrap().is_none(), "the window closed by itself");
        display.press("ctrl+q");
        let status = wait_for("the window to close", 20, || window.0.try_wait().unwrap());
        assert!(status.success(), "{status}");
    }

    #[test]
    #[ignore = "needs Xvfb, xdotool and ImageMagick (Debian packages xvfb, xdotool, imagemagick)"]
    fn training_goes_on_in_the_background_when_the_window_closes() {
        let display = Display::start();
        let home = tempfile::tempdir().unwrap();
        let project = sample(home.path());
        change(&project, |project| {
            project.training.epochs = 100_000;
            project.training.early_stopping = None;
        });
        let mut window = open(&display, &project, home.path());
        let newest = || RunFolder::list(&project).unwrap().into_iter().next().map(|run| run.folder);
        let run = wait_for("a run with a checkpoint", 120, || {
            if newest().is_none() {
                display.press("ctrl+Return");
            }
            newest().filter(|run| !run.checkpoints().unwrap_or_default().is_empty())
        });
        let _stopped = Stopped(&run);
        display.press("ctrl+q");
        // From the button that goes on with training to the next one.
        display.press("Tab");
        display.press("Return");
        let status = wait_for("the window to close", 60, || window.0.try_wait().unwrap());
        assert!(status.success(), "{status}");
        let steps = || run.read_metrics().unwrap_or_default().0.len();
        let before = steps();
        wait_for("steps after that", 60, || {
            (run.outcome() == RunOutcome::UnderWay && steps() > before + 10).then_some(())
        });
        run.ask_to_stop().unwrap();
        let summary = wait_for("its result", 120, || match run.read_status().ok()? {
            RunStatus::Finished(summary) => Some(summary),
            RunStatus::Failed(message) => panic!("training failed: {message}"),
            RunStatus::Running => None,
        });
        assert_eq!(summary.stop_reason, StopReason::Stopped);
        assert!(summary.test.is_some());
        assert_eq!(RunFolder::list(&project).unwrap().len(), 1, "it is the same run");
    }
}
