//! Every function, in one table: its name, the manifest to deploy it by, and its code.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::SystemTime;

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::failure::Failure;
use durin::node::DocumentVersions;
use durin_ami_prune::Settings;
use durin_harness::{FunctionError, Handler, LocalAws};
use serde_json::Value;

type Environment = BTreeMap<String, String>;
type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, FunctionError>> + Send + 'a>>;

pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) manifest: &'static str,
    handle: for<'a> fn(&'a Aws, &'a Environment, Value, Deadline) -> Answer<'a>,
}

/// A row of a function without settings.
macro_rules! function {
    ($folder:literal, $handle:path) => {
        Function {
            name: concat!("durin-", $folder),
            manifest: include_str!(concat!("../../../../functions/", $folder, "/Cargo.toml")),
            handle: |aws, _, event, deadline| {
                Box::pin(async move { $handle(aws, event, deadline).await.map_err(reported) })
            },
        }
    };
}

pub(super) static FUNCTIONS: [Function; 5] = [
    Function {
        name: "durin-ami-prune",
        manifest: include_str!("../../../../functions/ami-prune/Cargo.toml"),
        handle: |aws, environment, event, deadline| {
            Box::pin(async move {
                let settings = Settings::read(|name| environment.get(name).cloned()).map_err(|error| {
                    FunctionError { error_type: "Runtime.ExitError".to_owned(), message: error.to_string() }
                })?;
                durin_ami_prune::handle(aws, &settings, event, deadline).await.map_err(reported)
            })
        },
    },
    function!("ami-publish", durin_ami_publish::handle),
    function!("node-lifecycle", durin_node_lifecycle::handle),
    function!("node-resync", durin_node_resync::handle),
    function!("spot-interruption", durin_spot_interruption::handle),
];

/// The functions' code, each with clients of its own, as each has a process of its own.
pub fn handlers(aws: &LocalAws) -> BTreeMap<String, Handler> {
    FUNCTIONS.iter().map(|function| (function.name.to_owned(), handler(aws.clone(), function))).collect()
}

/// The function reads its environment whenever it is invoked, so that a test can change it.
fn handler(aws: LocalAws, function: &'static Function) -> Handler {
    let clients = Aws::new(&aws.sdk_config(function.name));
    Box::new(move |event: Value, killed_at: SystemTime| {
        let mut clients = clients.clone();
        let deployed = aws.world(|world| world.lambda.function(function.name).map(|it| it.environment.clone()));
        Box::pin(async move {
            let environment = deployed.unwrap_or_default();
            let documents = environment.get(DocumentVersions::VARIABLE).map_or("", String::as_str);
            clients.documents = DocumentVersions::parse(documents).unwrap_or_default();
            (function.handle)(&clients, &environment, event, Deadline::before(killed_at)).await
        })
    })
}

fn reported(failure: Failure) -> FunctionError {
    FunctionError { error_type: failure.error_type().to_owned(), message: failure.chain() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// `cargo lambda deploy` finds a function by its folder; the local AWS would not notice a missing row.
    #[test]
    fn every_folder_of_a_function_has_a_row() {
        let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
        let folders = std::fs::read_dir(folders).expect("the folder of the functions");
        let folders = folders.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        let folders: BTreeSet<String> = folders.map(|folder| format!("durin-{folder}")).collect();
        let rows: BTreeSet<String> = FUNCTIONS.iter().map(|function| function.name.to_owned()).collect();
        assert_eq!(folders, rows, "harness/cli/src/deployment/functions.rs needs a row for each folder in functions/");
    }

    /// Without an alarm, nobody would learn of a failure.
    #[test]
    fn every_function_has_an_alarm_on_its_errors() {
        let rules = include_str!("../../../../infra/rules.yaml");
        for Function { name, .. } in &FUNCTIONS {
            assert!(rules.contains(&format!("AlarmName: {name}-errors")), "infra/rules.yaml: no alarm {name}-errors");
        }
    }
}
