//! `k3s server`: opens the datastore in k3s's data directory, starts its containers, and serves.
//!
//! `POST /writes/17` commits write 17 and then answers; `GET /writes` answers how many there are, and the highest number.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::datastore::Datastore;
use super::{Outcome, container, print};

pub(super) const PORT: u16 = 6443;
const CONFIGURATION: &str = "/etc/rancher/k3s";
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any request.
const MOST: u64 = 1 << 14;

pub(super) fn serve() -> Outcome {
    let data = PathBuf::from(setting("data-dir").unwrap_or_else(|| "/var/lib/rancher/k3s".to_owned()));
    for directory in ["server/db", "server/tls", "server/cred", "agent/containerd"] {
        fs::create_dir_all(data.join(directory))?;
    }
    let token = data.join("server/token");
    if !token.exists() {
        fs::write(token, "a stand-in needs no secret\n")?;
    }
    let mut datastore = Datastore::open(&data.join("server/db/state.db"))?;
    print(&format!("a stand-in for k3s serves from {} with {} writes", data.display(), datastore.count()?))?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))?;
    container::start_all(&data)?;
    notify("READY=1")?;
    for stream in listener.incoming() {
        // A connection that breaks is the client's affair.
        drop(exchange(stream?, &mut datastore));
    }
    Ok(())
}

/// A setting of k3s's: files in `config.yaml.d` go before `config.yaml`, and later ones before earlier ones.
pub(super) fn setting(key: &str) -> Option<String> {
    let mut files: Vec<_> =
        fs::read_dir(Path::new(CONFIGURATION).join("config.yaml.d")).into_iter().flatten().flatten().collect();
    files.sort_by_key(fs::DirEntry::path);
    let files = files.iter().rev().map(fs::DirEntry::path).chain([Path::new(CONFIGURATION).join("config.yaml")]);
    files.into_iter().find_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(value.trim().trim_matches('"').to_owned())
    })
}

/// Says to systemd how far it is, as k3s does.
fn notify(state: &str) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

fn exchange(stream: TcpStream, datastore: &mut Datastore) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?.take(MOST));
    let mut request = String::new();
    reader.read_line(&mut request)?;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim_end().is_empty() {
            break;
        }
    }
    let words: Vec<&str> = request.split_whitespace().collect();
    let answer = match words.as_slice() {
        ["POST", path, ..] => match path.strip_prefix("/writes/").and_then(|number| number.parse().ok()) {
            Some(number) => datastore.write(number).map(|()| number.to_string()),
            None => Err(io::ErrorKind::NotFound.into()),
        },
        ["GET", "/writes", ..] => datastore.count(),
        ["GET", "/readyz", ..] => Ok("ok".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let (status, body) = match answer {
        Ok(body) => ("200 OK", body),
        Err(error) => ("500 Internal Server Error", error.to_string()),
    };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}
