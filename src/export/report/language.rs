//! How good a language model is: before and after training, by domain term, and the hardest documents.

use crate::evaluation::{BaselineName, LanguageModelMetrics, Metrics, Prediction, TermCounts, WordCounts, WordsAnswer};
use crate::export::report::document::{Block, Cell, Section, Table};
use crate::export::report::source::ReportOf;
use crate::glossary::Term;
use crate::project::Objective;
use crate::words::{count, one_line, percent_fine, perplexity, score, shortened};

/// Terms and documents that are listed.
const TERMS: usize = 20;
const DOCUMENTS: usize = 10;
/// Characters shown of each document.
const TEXT: usize = 320;

/// The sections of a language model.
pub(super) fn sections(of: &ReportOf<'_>, metrics: &LanguageModelMetrics) -> Vec<Section> {
    let before = of.comparison.baseline(BaselineName::Untrained).and_then(Metrics::language_modelling);
    vec![before_and_after(metrics, before), terms(metrics, before), documents(of)]
}

fn before_and_after(metrics: &LanguageModelMetrics, before: Option<&LanguageModelMetrics>) -> Section {
    let what = match metrics.objective {
        Objective::MaskedWords => "masked words",
        Objective::NextTokens => "words, each from the text before it",
    };
    let row = |when: &str, which: &str, counts: &WordCounts| {
        vec![
            Cell::from(which),
            Cell::from(when),
            perplexity(counts.perplexity()).into(),
            percent_fine(counts.accuracy()).into(),
            score(counts.loss()).into(),
            count(counts.words).into(),
        ]
    };
    let mut rows = Vec::new();
    rows.extend(before.map(|before| row("before", "All words", &before.overall)));
    rows.push(row("after", "All words", &metrics.overall));
    if metrics.terms.words > 0 {
        rows.extend(before.map(|before| row("before", "Domain terms", &before.terms)));
        rows.push(row("after", "Domain terms", &metrics.terms));
    }
    let table = Table::new(&["Which", "Training", ">Perplexity", ">Word accuracy", ">Loss", ">Words"], rows);
    let hint = format!("The same documents with the same words to predict: {what}. {}", Term::Perplexity.text());
    Section { title: "Before and after training".to_owned(), blocks: vec![Block::Hint(hint), Block::Table(table)] }
}

fn terms(metrics: &LanguageModelMetrics, before: Option<&LanguageModelMetrics>) -> Section {
    let mut known: Vec<&TermCounts> = metrics.masked_terms().collect();
    known.sort_by_key(|term| std::cmp::Reverse(term.counts.words));
    let row = |TermCounts { term, counts }: &&TermCounts| {
        let before = before.and_then(|before| before.term(term));
        let earlier = |value: fn(&WordCounts) -> String| Cell::from(before.map(value).unwrap_or_default());
        vec![
            Cell::from(term.clone()),
            count(counts.words).into(),
            earlier(|counts| count(counts.correct)),
            count(counts.correct).into(),
            earlier(|counts| perplexity(counts.perplexity())),
            perplexity(counts.perplexity()).into(),
        ]
    };
    let rows: Vec<Vec<Cell>> = known.iter().take(TERMS).map(row).collect();
    let titles = ["Term", ">Times", ">Right before", ">Right after", ">Perplexity before", ">Perplexity after"];
    let hint = "Words that are much more frequent in the training texts than elsewhere, the most frequent first.";
    let blocks =
        if rows.is_empty() { Vec::new() } else { vec![Block::hint(hint), Block::Table(Table::new(&titles, rows))] };
    Section { title: "Domain terms".to_owned(), blocks }
}

fn documents(of: &ReportOf<'_>) -> Section {
    let counts = |row: &Prediction| row.answer.words().map(|words: &WordsAnswer| words.overall).unwrap_or_default();
    let mut hardest: Vec<(&Prediction, WordCounts)> =
        of.predictions.iter().map(|row| (row, counts(row))).filter(|(_, counts)| counts.tokens > 0).collect();
    hardest.sort_by(|(_, a), (_, b)| b.loss().total_cmp(&a.loss()));
    let row = |(row, counts): &(&Prediction, WordCounts)| {
        vec![
            Cell::from(ReportOf::row_name(row)),
            Cell::from(shortened(&one_line(&row.text, TEXT + 1), TEXT)),
            perplexity(counts.perplexity()).into(),
            count(counts.words).into(),
        ]
    };
    let rows: Vec<Vec<Cell>> = hardest.iter().take(DOCUMENTS).map(row).collect();
    let hint = "Documents whose words the model still finds hardest to predict. They are often in another language, or damaged.";
    let table = Table::new(&["Document", "Text", ">Perplexity", ">Words"], rows);
    Section { title: "The hardest documents".to_owned(), blocks: vec![Block::hint(hint), Block::Table(table)] }
}
