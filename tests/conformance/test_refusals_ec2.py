"""What EC2 refuses, in words seen in the wild. It declares no errors: the words are all there is."""

import pytest

from hand_off import DEVICE, GROUP, in_state, tag
from refusals import refused
from tour import instance_reaches, volume_reaches

NOBODY = "vol-0123456789abcdef0"
NO_INSTANCE = "i-0123456789abcdef0"


@pytest.fixture
def node(quiet):
    return Node(quiet)


class Node:
    """The node that there is, and what it has."""

    def __init__(self, aws):
        [group] = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])[
            "AutoScalingGroups"
        ]
        self.ec2 = aws.ec2
        self.volume = tag(group, "durin:volume-id")
        self.instance = in_state(group, "InService")

    def new_volume(self, zone="eu-central-1a"):
        volume = self.ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
        volume_reaches(self.ec2, volume, "available")
        return volume

    def attach(self, volume, instance=None, device="/dev/sdg"):
        return self.ec2.attach_volume(VolumeId=volume, InstanceId=instance or self.instance, Device=device)


def test_a_volume_is_attached_once(node):
    with refused("VolumeInUse", f"{node.volume} is already attached to an instance"):
        node.attach(node.volume)


def test_a_volume_that_is_being_created_cannot_be_attached(node):
    volume = node.ec2.create_volume(AvailabilityZone="eu-central-1a", Size=1)["VolumeId"]
    with refused("IncorrectState", f"{volume} is not 'available'."):
        node.attach(volume)


def test_an_instance_that_is_not_running_gets_no_volume(serve):
    node = Node(serve(functions=False, speed=5))
    volume = node.new_volume()
    image = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3a.medium"}
    [instance] = node.ec2.run_instances(MinCount=1, MaxCount=1, **image)["Instances"]
    assert instance["State"]["Name"] == "pending"
    pending = instance["InstanceId"]
    with refused("IncorrectState", f"Instance '{pending}' is not 'running'."):
        node.attach(volume, pending)


def test_a_volume_does_not_leave_its_zone(serve):
    node = Node(serve(functions=False, speed=20))
    elsewhere = node.new_volume("eu-central-1b")
    text = f"The volume '{elsewhere}' is not in the same availability zone as instance '{node.instance}'"
    with refused("InvalidVolume.ZoneMismatch", text):
        node.attach(elsewhere)


def test_a_device_name_is_taken_once(serve):
    node = Node(serve(functions=False, speed=20))
    with refused("InvalidParameterValue"):
        node.attach(node.new_volume(), device=DEVICE)


def test_what_does_not_exist_is_not_found(node):
    text = f"The volume '{NOBODY}' does not exist."
    with refused("InvalidVolume.NotFound", text):
        node.attach(NOBODY)
    with refused("InvalidVolume.NotFound", text):
        node.ec2.detach_volume(VolumeId=NOBODY)
    with refused("InvalidVolume.NotFound", text):
        node.ec2.describe_volumes(VolumeIds=[node.volume, NOBODY])
    with refused("InvalidInstanceID.NotFound", f"The instance ID '{NO_INSTANCE}' does not exist"):
        node.ec2.describe_instances(InstanceIds=[node.instance, NO_INSTANCE])
    with refused("InvalidInstanceID.Malformed"):
        node.ec2.describe_instances(InstanceIds=["i-am-not"])


def test_a_free_volume_cannot_be_detached(serve):
    node = Node(serve(functions=False, speed=20))
    volume = node.new_volume()
    with refused("IncorrectState", f"Volume '{volume}' is in the 'available' state."):
        node.ec2.detach_volume(VolumeId=volume, InstanceId=node.instance)


def test_a_late_duplicate_does_not_detach_the_new_holder(node):
    with refused("InvalidAttachment.NotFound"):
        node.ec2.detach_volume(VolumeId=node.volume, InstanceId=NO_INSTANCE)
    with refused("InvalidAttachment.NotFound"):
        node.ec2.detach_volume(VolumeId=node.volume, InstanceId=node.instance, Device="/dev/sdz")


def test_a_volume_of_an_ending_instance_frees_itself(node):
    node.ec2.terminate_instances(InstanceIds=[node.instance])
    text = (
        f"Unable to detach volume '{node.volume}' from instance '{node.instance}'. "
        "The instance is not in a state in which volumes can be detached."
    )
    with refused("IncorrectInstanceState", text):
        node.ec2.detach_volume(VolumeId=node.volume, InstanceId=node.instance)


def test_a_dead_instance_is_listed_without_an_address(serve):
    node = Node(serve(functions=False, speed=50))
    node.ec2.terminate_instances(InstanceIds=[node.instance])
    instance_reaches(node.ec2, node.instance, "terminated")
    [dead] = node.ec2.describe_instances(InstanceIds=[node.instance])["Reservations"][0]["Instances"]
    assert "PrivateIpAddress" not in dead


def test_a_dry_run_ends_in_an_error(node):
    text = "Request would have succeeded, but DryRun flag is set."
    with refused("DryRunOperation", text, status=412):
        node.ec2.terminate_instances(InstanceIds=[node.instance], DryRun=True)
    instance_reaches(node.ec2, node.instance, "running")


def test_a_parameter_that_would_be_ignored_is_refused(node):
    with refused("UnknownParameter"):
        node.ec2.create_volume(AvailabilityZone="eu-central-1a", Size=1, Iops=3000)
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        node.ec2.describe_volumes(Filters=[{"Name": "colour", "Values": ["red"]}])
