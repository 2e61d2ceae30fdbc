//! The app's own settings: theme, scale, recent projects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::storage::{StorageError, paths, ron_file};

/// Projects remembered in the File menu.
const RECENT_LIMIT: usize = 10;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThemeChoice {
    /// As the operating system is set.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// Size and place of the window, in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Width and height of its contents.
    pub size: [f32; 2],
    /// Its upper left corner, where the system tells and it is on the main screen.
    pub corner: Option<[f32; 2]>,
    /// Whether it fills the screen.
    pub maximized: bool,
}

/// How the person arranged the columns of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableLayout {
    /// Widths in points of the columns whose width was changed, by name.
    pub widths: BTreeMap<String, f32>,
    /// Whether to show a column, where the person chose other than the default.
    pub shown: BTreeMap<String, bool>,
}

impl TableLayout {
    /// Drops widths that no column can have.
    fn settle(&mut self) {
        self.widths.retain(|_, width| (1.0..10_000.0).contains(width));
    }
}

/// The layouts of all tables, by the table's key.
pub type TableLayouts = BTreeMap<String, TableLayout>;

/// The person's settings of the app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppSettings {
    /// Light or dark.
    pub theme: ThemeChoice,
    /// Size of text and controls, 0.8..=2.0.
    pub zoom: f32,
    /// Folders of recent projects, newest first.
    pub recent: Vec<PathBuf>,
    /// The project that is open. Left there by a crash, it is opened again.
    pub open: Option<PathBuf>,
    /// Where the window was last.
    pub window: Option<WindowPlace>,
    /// The columns of the tables.
    pub tables: TableLayouts,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::default(),
            zoom: 1.0,
            recent: Vec::new(),
            open: None,
            window: None,
            tables: TableLayouts::new(),
        }
    }
}

impl AppSettings {
    /// The saved settings, or the defaults if they cannot be read: the app must always start.
    #[must_use]
    pub fn load() -> Self {
        Self::path().map(|path| Self::load_from(&path)).unwrap_or_default()
    }

    /// Saves the settings; does nothing without a home folder.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn save(&self) -> Result<(), StorageError> {
        Self::path().map_or(Ok(()), |path| self.save_to(&path))
    }

    /// As [`Self::load`], from a file.
    #[must_use]
    fn load_from(path: &Path) -> Self {
        let mut settings: Self = ron_file::read(path, "").unwrap_or_default();
        settings.zoom = if settings.zoom.is_finite() { settings.zoom.clamp(0.8, 2.0) } else { 1.0 };
        settings.window = settings.window.filter(|window| {
            let sane = |value: &f32| value.is_finite() && value.abs() < 20_000.0;
            window.size.iter().all(sane) && window.corner.iter().flatten().all(sane)
        });
        settings.tables.values_mut().for_each(TableLayout::settle);
        settings
    }

    /// As [`Self::save`], to a file.
    ///
    /// # Errors
    /// Errors of the file system.
    fn save_to(&self, path: &Path) -> Result<(), StorageError> {
        ron_file::write(path, self)
    }

    /// Puts a project first among the recent ones.
    pub fn remember(&mut self, folder: &Path) {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        self.forget(&folder);
        self.recent.insert(0, folder);
        self.recent.truncate(RECENT_LIMIT);
    }

    /// Removes a project from the recent ones.
    pub fn forget(&mut self, folder: &Path) {
        self.recent.retain(|recent| recent != folder);
    }

    fn path() -> Option<PathBuf> {
        Some(paths::config_folder()?.join("settings.ron"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_between_starts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hone/settings.ron");
        assert_eq!(AppSettings::load_from(&path), AppSettings::default());
        let mut settings = AppSettings { theme: ThemeChoice::Dark, zoom: 1.5, ..AppSettings::default() };
        for name in 0..12 {
            settings.remember(&folder.path().join(name.to_string()));
        }
        settings.remember(&folder.path().join("5"));
        let widths = [("review".to_owned(), 300.0)].into();
        let shown = [("shop".to_owned(), false)].into();
        settings.tables.insert("preview".to_owned(), TableLayout { widths, shown });
        settings.save_to(&path).unwrap();
        let loaded = AppSettings::load_from(&path);
        assert_eq!(loaded, settings);
        assert_eq!(loaded.recent.len(), RECENT_LIMIT);
        assert!(loaded.recent[0].ends_with("5") && loaded.recent[1].ends_with("11"));
    }

    #[test]
    fn invalid_settings_become_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.ron");
        std::fs::write(&path, "(theme: Purple)").unwrap();
        assert_eq!(AppSettings::load_from(&path), AppSettings::default());
        std::fs::write(&path, "(zoom: 900.0)").unwrap();
        assert_eq!(AppSettings::load_from(&path).zoom.to_string(), "2");
        std::fs::write(&path, "(window: Some((size: [inf, 800.0], corner: None, maximized: false)))").unwrap();
        assert_eq!(AppSettings::load_from(&path), AppSettings::default());
        std::fs::write(&path, "(tables: {\"rows\": (widths: {\"a\": NaN, \"b\": -3.0, \"c\": 90.0})})").unwrap();
        let widths = AppSettings::load_from(&path).tables["rows"].widths.clone();
        assert_eq!(widths, [("c".to_owned(), 90.0)].into());
    }
}
