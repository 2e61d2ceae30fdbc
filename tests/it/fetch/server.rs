//! A small HTTP server on 127.0.0.1: real sockets, real ranges, and faults on demand.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it was received.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
}

/// The content at a path.
#[derive(Clone, Default)]
pub struct Resource {
    pub body: Vec<u8>,
    pub headers: Vec<(String, String)>,
    pub status: u16,
    /// Break the connection after this many bytes of each answer, this many times.
    pub cut: Option<(usize, usize)>,
    /// Send nothing more after this many bytes of each answer.
    pub stall: Option<usize>,
    /// Time to wait after each MiB.
    pub pace: Option<Duration>,
}

#[derive(Default)]
struct State {
    resources: HashMap<String, Resource>,
    asked: Vec<Asked>,
    stalls_ended: usize,
}

pub struct Server {
    state: Arc<Mutex<State>>,
    pub port: u16,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::Builder::new()
            .name("test-server".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = Arc::clone(&shared);
                    let answer = move || drop(answer(stream, &shared));
                    std::thread::Builder::new().name("test-connection".to_owned()).spawn(answer).unwrap();
                }
            })
            .unwrap();
        Self { state, port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn put(&self, path: &str, resource: Resource) {
        self.state.lock().unwrap().resources.insert(path.to_owned(), resource);
    }

    pub fn change(&self, path: &str, change: impl FnOnce(&mut Resource)) {
        change(self.state.lock().unwrap().resources.get_mut(path).unwrap());
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// How many stalls of [`Resource::stall`] have ended.
    pub fn stalls_ended(&self) -> usize {
        self.state.lock().unwrap().stalls_ended
    }

    /// Requests for paths with this ending: their range header, or "".
    pub fn ranges(&self, ending: &str) -> Vec<String> {
        let asked = self.asked();
        let bodies = asked.iter().filter(|asked| asked.method == "GET" && asked.path.ends_with(ending));
        bodies.map(|asked| asked.headers.get("range").cloned().unwrap_or_default()).collect()
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
    let mut headers = HashMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let asked = Asked { method, path, headers };
    let resource = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked.clone());
        // A resource without a query answers every query.
        let bare = asked.path.split('?').next().unwrap_or_default();
        let path = if state.resources.contains_key(&asked.path) { &asked.path } else { bare };
        let resource = state.resources.get(path).cloned();
        if let Some(stored) = state.resources.get_mut(path).filter(|_| asked.method == "GET") {
            stored.cut = stored.cut.and_then(|(at, times)| (times > 1).then(|| (at, times - 1)));
        }
        resource.unwrap_or(Resource { status: 404, ..Resource::default() })
    };
    let sent = send(&mut stream, &asked, &resource);
    if resource.stall.is_some() && asked.method == "GET" {
        state.lock().unwrap().stalls_ended += 1;
    }
    sent
}

fn send(stream: &mut TcpStream, asked: &Asked, resource: &Resource) -> std::io::Result<()> {
    let all = resource.body.len();
    let from = asked
        .headers
        .get("range")
        .and_then(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse::<usize>().ok());
    let mut status = if resource.status == 0 { 200 } else { resource.status };
    let mut body = &resource.body[..];
    let mut head = Vec::new();
    if let Some(from) = from.filter(|_| status == 200) {
        if from >= all {
            (status, body) = (416, &[]);
        } else {
            (status, body) = (206, &resource.body[from..]);
            write!(head, "Content-Range: bytes {from}-{}/{all}\r\n", all - 1)?;
        }
    }
    for (name, value) in &resource.headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len())?;
    stream.write_all(&head)?;
    stream.write_all(b"\r\n")?;
    if asked.method == "HEAD" {
        return Ok(());
    }
    if let Some(at) = resource.stall {
        stream.write_all(&body[..at.min(body.len())])?;
        std::thread::sleep(Duration::from_secs(30));
        return Ok(());
    }
    let end = resource.cut.map_or(body.len(), |(at, _)| at.min(body.len()));
    for piece in body[..end].chunks(1 << 20) {
        stream.write_all(piece)?;
        resource.pace.into_iter().for_each(std::thread::sleep);
    }
    Ok(())
}
