//! Runs inside a rehearsal's machines. Called `k3s` it is a stand-in for k3s: its command line, its data directory, SQLite
//! as k3s uses it, processes below `kubepods.slice`, and writes that it acknowledges over HTTP. It is no Kubernetes. Called
//! `rehearsal` it sets the network up, and reports to the host.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
