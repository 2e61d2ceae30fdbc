//! Asks for files and folders through the system's dialogs, without blocking the window.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use rfd::{AsyncFileDialog, FileHandle};

use crate::worker::ExportFormat;

use crate::app::messages::Pick;

/// A dialog that closes faster than a person can act was never shown, because the system has none.
const TOO_SOON: Duration = Duration::from_millis(250);

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
    open: bool,
}

impl Default for Picker {
    fn default() -> Self {
        Self { answers: crossbeam_channel::bounded(1), open: false }
    }
}

impl Picker {
    /// Shows the dialog for `pick`, beginning in `folder`. Does nothing while one is open.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn ask(&mut self, pick: Pick, folder: &Path, wake: impl Fn() + Send + 'static) -> io::Result<()> {
        if self.open {
            return Ok(());
        }
        // The future is made on this thread, which macOS demands, and awaited on another.
        let chosen = dialog(&pick, folder);
        let sender = self.answers.0.clone();
        thread::Builder::new().name("hone-file-dialog".into()).spawn(move || {
            let begun = Instant::now();
            let answer = match pollster::block_on(chosen) {
                Some(paths) => Picked::Paths(pick, paths),
                None if begun.elapsed() < TOO_SOON => Picked::NoDialog(pick),
                None => Picked::Nothing,
            };
            // The receiver is gone once the window is closed.
            let _ = sender.send(answer);
            wake();
        })?;
        self.open = true;
        Ok(())
    }

    /// The answer, once it is there.
    pub fn poll(&mut self) -> Option<Picked> {
        let answer = self.answers.1.try_recv().ok()?;
        self.open = false;
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
        Pick::ExportTo(ExportFormat::HuggingFace) => "Export to a folder",
        Pick::ExportTo(_) => "Export to a file",
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
        Pick::Project | Pick::ModelFolder | Pick::NewFolder | Pick::MainFolder => one(Box::pin(dialog.pick_folder())),
        Pick::Duplicate => one(Box::pin(dialog.set_can_create_directories(true).pick_folder())),
        Pick::ExportTo(format) => {
            let name = match format {
                ExportFormat::HuggingFace => "exported-model",
                ExportFormat::Safetensors => "model.safetensors",
                ExportFormat::Predictions | ExportFormat::RawPredictions => "predictions.csv",
            };
            one(Box::pin(dialog.set_file_name(name).save_file()))
        }
        Pick::BadRows => one(Box::pin(dialog.set_file_name("bad-rows.csv").save_file())),
        Pick::LabelledOutput(output) => one(Box::pin(dialog.set_file_name(&output.name).save_file())),
    };
    async move { future.await.map(|files| files.iter().map(|file| file.path().to_owned()).collect()) }
}
