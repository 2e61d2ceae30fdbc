//! Where a classifier does worse.

use crate::evaluation::{Slice, Slices};
use crate::export::report::document::{Block, Cell, Section, Table};
use crate::export::report::source::ReportOf;
use crate::words::{count, counted, full_stop, percent, score, shortened};

/// Most slices that are listed.
const LISTED: usize = 12;
/// Characters shown of the name of a slice.
const NAME: usize = 80;

/// The slices in which it does worse by more than chance.
pub(super) fn section(of: &ReportOf<'_>, slices: &Result<&Slices, String>) -> Section {
    let title = "Where it does worse".to_owned();
    let slices = match slices {
        Ok(slices) => slices,
        Err(why) => {
            let blocks = vec![Block::paragraph(format!("Parts of the rows were not compared. {}", full_stop(why)))];
            return Section { title, blocks };
        }
    };
    let compared = counted(slices.slices.len(), "part", "parts");
    let worse = slices.worse().count();
    let small = match slices.too_small {
        0 => String::new(),
        small => format!(" {} too small to compare.", counted(small, "other was", "others were")),
    };
    let hint = format!(
        "{compared} of the {} were compared with the rest: by length, language, every other column and what Hone found in the \
         texts. {} by more than chance; the intervals are corrected for that number (Newcombe's interval, Holm's method).{small}",
        of.rows_in_words(),
        match worse {
            0 => "None is worse".to_owned(),
            1 => "One is worse".to_owned(),
            worse => format!("{} are worse", count(worse)),
        },
    );
    let mut blocks = vec![Block::Hint(hint)];
    if worse > 0 {
        let titles = ["Part", ">Rows", ">Right", ">Right elsewhere", ">Macro-F1", ">Log loss", ">Points less (95%)"];
        blocks.push(Block::Table(Table::new(&titles, slices.worse().take(LISTED).map(row).collect())));
        if worse > LISTED {
            blocks.push(Block::hint(format!("The {LISTED} worst are listed.")));
        }
    }
    Section { title, blocks }
}

fn row(slice: &Slice) -> Vec<Cell> {
    // Both ends are below 0.
    let [low, high] = slice.difference.map(|end| format!("{:.1}", 100.0 * end.abs()));
    vec![
        Cell::from(format!("{}: {}", slice.by, shortened(&slice.name, NAME))),
        count(slice.rows.len()).into(),
        percent(slice.accuracy).into(),
        percent(slice.accuracy_elsewhere).into(),
        score(slice.macro_f1).into(),
        score(slice.log_loss).into(),
        format!("{high} to {low}").into(),
    ]
}
