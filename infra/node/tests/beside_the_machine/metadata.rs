//! A metadata service on the loopback: version 2 only, so that a question without a token is refused.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Clone)]
pub(crate) struct Metadata {
    pub(crate) address: SocketAddr,
    paths: Arc<Mutex<HashMap<String, String>>>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    tokens: u32,
    /// What its clock says, in each answer's head.
    date: Option<String>,
    /// The next answers, whatever is asked: a status, or nothing at all.
    failures: Vec<Option<u16>>,
}

impl Metadata {
    pub(crate) fn with(paths: &[(&str, &str)]) -> Metadata {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let service = Metadata { address, paths: Arc::default(), state: Arc::default() };
        for (path, value) in paths {
            service.set(path, value);
        }
        let of_thread = service.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that has gone is its own business.
                drop(of_thread.answer(&stream));
            }
        });
        service
    }

    /// An instance of a node, with all its tags.
    pub(crate) fn of_a_node() -> Metadata {
        Metadata::with(&[
            ("meta-data/instance-id", "i-0abcdef0123456789"),
            ("meta-data/local-ipv4", "10.0.0.7"),
            ("meta-data/tags/instance/durin:volume-id", crate::instance::VOLUME),
            ("meta-data/tags/instance/durin:record-name", "home.durin.internal"),
            ("meta-data/tags/instance/Name", "home"),
        ])
    }

    pub(crate) fn set(&self, path: &str, value: &str) {
        self.paths.lock().expect("the paths").insert(format!("/latest/{path}"), value.to_owned());
    }

    pub(crate) fn remove(&self, path: &str) {
        self.paths.lock().expect("the paths").remove(&format!("/latest/{path}"));
    }

    /// The next answers fail: with a status, or by a connection that ends.
    pub(crate) fn fail(&self, failures: &[Option<u16>]) {
        self.state.lock().expect("the state").failures = failures.iter().rev().copied().collect();
    }

    pub(crate) fn says_it_is(&self, date: &str) {
        self.state.lock().expect("the state").date = Some(date.to_owned());
    }

    pub(crate) fn tokens(&self) -> u32 {
        self.state.lock().expect("the state").tokens
    }

    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream).lines();
        let request = lines.next().transpose()?.unwrap_or_default();
        let headers: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let (status, body) = match self.reply(&request, &headers) {
            Some(reply) => reply,
            None => return Ok(()),
        };
        let date = self.state.lock().expect("the state").date.clone();
        let date = date.map(|date| format!("Date: {date}\r\n")).unwrap_or_default();
        write!(
            stream,
            "HTTP/1.1 {status} Whatever\r\n{date}Content-Length: {}\r\nServer: EC2ws\r\n\r\n{body}",
            body.len()
        )
    }

    fn reply(&self, request: &str, headers: &[String]) -> Option<(u16, String)> {
        let mut state = self.state.lock().expect("the state");
        if let Some(failure) = state.failures.pop() {
            return failure.map(|status| (status, String::new()));
        }
        let header = |name: &str| {
            let found = headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            found.map(str::to_owned)
        };
        let mut words = request.split(' ');
        match (words.next()?, words.next()?) {
            ("PUT", "/latest/api/token") if header("X-aws-ec2-metadata-token-ttl-seconds").is_some() => {
                state.tokens += 1;
                Some((200, format!("token{}==", state.tokens)))
            }
            ("GET", path) if header("X-aws-ec2-metadata-token") == Some(format!("token{}==", state.tokens)) => {
                match self.paths.lock().expect("the paths").get(path) {
                    Some(value) => Some((200, value.clone())),
                    None => Some((404, "<html>not found</html>".to_owned())),
                }
            }
            ("GET", _) => Some((401, String::new())),
            _ => Some((400, String::new())),
        }
    }
}
