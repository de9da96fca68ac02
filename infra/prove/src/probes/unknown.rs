//! What AWS says of things that do not exist: each answer here decides between "gone", "not yet" and a failure.

use aws_sdk_ec2::types::Tag;

use crate::answer::{Answer, answer};
use crate::bench::{Bench, TAG, filter};
use crate::probe::{Finding, Here, Level, Probe, Rests, Trouble};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "unknown-group-is-left-out",
        level: Level::Read,
        assumes: "DescribeAutoScalingGroups leaves out a name that no group has, and refuses nothing.",
        rests_on: &[Rests {
            file: "shared/src/node/read.rs",
            rule: "a group that is not in the answer does not exist",
        }],
        calls: &["autoscaling:DescribeAutoScalingGroups"],
        expects: "an empty list",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(group(bench)),
    },
    Probe {
        name: "unknown-member-is-left-out",
        level: Level::Read,
        assumes: "DescribeAutoScalingInstances leaves out an instance that is in no group, and refuses nothing.",
        rests_on: &[Rests {
            file: "harness/src/wire/autoscaling/describe.rs",
            rule: "unknown ids are missing from the answer",
        }],
        calls: &["autoscaling:DescribeAutoScalingInstances"],
        expects: "an empty list",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(member(bench)),
    },
    Probe {
        name: "filters-refuse-nothing",
        level: Level::Read,
        assumes: "DescribeInstances with a filter for an instance that does not exist is an empty list, not a refusal.",
        rests_on: &[Rests {
            file: "shared/src/node/read.rs",
            rule: "instances are read by filters, so that one that is gone does not fail the others",
        }],
        calls: &["ec2:DescribeInstances"],
        expects: "an empty list",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(filtered(bench)),
    },
    Probe {
        name: "unknown-instance-is-refused",
        level: Level::Read,
        assumes: "CreateTags and TerminateInstances of an instance that does not exist are refused as \
                  InvalidInstanceID.NotFound.",
        rests_on: &[Rests { file: "shared/src/node/apply.rs", rule: "that code means that the instance is gone" }],
        calls: &["ec2:CreateTags", "ec2:TerminateInstances"],
        expects: "InvalidInstanceID.NotFound from both",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(instance(bench)),
    },
    Probe {
        name: "unknown-image-is-refused",
        level: Level::Read,
        assumes: "DescribeImages by the id of an image that does not exist is refused as InvalidAMIID.NotFound.",
        rests_on: &[Rests { file: "shared/src/ami/read.rs", rule: "that code means that the image is gone" }],
        calls: &["ec2:DescribeImages"],
        expects: "InvalidAMIID.NotFound",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(image(bench)),
    },
    Probe {
        name: "unknown-snapshot-is-refused",
        level: Level::Read,
        assumes: "DeleteSnapshot of a snapshot that does not exist is refused as InvalidSnapshot.NotFound.",
        rests_on: &[Rests {
            file: "shared/src/ami/prune/apply.rs",
            rule: "that code means that the snapshot has been deleted already",
        }],
        calls: &["ec2:DeleteSnapshot"],
        expects: "InvalidSnapshot.NotFound",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(snapshot(bench)),
    },
    Probe {
        name: "unknown-template-is-refused",
        level: Level::Read,
        assumes: "DescribeLaunchTemplateVersions of a launch template that does not exist is refused as \
                  InvalidLaunchTemplateId.NotFound, or by name as InvalidLaunchTemplateName.NotFoundException.",
        rests_on: &[Rests {
            file: "shared/src/ami/references/templates.rs",
            rule: "those codes mean that the template refers to nothing",
        }],
        calls: &["ec2:DescribeLaunchTemplateVersions"],
        expects: "those codes",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(template(bench)),
    },
    Probe {
        name: "unknown-parameter-is-refused",
        level: Level::Read,
        assumes: "GetParameter of a parameter that does not exist is refused as ParameterNotFound.",
        rests_on: &[Rests { file: "shared/src/ami/read.rs", rule: "that code means that there is none" }],
        calls: &["ssm:GetParameter"],
        expects: "ParameterNotFound",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(parameter(bench)),
    },
    Probe {
        name: "unknown-member-is-not-ended",
        level: Level::Read,
        assumes: "TerminateInstanceInAutoScalingGroup of an instance that is in no group is refused as ValidationError.",
        rests_on: &[Rests {
            file: "shared/src/node/apply.rs",
            rule: "a ValidationError means: look again, because the group may not have it any more",
        }],
        calls: &["autoscaling:TerminateInstanceInAutoScalingGroup"],
        expects: "ValidationError, HTTP 400",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(not_ended(bench)),
    },
    Probe {
        name: "no-group-is-not-no-action",
        level: Level::Read,
        assumes: "CompleteLifecycleAction for a group that does not exist is a ValidationError whose text is another than \
                  that of an action that is over.",
        rests_on: &[Rests {
            file: "shared/src/node/apply.rs",
            rule: "only the text \"No active Lifecycle Action found\" is taken for an action that is over",
        }],
        calls: &["autoscaling:CompleteLifecycleAction"],
        expects: "ValidationError without that text",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(no_group(bench)),
    },
    Probe {
        name: "command-to-nobody-is-refused",
        level: Level::Read,
        assumes: "SendCommand to an instance that Systems Manager does not know is refused as InvalidInstanceId.",
        rests_on: &[
            Rests { file: "shared/src/node/apply.rs", rule: "that code means that its agent is not there, or not yet" },
            Rests { file: "shared/src/node/roll_call.rs", rule: "that code means that one of the fifty is not there" },
        ],
        calls: &["ssm:SendCommand"],
        expects: "InvalidInstanceId",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(command(bench)),
    },
    Probe {
        name: "unknown-command-has-no-invocations",
        level: Level::Read,
        assumes: "ListCommandInvocations of a command that does not exist is an empty list.",
        rests_on: &[Rests {
            file: "harness/src/wire/ssm/invocations.rs",
            rule: "a command that nobody knows has no invocations",
        }],
        calls: &["ssm:ListCommandInvocations"],
        expects: "an empty list",
        makes: "",
        cents: 0.0,
        seconds: 1,
        here: Here::Answers,
        ask: |bench| Box::pin(invocations(bench)),
    },
];

async fn group(bench: &Bench) -> Result<Finding, Trouble> {
    let name = bench.name("nobody");
    let groups = bench.aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name).send();
    Ok(of_none(answer(groups.await)?.map(|it| it.auto_scaling_groups.unwrap_or_default().len())))
}

async fn member(bench: &Bench) -> Result<Finding, Trouble> {
    let call = bench.aws.autoscaling.describe_auto_scaling_instances().instance_ids(bench.nothing("i"));
    Ok(of_none(answer(call.send().await)?.map(|it| it.auto_scaling_instances.unwrap_or_default().len())))
}

async fn filtered(bench: &Bench) -> Result<Finding, Trouble> {
    let call = bench.aws.ec2.describe_instances().filters(filter("instance-id", bench.nothing("i")));
    Ok(of_none(answer(call.send().await)?.map(|it| it.reservations.unwrap_or_default().len())))
}

async fn instance(bench: &Bench) -> Result<Finding, Trouble> {
    let id = bench.nothing("i");
    let tag = Tag::builder().key(TAG).value(&bench.run).build();
    let tagged = answer(bench.aws.ec2.create_tags().resources(&id).tags(tag).send().await)?;
    let ended = answer(bench.aws.ec2.terminate_instances().instance_ids(&id).send().await)?;
    let gone = "InvalidInstanceID.NotFound";
    let saw = format!("CreateTags: {tagged}; TerminateInstances: {ended}");
    Ok(Finding::of(tagged.is_refusal(gone) && ended.is_refusal(gone), saw))
}

async fn image(bench: &Bench) -> Result<Finding, Trouble> {
    let asked = answer(bench.aws.ec2.describe_images().image_ids(bench.nothing("ami")).send().await)?;
    Ok(Finding::of(asked.is_refusal("InvalidAMIID.NotFound"), asked.to_string()))
}

async fn snapshot(bench: &Bench) -> Result<Finding, Trouble> {
    let asked = answer(bench.aws.ec2.delete_snapshot().snapshot_id(bench.nothing("snap")).send().await)?;
    Ok(Finding::of(asked.is_refusal("InvalidSnapshot.NotFound"), asked.to_string()))
}

async fn template(bench: &Bench) -> Result<Finding, Trouble> {
    let call = || bench.aws.ec2.describe_launch_template_versions();
    let by_id = answer(call().launch_template_id(bench.nothing("lt")).send().await)?;
    let by_name = answer(call().launch_template_name(bench.name("nobody")).send().await)?;
    let is_as_assumed = by_id.is_refusal("InvalidLaunchTemplateId.NotFound")
        && by_name.is_refusal("InvalidLaunchTemplateName.NotFoundException");
    Ok(Finding::of(is_as_assumed, format!("by id: {by_id}; by name: {by_name}")))
}

async fn parameter(bench: &Bench) -> Result<Finding, Trouble> {
    let asked = answer(bench.aws.ssm.get_parameter().name(bench.parameter("nobody")).send().await)?;
    Ok(Finding::of(asked.is_refusal("ParameterNotFound"), asked.to_string()))
}

async fn not_ended(bench: &Bench) -> Result<Finding, Trouble> {
    let call = bench.aws.autoscaling.terminate_instance_in_auto_scaling_group().instance_id(bench.nothing("i"));
    let asked = answer(call.should_decrement_desired_capacity(false).send().await)?;
    Ok(Finding::of(asked.is_refusal("ValidationError"), asked.to_string()))
}

async fn no_group(bench: &Bench) -> Result<Finding, Trouble> {
    let call = bench.aws.autoscaling.complete_lifecycle_action().auto_scaling_group_name(bench.name("nobody"));
    let call = call.lifecycle_hook_name("durin-launch").instance_id(bench.nothing("i"));
    let asked = answer(call.lifecycle_action_result("CONTINUE").send().await)?;
    let is_other = |text: &str| !text.contains("No active Lifecycle Action found");
    let is_as_assumed =
        asked.refusal().is_some_and(|refusal| refusal.code == "ValidationError" && is_other(&refusal.text));
    Ok(Finding::of(is_as_assumed, asked.to_string()))
}

async fn command(bench: &Bench) -> Result<Finding, Trouble> {
    let call = bench.aws.ssm.send_command().document_name("AWS-RunShellScript").instance_ids(bench.nothing("i"));
    let asked = answer(call.parameters("commands", vec!["true".to_owned()]).send().await)?;
    Ok(Finding::of(asked.is_refusal("InvalidInstanceId"), asked.to_string()))
}

async fn invocations(bench: &Bench) -> Result<Finding, Trouble> {
    let call = bench.aws.ssm.list_command_invocations().command_id("00000000-0000-4000-8000-000000000000");
    Ok(of_none(answer(call.send().await)?.map(|it| it.command_invocations.unwrap_or_default().len())))
}

/// As assumed if AWS lists nothing.
fn of_none(listed: Answer<usize>) -> Finding {
    match listed {
        Answer::Taken(0) => Finding::of(true, "an empty list"),
        Answer::Taken(count) => Finding::of(false, format!("a list of {count}")),
        refused @ Answer::Refused(_) => Finding::of(false, refused.to_string()),
    }
}
