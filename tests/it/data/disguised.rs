//! Formats under another name or in an unusual layout, and tables with more around them than rows.

use super::*;
use hone::data::FileFormat;

/// A file's columns, each with its values, and what is said about how it was read.
fn told(name: &str, text: &str) -> (Vec<String>, String) {
    let file = file(name, text);
    let column = |at: usize| {
        let values: Vec<&str> = (0..file.table.len()).map(|row| file.table.cell(at, row)).collect();
        format!("{}: {}", file.table.names[at], values.join(" | "))
    };
    let bad = file.bad_rows.iter().map(|bad| format!("line {}: {}", bad.line, bad.reason));
    let said: Vec<String> = file.parts[0].remarks.iter().cloned().chain(bad).collect();
    ((0..file.table.names.len()).map(column).collect(), said.join("\n"))
}

fn file(name: &str, text: &str) -> ImportedFile {
    let (_folder, path) = written(name, text);
    watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch)).unwrap()
}

const TWO: [&str; 2] = ["text: works | broke", "label: good | bad"];

#[test]
fn objects_one_after_another_are_rows() {
    let pretty =
        "{\n  \"text\": \"works\",\n  \"label\": \"good\"\n}\n{\n  \"text\": \"broke\",\n  \"label\": \"bad\"\n}\n";
    for (name, text) in [
        ("rows.json", pretty.to_owned()),
        ("rows.jsonl", pretty.to_owned()),
        ("rows.json", pretty.replace("}\n{", "},\n{")),
        ("rows.json", pretty.replace('\n', "").replace("}{", "} {")),
    ] {
        assert_eq!(told(name, &text), (TWO.map(str::to_owned).to_vec(), String::new()), "{name} {text}");
    }
    let (columns, said) = told("rows.json", &format!("{pretty}{{\n  \"text\": oops\n}}\n"));
    assert_eq!(columns, TWO);
    assert_eq!(said, "line 9: Damaged from here on: expected value. The rest was not read");
}

#[test]
fn what_a_damaged_document_loses_is_counted() {
    let row = |number: usize| format!("{{\"text\": \"row {number}\", \"label\": \"good\"}}");
    let rows: Vec<String> = (0..40).map(row).collect();
    let broken = format!("[{}]", rows.join(", ").replacen("\"row 3\"", "row 3", 1));
    let (columns, said) = told("rows.json", &broken);
    assert_eq!(columns[0], "text: row 0 | row 1 | row 2");
    assert!(said.ends_with("About 37 rows were not read"), "{said}");
}

#[test]
fn the_parts_of_an_archive_of_tweets_are_read() {
    let text = "window.YTD.tweets.part0 = [ {\"tweet\" : {\"full_text\" : \"works\", \"id\" : \"1\"}},\n{\"tweet\" : {\"full_text\" : \
                \"broke; really = so\", \"id\" : \"2\"}} ]";
    for (name, text) in
        [("tweets.js", text.to_owned()), ("tweets.js", format!("{text};\n")), ("tweets.txt", text.to_owned())]
    {
        assert_eq!(told(name, &text).0, ["tweet.full_text: works | broke; really = so", "tweet.id: 1 | 2"], "{name}");
    }
}

#[test]
fn labels_that_people_chose_in_a_tool_become_columns() {
    let task = |text: &str, choices: &str| {
        format!(
            "{{\"id\": 1, \"annotations\": [{{\"result\": [{{\"from_name\": \"mood\", \"value\": {{\"choices\": [{choices}]}}}}]}}], \
             \"data\": {{\"text\": \"{text}\"}}}}"
        )
    };
    let text = format!("[{}, {}]", task("works", "\"good\""), task("so", "\"good\", \"bad\""));
    let (columns, said) = told("export.json", &text);
    assert_eq!(columns, ["id: 1 | 1", "mood: good | [\"good\",\"bad\"]", "data.text: works | so"]);
    assert_eq!(said, "The labels are those that people chose in Label Studio");
}

#[test]
fn tasks_that_people_did_not_accept_in_prodigy_are_left_out() {
    let task = |text: &str, answer: &str| {
        format!("{{\"text\": \"{text}\", \"_task_hash\": 1, \"accept\": [\"good\"], \"answer\": \"{answer}\"}}")
    };
    let tasks = [task("works", "accept"), task("broke", "reject"), task("what", "ignore"), task("fine", "accept")];
    for (name, text) in [("export.jsonl", tasks.join("\n")), ("export.json", format!("[{}]", tasks.join(", ")))] {
        let (columns, said) = told(name, &text);
        assert_eq!((columns[0].as_str(), columns[2].as_str()), ("text: works | fine", "accept: good | good"));
        assert_eq!(said, "Left out 2 rows that people rejected or ignored in Prodigy, as 'answer' says");
    }
    let (columns, said) = told("export.jsonl", &tasks[0]);
    assert_eq!((columns[0].as_str(), said.as_str()), ("text: works", ""));
    // Of another tool, it is a column like any other.
    let (columns, said) =
        told("votes.jsonl", "{\"text\": \"a\", \"answer\": \"reject\"}\n{\"text\": \"b\", \"answer\": \"accept\"}\n");
    assert_eq!((columns[0].as_str(), said.as_str()), ("text: a | b", ""));
}

#[test]
fn earlier_answers_of_a_conversation_are_neither_text_nor_label() {
    let turn = |role: &str, said: &str| format!("{{\"role\": \"{role}\", \"content\": \"{said}\"}}");
    let turns =
        [turn("user", "Hello"), turn("assistant", "What is it?"), turn("user", "It broke"), turn("assistant", "bad")];
    let (columns, _) = told("chat.jsonl", &format!("{{\"messages\": [{}]}}\n", turns.join(", ")));
    assert_eq!(columns[1..], ["messages.user: Hello\n\nIt broke", "messages.assistant: bad"]);
    let share = "{\"conversations\": [{\"from\": \"human\", \"value\": \"It broke\"}, {\"from\": \"gpt\", \"value\": \"bad\"}]}\n";
    assert_eq!(told("share.jsonl", share).0[1..], ["conversations.user: It broke", "conversations.assistant: bad"]);
    // A list of other objects stays as it is.
    let other = "{\"messages\": [{\"a\": 1}], \"b\": 2}\n";
    assert_eq!(told("other.jsonl", other).0, ["messages: [{\"a\":1}]", "b: 2"]);
}

#[test]
fn files_of_weka_are_read() {
    let text = "% shop\n@relation shop\n@attribute text string\n@attribute 'the label' {good, bad}\n@data\n'works, really', \
                good\n\"it broke\", bad\nodd\n?, good\n";
    let (columns, said) = told("shop.arff", text);
    assert_eq!(columns, ["text: works, really | it broke | ", "the label: good | bad | good"]);
    assert_eq!(said, "line 8: 1 value instead of 2");
    assert!(matches!(file("shop.txt", text).format, FileFormat::Arff { .. }));
    let (_folder, path) = written("none.arff", "@relation x\n@data\na,b\n");
    let error = watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch)).unwrap_err();
    assert!(error.to_string().contains("could not be read as ARFF: it has no attributes"), "{error}");
}

#[test]
fn the_header_is_the_line_that_the_settings_say() {
    let text = "Report\n\nid,text,label\n1,works,good\n2,broke,bad\n";
    let read = |header_row| read_with(text, &DatasetSettings { header_row, ..DatasetSettings::default() });
    let third = read(Some(3)).unwrap();
    assert_eq!(
        (third.table.names.join(" "), third.table.records.as_slice()),
        ("id text label".to_owned(), &[1, 2][..])
    );
    assert_eq!(third.parts[0].remarks, ["Skipped 1 line ('Report') before the header in line 3"]);
    assert_eq!(read(Some(4)).unwrap().table.names, ["1", "works", "good"]);
    assert!(read(Some(2)).unwrap_err().to_string().contains("cannot have its header on line 2: that line is empty"));
    assert!(read(Some(9)).unwrap_err().to_string().contains("it has 5 lines"));
}

#[test]
fn empty_rows_and_repeated_headers_leave_the_numbers_of_other_rows() {
    let file = read("text,label\nworks,good\n,\ntext,label\nbroke,bad\n\"\",\" \"\n");
    assert_eq!(cells(&file), [["works", "good"], ["broke", "bad"]]);
    assert_eq!((file.table.records.as_slice(), file.bad_rows.len()), (&[1, 4][..], 0));
    assert_eq!(file.parts[0].remarks, ["Skipped 2 empty rows", "Skipped row 3, which repeats the header"]);
    // A text like the only name is a text.
    assert_eq!(cells(&read("text\nworks\ntext\n")), [["works"], ["text"]]);
}
