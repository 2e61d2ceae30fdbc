//! Finds the same sentence or line in many otherwise different texts: a footer, a signature, the heading of a form.
//!
//! The first and last sentence and line of a text are counted, if its first or its last words are frequent: dividing all
//! texts into sentences takes long. They are counted by hash first, in a table of fixed size (which may count too much, never
//! too little), then exactly, where the table says that many texts may have them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

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
const STAGE: &str = "Looking for repeated sentences";

pub(super) fn findings(sources: &Sources<'_>, watch: &mut Watch) -> Result<Vec<Finding>, DataError> {
    let least = LEAST_ROWS.max(sources.prepared.examples.len() / ONE_ROW_IN);
    let rows_of = rows_of_pieces(sources, least, watch)?;
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

/// The texts of every piece that at least `least` texts have, and of some other pieces.
fn rows_of_pieces(
    sources: &Sources<'_>,
    least: usize,
    watch: &mut Watch,
) -> Result<HashMap<String, Vec<usize>>, DataError> {
    let examples = &sources.prepared.examples;
    let (cleaner, _) = Cleaner::without_faults(&sources.project.cleaning);
    watch.begin(STAGE)?;
    // A piece begins some of its texts and ends the others, at least half of them one or the other.
    let half = least.div_ceil(2);
    let ends: Vec<Ends> = examples.par_iter().map(|example| Ends::of(&example.text)).collect();
    let mut texts_of_end = vec![0_u32; PLACES];
    ends.iter().flat_map(Ends::places).for_each(|end| texts_of_end[end] += 1);
    let with_end = |is_wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
        (0..examples.len()).filter(|&text| ends[text].places().any(is_wanted)).collect()
    };
    let likely = with_end(&|end| texts_of_end[end] as usize >= half);
    let mut texts_of_piece = vec![0_u32; PLACES];
    let mut wanted = vec![false; PLACES];
    for (chunk, texts) in likely.chunks(ROWS_PER_LOOK).enumerate() {
        watch.advance(STAGE, chunk * ROWS_PER_LOOK, likely.len() * 2, "rows")?;
        let place = |piece: String| (place_of(&piece), Ends::of(&piece));
        let pieces = |&text: &usize| pieces(sources, &cleaner, &examples[text]).into_iter().map(place).collect();
        let found: Vec<Vec<(usize, Ends)>> = texts.par_iter().map(pieces).collect();
        for (place, ends) in found.into_iter().flatten() {
            texts_of_piece[place] += 1;
            if texts_of_piece[place] as usize >= half {
                ends.places().for_each(|end| wanted[end] = true);
            }
        }
    }
    let likely = with_end(&|end| wanted[end]);
    let mut rows_of: HashMap<String, Vec<usize>> = HashMap::new();
    for (chunk, texts) in likely.chunks(ROWS_PER_LOOK).enumerate() {
        watch.advance(STAGE, likely.len() + chunk * ROWS_PER_LOOK, likely.len() * 2, "rows")?;
        let frequent = |piece: &String| texts_of_piece[place_of(piece)] as usize >= half;
        let pieces = |&text: &usize| pieces(sources, &cleaner, &examples[text]).into_iter().filter(frequent).collect();
        let found: Vec<Vec<String>> = texts.par_iter().map(pieces).collect();
        for (&text, pieces) in texts.iter().zip(found) {
            for piece in pieces {
                rows_of.entry(piece).or_default().push(text);
            }
        }
    }
    Ok(rows_of)
}

/// Where tables of fixed size count the shortest beginning and the shortest end of a text that could be a piece. Texts that
/// begin, or end, with the same piece have it in common.
struct Ends([u32; 2]);

impl Ends {
    /// No beginning or end fits.
    const NONE: u32 = u32::MAX;

    fn of(text: &str) -> Self {
        let text = text.trim();
        let beginning = shortest(text.char_indices().map(|(at, character)| (at + character.len_utf8(), character)));
        let end = shortest(text.char_indices().rev());
        let beginning = beginning.map(|to| place_of((0, &text[..to])) as u32);
        let end = end.map(|from| place_of((1, &text[from..])) as u32);
        Self([beginning, end].map(|place| place.unwrap_or(Self::NONE)))
    }

    fn places(&self) -> impl Iterator<Item = usize> + use<> {
        self.0.into_iter().filter(|&place| place != Self::NONE).map(|place| place as usize)
    }
}

/// The position at which there are enough letters and words for a piece.
fn shortest(characters: impl Iterator<Item = (usize, char)>) -> Option<usize> {
    let (mut letters, mut words, mut is_in_word) = (0, 0, false);
    for (position, character) in characters {
        let is_space = character.is_whitespace();
        words += usize::from(!is_space && !is_in_word);
        is_in_word = !is_space;
        letters += usize::from(character.is_alphabetic());
        if letters >= LEAST_LETTERS && words >= LEAST_WORDS {
            return Some(position);
        }
    }
    None
}

/// The place of a key in a table of fixed size.
fn place_of(key: impl Hash) -> usize {
    FixedState::default().hash_one(key) as usize % PLACES
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
