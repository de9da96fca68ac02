//! Carrying out one step: one AWS write, whose answer is never trusted beyond what the next look will show.
//!
//! Every write is conditional or idempotent, so each may be repeated, late or lost: what AWS says about one that does not
//! fit what is there any more ("already attached", "do not match", "no active lifecycle action") only means "look again".

use aws_sdk_autoscaling::error::ProvideErrorMetadata as _;
use aws_sdk_ec2::types::Tag;
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};

use durin_decisions::node::{ARecord, ActionResult, Blocked, Record, Step};

use super::cached::Cached;
use super::documents::RELEASE_DOCUMENT;
use super::observe::Node;
use crate::aws::{Aws, code, failed, incomplete, words};
use crate::failure::Failure;
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::risk::Risk;
use crate::tags::AT_RISK;

/// The device that the volume is attached as. On Nitro instances the kernel names it `/dev/nvme…` nevertheless, and
/// the node finds it by the volume id in its serial number.
pub const DEVICE: &str = "/dev/sdf";

/// How long Systems Manager may take to deliver the release, in seconds: the least that it allows.
const DELIVERY_TIMEOUT_S: i32 = 30;

/// Whether what was written fitted what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    Done,
    /// Something has changed since it was seen: look again, after a pause.
    Overtaken,
}

/// Carries out a step that writes, and notes in the view what it has made uncertain.
///
/// # Errors
/// When AWS refuses for good, or cannot be reached.
pub(super) async fn apply(aws: &Aws, node: &mut Node, step: &Step) -> Result<Applied, Failure> {
    match step {
        Step::Attach { successor } => {
            node.view.volume.forget();
            attach(aws, node, successor).await
        }
        Step::Mark { instance, risk } => mark(aws, node, instance, *risk).await,
        Step::Replace { holder } => {
            node.view.group.forget();
            replace(aws, holder).await
        }
        Step::Release { holder } => release(aws, node, holder).await,
        Step::Detach { holder } => {
            node.view.volume.forget();
            detach(aws, node, holder).await
        }
        Step::Terminate { holder } => {
            let applied = terminate(aws, holder).await;
            node.view.forget_all();
            applied
        }
        Step::PointRecord { from, to } => point_record(aws, node, from.as_ref(), to).await,
        Step::Complete { instance, transition, result } => complete(aws, node, instance, *transition, *result).await,
        Step::Wait(_) | Step::Done(_) | Step::Blocked(_) => Ok(Applied::Done),
    }
}

async fn attach(aws: &Aws, node: &Node, successor: &InstanceId) -> Result<Applied, Failure> {
    let volume = &node.declaration.volume;
    let sent =
        aws.ec2.attach_volume().volume_id(volume.as_str()).instance_id(successor.as_str()).device(DEVICE).send().await;
    let Err(error) = sent else { return Ok(Applied::Done) };
    let refused = |problem| Blocked::AttachRefused { volume: volume.clone(), successor: successor.clone(), problem };
    match code(&error) {
        // Another function was faster, or this one in an attempt whose answer was lost; or the successor stopped running.
        "VolumeInUse" | "IncorrectState" | "IncorrectInstanceState" | "InvalidInstanceID.NotFound" => {
            Ok(Applied::Overtaken)
        }
        "InvalidParameterValue" | "AttachmentLimitExceeded" | "InvalidVolume.ZoneMismatch" => {
            Err(refused(words(&error)).into())
        }
        _ => Err(failed("ec2:AttachVolume")(error)),
    }
}

async fn mark(aws: &Aws, node: &mut Node, instance: &InstanceId, risk: Risk) -> Result<Applied, Failure> {
    let tag = Tag::builder().key(AT_RISK).value(risk.to_string()).build();
    match aws.ec2.create_tags().resources(instance.as_str()).tags(tag).send().await {
        // An instance that is gone has nothing to warn of any more; the next look will show it.
        Err(error) if code(&error) != "InvalidInstanceID.NotFound" => Err(failed("ec2:CreateTags")(error)),
        Ok(_) | Err(_) => {
            node.writes.note_mark(instance.clone(), risk);
            Ok(Applied::Done)
        }
    }
}

/// Terminating the holder through its group is what makes the group launch a replacement at once, while the terminate
/// hook keeps the holder alive and serving. Raising the desired capacity instead would leave a group of two behind if
/// this function died; marking the holder unhealthy would come to the same a health check later.
async fn replace(aws: &Aws, holder: &InstanceId) -> Result<Applied, Failure> {
    let sent = aws
        .autoscaling
        .terminate_instance_in_auto_scaling_group()
        .instance_id(holder.as_str())
        .should_decrement_desired_capacity(false)
        .send()
        .await;
    match sent {
        Ok(_) => Ok(Applied::Done),
        // It is going already, or the group is at something else: look again.
        Err(error) if matches!(code(&error), "ScalingActivityInProgress" | "ValidationError") => Ok(Applied::Overtaken),
        Err(error) => Err(failed("autoscaling:TerminateInstanceInAutoScalingGroup")(error)),
    }
}

/// Two releases at once do no harm: the document waits for the first, and finds nothing left to do.
async fn release(aws: &Aws, node: &mut Node, holder: &InstanceId) -> Result<Applied, Failure> {
    let sent = aws
        .ssm
        .send_command()
        .document_name(RELEASE_DOCUMENT)
        .instance_ids(holder.as_str())
        .parameters("VolumeId", vec![node.declaration.volume.to_string()])
        .timeout_seconds(DELIVERY_TIMEOUT_S)
        .comment("Durin: let go of the data volume")
        .send()
        .await;
    node.view.release_state.forget();
    node.writes.note_release_sent(aws.clock.now());
    match sent {
        Ok(_) => Ok(Applied::Done),
        // The agent or the instance has just gone.
        Err(error) if code(&error) == "InvalidInstanceId" => Ok(Applied::Overtaken),
        // No document, no permission, no service: a release that cannot be had does not stop the hand-off.
        Err(error) => {
            let refused = failed("ssm:SendCommand")(error);
            tracing::warn!(node = %node.name(), instance = %holder, step = "release", reason = refused.chain(), "refused");
            node.writes.note_release_refused();
            Ok(Applied::Done)
        }
    }
}

async fn detach(aws: &Aws, node: &Node, holder: &InstanceId) -> Result<Applied, Failure> {
    // Naming the instance keeps a late repetition from detaching the next holder. Never `force`.
    let sent =
        aws.ec2.detach_volume().volume_id(node.declaration.volume.as_str()).instance_id(holder.as_str()).send().await;
    match sent {
        Ok(_) => Ok(Applied::Done),
        Err(error) => match code(&error) {
            "IncorrectState" | "IncorrectInstanceState" | "InvalidAttachment.NotFound" => Ok(Applied::Overtaken),
            _ => Err(failed("ec2:DetachVolume")(error)),
        },
    }
}

async fn terminate(aws: &Aws, holder: &InstanceId) -> Result<Applied, Failure> {
    match aws.ec2.terminate_instances().instance_ids(holder.as_str()).send().await {
        Ok(_) => Ok(Applied::Done),
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
    const OPERATION: &str = "route53:ChangeResourceRecordSets";
    let declared = node.declaration.clone();
    let change = |action, record: &ARecord| -> Result<Change, Failure> {
        let value = ResourceRecord::builder().value(&record.address).build().map_err(incomplete(OPERATION))?;
        let set = ResourceRecordSet::builder()
            .name(declared.record.as_str())
            .r#type(RrType::A)
            .ttl(record.ttl_s)
            .resource_records(value)
            .build()
            .map_err(incomplete(OPERATION))?;
        Change::builder().action(action).resource_record_set(set).build().map_err(incomplete(OPERATION))
    };
    let mut batch = ChangeBatch::builder().comment(format!("Durin: the node {} is at {}", declared.group, to.address));
    if let Some(from) = from {
        batch = batch.changes(change(ChangeAction::Delete, from)?);
    }
    let batch = batch.changes(change(ChangeAction::Create, to)?).build().map_err(incomplete(OPERATION))?;
    let sent = aws
        .route53
        .change_resource_record_sets()
        .hosted_zone_id(declared.zone.as_str())
        .change_batch(batch)
        .send()
        .await;
    let Err(error) = sent else {
        // A compare-and-swap that succeeded is as good as a read.
        node.view.record = Cached::read_at(aws.clock.now(), Record::Simple(to.clone()));
        return Ok(Applied::Done);
    };
    node.view.record.forget();
    let problem = words(&error);
    let overtaken = ["not found", "do not match", "already exists"].iter().any(|text| problem.contains(text));
    match code(&error) {
        "InvalidChangeBatch" if overtaken => Ok(Applied::Overtaken),
        "InvalidChangeBatch" | "InvalidInput" => {
            Err(Blocked::RecordRefused { name: declared.record, zone: declared.zone, problem }.into())
        }
        "NoSuchHostedZone" => Err(Blocked::NoSuchZone { group: declared.group, zone: declared.zone }.into()),
        _ => Err(failed(OPERATION)(error)),
    }
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
    let sent = aws
        .autoscaling
        .complete_lifecycle_action()
        .auto_scaling_group_name(node.name().as_str())
        .lifecycle_hook_name(transition.hook())
        .instance_id(instance.as_str())
        .set_lifecycle_action_token(token.map(|token| token.as_str().to_owned()))
        .lifecycle_action_result(match result {
            ActionResult::Continue => "CONTINUE",
            ActionResult::Abandon => "ABANDON",
        })
        .send()
        .await;
    match sent {
        // An unmodelled error with a code that it shares with real mistakes: only the text says "already done".
        Err(error) if !error.message().is_some_and(|text| text.contains("No active Lifecycle Action found")) => {
            Err(failed("autoscaling:CompleteLifecycleAction")(error))
        }
        Ok(_) | Err(_) => {
            node.writes.note_completed(instance.clone(), transition);
            Ok(Applied::Done)
        }
    }
}
