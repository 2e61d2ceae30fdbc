//! Downloads one file: resumes, verifies, reports progress and can be cancelled.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::fetch::file_hash::FileHash;
use crate::fetch::http::{Fault, Network, Reply, Request};
use crate::progress::{Cancelled, Control, Progress, Watch};
use crate::storage::PartialFile;
use crate::words;

/// Attempts in a row without a new byte before giving up.
const FRUITLESS_TRIES: u32 = 4;
/// Pause before the second attempt; it doubles with each attempt that downloads nothing.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A file to download.
pub(super) struct Download<'a> {
    /// Its address.
    pub url: &'a str,
    /// Its name in messages.
    pub name: &'a str,
    /// Headers of the request.
    pub headers: &'a [(&'static str, String)],
    /// Where to save it; until it is complete it is beside that, as `.part`.
    pub target: &'a Path,
    /// Its size, if known.
    pub bytes: Option<u64>,
    /// The most bytes it may have, whatever the server says.
    pub most: u64,
    /// Its hash, if known.
    pub hash: Option<FileHash<'a>>,
}

/// Counts the bytes of a model being downloaded and reports them.
pub(super) struct DownloadMeter<'a, 'b> {
    watch: &'a mut Watch<'b>,
    stage: String,
    done: u64,
    total: Option<u64>,
    started: Instant,
    /// Bytes downloaded earlier, which do not count towards the speed.
    from_before: u64,
}

impl<'a, 'b> DownloadMeter<'a, 'b> {
    pub(super) fn new(stage: String, watch: &'a mut Watch<'b>) -> Self {
        Self { watch, stage, done: 0, total: None, started: Instant::now(), from_before: 0 }
    }

    /// Starts counting for a source.
    pub(super) fn begin(&mut self, total: Option<u64>) {
        (self.done, self.total, self.from_before) = (0, total, 0);
        self.started = Instant::now();
        self.report();
    }

    /// Reports the current stage without a count.
    pub(super) fn say(&mut self, stage: &str) {
        let progress = Progress { stage: stage.to_owned(), unit: "bytes", ..Progress::default() };
        self.watch.progress(progress);
    }

    pub(super) fn watch(&mut self) -> &mut Watch<'b> {
        self.watch
    }

    pub(super) fn control(&self) -> &Control {
        self.watch.control
    }

    /// Counts bytes that were already downloaded.
    pub(super) fn advance(&mut self, bytes: u64) {
        self.from_before += bytes;
        self.add(bytes);
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        self.report();
    }

    fn take_back(&mut self, bytes: u64) {
        self.done = self.done.saturating_sub(bytes);
        self.from_before = self.from_before.min(self.done);
    }

    fn report(&mut self) {
        let speed = (self.done - self.from_before) as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        let left = self.total.map(|total| total.saturating_sub(self.done) as f64);
        self.watch.progress(Progress {
            stage: self.stage.clone(),
            done: self.done,
            total: self.total,
            unit: "bytes",
            eta_seconds: left.filter(|_| speed > 0.0).map(|left| left / speed),
        });
    }
}

/// Downloads a file: resumes an earlier attempt, tries again when the connection breaks, and renames the file to its
/// final name only once its size and hash are right. A file with a wrong hash is removed.
pub(super) fn download(
    wanted: &Download<'_>,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<(), Fault> {
    if let Some(bytes) = wanted.bytes.filter(|&bytes| bytes > wanted.most) {
        let (bytes, most) = (words::bytes(bytes), words::bytes(wanted.most));
        return Err(Fault::Failed(format!("{} has {bytes} on the server, and may have {most}", wanted.name)));
    }
    let mut file = PartialFile::open(wanted.target).map_err(|error| Fault::disk("writing", wanted.target, &error))?;
    check_space(wanted, &file)?;
    if file.length() > 0 {
        meter.advance(file.length());
    }
    // What an earlier attempt left may cause a wrong hash: then the whole file is downloaded once more.
    let mut resumed = file.length() > 0;
    loop {
        fill(wanted, &mut file, network, meter)?;
        let Some(wrong) = wrong_hash_of(wanted, &file, meter)? else { break };
        if !resumed {
            file.discard().map_err(|error| Fault::disk("removing", wanted.target, &error))?;
            return Err(Fault::Failed(wrong));
        }
        resumed = false;
        begin_again(&mut file, meter).map_err(|error| Fault::disk("writing", wanted.target, &error))?;
    }
    file.finish(wanted.target).map_err(|error| Fault::disk("writing", wanted.target, &error))
}

/// Requests the rest until the file is complete; a broken connection that brought new bytes does not count as a failure.
fn fill(
    wanted: &Download<'_>,
    file: &mut PartialFile,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<(), Fault> {
    // The most any attempt downloaded: otherwise a server whose file is too short would be asked forever.
    let mut furthest = file.length();
    let mut fruitless = 0;
    while wanted.bytes.is_none_or(|bytes| file.length() != bytes) {
        match take(wanted, file, network, meter) {
            Ok(()) => break,
            Err(Fault::Cut(reason)) => {
                fruitless = if file.length() > furthest { 0 } else { fruitless + 1 };
                furthest = furthest.max(file.length());
                if fruitless >= FRUITLESS_TRIES {
                    return Err(Fault::Failed(format!("{}: {reason}", wanted.name)));
                }
                pause(fruitless, meter.control())?;
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// Sends a small request, and again when the connection breaks.
pub(super) fn send_patiently(request: &Request<'_>, network: &Network, control: &Control) -> Result<Reply, Fault> {
    let mut fruitless = 0;
    loop {
        match network.send(request, control) {
            Err(Fault::Cut(reason)) if fruitless + 1 >= FRUITLESS_TRIES => return Err(Fault::Failed(reason)),
            Err(Fault::Cut(_)) => fruitless += 1,
            other => return other,
        }
        pause(fruitless, control)?;
    }
}

/// One request for the part of the file that is still missing.
fn take(
    wanted: &Download<'_>,
    file: &mut PartialFile,
    network: &Network,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<(), Fault> {
    let mut headers = wanted.headers.to_vec();
    if file.length() > 0 {
        headers.push(("range", format!("bytes={}-", file.length())));
    }
    let mut reply = network.send(&Request { url: wanted.url, head_only: false, headers: &headers }, meter.control())?;
    let disk = |error: std::io::Error| Fault::disk("writing", wanted.target, &error);
    match reply.status {
        206 if continues_at(reply.header("content-range"), file.length()) => {}
        // The server sent the whole file, or a part that does not continue ours: start over.
        200 => begin_again(file, meter).map_err(disk)?,
        206 | 416 if file.length() > 0 => {
            begin_again(file, meter).map_err(disk)?;
            return Err(Fault::Cut("the server could not resume the download".to_owned()));
        }
        500..=599 => return Err(Fault::Cut(format!("the server has a problem (status {})", reply.status))),
        _ => return Err(reply.refusal(wanted.name)),
    }
    while let Some(piece) = reply.piece(meter.control())? {
        if file.length() + piece.len() as u64 > wanted.bytes.unwrap_or(wanted.most) {
            begin_again(file, meter).map_err(disk)?;
            return Err(Fault::Failed(format!("{} is longer than expected", wanted.name)));
        }
        file.append(&piece).map_err(disk)?;
        meter.add(piece.len() as u64);
    }
    match wanted.bytes {
        Some(bytes) if file.length() < bytes => {
            Err(Fault::Cut(format!("the connection ended after {} of {bytes} bytes", file.length())))
        }
        _ => Ok(()),
    }
}

/// The message about the hash, if it is not the expected one.
fn wrong_hash_of(
    wanted: &Download<'_>,
    file: &PartialFile,
    meter: &mut DownloadMeter<'_, '_>,
) -> Result<Option<String>, Fault> {
    let Some(expected) = wanted.hash else { return Ok(None) };
    meter.say(&format!("Checking {}", wanted.name));
    let found = expected
        .found(file.path(), Some(meter.control()))
        .map_err(|error| Fault::disk("reading", file.path(), &error))?
        .ok_or(Cancelled)?;
    Ok((found != expected.digits()).then(|| wrong_hash(wanted.name, expected, &found)))
}

/// The message for a file with the wrong hash.
pub(super) fn wrong_hash(name: &str, expected: FileHash<'_>, found: &str) -> String {
    format!("{name} is not the expected file ({}); it was removed", expected.instead(found))
}

fn begin_again(file: &mut PartialFile, meter: &mut DownloadMeter<'_, '_>) -> std::io::Result<()> {
    meter.take_back(file.length());
    file.restart()
}

fn continues_at(content_range: Option<&str>, at: u64) -> bool {
    content_range
        .and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next()?.parse::<u64>().ok())
        .is_some_and(|start| start == at)
}

fn check_space(wanted: &Download<'_>, file: &PartialFile) -> Result<(), Fault> {
    let (Some(bytes), Some(folder)) = (wanted.bytes, wanted.target.parent()) else { return Ok(()) };
    let needed = bytes.saturating_sub(file.length());
    // If the free space is unknown, the write itself fails when the disk is full.
    match fs4::available_space(folder) {
        Ok(free) if free < needed => Err(Fault::Failed(format!(
            "{} needs {} in {}, but only {} is free: free some space and try again",
            wanted.name,
            words::bytes(needed),
            folder.display(),
            words::bytes(free)
        ))),
        _ => Ok(()),
    }
}

/// Waits before the next attempt, longer each time.
fn pause(fruitless: u32, control: &Control) -> Result<(), Fault> {
    let end = Instant::now() + FIRST_PAUSE * (1 << fruitless);
    while Instant::now() < end {
        control.look()?;
        std::thread::sleep(Duration::from_millis(25));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_range_that_fits_is_appended() {
        assert!(continues_at(Some("bytes 10-99/100"), 10));
        assert!(!continues_at(Some("bytes 0-99/100"), 10));
        assert!(!continues_at(None, 10));
    }

    #[test]
    fn a_file_larger_than_the_free_disk_space_is_not_downloaded() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("weights");
        let file = PartialFile::open(&target).unwrap();
        let wanted = Download {
            url: "http://127.0.0.1:9/",
            name: "weights",
            headers: &[],
            target: &target,
            bytes: Some(u64::MAX / 2),
            most: u64::MAX,
            hash: None,
        };
        let fault = check_space(&wanted, &file).unwrap_err();
        assert!(matches!(fault, Fault::Failed(reason) if reason.contains("free some space")));
    }
}
