//! The cluster, by k3s's own kubectl.

use std::time::Duration;

use serde_json::Value;

use durin_decisions::k3s::Version;

use super::programs::{self, Deadline};

const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the API server says that it is ready.
pub fn api_is_ready() -> bool {
    let arguments = ["kubectl", "get", "--raw", "/readyz", "--request-timeout=2s"];
    programs::run("k3s", &arguments, Deadline::after(Duration::from_secs(3))).succeeded()
}

/// Which k3s it is that answers, by its API server's word: its program may have been replaced since it started.
pub fn version() -> Option<Version> {
    let arguments = ["kubectl", "get", "--raw", "/version", "--request-timeout=2s"];
    let ran = programs::run("k3s", &arguments, Deadline::after(Duration::from_secs(3)));
    let said: Value = serde_json::from_str(&ran.output).ok()?;
    Version::read(said["gitVersion"].as_str()?)
}

/// # Errors
/// What kubectl said.
pub fn get(arguments: &[&str]) -> Result<Value, String> {
    get_until(arguments, Deadline::after(PATIENCE))
}

/// # Errors
/// What kubectl said.
pub fn get_until(arguments: &[&str], deadline: Deadline) -> Result<Value, String> {
    let arguments = [&["kubectl", "get"], arguments, &["--output=json", "--request-timeout=5s"]].concat();
    let ran = programs::run("k3s", &arguments, deadline);
    if !ran.succeeded() {
        return Err(ran.reason());
    }
    serde_json::from_str(&ran.output).map_err(|error| format!("kubectl get: {error}"))
}

/// # Errors
/// What kubectl said.
pub fn run(arguments: &[&str], deadline: Deadline) -> Result<(), String> {
    let ran = programs::run("k3s", &[&["kubectl"], arguments].concat(), deadline);
    if ran.succeeded() { Ok(()) } else { Err(ran.reason()) }
}

/// # Errors
/// What kubectl said.
pub fn soon(arguments: &[&str]) -> Result<(), String> {
    run(arguments, Deadline::after(PATIENCE))
}
