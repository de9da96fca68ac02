//! A client of the node that writes numbers, one after the other, and remembers which were acknowledged.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use durin_harness::LocalAws;
use durin_harness::world::steady::NodeNames;

use super::host::Host;

const EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(20);

/// What was acknowledged, and what of it was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// The highest number that was acknowledged.
    pub(crate) acknowledged: u64,
    /// What was there when an instance served for the first time.
    pub(crate) found: Vec<Found>,
    /// Who served last.
    server: Option<String>,
    /// When that number was acknowledged, for the last ones.
    recent: Vec<(u64, Instant)>,
}

/// What an instance found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) instance: String,
    /// So many had been acknowledged before.
    pub(crate) of: u64,
    /// All up to this one are there.
    pub(crate) highest: u64,
    pub(crate) count: u64,
    /// For how long before the last acknowledgment those had been acknowledged that are missing.
    pub(crate) missing_since: Duration,
}

/// The client. It stops with this.
pub(crate) struct Writer {
    ledger: Arc<Mutex<Ledger>>,
    stops: Arc<AtomicBool>,
}

impl Writer {
    pub(crate) fn begin(aws: LocalAws, node: NodeNames, host: Host) -> Writer {
        let (ledger, stops) = (Arc::new(Mutex::new(Ledger::default())), Arc::new(AtomicBool::new(false)));
        let client = Client { aws, node, host, ledger: Arc::clone(&ledger) };
        let stopped = Arc::clone(&stops);
        thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                client.write_one();
                thread::sleep(EVERY);
            }
        });
        Writer { ledger, stops }
    }

    pub(crate) fn ledger(&self) -> Ledger {
        lock(&self.ledger).clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::SeqCst);
    }
}

struct Client {
    aws: LocalAws,
    node: NodeNames,
    host: Host,
    ledger: Arc<Mutex<Ledger>>,
}

impl Client {
    fn write_one(&self) {
        let Some((instance, port)) = self.resolve() else { return };
        if lock(&self.ledger).server.as_ref() != Some(&instance) {
            // Of a silent one it is not known yet.
            let Some((count, highest)) = ask(port, "GET", "/writes").and_then(|text| counted(&text)) else { return };
            lock(&self.ledger).on_server(instance, count, highest);
        }
        let next = lock(&self.ledger).acknowledged + 1;
        if ask(port, "POST", &format!("/writes/{next}")).is_some_and(|answer| answer == next.to_string()) {
            lock(&self.ledger).on_acknowledged(next);
        }
    }

    /// By the record, as any client; the answer is a port on the loopback interface, because each machine has a network of
    /// its own.
    fn resolve(&self) -> Option<(String, u16)> {
        let instance = self.aws.world(|world| {
            let zone = world.route53.zone(&self.node.zone_id)?;
            let address = zone.record_set(&self.node.record_name, "A")?.values.first()?.clone();
            let found = world.ec2.instances().values().find(|instance| instance.private_ip == address)?;
            Some(found.id.clone())
        })?;
        let port = self.host.machine(&instance).filter(|machine| machine.has_power())?.port;
        Some((instance, port))
    }
}

impl Ledger {
    fn on_server(&mut self, instance: String, count: u64, highest: u64) {
        let last = self.recent.last().map(|(_, at)| *at);
        let first_missing = self.recent.iter().find(|(number, _)| *number > highest).map(|(_, at)| *at);
        let missing_since = last.zip(first_missing).map(|(last, first)| last - first).unwrap_or_default();
        self.found.push(Found { instance: instance.clone(), of: self.acknowledged, highest, count, missing_since });
        self.server = Some(instance);
        self.recent.clear();
        // What was lost is lost; the next write has the next number that is free.
        self.acknowledged = highest;
    }

    fn on_acknowledged(&mut self, number: u64) {
        self.acknowledged = number;
        self.recent.push((number, Instant::now()));
    }
}

fn ask(port: u16, method: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE).ok()?;
    stream.set_read_timeout(Some(ANSWER)).ok()?;
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: node\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// As SQLite prints two columns.
fn counted(text: &str) -> Option<(u64, u64)> {
    let (count, highest) = text.trim().split_once('|')?;
    Some((count.parse().ok()?, highest.parse().ok()?))
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
