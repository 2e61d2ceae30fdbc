//! Personal data that stands in the texts.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::data::insight::findings::words::counted;
use crate::data::insight::findings::{Change, Finding, FindingKind, ROWS_PER_LOOK, Remedy, Severity, Sources, look};
use crate::data::prepare::clean::step_of;
use crate::data::{DataError, Example};
use crate::progress::Watch;
use crate::project::RowId;

/// What is looked for: its kind, the switch that masks it, what it is called, what it becomes.
const SOUGHT: [(FindingKind, &str, &str, &str); 4] = [
    (FindingKind::Emails, "mask_emails", "an e-mail address", "[EMAIL]"),
    (FindingKind::Phones, "mask_phones", "a telephone number", "[PHONE]"),
    (FindingKind::Accounts, "mask_accounts", "the number of a payment card or a bank account", "[CARD] or [IBAN]"),
    (FindingKind::Handles, "mask_handles", "an @name", "@user"),
];

/// Finds texts in which masking would change something, whether or not its switch is on.
pub(super) fn findings(sources: &Sources<'_>, watch: &mut Watch) -> Result<Vec<Finding>, DataError> {
    let masks: Vec<fn(&str) -> Cow<'_, str>> = SOUGHT.iter().filter_map(|(_, field, ..)| step_of(field)).collect();
    let examples = &sources.prepared.examples;
    let mut rows: [Vec<RowId>; SOUGHT.len()] = Default::default();
    for (chunk, part) in examples.chunks(ROWS_PER_LOOK).enumerate() {
        look(watch, "Looking for personal data", chunk * ROWS_PER_LOOK, examples.len())?;
        let held = |example: &Example| masks.iter().map(|mask| mask(&example.text) != example.text).collect();
        let held: Vec<Vec<bool>> = part.par_iter().map(held).collect();
        for (example, held) in part.iter().zip(held) {
            for (rows, _) in rows.iter_mut().zip(held).filter(|(_, held)| *held) {
                rows.push(example.id);
            }
        }
    }
    let found = SOUGHT.into_iter().zip(rows).filter(|(_, rows)| !rows.is_empty());
    Ok(found.map(|(sought, rows)| finding(sought, rows)).collect())
}

fn finding((kind, field, what, mask): (FindingKind, &'static str, &str, &str), rows: Vec<RowId>) -> Finding {
    let holds = counted(rows.len(), "text holds", "texts hold");
    let is_public = kind == FindingKind::Handles;
    let why = if is_public {
        "The model may learn names in place of what is said"
    } else {
        "The model may learn it by heart, and an export carries it along"
    };
    Finding {
        kind,
        severity: if is_public { Severity::Note } else { Severity::Warning },
        count: rows.len(),
        rows,
        message: format!("{holds} {what}. {why}: mask each as {mask}"),
        remedy: Some(Remedy::new(format!("Mask as {mask}"), Change::TurnOn(field))),
    }
}
