//! `hone inspect`: a summary of a data file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::args::InspectArguments;
use crate::cli::new::{absolute, choose_columns, choose_method, choose_split_columns, label_columns_hint, reading};
use crate::cli::outcome::print_json;
use crate::cli::profile::{LeftOut, Told, print_findings, print_missing};
use crate::cli::session::Session;
use crate::cli::table::{count, grouped, printable, shortened, table};
use crate::cli::{CliError, sentence, shell_word};
use crate::data::{
    ColumnSummary, DropReason, FileFormat, FilePart, Finding, Imported, Leak, LeakRemedy, LeakageReport, Likeness,
    Prepared, Table, summarise_columns,
};
use crate::project::{DatasetSettings, Project};
use crate::worker::{CompareTexts, FindLeaks, FindProblems, Import, Prepare, Profile, ProfileRows, SaveBadRows};

/// Most bad rows and labels shown; `--json` lists all.
const SHOWN: usize = 10;

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

#[derive(Serialize)]
struct Texts {
    labels: Vec<LabelCount>,
    usable_rows: u64,
    words: Lengths,
    duplicates: u64,
    /// Near-duplicates among the usable rows, and their groups.
    near_duplicates: u64,
    near_duplicate_groups: Vec<Vec<u64>>,
    conflicts: u64,
    without_text: u64,
    without_label: u64,
    /// The dropped rows by reason.
    left_out: Vec<LeftOut>,
    /// Problems with the rows, most serious first.
    findings: Vec<Finding>,
    problems: Vec<String>,
    warnings: Vec<String>,
    /// Leakage in the default split of a new project.
    leakage: Leakage,
    /// Statistics of all texts.
    #[serde(flatten)]
    told: Told,
}

/// The leakage report.
#[derive(Serialize)]
struct Leakage {
    findings: Vec<LeakInWords>,
    looked_for: Vec<String>,
    not_looked_for: Vec<String>,
}

#[derive(Serialize)]
struct LeakInWords {
    kind: &'static str,
    column: Option<String>,
    /// Not certain leakage, but worth checking.
    hint: bool,
    found: String,
    meaning: String,
    /// Record numbers.
    rows: Vec<u64>,
    remedies: Vec<RemedyInWords>,
}

#[derive(Serialize)]
struct RemedyInWords {
    text: String,
    /// For `--set`.
    settings: Vec<String>,
}

#[derive(Serialize)]
struct LabelCount {
    label: String,
    rows: u64,
}

/// Words per text, after cleaning.
#[derive(Serialize)]
struct Lengths {
    shortest: u64,
    median: u64,
    percentile_95: u64,
    longest: u64,
}

/// Inspects the files and prints the result.
pub(super) fn run(arguments: &InspectArguments, out: &mut dyn Write) -> Result<(), CliError> {
    let mut session = Session::begin()?;
    let dataset = reading(&arguments.files, &arguments.reading);
    let mut project = Project { dataset, ..Project::new(arguments.task.kind) };
    let imported = session.run(Import { project: project.clone(), folder: ".".into() })?;
    if let Some(output) = &arguments.bad_rows {
        save_bad_rows(&mut session, &imported, output)?;
    }
    choose_method(&mut project, &arguments.split);
    choose_split_columns(&mut project, &arguments.split, &imported.main.table.names)?;
    choose_columns(&arguments.columns, &imported, &mut project)?;
    let dataset = project.dataset.clone();
    let mut texts = None;
    if project.columns_chosen(&imported.main.table.names) && !arguments.only_read {
        let source = session.run(Prepare { project: Arc::new(project.clone()), imported: Arc::clone(&imported) })?;
        let prepared = Arc::clone(&source.prepared);
        let profile = session.run(ProfileRows { source: source.clone() })?;
        let likeness = session.run(CompareTexts { prepared: Arc::clone(&prepared) })?;
        let leakage = session.run(FindLeaks {
            project: source.project,
            imported: Arc::clone(&imported),
            prepared: Arc::clone(&prepared),
        })?;
        let findings = session.run(FindProblems {
            project,
            folder: ".".into(),
            imported: Arc::clone(&imported),
            prepared: Arc::clone(&prepared),
            likeness: Arc::clone(&likeness),
        })?;
        texts = Some(describe_texts(&prepared, &likeness, (&findings, &leakage, &profile)));
    }
    let findings = find(&imported, &dataset, texts);
    if arguments.json { print_json(out, &findings) } else { print(out, &findings) }
}

fn save_bad_rows(session: &mut Session, imported: &Arc<Imported>, output: &Path) -> Result<(), CliError> {
    if output.exists() {
        return Err(CliError::Failed(format!(
            "{} already exists. Choose another name, or delete the file.",
            output.display()
        )));
    }
    session.run(SaveBadRows { imported: Arc::clone(imported), output: absolute(output) })?;
    Ok(())
}

fn find<'a>(imported: &'a Imported, dataset: &'a DatasetSettings, texts: Option<Texts>) -> Findings<'a> {
    let file = &imported.main;
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
        texts,
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

fn describe_leakage(report: &LeakageReport) -> Leakage {
    let remedy = |remedy: &LeakRemedy| RemedyInWords { text: remedy.text(), settings: remedy.settings() };
    let finding = |leak: &Leak| LeakInWords {
        kind: leak.kind.name(),
        column: leak.kind.column().map(str::to_owned),
        hint: leak.is_hint(),
        found: leak.found.clone(),
        meaning: leak.meaning.clone(),
        rows: leak.rows.iter().map(|row| row.record).collect(),
        // Findings can be ignored only in a project.
        remedies: leak.remedies.iter().filter(|remedy| !matches!(remedy, LeakRemedy::Ignore(_))).map(remedy).collect(),
    };
    Leakage {
        findings: report.leaks.iter().map(finding).collect(),
        looked_for: report.looked_for.clone(),
        not_looked_for: report.not_looked_for.clone(),
    }
}

fn describe_texts(
    prepared: &Prepared,
    likeness: &Likeness,
    (findings, leakage, profile): (&[Finding], &LeakageReport, &Profile),
) -> Texts {
    let mut labels: BTreeMap<u32, u64> = BTreeMap::new();
    let mut words: Vec<u64> = Vec::with_capacity(prepared.examples.len());
    for example in &prepared.examples {
        if let Some(class) = example.class() {
            *labels.entry(class).or_default() += 1;
        }
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
        left_out: LeftOut::of(prepared),
        findings: findings.to_vec(),
        problems: prepared.blockers.clone(),
        warnings: prepared.warnings.clone(),
        leakage: describe_leakage(leakage),
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
    if findings.files.is_empty() {
        writeln!(out, "{}: {}", findings.file, facts.join(", "))?;
    } else {
        let head = ["file", ">rows", ">bad rows", "kind"];
        let row = |part: &Part<'_>| {
            vec![part.name.to_owned(), grouped(part.rows), grouped(part.bad_rows), part.format.to_owned()]
        };
        let rows: Vec<Vec<String>> = findings.files.iter().map(row).collect();
        write!(out, "{}\n{}", table(&head, &rows), count(findings.rows, "row", "rows"))?;
        writeln!(out, ", {} in total", count(findings.bytes, "byte", "bytes"))?;
    }
    if findings.undecodable_characters > 0 {
        let characters = count(findings.undecodable_characters, "character", "characters");
        writeln!(out, "{characters} could not be decoded. Try another --encoding.")?;
    }
    let rows: Vec<Vec<String>> = findings
        .columns
        .iter()
        .map(|column| {
            let role = column.role.clone().unwrap_or_default();
            let sample = column.first_value.split_whitespace().collect::<Vec<_>>().join(" ");
            let numbers = [column.filled, column.distinct].map(grouped);
            let [filled, distinct] = numbers;
            vec![column.name.to_owned(), filled, distinct, role, shortened(&sample, SAMPLE_WIDTH)]
        })
        .collect();
    write!(out, "\n{}", table(&["column", ">filled", ">distinct", "role", "first value"], &rows))?;
    let missing: Vec<(&str, u64)> = findings.columns.iter().map(|column| (column.name, column.missing)).collect();
    print_missing(out, &missing, findings.rows)?;
    print_bad_rows(out, &findings.bad_rows)?;
    if let Some(texts) = &findings.texts {
        return print_texts(out, texts);
    }
    if !findings.looks_like_label_columns.is_empty() {
        writeln!(out, "\n{}", label_columns_hint(findings.looks_like_label_columns))?;
    }
    let is_labelled = findings.label_column.is_some() || !findings.label_columns.is_empty();
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
    writeln!(out, "\n{} could not be read:", count(bad_rows.len() as u64, "row", "rows"))?;
    for bad in bad_rows.iter().take(SHOWN) {
        let file = bad.file.map(|file| format!(" of {}", printable(file))).unwrap_or_default();
        writeln!(out, "  row {}{file} (line {}): {}", bad.record, bad.line, printable(bad.reason))?;
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
    if !rows.is_empty() {
        write!(out, "\n{}", table(&["label", ">rows", ">share"], &rows))?;
    }
    print_rest(out, texts.labels.len())?;
    let Lengths { shortest, median, percentile_95, longest } = texts.words;
    writeln!(
        out,
        "\nWords per text: {shortest} to {longest}, median {median}, 95th percentile {percentile_95}.\n\
         {} to use, {}.",
        count(texts.usable_rows, "row", "rows"),
        LeftOut::in_words(&texts.left_out)
    )?;
    print_findings(out, &texts.findings)?;
    texts.told.print(out)?;
    for problem in &texts.problems {
        writeln!(out, "Problem: {}", sentence(problem))?;
    }
    for warning in &texts.warnings {
        writeln!(out, "Warning: {}", sentence(warning))?;
    }
    print_leakage(out, &texts.leakage)
}

fn print_leakage(out: &mut dyn Write, leakage: &Leakage) -> Result<(), CliError> {
    if leakage.findings.is_empty() {
        writeln!(out, "\nNo leakage found. Checked: {}.", leakage.looked_for.join("; "))?;
    } else {
        writeln!(out, "\nLeakage in the default split of a new project:")?;
    }
    for LeakInWords { hint, found, meaning, remedies, .. } in &leakage.findings {
        let kind = if *hint { "worth checking" } else { "leak" };
        writeln!(out, "  {kind}: {}. {}.", printable(found), printable(meaning))?;
        for RemedyInWords { text, settings } in remedies {
            let settings: Vec<String> =
                settings.iter().map(|setting| format!("--set {}", shell_word(Path::new(setting)))).collect();
            let how = if settings.is_empty() { String::new() } else { format!(": {}", settings.join(" ")) };
            writeln!(out, "    {text}{how}")?;
        }
    }
    if !leakage.not_looked_for.is_empty() {
        writeln!(out, "Not checked: {}.", leakage.not_looked_for.join("; "))?;
    }
    Ok(())
}

fn print_rest(out: &mut dyn Write, all: usize) -> Result<(), CliError> {
    if all > SHOWN {
        writeln!(out, "  and {} more (--json lists all)", all - SHOWN)?;
    }
    Ok(())
}
