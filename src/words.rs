//! Numbers, lists and texts in the words of messages: one way of writing them in every room.

use std::fmt::Display;

use chrono::DateTime;
use indicatif::HumanCount;

/// Items of a list that [`listed`] names before it counts the rest.
const NAMED: usize = 5;
/// Names that [`quoted`] gives before it counts the rest: of columns and labels a person wants to see nearly all.
const QUOTED: usize = 20;

/// A count with thousands separated: `11,515`.
#[must_use]
pub fn count(value: impl TryInto<u64>) -> String {
    HumanCount(value.try_into().unwrap_or(u64::MAX)).to_string()
}

/// A count with its noun: `1 row`, `11,515 rows`.
#[must_use]
pub fn counted(value: impl TryInto<u64>, one: &str, many: &str) -> String {
    let value = value.try_into().unwrap_or(u64::MAX);
    format!("{} {}", count(value), plural(value, one, many))
}

/// The word that goes with a count: `one` with 1, `many` with all others.
#[must_use]
pub fn plural<'a>(value: impl TryInto<u64>, one: &'a str, many: &'a str) -> &'a str {
    if value.try_into().is_ok_and(|value| value == 1) { one } else { many }
}

/// A share as a whole percentage. A share above 0 is never shown as `0%`, and one below 1 never as `100%`.
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

/// [`percent`] of a part of a whole, in the words of a sentence: `less than 1%`, `42%`.
#[must_use]
pub fn percent_of(part: usize, whole: usize) -> String {
    let share = percent(part as f64 / whole.max(1) as f64);
    share.replace('<', "less than ").replace('>', "more than ")
}

/// A share with one decimal: `84.6%`.
#[must_use]
pub fn percent_fine(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// A share as people say it: `83 of 100`. Only nothing is 0 and only all is 100.
#[must_use]
pub fn of_hundred(share: f64) -> String {
    let whole = match share * 100.0 {
        hundred if hundred > 0.0 && hundred < 1.0 => 1.0,
        hundred if hundred > 99.0 && hundred < 100.0 => 99.0,
        hundred => hundred.round(),
    };
    format!("{whole:.0} of 100")
}

/// A metric with three decimals, or none from a thousand on: `0.797`, `67,281`.
#[must_use]
pub fn score(value: f64) -> String {
    decimals(value, 3)
}

/// A difference of metrics with its sign: `+0.034`, `−0.021`, `0.000`.
#[must_use]
pub fn signed_score(value: f64) -> String {
    let digits = score(value.abs());
    match value {
        _ if digits == score(0.0) => digits,
        _ if value < 0.0 => format!("−{digits}"),
        _ => format!("+{digits}"),
    }
}

/// A perplexity with two decimals, or none from a thousand on: `47.26`, `67,281`.
#[must_use]
pub fn perplexity(value: f64) -> String {
    decimals(value, 2)
}

fn decimals(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        "–".to_owned()
    } else if value >= 1_000.0 {
        count(value.round() as u64)
    } else {
        format!("{value:.decimals$}")
    }
}

/// A learning rate: "5e-5", "2.5e-4".
#[must_use]
pub fn rate(value: f64) -> String {
    format!("{value:.1e}").replace(".0e", "e")
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

/// A measured duration: as [`duration`], with tenths of a second below a minute: `8.2 s`.
#[must_use]
pub fn duration_fine(seconds: f64) -> String {
    if (0.0..59.95).contains(&seconds) { format!("{seconds:.1} s") } else { duration(seconds) }
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
fn day(seconds_since_1970: u64) -> String {
    let moment = i64::try_from(seconds_since_1970).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    moment.map_or_else(|| "an unknown day".to_owned(), |moment| moment.format("%-d %b %Y").to_string())
}

/// The first five items and how many more there are: `a, b, c, d, e and 2 more`. Items that are only counted are not
/// written.
#[must_use]
pub fn listed<I>(items: I) -> String
where
    I: IntoIterator<Item: Display, IntoIter: ExactSizeIterator>,
{
    first_of(items.into_iter(), NAMED)
}

/// As [`listed`], with up to `most` items.
pub fn listed_up_to<I>(most: usize, items: I) -> String
where
    I: IntoIterator<Item: Display, IntoIter: ExactSizeIterator>,
{
    first_of(items.into_iter(), most)
}

/// Names in quotation marks, and how many more there are beyond the first twenty: `'a', 'b'`.
#[must_use]
pub fn quoted(names: &[impl AsRef<str>]) -> String {
    first_of(names.iter().map(|name| format!("'{}'", name.as_ref())), QUOTED)
}

fn first_of(mut items: impl ExactSizeIterator<Item: Display>, most: usize) -> String {
    let named: Vec<String> = items.by_ref().take(most).map(|item| item.to_string()).collect();
    let named = named.join(", ");
    if items.len() == 0 { named } else { format!("{named} and {} more", count(items.len())) }
}

/// All items as a sentence has them: `a, b and c`.
#[must_use]
pub fn joined(items: &[String]) -> String {
    match items.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => items.concat(),
    }
}

/// The beginning of a text, at most `most` characters; the last one is `…` if the text goes on.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A cell of a table as a message shows it: without white space around it, at most 40 characters.
#[must_use]
pub fn cell_value(cell: &str) -> String {
    shortened(cell.trim(), 40)
}

/// The end of a text, at most `most` characters; the first one is `…` if something comes before.
#[must_use]
pub fn shortened_left(text: &str, most: usize) -> String {
    let characters = text.chars().count();
    if characters <= most {
        return text.to_owned();
    }
    let skipped = characters - most.saturating_sub(1);
    ['…'].into_iter().chain(text.chars().skip(skipped)).collect()
}

/// The first `most` characters of a text on one line: line breaks, tabs and other control characters are spaces.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    text.chars().take(most).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The text with its runs of white space as single spaces, and none at its ends.
#[must_use]
pub fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text that is safe to print: control characters, which could move the terminal's cursor, are replaced.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

/// A word as typed in a shell, quoted if it has a space or a special character.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/\\._-+:@%,=".contains(letter);
    // `\` is a plain character only in Windows paths.
    if !word.is_empty() && word.chars().all(is_plain) && (cfg!(windows) || !word.contains('\\')) {
        word.to_owned()
    } else if cfg!(windows) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The text with a small first letter, to be part of a sentence.
#[must_use]
pub fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// The text with a capital first letter.
#[must_use]
pub fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The message with a full stop at its end, unless it ends a sentence already.
#[must_use]
pub fn full_stop(message: &str) -> String {
    let message = message.trim();
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{message}{stop}")
}

/// A message as the beginning of a sentence: with a capital letter, unless it begins with a name such as `reviews.csv`.
/// A name of letters alone, such as a folder's, must be in quotation marks or come later.
#[must_use]
pub fn sentence_case(message: &str) -> String {
    let first_word = message.split(' ').next().unwrap_or_default();
    if first_word.chars().all(char::is_alphabetic) { upper_first(message) } else { message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates_have_two_digits_at_most() {
        assert_eq!([5e-5, 2.5e-4, 481.481, 1.0].map(rate), ["5e-5", "2.5e-4", "4.8e2", "1e0"]);
    }

    #[test]
    fn a_share_of_a_hundred_is_all_only_if_all_are() {
        assert_eq!(
            [0.0, 0.001, 0.826, 0.997, 1.0].map(of_hundred),
            ["0", "1", "83", "99", "100"].map(|n| format!("{n} of 100"))
        );
    }

    #[test]
    fn large_metrics_have_separators_and_no_decimals() {
        assert_eq!([score(0.7971), score(999.9), score(67_281.4)], ["0.797", "999.900", "67,281"]);
        assert_eq!([perplexity(47.256), perplexity(67_281.4), perplexity(f64::NAN)], ["47.26", "67,281", "–"]);
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!([0_u64, 999, 1_000, 11_515, 1_234_567].map(count), ["0", "999", "1,000", "11,515", "1,234,567"]);
        assert_eq!([1_usize, 2, 0].map(|rows| counted(rows, "row", "rows")), ["1 row", "2 rows", "0 rows"]);
        assert_eq!([1, 2].map(|rows| plural(rows, "it is", "they are")), ["it is", "they are"]);
    }

    #[test]
    fn percentages_do_not_round_to_nothing_or_all() {
        assert_eq!([0.0, 0.001, 0.042, 0.999, 1.0].map(percent), ["0%", "<1%", "4%", ">99%", "100%"]);
        let of = [(1, 1_000), (999, 1_000), (2, 4), (0, 0), (3, 3)].map(|(part, whole)| percent_of(part, whole));
        assert_eq!(of, ["less than 1%", "more than 99%", "50%", "0%", "100%"]);
    }

    #[test]
    fn durations_show_two_units_at_most() {
        assert_eq!([0.0, 0.2, 59.4, 130.0].map(duration), ["0 s", "<1 s", "59 s", "2 min 10 s"]);
        assert_eq!([759.0, 3840.0, 100_000.0, f64::NAN].map(duration), ["12 min", "1 h 04 min", "1 d 3 h", "–"]);
        assert_eq!([8.24, 59.96, 185.2].map(duration_fine), ["8.2 s", "1 min 00 s", "3 min 05 s"]);
    }

    #[test]
    fn sizes_and_parameters() {
        assert_eq!([512, 90_868_376, 300 << 20].map(bytes), ["512 B", "86.7 MiB", "300 MiB"]);
        assert_eq!([22_713_216, 1_100_000_000].map(parameters), ["22.7 M", "1.1 B"]);
    }

    #[test]
    fn days_follow_the_calendar() {
        assert_eq!([0, 951_782_400, 1_795_429_440].map(day), ["1 Jan 1970", "29 Feb 2000", "23 Nov 2026"]);
        assert_eq!(day(u64::MAX), "an unknown day");
    }

    #[test]
    fn moments_are_described_from_now() {
        let ago = [(1000, 1010), (1000, 1300), (1000, 8200), (1000, 433_000), (0, 400 * 86_400), (2000, 1000)];
        assert_eq!(
            ago.map(|(moment, now)| ago_from(moment, now)),
            ["just now", "5 min ago", "2 h ago", "5 d ago", "on 1 Jan 1970", "just now"]
        );
    }

    #[test]
    fn long_lists_name_the_first_and_count_the_rest() {
        assert_eq!(listed(1..8), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!((listed(["a", "b"]), listed(Vec::<String>::new())), ("a, b".to_owned(), String::new()));
        assert_eq!(quoted(&["a", "b"]), "'a', 'b'");
        assert!(quoted(&["x"; 1_022]).ends_with("'x' and 1,002 more"));
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([&items[..], &items[..1], &[]].map(joined), ["a, b and c", "a", ""]);
    }

    #[test]
    fn texts_are_shortened_by_characters() {
        assert_eq!([shortened("déjà vu", 5), shortened("abc", 3), shortened("abc", 0)], ["déjà…", "abc", "…"]);
        assert_eq!([shortened_left("/a/long/path", 6), shortened_left("/a", 6)], ["…/path", "/a"]);
        assert_eq!(collapsed(" a \n\tb "), "a b");
        assert_eq!((one_line("a\tb\nc", 4), printable("a\u{1b}[2J")), ("a b ".to_owned(), "a\u{FFFD}[2J".to_owned()));
    }

    #[test]
    #[cfg(unix)]
    fn words_with_special_characters_are_quoted_for_a_shell() {
        assert_eq!(["shop", "a/b-c_1.csv", "Läden"].map(shell_word), ["shop", "a/b-c_1.csv", "Läden"]);
        assert_eq!(["my shop", "it's", "$HOME", ""].map(shell_word), ["'my shop'", "'it'\\''s'", "'$HOME'", "''"]);
    }

    #[test]
    fn names_keep_their_first_letter_and_sentences_get_a_capital() {
        let begun = ["there is no file", "reviews.csv is empty", "'x' is not an encoding", ""].map(sentence_case);
        assert_eq!(begun, ["There is no file", "reviews.csv is empty", "'x' is not an encoding", ""]);
        assert_eq!(["a", "a.", "a?", " a "].map(full_stop), ["a.", "a.", "a?", "a."]);
        assert_eq!((lower_first("Übrig"), upper_first("ß")), ("übrig".to_owned(), "SS".to_owned()));
    }
}
