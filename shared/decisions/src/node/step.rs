//! The steps that a node can need next. Every one that does nothing carries its reason.

mod blocked;

use crate::ids::{GroupName, HostedZoneId, InstanceId, RecordName};
use crate::lifecycle::Transition;
use crate::node::observed::{InstanceState, Observed};
use crate::node::record::ARecord;
use crate::node::word::Question;
use crate::risk::Risk;
pub use blocked::Blocked;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Attach {
        /// It runs and is in the volume's zone.
        successor: InstanceId,
    },
    /// Mark an instance as at risk, for every function to see.
    Mark {
        instance: InstanceId,
        risk: Risk,
    },
    /// Have the group launch a replacement for a holder that is going to be taken away. The holder goes on serving,
    /// held by the terminate hook.
    Replace {
        /// It runs, and is a member of the group.
        holder: InstanceId,
    },
    /// Have the group launch a successor beside a holder that has to go some day, by asking it for two instances.
    LaunchFirst {
        /// It is in service, and goes on serving.
        holder: InstanceId,
    },
    /// End one of two instances through its group.
    EndSpare {
        /// It is a member of the group, and does not hold the volume.
        instance: InstanceId,
        number: Number,
    },
    /// Ask the group for one instance again: the second has not come.
    RestoreCapacity {
        /// The only instance in service.
        holder: InstanceId,
    },
    /// Have a holder that has let go of the volume serve again.
    Resume {
        /// It runs, and nobody is there to follow it.
        holder: InstanceId,
    },
    /// Ask an instance about itself. It answers when it can say yes, or has waited for that in vain.
    Ask {
        /// It runs, and its agent is online.
        instance: InstanceId,
        question: Question,
    },
    /// Have the holder stop k3s, end its containers, sync and unmount.
    Release {
        /// It runs, and its agent is online.
        holder: InstanceId,
    },
    /// Detach the volume from a holder that has released it, or is stopped.
    Detach {
        /// Nothing on it can write to the volume any more.
        holder: InstanceId,
    },
    /// Terminate a holder that cannot let go; EC2 frees the volume when it is gone.
    Terminate {
        /// It is a member of the group, or was.
        holder: InstanceId,
    },
    /// Write down in the zone that the name is the node's, provided that nothing there claims it.
    ClaimName,
    /// Move the record, provided that it still stands as it was read.
    PointRecord {
        /// As it was read; none if there was none.
        from: Option<ARecord>,
        to: ARecord,
    },
    Complete {
        instance: InstanceId,
        transition: Transition,
        result: ActionResult,
    },
    Wait(WaitFor),
    Done(Done),
    /// Nothing that a function should do: a person has to mend the set-up.
    Blocked(Blocked),
}

/// What becomes of the number of instances that a group is asked for, when one of them is ended by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// One less is asked for.
    Falls,
    /// The group launches another.
    Stays,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionResult {
    Continue,
    /// Give the launch up; the group terminates the instance and launches another.
    Abandon,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitFor {
    /// EC2 is still making the volume.
    #[error("the volume to become available")]
    Volume,
    #[error("{successor} to run")]
    Running { successor: InstanceId },
    #[error("{successor} to have an address")]
    Address { successor: InstanceId },
    /// The successor runs, but its operating system is still coming up; the holder serves meanwhile.
    #[error("{successor} to boot")]
    Booted { successor: InstanceId },
    /// The successor has booted, and has not said yet that it can take over; the holder serves meanwhile.
    #[error("{successor} to be prepared")]
    Prepared { successor: InstanceId },
    /// The successor has the volume, and has not said yet that it serves.
    #[error("{holder} to serve")]
    Serves { holder: InstanceId },
    /// The holder is going to go, and its group has not launched a replacement yet; the holder serves meanwhile.
    #[error("a replacement for {holder}")]
    Replacement { holder: InstanceId },
    #[error("{holder} to release the volume")]
    Released { holder: InstanceId },
    /// It had let go of the volume, and nobody followed.
    #[error("{holder} to serve again")]
    Resumed { holder: InstanceId },
    /// Only an instance in service is replaced before it ends.
    #[error("{holder} to go into service")]
    InService { holder: InstanceId },
    /// The volume is on its way to the successor.
    #[error("the volume to be attached to {successor}")]
    Attached { successor: InstanceId },
    /// The volume is on its way back from the holder.
    #[error("the volume to leave {holder}")]
    Detached { holder: InstanceId },
    /// If it comes, it is ended by name; if it does not come in time, the number is lowered without it.
    #[error("the second instance that the group was asked for, which is no longer needed, because {holder} stays")]
    Spare { holder: InstanceId },
    /// The group still shows an instance that it is going to end.
    #[error("the group to end {instance}")]
    SpareGone { instance: InstanceId },
    /// The holder is dying; EC2 frees the volume when it is gone.
    #[error("{holder} to be gone and EC2 to free the volume")]
    HolderGone { holder: InstanceId },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Done {
    /// The holder is the group's instance, the record names it, no action of ours waits.
    #[error("{holder} holds the volume and the record names it")]
    Serves { holder: InstanceId },
    /// The run of its launch waits for it to serve, which nothing else depends on.
    #[error("{holder} holds the volume and the record names it; another function waits until it serves")]
    Starts { holder: InstanceId },
    /// Route 53 has not answered, or has failed; nothing else waited for it.
    #[error(
        "{holder} holds the volume, but {name} in the hosted zone {zone} could not be brought up to date ({problem}): the next \
         run tries again"
    )]
    ServesWithoutRecord { holder: InstanceId, name: RecordName, zone: HostedZoneId, problem: String },
    /// The group has no instance that could take over; its next launch comes with an event of its own.
    #[error("the group has no instance that could take over yet")]
    NoSuccessor,
    /// The holder has to go some day. The group tries on its own to launch the second instance that it was asked for, and
    /// that launch comes with an event of its own.
    #[error("{holder} serves until the group has capacity for its successor")]
    AwaitsCapacity { holder: InstanceId },
    /// The lifecycle action was about the warm pool or a root volume.
    #[error("{instance} goes to or from the warm pool, or has its root volume replaced: the node stays where it is")]
    NoMove { instance: InstanceId },
    /// There is nothing to watch over: the run that its event has started is not the only one that knows.
    #[error("other runs are already handling the event about {instance}")]
    Underway { instance: InstanceId },
    /// The instance that was warned is gone, or has none of our tags.
    #[error("{instance} is gone, or has no {} tag: it is not an instance of a Durin node", crate::tags::VOLUME_ID)]
    NotANode { instance: InstanceId },
    /// The group has none of our tags.
    #[error("the Auto Scaling group {group} has no {} tag: it is not a Durin node", crate::tags::VOLUME_ID)]
    NotOurs { group: GroupName },
}

impl ActionResult {
    /// Auto Scaling's name of it.
    pub fn name(self) -> &'static str {
        match self {
            ActionResult::Continue => "CONTINUE",
            ActionResult::Abandon => "ABANDON",
        }
    }
}

impl Step {
    pub fn name(&self) -> &'static str {
        match self {
            Step::Attach { .. } => "attach",
            Step::Mark { .. } => "mark",
            Step::Replace { .. } => "replace",
            Step::LaunchFirst { .. } => "launch-first",
            Step::EndSpare { .. } => "end-spare",
            Step::RestoreCapacity { .. } => "restore-capacity",
            Step::Resume { .. } => "resume",
            Step::Ask { .. } => "ask",
            Step::Release { .. } => "release",
            Step::Detach { .. } => "detach",
            Step::Terminate { .. } => "terminate",
            Step::ClaimName => "claim-name",
            Step::PointRecord { .. } => "point-record",
            Step::Complete { .. } => "complete",
            Step::Wait(_) => "wait",
            Step::Done(_) => "done",
            Step::Blocked(_) => "blocked",
        }
    }

    /// Why, in words for a log or a person.
    pub fn reason(&self) -> String {
        match self {
            Step::Attach { successor } => format!("the volume is free and {successor} runs"),
            Step::Mark { instance, risk } => format!("{instance} is at risk: {risk}"),
            Step::Replace { holder } => format!("{holder} cannot stay and has no successor yet"),
            Step::LaunchFirst { holder } => format!("{holder} will have to go, so its successor is launched first"),
            Step::EndSpare { instance, .. } => format!("a node is one instance, and {instance} is not it"),

            Step::RestoreCapacity { holder } => format!("a node is one instance, and {holder} is it"),
            Step::Resume { holder } => format!("{holder} has released the volume, and no successor has come"),
            Step::Ask { instance, question: Question::Prepared } => {
                format!("{instance} has booted, and has not said whether it can take over")
            }
            Step::Ask { instance, question: Question::Serves } => {
                format!("{instance} has the volume, and has not said whether it serves")
            }
            Step::Release { holder } => format!("{holder} has to release the volume, as late as possible"),
            Step::Detach { holder } => format!("{holder} has released the volume"),
            Step::Terminate { holder } => format!("only the end of {holder} frees the volume for its successor"),
            Step::ClaimName => "nothing in the zone claims the node's name yet".to_owned(),
            Step::PointRecord { from: Some(from), to } => {
                format!(
                    "the record says {} with TTL {} s, but the holder is at {} with TTL {} s",
                    from.address, from.ttl_s, to.address, to.ttl_s
                )
            }
            Step::PointRecord { from: None, to } => format!("there is no record, and the holder is at {}", to.address),
            Step::Complete { instance, transition: Transition::Launching, result: ActionResult::Continue } => {
                format!("{instance} has the volume and the record")
            }
            Step::Complete { instance, transition: Transition::Launching, result: ActionResult::Abandon } => {
                format!("{instance} does not take over")
            }
            Step::Complete { instance, transition: Transition::Terminating, .. } => {
                format!("nothing needs {instance} any more")
            }
            Step::Wait(wait) => format!("waiting for {wait}"),
            Step::Done(done) => done.to_string(),
            Step::Blocked(blocked) => blocked.to_string(),
        }
    }

    /// Whether the step takes something away that cannot be given back, so that it is taken only after a second, fresh
    /// look has come to the same decision.
    pub fn is_irreversible(&self, observed: &Observed) -> bool {
        match self {
            Step::Terminate { .. }
            | Step::Detach { .. }
            | Step::Release { .. }
            | Step::Resume { .. }
            | Step::Replace { .. }
            | Step::LaunchFirst { .. }
            | Step::EndSpare { .. } => true,
            // One is what the group keeps, whatever was seen. A second look would give it time to launch the next.
            Step::RestoreCapacity { .. } => false,
            // A newcomer that is given up is lost for good.
            Step::Complete { transition: Transition::Launching, result: ActionResult::Abandon, .. } => true,
            // It may have been given the volume a moment ago, and would end with it mounted.
            Step::Complete { transition: Transition::Terminating, instance, .. } => {
                observed.instances.get(instance).is_none_or(|instance| instance.state != InstanceState::Dead)
            }
            Step::Attach { .. }
            | Step::Mark { .. }
            | Step::Ask { .. }
            | Step::ClaimName
            | Step::PointRecord { .. }
            | Step::Complete { .. }
            | Step::Wait(_)
            | Step::Done(_)
            | Step::Blocked(_) => false,
        }
    }
}
