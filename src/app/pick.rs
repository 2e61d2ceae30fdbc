//! Asks for files and folders through the system's dialogs, without blocking the window.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use rfd::{AsyncFileDialog, FileHandle};

use crate::worker::ExportFormat;

use crate::app::messages::{CurvesFile, Pick};

/// How long a dialog has to appear. Someone who asks again after that did not see one.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the system's dialogs failed. Their library tells a failure from a closed dialog only in what it logs.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Notes the errors of the library of file dialogs.
struct Failures;

impl log::Log for Failures {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Error && metadata.target().starts_with("rfd")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            FAILED.store(true, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// Begins to note failures. Another logger that was there before is left alone.
fn note_failures() {
    if log::set_logger(&Failures).is_ok() {
        log::set_max_level(log::LevelFilter::Error);
    }
}

/// The answer of a file dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// The person chose this; several files where several may be chosen.
    Paths(Pick, Vec<PathBuf>),
    /// The person chose nothing.
    Nothing,
    /// The system has no file dialog: ask for a typed path.
    NoDialog(Pick),
}

/// Opens one dialog at a time and receives its answer.
#[derive(Debug)]
pub struct Picker {
    answers: (Sender<Picked>, Receiver<Picked>),
    /// When the dialog that has not answered yet was asked for.
    open: Option<Instant>,
    /// An answer that needs no dialog.
    at_once: Option<Picked>,
}

impl Default for Picker {
    fn default() -> Self {
        note_failures();
        Self { answers: crossbeam_channel::bounded(1), open: None, at_once: None }
    }
}

impl Picker {
    /// Shows the dialog for `pick`, beginning in `folder`. While another one is open, the answer is [`Picked::NoDialog`]: a
    /// system that waits for a service that does not answer shows nothing for minutes.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn ask(&mut self, pick: Pick, folder: &Path, wake: impl Fn() + Send + 'static) -> io::Result<()> {
        if let Some(since) = self.open {
            self.at_once = (since.elapsed() >= PATIENCE).then_some(Picked::NoDialog(pick));
            wake();
            return Ok(());
        }
        FAILED.store(false, Ordering::Relaxed);
        // The future is made on this thread, which macOS demands, and awaited on another.
        let chosen = dialog(&pick, folder);
        let sender = self.answers.0.clone();
        thread::Builder::new().name("hone-file-dialog".into()).spawn(move || {
            let answer = match pollster::block_on(chosen) {
                Some(paths) => Picked::Paths(pick, paths),
                None if FAILED.load(Ordering::Relaxed) => Picked::NoDialog(pick),
                None => Picked::Nothing,
            };
            // The receiver is gone once the window is closed.
            let _ = sender.send(answer);
            wake();
        })?;
        self.open = Some(Instant::now());
        Ok(())
    }

    /// The answer, once it is there.
    pub fn poll(&mut self) -> Option<Picked> {
        if let Some(answer) = self.at_once.take() {
            return Some(answer);
        }
        let answer = self.answers.1.try_recv().ok()?;
        self.open = None;
        Some(answer)
    }
}

/// Title of the dialog for a pick.
#[must_use]
pub fn title(pick: &Pick) -> &'static str {
    match pick {
        Pick::MainFile => "Open one or more data files",
        Pick::MoreFiles => "Add files",
        Pick::MainFolder => "Open a data folder",
        Pick::BadRows => "Save the rows that could not be read",
        Pick::ValidationFile => "Open a validation file",
        Pick::TestFile => "Open a test file",
        Pick::Project => "Open a project folder",
        Pick::NewData => "Open your data",
        Pick::Duplicate => "Choose a folder for the copy",
        Pick::NewFolder => "Choose a folder for the new project",
        Pick::ModelFolder => "Open a model folder",
        Pick::ModelFile => "Open a GGUF file",
        Pick::ExportTo(ExportFormat::HuggingFace | ExportFormat::CalibratedHuggingFace | ExportFormat::Adapter) => {
            "Export to a folder"
        }
        Pick::ExportTo(_) => "Export to a file",
        Pick::Report => "Save the report",
        Pick::Curves(_) => "Save the curves",
        Pick::EvaluateFile => "Open a labelled file",
        Pick::FileToLabel => "Open a file to label",
        Pick::LabelledOutput(_) => "Save the predictions",
    }
}

/// The future of a dialog for one file.
type One = Pin<Box<dyn Future<Output = Option<FileHandle>> + Send>>;
/// The future of a dialog for several files.
type Several = Pin<Box<dyn Future<Output = Option<Vec<FileHandle>>> + Send>>;

fn dialog(pick: &Pick, folder: &Path) -> impl Future<Output = Option<Vec<PathBuf>>> + Send + 'static {
    let files = [
        "csv", "tsv", "txt", "tab", "json", "jsonl", "ndjson", "parquet", "arrow", "feather", "xlsx", "xlsm", "xlsb",
        "xls", "ods",
    ];
    let tables = |dialog: AsyncFileDialog| dialog.add_filter("Tables", &files).add_filter("All files", &["*"]);
    let dialog = AsyncFileDialog::new().set_title(title(pick)).set_directory(folder);
    let one = |future: One| -> Several { Box::pin(async move { future.await.map(|file| vec![file]) }) };
    let future: Several = match pick {
        Pick::MainFile | Pick::MoreFiles | Pick::NewData => Box::pin(tables(dialog).pick_files()),
        Pick::ValidationFile | Pick::TestFile | Pick::EvaluateFile | Pick::FileToLabel => {
            one(Box::pin(tables(dialog).pick_file()))
        }
        Pick::ModelFile => one(Box::pin(dialog.add_filter("GGUF", &["gguf"]).pick_file())),
        Pick::Project | Pick::ModelFolder | Pick::NewFolder | Pick::MainFolder => one(Box::pin(dialog.pick_folder())),
        Pick::Duplicate => one(Box::pin(dialog.set_can_create_directories(true).pick_folder())),
        Pick::ExportTo(format) => {
            let name = match format {
                ExportFormat::HuggingFace | ExportFormat::CalibratedHuggingFace => "exported-model",
                ExportFormat::Adapter => "exported-adapter",
                ExportFormat::Safetensors => "model.safetensors",
                ExportFormat::Predictions | ExportFormat::RawPredictions => "predictions.csv",
            };
            one(Box::pin(dialog.set_file_name(name).save_file()))
        }
        Pick::Report => {
            let dialog = dialog.add_filter("Web page", &["html"]).add_filter("Markdown", &["md"]);
            one(Box::pin(dialog.set_file_name("report.html").save_file()))
        }
        Pick::Curves(CurvesFile { format, .. }) => {
            let (title, extension) = (format.title(), format.extension());
            let dialog = dialog.add_filter(title, &[extension]).set_file_name(format!("curves.{extension}"));
            one(Box::pin(dialog.save_file()))
        }
        Pick::BadRows => one(Box::pin(dialog.set_file_name("bad-rows.csv").save_file())),
        Pick::LabelledOutput(output) => one(Box::pin(dialog.set_file_name(&output.name).save_file())),
    };
    async move { future.await.map(|files| files.iter().map(|file| file.path().to_owned()).collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of a picker, which must come within a minute.
    fn answer(picker: &mut Picker) -> Picked {
        let begun = Instant::now();
        loop {
            if let Some(answer) = picker.poll() {
                return answer;
            }
            assert!(begun.elapsed().as_secs() < 60, "no answer");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn someone_who_asks_again_because_no_dialog_appeared_can_type_the_path() {
        let mut picker = Picker { open: Some(Instant::now()), ..Picker::default() };
        picker.ask(Pick::TestFile, Path::new("."), || {}).unwrap();
        assert_eq!(picker.poll(), None, "a double click does not count");
        picker.open = Instant::now().checked_sub(PATIENCE);
        picker.ask(Pick::TestFile, Path::new("."), || {}).unwrap();
        assert_eq!(picker.poll(), Some(Picked::NoDialog(Pick::TestFile)));
        // The dialog of the system may still be answered.
        picker.answers.0.send(Picked::Paths(Pick::TestFile, vec![PathBuf::from("late.csv")])).unwrap();
        assert_eq!(picker.poll(), Some(Picked::Paths(Pick::TestFile, vec![PathBuf::from("late.csv")])));
        assert_eq!(picker.open, None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_system_without_file_dialogs_is_told_from_a_dialog_that_was_closed() {
        const INSIDE: &str = "HONE_TEST_WITHOUT_DIALOGS";
        if std::env::var_os(INSIDE).is_none() {
            // Again, in an environment without the services and programs that show dialogs.
            let name = "app::pick::tests::a_system_without_file_dialogs_is_told_from_a_dialog_that_was_closed";
            let mut again = std::process::Command::new(std::env::current_exe().unwrap());
            again.args([name, "--exact"]).env(INSIDE, "1").env("PATH", "/nowhere");
            again.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere").env("XDG_RUNTIME_DIR", "/nowhere");
            let output = again.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        let mut picker = Picker::default();
        picker.ask(Pick::MainFile, Path::new("."), || {}).unwrap();
        assert_eq!(answer(&mut picker), Picked::NoDialog(Pick::MainFile));
    }
}
