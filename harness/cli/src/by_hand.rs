//! `durin interrupt` and the like: what no AWS API can cause, in a world that `durin serve` serves. (harness/README.md)

use std::error::Error;
use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::print::{NotUnderstood, say};
use crate::serve::speed;

/// The node.
#[derive(Args)]
pub struct OfNode {
    /// The node, which is the name of its group
    node: String,
    #[command(flatten)]
    world: Served,
}

/// Whether something goes wrong.
#[derive(Args)]
pub struct Switch {
    /// on: from now on; off: no longer
    state: State,
    #[command(flatten)]
    world: Served,
}

/// How fast time passes.
#[derive(Args)]
pub struct Speed {
    /// How many seconds of the world pass in a second; 0 pauses
    #[arg(allow_negative_numbers = true, value_parser = factor)]
    factor: f64,
    #[command(flatten)]
    world: Served,
}

/// Something that takes nothing else.
#[derive(Args)]
pub struct Plain {
    #[command(flatten)]
    world: Served,
}

#[derive(Clone, Copy, ValueEnum)]
enum State {
    On,
    Off,
}

#[derive(Args)]
struct Served {
    /// Where the world is served
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:4566")]
    endpoint: Endpoint,
}

/// A loopback address: what is done there is done to a world that is made up.
#[derive(Clone, Copy)]
struct Endpoint(SocketAddr);

impl OfNode {
    /// # Errors
    /// When no world is served there.
    pub fn run(&self, what: &str) -> Result<ExitCode, Box<dyn Error>> {
        self.world.post(&format!("{what}?node={}", escaped(&self.node)))
    }
}

impl Switch {
    /// # Errors
    /// When no world is served there.
    pub fn run(&self, what: &str) -> Result<ExitCode, Box<dyn Error>> {
        let state = match self.state {
            State::On => "on",
            State::Off => "off",
        };
        self.world.post(&format!("{what}?state={state}"))
    }
}

impl Speed {
    /// # Errors
    /// When no world is served there.
    pub fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        self.world.post(&format!("speed?factor={}", self.factor))
    }
}

impl Plain {
    /// # Errors
    /// When no world is served there.
    pub fn run(&self, what: &str) -> Result<ExitCode, Box<dyn Error>> {
        self.world.post(what)
    }
}

fn factor(text: &str) -> Result<f64, String> {
    if text == "0" { Ok(0.0) } else { speed(text).map_err(|error| format!("{error}, or 0")) }
}

impl Served {
    /// Prints the answer if it is a yes; a no is an error.
    fn post(&self, path: &str) -> Result<ExitCode, Box<dyn Error>> {
        let Endpoint(address) = self.endpoint;
        let answer = exchange(address, path)
            .map_err(|error| format!("no world is served at http://{address} ({error}): start one with just serve"))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        match head.split(' ').nth(1).unwrap_or_default() {
            "200" => {
                say!("{}", body.trim_end());
                Ok(ExitCode::SUCCESS)
            }
            "400" | "404" if head.contains("text/plain") => Err(NotUnderstood(body.trim_end().to_owned()).into()),
            "409" => Err(body.trim_end().into()),
            _ => Err(format!("what listens at http://{address} is not durin serve").into()),
        }
    }
}

/// Sends a POST, and returns the whole answer.
fn exchange(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let request =
        format!("POST /durin/{path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// As a value in a query.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        let place = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let mut addresses = place.and_then(|place| place.to_socket_addrs().ok()).into_iter().flatten();
        let address = addresses.find(|address| address.ip().is_loopback());
        address.map(Endpoint).ok_or_else(|| "it takes a loopback address such as http://127.0.0.1:4566".to_owned())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}
