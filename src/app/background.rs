//! Runs and studies that go on without the window: another process takes them over.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::app::app::HoneApp;
use crate::app::shell::Dialog;
use crate::app::slot::Ended;
use crate::app::theme::Tone;
use crate::app::work::Work;
use crate::storage::RunFolder;
use crate::worker::{BACKGROUND, StudyResults};

impl Work {
    /// Asks the run or study to end with a checkpoint, from which another process goes on.
    pub fn hand_over(&mut self) {
        if let (Some(training), Some(live)) = (&self.training, &mut self.answers.live) {
            live.handed_over = true;
            training.pending.hand_over();
        } else if let Some(live) = &mut self.answers.live_study {
            live.handed_over = true;
            self.answers.study.hand_over();
        }
    }

    /// The id of the run that ended to be handed over. It is no longer this window's.
    fn take_handed_over(&mut self) -> Option<String> {
        let live = self.answers.live.take_if(|live| live.handed_over && !live.is_going())?;
        Some(live.start?.run.clone())
    }
}

impl HoneApp {
    /// Goes on with a run that was handed over, if it ended for that.
    pub(super) fn go_on_with_run(&mut self, ended: &Ended) {
        self.show_why(ended);
        if *ended == Ended::Stopped
            && let Some(project) = self.state.session.as_ref().map(|session| session.folder().to_owned())
            && let Some(run) = self.state.work.take_handed_over()
            // A run that was stopped before it was handed over may be gone.
            && RunFolder::find_interrupted(&project, Some(&run)).is_ok()
        {
            self.go_on("Training", "View > Runs", &project, &["train", "--resume", "--run", &run]);
            self.state.refresh_runs();
        }
    }

    /// Goes on with a study that was handed over, if it ended for that. One that could not begin has no results.
    pub(super) fn go_on_with_study(&mut self, ended: &Ended, study: Option<&StudyResults>) {
        self.show_why(ended);
        if let (Ended::Stopped, Some(study)) = (ended, study) {
            let (folder, id) = (&study.folder, study.folder.id());
            let arguments = [study.settings.plan.command(), "--resume", "--study", &id];
            self.go_on("The study", "View > Studies", folder.project_folder(), &arguments);
        }
    }

    /// Stays in the window if what was to be handed over failed: it says why.
    fn show_why(&mut self, ended: &Ended) {
        if matches!(self.dialog, Some(Dialog::HandingOver(_))) && matches!(ended, Ended::Failed { .. }) {
            self.dialog = None;
        }
    }

    /// Starts the process that goes on. If that fails, the window stays open and says so. `place`: where it is shown.
    fn go_on(&mut self, what: &str, place: &str, project: &Path, arguments: &[&str]) {
        match spawn(&self.program, project, arguments) {
            Ok(()) => {
                let body = format!("{place} shows how far it is, and can stop it");
                self.tell(Tone::Neutral, format!("{what} continues in the background"), body);
            }
            Err(error) => {
                self.dialog = None;
                let program = self.program.display();
                let body = format!(
                    "{program} could not be started: {error}. Finished work is kept, and you can go on with it here"
                );
                self.tell(Tone::Danger, format!("{what} could not continue in the background"), body);
            }
        }
    }
}

/// Starts the program with these arguments and the project's folder, in a process that goes on when this one ends.
fn spawn(program: &Path, project: &Path, arguments: &[&str]) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).arg("--notify").arg(project);
    // It gives way to other programs, as training in the window does.
    command.env(BACKGROUND, "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    on_its_own(&mut command);
    let mut child = command.spawn()?;
    // Unless someone waits for it, an ended process stays in the system's list for as long as the window is open. Without a thread to
    // wait, it goes on all the same.
    drop(std::thread::Builder::new().name("background".to_owned()).spawn(move || child.wait()));
    Ok(())
}

/// Keeps what ends this process, such as Ctrl+C in its terminal, from ending the other one.
fn on_its_own(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        const DETACHED_PROCESS: u32 = 0x8;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        std::os::windows::process::CommandExt::creation_flags(command, DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    }
    #[cfg(not(any(unix, windows)))]
    let _ = command;
}
