//! What `hone inspect` says about the texts of a file: labels, words, problems, near-duplicates, leakage.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::CliError;
use crate::cli::job_runner::JobRunner;
use crate::cli::lists::{SHOWN, print_rest};
use crate::cli::profile::{LeftOut, Told, print_finding};
use crate::cli::table::table;
use crate::data::{
    Checks, DropReason, Example, Finding, Imported, LeakageReport, Likeness, Prepared, Remedy, sort_findings,
};
use crate::project::{Project, RowId};
use crate::words::{count, counted, full_stop};
use crate::worker::{CompareTexts, FindLeaks, FindProblems, Prepare, ProfileRows, RowSource};

/// The texts as `--json` prints them.
#[derive(Default, Serialize)]
pub(super) struct Texts {
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
    /// The excluded rows by reason.
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

/// What makes metrics look better than they are.
#[derive(Default, Serialize)]
struct Leakage {
    findings: Vec<Finding>,
    checked: Vec<String>,
    not_checked: Vec<String>,
}

#[derive(Default, Serialize)]
struct LabelCount {
    label: String,
    rows: u64,
}

/// Words per text, after cleaning.
#[derive(Default, Serialize)]
struct Lengths {
    shortest: u64,
    median: u64,
    percentile_95: u64,
    longest: u64,
}

/// Inspecting the texts of a file, in jobs for the worker.
pub(super) struct Inspection<'a> {
    pub session: JobRunner,
    pub project: Project,
    pub imported: &'a Arc<Imported>,
}

impl Inspection<'_> {
    /// Runs all jobs and prints what each of them found.
    pub(super) fn run(mut self, out: &mut dyn Write) -> Result<Texts, CliError> {
        let cleaned = self.prepare(false)?;
        let mut texts = Texts::of(&cleaned);
        print_labels(out, &texts)?;
        let profile = self.session.run(ProfileRows { source: cleaned.clone() })?;
        texts.told = Told::new(&profile, &cleaned.prepared);
        texts.told.print(out)?;
        let found = self.find_problems(Checks::Rows, &cleaned, &Arc::default())?;
        if !found.is_empty() {
            writeln!(out, "\nFindings:")?;
        }
        found.iter().try_for_each(|finding| print_finding(out, finding))?;
        texts.findings.extend(found.iter().cloned());

        // Nobody else has these rows then, so splitting them again needs no copy.
        drop(cleaned);
        let rows = self.prepare(true)?;
        let likeness = self.session.run(CompareTexts { prepared: Arc::clone(&rows.prepared) })?;
        let found = self.find_problems(Checks::Split, &rows, &likeness)?;
        let is_ready = rows.prepared.blockers.is_empty() && rows.prepared.warnings.is_empty();
        match (texts.findings.is_empty(), found.is_empty()) {
            (true, true) if is_ready => writeln!(out, "\nNo problems found.")?,
            (true, true) => writeln!(out)?,
            (true, false) => writeln!(out, "\nFindings:")?,
            (false, _) => {}
        }
        found.iter().try_for_each(|finding| print_finding(out, finding))?;
        texts.findings.extend(found.iter().cloned());
        sort_findings(&mut texts.findings);
        texts.compared(&rows.prepared, &likeness);
        print_problems(out, &texts)?;

        let RowSource { project, imported, prepared, .. } = rows;
        let leakage = self.session.run(FindLeaks { project, imported, prepared })?;
        texts.leakage = Leakage::of(&leakage);
        if texts.usable_rows > 0 {
            print_leakage(out, &texts.leakage)?;
        }
        Ok(texts)
    }

    /// Cleans and splits the rows; `together` keeps near-duplicates together, if the project does.
    fn prepare(&mut self, together: bool) -> Result<RowSource, CliError> {
        let mut project = self.project.clone();
        project.split.keep_near_together &= together;
        self.session.run(Prepare { project: Arc::new(project), imported: Arc::clone(self.imported), folder: None })
    }

    fn find_problems(
        &mut self,
        checks: Checks,
        rows: &RowSource,
        likeness: &Arc<Likeness>,
    ) -> Result<Arc<Vec<Finding>>, CliError> {
        self.session.run(FindProblems {
            checks,
            project: self.project.clone(),
            folder: ".".into(),
            imported: Arc::clone(self.imported),
            prepared: Arc::clone(&rows.prepared),
            likeness: Arc::clone(likeness),
        })
    }
}

impl Leakage {
    fn of(report: &LeakageReport) -> Self {
        let mut findings = report.findings.clone();
        // Findings can be ignored only in a project.
        for finding in &mut findings {
            finding.remedies.retain(|remedy| !matches!(remedy, Remedy::Ignore(_)));
        }
        Self { findings, checked: report.checked.clone(), not_checked: report.not_checked.clone() }
    }
}

impl Texts {
    /// What is known before the texts are compared with each other.
    fn of(RowSource { prepared, survey, .. }: &RowSource) -> Self {
        let mut labels: BTreeMap<u32, u64> = BTreeMap::new();
        for class in prepared.examples.iter().filter_map(Example::class) {
            *labels.entry(class).or_default() += 1;
        }
        let mut words = survey.words.clone();
        words.sort_unstable();
        let at = |share: f64| {
            let last = words.len().saturating_sub(1) as f64;
            words.get((last * share).round() as usize).map_or(0, |&words| u64::from(words))
        };
        let dropped = |reason| prepared.dropped.iter().filter(|(_, why)| *why == reason).count() as u64;
        let mut labels: Vec<LabelCount> = labels
            .into_iter()
            .filter_map(|(id, rows)| Some(LabelCount { label: prepared.labels.get(id as usize)?.clone(), rows }))
            .collect();
        labels.sort_by_key(|label| std::cmp::Reverse(label.rows));
        Self {
            labels,
            usable_rows: prepared.examples.len() as u64,
            words: Lengths { shortest: at(0.0), median: at(0.5), percentile_95: at(0.95), longest: at(1.0) },
            duplicates: dropped(DropReason::Duplicate),
            conflicts: prepared.conflicts.len() as u64,
            without_text: dropped(DropReason::EmptyText),
            without_label: dropped(DropReason::EmptyLabel),
            left_out: LeftOut::of(prepared),
            ..Self::default()
        }
    }

    /// Adds what is known once the texts are compared and split.
    fn compared(&mut self, prepared: &Prepared, likeness: &Likeness) {
        let records = |group: &Vec<RowId>| group.iter().map(|row| row.record).collect();
        self.near_duplicates = likeness.rows() as u64;
        self.near_duplicate_groups = likeness.groups.iter().map(records).collect();
        self.problems.clone_from(&prepared.blockers);
        self.warnings.clone_from(&prepared.warnings);
    }
}

fn print_labels(out: &mut dyn Write, texts: &Texts) -> Result<(), CliError> {
    let total = texts.usable_rows.max(1) as f64;
    let rows: Vec<Vec<String>> = texts
        .labels
        .iter()
        .take(SHOWN)
        .map(|label| {
            let share = format!("{:.1}%", 100.0 * label.rows as f64 / total);
            vec![label.label.clone(), count(label.rows), share]
        })
        .collect();
    if !rows.is_empty() {
        write!(out, "\n{}", table(&["label", ">rows", ">share"], &rows))?;
    }
    print_rest(out, texts.labels.len())?;
    if texts.usable_rows == 0 {
        let is_empty = texts.left_out.is_empty();
        let dropped = if is_empty { String::new() } else { format!(", {}", LeftOut::in_words(&texts.left_out)) };
        writeln!(out, "\nNo usable rows{dropped}.")?;
        return Ok(());
    }
    let Lengths { shortest, median, percentile_95, longest } = texts.words;
    writeln!(
        out,
        "\nWords per text: {shortest} to {longest}, median {median}, 95th percentile {percentile_95}.\n\
         {}, {}.",
        counted(texts.usable_rows, "usable row", "usable rows"),
        LeftOut::in_words(&texts.left_out)
    )?;
    Ok(())
}

fn print_problems(out: &mut dyn Write, texts: &Texts) -> Result<(), CliError> {
    for problem in &texts.problems {
        writeln!(out, "Problem: {}", full_stop(problem))?;
    }
    for warning in &texts.warnings {
        writeln!(out, "Warning: {}", full_stop(warning))?;
    }
    Ok(())
}

fn print_leakage(out: &mut dyn Write, leakage: &Leakage) -> Result<(), CliError> {
    if leakage.findings.is_empty() {
        writeln!(out, "\nNo leakage found. Checked: {}.", leakage.checked.join("; "))?;
    } else {
        writeln!(out, "\nLeakage in the default split of a new project:")?;
    }
    leakage.findings.iter().try_for_each(|finding| print_finding(out, finding))?;
    if !leakage.not_checked.is_empty() {
        writeln!(out, "Not checked: {}.", leakage.not_checked.join("; "))?;
    }
    Ok(())
}
