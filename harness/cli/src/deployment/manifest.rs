//! A function's manifest, as `cargo lambda deploy` reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use durin_harness::world::lambda::{FunctionSettings, InvokeSettings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    lambda: Lambda,
}

#[derive(Deserialize)]
struct Lambda {
    deploy: Deploy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deploy {
    /// Seconds.
    timeout: u64,
    /// MB; more memory is a faster processor too, which this world does not have.
    memory: u32,
    /// Environment variables.
    #[serde(default)]
    env: BTreeMap<String, String>,
}

/// Reads a manifest; the handling of failed invocations comes from elsewhere.
///
/// # Errors
/// A text that says what is wrong with it.
pub(super) fn settings(function: &str, manifest: &str) -> Result<FunctionSettings, String> {
    let Manifest { package } = toml::from_str(manifest).map_err(|error| error.to_string())?;
    let Deploy { timeout, memory, env } = package.metadata.lambda.deploy;
    if package.name != function {
        return Err(format!("the package is called {}", package.name));
    }
    // Lambda's limits. (Lambda Developer Guide, "Lambda quotas".)
    if !(1..=900).contains(&timeout) {
        return Err(format!("a timeout of {timeout} s is not between 1 and 900"));
    }
    if !(128..=10_240).contains(&memory) {
        return Err(format!("a memory of {memory} MB is not between 128 and 10240"));
    }
    let invoke = InvokeSettings::default();
    Ok(FunctionSettings {
        timeout: Duration::from_secs(timeout),
        memory_mb: memory,
        environment: env,
        reserved_concurrency: None,
        invoke,
    })
}
