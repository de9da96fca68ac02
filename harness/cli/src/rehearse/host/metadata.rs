//! The instance metadata service of the local AWS, version 2, at a socket for each machine. QEMU starts a relay for each
//! connection from inside.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use durin_harness::LocalAws;

const TOKEN: &str = "AQAAAA-a-token-of-the-local-AWS==";
const PATIENCE: Duration = Duration::from_secs(10);
/// More than any request.
const MOST: u64 = 1 << 14;

/// How machines are that are powered on from now on.
#[derive(Clone, Default)]
pub(crate) struct Ways(Arc<Mutex<Way>>);

/// How one machine is, and the service to it, counted from when it was powered on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    /// It does not answer before.
    pub(crate) silent_for: Duration,
    /// It shows no tags before.
    pub(crate) untagged_for: Duration,
    /// It takes so long for each answer.
    pub(crate) slow_by: Duration,
    /// The kernel's command line has this besides.
    pub(crate) kernel_line: &'static str,
}

impl Way {
    pub(crate) const USUAL: Way =
        Way { silent_for: Duration::ZERO, untagged_for: Duration::ZERO, slow_by: Duration::ZERO, kernel_line: "" };
}

impl Ways {
    pub(crate) fn set(&self, way: Way) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = way;
    }

    pub(super) fn get(&self) -> Way {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a machine until the program ends; the answer is where.
pub(super) fn serve(aws: LocalAws, ways: Ways, instance: &str, directory: &Path) -> Result<PathBuf, String> {
    let socket = directory.join(format!("{instance}.metadata"));
    drop(std::fs::remove_file(&socket));
    let listener = UnixListener::bind(&socket).map_err(|error| error.to_string())?;
    let (instance, way, begun) = (instance.to_owned(), ways.get(), Instant::now());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (aws, instance) = (aws.clone(), instance.clone());
            thread::spawn(move || {
                if begun.elapsed() >= way.silent_for {
                    thread::sleep(way.slow_by);
                    // A connection that breaks is the machine's affair.
                    drop(exchange(&aws, &instance, stream, begun.elapsed() >= way.untagged_for));
                }
            });
        }
    });
    Ok(socket)
}

fn exchange(aws: &LocalAws, instance: &str, mut stream: UnixStream, shows_tags: bool) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?.take(MOST));
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut has_token = false;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim_end().is_empty() {
            break;
        }
        has_token |= header.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("X-aws-ec2-metadata-token") && value.trim() == TOKEN
        });
    }
    let words: Vec<&str> = request.split_whitespace().collect();
    let (status, body) = match words.as_slice() {
        ["PUT", "/latest/api/token", ..] => ("200 OK", TOKEN.to_owned()),
        ["GET", ..] if !has_token => ("401 Unauthorized", String::new()),
        ["GET", path, ..] => {
            let path = path.strip_prefix("/latest/meta-data/").unwrap_or_default();
            let is_shown = shows_tags || !path.starts_with("tags/");
            let found = aws.world(|world| world.metadata(instance, path)).filter(|_| is_shown);
            found.map_or(("404 Not Found", String::new()), |value| ("200 OK", value))
        }
        _ => ("405 Method Not Allowed", String::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// Connects standard input and output with a socket: QEMU's `guestfwd` starts this for each connection of a machine.
///
/// # Errors
/// When there is nobody at the socket.
pub fn relay(socket: &Path) -> io::Result<()> {
    let stream = UnixStream::connect(socket)?;
    let mut from = stream.try_clone()?;
    thread::spawn(move || {
        let mut to = stream.try_clone()?;
        io::copy(&mut io::stdin().lock(), &mut to)?;
        stream.shutdown(Shutdown::Write)
    });
    io::copy(&mut from, &mut io::stdout().lock())?;
    Ok(())
}
