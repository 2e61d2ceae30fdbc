//! The report as one HTML page: no scripts, nothing from elsewhere, pictures inside.

use std::fmt::{self, Write};

use html_escape::encode_text;

use crate::chart::{Palette, SvgFor};
use crate::export::report::document::{Block, Cell, Document, Figure, Kind, Matrix, Picture, Section, Table, Tone};
use crate::words::count;

/// How the page looks, but for its colours.
const STYLE: &str = include_str!("../../../assets/report.css");

/// The page in the colours of the light theme, and of the dark one where the reader's screen is dark.
pub(super) fn text(document: &Document, [light, dark]: &[Palette; 2]) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, document, [light, dark]);
    page
}

fn write_page(page: &mut String, document: &Document, [light, dark]: [&Palette; 2]) -> fmt::Result {
    let title = encode_text(&document.title);
    writeln!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}: report</title>\n<style>"
    )?;
    // Paper is white.
    writeln!(
        page,
        ":root{{{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}",
        variables(light),
        variables(dark)
    )?;
    writeln!(page, "{}{STYLE}</style>\n</head>\n<body>\n<main>", classes(light))?;
    writeln!(page, "<header>\n<h1 dir=\"auto\">{title}</h1>\n<p dir=\"auto\">{}</p>", encode_text(&document.subtitle))?;
    writeln!(page, "<nav aria-label=\"Sections\">")?;
    for (number, section) in document.sections.iter().enumerate() {
        writeln!(page, "<a href=\"#s{number}\">{}</a>", encode_text(&section.title))?;
    }
    writeln!(page, "</nav>\n</header>")?;
    for (number, section) in document.sections.iter().enumerate() {
        write_section(page, number, section)?;
    }
    writeln!(page, "<footer>{}</footer>\n</main>\n</body>\n</html>", encode_text(&document.footer))
}

/// The colours of a theme as variables of the style.
fn variables(palette: &Palette) -> String {
    let named = [
        ("card", &palette.card),
        ("sunken", &palette.sunken),
        ("border", &palette.border),
        ("border-strong", &palette.border_strong),
        ("text", &palette.text),
        ("muted", &palette.text_muted),
        ("grid", &palette.grid),
        ("accent", &palette.accent),
        ("success", &palette.success),
        ("success-soft", &palette.success_soft),
        ("warning", &palette.warning),
        ("warning-soft", &palette.warning_soft),
        ("danger", &palette.danger),
        ("danger-soft", &palette.danger_soft),
    ];
    let mut out = String::new();
    for (name, colour) in named {
        let _ = write!(out, "--{name}:{colour};");
    }
    for (place, colour) in palette.chart.iter().enumerate() {
        let _ = write!(out, "--c{place}:{colour};");
    }
    for (place, colour) in palette.sequential.iter().enumerate() {
        let ink = palette.ink_on(colour);
        let _ = write!(out, "--l{place}:{colour};--t{place}:{ink};");
    }
    out
}

/// The classes of the inks of pictures, and of the levels of a matrix.
fn classes(palette: &Palette) -> String {
    let mut out = String::new();
    let inks =
        [("text", "text"), ("muted", "muted"), ("grid", "grid"), ("axis", "border-strong"), ("accent", "accent")];
    let series = (0..palette.chart.len()).map(|place| (place.to_string(), format!("c{place}")));
    let inks = inks.map(|(class, name)| (class.to_owned(), name.to_owned())).into_iter().chain(series);
    for (class, name) in inks {
        let _ = write!(out, ".ink-{class}{{stroke:var(--{name})}}.fill-{class}{{fill:var(--{name})}}");
    }
    for level in 0..palette.sequential.len() {
        let _ = write!(out, ".l{level}{{background:var(--l{level});color:var(--t{level})}}");
    }
    out.push('\n');
    out
}

fn write_section(page: &mut String, number: usize, section: &Section) -> fmt::Result {
    writeln!(page, "<section id=\"s{number}\">\n<h2>{}</h2>", encode_text(&section.title))?;
    for block in &section.blocks {
        write_block(page, block)?;
    }
    writeln!(page, "</section>")
}

fn write_block(page: &mut String, block: &Block) -> fmt::Result {
    match block {
        Block::Paragraph(text) => writeln!(page, "<p dir=\"auto\">{}</p>", encode_text(text)),
        Block::Hint(text) => writeln!(page, "<p class=\"hint\">{}</p>", encode_text(text)),
        Block::Heading(text) => writeln!(page, "<h3>{}</h3>", encode_text(text)),
        Block::Callout { tone, title, text } => {
            let class = match tone {
                Tone::Good => "good",
                Tone::Unclear => "unclear",
                Tone::Bad => "bad",
            };
            let (title, text) = (encode_text(title), encode_text(text));
            writeln!(page, "<div class=\"callout {class}\"><strong>{title}</strong> <span>{text}</span></div>")
        }
        Block::Figures(figures) => write_figures(page, figures),
        Block::Facts(facts) => {
            writeln!(page, "<dl>")?;
            for (name, value) in facts {
                writeln!(page, "<dt>{}</dt><dd dir=\"auto\">{}</dd>", encode_text(name), encode_text(value))?;
            }
            writeln!(page, "</dl>")
        }
        Block::Table(table) => write_table(page, table),
        Block::Matrix(matrix) => write_matrix(page, matrix),
        Block::Pictures(pictures) => write_pictures(page, pictures),
        Block::List(items) => {
            writeln!(page, "<ul>")?;
            items.iter().try_for_each(|item| writeln!(page, "<li dir=\"auto\">{}</li>", encode_text(item)))?;
            writeln!(page, "</ul>")
        }
        Block::Code(lines) => writeln!(page, "<pre>{}</pre>", encode_text(lines)),
    }
}

fn write_figures(page: &mut String, figures: &[Figure]) -> fmt::Result {
    writeln!(page, "<div class=\"figures\">")?;
    for Figure { value, name, note } in figures {
        let (value, name, note) = (encode_text(value), encode_text(name), encode_text(note));
        writeln!(page, "<div><b>{value}</b><span>{name}</span><span class=\"note\">{note}</span></div>")?;
    }
    writeln!(page, "</div>")
}

/// A table of at most this many rows is not divided between two pages of paper.
const SHORT: usize = 8;

fn write_table(page: &mut String, table: &Table) -> fmt::Result {
    // The names beside explanations are short, and stay on one line.
    let named = if table.head.iter().any(|column| column.kind == Kind::Remark) { " class=\"terms\"" } else { "" };
    let short = if table.rows.len() <= SHORT { " short" } else { "" };
    writeln!(page, "<div class=\"scroll{short}\"><table{named}>\n<thead><tr>")?;
    for column in &table.head {
        writeln!(page, "<th scope=\"col\"{}>{}</th>", class(column.kind), encode_text(&column.title))?;
    }
    writeln!(page, "</tr></thead>\n<tbody>")?;
    for row in &table.rows {
        page.push_str("<tr>");
        for (Cell { text, note }, column) in row.iter().zip(&table.head) {
            let direction = if column.kind == Kind::Number { "" } else { " dir=\"auto\"" };
            write!(page, "<td{}{direction}>{}", class(column.kind), encode_text(text))?;
            if !note.is_empty() {
                write!(page, "<span class=\"note\">{}</span>", encode_text(note))?;
            }
            page.push_str("</td>");
        }
        page.push_str("</tr>\n");
    }
    writeln!(page, "</tbody>\n</table></div>")
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "",
        Kind::Number => " class=\"number\"",
        Kind::Remark => " class=\"remark\"",
    }
}

/// Levels of darkness of a matrix: as many as there are colours.
const LEVELS: usize = 7;

fn write_matrix(page: &mut String, matrix: &Matrix) -> fmt::Result {
    writeln!(page, "<div class=\"scroll short\"><table class=\"matrix\">\n<thead><tr>")?;
    writeln!(page, "<th scope=\"col\" class=\"corner\">true ↓ &nbsp; predicted →</th>")?;
    for label in &matrix.labels {
        writeln!(page, "<th scope=\"col\" dir=\"auto\">{}</th>", encode_text(label))?;
    }
    writeln!(page, "</tr></thead>\n<tbody>")?;
    for (truth, (label, counts)) in matrix.labels.iter().zip(&matrix.counts).enumerate() {
        write!(page, "<tr><th scope=\"row\" dir=\"auto\">{}</th>", encode_text(label))?;
        for (predicted, rows) in counts.iter().enumerate() {
            let right = if truth == predicted { " right" } else { "" };
            let level = matrix.level(truth, predicted, LEVELS);
            write!(page, "<td class=\"number l{level}{right}\">{}</td>", count(*rows))?;
        }
        writeln!(page, "</tr>")?;
    }
    writeln!(page, "</tbody>\n</table></div>")
}

/// Pictures wider than this have a row of their own.
const WIDE: f64 = 500.0;

fn write_pictures(page: &mut String, pictures: &[Picture]) -> fmt::Result {
    writeln!(page, "<div class=\"pictures\">")?;
    for Picture { drawing, caption, .. } in pictures {
        let class = if drawing.width > WIDE { " class=\"wide\"" } else { "" };
        write!(page, "<figure{class}>{}", drawing.svg(SvgFor::Page))?;
        if !caption.is_empty() {
            write!(page, "<figcaption>{}</figcaption>", encode_text(caption))?;
        }
        writeln!(page, "</figure>")?;
    }
    writeln!(page, "</div>")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "</td><script>alert('1')</script><img src=x onerror=\"y\">&amp;";

    /// A document that has a stranger's text in every place.
    fn document() -> Document {
        let evil = || EVIL.to_owned();
        let cell = Cell { text: evil(), note: evil() };
        let blocks = vec![
            Block::Paragraph(evil()),
            Block::Hint(evil()),
            Block::Heading(evil()),
            Block::Callout { tone: Tone::Good, title: evil(), text: evil() },
            Block::Figures(vec![Figure { value: evil(), name: evil(), note: evil() }]),
            Block::Facts(vec![(evil(), evil())]),
            Block::Table(Table::new(&[EVIL], vec![vec![cell]])),
            Block::Matrix(Matrix { labels: vec![evil()], counts: vec![vec![1]] }),
            Block::List(vec![evil()]),
            Block::Code(evil()),
        ];
        let sections = vec![Section { title: evil(), blocks }];
        Document { title: evil(), subtitle: evil(), sections, footer: evil() }
    }

    #[test]
    fn texts_of_strangers_are_never_markup() {
        let page = text(&document(), &Palette::pair().unwrap());
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 23, "every text is there:\n{page}");
        assert!(page.contains("&amp;amp;"), "a text that looks like an entity stays one:\n{page}");
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = text(&document(), &Palette::pair().unwrap());
        for part in ["http://", "https://", "url(", "@import", "src=", "<link"] {
            assert!(!page.replace("src=x", "").contains(part), "{part} is in the page");
        }
        assert!(page.contains("default-src 'none'") && page.contains("prefers-color-scheme:dark"));
    }
}
