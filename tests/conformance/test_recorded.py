"""What the local AWS answers, held against what AWS answered to others."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import tour
from recorded import Seen, output_shape, pattern_of, recordings
from test_shapes import SERVICES, WORLD

DIFFERENCES = Path(__file__).with_name("recorded_differences.txt")

with_recordings = pytest.mark.skipif("DURIN_RECORDED" not in os.environ, reason="DURIN_RECORDED names no recordings")


@with_recordings
def test_answers_have_what_aws_sent_to_others(serve, tmp_path):
    world = tmp_path / "world.json"
    world.write_text(json.dumps(WORLD))
    aws = serve(functions=False, speed=100, world=world)
    seen = {}

    def note(parsed, model, **_):
        answer = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        operation = f"{model.service_model.service_name}.{model.name}"
        if "Error" not in answer:
            seen.setdefault(operation, Seen()).add(answer, model.output_shape)

    for service in SERVICES:
        aws.client(service).meta.events.register("after-call", note)
    tour.walk(aws)

    found = {}
    for recording in recordings(os.environ["DURIN_RECORDED"]):
        operation = recording.operation
        if recording.error is None and operation not in seen:
            found[f"{operation}"] = f"not served ({recording.source})"
        elif recording.error is None:
            differences = seen[operation].differences(recording.answer, output_shape(operation))
            found.update({f"{operation} {path}": f"{how} ({recording.source})" for path, how in differences})
    assert_listed(found, "answers")


@with_recordings
def test_refusals_are_in_the_words_that_aws_had_for_others(quiet):
    found = {}
    for recording in recordings(os.environ["DURIN_RECORDED"]):
        if recording.error is None:
            continue
        code, message = recording.error["Code"], recording.error.get("Message", "")
        key = f"{recording.operation} {code}"
        provoke = PROVOCATIONS.get(key)
        if provoke is None:
            found[key] = f"nobody provokes it ({recording.source})"
            continue
        try:
            provoke(quiet)
        except ClientError as error:
            answer = error.response
        else:
            found[key] = f"nothing is refused ({recording.source})"
            continue
        ours = (answer["Error"]["Code"], pattern_of(answer["Error"].get("Message", "")))
        ours = (*ours, answer["ResponseMetadata"]["HTTPStatusCode"])
        if ours != (code, pattern_of(message), recording.status):
            found[key] = f"{(code, message, recording.status)}, here {ours} ({recording.source})"
    assert_listed(found, "refusals")


TIME = datetime(2026, 1, 5, 6, 0, 0)
ANSWER = {"Volumes": [{"VolumeId": "vol-0123456789abcdef0", "Size": 8, "CreateTime": TIME, "Tags": []}]}


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"Size": "8"}, ("Volumes[].Size", "number in a text, here number")),
        ({"VolumeId": "snap-0123456789abcdef0"}, ("Volumes[].VolumeId", "snap-…, here vol-…")),
        ({"CreateTime": TIME.isoformat()}, ("Volumes[].CreateTime", "text, here time")),
        ({"Iops": 3000}, ("Volumes[].Iops", "number, not sent here")),
        ({"Tags": [{"Key": "a"}]}, ("Volumes[].Tags[]", "structure, not sent here")),
    ],
)
def test_a_difference_is_noticed(changed, difference):
    """Or the comparison would be worth nothing."""
    shape = output_shape("ec2.DescribeVolumes")
    seen = Seen()
    seen.add(ANSWER, shape)
    assert list(seen.differences(ANSWER, shape)) == []
    [volume] = ANSWER["Volumes"]
    assert list(seen.differences({"Volumes": [{**volume, **changed}]}, shape)) == [difference]


def zone_in_use(aws):
    zone = aws.route53.list_hosted_zones()["HostedZones"][0]["Id"]
    aws.route53.delete_hosted_zone(Id=zone)


def zone_for(aws, vpc):
    vpc = {"VPCRegion": "eu-central-1", "VPCId": vpc}
    aws.route53.create_hosted_zone(Name="elsewhere.internal", CallerReference="1", VPC=vpc)


def protected(aws):
    run = aws.ec2.run_instances(
        ImageId="ami-0123456789abcdef0",
        InstanceType="t3a.medium",
        MinCount=1,
        MaxCount=1,
        DisableApiTermination=True,
    )
    aws.ec2.terminate_instances(InstanceIds=[run["Instances"][0]["InstanceId"]])


NOBODY = "0123456789abcdef9"

# How to be refused like that.
PROVOCATIONS = {
    "ec2.CreateTags MissingParameter": lambda aws: aws.ec2.create_tags(
        Resources=[], Tags=[{"Key": "made-by", "Value": "nobody"}]
    ),
    "ec2.CreateVolume MissingParameter": lambda aws: aws.ec2.create_volume(AvailabilityZone="eu-central-1a"),
    "ec2.DescribeLaunchTemplateVersions InvalidLaunchTemplateId.NotFound": lambda aws: (
        aws.ec2.describe_launch_template_versions(LaunchTemplateId=f"lt-{NOBODY}")
    ),
    "ec2.DescribeSnapshots InvalidSnapshot.NotFound": lambda aws: aws.ec2.describe_snapshots(
        SnapshotIds=[f"snap-{NOBODY}"]
    ),
    "ec2.DescribeVolumes InvalidVolume.NotFound": lambda aws: aws.ec2.describe_volumes(VolumeIds=[f"vol-{NOBODY}"]),
    "ec2.TerminateInstances OperationNotPermitted": protected,
    "route53.CreateHostedZone InvalidVPCId": lambda aws: zone_for(aws, f"vpc-{NOBODY}"),
    "route53.DeleteHostedZone HostedZoneNotEmpty": zone_in_use,
    "route53.DeleteHostedZone NoSuchHostedZone": lambda aws: aws.route53.delete_hosted_zone(Id="ZNOBODY"),
    "ssm.DeleteParameter ParameterNotFound": lambda aws: aws.ssm.delete_parameter(Name="/nobody"),
    "ssm.GetDocument InvalidDocument": lambda aws: aws.ssm.get_document(Name="nobody"),
    "ssm.GetParameter ParameterNotFound": lambda aws: aws.ssm.get_parameter(Name="/nobody"),
}


def assert_listed(found, section):
    """Every difference is listed, and every one that is listed is still there."""
    listed = {key for kind, key in listed_differences() if kind == section}
    new = [f"{key}: {how}" for key, how in sorted(found.items()) if key not in listed]
    gone = sorted(listed - set(found))
    told = [f"These differ from AWS; mend them, or list them with a reason in {DIFFERENCES.name}:", *new]
    told += ["These are listed there and do not differ any more; remove them:", *gone]
    assert not new and not gone, "\n".join(told)


def listed_differences():
    section = None
    for line in DIFFERENCES.read_text().splitlines():
        entry = line.split("#")[0].strip()
        if entry.endswith(":"):
            section = entry.removesuffix(":")
        elif entry:
            yield section, entry
