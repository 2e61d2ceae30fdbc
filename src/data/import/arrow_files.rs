//! Parquet and Arrow files: columns with types, as pandas, Spark and Hugging Face `datasets` write them.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, SchemaRef};

use crate::data::import::arrow_columns::{Columns, Room, Texts, damaged, to_texts};
use crate::data::import::bytes::{self, ArrowKind};
use crate::data::import::file_rows::FileRows;
use crate::data::import::guarded::guarded;
use crate::data::import::rows::RawRows;
use crate::data::import::{arrow_check, parquet_file};
use crate::data::{DataError, FileFormat};
use crate::progress::{Progress, Watch};

/// Length of the magic number at the start of an Arrow file, padding included, in bytes.
const MARK: u64 = 8;

/// Reads all rows, every value as text.
///
/// # Errors
/// [`DataError::Damaged`], [`DataError::TooLarge`] when a column's texts exceed 2 GiB, [`DataError::TooManyCells`], [`DataError::Cancelled`], and
/// errors of opening the file.
pub(super) fn read(path: &Path, kind: ArrowKind, watch: &mut Watch) -> Result<FileRows, DataError> {
    let size = std::fs::metadata(path).map_err(|source| bytes::unreadable(path, source))?.len();
    let rows = guarded(|| gather(path, kind, watch))
        .unwrap_or_else(|| Err(damaged(path, kind, "its contents contradict each other".to_owned())))?;
    let format = match kind {
        ArrowKind::Parquet => FileFormat::Parquet,
        ArrowKind::File | ArrowKind::Stream => FileFormat::Arrow,
    };
    Ok(FileRows { rows, format, bytes: size })
}

fn gather(path: &Path, kind: ArrowKind, watch: &mut Watch) -> Result<RawRows, DataError> {
    match kind {
        ArrowKind::Parquet => parquet_file::read(path, watch),
        ArrowKind::File | ArrowKind::Stream => {
            let broken = |error: ArrowError| damaged(path, kind, error.to_string());
            let file = File::open(path).map_err(|source| bytes::unreadable(path, source))?;
            let size = file.metadata().map_err(|source| bytes::unreadable(path, source))?.len();
            let mut file = BufReader::new(file);
            // After the magic number a file contains a stream, and then an index of its parts, which is not needed to
            // read all of them.
            let begin = if kind == ArrowKind::File { MARK } else { 0 };
            file.seek(SeekFrom::Start(begin)).map_err(|source| bytes::unreadable(path, source))?;
            arrow_check::check(&mut file, size).map_err(|reason| damaged(path, kind, reason))?;
            let reader = StreamReader::try_new(file, None).map_err(broken)?;
            Gather::new(path, kind, size, &reader.schema()).all(reader, watch)
        }
    }
}

/// Converts columns to texts, batch by batch.
struct Gather<'a> {
    path: &'a Path,
    kind: ArrowKind,
    columns: Columns,
    texts: Vec<Texts>,
    rows: u64,
    room: Room<'a>,
}

impl<'a> Gather<'a> {
    fn new(path: &'a Path, kind: ArrowKind, bytes: u64, schema: &SchemaRef) -> Self {
        let columns = Columns::of(schema);
        let room = Room::new(path, bytes, columns.places.len() as u64);
        Self { path, kind, texts: columns.places.iter().map(|_| Texts::default()).collect(), columns, rows: 0, room }
    }

    fn all(
        mut self,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
        watch: &mut Watch,
    ) -> Result<RawRows, DataError> {
        for batch in batches {
            watch.look()?;
            let broken = |error: ArrowError| damaged(self.path, self.kind, error.to_string());
            let batch = batch.map_err(broken)?;
            self.rows += batch.num_rows() as u64;
            let columns = self.columns.places.iter().zip(&self.columns.classes);
            for ((&place, classes), gathered) in columns.zip(&mut self.texts) {
                let Some(column) = batch.columns().get(place) else { continue };
                let texts = to_texts(column, classes.as_deref()).map_err(broken)?;
                self.room.take(self.rows, &texts)?;
                gathered.add(self.path, texts)?;
            }
            watch.progress(Progress::of("Reading rows", self.rows as usize, self.rows as usize, "rows"));
        }
        Ok(RawRows {
            names: self.columns.names,
            columns: self.texts.iter().map(Texts::joined).collect(),
            records: (1..=self.rows).collect(),
            ..RawRows::default()
        })
    }
}
