//! Recognises Western European text in Windows-1252, by what is next to its letters and signs.
//!
//! An encoding detector counts which letters are next to each other. In an English file with one "café" and a few curly
//! quotes there is almost nothing to count, and its guess is random: Windows-1257 or 1250 for a file that any Western
//! program wrote. So the guess counts only if there is evidence: many letters beyond ASCII, or some that Western
//! languages do not have in such places.

use encoding_rs::WINDOWS_1252;

/// Letters of the large Western languages whose bytes are other letters, or signs, in only a few other encodings.
const COMMON: &str = "éÉüÜöÖäÄßñÑáíóúçàè";
/// Other letters of Western languages. Those of Icelandic (ð, þ, ý) are Turkish and Baltic ones in other encodings.
const RARER: &str = "âêîôûëïùìòõãåæøœÂÊÎÔÛËÏÙÌÒÕÃÅÆØŒÀÈÁÍÓÚÇŸÿ";
/// Signs that may be anywhere.
const SIGNS: &str = "€‚„…†‡‰‹‘’“”•–—™›\u{A0}§©«®°±²´µ¶·»½×÷";
/// Signs whose bytes are letters in other encodings. None of them is ever next to a letter.
const LONE_SIGNS: &str = "£¥¢¼¾¹³ºª¡¿";
/// Up to this many letters beyond ASCII are not evidence yet, however short the text.
const HANDFUL: usize = 24;
/// Below this share of letters beyond ASCII, other alphabetic languages can be ruled out: they have 5% or more.
const THIN: f64 = 0.01;
/// The longest run of characters beyond ASCII in Western text.
const LONGEST_RUN: usize = 3;

/// Whether all of `bytes` beyond ASCII look Western, and are too few to recognise another encoding.
pub(super) fn is_western(bytes: &[u8]) -> bool {
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    let letters = text.chars().filter(|character| character.is_alphabetic()).count();
    let beyond = text.chars().filter(|&character| !character.is_ascii() && character.is_alphabetic());
    let (mut common, mut rarer) = (0_usize, 0_usize);
    beyond.for_each(|letter| if COMMON.contains(letter) { common += 1 } else { rarer += 1 });
    let thin = ((common + rarer) as f64) < THIN * letters as f64;
    let few = rarer == 0 && common <= HANDFUL;
    (thin || few) && text.lines().filter(|line| !line.is_ascii()).all(is_western_line)
}

fn is_western_line(line: &str) -> bool {
    let characters: Vec<char> = line.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let run = characters[at..].iter().take_while(|character| !character.is_ascii()).count();
        if run > 0 && !is_western_run(&characters, at, at + run) {
            return false;
        }
        at += run.max(1);
    }
    true
}

/// Whether the characters beyond ASCII from `begin` to `end` fit where they are.
fn is_western_run(line: &[char], begin: usize, end: usize) -> bool {
    let before = |at: usize| at.checked_sub(1).and_then(|at| line.get(at)).copied();
    let letters = line[begin..end].iter().filter(|character| character.is_alphabetic()).count();
    // Several such letters without an ASCII letter next to them are a word in another alphabet.
    let alone = letters > 1 && !is_letter(before(begin)) && !is_letter(line.get(end).copied());
    !alone
        && letters < LONGEST_RUN
        && end - begin <= LONGEST_RUN
        && (begin..end).all(|at| fits(line[at], before(at), line.get(at + 1).copied()))
}

fn fits(character: char, before: Option<char>, next: Option<char>) -> bool {
    let lone = || !is_letter(before) && !is_letter(next);
    match character {
        // "¿Qué?", but not the Polish "że" that has the same byte.
        '¿' | '¡' if !is_letter(before) => next.is_none_or(|next| !next.is_lowercase()),
        _ if LONE_SIGNS.contains(character) => lone(),
        _ => COMMON.contains(character) || RARER.contains(character) || SIGNS.contains(character),
    }
}

fn is_letter(character: Option<char>) -> bool {
    character.is_some_and(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{Encoding, ISO_8859_2, WINDOWS_1250, WINDOWS_1251, WINDOWS_1254, WINDOWS_1257};

    use super::*;

    fn western(text: &str, encoding: &'static Encoding) -> bool {
        let (bytes, _, unmappable) = encoding.encode(text);
        assert!(!unmappable, "{text}");
        is_western(&bytes)
    }

    #[test]
    fn a_few_western_letters_and_signs() {
        for text in [
            "it’s “fine” – really… €5, £5.99 and 20 °C",
            "a café in Zürich, the jalapeño dip, Motörhead",
            "¿Qué tal? ¡Muy bien! España",
            "créée par Renée",
        ] {
            assert!(western(text, WINDOWS_1252), "{text}");
        }
        let long = format!("{}the crème brûlée, a façade", "plain words in great number ".repeat(60));
        assert!(western(&long, WINDOWS_1252));
    }

    #[test]
    fn letters_of_other_languages() {
        for (text, encoding) in [
            ("że paczka dotarła", WINDOWS_1250),
            ("Łódź, Świetny", WINDOWS_1250),
            ("Łódź, Świetny", ISO_8859_2),
            ("velmi dobře, děkuji", WINDOWS_1250),
            ("да и нет", WINDOWS_1251),
            ("çok güzel bir ürün, teşekkürler ığdır", WINDOWS_1254),
            ("ļoti ātra piegāde, iesaku", WINDOWS_1257),
            ("labai gerai, ačiū, puiku", WINDOWS_1257),
        ] {
            assert!(!western(text, encoding), "{text}");
        }
    }

    #[test]
    fn plenty_of_letters_leave_it_to_the_guess() {
        assert!(!western(&"être à la fête ".repeat(20), WINDOWS_1252));
    }
}
