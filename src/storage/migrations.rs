//! Converts project files of earlier versions to the current one.

use std::path::Path;

use serde::Deserialize;

use crate::project::{Project, SCHEMA_VERSION};
use crate::storage::{StorageError, ron_file, version_1};

/// Converts the text of a project file of one version to the next.
///
/// It works on text so that a migration can read the file into the types of that version, which are kept with it.
pub(super) type Migration = fn(&str) -> Result<String, ron::error::SpannedError>;

/// `MIGRATIONS[v - 1]` converts version `v` to `v + 1`. Raising [`SCHEMA_VERSION`] without adding one does not compile.
pub(super) const MIGRATIONS: [Migration; (SCHEMA_VERSION - 1) as usize] = [to_version_2];

/// Version 2 has the settings of the task, and columns by role.
fn to_version_2(text: &str) -> Result<String, ron::error::SpannedError> {
    written(&Project::from(ron::from_str::<version_1::Project>(text)?))
}

/// Converts the project within the text of a run's `settings.ron` to the current version.
pub(super) fn migrate_run(text: &str) -> Result<String, ron::error::SpannedError> {
    /// Reads only the version of the project within.
    #[derive(Deserialize)]
    struct Run {
        project: Version,
    }
    match ron::from_str::<Run>(text)?.project.schema_version {
        1 => {
            let run: version_1::RunSettings<version_1::Project> = ron::from_str(text)?;
            written(&run.with_project(Project::from))
        }
        _ => Ok(text.to_owned()),
    }
}

fn written(value: &impl serde::Serialize) -> Result<String, ron::error::SpannedError> {
    let unplaced = |code| ron::error::SpannedError { code, span: ron::error::Span { start: BEGIN, end: BEGIN } };
    ron_file::to_text(value).map_err(unplaced)
}

const BEGIN: ron::error::Position = ron::error::Position { line: 1, col: 1 };

/// Reads only the version.
#[derive(Deserialize)]
struct Version {
    #[serde(default = "first")]
    schema_version: u32,
}

fn first() -> u32 {
    1
}

/// Version of a project file's text; 1 if it has none.
pub(super) fn version_of(text: &str) -> Result<u32, ron::error::SpannedError> {
    Ok(ron::from_str::<Version>(text)?.schema_version)
}

/// Refuses the settings of a run or a study, with the project in them, if a newer version of Hone wrote them: they may have other
/// fields. `kind` is "run" or "study", and `known` the newest version of its format that can be read.
///
/// # Errors
/// [`StorageError::Newer`]; errors of the file system; a damaged file.
pub(super) fn refuse_newer(
    path: &Path,
    (kind, known): (&'static str, u32),
    advice: &'static str,
) -> Result<(), StorageError> {
    /// Reads only what wrote the file.
    #[derive(Deserialize)]
    struct Writer {
        schema_version: u32,
        #[serde(default)]
        hone_version: String,
        project: Version,
    }
    let writer: Writer = ron_file::read(path, advice)?;
    let formats = [(kind, writer.schema_version, known), ("project", writer.project.schema_version, SCHEMA_VERSION)];
    match formats.into_iter().find(|(_, found, known)| found > known) {
        None => Ok(()),
        Some((kind, found, known)) => {
            let found = format!("{kind} format {found} of Hone {}", writer.hone_version);
            Err(StorageError::Newer { path: path.to_owned(), found, known })
        }
    }
}

/// Runs the migrations from `version` on.
pub(super) fn migrate(text: &str, version: u32, migrations: &[Migration]) -> Result<String, ron::error::SpannedError> {
    let begin = version.saturating_sub(1) as usize;
    migrations.iter().skip(begin).try_fold(text.to_owned(), |text, migration| migration(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::EvaluateEvery;

    #[test]
    fn the_version_is_found_among_fields_of_any_kind() {
        let mut project = Project { schema_version: 7, ..Project::default() };
        project.training.evaluate_every = EvaluateEvery::Steps(50);
        project.dataset.delimiter = Some('\t');
        let text = crate::storage::ron_file::to_text(&project).unwrap();
        assert_eq!(version_of(&text).unwrap(), 7);
        assert_eq!(version_of("(name: \"a\", future: Kind(a: [1, {\"b\": Some('c')}]))").unwrap(), 1);
        assert!(version_of("(schema_version: 3, name: ").is_err());
    }

    #[test]
    fn migrations_run_in_order_from_the_file_s_version() {
        let steps: [Migration; 3] =
            [|text| Ok(format!("{text}>2")), |text| Ok(format!("{text}>3")), |text| Ok(format!("{text}>4"))];
        assert_eq!(migrate("a", 1, &steps).unwrap(), "a>2>3>4");
        assert_eq!(migrate("a", 3, &steps).unwrap(), "a>4");
        assert_eq!(migrate("a", 4, &steps).unwrap(), "a");
    }
}
