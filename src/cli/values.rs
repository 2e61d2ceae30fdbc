//! Reads the values of arguments as people type them.

use crate::project::TaskKind;

pub(super) fn task(keyword: &str) -> Result<TaskKind, String> {
    let known = || TaskKind::ALL.map(TaskKind::keyword).join(" or ");
    TaskKind::ALL.into_iter().find(|kind| kind.keyword() == keyword).ok_or_else(|| format!("use {}", known()))
}

pub(super) fn delimiter(text: &str) -> Result<char, String> {
    let named = match text {
        "comma" => Some(','),
        "semicolon" => Some(';'),
        "tab" | "\\t" => Some('\t'),
        "pipe" => Some('|'),
        _ => None,
    };
    let mut letters = text.chars();
    match (named, letters.next(), letters.next()) {
        (Some(named), ..) => Ok(named),
        (None, Some(letter), None) => Ok(letter),
        _ => Err("use one character, or comma, semicolon, tab, pipe".to_owned()),
    }
}

pub(super) fn share(text: &str) -> Result<f32, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "use a number from 0 to 1, such as 0.8".to_owned())
}

pub(super) fn temperature(text: &str) -> Result<f32, String> {
    let temperature = text.parse().ok().filter(|value: &f32| value.is_finite() && *value >= 0.0);
    temperature.ok_or_else(|| "use a number from 0, such as 0.8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_can_be_given_by_name_or_as_a_character() {
        assert_eq!(
            ["tab", "\\t", "\t", ";", "pipe"].map(|text| delimiter(text).unwrap()),
            ['\t', '\t', '\t', ';', '|']
        );
        assert!(delimiter("").is_err() && delimiter("ab").is_err());
    }

    #[test]
    fn a_temperature_is_a_number_from_0() {
        assert_eq!(temperature("0.8"), Ok(0.8));
        assert!(["-1", "inf", "warm"].iter().all(|text| temperature(text).is_err()));
    }
}
