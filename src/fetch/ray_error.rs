//! Why a Ray cluster does not do what was asked, and what to do.

use crate::progress::Cancelled;

/// Why a request to a Ray cluster failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RayError {
    /// The text is no address of a dashboard.
    #[error(
        "'{address}' is not the address of a Ray dashboard: {why}. Give it as `ray start --head` prints it, such as \
         http://127.0.0.1:8265"
    )]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing answers there.
    #[error(
        "the Ray cluster at {address} cannot be reached: {reason}. Check that it is running (`ray status` on its head node) and \
         that this machine can reach its dashboard"
    )]
    Unreachable {
        /// The dashboard's address.
        address: String,
        /// What the network says.
        reason: String,
    },
    /// Something else answers there.
    #[error(
        "{address} did not answer as a Ray cluster does: {reason}. Give the address of its dashboard, such as \
         http://127.0.0.1:8265"
    )]
    NotRay {
        /// The address.
        address: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Its job API lacks what is needed.
    #[error(
        "the Ray cluster at {address} runs Ray {version}, which cannot place jobs on any node (its job API has version {api}, and \
         Hone needs {needed} or later). Update Ray on the cluster"
    )]
    TooOld {
        /// The dashboard's address.
        address: String,
        /// Version of Ray.
        version: String,
        /// Version of its job API.
        api: u32,
        /// The oldest that is enough.
        needed: u32,
    },
    /// It wants an access token, or another one.
    #[error(
        "the Ray cluster at {address} {}. Set RAY_AUTH_TOKEN to a token that it accepts and start Hone again",
        if *has_token { "does not accept your access token" } else { "asks for an access token" }
    )]
    NoAccess {
        /// The dashboard's address.
        address: String,
        /// Whether a token was sent.
        has_token: bool,
    },
    /// It refuses a request.
    #[error("the Ray cluster at {address} refuses {what} (status {status}): {reason}")]
    Refused {
        /// The dashboard's address.
        address: String,
        /// The request in words.
        what: String,
        /// HTTP status.
        status: u16,
        /// The last line of what it says, and what to do.
        reason: String,
    },
    /// A person cancelled it.
    #[error("stopped")]
    Cancelled,
}

impl RayError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            // Something else answers, such as a proxy with its error page, while the head node restarts.
            Self::Unreachable { .. } | Self::NotRay { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            Self::Address { .. } | Self::TooOld { .. } | Self::NoAccess { .. } | Self::Cancelled => false,
        }
    }
}

impl From<Cancelled> for RayError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
