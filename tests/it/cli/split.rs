//! The split of a new project, and leakage between its sides, in the terminal.

use insta::assert_snapshot;

use crate::cli::Place;
use hone::project::{Project, Size, SplitMethod};
use hone::storage::ProjectFile;

/// Tickets of customers, with the time, a side, and a column that gives the label away.
fn tickets() -> String {
    let mut text = "id,customer,written,part,reason,ticket,mood\n".to_owned();
    for row in 0..120 {
        let (customer, day) = (row / 4, 1 + (row * 11) % 28);
        let mood = if row % 4 == 0 { "calm" } else { ["calm", "angry"][customer % 2] };
        let reason = if mood == "angry" { ["late", "broken"][row % 2] } else { "" };
        let part = ["train", "train", "train", "dev", "test"][row % 5];
        let number = row * row * 7 + 1000;
        text += &format!(
            "{row},c{customer},{day}/2/2024,{part},{reason},Ticket {number} says box {row} came to street {} with {} parts,{mood}\n",
            number * 3,
            row * 17
        );
    }
    text
}

#[test]
fn the_split_of_a_new_project_follows_columns_and_sizes() {
    let place = Place::new();
    place.write("tickets.csv", tickets());
    assert_snapshot!(
        place.terminal(
            "
            hone new plain --data tickets.csv --text ticket --label mood
            hone new grouped --data tickets.csv --text ticket --label mood --group customer --set split.test=30rows
            hone new timed --data tickets.csv --text ticket --label mood --time written --set split.validation=15%
            hone new given --data tickets.csv --text ticket --label mood --split-column part --time written
            hone new known --data tickets.csv --text ticket --label mood --time written --set split.method=random
            hone new wrong --data tickets.csv --text ticket --label mood --group custmer
            hone new wrong --data tickets.csv --text ticket --label mood --split-column mood
            hone new wrong --data tickets.csv --text ticket --label mood --group ticket
            hone new wrong --data tickets.csv --text ticket --time written --group written
            "
        ),
        @""
    );
    let made = |name: &str| -> Project { ProjectFile::read(&place.path(name)).unwrap().1 };
    assert!(made("plain").split.keep_near_together);
    let grouped = made("grouped");
    assert_eq!((grouped.dataset.group_column(), grouped.split.test), (Some("customer"), Size::Rows(30)));
    let timed = made("timed").split;
    assert_eq!((timed.method, timed.validation), (SplitMethod::Time, Size::Share(0.15)));
    assert_eq!(made("given").split.method, SplitMethod::Column);
    // A time column can be known without splitting by it.
    let known = made("known");
    assert_eq!((known.split.method, known.dataset.time_column()), (SplitMethod::Random, Some("written")));
    assert!(!place.path("wrong").exists());
}

#[test]
fn inspect_reports_leakage_and_its_remedies() {
    let place = Place::new();
    place.write("tickets.csv", tickets());
    assert_snapshot!(
        place.terminal(
            "
            hone inspect tickets.csv --text ticket --label mood
            hone inspect tickets.csv --text ticket --label mood --group customer --time written --split-column part
            hone inspect tickets.csv --text ticket --label mood --time written
            hone inspect tickets.csv --text ticket --label mood --time when
            "
        ),
        @""
    );
    let json = place.json(&["inspect", "tickets.csv", "--text", "ticket", "--label", "mood", "--json"]);
    let findings = json["texts"]["leakage"]["findings"].as_array().unwrap();
    let of_kind = |kind: &str| findings.iter().find(|finding| finding["kind"] == kind).unwrap();
    assert_eq!(of_kind("giveaway")["column"], "reason");
    assert_eq!(of_kind("split_groups")["remedies"][0]["settings"][1], "dataset.group_column=customer");
    assert!(of_kind("split_groups")["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
}

#[test]
fn training_warns_of_leakage_first_unless_it_is_ignored() {
    let place = Place::new();
    place.write("tickets.csv", tickets());
    assert_snapshot!(
        place.terminal_without_numbers(
            r#"
            hone new shop --data tickets.csv --text ticket --label mood --model TINY_BERT --group customer --split-column part --set epochs=1
            hone train shop
            hone train shop --set 'split.ignored_leaks=["group:customer", "giveaway:reason"]'
            "#
        ),
        @""
    );
}
