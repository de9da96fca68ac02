//! Reports to the host, in a line of JSON whenever it changes, what the machine has mounted and what runs.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Outcome, container, server};

const PORT: &str = "/dev/virtio-ports/rehearsal.reports";
const POLL: Duration = Duration::from_millis(100);
/// The host may have missed one.
const AGAIN: Duration = Duration::from_secs(5);

pub(super) fn report() -> Outcome {
    let mut port = loop {
        match File::options().write(true).open(PORT) {
            Ok(port) => break port,
            // udev makes it in time.
            Err(_) => thread::sleep(POLL),
        }
    };
    let mut reported = (Value::Null, Instant::now());
    loop {
        let now = state(&reported.0);
        if now != reported.0 || reported.1.elapsed() > AGAIN {
            port.write_all(format!("{now}\n").as_bytes())?;
            reported = (now, Instant::now());
        }
        thread::sleep(POLL);
    }
}

fn state(before: &Value) -> Value {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let serves = fs::read_to_string("/run/durin/serves.json").unwrap_or_default();
    let serves: Value = serde_json::from_str(&serves).unwrap_or_default();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server::PORT));
    // durin-node says whether it serves; that it has stopped is seen sooner than it says so.
    let answers = TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
    let k3s = answers && serves["boot"] == boot.trim();
    let workload = container::count() > 0 && (serves["workloads_seconds"].is_number() || before["workload"] == true);
    json!({
        "boot": boot.trim(),
        "mounted": mounted(before),
        "k3s": k3s,
        "workload": workload,
        "released": fs::exists("/run/durin-released").unwrap_or(false),
    })
}

/// The volume at `/data`, by the serial number of its device. One whose device has gone is still the one it was.
fn mounted(before: &Value) -> Value {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let fields = table.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let Some(source) = fields.filter(|it| it.get(1) == Some(&"/data")).map(|it| it[0].to_owned()).next_back() else {
        return Value::Null;
    };
    let device = source.trim_start_matches("/dev/");
    match fs::read_to_string(format!("/sys/block/{device}/device/serial")) {
        Ok(serial) => serial.trim().replacen("vol", "vol-", 1).into(),
        Err(_) => before["mounted"].clone(),
    }
}
