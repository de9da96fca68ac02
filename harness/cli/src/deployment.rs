//! The deployment: the functions' code, with the settings, roles, rules and schedules that a user deploys, and the
//! template of a node. All of it is read from `infra/` and from the functions' manifests.

mod fit;
mod functions;
mod manifest;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use durin::node::DocumentVersions;
use durin_harness::templates::{self, NodeTemplate, RolesTemplate, Rules, TemplateError};
use durin_harness::world::error::ApiError;
use durin_harness::world::eventbridge::{MessageRule, Rule};
use durin_harness::world::lambda::FunctionSettings;
use durin_harness::world::{PARTITION, REGION, World};
use functions::FUNCTIONS;
pub use functions::handlers;
use serde_json::Value;

const ROLES: &str = "infra/roles.yaml";
const RELEASE: &str = "infra/release.yaml";
const RULES: &str = "infra/rules.yaml";
const NODE: &str = "infra/node.yaml";

/// The parameter of the roles that names the hosted zones that nodes may be in.
const HOSTED_ZONE_ARNS: &str = "HostedZoneArns";

/// The role of a function: `cargo lambda deploy` is passed the one of this name.
fn role_name(function: &str) -> String {
    format!("{function}-{REGION}")
}

/// The texts that a user deploys.
#[derive(Clone, Debug)]
pub struct Infra {
    /// Roles, log groups, the dead-letter queue.
    pub roles: Cow<'static, str>,
    /// The release document.
    pub release: Cow<'static, str>,
    /// Rules and schedules.
    pub rules: Cow<'static, str>,
    /// A node.
    pub node: Cow<'static, str>,
    /// The functions' manifests, by the functions' names.
    pub manifests: Vec<(&'static str, Cow<'static, str>)>,
}

impl Default for Infra {
    /// As they are in the repository.
    fn default() -> Infra {
        Infra {
            roles: include_str!("../../../infra/roles.yaml").into(),
            release: include_str!("../../../infra/release.yaml").into(),
            rules: include_str!("../../../infra/rules.yaml").into(),
            node: include_str!("../../../infra/node.yaml").into(),
            manifests: FUNCTIONS.iter().map(|it| (it.name, it.manifest.into())).collect(),
        }
    }
}

/// The contents of those texts, checked: all parts exist, and fit.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The template of a node.
    pub node: NodeTemplate,
    /// The rules that invoke the functions.
    pub rules: Vec<Rule>,
    /// The rules that tell the owner.
    pub message_rules: Vec<MessageRule>,
    functions: Vec<(&'static str, FunctionSettings)>,
    roles: RolesTemplate,
    documents: Vec<(String, String)>,
}

/// Why the deployment was refused.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// A template has something that the local AWS does not understand, or that does not fit the rest.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Systems Manager would refuse a document.
    #[error("infra/release.yaml: {0}")]
    Document(#[from] ApiError),
    /// A function that does not exist.
    #[error("{file}: {place}: there is no function {function}")]
    NoSuchFunction {
        /// The template.
        file: &'static str,
        /// The place that names it.
        place: String,
        /// The function.
        function: String,
    },
    /// A function lacks something.
    #[error("{file}: {function}: {problem}")]
    Function {
        /// The place where it should be.
        file: &'static str,
        /// The function.
        function: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl Deployment {
    /// The deployment in the repository.
    ///
    /// # Errors
    /// When it cannot be deployed.
    pub fn shipped() -> Result<&'static Deployment, DeploymentError> {
        static SHIPPED: OnceLock<Deployment> = OnceLock::new();
        if let Some(deployment) = SHIPPED.get() {
            return Ok(deployment);
        }
        let deployment = Deployment::read(&Infra::default())?;
        Ok(SHIPPED.get_or_init(|| deployment))
    }

    /// Reads and checks the files that a user would deploy.
    ///
    /// # Errors
    /// When something in it is not understood, refers to nothing, or does not fit the rest: with file and place.
    pub fn read(infra: &Infra) -> Result<Deployment, DeploymentError> {
        let template = RolesTemplate::parse(ROLES, &infra.roles)?;
        let roles = template.deployed(&BTreeMap::new())?;
        let documents = templates::documents(RELEASE, &infra.release)?;
        let Rules { rules, message_rules, invoke_settings } = Rules::parse(RULES, &infra.rules)?;
        let node = NodeTemplate::parse(NODE, &infra.node)?;

        let no_such = |file, place: &str, function: &str| DeploymentError::NoSuchFunction {
            file,
            place: place.to_owned(),
            function: function.to_owned(),
        };
        let exists = |function: &str| infra.manifests.iter().any(|(name, _)| *name == function);
        if let Some(rule) = rules.iter().find(|rule| !exists(&rule.function)) {
            return Err(no_such(RULES, &rule.name, &rule.function));
        }
        if let Some(function) = invoke_settings.keys().find(|function| !exists(function)) {
            return Err(no_such(RULES, "AWS::Lambda::EventInvokeConfig", function));
        }
        let of_nobody = |name: &String| infra.manifests.iter().all(|(function, _)| role_name(function) != *name);
        if let Some(role) = roles.roles.iter().find(|it| of_nobody(&it.role.name)) {
            return Err(no_such(ROLES, &role.id, &role.role.name));
        }
        let mut functions = Vec::new();
        for (function, manifest) in &infra.manifests {
            let missing = |file, problem: String| DeploymentError::Function { file, function, problem };
            let mut settings = manifest::settings(function, manifest).map_err(|error| missing("Cargo.toml", error))?;
            if !roles.roles.iter().any(|it| it.role.name == role_name(function)) {
                return Err(missing(ROLES, format!("no role {}", role_name(function))));
            }
            if !roles.log_groups.contains(&format!("/aws/lambda/{function}")) {
                return Err(missing(ROLES, format!("no log group /aws/lambda/{function}")));
            }
            let invoke = invoke_settings.get(*function);
            settings.invoke = invoke.ok_or_else(|| missing(RULES, "no EventInvokeConfig".to_owned()))?.clone();
            let queue = settings.invoke.on_failure.as_deref().unwrap_or_default();
            if !roles.queues.iter().any(|known| known.arn == queue) {
                return Err(missing(RULES, format!("no queue {queue:?} for failed invocations")));
            }
            if !rules.iter().any(|rule| rule.function == *function) {
                return Err(missing(RULES, "no rule or schedule invokes it".to_owned()));
            }
            functions.push((*function, settings));
        }
        fit::documents(&documents)?;
        fit::rules(&rules)?;
        fit::messages(&message_rules)?;
        fit::dead_letters(&rules, &roles.queues)?;
        let (group, volume) = node.sample()?;
        fit::group(&group)?;
        fit::volume(volume.as_ref(), &group.name)?;
        Ok(Deployment { node, rules, message_rules, functions, roles: template, documents })
    }

    /// Puts rules, schedules and functions into a world.
    ///
    /// # Errors
    /// When the roles cannot be deployed, or Systems Manager refuses a document.
    pub fn deploy(&self, world: &mut World) -> Result<(), DeploymentError> {
        self.deploy_roles(world)?;
        let documents = self.document_versions(world)?;
        for (name, settings) in &self.functions {
            let mut settings = settings.clone();
            if has_to_do_with_nodes(name) {
                settings.environment.insert(DocumentVersions::VARIABLE.to_owned(), documents.clone());
            }
            world.lambda.put_function(name, settings);
        }
        self.rules.iter().for_each(|rule| world.put_rule(rule.clone()));
        self.message_rules.iter().for_each(|rule| world.events.put_message_rule(rule.clone()));
        Ok(())
    }

    /// Only the parts that a function invoked by hand meets: its role, and the documents. The roles name the hosted zones of
    /// the nodes in the world, as they do after `just deploy-node`.
    ///
    /// # Errors
    /// When the roles cannot be deployed, or Systems Manager refuses a document.
    pub fn deploy_roles(&self, world: &mut World) -> Result<(), DeploymentError> {
        for deployed in self.roles.deployed(&parameters_of_roles(world))?.roles {
            let of_it = self.functions.iter().find(|(name, _)| role_name(name) == deployed.role.name);
            if let Some((name, _)) = of_it {
                world.iam.assume(name, deployed.role);
            }
        }
        for (name, content) in &self.documents {
            world.put_document(name, content)?;
        }
        Ok(())
    }

    /// What `just deploy` has the functions send, as they read it.
    ///
    /// # Errors
    /// When the world lacks a document.
    pub fn document_versions(&self, world: &World) -> Result<String, DeploymentError> {
        let mut versions = Vec::new();
        for (name, _) in &self.documents {
            let document = world.ssm.document(name, None)?;
            versions.push(format!("{name}:{}:{}", document.version, document.hash()));
        }
        Ok(versions.join(","))
    }

    /// The settings of a function.
    pub fn settings(&self, function: &str) -> Option<&FunctionSettings> {
        self.functions.iter().find(|(name, _)| *name == function).map(|(_, settings)| settings)
    }
}

/// The others send no command to an instance.
pub fn has_to_do_with_nodes(function: &str) -> bool {
    !function.starts_with("durin-ami-")
}

/// Without nodes there is no zone, and the default stays, which is none.
fn parameters_of_roles(world: &World) -> BTreeMap<String, Value> {
    let zones: BTreeSet<String> = world.nodes().into_iter().map(|node| node.zone_id).collect();
    let arns: Vec<_> = zones.iter().map(|zone| format!("arn:{PARTITION}:route53:::hostedzone/{zone}")).collect();
    if arns.is_empty() { BTreeMap::new() } else { [(HOSTED_ZONE_ARNS.to_owned(), arns.join(",").into())].into() }
}

/// The names of all functions.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

/// How long an invocation of a function may take.
///
/// # Errors
/// When the repository's files cannot be deployed.
pub fn timeout(function: &str) -> Result<Option<Duration>, DeploymentError> {
    Ok(Deployment::shipped()?.settings(function).map(|settings| settings.timeout))
}
