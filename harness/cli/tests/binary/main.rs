//! The program itself: what it prints, what it refuses, and with which exit status.

mod arguments;
mod documents;
#[cfg(unix)]
mod invoking;
mod pictures;
mod proof;
#[cfg(unix)]
mod rehearsing;
#[cfg(unix)]
mod served;
mod simulating;

use std::process::{Command, Output, Stdio};

/// The program, with these arguments.
fn durin(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_durin"));
    command.args(arguments).stdin(Stdio::null()).env_remove("AWS_ENDPOINT_URL").env_remove("NO_COLOR");
    command
}

/// Runs it to its end.
fn run(arguments: &[&str]) -> Output {
    durin(arguments).output().expect("the program starts")
}

/// What it complains about, if it ends with that status and has printed nothing else.
fn refused(arguments: &[&str], status: i32) -> String {
    let Output { status: ended, stdout, stderr } = run(arguments);
    let text = String::from_utf8(stderr).expect("UTF-8");
    assert_eq!(ended.code(), Some(status), "{arguments:?}: {text}");
    assert_eq!(String::from_utf8_lossy(&stdout), "", "{arguments:?}");
    assert!(!text.contains("panicked"), "{text}");
    text
}
