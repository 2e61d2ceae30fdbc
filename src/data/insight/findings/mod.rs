//! Finds problems of a project's rows that do not depend on the split.
//!
//! The checks look at the rows that will be used, as they are after cleaning, so a finding disappears once its remedy
//! is applied.

mod boilerplate;
mod columns;
mod labels;
mod language;
mod privacy;
mod rows;

use crate::data::insight::lengths::spread;
use crate::data::{
    DataError, Example, Finding, Imported, LanguageSample, Likeness, Prepared, Remedy, RowColumns, TextTokenizer,
};
use crate::progress::{Progress, Watch};
use crate::project::{Project, RowId, SourceFile};

/// Rows between two checks of the cancel switch.
const ROWS_PER_LOOK: usize = 16_384;

/// Tokens of the texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenLengths {
    /// Tokens of each of [`Prepared::examples`], with special tokens, before truncation.
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

/// Which checks to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// All of them.
    #[default]
    All,
    /// Those that need neither the split nor near-duplicates, which take longest to find.
    Rows,
    /// The others.
    Split,
}

/// The inputs of the checks.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Which checks to run.
    pub checks: Checks,
    /// The settings.
    pub project: &'a Project,
    /// The files as read.
    pub imported: &'a Imported,
    /// The rows that will be used.
    pub prepared: &'a Prepared,
    /// Which of them are near-duplicates.
    pub likeness: &'a Likeness,
    /// How long they are.
    pub lengths: &'a TokenLengths,
    /// Which languages they are in.
    pub languages: &'a LanguageSample,
}

/// Finds everything in [`FindingKind::DATA`](crate::data::FindingKind::DATA). The most serious findings come first, and
/// of equally serious ones the most frequent.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn find(sources: &Sources<'_>, watch: &mut Watch) -> Result<Vec<Finding>, DataError> {
    let mut found = Vec::new();
    if sources.checks != Checks::Rows {
        found.extend(labels::findings(sources));
        found.extend(rows::near_duplicates(sources));
    }
    if sources.checks != Checks::Split {
        found.extend(rows::findings(sources));
        look(watch, "Checking the columns", 0, 0)?;
        found.extend(columns::findings(sources));
        found.extend(privacy::findings(sources, watch)?);
        found.extend(language::finding(sources));
        found.extend(boilerplate::findings(sources, watch)?);
    }
    sort_findings(&mut found);
    Ok(found)
}

/// Puts the most serious findings first, and of equally serious ones the most frequent.
pub fn sort_findings(found: &mut [Finding]) {
    found.sort_by_key(|finding| (finding.severity, std::cmp::Reverse(finding.count), finding.kind));
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
    /// The columns of text and label in a file.
    fn columns(&self, which: SourceFile) -> Option<RowColumns<'a>> {
        RowColumns::of(&self.imported.file(which)?.table, &self.project.dataset)
    }

    /// Excludes these rows.
    fn exclude(&self, rows: &[RowId]) -> Remedy {
        Remedy::exclude_rows(self.imported, &self.project.dataset, rows)
    }

    /// Rows of the main file that are used.
    fn main(&self) -> impl Iterator<Item = &'a Example> {
        self.prepared.examples.iter().filter(|example| example.id.file == SourceFile::Main)
    }
}
