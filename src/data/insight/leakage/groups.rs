//! Finds rows of one customer, document or conversation on both sides of the split.

use std::collections::HashSet;

use foldhash::HashMap;

use crate::data::insight::leakage::report::LeakageReport;
use crate::data::insight::leakage::split_rows::SplitRows;
use crate::data::{Finding, FindingKind, Remedy, Severity, Side, cells_of};
use crate::words::{cell_value, plural};

/// Words in the names of columns that say what rows belong to.
const OWNERS: [&str; 38] = [
    "customer",
    "client",
    "user",
    "username",
    "login",
    "handle",
    "screen_name",
    "author",
    "writer",
    "reviewer",
    "person",
    "patient",
    "account",
    "member",
    "subject",
    "speaker",
    "employee",
    "respondent",
    "participant",
    "buyer",
    "seller",
    "sender",
    "contact",
    "household",
    "session",
    "thread",
    "conversation",
    "dialog",
    "dialogue",
    "chat",
    "call",
    "ticket",
    "case",
    "document",
    "doc",
    "article",
    "visitor",
    "device",
];
/// An owner column has at least this many different values.
const FEWEST_OWNERS: usize = 10;
/// An owner column is reported if at least this share of the rows have the same owner as another row.
const SHARED: f64 = 0.05;

/// Checks the group column; if none is chosen, columns that look like one.
pub(super) fn find(rows: SplitRows<'_>, report: &mut LeakageReport) {
    let names = &rows.imported.main.table.names;
    if let Some(chosen) = rows.project.dataset.group_column().filter(|chosen| names.iter().any(|name| name == chosen)) {
        report.checked.push(format!("the same '{chosen}' across the split"));
        report.findings.extend(look_at(rows, chosen, true));
        return;
    }
    let is_read = |name: &str| rows.project.dataset.read_columns().any(|read| read == name);
    let owners: Vec<&String> =
        names.iter().filter(|name| is_owner(name) && !rows.is_special(name) && !is_read(name)).collect();
    if owners.is_empty() {
        let none = "groups across the split, such as the rows of one customer: no group column is chosen";
        report.not_checked.push(none.to_owned());
    }
    for name in owners {
        report.checked.push(format!("the same '{name}' across the split, as its name suggests a group"));
        report.findings.extend(look_at(rows, name, false));
    }
}

/// Whether a column is named like an owner of rows: `name`, `Customer ID`, `review_author`.
fn is_owner(name: &str) -> bool {
    let name = name.trim().to_lowercase().replace([' ', '-', '.'], "_");
    let owner = name.strip_suffix("_id").or_else(|| name.strip_suffix("id")).unwrap_or(&name);
    name == "name"
        || OWNERS.iter().any(|word| owner == *word || owner.strip_suffix(word).is_some_and(|rest| rest.ends_with('_')))
}

/// Validation and test rows that share their value with a training row.
fn look_at(rows: SplitRows<'_>, column: &str, chosen: bool) -> Option<Finding> {
    let examples = &rows.prepared.examples;
    let cells = cells_of(rows.imported, examples, column);
    let owned =
        || cells.iter().enumerate().map(|(place, cell)| (place, cell.trim())).filter(|(_, owner)| !owner.is_empty());
    let trained: HashSet<&str> =
        owned().filter(|&(place, _)| rows.side(place) == Side::Train).map(|(_, owner)| owner).collect();
    let found: Vec<(usize, &str)> =
        owned().filter(|&(place, owner)| rows.side(place) != Side::Train && trained.contains(owner)).collect();
    let &(first, owner) = found.first()?;
    let agreement = Agreement::of(rows, owned());
    if !chosen && (agreement.owners < FEWEST_OWNERS || (agreement.shared as f64) < SHARED * examples.len() as f64) {
        return None;
    }
    let places: Vec<usize> = found.iter().map(|&(place, _)| place).collect();
    let mut remedies = Vec::new();
    let divided = places.iter().any(|&place| rows.is_divided(place));
    if divided && !(chosen && rows.is_random()) {
        remedies.push(Remedy::SplitByGroup(column.to_owned()));
    }
    if !divided {
        // Another split cannot move the rows of a test file, so training rows of the same owners must be excluded.
        let shared: HashSet<&str> = found.iter().map(|&(_, owner)| owner).collect();
        let copies = owned().filter(|&(place, owner)| rows.is_divided(place) && shared.contains(owner));
        let copies: Vec<usize> = copies.map(|(place, _)| place).collect();
        remedies.push(rows.exclude(&rows.ids(&copies)));
    }
    let says = format!(
        "{} {} '{column}' with training rows (the first: {}, '{}')",
        rows.counted(&places),
        plural(found.len(), "shares its", "share their"),
        rows.name(first),
        cell_value(owner),
    );
    let meaning = format!(
        "What the model learns about one '{column}' may not hold for another, so it may do worse on a new '{column}' than \
         the metrics suggest. Two rows with the same '{column}' have the same label {:.0}% of the time, two random rows {:.0}%",
        100.0 * agreement.within,
        100.0 * agreement.by_chance
    );
    let severity = if chosen { Severity::Problem } else { Severity::Note };
    let finding = Finding::new(FindingKind::SplitGroups, severity, rows.ids(&places)).says(says, meaning);
    Some(Finding { column: Some(column.to_owned()), ..finding }.with(remedies))
}

/// How often rows of one owner have the same label.
struct Agreement {
    owners: usize,
    /// Rows that share their owner with another row.
    shared: usize,
    /// Probability that two rows of one owner have the same label.
    within: f64,
    /// Probability that any two rows have the same label.
    by_chance: f64,
}

impl Agreement {
    fn of<'a>(rows: SplitRows<'_>, owned: impl Iterator<Item = (usize, &'a str)>) -> Self {
        let mut number: HashMap<&str, u32> = HashMap::default();
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut classes = vec![0.0; rows.prepared.labels.len()];
        for (place, owner) in owned {
            let next = number.len() as u32;
            let Some(label) = rows.prepared.examples[place].class() else { continue };
            pairs.push((*number.entry(owner).or_insert(next), label));
            classes[label as usize] += 1.0;
        }
        pairs.sort_unstable();
        let two_of = |rows: usize| rows as f64 * (rows as f64 - 1.0);
        let (mut shared, mut same, mut all) = (0, 0.0, 0.0);
        for owner in pairs.chunk_by(|a, b| a.0 == b.0) {
            shared += if owner.len() > 1 { owner.len() } else { 0 };
            all += two_of(owner.len());
            same += owner.chunk_by(|a, b| a == b).map(|label| two_of(label.len())).sum::<f64>();
        }
        let total = pairs.len().max(1) as f64;
        let by_chance = classes.iter().map(|rows: &f64| (rows / total).powi(2)).sum();
        Self { owners: number.len(), shared, within: if all > 0.0 { same / all } else { by_chance }, by_chance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_named_like_owners_of_rows() {
        for name in
            ["name", "Customer", "customer_id", "Customer ID", "userid", "review.author", "screen_name", "Patient-ID"]
        {
            assert!(is_owner(name), "{name}");
        }
        for name in ["product_name", "id", "order_id", "text", "valid", "airline", "showcase", ""] {
            assert!(!is_owner(name), "{name}");
        }
    }
}
