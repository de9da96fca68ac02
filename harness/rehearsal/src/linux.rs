mod address;
mod container;
mod datastore;
mod is_free;
mod kubectl;
mod network;
mod report;
mod server;

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

type Outcome = Result<(), Box<dyn Error>>;

pub(super) fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let own = arguments.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let ran = match (own.to_str(), rest.as_slice()) {
        (Some("rehearsal"), ["network"]) => network::set_up(),
        (Some("rehearsal"), ["is-free", serial]) => is_free::check(serial),
        (Some("rehearsal"), ["report"]) => report::report(),
        (Some("k3s"), ["server", ..]) => server::serve(),
        (Some("k3s"), ["container", cgroup, directory]) => container::run(Path::new(cgroup), Path::new(directory)),
        (Some("k3s"), ["kubectl", rest @ ..]) => kubectl::run(rest),
        (Some("k3s"), ["--version"]) => {
            print("k3s version v0.0.0+k3s0 (no Kubernetes: a stand-in for rehearsals)").map_err(Into::into)
        }
        (_, other) => Err(format!("the stand-in for k3s has no {other:?}").into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody else hears it.
            drop(writeln!(io::stderr(), "stand-in for k3s: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn print(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
