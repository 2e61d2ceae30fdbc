//! The report as Markdown: every picture is a table.

use std::fmt::{self, Write};

use crate::export::report::document::{Block, Cell, Document, Figure, Kind, Picture, Table};
use crate::words::collapsed;

/// The text of the report.
pub(super) fn text(document: &Document) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_document(&mut out, document);
    format!("{}\n", out.trim_end())
}

fn write_document(out: &mut String, document: &Document) -> fmt::Result {
    writeln!(out, "# {}\n\n{}\n", plain(&document.title), plain(&document.subtitle))?;
    for section in &document.sections {
        writeln!(out, "## {}\n", plain(&section.title))?;
        section.blocks.iter().try_for_each(|block| write_block(out, block))?;
    }
    writeln!(out, "---\n\n{}", plain(&document.footer))
}

fn write_block(out: &mut String, block: &Block) -> fmt::Result {
    match block {
        Block::Paragraph(text) | Block::Hint(text) => writeln!(out, "{}\n", plain(text)),
        Block::Heading(text) => writeln!(out, "### {}\n", plain(text)),
        Block::Callout { title, text, .. } => writeln!(out, "> **{}.** {}\n", plain(title), plain(text)),
        Block::Figures(figures) => {
            for Figure { value, name, note } in figures {
                let note = if note.is_empty() { String::new() } else { format!(" ({})", plain(note)) };
                writeln!(out, "- **{}** {}{note}", plain(value), plain(name))?;
            }
            writeln!(out)
        }
        Block::Facts(facts) => {
            let rows = facts.iter().map(|(name, value)| vec![Cell::from(name.clone()), Cell::from(value.clone())]);
            write_table(out, &Table::new(&["", ""], rows.collect()))
        }
        Block::Table(table) => write_table(out, table),
        Block::Matrix(matrix) => write_table(out, &matrix.table()),
        Block::Pictures(pictures) => {
            for Picture { drawing, caption, table } in pictures {
                let Some(table) = table else { continue };
                let title = drawing.description.split(". ").next().unwrap_or_default();
                writeln!(out, "**{}.** {}\n", plain(title), plain(caption))?;
                write_table(out, table)?;
            }
            Ok(())
        }
        Block::List(items) => {
            items.iter().try_for_each(|item| writeln!(out, "- {}", plain(item)))?;
            writeln!(out)
        }
        Block::Code(lines) => {
            let fence = "`".repeat(3.max(longest_run(lines, '`') + 1));
            writeln!(out, "{fence}sh\n{lines}\n{fence}\n")
        }
    }
}

fn write_table(out: &mut String, table: &Table) -> fmt::Result {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    writeln!(out, "{}", line(table.head.iter().map(|column| plain(&column.title)).collect()))?;
    let rule = |kind: Kind| if kind == Kind::Number { "---:" } else { "---" };
    writeln!(out, "{}", line(table.head.iter().map(|column| rule(column.kind).to_owned()).collect()))?;
    for row in &table.rows {
        let cell = |Cell { text, note }: &Cell| {
            if note.is_empty() { plain(text) } else { format!("{} ({})", plain(text), plain(note)) }
        };
        writeln!(out, "{}", line(row.iter().map(cell).collect()))?;
    }
    writeln!(out)
}

/// A text on one line, in which nothing is markup.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in collapsed(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '>' => out.extend(['\\', letter]),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    // At the beginning of a line, these would make a heading or a list.
    let starts_block = out.starts_with(['#', '+', '-', '=']);
    if starts_block { format!("\\{out}") } else { out }
}

/// The most of the same letter beside each other.
fn longest_run(text: &str, letter: char) -> usize {
    let mut longest = (0, 0);
    for other in text.chars() {
        longest.1 = if other == letter { longest.1 + 1 } else { 0 };
        longest.0 = longest.0.max(longest.1);
    }
    longest.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::report::document::{Matrix, Section};

    #[test]
    fn texts_of_strangers_are_never_markup() {
        assert_eq!(
            plain("a | *b* _c_ <script> [x](y) &lt;\n# d"),
            "a \\| \\*b\\* \\_c\\_ &lt;script\\> \\[x\\](y) &amp;lt; # d"
        );
        assert_eq!(["# a", "- a", "-0.5", "a - b"].map(plain), ["\\# a", "\\- a", "\\-0.5", "a - b"]);
        let code = "hone new 'a```b'";
        let blocks = vec![
            Block::Code(code.to_owned()),
            Block::Table(Table::new(
                &["a", ">b|c"],
                vec![vec!["x\ny".into(), Cell { text: "1".into(), note: "0 to 2".into() }]],
            )),
            Block::Matrix(Matrix { labels: vec!["one".into(), "two".into()], counts: vec![vec![3, 1], vec![0, 2]] }),
        ];
        let sections = vec![Section { title: "Section".to_owned(), blocks }];
        let document = Document { title: "T".to_owned(), subtitle: "S".to_owned(), sections, footer: "F".to_owned() };
        let expected = "# T\n\nS\n\n## Section\n\n````sh\nhone new 'a```b'\n````\n\n\
                        | a | b\\|c |\n| --- | ---: |\n| x y | 1 (0 to 2) |\n\n\
                        | True label \\\\ predicted | one | two |\n| --- | ---: | ---: |\n| one | 3 | 1 |\n| two | 0 | 2 |\n\n\
                        ---\n\nF\n";
        assert_eq!(text(&document), expected);
    }
}
