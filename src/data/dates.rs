//! Columns of dates: how they are written, and when each row is from.

use chrono::format::{Item, Parsed, StrftimeItems, parse};

/// How a day may be written, the likelier first where two fit.
const DAYS: [&str; 11] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d %B %Y",
    "%d-%B-%Y",
    "%B %d, %Y",
    "%B %d %Y",
];
/// What may follow the day.
const TIMES: [&str; 9] = [
    "",
    " %H:%M:%S%.f",
    "T%H:%M:%S%.f",
    "T%H:%M:%S%.f%#z",
    " %H:%M:%S%.f %#z",
    " %H:%M:%S%.f%#z",
    " %H:%M",
    " %I:%M:%S %p",
    " %I:%M %p",
];
/// Ways that are not a day and a time after it: mail, and tweets.
const OTHERS: [&str; 2] = ["%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y"];

/// Values a way of writing is tried on before it is used for all.
const TRIED: usize = 100;
/// At least this share of the values must be dates.
const MOST: f64 = 0.9;

/// A column that holds dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dates {
    /// Seconds since 1970 of each value, by the clock where there is one with a zone; `None` where it is no date.
    pub seconds: Vec<Option<i64>>,
    /// How they are written, as `strftime` has it.
    pub format: String,
    /// Day and month could be the other way round: every value reads as a date both ways.
    pub ambiguous: bool,
}

/// Reads a column as dates, all written the same way. `None` when it is no column of dates: at least nine values in ten
/// that are not empty must be dates.
#[must_use]
pub fn parse_dates<'a>(values: impl Iterator<Item = &'a str>) -> Option<Dates> {
    let values: Vec<&str> = values.map(str::trim).collect();
    let filled = || values.iter().filter(|value| !value.is_empty());
    let (&first, all) = (filled().next()?, filled().count());
    let days = DAYS.iter().flat_map(|day| TIMES.iter().map(move |time| format!("{day}{time}")));
    let formats = days.chain(OTHERS.iter().map(|&other| other.to_owned()));
    let mut best: Option<(usize, Dates)> = None;
    for format in formats {
        let Ok(items) = StrftimeItems::new(&format).parse() else { continue };
        let fits = |value: &&&str| seconds(value, &items).is_some();
        let tried = filled().take(TRIED).count();
        let plausible = || filled().take(TRIED).filter(fits).count() as f64 >= MOST * tried as f64;
        // A first value that is no date by mistake must not hide the column: then the sample decides.
        if !(seconds(first, &items).is_some() || looks_like_a_date(first)) || !plausible() {
            continue;
        }
        let read: Vec<Option<i64>> = values.iter().map(|value| seconds(value, &items)).collect();
        let dates = read.iter().flatten().count();
        match &mut best {
            Some((most, kept)) if dates == *most => kept.ambiguous |= kept.seconds != read,
            Some((most, _)) if dates < *most => {}
            _ => best = Some((dates, Dates { seconds: read, format, ambiguous: false })),
        }
    }
    best.filter(|(dates, _)| *dates as f64 >= MOST * all as f64).map(|(_, dates)| dates)
}

fn looks_like_a_date(value: &str) -> bool {
    value.len() <= 40 && value.bytes().any(|byte| byte.is_ascii_digit())
}

fn seconds(value: &str, items: &[Item<'_>]) -> Option<i64> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, value, items.iter()).ok()?;
    let day = parsed.to_naive_date().ok()?;
    let time = parsed.to_naive_time().unwrap_or_default();
    let zone = i64::from(parsed.offset().unwrap_or_default());
    Some(day.and_time(time).and_utc().timestamp() - zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Dates {
        parse_dates(values.iter().copied()).unwrap_or_else(|| panic!("{values:?}"))
    }

    #[test]
    fn days_and_times_are_read_as_people_write_them() {
        let noon = 1_424_779_200; // 24 Feb 2015, 12:00
        let midnight = noon - 12 * 3600;
        for (value, expected) in [
            ("2015-02-24", midnight),
            ("2015-02-24 12:00:00", noon),
            ("2015-02-24 04:00:00 -0800", noon),
            ("2015-02-24T12:00:00Z", noon),
            ("2015-02-24T13:00:00.250+01:00", noon),
            ("2015/02/24 12:00", noon),
            ("24.02.2015", midnight),
            ("24/02/2015 12:00", noon),
            ("2/24/2015 12:00 PM", noon),
            ("24 Feb 2015", midnight),
            ("February 24, 2015", midnight),
            ("Tue, 24 Feb 2015 12:00:00 +0000", noon),
            ("Tue Feb 24 12:00:00 +0000 2015", noon),
        ] {
            let dates = read(&[value, "", value]);
            assert_eq!(dates.seconds, [Some(expected), None, Some(expected)], "{value} by {}", dates.format);
            assert!(!dates.ambiguous, "{value}");
        }
    }

    #[test]
    fn the_values_decide_between_day_first_and_month_first() {
        assert_eq!(read(&["01/02/2024", "13/02/2024"]).format, "%d/%m/%Y");
        assert_eq!(read(&["01/02/2024", "02/13/2024"]).format, "%m/%d/%Y");
        assert!(read(&["01/02/2024", "03/04/2024"]).ambiguous);
        assert!(!read(&["01/01/2024"]).ambiguous);
    }

    #[test]
    fn what_is_no_column_of_dates_is_left_alone() {
        let none = |values: &[&str]| assert_eq!(parse_dates(values.iter().copied()), None, "{values:?}");
        none(&[]);
        none(&["", " "]);
        none(&["5", "4"]);
        none(&["20240101", "20240102"]);
        none(&["came on 2024-01-01", "2024-01-02"]);
        none(&["2024-13-01"]);
        let mut mostly = vec!["2024-01-01"; 19];
        mostly.insert(0, "n/a 1");
        assert_eq!(read(&mostly).seconds.iter().flatten().count(), 19);
    }
}
