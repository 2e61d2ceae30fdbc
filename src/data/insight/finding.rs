//! Findings: problems of a project's rows, and leakage.

use serde::Serialize;

use crate::data::Remedy;
use crate::project::RowId;

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The same text with different labels.
    Conflicts,
    /// Labels that differ only in capitals, spaces, hyphens or underscores.
    LabelSpellings,
    /// Labels that stand for a missing one, such as `N/A`.
    PlaceholderLabels,
    /// Several labels in one cell.
    SeveralLabels,
    /// Labels with few training rows.
    RareLabels,
    /// Labels of very different frequency.
    Imbalance,
    /// The same text and label as an earlier row.
    Duplicates,
    /// Texts that differ by a word or two.
    NearDuplicates,
    /// Repeated values in a column that looks like an ID.
    RepeatedIds,
    /// Phone numbers.
    Phones,
    /// E-mail addresses.
    Emails,
    /// Numbers of payment cards and bank accounts.
    Accounts,
    /// `@names`.
    Handles,
    /// Texts longer than the max length.
    TooLong,
    /// Texts in another language than most.
    OtherLanguage,
    /// Texts in a language that the model was not trained on.
    UnknownLanguage,
    /// Texts without content, such as `N/A`.
    PlaceholderTexts,
    /// The same sentence or line in many otherwise different texts.
    Boilerplate,
    /// Empty cells in columns other than the text and the label.
    MissingValues,
    /// Rows without a text.
    EmptyText,
    /// Rows without a label.
    MissingLabel,
    /// Leakage: a validation or test row has the same text as a training row.
    SplitDuplicates,
    /// Leakage: a validation or test row is a near-duplicate of a training row.
    SplitNearDuplicates,
    /// Leakage: rows with the same value of a column, such as one customer's, are on both sides of the split.
    SplitGroups,
    /// Leakage: training rows are newer than test rows.
    SplitTimes,
    /// Leakage: another column predicts the label without the text.
    Giveaway,
}

impl FindingKind {
    /// The kinds that are problems of the data itself and do not depend on the split.
    pub const DATA: [Self; 21] = [
        Self::Conflicts,
        Self::LabelSpellings,
        Self::PlaceholderLabels,
        Self::SeveralLabels,
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
        Self::UnknownLanguage,
        Self::PlaceholderTexts,
        Self::Boilerplate,
        Self::MissingValues,
        Self::EmptyText,
        Self::MissingLabel,
    ];

    /// The kind as a heading. [`Finding::title`] names the column as well.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Conflicts => "Same text, different labels",
            Self::LabelSpellings => "Labels that differ only in spelling",
            Self::PlaceholderLabels => "Placeholders instead of labels",
            Self::SeveralLabels => "Several labels in one cell",
            Self::RareLabels => "Rare labels",
            Self::Imbalance => "Imbalanced labels",
            Self::Duplicates => "Exact duplicates",
            Self::NearDuplicates => "Near-duplicates",
            Self::RepeatedIds => "Repeated IDs",
            Self::Phones => "Phone numbers",
            Self::Emails => "E-mail addresses",
            Self::Accounts => "Card and account numbers",
            Self::Handles => "@names",
            Self::TooLong => "Truncated texts",
            Self::OtherLanguage => "Other languages",
            Self::UnknownLanguage => "Language unknown to the model",
            Self::PlaceholderTexts => "Texts without content",
            Self::Boilerplate => "Repeated sentence",
            Self::MissingValues => "Missing values in other columns",
            Self::EmptyText => "Empty texts",
            Self::MissingLabel => "Missing labels",
            Self::SplitDuplicates => "Duplicates across the split",
            Self::SplitNearDuplicates => "Near-duplicates across the split",
            Self::SplitGroups => "Groups across the split",
            Self::SplitTimes => "Training rows newer than test rows",
            Self::Giveaway => "A column gives the label away",
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
            | Self::UnknownLanguage
            | Self::PlaceholderTexts
            | Self::Boilerplate => ("text", "texts"),
            Self::LabelSpellings | Self::RareLabels | Self::Imbalance => ("label", "labels"),
            _ => ("row", "rows"),
        }
    }

    /// How project files name the kind in `split.ignored_leaks`.
    fn key(self) -> &'static str {
        match self {
            Self::SplitDuplicates => "duplicates",
            Self::SplitNearDuplicates => "near-duplicates",
            Self::SplitGroups => "group",
            Self::SplitTimes => "time",
            Self::Giveaway => "giveaway",
            other => other.title(),
        }
    }
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is wrong.
    Problem,
    /// This may hurt the model or its metrics.
    Warning,
    /// Good to know.
    Note,
    /// The settings already drop such rows.
    Handled,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Handled => "handled",
        }
    }
}

/// A problem: how many rows and which, what it means and what can be done in one click.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// The column it is about, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// How serious it is.
    pub severity: Severity,
    /// How many, in units of [`FindingKind::unit`].
    pub count: usize,
    /// The rows to look at, the clearest examples first.
    pub rows: Vec<RowId>,
    /// What was found: a sentence without its full stop.
    pub found: String,
    /// What it means and what to do: sentences without the last full stop.
    pub meaning: String,
    /// What can be done in one click, the best first.
    pub remedies: Vec<Remedy>,
    /// Whether the person has chosen to ignore it.
    pub ignored: bool,
}

impl Finding {
    /// A finding about rows, each of which counts once.
    pub(in crate::data) fn new(kind: FindingKind, severity: Severity, rows: Vec<RowId>) -> Self {
        Self {
            kind,
            column: None,
            severity,
            count: rows.len(),
            rows,
            found: String::new(),
            meaning: String::new(),
            remedies: Vec::new(),
            ignored: false,
        }
    }

    /// Sets what was found and what it means.
    pub(in crate::data) fn says(self, found: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self { found: found.into(), meaning: meaning.into(), ..self }
    }

    /// Sets what can be done about it.
    pub(in crate::data) fn with(self, remedies: impl IntoIterator<Item = Remedy>) -> Self {
        Self { remedies: remedies.into_iter().collect(), ..self }
    }

    /// The finding as a heading.
    #[must_use]
    pub fn title(&self) -> String {
        match (self.kind, &self.column) {
            (FindingKind::SplitGroups, Some(column)) => format!("The same '{column}' across the split"),
            (FindingKind::Giveaway, Some(column)) => format!("'{column}' gives the label away"),
            _ => self.kind.title().to_owned(),
        }
    }

    /// What was found and what it means, in whole sentences.
    #[must_use]
    pub fn in_words(&self) -> String {
        if self.meaning.is_empty() { format!("{}.", self.found) } else { format!("{}. {}.", self.found, self.meaning) }
    }

    /// Whether it makes metrics wrong, and is not only worth a look.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        self.severity == Severity::Problem
    }

    /// The key by which a person's choice to ignore the finding is stored.
    #[must_use]
    pub fn key(&self) -> String {
        let is_of_column = matches!(self.kind, FindingKind::SplitGroups | FindingKind::Giveaway);
        match self.column.as_ref().filter(|_| is_of_column) {
            Some(column) => format!("{}:{column}", self.kind.key()),
            None => self.kind.key().to_owned(),
        }
    }
}
