//! The deployment: the functions' code, with the settings, roles, rules and schedules that a user deploys, and the
//! template of a node. All of it is read from `infra/` and from the functions' manifests.

mod fit;
mod functions;
mod manifest;

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use durin_harness::iam::Role;
use durin_harness::templates::{self, NodeTemplate, Roles, Rules, TemplateError};
use durin_harness::world::error::ApiError;
use durin_harness::world::eventbridge::Rule;
use durin_harness::world::lambda::FunctionSettings;
use durin_harness::world::{REGION, World};
use functions::FUNCTIONS;
pub use functions::handlers;

const ROLES: &str = "infra/roles.yaml";
const RELEASE: &str = "infra/release.yaml";
const RULES: &str = "infra/rules.yaml";
const NODE: &str = "infra/node.yaml";

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
    functions: Vec<(&'static str, FunctionSettings, Role)>,
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
        let roles = Roles::parse(ROLES, &infra.roles)?;
        let documents = templates::documents(RELEASE, &infra.release)?;
        let Rules { rules, invoke_settings } = Rules::parse(RULES, &infra.rules)?;
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
            let role = roles.roles.iter().find(|it| it.role.name == role_name(function));
            let role = role.ok_or_else(|| missing(ROLES, format!("no role {}", role_name(function))))?;
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
            functions.push((*function, settings, role.role.clone()));
        }
        fit::documents(&documents)?;
        fit::rules(&rules)?;
        fit::dead_letters(&rules, &roles.queues)?;
        fit::group(&node.sample()?)?;
        Ok(Deployment { node, rules, functions, documents })
    }

    /// Puts rules, schedules and functions into a world.
    ///
    /// # Errors
    /// When Systems Manager refuses a document.
    pub fn deploy(&self, world: &mut World) -> Result<(), DeploymentError> {
        self.deploy_roles(world)?;
        for (name, settings, _) in &self.functions {
            world.lambda.put_function(name, settings.clone());
        }
        self.rules.iter().for_each(|rule| world.put_rule(rule.clone()));
        Ok(())
    }

    /// Only the parts that a function invoked by hand meets: its role, and the documents.
    ///
    /// # Errors
    /// When Systems Manager refuses a document.
    pub fn deploy_roles(&self, world: &mut World) -> Result<(), DeploymentError> {
        for (name, _, role) in &self.functions {
            world.iam.assume(name, role.clone());
        }
        for (name, content) in &self.documents {
            world.put_document(name, content)?;
        }
        Ok(())
    }

    /// The settings of a function.
    pub fn settings(&self, function: &str) -> Option<&FunctionSettings> {
        self.functions.iter().find(|(name, _, _)| *name == function).map(|(_, settings, _)| settings)
    }
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
