"""A node moves to a new instance with nothing but boto3: after the old one ended, and while it still runs."""

from hand_off import (
    DEVICE,
    GROUP,
    LAUNCH_HOOK,
    RECORD,
    TERMINATE_HOOK,
    a_records,
    in_state,
    moved,
    record_set,
    tag,
)
from waiting import until


def test_a_node_is_handed_over_after_its_instance_ended(quick):
    node = group(quick)
    volume, zone = tag(node, "durin:volume-id"), tag(node, "durin:hosted-zone-id")
    old = in_state(node, "InService")
    old_address = instance(quick, old)["PrivateIpAddress"]

    [ending] = quick.ec2.terminate_instances(InstanceIds=[old])["TerminatingInstances"]
    assert (ending["PreviousState"]["Name"], ending["CurrentState"]["Name"]) == ("running", "shutting-down")
    until("the old one waits to leave", lambda: in_state(group(quick), "Terminating:Wait") == old)
    complete(quick, TERMINATE_HOOK, old)
    new = until("a new one waits to come", lambda: in_state(group(quick), "Pending:Wait"))

    until("the volume is free", lambda: describe_volume(quick, volume)["State"] == "available")
    hand_over(quick, volume, zone, old_address, new)
    until("the old one is gone", lambda: [it["InstanceId"] for it in group(quick)["Instances"]] == [new])


def test_a_node_is_handed_over_while_its_old_instance_waits(quick):
    """The group ends the instance itself: it runs on until its terminate action is completed."""
    node = group(quick)
    volume, zone = tag(node, "durin:volume-id"), tag(node, "durin:hosted-zone-id")
    old = in_state(node, "InService")
    old_address = instance(quick, old)["PrivateIpAddress"]

    quick.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=old, ShouldDecrementDesiredCapacity=False
    )
    until("the old one waits to leave", lambda: in_state(group(quick), "Terminating:Wait") == old)
    assert instance(quick, old)["State"]["Name"] == "running"
    # Still mounted, so that nothing but force gets it off.
    assert quick.ec2.detach_volume(VolumeId=volume, InstanceId=old)["State"] == "busy"
    assert quick.ec2.detach_volume(VolumeId=volume, InstanceId=old, Force=True)["State"] == "detaching"
    until("the volume is free", lambda: describe_volume(quick, volume)["State"] == "available")
    complete(quick, TERMINATE_HOOK, old)

    new = until("a new one waits to come", lambda: in_state(group(quick), "Pending:Wait"))
    hand_over(quick, volume, zone, old_address, new)


def hand_over(aws, volume, zone, old_address, new):
    """The second half of both: volume, record, launch action."""
    until("the new one runs", lambda: instance(aws, new)["State"]["Name"] == "running")
    attaching = aws.ec2.attach_volume(VolumeId=volume, InstanceId=new, Device=DEVICE)
    assert attaching["State"] == "attaching"
    # In use before it is attached: a client that waits for the former mounts too early.
    assert describe_volume(aws, volume)["State"] == "in-use"
    until("it is attached", lambda: describe_volume(aws, volume)["Attachments"][0]["State"] == "attached")
    assert describe_volume(aws, volume)["Attachments"][0]["InstanceId"] == new

    new_address = instance(aws, new)["PrivateIpAddress"]
    batch = moved(old_address, new_address)
    change = aws.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]
    assert change["Status"] == "PENDING"
    listed = aws.route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName=RECORD)
    assert a_records(listed) == [record_set(new_address)]

    complete(aws, LAUNCH_HOOK, new)
    until("it serves", lambda: in_state(group(aws), "InService") == new)
    in_sync = lambda: aws.route53.get_change(Id=change["Id"])["ChangeInfo"]["Status"] == "INSYNC"  # noqa: E731
    until("all name servers know", in_sync)


def complete(aws, hook, instance_id):
    aws.autoscaling.complete_lifecycle_action(
        AutoScalingGroupName=GROUP,
        LifecycleHookName=hook,
        InstanceId=instance_id,
        LifecycleActionResult="CONTINUE",
    )


def group(aws):
    [found] = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
    return found


def instance(aws, instance_id):
    [reservation] = aws.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return reservation["Instances"][0]


def describe_volume(aws, volume):
    [found] = aws.ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    return found
