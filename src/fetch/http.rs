//! Requests that can be cancelled at any moment, and a count of every byte that went over the network.
//!
//! The `hf-hub` crate is not used: its downloads cannot be cancelled (its progress trait returns nothing), it trusts
//! only Mozilla's certificates (so it fails behind a company's inspecting proxy), appends whatever a server sends to a
//! partial file without checking the status, and checks no hash.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};

use crate::fetch::address::{host_of, is_same_server, join_url};
use crate::progress::{Cancelled, Control};
use crate::storage::StorageError;

static RECEIVED: AtomicU64 = AtomicU64::new(0);
static SENT: AtomicU64 = AtomicU64::new(0);

/// How often a waiting request checks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(100);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest silence before a server counts as unreachable.
const SILENCE: Duration = Duration::from_secs(45);
/// Size of the pieces in which a body is read.
const PIECE: usize = 256 * 1024;
/// Pieces read ahead.
const READ_AHEAD: usize = 8;
/// Redirects followed.
const MAX_REDIRECTS: usize = 10;

/// Bytes of HTTP received and sent by this process, including headers, without the overhead of encryption.
#[must_use]
pub fn bytes_transferred() -> (u64, u64) {
    (RECEIVED.load(Ordering::Relaxed), SENT.load(Ordering::Relaxed))
}

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// A person cancelled it.
    Cancelled,
    /// The connection broke. The part received so far is kept, and the next attempt resumes from there.
    Cut(String),
    /// Trying again at once would not help.
    Failed(String),
}

impl Fault {
    /// A local file could not be written or read.
    pub(super) fn disk(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let advice = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "; free some space and try again",
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                "; choose another cache folder with HF_HOME, or make this one writable"
            }
            _ => "",
        };
        Self::Failed(format!("{what} {} failed: {error}{advice}", path.display()))
    }
}

impl From<Cancelled> for Fault {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The header with an access token.
pub(super) const AUTHORIZATION: &str = "authorization";

/// Makes requests. Cheap to clone: connections are shared.
#[derive(Clone, Debug)]
pub(super) struct Network {
    agent: ureq::Agent,
}

/// A request.
pub(super) struct Request<'a> {
    /// Address, possibly with a user's name and password.
    pub url: &'a str,
    /// Ask only for the head, and do not follow redirects.
    pub head_only: bool,
    /// Headers.
    pub headers: &'a [(&'static str, String)],
}

/// How a request that sends something sends it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sending {
    /// Stores the body under the address.
    Put,
    /// Hands the body to the address.
    Post,
}

/// A request that sends something. Redirects are not followed.
pub(super) struct Upload<'a> {
    /// Address.
    pub url: &'a str,
    /// How.
    pub by: Sending,
    /// What the body is, for example "application/json".
    pub content_type: &'static str,
    /// What is sent.
    pub body: Vec<u8>,
    /// Headers.
    pub headers: &'a [(&'static str, String)],
}

/// A server's response, with its body not yet read.
pub(super) struct Reply {
    /// HTTP status.
    pub status: u16,
    headers: ureq::http::HeaderMap,
    host: String,
    body: Receiver<Message>,
}

enum Message {
    Head(u16, ureq::http::HeaderMap),
    Piece(Vec<u8>),
    End,
    Error(ureq::Error),
}

impl Network {
    /// Proxies come from the environment; certificates from the system's store, or from the bundle that
    /// `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` or `PIP_CERT` names.
    pub(super) fn new() -> Self {
        let roots = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"]
            .into_iter()
            .filter_map(std::env::var_os)
            .find_map(|path| certificates(&std::fs::read(path).ok()?))
            .unwrap_or(RootCerts::PlatformVerifier);
        let config = ureq::Agent::config_builder()
            .user_agent(concat!("hone/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            // Redirects are followed here: what is secret goes to no other server, nor to another port of the same.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .build();
        let connector = DefaultConnector::default().chain(Counting);
        Self { agent: ureq::Agent::with_parts(config, connector, DefaultResolver::default()) }
    }

    /// Sends a request and waits for the head of the response, checking every 100 ms whether it was cancelled.
    ///
    /// The request runs on its own thread, because neither a name look-up nor a silent server can be interrupted. After
    /// a cancel, that thread lives until its time limits and holds nothing but a socket.
    pub(super) fn send(&self, request: &Request<'_>, control: &Control) -> Result<Reply, Fault> {
        let (url, head_only, headers) = (request.url.to_owned(), request.head_only, request.headers.to_vec());
        self.exchange(request.url, control, move |agent| ask(agent, &url, head_only, &headers))
    }

    /// As [`Self::send`], for a request that sends something.
    pub(super) fn upload(&self, upload: Upload<'_>, control: &Control) -> Result<Reply, Fault> {
        let Upload { url, by, content_type, body, headers } = upload;
        let (to, headers) = (url.to_owned(), headers.to_vec());
        self.exchange(url, control, move |agent| {
            let mut request = match by {
                Sending::Put => agent.put(&to),
                Sending::Post => agent.post(&to),
            };
            request = request.header("content-type", content_type);
            for (name, value) in &headers {
                request = request.header(*name, value);
            }
            request.send(&body[..])
        })
    }

    fn exchange(
        &self,
        url: &str,
        control: &Control,
        ask: impl FnOnce(&ureq::Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> + Send + 'static,
    ) -> Result<Reply, Fault> {
        let host = host_of(url).to_owned();
        let (sender, body) = sync_channel(READ_AHEAD);
        let agent = self.agent.clone();
        std::thread::Builder::new()
            .name("hone-network".to_owned())
            .spawn(move || pass_on(ask(&agent), &sender))
            .map_err(|error| Fault::Failed(format!("no thread could be started: {error}")))?;
        match next_message(&body, control)? {
            Some(Message::Head(status, headers)) => Ok(Reply { status, headers, host, body }),
            Some(Message::Error(error)) => Err(explain(&error, &host)),
            _ => Err(Fault::Cut(format!("{host} closed the connection without an answer"))),
        }
    }
}

impl Reply {
    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece of the body; `None` at its end.
    pub(super) fn piece(&mut self, control: &Control) -> Result<Option<Vec<u8>>, Fault> {
        match next_message(&self.body, control)? {
            Some(Message::Piece(bytes)) => Ok(Some(bytes)),
            Some(Message::End) => Ok(None),
            Some(Message::Error(error)) => Err(explain(&error, &self.host)),
            Some(Message::Head(..)) | None => Err(Fault::Cut(format!("{} closed the connection early", self.host))),
        }
    }

    /// The whole body as text, up to `limit` bytes.
    pub(super) fn text(self, limit: usize, control: &Control) -> Result<String, Fault> {
        Ok(String::from_utf8_lossy(&self.bytes(limit, control)?).into_owned())
    }

    /// The whole body, up to `limit` bytes.
    pub(super) fn bytes(mut self, limit: usize, control: &Control) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece(control)? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > limit {
                return Err(Fault::Failed(format!("{} sent more than {limit} bytes", self.host)));
            }
        }
        Ok(bytes)
    }

    /// The error for an unexpected status.
    pub(super) fn refusal(&self, what: &str) -> Fault {
        let host = &self.host;
        Fault::Failed(match self.status {
            401 | 403 => format!("{host} refuses {what} (status {}): it may need an access token", self.status),
            404 | 410 => format!("{host} has no {what} (status {})", self.status),
            429 => format!("{host} received too many requests (status 429): try again later"),
            500..=599 => format!("{host} has a problem (status {}): try again later", self.status),
            status => format!("{host} answered with status {status} for {what}"),
        })
    }
}

fn certificates(pem: &[u8]) -> Option<RootCerts> {
    let certificates: Vec<Certificate<'static>> = parse_pem(pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    (!certificates.is_empty()).then(|| RootCerts::new_with_certs(&certificates))
}

fn next_message(messages: &Receiver<Message>, control: &Control) -> Result<Option<Message>, Fault> {
    loop {
        control.look()?;
        match messages.recv_timeout(LOOK) {
            Ok(message) => return Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

/// Runs on the network thread until the body ends or its receiver is dropped.
fn pass_on(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>, sender: &SyncSender<Message>) {
    let response = match response {
        Ok(response) => response,
        Err(error) => return drop(sender.send(Message::Error(error))),
    };
    let (head, body) = response.into_parts();
    if sender.send(Message::Head(head.status.as_u16(), head.headers)).is_err() {
        return;
    }
    let mut reader = body.into_reader();
    loop {
        let mut piece = vec![0; PIECE];
        let message = match reader.read(&mut piece) {
            Ok(0) => Message::End,
            Ok(length) => {
                piece.truncate(length);
                Message::Piece(piece)
            }
            Err(error) => Message::Error(ureq::Error::from(error)),
        };
        let last = !matches!(message, Message::Piece(_));
        if sender.send(message).is_err() || last {
            return;
        }
    }
}

/// Sends a request and follows redirects, unless only the head is wanted. The access token is sent only to the server it
/// was meant for.
fn ask(
    agent: &ureq::Agent,
    url: &str,
    head_only: bool,
    headers: &[(&'static str, String)],
) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
    let mut at = url.to_owned();
    for _ in 0..=MAX_REDIRECTS {
        let mut request = if head_only { agent.head(&at) } else { agent.get(&at) };
        let may_know = is_same_server(url, &at);
        for (name, value) in headers.iter().filter(|(name, _)| may_know || *name != AUTHORIZATION) {
            request = request.header(*name, value);
        }
        let response = request.call()?;
        let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = response.headers().get("location").and_then(|location| location.to_str().ok());
        match location.filter(|_| is_redirect && !head_only) {
            Some(location) => at = join_url(&at, location),
            None => return Ok(response),
        }
    }
    Err(ureq::Error::TooManyRedirects)
}

/// Turns a library's error into a message a person can act on.
fn explain(error: &ureq::Error, host: &str) -> Fault {
    let tls = |detail: String| {
        Fault::Failed(format!(
            "no trusted connection to {host}: {detail}; behind a proxy that inspects traffic, name its certificates with SSL_CERT_FILE"
        ))
    };
    let unknown =
        || Fault::Failed(format!("the address {host} cannot be found: there is no network, or it is blocked"));
    match error {
        ureq::Error::HostNotFound => unknown(),
        ureq::Error::Timeout(_) => Fault::Cut(format!("{host} did not answer in time")),
        ureq::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Fault::Failed(format!("{host} refuses the connection")),
            std::io::ErrorKind::NetworkUnreachable | std::io::ErrorKind::HostUnreachable => {
                Fault::Failed(format!("{host} cannot be reached: no network"))
            }
            std::io::ErrorKind::InvalidData => tls(error.to_string()),
            // The standard library has no error kind for a failed name look-up.
            _ if error.to_string().starts_with("failed to lookup address") => unknown(),
            _ => Fault::Cut(format!("the connection to {host} broke: {error}")),
        },
        ureq::Error::Tls(detail) => tls((*detail).to_owned()),
        ureq::Error::Rustls(detail) => tls(detail.to_string()),
        ureq::Error::BadUri(detail) => Fault::Failed(format!("not a valid address: {detail}")),
        ureq::Error::InvalidProxyUrl => {
            Fault::Failed("the proxy set in the environment is not a valid address".to_owned())
        }
        other => Fault::Cut(format!("the exchange with {host} failed: {other}")),
    }
}

/// Last link of the connector chain: counts the bytes that pass.
#[derive(Debug)]
struct Counting;

/// A connection whose bytes are counted.
#[derive(Debug)]
struct Counted<T> {
    inner: T,
    /// False for a tunnel through a proxy, whose inner connection is counted already.
    counts: bool,
}

impl<T: Transport> Connector<T> for Counting {
    type Out = Counted<T>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<T>) -> Result<Option<Counted<T>>, ureq::Error> {
        let tunnelled = details.config.proxy().is_some_and(|proxy| {
            matches!(proxy.protocol(), ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https)
                && !proxy.is_no_proxy(details.uri)
                && details.uri.host() != proxy.uri().host()
        });
        Ok(chained.map(|inner| Counted { inner, counts: !tunnelled }))
    }
}

impl<T: Transport> Transport for Counted<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.counts {
            SENT.fetch_add(amount as u64, Ordering::Relaxed);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let before = self.inner.buffers().input().len();
        let progress = self.inner.await_input(timeout)?;
        if self.counts {
            let arrived = self.inner.buffers().input().len().saturating_sub(before);
            RECEIVED.fetch_add(arrived as u64, Ordering::Relaxed);
        }
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_an_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        drop(listener);
        let request = Request { url: &url, head_only: false, headers: &[] };
        let fault = Network::new().send(&request, &Control::default()).err().unwrap();
        assert!(matches!(&fault, Fault::Failed(reason) if reason.contains("refuses the connection")), "{fault:?}");
    }

    #[test]
    fn a_silent_server_does_not_delay_a_cancel() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        let control = Control::default();
        let fault = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(150));
                control.cancel();
            });
            Network::new().send(&Request { url: &url, head_only: false, headers: &[] }, &control).err().unwrap()
        });
        // A server that says nothing for `SILENCE` is another fault.
        assert!(matches!(fault, Fault::Cancelled), "{fault:?}");
    }
}
