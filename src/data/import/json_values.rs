//! Turns JSON values into the fields of a row.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::data::import::annotations;
use crate::data::import::rows::NamedRows;

/// Levels of nested objects that become columns; deeper ones are kept as JSON.
const MOST_LEVELS: usize = 4;

/// An object's fields, in the order of the file.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Sets them in the row being gathered.
    pub fn set_in(self, rows: &mut NamedRows) {
        for (name, value) in self.0 {
            set(rows, &name, value, 1);
        }
    }
}

/// Sets a value in the row being gathered: an object as several columns, a list of one as its item.
pub(super) fn set(rows: &mut NamedRows, name: &str, value: Value, level: usize) {
    match value {
        Value::Object(fields) if fields.is_empty() => rows.set(name, None),
        Value::Array(items) => set_list(rows, name, items, level),
        Value::Object(fields) if level < MOST_LEVELS => {
            for (field, value) in fields {
                set(rows, &format!("{name}.{field}"), value, level + 1);
            }
        }
        Value::Null => rows.set(name, None),
        Value::String(text) => rows.set(name, Some(text)),
        other => rows.set(name, Some(other.to_string())),
    }
}

fn set_list(rows: &mut NamedRows, name: &str, mut items: Vec<Value>, level: usize) {
    if annotations::set(rows, name, &items) {
        return;
    }
    if items.len() > 1 || items.first().is_some_and(Value::is_object) {
        return rows.set(name, Some(Value::Array(items).to_string()));
    }
    match items.pop() {
        Some(item) => set(rows, name, item, level),
        None => rows.set(name, None),
    }
}

/// An element of a list of rows.
#[derive(Debug)]
pub(super) enum Element {
    Fields(Fields),
    /// Something else: what it is, and the value.
    Other(&'static str, String),
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match Element::deserialize(source)? {
            Element::Fields(fields) => Ok(fields),
            Element::Other(kind, _) => Err(serde::de::Error::custom(format!("{kind} instead of an object"))),
        }
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Element::Fields(Fields(fields)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Element, A::Error> {
        let mut values: Vec<Value> = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Element::Other("A list", Value::Array(values).to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Element, E> {
        Ok(Element::Other("A text", text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Element, E> {
        Ok(Element::Other("A truth value", value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Element, E> {
        Ok(Element::Other("A number", value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Element, E> {
        Ok(Element::Other("A number", value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Element, E> {
        Ok(Element::Other("A number", value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Element, E> {
        Ok(Element::Other("Nothing", "null".to_owned()))
    }
}
