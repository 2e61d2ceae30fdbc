//! Reads JSON: one object per line, or one document with a list of objects.

use std::fmt;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::data::import::azure;
use crate::data::import::decode::Decoded;
use crate::data::import::json_values::{Element, Fields};
use crate::data::import::rows::{NamedRows, RawRows};
use crate::data::{BadRow, DataError, FileFormat, JsonLayout};
use crate::progress::Watch;

/// Records parsed between two checks of the cancel switch.
const RECORDS_PER_LOOK: u64 = 8_192;

/// Usual names of the list of rows in a document; the first list in the file with one of them is read.
const LISTS: [&str; 6] = ["data", "rows", "records", "examples", "items", "results"];

/// Whether a text may be JSON, by its first character.
pub(super) fn may_be(path: &Path, text: &[u8]) -> bool {
    is_named(path, &["jsonl", "ndjson", "jsonlines", "json"]) || text.trim_ascii_start().first() == Some(&b'{')
}

fn is_named(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// The layout of the objects in a text, or `None` if it is not JSON: known by its name, or by its first line.
pub(super) fn layout(path: &Path, text: &str) -> Option<JsonLayout> {
    let (is_lines, is_json) = (is_named(path, &["jsonl", "ndjson", "jsonlines"]), is_named(path, &["json"]));
    let body = text.trim();
    let first_line = body.lines().next().unwrap_or_default();
    let is_object = |line: &str| serde_json::from_str::<Fields>(line).is_ok();
    let by_name = is_lines || is_json;
    match body.as_bytes().first() {
        Some(b'{') if is_lines || (is_object(first_line) && body.len() > first_line.len()) => Some(JsonLayout::Lines),
        Some(b'{') if is_json || is_object(body) => Some(JsonLayout::Document),
        Some(b'[') if is_lines && !body.ends_with(']') => Some(JsonLayout::Lines),
        Some(b'[') if is_json => Some(JsonLayout::Document),
        _ if by_name => Some(if is_lines { JsonLayout::Lines } else { JsonLayout::Document }),
        _ => None,
    }
}

/// Reads each object as a row. Nested objects become columns such as `user.name`; lists are kept as JSON.
///
/// # Errors
/// [`DataError::Damaged`] if a document contains no list of objects, and [`DataError::Cancelled`].
pub(super) fn read(
    path: &Path,
    text: &str,
    layout: JsonLayout,
    decoded: &Decoded,
    watch: &mut Watch,
) -> Result<(RawRows, FileFormat), DataError> {
    let format = FileFormat::Json { layout, encoding: decoded.encoding.to_owned(), undecodable: decoded.undecodable };
    let rows = match layout {
        JsonLayout::Lines => read_lines(text, watch)?,
        JsonLayout::Document => {
            if let Some(rows) = azure::read(path, text, watch)? {
                return Ok((rows, FileFormat::AzureProject));
            }
            read_document(path, text, watch)?
        }
    };
    Ok((rows.finish(path)?, format))
}

fn read_lines(text: &str, watch: &mut Watch) -> Result<NamedRows, DataError> {
    let mut rows = NamedRows::of_file(text.len() as u64);
    let (mut record, mut done) = (0, 0);
    for (line, raw) in text.split('\n').enumerate() {
        done += raw.len() + 1;
        let raw = raw.trim();
        if raw.is_empty() {
            continue;
        }
        record += 1;
        match serde_json::from_str(raw) {
            Ok(element) => add(&mut rows, record, line as u64 + 1, element, raw),
            Err(error) => {
                let reason = format!("Not JSON: {}", without_place(&error, true));
                rows.bad_rows.push(BadRow::new(record, line as u64 + 1, reason, raw));
            }
        }
        if record.is_multiple_of(RECORDS_PER_LOOK) {
            watch.advance("Finding rows", done, text.len(), "bytes")?;
        }
    }
    Ok(rows)
}

fn add(rows: &mut NamedRows, record: u64, line: u64, element: Element, raw: &str) {
    match element {
        Element::Fields(fields) => {
            fields.set_in(rows);
            rows.end_row(record);
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
        Ok(()) if found => Ok(rows),
        Ok(()) => Err(damaged("it contains no list of objects".to_owned())),
        // The rows before the damage are good; the rest becomes a bad row.
        Err(error) if rows.len() > 0 => {
            rows.drop_row();
            let (line, raw) = (error.line() as u64, line_of(text, error.line()));
            let reason = format!("Damaged from here on: {}. The rest was not read", without_place(&error, true));
            rows.bad_rows.push(BadRow::new(record + 1, line, reason, raw));
            Ok(rows)
        }
        Err(error) => Err(damaged(format!("{} in line {}", without_place(&error, true), error.line()))),
    }
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
