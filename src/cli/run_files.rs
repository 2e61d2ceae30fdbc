//! `hone report` and `hone curves`: files about runs for other people and other programs.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::CliError;
use crate::cli::job_runner::JobRunner;
use crate::cli::model_commands::{Chosen, find_run};
use crate::cli::run_args::{CurvesArguments, ReportArguments};
use crate::cli::shell::absolute;
use crate::storage::{ProjectFile, RunFolder, StorageError, free_path};
use crate::worker::{CurvesFormat, SaveCurves, SaveReport};

/// Writes a report on a run.
pub(super) fn report(arguments: &ReportArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let Chosen { run, .. } = find_run(&arguments.project, arguments.run.as_deref())?;
    let output = arguments.out.as_deref().map_or_else(|| report_path(&run), absolute);
    let job = SaveReport { run: run.path().to_owned(), output, may_replace: arguments.force };
    let path = JobRunner::begin()?.run(job)?;
    writeln!(out, "Wrote the report on run {} to {}.", run.id(), path.display())?;
    Ok(())
}

/// Where a report goes unless another path is given: among the exports of the project.
fn report_path(run: &RunFolder) -> PathBuf {
    let folder = absolute(run.project_folder());
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    free_path(&folder.join("exports"), &format!("{name}-report"), ".html")
}

/// Saves the curves of runs.
pub(super) fn curves(arguments: &CurvesArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, _) = ProjectFile::read(&arguments.project)?;
    let runs = runs(&folder, &arguments.runs)?;
    let output = absolute(&arguments.out);
    let format = CurvesFormat::of(&output).ok_or_else(|| {
        let name = arguments.out.display();
        CliError::Usage(format!(
            "curves are saved as SVG, PNG or CSV. Choose a name that ends in .svg, .png or .csv, not '{name}'"
        ))
    })?;
    let job = SaveCurves { runs, format, output, may_replace: arguments.force };
    let path = JobRunner::begin()?.run(job)?;
    writeln!(out, "Saved the curves to {}.", path.display())?;
    Ok(())
}

/// The folders of the runs that were asked for, or of the newest one.
fn runs(project: &Path, asked: &[String]) -> Result<Vec<PathBuf>, CliError> {
    if asked.is_empty() {
        let newest = RunFolder::list(project)?.into_iter().next().map(|listing| listing.folder);
        let newest = newest.map_or_else(|| RunFolder::find(project, None), Ok::<RunFolder, StorageError>)?;
        return Ok(vec![newest.path().to_owned()]);
    }
    asked.iter().map(|id| Ok(RunFolder::find(project, Some(id))?.path().to_owned())).collect()
}
