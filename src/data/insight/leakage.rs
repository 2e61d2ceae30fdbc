//! What would make the figures of a model look better than it is, told before it is trained.
//!
//! One list for the window, the terminal and a run's log. Each finding says how many rows, which, what it means, and what
//! change of the project mends it.

mod across;
mod giveaway;
mod groups;
mod time;

use rayon::prelude::*;

use crate::data::{DataError, Imported, NearGroups, Prepared, RowColumns, Side};
use crate::progress::{Progress, Watch};
use crate::project::{ColumnRole, Project, RowEdit, RowId, SourceFile, SplitMethod};

pub use time::Span;

/// What looking for leakage gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeakageReport {
    /// The findings, those that make figures wrong first.
    pub leaks: Vec<Leak>,
    /// What was looked for, in words.
    pub looked_for: Vec<String>,
    /// What was not, and why, in words.
    pub not_looked_for: Vec<String>,
    /// First and last moment of train, validation and test, where a time column is known.
    pub spans: [Option<Span>; 3],
}

/// One way in which the rows measured on give themselves away.
#[derive(Clone, Debug, PartialEq)]
pub struct Leak {
    /// What it is.
    pub kind: LeakKind,
    /// The rows it concerns, in file order.
    pub rows: Vec<RowId>,
    /// What was found: a sentence without its full stop.
    pub found: String,
    /// What that means: sentences, without the last full stop.
    pub meaning: String,
    /// What can be done, the best first.
    pub remedies: Vec<LeakRemedy>,
    /// A person has looked at it and lets it stand.
    pub ignored: bool,
}

/// Kinds of leakage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeakKind {
    /// The same text in training and where it is measured.
    Duplicates,
    /// Nearly the same text there.
    NearDuplicates,
    /// Rows that belong together stand on two sides.
    Group {
        /// The column that says so.
        column: String,
        /// It was chosen for that, and is not only one that looks so.
        chosen: bool,
    },
    /// Training rows are newer than rows that are measured.
    Time {
        /// The column of the dates.
        column: String,
    },
    /// A column beside the text tells the label.
    Giveaway {
        /// That column.
        column: String,
        /// The model reads it: it is put before the text.
        read: bool,
    },
}

/// A change of the project that mends a finding, or lets it stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeakRemedy {
    /// Split at random with texts nearly the same on one side.
    KeepNearTogether,
    /// Split at random with rows of the same value in this column on one side.
    SplitByGroup(String),
    /// Split by time.
    SplitByTime,
    /// Leave out later rows with the same text and label.
    DropDuplicates,
    /// Put this column before the text no more.
    StopReading(String),
    /// Leave out these rows of the main file.
    LeaveOut(Vec<RowId>),
    /// Let the finding of this key stand.
    Ignore(String),
    /// Take the finding of this key seriously again.
    LookAgain(String),
}

impl LeakageReport {
    /// Findings that make figures wrong and were not let stand.
    pub fn serious(&self) -> impl Iterator<Item = &Leak> {
        self.leaks.iter().filter(|leak| !leak.ignored && !leak.is_hint())
    }

    /// Findings worth a look that were not let stand.
    pub fn hints(&self) -> impl Iterator<Item = &Leak> {
        self.leaks.iter().filter(|leak| !leak.ignored && leak.is_hint())
    }
}

impl Leak {
    /// Whether it is only worth a look: nothing says that figures are wrong.
    #[must_use]
    pub fn is_hint(&self) -> bool {
        match &self.kind {
            LeakKind::Giveaway { read, .. } => !read,
            LeakKind::Group { chosen, .. } => !chosen,
            // Where texts do not change over time, it does no harm.
            LeakKind::Time { .. } => true,
            LeakKind::Duplicates | LeakKind::NearDuplicates => false,
        }
    }

    /// What was found and what it means, in sentences.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!("{}. {}.", self.found, self.meaning)
    }
}

impl LeakKind {
    /// Names the finding among those that a person lets stand.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Group { column, .. } | Self::Giveaway { column, .. } => format!("{}:{column}", self.name()),
            Self::Duplicates | Self::NearDuplicates | Self::Time { .. } => self.name().to_owned(),
        }
    }

    /// The kind in a word, for files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Duplicates => "duplicates",
            Self::NearDuplicates => "near-duplicates",
            Self::Group { .. } => "group",
            Self::Time { .. } => "time",
            Self::Giveaway { .. } => "giveaway",
        }
    }

    /// The column it is about.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Group { column, .. } | Self::Giveaway { column, .. } | Self::Time { column } => Some(column),
            Self::Duplicates | Self::NearDuplicates => None,
        }
    }

    /// The kind as a heading.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Duplicates => "The same text on two sides".to_owned(),
            Self::NearDuplicates => "Nearly the same text on two sides".to_owned(),
            Self::Group { column, .. } => format!("The same '{column}' on two sides"),
            Self::Time { .. } => "Training rows from after the test".to_owned(),
            Self::Giveaway { column, .. } => format!("'{column}' gives the label away"),
        }
    }
}

impl LeakRemedy {
    /// What a button says.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::KeepNearTogether => "Keep near-duplicates together".to_owned(),
            Self::SplitByGroup(column) => format!("Keep rows of the same '{column}' together"),
            Self::SplitByTime => "Split by time".to_owned(),
            Self::DropDuplicates => "Leave out duplicates".to_owned(),
            Self::StopReading(column) => format!("Do not read '{column}'"),
            Self::LeaveOut(rows) if rows.len() == 1 => "Leave out 1 row".to_owned(),
            Self::LeaveOut(rows) => format!("Leave out {} rows", rows.len()),
            Self::Ignore(_) => "Ignore".to_owned(),
            Self::LookAgain(_) => "Look again".to_owned(),
        }
    }

    /// The same as settings for `--set`; empty where it takes decisions about rows.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        let settings: &[&str] = match self {
            Self::KeepNearTogether => &["split.method=random", "split.keep_near_together=true"],
            Self::SplitByGroup(column) => {
                return vec!["split.method=random".to_owned(), format!("dataset.group_column={column}")];
            }
            Self::SplitByTime => &["split.method=time"],
            Self::DropDuplicates => &["cleaning.drop_duplicates=true"],
            Self::StopReading(_) | Self::LeaveOut(_) | Self::Ignore(_) | Self::LookAgain(_) => &[],
        };
        settings.iter().map(|&setting| setting.to_owned()).collect()
    }

    /// The project with the remedy applied.
    #[must_use]
    pub fn apply(&self, project: &Project, imported: &Imported) -> Project {
        let mut project = project.clone();
        match self {
            Self::KeepNearTogether => {
                project.split.method = SplitMethod::Random;
                project.split.keep_near_together = true;
            }
            Self::SplitByGroup(column) => {
                project.split.method = SplitMethod::Random;
                project.dataset.choose(column, ColumnRole::Group);
            }
            Self::SplitByTime => project.split.method = SplitMethod::Time,
            Self::DropDuplicates => project.cleaning.drop_duplicates = true,
            Self::StopReading(column) => project.dataset.set_role(column, None),
            Self::LeaveOut(rows) => leave_out(&mut project, imported, rows),
            Self::Ignore(key) => _ = project.split.ignored_leaks.insert(key.clone()),
            Self::LookAgain(key) => _ = project.split.ignored_leaks.remove(key),
        }
        project
    }
}

/// Excludes rows of the main file as a person does by hand.
fn leave_out(project: &mut Project, imported: &Imported, rows: &[RowId]) {
    let table = &imported.main.table;
    let dataset = project.dataset.clone();
    let Some(columns) = RowColumns::of(table, &dataset) else { return };
    for id in rows.iter().filter(|id| id.file == SourceFile::Main) {
        let Ok(row) = table.records.binary_search(&id.record) else { continue };
        let edit = project.edits.rows.entry(*id).or_default();
        let content_hash = columns.hash(row);
        if edit.content_hash != content_hash {
            *edit = RowEdit { content_hash, ..RowEdit::default() };
        }
        edit.excluded = true;
    }
}

/// What looking for leakage looks at.
#[derive(Clone, Copy)]
struct Rows<'a> {
    project: &'a Project,
    imported: &'a Imported,
    prepared: &'a Prepared,
}

/// Looks for all kinds of leakage among prepared rows. `near` was found among their texts.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn find_leaks(
    project: &Project,
    imported: &Imported,
    prepared: &Prepared,
    near: &NearGroups,
    watch: &mut Watch,
) -> Result<LeakageReport, DataError> {
    let rows = Rows { project, imported, prepared };
    let mut report =
        LeakageReport { looked_for: vec!["the same text on two sides".to_owned()], ..LeakageReport::default() };
    if prepared.examples.is_empty() {
        return Ok(report);
    }
    look(watch, 0)?;
    report.leaks.extend(across::duplicates(rows));
    report.looked_for.push("nearly the same text on two sides".to_owned());
    report.leaks.extend(across::near_duplicates(rows, near));
    look(watch, 1)?;
    groups::find(rows, &mut report);
    look(watch, 2)?;
    time::find(rows, &mut report);
    look(watch, 3)?;
    report.looked_for.push("columns that give the label away".to_owned());
    let names: Vec<&String> = imported.main.table.names.iter().filter(|name| !is_special(project, name)).collect();
    let giveaways: Vec<Option<Leak>> = names.into_par_iter().map(|name| giveaway::find(rows, name)).collect();
    report.leaks.extend(giveaways.into_iter().flatten());
    report.leaks.sort_by_key(Leak::is_hint);
    for leak in &mut report.leaks {
        let key = leak.kind.key();
        leak.ignored = project.split.ignored_leaks.contains(&key);
        if leak.ignored {
            leak.remedies = vec![LeakRemedy::LookAgain(key)];
        } else {
            leak.remedies.push(LeakRemedy::Ignore(key));
        }
    }
    look(watch, 4)?;
    Ok(report)
}

fn look(watch: &mut Watch, done: u64) -> Result<(), DataError> {
    if watch.is_cancelled() {
        return Err(DataError::Cancelled);
    }
    let stage = "Looking for leakage".to_owned();
    watch.progress(Progress { stage, done, total: Some(4), unit: "", eta_seconds: None });
    Ok(())
}

/// Whether a column is the text or the label itself, or names the sides.
fn is_special(project: &Project, name: &str) -> bool {
    let dataset = &project.dataset;
    [ColumnRole::Text, ColumnRole::Label, ColumnRole::Split].into_iter().any(|role| dataset.has_role(name, role))
}

impl Rows<'_> {
    fn side(&self, place: usize) -> Side {
        self.prepared.examples[place].side
    }

    fn id(&self, place: usize) -> RowId {
        self.prepared.examples[place].id
    }

    /// The row as a person finds it.
    fn name(&self, place: usize) -> String {
        self.imported.row_name(self.id(place))
    }

    fn ids(&self, places: &[usize]) -> Vec<RowId> {
        places.iter().map(|&place| self.id(place)).collect()
    }

    /// Whether a row comes from the main file, so that another split can move it.
    fn is_divided(&self, place: usize) -> bool {
        self.id(place).file == SourceFile::Main
    }

    fn is_random(&self) -> bool {
        self.project.split.method == SplitMethod::Random
    }

    /// "12 of 80 validation rows and 1 of 160 test rows" of some rows that are not training rows.
    fn counted(&self, places: &[usize]) -> String {
        let of_side = |(side, word): (Side, &str)| {
            let found = places.iter().filter(|&&place| self.side(place) == side).count();
            let all = self.prepared.side(side).count();
            let rows = if all == 1 { "row" } else { "rows" };
            (found > 0).then(|| format!("{found} of {all} {word} {rows}"))
        };
        let sides = [(Side::Validation, "validation"), (Side::Test, "test")];
        sides.into_iter().filter_map(of_side).collect::<Vec<_>>().join(" and ")
    }
}
