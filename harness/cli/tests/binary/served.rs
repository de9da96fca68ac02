use std::io::{BufRead, BufReader, Read};
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
fn a_port_that_is_taken_is_a_no() {
    let served = Served::start(&["--quiet"]);
    let text = refused(&["serve", "--port", &served.port.to_string()], 1);
    assert!(text.contains(&format!("port {} is taken", served.port)), "{text}");
}
