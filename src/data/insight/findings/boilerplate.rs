//! The same sentence or line in many texts that otherwise differ: a footer, a signature, a form's heading.
//!
//! Every sentence and line at the beginning or the end of a text is counted, first in a table of fixed size by hash (which
//! may count too much, never too little), then by itself where that says it may stand in many texts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use rayon::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use crate::data::insight::findings::words::{counted, percent, shortened};
use crate::data::insight::findings::{Change, Finding, FindingKind, ROWS_PER_LOOK, Remedy, Severity, Sources, look};
use crate::data::{Cleaner, DataError, Example};
use crate::progress::Watch;
use crate::project::RowId;

/// At least so many texts have it.
const LEAST_ROWS: usize = 6;
/// One text in so many has it, at least.
const ONE_ROW_IN: usize = 300;
/// Letters it has: shorter ones ("Thank you.") are how people write.
const LEAST_LETTERS: usize = 12;
/// Words it has.
const LEAST_WORDS: usize = 3;
/// Bytes it has at most, well within what a pattern can find.
const MOST_BYTES: usize = 400;
/// The rests of the texts are different in at least so many of ten.
const TENTHS_DIFFERENT: usize = 8;
/// Most findings.
const MOST: usize = 5;
/// Places of the table, a power of two: 16 MiB.
const PLACES: usize = 1 << 22;
/// Characters shown of it.
const SHOWN: usize = 80;

pub(super) fn findings(sources: &Sources<'_>, watch: &mut Watch) -> Result<Vec<Finding>, DataError> {
    let examples = &sources.prepared.examples;
    let least = LEAST_ROWS.max(examples.len() / ONE_ROW_IN);
    let (cleaner, _) = Cleaner::without_faults(&sources.project.cleaning);
    let hasher = FixedState::default();
    let mut table = vec![0_u32; PLACES];
    let place = |piece: &String| hasher.hash_one(piece) as usize % PLACES;
    for (chunk, part) in examples.chunks(ROWS_PER_LOOK).enumerate() {
        look(watch, "Looking for repeated sentences", chunk * ROWS_PER_LOOK, examples.len() * 2)?;
        let places: Vec<Vec<usize>> =
            part.par_iter().map(|example| pieces(sources, &cleaner, example).iter().map(place).collect()).collect();
        for place in places.into_iter().flatten() {
            table[place] = table[place].saturating_add(1);
        }
    }
    let mut rows_of: HashMap<String, Vec<usize>> = HashMap::new();
    for (chunk, part) in examples.chunks(ROWS_PER_LOOK).enumerate() {
        let first = chunk * ROWS_PER_LOOK;
        look(watch, "Looking for repeated sentences", examples.len() + first, examples.len() * 2)?;
        let frequent = |piece: &String| table[place(piece)] as usize >= least;
        let found: Vec<Vec<String>> = part
            .par_iter()
            .map(|example| pieces(sources, &cleaner, example).into_iter().filter(frequent).collect())
            .collect();
        for (row, pieces) in found.into_iter().enumerate() {
            for piece in pieces {
                rows_of.entry(piece).or_default().push(first + row);
            }
        }
    }
    let mut repeated: Vec<(String, Vec<usize>)> =
        rows_of.into_iter().filter(|(piece, rows)| rows.len() >= least && rests_differ(sources, piece, rows)).collect();
    // Of a line and a sentence in it the longer is told, unless the shorter stands elsewhere too.
    repeated.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
    let mut told: Vec<(String, Vec<usize>)> = Vec::new();
    for (piece, rows) in repeated {
        let known = told.iter().any(|(longer, more)| longer.contains(&piece) && more.len() * 10 >= rows.len() * 9);
        if !known {
            told.push((piece, rows));
        }
    }
    told.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    Ok(told.into_iter().take(MOST).map(|(piece, rows)| finding(sources, piece, &rows)).collect())
}

/// The first and the last sentence and line of a text, each once, as they stand after cleaning; none that is the whole
/// text.
fn pieces(sources: &Sources<'_>, cleaner: &Cleaner, example: &Example) -> Vec<String> {
    let text = &example.text;
    let mut pieces: Vec<String> = Vec::with_capacity(4);
    let mut add = |piece: &str| {
        let piece = piece.trim();
        let letters = piece.chars().filter(|letter| letter.is_alphabetic()).count();
        let fits = letters >= LEAST_LETTERS
            && piece.len() <= MOST_BYTES
            && piece.len() < text.trim().len()
            && piece.split_whitespace().nth(LEAST_WORDS - 1).is_some()
            && (text.trim_start().starts_with(piece) || text.trim_end().ends_with(piece));
        if fits && !pieces.iter().any(|known| known == piece) {
            pieces.push(piece.to_owned());
        }
    };
    let mut sentences = text.split_sentence_bounds();
    for sentence in [sentences.next(), sentences.last()].into_iter().flatten() {
        add(sentence);
    }
    // Lines are gone from a text whose white space was collapsed: they are taken from the file.
    let columns = sources.columns(example.id.file);
    let raw = columns.map(|columns| columns.text(example.row)).unwrap_or_default();
    let breaks = |letter: char| matches!(letter, '\n' | '\r');
    let has_tags = raw.contains("<br") || raw.contains("</p");
    let raw = if has_tags { Cow::Owned(with_breaks(&raw)) } else { raw };
    if raw.contains(breaks) {
        let mut lines = raw.split(breaks).filter(|line| !line.trim().is_empty());
        for line in [lines.next(), lines.next_back()].into_iter().flatten() {
            add(&cleaner.clean(line));
        }
    }
    pieces
}

/// Tags that break a line as line breaks.
fn with_breaks(raw: &str) -> String {
    raw.replace("<br", "\n<br").replace("</p", "\n</p")
}

/// Whether the texts differ apart from the piece, so that it is not the same text sent many times.
fn rests_differ(sources: &Sources<'_>, piece: &str, rows: &[usize]) -> bool {
    let examples = &sources.prepared.examples;
    let rests: HashSet<&str> = rows
        .iter()
        .map(|&row| {
            let text = examples[row].text.trim();
            text.strip_suffix(piece).or_else(|| text.strip_prefix(piece)).unwrap_or(text).trim()
        })
        .filter(|rest| rest.split_whitespace().count() >= LEAST_WORDS)
        .collect();
    rests.len() * 10 >= rows.len() * TENTHS_DIFFERENT
}

fn finding(sources: &Sources<'_>, piece: String, rows: &[usize]) -> Finding {
    let Sources { prepared, .. } = sources;
    let mut of_label = vec![0_usize; prepared.labels.len()];
    for &row in rows {
        if let Some(class) = prepared.examples[row].class() {
            of_label[class as usize] += 1;
        }
    }
    let (label, most) = of_label.iter().copied().enumerate().max_by_key(|&(_, rows)| rows).unwrap_or_default();
    let all = prepared.examples.iter().filter(|example| example.class() == Some(label as u32)).count();
    // Twice as far from certain as the label is by itself, or nearer.
    let telling = !of_label.is_empty()
        && (rows.len() - most) * prepared.examples.len() * 2 <= (prepared.examples.len() - all) * rows.len();
    let name = prepared.labels.get(label).map_or("", String::as_str);
    let advice = if telling {
        let share = percent(most, rows.len());
        format!(
            "{share} of them are '{name}': if a person wrote it, keep it; if a form or a program did, the model would \
             learn that in place of the text, so remove it"
        )
    } else {
        "It says nothing about the label: remove it from the texts".to_owned()
    };
    let (first, at_end) = (&prepared.examples[rows[0]].text, "at the end of");
    let where_ = if first.trim_end().ends_with(&piece) { at_end } else { "at the beginning of" };
    let texts = counted(rows.len(), "otherwise different text", "otherwise different texts");
    let ids: Vec<RowId> = rows.iter().map(|&row| prepared.examples[row].id).collect();
    Finding {
        kind: FindingKind::Boilerplate,
        severity: if telling { Severity::Note } else { Severity::Warning },
        count: rows.len(),
        rows: ids,
        message: format!("“{}” stands {where_} {texts}. {advice}", shortened(&piece, SHOWN)),
        remedy: Some(Remedy::new("Remove it from the texts", Change::RemoveWords(piece))),
    }
}
