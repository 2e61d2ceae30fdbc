//! Delimited, JSON and other text files, and what their values are.

mod needs_shared {
    use crate::real_files::{assert_read, columns, finding, inspected, labels, printed, remarks};

    const THREE: [(&str, u64); 3] = [("negative", 24), ("neutral", 24), ("positive", 24)];

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn a_first_line_that_names_the_separator_is_no_row() {
        let found = inspected("sep-line/export.csv");
        assert_read(&found, 72, "comment", "label");
        assert_eq!((columns(&found), labels(&found)), (vec!["id", "comment", "score", "label"], THREE.to_vec()));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn lines_of_a_report_before_and_after_the_table_are_no_rows_and_are_named() {
        let found = inspected("preamble-csv/report.csv");
        assert_read(&found, 72, "Comment", "Label");
        assert_eq!(columns(&found), ["Ticket", "Opened", "Comment", "Label"]);
        assert_eq!((&found["header_row"], labels(&found)), (&6.into(), THREE.to_vec()));
        let said = remarks(&found);
        for part in ["line 6", "Customer feedback report", "Total,72,,", "End of report"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(printed("preamble-csv/report.csv").contains("--header-row"));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn questions_and_import_ids_below_the_names_are_no_rows() {
        let found = inspected("qualtrics/survey.csv");
        assert_read(&found, 72, "Q1", "Q2");
        assert_eq!((columns(&found)[0], &found["header_row"]), ("StartDate", &1.into()));
        assert_eq!(labels(&found), [("Negative", 24), ("Neutral", 24), ("Positive", 24)]);
        assert!(remarks(&found).contains("'Start Date,End Date"), "{}", remarks(&found));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn a_long_question_is_the_name_of_its_column() {
        let found = inspected("long-question-header/survey.csv");
        let names = columns(&found);
        assert_eq!((names.len(), names[0], names[2]), (3, "Respondent", "Q2: Overall, were you satisfied?"));
        assert!(names[1].starts_with("Q1: Thinking about"));
        assert_read(&found, 72, names[1], names[2]);
        assert_eq!(labels(&found), [("Dissatisfied", 24), ("Neither", 24), ("Satisfied", 24)]);
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn the_header_of_a_file_joined_to_another_is_no_row() {
        let found = inspected("joined-with-cat/all.csv");
        assert_read(&found, 72, "comment", "label");
        assert_eq!(labels(&found), THREE);
        assert!(remarks(&found).contains("repeats the header"), "{}", remarks(&found));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn rows_of_empty_fields_are_no_rows() {
        let found = inspected("blank-rows/export.csv");
        assert_read(&found, 72, "comment", "label");
        assert_eq!(labels(&found), THREE);
        assert!(remarks(&found).contains("500 empty rows"), "{}", remarks(&found));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn nan_is_an_empty_value() {
        let document = inspected("json-nan/rows.json");
        assert_read(&document, 72, "comment", "label");
        assert_eq!(document["texts"]["without_label"], 1);
        assert_eq!(labels(&document).iter().map(|label| label.1).sum::<u64>(), 71);
        let lines = inspected("json-nan/rows.jsonl");
        assert_read(&lines, 72, "comment", "label");
        assert_eq!(labels(&lines), THREE);
        assert!(remarks(&lines).contains("NaN"), "{}", remarks(&lines));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn a_list_of_one_label_is_the_label_and_several_are_said() {
        let single = inspected("doccano/single.jsonl");
        assert_read(&single, 72, "data", "label");
        assert_eq!(labels(&single), THREE);
        let all = inspected("doccano/all.jsonl");
        assert_read(&all, 72, "data", "label");
        assert_eq!(all["texts"]["usable_rows"], 65);
        let several = finding(&all, "several_labels");
        assert_eq!(several["count"], 7, "{several}");
        assert!(labels(&all).iter().all(|(label, _)| ["negative", "neutral", "positive"].contains(label)));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn a_cell_of_choices_is_no_label() {
        let found = inspected("label-studio-csv/export.csv");
        assert_read(&found, 72, "text", "sentiment");
        assert_eq!(finding(&found, "several_labels")["count"], 8);
        assert_eq!(labels(&found).iter().map(|label| label.0).collect::<Vec<_>>(), ["Negative", "Neutral", "Positive"]);
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn one_number_written_in_two_ways_is_found_and_can_be_merged() {
        let found = inspected("number-spellings/many.csv");
        assert_read(&found, 600, "comment", "stars");
        let spellings = finding(&found, "label_spellings");
        let said = spellings["found"].as_str().unwrap();
        for pair in ["'1' (100) and '1.0' (100)", "'3' (100) and '3.0' (100)", "'5' (100) and '5.0' (100)"] {
            assert!(said.contains(pair), "{said}");
        }
        assert!(said.contains("same number"), "{said}");
        assert_eq!((&spellings["count"], &spellings["remedies"][0]["title"]), (&3.into(), &"Merge 3 spellings".into()));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn a_language_the_model_does_not_know_is_named_with_its_share() {
        let found = inspected("japanese/nihongo.csv");
        assert_read(&found, 75, "comment", "label");
        let said = finding(&found, "unknown_language")["found"].as_str().unwrap();
        assert!(said.contains("Japanese (100%)") && said.contains("English"), "{said}");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn a_constant_column_is_never_the_label() {
        let records = inspected("constant-guessed/records.json");
        assert_read(&records, 72, "fields.text", "suggestions.mood.value");
        let flat = inspected("constant-guessed/flat.json");
        assert_read(&flat, 72, "text", "mood.suggestion");
        assert_eq!(labels(&flat), THREE);
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn the_layouts_of_pandas_are_read() {
        for file in ["pandas-json/columns.json", "pandas-json/split.json"] {
            let found = inspected(file);
            assert_read(&found, 72, "comment", "label");
            assert_eq!((columns(&found), labels(&found)), (vec!["id", "comment", "label"], THREE.to_vec()), "{file}");
            assert_eq!(found["columns"][1]["first_value"], "The kettle boils quickly and pours without a drip");
        }
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn labels_in_front_of_the_text_are_labels() {
        let found = inspected("fasttext/train.txt");
        assert_read(&found, 72, "text", "label");
        assert_eq!(labels(&found), [("negative", 24), ("neutral", 20), ("positive", 24)]);
        assert_eq!(finding(&found, "several_labels")["count"], 4);
        assert_eq!(found["columns"][0]["first_value"], "the kettle boils quickly and pours without a drip");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn a_rating_inside_the_text_gives_the_label_away() {
        let found = inspected("rating-in-text/rating-in-text.csv");
        assert_read(&found, 600, "comment", "label");
        let said = finding(&found, "giveaway")["found"].as_str().unwrap();
        for part in ["'5/5'", "'3/5'", "'1/5'", "'positive'"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn the_answer_of_a_conversation_is_no_part_of_the_text() {
        let found = inspected("chat-messages/chat.jsonl");
        assert_read(&found, 72, "messages.user", "messages.assistant");
        assert_eq!(labels(&found), THREE);
        assert_eq!(found["columns"][1]["first_value"], "The kettle boils quickly and pours without a drip");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn commas_after_lines_are_forgiven() {
        let found = inspected("commas-after-lines/comma-lines.jsonl");
        assert_read(&found, 72, "comment", "label");
        assert_eq!(labels(&found), THREE);
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn texts_without_content_are_named() {
        let found = inspected("texts-of-nothing/survey.csv");
        assert_read(&found, 72, "comment", "label");
        let nothing = finding(&found, "placeholder_texts");
        let said = nothing["found"].as_str().unwrap();
        for part in ["'-'", "'N/A'", "'none'", "'nan'", "'no comment'"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(nothing["count"].as_u64().unwrap() as usize, nothing["rows"].as_array().unwrap().len());
        assert!(!said.contains('👍'), "{said}");
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn placeholders_are_missing_labels_and_a_class_named_none_stays() {
        let found = inspected("placeholders/placeholders.csv");
        assert_read(&found, 72, "comment", "label");
        let missing = finding(&found, "placeholder_labels");
        let said = missing["found"].as_str().unwrap();
        for part in ["'#N/A'", "'N/A'", "'TBD'", "'(blank)'", "'?'", "'nan'", "'n/a'"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("'None'"), "{said}");
        assert!(labels(&found).iter().any(|(label, _)| *label == "None"));
    }

    #[test]
    #[ignore = "needs the cases in ../shared/cases"]
    fn rows_deep_inside_a_document_are_read() {
        let found = inspected("deep-list/feed.json");
        assert_read(&found, 72, "content.label", "im:rating.label");
        assert!(remarks(&found).contains("feed.entry"), "{}", remarks(&found));
    }
}
