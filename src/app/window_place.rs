//! Size and place of the window, remembered between starts.

use egui::{Rect, ViewportBuilder, ViewportInfo, vec2};

use crate::storage::WindowPlace;

/// Size of the contents at the first start, in points.
const FIRST: [f32; 2] = [1280.0, 800.0];
/// Smallest size of the contents, in points.
pub(super) const SMALLEST: [f32; 2] = [800.0, 600.0];

/// The place of a window. Its rectangles are in points that grow with the zoom.
pub(super) fn place_of(viewport: &ViewportInfo, zoom: f32) -> Option<WindowPlace> {
    let inner = viewport.inner_rect?;
    let size = inner.size() * zoom;
    let screen = viewport.monitor_size.map(|size| Rect::from_min_size(egui::Pos2::ZERO, size));
    // On another screen it could be out of sight at the next start, when that screen is gone.
    let corner = viewport
        .outer_rect
        .map(|outer| outer.min)
        .filter(|min| screen.is_some_and(|screen| screen.contains(*min) && screen.contains(*min + vec2(200.0, 100.0))));
    Some(WindowPlace {
        size: [size.x, size.y],
        corner: corner.map(|corner| [corner.x * zoom, corner.y * zoom]),
        maximized: viewport.maximized.unwrap_or(false),
    })
}

/// A window where it was last.
pub(super) fn viewport(place: Option<WindowPlace>) -> ViewportBuilder {
    let size = place.map_or(FIRST, |place| place.size);
    let size = [size[0].max(SMALLEST[0]), size[1].max(SMALLEST[1])];
    let builder = ViewportBuilder::default().with_inner_size(size).with_min_inner_size(SMALLEST);
    let builder = match place.and_then(|place| place.corner) {
        Some(corner) => builder.with_position(corner),
        None => builder,
    };
    builder.with_maximized(place.is_some_and(|place| place.maximized))
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    fn info(corner: [f32; 2]) -> ViewportInfo {
        let outer = Rect::from_min_size(pos2(corner[0], corner[1]), vec2(500.0, 330.0));
        ViewportInfo {
            inner_rect: Some(outer.with_min_y(outer.top() + 30.0)),
            outer_rect: Some(outer),
            monitor_size: Some(vec2(960.0, 540.0)),
            ..ViewportInfo::default()
        }
    }

    #[test]
    fn a_window_opens_where_it_was_at_every_zoom() {
        let place = place_of(&info([100.0, 50.0]), 2.0).unwrap();
        assert_eq!(place, WindowPlace { size: [1000.0, 600.0], corner: Some([200.0, 100.0]), maximized: false });
        let opened = viewport(Some(place));
        assert_eq!((opened.inner_size, opened.position), (Some(vec2(1000.0, 600.0)), Some(pos2(200.0, 100.0))));
    }

    #[test]
    fn a_window_on_another_screen_opens_on_the_main_one() {
        let place = place_of(&info([1200.0, 50.0]), 1.0).unwrap();
        assert_eq!(place.corner, None);
        assert_eq!(viewport(None).inner_size, Some(FIRST.into()));
        assert_eq!(viewport(Some(WindowPlace { size: [10.0, 10.0], ..place })).inner_size, Some(SMALLEST.into()));
    }
}
