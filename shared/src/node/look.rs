//! Looking at nodes as the functions do, for a person: what is seen, and what a function would do now. Nothing is written.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use durin_decisions::node::{Agents, Attachment, Blocked, Hook, Observed, Step, Word, hindrance, next_step};

use super::commands::{Command, Outcome};
use super::documents::Document;
use super::handed_over::of_program;
use super::observe::{Node, Nodes, every_node, read_together};
use super::roll_call::{Denial, RollCall, last_answers};
use super::{checks, read};
use crate::aws::Aws;
use crate::failure::Failure;
use crate::ids::{GroupName, InstanceId};

/// How long after an attachment its holder says for the first time that it serves, or nobody has asked.
const FIRST_WORD_WITHIN: Duration = Duration::from_secs(15 * 60);

/// A node as it was just seen.
#[derive(Debug)]
pub struct Look {
    pub observed: Observed,
    /// What a function would do now, and the reason.
    pub step: Step,
    /// What a person has to mend, whatever is done meanwhile.
    pub blocked: Option<Blocked>,
    /// Whether the holder's agent is online; none if there is no holder, or Systems Manager has not said.
    pub agent: Option<bool>,
    pub word: HolderWord,
    /// What the holder said when it began to serve, as far as Systems Manager lists it.
    pub beginning: Option<Beginning>,
}

/// What the holder has last said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolderWord {
    NoHolder,
    /// Systems Manager has given no answer.
    Unknown(String),
    /// Nobody has asked it lately, as the schedule does every five minutes.
    NotAsked,
    /// It has not answered yet.
    Asked {
        at: SystemTime,
    },
    Serves {
        at: SystemTime,
    },
    Denies {
        why: String,
    },
    /// It cannot be asked, and that stays so: the program, the document or a version is missing.
    Mute {
        why: String,
    },
}

/// The first word of a holder, and how long what came before it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beginning {
    pub at: SystemTime,
    pub mount_s: Option<f64>,
    pub k3s_s: Option<f64>,
}

/// A volume that an instance has released.
#[derive(Clone, Debug, PartialEq)]
pub struct Released {
    pub instance: InstanceId,
    /// When it was asked to: from then on it serves no more.
    pub asked: SystemTime,
    pub at: SystemTime,
}

/// The nodes of a region, and what is wrong with groups that try to declare one.
#[derive(Debug)]
pub struct Looks {
    /// By the name; a failure, if what a decision needs could not be read.
    pub nodes: Vec<(GroupName, Result<Look, Failure>)>,
    pub mistakes: Vec<Blocked>,
    /// In the last 30 days, by any instance of the region, if there is a holder to whom it matters; a failure, if Systems Manager has not answered.
    pub released: Result<Vec<Released>, Failure>,
}

/// Looks at every node of the region, or at one.
///
/// # Errors
/// When a read of all nodes fails.
pub async fn look_at(aws: &Aws, only: Option<&GroupName>) -> Result<Looks, Failure> {
    let Nodes { mut nodes, mistakes } = every_node(aws).await?;
    nodes.retain(|node| only.is_none_or(|only| only == node.name()));
    read_together(aws, &mut nodes).await?;
    let holders: Vec<Attachment> = nodes.iter().filter_map(|node| node.view.holder().cloned()).collect();
    let holder_ids: BTreeSet<&InstanceId> = holders.iter().map(|holder| &holder.instance).collect();
    let online = if holders.is_empty() { Ok(Agents::Unknown) } else { read::agents(aws, &holder_ids).await };
    let answers = if holders.is_empty() { Ok(RollCall::default()) } else { last_answers(aws, &holders).await };
    let mut looks = Vec::new();
    for node in &mut nodes {
        let look = look(aws, node, online.as_ref().ok(), &answers).await;
        looks.push((node.name().clone(), look));
    }
    let released = if holders.is_empty() { Ok(Vec::new()) } else { released(aws).await };
    Ok(Looks { nodes: looks, mistakes, released })
}

/// The lifecycle hooks of a group.
///
/// # Errors
/// When the call fails.
pub async fn hooks_of(aws: &Aws, group: &GroupName) -> Result<Vec<Hook>, Failure> {
    checks::hooks(aws, group).await
}

async fn look(
    aws: &Aws,
    node: &mut Node,
    online: Option<&Agents>,
    answers: &Result<RollCall, Failure>,
) -> Result<Look, Failure> {
    let observed = node.observe(aws).await?;
    let (step, blocked) = (next_step(&observed, aws.clock.now()), hindrance(&observed, aws.clock.now()));
    let holder = observed.volume.as_ref().and_then(|volume| volume.attachments.first());
    let agent = holder.and_then(|holder| Some(online?.is_online(&holder.instance)));
    let word = word(holder, answers);
    let beginning = match holder {
        Some(holder) => beginning(aws, holder).await,
        None => None,
    };
    Ok(Look { observed, step, blocked, agent, word, beginning })
}

fn word(holder: Option<&Attachment>, answers: &Result<RollCall, Failure>) -> HolderWord {
    let Some(holder) = holder else { return HolderWord::NoHolder };
    let answers = match answers {
        Ok(answers) => answers,
        Err(failure) => return HolderWord::Unknown(failure.chain()),
    };
    // The schedule reads an answer when it asks again; a person may look while the next is on its way.
    let answered = answers.answered();
    // That its agent is silent, Systems Manager says itself.
    if let Some(why) = answered.denial(holder).filter(|why| *why != Denial::HasLostItsAgent) {
        return HolderWord::Denies { why: why.to_string() };
    }
    if let Word::Absent { why } = answered.word(holder) {
        return HolderWord::Mute { why };
    }
    let since_then = |it: &&Command| holder.since.is_none_or(|since| it.requested >= since);
    let listed = || answers.of(&holder.instance).iter().filter(since_then);
    let yes = listed().filter(|it| it.outcome == Outcome::Success).map(|it| it.ended).max();
    match (yes, listed().map(|it| it.requested).max()) {
        (Some(at), _) => HolderWord::Serves { at },
        (None, Some(at)) => HolderWord::Asked { at },
        (None, None) => HolderWord::NotAsked,
    }
}

/// Fail open: without an answer nobody knows how long the hand-off took.
async fn beginning(aws: &Aws, holder: &Attachment) -> Option<Beginning> {
    let since = holder.since?;
    let listed = read::commands_between(aws, &holder.instance, since, since + FIRST_WORD_WITHIN).await.ok()?;
    let answers = listed.iter().filter(|it| (it.document, it.outcome) == (Document::Serves, Outcome::Success));
    let first = answers.min_by_key(|it| it.requested)?;
    let (mount_s, k3s_s, _) = first.said.as_ref().map(of_program).unwrap_or_default();
    Some(Beginning { at: first.ended, mount_s, k3s_s })
}

async fn released(aws: &Aws) -> Result<Vec<Released>, Failure> {
    let listed = read::released_in_a_month(aws).await?;
    let successes = listed.into_iter().filter(|(_, it)| it.outcome == Outcome::Success);
    Ok(successes.map(|(instance, it)| Released { instance, asked: it.requested, at: it.ended }).collect())
}
