//! `hone runs name`, `note`, `star`, `tag`, `stop`, `delete`, `restore`, `bin` and `free`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use crate::cli::run_args::{
    BinArguments, ChosenRuns, FreeArguments, RunsArguments, RunsCommand, SaidArguments, TagArguments,
};
use crate::cli::run_list::{list_runs, runs_table};
use crate::cli::table::table;
use crate::cli::{CliError, shell_word};
use crate::storage::{FreePolicy, Freeable, ProjectFile, RunFolder, RunListing, RunNotes, RunRecords, empty_bin};
use crate::words::{bytes, counted, joined, quoted};

/// Lists a project's runs, or changes them.
pub(super) fn run(arguments: &RunsArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let Some(command) = &arguments.command else {
        let project = arguments.project.as_deref().unwrap_or(Path::new("."));
        return list_runs(arguments, project, out);
    };
    match command {
        RunsCommand::Name(said) => name(said, out),
        RunsCommand::Note(said) => note(said, out),
        RunsCommand::Star(chosen) => star(chosen, true, out),
        RunsCommand::Unstar(chosen) => star(chosen, false, out),
        RunsCommand::Tag(tags) => tag(tags, out, |tags, tag| tags.insert(tag.to_owned())),
        RunsCommand::Untag(tags) => tag(tags, out, std::collections::BTreeSet::remove),
        RunsCommand::Stop(chosen) => stop(chosen, out),
        RunsCommand::Delete(chosen) => delete(chosen, out),
        RunsCommand::Restore(chosen) => restore(chosen, out),
        RunsCommand::Bin(arguments) => bin(arguments, out),
        RunsCommand::Free(arguments) => free(arguments, out),
    }
}

/// The runs with these numbers or ids. None is changed if one of them is not there.
fn chosen(project: &Path, runs: &[String]) -> Result<Vec<RunListing>, CliError> {
    let (folder, _) = ProjectFile::read(project)?;
    let found = runs.iter().map(|id| {
        let run = RunFolder::find(&folder, Some(id))?;
        let listed = RunFolder::list(&folder)?.into_iter().find(|listing| listing.folder == run);
        Ok(listed.into_iter())
    });
    Ok(found.collect::<Result<Vec<_>, CliError>>()?.into_iter().flatten().collect())
}

fn change(project: &Path, run: &str, change: impl FnOnce(&mut RunNotes)) -> Result<(u64, RunNotes), CliError> {
    let (folder, _) = ProjectFile::read(project)?;
    let run = RunFolder::find(&folder, Some(run))?;
    let notes = run.change_notes(change)?;
    let listed = RunFolder::list(&folder)?;
    Ok((listed.iter().find(|listing| listing.folder == run).map_or(0, |listing| listing.number), notes))
}

fn name(said: &SaidArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (number, notes) = change(&said.project, &said.run, |notes| notes.name.clone_from(&said.text))?;
    match notes.name.as_str() {
        "" => writeln!(out, "Run {number} has no name now.")?,
        name => writeln!(out, "Run {number} is now called '{name}'.")?,
    }
    Ok(())
}

fn note(said: &SaidArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (number, notes) = change(&said.project, &said.run, |notes| notes.note.clone_from(&said.text))?;
    let now = if notes.note.is_empty() { "has no note now" } else { "has your note" };
    writeln!(out, "Run {number} {now}.")?;
    Ok(())
}

fn stop(runs: &ChosenRuns, out: &mut dyn Write) -> Result<(), CliError> {
    for run in chosen(&runs.project, &runs.runs)? {
        run.folder.ask_to_stop()?;
        writeln!(out, "Run {} ends soon, and keeps its best checkpoint if it has one.", run.number)?;
    }
    Ok(())
}

fn star(runs: &ChosenRuns, star: bool, out: &mut dyn Write) -> Result<(), CliError> {
    for run in chosen(&runs.project, &runs.runs)? {
        run.folder.change_notes(|notes| notes.star = star)?;
        let now = if star { "is starred" } else { "has no star now" };
        writeln!(out, "Run {} {now}.", run.number)?;
    }
    Ok(())
}

fn tag(
    arguments: &TagArguments,
    out: &mut dyn Write,
    set: impl Fn(&mut BTreeSet<String>, &str) -> bool,
) -> Result<(), CliError> {
    let all = |notes: &mut RunNotes| {
        for tag in &arguments.tags {
            set(&mut notes.tags, tag);
        }
    };
    let (number, notes) = change(&arguments.project, &arguments.run, all)?;
    match notes.tags.into_iter().collect::<Vec<_>>().as_slice() {
        [] => writeln!(out, "Run {number} has no tags now.")?,
        [only] => writeln!(out, "Run {number} has the tag '{only}'.")?,
        tags => writeln!(out, "Run {number} has the tags {}.", quoted(tags))?,
    }
    Ok(())
}

fn delete(runs: &ChosenRuns, out: &mut dyn Write) -> Result<(), CliError> {
    let project = shell_word(&runs.project);
    for run in chosen(&runs.project, &runs.runs)? {
        let number = run.number;
        run.folder.delete()?;
        writeln!(out, "Moved run {number} to the bin. To undo: hone runs restore {project} {number}")?;
    }
    Ok(())
}

fn restore(runs: &ChosenRuns, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, _) = ProjectFile::read(&runs.project)?;
    let found = runs.runs.iter().map(|id| RunFolder::find_in_bin(&folder, id)).collect::<Result<Vec<_>, _>>()?;
    for (id, run) in runs.runs.iter().zip(found) {
        run.restore()?;
        writeln!(out, "Restored run {id}.")?;
    }
    Ok(())
}

fn bin(arguments: &BinArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, project) = ProjectFile::read(&arguments.project)?;
    let records = RunRecords::read(&folder, None)?;
    let runs = counted(records.bin.len(), "run", "runs");
    if records.bin.is_empty() {
        writeln!(out, "The bin is empty.")?;
        return Ok(());
    }
    if arguments.empty && !arguments.yes {
        let message = format!("This deletes {runs} for good. Add --yes to go on");
        return Err(CliError::Usage(message));
    }
    if arguments.empty {
        let size = records.bin.iter().map(|run| run.disk.total()).sum();
        empty_bin(&folder)?;
        writeln!(out, "Deleted {runs} for good, {}.", bytes(size))?;
        return Ok(());
    }
    write!(out, "{}", runs_table(&records.bin, project.task.kind()))?;
    let word = shell_word(&arguments.project);
    writeln!(out, "\nTo move a run back: hone runs restore {word} RUN")?;
    writeln!(out, "To delete all of them for good: hone runs bin {word} --empty --yes")?;
    Ok(())
}

fn free(arguments: &FreeArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let (folder, _) = ProjectFile::read(&arguments.project)?;
    let records = RunRecords::read(&folder, None)?;
    let parts = FreePolicy::default().freeable(&records);
    if parts.is_empty() {
        writeln!(out, "Nothing to free: the best, the newest and starred runs keep their weights.")?;
        return Ok(());
    }
    let row =
        |part: &Freeable| vec![part.number.to_string(), part.run.id(), part.part.title().to_owned(), bytes(part.bytes)];
    let rows: Vec<Vec<String>> = parts.iter().map(row).collect();
    write!(out, "{}", table(&[">no", "run", "part", ">size"], &rows))?;
    let all = bytes(parts.iter().map(|part| part.bytes).sum());
    if !arguments.yes {
        let word = shell_word(&arguments.project);
        writeln!(out, "\nMetrics and predictions stay. To free {all}: hone runs free {word} --yes")?;
        return Ok(());
    }
    for part in &parts {
        part.free()?;
    }
    let runs: Vec<String> = parts.iter().map(|part| part.number.to_string()).collect();
    writeln!(
        out,
        "\nFreed {all} of {}.",
        if runs.len() == 1 { format!("run {}", runs[0]) } else { format!("the runs {}", joined(&runs)) }
    )?;
    Ok(())
}
