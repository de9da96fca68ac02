//! Other people's programs, each within a time.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// No more of what a program says is kept: e2fsck may list millions of errors.
const MOST: u64 = 16 << 20;

/// A moment when nothing more may be begun, on a clock that cannot be set.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(span: Duration) -> Deadline {
        Deadline(Instant::now() + span)
    }

    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    /// So much earlier.
    #[must_use]
    pub fn less(self, span: Duration) -> Deadline {
        Deadline(self.0.checked_sub(span).unwrap_or(self.0))
    }

    /// As long as this, or less if the deadline is nearer.
    pub fn at_most(self, span: Duration) -> Deadline {
        Deadline(self.0.min(Instant::now() + span))
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    With(i32),
    /// It was killed: by us, for it took too long.
    TooLate,
    /// It was killed by somebody else.
    Killed,
    /// There is no such program, or it cannot be started: why.
    NotStarted(String),
}

/// What a program did.
#[derive(Clone, Debug)]
pub struct Ran {
    pub ended: Ended,
    /// On standard output and error, without the last line's end.
    pub said: String,
    pub output: String,
}

impl Ran {
    pub fn succeeded(&self) -> bool {
        self.ended == Ended::With(0)
    }

    pub fn code(&self) -> Option<i32> {
        match self.ended {
            Ended::With(code) => Some(code),
            Ended::TooLate | Ended::Killed | Ended::NotStarted(_) => None,
        }
    }

    /// In the words of a report: "done", "took too long", "failed with 1".
    pub fn outcome(&self) -> String {
        match &self.ended {
            Ended::With(0) => "done".to_owned(),
            Ended::With(code) => format!("failed with {code}"),
            Ended::TooLate => "took too long".to_owned(),
            Ended::Killed => "was killed".to_owned(),
            Ended::NotStarted(why) => format!("could not be started ({why})"),
        }
    }

    /// What it said, or how it ended if it said nothing, on one line.
    pub fn reason(&self) -> String {
        let said = self.said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        if said.is_empty() { self.outcome() } else { said }
    }
}

/// A command that finds what administrators find, whatever the environment of the agent that runs us.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env("LC_ALL", "C").env(
        "PATH",
        format!(
            "{path}{}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            if path.is_empty() { "" } else { ":" }
        ),
    );
    command
}

/// Runs a program until the deadline, then kills it and what it has started. One that hangs inside the kernel is left
/// behind: it outlives us, and has nothing of ours that anybody waits for.
pub fn run(program: &str, arguments: &[&str], deadline: Deadline) -> Ran {
    run_command(&mut command(program, arguments), deadline)
}

/// The same, for a command with more to it.
pub fn run_command(command: &mut Command, deadline: Deadline) -> Ran {
    let nothing = |ended| Ran { ended, said: String::new(), output: String::new() };
    if deadline.has_passed() {
        return nothing(Ended::TooLate);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return nothing(Ended::NotStarted(error.to_string())),
    };
    let outputs = [reader(child.stdout.take()), reader(child.stderr.take())];
    let ended = wait(&mut child, deadline);
    // A process that has inherited the pipes may keep them open.
    let [output, error] = outputs.map(|output| output.recv_timeout(Duration::from_millis(300)).unwrap_or_default());
    Ran { ended, said: format!("{output}{error}").trim_end().to_owned(), output }
}

fn wait(child: &mut Child, deadline: Deadline) -> Ended {
    let mut pause = Duration::from_millis(1);
    let killed_at_the_latest = Deadline::after(deadline.left() + Duration::from_millis(500));
    let mut was_killed = false;
    loop {
        match child.try_wait() {
            Ok(Some(_)) if was_killed => return Ended::TooLate,
            Ok(Some(status)) => return status.code().map_or(Ended::Killed, Ended::With),
            Ok(None) => {}
            Err(error) => return Ended::NotStarted(error.to_string()),
        }
        if killed_at_the_latest.has_passed() {
            return Ended::TooLate;
        }
        if deadline.has_passed() && !was_killed {
            was_killed = true;
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // It may have ended this very moment.
                _ = kill_process_group(group, Signal::KILL);
            }
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error counts.
            drop(pipe.by_ref().take(MOST).read_to_end(&mut bytes));
            // Nobody waits for somebody to read the rest.
            drop(io::copy(&mut pipe, &mut io::sink()));
            drop(sender.send(String::from_utf8_lossy(&bytes).into_owned()));
        });
    }
    receiver
}
