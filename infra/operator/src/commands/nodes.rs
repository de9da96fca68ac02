//! The commands about nodes. Both only read, and a script reads their exit status.

use std::error::Error;
use std::process::ExitCode;

use aws_smithy_types::retry::RetryConfig;
use clap::Args;
use durin::aws::Aws;
use durin::ids::GroupName;
use serde::Serialize;

use super::{Done, complain, text, whole};
use crate::{check, status};

/// How often Systems Manager is asked for one thing.
const ATTEMPTS: u32 = 3;

/// AWS could not be asked.
pub(super) const NOT_ASKED: u8 = 3;

/// Exits with 0 if all is well, 1 if something is wrong, 2 if the arguments are not understood, and 3 if AWS could not be
/// asked.
#[derive(Args)]
pub struct Status {
    /// Only this node, by the name of its Auto Scaling group
    #[arg(value_parser = group)]
    node: Option<GroupName>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Exits with 0 if nothing is missing that a node needs, 1 if something is, 2 if the arguments are not understood, and 3 if
/// AWS could not be asked.
#[derive(Args)]
pub struct CheckNode {
    /// The Auto Scaling group
    #[arg(value_parser = group)]
    group: GroupName,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn show_status(aws: &Aws, options: &Status) -> Result<Done, Box<dyn Error>> {
    let (region, aws) = (region(), &impatient(aws));
    let report = status::report(aws, &region, options.node.as_ref()).await.map_err(whole)?;
    if let Some(node) = options.node.as_ref().filter(|_| report.nodes.is_empty()) {
        let what = format!(
            "no Auto Scaling group {node} declares a node in {region}: `just status` lists those that do, and `just \
             check-node {node}` says what it lacks"
        );
        return Ok(not_there(&what));
    }
    done(&report, options.json, || status::lines(&report), report.well)
}

pub(super) async fn check(aws: &Aws, options: &CheckNode) -> Result<Done, Box<dyn Error>> {
    let (region, aws) = (region(), &impatient(aws));
    let Some(checked) = check::check(aws, &region, &options.group).await? else {
        return Ok(not_there(&format!("there is no Auto Scaling group {} in {region}", options.group)));
    };
    done(&checked, options.json, || check::lines(&checked), checked.well)
}

/// The functions wait half a minute for each call that Systems Manager fails to answer. A person sees the rest first.
fn impatient(aws: &Aws) -> Aws {
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    let config = aws.ssm.config().to_builder().retry_config(retries).build();
    Aws { ssm: aws_sdk_ssm::Client::from_conf(config), ..aws.clone() }
}

fn region() -> String {
    std::env::var("AWS_REGION").unwrap_or_default()
}

fn not_there(what: &str) -> Done {
    complain(&format!("error: {what}"));
    Done { told: String::new(), status: ExitCode::FAILURE }
}

fn done(all: &impl Serialize, json: bool, lines: impl Fn() -> Vec<String>, well: bool) -> Result<Done, Box<dyn Error>> {
    let told = if json { format!("{}\n", serde_json::to_string_pretty(all)?) } else { text(&lines()) };
    Ok(Done { told, status: if well { ExitCode::SUCCESS } else { ExitCode::FAILURE } })
}

/// Of the text of an argument.
fn group(text: &str) -> Result<GroupName, String> {
    GroupName::new(text).map_err(|error| error.to_string())
}
