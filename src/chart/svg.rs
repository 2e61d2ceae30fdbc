//! Drawings as SVG.

use std::fmt::Write;

use crate::chart::drawing::{Anchor, Dash, Drawing, Label, Shape};
use crate::chart::{Ink, Palette, Point};

/// The fonts of a page, the first one that the reader's system has.
const FONTS: &str =
    "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif";

/// Where an SVG picture is shown.
#[derive(Clone, Copy, Debug)]
pub enum SvgFor<'a> {
    /// As a whole file, on a background and with the colours of this palette, for any program that opens pictures.
    File(&'a Palette),
    /// In a page that gives colours to the classes `ink-text`, `ink-muted`, `ink-grid`, `ink-axis`, `ink-accent` and `ink-0` to
    /// `ink-7`, for strokes, and `fill-text` and so on, for areas and texts.
    Page,
}

impl SvgFor<'_> {
    fn stroke(self, ink: Ink) -> String {
        match self {
            Self::File(palette) => format!("stroke=\"{}\"", palette.of(ink)),
            Self::Page => format!("class=\"ink-{}\"", class(ink)),
        }
    }

    fn fill(self, ink: Ink) -> String {
        match self {
            Self::File(palette) => format!("fill=\"{}\"", palette.of(ink)),
            Self::Page => format!("class=\"fill-{}\"", class(ink)),
        }
    }
}

/// Colours of series that a page knows.
const SERIES: usize = 8;

fn class(ink: Ink) -> String {
    match ink {
        Ink::Text => "text".to_owned(),
        Ink::Muted => "muted".to_owned(),
        Ink::Grid => "grid".to_owned(),
        Ink::Axis => "axis".to_owned(),
        Ink::Accent => "accent".to_owned(),
        Ink::Series(index) => (index % SERIES).to_string(),
    }
}

impl Drawing {
    /// The drawing as an SVG element or file.
    #[must_use]
    pub fn svg(&self, place: SvgFor<'_>) -> String {
        let mut out = String::new();
        let [width, height] = [self.width, self.height].map(number);
        let description = without_control(&self.description);
        let about = html_escape::encode_double_quoted_attribute(&description);
        let open = match place {
            SvgFor::File(_) => {
                format!(
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"{FONTS}\" "
                )
            }
            SvgFor::Page => format!("<svg style=\"max-width:{width}px\" "),
        };
        // Writing to a string cannot fail.
        let _ = write!(out, "{open}viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{about}\">");
        if let SvgFor::File(palette) = place {
            let title = html_escape::encode_text(&description);
            let _ =
                write!(out, "<title>{title}</title><rect width=\"100%\" height=\"100%\" fill=\"{}\"/>", palette.card);
        }
        self.shapes.iter().for_each(|shape| write_shape(&mut out, shape, place));
        out.push_str("</svg>\n");
        out
    }
}

fn write_shape(out: &mut String, shape: &Shape, place: SvgFor<'_>) {
    let _ = match shape {
        Shape::Line { points, ink, width, dash, opacity } => {
            let (stroke, width) = (place.stroke(*ink), number(*width));
            let broken = dashes(*dash);
            let faint = if *opacity < 1.0 { format!(" stroke-opacity=\"{opacity}\"") } else { String::new() };
            write!(
                out,
                "<path d=\"{}\" fill=\"none\" {stroke} stroke-width=\"{width}\" stroke-linejoin=\"round\"{broken}{faint}/>",
                path(points)
            )
        }
        Shape::Area { points, ink, opacity } => {
            let faint = if *opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
            write!(out, "<path d=\"{}Z\" {}{faint}/>", path(points), place.fill(*ink))
        }
        Shape::Circle { at: [x, y], radius, ink } => {
            let [x, y, radius] = [*x, *y, *radius].map(number);
            write!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {}/>", place.fill(*ink))
        }
        Shape::Text(label) => write_text(out, label, place),
    };
}

fn write_text(out: &mut String, label: &Label, place: SvgFor<'_>) -> std::fmt::Result {
    let [x, y, size] = [label.at[0], label.at[1], label.size].map(number);
    let anchor = match label.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let weight = if label.strong { " font-weight=\"600\"" } else { "" };
    let plain = without_control(&label.text);
    let text = html_escape::encode_text(&plain);
    write!(
        out,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{weight} {}>{text}</text>",
        place.fill(label.ink)
    )
}

/// A text without control characters, which may not be in a file of XML.
fn without_control(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn dashes(dash: Dash) -> String {
    let lengths: Vec<String> = dash.lengths().iter().map(|length| number(*length)).collect();
    if lengths.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", lengths.join(" ")) }
}

/// Lines from point to point.
fn path(points: &[Point]) -> String {
    let mut out = String::with_capacity(12 * points.len());
    for (place, [x, y]) in points.iter().enumerate() {
        let command = if place == 0 { 'M' } else { 'L' };
        let _ = write!(out, "{command}{} {}", number(*x), number(*y));
    }
    out
}

/// A number with two decimals at most.
fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, LineChart, Mark, Series};

    fn drawing(name: &str) -> Drawing {
        let points = vec![[0.0, 1.0], [1.0, 0.5], [2.0, f64::NAN]];
        LineChart {
            title: format!("Loss of {name}"),
            x: Axis::default(),
            y: Axis::default(),
            series: vec![Series::line(name, Ink::Series(1), points).drawn(2.0, Dash::Dashes).marked(Mark::Up)],
            size: [300.0, 200.0],
            description: "From 1 to 0.5".to_owned(),
        }
        .drawing()
    }

    #[test]
    fn names_cannot_be_markup() {
        let [light, _] = Palette::pair().unwrap();
        let evil = "</text><script>alert(\"1\")</script>&\u{1}";
        for place in [SvgFor::Page, SvgFor::File(&light)] {
            let svg = drawing(evil).svg(place);
            assert!(!svg.contains("<script") && !svg.contains('\u{1}'), "{svg}");
            assert!(svg.contains("&lt;script&gt;"), "{svg}");
            let mut reader = quick_xml::Reader::from_str(&svg);
            while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
        }
    }

    #[test]
    fn a_picture_in_a_page_has_classes_and_one_in_a_file_has_colours() {
        let [light, dark] = Palette::pair().unwrap();
        let in_page = drawing("a").svg(SvgFor::Page);
        assert!(in_page.contains("class=\"ink-1\"") && !in_page.contains('#') && !in_page.contains("NaN"), "{in_page}");
        let in_file = drawing("a").svg(SvgFor::File(&light));
        assert!(in_file.contains(&light.chart[1]) && !in_file.contains("class="), "{in_file}");
        assert!(in_file.contains("stroke-dasharray=\"7 4\"") && in_file.contains("aria-label=\"Loss of a. From 1"));
        assert!(drawing("a").svg(SvgFor::File(&dark)).contains(&dark.card));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.126, -0.001, 12.345].map(number), ["1", "0.13", "0", "12.35"]);
    }
}
