//! Each probe, put to a world that answers otherwise than the code assumes: it has to say so.

use std::collections::BTreeSet;
use std::time::Duration;

use durin_cli::prove::Proving;
use durin_harness::world::latency::{Latencies, Range};
use durin_prove::{Probe, Verdict, probes};
use rstest::rstest;
use serde_json::json;

use super::{asked_here, proving};

/// What the world does otherwise.
type Otherwise = fn(&Proving);

const REFUSES: &str =
    "<Response><Errors><Error><Code>InvalidThing</Code><Message>No.</Message></Error></Errors></Response>";
const GROUP_REFUSES: &str = "<ErrorResponse><Error><Code>ValidationError</Code><Message>Invalid id: \"resolve:ssm\"</Message></Error></ErrorResponse>";
const SSM_REFUSES: &str = "{\"__type\": \"InvalidThing\", \"message\": \"No.\"}";

const ALL: &[(&str, Otherwise)] = &[
    ("unknown-group-is-left-out", |it| it.way.answer("autoscaling:DescribeAutoScalingGroups", 400, GROUP_REFUSES)),
    ("unknown-member-is-left-out", |it| it.way.answer("autoscaling:DescribeAutoScalingInstances", 400, GROUP_REFUSES)),
    ("filters-refuse-nothing", |it| it.way.answer("ec2:DescribeInstances", 400, REFUSES)),
    ("unknown-instance-is-refused", |it| it.way.replace("ec2:TerminateInstances", "NotFound", "Malformed")),
    ("unknown-image-is-refused", |it| it.way.replace("ec2:DescribeImages", "NotFound", "Malformed")),
    ("unknown-snapshot-is-refused", |it| it.way.replace("ec2:DeleteSnapshot", "NotFound", "Malformed")),
    ("unknown-template-is-refused", |it| {
        it.way.replace("ec2:DescribeLaunchTemplateVersions", "NotFoundException", "NotFound");
    }),
    ("tags-decide-before-existence", |it| {
        it.way.replace("ec2:DetachVolume", "UnauthorizedOperation", "InvalidVolume.NotFound");
    }),
    ("unknown-parameter-is-refused", |it| it.way.replace("ssm:GetParameter", "ParameterNotFound", "ResourceNotFound")),
    ("unknown-member-is-not-ended", |it| {
        it.way.replace("autoscaling:TerminateInstanceInAutoScalingGroup", "ValidationError", "ResourceContention");
    }),
    ("no-group-is-not-no-action", |it| {
        let text = "No active Lifecycle Action found with token";
        it.way.replace("autoscaling:CompleteLifecycleAction", "AutoScalingGroup name not found", text);
    }),
    ("command-to-nobody-is-refused", |it| it.way.replace("ssm:SendCommand", "InvalidInstanceId", "InvalidTarget")),
    ("unknown-command-has-no-invocations", |it| it.way.answer("ssm:ListCommandInvocations", 400, SSM_REFUSES)),
    ("dry-run-is-a-refusal", |it| it.way.answer("ec2:DescribeInstances", 403, REFUSES)),
    ("disabled-images-are-asked-for", |it| it.way.replace("ec2:DescribeImages", "InvalidParameter", "InvalidFilter")),
    ("ec2-answers-a-read-in-time", |it| it.aws().world(|world| world.latency.ec2_read = millis(900))),
    ("auto-scaling-answers-in-time", |it| it.aws().world(|world| world.latency.autoscaling_call = millis(900))),
    ("route-53-answers-in-time", |it| it.aws().world(|world| world.latency.route53_call = millis(900))),
    ("systems-manager-answers-in-time", |it| it.aws().world(|world| world.latency.ssm_call = millis(900))),
    ("kms-answers-in-time", |it| it.aws().world(|world| world.latency.kms_call = millis(900))),
    ("identical-put-makes-a-version", |it| it.way.replace("ssm:PutParameter", "\"Version\":2", "\"Version\":1")),
    ("overwriting-keeps-the-types", |it| {
        it.way.replace("ssm:PutParameter", "HierarchyTypeMismatchException", "ValidationException");
    }),
    ("a-parameter-goes-by-its-arn", |it| it.way.replace("ssm:GetParameter", "\"Name\":\"/durin", "\"Name\":\"durin")),
    ("an-image-parameter-is-validated-later", |it| {
        it.aws().world(|world| world.latency.parameter_validation = millis(200_000));
    }),
    ("a-put-into-a-validation-is-refused", |it| {
        it.way.replace("ssm:PutParameter", "TooManyUpdates", "ValidationPending")
    }),
    ("a-bad-image-parameter-never-comes", |it| {
        let there = "{\"Parameter\": {\"Name\": \"p\", \"Value\": \"ami-0\", \"Version\": 1}}";
        it.way.answer("ssm:GetParameter", 200, there);
    }),
    ("one-missing-version-fails-all", |it| {
        it.way.replace("ec2:DescribeLaunchTemplateVersions", ".VersionNotFound", ".NotFound");
    }),
    ("a-mixed-policy-takes-a-parameter", |it| it.way.answer("autoscaling:CreateAutoScalingGroup", 400, GROUP_REFUSES)),
    ("a-policy-goes-without-its-template", |it| {
        it.way.answer("autoscaling:UpdateAutoScalingGroup", 400, GROUP_REFUSES)
    }),
    ("a-record-moves-by-comparison", |it| {
        it.way.replace("route53:ChangeResourceRecordSets", "do not match", "differ from");
    }),
    ("a-record-shows-while-pending", |it| it.aws().world(|world| world.latency.change_in_sync = millis(90_000))),
    ("a-free-volume-is-not-detached", |it| it.way.replace("ec2:DetachVolume", "IncorrectState", "InvalidState")),
    ("a-volume-is-made-in-seconds", |it| it.aws().world(|world| world.latency.volume_creation = millis(9_000))),
    ("ec2-answers-a-write-in-time", |it| it.aws().world(|world| world.latency.ec2_write = millis(2_000))),
    ("a-group-acts-in-seconds", |it| it.aws().world(|world| world.latency.group_reaction = millis(20_000))),
    ("nobody-takes-no-volume", |it| it.way.replace("ec2:AttachVolume", ".NotFound", ".Malformed")),
    ("a-copy-looks-new", |it| it.aws().world(|world| world.latency.image_creation = millis(500_000))),
    ("a-snapshot-in-use-stays", |it| it.way.replace("ec2:DeleteSnapshot", "InUse", "Busy")),
    ("a-deregistered-image-is-gone", |it| it.way.replace("ec2:DeregisterImage", "InvalidAMIID", "InvalidImage")),
    ("an-instance-starts-in-seconds", |it| it.aws().world(|world| world.latency.instance_start = millis(40_000))),
    ("a-pending-instance-takes-no-volume", |it| it.way.replace("ec2:AttachVolume", "IncorrectState", "InvalidState")),
    ("a-volume-moves-in-seconds", |it| it.aws().world(|world| world.latency.detach = millis(9_000))),
    ("a-volume-in-use-stays-where-it-is", |it| it.way.replace("ec2:AttachVolume", "VolumeInUse", "VolumeBusy")),
    ("the-end-of-an-instance-frees-its-volume", |it| {
        it.aws().world(|world| world.latency.shutting_down = millis(90_000));
    }),
    ("a-command-begins-in-seconds", |it| it.aws().world(|world| world.latency.ssm_command_start = millis(8_000))),
    ("a-mixed-policy-launches-from-a-parameter", |it| {
        it.way.replace("ec2:DescribeInstances", "<imageId>ami-", "<imageId>ami-0");
    }),
    ("two-are-there-before-one-ends", |it| {
        let group = "autoscaling:DescribeAutoScalingGroups";
        it.way.replace(group, "<DesiredCapacity>1", "<DesiredCapacity>2");
    }),
    ("the-last-one-is-not-decremented", |it| {
        let call = "autoscaling:TerminateInstanceInAutoScalingGroup";
        it.way.replace(call, "ValidationError", "ScalingActivityInProgress");
    }),
    ("an-action-may-not-exist-yet", |it| {
        let refused = GROUP_REFUSES.replace("Invalid id", "No active Lifecycle Action found");
        it.way.answer("autoscaling:CompleteLifecycleAction", 400, &refused);
    }),
    ("a-dead-instance-still-has-its-hook", |it| it.aws().world(|world| world.latency.health_check = millis(400_000))),
    ("a-listing-begins-at-a-name", |it| it.way.replace("route53:ListResourceRecordSets", "\\052", "*")),
];

fn millis(millis: u64) -> Range {
    Range::exactly(Duration::from_millis(millis))
}

#[tokio::test(start_paused = true)]
async fn a_probe_refutes_what_aws_answers_otherwise() {
    for (name, otherwise) in ALL {
        let proving = proving();
        otherwise(&proving);
        let finding = proving.ask(probes::named(name).expect("a probe")).await;
        assert_eq!(finding.verdict, Verdict::Refuted, "{name}: {}", finding.saw);
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_that_does_not_exist_at_once_is_as_assumed_too() {
    let proving = proving();
    proving.aws().world(|world| world.latency.lifecycle_action_exists = millis(5_000));
    let finding = proving.ask(probes::named("an-action-may-not-exist-yet").expect("a probe")).await;
    assert_eq!(finding.verdict, Verdict::Proved, "{}", finding.saw);
    assert!(finding.saw.starts_with("refused at first"), "{}", finding.saw);
    let [timing] = &finding.timings[..] else { panic!("{finding:?}") };
    assert!((1_000..=5_000).contains(&timing.at_least_ms) && timing.at_most_ms >= 5_000, "{timing:?}");
}

/// A refusal for want of a permission says nothing about AWS.
#[tokio::test(start_paused = true)]
async fn a_probe_that_may_not_ask_says_neither() {
    // What that one asks about is a missing permission.
    for probe in asked_here().filter(|probe| probe.name != "tags-decide-before-existence") {
        let proving = proving();
        let first = probe.calls[0];
        let body = match first.split(':').next() {
            Some("ec2") => REFUSES.replace("InvalidThing", "UnauthorizedOperation"),
            Some("ssm" | "kms") => SSM_REFUSES.replace("InvalidThing", "AccessDeniedException"),
            _ => GROUP_REFUSES.replace("ValidationError", "AccessDenied"),
        };
        probe.calls.iter().for_each(|call| {
            if call.split(':').next() == first.split(':').next() {
                proving.way.answer(call, 403, &body);
            }
        });
        let finding = proving.ask(probe).await;
        assert_eq!(finding.verdict, Verdict::Inconclusive, "{}: {}", probe.name, finding.saw);
        assert!(finding.saw.contains("may not ask"), "{}: {}", probe.name, finding.saw);
    }
}

#[test]
fn every_probe_that_is_asked_here_is_also_asked_otherwise() {
    let otherwise: BTreeSet<_> = ALL.iter().map(|(name, _)| *name).collect();
    let missing: Vec<_> =
        asked_here().map(|probe: &Probe| probe.name).filter(|name| !otherwise.contains(name)).collect();
    assert!(missing.is_empty(), "no world answers these otherwise: {missing:?}");
    assert_eq!(otherwise.len(), ALL.len());
}

/// What the local AWS cannot be asked: the answers are as durin-node gives them.
#[rstest]
#[case::quick("4.2", Verdict::Proved)]
#[case::slow("31.7", Verdict::Refuted)]
#[tokio::test(start_paused = true)]
async fn what_an_instance_has_measured_is_taken_from_its_answers(#[case] api: &str, #[case] verdict: Verdict) {
    let released = json!({
        "protocol": 1, "answer": "released", "volume": "vol-1",
        "seconds": {"stop k3s": 1.1, "end the containers": 3.0, "sync": 0.1, "unmount": 0.4},
    });
    let served = format!(
        "{{\"protocol\":1,\"answer\":\"serves\",\"volume\":{{\"mount_seconds\":0.9}},\"k3s\":{{\"api_seconds\":{api},\
         \"workloads_seconds\":40.0}}}}"
    );
    let api: f64 = api.parse().expect("a number");
    let served = served.replace("40.0", &(api + 6.0).to_string());
    let output = |text: &str| json!({"CommandPlugins": [{"Name": "p", "Output": format!("step: done\n{text}\n")}]});
    let both = json!({"CommandInvocations": [output(&released.to_string()), output(&served)]});
    let proving = proving();
    proving.way.answer("ssm:ListCommandInvocations", 200, &both.to_string());
    let finding = proving.ask(probes::named("a-hand-off-is-as-quick-inside").expect("a probe")).await;
    assert_eq!(finding.verdict, verdict, "{}", finding.saw);
    assert_eq!(finding.timings.len(), 6, "{finding:?}");
    assert!(finding.timings.iter().all(|it| Latencies::default().prove(&it.latency, millis(1))), "{finding:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_hand_off_nobody_knows_how_long_one_takes_inside() {
    let finding = proving().ask(probes::named("a-hand-off-is-as-quick-inside").expect("a probe")).await;
    assert_eq!(finding.verdict, Verdict::Inconclusive);
    assert!(finding.saw.contains("just drill"), "{}", finding.saw);
}
