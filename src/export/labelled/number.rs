//! Columns of numbers, which typed formats write as numbers.

use arrow_array::StringViewArray;

/// Most digits of a number that a spreadsheet shows in full.
const DIGITS: usize = 15;

/// What a typed format writes a column as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// Whole numbers.
    Integer,
    /// Numbers, some with decimals.
    Decimal,
    /// Anything else, such as `007`, which as a number would lose its zeros.
    Text,
}

impl ColumnType {
    /// The type of a column: that of all its cells that are not empty.
    pub fn of(column: &StringViewArray) -> Self {
        let mut found = None;
        for cell in column.iter().flatten().filter(|cell| !cell.is_empty()) {
            match (cell_type(cell), found) {
                (Self::Text, _) => return Self::Text,
                (Self::Decimal, _) | (_, Some(Self::Decimal)) => found = Some(Self::Decimal),
                (Self::Integer, _) => found = Some(Self::Integer),
            }
        }
        found.unwrap_or(Self::Text)
    }
}

/// The type of a cell: a number only if it is written plainly, so that no digit is lost.
fn cell_type(cell: &str) -> ColumnType {
    let plain = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, decimals) = plain.split_once('.').map_or((plain, None), |(whole, decimals)| (whole, Some(decimals)));
    let are_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = are_digits(whole)
        && decimals.is_none_or(are_digits)
        && (whole == "0" || !whole.starts_with('0'))
        && whole.len() + decimals.map_or(0, str::len) <= DIGITS;
    match (is_number, decimals) {
        (false, _) => ColumnType::Text,
        (true, None) => ColumnType::Integer,
        (true, Some(_)) => ColumnType::Decimal,
    }
}

/// The numbers of a column; `None` for an empty cell.
pub(super) fn numbers<N: std::str::FromStr>(column: &StringViewArray) -> impl Iterator<Item = Option<N>> + '_ {
    column.iter().map(|cell| cell.and_then(|cell| cell.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_columns_of_plain_numbers_are_numbers() {
        let of = |cells: &[&str]| ColumnType::of(&StringViewArray::from(cells.to_vec()));
        assert_eq!([of(&["1", "-20", "", "0"]), of(&["1", "2.50"])], [ColumnType::Integer, ColumnType::Decimal]);
        let texts: [&[&str]; 9] =
            [&["007"], &["1", "x"], &[], &["", ""], &["1e5"], &["+1"], &["1,5"], &["1."], &["1234567890123456"]];
        assert!(texts.into_iter().all(|cells| of(cells) == ColumnType::Text));
    }
}
