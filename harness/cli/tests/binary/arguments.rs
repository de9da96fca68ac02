use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::{durin, refused, run};

const COMMANDS: [&str; 20] = [
    "demo",
    "serve",
    "interrupt",
    "recommend",
    "reclaim",
    "retire",
    "stick-volume",
    "no-capacity",
    "bad-image",
    "lose-event",
    "bake",
    "speed",
    "invoke",
    "event",
    "simulate",
    "outage",
    "bench-calls",
    "prune-bench",
    "rehearse",
    "record",
];

#[test]
fn help_and_version_are_the_programs_own() {
    let text = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(text(&["--version"]), concat!("durin ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = text(&["--help"]);
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let help = text(&[command, "--help"]);
        assert!(help.contains(&format!("Usage: durin {command}")) && help.contains("Example: "), "{help}");
    }
}

#[test]
fn what_is_not_understood_is_refused_before_anything_is_done() {
    for (arguments, says) in [
        (&["serve", "--speed", "0"][..], "0.01 to 10000"),
        (&["serve", "--speed", "1e99"], "0.01 to 10000"),
        (&["serve", "--speed", "NaN"], "0.01 to 10000"),
        (&["serve", "--port", "99999"], "0..=65535"),
        (&["serve", "--world", ""], "neither one-node, empty, nor a file"),
        (&["outage", "--seed", "18446744073709551615"], "is not in 0..=18446744073709451615"),
        (&["outage", "--runs", "0"], "1..=100000"),
        (&["bench-calls", "--runs", "0"], "1..=100000"),
        (&["bench-calls", "--seed", "18446744073709551615"], "is not in 0..=18446744073709451615"),
        (&["simulate", "--seeds", "7"], "7 is not like 1..1000"),
        (&["simulate", "--seeds", "5..3"], "5..3 has nothing in it"),
        (&["simulate", "--seeds", "0..100000"], "0..100000 are more than 100000"),
        (&["simulate", "--seeds", "-1..3"], "-1 is not in 0..=18446744073709551615"),
        (&["simulate", "--seed", "3", "--seeds", "1..3"], "cannot be used with"),
        (&["simulate", "--trace"], "--seed <N>"),
        (&["simulate", "--hours", "0"], "1..=168"),
        (&["simulate", "--jobs", "0"], "1..=256"),
        (&["simulate", "--faults", "some"], "[possible values: all, none, events, calls, deaths, agents]"),
        (&["prune-bench", "--images", "4000000000"], "200..=50000"),
        (&["serve", "--speed", "-3"], "invalid value '-3' for '--speed <SPEED>': it takes a number from 0.01 to 10000"),
        (&["invoke", "node-resync", "schedule", "--speed", "-3"], "0.01 to 10000"),
        (&["serve", "--port", "-1"], "-1 is not in 0..=65535"),
        (&["outage", "--runs", "-5"], "-5 is not in 1..=100000"),
        (&["outage", "--seed", "-1"], "'-1' for '--seed <SEED>': -1 is not in 0..=18446744073709451615"),
        (&["prune-bench", "--images", "-1"], "200..=50000"),
        (&["prune-bench", "--seed", "-1"], "'-1' for '--seed <SEED>': -1 is not in 0..=18446744073709551615"),
        (&["demo", "--seed", "-1"], "'-1' for '--seed <SEED>': -1 is not in 0..=18446744073709551615"),
        (&["demo", "--seed", "18446744073709551616"], "18446744073709551616 is not in 0..=18446744073709551615"),
        (&["interrupt"], "<NODE>"),
        (&["no-capacity", "perhaps"], "[possible values: on, off]"),
        (&["speed", "-1"], "it takes a number from 0.01 to 10000, or 0"),
        (&["record", "/there/is/no/such/folder"], "is not a folder"),
        (&["juggle"], "unrecognized subcommand 'juggle'"),
        (&[], "Usage: durin <COMMAND>"),
    ] {
        let text = refused(arguments, 2);
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_without_a_word() {
    let mut demo = durin(&["demo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
    let mut first = String::new();
    // The pipe is closed when the reader is dropped.
    BufReader::new(demo.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    let ended = demo.wait_with_output().expect("an end");
    assert_eq!(first, "1. EC2 wants the capacity back\n");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}
