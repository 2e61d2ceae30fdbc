//! Checks whether bytes are UTF-8, in pieces that may end within a character.

/// Length of the longest character in bytes.
const LONGEST: usize = 4;

/// Whether a piece of a text is UTF-8, apart from characters that are cut off at its ends.
pub(super) fn is_utf8_but_for_ends(piece: &[u8]) -> bool {
    let begin = piece.iter().take(LONGEST - 1).take_while(|&&byte| continues(byte)).count();
    match std::str::from_utf8(&piece[begin..]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && piece.len() - begin - error.valid_up_to() < LONGEST,
    }
}

/// Whether the characters around each multiple of `piece` bytes are UTF-8, and those at the ends of the text.
pub(super) fn are_seams_utf8(text: &[u8], piece: usize) -> bool {
    let character = |seam: usize| {
        let begin = (seam.saturating_sub(LONGEST)..seam).rev().find(|&at| !continues(text[at])).unwrap_or(0);
        let end = (seam..text.len()).find(|&at| !continues(text[at])).unwrap_or(text.len());
        end - begin < 3 * LONGEST && std::str::from_utf8(&text[begin..end]).is_ok()
    };
    (0..text.len()).step_by(piece).chain([text.len()]).all(character)
}

/// Whether a byte continues a character: 0b10xxxxxx.
fn continues(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    #[test]
    fn checking_pieces_and_their_seams_equals_checking_the_whole() {
        let mut rng = Rng::new(9);
        let letters: Vec<char> = "aé\u{20AC}\u{1F642}".chars().collect();
        for _ in 0..20_000 {
            let length = rng.below(24);
            let text: String = (0..length).map(|_| letters[rng.below(4) as usize]).collect();
            let mut bytes = text.into_bytes();
            for _ in 0..rng.below(3) {
                let Some(last) = bytes.len().checked_sub(1) else { break };
                let at = rng.below(last as u64 + 1) as usize;
                match rng.below(3) {
                    0 => bytes[at] = rng.below(256) as u8,
                    1 => _ = bytes.remove(at),
                    _ => bytes.truncate(at),
                }
            }
            for piece in [1, 3, 4, 7, 100] {
                let pieces = bytes.chunks(piece).all(is_utf8_but_for_ends) && are_seams_utf8(&bytes, piece);
                assert_eq!(pieces, std::str::from_utf8(&bytes).is_ok(), "{bytes:x?} {piece}");
            }
        }
    }
}
