//! Drawings as PNG pictures.

use skrifa::outline::OutlinePen;
use tiny_skia::{FillRule, LineJoin, Paint, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

use crate::chart::drawing::{Anchor, Drawing, Label, Shape};
use crate::chart::{ChartError, Ink, Palette, Point, font};

/// Pixels along a side: more than any screen or sheet of paper needs.
const MOST: u32 = 16_384;

impl Drawing {
    /// The drawing as a PNG file, with `scale` pixels for each of its points.
    ///
    /// # Errors
    /// [`ChartError`] if it is too large, or what it is made of is damaged.
    pub fn png(&self, palette: &Palette, scale: f64) -> Result<Vec<u8>, ChartError> {
        let [width, height] = [self.width, self.height].map(|side| (side * scale).ceil() as u32);
        let too_large = || ChartError::Size { width, height };
        if width > MOST || height > MOST {
            return Err(too_large());
        }
        let mut canvas = Canvas {
            pixels: Pixmap::new(width, height).ok_or_else(too_large)?,
            scale: Transform::from_scale(scale as f32, scale as f32),
            palette,
        };
        let [red, green, blue] = Palette::rgb(&palette.card)?;
        canvas.pixels.fill(tiny_skia::Color::from_rgba8(red, green, blue, 255));
        for shape in &self.shapes {
            canvas.draw(shape)?;
        }
        encode(&canvas.pixels, scale)
    }
}

/// What is drawn on.
struct Canvas<'a> {
    pixels: Pixmap,
    scale: Transform,
    palette: &'a Palette,
}

impl Canvas<'_> {
    fn draw(&mut self, shape: &Shape) -> Result<(), ChartError> {
        match shape {
            Shape::Line { points, ink, width, dash, opacity } => {
                let lengths: Vec<f32> = dash.lengths().iter().map(|length| *length as f32).collect();
                let stroke = Stroke {
                    width: *width as f32,
                    line_join: LineJoin::Round,
                    dash: StrokeDash::new(lengths, 0.0),
                    ..Stroke::default()
                };
                let paint = self.paint(*ink, *opacity)?;
                if let Some(path) = path(points, false) {
                    self.pixels.stroke_path(&path, &paint, &stroke, self.scale, None);
                }
            }
            Shape::Area { points, ink, opacity } => {
                let paint = self.paint(*ink, *opacity)?;
                if let Some(path) = path(points, true) {
                    self.pixels.fill_path(&path, &paint, FillRule::Winding, self.scale, None);
                }
            }
            Shape::Circle { at: [x, y], radius, ink } => {
                let paint = self.paint(*ink, 1.0)?;
                if let Some(path) = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32) {
                    self.pixels.fill_path(&path, &paint, FillRule::Winding, self.scale, None);
                }
            }
            Shape::Text(label) => self.text(label)?,
        }
        Ok(())
    }

    fn text(&mut self, label: &Label) -> Result<(), ChartError> {
        let paint = self.paint(label.ink, 1.0)?;
        let width = font::width(&label.text, label.size, label.strong);
        let left = match label.anchor {
            Anchor::Start => label.at[0],
            Anchor::Middle => label.at[0] - width / 2.0,
            Anchor::End => label.at[0] - width,
        };
        let mut pen = Pen { path: PathBuilder::new(), at: [0.0, label.at[1] as f32] };
        let go_to = |pen: &mut Pen, x: f32| pen.at[0] = x;
        font::outline(&label.text, (label.size, label.strong), left as f32, (&mut pen, go_to))?;
        if let Some(path) = pen.path.finish() {
            self.pixels.fill_path(&path, &paint, FillRule::Winding, self.scale, None);
        }
        Ok(())
    }

    fn paint(&self, ink: Ink, opacity: f64) -> Result<Paint<'static>, ChartError> {
        let [red, green, blue] = Palette::rgb(self.palette.of(ink))?;
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
        Ok(paint)
    }
}

/// Lines from point to point; `None` without points, or if one is not finite.
fn path(points: &[Point], is_closed: bool) -> Option<tiny_skia::Path> {
    let mut path = PathBuilder::new();
    for (place, [x, y]) in points.iter().map(|point| point.map(|part| part as f32)).enumerate() {
        if place == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    if is_closed {
        path.close();
    }
    path.finish()
}

/// Takes in the outline of a letter, whose y goes up, from its place on the baseline.
struct Pen {
    path: PathBuilder,
    at: [f32; 2],
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.at[0] + x, self.at[1] - y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.at[0] + x, self.at[1] - y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let [left, base] = self.at;
        self.path.quad_to(left + cx, base - cy, left + x, base - y);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let [left, base] = self.at;
        self.path.cubic_to(left + cx0, base - cy0, left + cx1, base - cy1, left + x, base - y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

/// Pixels in a metre of a screen with 96 in an inch.
const PER_METRE: f64 = 96.0 / 0.0254;

fn encode(pixels: &Pixmap, scale: f64) -> Result<Vec<u8>, ChartError> {
    let wrong = |error: png::EncodingError| ChartError::Png(error.to_string());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let density = (scale * PER_METRE).round() as u32;
    // Programs that put the picture on a page make it as large as on the screen.
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: density, yppu: density, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header().map_err(wrong)?;
    // The background is opaque, so that all pixels are, and premultiplied ones are the same as others.
    writer.write_image_data(pixels.data()).map_err(wrong)?;
    writer.finish().map_err(wrong)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, LineChart, Series};

    fn drawing(size: [f64; 2]) -> Drawing {
        let points = vec![[0.0, 0.0], [1.0, 1.0]];
        LineChart {
            title: "Loss, 日本".to_owned(),
            x: Axis::default(),
            y: Axis::default(),
            series: vec![Series::line("Training", Ink::Series(1), points)],
            size,
            description: String::new(),
        }
        .drawing()
    }

    #[test]
    fn a_picture_has_its_size_its_background_and_its_lines() {
        let [light, _] = Palette::pair().unwrap();
        let bytes = drawing([200.0, 150.0]).png(&light, 2.0).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (400, 300));
        let has = |colour: &str| {
            let [red, green, blue] = Palette::rgb(colour).unwrap();
            pixels.chunks(4).any(|pixel| pixel == [red, green, blue, 255])
        };
        assert!(has(&light.card) && has(&light.chart[1]) && has(&light.text), "background, line and text");
        assert!(pixels.chunks(4).all(|pixel| pixel[3] == 255));
    }

    #[test]
    fn a_picture_that_is_too_large_or_empty_is_refused() {
        let [light, _] = Palette::pair().unwrap();
        let error = drawing([20_000.0, 150.0]).png(&light, 1.0).unwrap_err().to_string();
        assert_eq!(error, "a picture of 20000 x 150 pixels cannot be drawn");
        assert!(matches!(drawing([0.0, 100.0]).png(&light, 1.0), Err(ChartError::Size { .. })));
    }
}
