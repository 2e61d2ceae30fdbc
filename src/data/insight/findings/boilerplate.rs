//! Finds the same sentence or line in many otherwise different texts: a footer, a signature, the heading of a form.
//!
//! The first and last sentence and line of every text are counted: first by hash, in a table of fixed size (which may count
//! too much, never too little), then exactly, where the table says that many texts may have them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use rayon::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use crate::data::insight::findings::sources::{ROWS_PER_LOOK, Sources};
use crate::data::{Cleaner, DataError, Example, Finding, FindingKind, Remedy, Severity};
use crate::progress::Watch;
use crate::project::RowId;
use crate::words::{counted, percent_of, shortened};

/// Boilerplate is in at least this many texts.
const LEAST_ROWS: usize = 6;
/// It is in at least one of this many texts.
const ONE_ROW_IN: usize = 300;
/// It has at least this many letters: shorter sentences ("Thank you.") are just how people write.
const LEAST_LETTERS: usize = 12;
/// It has at least this many words.
const LEAST_WORDS: usize = 3;
/// It has at most this many bytes, well within what a pattern can find.
const MOST_BYTES: usize = 400;
/// The rest of the text differs in at least this many of ten texts.
const TENTHS_DIFFERENT: usize = 8;
/// The most findings reported.
const MOST: usize = 5;
/// Size of the table, a power of two: 16 MiB.
const PLACES: usize = 1 << 22;
/// Characters shown in the finding.
const SHOWN: usize = 80;

pub(super) fn findings(sources: &Sources<'_>, watch: &mut Watch) -> Result<Vec<Finding>, DataError> {
    let examples = &sources.prepared.examples;
    let least = LEAST_ROWS.max(examples.len() / ONE_ROW_IN);
    let (cleaner, _) = Cleaner::without_faults(&sources.project.cleaning);
    let hasher = FixedState::default();
    let mut table = vec![0_u32; PLACES];
    let place = |piece: &String| hasher.hash_one(piece) as usize % PLACES;
    for (chunk, part) in examples.chunks(ROWS_PER_LOOK).enumerate() {
        watch.advance("Looking for repeated sentences", chunk * ROWS_PER_LOOK, examples.len() * 2, "rows")?;
        let places: Vec<Vec<usize>> =
            part.par_iter().map(|example| pieces(sources, &cleaner, example).iter().map(place).collect()).collect();
        for place in places.into_iter().flatten() {
            table[place] = table[place].saturating_add(1);
        }
    }
    let mut rows_of: HashMap<String, Vec<usize>> = HashMap::new();
    for (chunk, part) in examples.chunks(ROWS_PER_LOOK).enumerate() {
        let first = chunk * ROWS_PER_LOOK;
        watch.advance("Looking for repeated sentences", examples.len() + first, examples.len() * 2, "rows")?;
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
    // Of a line and a sentence in it, the longer one is reported, unless the shorter one is in other texts too.
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

/// The first and last sentence and line of a text, each once and cleaned, but not if it is the whole text.
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
    // Collapsing white space removes line breaks, so lines are taken from the file.
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

/// Replaces tags that break a line by line breaks.
fn with_breaks(raw: &str) -> String {
    raw.replace("<br", "\n<br").replace("</p", "\n</p")
}

/// Whether the texts differ apart from the piece. Otherwise it is the same text sent many times.
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
    // At most half as uncertain as the label is without the piece.
    let telling = !of_label.is_empty()
        && (rows.len() - most) * prepared.examples.len() * 2 <= (prepared.examples.len() - all) * rows.len();
    let name = prepared.labels.get(label).map_or("", String::as_str);
    let (severity, meaning) = if telling {
        let share = percent_of(most, rows.len());
        let meaning = format!(
            "{share} of them are '{name}'. Keep it if the authors wrote it. If a form or a program added it, the model would \
             learn it instead of the text, so remove it"
        );
        (Severity::Note, meaning)
    } else if prepared.labels.is_empty() {
        (Severity::Warning, "The model would learn to repeat it, so remove it".to_owned())
    } else {
        (Severity::Warning, "It says nothing about the label, so remove it".to_owned())
    };
    let is_ending = prepared.examples[rows[0]].text.trim_end().ends_with(&piece);
    let verb = if is_ending { "ends" } else { "begins" };
    let texts = counted(rows.len(), "otherwise different text", "otherwise different texts");
    let ids: Vec<RowId> = rows.iter().map(|&row| prepared.examples[row].id).collect();
    Finding::new(FindingKind::Boilerplate, severity, ids)
        .says(format!("“{}” {verb} {texts}", shortened(&piece, SHOWN)), meaning)
        .with([Remedy::RemoveText(piece)])
}
