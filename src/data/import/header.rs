//! Finds the header of a table: titles and comments may come before it, and questions or types below it.
//!
//! Works on the first rows of any file or sheet, as lists of trimmed fields. Rows whose fields are all empty are not
//! given to it. The first row stays the header unless there is evidence against it, because a wrong guess hides a row.

use crate::data::table::columns::is_known_name;
use crate::data::table::guess::looks_like_time;
use crate::data::table::placeholders::is_placeholder;
use crate::words::one_line;

/// The header is one of this many rows.
pub(super) const MOST_BEFORE: usize = 30;
/// Rows to examine: those the header may be in, and some below them.
pub(super) const SAMPLE: usize = MOST_BEFORE + 200;
/// Characters of a name without evidence for it.
const LONG_NAME: usize = 60;
/// With fewer values, a column is no evidence.
const FEW: usize = 5;
/// Rows below the names that may belong to the header.
const MOST_UNDER: usize = 3;

/// Cells of a row of types below the names.
const TYPES: [&str; 24] = [
    "string", "str", "text", "varchar", "char", "object", "category", "label", "class", "nominal", "int", "int32",
    "int64", "integer", "bigint", "number", "numeric", "float", "float64", "double", "bool", "boolean", "date",
    "datetime",
];
/// Cells of the second header row of survey tools.
const RESPONSES: [&str; 4] = ["response", "open-ended response", "other (please specify)", "other"];

/// How a remark about a header below other rows begins.
pub(super) const FOUND: &str = "The header is";
/// Rows quoted in a remark, and characters of each.
const QUOTED: usize = 3;
const QUOTED_WIDTH: usize = 40;

/// The beginnings of the first few rows that are skipped: `'First', 'second', …`; `None` without rows.
pub(super) fn quoted(rows: &[String]) -> Option<String> {
    let first = rows.iter().take(QUOTED).map(|row| format!("'{}'", one_line(row, QUOTED_WIDTH)));
    let more = (rows.len() > QUOTED).then(|| "…".to_owned());
    (!rows.is_empty()).then(|| first.chain(more).collect::<Vec<_>>().join(", "))
}

/// How the first rows of a table are to be read. Places are indices into the rows examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Number of rows before the table.
    pub before: usize,
    /// Whether the first row of the table names the columns.
    pub has_names: bool,
    /// Rows below the names that belong to the header: questions, ids, types.
    pub under: usize,
    /// Number of columns.
    pub width: usize,
    /// One name for each column, empty where there is none.
    pub names: Vec<String>,
    /// Names in the file, if they are fewer than the columns.
    pub fewer: Option<usize>,
}

impl Layout {
    /// Index of the first row of data.
    pub fn first(&self) -> usize {
        self.before + usize::from(self.has_names) + self.under
    }

    /// Finds the header among the first rows.
    pub fn find(rows: &[Vec<String>]) -> Self {
        let width = width(rows);
        let before = begin(rows, width);
        let under = rows_under(rows, before);
        let has_names = under > 0 || has_header(&rows[before..], width);
        Self::of(rows, before, has_names, under, width)
    }

    /// As [`Self::find`], where the first row is known to name the columns, or known to be data.
    pub fn told(rows: &[Vec<String>], has_names: bool) -> Self {
        let under = if has_names { certain_rows_under(rows, 0) } else { 0 };
        Self::of(rows, 0, has_names, under, width(rows))
    }

    fn of(rows: &[Vec<String>], before: usize, has_names: bool, under: usize, width: usize) -> Self {
        let mut layout = Self { before, has_names, under, width, names: Vec::new(), fewer: None };
        if has_names && let Some(names) = rows.get(before) {
            layout.names.clone_from(names);
            layout.width = width.max(names.len());
            layout.fewer = (names.len() < width).then_some(names.len());
        }
        if layout.fewer.is_some() && has_row_names(&rows[layout.first()..], &layout.names, width) {
            layout.names.insert(0, String::new());
        }
        layout.names.resize(layout.width, String::new());
        layout
    }
}

/// Number of columns: that of the first row, unless nearly all rows below the first few have another.
fn width(rows: &[Vec<String>]) -> usize {
    let first = rows.first().map_or(0, Vec::len);
    let of = |width: usize| rows.iter().filter(|row| row.len() == width).count();
    if first > 1 && of(first) * 2 >= rows.len() {
        return first;
    }
    let other = rows.iter().skip(1).map(Vec::len).max_by_key(|&width| (of(width), width)).unwrap_or(first);
    let from = rows.iter().position(|row| row.len() == other).unwrap_or(0);
    let is_regular = from <= MOST_BEFORE && of(other) >= FEW && of(other) * 10 >= (rows.len() - from) * 9;
    // Texts with one comma each look like two columns.
    let is_table = other > 2 || first > 1 || verdict(&rows[from..], other) == Some(true);
    if other > 1 && is_regular && is_table { other } else { first }
}

fn filled(row: &[String]) -> usize {
    row.iter().filter(|field| !field.is_empty()).count()
}

/// Number of rows before the table.
fn begin(rows: &[Vec<String>], width: usize) -> usize {
    let comments = comments(rows, width);
    let Some(first) = rows.get(comments) else { return 0 };
    let is_full = first.len() >= width && (width < 3 || filled(first) * 2 > width);
    let names_known = |row: &[String]| row.iter().any(|name| is_known_name(name));
    if width < 2 || is_full || names_known(first) {
        // Of two rows that may be the names, one with usual names is.
        let is_second = certain_rows_under(rows, comments) == 0
            && rows_under(rows, comments) == 1
            && !names_known(first)
            && names_known(&rows[comments + 1]);
        return comments + usize::from(is_second);
    }
    let last = rows.len().saturating_sub(2).min(MOST_BEFORE);
    let is_header = |&at: &usize| {
        rows[at].len() == width && filled(&rows[at]) >= 2.max(width - 1) && {
            verdict(&rows[at..], width) == Some(true) || certain_rows_under(rows, at) > 0
        }
    };
    if let Some(header) = (comments + 1..last).find(is_header) {
        return header;
    }
    let is_regular = |at: usize| rows.get(at).is_some_and(|row| row.len() == width);
    let names_columns =
        (first.len() > 1 || width == 2) && is_regular(comments + 1) && first.iter().all(|name| is_name(name));
    if first.len() >= width || names_columns {
        return comments;
    }
    (comments + 1..last).find(|&at| is_regular(at)).unwrap_or(comments)
}

/// Number of lines at the beginning that begin with `#`, unless the last of them is the header.
fn comments(rows: &[Vec<String>], width: usize) -> usize {
    let is_comment = |row: &&Vec<String>| {
        row[0]
            .strip_prefix('#')
            .is_some_and(|rest| row.len() != width || rest.is_empty() || rest.starts_with([' ', '#']))
    };
    let mut found = rows.iter().take(MOST_BEFORE).take_while(is_comment).count();
    if found > 0 && rows[found - 1].len() == width && width > 1 && rows.get(found).is_some() {
        // `# id, text, label` may be the header.
        found -= usize::from(verdict(&rows[found..], width) != Some(true));
    }
    if found < rows.len() { found } else { 0 }
}

fn is_number(field: &str) -> bool {
    field.parse::<f64>().is_ok()
}

/// Whether a field may name a column.
fn is_name(field: &str) -> bool {
    !field.is_empty() && !is_number(field) && !looks_like_time(field) && !is_placeholder(field)
}

/// Whether the first of these rows names the columns. The others are compared with it.
fn has_header(rows: &[Vec<String>], width: usize) -> bool {
    let [names, _, ..] = rows else { return true };
    match verdict(rows, width) {
        Some(told) => told,
        None => names.iter().all(|name| name.chars().count() <= LONG_NAME),
    }
}

/// Whether the first of these rows names the columns, as far as the rows tell.
fn verdict(rows: &[Vec<String>], width: usize) -> Option<bool> {
    let (names, rows) = rows.split_first()?;
    // Where files were joined, the header comes again.
    let rows: Vec<&Vec<String>> =
        rows.iter().filter(|row| row.len() == width.max(names.len()) && !repeats(row, names)).collect();
    if names.iter().any(|name| is_known_name(name)) {
        return Some(true);
    }
    if rows.is_empty() {
        return None;
    }
    let mut is_told = false;
    for (column, name) in names.iter().enumerate() {
        let values: Vec<&str> = rows.iter().map(|row| row[column].as_str()).collect();
        let number_among_numbers = is_number(name) && values.iter().all(|value| is_number(value));
        let value_that_returns = !name.is_empty() && values.contains(&name.as_str());
        if number_among_numbers || value_that_returns {
            return Some(false);
        }
        is_told |= is_name(name) && (are_numbers(&values) || are_classes(&values));
    }
    is_told.then_some(true)
}

/// Whether a row is the header again, perhaps with the byte order mark of another file.
fn repeats(row: &[String], names: &[String]) -> bool {
    let plain = |field: &String| field.trim_start_matches('\u{FEFF}').trim().to_owned();
    row.len() > 1 && row.len() == names.len() && row.iter().map(plain).eq(names.iter().map(plain))
}

/// Whether values are numbers or times, and enough of them to be sure.
fn are_numbers(values: &[&str]) -> bool {
    let mut filled = values.iter().filter(|value| !value.is_empty()).peekable();
    let enough = values.iter().filter(|value| !value.is_empty()).count() >= FEW;
    enough && filled.peek().is_some() && filled.all(|value| is_number(value) || looks_like_time(value))
}

/// Whether a few values occur again and again, each at least twice.
fn are_classes(values: &[&str]) -> bool {
    let mut sorted: Vec<&str> = values.iter().copied().filter(|value| !value.is_empty()).collect();
    sorted.sort_unstable();
    let groups = || sorted.chunk_by(|a, b| a == b);
    sorted.len() >= 2 * FEW && groups().count() * 3 <= sorted.len() && groups().all(|group| group.len() > 1)
}

/// Rows below the header that belong to it, by what they hold themselves.
fn certain_rows_under(rows: &[Vec<String>], header: usize) -> usize {
    let below = rows.get(header + 1..).unwrap_or_default();
    let is_ids = |row: &Vec<String>| {
        let ids =
            row.iter().filter(|field| field.starts_with("{\"ImportId\"") || field.starts_with("{'ImportId'")).count();
        ids > 0 && ids * 2 >= filled(row)
    };
    if let Some(ids) = below.iter().take(MOST_UNDER).position(is_ids) {
        return ids + 1;
    }
    let Some(first) = below.first() else { return 0 };
    let is_among = |known: &[&str], field: &String| known.contains(&field.to_lowercase().as_str());
    let are_types = first.len() > 1 && first.iter().all(|field| is_among(&TYPES, field));
    let is_response = |field: &String| is_among(&RESPONSES[..2], field);
    let are_responses = first[0].is_empty()
        && first.iter().any(is_response)
        && first
            .iter()
            .zip(rows.get(header).into_iter().flatten())
            .all(|(field, name)| field.is_empty() || name.is_empty() || is_among(&RESPONSES, field));
    usize::from(are_types || are_responses)
}

/// Rows below the header that belong to it.
fn rows_under(rows: &[Vec<String>], header: usize) -> usize {
    let certain = certain_rows_under(rows, header);
    if certain > 0 {
        return certain;
    }
    let (Some(names), Some(first)) = (rows.get(header), rows.get(header + 1)) else { return 0 };
    let below: Vec<&Vec<String>> = rows[header + 2..].iter().filter(|row| row.len() == names.len()).collect();
    if first.len() != names.len() || !names.iter().all(|name| name.is_empty() || is_name(name)) {
        return 0;
    }
    // Explanations of columns of numbers: more than one, so that a single odd value costs no row.
    let values = |column: usize| below.iter().map(|row| row[column].as_str()).collect::<Vec<_>>();
    let numbers: Vec<usize> = (0..names.len()).filter(|&column| are_numbers(&values(column))).collect();
    let explains = |&column: &usize| is_name(&first[column]);
    usize::from(numbers.len() > 1 && numbers.iter().all(explains))
}

/// Whether the column without a name is the first one, which holds the names of rows, and not the last.
fn has_row_names(rows: &[Vec<String>], names: &[String], width: usize) -> bool {
    let mut last = rows.iter().filter(|row| row.len() == width).map(|row| row[width - 1].as_str()).peekable();
    names.len() + 1 == width && last.peek().is_some() && last.any(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|line| line.split(',').map(|field| field.trim().to_owned()).collect()).collect()
    }

    fn table(head: &str, row: impl Fn(usize) -> String) -> Vec<Vec<String>> {
        let body: Vec<String> = (0..12).map(row).collect();
        rows(&format!("{head}\n{}", body.join("\n")))
    }

    /// Rows before the header, whether there is one, and rows under it.
    fn found(rows: &[Vec<String>]) -> (usize, bool, usize) {
        let layout = Layout::find(rows);
        (layout.before, layout.has_names, layout.under)
    }

    const CLASSES: [&str; 3] = ["good", "bad", "fair"];

    fn sale(number: usize) -> String {
        format!("{number},2024-04-0{},it is number {number},{}", number % 9 + 1, CLASSES[number % 3])
    }

    #[test]
    fn the_first_row_names_the_columns_unless_its_values_return() {
        for (text, names) in [
            ("text,label\na,b", true),
            ("what,kind\nfine,good\nbad,awful", true),
            ("1,good thing\n2,bad thing", false),
            ("great stuff,pos\nawful,neg\nnice,pos", false),
            ("text,label", true),
            ("one column\nvalue\nother", true),
        ] {
            assert_eq!(found(&rows(text)), (0, names, 0), "{text}");
        }
    }

    #[test]
    fn titles_and_comments_before_the_header_are_skipped() {
        for (head, before) in [
            ("Ticket,Opened,Comment,Label", 0),
            ("Report\nGenerated,2024-05-01\nPeriod,2024-04-01,2024-04-30\nTicket,Opened,Comment,Label", 3),
            ("Report,,,\nPeriod,2024-04-01,2024-04-30,\nNo,Opened,What,Mood", 2),
            ("# made by a shop, on Monday\n# id: number\nid,day,what,mood", 2),
            ("#id,day,what,mood", 0),
            ("# id,day,what,mood", 0),
        ] {
            let rows = table(head, sale);
            assert_eq!(found(&rows), (before, true, 0), "{head}");
            assert_eq!(Layout::find(&rows).names, rows[before], "{head}");
        }
    }

    #[test]
    fn a_title_above_rows_without_names_costs_no_row() {
        let rows = table("My report", |at| format!("{at},{at}.5,{}", CLASSES[at % 3]));
        let layout = Layout::find(&rows);
        assert_eq!((layout.before, layout.has_names, layout.width), (1, false, 3));
        assert_eq!(layout.names, ["", "", ""]);
    }

    #[test]
    fn a_row_of_data_is_never_taken_for_a_header_below_a_sparse_one() {
        // Half of the names are missing, or a value is.
        for head in [",text,,", "id,,what,", "id,day,what,mood\n1,N/A,first,good"] {
            assert_eq!(found(&table(head, sale)), (0, true, 0), "{head}");
        }
        let texts: Vec<String> = (0..12).map(|at| format!("well, number {at}")).collect();
        let texts = rows(&format!("review\n{}", texts.join("\n")));
        assert_eq!(Layout::find(&texts).width, 1, "texts with one comma each are one column");
    }

    #[test]
    fn rows_under_the_names_belong_to_the_header() {
        let ids = "{\"ImportId\": \"a\"}";
        for (under, rows) in [
            (1, "string,date,text,class".to_owned()),
            (1, "Ticket number,When it was opened,What was said,How it was".to_owned()),
            (2, format!("Ticket number,When,What,How\n{ids},{ids},{ids},{ids}")),
            (0, "1,2024-04-01,string,class".to_owned()),
            (0, "n/a,2024-04-01,It came late,good".to_owned()),
        ] {
            assert_eq!(found(&table(&format!("id,day,what,mood\n{rows}"), sale)), (0, true, under), "{rows}");
        }
    }

    #[test]
    fn a_long_question_is_a_name_where_its_column_tells_so() {
        let long = "In your own words: ".to_owned() + &"what would you like us to change ".repeat(4);
        let told = table(&format!("who,{long}"), |at| format!("{at},answer {at}"));
        assert_eq!(found(&told), (0, true, 0));
        let texts = rows(&format!("{long},pos\n{long} not,neg\nmore,pos"));
        assert_eq!(found(&texts), (0, false, 0));
    }

    #[test]
    fn a_header_that_comes_again_is_still_the_header() {
        let mut rows = table("what,kind", |at| format!("thing {at},{}", CLASSES[at % 3]));
        rows.insert(5, vec!["\u{FEFF}what".to_owned(), "kind".to_owned()]);
        assert_eq!(found(&rows), (0, true, 0));
    }

    #[test]
    fn fewer_names_than_columns_leave_the_first_or_the_last_without_a_name() {
        let numbered = Layout::find(&table("day,what,mood", sale));
        assert_eq!((numbered.names.join("|"), numbered.fewer), ("|day|what|mood".to_owned(), Some(3)));
        let ended = Layout::find(&table("id,what,mood", |at| format!("{at},it is {at},{},", CLASSES[at % 3])));
        assert_eq!((ended.names.join("|"), ended.fewer), ("id|what|mood|".to_owned(), Some(3)));
    }

    #[test]
    fn a_header_that_is_told_is_kept() {
        let rows = table("Report,,,\nid,day,what,mood", sale);
        assert_eq!(Layout::told(&rows, true).before, 0);
        assert_eq!((Layout::told(&rows, false).first(), Layout::told(&rows, false).width), (0, 4));
    }
}
