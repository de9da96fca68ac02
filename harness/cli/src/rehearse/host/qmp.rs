//! QEMU's own control: disks are plugged and unplugged, the power button pressed. (QEMU, "QEMU QMP Reference Manual")

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::json_lines::JsonLines;

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Qmp(JsonLines);

impl Qmp {
    pub(super) fn connect(path: &Path) -> Result<Qmp, String> {
        let mut lines = JsonLines::connect(path, PATIENCE).map_err(text)?;
        lines.hear(Some(PATIENCE)).map_err(text)?;
        let mut qmp = Qmp(lines);
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    pub(super) fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, String> {
        self.0.say(&json!({ "execute": command, "arguments": arguments })).map_err(text)?;
        loop {
            let heard = self.0.hear(Some(PATIENCE)).map_err(text)?;
            if let Some(error) = heard.get("error") {
                return Err(format!("QEMU says to {command}: {}", error["desc"].as_str().unwrap_or_default()));
            }
            if let Some(answer) = heard.get("return") {
                return Ok(answer.clone());
            }
        }
    }

    /// Takes the device out; whether it has left in time.
    pub(super) fn remove_device(&mut self, id: &str, within: Duration) -> Result<bool, String> {
        let end = Instant::now() + within;
        while Instant::now() < end {
            // Whether it is still there is asked, not heard: the event may have come with another answer. A second request
            // while the first is under way is refused, and does no harm.
            drop(self.execute("device_del", json!({ "id": id })));
            for _ in 0..10 {
                let left =
                    self.execute("qom-get", json!({ "path": format!("/machine/peripheral/{id}"), "property": "type" }));
                if left.is_err() {
                    return Ok(true);
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        Ok(false)
    }
}

fn text(error: std::io::Error) -> String {
    format!("QEMU does not answer: {error}")
}
