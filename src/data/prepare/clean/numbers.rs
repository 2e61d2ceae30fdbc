//! Masks numbers that belong to one person or one order.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

#[allow(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static CARD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b\d(?:[ -]?\d){12,18}\b").expect("the card pattern is valid"));
#[allow(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static IBAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b").expect("the account pattern is valid")
});
#[allow(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static PHONE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        // With the country code.
        r"\+\d{1,3}(?:[ .\-/]?\(?\d{1,5}\)?){2,6}",
        // As in North America.
        r"|(?:\b1[ .-]?)?(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}[ .-]\d{4}\b",
        // With a zero before the area code.
        r"|(?:\(0\d{1,4}\)|\b0\d{1,4})[ /-]\d{3,8}(?:[ -]\d{2,6})*\b",
    ))
    .expect("the telephone pattern is valid")
});
#[allow(clippy::expect_used, reason = "a constant pattern, compiled in a test")]
static ORDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\b(order|invoice|ticket|tracking|reference|booking|confirmation|case)",
        r"((?:[ :#]|\b(?:no|nr|number|id|code)\b\.?)*[ :#])([a-z]{0,6}-?\d[a-z0-9-]{3,})\b",
        r"|\b\d{3}-\d{7}-\d{7}\b",
    ))
    .expect("the order pattern is valid")
});

/// Digits of a telephone number: E.164 allows 15.
const DIGITS_OF_PHONE: std::ops::RangeInclusive<usize> = 8..=15;

/// Replaces numbers of payment cards and bank accounts with right check digits by `[CARD]` and `[IBAN]`.
pub(super) fn accounts(text: &str) -> Cow<'_, str> {
    if !has_digits(text, 8) {
        return Cow::Borrowed(text);
    }
    let with_cards = replace(text, &CARD, |found| masked(&found[0], is_card, "[CARD]")).into_owned();
    let accounts = replace(&with_cards, &IBAN, |found| masked(&found[0], is_iban, "[IBAN]")).into_owned();
    if accounts == text { Cow::Borrowed(text) } else { Cow::Owned(accounts) }
}

/// Masks the longest beginning of a match that passes the check, and keeps the rest: a date or a code may follow a
/// number.
fn masked(found: &str, check: impl Fn(&str) -> bool, mask: &str) -> Option<String> {
    let ends = found.match_indices([' ', '-']).map(|(at, _)| at).chain([found.len()]);
    let end = ends.filter(|&end| check(&found[..end])).last()?;
    Some(format!("{mask}{}", &found[end..]))
}

/// Replaces telephone numbers by `[PHONE]`.
pub(super) fn phones(text: &str) -> Cow<'_, str> {
    if !has_digits(text, *DIGITS_OF_PHONE.start()) {
        return Cow::Borrowed(text);
    }
    replace(text, &PHONE, |found| {
        let digits = found[0].chars().filter(char::is_ascii_digit).count();
        DIGITS_OF_PHONE.contains(&digits).then(|| "[PHONE]".to_owned())
    })
}

/// Replaces numbers of orders, invoices and tickets by `[ORDER]`; the word before them stays.
pub(super) fn orders(text: &str) -> Cow<'_, str> {
    if !has_digits(text, 4) {
        return Cow::Borrowed(text);
    }
    replace(text, &ORDER, |found| {
        let part = |place| found.get(place).map_or("", |part: regex::Match| part.as_str());
        Some(format!("{}{}[ORDER]", part(1), part(2)))
    })
}

/// Whether there are this many digits.
fn has_digits(text: &str, least: usize) -> bool {
    // Bytes are compared without branches, so many at a time.
    text.bytes().map(|byte| usize::from(byte.is_ascii_digit())).sum::<usize>() >= least
}

/// Replaces each match by what `with` returns; matches for which it returns `None` stay.
fn replace<'t>(text: &'t str, pattern: &Regex, with: impl Fn(&Captures<'_>) -> Option<String>) -> Cow<'t, str> {
    let mut changed = false;
    let replaced = pattern.replace_all(text, |found: &Captures<'_>| match with(found) {
        Some(new) => {
            changed = true;
            new
        }
        None => found[0].to_owned(),
    });
    let replaced = replaced.into_owned();
    if changed { Cow::Owned(replaced) } else { Cow::Borrowed(text) }
}

/// The check of ISO/IEC 7812 (Luhn): every second digit from the right is doubled, and counts as the sum of its digits.
fn is_card(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|character| character.to_digit(10)).collect();
    let weighed = digits.iter().rev().enumerate().map(|(place, &digit)| match (place % 2, digit) {
        (0, digit) => digit,
        (_, digit @ 0..=4) => 2 * digit,
        (_, digit) => 2 * digit - 9,
    });
    is_of_an_issuer(&digits) && weighed.sum::<u32>() % 10 == 0
}

/// Whether a number has the beginning and the length of a card issuer's numbers: the check digit alone fits one number
/// in ten.
fn is_of_an_issuer(digits: &[u32]) -> bool {
    let first = |count: usize| digits.iter().take(count).fold(0, |number, digit| 10 * number + digit);
    match (first(1), digits.len()) {
        // Visa; Discover, Maestro and UnionPay.
        (4, 13 | 16 | 19) | (6, 16..=19) => true,
        // American Express, Diners Club.
        (3, 15) => matches!(first(2), 34 | 37),
        (3, 14) => matches!(first(2), 30 | 36 | 38 | 39),
        (3, 16..=19) => matches!(first(2), 35),
        // Mastercard.
        (5, 16) => matches!(first(2), 51..=55),
        (2, 16) => matches!(first(4), 2221..=2720),
        _ => false,
    }
}

/// The check of ISO 13616: with the first four characters moved to the end and letters as 10 to 35, 1 modulo 97.
fn is_iban(account: &str) -> bool {
    let characters: Vec<char> = account.chars().filter(|character| *character != ' ').collect();
    if characters.len() < 15 {
        return false;
    }
    let (country, rest) = characters.split_at(4);
    let value = |rest: u32, character: &char| {
        character.to_digit(36).map_or(rest, |digit| (rest * if digit > 9 { 100 } else { 10 } + digit) % 97)
    };
    rest.iter().chain(country).fold(0, value) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_and_accounts_with_right_check_digits_are_masked() {
        assert_eq!(accounts("paid with 4111 1111 1111 1111."), "paid with [CARD].");
        assert_eq!(accounts("to DE89 3704 0044 0532 0130 00 please"), "to [IBAN] please");
        assert_eq!(accounts("4111111111111111 12/26, or 4111 1111 1111 1111 123"), "[CARD] 12/26, or [CARD] 123");
        assert_eq!(accounts("IBAN BE68 5390 0754 7034 BIC KREDBEBB"), "IBAN [IBAN] BIC KREDBEBB");
        assert_eq!(accounts("GB82WEST12345698765432"), "[IBAN]");
        for text in [
            "4111 1111 1111 1112",
            "9111 1111 1111 1111",
            "DE89 3704 0044 0532 0130 01",
            "0000000000000000",
            "12345678",
            "2026-03-01",
        ] {
            assert!(matches!(accounts(text), Cow::Borrowed(_)), "{text}: {}", accounts(text));
        }
    }

    #[test]
    fn telephone_numbers_are_masked_and_dates_and_prices_are_not() {
        for text in [
            "+44 20 7946 0958",
            "(555) 010-9999",
            "555-010-9999",
            "1-800-555-0199",
            "+49 (0)30 901820",
            "030 901820-15",
            "+14155550132",
        ] {
            assert_eq!(phones(&format!("call {text} now")), "call [PHONE] now", "{text}");
        }
        for text in ["2015-02-24 11:35", "24.02.2015", "1,299.00 or 12345678", "flight 404 delayed 2 hours", "10000000"]
        {
            assert!(matches!(phones(text), Cow::Borrowed(_)), "{text}: {}", phones(text));
        }
    }

    #[test]
    fn order_numbers_are_masked_after_their_word() {
        assert_eq!(orders("My order #A-12345 is late"), "My order #[ORDER] is late");
        assert_eq!(orders("Order number: 88731-X9"), "Order number: [ORDER]");
        assert_eq!(orders("it was 123-4567890-1234567, thanks"), "it was [ORDER], thanks");
        for text in ["in order to win 2015 games", "order 2 of them", "ordered 12345"] {
            assert!(matches!(orders(text), Cow::Borrowed(_)), "{text}: {}", orders(text));
        }
    }
}
