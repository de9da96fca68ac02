"""With Durin's functions deployed, a node comes back without help, however its instance ended."""

import pytest

from cli import Cli
from hand_off import DEVICE, GROUP, RECORD, a_records, in_state, record_set, tag
from waiting import until

WITHIN_S = 60


@pytest.fixture
def aws(serve):
    return serve(functions=True, speed=50)


def test_a_node_comes_back_after_its_instance_was_terminated(aws):
    old = instance_of_node(aws)
    Cli(aws.endpoint)("ec2", "terminate-instances", "--instance-ids", old)
    comes_back(aws, old)


def test_a_node_comes_back_after_its_group_was_told_to_replace_it(aws):
    old = instance_of_node(aws)
    aws.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=old, ShouldDecrementDesiredCapacity=False
    )
    comes_back(aws, old)


def test_a_node_comes_back_after_it_was_found_unhealthy(aws):
    old = instance_of_node(aws)
    aws.autoscaling.set_instance_health(
        InstanceId=old, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
    )
    comes_back(aws, old)


def comes_back(aws, old):
    new = until("another instance is in service", lambda: other_in_service(aws, old), WITHIN_S)
    volume, zone = tag(group(aws), "durin:volume-id"), tag(group(aws), "durin:hosted-zone-id")
    [held] = aws.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Attachments"]
    assert (held["InstanceId"], held["Device"], held["State"]) == (new, DEVICE, "attached")
    [reservation] = aws.ec2.describe_instances(InstanceIds=[new])["Reservations"]
    address = reservation["Instances"][0]["PrivateIpAddress"]
    listed = aws.route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName=RECORD)
    assert a_records(listed) == [record_set(address)]
    until(
        "the old one is gone", lambda: [it["InstanceId"] for it in group(aws)["Instances"]] == [new], WITHIN_S
    )


def instance_of_node(aws):
    return until("the node is in service", lambda: in_state(group(aws), "InService"))


def other_in_service(aws, old):
    found = in_state(group(aws), "InService")
    return found if found != old else None


def group(aws):
    [found] = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
    return found
