//! Requests to the Hub: with the access token, bounded, and with errors that say what to do.

use serde::de::DeserializeOwned;

use crate::fetch::address::{host_of, without_password};
use crate::fetch::download::send_patiently;
use crate::fetch::folders::Endpoints;
use crate::fetch::http::{AUTHORIZATION, Fault, Network, Reply, Request};
use crate::fetch::hub_error::HubError;
use crate::fetch::hub_name::HubName;
use crate::progress::Control;

/// Most bytes of an answer, and of a small file that is read.
const MOST_BYTES: usize = 32 << 20;
/// Header in which the Hub says what is wrong.
const ERROR_CODE: &str = "x-error-code";

/// The Hub, and how to reach it.
pub(super) struct HubApi<'a> {
    endpoints: &'a Endpoints,
    control: &'a Control,
    network: Network,
}

impl<'a> HubApi<'a> {
    /// The Hub of these addresses.
    ///
    /// # Errors
    /// [`HubError::Offline`].
    pub fn new(endpoints: &'a Endpoints, control: &'a Control) -> Result<Self, HubError> {
        if endpoints.offline {
            return Err(HubError::Offline);
        }
        Ok(Self { endpoints, control, network: Network::new() })
    }

    /// The answer to a question to the API, about a model if it is about one. `question` begins with a slash.
    pub fn ask<T: DeserializeOwned>(&self, question: &str, about: Option<&HubName>) -> Result<T, HubError> {
        let url = format!("{}/api{question}", self.endpoints.hub);
        let bytes = self.get(&url, about)?;
        serde_json::from_slice(&bytes).map_err(|error| HubError::NotAHub {
            host: self.host(),
            // What a login page says is no reason.
            reason: if error.is_data() { error.to_string() } else { "its answer is not JSON".to_owned() },
        })
    }

    /// A small file of a model at a commit. Its hash is not checked.
    pub fn file(&self, name: &HubName, commit: &str, path: &str) -> Result<Vec<u8>, HubError> {
        let url = format!("{}/{}/resolve/{commit}/{path}", self.endpoints.hub, name.repo());
        self.get(&url, Some(name))
    }

    /// The Hub's host.
    pub fn host(&self) -> String {
        host_of(&self.endpoints.hub).to_owned()
    }

    fn get(&self, url: &str, about: Option<&HubName>) -> Result<Vec<u8>, HubError> {
        let headers = headers(self.endpoints);
        let request = Request { url, head_only: false, headers: &headers };
        let reply = send_patiently(&request, &self.network, self.control).map_err(error_of)?;
        if reply.status != 200 {
            return Err(refusal(&reply, self.endpoints, about).unwrap_or_else(|| error_of(reply.refusal("the answer"))));
        }
        reply.bytes(MOST_BYTES, self.control).map_err(error_of)
    }
}

/// The headers of every request to the Hub.
pub(super) fn headers(endpoints: &Endpoints) -> Vec<(&'static str, String)> {
    let mut headers = vec![("accept-encoding", "identity".to_owned())];
    if let Some(token) = &endpoints.token {
        headers.push((AUTHORIZATION, format!("Bearer {token}")));
    }
    headers
}

/// Why the Hub refuses, if that is something that a person can change. The rules are those of `hf_raise_for_status` in
/// `huggingface_hub`: the Hub answers 401 for models that do not exist too.
pub(super) fn refusal(reply: &Reply, endpoints: &Endpoints, about: Option<&HubName>) -> Option<HubError> {
    let host = || host_of(&endpoints.hub).to_owned();
    let has_token = endpoints.token.is_some();
    let page = |name: &HubName| format!("{}/{}", without_password(&endpoints.hub), name.repo());
    let message = reply.header("x-error-message").unwrap_or_default();
    match (reply.status, reply.header(ERROR_CODE), about) {
        (429, ..) => Some(HubError::RateLimited { host: host(), has_token }),
        (401, ..) if message.contains("Invalid credentials") => Some(HubError::BadToken { host: host() }),
        (_, Some("GatedRepo"), Some(name)) | (403, None, Some(name)) => {
            Some(HubError::Gated { repo: name.repo().to_owned(), page: page(name), has_token })
        }
        (404, Some("RevisionNotFound"), Some(name)) => Some(HubError::NoSuchRevision {
            repo: name.repo().to_owned(),
            revision: name.revision().to_owned(),
            page: page(name),
        }),
        (401, _, Some(name)) | (404, Some("RepoNotFound") | None, Some(name)) => {
            Some(HubError::NoSuchModel { repo: name.repo().to_owned() })
        }
        (401, _, None) => Some(HubError::BadToken { host: host() }),
        _ => None,
    }
}

fn error_of(fault: Fault) -> HubError {
    match fault {
        Fault::Cancelled => HubError::Cancelled,
        Fault::Cut(reason) | Fault::Failed(reason) => HubError::Network(reason),
    }
}
