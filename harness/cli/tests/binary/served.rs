use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::{durin, refused};

/// A running `durin serve`, on a port of its own.
struct Served {
    process: Child,
    out: BufReader<ChildStdout>,
    port: u16,
}

impl Served {
    fn start(arguments: &[&str]) -> Served {
        let mut command = durin(&["serve", "--port", "0"]);
        let mut process = command.args(arguments).stdout(Stdio::piped()).spawn().expect("a process");
        let mut out = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let (_, rest) = line.split_once("http://127.0.0.1:").unwrap_or_else(|| panic!("{line}"));
        let port = rest.split(';').next().and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("{line}"));
        Served { process, out, port }
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }

    /// Reads on until a line has all of these in it. The test's own time is up long before the reader's.
    fn tells(&mut self, words: &[&str]) -> String {
        let begun = Instant::now();
        let mut told = String::new();
        while begun.elapsed() < Duration::from_secs(60) {
            let mut line = String::new();
            assert_ne!(self.out.read_line(&mut line).expect("a line"), 0, "it has ended without {words:?}:\n{told}");
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            told.push_str(&line);
        }
        panic!("never {words:?} in\n{told}");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn it_ends_in_good_order() {
    for signal in ["-INT", "-TERM"] {
        let mut served = Served::start(&["--quiet"]);
        served.tells(&["export AWS_ACCESS_KEY_ID"]);
        served.signal(signal);
        let mut rest = String::new();
        served.out.read_to_string(&mut rest).expect("UTF-8");
        assert!(rest.ends_with("\nStopped. The world is gone.\n"), "{rest}");
        assert_eq!(served.process.wait().expect("an end").code(), Some(0));
    }
}

#[test]
fn it_offers_only_what_can_happen_to_a_node() {
    let world = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spot-and-on-demand.json");
    fs::write(&world, r#"{"nodes": [{"name": "home"}, {"name": "away", "spot": false}]}"#).expect("a file");
    let mut served = Served::start(&["--quiet", "--world", &world.display().to_string()]);
    for (node, offers) in
        [("away", "just retire away   # what no AWS API can cause (EC2 interrupts "), ("home", "just interrupt home ")]
    {
        served.tells(&["# the node ", node, ", image parameter /durin/image"]);
        let line = served.tells(&["just "]);
        assert!(line.trim_start().starts_with(offers), "{node}: {line}");
    }
}

#[test]
fn a_port_that_is_taken_is_a_no() {
    let served = Served::start(&["--quiet"]);
    let text = refused(&["serve", "--port", &served.port.to_string()], 1);
    assert!(text.contains(&format!("port {} is taken", served.port)), "{text}");
}

impl Served {
    /// The program, with this world's endpoint.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = durin(arguments);
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port));
        command
    }

    /// What it prints, or complains about, and its exit status.
    fn answers(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().expect("the program starts");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
        (output.status.code(), text)
    }
}

#[test]
fn a_node_that_is_interrupted_moves_and_everything_is_shown() {
    let mut served = Served::start(&["--speed", "20"]);
    let (status, text) = served.answers(&["interrupt", "k3s"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.starts_with("EC2 has warned i-") && text.ends_with("in two minutes.\n"), "{text}");
    served.tells(&["call    operator calls durin:interrupt k3s"]);
    served.tells(&["spot interruption warning: terminate"]);
    served.tells(&["event   EC2 Spot Instance Interruption Warning: i-"]);
    served.tells(&["invoke  durin-spot-interruption"]);
    served.tells(&["call    durin-", "ssm:SendCommand durin-release"]);
    served.tells(&["guest   i-", "workload is up"]);
}

#[test]
fn the_terminal_and_the_page_tell_the_same() {
    let mut served = Served::start(&["--speed", "20"]);
    served.answers(&["interrupt", "k3s"]);
    let mut told = String::new();
    while !told.contains("workload is up") {
        assert_ne!(served.out.read_line(&mut told).expect("a line"), 0, "{told}");
    }
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).expect("a world");
    let asks =
        format!("GET /durin/state?from=0 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", served.port);
    stream.write_all(asks.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    let (_, state) = answer.split_once("\r\n\r\n").expect("an answer");
    let state: serde_json::Value = serde_json::from_str(state).expect("JSON");
    let rows = state["rows"].as_array().expect("rows").iter().filter(|row| row["noise"] == false);
    let rows: Vec<String> = rows
        .map(|row| ["at", "kind", "text"].map(|field| row[field].as_str().expect("words")).join(" "))
        .skip_while(|row| !row.contains("durin:interrupt"))
        .collect();
    let last = rows.iter().position(|row| row.contains("workload is up")).expect("an end");
    assert!(last > 30, "{rows:#?}");
    for row in &rows[..=last] {
        assert!(told.contains(row), "the terminal has no row {row:?}: {told}");
    }
}

#[test]
fn a_failure_is_shown() {
    let mut served = Served::start(&["--speed", "20"]);
    assert_eq!(served.answers(&["no-capacity", "on"]).0, Some(0));
    assert_eq!(served.answers(&["reclaim", "k3s"]).0, Some(0));
    let line = served.tells(&["launch failed: "]);
    assert!(!line.contains('\x1b'), "in colour, although no terminal shows it: {line}");
}

#[test]
fn an_unknown_node_is_not_understood_and_the_others_are_named() {
    let served = Served::start(&["--quiet"]);
    let (status, text) = served.answers(&["interrupt", "homer"]);
    assert_eq!((status, text.as_str()), (Some(2), "error: there is no node \"homer\". There is one node: k3s.\n"));
    let (status, text) = served.answers(&["reclaim", ""]);
    assert_eq!((status, text.as_str()), (Some(2), "error: node is missing\n"));
    assert_eq!(served.answers(&["interrupt", "k3s"]).0, Some(0));
    let (status, text) = served.answers(&["interrupt", "k3s"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("has had its warning"), "{text}");
    assert_eq!(served.answers(&["no-capacity", "maybe"]).0, Some(2));
}

#[test]
fn what_else_can_happen_has_a_command() {
    let served = Served::start(&["--quiet"]);
    for (arguments, says) in [
        (&["stick-volume", "k3s"][..], "stays in detaching until its instance ends."),
        (&["bad-image", "on"], " is bad: k3s does not come up"),
        (&["bad-image", "off"], "Every image is good again"),
        (&["lose-event"], "The next event that a rule waits for is lost."),
        (&["retire", "k3s"], "AWS Health says that the host of i-"),
        (&["speed", "0"], "Time stands still."),
        (&["speed", "2.5"], "Time runs at 2.5 x."),
    ] {
        let (status, text) = served.answers(arguments);
        assert!(status == Some(0) && text.contains(says), "{arguments:?}: {text}");
    }
}

#[test]
fn only_a_world_that_is_served_is_told_what_to_do() {
    let text = refused(&["interrupt", "k3s", "--endpoint", "https://ec2.eu-central-1.amazonaws.com"], 2);
    assert!(text.contains("it takes a loopback address such as http://127.0.0.1:4566"), "{text}");
    let text = refused(&["interrupt", "k3s", "--endpoint", "http://127.0.0.1:1"], 1);
    assert!(text.contains("no world is served at http://127.0.0.1:1") && text.contains("just serve"), "{text}");
}

#[test]
fn its_clock_is_the_machines() {
    let mut served = Served::start(&["--world", "one-node"]);
    served.answers(&["recommend", "k3s"]);
    let line = served.tells(&["durin:recommend"]);
    let now = Command::new("date").args(["-u", "+%H:%M:%S"]).output().expect("date").stdout;
    let seconds = |clock: &str| {
        let parts: Vec<i64> = clock.trim().split(':').map(|part| part.parse().expect("a number")).collect();
        parts[0] * 3600 + parts[1] * 60 + parts[2]
    };
    let ahead = seconds(&line[..8]) - seconds(&String::from_utf8_lossy(&now));
    // Midnight may come between the two.
    assert!(ahead.rem_euclid(86_400) <= 1 || ahead.rem_euclid(86_400) >= 86_340, "{ahead} s ahead: {line}");
}
