//! What is wrong, or may be, with a project's rows: with how many, which, what it means and what can be done in one click.
//!
//! Everything is looked for in the rows that will be used, as they are after cleaning: a finding whose remedy was applied
//! is found no more.

mod boilerplate;
mod columns;
mod labels;
mod language;
mod privacy;
mod remedy;
mod rows;
mod words;

use std::collections::HashMap;

use serde::Serialize;

use crate::data::insight::lengths::spread;
use crate::data::{DataError, Example, Imported, Likeness, Prepared, RowColumns, TextTokenizer};
use crate::progress::{Progress, Watch};
use crate::project::{Project, RowId, SourceFile};

pub use remedy::{Change, Remedy};

/// Rows looked at between two looks at the cancel switch.
const ROWS_PER_LOOK: usize = 16_384;

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The same text with different labels.
    Conflicts,
    /// Labels that differ only in capitals, spaces, hyphens or underscores.
    LabelSpellings,
    /// Labels with few training rows.
    RareLabels,
    /// Labels of very different frequency.
    Imbalance,
    /// The same text and label as an earlier row.
    Duplicates,
    /// Texts that are nearly the same.
    NearDuplicates,
    /// A column that looks like an id whose values repeat.
    RepeatedIds,
    /// Telephone numbers.
    Phones,
    /// E-mail addresses.
    Emails,
    /// Numbers of payment cards and bank accounts.
    Accounts,
    /// `@names`.
    Handles,
    /// Texts longer than what is read of them.
    TooLong,
    /// Texts in another language than most.
    OtherLanguage,
    /// The same sentence or line in many otherwise different texts.
    Boilerplate,
    /// Gaps in columns other than the text and the label.
    MissingValues,
    /// No text.
    EmptyText,
    /// No label.
    MissingLabel,
}

impl FindingKind {
    /// All kinds.
    pub const ALL: [Self; 17] = [
        Self::Conflicts,
        Self::LabelSpellings,
        Self::RareLabels,
        Self::Imbalance,
        Self::Duplicates,
        Self::NearDuplicates,
        Self::RepeatedIds,
        Self::Phones,
        Self::Emails,
        Self::Accounts,
        Self::Handles,
        Self::TooLong,
        Self::OtherLanguage,
        Self::Boilerplate,
        Self::MissingValues,
        Self::EmptyText,
        Self::MissingLabel,
    ];

    /// What it is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Conflicts => "Same text, different labels",
            Self::LabelSpellings => "Labels spelt in several ways",
            Self::RareLabels => "Rare labels",
            Self::Imbalance => "Unequal labels",
            Self::Duplicates => "Exact duplicates",
            Self::NearDuplicates => "Texts nearly the same",
            Self::RepeatedIds => "Repeated ids",
            Self::Phones => "Telephone numbers",
            Self::Emails => "E-mail addresses",
            Self::Accounts => "Card and account numbers",
            Self::Handles => "@names",
            Self::TooLong => "Texts too long",
            Self::OtherLanguage => "Another language",
            Self::Boilerplate => "Repeated sentence",
            Self::MissingValues => "Gaps in other columns",
            Self::EmptyText => "Empty texts",
            Self::MissingLabel => "Missing labels",
        }
    }

    /// What [`Finding::count`] counts: one, several.
    #[must_use]
    pub fn unit(self) -> (&'static str, &'static str) {
        match self {
            Self::Conflicts
            | Self::NearDuplicates
            | Self::Phones
            | Self::Emails
            | Self::Accounts
            | Self::Handles
            | Self::TooLong
            | Self::OtherLanguage
            | Self::Boilerplate => ("text", "texts"),
            Self::LabelSpellings | Self::RareLabels | Self::Imbalance => ("label", "labels"),
            _ => ("row", "rows"),
        }
    }
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is wrong.
    Problem,
    /// Something makes the model or its figures worse than they need be.
    Warning,
    /// Good to know.
    Note,
    /// It is taken care of: the settings leave such rows out.
    Handled,
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// How serious it is.
    pub severity: Severity,
    /// How many, in units of [`FindingKind::unit`].
    pub count: usize,
    /// The rows to look at, in an order to look at them.
    pub rows: Vec<RowId>,
    /// What it means and what to do.
    pub message: String,
    /// What can be done at once.
    pub remedy: Option<Remedy>,
}

/// Tokens of the texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenLengths {
    /// Of each of [`Prepared::examples`], special tokens included, before any is cut off.
    pub tokens: Vec<usize>,
    /// The most the model reads; `None` while the model is not known.
    pub limit: Option<usize>,
    /// They are estimated from words: the model's tokenizer is not at hand.
    pub estimated: bool,
    /// So many of them are counted and the others estimated from words, by what a word of those counted takes; `None` where
    /// they are all counted or all estimated.
    pub sampled: Option<usize>,
}

impl TokenLengths {
    /// Counts tokens by a model's own tokenizer: of at most `most` texts spread evenly over all. `limit` is the most the
    /// model reads.
    ///
    /// # Errors
    /// [`DataError::Cancelled`], and [`DataError::Tokenise`] when the tokenizer refuses a text.
    pub fn count(
        prepared: &Prepared,
        tokenizer: &TextTokenizer,
        (limit, most): (usize, usize),
        watch: &mut Watch,
    ) -> Result<Self, DataError> {
        let places = spread(prepared.examples.len(), most);
        let mut counted = Vec::with_capacity(places.len());
        for part in places.chunks(TextTokenizer::TEXTS_PER_LOOK) {
            look(watch, "Counting tokens", counted.len(), places.len())?;
            let texts: Vec<&str> = part.iter().map(|&place| prepared.examples[place].text.as_str()).collect();
            counted.extend(tokenizer.token_lengths(&texts)?);
        }
        if counted.len() == prepared.examples.len() {
            return Ok(Self { tokens: counted, limit: Some(limit), ..Self::default() });
        }
        let words = crate::data::word_counts(prepared);
        let special = tokenizer.special_tokens();
        let read: f64 = places.iter().map(|&place| f64::from(words[place])).sum();
        let a_word = counted.iter().map(|tokens| tokens.saturating_sub(special) as f64).sum::<f64>() / read.max(1.0);
        let mut tokens: Vec<usize> =
            words.into_iter().map(|words| (f64::from(words) * a_word).ceil() as usize + special).collect();
        let sampled = Some(counted.len());
        for (place, length) in places.into_iter().zip(counted) {
            tokens[place] = length;
        }
        Ok(Self { tokens, limit: Some(limit), estimated: false, sampled })
    }

    /// A guess from words, for when the model is not on this machine: 1.3 tokens a word, and two special tokens.
    #[must_use]
    pub fn estimate(prepared: &Prepared) -> Self {
        let tokens =
            crate::data::word_counts(prepared).into_iter().map(|words| (f64::from(words) * 1.3).ceil() as usize + 2);
        Self { tokens: tokens.collect(), limit: None, estimated: true, sampled: None }
    }
}

/// What is looked at.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The settings.
    pub project: &'a Project,
    /// The files as read.
    pub imported: &'a Imported,
    /// The rows that will be used.
    pub prepared: &'a Prepared,
    /// Which of them are nearly the same.
    pub likeness: &'a Likeness,
    /// How long they are.
    pub lengths: &'a TokenLengths,
}

/// Looks for everything in [`FindingKind`]; the most serious first, and of equals the most frequent.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn find(sources: &Sources<'_>, watch: &mut Watch) -> Result<Vec<Finding>, DataError> {
    let mut found = labels::findings(sources);
    found.extend(rows::findings(sources));
    look(watch, "Looking through the columns", 0, 0)?;
    found.extend(columns::findings(sources));
    found.extend(privacy::findings(sources, watch)?);
    found.extend(language::finding(sources, watch)?);
    found.extend(boilerplate::findings(sources, watch)?);
    found.sort_by_key(|finding| (finding.severity, std::cmp::Reverse(finding.count), finding.kind));
    Ok(found)
}

/// Reports progress and says when to stop.
fn look(watch: &mut Watch, stage: &str, done: usize, total: usize) -> Result<(), DataError> {
    if watch.is_cancelled() {
        return Err(DataError::Cancelled);
    }
    let (done, total) = (done as u64, (total > 0).then_some(total as u64));
    watch.progress(Progress { stage: stage.to_owned(), done, total, unit: "rows", eta_seconds: None });
    Ok(())
}

impl<'a> Sources<'a> {
    /// Where text and label stand in a file.
    fn columns(&self, which: SourceFile) -> Option<RowColumns<'a>> {
        RowColumns::of(&self.imported.file(which)?.table, &self.project.dataset)
    }

    /// Leaving these rows out, each with the hash of what it holds; rows that are not used are left as they are.
    fn leaving_out(&self, rows: &[RowId]) -> Change {
        let places: HashMap<RowId, usize> = self.prepared.examples.iter().map(|row| (row.id, row.row)).collect();
        let files = [SourceFile::Main, SourceFile::Validation, SourceFile::Test].map(|file| self.columns(file));
        let hashed = |id: &RowId| Some((*id, files[id.file as usize].as_ref()?.hash(*places.get(id)?)));
        Change::LeaveOut(rows.iter().filter_map(hashed).collect())
    }

    /// Rows of the main file that are used.
    fn main(&self) -> impl Iterator<Item = &'a Example> {
        self.prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main)
    }
}
