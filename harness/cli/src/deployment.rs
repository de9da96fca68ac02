//! What is deployed: the functions' code, with the settings, rules and schedules that a user deploys.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::failure::Failure;
use durin_harness::templates::{self, TemplateError};
use durin_harness::world::World;
use durin_harness::world::bus::FunctionSettings;
use durin_harness::world::error::ApiError;
use durin_harness::{FunctionError, Handler, LocalAws};
use serde::Deserialize;
use serde_json::Value;

/// The template that holds the rules.
const RULES: &str = include_str!("../../../infra/rules.yaml");

/// The template that holds the release document.
const RELEASE: &str = include_str!("../../../infra/release.yaml");

/// Every function: its name, and the manifest that says how it is deployed.
const FUNCTIONS: [(&str, &str); 3] = [
    ("durin-node-lifecycle", include_str!("../../../functions/node-lifecycle/Cargo.toml")),
    ("durin-node-resync", include_str!("../../../functions/node-resync/Cargo.toml")),
    ("durin-spot-interruption", include_str!("../../../functions/spot-interruption/Cargo.toml")),
];

/// Why the deployment could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// A template says something that the local AWS does not understand.
    #[error("a template in infra/: {0}")]
    Template(#[from] TemplateError),
    /// Systems Manager would refuse a document.
    #[error("infra/release.yaml: {0}")]
    Document(#[from] ApiError),
    /// A rule's target is not one of our functions.
    #[error("infra/rules.yaml: the rule {rule} invokes {function}, which does not exist")]
    NoSuchFunction {
        /// The rule.
        rule: String,
        /// Its target.
        function: String,
    },
    /// A function's manifest lacks its deploy settings.
    #[error("the manifest of {function}: {problem}")]
    Manifest {
        /// The function.
        function: &'static str,
        /// What is wrong.
        problem: Box<toml::de::Error>,
    },
}

/// The names of all functions.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}

/// Puts rules, schedules and functions into a world.
///
/// # Errors
/// When what a user would deploy cannot be understood.
pub fn deploy(world: &mut World) -> Result<(), DeploymentError> {
    for (name, manifest) in FUNCTIONS {
        world.put_function(name, settings(name, manifest)?);
    }
    for (name, content) in templates::documents(RELEASE)? {
        world.put_document(&name, &content)?;
    }
    for rule in templates::rules(RULES)? {
        if !world.bus.functions.contains_key(&rule.function) {
            return Err(DeploymentError::NoSuchFunction { rule: rule.name, function: rule.function });
        }
        world.put_rule(rule);
    }
    Ok(())
}

/// How long an invocation of a function may take.
///
/// # Errors
/// When its manifest lacks its deploy settings.
pub fn timeout(function: &str) -> Result<Option<Duration>, DeploymentError> {
    let found = FUNCTIONS.into_iter().find(|(name, _)| *name == function);
    found.map(|(name, manifest)| Ok(settings(name, manifest)?.timeout)).transpose()
}

/// The functions' code, each with clients of its own, as each has a process of its own.
pub fn handlers(aws: &LocalAws) -> BTreeMap<String, Handler> {
    macro_rules! handler {
        ($name:literal, $handle:path) => {{
            let clients = Aws::new(&aws.sdk_config($name));
            let handler: Handler = Box::new(move |event: Value, killed_at: SystemTime| {
                let clients = clients.clone();
                Box::pin(
                    async move { $handle(&clients, event, Deadline::before(killed_at)).await.map_err(function_error) },
                )
            });
            ($name.to_owned(), handler)
        }};
    }
    BTreeMap::from([
        handler!("durin-node-lifecycle", durin_node_lifecycle::handle),
        handler!("durin-node-resync", durin_node_resync::handle),
        handler!("durin-spot-interruption", durin_spot_interruption::handle),
    ])
}

fn function_error(failure: Failure) -> FunctionError {
    FunctionError { error_type: failure.error_type().to_owned(), message: failure.chain() }
}

/// The part of a manifest that `cargo lambda deploy` reads.
#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
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
    #[serde(rename = "memory")]
    _memory: u32,
}

fn settings(function: &'static str, manifest: &str) -> Result<FunctionSettings, DeploymentError> {
    let manifest: Manifest = toml::from_str(manifest)
        .map_err(|problem| DeploymentError::Manifest { function, problem: Box::new(problem) })?;
    let timeout = Duration::from_secs(manifest.package.metadata.lambda.deploy.timeout);
    Ok(FunctionSettings { timeout, reserved_concurrency: None })
}
