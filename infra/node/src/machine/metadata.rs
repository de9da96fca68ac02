//! The instance metadata service, version 2: a token first, then questions. (EC2 User Guide, "Use the Instance Metadata
//! Service to access instance metadata")

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

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
        let token = match self.token.take() {
            Some(token) => token,
            None => self.new_token()?,
        };
        match self.ask("GET", path, ("X-aws-ec2-metadata-token", &token))? {
            (200, body) => {
                self.token = Some(token);
                Ok(Some(body))
            }
            (404, _) => {
                self.token = Some(token);
                Ok(None)
            }
            // The next question gets a new token.
            (status, _) => Err(Failure::Refused(status, path.to_owned())),
        }
    }

    fn new_token(&self) -> Result<String, Failure> {
        match self.ask("PUT", "api/token", ("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS))? {
            (200, token) if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(token),
            (200, _) => Err(Failure::Garbled),
            (status, _) => Err(Failure::Refused(status, "api/token".to_owned())),
        }
    }

    fn ask(&self, method: &str, path: &str, header: (&str, &str)) -> Result<(u16, String), Failure> {
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

/// The status and the body of an answer that has come whole.
fn parse(answer: &[u8]) -> Option<(u16, String)> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let body = match length {
        Some(length) => body.get(..length)?,
        None => body,
    };
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_answer_that_is_cut_off_is_none() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhome";
        assert_eq!(parse(whole.as_bytes()), Some((200, "home".to_owned())));
        for end in 0..whole.len() {
            assert_eq!(parse(&whole.as_bytes()[..end]), None, "{end}");
        }
    }

    #[test]
    fn an_answer_without_a_length_ends_with_the_connection() {
        assert_eq!(parse(b"HTTP/1.0 404 Not Found\r\n\r\n"), Some((404, String::new())));
        assert_eq!(parse(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(parse(b"HTTP/1.1 many\r\n\r\n"), None);
    }
}
