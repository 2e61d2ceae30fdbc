//! What `hone inspect` tells of the texts as a whole: the words of each label, languages, dates.

use std::io::Write;

use serde::Serialize;

use super::CliError;
use super::table::{count, grouped, printable};
use crate::worker::Profile;

/// Terms, languages and labels shown; `--json` gives all that were found.
const SHOWN: usize = 8;

/// The texts as a whole, as `--json` prints them.
#[derive(Serialize)]
pub(super) struct Told {
    /// Texts whose words were counted: all, or a sample of very many.
    texts_counted: u64,
    words: u64,
    vocabulary: u64,
    terms: Vec<LabelTerms>,
    languages: Vec<LanguageShare>,
    /// Texts looked at for their language, and those too short or too mixed to be sure of.
    language_texts: u64,
    language_unsure: u64,
    dates: Vec<DateColumn>,
}

#[derive(Serialize)]
struct LabelTerms {
    label: String,
    terms: Vec<Term>,
}

/// A word that sets a label apart.
#[derive(Serialize)]
struct Term {
    word: String,
    /// z-score of the log-odds ratio with an informative Dirichlet prior.
    z: f64,
    /// Occurrences in texts of the label, and in all others.
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
    /// In dates of numbers alone the day comes before the month.
    day_first: bool,
    ambiguous: bool,
    undated: u64,
}

impl Told {
    /// What was found, with the names of the labels.
    pub(super) fn new(profile: &Profile, labels: &[String]) -> Self {
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
        Self {
            texts_counted: terms.texts as u64,
            words: terms.words,
            vocabulary: terms.vocabulary as u64,
            terms: labels.iter().zip(&terms.labels).map(of_label).collect(),
            languages: languages
                .iter()
                .flat_map(|file| &file.languages)
                .map(|&(language, texts)| LanguageShare {
                    code: language.code,
                    name: language.name,
                    texts: texts as u64,
                })
                .collect(),
            language_texts: languages.iter().map(|file| file.texts as u64).sum(),
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
                })
                .collect(),
        }
    }

    /// Prints it.
    pub(super) fn print(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let vocabulary = count(self.vocabulary, "different word", "different words");
        let words = count(self.words, "word", "words");
        writeln!(out, "\n{vocabulary} among {words} in {}.", count(self.texts_counted, "text", "texts"))?;
        let telling: Vec<&LabelTerms> = self.terms.iter().filter(|label| !label.terms.is_empty()).collect();
        if !telling.is_empty() {
            writeln!(out, "Words that set a label apart (log-odds with a prior, the strongest first):")?;
        }
        for label in telling.iter().take(SHOWN) {
            let terms: Vec<String> = label.terms.iter().take(SHOWN).map(|term| printable(&term.word)).collect();
            writeln!(out, "  {}: {}", printable(&label.label), terms.join(", "))?;
        }
        if telling.len() > SHOWN {
            writeln!(out, "  and {} more labels (--json lists all)", telling.len() - SHOWN)?;
        }
        let share = |texts: u64| format!("{:.1}%", 100.0 * texts as f64 / self.language_texts.max(1) as f64);
        let mut languages: Vec<String> = self
            .languages
            .iter()
            .take(SHOWN)
            .map(|language| format!("{} {}", language.name, share(language.texts)))
            .collect();
        if self.language_unsure > 0 {
            languages.push(format!("not sure {}", share(self.language_unsure)));
        }
        writeln!(out, "Languages of {}: {}.", count(self.language_texts, "text", "texts"), languages.join(", "))?;
        for dates in &self.dates {
            let DateColumn { column, first, last, undated, .. } = dates;
            let without = if *undated > 0 { format!(", {} without one", grouped(*undated)) } else { String::new() };
            let order = if dates.ambiguous { " (day or month first cannot be told)" } else { "" };
            writeln!(out, "Dates in {}: {first} to {last}{without}{order}.", printable(column))?;
        }
        Ok(())
    }
}

/// Prints the columns that lack values: (name, missing), of so many rows.
pub(super) fn print_missing(out: &mut dyn Write, missing: &[(&str, u64)], rows: u64) -> Result<(), CliError> {
    let parts: Vec<String> = missing
        .iter()
        .filter(|(_, missing)| *missing > 0)
        .map(|&(name, missing)| {
            let share = 100.0 * missing as f64 / rows.max(1) as f64;
            format!("{} {share:.1}% ({})", printable(name), grouped(missing))
        })
        .collect();
    if !parts.is_empty() {
        writeln!(out, "\nMissing values: {}.", parts.join(", "))?;
    }
    Ok(())
}
