//! Carrying out one step: one AWS write, whose answer is never trusted beyond what the next look will show.
//!
//! Every write is conditional or idempotent, so each may be repeated, late or lost: what AWS says about one that does not
//! fit what is there any more ("already attached", "do not match", "no active lifecycle action") only means "look again".

use std::time::Duration;

use aws_sdk_autoscaling::error::ProvideErrorMetadata as _;
use aws_sdk_ec2::operation::attach_volume::AttachVolumeOutput;
use aws_sdk_ec2::operation::detach_volume::DetachVolumeOutput;
use aws_sdk_ec2::types::Tag;
use aws_sdk_route53::types::{ChangeAction, RrType};

use durin_decisions::node::{ARecord, ActionResult, Blocked, DEVICE, Number, Record, RecordProblem, Step, if_unmarked};

use super::applied::Applied;
use super::ask::ask;
use super::changes;
use super::claim::claim_name;
use super::commands::{Answer, Sent};
use super::convert::attachment_of;
use super::documents::Document;
use super::observe::Node;
use super::records;
use crate::aws::{Aws, code, failed, is_of_the_moment, is_unanswered, once, within, words};
use crate::failure::Failure;
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::risk::{Mark, Risk, RiskReason};
use crate::tags::AT_RISK;

/// How long sending a command may take, all attempts together. One that lands later could find another hand-off.
pub(super) const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a mark may take. Without it this run goes on, and EC2 may have given its holder two minutes.
const LEFT_OUT_AFTER: Duration = Duration::from_secs(8);

/// How long Systems Manager may take to deliver a command, in seconds: the least that it allows.
pub(super) const DELIVERY_TIMEOUT_S: i32 = 30;

/// Carries out a step that writes, and notes in the view what it has made uncertain.
///
/// # Errors
/// When AWS refuses for good, or cannot be reached.
pub(super) async fn apply(aws: &Aws, node: &mut Node, step: &Step) -> Result<Applied, Failure> {
    match step {
        Step::Attach { successor } => attach(aws, node, successor).await,
        Step::Mark { instance, risk } => mark(aws, node, instance, *risk).await,
        Step::Replace { holder } => {
            node.view.group.forget();
            let applied = end_in_group(aws, holder, Follows::Successor).await;
            node.writes.note_replacement_asked(aws.clock.now());
            applied
        }
        Step::EndSpare { instance, number } => {
            node.view.group.forget();
            let follows = match number {
                Number::Falls => Follows::Nobody,
                Number::Stays => Follows::Successor,
            };
            let applied = end_in_group(aws, instance, follows).await;
            if let Ok(Applied::TooEarly) = applied {
                node.writes.note_end_refused(instance.clone(), aws.clock.now());
            }
            applied
        }
        Step::LaunchFirst { holder } => {
            node.view.group.forget();
            set_capacity(aws, node, holder, 2).await
        }
        Step::RestoreCapacity { holder } => {
            node.view.group.forget();
            set_capacity(aws, node, holder, 1).await
        }
        Step::Ask { instance, question } => Ok(ask(aws, node, instance, *question).await),
        Step::Release { holder } => Ok(send(aws, node, holder, Document::Release).await),
        Step::Resume { holder } => {
            let applied = send(aws, node, holder, Document::Resume).await;
            if applied == Applied::Done {
                node.says_it_has_released = None;
            }
            Ok(applied)
        }
        Step::Detach { holder } => detach(aws, node, holder).await,
        Step::Terminate { holder } => {
            let applied = terminate(aws, holder).await;
            node.view.forget_all();
            applied
        }
        Step::ClaimName => claim_name(aws, node).await,
        Step::PointRecord { from, to } => point_record(aws, node, from.as_ref(), to).await,
        Step::Complete { instance, transition, result } => complete(aws, node, instance, *transition, *result).await,
        Step::Wait(_) | Step::Done(_) | Step::Blocked(_) => Ok(Applied::Done),
    }
}

async fn attach(aws: &Aws, node: &mut Node, successor: &InstanceId) -> Result<Applied, Failure> {
    let volume = &node.declaration.volume;
    node.writes.times.note_freed(aws.clock.now());
    let sent =
        aws.ec2.attach_volume().volume_id(volume.as_str()).instance_id(successor.as_str()).device(DEVICE).send().await;
    let answered = |it: &AttachVolumeOutput| attachment_of(it.state()?, it.instance_id()?, it.attach_time());
    node.view.know_attachment(sent.as_ref().ok().and_then(answered));
    let Err(error) = sent else {
        node.writes.note_attached();
        node.writes.times.note_attached(aws.clock.now());
        return Ok(Applied::Done);
    };
    let refused = |problem| Blocked::AttachRefused { volume: volume.clone(), successor: successor.clone(), problem };
    match code(&error) {
        // Another function was faster, or this one in an attempt whose answer was lost; or the successor stopped running.
        // Probes: nobody-takes-no-volume, a-pending-instance-takes-no-volume, a-volume-in-use-stays-where-it-is.
        "VolumeInUse" | "IncorrectState" | "IncorrectInstanceState" | "InvalidInstanceID.NotFound" => {
            node.view.forget_all();
            Ok(Applied::Overtaken)
        }
        // EC2 does not say why; KMS does, and the next look asks it.
        "CustomerKeyHasBeenRevoked" if !node.writes.has_attached() => {
            node.writes.note_attached();
            Ok(Applied::Overtaken)
        }
        "InvalidParameterValue"
        | "CustomerKeyHasBeenRevoked"
        | "AttachmentLimitExceeded"
        | "UnauthorizedOperation"
        | "InvalidVolume.ZoneMismatch" => Err(refused(words(&error)).into()),
        _ => Err(failed("ec2:AttachVolume")(error)),
    }
}

/// Without the tag the other functions do not know; this one does, and does not wait for it. But a retirement is worked off
/// by all of them, over days: what one asks for would be undone by the next that does not know why.
async fn mark(aws: &Aws, node: &mut Node, instance: &InstanceId, risk: Risk) -> Result<Applied, Failure> {
    let unmarked = if_unmarked(risk, aws.clock.now());
    node.writes.note_mark(instance.clone(), unmarked);
    let known = node.view.instances.get().and_then(|instances| instances.get(instance));
    // If EC2 does not say which launch this is, nobody could believe the tag.
    let Some(launched) = known.and_then(|known| known.launched) else { return Ok(Applied::Done) };
    let mark = Mark { instance: instance.clone(), launched, risk };
    let tag = Tag::builder().key(AT_RISK).value(mark.to_string()).build();
    let sent = aws
        .ec2
        .create_tags()
        .resources(instance.as_str())
        .tags(tag)
        .customize()
        .config_override(aws_sdk_ec2::config::Builder::new().timeout_config(within(LEFT_OUT_AFTER)))
        .send()
        .await;
    match sent {
        Ok(_) => node.writes.note_mark(instance.clone(), risk),
        // An instance that is gone has nothing to warn of any more; the next look will show it.
        // Probe: unknown-instance-is-refused.
        Err(error) if code(&error) == "InvalidInstanceID.NotFound" => {}
        Err(error) => {
            let failure = failed("ec2:CreateTags")(error);
            if risk.reason == RiskReason::Retirement {
                return Err(failure);
            }
            node.writes.note_left_out(failure);
        }
    }
    Ok(Applied::Done)
}

/// Who follows an instance that its group ends.
#[derive(Clone, Copy)]
enum Follows {
    /// The group launches one at once, while the terminate hook keeps the holder alive and serving.
    Successor,
    /// The group is asked for one less.
    Nobody,
}

/// Ends an instance through its group, by name: a lower number alone would let the group choose who goes.
/// Probes: two-are-there-before-one-ends, the-last-one-is-not-decremented.
async fn end_in_group(aws: &Aws, instance: &InstanceId, follows: Follows) -> Result<Applied, Failure> {
    let sent = aws
        .autoscaling
        .terminate_instance_in_auto_scaling_group()
        .instance_id(instance.as_str())
        .should_decrement_desired_capacity(match follows {
            Follows::Successor => false,
            Follows::Nobody => true,
        })
        .customize()
        .config_override(aws_sdk_autoscaling::config::Builder::new().retry_config(once()))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(Applied::Done),
        // It is going already, or the group is at something else. Probe: unknown-member-is-not-ended.
        Err(error) if matches!(code(&error), "ScalingActivityInProgress" | "ValidationError") => Ok(Applied::TooEarly),
        Err(error) if is_of_the_moment(&error) => Ok(Applied::TooEarly),
        Err(error) => Err(failed("autoscaling:TerminateInstanceInAutoScalingGroup")(error)),
    }
}

async fn set_capacity(aws: &Aws, node: &Node, holder: &InstanceId, desired: i32) -> Result<Applied, Failure> {
    let sent = aws
        .autoscaling
        .set_desired_capacity()
        .auto_scaling_group_name(node.name().as_str())
        .desired_capacity(desired)
        .customize()
        .config_override(aws_sdk_autoscaling::config::Builder::new().retry_config(once()))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(Applied::Done),
        Err(error) if code(&error) == "ScalingActivityInProgress" || is_of_the_moment(&error) => Ok(Applied::TooEarly),
        // Somebody has lowered the maximum meanwhile.
        Err(error) if code(&error) == "ValidationError" && desired > 1 => {
            Err(Blocked::MaximumTooSmall { group: node.name().clone(), holder: holder.clone() }.into())
        }
        Err(error) => Err(failed("autoscaling:SetDesiredCapacity")(error)),
    }
}

/// Two releases at once do no harm: the document waits for the first, and finds nothing left to do.
async fn send(aws: &Aws, node: &mut Node, holder: &InstanceId, document: Document) -> Applied {
    let (step, comment) = match document {
        Document::Release => ("release", "Durin: let go of the data volume"),
        Document::Resume => ("resume", "Durin: serve again"),
        // Asked in another way (ask.rs), because nothing moves by them.
        Document::Prepared | Document::Serves => return Applied::Done,
    };
    let Some(attachment) = node.view.holder().filter(|held| held.instance == *holder).cloned() else {
        return Applied::Overtaken;
    };
    let sent = aws
        .documents
        .name(document, aws.ssm.send_command())
        .instance_ids(holder.as_str())
        .parameters("VolumeId", vec![node.declaration.volume.to_string()])
        .timeout_seconds(DELIVERY_TIMEOUT_S)
        .comment(comment)
        .customize()
        .config_override(aws_sdk_ssm::config::Builder::new().timeout_config(within(SEND_TIMEOUT)))
        .send()
        .await;
    let now = aws.clock.now();
    let since = node.writes.sent().and_then(|sent| sent.unanswered_since(&attachment, document)).unwrap_or(now);
    let refused = node.writes.sent().map_or(0, |sent| sent.refusals(&attachment, document));
    let answer = match sent {
        Ok(sent) => match sent.command.and_then(|command| command.command_id) {
            Some(id) => Answer::Taken { id },
            None => Answer::Lost { since },
        },
        // The agent or the instance has just gone. Probe: command-to-nobody-is-refused.
        Err(error) if code(&error) == "InvalidInstanceId" => {
            node.view.forget_all();
            return Applied::Overtaken;
        }
        // Nothing hangs on the moment at which it serves again.
        Err(error) if document == Document::Resume && is_of_the_moment(&error) => return Applied::TooEarly,
        // It may have taken the command: what it lists will say.
        Err(error) if is_unanswered(&error) => {
            let lost = failed("ssm:SendCommand")(error);
            tracing::warn!(node = %node.name(), instance = %holder, step, reason = lost.chain(), "not answered");
            node.view.commands.forget();
            Answer::Lost { since }
        }
        // No document, no permission, too many calls: a release that cannot be had does not stop the hand-off.
        Err(error) => {
            let failure = failed("ssm:SendCommand")(error);
            tracing::warn!(node = %node.name(), instance = %holder, step, reason = failure.chain(), "refused");
            Answer::Refused
        }
    };
    let refused = if answer == Answer::Refused { refused + 1 } else { 0 };
    node.writes.note_sent(Sent { attachment, document, at: now, answer, refused });
    Applied::Done
}

async fn detach(aws: &Aws, node: &mut Node, holder: &InstanceId) -> Result<Applied, Failure> {
    let commands = node.view.commands.get().map(Vec::as_slice).unwrap_or_default();
    node.writes.times.note_detached(aws.clock.now(), commands);
    // Naming the instance keeps a late repetition from detaching the next holder. Never `force`.
    let sent = aws
        .ec2
        .detach_volume()
        .volume_id(node.declaration.volume.as_str())
        .instance_id(holder.as_str())
        .customize()
        .config_override(aws_sdk_ec2::config::Builder::new().retry_config(once()))
        .send()
        .await;
    let answered = |it: &DetachVolumeOutput| attachment_of(it.state()?, it.instance_id()?, it.attach_time());
    node.view.know_attachment(sent.as_ref().ok().and_then(answered));
    match sent {
        Ok(_) => Ok(Applied::Done),
        Err(error) if is_of_the_moment(&error) => Ok(Applied::Overtaken),
        Err(error) => match code(&error) {
            // Probes: a-free-volume-is-not-detached, the-end-of-an-instance-frees-its-volume.
            "IncorrectState" | "IncorrectInstanceState" | "InvalidAttachment.NotFound" => Ok(Applied::Overtaken),
            _ => Err(failed("ec2:DetachVolume")(error)),
        },
    }
}

async fn terminate(aws: &Aws, holder: &InstanceId) -> Result<Applied, Failure> {
    let sent = aws
        .ec2
        .terminate_instances()
        .instance_ids(holder.as_str())
        .customize()
        .config_override(aws_sdk_ec2::config::Builder::new().retry_config(once()))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(Applied::Done),
        Err(error) if is_of_the_moment(&error) => Ok(Applied::Overtaken),
        Err(error) => match code(&error) {
            "InvalidInstanceID.NotFound" => Ok(Applied::Overtaken),
            "OperationNotPermitted" => {
                Err(Blocked::TerminationRefused { holder: holder.clone(), problem: words(&error) }.into())
            }
            _ => Err(failed("ec2:TerminateInstances")(error)),
        },
    }
}

/// One transactional batch: the exact record set that was read is deleted and the new one created, so it is a
/// compare-and-swap. An `UPSERT` would undo what another function just wrote. For example, in seconds, with the record at
/// old's address, 10.0.0.4:
///
/// ```text
///  0.0  resync     reads the record, 10.0.0.4, and then the volume: new1 at 10.0.0.5 has it
///  0.1  resync     is about to write 10.0.0.5, and Lambda's sandbox stalls
///  1.0  group      ends new1, which has died, and launches new2 at 10.0.0.6
/// 40.0  lifecycle  has attached the volume to new2. It reads 10.0.0.4, sends DELETE 10.0.0.4 and CREATE 10.0.0.6: done
/// 41.0  resync     goes on, and sends DELETE 10.0.0.4 and CREATE 10.0.0.5. Route 53 refuses the whole batch, because
///                  10.0.0.4 is not there any more. Resync looks again, sees new2, and has nothing to do
/// ```
///
/// With `UPSERT` 10.0.0.5 the record would name a dead instance until the next tick. Were the volume read before the record,
/// resync could have seen new1 with the volume, then 10.0.0.6 in the record, and have swapped that for 10.0.0.5.
async fn point_record(aws: &Aws, node: &mut Node, from: Option<&ARecord>, to: &ARecord) -> Result<Applied, Failure> {
    let declared = &node.declaration;
    let change = |action, record: &ARecord| {
        changes::change(action, declared.record.as_str(), RrType::A, record.ttl_s, &record.address)
    };
    let mut batch = Vec::new();
    if let Some(from) = from {
        batch.push(change(ChangeAction::Delete, from)?);
    }
    batch.push(change(ChangeAction::Create, to)?);
    let comment = format!("Durin: the node {} is at {}", declared.group, to.address);
    let Some(error) = changes::send(aws, declared, comment, batch).await? else {
        let now = aws.clock.now();
        if let Some(from) = from.filter(|from| node.is_written_by_others(&from.address, now)) {
            let problem = records::written_by_others(&node.declaration, from, to);
            node.writes.note_left_out(Failure::RecordOverwritten { problem });
        }
        // A compare-and-swap that succeeded is as good as a read. Probe: a-record-shows-while-pending.
        node.view.know_record(now, Record::Simple(to.clone()));
        return Ok(Applied::Done);
    };
    let problem = words(&error);
    // Probe: a-record-moves-by-comparison.
    let overtaken = ["not found", "do not match", "already exists"].iter().any(|text| problem.contains(text));
    let problem = match code(&error) {
        "InvalidChangeBatch" if overtaken => {
            node.view.name.forget();
            return Ok(Applied::Overtaken);
        }
        "InvalidChangeBatch" | "InvalidInput" => RecordProblem::Refused(problem),
        code => records::zone_problem(code)
            .unwrap_or_else(|| RecordProblem::Unanswered(failed(changes::OPERATION)(error).chain())),
    };
    node.view.know_record(aws.clock.now(), Record::Unavailable(problem));
    Ok(Applied::Done)
}

/// By token if the event had one, because the token names this one action; else by instance.
async fn complete(
    aws: &Aws,
    node: &mut Node,
    instance: &InstanceId,
    transition: Transition,
    result: ActionResult,
) -> Result<Applied, Failure> {
    let token = node
        .action
        .as_ref()
        .filter(|action| action.instance == *instance && action.transition == transition)
        .and_then(|action| action.token.clone());
    let holds = node.view.holder().is_some_and(|held| held.instance == *instance);
    let ends_hand_off = holds && (transition, result) == (Transition::Launching, ActionResult::Continue);
    // Should this run die in between, another one tells it, which has less to tell.
    if ends_hand_off && node.has_handed_over(instance) {
        node.tell_of_hand_off(aws, instance).await;
    }
    let sent = aws
        .autoscaling
        .complete_lifecycle_action()
        .auto_scaling_group_name(node.name().as_str())
        .lifecycle_hook_name(transition.hook())
        .instance_id(instance.as_str())
        .set_lifecycle_action_token(token.map(|token| token.as_str().to_owned()))
        .lifecycle_action_result(result.name())
        .send()
        .await;
    match sent {
        // An unmodelled error with a code that it shares with real mistakes: only the text says "already done".
        // Probe: no-group-is-not-no-action.
        Err(error) if !error.message().is_some_and(|text| text.contains("No active Lifecycle Action found")) => {
            Err(failed("autoscaling:CompleteLifecycleAction")(error))
        }
        Ok(_) => {
            node.writes.note_completed(instance.clone(), transition);
            if ends_hand_off {
                node.tell_of_hand_off(aws, instance).await;
                node.end_hand_off(instance, aws.clock.now());
            }
            if result == ActionResult::Abandon {
                // The number may have to follow before the group launches another.
                node.view.group.forget();
            }
            Ok(Applied::Done)
        }
        // Over, or not begun: the group knows. Probe: an-action-may-not-exist-yet.
        Err(_) => {
            node.writes.note_denied(instance.clone(), transition, aws.clock.now());
            if !node.view.shows_waiting(instance) {
                return Ok(Applied::Done);
            }
            node.view.group.forget();
            Ok(Applied::TooEarly)
        }
    }
}
