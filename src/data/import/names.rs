//! Makes column names unique.

use std::collections::HashSet;

/// Column names as in the file, trimmed. Empty ones become `column_3`, for example; repeated ones get a number.
pub(super) fn unique_names<'a>(fields: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let mut taken: HashSet<String> = fields.clone().map(|field| field.trim().to_owned()).collect();
    let mut used = HashSet::new();
    let mut names = Vec::new();
    for (column, field) in fields.enumerate() {
        let field = field.trim();
        let wanted = if field.is_empty() { format!("column_{}", column + 1) } else { field.to_owned() };
        let mut name = wanted.clone();
        let mut copy = 2;
        // A new name must not be the name of a later column.
        while used.contains(&name) || (name != field && taken.contains(&name)) {
            name = format!("{wanted}_{copy}");
            copy += 1;
        }
        taken.insert(name.clone());
        used.insert(name.clone());
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_unique() {
        let fields = ["text", "text", "", "text_2", "", "column_3"];
        let expected = ["text", "text_3", "column_3_2", "text_2", "column_5", "column_3"];
        assert_eq!(unique_names(fields.into_iter()), expected);
    }
}
