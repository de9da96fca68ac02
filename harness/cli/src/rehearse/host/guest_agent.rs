//! QEMU's guest agent: what Systems Manager's agent is on an instance. It runs shell scripts. (QEMU, "QEMU Guest Agent
//! Protocol Reference")

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::json_lines::JsonLines;

/// For an answer that does not depend on what runs.
const PATIENCE: Duration = Duration::from_secs(15);

/// The way to the agent, for one request at a time.
pub(super) struct GuestAgent(Mutex<PathBuf>);

/// How a script ended.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// 128 and the number, for a signal.
    pub(crate) status: i32,
    /// On standard output.
    pub(crate) output: String,
    /// On standard error.
    pub(crate) error: String,
}

impl GuestAgent {
    pub(super) fn at(socket: &Path) -> GuestAgent {
        GuestAgent(Mutex::new(socket.to_owned()))
    }

    pub(super) fn answers(&self) -> bool {
        self.ask_within("guest-ping", &json!({}), Duration::from_secs(2)).is_ok()
    }

    pub(super) fn ask(&self, command: &str, arguments: &Value) -> Result<Value, String> {
        self.ask_within(command, arguments, PATIENCE)
    }

    /// Starts a script; the answer is its process.
    pub(super) fn start(&self, script: &str) -> Result<i64, String> {
        let arguments = json!({ "path": "/bin/sh", "arg": ["-c", script], "capture-output": true });
        let started = self.ask("guest-exec", &arguments)?;
        started["pid"].as_i64().ok_or_else(|| format!("the guest agent says {started}"))
    }

    pub(super) fn ended(&self, pid: i64) -> Result<Option<Ran>, String> {
        let state = self.ask("guest-exec-status", &json!({ "pid": pid }))?;
        if state["exited"] != true {
            return Ok(None);
        }
        let status = state["exitcode"].as_i64().or(state["signal"].as_i64().map(|signal| 128 + signal));
        let text = |key: &str| decoded(state[key].as_str().unwrap_or_default());
        let status = i32::try_from(status.unwrap_or(-1)).unwrap_or(-1);
        Ok(Some(Ran { status, output: text("out-data"), error: text("err-data") }))
    }

    /// Runs a script to its end.
    pub(super) fn run(&self, script: &str, within: Duration) -> Result<Ran, String> {
        let pid = self.start(script)?;
        let end = Instant::now() + within;
        loop {
            if let Some(ran) = self.ended(pid)? {
                return Ok(ran);
            }
            if Instant::now() > end {
                return Err(format!("it has not ended for {} s: {script}", within.as_secs()));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn ask_within(&self, command: &str, arguments: &Value, within: Duration) -> Result<Value, String> {
        let text = |error: std::io::Error| format!("the guest agent does not answer: {error}");
        let socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = JsonLines::connect(&socket, within).map_err(text)?;
        // Answers to whoever has given up before us may still be on their way.
        let id = fastrand::u32(1..);
        lines.say(&json!({ "execute": "guest-sync", "arguments": { "id": id } })).map_err(text)?;
        while lines.hear(Some(within)).map_err(text)?["return"] != id {}
        lines.say(&json!({ "execute": command, "arguments": arguments })).map_err(text)?;
        let heard = lines.hear(Some(within)).map_err(text)?;
        match heard.get("return") {
            Some(answer) => Ok(answer.clone()),
            None => Err(format!("the guest agent says to {command}: {}", heard["error"]["desc"])),
        }
    }
}

/// Base64, as the agent has output. What is wrong is left out.
fn decoded(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for digit in text.bytes().filter_map(|byte| DIGITS.iter().position(|it| *it == byte)) {
        bits = bits << 6 | u32::try_from(digit).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn output_comes_in_base64() {
        assert_eq!(decoded(""), "");
        assert_eq!(decoded("eWVz"), "yes");
        assert_eq!(decoded("eWVzCg=="), "yes\n");
        assert_eq!(decoded("bm8="), "no");
    }
}
