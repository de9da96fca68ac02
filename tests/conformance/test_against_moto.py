"""The same calls to the local AWS and to moto, which others wrote from what AWS answered them.

Every difference is a mistake of ours, or it is listed here with the reason why AWS is on our side, or why
what AWS has is left out. What is not listed fails, and so does what is listed and differs no more.
"""

import sys
from pathlib import Path

import boto3
import pytest

import plays
from differences import differences
from local_aws import CONFIG, serving, started

ANY = object()


def of_instances(path, *rest):
    """The same difference, where an instance is launched and where it is described."""
    return [
        ("RunInstances", f"Instances[].{path}", *rest),
        ("DescribeInstances", f"Reservations[].Instances[].{path}", *rest),
    ]


def error(code, status=400):
    return {"Code": code, "Status": status}


# Operation, path in its answer, what is here, what moto has, and why AWS is on our side.
MOTO_IS_WRONG = [
    # EC2
    ("CreateVolume", "State", "creating", "available", "EC2 User Guide, volume states: it is created first"),
    ("CreateVolume", "Error", error("InvalidZone.NotFound"), None, "EC2 API Reference, error codes"),
    ("CreateVolume", "SnapshotId", "", None, "EC2 API Reference, examples of CreateVolume"),
    ("DescribeVolumes", "Volumes[].SnapshotId", "", None, "EC2 API Reference, examples of DescribeVolumes"),
    ("CreateVolume", "MultiAttachEnabled", False, None, "EC2 API Reference, Volume: there for every volume"),
    ("DescribeVolumes", "Volumes[].MultiAttachEnabled", False, None, "EC2 API Reference, Volume"),
    (
        "DescribeVolumes",
        "Volumes[].Attachments[].DeleteOnTermination",
        False,
        None,
        "EC2 API Reference, examples",
    ),
    (
        *("DetachVolume", "Error.Code", "IncorrectState", "InvalidAttachment.NotFound"),
        "kubernetes-sigs/aws-ebs-csi-driver#1801 has the answer as it came over the wire",
    ),
    ("CreateTags", "Error", error("InvalidInstanceID.NotFound"), None, "EC2 API Reference, error codes"),
    ("CreateLaunchTemplate", "LaunchTemplate.Tags", None, [], "what has no tags has no list of them"),
    ("DescribeLaunchTemplates", "LaunchTemplates[].Tags", None, [], "what has no tags has no list of them"),
    ("DeleteLaunchTemplate", "LaunchTemplate.CreateTime", "<time>", None, "EC2 API Reference, example"),
    ("DeleteLaunchTemplate", "LaunchTemplate.CreatedBy", "<masked>", None, "EC2 API Reference, example"),
    ("DeleteLaunchTemplate", "LaunchTemplate.LatestVersionNumber", 1, None, "EC2 API Reference, example"),
    (
        *("DeleteLaunchTemplate", "Error.Code"),
        *("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"),
        "EC2 API Reference, error codes: the former is for ids",
    ),
    *of_instances("EnaSupport", True, None, "EC2 User Guide: these instance types need it"),
    *of_instances("KernelId", None, "None", "not an id at all"),
    *of_instances("SriovNetSupport", None, "simple", "EC2 User Guide: it is for types without ENA"),
    *of_instances(
        "VirtualizationType", "hvm", "paravirtual", "EC2 User Guide: these types have nothing else"
    ),
    (
        "RunInstances",
        "Instances[].StateReason.Code",
        "pending",
        "",
        "EC2 API Reference, example of RunInstances",
    ),
    (
        "RunInstances",
        "Instances[].StateReason.Message",
        "pending",
        "",
        "EC2 API Reference, example of RunInstances",
    ),
    (
        *("DescribeInstances", "Reservations[].Instances[].StateReason", None, {"Code": "", "Message": ""}),
        "EC2 API Reference, example of DescribeInstances: what runs has no reason not to",
    ),
    (
        *("DescribeInstances", "Reservations[].Instances[].StateTransitionReason"),
        *("<masked> GMT)", "<masked> UTC)", "EC2 User Guide, instance state change reasons"),
    ),
    *(
        (
            "DescribeInstances",
            f"Reservations[].Instances[].{member}",
            here,
            ANY,
            "what is terminated has no network",
        )
        for member, here in [
            ("PrivateDnsName", ""),
            ("PrivateIpAddress", None),
            ("SubnetId", None),
            ("VpcId", None),
        ]
    ),
    (
        "DescribeInstances",
        "Reservations[].Instances[].SourceDestCheck",
        None,
        True,
        "what is terminated has no network",
    ),
    (
        "TerminateInstances",
        "TerminatingInstances[].CurrentState.Code",
        48,
        32,
        "what is dead does not die again",
    ),
    (
        *("TerminateInstances", "TerminatingInstances[].CurrentState.Name", "terminated", "shutting-down"),
        "what is dead does not die again",
    ),
    # Auto Scaling
    (
        *("DescribeAutoScalingGroups", "AutoScalingGroups[].HealthCheckGracePeriod", 0, 300),
        "botocore's model of CreateAutoScalingGroup: 0 by default; 300 is the console's",
    ),
    *(
        (
            *("DescribeAutoScalingGroups", f"AutoScalingGroups[].{member}", here, None),
            "what AWS answered about groups of cloud-custodian's authors, in their recordings",
        )
        for member, here in [
            ("AvailabilityZoneDistribution", {"CapacityDistributionStrategy": "balanced-best-effort"}),
            ("CapacityReservationSpecification", {"CapacityReservationPreference": "default"}),
            ("InstanceLifecyclePolicy", {"RetentionTriggers": {"TerminateHookAbandon": "terminate"}}),
            ("VPCZoneIdentifier", ""),
        ]
    ),
    (
        "DescribeAutoScalingGroups",
        "AutoScalingGroups[].TrafficSources",
        [],
        None,
        "AWS CLI Reference, example",
    ),
    (
        *("DescribeAutoScalingInstances", "AutoScalingInstances[].HealthStatus", "HEALTHY", "Healthy"),
        "botocore's example of DescribeAutoScalingInstances",
    ),
    (
        *("DescribeLifecycleHooks", "LifecycleHooks[].GlobalTimeout", 6000, 172_800),
        "botocore's model of LifecycleHook: the heartbeat timeout a hundred times, if that is less",
    ),
    ("DescribeLifecycleHooks", "LifecycleHooks[].NotificationTargetARN", None, ANY, "nobody asked for one"),
    ("DescribeLifecycleHooks", "LifecycleHooks[].RoleARN", None, ANY, "nobody asked for one"),
    (
        *("SetInstanceHealth", "Error.Code", "ValidationError", "InvalidInstanceID.NotFound"),
        "the latter is one of EC2's codes",
    ),
    # Route 53
    *(
        (
            operation,
            "ChangeInfo.Status",
            "PENDING",
            "INSYNC",
            "Route 53 API Reference: every change begins so",
        )
        for operation in ["CreateHostedZone", "ChangeResourceRecordSets", "DeleteHostedZone"]
    ),
    (
        *("ChangeResourceRecordSets", "Error", error("InvalidChangeBatch"), None),
        "Route 53 API Reference: a DELETE needs the current values",
    ),
    *(
        (
            operation,
            f"DelegationSet.{member}",
            None,
            ANY,
            "Route 53 API Reference: only a reusable one has it",
        )
        for operation in ["CreateHostedZone", "GetHostedZone"]
        for member in ["CallerReference", "Id"]
    ),
    ("ListHostedZones", "Marker", "", None, "required by botocore's model"),
    (
        "ListHostedZonesByName",
        "DNSName",
        "play.example",
        "play.example.",
        "Route 53 API Reference: as it was asked",
    ),
    ("ListHostedZonesByName", "IsTruncated", False, None, "required by botocore's model"),
    ("ListHostedZonesByName", "MaxItems", "100", None, "required by botocore's model"),
    (
        *("ListResourceRecordSets", "ResourceRecordSets[].Name", "\\052.play.example.", "*.play.example."),
        "Route 53 Developer Guide, domain name format",
    ),
    # SSM
    ("DescribeParameters", "Parameters[].ARN", ANY, None, "botocore's model of ParameterMetadata"),
    ("DescribeParameters", "Parameters[].Policies", [], None, "AWS CLI Reference, example"),
    ("GetParameterHistory", "Parameters[].Policies", [], None, "AWS CLI Reference, example"),
    ("GetParameter", "Parameter.Selector", ":1", None, "botocore's model of Parameter"),
]

# The same, where AWS has what the local AWS leaves out.
LEFT_OUT = [
    *of_instances("ClientToken", None, "<masked>", "tokens are not remembered"),
    *of_instances(
        "RootDeviceName", "/dev/xvda", "/dev/sda1", "the image's own affair, and there are no images"
    ),
    *of_instances("BlockDeviceMappings[].DeviceName", "/dev/xvda", "/dev/sda1", "the same device"),
    *of_instances("HibernationOptions", None, ANY, "nothing hibernates"),
    *of_instances("MetadataOptions.HttpTokens", None, ANY, "there is no metadata service"),
    *of_instances("MetadataOptions.HttpPutResponseHopLimit", None, ANY, "there is no metadata service"),
    *of_instances("MetadataOptions.HttpEndpoint", None, ANY, "there is no metadata service"),
    *of_instances("MetadataOptions.HttpProtocolIpv6", None, ANY, "there is no metadata service"),
    *of_instances("NetworkInterfaces", None, ANY, "an address is all that there is of the network"),
    *of_instances("PublicIpAddress", None, "<masked>", "the subnets do not give out public addresses"),
    *of_instances("PublicDnsName", "", ANY, "the subnets do not give out public addresses"),
]

LISTED = MOTO_IS_WRONG + LEFT_OUT


@pytest.fixture(scope="module")
def found():
    """What differs, for each play."""
    moto_server = [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", "0"]
    with started(moto_server, announcement=r"Running on (http://127\.0\.0\.1:[0-9]+)") as endpoint:
        return {play: played(play, endpoint) for play in plays.PLAYS}


def played(play, moto_endpoint):
    there = plays.Stage(lambda service: boto3.client(service, endpoint_url=moto_endpoint, config=CONFIG))
    with serving(functions=False, speed=200, world="empty") as aws:
        here = plays.Stage(aws.client)
        play(here)
    play(there)
    pairs = zip(here.answers, there.answers, strict=True)
    return [(name, *it) for (name, ours), (_, motos) in pairs for it in differences(ours, motos)]


@pytest.mark.parametrize("play", plays.PLAYS, ids=lambda play: play.__name__)
def test_what_differs_from_moto_is_listed(found, play):
    assert [
        difference for difference in found[play] if not any(same(difference, row) for row in LISTED)
    ] == []


def test_what_is_listed_still_differs(found):
    differing = [difference for play in plays.PLAYS for difference in found[play]]
    assert [row for row in LISTED if not any(same(difference, row) for difference in differing)] == []


def same(difference, row):
    (*place, here, there), (*listed_place, ours, motos, _reason) = difference, row
    return place == listed_place and ours in (ANY, here) and motos in (ANY, there)
