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
        @r"
        $ hone new plain --data tickets.csv --text ticket --label mood
        Created project plain in plain with 120 rows.
        Text: ticket. Label: mood.
        The column 'part' seems to give the split, but is not used. To use it, add --split-column part.
        Next: hone train plain
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB

        $ hone new grouped --data tickets.csv --text ticket --label mood --group customer --set split.test=30rows
        Created project grouped in grouped with 120 rows.
        Text: ticket. Label: mood.
        Other columns: customer (group).
        Split: at random, keeping rows with the same customer together.
        Next: hone train grouped
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB

        $ hone new timed --data tickets.csv --text ticket --label mood --time written --set split.validation=15%
        Created project timed in timed with 120 rows.
        Text: ticket. Label: mood.
        Other columns: written (time).
        Split: by time (written).
        Next: hone train timed
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB

        $ hone new given --data tickets.csv --text ticket --label mood --split-column part --time written
        Created project given in given with 120 rows.
        Text: ticket. Label: mood.
        Other columns: written (time), part (split).
        Split: by column part.
        Next: hone train given
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB

        $ hone new known --data tickets.csv --text ticket --label mood --time written --set split.method=random
        Created project known in known with 120 rows.
        Text: ticket. Label: mood.
        Other columns: written (time).
        Next: hone train known
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB

        $ hone new wrong --data tickets.csv --text ticket --label mood --group custmer
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB
        ! Error: There is no column 'custmer'. Did you mean 'customer'? The columns are: id, customer, written, part, reason, ticket, mood.
        exit code 1

        $ hone new wrong --data tickets.csv --text ticket --label mood --split-column mood
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB
        ! Error: The column 'mood' cannot be both 'split' and 'label'.
        exit code 1

        $ hone new wrong --data tickets.csv --text ticket --label mood --group ticket
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB
        ! Error: The column 'ticket' cannot be both 'group' and 'text'.
        exit code 1

        $ hone new wrong --data tickets.csv --text ticket --time written --group written
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB
        ! Error: The column 'written' cannot be both 'group' and 'time'.
        exit code 1
        "
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
        @r"
        $ hone inspect tickets.csv --text ticket --label mood
        [folder]/tickets.csv: 120 rows, 11,051 bytes, UTF-8, separated by ','

        column    filled  distinct  role   first value
        id           120       120         0
        customer     120        30         c0
        written      120        28         1/2/2024
        part         120         3         train
        reason        45         2         broken
        ticket       120       120  text   Ticket 1000 says box 0 came to street 3000 with…
        mood         120         2  label  calm

        Missing values: reason 62.5% (75).

        The column 'part' seems to give the split, but is not used. To use it, add --split-column part.

        label  rows  share
        calm     75  62.5%
        angry    45  37.5%

        Words per text: 12 to 12, median 12, 95th percentile 12.
        120 usable rows, none dropped.

        Findings:
          Missing values in other columns (note): These columns are empty in some rows: 'reason' (75, 62%). Training reads only the text and the label, so there is nothing to do unless you want metrics by such a column.

        Leakage in the default split of a new project:
          The same 'customer' across the split (note): 12 of 12 validation rows and 24 of 24 test rows share their 'customer' with training rows (the first: row 4, 'c0'). What the model learns about one 'customer' may not hold for another, so it may do worse on a new 'customer' than the metrics suggest. Two rows with the same 'customer' have the same label 75% of the time, two random rows 53%.
            Keep rows with the same 'customer' together: --set split.method=random --set dataset.group_column=customer
          'reason' gives the label away (note): The column 'reason' alone predicts the label with 100.0% accuracy; without it, 62.5% is possible. Of 30 rows with 'broken', 30 are 'angry'. The model does not read this column, so the metrics are right. But such a column is usually filled in once the label is known, so never prepend it to the text.
        Not checked: training rows newer than test rows: no time column is chosen.

        478 distinct words among 1,440 words in 120 texts.
        Languages of 120 texts: unsure 100.0%.
        Dates in written: 2024-02-01 to 2024-02-28.
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB
        ! Cleaning texts
        ! Checking the columns
        ! Detecting languages
        ! Looking for personal data
        ! Looking for repeated sentences
        ! Counting words
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage

        $ hone inspect tickets.csv --text ticket --label mood --group customer --time written --split-column part
        [folder]/tickets.csv: 120 rows, 11,051 bytes, UTF-8, separated by ','

        column    filled  distinct  role   first value
        id           120       120         0
        customer     120        30  group  c0
        written      120        28  time   1/2/2024
        part         120         3  split  train
        reason        45         2         broken
        ticket       120       120  text   Ticket 1000 says box 0 came to street 3000 with…
        mood         120         2  label  calm

        Missing values: reason 62.5% (75).

        label  rows  share
        calm     75  62.5%
        angry    45  37.5%

        Words per text: 12 to 12, median 12, 95th percentile 12.
        120 usable rows, none dropped.

        Findings:
          Missing values in other columns (note): These columns are empty in some rows: 'reason' (75, 62%). Training reads only the text and the label, so there is nothing to do unless you want metrics by such a column.

        Leakage in the default split of a new project:
          The same 'customer' across the split (problem): 24 of 24 validation rows and 24 of 24 test rows share their 'customer' with training rows (the first: row 4, 'c0'). What the model learns about one 'customer' may not hold for another, so it may do worse on a new 'customer' than the metrics suggest. Two rows with the same 'customer' have the same label 75% of the time, two random rows 53%.
            Keep rows with the same 'customer' together: --set split.method=random --set dataset.group_column=customer
          Training rows newer than test rows (note): 69 of 72 training rows are newer than the oldest test row (2024-02-01). The model learns from the same period it is tested on, so it may do worse on future texts than the metrics suggest.
            Split by time: --set split.method=time
          'reason' gives the label away (note): The column 'reason' alone predicts the label with 100.0% accuracy; without it, 62.5% is possible. Of 30 rows with 'broken', 30 are 'angry'. The model does not read this column, so the metrics are right. But such a column is usually filled in once the label is known, so never prepend it to the text.

        478 distinct words among 1,440 words in 120 texts.
        Languages of 120 texts: unsure 100.0%.
        Dates in written: 2024-02-01 to 2024-02-28.
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB
        ! Cleaning texts
        ! Checking the columns
        ! Detecting languages
        ! Looking for personal data
        ! Looking for repeated sentences
        ! Counting words
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage

        $ hone inspect tickets.csv --text ticket --label mood --time written
        [folder]/tickets.csv: 120 rows, 11,051 bytes, UTF-8, separated by ','

        column    filled  distinct  role   first value
        id           120       120         0
        customer     120        30         c0
        written      120        28  time   1/2/2024
        part         120         3         train
        reason        45         2         broken
        ticket       120       120  text   Ticket 1000 says box 0 came to street 3000 with…
        mood         120         2  label  calm

        Missing values: reason 62.5% (75).

        label  rows  share
        calm     75  62.5%
        angry    45  37.5%

        Words per text: 12 to 12, median 12, 95th percentile 12.
        120 usable rows, none dropped.

        Findings:
          Missing values in other columns (note): These columns are empty in some rows: 'reason' (75, 62%). Training reads only the text and the label, so there is nothing to do unless you want metrics by such a column.

        Leakage in the default split of a new project:
          The same 'customer' across the split (note): 13 of 13 validation rows and 26 of 26 test rows share their 'customer' with training rows (the first: row 3, 'c0'). What the model learns about one 'customer' may not hold for another, so it may do worse on a new 'customer' than the metrics suggest. Two rows with the same 'customer' have the same label 75% of the time, two random rows 53%.
            Keep rows with the same 'customer' together: --set split.method=random --set dataset.group_column=customer
          'reason' gives the label away (note): The column 'reason' alone predicts the label with 100.0% accuracy; without it, 62.5% is possible. Of 30 rows with 'broken', 30 are 'angry'. The model does not read this column, so the metrics are right. But such a column is usually filled in once the label is known, so never prepend it to the text.

        478 distinct words among 1,440 words in 120 texts.
        Languages of 120 texts: unsure 100.0%.
        Dates in written: 2024-02-01 to 2024-02-28.
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB
        ! Cleaning texts
        ! Checking the columns
        ! Detecting languages
        ! Looking for personal data
        ! Looking for repeated sentences
        ! Counting words
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage

        $ hone inspect tickets.csv --text ticket --label mood --time when
        ! Reading the file
        ! Finding rows: 44 B of 10.8 KiB
        ! Error: There is no column 'when'. The columns are: id, customer, written, part, reason, ticket, mood.
        exit code 1
        "
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
        @r#"
        $ hone new shop --data tickets.csv --text ticket --label mood --model TINY_BERT --group customer --split-column part --set epochs=#
        Created project shop in shop with # rows.
        Text: ticket. Label: mood.
        Other columns: customer (group), part (split).
        Split: by column part.
        Next: hone train shop
        ! Reading the file
        ! Finding rows: # B of # KiB

        $ hone train shop
        Run [run]: # steps, # epochs in [time] ([speed] tokens/s); finished every epoch; best checkpoint at step #.

        On # test rows: macro-F1 # (# interval # to #), accuracy #, loss #.
        Majority baseline (always the most frequent label): macro-F1 #, accuracy #, loss #.
        TF-IDF baseline (with logistic regression): macro-F1 #, accuracy #, loss #.
        Instant baseline (the model before training, with logistic regression on at most # rows): macro-F1 #, accuracy #, loss #.
        Verdict: not useful. It predicts “angry” for every row.
        What would most likely help: train # epochs.

        label             precision  recall     F1  rows
        angry # # # #
        calm # # # #
        macro average # # # #
        weighted average # # # #
        micro average # # # #

        true \ predicted  angry  calm
        angry # #
        calm # #

        The trained model is in shop/runs/[run]/best.
        ! Reading the file
        ! Finding rows: # B of # KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ! Warning: # of # validation rows and # of # test rows share their 'customer' with training rows (the first: row #, 'c0'). What the model learns about one 'customer' may not hold for another, so it may do worse on a new 'customer' than the metrics suggest. Two rows with the same 'customer' have the same label # of the time, two random rows #.
        ! The column 'reason' alone predicts the label with # accuracy; without it, # is possible. Of # rows with 'broken', # are 'angry'. The model does not read this column, so the metrics are right. But such a column is usually filled in once the label is known, so never prepend it to the text.
        ! Loading the model
        ! Training on [device].
        ! Loaded # tensors. Training all # parameters.
        ! The model was fine-tuned for # other labels (negative, neutral, positive): it keeps what it knows of language, and learns your labels from scratch.
        ! Warning: The model reads at most # tokens: longer texts are truncated.
        ! Tokenising
        ! Warning: Only # optimizer steps are planned. As a rule of thumb, a model needs # or more to learn its labels; with fewer, it often predicts the same label for every row. More rows, more epochs or a smaller batch size give more steps.
        ! Run [run]: # training, # validation and # test rows; # steps; [device]
        ! Evaluating on the validation set
        ! Epoch #, step #: validation macro-F1 #, accuracy #, loss # (best so far)
        ! Evaluating on the test set
        ! Fitting the instant baseline
        ! Evaluating the instant baseline
        ! Fitting the TF-IDF baseline

        $ hone train shop --set 'split.ignored_leaks=["group:customer", "giveaway:reason"]'
        Run [run]: # steps, # epochs in [time] ([speed] tokens/s); finished every epoch; best checkpoint at step #.

        On # test rows: macro-F1 # (# interval # to #), accuracy #, loss #.
        Majority baseline (always the most frequent label): macro-F1 #, accuracy #, loss #.
        TF-IDF baseline (with logistic regression): macro-F1 #, accuracy #, loss #.
        Instant baseline (the model before training, with logistic regression on at most # rows): macro-F1 #, accuracy #, loss #.
        Verdict: not useful. It predicts “angry” for every row.
        What would most likely help: train # epochs.
        About as good as run #: # of # right, # of # before, on the same # test rows. Macro-F1 #, # before; the difference is # to # (# interval).

        label             precision  recall     F1  rows
        angry # # # #
        calm # # # #
        macro average # # # #
        weighted average # # # #
        micro average # # # #

        true \ predicted  angry  calm
        angry # #
        calm # #

        The trained model is in shop/runs/[run]/best.
        ! Reading the file
        ! Finding rows: # B of # KiB
        ! Cleaning texts
        ! Comparing texts
        ! Finding near-duplicates
        ! Checking for leakage
        ! Loading the model
        ! Training on [device].
        ! Loaded # tensors. Training all # parameters.
        ! The model was fine-tuned for # other labels (negative, neutral, positive): it keeps what it knows of language, and learns your labels from scratch.
        ! Warning: The model reads at most # tokens: longer texts are truncated.
        ! Tokenising
        ! Warning: Only # optimizer steps are planned. As a rule of thumb, a model needs # or more to learn its labels; with fewer, it often predicts the same label for every row. More rows, more epochs or a smaller batch size give more steps.
        ! Run [run]: # training, # validation and # test rows; # steps; [device]
        ! Evaluating on the validation set
        ! Epoch #, step #: validation macro-F1 #, accuracy #, loss # (best so far)
        ! Evaluating on the test set
        ! Fitting the instant baseline
        ! Evaluating the instant baseline
        ! Fitting the TF-IDF baseline
        "#
    );
}
