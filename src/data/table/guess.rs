//! Guesses the roles of the other columns, by their names and values.

use foldhash::HashMap;

use crate::data::prepare::split::column::named;
use crate::data::table::column_statistics::{ColumnStatistics, normal};
use crate::data::table::row_columns::is_marked;
use crate::data::{Side, Table};
use crate::project::{ColumnRole, DatasetSettings};

/// Usual names of a title, the likeliest first.
const TITLE_NAMES: [&str; 5] = ["title", "subject", "headline", "summary", "heading"];
/// Words that may come before such a name. With other words it is the title of something else, such as a product.
const TITLED: [&str; 9] = ["review", "comment", "ticket", "email", "mail", "message", "post", "article", "news"];
/// Usual names of a column that says who wrote a row, the likeliest first.
const GROUP_NAMES: [&str; 26] = [
    "group",
    "group_id",
    "user_id",
    "userid",
    "user",
    "username",
    "user_name",
    "customer_id",
    "customerid",
    "customer",
    "customer_name",
    "author_id",
    "authorid",
    "author",
    "reviewer_id",
    "reviewerid",
    "reviewer",
    "reviewername",
    "reviewer_name",
    "client_id",
    "client",
    "account_id",
    "account",
    "patient_id",
    "screen_name",
    "thread_id",
];
/// Usual names of a column that says when, the likeliest first; also as the end of a name.
const TIME_NAMES: [&str; 12] = [
    "created_at",
    "created",
    "timestamp",
    "datetime",
    "date_time",
    "date",
    "time",
    "reviewtime",
    "unixreviewtime",
    "posted",
    "published",
    "day",
];
/// Usual names of an id column, the likeliest first; also as the end of a name.
const ID_NAMES: [&str; 6] = ["id", "uuid", "guid", "key", "number", "no"];
/// What a column of sides says of a row that is on none.
const UNUSED: &str = "unused";
/// The most label columns (one for each label) that are looked for.
const MOST_LABELS: usize = 64;
/// Rows examined to find such columns.
const SAMPLE: usize = 5_000;
/// In label columns, at least this share of the rows have exactly one 1.
const ONE_LABEL: f64 = 0.9;
/// A column with more values than this that are neither 0 nor 1 is not a label column, unless they are at most one in
/// fifty.
const MOST_ODD: usize = 8;
/// A group column has at least this many different values: with two or three groups, the sides of the split would not
/// have the requested sizes.
const FEWEST_GROUPS: usize = 10;
/// Largest share of the rows that one group may have.
const LARGEST_GROUP: f64 = 0.2;
/// In an id column, at least this share of the values are unique: exports repeat a row here and there.
const UNIQUE: f64 = 0.98;

/// The guessed roles of the columns other than the text and the label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuessedRoles {
    /// Titles, to be prepended to the text.
    pub joined: Vec<String>,
    /// The group column, which says what rows belong together.
    pub group: Option<String>,
    /// The time column.
    pub time: Option<String>,
    /// The id column.
    pub id: Option<String>,
    /// The column that gives the side of the split.
    pub split: Option<String>,
    /// Whether the rows can be split by that column: every row names a side.
    pub split_is_usable: bool,
    /// Useless columns: empty, or line numbers that a program added.
    pub ignored: Vec<String>,
    /// Label columns, one for each label; empty if there are none.
    pub label_columns: Vec<String>,
}

impl GuessedRoles {
    /// Copies the guesses into settings, for columns that have no role there. Label columns are not copied: the person
    /// is asked.
    pub(in crate::data) fn fill_in(&self, settings: &mut DatasetSettings) {
        let free = |settings: &DatasetSettings, column: &String| settings.role_of(column).is_none();
        for column in &self.joined {
            if settings.joined_columns().next().is_none() && free(settings, column) {
                settings.set_role(column, Some(ColumnRole::Joined));
            }
        }
        for (guess, role) in [
            (&self.group, ColumnRole::Group),
            (&self.time, ColumnRole::Time),
            (&self.id, ColumnRole::Id),
            (&self.split, ColumnRole::Split),
        ] {
            if let Some(column) = guess.as_ref().filter(|column| free(settings, column))
                && settings.column_of(role).is_none()
            {
                settings.set_role(column, Some(role));
            }
        }
        for column in &self.ignored {
            if free(settings, column) {
                settings.set_role(column, Some(ColumnRole::Ignored));
            }
        }
    }

    /// The role guessed for a column, if one was.
    #[must_use]
    pub fn of(&self, column: &str) -> Option<ColumnRole> {
        let is = |guess: &Option<String>| guess.as_deref() == Some(column);
        let among = |guesses: &[String]| guesses.iter().any(|guess| guess == column);
        [
            (among(&self.joined), ColumnRole::Joined),
            (among(&self.label_columns), ColumnRole::Label),
            (is(&self.group), ColumnRole::Group),
            (is(&self.time), ColumnRole::Time),
            (is(&self.id), ColumnRole::Id),
            (is(&self.split), ColumnRole::Split),
            (among(&self.ignored), ColumnRole::Ignored),
        ]
        .into_iter()
        .find_map(|(fits, role)| fits.then_some(role))
    }
}

/// Guesses the roles of the columns other than `taken`, which are the text and the label; `facts` are those of each
/// column.
pub(in crate::data) fn guess_roles(
    table: &Table,
    facts: &[ColumnStatistics],
    text: Option<usize>,
    label: Option<usize>,
) -> GuessedRoles {
    let mut guesser = Guesser {
        table,
        facts,
        names: table.names.iter().take(facts.len()).map(|name| normal(name)).collect(),
        taken: [text, label].into_iter().flatten().collect(),
    };
    let mut roles = GuessedRoles::default();
    if let Some(text) = text {
        roles.joined.extend(guesser.title(text));
    }
    (roles.split, roles.split_is_usable) = guesser.split();
    roles.group = guesser.named(&GROUP_NAMES, false, |column| {
        let facts = &facts[column];
        facts.distinct >= FEWEST_GROUPS
            && facts.distinct < facts.filled
            && facts.filled * 2 >= facts.rows
            && most_frequent(table, column, facts.rows) as f64 <= LARGEST_GROUP * facts.filled as f64
    });
    roles.id = guesser.named(&ID_NAMES, true, |column| {
        let facts = &facts[column];
        facts.rows > 1 && facts.filled == facts.rows && facts.distinct as f64 >= UNIQUE * facts.rows as f64
    });
    roles.time = guesser.time();
    roles.ignored = guesser.useless();
    roles
}

/// Rows of the most frequent value among the first `rows`, empty ones not counted.
fn most_frequent(table: &Table, column: usize, rows: usize) -> usize {
    let mut count: HashMap<&str, usize> = HashMap::default();
    for value in (0..rows).map(|row| table.cell(column, row).trim()).filter(|value| !value.is_empty()) {
        *count.entry(value).or_default() += 1;
    }
    count.into_values().max().unwrap_or(0)
}

struct Guesser<'a> {
    table: &'a Table,
    facts: &'a [ColumnStatistics],
    /// Normalised column names.
    names: Vec<String>,
    taken: Vec<usize>,
}

impl Guesser<'_> {
    fn take(&mut self, column: usize) -> String {
        self.taken.push(column);
        self.table.names[column].clone()
    }

    /// The first fitting column with such a name, or whose name ends in it.
    fn named(&mut self, known: &[&str], also_ends: bool, fits: impl Fn(usize) -> bool) -> Option<String> {
        let free = |&column: &usize| !self.taken.contains(&column) && fits(column);
        let ends = |name: &str, known: &str| {
            name == known || also_ends && name.strip_suffix(known).is_some_and(|start| start.ends_with('_'))
        };
        let columns = || 0..self.names.len();
        let exact =
            known.iter().find_map(|known| columns().find(|column| self.names[*column] == **known && free(column)));
        let column = exact
            .or_else(|| known.iter().find_map(|known| columns().find(|at| ends(&self.names[*at], known) && free(at))));
        column.map(|column| self.take(column))
    }

    /// A column that is named like a title and has shorter texts than the text column.
    fn title(&mut self, text: usize) -> Option<String> {
        let is_title = |name: &str, known: &str| {
            name == known || name.strip_suffix(known).is_some_and(|start| TITLED.contains(&start.trim_end_matches('_')))
        };
        let fits = |&column: &usize| {
            let facts = &self.facts[column];
            let repeats = facts.distinct * 3 < facts.filled;
            !self.taken.contains(&column)
                && !facts.numeric
                && facts.filled * 4 >= facts.rows
                && !repeats
                && facts.mean_chars < self.facts[text].mean_chars
        };
        let columns = || 0..self.names.len();
        let found = TITLE_NAMES
            .iter()
            .find_map(|known| columns().filter(fits).find(|&column| is_title(&self.names[column], known)));
        found.map(|column| self.take(column))
    }

    /// A column whose values are names of sides, training among them; and whether every row is on a side, so that the rows
    /// can be split by it.
    fn split(&mut self) -> (Option<String>, bool) {
        let table = self.table;
        let sides = |column: usize| {
            let cells = (0..self.facts[column].rows).map(move |row| table.cell(column, row).trim());
            cells.map(|cell| (cell, named(cell)))
        };
        let fits = |&column: &usize| {
            let is_side = |(cell, side): (&str, Option<Side>)| {
                side.is_some() || cell.is_empty() || cell.eq_ignore_ascii_case(UNUSED)
            };
            !self.taken.contains(&column)
                && (2..=4).contains(&self.facts[column].distinct)
                && sides(column).all(is_side)
                && sides(column).any(|(_, side)| side == Some(Side::Train))
        };
        let Some(column) = (0..self.names.len()).find(fits) else { return (None, false) };
        let is_usable = sides(column).all(|(_, side)| side.is_some());
        (Some(self.take(column)), is_usable)
    }

    /// A column that is named like a time and contains times.
    fn time(&mut self) -> Option<String> {
        let table = self.table;
        let holds: Vec<bool> = (0..self.names.len())
            .map(|column| {
                let rows = self.facts[column].rows.min(200);
                let cells = (0..rows).map(|row| table.cell(column, row).trim()).filter(|cell| !cell.is_empty());
                let (all, times) =
                    cells.fold((0, 0), |(all, times), cell| (all + 1, times + usize::from(looks_like_time(cell))));
                all > 0 && times * 10 >= all * 9
            })
            .collect();
        let fits = |&column: &usize| holds[column] && !self.taken.contains(&column);
        let columns = || (0..self.names.len()).filter(fits);
        let exact = TIME_NAMES.iter().find_map(|known| columns().find(|&column| self.names[column] == *known));
        let found = exact.or_else(|| {
            let ends = |column: &usize| {
                let name = &self.names[*column];
                let is_end = |known: &str| name.strip_suffix(known).is_some_and(|start| start.ends_with('_'));
                TIME_NAMES.iter().any(|known| is_end(known))
            };
            columns().find(ends)
        });
        found.map(|column| self.take(column))
    }

    /// Empty columns, and the line numbers that pandas adds.
    fn useless(&self) -> Vec<String> {
        let is_useless = |&column: &usize| {
            let (facts, name) = (&self.facts[column], &self.names[column]);
            let unnamed =
                name.strip_prefix("unnamed:").is_some_and(|rest| rest.trim_start_matches('_').parse::<u32>().is_ok());
            !self.taken.contains(&column) && facts.rows > 0 && (facts.filled == 0 || unnamed && facts.numeric)
        };
        (0..self.names.len()).filter(is_useless).map(|column| self.table.names[column].clone()).collect()
    }
}

/// Whether a value is a date, a time or seconds since 1970.
pub(in crate::data) fn looks_like_time(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    if digits == value.len() {
        return matches!(digits, 8 | 10 | 13);
    }
    let groups = value.split(|letter: char| !letter.is_ascii_digit()).filter(|group| !group.is_empty()).count();
    let separated = value.contains(['-', '/', ':', ',']) || value.matches('.').count() >= 2;
    (4..=24).contains(&digits) && groups >= 2 && separated && value.len() <= 40 && value.parse::<f64>().is_err()
}

/// Neighbouring columns of which nearly every row marks exactly one: a column for each label. Empty if there are none.
pub(in crate::data) fn one_hot(table: &Table, columns: usize) -> Vec<usize> {
    let rows = table.len().min(SAMPLE);
    let is_flag = |&column: &usize| {
        let (mut marked, mut odd) = (0, 0);
        for row in 0..rows {
            match is_marked(table.cell(column, row)) {
                Some(mark) => marked += usize::from(mark),
                None => odd += 1,
            }
            if odd > MOST_ODD && odd * 50 > rows {
                return false;
            }
        }
        marked > odd && marked < rows && odd * 50 <= rows
    };
    let flags: Vec<usize> = (0..columns).filter(is_flag).take(MOST_LABELS).collect();
    let mut best: (usize, Vec<usize>) = (0, Vec::new());
    for from in 0..flags.len() {
        let mut marks = vec![0_u8; rows];
        for to in from..flags.len() {
            // Label columns are next to each other.
            if to > from && flags[to] != flags[to - 1] + 1 {
                break;
            }
            for (row, marks) in marks.iter_mut().enumerate() {
                *marks = marks.saturating_add(u8::from(is_marked(table.cell(flags[to], row)) == Some(true)));
            }
            let single = marks.iter().map(|&marks| usize::from(marks == 1)).sum::<usize>();
            if to > from && single as f64 >= ONE_LABEL * rows as f64 && single > best.0 {
                best = (single, flags[from..=to].to_vec());
            }
        }
    }
    best.1
}
