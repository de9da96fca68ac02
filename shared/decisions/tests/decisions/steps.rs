//! What a step says of itself: in a log, to a person, and to the loop.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{ActionResult, Blocked, Done, InstanceState, Number, Question, Step, WaitFor};
use durin_decisions::risk::{Risk, RiskReason};
use rstest::rstest;

use crate::situation::*;

const IRREVERSIBLE: bool = true;

#[rstest]
#[case(Step::Attach { successor: id(NEW) }, "attach", !IRREVERSIBLE, "the volume is free and i-00000000000000002 runs")]
#[case(
    Step::Mark { instance: id(OLD), risk: Risk { reason: RiskReason::Rebalance, until: None } },
    "mark",
    !IRREVERSIBLE,
    "i-00000000000000001 is at risk: rebalance-recommendation"
)]
#[case(
    Step::Replace { holder: id(OLD) },
    "replace",
    IRREVERSIBLE,
    "i-00000000000000001 cannot stay and has no successor yet"
)]
#[case(
    Step::LaunchFirst { holder: id(OLD) },
    "launch-first",
    IRREVERSIBLE,
    "i-00000000000000001 will have to go, so its successor is launched first"
)]
#[case(
    Step::EndSpare { instance: id(NEW), number: Number::Falls },
    "end-spare",
    IRREVERSIBLE,
    "a node is one instance, and i-00000000000000002 is not it"
)]
#[case(
    Step::EndSpare { instance: id(NEW), number: Number::Stays },
    "end-spare",
    IRREVERSIBLE,
    "a node is one instance, and i-00000000000000002 is not it"
)]
#[case(
    Step::RestoreCapacity { holder: id(OLD) },
    "restore-capacity",
    !IRREVERSIBLE,
    "a node is one instance, and i-00000000000000001 is it"
)]
#[case(
    Step::Resume { holder: id(OLD) },
    "resume",
    IRREVERSIBLE,
    "i-00000000000000001 has released the volume, and no successor has come"
)]
#[case(
    Step::Release { holder: id(OLD) },
    "release",
    IRREVERSIBLE,
    "i-00000000000000001 has to release the volume, as late as possible"
)]
#[case(Step::Detach { holder: id(OLD) }, "detach", IRREVERSIBLE, "i-00000000000000001 has released the volume")]
#[case(
    Step::Terminate { holder: id(OLD) },
    "terminate",
    IRREVERSIBLE,
    "only the end of i-00000000000000001 frees the volume for its successor"
)]
#[case(
    Step::PointRecord { from: Some(a_record(OLD)), to: with_ttl(a_record(NEW), 60) },
    "point-record",
    !IRREVERSIBLE,
    "the record says 10.0.0.1 with TTL 10 s, but the holder is at 10.0.0.2 with TTL 60 s"
)]
#[case(Step::ClaimName, "claim-name", !IRREVERSIBLE, "nothing in the zone claims the node's name yet")]
#[case(
    Step::PointRecord { from: None, to: a_record(NEW) },
    "point-record",
    !IRREVERSIBLE,
    "there is no record, and the holder is at 10.0.0.2"
)]
#[case(
    Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Continue },
    "complete",
    !IRREVERSIBLE,
    "i-00000000000000002 has the volume and the record"
)]
#[case(
    Step::Complete { instance: id(NEW), transition: Transition::Launching, result: ActionResult::Abandon },
    "complete",
    IRREVERSIBLE,
    "i-00000000000000002 does not take over"
)]
#[case(
    Step::Complete { instance: id(OLD), transition: Transition::Terminating, result: ActionResult::Continue },
    "complete",
    !IRREVERSIBLE,
    "nothing needs i-00000000000000001 any more"
)]
#[case(
    Step::Ask { instance: id(NEW), question: Question::Prepared },
    "ask",
    !IRREVERSIBLE,
    "i-00000000000000002 has booted, and has not said whether it can take over"
)]
#[case(
    Step::Ask { instance: id(NEW), question: Question::Serves },
    "ask",
    !IRREVERSIBLE,
    "i-00000000000000002 has the volume, and has not said whether it serves"
)]
#[case(Step::Wait(WaitFor::Volume), "wait", !IRREVERSIBLE, "waiting for the volume to become available")]
#[case(
    Step::Done(Done::Serves { holder: id(OLD) }),
    "done",
    !IRREVERSIBLE,
    "i-00000000000000001 holds the volume and the record names it"
)]
#[case(
    Step::Blocked(Blocked::MultiAttach { volume: volume() }),
    "blocked",
    !IRREVERSIBLE,
    "the volume vol-0123456789abcdef0 is attached to several instances: detach it from all but the node's and switch \
     Multi-Attach off"
)]
fn a_step_says_what_it_is_and_why(
    #[case] step: Step,
    #[case] name: &str,
    #[case] is_irreversible: bool,
    #[case] reason: &str,
) {
    let seen = healthy().state(OLD, InstanceState::Dead).seen();
    assert_eq!((step.name(), step.is_irreversible(&seen), step.reason().as_str()), (name, is_irreversible, reason));
}
