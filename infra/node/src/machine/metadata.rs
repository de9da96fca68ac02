//! The instance metadata service, version 2: a token first, then questions. (EC2 User Guide, "Use the Instance Metadata
//! Service to access instance metadata")

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime};

/// It answers within milliseconds, or not at all.
const PATIENCE: Duration = Duration::from_secs(2);
const TOKEN_SECONDS: &str = "21600";
/// More than any answer.
const MOST: u64 = 1 << 16;

pub struct Metadata {
    address: SocketAddr,
    token: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the metadata service does not answer: {0}")]
    Unreachable(#[from] io::Error),
    #[error("the metadata service says {0} to {1}")]
    Refused(u16, String),
    #[error("the metadata service answers with something that is no HTTP")]
    Garbled,
}

impl Metadata {
    pub fn at(address: SocketAddr) -> Metadata {
        Metadata { address, token: None }
    }

    /// What is at a path below `/latest`; none if there is nothing, which for tags and notices means not yet.
    ///
    /// # Errors
    /// When the service cannot be reached or refuses.
    pub fn get(&mut self, path: &str) -> Result<Option<String>, Failure> {
        Ok(self.get_dated(path)?.map(|(body, _)| body))
    }

    /// The same, with what the service's own clock says, if it says so.
    ///
    /// # Errors
    /// When the service cannot be reached or refuses.
    pub fn get_dated(&mut self, path: &str) -> Result<Option<(String, Option<SystemTime>)>, Failure> {
        let token = match self.token.take() {
            Some(token) => token,
            None => self.new_token()?,
        };
        match self.ask("GET", path, ("X-aws-ec2-metadata-token", &token))? {
            Reply { status: 200, date, body } => {
                self.token = Some(token);
                Ok(Some((body, date)))
            }
            Reply { status: 404, .. } => {
                self.token = Some(token);
                Ok(None)
            }
            // The next question gets a new token.
            Reply { status, .. } => Err(Failure::Refused(status, path.to_owned())),
        }
    }

    fn new_token(&self) -> Result<String, Failure> {
        match self.ask("PUT", "api/token", ("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS))? {
            Reply { status: 200, body: token, .. }
                if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                Ok(token)
            }
            Reply { status: 200, .. } => Err(Failure::Garbled),
            Reply { status, .. } => Err(Failure::Refused(status, "api/token".to_owned())),
        }
    }

    fn ask(&self, method: &str, path: &str, header: (&str, &str)) -> Result<Reply, Failure> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (name, value) = header;
        let host = self.address.ip();
        let request = format!(
            "{method} /latest/{path} HTTP/1.1\r\nHost: {host}\r\n{name}: {value}\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(MOST).read_to_end(&mut answer)?;
        parse(&answer).ok_or(Failure::Garbled)
    }
}

/// An answer that has come whole.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    status: u16,
    date: Option<SystemTime>,
    body: String,
}

fn parse(answer: &[u8]) -> Option<Reply> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = first.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let header = |wanted: &str| {
        let mut fields = rest.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let body = match header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => body.get(..length)?,
        None => body,
    };
    Some(Reply { status, date: header("date").and_then(date), body: body.to_owned() })
}

/// A date as in "Wed, 21 Oct 2015 07:28:00 GMT". (RFC 9110, 5.6.7)
fn date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let [_, day, month, year, time, "GMT"] = text.split(' ').collect::<Vec<_>>()[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Reply, date, parse};

    fn reply(status: u16, body: &str) -> Option<Reply> {
        Some(Reply { status, date: None, body: body.to_owned() })
    }

    #[test]
    fn an_answer_that_is_cut_off_is_none() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhome";
        assert_eq!(parse(whole.as_bytes()), reply(200, "home"));
        for end in 0..whole.len() {
            assert_eq!(parse(&whole.as_bytes()[..end]), None, "{end}");
        }
    }

    #[test]
    fn an_answer_without_a_length_ends_with_the_connection() {
        assert_eq!(parse(b"HTTP/1.0 404 Not Found\r\n\r\n"), reply(404, ""));
        assert_eq!(parse(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(parse(b"HTTP/1.1 many\r\n\r\n"), None);
    }

    #[test]
    fn the_services_own_clock_is_read() {
        let answer = "HTTP/1.1 200 OK\r\ndate: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n";
        let read = parse(answer.as_bytes()).and_then(|reply| reply.date);
        assert_eq!(read, Some(UNIX_EPOCH + Duration::from_secs(1_445_412_480)));
        for wrong in ["", "Wed, 21 Oct 2015 07:28:00 CET", "Wed, 21 Okt 2015 07:28:00 GMT", "2015-10-21T07:28:00Z"] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }
}
