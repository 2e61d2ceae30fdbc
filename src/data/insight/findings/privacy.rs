//! Finds personal data in the texts.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::data::insight::findings::sources::{ROWS_PER_LOOK, Sources};
use crate::data::prepare::clean::step_of;
use crate::data::{DataError, Example, Finding, FindingKind, Remedy, Severity};
use crate::progress::Watch;
use crate::project::RowId;
use crate::words::counted;

/// The kinds of personal data: the finding, the switch that masks it, its name in a sentence, and the mask.
const SOUGHT: [(FindingKind, &str, &str, &str); 4] = [
    (FindingKind::Emails, "mask_emails", "an e-mail address", "[EMAIL]"),
    (FindingKind::Phones, "mask_phones", "a phone number", "[PHONE]"),
    (FindingKind::Accounts, "mask_accounts", "a card or bank account number", "[CARD] or [IBAN]"),
    (FindingKind::Handles, "mask_handles", "an @name", "@user"),
];

/// Finds texts that masking would change, whether or not its switch is on.
pub(super) fn findings(sources: &Sources<'_>, watch: &mut Watch) -> Result<Vec<Finding>, DataError> {
    let masks: Vec<fn(&str) -> Cow<'_, str>> = SOUGHT.iter().filter_map(|(_, field, ..)| step_of(field)).collect();
    let examples = &sources.prepared.examples;
    let mut rows: [Vec<RowId>; SOUGHT.len()] = Default::default();
    for (chunk, part) in examples.chunks(ROWS_PER_LOOK).enumerate() {
        watch.advance("Looking for personal data", chunk * ROWS_PER_LOOK, examples.len(), "rows")?;
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
    let contain = counted(rows.len(), "text contains", "texts contain");
    let is_public = kind == FindingKind::Handles;
    let (severity, why) = if is_public {
        (Severity::Note, "The model may learn names instead of what the texts say")
    } else {
        (Severity::Warning, "The model may memorise it, and anyone who gets the model may extract it")
    };
    Finding::new(kind, severity, rows)
        .says(format!("{contain} {what}"), format!("{why}. Mask it as {mask}"))
        .with([Remedy::TurnOn(field)])
}
