//! Numbers formatted for people.

use crate::evaluation::Metrics;
use crate::project::MetricName;

/// A count with thousands separated: `11,515`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 row`, `11,515 rows`.
#[must_use]
pub fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// A share as a whole percentage. Shares just above 0 are shown as `<1%`, and shares just below 1 as `>99%`.
#[must_use]
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value > 0.0 && value < 0.5 {
        "<1%".to_owned()
    } else if (99.5..100.0).contains(&value) {
        ">99%".to_owned()
    } else {
        format!("{value:.0}%")
    }
}

/// A share with one decimal: `84.6%`.
#[must_use]
pub fn percent_fine(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// A metric with three decimals: `0.797`.
#[must_use]
pub fn score(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "–".to_owned() }
}

/// The headline metrics in a sentence: `macro-F1 0.812, accuracy 0.840, loss 0.421`.
#[must_use]
pub fn scores(metrics: &Metrics) -> String {
    let named = |(name, value): (MetricName, f64)| format!("{} {}", name.in_a_sentence(), score(value));
    metrics.figures().into_iter().map(named).collect::<Vec<_>>().join(", ")
}

/// A duration in the two largest units that matter: `8 s`, `2 min 10 s`, `1 h 04 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        0 if seconds > 0.0 => "<1 s".to_owned(),
        0..60 => format!("{whole} s"),
        60..600 => format!("{} min {:02} s", whole / 60, whole % 60),
        600..3600 => format!("{} min", whole / 60),
        3600..86_400 => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// A size in binary units: `86.7 MiB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if value < 1024 {
        return format!("{value} B");
    }
    let mut size = value as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if size < 100.0 { format!("{size:.1} {}", UNITS[unit]) } else { format!("{size:.0} {}", UNITS[unit]) }
}

/// A number of parameters: `22.7 M`, `1.1 B`.
#[must_use]
pub fn parameters(value: u64) -> String {
    match value {
        0..1_000_000 => format!("{:.1} k", value as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", value as f64 / 1e6),
        _ => format!("{:.1} B", value as f64 / 1e9),
    }
}

/// How long ago a moment (seconds since 1970) was: `just now`, `5 min ago`, `2 d ago`.
#[must_use]
pub fn ago(moment: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    ago_from(moment, now)
}

fn ago_from(moment: u64, now: u64) -> String {
    match now.saturating_sub(moment) {
        0..60 => "just now".to_owned(),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h ago", seconds / 3600),
        seconds if seconds < 86_400 * 30 => format!("{} d ago", seconds / 86_400),
        _ => format!("on {}", day(moment)),
    }
}

/// Day of a moment (seconds since 1970) in universal time: `23 Nov 2026`.
///
/// The calendar is Howard Hinnant's `civil_from_days`.
fn day(seconds_since_1970: u64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = seconds_since_1970 / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 2 } else { shifted - 10 };
    let year = year_of_era + era * 400 + u64::from(month < 2);
    format!("{day} {} {year}", MONTHS[month as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(11_515), "11,515");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "row", "rows"), "1 row");
        assert_eq!(counted(2, "row", "rows"), "2 rows");
    }

    #[test]
    fn percentages_never_round_to_0_or_100() {
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(0.001), "<1%");
        assert_eq!(percent(0.042), "4%");
        assert_eq!(percent(0.999), ">99%");
        assert_eq!(percent(1.0), "100%");
    }

    #[test]
    fn durations_show_two_units_at_most() {
        assert_eq!(duration(0.0), "0 s");
        assert_eq!(duration(0.2), "<1 s");
        assert_eq!(duration(59.4), "59 s");
        assert_eq!(duration(130.0), "2 min 10 s");
        assert_eq!(duration(759.0), "12 min");
        assert_eq!(duration(3840.0), "1 h 04 min");
        assert_eq!(duration(100_000.0), "1 d 3 h");
        assert_eq!(duration(f64::NAN), "–");
    }

    #[test]
    fn sizes_and_parameter_counts_have_units() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(90_868_376), "86.7 MiB");
        assert_eq!(bytes(300 * 1024 * 1024), "300 MiB");
        assert_eq!(parameters(22_713_216), "22.7 M");
        assert_eq!(parameters(1_100_000_000), "1.1 B");
    }

    #[test]
    fn days_follow_the_calendar() {
        assert_eq!(day(0), "1 Jan 1970");
        assert_eq!(day(951_782_400), "29 Feb 2000");
        assert_eq!(day(1_795_429_440), "23 Nov 2026");
    }

    #[test]
    fn times_are_relative_to_now() {
        assert_eq!(ago_from(1000, 1010), "just now");
        assert_eq!(ago_from(1000, 1000 + 300), "5 min ago");
        assert_eq!(ago_from(1000, 1000 + 7200), "2 h ago");
        assert_eq!(ago_from(1000, 1000 + 5 * 86_400), "5 d ago");
        assert_eq!(ago_from(0, 400 * 86_400), "on 1 Jan 1970");
        assert_eq!(ago_from(2000, 1000), "just now");
    }
}
