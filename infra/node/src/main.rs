//! `durin-node`: see the library.

mod arguments;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    arguments::Arguments::parse().carry_out()
}
