//! The names of a study's jobs and packages, and the hashes in them.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::storage::{StudyFolder, StudySettings};

/// Digits of the data's hash in a job's id.
const DIGITS: usize = 8;

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What the ids of a study's jobs begin with. Other people's studies may be on the same cluster, so the time at which the study
/// began is not enough.
pub(super) fn jobs_of(folder: &StudyFolder, settings: &StudySettings) -> String {
    let hash = &settings.data_hash;
    format!("hone-{}-{}", folder.id(), hash.get(..DIGITS).unwrap_or(hash))
}

/// The id of a trial's job at its first, second, ... try.
pub(super) fn job_id(jobs: &str, trial: u32, attempt: u32) -> String {
    format!("{jobs}-trial{trial}-try{attempt}")
}

/// The name of a package, by the hash of what is in it.
pub(super) fn package_name(hash: &str) -> String {
    format!("_ray_pkg_{}.zip", hash.get(..32).unwrap_or(hash))
}
