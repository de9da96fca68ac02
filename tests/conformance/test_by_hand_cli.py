"""A node moves to a new instance with nothing but the AWS CLI, as an operator would do it at night."""

import json

import pytest

from cli import Cli
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


@pytest.fixture
def cli(quick):
    return Cli(quick.endpoint)


def test_a_node_is_handed_over(cli):
    node = group(cli)
    volume, zone = tag(node, "durin:volume-id"), tag(node, "durin:hosted-zone-id")
    old = in_state(node, "InService")
    old_address = instance(cli, old)["PrivateIpAddress"]
    assert records(cli, zone) == [record_set(old_address)]

    [ending] = cli("ec2", "terminate-instances", "--instance-ids", old)["TerminatingInstances"]
    assert ending["CurrentState"]["Name"] == "shutting-down"
    until("the old one waits to leave", lambda: in_state(group(cli), "Terminating:Wait") == old)
    complete(cli, TERMINATE_HOOK, old)
    new = until("a new one waits to come", lambda: in_state(group(cli), "Pending:Wait"))

    until("the volume is free", lambda: state(cli, volume) == "available")
    until("the new one runs", lambda: instance(cli, new)["State"]["Name"] == "running")
    to_new = ["--volume-id", volume, "--instance-id", new, "--device", DEVICE]
    assert cli("ec2", "attach-volume", *to_new)["State"] == "attaching"
    until("it is attached", lambda: attachment(cli, volume) == (new, "attached"))
    assert state(cli, volume) == "in-use"

    new_address = instance(cli, new)["PrivateIpAddress"]
    batch = json.dumps(moved(old_address, new_address))
    to_zone = ["--hosted-zone-id", zone]
    change = cli("route53", "change-resource-record-sets", *to_zone, "--change-batch", batch)["ChangeInfo"]
    assert change["Status"] == "PENDING"
    complete(cli, LAUNCH_HOOK, new)

    until("it serves", lambda: in_state(group(cli), "InService") == new)
    assert records(cli, zone) == [record_set(new_address)]
    until("the old one is gone", lambda: [it["InstanceId"] for it in group(cli)["Instances"]] == [new])
    until("all name servers know", lambda: change_status(cli, change["Id"]) == "INSYNC")
    # A late caller finds nothing left to do.
    refused = cli.refused("autoscaling", "complete-lifecycle-action", *action(LAUNCH_HOOK, new))
    assert f"No active Lifecycle Action found with instance ID {new}" in refused
    refused = cli.refused("route53", "change-resource-record-sets", *to_zone, "--change-batch", batch)
    assert "the values provided do not match the current values" in refused


def group(cli):
    [found] = cli("autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names", GROUP)[
        "AutoScalingGroups"
    ]
    return found


def instance(cli, instance_id):
    [reservation] = cli("ec2", "describe-instances", "--instance-ids", instance_id)["Reservations"]
    return reservation["Instances"][0]


def describe_volume(cli, volume):
    return cli("ec2", "describe-volumes", "--volume-ids", volume)["Volumes"][0]


def state(cli, volume):
    return describe_volume(cli, volume)["State"]


def attachment(cli, volume):
    [attached] = describe_volume(cli, volume)["Attachments"]
    return attached["InstanceId"], attached["State"]


def records(cli, zone):
    listed = cli(
        "route53", "list-resource-record-sets", "--hosted-zone-id", zone, "--start-record-name", RECORD
    )
    return a_records(listed)


def change_status(cli, change):
    return cli("route53", "get-change", "--id", change)["ChangeInfo"]["Status"]


def action(hook, instance_id):
    return [
        *("--auto-scaling-group-name", GROUP, "--lifecycle-hook-name", hook),
        *("--instance-id", instance_id, "--lifecycle-action-result", "CONTINUE"),
    ]


def complete(cli, hook, instance_id):
    cli("autoscaling", "complete-lifecycle-action", *action(hook, instance_id))
