//! Why the jobs of a study cannot be looked after at the moment.

use crate::fetch::RayError;
use crate::storage::StorageError;
use crate::worker::JobError;

/// What is in the way.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The cluster, which may answer later.
    Ray(RayError),
    /// This machine.
    Here(JobError),
}

impl From<RayError> for Trouble {
    fn from(error: RayError) -> Self {
        if error.may_pass() { Self::Ray(error) } else { Self::Here(error.into()) }
    }
}

impl From<JobError> for Trouble {
    fn from(error: JobError) -> Self {
        Self::Here(error)
    }
}

impl From<StorageError> for Trouble {
    fn from(error: StorageError) -> Self {
        Self::Here(error.into())
    }
}
