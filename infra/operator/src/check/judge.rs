//! One line of the list at a time.

pub(super) mod declaration;
pub(super) mod group;
pub(super) mod place;
pub(super) mod template;
pub(super) mod volume;

use super::list::Verdict;
use super::read::Facts;
use crate::sentence::Wrong;
use durin_decisions::shell::quoted;

fn missing(what: impl Into<String>, remedy: impl Into<String>) -> Verdict {
    Verdict::Missing(Wrong::new(what, remedy))
}

fn unknown(why: &str) -> Verdict {
    Verdict::Unknown(why.to_owned())
}

/// The command that gives the group a tag.
fn tag_group(facts: &Facts, key: &str, value: &str) -> String {
    let tag = format!(
        "ResourceId={},ResourceType=auto-scaling-group,Key={key},Value={value},PropagateAtLaunch=true",
        facts.name
    );
    format!("aws autoscaling create-or-update-tags --tags {}", quoted(&tag))
}

/// The group, in a command.
fn named(facts: &Facts) -> String {
    format!("--auto-scaling-group-name {}", quoted(facts.name.as_str()))
}
