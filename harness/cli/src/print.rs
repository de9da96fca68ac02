//! What the program prints. If its reader has seen enough (`durin demo | head -1`), it ends without a word.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::exit;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Prints a line, or ends the program if nobody reads it any more.
pub fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => exit(0),
        Err(error) => {
            complain(format_args!("cannot print: {error}"));
            exit(1)
        }
    }
}

/// Prints what went wrong. If nobody reads that either, there is nobody left to tell.
pub fn complain(text: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr(), "error: {text}"));
}

/// Says on standard error why nothing else comes for a while.
pub fn tell(text: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// A line like `println!`'s.
macro_rules! say {
    () => { $crate::print::line(format_args!("")) };
    ($($text:tt)+) => { $crate::print::line(format_args!($($text)+)) };
}
pub(crate) use say;

/// Whether to print in colours: on a terminal, unless `NO_COLOR` is set. (<https://no-color.org>)
pub fn is_coloured() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_plain = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !refused && !is_plain
}

/// How far a long measurement has come: a line on standard error that overwrites itself. Nothing unless that is a terminal.
pub struct Progress {
    is_shown: bool,
    what: String,
    of: usize,
    done: AtomicUsize,
}

impl Progress {
    /// `of`: the number of steps in all.
    pub fn begin(what: String, of: usize) -> Progress {
        let progress = Progress { is_shown: io::stderr().is_terminal(), what, of, done: AtomicUsize::new(0) };
        progress.show(0);
        progress
    }

    /// One more step is done.
    pub fn step(&self) {
        self.show(self.done.fetch_add(1, Ordering::Relaxed) + 1);
    }

    fn show(&self, done: usize) {
        if self.is_shown {
            drop(write!(io::stderr(), "\r\x1b[K{}: {done} of {}", self.what, self.of));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }
}

/// An argument that is not understood: the program ends with 2 and not with 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(pub String);
