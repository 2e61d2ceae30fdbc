//! `hone inspect`: what is in a data file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use super::args::InspectArguments;
use super::new::{absolute, choose, import, reading};
use super::outcome::print_json;
use super::profile::{Told, print_missing};
use super::session::Session;
use super::table::{count, grouped, printable, shortened, table};
use super::{CliError, sentence};
use crate::data::{DropReason, FileFormat, Imported, ImportedFile, Likeness, NEAR, Prepared};
use crate::project::{DatasetSettings, Project};
use crate::worker::{Answer, Command, Profile, RowSource, Survey};

/// Bad rows and labels shown; `--json` gives all.
const SHOWN: usize = 10;

/// Widest sample of a column shown.
const SAMPLE_WIDTH: usize = 48;

/// What was found, as `--json` prints it.
#[derive(Serialize)]
struct Findings<'a> {
    file: String,
    bytes: u64,
    format: &'static str,
    /// Of text files.
    encoding: Option<&'a str>,
    undecodable_characters: u64,
    /// Of delimited files.
    delimiter: Option<char>,
    quoting: Option<bool>,
    header: Option<bool>,
    /// Of workbooks: the sheet read, and all there are.
    sheet: Option<&'a str>,
    sheets: &'a [String],
    rows: u64,
    columns: Vec<Column<'a>>,
    text_column: Option<String>,
    label_column: Option<String>,
    bad_rows: Vec<Bad<'a>>,
    /// Known once there is a text and a label column.
    texts: Option<Texts>,
}

#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    filled: u64,
    missing: u64,
    distinct: u64,
    first_value: String,
}

#[derive(Serialize)]
struct Bad<'a> {
    record: u64,
    line: u64,
    reason: &'a str,
}

#[derive(Serialize)]
struct Texts {
    labels: Vec<LabelCount>,
    usable_rows: u64,
    words: Lengths,
    duplicates: u64,
    /// Rows left that are nearly the same as another, and the groups they form.
    near_duplicates: u64,
    near_duplicate_groups: Vec<Vec<u64>>,
    conflicts: u64,
    without_text: u64,
    without_label: u64,
    problems: Vec<String>,
    warnings: Vec<String>,
    /// The texts as a whole.
    #[serde(flatten)]
    told: Told,
}

#[derive(Serialize)]
struct LabelCount {
    label: String,
    rows: u64,
}

/// Words a text, after cleaning.
#[derive(Serialize)]
struct Lengths {
    shortest: u64,
    median: u64,
    percentile_95: u64,
    longest: u64,
}

/// Looks into the file and prints what is there.
pub(super) fn run(arguments: &InspectArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let mut session = Session::begin()?;
    let main = Some(absolute(&arguments.file));
    let mut project =
        Project { dataset: DatasetSettings { main, ..reading(&arguments.reading) }, ..Project::default() };
    let imported = import(&mut session, &project, Path::new("."))?;
    if let Some(output) = &arguments.bad_rows {
        save_bad_rows(&mut session, &imported, output)?;
    }
    let names = &imported.main.table.names;
    let column = |role, asked: &Option<String>, guessed: &Option<String>| match (asked, guessed) {
        (None, None) => Ok(None),
        _ => choose(role, asked.as_deref(), guessed.as_deref(), names).map(Some),
    };
    let text = column("text", &arguments.text, &imported.guessed_text)?;
    let label = column("label", &arguments.label, &imported.guessed_label)?;
    let mut texts = None;
    if let (Some(text), Some(label), false) = (&text, &label, arguments.only_read) {
        project.dataset.text_column.clone_from(text);
        project.dataset.label_column.clone_from(label);
        let command = Command::Prepare { project: Box::new(project.clone()), imported: Arc::clone(&imported) };
        let Answer::Prepared(prepared) = session.run(command)? else { return Err(CliError::unexpected()) };
        let survey = Arc::new(Survey::of(&prepared));
        let (imported, prepared_rows) = (Arc::clone(&imported), Arc::clone(&prepared));
        let source = RowSource { project: Arc::new(project), imported, prepared: prepared_rows, survey };
        let Answer::Profiled(profile) = session.run(Command::Profile { source })? else {
            return Err(CliError::unexpected());
        };
        let comparison = Command::CompareTexts { prepared: Arc::clone(&prepared) };
        let Answer::TextsCompared(likeness) = session.run(comparison)? else { return Err(CliError::unexpected()) };
        texts = Some(describe_texts(&prepared, &likeness, &profile));
    }
    let findings = find(&imported.main, text, label, texts);
    if arguments.json { print_json(out, &findings) } else { print(out, &findings) }
}

fn save_bad_rows(session: &mut Session, imported: &Arc<Imported>, output: &Path) -> Result<(), CliError> {
    if output.exists() {
        return Err(CliError::Failed(format!(
            "{} is there already. Give another name, or remove it.",
            output.display()
        )));
    }
    let command = Command::SaveBadRows { imported: Arc::clone(imported), output: absolute(output) };
    match session.run(command)? {
        Answer::BadRowsSaved { .. } => Ok(()),
        _ => Err(CliError::unexpected()),
    }
}

fn find(file: &ImportedFile, text: Option<String>, label: Option<String>, texts: Option<Texts>) -> Findings<'_> {
    let delimited = file.format.delimited();
    let (sheet, sheets) = match &file.format {
        FileFormat::Workbook { sheet, sheets } => (Some(sheet.as_str()), sheets.as_slice()),
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
        header: delimited.map(|format| format.header),
        sheet,
        sheets,
        rows: file.table.len() as u64,
        columns: (0..file.table.names.len()).into_par_iter().map(|column| describe_column(file, column)).collect(),
        text_column: text,
        label_column: label,
        bad_rows: file
            .bad_rows
            .iter()
            .map(|bad| Bad { record: bad.record, line: bad.line, reason: &bad.reason })
            .collect(),
        texts,
    }
}

fn describe_column(file: &ImportedFile, column: usize) -> Column<'_> {
    let cells = (0..file.table.len()).map(|row| file.table.cell(column, row)).filter(|cell| !cell.trim().is_empty());
    let mut distinct = foldhash::HashSet::default();
    let (mut filled, mut first_value) = (0, None);
    for cell in cells {
        filled += 1;
        distinct.insert(cell);
        first_value.get_or_insert(cell);
    }
    Column {
        name: &file.table.names[column],
        filled,
        missing: file.table.len() as u64 - filled,
        distinct: distinct.len() as u64,
        first_value: first_value.unwrap_or_default().to_owned(),
    }
}

fn describe_texts(prepared: &Prepared, likeness: &Likeness, profile: &Profile) -> Texts {
    let mut labels: BTreeMap<u32, u64> = BTreeMap::new();
    let mut words: Vec<u64> = Vec::with_capacity(prepared.examples.len());
    for example in &prepared.examples {
        *labels.entry(example.label).or_default() += 1;
        words.push(example.text.split_whitespace().count() as u64);
    }
    words.sort_unstable();
    let at = |share: f64| {
        let last = words.len().saturating_sub(1) as f64;
        words.get((last * share).round() as usize).copied().unwrap_or_default()
    };
    let dropped = |reason| prepared.dropped.iter().filter(|(_, why)| *why == reason).count() as u64;
    let mut labels: Vec<LabelCount> = labels
        .into_iter()
        .filter_map(|(id, rows)| Some(LabelCount { label: prepared.labels.get(id as usize)?.clone(), rows }))
        .collect();
    labels.sort_by_key(|label| std::cmp::Reverse(label.rows));
    Texts {
        labels,
        usable_rows: prepared.examples.len() as u64,
        words: Lengths { shortest: at(0.0), median: at(0.5), percentile_95: at(0.95), longest: at(1.0) },
        duplicates: dropped(DropReason::Duplicate),
        near_duplicates: likeness.rows() as u64,
        near_duplicate_groups: likeness
            .groups
            .iter()
            .map(|group| group.iter().map(|row| row.record).collect())
            .collect(),
        conflicts: prepared.conflicts.len() as u64,
        without_text: dropped(DropReason::EmptyText),
        without_label: dropped(DropReason::EmptyLabel),
        problems: prepared.blockers.clone(),
        warnings: prepared.warnings.clone(),
        told: Told::new(profile, &prepared.labels),
    }
}

fn print(out: &mut dyn Write, findings: &Findings<'_>) -> Result<(), CliError> {
    let mut facts = vec![count(findings.rows, "row", "rows"), count(findings.bytes, "byte", "bytes")];
    facts.extend(findings.encoding.map(str::to_owned));
    facts.push(match (findings.delimiter, findings.sheet) {
        (Some('\t'), _) => "separated by tabs".to_owned(),
        (Some(other), _) => format!("separated by '{other}'"),
        (None, Some(sheet)) => format!("sheet '{}' of {}", printable(sheet), findings.sheets.len()),
        (None, None) => findings.format.to_owned(),
    });
    writeln!(out, "{}: {}", findings.file, facts.join(", "))?;
    if findings.undecodable_characters > 0 {
        let characters = count(findings.undecodable_characters, "character", "characters");
        writeln!(out, "{characters} could not be decoded; try another --encoding.")?;
    }
    let rows: Vec<Vec<String>> = findings
        .columns
        .iter()
        .map(|column| {
            let role = [(&findings.text_column, "text"), (&findings.label_column, "label")]
                .into_iter()
                .find_map(|(chosen, role)| (chosen.as_deref() == Some(column.name)).then_some(role))
                .unwrap_or_default();
            let sample = column.first_value.split_whitespace().collect::<Vec<_>>().join(" ");
            let numbers = [column.filled, column.distinct].map(grouped);
            let [filled, distinct] = numbers;
            vec![column.name.to_owned(), filled, distinct, role.to_owned(), shortened(&sample, SAMPLE_WIDTH)]
        })
        .collect();
    write!(out, "\n{}", table(&["column", ">filled", ">distinct", "role", "first value"], &rows))?;
    let missing: Vec<(&str, u64)> = findings.columns.iter().map(|column| (column.name, column.missing)).collect();
    print_missing(out, &missing, findings.rows)?;
    print_bad_rows(out, &findings.bad_rows)?;
    if let Some(texts) = &findings.texts {
        return print_texts(out, texts);
    }
    if findings.text_column.is_none() || findings.label_column.is_none() {
        writeln!(out, "\nNo text and label columns stand out: name them with --text and --label.")?;
    }
    Ok(())
}

fn print_bad_rows(out: &mut dyn Write, bad_rows: &[Bad<'_>]) -> Result<(), CliError> {
    if bad_rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{} could not be used:", count(bad_rows.len() as u64, "row", "rows"))?;
    for bad in bad_rows.iter().take(SHOWN) {
        writeln!(out, "  row {} (line {}): {}", bad.record, bad.line, printable(bad.reason))?;
    }
    print_rest(out, bad_rows.len())
}

fn print_texts(out: &mut dyn Write, texts: &Texts) -> Result<(), CliError> {
    let total = texts.usable_rows.max(1) as f64;
    let rows: Vec<Vec<String>> = texts
        .labels
        .iter()
        .take(SHOWN)
        .map(|label| {
            let share = format!("{:.1}%", 100.0 * label.rows as f64 / total);
            vec![label.label.clone(), grouped(label.rows), share]
        })
        .collect();
    write!(out, "\n{}", table(&["label", ">rows", ">share"], &rows))?;
    print_rest(out, texts.labels.len())?;
    let Lengths { shortest, median, percentile_95, longest } = texts.words;
    writeln!(
        out,
        "\nWords a text: {shortest} to {longest}, median {median}, 95% of texts up to {percentile_95}.\n\
         {} to learn from, after leaving out {}, {} and {}.",
        count(texts.usable_rows, "row", "rows"),
        count(texts.duplicates, "duplicate", "duplicates"),
        count(texts.without_text, "empty text", "empty texts"),
        count(texts.without_label, "empty label", "empty labels"),
    )?;
    if let Some(first) = texts.near_duplicate_groups.first() {
        let groups = texts.near_duplicate_groups.len() as u64;
        let example: Vec<String> = first.iter().take(2).map(u64::to_string).collect();
        writeln!(
            out,
            "{} nearly the same as another ({} of their letter sequences in common), in {}: rows {}, for example.",
            count(texts.near_duplicates, "row is", "rows are"),
            format_args!("{:.0}%", 100.0 * NEAR),
            count(groups, "group", "groups"),
            example.join(" and "),
        )?;
    }
    texts.told.print(out)?;
    for problem in &texts.problems {
        writeln!(out, "Problem: {}", sentence(problem))?;
    }
    for warning in &texts.warnings {
        writeln!(out, "Warning: {}", sentence(warning))?;
    }
    Ok(())
}

fn print_rest(out: &mut dyn Write, all: usize) -> Result<(), CliError> {
    if all > SHOWN {
        writeln!(out, "  and {} more (--json lists all)", all - SHOWN)?;
    }
    Ok(())
}
