//! `hone inspect`: a summary of a data file.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::CliError;
use crate::cli::args::InspectArguments;
use crate::cli::job_runner::JobRunner;
use crate::cli::lists::{SHOWN, print_rest};
use crate::cli::new::{
    choose_columns, choose_method, choose_split_columns, given_split, is_split_given, label_columns_hint,
    print_remarks, reading, use_own_parts,
};
use crate::cli::outcome::print_json;
use crate::cli::profile::print_missing;
use crate::cli::shell::absolute;
use crate::cli::table::table;
use crate::cli::texts::{Inspection, Texts};
use crate::data::{ColumnSummary, FileFormat, FilePart, Imported, Table, summarise_columns};
use crate::project::{ColumnRole, DatasetSettings, Project, SplitMethod};
use crate::words::{collapsed, count, counted, printable, shortened};
use crate::worker::{Import, SaveBadRows};

/// Widest name of a column shown.
const NAME_WIDTH: usize = 64;
/// Widest sample of a column shown.
const SAMPLE_WIDTH: usize = 48;

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct Findings<'a> {
    file: String,
    /// Each file, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<Part<'a>>,
    bytes: u64,
    format: &'static str,
    /// For text files.
    encoding: Option<&'a str>,
    undecodable_characters: u64,
    /// For delimited files.
    delimiter: Option<char>,
    quoting: Option<bool>,
    header: Option<bool>,
    /// 1-based line of the header, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    header_row: Option<u64>,
    /// For workbooks: the sheet that was read, and all sheets.
    sheet: Option<&'a str>,
    sheets: &'a [String],
    rows: u64,
    columns: Vec<Column<'a>>,
    text_column: Option<&'a str>,
    label_column: Option<&'a str>,
    /// One-hot label columns, if chosen instead of a label column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    label_columns: Vec<&'a str>,
    /// Columns that look like one-hot labels, if no label column is chosen.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    looks_like_label_columns: &'a [String],
    bad_rows: Vec<Bad<'a>>,
    /// What a person should know about how the files were read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<&'a str>,
    /// Available once there are a text and a label column.
    texts: Option<Texts>,
}

#[derive(Serialize)]
struct Part<'a> {
    file: String,
    name: &'a str,
    format: &'static str,
    rows: u64,
    bad_rows: u64,
}

impl<'a> Part<'a> {
    fn of(part: &'a FilePart) -> Self {
        Self {
            file: part.path.display().to_string(),
            name: &part.name,
            format: part.format.name(),
            rows: part.rows as u64,
            bad_rows: part.bad_rows as u64,
        }
    }
}

#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    /// Its role, chosen or guessed.
    role: Option<String>,
    filled: u64,
    missing: u64,
    distinct: u64,
    first_value: String,
}

#[derive(Serialize)]
struct Bad<'a> {
    /// Its file, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    record: u64,
    line: u64,
    reason: &'a str,
}

/// Inspects the files and prints the result.
pub(super) fn run(arguments: &InspectArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let mut session = JobRunner::begin()?;
    let dataset = reading(&arguments.files, &arguments.reading);
    let mut project = Project { dataset, ..Project::new(arguments.task.kind) };
    let mut imported = session.run(Import { project: project.clone(), folder: ".".into() })?;
    let is_split_given = is_split_given(&arguments.split, &[]);
    if !is_split_given && use_own_parts(&mut project, &imported) {
        imported = session.run(Import { project: project.clone(), folder: ".".into() })?;
    }
    if let Some(output) = &arguments.bad_rows {
        save_bad_rows(&mut session, &imported, output)?;
    }
    choose_method(&mut project, &arguments.split);
    choose_split_columns(&mut project, &arguments.split, &imported.main.table.names)?;
    choose_columns(&arguments.columns, &imported, &mut project)?;
    if !is_split_given {
        imported.split_by_guess(&mut project);
    }
    let dataset = project.dataset.clone();
    let mut findings = describe_file(&imported, &dataset);
    if !arguments.json {
        print_file(out, &findings, &imported.main.parts)?;
        if !is_split_given && project.split.method == SplitMethod::Column {
            let column = project.dataset.split_column().unwrap_or_default();
            writeln!(out, "\nA new project is split by the column '{column}'.")?;
        }
        if let Some(split) = given_split(&project, &imported, is_split_given) {
            writeln!(out, "\n{split}")?;
        }
    }
    if project.columns_chosen(&imported.main.table.names) && !arguments.only_read {
        // Results are printed as they come: comparing all texts takes longest.
        let mut nowhere = std::io::sink();
        let shown: &mut dyn Write = if arguments.json { &mut nowhere } else { &mut *out };
        findings.texts = Some(Inspection { session, project, imported: &imported }.run(shown)?);
    } else if !arguments.json {
        let needs_label = project.task.kind().role(ColumnRole::Label).is_some();
        print_columns_to_choose(out, &findings, needs_label)?;
    }
    if arguments.json { print_json(out, &findings) } else { Ok(()) }
}

fn save_bad_rows(session: &mut JobRunner, imported: &Arc<Imported>, output: &Path) -> Result<(), CliError> {
    if output.symlink_metadata().is_ok() {
        return Err(CliError::Failed(format!(
            "'{}' already exists. Choose another name, or delete the file.",
            output.display()
        )));
    }
    session.run(SaveBadRows { imported: Arc::clone(imported), output: absolute(output), may_replace: false })?;
    Ok(())
}

fn describe_file<'a>(imported: &'a Imported, dataset: &'a DatasetSettings) -> Findings<'a> {
    let file = &imported.main;
    let delimited = file.format.delimited();
    let (sheet, sheets) = match &file.format {
        FileFormat::Workbook { sheet, sheets, .. } => (Some(sheet.as_str()), sheets.as_slice()),
        _ => (None, &[][..]),
    };
    Findings {
        file: file.path.display().to_string(),
        bytes: file.bytes,
        format: file.format.name(),
        encoding: file.format.encoding(),
        undecodable_characters: file.format.undecodable(),
        delimiter: delimited.map(|format| format.delimiter),
        quoting: delimited.map(|format| format.quoting),
        header: delimited.map(|format| format.header_row.is_some()),
        header_row: file.format.header_row(),
        sheet,
        sheets,
        rows: file.table.len() as u64,
        files: if file.is_several() { file.parts.iter().map(Part::of).collect() } else { Vec::new() },
        columns: describe_columns(&file.table, dataset),
        text_column: dataset.text_column(),
        label_column: dataset.label_column(),
        label_columns: dataset.label_columns().filter(|_| dataset.has_column_per_label()).collect(),
        looks_like_label_columns: if dataset.label_columns().next().is_none() {
            &imported.guessed.label_columns
        } else {
            &[]
        },
        bad_rows: (0..file.parts.len())
            .flat_map(|part| file.bad_rows_of(part).map(move |bad| (part, bad)))
            .map(|(part, bad)| Bad {
                file: file.is_several().then_some(file.parts[part].name.as_str()),
                record: file.place(bad.record).1,
                line: bad.line,
                reason: &bad.reason,
            })
            .collect(),
        remarks: file.parts.iter().flat_map(|part| &part.remarks).map(String::as_str).collect(),
        texts: None,
    }
}

fn describe_columns<'a>(table: &'a Table, dataset: &DatasetSettings) -> Vec<Column<'a>> {
    let summaries = summarise_columns(table).into_iter().zip(&table.names).enumerate();
    summaries
        .map(|(column, (ColumnSummary { filled, distinct, first_filled }, name))| Column {
            role: dataset.role_of(name).map(|role| role.title().to_lowercase()),
            name,
            filled,
            missing: table.len() as u64 - filled,
            distinct,
            first_value: first_filled.map(|row| table.cell(column, row)).unwrap_or_default().to_owned(),
        })
        .collect()
}

fn print_file(out: &mut dyn Write, findings: &Findings<'_>, parts: &[FilePart]) -> Result<(), CliError> {
    let mut facts = vec![counted(findings.rows, "row", "rows"), counted(findings.bytes, "byte", "bytes")];
    facts.extend(findings.encoding.map(str::to_owned));
    facts.push(match (findings.delimiter, findings.sheet) {
        (Some('\t'), _) => "separated by tabs".to_owned(),
        (Some(other), _) => format!("separated by '{other}'"),
        (None, Some(sheet)) => format!("sheet '{}' (of {})", printable(sheet), findings.sheets.len()),
        (None, None) => findings.format.to_owned(),
    });
    if findings.files.is_empty() {
        writeln!(out, "{}: {}", findings.file, facts.join(", "))?;
    } else {
        let head = ["file", ">rows", ">bad rows", "kind"];
        let row = |part: &Part<'_>| {
            vec![part.name.to_owned(), count(part.rows), count(part.bad_rows), part.format.to_owned()]
        };
        let rows: Vec<Vec<String>> = findings.files.iter().map(row).collect();
        write!(out, "{}\n{}", table(&head, &rows), counted(findings.rows, "row", "rows"))?;
        writeln!(out, ", {} in total", counted(findings.bytes, "byte", "bytes"))?;
    }
    for part in parts {
        print_remarks(out, part, parts.len() > 1)?;
    }
    if findings.undecodable_characters > 0 {
        let characters = counted(findings.undecodable_characters, "character", "characters");
        writeln!(out, "{characters} could not be decoded. Try another --encoding.")?;
    }
    let rows: Vec<Vec<String>> = findings
        .columns
        .iter()
        .map(|column| {
            let role = column.role.clone().unwrap_or_default();
            let sample = collapsed(&column.first_value);
            let numbers = [column.filled, column.distinct].map(count);
            let [filled, distinct] = numbers;
            vec![shortened(column.name, NAME_WIDTH), filled, distinct, role, shortened(&sample, SAMPLE_WIDTH)]
        })
        .collect();
    write!(out, "\n{}", table(&["column", ">filled", ">distinct", "role", "first value"], &rows))?;
    let missing: Vec<(&str, u64)> = findings.columns.iter().map(|column| (column.name, column.missing)).collect();
    print_missing(out, &missing, findings.rows)?;
    print_bad_rows(out, &findings.bad_rows)
}

/// Says which columns to choose, where none stand out.
fn print_columns_to_choose(out: &mut dyn Write, findings: &Findings<'_>, needs_label: bool) -> Result<(), CliError> {
    if needs_label && !findings.looks_like_label_columns.is_empty() {
        writeln!(out, "\n{}", label_columns_hint(findings.looks_like_label_columns))?;
    }
    let is_labelled = !needs_label || findings.label_column.is_some() || !findings.label_columns.is_empty();
    match (findings.text_column.is_some(), is_labelled || !findings.looks_like_label_columns.is_empty()) {
        (false, false) => {
            writeln!(out, "\nHone could not guess the text and label columns. Name them with --text and --label.")?;
        }
        (false, true) => writeln!(out, "\nHone could not guess the text column. Name it with --text.")?,
        (true, false) => writeln!(out, "\nHone could not guess the label column. Name it with --label.")?,
        (true, true) => {}
    }
    Ok(())
}

fn print_bad_rows(out: &mut dyn Write, bad_rows: &[Bad<'_>]) -> Result<(), CliError> {
    if bad_rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{} could not be read:", counted(bad_rows.len() as u64, "row", "rows"))?;
    for bad in bad_rows.iter().take(SHOWN) {
        let file = bad.file.map(|file| format!(" of {}", printable(file))).unwrap_or_default();
        writeln!(out, "  row {}{file} (line {}): {}", bad.record, bad.line, printable(bad.reason))?;
    }
    print_rest(out, bad_rows.len())
}
