//! Groups of rows that have something in common: length, language, a value of a column, a period.

use std::collections::HashMap;

use chrono::DateTime;

use crate::data::{column_of_dates, language_of};

/// Most values of a column that make groups: of a column with more, those without many rows say nothing.
const MOST_VALUES: usize = 50;
/// Groups of numbers, lengths and dates.
const PARTS: usize = 4;

/// Rows that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// What the rows were grouped by, for example "Text length", or the name of a column.
    pub by: String,
    /// What they have in common, for example "1 to 12 words", or a value of the column.
    pub name: String,
    /// Places of the rows among those that were grouped, ascending.
    pub rows: Vec<usize>,
}

/// Groups texts by their number of words into up to four groups of about the same size.
#[must_use]
pub fn groups_by_length(texts: &[&str]) -> Vec<RowGroup> {
    let words = texts.iter().map(|text| text.split_whitespace().count()).enumerate();
    let words = words.map(|(row, words)| (words, row)).collect();
    in_parts("Text length", words, |words| words.to_string(), " words")
}

/// Groups texts by the language that they are most probably in.
#[must_use]
pub fn groups_by_language(texts: &[&str]) -> Vec<RowGroup> {
    let language = |text: &&str| language_of(text).map_or("too short or mixed to tell", |language| language.name);
    by_value("Language", texts.iter().map(language))
}

/// Groups rows by the values that they have in a column: dates and numbers with many values into up to four groups of about the
/// same size, others by their value. A column in which few rows have the same value, such as an id, gives no groups; only values
/// with `least` rows count.
#[must_use]
pub fn groups_by_column(column: &str, cells: &[&str], least: usize) -> Vec<RowGroup> {
    if let Some(dates) = column_of_dates(cells) {
        let dated = dates.values.iter().enumerate().filter_map(|(row, moment)| Some(((*moment)?, row))).collect();
        let day = |moment| {
            let moment = DateTime::from_timestamp_millis(moment);
            moment.map(|moment| moment.format("%Y-%m-%d").to_string()).unwrap_or_default()
        };
        return in_parts(column, dated, day, "");
    }
    let mut groups = by_value(column, cells.iter().map(|cell| cell.trim()));
    let distinct = groups.len();
    groups.retain(|group| group.rows.len() >= least);
    groups.truncate(MOST_VALUES);
    let grouped: usize = groups.iter().map(|group| group.rows.len()).sum();
    if distinct <= MOST_VALUES || grouped * 2 >= cells.len() {
        return groups;
    }
    let number = |cell: &&str| cell.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let filled = cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    let numbers: Vec<(f64, usize)> =
        cells.iter().enumerate().filter_map(|(row, cell)| Some((number(cell)?, row))).collect();
    // Numbers of which no two are alike are ids, of which neighbours have nothing in common.
    let repeat = distinct * 10 <= filled * 9;
    if numbers.len() == filled && repeat {
        in_parts(column, numbers, |number| number.to_string(), "")
    } else {
        Vec::new()
    }
}

/// A group for each value, those with the most rows first. No value is named "(empty)".
fn by_value<'a>(by: &str, values: impl Iterator<Item = &'a str>) -> Vec<RowGroup> {
    let mut groups: Vec<RowGroup> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (row, value) in values.enumerate() {
        let place = *places.entry(value).or_insert_with(|| {
            let name = if value.is_empty() { "(empty)" } else { value };
            groups.push(RowGroup { by: by.to_owned(), name: name.to_owned(), rows: Vec::new() });
            groups.len() - 1
        });
        groups[place].rows.push(row);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));
    groups
}

/// Groups of about the same size, from low to high values. Rows with the same value stay together.
fn in_parts<T: Copy + PartialOrd>(
    by: &str,
    mut values: Vec<(T, usize)>,
    named: impl Fn(T) -> String,
    unit: &str,
) -> Vec<RowGroup> {
    values.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
    let mut groups = Vec::new();
    let mut begin = 0;
    for part in 1..=PARTS {
        let mut end = values.len() * part / PARTS;
        while end > begin && end < values.len() && values[end].0 == values[end - 1].0 {
            end += 1;
        }
        let Some((first, last)) = values.get(begin..end).and_then(|part| Some((part.first()?.0, part.last()?.0)))
        else {
            continue;
        };
        let name = match (named(first), named(last)) {
            (first, last) if first == last => format!("{first}{unit}"),
            (first, last) => format!("{first} to {last}{unit}"),
        };
        let mut rows: Vec<usize> = values[begin..end].iter().map(|(_, row)| *row).collect();
        rows.sort_unstable();
        groups.push(RowGroup { by: by.to_owned(), name, rows });
        begin = end;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(groups: &[RowGroup]) -> Vec<(&str, usize)> {
        groups.iter().map(|group| (group.name.as_str(), group.rows.len())).collect()
    }

    #[test]
    fn lengths_are_cut_into_four_parts_that_keep_ties_together() {
        let texts: Vec<String> = (1..=8).map(|words| "word ".repeat(words)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let groups = groups_by_length(&texts);
        assert_eq!(
            sizes(&groups),
            [("1 to 2 words", 2), ("3 to 4 words", 2), ("5 to 6 words", 2), ("7 to 8 words", 2)]
        );
        assert_eq!((groups[1].by.as_str(), groups[1].rows.as_slice()), ("Text length", &[2, 3][..]));
        assert_eq!(sizes(&groups_by_length(&["one two"; 10])), [("2 words", 10)]);
        assert!(groups_by_length(&[]).is_empty());
    }

    #[test]
    fn columns_are_grouped_by_value_and_ids_and_texts_are_not() {
        let airlines: Vec<&str> = (0..100).map(|row| ["Delta", "", "United"][row % 3]).collect();
        assert_eq!(
            sizes(&groups_by_column("airline", &airlines, 20)),
            [("Delta", 34), ("(empty)", 33), ("United", 33)]
        );
        assert!(groups_by_column("airline", &airlines, 50).is_empty());
        let ids: Vec<String> = (0..100).map(|row| (row * 7 + 1).to_string()).collect();
        assert!(groups_by_column("id", &ids.iter().map(String::as_str).collect::<Vec<_>>(), 20).is_empty());
    }

    #[test]
    fn numbers_and_dates_with_many_values_are_cut_into_parts() {
        let followers: Vec<String> = (0..200).map(|row| (row % 80).to_string()).collect();
        let groups = groups_by_column("followers", &followers.iter().map(String::as_str).collect::<Vec<_>>(), 20);
        assert_eq!(groups.len(), 4);
        assert_eq!(groups.iter().map(|group| group.rows.len()).sum::<usize>(), 200);
        assert!(groups[0].name.starts_with("0 to "), "{groups:?}");
        let days: Vec<String> = (0..80).map(|row| format!("2024-{:02}-{:02}", row % 12 + 1, row % 28 + 1)).collect();
        let groups = groups_by_column("day", &days.iter().map(String::as_str).collect::<Vec<_>>(), 20);
        assert!(groups.len() == 4 && groups[0].name.starts_with("2024-01-"), "{groups:?}");
    }

    #[test]
    fn texts_are_grouped_by_language() {
        let german = "Der Schuh ist nach zwei Wochen kaputt gegangen und niemand hilft mir weiter";
        let english = "The shoe broke after two weeks and nobody in the shop would help me with it";
        let groups = groups_by_language(&[english, german, english, "ok"]);
        assert_eq!(sizes(&groups), [("English", 2), ("German", 1), ("too short or mixed to tell", 1)]);
    }
}
