//! The statistics of all texts in `hone inspect`: typical words of each label, languages, dates.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::cli::{CliError, shell_word};
use crate::data::{DropReason, FileLanguages, Finding, Language, Prepared};
use crate::words::{count, counted, joined, printable};
use crate::worker::Profile;

/// Most terms, languages and labels shown; `--json` lists all.
const SHOWN: usize = 8;

/// Statistics of all texts, as `--json` prints them.
#[derive(Default, Serialize)]
pub(super) struct Told {
    /// Texts whose words were counted: all, or a sample if there are very many.
    texts_counted: u64,
    texts_counted_are_a_sample: bool,
    words: u64,
    vocabulary: u64,
    terms: Vec<LabelTerms>,
    languages: Vec<LanguageShare>,
    /// Texts checked for their language, and those too short or too mixed to identify.
    language_texts: u64,
    language_texts_are_a_sample: bool,
    language_unsure: u64,
    dates: Vec<DateColumn>,
}

#[derive(Serialize)]
struct LabelTerms {
    label: String,
    terms: Vec<Term>,
}

/// A typical word of a label.
#[derive(Serialize)]
struct Term {
    word: String,
    /// z-score of the log-odds ratio with an informative Dirichlet prior.
    z: f64,
    /// Occurrences in this label, and in all other labels.
    inside: u32,
    outside: u32,
}

#[derive(Serialize)]
struct LanguageShare {
    code: &'static str,
    name: &'static str,
    texts: u64,
}

#[derive(Serialize)]
struct DateColumn {
    column: String,
    first: String,
    last: String,
    /// In numeric dates, the day comes before the month.
    day_first: bool,
    ambiguous: bool,
    undated: u64,
    /// Number of outlying dates, and the range of all others.
    far: u64,
    near: [String; 2],
}

/// Rows dropped for one reason.
#[derive(Serialize)]
pub(super) struct LeftOut {
    reason: &'static str,
    rows: u64,
    /// Singular and plural, for the sentence.
    #[serde(skip)]
    words: (&'static str, &'static str),
}

impl LeftOut {
    /// All reasons, with their row counts.
    pub(super) fn of(prepared: &Prepared) -> Vec<Self> {
        let mut counts: BTreeMap<DropReason, u64> = BTreeMap::new();
        for (_, reason) in &prepared.dropped {
            *counts.entry(*reason).or_default() += 1;
        }
        let told = |(reason, rows)| {
            let (reason, one, several) = reason_in_words(reason);
            Self { reason, rows, words: (one, several) }
        };
        counts.into_iter().map(told).collect()
    }

    /// `after dropping 2 empty texts and 1 duplicate`.
    pub(super) fn in_words(all: &[Self]) -> String {
        let parts: Vec<String> = all.iter().map(|left| counted(left.rows, left.words.0, left.words.1)).collect();
        if parts.is_empty() { "none dropped".to_owned() } else { format!("after dropping {}", joined(&parts)) }
    }
}

/// Name of a reason in `--json`, and its singular and plural in a sentence.
fn reason_in_words(reason: DropReason) -> (&'static str, &'static str, &'static str) {
    match reason {
        DropReason::Excluded => ("excluded", "excluded row", "excluded rows"),
        DropReason::EmptyText => ("empty_text", "empty text", "empty texts"),
        DropReason::EmptyLabel => ("empty_label", "empty label", "empty labels"),
        DropReason::NoneOfLabels => ("none_of_labels", "row without a label marked", "rows without a label marked"),
        DropReason::SeveralLabels => ("several_labels", "row with several labels", "rows with several labels"),
        DropReason::ExcludedLabel => ("excluded_label", "row of an excluded label", "rows of excluded labels"),
        DropReason::Duplicate => ("duplicate", "duplicate", "duplicates"),
        DropReason::Conflict => ("conflict", "row with a conflicting label", "rows with conflicting labels"),
    }
}

impl Told {
    /// The statistics, with label names.
    pub(super) fn new(profile: &Profile, prepared: &Prepared) -> Self {
        let Profile { terms, timelines, languages, .. } = profile;
        let of_label = |(label, terms): (&String, &Vec<crate::data::Term>)| LabelTerms {
            label: label.clone(),
            terms: terms
                .iter()
                .map(|term| Term {
                    word: term.word.clone(),
                    z: (term.score * 100.0).round() / 100.0,
                    inside: term.count[0],
                    outside: term.count[1],
                })
                .collect(),
        };
        let language_texts: usize = languages.iter().map(|file| file.texts).sum();
        Self {
            texts_counted: terms.texts as u64,
            texts_counted_are_a_sample: terms.texts < prepared.examples.len(),
            words: terms.words,
            vocabulary: terms.vocabulary as u64,
            terms: prepared.labels.iter().zip(&terms.labels).map(of_label).collect(),
            languages: of_all_files(languages)
                .into_iter()
                .map(|(language, texts)| LanguageShare {
                    code: language.code,
                    name: language.name,
                    texts: texts as u64,
                })
                .collect(),
            language_texts: language_texts as u64,
            language_texts_are_a_sample: language_texts < prepared.examples.len(),
            language_unsure: languages.iter().map(|file| file.unsure() as u64).sum(),
            dates: timelines
                .iter()
                .map(|timeline| DateColumn {
                    column: timeline.column.clone(),
                    first: timeline.range[0].clone(),
                    last: timeline.range[1].clone(),
                    day_first: timeline.day_first,
                    ambiguous: timeline.ambiguous,
                    undated: timeline.undated as u64,
                    far: (timeline.earlier + timeline.later) as u64,
                    near: timeline.shown.clone(),
                })
                .collect(),
        }
    }

    /// Prints the statistics.
    pub(super) fn print(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if self.texts_counted == 0 {
            return Ok(());
        }
        let vocabulary = counted(self.vocabulary, "distinct word", "distinct words");
        let words = counted(self.words, "word", "words");
        let texts = texts_in_words(self.texts_counted, self.texts_counted_are_a_sample);
        writeln!(out, "\n{vocabulary} among {words} in {texts}.")?;
        let telling: Vec<&LabelTerms> = self.terms.iter().filter(|label| !label.terms.is_empty()).collect();
        if !telling.is_empty() {
            writeln!(out, "Typical words of each label (strongest first):")?;
        }
        for label in telling.iter().take(SHOWN) {
            let terms: Vec<String> = label.terms.iter().take(SHOWN).map(|term| printable(&term.word)).collect();
            writeln!(out, "  {}: {}", printable(&label.label), terms.join(", "))?;
        }
        if telling.len() > SHOWN {
            let more = counted(telling.len() - SHOWN, "more label", "more labels");
            writeln!(out, "  and {more} (--json lists all)")?;
        }
        let share = |texts: u64| format!("{:.1}%", 100.0 * texts as f64 / self.language_texts.max(1) as f64);
        let mut languages: Vec<String> = self
            .languages
            .iter()
            .take(SHOWN)
            .map(|language| format!("{} {}", language.name, share(language.texts)))
            .collect();
        if self.language_unsure > 0 {
            languages.push(format!("unsure {}", share(self.language_unsure)));
        }
        if !languages.is_empty() {
            let texts = texts_in_words(self.language_texts, self.language_texts_are_a_sample);
            writeln!(out, "Languages of {texts}: {}.", languages.join(", "))?;
        }
        for dates in &self.dates {
            let DateColumn { column, first, last, undated, .. } = dates;
            let without = if *undated > 0 { format!(", {} without a date", count(*undated)) } else { String::new() };
            let order = if dates.ambiguous { " (it is unclear whether the day or the month comes first)" } else { "" };
            let [from, to] = &dates.near;
            let far =
                if dates.far > 0 { format!(" (all but {}: {from} to {to})", count(dates.far)) } else { String::new() };
            writeln!(out, "Dates in {}: {first} to {last}{far}{without}{order}.", printable(column))?;
        }
        Ok(())
    }
}

/// `a sample of 200,000 texts`, or how many there are.
fn texts_in_words(texts: u64, are_a_sample: bool) -> String {
    let sample = if are_a_sample { "a sample of " } else { "" };
    format!("{sample}{}", counted(texts, "text", "texts"))
}

/// Prints a finding in a line, and what can be done about it in a line each.
pub(super) fn print_finding(out: &mut dyn Write, finding: &Finding) -> Result<(), CliError> {
    let severity = finding.severity.name();
    writeln!(out, "  {} ({severity}): {}", printable(&finding.title()), printable(&finding.in_words()))?;
    for remedy in &finding.remedies {
        let settings: Vec<String> =
            remedy.settings().iter().map(|setting| format!("--set {}", shell_word(Path::new(setting)))).collect();
        if !settings.is_empty() {
            writeln!(out, "    {}: {}", printable(&remedy.title()), settings.join(" "))?;
        }
    }
    Ok(())
}

/// Prints the columns with missing values. `missing` holds (name, missing rows) out of `rows`.
pub(super) fn print_missing(out: &mut dyn Write, missing: &[(&str, u64)], rows: u64) -> Result<(), CliError> {
    let parts: Vec<String> = missing
        .iter()
        .filter(|(_, missing)| *missing > 0)
        .map(|&(name, missing)| {
            let share = 100.0 * missing as f64 / rows.max(1) as f64;
            format!("{} {share:.1}% ({})", printable(name), count(missing))
        })
        .collect();
    if !parts.is_empty() {
        writeln!(out, "\nMissing values: {}.", parts.join(", "))?;
    }
    Ok(())
}

/// Number of texts in each language over all files, the most frequent first.
fn of_all_files(files: &[FileLanguages]) -> Vec<(Language, usize)> {
    let mut counts: BTreeMap<Language, usize> = BTreeMap::new();
    for &(language, texts) in files.iter().flat_map(|file| &file.languages) {
        *counts.entry(language).or_default() += texts;
    }
    let mut languages: Vec<(Language, usize)> = counts.into_iter().collect();
    languages.sort_by_key(|&(_, texts)| std::cmp::Reverse(texts));
    languages
}
