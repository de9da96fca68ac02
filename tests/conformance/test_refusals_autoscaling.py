"""What Auto Scaling refuses, nearly all of it as a `ValidationError` that differs in nothing but its text."""

import pytest

from hand_off import GROUP, LAUNCH_HOOK, in_state
from refusals import refused

TOKEN = "0befcbdb-6ecd-498a-9ff7-ae9b54447cd6"


@pytest.fixture
def autoscaling(quiet):
    return quiet.autoscaling


def complete(autoscaling, group=GROUP, **action):
    autoscaling.complete_lifecycle_action(
        AutoScalingGroupName=group, LifecycleHookName=LAUNCH_HOOK, LifecycleActionResult="CONTINUE", **action
    )


def test_an_action_that_is_not_active_cannot_be_completed(autoscaling):
    [group] = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
    instance = in_state(group, "InService")
    with refused("ValidationError", f"No active Lifecycle Action found with instance ID {instance}"):
        complete(autoscaling, InstanceId=instance)
    with refused("ValidationError", f"No active Lifecycle Action found with token {TOKEN}"):
        complete(autoscaling, LifecycleActionToken=TOKEN)


def test_an_unknown_group_has_the_same_code_and_another_text(autoscaling):
    text = "AutoScalingGroup name not found - AutoScalingGroup 'nobody' not found"
    with refused("ValidationError", text):
        complete(autoscaling, group="nobody", LifecycleActionToken=TOKEN)


def test_unknown_groups_and_instances_are_missing_from_descriptions(autoscaling):
    assert (
        autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["nobody"])["AutoScalingGroups"] == []
    )
    instances = autoscaling.describe_auto_scaling_instances(InstanceIds=["i-0123456789abcdef0"])
    assert instances["AutoScalingInstances"] == []


def test_health_is_spelled_in_two_ways(autoscaling):
    [group] = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    [instance] = autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
    assert (group["Instances"][0]["HealthStatus"], instance["HealthStatus"]) == ("Healthy", "HEALTHY")


def test_a_group_in_use_is_not_deleted(autoscaling):
    with refused("ResourceInUse"):
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP)


def test_a_group_is_created_once(autoscaling):
    with refused("AlreadyExists"):
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            MinSize=0,
            MaxSize=1,
            AvailabilityZones=["eu-central-1a"],
            LaunchTemplate={"LaunchTemplateName": "k3s"},
        )


def test_there_is_one_instance_refresh_at_a_time(autoscaling):
    name = {"AutoScalingGroupName": GROUP}
    with refused("ActiveInstanceRefreshNotFound"):
        autoscaling.cancel_instance_refresh(**name)
    autoscaling.start_instance_refresh(**name)
    with refused("InstanceRefreshInProgress"):
        autoscaling.start_instance_refresh(**name)


def test_percentages_of_a_maintenance_policy_come_in_pairs(autoscaling):
    for policy in [
        {"MinHealthyPercentage": 100},
        {"MaxHealthyPercentage": 110},
        {"MinHealthyPercentage": 0, "MaxHealthyPercentage": 110},
    ]:
        with refused("ValidationError"):
            autoscaling.update_auto_scaling_group(
                AutoScalingGroupName=GROUP, InstanceMaintenancePolicy=policy
            )


def test_a_maintenance_policy_is_cleared_with_minus_one(autoscaling):
    name = {"AutoScalingGroupName": GROUP}
    policy = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110}
    for given, shown in [(policy, policy), ({bound: -1 for bound in policy}, None)]:
        autoscaling.update_auto_scaling_group(**name, InstanceMaintenancePolicy=given)
        [group] = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        assert group.get("InstanceMaintenancePolicy") == shown
