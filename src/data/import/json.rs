//! Reads JSON: one object per line, one document with a list of objects, or objects one after another.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::data::import::decode::Decoded;
use crate::data::import::json_values::{Element, Fields};
use crate::data::import::rows::{NamedRows, RawRows};
use crate::data::import::{annotations, azure, json_layouts, json_repair};
use crate::data::{BadRow, DataError, FileFormat, JsonLayout};
use crate::progress::Watch;
use crate::words::{count, counted};

/// Records parsed between two checks of the cancel switch.
const RECORDS_PER_LOOK: u64 = 8_192;

/// Usual names of the list of rows in a document; the first list in the file with one of them is read.
const LISTS: [&str; 6] = ["data", "rows", "records", "examples", "items", "results"];

/// Extensions of files of JSON.
const LINES: [&str; 3] = ["jsonl", "ndjson", "jsonlines"];

/// Whether a text may be JSON, by its first characters.
pub(super) fn may_be(path: &Path, text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    is_named(path, &LINES) || is_named(path, &["json", "js"]) || text.starts_with(b"{") || text.starts_with(SCRIPT)
}

/// How the parts of an archive of tweets begin.
const SCRIPT: &[u8] = b"window.";

fn is_named(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// The value that a script assigns to a variable, as in `window.YTD.tweets.part0 = [...]`; other texts as they are.
fn without_assignment<'a>(path: &Path, text: &'a str) -> &'a str {
    let body = text.trim();
    let starts = ["window.", "var ", "let ", "const ", "export default", "module.exports"];
    if !(is_named(path, &["js"]) || body.as_bytes().starts_with(SCRIPT))
        || !starts.iter().any(|start| body.starts_with(start))
    {
        return text;
    }
    let value = body.find(['[', '{']).map_or(body, |begin| &body[begin..]);
    value.trim_end_matches([';', ' ', '\n', '\r'])
}

/// Whether a text is an object and then another, and the first does not end with the first line: a line that is damaged
/// must cost no other.
fn is_sequence(body: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(body).into_iter::<IgnoredAny>();
    let is_first = values.next().is_some_and(|first| first.is_ok());
    let end = values.byte_offset();
    let is_separator = |letter: char| letter.is_whitespace() || letter == ',';
    let first_line = body.lines().next().unwrap_or_default().trim_end_matches(is_separator);
    is_first && end != first_line.len() && body[end..].trim_start_matches(is_separator).starts_with('{')
}

/// The layout of the objects in a text, or `None` if it is not JSON: known by its name, or by its first line. A script is
/// known to assign JSON.
fn layout(path: &Path, text: &str, is_script: bool) -> Option<JsonLayout> {
    let (is_lines, is_json) = (is_named(path, &LINES), is_script || is_named(path, &["json"]));
    let body = text.trim();
    let first_line = body.lines().next().unwrap_or_default().trim();
    let is_object = |line: &str| serde_json::from_str::<Fields>(line).is_ok();
    let is_line = is_object(first_line.trim_end_matches(','));
    let by_name = is_lines || is_json;
    match body.as_bytes().first() {
        Some(b'{') if is_line && (is_lines || body.len() > first_line.len()) => Some(JsonLayout::Lines),
        Some(b'{') if is_sequence(body) || is_lines && is_object(body) => Some(JsonLayout::Objects),
        Some(b'{') if is_json || is_object(body) => Some(JsonLayout::Document),
        Some(b'[') if is_json || is_lines && body.ends_with(']') && !first_line.ends_with(']') => {
            Some(JsonLayout::Document)
        }
        _ if by_name => Some(if is_lines { JsonLayout::Lines } else { JsonLayout::Document }),
        _ => None,
    }
}

/// Reads each object as a row; `None` if the text is no JSON. Nested objects become columns such as `user.name`; a list
/// of one value is that value, and other lists are kept as JSON.
///
/// # Errors
/// [`DataError::Damaged`] if a document contains no rows, and [`DataError::Cancelled`].
pub(super) fn read(
    path: &Path,
    decoded: &Decoded,
    watch: &mut Watch,
) -> Result<Option<(RawRows, FileFormat)>, DataError> {
    let (text, repairs) = json_repair::repaired(decoded.text());
    let whole: &str = &text;
    let text = without_assignment(path, whole);
    let Some(layout) = layout(path, text, text.len() < whole.len()) else { return Ok(None) };
    let format = FileFormat::Json { layout, encoding: decoded.encoding.to_owned(), undecodable: decoded.undecodable };
    let mut rows = match layout {
        JsonLayout::Lines => read_lines(text, watch)?,
        JsonLayout::Objects => read_objects(text, watch)?,
        JsonLayout::Document => {
            if let Some(rows) = azure::read(path, text, watch)? {
                return Ok(Some((rows, FileFormat::AzureProject)));
            }
            read_document(path, text, watch)?
        }
    };
    rows.remarks.extend(repairs);
    annotations::remark(&mut rows);
    Ok(Some((rows.finish(path)?, format)))
}

/// The values of a text one after another, perhaps with commas between them, each with where it begins and ends.
fn objects(text: &str) -> impl Iterator<Item = Result<(Element, Range<usize>), (serde_json::Error, usize)>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at = text.len() - text[at..].trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',').len();
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Element>();
        let begin = at;
        match values.next()? {
            Ok(element) => {
                at += values.byte_offset();
                Some(Ok((element, begin..at)))
            }
            Err(error) => {
                at = text.len();
                Some(Err((error, begin)))
            }
        }
    })
}

fn read_objects(text: &str, watch: &mut Watch) -> Result<NamedRows, DataError> {
    let mut rows = NamedRows::of_file(text.len() as u64);
    let (mut line, mut counted_to) = (1, 0);
    for (record, object) in (1_u64..).zip(objects(text)) {
        let begin = object.as_ref().map_or_else(|(_, begin)| *begin, |(_, place)| place.start);
        line += memchr::memchr_iter(b'\n', &text.as_bytes()[counted_to..begin]).count() as u64;
        counted_to = begin;
        match object {
            Ok((element, place)) => add(&mut rows, record, line, element, &text[place]),
            Err((error, begin)) => {
                let reason = format!("Damaged from here on: {}. The rest was not read", without_place(&error, false));
                rows.bad_rows.push(BadRow::new(record, line, reason, &text[begin..]));
            }
        }
        if record.is_multiple_of(RECORDS_PER_LOOK) {
            watch.advance("Finding rows", begin, text.len(), "bytes")?;
        }
    }
    Ok(rows)
}

fn read_lines(text: &str, watch: &mut Watch) -> Result<NamedRows, DataError> {
    let mut rows = NamedRows::of_file(text.len() as u64);
    let (mut record, mut done, mut commas) = (0, 0, 0);
    for (line, raw) in text.split('\n').enumerate() {
        done += raw.len() + 1;
        let raw = raw.trim();
        if raw.is_empty() {
            continue;
        }
        record += 1;
        let without_comma = raw.strip_suffix(',').map_or(raw, str::trim_end);
        match serde_json::from_str(without_comma) {
            Ok(element) => {
                commas += usize::from(without_comma.len() < raw.len());
                add(&mut rows, record, line as u64 + 1, element, raw);
            }
            Err(error) => {
                let reason = format!("Not JSON: {}", without_place(&error, true));
                rows.bad_rows.push(BadRow::new(record, line as u64 + 1, reason, raw));
            }
        }
        if record.is_multiple_of(RECORDS_PER_LOOK) {
            watch.advance("Finding rows", done, text.len(), "bytes")?;
        }
    }
    if commas > 0 {
        rows.remarks.push(format!("Ignored the comma at the end of {}", counted(commas, "line", "lines")));
    }
    Ok(rows)
}

fn add(rows: &mut NamedRows, record: u64, line: u64, element: Element, raw: &str) {
    match element {
        Element::Fields(fields) => {
            fields.set_in(rows);
            annotations::end_row(rows, record);
        }
        Element::Other(kind, value) => {
            let raw = if raw.is_empty() { value.as_str() } else { raw };
            rows.bad_rows.push(BadRow::new(record, line, format!("{kind} instead of an object"), raw));
        }
    }
}

/// The message of `serde_json` without its position, or with the column only.
fn without_place(error: &serde_json::Error, column: bool) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    if column { format!("{text} at column {}", error.column()) } else { text.to_owned() }
}

fn read_document(path: &Path, text: &str, watch: &mut Watch) -> Result<NamedRows, DataError> {
    let mut rows = NamedRows::of_file(text.len() as u64);
    let (mut stopped, mut found) = (false, false);
    let mut gather = Gather { rows: &mut rows, watch, stopped: &mut stopped, found: &mut found, record: 0 };
    let mut source = serde_json::Deserializer::from_str(text);
    let result = DocumentSeed(&mut gather).deserialize(&mut source).and_then(|()| source.end());
    let record = gather.record;
    if stopped {
        return Err(DataError::Cancelled);
    }
    let damaged = |reason: String| DataError::Damaged {
        path: path.to_owned(),
        kind: "JSON",
        reason,
        advice: "Save it again, or as JSON lines with one object per line",
    };
    match result {
        Ok(()) if rows.len() > 0 => Ok(rows),
        Ok(()) => match json_layouts::read(text) {
            Some(deeper) => Ok(deeper),
            None if found => Ok(rows),
            None => Err(damaged("it contains no list of objects".to_owned())),
        },
        // The rows before the damage are good; the rest becomes a bad row.
        Err(error) if rows.len() > 0 => {
            rows.drop_row();
            let (line, raw) = (error.line() as u64, line_of(text, error.line()));
            let lost = objects_in_list(text).saturating_sub(record);
            let rest = match lost {
                0 | 1 => "The rest was not read".to_owned(),
                lost => format!("About {} rows were not read", count(lost)),
            };
            let reason = format!("Damaged from here on: {}. {rest}", without_place(&error, true));
            rows.bad_rows.push(BadRow::new(record + 1, line, reason, raw));
            Ok(rows)
        }
        Err(error) => Err(damaged(format!("{} in line {}", without_place(&error, true), error.line()))),
    }
}

/// How many objects the first list of objects seems to have, by its brackets: the text is damaged.
fn objects_in_list(text: &str) -> u64 {
    let (mut depth, mut of_list, mut objects, mut is_string) = (0_usize, None, 0, false);
    let mut previous = b' ';
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => is_string = false,
            b'"' => is_string = !is_string,
            b'\\' if is_string => _ = bytes.next(),
            b'{' | b'[' if !is_string => {
                if byte == b'{' && previous == b'[' && of_list.is_none() {
                    of_list = Some(depth);
                }
                objects += u64::from(byte == b'{' && of_list == Some(depth));
                depth += 1;
            }
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            previous = byte;
        }
    }
    objects
}

fn line_of(text: &str, line: usize) -> &str {
    text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().trim()
}

/// Collects the objects of a document.
struct Gather<'a, 'w> {
    rows: &'a mut NamedRows,
    watch: &'a mut Watch<'w>,
    /// Whether reading was stopped, and not by an error of the text.
    stopped: &'a mut bool,
    /// Whether a list of rows was found.
    found: &'a mut bool,
    record: u64,
}

/// A document: the list itself, or an object with a list in it.
struct DocumentSeed<'g, 'a, 'w>(&'g mut Gather<'a, 'w>);

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of objects, or an object with such a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let gather = self.0;
        *gather.found = true;
        while let Some(element) = list.next_element()? {
            gather.record += 1;
            let record = gather.record;
            add(gather.rows, record, record, element, "");
            if record.is_multiple_of(RECORDS_PER_LOOK) && gather.watch.begin("Finding rows").is_err() {
                *gather.stopped = true;
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let gather = self.0;
        while let Some(name) = map.next_key::<String>()? {
            if !*gather.found && LISTS.contains(&name.to_lowercase().as_str()) {
                map.next_value_seed(ListSeed(gather))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The value of a key that may hold the list.
struct ListSeed<'g, 'a, 'w>(&'g mut Gather<'a, 'w>);

impl<'de> DeserializeSeed<'de> for ListSeed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        DocumentSeed(self.0).visit_seq(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        DocumentSeed(self.0).visit_map(map)
    }

    // Not the list, but for example the number of rows.
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
