//! Reads dates in the formats that people's files have.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, Month, NaiveDate, NaiveTime, Utc, Weekday};
use rayon::prelude::*;

/// Milliseconds in a second.
const SECOND: i64 = 1000;
/// Milliseconds from midnight to noon.
const HALF_DAY: i64 = 12 * 60 * 60 * SECOND;

/// The dates of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moments {
    /// Milliseconds since 1970, in UTC if no time zone is given; `None` if there is no readable date. `[rows]`
    pub values: Vec<Option<i64>>,
    /// Whether the day comes before the month in dates written as numbers.
    pub day_first: bool,
    /// Index of the first ambiguous date, if nothing in the column shows whether the day or the month comes first.
    pub ambiguous: Option<usize>,
}

/// Reads the dates of a column.
///
/// Supported are ISO 8601 with and without time and zone, days and months in both orders with slashes, dots or dashes,
/// English names of months, RFC 2822, and whole numbers: seconds, milliseconds or microseconds since 1970, `20150224`,
/// years. What is ambiguous in a single cell (3/4/2015; 20150224) is decided by the whole column.
#[must_use]
pub fn read_moments(cells: &[&str]) -> Moments {
    let digits = Digits::of(cells);
    let (mut days, mut months, mut open, mut dotted) = (0_usize, 0_usize, None, false);
    for (row, parts) in cells.iter().enumerate().filter_map(|(row, cell)| Some((row, numbers_first(cell)?))) {
        let [first, second] = parts.numbers;
        match (first > 12, second > 12) {
            (true, false) => days += 1,
            (false, true) => months += 1,
            (false, false) if open.is_none() => (open, dotted) = (Some(row), parts.separator != '/'),
            _ => {}
        }
    }
    // If nothing shows the order: day first with dots and dashes, month first with slashes.
    let day_first = if days == months { dotted } else { days > months };
    let values = cells.par_iter().map(|cell| read(cell, day_first, digits)).collect();
    Moments { values, day_first, ambiguous: open.filter(|_| days == 0 && months == 0) }
}

/// The dates of a column, if at least nine in ten of its values that are not empty are dates. Whole numbers do not
/// count as dates here, since they may be anything.
#[must_use]
pub fn column_of_dates(cells: &[&str]) -> Option<Moments> {
    let filled = cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    let whole = cells.iter().filter(|cell| is_whole(cell.trim())).count();
    if filled == 0 || whole * 10 > filled {
        return None;
    }
    let moments = read_moments(cells);
    (moments.values.iter().flatten().count() * 10 >= filled * 9).then_some(moments)
}

/// Formats a moment in UTC: only the date at midnight, otherwise with hours and minutes.
#[must_use]
pub fn moment_in_words(milliseconds: i64) -> String {
    let Some(moment) = DateTime::<Utc>::from_timestamp_millis(milliseconds) else { return "?".to_owned() };
    let whole_day = milliseconds.rem_euclid(2 * HALF_DAY) == 0;
    moment.format(if whole_day { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// What the whole numbers of a column mean, decided by most of them. Other numbers are then not dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digits {
    /// 2015
    Years,
    /// 20150224
    Days,
    /// 1424806552: since 1970, in a unit that follows from its size.
    Epoch,
    /// 17: any number, also counted from 1970. Numbers that only count up have an order as well.
    Any,
}

/// A number with at least this many digits counts as seconds since 1970: spring 1973 or later.
const EPOCH_DIGITS: usize = 9;

impl Digits {
    fn of(cells: &[&str]) -> Self {
        let (mut all, mut old, mut years, mut days, mut epoch) = (0, 0, 0, 0, 0);
        for number in cells.iter().map(|cell| cell.trim()).filter(|cell| is_whole(cell)) {
            all += 1;
            old += usize::from(is_year(number));
            // Plausible years: numbers that count up to a few thousand are not.
            years += usize::from(number.len() == 4 && ("1800".."2200").contains(&number));
            days += usize::from(compact(number).is_some());
            epoch += usize::from(number.len() >= EPOCH_DIGITS);
        }
        if all > 0 && (old == all || 2 * years > all) {
            Self::Years
        } else if 2 * days > all {
            Self::Days
        } else if 2 * epoch > all {
            Self::Epoch
        } else {
            Self::Any
        }
    }
}

fn is_year(number: &str) -> bool {
    number.len() == 4 && ("1000".."3000").contains(&number)
}

fn is_whole(cell: &str) -> bool {
    !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads `20150224`, in a plausible year.
fn compact(number: &str) -> Option<NaiveDate> {
    if number.len() != 8 || !("1800".."2200").contains(&&number[..4]) {
        return None;
    }
    NaiveDate::from_ymd_opt(number[..4].parse().ok()?, number[4..6].parse().ok()?, number[6..].parse().ok()?)
}

fn read(cell: &str, day_first: bool, digits: Digits) -> Option<i64> {
    let cell = cell.trim();
    if is_whole(cell) {
        return match digits {
            Digits::Years if is_year(cell) => NaiveDate::from_ymd_opt(cell.parse().ok()?, 1, 1).map(midnight),
            Digits::Days => compact(cell).map(midnight),
            Digits::Epoch if cell.len() < EPOCH_DIGITS => None,
            Digits::Epoch | Digits::Any => since_1970(cell.parse().ok()?),
            Digits::Years => None,
        };
    }
    // Seconds with a fraction; 24.02 is not such a number.
    if let Some((whole, _)) =
        cell.split_once('.').filter(|(whole, part)| is_whole(part) && is_whole(whole) && whole.len() > 8)
    {
        return since_1970(whole.parse().ok()?);
    }
    let (date, time) = cut_time(cell);
    let Some(time) = time else { return read_day(date, day_first).map(midnight) };
    if let (Some(day), Some(time)) = (read_day(date, day_first), read_time(time)) {
        return Some(midnight(day) + time);
    }
    let zoned =
        DateTime::parse_from_rfc2822(cell).or_else(|_| DateTime::parse_from_str(cell, "%a %b %d %H:%M:%S %z %Y"));
    zoned.ok().map(|moment| moment.timestamp_millis())
}

fn midnight(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

/// Milliseconds of a number since 1970: seconds up to the year 5138, larger numbers milliseconds, micro- or
/// nanoseconds.
fn since_1970(number: i64) -> Option<i64> {
    match number.unsigned_abs() {
        0..100_000_000_000 => number.checked_mul(SECOND),
        100_000_000_000..100_000_000_000_000 => Some(number),
        100_000_000_000_000..100_000_000_000_000_000 => Some(number / 1000),
        _ => Some(number / 1_000_000),
    }
}

/// Separates the date from the time and its zone, at the space or T before the first colon.
fn cut_time(cell: &str) -> (&str, Option<&str>) {
    let Some(colon) = cell.find(':') else { return (cell, None) };
    let hour = cell[..colon].trim_end_matches(|letter: char| letter.is_ascii_digit());
    let date = hour.trim_end().trim_end_matches(['T', 't', ',']).trim_end();
    (date, Some(&cell[hour.len()..]))
}

/// Milliseconds since midnight UTC of `11:35`, `11:35:52.250` or `11:35 PM`, with or without a zone.
fn read_time(time: &str) -> Option<i64> {
    let end =
        time.find(|letter: char| !(letter.is_ascii_digit() || letter == ':' || letter == '.')).unwrap_or(time.len());
    let (clock, rest) = (&time[..end], time[end..].trim());
    let (half, zone) = match rest.get(..2).map(str::to_ascii_uppercase).as_deref() {
        Some(half @ ("AM" | "PM")) => (Some(half == "PM"), rest[2..].trim()),
        _ => (None, rest),
    };
    let clock =
        NaiveTime::parse_from_str(clock, "%H:%M:%S%.f").or_else(|_| NaiveTime::parse_from_str(clock, "%H:%M")).ok()?;
    let seconds = clock.signed_duration_since(NaiveTime::MIN).num_milliseconds();
    let seconds = match half {
        Some(_) if seconds >= HALF_DAY + HALF_DAY / 12 => return None,
        Some(afternoon) => seconds % HALF_DAY + if afternoon { HALF_DAY } else { 0 },
        None => seconds,
    };
    Some(seconds - i64::from(offset(zone)?) * SECOND)
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i32> {
    match zone {
        "" | "Z" | "z" | "UTC" | "GMT" => return Some(0),
        _ => {}
    }
    // `-08` means `-08:00`.
    let zone = zone.trim_start_matches("UTC").trim_start_matches("GMT");
    let whole = if zone.len() == 3 { format!("{zone}:00") } else { zone.to_owned() };
    FixedOffset::from_str(&whole).ok().map(|offset| offset.local_minus_utc())
}

/// A date in numbers that begins with the day or the month.
struct NumbersFirst {
    numbers: [u32; 2],
    year: i32,
    separator: char,
}

fn numbers_first(cell: &str) -> Option<NumbersFirst> {
    let (date, _) = cut_time(cell.trim());
    let date = date.trim_end_matches('.');
    let separator = date.chars().find(|letter| !letter.is_ascii_digit()).filter(|letter| "/.-".contains(*letter))?;
    let mut parts = date.split(separator).map(str::trim);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |part: &str| (1..=2).contains(&part.len()) && is_whole(part);
    if parts.next().is_some() || !short(first) || !short(second) || !is_whole(year) {
        return None;
    }
    let year = match (year.len(), year.parse().ok()?) {
        (4, year) => year,
        // As in POSIX: 69 to 99 are in the last century.
        (2, year @ 0..69) => 2000 + year,
        (2, year) => 1900 + year,
        _ => return None,
    };
    Some(NumbersFirst { numbers: [first.parse().ok()?, second.parse().ok()?], year, separator })
}

fn read_day(date: &str, day_first: bool) -> Option<NaiveDate> {
    if let Some(NumbersFirst { numbers: [first, second], year, .. }) = numbers_first(date) {
        let (day, month) = if day_first { (first, second) } else { (second, first) };
        return NaiveDate::from_ymd_opt(year, month, day);
    }
    if date.len() > 4 && date.as_bytes()[..4].iter().all(u8::is_ascii_digit) {
        return year_first(date);
    }
    // In words; the name of the weekday is ignored.
    let words: Vec<&str> = date.split([' ', ',', '-', '/']).filter(|word| !word.is_empty()).collect();
    let is_weekday = |word: &&&str| word.len() >= 3 && Weekday::from_str(word).is_ok();
    let words: Vec<&str> = words.iter().filter(|word| !is_weekday(word)).copied().collect();
    let [first, second, year] = words[..] else { return None };
    let (day, month) =
        if first.starts_with(|letter: char| letter.is_ascii_digit()) { (first, second) } else { (second, first) };
    let day = day.trim_end_matches(|letter: char| letter.is_ascii_alphabetic() || letter == '.').parse().ok()?;
    let month = month.trim_end_matches('.');
    let month = if month.eq_ignore_ascii_case("sept") { "sep" } else { month };
    let month = Month::from_str(month).ok()?.number_from_month();
    (year.len() == 4 && is_whole(year)).then_some(())?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month, day)
}

/// `2015-02-24`, `2015/2/24`, `2015-02`, `20150224`.
fn year_first(date: &str) -> Option<NaiveDate> {
    if is_whole(date) {
        return compact(date);
    }
    let separator = date[4..].chars().next().filter(|letter| "-/.".contains(*letter))?;
    let mut parts = date.split(separator).map(|part| part.trim_end_matches(['Z', 'z']));
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next().unwrap_or("1"));
    let whole = is_whole(month) && is_whole(day) && parts.next().is_none();
    whole.then_some(())?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(cells: &[&str]) -> Vec<String> {
        read_moments(cells).values.into_iter().map(|value| value.map_or("-".to_owned(), moment_in_words)).collect()
    }

    #[test]
    fn usual_formats_give_the_same_moment() {
        for cell in [
            "2015-02-24 11:35:52 -0800",
            "2015-02-24T11:35:52-08:00",
            "2015-02-24T19:35:52Z",
            "2015-02-24 19:35:52.000",
            "2015-02-24 19:35 UTC",
            "20150224T19:35:52",
            "2015/02/24 19:35",
            "Tue, 24 Feb 2015 11:35:52 -0800",
            "24 Feb 2015 19:35:52 GMT",
            "Tue Feb 24 19:35:52 +0000 2015",
            "Feb 24, 2015 7:35 PM",
            "Tuesday, February 24th, 2015, 19:35",
            "02/24/2015 7:35:52 pm",
            "24.02.2015 19:35",
            "24-02-15 19:35",
            "24-Feb-2015 19:35",
            "1424806552",
            "1424806552.25",
            "1424806552000",
            "1424806552000000",
        ] {
            assert_eq!(words(&[cell]), ["2015-02-24 19:35"], "{cell}");
        }
        for cell in ["2015-02-24", "2015-2-24", "2/24/2015", "24/2/2015", "20150224", "24 February 2015", "2015-02-24Z"]
        {
            assert_eq!(words(&[cell]), ["2015-02-24"], "{cell}");
        }
        assert_eq!(words(&["2015-02", "12:00 am", "1/2/2015 12:30 AM"]), ["2015-02-01", "-", "2015-01-02 00:30"]);
        assert_eq!(words(&["2015", "1999"]), ["2015-01-01", "1999-01-01"]);
    }

    #[test]
    fn other_values_are_not_dates() {
        for cell in [
            "",
            " ",
            "yesterday",
            "2015-02-30",
            "24.02",
            "31/31/2015",
            "24/2",
            "a:b",
            ":",
            "T:",
            "2015-13-01",
            "Feb 2015 x y",
            "é:é",
            "2015-02-24 25:00",
            "99/99/99",
            "2015-02-24 10:00 PST8",
            "ééééé",
            "1:2:3:4",
            "99999999999999999999",
            "-5",
            "13:30 PM 1 May 2015",
            "2015é",
            "٣٤٥٦٧",
        ] {
            assert_eq!(read_moments(&[cell]).values, [None], "{cell}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_decided_by_the_whole_column() {
        assert_eq!(words(&["3/4/2015", "3/25/2015"]), ["2015-03-04", "2015-03-25"]);
        let european = read_moments(&["3/4/2015", "x", "25/3/2015"]);
        assert!(european.day_first && european.ambiguous.is_none());
        assert_eq!(words(&["3/4/2015", "25/3/2015"]), ["2015-04-03", "2015-03-25"]);
        let open = read_moments(&["2015-01-01", "3/4/2015", "5/6/2015"]);
        assert_eq!((open.day_first, open.ambiguous), (false, Some(1)));
        assert_eq!(words(&["03.04.2015"]), ["2015-04-03"]);
        // One that does not fit the others is not read.
        assert_eq!(words(&["25/3/2015", "26/3/2015", "3/27/2015"]), ["2015-03-25", "2015-03-26", "-"]);
    }

    #[test]
    fn one_odd_number_does_not_change_what_the_others_mean() {
        assert_eq!(
            words(&["2015", "2016", "2017", "0", "20170"]),
            ["2015-01-01", "2016-01-01", "2017-01-01", "-", "-"]
        );
        assert_eq!(words(&["20150224", "20150225", "20151301"]), ["2015-02-24", "2015-02-25", "-"]);
        assert_eq!(words(&["1424806552", "1424806553", "0"]), ["2015-02-24 19:35", "2015-02-24 19:35", "-"]);
        assert_eq!(words(&["1450", "1900"]), ["1450-01-01", "1900-01-01"]);
        // Numbers that count up are all read, in their order.
        let counted: Vec<String> = (1..=3000).map(|number: u32| number.to_string()).collect();
        let counted = read_moments(&counted.iter().map(String::as_str).collect::<Vec<_>>()).values;
        assert!(counted.is_sorted() && counted.iter().all(Option::is_some));
    }

    #[test]
    fn a_column_without_dates_is_recognised() {
        let mostly = [&["2024-01-01"; 19][..], &["n/a 1", ""]].concat();
        assert_eq!(column_of_dates(&mostly).unwrap().values.iter().flatten().count(), 19);
        let others = [&[][..], &["", " "], &["5", "4"], &["20240101", "20240102"], &["2024-13-01"], &["3.5", "4.0"]];
        for cells in others.into_iter().chain([&["came on 2024-01-01", "2024-01-02"][..]]) {
            assert_eq!(column_of_dates(cells), None, "{cells:?}");
        }
    }
}
