//! `k3s kubectl`: what durin-node asks. The cluster has a node and two pods, and forgets what it is told.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::server::{self, setting};
use super::{Outcome, address, container, print};

const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn run(arguments: &[&str]) -> Outcome {
    let plain: Vec<&str> = arguments.iter().copied().filter(|it| !it.starts_with("--") || *it == "--raw").collect();
    match plain.as_slice() {
        ["version"] => {
            unpack()?;
            print("Client Version: none (a stand-in for k3s)").map_err(Into::into)
        }
        ["get", "--raw", path] => print(&ask(path)?).map_err(Into::into),
        ["get", rest @ ..] => {
            ask("/readyz")?;
            print(&found(rest).to_string()).map_err(Into::into)
        }
        ["annotate" | "uncordon" | "cordon" | "drain" | "delete", ..] => ask("/readyz").map(drop),
        other => Err(format!("kubectl: the stand-in has no {other:?}").into()),
    }
}

/// As k3s unpacks itself when it is first called, so that nothing does it on the volume, in the outage.
fn unpack() -> Outcome {
    const UNPACKED: &str = "/var/lib/rancher/k3s/data/stand-in/bin";
    fs::create_dir_all(UNPACKED)?;
    fs::write(Path::new(UNPACKED).join("k3s"), "a stand-in, which has nothing to unpack\n").map_err(Into::into)
}

fn ask(path: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server::PORT))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
        _ => Err(format!("the stand-in for k3s says {answer}").into()),
    }
}

fn found(what: &[&str]) -> Value {
    let own = address::own().unwrap_or_default();
    let ready = json!([{ "type": "Ready", "status": "True" }]);
    let node = || {
        let name = setting("node-name").unwrap_or_default();
        let addresses = json!([{ "type": "InternalIP", "address": own }]);
        json!({ "metadata": { "name": name }, "status": { "addresses": addresses, "conditions": ready } })
    };
    match what {
        ["node", _] => node(),
        ["nodes"] => json!({ "items": [node()] }),
        ["endpointslices"] => json!({ "items": [{ "endpoints": [{ "addresses": [own] }] }] }),
        ["pods"] => {
            let pod = |number: usize| {
                let metadata = json!({ "namespace": "default", "name": format!("pod{number}") });
                json!({ "metadata": metadata, "status": { "phase": "Running", "conditions": ready } })
            };
            json!({ "items": (0..container::count()).map(pod).collect::<Vec<_>>() })
        }
        _ => json!({ "items": [] }),
    }
}
