//! Why the Hugging Face Hub does not say what was asked, and what to do.

use std::path::PathBuf;

use crate::fetch::hub_name::NotAHubName;
use crate::fetch::untrainable::Untrainable;
use crate::progress::Cancelled;

/// Why a model of the Hub could not be looked up, or why a search failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// The text is not a model name.
    #[error(transparent)]
    Name(#[from] NotAHubName),
    /// The network may not be used.
    #[error(
        "HF_HUB_OFFLINE forbids asking the Hugging Face Hub. Unset it and start Hone again, or choose a model that is on this \
         machine"
    )]
    Offline,
    /// No such model, or a private one: the Hub does not say which.
    #[error(
        "There is no model {repo} on the Hugging Face Hub, or it is private. Check the spelling of owner/name. For a private \
         model, set HF_TOKEN to an access token of an account that can read it, and start Hone again"
    )]
    NoSuchModel {
        /// The model.
        repo: String,
    },
    /// The model has no such branch, tag or commit.
    #[error("{repo} has no branch, tag or commit \"{revision}\". Check it on {page}, or leave it out")]
    NoSuchRevision {
        /// The model.
        repo: String,
        /// What was asked for.
        revision: String,
        /// The model's page.
        page: String,
    },
    /// The authors ask people to accept their terms first.
    #[error(
        "{repo} is gated: its authors want you to accept their terms first. Accept them on {page}. Then {token}",
        token = if *has_token {
            "try again; the access token in HF_TOKEN must be of the account that accepted them"
        } else {
            "create an access token on the Hub, set HF_TOKEN to it, and start Hone again"
        }
    )]
    Gated {
        /// The model.
        repo: String,
        /// The page where the terms are.
        page: String,
        /// Whether an access token was sent.
        has_token: bool,
    },
    /// The Hub does not accept the access token.
    #[error(
        "{host} does not accept your access token. Set HF_TOKEN to a new one, or unset it (and remove the file that `hf auth login` \
         wrote), and start Hone again"
    )]
    BadToken {
        /// The Hub's host.
        host: String,
    },
    /// Too many requests.
    #[error("{host} received too many requests from this network (status 429). Wait a few minutes and try again{}",
        if *has_token { "" } else { ". With an access token in HF_TOKEN more are allowed" })]
    RateLimited {
        /// The Hub's host.
        host: String,
        /// Whether an access token was sent.
        has_token: bool,
    },
    /// The answer is not a Hub's.
    #[error(
        "{host} did not answer as a Hugging Face Hub does: {reason}. Check HF_ENDPOINT, and whether a proxy or a login page \
         answers in its place"
    )]
    NotAHub {
        /// The host that answered.
        host: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The Hub could not be reached, or has a problem.
    #[error("Could not reach the Hugging Face Hub: {0}. Check the network and try again")]
    Network(String),
    /// The Hub was not asked, and a file of the cache cannot be used.
    #[error(
        "{} cannot be used: {reason}. Remove it, and download the model again when the Hugging Face Hub can be reached",
        path.display()
    )]
    Cache {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Hone cannot train the model.
    #[error("Hone cannot train {repo}: {why}")]
    Untrainable {
        /// The model.
        repo: String,
        /// Why not, and what to do.
        why: Untrainable,
    },
    /// A person cancelled it.
    #[error("stopped")]
    Cancelled,
}

impl From<Cancelled> for HubError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
