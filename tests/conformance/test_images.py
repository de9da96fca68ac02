"""An image's life as boto3 and the AWS CLI see it: baked, published, launched, retired."""

import pytest

from cli import Cli
from refusals import refused
from tour import image_reaches, instance_reaches
from waiting import until

PUBLIC_IMAGE = "ami-0123456789abcdef0"
PARAMETER = "/durin/image"
NOBODY = "ami-00000000000000000"


@pytest.fixture
def quick(serve):
    """Quicker than others need it: an image takes minutes."""
    return serve(functions=False, speed=500)


@pytest.fixture
def ec2(quick):
    return quick.ec2


def new_image(ec2, name):
    [reservation] = ec2.describe_instances(
        Filters=[{"Name": "instance-state-name", "Values": ["running"]}]
    )["Reservations"]
    instance = reservation["Instances"][0]["InstanceId"]
    image = ec2.create_image(InstanceId=instance, Name=name, NoReboot=True)["ImageId"]
    image_reaches(ec2, image, "available")
    return image


def snapshots_of(ec2, image):
    [found] = ec2.describe_images(ImageIds=[image])["Images"]
    return [device["Ebs"]["SnapshotId"] for device in found["BlockDeviceMappings"]]


def test_what_does_not_exist_or_is_not_ours_is_refused(ec2):
    with refused("InvalidAMIID.NotFound", f"The image id '[{NOBODY}]' does not exist"):
        ec2.describe_images(ImageIds=[NOBODY])
    with refused("InvalidAMIID.NotFound"):
        ec2.deregister_image(ImageId=NOBODY)
    with refused("InvalidAMIID.NotFound"):
        ec2.run_instances(ImageId=NOBODY, InstanceType="t3a.medium", MinCount=1, MaxCount=1)
    with refused("InvalidAMIID.Malformed"):
        ec2.describe_images(ImageIds=["image"])
    with refused("AuthFailure", status=403):
        ec2.deregister_image(ImageId=PUBLIC_IMAGE)
    with refused("InvalidSnapshot.NotFound"):
        ec2.delete_snapshot(SnapshotId="snap-00000000000000000")


def test_an_image_is_published_and_launched_next(quick):
    image = new_image(quick.ec2, "newer")
    quick.ssm.put_parameter(Name=PARAMETER, Value=image, Overwrite=True)
    look = lambda: quick.ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"]  # noqa: E731
    until("validated", lambda: look() == image)
    template = {"LaunchTemplateName": "k3s"}
    [version] = quick.ec2.describe_launch_template_versions(**template, ResolveAlias=True)["LaunchTemplateVersions"]
    assert version["LaunchTemplateData"]["ImageId"] == image
    run = quick.ec2.run_instances(LaunchTemplate=template, MinCount=1, MaxCount=1)
    assert run["Instances"][0]["ImageId"] == image


def test_an_image_is_retired_step_by_step(ec2):
    image = new_image(ec2, "older")
    snapshots = snapshots_of(ec2, image)
    with refused("InvalidSnapshot.InUse", f"The snapshot {snapshots[0]} is currently in use by {image}"):
        ec2.delete_snapshot(SnapshotId=snapshots[0])
    ec2.disable_image(ImageId=image)
    assert ec2.describe_images(ImageIds=[image])["Images"] == []
    with refused("InvalidAMIID.Unavailable", f"The image ID '{image}' is not available"):
        ec2.run_instances(ImageId=image, InstanceType="t3a.medium", MinCount=1, MaxCount=1)
    answer = ec2.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)
    outcomes = {it["SnapshotId"]: it["ReturnCode"] for it in answer["DeleteSnapshotResults"]}
    assert outcomes == dict.fromkeys(snapshots, "success")
    with refused("InvalidAMIID.Unavailable"):
        ec2.deregister_image(ImageId=image)
    with refused("InvalidSnapshot.NotFound"):
        ec2.describe_snapshots(SnapshotIds=snapshots)


def test_a_protected_image_stays(ec2):
    image = new_image(ec2, "kept")
    ec2.enable_image_deregistration_protection(ImageId=image, WithCooldown=True)
    with refused("OperationNotPermitted"):
        ec2.deregister_image(ImageId=image)
    ec2.disable_image_deregistration_protection(ImageId=image)
    with refused("OperationNotPermitted"):
        ec2.deregister_image(ImageId=image)


def test_the_paginators_get_everything_once(ec2):
    """botocore's own, with pages as short as they may be."""
    instance = ec2.run_instances(ImageId=PUBLIC_IMAGE, InstanceType="t3a.medium", MinCount=7, MaxCount=7)
    first = instance["Instances"][0]["InstanceId"]
    instance_reaches(ec2, first, "running")
    made = {ec2.create_image(InstanceId=first, Name=f"page-{number}")["ImageId"] for number in range(7)}
    pages = ec2.get_paginator("describe_images").paginate(Owners=["self"], PaginationConfig={"PageSize": 2})
    listed = [image["ImageId"] for page in pages for image in page["Images"]]
    assert len(listed) == len(set(listed)) and made < set(listed)
    pages = ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 5})
    snapshots = [snapshot["SnapshotId"] for page in pages for snapshot in page["Snapshots"]]
    assert len(snapshots) == len(set(snapshots)) and len(snapshots) >= len(listed)


def test_an_operator_looks_after_images_with_the_cli(quick):
    cli = Cli(quick.endpoint)
    own = cli("ec2", "describe-images", "--owners", "self")["Images"]
    [image] = [it for it in own if {"Key": "durin:image-parameter", "Value": PARAMETER} in it["Tags"]]
    [published] = cli("ssm", "get-parameters", "--names", PARAMETER)["Parameters"]
    assert (published["Value"], published["DataType"]) == (image["ImageId"], "aws:ec2:image")
    ids = ["--image-ids", image["ImageId"]]
    references = cli("ec2", "describe-image-references", *ids, "--include-all-resource-types")["ImageReferences"]
    assert {it["ResourceType"] for it in references} == {"ec2:Instance", "ssm:Parameter"}
    cli("ec2", "enable-image-deprecation", "--image-id", image["ImageId"], "--deprecate-at", "2036-01-01T00:00:29Z")
    [image] = cli("ec2", "describe-images", *ids)["Images"]
    assert image["DeprecationTime"] == "2036-01-01T00:00:00.000Z"
    cli("ec2", "disable-image", "--image-id", image["ImageId"])
    assert cli("ec2", "describe-images", "--owners", "self")["Images"] == []
    assert len(cli("ec2", "describe-images", "--owners", "self", "--include-disabled")["Images"]) == 1
