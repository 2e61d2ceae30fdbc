//! `metrics.jsonl`: the metrics of a run, line by line.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::storage::run::{EvaluationPoint, StepMetrics};
use crate::storage::run_folder::RUN_ADVICE;
use crate::storage::run_version_1::EvaluationPoint1;
use crate::storage::{RunFolder, StorageError, write_atomic};

pub(super) const METRICS: &str = "metrics.jsonl";
/// Bytes at its end in which the last step is looked for: some steps and an evaluation of many labels.
const TAIL: u64 = 256 * 1024;

/// A line of `metrics.jsonl`.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum MetricsLine<Evaluation> {
    Step(StepMetrics),
    Evaluation(Evaluation),
}

/// The same, borrowed for writing.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum MetricsLineRef<'a> {
    Step(&'a StepMetrics),
    Evaluation(&'a EvaluationPoint),
}

impl RunFolder {
    /// The file of its curves.
    pub(super) fn metrics_path(&self) -> PathBuf {
        self.path().join(METRICS)
    }

    /// Appends steps to `metrics.jsonl`.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn append_steps(&self, steps: &[StepMetrics]) -> Result<(), StorageError> {
        self.append(steps.iter().map(MetricsLineRef::Step), |_| Ok(()))
    }

    /// Appends an evaluation to `metrics.jsonl`.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn append_evaluation(&self, evaluation: &EvaluationPoint) -> Result<(), StorageError> {
        // A crash must not lose the metrics of a checkpoint on disk. Steps are many and need not wait for the disk.
        self.append(std::iter::once(MetricsLineRef::Evaluation(evaluation)), File::sync_data)
    }

    /// Reads `metrics.jsonl`. A line cut off by a crash is skipped, and without a file there are no metrics.
    ///
    /// # Errors
    /// Errors of the file system, or a complete line that is neither a step nor an evaluation.
    pub fn read_metrics(&self) -> Result<(Vec<StepMetrics>, Vec<EvaluationPoint>), StorageError> {
        let path = self.metrics_path();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
            Err(error) => return Err(StorageError::io("read", &path)(error)),
        };
        let (mut steps, mut evaluations) = (Vec::new(), Vec::new());
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match read_line(line) {
                Ok(MetricsLine::Step(step)) => steps.push(step),
                Ok(MetricsLine::Evaluation(evaluation)) => evaluations.push(evaluation),
                Err(error) if error.is_eof() => {}
                Err(error) => {
                    let reason = format!("line {}: {error}", index + 1);
                    return Err(StorageError::Damaged { path, reason, advice: RUN_ADVICE });
                }
            }
        }
        Ok((steps, evaluations))
    }

    /// The last step in `metrics.jsonl`, from the end of the file; `None` if there is none there.
    #[must_use]
    pub fn latest_step(&self) -> Option<StepMetrics> {
        let mut file = File::open(self.metrics_path()).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes).ok()?;
        bytes.split(|&byte| byte == b'\n').rev().find_map(|line| match read_line(line) {
            Ok(MetricsLine::Step(step)) => Some(step),
            _ => None,
        })
    }

    /// Waits until `metrics.jsonl` is on the disk.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn sync_metrics(&self) -> Result<(), StorageError> {
        let path = self.metrics_path();
        match File::open(&path).and_then(|file| file.sync_data()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StorageError::io("write", &path)(error)),
            _ => Ok(()),
        }
    }

    /// Removes what came after a step from `metrics.jsonl`, for a run that goes on from there. Returns the number of steps removed.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn cut_metrics(&self, last: u64) -> Result<u64, StorageError> {
        let path = self.metrics_path();
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            read => read.map_err(StorageError::io("read", &path))?,
        };
        let mut removed = 0;
        // A line that cannot be read is one that a crash cut off.
        let is_kept = |line: &&[u8]| match read_line(line) {
            Ok(MetricsLine::Step(step)) => {
                removed += u64::from(step.step > last);
                step.step <= last
            }
            Ok(MetricsLine::Evaluation(evaluation)) => evaluation.step <= last,
            Err(_) => false,
        };
        let kept: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').filter(is_kept).collect();
        write_atomic(&path, |file| {
            kept.iter().try_for_each(|line| file.write_all(line).and_then(|()| file.write_all(b"\n")))
        })
        .map_err(StorageError::io("write", &path))?;
        Ok(removed)
    }

    fn append<'a>(
        &self,
        lines: impl Iterator<Item = MetricsLineRef<'a>>,
        sync: fn(&File) -> io::Result<()>,
    ) -> Result<(), StorageError> {
        self.unless_gone()?;
        let path = self.metrics_path();
        append_lines(&path, lines, sync).map_err(StorageError::io("write", &path))
    }
}

/// A line of this version or of version 1. The error is that of this version, unless the line ends too early.
fn read_line(line: &[u8]) -> Result<MetricsLine<EvaluationPoint>, serde_json::Error> {
    serde_json::from_slice(line).or_else(|error| match serde_json::from_slice::<MetricsLine<EvaluationPoint1>>(line) {
        Ok(MetricsLine::Evaluation(evaluation)) => Ok(MetricsLine::Evaluation(evaluation.into())),
        Ok(MetricsLine::Step(step)) => Ok(MetricsLine::Step(step)),
        Err(old) => Err(if old.is_eof() { old } else { error }),
    })
}

/// Appends JSON lines, all or none, so that they can be written again if that fails. If a crash cut off the last line, it is ended
/// first, so that only that line is lost.
fn append_lines(
    path: &Path,
    lines: impl Iterator<Item = impl Serialize>,
    sync: fn(&File) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = File::options().create(true).read(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    let torn = length > 0 && {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        last != *b"\n"
    };
    let mut bytes = if torn { b"\n".to_vec() } else { Vec::new() };
    for line in lines {
        serde_json::to_writer(&mut bytes, &line)?;
        bytes.push(b'\n');
    }
    file.write_all(&bytes).and_then(|()| sync(&file)).inspect_err(|_| {
        // If that fails too, a line is cut off, or is there twice, and both can be read.
        let _ = file.set_len(length);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_could_not_be_written_completely_are_written_once_at_the_next_try() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(METRICS);
        let append = |lines: &[u8], sync| append_lines(&path, lines.iter(), sync);
        append(&[1], |_| Ok(())).unwrap();
        let failed = append(&[2, 3], |_| Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n");
        append(&[2, 3], File::sync_data).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\n3\n");
    }
}
