//! A conversation in lines of JSON on a socket, as QEMU and its guest agent have it.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(super) struct JsonLines {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl JsonLines {
    /// Connects as soon as there is something to connect to.
    pub(super) fn connect(path: &Path, within: Duration) -> io::Result<JsonLines> {
        let end = Instant::now() + within;
        loop {
            match UnixStream::connect(path) {
                Ok(writer) => return Ok(JsonLines { reader: BufReader::new(writer.try_clone()?), writer }),
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    pub(super) fn say(&mut self, message: &Value) -> io::Result<()> {
        self.writer.write_all(format!("{message}\n").as_bytes())
    }

    /// The next line.
    pub(super) fn hear(&mut self, within: Option<Duration>) -> io::Result<Value> {
        self.writer.set_read_timeout(within)?;
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // The guest agent puts a byte that is no text before an answer to a delimited message.
            let text = String::from_utf8_lossy(&line);
            let text = text.trim().trim_start_matches(char::REPLACEMENT_CHARACTER);
            if let Ok(message) = serde_json::from_str(text) {
                return Ok(message);
            }
        }
    }
}
