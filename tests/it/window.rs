//! The real window on a virtual display, used by keyboard only from the sample project to a trained model.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hone::project::{ModelChoice, Project};
use hone::storage::{RunFolder, RunStatus};

/// Ends a process of the test when it is dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
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
    let text = std::fs::read_to_string(source.join("project.ron")).unwrap();
    let mut project: Project = ron::from_str(&text).unwrap();
    project.model = ModelChoice::Folder(root.join("tests/fixtures/tiny-bert"));
    std::fs::write(project_folder.join("project.ron"), ron::to_string(&project).unwrap()).unwrap();
    project_folder
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
        let mut window = Guard(
            Command::new(env!("CARGO_BIN_EXE_hone"))
                .arg(&project)
                .env("DISPLAY", &display.name)
                .env_remove("WAYLAND_DISPLAY")
                .env("HOME", home.path())
                .env("XDG_CONFIG_HOME", home.path().join("config"))
                .env("XDG_CACHE_HOME", home.path().join("cache"))
                .env("XDG_DATA_HOME", home.path().join("data"))
                .spawn()
                .unwrap(),
        );
        let id = wait_for("the window", 60, || {
            display.xdotool(&["search", "--onlyvisible", "--name", "Hone"]).filter(|id| !id.is_empty())
        });
        let id = id.lines().next().unwrap();
        // There is no window manager to set the focus.
        display.xdotool(&["windowfocus", id]);
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
}
