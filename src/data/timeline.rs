//! Rows over time, by label.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate};

use super::{Rows, cells_of, column_of_dates};

/// Values looked at before a whole column is read.
const SAMPLE: usize = 500;

/// What rows are counted by.
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
}

impl Unit {
    /// The finest that leaves few enough bars to be seen.
    fn of(days: i64) -> Self {
        match days {
            ..=62 => Self::Day,
            63..=730 => Self::Week,
            731..=7_300 => Self::Month,
            _ => Self::Year,
        }
    }

    fn start(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
            Self::Month => day.with_day(1),
            Self::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        }
    }

    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Year => start.checked_add_months(Months::new(12)),
        }
    }

    fn name(self, start: NaiveDate) -> String {
        let format = match self {
            Self::Day | Self::Week => "%Y-%m-%d",
            Self::Month => "%Y-%m",
            Self::Year => "%Y",
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
        }
    }
}

/// A stretch of time and the rows in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first day, or its month or year: `2024-03-18`, `2024-03`, `2024`.
    pub name: String,
    /// Rows of each class id.
    pub rows: Vec<u32>,
}

/// The used rows over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The column of dates.
    pub column: String,
    /// In dates of numbers alone the day comes before the month.
    pub day_first: bool,
    /// Day and month could be the other way round.
    pub ambiguous: bool,
    /// First and last day, `2024-03-18`.
    pub range: [String; 2],
    /// What rows are counted by.
    pub unit: Unit,
    /// One after another, empty ones too.
    pub periods: Vec<Period>,
    /// Used rows without a date that could be read.
    pub undated: usize,
}

/// A timeline for each column of dates.
#[must_use]
pub fn timelines(rows: &Rows) -> Vec<Timeline> {
    let names = &rows.imported.main.table.names;
    names.iter().filter_map(|name| timeline(rows, name)).collect()
}

fn timeline(rows: &Rows, column: &str) -> Option<Timeline> {
    let table = &rows.imported.main.table;
    let index = table.column_index(column)?;
    let filled = (0..table.len()).map(|row| table.cell(index, row)).filter(|value| !value.trim().is_empty());
    column_of_dates(&filled.take(SAMPLE).collect::<Vec<_>>())?;
    // The used rows' values alone: what is left out is not counted.
    let examples = &rows.prepared.examples;
    let dates = column_of_dates(&cells_of(rows.imported, examples, column))?;
    let day = |moment: &Option<i64>| Some(DateTime::from_timestamp_millis((*moment)?)?.date_naive());
    let days: Vec<Option<NaiveDate>> = dates.values.iter().map(day).collect();
    let (first, last) = (days.iter().flatten().min()?, days.iter().flatten().max()?);
    let unit = Unit::of((*last - *first).num_days());
    let mut starts = vec![unit.start(*first)?];
    while let Some(next) = unit.next(*starts.last()?).filter(|next| next <= last) {
        starts.push(next);
    }
    let labels = rows.prepared.labels.len();
    let mut periods: Vec<Period> =
        starts.iter().map(|&start| Period { name: unit.name(start), rows: vec![0; labels] }).collect();
    for (day, example) in days.iter().zip(examples) {
        let Some(day) = day else { continue };
        let period = starts.partition_point(|start| start <= day).saturating_sub(1);
        periods[period].rows[example.label as usize] += 1;
    }
    Some(Timeline {
        column: column.to_owned(),
        day_first: dates.day_first,
        ambiguous: dates.ambiguous.is_some(),
        range: [first, last].map(|day| day.format("%Y-%m-%d").to_string()),
        unit,
        periods,
        undated: days.iter().filter(|day| day.is_none()).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn stretches_begin_where_people_expect() {
        let start = |unit: Unit, from: &str| unit.name(unit.start(day(from)).unwrap());
        assert_eq!(start(Unit::Week, "2015-02-24"), "2015-02-23");
        assert_eq!(start(Unit::Month, "2015-02-24"), "2015-02");
        assert_eq!(start(Unit::Year, "2015-02-24"), "2015");
        assert_eq!(Unit::Month.next(day("2015-12-01")), Some(day("2016-01-01")));
        assert_eq!([10, 100, 1_000, 10_000].map(Unit::of), [Unit::Day, Unit::Week, Unit::Month, Unit::Year]);
    }
}
