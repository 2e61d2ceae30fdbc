//! Counts rows over time, by label.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate};

use crate::data::{DataError, Example, RowView, cells_of, column_of_dates};
use crate::progress::Watch;

/// Values examined before a whole column is read.
const SAMPLE: usize = 500;
/// Out of a thousand dates, this many at either end may be far from all others.
const FAR_IN_THOUSAND: usize = 5;

/// The unit of time that rows are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Each day.
    Day,
    /// Each week, from Monday on.
    Week,
    /// Each month.
    Month,
    /// Each year.
    Year,
    /// Ten years, beginning with a year that ends in 0.
    Decade,
    /// A hundred years, from those ending in 00 on.
    Century,
}

impl Unit {
    /// The finest unit that gives few enough bars to be seen: about 200.
    fn of(days: i64) -> Self {
        match days {
            ..=62 => Self::Day,
            63..=730 => Self::Week,
            731..=6_100 => Self::Month,
            6_101..=73_000 => Self::Year,
            73_001..=730_000 => Self::Decade,
            _ => Self::Century,
        }
    }

    fn start(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
            Self::Month => day.with_day(1),
            Self::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
            Self::Decade => NaiveDate::from_ymd_opt(day.year() - day.year().rem_euclid(10), 1, 1),
            Self::Century => NaiveDate::from_ymd_opt(day.year() - day.year().rem_euclid(100), 1, 1),
        }
    }

    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Year => start.checked_add_months(Months::new(12)),
            Self::Decade => start.checked_add_months(Months::new(120)),
            Self::Century => start.checked_add_months(Months::new(1_200)),
        }
    }

    fn name(self, start: NaiveDate) -> String {
        let format = match self {
            Self::Day | Self::Week => "%Y-%m-%d",
            Self::Month => "%Y-%m",
            Self::Year => "%Y",
            Self::Decade | Self::Century => "%Ys",
        };
        start.format(format).to_string()
    }

    /// Its name in a sentence: "a day".
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
            Self::Decade => "decade",
            Self::Century => "century",
        }
    }
}

/// A period and the rows in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its name: the first day, the month, year, decade or century: `2024-03-18`, `2024-03`, `2024`, `2020s`.
    pub name: String,
    /// Number of rows of each class id. With more labels than [`Timeline::SERIES`], the last number is that of all
    /// others.
    pub rows: Vec<u32>,
}

/// The used rows over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The column of dates.
    pub column: String,
    /// Whether the day comes before the month in dates written as numbers.
    pub day_first: bool,
    /// Whether day and month could be the other way round.
    pub ambiguous: bool,
    /// First and last day, `2024-03-18`.
    pub range: [String; 2],
    /// First and last day of the periods: all days, except a few that are far from all others.
    pub shown: [String; 2],
    /// Number of rows before the periods.
    pub earlier: usize,
    /// Number of rows after the periods.
    pub later: usize,
    /// The unit of time that rows are counted by.
    pub unit: Unit,
    /// The periods in order, including empty ones.
    pub periods: Vec<Period>,
    /// Number of used rows without a readable date.
    pub undated: usize,
}

impl Timeline {
    /// The most labels that are counted separately.
    pub const SERIES: usize = 8;
}

/// Makes a timeline for each column of dates.
///
/// # Errors
/// [`DataError::Cancelled`].
pub fn timelines(rows: &RowView, watch: &mut Watch) -> Result<Vec<Timeline>, DataError> {
    let mut found = Vec::new();
    for name in &rows.imported.main.table.names {
        watch.look()?;
        found.extend(timeline(rows, name));
    }
    Ok(found)
}

/// The days between which nearly all others are: with one wrong date, such as 9999-12-31, all rows would be in one bar.
/// The first and the last half percent are cut off if that removes at least half of the time span, otherwise not.
fn usual_days(days: &[Option<NaiveDate>]) -> Option<[NaiveDate; 2]> {
    let mut days: Vec<NaiveDate> = days.iter().flatten().copied().collect();
    days.sort_unstable();
    let (first, last) = (*days.first()?, *days.last()?);
    let far = (days.len() * FAR_IN_THOUSAND).div_ceil(1_000);
    let usual = days.get(far).zip(days.iter().nth_back(far)).filter(|(from, to)| from <= to);
    Some(match usual {
        Some((&from, &to)) if (to - from) * 2 <= last - first => [from, to],
        _ => [first, last],
    })
}

fn timeline(rows: &RowView, column: &str) -> Option<Timeline> {
    let table = &rows.imported.main.table;
    let index = table.column_index(column)?;
    let filled = (0..table.len()).map(|row| table.cell(index, row)).filter(|value| !value.trim().is_empty());
    column_of_dates(&filled.take(SAMPLE).collect::<Vec<_>>())?;
    // Only the values of used rows count.
    let examples = &rows.prepared.examples;
    let dates = column_of_dates(&cells_of(rows.imported, examples, column))?;
    let day = |moment: &Option<i64>| Some(DateTime::from_timestamp_millis((*moment)?)?.date_naive());
    let days: Vec<Option<NaiveDate>> = dates.values.iter().map(day).collect();
    let (first, last) = (days.iter().flatten().min()?, days.iter().flatten().max()?);
    let shown = usual_days(&days)?;
    let unit = Unit::of((shown[1] - shown[0]).num_days());
    let series = rows.prepared.labels.len().clamp(1, Timeline::SERIES);
    let outside =
        |is_outside: &dyn Fn(NaiveDate) -> bool| days.iter().flatten().filter(|day| is_outside(**day)).count();
    Some(Timeline {
        column: column.to_owned(),
        day_first: dates.day_first,
        ambiguous: dates.ambiguous.is_some(),
        range: [*first, *last].map(in_words),
        shown: shown.map(in_words),
        earlier: outside(&|day| day < shown[0]),
        later: outside(&|day| day > shown[1]),
        unit,
        periods: periods(unit, shown, series, days.iter().zip(examples))?,
        undated: days.iter().filter(|day| day.is_none()).count(),
    })
}

fn in_words(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

/// The periods from the first to the last day, with the rows of this many series.
fn periods<'a>(
    unit: Unit,
    [first, last]: [NaiveDate; 2],
    series: usize,
    rows: impl Iterator<Item = (&'a Option<NaiveDate>, &'a Example)>,
) -> Option<Vec<Period>> {
    let mut starts = vec![unit.start(first)?];
    while let Some(next) = unit.next(*starts.last()?).filter(|next| *next <= last) {
        starts.push(next);
    }
    let mut periods: Vec<Period> =
        starts.iter().map(|&start| Period { name: unit.name(start), rows: vec![0; series] }).collect();
    for (day, example) in rows {
        let Some(day) = day.filter(|day| (first..=last).contains(day)) else { continue };
        let period = starts.partition_point(|start| *start <= day).saturating_sub(1);
        periods[period].rows[example.class().map_or(0, |class| class as usize).min(series - 1)] += 1;
    }
    Some(periods)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn periods_begin_where_people_expect() {
        let start = |unit: Unit, from: &str| unit.name(unit.start(day(from)).unwrap());
        assert_eq!(start(Unit::Week, "2015-02-24"), "2015-02-23");
        assert_eq!(start(Unit::Month, "2015-02-24"), "2015-02");
        assert_eq!(start(Unit::Year, "2015-02-24"), "2015");
        assert_eq!(Unit::Month.next(day("2015-12-01")), Some(day("2016-01-01")));
        assert_eq!([10, 100, 1_000, 10_000].map(Unit::of), [Unit::Day, Unit::Week, Unit::Month, Unit::Year]);
        assert_eq!([100_000, 1_000_000].map(Unit::of), [Unit::Decade, Unit::Century]);
        assert_eq!(
            (start(Unit::Decade, "2015-02-24"), start(Unit::Century, "2015-02-24")),
            ("2010s".into(), "2000s".into())
        );
        assert_eq!(Unit::Century.next(day("9900-01-01")), NaiveDate::from_ymd_opt(10_000, 1, 1));
    }

    #[test]
    fn a_few_days_far_from_all_others_are_cut_off_and_no_more() {
        let days = |days: &[(&str, usize)]| -> Vec<Option<NaiveDate>> {
            days.iter().flat_map(|&(text, times)| std::iter::repeat_n(Some(day(text)), times)).collect()
        };
        let (january, march) = (("2024-01-01", 150), ("2024-03-01", 150));
        let usual = Some([day("2024-01-01"), day("2024-03-01")]);
        assert_eq!(usual_days(&days(&[january, march])), usual);
        assert_eq!(usual_days(&days(&[("0001-01-01", 1), january, march, ("9999-12-31", 2)])), usual);
        // Three of three hundred are too many to cut off, and days that are not far away stay.
        let many = days(&[january, march, ("9999-12-31", 3)]);
        assert_eq!(usual_days(&many), Some([day("2024-01-01"), day("9999-12-31")]));
        let near = days(&[january, march, ("2024-03-20", 1)]);
        assert_eq!(usual_days(&near), Some([day("2024-01-01"), day("2024-03-20")]));
        assert_eq!(usual_days(&days(&[("2024-01-01", 1)])), Some([day("2024-01-01"); 2]));
        assert_eq!(usual_days(&[None]), None);
    }
}
